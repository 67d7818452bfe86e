/* SPDX-License-Identifier: Apache-2.0
 *
 * base/time.h - points in time as values. A wall_ns is what a capture or a clock said, in
 * nanoseconds since 1970-01-01 UTC without leap seconds; it may jump. A mono_ns only grows.
 * Nothing here asks a clock: that is os/clock.h.
 */
#ifndef DEW_BASE_TIME_H
#define DEW_BASE_TIME_H

#include "base/slice.h"
#include "base/status.h"

enum { TIME_TEXT_MAX = 40 };		  /* bytes of the longest text form with a NUL */
#define TIME_NS_PER_S INT64_C(1000000000) /* nanoseconds in a second */
#define TIME_NS_PER_MS INT64_C(1000000)	  /* nanoseconds in a millisecond */

struct wall_ns {
	int64_t ns;
};

struct mono_ns {
	int64_t ns;
};

/* "2026-11-22T03:04:05.678901+0000", the form EVE readers expect (Suricata's). NUL-terminated. */
struct slice time_format_eve(struct wall_ns t, char buf[TIME_TEXT_MAX]);

/* "2026-11-22T03:04:05.678901Z", RFC 3339 with exactly six digits. */
struct slice time_format_rfc3339(struct wall_ns t, char buf[TIME_TEXT_MAX]);

/* "2026-11-22T03:04:05.678Z", RFC 3339 with exactly three digits, as STIX 2.1 objects use. */
struct slice time_format_ms(struct wall_ns t, char buf[TIME_TEXT_MAX]);

/* RFC 3339 (Z or numeric offset) or the EVE form; 0..9 fraction digits. Years 1970..2261. */
MUST_USE bool time_parse(struct slice s, struct wall_ns *out);

/* "2026-11-22": the first moment of that day in UTC. Years 1970..2261. */
MUST_USE bool time_parse_date(struct slice s, struct wall_ns *out);

/* Days from 1970-01-01 to a day of the proleptic Gregorian calendar, year 0 or later; month 1..12,
 * day 1..31 (of a shorter month: so many days behind its first). */
int64_t time_days(int64_t year, int month, int day);

struct time_date {
	int64_t year;
	int month, day; /* 1..12, 1..31 */
};

/* The day that is so many days from 1970-01-01: time_days() backwards. */
struct time_date time_date_of(int64_t days);

#endif
