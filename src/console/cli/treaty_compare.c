/* SPDX-License-Identifier: Apache-2.0
 * dewline treaty compare: what parties agree on. */
#include <inttypes.h>

#include "assess/accord/accord.h"
#include "base/json.h"
#include "console/cli/treaty.h"

enum { SHOWN_MAX = 40 }; /* rules of one list that a person is shown */

/* ---- compare -------------------------------------------------------------------------------- */

static void rules_json(struct json *j, const struct accord_grid *g, const char *key,
		       const struct accord_rules *r)
{
	json_key(j, key);
	json_array(j);
	for (size_t i = 0; i < r->count; i++) {
		json_object(j);
		for (size_t d = 0; d < g->dim_count; d++) {
			if (r->rules[i].sets[d] == (1U << g->dims[d].count) - 1)
				continue;
			json_key_slice(j, g->dims[d].name);
			json_array(j);
			for (unsigned v = 0; v < g->dims[d].count; v++)
				if ((r->rules[i].sets[d] >> v & 1) != 0)
					json_str(j, g->dims[d].values[v]);
			json_end(j);
		}
		json_end(j);
	}
	json_end(j);
}

/* Cases in which each side has this value. */
static void counts_json(struct json *j, const struct accord_answer *x, const char *key,
			enum treaty_value v)
{
	json_key(j, key);
	json_object(j);
	for (size_t i = 0; i < x->side_count; i++) {
		const struct accord_side *s = &x->sides[i];

		json_key_slice(j, s->name);
		json_u64(j, v == TREATY_TRUE	? s->forbids
			    : v == TREATY_FALSE ? s->allows
						: s->open);
	}
	json_end(j);
}

static void pairs_json(struct json *j, const struct accord_answer *x)
{
	json_key(j, "pairs");
	json_array(j);
	for (size_t i = 0; i < x->side_count; i++)
		for (size_t k = i + 1; k < x->side_count; k++) {
			uint32_t both, either;

			accord_both(x, i, k, &both, &either);
			json_object(j);
			json_key(j, "sides");
			json_array(j);
			json_str(j, x->sides[i].name);
			json_str(j, x->sides[k].name);
			json_end(j);
			json_member_u64(j, "both", both);
			json_member_u64(j, "either", either);
			json_end(j);
		}
	json_end(j);
}

static void json_member_slice(struct json *j, struct slice key, struct slice value)
{
	json_key_slice(j, key);
	json_str(j, value);
}

static void words_json(struct json *j, const struct accord_answer *x)
{
	json_key(j, "words");
	json_array(j);
	for (size_t i = 0; i < x->word_count; i++) {
		const struct accord_word *w = &x->words[i];

		json_object(j);
		json_member_str(j, "term", w->term);
		json_key(j, "means");
		json_object(j);
		json_member_slice(j, w->one, w->one_says);
		json_member_slice(j, w->other, w->other_says);
		json_end(j);
		json_end(j);
	}
	json_end(j);
}

static void matters_json(struct json *j, const struct accord_answer *x)
{
	json_key(j, "concepts");
	json_array(j);
	for (size_t i = 0; i < x->matter_count; i++) {
		const struct accord_matter *m = &x->matters[i];

		json_object(j);
		json_member_str(j, "concept", slice_of(m->concept->name));
		json_member_str(j, "asks", slice_of(m->concept->asks));
		json_key(j, "says");
		json_object(j);
		for (size_t k = 0; k < x->text_count; k++)
			if (m->says[k].len != 0)
				json_member_slice(j, x->texts[k], m->says[k]);
		json_end(j);
		json_member_str(j, "between", slice_of(m->concept->between));
		json_end(j);
	}
	json_end(j);
}

static void matters_text(const struct accord_answer *x, struct buf *out)
{
	if (x->matter_count != 0)
		buf_add_z(out, "\nOne question, other answers:\n");
	for (size_t i = 0; i < x->matter_count; i++) {
		const struct accord_matter *m = &x->matters[i];

		buf_add_fmt(out, "  %s\n", m->concept->asks);
		for (size_t k = 0; k < x->text_count; k++)
			buf_add_fmt(out, "    %.*s: %.*s\n", SLICE_ARG(x->texts[k]),
				    SLICE_ARG(m->says[k].len ? m->says[k] : SLICE("says nothing")));
		buf_add_fmt(out, "    so: %s\n", m->concept->between);
	}
}

static void answer_json(const struct accord_answer *x, struct buf *out)
{
	struct json j = json_in(out);

	json_object(&j);
	json_member_u64(&j, "cases", x->grid.points);
	counts_json(&j, x, "forbids", TREATY_TRUE);
	json_member_u64(&j, "core", x->all_forbid);
	counts_json(&j, x, "allows", TREATY_FALSE);
	counts_json(&j, x, "open", TREATY_UNDETERMINED);
	json_member_u64(&j, "all_allow", x->all_allow);
	json_member_u64(&j, "clash", x->clash);
	json_member_u64(&j, "undetermined", x->open);
	pairs_json(&j, x);
	rules_json(&j, &x->grid, "core_rules", &x->core);
	json_member_bool(&j, "core_fewest", x->core.fewest);
	json_member_u64(&j, "core_undescribed", x->core.undescribed);
	rules_json(&j, &x->grid, "clash_rules", &x->clashes);
	json_member_bool(&j, "clash_fewest", x->clashes.fewest);
	json_member_u64(&j, "clash_undescribed", x->clashes.undescribed);
	json_key(&j, "left_out");
	json_array(&j);
	for (size_t i = 0; i < x->left_out_count; i++)
		json_str(&j, x->left_out[i]);
	json_end(&j);
	words_json(&j, x);
	matters_json(&j, x);
	json_end(&j);
	buf_add_byte(out, '\n');
}

