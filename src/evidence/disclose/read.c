/* SPDX-License-Identifier: Apache-2.0
 *
 * The steps of RFC 9901 7.1 and 7.3, over any payload.
 *
 * Invariants
 *  1. Nothing of a payload is looked at before its signature was checked.
 *  2. A disclosure takes the place of one digest at most; what is left over refuses the whole.
 *  3. Work is bounded: each disclosure is opened once, objects and arrays (with what was opened in
 *     them) are at most DISCLOSE_DEPTH_MAX deep, and all there is came in at most
 *     DISCLOSE_PRESENTED_MAX bytes.
 */
#include <jansson.h>
#include <stdlib.h>

#include "base/text.h"
#include "evidence/disclose/disclose.h"
#include "evidence/disclose/disclose_priv.h"

/* A disclosure that was presented. */
struct shown {
	uint8_t digest[DISCLOSE_DIGEST];
	json_t *content; /* owned */
	bool used;
};

struct reading {
	struct arena *a;
	struct fail *why;
	struct shown *shown; /* sorted by digest */
	size_t count;
	struct slice *met; /* every digest that was met, opened or not */
	size_t met_count, met_room;
	size_t opened;
};

static struct slice text_of(const json_t *string)
{
	return (struct slice){(const uint8_t *)json_string_value(string),
			      json_string_length(string)};
}

static bool text_is(const json_t *string, struct slice want)
{
	return json_is_string(string) && slice_equal(text_of(string), want);
}

/* base64url of one JSON value. ST_INVALID, ST_NOMEM. */
static enum status decode(struct slice text, const char *what, struct arena *a, json_t **out,
			  struct fail *why)
{
	json_error_t error;
	struct slice raw;
	enum status st = crypto_base64_take(CRYPTO_BASE64URL, text, a, &raw);

	if (st == ST_NOMEM)
		return fail_set(why, ST_NOMEM, "no memory to read a JWT");
	if (st != ST_OK)
		return fail_set(why, ST_INVALID, "%s is no base64url", what);
	*out = json_loadb((const char *)raw.ptr, raw.len,
			  JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
	if (*out == NULL)
		return fail_set(why, ST_INVALID, "%s is no JSON: byte %d: %s", what, error.position,
				error.text);
	return ST_OK;
}

/* --- JWTs --- */

static enum status header_check(const json_t *header, struct fail *why)
{
	struct slice alg = text_of(json_object_get(header, "alg"));

	if (!json_is_object(header))
		return fail_set(why, ST_INVALID, "a JWT's header is a JSON object");
	if (!slice_equal(alg, SLICE("EdDSA")) && !slice_equal(alg, SLICE("Ed25519")))
		return fail_set(why, ST_REFUSED,
				"signed by alg \"%.*s\": only EdDSA (Ed25519) is taken",
				SLICE_ARG(disclose_name_ok(alg) ? alg : SLICE("?")));
	if (json_object_get(header, "crit") != NULL)
		return fail_set(why, ST_REFUSED,
				"the JWT has extensions (crit) that must be understood; none is");
	return ST_OK;
}

/* The key that signed: the one that is named if it is known by that name, else any. */
static const struct disclose_key *signed_by(struct slice message, const uint8_t *signature,
					    struct slice kid, const struct disclose_keys *keys)
{
	const struct disclose_key *named = NULL;

	for (size_t i = 0; i < keys->count && kid.len == DISCLOSE_KID && named == NULL; i++)
		if (memcmp(keys->keys[i].kid, kid.ptr, DISCLOSE_KID) == 0)
			named = &keys->keys[i];
	if (named != NULL)
		return crypto_signature_verify(named->key, message, signature) ? named : NULL;
	for (size_t i = 0; i < keys->count; i++)
		if (crypto_signature_verify(keys->keys[i].key, message, signature))
			return &keys->keys[i];
	return NULL;
}

/* A compact JWS. Header and payload belong to the caller, also after a failure. */
static enum status jws_open(struct slice jws, const struct disclose_keys *keys, struct arena *a,
			    json_t **header, json_t **payload, const struct disclose_key **out_key,
			    struct fail *why)
{
	struct slice rest = jws, head = slice_split(&rest, '.'), body = slice_split(&rest, '.');
	uint8_t signature[CRYPTO_SIGNATURE_BYTES];
	enum status st = decode(head, "the JWT's header", a, header, why);
	size_t n;

