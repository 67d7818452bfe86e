/* SPDX-License-Identifier: Apache-2.0
 * Examples: RFC 9901 5.1 (payload, disclosures and digests as printed there; the signature is ours,
 * for theirs is of a curve that we do not take). */
#include <stdio.h>

#include "evidence/disclose/disclose.h"
#include "test.h"

#define SALT "AAAAAAAAAAAAAAAAAAAAAA"
#define HEADER "{\"alg\":\"EdDSA\",\"typ\":\"example+sd-jwt\"}"
enum { NOW = 1795316645 };

struct room {
	struct arena_pool pool;
	struct arena a;
	struct fail why;
	struct crypto_signer issuer, holder;
	struct disclose_key issuer_key, holder_key;
	struct disclose_keys keys;
	struct disclose_demand demand;
	struct disclose_presented got;
};

static void room_init(struct room *r)
{
	static const uint8_t seeds[2][32] = {{1}, {2}};

	*r = (struct room){.pool = {.budget = 64 << 20}};
	r->a.pool = &r->pool;
	crypto_signer_from_seed(seeds[0], &r->issuer);
	crypto_signer_from_seed(seeds[1], &r->holder);
	r->issuer_key = disclose_key_of(r->issuer.key);
	r->holder_key = disclose_key_of(r->holder.key);
	r->keys = (struct disclose_keys){&r->issuer_key, 1};
	r->demand = (struct disclose_demand){.keys = &r->keys, .now_s = NOW};
}

static void room_done(struct room *r)
{
	arena_reset(&r->a);
	arena_pool_drain(&r->pool);
}

static struct slice encoded(struct room *r, struct slice plain)
{
	struct buf b = buf_in(&r->a);

	crypto_base64_add(CRYPTO_BASE64URL, plain, &b);
	return buf_slice(&b);
}

static void add_digest(struct slice text, struct buf *out)
{
	uint8_t hash[CRYPTO_SHA256_BYTES];

	crypto_sha256_of(text, hash);
	crypto_base64_add(CRYPTO_BASE64URL, (struct slice){hash, sizeof hash}, out);
}

/* Where `text` writes #0 to #9, the digest of that disclosure; where it writes ~K, the holder's
 * key. */
static struct slice filled(struct room *r, const char *text, const struct slice *shown)
{
	struct buf b = buf_in(&r->a);

	for (; *text != 0; text++) {
		if (text[0] == '#' && text[1] >= '0' && text[1] <= '9') {
			add_digest(shown[*++text - '0'], &b);
		} else if (text[0] == '~' && text[1] == 'K') {
			text++;
			crypto_base64_add(CRYPTO_BASE64URL,
					  (struct slice){r->holder.key, sizeof r->holder.key}, &b);
		} else {
			buf_add_byte(&b, (uint8_t)*text);
		}
	}
	return buf_slice(&b);
}

static struct slice signed_jwt(struct room *r, const struct crypto_signer *s, const char *header,
			       struct slice payload)
{
	struct buf b = buf_in(&r->a);
	uint8_t sig[CRYPTO_SIGNATURE_BYTES];

	buf_add(&b, encoded(r, slice_of(header)));
	buf_add_byte(&b, '.');
	buf_add(&b, encoded(r, payload));
	crypto_signer_sign(s, buf_slice(&b), sig);
	buf_add_byte(&b, '.');
	crypto_base64_add(CRYPTO_BASE64URL, (struct slice){sig, sizeof sig}, &b);
	return buf_slice(&b);
}

/* A presentation of disclosures given as JSON, NULL after the last; disclosure i may name those
 * before it. */
static struct slice presentation(struct room *r, const char *header, const char *payload,
				 const char *const *disclosures)
{
	struct slice shown[10] = {{NULL, 0}};
	struct buf b = buf_in(&r->a);
	size_t n = 0;

	for (; disclosures != NULL && disclosures[n] != NULL; n++)
		shown[n] = encoded(r, filled(r, disclosures[n], shown));
	buf_add(&b, signed_jwt(r, &r->issuer, header, filled(r, payload, shown)));
	buf_add_byte(&b, '~');
	for (size_t i = 0; i < n; i++) {
		buf_add(&b, shown[i]);
		buf_add_byte(&b, '~');
	}
	return buf_slice(&b);
}

