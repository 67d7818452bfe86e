/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "console/cli/cli.h"
#include "console/cli/talk.h"
#include "daemon/daemon.h"

enum { PROFILE_ROWS = 30 };

static const struct cli_option options[] = {
	{'r', "read", "CAPTURE", true, "Capture file (pcap or pcapng); - reads standard input."},
	{'i', "interface", "NAME", true, "Network interface to listen to, until told to end."},
	{'q', "queue", "N[:M]", true,
	 "Queue of the packet filter (NFQUEUE), or queues: packets pass if no rule stops them."},
	{0, "af-packet", NULL, true, "All interfaces of the configuration's af-packet section."},
	{0, "bpf", "FILTER", false,
	 "Only packets for which this holds, as in pcap-filter(7): \"not port 22\"."},
	{0, "user", "NAME", false, "Whom to become once interfaces are open."},
	{0, "group", "NAME", false, "The group; default: that of the user."},
	{0, "socket", "PATH", false,
	 "Where status and reload ask; default: dewline.sock in the log folder."},
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
	{0, "runmode", "NAME", true,
	 "Taken for compatibility: a capture is read by one worker, an interface by several."},
	{0, "data-dir", "DIR", true,
	 "Where sets are kept whose rules say state or save; default: default-data-dir of the "
	 "configuration, else the log folder."},
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

static void say_line(void *ctx, const char *text)
{
	cli_say(ctx, "%s", text);
}

/* What the flags mean; false when one of them has no such value, after having said so. */
static bool read_flags(struct cli *c, struct daemon_sensor_options *o)
{
	struct slice checksums = cli_value(c, "checksums");

	o->dir = cli_value(c, "log-dir");
	o->source = talk_config_source(c);
	o->progress = talk_progress(c);
	o->ctx = c;
	o->say = say_line;
	o->captures = cli_values(c, "read", &o->capture_count);
	o->rules = talk_rules_source(c, o->config);
	o->rules.none = given(c, "disable-detection");
	o->rules.data_dir = cli_value(c, "data-dir");
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

/* Whom flows were told, and what was lost on the way. */
static void say_export(struct cli *c, const struct daemon_export_counters *e)
{
	for (size_t i = 0; i < e->collectors; i++) {
		const struct daemon_collector_counters *k = &e->collector[i];
		unsigned long long lost = k->lost + e->full;

		cli_say(c, "%llu flow records to %.*s in %llu messages, %llu lost%s",
			(unsigned long long)k->records, SLICE_ARG(k->name),
			(unsigned long long)k->messages, lost,
			k->refused != 0	   ? "; nobody listened there at times"
			: k->connects == 0 ? "; nobody listens there"
					   : "");
	}
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

/* --- interfaces --- */

/* Rules that were read, again and again: memory for what is said about them must not grow. */
static void say_rules(void *ctx, const struct daemon_rules *r)
{
	struct cli *c = ctx;
	struct arena_pool pool = {.budget = 1 << 22};
	struct arena arena = {.pool = &pool};
	struct buf out = buf_in(&arena);

	talk_rules(r, 5, &arena, &out);
	out.len -= out.len > 0; /* the line feed: cli_say() adds one */
	cli_say(c, "%.*s", SLICE_ARG(buf_slice(&out)));
	arena_reset(&arena);
	arena_pool_drain(&pool);
}

static int run_live(struct cli *c, const struct daemon_sensor_options *s)
{
	struct daemon_live_options o = {.config = s->config,
					.rules = s->rules,
					.dir = s->dir,
					.filter = cli_value(c, "bpf"),
					.socket = cli_value(c, "socket"),
					.user = cli_value(c, "user"),
					.group = cli_value(c, "group"),
					.init_errors_fatal = s->init_errors_fatal,
					.skip_checksums = s->skip_checksums,
					.profile = s->profile,
					.progress = s->progress,
					.ctx = s->ctx,
					.say = s->say,
					.loaded = say_rules};
	struct daemon_live_result r = {0};
	struct fail why;
	enum status st;

	o.interfaces = cli_values(c, "interface", &o.interface_count);
	o.queues = cli_values(c, "queue", &o.queue_count);
	o.source = s->source;
	st = daemon_live(&o, c->arena, &r, &why);
	if (r.guarded)
		return r.code;
	talk_config_problems(c, o.config);
	talk_tenants_problems(c, o.config, r.tenants, r.tenant_count);
	if (r.sensing)
		cli_say(c,
			"%llu packets, %llu dropped by the kernel, %llu flows, %llu records in "
			"%.*s, %llu lost",
			(unsigned long long)r.packets, (unsigned long long)r.dropped,
			(unsigned long long)r.flows, (unsigned long long)r.records,
			SLICE_ARG(r.eve_path), (unsigned long long)r.lost);
	say_export(c, &r.export);
	if (st == ST_OK)
		return CLI_DONE;
	(void)cli_cannot(c, &why);
	if (r.stuck)
		_exit(CLI_CANNOT);
	return r.sensing || st == ST_IO || st == ST_NOTFOUND ? CLI_CANNOT : CLI_NO;
}

static int run(struct cli *c)
{
	struct daemon_sensor_options o = {0};
	struct daemon_sensor_result result = {0};
	struct fail why;
	bool live;
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
	live = given(c, "interface") || given(c, "af-packet") || given(c, "queue");
	if (live == (o.capture_count != 0)) {
		cli_say(c, live ? "-r reads a capture, -i an interface, -q a queue: one of them"
				: "which capture, or which interface? Name it with -r FILE or -i "
				  "NAME");
		return CLI_CANNOT;
	}
	if (live)
		return run_live(c, &o);
	if (daemon_sensor(&o, c->arena, &result, &why) != ST_OK) {
		if (result.rules.set.problem_count != 0)
			(void)talk_read(c, &result.rules, NULL, 0);
		(void)cli_cannot(c, &why);
		code = result.sensing ? CLI_CANNOT : CLI_NO;
		if (result.stuck)
			_exit(CLI_CANNOT);
	} else {
		talk_config_problems(c, o.config);
		talk_tenants_problems(c, o.config, result.tenants, result.tenant_count);
		/* one that breaks off has been said; all before that was inspected, so it is done
		 */
		(void)talk_read(c, result.rules.file_count ? &result.rules : NULL, result.captures,
				result.capture_count);
		code = CLI_DONE;
		cli_say(c, "%llu records in %.*s", (unsigned long long)result.records,
			SLICE_ARG(result.eve_path));
		say_export(c, &result.export);
		if (result.store_errors != 0)
			cli_say(c, "%llu files are not, or not wholly, in the file-store: %s",
				(unsigned long long)result.store_errors,
				strerrordesc_np(result.store_error));
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
	.usage = "sensor [-c CONFIG] -r CAPTURE...|-i NAME... [-S RULES]... [-l DIR] [--set "
		 "NAME=VALUE]...",
	.doc = "A station alone: inspects captures or interfaces and writes eve.json, without a "
	       "log or a verdict.",
	.more = "eve.json is compatible with what reads Suricata's, and so are the options. Exit 0 "
		"when all was\n"
		"inspected, 1 when configuration or rules are bad (rules only with -T or "
		"--init-errors-fatal, else\n"
		"the others load), 2 when a capture cannot be read. One that breaks off is "
		"inspected "
		"up to there.\n\n"
		"On interfaces it listens with one worker a core until SIGINT or SIGTERM. SIGHUP "
		"opens eve.json again\n"
		"and reads the rules again, SIGUSR2 reads the rules; `dewline reload` and "
		"`dewline status` ask it at its\n"
		"socket. It takes root, or CAP_NET_RAW and CAP_NET_ADMIN, and gives them up before "
		"the first packet.\n\n"
		"With seal: {enabled: yes} in the configuration, what it sees is sealed and "
		"committed into a "
		"log of its own\n"
		"within a second, and so is that it saw nothing: dewline log periods "
		"DIR/station/log.\n\n"
		"Several networks on one station have settings, rules and outputs of their own "
		"each: "
		"multi-detect in the\n"
		"configuration.\n\n"
		"Examples:\n"
		"  dewline sensor -i eth1 -c suricata.yaml --user dewline\n"
		"  dewline sensor -r traffic.pcap -S my.rules -l out\n"
		"  dewline sensor -T -S my.rules\n"
		"  dewline sensor -r traffic.pcap -S my.rules -k none --set stream.midstream=true\n"
		"  tcpdump -w - -c 1000 | dewline sensor -r - -l out\n",
	.options = options,
	.run = run,
};
