/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/disclose/disclose.h"

#include <stdio.h>

#include "test.h"

struct room {
	struct arena_pool pool;
	struct arena a;
	struct fail why;
	struct disclose_issuer issuer;
	struct disclose_key key;
	struct disclose_keys keys;
	uint8_t next; /* salt */
};

static void counting(void *ctx, uint8_t *out, size_t n)
{
	uint8_t *next = ctx;

	for (size_t i = 0; i < n; i++)
		out[i] = (*next)++;
}

static bool room_init(struct room *r)
{
	static const uint8_t seed[32] = {9, 9};
	struct crypto_signer s;

	*r = (struct room){.pool = {.budget = 16 << 20}};
	r->a.pool = &r->pool;
	crypto_signer_from_seed(seed, &s);
	r->key = disclose_key_of(s.key);
	r->keys = (struct disclose_keys){&r->key, 1};
	return disclose_issuer_init(&r->issuer, SLICE("avalon/edge"), &s,
				    (struct crypto_random){&r->next, counting}, &r->why) == ST_OK;
}

static void room_done(struct room *r)
{
	disclose_issuer_done(&r->issuer);
	arena_reset(&r->a);
	arena_pool_drain(&r->pool);
}

static const struct record_field some[] = {
	{SLICE(""), SLICE("timestamp"), SLICE("\"2026-11-22T03:04:05.678901+0000\"")},
	{SLICE(""), SLICE("src_ip"), SLICE("\"192.0.2.7\"")},
	{SLICE(""), SLICE("src_port"), SLICE("443")},
	{SLICE(""), SLICE("event_type"), SLICE("\"alert\"")},
	{SLICE("alert"), SLICE("signature_id"), SLICE("2024297")},
	{SLICE("alert"), SLICE("signature"), SLICE("\"a \\\"quoted\\\" one, \xc3\xa9\"")},
	{SLICE("alert"), SLICE("metadata"), SLICE("{\"a\":[\"b\",{\"c\":null}]}")},
	{SLICE("tls"), SLICE("score"), SLICE("0.38")},
};
enum { SOME = sizeof some / sizeof some[0], SHOWN = 3 * 8 }; /* digests: of three groups */

static bool same(const struct record_field *a, const struct record_field *b)
{
	return slice_equal(a->group, b->group) && slice_equal(a->name, b->name) &&
	       slice_equal(a->json, b->json);
}

