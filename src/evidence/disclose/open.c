/* SPDX-License-Identifier: Apache-2.0
 *
 * The steps of RFC 9901 7.1, over a payload that may have one level of groups and nothing else.
 */
#include <jansson.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "base/text.h"
#include "evidence/disclose/disclose.h"
#include "evidence/disclose/disclose_priv.h"

enum {
	SALT_TEXT = 22, /* characters of DISCLOSE_SALT_BYTES in base64url */
	DIGESTS_MAX = 4096,
};

/* A digest that the JWT commits to. */
struct promise {
	uint8_t digest[DISCLOSE_DIGEST];
	struct slice group;
	bool kept; /* a disclosure with that digest was seen */
};

struct payload {
	struct slice groups[DISCLOSE_GROUPS_MAX];
	size_t group_count;
	struct slice issuer;
	uint64_t at_s;
	bool has_prev;
	uint8_t prev[CRYPTO_SHA256_BYTES];
	struct promise *promises; /* sorted by digest */
	size_t count, room;
};

static int by_digest(const void *a, const void *b)
{
	const struct promise *x = a, *y = b;

	return memcmp(x->digest, y->digest, sizeof x->digest);
}

static struct slice text_of(const json_t *string)
{
	return (struct slice){(const uint8_t *)json_string_value(string),
			      json_string_length(string)};
}

/* --- the JWT --- */

/* The key's thumbprint that the header names. False: not the header of an event. */
static bool kid_of(struct slice header, uint8_t out[DISCLOSE_KID])
{
	uint8_t text[DISCLOSE_HEADER_MAX];
	size_t n;

	if (!crypto_base64_parse(CRYPTO_BASE64URL, header, sizeof text, text, &n) ||
	    n != DISCLOSE_HEADER_1.len + DISCLOSE_KID + DISCLOSE_HEADER_2.len ||
	    !slice_starts((struct slice){text, n}, DISCLOSE_HEADER_1) ||
	    !slice_ends((struct slice){text, n}, DISCLOSE_HEADER_2))
		return false;
	memcpy(out, text + DISCLOSE_HEADER_1.len, DISCLOSE_KID);
	return true;
}

enum status disclose_check(struct slice jwt, const struct disclose_keys *keys, size_t *out_key,
			   struct fail *why)
{
	struct slice rest = jwt, header = slice_split(&rest, '.'), body = slice_split(&rest, '.');
	uint8_t signature[CRYPTO_SIGNATURE_BYTES], kid[DISCLOSE_KID];
	size_t n, key = 0;

	if (jwt.len > DISCLOSE_TEXT_MAX)
		return fail_set(why, ST_LIMIT, "a JWT of %zu bytes; at most %d are read", jwt.len,
				DISCLOSE_TEXT_MAX);
	if (!kid_of(header, kid))
		return fail_set(why, ST_INVALID, "the JWT's header is not that of a dewline event");
	while (key < keys->count && memcmp(keys->keys[key].kid, kid, DISCLOSE_KID) != 0)
		key++;
	if (key == keys->count)
		return fail_set(why, ST_REFUSED, "the JWT is signed by a key that is not given");
	if (!crypto_base64_parse(CRYPTO_BASE64URL, rest, sizeof signature, signature, &n) ||
	    n != sizeof signature)
		return fail_set(why, ST_INVALID, "the JWT has no Ed25519 signature");
	if (!crypto_signature_verify(keys->keys[key].key,
				     slice_part(jwt, 0, header.len + 1 + body.len), signature))
		return fail_set(why, ST_REFUSED, "the JWT's signature is wrong");
	*out_key = key;
	return ST_OK;
}

/* --- the payload --- */

static enum status take_digests(const json_t *list, struct slice group, struct payload *p,
				struct arena *a, struct fail *why)
{
	if (!json_is_array(list) || json_array_size(list) > DIGESTS_MAX)
		return fail_set(why, ST_INVALID, "the JWT's _sd is no list of digests");
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct slice text = text_of(json_array_get(list, i));
		struct promise promise = {.group = group};
		uint8_t raw[CRYPTO_SHA256_BYTES];
		size_t n;

