/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "console/cli/cli.h"
#include "console/cli/talk.h"
#include "daemon/daemon.h"

static const struct cli_option options[] = {
	{'c', "config", "FILE", true, "suricata.yaml of the sensor: it says where the socket is."},
	{'l', "log-dir", "DIR", true, "The sensor's log folder; default: the configuration's."},
	{0, "set", "NAME=VALUE", true, "A setting of the sensor by its path."},
	{0, "socket", "PATH", false, "The sensor's socket."},
	{0, "tenant", "ID", false, "Only the rules of this tenant; default: all."},
	{0, "profile", "on|off", false,
	 "From now on count what each rule costs, for dewline status; or no more."},
	{0},
};

static int run(struct cli *c)
{
	struct slice text, given = cli_value(c, "tenant"), profile = cli_value(c, "profile");
	struct slice command = SLICE("reload");
	uint64_t tenant = 0;
	struct fail why;

	if (given.ptr != NULL && !text_u64(given, 1, UINT32_MAX - 1, &tenant)) {
		cli_say(c, "--tenant %.*s: expected the id of a tenant, a number from 1",
			SLICE_ARG(given));
		return CLI_CANNOT;
	}
	if (profile.ptr != NULL && (tenant != 0 || (!slice_equal(profile, SLICE("on")) &&
						    !slice_equal(profile, SLICE("off"))))) {
		cli_say(c, "--profile is on or off, and for all tenants");
		return CLI_CANNOT;
	}
	if (profile.ptr != NULL)
		command = slice_equal(profile, SLICE("on")) ? SLICE("profile-on")
							    : SLICE("profile-off");
	else if (tenant != 0)
		command = SLICE("reload-tenant");
	if (talk_ask(c, command, (uint32_t)tenant, &text, &why) == ST_OK) {
		cli_say(c, "the sensor inspects with the rules as they are now");
		return CLI_DONE;
	}
	(void)cli_cannot(c, &why);
	return why.status == ST_REFUSED ? CLI_NO : CLI_CANNOT;
}

COMMAND(reload) = {
	.name = "reload",
	.usage = "reload [-c CONFIG] [-l DIR] [--socket PATH] [--tenant ID|--profile on|off]",
	.doc = "Has a running sensor read its rules again, and waits until all its workers use "
	       "them.",
	.more = "Settings of rules are read again as well (variables, rule-files, threshold-file), "
		"others are not.\n"
		"No packet and no flow is lost. Exit 1 when the rules could not be read: then "
		"those "
		"at hand stay.\n\n"
		"Examples:\n"
		"  dewline reload -l /var/log/dewline\n"
		"  dewline reload --socket /run/dewline.sock\n"
		"  dewline reload -l /var/log/dewline --tenant 2\n"
		"  dewline reload -l /var/log/dewline --profile on\n",
	.options = options,
	.run = run,
};
