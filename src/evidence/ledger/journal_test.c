/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "evidence/ledger/ledger_priv.h"
#include "test.h"

struct room {
	struct arena_pool pool;
	struct arena a;
	struct fail why;
	struct slice path;
	struct ledger_journal j;
};

static bool room_init(struct test *t, struct room *r)
{
	*r = (struct room){.pool = {.budget = 16 << 20}};
	r->a.pool = &r->pool;
	r->path = buf_text(&r->a, "%s/journal", test_folder(t));
	return ledger_journal_open(&r->j, NULL, r->path, &r->pool, &r->why) == ST_OK;
}

static void room_done(struct room *r)
{
	ledger_journal_close(&r->j);
	arena_reset(&r->a);
	arena_pool_drain(&r->pool);
}

/* Entry i: i % 200 bytes of i. */
static struct slice entry_of(uint64_t i, uint8_t buf[256])
{
	memset(buf, (int)(i & 255), 256);
	return (struct slice){buf, i % 200};
}

static bool record(struct room *r, uint64_t from, uint64_t to, const char *note)
{
	uint8_t buf[256];

	for (uint64_t i = from; i < to; i++)
		if (ledger_journal_entry(&r->j, i, entry_of(i, buf), &r->why) != ST_OK)
			return false;
	return ledger_journal_commit(&r->j, to, slice_of(note), &r->why) == ST_OK;
}

static struct slice content(struct room *r)
{
	struct slice bytes = {NULL, 0};

	return os_file_read(r->path, 16 << 20, &r->a, &bytes, &r->why) == ST_OK
		       ? bytes
		       : (struct slice){NULL, 0};
}

/* How many records in a row the bytes have, from where to where. */
static size_t chain(struct slice bytes, uint64_t *from, uint64_t *to)
{
	struct cursor c = cursor_of(bytes);
	struct ledger_record r;
	size_t n = 0;

	while (ledger_journal_next(&c, &r) && (n == 0 || r.from == *to)) {
		*from = n++ == 0 ? r.from : *from;
		*to = r.to;
	}
	return n;
}

static void what_was_committed_is_read_back(struct test *t)
{
	static const uint64_t ends[] = {1, 2, 300, 5000};
	struct room r;
	struct ledger_record rec;
	struct cursor c;
	uint64_t at = 0;

	EXPECT(t, room_init(t, &r));
	for (size_t k = 0; k < 4; k++) {
		char note[32];

		(void)snprintf(note, sizeof note, "note %zu", k);
		EXPECT(t, record(&r, at, ends[k], note));
		at = ends[k];
	}
	c = cursor_of(content(&r));
	at = 0;
	for (size_t k = 0; k < 4; k++) {
		struct slice entry;
		uint8_t buf[256];
		char note[32];

		(void)snprintf(note, sizeof note, "note %zu", k);
		EXPECT(t, ledger_journal_next(&c, &rec));
		EXPECT_UINT(t, rec.from, at);
		EXPECT_UINT(t, rec.to, ends[k]);
		EXPECT_SLICE(t, rec.note, slice_of(note));
		for (; at < ends[k]; at++) {
			EXPECT(t, ledger_record_entry(&rec.entries, &entry));
			EXPECT(t, slice_equal(entry, entry_of(at, buf)));
		}
		EXPECT(t, !ledger_record_entry(&rec.entries, &entry));
	}
	EXPECT(t, !ledger_journal_next(&c, &rec));
	room_done(&r);
}

static void a_record_that_is_cut_short_anywhere_is_none(struct test *t)
{
	uint64_t from = 0, to = 0;
	struct slice all;
	struct room r;
	size_t first;

	EXPECT(t, room_init(t, &r));
	EXPECT(t, record(&r, 7, 9, "one"));
	first = content(&r).len;
	EXPECT(t, record(&r, 9, 30, "two"));
	all = content(&r);
	EXPECT_UINT(t, chain(all, &from, &to), 2);
	for (size_t n = 0; n < all.len; n++)
		EXPECT_UINT(t, chain(slice_part(all, 0, n), &from, &to), n >= first ? 1 : 0);
	room_done(&r);
}

static void a_record_with_one_bit_changed_is_none(struct test *t)
{
	uint64_t from = 0, to = 0;
	struct buf copy;
	struct room r;

	EXPECT(t, room_init(t, &r));
	EXPECT(t, record(&r, 0, 12, "note"));
	copy = buf_in(&r.a);
	buf_add(&copy, content(&r));
	for (size_t i = 0; i < copy.len * 8; i++) {
		copy.ptr[i / 8] ^= (uint8_t)(1 << i % 8);
		EXPECT_UINT(t, chain(buf_slice(&copy), &from, &to), 0);
		copy.ptr[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	EXPECT_UINT(t, chain(buf_slice(&copy), &from, &to), 1);
	room_done(&r);
}

static void what_an_older_pass_left_is_not_read(struct test *t)
{
	uint64_t from = 0, to = 0;
	struct room r;

	EXPECT(t, room_init(t, &r));
	for (uint64_t i = 0; i < 50; i++)
		EXPECT(t, record(&r, i * 10, i * 10 + 10, "first pass"));
	EXPECT(t, ledger_journal_clear(&r.j, &r.why) == ST_OK);
	EXPECT_UINT(t, chain(content(&r), &from, &to), 0);
	/* records of the same lengths: the next old one stands where the new one ends */
	for (uint64_t i = 0; i < 5; i++) {
		EXPECT(t, record(&r, 600 + i * 10, 610 + i * 10, "2nd pass.."));
		EXPECT_UINT(t, chain(content(&r), &from, &to), i + 1);
		EXPECT(t, from == 600 && to == 610 + i * 10);
	}
	room_done(&r);
}

static void entries_larger_than_what_is_kept_go_through(struct test *t)
{
	static uint8_t big[LEDGER_ENTRY_MAX];
	uint64_t from = 0, to = 0;
	struct room r;

	EXPECT(t, room_init(t, &r));
	for (uint64_t i = 0; i < 5; i++)
		EXPECT(t, ledger_journal_entry(&r.j, i, (struct slice){big, sizeof big}, &r.why) ==
				  ST_OK);
	EXPECT(t, ledger_journal_commit(&r.j, 5, SLICE("n"), &r.why) == ST_OK);
	EXPECT_UINT(t, chain(content(&r), &from, &to), 1);
	EXPECT_UINT(t, to, 5);
	room_done(&r);
}

TESTS(T(what_was_committed_is_read_back), T(a_record_that_is_cut_short_anywhere_is_none),
      T(a_record_with_one_bit_changed_is_none), T(what_an_older_pass_left_is_not_read),
      T(entries_larger_than_what_is_kept_go_through))
