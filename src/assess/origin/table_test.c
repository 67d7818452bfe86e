/* SPDX-License-Identifier: Apache-2.0 */
#include <libloc/database.h>
#include <libloc/libloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "assess/origin/origin.h"
#include "test.h"

struct bench {
	struct arena_pool pool;
	struct arena arena;
	struct fail why;
	struct origin_table *table;
	struct record r;
};

static void setup(struct bench *b)
{
	*b = (struct bench){.pool = {.budget = (size_t)1 << 30}};
	b->arena.pool = &b->pool;
}

static void teardown(struct bench *b)
{
	origin_table_close(b->table);
	arena_reset(&b->arena);
	arena_pool_drain(&b->pool);
}

/* The file, or an empty slice if it is not there; then the test is skipped. */
static struct slice file_of(struct test *t, struct bench *b, const char *path)
{
	struct buf bytes = buf_in(&b->arena);
	FILE *f = fopen(path, "rb");

	if (f == NULL) {
		test_skip(t, "no %s", path);
		return (struct slice){NULL, 0};
	}
	for (;;) {
		uint8_t *p = buf_reserve(&bytes, 1 << 20);
		size_t n = p ? fread(p, 1, 1 << 20, f) : 0;

		if (n == 0)
			break;
		buf_grew(&bytes, n);
	}
	(void)fclose(f);
	return buf_slice(&bytes);
}

static const char *shared(const char *name, char path[512])
{
	const char *root = getenv("DEW_SOURCE_ROOT");

	(void)snprintf(path, 512, "%s/../shared/data/geo/%s", root ? root : ".", name);
	return path;
}

static enum status open_text(struct bench *b, struct slice text)
{
	return origin_table_open(SLICE("t.csv"), NULL, text, &b->arena, &b->table, &b->why);
}

static bool ask(struct bench *b, const char *text)
{
	struct addr a;

	return addr_parse(slice_of(text), &a) && origin_table_ask(b->table, &a, &b->arena, &b->r);
}

/* "XA AS64500 Name 192.0.2.0/24", or "nothing". */
static struct slice answer(struct bench *b, const char *text)
{
	const struct record_location *l = &b->r.u.location;
	struct buf out = buf_in(&b->arena);
	char z[ADDR_TEXT_MAX];

	if (!ask(b, text))
		return SLICE("nothing");
	buf_add(&out, l->territory.len ? l->territory : SLICE("-"));
	buf_add_fmt(&out, " AS%llu ", (unsigned long long)l->asn);
	buf_add(&out, l->as_name.len ? l->as_name : SLICE("-"));
	buf_add_z(&out, " ");
	buf_add(&out, addr_format(&l->net.addr, z));
	buf_add_fmt(&out, "/%u", l->net.bits);
	buf_add_z(&out, l->proxy ? " proxy" : "");
	buf_add_z(&out, l->anycast ? " anycast" : "");
	return buf_slice(&out);
}

