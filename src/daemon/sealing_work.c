/* SPDX-License-Identifier: Apache-2.0
 *
 * The process that seals.
 *
 * 1. What was taken from a queue stays in it until the commit that holds it is durable: `tail` is
 *    how far a queue may be written over, `at` how far it was read. A commit that fails goes back
 *    to `tail`, and what was taken is taken again.
 * 2. So whatever a message changes here holds only once it is committed: it is in `next` until
 *    then. What this process has to say by itself is a message, too, in a queue of its own; but for
 *    signs of life, which are due until one is committed.
 * 3. Memory that the sensor can write is copied before it is looked at, and its numbers are held
 *    against our own.
 *
 *	writing		a commit fails		-> not writing
 *	not writing	each second, if the disk has room: the log is opened anew -> writing
 *	either		nobody holds us any more: what is there is committed; that is the end
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/daemon_priv.h"
#include "daemon/sealing_priv.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/sandbox.h"

enum {
	RETRY_MS = 1000,
	FREE_LEAST = 256 << 10, /* bytes on the disk before it is tried again */
	LOCK_WAIT_MS = 5000,	/* for one who is about to end */
	LOCK_LOOK_MS = 50,
	OWN_BYTES = 256 << 10, /* of our own queue */
	GIVE_DEPTH = 8,
	BACK_MAX = 16, /* leaves that are looked at for how the last run ended */
	LAST_LOOK_MS = 50,
};

/* A queue, by numbers that nobody else can write. */
struct view {
	struct queue *queue;
	uint8_t *bytes;
	uint64_t size, tail, at;
};

/* What holds once the batch is durable. */
struct standing {
	bool begun, over;	  /* the sensor inspects; was told to end */
	struct sealing_life life; /* of the newest sign that was committed */
	struct wall_ns life_to;	  /* up to when */
	struct mono_ns life_at;
};

struct work {
	struct sealing *s;
	struct sealing_shared *m;
	struct arena_pool keep_pool, room_pool, record_pool;
	struct arena keep, room; /* for all the time; for a log that is open */
	struct data data;
	struct commit *commit; /* NULL: it cannot be written now */
	struct queue own;
	struct view *views; /* of each lane, then of our own queue */
	size_t view_count;
	uint8_t *message; /* SEALING_MESSAGE_MAX */
	struct standing is, next;
	/* the batch */
	struct wall_ns *seen; /* of its events */
	size_t events, records;
	uint64_t gaps, lives, ends;
	struct mono_ns flushed, tried;
	/* how the last run ended */
	struct wall_ns last; /* its last sign; 0: there was none */
	bool last_ended;
	/* what is watched here */
	struct sealing_clock clock;
	struct sealing_life life; /* the newest sign of the sensor */
	struct mono_ns sign;	  /* when it came; 0: none yet */
	struct wall_ns sign_wall;
	bool hanging, dead;
	struct wall_ns broke; /* 0: it did not */
	uint64_t (*lost)[SEALING_KINDS];
	uint64_t unsaid, refused;
	struct wall_ns lost_looked;
};

static void say(const struct work *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say(const struct work *w, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (w->s->o.say == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap); /* cut short is fine */
	va_end(ap);
	w->s->o.say(w->s->o.ctx, text);
}

/* ---- our own queue ---- */

static void own_gap(struct work *w, const struct sealing_gap *g)
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

/* ---- committing ---- */

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
		say(w, "the station's log cannot be written, events wait: %s", why->text);
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
	own_gap(w, &(struct sealing_gap){
			   .reason = SEALING_DISK, .from = w->broke, .to = now, .detail = "disk"});
	w->broke.ns = 0;
	say(w, "the station's log can be written again");
}

static void flush(struct work *w)
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

static void refuse(struct work *w)
{
	w->refused++;
	atomic_fetch_add(&w->m->refused, 1);
}

