/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/duty/ledger_test.h"

#define DUTY HEAD "duty x.2 \"D\"\nbearer each-party\non request kind stop from party\n"
#define TIMED                                                                                      \
	DUTY "must acknowledge within 1h\nmust act within 24h\n"                                   \
	     "may refuse ground security, own-law giving reasons\nlest record no-answer\n"         \
	     "lest presume x.1 respondent-shows b\n"

struct story {
	const char *name;
	struct {
		int64_t at;
		const char *rest;
	} lines[6];
	enum duty_outcome outcome;
	enum duty_will will;
	int64_t ended;
};

#define DONE(step) "\"entry\":\"done\",\"step\":" step BY_B
#define REFUSE(ground) "\"entry\":\"refuse\",\"ground\":\"" ground "\",\"reasons\":\"r\"" BY_B

static const struct story stories[] = {
	{"done in time",
	 {{10, DONE("\"acknowledge\"")}, {DAY, DONE("\"act\"")}},
	 DUTY_MET,
	 DUTY_WILLING,
	 DAY},
	{"both at once", {{HOUR, DONE("[\"act\",\"acknowledge\"]")}}, DUTY_MET, DUTY_WILLING, HOUR},
	{"silence", {{0, ""}}, DUTY_SILENT, DUTY_UNTOLD, DAY},
	{"heard of, not done", {{10, DONE("\"acknowledge\"")}}, DUTY_UNDONE, DUTY_WILL_NOT, DAY},
	{"a minute late",
	 {{10, DONE("\"acknowledge\"")}, {DAY + 1, DONE("\"act\"")}},
	 DUTY_LATE,
	 DUTY_WILLING,
	 DAY},
	{"a listed ground", {{10, REFUSE("security")}}, DUTY_REFUSED, DUTY_EXCUSED, 10},
	{"another word is no ground",
	 {{10, REFUSE("no will")}},
	 DUTY_GROUNDLESS,
	 DUTY_WILL_NOT,
	 DAY},
	{"a ground that only another clause lists",
	 {{10, REFUSE("sovereignty")}},
	 DUTY_GROUNDLESS,
	 DUTY_WILL_NOT,
	 DAY},
	{"no ground, and done after all",
	 {{10, REFUSE("no will")}, {20, DONE("[\"acknowledge\",\"act\"]")}},
	 DUTY_MET,
	 DUTY_WILLING,
	 20},
	{"no ground, then a listed one",
	 {{10, REFUSE("no will")}, {20, REFUSE("own-law")}},
	 DUTY_REFUSED,
	 DUTY_EXCUSED,
	 20},
	{"a refusal behind the deadline is none",
	 {{DAY + 1, REFUSE("security")}},
	 DUTY_SILENT,
	 DUTY_UNTOLD,
	 DAY},
	{"unable",
	 {{10, "\"entry\":\"unable\",\"lacks\":\"people\"" BY_B}},
	 DUTY_INCAPABLE,
	 DUTY_CANNOT,
	 DAY},
	{"unable, and helped",
	 {{10, "\"entry\":\"unable\",\"lacks\":\"people\"" BY_B},
	  {20, "\"entry\":\"offer\",\"help\":\"two\"" BY_A},
	  {30, "\"entry\":\"accept\"" BY_B}},
	 DUTY_INCAPABLE,
	 DUTY_CANNOT,
	 DAY},
	{"unable, and refused help",
	 {{10, "\"entry\":\"unable\",\"lacks\":\"people\"" BY_B},
	  {20, "\"entry\":\"offer\",\"help\":\"two\"" BY_A},
	  {30, "\"entry\":\"decline\"" BY_B}},
	 DUTY_UNDONE,
	 DUTY_WILL_NOT,
	 DAY},
	{"unable, and silent to help",
	 {{10, "\"entry\":\"unable\",\"lacks\":\"people\"" BY_B},
	  {20, "\"entry\":\"offer\",\"help\":\"two\"" BY_A}},
	 DUTY_UNDONE,
	 DUTY_WILL_NOT,
	 DAY},
	{"unable, said behind the deadline",
	 {{DAY + 1, "\"entry\":\"unable\",\"lacks\":\"people\"" BY_B}},
	 DUTY_SILENT,
	 DUTY_UNTOLD,
	 DAY},
	{"withdrawn", {{10, "\"entry\":\"withdraw\"" BY_A}}, DUTY_WITHDRAWN, DUTY_UNTOLD, 10},
};

