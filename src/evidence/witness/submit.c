/* SPDX-License-Identifier: Apache-2.0
 *
 * A log asks a witness. The first question says that it knows of nothing; the answer says what it
 * does know of, and the second one proves the way from there. Somebody else may have been faster in
 * between, so there are a few turns.
 */
#include "base/text.h"
#include "evidence/witness/witness.h"
#include "os/web.h"

enum { TURNS = 4, ANSWER_MAX = 64 << 10 };

static enum status proof_make(struct ledger *l, uint64_t old, struct arena *a,
			      struct view_request *out, struct fail *why)
{
	uint8_t(*proof)[MERKLE_BYTES] = arena_alloc(a, MERKLE_BYTES, 1, MERKLE_PROOF_MAX);
	struct view_request r = {.old = old, .checkpoint = ledger_checkpoint(l)};
	enum status st;

	if (proof == NULL)
		return fail_set(why, ST_NOMEM, "no memory to ask a witness");
	st = ledger_prove_consistency(l, old, proof, &r.count, why);
	r.hashes = (const uint8_t(*)[MERKLE_BYTES])proof;
	if (st == ST_OK)
		*out = r;
	return st;
}

/* The line of `key` among those that came, if it is right for this checkpoint. */
static enum status line_take(struct slice checkpoint, struct slice came,
			     const struct note_verifier *key, struct arena *a, struct buf *lines,
			     struct fail *why)
{
	struct buf both = buf_in(a);
	struct note note;
	enum status st;

	buf_add(&both, checkpoint);
	buf_add(&both, came);
	if (both.full)
		return fail_set(why, ST_NOMEM, "no memory for a cosignature");
	st = note_parse(buf_slice(&both), a, &note, why);
	if (st == ST_OK)
		st = note_verify(&note, key, 1, NULL, a, why);
	if (st != ST_OK)
		return fail_wrap(why, "its answer");
	note_signature_add(note_signature_find(&note, key), lines);
	return lines->full ? fail_set(why, ST_NOMEM, "no memory for a cosignature") : ST_OK;
}

static enum status explain(const struct os_web_answer *got, struct ledger *l, struct fail *why)
{
	struct slice said = slice_part(slice_trim(got->body), 0, 100);

	if (got->number == 404)
		return fail_set(why, ST_REFUSED, "it does not know this log");
	if (got->number == 422)
		return fail_set(why, ST_REFUSED,
				"it has cosigned a history that this log, at %llu leaves, does not "
				"have: the log was changed or set back",
				(unsigned long long)ledger_size(l));
	return fail_set(why, ST_REFUSED, "it answers %u: %.*s", got->number, SLICE_ARG(said));
}

static enum status ask(struct os_web *web, struct slice url, const struct note_verifier *key,
		       struct ledger *l, struct arena *a, struct buf *lines, struct fail *why)
{
	struct os_web_ask q = {.url = url, .most = ANSWER_MAX};
	uint64_t old = 0;

	for (unsigned turn = 0; turn < TURNS; turn++) {
		struct os_web_answer got;
		struct view_request r;
		struct buf body = buf_in(a);
		enum status st = proof_make(l, old, a, &r, why);

		if (st != ST_OK)
			return st;
		view_request_add(&r, &body);
		if (body.full)
			return fail_set(why, ST_NOMEM, "no memory to ask a witness");
		q.body = buf_slice(&body);
		st = os_web_ask(web, &q, a, &got, why);
		if (st != ST_OK)
			return st;
		if (got.number == 200)
			return line_take(r.checkpoint, got.body, key, a, lines, why);
		if (got.number != 409 || !text_u64(slice_trim(got.body), 0, INT64_MAX, &old))
			return explain(&got, l, why);
		if (old > ledger_size(l))
			return fail_set(why, ST_REFUSED,
					"it has seen %llu leaves of this log, which has %llu: the "
					"log was set back",
					(unsigned long long)old,
					(unsigned long long)ledger_size(l));
	}
	return fail_set(why, ST_REFUSED, "it was told of other sizes each time we asked");
}

enum status witness_submit(struct os_web *web, struct slice url, const struct note_verifier *key,
			   struct ledger *l, struct arena *a, struct buf *lines, struct fail *why)
{
	struct buf full = buf_in(a);
	enum status st;

	while (url.len > 0 && url.ptr[url.len - 1] == '/')
		url.len--;
	buf_add(&full, url);
	buf_add_z(&full, "/add-checkpoint");
	if (full.full)
		return fail_set(why, ST_NOMEM, "no memory to ask a witness");
	st = ask(web, buf_slice(&full), key, l, a, lines, why);
	return st == ST_OK
		       ? ST_OK
		       : fail_wrap(why, "witness %.*s", SLICE_ARG(slice_part(key->name, 0, 60)));
}
