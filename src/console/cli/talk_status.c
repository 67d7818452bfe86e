/* SPDX-License-Identifier: Apache-2.0
 *
 * The page of `dewline status`: a section a line or a table; what a sensor does not have is left
 * out, what it lost stands beside what it counts of. */
#include "console/cli/talk.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { TEXT = 32, WORKERS_SHOWN = 16, RULES_SHOWN = 10 };

static uint64_t number(const json_t *o, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(o, key));

	return v > 0 ? (uint64_t)v : 0;
}

static const char *text(const json_t *o, const char *key)
{
	const char *z = json_string_value(json_object_get(o, key));

	return z != NULL ? z : "";
}

/* 1234567 -> "1,234,567"; from a million millions on in millions. */
static const char *count(uint64_t v, char out[TEXT])
{
	char digits[24];
	bool millions = v >= UINT64_C(1000000000000);
	int n = snprintf(digits, sizeof digits, "%" PRIu64, millions ? v / 1000000 : v);
	size_t at = 0;

	for (int i = 0; i < n; i++) {
		if (i != 0 && (n - i) % 3 == 0)
			out[at++] = ',';
		out[at++] = digits[i];
	}
	out[at] = '\0';
	if (millions)
		memcpy(out + at, " M", 3);
	return out;
}

static const char *bytes(uint64_t v, char out[TEXT])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	unsigned u = 0;
	uint64_t tenths = v;

	if (v < 1024) {
		(void)snprintf(out, TEXT, "%" PRIu64 " B", v);
		return out;
	}
	for (u = 1; u + 1 < sizeof units / sizeof units[0] && v >= 1024 * UINT64_C(1024); u++)
		v /= 1024;
	tenths = v * 10 / 1024;
	(void)snprintf(out, TEXT, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10, units[u]);
	return out;
}

static const char *duration(uint64_t ns, char out[TEXT])
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {{"s", 1000000000}, {"ms", 1000000}, {"us", 1000}};

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (ns >= units[i].ns) {
			uint64_t hundredths = ns * 100 / units[i].ns;

			(void)snprintf(out, TEXT, "%" PRIu64 ".%02" PRIu64 " %s", hundredths / 100,
				       hundredths % 100, units[i].unit);
			return out;
		}
	(void)snprintf(out, TEXT, "%" PRIu64 " ns", ns);
	return out;
}

