/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/witness/witness.h"

#include <errno.h>
#include <stdio.h>

#include "os/file.h"
#include "test.h"

/* A log, another log by the same key that differs from leaf 10 on, and a witness. */
struct room {
	struct arena_pool pool;
	struct arena a;
	struct fail why;
	const char *dir;
	struct crypto_signer log_signer, signer;
	struct note_verifier log, key;
	struct view_policy policy;
	struct witness_options o;
	struct ledger *honest, *fork;
	unsigned alarms;
};

static void on_convicted(void *ctx, struct slice origin, struct slice file)
{
	struct room *r = ctx;

	r->alarms++;
}

static struct slice at(struct room *r, const char *name)
{
	return buf_text(&r->a, "%s/%s", r->dir, name);
}

static bool log_grow(struct ledger *l, char tag, uint64_t to, struct fail *why)
{
	uint64_t leaf;

	for (uint64_t i = ledger_size(l); i < to; i++) {
		char entry[32];
		int n = snprintf(entry, sizeof entry, "%c %llu", i < 10 ? '-' : tag,
				 (unsigned long long)i);

		if (ledger_append(l, (struct slice){(const uint8_t *)entry, (size_t)n}, &leaf,
				  why) != ST_OK)
			return false;
	}
	return ledger_commit(l, why) == ST_OK;
}

static bool room_init(struct test *t, struct room *r)
{
	const uint8_t one[CRYPTO_SEED_BYTES] = {1}, two[CRYPTO_SEED_BYTES] = {2};
	struct ledger_options l = {.origin = SLICE("log.test/a")};

	*r = (struct room){.pool = {.budget = 256 << 20}, .dir = test_folder(t)};
	r->a.pool = &r->pool;
	crypto_signer_from_seed(one, &r->log_signer);
	crypto_signer_from_seed(two, &r->signer);
	if (note_verifier_of(l.origin, NOTE_ED25519, r->log_signer.key, &r->log, &r->why) !=
		    ST_OK ||
	    note_verifier_of(SLICE("witness.test/w"), NOTE_COSIGNATURE, r->signer.key, &r->key,
			     &r->why) != ST_OK ||
	    view_policy_of(&r->log, &r->a, &r->policy, &r->why) != ST_OK)
		return false;
	r->o = (struct witness_options){.folder = at(r, "witness"),
					.key = &r->key,
					.signer = &r->signer,
					.logs = &r->policy,
					.ctx = r,
					.convicted = on_convicted};
	l.signer = &r->log_signer;
	l.folder = at(r, "honest");
	if (ledger_open(&l, &r->a, &r->honest, &r->why) != ST_OK)
		return false;
	l.folder = at(r, "fork");
	return ledger_open(&l, &r->a, &r->fork, &r->why) == ST_OK;
}

static void room_done(struct room *r)
{
	ledger_close(r->honest);
	ledger_close(r->fork);
	arena_reset(&r->a);
	arena_pool_drain(&r->pool);
}

/* What a log at its present size asks. */
static struct slice request(struct room *r, struct ledger *l, uint64_t old)
{
	uint8_t hashes[MERKLE_PROOF_MAX][MERKLE_BYTES];
	struct view_request q = {.old = old,
				 .hashes = (const uint8_t(*)[MERKLE_BYTES])hashes,
				 .checkpoint = ledger_checkpoint(l)};
	struct buf b = buf_in(&r->a);

	if (ledger_prove_consistency(l, old, hashes, &q.count, &r->why) != ST_OK)
		return (struct slice){NULL, 0};
	view_request_add(&q, &b);
	return buf_slice(&b);
}

static unsigned post(struct room *r, struct witness *w, struct slice body, uint64_t now,
		     struct witness_answer *out)
{
	witness_add(w, body, now, &r->a, out);
	return out->number;
}

/* When the cosignature in an answer says that it was made; 0 if it is none for this checkpoint. */
static uint64_t cosigned_at(struct room *r, struct slice checkpoint, struct slice lines)
{
	struct buf both = buf_in(&r->a);
	struct note note;

	buf_add(&both, checkpoint);
	buf_add(&both, lines);
	if (note_parse(buf_slice(&both), &r->a, &note, &r->why) != ST_OK ||
	    note_verify(&note, &r->key, 1, NULL, &r->a, &r->why) != ST_OK)
		return 0;
	return note_signature_time(note_signature_find(&note, &r->key));
}