static void each_text_form_is_understood(struct test *t)
{
	struct bench b;

	setup(&b);
	EXPECT_UINT(
		t,
		open_text(&b,
			  SLICE("start,end,country\r\n"
				"# a comment\n"
				"\n"
				"192.0.2.0,192.0.2.255,XA\n"
				"198.51.100.0,198.51.100.130,64500,\"Example \"\"A\"\", Ltd.\"\n"
				"3405803776,3405804031,xb\n"
				"2001:db8::,2001:db8:ffff:ffff:ffff:ffff:ffff:ffff,XC\n"
				"2001:db9::/32,AS64501,Six\n"
				"10.0.0.0/8,??\n"
				"172.16.0.0/12,EU\n"
				"192.0.3.0/24,A1\n"
				"192.0.4.0/24,\n")),
		ST_OK);
	EXPECT_SLICE(t, answer(&b, "192.0.2.77"), SLICE("XA AS0 - 192.0.2.0/24"));
	EXPECT_SLICE(t, answer(&b, "198.51.100.5"),
		     SLICE("- AS64500 Example \"A\", Ltd. 198.51.100.0/25"));
	EXPECT_SLICE(t, answer(&b, "198.51.100.130"),
		     SLICE("- AS64500 Example \"A\", Ltd. 198.51.100.130/32"));
	EXPECT_SLICE(t, answer(&b, "203.0.113.255"), SLICE("XB AS0 - 203.0.113.0/24"));
	EXPECT_SLICE(t, answer(&b, "2001:db8::1"), SLICE("XC AS0 - 2001:db8::/32"));
	EXPECT_SLICE(t, answer(&b, "2001:db9:1::"), SLICE("- AS64501 Six 2001:db9::/32"));
	EXPECT_SLICE(t, answer(&b, "192.0.3.1"), SLICE("- AS0 - 192.0.3.0/24 proxy"));
	EXPECT_SLICE(t, answer(&b, "10.1.2.3"), SLICE("nothing"));
	EXPECT_SLICE(t, answer(&b, "172.16.0.1"), SLICE("nothing"));
	EXPECT_SLICE(t, answer(&b, "192.0.4.1"), SLICE("nothing"));
	EXPECT_SLICE(t, answer(&b, "198.51.100.131"), SLICE("nothing"));
	EXPECT_SLICE(t, answer(&b, "192.0.1.255"), SLICE("nothing"));
	EXPECT_SLICE(t, answer(&b, "2001:dba::"), SLICE("nothing"));
	EXPECT(t, ask(&b, "192.0.2.0"));
	EXPECT_SLICE(t, b.r.u.location.table, SLICE("t.csv"));
	EXPECT_UINT(t, b.r.u.location.edition.len, 16);
	teardown(&b);
}

static void the_edition_is_the_tables_own_if_it_says_one(struct test *t)
{
	struct bench b;

	setup(&b);
	EXPECT_UINT(t,
		    open_text(&b, SLICE("# Tor's\n# Generated: Thu, 25 Jun 2026 04:33:59 GMT\n"
					"16777216,16777471,AU\n")),
		    ST_OK);
	EXPECT(t, ask(&b, "1.0.0.0"));
	EXPECT_SLICE(t, b.r.u.location.edition, SLICE("Thu, 25 Jun 2026 04:33:59 GMT"));
	teardown(&b);
	setup(&b);
	EXPECT_UINT(t, open_text(&b, SLICE("1.0.0.0/24,AU")), ST_OK);
	EXPECT(t, ask(&b, "1.0.0.0"));
	/* printf 1.0.0.0/24,AU | sha256sum */
	EXPECT_SLICE(t, b.r.u.location.edition, SLICE("c24eec8698a302ac"));
	teardown(&b);
}

static void the_narrowest_range_answers(struct test *t)
{
	struct bench b;

	setup(&b);
	EXPECT_UINT(t,
		    open_text(&b, SLICE("10.1.2.0/24,XC\n10.0.0.0/8,XA\n10.1.0.0/16,XB\n"
					"10.1.2.0/25,XD\n::/0,XE\n0.0.0.0/0,XF\n10.1.0.0/24,XG\n")),
		    ST_OK);
	EXPECT_SLICE(t, answer(&b, "10.1.2.1"), SLICE("XD AS0 - 10.1.2.0/25"));
	EXPECT_SLICE(t, answer(&b, "10.1.2.200"), SLICE("XC AS0 - 10.1.2.0/24"));
	EXPECT_SLICE(t, answer(&b, "10.1.3.1"), SLICE("XB AS0 - 10.1.0.0/16"));
	EXPECT_SLICE(t, answer(&b, "10.255.255.255"), SLICE("XA AS0 - 10.0.0.0/8"));
	EXPECT_SLICE(t, answer(&b, "11.0.0.0"), SLICE("XF AS0 - 0.0.0.0/0"));
	EXPECT_SLICE(t, answer(&b, "::"), SLICE("XE AS0 - ::/0"));
	teardown(&b);
}