/* RFC 8037 A.3. */
static void thumbprints_are_those_of_rfc_8037(struct test *t)
{
	uint8_t key[CRYPTO_KEY_BYTES];
	struct disclose_key k;
	size_t n;

	EXPECT(t, crypto_base64_parse(CRYPTO_BASE64URL,
				      SLICE("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
				      sizeof key, key, &n) &&
			  n == sizeof key);
	k = disclose_key_of(key);
	EXPECT_SLICE(t, ((struct slice){(uint8_t *)k.kid, sizeof k.kid}),
		     SLICE("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
}

/* RFC 9901 4.2.1's example of a disclosure has white space, so it is another text than ours; its
 * rule for the digest is the same, and its own digest can be checked (4.2.3). */
static void digests_are_those_of_rfc_9901(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 16};
	struct arena a = {.pool = &pool};
	struct buf b = buf_in(&a);
	uint8_t hash[32];

	crypto_sha256_of(
		SLICE("WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"),
		hash);
	crypto_base64_add(CRYPTO_BASE64URL, (struct slice){hash, sizeof hash}, &b);
	EXPECT_SLICE(t, buf_slice(&b), SLICE("X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"));
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void what_was_sealed_is_opened(struct test *t)
{
	struct room r;
	struct disclose_sealed s;
	struct disclose_opened o;

	EXPECT(t, room_init(&r));
	EXPECT(t, disclose_seal(&r.issuer, some, SOME, 1795316645, &r.a, &s, &r.why) == ST_OK);
	EXPECT_UINT(t, s.count, SOME);
	EXPECT(t, disclose_open(s.jwt, s.disclosures, s.count, &r.keys, &r.a, &o, &r.why) == ST_OK);
	EXPECT_SLICE(t, o.issuer, SLICE("avalon/edge"));
	EXPECT_UINT(t, o.at_s, 1795316645);
	EXPECT_UINT(t, o.count, SOME);
	EXPECT_UINT(t, o.hidden, SHOWN - SOME); /* decoys */
	EXPECT(t, o.group_count == 2);
	for (size_t i = 0; i < SOME; i++)
		EXPECT(t, same(&o.fields[i], &some[i]));
	room_done(&r);
}

static void a_leaf_names_the_one_before_it_if_its_issuer_does(struct test *t)
{
	struct room r;
	struct disclose_sealed s;
	struct disclose_opened o;
	uint8_t prev[CRYPTO_SHA256_BYTES];

	for (size_t i = 0; i < sizeof prev; i++)
		prev[i] = (uint8_t)test_rand(t);
	for (unsigned named = 0; named < 2; named++) {
		EXPECT(t, room_init(&r));
		r.issuer.prev = named ? prev : NULL;
		EXPECT(t, disclose_seal(&r.issuer, some, SOME, 7, &r.a, &s, &r.why) == ST_OK);
		EXPECT(t, disclose_open(s.jwt, s.disclosures, s.count, &r.keys, &r.a, &o, &r.why) ==
				  ST_OK);
		EXPECT(t, o.has_prev == (named != 0));
		EXPECT(t, !named || memcmp(o.prev, prev, sizeof prev) == 0);
		EXPECT_UINT(t, o.count, SOME);
		/* it is said to everybody */
		EXPECT(t, disclose_open_checked(s.jwt, NULL, 0, &r.a, &o, &r.why) == ST_OK);
		EXPECT(t, o.has_prev == (named != 0) && o.count == 0);
		room_done(&r);
	}
}

static void any_subset_in_any_order_is_opened(struct test *t)
{
	struct room r;
	struct disclose_sealed s;

	EXPECT(t, room_init(&r));
	EXPECT(t, disclose_seal(&r.issuer, some, SOME, 0, &r.a, &s, &r.why) == ST_OK);
	for (unsigned round = 0; round < 200; round++) {
		struct arena a = {.pool = &r.pool};
		struct slice shown[SOME];
		size_t which[SOME], n = 0;
		struct disclose_opened o;

		for (size_t i = 0; i < SOME; i++) {
			size_t at = test_rand(t) % (n + 1);

			if (test_rand(t) % 2 == 0)
				continue;
			which[n] = which[at];
			shown[n] = shown[at];
			which[at] = i;
			shown[at] = s.disclosures[i];
			n++;
		}
		EXPECT(t, disclose_open(s.jwt, shown, n, &r.keys, &a, &o, &r.why) == ST_OK);
		EXPECT(t, o.count == n && o.hidden == SHOWN - n && o.at_s == 0);
		for (size_t i = 0; i < n; i++)
			EXPECT(t, same(&o.fields[i], &some[which[i]]));
		arena_reset(&a);
	}
	room_done(&r);
}

static void the_jwt_alone_shows_no_value(struct test *t)
{
	struct room r;
	struct disclose_sealed s, again;
	struct slice rest, payload;

	EXPECT(t, room_init(&r));
	EXPECT(t, disclose_seal(&r.issuer, some, SOME, 0, &r.a, &s, &r.why) == ST_OK);
	rest = s.jwt;
	EXPECT(t, slice_split(&rest, '.').len > 0);
	EXPECT(t, crypto_base64_take(CRYPTO_BASE64URL, slice_split(&rest, '.'), &r.a, &payload) ==
			  ST_OK);
	EXPECT(t, slice_find(payload, SLICE("192.0.2.7")) == SIZE_MAX);
	EXPECT(t, slice_find(payload, SLICE("signature")) == SIZE_MAX);
	EXPECT(t, slice_find(payload, SLICE("\"alert\":{\"_sd\":[")) != SIZE_MAX);
	/* the same record again has other salts, so other digests */
	EXPECT(t, disclose_seal(&r.issuer, some, SOME, 0, &r.a, &again, &r.why) == ST_OK);
	EXPECT(t, !slice_equal(s.jwt, again.jwt));
	for (size_t i = 0; i < SOME; i++)
		EXPECT(t, !slice_equal(s.disclosures[i], again.disclosures[i]));
	r.next = 0; /* and with the same salts it is the same */
	EXPECT(t, disclose_seal(&r.issuer, some, SOME, 0, &r.a, &again, &r.why) == ST_OK);
	EXPECT(t, slice_equal(s.jwt, again.jwt));
	room_done(&r);
}

/* RFC 9901 4.2.5: from the JWT alone nobody can tell 1 field of a group from 8, or 9 from 16. */
static void decoys_hide_how_many_fields_there_are(struct test *t)
{
	static const struct {
		size_t fields, digests;
	} rows[] = {{0, 8},   {1, 8},	 {8, 8},
		    {9, 16},  {16, 16},	 {17, 32},
		    {64, 64}, {65, 128}, {RECORD_FIELDS_MAX, 128}};
	static struct record_field many[RECORD_FIELDS_MAX];
	static char names[RECORD_FIELDS_MAX][8];
	size_t length[2] = {0, 0};

	for (size_t i = 0; i < RECORD_FIELDS_MAX; i++) {
		(void)snprintf(names[i], sizeof names[i], "f%zu", i);
		many[i] = (struct record_field){.name = slice_of(names[i]), .json = SLICE("1")};
	}
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct room r;
		struct disclose_sealed s;
		struct disclose_opened o;

		EXPECT(t, room_init(&r));
		r.issuer.salts = (struct crypto_random){0}; /* counting() begins anew after 16 */
		EXPECT(t, disclose_seal(&r.issuer, many, rows[i].fields, 0, &r.a, &s, &r.why) ==
				  ST_OK);
		if (disclose_open(s.jwt, s.disclosures, s.count, &r.keys, &r.a, &o, &r.why) !=
		    ST_OK) {
			test_fail(t, __FILE__, __LINE__, "%zu: %s", rows[i].fields, r.why.text);
			return;
		}
		EXPECT_UINT(t, o.hidden, rows[i].digests - rows[i].fields);
		if (rows[i].fields == 1 || rows[i].fields == 8)
			length[rows[i].fields == 8] = s.jwt.len;
		room_done(&r);
	}
	EXPECT(t, length[0] != 0 && length[0] == length[1]);
}

/* What was sealed yesterday is opened from the same salts, without its signature. */
static void disclosures_are_made_again_from_the_same_salts(struct test *t)
{
	struct room r;
	struct disclose_sealed s;
	struct slice *again;

	EXPECT(t, room_init(&r));
	EXPECT(t, disclose_seal(&r.issuer, some, SOME, 0, &r.a, &s, &r.why) == ST_OK);
	r.next = 0;
	EXPECT(t, disclose_fields(&r.issuer.salts, some, SOME, &r.a, &again, &r.why) == ST_OK);
	for (size_t i = 0; i < SOME; i++)
		EXPECT_SLICE(t, again[i], s.disclosures[i]);
	room_done(&r);
}

static void any_changed_byte_is_refused(struct test *t)
{
	struct room r;
	struct disclose_sealed s;
	struct disclose_opened o;
	uint8_t *jwt;

	EXPECT(t, room_init(&r));
	EXPECT(t, disclose_seal(&r.issuer, some, SOME, 7, &r.a, &s, &r.why) == ST_OK);
	jwt = ARENA_ARRAY(&r.a, uint8_t, s.jwt.len);
	EXPECT(t, jwt != NULL);
	memcpy(jwt, s.jwt.ptr, s.jwt.len);
	for (size_t i = 0; i < s.jwt.len; i++) {
		struct arena a = {.pool = &r.pool};
		struct slice changed = {jwt, s.jwt.len};

		jwt[i] ^= 1;
		EXPECT(t, disclose_open(changed, s.disclosures, s.count, &r.keys, &a, &o, &r.why) !=
				  ST_OK);
		jwt[i] ^= 1;
		arena_reset(&a);
	}
	for (size_t k = 0; k < SOME; k++) {
		struct slice whole = s.disclosures[k], copy = arena_copy(&r.a, whole);
		uint8_t *bytes = (uint8_t *)(uintptr_t)copy.ptr;

		s.disclosures[k] = copy;
		for (size_t i = 0; i < copy.len; i++) {
			bytes[i] ^= 1;
			EXPECT(t, disclose_open(s.jwt, s.disclosures, s.count, &r.keys, &r.a, &o,
						&r.why) == ST_REFUSED);
			bytes[i] ^= 1;
		}
		s.disclosures[k] = whole;
	}
	room_done(&r);
}

static void strangers_and_doubles_are_refused(struct test *t)
{
	struct room r;
	struct disclose_sealed s, other;
	struct disclose_opened o;
	struct slice shown[3];
	struct disclose_keys none = {0};

	EXPECT(t, room_init(&r));
	EXPECT(t, disclose_seal(&r.issuer, some, SOME, 0, &r.a, &s, &r.why) == ST_OK);
	EXPECT(t, disclose_seal(&r.issuer, some, SOME, 0, &r.a, &other, &r.why) == ST_OK);
	shown[0] = s.disclosures[0];
	shown[1] = other.disclosures[1];
	EXPECT(t, disclose_open(s.jwt, shown, 2, &r.keys, &r.a, &o, &r.why) == ST_REFUSED);
	EXPECT(t, strstr(r.why.text, "disclosure 1") != NULL);
	shown[1] = s.disclosures[0];
	EXPECT(t, disclose_open(s.jwt, shown, 2, &r.keys, &r.a, &o, &r.why) == ST_REFUSED);
	EXPECT(t, strstr(r.why.text, "twice") != NULL);
	EXPECT(t, disclose_open(s.jwt, shown, 1, &none, &r.a, &o, &r.why) == ST_REFUSED);
	r.key.key[3] ^= 1;
	EXPECT(t, disclose_open(s.jwt, shown, 1, &r.keys, &r.a, &o, &r.why) == ST_REFUSED);
	room_done(&r);
}

/* Signs any payload with the right key: what a hostile station could commit to. */
static struct slice forged(struct room *r, struct slice payload)
{
	struct buf b = buf_in(&r->a);
	uint8_t sig[CRYPTO_SIGNATURE_BYTES];

	buf_add(&b, (struct slice){(const uint8_t *)r->issuer.header, r->issuer.header_len});
	buf_add_byte(&b, '.');
	crypto_base64_add(CRYPTO_BASE64URL, payload, &b);
	crypto_signer_sign(&r->issuer.signer, buf_slice(&b), sig);
	buf_add_byte(&b, '.');
	crypto_base64_add(CRYPTO_BASE64URL, (struct slice){sig, sizeof sig}, &b);
	return buf_slice(&b);
}

static struct slice b64(struct room *r, struct slice plain)
{
	struct buf b = buf_in(&r->a);

	crypto_base64_add(CRYPTO_BASE64URL, plain, &b);
	return buf_slice(&b);
}

static struct slice digest(struct room *r, struct slice disclosure)
{
	struct buf b = buf_in(&r->a);
	uint8_t hash[32];

	crypto_sha256_of(disclosure, hash);
	crypto_base64_add(CRYPTO_BASE64URL, (struct slice){hash, sizeof hash}, &b);
	return buf_slice(&b);
}

static void hostile_payloads_are_refused(struct test *t)
{
	static const struct {
		const char *payload;
		enum status want;
	} rows[] = {
		{"{\"_sd\":[],\"_sd_alg\":\"sha-256\",\"iss\":\"x\"}", ST_OK},
		{"{\"_sd_alg\":\"sha-256\",\"iss\":\"x\"}", ST_OK},
		{"{\"_sd_alg\":\"sha-256\",\"iss\":\"x\",\"alert\":{\"_sd\":[]}}", ST_OK},
		{"{\"_sd\":[],\"_sd_alg\":\"sha-256\",\"iss\":\"x\",\"iat\":1,"
		 "\"prev\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
		 ST_OK},
		{"{\"prev\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"_sd_alg\":\"sha-"
		 "256\","
		 "\"iss\":\"x\"}",
		 ST_OK},
		{"{\"_sd\":[],\"_sd_alg\":\"sha-256\",\"iss\":\"x\",\"prev\":\"AAAA\"}",
		 ST_INVALID},
		{"{\"_sd\":[],\"_sd_alg\":\"sha-256\",\"iss\":\"x\",\"prev\":7}", ST_INVALID},
		{"{\"_sd\":[],\"_sd_alg\":\"sha-256\",\"iss\":\"x\",\"prev\":{\"_sd\":[]}}",
		 ST_INVALID},
		/* another text of the same bytes */
		{"{\"_sd\":[],\"_sd_alg\":\"sha-256\",\"iss\":\"x\","
		 "\"prev\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\"}",
		 ST_INVALID},
		{"{\"_sd\":[],\"iss\":\"x\"}", ST_INVALID},
		{"{\"_sd\":[],\"_sd_alg\":\"sha-512\",\"iss\":\"x\"}", ST_INVALID},
		{"{\"_sd\":[],\"_sd_alg\":256,\"iss\":\"x\"}", ST_INVALID},
		{"{\"_sd\":[],\"_sd_alg\":\"sha-256\"}", ST_INVALID},
		{"{\"_sd\":[],\"_sd_alg\":\"sha-256\",\"iss\":\"\"}", ST_INVALID},
		{"{\"_sd\":[],\"_sd_alg\":\"sha-256\",\"iss\":7}", ST_INVALID},
		{"{\"_sd\":[],\"_sd_alg\":\"sha-256\",\"iss\":\"x\",\"iat\":\"1\"}", ST_INVALID},
		{"{\"_sd\":[],\"_sd_alg\":\"sha-256\",\"iss\":\"x\",\"iat\":-1}", ST_INVALID},
		{"{\"_sd\":[],\"_sd\":[],\"_sd_alg\":\"sha-256\",\"iss\":\"x\"}", ST_INVALID},
		{"{\"_sd\":[7],\"_sd_alg\":\"sha-256\",\"iss\":\"x\"}", ST_INVALID},
		{"{\"_sd\":[\"short\"],\"_sd_alg\":\"sha-256\",\"iss\":\"x\"}", ST_INVALID},
		{"{\"_sd\":7,\"_sd_alg\":\"sha-256\",\"iss\":\"x\"}", ST_INVALID},
		{"{\"_sd\":[],\"_sd_alg\":\"sha-256\",\"iss\":\"x\",\"src_ip\":\"1\"}", ST_INVALID},
		{"{\"_sd\":[],\"_sd_alg\":\"sha-256\",\"iss\":\"x\",\"alert\":{}}", ST_INVALID},
		{"{\"_sd\":[],\"_sd_alg\":\"sha-256\",\"iss\":\"x\",\"alert\":{\"_sd\":[],\"a\":1}"
		 "}",
		 ST_INVALID},
		{"{\"_sd\":[],\"_sd_alg\":\"sha-256\",\"iss\":\"x\",\"a b\":{\"_sd\":[]}}",
		 ST_INVALID},
		{"{\"_sd\":[\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
		 "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"],"
		 "\"_sd_alg\":\"sha-256\",\"iss\":\"x\"}",
		 ST_REFUSED},
		{"{\"_sd\":[\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"],"
		 "\"alert\":{\"_sd\":[\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]},"
		 "\"_sd_alg\":\"sha-256\",\"iss\":\"x\"}",
		 ST_REFUSED},
		{"[]", ST_INVALID},
		{"", ST_INVALID},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct room r;
		struct disclose_opened o;

		EXPECT(t, room_init(&r));
		EXPECT_UINT(t,
			    disclose_open(forged(&r, slice_of(rows[i].payload)), NULL, 0, &r.keys,
					  &r.a, &o, &r.why),
			    rows[i].want);
		room_done(&r);
	}
}

