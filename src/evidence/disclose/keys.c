/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "base/text.h"
#include "evidence/disclose/disclose.h"
#include "evidence/disclose/disclose_priv.h"

enum { KEYS_MAX = 4096 }; /* stations in one bundle */

bool disclose_name_ok(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.ptr[i];

		if (!text_is_alpha(c) && !text_is_digit(c) && c != '_' && c != '-')
			return false;
	}
	return name.len > 0 && name.len <= DISCLOSE_NAME_MAX && !slice_equal(name, SLICE("_sd")) &&
	       !slice_equal(name, SLICE("_sd_alg"));
}

bool disclose_name_taken(struct slice name)
{
	return slice_equal(name, SLICE("iss")) || slice_equal(name, SLICE("iat")) ||
	       slice_equal(name, SLICE("prev"));
}

struct disclose_key disclose_key_of(const uint8_t key[CRYPTO_KEY_BYTES])
{
	static const char before[] = "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"";
	struct arena_pool pool = {.budget = 0}; /* the bufs below have all their room */
	struct arena none = {.pool = &pool};
	uint8_t text[128], hash[CRYPTO_SHA256_BYTES], kid[DISCLOSE_KID];
	struct buf b = {.arena = &none, .ptr = text, .room = sizeof text};
	struct disclose_key k;

	buf_add(&b, slice_of(before));
	crypto_base64_add(CRYPTO_BASE64URL, (struct slice){key, CRYPTO_KEY_BYTES}, &b);
	buf_add(&b, SLICE("\"}"));
	crypto_sha256_of(buf_slice(&b), hash);
	b = (struct buf){.arena = &none, .ptr = kid, .room = sizeof kid};
	crypto_base64_add(CRYPTO_BASE64URL, (struct slice){hash, sizeof hash}, &b);
	memcpy(k.kid, kid, sizeof k.kid);
	memcpy(k.key, key, sizeof k.key);
	return k;
}

void disclose_keys_add(const struct disclose_key *keys, size_t n, struct buf *out)
{
	buf_add(out, SLICE("{\"keys\":["));
	for (size_t i = 0; i < n; i++) {
		buf_add_z(out, i ? ",{\"crv\":\"Ed25519\",\"kid\":\""
				 : "{\"crv\":\"Ed25519\",\"kid\":\"");
		buf_add(out, (struct slice){(const uint8_t *)keys[i].kid, DISCLOSE_KID});
		buf_add(out, SLICE("\",\"kty\":\"OKP\",\"use\":\"sig\",\"x\":\""));
		crypto_base64_add(CRYPTO_BASE64URL, (struct slice){keys[i].key, sizeof keys[i].key},
				  out);
		buf_add(out, SLICE("\"}"));
	}
	buf_add(out, SLICE("]}"));
}

void disclose_signer_add(const struct crypto_signer *s, bool secret, struct buf *out)
{
	buf_add(out, SLICE("{\"crv\":\"Ed25519\""));
	if (secret) {
		buf_add(out, SLICE(",\"d\":\""));
		crypto_base64_add(CRYPTO_BASE64URL, (struct slice){s->seed, sizeof s->seed}, out);
		buf_add_byte(out, '"');
	}
	buf_add(out, SLICE(",\"kty\":\"OKP\",\"x\":\""));
	crypto_base64_add(CRYPTO_BASE64URL, (struct slice){s->key, sizeof s->key}, out);
	buf_add(out, SLICE("\"}"));
}

/* Takes what is needed from the tree: x of every key. Everything else is checked by writing the set
 * again and comparing. */
static enum status keys_take(const json_t *root, struct arena *a, struct disclose_keys *out,
			     struct fail *why)
{
	const json_t *list = json_object_get(root, "keys");
	size_t n = json_array_size(list);
	struct disclose_keys set = {0};

	if (!json_is_array(list) || n > KEYS_MAX)
		return fail_set(why, ST_INVALID, "a key set has at most %d \"keys\"", KEYS_MAX);
	set.keys = n ? ARENA_ARRAY(a, struct disclose_key, n) : NULL;
	if (n != 0 && set.keys == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a key set");
	for (; set.count < n; set.count++) {
		const json_t *x = json_object_get(json_array_get(list, set.count), "x");
		struct slice text = slice_of(json_string_value(x));
		uint8_t key[CRYPTO_KEY_BYTES];
		size_t len;

		if (!crypto_base64_parse(CRYPTO_BASE64URL, text, sizeof key, key, &len) ||
		    len != sizeof key)
			return fail_set(why, ST_INVALID, "key %zu of the key set is no Ed25519 key",
					set.count);
		set.keys[set.count] = disclose_key_of(key);
	}
	*out = set;
	return ST_OK;
}

enum status disclose_keys_parse(struct slice text, struct arena *a, struct disclose_keys *out,
				struct fail *why)
{
	struct buf again = buf_in(a);
	struct disclose_keys set;
	json_error_t error;
	json_t *root = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
	enum status st;

	if (root == NULL)
		return fail_set(why, ST_INVALID, "key set: byte %d: %s", error.position,
				error.text);
	st = keys_take(root, a, &set, why);
	json_decref(root);
	if (st != ST_OK)
		return st;
	disclose_keys_add(set.keys, set.count, &again);
	if (again.full)
		return fail_set(why, ST_NOMEM, "no memory for a key set");
	if (!slice_equal(buf_slice(&again), text))
		return fail_set(why, ST_INVALID, "a key set that is not in its canonical form");
	*out = set;
	return ST_OK;
}
