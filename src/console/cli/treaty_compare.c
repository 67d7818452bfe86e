/* SPDX-License-Identifier: Apache-2.0
 * dewline treaty compare and pairs: what parties agree on, and where each line runs. */
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

/* ---- pairs ---------------------------------------------------------------------------------- */

static void facts_json(struct json *j, const struct treaty *t, const struct accord_pairs *all,
		       const struct accord_pair *p, bool broken)
{
	json_key(j, broken ? "breach" : "no-breach");
	json_object(j);
	for (size_t i = 0; i < all->term_count; i++) {
		bool holds = p->facts[i] != 0;

		if (!broken && all->terms[i] == p->term)
			holds = !holds;
		json_key_slice(j, treaty_term_name(t, all->terms[i]));
		json_bool(j, holds);
	}
	json_end(j);
}

static void pair_json(const struct treaty *t, size_t clause, const struct accord_pairs *all,
		      const struct accord_pair *p, struct buf *out)
{
	struct json j = json_in(out);

	json_object(&j);
	json_member_str(&j, "clause", treaty_clause_id(t, clause));
	json_member_str(&j, "differs", treaty_term_name(t, p->term));
	facts_json(&j, t, all, p, true);
	facts_json(&j, t, all, p, false);
	json_end(&j);
	buf_add_byte(out, '\n');
}

static void pair_text(const struct treaty *t, size_t clause, const struct accord_pairs *all,
		      const struct accord_pair *p, struct buf *out)
{
	bool first = true;

	buf_add_fmt(out, "%.*s: ", SLICE_ARG(treaty_clause_id(t, clause)));
	for (size_t i = 0; i < all->term_count; i++) {
		if (p->facts[i] == 0 || all->terms[i] == p->term)
			continue;
		buf_add_fmt(out, "%s%.*s", first ? "" : ", ",
			    SLICE_ARG(treaty_term_name(t, all->terms[i])));
		first = false;
	}
	buf_add_fmt(out, "%s\n    %s %.*s: breach;  %s it: no breach\n",
		    first ? "nothing else" : "", p->holds ? "with" : "without",
		    SLICE_ARG(treaty_term_name(t, p->term)), p->holds ? "without" : "with");
}

static enum status pairs_of(struct cli *c, const struct treaty *t, size_t clause,
			    const struct treaty_law *law, struct buf *out, struct fail *why)
{
	bool json = cli_value(c, "json").ptr != NULL;
	struct accord_pairs all;
	enum status st = accord_pairs_find(t, clause, law, c->arena, &all, why);

	for (size_t i = 0; st == ST_OK && i < all.count; i++)
		(json ? pair_json : pair_text)(t, clause, &all, &all.pairs[i], out);
	return st;
}

int cmd_treaty_pairs(struct cli *c)
{
	struct slice only = cli_value(c, "clause");
	struct treaty_law law = {0};
	struct cmd_treaties treaties;
	struct buf out = buf_in(c->arena);
	struct fail why = {0};
	bool found = only.len == 0;
	int code = cmd_treaty_load(c, &treaties);

	if (code != CLI_DONE)
		return code;
	if (c->word_count > 3) {
		cli_say(c, "pairs wants at most two parties: dewline treaty pairs US DE");
		return CLI_CANNOT;
	}
	if (!cmd_treaty_at(c, &law.at))
		return CLI_CANNOT;
	law.one = c->word_count > 1 ? c->words[1] : law.one;
	law.other = c->word_count > 2 ? c->words[2] : law.one;
	for (size_t k = 0; k < treaties.count; k++)
		for (size_t i = 0; i < treaty_clause_count(treaties.list[k]); i++) {
			const struct treaty *t = treaties.list[k];

			if (!treaty_clause_judged(t, i) ||
			    (only.len != 0 && !slice_equal(only, treaty_clause_id(t, i))))
				continue;
			found = true;
			if (pairs_of(c, t, i, &law, &out, &why) != ST_OK)
				return cli_cannot(c, &why);
		}
	if (!found) {
		cli_say(c, "no treaty file has a clause \"%.*s\" that is judged", SLICE_ARG(only));
		return CLI_CANNOT;
	}
	return cli_print(c, buf_slice(&out)) ? CLI_DONE : CLI_CANNOT;
}
