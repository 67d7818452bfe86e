/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/fuse/fuse.h - from items of evidence to probabilities of who did it.
 *
 * Hypotheses are few and exclude each other; the last one is "none of these". Truth is a pair: who
 * did it (h), and whom he wanted to be blamed (b): b = h means that nobody is framed. An item says
 * "one of these hypotheses" with a range of likelihood ratios. What ties items together, and may be
 * wrong with them all at once, makes them one group:
 *
 *	P(item | h, b)  = f P(item | b) + (1 - f) P(item | h)        f: how often such a plant works
 *	P(group | h, b) = R product of its items + (1 - R) bad       R: how reliable its source is
 *	P(h, b | all)  ~= P(h) P(b | h) product of its groups
 *
 * A bad source points at one hypothesis, drawn blindly, with nearly all it says. An item that says
 * what an earlier one of its group said is an echo of it with the chance that their kinship has.
 * No item counts for more than a capped ratio, nor does a group. docs/formats/evidence.md has the
 * same in prose, with what each number rests on.
 *
 * Bounds. Of each group, the items that say the same are read at the low end of their ranges, at
 * the high end, or as any mixture of the two. The posterior is a ratio of two sums, each linear in
 * every such mixture: so it is least and greatest where all are read at an end, and all those
 * corners are tried. Where there are too many the rest is enclosed: each term of the sums has
 * bounds of its own, never too narrow (fuse_answer.exact tells).
 *
 * Integers only: 62 bits behind the point, one order of operations. The same bytes from every
 * compiler. Pure; any thread; all memory in the arena given to fuse_new().
 */
#ifndef DEW_ASSESS_FUSE_H
#define DEW_ASSESS_FUSE_H

#include "assess/claim/claim.h"
#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"

enum {
	FUSE_HYPOTHESES_MAX = 12, /* with "none of these" */
	FUSE_ITEMS_MAX = 4096,
	FUSE_CORNERS_MAX = 4096, /* tried; what is beyond is enclosed */
	FUSE_LR_MAX = 1000000,	 /* thousandths: 1000; the least is one of these: 0.001 */
	FUSE_ALMOST = 949,	 /* the most that is said where "almost certain" is not earned */
	FUSE_MARGIN_LEAST = 25,	 /* what it must cost to forge a finding that is almost certain */
	FUSE_MARGIN_NONE = 1000000, /* no set of plants undoes it */
};

/* Who operates, as far as that changes how often others are framed. */
enum fuse_operator {
	FUSE_ORGAN,
	FUSE_PROXY,
	FUSE_CRIMINAL,
	FUSE_INDEPENDENT,
	FUSE_INSIDER,
	FUSE_UNKNOWN,
	FUSE_OPERATORS
};

/* What it takes to plant an item (docs/formats/evidence.md 4). */
enum fuse_forging {
	FUSE_TRIVIAL,
	FUSE_CHEAP,
	FUSE_MODERATE,
	FUSE_HARD,
	FUSE_CRYPTOGRAPHIC,
	FUSE_FORGINGS
};

/* How items of a group hang together. */
enum fuse_kin { FUSE_CAMPAIGN, FUSE_FEED, FUSE_BINARY, FUSE_APART, FUSE_KINS };

enum { FUSE_LETTERS = 6, FUSE_DIGITS = 6 }; /* Admiralty code: A..F, 1..6 */

/* All numbers that are no evidence. Thousandths but where it is said. */
struct fuse_model {
	const char *name;
	int32_t forged[FUSE_FORGINGS];	 /* a plant of that class does its work; */
	int32_t feared[FUSE_FORGINGS];	 /* and a much better forger's */
	int32_t cost[FUSE_FORGINGS];	 /* in units of the cheapest plant */
	int32_t reliable[FUSE_LETTERS];	 /* a source of that letter is not bad as a whole */
	int32_t credible[FUSE_DIGITS];	 /* an item of that digit says anything at all */
	int32_t echo[FUSE_KINS];	 /* a second item is an echo of the first */
	int32_t framing[FUSE_OPERATORS]; /* somebody else is framed */
	int32_t stubborn;		 /* what a bad source says points at its one hypothesis */
	int32_t most_technical;		 /* ratio of one technical item; */
	int32_t most;			 /* of any other, and of a group */
};

extern const struct fuse_model fuse_ladder_1; /* what ships */

struct fuse_hypothesis {
	enum fuse_operator operator;
	bool may_be_framed;
	uint32_t weight; /* of the published prior, in any unit; all 0: there is none */
};

enum fuse_status { FUSE_STANDS, FUSE_SHOWN_FORGED, FUSE_WITHDRAWN };

