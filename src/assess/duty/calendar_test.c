/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/duty/duty_priv.h"
#include "test.h"

static struct wall_ns at(const char *z)
{
	struct wall_ns t = {0};

	ASSERT(time_parse(slice_of(z), &t));
	return t;
}

static struct treaty_span span(const char *z)
{
	struct treaty_span s = {0};

	ASSERT(treaty_span_parse(slice_of(z), &s));
	return s;
}

#define ENDS(cal, from, length, want)                                                              \
	do {                                                                                       \
		char b_[TIME_TEXT_MAX];                                                            \
		EXPECT_SLICE(                                                                      \
			t, time_format_rfc3339(duty_span_end((cal), at(from), span(length)), b_),  \
			SLICE(want));                                                              \
	} while (0)

static void hours_and_days_are_as_long_as_they_are(struct test *t)
{
	static const struct duty_calendar c = {0};

	ENDS(&c, "2026-01-05T10:00:00.5Z", "1h", "2026-01-05T11:00:00.500000Z");
	ENDS(&c, "2026-02-28T23:59:59Z", "1d", "2026-03-01T23:59:59.000000Z");
	ENDS(&c, "2026-01-05T10:00:00Z", "60d", "2026-03-06T10:00:00.000000Z");
}

static void a_working_day_ends_at_midnight_where_the_party_is(struct test *t)
{
	static const struct duty_zone tokyo[] = {{{INT64_MIN}, 9 * 3600}};
	static const struct duty_calendar utc = {0}, east = {.zones = tokyo, .zone_count = 1};

	/* Monday, Friday, Saturday; the day of the start does not count */
	ENDS(&utc, "2026-01-05T10:00:00Z", "1wd", "2026-01-07T00:00:00.000000Z");
	ENDS(&utc, "2026-01-09T10:00:00Z", "1wd", "2026-01-13T00:00:00.000000Z");
	ENDS(&utc, "2026-01-10T10:00:00Z", "1wd", "2026-01-13T00:00:00.000000Z");
	/* in Tokyo it is Tuesday by then */
	ENDS(&east, "2026-01-05T15:00:00Z", "1wd", "2026-01-07T15:00:00.000000Z");
	ENDS(&east, "2026-01-05T14:59:59Z", "1wd", "2026-01-06T15:00:00.000000Z");
}

static void holidays_are_no_working_days_and_some_never_close(struct test *t)
{
	const int64_t days[] = {time_days(2026, 1, 6), time_days(2026, 1, 10)}; /* one a Saturday */
	const struct duty_calendar c = {.holidays = days, .holiday_count = 2};
	static const struct duty_calendar always = {.always = true}, sunday = {.week = 0x40};

	ENDS(&c, "2026-01-05T10:00:00Z", "1wd", "2026-01-08T00:00:00.000000Z");
	ENDS(&c, "2026-01-05T10:00:00Z", "4wd", "2026-01-13T00:00:00.000000Z");
	ENDS(&always, "2026-01-09T10:00:00Z", "1wd", "2026-01-11T00:00:00.000000Z");
	ENDS(&sunday, "2026-01-05T10:00:00Z", "2wd", "2026-01-19T00:00:00.000000Z");
}

static void months_end_on_the_same_day_or_the_last(struct test *t)
{
	static const struct duty_calendar c = {0};
	/* the clock there goes an hour ahead on 29 March */
	const struct duty_zone zones[] = {{{INT64_MIN}, 3600}, {at("2026-03-29T01:00:00Z"), 7200}};
	const struct duty_calendar berlin = {.zones = zones, .zone_count = 2};

	ENDS(&c, "2026-01-31T12:00:00.25Z", "1mo", "2026-02-28T12:00:00.250000Z");
	ENDS(&c, "2028-01-31T12:00:00Z", "1mo", "2028-02-29T12:00:00.000000Z");
	ENDS(&c, "2026-12-15T12:00:00Z", "1mo", "2027-01-15T12:00:00.000000Z");
	ENDS(&c, "2028-02-29T12:00:00Z", "1y", "2029-02-28T12:00:00.000000Z");
	ENDS(&berlin, "2026-03-10T11:00:00Z", "1mo", "2026-04-10T10:00:00.000000Z");
	ENDS(&berlin, "2026-03-27T11:00:00Z", "1wd", "2026-03-30T22:00:00.000000Z");
}

static void what_is_beyond_all_times_is_never(struct test *t)
{
	static const struct duty_calendar c = {0};

	EXPECT(t, duty_span_end(&c, at("2261-12-31T00:00:00Z"), span("9999y")).ns == INT64_MAX);
	EXPECT(t, duty_span_end(&c, at("2261-12-31T00:00:00Z"), span("9999wd")).ns == INT64_MAX);
	EXPECT(t, duty_span_end(&c, at("2261-12-31T00:00:00Z"), span("9999d")).ns == INT64_MAX);
	EXPECT(t, duty_span_end(&c, at("2026-01-01T00:00:00Z"), span("200y")).ns != INT64_MAX);
}

/* Whole weeks at once give what counting day by day gives. */
static void working_days_are_as_if_counted(struct test *t)
{
	for (int round = 0; round < 300; round++) {
		int64_t days[40], start = time_days(2026, 1, 1) + (int64_t)(test_rand(t) % 400);
		uint8_t week = (uint8_t)(1 + test_rand(t) % 127);
		uint32_t n = 1 + (uint32_t)(test_rand(t) % 120);
		struct duty_calendar c = {.week = week, .holidays = days, .holiday_count = 40};
		struct treaty_span s = {.n = n, .unit = TREATY_WORKING_DAYS};
		int64_t day = start;

		days[0] = start - 10;
		for (size_t i = 1; i < 40; i++)
			days[i] = days[i - 1] + 1 + (int64_t)(test_rand(t) % 9);
		for (uint32_t left = n; left > 0;) {
			bool free = false;

			day++;
			for (size_t i = 0; i < 40; i++)
				free |= days[i] == day;
			left -= !free && (week >> ((day + 3) % 7) & 1);
		}
		EXPECT(t, duty_span_end(&c, (struct wall_ns){start * DUTY_DAY_S * TIME_NS_PER_S}, s)
					  .ns == (day + 1) * DUTY_DAY_S * TIME_NS_PER_S);
	}
}

TESTS(T(hours_and_days_are_as_long_as_they_are),
      T(a_working_day_ends_at_midnight_where_the_party_is),
      T(holidays_are_no_working_days_and_some_never_close),
      T(months_end_on_the_same_day_or_the_last), T(what_is_beyond_all_times_is_never),
      T(working_days_are_as_if_counted))
