/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/origin/origin.h"

#include "test.h"

struct rig {
	struct arena_pool pool;
	struct arena arena;
	struct buf dump;
	struct origin_table *table;
	struct record r;
	struct fail why;
};

static void be(struct buf *b, uint64_t v, size_t n)
{
	while (n-- > 0)
		buf_add_byte(b, (uint8_t)(v >> 8 * n));
}

static void record(struct rig *r, uint16_t type, uint16_t subtype, struct slice body)
{
	be(&r->dump, 1400824800, 4); /* 2014-05-23 06:00 UTC */
	be(&r->dump, type, 2);
	be(&r->dump, subtype, 2);
	be(&r->dump, body.len, 4);
	buf_add(&r->dump, body);
}

static void rig_open(struct rig *r)
{
	*r = (struct rig){.pool = {.budget = 64 << 20}};
	r->arena.pool = &r->pool;
	r->dump = buf_in(&r->arena);
	record(r, 13, 1, SLICE("\0\0\0\1\0\0\0\0")); /* a table of no peers */
}

static size_t rig_close(struct rig *r)
{
	origin_table_close(r->table);
	arena_reset(&r->arena);
	arena_pool_drain(&r->pool);
	return r->pool.out;
}

/* A record of routes for a prefix: paths are texts as "3356 1299 {65001 65002}", ';' between. */
static void rib(struct rig *r, const char *prefix, const char *paths)
{
	struct buf body = buf_in(&r->arena);
	struct slice rest = slice_of(paths);
	struct addr_prefix p;
	uint16_t n = 0;
	size_t at;

	ASSERT(addr_prefix_parse(slice_of(prefix), &p));
	be(&body, 0, 4);
	be(&body, p.bits, 1);
	buf_add(&body, (struct slice){p.addr.b, (p.bits + 7u) / 8});
	at = body.len;
	be(&body, 0, 2);
	while (rest.ptr != NULL) {
		struct slice path = slice_split(&rest, ';');
		struct buf segments = buf_in(&r->arena);

		while (path.ptr != NULL && path.len != 0) {
			struct slice word = slice_split(&path, ' ');
			bool set = word.ptr[0] == '{';
			uint64_t asn = 0;

			for (size_t i = 0; i < word.len; i++)
				asn = word.ptr[i] >= '0' && word.ptr[i] <= '9'
					      ? asn * 10 + word.ptr[i] - '0'
					      : asn;
			be(&segments, set ? 1 : 2, 1);
			be(&segments, 1, 1);
			be(&segments, asn, 4);
		}
		be(&body, n, 2);
		be(&body, 0, 4);
		be(&body, 4 + 4 + segments.len, 2);
		buf_add(&body, SLICE("\x40\1\1\0")); /* ORIGIN */
		buf_add(&body, SLICE("\x50\2"));     /* AS_PATH, of extended length */
		be(&body, segments.len, 2);
		buf_add(&body, buf_slice(&segments));
		n++;
	}
	body.ptr[at] = (uint8_t)(n >> 8);
	body.ptr[at + 1] = (uint8_t)n;
	record(r, 13, p.addr.family == 4 ? 2 : 4, buf_slice(&body));
}

static enum status open(struct rig *r)
{
	r->why = (struct fail){0};
	return origin_table_open(SLICE("rib"), NULL, buf_slice(&r->dump), &r->arena, &r->table,
				 &r->why);
}

static uint64_t asn(struct rig *r, const char *address)
{
	struct addr a;

	ASSERT(addr_parse(slice_of(address), &a));
	return origin_table_ask(r->table, &a, &r->arena, &r->r) ? r->r.u.location.asn : 0;
}

