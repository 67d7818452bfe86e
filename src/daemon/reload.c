/* SPDX-License-Identifier: Apache-2.0
 *
 * Other rules, without a packet or a flow lost.
 *
 *	RESTING --begin--> COMPILING (a thread) --ok--> EXCHANGING --all workers have--> RESTING
 *	                        `--not ok: the rules at hand stay--> RESTING
 *
 * 1. The new rules and one kit a worker are made by the thread, which writes nothing else.
 * 2. A kit is in exactly one place: here, in worker.kit_in, in the worker's pipeline, or (the one
 *    it had) in worker.kit_out.
 * 3. Rules are freed when no worker has a kit of theirs.
 * 4. Whoever asks while one is under way gets one more after it: files may have changed since. */
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/live.h"

enum state { RESTING, COMPILING, EXCHANGING };

struct reload {
	struct live *live;
	enum state state;
	bool again;
	int fd; /* the thread has come to its end */
	pthread_t thread;
	_Atomic bool compiled;
	struct live_rules *fresh;
	struct pipeline_kit **kits; /* by worker */
	size_t waiting;		    /* workers that have not exchanged yet */
	enum status status;
	struct fail why;
};

/* --- rules and all that is theirs --- */

void daemon_live_rules_free(struct live_rules *r)
{
	if (r == NULL)
		return;
	daemon_rules_close(&r->rules);
	arena_end(r->arena, r->pool); /* r lies in it */
}

/* config NULL: read again. */
static enum status rules_load(const struct live *l, struct config *config,
			      const struct detect_rules *before, struct live_rules **out,
			      struct fail *why)
{
	const struct daemon_live_options *o = l->o;
	struct arena_pool pool = {.budget = SIZE_MAX};
	struct arena arena = {.pool = &pool};
	struct live_rules *r = ARENA_NEW(&arena, struct live_rules);
	struct daemon_rules_source source = o->rules;
	enum status st = ST_OK;

	if (r == NULL)
		return fail_set(why, ST_NOMEM, "no memory for rules");
	r->pool = pool;
	r->arena = arena;
	r->arena.pool = &r->pool;
	r->config = config;
	if (config == NULL)
		st = daemon_config_load(&o->source, &r->arena, &r->config, why);
	source.config = r->config;
	source.before = before;
	source.data_dir = l->data_dir;
	source.always = true;
	if (st == ST_OK)
		st = daemon_rules_load(&source, before == NULL ? &o->progress : NULL, &r->arena,
				       &r->rules, why);
	if (st != ST_OK) {
		daemon_live_rules_free(r);
		return st;
	}
	*out = r;
	return ST_OK;
}

enum status daemon_live_rules_load(const struct live *l, struct live_rules **out, struct fail *why)
{
	return rules_load(l, l->o->config, NULL, out, why);
}

/* --- the thread --- */

static void kits_free(struct reload *r)
{
	for (size_t i = 0; i < r->live->worker_count; i++) {
		pipeline_kit_free(r->kits[i]);
		r->kits[i] = NULL;
	}
}

static enum status kits_make(struct reload *r)
{
	struct slice magic = config_text(r->fresh->config, "magic-file", "");
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < r->live->worker_count; i++)
		st = pipeline_kit_new(r->fresh->rules.compiled, r->live->o->profile, magic,
				      &r->kits[i], &r->why);
	return st;
}

static void *compile(void *ctx)
{
	struct reload *r = ctx;
	uint64_t one = 1;

	r->status = rules_load(r->live, NULL, r->live->rules->rules.compiled, &r->fresh, &r->why);
	if (r->status == ST_OK)
		r->status = kits_make(r);
	atomic_store(&r->compiled, true);
	return write(r->fd, &one, sizeof one) < 0 ? NULL : ctx; /* full: it is readable */
}

/* --- the main thread --- */

enum status daemon_reload_new(struct live *l, struct fail *why)
{
	struct reload *r = ARENA_NEW(l->arena, struct reload);

	if (r == NULL)
		return fail_set(why, ST_NOMEM, "no memory for reloading");
	r->live = l;
	r->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r->kits = ARENA_ARRAY(l->arena, struct pipeline_kit *, l->worker_count);
	if (r->fd < 0 || r->kits == NULL)
		return fail_set(why, ST_NOMEM, "no memory for reloading");
	l->reload = r;
	return ST_OK;
}

