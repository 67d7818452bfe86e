/* SPDX-License-Identifier: Apache-2.0
 *
 * crypto/crypto.h - hashes, signatures, random bytes and their text forms.
 *
 * The only place that sees libsodium (Ed25519, random bytes) and OpenSSL (hashes, for its SHA
 * instructions; AES-128). Call crypto_init() once, in main(), before a second thread starts. After
 * that all of it may be called from any thread: nothing here keeps state or takes memory of its
 * own.
 *
 *	SHA-256    FIPS 180-4                  hex, base64, base64url    RFC 4648
 *	Ed25519    RFC 8032 5.1                signed notes              crypto/note.h
 *
 * SHA-1 and MD5 are identifiers that others chose (JA3, certificate fingerprints, rule transforms);
 * nothing that must be believed may rest on them.
 */
#ifndef DEW_CRYPTO_CRYPTO_H
#define DEW_CRYPTO_CRYPTO_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"

enum {
	CRYPTO_SHA256_BYTES = 32,
	CRYPTO_SHA1_BYTES = 20,
	CRYPTO_MD5_BYTES = 16,
	CRYPTO_SEED_BYTES = 32,	     /* Ed25519 private key, RFC 8032 5.1.5 */
	CRYPTO_KEY_BYTES = 32,	     /* Ed25519 public key */
	CRYPTO_SIGNATURE_BYTES = 64, /* Ed25519 */
};

/* Once a process; again is harmless. ST_IO if the system gives no random bytes. */
MUST_USE enum status crypto_init(struct fail *why);

/* --- hashes --- */

struct crypto_sha256 {
	uint64_t state[14]; /* the library's; a value: it may be copied to fork a hash */
};

void crypto_sha256_init(struct crypto_sha256 *s);
void crypto_sha256_add(struct crypto_sha256 *s, struct slice bytes);
void crypto_sha256_end(struct crypto_sha256 *s, uint8_t out[CRYPTO_SHA256_BYTES]);

void crypto_sha256_of(struct slice bytes, uint8_t out[CRYPTO_SHA256_BYTES]);

/* Identifiers only; values like crypto_sha256. */
struct crypto_sha1 {
	uint64_t state[12];
};

struct crypto_md5 {
	uint64_t state[12];
};

void crypto_sha1_init(struct crypto_sha1 *s);
void crypto_sha1_add(struct crypto_sha1 *s, struct slice bytes);
void crypto_sha1_end(struct crypto_sha1 *s, uint8_t out[CRYPTO_SHA1_BYTES]);
void crypto_sha1_of(struct slice bytes, uint8_t out[CRYPTO_SHA1_BYTES]);

void crypto_md5_init(struct crypto_md5 *s);
void crypto_md5_add(struct crypto_md5 *s, struct slice bytes);
void crypto_md5_end(struct crypto_md5 *s, uint8_t out[CRYPTO_MD5_BYTES]);
void crypto_md5_of(struct slice bytes, uint8_t out[CRYPTO_MD5_BYTES]);

/* --- tables that strangers fill --- */

enum { CRYPTO_SIP_BYTES = 16 }; /* key */

/* SipHash-2-4 (Aumasson, Bernstein: SipHash: a fast short-input PRF, INDOCRYPT 2012): without the
 * key nobody can choose inputs that collide. */
uint64_t crypto_sip(const uint8_t key[CRYPTO_SIP_BYTES], struct slice bytes);

/* --- keys and ciphers that traffic carries for everybody: QUIC's Initial packets, RFC 9001 5.2 ---
 */

enum {
	CRYPTO_AES128_BYTES = 16, /* key and block */
	CRYPTO_GCM_NONCE_BYTES = 12,
	CRYPTO_GCM_TAG_BYTES = 16,
	CRYPTO_GCM_MAX = 1 << 16, /* bytes of one message */
};