/* False: the log broke. What cannot be sealed is counted, and passed over. */
static bool add_fields(struct work *w, const struct record_field *fields, size_t n, bool by_party)
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
		refuse(w);
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
static bool add_record(struct work *w, struct record *r, struct arena *a)
{
	struct record_field fields[RECORD_FIELDS_MAX];
	bool certificate =
		r->kind == RECORD_INPUT && slice_equal(r->u.input.what, SLICE("station-key"));
	size_t n;

	r->party = w->s->set.party;
	r->station = w->s->set.station;
	n = record_fields(r, a, fields);
	if (n == 0) {
		refuse(w);
		return true;
	}
	return add_fields(w, fields, n, certificate);
}

/* ---- what messages do ---- */

static void take_event(struct work *w, const struct sealing_head *head, struct slice bytes)
{
	struct record_field fields[RECORD_FIELDS_MAX];
	size_t before = w->records;

	if (!daemon_sealing_unpack_fields(bytes, head->count, fields)) {
		refuse(w);
		return;
	}
	if (add_fields(w, fields, head->count, false) && w->records > before)
		w->seen[w->events++] = head->seen;
}

static void add_gap(struct work *w, const struct sealing_gap *g, struct arena *a)
{
	struct record r;

	if (!daemon_sealing_gap_record(g, os_clock_wall(), a, &r))
		refuse(w);
	else if (add_record(w, &r, a))
		w->gaps++;
}

static void take_gap(struct work *w, struct slice bytes, struct arena *a)
{
	struct sealing_gap g;

	if (!daemon_sealing_unpack_gap(bytes, &g))
		refuse(w);
	else
		add_gap(w, &g, a);
}

static void take_input(struct work *w, struct slice bytes, struct arena *a)
{
	struct sealing_input i;
	struct record r;

	/* only the party's word is sealed with the log's key, and nobody sends it */
	if (!daemon_sealing_unpack_input(bytes, &i) || slice_starts(i.what, SLICE("station-key")) ||
	    !daemon_sealing_input_record(&i, os_clock_wall(), a, &r))
		refuse(w);
	else
		(void)add_record(w, &r, a); /* that the log broke is known */
}

static bool add_watch(struct work *w, const char *act, struct wall_ns now, struct arena *a)
{
	const struct sealing_options *o = &w->s->o;
	struct sealing_run run = {.mode = o->mode,
				  .places = o->places,
				  .place_count = o->place_count,
				  .alive_s = w->s->set.alive_s};
	struct record r;

	return daemon_sealing_watch_record(&run, act, now, a, &r) && add_record(w, &r, a);
}

/* The time without us, and how it began. */
static void add_absence(struct work *w, struct wall_ns now, struct arena *a)
{
	struct sealing_gap g = {.reason = w->last_ended ? SEALING_STOPPED : SEALING_CRASH,
				.from = w->last,
				.to = now};

	if (w->last.ns == 0)
		return;
	if (g.to.ns < g.from.ns)
		g.reason = SEALING_CLOCK_BACK;
	add_gap(w, &g, a);
}

/* One moment ends a silence and begins a watch: nothing is between. */
static void take_begin(struct work *w, struct arena *a)
{
	struct wall_ns now = os_clock_wall();
	struct record certificate;
	struct fail why;

	if (w->s->o.live && !w->is.begun)
		add_absence(w, now, a);
	if (w->commit == NULL)
		return;
	if (daemon_commit_certificate_of(w->commit, w->s->set.party, now, a, &certificate, &why) !=
	    ST_OK) {
		refuse(w);
		return;
	}
	if (!add_record(w, &certificate, a) || !w->s->o.live || !add_watch(w, "begin", now, a))
		return;
	if (w->hanging)
		own_gap(w, &(struct sealing_gap){
				   .reason = SEALING_HANG, .from = w->sign_wall, .to = now});
	w->hanging = false;
	w->next.begun = true;
	w->next.over = false;
	w->next.life = (struct sealing_life){0};
	w->next.life_to = now;
	w->next.life_at = os_clock_mono();
	w->life = (struct sealing_life){0};
	w->sign = w->next.life_at;
	w->sign_wall = w->next.life_to;
}

