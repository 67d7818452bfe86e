/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/treaty/treaty_priv.h - a compiled treaty, as the parser makes it and judge.c reads it.
 */
#ifndef DEW_ASSESS_TREATY_PRIV_H
#define DEW_ASSESS_TREATY_PRIV_H

#include "assess/treaty/treaty.h"

enum treaty_node_kind { TREATY_ATOM, TREATY_NOT, TREATY_AND, TREATY_OR };

struct treaty_node {
	enum treaty_node_kind kind;
	uint32_t term;			 /* atoms: index into terms */
	const struct treaty_node *first; /* not, and, or: children */
	const struct treaty_node *next;	 /* sibling */
};

enum treaty_gloss_kind { TREATY_READING, TREATY_EXAMPLE_IN, TREATY_EXAMPLE_OUT };

struct treaty_gloss { /* what a party reads in a term, or a case that is in it or is not */
	enum treaty_gloss_kind kind;
	struct slice party, text; /* party: of a reading */
	struct treaty_gloss *next;
};

struct treaty_term {
	struct slice name, definition;
	uint32_t line;
	bool open; /* its meaning is not settled between the parties */
	uint32_t gloss_count;
	struct treaty_gloss *glosses, *last_gloss;
};

enum { TREATY_CONCEPTS = 12 }; /* rows of treaty_concepts() */

struct treaty_consequence {
	struct slice name, text;
};

struct treaty_source {
	struct slice text, page, sha256, mark; /* sha256: of the official text, or "" */
};

enum treaty_rule_kind { TREATY_WHEN, TREATY_UNLESS, TREATY_UNLESS_SHOWN, TREATY_PERMITS };

struct treaty_rule {
	enum treaty_rule_kind kind;
	const struct treaty_node *expr;
	struct slice reason; /* "" for when */
	uint8_t consequence; /* index; 0: no breach */
	uint8_t rank;	     /* from 1; 0: none given */
	uint8_t own; /* at which of the clause's own[], from 1; 0: at the clause's standard */
	uint32_t line;
};

enum treaty_amendment_kind {
	TREATY_REQUIRE,	      /* the clause is broken only if this holds, too */
	TREATY_RESERVE_WHERE, /* not where this holds: expr is the `not` of it */
	TREATY_RESERVE,	      /* not at all: expr is NULL */
};

struct treaty_amendment {
	enum treaty_amendment_kind kind;
	size_t party; /* index */
	const struct treaty_node *expr;
	struct slice source, deposited_text;
	bool unchecked;
	struct wall_ns since;	       /* deposited, or bound, whichever is later */
	struct wall_ns until;	       /* 0: open */
	struct treaty_amendment *next; /* of the same clause */
};

struct treaty_clause {
	struct slice id, title, article;
	struct treaty_source source;
	uint32_t line;
	struct slice not_judged; /* the reason, for an article that is carried and not judged */
	struct slice content;	 /* why it is not for sensors; "" it is for them */
	struct treaty_duty *duty;
	size_t standard;	    /* index; meaningless if not judged */
	size_t own[TREATY_OWN_MAX]; /* standards of exceptions that are compared at another one */
	uint8_t own_count;
	struct treaty_rule *rules;
	size_t rule_count, rule_room;
	struct treaty_amendment *amendments, *last_amendment; /* of all parties, by file order */
	uint32_t options[TREATY_OPTIONS_MAX]; /* terms that a party may require in addition */
	size_t option_count;
	struct slice admits_require, admits_reserve; /* the source that admits it; "" none does */
	bool consequences;		   /* an exception names one, so that they matter */
	uint8_t by_rank[TREATY_RULES_MAX]; /* then: rules that are exceptions, first rank first */
	size_t ranked_count;
};

struct treaty_objection {	  /* to another party's reservation (VCLT 20 and 21(3)) */
	size_t party, to, clause; /* who objects, to whose reservation, of which clause */
	bool excluding;		  /* the treaty is not to be in force between the two */
	bool late; /* after twelve months: it was accepted by silence, and this has no effect */
	struct slice source, deposited_text;
	bool unchecked;
	uint32_t line;
	struct wall_ns since, until; /* until 0: not withdrawn */
};

struct treaty_party {
	struct slice id, name;
	struct wall_ns from, until; /* 0: no date given */
};

struct treaty {
	struct slice id, title;
	struct treaty_source source;
	struct slice author;	 /* whose assurance it is; "" it is between parties */
	bool between_parties;	 /* no date of its own: binds whoever says that it is bound */
	struct wall_ns in_force; /* INT64_MAX: not yet */
	struct slice in_force_text, not_yet; /* not_yet: why, "" it is or was */
	struct slice closed; /* the source that allows only what a clause admits; "" none */
	struct treaty_term *terms;
	size_t term_count, term_room;
	struct treaty_standard *standards;
	size_t standard_count, standard_room;
	struct treaty_consequence *consequences; /* [0] is "no breach" */
	size_t consequence_count, consequence_room;
	struct slice concepts[TREATY_CONCEPTS]; /* its answers; NULL: none */
	struct treaty_clause *clauses;
	size_t clause_count, clause_room;
	struct treaty_party *parties;
	size_t party_count, party_room;
	size_t amendment_count;
	struct treaty_objection *objections;
	size_t objection_count, objection_room;
};

