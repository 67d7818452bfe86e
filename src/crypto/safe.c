/* SPDX-License-Identifier: Apache-2.0
 * What libsodium has for it: crypto_box_seal, and XChaCha20-Poly1305 of the IETF's form. */
#include <sodium.h>

#include "crypto/crypto.h"

enum { NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES };

_Static_assert(CRYPTO_LETTER_EXTRA == crypto_box_SEALBYTES, "bytes of a sealed box");
_Static_assert(CRYPTO_SAFE_EXTRA == NONCE + crypto_aead_xchacha20poly1305_ietf_ABYTES,
	       "nonce and tag");
_Static_assert(CRYPTO_SECRET_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key of a safe");

bool crypto_letter_add(const uint8_t key[CRYPTO_KEY_BYTES], struct slice plain, struct buf *out)
{
	uint8_t curve[crypto_box_PUBLICKEYBYTES];
	size_t n = plain.len + CRYPTO_LETTER_EXTRA;
	uint8_t *room;

	if (plain.len > CRYPTO_MESSAGE_MAX || crypto_sign_ed25519_pk_to_curve25519(curve, key) != 0)
		return false;
	room = buf_reserve(out, n);
	if (room == NULL || crypto_box_seal(room, plain.ptr, plain.len, curve) != 0)
		return false;
	buf_grew(out, n);
	return true;
}

bool crypto_letter_open(const struct crypto_signer *reader, struct slice letter, struct buf *out)
{
	uint8_t curve[crypto_box_PUBLICKEYBYTES], secret[crypto_box_SECRETKEYBYTES];
	uint8_t *room;
	size_t n = letter.len - CRYPTO_LETTER_EXTRA;
	bool opened;

	if (letter.len < CRYPTO_LETTER_EXTRA || n > CRYPTO_MESSAGE_MAX ||
	    crypto_sign_ed25519_pk_to_curve25519(curve, reader->key) != 0 ||
	    crypto_sign_ed25519_sk_to_curve25519(secret, (const uint8_t *)reader) != 0)
		return false;
	room = buf_reserve(out, n + 1); /* also for nothing */
	opened = room != NULL &&
		 crypto_box_seal_open(room, letter.ptr, letter.len, curve, secret) == 0;
	crypto_wipe(secret, sizeof secret);
	if (opened)
		buf_grew(out, n);
	return opened;
}

bool crypto_safe_add(const uint8_t key[CRYPTO_SECRET_BYTES], struct slice label, struct slice plain,
		     struct buf *out)
{
	size_t n = plain.len + CRYPTO_SAFE_EXTRA;
	uint8_t *room;

	if (plain.len > CRYPTO_MESSAGE_MAX)
		return false;
	room = buf_reserve(out, n);
	if (room == NULL)
		return false;
	randombytes_buf(room, NONCE);
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(room + NONCE, NULL, plain.ptr, plain.len,
							 label.ptr, label.len, NULL, room,
							 key); /* cannot fail */
	buf_grew(out, n);
	return true;
}

bool crypto_safe_open(const uint8_t key[CRYPTO_SECRET_BYTES], struct slice label, struct slice safe,
		      struct buf *out)
{
	size_t n = safe.len - CRYPTO_SAFE_EXTRA;
	uint8_t *room;

	if (safe.len < CRYPTO_SAFE_EXTRA || n > CRYPTO_MESSAGE_MAX)
		return false;
	room = buf_reserve(out, n + 1); /* also for nothing */
	if (room == NULL || crypto_aead_xchacha20poly1305_ietf_decrypt(
				    room, NULL, NULL, safe.ptr + NONCE, safe.len - NONCE, label.ptr,
				    label.len, safe.ptr, key) != 0)
		return false;
	buf_grew(out, n);
	return true;
}
