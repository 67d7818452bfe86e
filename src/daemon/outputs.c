/* SPDX-License-Identifier: Apache-2.0
 * The outputs of a configuration, opened: one row of `kinds` a member of `outputs:`. */
#include "daemon/outputs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "daemon/daemon_priv.h"
#include "os/file.h"

struct opening {
	struct config *root;
	struct slice dir;
	bool patient;
	struct arena *arena;
	struct daemon_outputs *out;
};

/* ---- how a line gets where it goes ---- */

bool daemon_interval_parse(struct slice s, uint32_t *out_s, bool *out_aligned)
{
	static const struct {
		const char *word, *unit;
		uint32_t s;
	} units[] = {{"second", "s", 1},
		     {"minute", "m", 60},
		     {"hour", "h", 3600},
		     {"day", "d", 86400},
		     {"week", "w", 604800}};
	uint64_t n;

	*out_aligned = false;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		struct slice number = s;

		*out_s = units[i].s;
		if (slice_equal_nocase(s, slice_of(units[i].word))) {
			*out_aligned = true;
			return true;
		}
		if (s.len < 2 || s.ptr[s.len - 1] != (uint8_t)units[i].unit[0])
			continue;
		number.len--;
		if (!text_u64(number, 1, UINT32_MAX / units[i].s, &n))
			return false;
		*out_s *= (uint32_t)n;
		return true;
	}
	*out_s = 0;
	if (!text_u64(s, 1, UINT32_MAX, &n))
		return false;
	*out_s = (uint32_t)n;
	return true;
}

static void read_file(struct config *node, struct daemon_eve_options *o)
{
	struct config *every = config_at(node, "rotate-interval");
	struct config *mode = config_at(node, "filemode");

	o->truncate = !config_bool(node, "append", true);
	o->rotate_bytes = config_size(node, "rotate-size", 0);
	if (every != NULL &&
	    !daemon_interval_parse(config_text(every, "", ""), &o->rotate_s, &o->rotate_aligned))
		config_problem(every,
			       "expected minute, hour, day, or a number with s, m, h, d or w");
	if (mode == NULL)
		return;
	for (size_t i = 0; i < mode->value.len; i++) { /* octal */
		uint8_t c = mode->value.ptr[i];

		if (c < '0' || c > '7' || i == 4) {
			config_problem(mode, "expected permissions such as 640");
			o->mode = 0;
			return;
		}
		o->mode = o->mode * 8 + (uint32_t)(c - '0');
	}
	config_take(mode);
}

static void read_syslog(struct config *node, struct daemon_wire_options *w)
{
	struct config *facility = config_at(node, "facility"), *level = config_at(node, "level");
	unsigned f = 0, l = 0;

	(void)daemon_syslog_facility(SLICE("local0"), &f);
	(void)daemon_syslog_level(SLICE("info"), &l);
	if (facility != NULL && !daemon_syslog_facility(config_text(facility, "", ""), &f))
		config_problem(facility, "expected a facility of syslog, such as local5");
	if (level != NULL && !daemon_syslog_level(config_text(level, "", ""), &l))
		config_problem(level, "expected a level of syslog, such as info");
	w->syslog = w->datagrams = true;
	w->path = config_text(node, "socket", "/dev/log");
	w->priority = f * 8 + l;
	w->identity = config_text(node, "identity", "dewline");
}

/* filetype, and what belongs to each. */
static enum status read_transport(struct opening *x, struct config *node, const char *filename,
				  struct daemon_eve_options *o, struct fail *why)
{
	static const char *const types[] = {"regular", "unix_stream", "unix_dgram", "syslog",
					    "null",    "redis",	      NULL};
	enum { REGULAR, STREAM, DATAGRAM, SYSLOG, NOWHERE, REDIS };
	unsigned type = config_word(node, "filetype", types, REGULAR);
	struct daemon_wire_options *w;

	o->path = daemon_path_from(x->arena, x->dir, config_text(node, "filename", filename));
	o->prefix = config_text(node, "prefix", "");
	/* one thread writes all, through the system's own buffers */
	(void)config_bool(node, "threaded", false);
	(void)config_size(node, "buffer-size", 0);
	o->nowhere = type == NOWHERE;
	if (type == REDIS)
		return fail_set(why, ST_REFUSED,
				"filetype: redis is not made; a program that reads a unix_stream "
				"can put the lines there");
	if (type == REGULAR)
		read_file(node, o);
	if (type == REGULAR || type == NOWHERE)
		return ST_OK;
	w = ARENA_NEW(x->arena, struct daemon_wire_options);
	if (w == NULL)
		return fail_set(why, ST_NOMEM, "no memory for an output");
	w->path = o->path;
	w->datagrams = type == DATAGRAM;
	if (type == SYSLOG)
		read_syslog(node, w);
	w->patient = x->patient;
	o->wire = w;
	return ST_OK;
}

/* ---- the kinds ---- */

static enum status add(struct opening *x, const struct daemon_eve_options *o, struct config *node,
		       struct fail *why)
{
	struct daemon_outputs *out = x->out;
	struct daemon_eve *eve = &out->eves[out->count];
	enum status st;

