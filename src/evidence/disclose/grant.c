/* SPDX-License-Identifier: Apache-2.0
 *
 * A grant commits to the opened fields under the digests that the leaf has: the disclosures are the
 * same texts, so whoever holds the leaf's proof sees that they are what was committed, and whoever
 * holds the grant alone sees who opened them to whom.
 */
#include <stdlib.h>

#include "base/json.h"
#include "base/text.h"
#include "evidence/disclose/disclose.h"
#include "evidence/disclose/disclose_priv.h"

#define GRANT_HEADER_2 SLICE("\",\"typ\":\"dewline-grant+sd-jwt\"}")
#define BINDING_HEADER SLICE("{\"alg\":\"EdDSA\",\"typ\":\"kb+jwt\"}")

/* One field's place and digest; sorted, so that the order says nothing. */
struct granted {
	struct slice group;
	uint8_t digest[DISCLOSE_DIGEST];
};

static int by_group(const void *a, const void *b)
{
	const struct granted *x = a, *y = b;
	int order = slice_compare(x->group, y->group);

	return order != 0 ? order : memcmp(x->digest, y->digest, sizeof x->digest);
}

static void add_jwk(struct json *j, const struct disclose_key *key)
{
	struct buf x = buf_in(j->out->arena);

	crypto_base64_add(CRYPTO_BASE64URL, (struct slice){key->key, sizeof key->key}, &x);
	j->out->full = j->out->full || x.full;
	json_object(j);
	json_member_str(j, "crv", SLICE("Ed25519"));
	json_member_str(j, "kty", SLICE("OKP"));
	json_member_str(j, "x", buf_slice(&x));
	json_end(j);
}

/* "event":{"_sd":[...],"alert":{"_sd":[...]}} */
static void add_event(struct json *j, const struct granted *list, size_t n)
{
	size_t i = 0;

	json_key(j, "event");
	json_object(j);
	while (i < n) {
		struct slice group = list[i].group;

		if (group.len != 0) {
			json_key_slice(j, group);
			json_object(j);
		}
		json_key(j, "_sd");
		json_array(j);
		for (; i < n && slice_equal(list[i].group, group); i++)
			json_str(j, (struct slice){list[i].digest, DISCLOSE_DIGEST});
		json_end(j);
		if (group.len != 0)
			json_end(j);
	}
	json_end(j);
}

static void write_payload(const struct disclose_issuer *issuer, const struct disclose_grant *g,
			  const struct granted *list, struct buf *out)
{
	struct json j = json_in(out);

	json_object(&j);
	json_member_str(&j, "_sd_alg", SLICE("sha-256"));
	json_key(&j, "cnf");
	json_object(&j);
	json_key(&j, "jwk");
	add_jwk(&j, &g->reader);
	json_end(&j);
	add_event(&j, list, g->count);
	if (g->until_s != 0)
		json_member_u64(&j, "exp", g->until_s);
	json_member_u64(&j, "iat", g->at_s);
	json_member_str(&j, "iss", issuer->name);
	json_key(&j, "leaf");
	json_object(&j);
	json_member_u64(&j, "index", g->leaf);
	json_member_str(&j, "log", g->log);
	json_end(&j);
	json_end(&j);
}

static struct slice header_of(const struct crypto_signer *signer, struct arena *a)
{
	struct disclose_key key = disclose_key_of(signer->key);
	struct buf plain = buf_in(a), text = buf_in(a);

	buf_add(&plain, DISCLOSE_HEADER_1);
	buf_add(&plain, (struct slice){(const uint8_t *)key.kid, sizeof key.kid});
	buf_add(&plain, GRANT_HEADER_2);
	crypto_base64_add(CRYPTO_BASE64URL, buf_slice(&plain), &text);
	return plain.full ? (struct slice){NULL, 0} : buf_slice(&text);
}

