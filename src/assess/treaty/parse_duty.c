/* SPDX-License-Identifier: Apache-2.0
 *
 * Statements of a duty: who must do what, when asked for what, by when, and what follows if not.
 * assess/duty runs them: a duty begins with a request, which is no fact of an incident.
 */
#include "assess/treaty/treaty_parse_priv.h"

#include "base/text.h"

/* Who bears it, what may be asked for, and on what grounds it may be refused are closed lists: a
 * word that nobody defined cannot start a clock, or stop one. */
static const char *const bearers[] = {
	"each-party",	 "requested-party", "territory-state",	"origin-state",
	"transit-state", "contact-point",   "service-provider", NULL};
static const char *const kinds[] = {"preserve", "traffic-data", "next-hop", "stop",
				    "assist",	"clarify",	"inspect",  NULL};
static const char *const units[] = {
	[TREATY_HOURS] = "h",	[TREATY_DAYS] = "d",  [TREATY_WORKING_DAYS] = "wd",
	[TREATY_MONTHS] = "mo", [TREATY_YEARS] = "y", NULL};
/* No test, of a court or of a log, tells whether an open one holds. */
static const struct treaty_ground grounds[] = {
	{"political-offence", false}, {"sovereignty", true},	    {"security", true},
	{"ordre-public", true},	      {"essential-interest", true}, {"dual-criminality", false},
	{"own-law", false},	      {"own-investigation", false}, {"discrimination", false},
	{"other-treaty", false},      {"not-authorised", false},
};

const struct treaty_ground *treaty_grounds(size_t *out_count)
{
	*out_count = sizeof grounds / sizeof *grounds;
	return grounds;
}

const struct treaty_ground *treaty_ground_find(struct slice name)
{
	for (size_t i = 0; i < sizeof grounds / sizeof *grounds; i++)
		if (slice_equal(slice_of(grounds[i].name), name))
			return &grounds[i];
	return NULL;
}

static struct treaty_duty *open_duty(struct treaty_parser *p)
{
	return treaty_open_clause(p)->duty;
}

static bool in_list(const char *const *list, struct slice word)
{
	while (*list != NULL && !slice_equal(slice_of(*list), word))
		list++;
	return *list != NULL;
}

bool treaty_kind_known(struct slice kind)
{
	return in_list(kinds, kind);
}

/* One word of a list; what: "who bears it". */
static bool want_listed(struct treaty_parser *p, const char *const *list, const char *what,
			struct slice *out)
{
	struct treaty_token t = treaty_peek(p);
	struct buf b = buf_in(p->a);

	if (t.kind == TOKEN_WORD && in_list(list, t.text)) {
		treaty_take(p, t);
		*out = t.text;
		return true;
	}
	if (p->problem_count < TREATY_PROBLEMS_MAX)
		buf_add_fmt(&b, "%s, one of", what);
	for (size_t i = 0; list[i] != NULL && p->problem_count < TREATY_PROBLEMS_MAX; i++)
		buf_add_fmt(&b, "%s %s", i ? "," : "", list[i]);
	buf_add_byte(&b, 0);
	return b.full ? treaty_no_memory(p) : treaty_expected(p, t, (const char *)b.ptr);
}

bool treaty_parse_duty(struct treaty_parser *p)
{
	struct treaty_clause c = {
		.not_judged = SLICE("a duty begins with a request and runs by clocks: dewline "
				    "duties runs it")};

	if (!treaty_clause_head(p, &c))
		return false;
	c.duty = ARENA_NEW(p->a, struct treaty_duty);
	if (c.duty == NULL)
		return treaty_no_memory(p);
	if (!treaty_clause_add(p, &c))
		return false;
	p->scope = SCOPE_DUTY;
	p->clause_line = p->number;
	p->clause_proof = p->duty_bearer = p->duty_on = p->duty_must = false;
	return treaty_want_end(p);
}

void treaty_close_duty(struct treaty_parser *p)
{
	if (p->scope != SCOPE_DUTY)
		return;
	p->scope = SCOPE_INSTRUMENT;
	if (p->duty_bearer && p->duty_on && p->duty_must)
		return;
	(void)TREATY_PROBLEM_AT(
		p, p->clause_line, 1,
		"the duty \"%.*s\" binds nobody to anything: expected a line \"%s\" "
		"in it",
		SLICE_ARG(treaty_open_clause(p)->id),
		!p->duty_bearer ? "bearer ..."
		: !p->duty_on	? "on ..."
				: "must ...");
}

