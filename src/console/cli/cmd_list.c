/* SPDX-License-Identifier: Apache-2.0 */
#include "console/cli/cli.h"
#include "daemon/daemon.h"
#include "sensor/anomaly/anomaly.h"
#include "sensor/app/app.h"
#include "sensor/decode/decode.h"
#include "sensor/stream/stream.h"

static void protocols(struct buf *out)
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
static void buffers(struct buf *out)
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

static void detectors(struct buf *out)
{
	for (size_t i = 0; anomaly_detectors[i] != NULL; i++)
		buf_add_fmt(out, "%-16s %s\n", anomaly_detectors[i]->name,
			    anomaly_detectors[i]->doc);
}

static void events(struct buf *out)
{
	for (size_t i = 0; decode_anomalies[i] != NULL; i++)
		buf_add_fmt(out, "decoder.%s\n", decode_anomalies[i]);
	for (size_t i = 0; stream_anomalies[i] != NULL; i++)
		buf_add_fmt(out, "stream.%s\n", stream_anomalies[i]);
	for (size_t i = 0; app_protocols[i] != NULL; i++)
		for (const char *const *a = app_protocols[i]->anomalies; a && *a; a++)
			buf_add_fmt(out, "%s.%s\n", app_protocols[i]->name, *a);
}

static void treaties(struct buf *out)
{
	const struct bulletin_file *files;
	size_t n = daemon_builtin_treaties(&files);

	for (size_t i = 0; i < n; i++)
		buf_add_fmt(out, "%.*s\n", SLICE_ARG(files[i].name));
}

static int run(struct cli *c)
{
	static const struct {
		const char *name;
		void (*write)(struct buf *out);
	} lists[] = {{"protocols", protocols},
		     {"buffers", buffers},
		     {"detectors", detectors},
		     {"events", events},
		     {"treaties", treaties}};
	struct buf out = buf_in(c->arena);

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		if (slice_equal(c->words[0], slice_of(lists[i].name))) {
			lists[i].write(&out);
			return cli_print(c, buf_slice(&out)) ? CLI_DONE : CLI_CANNOT;
		}
	cli_say(c,
		"there is no list of \"%.*s\"; there are: protocols, buffers, detectors, events, "
		"treaties",
		SLICE_ARG(c->words[0]));
	return CLI_CANNOT;
}

COMMAND(list) = {
	.name = "list",
	.usage = "list protocols|buffers|detectors|events|treaties",
	.doc = "Lists what this build knows.",
	.more = "Examples:\n"
		"  dewline list protocols\n"
		"  dewline list buffers | grep http\n",
	.words_least = 1,
	.words_most = 1,
	.run = run,
};