static void a_log_that_only_grows_is_cosigned(struct test *t)
{
	static const uint64_t sizes[] = {0, 1, 2, 5, 12, 255, 256, 257, 700};
	struct witness_answer got;
	struct witness *w;
	struct room r;
	uint64_t old = 0;

	EXPECT(t, room_init(t, &r));
	EXPECT(t, witness_open(&r.o, &r.a, &w, &r.why) == ST_OK);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		EXPECT(t, log_grow(r.honest, 'h', sizes[i], &r.why));
		EXPECT_UINT(t, post(&r, w, request(&r, r.honest, old), 1000 + i, &got), 200);
		EXPECT_UINT(t, cosigned_at(&r, ledger_checkpoint(r.honest), got.body), 1000 + i);
		old = sizes[i];
		if (i == 4) { /* what it knows outlives it */
			struct witness *second;

			EXPECT(t, witness_open(&r.o, &r.a, &second, &r.why) == ST_REFUSED);
			witness_close(w);
			EXPECT(t, witness_open(&r.o, &r.a, &w, &r.why) == ST_OK);
		}
	}
	witness_close(w);
	room_done(&r);
}

static void every_answer_is_that_of_the_specification(struct test *t)
{
	struct witness_answer got;
	struct witness *w;
	struct room r;
	struct slice good, body;
	struct buf b;
	size_t blank;

	EXPECT(t, room_init(t, &r));
	EXPECT(t, witness_open(&r.o, &r.a, &w, &r.why) == ST_OK);
	EXPECT(t, log_grow(r.honest, 'h', 20, &r.why) && log_grow(r.fork, 'f', 20, &r.why));
	good = request(&r, r.honest, 0);
	EXPECT_UINT(t, post(&r, w, SLICE("no request"), 5, &got), 400);
	EXPECT_UINT(t, post(&r, w, SLICE("old 0\n\nno checkpoint\n"), 5, &got), 400);
	/* an origin that nobody named, and a signature that is not there */
	b = buf_in(&r.a);
	buf_add_z(&b, "old 0\n\nlog.test/b\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n"
		      "\xe2\x80\x94 log.test/b AAAAAAAAAAA=\n");
	EXPECT_UINT(t, post(&r, w, buf_slice(&b), 5, &got), 404);
	b = buf_in(&r.a);
	buf_add_z(&b, "old 0\n\nlog.test/a\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n"
		      "\xe2\x80\x94 log.test/b AAAAAAAAAAA=\n");
	EXPECT_UINT(t, post(&r, w, buf_slice(&b), 5, &got), 403);
	/* sizes */
	b = buf_in(&r.a);
	buf_add_z(&b, "old 21\n");
	blank = slice_find(good, SLICE("\n\n"));
	buf_add(&b, slice_from(good, blank + 1));
	EXPECT_UINT(t, post(&r, w, buf_slice(&b), 5, &got), 400);
	EXPECT_UINT(t, post(&r, w, good, 5, &got), 200);
	EXPECT_UINT(t, post(&r, w, good, 5, &got), 409);
	EXPECT_SLICE(t, got.body, SLICE("20\n"));
	EXPECT_SLICE(t, slice_of(got.type), SLICE("text/x.tlog.size"));
	EXPECT_UINT(t, post(&r, w, request(&r, r.honest, 3), 5, &got), 409);
	EXPECT_UINT(t, post(&r, w, request(&r, r.honest, 20), 6, &got), 200);
	/* proofs */
	EXPECT(t, log_grow(r.honest, 'h', 33, &r.why));
	body = request(&r, r.honest, 20);
	b = buf_in(&r.a);
	buf_add(&b, body);
	b.ptr[slice_find(body, SLICE("\n")) + 1] ^= 1; /* 'A' and '@' are no neighbours in base64 */
	EXPECT(t, post(&r, w, buf_slice(&b), 7, &got) == 422 || got.number == 400);
	b = buf_in(&r.a);
	buf_add_z(&b, "old 20\n");
	buf_add(&b, slice_from(body, slice_find(body, SLICE("\n\n")) + 1));
	EXPECT_UINT(t, post(&r, w, buf_slice(&b), 7, &got), 422);
	EXPECT_UINT(t, r.alarms, 0);
	EXPECT_UINT(t, post(&r, w, request(&r, r.fork, 20), 7, &got), 422);
	EXPECT_UINT(t, r.alarms, 1);
	EXPECT_UINT(t, post(&r, w, body, 7, &got), 200);
	witness_close(w);
	room_done(&r);
}

