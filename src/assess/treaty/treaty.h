/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/treaty/treaty.h - treaties that run: literate clause files, compiled, checked, explained,
 * evaluated in three values.
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
	TREATY_TEXT_MAX = 1 << 20,   /* bytes of a treaty file */
	TREATY_SHEET_MAX = 64 << 10, /* bytes of a sheet of standards */
	TREATY_NAME_MAX = 64,	     /* bytes of the name of a term, clause, standard or party */
	TREATY_TERMS_MAX = 256,
	TREATY_STANDARDS_MAX = 32,
	TREATY_CLAUSES_MAX = 256,
	TREATY_PARTIES_MAX = 256,
	TREATY_AMENDMENTS_MAX = 1024,
	TREATY_OBJECTIONS_MAX = 1024,
	TREATY_RULES_MAX = 32,	     /* when, unless and permits lines of one clause */
	TREATY_CONSEQUENCES_MAX = 8, /* of exceptions in one file; the first is "no breach" */
	TREATY_OPTIONS_MAX = 16,     /* terms that one clause lets parties require in addition */
	TREATY_STEPS_MAX = 8,	     /* `must` lines of one duty, and its `lest` lines */
	TREATY_GROUNDS_MAX = 16,     /* on which one duty may be refused */
	TREATY_EXEMPT_MAX = 8,	     /* classes that an order to throttle must spare */
	TREATY_SHARE_MAX = 9999,     /* of "1 of 9999" */
	TREATY_READINGS_MAX = 64,    /* readings and examples of one term */
	TREATY_NESTING_MAX = 16,     /* parentheses and nots around one term */
	TREATY_OWN_MAX = 3, /* standards of exceptions of one clause, beside the clause's own */
	TREATY_PROBLEMS_MAX = 50, /* reported for one file; the rest is counted */
};

struct treaty; /* compiled, immutable, in its arena */

enum treaty_value { TREATY_FALSE, TREATY_UNDETERMINED, TREATY_TRUE };

struct treaty_change { /* "what would change it" */
	struct slice atom;
	enum treaty_value if_true, if_false; /* the clause's result then */
	/* The consequence then, where the clause's exceptions have several; "" none, or not
	 * settled. */
	struct slice then_true, then_false;
};

struct treaty_trace_line {
	uint8_t depth; /* nesting, for indentation */
	bool lifts; /* of an exception or permission: what is true here speaks against a breach */
	enum treaty_value value;
	struct slice text; /* one sentence: "civilian_target 0.95-1 is shown at 0.75" */
};

