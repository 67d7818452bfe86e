/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/bulletin/bulletin.h"
#include "console/cli/cli.h"
#include "console/cli/talk.h"
#include "daemon/daemon.h"
#include "exchange/stix/stix.h"
#include "os/terminal.h"

static const struct cli_option options[] = {
	{'r', "read", "CAPTURE", true,
	 "Capture file (pcap or pcapng); - reads standard input. Several are several vantage "
	 "points: the file's base "
	 "name is the station."},
	{0, "flows", "FILE", true,
	 "Flows that others saw: a capture of NetFlow or IPFIX datagrams, or an IPFIX file. The "
	 "base "
	 "name is the station."},
	{'S', "rules", "FILE", true, "Signatures in the Suricata rule language."},
	{0, "treaty", "FILE", true,
	 "Instrument to judge by: a file, or the name of one that ships (dewline list treaties); "
	 "default: those that treaties: in the configuration names, else budapest and cwlt."},
	{0, "party", "FILE", true,
	 "A party's file. The first is yours: its networks are $HOME_NET."},
	{0, "table", "FILE", true,
	 "A table of who holds which addresses: CSV or MaxMind's format, beside this machine's own "
	 "(libloc, tor-geoipdb)."},
	{0, "no-system-tables", NULL, false, "Only the tables that --table names."},
	{0, "prior", "FILE", false,
	 "What is held for likely before anything was seen, and how far tables are believed; "
	 "default: built in."},
	{0, "withhold", "STATION", true,
	 "What this station saw counts for the verdict by all evidence, and is not shown. (Of "
	 "stations whose existence is not told, a party's file has sealed-station lines.)"},
	{0, "pseudonyms", NULL, false,
	 "No address of your own networks is told: pseudonyms stand in their place. (Of some of "
	 "them: pseudonyms lines in your party's file.) dewline disclose opens one."},
	{'d', "data", "DIR", false,
	 "Where the log, eve.json, bulletins and bundles are kept; default: dewline-data."},
	{0, "key", "FILE", false,
	 "The log's signing key; default: the data folder's own, made at first use."},
	{0, "classification", "FILE", false,
	 "classification.config instead of the built-in classes."},
	{'c', "config", "FILE", true, "suricata.yaml with settings and variables."},
	{0, "set", "NAME=VALUE", true,
	 "A setting by its path, or a variable: HOME_NET=[10.0.0.0/8]."},
	{0, "midstream", NULL, false, "Also follow TCP sessions whose beginning was not seen."},
	{0, "tlp", "LEVEL", false,
	 "Traffic Light Protocol 2.0 marking of the STIX bundle; default: amber."},
	{0, "json", NULL, false, "Print the bulletin as JSON."},
	{'q', "quiet", NULL, false, "Print only where the results are."},
	{0},
};

static bool print(struct cli *c, const struct daemon_watch_result *r)
{
	struct buf out = buf_in(c->arena);
	struct fail why;

	if (cli_value(c, "json").ptr != NULL) {
		if (bulletin_write_json(&r->bulletin, c->arena, &out, &why) != ST_OK) {
			cli_say(c, "%s", why.text);
			return false;
		}
		buf_add_byte(&out, '\n');
		return cli_print(c, buf_slice(&out));
	}
	if (cli_value(c, "quiet").ptr == NULL) {
		unsigned width = c->out_is_tty ? os_terminal_width(1, 100) : 100;

		bulletin_write_text(&r->bulletin, width > 120 ? 120 : width, c->out_is_tty, &out);
		buf_add_byte(&out, '\n');
		buf_add(&out, r->band_text);
		buf_add_byte(&out, '\n');
	}
	buf_add_fmt(&out, "page      %.*s\n", SLICE_ARG(r->html_path));
	buf_add_fmt(&out, "bulletin  %.*s\n", SLICE_ARG(r->json_path));
	buf_add_fmt(&out, "STIX 2.1  %.*s\n", SLICE_ARG(r->stix_path));
	buf_add_fmt(&out, "bundle    %.*s   (anyone: dewline verify FILE)\n",
		    SLICE_ARG(r->bundle_path));
	buf_add_fmt(&out, "band      %.*s   (to others: dewline release)\n",
		    SLICE_ARG(r->band_path));
	if (r->withheld_path.len != 0)
		buf_add_fmt(&out, "withheld  %.*s   (for reviewers: see dewline seal)\n",
			    SLICE_ARG(r->withheld_path));
	return cli_print(c, buf_slice(&out));
}