static void the_example_of_the_rfc_is_read(struct test *t)
{
	static const char payload[] =
		"{\"_sd\":[\"CrQe7S5kqBAHt-nMYXgc6bdt2SH5aTY1sU_M-PgkjPI\","
		"\"JzYjH4svliH0R3PyEMfeZu6Jt69u5qehZo7F7EPYlSE\","
		"\"PorFbpKuVu6xymJagvkFsFXAbRoc2JGlAUA2BA4o7cI\","
		"\"TGf4oLbgwd5JQaHyKVQZU9UdGE0w5rtDsrZzfUaomLo\","
		"\"XQ_3kPKt1XyX7KANkqVR6yZ2Va5NrPIvPYbyMvRKBMM\","
		"\"XzFrzwscM6Gn6CJDc6vVK8BkMnfG8vOSKfpPIZdAfdE\","
		"\"gbOsI4Edq2x2Kw-w5wPEzakob9hV1cRD0ATN3oQL9JM\","
		"\"jsu9yVulwQQlhFlM_3JlzMaSFzglhQG0DpfayQwLUK4\"],"
		"\"iss\":\"https://issuer.example.com\",\"iat\":1683000000,\"exp\":1883000000,"
		"\"sub\":\"user_42\",\"nationalities\":["
		"{\"...\":\"pFndjkZ_VCzmyTa6UjlZo3dh-ko8aIKQc9DlGzhaVYo\"},"
		"{\"...\":\"7Cf6JkPudry3lcbwHgeZ8khAv1U1OSlerP0VkBJrWZ0\"}],"
		"\"_sd_alg\":\"sha-256\"}";
	struct slice jwt;
	struct buf b;
	struct room r;

	room_init(&r);
	b = buf_in(&r.a);
	jwt = signed_jwt(&r, &r.issuer, HEADER, slice_of(payload));
	buf_add(&b, jwt);
	buf_add_z(&b, "~WyIyR0xDNDJzS1F2ZUNmR2ZyeU5STjl3IiwgImdpdmVuX25hbWUiLCAiSm9obiJd"
		      "~WyJuUHVvUW5rUkZxM0JJZUFtN0FuWEZBIiwgIkRFIl0"
		      "~WyI2SWo3dE0tYTVpVlBHYm9TNXRtdlZBIiwgImVtYWlsIiwgImpvaG5kb2VAZXhhbXBsZS5jb"
		      "20iXQ~");
	EXPECT(t, disclose_read(buf_slice(&b), &r.demand, &r.a, &r.got, &r.why) == ST_OK);
	EXPECT_SLICE(t, r.got.claims,
		     SLICE("{\"iss\":\"https://issuer.example.com\",\"iat\":1683000000,\"exp\":"
			   "1883000000,\"sub\":\"user_42\",\"nationalities\":[\"DE\"],"
			   "\"email\":\"johndoe@example.com\",\"given_name\":\"John\"}"));
	EXPECT(t, r.got.shown == 3 && r.got.hidden == 7 && !r.got.has_holder);
	EXPECT_SLICE(t, r.got.type, SLICE("example+sd-jwt"));
	/* and without any */
	b.len = jwt.len + 1;
	EXPECT(t, disclose_read(buf_slice(&b), &r.demand, &r.a, &r.got, &r.why) == ST_OK);
	EXPECT(t, r.got.shown == 0 && r.got.hidden == 10);
	EXPECT(t, slice_find(r.got.claims, SLICE("\"nationalities\":[]")) != SIZE_MAX);
	room_done(&r);
}

static void disclosures_within_disclosures_are_opened(struct test *t)
{
	static const char *const shown[] = {"[\"" SALT "\", \"city\", \"X\"]",
					    "[\"s\",\"address\",{\"_sd\":[\"#0\",\"other\"]}]",
					    "[\"s\",{\"a\":[{\"...\":\"gone\"},2]}]", NULL};
	struct slice p;
	struct room r;

	room_init(&r);
	p = presentation(&r, HEADER, "{\"_sd\":[\"#1\"],\"list\":[0,{\"...\":\"#2\"},[]]}", shown);
	EXPECT(t, disclose_read(p, &r.demand, &r.a, &r.got, &r.why) == ST_OK);
	EXPECT_SLICE(t, r.got.claims,
		     SLICE("{\"list\":[0,{\"a\":[2]},[]],\"address\":{\"city\":\"X\"}}"));
	EXPECT(t, r.got.shown == 3 && r.got.hidden == 2);
	room_done(&r);
}