struct treaty_finding {
	struct slice instrument, clause, title; /* "cwlt", "cwlt.4", "No first use ..." */
	struct slice party;	  /* whose amendments were applied with the other's; "" none */
	enum treaty_value value;  /* TRUE: breach shown; FALSE: no breach; else undetermined */
	struct slice result;	  /* "breach shown", "no breach", "permitted", "undetermined", "not
				     in force", "not bound", "not judged", "not for sensors" */
	struct slice consequence; /* of the exception that applies, where it names one; else "" */
	struct slice standard;	  /* "clear-and-convincing"; "" if not judged */
	int32_t standard_milli;
	struct interval joint; /* of conditions and amendments together, whatever their dependence
				  (Frechet): shown, never compared with the standard */
	bool unverifiable;     /* rests on an open term: printed on the front page */
	bool unchecked;	       /* the source or an amendment was not checked against its text */
	bool not_applicable;   /* not in force at the time, or no respondent that is bound, or not
				  judged, or about content: value is undetermined, changes are
				  none, the trace is for information */
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
struct treaty_standard { /* of proof */
	struct slice name;
	int32_t milli; /* 1..1000 */
};

struct treaty_case {
	const struct claim_set *claims;
	struct wall_ns at;
	struct slice claimant, respondent;
	bool claimant_bound, respondent_bound;
	/* Numbers of whoever judges, for standards that the file names; the others stay the file's.
	 * ST_INVALID if a clause would be judged at 0.5 or less. May be none. */
	const struct treaty_standard *standards;
	size_t standard_count;
};

MUST_USE enum status treaty_judge(const struct treaty *t, const struct treaty_case *c,
				  struct arena *a, struct treaty_finding **out, size_t *out_count,
				  struct fail *why);

/* ---- a party's own standards ------------------------------------------------------------------
 */

struct treaty_sheet {
	struct slice party, name;   /* name: "" if not given */
	struct wall_ns from, until; /* 0: always; open */
	struct treaty_standard *standards;
	size_t count; /* at least one */
};

/* Reads a sheet (docs/formats/standards.md); errors as treaty_compile() tells them. Slices in the
 * result borrow text. Whether the party signed it is the caller's to check. */
MUST_USE enum status treaty_sheet_parse(struct slice file_name, struct slice text, struct arena *a,
					struct treaty_sheet *out, struct buf *problems,
					struct fail *why);

/* Whether a standard of the treaty has a number in the sheet. */
bool treaty_sheet_applies(const struct treaty_sheet *s, const struct treaty *t);

/* ---- what may be said about a file before anything happens ------------------------------------
 */

/* Who could see whether a term holds. The first is least. */
enum treaty_seen {
	TREATY_SEEN_NEVER,     /* nothing that dewline works on bears on it */
	TREATY_SEEN_REASONED,  /* no fact alone: reasoned from the chain of machines, and more */
	TREATY_SEEN_STATEMENT, /* a party says it, signed, in its file */
	TREATY_SEEN_REGISTER,  /* a party registered it before */
	TREATY_SEEN_STATION,   /* a station on the way sees traces of it */
};

struct treaty_word { /* a term that the assessment can claim */
	const char *name;
	enum treaty_seen seen;
	const char *how; /* one phrase: by what */
};

const struct treaty_word *treaty_word_find(struct slice term); /* NULL: nobody can see it */
const struct treaty_word *treaty_words(size_t *out_count);

/* A question that treaties answer differently under the same words, or leave alone. */
struct treaty_concept {
	const char *name;
	const char *asks;
	const char *between; /* what that means for two whose answers differ */
};

const struct treaty_concept *treaty_concepts(size_t *out_count);
/* The text's answer, in our own words; "": it has none. */
struct slice treaty_concept_says(const struct treaty *t, size_t concept);

/* Appends one line a remark as file:line:column: ...: terms that are open, or that nobody can see,
 * or that nothing uses, and clauses that therefore cannot be shown. The line's first word behind
 * the place is "note:". False when memory is spent. */
MUST_USE bool treaty_lint(const struct treaty *t, struct slice file_name, struct arena *a,
			  struct buf *out);

/* A page for a lawyer: what is not verifiable first, then each article beside its logic. width in
 * columns, 80 or more. False when memory is spent. */
MUST_USE bool treaty_explain(const struct treaty *t, unsigned width, struct arena *a,
			     struct buf *out);

/* ---- a treaty without its words: for grids, batches and second opinions -----------------------
 */

struct treaty_lanes { /* one value in each of 64 worlds; neither bit set: undetermined */
	uint64_t shown, excluded;
};

/* Between whom and when: the amendments of both sides apply to both, if they were made by then.
 * Two empty ids: the treaty's own words. */
struct treaty_law {
	struct slice one, other;
	struct wall_ns at;
};

enum treaty_use {			  /* how a clause uses a term; a set */
		  TREATY_USED_CLAUSE = 1, /* in its own words */
		  TREATY_USED_PARTY = 2,  /* in an amendment that applies */
		  TREATY_USED_OPTION = 4, /* a party may require it in addition */
};

size_t treaty_clause_count(const struct treaty *t);
size_t treaty_term_count(const struct treaty *t);
size_t treaty_party_count(const struct treaty *t);
struct slice treaty_clause_id(const struct treaty *t, size_t clause);
size_t treaty_clause_find(const struct treaty *t, struct slice id); /* SIZE_MAX: none */
struct slice treaty_term_name(const struct treaty *t, size_t term);
struct slice treaty_term_definition(const struct treaty *t, size_t term);
bool treaty_term_open(const struct treaty *t, size_t term);
struct slice treaty_party_id(const struct treaty *t, size_t party);

bool treaty_clause_judged(const struct treaty *t, size_t clause); /* no duty, not `not-judged` */
bool treaty_in_force(const struct treaty *t, struct wall_ns at);
/* By the file's own list of parties: a block that is open at that time. */
bool treaty_party_bound(const struct treaty *t, struct slice id, struct wall_ns at);
/* A party whose reservation takes the whole clause out, between these two at that time; "" none. */
struct slice treaty_clause_reserved(const struct treaty *t, size_t clause,
				    const struct treaty_law *law);

/* Whether one of the two objected to a reservation of the other such that the treaty is not in
 * force between them (VCLT 20(4)(b)). */
bool treaty_opposed(const struct treaty *t, const struct treaty_law *law);

/* used[i] becomes how the clause uses term i (enum treaty_use, or 0). */
void treaty_clause_uses(const struct treaty *t, size_t clause, const struct treaty_law *law,
			uint8_t *used);

/* A clause that is judged, in 64 worlds: whether it is broken. terms: one for each term, the same
 * at every standard. */
struct treaty_lanes treaty_clause_eval(const struct treaty *t, size_t clause,
				       const struct treaty_law *law,
				       const struct treaty_lanes *terms);
/* The same of its amendments alone: whether what the two sides require holds; never between two of
 * which one opposes that the treaty be in force. */
struct treaty_lanes treaty_amendments_eval(const struct treaty *t, size_t clause,
					   const struct treaty_law *law,
					   const struct treaty_lanes *terms);

/* What is claimed of each term; a term of which nothing is claimed is unknown. out: one for each
 * term. */
void treaty_bind(const struct treaty *t, const struct claim_set *claims, struct interval *out);
/* How many lanes treaty_value() wants: one for each term, times the standards of a clause. */
size_t treaty_room(const struct treaty *t);
/* The bare value of a clause that is judged; room: treaty_room() lanes. The same value as
 * treaty_judge() finds, where nothing bars the clause. */
enum treaty_value treaty_value(const struct treaty *t, size_t clause, const struct treaty_law *law,
			       const struct interval *terms, struct treaty_lanes *room);

/* ---- duties: who must do what, when asked for what, by when; assess/duty runs them ------------
 */

enum treaty_unit {
	TREATY_HOURS,
	TREATY_DAYS,
	TREATY_WORKING_DAYS, /* of who bears the duty */
	TREATY_MONTHS,
	TREATY_YEARS,
};

struct treaty_span { /* "10wd" */
	uint32_t n;  /* 1..9999; 0: there is none */
	enum treaty_unit unit;
	struct slice text;
};

struct treaty_share { /* "3 of 4"; of 0: there is none */
	uint32_t n, of;
};

enum treaty_pace { TREATY_NO_NUMBER, TREATY_WITHIN, TREATY_LASTING };

struct treaty_step { /* must VERB within 24h after VERB */
	struct slice verb;
	enum treaty_pace pace;
	struct treaty_span span; /* no number: none */
	/* The step that must be done before its clock begins, from 1; 0: it begins with the
	 * duty. What lasts begins after the step above it, if there is one. */
	uint8_t after;
};

struct treaty_node; /* an expression over terms */

enum treaty_lest_kind {
	TREATY_RECORD,	 /* it is put on record */
	TREATY_PRESUME,	 /* the breach of a clause is presumed */
	TREATY_THROTTLE, /* others may let less through from there, within limits */
};

struct treaty_lest { /* what follows if the duty is not done */
	enum treaty_lest_kind kind;
	struct slice what;		 /* "no-answer", or the clause's id */
	const struct treaty_node *shows; /* what rebuts the presumption; NULL: nothing does */
	struct treaty_share keep;   /* throttle: of what came from there, so much still passes */
	struct treaty_span most;    /* throttle: for so long at most, in hours or days */
	struct treaty_share quorum; /* throttle: of the other parties that are bound */
	struct slice exempt[TREATY_EXEMPT_MAX]; /* throttle: what is never slowed */
	size_t exempt_count;
};

struct treaty_decision {	   /* decide against 3 of 4 by others within 12h */
	struct treaty_share share; /* of 0: nobody decides, the duty begins with the request */
	bool against; /* it goes ahead unless so many are against; else only if so many are for */
	bool others;  /* neither who asks nor who is asked has a vote */
	struct treaty_span within;
};

struct treaty_duty {
	struct slice bearer, kind, from; /* kind: of request; from: who asks */
	size_t standard;
	bool has_standard, giving_reasons;
	struct treaty_decision decide;
	struct treaty_span extend, pause; /* how much the bearer may take, in all; 0: nothing */
	struct treaty_step steps[TREATY_STEPS_MAX];
	struct slice grounds[TREATY_GROUNDS_MAX];
	struct treaty_lest lest[TREATY_STEPS_MAX];
	size_t step_count, ground_count, lest_count;
};

struct treaty_ground { /* on which a request may be refused */
	const char *name;
	bool open; /* nobody but the party that refuses can say whether it holds */
};

const struct treaty_duty *treaty_clause_duty(const struct treaty *t, size_t clause); /* or NULL */
struct slice treaty_clause_title(const struct treaty *t, size_t clause);
bool treaty_clause_unchecked(const struct treaty *t, size_t clause); /* its source has mark K2 */
/* Who gave an assurance, which binds its author alone; "": the instrument is between parties. */
struct slice treaty_author(const struct treaty *t);
int32_t treaty_standard_milli(const struct treaty *t, size_t standard);
const struct treaty_ground *treaty_ground_find(struct slice name); /* NULL: it is none */
const struct treaty_ground *treaty_grounds(size_t *out_count);
bool treaty_span_parse(struct slice s, struct treaty_span *out); /* "24h"; text borrows s */
bool treaty_kind_known(struct slice kind); /* "preserve": something that may be asked for */

/* Whether what rebuts a presumption is shown: at the standard of the clause whose breach is
 * presumed, else (that clause is not judged) at the duty's, else at 0.51. FALSE where nothing
 * rebuts it. *out_open: it rests on a term whose meaning is not settled. room: one for each term.
 */
enum treaty_value treaty_lest_rebutted(const struct treaty *t, const struct treaty_duty *d,
				       const struct treaty_lest *l, const struct claim_set *claims,
				       struct treaty_lanes *room, bool *out_open);
/* Whether what the two sides' amendments require of a duty holds at its standard, as above. */
enum treaty_value treaty_duty_amendments(const struct treaty *t, size_t clause,
					 const struct treaty_law *law,
					 const struct claim_set *claims, struct treaty_lanes *room);

#endif
