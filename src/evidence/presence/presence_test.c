/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/presence/presence.h"

#include <stdlib.h>

#include "test.h"

#define S TIME_NS_PER_S
#define AT(s) ((struct wall_ns){(s)*S})

static struct arena_pool pool = {.budget = 64 << 20};
static struct arena arena = {.pool = &pool};
static const struct presence_options usual = {.timely_ns = 300 * S};

static struct presence_note life(int64_t from, int64_t to)
{
	return (struct presence_note){
		.kind = PRESENCE_LIFE, .at = AT(to), .from = AT(from), .to = AT(to)};
}

static struct presence_note gap(int64_t from, int64_t to, const char *reason, const char *where)
{
	return (struct presence_note){.kind = PRESENCE_GAP,
				      .at = AT(to != 0 ? to : from),
				      .from = AT(from),
				      .to = AT(to),
				      .silent = true,
				      .reason = slice_of(reason),
				      .says = SLICE("silent: it is said why"),
				      .where = slice_of(where)};
}

static struct presence_note word(enum presence_kind kind, int64_t at)
{
	return (struct presence_note){.kind = kind, .at = AT(at)};
}

static struct presence_report of(const struct presence_note *notes, size_t n,
				 const struct presence_options *o)
{
	struct presence_report r;
	struct fail why;

	if (presence_of(notes, n, o, &arena, &r, &why) != ST_OK)
		abort();
	return r;
}

#define OF(notes) of(notes, sizeof(notes) / sizeof((notes)[0]), &usual)

static bool is(const struct presence_period *p, int64_t from, int64_t to, bool watched,
	       const char *reason)
{
	return p->from.ns == from * S && p->to.ns == to * S && p->watched == watched &&
	       slice_equal(p->reason, slice_of(reason));
}

static void nothing_said_is_no_time(struct test *t)
{
	struct presence_report r = of(NULL, 0, &usual);

	EXPECT_UINT(t, r.count, 0);
	EXPECT(t, r.all_ns == 0 && r.watched_ns == 0);
	EXPECT_UINT(t, presence_share(0, 0), 0);
}

static void a_time_that_no_sign_covers_is_silent_cause_unknown(struct test *t)
{
	struct presence_note notes[] = {word(PRESENCE_BEGIN, 0), life(0, 10), life(10, 20),
					life(50, 60)};
	struct presence_report r = OF(notes);

	EXPECT_UINT(t, r.count, 3);
	EXPECT(t, is(&r.periods[0], 0, 20, true, ""));
	EXPECT(t, is(&r.periods[1], 20, 50, false, ""));
	EXPECT(t, slice_equal(r.periods[1].says, SLICE("silent, cause unknown")));
	EXPECT(t, is(&r.periods[2], 50, 60, true, ""));
	EXPECT(t, r.all_ns == 60 * S && r.watched_ns == 30 * S);
	EXPECT_UINT(t, presence_share(r.watched_ns, r.all_ns), 500000);
}

static void a_gap_takes_back_what_a_sign_covers(struct test *t)
{
	struct presence_note notes[] = {life(0, 100), gap(40, 60, "link", "eth1")};
	struct presence_report r = OF(notes);

	EXPECT_UINT(t, r.count, 3);
	EXPECT(t, is(&r.periods[1], 40, 60, false, "link"));
	EXPECT(t, slice_equal(r.periods[1].where, SLICE("eth1")));
	EXPECT(t, r.watched_ns == 80 * S);
}

static void gaps_that_overlap_are_silence_once(struct test *t)
{
	struct presence_note notes[] = {life(0, 100), gap(40, 60, "link", "eth1"),
					gap(50, 90, "link", "eth2"), gap(55, 56, "quiet", "")};
	struct presence_report r = OF(notes);

	EXPECT_UINT(t, r.count, 3);
	EXPECT(t, is(&r.periods[1], 40, 90, false, "link"));
	EXPECT(t, slice_equal(r.periods[1].where, SLICE("eth2"))); /* that of most of it */
	EXPECT(t, r.watched_ns == 50 * S);
}

static void an_open_gap_ends_where_it_is_told_again(struct test *t)
{
	struct presence_note notes[] = {life(0, 50), gap(40, 0, "link", "eth1"), life(50, 100),
					gap(40, 60, "link", "eth1")};
	struct presence_report r = OF(notes);

	EXPECT_UINT(t, r.count, 3);
	EXPECT(t, is(&r.periods[1], 40, 60, false, "link"));
}

static void an_open_gap_that_is_not_told_again_goes_on_to_the_next_begin(struct test *t)
{
	struct presence_note notes[] = {life(0, 50), gap(40, 0, "crash", ""),
					gap(45, 80, "crash", ""), word(PRESENCE_BEGIN, 80),
					life(80, 100)};
	struct presence_report r = OF(notes);

	EXPECT_UINT(t, r.count, 3);
	EXPECT(t, is(&r.periods[1], 40, 80, false, "crash"));
	EXPECT(t, is(&r.periods[2], 80, 100, true, ""));
}

static void or_to_the_end_of_what_is_known(struct test *t)
{
	struct presence_note notes[] = {life(0, 50), gap(40, 0, "gone", "eth1"), life(50, 100)};
	struct presence_report r = OF(notes);

	EXPECT_UINT(t, r.count, 2);
	EXPECT(t, is(&r.periods[1], 40, 100, false, "gone"));
}

static void a_clock_set_back_puts_the_time_between_in_doubt(struct test *t)
{
	struct presence_note notes[] = {life(0, 100), gap(100, 30, "clock-back", ""), life(30, 50)};
	struct presence_report r = OF(notes);

	EXPECT_UINT(t, r.count, 2);
	EXPECT(t, is(&r.periods[0], 0, 30, true, ""));
	EXPECT(t, is(&r.periods[1], 30, 100, false, "clock-back"));
}

