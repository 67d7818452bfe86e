/* SPDX-License-Identifier: Apache-2.0
 *
 * evidence/disclose/disclose.h - one event, committed whole, shown field by field.
 *
 * An SD-JWT (RFC 9901) over a record, docs/formats/sd-jwt.md. Every field becomes a disclosure
 *
 *	base64url( ["<salt>","<name>",<value>] )
 *
 * and only the SHA-256 of that text goes into the JWT: fields of the record's outer object into the
 * payload's `_sd`, those of a group ("alert") into the `_sd` of an object of that name. The JWT
 * without disclosures is the log's leaf; who is given a disclosure can check that field against the
 * leaf, and who is not learns nothing of it but that there is one.
 *
 *	header   {"alg":"EdDSA","kid":"<thumbprint>","typ":"dewline-event+sd-jwt"}
 *	payload {"_sd":[...],"_sd_alg":"sha-256","iss":"<issuer>","iat":<s>,"<group>":{"_sd":[...]}}
 *
 * `kid` is the key's own RFC 7638 thumbprint, so the leaf says which key must have signed it.
 * Reading is strict: only what disclose_seal() writes is taken, which is narrower than the RFC (no
 * digests inside of disclosed values, no array elements, no other claims in the clear).
 *
 * Pure, but for the salts' source; any thread.
 */
#ifndef DEW_EVIDENCE_DISCLOSE_DISCLOSE_H
#define DEW_EVIDENCE_DISCLOSE_DISCLOSE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"
#include "crypto/crypto.h"
#include "record/record.h"

enum {
	DISCLOSE_SALT_BYTES = 16, /* 128 bits: RFC 9901 9.3 */
	DISCLOSE_KID = 43,	  /* characters of a thumbprint */
	DISCLOSE_HEADER_MAX = 160,
	DISCLOSE_NAME_MAX = 64, /* bytes of a field's, group's name: letters, digits, "_" and "-" */
	DISCLOSE_GROUPS_MAX = 8,      /* groups of one record */
	DISCLOSE_TEXT_MAX = 65535,    /* bytes of a JWT: it must fit a log entry */
	DISCLOSE_VALUE_MAX = 1 << 20, /* bytes of a disclosure's text */
};

/* Who signs. Made once, used for every event. */
struct disclose_issuer {
	struct slice name; /* "iss": party/station; borrowed */
	struct crypto_signer signer;
	struct crypto_random salts;
	char header[DISCLOSE_HEADER_MAX]; /* base64url */
	size_t header_len;
};

/* salts: {0} for the system's generator. ST_INVALID for an empty name or one that is not UTF-8. */
MUST_USE enum status disclose_issuer_init(struct disclose_issuer *out, struct slice name,
					  const struct crypto_signer *signer,
					  struct crypto_random salts, struct fail *why);
void disclose_issuer_done(struct disclose_issuer *i); /* wipes the key */

struct disclose_sealed {
	struct slice jwt;	   /* the leaf */
	struct slice *disclosures; /* [i] is that of fields[i] */
	size_t count;
};

/* Seals what record_fields() gave. at_s: seconds since 1970 for "iat", 0 to leave it out. All of
 * *out lives in a. ST_INVALID for a name that cannot be one, or two fields of one name in one
 * group. */
MUST_USE enum status disclose_seal(const struct disclose_issuer *issuer,
				   const struct record_field *fields, size_t n, uint64_t at_s,
				   struct arena *a, struct disclose_sealed *out, struct fail *why);

/* --- the keys that strangers check with --- */

struct disclose_key {
	char kid[DISCLOSE_KID];
	uint8_t key[CRYPTO_KEY_BYTES];
};

struct disclose_keys {
	struct disclose_key *keys;
	size_t count;
};

/* The key with its RFC 7638 thumbprint. */
struct disclose_key disclose_key_of(const uint8_t key[CRYPTO_KEY_BYTES]);

/* A JWK set (RFC 7517, RFC 8037) with its keys in the order given. */
void disclose_keys_add(const struct disclose_key *keys, size_t n, struct buf *out);

/* Reads such a set, in exactly the form that disclose_keys_add() writes. */
MUST_USE enum status disclose_keys_parse(struct slice text, struct arena *a,
					 struct disclose_keys *out, struct fail *why);

/* --- opening --- */

struct disclose_opened {
	struct slice issuer;
	struct slice kid;
	uint64_t at_s;		     /* 0: not said */
	struct record_field *fields; /* those disclosed, in the order of the disclosures */
	size_t count;
	size_t hidden; /* fields that the JWT commits to and that were not disclosed */
};

/* Checks the signature by one of the keys, then every disclosure (RFC 9901 7.1). ST_INVALID for the
 * form; ST_REFUSED for an unknown key, a wrong signature, a disclosure that the JWT does not commit
 * to, one given twice, a digest that appears twice, or two fields of one name. */
MUST_USE enum status disclose_open(struct slice jwt, const struct slice *disclosures, size_t n,
				   const struct disclose_keys *keys, struct arena *a,
				   struct disclose_opened *out, struct fail *why);

#endif
