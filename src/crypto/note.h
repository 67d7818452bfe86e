/* SPDX-License-Identifier: Apache-2.0
 *
 * crypto/note.h - signed notes: text that several parties put their names under.
 *
 * C2SP signed-note and, for witnesses, tlog-cosignature (its Ed25519 form, "cosignature/v1"):
 *
 *	text, ending in a line feed
 *	(an empty line)
 *	U+2014 SP name SP base64(key id (4 bytes) || signature) LF        one line a signature
 *
 * A verifier key is name "+" hex(key id) "+" base64(type || public key), where the key id is the
 * first 4 bytes of SHA-256(name || LF || type || public key). A signing key is "PRIVATE+KEY+" name
 * "+" hex(key id) "+" base64(type || seed), as golang.org/x/mod/sumdb/note writes it.
 *
 * Types of signature are pluggable: a line by a key that is not known is passed over, whatever it
 * is. Type 6 (ML-DSA-44) is reserved here for the day when a library in Debian verifies it.
 *
 * Pure; any thread. Everything parsed is borrowed from the bytes that were parsed.
 */
#ifndef DEW_CRYPTO_NOTE_H
#define DEW_CRYPTO_NOTE_H

#include "crypto/crypto.h"

enum {
	NOTE_BYTES_MAX = 1 << 20,  /* of a whole note; as other readers (Go's sumdb/note) */
	NOTE_SIGNATURES_MAX = 100, /* the specification asks for at least 16 */
	NOTE_NAME_MAX = 255,
	NOTE_ID_BYTES = 4,
	NOTE_SIGNATURE_MAX = 72, /* bytes of the longest signature kept: a cosignature */
};

enum note_type {
	NOTE_ED25519 = 1,     /* over the text */
	NOTE_COSIGNATURE = 4, /* over "cosignature/v1\ntime T\n" and the text; T goes before it */
	NOTE_COSIGNATURE_MLDSA44 = 6, /* reserved: no key of it is taken, its lines are unknown */
};

struct note_verifier {
	struct slice name;
	enum note_type type;
	uint8_t id[NOTE_ID_BYTES];
	uint8_t key[CRYPTO_KEY_BYTES];
};

struct note_signature {
	struct slice name;
	uint8_t id[NOTE_ID_BYTES];
	uint8_t bytes[NOTE_SIGNATURE_MAX];
	size_t len; /* 0: longer than we know, so of a key that we do not know */
};

struct note {
	struct slice text; /* with its last line feed */
	struct note_signature *signatures;
	size_t count;
};

/* ST_INVALID if `name` is none: UTF-8, no white space, no "+", 1..NOTE_NAME_MAX bytes. */
MUST_USE enum status note_verifier_of(struct slice name, enum note_type type,
				      const uint8_t key[CRYPTO_KEY_BYTES],
				      struct note_verifier *out, struct fail *why);

/* A verifier key text, without white space around it. Its id must be the right one. */
MUST_USE enum status note_verifier_parse(struct slice text, struct note_verifier *out,
					 struct fail *why);
void note_verifier_add(const struct note_verifier *v, struct buf *out);
bool note_verifier_equal(const struct note_verifier *a, const struct note_verifier *b);

/* A signing key text, without white space around it, of either type; the name is borrowed from it.
 * Wipe out_signer when it is no longer needed. */
MUST_USE enum status note_signer_parse(struct slice text, struct note_verifier *out_verifier,
				       struct crypto_signer *out_signer, struct fail *why);
void note_signer_add(const struct note_verifier *v, const struct crypto_signer *s, struct buf *out);

/* Reads the form; says nothing about who signed. ST_INVALID or ST_NOMEM. */
MUST_USE enum status note_parse(struct slice bytes, struct arena *a, struct note *out,
				struct fail *why);

/* Who of the n known verifiers signed: good[i] (may be NULL). Signatures of unknown keys are
 * ignored. ST_REFUSED if a known key's signature is wrong, or if no known key signed. */
MUST_USE enum status note_verify(const struct note *note, const struct note_verifier *known,
				 size_t n, bool *good, struct arena *scratch, struct fail *why);

/* Appends text and the empty line; note_sign() then appends signature lines. ST_INVALID if the text
 * is empty, has control characters other than line feeds, does not end in one, or is not UTF-8. */
MUST_USE enum status note_write(struct slice text, struct buf *out, struct fail *why);

/* Appends the signature line of v over text, made with the signer whose public half v holds.
 * time_s: seconds since 1970, for NOTE_COSIGNATURE only. */
void note_sign(struct slice text, const struct note_verifier *v, const struct crypto_signer *s,
	       uint64_t time_s, struct buf *out);

/* Appends the line of one signature as it was read; nothing if its bytes were not kept. */
void note_signature_add(const struct note_signature *s, struct buf *out);

/* The first signature that names v's key, or NULL. It says nothing about whether it is right. */
const struct note_signature *note_signature_find(const struct note *note,
						 const struct note_verifier *v);

/* When a cosignature says that it was made: seconds since 1970; 0 for other signatures. */
uint64_t note_signature_time(const struct note_signature *s);

#endif