	if (out->count == PIPELINE_OUTPUTS_MAX)
		return fail_set(why, ST_LIMIT, "more than %d outputs of events",
				PIPELINE_OUTPUTS_MAX);
	st = daemon_eve_open_as(eve, o, x->arena, why);
	if (st != ST_OK)
		return st;
	out->outputs[out->count++] = (struct pipeline_output){
		.sink = daemon_eve_sink(eve), .node = node, .alerts = o->form == DAEMON_EVE_FAST};
	return ST_OK;
}

static enum status open_eve(struct opening *x, struct config *node, struct fail *why)
{
	struct daemon_eve_options o = {0};
	enum status st = read_transport(x, node, "eve.json", &o, why);

	return st == ST_OK ? add(x, &o, node, why) : st;
}

static enum status open_fast(struct opening *x, struct config *node, struct fail *why)
{
	struct daemon_eve_options o = {.form = DAEMON_EVE_FAST};
	enum status st = read_transport(x, node, "fast.log", &o, why);

	return st == ST_OK ? add(x, &o, node, why) : st;
}

/* Alerts as fast.log has them, to the system's log. */
static enum status open_syslog(struct opening *x, struct config *node, struct fail *why)
{
	struct daemon_wire_options *w = ARENA_NEW(x->arena, struct daemon_wire_options);
	struct daemon_eve_options o = {.form = DAEMON_EVE_FAST, .wire = w};

	if (w == NULL)
		return fail_set(why, ST_NOMEM, "no memory for an output");
	read_syslog(node, w);
	o.path = w->path;
	w->patient = x->patient;
	return add(x, &o, node, why);
}

static enum status open_stats(struct opening *x, struct config *node, struct fail *why)
{
	struct daemon_outputs *out = x->out;
	struct daemon_eve_options o = {0};
	enum status st;

	out->stats_zeros = config_bool(node, "null-values", false);
	out->stats_totals = config_bool(node, "totals", true);
	out->stats_threads = config_bool(node, "threads", false);
	if (out->has_stats || !config_bool(x->root, "stats.enabled", true))
		return ST_OK;
	st = read_transport(x, node, "stats.log", &o, why);
	if (st == ST_OK)
		st = daemon_eve_open_as(&out->stats, &o, x->arena, why);
	out->has_stats = st == ST_OK;
	return st;
}

static const struct kind {
	const char *name;
	enum status (*open)(struct opening *x, struct config *node, struct fail *why);
	const char *instead; /* not made: what does it here */
} kinds[] = {
	{"eve-log", open_eve, NULL},
	{"fast", open_fast, NULL},
	{"stats", open_stats, NULL},
	{"syslog", open_syslog, NULL},
	{"file-store", NULL, NULL}, /* daemon_store_open() */
	{"http-log", NULL, "an eve-log has the type http"},
	{"tls-log", NULL, "an eve-log has the type tls"},
	{"dns-log", NULL, "an eve-log has the type dns"},
	{"drop", NULL, "an eve-log has the type drop"},
	{"tls-store", NULL, "an eve-log of type tls has custom: [chain]"},
	{"file-log", NULL, "an eve-log has the type files"},
	{"alert-debug", NULL, "an eve-log's alerts have payload, packet and metadata"},
	{"pcap-log", NULL, NULL}, /* daemon_packets_open() */
	{"pcap-info", NULL, "an eve-log's alerts have pcap_cnt"},
	{"lua", NULL, "a program may read an eve-log from a unix_stream"},
	{"tcp-data", NULL, "an eve-log's alerts have payload"},
	{"http-body-data", NULL, "an eve-log's alerts have http-body"},
	{"unified2-alert", NULL, "an eve-log has the type alert"},
	{"alert-prelude", NULL, "an eve-log has the type alert"},
	{"file", NULL, "file-store has version 2"},
};

static enum status open_member(struct opening *x, struct config *member, struct fail *why)
{
	struct config *node = member->kind == CONFIG_MAP ? member->first : NULL;
	bool enabled = node != NULL && config_bool(node, "enabled", false);

	if (!enabled)
		return ST_OK;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (!slice_equal(node->name, slice_of(kinds[i].name)))
			continue;
		if (kinds[i].open != NULL) {
			enum status st = kinds[i].open(x, node, why);

			return st == ST_OK ? ST_OK : fail_wrap(why, "outputs.%s", kinds[i].name);
		}
		if (kinds[i].instead != NULL)
			config_problem(node, "not made: %s", kinds[i].instead);
		return ST_OK;
	}
	config_problem(node, "no such output");
	return ST_OK;
}

/* ---- all ---- */

/* Suricata reads the version of its DNS events from there, too. */
static enum status read_environment(struct config *root, struct fail *why)
{
	const char *version = getenv("SURICATA_EVE_DNS_VERSION");

	return version == NULL || root == NULL
		       ? ST_OK
		       : config_set(root, SLICE("eve-dns-version"), slice_of(version), why);
}