static uint64_t since(uint64_t now, uint64_t then)
{
	return now >= then ? now - then : now; /* less: another sensor counts from its begin */
}

static void add_life(struct work *w, struct arena *a)
{
	struct sealing_life l = {.packets = since(w->life.packets, w->next.life.packets),
				 .bytes = since(w->life.bytes, w->next.life.bytes),
				 .drops = since(w->life.drops, w->next.life.drops),
				 .alerts = since(w->life.alerts, w->next.life.alerts)};
	struct record r;

	/* up to the newest sign, and not to now */
	if (!daemon_sealing_life_record(&l, w->next.life_to, w->sign_wall, a, &r) ||
	    !add_record(w, &r, a))
		return;
	w->next.life = w->life;
	w->next.life_to = w->sign_wall;
	w->next.life_at = os_clock_mono();
	w->lives++;
}

static void take_life(struct work *w, struct slice bytes)
{
	struct wall_ns now = os_clock_wall();

	if (!daemon_sealing_unpack_life(bytes, &w->life)) {
		refuse(w);
		return;
	}
	if (w->hanging)
		own_gap(w, &(struct sealing_gap){
				   .reason = SEALING_HANG, .from = w->sign_wall, .to = now});
	w->hanging = false;
	w->sign = os_clock_mono();
	w->sign_wall = now;
}

static void take_end(struct work *w, struct arena *a)
{
	w->sign_wall = os_clock_wall(); /* a sign, too */
	if (w->s->o.live && w->next.begun) {
		add_life(w, a);
		if (w->commit == NULL || !add_watch(w, "end", w->sign_wall, a))
			return;
		w->next.over = true;
	}
	w->ends++;
	w->records++; /* also where nothing is written: that it is durable is waited for */
}

static void take(struct work *w, uint32_t kind, struct slice bytes)
{
	struct arena arena = {.pool = &w->record_pool};
	struct sealing_head head;

	if (bytes.len < sizeof head) {
		refuse(w);
		return;
	}
	memcpy(&head, bytes.ptr, sizeof head);
	bytes = slice_from(bytes, sizeof head);
	switch (kind) {
	case SEALING_EVENT:
		take_event(w, &head, bytes);
		break;
	case SEALING_GAP:
		take_gap(w, bytes, &arena);
		break;
	case SEALING_INPUT:
		take_input(w, bytes, &arena);
		break;
	case SEALING_BEGIN:
		take_begin(w, &arena);
		break;
	case SEALING_LIFE:
		take_life(w, bytes);
		break;
	case SEALING_END:
		take_end(w, &arena);
		break;
	default:
		refuse(w);
		break;
	}
	arena_reset(&arena);
}

/* ---- queues ---- */

/* The next message, copied. Invariant 3: what cannot be is passed over, all of it. */
static bool view_next(struct work *w, struct view *v, uint32_t *out_kind, struct slice *out)
{
	uint64_t head = atomic_load(&v->queue->head);

	while (v->at != head) {
		uint64_t at = v->at & (v->size - 1), to_end = v->size - at, need;
		uint32_t front[2];

		if (head - v->at > v->size || (v->at & 7) != 0)
			break;
		memcpy(front, v->bytes + at, sizeof front);
		need = queue_need(front[0]);
		if (need > head - v->at || need > to_end)
			break;
		v->at += need;
		if (front[1] == QUEUE_FILLER)
			continue;
		if (front[0] > SEALING_MESSAGE_MAX) {
			refuse(w);
			continue;
		}
		memcpy(w->message, v->bytes + at + QUEUE_HEAD, front[0]);
		*out_kind = front[1];
		*out = (struct slice){w->message, front[0]};
		return true;
	}
	if (v->at != head) {
		refuse(w);
		v->at = head;
	}
	return false;
}

/* But for this one. */
static bool others_taken(const struct work *w, const struct view *but)
{
	for (size_t i = 0; i < w->view_count; i++)
		if (&w->views[i] != but && w->views[i].at != atomic_load(&w->views[i].queue->head))
			return false;
	return true;
}

