/* SPDX-License-Identifier: Apache-2.0
 * dewline treaty check and explain: what a file says before anything happens. */
#include "assess/accord/accord.h"
#include "base/json.h"
#include "console/cli/treaty.h"
#include "daemon/daemon.h"
#include "os/file.h"
#include "os/terminal.h"

/* ---- files ---------------------------------------------------------------------------------- */

static bool load_one(struct cli *c, struct slice name, struct slice text, struct cmd_treaties *out)
{
	struct buf problems = buf_in(c->arena);
	struct treaty *t;
	struct fail why = {0};

	if (treaty_compile(name, text, c->arena, &t, &problems, &why) != ST_OK) {
		cli_say(c, "%.*s",
			SLICE_ARG(problems.len ? slice_trim(buf_slice(&problems))
					       : slice_of(why.text)));
		return false;
	}
	for (size_t i = 0; i < out->count; i++)
		if (slice_equal(treaty_id(out->list[i]), treaty_id(t))) {
			cli_say(c, "%.*s: \"%.*s\" was read from %.*s already: expected each once",
				SLICE_ARG(name), SLICE_ARG(treaty_id(t)), SLICE_ARG(out->names[i]));
			return false;
		}
	out->names[out->count] = name;
	out->list[out->count++] = t;
	return true;
}

static void room_for(struct cli *c, size_t n, struct cmd_treaties *out)
{
	*out = (struct cmd_treaties){.names = ARENA_ARRAY(c->arena, struct slice, n + 1),
				     .list = ARENA_ARRAY(c->arena, const struct treaty *, n + 1)};
	ASSERT(out->names != NULL && out->list != NULL); /* before anything runs, memory is there */
}

static int load_files(struct cli *c, const struct slice *files, size_t n, struct cmd_treaties *out)
{
	int code = CLI_DONE;

	room_for(c, n, out);
	for (size_t i = 0; i < n; i++) {
		struct slice text;
		struct fail why = {0};

		if (os_file_read(files[i], TREATY_TEXT_MAX, c->arena, &text, &why) != ST_OK)
			return cli_cannot(c, &why);
		if (!load_one(c, files[i], text, out))
			code = CLI_NO;
	}
	return code;
}

int cmd_treaty_load(struct cli *c, struct cmd_treaties *out)
{
	const struct bulletin_file *builtin;
	const struct slice *files;
	size_t n;

	files = cli_values(c, "treaty", &n);
	if (n != 0)
		return load_files(c, files, n, out);
	n = daemon_shipped_treaties(&builtin);
	room_for(c, n, out);
	for (size_t i = 0; i < n; i++)
		if (!load_one(c, builtin[i].name, builtin[i].text, out))
			return CLI_NO;
	return CLI_DONE;
}

/* Files named by words, from word `first` on; without any, as above. */
static int load_words(struct cli *c, size_t first, struct cmd_treaties *out)
{
	if (c->word_count <= first)
		return cmd_treaty_load(c, out);
	return load_files(c, c->words + first, c->word_count - first, out);
}

bool cmd_treaty_at(struct cli *c, struct wall_ns *out)
{
	struct slice s = cli_value(c, "at");

	out->ns = INT64_MAX;
	if (s.ptr == NULL || time_parse_date(s, out))
		return true;
	cli_say(c, "--at %.*s: expected a date as YYYY-MM-DD, from 1970 on", SLICE_ARG(s));
	return false;
}

/* ---- check ---------------------------------------------------------------------------------- */

struct check { /* of one file */
	struct slice name, problems, notes;
	const struct treaty *t; /* NULL: it does not compile */
};

static void lines_json(struct json *j, const char *key, struct slice lines)
{
	json_key(j, key);
	json_array(j);
	while (lines.len != 0) {
		struct slice line = slice_split(&lines, '\n');

		if (line.len != 0)
			json_str(j, line);
	}
	json_end(j);
}

static enum status check_json(struct cli *c, const struct check *x, struct buf *out,
			      struct fail *why)
{
	struct json j = json_in(out);
	enum status st = ST_OK;