		if (text.len != DISCLOSE_DIGEST ||
		    !crypto_base64_parse(CRYPTO_BASE64URL, text, sizeof raw, raw, &n))
			return fail_set(why, ST_INVALID, "the JWT's _sd has no digest at %zu", i);
		memcpy(promise.digest, text.ptr, sizeof promise.digest);
		if (p->count == DIGESTS_MAX)
			return fail_set(why, ST_LIMIT, "a JWT of more than %d digests",
					DIGESTS_MAX);
		if (!ARENA_PUSH(a, p->promises, p->count, p->room, promise))
			return fail_set(why, ST_NOMEM, "no memory to open a JWT");
	}
	return ST_OK;
}

static enum status take_group(const char *name, const json_t *value, struct payload *p,
			      struct arena *a, struct fail *why)
{
	struct slice group = arena_copy(a, slice_of(name));

	if (!disclose_name_ok(slice_of(name)) || json_object_size(value) != 1 ||
	    json_object_get(value, "_sd") == NULL)
		return fail_set(why, ST_INVALID, "the JWT says \"%.64s\" in the clear", name);
	if (group.ptr == NULL)
		return fail_set(why, ST_NOMEM, "no memory to open a JWT");
	if (p->group_count == DISCLOSE_GROUPS_MAX)
		return fail_set(why, ST_LIMIT, "a JWT of more than %d groups", DISCLOSE_GROUPS_MAX);
	p->groups[p->group_count++] = group;
	return take_digests(json_object_get(value, "_sd"), group, p, a, why);
}

/* The one text of 32 bytes. */
static bool take_prev(struct slice text, struct payload *p)
{
	size_t n;

	p->has_prev = text.len == DISCLOSE_DIGEST &&
		      crypto_base64_parse(CRYPTO_BASE64URL, text, sizeof p->prev, p->prev, &n) &&
		      n == sizeof p->prev;
	return p->has_prev;
}

static enum status take_member(const char *name, const json_t *value, struct payload *p,
			       struct arena *a, struct fail *why)
{
	struct slice key = slice_of(name);

	if (slice_equal(key, SLICE("_sd")))
		return take_digests(value, (struct slice){NULL, 0}, p, a, why);
	if (slice_equal(key, SLICE("_sd_alg"))) {
		if (slice_equal(text_of(value), SLICE("sha-256")))
			return ST_OK;
		return fail_set(why, ST_INVALID, "the JWT's digests are not by sha-256");
	}
	if (slice_equal(key, SLICE("iss"))) {
		p->issuer = arena_copy(a, text_of(value));
		if (!json_is_string(value) || p->issuer.len == 0)
			return fail_set(why, ST_INVALID, "the JWT's iss is no name");
		return ST_OK;
	}
	if (slice_equal(key, SLICE("iat"))) {
		if (!json_is_integer(value) || json_integer_value(value) <= 0)
			return fail_set(why, ST_INVALID, "the JWT's iat is no time");
		p->at_s = (uint64_t)json_integer_value(value);
		return ST_OK;
	}
	if (slice_equal(key, SLICE("prev")))
		return take_prev(text_of(value), p)
			       ? ST_OK
			       : fail_set(why, ST_INVALID, "the JWT's prev is no hash");
	return take_group(name, value, p, a, why);
}

static enum status payload_read(struct slice text, struct arena *a, struct payload *out,
				struct fail *why)
{
	json_error_t error;
	json_t *root = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &error),
	       *value;
	enum status st = ST_OK;
	const char *name;

	if (!json_is_object(root)) {
		json_decref(root);
		return fail_set(why, ST_INVALID, "the JWT's payload is no JSON object");
	}
	json_object_foreach(root, name, value)
	{
		st = take_member(name, value, out, a, why);
		if (st != ST_OK)
			break;
	}
	if (st == ST_OK && json_object_get(root, "_sd_alg") == NULL)
		st = fail_set(why, ST_INVALID, "the JWT does not name its digests' algorithm");
	json_decref(root);
	return st;
}

/* --- the same in the one form that seal.c writes, without a tree: most of what is ever opened ---
 */

static bool next_is(const struct cursor *c, uint8_t want)
{
	return cursor_left(c) != 0 && *c->at == want;
}

