/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/duty/duty.h - duties that run: a ledger of dated entries in, the state of every duty out.
 *
 * The ledger (docs/formats/duties.md) says who asked whom for what, and what was answered. The
 * duties of the treaties that bind both sides say what is owed, by when, and what follows if not.
 * Together they give one case for each request, duty and bearer, and each case comes to an end:
 * done, refused, silent, unable, withdrawn; by itself, when its time is over. There is no clock in
 * here but the ledger's: the time to look from is an argument. Pure; any thread.
 *
 * The result is a function of the set of entries: the order of the lines and a line that stands
 * there twice change nothing. Of entries of one time, the word decides (enum duty_word, the first
 * goes first), then the bytes. An entry at the moment of a deadline is in time.
 */
#ifndef DEW_ASSESS_DUTY_H
#define DEW_ASSESS_DUTY_H

#include "assess/claim/claim.h"
#include "assess/treaty/treaty.h"
#include "base/time.h"

enum {
	DUTY_LEDGER_MAX = 64 << 20, /* bytes of a file of entries */
	DUTY_LINE_MAX = 16 << 10,   /* bytes of one */
	DUTY_ENTRIES_MAX = 200000,
	DUTY_NAMES_MAX = 64,   /* in one list of an entry */
	DUTY_PHRASE_MAX = 500, /* bytes of what somebody says */
	DUTY_HOLIDAYS_MAX = 400,
	DUTY_ZONES_MAX = 40, /* changes of the clock in one calendar */
	DUTY_CLAIMS_MAX = 64,
	DUTY_PARTIES_MAX = 1024,
	DUTY_CASES_MAX = 100000,
	DUTY_GRANTS_MAX = 8,   /* times that who asked may give more time in one case */
	DUTY_REVIEW_MAX = 366, /* days after which a step without a number is closed as not done */
	DUTY_PROBLEMS_MAX = 50,
};

/* ---- entries -------------------------------------------------------------------------------- */

/* The order counts: of entries of one time, the first goes first. */
enum duty_word {
	DUTY_JOIN,
	DUTY_LEAVE,
	DUTY_CALENDAR,
	DUTY_ASSERT,
	DUTY_REQUEST,
	DUTY_ORDER,
	DUTY_VOTE,
	DUTY_INCOMPLETE,
	DUTY_COMPLETE,
	DUTY_EXTEND,
	DUTY_GRANT,
	DUTY_UNABLE,
	DUTY_OFFER,
	DUTY_ACCEPT,
	DUTY_DECLINE,
	DUTY_DONE,
	DUTY_REFUSE,
	DUTY_LOST,
	DUTY_CONTEST,
	DUTY_SHOW,
	DUTY_LIFT,
	DUTY_WITHDRAW,
	DUTY_WORDS
};
extern const char *const duty_word_names[DUTY_WORDS];

struct duty_names {
	const struct slice *names;
	size_t count;
};

struct duty_zone { /* from then on the clock of that place is so far ahead of UTC */
	struct wall_ns since;
	int32_t ahead_s;
};

/* A party's own: which of its days are working days, and when its days begin. All zero: Monday to
 * Friday in UTC. */
struct duty_calendar {
	bool always;		 /* day and night: every day is a working day */
	uint8_t week;		 /* bit 0 Monday .. bit 6 Sunday; 0: Monday to Friday */
	const int64_t *holidays; /* days from 1970-01-01, ascending */
	size_t holiday_count;
	const struct duty_zone *zones; /* ascending; before the first: UTC */
	size_t zone_count;
};

struct duty_request_said {
	struct slice to; /* a party, or "all" */
	struct slice kind, incident, after;
	struct duty_names as;	   /* in which quality: origin, transit, contact, provider */
	struct duty_names under;   /* clauses; none: all that fit */
	struct interval suspicion; /* on which it rests; unknown: none was given */
	struct claim_set claims;
	bool drill;
};

struct duty_order_said { /* as the sensor's throttle-add: docs/formats/control.md */
	struct slice target, basis;
	uint64_t bits_per_s, seconds;
	uint64_t observed_bits_per_s; /* what came from there before; 0: not said */
	struct duty_names exempt;
};