/* The marking that --tlp names. */
static bool tlp_of(struct cli *c, enum stix_tlp *out)
{
	struct slice name = cli_value(c, "tlp");

	*out = STIX_TLP_AMBER;
	if (name.ptr == NULL)
		return true;
	for (unsigned i = 0; i < STIX_TLPS; i++)
		if (slice_equal_nocase(name, slice_of(stix_tlp_names[i]))) {
			*out = (enum stix_tlp)i;
			return true;
		}
	cli_say(c, "--tlp %.*s: expected clear, green, amber, amber+strict or red",
		SLICE_ARG(name));
	return false;
}

static int run(struct cli *c)
{
	struct daemon_watch_options o = {0};
	struct daemon_watch_result result = {0};
	struct fail why;
	int code;

	o.captures = cli_values(c, "read", &o.capture_count);
	o.flows = cli_values(c, "flows", &o.flow_count);
	if (talk_config(c, &o.config, &why) != ST_OK)
		return cli_cannot(c, &why);
	o.rules = talk_rules_source(c, o.config);
	o.treaties = cli_values(c, "treaty", &o.treaty_count);
	o.parties = cli_values(c, "party", &o.party_count);
	o.tables = cli_values(c, "table", &o.table_count);
	o.no_system_tables = cli_value(c, "no-system-tables").ptr != NULL;
	o.prior = cli_value(c, "prior");
	o.withheld = cli_values(c, "withhold", &o.withheld_count);
	o.pseudonyms = cli_value(c, "pseudonyms").ptr != NULL;
	o.data = cli_value(c, "data").ptr ? cli_value(c, "data") : SLICE("dewline-data");
	o.key = cli_value(c, "key");
	o.progress = talk_progress(c);
	if (!tlp_of(c, &o.tlp))
		return CLI_CANNOT;
	if (o.capture_count + o.flow_count == 0) {
		cli_say(c, "which capture? Name it with -r FILE, or flow records with --flows FILE "
			   "(dewline watch --help has examples)");
		return CLI_CANNOT;
	}
	if (daemon_watch(&o, c->arena, &result, &why) != ST_OK) {
		code = cli_cannot(c, &why);
	} else {
		code = talk_read(c, result.rules.file_count ? &result.rules : NULL, result.captures,
				 result.capture_count);
		if (result.problems.len != 0)
			cli_say(c, "%.*s", SLICE_ARG(result.problems));
		if (!print(c, &result))
			code = CLI_CANNOT;
	}
	daemon_watch_close(&result);
	return code;
}

COMMAND(watch) = {
	.name = "watch",
	.usage = "watch -r CAPTURE...|--flows FILE... [-S RULES]... [--treaty FILE]... [--party "
		 "FILE]... [--data "
		 "DIR]",
	.doc = "The main job: from captures to a verdict that a stranger can recompute.",
	.more = "Inspects the captures, commits every event to the log in DIR/log, groups events "
		"into incidents, locates\n"
		"and traces them, climbs the ladder of attribution, judges each incident by each "
		"instrument, and publishes a\n"
		"bulletin: here, as JSON, as STIX 2.1, as a page, and as a bundle for `dewline "
		"verify`.\n\n"
		"Exit 0 when it is done, 2 when something could not be read or written (what was "
		"acknowledged still verifies).\n\n"
		"Examples:\n"
		"  dewline watch -r traffic.pcap -S emerging-all.rules\n"
		"  dewline watch -r edge.pcap -r relay.pcap -S my.rules --party us.party --party "
		"them.party --data out\n"
		"  dewline watch -r edge.pcap --flows branch-netflow.pcap -S my.rules --party "
		"us.party\n"
		"  dewline watch -r edge.pcap -r secret.pcap --withhold secret -S my.rules --party "
		"us.party --data out\n"
		"  dewline watch -r traffic.pcap -S my.rules --treaty treaties/cwlt.treaty --table "
		"GeoLite2-Country.mmdb\n",
	.options = options,
	.run = run,
};
