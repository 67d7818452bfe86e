/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/sealing.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "daemon/daemon_priv.h"
#include "daemon/sealing_priv.h"
#include "os/clock.h"
#include "test.h"

#define MS TIME_NS_PER_MS

static struct arena_pool pool = {.budget = 256 << 20};

/* ---- messages ---- */

static void fields_come_back_as_they_were_packed(struct test *t)
{
	struct arena a = {.pool = &pool};
	struct buf b = buf_in(&a);
	struct record_field in[] = {{SLICE(""), SLICE("timestamp"), SLICE("\"2026\"")},
				    {SLICE("alert"), SLICE("signature_id"), SLICE("7")},
				    {SLICE("alert"), SLICE("signature"), SLICE("\"x\"")}};
	struct record_field out[RECORD_FIELDS_MAX];
	struct slice all;

	daemon_sealing_pack_fields(in, 3, &b);
	all = buf_slice(&b);
	EXPECT(t, daemon_sealing_unpack_fields(all, 3, out));
	for (size_t i = 0; i < 3; i++) {
		EXPECT_SLICE(t, out[i].group, in[i].group);
		EXPECT_SLICE(t, out[i].name, in[i].name);
		EXPECT_SLICE(t, out[i].json, in[i].json);
	}
	for (size_t n = 0; n < all.len; n++)
		EXPECT(t, !daemon_sealing_unpack_fields(slice_part(all, 0, n), 3, out));
	EXPECT(t, !daemon_sealing_unpack_fields(all, 2, out)); /* something is left */
	EXPECT(t, !daemon_sealing_unpack_fields(all, 4, out));
	EXPECT(t, !daemon_sealing_unpack_fields(all, 0, out));
	EXPECT(t, !daemon_sealing_unpack_fields(all, RECORD_FIELDS_MAX + 1, out));
	arena_reset(&a);
}

static void a_value_that_would_be_two_lines_is_refused(struct test *t)
{
	struct arena a = {.pool = &pool};
	struct record_field out[RECORD_FIELDS_MAX];
	struct record_field in[] = {
		{SLICE(""), SLICE("event_type"), SLICE("\"alert\"}\n{\"event_type\":\"gap\"")}};
	struct record_field empty[] = {{SLICE(""), SLICE("event_type"), SLICE("")}};
	struct buf b = buf_in(&a), c = buf_in(&a);

	daemon_sealing_pack_fields(in, 1, &b);
	EXPECT(t, !daemon_sealing_unpack_fields(buf_slice(&b), 1, out));
	daemon_sealing_pack_fields(empty, 1, &c);
	EXPECT(t, !daemon_sealing_unpack_fields(buf_slice(&c), 1, out));
	arena_reset(&a);
}

static void gaps_come_back_and_words_that_nobody_knows_do_not(struct test *t)
{
	struct arena a = {.pool = &pool};
	struct sealing_gap g = {.reason = SEALING_UNINSPECTED,
				.from = {-5},
				.to = {INT64_MAX},
				.packets = 3,
				.bytes = UINT64_MAX,
				.events = {1, 2, 3, 4},
				.where = SLICE("eth1"),
				.detail = "overload",
				.counter = "whoever"};
	struct sealing_gap out;
	struct buf b = buf_in(&a);
	struct slice all;

	daemon_sealing_pack_gap(&g, &b);
	all = buf_slice(&b);
	EXPECT(t, daemon_sealing_unpack_gap(all, &out));
	EXPECT(t, out.reason == g.reason && out.from.ns == -5 && out.to.ns == INT64_MAX);
	EXPECT(t, out.packets == 3 && out.bytes == UINT64_MAX && out.events[3] == 4);
	EXPECT_SLICE(t, out.where, g.where);
	EXPECT_SLICE(t, slice_of(out.detail), SLICE("overload"));
	EXPECT(t, out.counter == NULL);
	for (size_t n = 0; n < all.len; n++)
		EXPECT(t, !daemon_sealing_unpack_gap(slice_part(all, 0, n), &out));
	b.ptr[0] = SEALING_REASONS;
	EXPECT(t, !daemon_sealing_unpack_gap(all, &out));
	arena_reset(&a);
}

/* ---- records ---- */

static struct slice line_of(const struct record *r, struct arena *a)
{
	struct buf b = buf_in(a);

	record_encode(r, a, &b);
	return buf_slice(&b);
}

static bool has(struct slice line, const char *what)
{
	return slice_find(line, slice_of(what)) != SIZE_MAX;
}

