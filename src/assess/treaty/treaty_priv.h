/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/treaty/treaty_priv.h - a compiled treaty, as compile.c makes it and judge.c reads it.
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

struct treaty_term {
	struct slice name, definition;
	bool open; /* its meaning is not settled between the parties */
};

struct treaty_standard {
	struct slice name;
	int32_t milli;
};

struct treaty_source {
	struct slice text, page, mark;
};

enum treaty_rule_kind { TREATY_WHEN, TREATY_UNLESS, TREATY_UNLESS_SHOWN, TREATY_PERMITS };

struct treaty_rule {
	enum treaty_rule_kind kind;
	const struct treaty_node *expr;
	struct slice reason; /* "" for when */
};

struct treaty_amendment {
	size_t party; /* index */
	const struct treaty_node *expr;
	struct slice source, deposited_text;
	struct wall_ns since;	       /* deposited, or bound, whichever is later */
	struct treaty_amendment *next; /* of the same clause */
};

struct treaty_clause {
	struct slice id, title, article;
	struct treaty_source source;
	struct slice not_judged; /* the reason, for an article that is carried and not judged */
	size_t standard;	 /* index; meaningless if not judged */
	struct treaty_rule *rules;
	size_t rule_count, rule_room;
	struct treaty_amendment *amendments, *last_amendment; /* of all parties, by file order */
};

struct treaty_party {
	struct slice id, name;
	struct wall_ns from; /* 0: no date given */
};

struct treaty {
	struct slice id, title;
	struct treaty_source source;
	bool between_parties; /* no date of its own: binds whoever says that it is bound */
	struct wall_ns in_force;
	struct slice in_force_text;
	struct treaty_term *terms;
	size_t term_count, term_room;
	struct treaty_standard *standards;
	size_t standard_count, standard_room;
	struct treaty_clause *clauses;
	size_t clause_count, clause_room;
	struct treaty_party *parties;
	size_t party_count, party_room;
	size_t amendment_count;
};

/* ---- judging -------------------------------------------------------------------------------- */

struct treaty_lanes { /* one value in each of 64 worlds; neither bit set: undetermined */
	uint64_t shown, excluded;
};

struct treaty_judge_term {
	bool used; /* by the clause that is judged now */
	const struct claim *claim;
	struct interval p;
	enum treaty_value value;
	struct treaty_lanes lanes;
};

struct treaty_judge {
	const struct treaty *t;
	const struct treaty_case *c;
	struct arena *a;
	size_t clause;			 /* that is judged now */
	int32_t standard;		 /* its standard */
	struct treaty_judge_term *terms; /* one for each term of the treaty */
	uint32_t *used;			 /* terms of this clause, in order of first use */
	size_t used_count, used_room;
};

enum treaty_value treaty_node_value(const struct treaty_judge *j, const struct treaty_node *n);
struct interval treaty_node_bounds(const struct treaty_judge *j, const struct treaty_node *n);

/* The next amendment that applies between the two parties at the time of the act; m NULL: the
 * first. */
const struct treaty_amendment *treaty_amendment_next(const struct treaty_judge *j,
						     const struct treaty_amendment *m);

/* The words of a finding: trace and rule; bar: why the clause does not apply, or NULL. False when
 * memory is spent. */
MUST_USE bool treaty_trace_write(struct treaty_judge *j, const char *bar, struct treaty_finding *f);
MUST_USE bool treaty_not_judged_write(struct treaty_judge *j, struct treaty_finding *f);
MUST_USE bool treaty_source_write(struct treaty_judge *j, struct slice *out);

#endif
