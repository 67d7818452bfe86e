/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/follow/follow.h"

#include <stdio.h>

#include "os/file.h"
#include "test.h"

/* A log that somebody follows, and a fork of it by the same key, which differs from leaf 300 on. */
struct room {
	struct arena_pool pool;
	struct arena a;
	struct fail why;
	const char *dir;
	struct crypto_signer signer;
	struct note_verifier key;
	struct view_policy policy;
	struct ledger *honest, *fork;
	struct ledger_source source;
	struct follow_options o;
	uint64_t next; /* entry that has to come next */
	uint64_t stop; /* entry at which the reader has enough; UINT64_MAX: never */
	bool wrong;    /* something else came */
};

static struct slice at(struct room *r, const char *name)
{
	return buf_text(&r->a, "%s/%s", r->dir, name);
}

static struct slice entry_of(uint64_t i, char tag, char buf[64])
{
	int n = snprintf(buf, 64, "%c %0*llu", i < 300 ? '-' : tag, (int)(i % 40) + 1,
			 (unsigned long long)i);

	return (struct slice){(const uint8_t *)buf, (size_t)n};
}

static bool log_grow(struct ledger *l, char tag, uint64_t to, struct fail *why)
{
	uint64_t leaf;
	char buf[64];

	for (uint64_t i = ledger_size(l); i < to; i++)
		if (ledger_append(l, entry_of(i, tag, buf), &leaf, why) != ST_OK)
			return false;
	return ledger_commit(l, why) == ST_OK;
}

static enum status on_entry(void *ctx, uint64_t leaf, struct slice entry, struct fail *why)
{
	struct room *r = ctx;
	char buf[64];

	if (leaf == r->stop)
		return ST_END;
	r->wrong = r->wrong || leaf != r->next || !slice_equal(entry, entry_of(leaf, 'h', buf));
	r->next = leaf + 1;
	return ST_OK;
}

static bool room_init(struct test *t, struct room *r)
{
	const uint8_t seed[CRYPTO_SEED_BYTES] = {1};
	struct ledger_options l = {.origin = SLICE("log.test/a")};

	*r = (struct room){
		.pool = {.budget = 256 << 20}, .dir = test_folder(t), .stop = UINT64_MAX};
	r->a.pool = &r->pool;
	crypto_signer_from_seed(seed, &r->signer);
	if (note_verifier_of(l.origin, NOTE_ED25519, r->signer.key, &r->key, &r->why) != ST_OK ||
	    view_policy_of(&r->key, &r->a, &r->policy, &r->why) != ST_OK)
		return false;
	l.signer = &r->signer;
	l.folder = r->source.place = at(r, "honest");
	if (ledger_open(&l, &r->a, &r->honest, &r->why) != ST_OK)
		return false;
	l.folder = at(r, "fork");
	if (ledger_open(&l, &r->a, &r->fork, &r->why) != ST_OK)
		return false;
	r->o = (struct follow_options){.folder = at(r, "state"),
				       .source = &r->source,
				       .policy = &r->policy,
				       .ctx = r,
				       .entry = on_entry};
	return true;
}

static void room_done(struct room *r)
{
	ledger_close(r->honest);
	ledger_close(r->fork);
	arena_reset(&r->a);
	arena_pool_drain(&r->pool);
}

static bool turn_is(struct room *r, struct follow *f, enum follow_verdict want, uint64_t size)
{
	struct follow_found found;
	bool ok = follow_turn(f, &r->a, &found, &r->why) == ST_OK;

	if (!ok || found.verdict != want || found.size != size || r->wrong)
		printf("# %s %llu, wanted %s %llu: %s %s\n",
		       ok ? follow_verdict_name(found.verdict) : "fails",
		       (unsigned long long)found.size, follow_verdict_name(want),
		       (unsigned long long)size, ok ? found.said.text : r->why.text,
		       r->wrong ? "(another entry came)" : "");
	return ok && found.verdict == want && found.size == size && !r->wrong;
}

static void each_entry_comes_once_and_in_order(struct test *t)
{
	static const uint64_t sizes[] = {0, 1, 255, 256, 257, 300, 511, 512, 1000, 70000};
	struct follow *f;
	struct room r;

	EXPECT(t, room_init(t, &r));
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct arena a = {.pool = &r.pool};

		EXPECT(t, follow_open(&r.o, &a, &f, &r.why) == ST_OK);
		EXPECT(t, log_grow(r.honest, 'h', sizes[i], &r.why));
		EXPECT(t, turn_is(&r, f, FOLLOW_GREW, sizes[i]));
		EXPECT_UINT(t, r.next, sizes[i]);
		EXPECT(t, turn_is(&r, f, FOLLOW_SAME, sizes[i]));
		follow_close(f);
		arena_reset(&a);
	}
	room_done(&r);
}

