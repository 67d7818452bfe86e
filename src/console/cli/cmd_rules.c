/* SPDX-License-Identifier: Apache-2.0
 * dewline rules: what there is to know about signature files. */
#include "base/text.h"
#include "console/cli/rules.h"
#include "console/cli/talk.h"

static const struct cli_option options[] = {
	{0, "classification", "FILE", false,
	 "classification.config instead of the built-in classes."},
	{'c', "config", "FILE", true, "suricata.yaml with variables, thresholds and lists."},
	{0, "set", "NAME=VALUE", true,
	 "A setting by its path, or a variable: HOME_NET=[10.0.0.0/8]."},
	{0, "json", NULL, false,
	 "For machines; list and profile write a line for each rule, check and explain an object."},
	{0, "all", NULL, false, "Every problem, or every rule that cost anything, not the first."},
	{'r', "read", "CAPTURE", true, "profile: what the rules are asked about."},
	{'o', "output", "FILE", false, "update: the rule file that is replaced."},
	{0, "sha256", "HEX", false, "update: refuse a source that has another hash."},
	{0, "dry-run", NULL, false, "update: check and compare, but replace nothing."},
	{0, "force", NULL, false, "update: also if some rules that loaded before no longer do."},
	{0},
};

static int run(struct cli *c)
{
	static const struct cli_act acts[] = {
		{"check", rules_check, 0, CLI_VALUES_MAX},
		{"list", rules_list, 0, CLI_VALUES_MAX},
		{"explain", rules_explain, 0, CLI_VALUES_MAX},
		{"profile", rules_profile, 0, CLI_VALUES_MAX},
		{"update", rules_update, 0, CLI_VALUES_MAX},
		{0},
	};

	return cli_act(c, acts);
}

COMMAND(rules) = {
	.name = "rules",
	.usage = "rules check|list FILE... | explain SID FILE... | profile -r CAPTURE FILE... | "
		 "update SOURCE -o FILE",
	.doc = "Signature files: what loads and why not, what a rule asks and costs, and new ones.",
	.more = "check says what loads, what does not, and which keyword stopped it. list names "
		"every rule. explain says\n"
		"what a rule asks, where it looks and which pattern picks it. profile reads "
		"captures and names the rules\n"
		"that cost most, in steps of inspection, so that two runs say the same. update "
		"takes a file or an http or\n"
		"https address, checks that it loads, and puts it in the place of FILE in one "
		"step: sensors see the old\n"
		"rules or the new.\n\n"
		"Exit 0 when every rule loads (explain: the rule; update: the file was replaced or "
		"is the same), 1 when\n"
		"not, 2 when a file cannot be read.\n\n"
		"Examples:\n"
		"  dewline rules check emerging-all.rules\n"
		"  dewline rules check --json my.rules | jq .unsupported\n"
		"  dewline rules list -c suricata.yaml my.rules\n"
		"  dewline rules explain 2027758 emerging-all.rules\n"
		"  dewline rules profile -r traffic.pcap my.rules\n"
		"  dewline rules update https://rules.example.net/my.rules -o my.rules\n",
	.options = options,
	.words_least = 1,
	.words_most = CLI_VALUES_MAX,
	.run = run,
};
