/* SPDX-License-Identifier: Apache-2.0
 *
 * The process that seals: its life, its powers, and what it sees by itself. (Invariants:
 * sealing_work.h.) */
#include "daemon/sealing_work.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/daemon_priv.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/sandbox.h"

enum {
	OWN_BYTES = 256 << 10, /* of our own queue */
	GIVE_DEPTH = 8,
	LAST_LOOK_MS = 50,
};

void daemon_sealing_speak(const struct work *w, const char *fmt, ...)
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

/* ---- what this process sees ---- */

static void look_at_clock(struct work *w)
{
	struct sealing_times now = daemon_sealing_now();
	struct sealing_gap g;

	if (w->s->o.live && daemon_sealing_clock_look(&w->clock, &now, &g))
		daemon_sealing_own_gap(w, &g);
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
			atomic_store(&w->m->lanes[i].told[k], n);
		}
		unsaid += atomic_load(&w->m->lanes[i].unsaid);
	}
	g.events[SEALING_OTHER] += unsaid - w->unsaid;
	w->unsaid = unsaid;
	atomic_store(&w->m->unsaid_told, unsaid);
	for (unsigned k = 0; k < SEALING_KINDS; k++)
		sum += g.events[k];
	if (sum != 0)
		daemon_sealing_own_gap(w, &g);
	if (w->refused != 0)
		daemon_sealing_own_gap(w,
				       &(struct sealing_gap){.reason = SEALING_GARBLED,
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
	daemon_sealing_own_gap(w,
			       &(struct sealing_gap){.reason = SEALING_HANG, .from = w->sign_wall});
}

/* Nobody holds us any more, and nobody said that it is the end: true if that is to be told. */
static bool sensor_gone(struct work *w)
{
	if (w->dead || !w->s->o.live || !w->is.begun || w->is.over)
		return false;
	w->dead = true;
	daemon_sealing_own_gap(
		w, &(struct sealing_gap){.reason = SEALING_CRASH, .from = w->sign_wall});
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
	daemon_sealing_add_life(w, &arena);
	arena_reset(&arena);
}

/* ---- beginning ---- */

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
	daemon_sealing_speak(w, "sealing: %s; going on without", why->text);
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
		uint64_t tail = atomic_load(&q->tail); /* not 0, if we come after one that died */

		w->views[i] = (struct view){q, q->bytes, q->size, tail, tail};
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
		st = daemon_sealing_first_open(w, why);
	if (st != ST_OK)
		return st;
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
		daemon_sealing_open_again(w);
	*out_more = daemon_sealing_drain(w);
	life_look(w);
	daemon_sealing_flush(w);
	daemon_sealing_lend(w);
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
		daemon_sealing_speak(w, "the station's log could not be written to its end");
}

int daemon_sealing_work(struct sealing *s, int held, int ready, bool again)
{
	struct work *w = calloc(1, sizeof *w);
	struct fail why = {.status = ST_OK};
	enum status st;

	if (w == NULL) {
		(void)fail_set(&why, ST_NOMEM, "no memory to seal");
		if (!again)
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
	if (!again)
		tell(ready, &why);
	else if (st != ST_OK)
		daemon_sealing_speak(w, "the station's log cannot be opened again: %s", why.text);
	if (st == ST_OK && again)
		daemon_sealing_take_over(w);
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
