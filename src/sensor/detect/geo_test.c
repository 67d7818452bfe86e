/* SPDX-License-Identifier: Apache-2.0
 * Databases made here: a tree over a few networks, and records as MaxMind's format has them. */
#include "sensor/detect/geo.h"

#include "base/buf.h"
#include "test.h"

enum { NODES_MAX = 512 };

struct maker {
	struct arena_pool pool;
	struct arena arena;
	uint32_t child[NODES_MAX][2]; /* node + 1; high bit: an offset in the data; 0: nothing */
	uint32_t nodes;
	unsigned bits;
	struct buf data;
};

enum { IS_DATA = 1U << 30 };

static void maker_init(struct maker *m, unsigned bits)
{
	*m = (struct maker){.pool = {.budget = 1 << 20}, .nodes = 1, .bits = bits};
	m->arena.pool = &m->pool;
	m->data = buf_in(&m->arena);
}

static void maker_done(struct maker *m)
{
	arena_reset(&m->arena);
	arena_pool_drain(&m->pool);
}

static void add_string(struct buf *b, const char *z)
{
	buf_add_byte(b, (uint8_t)(2U << 5 | strlen(z)));
	buf_add_z(b, z);
}

/* {"names":{"en":"x"},"country":{"geoname_id":7,"iso_code":CODE}} at the data's end */
static uint32_t add_country(struct maker *m, const char *code)
{
	uint32_t at = (uint32_t)m->data.len;

	buf_add_byte(&m->data, 7U << 5 | 2);
	add_string(&m->data, "names");
	buf_add_byte(&m->data, 7U << 5 | 1);
	add_string(&m->data, "en");
	add_string(&m->data, "x");
	add_string(&m->data, "country");
	buf_add_byte(&m->data, 7U << 5 | 2);
	add_string(&m->data, "geoname_id");
	buf_add_byte(&m->data, 6U << 5 | 1);
	buf_add_byte(&m->data, 7);
	add_string(&m->data, "iso_code");
	add_string(&m->data, code);
	return at;
}

/* A pointer to what stands at `to`, two bytes long. */
static uint32_t add_pointer(struct maker *m, uint32_t to)
{
	uint32_t at = (uint32_t)m->data.len;

	buf_add_byte(&m->data, (uint8_t)(1U << 5 | to >> 8));
	buf_add_byte(&m->data, (uint8_t)to);
	return at;
}

static void add_network(struct maker *m, const uint8_t *bytes, unsigned prefix, uint32_t at)
{
	uint32_t node = 0;

	for (unsigned i = 0; i < prefix; i++) {
		unsigned bit = bytes[i / 8] >> (7 - i % 8) & 1;
		uint32_t *c = &m->child[node][bit];

		if (i + 1 == prefix) {
			*c = IS_DATA | at;
			return;
		}
		if (*c == 0)
			*c = ++m->nodes;
		node = *c - 1;
	}
}

static uint32_t record_of(const struct maker *m, uint32_t c)
{
	if (c == 0)
		return m->nodes;
	return (c & IS_DATA) != 0 ? m->nodes + 16 + (c & ~(uint32_t)IS_DATA) : c - 1;
}

static void add_be(struct buf *b, uint32_t v, unsigned bytes)
{
	while (bytes-- > 0)
		buf_add_byte(b, (uint8_t)(v >> 8 * bytes));
}

static void add_number(struct buf *b, const char *key, uint32_t v)
{
	add_string(b, key);
	buf_add_byte(b, 6U << 5 | 4);
	add_be(b, v, 4);
}

static struct slice made(struct maker *m, unsigned ip_version)
{
	struct buf b = buf_in(&m->arena);

	for (uint32_t i = 0; i < m->nodes; i++) {
		uint32_t l = record_of(m, m->child[i][0]), r = record_of(m, m->child[i][1]);

		if (m->bits == 28) {
			add_be(&b, l & 0xffffff, 3);
			buf_add_byte(&b, (uint8_t)(l >> 24 << 4 | r >> 24));
			add_be(&b, r & 0xffffff, 3);
		} else {
			add_be(&b, l, m->bits / 8);
			add_be(&b, r, m->bits / 8);
		}
	}
	for (int i = 0; i < 16; i++)
		buf_add_byte(&b, 0);
	buf_add(&b, buf_slice(&m->data));
	buf_add_z(&b, "\xab\xcd\xefMaxMind.com");
	buf_add_byte(&b, 7U << 5 | 4);
	add_number(&b, "binary_format_major_version", 2);
	add_number(&b, "node_count", m->nodes);
	add_number(&b, "record_size", m->bits);
	add_number(&b, "ip_version", ip_version);
	return buf_slice(&b);
}

static struct slice country(const struct detect_geo *g, uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	struct addr v4 = addr_v4((const uint8_t[]){a, b, c, d});

	return detect_geo_country(g, &v4);
}

