/* SPDX-License-Identifier: Apache-2.0
 * Votes, orders, and whom a request reaches. */
#include "assess/duty/ledger_test.h"

#define INSPECT(how)                                                                               \
	HEAD "duty x.2 \"D\"\nbearer territory-state\non request kind inspect from party\n"        \
	     "decide " how " within 12h\nmust admit within 1d\n"
#define STOP                                                                                       \
	HEAD "duty x.2 \"D\"\nbearer each-party\non request kind stop from party\n"                \
	     "must act within 1h\n"                                                                \
	     "lest throttle keep 1 of 10 for 24h exempt health, emergency by 1 of 2\n"

static void join(struct world *w, const char *party)
{
	char line[100] = "\"entry\":\"join\",\"instrument\":\"x\",\"party\":\"";
	size_t at = strlen(line);

	memcpy(line + at, party, strlen(party));
	memcpy(line + at + strlen(party), "\"", 2);
	say(w, -DAY, line);
}

static const char inspect[] =
	"\"entry\":\"request\",\"id\":\"R\",\"kind\":\"inspect\",\"from\":\"A\",\"to\":\"B\","
	"\"as\":\"origin\"";
static const char *const voters[] = {"C", "D", "E", "F", "G", "H"};

static void vote(struct world *w, int64_t minutes, const char *party, bool yes, const char *on)
{
	struct slice line = buf_text(&w->a, "\"entry\":\"vote\",\"party\":\"%s\",\"for\":%s,%s%c",
				     party, yes ? "true" : "false", on, 0);

	say(w, minutes, (const char *)line.ptr);
}

/* With `others`, A and B have no vote: six are left, of whom 3 of 4 are five. */
static void a_quorum_is_met_by_the_share_and_not_by_one_less(struct test *t)
{
	static const struct {
		const char *treaty;
		bool yes;
		size_t votes, electors;
		enum duty_outcome outcome;
	} rows[] = {
		{INSPECT("against 3 of 4 by others"), false, 0, 6, DUTY_SILENT},
		{INSPECT("against 3 of 4 by others"), false, 4, 6, DUTY_SILENT},
		{INSPECT("against 3 of 4 by others"), false, 5, 6, DUTY_VOTED_OUT},
		{INSPECT("against 3 of 4 by others"), true, 6, 6, DUTY_SILENT},
		{INSPECT("for 1 of 2 by all"), true, 3, 8, DUTY_VOTED_OUT},
		{INSPECT("for 1 of 2 by all"), true, 4, 8, DUTY_SILENT},
		{INSPECT("for 1 of 2 by all"), false, 6, 8, DUTY_VOTED_OUT},
		{INSPECT("for 30 of 51 by all"), true, 4, 8, DUTY_VOTED_OUT},
		{INSPECT("for 30 of 51 by all"), true, 5, 8, DUTY_SILENT},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct world w;

		EXPECT(t, world_begin(&w, rows[i].treaty));
		for (size_t k = 1; k < 6; k++) /* C has joined */
			join(&w, voters[k]);
		say(&w, 0, inspect);
		for (size_t k = 0; k < rows[i].votes; k++)
			vote(&w, 10, voters[k], rows[i].yes, "\"request\":\"R\"");
		EXPECT(t, look(&w, FOREVER));
		EXPECT_UINT(t, w.s->motions[0].electors, rows[i].electors);
		if (w.s->cases[0].outcome != rows[i].outcome)
			test_fail(t, __FILE__, __LINE__, "row %zu: %s", i,
				  duty_outcome_names[w.s->cases[0].outcome]);
		world_end(&w);
	}
}

/* Where nobody is left to decide, nothing is decided for, and nothing is blocked. */
static void of_nobody_there_is_no_quorum(struct test *t)
{
	for (int against = 0; against < 2; against++) {
		struct world w;

		EXPECT(t, world_begin(&w, against ? INSPECT("against 1 of 9999 by others")
						  : INSPECT("for 1 of 9999 by others")));
		say(&w, -HOUR, "\"entry\":\"leave\",\"party\":\"C\",\"instrument\":\"x\"");
		say(&w, 0, inspect);
		EXPECT(t, look(&w, FOREVER) && w.s->motions[0].electors == 0);
		EXPECT_UINT(t, w.s->cases[0].outcome, against ? DUTY_SILENT : DUTY_VOTED_OUT);
		world_end(&w);
	}
}

