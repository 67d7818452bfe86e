/* SPDX-License-Identifier: Apache-2.0
 *
 * A sweep over the ends of all intervals. Invariant: at each moment `covered` signs of life and
 * `silent` gaps hold; it is watched if there is one of those and none of these. */
#include "evidence/presence/presence.h"

#include <stdlib.h>

struct edge {
	int64_t ns;
	int covered, silent, timely; /* what begins (1) or ends (-1) here */
};

struct interval {
	int64_t from, to;
	const struct presence_note *why;
};

struct sweep {
	struct edge *edges;
	size_t edge_count, edge_room;
	struct interval *gaps; /* silent ones */
	size_t gap_count, gap_room;
	int64_t first, last;
	bool any;
	struct arena *arena;
};

static void touch(struct sweep *s, int64_t ns)
{
	if (!s->any || ns < s->first)
		s->first = ns;
	if (!s->any || ns > s->last)
		s->last = ns;
	s->any = true;
}

/* The first and the last moment that anything is said of. */
static void touch_all(struct sweep *s, const struct presence_note *n)
{
	if (n->kind == PRESENCE_LIFE || n->kind == PRESENCE_GAP) {
		touch(s, n->from.ns);
		if (n->to.ns != 0)
			touch(s, n->to.ns);
	} else {
		touch(s, n->at.ns);
	}
}

static bool add_edges(struct sweep *s, int64_t from, int64_t to, int covered, int silent,
		      int timely)
{
	struct edge begin = {from, covered, silent, timely}, end = {to, -covered, -silent, -timely};

	return ARENA_PUSH(s->arena, s->edges, s->edge_count, s->edge_room, begin) &&
	       ARENA_PUSH(s->arena, s->edges, s->edge_count, s->edge_room, end);
}

static bool add_life(struct sweep *s, const struct presence_note *n,
		     const struct presence_options *o)
{
	/* a clock that was set back meanwhile is a gap of its own */
	if (n->to.ns < n->from.ns)
		return true;
	return add_edges(s, n->from.ns, n->to.ns, 1, 0, n->at.ns - n->to.ns <= o->timely_ns);
}

/* Up to when a gap went on of which only the begin was told: it was told again with its end, or the
 * next sensor began, or that is the last that is known. */
static bool goes_on_until(const struct sweep *s, const struct presence_note *notes, size_t n,
			  size_t at, int64_t *out_to)
{
	const struct presence_note *g = &notes[at];

	for (size_t i = at + 1; i < n; i++) {
		if (notes[i].kind == PRESENCE_BEGIN) {
			*out_to = notes[i].at.ns;
			return true;
		}
		if (notes[i].kind == PRESENCE_GAP && notes[i].from.ns == g->from.ns &&
		    slice_equal(notes[i].reason, g->reason) &&
		    slice_equal(notes[i].where, g->where) && notes[i].to.ns != 0)
			return false; /* that one says all */
	}
	*out_to = s->last;
	return true;
}

static bool add_gap(struct sweep *s, const struct presence_note *notes, size_t n, size_t at)
{
	struct interval g = {notes[at].from.ns, notes[at].to.ns, &notes[at]};

	if (g.to == 0 && !goes_on_until(s, notes, n, at, &g.to))
		return true;
	if (g.to < g.from) { /* the clock was set back: from there to here times are in doubt */
		int64_t later = g.from;

		g.from = g.to;
		g.to = later;
	}
	return ARENA_PUSH(s->arena, s->gaps, s->gap_count, s->gap_room, g) &&
	       add_edges(s, g.from, g.to, 0, 1, 0);
}

static bool add_sign(struct sweep *s, const struct presence_note *before,
		     const struct presence_note *n, const struct presence_options *o)
{
	int64_t apart = before != NULL ? n->at.ns - before->at.ns : -1;

	if (o->within_ns == 0 || apart < 0 || apart > o->within_ns)
		return true;
	return add_edges(s, before->at.ns, n->at.ns, 1, 0, 1);
}

static int by_time(const void *pa, const void *pb)
{
	const struct edge *a = pa, *b = pb;

	return a->ns < b->ns ? -1 : a->ns > b->ns;
}

