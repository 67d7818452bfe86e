/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the ledger: docs/formats/duties.md, sections 1 and 2. One JSON object a line; which keys
 * an entry has is the table below, and a key that is not in it is an error: a word that is not
 * understood must not be passed over in silence.
 */
#include "assess/duty/duty_priv.h"

#include "base/addr.h"
#include "base/text.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

const char *const duty_word_names[DUTY_WORDS] = {
	[DUTY_JOIN] = "join",	      [DUTY_LEAVE] = "leave",
	[DUTY_CALENDAR] = "calendar", [DUTY_ASSERT] = "assert",
	[DUTY_REQUEST] = "request",   [DUTY_ORDER] = "order",
	[DUTY_VOTE] = "vote",	      [DUTY_INCOMPLETE] = "incomplete",
	[DUTY_COMPLETE] = "complete", [DUTY_EXTEND] = "extend",
	[DUTY_GRANT] = "grant",	      [DUTY_UNABLE] = "unable",
	[DUTY_OFFER] = "offer",	      [DUTY_ACCEPT] = "accept",
	[DUTY_DECLINE] = "decline",   [DUTY_DONE] = "done",
	[DUTY_REFUSE] = "refuse",     [DUTY_LOST] = "lost",
	[DUTY_CONTEST] = "contest",   [DUTY_SHOW] = "show",
	[DUTY_LIFT] = "lift",	      [DUTY_WITHDRAW] = "withdraw",
};

bool duty_names_hold(struct duty_names n, struct slice name)
{
	for (size_t i = 0; i < n.count; i++)
		if (slice_equal(n.names[i], name))
			return true;
	return false;
}

struct reader {
	struct slice file;
	struct arena *a;
	struct buf *problems;
	struct fail *why;
	uint32_t line;
	uint32_t problem_count;
	bool nomem;
};

/* Says what is wrong with this line; false, so that a reader may return it. */
static bool wrong(struct reader *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
static bool wrong(struct reader *r, const char *fmt, ...)
{
	struct buf b = buf_in(r->a);
	va_list ap;

	if (r->problem_count++ >= DUTY_PROBLEMS_MAX)
		return false; /* counted only: a file of nothing but errors costs what 50 cost */
	buf_add_fmt(&b, "%.*s:%u: ", SLICE_ARG(r->file), r->line);
	va_start(ap, fmt);
	buf_add_vfmt(&b, fmt, ap);
	va_end(ap);
	r->nomem |= b.full;
	if (r->problem_count == 1)
		(void)fail_set(r->why, ST_INVALID, "%.*s", SLICE_ARG(buf_slice(&b)));
	if (r->problems != NULL) {
		buf_add(r->problems, buf_slice(&b));
		buf_add_byte(r->problems, '\n');
	}
	return false;
}

static bool no_memory(struct reader *r)
{
	r->nomem = true;
	return false;
}

/* ---- values: each reads one, or says what was expected and returns false -------------------- */

static struct slice text_of(const json_t *v)
{
	return (struct slice){(const uint8_t *)json_string_value(v), json_string_length(v)};
}

static bool keep(struct reader *r, struct slice s, struct slice *out)
{
	*out = arena_copy(r->a, s);
	return out->len == s.len || no_memory(r);
}

static bool is_name(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!text_is_alpha(s.ptr[i]) && !text_is_digit(s.ptr[i]) && s.ptr[i] != '-' &&
		    s.ptr[i] != '_' && s.ptr[i] != '.')
			return false;
	return s.len >= 1 && s.len <= TREATY_NAME_MAX;
}

static bool read_name(struct reader *r, const char *key, const json_t *v, void *to)
{
	if (!json_is_string(v) || !is_name(text_of(v)))
		return wrong(r, "\"%s\": expected a name: 1 to %d letters, digits, '-', '_', '.'",
			     key, TREATY_NAME_MAX);
	return keep(r, text_of(v), to);
}

