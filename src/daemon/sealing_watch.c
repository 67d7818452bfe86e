/* SPDX-License-Identifier: Apache-2.0
 *
 * What a sensor does not see, looked at by its main thread: cables, packets that the kernel
 * dropped, silence on the wire, workers that stand still. (The clock, and the sensor itself, are
 * watched by the process that seals.)
 *
 * A gap that lasts is told when it begins and when it is over. Whether a cable is there says
 * /sys/class/net, in files that are opened before powers are given up: "1"; "0"; EINVAL, the
 * interface is down; ENODEV, there is none any more (Documentation/ABI/testing/sysfs-class-net).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/live.h"
#include "daemon/sealing_priv.h"
#include "os/clock.h"

enum {
	LOOK_MS = 100,
	DROPS_OVER_NS = (int)TIME_NS_PER_S, /* without one: that was all */
	DROPS_MOST_S = 10,		    /* then it is told, whether or not it goes on */
};

enum link { LINK_UP, LINK_DOWN, LINK_GONE };

struct place {
	struct slice name;
	int carrier, downs; /* of /sys; -1: not known */
	enum link link;
	uint64_t down_count;
	struct wall_ns since;	    /* when it ceased to be up */
	uint64_t drops, told;	    /* by the kernel; of them, in records */
	struct wall_ns drops_from;  /* 0: there are none that are not told */
	struct mono_ns drops_begun; /* the same */
	struct mono_ns dropped;	    /* the newest */
};

struct sealing_watch {
	struct live *live;
	struct sealing *s;
	size_t lane;
	struct place *places;
	size_t place_count;
	uint64_t packets;
	struct mono_ns moved; /* when a packet came */
	struct wall_ns moved_wall;
	bool quiet;
	uint64_t *looked; /* of each worker: live_worker.looked */
	bool *ended;
	struct mono_ns worked; /* when all workers were seen to move */
	struct mono_ns told;   /* the newest sign of life */
	struct mono_ns last;
	struct wall_ns last_wall;
};

/* ---- places ---- */

static int sys_open(const struct slice *name, const char *what)
{
	char path[128];
	struct arena_pool pool = {.budget = 0}; /* all room is on the stack */
	struct arena none = {.pool = &pool};
	struct buf b = {.arena = &none, .ptr = (uint8_t *)path, .room = sizeof path};

	b.most = sizeof path;
	buf_add_fmt(&b, "/sys/class/net/%.*s/%s", SLICE_ARG(*name), what);
	buf_add_byte(&b, '\0');
	return b.full ? -1 : open(path, O_RDONLY | O_CLOEXEC);
}

static uint64_t number(int fd)
{
	char text[32];
	ssize_t n = fd >= 0 ? pread(fd, text, sizeof text - 1, 0) : -1;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	return strtoull(text, NULL, 10);
}

static enum link link_of(const struct place *p)
{
	char c;
	ssize_t n;

	if (p->carrier < 0)
		return LINK_UP; /* nobody knows: then only packets say that it is there */
	n = pread(p->carrier, &c, 1, 0);
	if (n == 1)
		return c == '1' ? LINK_UP : LINK_DOWN;
	return n < 0 && errno == EINVAL ? LINK_DOWN : LINK_GONE;
}

static void place_init(struct place *p, const struct live_interface *i)
{
	*p = (struct place){.name = i->name, .carrier = -1, .downs = -1};
	if (i->kind == LIVE_QUEUE)
		return;
	p->carrier = sys_open(&p->name, "carrier");
	p->downs = sys_open(&p->name, "carrier_down_count");
	p->down_count = number(p->downs);
}

enum status daemon_sealing_watch_open(struct live *l, struct arena *a, struct sealing_watch **out,
				      struct fail *why)
{
	struct sealing_watch *w;

