/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of a station into its log: batches, a log that breaks and is opened again, and how the
 * run before this one ended. (Invariants: sealing_work.h.) */
#include "daemon/daemon_priv.h"
#include "daemon/sealing_work.h"
#include "os/clock.h"
#include "os/file.h"

enum {
	RETRY_MS = 1000,
	FREE_LEAST = 256 << 10, /* bytes on the disk before it is tried again */
	LOCK_WAIT_MS = 5000,	/* for one who is about to end */
	LOCK_LOOK_MS = 50,
	BACK_MAX = 16, /* leaves that are looked at for how the last run ended */
};

void daemon_sealing_own_gap(struct work *w, const struct sealing_gap *g)
{
	struct arena arena = {.pool = &w->record_pool};
	struct wall_ns now = os_clock_wall();
	struct sealing_head head = {.seen = now, .put = now};
	struct buf body = buf_in(&arena);
	uint8_t *to;

	daemon_sealing_pack_gap(g, &body);
	to = body.full ? NULL : queue_reserve(&w->own, SEALING_GAP, sizeof head + body.len);
	if (to != NULL) {
		memcpy(to, &head, sizeof head);
		memcpy(to + sizeof head, body.ptr, body.len);
		queue_publish(&w->own);
	} else {
		w->refused++; /* thousands wait: then one more is a number */
	}
	arena_reset(&arena);
}

static void batch_reset(struct work *w)
{
	w->next = w->is;
	w->events = w->records = 0;
	w->gaps = w->lives = w->ends = 0;
}

/* Invariant 1: all that was taken is to be taken again. */
static void broke(struct work *w, const struct fail *why)
{
	daemon_commit_close(w->commit);
	w->commit = NULL;
	arena_reset(&w->room);
	arena_pool_drain(&w->room_pool);
	for (size_t i = 0; i < w->view_count; i++)
		w->views[i].at = w->views[i].tail;
	batch_reset(w);
	w->tried = os_clock_mono();
	atomic_store(&w->m->writing, false);
	atomic_store(&w->m->error, why->sys_errno);
	atomic_fetch_add(&w->m->failures, 1);
	if (w->broke.ns == 0) {
		w->broke = os_clock_wall();
		daemon_sealing_speak(w, "the station's log cannot be written, events wait: %s",
				     why->text);
	}
}

static void latency_add(struct sealing_shared *m, int64_t ns)
{
	uint64_t v = ns > 0 ? (uint64_t)ns : 0;

	atomic_fetch_add_explicit(&m->latency[histogram_bucket(v)], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->latency_sum, v, memory_order_relaxed);
	if (v > atomic_load_explicit(&m->latency_most, memory_order_relaxed))
		atomic_store_explicit(&m->latency_most, v, memory_order_relaxed);
	atomic_fetch_add(&m->latency_count, 1);
	if (v >= SEALING_LATE_MS * (uint64_t)TIME_NS_PER_MS)
		atomic_fetch_add(&m->late, 1);
}

/* The log can be written again. */
static void mended(struct work *w)
{
	struct wall_ns now = os_clock_wall();

	if (w->broke.ns == 0)
		return;
	daemon_sealing_own_gap(
		w, &(struct sealing_gap){
			   .reason = SEALING_DISK, .from = w->broke, .to = now, .detail = "disk"});
	w->broke.ns = 0;
	daemon_sealing_speak(w, "the station's log can be written again");
}

/* For who comes after us, if we die. */
static void leave(struct work *w)
{
	const struct sealing_life *l = &w->is.life;

	atomic_store(&w->m->packets, l->packets);
	atomic_store(&w->m->bytes, l->bytes);
	atomic_store(&w->m->drops, l->drops);
	atomic_store(&w->m->alerts, l->alerts);
	atomic_store(&w->m->over, w->is.over);
	atomic_store(&w->m->begun, w->is.begun);
}