	if (st == ST_OK)
		st = header_check(*header, why);
	if (st != ST_OK)
		return st;
	if (!crypto_base64_parse(CRYPTO_BASE64URL, rest, sizeof signature, signature, &n) ||
	    n != sizeof signature)
		return fail_set(why, ST_INVALID, "the JWT has no Ed25519 signature");
	*out_key = signed_by(slice_part(jws, 0, head.len + 1 + body.len), signature,
			     text_of(json_object_get(*header, "kid")), keys);
	if (*out_key == NULL)
		return fail_set(why, ST_REFUSED, "the JWT's signature is by none of %zu known keys",
				keys->count);
	st = decode(body, "the JWT's payload", a, payload, why);
	if (st == ST_OK && !json_is_object(*payload))
		st = fail_set(why, ST_INVALID, "a JWT's payload is a JSON object");
	return st;
}

/* --- disclosures --- */

static int by_digest(const void *a, const void *b)
{
	return memcmp(a, b, DISCLOSE_DIGEST); /* the first member */
}

static int by_text(const void *a, const void *b)
{
	const struct slice *x = a, *y = b;

	return slice_compare(*x, *y);
}

/* `list` is disclosures, each with a "~" behind it. */
static enum status shown_parse(struct reading *r, struct slice list)
{
	size_t n = 0;

	for (size_t i = 0; i < list.len; i++)
		n += list.ptr[i] == '~';
	if (n > DISCLOSE_SHOWN_MAX)
		return fail_set(r->why, ST_LIMIT, "%zu disclosures; at most %d are read", n,
				DISCLOSE_SHOWN_MAX);
	r->shown = ARENA_ARRAY(r->a, struct shown, n + 1);
	if (r->shown == NULL)
		return fail_set(r->why, ST_NOMEM, "no memory to read a JWT");
	while (r->count < n) {
		struct slice text = slice_split(&list, '~');
		struct shown *s = &r->shown[r->count];
		enum status st = decode(text, "a disclosure", r->a, &s->content, r->why);

		if (st != ST_OK)
			return fail_wrap(r->why, "disclosure %zu", r->count);
		disclose_digest(text, s->digest);
		r->count++;
	}
	qsort(r->shown, n, sizeof *r->shown, by_digest);
	for (size_t i = 1; i < n; i++)
		if (by_digest(&r->shown[i - 1], &r->shown[i]) == 0)
			return fail_set(r->why, ST_REFUSED, "a disclosure is there twice");
	return ST_OK;
}

/* The disclosure of a digest, used from now on; NULL if none was presented. */
static enum status meet(struct reading *r, const json_t *digest, struct shown **out)
{
	struct slice text = text_of(digest), kept;
	struct shown want;

	*out = NULL;
	if (!json_is_string(digest))
		return fail_set(r->why, ST_INVALID, "a digest that is no string");
	if (r->met_count == DISCLOSE_SHOWN_MAX)
		return fail_set(r->why, ST_LIMIT, "more than %d digests", DISCLOSE_SHOWN_MAX);
	kept = arena_copy(r->a, text);
	if (r->a->exhausted || !ARENA_PUSH(r->a, r->met, r->met_count, r->met_room, kept))
		return fail_set(r->why, ST_NOMEM, "no memory to read a JWT");
	if (text.len != DISCLOSE_DIGEST || r->count == 0)
		return ST_OK;
	memcpy(want.digest, text.ptr, sizeof want.digest);
	*out = bsearch(&want, r->shown, r->count, sizeof want, by_digest);
	if (*out == NULL)
		return ST_OK;
	if ((*out)->used)
		return fail_set(r->why, ST_REFUSED, "a digest is there twice");
	(*out)->used = true;
	r->opened++;
	return ST_OK;
}

/* Reserved, and not where the rules put them. */
static bool reserved(struct slice name)
{
	return slice_equal(name, SLICE("_sd")) || slice_equal(name, SLICE("...")) ||
	       slice_equal(name, SLICE("_sd_alg"));
}

/* A digest of an object's `_sd`: its disclosure becomes a member. */
static enum status open_claim(struct reading *r, json_t *object, const json_t *digest)
{
	struct shown *s;
	enum status st = meet(r, digest, &s);
	json_t *name;