/* What is in the form that we write is read without a tree; white space makes it another form, and
 * nothing else. A change of one byte is judged the same in both. */
static void a_payload_says_the_same_in_either_form(struct test *t)
{
	static const char form[] =
		"{\"_sd\":[\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
		"\"BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"],\"_sd_alg\":\"sha-256\",\"iss\":"
		"\"\xc3\xa9 x\",\"iat\":17,\"alert\":{\"_sd\":[\"CAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		"AAAAAAAAA\"]},\"dns\":{\"_sd\":[]}}";
	size_t same_ok = 0;

	for (size_t i = 0; i <= sizeof form - 1; i++) {
		struct disclose_opened a, b;
		struct buf quick, spaced;
		enum status x, y;
		struct room r;

		EXPECT(t, room_init(&r));
		quick = buf_in(&r.a);
		spaced = buf_in(&r.a);
		buf_add_z(&quick, form);
		if (i < sizeof form - 1) /* the last round changes nothing */
			quick.ptr[i] ^= (uint8_t)(1u << test_rand(t) % 7);
		buf_add(&spaced, buf_slice(&quick));
		buf_add_byte(&spaced, ' ');
		x = disclose_open(forged(&r, buf_slice(&quick)), NULL, 0, &r.keys, &r.a, &a,
				  &r.why);
		y = disclose_open(forged(&r, buf_slice(&spaced)), NULL, 0, &r.keys, &r.a, &b,
				  &r.why);
		if (x != y) {
			test_fail(t, __FILE__, __LINE__, "byte %zu: %d and %d", i, (int)x, (int)y);
			return;
		}
		if (x == ST_OK) {
			same_ok++;
			EXPECT_SLICE(t, a.issuer, b.issuer);
			EXPECT(t, a.at_s == b.at_s && a.hidden == b.hidden &&
					  a.group_count == b.group_count);
			for (size_t g = 0; g < a.group_count; g++)
				EXPECT_SLICE(t, a.groups[g], b.groups[g]);
		}
		room_done(&r);
	}
	EXPECT(t, same_ok > 10);
}

