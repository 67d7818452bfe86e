/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "console/cli/cli.h"
#include "console/cli/talk.h"
#include "daemon/daemon.h"

static const struct cli_option options[] = {
	{0, "classification", "FILE", false,
	 "classification.config instead of the built-in classes."},
	{'c', "config", "FILE", true, "suricata.yaml with the variables."},
	{0, "set", "NAME=VALUE", true,
	 "A setting by its path, or a variable: HOME_NET=[10.0.0.0/8]."},
	{0, "json", NULL, false,
	 "For machines: {\"loaded\":N,\"failed\":M,\"unsupported\":{keyword:count}}."},
	{0, "all", NULL, false, "List every problem, not the first 20."},
	{0},
};

static void write_json(const struct daemon_rules *r, const struct daemon_keyword_count *k, size_t n,
		       struct buf *out)
{
	struct json j = json_in(out);

	json_object(&j);
	json_key(&j, "loaded");
	json_u64(&j, detect_rules_count(r->compiled));
	json_key(&j, "failed");
	json_u64(&j, r->set.problem_count);
	json_key(&j, "unsupported");
	json_object(&j);
	for (size_t i = 0; i < n; i++) {
		json_key_slice(&j, k[i].keyword);
		json_u64(&j, k[i].rules);
	}
	json_end(&j);
	json_key(&j, "problems");
	json_array(&j);
	for (size_t i = 0; i < r->set.problem_count; i++) {
		const struct rule_problem *p = &r->set.problems[i];

		json_object(&j);
		json_key(&j, "file");
		json_str(&j, p->file);
		json_key(&j, "line");
		json_u64(&j, p->line);
		json_key(&j, "sid");
		json_u64(&j, p->sid);
		json_key(&j, "text");
		json_str(&j, p->text);
		json_end(&j);
	}
	json_end(&j);
	json_end(&j);
	buf_add_byte(out, '\n');
}

static int run(struct cli *c)
{
	struct daemon_rules_source src;
	struct daemon_keyword_count *keywords;
	struct buf out = buf_in(c->arena);
	struct daemon_progress progress;
	struct daemon_rules rules;
	struct config *config;
	struct fail why;
	size_t n;
	int code;

	if (!slice_equal(c->words[0], SLICE("check"))) {
		cli_say(c, "\"%.*s\" is not known; there is: check", SLICE_ARG(c->words[0]));
		return CLI_CANNOT;
	}
	if (talk_config(c, &config, &why) != ST_OK)
		return cli_cannot(c, &why);
	src = talk_rules_source(c, config);
	src.files = &c->words[1];
	src.file_count = c->word_count - 1;
	if (src.file_count == 0) {
		cli_say(c, "which rule file? dewline rules check FILE...");
		return CLI_CANNOT;
	}
	progress = talk_progress(c);
	if (daemon_rules_load(&src, &progress, c->arena, &rules, &why) != ST_OK)
		return cli_cannot(c, &why);
	n = daemon_rules_unsupported(&rules, c->arena, &keywords);
	if (cli_value(c, "json").ptr != NULL)
		write_json(&rules, keywords, n, &out);
	else
		talk_rules(&rules, cli_value(c, "all").ptr ? SIZE_MAX : 20, c->arena, &out);
	code = rules.set.problem_count == rules.set.warning_count ? CLI_DONE : CLI_NO;
	daemon_rules_close(&rules);
	return cli_print(c, buf_slice(&out)) ? code : CLI_CANNOT;
}

COMMAND(rules) = {
	.name = "rules",
	.usage = "rules check [--json] FILE...",
	.doc = "Checks signature files: what loads, what does not, and which keyword stopped it.",
	.more = "Exit 0 when every rule loads, 1 when some do not, 2 when a file cannot be "
		"read.\n\n"
		"Examples:\n"
		"  dewline rules check emerging-all.rules\n"
		"  dewline rules check --json my.rules | jq .unsupported\n"
		"  dewline rules check --set 'HOME_NET=[203.0.113.0/24]' my.rules\n",
	.options = options,
	.words_least = 1,
	.words_most = CLI_VALUES_MAX,
	.run = run,
};