	if (st != ST_OK || s == NULL)
		return st;
	name = json_array_get(s->content, 1);
	if (json_array_size(s->content) != 3 || !json_is_string(json_array_get(s->content, 0)) ||
	    !json_is_string(name))
		return fail_set(r->why, ST_REFUSED,
				"a claim's disclosure that is not [salt, name, value]");
	if (reserved(text_of(name)))
		return fail_set(r->why, ST_REFUSED, "a disclosure calls a claim \"%.7s\"",
				json_string_value(name));
	if (memchr(json_string_value(name), 0, json_string_length(name)) != NULL)
		return fail_set(r->why, ST_INVALID, "a claim's name with a NUL in it");
	if (json_object_get(object, json_string_value(name)) != NULL)
		return fail_set(r->why, ST_REFUSED, "a disclosure takes a name that is taken");
	if (json_object_set(object, json_string_value(name), json_array_get(s->content, 2)) != 0)
		return fail_set(r->why, ST_NOMEM, "no memory to read a JWT");
	return ST_OK;
}

static enum status walk(struct reading *r, json_t *v, unsigned depth);

static enum status walk_object(struct reading *r, json_t *object, unsigned depth)
{
	json_t *digests = json_incref(json_object_get(object, "_sd")), *member;
	enum status st = ST_OK;
	const char *name;

	if (digests != NULL && !json_is_array(digests))
		st = fail_set(r->why, ST_INVALID, "_sd is no list of digests");
	(void)json_object_del(object, "_sd"); /* may be absent */
	for (size_t i = 0; st == ST_OK && i < json_array_size(digests); i++)
		st = open_claim(r, object, json_array_get(digests, i));
	json_decref(digests);
	if (st != ST_OK)
		return st;
	json_object_foreach(object, name, member)
	{
		if (reserved(slice_of(name)))
			return fail_set(r->why, ST_REFUSED, "a claim is called \"%s\"", name);
		st = walk(r, member, depth + 1);
		if (st != ST_OK)
			return st;
	}
	return ST_OK;
}

/* {"...": digest} becomes what it stands for, or is gone. */
static enum status open_element(struct reading *r, json_t *array, size_t *i, const json_t *digest)
{
	struct shown *s;
	enum status st = meet(r, digest, &s);

	if (st != ST_OK)
		return st;
	if (s == NULL) {
		(void)json_array_remove(array, *i); /* it is there */
		--*i;
		return ST_OK;
	}
	if (json_array_size(s->content) != 2 || !json_is_string(json_array_get(s->content, 0)))
		return fail_set(r->why, ST_REFUSED,
				"an element's disclosure that is not [salt, value]");
	if (json_array_set(array, *i, json_array_get(s->content, 1)) != 0)
		return fail_set(r->why, ST_NOMEM, "no memory to read a JWT");
	return ST_OK;
}

static enum status walk_array(struct reading *r, json_t *array, unsigned depth)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		json_t *element = json_array_get(array, i), *digest;
		enum status st = ST_OK;
		size_t before = i;

		digest = json_object_get(element, "...");
		if (digest != NULL && json_object_size(element) != 1)
			return fail_set(r->why, ST_REFUSED, "a digest of an element is not alone");
		if (digest != NULL)
			st = open_element(r, array, &i, digest);
		if (st == ST_OK && i == before)
			st = walk(r, json_array_get(array, i), depth + 1);
		if (st != ST_OK)
			return st;
	}
	return ST_OK;
}

/* Recursion ends at DISCLOSE_DEPTH_MAX. */
static enum status walk(struct reading *r, json_t *v, unsigned depth)
{
	if (!json_is_object(v) && !json_is_array(v))
		return ST_OK;
	if (depth >= DISCLOSE_DEPTH_MAX)
		return fail_set(r->why, ST_LIMIT, "objects or arrays more than %d deep",
				DISCLOSE_DEPTH_MAX);
	return json_is_object(v) ? walk_object(r, v, depth) : walk_array(r, v, depth);
}

/* Steps 2 d to 4: the payload becomes the claims. */
static enum status resolve(struct reading *r, json_t *payload)
{
	json_t *alg = json_object_get(payload, "_sd_alg");
	enum status st;

	if (alg != NULL && !text_is(alg, SLICE("sha-256")))
		return fail_set(r->why, ST_REFUSED, "digests by another _sd_alg than sha-256");
	(void)json_object_del(payload, "_sd_alg"); /* may be absent: sha-256 is meant */
	st = walk(r, payload, 0);
	if (st != ST_OK)
		return st;
	for (size_t i = 0; i < r->count; i++)
		if (!r->shown[i].used)
			return fail_set(r->why, ST_REFUSED,
					"the JWT does not commit to one of the disclosures");
	if (r->met_count != 0)
		qsort(r->met, r->met_count, sizeof *r->met, by_text);
	for (size_t i = 1; i < r->met_count; i++)
		if (slice_equal(r->met[i - 1], r->met[i]))
			return fail_set(r->why, ST_REFUSED, "a digest is there twice");
	return ST_OK;
}

/* --- who, when, to whom --- */

