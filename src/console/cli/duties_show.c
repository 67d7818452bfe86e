/* SPDX-License-Identifier: Apache-2.0
 * dewline duties show, orders and claims: one request from its beginning to its end; what may be
 * throttled; and what the ledger says of it in the words of treaties. */
#include "console/cli/duties.h"

static const struct slice readings_default = {(const uint8_t *)"territory", 9};

/* ---- readings: one answer under several texts, side by side ---------------------------------- */

struct readings {
	const struct treaty *t; /* NULL: it is not loaded */
	struct treaty_finding *f;
	size_t count;
};

/* One of a bearer's cases stands for all, the one in which it did most: that measures were taken is
 * true under every clause, or under none. NULL: another case of it was met before i. */
static const struct duty_case *stands_for(const struct duty_state *s, const struct duty_request *q,
					  size_t i)
{
	static const uint8_t rank[DUTY_WILLS] = {[DUTY_UNTOLD] = 1,
						 [DUTY_WILLING] = 5,
						 [DUTY_EXCUSED] = 3,
						 [DUTY_CANNOT] = 4,
						 [DUTY_WILL_NOT] = 2};
	const struct duty_case *best = NULL;
	unsigned most = 0;

	for (size_t k = q->first_case; k < q->first_case + q->case_count; k++) {
		const struct duty_case *c = &s->cases[k];
		unsigned r = c->outcome == DUTY_NOT_OWED ? 0 : rank[duty_will_of(c->outcome)];

		if (!slice_equal(c->bearer, s->cases[i].bearer))
			continue;
		if (k < i)
			return NULL;
		if (best == NULL || r > most) {
			best = c;
			most = r;
		}
	}
	return best;
}

static enum status read_findings(struct cli *c, const struct duty_state *s,
				 const struct duty_case *x, struct readings *out, struct fail *why)
{
	struct slice id = cli_value(c, "readings");
	const struct duty_entry *asked = duty_asked(s, x);
	struct claim_set claims;
	struct treaty_case tc = {.claims = &claims,
				 .at = asked->at,
				 .claimant = asked->party,
				 .respondent = x->bearer,
				 .claimant_bound = true, /* the texts are compared, not applied */
				 .respondent_bound = true};
	enum status st;

	*out = (struct readings){0};
	for (size_t i = 0; i < s->treaty_count; i++)
		if (slice_equal(treaty_id(s->treaties[i]), id.ptr ? id : readings_default))
			out->t = s->treaties[i];
	if (out->t == NULL)
		return ST_OK;
	st = duty_claims(s, x, c->arena, &claims, why);
	return st != ST_OK ? st : treaty_judge(out->t, &tc, c->arena, &out->f, &out->count, why);
}

static void readings_text(const struct readings *r, const struct duty_case *x, struct buf *out)
{
	if (r->t == NULL)
		return;
	buf_add_fmt(out, "  %.*s, under %.*s:\n", SLICE_ARG(x->bearer),
		    SLICE_ARG(treaty_title(r->t)));
	for (size_t i = 0; i < r->count; i++)
		buf_add_fmt(out, "    %-28.*s %.*s\n", SLICE_ARG(r->f[i].clause),
			    SLICE_ARG(r->f[i].result));
}

static void readings_json(const struct readings *r, struct json *j)
{
	json_key(j, "readings");
	json_object(j);
	for (size_t i = 0; i < r->count; i++) {
		json_key_slice(j, r->f[i].clause);
		json_str(j, r->f[i].result);
	}
	json_end(j);
}

/* ---- show ----------------------------------------------------------------------------------- */

/* Whether an entry is about that request, its own and those of its orders among them. */
static bool is_about(const struct duty_state *s, const struct duty_request *q,
		     const struct duty_entry *e)
{
	struct slice id = s->ledger->entries[q->entry].request;

	if (e->at.ns > s->as_of.ns || e->word < DUTY_REQUEST)
		return false;
	if (slice_equal(e->request, id))
		return true;
	for (size_t i = 0; e->order.len != 0 && i < s->order_count; i++) {
		const struct duty_entry *o = &s->ledger->entries[s->orders[i].entry];

		if (slice_equal(o->order, e->order) && slice_equal(o->request, id))
			return true;
	}
	return false;
}