static bool eat(struct cursor *c, struct slice word)
{
	return slice_equal(cursor_take(c, word.len), word);
}

/* "_sd":[...]; ST_NOTFOUND: not in that form. */
static enum status quick_digests(struct cursor *c, struct slice group, struct payload *p,
				 struct arena *a, struct fail *why)
{
	bool more;

	if (!eat(c, SLICE("\"_sd\":[")))
		return ST_NOTFOUND;
	for (more = !next_is(c, ']'); more; more = next_is(c, ',') && eat(c, SLICE(","))) {
		struct slice quoted = cursor_take(c, DISCLOSE_DIGEST + 2);
		struct promise promise = {.group = group};
		uint8_t raw[CRYPTO_SHA256_BYTES];
		size_t n;

		if (!slice_starts(quoted, SLICE("\"")) || !slice_ends(quoted, SLICE("\"")) ||
		    p->count == DIGESTS_MAX ||
		    !crypto_base64_parse(CRYPTO_BASE64URL, slice_part(quoted, 1, DISCLOSE_DIGEST),
					 sizeof raw, raw, &n))
			return ST_NOTFOUND;
		memcpy(promise.digest, quoted.ptr + 1, sizeof promise.digest);
		if (!ARENA_PUSH(a, p->promises, p->count, p->room, promise))
			return fail_set(why, ST_NOMEM, "no memory to open a JWT");
	}
	return eat(c, SLICE("]")) ? ST_OK : ST_NOTFOUND;
}

/* A text without escapes, behind its first quote; ptr NULL: it is none. */
static struct slice quick_text(struct cursor *c)
{
	struct slice rest = cursor_rest(c), text = slice_split(&rest, '"');

	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] < ' ' || text.ptr[i] == '\\')
			return (struct slice){NULL, 0};
	if (rest.ptr == NULL || !text_is_utf8(text))
		return (struct slice){NULL, 0};
	(void)cursor_take(c, text.len + 1); /* it is there */
	return text;
}

/* ,"<group>":{"_sd":[...]} */
static enum status quick_group(struct cursor *c, struct payload *p, struct arena *a,
			       struct fail *why)
{
	struct slice name;
	enum status st;

	if (!eat(c, SLICE(",\"")))
		return ST_NOTFOUND;
	name = quick_text(c);
	if (!disclose_name_ok(name) || disclose_name_taken(name) ||
	    p->group_count == DISCLOSE_GROUPS_MAX || !eat(c, SLICE(":{")))
		return ST_NOTFOUND;
	for (size_t i = 0; i < p->group_count; i++)
		if (slice_equal(p->groups[i], name))
			return ST_NOTFOUND;
	p->groups[p->group_count++] = name;
	st = quick_digests(c, name, p, a, why);
	return st != ST_OK || eat(c, SLICE("}")) ? st : ST_NOTFOUND;
}

static enum status payload_quick(struct slice text, struct arena *a, struct payload *p,
				 struct fail *why)
{
	struct cursor c = cursor_of(text);
	enum status st;

	if (!eat(&c, SLICE("{")))
		return ST_NOTFOUND;
	st = quick_digests(&c, (struct slice){NULL, 0}, p, a, why);
	if (st != ST_OK)
		return st;
	if (!eat(&c, SLICE(",\"_sd_alg\":\"sha-256\",\"iss\":\"")))
		return ST_NOTFOUND;
	p->issuer = quick_text(&c);
	if (slice_starts(cursor_rest(&c), SLICE(",\"iat\":"))) {
		struct slice rest;
		size_t n = 0;

		(void)cursor_take(&c, 7); /* it is there */
		rest = cursor_rest(&c);
		while (n < rest.len && text_is_digit(rest.ptr[n]))
			n++;
		if (n == 0 || rest.ptr[0] == '0' ||
		    !text_u64(cursor_take(&c, n), 1, INT64_MAX, &p->at_s))
			return ST_NOTFOUND;
	}
	if (slice_starts(cursor_rest(&c), SLICE(",\"prev\":\""))) {
		(void)cursor_take(&c, 9); /* it is there */
		if (!take_prev(cursor_take(&c, DISCLOSE_DIGEST), p) || !eat(&c, SLICE("\"")))
			return ST_NOTFOUND;
	}
	while (st == ST_OK && next_is(&c, ','))
		st = quick_group(&c, p, a, why);
	if (st != ST_OK)
		return st;
	return eat(&c, SLICE("}")) && cursor_left(&c) == 0 && p->issuer.len != 0 ? ST_OK
										 : ST_NOTFOUND;
}