static void addresses_are_in_the_country_of_their_network(struct test *t)
{
	static const unsigned sizes[] = {24, 28, 32};

	for (size_t i = 0; i < 3; i++) {
		struct detect_geo g;
		struct maker m;
		struct fail why = {0};
		uint32_t fr;

		maker_init(&m, sizes[i]);
		fr = add_country(&m, "FR");
		add_network(&m, (const uint8_t[]){10, 1, 0, 0}, 16, fr);
		add_network(&m, (const uint8_t[]){10, 2, 0, 0}, 15, add_country(&m, "DE"));
		add_network(&m, (const uint8_t[]){192, 0, 2, 7}, 32, add_pointer(&m, fr));
		EXPECT(t, detect_geo_open(made(&m, 4), &g, &why) == ST_OK);
		EXPECT_SLICE(t, country(&g, 10, 1, 255, 255), SLICE("FR"));
		EXPECT_SLICE(t, country(&g, 10, 2, 0, 0), SLICE("DE"));
		EXPECT_SLICE(t, country(&g, 10, 3, 255, 255), SLICE("DE"));
		EXPECT(t, country(&g, 10, 4, 0, 0).ptr == NULL);
		EXPECT(t, country(&g, 10, 0, 255, 255).ptr == NULL);
		EXPECT_SLICE(t, country(&g, 192, 0, 2, 7), SLICE("FR"));
		EXPECT(t, country(&g, 192, 0, 2, 6).ptr == NULL);
		maker_done(&m);
	}
}

static void ipv4_is_where_ipv6_begins_with_96_zero_bits(struct test *t)
{
	uint8_t v4[16] = {[12] = 198, 51, 100, 0}, v6[16] = {0x20, 1, 0x0d, 0xb8};
	struct addr a = {.family = 6};
	struct detect_geo g;
	struct maker m;
	struct fail why = {0};

	maker_init(&m, 24);
	add_network(&m, v4, 120, add_country(&m, "JP"));
	add_network(&m, v6, 32, add_country(&m, "SE"));
	EXPECT(t, detect_geo_open(made(&m, 6), &g, &why) == ST_OK);
	EXPECT_SLICE(t, country(&g, 198, 51, 100, 200), SLICE("JP"));
	EXPECT(t, country(&g, 198, 51, 101, 0).ptr == NULL);
	memcpy(a.b, v6, 16);
	EXPECT_SLICE(t, detect_geo_country(&g, &a), SLICE("SE"));
	maker_done(&m);
}

static void records_that_loop_or_lie_are_of_no_country(struct test *t)
{
	static const char *const bad[] = {
		"\x20\x00", /* a pointer to itself */
		"\xe1\x47"
		"country\x20\x00", /* a country that is the record */
		"\xe1\x47"
		"country\xe1\x48iso_code\x5d\xff\xff", /* a longer string than there is */
		"\xff\xff\xff\xff",		       /* millions of pairs */
		"\x42xx",			       /* no map */
	};
	/* with their zero bytes */
	static const size_t lens[] = {2, 11, 21, 4, 3};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct detect_geo g;
		struct maker m;
		struct fail why = {0};

		maker_init(&m, 24);
		buf_add(&m.data, (struct slice){(const uint8_t *)bad[i], lens[i]});
		add_network(&m, (const uint8_t[]){10, 0, 0, 0}, 8, 0);
		EXPECT(t, detect_geo_open(made(&m, 4), &g, &why) == ST_OK);
		EXPECT(t, country(&g, 10, 0, 0, 1).ptr == NULL);
		maker_done(&m);
	}
}

static void what_is_no_database_is_refused_and_says_why(struct test *t)
{
	struct detect_geo g;
	struct maker m;
	struct fail why = {0};
	struct slice whole;

	maker_init(&m, 24);
	add_network(&m, (const uint8_t[]){10, 0, 0, 0}, 8, add_country(&m, "FR"));
	whole = made(&m, 4);
	EXPECT(t, detect_geo_open(SLICE(""), &g, &why) == ST_INVALID);
	EXPECT(t, detect_geo_open(SLICE("\xab\xcd\xefMaxMind.com"), &g, &why) == ST_INVALID);
	EXPECT(t, detect_geo_open(slice_part(whole, 0, whole.len - 4), &g, &why) == ST_INVALID);
	/* its beginning is missing: the tree would reach into what says so */
	EXPECT(t, detect_geo_open(slice_from(whole, whole.len - 130), &g, &why) == ST_INVALID);
	EXPECT(t, slice_of(why.text).len != 0);
	EXPECT(t, detect_geo_open(whole, &g, &why) == ST_OK);
	maker_done(&m);
}

TESTS(T(addresses_are_in_the_country_of_their_network),
      T(ipv4_is_where_ipv6_begins_with_96_zero_bits), T(records_that_loop_or_lie_are_of_no_country),
      T(what_is_no_database_is_refused_and_says_why))