static bool tell(struct world *w, const char *treaty, const struct story *s)
{
	if (!world_begin(w, treaty))
		return false;
	say(w, 0, ASK);
	for (size_t i = 0; i < 6 && s->lines[i].rest != NULL; i++)
		if (*s->lines[i].rest != '\0')
			say(w, s->lines[i].at, s->lines[i].rest);
	return true;
}

static void each_story_comes_to_its_end(struct test *t)
{
	for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
		const struct story *s = &stories[i];
		struct world w;

		EXPECT(t, tell(&w, TIMED, s) && look(&w, FOREVER));
		EXPECT_UINT(t, w.s->case_count, 1);
		if (w.s->cases[0].outcome != s->outcome ||
		    duty_will_of(w.s->cases[0].outcome) != s->will ||
		    minutes_of(w.s->cases[0].ended) != s->ended)
			test_fail(t, __FILE__, __LINE__, "%s: %s, %s at %lld", s->name,
				  duty_outcome_names[w.s->cases[0].outcome],
				  duty_will_names[duty_will_of(w.s->cases[0].outcome)],
				  (long long)minutes_of(w.s->cases[0].ended));
		world_end(&w);
	}
}

/* At the moment of the deadline one is in time; what happens by itself happens behind it. */
static void a_deadline_is_kept_to_the_nanosecond(struct test *t)
{
	static const struct {
		const char *at;
		enum duty_outcome outcome;
	} rows[] = {
		{"2026-01-06T00:00:00Z", DUTY_MET},
		{"2026-01-06T00:00:00.000000001Z", DUTY_LATE},
		{"2026-01-05T23:59:59.999999999Z", DUTY_MET},
	};

	for (size_t i = 0; i < 3; i++) {
		struct world w;

		EXPECT(t, world_begin(&w, DUTY "must act within 24h\n"));
		say(&w, 0, ASK);
		buf_add_fmt(&w.text, "{\"at\":\"%s\",%s}\n", rows[i].at, DONE("\"act\""));
		EXPECT(t, look(&w, FOREVER));
		EXPECT_UINT(t, w.s->cases[0].outcome, rows[i].outcome);
		world_end(&w);
	}
}

static void silence_is_found_by_looking_and_not_before(struct test *t)
{
	for (int64_t minutes = DAY - 1; minutes <= DAY + 1; minutes++) {
		struct world w;

		EXPECT(t, world_begin(&w, TIMED));
		say(&w, 0, ASK);
		EXPECT(t, look(&w, minutes));
		EXPECT_UINT(t, w.s->cases[0].outcome, minutes <= DAY ? DUTY_OPEN : DUTY_SILENT);
		EXPECT(t, minutes_of(w.s->cases[0].ended) == DAY);
		/* the first deadline had passed: what was agreed for that followed then */
		EXPECT_UINT(t, w.s->cases[0].lest[0].effect, DUTY_FOLLOWS);
		EXPECT(t, minutes_of(w.s->cases[0].lest[0].at) == HOUR);
		world_end(&w);
	}
}

