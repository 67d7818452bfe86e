/* SPDX-License-Identifier: Apache-2.0 */
#include "console/cli/cli.h"
#include "console/cli/talk.h"
#include "daemon/daemon.h"

static const struct cli_option options[] = {
	{0, "listen", "PLACE", true,
	 "Where exporters send: udp://ADDRESS:PORT or tcp://ADDRESS:PORT; default: udp://[::]:4739 "
	 "and "
	 "tcp://[::]:4739."},
	{'r', "read", "FILE", true,
	 "Instead of listening: a capture of datagrams (pcap or pcapng), or an IPFIX file."},
	{'p', "port", "NUMBER", true,
	 "Port of the datagrams in captures; default: 2055, 4739, 9995 and 9996."},
	{0, "allow", "NETWORK", true,
	 "Exporters that are believed, such as 192.0.2.0/24; default: everybody."},
	{0, "user", "NAME", false, "Whom to become once sockets are open."},
	{0, "group", "NAME", false, "The group; default: that of the user."},
	{'c', "config", "FILE", true, "suricata.yaml: its outputs are written to."},
	{'l', "log-dir", "DIR", true,
	 "Where eve.json is written (appended to); default: this folder."},
	{0, "set", "NAME=VALUE", true, "A setting by its path (sensor-name=branch)."},
	{0},
};

static void say_line(void *ctx, const char *text)
{
	cli_say(ctx, "%s", text);
}

static void say_result(struct cli *c, const struct daemon_collect_result *r)
{
	cli_say(c, "%llu messages, %llu records, %llu flows, %llu anomalies in %.*s",
		(unsigned long long)r->messages, (unsigned long long)r->records,
		(unsigned long long)r->flows, (unsigned long long)r->anomalies,
		SLICE_ARG(r->eve_path));
	if (r->lost + r->dropped + r->undecodable + r->malformed + r->refused == 0)
		return;
	cli_say(c,
		"%llu records did not come, by their numbers; %llu messages had no room here, %llu "
		"were malformed, %llu of nobody who is allowed, %llu sets without a template",
		(unsigned long long)r->lost, (unsigned long long)r->dropped,
		(unsigned long long)r->malformed, (unsigned long long)r->refused,
		(unsigned long long)r->undecodable);
}

static int run(struct cli *c)
{
	struct daemon_collect_options o = {.ctx = c, .say = say_line};
	struct daemon_collect_result r = {0};
	enum status st;
	struct fail why;

	if (talk_config(c, &o.config, &why) != ST_OK) {
		(void)cli_cannot(c, &why);
		return CLI_NO;
	}
	o.files = cli_values(c, "read", &o.file_count);
	o.listen = cli_values(c, "listen", &o.listen_count);
	o.allow = cli_values(c, "allow", &o.allow_count);
	o.ports = cli_values(c, "port", &o.port_count);
	o.user = cli_value(c, "user");
	o.group = cli_value(c, "group");
	o.dir = cli_value(c, "log-dir");
	o.progress = talk_progress(c);
	if (o.file_count != 0 && o.listen_count != 0) {
		cli_say(c, "-r reads files, --listen opens sockets: one of them");
		return CLI_CANNOT;
	}
	st = daemon_collect(&o, c->arena, &r, &why);
	if (r.collecting)
		say_result(c, &r);
	if (st == ST_OK)
		return CLI_DONE;
	(void)cli_cannot(c, &why);
	return r.collecting || st == ST_IO || st == ST_NOTFOUND ? CLI_CANNOT : CLI_NO;
}

COMMAND(collect) = {
	.name = "collect",
	.usage = "collect [--listen PLACE]...|-r FILE... [--allow NETWORK]... [-l DIR]",
	.doc = "Flows of networks without a station: takes IPFIX and NetFlow 9 and 5, writes "
	       "events.",
	.more = "Pieces of a flow are put together; each becomes a flow event that says who told "
		"it "
		"(exporter) and that\n"
		"nobody saw it (source), and goes to the same detectors as a sensor's own. What "
		"did "
		"not come is counted by\n"
		"sequence numbers and said with every event. Flows of exporters that sample are "
		"scaled, and not judged.\n"
		"It listens until SIGINT or SIGTERM; SIGHUP opens eve.json again. Whoever can send "
		"a datagram can tell\n"
		"flows: name your routers with --allow, and let only them through your filters.\n\n"
		"Exit 0 when it was told to end, or all was read; 1 when an option makes no sense; "
		"2 "
		"when a socket or a\n"
		"file cannot be opened.\n\n"
		"Examples:\n"
		"  dewline collect --listen udp://192.0.2.1:2055 --allow 192.0.2.0/28 -l "
		"/var/log/flows\n"
		"  dewline collect -r netflow.pcap -l out\n"
		"  tcpdump -i eth0 -w branch.pcap udp port 2055   then: dewline watch --flows "
		"branch.pcap\n",
	.options = options,
	.run = run,
};
