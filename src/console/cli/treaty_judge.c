/* SPDX-License-Identifier: Apache-2.0
 * dewline treaty judge: every clause of every instrument against what is claimed. */
#include "base/json.h"
#include "console/cli/treaty.h"

enum { SIDES = 2 }; /* claimant, respondent */

struct by_side {		       /* the same by a party's own standards */
	const struct cmd_sheet *sheet; /* NULL: it has none */
	const struct treaty_finding *all, *shown;
};

struct judged { /* one instrument on one incident: all evidence, and what may be shown */
	const struct cmd_incident *incident;
	const struct treaty_finding *all, *shown;
	struct by_side sides[SIDES];
	size_t count;
};

static bool is_bound(const struct cmd_incident *i, const struct treaty *t, struct slice party)
{
	if (i->unnamed || treaty_party_bound(t, party, i->at))
		return true;
	for (size_t k = 0; k < i->bond_count; k++)
		if (slice_equal(i->bonds[k].instrument, treaty_id(t)) &&
		    (i->bonds[k].party.len == 0 || slice_equal(i->bonds[k].party, party)))
			return true;
	return false;
}

/* By what there is, and by what is public. */
static enum status judge_both(struct cli *c, const struct cmd_incident *i, const struct treaty *t,
			      struct treaty_case *tc, const struct treaty_finding **all,
			      const struct treaty_finding **shown, size_t *count, struct fail *why)
{
	struct treaty_finding *f, *g;
	enum status st;

	tc->claims = &i->all;
	st = treaty_judge(t, tc, c->arena, &f, count, why);
	tc->claims = &i->shown;
	if (st == ST_OK)
		st = treaty_judge(t, tc, c->arena, &g, count, why);
	if (st != ST_OK)
		return st;
	*all = f;
	*shown = g;
	return ST_OK;
}

static enum status judge_side(struct cli *c, const struct cmd_sheet *sheet, const struct treaty *t,
			      struct treaty_case tc, struct judged *out, struct by_side *side,
			      struct fail *why)
{
	enum status st;

	if (sheet == NULL || !treaty_sheet_applies(&sheet->sheet, t))
		return ST_OK;
	tc.standards = sheet->sheet.standards;
	tc.standard_count = sheet->sheet.count;
	st = judge_both(c, out->incident, t, &tc, &side->all, &side->shown, &out->count, why);
	if (st != ST_OK)
		return fail_wrap(why, "%.*s", SLICE_ARG(sheet->file));
	side->sheet = sheet;
	return ST_OK;
}