/* ---- judging -------------------------------------------------------------------------------- */

struct treaty_judge_term {
	uint8_t used; /* by the clause that is judged now, and at which of its standards: a set */
	bool open;    /* undetermined at one of those */
	const struct claim *claim;
	struct interval p;
};

struct treaty_judge {
	const struct treaty *t;
	const struct treaty_case *c;
	struct treaty_law law; /* of the case */
	struct arena *a;
	size_t clause;			   /* that is judged now */
	int32_t milli[1 + TREATY_OWN_MAX]; /* its standard, and those of its exceptions */
	struct treaty_judge_term *terms;   /* one for each term of the treaty */
	struct treaty_lanes *lanes;	   /* the same for each of those standards */
	uint32_t *used;			   /* terms of this clause, in order of first use */
	size_t used_count, used_room;
};

/* Its value as the claims are, at the clause's standard (0) or one of its exceptions'. */
enum treaty_value treaty_node_value(const struct treaty_judge *j, size_t own,
				    const struct treaty_node *n);
struct interval treaty_node_bounds(const struct treaty_judge *j, const struct treaty_node *n);

/* The next amendment that applies between the two parties at the time of the act; m NULL: the
 * first. */
const struct treaty_amendment *treaty_amendment_next(const struct treaty *t, size_t clause,
						     const struct treaty_law *law,
						     const struct treaty_amendment *m);

/* The next objection of one of the two parties to a reservation of the other that has effect at the
 * time of the act; o NULL: the first. */
const struct treaty_objection *treaty_objection_next(const struct treaty *t,
						     const struct treaty_law *law,
						     const struct treaty_objection *o);
/* "FR objects to the reservation of DE to x.2 (source, deposited 2020-01-01)" */
void treaty_objection_write(const struct treaty *t, const struct treaty_objection *o,
			    struct buf *b);

/* The value of an expression in 64 worlds. */
struct treaty_lanes treaty_node_eval(const struct treaty_lanes *terms, const struct treaty_node *n);
struct treaty_lanes treaty_lanes_and(struct treaty_lanes a, struct treaty_lanes b);
struct treaty_lanes treaty_lanes_of(enum treaty_value v); /* in all of them */
enum treaty_value treaty_lanes_value(struct treaty_lanes l, unsigned world);
/* Whether one rule of a clause speaks for a breach: an exception that must be shown and is not
 * settled does not help. */
struct treaty_lanes treaty_rule_eval(const struct treaty_lanes *terms, size_t stride,
				     const struct treaty_rule *r);
/* As treaty_clause_eval(); stride: from a term's lanes at one standard to those at the next. */
struct treaty_lanes treaty_clause_eval_at(const struct treaty *t, size_t clause,
					  const struct treaty_law *law,
					  const struct treaty_lanes *terms, size_t stride);
enum treaty_value treaty_interval_value(struct interval p, int32_t standard);

/* The words of a finding: trace and rule; bar: why the clause does not apply, or "". False when
 * memory is spent. */
MUST_USE bool treaty_trace_write(struct treaty_judge *j, struct slice bar,
				 struct treaty_finding *f);
MUST_USE bool treaty_not_judged_write(struct treaty_judge *j, struct treaty_finding *f);
MUST_USE bool treaty_source_write(struct treaty_judge *j, struct slice *out);

/* An expression in the file's own words; inner: in parentheses, where it has parts. */
void treaty_node_write(const struct treaty *t, const struct treaty_node *n, bool inner,
		       struct buf *b);
/* "unless a and b ; why", with consequence and rank: a line of the file. */
void treaty_rule_write(const struct treaty *t, const struct treaty_clause *c,
		       const struct treaty_rule *r, struct buf *b);
/* "require a ; source, deposited 2020-01-01" */
void treaty_amendment_write(const struct treaty *t, const struct treaty_amendment *m,
			    struct buf *b);
/* A duty in the file's own words, a line each. */
void treaty_duty_write(const struct treaty *t, const struct treaty_duty *d, struct buf *b);
/* ---- lint ---- */
enum treaty_seen treaty_term_seen(const struct treaty *t, size_t term);
/* Who is needed at least to show that a judged clause is broken. */
enum treaty_seen treaty_clause_seen(const struct treaty *t, size_t clause);
const char *treaty_seen_name(enum treaty_seen s); /* "stations and registers" */

const struct treaty_source *treaty_clause_source(const struct treaty *t, size_t clause);
void treaty_mark_write(const struct treaty_source *s, struct buf *b); /* "text, page (checked)" */

#endif
