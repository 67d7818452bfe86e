/* SPDX-License-Identifier: Apache-2.0
 *
 * What messages do, and how they are taken from queues that somebody else may write. (Invariants:
 * sealing_work.h.) */
#include "daemon/daemon_priv.h"
#include "daemon/sealing_work.h"
#include "os/clock.h"

static void take_event(struct work *w, const struct sealing_head *head, struct slice bytes)
{
	struct record_field fields[RECORD_FIELDS_MAX];
	size_t before = w->records;

	if (!daemon_sealing_unpack_fields(bytes, head->count, fields)) {
		daemon_sealing_refuse(w);
		return;
	}
	if (daemon_sealing_add_fields(w, fields, head->count, false) && w->records > before)
		w->seen[w->events++] = head->seen;
}

static void add_gap(struct work *w, const struct sealing_gap *g, struct arena *a)
{
	struct record r;

	if (!daemon_sealing_gap_record(g, os_clock_wall(), a, &r))
		daemon_sealing_refuse(w);
	else if (daemon_sealing_add_record(w, &r, a))
		w->gaps++;
}

static void take_gap(struct work *w, struct slice bytes, struct arena *a)
{
	struct sealing_gap g;

	if (!daemon_sealing_unpack_gap(bytes, &g))
		daemon_sealing_refuse(w);
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
		daemon_sealing_refuse(w);
	else
		(void)daemon_sealing_add_record(w, &r, a); /* that the log broke is known */
}

static bool add_watch(struct work *w, const char *act, struct wall_ns now, struct arena *a)
{
	const struct sealing_options *o = &w->s->o;
	struct sealing_run run = {.mode = o->mode,
				  .places = o->places,
				  .place_count = o->place_count,
				  .alive_s = w->s->set.alive_s};
	struct record r;

	return daemon_sealing_watch_record(&run, act, now, a, &r) &&
	       daemon_sealing_add_record(w, &r, a);
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

/* The sensor gave a sign: if it had not for long, that is over. */
static void hang_over(struct work *w, struct wall_ns now)
{
	if (w->hanging)
		daemon_sealing_own_gap(w, &(struct sealing_gap){.reason = SEALING_HANG,
								.from = w->sign_wall,
								.to = now});
	w->hanging = false;
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
		daemon_sealing_refuse(w);
		return;
	}
	if (!daemon_sealing_add_record(w, &certificate, a) || !w->s->o.live ||
	    !add_watch(w, "begin", now, a))
		return;
	hang_over(w, now);
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

void daemon_sealing_add_life(struct work *w, struct arena *a)
{
	struct sealing_life l = {.packets = since(w->life.packets, w->next.life.packets),
				 .bytes = since(w->life.bytes, w->next.life.bytes),
				 .drops = since(w->life.drops, w->next.life.drops),
				 .alerts = since(w->life.alerts, w->next.life.alerts)};
	struct record r;

	/* up to the newest sign, and not to now */
	if (!daemon_sealing_life_record(&l, w->next.life_to, w->sign_wall, a, &r) ||
	    !daemon_sealing_add_record(w, &r, a))
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
		daemon_sealing_refuse(w);
		return;
	}
	hang_over(w, now);
	w->sign = os_clock_mono();
	w->sign_wall = now;
}

static void take_end(struct work *w, struct arena *a)
{
	w->sign_wall = os_clock_wall(); /* a sign, too */
	if (w->s->o.live && w->next.begun) {
		daemon_sealing_add_life(w, a);
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
		daemon_sealing_refuse(w);
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
		daemon_sealing_refuse(w);
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
			daemon_sealing_refuse(w);
			continue;
		}
		memcpy(w->message, v->bytes + at + QUEUE_HEAD, front[0]);
		*out_kind = front[1];
		*out = (struct slice){w->message, front[0]};
		return true;
	}
	if (v->at != head) {
		daemon_sealing_refuse(w);
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
bool daemon_sealing_drain(struct work *w)
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
