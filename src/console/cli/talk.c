/* SPDX-License-Identifier: Apache-2.0 */
#include "console/cli/talk.h"

#include <stdio.h>

#include "sensor/config/config.h"
#include "sensor/detect/detect.h"
#include "sensor/rule/rule.h"

enum { LINE_BYTES = 200 };

static void number(uint64_t n, struct buf *out)
{
	if (n >= 1000) {
		number(n / 1000, out);
		buf_add_fmt(out, ",%03u", (unsigned)(n % 1000));
		return;
	}
	buf_add_u64(out, n);
}

static void bytes(uint64_t n, struct buf *out)
{
	static const char *const units[] = {"kB", "MB", "GB", "TB"};
	uint64_t tenths = n / 100; /* of a kB */
	size_t u = 0;

	if (n < 1000) {
		buf_add_fmt(out, "%u bytes", (unsigned)n);
		return;
	}
	for (; tenths >= 10000 && u + 1 < sizeof units / sizeof units[0]; u++)
		tenths /= 1000;
	buf_add_fmt(out, "%u.%u %s", (unsigned)(tenths / 10), (unsigned)(tenths % 10), units[u]);
}

static void capture(const struct daemon_capture *k, struct buf *out)
{
	buf_add_fmt(out, "%.*s: ", SLICE_ARG(k->name));
	number(k->packets, out);
	buf_add_z(out, " packets, ");
	bytes(k->bytes, out);
	buf_add_z(out, ", ");
	number(k->counters.flows, out);
	buf_add_z(out, " flows, ");
	number(k->counters.alerts, out);
	buf_add_fmt(out, " alerts, %lld.%02lld s", (long long)(k->elapsed_ns / TIME_NS_PER_S),
		    (long long)(k->elapsed_ns / 10000000 % 100));
}

void talk_counters(const struct daemon_capture *k, struct buf *out)
{
	const struct pipeline_counters *c = &k->counters;
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {{"packets", c->packets},
		    {"bytes on the wire", c->bytes},
		    {"packets without IP", c->undecoded},
		    {"flows", c->flows},
		    {"records", c->records},
		    {"alerts", c->alerts},
		    {"anomalies", c->anomalies},
		    {"rules named by the prefilter", c->candidates},
		    {"rules asked in full", c->evaluated},
		    {"matches kept silent by thresholds", c->suppressed},
		    {"malformed packets not written", c->muted},
		    {"flows lost for want of memory", c->no_memory},
		    {"subjects forgotten by detectors", c->forgotten}};

	buf_add_fmt(out, "%.*s\n", SLICE_ARG(k->name));
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		buf_add_fmt(out, "  %-36s", rows[i].name);
		number(rows[i].value, out);
		buf_add_byte(out, '\n');
	}
}

static void tick(void *ctx, const struct daemon_tick *t)
{
	struct arena_pool pool = {.budget = 1 << 16};
	struct arena arena = {.pool = &pool};
	struct buf line = buf_in(&arena);
	int64_t ms = t->elapsed_ns / TIME_NS_PER_MS;

	buf_add_fmt(&line, "%s ", t->stage);
	if (t->total != 0) {
		bytes(t->done, &line);
		buf_add_z(&line, " of ");
		bytes(t->total, &line);
	}
	if (t->packets != 0 && ms > 0) {
		buf_add_z(&line, ", ");
		number(t->packets * 1000 / (uint64_t)ms, &line);
		buf_add_z(&line, " packets/s");
	}
	if (t->total != 0 && t->done > 0 && ms > 500 && !t->finished)
		buf_add_fmt(
			&line, ", %llu s left",
			(unsigned long long)((t->total - t->done) * (uint64_t)ms / t->done / 1000));
	line.len = line.len < LINE_BYTES ? line.len : LINE_BYTES;
	(void)fprintf(stderr, "\r\033[K%.*s", SLICE_ARG(buf_slice(&line)));
	if (t->finished)
		(void)fputs("\r\033[K", stderr);
	(void)fflush(stderr);
	arena_reset(&arena);
	arena_pool_drain(&pool);
}

struct daemon_progress talk_progress(struct cli *c)
{
	return (struct daemon_progress){.ctx = c, .tick = c->err_is_tty ? tick : NULL};
}

struct daemon_config_source talk_config_source(const struct cli *c)
{
	struct daemon_config_source source = {0};
	size_t n;
	const struct slice *given = cli_values(c, "set", &n);
	struct slice *sets = ARENA_ARRAY(c->arena, struct slice, n + 1);

	ASSERT(sets != NULL); /* before the first packet, out of memory ends the process */
	if (n != 0)
		memcpy(sets, given, n * sizeof *sets);
	if (cli_value(c, "midstream").ptr != NULL)
		sets[n++] = SLICE("stream.midstream=true");
	source.files = cli_values(c, "config", &source.file_count);
	source.sets = sets;
	source.set_count = n;
	return source;
}

enum status talk_config(const struct cli *c, struct config **out, struct fail *why)
{
	struct daemon_config_source source = talk_config_source(c);

	return daemon_config_load(&source, c->arena, out, why);
}

enum status talk_socket(const struct cli *c, struct slice *out, struct fail *why)
{
	struct slice path = cli_value(c, "socket");
	struct config *config;
	enum status st = talk_config(c, &config, why);

