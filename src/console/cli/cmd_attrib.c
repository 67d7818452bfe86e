/* SPDX-License-Identifier: Apache-2.0
 * dewline attrib: who did it, as far as the evidence in a dossier goes. */
#include "assess/dossier/dossier.h"
#include "assess/prior/prior.h"
#include "console/cli/attrib.h"
#include "console/cli/cli.h"

static const struct cli_option options[] = {
	{0, "items", "FILE", false, "The dossier: hypotheses and items of evidence."},
	{0, "at", "DATE", false, "Only what was known by then, as YYYY-MM-DD or RFC 3339."},
	{0, "prior", "FILE", false, "What is held for likely beforehand. Default: built in."},
	{0, "truth", "FILE", false, "score: what the cases turned out to be."},
	{0, "json", NULL, false, "For machines."},
	{0},
};

static enum status read_prior(struct cli *c, struct prior *out, struct fail *why)
{
	struct slice path = cli_value(c, "prior"), text;

	if (path.ptr == NULL)
		return prior_parse(prior_builtin_name(), prior_builtin_text(), out, why);
	if (!cli_read(c, path, PRIOR_TEXT_MAX, &text))
		return fail_set(why, ST_IO, "no prior");
	return prior_parse(path, text, out, why);
}

/* --at: a day is its end, so that what became known on it is known. */
static enum status read_time(struct cli *c, struct wall_ns *out, struct fail *why)
{
	struct slice s = cli_value(c, "at"), given = s;

	*out = (struct wall_ns){0};
	if (s.ptr == NULL)
		return ST_OK;
	if (s.len == 10)
		s = buf_text(c->arena, "%.*sT23:59:59Z", SLICE_ARG(s));
	return time_parse(s, out) && out->ns != 0
		       ? ST_OK
		       : fail_set(why, ST_INVALID, "--at: expected YYYY-MM-DD, found \"%.*s\"",
				  SLICE_ARG(slice_part(given, 0, 40)));
}

static int judge(struct cli *c, struct slice path,
		 void (*write)(const struct dossier_finding *f, struct buf *out))
{
	struct dossier *d = ARENA_NEW(c->arena, struct dossier);
	struct dossier_finding *f = ARENA_NEW(c->arena, struct dossier_finding);
	struct prior *prior = ARENA_NEW(c->arena, struct prior);
	struct buf out = buf_in(c->arena);
	struct fail why = {0};
	struct wall_ns then;
	struct slice text;
	enum status st;

	if (d == NULL || f == NULL || prior == NULL)
		return fail_set(&why, ST_NOMEM, "no memory"), cli_cannot(c, &why);
	if (!cli_read(c, path, DOSSIER_BYTES_MAX, &text))
		return CLI_CANNOT;
	st = read_prior(c, prior, &why);
	if (st == ST_OK)
		st = read_time(c, &then, &why);
	if (st == ST_OK)
		st = dossier_read(path, text, prior, then, c->arena, d, &why);
	if (st == ST_OK)
		st = dossier_judge(d, c->arena, f, &why);
	if (st != ST_OK)
		return cli_cannot(c, &why);
	write(f, &out);
	if (out.full)
		return fail_set(&why, ST_NOMEM, "no memory"), cli_cannot(c, &why);
	return cli_print(c, buf_slice(&out)) ? CLI_DONE : CLI_CANNOT;
}

static int explain(struct cli *c)
{
	int code = CLI_DONE;

	for (size_t i = 1; i < c->word_count && code == CLI_DONE; i++) {
		if (i > 1 && !cli_print(c, SLICE("\n")))
			return CLI_CANNOT;
		code = judge(c, c->words[i], dossier_write_words);
	}
	return code;
}

static int kinds(struct cli *c)
{
	struct buf out = buf_in(c->arena);

	buf_add_fmt(&out, "%-15s %-10s %-4s %-11s %-14s %s\n", "kind", "", "to", "ratio",
		    "to forge", "what it is");
	for (const struct dossier_kind *k = dossier_kinds; k->name != NULL; k++)
		buf_add_fmt(&out, "%-15s %-10s L%-3u %d.%d-%-7d %-14s %s\n", k->name,
			    k->technical ? "technical" : "", k->level, k->lr_lo / 1000,
			    k->lr_lo % 1000 / 100, k->lr_hi / 1000, dossier_forgings[k->forging],
			    k->doc);
	return cli_print(c, buf_slice(&out)) ? CLI_DONE : CLI_CANNOT;
}

static int run(struct cli *c)
{
	static const struct cli_act acts[] = {
		{"explain", explain, 1, CLI_VALUES_MAX},
		{"score", cmd_attrib_score, 1, CLI_VALUES_MAX},
		{"kinds", kinds, 0, 0},
		{0},
	};
	struct slice items = cli_value(c, "items");

	if (c->word_count != 0)
		return cli_act(c, acts);
	if (items.ptr == NULL) {
		cli_say(c, "there is no dossier: dewline attrib --items FILE.json");
		return CLI_CANNOT;
	}
	return judge(c, items,
		     cli_value(c, "json").ptr != NULL ? dossier_write_json : dossier_write_table);
}

COMMAND(attrib) = {
	.name = "attrib",
	.usage = "attrib --items FILE | explain FILE... | score --truth FILE RESULT... | kinds",
	.doc = "Who did it, how likely, on what that rests, and what would change it.",
	.more = "A dossier names hypotheses and items of evidence: each with a kind, a grade, a "
		"range for its likelihood ratio,\n"
		"what it takes to forge, whether it is sealed. attrib prints the three upper rungs "
		"of the ladder and, for the\n"
		"likeliest answer, eight numbers: all evidence or what is public, all items or "
		"none that are cheap to forge,\n"
		"the published prior or a flat one. explain says the same in sentences, with what "
		"it rests on, what it takes to\n"
		"fake it, and what to find out next. score compares results written earlier (with "
		"--json) with what turned out\n"
		"to be true, stage by stage. The format: docs/formats/evidence.md.\n\n"
		"Exit 0 when it was done, 2 when it could not be done.\n\n"
		"Examples:\n"
		"  dewline attrib --items case.json\n"
		"  dewline attrib --items case.json --json --at 2018-02-12\n"
		"  dewline attrib explain case.json\n"
		"  dewline attrib score --truth truth.json b1.json b2.json b3.json\n"
		"  dewline attrib kinds\n",
	.options = options,
	.words_least = 0,
	.words_most = CLI_VALUES_MAX,
	.run = run,
};
