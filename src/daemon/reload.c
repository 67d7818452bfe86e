/* SPDX-License-Identifier: Apache-2.0
 *
 * Other rules, without a packet or a flow lost.
 *
 *	RESTING --begin--> COMPILING (a thread) --ok--> EXCHANGING --all workers have--> RESTING
 *	                        `--not ok: the rules at hand stay--> RESTING
 *
 * 1. The new rules and one kit a lane are made by the thread, which writes nothing else.
 * 2. A kit is in exactly one place: here, in lane.kit_in, in the lane's pipeline, or (the one
 *    it had) in lane.kit_out.
 * 3. Rules are freed when no lane has a kit of theirs. Those of one tenant are exchanged at a time.
 * 4. Whoever asks while one is under way gets one more after it: files may have changed since. */
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/live.h"

enum state { RESTING, COMPILING, EXCHANGING };

struct reload {
	struct live *live;
	enum state state;
	struct live_tenant *tenant; /* whose rules it is about */
	bool *wanted;		    /* by place: asked for, and not begun */
	bool failed;		    /* one of those that were asked for */
	int fd;			    /* the thread has come to its end */
	pthread_t thread;
	_Atomic bool compiled;
	struct live_rules *fresh;
	struct pipeline_kit **kits; /* by lane of the tenant */
	size_t waiting;		    /* lanes that have not exchanged yet */
	enum status status;
	struct fail why, said; /* of this one; of the last that failed */
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
static enum status rules_load(const struct live_tenant *t, struct config *config,
			      const struct detect_rules *before, struct live_rules **out,
			      struct fail *why)
{
	struct arena_pool pool = {.budget = SIZE_MAX};
	struct arena arena = {.pool = &pool};
	struct live_rules *r = ARENA_NEW(&arena, struct live_rules);
	struct daemon_rules_source source = t->tenant->rules;
	enum status st = ST_OK;

	if (r == NULL)
		return fail_set(why, ST_NOMEM, "no memory for rules");
	r->pool = pool;
	r->arena = arena;
	r->arena.pool = &r->pool;
	r->config = config;
	if (config == NULL)
		st = daemon_tenant_config(t->tenant, &r->arena, &r->config, why);
	source.config = r->config;
	source.before = before;
	if (st == ST_OK)
		st = daemon_rules_load(&source, before == NULL ? &t->live->o->progress : NULL,
				       &r->arena, &r->rules, why);
	if (st != ST_OK) {
		daemon_live_rules_free(r);
		return st;
	}
	*out = r;
	return ST_OK;
}

enum status daemon_live_rules_load(const struct live_tenant *t, struct live_rules **out,
				   struct fail *why)
{
	return rules_load(t, t->tenant->config, NULL, out, why);
}

/* --- the thread --- */

static void kits_free(struct reload *r)
{
	for (size_t i = 0; i < r->tenant->lane_count; i++) {
		pipeline_kit_free(r->kits[i]);
		r->kits[i] = NULL;
	}
}

static enum status kits_make(struct reload *r)
{
	struct slice magic = config_text(r->fresh->config, "magic-file", "");
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < r->tenant->lane_count; i++)
		st = pipeline_kit_new(r->fresh->rules.compiled, r->live->profile, magic,
				      &r->kits[i], &r->why);
	return st;
}

static void *compile(void *ctx)
{
	struct reload *r = ctx;
	uint64_t one = 1;

	r->status =
		rules_load(r->tenant, NULL, r->tenant->rules->rules.compiled, &r->fresh, &r->why);
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
	r->wanted = ARENA_ARRAY(l->arena, bool, l->tenant_count);
	if (r->fd < 0 || r->kits == NULL || r->wanted == NULL)
		return fail_set(why, ST_NOMEM, "no memory for reloading");
	l->reload = r;
	return ST_OK;
}

int daemon_reload_fd(const struct live *l)
{
	return l->reload->fd;
}

static void next(struct reload *r);

