/* SPDX-License-Identifier: Apache-2.0
 * dewline duties report: cards by clause and by party, ways out, pursuits, what parties say. */
#include "console/cli/duties.h"

/* ---- JSON ----------------------------------------------------------------------------------- */

static void times_json(struct json *j, const char *key, const struct duty_times *t)
{
	if (t->count == 0)
		return;
	json_key(j, key);
	json_object(j);
	json_member_u64(j, "count", t->count);
	json_key(j, "median");
	json_i64(j, t->median_s);
	json_key(j, "p90");
	json_i64(j, t->p90_s);
	json_key(j, "most");
	json_i64(j, t->most_s);
	json_end(j);
}

static void ways_json(struct json *j, const struct duty_card *card)
{
	json_key(j, "ways-out");
	json_array(j);
	for (size_t i = 0; i < card->way_count; i++) {
		json_object(j);
		json_member_str(j, "by", slice_of(duty_way_names[card->ways[i].kind]));
		json_member_str(j, "name", card->ways[i].name);
		json_member_bool(j, "open", card->ways[i].open);
		json_member_u64(j, "count", card->ways[i].count);
		json_end(j);
	}
	json_end(j);
}

static void card_json(const char *of, const struct duty_card *card, struct buf *out)
{
	struct json j = json_in(out);

	json_object(&j);
	json_member_str(&j, of, card->name);
	json_member_u64(&j, "cases", card->cases);
	json_member_u64(&j, "drills", card->drills);
	json_key(&j, "outcomes");
	json_object(&j);
	for (size_t i = 0; i < DUTY_OUTCOMES; i++)
		if (card->outcomes[i] != 0)
			json_member_u64(&j, duty_outcome_names[i], card->outcomes[i]);
	json_end(&j);
	json_member_u64(&j, "reasons-missing", card->reasons_missing);
	json_member_u64(&j, "contested", card->contested);
	json_member_u64(&j, "helped", card->helped);
	times_json(&j, "first-sign-s", &card->signs);
	times_json(&j, "decided-s", &card->decided);
	times_json(&j, "delivered-s", &card->delivered);
	times_json(&j, "late-s", &card->late);
	ways_json(&j, card);
	json_key(&j, "loophole-index");
	json_fixed(&j, card->loophole, 3);
	json_end(&j);
	buf_add_byte(out, '\n');
}

static void hop_json(const struct duty_state *s, const struct duty_hop *h, struct buf *out)
{
	struct json j = json_in(out);

	json_object(&j);
	json_member_str(&j, "pursuit", s->ledger->entries[s->requests[h->root].entry].request);
	json_member_str(&j, "request", s->ledger->entries[s->requests[h->request].entry].request);
	json_member_u64(&j, "hop", h->depth);
	json_key(&j, "after-s");
	json_i64(&j, h->after_s);
	json_key(&j, "answer-s");
	if (h->answer_s < 0)
		json_null(&j);
	else
		json_i64(&j, h->answer_s);
	json_end(&j);
	buf_add_byte(out, '\n');
}

static void check_json(const struct duty_state *s, const struct duty_claim_check *x,
		       struct buf *out)
{
	const struct duty_entry *e = &s->ledger->entries[x->entry];
	struct json j = json_in(out);

	json_object(&j);
	json_member_str(&j, "asserts", e->party);
	json_member_some(&j, "kind", e->u.assertion.kind);
	json_key(&j, "answered");
	json_array(&j);
	json_fixed(&j, e->u.assertion.answered.lo, 3);
	json_fixed(&j, e->u.assertion.answered.hi, 3);
	json_end(&j);
	json_member_u64(&j, "ended", x->ended);
	json_member_u64(&j, "done", x->done);
	json_member_bool(&j, "contradicted", x->contradicted);
	json_end(&j);
	buf_add_byte(out, '\n');
}

/* ---- text ----------------------------------------------------------------------------------- */

static void times_text(const char *what, const struct duty_times *t, struct buf *out)
{
	if (t->count == 0)
		return;
	buf_add_fmt(out, "    %s: ", what);
	cmd_duties_span(t->median_s, out);
	buf_add_z(out, " in the middle, ");
	cmd_duties_span(t->p90_s, out);
	buf_add_z(out, " for nine of ten, ");
	cmd_duties_span(t->most_s, out);
	buf_add_fmt(out, " at most (%zu measured)\n", t->count);
}