static void a_mistake_is_reported_with_its_line(struct test *t)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"", "t.csv: no row in it"},
		{"# only this\n", "t.csv: no row in it"},
		{"a,b\nc,d\n", "t.csv:2: expected a prefix, or the first and last"},
		{"1.0.0.0,XA\n", "t.csv:1: expected a prefix, or the first and last"},
		{"1.0.0.0/33,XA\n", "t.csv:1: expected a prefix, or the first and last"},
		{"1.0.0.1,1.0.0.0,XA\n", "t.csv:1: expected a prefix, or the first and last"},
		{"1.0.0.1,::,XA\n", "t.csv:1: expected a prefix, or the first and last"},
		{"1,4294967296,XA\n", "t.csv:1: expected a prefix, or the first and last"},
		{"1.0.0.0/24\n", "t.csv:1: expected a territory or an AS number behind the"},
		{"1.0.0.0/24,XAB\n", "t.csv:1: expected a territory of two letters or an AS"},
		{"1.0.0.0/24,4294967296\n", "t.csv:1: expected a territory of two letters or"},
		{"1.0.0.0/24,1,\"open\n", "t.csv:1: expected a closing quote"},
		{"1.0.0.0/24,1,\"x\"y\n", "t.csv:1: expected a comma behind the closing"},
		{"1.0.0.0/24,1,b,c,d,e,f,g,h\n", "t.csv:1: expected at most 8 fields"},
		{"1.0.0.0/24,XA\n\n1.0.0.0/24,XA\n",
		 "t.csv:3: expected each range once, found that of line 1"},
		{"LOCDBXX", "t.csv: cut short"},
		{"LOCDBXX\x02"
		 "12345678",
		 "t.csv: version 2 of libloc's form, expected 1"},
		{"\xab\xcd\xefMaxMind.com", "t.csv: a MaxMind file is opened by its path"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct bench b;

		setup(&b);
		EXPECT_UINT(t, open_text(&b, slice_of(rows[i].text)), ST_INVALID);
		EXPECT(t, b.table == NULL);
		EXPECT_SLICE(t, slice_part(slice_of(b.why.text), 0, strlen(rows[i].want)),
			     slice_of(rows[i].want));
		teardown(&b);
	}
}

static void long_lines_have_a_limit(struct test *t)
{
	for (size_t len = 4095; len <= 4097; len++) {
		struct bench b;
		struct buf text;

		setup(&b);
		text = buf_in(&b.arena);
		buf_add_z(&text, "1.0.0.0/24,XA,");
		while (text.len < len)
			buf_add_byte(&text, 'x');
		EXPECT_UINT(t, open_text(&b, buf_slice(&text)), len <= 4096 ? ST_OK : ST_INVALID);
		teardown(&b);
	}
}

static void long_names_have_a_limit(struct test *t)
{
	for (size_t len = 999; len <= 1001; len++) {
		struct bench b;
		struct buf text;

		setup(&b);
		text = buf_in(&b.arena);
		buf_add_z(&text, "1.0.0.0/24,1,");
		for (size_t i = 0; i < len; i++)
			buf_add_byte(&text, 'x');
		EXPECT_UINT(t, open_text(&b, buf_slice(&text)), len <= 1000 ? ST_OK : ST_INVALID);
		teardown(&b);
	}
}

/* Model: look at every row, the narrowest that holds the address wins. */
static void random_nested_tables_answer_like_the_slow_model(struct test *t)
{
	struct bench b;

	for (int round = 0; round < 50; round++) {
		struct {
			uint32_t first, bits;
			char code[3];
		} rows[40];
		struct buf text;
		size_t n = 0;

		setup(&b);
		text = buf_in(&b.arena);
		while (n < 40) {
			uint32_t bits = 24 + (uint32_t)(test_rand(t) % 9);
			uint32_t first = (uint32_t)(test_rand(t) % 512) & ~0u << (32 - bits);
			bool again = false;

			for (size_t i = 0; i < n; i++)
				again = again || (rows[i].first == first && rows[i].bits == bits);
			if (again)
				continue;
			rows[n].first = first;
			rows[n].bits = bits;
			(void)snprintf(rows[n].code, 3, "X%c", (char)('A' + test_rand(t) % 26));
			buf_add_fmt(&text, "0.0.%u.%u/%u,%s\n", first >> 8, first & 255, bits,
				    rows[n].code);
			n++;
		}
		EXPECT_UINT(t, open_text(&b, buf_slice(&text)), ST_OK);
		for (uint32_t k = 0; k < 520; k++) {
			struct addr a =
				addr_v4((const uint8_t[]){0, 0, (uint8_t)(k >> 8), (uint8_t)k});
			const char *want = NULL;
			uint32_t best = 0;

			for (size_t i = 0; i < n; i++) {
				if (k >> (32 - rows[i].bits) ==
					    rows[i].first >> (32 - rows[i].bits) &&
				    rows[i].bits > best) {
					best = rows[i].bits;
					want = rows[i].code;
				}
			}
			EXPECT(t, origin_table_ask(b.table, &a, &b.arena, &b.r) == (want != NULL));
			if (want != NULL) {
				EXPECT_SLICE(t, b.r.u.location.territory, slice_of(want));
				EXPECT_UINT(t, b.r.u.location.net.bits, best);
			}
		}
		teardown(&b);
	}
}