/* True: there is more than one batch. The word of an end is taken when there is nothing else. */
static bool drain(struct work *w)
{
	bool any = true;

	while (any && w->commit != NULL) {
		any = false;
		for (size_t i = 0; i < w->view_count && w->commit != NULL; i++) {
			struct view *v = &w->views[i];
			uint64_t before = v->at;
			struct slice message;
			uint32_t kind;

			if (w->records >= SEALING_BATCH)
				return true;
			if (!view_next(w, v, &kind, &message))
				continue;
			if (kind == SEALING_END && !others_taken(w, v)) {
				v->at = before;
				continue;
			}
			any = true;
			take(w, kind, message);
		}
	}
	return false;
}

/* ---- what this process sees by itself ---- */

static void look_at_clock(struct work *w)
{
	struct sealing_times now = daemon_sealing_now();
	struct sealing_gap g;

	if (w->s->o.live && daemon_sealing_clock_look(&w->clock, &now, &g))
		own_gap(w, &g);
}

/* Events that found no room, and messages that made no sense; a record a second at most. */
static void look_at_lost(struct work *w, bool last)
{
	struct wall_ns now = os_clock_wall();
	struct sealing_gap g = {
		.reason = SEALING_BEHIND, .from = w->lost_looked, .to = now, .counter = "queue"};
	uint64_t sum = 0, unsaid = 0;

	if (!last && now.ns >= w->lost_looked.ns && now.ns - w->lost_looked.ns < TIME_NS_PER_S)
		return;
	for (size_t i = 0; i + 1 < w->view_count; i++) {
		for (unsigned k = 0; k < SEALING_KINDS; k++) {
			uint64_t n = atomic_load(&w->m->lanes[i].lost[k]);

			g.events[k] += n - w->lost[i][k];
			w->lost[i][k] = n;
		}
		unsaid += atomic_load(&w->m->lanes[i].unsaid);
	}
	g.events[SEALING_OTHER] += unsaid - w->unsaid;
	w->unsaid = unsaid;
	for (unsigned k = 0; k < SEALING_KINDS; k++)
		sum += g.events[k];
	if (sum != 0)
		own_gap(w, &g);
	if (w->refused != 0)
		own_gap(w, &(struct sealing_gap){.reason = SEALING_GARBLED,
						 .from = w->lost_looked,
						 .to = now,
						 .events[SEALING_OTHER] = w->refused});
	w->refused = 0;
	w->lost_looked = now;
}

static void look_at_sensor(struct work *w)
{
	int64_t still = os_clock_mono().ns - w->sign.ns;

	if (!w->is.begun || w->is.over || w->hanging || w->dead ||
	    still < SEALING_HANG_MS * TIME_NS_PER_MS)
		return;
	w->hanging = true;
	own_gap(w, &(struct sealing_gap){.reason = SEALING_HANG, .from = w->sign_wall});
}

/* Nobody holds us any more, and nobody said that it is the end: true if that is to be told. */
static bool sensor_gone(struct work *w)
{
	if (w->dead || !w->s->o.live || !w->is.begun || w->is.over)
		return false;
	w->dead = true;
	own_gap(w, &(struct sealing_gap){.reason = SEALING_CRASH, .from = w->sign_wall});
	return true;
}

