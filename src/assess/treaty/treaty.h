/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/treaty/treaty.h - treaties that run: literate clause files, compiled, evaluated in three
 * values.
 *
 * Language and semantics: docs/formats/treaty.md. An atom is a claim with an interval [l,u];
 * against a standard s it is true if l >= s, false if u <= 1-s, else undetermined; strong Kleene
 * and/or/not; `unless` carries who must show it; amendments of both sides apply to both (VCLT 21).
 * A clause that uses a term the file does not define does not compile, and which term is said. No
 * recursion between clauses, no loops: time is linear in the text. Pure.
 */
#ifndef DEW_ASSESS_TREATY_H
#define DEW_ASSESS_TREATY_H

#include "assess/claim/claim.h"

enum {
	TREATY_TEXT_MAX = 1 << 20, /* bytes of a treaty file */
	TREATY_NAME_MAX = 64,	   /* bytes of the name of a term, clause, standard or party */
	TREATY_TERMS_MAX = 256,
	TREATY_STANDARDS_MAX = 32,
	TREATY_CLAUSES_MAX = 256,
	TREATY_PARTIES_MAX = 256,
	TREATY_AMENDMENTS_MAX = 1024,
	TREATY_RULES_MAX = 32,	  /* when, unless and permits lines of one clause */
	TREATY_NESTING_MAX = 16,  /* parentheses and nots around one term */
	TREATY_PROBLEMS_MAX = 50, /* reported for one file; the rest is counted */
};

struct treaty; /* compiled, immutable, in its arena */

enum treaty_value { TREATY_FALSE, TREATY_UNDETERMINED, TREATY_TRUE };

struct treaty_change { /* "what would change it" */
	struct slice atom;
	enum treaty_value if_true, if_false; /* the clause's result then */
};

struct treaty_trace_line {
	uint8_t depth; /* nesting, for indentation */
	bool lifts; /* of an exception or permission: what is true here speaks against a breach */
	enum treaty_value value;
	struct slice text; /* one sentence: "civilian_target 0.95-1 is shown at 0.75" */
};

struct treaty_finding {
	struct slice instrument, clause, title; /* "cwlt", "cwlt.4", "No first use ..." */
	struct slice party;	 /* whose amendments were applied with the other's; "" none */
	enum treaty_value value; /* TRUE: breach shown; FALSE: no breach; else undetermined */
	struct slice result;	 /* "breach shown", "no breach", "permitted", "undetermined", "not
				    in force", "not bound", "not judged" */
	struct slice standard;	 /* "clear-and-convincing"; "" if not judged */
	int32_t standard_milli;
	struct interval joint; /* of conditions and amendments together, whatever their dependence
				  (Frechet): shown, never compared with the standard */
	bool unverifiable;     /* rests on an open term: printed on the front page */
	bool not_applicable;   /* not in force at the time, or no respondent that is bound, or not
				  judged: value is undetermined, changes are none, the trace is for
				  information */
	const struct treaty_trace_line *trace;
	size_t trace_count;
	const struct treaty_change *changes;
	size_t change_count;
	const uint64_t *leaves; /* facts that the claims in the clause rest on, ascending */
	size_t leaf_count;
	struct slice article; /* the article in the file's own words, one line feed a line */
	struct slice source;  /* where it is from: "ETS 185, art. 2 (checked)" */
	struct slice rule;    /* the clause as compiled, one line feed a line, with the amendments
				 that were applied */
};

/* Compiles a treaty file. All errors, one a line as file:line:column: ..., are appended to
 * *problems (may be NULL); the first is in *why. Slices in the result borrow text. */
MUST_USE enum status treaty_compile(struct slice file_name, struct slice text, struct arena *a,
				    struct treaty **out, struct buf *problems, struct fail *why);

struct slice treaty_id(const struct treaty *t);	   /* "cwlt" */
struct slice treaty_title(const struct treaty *t); /* "Ban on ..." */

/* Judges every clause against the claims. at: the time of the act (law in force then).
 * claimant/respondent: party ids, "" if unknown; bound_*: whether each is bound at that time.
 * Findings in the order of the file. */
struct treaty_case {
	const struct claim_set *claims;
	struct wall_ns at;
	struct slice claimant, respondent;
	bool claimant_bound, respondent_bound;
};

MUST_USE enum status treaty_judge(const struct treaty *t, const struct treaty_case *c,
				  struct arena *a, struct treaty_finding **out, size_t *out_count,
				  struct fail *why);

#endif