static void over(struct reload *r, bool ok)
{
	struct live *l = r->live;
	struct live_tenant *t = r->tenant;

	r->state = RESTING;
	t->reloads += ok;
	t->reloads_failed += !ok;
	r->failed |= !ok;
	if (ok && l->o->loaded != NULL)
		l->o->loaded(l->o->ctx, &t->rules->rules);
	if (ok && t->tenant->says == l->tenants[0].tenant)
		daemon_live_sealing_rules(l, t);
	if (!ok && t->tenant->id != 0)
		(void)fail_wrap(&r->why, "tenant %u", t->tenant->id);
	if (!ok) {
		daemon_live_say(l, "rules were not loaded, those at hand stay: %s", r->why.text);
		r->said = r->why;
	}
	next(r); /* who asked meanwhile is answered by the last */
}

static void give_up(struct reload *r)
{
	kits_free(r);
	daemon_live_rules_free(r->fresh);
	r->fresh = NULL;
	over(r, false);
}

static void begin(struct reload *r, struct live_tenant *t)
{
	r->tenant = t;
	r->state = COMPILING;
	atomic_store(&r->compiled, false);
	r->fresh = NULL;
	if (pthread_create(&r->thread, NULL, compile, r) != 0) {
		(void)fail_set(&r->why, ST_NOMEM, "no thread to compile rules in");
		over(r, false);
	}
}

/* What is still wanted, one tenant after the other; then whoever waits is answered. */
static void next(struct reload *r)
{
	struct live *l = r->live;

	for (size_t i = 0; i < l->tenant_count; i++)
		if (r->wanted[i]) {
			r->wanted[i] = false;
			begin(r, &l->tenants[i]);
			return;
		}
	daemon_control_reloaded(l, !r->failed, slice_of(r->failed ? r->said.text : "done"));
	r->failed = false;
}

void daemon_reload_begin(struct live *l, int place)
{
	struct reload *r = l->reload;

	for (size_t i = 0; i < l->tenant_count; i++)
		r->wanted[i] |= place == RELOAD_ALL || (place == RELOAD_TENANTS && i != 0) ||
				place == (int)i;
	if (r->state == RESTING)
		next(r);
}

static void exchange_begin(struct reload *r)
{
	r->state = EXCHANGING;
	r->waiting = r->tenant->lane_count;
	for (size_t i = 0; i < r->tenant->lane_count; i++) {
		atomic_store(&r->tenant->lanes[i]->kit_in, r->kits[i]);
		r->kits[i] = NULL;
		source_wake(r->tenant->lanes[i]->worker->source);
	}
}

/* What a lane had; or, of one whose worker has ended, what it was to have. Invariant 2. */
static void exchange_step(struct reload *r)
{
	for (size_t i = 0; i < r->tenant->lane_count; i++) {
		struct live_lane *lane = r->tenant->lanes[i];
		struct pipeline_kit *kit;

		if (atomic_load(&lane->worker->state) == LIVE_ENDED) {
			kit = atomic_exchange(&lane->kit_in, NULL);
			r->waiting -= kit != NULL;
			pipeline_kit_free(kit);
		}
		kit = atomic_exchange(&lane->kit_out, NULL);
		r->waiting -= kit != NULL;
		pipeline_kit_free(kit);
	}
}

static void keep(struct live_tenant *t, struct live_rules *r)
{
	r->next = t->kept;
	t->kept = r;
}

static void exchange_end(struct reload *r)
{
	struct live_tenant *t = r->tenant;
	struct live_rules *old = t->rules;

	t->rules = r->fresh;
	r->fresh = NULL;
	/* a worker that ended without exchanging holds what the old rules need */
	for (size_t i = 0; i < t->lane_count; i++)
		if (atomic_load(&t->lanes[i]->worker->state) == LIVE_ENDED && old != NULL) {
			keep(t, old);
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
	for (size_t i = 0; i < l->tenant_count; i++)
		r->wanted[i] = false;
	if (r->state == COMPILING) {
		(void)pthread_join(r->thread, NULL); /* it is ours */
		kits_free(r);
		daemon_live_rules_free(r->fresh);
	} else if (r->state == EXCHANGING) {
		exchange_step(r); /* the workers have ended: some with these, some with those */
		keep(r->tenant, r->fresh);
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
