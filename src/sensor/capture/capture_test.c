/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/capture/capture.h"
#include "test.h"

static void what_is_no_capture_is_refused_with_what_was_found(struct test *t)
{
	static struct capture c;
	struct fail why;

	EXPECT_UINT(t, capture_open(&c, (struct slice){NULL, 0}, &why), ST_INVALID);
	EXPECT_SLICE(t, slice_of(why.text), SLICE("the file is empty"));
	EXPECT_UINT(t, capture_open(&c, SLICE("abc"), &why), ST_INVALID);
	EXPECT_SLICE(t, slice_of(why.text), SLICE("not a capture: only 3 bytes"));
	EXPECT_UINT(t, capture_open(&c, SLICE("abcdefgh"), &why), ST_INVALID);
	EXPECT_SLICE(t, slice_of(why.text), SLICE("not a capture: begins with 61 62 63 64"));
}

TESTS(T(what_is_no_capture_is_refused_with_what_was_found))
