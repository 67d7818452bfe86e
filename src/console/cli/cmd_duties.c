/* SPDX-License-Identifier: Apache-2.0
 * dewline duties: requests and answers under the clocks, grounds and consequences of treaties. */
#include "console/cli/duties.h"

static const struct cli_option options[] = {
	{0, "treaty", "FILE", true, "A treaty file. Without one: those that ship in the program."},
	{0, "at", "TIME", false,
	 "Look from that moment, a date or a time, or \"end\", when all clocks have run out; else "
	 "from the last entry's."},
	{0, "readings", "ID", false,
	 "show: the instrument under whose readings the answer is put; else \"territory\"."},
	{0, "json", NULL, false, "For machines: one object a line."},
	{0},
};

static int run(struct cli *c)
{
	static const struct cli_act acts[] = {
		{"check", cmd_duties_check, 1, CLI_VALUES_MAX},
		{"run", cmd_duties_run, 1, 1},
		{"show", cmd_duties_show, 2, 2},
		{"report", cmd_duties_report, 1, 1},
		{"orders", cmd_duties_orders, 1, 1},
		{"claims", cmd_duties_claims, 2, 2},
		{0},
	};

	return cli_act(c, acts);
}

COMMAND(duties) = {
	.name = "duties",
	.usage = "duties check LEDGER... | run LEDGER | show LEDGER REQUEST | report LEDGER | "
		 "orders LEDGER | claims LEDGER REQUEST",
	.doc = "What was asked between parties, what was owed, and what came of it.",
	.more = "A ledger is a file of dated entries: requests, answers, refusals, votes, orders; "
		"one "
		"JSON object a line. The\n"
		"duties of the treaties that bind both sides say by when something is owed, on "
		"which "
		"grounds it may be refused,\n"
		"and what follows if it is not done. run prints every case and what came of it; "
		"show "
		"one request, from its\n"
		"first entry to its last, with the readings of who answers for a territory side by "
		"side; report how each clause\n"
		"and each party did, how long it took, and which words let somebody off; orders "
		"what "
		"may be throttled, as\n"
		"dewline throttle wants it; claims what the ledger says, for dewline treaty judge. "
		"check only reads.\n\n"
		"There is no clock but the ledger's: silence is found at the deadline, whoever "
		"looks, "
		"and whenever. A time that\n"
		"no number limits is measured, and never said to be in time. The format: "
		"docs/formats/duties.md.\n\n"
		"Exit 0 when it was done, 1 when the ledger or a treaty is wrong or there is no "
		"such "
		"request, 2 when it could\nnot be done.\n\n"
		"Examples:\n"
		"  dewline duties run ledger.jsonl\n"
		"  dewline duties run --at end --json ledger.jsonl\n"
		"  dewline duties show ledger.jsonl R1\n"
		"  dewline duties report --treaty treaties/line.treaty ledger.jsonl\n"
		"  dewline duties orders --at 2026-11-22T12:00:00Z ledger.jsonl\n"
		"  dewline duties claims ledger.jsonl R1 > incident.json && dewline treaty judge "
		"incident.json\n",
	.options = options,
	.words_least = 1,
	.words_most = CLI_VALUES_MAX,
	.run = run,
};
