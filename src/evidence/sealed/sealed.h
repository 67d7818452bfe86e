/* SPDX-License-Identifier: Apache-2.0
 *
 * evidence/sealed/sealed.h - evidence that is committed now, and opened by k of n together.
 *
 * A sealed item (docs/formats/sealed.md) is a text file: a title, who may open it, and something
 * encrypted with a key of its own. Each reader has a share of that key in a letter to him; any k of
 * them join theirs and have it. The file's SHA-256 is its name: what the log holds of it (an
 * `input` record "sealed-item"), and what reviews are about. A review is a signed note by one of
 * the readers: that he opened the item, and whether what it holds bears out what was concluded.
 *
 *	sealed_make(...)                       the party: the file, its hash into the log
 *	sealed_parse(), sealed_share()         each reader: his share
 *	sealed_open()                          k shares together: what is in it
 *	sealed_review()                        each reader: concurs, or not
 *	sealed_tally()                         anybody: n of m concur
 *
 * Decision 0027. Pure, but for the source of random bytes; any thread.
 */
#ifndef DEW_EVIDENCE_SEALED_SEALED_H
#define DEW_EVIDENCE_SEALED_SEALED_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"
#include "crypto/crypto.h"
#include "crypto/note.h"

enum {
	SEALED_TITLE_MAX = 200, /* bytes: UTF-8, no control characters */
	SEALED_READERS_MAX = CRYPTO_SHARES_MAX,
	SEALED_ID_BYTES = CRYPTO_SHA256_BYTES,
	SEALED_PLAIN_MAX = 64 << 20, /* bytes that one item holds */
	SEALED_TEXT_MAX = 96 << 20,  /* bytes of its file */
	SEALED_REVIEW_MAX = 4096,    /* bytes of a review */
};

struct sealed_reader {
	struct note_verifier key;
	struct slice letter; /* his share, for nobody else to read */
};

/* Borrowed from the text that was parsed, and from the arena. */
struct sealed {
	uint8_t id[SEALED_ID_BYTES];
	struct slice title;
	unsigned needed; /* k */
	struct sealed_reader *readers;
	unsigned reader_count; /* n */
	struct slice label;    /* all above the encrypted part, which is bound to it */
	struct slice safe;
};

/* Seals `plain` for readers, `needed` of whom open it. ST_INVALID: a title that is none, no
 * readers, the same twice, more needed than there are; ST_LIMIT. */
MUST_USE enum status sealed_make(struct slice title, struct slice plain,
				 const struct note_verifier *readers, unsigned n, unsigned needed,
				 const struct crypto_random *random, struct arena *a,
				 struct slice *out, struct fail *why);

MUST_USE enum status sealed_parse(struct slice text, struct arena *a, struct sealed *out,
				  struct fail *why);

/* The share of the reader whose key this is, as a text that he can hand to the others. ST_REFUSED:
 * he is none of the readers, or his letter is not to him. */
MUST_USE enum status sealed_share(const struct sealed *s, const struct crypto_signer *reader,
				  struct arena *a, struct slice *out, struct fail *why);

/* What is in it, from texts of sealed_share(). key: of the item, for sealed_review(). ST_REFUSED:
 * too few, of another item, one twice, or they do not open it. */
MUST_USE enum status sealed_open(const struct sealed *s, const struct slice *shares, size_t n,
				 struct arena *a, struct slice *out,
				 uint8_t key[CRYPTO_SECRET_BYTES], struct fail *why);

/* --- reviews --- */

enum sealed_finding {
	SEALED_SILENT, /* nothing by him is there */
	SEALED_CONCURS,
	SEALED_DIFFERS,	  /* does not concur */
	SEALED_WITHDRAWN, /* said something, and took it back */
	SEALED_TORN,	  /* said two things at one time: neither counts */
	SEALED_FINDINGS
};

extern const char *const sealed_finding_names[SEALED_FINDINGS]; /* "concurs" */

/* A signed note by a reader who opened the item; at_s: seconds since 1970. `finding` is one of
 * CONCURS, DIFFERS, WITHDRAWN. ST_REFUSED: he is none of the readers. */
MUST_USE enum status sealed_review(const struct sealed *s, const struct crypto_signer *reader,
				   const uint8_t key[CRYPTO_SECRET_BYTES],
				   enum sealed_finding finding, uint64_t at_s, struct arena *a,
				   struct slice *out, struct fail *why);

struct sealed_tally {
	enum sealed_finding *of; /* of each reader, by his latest review */
	unsigned counts[SEALED_FINDINGS];
	size_t refused;	   /* notes that are no review of this item by a reader of it */
	struct fail first; /* why the first of them is not */
};

/* Counts reviews. key: NULL, or the item's, to check that each reviewer had it open; else that is
 * only claimed. ST_NOMEM only: what is wrong with a review is in *out. */
MUST_USE enum status sealed_tally(const struct sealed *s, const struct slice *reviews, size_t n,
				  const uint8_t *key, struct arena *a, struct sealed_tally *out,
				  struct fail *why);

#endif