static void card_text(const struct duty_card *card, struct buf *out)
{
	const char *between = "";

	buf_add_fmt(out, "  %.*s: %zu cases", SLICE_ARG(card->name), card->cases);
	if (card->drills != 0)
		buf_add_fmt(out, ", %zu drills", card->drills);
	buf_add_z(out, "\n    ");
	for (size_t i = 0; i < DUTY_OUTCOMES; i++)
		if (card->outcomes[i] != 0) {
			buf_add_fmt(out, "%s%zu %s", between, card->outcomes[i],
				    duty_outcome_names[i]);
			between = ", ";
		}
	buf_add_z(out, *between ? "\n" : "nothing but drills\n");
	times_text("first sign", &card->signs, out);
	times_text("done or refused", &card->decided, out);
	times_text("all done", &card->delivered, out);
	times_text("late by", &card->late, out);
	if (card->reasons_missing != 0)
		buf_add_fmt(out, "    refused without the reasons that the clause wants: %zu\n",
			    card->reasons_missing);
	if (card->contested != 0)
		buf_add_fmt(out, "    contested by who asked: %zu\n", card->contested);
	for (size_t i = 0; i < card->way_count; i++)
		buf_add_fmt(out, "    let off by %s %.*s: %zu%s\n",
			    duty_way_names[card->ways[i].kind], SLICE_ARG(card->ways[i].name),
			    card->ways[i].count, card->ways[i].open ? " (open-ended)" : "");
	if (card->cases != 0)
		buf_add_fmt(out, "    loophole index: %d.%d %%\n", card->loophole / 10,
			    card->loophole % 10);
}

static void hop_text(const struct duty_state *s, const struct duty_hop *h, struct buf *out)
{
	const struct duty_entry *e = &s->ledger->entries[s->requests[h->request].entry];
	struct slice root = s->ledger->entries[s->requests[h->root].entry].request;

	buf_add_fmt(out, "  %.*s, hop %u: %.*s to %.*s, asked after ", SLICE_ARG(root), h->depth,
		    SLICE_ARG(e->request), SLICE_ARG(e->u.request.to));
	cmd_duties_span(h->after_s, out);
	if (h->answer_s < 0) {
		buf_add_z(out, ", no answer\n");
	} else {
		buf_add_z(out, ", answered in ");
		cmd_duties_span(h->answer_s, out);
		buf_add_byte(out, '\n');
	}
}

static void check_text(const struct duty_state *s, const struct duty_claim_check *x,
		       struct buf *out)
{
	const struct duty_entry *e = &s->ledger->entries[x->entry];

	buf_add_fmt(out, "  %.*s says that it answers", SLICE_ARG(e->party));
	if (e->u.assertion.kind.len != 0)
		buf_add_fmt(out, " requests to %.*s", SLICE_ARG(e->u.assertion.kind));
	buf_add_byte(out, ' ');
	claim_write_interval(e->u.assertion.answered, out);
	buf_add_fmt(out, " of the time; the ledger: %zu of %zu%s\n", x->done, x->ended,
		    x->contradicted ? ": contradicted" : "");
}

static void report_text(const struct duty_state *s, const struct duty_report *r, struct buf *out)
{
	buf_add_z(out, "By clause\n");
	for (size_t i = 0; i < r->clause_count; i++)
		card_text(&r->clauses[i], out);
	buf_add_z(out, "\nBy party, as the one that is asked\n");
	for (size_t i = 0; i < r->party_count; i++)
		card_text(&r->parties[i], out);
	if (r->hop_count != 0)
		buf_add_z(out, "\nPursuits\n");
	for (size_t i = 0; i < r->hop_count; i++)
		hop_text(s, &r->hops[i], out);
	if (r->check_count != 0)
		buf_add_z(out, "\nWhat parties say of themselves\n");
	for (size_t i = 0; i < r->check_count; i++)
		check_text(s, &r->checks[i], out);
}

static void report_json(const struct duty_state *s, const struct duty_report *r, struct buf *out)
{
	for (size_t i = 0; i < r->clause_count; i++)
		card_json("clause", &r->clauses[i], out);
	for (size_t i = 0; i < r->party_count; i++)
		card_json("party", &r->parties[i], out);
	for (size_t i = 0; i < r->hop_count; i++)
		hop_json(s, &r->hops[i], out);
	for (size_t i = 0; i < r->check_count; i++)
		check_json(s, &r->checks[i], out);
}

int cmd_duties_report(struct cli *c)
{
	struct buf out = buf_in(c->arena);
	const struct duty_state *s;
	struct duty_report r;
	struct fail why = {0};
	int code = cmd_duties_load(c, &s);

	if (code != CLI_DONE)
		return code;
	if (duty_report(s, c->arena, &r, &why) != ST_OK)
		return cli_cannot(c, &why);
	(cli_value(c, "json").ptr ? report_json : report_text)(s, &r, &out);
	return cli_print(c, buf_slice(&out)) ? CLI_DONE : CLI_CANNOT;
}