static void hostile_presentations_are_refused_each_with_its_reason(struct test *t)
{
	static const struct {
		const char *header, *payload, *shown[3];
		enum status want;
		const char *why;
	} rows[] = {
		/* alg: none, another, none said; extensions */
		{"{\"alg\":\"none\"}", "{}", {0}, ST_REFUSED, "alg \"none\""},
		{"{\"alg\":\"ES256\"}", "{}", {0}, ST_REFUSED, "alg \"ES256\""},
		{"{\"alg\":\"HS256\"}", "{}", {0}, ST_REFUSED, "alg \"HS256\""},
		{"{\"alg\":\"\\u001b[2J\"}", "{}", {0}, ST_REFUSED, "alg \"?\""},
		{"{\"alg\":7}", "{}", {0}, ST_REFUSED, "alg"},
		{"{}", "{}", {0}, ST_REFUSED, "alg"},
		{"[]", "{}", {0}, ST_INVALID, "header"},
		{"{\"alg\":\"EdDSA\",\"alg\":\"none\"}", "{}", {0}, ST_INVALID, "header"},
		{"{\"alg\":\"EdDSA\",\"crit\":[\"b64\"],\"b64\":false}",
		 "{}",
		 {0},
		 ST_REFUSED,
		 "crit"},
		{"{\"alg\":\"Ed25519\"}", "{}", {0}, ST_OK, NULL},
		/* _sd_alg */
		{HEADER, "{\"_sd_alg\":\"sha-512\"}", {0}, ST_REFUSED, "_sd_alg"},
		{HEADER, "{\"_sd_alg\":null}", {0}, ST_REFUSED, "_sd_alg"},
		{HEADER, "{\"_sd_alg\":\"md5\"}", {0}, ST_REFUSED, "_sd_alg"},
		{HEADER, "{\"a\":{\"_sd_alg\":\"sha-256\"}}", {0}, ST_REFUSED, "_sd_alg"},
		/* the payload's form */
		{HEADER, "[]", {0}, ST_INVALID, "payload"},
		{HEADER, "{\"a\":1,\"a\":2}", {0}, ST_INVALID, "payload"},
		{HEADER, "{\"_sd\":{}}", {0}, ST_INVALID, "_sd is no list"},
		{HEADER, "{\"_sd\":[7]}", {0}, ST_INVALID, "no string"},
		{HEADER, "{\"...\":\"x\"}", {0}, ST_REFUSED, "\"...\""},
		{HEADER, "{\"a\":[{\"...\":\"x\",\"b\":1}]}", {0}, ST_REFUSED, "not alone"},
		{HEADER, "{\"a\":[{\"...\":7}]}", {0}, ST_INVALID, "no string"},
		/* a digest that is there twice: in one list, in two, hidden, by way of a disclosure
		 */
		{HEADER, "{\"_sd\":[\"x\",\"x\"]}", {0}, ST_REFUSED, "twice"},
		{HEADER, "{\"_sd\":[\"x\"],\"a\":{\"_sd\":[\"x\"]}}", {0}, ST_REFUSED, "twice"},
		{HEADER, "{\"_sd\":[\"x\"],\"a\":[{\"...\":\"x\"}]}", {0}, ST_REFUSED, "twice"},
		{HEADER, "{\"_sd\":[\"#0\",\"#0\"]}", {"[\"s\",\"a\",1]"}, ST_REFUSED, "twice"},
		{HEADER,
		 "{\"_sd\":[\"#0\",\"x\"]}",
		 {"[\"s\",\"a\",{\"_sd\":[\"x\"]}]"},
		 ST_REFUSED,
		 "twice"},
		/* disclosures */
		{HEADER,
		 "{\"_sd\":[\"#0\"]}",
		 {"[\"s\",\"a\",1]", "[\"s\",\"a\",1]"},
		 ST_REFUSED,
		 "there twice"},
		{HEADER, "{}", {"[\"s\",\"a\",1]"}, ST_REFUSED, "does not commit"},
		{HEADER, "{\"_sd\":[\"#0\"]}", {"[\"s\",1]"}, ST_REFUSED, "not [salt, name"},
		{HEADER, "{\"_sd\":[\"#0\"]}", {"[\"s\",\"a\",1,2]"}, ST_REFUSED, "not [salt"},
		{HEADER, "{\"_sd\":[\"#0\"]}", {"{\"s\":\"a\"}"}, ST_REFUSED, "not [salt"},
		{HEADER, "{\"_sd\":[\"#0\"]}", {"[1,\"a\",1]"}, ST_REFUSED, "not [salt"},
		{HEADER, "{\"_sd\":[\"#0\"]}", {"[\"s\",2,1]"}, ST_REFUSED, "not [salt"},
		{HEADER, "{\"_sd\":[\"#0\"]}", {"7"}, ST_REFUSED, "not [salt"},
		{HEADER, "{\"_sd\":[\"#0\"]}", {"[\"s\",\"a\","}, ST_INVALID, "disclosure 0"},
		{HEADER,
		 "{\"a\":[{\"...\":\"#0\"}]}",
		 {"[\"s\",\"a\",1]"},
		 ST_REFUSED,
		 "not [salt, value]"},
		{HEADER, "{\"_sd\":[\"#0\"]}", {"[\"s\",\"_sd\",[]]"}, ST_REFUSED, "\"_sd\""},
		{HEADER, "{\"_sd\":[\"#0\"]}", {"[\"s\",\"...\",\"x\"]"}, ST_REFUSED, "\"...\""},
		{HEADER,
		 "{\"_sd\":[\"#0\"]}",
		 {"[\"s\",\"_sd_alg\",\"none\"]"},
		 ST_REFUSED,
		 "\"_sd_alg\""},
		{HEADER, "{\"_sd\":[\"#0\"]}", {"[\"s\",\"a\\u0000b\",1]"}, ST_INVALID, "NUL"},
		/* a name that is taken: in the clear, by another disclosure */
		{HEADER,
		 "{\"iss\":\"x\",\"_sd\":[\"#0\"]}",
		 {"[\"s\",\"iss\",\"y\"]"},
		 ST_REFUSED,
		 "taken"},
		{HEADER,
		 "{\"_sd\":[\"#0\",\"#1\"]}",
		 {"[\"s\",\"a\",1]", "[\"t\",\"a\",2]"},
		 ST_REFUSED,
		 "taken"},
		/* when */
		{HEADER, "{\"exp\":1795316586}", {0}, ST_OK, NULL},
		{HEADER, "{\"exp\":1795316585}", {0}, ST_REFUSED, "exp"},
		{HEADER, "{\"nbf\":1795316705}", {0}, ST_OK, NULL},
		{HEADER, "{\"nbf\":1795316706}", {0}, ST_REFUSED, "nbf"},
		{HEADER, "{\"exp\":\"never\"}", {0}, ST_INVALID, "exp"},
		{HEADER, "{\"_sd\":[\"#0\"]}", {"[\"s\",\"exp\",5]"}, ST_REFUSED, "exp"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct room r;
		struct slice p;
		enum status st;

		room_init(&r);
		p = presentation(&r, rows[i].header, rows[i].payload, rows[i].shown);
		st = disclose_read(p, &r.demand, &r.a, &r.got, &r.why);
		if (st != rows[i].want || (st != ST_OK && strstr(r.why.text, rows[i].why) == NULL))
			test_fail(t, __FILE__, __LINE__, "row %zu: %d, \"%s\"", i, (int)st,
				  st == ST_OK ? "" : r.why.text);
		room_done(&r);
	}
}

/* `depth` lists in one another in the payload's "a"; the payload itself is one more. */
static struct slice nested(struct room *r, unsigned depth)
{
	struct buf b = buf_in(&r->a);

	buf_add_z(&b, "{\"a\":");
	for (unsigned i = 0; i < depth; i++)
		buf_add_byte(&b, '[');
	for (unsigned i = 0; i < depth; i++)
		buf_add_byte(&b, ']');
	buf_add(&b, SLICE("}\0"));
	return buf_slice(&b);
}

static void depth_is_limited(struct test *t)
{
	static const struct {
		unsigned depth;
		enum status want;
	} rows[] = {{DISCLOSE_DEPTH_MAX - 1, ST_OK},
		    {DISCLOSE_DEPTH_MAX, ST_LIMIT},
		    {2000, ST_LIMIT},
		    {100000, ST_INVALID}};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct room r;

		room_init(&r);
		EXPECT_UINT(t,
			    disclose_read(presentation(&r, HEADER,
						       (const char *)nested(&r, rows[i].depth).ptr,
						       NULL),
					  &r.demand, &r.a, &r.got, &r.why),
			    rows[i].want);
		room_done(&r);
	}
}