static const char *uptime(uint64_t s, char out[TEXT])
{
	if (s >= 86400)
		(void)snprintf(out, TEXT, "%" PRIu64 " d %" PRIu64 " h", s / 86400, s / 3600 % 24);
	else if (s >= 3600)
		(void)snprintf(out, TEXT, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s / 60 % 60);
	else
		(void)snprintf(out, TEXT, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	return out;
}

/* part of all as "0.0123 %". */
static const char *share(uint64_t part, uint64_t all, char out[TEXT])
{
	unsigned __int128 v = (unsigned __int128)part * 1000000;
	uint64_t of = all != 0 ? (uint64_t)(v / all) : 0;

	if (part != 0 && of == 0)
		(void)snprintf(out, TEXT, "<0.0001 %%");
	else
		(void)snprintf(out, TEXT, "%" PRIu64 ".%04" PRIu64 " %%", of / 10000, of % 10000);
	return out;
}

static void add_packets(const json_t *o, struct buf *out)
{
	uint64_t packets = number(o, "packets"), drops = number(o, "kernel_drops");
	char a[TEXT], b[TEXT], c[TEXT], d[TEXT];

	buf_add_fmt(out, "packets      %s inspected, %s\n", count(packets, a),
		    bytes(number(o, "bytes"), b));
	buf_add_fmt(out, "  lost       %s dropped by the kernel (%s), %s cut, %s outages\n",
		    count(drops, a), share(drops, packets + drops, b), count(number(o, "cut"), c),
		    count(number(o, "outages"), d));
	buf_add_fmt(out, "  other      %s not decoded\n", count(number(o, "undecoded"), a));
}

static void add_line(const json_t *o, struct buf *out)
{
	const json_t *guard = json_object_get(o, "guard"), *v = json_object_get(o, "verdict_ns");
	char a[TEXT], b[TEXT], c[TEXT], d[TEXT];

	if (guard == NULL && v == NULL && number(o, "stopped") == 0 && number(o, "gaps") == 0 &&
	    number(o, "replies") == 0)
		return;
	buf_add_fmt(out, "in the line  %s stopped, %s passed unseen, %s late, %s not sent\n",
		    count(number(o, "stopped"), a), count(number(o, "passed"), b),
		    count(number(o, "late"), c), count(number(o, "unsent"), d));
	buf_add_fmt(out, "  replies    %s sent to whom a rule rejects\n",
		    count(number(o, "replies"), a));
	buf_add_fmt(out, "  gaps       %s, of %s packets, %s\n", count(number(o, "gaps"), a),
		    count(number(o, "gap_packets"), b), duration(number(o, "gap_ns"), c));
	if (guard != NULL)
		buf_add_fmt(out,
			    "  guardian   %s gaps, %s packets passed, %s starts, %s open now\n"
			    "             kept from looking for %s at most\n",
			    count(number(guard, "gaps"), a), count(number(guard, "passed"), b),
			    count(number(guard, "starts"), c), count(number(guard, "open"), d),
			    duration(number(guard, "late_ns"), (char[TEXT]){0}));
	if (v != NULL)
		buf_add_fmt(out, "  verdicts   p50 %s, p99 %s, p99.9 %s, most %s\n",
			    duration(number(v, "p50"), a), duration(number(v, "p99"), b),
			    duration(number(v, "p999"), c), duration(number(v, "most"), d));
}

static void add_flows(const json_t *o, struct buf *out)
{
	const json_t *e = json_object_get(o, "events"), *r = json_object_get(o, "rules");
	char a[TEXT], b[TEXT], c[TEXT], d[TEXT];

	buf_add_fmt(out, "flows        %s now, %s seen, %s without memory\n",
		    count(number(o, "flows_now"), a), count(number(o, "flows"), b),
		    count(number(o, "no_memory"), c));
	buf_add_fmt(out, "events       %s made: %s alerts, %s anomalies\n",
		    count(number(o, "records"), a), count(number(o, "alerts"), b),
		    count(number(o, "anomalies"), c));
	buf_add_fmt(out, "  lines      %s written, %s lost, %s refused by the system\n",
		    count(number(e, "written"), a), count(number(e, "lost"), b),
		    count(number(e, "refused"), c));
	buf_add_fmt(out, "rules        %s loaded, %s not; %s reloads, %s in vain\n",
		    count(number(r, "loaded"), a), count(number(r, "failed"), b),
		    count(number(r, "reloads"), c), count(number(r, "reloads_failed"), d));
}

static void add_ring(const json_t *o, struct buf *out)
{
	const json_t *r = json_object_get(o, "packet_ring");
	char a[TEXT], b[TEXT], c[TEXT], d[TEXT];

	if (r == NULL)
		return;
	buf_add_fmt(out, "packet ring  %s kept, %s lost, %s refused by the disk\n",
		    count(number(r, "kept"), a), count(number(r, "lost"), b),
		    count(number(r, "refused"), c));
	buf_add_fmt(out, "  on disk    %s of %s in %s files\n", bytes(number(r, "bytes"), a),
		    bytes(number(r, "bytes_most"), b), count(number(r, "segments"), c));
	if (text(r, "oldest")[0] != '\0')
		buf_add_fmt(out, "  oldest     %s\n", text(r, "oldest"));
	buf_add_fmt(out, "  alerts     %s cut out, %s not; %s errors\n",
		    count(number(r, "cuts"), a), count(number(r, "cuts_skipped"), b),
		    count(number(r, "errors"), d));
	if (text(r, "error")[0] != '\0')
		buf_add_fmt(out, "  error      %.66s\n", text(r, "error"));
}

static void add_files(const json_t *o, struct buf *out)
{
	const json_t *f = json_object_get(o, "file_store");
	char a[TEXT], b[TEXT], c[TEXT];

	if (f == NULL)
		return;
	buf_add_fmt(out, "file store   %s stored, %s not for want of room, %s errors\n",
		    count(number(f, "stored"), a), count(number(f, "lost"), b),
		    count(number(f, "errors"), c));
	if (text(f, "error")[0] != '\0')
		buf_add_fmt(out, "  error      %.66s\n", text(f, "error"));
}

static void add_export(const json_t *o, struct buf *out)
{
	const json_t *x = json_object_get(o, "export"), *one;
	char a[TEXT], b[TEXT], c[TEXT];
	size_t i;

	if (x == NULL)
		return;
	buf_add_fmt(out, "flow export  %s flows told, %s lost\n", count(number(x, "told"), a),
		    count(number(x, "lost"), b));
	json_array_foreach(json_object_get(x, "collectors"), i, one)
		buf_add_fmt(out, "  %.40s\n             %s records, %s not taken, %s refused\n",
			    text(one, "to"), count(number(one, "records"), a),
			    count(number(one, "lost"), b), count(number(one, "refused"), c));
}

static bool truth(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

static void add_seal(const json_t *o, struct buf *out)
{
	const json_t *s = json_object_get(o, "seal"), *v;
	char a[TEXT], b[TEXT], c[TEXT], d[TEXT];

	if (s == NULL)
		return;
	buf_add_fmt(out, "sealed       %s events, %s gaps, %s signs of life; %s leaves\n",
		    count(number(s, "sealed"), a), count(number(s, "gaps"), b),
		    count(number(s, "signs"), c), count(number(s, "leaves"), d));
	buf_add_fmt(out, "  lost       %s alerts, %s drops, %s anomalies, %s others\n",
		    count(number(s, "lost_alerts"), a), count(number(s, "lost_drops"), b),
		    count(number(s, "lost_anomalies"), c), count(number(s, "lost_others"), d));
	v = json_object_get(s, "seen_to_committed_ns");
	if (v != NULL)
		buf_add_fmt(out, "  after      p50 %s, p99 %s, most %s; %s late\n",
			    duration(number(v, "p50"), a), duration(number(v, "p99"), b),
			    duration(number(v, "most"), c), count(number(s, "late"), d));
	if (!truth(s, "running"))
		buf_add_z(out, "  problem    the process that seals is gone: nothing is sealed\n");
	else if (!truth(s, "writing"))
		buf_add_fmt(out, "  problem    the log cannot be written now: %.40s\n",
			    text(s, "error"));
}

static void add_memory(const json_t *o, struct buf *out)
{
	static const struct {
		const char *key, *what;
	} rows[] = {{"traffic_flows", "flows"},
		    {"traffic_streams", "streams"},
		    {"traffic_transactions", "transactions"},
		    {"traffic_detection", "rules remember"},
		    {"traffic_fragments", "fragments"},
		    {"tables", "tables"},
		    {"rules", "rules"},
		    {"rings", "kernel's rings"},
		    {"lines", "lines to writers"},
		    {"export", "flows to tell"},
		    {"file_store", "files to disk"},
		    {"packet_ring", "packets to disk"},
		    {"sealing", "events to seal"}};
	const json_t *m = json_object_get(o, "memory");
	char a[TEXT], b[TEXT];
	unsigned n = 0;

	buf_add_fmt(out, "memory       %s resident\n", bytes(number(m, "resident"), a));
	buf_add_fmt(out, "  traffic    %s of %s (%s)\n", bytes(number(m, "traffic"), a),
		    bytes(number(m, "traffic_most"), b),
		    share(number(m, "traffic"), number(m, "traffic_most"), (char[TEXT]){0}));
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (json_object_get(m, rows[i].key) == NULL)
			continue;
		buf_add_fmt(out, "%s%-17s%10s", n % 2 == 0 ? "    " : "        ", rows[i].what,
			    bytes(number(m, rows[i].key), a));
		if (++n % 2 == 0)
			buf_add_byte(out, '\n');
	}
	if (n % 2 != 0)
		buf_add_byte(out, '\n');
}

static void add_workers(const json_t *o, struct buf *out)
{
	const json_t *all = json_object_get(o, "workers"), *w;
	char a[TEXT], b[TEXT], c[TEXT];
	size_t i;

	buf_add_fmt(out, "%-17s%-9s%18s%18s%16s\n", "worker", "state", "packets", "dropped",
		    "flows now");
	json_array_foreach(all, i, w)
	{
		if (i == WORKERS_SHOWN) {
			buf_add_fmt(out, "  and %zu more: --json\n",
				    json_array_size(all) - WORKERS_SHOWN);
			break;
		}
		buf_add_fmt(out, "%-17.16s%-9.8s%18s%18s%16s\n", text(w, "interface"),
			    text(w, "state"), count(number(w, "packets"), a),
			    count(number(w, "kernel_drops"), b), count(number(w, "flows_now"), c));
	}
}

static void add_rules(const json_t *o, struct buf *out)
{
	const json_t *all = json_object_get(o, "rules_cost"), *r;
	uint64_t steps = 0;
	char a[TEXT], b[TEXT], c[TEXT], d[TEXT];
	size_t i;

	if (json_array_size(all) == 0)
		return;
	json_array_foreach(all, i, r) steps += number(r, "steps");
	buf_add_fmt(out, "%-17s%15s%15s%15s%10s\n", "dearest rules", "steps", "asked", "matched",
		    "share");
	json_array_foreach(all, i, r)
	{
		if (i == RULES_SHOWN)
			break;
		buf_add_fmt(out, "%-17" PRIu64 "%15s%15s%15s%10.8s\n", number(r, "sid"),
			    count(number(r, "steps"), a), count(number(r, "asked"), b),
			    count(number(r, "matched"), c), share(number(r, "steps"), steps, d));
	}
}

enum status talk_status(struct slice json, struct buf *out, struct fail *why)
{
	json_t *o = json_loadb((const char *)json.ptr, json.len, JSON_REJECT_DUPLICATES, NULL);
	char a[TEXT];

	if (!json_is_object(o)) {
		json_decref(o);
		return fail_set(why, ST_INVALID, "the sensor's answer is no status");
	}
	buf_add_fmt(out, "sensor       process %" PRIu64 ", up %s\n", number(o, "pid"),
		    uptime(number(o, "uptime_s"), a));
	add_packets(o, out);
	add_line(o, out);
	add_flows(o, out);
	add_ring(o, out);
	add_files(o, out);
	add_export(o, out);
	add_seal(o, out);
	add_memory(o, out);
	add_workers(o, out);
	add_rules(o, out);
	json_decref(o);
	return out->full ? fail_set(why, ST_NOMEM, "no memory for a page") : ST_OK;
}
