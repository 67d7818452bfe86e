/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"
#include "test.h"

static void reads_big_endian(struct test *t)
{
	struct cursor c = cursor_of(SLICE("\x01\x02\x03\x04\x05\x06\x07"));

	EXPECT_UINT(t, cursor_u8(&c), 0x01);
	EXPECT_UINT(t, cursor_be16(&c), 0x0203);
	EXPECT_UINT(t, cursor_be32(&c), 0x04050607);
	EXPECT_UINT(t, cursor_left(&c), 0);
	EXPECT(t, cursor_ok(&c));
}

static void first_overrun_sticks(struct test *t)
{
	struct cursor c = cursor_of(SLICE("\xff\xff\xff"));

	EXPECT_UINT(t, cursor_be32(&c), 0);
	EXPECT_UINT(t, cursor_u8(&c), 0); /* bytes are there, but the cursor is bad */
	EXPECT_UINT(t, cursor_left(&c), 0);
	EXPECT(t, !cursor_ok(&c));
	struct cursor sub = cursor_sub(&c, 0);
	EXPECT(t, !cursor_ok(&sub));
}

static void child_cannot_leave_its_bounds(struct test *t)
{
	struct cursor c = cursor_of(SLICE("\x02"
					  "ab"
					  "cd"));
	struct cursor sub = cursor_sub(&c, cursor_u8(&c));

	EXPECT_SLICE(t, cursor_take(&sub, 2), SLICE("ab"));
	EXPECT_UINT(t, cursor_u8(&sub), 0);
	EXPECT(t, !cursor_ok(&sub));
	EXPECT(t, cursor_ok(&c));
	EXPECT_SLICE(t, cursor_take(&c, 2), SLICE("cd"));
}

static void empty_slice_is_fine(struct test *t)
{
	struct cursor c = cursor_of((struct slice){NULL, 0});

	EXPECT_UINT(t, cursor_take(&c, 0).len, 0);
	EXPECT(t, cursor_ok(&c));
	EXPECT_UINT(t, cursor_be64(&c), 0);
	EXPECT(t, !cursor_ok(&c));
}

static void reads_little_endian(struct test *t)
{
	struct cursor c = cursor_of(SLICE("\x02\x01\x06\x05\x04\x03\x01\0\0\0\0\0\0\x80x"));

	EXPECT_UINT(t, cursor_le16(&c), 0x0102);
	EXPECT_UINT(t, cursor_le32(&c), 0x03040506);
	EXPECT_UINT(t, cursor_le64(&c), UINT64_C(0x8000000000000001));
	EXPECT_SLICE(t, cursor_rest(&c), SLICE("x"));
	EXPECT_UINT(t, cursor_le16(&c), 0);
	EXPECT(t, !cursor_ok(&c));
}

TESTS(T(reads_little_endian), T(reads_big_endian), T(first_overrun_sticks),
      T(child_cannot_leave_its_bounds), T(empty_slice_is_fine))