/* Disclosures that open one another are as deep as what they open: a chain of them. */
static void chains_of_disclosures_are_limited(struct test *t)
{
	for (unsigned n = DISCLOSE_DEPTH_MAX - 1; n <= DISCLOSE_DEPTH_MAX; n++) {
		struct slice last = {NULL, 0}, shown[DISCLOSE_DEPTH_MAX];
		struct buf payload, p;
		struct room r;

		room_init(&r);
		for (unsigned i = 0; i < n; i++) {
			struct buf b = buf_in(&r.a);

			buf_add_z(&b, "[\"s\",\"a\",{");
			if (i != 0) {
				buf_add_z(&b, "\"_sd\":[\"");
				add_digest(last, &b);
				buf_add_z(&b, "\"]");
			}
			buf_add_z(&b, "}]");
			shown[i] = last = encoded(&r, buf_slice(&b));
		}
		payload = buf_in(&r.a);
		p = buf_in(&r.a);
		buf_add_z(&payload, "{\"_sd\":[\"");
		add_digest(last, &payload);
		buf_add_z(&payload, "\"]}");
		buf_add(&p, signed_jwt(&r, &r.issuer, HEADER, buf_slice(&payload)));
		buf_add_byte(&p, '~');
		for (unsigned i = 0; i < n; i++) {
			buf_add(&p, shown[i]);
			buf_add_byte(&p, '~');
		}
		EXPECT_UINT(t, disclose_read(buf_slice(&p), &r.demand, &r.a, &r.got, &r.why),
			    n < DISCLOSE_DEPTH_MAX ? ST_OK : ST_LIMIT);
		room_done(&r);
	}
}

