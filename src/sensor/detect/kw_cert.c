/* SPDX-License-Identifier: Apache-2.0
 * When a certificate holds: tls_cert_notbefore, tls_cert_notafter with a date or a range of dates,
 * tls_cert_expired and tls_cert_valid by the packet's time. Suricata 8 rules/tls-keywords. Dates
 * are UTC: seconds since 1970, or 2015-01, 2015-01-31, "2015-01-31 12:30:59" (or with a T). */
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

enum { IS_DATE, IS_EXPIRED, IS_VALID };

struct cert_operand {
	enum { AT, UNTIL, SINCE, BETWEEN, BEFORE_NOW, NOT_BEFORE_NOW } how;
	int64_t a, b; /* seconds since 1970 */
};

/* n digits and the sign behind them, if there is one; false: others. */
static bool digits_take(struct slice *s, size_t n, const char *signs, int64_t *out)
{
	uint64_t v;

	if (s->len < n || !text_is_digit(s->ptr[0]) || !text_u64(slice_part(*s, 0, n), 0, 9999, &v))
		return false;
	*s = slice_from(*s, n);
	*out = (int64_t)v;
	if (s->len == 0)
		return true;
	if (memchr(signs, s->ptr[0], strlen(signs)) == NULL)
		return false;
	*s = slice_from(*s, 1);
	return s->len != 0;
}

static bool date_parse(struct slice s, int64_t *out)
{
	static const struct {
		size_t digits;
		const char *signs;
		int64_t least, most;
	} parts[] = {{4, "-", 0, 9999}, {2, "-", 1, 12}, {2, " T", 1, 31},
		     {2, ":", 0, 23},	{2, ":", 0, 59}, {2, "", 0, 60}};
	int64_t v[6] = {0, 1, 1, 0, 0, 0};
	uint64_t epoch;
	size_t i = 0;

	s = slice_trim(s);
	if (s.len != 0 && memchr(s.ptr, '-', s.len) == NULL) {
		*out = 0;
		if (!text_is_digit(s.ptr[0]) || !text_u64(s, 0, INT64_MAX, &epoch))
			return false;
		*out = (int64_t)epoch;
		return true;
	}
	for (; i < 6 && s.len != 0; i++)
		if (!digits_take(&s, parts[i].digits, parts[i].signs, &v[i]) ||
		    v[i] < parts[i].least || v[i] > parts[i].most)
			return false;
	*out = time_days(v[0], (int)v[1], (int)v[2]) * 86400 + v[3] * 3600 + v[4] * 60 + v[5];
	return s.len == 0 && i >= 2;
}

static bool holds(const void *operand, struct detect_inspect *in)
{
	const struct cert_operand *o = operand;
	int64_t now = in->view->now.ns / TIME_NS_PER_S, date;

	if (!date_parse(in->bytes, &date))
		return false;
	switch (o->how) {
	case AT:
		return date == o->a;
	case UNTIL:
		return date <= o->a;
	case SINCE:
		return date >= o->a;
	case BETWEEN:
		return date >= o->a && date <= o->b;
	case BEFORE_NOW:
		return date < now;
	case NOT_BEFORE_NOW:
		break;
	}
	return date >= now;
}

/* "2015-01-31", "<2015", ">2015", "2015<>2016" */
static bool range_parse(struct slice value, struct cert_operand *o)
{
	size_t middle = slice_find(value, SLICE("<>"));

	if (middle != SIZE_MAX) {
		o->how = BETWEEN;
		return date_parse(slice_part(value, 0, middle), &o->a) &&
		       date_parse(slice_from(value, middle + 2), &o->b) && o->a < o->b;
	}
	if (slice_starts(value, SLICE("<")) || slice_starts(value, SLICE(">"))) {
		o->how = value.ptr[0] == '<' ? UNTIL : SINCE;
		value = slice_from(value, 1);
	}
	return date_parse(value, &o->a);
}

static enum status compile(struct detect_compiler *c, const struct detect_keyword *kw,
			   struct slice value, struct fail *why)
{
	struct cert_operand *o = ARENA_NEW(c->arena, struct cert_operand);
	struct detect_draft_list *keep = c->current;
	enum status st;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	if (kw->which != IS_DATE)
		o->how = kw->which == IS_EXPIRED ? BEFORE_NOW : NOT_BEFORE_NOW;
	else if (!range_parse(value, o))
		return fail_set(why, ST_INVALID,
				"%s wants a date (2015-01-31 12:30:59, or less of it), < or > and "
				"one, or two with <> between, not \"%.*s\"",
				kw->name, SLICE_ARG(value));
	st = detect_list_for(c, slice_of(kw->field), &c->current, why);
	if (st == ST_OK)
		st = detect_add_step(c, kw, o, false, why);
	c->current = keep;
	return st;
}

#define DATE(word, what, of, text)                                                                 \
	{                                                                                          \
		.name = (word), .which = (what), .bare = (what) != IS_DATE, .field = (of),         \
		.compile = compile, .step = holds, .doc = (text)                                   \
	}

KEYWORD(cert) = {
	DATE("tls_cert_notbefore", IS_DATE, "tls.cert_not_before",
	     "from when on the certificate holds"),
	DATE("tls_cert_notafter", IS_DATE, "tls.cert_not_after",
	     "until when the certificate holds"),
	DATE("tls_cert_expired", IS_EXPIRED, "tls.cert_not_after",
	     "the certificate holds no longer, by the packet's time"),
	DATE("tls_cert_valid", IS_VALID, "tls.cert_not_after",
	     "the certificate still holds, by the packet's time"),
	{0},
};