	*out = NULL;
	if (l->sealing == NULL)
		return ST_OK;
	w = ARENA_NEW(a, struct sealing_watch);
	if (w != NULL) {
		w->places = ARENA_ARRAY(a, struct place, l->interface_count + 1);
		w->looked = ARENA_ARRAY(a, uint64_t, l->worker_count + 1);
		w->ended = ARENA_ARRAY(a, bool, l->worker_count + 1);
	}
	if (w == NULL || w->places == NULL || w->looked == NULL || w->ended == NULL)
		return fail_set(why, ST_NOMEM, "no memory to watch cables");
	w->live = l;
	w->s = l->sealing;
	w->lane = daemon_sealing_main_lane(l->sealing);
	for (; w->place_count < l->interface_count; w->place_count++) {
		struct place *p = &w->places[w->place_count];

		place_init(p, &l->interfaces[w->place_count]);
		if (p->carrier < 0 && l->interfaces[w->place_count].kind != LIVE_QUEUE)
			daemon_live_say(l, "%.*s: whether its cable is there cannot be known here",
					SLICE_ARG(p->name));
	}
	w->moved = w->worked = w->last = os_clock_mono();
	w->moved_wall = w->last_wall = os_clock_wall();
	*out = w;
	return ST_OK;
}

/* ---- cables ---- */

static void link_gap(const struct sealing_watch *w, const struct place *p, struct wall_ns to)
{
	struct sealing_gap g = {.reason = p->link == LINK_GONE ? SEALING_GONE : SEALING_LINK,
				.from = p->since,
				.to = to,
				.where = p->name};

	daemon_sealing_gap(w->s, w->lane, &g);
}

static void link_look(struct sealing_watch *w, struct place *p, struct wall_ns now)
{
	uint64_t downs = number(p->downs);
	enum link is = link_of(p);

	if (is == p->link) {
		/* it went and came between two looks */
		if (is == LINK_UP && downs > p->down_count) {
			p->since = w->last_wall;
			p->link = LINK_DOWN;
			link_gap(w, p, now);
			p->link = LINK_UP;
		}
	} else if (p->link == LINK_UP) {
		p->since = w->last_wall; /* it was there then */
		p->link = is;
		link_gap(w, p, (struct wall_ns){0});
	} else if (is == LINK_UP) {
		link_gap(w, p, now);
		p->link = is;
	} else {
		p->link = is; /* the cable was cut, and now it is gone as a whole */
		link_gap(w, p, (struct wall_ns){0});
	}
	p->down_count = downs;
}

/* ---- packets ---- */

static uint64_t of(const struct live_worker *w, enum live_counter i)
{
	return atomic_load_explicit(&w->counters[i], memory_order_relaxed);
}

/* By the kernel, of all workers at a place. */
static uint64_t drops_at(const struct sealing_watch *w, const struct place *p)
{
	uint64_t n = 0;

	for (size_t i = 0; i < w->live->worker_count; i++)
		if (w->live->workers[i].sides[0].ptr == p->name.ptr)
			n += of(&w->live->workers[i], LIVE_KERNEL_DROPS);
	return n;
}

static void drops_tell(const struct sealing_watch *w, struct place *p, struct wall_ns now)
{
	struct sealing_gap g = {.reason = SEALING_DROPS,
				.from = p->drops_from,
				.to = now,
				.packets = p->drops - p->told,
				.counter = "kernel",
				.where = p->name};

	if (p->drops_from.ns == 0)
		return;
	daemon_sealing_gap(w->s, w->lane, &g);
	p->told = p->drops;
	p->drops_from.ns = 0;
}

static void drops_look(struct sealing_watch *w, struct place *p, struct mono_ns now,
		       struct wall_ns wall)
{
	uint64_t drops = drops_at(w, p);

	if (drops > p->drops) {
		if (p->drops_from.ns == 0) {
			p->drops_from = w->last_wall;
			p->drops_begun = now;
		}
		p->drops = drops;
		p->dropped = now;
	}
	if (now.ns - p->dropped.ns >= DROPS_OVER_NS ||
	    now.ns - p->drops_begun.ns >= DROPS_MOST_S * TIME_NS_PER_S)
		drops_tell(w, p, wall);
}

static void quiet_tell(const struct sealing_watch *w, struct wall_ns to)
{
	daemon_sealing_gap(
		w->s, w->lane,
		&(struct sealing_gap){.reason = SEALING_QUIET, .from = w->moved_wall, .to = to});
}

