/* SPDX-License-Identifier: Apache-2.0 */
#include "console/cli/cli.h"
#include "console/cli/talk.h"
#include "daemon/daemon.h"

enum { PROFILE_ROWS = 30 };

static const struct cli_option options[] = {
	{'r', "read", "CAPTURE", true, "Capture file (pcap or pcapng); - reads standard input."},
	{'c', "config", "FILE", true, "suricata.yaml; without it, what Suricata ships with."},
	{'S', "rules", "FILE", true, "Signatures, instead of those that the configuration names."},
	{'s', "more-rules", "FILE", true, "Signatures, besides those of the configuration."},
	{'l', "log-dir", "DIR", true,
	 "Where eve.json is written (appended to); default: this folder."},
	{0, "set", "NAME=VALUE", true,
	 "A setting by its path (stream.midstream=true), or an address or port variable by its "
	 "name in capitals (HOME_NET=[10.0.0.0/8])."},
	{'k', "checksums", "all|none", true, "Whether packets with a wrong checksum are believed."},
	{'T', "test", NULL, true, "Only test configuration and rules: exit 1 if any is bad."},
	{0, "init-errors-fatal", NULL, true, "Exit 1 before the first packet if a rule is bad."},
	{0, "simulate-ips", NULL, true, "Decide on packets as if dewline stood in the line."},
	{0, "disable-detection", NULL, true, "No signatures, whatever else is said."},
	{0, "runmode", "NAME", true, "Taken for compatibility: a capture is read by one worker."},
	{0, "data-dir", "DIR", true, "Where relative names of state files (datasets) start."},
	{0, "classification", "FILE", false,
	 "classification.config instead of the built-in classes."},
	{0, "midstream", NULL, false, "Also follow TCP sessions whose beginning was not seen."},
	{0, "stats", NULL, false, "Print what inspection cost and lost."},
	{0, "profile", NULL, false, "Print the rules that cost most."},
	{'v', "verbose", NULL, true, "Say more, e.g. which settings were not used."},
	{0},
};

static bool given(const struct cli *c, const char *name)
{
	return cli_value(c, name).ptr != NULL;
}

/* What the flags mean; false when one of them has no such value, after having said so. */
static bool read_flags(struct cli *c, struct daemon_sensor_options *o)
{
	struct slice checksums = cli_value(c, "checksums");

	o->dir = cli_value(c, "log-dir");
	o->progress = talk_progress(c);
	o->captures = cli_values(c, "read", &o->capture_count);
	o->rules = talk_rules_source(c, o->config);
	o->rules.none = given(c, "disable-detection");
	o->init_errors_fatal = given(c, "init-errors-fatal");
	o->simulate_ips = given(c, "simulate-ips");
	o->profile = given(c, "profile");
	o->skip_checksums = slice_equal(checksums, SLICE("none"));
	if (checksums.ptr != NULL && !slice_equal(checksums, SLICE("none")) &&
	    !slice_equal(checksums, SLICE("all"))) {
		cli_say(c, "-k %.*s: there are all and none", SLICE_ARG(checksums));
		return false;
	}
	return true;
}

static int test_rules(struct cli *c, const struct daemon_sensor_options *o)
{
	struct buf out = buf_in(c->arena);
	struct daemon_rules rules;
	struct fail why;
	int code;

	if (daemon_rules_load(&o->rules, &o->progress, c->arena, &rules, &why) != ST_OK) {
		(void)cli_cannot(c, &why);
		return CLI_NO;
	}
	talk_config_problems(c, o->config);
	talk_rules(&rules, SIZE_MAX, c->arena, &out);
	code = rules.set.problem_count == rules.set.warning_count ? CLI_DONE : CLI_NO;
	daemon_rules_close(&rules);
	return cli_print(c, buf_slice(&out)) ? code : CLI_CANNOT;
}

static int print_stats(struct cli *c, const struct daemon_sensor_result *r)
{
	struct buf out = buf_in(c->arena);

	for (size_t i = 0; given(c, "stats") && i < r->capture_count; i++)
		talk_counters(&r->captures[i], &out);
	if (given(c, "profile"))
		talk_costs(r->captures, r->capture_count, PROFILE_ROWS, false, c->arena, &out);
	return cli_print(c, buf_slice(&out)) ? CLI_DONE : CLI_CANNOT;
}

static int run(struct cli *c)
{
	struct daemon_sensor_options o = {0};
	struct daemon_sensor_result result = {0};
	struct fail why;
	int code;

	if (talk_config(c, &o.config, &why) != ST_OK) {
		(void)cli_cannot(c, &why);
		return CLI_NO;
	}
	if (!read_flags(c, &o))
		return CLI_CANNOT;
	if (given(c, "test")) {
		if (!given(c, "rules") && !given(c, "config")) {
			cli_say(c, "-T tests a configuration and rule files: name them with -c "
				   "FILE and -S FILE");
			return CLI_CANNOT;
		}
		return test_rules(c, &o);
	}
	if (o.capture_count == 0) {
		cli_say(c, "which capture? Name it with -r FILE");
		return CLI_CANNOT;
	}
	if (daemon_sensor(&o, c->arena, &result, &why) != ST_OK) {
		if (result.rules.set.problem_count != 0)
			(void)talk_read(c, &result.rules, NULL, 0);
		(void)cli_cannot(c, &why);
		code = result.sensing ? CLI_CANNOT : CLI_NO;
	} else {
		talk_config_problems(c, o.config);
		/* one that breaks off has been said; all before that was inspected, so it is done
		 */
		(void)talk_read(c, result.rules.file_count ? &result.rules : NULL, result.captures,
				result.capture_count);
		code = CLI_DONE;
		cli_say(c, "%llu records in %.*s", (unsigned long long)result.records,
			SLICE_ARG(result.eve_path));
		if (result.lost != 0)
			cli_say(c,
				"%llu records are lost: nobody read the socket, or not fast "
				"enough",
				(unsigned long long)result.lost);
	}
	if (code == CLI_DONE && (given(c, "stats") || given(c, "profile")))
		code = print_stats(c, &result);
	daemon_rules_close(&result.rules);
	return code;
}

COMMAND(sensor) = {
	.name = "sensor",
	.usage = "sensor [-c CONFIG] -r CAPTURE... [-S RULES]... [-l DIR] [--set NAME=VALUE]...",
	.doc = "A station alone: inspects captures and writes eve.json, without a log or a "
	       "verdict.",
	.more = "eve.json is compatible with what reads Suricata's, and so are the options. Exit 0 "
		"when all was\n"
		"inspected, 1 when configuration or rules are bad (rules only with -T or "
		"--init-errors-fatal, else\n"
		"the others load), 2 when a capture cannot be read. One that breaks off is "
		"inspected "
		"up to there.\n\n"
		"Examples:\n"
		"  dewline sensor -r traffic.pcap -S my.rules -l out\n"
		"  dewline sensor -T -S my.rules\n"
		"  dewline sensor -r traffic.pcap -S my.rules -k none --set stream.midstream=true\n"
		"  tcpdump -w - -c 1000 | dewline sensor -r - -l out\n",
	.options = options,
	.run = run,
};