static void hostile_disclosures_are_refused(struct test *t)
{
	static const struct {
		const char *one, *two; /* two: in the same place; NULL if there is none */
		enum status want;
	} rows[] = {
		{"[\"AAAAAAAAAAAAAAAAAAAAAA\",\"a\",1]", NULL, ST_OK},
		{"[\"AAAAAAAAAAAAAAAAAAAAAA\",\"a\",1]", "[\"AAAAAAAAAAAAAAAAAAAAAA\",\"b\",1]",
		 ST_OK},
		{"[\"AAAAAAAAAAAAAAAAAAAAAA\",\"a\",1]", "[\"AAAAAAAAAAAAAAAAAAAAAQ\",\"a\",2]",
		 ST_REFUSED},
		{"[\"AAAAAAAAAAAAAAAAAAAAAA\",\"iss\",\"y\"]", NULL, ST_REFUSED},
		{"[\"AAAAAAAAAAAAAAAAAAAAAA\",\"tls\",{}]", NULL, ST_REFUSED}, /* a group's name */
		{"[\"AAAAAAAAAAAAAAAAAAAAAA\",\"_sd\",1]", NULL, ST_INVALID},
		{"[\"AAAAAAAAAAAAAAAAAAAAAA\",\"...\",1]", NULL, ST_INVALID},
		{"[\"AAAAAAAAAAAAAAAAAAAAAA\",\"_sd_alg\",1]", NULL, ST_INVALID},
		{"[\"AAAAAAAAAAAAAAAAAAAAAA\",\"a\",{\"_sd\":[]}]", NULL, ST_INVALID},
		{"[\"AAAAAAAAAAAAAAAAAAAAAA\",\"a\",[{\"...\":\"x\"}]]", NULL, ST_INVALID},
		{"[\"AAAAAAAAAAAAAAAAAAAAAA\",1]", NULL, ST_INVALID},
		{"[\"AAAAAAAAAAAAAAAAAAAAAA\",\"a\"]", NULL, ST_INVALID},
		{"[\"AAAAAAAAAAAAAAAAAAAAAA\",\"a\",]", NULL, ST_INVALID},
		{"[\"AAAAAAAAAAAAAAAAAAAAAA\",\"a\",1,2]", NULL, ST_INVALID},
		{"[\"AAAAAAAAAAAAAAAAAAAAAA\", \"a\",1]", NULL, ST_INVALID},
		{"[\"AAAAAAAAAAAAAAAAAAAAAA\",\"a\", 1]", NULL, ST_INVALID},
		{"[\"AAAAAAAAAAAAAAAAAAAAAA\",\"a\",1 ]", NULL, ST_INVALID},
		{"[\"AAAAAAAAAAAAAAAAAAAAAB\",\"a\",1]", NULL, ST_INVALID}, /* bits left over */
		{"[\"AAAAAAAAAAAAAAAAAAAAA\",\"a\",1]", NULL, ST_INVALID},
		{"[\"AAAAAAAAAAAAAAAAAAAAAA\",\"\",1]", NULL, ST_INVALID},
		{"[\"AAAAAAAAAAAAAAAAAAAAAA\",\"a\",x]", NULL, ST_INVALID},
		{"[\"AAAAAAAAAAAAAAAAAAAAAA\",\"a\",{\"b\":1,\"b\":2}]", NULL, ST_INVALID},
		{"[\"AAAAAAAAAAAAAAAAAAAAAA\",\"a\",\"\xff\"]", NULL, ST_INVALID},
		{"", NULL, ST_INVALID},
		{"[", NULL, ST_INVALID},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct room r;
		struct disclose_opened o;
		struct slice shown[2];
		struct buf payload;
		size_t n = rows[i].two ? 2 : 1;

		EXPECT(t, room_init(&r));
		payload = buf_in(&r.a);
		shown[0] = b64(&r, slice_of(rows[i].one));
		shown[1] = b64(&r, slice_of(rows[i].two));
		buf_add_fmt(&payload, "{\"_sd\":[\"%.*s\"", SLICE_ARG(digest(&r, shown[0])));
		if (n == 2)
			buf_add_fmt(&payload, ",\"%.*s\"", SLICE_ARG(digest(&r, shown[1])));
		buf_add_fmt(&payload,
			    "],\"_sd_alg\":\"sha-256\",\"iss\":\"x\",\"tls\":{\"_sd\":[\"%.*s\"]}}",
			    SLICE_ARG(digest(&r, SLICE("other"))));
		EXPECT_UINT(t,
			    disclose_open(forged(&r, buf_slice(&payload)), shown, n, &r.keys, &r.a,
					  &o, &r.why),
			    rows[i].want);
		room_done(&r);
	}
}