/* We come after one that died. What it had said stands; since its last word nobody watched. */
void daemon_sealing_take_over(struct work *w)
{
	struct wall_ns now = os_clock_wall();

	w->is = (struct standing){.begun = atomic_load(&w->m->begun),
				  .over = atomic_load(&w->m->over),
				  .life = {.packets = atomic_load(&w->m->packets),
					   .bytes = atomic_load(&w->m->bytes),
					   .drops = atomic_load(&w->m->drops),
					   .alerts = atomic_load(&w->m->alerts)},
				  .life_to = now,
				  .life_at = os_clock_mono()};
	w->next = w->is;
	w->life = w->is.life;
	w->sign = w->is.life_at;
	w->sign_wall = now;
	w->unsaid = atomic_load(&w->m->unsaid_told);
	for (size_t i = 0; i + 1 < w->view_count; i++)
		for (unsigned k = 0; k < SEALING_KINDS; k++)
			w->lost[i][k] = atomic_load(&w->m->lanes[i].told[k]);
	if (w->s->o.live && w->is.begun && !w->is.over)
		daemon_sealing_own_gap(w, &(struct sealing_gap){.reason = SEALING_SEALER,
								.from = w->last,
								.to = now});
}

void daemon_sealing_flush(struct work *w)
{
	struct wall_ns now;
	struct fail why;

	w->flushed = os_clock_mono();
	if (w->commit == NULL || w->records == 0)
		return;
	if (daemon_commit_flush(w->commit, &why) != ST_OK) {
		broke(w, &why);
		return;
	}
	now = os_clock_wall();
	for (size_t i = 0; i < w->events; i++)
		latency_add(w->m, now.ns - w->seen[i].ns);
	for (size_t i = 0; i < w->view_count; i++) {
		struct view *v = &w->views[i];

		v->tail = v->at;
		atomic_store_explicit(&v->queue->tail, v->tail, memory_order_release);
	}
	w->is = w->next;
	leave(w);
	atomic_fetch_add(&w->m->sealed, w->events);
	atomic_fetch_add(&w->m->gaps, w->gaps);
	atomic_fetch_add(&w->m->lives, w->lives);
	atomic_fetch_add(&w->m->commits, 1);
	atomic_store(&w->m->leaves, daemon_commit_size(w->commit));
	atomic_store(&w->m->writing, true);
	atomic_fetch_add(&w->m->ends, w->ends);
	batch_reset(w);
	mended(w);
}

void daemon_sealing_refuse(struct work *w)
{
	w->refused++;
	atomic_fetch_add(&w->m->refused, 1);
}

/* False: the log broke. What cannot be sealed is counted, and passed over. */
bool daemon_sealing_add_fields(struct work *w, const struct record_field *fields, size_t n,
			       bool by_party)
{
	uint64_t leaf, now = (uint64_t)(os_clock_wall().ns / TIME_NS_PER_S);
	size_t outer = 0;
	struct fail why;
	enum status st = daemon_commit_add_fields(w->commit, fields, n, now, by_party, &leaf, &why);

	if (st == ST_INVALID ||
	    st == ST_LIMIT) { /* a field that cannot be: what all have is kept */
		while (outer < n && fields[outer].group.len == 0)
			outer++;
		st = daemon_commit_add_fields(w->commit, fields, outer, now, by_party, &leaf, &why);
	}
	if (st == ST_INVALID || st == ST_LIMIT) {
		daemon_sealing_refuse(w);
		return true;
	}
	if (st != ST_OK) {
		broke(w, &why);
		return false;
	}
	w->records++;
	return true;
}

/* A record of the station about itself. */
bool daemon_sealing_add_record(struct work *w, struct record *r, struct arena *a)
{
	struct record_field fields[RECORD_FIELDS_MAX];
	bool certificate =
		r->kind == RECORD_INPUT && slice_equal(r->u.input.what, SLICE("station-key"));
	size_t n;

	r->party = w->s->set.party;
	r->station = w->s->set.station;
	n = record_fields(r, a, fields);
	if (n == 0) {
		daemon_sealing_refuse(w);
		return true;
	}
	return daemon_sealing_add_fields(w, fields, n, certificate);
}