/* Model: look at every row; of those that hold the address the latest start wins, then the nearest
 * end. */
static void random_overlapping_tables_answer_like_the_slow_model(struct test *t)
{
	for (int round = 0; round < 200; round++) {
		struct {
			uint32_t first, last;
			char code[3];
		} rows[24];
		struct bench b;
		struct buf text;
		size_t n = 0;

		setup(&b);
		text = buf_in(&b.arena);
		while (n < 24) {
			uint32_t first = (uint32_t)(test_rand(t) % 200);
			uint32_t last = first + (uint32_t)(test_rand(t) % 50);
			bool again = false;

			for (size_t i = 0; i < n; i++)
				again = again || (rows[i].first == first && rows[i].last == last);
			if (again)
				continue;
			rows[n].first = first;
			rows[n].last = last;
			(void)snprintf(rows[n].code, 3, "X%c", (char)('A' + n));
			buf_add_fmt(&text, "0.0.0.%u,0.0.0.%u,%s\n", first, last, rows[n].code);
			n++;
		}
		EXPECT_UINT(t, open_text(&b, buf_slice(&text)), ST_OK);
		for (uint32_t k = 0; k < 256; k++) {
			struct addr a = addr_v4((const uint8_t[]){0, 0, 0, (uint8_t)k});
			size_t best = n;

			for (size_t i = 0; i < n; i++)
				if (rows[i].first <= k && k <= rows[i].last &&
				    (best == n || rows[i].first > rows[best].first ||
				     (rows[i].first == rows[best].first &&
				      rows[i].last < rows[best].last)))
					best = i;
			EXPECT(t, origin_table_ask(b.table, &a, &b.arena, &b.r) == (best != n));
			if (best != n)
				EXPECT_SLICE(t, b.r.u.location.territory,
					     slice_of(rows[best].code));
		}
		teardown(&b);
	}
}