static void words_of(const struct duty_entry *e, struct buf *out)
{
	const struct duty_names *steps =
		e->word == DUTY_REFUSE ? &e->u.refusal.steps : &e->u.deed.steps;

	if (e->word == DUTY_REFUSE)
		buf_add_fmt(out, " on the ground \"%.*s\"", SLICE_ARG(e->u.refusal.ground));
	if (e->word == DUTY_REFUSE || e->word == DUTY_DONE || e->word == DUTY_LOST ||
	    e->word == DUTY_CONTEST)
		for (size_t i = 0; i < steps->count; i++)
			buf_add_fmt(out, "%s%.*s", i ? ", " : ": ", SLICE_ARG(steps->names[i]));
	if (e->word == DUTY_DONE && e->u.deed.next.len != 0)
		buf_add_fmt(out, ", next is %.*s", SLICE_ARG(e->u.deed.next));
	if (e->word == DUTY_INCOMPLETE || e->word == DUTY_UNABLE || e->word == DUTY_OFFER)
		buf_add_fmt(out, ": %.*s", SLICE_ARG(e->u.phrase));
	if (e->word == DUTY_GRANT)
		buf_add_fmt(out, " %.*s more", SLICE_ARG(e->u.by.text));
	if (e->word == DUTY_VOTE)
		buf_add_z(out, e->u.in_favour ? " for it" : " against it");
}

static void entries_text(const struct duty_state *s, const struct duty_request *q, struct buf *out)
{
	buf_add_z(out, "  What the ledger holds:\n");
	for (size_t i = 0; i < s->ledger->count; i++) {
		const struct duty_entry *e = &s->ledger->entries[i];

		if (!is_about(s, q, e))
			continue;
		buf_add_z(out, "    ");
		cmd_duties_time(e->at, out);
		buf_add_fmt(out, "  %.*s: %s", SLICE_ARG(e->party), duty_word_names[e->word]);
		words_of(e, out);
		if (s->fates[i].effects == 0)
			buf_add_fmt(out, "  (no effect: %s)", s->fates[i].why);
		buf_add_byte(out, '\n');
	}
}

static void step_text(const struct treaty_step *t, const struct duty_step *x, struct buf *out)
{
	buf_add_fmt(out, "      must %.*s ", SLICE_ARG(t->verb));
	if (t->pace == TREATY_NO_NUMBER)
		buf_add_z(out, "(no number)");
	else
		buf_add_fmt(out, "%s %.*s", t->pace == TREATY_WITHIN ? "within" : "for",
			    SLICE_ARG(t->span.text));
	buf_add_fmt(out, ": %s", duty_step_names[x->status]);
	if (x->status != DUTY_STEP_WAITS && x->status != DUTY_STEP_RUNS &&
	    x->status != DUTY_STEP_LASTS) {
		buf_add_byte(out, ' ');
		cmd_duties_time(x->at, out);
	}
	if (x->begun.ns != 0 && x->due.ns != INT64_MAX) {
		buf_add_z(out, t->pace == TREATY_WITHIN ? ", due " : ", until ");
		cmd_duties_time(x->due, out);
	}
	if (x->begun.ns != 0 && t->pace == TREATY_NO_NUMBER && x->status == DUTY_STEP_DONE) {
		buf_add_z(out, ", measured: ");
		cmd_duties_span((x->at.ns - x->begun.ns) / TIME_NS_PER_S, out);
	}
	buf_add_z(out, x->contested ? ", contested by who asked\n" : "\n");
}

