/* SPDX-License-Identifier: Apache-2.0
 * dewline treaty: what treaties say, what breaks them, and what parties agree on. */
#include "console/cli/treaty.h"

static const struct cli_option options[] = {
	{0, "treaty", "FILE", true,
	 "judge, compare, pairs: a treaty file. Without one: those that ship in the program."},
	{0, "clause", "ID", false, "compare, pairs: only this clause."},
	{0, "at", "DATE", false,
	 "compare, pairs: the law of that day, as YYYY-MM-DD, not of the end of all days."},
	{0, "expect", "FILE", false,
	 "pairs: whether all cases in FILE, as --json wrote them, still are on their side."},
	{0, "standards", "FILE", true,
	 "judge: a party's own standards of proof, signed; its side is judged by them, too."},
	{0, "key", "PARTY=KEY", true,
	 "judge, standards: a party's verifier key, or the file that holds it."},
	{0, "signer", "FILE", false, "standards: sign the sheet with this key."},
	{'w', "write", "FILE", false, "standards --signer: to this file, not to the output."},
	{0, "json", NULL, false,
	 "For machines; judge and pairs write a line for each, check one for each file."},
	{0},
};

static int run(struct cli *c)
{
	static const struct cli_act acts[] = {
		{"check", cmd_treaty_check, 0, CLI_VALUES_MAX},
		{"explain", cmd_treaty_explain, 0, CLI_VALUES_MAX},
		{"judge", cmd_treaty_judge, 0, CLI_VALUES_MAX},
		{"compare", cmd_treaty_compare, 0, CLI_VALUES_MAX},
		{"pairs", cmd_treaty_pairs, 0, CLI_VALUES_MAX},
		{"standards", cmd_treaty_standards, 0, CLI_VALUES_MAX},
		{0},
	};

	return cli_act(c, acts);
}

COMMAND(treaty) = {
	.name = "treaty",
	.usage = "treaty check FILE... | explain [FILE..] | judge INCIDENT | compare A B.. | "
		 "pairs [A [B]] | standards FILE",
	.doc = "Treaties: what is wrong with a text, what breaks it, what parties agree on.",
	.more = "check compiles: each error as file:line:column and what was expected, then notes "
		"on "
		"vague words, on what\n"
		"nobody can see, and the share of scenarios that each clause leaves undetermined. "
		"explain prints a page with\n"
		"each article beside its logic, and first what cannot be verified. judge reads "
		"what "
		"is claimed of an incident,\n"
		"or a bulletin, and judges every clause: the verdict, why, and what would change "
		"it, "
		"on all evidence and on\n"
		"what is public. compare asks parties or instruments about the same cases: what "
		"all "
		"forbid, in the fewest\n"
		"rules, where one forbids what another allows, and what words leave open. pairs "
		"prints two cases on either\n"
		"side of every line, for signing. standards checks who signed a sheet of standards "
		"of proof, or signs it;\n"
		"with --standards judge says of each clause what it comes to by each side's own. "
		"The language:\n"
		"docs/formats/treaty.md; sheets: docs/formats/standards.md.\n\n"
		"Exit 0 when it was done, 1 when a treaty does not compile, a signed case is no "
		"longer "
		"as it was, or a\nsheet is not signed by its party, 2 when it could not be "
		"done.\n\n"
		"Examples:\n"
		"  dewline treaty check treaties/cwlt.treaty\n"
		"  dewline treaty explain treaties/budapest.treaty\n"
		"  dewline treaty judge incident.json --treaty treaties/cwlt.treaty\n"
		"  dewline treaty compare --clause budapest.2 US DE CH CZ JP\n"
		"  dewline treaty compare --json budapest cwlt\n"
		"  dewline treaty pairs --json --clause budapest.2 US JP > signed.jsonl\n"
		"  dewline treaty pairs --expect signed.jsonl US JP\n"
		"  dewline treaty standards --signer kr.key kr.standards -w kr.signed\n"
		"  dewline treaty judge incident.json --standards kr.signed --key KR=kr.vkey\n",
	.options = options,
	.words_least = 1,
	.words_most = CLI_VALUES_MAX,
	.run = run,
};