static void other_headers_are_refused(struct test *t)
{
	static const struct {
		const char *before, *after;
		size_t kid; /* characters of it */
		enum status want;
	} rows[] = {
		{"{\"alg\":\"EdDSA\",\"kid\":\"", "\",\"typ\":\"dewline-event+sd-jwt\"}", 43,
		 ST_OK},
		{"{\"alg\":\"none\",\"kid\":\"", "\",\"typ\":\"dewline-event+sd-jwt\"}", 43,
		 ST_INVALID},
		{"{\"alg\":\"EdDSA\",\"kid\":\"", "\",\"typ\":\"JWT\"}", 43, ST_INVALID},
		{"{\"alg\":\"EdDSA\",\"kid\":\"", "\",\"typ\":\"dewline-event+sd-jwt\"}", 42,
		 ST_INVALID},
		{"{ \"alg\":\"EdDSA\",\"kid\":\"", "\",\"typ\":\"dewline-event+sd-jwt\"}", 42,
		 ST_INVALID},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct room r;
		struct buf header;
		struct slice b;
		struct disclose_opened o;

		EXPECT(t, room_init(&r));
		header = buf_in(&r.a);
		buf_add_z(&header, rows[i].before);
		buf_add(&header, (struct slice){(uint8_t *)r.key.kid, rows[i].kid});
		buf_add_z(&header, rows[i].after);
		b = b64(&r, buf_slice(&header));
		memcpy(r.issuer.header, b.ptr, b.len);
		r.issuer.header_len = b.len;
		b = forged(&r, SLICE("{\"_sd_alg\":\"sha-256\",\"iss\":\"x\"}"));
		EXPECT_UINT(t, disclose_open(b, NULL, 0, &r.keys, &r.a, &o, &r.why), rows[i].want);
		room_done(&r);
	}
}