static void lest_text(const struct treaty_lest *l, const struct duty_consequence *x,
		      struct buf *out)
{
	if (x->effect == DUTY_NO_EFFECT)
		return;
	if (l->kind == TREATY_RECORD)
		buf_add_fmt(out, "      lest: \"%.*s\" is on record", SLICE_ARG(l->what));
	else if (l->kind == TREATY_PRESUME)
		buf_add_fmt(out, "      lest: the breach of %.*s is presumed", SLICE_ARG(l->what));
	else
		buf_add_z(out, "      lest: others may let less through from there");
	buf_add_fmt(out, ": %s ", duty_effect_names[x->effect]);
	cmd_duties_time(x->at, out);
	buf_add_fmt(out, "%s%s\n", *x->why ? ": " : "", x->why);
}

static void case_text(const struct duty_state *s, const struct duty_case *c, struct buf *out)
{
	const struct treaty *t = s->treaties[c->treaty];
	const struct treaty_duty *d = duty_of(s, c);

	buf_add_fmt(out, "    %.*s, %.*s%s; who bears it: %.*s\n",
		    SLICE_ARG(treaty_clause_id(t, c->clause)),
		    SLICE_ARG(treaty_clause_title(t, c->clause)),
		    treaty_clause_unchecked(t, c->clause) ? " (unchecked)" : "",
		    SLICE_ARG(c->bearer));
	buf_add_z(out, "      ");
	cmd_duties_outcome(s, c, out);
	buf_add_byte(out, '\n');
	if (c->motion != DUTY_NONE) {
		const struct duty_motion *m = &s->motions[c->motion];

		buf_add_fmt(out, "      vote of %zu: %zu for, %zu against: %s ", m->electors,
			    m->in_favour, m->against,
			    m->outcome == DUTY_OPEN  ? "open until"
			    : m->outcome == DUTY_MET ? "it goes ahead from"
						     : "voted out");
		cmd_duties_time(m->at, out);
		buf_add_byte(out, '\n');
	}
	for (size_t i = 0; c->steps != NULL && i < d->step_count; i++)
		step_text(&d->steps[i], &c->steps[i], out);
	for (size_t i = 0; c->lest != NULL && i < d->lest_count; i++)
		lest_text(&d->lest[i], &c->lest[i], out);
}

static enum status show_text(struct cli *c, const struct duty_state *s,
			     const struct duty_request *q, struct buf *out, struct fail *why)
{
	const struct duty_entry *e = &s->ledger->entries[q->entry];

	buf_add_fmt(out, "Request %.*s: %.*s asks %.*s to %.*s, ", SLICE_ARG(e->request),
		    SLICE_ARG(e->party), SLICE_ARG(e->u.request.to), SLICE_ARG(e->u.request.kind));
	cmd_duties_time(e->at, out);
	buf_add_byte(out, '\n');
	entries_text(s, q, out);
	buf_add_fmt(out, "  What is owed%s:\n", q->outside ? ": nothing" : "");
	for (size_t i = q->first_case; i < q->first_case + q->case_count; i++)
		case_text(s, &s->cases[i], out);
	for (size_t i = q->first_case; i < q->first_case + q->case_count; i++) {
		const struct duty_case *x = stands_for(s, q, i);
		struct readings r;

		if (x == NULL)
			continue;
		if (read_findings(c, s, x, &r, why) != ST_OK)
			return why->status;
		readings_text(&r, x, out);
	}
	return ST_OK;
}