/* A time claim; *out 0 if it is not there. */
static enum status time_claim(const json_t *claims, const char *name, double *out, struct fail *why)
{
	const json_t *v = json_object_get(claims, name);

	*out = 0;
	if (v == NULL)
		return ST_OK;
	if (!json_is_number(v) || json_number_value(v) < 1)
		return fail_set(why, ST_INVALID, "%s is no time", name);
	*out = json_number_value(v);
	return ST_OK;
}

static enum status times_check(const json_t *claims, uint64_t now_s, struct fail *why)
{
	double until, from, now = (double)now_s;
	enum status st = time_claim(claims, "exp", &until, why);

	if (st == ST_OK)
		st = time_claim(claims, "nbf", &from, why);
	if (st != ST_OK || now_s == 0)
		return st;
	if (until != 0 && now >= until + DISCLOSE_LEEWAY_S)
		return fail_set(why, ST_REFUSED, "it was good until %.0f, now is %.0f (exp)", until,
				now);
	if (from != 0 && now + DISCLOSE_LEEWAY_S < from)
		return fail_set(why, ST_REFUSED, "it is good from %.0f, now is %.0f (nbf)", from,
				now);
	return ST_OK;
}

static bool key_take(const json_t *jwk, struct disclose_key *out)
{
	uint8_t key[CRYPTO_KEY_BYTES];
	size_t n;

	if (!text_is(json_object_get(jwk, "kty"), SLICE("OKP")) ||
	    !text_is(json_object_get(jwk, "crv"), SLICE("Ed25519")) ||
	    !json_is_string(json_object_get(jwk, "x")) ||
	    !crypto_base64_parse(CRYPTO_BASE64URL, text_of(json_object_get(jwk, "x")), sizeof key,
				 key, &n) ||
	    n != sizeof key)
		return false;
	*out = disclose_key_of(key);
	return true;
}

enum status disclose_key_parse(struct slice text, struct disclose_key *out, struct fail *why)
{
	json_error_t error;
	json_t *jwk = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
	bool ok = jwk != NULL && key_take(jwk, out);

	json_decref(jwk);
	if (!ok)
		return fail_set(why, ST_INVALID,
				"no Ed25519 key as a JWK: expected "
				"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"...\"}");
	return ST_OK;
}

enum status disclose_signer_parse(struct slice text, struct crypto_signer *out, struct fail *why)
{
	json_error_t error;
	json_t *jwk = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
	const json_t *d = json_object_get(jwk, "d");
	uint8_t seed[CRYPTO_SEED_BYTES];
	struct disclose_key key;
	struct crypto_signer s;
	size_t n;
	bool ok = jwk != NULL && key_take(jwk, &key) && json_is_string(d) &&
		  crypto_base64_parse(CRYPTO_BASE64URL, text_of(d), sizeof seed, seed, &n) &&
		  n == sizeof seed;

	json_decref(jwk);
	if (ok) {
		crypto_signer_from_seed(seed, &s);
		ok = crypto_equal(s.key, key.key, sizeof s.key);
	}
	crypto_wipe(seed, sizeof seed);
	if (!ok)
		return fail_set(why, ST_INVALID, "no Ed25519 key with its secret \"d\" as a JWK");
	*out = s;
	crypto_wipe(&s, sizeof s);
	return ST_OK;
}

/* What a binding says, its signature checked. */
static enum status binding_claims(const json_t *claims, const struct disclose_demand *d,
				  struct slice presented, uint8_t want[DISCLOSE_DIGEST],
				  struct fail *why)
{
	double at;
	enum status st = time_claim(claims, "iat", &at, why);

	if (st != ST_OK)
		return st;
	if (at == 0)
		return fail_set(why, ST_INVALID, "the key binding does not say when it was made");
	if (!text_is(json_object_get(claims, "aud"), d->audience))
		return fail_set(why, ST_REFUSED, "the key binding is for somebody else (aud)");
	if (!text_is(json_object_get(claims, "nonce"), d->nonce))
		return fail_set(why, ST_REFUSED, "the key binding is for another question (nonce)");
	disclose_digest(presented, want);
	if (!text_is(json_object_get(claims, "sd_hash"), (struct slice){want, DISCLOSE_DIGEST}))
		return fail_set(why, ST_REFUSED,
				"the key binding is of another presentation (sd_hash)");
	if (d->now_s != 0 && at > (double)d->now_s + DISCLOSE_LEEWAY_S)
		return fail_set(why, ST_REFUSED, "the key binding is from the future (iat)");
	if (d->now_s != 0 && d->age_s != 0 && at + d->age_s + DISCLOSE_LEEWAY_S < (double)d->now_s)
		return fail_set(why, ST_REFUSED, "the key binding is older than %u s (iat)",
				d->age_s);
	return ST_OK;
}

