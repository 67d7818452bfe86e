/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "test.h"

static void forms(struct test *t)
{
	char buf[TIME_TEXT_MAX];
	struct wall_ns a = {INT64_C(1795316645678901999)};

	EXPECT_SLICE(t, time_format_eve(a, buf), SLICE("2026-11-22T03:04:05.678901+0000"));
	EXPECT_SLICE(t, time_format_rfc3339(a, buf), SLICE("2026-11-22T03:04:05.678901Z"));
	EXPECT_SLICE(t, time_format_ms(a, buf), SLICE("2026-11-22T03:04:05.678Z"));
	a.ns = -1;
	EXPECT_SLICE(t, time_format_rfc3339(a, buf), SLICE("1969-12-31T23:59:59.999999Z"));
	a.ns = 951782400 * TIME_NS_PER_S;
	EXPECT_SLICE(t, time_format_ms(a, buf), SLICE("2000-02-29T00:00:00.000Z"));
}

static void text_round_trips(struct test *t)
{
	char buf[TIME_TEXT_MAX];

	for (int i = 0; i < 20000; i++) {
		int64_t us = (int64_t)(test_rand(t) % UINT64_C(9000000000000000));
		struct wall_ns a = {us * 1000}, b;

		EXPECT(t, time_parse(time_format_eve(a, buf), &b) && a.ns == b.ns);
		EXPECT(t, time_parse(time_format_rfc3339(a, buf), &b) && a.ns == b.ns);
	}
}

static void bad_text_is_refused(struct test *t)
{
	static const char *const bad[] = {"",
					  "2026-11-22",
					  "2026-13-22T00:00:00Z",
					  "2026-02-29T00:00:00Z",
					  "2026-11-22T24:00:00Z",
					  "2026-11-22T00:00:00",
					  "2026-11-22T00:00:00.Z",
					  "2026-11-22T00:00:00.1234567890Z",
					  "2026-11-22T00:00:00+1",
					  "2026-11-22T00:00:0aZ"};
	struct wall_ns a;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		EXPECT(t, !time_parse(slice_of(bad[i]), &a));
	EXPECT(t, time_parse(SLICE("1970-01-01T02:30:00+02:30"), &a) && a.ns == 0);
}

static bool is_date(struct time_date d, int64_t year, int month, int day)
{
	return d.year == year && d.month == month && d.day == day;
}

static void days_are_counted(struct test *t)
{
	static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t days = -719528; /* 0000-01-01 */

	for (int64_t year = 0; year < 10000; year++)
		for (int month = 1; month <= 12; month++) {
			bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

			EXPECT(t, time_days(year, month, 1) == days);
			EXPECT(t, time_days(year, month, 31) == days + 30);
			EXPECT(t, is_date(time_date_of(days), year, month, 1));
			days += lengths[month - 1] + (month == 2 && leap) - 1;
			EXPECT(t, is_date(time_date_of(days), year, month,
					  lengths[month - 1] + (month == 2 && leap)));
			days++;
		}
	EXPECT(t, time_days(1970, 1, 1) == 0);
}

static void a_date_is_its_first_moment(struct test *t)
{
	static const char *const none[] = {"",		 "2026-11-2",	 "2026-11-222",
					   "2026-02-29", "2026/11/22",	 "1969-12-31",
					   "2262-01-01", "2026-11-22T00"};
	struct wall_ns at = {1}, same;

	EXPECT(t, time_parse_date(SLICE("2024-02-29"), &at) &&
			  time_parse(SLICE("2024-02-29T00:00:00Z"), &same) && at.ns == same.ns);
	EXPECT(t, time_parse_date(SLICE("1970-01-01"), &at) && at.ns == 0);
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		EXPECT(t, !time_parse_date(slice_of(none[i]), &at) && at.ns == 0);
}

TESTS(T(a_date_is_its_first_moment), T(forms), T(text_round_trips), T(bad_text_is_refused),
      T(days_are_counted))
