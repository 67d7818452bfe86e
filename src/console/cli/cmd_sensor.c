/* SPDX-License-Identifier: Apache-2.0 */
#include "console/cli/cli.h"
#include "console/cli/talk.h"
#include "daemon/daemon.h"

static const struct cli_option options[] = {
	{'r', "read", "CAPTURE", true, "Capture file (pcap or pcapng); - reads standard input."},
	{'S', "rules", "FILE", true, "Signatures in the Suricata rule language."},
	{'l', "log-dir", "DIR", false,
	 "Where eve.json is written (appended to); default: this folder."},
	{'T', "test", NULL, false, "Only test the rule files: exit 1 if any rule does not load."},
	{0, "classification", "FILE", false,
	 "classification.config instead of the built-in classes."},
	{0, "set", "VAR=VALUE", true, "An address or port variable, e.g. HOME_NET=[10.0.0.0/8]."},
	{0, "stats", NULL, false, "Print what inspection cost and lost."},
	{0, "midstream", NULL, false, "Also follow TCP sessions whose beginning was not seen."},
	{0},
};

static int test_rules(struct cli *c, const struct daemon_rules_source *src)
{
	struct daemon_progress progress = talk_progress(c);
	struct buf out = buf_in(c->arena);
	struct daemon_rules rules;
	struct fail why;
	int code;

	if (daemon_rules_load(src, &progress, c->arena, &rules, &why) != ST_OK)
		return cli_cannot(c, &why);
	talk_rules(&rules, SIZE_MAX, c->arena, &out);
	code = rules.set.problem_count == 0 ? CLI_DONE : CLI_NO;
	daemon_rules_close(&rules);
	return cli_print(c, buf_slice(&out)) ? code : CLI_CANNOT;
}

static int run(struct cli *c)
{
	struct daemon_sensor_options o = {.dir = cli_value(c, "log-dir"),
					  .midstream = cli_value(c, "midstream").ptr != NULL,
					  .progress = talk_progress(c)};
	struct daemon_sensor_result result = {0};
	struct fail why;
	int code;

	o.captures = cli_values(c, "read", &o.capture_count);
	o.rules = talk_rules_source(c);
	if (o.dir.ptr == NULL)
		o.dir = SLICE(".");
	if (cli_value(c, "test").ptr != NULL) {
		if (o.rules.file_count == 0) {
			cli_say(c, "-T tests rule files: name them with -S FILE");
			return CLI_CANNOT;
		}
		return test_rules(c, &o.rules);
	}
	if (o.capture_count == 0) {
		cli_say(c, "which capture? Name it with -r FILE");
		return CLI_CANNOT;
	}
	if (daemon_sensor(&o, c->arena, &result, &why) != ST_OK)
		code = cli_cannot(c, &why);
	else {
		code = talk_read(c, o.rules.file_count ? &result.rules : NULL, result.captures,
				 result.capture_count);
		cli_say(c, "%llu records in %.*s", (unsigned long long)result.records,
			SLICE_ARG(result.eve_path));
	}
	if (code != CLI_CANNOT && cli_value(c, "stats").ptr != NULL) {
		struct buf out = buf_in(c->arena);

		for (size_t i = 0; i < result.capture_count; i++)
			talk_counters(&result.captures[i], &out);
		code = cli_print(c, buf_slice(&out)) ? code : CLI_CANNOT;
	}
	daemon_rules_close(&result.rules);
	return code;
}

COMMAND(sensor) = {
	.name = "sensor",
	.usage = "sensor -r CAPTURE... [-S RULES]... [-l DIR]",
	.doc = "A station alone: inspects captures and writes eve.json, without a log or a "
	       "verdict.",
	.more = "eve.json is compatible with what reads Suricata's. Exit 0 when all was inspected, "
		"1 when -T found\n"
		"a bad rule, 2 when a file could not be read to its end.\n\n"
		"Examples:\n"
		"  dewline sensor -r traffic.pcap -S my.rules -l out\n"
		"  dewline sensor -T -S my.rules\n"
		"  tcpdump -w - -c 1000 | dewline sensor -r - -l out\n",
	.options = options,
	.run = run,
};