static void without_a_number_nothing_is_ever_in_time(struct test *t)
{
	struct world w;

	EXPECT(t, world_begin(&w, DUTY "must act no-number\nlest record no-answer\n"
				       "lest presume x.1\n"));
	say(&w, 0, ASK);
	say(&w, 10, DONE("\"act\""));
	EXPECT(t, look(&w, FOREVER));
	EXPECT_UINT(t, w.s->cases[0].outcome, DUTY_MEASURED);
	EXPECT(t, minutes_of(w.s->cases[0].delivered) == 10 && !w.s->cases[0].no_number);
	world_end(&w);

	EXPECT(t, world_begin(&w, DUTY "must act no-number\nlest record no-answer\n"
				       "lest presume x.1\n"));
	say(&w, 0, ASK);
	EXPECT(t, look(&w, 366 * DAY) && w.s->cases[0].outcome == DUTY_OPEN);
	EXPECT(t, look(&w, 366 * DAY + 1) && w.s->cases[0].outcome == DUTY_SILENT);
	EXPECT(t, w.s->cases[0].no_number);
	EXPECT_UINT(t, w.s->cases[0].lest[0].effect, DUTY_FOLLOWS);
	EXPECT_UINT(t, w.s->cases[0].lest[1].effect, DUTY_WITHHELD);
	world_end(&w);
}

/* Where no deadline runs there is nothing to wait for, and the refusal is what was missed. */
static void a_groundless_refusal_without_a_number_ends_at_once(struct test *t)
{
	struct world w;

	EXPECT(t, world_begin(&w, DUTY "must act no-number\nlest presume x.1\n"));
	say(&w, 0, ASK);
	say(&w, 30, REFUSE("the treaty does not cover it"));
	EXPECT(t, look(&w, 30));
	EXPECT_UINT(t, w.s->cases[0].outcome, DUTY_GROUNDLESS);
	EXPECT_UINT(t, w.s->cases[0].lest[0].effect, DUTY_FOLLOWS);
	EXPECT_SLICE(t, w.s->cases[0].said, SLICE("the treaty does not cover it"));
	say(&w, 40, DONE("\"act\""));
	EXPECT(t, look(&w, 40));
	EXPECT_UINT(t, w.s->cases[0].outcome, DUTY_LATE);
	EXPECT_UINT(t, w.s->cases[0].lest[0].effect, DUTY_FOLLOWS); /* it stays on record */
	world_end(&w);
}

static void consequences_follow_states_and_nothing_else(struct test *t)
{
	static const struct {
		const char *line;
		enum duty_effect record, presumption;
	} rows[] = {
		{"", DUTY_FOLLOWS, DUTY_FOLLOWS},
		{DONE("[\"acknowledge\",\"act\"]"), DUTY_NO_EFFECT, DUTY_NO_EFFECT},
		{REFUSE("security"), DUTY_NO_EFFECT, DUTY_NO_EFFECT},
		{REFUSE("no will"), DUTY_FOLLOWS, DUTY_FOLLOWS},
		{"\"entry\":\"withdraw\"" BY_A, DUTY_NO_EFFECT, DUTY_NO_EFFECT},
		{"\"entry\":\"unable\",\"lacks\":\"people\"" BY_B, DUTY_WITHHELD, DUTY_WITHHELD},
		{"\"entry\":\"show\",\"claims\":[{\"atom\":\"b\",\"probability\":[0.75,1]}]" BY_B,
		 DUTY_FOLLOWS, DUTY_REBUTTED},
		{"\"entry\":\"show\",\"claims\":[{\"atom\":\"b\",\"probability\":[0.749,1]}]" BY_B,
		 DUTY_FOLLOWS, DUTY_FOLLOWS},
		/* who asked cannot show it for the other */
		{"\"entry\":\"show\",\"claims\":[{\"atom\":\"b\",\"probability\":[1,1]}]" BY_A,
		 DUTY_FOLLOWS, DUTY_FOLLOWS},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct world w;

		EXPECT(t, world_begin(&w, TIMED));
		say(&w, 0, ASK);
		if (*rows[i].line != '\0')
			say(&w, 5, rows[i].line);
		EXPECT(t, look(&w, FOREVER));
		if (w.s->cases[0].lest[0].effect != rows[i].record ||
		    w.s->cases[0].lest[1].effect != rows[i].presumption)
			test_fail(t, __FILE__, __LINE__, "row %zu: %s, %s", i,
				  duty_effect_names[w.s->cases[0].lest[0].effect],
				  duty_effect_names[w.s->cases[0].lest[1].effect]);
		EXPECT(t, w.s->cases[0].lest[1].by_open_term ==
				  (rows[i].presumption == DUTY_REBUTTED));
		world_end(&w);
	}
}