bool treaty_parse_bearer(struct treaty_parser *p)
{
	if (p->duty_bearer)
		return TREATY_PROBLEM(p, 1, "a second \"bearer\": expected one");
	p->duty_bearer = true;
	return want_listed(p, bearers, "who bears the duty", &open_duty(p)->bearer) &&
	       treaty_want_end(p);
}

/* on request kind stop from party */
bool treaty_parse_on(struct treaty_parser *p)
{
	static const char *const askers[] = {"party", "claimant", "provider", "anybody", NULL};
	struct treaty_duty *d = open_duty(p);

	if (p->duty_on)
		return TREATY_PROBLEM(p, 1, "a second \"on\": expected one");
	p->duty_on = true;
	if (!treaty_take_if(p, "request"))
		return treaty_expected(p, treaty_peek(p), "\"request\"");
	if (!treaty_take_if(p, "kind"))
		return treaty_expected(p, treaty_peek(p), "\"kind\"");
	if (!want_listed(p, kinds, "what is asked for", &d->kind))
		return false;
	if (!treaty_take_if(p, "from"))
		return treaty_expected(p, treaty_peek(p), "\"from\"");
	return want_listed(p, askers, "who asks", &d->from) && treaty_want_end(p);
}

bool treaty_span_parse(struct slice s, struct treaty_span *out)
{
	unsigned unit = 0;
	size_t n = 0;
	uint64_t v = 0;

	while (n < s.len && text_is_digit(s.ptr[n]))
		n++;
	while (units[unit] != NULL && !slice_equal(slice_of(units[unit]), slice_from(s, n)))
		unit++;
	if (n == 0 || units[unit] == NULL || !text_u64(slice_part(s, 0, n), 1, 9999, &v))
		return false;
	*out = (struct treaty_span){(uint32_t)v, (enum treaty_unit)unit, s}; /* at most 9999 */
	return true;
}

/* 24h, 60d, 10wd (working days), 3mo, 1y. fixed: hours or days, whose length nobody's calendar
 * changes. */
static bool want_span(struct treaty_parser *p, bool fixed, struct treaty_span *out)
{
	struct treaty_token t = treaty_peek(p);
	struct treaty_span s;

	if (t.kind != TOKEN_WORD || !treaty_span_parse(t.text, &s))
		return treaty_expected(p, t,
				       "a span of time: 24h, 60d, 10wd (working days), 3mo or 1y");
	if (fixed && s.unit != TREATY_HOURS && s.unit != TREATY_DAYS)
		return treaty_expected(p, t, "a span in hours or days: 24h or 60d");
	treaty_take(p, t);
	*out = s;
	return true;
}

/* N of M, N at most M */
static bool want_share(struct treaty_parser *p, struct treaty_share *out)
{
	struct treaty_token at = treaty_peek(p);

	if (!treaty_want_number(p, "a number", TREATY_SHARE_MAX, &out->n))
		return false;
	if (!treaty_take_if(p, "of"))
		return treaty_expected(p, treaty_peek(p), "\"of\", as in 3 of 4");
	if (!treaty_want_number(p, "a number", TREATY_SHARE_MAX, &out->of))
		return false;
	return out->n <= out->of || TREATY_PROBLEM(p, at.column, "expected a share of at most 1");
}

static bool want_word(struct treaty_parser *p, const char *z)
{
	struct buf b = buf_in(p->a);

	if (treaty_take_if(p, z))
		return true;
	buf_add_fmt(&b, "\"%s\"", z);
	buf_add_byte(&b, 0);
	return b.full ? treaty_no_memory(p)
		      : treaty_expected(p, treaty_peek(p), (const char *)b.ptr);
}