static bool read_kind(struct reader *r, const char *key, const json_t *v, void *to)
{
	if (!json_is_string(v) || !treaty_kind_known(text_of(v)))
		return wrong(r,
			     "\"%s\": expected preserve, traffic-data, next-hop, stop, assist, "
			     "clarify or inspect",
			     key);
	return keep(r, text_of(v), to);
}

static bool read_phrase(struct reader *r, const char *key, const json_t *v, void *to)
{
	struct slice s = text_of(v);

	if (!json_is_string(v) || s.len == 0 || s.len > DUTY_PHRASE_MAX ||
	    text_unfit(s, false) != s.len)
		return wrong(r, "\"%s\": expected 1 to %d bytes of text without control characters",
			     key, DUTY_PHRASE_MAX);
	return keep(r, s, to);
}

static bool read_names(struct reader *r, const char *key, const json_t *v, void *to)
{
	struct duty_names *out = to;
	size_t n = json_is_string(v) ? 1 : json_array_size(v);
	struct slice *names;

	if (n == 0 || n > DUTY_NAMES_MAX)
		return wrong(r, "\"%s\": expected a name or a list of 1 to %d", key,
			     DUTY_NAMES_MAX);
	names = ARENA_ARRAY(r->a, struct slice, n);
	if (names == NULL)
		return no_memory(r);
	for (size_t i = 0; i < n; i++)
		if (!read_name(r, key, json_is_string(v) ? v : json_array_get(v, i), &names[i]))
			return false;
	*out = (struct duty_names){names, n};
	return true;
}

static bool read_as(struct reader *r, const char *key, const json_t *v, void *to)
{
	static const char *const words[] = {"origin", "transit", "contact", "provider"};
	const struct duty_names *names = to;

	if (!read_names(r, key, v, to))
		return false;
	for (size_t i = 0; i < names->count; i++) {
		size_t k = 0;

		while (k < 4 && !slice_equal(names->names[i], slice_of(words[k])))
			k++;
		if (k == 4)
			return wrong(r, "\"%s\": expected origin, transit, contact or provider",
				     key);
	}
	return true;
}

static bool read_bool(struct reader *r, const char *key, const json_t *v, void *to)
{
	*(bool *)to = json_is_true(v);
	return json_is_boolean(v) || wrong(r, "\"%s\": expected true or false", key);
}

static bool milli_of(const json_t *v, int32_t *out)
{
	double d = json_number_value(v) * CLAIM_CERTAIN, whole = nearbyint(d);

	if (!json_is_number(v) || !(d >= 0 && d <= CLAIM_CERTAIN) || fabs(d - whole) > 1e-6)
		return false;
	*out = (int32_t)whole; /* 0..1000 */
	return true;
}

static bool read_interval(struct reader *r, const char *key, const json_t *v, void *to)
{
	struct interval *p = to;

	if (json_array_size(v) != 2 || !milli_of(json_array_get(v, 0), &p->lo) ||
	    !milli_of(json_array_get(v, 1), &p->hi) || p->lo > p->hi)
		return wrong(r,
			     "\"%s\": expected [low, high], from 0 to 1 with at most three "
			     "decimals",
			     key);
	return true;
}

static bool read_claims(struct reader *r, const char *key, const json_t *v, void *to)
{
	struct claim_set *set = to;

	if (!json_is_array(v) || json_array_size(v) > DUTY_CLAIMS_MAX)
		return wrong(r, "\"%s\": expected a list of at most %d claims", key,
			     DUTY_CLAIMS_MAX);
	for (size_t i = 0; i < json_array_size(v); i++) {
		const json_t *o = json_array_get(v, i);
		struct claim c = {.why = SLICE("")};

		if (json_object_size(o) != 2)
			return wrong(r,
				     "\"%s\": expected {\"atom\": NAME, \"probability\": [low, "
				     "high]}",
				     key);
		if (!read_name(r, "atom", json_object_get(o, "atom"), &c.atom) ||
		    !read_interval(r, "probability", json_object_get(o, "probability"), &c.p))
			return false;
		if (claim_find(set, c.atom) != NULL)
			return wrong(r, "\"%s\": \"%.*s\" is claimed twice", key,
				     SLICE_ARG(c.atom));
		if (!claim_add(set, r->a, c))
			return no_memory(r);
	}
	return true;
}