/* Whatever way the second history comes in, it is evidence. */
static void a_second_history_is_kept_as_proof(struct test *t)
{
	static const struct {
		uint64_t honest, fork, old;
		unsigned number;
		bool convicts;
	} cases[] = {
		{20, 20, 20, 422, true},  /* two roots of one size */
		{20, 20, 3, 409, true},	  /* the same, badly asked */
		{20, 33, 20, 422, true},  /* the fork's own proof tells on it */
		{16, 33, 16, 422, false}, /* 2^4: the proof does not say what it started from */
		{20, 15, 15, 409, false}, /* a smaller one might be the front of ours */
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct witness_answer got;
		struct witness *w;
		struct room r;
		struct buf hex, path;
		struct view_conviction c;
		struct merkle_checkpoint two[2];

		EXPECT(t, room_init(t, &r));
		EXPECT(t, witness_open(&r.o, &r.a, &w, &r.why) == ST_OK);
		EXPECT(t, log_grow(r.honest, 'h', cases[i].honest, &r.why));
		EXPECT(t, log_grow(r.fork, 'f', cases[i].fork, &r.why));
		EXPECT_UINT(t, post(&r, w, request(&r, r.honest, 0), 5, &got), 200);
		for (unsigned again = 0; again < 2; again++)
			EXPECT_UINT(t, post(&r, w, request(&r, r.fork, cases[i].old), 6, &got),
				    cases[i].number);
		EXPECT_UINT(t, r.alarms, cases[i].convicts); /* once */
		hex = buf_in(&r.a);
		witness_origin_add(SLICE("log.test/a"), &hex);
		path = buf_in(&r.a);
		buf_add_fmt(&path, "/%.*s/conviction", SLICE_ARG(buf_slice(&hex)));
		witness_get(w, buf_slice(&path), &r.a, &got);
		EXPECT_UINT(t, got.number, cases[i].convicts ? 200 : 404);
		if (cases[i].convicts) {
			EXPECT(t, view_conviction_parse(got.body, &r.a, &c, &r.why) == ST_OK);
			EXPECT(t, view_conviction_check(&c, &r.a, two, &r.why) == ST_OK);
		}
		/* monitors see what was cosigned, signed by both */
		path.len -= strlen("conviction");
		buf_add_z(&path, "checkpoint");
		witness_get(w, buf_slice(&path), &r.a, &got);
		EXPECT_UINT(t, got.number, 200);
		EXPECT(t, merkle_checkpoint_open(got.body, &r.log, &r.a, two, &r.why) == ST_OK);
		EXPECT_UINT(t, two[0].size, cases[i].honest);
		EXPECT(t, cosigned_at(&r, got.body, SLICE("")) == 5);
		witness_close(w);
		room_done(&r);
	}
}

static void a_clock_that_goes_back_does_not_take_cosignatures_with_it(struct test *t)
{
	struct witness_answer got;
	struct witness *w;
	struct room r;

	EXPECT(t, room_init(t, &r));
	EXPECT(t, witness_open(&r.o, &r.a, &w, &r.why) == ST_OK);
	EXPECT(t, log_grow(r.honest, 'h', 5, &r.why));
	EXPECT_UINT(t, post(&r, w, request(&r, r.honest, 0), 9000, &got), 200);
	EXPECT(t, log_grow(r.honest, 'h', 6, &r.why));
	EXPECT_UINT(t, post(&r, w, request(&r, r.honest, 5), 10, &got), 200);
	EXPECT_UINT(t, cosigned_at(&r, ledger_checkpoint(r.honest), got.body), 9000);
	witness_close(w);
	room_done(&r);
}

