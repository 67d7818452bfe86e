/* SPDX-License-Identifier: Apache-2.0
 * Calendar arithmetic: days from civil date and back, proleptic Gregorian, eras of 400 years. */
#include "base/time.h"

#include "base/text.h"

enum { DAY_S = 86400 };

int64_t time_days(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

struct time_date time_date_of(int64_t days)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	int month = (int)(mp < 10 ? mp + 3 : mp - 9);

	return (struct time_date){yoe + era * 400 + (month <= 2), month,
				  (int)(doy - (153 * mp + 2) / 5 + 1)};
}

/* v in n digits at p, then c; returns what follows. */
static char *put(char *p, int64_t v, int n, char c)
{
	for (int i = n; i-- > 0; v /= 10)
		p[i] = (char)('0' + v % 10);
	p[n] = c;
	return p + n + 1;
}

/* Years of a wall_ns are 1677..2262: four digits. */
static struct slice format(struct wall_ns t, int digits, struct slice zone, char buf[TIME_TEXT_MAX])
{
	int64_t ns = t.ns % TIME_NS_PER_S, s = t.ns / TIME_NS_PER_S, days;
	struct time_date c;
	char *p = buf;

	if (ns < 0) {
		ns += TIME_NS_PER_S;
		s--;
	}
	days = s / DAY_S - (s % DAY_S < 0);
	s -= days * DAY_S;
	c = time_date_of(days);
	p = put(p, c.year, 4, '-');
	p = put(p, c.month, 2, '-');
	p = put(p, c.day, 2, 'T');
	p = put(p, s / 3600, 2, ':');
	p = put(p, s / 60 % 60, 2, ':');
	p = put(p, s % 60, 2, '.');
	p = put(p, digits == 6 ? ns / 1000 : ns / TIME_NS_PER_MS, digits, '\0') - 1;
	memcpy(p, zone.ptr, zone.len);
	p[zone.len] = '\0';
	return (struct slice){(const uint8_t *)buf, (size_t)(p - buf) + zone.len};
}

struct slice time_format_eve(struct wall_ns t, char buf[TIME_TEXT_MAX])
{
	return format(t, 6, SLICE("+0000"), buf);
}

struct slice time_format_rfc3339(struct wall_ns t, char buf[TIME_TEXT_MAX])
{
	return format(t, 6, SLICE("Z"), buf);
}

struct slice time_format_ms(struct wall_ns t, char buf[TIME_TEXT_MAX])
{
	return format(t, 3, SLICE("Z"), buf);
}

/* The number in s[at..at+n) in least..most, or -1. */
static int64_t field(struct slice s, size_t at, size_t n, uint64_t least, uint64_t most)
{
	struct slice part = slice_part(s, at, n);
	uint64_t v;

	for (size_t i = 0; i < part.len; i++)
		if (!text_is_digit(part.ptr[i]))
			return -1;
	return part.len == n && text_u64(part, least, most, &v) ? (int64_t)v : -1;
}

static bool zone_parse(struct slice z, int64_t *out_s)
{
	size_t colon = z.len == 6 && z.ptr[3] == ':';
	int64_t h, m;

	if (z.len == 1 && (z.ptr[0] == 'Z' || z.ptr[0] == 'z')) {
		*out_s = 0;
		return true;
	}
	if ((z.len != 5 && !colon) || (z.ptr[0] != '+' && z.ptr[0] != '-'))
		return false;
	h = field(z, 1, 2, 0, 23);
	m = field(z, 3 + colon, 2, 0, 59);
	*out_s = (z.ptr[0] == '-' ? -1 : 1) * (h * 3600 + m * 60);
	return h >= 0 && m >= 0;
}

bool time_parse(struct slice s, struct wall_ns *out)
{
	static const uint8_t month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	struct time_date c = {field(s, 0, 4, 1970, 2261), (int)field(s, 5, 2, 1, 12),
			      (int)field(s, 8, 2, 1, 31)};
	int64_t h = field(s, 11, 2, 0, 23), m = field(s, 14, 2, 0, 59),
		sec = field(s, 17, 2, 0, 60);
	int64_t ns = 0, scale = TIME_NS_PER_S / 10, zone;
	size_t at = 19;

	if (c.year < 0 || c.month < 0 || c.day < 0 || h < 0 || m < 0 || sec < 0)
		return false;
	if (s.ptr[4] != '-' || s.ptr[7] != '-' || (s.ptr[10] | 0x20) != 't' || s.ptr[13] != ':' ||
	    s.ptr[16] != ':' || c.day > month_days[c.month - 1])
		return false;
	if (c.month == 2 && c.day == 29 &&
	    (c.year % 4 != 0 || (c.year % 100 == 0 && c.year % 400 != 0)))
		return false;
	if (at < s.len && s.ptr[at] == '.') {
		size_t first = ++at;

		for (; at < s.len && text_is_digit(s.ptr[at]); at++, scale /= 10)
			ns += (s.ptr[at] - '0') * scale;
		if (at == first || at - first > 9)
			return false;
	}
	if (!zone_parse(slice_from(s, at), &zone))
		return false;
	out->ns = (time_days(c.year, c.month, c.day) * DAY_S + h * 3600 + m * 60 + sec - zone) *
			  TIME_NS_PER_S +
		  ns;
	return true;
}

bool time_parse_date(struct slice s, struct wall_ns *out)
{
	enum { DATE = 10, TIME = 10 };
	uint8_t full[DATE + TIME];

	if (s.len != DATE)
		return false;
	memcpy(full, s.ptr, DATE);
	memcpy(full + DATE, "T00:00:00Z", TIME);
	return time_parse((struct slice){full, sizeof full}, out);
}
