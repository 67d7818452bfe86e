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
	 "For machines; judge, pairs and vocabulary write a line for each, check one for each "
	 "file."},
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
		{"vocabulary", cmd_treaty_vocabulary, 0, CLI_VALUES_MAX},
		{0},
	};

	return cli_act(c, acts);
}

COMMAND(treaty) = {
	.name = "treaty",
	.usage = "treaty check | explain | judge | compare | pairs | standards | vocabulary  "
		 "WHAT...",
	.doc = "Treaties: what is wrong with a text, what breaks it, what parties agree on.",
	.more = "check FILE... compiles: each error as file:line:column and what was expected, "
		"then "
		"notes on vague words, on\n"
		"what nobody can see, and the share of scenarios that each clause leaves "
		"undetermined. explain [FILE...] prints\n"
		"a page with each article beside its logic, and first what cannot be verified. "
		"judge INCIDENT reads what is\n"
		"claimed of an incident, or a bulletin, and judges every clause: the verdict, why, "
		"and what would change it, on\n"
		"all evidence and on what is public. compare A B... asks parties or instruments "
		"about the same cases: what all\n"
		"forbid, in the fewest rules, where one forbids what another allows, and what "
		"words leave open. pairs [A [B]]\n"
		"prints two cases on either side of every line, for signing. standards FILE... "
		"checks who signed a sheet of\n"
		"standards of proof, or signs it; with --standards judge says of each clause what "
		"it comes to by each side's own.\n"
		"vocabulary [CLASS | SCHEME | scales | NUMBER]... prints our closed lists with "
		"their counterparts in STIX 2.1,\n"
		"EuRepoC, VERIS, RSIT, NIS2, TLP 2.0, Healey's spectrum and the articles on state "
		"responsibility, those lists\n"
		"with ours, and what has none; or a number in the words of six scales. The "
		"language: docs/formats/treaty.md;\n"
		"sheets: docs/formats/standards.md; words: docs/formats/vocabulary.md.\n\n"
		"Exit 0 when it was done, 1 when a treaty does not compile, a signed case is no "
		"longer as it was, or a sheet is\n"
		"not signed by its party, 2 when it could not be done.\n\n"
		"Examples:\n"
		"  dewline treaty check treaties/cwlt.treaty\n"
		"  dewline treaty explain treaties/budapest.treaty\n"
		"  dewline treaty judge incident.json --treaty treaties/cwlt.treaty\n"
		"  dewline treaty compare --clause budapest.2 US DE CH CZ JP\n"
		"  dewline treaty compare --json budapest cwlt\n"
		"  dewline treaty pairs --json --clause budapest.2 US JP > signed.jsonl\n"
		"  dewline treaty pairs --expect signed.jsonl US JP\n"
		"  dewline treaty standards --signer kr.key kr.standards -w kr.signed\n"
		"  dewline treaty judge incident.json --standards kr.signed --key KR=kr.vkey\n"
		"  dewline treaty vocabulary actor-type\n"
		"  dewline treaty vocabulary 0.42\n",
	.options = options,
	.words_least = 1,
	.words_most = CLI_VALUES_MAX,
	.run = run,
};
