/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/json.h"
#include "base/text.h"
#include "evidence/disclose/disclose.h"
#include "evidence/disclose/disclose_priv.h"

enum {
	PADDED_LEAST = 8, /* digests of a group with the fewest fields */
	DIGESTS_SEALED_MAX = 2 * RECORD_FIELDS_MAX + PADDED_LEAST * (DISCLOSE_GROUPS_MAX + 1),
};

struct digest {
	uint8_t group; /* index into a list of group names; 0 is the outer object */
	uint8_t text[DISCLOSE_DIGEST];
};

struct groups {
	struct slice names[DISCLOSE_GROUPS_MAX + 1];
	size_t fields[DISCLOSE_GROUPS_MAX + 1]; /* of each */
	size_t count;
};

/* What is sealed, while it is: in an arena, for it is too much for the stack. */
struct sealing {
	struct groups groups;
	struct digest digests[DIGESTS_SEALED_MAX];
	size_t count;
};

/* A buf over memory that is there already. */
static struct buf fixed(struct arena *a, uint8_t *ptr, size_t room)
{
	return (struct buf){.arena = a, .ptr = ptr, .room = room, .most = room};
}

enum status disclose_issuer_init(struct disclose_issuer *out, struct slice name,
				 const struct crypto_signer *signer, struct crypto_random salts,
				 struct fail *why)
{
	struct arena_pool pool = {.budget = 0}; /* all room is on the stack */
	struct arena none = {.pool = &pool};
	uint8_t json[DISCLOSE_HEADER_MAX], text[DISCLOSE_HEADER_MAX];
	struct buf plain = fixed(&none, json, sizeof json);
	struct buf b64 = fixed(&none, text, sizeof text);
	struct disclose_key key = disclose_key_of(signer->key);

	if (name.len == 0 || name.len > 255 || !text_is_utf8(name))
		return fail_set(why, ST_INVALID, "an issuer's name is 1 to 255 bytes of UTF-8");
	buf_add(&plain, DISCLOSE_HEADER_1);
	buf_add(&plain, (struct slice){(const uint8_t *)key.kid, sizeof key.kid});
	buf_add(&plain, DISCLOSE_HEADER_2);
	crypto_base64_add(CRYPTO_BASE64URL, buf_slice(&plain), &b64);
	ASSERT(!plain.full && !b64.full);
	*out = (struct disclose_issuer){
		.name = name, .signer = *signer, .salts = salts, .header_len = b64.len};
	memcpy(out->header, text, b64.len);
	return ST_OK;
}

void disclose_issuer_done(struct disclose_issuer *i)
{
	if (i != NULL)
		crypto_wipe(i, sizeof *i);
}

static enum status check_fields(const struct record_field *fields, size_t n, struct fail *why)
{
	if (n > RECORD_FIELDS_MAX)
		return fail_set(why, ST_LIMIT, "a record of %zu fields; at most %d can be sealed",
				n, RECORD_FIELDS_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct record_field *f = &fields[i];

		if (!disclose_name_ok(f->name) ||
		    (f->group.len != 0 && !disclose_name_ok(f->group)) ||
		    disclose_name_taken(f->group.len ? f->group : f->name))
			return fail_set(why, ST_INVALID, "no field can be called \"%.*s\" \"%.*s\"",
					SLICE_ARG(f->group), SLICE_ARG(f->name));
		if (f->json.len == 0 || f->json.len > DISCLOSE_VALUE_MAX / 2)
			return fail_set(why, ST_INVALID,
					"field \"%.*s\" has no value that can be sealed",
					SLICE_ARG(f->name));
		for (size_t k = 0; k < i; k++)
			if (slice_equal(fields[k].name, f->name) &&
			    slice_equal(fields[k].group, f->group))
				return fail_set(why, ST_INVALID, "two fields \"%.*s\" \"%.*s\"",
						SLICE_ARG(f->group), SLICE_ARG(f->name));
	}
	return ST_OK;
}

/* ["<salt>","<name>",<value>] in base64url. */
static struct slice disclosure(const struct record_field *f,
			       const uint8_t salt[DISCLOSE_SALT_BYTES], struct buf *scratch,
			       struct arena *a)
{
	struct buf text = buf_in(a);