static void what_was_not_taken_comes_again(struct test *t)
{
	struct follow_found found;
	struct follow *f;
	struct room r;

	EXPECT(t, room_init(t, &r));
	EXPECT(t, log_grow(r.honest, 'h', 700, &r.why));
	EXPECT(t, follow_open(&r.o, &r.a, &f, &r.why) == ST_OK);
	r.stop = 400;
	EXPECT(t, follow_turn(f, &r.a, &found, &r.why) == ST_END);
	EXPECT_UINT(t, r.next, 400);
	r.stop = UINT64_MAX;
	r.next = 0;
	EXPECT(t, turn_is(&r, f, FOLLOW_GREW, 700));
	EXPECT_UINT(t, r.next, 700);
	follow_close(f);
	room_done(&r);
}

static void a_log_that_shows_another_history_is_convicted(struct test *t)
{
	static const struct {
		uint64_t known, shown;
		enum follow_verdict want;
	} cases[] = {
		{500, 700, FOLLOW_SPLIT},  {500, 500, FOLLOW_SPLIT}, {512, 700, FOLLOW_SPLIT},
		{500, 400, FOLLOW_BEHIND}, /* the larger tree's tiles are not there */
		{300, 700, FOLLOW_GREW},   /* up to there the two are one */
		{500, 250, FOLLOW_BEHIND},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct view_conviction c;
		struct merkle_checkpoint two[2];
		struct follow *f;
		struct slice text;
		struct room r;

		EXPECT(t, room_init(t, &r));
		EXPECT(t, log_grow(r.honest, 'h', cases[i].known, &r.why));
		EXPECT(t, log_grow(r.fork, 'f', cases[i].shown, &r.why));
		EXPECT(t, follow_open(&r.o, &r.a, &f, &r.why) == ST_OK);
		EXPECT(t, turn_is(&r, f, FOLLOW_GREW, cases[i].known));
		r.source.place = at(&r, "fork");
		for (int again = 0; again < 2; again++) {
			struct follow_found found;

			EXPECT(t, follow_turn(f, &r.a, &found, &r.why) == ST_OK);
			if (again == 0 || cases[i].want != FOLLOW_GREW)
				EXPECT_UINT(t, found.verdict, cases[i].want);
			r.wrong = false; /* the fork's entries are others */
		}
		EXPECT(t, os_file_exists(at(&r, "state/conviction")) ==
				  (cases[i].want == FOLLOW_SPLIT));
		if (cases[i].want == FOLLOW_SPLIT) {
			EXPECT(t, os_file_read(at(&r, "state/conviction"), 1 << 20, &r.a, &text,
					       &r.why) == ST_OK);
			EXPECT(t, view_conviction_parse(text, &r.a, &c, &r.why) == ST_OK);
			EXPECT(t, view_conviction_check(&c, &r.a, two, &r.why) == ST_OK);
			EXPECT(t, note_verifier_equal(&c.log, &r.key));
		}
		follow_close(f);
		room_done(&r);
	}
}

static void what_others_were_shown_is_compared(struct test *t)
{
	static const struct {
		uint64_t ours, theirs;
		bool fork;
		enum follow_verdict want;
	} cases[] = {
		{700, 700, false, FOLLOW_SAME}, {700, 256, false, FOLLOW_SAME},
		{700, 0, false, FOLLOW_SAME},	{700, 700, true, FOLLOW_SPLIT},
		{700, 500, true, FOLLOW_SPLIT}, {700, 512, true, FOLLOW_SPLIT},
		{700, 300, true, FOLLOW_SAME},	{400, 700, true, FOLLOW_BEHIND},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct follow_found found;
		struct ledger *shown;
		struct slice theirs;
		struct follow *f;
		struct room r;

		EXPECT(t, room_init(t, &r));
		shown = cases[i].fork ? r.fork : r.honest;
		EXPECT(t, log_grow(shown, cases[i].fork ? 'f' : 'h', cases[i].theirs, &r.why));
		theirs = arena_copy(&r.a, ledger_checkpoint(shown));
		EXPECT(t, log_grow(r.honest, 'h', cases[i].ours, &r.why));
		EXPECT(t, follow_open(&r.o, &r.a, &f, &r.why) == ST_OK);
		EXPECT(t, follow_compare(f, theirs, &r.a, &found, &r.why) == ST_REFUSED);
		EXPECT(t, turn_is(&r, f, FOLLOW_GREW, cases[i].ours));
		EXPECT(t, follow_compare(f, theirs, &r.a, &found, &r.why) == ST_OK);
		EXPECT_UINT(t, found.verdict, cases[i].want);
		EXPECT(t, (found.evidence.len != 0) == (cases[i].want == FOLLOW_SPLIT));
		EXPECT(t, follow_compare(f, SLICE("?"), &r.a, &found, &r.why) == ST_INVALID);
		follow_close(f);
		room_done(&r);
	}
}