static bool read_count(struct reader *r, const char *key, const json_t *v, void *to)
{
	json_int_t n = json_integer_value(v);

	*(uint64_t *)to = (uint64_t)n; /* positive, or not used */
	return (n >= 1 && n <= (json_int_t)1 << 53) ||
	       wrong(r, "\"%s\": expected a number from 1 to 2^53", key);
}

static bool read_span(struct reader *r, const char *key, const json_t *v, void *to)
{
	struct slice s;

	if (!json_is_string(v) || text_of(v).len > 8)
		return wrong(r, "\"%s\": expected a span: 24h, 60d, 10wd, 3mo or 1y", key);
	return keep(r, text_of(v), &s) &&
	       (treaty_span_parse(s, to) ||
		wrong(r, "\"%s\": expected a span: 24h, 60d, 10wd, 3mo or 1y", key));
}

static bool read_target(struct reader *r, const char *key, const json_t *v, void *to)
{
	struct addr_prefix p;

	if (!json_is_string(v) || !addr_prefix_parse(text_of(v), &p))
		return wrong(r, "\"%s\": expected an address or a network", key);
	return keep(r, text_of(v), to);
}

/* ---- a calendar's values -------------------------------------------------------------------- */

static bool read_week(struct reader *r, const char *key, const json_t *v, void *to)
{
	static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
	uint8_t week = 0;

	for (size_t i = 0; i < json_array_size(v); i++)
		for (unsigned d = 0; d < 7; d++)
			if (json_is_string(json_array_get(v, i)) &&
			    slice_equal(text_of(json_array_get(v, i)), slice_of(days[d])))
				week |= (uint8_t)(1U << d);
	if (week == 0 || (size_t)__builtin_popcount(week) != json_array_size(v))
		return wrong(r, "\"%s\": expected a list of mon, tue, wed, thu, fri, sat, sun",
			     key);
	*(uint8_t *)to = week;
	return true;
}

static int by_day(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static bool day_of(const json_t *v, int64_t *out)
{
	struct wall_ns at;

	if (!json_is_string(v) || !time_parse_date(text_of(v), &at))
		return false;
	*out = at.ns / (DUTY_DAY_S * TIME_NS_PER_S); /* from 1970 on */
	return true;
}

static bool read_holidays(struct reader *r, const char *key, const json_t *v, void *to)
{
	struct duty_calendar *c = to;
	size_t n = json_array_size(v);
	int64_t *days = ARENA_ARRAY(r->a, int64_t, n + 1);

	if (days == NULL)
		return no_memory(r);
	if (!json_is_array(v) || n > DUTY_HOLIDAYS_MAX)
		return wrong(r, "\"%s\": expected a list of at most %d dates", key,
			     DUTY_HOLIDAYS_MAX);
	for (size_t i = 0; i < n; i++)
		if (!day_of(json_array_get(v, i), &days[i]))
			return wrong(r, "\"%s\": expected dates as YYYY-MM-DD, from 1970 on", key);
	qsort(days, n, sizeof *days, by_day);
	for (size_t i = 0; i < n; i++) /* each once */
		if (c->holiday_count == 0 || days[c->holiday_count - 1] != days[i])
			days[c->holiday_count++] = days[i];
	c->holidays = days;
	return true;
}

/* "+02:00", or "2026-03-29T01:00:00Z +02:00": since then. */
static bool zone_of(struct slice s, struct duty_zone *out)
{
	struct slice since = {NULL, 0}, zone = s;
	uint64_t h, m;

	if (slice_find(s, SLICE(" ")) != SIZE_MAX) {
		zone = s;
		since = slice_split(&zone, ' ');
		if (!time_parse(since, &out->since))
			return false;
	} else {
		out->since.ns = INT64_MIN;
	}
	if (zone.len != 6 || (zone.ptr[0] != '+' && zone.ptr[0] != '-') || zone.ptr[3] != ':' ||
	    !text_is_digit(zone.ptr[1]) || !text_u64(slice_part(zone, 1, 2), 0, 14, &h) ||
	    !text_is_digit(zone.ptr[4]) || !text_u64(slice_part(zone, 4, 2), 0, 59, &m))
		return false;
	out->ahead_s = (int32_t)(h * 3600 + m * 60) * (zone.ptr[0] == '-' ? -1 : 1); /* < a day */
	return true;
}

static bool read_zones(struct reader *r, const char *key, const json_t *v, void *to)
{
	struct duty_calendar *c = to;
	size_t n = json_is_string(v) ? 1 : json_array_size(v);
	struct duty_zone *zones = ARENA_ARRAY(r->a, struct duty_zone, n + 1);

	if (zones == NULL)
		return no_memory(r);
	if (n == 0 || n > DUTY_ZONES_MAX)
		return wrong(r, "\"%s\": expected \"+01:00\", or a list of at most %d", key,
			     DUTY_ZONES_MAX);
	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_is_string(v) ? v : json_array_get(v, i);

		if (!json_is_string(one) || !zone_of(text_of(one), &zones[i]) ||
		    (i > 0 && zones[i].since.ns <= zones[i - 1].since.ns))
			return wrong(r,
				     "\"%s\": expected \"+01:00\" or \"2026-03-29T01:00:00Z "
				     "+02:00\", the earliest first",
				     key);
	}
	c->zones = zones;
	c->zone_count = n;
	return true;
}

