/* SPDX-License-Identifier: Apache-2.0
 *
 * evidence/release/release.h - what leaves the house, what that tells, and who said yes.
 *
 * Before anything is written for others, a list is made of it (docs/formats/release.md): each thing
 * by its kind, name and SHA-256; each field once, with what showing it tells about where the sensor
 * stands, which rule found it and by what method; each address that leaves in the clear, and each
 * pseudonym; and the sum. The list is one canonical text. An approval is a signed note over its
 * hash, by the keys that the party named in its release policy. So who approves signs exactly what
 * he read, and whoever is told "it was approved" can check what was.
 *
 *	release_begin(), release_add_...(), release_encode()     the list
 *	release_policy_parse(), release_approve()                who may say yes; saying it
 *	release_approval_check()                                 was it said, to exactly this?
 *
 * Pure; any thread.
 */
#ifndef DEW_EVIDENCE_RELEASE_H
#define DEW_EVIDENCE_RELEASE_H

#include "base/addr.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"
#include "crypto/crypto.h"
#include "crypto/note.h"
#include "evidence/disclose/disclose.h"

enum {
	RELEASE_TEXT_MAX = 1000,     /* bytes of a reader's name, a ground, a thing's name */
	RELEASE_LIST_MAX = 16 << 20, /* bytes of a list */
	RELEASE_KEYS_MAX = 32,	     /* of a policy */
	RELEASE_FIELDS_MAX = 4096,   /* different fields of one list */
	RELEASE_DEPTH_MAX = 64,	     /* of a JSON document whose fields are listed */
};

/* --- the list --- */

/* What leaves, e.g. {"bulletin", "B1-3f2a94c05d1be677.json", hash}. */
struct release_thing {
	struct slice kind, name;
	bool has_hash; /* false: its bytes hold what is known only when it is written */
	uint8_t sha256[CRYPTO_SHA256_BYTES];
};

struct release_field; /* one name, how often, what it tells, at which leaves */

/* A list while it is made. All of it lives in the arena. */
struct release {
	struct arena *arena;
	struct slice log, to, ground; /* origin of the log; who gets it; why: may be empty */
	struct release_thing *things;
	size_t thing_count, thing_room;
	struct release_field *fields;
	size_t field_count, field_room, last; /* last: the one that was added to */
	struct slice *addresses;	      /* sorted */
	size_t address_count, address_room;
	struct slice *pseudonyms; /* sorted */
	size_t pseudonym_count, pseudonym_room;
	const struct addr_prefix
		*hidden;     /* networks whose addresses in documents are pseudonyms: */
	size_t hidden_count; /* release_hide() */
	enum status failed;  /* the first failure of an ..._add_; told by release_encode() */
};

/* ST_INVALID: a text that is not UTF-8, has control characters or is too long; nobody to give it
 * to. Texts are borrowed. */
MUST_USE enum status release_begin(struct release *r, struct slice log, struct slice to,
				   struct slice ground, struct arena *a, struct fail *why);

/* bytes: NULL, or what the thing is. */
void release_add_thing(struct release *r, const char *kind, struct slice name,
		       const struct slice *bytes);

#define RELEASE_NO_LEAF UINT64_MAX

/* One field, by a name without white space ("alert.signature_id"); leaf: of the event that it is
 * of, ascending for each field, or RELEASE_NO_LEAF. */
void release_add_field(struct release *r, struct slice name, uint64_t leaf, enum disclose_told told,
		       const char *why);
void release_add_address(struct release *r, struct slice address);     /* kept once */
void release_add_pseudonym(struct release *r, struct slice pseudonym); /* kept once */

/* In documents that are added from now on, addresses of these networks are pseudonyms. Who says so
 * has checked it: of a bulletin, its recomputation does. Borrowed. */
void release_hide(struct release *r, const struct addr_prefix *nets, size_t n);

/* Every member of a JSON document, by its path ("incidents[].chain.hops[].station"), as the table
 * for documents of this kind ("bulletin", "stix", "band") has it; and every address that is a value
 * of its own. ST_INVALID: it is no JSON object. */
MUST_USE enum status release_add_document(struct release *r, const char *kind, struct slice json,
					  struct fail *why);

/* How often each kind of thing is told, over all fields. */
struct release_sum {
	uint64_t told[DISCLOSE_TOLD];
	size_t addresses, pseudonyms;
};
struct release_sum release_sum_of(const struct release *r);

/* The list as text, sorted, so that the same release gives the same bytes; and its hash. ST_NOMEM,
 * ST_LIMIT. */
MUST_USE enum status release_encode(const struct release *r, struct slice *out_text,
				    uint8_t out_id[CRYPTO_SHA256_BYTES], struct fail *why);

/* A list's text, read back: its form is checked, and what is of use to who approves it. */
struct release_list {
	uint8_t id[CRYPTO_SHA256_BYTES];
	struct slice log, to, ground, sum; /* sum: the text of its last line */
};
MUST_USE enum status release_list_parse(struct slice text, struct release_list *out,
					struct fail *why);

/* What a document of this kind tells by this path; as disclose_tells(). */
enum disclose_told release_tells(const char *kind, struct slice path, const char **out_why);

/* --- who may say yes --- */

struct release_policy {
	struct note_verifier keys[RELEASE_KEYS_MAX];
	size_t count;
	unsigned needed; /* of them */
};

/*	dewline-release-policy/1
 *	needs 2
 *	key <vkey>			one line each, "#" starts a comment line
 */
MUST_USE enum status release_policy_parse(struct slice text, struct arena *a,
					  struct release_policy *out, struct fail *why);
void release_policy_add(const struct release_policy *p, struct buf *out);

/* --- saying it --- */

/* An approval of the list, signed; or, with `so_far` (an approval of the same list), the same with
 * one signature more. by: the person who says so, as a name; may be empty. ST_REFUSED: `so_far` is
 * of another list, or has this signature already. */
MUST_USE enum status release_approve(const struct release_list *list, struct slice by,
				     const struct note_verifier *key,
				     const struct crypto_signer *signer, struct slice so_far,
				     struct arena *a, struct slice *out, struct fail *why);

struct release_approved {
	struct slice by;		  /* may be empty */
	bool signed_by[RELEASE_KEYS_MAX]; /* which keys of the policy */
	size_t signatures;		  /* how many of them */
};

/* Was exactly this list approved by as many keys of the policy as it needs? ST_REFUSED: no, and
 * why; ST_INVALID: it is no approval. */
MUST_USE enum status release_approval_check(struct slice approval,
					    const uint8_t list[CRYPTO_SHA256_BYTES],
					    const struct release_policy *policy, struct arena *a,
					    struct release_approved *out, struct fail *why);

#endif