static enum status show_json(struct cli *c, const struct duty_state *s,
			     const struct duty_request *q, struct buf *out, struct fail *why)
{
	struct json j = json_in(out);

	json_object(&j);
	json_member_bool(&j, "outside", q->outside);
	json_key(&j, "entries");
	json_array(&j);
	for (size_t i = 0; i < s->ledger->count; i++) {
		const struct duty_entry *e = &s->ledger->entries[i];

		if (!is_about(s, q, e))
			continue;
		json_object(&j);
		cmd_duties_time_json(&j, "at", e->at);
		json_member_str(&j, "entry", slice_of(duty_word_names[e->word]));
		json_member_str(&j, "party", e->party);
		json_member_u64(&j, "line", e->line);
		json_member_u64(&j, "effects", s->fates[i].effects);
		json_member_some(&j, "why", slice_of(s->fates[i].why));
		json_end(&j);
	}
	json_end(&j);
	json_key(&j, "cases");
	json_array(&j);
	for (size_t i = q->first_case; i < q->first_case + q->case_count; i++) {
		struct readings r;
		enum status st = read_findings(c, s, &s->cases[i], &r, why);

		if (st != ST_OK)
			return st;
		json_object(&j);
		cmd_duties_case_json(s, &s->cases[i], &j);
		readings_json(&r, &j);
		json_end(&j);
	}
	json_end(&j);
	json_end(&j);
	buf_add_byte(out, '\n');
	return ST_OK;
}

int cmd_duties_show(struct cli *c)
{
	struct buf out = buf_in(c->arena);
	const struct duty_state *s;
	struct fail why = {0};
	int code = cmd_duties_load(c, &s);
	size_t q;

	if (code != CLI_DONE)
		return code;
	q = cmd_duties_request(c, s);
	if (q == SIZE_MAX)
		return CLI_NO;
	if ((cli_value(c, "json").ptr ? show_json : show_text)(c, s, &s->requests[q], &out, &why) !=
	    ST_OK)
		return cli_cannot(c, &why);
	return cli_print(c, buf_slice(&out)) ? CLI_DONE : CLI_CANNOT;
}

/* ---- orders --------------------------------------------------------------------------------- */

static uint64_t left_s(const struct duty_state *s, const struct duty_order *o)
{
	if (o->state != DUTY_ORDER_HOLDS || o->until.ns <= s->as_of.ns)
		return 0;
	return (uint64_t)((o->until.ns - s->as_of.ns + TIME_NS_PER_S - 1) / TIME_NS_PER_S);
}

static void order_json(const struct duty_state *s, const struct duty_order *o, struct buf *out)
{
	const struct duty_entry *e = &s->ledger->entries[o->entry];
	struct json j = json_in(out);

	json_object(&j);
	json_member_str(&j, "order", e->order);
	json_member_str(&j, "request", e->request);
	json_member_str(&j, "party", e->party);
	json_member_str(&j, "state", slice_of(duty_order_names[o->state]));
	json_member_some(&j, "why", slice_of(o->why));
	json_member_str(&j, "target", e->u.order.target);
	json_member_u64(&j, "bits_per_s", e->u.order.bits_per_s);
	json_member_u64(&j, "seconds", left_s(s, o));
	json_member_some(&j, "basis", e->u.order.basis);
	json_member_bool(&j, "own", o->own);
	json_member_u64(&j, "electors", o->electors);
	json_member_u64(&j, "for", o->in_favour);
	cmd_duties_time_json(&j, "from", o->from);
	cmd_duties_time_json(&j, "until", o->until);
	json_end(&j);
	buf_add_byte(out, '\n');
}

/* The command that makes a sensor keep it. Nothing in it but numbers, an address and names, so that
 * it may be put into a shell as it stands. */
static void order_text(const struct duty_state *s, const struct duty_order *o, struct buf *out)
{
	const struct duty_entry *e = &s->ledger->entries[o->entry];

	buf_add_fmt(out, "%.*s on %.*s, by %.*s: %s", SLICE_ARG(e->order), SLICE_ARG(e->request),
		    SLICE_ARG(e->party), duty_order_names[o->state]);
	if (*o->why != '\0')
		buf_add_fmt(out, ": %s", o->why);
	if (o->state == DUTY_ORDER_PROPOSED)
		buf_add_fmt(out, ", %zu of %zu are for it", o->in_favour, o->electors);
	if (o->from.ns != 0) {
		buf_add_z(out, ", ");
		cmd_duties_time(o->from, out);
		buf_add_z(out, " to ");
		cmd_duties_time(o->until, out);
	}
	buf_add_byte(out, '\n');
	if (left_s(s, o) != 0)
		buf_add_fmt(out,
			    "    dewline throttle add %.*s --rate %llubit --for %llus --basis "
			    "\"order %.*s on %.*s\"\n",
			    SLICE_ARG(e->u.order.target), (unsigned long long)e->u.order.bits_per_s,
			    (unsigned long long)left_s(s, o), SLICE_ARG(e->order),
			    SLICE_ARG(e->request));
}