/* ---- which keys an entry has ---------------------------------------------------------------- */

#define W(word) (UINT32_C(1) << DUTY_##word)
#define ABOUT                                                                                      \
	(W(INCOMPLETE) | W(COMPLETE) | W(EXTEND) | W(GRANT) | W(UNABLE) | W(OFFER) | W(ACCEPT) |   \
	 W(DECLINE) | W(DONE) | W(REFUSE) | W(LOST) | W(CONTEST) | W(SHOW) | W(WITHDRAW))
#define IN(member) offsetof(struct duty_entry, member)

struct key {
	const char *name;
	uint32_t need, may; /* in which entries it must stand, in which it may */
	size_t at;
	bool (*read)(struct reader *r, const char *key, const json_t *v, void *to);
};

static const struct key keys[] = {
	{"id", W(REQUEST), 0, IN(request), read_name},
	{"id", W(ORDER), 0, IN(order), read_name},
	{"request", ABOUT | W(ORDER), W(VOTE), IN(request), read_name},
	{"order", W(LIFT), W(VOTE), IN(order), read_name},
	{"from", W(REQUEST), 0, IN(party), read_name},
	{"party", ~W(REQUEST), 0, IN(party), read_name},
	{"instrument", W(JOIN) | W(LEAVE), 0, IN(u.instrument), read_name},
	{"week", 0, W(CALENDAR), IN(u.calendar.week), read_week},
	{"always", 0, W(CALENDAR), IN(u.calendar.always), read_bool},
	{"holidays", 0, W(CALENDAR), IN(u.calendar), read_holidays},
	{"zone", 0, W(CALENDAR), IN(u.calendar), read_zones},
	{"kind", 0, W(ASSERT), IN(u.assertion.kind), read_kind},
	{"answered", W(ASSERT), 0, IN(u.assertion.answered), read_interval},
	{"to", W(REQUEST), 0, IN(u.request.to), read_name},
	{"kind", W(REQUEST), 0, IN(u.request.kind), read_kind},
	{"as", 0, W(REQUEST), IN(u.request.as), read_as},
	{"under", 0, W(REQUEST), IN(u.request.under), read_names},
	{"incident", 0, W(REQUEST), IN(u.request.incident), read_name},
	{"after", 0, W(REQUEST), IN(u.request.after), read_name},
	{"suspicion", 0, W(REQUEST), IN(u.request.suspicion), read_interval},
	{"claims", 0, W(REQUEST), IN(u.request.claims), read_claims},
	{"drill", 0, W(REQUEST), IN(u.request.drill), read_bool},
	{"target", W(ORDER), 0, IN(u.order.target), read_target},
	{"bits_per_s", W(ORDER), 0, IN(u.order.bits_per_s), read_count},
	{"seconds", W(ORDER), 0, IN(u.order.seconds), read_count},
	{"observed_bits_per_s", 0, W(ORDER), IN(u.order.observed_bits_per_s), read_count},
	{"exempt", 0, W(ORDER), IN(u.order.exempt), read_names},
	{"basis", 0, W(ORDER), IN(u.order.basis), read_phrase},
	{"for", W(VOTE), 0, IN(u.in_favour), read_bool},
	{"lacks", W(INCOMPLETE) | W(UNABLE), 0, IN(u.phrase), read_phrase},
	{"help", W(OFFER), 0, IN(u.phrase), read_phrase},
	{"by", W(GRANT), 0, IN(u.by), read_span},
	{"step", W(DONE) | W(LOST) | W(CONTEST), 0, IN(u.deed.steps), read_names},
	{"next", 0, W(DONE), IN(u.deed.next), read_name},
	{"ground", W(REFUSE), 0, IN(u.refusal.ground), read_phrase},
	{"reasons", 0, W(REFUSE), IN(u.refusal.reasons), read_phrase},
	{"step", 0, W(REFUSE), IN(u.refusal.steps), read_names},
	{"claims", W(SHOW), 0, IN(u.claims), read_claims},
};