/* HKDF-Extract with SHA-256, RFC 5869 2.2. */
void crypto_hkdf_extract(struct slice salt, struct slice secret, uint8_t out[CRYPTO_SHA256_BYTES]);
/* HKDF-Expand-Label of TLS 1.3 (RFC 8446 7.1) with an empty context: n <= 32 bytes, label <= 64. */
void crypto_hkdf_label(const uint8_t secret[CRYPTO_SHA256_BYTES], struct slice label, uint8_t *out,
		       size_t n);
/* One block, encrypted. False: the library could not. */
MUST_USE bool crypto_aes128_block(const uint8_t key[CRYPTO_AES128_BYTES],
				  const uint8_t in[CRYPTO_AES128_BYTES],
				  uint8_t out[CRYPTO_AES128_BYTES]);
/* AES-128-GCM: sealed without its tag to out, which has room for sealed.len bytes. False: it was
 * not sealed with this key, nonce and header; what out holds then means nothing. */
MUST_USE bool crypto_aes128_gcm_open(const uint8_t key[CRYPTO_AES128_BYTES],
				     const uint8_t nonce[CRYPTO_GCM_NONCE_BYTES],
				     struct slice header, struct slice sealed, uint8_t *out);

/* --- pseudonyms of addresses --- */

enum { CRYPTO_PAN_BYTES = 32 }; /* key */

/* Crypto-PAn (Fan, Xu, Ammar, Moon: Prefix-preserving IP address anonymization, Computer Networks
 * 46(2), 2004, section 3): bit i of the pseudonym is bit i of the address XOR one bit of AES-128
 * over the i bits before it. So two addresses share a prefix of n bits exactly if their pseudonyms
 * do. Who knows many pairs knows prefixes: it hides from who has none. */
struct crypto_pan {
	uint8_t key[CRYPTO_AES128_BYTES], pad[CRYPTO_AES128_BYTES]; /* secret */
};

/* False: the library could not; as below. */
MUST_USE bool crypto_pan_init(const uint8_t key[CRYPTO_PAN_BYTES], struct crypto_pan *out);
/* n is 4 (IPv4) or 16 (IPv6); out may be the address itself. */
MUST_USE bool crypto_pan_hide(const struct crypto_pan *p, const uint8_t *address, size_t n,
			      uint8_t *out);
/* The address back, for who holds the key. */
MUST_USE bool crypto_pan_show(const struct crypto_pan *p, const uint8_t *pseudonym, size_t n,
			      uint8_t *out);
/* The same with the first `keep` bits (at most 8 * n) left as they are: within one network, whose
 * prefix everybody may know. Prefixes are preserved as before. */
MUST_USE bool crypto_pan_hide_in(const struct crypto_pan *p, const uint8_t *address, size_t n,
				 size_t keep, uint8_t *out);
MUST_USE bool crypto_pan_show_in(const struct crypto_pan *p, const uint8_t *pseudonym, size_t n,
				 size_t keep, uint8_t *out);

/* --- text forms --- */

/* Lower case, 2 * bytes.len characters, no NUL; returns them as a slice of out. */
struct slice crypto_hex_write(struct slice bytes, char *out);
void crypto_hex_add(struct slice bytes, struct buf *out);

/* Exactly 2 * n lower-case digits; false, and out untouched, otherwise. */
MUST_USE bool crypto_hex_parse(struct slice text, size_t n, uint8_t *out);

enum crypto_alphabet {
	CRYPTO_BASE64,	  /* RFC 4648 4, padded */
	CRYPTO_BASE64URL, /* RFC 4648 5, never padded (RFC 7515 2) */
};

/* Characters that n bytes take. */
size_t crypto_base64_length(enum crypto_alphabet alphabet, size_t n);
void crypto_base64_add(enum crypto_alphabet alphabet, struct slice bytes, struct buf *out);

/* The whole of text, in the one form that crypto_base64_add() writes: white space, padding that is
 * missing or too much, and bits behind the last byte that are not 0 are all refused, so no two
 * texts give the same bytes. False if text breaks that or gives more than `room` bytes; out may
 * then hold a part of it. */
MUST_USE bool crypto_base64_parse(enum crypto_alphabet alphabet, struct slice text, size_t room,
				  uint8_t *out, size_t *out_len);