static void real_tables_open_fast_and_answer(struct test *t)
{
	char path[512];
	struct bench b;
	struct timespec from, to;
	struct slice bytes;

	setup(&b);
	bytes = file_of(t, &b, shared("asn-country-ipv4.csv", path));
	if (bytes.len != 0) {
		(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
		EXPECT_UINT(t, open_text(&b, bytes), ST_OK);
		(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
		printf("# 141,822 rows in %lld ms of processor time\n",
		       (long long)(to.tv_sec - from.tv_sec) * 1000 +
			       (to.tv_nsec - from.tv_nsec) / 1000000);
		EXPECT_SLICE(t, answer(&b, "185.255.114.40"), SLICE("DE AS0 - 185.255.112.0/22"));
		EXPECT_SLICE(t, answer(&b, "127.0.0.1"), SLICE("nothing"));
	}
	teardown(&b);
	setup(&b);
	bytes = file_of(t, &b, shared("asn-country-ipv6.csv", path));
	if (bytes.len != 0) {
		EXPECT_UINT(t, open_text(&b, bytes), ST_OK);
		EXPECT(t, ask(&b, "2001:200::1"));
		EXPECT_SLICE(t, b.r.u.location.territory, SLICE("JP"));
	}
	teardown(&b);
	setup(&b);
	bytes = file_of(t, &b, "/usr/share/tor/geoip");
	if (bytes.len != 0) {
		EXPECT_UINT(t, open_text(&b, bytes), ST_OK);
		EXPECT(t, ask(&b, "185.255.114.40") && b.r.u.location.territory.len == 2);
	}
	teardown(&b);
	setup(&b);
	bytes = file_of(t, &b, "/usr/share/tor/geoip6");
	if (bytes.len != 0) {
		EXPECT_UINT(t, open_text(&b, bytes), ST_OK);
		EXPECT(t, ask(&b, "2001:2::1") && b.r.u.location.territory.len == 2);
	}
	teardown(&b);
}

static void maxmind_files_answer(struct test *t)
{
	static const struct {
		const char *file, *address, *want;
	} rows[] = {
		{"geo-whois-asn-country.mmdb", "185.255.114.40", "FR AS0 - 185.255.114.0/24"},
		{"mmdb-test/GeoLite2-ASN-Test.mmdb", "1.128.0.0",
		 "- AS1221 Telstra Pty Ltd 1.128.0.0/11"},
		{"mmdb-test/GeoLite2-ASN-Test.mmdb", "8.8.8.8", "nothing"},
		{"mmdb-test/GeoIP2-Country-Test.mmdb", "2.125.160.216",
		 "GB AS0 - 2.125.160.216/29"},
		{"mmdb-test/GeoIP2-Country-Test.mmdb", "2001:218::", "JP AS0 - 2001:218::/32"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char path[512];
		struct bench b;
		struct slice bytes;

		setup(&b);
		bytes = file_of(t, &b, shared(rows[i].file, path));
		if (bytes.len != 0) {
			EXPECT_UINT(t,
				    origin_table_open(SLICE("m"), path, bytes, &b.arena, &b.table,
						      &b.why),
				    ST_OK);
			EXPECT_SLICE(t, answer(&b, rows[i].address), slice_of(rows[i].want));
			EXPECT(t, b.r.kind == 0 || b.r.u.location.edition.len == 10);
			origin_table_close(b.table);
			b.table = NULL;
			/* Not the bytes that were hashed: refused. */
			EXPECT_UINT(t,
				    origin_table_open(SLICE("m"), path, slice_from(bytes, 1),
						      &b.arena, &b.table, &b.why),
				    ST_INVALID);
		}
		teardown(&b);
	}
}

/* Our reader and the library, about the same addresses. */
/* Cut anywhere, or with some bytes changed: refused, or what it says has the form of an answer. */
static void damaged_maxmind_files_do_no_harm(struct test *t)
{
	char path[512], at[512];
	struct bench b;
	struct slice whole;

	setup(&b);
	whole = file_of(t, &b, shared("mmdb-test/GeoIP2-Country-Test.mmdb", path));
	for (int round = 0; round < 400 && whole.len != 0; round++) {
		struct arena scratch = {.pool = &b.pool};
		struct slice copy = arena_copy(&scratch, whole);
		uint8_t *bytes = (uint8_t *)(uintptr_t)copy.ptr;
		FILE *f;

		if (round % 4 == 0)
			copy.len = 1 + test_rand(t) % whole.len;
		for (int i = 0; i < round % 4 * 8; i++)
			bytes[test_rand(t) % whole.len] = (uint8_t)test_rand(t);
		(void)snprintf(at, sizeof at, "%s/%d.mmdb", test_folder(t), round);
		f = fopen(at, "wb");
		EXPECT(t,
		       f != NULL && fwrite(copy.ptr, 1, copy.len, f) == copy.len && fclose(f) == 0);
		b.table = NULL;
		if (origin_table_open(SLICE("t"), at, copy, &scratch, &b.table, &b.why) == ST_OK)
			for (int i = 0; i < 200; i++) {
				uint64_t v[2] = {test_rand(t), test_rand(t)};
				struct addr a = i % 2 != 0 ? addr_v4((const uint8_t *)v)
							   : addr_v6((const uint8_t *)v);

				if (!origin_table_ask(b.table, &a, &scratch, &b.r))
					continue;
				EXPECT(t, addr_prefix_holds(&b.r.u.location.net, &a));
				EXPECT(t, b.r.u.location.territory.len == 0 ||
						  b.r.u.location.territory.len == 2);
			}
		else
			EXPECT(t, b.table == NULL && b.why.text[0] != 0);
		origin_table_close(b.table);
		b.table = NULL;
		arena_reset(&scratch);
	}
	teardown(&b);
}

static void libloc_and_our_reader_agree(struct test *t)
{
	static const char path[] = "/var/lib/location/database.db";
	struct loc_database *db = NULL;
	struct loc_ctx *ctx = NULL;
	struct bench b;
	struct slice bytes;
	size_t answered = 0;
	FILE *f;

	setup(&b);
	bytes = file_of(t, &b, path);
	if (bytes.len == 0) {
		teardown(&b);
		return;
	}
	EXPECT_UINT(t, origin_table_open(SLICE("libloc"), path, bytes, &b.arena, &b.table, &b.why),
		    ST_OK);
	f = fopen(path, "rb");
	EXPECT(t, f != NULL && loc_new(&ctx) == 0 && loc_database_new(ctx, &db, f) == 0);
	for (int i = 0; i < 3000; i++) {
		uint64_t x = test_rand(t), y = test_rand(t);
		struct in6_addr key = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
		struct loc_network *net = NULL;
		struct addr a;
		bool ours;

		if (i % 2 == 0) {
			a = addr_v4((const uint8_t *)&x);
			memcpy(key.s6_addr + 12, a.b, 4);
		} else { /* where networks are: 2000::/4, mostly dense at the start of blocks */
			memcpy(key.s6_addr, &x, 8);
			memcpy(key.s6_addr + 8, &y, 8);
			key.s6_addr[0] = (uint8_t)(0x20 | (x & 0xf));
			key.s6_addr[1] &= (uint8_t)(y & 0xf);
			key.s6_addr[3] &= (uint8_t)(y >> 8);
			a = addr_v6(key.s6_addr);
		}
		ours = origin_table_ask(b.table, &a, &b.arena, &b.r);
		if (loc_database_lookup(db, &key, &net) == 0 && net != NULL) {
			const char *code = loc_network_get_country_code(net);
			const struct record_location *l = &b.r.u.location;

			if (ours) {
				struct loc_as *as = NULL;

				answered++;
				EXPECT_UINT(t, l->asn, loc_network_get_asn(net));
				EXPECT_UINT(t, l->net.bits, loc_network_prefix(net));
				EXPECT(t, l->territory.len == 0 ||
						  slice_equal(l->territory, slice_of(code)));
				EXPECT_UINT(t, l->anycast,
					    loc_network_has_flag(net, LOC_NETWORK_FLAG_ANYCAST) !=
						    0);
				if (l->asn != 0 &&
				    loc_database_get_as(db, &as, (uint32_t)l->asn) == 0 &&
				    as != NULL) {
					EXPECT_SLICE(t, l->as_name, slice_of(loc_as_get_name(as)));
					(void)loc_as_unref(as);
				}
			} else {
				EXPECT_UINT(t, loc_network_get_asn(net), 0);
			}
			(void)loc_network_unref(net);
		} else {
			EXPECT(t, !ours);
		}
	}
	printf("# %zu of 3,000 addresses are in the database\n", answered);
	EXPECT(t, answered > 500);
	(void)loc_database_unref(db);
	(void)loc_unref(ctx);
	(void)fclose(f);
	teardown(&b);
}

static void every_allocation_may_fail(struct test *t)
{
	enum status st = ST_NOMEM;

	for (size_t n = 1; st != ST_OK; n++) {
		struct bench b;

		setup(&b);
		b.pool.fail_after = n;
		st = open_text(&b, SLICE("10.0.0.0/8,XA\n::/0,1,\"a\"\"b\"\n"));
		EXPECT(t, st == ST_OK || (st == ST_NOMEM && b.table == NULL));
		teardown(&b);
		EXPECT_UINT(t, b.pool.out, 0);
		EXPECT(t, n < 20);
	}
}

TESTS(T(each_text_form_is_understood), T(the_edition_is_the_tables_own_if_it_says_one),
      T(the_narrowest_range_answers), T(a_mistake_is_reported_with_its_line),
      T(long_lines_have_a_limit), T(long_names_have_a_limit),
      T(random_nested_tables_answer_like_the_slow_model),
      T(random_overlapping_tables_answer_like_the_slow_model), T(real_tables_open_fast_and_answer),
      T(maxmind_files_answer), T(damaged_maxmind_files_do_no_harm), T(libloc_and_our_reader_agree),
      T(every_allocation_may_fail))