static void rules_text(const struct accord_answer *x, const char *what,
		       const struct accord_rules *r, struct buf *out)
{
	buf_add_fmt(out, "\n%s: %" PRIu32 " of %" PRIu32 " cases", what, r->points, x->grid.points);
	if (r->count != 0)
		buf_add_fmt(out, ", in %zu rule%s%s:", r->count, r->count == 1 ? "" : "s",
			    r->fewest ? ", and no fewer would do" : "");
	buf_add_byte(out, '\n');
	for (size_t i = 0; i < r->count && i < SHOWN_MAX; i++) {
		buf_add_z(out, "  ");
		accord_rule_write(&x->grid, &r->rules[i], out);
		buf_add_byte(out, '\n');
	}
	if (r->count > SHOWN_MAX)
		buf_add_fmt(out, "  and %zu more: --json lists them\n", r->count - SHOWN_MAX);
	if (r->undescribed != 0)
		buf_add_fmt(out, "  and %" PRIu32 " cases that no rule was made for\n",
			    r->undescribed);
}

static void answer_text(const struct accord_answer *x, struct buf *out)
{
	buf_add_fmt(out, "%-16s %10s %10s %14s   of %" PRIu32 " cases\n", "", "forbidden",
		    "allowed", "undetermined", x->grid.points);
	for (size_t i = 0; i < x->side_count; i++) {
		const struct accord_side *s = &x->sides[i];

		buf_add_fmt(out, "%-16.*s %10" PRIu32 " %10" PRIu32 " %14" PRIu32 "\n",
			    SLICE_ARG(s->name), s->forbids, s->allows, s->open);
	}
	buf_add_fmt(out, "%-16s %10" PRIu32 " %10" PRIu32 "\n", "all of them", x->all_forbid,
		    x->all_allow);
	if (x->side_count > 1)
		buf_add_fmt(out,
			    "\none forbids what another allows in %" PRIu32
			    " cases; words leave %" PRIu32 " more undetermined\n",
			    x->clash, x->open);
	for (size_t i = 0; i < x->side_count; i++)
		for (size_t k = i + 1; k < x->side_count; k++) {
			uint32_t both, either;

			accord_both(x, i, k, &both, &either);
			buf_add_fmt(out,
				    "  %.*s and %.*s both forbid %" PRIu32 ", of %" PRIu32
				    " that either forbids\n",
				    SLICE_ARG(x->sides[i].name), SLICE_ARG(x->sides[k].name), both,
				    either);
		}
	rules_text(x, x->side_count > 1 ? "What all of them forbid" : "What it forbids", &x->core,
		   out);
	if (x->side_count > 1)
		rules_text(x, "Where one forbids what another allows", &x->clashes, out);
	for (size_t i = 0; i < x->left_out_count; i++)
		buf_add_fmt(out, "%s%.*s",
			    i ? ", " : "\nunknown in all cases, for there are too many: ",
			    SLICE_ARG(x->left_out[i]));
	if (x->left_out_count != 0)
		buf_add_byte(out, '\n');
	if (x->word_count != 0)
		buf_add_z(out, "\nOne word, two meanings:\n");
	for (size_t i = 0; i < x->word_count; i++) {
		const struct accord_word *w = &x->words[i];

		buf_add_fmt(out, "  %.*s\n    %.*s: %.*s\n    %.*s: %.*s\n", SLICE_ARG(w->term),
			    SLICE_ARG(w->one), SLICE_ARG(w->one_says), SLICE_ARG(w->other),
			    SLICE_ARG(w->other_says));
	}
	matters_text(x, out);
}

int cmd_treaty_compare(struct cli *c)
{
	struct accord_question q = {.sides = c->words + 1,
				    .side_count = c->word_count - 1,
				    .clause = cli_value(c, "clause")};
	struct cmd_treaties treaties;
	struct accord_answer x;
	struct buf out = buf_in(c->arena);
	struct fail why = {0};
	int code = cmd_treaty_load(c, &treaties);

	if (code != CLI_DONE)
		return code;
	if (!cmd_treaty_at(c, &q.at))
		return CLI_CANNOT;
	q.treaties = treaties.list;
	q.treaty_count = treaties.count;
	if (accord_compare(&q, c->arena, &x, &why) != ST_OK)
		return cli_cannot(c, &why);
	if (cli_value(c, "json").ptr != NULL)
		answer_json(&x, &out);
	else
		answer_text(&x, &out);
	return cli_print(c, buf_slice(&out)) ? CLI_DONE : CLI_CANNOT;
}