static void reasons_that_the_clause_wants_are_missed(struct test *t)
{
	for (int with = 0; with < 2; with++) {
		struct world w;

		EXPECT(t, world_begin(&w, TIMED));
		say(&w, 0, ASK);
		say(&w, 5,
		    with ? REFUSE("security")
			 : "\"entry\":\"refuse\",\"ground\":\"security\"" BY_B);
		EXPECT(t, look(&w, 5));
		EXPECT_UINT(t, w.s->cases[0].outcome, DUTY_REFUSED);
		EXPECT(t, w.s->cases[0].reasons_missing == !with);
		world_end(&w);
	}
}

static void a_part_may_be_refused(struct test *t)
{
	struct world w;

	EXPECT(t, world_begin(&w, TIMED));
	say(&w, 0, ASK);
	say(&w, 5, "\"entry\":\"refuse\",\"ground\":\"security\",\"step\":\"act\"" BY_B);
	EXPECT(t, look(&w, 5) && w.s->cases[0].outcome == DUTY_OPEN);
	say(&w, 6, DONE("\"acknowledge\""));
	EXPECT(t, look(&w, 6));
	EXPECT_UINT(t, w.s->cases[0].outcome, DUTY_REFUSED);
	world_end(&w);
}

/* ---- clocks --------------------------------------------------------------------------------- */

#define CHAIN                                                                                      \
	DUTY "must serve within 10d\nmust return within 20d after serve\nmust hold for 60d after " \
	     "serve\nmay extend by 5d\nmay pause for 48h\n"

static int64_t due(const struct world *w, size_t step)
{
	return minutes_of(w->s->cases[0].steps[step].due);
}

static void a_clock_begins_when_what_it_waits_for_is_done(struct test *t)
{
	struct world w;

	EXPECT(t, world_begin(&w, CHAIN));
	say(&w, 0, ASK);
	EXPECT(t, look(&w, 0));
	EXPECT_UINT(t, w.s->cases[0].steps[1].status, DUTY_STEP_WAITS);
	say(&w, 1, DONE("\"return\""));
	say(&w, 3 * DAY, DONE("\"serve\""));
	EXPECT(t, look(&w, 3 * DAY));
	EXPECT_UINT(t, w.s->cases[0].steps[1].status, DUTY_STEP_RUNS);
	EXPECT(t, due(&w, 1) == 23 * DAY && due(&w, 2) == 63 * DAY);
	say(&w, 4 * DAY, DONE("\"return\""));
	EXPECT(t, look(&w, 63 * DAY) && w.s->cases[0].outcome == DUTY_OPEN);
	EXPECT(t, look(&w, FOREVER) && w.s->cases[0].outcome == DUTY_MET);
	EXPECT(t, minutes_of(w.s->cases[0].ended) == 63 * DAY);
	EXPECT(t, minutes_of(w.s->cases[0].decided) == 3 * DAY);
	say(&w, 50 * DAY, "\"entry\":\"lost\",\"step\":\"hold\"" BY_B);
	EXPECT(t, look(&w, FOREVER));
	EXPECT_UINT(t, w.s->cases[0].outcome, DUTY_UNDONE);
	EXPECT_UINT(t, w.s->cases[0].steps[2].status, DUTY_STEP_BROKEN);
	world_end(&w);
}

static void what_waited_for_what_was_missed_never_begins(struct test *t)
{
	struct world w;

	EXPECT(t, world_begin(&w, CHAIN));
	say(&w, 0, ASK);
	EXPECT(t, look(&w, FOREVER));
	EXPECT_UINT(t, w.s->cases[0].outcome, DUTY_SILENT);
	EXPECT(t, minutes_of(w.s->cases[0].ended) == 10 * DAY);
	EXPECT_UINT(t, w.s->cases[0].steps[2].status, DUTY_STEP_DROPPED);
	say(&w, 11 * DAY, DONE("[\"serve\",\"return\"]"));
	EXPECT(t, look(&w, FOREVER));
	EXPECT_UINT(t, w.s->cases[0].outcome, DUTY_LATE);
	world_end(&w);
}