	scratch->len = 0;
	buf_add(scratch, SLICE("[\""));
	crypto_base64_add(CRYPTO_BASE64URL, (struct slice){salt, DISCLOSE_SALT_BYTES}, scratch);
	buf_add(scratch, SLICE("\",\""));
	buf_add(scratch, f->name);
	buf_add(scratch, SLICE("\","));
	buf_add(scratch, f->json);
	buf_add_byte(scratch, ']');
	if (scratch->full)
		return (struct slice){NULL, 0};
	crypto_base64_add(CRYPTO_BASE64URL, buf_slice(scratch), &text);
	return buf_slice(&text);
}

/* The group's index, DISCLOSE_GROUPS_MAX + 1 if there are too many. */
static size_t group_of(struct groups *g, struct slice name)
{
	size_t i = 0;

	while (i < g->count && !slice_equal(g->names[i], name))
		i++;
	if (i > DISCLOSE_GROUPS_MAX)
		return i;
	if (i == g->count)
		g->names[g->count++] = name;
	g->fields[i]++;
	return i;
}

void disclose_digest(struct slice text, uint8_t out[DISCLOSE_DIGEST])
{
	struct arena_pool pool = {.budget = 0}; /* all room is out's */
	struct arena none = {.pool = &pool};
	struct buf b = fixed(&none, out, DISCLOSE_DIGEST);
	uint8_t hash[CRYPTO_SHA256_BYTES];

	crypto_sha256_of(text, hash);
	crypto_base64_add(CRYPTO_BASE64URL, (struct slice){hash, sizeof hash}, &b);
	ASSERT(!b.full);
}

static struct digest digest_of(struct slice text, size_t group)
{
	struct digest d = {.group = (uint8_t)group};

	disclose_digest(text, d.text);
	return d;
}

/* By group, and then so that their order says nothing of the record's. */
static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct digest));
}

/* The `_sd` of group g: the next of the n sorted digests from *at on. */
static void write_digests(struct json *j, size_t g, const struct digest *d, size_t n, size_t *at)
{
	json_key(j, "_sd");
	json_array(j);
	for (; *at < n && d[*at].group == g; ++*at)
		json_str(j, (struct slice){d[*at].text, DISCLOSE_DIGEST});
	json_end(j);
}

static void write_prev(const uint8_t prev[CRYPTO_SHA256_BYTES], struct json *j)
{
	struct arena_pool pool = {.budget = 0}; /* all room is on the stack */
	struct arena none = {.pool = &pool};
	uint8_t text[DISCLOSE_DIGEST];
	struct buf b = fixed(&none, text, sizeof text);

	crypto_base64_add(CRYPTO_BASE64URL, (struct slice){prev, CRYPTO_SHA256_BYTES}, &b);
	ASSERT(!b.full);
	json_key(j, "prev");
	json_str(j, buf_slice(&b));
}

static void write_payload(const struct disclose_issuer *issuer, const struct groups *groups,
			  struct digest *digests, size_t n, uint64_t at_s, struct buf *out)
{
	struct json j = json_in(out);
	size_t at = 0;

	qsort(digests, n, sizeof *digests, by_bytes);
	json_object(&j);
	write_digests(&j, 0, digests, n, &at);
	json_key(&j, "_sd_alg");
	json_z(&j, "sha-256");
	json_key(&j, "iss");
	json_str(&j, issuer->name);
	if (at_s != 0) {
		json_key(&j, "iat");
		json_u64(&j, at_s);
	}
	if (issuer->prev != NULL)
		write_prev(issuer->prev, &j);
	for (size_t g = 1; g < groups->count; g++) {
		json_key_slice(&j, groups->names[g]);
		json_object(&j);
		write_digests(&j, g, digests, n, &at);
		json_end(&j);
	}
	json_end(&j);
}

enum status disclose_sign(const struct crypto_signer *signer, struct slice header,
			  struct slice payload, struct arena *a, struct slice *out,
			  struct fail *why)
{
	struct buf jwt = buf_in(a);
	uint8_t signature[CRYPTO_SIGNATURE_BYTES];