	json_object(&j);
	json_member_str(&j, "file", x->name);
	json_member_bool(&j, "compiles", x->t != NULL);
	lines_json(&j, "problems", x->problems);
	lines_json(&j, "notes", x->notes);
	json_key(&j, "vagueness");
	json_object(&j);
	for (size_t i = 0; x->t != NULL && st == ST_OK && i < treaty_clause_count(x->t); i++) {
		int32_t milli;

		if (!treaty_clause_judged(x->t, i))
			continue;
		st = accord_vagueness(x->t, i, c->arena, &milli, why);
		if (st != ST_OK)
			break;
		json_key_slice(&j, treaty_clause_id(x->t, i));
		json_fixed(&j, milli, 3);
	}
	json_end(&j);
	json_end(&j);
	buf_add_byte(out, '\n');
	return st;
}

static enum status check_text(struct cli *c, const struct check *x, struct buf *out,
			      struct fail *why)
{
	buf_add(out, x->problems);
	if (x->t == NULL)
		return ST_OK;
	buf_add_fmt(out, "%.*s: compiles: %.*s, \"%.*s\"\n", SLICE_ARG(x->name),
		    SLICE_ARG(treaty_id(x->t)), SLICE_ARG(treaty_title(x->t)));
	buf_add(out, x->notes);
	for (size_t i = 0; i < treaty_clause_count(x->t); i++) {
		int32_t milli;
		enum status st;

		if (!treaty_clause_judged(x->t, i))
			continue;
		st = accord_vagueness(x->t, i, c->arena, &milli, why);
		if (st != ST_OK)
			return st;
		buf_add_fmt(out, "%.*s: its words leave %d.%d %% of 640 scenarios undetermined\n",
			    SLICE_ARG(treaty_clause_id(x->t, i)), milli / 10, milli % 10);
	}
	return ST_OK;
}

/* What is wrong with one file, and what may be said of it. */
static enum status check_file(struct cli *c, struct slice name, struct check *x, struct fail *why)
{
	struct buf problems = buf_in(c->arena), notes = buf_in(c->arena);
	struct slice text;
	struct treaty *t;
	enum status st = os_file_read(name, TREATY_TEXT_MAX, c->arena, &text, why);

	*x = (struct check){.name = name};
	if (st == ST_LIMIT)
		x->problems = buf_text(c->arena, "%.*s: a treaty has at most %d bytes\n",
				       SLICE_ARG(name), TREATY_TEXT_MAX);
	if (st != ST_OK)
		return st == ST_LIMIT ? ST_OK : st;
	st = treaty_compile(name, text, c->arena, &t, &problems, why);
	x->problems = buf_slice(&problems);
	if (st != ST_OK)
		return st == ST_INVALID ? ST_OK : st;
	if (!treaty_lint(t, name, c->arena, &notes))
		return fail_set(why, ST_NOMEM, "%.*s: no memory", SLICE_ARG(name));
	x->notes = buf_slice(&notes);
	x->t = t;
	return ST_OK;
}

int cmd_treaty_check(struct cli *c)
{
	bool json = cli_value(c, "json").ptr != NULL, all_good = true;
	struct buf out = buf_in(c->arena);
	struct fail why = {0};

	if (c->word_count < 2) {
		cli_say(c, "check wants files: dewline treaty check FILE...");
		return CLI_CANNOT;
	}
	for (size_t i = 1; i < c->word_count; i++) {
		struct check x;
		enum status st = check_file(c, c->words[i], &x, &why);

		if (st == ST_OK)
			st = (json ? check_json : check_text)(c, &x, &out, &why);
		if (st != ST_OK)
			return cli_cannot(c, &why);
		all_good &= x.t != NULL;
	}
	if (!cli_print(c, buf_slice(&out)))
		return CLI_CANNOT;
	return all_good ? CLI_DONE : CLI_NO;
}

/* ---- explain -------------------------------------------------------------------------------- */

int cmd_treaty_explain(struct cli *c)
{
	unsigned width = c->out_is_tty ? os_terminal_width(1, 100) : 100;
	struct cmd_treaties treaties;
	struct buf out = buf_in(c->arena);
	int code = load_words(c, 1, &treaties);

	if (code != CLI_DONE)
		return code;
	for (size_t i = 0; i < treaties.count; i++) {
		if (i != 0)
			buf_add_z(&out, "\n\n");
		if (!treaty_explain(treaties.list[i], width > 140 ? 140 : width, c->arena, &out)) {
			cli_say(c, "%.*s: no memory", SLICE_ARG(treaties.names[i]));
			return CLI_CANNOT;
		}
	}
	return cli_print(c, buf_slice(&out)) ? CLI_DONE : CLI_CANNOT;
}