int cmd_duties_orders(struct cli *c)
{
	bool json = cli_value(c, "json").ptr != NULL;
	struct buf out = buf_in(c->arena);
	const struct duty_state *s;
	int code = cmd_duties_load(c, &s);

	if (code != CLI_DONE)
		return code;
	for (size_t i = 0; i < s->order_count; i++)
		(json ? order_json : order_text)(s, &s->orders[i], &out);
	if (!json && s->order_count == 0)
		cli_say(c, "nobody ordered anything");
	return cli_print(c, buf_slice(&out)) ? CLI_DONE : CLI_CANNOT;
}

/* ---- claims: an incident for dewline treaty judge -------------------------------------------- */

static void bonds_json(const struct duty_state *s, struct slice party, struct wall_ns at,
		       struct json *j)
{
	json_key_slice(j, party);
	json_array(j);
	for (size_t t = 0; t < s->treaty_count; t++)
		if (duty_is_bound(s, t, party, at))
			json_str(j, treaty_id(s->treaties[t]));
	json_end(j);
}

static void incident_json(const struct duty_state *s, const struct duty_case *x,
			  const struct claim_set *claims, struct json *j)
{
	const struct duty_entry *asked = duty_asked(s, x);

	json_object(j);
	json_member_str(j, "id", asked->request);
	cmd_duties_time_json(j, "at", asked->at);
	json_member_str(j, "claimant", asked->party);
	json_member_str(j, "respondent", x->bearer);
	json_key(j, "bound");
	json_object(j);
	bonds_json(s, asked->party, asked->at, j);
	bonds_json(s, x->bearer, asked->at, j);
	json_end(j);
	json_key(j, "claims");
	json_array(j);
	for (size_t i = 0; i < claims->count; i++) {
		json_object(j);
		json_member_str(j, "atom", claims->claims[i].atom);
		json_key(j, "probability");
		json_array(j);
		json_fixed(j, claims->claims[i].p.lo, 3);
		json_fixed(j, claims->claims[i].p.hi, 3);
		json_end(j);
		json_member_str(j, "why", claims->claims[i].why);
		json_end(j);
	}
	json_end(j);
	json_end(j);
}

int cmd_duties_claims(struct cli *c)
{
	struct buf out = buf_in(c->arena);
	struct json j = json_in(&out);
	const struct duty_state *s;
	const struct duty_request *q;
	struct fail why = {0};
	int code = cmd_duties_load(c, &s);
	size_t at;

	if (code != CLI_DONE)
		return code;
	at = cmd_duties_request(c, s);
	if (at == SIZE_MAX)
		return CLI_NO;
	q = &s->requests[at];
	json_object(&j);
	json_key(&j, "incidents");
	json_array(&j);
	for (size_t i = q->first_case; i < q->first_case + q->case_count; i++) {
		const struct duty_case *x = stands_for(s, q, i);
		struct claim_set claims;

		if (x == NULL)
			continue;
		if (duty_claims(s, x, c->arena, &claims, &why) != ST_OK)
			return cli_cannot(c, &why);
		incident_json(s, x, &claims, &j);
	}
	json_end(&j);
	json_end(&j);
	buf_add_byte(&out, '\n');
	return cli_print(c, buf_slice(&out)) ? CLI_DONE : CLI_CANNOT;
}