	jwt.most = DISCLOSE_TEXT_MAX;
	(void)buf_reserve(&jwt, 400 + payload.len * 4 / 3); /* one piece; a failure shows below */
	buf_add(&jwt, header);
	buf_add_byte(&jwt, '.');
	crypto_base64_add(CRYPTO_BASE64URL, payload, &jwt);
	if (jwt.full)
		return fail_set(why, ST_NOMEM, "no memory to sign a JWT");
	crypto_signer_sign(signer, buf_slice(&jwt), signature);
	buf_add_byte(&jwt, '.');
	crypto_base64_add(CRYPTO_BASE64URL, (struct slice){signature, sizeof signature}, &jwt);
	if (jwt.full)
		return fail_set(why, ST_NOMEM, "no memory to sign a JWT");
	*out = buf_slice(&jwt);
	return ST_OK;
}

enum status disclose_fields(const struct crypto_random *salts, const struct record_field *fields,
			    size_t n, struct arena *a, struct slice **out, struct fail *why)
{
	uint8_t bytes[RECORD_FIELDS_MAX][DISCLOSE_SALT_BYTES];
	struct arena work = {.pool = a->pool};
	struct buf scratch = buf_in(&work);
	struct slice *list;
	enum status st = check_fields(fields, n, why);

	if (st != ST_OK)
		return st;
	list = ARENA_ARRAY(a, struct slice, n + 1);
	crypto_random_fill(salts, bytes[0], n * DISCLOSE_SALT_BYTES);
	for (size_t i = 0; i < n && list != NULL; i++) {
		list[i] = disclosure(&fields[i], bytes[i], &scratch, a);
		if (list[i].ptr == NULL)
			list = NULL;
	}
	arena_reset(&work);
	if (list == NULL)
		return fail_set(why, ST_NOMEM, "no memory to seal a record");
	*out = list;
	return ST_OK;
}

/* How many digests a group shows that has n fields: the next power of two. */
static size_t padded(size_t n)
{
	size_t shown = PADDED_LEAST;

	while (shown < n)
		shown *= 2;
	return shown;
}

/* RFC 9901 4.2.5: digests of nothing but random bytes, which nobody can tell from the others. */
static void add_decoys(const struct disclose_issuer *issuer, size_t g, struct sealing *s)
{
	uint8_t salts[RECORD_FIELDS_MAX][DISCLOSE_SALT_BYTES]; /* padded(n) < 2 * n, or n < 8 */
	size_t n = padded(s->groups.fields[g]) - s->groups.fields[g];

	crypto_random_fill(&issuer->salts, salts[0], n * DISCLOSE_SALT_BYTES);
	for (size_t i = 0; i < n; i++)
		s->digests[s->count++] = digest_of((struct slice){salts[i], sizeof salts[i]}, g);
}

static struct slice header_of(const struct disclose_issuer *issuer)
{
	return (struct slice){(const uint8_t *)issuer->header, issuer->header_len};
}

enum status disclose_seal(const struct disclose_issuer *issuer, const struct record_field *fields,
			  size_t n, uint64_t at_s, struct arena *a, struct disclose_sealed *out,
			  struct fail *why)
{
	struct arena work = {.pool = a->pool};
	struct buf payload = buf_in(&work);
	struct sealing *s = ARENA_NEW(&work, struct sealing);
	struct disclose_sealed sealed = {.count = n};
	enum status st = disclose_fields(&issuer->salts, fields, n, a, &sealed.disclosures, why);

	if (st == ST_OK && s == NULL)
		st = fail_set(why, ST_NOMEM, "no memory to seal a record");
	if (st != ST_OK)
		goto out;
	s->groups.count = 1; /* the outer object */
	for (size_t i = 0; i < n; i++) {
		size_t g = group_of(&s->groups, fields[i].group);

		if (g > DISCLOSE_GROUPS_MAX) {
			st = fail_set(why, ST_LIMIT, "a record of more than %d groups",
				      DISCLOSE_GROUPS_MAX);
			goto out;
		}
		s->digests[s->count++] = digest_of(sealed.disclosures[i], g);
	}
	for (size_t g = 0; g < s->groups.count; g++)
		add_decoys(issuer, g, s);
	write_payload(issuer, &s->groups, s->digests, s->count, at_s, &payload);
	st = payload.full ? fail_set(why, ST_NOMEM, "no memory to seal a record")
			  : disclose_sign(&issuer->signer, header_of(issuer), buf_slice(&payload),
					  a, &sealed.jwt, why);
	if (st == ST_OK)
		*out = sealed;
out:
	arena_reset(&work);
	return st;
}