enum { KEYS = sizeof keys / sizeof *keys };

static size_t key_find(enum duty_word word, struct slice name)
{
	for (size_t i = 0; i < KEYS; i++)
		if (((keys[i].need | keys[i].may) >> word & 1) != 0 &&
		    slice_equal(slice_of(keys[i].name), name))
			return i;
	return KEYS;
}

static bool has(const json_t *o, const char *key)
{
	return json_object_get(o, key) != NULL;
}

/* What the table cannot say. */
static bool check_whole(struct reader *r, const json_t *o, const struct duty_entry *e)
{
	if (e->word == DUTY_VOTE && has(o, "request") == has(o, "order"))
		return wrong(r, "expected either \"request\" or \"order\", on which the vote is");
	if (e->word == DUTY_REQUEST && slice_equal(e->party, e->u.request.to))
		return wrong(r, "\"to\": expected another party than \"from\", or \"all\"");
	if (slice_equal(e->party, SLICE("all")))
		return wrong(r, "expected the name of a party: \"all\" is everybody");
	return true;
}

static bool read_word(struct reader *r, const json_t *o, struct duty_entry *e)
{
	const json_t *word = json_object_get(o, "entry"), *at = json_object_get(o, "at");
	unsigned w = 0;

	if (!json_is_string(at) || !time_parse(text_of(at), &e->at))
		return wrong(r, "expected the time of the entry in \"at\", as "
				"2026-11-22T03:04:05Z");
	while (w < DUTY_WORDS &&
	       (!json_is_string(word) || !slice_equal(text_of(word), slice_of(duty_word_names[w]))))
		w++;
	if (w == DUTY_WORDS)
		return wrong(r, "expected in \"entry\" what it is: request, done, refuse, ... "
				"(docs/formats/duties.md lists them)");
	e->word = (enum duty_word)w;
	return true;
}

