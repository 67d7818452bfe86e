/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/treaty/treaty_parse_priv.h - what reads a treaty file: scan.c (lines, tokens, problems),
 * expr.c (expressions), parse_*.c (statements), compile.c (which statements there are).
 *
 * A function treaty_want_x() reads an x or says what was expected and returns false.
 */
#ifndef DEW_ASSESS_TREATY_PARSE_PRIV_H
#define DEW_ASSESS_TREATY_PARSE_PRIV_H

#include "assess/treaty/treaty_priv.h"

enum treaty_scope {
	SCOPE_START = 1,      /* before `instrument` */
	SCOPE_INSTRUMENT = 2, /* below it, in no block */
	SCOPE_CLAUSE = 4,
	SCOPE_PARTY = 8,
	SCOPE_CARRIED = 16, /* in a not-judged block */
	SCOPE_LOST = 32,    /* in a block whose head is wrong: said once, its lines are skipped */
	SCOPE_DUTY = 64,
	SCOPE_TERM = 128, /* below a term, of which readings and examples may follow */
	SCOPE_BELOW = SCOPE_INSTRUMENT | SCOPE_CLAUSE | SCOPE_PARTY | SCOPE_CARRIED | SCOPE_LOST |
		      SCOPE_DUTY | SCOPE_TERM,
	SCOPE_ANY = SCOPE_START | SCOPE_BELOW,
};

enum treaty_token_kind { TOKEN_END, TOKEN_WORD, TOKEN_STRING, TOKEN_SIGN, TOKEN_BAD };

struct treaty_token {
	enum treaty_token_kind kind;
	struct slice text; /* a string without its quotes */
	size_t column;	   /* from 1, in bytes */
};

struct treaty_parser {
	struct treaty *t;
	struct arena *a;
	struct slice file;
	struct buf *problems;
	struct fail *why;
	struct slice rest, line; /* text below this line; this line */
	size_t at;		 /* bytes of the line already read */
	uint32_t number;	 /* of the line, from 1 */
	uint32_t problem_count;
	enum treaty_scope scope;
	struct buf prose;     /* lines of prose not yet given to a clause */
	uint32_t clause_line; /* where the open clause began */
	bool clause_proof, clause_when, instrument_force; /* seen, right or wrong */
	bool duty_bearer, duty_on, duty_must;
	bool nomem;
};

/* A line that says what is wrong: begin, add words, end. Beyond TREATY_PROBLEMS_MAX the words go
 * nowhere, so that a file of nothing but errors costs no memory. */
struct buf treaty_problem_begin(struct treaty_parser *p, uint32_t line, size_t column);
void treaty_problem_end(struct treaty_parser *p, struct buf *b);

/* Says what is wrong at a column of this line. An expression, false, so that a parser may return
 * it. */
#define TREATY_PROBLEM(p, column, ...) TREATY_PROBLEM_AT((p), (p)->number, (column), __VA_ARGS__)
#define TREATY_PROBLEM_AT(p, line, column, ...)                                                    \
	({                                                                                         \
		struct buf problem_ = treaty_problem_begin((p), (line), (column));                 \
		buf_add_fmt(&problem_, __VA_ARGS__);                                               \
		treaty_problem_end((p), &problem_);                                                \
		false;                                                                             \
	})

bool treaty_no_memory(struct treaty_parser *p); /* false, so that a parser may return it */

/* ---- lines and tokens ---- */
bool treaty_next_line(struct treaty_parser *p); /* false at the end of the file */
bool treaty_is_name_byte(uint8_t c);
struct treaty_token treaty_peek(struct treaty_parser *p); /* the next one of this line */
void treaty_take(struct treaty_parser *p, struct treaty_token t);
bool treaty_token_is(struct treaty_token t, const char *z);
bool treaty_take_if(struct treaty_parser *p, const char *z);
bool treaty_expected(struct treaty_parser *p, struct treaty_token found, const char *what);

bool treaty_want_end(struct treaty_parser *p);
bool treaty_want_name(struct treaty_parser *p, const char *what, struct treaty_token *out);
bool treaty_want_string(struct treaty_parser *p, const char *what, struct slice *out);
bool treaty_want_date(struct treaty_parser *p, struct wall_ns *out, struct slice *text);
bool treaty_want_number(struct treaty_parser *p, const char *what, uint32_t most, uint32_t *out);
bool treaty_want_probability(struct treaty_parser *p, int32_t *out); /* thousandths, 1..1000 */
bool treaty_want_reason(struct treaty_parser *p, const char *what, struct slice *out); /* "; ..." */

/* [from DATE] [until DATE] */
bool treaty_want_period(struct treaty_parser *p, struct wall_ns *from, struct wall_ns *until);

/* ---- expressions ---- */
/* NULL after a problem, or when memory is spent. */
const struct treaty_node *treaty_want_expr(struct treaty_parser *p);
bool treaty_continues(const struct treaty_parser *p); /* the line below begins with and, or */
bool treaty_is_reserved(struct slice word);
size_t treaty_term_find(const struct treaty *t, struct slice name); /* SIZE_MAX: undefined */

/* ---- statements: each reads the rest of its line; false after a problem ---- */
struct treaty_clause *treaty_open_clause(struct treaty_parser *p);
/* The common head of what is a clause: ID "title"; and its place among the clauses. */
bool treaty_clause_head(struct treaty_parser *p, struct treaty_clause *c);
bool treaty_clause_add(struct treaty_parser *p, struct treaty_clause *c);
/* NAME [NUMBER]: a standard above, or one that is named here; more may follow on the line. */
bool treaty_want_standard(struct treaty_parser *p, size_t *out, size_t *out_column);
bool treaty_want_consequence(struct treaty_parser *p, uint8_t *out); /* one that is defined above */
/* Says what the clause or duty that ends here lacks. */
void treaty_close_clause(struct treaty_parser *p);
void treaty_close_duty(struct treaty_parser *p);

bool treaty_parse_instrument(struct treaty_parser *p);
bool treaty_parse_source(struct treaty_parser *p);
bool treaty_parse_in_force(struct treaty_parser *p);
bool treaty_parse_amendments(struct treaty_parser *p);
bool treaty_parse_standard(struct treaty_parser *p);
bool treaty_parse_consequence(struct treaty_parser *p);
bool treaty_parse_concept(struct treaty_parser *p);
bool treaty_parse_term(struct treaty_parser *p);
bool treaty_parse_reading(struct treaty_parser *p);
bool treaty_parse_example(struct treaty_parser *p);
bool treaty_parse_clause(struct treaty_parser *p);
bool treaty_parse_not_judged(struct treaty_parser *p);
bool treaty_parse_not_for_sensors(struct treaty_parser *p);
bool treaty_parse_proof(struct treaty_parser *p);
bool treaty_parse_when(struct treaty_parser *p);
bool treaty_parse_unless(struct treaty_parser *p);
bool treaty_parse_permits(struct treaty_parser *p);
bool treaty_parse_admits(struct treaty_parser *p);
bool treaty_parse_party(struct treaty_parser *p);
bool treaty_parse_amend(struct treaty_parser *p);
bool treaty_parse_reserve(struct treaty_parser *p);
bool treaty_parse_object(struct treaty_parser *p);
bool treaty_parse_duty(struct treaty_parser *p);
bool treaty_parse_bearer(struct treaty_parser *p);
bool treaty_parse_on(struct treaty_parser *p);
bool treaty_parse_decide(struct treaty_parser *p);
bool treaty_parse_must(struct treaty_parser *p);
bool treaty_parse_may(struct treaty_parser *p);
bool treaty_parse_lest(struct treaty_parser *p);

#endif
