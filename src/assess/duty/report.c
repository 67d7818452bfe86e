/* SPDX-License-Identifier: Apache-2.0
 *
 * Report cards: what came of all requests, by clause and by party, and by which ways somebody was
 * let off. Everything is counted from the cases; nothing is estimated.
 */
#include "assess/duty/duty_priv.h"

#include <stdlib.h>

const char *const duty_way_names[DUTY_WAYS] = {
	[DUTY_BY_GROUND] = "ground",
	[DUTY_BY_OPEN_TERM] = "open term",
	[DUTY_BY_RESERVATION] = "reservation",
	[DUTY_BY_NO_NUMBER] = "no number",
};

struct maker {
	const struct duty_state *s;
	struct arena *a;
	uint32_t *card_of; /* of each case; UINT32_MAX: in none */
	int64_t *values;   /* scratch, one for each case and step */
	struct duty_card *cards;
	size_t count;
};

static bool is_drill(const struct duty_state *s, const struct duty_case *c)
{
	return duty_asked(s, c)->u.request.drill;
}

/* ---- times ---------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The value at rank ceil(n * tenths / 10), from 1. */
static int64_t at_rank(const int64_t *v, size_t n, size_t tenths)
{
	return v[(n * tenths + 9) / 10 - 1];
}

static struct duty_times times_of(int64_t *v, size_t n)
{
	if (n == 0)
		return (struct duty_times){0};
	qsort(v, n, sizeof *v, by_value);
	return (struct duty_times){n, at_rank(v, n, 5), at_rank(v, n, 9), v[n - 1]};
}

static int64_t since(struct wall_ns from, struct wall_ns to)
{
	return (to.ns - from.ns) / TIME_NS_PER_S;
}

/* One time of every case of a card. */
static struct duty_times card_times(const struct maker *m, size_t card, size_t member)
{
	size_t n = 0;

	for (size_t i = 0; i < m->s->case_count; i++) {
		const struct duty_case *c = &m->s->cases[i];
		struct wall_ns at;

		if (m->card_of[i] != card || is_drill(m->s, c) || c->steps == NULL)
			continue;
		memcpy(&at, (const uint8_t *)c + member, sizeof at);
		if (at.ns != 0 && at.ns >= c->started.ns)
			m->values[n++] = since(c->started, at);
	}
	return times_of(m->values, n);
}

static struct duty_times card_late(const struct maker *m, size_t card)
{
	size_t n = 0;

	for (size_t i = 0; i < m->s->case_count; i++) {
		const struct duty_case *c = &m->s->cases[i];

		if (m->card_of[i] != card || is_drill(m->s, c) || c->steps == NULL)
			continue;
		for (size_t k = 0; k < duty_of(m->s, c)->step_count; k++)
			if (c->steps[k].status == DUTY_STEP_LATE &&
			    c->steps[k].due.ns != INT64_MAX && c->steps[k].begun.ns != 0 &&
			    c->steps[k].at.ns > c->steps[k].due.ns)
				m->values[n++] = since(c->steps[k].due, c->steps[k].at);
	}
	return times_of(m->values, n);
}

/* ---- ways to be let off --------------------------------------------------------------------- */

static bool add_way(const struct maker *m, struct duty_card *card, enum duty_way_kind kind,
		    struct slice name, bool open)
{
	struct duty_way w = {.kind = kind, .name = name, .open = open, .count = 1};

	for (size_t i = 0; i < card->way_count; i++)
		if (card->ways[i].kind == kind && slice_equal(card->ways[i].name, name)) {
			card->ways[i].count++;
			return true;
		}
	return ARENA_PUSH(m->a, card->ways, card->way_count, card->way_room, w);
}

static struct slice missed_step(const struct duty_state *s, const struct duty_case *c)
{
	const struct treaty_duty *d = duty_of(s, c);

	for (size_t i = 0; i < d->step_count; i++)
		if (c->steps[i].status == DUTY_STEP_MISSED)
			return d->steps[i].verb;
	return SLICE("");
}

/* Adds the ways of one case; *open: one of them is. */
static bool add_ways(const struct maker *m, struct duty_card *card, const struct duty_case *c,
		     bool *open)
{
	const struct treaty_duty *d = duty_of(m->s, c);
	bool ok = true;

	if (c->outcome == DUTY_NOT_OWED)
		return add_way(m, card, DUTY_BY_RESERVATION, c->reserved, false);
	if (c->outcome == DUTY_REFUSED) {
		const struct treaty_ground *g = treaty_ground_find(c->why);

		*open |= g->open;
		ok = add_way(m, card, DUTY_BY_GROUND, c->why, g->open);
	}
	if (c->no_number && duty_will_of(c->outcome) != DUTY_WILLING) {
		*open = true;
		ok = ok && add_way(m, card, DUTY_BY_NO_NUMBER, missed_step(m->s, c), true);
	}
	for (size_t i = 0; i < d->lest_count && ok; i++)
		if (c->lest[i].by_open_term) {
			*open = true;
			ok = add_way(m, card, DUTY_BY_OPEN_TERM, d->lest[i].what, true);
		}
	return ok;
}

