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
 *	payload {"_sd":[...],"_sd_alg":"sha-256","iss":"<issuer>","iat":<s>,"prev":"<hash>",
 *		 "<group>":{"_sd":[...]}}
 *
 * `prev` (if the issuer has one) is the hash of the entry before this one in its log, as the log's
 * tree has it: so two neighbours show without any log that there is nothing between them.
 *
 * `kid` is the key's own RFC 7638 thumbprint, so the leaf says which key must have signed it. Each
 * `_sd` is filled up with decoys to 8, 16, 32, ... digests, so how many fields there are is not
 * told. Reading leaves is strict: only what disclose_seal() writes is taken, which is narrower than
 * the RFC (no digests inside of disclosed values, no array elements, no other claims in the clear).
 * disclose_read() reads all of the RFC: what others issued, and what is bound to a reader's key.
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
	const uint8_t *prev; /* CRYPTO_SHA256_BYTES: "prev" of what is sealed next; NULL: none */
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

/* The disclosures alone, as disclose_seal() makes them from the same salts: to open an event again
 * that was sealed before. Whether they are its own, disclose_open() says. */
MUST_USE enum status disclose_fields(const struct crypto_random *salts,
				     const struct record_field *fields, size_t n, struct arena *a,
				     struct slice **out, struct fail *why);

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
	uint64_t at_s; /* 0: not said */
	bool has_prev; /* it names the entry before it, by its hash: */
	uint8_t prev[CRYPTO_SHA256_BYTES];
	struct record_field *fields; /* those disclosed, in the order of the disclosures */
	size_t count;
	size_t hidden; /* digests without a disclosure: fields that are withheld, and decoys */
	struct slice groups[DISCLOSE_GROUPS_MAX]; /* named by the JWT, opened or not */
	size_t group_count;
};

/* Checks the signature by one of the keys, then every disclosure (RFC 9901 7.1). ST_INVALID for the
 * form; ST_REFUSED for an unknown key, a wrong signature, a disclosure that the JWT does not commit
 * to, one given twice, a digest that appears twice, or two fields of one name. */
MUST_USE enum status disclose_open(struct slice jwt, const struct slice *disclosures, size_t n,
				   const struct disclose_keys *keys, struct arena *a,
				   struct disclose_opened *out, struct fail *why);

/* The two halves of that, for who has many on several cores. The first is most of the work: is the
 * JWT signed by one of the keys? *out_key: which. It takes no memory. */
MUST_USE enum status disclose_check(struct slice jwt, const struct disclose_keys *keys,
				    size_t *out_key, struct fail *why);
/* The second, of a JWT that was checked; or, without disclosures, what any says in the clear (kid,
 * issuer, at_s, prev, groups), for who holds it against a root that was signed. */
MUST_USE enum status disclose_open_checked(struct slice jwt, const struct slice *disclosures,
					   size_t n, struct arena *a, struct disclose_opened *out,
					   struct fail *why);

/* --- all of RFC 9901: for one reader, and from other issuers --- */

enum {
	DISCLOSE_PRESENTED_MAX = 8 << 20, /* bytes of a presentation */
	DISCLOSE_SHOWN_MAX = 4096,	  /* disclosures, and digests, of one */
	DISCLOSE_DEPTH_MAX = 32, /* objects and arrays within one another, disclosures opened */
	DISCLOSE_LEEWAY_S = 60,	 /* that two clocks may differ by */
};

/* An event opened for one reader: a JWT of its own whose digests are those of the leaf, of the
 * opened fields only, and which names the key that its holder must prove to have (RFC 9901 4.1.2).
 * docs/formats/sd-jwt.md, "Grants". */
struct disclose_grant {
	struct slice log; /* origin of the log, and the leaf in it, where the event was committed */
	uint64_t leaf;
	struct disclose_key reader;
	uint64_t at_s, until_s;		   /* "iat", "exp"; until 0: for ever */
	const struct record_field *fields; /* opened ones, and their disclosures */
	const struct slice *disclosures;
	size_t count;
};

/* The grant with its disclosures: "JWT~disclosure~...~". ST_INVALID as disclose_seal(). */
MUST_USE enum status disclose_grant(const struct disclose_issuer *issuer,
				    const struct disclose_grant *g, struct arena *a,
				    struct slice *out, struct fail *why);

/* What its holder shows to somebody: the presentation with a key binding behind it (RFC 9901 4.3).
 * `presented` ends in "~"; disclosures may have been left out of it. at_s: now. ST_INVALID if it
 * does not, or if audience or nonce are empty or not UTF-8. */
MUST_USE enum status disclose_bind(struct slice presented, const struct crypto_signer *holder,
				   struct slice audience, struct slice nonce, uint64_t at_s,
				   struct arena *a, struct slice *out, struct fail *why);

/* What must be true of a presentation. */
struct disclose_demand {
	const struct disclose_keys *keys; /* one of them must have signed it */
	uint64_t now_s;			  /* held against exp and nbf; 0: not asked */
	bool bound;			  /* its holder must prove to be who it was made out for, */
	struct slice audience, nonce;	  /* to this audience, with this nonce, */
	uint32_t age_s;			  /* not longer ago than that (0: not asked) */
};

struct disclose_presented {
	struct slice claims; /* what the issuer says, digests resolved or gone: one JSON object */
	struct slice type;   /* typ of the header, "" if it says none */
	struct slice kid;    /* of the key that signed */
	size_t shown;	     /* disclosures */
	size_t hidden;	     /* digests without one */
	bool has_holder;     /* made out for the holder of a key, */
	char holder[DISCLOSE_KID]; /* this one; proved to be there only if the demand was `bound` */
};

/* RFC 9901 7.1, and 7.3 for the binding. Ed25519 only (RFC 8037, RFC 9864): any other alg, and
 * none, is ST_REFUSED, as are a wrong signature, an unknown _sd_alg, a digest that is there twice,
 * a disclosure that nothing commits to, one that takes a name that is taken, a claim called "_sd"
 * or
 * "..." where none may be, an extension that must be understood ("crit"), a binding that is not
 * what is asked for. ST_LIMIT: too long, too deep, too many. ST_INVALID: the form. */
MUST_USE enum status disclose_read(struct slice presented, const struct disclose_demand *demand,
				   struct arena *a, struct disclose_presented *out,
				   struct fail *why);

/* An Ed25519 key as a JWK (RFC 8037 2), other members skipped. ST_INVALID. */
MUST_USE enum status disclose_key_parse(struct slice text, struct disclose_key *out,
					struct fail *why);

/* A reader's own key, with its secret "d" (RFC 8037 2). ST_INVALID also if the two halves are not
 * of one key. */
MUST_USE enum status disclose_signer_parse(struct slice text, struct crypto_signer *out,
					   struct fail *why);
/* As a JWK; with its secret half, or without. */
void disclose_signer_add(const struct crypto_signer *s, bool secret, struct buf *out);

/* --- what a field says about who saw it --- */

enum disclose_told {
	DISCLOSE_TELLS_NOTHING, /* of the observer; of the observed it says what it is for */
	DISCLOSE_TELLS_PLACE,	/* where the sensor stands */
	DISCLOSE_TELLS_RULE,	/* which rule found it */
	DISCLOSE_TELLS_METHOD,	/* by what means it was found */
	DISCLOSE_TOLD
};

extern const char *const disclose_told_names[DISCLOSE_TOLD]; /* "place" */

/* What showing a field tells, and in one sentence why. A field that nobody thought about tells the
 * method: it says at least what we look at. */
enum disclose_told disclose_tells(struct slice group, struct slice name, const char **out_why);

#endif