static void what_cannot_be_a_field_is_not_sealed(struct test *t)
{
	static const struct record_field bad[] = {
		{SLICE(""), SLICE(""), SLICE("1")},	{SLICE(""), SLICE("_sd"), SLICE("1")},
		{SLICE(""), SLICE("..."), SLICE("1")},	{SLICE(""), SLICE("iss"), SLICE("1")},
		{SLICE("iat"), SLICE("a"), SLICE("1")}, {SLICE(""), SLICE("a b"), SLICE("1")},
		{SLICE(""), SLICE("a"), SLICE("")},	{SLICE("_sd"), SLICE("a"), SLICE("1")},
	};
	static const struct record_field twice[] = {{SLICE("g"), SLICE("a"), SLICE("1")},
						    {SLICE(""), SLICE("a"), SLICE("2")},
						    {SLICE("g"), SLICE("a"), SLICE("3")}};
	static struct record_field many[RECORD_FIELDS_MAX + 1], groups[DISCLOSE_GROUPS_MAX + 1];
	static char names[RECORD_FIELDS_MAX + 1][8];
	struct room r;
	struct disclose_sealed s;
	uint8_t name[256];

	EXPECT(t, room_init(&r));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		EXPECT(t, disclose_seal(&r.issuer, &bad[i], 1, 0, &r.a, &s, &r.why) == ST_INVALID);
	EXPECT(t, disclose_seal(&r.issuer, twice, 2, 0, &r.a, &s, &r.why) == ST_OK);
	EXPECT(t, disclose_seal(&r.issuer, twice, 3, 0, &r.a, &s, &r.why) == ST_INVALID);
	for (size_t i = 0; i <= RECORD_FIELDS_MAX; i++) {
		(void)snprintf(names[i], sizeof names[i], "f%zu", i);
		many[i] = (struct record_field){.name = slice_of(names[i]), .json = SLICE("1")};
		if (i <= DISCLOSE_GROUPS_MAX)
			groups[i] =
				(struct record_field){slice_of(names[i]), SLICE("a"), SLICE("1")};
	}
	EXPECT(t, disclose_seal(&r.issuer, many, RECORD_FIELDS_MAX, 0, &r.a, &s, &r.why) == ST_OK);
	EXPECT(t, s.jwt.len < 65536);
	EXPECT(t, disclose_seal(&r.issuer, many, RECORD_FIELDS_MAX + 1, 0, &r.a, &s, &r.why) ==
			  ST_LIMIT);
	EXPECT(t,
	       disclose_seal(&r.issuer, groups, DISCLOSE_GROUPS_MAX, 0, &r.a, &s, &r.why) == ST_OK);
	EXPECT(t, disclose_seal(&r.issuer, groups, DISCLOSE_GROUPS_MAX + 1, 0, &r.a, &s, &r.why) ==
			  ST_LIMIT);
	EXPECT(t, disclose_seal(&r.issuer, NULL, 0, 0, &r.a, &s, &r.why) == ST_OK && s.count == 0);
	memset(name, 'a', sizeof name);
	EXPECT(t, disclose_issuer_init(&r.issuer, (struct slice){name, 255}, &r.issuer.signer,
				       r.issuer.salts, &r.why) == ST_OK);
	EXPECT(t, disclose_issuer_init(&r.issuer, (struct slice){name, 256}, &r.issuer.signer,
				       r.issuer.salts, &r.why) == ST_INVALID);
	EXPECT(t, disclose_issuer_init(&r.issuer, SLICE(""), &r.issuer.signer, r.issuer.salts,
				       &r.why) == ST_INVALID);
	room_done(&r);
}

