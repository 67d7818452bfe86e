/* SPDX-License-Identifier: Apache-2.0
 *
 * Parties: who is named, who is bound by what and when, and by which calendar each lives.
 */
#include "assess/duty/duty_priv.h"

#include <stdlib.h>

static int by_bytes(const void *a, const void *b)
{
	return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

size_t duty_party_find(const struct duty_state *s, struct slice party)
{
	size_t lo = 0, hi = s->party_count;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (slice_compare(s->parties[mid], party) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->party_count && slice_equal(s->parties[lo], party) ? lo : SIZE_MAX;
}

static bool add_party(struct duty_state *s, struct arena *a, struct slice party)
{
	if (party.len == 0 || slice_equal(party, SLICE("all")))
		return true;
	return ARENA_PUSH(a, s->parties, s->party_count, s->party_room, party);
}

enum status duty_parties_find(struct duty_state *s, struct arena *a, struct fail *why)
{
	size_t n = 0;
	bool ok = true;

	for (size_t i = 0; i < s->ledger->count && ok; i++) {
		const struct duty_entry *e = &s->ledger->entries[i];

		if (e->at.ns > s->as_of.ns)
			continue;
		ok = add_party(s, a, e->party) &&
		     (e->word != DUTY_REQUEST || add_party(s, a, e->u.request.to));
	}
	for (size_t t = 0; t < s->treaty_count && ok; t++) {
		ok = add_party(s, a, treaty_author(s->treaties[t]));
		for (size_t i = 0; i < treaty_party_count(s->treaties[t]) && ok; i++)
			ok = add_party(s, a, treaty_party_id(s->treaties[t], i));
	}
	if (!ok)
		return fail_set(why, ST_NOMEM, "duties: no memory");
	if (s->party_count != 0)
		qsort(s->parties, s->party_count, sizeof *s->parties, by_bytes);
	for (size_t i = 0; i < s->party_count; i++)
		if (n == 0 || !slice_equal(s->parties[n - 1], s->parties[i]))
			s->parties[n++] = s->parties[i];
	s->party_count = n;
	if (n > DUTY_PARTIES_MAX)
		return fail_set(why, ST_LIMIT, "duties: at most %d parties, and these are %zu",
				DUTY_PARTIES_MAX, n);
	return ST_OK;
}

/* ---- bonds and calendars -------------------------------------------------------------------- */

/* By instrument, party and time; at one time the one that joins stands behind. */
static int by_bond(const void *a, const void *b)
{
	const struct duty_bond *x = a, *y = b;
	int c = slice_compare(x->instrument, y->instrument);

	c = c != 0 ? c : slice_compare(x->party, y->party);
	c = c != 0 ? c : (x->at.ns > y->at.ns) - (x->at.ns < y->at.ns);
	return c != 0 ? c : x->joined - y->joined;
}

enum status duty_bonds_find(struct duty_state *s, struct arena *a, struct fail *why)
{
	for (size_t i = 0; i < s->ledger->count; i++) {
		const struct duty_entry *e = &s->ledger->entries[i];
		struct duty_bond b = {.instrument = e->u.instrument,
				      .party = e->party,
				      .at = e->at,
				      .joined = e->word == DUTY_JOIN};
		bool known = false;

		if ((e->word != DUTY_JOIN && e->word != DUTY_LEAVE) || e->at.ns > s->as_of.ns)
			continue;
		for (size_t t = 0; t < s->treaty_count; t++)
			known |= slice_equal(treaty_id(s->treaties[t]), b.instrument);
		duty_fate_add(s, i, known ? NULL : "no treaty of that name is loaded", false);
		if (known && !ARENA_PUSH(a, s->bonds, s->bond_count, s->bond_room, b))
			return fail_set(why, ST_NOMEM, "duties: no memory");
	}
	if (s->bond_count != 0)
		qsort(s->bonds, s->bond_count, sizeof *s->bonds, by_bond);
	return ST_OK;
}

bool duty_is_bound(const struct duty_state *s, size_t treaty, struct slice party, struct wall_ns at)
{
	const struct treaty *t = s->treaties[treaty];
	struct duty_bond key = {
		.instrument = treaty_id(t), .party = party, .at = at, .joined = true};
	size_t lo = 0, hi = s->bond_count;

	if (treaty_author(t).len != 0)
		return treaty_party_bound(t, party, at);
	while (lo < hi) { /* the first behind all that stand before that moment, or at it */
		size_t mid = (lo + hi) / 2;

		if (by_bond(&s->bonds[mid], &key) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo > 0 && slice_equal(s->bonds[lo - 1].party, party) &&
	    slice_equal(s->bonds[lo - 1].instrument, key.instrument))
		return s->bonds[lo - 1].joined;
	return treaty_party_bound(t, party, at);
}

size_t duty_electors(const struct duty_state *s, size_t treaty, struct wall_ns at, struct slice but,
		     struct slice and_but)
{
	size_t n = 0;

	for (size_t i = 0; i < s->party_count; i++)
		n += !slice_equal(s->parties[i], but) && !slice_equal(s->parties[i], and_but) &&
		     duty_is_bound(s, treaty, s->parties[i], at);
	return n;
}

/* Entries are in the order of time, so the last one that is not later counts. */
struct duty_calendar duty_calendar_of(const struct duty_state *s, struct slice party,
				      struct wall_ns at)
{
	struct duty_calendar c = {0};

	for (size_t i = 0; i < s->calendar_count; i++) {
		const struct duty_entry *e = &s->ledger->entries[s->calendars[i]];

		if (e->at.ns > at.ns)
			break;
		if (slice_equal(e->party, party))
			c = e->u.calendar;
	}
	return c;
}
