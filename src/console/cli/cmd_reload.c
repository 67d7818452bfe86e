/* SPDX-License-Identifier: Apache-2.0 */
#include "console/cli/cli.h"
#include "console/cli/talk.h"
#include "daemon/daemon.h"

static const struct cli_option options[] = {
	{'c', "config", "FILE", true, "suricata.yaml of the sensor: it says where the socket is."},
	{'l', "log-dir", "DIR", true, "The sensor's log folder; default: the configuration's."},
	{0, "set", "NAME=VALUE", true, "A setting of the sensor by its path."},
	{0, "socket", "PATH", false, "The sensor's socket."},
	{0},
};

static int run(struct cli *c)
{
	struct slice text;
	struct fail why;

	if (talk_ask(c, SLICE("reload"), &text, &why) == ST_OK) {
		cli_say(c, "the sensor inspects with the rules as they are now");
		return CLI_DONE;
	}
	(void)cli_cannot(c, &why);
	return why.status == ST_REFUSED ? CLI_NO : CLI_CANNOT;
}

COMMAND(reload) = {
	.name = "reload",
	.usage = "reload [-c CONFIG] [-l DIR] [--socket PATH]",
	.doc = "Has a running sensor read its rules again, and waits until all its workers use "
	       "them.",
	.more = "Settings of rules are read again as well (variables, rule-files, threshold-file), "
		"others are not.\n"
		"No packet and no flow is lost. Exit 1 when the rules could not be read: then "
		"those "
		"at hand stay.\n\n"
		"Examples:\n"
		"  dewline reload -l /var/log/dewline\n"
		"  dewline reload --socket /run/dewline.sock\n",
	.options = options,
	.run = run,
};