static int by_begin(const void *pa, const void *pb)
{
	const struct interval *a = pa, *b = pb;

	return a->from < b->from ? -1 : a->from > b->from;
}

/* The gap that holds for most of this time. */
static const struct presence_note *why_of(const struct sweep *s, int64_t from, int64_t to)
{
	const struct presence_note *why = NULL;
	int64_t most = 0;

	for (size_t i = 0; i < s->gap_count && s->gaps[i].from < to; i++) {
		int64_t begin = s->gaps[i].from > from ? s->gaps[i].from : from;
		int64_t end = s->gaps[i].to < to ? s->gaps[i].to : to;

		if (end - begin > most) {
			most = end - begin;
			why = s->gaps[i].why;
		}
	}
	return why;
}

/* Adds [from, to) to the last period if that is of the same kind. */
static bool extend(struct presence_report *r, size_t *room, int64_t from, int64_t to, bool watched,
		   struct arena *a)
{
	struct presence_period p = {.from = {from}, .to = {to}, .watched = watched};

	r->all_ns += to - from;
	r->watched_ns += watched ? to - from : 0;
	if (r->count != 0 && r->periods[r->count - 1].watched == watched) {
		r->periods[r->count - 1].to.ns = to;
		return true;
	}
	return ARENA_PUSH(a, r->periods, r->count, *room, p);
}

static bool sweep_run(struct sweep *s, struct presence_report *r)
{
	int covered = 0, silent = 0, timely = 0;
	int64_t at = s->first;
	size_t room = 0;

	if (s->edge_count != 0)
		qsort(s->edges, s->edge_count, sizeof *s->edges, by_time);
	if (s->gap_count != 0)
		qsort(s->gaps, s->gap_count, sizeof *s->gaps, by_begin);
	for (size_t i = 0; i <= s->edge_count; i++) {
		int64_t to = i < s->edge_count ? s->edges[i].ns : s->last;

		if (to > at) {
			bool watched = covered > 0 && silent == 0;

			if (!extend(r, &room, at, to, watched, s->arena))
				return false;
			r->timely_ns += watched && timely > 0 ? to - at : 0;
			at = to;
		}
		if (i < s->edge_count) {
			covered += s->edges[i].covered;
			silent += s->edges[i].silent;
			timely += s->edges[i].timely;
		}
	}
	return true;
}

static void explain(const struct sweep *s, struct presence_report *r)
{
	for (size_t i = 0; i < r->count; i++) {
		struct presence_period *p = &r->periods[i];
		const struct presence_note *why =
			p->watched ? NULL : why_of(s, p->from.ns, p->to.ns);

		if (p->watched)
			continue;
		p->says = SLICE("silent, cause unknown");
		if (why == NULL)
			continue;
		p->reason = why->reason;
		p->says = why->says;
		p->where = why->where;
		p->leaf = why->leaf;
	}
}

enum status presence_of(const struct presence_note *notes, size_t n,
			const struct presence_options *o, struct arena *a,
			struct presence_report *out, struct fail *why)
{
	struct sweep s = {.arena = a};
	struct presence_report r = {0};
	size_t room = 0;
	bool ok = true;

	for (size_t i = 0; i < n; i++)
		touch_all(&s, &notes[i]);
	for (size_t i = 0; ok && i < n; i++) {
		const struct presence_note *note = &notes[i];

		ok = add_sign(&s, i != 0 ? &notes[i - 1] : NULL, note, o);
		if (ok && note->kind == PRESENCE_LIFE)
			ok = add_life(&s, note, o);
		if (!ok || note->kind != PRESENCE_GAP)
			continue;
		r.lost_packets += note->packets;
		r.lost_events += note->events;
		ok = note->silent ? add_gap(&s, notes, n, i)
				  : ARENA_PUSH(a, r.losses, r.loss_count, room, note);
	}
	if (ok && s.any)
		ok = sweep_run(&s, &r);
	if (!ok)
		return fail_set(why, ST_NOMEM, "no memory for %zu records of a station", n);
	explain(&s, &r);
	*out = r;
	return ST_OK;
}

uint64_t presence_share(int64_t part, int64_t all)
{
	if (all <= 0 || part <= 0)
		return 0;
	return (uint64_t)((unsigned __int128)(uint64_t)part * 1000000 / (uint64_t)all);
}
