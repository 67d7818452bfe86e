/* SPDX-License-Identifier: Apache-2.0
 * dewline duties check and run: a ledger is read, and every case of it comes to its state. */
#include "console/cli/duties.h"
#include "console/cli/treaty.h"
#include "os/file.h"

/* ---- loading -------------------------------------------------------------------------------- */

static int read_ledger(struct cli *c, struct slice file, struct duty_ledger *out)
{
	struct buf problems = buf_in(c->arena);
	struct fail why = {0};
	struct slice text;
	enum status st;

	if (os_file_read(file, DUTY_LEDGER_MAX, c->arena, &text, &why) != ST_OK)
		return cli_cannot(c, &why);
	st = duty_read(file, text, c->arena, out, &problems, &why);
	if (st == ST_OK)
		return CLI_DONE;
	if (st != ST_INVALID)
		return cli_cannot(c, &why);
	cli_say(c, "%.*s", SLICE_ARG(slice_trim(buf_slice(&problems))));
	return CLI_NO;
}

/* --at TIME, a date, or "end"; without it, the last entry's. */
static bool look_from(struct cli *c, const struct duty_ledger *l, struct wall_ns *out)
{
	struct slice s = cli_value(c, "at");

	out->ns = l->count ? l->entries[l->count - 1].at.ns : 0;
	if (s.ptr == NULL || time_parse_date(s, out) || time_parse(s, out))
		return true;
	if (slice_equal(s, SLICE("end"))) {
		out->ns = INT64_MAX;
		return true;
	}
	cli_say(c,
		"--at %.*s: expected a date, a time as 2026-11-22T03:04:05Z, or \"end\", when all "
		"has come to its end",
		SLICE_ARG(s));
	return false;
}

int cmd_duties_load(struct cli *c, const struct duty_state **out)
{
	struct duty_ledger *l = ARENA_NEW(c->arena, struct duty_ledger);
	struct cmd_treaties treaties;
	struct duty_state *s;
	struct fail why = {0};
	struct wall_ns at;
	int code = cmd_treaty_load(c, &treaties);

	if (code != CLI_DONE)
		return code;
	ASSERT(l != NULL); /* before anything runs, memory is there */
	code = read_ledger(c, c->words[1], l);
	if (code != CLI_DONE)
		return code;
	if (!look_from(c, l, &at))
		return CLI_CANNOT;
	if (duty_run(l, treaties.list, treaties.count, at, c->arena, &s, &why) != ST_OK)
		return cli_cannot(c, &why);
	*out = s;
	return CLI_DONE;
}

size_t cmd_duties_request(struct cli *c, const struct duty_state *s)
{
	size_t i = duty_request_find(s, c->words[2]);

	if (i == SIZE_MAX)
		cli_say(c, "%.*s: no request of that name stands in %.*s by then",
			SLICE_ARG(c->words[2]), SLICE_ARG(c->words[1]));
	return i;
}

/* ---- times ---------------------------------------------------------------------------------- */

void cmd_duties_time(struct wall_ns at, struct buf *out)
{
	char text[TIME_TEXT_MAX];

	if (at.ns == INT64_MAX)
		buf_add_z(out, "never");
	else
		buf_add_fmt(out, "%.19sZ", (const char *)time_format_rfc3339(at, text).ptr);
}