/* A sign of life, if one is due and the sensor gave one. */
static void life_look(struct work *w)
{
	struct arena arena = {.pool = &w->record_pool};
	struct mono_ns now = os_clock_mono();

	if (w->commit == NULL || !w->next.begun || w->next.over || w->hanging ||
	    now.ns - w->next.life_at.ns < (int64_t)w->s->set.alive_s * TIME_NS_PER_S ||
	    w->sign.ns <= w->next.life_at.ns)
		return;
	add_life(w, &arena);
	arena_reset(&arena);
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
	enum status st = daemon_commit_open(&w->data, &w->room, &w->commit, why);

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
static enum status first_open(struct work *w, struct fail *why)
{
	int64_t until = os_clock_mono().ns + LOCK_WAIT_MS * TIME_NS_PER_MS;
	enum status st = commit_open(w, why);

	while (st == ST_REFUSED && os_clock_mono().ns < until) {
		os_clock_pause(LOCK_LOOK_MS * TIME_NS_PER_MS);
		st = commit_open(w, why);
	}
	return st;
}

/* Not before there is room, and not all the time. */
static void open_again(struct work *w)
{
	struct mono_ns now = os_clock_mono();
	uint64_t free_bytes = 0;
	struct fail why;

	if (now.ns - w->tried.ns < RETRY_MS * TIME_NS_PER_MS)
		return;
	w->tried = now;
	if (os_disk_free(w->data.log, &free_bytes, &why) == ST_OK && free_bytes < FREE_LEAST)
		return;
	if (commit_open(w, &why) == ST_OK)
		last_look(w);
}

/* A folder, and what is in it but tiles, which nobody opens for writing again. */
static enum status give(struct slice path, unsigned uid, unsigned gid, unsigned depth,
			struct arena *a, struct fail *why)
{
	struct slice *names;
	size_t n;
	enum status st = os_file_give(path, uid, gid, why);

	if (st == ST_OK)
		st = os_dir_list(path, a, &names, &n, why);
	for (size_t i = 0; st == ST_OK && i < n; i++) {
		struct slice inner = daemon_path(a, path, names[i]);
		struct os_entry e;

		if (slice_equal(names[i], SLICE("keys")))
			continue; /* they are read, and stay root's */
		st = os_entry_look(inner, &e, why);
		if (st == ST_OK && e.is_folder && depth < GIVE_DEPTH)
			st = give(inner, uid, gid, depth + 1, a, why);
		else if (st == ST_OK && e.is_file && depth < 2)
			st = os_file_give(inner, uid, gid, why);
	}
	return st;
}

static enum status or_say(const struct work *w, enum status st, const struct fail *why)
{
	if (st != ST_NOTFOUND)
		return st;
	say(w, "sealing: %s; going on without", why->text);
	return ST_OK;
}

static enum status powers(struct work *w, struct fail *why)
{
	struct config *c = w->s->o.config;
	struct slice user = w->s->o.user, group = w->s->o.group;
	unsigned uid, gid;
	enum status st = ST_OK;

	if (user.len != 0 || group.len != 0) {
		st = os_sandbox_find(user, group, &uid, &gid, why);
		if (st == ST_OK)
			st = give(w->data.dir, uid, gid, 0, &w->keep, why);
		if (st == ST_OK)
			st = os_sandbox_user(user, group, OS_SANDBOX_NOTHING, why);
	}
	if (st == ST_OK && w->s->o.live)
		st = or_say(w, os_sandbox_capabilities(OS_SANDBOX_NOTHING, why), why);
	if (st == ST_OK && config_bool(c, "security.landlock.enabled", true))
		st = or_say(w, os_sandbox_paths(NULL, 0, &w->data.dir, 1, why), why);
	if (st == ST_OK && config_bool(c, "security.seccomp.enabled", true))
		st = or_say(w, os_sandbox_calls(why), why);
	return st == ST_OK ? ST_OK : fail_wrap(why, "giving up powers");
}

static bool memory_take(struct work *w)
{
	size_t lanes = w->s->o.lanes;

	w->view_count = lanes + 1;
	w->views = ARENA_ARRAY(&w->keep, struct view, lanes + 1);
	w->lost = arena_alloc(&w->keep, sizeof w->lost[0], _Alignof(uint64_t), lanes);
	w->seen = ARENA_ARRAY(&w->keep, struct wall_ns, SEALING_BATCH + 1);
	w->message = arena_bytes(&w->keep, SEALING_MESSAGE_MAX);
	w->own.bytes = arena_bytes_aligned(&w->keep, OWN_BYTES, 8);
	w->own.size = OWN_BYTES;
	if (w->views == NULL || w->lost == NULL || w->seen == NULL || w->message == NULL ||
	    w->own.bytes == NULL)
		return false;
	for (size_t i = 0; i <= lanes; i++) {
		struct queue *q = i < lanes ? &w->m->lanes[i].queue : &w->own;

		w->views[i] = (struct view){q, q->bytes, q->size, 0, 0};
	}
	return true;
}

static enum status prepare(struct work *w, struct fail *why)
{
	const struct sealing_settings *set = &w->s->set;
	enum status st;

	if (!memory_take(w))
		return fail_set(why, ST_NOMEM, "no memory to seal");
	st = os_dir_make(NULL, set->folder, NULL, why);
	if (st == ST_OK)
		st = daemon_data_open(set->folder, set->key,
				      set->party.len != 0 ? set->party : set->station, &w->keep,
				      &w->data, why);
	if (st == ST_OK)
		st = first_open(w, why);
	if (st != ST_OK)
		return st;
	last_look(w);
	atomic_store(&w->m->leaves, daemon_commit_size(w->commit));
	atomic_store(&w->m->writing, true);
	return powers(w, why);
}

static void tell(int ready, const struct fail *why)
{
	size_t at = 0;

	while (at < sizeof *why) {
		ssize_t n = write(ready, (const uint8_t *)why + at, sizeof *why - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* nobody hears it: then nobody holds us either */
		at += (size_t)n;
	}
}

/* ---- running ---- */

/* True: nobody holds us any more. Waits for that, or for the next turn. */
static bool let_go(struct work *w, int held, bool wait)
{
	struct pollfd p = {.fd = held, .events = POLLIN};
	int64_t left = w->flushed.ns / TIME_NS_PER_MS + SEALING_TURN_MS -
		       os_clock_mono().ns / TIME_NS_PER_MS;

	if (!wait || left < 0)
		left = 0;
	return poll(&p, 1, left < SEALING_TURN_MS ? (int)left : SEALING_TURN_MS) > 0 &&
	       (p.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

static bool all_taken(const struct work *w)
{
	for (size_t i = 0; i < w->view_count; i++)
		if (w->views[i].tail != atomic_load(&w->views[i].queue->head))
			return false;
	return true;
}

static void turn(struct work *w, bool ending, bool *out_more)
{
	look_at_clock(w);
	look_at_lost(w, ending);
	if (!ending)
		look_at_sensor(w);
	if (w->commit == NULL)
		open_again(w);
	*out_more = drain(w);
	life_look(w);
	flush(w);
	arena_pool_drain(&w->record_pool);
}

static void run(struct work *w, int held)
{
	bool more = false;
	int64_t until;

	while (!let_go(w, held, !more))
		turn(w, false, &more);
	until = os_clock_mono().ns + SEALING_END_MS * TIME_NS_PER_MS;
	do {
		turn(w, true, &more);
		if (w->commit == NULL)
			os_clock_pause(LAST_LOOK_MS * TIME_NS_PER_MS);
	} while ((!all_taken(w) || sensor_gone(w)) && os_clock_mono().ns < until);
	if (!all_taken(w))
		say(w, "the station's log could not be written to its end");
}

int daemon_sealing_work(struct sealing *s, int held, int ready)
{
	struct work *w = calloc(1, sizeof *w);
	struct fail why = {.status = ST_OK};
	enum status st;

	if (w == NULL) {
		(void)fail_set(&why, ST_NOMEM, "no memory to seal");
		tell(ready, &why);
		return 2;
	}
	w->s = s;
	w->m = s->shared;
	w->keep_pool.budget = w->room_pool.budget = w->record_pool.budget = 256 << 20;
	w->keep.pool = &w->keep_pool;
	w->room.pool = &w->room_pool;
	w->lost_looked = os_clock_wall();
	st = prepare(w, &why);
	if (st == ST_OK)
		why = (struct fail){.status = ST_OK};
	tell(ready, &why);
	if (st == ST_OK)
		run(w, held);
	daemon_commit_close(w->commit);
	daemon_data_close(&w->data);
	arena_end(w->room, w->room_pool);
	arena_pool_drain(&w->record_pool);
	arena_end(w->keep, w->keep_pool);
	free(w);
	return st == ST_OK ? 0 : 2;
}
