/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/json.h"
#include "base/text.h"
#include "evidence/disclose/disclose.h"
#include "evidence/disclose/disclose_priv.h"

struct digest {
	uint8_t group; /* index into a list of group names; 0 is the outer object */
	uint8_t text[DISCLOSE_DIGEST];
};

struct groups {
	struct slice names[DISCLOSE_GROUPS_MAX + 1];
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
	for (size_t i = 0; i < g->count; i++)
		if (slice_equal(g->names[i], name))
			return i;
	if (g->count <= DISCLOSE_GROUPS_MAX)
		g->names[g->count++] = name;
	else
		return g->count;
	return g->count - 1;
}

static struct digest digest_of(struct slice text, size_t group, struct arena *a)
{
	struct digest d = {.group = (uint8_t)group};
	struct buf b = fixed(a, d.text, sizeof d.text);
	uint8_t hash[CRYPTO_SHA256_BYTES];

	crypto_sha256_of(text, hash);
	crypto_base64_add(CRYPTO_BASE64URL, (struct slice){hash, sizeof hash}, &b);
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
	for (size_t g = 1; g < groups->count; g++) {
		json_key_slice(&j, groups->names[g]);
		json_object(&j);
		write_digests(&j, g, digests, n, &at);
		json_end(&j);
	}
	json_end(&j);
}

/* header.payload.signature */
static enum status sign(const struct disclose_issuer *issuer, struct slice payload, struct arena *a,
			struct slice *out, struct fail *why)
{
	struct buf jwt = buf_in(a);
	uint8_t signature[CRYPTO_SIGNATURE_BYTES];

	jwt.most = DISCLOSE_TEXT_MAX;
	(void)buf_reserve(&jwt, 400 + payload.len * 4 / 3); /* one piece; a failure shows below */
	buf_add(&jwt, (struct slice){(const uint8_t *)issuer->header, issuer->header_len});
	buf_add_byte(&jwt, '.');
	crypto_base64_add(CRYPTO_BASE64URL, payload, &jwt);
	if (jwt.full)
		return fail_set(why, ST_NOMEM, "no memory to seal a record");
	crypto_signer_sign(&issuer->signer, buf_slice(&jwt), signature);
	buf_add_byte(&jwt, '.');
	crypto_base64_add(CRYPTO_BASE64URL, (struct slice){signature, sizeof signature}, &jwt);
	if (jwt.full)
		return fail_set(why, ST_NOMEM, "no memory to seal a record");
	*out = buf_slice(&jwt);
	return ST_OK;
}

enum status disclose_seal(const struct disclose_issuer *issuer, const struct record_field *fields,
			  size_t n, uint64_t at_s, struct arena *a, struct disclose_sealed *out,
			  struct fail *why)
{
	uint8_t salts[RECORD_FIELDS_MAX][DISCLOSE_SALT_BYTES];
	struct digest digests[RECORD_FIELDS_MAX];
	struct arena work = {.pool = a->pool};
	struct buf scratch = buf_in(&work), payload = buf_in(&work);
	struct groups groups = {.count = 1};
	struct disclose_sealed sealed = {.count = n};
	enum status st = check_fields(fields, n, why);

	if (st != ST_OK)
		return st;
	sealed.disclosures = ARENA_ARRAY(a, struct slice, n + 1);
	if (sealed.disclosures == NULL)
		return fail_set(why, ST_NOMEM, "no memory to seal a record");
	crypto_random_fill(&issuer->salts, salts[0], n * DISCLOSE_SALT_BYTES);
	for (size_t i = 0; i < n; i++) {
		size_t g = group_of(&groups, fields[i].group);

		sealed.disclosures[i] = disclosure(&fields[i], salts[i], &scratch, a);
		if (g > DISCLOSE_GROUPS_MAX || sealed.disclosures[i].ptr == NULL) {
			st = g > DISCLOSE_GROUPS_MAX
				     ? fail_set(why, ST_LIMIT, "a record of more than %d groups",
						DISCLOSE_GROUPS_MAX)
				     : fail_set(why, ST_NOMEM, "no memory to seal a record");
			goto out;
		}
		digests[i] = digest_of(sealed.disclosures[i], g, a);
	}
	write_payload(issuer, &groups, digests, n, at_s, &payload);
	st = payload.full ? fail_set(why, ST_NOMEM, "no memory to seal a record")
			  : sign(issuer, buf_slice(&payload), a, &sealed.jwt, why);
	if (st == ST_OK)
		*out = sealed;
out:
	arena_reset(&work);
	return st;
}