/* decide for N of M by all within SPAN | decide against N of M by others within SPAN */
bool treaty_parse_decide(struct treaty_parser *p)
{
	struct treaty_decision d = {.against = treaty_take_if(p, "against")};

	if (open_duty(p)->decide.share.of != 0)
		return TREATY_PROBLEM(p, 1, "a second \"decide\": expected one");
	if (!d.against && !treaty_take_if(p, "for"))
		return treaty_expected(p, treaty_peek(p), "\"for\" or \"against\"");
	if (!want_share(p, &d.share) || !want_word(p, "by"))
		return false;
	d.others = treaty_take_if(p, "others");
	if (!d.others && !treaty_take_if(p, "all"))
		return treaty_expected(p, treaty_peek(p), "\"all\" or \"others\"");
	if (!want_word(p, "within") || !want_span(p, true, &d.within))
		return false;
	open_duty(p)->decide = d;
	return treaty_want_end(p);
}

static size_t step_find(const struct treaty_duty *d, struct slice verb)
{
	size_t i = 0;

	while (i < d->step_count && !slice_equal(d->steps[i].verb, verb))
		i++;
	return i;
}

/* after VERB: a step above that ends by being done. */
static bool parse_after(struct treaty_parser *p, struct treaty_step *s)
{
	const struct treaty_duty *d = open_duty(p);
	struct treaty_token verb;
	size_t i;

	if (!treaty_want_name(p, "a step above", &verb))
		return false;
	i = step_find(d, verb.text);
	if (i == d->step_count || d->steps[i].pace == TREATY_LASTING)
		return TREATY_PROBLEM(p, verb.column,
				      "there is no line \"must %.*s\" above that can be done: "
				      "expected one",
				      SLICE_ARG(verb.text));
	s->after = (uint8_t)(i + 1); /* at most TREATY_STEPS_MAX */
	return true;
}

/* must VERB within SPAN | must VERB for SPAN | must VERB no-number; each: after VERB */
bool treaty_parse_must(struct treaty_parser *p)
{
	struct treaty_duty *d = open_duty(p);
	struct treaty_step s = {0};
	struct treaty_token verb;

	p->duty_must = true;
	if (!treaty_want_name(p, "what must be done, in one word", &verb))
		return false;
	s.verb = verb.text;
	if (step_find(d, s.verb) < d->step_count)
		return TREATY_PROBLEM(p, verb.column, "a second \"must %.*s\": expected each once",
				      SLICE_ARG(s.verb));
	if (treaty_take_if(p, "within"))
		s.pace = TREATY_WITHIN;
	else if (treaty_take_if(p, "for"))
		s.pace = TREATY_LASTING;
	else if (!treaty_take_if(p, "no-number"))
		return treaty_expected(p, treaty_peek(p), "\"within\", \"for\" or \"no-number\"");
	if (s.pace != TREATY_NO_NUMBER && !want_span(p, false, &s.span))
		return false;
	if (treaty_take_if(p, "after") && !parse_after(p, &s))
		return false;
	if (d->step_count == TREATY_STEPS_MAX)
		return TREATY_PROBLEM(p, 1, "expected at most %d lines \"must\" in a duty",
				      TREATY_STEPS_MAX);
	for (size_t i = d->step_count; s.pace == TREATY_LASTING && s.after == 0 && i > 0; i--)
		if (d->steps[i - 1].pace != TREATY_LASTING)
			s.after = (uint8_t)i; /* at most TREATY_STEPS_MAX */
	if (s.pace == TREATY_LASTING && s.after == 0)
		return TREATY_PROBLEM(p, verb.column,
				      "what nobody began would be kept by silence: expected a line "
				      "\"must\" above that can be done");
	d->steps[d->step_count++] = s;
	return treaty_want_end(p);
}

/* may extend by SPAN | may pause for SPAN */
static bool parse_allowance(struct treaty_parser *p, bool pause)
{
	struct treaty_span *to = pause ? &open_duty(p)->pause : &open_duty(p)->extend;

	if (to->n != 0)
		return TREATY_PROBLEM(p, 1, "a second \"may %s\": expected one",
				      pause ? "pause" : "extend");
	return want_word(p, pause ? "for" : "by") && want_span(p, pause, to) && treaty_want_end(p);
}

static bool want_ground(struct treaty_parser *p, struct slice *out)
{
	const char *names[sizeof grounds / sizeof *grounds + 1] = {0};

	for (size_t i = 0; i < sizeof grounds / sizeof *grounds; i++)
		names[i] = grounds[i].name;
	return want_listed(p, names, "a ground", out);
}

