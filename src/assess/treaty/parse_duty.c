/* SPDX-License-Identifier: Apache-2.0
 *
 * Statements of a duty: who must do what, when asked for what, by when, and what follows if not.
 * They are read and kept whole, and not run: a duty begins with a request, which is no fact yet.
 */
#include "assess/treaty/treaty_parse_priv.h"

#include "base/text.h"

/* Who bears it, what may be asked for, and on what grounds it may be refused are closed lists: a
 * word that nobody defined cannot start a clock. */
static const char *const bearers[] = {
	"each-party",	 "requested-party", "territory-state",	"origin-state",
	"transit-state", "contact-point",   "service-provider", NULL};
static const char *const kinds[] = {"preserve", "traffic-data", "next-hop", "stop",
				    "assist",	"clarify",	"inspect",  NULL};
static const char *const grounds[] = {"political-offence", "sovereignty",	 "security",
				      "ordre-public",	   "essential-interest", "dual-criminality",
				      "own-law",	   "own-investigation",	 "discrimination",
				      "other-treaty",	   "not-authorised",	 NULL};
static const char *const units[] = {"h", "d", "wd", "mo", "y", NULL};

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
		.not_judged = SLICE("a duty begins with a request and runs by clocks, and neither "
				    "is among the facts of this version")};

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

/* 24h, 60d, 10wd (working days), 3mo, 1y: kept as it is written. */
static bool want_span(struct treaty_parser *p, struct slice *out)
{
	struct treaty_token t = treaty_peek(p);
	size_t n = 0;
	uint64_t v;

	while (t.kind == TOKEN_WORD && n < t.text.len && text_is_digit(t.text.ptr[n]))
		n++;
	if (n == 0 || !text_u64(slice_part(t.text, 0, n), 1, 9999, &v) ||
	    !in_list(units, slice_from(t.text, n)))
		return treaty_expected(p, t,
				       "a span of time: 24h, 60d, 10wd (working days), 3mo or 1y");
	treaty_take(p, t);
	*out = t.text;
	return true;
}

/* must VERB within SPAN | must VERB for SPAN | must VERB no-number */
bool treaty_parse_must(struct treaty_parser *p)
{
	struct treaty_duty *d = open_duty(p);
	struct treaty_step s = {0};
	struct treaty_token verb;

	p->duty_must = true;
	if (!treaty_want_name(p, "what must be done, in one word", &verb))
		return false;
	s.verb = verb.text;
	if (treaty_take_if(p, "within"))
		s.how = SLICE("within");
	else if (treaty_take_if(p, "for"))
		s.how = SLICE("for");
	else if (!treaty_take_if(p, "no-number"))
		return treaty_expected(p, treaty_peek(p), "\"within\", \"for\" or \"no-number\"");
	if (s.how.len != 0 && !want_span(p, &s.span))
		return false;
	if (d->step_count == TREATY_STEPS_MAX)
		return TREATY_PROBLEM(p, 1, "expected at most %d lines \"must\" in a duty",
				      TREATY_STEPS_MAX);
	d->steps[d->step_count++] = s;
	return treaty_want_end(p);
}

/* may refuse ground A, B [giving reasons] */
bool treaty_parse_may(struct treaty_parser *p)
{
	struct treaty_duty *d = open_duty(p);

	if (d->ground_count != 0)
		return TREATY_PROBLEM(p, 1, "a second \"may refuse\": expected one");
	if (!treaty_take_if(p, "refuse"))
		return treaty_expected(p, treaty_peek(p), "\"refuse\"");
	if (!treaty_take_if(p, "ground"))
		return treaty_expected(p, treaty_peek(p), "\"ground\"");
	do {
		if (d->ground_count == TREATY_GROUNDS_MAX)
			return TREATY_PROBLEM(p, 1, "expected at most %d grounds",
					      TREATY_GROUNDS_MAX);
		if (!want_listed(p, grounds, "a ground", &d->grounds[d->ground_count]))
			return false;
		d->ground_count++;
	} while (treaty_take_if(p, ","));
	if (treaty_take_if(p, "giving")) {
		if (!treaty_take_if(p, "reasons"))
			return treaty_expected(p, treaty_peek(p), "\"reasons\"");
		d->giving_reasons = true;
	}
	return treaty_want_end(p);
}

/* lest record NAME | lest presume CLAUSE [respondent-shows EXPR] */
bool treaty_parse_lest(struct treaty_parser *p)
{
	struct treaty_duty *d = open_duty(p);
	struct treaty_lest l = {.presume = treaty_take_if(p, "presume")};
	struct treaty_token name;

	if (!l.presume && !treaty_take_if(p, "record"))
		return treaty_expected(p, treaty_peek(p), "\"record\" or \"presume\"");
	if (!treaty_want_name(p,
			      l.presume ? "the clause whose breach is presumed"
					: "what is recorded, in one word",
			      &name))
		return false;
	if (l.presume && treaty_clause_find(p->t, name.text) == SIZE_MAX)
		return TREATY_PROBLEM(p, name.column,
				      "there is no clause \"%.*s\" above: "
				      "expected one",
				      SLICE_ARG(name.text));
	l.what = name.text;
	if (l.presume && treaty_take_if(p, "respondent-shows")) {
		l.shows = treaty_want_expr(p);
		if (l.shows == NULL)
			return false;
	}
	if (d->lest_count == TREATY_STEPS_MAX)
		return TREATY_PROBLEM(p, 1, "expected at most %d lines \"lest\" in a duty",
				      TREATY_STEPS_MAX);
	d->lest[d->lest_count++] = l;
	return treaty_want_end(p);
}