/* The same into memory of `a`. ST_INVALID or ST_NOMEM. */
MUST_USE enum status crypto_base64_take(enum crypto_alphabet alphabet, struct slice text,
					struct arena *a, struct slice *out);

/* --- signatures --- */

struct crypto_signer {
	uint8_t seed[CRYPTO_SEED_BYTES]; /* secret */
	uint8_t key[CRYPTO_KEY_BYTES];	 /* public */
};

void crypto_signer_from_seed(const uint8_t seed[CRYPTO_SEED_BYTES], struct crypto_signer *out);
void crypto_signer_new(struct crypto_signer *out); /* random seed */
void crypto_signer_sign(const struct crypto_signer *s, struct slice message,
			uint8_t out[CRYPTO_SIGNATURE_BYTES]);

/* Also false for keys and points of small order, and for a non-canonical s (RFC 8032 5.1.7). */
MUST_USE bool crypto_signature_verify(const uint8_t key[CRYPTO_KEY_BYTES], struct slice message,
				      const uint8_t signature[CRYPTO_SIGNATURE_BYTES]);

/* --- random bytes, secrets --- */

/* Where random bytes come from: {0} is the system's generator; tests give their own. */
struct crypto_random {
	void *ctx;
	void (*fill)(void *ctx, uint8_t *out, size_t n);
};

void crypto_random_fill(const struct crypto_random *from, uint8_t *out, size_t n);

/* Time does not depend on the bytes. */
MUST_USE bool crypto_equal(const uint8_t *a, const uint8_t *b, size_t n);
void crypto_wipe(void *secret, size_t n);

/* --- secrets that several hold together, or one alone --- */

enum {
	CRYPTO_SECRET_BYTES = 32,
	CRYPTO_SHARE_BYTES = 1 + CRYPTO_SECRET_BYTES, /* x, then a y for each byte */
	CRYPTO_SHARES_MAX = 64,			      /* of one secret; the field allows 255 */
	CRYPTO_LETTER_EXTRA = 48,     /* bytes that a letter is longer than what it says */
	CRYPTO_SAFE_EXTRA = 40,	      /* the same of a safe */
	CRYPTO_MESSAGE_MAX = 1 << 28, /* bytes of what is put into either */
};

/* Shamir, How to share a secret, CACM 22(11), 1979, byte by byte over GF(2^8)
 * (docs/decisions/0027): any k of the n shares give the secret, fewer say nothing of it. 1 <= k <=
 * n <= CRYPTO_SHARES_MAX. */
void crypto_share_split(const uint8_t secret[CRYPTO_SECRET_BYTES], unsigned k, unsigned n,
			const struct crypto_random *random, uint8_t (*out)[CRYPTO_SHARE_BYTES]);
/* From k shares. False if two have one x, or one has x 0. A wrong share, or too few, give a wrong
 * secret without a word: have something that says whether it is right. */
MUST_USE bool crypto_share_join(const uint8_t (*shares)[CRYPTO_SHARE_BYTES], unsigned k,
				uint8_t out[CRYPTO_SECRET_BYTES]);

/* To the holder of an Ed25519 key, from nobody in particular (libsodium's sealed box: X25519 with a
 * key made for it, XSalsa20-Poly1305). Appends; false if `key` is none that can be written to, or
 * out has no room. */
MUST_USE bool crypto_letter_add(const uint8_t key[CRYPTO_KEY_BYTES], struct slice plain,
				struct buf *out);
/* False: not to this key, or changed. */
MUST_USE bool crypto_letter_open(const struct crypto_signer *reader, struct slice letter,
				 struct buf *out);

/* With a secret key, used once or often (XChaCha20-Poly1305, a random nonce in front): draft
 * irtf-cfrg-xchacha. `label` is bound to it and not in it. */
MUST_USE bool crypto_safe_add(const uint8_t key[CRYPTO_SECRET_BYTES], struct slice label,
			      struct slice plain, struct buf *out);
MUST_USE bool crypto_safe_open(const uint8_t key[CRYPTO_SECRET_BYTES], struct slice label,
			       struct slice safe, struct buf *out);

#endif