static void key_sets_have_one_form(struct test *t)
{
	struct room r;
	struct disclose_key two[2];
	struct disclose_keys got;
	struct buf b;

	EXPECT(t, room_init(&r));
	b = buf_in(&r.a);
	two[0] = r.key;
	two[1] = disclose_key_of((const uint8_t[32]){5});
	disclose_keys_add(two, 2, &b);
	EXPECT(t, disclose_keys_parse(buf_slice(&b), &r.a, &got, &r.why) == ST_OK);
	EXPECT(t, got.count == 2 && memcmp(got.keys, two, sizeof two) == 0);
	for (size_t i = 0; i < b.len; i++) {
		b.ptr[i] ^= 1;
		EXPECT(t, disclose_keys_parse(buf_slice(&b), &r.a, &got, &r.why) == ST_INVALID);
		b.ptr[i] ^= 1;
	}
	EXPECT(t, disclose_keys_parse(SLICE("{\"keys\":[]}"), &r.a, &got, &r.why) == ST_OK &&
			  got.count == 0);
	EXPECT(t, disclose_keys_parse(SLICE("{\"keys\": []}"), &r.a, &got, &r.why) == ST_INVALID);
	EXPECT(t, disclose_keys_parse(SLICE("{\"keys\":{}}"), &r.a, &got, &r.why) == ST_INVALID);
	EXPECT(t, disclose_keys_parse(SLICE(""), &r.a, &got, &r.why) == ST_INVALID);
	room_done(&r);
}