struct duty_entry {
	struct wall_ns at;
	enum duty_word word;
	uint32_t line;	      /* in its file, from 1 */
	struct slice raw;     /* its bytes, borrowed */
	struct slice party;   /* who made it */
	struct slice request; /* its own name, or the one it is about */
	struct slice order;   /* the same of an order */
	union {
		struct slice instrument; /* join, leave */
		struct duty_calendar calendar;
		struct {
			struct slice kind; /* "": all */
			struct interval answered;
		} assertion;
		struct duty_request_said request;
		struct duty_order_said order;
		bool in_favour;	       /* vote */
		struct slice phrase;   /* incomplete, unable: what is lacking; offer: what help */
		struct treaty_span by; /* grant */
		struct {
			struct duty_names steps; /* done, lost, contest */
			struct slice next;	 /* done of a next-hop: who is next */
		} deed;
		struct {
			struct slice ground, reasons;
			struct duty_names steps; /* none: all of it */
		} refusal;
		struct claim_set claims; /* show */
	} u;
};

struct duty_ledger {
	struct duty_entry *entries; /* in their order, none twice */
	size_t count, room;
};

/* Reads a file of entries, one JSON object a line. All errors, one a line as FILE:LINE: ..., are
 * appended to *problems (may be NULL); the first is in *why. Slices of the result live in the
 * arena, raw in text. */
MUST_USE enum status duty_read(struct slice file, struct slice text, struct arena *a,
			       struct duty_ledger *out, struct buf *problems, struct fail *why);

/* When a span that begins at `start` is over, by that calendar: hours and days as they are long;
 * working days: the end of the n-th one behind the day of the start; months and years: the same
 * day and hour there, or the month's last day. INT64_MAX: beyond all times. */
struct wall_ns duty_span_end(const struct duty_calendar *c, struct wall_ns start,
			     struct treaty_span span);

/* ---- what came of it ------------------------------------------------------------------------ */

enum duty_step_status {
	DUTY_STEP_WAITS,   /* for the step before it */
	DUTY_STEP_RUNS,	   /* its clock runs, or it has none */
	DUTY_STEP_LASTS,   /* it is kept up, and its end is not reached */
	DUTY_STEP_DONE,	   /* in time, or there was no number */
	DUTY_STEP_KEPT,	   /* to its end */
	DUTY_STEP_LATE,	   /* done, behind its deadline or after a refusal */
	DUTY_STEP_MISSED,  /* its time is over */
	DUTY_STEP_BROKEN,  /* not kept to its end */
	DUTY_STEP_REFUSED, /* on a ground that the clause lists */
	DUTY_STEP_DROPPED, /* nothing is left to do: the request is withdrawn, or what it waits for
			      was missed */
	DUTY_STEP_STATUSES
};
extern const char *const duty_step_names[DUTY_STEP_STATUSES];

struct duty_step {
	enum duty_step_status status;
	bool contested;	      /* who asked says that it was not done */
	struct wall_ns begun; /* of a step that waits: nothing yet */
	struct wall_ns due;   /* deadline, or end of what lasts; INT64_MAX: no number */
	struct wall_ns at;    /* when its status became what it is */
};

enum duty_outcome {
	DUTY_OPEN,
	DUTY_NOT_OWED,	 /* it never arose: why */
	DUTY_VOTED_OUT,	 /* those who decide did not let it begin */
	DUTY_WITHDRAWN,	 /* by who asked */
	DUTY_MET,	 /* all in time */
	DUTY_MEASURED,	 /* all done; no number says whether that was in time */
	DUTY_LATE,	 /* all done, not all in time */
	DUTY_REFUSED,	 /* on a ground that the clause lists */
	DUTY_GROUNDLESS, /* refused on a ground that it does not list */
	DUTY_SILENT,	 /* no sign at all before its time was over */
	DUTY_UNDONE,	 /* signs, and not done */
	DUTY_INCAPABLE,	 /* not done; it said that it could not, and refused no help */
	DUTY_OUTCOMES
};
extern const char *const duty_outcome_names[DUTY_OUTCOMES];

