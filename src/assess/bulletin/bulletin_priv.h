/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/bulletin/bulletin_priv.h - words and counts that the forms share, so that they say the
 * same.
 */
#ifndef DEW_ASSESS_BULLETIN_PRIV_H
#define DEW_ASSESS_BULLETIN_PRIV_H

#include "assess/bulletin/bulletin.h"

extern const char *const bulletin_act_words[INCIDENT_ACTS]; /* "data taken out" */
extern const char *const bulletin_stop_names[];		    /* enum trace_stop: "unobserved" */
extern const char *const bulletin_stop_words[];		    /* "nobody sees into this machine" */

struct bulletin_counts { /* over all cases; of the clauses that apply */
	size_t breaches, undetermined, clear, silent; /* silent: not in force, bound or judged */
	size_t seen, unseen;			      /* stations */
	const struct bulletin_case *gravest;	      /* NULL: no incident */
};

struct bulletin_counts bulletin_count(const struct bulletin *b);

const struct party *bulletin_party(const struct bulletin *b, struct slice id); /* NULL: unknown */
struct slice bulletin_party_name(const struct bulletin *b, struct slice id);   /* else the id */

/* "machine 198.51.100.7, beyond which nobody saw": no claim of origin. */
void bulletin_write_reach(const struct bulletin_case *c, struct buf *out);

/* In which order a reader wants verdicts: 0 breach, 1 undetermined, 2 none, then those that do not
 * apply. */
enum { BULLETIN_RANK_SILENT = 3 };
int bulletin_finding_rank(const struct treaty_finding *f);

/* What follows the name of a term that would change a verdict: ", now 0.38-0.70; if not, there is
 * no breach". */
void bulletin_write_change(const struct bulletin_case *c, const struct treaty_finding *f,
			   const struct treaty_change *change, struct buf *out);

/* The lines of a trace that decided, one a call, then NULL: of a breach what is shown, of none what
 * is not, or what lifts it; and below a line that is a group, its members that are as it is. */
struct bulletin_reasons {
	const struct treaty_finding *f;
	size_t at;	  /* next line */
	unsigned deepest; /* a line this deep may be given: its parent was, or need not be */
};

const struct treaty_trace_line *bulletin_reason_next(struct bulletin_reasons *r);

/* "2026-11-20 08:12:04 UTC", and "32 min" between two times; longest unit and the next. */
void bulletin_write_time(struct wall_ns t, struct buf *out);
void bulletin_write_span(struct wall_ns from, struct wall_ns to, struct buf *out);

/* "2026-11-20 08:12:04 to 08:44:04 UTC (32 min)" */
void bulletin_write_period(struct wall_ns from, struct wall_ns to, struct buf *out);

/* "cwlt.4, cwlt.6 and 2 more": clauses that apply and came out so, each once. */
void bulletin_write_clauses(const struct bulletin *b, enum treaty_value v, struct buf *out);

/* "1 event", "2 events" */
void bulletin_write_number(uint64_t n, const char *one, const char *many, struct buf *out);

/* "10.1.0.0/16" for each network whose addresses are pseudonyms here, by party; false: no more. */
bool bulletin_pseudonyms_at(const struct bulletin *b, size_t i, struct buf *out);
bool bulletin_has_pseudonyms(const struct bulletin *b);
/* One sentence that says so, where there are any. */
void bulletin_write_pseudonyms(const struct bulletin *b, struct buf *out);

/* One character of UTF-8 text off the front of *s: its code point, and its bytes in *bytes. What is
 * not UTF-8, and what would act on a terminal or turn the direction of writing, is U+FFFD. */
uint32_t bulletin_char_take(struct slice *s, struct slice *bytes);

struct json;

/* What `full`, made from more facts or the same, says of what b names. */
enum status bulletin_both_make(const struct bulletin *b, const struct bulletin *full,
			       struct arena *a, struct bulletin_all *out, struct fail *why);
bool bulletin_all_fits(const struct bulletin *b, const struct bulletin_all *all);

/* The values of "all_evidence", "public_only". Reading takes what is written, and nothing else. */
void bulletin_write_all(struct json *j, const struct bulletin_all *all);
void bulletin_write_public(struct json *j, const struct bulletin *b);
enum status bulletin_read_all(struct slice json, struct arena *a, struct bulletin_all *out,
			      struct fail *why);

/* One line of the two verdicts side by side; cells may be empty. */
struct bulletin_row {
	struct slice what, all, public;
};
/* Row i of an incident's, its text in `a`; false: there is none. Clauses that apply in neither are
 * left out. */
bool bulletin_row_at(const struct bulletin *b, size_t number, size_t i, struct arena *a,
		     struct bulletin_row *out);
/* One sentence: how the two come to differ, or that they cannot. */
const char *bulletin_both_words(const struct bulletin *b);

/* The JSON without its id and what all evidence says: what the id is made of. */
enum status bulletin_write_json_form(const struct bulletin *b, bool with_id, struct arena *scratch,
				     struct buf *out, struct fail *why);

/* Pictures, as SVG in HTML. */
void bulletin_svg_chain(const struct bulletin *b, const struct bulletin_case *c, struct buf *out);
void bulletin_svg_timeline(const struct incident *i, struct buf *out);
void bulletin_svg_interval(struct interval p, struct buf *out);
void bulletin_html_escape(struct slice s, struct buf *out);
extern const char bulletin_style[];

#endif