static void a_sign_that_ends_before_it_begins_covers_nothing(struct test *t)
{
	struct presence_note notes[] = {life(12, 1), life(20, 30)};
	struct presence_report r = OF(notes);

	EXPECT(t, r.all_ns == 29 * S && r.watched_ns == 10 * S);
}

static void losses_are_counted_and_are_no_silence(struct test *t)
{
	struct presence_note notes[] = {life(0, 100), gap(10, 20, "drops", "eth1"),
					gap(30, 31, "behind", "")};
	struct presence_report r;

	notes[1].silent = notes[2].silent = false;
	notes[1].packets = 7;
	notes[2].events = 3;
	r = OF(notes);
	EXPECT_UINT(t, r.count, 1);
	EXPECT_UINT(t, r.loss_count, 2);
	EXPECT(t, r.losses[1] == &notes[2]);
	EXPECT(t, r.lost_packets == 7 && r.lost_events == 3);
	EXPECT(t, r.watched_ns == 100 * S);
}

static void what_was_sealed_too_late_is_watched_and_not_in_time(struct test *t)
{
	struct presence_note notes[] = {life(0, 100), life(100, 200), life(200, 300)};
	struct presence_report r;

	notes[1].at = AT(200 + 300); /* just in time */
	notes[2].at = (struct wall_ns){(300 + 300) * S + 1};
	r = OF(notes);
	EXPECT(t, r.watched_ns == 300 * S);
	EXPECT(t, r.timely_ns == 200 * S);
}

static void a_stranger_sees_silence_between_signs_that_are_far_apart(struct test *t)
{
	struct presence_options o = {.timely_ns = S, .within_ns = 10 * S};
	struct presence_note notes[] = {word(PRESENCE_SIGN, 0), word(PRESENCE_SIGN, 10),
					word(PRESENCE_SIGN, 21), word(PRESENCE_SIGN, 25)};
	struct presence_report r = of(notes, 4, &o);

	EXPECT_UINT(t, r.count, 3);
	EXPECT(t, is(&r.periods[0], 0, 10, true, ""));
	EXPECT(t, is(&r.periods[1], 10, 21, false, ""));
	EXPECT(t, is(&r.periods[2], 21, 25, true, ""));
}

/* Against a model that looks at each second. */
static void periods_are_those_of_a_model(struct test *t)
{
	enum { SECONDS = 200, NOTES = 40 };

	for (unsigned round = 0; round < 500; round++) {
		struct presence_note notes[NOTES];
		struct presence_report r;
		int64_t watched = 0, first = SECONDS, last = 0, sum = 0;
		size_t n = 1 + test_rand(t) % NOTES;

		for (size_t i = 0; i < n; i++) {
			int64_t from = 1 + (int64_t)(test_rand(t) % (SECONDS - 1));
			int64_t to = from + (int64_t)(test_rand(t) % 20);

			notes[i] = test_rand(t) % 3 ? life(from, to) : gap(from, to, "x", "");
			first = from < first ? from : first;
			last = to > last ? to : last;
		}
		for (int64_t s = first; s < last; s++) {
			bool covered = false, silent = false;

			for (size_t i = 0; i < n; i++) {
				bool in = notes[i].from.ns <= s * S && s * S < notes[i].to.ns;

				covered |= in && notes[i].kind == PRESENCE_LIFE;
				silent |= in && notes[i].kind == PRESENCE_GAP;
			}
			watched += covered && !silent;
		}
		r = of(notes, n, &usual);
		EXPECT(t, r.watched_ns == watched * S);
		EXPECT(t, r.all_ns == (last - first) * S);
		for (size_t i = 0; i < r.count; i++) {
			sum += r.periods[i].to.ns - r.periods[i].from.ns;
			EXPECT(t, i == 0 || r.periods[i].from.ns == r.periods[i - 1].to.ns);
			EXPECT(t, i == 0 || r.periods[i].watched != r.periods[i - 1].watched);
		}
		EXPECT(t, sum == r.all_ns);
		arena_reset(&arena);
	}
}

static void out_of_memory_is_said(struct test *t)
{
	struct presence_note notes[] = {life(0, 100), gap(40, 60, "link", "eth1"), life(150, 200)};
	struct presence_report r;
	struct fail why;

	for (size_t k = 1;; k++) {
		struct arena_pool small = {.budget = 1 << 20, .fail_after = k};
		struct arena a = {.pool = &small};
		enum status st = presence_of(notes, 3, &usual, &a, &r, &why);

		arena_reset(&a);
		EXPECT_UINT(t, small.out, 0);
		arena_pool_drain(&small);
		if (st == ST_OK)
			break;
		EXPECT_UINT(t, st, ST_NOMEM);
	}
}

TESTS(T(nothing_said_is_no_time), T(a_time_that_no_sign_covers_is_silent_cause_unknown),
      T(a_gap_takes_back_what_a_sign_covers), T(gaps_that_overlap_are_silence_once),
      T(an_open_gap_ends_where_it_is_told_again),
      T(an_open_gap_that_is_not_told_again_goes_on_to_the_next_begin),
      T(or_to_the_end_of_what_is_known), T(a_clock_set_back_puts_the_time_between_in_doubt),
      T(a_sign_that_ends_before_it_begins_covers_nothing), T(losses_are_counted_and_are_no_silence),
      T(what_was_sealed_too_late_is_watched_and_not_in_time),
      T(a_stranger_sees_silence_between_signs_that_are_far_apart), T(periods_are_those_of_a_model),
      T(out_of_memory_is_said))