static void a_gap_whose_cause_is_not_known_says_so_and_no_more(struct test *t)
{
	struct arena a = {.pool = &pool};
	struct record r;
	struct slice line;

	for (unsigned i = 0; i < SEALING_REASONS; i++) {
		struct sealing_gap g = {.reason = (enum sealing_reason)i, .from = {1000}};

		EXPECT(t, daemon_sealing_gap_record(&g, (struct wall_ns){2000}, &a, &r));
		line = line_of(&r, &a);
		EXPECT(t, has(line, "\"event_type\":\"gap\"") && has(line, "\"says\":\""));
		EXPECT(t, !has(line, "no attack"));
		EXPECT(t, has(line, "silent, cause unknown") ==
				  (i == SEALING_CRASH || i == SEALING_HANG || i == SEALING_QUIET ||
				   i == SEALING_SEALER));
		EXPECT(t, !has(line, "\"to\""));
	}
	arena_reset(&a);
}

/* ---- clocks ---- */

static struct sealing_times at(int64_t wall_ms, int64_t mono_ms, int64_t boot_ms)
{
	return (struct sealing_times){{wall_ms * MS}, {mono_ms * MS}, {boot_ms * MS}};
}

static void a_clock_that_runs_is_no_gap(struct test *t)
{
	struct sealing_clock c = {0};
	struct sealing_gap g;

	for (int64_t i = 0; i < 100; i++) {
		struct sealing_times now = at(1000000 + i * 100, 50 + i * 100, 60 + i * 100);

		EXPECT(t, !daemon_sealing_clock_look(&c, &now, &g));
	}
}

static void a_clock_that_is_set_is_one_at_the_limit_and_once(struct test *t)
{
	for (int sign = -1; sign <= 1; sign += 2)
		for (int64_t off = SEALING_STEP_MS - 1; off <= SEALING_STEP_MS + 1; off++) {
			struct sealing_clock c = {0};
			struct sealing_times first = at(1000000, 50, 50),
					     then = at(1000100 + sign * off, 150, 150),
					     later = at(1000200 + sign * off, 250, 250);
			struct sealing_gap g = {0};
			bool want = off >= SEALING_STEP_MS;

			EXPECT(t, !daemon_sealing_clock_look(&c, &first, &g));
			EXPECT(t, daemon_sealing_clock_look(&c, &then, &g) == want);
			EXPECT(t, !daemon_sealing_clock_look(&c, &later, &g));
			if (!want)
				continue;
			EXPECT(t,
			       g.reason == (sign < 0 ? SEALING_CLOCK_BACK : SEALING_CLOCK_AHEAD));
			EXPECT(t, g.from.ns == 1000100 * MS); /* what it would be */
			EXPECT(t, g.to.ns == then.wall.ns);
		}
}

static void small_steps_are_added_up(struct test *t)
{
	struct sealing_clock c = {0};
	struct sealing_gap g = {0};
	int64_t told = 0;

	for (int64_t i = 0; i < 100; i++) {
		struct sealing_times now = at(1000000 + i * 100 - i * 50, i * 100, i * 100);

		if (daemon_sealing_clock_look(&c, &now, &g))
			told += g.from.ns - g.to.ns;
	}
	/* 99 steps of 50 ms, told five by five */
	EXPECT(t, told == 95 * 50 * MS);
}

static void a_machine_that_slept_is_not_a_clock_that_was_set(struct test *t)
{
	struct sealing_clock c = {0};
	struct sealing_times first = at(1000000, 50, 50), then = at(1060100, 150, 60150),
			     later = at(1060200, 250, 60250);
	struct sealing_gap g = {0};

	EXPECT(t, !daemon_sealing_clock_look(&c, &first, &g));
	EXPECT(t, daemon_sealing_clock_look(&c, &then, &g));
	EXPECT(t, g.reason == SEALING_SUSPENDED);
	EXPECT(t, g.from.ns == 1000100 * MS && g.to.ns == 1060100 * MS);
	EXPECT(t, !daemon_sealing_clock_look(&c, &later, &g));
}

/* ---- two processes ---- */

struct house {
	struct arena_pool pool;
	struct arena arena;
	struct sealing *s;
	struct pipeline_output out;
	struct slice folder;
	struct fail why;
};