/* ---- opening ---- */

static struct slice field_of(const struct commit_event *e, const char *name)
{
	for (size_t i = 0; i < e->count; i++)
		if (e->fields[i].group.len == 0 && slice_equal(e->fields[i].name, slice_of(name)))
			return e->fields[i].json;
	return SLICE("");
}

/* What is ours, but says nothing of a sensor: goes on to the leaf before it. */
static bool is_aside(struct slice type)
{
	static const char *const types[] = {"\"input\"", "\"release\"", "\"disclosure\"",
					    "\"expiry\""};

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (slice_equal(type, slice_of(types[i])))
			return true;
	return false;
}

/* When the last run was heard of last, and whether it was told to end. */
static void last_look(struct work *w)
{
	uint64_t size = daemon_commit_size(w->commit);
	bool aside = true;

	w->last = (struct wall_ns){0};
	w->last_ended = false;
	for (uint64_t k = 1; aside && k <= size && k <= BACK_MAX; k++) {
		struct arena arena = {.pool = &w->record_pool};
		struct disclose_opened clear;
		struct commit_event e = {0};
		struct slice time;
		struct fail why;

		if (daemon_commit_look(w->commit, size - k, &arena, &clear, &why) == ST_OK)
			w->last.ns = (int64_t)clear.at_s * TIME_NS_PER_S;
		aside = false;
		if (daemon_commit_reopen_recent(w->commit, size - k, &arena, &e, &why) == ST_OK) {
			struct wall_ns at;

			aside = is_aside(field_of(&e, "event_type"));
			time = field_of(&e, "timestamp");
			if (time.len > 2 && time_parse(slice_part(time, 1, time.len - 2), &at) &&
			    at.ns > w->last.ns)
				w->last = at;
			w->last_ended =
				slice_starts(field_of(&e, "watch"), SLICE("{\"act\":\"end\""));
		}
		arena_reset(&arena);
	}
}

static enum status commit_open(struct work *w, struct fail *why)
{
	enum status st = daemon_commit_open_now(&w->data, &w->room, &w->commit, why);

	if (st == ST_OK) {
		daemon_commit_chain(w->commit);
		return ST_OK;
	}
	w->commit = NULL;
	arena_reset(&w->room);
	arena_pool_drain(&w->room_pool);
	return st;
}

/* The one before us may still be at its end. */
enum status daemon_sealing_first_open(struct work *w, struct fail *why)
{
	int64_t until = os_clock_mono().ns + LOCK_WAIT_MS * TIME_NS_PER_MS;
	enum status st = commit_open(w, why);

	while (st == ST_REFUSED && os_clock_mono().ns < until) {
		os_clock_pause(LOCK_LOOK_MS * TIME_NS_PER_MS);
		st = commit_open(w, why);
	}
	if (st == ST_OK)
		last_look(w);
	return st;
}

/* Not before there is room, and not all the time. */
void daemon_sealing_open_again(struct work *w)
{
	struct mono_ns now = os_clock_mono();
	uint64_t free_bytes = 0;
	struct fail why;

	if (now.ns - w->tried.ns < (w->lent ? LOCK_LOOK_MS : RETRY_MS) * TIME_NS_PER_MS)
		return;
	w->tried = now;
	if (os_disk_free(w->data.log, &free_bytes, &why) == ST_OK && free_bytes < FREE_LEAST)
		return;
	if (commit_open(w, &why) == ST_OK) {
		last_look(w);
		w->lent = false;
	}
}

/* Somebody wants to disclose, or to forget: events wait in their queues meanwhile. */
void daemon_sealing_lend(struct work *w)
{
	if (w->commit == NULL || w->records != 0 || !daemon_commit_wanted(&w->data))
		return;
	daemon_commit_close(w->commit);
	w->commit = NULL;
	arena_reset(&w->room);
	arena_pool_drain(&w->room_pool);
	w->lent = true;
	w->tried = os_clock_mono();
}