static void the_last_word_counts_until_it_is_settled(struct test *t)
{
	struct world w;

	EXPECT(t, world_begin(&w, INSPECT("against 1 of 1 by others")));
	join(&w, "D");
	say(&w, 0, inspect);
	vote(&w, 10, "C", false, "\"request\":\"R\"");
	vote(&w, 20, "C", true, "\"request\":\"R\"");
	vote(&w, 30, "D", false, "\"request\":\"R\"");
	vote(&w, 31, "A", false, "\"request\":\"R\"");
	EXPECT(t, look(&w, FOREVER) && w.s->motions[0].outcome == DUTY_MET);
	EXPECT(t, w.s->motions[0].in_favour == 1 && w.s->motions[0].against == 1);
	EXPECT_SLICE(t, slice_of(fate_of(&w, DUTY_VOTE)), SLICE("it has no vote in this"));
	EXPECT(t, minutes_of(w.s->cases[0].started) == 12 * HOUR); /* its clocks begin then */
	EXPECT(t, minutes_of(w.s->cases[0].ended) == 36 * HOUR);
	vote(&w, 12 * HOUR, "C", false, "\"request\":\"R\""); /* in time, at the last moment */
	EXPECT(t, look(&w, FOREVER) && w.s->motions[0].outcome == DUTY_VOTED_OUT);
	vote(&w, 12 * HOUR + 1, "C", true, "\"request\":\"R\"");
	EXPECT(t, look(&w, FOREVER) && w.s->motions[0].outcome == DUTY_VOTED_OUT);
	EXPECT_SLICE(t, slice_of(fate_of(&w, DUTY_VOTE)), SLICE("the vote was over"));
	world_end(&w);
}

static void before_the_vote_nothing_is_owed_and_the_request_may_be_withdrawn(struct test *t)
{
	struct world w;

	EXPECT(t, world_begin(&w, INSPECT("against 1 of 1 by others")));
	say(&w, 0, inspect);
	say(&w, 5, "\"entry\":\"done\",\"step\":\"admit\"" BY_B);
	EXPECT(t, look(&w, HOUR) && w.s->cases[0].outcome == DUTY_OPEN);
	EXPECT(t, minutes_of(w.s->cases[0].ended) == 12 * HOUR);
	EXPECT_SLICE(t, slice_of(fate_of(&w, DUTY_DONE)),
		     SLICE("it was not decided yet whether the request goes ahead"));
	say(&w, 10, "\"entry\":\"withdraw\"" BY_A);
	EXPECT(t, look(&w, FOREVER) && w.s->cases[0].outcome == DUTY_WITHDRAWN);
	world_end(&w);
}

/* An attack on one: all others are asked at once, each answers for itself. */
static void what_is_asked_of_all_is_owed_by_each(struct test *t)
{
	struct world w;

	EXPECT(t, world_begin(&w, HEAD "duty x.2 \"D\"\nbearer each-party\non request kind assist "
				       "from party\nproof high\ndecide for 2 of 3 by others within "
				       "24h\nmust help within 48h\nlest record stood-aside\n"));
	join(&w, "D");
	say(&w, 0,
	    "\"entry\":\"request\",\"id\":\"R\",\"kind\":\"assist\",\"from\":\"A\",\"to\":\"all\","
	    "\"suspicion\":[0.75,0.9]");
	vote(&w, 60, "B", true, "\"request\":\"R\"");
	EXPECT(t, look(&w, DAY + 1) && w.s->case_count == 3 && w.s->motion_count == 1);
	EXPECT_UINT(t, w.s->cases[0].outcome, DUTY_VOTED_OUT); /* one of three */
	vote(&w, 90, "C", true, "\"request\":\"R\"");
	say(&w, 100, "\"entry\":\"done\",\"step\":\"help\",\"party\":\"B\",\"request\":\"R\"");
	EXPECT(t, look(&w, FOREVER) && minutes_of(w.s->motions[0].at) == 90);
	EXPECT_SLICE(t, w.s->cases[0].bearer, SLICE("B"));
	EXPECT_UINT(t, w.s->cases[0].outcome, DUTY_MET);
	EXPECT_UINT(t, w.s->cases[1].outcome, DUTY_SILENT);
	EXPECT(t, minutes_of(w.s->cases[2].ended) == 90 + 2 * DAY);
	world_end(&w);
}

