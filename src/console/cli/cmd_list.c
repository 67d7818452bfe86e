/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "console/cli/cli.h"
#include "daemon/daemon.h"
#include "sensor/anomaly/anomaly.h"
#include "sensor/app/app.h"
#include "sensor/decode/decode.h"
#include "sensor/detect/detect.h"
#include "sensor/stream/stream.h"

static void protocols(struct buf *out, bool machine)
{
	for (size_t i = 0; app_protocols[i] != NULL; i++)
		buf_add_fmt(out, "%-12s %s\n", app_protocols[i]->name, app_protocols[i]->spec);
}

static const char *values_of(const struct app_field *f)
{
	switch (f->kind) {
	case APP_NUMBERS:
		return "number";
	case APP_FLAGS:
		return "flags";
	case APP_BYTES:
		break;
	}
	return f->growing ? "grows" : f->multi ? "several" : "one";
}

/* name, direction, values, what it holds; a number's words for values behind it */
static void buffers(struct buf *out, bool machine)
{
	static const char *const sides[] = {"", "to server", "to client", "both"};

	for (size_t i = 0; app_protocols[i] != NULL; i++)
		for (const struct app_field *f = app_protocols[i]->fields; f && f->name; f++) {
			buf_add_fmt(out, "%-32s %-9s %-7s %s", f->name, sides[f->dirs],
				    values_of(f), f->doc);
			for (const struct app_word *w = f->words; w && w->name; w++)
				buf_add_fmt(out, "%s%s", w == f->words ? " Words: " : ", ",
					    w->name);
			buf_add_z(out, f->words != NULL ? ".\n" : "\n");
		}
}

struct keyword {
	const char *name, *kind, *doc, *protocol; /* protocol NULL: of none, or of several */
};

static void keyword_add(const struct keyword *k, bool machine, struct buf *out)
{
	struct json j = json_in(out);

	if (!machine) {
		buf_add_fmt(out, "%-32s %-12s %-10s %s\n", k->name, k->kind,
			    k->protocol != NULL ? k->protocol : "", k->doc);
		return;
	}
	json_object(&j);
	json_member_str(&j, "name", slice_of(k->name));
	json_member_str(&j, "kind", slice_of(k->kind));
	if (k->protocol != NULL)
		json_member_str(&j, "protocol", slice_of(k->protocol));
	json_member_str(&j, "doc", slice_of(k->doc));
	json_end(&j);
	buf_add_byte(out, '\n');
}

/* A row of this name, or a field in a protocol of the table before the n-th. */
static bool said_before(const char *name, size_t n)
{
	struct detect_keyword_info k;

	for (size_t i = 0; detect_keyword_at(i, &k); i++)
		if (strcmp(k.name, name) == 0)
			return true;
	for (size_t i = 0; i < n; i++)
		for (const struct app_field *f = app_protocols[i]->fields; f && f->name; f++)
			if (strcmp(f->name, name) == 0)
				return true;
	return false;
}

/* The keyword table; then the fields of protocols, each once, whose kind is buffer or number. */
static void keywords(struct buf *out, bool machine)
{
	struct detect_keyword_info k;

	for (size_t n = 0; detect_keyword_at(n, &k); n++)
		keyword_add(&(struct keyword){k.name, k.kind, k.doc, NULL}, machine, out);
	for (size_t i = 0; app_protocols[i] != NULL; i++)
		for (const struct app_field *f = app_protocols[i]->fields; f && f->name; f++) {
			struct keyword field = {.name = f->name,
						.kind = f->kind == APP_BYTES ? "buffer" : "number",
						.doc = f->doc,
						.protocol = app_protocols[i]->name};

			if (!said_before(f->name, i))
				keyword_add(&field, machine, out);
		}
}

