/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "console/cli/cli.h"
#include "console/cli/talk.h"
#include "daemon/daemon.h"

static const struct cli_option options[] = {
	{'c', "config", "FILE", true, "suricata.yaml of the sensor: it says where the socket is."},
	{'l', "log-dir", "DIR", true, "The sensor's log folder; default: the configuration's."},
	{0, "set", "NAME=VALUE", true, "A setting of the sensor by its path."},
	{0, "socket", "PATH", false, "The sensor's socket."},
	{0, "json", NULL, false, "As a JSON object, for programs."},
	{0, "prometheus", NULL, false, "In Prometheus's text form."},
	{0, "ready", NULL, false, "Only say whether it inspects: exit 0 or 1."},
	{0},
};

static int run(struct cli *c)
{
	bool prometheus = cli_value(c, "prometheus").ptr != NULL;
	bool ready = cli_value(c, "ready").ptr != NULL;
	struct slice command = ready	    ? SLICE("ready")
			       : prometheus ? SLICE("prometheus")
					    : SLICE("status");
	struct buf out = buf_in(c->arena);
	struct slice text;
	struct fail why;

	if (talk_ask(c, command, 0, &text, &why) != ST_OK) {
		(void)cli_cannot(c, &why);
		return ready ? CLI_NO : CLI_CANNOT;
	}
	if (!ready && !prometheus && cli_value(c, "json").ptr == NULL) {
		if (talk_status(text, &out, &why) != ST_OK)
			return cli_cannot(c, &why);
		return cli_print(c, buf_slice(&out)) ? CLI_DONE : CLI_CANNOT;
	}
	buf_add(&out, text);
	if (text.len == 0 || text.ptr[text.len - 1] != '\n')
		buf_add_byte(&out, '\n');
	return cli_print(c, buf_slice(&out)) ? CLI_DONE : CLI_CANNOT;
}

COMMAND(status) = {
	.name = "status",
	.usage = "status [-c CONFIG] [-l DIR] [--socket PATH] [--json|--prometheus|--ready]",
	.doc = "What a running sensor counts: packets, drops, flows, events, memory, its workers.",
	.more = "A page for a person; --json is the same for programs, and docs/formats/control.md "
		"says "
		"what its members\n"
		"mean. With a sensor that runs with --profile also the rules that cost most. For "
		"Prometheus itself a sensor\n"
		"listens at 127.0.0.1:9477 if its configuration says metrics: {enabled: yes}.\n\n"
		"Examples:\n"
		"  dewline status -l /var/log/dewline\n"
		"  dewline status -l /var/log/dewline --json | jq .kernel_drops\n"
		"  dewline status --socket /run/dewline.sock --prometheus\n"
		"  until dewline status --ready -l out; do sleep 1; done\n",
	.options = options,
	.run = run,
};