static void counts_and_bytes_are_limited(struct test *t)
{
	static const uint8_t big[DISCLOSE_PRESENTED_MAX + 1] = {'~'};
	struct buf p, payload;
	struct room r;

	room_init(&r);
	EXPECT(t, disclose_read((struct slice){big, sizeof big}, &r.demand, &r.a, &r.got, &r.why) ==
			  ST_LIMIT);
	EXPECT(t, disclose_read((struct slice){big, sizeof big - 1}, &r.demand, &r.a, &r.got,
				&r.why) != ST_LIMIT);
	p = buf_in(&r.a);
	buf_add(&p, signed_jwt(&r, &r.issuer, HEADER, SLICE("{}")));
	for (unsigned i = 0; i <= DISCLOSE_SHOWN_MAX + 1; i++)
		buf_add_byte(&p, '~');
	EXPECT(t, disclose_read(buf_slice(&p), &r.demand, &r.a, &r.got, &r.why) == ST_LIMIT);
	for (unsigned n = DISCLOSE_SHOWN_MAX; n <= DISCLOSE_SHOWN_MAX + 1; n++) {
		payload = buf_in(&r.a);
		buf_add_z(&payload, "{\"_sd\":[\"0\"");
		for (unsigned i = 1; i < n; i++)
			buf_add_fmt(&payload, ",\"%u\"", i);
		buf_add_z(&payload, "]}");
		p = buf_in(&r.a);
		buf_add(&p, signed_jwt(&r, &r.issuer, HEADER, buf_slice(&payload)));
		buf_add_byte(&p, '~');
		EXPECT_UINT(t, disclose_read(buf_slice(&p), &r.demand, &r.a, &r.got, &r.why),
			    n > DISCLOSE_SHOWN_MAX ? ST_LIMIT : ST_OK);
	}
	room_done(&r);
}

static void any_changed_byte_is_noticed(struct test *t)
{
	static const char *const shown[] = {"[\"" SALT "\",\"a\",1]", "[\"t\",\"x\"]", NULL};
	struct slice p, bound;
	uint8_t *bytes;
	struct room r;

	room_init(&r);
	r.demand = (struct disclose_demand){&r.keys, NOW, true, SLICE("court"), SLICE("n-1"), 300};
	p = presentation(&r, HEADER,
			 "{\"_sd\":[\"#0\"],\"b\":[{\"...\":\"#1\"}],\"cnf\":{\"jwk\":{\"kty\":"
			 "\"OKP\",\"crv\":\"Ed25519\",\"x\":\"~K\"}}}",
			 shown);
	EXPECT(t, disclose_bind(p, &r.holder, SLICE("court"), SLICE("n-1"), NOW, &r.a, &bound,
				&r.why) == ST_OK);
	EXPECT(t, disclose_read(bound, &r.demand, &r.a, &r.got, &r.why) == ST_OK);
	bytes = ARENA_ARRAY(&r.a, uint8_t, bound.len);
	EXPECT(t, bytes != NULL);
	memcpy(bytes, bound.ptr, bound.len);
	for (size_t i = 0; i < bound.len; i++) {
		struct arena a = {.pool = &r.pool};

		bytes[i] ^= 1;
		EXPECT(t, disclose_read((struct slice){bytes, bound.len}, &r.demand, &a, &r.got,
					&r.why) != ST_OK);
		bytes[i] ^= 1;
		EXPECT(t, disclose_read((struct slice){bytes, i}, &r.demand, &a, &r.got, &r.why) !=
				  ST_OK);
		arena_reset(&a);
	}
	room_done(&r);
}