static enum status grant_check(const struct disclose_grant *g, struct fail *why)
{
	for (size_t i = 0; i < g->count; i++)
		if (!disclose_name_ok(g->fields[i].name) ||
		    (g->fields[i].group.len != 0 && !disclose_name_ok(g->fields[i].group)))
			return fail_set(why, ST_INVALID, "field %zu of the grant has no name", i);
	if (g->count > RECORD_FIELDS_MAX)
		return fail_set(why, ST_LIMIT, "a grant of %zu fields; at most %d", g->count,
				RECORD_FIELDS_MAX);
	if (g->log.len == 0 || !text_is_utf8(g->log) || g->at_s == 0)
		return fail_set(why, ST_INVALID, "a grant says of which log, and when");
	return ST_OK;
}

enum status disclose_grant(const struct disclose_issuer *issuer, const struct disclose_grant *g,
			   struct arena *a, struct slice *out, struct fail *why)
{
	struct granted *list = ARENA_ARRAY(a, struct granted, g->count + 1);
	struct buf payload = buf_in(a), whole = buf_in(a);
	struct slice jwt = {NULL, 0}, header;
	enum status st = grant_check(g, why);

	if (st != ST_OK)
		return st;
	if (list == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a grant");
	for (size_t i = 0; i < g->count; i++) {
		list[i].group = g->fields[i].group;
		disclose_digest(g->disclosures[i], list[i].digest);
	}
	qsort(list, g->count, sizeof *list, by_group);
	write_payload(issuer, g, list, &payload);
	header = header_of(&issuer->signer, a);
	if (payload.full || header.ptr == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a grant");
	st = disclose_sign(&issuer->signer, header, buf_slice(&payload), a, &jwt, why);
	if (st != ST_OK)
		return st;
	buf_add(&whole, jwt);
	buf_add_byte(&whole, '~');
	for (size_t i = 0; i < g->count; i++) {
		buf_add(&whole, g->disclosures[i]);
		buf_add_byte(&whole, '~');
	}
	if (whole.full)
		return fail_set(why, ST_NOMEM, "no memory for a grant");
	*out = buf_slice(&whole);
	return ST_OK;
}

enum status disclose_bind(struct slice presented, const struct crypto_signer *holder,
			  struct slice audience, struct slice nonce, uint64_t at_s, struct arena *a,
			  struct slice *out, struct fail *why)
{
	struct buf payload = buf_in(a), header = buf_in(a), whole = buf_in(a);
	struct json j = json_in(&payload);
	uint8_t digest[DISCLOSE_DIGEST];
	struct slice jwt = {NULL, 0};
	enum status st;

	if (!slice_ends(presented, SLICE("~")) || presented.len > DISCLOSE_PRESENTED_MAX)
		return fail_set(why, ST_INVALID, "what is bound to a key ends in \"~\"");
	if (audience.len == 0 || nonce.len == 0 || !text_is_utf8(audience) || !text_is_utf8(nonce))
		return fail_set(why, ST_INVALID, "a binding names an audience and its nonce");
	disclose_digest(presented, digest);
	crypto_base64_add(CRYPTO_BASE64URL, BINDING_HEADER, &header);
	json_object(&j);
	json_member_str(&j, "aud", audience);
	json_member_u64(&j, "iat", at_s);
	json_member_str(&j, "nonce", nonce);
	json_member_str(&j, "sd_hash", (struct slice){digest, sizeof digest});
	json_end(&j);
	if (payload.full || header.full)
		return fail_set(why, ST_NOMEM, "no memory for a key binding");
	st = disclose_sign(holder, buf_slice(&header), buf_slice(&payload), a, &jwt, why);
	if (st != ST_OK)
		return st;
	buf_add(&whole, presented);
	buf_add(&whole, jwt);
	if (whole.full)
		return fail_set(why, ST_NOMEM, "no memory for a key binding");
	*out = buf_slice(&whole);
	return ST_OK;
}