static bool read_object(struct reader *r, json_t *o, struct duty_entry *e)
{
	const char *name;
	json_t *v;

	if (!json_is_object(o))
		return wrong(r, "expected one JSON object");
	if (!read_word(r, o, e))
		return false;
	if (e->word == DUTY_REQUEST)
		e->u.request.suspicion = INTERVAL_UNKNOWN;
	for (size_t i = 0; i < KEYS; i++)
		if ((keys[i].need >> e->word & 1) != 0 && !has(o, keys[i].name))
			return wrong(r, "%s %s: expected the key \"%s\"",
				     strchr("aeiou", duty_word_names[e->word][0]) ? "an" : "a",
				     duty_word_names[e->word], keys[i].name);
	json_object_foreach(o, name, v)
	{
		size_t k = key_find(e->word, slice_of(name));

		if (strcmp(name, "at") == 0 || strcmp(name, "entry") == 0)
			continue;
		if (k == KEYS)
			return wrong(r, "\"%s\" knows no key \"%s\"", duty_word_names[e->word],
				     is_name(slice_of(name)) ? name : "?");
		if (!keys[k].read(r, keys[k].name, v, (uint8_t *)e + keys[k].at))
			return false;
	}
	return check_whole(r, o, e);
}

static bool read_line(struct reader *r, struct slice line, struct duty_ledger *l)
{
	struct duty_entry e = {.raw = line, .line = r->line};
	json_error_t error;
	json_t *o;
	bool good;

	if (line.len > DUTY_LINE_MAX)
		return wrong(r, "expected at most %d bytes in a line", DUTY_LINE_MAX);
	/* what is wrong is shown on terminals, with words of the line in it */
	if (text_unfit(line, true) != line.len)
		return wrong(r, "expected text without control characters, in UTF-8");
	o = json_loadb((const char *)line.ptr, line.len, JSON_REJECT_DUPLICATES, &error);
	if (o == NULL)
		return wrong(r, "column %d: no JSON: %s", error.column, error.text);
	good = read_object(r, o, &e);
	json_decref(o);
	return good && (ARENA_PUSH(r->a, l->entries, l->count, l->room, e) || no_memory(r));
}

/* ---- their order ---------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
	const struct duty_entry *x = a, *y = b;

	if (x->at.ns != y->at.ns)
		return x->at.ns < y->at.ns ? -1 : 1;
	if (x->word != y->word)
		return x->word < y->word ? -1 : 1;
	return slice_compare(x->raw, y->raw);
}

static void put_in_order(struct duty_ledger *l)
{
	size_t n = 0;

	if (l->count == 0)
		return;
	qsort(l->entries, l->count, sizeof *l->entries, by_place);
	for (size_t i = 0; i < l->count; i++) /* the same bytes twice are one entry */
		if (n == 0 || !slice_equal(l->entries[n - 1].raw, l->entries[i].raw))
			l->entries[n++] = l->entries[i];
	l->count = n;
}

enum status duty_read(struct slice file, struct slice text, struct arena *a,
		      struct duty_ledger *out, struct buf *problems, struct fail *why)
{
	struct reader r = {.file = file, .a = a, .problems = problems, .why = why};
	struct duty_ledger l = {0};

	if (text.len > DUTY_LEDGER_MAX)
		return fail_set(why, ST_LIMIT, "%.*s: a ledger has at most %d bytes",
				SLICE_ARG(file), DUTY_LEDGER_MAX);
	while (text.len != 0 && !r.nomem) {
		struct slice line = slice_trim(slice_split(&text, '\n'));

		r.line++;
		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		if (l.count == DUTY_ENTRIES_MAX)
			return fail_set(why, ST_LIMIT, "%.*s:%u: a ledger has at most %d entries",
					SLICE_ARG(file), r.line, DUTY_ENTRIES_MAX);
		(void)read_line(&r, line, &l); /* what is wrong is counted, and reading goes on */
	}
	if (r.nomem || a->exhausted)
		return fail_set(why, ST_NOMEM, "%.*s: no memory", SLICE_ARG(file));
	if (problems != NULL && r.problem_count > DUTY_PROBLEMS_MAX)
		buf_add_fmt(problems, "%.*s: %u more errors\n", SLICE_ARG(file),
			    r.problem_count - DUTY_PROBLEMS_MAX);
	if (r.problem_count != 0)
		return ST_INVALID;
	put_in_order(&l);
	*out = l;
	return ST_OK;
}