static enum status judge(struct cli *c, const struct cmd_incident *i, const struct treaty *t,
			 const struct cmd_sheets *sheets, struct judged *out, struct fail *why)
{
	struct treaty_case tc = {.at = i->at,
				 .claimant = i->unnamed ? SLICE("claimant") : i->claimant,
				 .respondent = i->unnamed ? SLICE("respondent") : i->respondent};
	const struct slice sides[SIDES] = {i->claimant, i->respondent};
	enum status st;

	*out = (struct judged){.incident = i};
	tc.claimant_bound = is_bound(i, t, tc.claimant);
	tc.respondent_bound = is_bound(i, t, tc.respondent);
	st = judge_both(c, i, t, &tc, &out->all, &out->shown, &out->count, why);
	for (size_t k = 0; st == ST_OK && k < SIDES; k++)
		if (k == 0 || !slice_equal(sides[0], sides[1]))
			st = judge_side(c, cmd_treaty_sheet_of(sheets, sides[k], i->at), t, tc, out,
					&out->sides[k], why);
	return st;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static const char *value_name(enum treaty_value v)
{
	static const char *const names[] = {"false", "undetermined", "true"};

	return names[v];
}

static void interval(struct json *j, struct interval p)
{
	json_key(j, "interval");
	json_array(j);
	json_fixed(j, p.lo, 3);
	json_fixed(j, p.hi, 3);
	json_end(j);
}

static void standard(struct json *j, const struct treaty_finding *f)
{
	json_key(j, "standard");
	if (f->standard.len == 0) {
		json_null(j);
		return;
	}
	json_object(j);
	json_member_str(j, "name", f->standard);
	json_key(j, "least");
	json_fixed(j, f->standard_milli, 3);
	json_end(j);
}

static void trace(struct json *j, const struct treaty_finding *f)
{
	json_key(j, "trace");
	json_array(j);
	for (size_t i = 0; i < f->trace_count; i++) {
		json_object(j);
		json_member_u64(j, "depth", f->trace[i].depth);
		json_member_str(j, "value", slice_of(value_name(f->trace[i].value)));
		json_member_str(j, "text", f->trace[i].text);
		json_end(j);
	}
	json_end(j);
}

static void changes(struct json *j, const struct treaty_finding *f)
{
	json_key(j, "would-change");
	json_array(j);
	for (size_t i = 0; i < f->change_count; i++) {
		const struct treaty_change *ch = &f->changes[i];

		json_object(j);
		json_member_str(j, "atom", ch->atom);
		json_member_str(j, "if-true", slice_of(value_name(ch->if_true)));
		json_member_str(j, "if-false", slice_of(value_name(ch->if_false)));
		json_member_some(j, "then-if-true", ch->then_true);
		json_member_some(j, "then-if-false", ch->then_false);
		json_end(j);
	}
	json_end(j);
}

/* What each side finds by its own standards, if it has any. */
static void sides_json(struct json *j, const struct judged *x, size_t k)
{
	json_key(j, "by-standards-of");
	json_object(j);
	for (size_t s = 0; s < SIDES; s++) {
		const struct by_side *side = &x->sides[s];

		if (side->sheet == NULL)
			continue;
		json_key_slice(j, side->sheet->sheet.party);
		json_object(j);
		json_member_str(j, "signer", side->sheet->signer);
		standard(j, &side->all[k]);
		json_member_str(j, "result", side->all[k].result);
		json_member_str(j, "value", slice_of(value_name(side->all[k].value)));
		json_member_str(j, "public-result", side->shown[k].result);
		json_end(j);
	}
	json_end(j);
}

static void finding_json(const struct judged *x, size_t k, struct buf *out)
{
	const struct treaty_finding *f = &x->all[k], *shown = &x->shown[k];
	struct json j = json_in(out);

	json_object(&j);
	json_member_str(&j, "incident", x->incident->id);
	json_member_str(&j, "instrument", f->instrument);
	json_member_str(&j, "clause", f->clause);
	json_member_str(&j, "title", f->title);
	json_member_str(&j, "result", f->result);
	json_member_str(&j, "value", slice_of(value_name(f->value)));
	json_member_some(&j, "consequence", f->consequence);
	interval(&j, f->joint);
	standard(&j, f);
	trace(&j, f);
	changes(&j, f);
	json_member_bool(&j, "applies", !f->not_applicable);
	json_member_bool(&j, "unverifiable", f->unverifiable);
	json_member_bool(&j, "unchecked", f->unchecked);
	json_member_str(&j, "source", f->source);
	json_key(&j, "public");
	json_object(&j);
	json_member_str(&j, "result", shown->result);
	json_member_str(&j, "value", slice_of(value_name(shown->value)));
	interval(&j, shown->joint);
	json_end(&j);
	if (x->sides[0].sheet != NULL || x->sides[1].sheet != NULL)
		sides_json(&j, x, k);
	json_end(&j);
	buf_add_byte(out, '\n');
}

/* ---- text ----------------------------------------------------------------------------------- */

static const char *value_words(enum treaty_value v)
{
	static const char *const words[] = {"no breach", "undetermined", "breach shown"};

	return words[v];
}

static void change_text(const struct treaty_change *ch, enum treaty_value now, struct buf *out)
{
	buf_add_fmt(out, "    would change it: %.*s (", SLICE_ARG(ch->atom));
	if (ch->if_true != now || ch->then_true.len != 0)
		buf_add_fmt(out, "if so: %s%s%.*s", value_words(ch->if_true),
			    ch->then_true.len ? ", " : "", SLICE_ARG(ch->then_true));
	if (ch->if_false != now || ch->then_false.len != 0)
		buf_add_fmt(out, "%sif not: %s%s%.*s",
			    ch->if_true != now || ch->then_true.len != 0 ? "; " : "",
			    value_words(ch->if_false), ch->then_false.len ? ", " : "",
			    SLICE_ARG(ch->then_false));
	buf_add_z(out, ")\n");
}

static void sides_text(const struct judged *x, size_t k, struct buf *out)
{
	for (size_t s = 0; s < SIDES; s++) {
		const struct by_side *side = &x->sides[s];
		const struct treaty_finding *f = side->sheet ? &side->all[k] : NULL;

		if (f == NULL || f->standard.len == 0)
			continue;
		buf_add_fmt(out, "    by %.*s's own standard (%.*s ",
			    SLICE_ARG(side->sheet->sheet.party), SLICE_ARG(f->standard));
		claim_write_interval((struct interval){f->standard_milli, f->standard_milli}, out);
		buf_add_fmt(out, "): %.*s\n", SLICE_ARG(f->result));
	}
}

static void finding_text(const struct judged *x, size_t k, struct buf *out)
{
	const struct treaty_finding *f = &x->all[k], *shown = &x->shown[k];

	buf_add_fmt(out, "%.*s  %.*s: %.*s", SLICE_ARG(f->clause), SLICE_ARG(f->title),
		    SLICE_ARG(f->result));
	if (f->consequence.len != 0)
		buf_add_fmt(out, ", %.*s", SLICE_ARG(f->consequence));
	if (f->standard.len != 0) {
		buf_add_fmt(out, " (%.*s ", SLICE_ARG(f->standard));
		claim_write_interval((struct interval){f->standard_milli, f->standard_milli}, out);
		buf_add_byte(out, ')');
	}
	buf_add_byte(out, '\n');
	for (size_t i = 0; i < f->trace_count; i++)
		buf_add_fmt(out, "    %*s%.*s\n", 2 * f->trace[i].depth, "",
			    SLICE_ARG(f->trace[i].text));
	for (size_t i = 0; i < f->change_count; i++)
		change_text(&f->changes[i], f->value, out);
	if (!slice_equal(shown->result, f->result) ||
	    !slice_equal(shown->consequence, f->consequence))
		buf_add_fmt(out, "    on public evidence alone: %.*s%s%.*s\n",
			    SLICE_ARG(shown->result), shown->consequence.len ? ", " : "",
			    SLICE_ARG(shown->consequence));
	sides_text(x, k, out);
	if (f->unverifiable)
		buf_add_z(out,
			  "    unverifiable: it rests on a term whose meaning is not settled\n");
	if (f->unchecked)
		buf_add_z(out,
			  "    unchecked: its text, or an amendment to it, was not compared with "
			  "the official one\n");
	buf_add_fmt(out, "    source: %.*s\n\n", SLICE_ARG(f->source));
}

static void heading(const struct cmd_incident *i, const struct treaty *t, struct buf *out)
{
	char when[TIME_TEXT_MAX];

	buf_add_fmt(out, "Incident %.*s under %.*s (%.*s), the law of %.*s\n", SLICE_ARG(i->id),
		    SLICE_ARG(treaty_title(t)), SLICE_ARG(treaty_id(t)), 10,
		    (const char *)time_format_rfc3339(i->at, when).ptr);
	if (i->unnamed)
		buf_add_z(out,
			  "between two parties that are bound and changed nothing: the incident "
			  "names none\n\n");
	else
		buf_add_fmt(out, "claimed by %.*s, against %.*s\n\n",
			    SLICE_ARG(i->claimant.len ? i->claimant : SLICE("nobody")),
			    SLICE_ARG(i->respondent.len ? i->respondent : SLICE("nobody")));
}

int cmd_treaty_judge(struct cli *c)
{
	bool json = cli_value(c, "json").ptr != NULL;
	struct cmd_treaties treaties;
	struct cmd_sheets sheets;
	struct cmd_incident *incidents;
	struct buf out = buf_in(c->arena);
	size_t n;
	struct fail why = {0};
	int code = cmd_treaty_load(c, &treaties);

	if (code == CLI_DONE)
		code = cmd_treaty_sheets(c, &sheets);
	if (code != CLI_DONE)
		return code;
	if (c->word_count != 2) {
		cli_say(c, "judge wants one incident: dewline treaty judge INCIDENT.json --treaty "
			   "FILE");
		return CLI_CANNOT;
	}
	if (cmd_incident_read(c->words[1], c->arena, &incidents, &n, &why) != ST_OK)
		return cli_cannot(c, &why);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < treaties.count; k++) {
			struct judged x;

			if (judge(c, &incidents[i], treaties.list[k], &sheets, &x, &why) != ST_OK)
				return cli_cannot(c, &why);
			if (!json)
				heading(&incidents[i], treaties.list[k], &out);
			for (size_t f = 0; f < x.count; f++)
				(json ? finding_json : finding_text)(&x, f, &out);
		}
	return cli_print(c, buf_slice(&out)) ? CLI_DONE : CLI_CANNOT;
}
