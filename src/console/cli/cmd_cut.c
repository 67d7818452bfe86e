/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "console/cli/cli.h"
#include "console/cli/talk.h"
#include "daemon/daemon.h"

static const struct cli_option options[] = {
	{'c', "config", "FILE", true, "suricata.yaml of the sensor: it says where the ring is."},
	{'l', "log-dir", "DIR", true, "The sensor's log folder; default: the configuration's."},
	{0, "set", "NAME=VALUE", true, "A setting of the sensor by its path."},
	{0, "ring", "DIR", false, "The folder of the ring itself."},
	{0, "flow", "ID", false, "Packets of this flow: flow_id of an event."},
	{0, "community", "ID", false, "Packets of these flows: community_id of an event."},
	{0, "ends", "ENDS", true,
	 "Packets between these: [PROTOCOL ]ADDRESS[:PORT][-ADDRESS[:PORT]], either way; several: "
	 "any of them."},
	{0, "from", "TIME", false, "Not before: 2026-11-22T03:04:05Z, or as events write it."},
	{0, "until", "TIME", false, "Not after."},
	{'w', "write", "FILE", false,
	 "Where to, in pcapng; - is standard output, but no terminal."},
	{0, "json", NULL, false, "Say what was found as JSON on standard output."},
	{0},
};

static bool given(const struct cli *c, const char *name)
{
	return cli_value(c, name).ptr != NULL;
}

static bool read_time(const struct cli *c, const char *name, struct wall_ns *out)
{
	if (!given(c, name) || time_parse(cli_value(c, name), out))
		return true;
	cli_say(c, "--%s %.*s: expected a time such as 2026-11-22T03:04:05Z", name,
		SLICE_ARG(cli_value(c, name)));
	return false;
}

static bool read_options(struct cli *c, struct daemon_cut_options *o)
{
	o->logs = cli_value(c, "log-dir");
	o->dir = cli_value(c, "ring");
	o->community = cli_value(c, "community");
	o->ends = cli_values(c, "ends", &o->end_count);
	o->out = cli_value(c, "write");
	if (given(c, "flow") && !text_u64(cli_value(c, "flow"), 1, UINT64_MAX, &o->flow)) {
		cli_say(c, "--flow %.*s: expected the flow_id of an event, a number",
			SLICE_ARG(cli_value(c, "flow")));
		return false;
	}
	if (!read_time(c, "from", &o->from) || !read_time(c, "until", &o->until))
		return false;
	if (o->out.len == 0) {
		cli_say(c, "where to? Name the file with -w FILE");
		return false;
	}
	if (slice_equal(o->out, SLICE("-"))) {
		if (c->out_is_tty || given(c, "json")) {
			cli_say(c, "-w - writes packets to standard output: send it to a file or a "
				   "program, without --json");
			return false;
		}
		o->out = SLICE("");
	}
	return true;
}

static void add_time(struct json *j, const char *key, struct wall_ns t)
{
	char text[TIME_TEXT_MAX];

	json_member_str(j, key, time_format_rfc3339(t, text));
}

static bool say_json(const struct cli *c, const struct daemon_cut_options *o,
		     const struct daemon_cut_result *r)
{
	struct buf out = buf_in(c->arena);
	struct json j = json_in(&out);

	json_object(&j);
	json_member_str(&j, "ring", r->dir);
	json_member_u64(&j, "packets", r->packets);
	json_member_u64(&j, "bytes", r->bytes);
	if (r->packets != 0) {
		add_time(&j, "first", r->first);
		add_time(&j, "last", r->last);
		json_member_str(&j, "file", o->out);
	}
	json_end(&j);
	buf_add_byte(&out, '\n');
	return cli_print(c, buf_slice(&out));
}

static bool say(const struct cli *c, const struct daemon_cut_options *o,
		const struct daemon_cut_result *r)
{
	char first[TIME_TEXT_MAX], last[TIME_TEXT_MAX];

	if (given(c, "json"))
		return say_json(c, o, r);
	if (r->packets == 0)
		cli_say(c, "no such packets in %.*s", SLICE_ARG(r->dir));
	else
		cli_say(c, "%llu packets of %llu bytes, %.*s to %.*s, in %.*s",
			(unsigned long long)r->packets, (unsigned long long)r->bytes,
			SLICE_ARG(time_format_rfc3339(r->first, first)),
			SLICE_ARG(time_format_rfc3339(r->last, last)),
			SLICE_ARG(o->out.len != 0 ? o->out : SLICE("standard output")));
	return r->packets == 0 || o->out.len != 0 || cli_print(c, r->file);
}

static int run(struct cli *c)
{
	struct daemon_cut_options o = {0};
	struct daemon_cut_result r;
	struct fail why;

	if (!read_options(c, &o))
		return CLI_CANNOT;
	if (talk_config(c, &o.config, &why) != ST_OK || daemon_cut(&o, c->arena, &r, &why) != ST_OK)
		return cli_cannot(c, &why);
	if (!say(c, &o, &r))
		return CLI_CANNOT;
	return r.packets != 0 ? CLI_DONE : CLI_NO;
}

COMMAND(cut) = {
	.name = "cut",
	.usage = "cut [-l DIR|--ring DIR] [--flow ID] [--community ID] [--ends ENDS]... [--from "
		 "TIME] [--until TIME] -w FILE",
	.doc = "Cuts packets out of a sensor's ring: a flow, with what came before the alert about "
	       "it.",
	.more = "A sensor keeps packets for a while if its configuration says packet-ring: "
		"{enabled: "
		"yes}; then it\n"
		"also cuts the flow of each alert out by itself, into packets/cuts of its log "
		"folder. "
		"All that is\n"
		"asked for must hold of a packet; without --flow, --community and --ends all "
		"packets of "
		"the time are\n"
		"meant. The file is pcapng, each packet with the flows that it was part of in its "
		"comment; its\n"
		"bytes are those that came in. A sensor may be running meanwhile. Exit 1 when "
		"nothing "
		"was found.\n\n"
		"Examples:\n"
		"  dewline cut -l /var/log/dewline --flow 1234567890 -w flow.pcapng\n"
		"  dewline cut -l out --ends 'tcp 192.0.2.1:80-198.51.100.7' -w - | tcpdump -n -r "
		"-\n"
		"  dewline cut --ring /data/packets --from 2026-11-22T03:00:00Z --until "
		"2026-11-22T03:05:00Z \\\n"
		"      -w five-minutes.pcapng\n",
	.options = options,
	.run = run,
};
