/* SPDX-License-Identifier: Apache-2.0
 *
 * Invariants:
 *  1. The file of an origin only ever goes from a checkpoint to one that is consistent with it.
 *  2. It carries our own cosignature, so a file that somebody changed is found when it is read, and
 *     then nothing of that log is cosigned any more.
 *  3. A cosignature leaves only after its checkpoint is durable.
 *
 * Which answer comes first when several fit is the order of tlog-witness: form (400), whose log
 * (404), signature (403), sizes (400, 409), proof (422).
 */
#include "evidence/witness/witness.h"

#include "evidence/merkle/merkle.h"
#include "os/file.h"

enum { NOTE_FILE_MAX = 128 << 10, HEX = 2 * CRYPTO_SHA256_BYTES };

#define TEXT "text/plain; charset=utf-8"

struct witness {
	struct witness_options o;
	struct os_lock lock;
};

/* What we cosigned last of one log. */
struct state {
	struct slice note; /* ptr NULL: nothing yet */
	uint64_t size, time_s;
	uint8_t root[MERKLE_BYTES];
};

/* One request on its way through. */
struct job {
	struct witness *w;
	struct arena *a;
	struct view_request request;
	struct note note;
	struct merkle_checkpoint is;
	struct note_verifier *keys; /* of the log */
	bool *good;		    /* keys that signed */
	size_t key_count;
	struct state known;
	struct witness_answer *out;
};

/* --- its folder --- */

void witness_origin_add(struct slice origin, struct buf *out)
{
	uint8_t hash[CRYPTO_SHA256_BYTES];

	crypto_sha256_of(origin, hash);
	crypto_hex_add((struct slice){hash, sizeof hash}, out);
}

static struct slice origin_path(const struct witness *w, struct slice origin, const char *tail,
				struct arena *a)
{
	struct buf b = buf_in(a);

	buf_add(&b, w->o.folder);
	buf_add_byte(&b, '/');
	witness_origin_add(origin, &b);
	buf_add_z(&b, tail);
	return b.full ? (struct slice){NULL, 0} : buf_slice(&b);
}

static enum status no_memory(struct fail *why)
{
	return fail_set(why, ST_NOMEM, "no memory for a witness");
}

enum status witness_open(const struct witness_options *options, struct arena *a,
			 struct witness **out, struct fail *why)
{
	const struct os_claim claim = {.disk = options->disk,
				       .folder = options->folder,
				       .marker = "witness",
				       .text = SLICE("dewline witness 1\n"),
				       .whose = "witness"};
	struct witness *w = ARENA_NEW(a, struct witness);
	enum status st;

	if (w == NULL)
		return no_memory(why);
	w->o = *options;
	if (options->key->type != NOTE_COSIGNATURE)
		return fail_set(
			why, ST_INVALID,
			"the witness's key is of type %d; cosignatures are made with type %d",
			(int)options->key->type, NOTE_COSIGNATURE);
	st = os_folder_claim(&claim, a, &w->lock, why);
	if (st != ST_OK) {
		witness_close(w);
		return st;
	}
	*out = w;
	return ST_OK;
}

void witness_close(struct witness *w)
{
	if (w != NULL)
		os_lock_done(&w->lock);
}

/* What we know of an origin. ST_CORRUPT: the file is not as we left it. */
static enum status state_read(const struct witness *w, struct slice origin, struct arena *a,
			      struct state *out, struct fail *why)
{
	struct slice path = origin_path(w, origin, "", a);
	const struct note_signature *own;
	struct merkle_checkpoint is;
	struct state s = {0};
	struct note note;
	enum status st = path.ptr == NULL ? no_memory(why)
					  : os_file_read(path, NOTE_FILE_MAX, a, &s.note, why);