static void a_state_that_was_changed_is_cosigned_no_more(struct test *t)
{
	struct witness_answer got;
	struct witness *w;
	struct room r;
	struct buf path, changed;
	struct slice bytes;

	EXPECT(t, room_init(t, &r));
	EXPECT(t, witness_open(&r.o, &r.a, &w, &r.why) == ST_OK);
	EXPECT(t, log_grow(r.honest, 'h', 5, &r.why));
	EXPECT_UINT(t, post(&r, w, request(&r, r.honest, 0), 9, &got), 200);
	path = buf_in(&r.a);
	buf_add_fmt(&path, "%s/witness/", r.dir);
	witness_origin_add(SLICE("log.test/a"), &path);
	EXPECT(t, os_file_read(buf_slice(&path), 65536, &r.a, &bytes, &r.why) == ST_OK);
	for (size_t i = 0; i < bytes.len; i++) {
		bool cut = i % 3 == 0;

		changed = buf_in(&r.a);
		buf_add(&changed, cut ? slice_part(bytes, 0, i) : bytes);
		if (!cut)
			changed.ptr[i] ^= 1;
		EXPECT(t,
		       os_file_put(NULL, buf_slice(&path), buf_slice(&changed), &r.why) == ST_OK);
		(void)post(&r, w, request(&r, r.honest, 5), 10, &got);
		/* what carries our signature may be changed only in the log's line, which we know
		 */
		EXPECT(t, got.number == 500 || got.number == 200);
		if (got.number == 200)
			EXPECT(t, i > slice_find(bytes, SLICE("\n\n")));
	}
	EXPECT(t, os_file_put(NULL, buf_slice(&path), SLICE("?"), &r.why) == ST_OK);
	EXPECT_UINT(t, post(&r, w, request(&r, r.honest, 5), 10, &got), 500);
	EXPECT(t, strstr(got.why.text, "not as it was left") != NULL);
	witness_close(w);
	room_done(&r);
}

static int full(void *ctx, uint64_t number, enum os_op op, struct slice path)
{
	return number == *(uint64_t *)ctx ? ENOSPC : 0;
}

static void a_full_disk_gives_no_cosignature_and_loses_none(struct test *t)
{
	bool lived = false;

	for (uint64_t when = 0; !lived; when++) {
		struct os_disk disk = {&when, full, 0};
		struct witness_answer got;
		struct witness *w;
		struct room r;
		unsigned number = 500;

		EXPECT(t, room_init(t, &r) && when < 100);
		EXPECT(t, log_grow(r.honest, 'h', 5, &r.why));
		r.o.disk = &disk;
		if (witness_open(&r.o, &r.a, &w, &r.why) == ST_OK) {
			number = post(&r, w, request(&r, r.honest, 0), 9, &got);
			EXPECT(t, number == 200 || number == 500);
			witness_close(w);
		}
		lived = number == 200;
		r.o.disk = NULL;
		EXPECT(t, witness_open(&r.o, &r.a, &w, &r.why) == ST_OK);
		/* a folder that could not be synced may have the new name all the same */
		number = post(&r, w, request(&r, r.honest, 0), 9, &got);
		EXPECT(t, number == 409 || (number == 200 && !lived));
		witness_close(w);
		room_done(&r);
	}
}

static void other_names_show_nothing(struct test *t)
{
	static const char *const paths[] = {
		"",
		"/",
		"/lock",
		"/dewline-witness",
		"/../honest/checkpoint",
		"/00/checkpoint",
		"checkpoint",
		"/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/checkpoint",
		"/0000000000000000000000000000000000000000000000000000000000000000/checkpoint",
		"/0000000000000000000000000000000000000000000000000000000000000000"};
	struct witness_answer got;
	struct witness *w;
	struct room r;

	EXPECT(t, room_init(t, &r));
	EXPECT(t, witness_open(&r.o, &r.a, &w, &r.why) == ST_OK);
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		witness_get(w, slice_of(paths[i]), &r.a, &got);
		EXPECT_UINT(t, got.number, 404);
	}
	witness_close(w);
	r.o.folder = at(&r, "honest");
	EXPECT(t, witness_open(&r.o, &r.a, &w, &r.why) == ST_REFUSED);
	r.o.folder = at(&r, "witness");
	r.o.key = &r.log;
	EXPECT(t, witness_open(&r.o, &r.a, &w, &r.why) == ST_INVALID);
	room_done(&r);
}

TESTS(T(a_log_that_only_grows_is_cosigned), T(every_answer_is_that_of_the_specification),
      T(a_second_history_is_kept_as_proof),
      T(a_clock_that_goes_back_does_not_take_cosignatures_with_it),
      T(a_state_that_was_changed_is_cosigned_no_more),
      T(a_full_disk_gives_no_cosignature_and_loses_none), T(other_names_show_nothing))