/* What the ledger tells of the bearer's will. Of silence it tells nothing. */
enum duty_will { DUTY_UNTOLD, DUTY_WILLING, DUTY_EXCUSED, DUTY_CANNOT, DUTY_WILL_NOT, DUTY_WILLS };
extern const char *const duty_will_names[DUTY_WILLS];
enum duty_will duty_will_of(enum duty_outcome o);

enum duty_effect {
	DUTY_NO_EFFECT, /* the duty was done, or is open */
	DUTY_FOLLOWS,
	DUTY_REBUTTED, /* a presumption, by what the bearer showed */
	DUTY_WITHHELD, /* it was not done, and it does not follow all the same: why */
	DUTY_EFFECTS
};
extern const char *const duty_effect_names[DUTY_EFFECTS];

struct duty_consequence { /* of one `lest` line */
	enum duty_effect effect;
	struct wall_ns at;
	const char *why;   /* withheld, else "" */
	bool by_open_term; /* rebutted by a term whose meaning is not settled */
};

struct duty_motion { /* a vote whether a request goes ahead, under one clause */
	size_t request, treaty, clause;
	size_t electors, in_favour, against;
	enum duty_outcome outcome; /* DUTY_OPEN, DUTY_MET: goes ahead, DUTY_VOTED_OUT */
	struct wall_ns at;	   /* when that was settled; open: when it will be */
};

enum { DUTY_NONE = -1 };

struct duty_case {
	size_t request, treaty, clause;
	struct slice bearer;
	ptrdiff_t motion; /* DUTY_NONE: nobody decided */
	enum duty_outcome outcome;
	struct slice why;	/* not owed: why not. Refused: the ground */
	struct slice reserved;	/* not owed: by whose reservation or amendment; else "" */
	struct wall_ns started; /* the request, or the vote */
	struct wall_ns ended;	/* open: the next time at which something happens by itself */
	struct wall_ns signs, decided, delivered; /* first sign of the bearer; done or refused;
						     all done. 0: never */
	struct duty_step *steps;		  /* one for each of the duty; NULL: not owed */
	struct duty_consequence *lest;		  /* the same of its `lest` lines */
	bool reasons_missing; /* refused without the reasons that the clause wants */
	bool extended, paused, unable, offered, accepted, declined;
	bool no_number;	   /* nothing but a step without a number was missed: nobody agreed when */
	bool undetermined; /* whether what a party requires in addition holds is not known */
	struct slice said; /* groundless: what it said instead of a ground; unable: what lacks */
	uint8_t grants;
	struct wall_ns groundless; /* when it refused on no listed ground; 0: it did not */
	struct wall_ns paused_at;
	int64_t pause_left_ns;
};

enum duty_order_state {
	DUTY_ORDER_PROPOSED,
	DUTY_ORDER_HOLDS,
	DUTY_ORDER_EXPIRED,
	DUTY_ORDER_LIFTED,
	DUTY_ORDER_LAPSED, /* too few voted for it in time */
	DUTY_ORDER_BARRED, /* it breaks a limit, or nothing lets it: why */
	DUTY_ORDER_STATES
};
extern const char *const duty_order_names[DUTY_ORDER_STATES];

struct duty_order {
	size_t entry;
	ptrdiff_t of; /* the case it answers; DUTY_NONE: barred */
	enum duty_order_state state;
	const char *why; /* "" unless barred or lifted */
	bool own;	 /* the bearer's own: it needs nobody's vote */
	size_t electors, in_favour;
	struct wall_ns from, until; /* it holds, or held; 0: never */
};

struct duty_request {
	size_t entry;
	size_t first_case, case_count;
	size_t owed;	 /* cases that arose */
	ptrdiff_t after; /* the request that it goes on from; DUTY_NONE */
	bool outside;	 /* nothing that binds both sides has a duty of that kind */
};

struct duty_fate { /* of an entry: none is lost */
	uint32_t
		effects; /* cases, motions, orders that it changed; parties' entries count as one */
	const char *why; /* if none: why; "" otherwise */
};

struct duty_bond;