static void a_binding_is_of_this_holder_audience_question_and_time(struct test *t)
{
	static const char *const shown[] = {"[\"" SALT "\",\"a\",1]", NULL};
	static const char jwk[] = "{\"_sd\":[\"#0\"],\"cnf\":{\"jwk\":{\"kty\":\"OKP\",\"crv\":"
				  "\"Ed25519\",\"x\":\"~K\"}}}";
	struct slice p, bound, other, without;
	struct room r;

	room_init(&r);
	r.demand = (struct disclose_demand){&r.keys, NOW, true, SLICE("court"), SLICE("n-1"), 300};
	p = presentation(&r, HEADER, jwk, shown);
	EXPECT(t, disclose_bind(p, &r.holder, SLICE("court"), SLICE("n-1"), NOW, &r.a, &bound,
				&r.why) == ST_OK);
	EXPECT(t, disclose_read(bound, &r.demand, &r.a, &r.got, &r.why) == ST_OK);
	EXPECT(t, r.got.has_holder && memcmp(r.got.holder, r.holder_key.kid, DISCLOSE_KID) == 0);
	/* not asked for, it is not looked at; asked for, it must be there */
	r.demand.bound = false;
	EXPECT(t, disclose_read(p, &r.demand, &r.a, &r.got, &r.why) == ST_OK);
	r.demand.bound = true;
	EXPECT(t, disclose_read(p, &r.demand, &r.a, &r.got, &r.why) == ST_REFUSED);
	EXPECT(t, strstr(r.why.text, "no key binding") != NULL);
	/* somebody else's key, audience, nonce */
	EXPECT(t, disclose_bind(p, &r.issuer, SLICE("court"), SLICE("n-1"), NOW, &r.a, &other,
				&r.why) == ST_OK);
	EXPECT(t, disclose_read(other, &r.demand, &r.a, &r.got, &r.why) == ST_REFUSED);
	EXPECT(t, strstr(r.why.text, "key binding: the JWT's signature") != NULL);
	r.demand.audience = SLICE("press");
	EXPECT(t, disclose_read(bound, &r.demand, &r.a, &r.got, &r.why) == ST_REFUSED);
	EXPECT(t, strstr(r.why.text, "(aud)") != NULL);
	r.demand.audience = SLICE("court");
	r.demand.nonce = SLICE("n-2");
	EXPECT(t, disclose_read(bound, &r.demand, &r.a, &r.got, &r.why) == ST_REFUSED);
	EXPECT(t, strstr(r.why.text, "(nonce)") != NULL);
	r.demand.nonce = SLICE("n-1");
	/* of another presentation: one disclosure less behind the same binding */
	without = slice_part(p, 0, slice_find(p, SLICE("~")) + 1);
	{
		struct buf b = buf_in(&r.a);

		buf_add(&b, without);
		buf_add(&b, slice_from(bound, p.len));
		EXPECT(t,
		       disclose_read(buf_slice(&b), &r.demand, &r.a, &r.got, &r.why) == ST_REFUSED);
		EXPECT(t, strstr(r.why.text, "(sd_hash)") != NULL);
	}
	/* the holder may leave a disclosure out and bind the rest */
	EXPECT(t, disclose_bind(without, &r.holder, SLICE("court"), SLICE("n-1"), NOW, &r.a, &other,
				&r.why) == ST_OK);
	EXPECT(t, disclose_read(other, &r.demand, &r.a, &r.got, &r.why) == ST_OK);
	EXPECT(t, r.got.shown == 0 && r.got.hidden == 1);
	/* age: 300 s and a minute's leeway, either way */
	r.demand.now_s = NOW + 360;
	EXPECT(t, disclose_read(bound, &r.demand, &r.a, &r.got, &r.why) == ST_OK);
	r.demand.now_s = NOW + 361;
	EXPECT(t, disclose_read(bound, &r.demand, &r.a, &r.got, &r.why) == ST_REFUSED);
	EXPECT(t, strstr(r.why.text, "older than 300 s") != NULL);
	r.demand.now_s = NOW - 60;
	EXPECT(t, disclose_read(bound, &r.demand, &r.a, &r.got, &r.why) == ST_OK);
	r.demand.now_s = NOW - 61;
	EXPECT(t, disclose_read(bound, &r.demand, &r.a, &r.got, &r.why) == ST_REFUSED);
	EXPECT(t, strstr(r.why.text, "future") != NULL);
	r.demand.now_s = NOW;
	/* made out for nobody */
	p = presentation(&r, HEADER, "{\"_sd\":[\"#0\"]}", shown);
	EXPECT(t, disclose_bind(p, &r.holder, SLICE("court"), SLICE("n-1"), NOW, &r.a, &bound,
				&r.why) == ST_OK);
	EXPECT(t, disclose_read(bound, &r.demand, &r.a, &r.got, &r.why) == ST_REFUSED);
	EXPECT(t, strstr(r.why.text, "(cnf)") != NULL);
	/* what cannot be bound */
	EXPECT(t, disclose_bind(SLICE("x"), &r.holder, SLICE("a"), SLICE("n"), NOW, &r.a, &bound,
				&r.why) == ST_INVALID);
	EXPECT(t, disclose_bind(SLICE("x~"), &r.holder, SLICE(""), SLICE("n"), NOW, &r.a, &bound,
				&r.why) == ST_INVALID);
	EXPECT(t, disclose_bind(SLICE("x~"), &r.holder, SLICE("a"), SLICE("\xff"), NOW, &r.a,
				&bound, &r.why) == ST_INVALID);
	room_done(&r);
}

static void a_binding_s_own_form_is_checked(struct test *t)
{
	static const struct {
		const char *header, *claims; /* #0: sd_hash */
		const char *why;
	} rows[] = {
		{"{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}",
		 "{\"aud\":\"a\",\"iat\":1795316645,\"nonce\":\"n\",\"sd_hash\":\"#0\"}", "kb+jwt"},
		{"{\"alg\":\"none\",\"typ\":\"kb+jwt\"}",
		 "{\"aud\":\"a\",\"iat\":1795316645,\"nonce\":\"n\",\"sd_hash\":\"#0\"}", "none"},
		{"{\"alg\":\"EdDSA\",\"typ\":\"kb+jwt\"}",
		 "{\"aud\":\"a\",\"nonce\":\"n\",\"sd_hash\":\"#0\"}", "when it was made"},
		{"{\"alg\":\"EdDSA\",\"typ\":\"kb+jwt\"}",
		 "{\"aud\":[\"a\"],\"iat\":1795316645,\"nonce\":\"n\",\"sd_hash\":\"#0\"}",
		 "(aud)"},
		{"{\"alg\":\"EdDSA\",\"typ\":\"kb+jwt\"}",
		 "{\"aud\":\"a\",\"iat\":1795316645,\"nonce\":\"n\"}", "(sd_hash)"},
		{"{\"alg\":\"EdDSA\",\"typ\":\"kb+jwt\"}",
		 "{\"aud\":\"a\",\"iat\":1795316645,\"nonce\":\"n\",\"sd_hash\":\"#0\"}", NULL},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct room r;
		struct slice p, hashed[10] = {{NULL, 0}};
		struct buf b;
		enum status st;

		room_init(&r);
		r.demand = (struct disclose_demand){&r.keys, NOW, true, SLICE("a"), SLICE("n"), 0};
		p = presentation(&r, HEADER,
				 "{\"cnf\":{\"jwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
				 "\"~K\"}}}",
				 NULL);
		hashed[0] = p;
		b = buf_in(&r.a);
		buf_add(&b, p);
		buf_add(&b, signed_jwt(&r, &r.holder, rows[i].header,
				       filled(&r, rows[i].claims, hashed)));
		st = disclose_read(buf_slice(&b), &r.demand, &r.a, &r.got, &r.why);
		if ((st == ST_OK) != (rows[i].why == NULL) ||
		    (st != ST_OK && strstr(r.why.text, rows[i].why) == NULL))
			test_fail(t, __FILE__, __LINE__, "row %zu: %d, \"%s\"", i, (int)st,
				  st == ST_OK ? "" : r.why.text);
		room_done(&r);
	}
}