static bool house_open(struct test *t, struct house *h, const char *dir, bool live,
		       const char *queue)
{
	struct config *root;
	struct sealing_options o = {.dir = slice_of(dir),
				    .station = SLICE("station-1"),
				    .lanes = 2,
				    .live = live,
				    .mode = "listening"};

	*h = (struct house){.pool = {.budget = 256 << 20}};
	h->arena.pool = &h->pool;
	root = config_new(&h->arena);
	if (root == NULL ||
	    config_set(root, SLICE("seal.enabled"), SLICE("yes"), &h->why) != ST_OK ||
	    config_set(root, SLICE("seal.queue"), slice_of(queue), &h->why) != ST_OK)
		return false;
	o.config = root;
	if (crypto_init(&h->why) != ST_OK ||
	    daemon_sealing_open(&o, &h->arena, &h->s, &h->why) != ST_OK) {
		test_fail(t, __FILE__, __LINE__, "%s", h->why.text);
		return false;
	}
	h->folder = h->s->set.folder;
	return daemon_sealing_output(h->s, 0, &h->out);
}

static void house_close(struct house *h)
{
	daemon_sealing_close(h->s);
	arena_end(h->arena, h->pool);
}

static struct record alert(uint64_t sid)
{
	struct record r = {.kind = RECORD_ALERT, .at = os_clock_wall(), .flow_id = 1 + sid};

	r.u.alert = (struct record_alert){.gid = 1, .sid = sid, .signature = SLICE("something")};
	r.u.alert.action = SLICE("allowed");
	return r;
}

static void say(struct house *h, uint64_t sid)
{
	struct record r = alert(sid);

	h->out.sink.put(h->out.sink.ctx, &r);
}

/* Every event of a folder, opened again, as lines; checks the chain. */
static size_t lines_of(struct test *t, const struct house *h, struct arena *a, struct slice *lines,
		       size_t most)
{
	struct commit *c = NULL;
	struct data d;
	struct fail why;
	size_t n;

	if (daemon_data_open_again(h->folder, SLICE(""), a, &d, &why) != ST_OK ||
	    daemon_commit_open_read(&d, a, &c, &why) != ST_OK) {
		test_fail(t, __FILE__, __LINE__, "%s", why.text);
		return 0;
	}
	n = (size_t)daemon_commit_size(c);
	for (size_t i = 0; i < n && i < most; i++) {
		struct disclose_opened clear;
		struct commit_event e;
		struct buf b = buf_in(a);

		if (daemon_commit_look(c, i, a, &clear, &why) != ST_OK || clear.at_s == 0 ||
		    clear.has_prev != (i != 0) ||
		    daemon_commit_reopen(c, &(uint64_t){i}, 1, a, &e, &why) != ST_OK) {
			test_fail(t, __FILE__, __LINE__, "leaf %zu: %s", i, why.text);
			return 0;
		}
		record_join(e.fields, e.count, &b);
		lines[i] = buf_slice(&b);
	}
	daemon_commit_close(c);
	daemon_data_close(&d);
	return n;
}

static size_t count_of(const struct slice *lines, size_t n, const char *what)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		k += has(lines[i], what);
	return k;
}

enum { LINES = 20000 };

static void what_was_put_is_in_the_log_when_the_end_was_waited_for(struct test *t)
{
	static struct slice lines[LINES];
	struct house h;
	const char *dir = test_folder(t);
	size_t n;

	EXPECT(t, house_open(t, &h, dir, true, "1mb"));
	daemon_sealing_begin(h.s, 1);
	for (uint64_t i = 0; i < 100; i++)
		say(&h, i);
	EXPECT(t, daemon_sealing_end(h.s, 1));
	daemon_sealing_close(h.s);
	n = lines_of(t, &h, &h.arena, lines, LINES);
	EXPECT_UINT(t, count_of(lines, n, "\"event_type\":\"alert\""), 100);
	EXPECT_UINT(t, count_of(lines, n, "\"station-key\""), 1);
	EXPECT_UINT(t, count_of(lines, n, "\"act\":\"begin\""), 1);
	EXPECT(t, has(lines[n - 1], "\"act\":\"end\"") && has(lines[n - 2], "\"life\""));
	EXPECT_UINT(t, count_of(lines, n, "\"event_type\":\"gap\""), 0);
	EXPECT_UINT(t, count_of(lines, n, "\"station\":\"station-1\""), n);
	house_close(&h);
}