	if (st == ST_NOTFOUND) {
		*out = (struct state){0};
		merkle_empty(out->root);
		return ST_OK;
	}
	if (st == ST_OK)
		st = note_parse(s.note, a, &note, why);
	if (st == ST_OK)
		st = merkle_checkpoint_parse(note.text, &is, why);
	if (st == ST_OK)
		st = note_verify(&note, w->o.key, 1, NULL, a, why);
	if (st == ST_OK && !slice_equal(is.origin, origin))
		st = fail_set(why, ST_CORRUPT, "it is of %.*s", SLICE_ARG(is.origin));
	if (st == ST_NOMEM || st == ST_IO)
		return st;
	if (st != ST_OK) {
		why->status = ST_CORRUPT;
		return fail_wrap(why, "%.*s is not as it was left", SLICE_ARG(path));
	}
	own = note_signature_find(&note, w->o.key);
	s.size = is.size;
	s.time_s = own != NULL ? note_signature_time(own) : 0;
	memcpy(s.root, is.root, sizeof s.root);
	*out = s;
	return ST_OK;
}

/* --- answers --- */

static void answer(struct job *j, unsigned number, const char *type, struct slice body)
{
	j->out->number = number;
	j->out->type = type;
	j->out->body = body;
}

/* No, and the reason as a line for whoever asked. */
static void refuse(struct job *j, unsigned number)
{
	answer(j, number, TEXT, buf_text(j->a, "%s\n", j->out->why.text));
}

/* We could not. What exactly is not a stranger's business. */
static void cannot(struct job *j)
{
	answer(j, 500, TEXT, SLICE("the witness cannot answer now\n"));
}

/* What failed to parse or to verify: 500 if that was for lack of memory. */
static void refuse_or_cannot(struct job *j, unsigned number)
{
	if (j->out->why.status == ST_NOMEM || j->out->why.status == ST_IO)
		cannot(j);
	else
		refuse(j, number);
}

/* --- checks --- */

static bool form_ok(struct job *j, struct slice body)
{
	struct fail *why = &j->out->why;

	if (view_request_parse(body, j->a, &j->request, why) == ST_OK &&
	    note_parse(j->request.checkpoint, j->a, &j->note, why) == ST_OK &&
	    merkle_checkpoint_parse(j->note.text, &j->is, why) == ST_OK)
		return true;
	refuse_or_cannot(j, 400);
	return false;
}

static bool signature_ok(struct job *j)
{
	const struct view_policy *p = j->w->o.logs;
	struct fail *why = &j->out->why;

	j->keys = ARENA_ARRAY(j->a, struct note_verifier, p->log_count + 1);
	j->good = ARENA_ARRAY(j->a, bool, p->log_count + 1);
	if (j->keys == NULL || j->good == NULL) {
		(void)no_memory(why);
		cannot(j);
		return false;
	}
	for (size_t i = 0; i < p->log_count; i++)
		if (slice_equal(p->logs[i].key.name, j->is.origin))
			j->keys[j->key_count++] = p->logs[i].key;
	if (j->key_count == 0) {
		(void)fail_set(why, ST_NOTFOUND, "%.*s is no log that we know",
			       SLICE_ARG(slice_part(j->is.origin, 0, 80)));
		refuse(j, 404);
		return false;
	}
	if (note_verify(&j->note, j->keys, j->key_count, j->good, j->a, why) == ST_OK)
		return true;
	refuse_or_cannot(j, 403);
	return false;
}

/* Two checkpoints that one key of the log signed and that cannot both be true: the proof is kept
 * and the operator is told, once. Also where the answer is 409: what was signed was signed. */
static void look_for_lie(struct job *j, bool proof_is_from_ours)
{
	struct slice notes[2] = {j->known.note, j->request.checkpoint};
	struct slice path = origin_path(j->w, j->is.origin, ".conviction", j->a);
	struct view_conviction c;
	struct buf text = buf_in(j->a);
	struct fail why;

	if (j->known.note.ptr == NULL || path.ptr == NULL || os_file_exists(path))
		return;
	for (size_t i = 0; i < j->key_count; i++) {
		if (!j->good[i] || view_conviction_of(&j->keys[i], notes, j->request.hashes,
						      proof_is_from_ours ? j->request.count : 0,
						      NULL, j->a, &c, &why) != ST_OK)
			continue;
		view_conviction_add(&c, &text);
		/* a disk that is full now may have room at the next attempt */
		if (!text.full &&
		    os_file_replace(j->w->o.disk, path, buf_slice(&text), &why) == ST_OK &&
		    j->w->o.convicted != NULL)
			j->w->o.convicted(j->w->o.ctx, j->is.origin, path);
		return;
	}
}

