/* SPDX-License-Identifier: Apache-2.0
 * dewline treaty pairs: where each line of a clause runs, as cases that parties sign. */
#include "assess/accord/accord.h"
#include "base/json.h"
#include "console/cli/treaty.h"

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
	if (cli_value(c, "expect").ptr != NULL)
		return cmd_treaty_expect(c, &treaties, &law, cli_value(c, "expect"));
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