/* presented: all up to and with the last "~". */
static enum status binding_check(struct slice binding, struct slice presented,
				 struct disclose_key *holder, const struct disclose_demand *d,
				 struct arena *a, struct fail *why)
{
	const struct disclose_keys only = {holder, 1};
	json_t *header = NULL, *claims = NULL;
	const struct disclose_key *key;
	uint8_t digest[DISCLOSE_DIGEST];
	enum status st;

	if (binding.len == 0)
		return fail_set(why, ST_REFUSED, "there is no key binding");
	st = jws_open(binding, &only, a, &header, &claims, &key, why);
	if (st == ST_OK && !text_is(json_object_get(header, "typ"), SLICE("kb+jwt")))
		st = fail_set(why, ST_REFUSED, "its typ is not kb+jwt");
	if (st == ST_OK)
		st = binding_claims(claims, d, presented, digest, why);
	else
		(void)fail_wrap(why, "key binding");
	json_decref(header);
	json_decref(claims);
	return st;
}

/* --- the whole --- */

static int append(const char *bytes, size_t n, void *ctx)
{
	buf_add(ctx, (struct slice){(const uint8_t *)bytes, n});
	return 0;
}

static enum status conclude(struct reading *r, const json_t *header, const json_t *claims,
			    const struct disclose_key *key, struct disclose_presented *out)
{
	struct disclose_presented p = {.shown = r->opened, .hidden = r->met_count - r->opened};
	const json_t *jwk = json_object_get(json_object_get(claims, "cnf"), "jwk");
	struct buf text = buf_in(r->a);
	struct disclose_key holder;

	if (json_dump_callback(claims, append, &text, JSON_COMPACT | JSON_REAL_PRECISION(17)) != 0)
		return fail_set(r->why, ST_NOMEM, "no memory to read a JWT");
	p.claims = buf_slice(&text);
	p.type = arena_copy(r->a, text_of(json_object_get(header, "typ")));
	p.kid = arena_copy(r->a, (struct slice){(const uint8_t *)key->kid, DISCLOSE_KID});
	p.has_holder = jwk != NULL && key_take(jwk, &holder);
	if (p.has_holder)
		memcpy(p.holder, holder.kid, sizeof p.holder);
	if (text.full || r->a->exhausted)
		return fail_set(r->why, ST_NOMEM, "no memory to read a JWT");
	*out = p;
	return ST_OK;
}

enum status disclose_read(struct slice presented, const struct disclose_demand *demand,
			  struct arena *a, struct disclose_presented *out, struct fail *why)
{
	struct reading r = {.a = a, .why = why};
	struct slice rest = presented, jwt = slice_split(&rest, '~'), binding;
	json_t *header = NULL, *payload = NULL;
	const struct disclose_key *key = NULL;
	struct disclose_key holder;
	size_t last = presented.len;
	enum status st;

	if (presented.len > DISCLOSE_PRESENTED_MAX)
		return fail_set(why, ST_LIMIT, "%zu bytes; at most %d are read", presented.len,
				DISCLOSE_PRESENTED_MAX);
	if (rest.ptr == NULL && jwt.len == presented.len)
		return fail_set(why, ST_INVALID, "no SD-JWT: there is no \"~\" in it");
	while (presented.ptr[last - 1] != '~')
		last--;
	binding = slice_from(presented, last);
	rest = slice_part(presented, jwt.len + 1, last - jwt.len - 1);
	st = jws_open(jwt, demand->keys, a, &header, &payload, &key, why);
	if (st == ST_OK)
		st = shown_parse(&r, rest);
	if (st == ST_OK)
		st = resolve(&r, payload);
	if (st == ST_OK)
		st = times_check(payload, demand->now_s, why);
	if (st == ST_OK && demand->bound) {
		if (!key_take(json_object_get(json_object_get(payload, "cnf"), "jwk"), &holder))
			st = fail_set(why, ST_REFUSED,
				      "it is made out for no key (cnf), so nobody can prove to be "
				      "its holder");
		else
			st = binding_check(binding, slice_part(presented, 0, last), &holder, demand,
					   a, why);
	}
	if (st == ST_OK)
		st = conclude(&r, header, payload, key, out);
	for (size_t i = 0; r.shown != NULL && i < r.count; i++)
		json_decref(r.shown[i].content);
	json_decref(header);
	json_decref(payload);
	return st;
}