/* --- grants --- */

static const struct record_field event[] = {
	{SLICE(""), SLICE("timestamp"), SLICE("\"2026-11-22T03:04:05.678901+0000\"")},
	{SLICE(""), SLICE("src_ip"), SLICE("\"192.0.2.7\"")},
	{SLICE(""), SLICE("dest_ip"), SLICE("\"198.51.100.1\"")},
	{SLICE("alert"), SLICE("signature_id"), SLICE("2024297")},
	{SLICE("alert"), SLICE("signature"), SLICE("\"a \\\"quoted\\\" one\"")},
	{SLICE("tls"), SLICE("score"), SLICE("0.38")},
};
enum { EVENT = sizeof event / sizeof event[0] };

static void a_grant_shows_what_the_leaf_commits_to_to_one_reader(struct test *t)
{
	struct disclose_issuer issuer;
	struct disclose_sealed sealed;
	struct disclose_opened opened;
	struct disclose_grant g;
	struct slice grant, rest, bound;
	struct room r;

	room_init(&r);
	EXPECT(t, disclose_issuer_init(&issuer, SLICE("a/edge"), &r.issuer,
				       (struct crypto_random){0}, &r.why) == ST_OK);
	EXPECT(t, disclose_seal(&issuer, event, EVENT, NOW - 9, &r.a, &sealed, &r.why) == ST_OK);
	g = (struct disclose_grant){.log = SLICE("log.test/a"),
				    .leaf = 17,
				    .reader = r.holder_key,
				    .at_s = NOW,
				    .until_s = NOW + 3600,
				    .fields = event,
				    .disclosures = sealed.disclosures,
				    .count = 5};
	EXPECT(t, disclose_grant(&issuer, &g, &r.a, &grant, &r.why) == ST_OK);
	EXPECT(t, disclose_read(grant, &r.demand, &r.a, &r.got, &r.why) == ST_OK);
	EXPECT_SLICE(t, r.got.type, SLICE("dewline-grant+sd-jwt"));
	EXPECT(t, r.got.shown == 5 && r.got.hidden == 0 && r.got.has_holder);
	EXPECT(t, memcmp(r.got.holder, r.holder_key.kid, DISCLOSE_KID) == 0);
	EXPECT(t, slice_find(r.got.claims, SLICE("\"src_ip\":\"192.0.2.7\"")) != SIZE_MAX);
	EXPECT(t, slice_find(r.got.claims, SLICE("\"signature_id\":2024297")) != SIZE_MAX);
	EXPECT(t, slice_find(r.got.claims, SLICE("0.38")) == SIZE_MAX);
	EXPECT(t, slice_find(r.got.claims,
			     SLICE("\"leaf\":{\"index\":17,\"log\":\"log.test/a\"}")) != SIZE_MAX);
	/* what it shows is what the leaf holds */
	rest = slice_from(grant, slice_find(grant, SLICE("~")) + 1);
	for (size_t i = 0; i < 5; i++) {
		struct slice one = slice_split(&rest, '~');

		EXPECT(t,
		       disclose_open(sealed.jwt, &one, 1, &r.keys, &r.a, &opened, &r.why) == ST_OK);
		EXPECT_SLICE(t, opened.fields[0].json, event[i].json);
	}
	/* its reader can show it; after its time nobody can */
	r.demand = (struct disclose_demand){&r.keys, NOW + 60, true, SLICE("c"), SLICE("n"), 300};
	EXPECT(t, disclose_bind(grant, &r.holder, SLICE("c"), SLICE("n"), NOW + 60, &r.a, &bound,
				&r.why) == ST_OK);
	EXPECT(t, disclose_read(bound, &r.demand, &r.a, &r.got, &r.why) == ST_OK);
	r.demand.now_s = NOW + 3600 + DISCLOSE_LEEWAY_S;
	EXPECT(t, disclose_read(bound, &r.demand, &r.a, &r.got, &r.why) == ST_REFUSED);
	/* what is no grant */
	g.log = SLICE("");
	EXPECT(t, disclose_grant(&issuer, &g, &r.a, &grant, &r.why) == ST_INVALID);
	g.log = SLICE("log.test/a");
	g.at_s = 0;
	EXPECT(t, disclose_grant(&issuer, &g, &r.a, &grant, &r.why) == ST_INVALID);
	room_done(&r);
}