static void quiet_look(struct sealing_watch *w, uint64_t packets, struct mono_ns now,
		       struct wall_ns wall)
{
	uint32_t most_s = w->s->set.quiet_s;

	if (packets != w->packets) {
		if (w->quiet)
			quiet_tell(w, wall);
		w->quiet = false;
		w->packets = packets;
		w->moved = now;
		w->moved_wall = wall;
	} else if (most_s != 0 && !w->quiet && now.ns - w->moved.ns >= most_s * TIME_NS_PER_S) {
		w->quiet = true;
		quiet_tell(w, (struct wall_ns){0});
	}
}

/* ---- life ---- */

/* All workers have moved not long ago. One that has ended says so once, and is no reason to call
 * the others dead. */
static bool workers_move(struct sealing_watch *w, struct mono_ns now)
{
	bool all = true;

	for (size_t i = 0; i < w->live->worker_count; i++) {
		struct live_worker *k = &w->live->workers[i];
		uint64_t looked = atomic_load_explicit(&k->looked, memory_order_relaxed);

		if (atomic_load(&k->state) == LIVE_ENDED && !w->ended[i] &&
		    !atomic_load(&w->live->stop)) {
			daemon_sealing_gap(w->s, w->lane,
					   &(struct sealing_gap){.reason = SEALING_GONE,
								 .from = w->last_wall,
								 .where = k->interface});
			w->ended[i] = true;
		}
		all &= w->ended[i] || looked != w->looked[i];
	}
	if (!all)
		return now.ns - w->worked.ns < SEALING_HANG_MS * TIME_NS_PER_MS;
	for (size_t i = 0; i < w->live->worker_count; i++)
		w->looked[i] =
			atomic_load_explicit(&w->live->workers[i].looked, memory_order_relaxed);
	w->worked = now;
	return true;
}

static struct sealing_life life_of(const struct live *l)
{
	struct sealing_life sum = {0};

	for (size_t i = 0; i < l->worker_count; i++) {
		sum.packets += of(&l->workers[i], LIVE_PACKETS);
		sum.bytes += of(&l->workers[i], LIVE_BYTES);
		sum.drops += of(&l->workers[i], LIVE_KERNEL_DROPS);
		sum.alerts += of(&l->workers[i], LIVE_ALERTS);
	}
	return sum;
}

void daemon_sealing_watch_look(struct sealing_watch *w)
{
	struct mono_ns now = os_clock_mono();
	struct wall_ns wall = os_clock_wall();
	struct sealing_life life;

	if (w == NULL || now.ns - w->last.ns < LOOK_MS * TIME_NS_PER_MS)
		return;
	life = life_of(w->live);
	for (size_t i = 0; i < w->place_count; i++) {
		link_look(w, &w->places[i], wall);
		drops_look(w, &w->places[i], now, wall);
	}
	quiet_look(w, life.packets, now, wall);
	if (workers_move(w, now) && now.ns - w->told.ns >= SEALING_LIFE_MS * TIME_NS_PER_MS) {
		daemon_sealing_life(w->s, w->lane, &life);
		w->told = now;
	}
	w->last = now;
	w->last_wall = wall;
}

void daemon_sealing_watch_close(struct sealing_watch *w)
{
	struct wall_ns now = os_clock_wall();
	struct sealing_life life;

	if (w == NULL)
		return;
	life = life_of(w->live);
	for (size_t i = 0; i < w->place_count; i++) {
		struct place *p = &w->places[i];

		p->drops = drops_at(w, p);
		if (p->drops != p->told && p->drops_from.ns == 0)
			p->drops_from = w->last_wall;
		drops_tell(w, p, now);
		if (p->link != LINK_UP)
			link_gap(w, p, now);
		if (p->carrier >= 0)
			(void)close(p->carrier);
		if (p->downs >= 0)
			(void)close(p->downs);
	}
	if (w->quiet)
		quiet_tell(w, now);
	daemon_sealing_life(w->s, w->lane, &life);
}