static void the_narrowest_announced_prefix_answers_with_its_origin(struct test *t)
{
	struct rig r;

	rig_open(&r);
	rib(&r, "198.51.0.0/16", "3356 64500");
	rib(&r, "198.51.100.0/24", "3356 1299 64501");
	rib(&r, "2001:db8::/32", "64510");
	record(&r, 13, 6, SLICE("some other table"));
	EXPECT_UINT(t, open(&r), ST_OK);
	EXPECT_UINT(t, asn(&r, "198.51.7.7"), 64500);
	EXPECT_UINT(t, r.r.u.location.net.bits, 16);
	EXPECT_UINT(t, asn(&r, "198.51.100.200"), 64501);
	EXPECT_UINT(t, r.r.u.location.net.bits, 24);
	EXPECT_UINT(t, asn(&r, "198.52.0.0"), 0);
	EXPECT_UINT(t, asn(&r, "2001:db8:ffff::1"), 64510);
	EXPECT_UINT(t, asn(&r, "2001:db9::"), 0);
	EXPECT_SLICE(t, r.r.u.location.edition, SLICE("2014-05-23"));
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void most_peers_decide_between_origins(struct test *t)
{
	struct rig r;

	rig_open(&r);
	rib(&r, "192.0.2.0/24", "1 64502;2 64501;3 64502");
	rib(&r, "192.0.3.0/24", "1 64502;2 64501");	      /* of equals the smaller */
	rib(&r, "192.0.4.0/24", "1 {64502;2 {64502;3 64503"); /* a set names nobody */
	rib(&r, "192.0.5.0/24", "1 {64502");
	rib(&r, "192.0.6.0/24", ""); /* its own, says the peer: no path */
	EXPECT_UINT(t, open(&r), ST_OK);
	EXPECT_UINT(t, asn(&r, "192.0.2.1"), 64502);
	EXPECT_UINT(t, asn(&r, "192.0.3.1"), 64501);
	EXPECT_UINT(t, asn(&r, "192.0.4.1"), 64503);
	EXPECT_UINT(t, asn(&r, "192.0.5.1"), 0);
	EXPECT_UINT(t, asn(&r, "192.0.6.1"), 0);
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void prefixes_of_every_length_are_understood(struct test *t)
{
	for (unsigned bits = 0; bits <= 128; bits++) {
		struct rig r;
		char four[32], six[32];

		rig_open(&r);
		(void)__builtin_snprintf(four, sizeof four, "%s/%u",
					 bits == 0 ? "0.0.0.0" : "128.0.0.0", bits);
		(void)__builtin_snprintf(six, sizeof six, "%s::/%u", bits == 0 ? "" : "8000", bits);
		if (bits <= 32)
			rib(&r, four, "64500");
		rib(&r, six, "64501");
		EXPECT_UINT(t, open(&r), ST_OK);
		EXPECT_UINT(t, asn(&r, "128.0.0.0"), bits <= 32 ? 64500 : 0);
		EXPECT_UINT(t, asn(&r, "8000::"), 64501);
		EXPECT_UINT(t, r.r.u.location.net.bits, bits);
		EXPECT_UINT(t, asn(&r, "7fff::"), bits == 0 ? 64501 : 0);
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

static void a_dump_that_breaks_off_is_refused_with_its_record(struct test *t)
{
	struct rig r;
	size_t whole;

	rig_open(&r);
	rib(&r, "192.0.2.0/24", "1 64502;2 64501");
	rib(&r, "192.0.3.0/24", "1 64502");
	whole = r.dump.len;
	EXPECT_UINT(t, open(&r), ST_OK);
	for (size_t n = 21; n < whole; n++) { /* the first record is 20 bytes */
		struct origin_table *none = NULL;
		enum status st;

		r.dump.len = n;
		st = origin_table_open(SLICE("rib"), NULL, buf_slice(&r.dump), &r.arena, &none,
				       &r.why);
		EXPECT(t, st == ST_INVALID ||
				  (st == ST_OK && (whole - n) == 12 + 4 + 1 + 3 + 2 + 8 + 8 + 12));
		EXPECT(t, st == ST_OK || slice_starts(slice_of(r.why.text), SLICE("rib:")));
		origin_table_close(none);
	}
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void what_is_no_dump_of_routes_is_refused(struct test *t)
{
	static const struct {
		uint16_t type, subtype;
		struct slice body;
		const char *said;
	} tries[] = {
		{16, 4, SLICE("an update"), "rib:2: expected a dump of a table"},
		{13, 2, SLICE("\0\0\0\0\x21\1\2\3\4\5\0\0"), "at most 32 bits"},
		{13, 4, SLICE("\0\0\0\0\x81"), "at most 128 bits"},
		{13, 2, SLICE("\0\0\0\0\x18\1\2\3\0\2\0\0\0\0\0\0\0\0"), "as many whole routes"},
		{13, 2, SLICE("\0\0\0\0\x18\1\2\3\0\1\0\0\0\0\0\0\0\5\x40\2\4\2\1"),
		 "as many whole routes"},
		{13, 2, SLICE("\0\0\0\0\x18\1\2\3\0\0more"), "nothing behind"},
		{13, 1, SLICE(""), "no route in it"},
	};

	for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
		struct rig r;

		rig_open(&r);
		record(&r, tries[i].type, tries[i].subtype, tries[i].body);
		EXPECT_UINT(t, open(&r), ST_INVALID);
		EXPECT(t, slice_find(slice_of(r.why.text), slice_of(tries[i].said)) != SIZE_MAX);
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

static void every_allocation_may_fail(struct test *t)
{
	for (size_t after = 1; after < 12; after++) {
		struct rig r;
		enum status st;

		rig_open(&r);
		for (int i = 0; i < 200; i++) {
			char prefix[32];

			(void)__builtin_snprintf(prefix, sizeof prefix, "10.0.%d.0/24", i);
			rib(&r, prefix, "64500");
		}
		ASSERT(!r.dump.full);
		{
			struct arena_pool pool = {.budget = 64 << 20, .fail_after = after};
			struct arena a = {.pool = &pool};

			st = origin_table_open(SLICE("rib"), NULL, buf_slice(&r.dump), &a, &r.table,
					       &r.why);
			EXPECT(t, st == ST_NOMEM || (st == ST_OK && after > 3));
			origin_table_close(r.table);
			r.table = NULL;
			arena_reset(&a);
			arena_pool_drain(&pool);
			EXPECT_UINT(t, pool.out, 0);
		}
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

TESTS(T(the_narrowest_announced_prefix_answers_with_its_origin),
      T(most_peers_decide_between_origins), T(prefixes_of_every_length_are_understood),
      T(a_dump_that_breaks_off_is_refused_with_its_record), T(what_is_no_dump_of_routes_is_refused),
      T(every_allocation_may_fail))