static void an_extension_is_given_once_and_only_where_it_stands(struct test *t)
{
	static const char extend[] = "\"entry\":\"extend\"" BY_B;
	struct world w;

	EXPECT(t, world_begin(&w, CHAIN));
	say(&w, 0, ASK);
	say(&w, DAY, extend);
	EXPECT(t, look(&w, DAY) && due(&w, 0) == 15 * DAY);
	say(&w, 2 * DAY, extend);
	EXPECT(t, look(&w, 2 * DAY) && due(&w, 0) == 15 * DAY);
	EXPECT_SLICE(t, slice_of(fate_of(&w, DUTY_EXTEND)), SLICE("it was extended before"));
	world_end(&w);

	EXPECT(t, world_begin(&w, TIMED));
	say(&w, 0, ASK);
	say(&w, 1, extend);
	EXPECT(t, look(&w, 1) && due(&w, 1) == DAY);
	EXPECT_SLICE(t, slice_of(fate_of(&w, DUTY_EXTEND)),
		     SLICE("the clause grants no extension"));
	world_end(&w);
}

static void a_clock_stands_still_no_longer_than_the_clause_says(struct test *t)
{
	static const char incomplete[] = "\"entry\":\"incomplete\",\"lacks\":\"hashes\"" BY_B;
	static const char complete[] = "\"entry\":\"complete\"" BY_A;
	struct world w;

	EXPECT(t, world_begin(&w, CHAIN));
	say(&w, 0, ASK);
	say(&w, DAY, incomplete);
	say(&w, 2 * DAY, complete);
	EXPECT(t, look(&w, 2 * DAY) && due(&w, 0) == 11 * DAY);
	say(&w, 3 * DAY, incomplete); /* a day is left, and nobody completes it */
	EXPECT(t, look(&w, 20 * DAY) && due(&w, 0) == 12 * DAY);
	EXPECT(t, minutes_of(w.s->cases[0].ended) == 12 * DAY);
	say(&w, 5 * DAY, incomplete);
	EXPECT(t, look(&w, 20 * DAY) && due(&w, 0) == 12 * DAY);
	EXPECT_SLICE(t, slice_of(fate_of(&w, DUTY_INCOMPLETE)),
		     SLICE("all that the clause grants was used up"));
	world_end(&w);

	EXPECT(t, world_begin(&w, TIMED));
	say(&w, 0, ASK);
	say(&w, 1, incomplete);
	EXPECT(t, look(&w, 1) && due(&w, 1) == DAY);
	EXPECT_SLICE(t, slice_of(fate_of(&w, DUTY_INCOMPLETE)),
		     SLICE("the clause lets nobody stop the clock"));
	world_end(&w);
}

static void who_asked_may_give_more_time_but_not_for_ever(struct test *t)
{
	struct world w;

	EXPECT(t, world_begin(&w, DUTY "must act within 24h\n"));
	say(&w, 0, ASK);
	for (int i = 0; i < DUTY_GRANTS_MAX + 1; i++)
		say(&w, i + 1, "\"entry\":\"grant\",\"by\":\"1d\"" BY_A);
	EXPECT(t, look(&w, HOUR) && due(&w, 0) == (1 + DUTY_GRANTS_MAX) * DAY);
	EXPECT_SLICE(t, slice_of(fate_of(&w, DUTY_GRANT)),
		     SLICE("more time was granted eight times"));
	world_end(&w);

	EXPECT(t, world_begin(&w, DUTY "must act within 24h\n"));
	say(&w, 0, ASK);
	say(&w, 1, "\"entry\":\"grant\",\"by\":\"366d\"" BY_A);
	EXPECT(t, look(&w, 1) && due(&w, 0) == DAY);
	say(&w, 2, "\"entry\":\"grant\",\"by\":\"365d\"" BY_A);
	EXPECT(t, look(&w, 2) && due(&w, 0) == 366 * DAY);
	world_end(&w);
}