int daemon_reload_fd(const struct live *l)
{
	return l->reload->fd;
}

static void over(struct reload *r, bool ok)
{
	struct live *l = r->live;

	r->state = RESTING;
	l->reloads += ok;
	l->reloads_failed += !ok;
	if (ok && l->o->loaded != NULL)
		l->o->loaded(l->o->ctx, &l->rules->rules);
	if (!ok)
		daemon_live_say(l, "rules were not loaded, those at hand stay: %s", r->why.text);
	if (r->again) {
		r->again = false; /* who asked meanwhile is answered by the next */
		daemon_reload_begin(l);
	} else {
		daemon_control_reloaded(l, ok, slice_of(ok ? "done" : r->why.text));
	}
}

static void give_up(struct reload *r)
{
	kits_free(r);
	daemon_live_rules_free(r->fresh);
	r->fresh = NULL;
	over(r, false);
}

void daemon_reload_begin(struct live *l)
{
	struct reload *r = l->reload;

	if (r->state != RESTING) {
		r->again = true;
		return;
	}
	r->state = COMPILING;
	atomic_store(&r->compiled, false);
	r->fresh = NULL;
	if (pthread_create(&r->thread, NULL, compile, r) != 0) {
		(void)fail_set(&r->why, ST_NOMEM, "no thread to compile rules in");
		over(r, false);
	}
}

static void exchange_begin(struct reload *r)
{
	r->state = EXCHANGING;
	r->waiting = r->live->worker_count;
	for (size_t i = 0; i < r->live->worker_count; i++) {
		atomic_store(&r->live->workers[i].kit_in, r->kits[i]);
		r->kits[i] = NULL;
		source_wake(r->live->workers[i].source);
	}
}

/* What a worker had; or, of one that has ended, what it was to have. Invariant 2. */
static void exchange_step(struct reload *r)
{
	struct live *l = r->live;

	for (size_t i = 0; i < l->worker_count; i++) {
		struct live_worker *w = &l->workers[i];
		struct pipeline_kit *kit;

		if (atomic_load(&w->state) == LIVE_ENDED) {
			kit = atomic_exchange(&w->kit_in, NULL);
			r->waiting -= kit != NULL;
			pipeline_kit_free(kit);
		}
		kit = atomic_exchange(&w->kit_out, NULL);
		r->waiting -= kit != NULL;
		pipeline_kit_free(kit);
	}
}

static void keep(struct live *l, struct live_rules *r)
{
	r->next = l->kept;
	l->kept = r;
}

static void exchange_end(struct reload *r)
{
	struct live *l = r->live;
	struct live_rules *old = l->rules;

	l->rules = r->fresh;
	r->fresh = NULL;
	/* a worker that ended without exchanging holds what the old rules need */
	for (size_t i = 0; i < l->worker_count; i++)
		if (atomic_load(&l->workers[i].state) == LIVE_ENDED && old != NULL) {
			keep(l, old);
			old = NULL;
		}
	daemon_live_rules_free(old);
	over(r, true);
}

void daemon_reload_step(struct live *l)
{
	struct reload *r = l->reload;
	uint64_t n;

	if (read(r->fd, &n, sizeof n) < 0)
		n = 0; /* nothing has come to its end */
	if (r->state == COMPILING && atomic_load(&r->compiled)) {
		(void)pthread_join(r->thread, NULL); /* it is ours */
		if (r->status != ST_OK)
			give_up(r);
		else
			exchange_begin(r);
	}
	if (r->state != EXCHANGING)
		return;
	exchange_step(r);
	if (r->waiting == 0)
		exchange_end(r);
}

void daemon_reload_stop(struct live *l)
{
	struct reload *r = l->reload;

	if (r == NULL)
		return;
	r->again = false;
	if (r->state == COMPILING) {
		(void)pthread_join(r->thread, NULL); /* it is ours */
		kits_free(r);
		daemon_live_rules_free(r->fresh);
	} else if (r->state == EXCHANGING) {
		exchange_step(r); /* the workers have ended: some with these, some with those */
		keep(l, r->fresh);
	}
	r->state = RESTING;
	if (r->fd >= 0)
		(void)close(r->fd);
	r->fd = -1;
}

bool daemon_reload_busy(const struct live *l)
{
	return l->reload->state != RESTING;
}