/* Any file that the new checkpoint needs, damaged: nothing of it is remembered. */
static void what_is_damaged_is_said_and_not_remembered(struct test *t)
{
	static const char *const files[] = {"checkpoint", "tile/entries/001",
					    "tile/entries/002.p/188", "tile/0/002.p/188",
					    "tile/1/000.p/2"};

	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		struct slice path, bytes;
		struct follow *f;
		struct buf bad;
		struct room r;

		EXPECT(t, room_init(t, &r));
		EXPECT(t, log_grow(r.honest, 'h', 400, &r.why));
		EXPECT(t, follow_open(&r.o, &r.a, &f, &r.why) == ST_OK);
		EXPECT(t, turn_is(&r, f, FOLLOW_GREW, 400));
		EXPECT(t, log_grow(r.honest, 'h', 700, &r.why));
		path = buf_text(&r.a, "%s/honest/%s", r.dir, files[i]);
		EXPECT(t, os_file_read(path, 1 << 20, &r.a, &bytes, &r.why) == ST_OK);
		bad = buf_in(&r.a);
		buf_add(&bad, bytes);
		bad.ptr[bad.len / 2] ^= 1;
		EXPECT(t, os_file_put(NULL, path, buf_slice(&bad), &r.why) == ST_OK);
		EXPECT(t, turn_is(&r, f, FOLLOW_DAMAGED, i == 0 ? 400 : 700));
		EXPECT(t, os_file_remove(NULL, path, &r.why) == ST_OK);
		r.next = 400; /* what was right before the damage comes again */
		if (i != 0)
			EXPECT(t, turn_is(&r, f, FOLLOW_DAMAGED, 700));
		EXPECT(t, os_file_put(NULL, path, bytes, &r.why) == ST_OK);
		r.next = 400;
		EXPECT(t, turn_is(&r, f, FOLLOW_GREW, 700));
		EXPECT_UINT(t, r.next, 700);
		EXPECT(t, !os_file_exists(at(&r, "state/conviction")));
		follow_close(f);
		room_done(&r);
	}
}

static void folders_are_not_mixed_up(struct test *t)
{
	struct follow *f, *second;
	struct room r;

	EXPECT(t, room_init(t, &r));
	r.o.folder = at(&r, "honest");
	EXPECT(t, follow_open(&r.o, &r.a, &f, &r.why) == ST_REFUSED);
	r.o.folder = at(&r, "state");
	EXPECT(t, follow_open(&r.o, &r.a, &f, &r.why) == ST_OK);
	EXPECT(t, follow_open(&r.o, &r.a, &second, &r.why) == ST_REFUSED);
	EXPECT(t, log_grow(r.honest, 'h', 3, &r.why));
	EXPECT(t, turn_is(&r, f, FOLLOW_GREW, 3));
	follow_close(f);
	EXPECT(t, os_file_put(NULL, at(&r, "state/checkpoint"), SLICE("?"), &r.why) == ST_OK);
	EXPECT(t, follow_open(&r.o, &r.a, &f, &r.why) == ST_CORRUPT);
	follow_close(NULL);
	room_done(&r);
}