static void keys_of_readers_are_read(struct test *t)
{
	struct disclose_key k;
	struct fail why;

	EXPECT(t,
	       disclose_key_parse(SLICE("{ \"use\": \"sig\", \"crv\":\"Ed25519\", \"kty\":\"OKP\", "
					"\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"),
				  &k, &why) == ST_OK);
	EXPECT_SLICE(t, ((struct slice){(uint8_t *)k.kid, sizeof k.kid}),
		     SLICE("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
	EXPECT(t, disclose_key_parse(SLICE("{\"crv\":\"X25519\",\"kty\":\"OKP\",\"x\":\"11qYAYKxCrf"
					   "VS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"),
				     &k, &why) == ST_INVALID);
	EXPECT(t, disclose_key_parse(SLICE("{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"11q\"}"),
				     &k, &why) == ST_INVALID);
	EXPECT(t, disclose_key_parse(SLICE("[]"), &k, &why) == ST_INVALID);
	EXPECT(t, disclose_key_parse(SLICE(""), &k, &why) == ST_INVALID);
}

static void a_reader_s_own_key_goes_and_comes_back(struct test *t)
{
	struct crypto_signer back;
	struct disclose_key k;
	struct buf secret, open;
	struct room r;

	room_init(&r);
	secret = buf_in(&r.a);
	open = buf_in(&r.a);
	disclose_signer_add(&r.holder, true, &secret);
	disclose_signer_add(&r.holder, false, &open);
	EXPECT(t, disclose_signer_parse(buf_slice(&secret), &back, &r.why) == ST_OK);
	EXPECT(t, memcmp(&back, &r.holder, sizeof back) == 0);
	EXPECT(t, disclose_key_parse(buf_slice(&open), &k, &r.why) == ST_OK);
	EXPECT(t, memcmp(&k, &r.holder_key, sizeof k) == 0);
	EXPECT(t, slice_find(buf_slice(&open), SLICE("\"d\"")) == SIZE_MAX);
	EXPECT(t, disclose_signer_parse(buf_slice(&open), &back, &r.why) == ST_INVALID);
	/* halves of two keys */
	memcpy(r.holder.key, r.issuer.key, sizeof r.holder.key);
	secret.len = 0;
	disclose_signer_add(&r.holder, true, &secret);
	EXPECT(t, disclose_signer_parse(buf_slice(&secret), &back, &r.why) == ST_INVALID);
	EXPECT(t, disclose_signer_parse(SLICE("x"), &back, &r.why) == ST_INVALID);
	room_done(&r);
}

static void every_allocation_may_fail(struct test *t)
{
	static const char *const shown[] = {
		"[\"s\",\"city\",\"X\"]", "[\"s\",\"address\",{\"_sd\":[\"#0\",\"other\"]}]", NULL};
	struct slice p;
	struct room r;
	enum status st = ST_NOMEM;

	room_init(&r);
	p = presentation(&r, HEADER,
			 "{\"_sd\":[\"#1\"],\"cnf\":{\"jwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
			 "\"x\":\"~K\"}}}",
			 shown);
	r.demand = (struct disclose_demand){&r.keys, NOW, true, SLICE("a"), SLICE("n"), 0};
	for (size_t after = 1; st != ST_OK; after++) {
		struct arena_pool pool = {.budget = 1 << 20, .fail_after = after};
		struct arena a = {.pool = &pool};
		struct slice bound;

		EXPECT(t, after < 200);
		st = disclose_bind(p, &r.holder, SLICE("a"), SLICE("n"), NOW, &a, &bound, &r.why);
		if (st == ST_OK)
			st = disclose_read(bound, &r.demand, &a, &r.got, &r.why);
		EXPECT(t, st == ST_OK || st == ST_NOMEM);
		arena_reset(&a);
		EXPECT_UINT(t, pool.out, 0);
		arena_pool_drain(&pool);
	}
	room_done(&r);
}

TESTS(T(the_example_of_the_rfc_is_read), T(disclosures_within_disclosures_are_opened),
      T(hostile_presentations_are_refused_each_with_its_reason), T(depth_is_limited),
      T(chains_of_disclosures_are_limited), T(counts_and_bytes_are_limited),
      T(any_changed_byte_is_noticed), T(a_binding_is_of_this_holder_audience_question_and_time),
      T(a_binding_s_own_form_is_checked), T(a_grant_shows_what_the_leaf_commits_to_to_one_reader),
      T(keys_of_readers_are_read), T(a_reader_s_own_key_goes_and_comes_back),
      T(every_allocation_may_fail))
