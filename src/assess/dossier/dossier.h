/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/dossier/dossier.h - the evidence on who did it, as a text: hypotheses, items, what is not
 * known. docs/formats/evidence.md.
 *
 * A dossier is read whole or refused with the item that is wrong and what was expected of it. What
 * follows from it is computed by assess/fuse, and written here in three forms: JSON, a table, and
 * sentences. Pure; any thread; all in the caller's arena.
 */
#ifndef DEW_ASSESS_DOSSIER_H
#define DEW_ASSESS_DOSSIER_H

#include "assess/fuse/fuse.h"
#include "assess/prior/prior.h"
#include "base/buf.h"
#include "base/time.h"

enum {
	DOSSIER_BYTES_MAX = 64 << 20,
	DOSSIER_ID_MAX = 64,	 /* bytes of an id */
	DOSSIER_TEXT_MAX = 1000, /* of a title */
	DOSSIER_UNKNOWNS_MAX = 64,
	DOSSIER_RELATIONS = 10, /* Healey's spectrum of state responsibility */
	DOSSIER_NO_RELATION = DOSSIER_RELATIONS,
};

/* What kind of thing an item is, and what stands for it where the dossier says nothing. */
struct dossier_kind {
	const char *name;
	bool technical; /* seen on wires or in machines: cannot speak to rung 4 (A14) */
	uint8_t level;	/* the highest rung it speaks to */
	int32_t lr_lo, lr_hi;
	enum fuse_forging forging;
	const char *doc;
};

extern const struct dossier_kind dossier_kinds[]; /* ends with name NULL */
extern const char *const dossier_relations[DOSSIER_RELATIONS];
extern const char *const dossier_forgings[FUSE_FORGINGS];
extern const char *const dossier_operators[FUSE_OPERATORS];

struct dossier_hypothesis {
	struct slice id, name;
	struct slice state; /* "" : none */
	uint8_t relation;   /* index, or DOSSIER_NO_RELATION */
	enum fuse_operator operator;
	struct slice known_from; /* "" or which intrusion set of which source; printed only */
};

struct dossier_item {
	struct slice id, title, source, group, about;
	char grade[2];
	const struct dossier_kind *kind;
	struct wall_ns at; /* when it became known */
	bool unchecked;	   /* nobody compared it with its source: printed, no weight */
};

struct dossier_unknown {
	struct slice id, title;
	struct fuse_unknown asked;
};

struct dossier {
	struct slice id, title, prior_name;
	struct slice stage; /* "B1": automatic, "B2": with peers' answers, "B3": reviewed */
	struct wall_ns at;  /* of the assessment: nothing may be later */
	struct dossier_hypothesis hypotheses[FUSE_HYPOTHESES_MAX]; /* the last: none of these */
	struct fuse_hypothesis weighed[FUSE_HYPOTHESES_MAX];
	size_t hypothesis_count;
	struct dossier_item *items;
	struct fuse_item *evidence; /* as many */
	size_t item_count, later;   /* later: left out, for they were not known yet */
	struct dossier_unknown unknowns[DOSSIER_UNKNOWNS_MAX];
	size_t unknown_count;
};

/* Reads a text. `then` cuts it to what was known at that time (0: all; it must not be later than
 * the dossier's own). Everything is copied. ST_INVALID "file: item 3 \"rich\": expected ..., found
 * ..."; ST_LIMIT. */
MUST_USE enum status dossier_read(struct slice file, struct slice text, const struct prior *prior,
				  struct wall_ns then, struct arena *a, struct dossier *out,
				  struct fail *why);

/* The text of a dossier that can be read, with one more item (one JSON object) behind its others.
 * False: there is no list of items in it. Whether the item may stand there, reading it says. */
MUST_USE bool dossier_insert(struct slice text, struct slice item, struct buf *out);

/* ---- what follows ---------------------------------------------------------------------------- */

enum dossier_rung { DOSSIER_OPERATOR, DOSSIER_RELATION, DOSSIER_STATE, DOSSIER_RUNGS };

struct dossier_effect { /* on the likeliest hypothesis, of one item */
	struct fuse_answer dropped, forged, doubled;
};

struct dossier_finding {
	const struct dossier *dossier;
	struct fuse *fuse;
	struct fuse_parts parts[DOSSIER_RUNGS];
	struct slice names[DOSSIER_RUNGS][FUSE_HYPOTHESES_MAX]; /* of parts */
	struct fuse_answer
		rungs[DOSSIER_RUNGS]; /* all evidence; of rung 4 without technical items */
	bool attributed[DOSSIER_RUNGS];
	struct fuse_answer eight[DOSSIER_RUNGS][FUSE_NUMBERS]; /* not of the relation */
	struct dossier_effect *effects;			       /* by item */
	struct fuse_worth *worths;			       /* by unknown */
	uint32_t *by_effect, *by_worth;			       /* the greatest first */
	size_t effect_count;
};

enum { DOSSIER_EFFECTS_MAX = 256 }; /* items whose effect is looked at: the first of them */

MUST_USE enum status dossier_judge(const struct dossier *d, struct arena *a,
				   struct dossier_finding *out, struct fail *why);

/* "dewline-attribution/1": docs/formats/evidence.md 6. Canonical (RFC 8785) but for its end. */
void dossier_write_json(const struct dossier_finding *f, struct buf *out);
/* The ladder and the eight numbers. */
void dossier_write_table(const struct dossier_finding *f, struct buf *out);
/* Sentences. */
void dossier_write_words(const struct dossier_finding *f, struct buf *out);

#endif