/* What is not in that form may be right all the same, or has a reason why not. */
static enum status payload_parse(struct slice text, struct arena *a, struct payload *out,
				 struct fail *why)
{
	enum status st;

	*out = (struct payload){0};
	st = payload_quick(text, a, out, why);
	if (st == ST_NOTFOUND) {
		*out = (struct payload){0};
		st = payload_read(text, a, out, why);
	}
	if (st != ST_OK)
		return st;
	if (out->issuer.len == 0)
		return fail_set(why, ST_INVALID, "the JWT does not name its issuer");
	if (out->count != 0)
		qsort(out->promises, out->count, sizeof *out->promises, by_digest);
	for (size_t i = 1; i < out->count; i++)
		if (by_digest(&out->promises[i - 1], &out->promises[i]) == 0)
			return fail_set(why, ST_REFUSED, "the JWT has the same digest twice");
	return ST_OK;
}

/* --- disclosures --- */

/* True if some object within has a key that would make it a commitment itself. */
static bool commits(const json_t *v)
{
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_array(v)) {
		json_array_foreach(v, i, member) if (commits(member)) return true;
		return false;
	}
	json_object_foreach((json_t *)(uintptr_t)v, key, member) if (strcmp(key, "_sd") == 0 ||
								     strcmp(key, "...") == 0 ||
								     commits(member)) return true;
	return false;
}

/* A text without escapes: most values are one, and need no parser. */
static bool plain_string(struct slice value)
{
	size_t i = 1;

	if (value.len < 2 || value.ptr[0] != '"' || value.ptr[value.len - 1] != '"')
		return false;
	while (i < value.len - 1 && value.ptr[i] >= ' ' && value.ptr[i] != '"' &&
	       value.ptr[i] != '\\')
		i++;
	return i == value.len - 1 && text_is_utf8(value);
}

