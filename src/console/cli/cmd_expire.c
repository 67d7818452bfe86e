/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "console/cli/cli.h"
#include "daemon/daemon.h"
#include "os/clock.h"

static const struct cli_option options[] = {
	{'d', "data", "DIR", false, "The data folder; default: dewline-data."},
	{0, "key", "FILE", false, "The log's signing key; default: the data folder's own."},
	{'k', "keep", "TIME", false, "How long things are kept: 90m, 36h, 30d, 8w."},
	{0, "before", "TIME", false, "Instead: what is older than 2026-11-22T03:04:05Z goes."},
	{0, "files", "DIR", true,
	 "Files of packets and payload, too: those below this folder that were last written before "
	 "(packets of a log folder, a file-store)."},
	{0, "eve", "FILE", true,
	 "Lines of a sensor's EVE file, too, with the payload and packets in them; it may be "
	 "written "
	 "to "
	 "meanwhile."},
	{0, "approve", "NAME", false,
	 "Who says yes for this party. Without it, what is past its clock is counted and stays."},
	{0, "json", NULL, false, "For machines."},
	{0},
};

/* A number and its unit. */
static bool span_of(struct slice s, int64_t *out_ns)
{
	static const struct {
		uint8_t unit;
		int64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	uint64_t n;

	for (size_t i = 0; i < sizeof units / sizeof units[0] && s.len > 1; i++)
		if (s.ptr[s.len - 1] == units[i].unit &&
		    text_u64(slice_part(s, 0, s.len - 1), 1,
			     (uint64_t)(INT64_MAX / TIME_NS_PER_S / units[i].seconds), &n)) {
			*out_ns = (int64_t)n * units[i].seconds * TIME_NS_PER_S;
			return true;
		}
	return false;
}

static bool read_clock(const struct cli *c, struct wall_ns *out)
{
	struct slice keep = cli_value(c, "keep"), before = cli_value(c, "before");
	struct wall_ns now = os_clock_wall();
	int64_t span;

	if ((keep.ptr != NULL) == (before.ptr != NULL)) {
		cli_say(c, "which clock? Say --keep 30d, or --before TIME");
		return false;
	}
	if (before.ptr != NULL) {
		if (time_parse(before, out))
			return true;
		cli_say(c, "--before %.*s: expected a time such as 2026-11-22T03:04:05Z",
			SLICE_ARG(before));
		return false;
	}
	if (!span_of(keep, &span) || span > now.ns) {
		cli_say(c, "--keep %.*s: expected a time such as 90m, 36h, 30d or 8w",
			SLICE_ARG(keep));
		return false;
	}
	out->ns = now.ns - span;
	return true;
}

static void write_text(const struct daemon_expire_options *o, const struct daemon_expire_result *r,
		       struct buf *out)
{
	uint64_t events = r->events + r->sealed;
	char before[TIME_TEXT_MAX];

	buf_add_fmt(out,
		    "%llu events, %llu lines of sensors and %llu files (%llu bytes) are older than "
		    "%.*s.\n",
		    (unsigned long long)events, (unsigned long long)r->lines,
		    (unsigned long long)r->files, (unsigned long long)r->bytes,
		    SLICE_ARG(time_format_rfc3339(o->before, before)));
	if (r->unread != 0)
		buf_add_fmt(out, "%llu lines have no time and stay.\n",
			    (unsigned long long)r->unread);
	if (r->done)
		buf_add_fmt(out,
			    "They are gone; the log says so as leaf %llu, and keeps what it was "
			    "told of them: proofs, no content.\n",
			    (unsigned long long)r->leaf);
	else
		buf_add_z(out, "They are still there: nobody approved it (--approve NAME).\n");
}

static void write_json(const struct daemon_expire_options *o, const struct daemon_expire_result *r,
		       struct buf *out)
{
	struct json j = json_in(out);
	char before[TIME_TEXT_MAX];

	json_object(&j);
	json_member_str(&j, "before", time_format_rfc3339(o->before, before));
	json_member_u64(&j, "bytes", r->bytes);
	json_member_bool(&j, "done", r->done);
	json_member_u64(&j, "events", r->events);
	json_member_u64(&j, "files", r->files);
	json_member_u64(&j, "gone", r->gone);
	if (r->done)
		json_member_u64(&j, "leaf", r->leaf);
	json_member_u64(&j, "lines", r->lines);
	json_member_u64(&j, "sealed", r->sealed);
	json_member_u64(&j, "unread", r->unread);
	json_end(&j);
	buf_add_byte(out, '\n');
}

static int run(struct cli *c)
{
	struct daemon_expire_options o = {0};
	struct daemon_expire_result r = {0};
	struct buf out = buf_in(c->arena);
	struct fail why;

	o.data = cli_value(c, "data").ptr ? cli_value(c, "data") : SLICE("dewline-data");
	o.key = cli_value(c, "key");
	o.approved = cli_value(c, "approve");
	o.folders = cli_values(c, "files", &o.folder_count);
	o.eves = cli_values(c, "eve", &o.eve_count);
	if (!read_clock(c, &o.before))
		return CLI_CANNOT;
	if (o.approved.ptr != NULL && o.approved.len == 0) {
		cli_say(c, "--approve needs a name");
		return CLI_CANNOT;
	}
	if (daemon_expire(&o, c->arena, &r, &why) != ST_OK)
		return cli_cannot(c, &why);
	if (cli_value(c, "json").ptr != NULL)
		write_json(&o, &r, &out);
	else
		write_text(&o, &r, &out);
	if (!cli_print(c, buf_slice(&out)))
		return CLI_CANNOT;
	return r.done ? CLI_DONE : CLI_NO;
}

COMMAND(expire) = {
	.name = "expire",
	.usage = "expire -d DIR --keep TIME [--files DIR]... [--eve FILE]... [--approve NAME]",
	.doc = "Removes events, packets and payload that are past their clock; the log keeps the "
	       "proof.",
	.more = "Lines of eve.json are overwritten where they stand, files are overwritten and "
		"removed, "
		"both durably;\n"
		"then an expiry record is committed. Each leaf of the log can still be proved, and "
		"its event "
		"cannot be\n"
		"opened any more. On file systems that copy on write, and on snapshots, old blocks "
		"may "
		"stay. Without\n"
		"--approve it only counts (exit 1).\n\n"
		"Examples:\n"
		"  dewline expire -d out --keep 30d\n"
		"  dewline expire -d out --keep 30d --files /var/log/dewline/packets --files "
		"/var/log/dewline/filestore \\\n"
		"      --eve /var/log/dewline/eve.json --approve 'data protection officer'\n",
	.options = options,
	.run = run,
};