struct duty_state {
	const struct duty_ledger *ledger;
	const struct treaty *const *treaties;
	size_t treaty_count;
	struct wall_ns as_of;
	struct slice *parties; /* all that are named, ascending */
	size_t party_count, party_room;
	struct duty_request *requests; /* in the order of the ledger */
	size_t request_count, request_room;
	struct duty_case *cases; /* by request, then by treaty, clause and bearer */
	size_t case_count, case_room;
	struct duty_motion *motions;
	size_t motion_count, motion_room;
	struct duty_order *orders;
	size_t order_count, order_room;
	struct duty_fate *fates; /* one for each entry */
	struct duty_bond *bonds; /* who joined what: run.c */
	size_t bond_count, bond_room;
	uint32_t *calendars; /* entries that are one, in the order of time */
	size_t calendar_count, calendar_room;
};

/* Runs the ledger up to and with as_of; entries behind it are as if they were not there. Treaties
 * and ledger are borrowed. ST_LIMIT, ST_NOMEM. */
MUST_USE enum status duty_run(const struct duty_ledger *l, const struct treaty *const *treaties,
			      size_t treaty_count, struct wall_ns as_of, struct arena *a,
			      struct duty_state **out, struct fail *why);

const struct treaty_duty *duty_of(const struct duty_state *s, const struct duty_case *c);
const struct duty_entry *duty_asked(const struct duty_state *s, const struct duty_case *c);
bool duty_is_bound(const struct duty_state *s, size_t treaty, struct slice party,
		   struct wall_ns at);
size_t duty_request_find(const struct duty_state *s, struct slice id); /* SIZE_MAX: none */

/* What the ledger says of a request's bearer in words of treaties, for the judge: what who asked
 * claimed, what the bearer showed, and of these, where nobody claimed them, `help_requested`,
 * `territory_state_knows` and `feasible_measures_taken`. ST_NOMEM. */
MUST_USE enum status duty_claims(const struct duty_state *s, const struct duty_case *c,
				 struct arena *a, struct claim_set *out, struct fail *why);

/* ---- report cards --------------------------------------------------------------------------- */

struct duty_times { /* of what was measured, in seconds */
	size_t count;
	int64_t median_s, p90_s, most_s; /* the value at rank ceil(count * p) */
};

struct duty_way { /* by which somebody was let off */
	enum duty_way_kind {
		DUTY_BY_GROUND,
		DUTY_BY_OPEN_TERM,
		DUTY_BY_RESERVATION,
		DUTY_BY_NO_NUMBER,
		DUTY_WAYS
	} kind;
	struct slice name; /* the ground, the clause presumed, the party, the step */
	bool open;	   /* nobody else can say whether it holds */
	size_t count;
};
extern const char *const duty_way_names[DUTY_WAYS];

struct duty_card { /* of a clause, or of a party as a bearer; drills are not in it */
	struct slice name;
	size_t cases; /* that arose, or would have but for a reservation */
	size_t drills;
	size_t outcomes[DUTY_OUTCOMES];
	size_t reasons_missing, contested, helped;
	struct duty_times signs, decided, delivered; /* from the request */
	struct duty_times late;			     /* from the deadline to what was done late */
	struct duty_way *ways;			     /* most frequent first */
	size_t way_count, way_room;
	int32_t loophole; /* cases let off by an open way, of all cases: thousandths */
};

struct duty_hop { /* of a pursuit: requests that go on from each other */
	size_t request, root;
	uint32_t depth;	  /* 1: the first that goes on */
	int64_t after_s;  /* from the request before to this one */
	int64_t answer_s; /* from this request to its answer; -1: none */
};

struct duty_claim_check {	   /* what a party says of itself, against the ledger */
	size_t entry, done, ended; /* of its cases that ended, so many were done */
	bool contradicted;
};

struct duty_report {
	struct duty_card *clauses, *parties;
	size_t clause_count, party_count;
	struct duty_hop *hops;
	size_t hop_count, hop_room;
	struct duty_claim_check *checks;
	size_t check_count, check_room;
};

MUST_USE enum status duty_report(const struct duty_state *s, struct arena *a,
				 struct duty_report *out, struct fail *why);

#endif