	if (st != ST_OK)
		return st;
	if (path.len == 0)
		path = daemon_control_path(config, daemon_log_dir(config, cli_value(c, "log-dir")),
					   c->arena);
	*out = path;
	return ST_OK;
}

enum status talk_ask(const struct cli *c, struct slice command, uint32_t tenant, struct slice *out,
		     struct fail *why)
{
	struct slice path;
	enum status st = talk_socket(c, &path, why);

	return st == ST_OK ? daemon_control_ask(path, command, tenant, c->arena, out, why) : st;
}

static void say_ignored(void *ctx, const struct config *n)
{
	const struct cli *c = ctx;
	struct buf path = buf_in(c->arena);

	config_path(n, &path);
	cli_say(c, "%.*s:%u: %.*s: not used", SLICE_ARG(n->file), n->line,
		SLICE_ARG(buf_slice(&path)));
}

static void say_problem(const struct cli *c, const struct config_problem *p)
{
	cli_say(c, "%.*s:%u:%u: %.*s: %.*s", SLICE_ARG(p->file), p->line, p->column,
		SLICE_ARG(p->path), SLICE_ARG(p->text));
}

static bool has_problem(const struct config_tree *tree, const struct config_problem *p)
{
	for (size_t i = 0; i < tree->problem_count; i++) {
		const struct config_problem *q = &tree->problems[i];

		if (q->line == p->line && q->column == p->column && slice_equal(q->file, p->file) &&
		    slice_equal(q->text, p->text))
			return true;
	}
	return false;
}

void talk_tenants_problems(const struct cli *c, const struct config *station,
			   struct config *const *tenants, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct config_tree *tree = tenants[i]->tree;

		for (size_t k = 0; k < tree->problem_count; k++)
			if (!has_problem(station->tree, &tree->problems[k]))
				say_problem(c, &tree->problems[k]);
	}
}

void talk_config_problems(const struct cli *c, struct config *config)
{
	const struct config_tree *tree = config->tree;

	for (size_t i = 0; i < tree->problem_count; i++)
		say_problem(c, &tree->problems[i]);
	if (cli_value(c, "verbose").ptr != NULL && cli_value(c, "config").ptr != NULL)
		config_ignored(config, say_ignored, (void *)(uintptr_t)c);
}

struct daemon_rules_source talk_rules_source(const struct cli *c, struct config *config)
{
	struct daemon_rules_source s = {.config = config,
					.classes = cli_value(c, "classification")};

	s.files = cli_values(c, "rules", &s.file_count);
	s.more = cli_values(c, "more-rules", &s.more_count);
	return s;
}

/* " flow (3), lua (1)" of the keywords that are known, or not, with a word before them. */
static void stoppers(const char *word, const struct daemon_keyword_count *k, size_t n, bool known,
		     struct buf *out)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		if (k[i].known != known)
			continue;
		buf_add_z(out, any ? "," : word);
		buf_add_fmt(out, " %.*s (", SLICE_ARG(k[i].keyword));
		number(k[i].rules, out);
		buf_add_byte(out, ')');
		any = true;
	}
}

void talk_rules(const struct daemon_rules *r, size_t most, struct arena *a, struct buf *out)
{
	struct daemon_keyword_count *keywords;
	size_t n = daemon_rules_unsupported(r, a, &keywords), shown = 0;

	for (; shown < r->set.problem_count && shown < most; shown++) {
		const struct rule_problem *p = &r->set.problems[shown];

		buf_add_fmt(out, "%.*s:%u: %s%.*s", SLICE_ARG(p->file), p->line,
			    p->warning ? "warning: " : "", SLICE_ARG(p->text));
		if (p->sid != 0)
			buf_add_fmt(out, " (sid %llu)", (unsigned long long)p->sid);
		buf_add_byte(out, '\n');
	}
	if (shown < r->set.problem_count) {
		buf_add_z(out, "... and ");
		number(r->set.problem_count - shown, out);
		buf_add_z(out, " more problems\n");
	}
	number(detect_rules_count(r->compiled), out);
	buf_add_z(out, " rules loaded, ");
	number(rule_set_failed(&r->set), out);
	buf_add_z(out, " not");
	if (r->set.warning_count != 0) {
		buf_add_z(out, ", ");
		number(r->set.warning_count, out);
		buf_add_z(out, r->set.warning_count == 1 ? " warning" : " warnings");
	}
	stoppers("; not supported:", keywords, n, false, out);
	stoppers("; wrong in:", keywords, n, true, out);
	buf_add_byte(out, '\n');
}

int talk_read(const struct cli *c, const struct daemon_rules *rules,
	      const struct daemon_capture *captures, size_t n)
{
	struct buf out = buf_in(c->arena);
	int code = CLI_DONE;

	if (rules != NULL) {
		talk_rules(rules, 5, c->arena, &out);
		out.len -= out.len > 0; /* the line feed: cli_say() adds one */
		cli_say(c, "%.*s", SLICE_ARG(buf_slice(&out)));
	}
	for (size_t i = 0; i < n; i++) {
		out.len = 0;
		capture(&captures[i], &out);
		cli_say(c, "%.*s", SLICE_ARG(buf_slice(&out)));
		if (captures[i].damage.status != ST_OK) {
			cli_say(c, "%.*s breaks off: %s; what came before it was inspected",
				SLICE_ARG(captures[i].name), captures[i].damage.text);
			code = CLI_CANNOT;
		}
	}
	return code;
}