static void a_conviction_that_others_bring_is_checked_and_kept_once(struct test *t)
{
	struct follow_found found;
	struct follow_state state;
	struct slice text, changed;
	struct follow *f;
	struct room r;

	EXPECT(t, room_init(t, &r));
	EXPECT(t, log_grow(r.honest, 'h', 400, &r.why) && log_grow(r.fork, 'f', 500, &r.why));
	/* one monitor is shown both and has the proof */
	EXPECT(t, follow_open(&r.o, &r.a, &f, &r.why) == ST_OK);
	EXPECT(t, turn_is(&r, f, FOLLOW_GREW, 400));
	r.source.place = at(&r, "fork");
	EXPECT(t, follow_turn(f, &r.a, &found, &r.why) == ST_OK && found.verdict == FOLLOW_SPLIT &&
			  found.news);
	EXPECT(t, follow_turn(f, &r.a, &found, &r.why) == ST_OK && found.verdict == FOLLOW_SPLIT &&
			  !found.news);
	follow_close(f);
	EXPECT(t, follow_state_read(at(&r, "state"), &r.a, &state, &r.why) == ST_OK);
	EXPECT(t, state.size == 400 && slice_equal(state.origin, r.key.name));
	text = state.conviction;
	EXPECT(t, text.len > 200);
	/* another, who has only seen the honest one, hears of it */
	r.source.place = at(&r, "honest");
	r.o.folder = at(&r, "other");
	r.next = 0;
	EXPECT(t, follow_open(&r.o, &r.a, &f, &r.why) == ST_OK);
	EXPECT(t, turn_is(&r, f, FOLLOW_GREW, 400));
	for (size_t i = 0; i < text.len; i++) {
		struct arena a = {.pool = &r.pool};

		changed = arena_copy(&a, text);
		((uint8_t *)(uintptr_t)changed.ptr)[i] ^= 1;
		if (follow_hear(f, changed, &a, &found, &r.why) == ST_OK)
			test_fail(t, __FILE__, __LINE__, "byte %zu may be changed", i);
		arena_reset(&a);
	}
	EXPECT(t,
	       follow_hear(f, SLICE("dewline-conviction 1\n"), &r.a, &found, &r.why) == ST_INVALID);
	EXPECT(t, !os_file_exists(at(&r, "other/conviction")));
	EXPECT(t, follow_hear(f, text, &r.a, &found, &r.why) == ST_OK);
	EXPECT(t, found.verdict == FOLLOW_SPLIT && found.news);
	EXPECT(t, follow_hear(f, text, &r.a, &found, &r.why) == ST_OK && !found.news);
	follow_close(f);
	EXPECT(t, follow_state_read(at(&r, "other"), &r.a, &state, &r.why) == ST_OK);
	EXPECT_SLICE(t, state.conviction, text);
	EXPECT(t, follow_state_read(at(&r, "honest"), &r.a, &state, &r.why) == ST_NOTFOUND);
	room_done(&r);
}

static void a_true_conviction_of_another_log_is_refused(struct test *t)
{
	const uint8_t seed[CRYPTO_SEED_BYTES] = {2};
	struct follow_found found;
	struct follow_state state;
	struct follow *f;
	struct room r;

	EXPECT(t, room_init(t, &r));
	EXPECT(t, log_grow(r.honest, 'h', 400, &r.why) && log_grow(r.fork, 'f', 400, &r.why));
	EXPECT(t, follow_open(&r.o, &r.a, &f, &r.why) == ST_OK);
	EXPECT(t, turn_is(&r, f, FOLLOW_GREW, 400));
	r.source.place = at(&r, "fork");
	EXPECT(t, follow_turn(f, &r.a, &found, &r.why) == ST_OK && found.news);
	follow_close(f);
	EXPECT(t, follow_state_read(at(&r, "state"), &r.a, &state, &r.why) == ST_OK);
	/* the same name, another key */
	crypto_signer_from_seed(seed, &r.signer);
	EXPECT(t, note_verifier_of(SLICE("log.test/a"), NOTE_ED25519, r.signer.key, &r.key,
				   &r.why) == ST_OK);
	EXPECT(t, view_policy_of(&r.key, &r.a, &r.policy, &r.why) == ST_OK);
	r.o.folder = at(&r, "other");
	EXPECT(t, follow_open(&r.o, &r.a, &f, &r.why) == ST_OK);
	EXPECT(t, follow_hear(f, state.conviction, &r.a, &found, &r.why) == ST_REFUSED);
	EXPECT(t, strstr(r.why.text, "another log") != NULL);
	EXPECT(t, !os_file_exists(at(&r, "other/conviction")));
	follow_close(f);
	room_done(&r);
}

TESTS(T(each_entry_comes_once_and_in_order), T(what_was_not_taken_comes_again),
      T(a_log_that_shows_another_history_is_convicted), T(what_others_were_shown_is_compared),
      T(what_is_damaged_is_said_and_not_remembered), T(folders_are_not_mixed_up),
      T(a_conviction_that_others_bring_is_checked_and_kept_once),
      T(a_true_conviction_of_another_log_is_refused))