/* may refuse ground A, B [giving reasons] */
static bool parse_refuse(struct treaty_parser *p)
{
	struct treaty_duty *d = open_duty(p);

	if (d->ground_count != 0)
		return TREATY_PROBLEM(p, 1, "a second \"may refuse\": expected one");
	if (!want_word(p, "ground"))
		return false;
	do {
		if (d->ground_count == TREATY_GROUNDS_MAX)
			return TREATY_PROBLEM(p, 1, "expected at most %d grounds",
					      TREATY_GROUNDS_MAX);
		if (!want_ground(p, &d->grounds[d->ground_count]))
			return false;
		d->ground_count++;
	} while (treaty_take_if(p, ","));
	if (treaty_take_if(p, "giving")) {
		if (!want_word(p, "reasons"))
			return false;
		d->giving_reasons = true;
	}
	return treaty_want_end(p);
}

bool treaty_parse_may(struct treaty_parser *p)
{
	if (treaty_take_if(p, "refuse"))
		return parse_refuse(p);
	if (treaty_take_if(p, "extend"))
		return parse_allowance(p, false);
	if (treaty_take_if(p, "pause"))
		return parse_allowance(p, true);
	return treaty_expected(p, treaty_peek(p), "\"refuse\", \"extend\" or \"pause\"");
}

/* throttle keep N of M for SPAN exempt CLASS, CLASS by N of M */
static bool parse_throttle(struct treaty_parser *p, struct treaty_lest *l)
{
	struct treaty_token name;

	if (!want_word(p, "keep") || !want_share(p, &l->keep) || !want_word(p, "for") ||
	    !want_span(p, true, &l->most) || !want_word(p, "exempt"))
		return false;
	do {
		if (l->exempt_count == TREATY_EXEMPT_MAX)
			return TREATY_PROBLEM(p, 1, "expected at most %d classes",
					      TREATY_EXEMPT_MAX);
		if (!treaty_want_name(p, "a class that is never slowed", &name))
			return false;
		l->exempt[l->exempt_count++] = name.text;
	} while (treaty_take_if(p, ","));
	return want_word(p, "by") && want_share(p, &l->quorum);
}

/* presume CLAUSE [respondent-shows EXPR] */
static bool parse_presume(struct treaty_parser *p, struct treaty_lest *l)
{
	struct treaty_token name;

	if (!treaty_want_name(p, "the clause whose breach is presumed", &name))
		return false;
	if (treaty_clause_find(p->t, name.text) == SIZE_MAX)
		return TREATY_PROBLEM(p, name.column,
				      "there is no clause \"%.*s\" above: "
				      "expected one",
				      SLICE_ARG(name.text));
	l->what = name.text;
	if (treaty_take_if(p, "respondent-shows")) {
		l->shows = treaty_want_expr(p);
		return l->shows != NULL;
	}
	return true;
}

/* lest record NAME | lest presume ... | lest throttle ... */
bool treaty_parse_lest(struct treaty_parser *p)
{
	struct treaty_duty *d = open_duty(p);
	struct treaty_lest l = {.kind = TREATY_RECORD};
	struct treaty_token name;
	bool good;

	if (treaty_take_if(p, "record")) {
		good = treaty_want_name(p, "what is recorded, in one word", &name);
		l.what = good ? name.text : l.what;
	} else if (treaty_take_if(p, "presume")) {
		l.kind = TREATY_PRESUME;
		good = parse_presume(p, &l);
	} else if (treaty_take_if(p, "throttle")) {
		l.kind = TREATY_THROTTLE;
		good = parse_throttle(p, &l);
	} else {
		good = treaty_expected(p, treaty_peek(p),
				       "\"record\", \"presume\" or \"throttle\"");
	}
	if (!good)
		return false;
	if (d->lest_count == TREATY_STEPS_MAX)
		return TREATY_PROBLEM(p, 1, "expected at most %d lines \"lest\" in a duty",
				      TREATY_STEPS_MAX);
	d->lest[d->lest_count++] = l;
	return treaty_want_end(p);
}