static int by_frequency(const void *a, const void *b)
{
	const struct duty_way *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return x->kind != y->kind ? (int)x->kind - (int)y->kind : slice_compare(x->name, y->name);
}

/* ---- cards ---------------------------------------------------------------------------------- */

static void count_case(const struct maker *m, struct duty_card *card, const struct duty_case *c)
{
	bool contested = false;

	card->cases++;
	card->outcomes[c->outcome]++;
	card->reasons_missing += c->reasons_missing;
	card->helped += c->accepted;
	for (size_t i = 0; c->steps != NULL && i < duty_of(m->s, c)->step_count; i++)
		contested |= c->steps[i].contested;
	card->contested += contested;
}

static bool fill_cards(const struct maker *m)
{
	size_t *open_ways = ARENA_ARRAY(m->a, size_t, m->count + 1);

	if (open_ways == NULL)
		return false;
	for (size_t i = 0; i < m->s->case_count; i++) {
		const struct duty_case *c = &m->s->cases[i];
		struct duty_card *card;
		bool open = false;

		if (m->card_of[i] == UINT32_MAX)
			continue;
		card = &m->cards[m->card_of[i]];
		if (is_drill(m->s, c)) {
			card->drills++;
			continue;
		}
		count_case(m, card, c);
		if (!add_ways(m, card, c, &open))
			return false;
		open_ways[m->card_of[i]] += open;
	}
	for (size_t i = 0; i < m->count; i++) {
		struct duty_card *card = &m->cards[i];

		if (card->cases == 0)
			continue; /* of the clauses, most have none */
		card->signs = card_times(m, i, offsetof(struct duty_case, signs));
		card->decided = card_times(m, i, offsetof(struct duty_case, decided));
		card->delivered = card_times(m, i, offsetof(struct duty_case, delivered));
		card->late = card_late(m, i);
		if (card->way_count != 0)
			qsort(card->ways, card->way_count, sizeof *card->ways, by_frequency);
		card->loophole = (int32_t)(open_ways[i] * 1000 / card->cases); /* <= 1000 */
	}
	return true;
}

/* A case counts if it arose, or if nothing but a party's own reservation kept it from that. */
static bool counts(const struct duty_case *c)
{
	return c->outcome != DUTY_NOT_OWED || c->reserved.len != 0;
}

static bool make_party_cards(struct maker *m)
{
	m->cards = ARENA_ARRAY(m->a, struct duty_card, m->s->party_count + 1);
	m->count = m->s->party_count;
	if (m->cards == NULL)
		return false;
	for (size_t i = 0; i < m->count; i++)
		m->cards[i].name = m->s->parties[i];
	for (size_t i = 0; i < m->s->case_count; i++)
		m->card_of[i] = counts(&m->s->cases[i])
					? (uint32_t)duty_party_find(m->s, m->s->cases[i].bearer)
					: UINT32_MAX; /* every bearer is a party */
	return fill_cards(m);
}

static bool make_clause_cards(struct maker *m)
{
	const struct duty_state *s = m->s;
	uint32_t *first = ARENA_ARRAY(m->a, uint32_t, s->treaty_count + 1); /* of a treaty */

	m->count = 0;
	for (size_t t = 0; t < s->treaty_count && first != NULL; t++) {
		first[t] = (uint32_t)m->count;
		m->count += treaty_clause_count(s->treaties[t]);
	}
	m->cards = ARENA_ARRAY(m->a, struct duty_card, m->count + 1);
	if (first == NULL || m->cards == NULL)
		return false;
	for (size_t t = 0; t < s->treaty_count; t++)
		for (size_t k = 0; k < treaty_clause_count(s->treaties[t]); k++)
			m->cards[first[t] + k].name = treaty_clause_id(s->treaties[t], k);
	for (size_t i = 0; i < s->case_count; i++)
		m->card_of[i] = counts(&s->cases[i])
					? first[s->cases[i].treaty] + (uint32_t)s->cases[i].clause
					: UINT32_MAX;
	return fill_cards(m);
}