static void every_allocation_may_fail(struct test *t)
{
	enum status st = ST_NOMEM;

	for (size_t after = 1; st != ST_OK; after++) {
		struct room r;
		struct disclose_sealed s;
		struct disclose_opened o;
		struct disclose_keys keys;
		struct buf b;

		EXPECT(t, room_init(&r) && after < 200);
		r.pool.fail_after = after;
		b = buf_in(&r.a);
		st = disclose_seal(&r.issuer, some, SOME, 0, &r.a, &s, &r.why);
		disclose_keys_add(&r.key, 1, &b);
		if (st == ST_OK && b.full)
			st = ST_NOMEM;
		if (st == ST_OK)
			st = disclose_keys_parse(buf_slice(&b), &r.a, &keys, &r.why);
		if (st == ST_OK)
			st = disclose_open(s.jwt, s.disclosures, s.count, &keys, &r.a, &o, &r.why);
		EXPECT(t, st == ST_OK || st == ST_NOMEM || st == ST_INVALID);
		arena_reset(&r.a);
		EXPECT_UINT(t, r.pool.out, 0);
		room_done(&r);
	}
}

TESTS(T(thumbprints_are_those_of_rfc_8037), T(digests_are_those_of_rfc_9901),
      T(what_was_sealed_is_opened), T(a_leaf_names_the_one_before_it_if_its_issuer_does),
      T(any_subset_in_any_order_is_opened), T(the_jwt_alone_shows_no_value),
      T(decoys_hide_how_many_fields_there_are), T(disclosures_are_made_again_from_the_same_salts),
      T(any_changed_byte_is_refused), T(strangers_and_doubles_are_refused),
      T(hostile_payloads_are_refused), T(a_payload_says_the_same_in_either_form),
      T(hostile_disclosures_are_refused), T(other_headers_are_refused),
      T(what_cannot_be_a_field_is_not_sealed), T(key_sets_have_one_form),
      T(every_allocation_may_fail))
