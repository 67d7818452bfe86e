/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/json.h"
#include "console/cli/cli.h"
#include "daemon/daemon.h"

static const struct cli_option options[] = {
	{'d', "data", "DIR", false, "The data folder; default: dewline-data."},
	{0, "key", "FILE", false, "The log's signing key; default: the data folder's own."},
	{0, "until", "TIME", false, "certify: when it ends; default: it does not."},
	{0, "json", NULL, false, "For machines."},
	{0},
};

static void write_text(const struct daemon_station_result *r, struct buf *out)
{
	char at[TIME_TEXT_MAX], until[TIME_TEXT_MAX];

	for (size_t i = 0; i < r->count; i++) {
		const struct daemon_station_said *s = &r->said[i];

		buf_add_fmt(out, "leaf %llu  %.*s  %s %.16s...", (unsigned long long)s->leaf,
			    SLICE_ARG(time_format_rfc3339(s->at, at)),
			    s->revoked ? "revoked  " : "certified", (const char *)s->sha256.ptr);
		if (s->until.ns != 0)
			buf_add_fmt(out, " until %.*s",
				    SLICE_ARG(time_format_rfc3339(s->until, until)));
		buf_add_z(out, s->current ? "  (the key that seals now)\n" : "\n");
	}
	if (r->count == 0)
		buf_add_z(out, "the log vouches for no key yet: dewline watch, or dewline station "
			       "certify, does it\n");
}

static void write_json(const struct daemon_station_result *r, struct buf *out)
{
	struct json j = json_in(out);
	char text[TIME_TEXT_MAX];

	json_object(&j);
	json_member_str(&j, "key", r->sha256);
	json_key(&j, "said");
	json_array(&j);
	for (size_t i = 0; i < r->count; i++) {
		const struct daemon_station_said *s = &r->said[i];

		json_object(&j);
		json_member_str(&j, "at", time_format_rfc3339(s->at, text));
		json_member_bool(&j, "current", s->current);
		json_member_str(&j, "key", s->sha256);
		json_member_u64(&j, "leaf", s->leaf);
		json_member_bool(&j, "revoked", s->revoked);
		if (s->until.ns != 0)
			json_member_str(&j, "until", time_format_rfc3339(s->until, text));
		json_end(&j);
	}
	json_end(&j);
	json_end(&j);
	buf_add_byte(out, '\n');
}

static int act(struct cli *c, enum daemon_station_act what)
{
	struct daemon_station_options o = {.data = cli_value(c, "data").ptr ? cli_value(c, "data")
									    : SLICE("dewline-data"),
					   .key = cli_value(c, "key"),
					   .act = what};
	struct slice until = cli_value(c, "until");
	struct daemon_station_result r = {0};
	struct buf out = buf_in(c->arena);
	struct fail why;

	if (until.ptr != NULL &&
	    (!time_parse(until, &o.until) || o.until.ns <= 0 || o.act != DAEMON_STATION_CERTIFY)) {
		cli_say(c,
			"--until %.*s: expected, of certify, a time such as "
			"2026-11-22T03:04:05Z",
			SLICE_ARG(until));
		return CLI_CANNOT;
	}
	if (daemon_station(&o, c->arena, &r, &why) != ST_OK)
		return cli_cannot(c, &why);
	if (cli_value(c, "json").ptr != NULL)
		write_json(&r, &out);
	else
		write_text(&r, &out);
	return cli_print(c, buf_slice(&out)) ? CLI_DONE : CLI_CANNOT;
}

static int run_show(struct cli *c)
{
	return act(c, DAEMON_STATION_SHOW);
}

static int run_certify(struct cli *c)
{
	return act(c, DAEMON_STATION_CERTIFY);
}

static int run_revoke(struct cli *c)
{
	return act(c, DAEMON_STATION_REVOKE);
}

static int run(struct cli *c)
{
	static const struct cli_act acts[] = {{"show", run_show, 0, 0},
					      {"certify", run_certify, 0, 0},
					      {"revoke", run_revoke, 0, 0},
					      {0}};

	return cli_act(c, acts);
}

COMMAND(station) = {
	.name = "station",
	.usage = "station show|certify|revoke -d DIR [--until TIME]",
	.doc = "The party's word for the key that its station seals with: given, ended, taken "
	       "back.",
	.more = "show: what the log says of keys. certify: the log's own key vouches for the "
		"station's, from that leaf on,\n"
		"until TIME. revoke: what the key seals behind that leaf is good for nothing; what "
		"it sealed before stays\n"
		"good. Another key takes its place, certified. dewline verify names events that a "
		"key sealed before it was\n"
		"certified, after its end, or after it was revoked.\n\n"
		"Examples:\n"
		"  dewline station show -d out\n"
		"  dewline station certify -d out --until 2027-12-31T00:00:00Z\n"
		"  dewline station revoke -d out\n",
	.options = options,
	.words_least = 1,
	.words_most = 1,
	.run = run,
};