static void detector_add(const struct anomaly_detector *d, struct buf *out)
{
	buf_add_fmt(out, "%s  %s\n    says: %s\n", d->name, d->doc, d->events);
	buf_add_fmt(out, "    anomaly.%s.enabled = yes\n", d->name);
	for (const struct anomaly_setting *s = d->settings; s->name != NULL; s++)
		buf_add_fmt(out,
			    "    anomaly.%s.%s = %" PRIu64 "%s%s (%" PRIu64 "..%" PRIu64 ")  %s\n",
			    d->name, s->name, s->fallback, s->unit[0] ? " " : "", s->unit, s->least,
			    s->most, s->doc);
}

static void detector_json(const struct anomaly_detector *d, struct buf *out)
{
	struct json j = json_in(out);

	json_object(&j);
	json_member_str(&j, "name", slice_of(d->name));
	json_member_str(&j, "events", slice_of(d->events));
	json_member_str(&j, "doc", slice_of(d->doc));
	json_key(&j, "settings");
	json_object(&j);
	for (const struct anomaly_setting *s = d->settings; s->name != NULL; s++)
		json_member_u64(&j, s->name, s->fallback);
	json_end(&j);
	json_end(&j);
	buf_add_byte(out, '\n');
}

/* Detectors with their switches and thresholds; before them what holds for all. */
static void detectors(struct buf *out, bool machine)
{
	for (const struct anomaly_common *c = anomaly_common; !machine && c->name != NULL; c++)
		buf_add_fmt(out, "anomaly.%s = %s  %s\n", c->name, c->fallback, c->doc);
	for (size_t i = 0; anomaly_detectors[i] != NULL; i++)
		if (machine)
			detector_json(anomaly_detectors[i], out);
		else
			detector_add(anomaly_detectors[i], out);
}

static void events(struct buf *out, bool machine)
{
	for (size_t i = 0; decode_anomalies[i] != NULL; i++)
		buf_add_fmt(out, "decoder.%s\n", decode_anomalies[i]);
	for (size_t i = 0; stream_anomalies[i] != NULL; i++)
		buf_add_fmt(out, "stream.%s\n", stream_anomalies[i]);
	for (size_t i = 0; app_protocols[i] != NULL; i++)
		for (const char *const *a = app_protocols[i]->anomalies; a && *a; a++)
			buf_add_fmt(out, "%s.%s\n", app_protocols[i]->name, *a);
}

static void treaties(struct buf *out, bool machine)
{
	const struct bulletin_file *files;
	size_t n = daemon_shipped_treaties(&files);

	for (size_t i = 0; i < n; i++)
		buf_add_fmt(out, "%.*s\n", SLICE_ARG(files[i].name));
}

static int run(struct cli *c)
{
	static const struct {
		const char *name;
		void (*write)(struct buf *out, bool machine);
	} lists[] = {{"protocols", protocols}, {"keywords", keywords}, {"buffers", buffers},
		     {"detectors", detectors}, {"events", events},     {"treaties", treaties}};
	struct buf out = buf_in(c->arena);

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		if (slice_equal(c->words[0], slice_of(lists[i].name))) {
			lists[i].write(&out, cli_value(c, "json").ptr != NULL);
			return cli_print(c, buf_slice(&out)) ? CLI_DONE : CLI_CANNOT;
		}
	cli_say(c,
		"there is no list of \"%.*s\"; there are: protocols, keywords, buffers, detectors, "
		"events, treaties",
		SLICE_ARG(c->words[0]));
	return CLI_CANNOT;
}

static const struct cli_option options[] = {
	{0, "json", NULL, false, "keywords, detectors: a line for each, for machines."},
	{0},
};

COMMAND(list) = {
	.name = "list",
	.usage = "list protocols|keywords|buffers|detectors|events|treaties",
	.doc = "Lists what this build knows.",
	.more = "Examples:\n"
		"  dewline list protocols\n"
		"  dewline list keywords | grep refused\n"
		"  dewline list buffers | grep http\n",
	.options = options,
	.words_least = 1,
	.words_most = 1,
	.run = run,
};