/* What a party says of its calendar later moves no clock that runs. */
static void the_calendar_is_that_of_the_request(struct test *t)
{
	static const char holiday[] =
		"\"entry\":\"calendar\",\"party\":\"B\",\"holidays\":[\"2026-01-06\"]";
	struct world w;

	for (int late = 0; late < 2; late++) {
		EXPECT(t, world_begin(&w, DUTY "must act within 1wd\n"));
		say(&w, 0, ASK);
		say(&w, late, holiday);
		EXPECT(t, look(&w, HOUR) && due(&w, 0) == (late ? 2 * DAY : 3 * DAY));
		world_end(&w);
	}
}

static void only_those_may_speak_whose_word_it_is(struct test *t)
{
	static const struct {
		const char *line, *why;
		enum duty_word word;
	} rows[] = {
		{"\"entry\":\"done\",\"step\":\"act\"" BY_A, "only who is asked can say that",
		 DUTY_DONE},
		{"\"entry\":\"withdraw\"" BY_B, "only who asked can say that", DUTY_WITHDRAW},
		{"\"entry\":\"offer\",\"help\":\"h\"" BY_B, "nobody helps himself", DUTY_OFFER},
		{"\"entry\":\"accept\"" BY_B, "no help had been offered", DUTY_ACCEPT},
		{"\"entry\":\"done\",\"step\":\"sing\"" BY_B, "the duty has no such step",
		 DUTY_DONE},
		{"\"entry\":\"contest\",\"step\":\"act\"" BY_A,
		 "nothing of that name is said to have been done", DUTY_CONTEST},
		{"\"entry\":\"complete\"" BY_A, "no clock stood still", DUTY_COMPLETE},
		{"\"entry\":\"done\",\"step\":\"act\",\"party\":\"B\",\"request\":\"Q\"",
		 "there is no such request", DUTY_DONE},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct world w;

		EXPECT(t, world_begin(&w, TIMED));
		say(&w, 0, ASK);
		say(&w, 5, rows[i].line);
		EXPECT(t, look(&w, HOUR));
		EXPECT_SLICE(t, slice_of(fate_of(&w, rows[i].word)), slice_of(rows[i].why));
		EXPECT_UINT(t, w.s->cases[0].outcome, DUTY_OPEN);
		world_end(&w);
	}
}

static void who_asked_may_contest_what_was_done(struct test *t)
{
	struct world w;

	EXPECT(t, world_begin(&w, TIMED));
	say(&w, 0, ASK);
	say(&w, 5, DONE("[\"acknowledge\",\"act\"]"));
	say(&w, 9, "\"entry\":\"contest\",\"step\":\"act\"" BY_A);
	EXPECT(t, look(&w, 9));
	EXPECT_UINT(t, w.s->cases[0].outcome, DUTY_MET);
	EXPECT(t, w.s->cases[0].steps[1].contested && !w.s->cases[0].steps[0].contested);
	world_end(&w);
}

TESTS(T(each_story_comes_to_its_end), T(a_deadline_is_kept_to_the_nanosecond),
      T(silence_is_found_by_looking_and_not_before), T(without_a_number_nothing_is_ever_in_time),
      T(a_groundless_refusal_without_a_number_ends_at_once),
      T(consequences_follow_states_and_nothing_else), T(reasons_that_the_clause_wants_are_missed),
      T(a_part_may_be_refused), T(a_clock_begins_when_what_it_waits_for_is_done),
      T(what_waited_for_what_was_missed_never_begins),
      T(an_extension_is_given_once_and_only_where_it_stands),
      T(a_clock_stands_still_no_longer_than_the_clause_says),
      T(who_asked_may_give_more_time_but_not_for_ever), T(the_calendar_is_that_of_the_request),
      T(only_those_may_speak_whose_word_it_is), T(who_asked_may_contest_what_was_done))