static void the_next_start_says_how_long_nobody_watched_and_whether_it_was_told(struct test *t)
{
	static struct slice lines[LINES];
	const char *dir = test_folder(t);
	struct house h;
	size_t n;

	EXPECT(t, house_open(t, &h, dir, true, "1mb"));
	daemon_sealing_begin(h.s, 1);
	EXPECT(t, daemon_sealing_end(h.s, 1));
	house_close(&h);
	EXPECT(t, house_open(t, &h, dir, true, "1mb"));
	daemon_sealing_begin(h.s, 1);
	say(&h, 7);
	/* and now nobody says that it is the end */
	house_close(&h);
	EXPECT(t, house_open(t, &h, dir, true, "1mb"));
	daemon_sealing_begin(h.s, 1);
	EXPECT(t, daemon_sealing_end(h.s, 1));
	daemon_sealing_close(h.s);
	n = lines_of(t, &h, &h.arena, lines, LINES);
	EXPECT_UINT(t, count_of(lines, n, "\"reason\":\"stopped\""), 1);
	EXPECT_UINT(t, count_of(lines, n, "\"event_type\":\"alert\""), 1);
	/* as it was seen by who sealed, and as the next start found it */
	EXPECT_UINT(t, count_of(lines, n, "\"reason\":\"crash\""), 2);
	EXPECT_UINT(t, count_of(lines, n, "silent, cause unknown"), 2);
	house_close(&h);
}

/* Kills who seals as soon as something is sealed. */
static struct sealing_counters kill_sealer(struct house *h)
{
	struct sealing_counters c;

	do {
		daemon_sealing_count(h->s, &c);
		os_clock_pause(MS);
	} while (c.sealed == 0 && c.running);
	(void)kill(atomic_load(&h->s->shared->sealer), SIGKILL);
	return c;
}

static void who_seals_may_be_killed_and_another_seals_the_rest_and_says_so(struct test *t)
{
	static struct slice lines[LINES];
	enum { MANY = 2000 };
	const char *dir = test_folder(t);
	struct sealing_counters c;
	struct arena a = {.pool = &pool};
	struct house h;
	size_t n;

	EXPECT(t, house_open(t, &h, dir, true, "4mb"));
	daemon_sealing_begin(h.s, 1);
	for (uint64_t i = 0; i < MANY; i++)
		say(&h, i);
	(void)kill_sealer(&h);
	EXPECT(t, daemon_sealing_end(h.s, 1));
	daemon_sealing_count(h.s, &c);
	EXPECT(t, c.deaths == 1 && c.running && c.lost[SEALING_ALERT] == 0);
	daemon_sealing_close(h.s);
	n = lines_of(t, &h, &h.arena, lines, LINES);
	for (unsigned i = 0; i < MANY; i += 97) { /* each at least once */
		struct slice want = buf_text(&a, "\"signature_id\":%u,%c", i, '\0');

		EXPECT(t, count_of(lines, n, (const char *)want.ptr) >= 1);
	}
	EXPECT_UINT(t, count_of(lines, n, "\"reason\":\"sealer\""), 1);
	EXPECT_UINT(t, count_of(lines, n, "\"reason\":\"crash\""), 0);
	EXPECT_UINT(t, count_of(lines, n, "\"act\":\"begin\""), 1);
	EXPECT_UINT(t, count_of(lines, n, "\"act\":\"end\""), 1);
	arena_reset(&a);
	house_close(&h);
}

static void with_its_keeper_killed_too_nobody_seals_and_what_was_committed_stays(struct test *t)
{
	static struct slice lines[LINES];
	const char *dir = test_folder(t);
	struct sealing_counters c;
	struct house h;
	uint64_t committed;
	size_t n;

	EXPECT(t, house_open(t, &h, dir, true, "4mb"));
	daemon_sealing_begin(h.s, 1);
	for (uint64_t i = 0; i < 2000; i++)
		say(&h, i);
	(void)kill(h.s->child, SIGKILL);
	c = kill_sealer(&h);
	while (c.running) {
		daemon_sealing_count(h.s, &c);
		os_clock_pause(MS);
	}
	committed = c.sealed;
	say(&h, 1); /* nobody takes it: that hurts nobody */
	EXPECT(t, !daemon_sealing_end(h.s, 1));
	house_close(&h);
	EXPECT(t, house_open(t, &h, dir, true, "1mb"));
	daemon_sealing_begin(h.s, 1);
	EXPECT(t, daemon_sealing_end(h.s, 1));
	daemon_sealing_close(h.s);
	n = lines_of(t, &h, &h.arena, lines, LINES);
	EXPECT(t, count_of(lines, n, "\"event_type\":\"alert\"") >= committed);
	EXPECT_UINT(t, count_of(lines, n, "\"reason\":\"crash\""), 1);
	house_close(&h);
}

