/* SPDX-License-Identifier: Apache-2.0
 *
 * When a span of time is over, by the calendar of whoever has to keep it. Docs/formats/duties.md,
 * section 3. All arithmetic is in seconds since 1970; nothing here knows of places or their
 * customs: holidays and changes of the clock are data that each party gives.
 */
#include "assess/duty/duty_priv.h"

enum { MONDAY_TO_FRIDAY = 0x1f };

static int64_t ahead(const struct duty_calendar *c, struct wall_ns at)
{
	int64_t s = 0;

	for (size_t i = 0; i < c->zone_count && c->zones[i].since.ns <= at.ns; i++)
		s = c->zones[i].ahead_s;
	return s;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Seconds on a clock there. */
static int64_t local_of(const struct duty_calendar *c, struct wall_ns at)
{
	return floor_div(at.ns, TIME_NS_PER_S) + ahead(c, at);
}

static struct wall_ns from_seconds(int64_t s, int64_t ns)
{
	struct wall_ns out = {INT64_MAX};

	if (s < INT64_MAX / TIME_NS_PER_S - 1)
		out.ns = s * TIME_NS_PER_S + ns;
	return out;
}

/* The moment at which a clock there shows that time: by the zone that holds then, as far as it can
 * be told (an hour that the clock skips or shows twice is read by the zone before it). */
static struct wall_ns at_local(const struct duty_calendar *c, int64_t local, int64_t ns)
{
	struct wall_ns guess = from_seconds(local, ns), at = guess;

	for (int i = 0; i < 2 && guess.ns != INT64_MAX; i++)
		at = from_seconds(local - ahead(c, at), ns);
	return at;
}

static bool is_holiday(const struct duty_calendar *c, int64_t day)
{
	size_t lo = 0, hi = c->holiday_count;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (c->holidays[mid] < day)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < c->holiday_count && c->holidays[lo] == day;
}

static bool in_week(uint8_t week, int64_t day)
{
	return week >> ((day % 7 + 7 + 3) % 7) & 1; /* 1970-01-01 was a Thursday */
}

/* Holidays behind `after`, up to and with `last`, that would have been working days. */
static int64_t holidays_between(const struct duty_calendar *c, uint8_t week, int64_t after,
				int64_t last)
{
	int64_t n = 0;

	for (size_t i = 0; i < c->holiday_count; i++)
		n += c->holidays[i] > after && c->holidays[i] <= last &&
		     in_week(week, c->holidays[i]);
	return n;
}

/* The n-th working day behind `day`. Whole weeks are passed at once, then their holidays are made
 * good; each round leaves at most as many days as there were holidays, so there are few. */
static int64_t working_day(const struct duty_calendar *c, int64_t day, int64_t n)
{
	uint8_t week = c->week ? c->week : MONDAY_TO_FRIDAY;
	int64_t per_week = __builtin_popcount(week);

	if (c->always)
		return day + n;
	while (n > per_week) {
		int64_t weeks = (n - 1) / per_week, to = day + 7 * weeks;

		n += holidays_between(c, week, day, to) - weeks * per_week;
		day = to;
	}
	while (n > 0) {
		day++;
		n -= in_week(week, day) && !is_holiday(c, day);
	}
	return day;
}

static struct wall_ns months_later(const struct duty_calendar *c, struct wall_ns start, int64_t n)
{
	int64_t local = local_of(c, start), day = floor_div(local, DUTY_DAY_S);
	struct time_date d = time_date_of(day);
	int64_t months = d.year * 12 + d.month - 1 + n, year = months / 12;
	int month = (int)(months % 12) + 1; /* 1..12 */
	int64_t first = time_days(year, month, 1);
	int64_t next = time_days(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1);
	int64_t to = first + d.day - 1 < next ? first + d.day - 1 : next - 1;

	return at_local(c, to * DUTY_DAY_S + local - day * DUTY_DAY_S,
			start.ns - floor_div(start.ns, TIME_NS_PER_S) * TIME_NS_PER_S);
}

struct wall_ns duty_span_end(const struct duty_calendar *c, struct wall_ns start,
			     struct treaty_span span)
{
	int64_t s = floor_div(start.ns, TIME_NS_PER_S), ns = start.ns - s * TIME_NS_PER_S;
	int64_t n = span.n;

	switch (span.unit) {
	case TREATY_HOURS:
		return from_seconds(s + n * 3600, ns);
	case TREATY_DAYS:
		return from_seconds(s + n * DUTY_DAY_S, ns);
	case TREATY_WORKING_DAYS: {
		int64_t day = working_day(c, floor_div(local_of(c, start), DUTY_DAY_S), n);

		return at_local(c, (day + 1) * DUTY_DAY_S, 0);
	}
	case TREATY_MONTHS:
		return months_later(c, start, n);
	default:
		return months_later(c, start, 12 * n);
	}
}