/* Only cards on which something stands. */
static size_t keep_used(struct duty_card *cards, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (cards[i].cases + cards[i].drills != 0)
			cards[n++] = cards[i];
	return n;
}

/* ---- pursuits ------------------------------------------------------------------------------- */

static int64_t answer_of(const struct duty_state *s, const struct duty_request *q)
{
	struct wall_ns first = {INT64_MAX};

	for (size_t i = q->first_case; i < q->first_case + q->case_count; i++)
		if (s->cases[i].delivered.ns != 0 && s->cases[i].delivered.ns < first.ns)
			first = s->cases[i].delivered;
	return first.ns == INT64_MAX ? -1 : since(s->ledger->entries[q->entry].at, first);
}

static bool make_hops(const struct duty_state *s, struct arena *a, struct duty_report *out)
{
	struct duty_hop *of = ARENA_ARRAY(a, struct duty_hop, s->request_count + 1);

	if (of == NULL)
		return false;
	for (size_t i = 0; i < s->request_count; i++) {
		const struct duty_request *q = &s->requests[i];

		of[i] = (struct duty_hop){.request = i, .root = i, .answer_s = answer_of(s, q)};
		if (q->after == DUTY_NONE)
			continue;
		of[i].root = of[q->after].root; /* what it goes on from stands before it */
		of[i].depth = of[q->after].depth + 1;
		of[i].after_s = since(s->ledger->entries[s->requests[q->after].entry].at,
				      s->ledger->entries[q->entry].at);
		if (!ARENA_PUSH(a, out->hops, out->hop_count, out->hop_room, of[i]))
			return false;
	}
	return true;
}

/* ---- what parties say of themselves --------------------------------------------------------- */

static struct duty_claim_check check_of(const struct duty_state *s, size_t entry)
{
	const struct duty_entry *e = &s->ledger->entries[entry];
	struct duty_claim_check x = {.entry = entry};
	struct interval p = e->u.assertion.answered;

	for (size_t i = 0; i < s->case_count; i++) {
		const struct duty_case *c = &s->cases[i];

		if (!slice_equal(c->bearer, e->party) || is_drill(s, c) ||
		    (e->u.assertion.kind.len != 0 &&
		     !slice_equal(e->u.assertion.kind, duty_of(s, c)->kind)) ||
		    c->outcome == DUTY_OPEN || c->outcome == DUTY_NOT_OWED ||
		    c->outcome == DUTY_VOTED_OUT || c->outcome == DUTY_WITHDRAWN)
			continue;
		x.ended++;
		x.done += duty_will_of(c->outcome) == DUTY_WILLING;
	}
	x.contradicted = x.ended != 0 && (x.done * 1000 < (size_t)p.lo * x.ended ||
					  x.done * 1000 > (size_t)p.hi * x.ended);
	return x;
}

static enum status make_checks(const struct duty_state *s, struct arena *a, struct duty_report *out,
			       struct fail *why)
{
	for (size_t i = 0; i < s->ledger->count; i++) {
		const struct duty_entry *e = &s->ledger->entries[i];
		struct duty_claim_check x;

		if (e->word != DUTY_ASSERT || e->at.ns > s->as_of.ns)
			continue;
		if (out->check_count == DUTY_PARTIES_MAX)
			return fail_set(why, ST_LIMIT, "duties: more than %d assertions",
					DUTY_PARTIES_MAX);
		x = check_of(s, i);
		if (!ARENA_PUSH(a, out->checks, out->check_count, out->check_room, x))
			return fail_set(why, ST_NOMEM, "duties: no memory");
	}
	return ST_OK;
}

enum status duty_report(const struct duty_state *s, struct arena *a, struct duty_report *out,
			struct fail *why)
{
	struct maker m = {.s = s, .a = a};
	struct duty_report r = {0};
	enum status st;

	m.card_of = ARENA_ARRAY(a, uint32_t, s->case_count + 1);
	m.values = ARENA_ARRAY(a, int64_t, s->case_count * TREATY_STEPS_MAX + 1);
	if (m.card_of == NULL || m.values == NULL || !make_clause_cards(&m))
		return fail_set(why, ST_NOMEM, "duties: no memory");
	r.clauses = m.cards;
	r.clause_count = keep_used(m.cards, m.count);
	if (!make_party_cards(&m) || !make_hops(s, a, &r))
		return fail_set(why, ST_NOMEM, "duties: no memory");
	r.parties = m.cards;
	r.party_count = keep_used(m.cards, m.count);
	st = make_checks(s, a, &r, why);
	if (st == ST_OK)
		*out = r;
	return st;
}