/* A value in its compact form: jansson takes white space around and within, we do not around. */
static bool value_ok(struct slice value)
{
	json_error_t error;
	json_t *v;
	bool ok;

	if (plain_string(value))
		return true;
	if (value.len == 0 || value.ptr[0] <= ' ' || value.ptr[value.len - 1] <= ' ')
		return false;
	v = json_loadb((const char *)value.ptr, value.len,
		       JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	ok = v != NULL && !commits(v);
	json_decref(v);
	return ok;
}

/* ["<22 characters>","<name>",<value>] */
static bool disclosure_parse(struct slice text, struct record_field *out)
{
	uint8_t salt[DISCLOSE_SALT_BYTES];
	struct cursor c = cursor_of(text);
	struct slice rest, name;
	bool ok = slice_equal(cursor_take(&c, 2), SLICE("[\""));
	size_t n;

	ok = crypto_base64_parse(CRYPTO_BASE64URL, cursor_take(&c, SALT_TEXT), sizeof salt, salt,
				 &n) &&
	     n == sizeof salt && ok;
	ok = slice_equal(cursor_take(&c, 3), SLICE("\",\"")) && ok;
	rest = cursor_take(&c, cursor_left(&c));
	name = slice_split(&rest, '"');
	if (!ok || !cursor_ok(&c) || !disclose_name_ok(name) || rest.len < 3 ||
	    rest.ptr[0] != ',' || rest.ptr[rest.len - 1] != ']')
		return false;
	out->name = name;
	out->json = slice_part(rest, 1, rest.len - 2);
	return value_ok(out->json);
}

static enum status disclosure_open(struct slice text, size_t number, struct payload *p,
				   struct arena *a, struct record_field *out, struct fail *why)
{
	struct promise want = {0}, *found;
	struct record_field f = {0};
	struct slice raw;
	enum status st;

	if (text.len > DISCLOSE_VALUE_MAX)
		return fail_set(why, ST_LIMIT, "disclosure %zu is too long", number);
	disclose_digest(text, want.digest);
	found = p->count ? bsearch(&want, p->promises, p->count, sizeof want, by_digest) : NULL;
	if (found == NULL)
		return fail_set(why, ST_REFUSED, "the JWT does not commit to disclosure %zu",
				number);
	if (found->kept)
		return fail_set(why, ST_REFUSED, "disclosure %zu is there twice", number);
	found->kept = true;
	st = crypto_base64_take(CRYPTO_BASE64URL, text, a, &raw);
	if (st == ST_NOMEM)
		return fail_set(why, ST_NOMEM, "no memory to open a JWT");
	if (st != ST_OK || !disclosure_parse(raw, &f))
		return fail_set(why, ST_INVALID, "disclosure %zu is malformed", number);
	f.group = found->group;
	*out = f;
	return ST_OK;
}

/* A field may not hide another: not one of the same name, not a claim or group in the clear. */
static enum status names_check(const struct payload *p, const struct record_field *fields, size_t n,
			       struct fail *why)
{
	const struct record_field *last = &fields[n - 1];
	bool clash = last->group.len == 0 && disclose_name_taken(last->name);

	for (size_t i = 0; i + 1 < n; i++)
		clash = clash || (slice_equal(fields[i].name, last->name) &&
				  slice_equal(fields[i].group, last->group));
	for (size_t i = 0; i < p->count && last->group.len == 0; i++)
		clash = clash || slice_equal(p->promises[i].group, last->name);
	if (clash)
		return fail_set(why, ST_REFUSED, "two fields \"%.*s\" of one group",
				SLICE_ARG(last->name));
	return ST_OK;
}

enum status disclose_open_checked(struct slice jwt, const struct slice *disclosures, size_t n,
				  struct arena *a, struct disclose_opened *out, struct fail *why)
{
	struct slice rest = jwt, header = slice_split(&rest, '.'), body = slice_split(&rest, '.');
	struct disclose_opened opened = {0};
	uint8_t *kid = arena_bytes(a, DISCLOSE_KID);
	struct slice text;
	struct payload p;
	enum status st;

	if (kid == NULL)
		return fail_set(why, ST_NOMEM, "no memory to open a JWT");
	if (!kid_of(header, kid))
		return fail_set(why, ST_INVALID, "the JWT's header is not that of a dewline event");
	opened.kid = (struct slice){kid, DISCLOSE_KID};
	st = crypto_base64_take(CRYPTO_BASE64URL, body, a, &text);
	if (st == ST_NOMEM)
		return fail_set(why, ST_NOMEM, "no memory to open a JWT");
	if (st != ST_OK)
		return fail_set(why, ST_INVALID, "the JWT's payload is no base64url");
	st = payload_parse(text, a, &p, why);
	if (st != ST_OK)
		return st;
	if (n > RECORD_FIELDS_MAX || n > p.count)
		return fail_set(why, ST_REFUSED, "%zu disclosures for %zu digests", n, p.count);
	opened.fields = n ? ARENA_ARRAY(a, struct record_field, n) : NULL;
	if (n != 0 && opened.fields == NULL)
		return fail_set(why, ST_NOMEM, "no memory to open a JWT");
	for (; opened.count < n; opened.count++) {
		size_t i = opened.count;

		st = disclosure_open(disclosures[i], i, &p, a, &opened.fields[i], why);
		if (st == ST_OK)
			st = names_check(&p, opened.fields, i + 1, why);
		if (st != ST_OK)
			return st;
	}
	memcpy(opened.groups, p.groups, sizeof opened.groups);
	memcpy(opened.prev, p.prev, sizeof opened.prev);
	opened.has_prev = p.has_prev;
	opened.group_count = p.group_count;
	opened.issuer = p.issuer;
	opened.at_s = p.at_s;
	opened.hidden = p.count - n;
	*out = opened;
	return ST_OK;
}

enum status disclose_open(struct slice jwt, const struct slice *disclosures, size_t n,
			  const struct disclose_keys *keys, struct arena *a,
			  struct disclose_opened *out, struct fail *why)
{
	size_t key;
	enum status st = disclose_check(jwt, keys, &key, why);

	return st == ST_OK ? disclose_open_checked(jwt, disclosures, n, a, out, why) : st;
}