struct fuse_item {
	uint32_t supports; /* bit h: the hypotheses it speaks for; neither none nor all of them */
	int32_t lr_lo, lr_hi; /* thousandths, 1..FUSE_LR_MAX; below 1000: against them */
	enum fuse_forging forging;
	enum fuse_kin kin;
	enum fuse_status status;
	uint8_t letter, digit; /* 0 is A, and 1 */
	bool technical, sealed;
	uint32_t source, label; /* items that share one of them are a group; label 0: none */
	uint64_t same; /* of two items with the same number the later one says nothing; 0: differs
			  from all */
};

struct fuse_case {
	const struct fuse_hypothesis *hypotheses;
	size_t hypothesis_count;       /* 2..FUSE_HYPOTHESES_MAX */
	const struct fuse_item *items; /* as they were committed */
	size_t item_count;
	const struct fuse_model *model;
};

struct fuse; /* a case made ready, and room to compute in */

/* Borrows from c, which must not change. ST_INVALID: a number is out of its range, and in which
 * item; ST_LIMIT. */
MUST_USE enum status fuse_new(const struct fuse_case *c, struct arena *a, struct fuse **out,
			      struct fail *why);

/* ---- what is asked --------------------------------------------------------------------------- */

enum fuse_treat { FUSE_AS_IS, FUSE_DROP, FUSE_FORGE, FUSE_DOUBLE };

/* Hypotheses of which nobody asks which of them it is: by hypothesis, the number of its part, from
 * 0, in the order of the first of each; so the last part has none of these. */
struct fuse_parts {
	uint8_t of[FUSE_HYPOTHESES_MAX];
	size_t count;
};

struct fuse_view {
	const struct fuse_parts *parts; /* NULL: each hypothesis by itself */
	bool public_only;		/* without what is sealed */
	bool no_cheap;			/* without what is trivial or cheap to forge */
	bool flat; /* all hypotheses alike beforehand; else the published prior */
	bool no_technical;
	bool no_bounds; /* lo and hi are mid: a hundredth of the work */
	size_t item;	/* that is treated otherwise */
	enum fuse_treat treat;
};

struct fuse_share { /* thousandths; 1 <= lo <= mid <= hi <= 999 */
	int32_t lo, mid, hi;
};

struct fuse_answer { /* of each hypothesis, or part; with only one part it is all 1000 */
	struct fuse_share of[FUSE_HYPOTHESES_MAX]; /* mids sum to 1000 */
	size_t count;
	size_t leader;	   /* the likeliest; of equals the first */
	int32_t framed;	   /* that somebody is framed, thousandths */
	size_t counted;	   /* items that were used */
	int32_t margin;	   /* what it costs to undo the leader; -1: not asked for */
	bool margin_least; /* it may be more: not every set of plants was looked at */
	bool exact;
	bool held; /* kept at FUSE_ALMOST: "almost certain" is not earned */
};

/* The posterior, with its bounds, as it comes out. */
void fuse_weigh(struct fuse *f, const struct fuse_view *v, struct fuse_answer *out);

/* The same as it may be said: at most FUSE_ALMOST, unless a path proof that stations signed speaks
 * for the leader or undoing it takes plants worth FUSE_MARGIN_LEAST, and it would come out above
 * that with forgers as good as is feared. margin is set. */
void fuse_state(struct fuse *f, const struct fuse_view *v, struct fuse_answer *out);

/* The least cost of plants without which the leader has less than half, or is another; 0: it has
 * less than half as it is. With *out_least set it is at least that: there were too many items to
 * look at all sets. */
int32_t fuse_margin(struct fuse *f, const struct fuse_view *v, bool *out_least);

/* all | public, all items | none cheap, published | flat: bit 0, 1, 2 of the index. */
enum { FUSE_NUMBERS = 8 };
void fuse_eight(struct fuse *f, const struct fuse_parts *parts,
		struct fuse_answer out[FUSE_NUMBERS]);
struct fuse_view fuse_view_of(unsigned number);

/* ---- what would change it -------------------------------------------------------------------- */

/* Evidence that nobody has yet. */
struct fuse_unknown {
	uint32_t asks; /* the hypotheses of a question with yes and no; 0: it names one of all */
	int32_t lr;    /* thousandths, above 1000 */
	enum fuse_forging forging;
	uint8_t letter, digit;
};

struct fuse_worth {
	int32_t gain;	/* the expected drop of the Brier score, millionths */
	int32_t change; /* chance that another hypothesis would lead, thousandths */
};

void fuse_ask(struct fuse *f, const struct fuse_view *v, const struct fuse_unknown *u,
	      struct fuse_worth *out);

/* An item that says what an earlier one said: which; SIZE_MAX: none. */
size_t fuse_duplicate_of(const struct fuse *f, size_t item);
/* Which group (0, 1, 2, ...) an item is in; and whether items of it contradict each other. */
size_t fuse_group_of(const struct fuse *f, size_t item);
bool fuse_group_torn(const struct fuse *f, size_t group);
size_t fuse_group_count(const struct fuse *f);

#endif