void cmd_duties_span(int64_t seconds, struct buf *out)
{
	static const struct {
		int64_t s;
		const char *name;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
	size_t i = 0;

	while (i < 3 && seconds < units[i].s)
		i++;
	buf_add_fmt(out, "%lld %s", (long long)(seconds / units[i].s), units[i].name);
	seconds %= units[i].s;
	if (i < 3 && seconds / units[i + 1].s != 0)
		buf_add_fmt(out, " %lld %s", (long long)(seconds / units[i + 1].s),
			    units[i + 1].name);
}

void cmd_duties_time_json(struct json *j, const char *key, struct wall_ns at)
{
	char text[TIME_TEXT_MAX];

	if (at.ns != 0 && at.ns != INT64_MAX)
		json_member_str(j, key, time_format_rfc3339(at, text));
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void steps_json(const struct duty_state *s, const struct duty_case *c, struct json *j)
{
	const struct treaty_duty *d = duty_of(s, c);

	json_key(j, "steps");
	json_array(j);
	for (size_t i = 0; c->steps != NULL && i < d->step_count; i++) {
		json_object(j);
		json_member_str(j, "step", d->steps[i].verb);
		json_member_str(j, "status", slice_of(duty_step_names[c->steps[i].status]));
		json_member_bool(j, "number", d->steps[i].pace != TREATY_NO_NUMBER);
		cmd_duties_time_json(j, "begun", c->steps[i].begun);
		cmd_duties_time_json(j, "due", c->steps[i].due);
		cmd_duties_time_json(j, "at", c->steps[i].at);
		json_member_bool(j, "contested", c->steps[i].contested);
		json_end(j);
	}
	json_end(j);
}

static const char *lest_name(const struct treaty_lest *l)
{
	static const char *const names[] = {[TREATY_RECORD] = "record",
					    [TREATY_PRESUME] = "presume",
					    [TREATY_THROTTLE] = "throttle"};

	return names[l->kind];
}

static void lest_json(const struct duty_state *s, const struct duty_case *c, struct json *j)
{
	const struct treaty_duty *d = duty_of(s, c);

	json_key(j, "consequences");
	json_array(j);
	for (size_t i = 0; c->lest != NULL && i < d->lest_count; i++) {
		json_object(j);
		json_member_str(j, "lest", slice_of(lest_name(&d->lest[i])));
		json_member_some(j, "what", d->lest[i].what);
		json_member_str(j, "effect", slice_of(duty_effect_names[c->lest[i].effect]));
		cmd_duties_time_json(j, "at", c->lest[i].at);
		json_member_some(j, "why", slice_of(c->lest[i].why));
		json_end(j);
	}
	json_end(j);
}

static void motion_json(const struct duty_motion *m, struct json *j)
{
	json_key(j, "vote");
	json_object(j);
	json_member_u64(j, "electors", m->electors);
	json_member_u64(j, "for", m->in_favour);
	json_member_u64(j, "against", m->against);
	json_member_str(j, "result",
			slice_of(m->outcome == DUTY_OPEN  ? "open"
				 : m->outcome == DUTY_MET ? "goes ahead"
							  : "voted out"));
	cmd_duties_time_json(j, "at", m->at);
	json_end(j);
}

void cmd_duties_case_json(const struct duty_state *s, const struct duty_case *c, struct json *j)
{
	const struct duty_entry *asked = duty_asked(s, c);
	const struct treaty *t = s->treaties[c->treaty];

	json_member_str(j, "request", asked->request);
	json_member_str(j, "kind", asked->u.request.kind);
	json_member_str(j, "from", asked->party);
	json_member_str(j, "bearer", c->bearer);
	json_member_str(j, "instrument", treaty_id(t));
	json_member_str(j, "clause", treaty_clause_id(t, c->clause));
	json_member_bool(j, "unchecked", treaty_clause_unchecked(t, c->clause));
	json_member_bool(j, "drill", asked->u.request.drill);
	json_member_str(j, "outcome", slice_of(duty_outcome_names[c->outcome]));
	json_member_str(j, "will", slice_of(duty_will_names[duty_will_of(c->outcome)]));
	json_member_some(j, "why", c->why);
	json_member_some(j, "said", c->said);
	cmd_duties_time_json(j, "asked", asked->at);
	cmd_duties_time_json(j, "started", c->started);
	cmd_duties_time_json(j, c->outcome == DUTY_OPEN ? "next" : "ended", c->ended);
	cmd_duties_time_json(j, "first-sign", c->signs);
	cmd_duties_time_json(j, "decided", c->decided);
	cmd_duties_time_json(j, "delivered", c->delivered);
	json_member_bool(j, "no-number", c->no_number);
	json_member_bool(j, "reasons-missing", c->reasons_missing);
	json_member_bool(j, "conditions-unknown", c->undetermined);
	json_member_bool(j, "help-offered", c->offered);
	json_member_bool(j, "help-accepted", c->accepted);
	json_member_bool(j, "help-declined", c->declined);
	if (c->motion != DUTY_NONE)
		motion_json(&s->motions[c->motion], j);
	steps_json(s, c, j);
	lest_json(s, c, j);
}

/* ---- text ----------------------------------------------------------------------------------- */

static size_t missed(const struct duty_case *c, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; c->steps != NULL && i < n; i++)
		k += c->steps[i].status == DUTY_STEP_MISSED;
	return k;
}

void cmd_duties_outcome(const struct duty_state *s, const struct duty_case *c, struct buf *out)
{
	enum duty_will will = duty_will_of(c->outcome);

	buf_add_z(out, duty_outcome_names[c->outcome]);
	if (c->why.len != 0)
		buf_add_fmt(out,
			    c->outcome == DUTY_NOT_OWED	 ? ": %.*s"
			    : c->outcome == DUTY_REFUSED ? " (%.*s)"
							 : ", refused at first (%.*s)",
			    SLICE_ARG(c->why));
	if (c->groundless.ns != 0)
		buf_add_fmt(out, "%s: \"%.*s\"",
			    c->outcome == DUTY_GROUNDLESS ? "" : ", refused once on no ground",
			    SLICE_ARG(c->said));
	if (will == DUTY_WILL_NOT || will == DUTY_CANNOT)
		buf_add_fmt(out, ", %s", duty_will_names[will]);
	if (c->no_number && will != DUTY_WILLING)
		buf_add_z(out, ", no number says by when");
	if (c->outcome == DUTY_MEASURED || c->outcome == DUTY_MET || c->outcome == DUTY_LATE) {
		buf_add_z(out, " after ");
		cmd_duties_span((c->delivered.ns - c->started.ns) / TIME_NS_PER_S, out);
	}
	if (c->outcome == DUTY_OPEN) {
		buf_add_fmt(out, "%s, next at ",
			    missed(c, duty_of(s, c)->step_count) ? ", a deadline was missed" : "");
		cmd_duties_time(c->ended, out);
	}
	if (c->reasons_missing)
		buf_add_z(out, ", without the reasons that the clause wants");
}

static void request_text(const struct duty_state *s, const struct duty_request *q, struct buf *out)
{
	const struct duty_entry *e = &s->ledger->entries[q->entry];
	size_t not_owed = 0;

	buf_add_fmt(out, "%.*s  %.*s asks %.*s to %.*s, ", SLICE_ARG(e->request),
		    SLICE_ARG(e->party), SLICE_ARG(e->u.request.to), SLICE_ARG(e->u.request.kind));
	cmd_duties_time(e->at, out);
	buf_add_z(out, e->u.request.drill ? ", a drill\n" : "\n");
	for (size_t i = q->first_case; i < q->first_case + q->case_count; i++) {
		const struct duty_case *c = &s->cases[i];

		if (c->outcome == DUTY_NOT_OWED) {
			not_owed++;
			continue;
		}
		buf_add_fmt(out, "    %-22.*s %.*s: ",
			    SLICE_ARG(treaty_clause_id(s->treaties[c->treaty], c->clause)),
			    SLICE_ARG(c->bearer));
		cmd_duties_outcome(s, c, out);
		buf_add_byte(out, '\n');
	}
	if (q->outside)
		buf_add_z(out, "    outside every treaty that binds both sides\n");
	if (not_owed != 0)
		buf_add_fmt(out, "    not owed under %zu more: dewline duties show says why\n",
			    not_owed);
}

static void lost_text(const struct duty_state *s, struct buf *out)
{
	for (size_t i = 0; i < s->ledger->count; i++) {
		const struct duty_entry *e = &s->ledger->entries[i];

		if (s->fates[i].effects == 0)
			buf_add_fmt(out, "line %u, %s of %.*s: no effect: %s\n", e->line,
				    duty_word_names[e->word], SLICE_ARG(e->party), s->fates[i].why);
	}
}

int cmd_duties_run(struct cli *c)
{
	struct buf out = buf_in(c->arena);
	const struct duty_state *s;
	int code = cmd_duties_load(c, &s);

	if (code != CLI_DONE)
		return code;
	if (cli_value(c, "json").ptr != NULL) {
		for (size_t i = 0; i < s->case_count; i++) {
			struct json j = json_in(&out);

			json_object(&j);
			cmd_duties_case_json(s, &s->cases[i], &j);
			json_end(&j);
			buf_add_byte(&out, '\n');
		}
	} else {
		buf_add_z(&out, "As of ");
		if (s->as_of.ns == INT64_MAX)
			buf_add_z(&out, "the end of all clocks");
		else
			cmd_duties_time(s->as_of, &out);
		buf_add_fmt(&out, ": %zu requests, %zu cases\n\n", s->request_count, s->case_count);
		for (size_t i = 0; i < s->request_count; i++)
			request_text(s, &s->requests[i], &out);
		lost_text(s, &out);
	}
	return cli_print(c, buf_slice(&out)) ? CLI_DONE : CLI_CANNOT;
}

int cmd_duties_check(struct cli *c)
{
	bool json = cli_value(c, "json").ptr != NULL;
	struct buf out = buf_in(c->arena);
	int worst = CLI_DONE;

	for (size_t i = 1; i < c->word_count; i++) {
		struct duty_ledger l = {0};
		struct json j = json_in(&out);
		int code = read_ledger(c, c->words[i], &l);

		worst = code > worst ? code : worst;
		if (json) {
			json_object(&j);
			json_member_str(&j, "file", c->words[i]);
			json_member_bool(&j, "good", code == CLI_DONE);
			json_member_u64(&j, "entries", l.count);
			json_end(&j);
			buf_add_byte(&out, '\n');
		} else if (code == CLI_DONE) {
			buf_add_fmt(&out, "%.*s: %zu entries\n", SLICE_ARG(c->words[i]), l.count);
		}
	}
	return cli_print(c, buf_slice(&out)) ? worst : CLI_CANNOT;
}