static bool sizes_ok(struct job *j)
{
	struct fail *why = &j->out->why;

	if (j->request.old > j->is.size) {
		(void)fail_set(why, ST_INVALID, "the old size is above the checkpoint's");
		refuse(j, 400);
		return false;
	}
	if (state_read(j->w, j->is.origin, j->a, &j->known, why) != ST_OK) {
		cannot(j);
		return false;
	}
	if (j->request.old == j->known.size)
		return true;
	look_for_lie(j, false);
	(void)fail_set(why, ST_REFUSED, "the size known here is %llu, not %llu",
		       (unsigned long long)j->known.size, (unsigned long long)j->request.old);
	answer(j, 409, "text/x.tlog.size",
	       buf_text(j->a, "%llu\n", (unsigned long long)j->known.size));
	return false;
}

static bool proof_ok(struct job *j)
{
	uint8_t empty[MERKLE_BYTES];

	merkle_empty(empty);
	if ((j->is.size != 0 || memcmp(j->is.root, empty, sizeof empty) == 0) &&
	    merkle_verify_consistency(j->known.size, j->is.size, j->known.root, j->is.root,
				      j->request.hashes, j->request.count))
		return true;
	look_for_lie(j, true);
	(void)fail_set(&j->out->why, ST_REFUSED,
		       "the proof does not lead from the tree of %llu leaves that is known here to "
		       "this one of %llu",
		       (unsigned long long)j->known.size, (unsigned long long)j->is.size);
	refuse(j, 422);
	return false;
}

/* Signs, keeps, answers: in this order. */
static void cosign(struct job *j, uint64_t now_s)
{
	const struct witness_options *o = &j->w->o;
	uint64_t time_s = now_s > j->known.time_s ? now_s : j->known.time_s;
	struct buf line = buf_in(j->a), note = buf_in(j->a);
	struct slice path = origin_path(j->w, j->is.origin, "", j->a);
	enum status st = note_write(j->note.text, &note, &j->out->why);

	note_sign(j->note.text, o->key, o->signer, time_s, &line);
	for (size_t i = 0; i < j->key_count; i++)
		if (j->good[i])
			note_signature_add(note_signature_find(&j->note, &j->keys[i]), &note);
	buf_add(&note, buf_slice(&line));
	if (st == ST_OK && (line.full || note.full || path.ptr == NULL))
		st = no_memory(&j->out->why);
	if (st == ST_OK)
		st = os_file_replace(o->disk, path, buf_slice(&note), &j->out->why);
	if (st != ST_OK)
		cannot(j);
	else
		answer(j, 200, TEXT, buf_slice(&line));
}

void witness_add(struct witness *w, struct slice body, uint64_t now_s, struct arena *a,
		 struct witness_answer *out)
{
	struct job j = {.w = w, .a = a, .out = out};

	*out = (struct witness_answer){0};
	if (form_ok(&j, body) && signature_ok(&j) && sizes_ok(&j) && proof_ok(&j))
		cosign(&j, now_s);
}

void witness_get(struct witness *w, struct slice path, struct arena *a, struct witness_answer *out)
{
	struct slice hex = slice_part(path, 1, HEX), tail = slice_from(path, 1 + HEX), bytes, file;
	struct job j = {.w = w, .a = a, .out = out};
	uint8_t hash[CRYPTO_SHA256_BYTES];
	bool conviction = slice_equal(tail, SLICE("/conviction"));
	enum status st = ST_NOTFOUND;

	*out = (struct witness_answer){0};
	if (slice_starts(path, SLICE("/")) && crypto_hex_parse(hex, sizeof hash, hash) &&
	    (conviction || slice_equal(tail, SLICE("/checkpoint")))) {
		file = buf_text(a, "%.*s/%.*s%s", SLICE_ARG(w->o.folder), SLICE_ARG(hex),
				conviction ? ".conviction" : "");
		st = file.ptr == NULL
			     ? no_memory(&out->why)
			     : os_file_read(file, VIEW_CONVICTION_MAX, a, &bytes, &out->why);
	}
	if (st == ST_OK) {
		answer(&j, 200, TEXT, bytes);
	} else if (st == ST_NOTFOUND) {
		(void)fail_set(&out->why, st, "nothing is known by this name");
		refuse(&j, 404);
	} else {
		cannot(&j);
	}
}