enum status daemon_outputs_open(struct config *root, struct slice dir, bool patient,
				struct arena *a, struct daemon_outputs *out, struct fail *why)
{
	struct slice usual = daemon_path(a, dir, SLICE("eve.json"));
	struct config *list = config_at(root, "outputs");
	struct opening x = {root, dir, patient, a, out};
	enum status st = ST_OK;

	*out = (struct daemon_outputs){0};
	if (root == NULL)
		return open_eve(&x, NULL, why);
	st = read_environment(root, why);
	for (struct config *m = config_first(list); st == ST_OK && m != NULL; m = config_next(m))
		st = open_member(&x, m, why);
	if (st == ST_OK && !os_file_exists(usual))
		st = os_file_put(NULL, usual, SLICE(""), why);
	return st;
}

void daemon_outputs_mended(const struct daemon_outputs *o, void *ctx,
			   void (*say)(void *ctx, const char *text))
{
	for (size_t i = 0; i <= o->count; i++) {
		const struct daemon_eve *e = i < o->count ? &o->eves[i] : &o->stats;
		char text[OS_PATH_MAX + 128];

		if (!e->mended || say == NULL)
			continue;
		(void)snprintf(text, sizeof text,
			       "%.*s: its last line had no end, as when who wrote it was killed; "
			       "what follows begins a line of its own",
			       SLICE_ARG(e->path));
		say(ctx, text);
	}
}

uint64_t daemon_outputs_records(const struct daemon_outputs *o)
{
	uint64_t n = 0;

	for (size_t i = 0; i < o->count; i++)
		n += o->eves[i].records;
	return n;
}

uint64_t daemon_outputs_lost(const struct daemon_outputs *o)
{
	uint64_t n = 0;

	for (size_t i = 0; i < o->count; i++)
		n += daemon_eve_lost(&o->eves[i]);
	return n;
}

/* ---- stats.log ---- */

struct block {
	struct buf *out;
	const char *thread;
	bool zeros;
};

static void add_rule(struct buf *out)
{
	for (unsigned i = 0; i < 84; i++)
		buf_add_byte(out, '-');
	buf_add_byte(out, '\n');
}

static void add_counter(void *ctx, struct slice name, uint64_t value, int64_t grown)
{
	const struct block *b = ctx;

	if (value != 0 || b->zeros)
		buf_add_fmt(b->out, "%-45.*s | %-25s | %" PRIu64 "\n", SLICE_ARG(name), b->thread,
			    value);
}

/* "2026-06-22T..." -> "6/22/2026 -- 03:04:05" */
static void add_date(struct buf *out, struct slice time)
{
	static const struct {
		uint8_t at, bytes;
		char end;
	} parts[] = {{5, 2, '/'}, {8, 2, '/'}, {0, 4, ' '}};

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		struct slice part = slice_part(time, parts[i].at, parts[i].bytes);

		buf_add(out, slice_from(part, slice_starts(part, SLICE("0"))));
		buf_add_byte(out, (uint8_t)parts[i].end);
	}
	buf_add_z(out, "-- ");
	buf_add(out, slice_part(time, 11, 8));
}

static void add_head(struct buf *out, struct wall_ns at, uint64_t uptime)
{
	char text[TIME_TEXT_MAX];

	add_rule(out);
	buf_add_z(out, "Date: ");
	add_date(out, time_format_eve(at, text));
	buf_add_fmt(out, " (uptime: %" PRIu64 "d, %02" PRIu64 "h %02" PRIu64 "m %02" PRIu64 "s)\n",
		    uptime / 86400, uptime / 3600 % 24, uptime / 60 % 60, uptime % 60);
	add_rule(out);
	buf_add_fmt(out, "%-45s | %-25s | %s\n", "Counter", "TM Name", "Value");
	add_rule(out);
}

void daemon_outputs_stats(struct daemon_outputs *o, const struct pipeline_stats *s,
			  struct wall_ns at)
{
	struct arena arena = {.pool = o->stats.pool};
	struct buf out = buf_in(&arena);
	struct block b = {&out, "Total", o->stats_zeros};

	if (!o->has_stats)
		return;
	add_head(&out, at, s->uptime_s);
	if (o->stats_totals)
		pipeline_stats_each(s, NULL, add_counter, &b);
	b.thread = "W#01";
	if (o->stats_threads)
		pipeline_stats_each(s, NULL, add_counter, &b);
	add_rule(&out);
	if (!out.full && !daemon_eve_put_bytes(&o->stats, buf_slice(&out)))
		out.full = true; /* daemon_outputs_flush() says so */
	arena_reset(&arena);
}

enum status daemon_outputs_flush(struct daemon_outputs *o, struct fail *why)
{
	for (size_t i = 0; i < o->count; i++) {
		enum status st = daemon_eve_flush(&o->eves[i], why);

		if (st != ST_OK)
			return st;
	}
	return o->has_stats ? daemon_eve_flush(&o->stats, why) : ST_OK;
}

void daemon_outputs_close(struct daemon_outputs *o)
{
	for (size_t i = 0; i < o->count; i++)
		daemon_eve_close(&o->eves[i]);
	daemon_eve_close(&o->stats);
	o->count = 0;
	o->has_stats = false;
}