static void the_suspicion_must_reach_the_standard(struct test *t)
{
	for (int milli = 299; milli <= 301; milli++) {
		struct world w;
		struct slice line;

		EXPECT(t, world_begin(&w, HEAD "duty x.2 \"D\"\nbearer each-party\non request kind "
					       "stop from party\nproof low\nmust act within 1h\n"));
		line = buf_text(&w.a, ASK ",\"suspicion\":[0.%d,1]%c", milli, 0);
		say(&w, 0, (const char *)line.ptr);
		EXPECT(t, look(&w, 1));
		EXPECT_UINT(t, w.s->cases[0].outcome, milli < 300 ? DUTY_NOT_OWED : DUTY_OPEN);
		EXPECT(t, w.s->requests[0].outside == (milli < 300));
		world_end(&w);
	}
}

static void who_is_bound_is_asked_of_the_moment_of_the_request(struct test *t)
{
	static const struct {
		int64_t leaves;
		const char *who;
		enum duty_outcome outcome;
		const char *why;
	} rows[] = {
		{0, "B", DUTY_NOT_OWED, "who was asked was not bound"},
		{0, "A", DUTY_NOT_OWED, "who asked was not bound"},
		{1, "B", DUTY_OPEN, ""}, /* the clock runs on */
		{-1, "B", DUTY_NOT_OWED, "who was asked was not bound"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct world w;
		struct slice line;

		EXPECT(t, world_begin(&w, STOP));
		say(&w, 0, ASK);
		line = buf_text(&w.a, "\"entry\":\"leave\",\"party\":\"%s\",\"instrument\":\"x\"%c",
				rows[i].who, 0);
		say(&w, rows[i].leaves, (const char *)line.ptr);
		EXPECT(t, look(&w, 30));
		EXPECT_UINT(t, w.s->cases[0].outcome, rows[i].outcome);
		EXPECT_SLICE(t, w.s->cases[0].why, slice_of(rows[i].why));
		world_end(&w);
	}
}

/* Reservations of either side, and a party's own assurance. */
static void law_is_what_the_file_says(struct test *t)
{
	struct world w;

	EXPECT(t, world_begin(&w, STOP "admits reserve ; s\nparty B\n"
				       "reserve x.2 ; s, deposited 2020-01-01\n"));
	say(&w, 0, ASK);
	EXPECT(t, look(&w, FOREVER) && w.s->cases[0].outcome == DUTY_NOT_OWED);
	EXPECT_SLICE(t, w.s->cases[0].reserved, SLICE("B"));
	world_end(&w);

	EXPECT(t, world_begin(&w, "instrument x \"X\"\nsource \"s\" mark V\nin-force assured-by B "
				  "2020-01-01\nduty x.2 \"D\"\nbearer each-party\non request kind "
				  "stop from party\nmust act within 1h\n"));
	say(&w, 0, ASK);
	say(&w, 0,
	    "\"entry\":\"request\",\"id\":\"Q\",\"kind\":\"stop\",\"from\":\"B\",\"to\":\"A\"");
	EXPECT(t, look(&w, FOREVER) && w.s->case_count == 1);
	EXPECT_SLICE(t, w.s->cases[0].bearer, SLICE("B"));
	EXPECT_UINT(t, w.s->cases[0].outcome, DUTY_SILENT);
	world_end(&w);
}

/* ---- orders --------------------------------------------------------------------------------- */

static const char order[] =
	"\"entry\":\"order\",\"id\":\"O\",\"target\":\"192.0.2.0/24\",\"bits_per_s\":100,"
	"\"observed_bits_per_s\":1000,\"seconds\":3600,\"exempt\":[\"health\",\"emergency\"]" BY_A;

static void an_order_needs_a_consequence_and_half_of_the_others(struct test *t)
{
	struct world w;

	EXPECT(t, world_begin(&w, STOP));
	join(&w, "D");
	join(&w, "E");
	join(&w, "F");
	say(&w, 0, ASK);
	say(&w, HOUR, order); /* the hour is not over: nothing follows yet */
	EXPECT(t, look(&w, 2 * HOUR));
	EXPECT_UINT(t, w.s->orders[0].state, DUTY_ORDER_BARRED);
	world_end(&w);

	EXPECT(t, world_begin(&w, STOP));
	join(&w, "D");
	join(&w, "E");
	join(&w, "F"); /* A, C, D, E, F: three are half of five */
	say(&w, 0, ASK);
	say(&w, HOUR + 1, order);
	vote(&w, HOUR + 2, "C", true, "\"order\":\"O\"");
	EXPECT(t, look(&w, 2 * HOUR) && w.s->orders[0].electors == 5);
	EXPECT_UINT(t, w.s->orders[0].state, DUTY_ORDER_PROPOSED);
	EXPECT(t, look(&w, FOREVER));
	EXPECT_UINT(t, w.s->orders[0].state, DUTY_ORDER_LAPSED);
	vote(&w, HOUR + 3, "B", true, "\"order\":\"O\""); /* it is about B */
	EXPECT(t, look(&w, 2 * HOUR));
	EXPECT_UINT(t, w.s->orders[0].state, DUTY_ORDER_PROPOSED);
	vote(&w, HOUR + 4, "D", true, "\"order\":\"O\"");
	EXPECT(t, look(&w, 2 * HOUR + 4) && w.s->orders[0].state == DUTY_ORDER_HOLDS);
	EXPECT(t, minutes_of(w.s->orders[0].from) == HOUR + 4 &&
			  minutes_of(w.s->orders[0].until) == 2 * HOUR + 4);
	EXPECT(t, look(&w, 2 * HOUR + 5) && w.s->orders[0].state == DUTY_ORDER_EXPIRED);
	world_end(&w);
}

static void an_order_ends_when_the_duty_is_done_or_its_author_says_so(struct test *t)
{
	for (int lifted = 0; lifted < 2; lifted++) {
		struct world w;

		EXPECT(t, world_begin(&w, STOP));
		say(&w, 0, ASK);
		say(&w, HOUR + 1, order); /* A and C: A is half */
		say(&w, HOUR + 5,
		    lifted ? "\"entry\":\"lift\",\"party\":\"A\",\"order\":\"O\""
			   : "\"entry\":\"done\",\"step\":\"act\"" BY_B);
		EXPECT(t, look(&w, HOUR + 4) && w.s->orders[0].state == DUTY_ORDER_HOLDS);
		EXPECT(t, look(&w, HOUR + 6) && w.s->orders[0].state == DUTY_ORDER_LIFTED);
		EXPECT(t, minutes_of(w.s->orders[0].until) == HOUR + 5);
		world_end(&w);
	}
}

static void names_are_given_once(struct test *t)
{
	struct world w;

	EXPECT(t, world_begin(&w, STOP));
	say(&w, 0, ASK);
	say(&w, 1, ASK);
	say(&w, HOUR + 1, order);
	say(&w, HOUR + 2, order);
	vote(&w, HOUR + 3, "C", true, "\"order\":\"P\"");
	EXPECT(t, look(&w, 2 * HOUR) && w.s->request_count == 1 && w.s->order_count == 1);
	EXPECT_SLICE(t, slice_of(fate_of(&w, DUTY_REQUEST)),
		     SLICE("a request of that name was made before"));
	EXPECT_SLICE(t, slice_of(fate_of(&w, DUTY_ORDER)),
		     SLICE("an order of that name was made before"));
	EXPECT_SLICE(t, slice_of(fate_of(&w, DUTY_VOTE)), SLICE("there is no such order"));
	world_end(&w);
}

static void too_much_work_is_refused(struct test *t)
{
	struct world w;

	EXPECT(t, world_begin(&w, STOP));
	for (int i = 0; i < DUTY_PARTIES_MAX + 1; i++) {
		struct slice line = buf_text(
			&w.a, "\"entry\":\"join\",\"party\":\"P%d\",\"instrument\":\"x\"%c", i, 0);

		say(&w, -DAY, (const char *)line.ptr);
	}
	EXPECT(t, !look(&w, 0));
	EXPECT_UINT(t, w.why.status, ST_LIMIT);
	world_end(&w);
}

/* ---- report cards --------------------------------------------------------------------------- */

static void cards_count_what_came_of_it_and_by_which_way(struct test *t)
{
	struct duty_report r;
	struct world w;

	EXPECT(t, world_begin(&w, HEAD
			      "duty x.2 \"D\"\nbearer each-party\non request kind stop from party\n"
			      "must act within 1h\nmay refuse ground security, own-law\n"
			      "lest presume x.1 respondent-shows b\n"));
	for (int i = 0; i < 5; i++) {
		static const char *const answers[] = {
			"\"entry\":\"done\",\"step\":\"act\"",
			"\"entry\":\"refuse\",\"ground\":\"security\"",
			"\"entry\":\"refuse\",\"ground\":\"own-law\"",
			"\"entry\":\"show\",\"claims\":[{\"atom\":\"b\",\"probability\":[1,1]}]",
			"\"entry\":\"refuse\",\"ground\":\"none of yours\""};
		struct slice ask = buf_text(
				     &w.a,
				     "\"entry\":\"request\",\"id\":\"R%d\",\"kind\":\"stop\","
				     "\"from\":\"A\",\"to\":\"B\"%c",
				     i, 0),
			     answer = buf_text(&w.a, "%s,\"party\":\"B\",\"request\":\"R%d\"%c",
					       answers[i], i, 0);

		say(&w, i * DAY, (const char *)ask.ptr);
		say(&w, i * DAY + i + 1, (const char *)answer.ptr);
	}
	say(&w, 0, ASK ",\"drill\":true");
	say(&w, 0, "\"entry\":\"assert\",\"party\":\"B\",\"answered\":[0.2,0.2]");
	say(&w, 0, "\"entry\":\"assert\",\"party\":\"B\",\"answered\":[0.201,1]");
	EXPECT(t, look(&w, FOREVER) && duty_report(w.s, &w.a, &r, &w.why) == ST_OK);
	EXPECT(t, r.clause_count == 1 && r.party_count == 1);
	EXPECT_SLICE(t, r.parties[0].name, SLICE("B"));
	EXPECT(t, r.parties[0].cases == 5 && r.parties[0].drills == 1);
	EXPECT(t, r.parties[0].outcomes[DUTY_MET] == 1 && r.parties[0].outcomes[DUTY_REFUSED] == 2);
	EXPECT(t, r.parties[0].outcomes[DUTY_UNDONE] == 1 &&
			  r.parties[0].outcomes[DUTY_GROUNDLESS] == 1);
	EXPECT(t, r.parties[0].signs.count == 5 && r.parties[0].signs.median_s == 180 &&
			  r.parties[0].signs.p90_s == 300 && r.parties[0].signs.most_s == 300);
	/* security and the open term b, of five */
	EXPECT_UINT(t, (unsigned)r.parties[0].loophole, 400);
	EXPECT_UINT(t, r.parties[0].way_count, 3);
	EXPECT(t, r.checks[0].ended == 5 && r.checks[0].done == 1 && !r.checks[0].contradicted);
	EXPECT(t, r.checks[1].contradicted);
	world_end(&w);
}

TESTS(T(a_quorum_is_met_by_the_share_and_not_by_one_less), T(of_nobody_there_is_no_quorum),
      T(the_last_word_counts_until_it_is_settled),
      T(before_the_vote_nothing_is_owed_and_the_request_may_be_withdrawn),
      T(what_is_asked_of_all_is_owed_by_each), T(the_suspicion_must_reach_the_standard),
      T(who_is_bound_is_asked_of_the_moment_of_the_request), T(law_is_what_the_file_says),
      T(an_order_needs_a_consequence_and_half_of_the_others),
      T(an_order_ends_when_the_duty_is_done_or_its_author_says_so), T(names_are_given_once),
      T(too_much_work_is_refused), T(cards_count_what_came_of_it_and_by_which_way))