/* If a worker waited, this test would not end: who seals goes on only after all is put. */
static void a_full_queue_costs_events_which_are_counted_and_no_time(struct test *t)
{
	static struct slice lines[LINES];
	enum { MANY = 5000 };
	const char *dir = test_folder(t);
	struct sealing_counters c;
	struct arena a = {.pool = &pool};
	struct house h;
	struct buf want = buf_in(&a);
	uint64_t lost;
	size_t n;

	EXPECT(t, house_open(t, &h, dir, true, "64kb"));
	daemon_sealing_begin(h.s, 1);
	(void)kill(atomic_load(&h.s->shared->sealer), SIGSTOP);
	for (uint64_t i = 0; i < MANY; i++)
		say(&h, i);
	daemon_sealing_count(h.s, &c);
	lost = c.lost[SEALING_ALERT];
	(void)kill(atomic_load(&h.s->shared->sealer), SIGCONT);
	EXPECT(t, lost > 0 && lost < MANY);
	EXPECT(t, daemon_sealing_end(h.s, 1));
	daemon_sealing_close(h.s);
	n = lines_of(t, &h, &h.arena, lines, LINES);
	EXPECT_UINT(t, count_of(lines, n, "\"event_type\":\"alert\""), MANY - lost);
	EXPECT_UINT(t, count_of(lines, n, "\"reason\":\"behind\""), 1);
	buf_add_fmt(&want, "\"events\":{\"alert\":%llu}%c", (unsigned long long)lost, '\0');
	EXPECT_UINT(t, count_of(lines, n, (const char *)want.ptr), 1);
	arena_reset(&a);
	house_close(&h);
}

static void garbage_in_a_queue_is_passed_over_and_said(struct test *t)
{
	static struct slice lines[LINES];
	struct sealing_counters c;
	struct house h;
	size_t n;

	for (unsigned round = 0; round < 4; round++) {
		const char *dir = test_folder(t);
		struct queue *q;
		uint32_t front[2] = {round == 0	  ? UINT32_MAX
				     : round == 1 ? 0
				     : round == 2 ? 65000
						  : 200,
				     round == 3 ? 77 : (uint32_t)SEALING_EVENT};

		EXPECT(t, house_open(t, &h, dir, true, "64kb"));
		daemon_sealing_begin(h.s, 1);
		q = &h.s->shared->lanes[0].queue;
		for (size_t i = 0; i < 256; i++)
			q->bytes[i] = (uint8_t)test_rand(t);
		memcpy(q->bytes, front, sizeof front);
		q->reserved = round == 1 ? 8 : 208;
		queue_publish(q);
		do {
			daemon_sealing_count(h.s, &c);
			os_clock_pause(MS);
		} while (c.refused == 0 && c.running);
		EXPECT(t, c.running && c.refused == 1);
		say(&h, 7); /* what makes sense is taken as before */
		EXPECT(t, daemon_sealing_end(h.s, 1));
		daemon_sealing_close(h.s);
		n = lines_of(t, &h, &h.arena, lines, LINES);
		EXPECT_UINT(t, count_of(lines, n, "\"event_type\":\"alert\""), 1);
		EXPECT(t, count_of(lines, n, "\"reason\":\"garbled\"") == 1);
		house_close(&h);
	}
}

static void without_a_word_in_the_configuration_nothing_is_sealed(struct test *t)
{
	struct arena a = {.pool = &pool};
	struct sealing *s = NULL;
	struct sealing_options o = {.config = config_new(&a), .lanes = 1};
	struct pipeline_output out;
	struct fail why;

	EXPECT_UINT(t, daemon_sealing_open(&o, &a, &s, &why), ST_OK);
	EXPECT(t, s == NULL && !daemon_sealing_output(s, 0, &out));
	daemon_sealing_gap(s, 0, &(struct sealing_gap){0});
	daemon_sealing_begin(s, 0);
	EXPECT(t, daemon_sealing_end(s, 0));
	daemon_sealing_close(s);
	arena_reset(&a);
}

TESTS(T(fields_come_back_as_they_were_packed), T(a_value_that_would_be_two_lines_is_refused),
      T(gaps_come_back_and_words_that_nobody_knows_do_not),
      T(a_gap_whose_cause_is_not_known_says_so_and_no_more), T(a_clock_that_runs_is_no_gap),
      T(a_clock_that_is_set_is_one_at_the_limit_and_once), T(small_steps_are_added_up),
      T(a_machine_that_slept_is_not_a_clock_that_was_set),
      T(what_was_put_is_in_the_log_when_the_end_was_waited_for),
      T(the_next_start_says_how_long_nobody_watched_and_whether_it_was_told),
      T(who_seals_may_be_killed_and_another_seals_the_rest_and_says_so),
      T(with_its_keeper_killed_too_nobody_seals_and_what_was_committed_stays),
      T(a_full_queue_costs_events_which_are_counted_and_no_time),
      T(garbage_in_a_queue_is_passed_over_and_said),
      T(without_a_word_in_the_configuration_nothing_is_sealed))
