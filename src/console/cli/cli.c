/* SPDX-License-Identifier: Apache-2.0 */
#include "console/cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "os/file.h"

/* Set by meson from meson.build's project version. */
#ifndef DEW_VERSION
#error "meson defines DEW_VERSION"
#endif

static const struct cli_option none[] = {{0}};

static const struct cli_option *options_of(const struct command *m)
{
	return m->options ? m->options : none;
}

const struct slice *cli_values(const struct cli *c, const char *name, size_t *out_count)
{
	const struct cli_option *o = options_of(c->command);
	struct slice *out = ARENA_ARRAY(c->arena, struct slice, c->value_count + 1);
	size_t n = 0;

	ASSERT(out != NULL); /* before the first packet, out of memory ends the process */
	for (size_t i = 0; i < c->value_count; i++)
		if (strcmp(o[c->which[i]].name, name) == 0)
			out[n++] = c->values[i];
	*out_count = n;
	return out;
}

struct slice cli_value(const struct cli *c, const char *name)
{
	size_t n;
	const struct slice *all = cli_values(c, name, &n);

	return n ? all[n - 1] : (struct slice){NULL, 0};
}

int cli_cannot(const struct cli *c, const struct fail *why)
{
	cli_say(c, "%s", why->text);
	return CLI_CANNOT;
}

void cli_say(const struct cli *c, const char *fmt, ...)
{
	va_list ap;

	(void)fflush(stdout);
	(void)fprintf(stderr, "dewline%s%s: ", c->command ? " " : "",
		      c->command ? c->command->name : "");
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
}

bool cli_print(const struct cli *c, struct slice data)
{
	if (fwrite(data.ptr ? data.ptr : (const uint8_t *)"", 1, data.len, stdout) == data.len &&
	    fflush(stdout) == 0)
		return true;
	if (errno != EPIPE) /* the reader of a pipe may have seen enough */
		cli_say(c, "cannot write the output: %m");
	return false;
}

int cli_act(struct cli *c, const struct cli_act *acts)
{
	struct buf known = buf_in(c->arena);

	for (const struct cli_act *a = acts; a->word != NULL; a++) {
		if (slice_equal(c->words[0], slice_of(a->word))) {
			size_t behind = c->word_count - 1;

			if (behind >= a->least && behind <= a->most)
				return a->run(c);
			cli_say(c, "%s: %s\nusage: dewline %s\n(dewline %s --help says more)",
				a->word, behind < a->least ? "something is missing" : "too much",
				c->command->usage, c->command->name);
			return CLI_CANNOT;
		}
		buf_add_z(&known, a == acts ? "" : ", ");
		buf_add_z(&known, a->word);
	}
	cli_say(c, "\"%.*s\" is not known; there are: %.*s", SLICE_ARG(c->words[0]),
		SLICE_ARG(buf_slice(&known)));
	return CLI_CANNOT;
}

bool cli_read(struct cli *c, struct slice path, size_t most, struct slice *out)
{
	struct fail why;

	if (os_file_read(path, most, c->arena, out, &why) == ST_OK)
		return true;
	cli_say(c, "%s", why.text);
	return false;
}

int cli_put(const struct cli *c, const char *option, bool own, struct slice data)
{
	struct slice path = cli_value(c, option);
	struct fail why;
	enum status st;

	if (path.ptr == NULL)
		return cli_print(c, data) ? CLI_DONE : CLI_CANNOT;
	st = own ? os_file_replace_private(NULL, path, data, &why)
		 : os_file_replace(NULL, path, data, &why);
	return st == ST_OK ? CLI_DONE : cli_cannot(c, &why);
}

enum status cli_key(struct cli *c, struct slice *key, struct fail *why)
{
	struct slice text;
	enum status st;

	if (key->ptr == NULL || memchr(key->ptr, '+', key->len) != NULL)
		return ST_OK;
	st = os_file_read(*key, CLI_FILE_MAX, c->arena, &text, why);
	if (st == ST_OK)
		*key = slice_trim(slice_split(&text, '\n'));
	return st;
}

/* Prints text indented by `in` columns and broken at `width`. */
static void wrapped(FILE *to, const char *text, int in, int width)
{
	int at = in;

	for (const char *p = text; *p != '\0';) {
		const char *end = p + strcspn(p, " ");
		int n = (int)(end - p);

		if (at > in && at + 1 + n > width) {
			(void)fprintf(to, "\n%*s", in, "");
			at = in;
		}
		at += fprintf(to, "%s%.*s", at > in ? " " : "", n, p);
		p = end + strspn(end, " ");
	}
	(void)fputc('\n', to);
}

static void help_of(const struct command *m, FILE *to)
{
	(void)fprintf(to, "usage: dewline %s\n\n%s\n", m->usage, m->doc);
	if (options_of(m)->name != NULL)
		(void)fputs("\nOptions:\n", to);
	for (const struct cli_option *o = options_of(m); o->name != NULL; o++) {
		char left[64];
		int n = snprintf(left, sizeof left, "  %c%c%s --%s%s%s", o->letter ? '-' : ' ',
				 o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name,
				 o->arg ? " " : "", o->arg ? o->arg : "");

		(void)fprintf(to, "%-30s", left);
		if (n >= 30)
			(void)fprintf(to, "\n%30s", "");
		wrapped(to, o->doc, 30, 98);
	}
	(void)fprintf(to, "  -h, --help                  This text.\n\n%s", m->more);
}

static void help_all(FILE *to)
{
	(void)fputs("usage: dewline COMMAND [OPTION]...\n\n"
		    "The early-warning line for networks whose owners do not trust each other:\n"
		    "from packet to a verdict that a stranger can recompute.\n\nCommands:\n",
		    to);
	for (size_t i = 0; commands[i] != NULL; i++)
		(void)fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->doc);
	(void)fputs("\nExamples:\n"
		    "  dewline watch -r traffic.pcap -S signatures.rules --data out\n"
		    "  dewline verify out/bundles/B1-3f2a94c05d1be677.bundle\n"
		    "  dewline watch --help\n\n"
		    "Exit codes: 0 done, 1 said no, 2 could not.\n",
		    to);
}

/* The option that the argument's head names, by letter or by name. */
static const struct cli_option *option_find(const struct command *m, const char *arg)
{
	size_t n = strcspn(arg, "=");

	for (const struct cli_option *o = options_of(m); o->name != NULL; o++) {
		if (arg[0] == '-' && arg[1] == '-' && strlen(o->name) == n - 2 &&
		    strncmp(arg + 2, o->name, n - 2) == 0)
			return o;
		if (arg[1] != '-' && o->letter != 0 && arg[1] == o->letter)
			return o;
	}
	return NULL;
}

static enum status option_add(struct cli *c, const struct cli_option *o, const char *value,
			      struct fail *why)
{
	uint8_t which = (uint8_t)(o - options_of(c->command));

	if (!o->many && cli_value(c, o->name).ptr != NULL)
		return fail_set(why, ST_INVALID, "--%s is given twice", o->name);
	if (c->value_count == CLI_VALUES_MAX)
		return fail_set(why, ST_LIMIT, "more than %d options", CLI_VALUES_MAX);
	c->values[c->value_count] = slice_of(value);
	c->which[c->value_count++] = which;
	return ST_OK;
}

/* The option's value: what is joined to it, or else the next argument; *at moves past that. */
static enum status option_valued(struct cli *c, const struct cli_option *o, const char *value,
				 int argc, char **argv, int *at, struct fail *why)
{
	const char *arg = argv[*at];

	if (value == NULL && *at + 1 < argc)
		value = argv[++*at];
	if (value == NULL || *value == '\0')
		return fail_set(why, ST_INVALID, "%s wants a value: %s", arg, o->arg);
	return option_add(c, o, value, why);
}

static enum status option_unknown(const struct cli *c, const char *arg, struct fail *why)
{
	return fail_set(why, ST_INVALID, "there is no option %s (see dewline %s --help)", arg,
			c->command->name);
}

/* "--name", "--name=value", "--name value" */
static enum status option_long(struct cli *c, int argc, char **argv, int *at, struct fail *why)
{
	const char *arg = argv[*at], *equals = strchr(arg, '=');
	const struct cli_option *o = option_find(c->command, arg);

	if (o == NULL)
		return option_unknown(c, arg, why);
	if (o->arg != NULL)
		return option_valued(c, o, equals ? equals + 1 : NULL, argc, argv, at, why);
	if (equals != NULL)
		return fail_set(why, ST_INVALID, "%s takes no value", arg);
	return option_add(c, o, "", why);
}

/* "-a", "-abc" (switches together), "-r value", "-rvalue", "-abrvalue" */
static enum status option_short(struct cli *c, int argc, char **argv, int *at, struct fail *why)
{
	for (const char *l = argv[*at] + 1; *l != '\0'; l++) {
		char one[] = {'-', *l, '\0'};
		const struct cli_option *o = option_find(c->command, one);
		enum status st;

		if (o == NULL)
			return option_unknown(c, one, why);
		if (o->arg != NULL)
			return option_valued(c, o, l[1] != '\0' ? l + 1 : NULL, argc, argv, at,
					     why);
		st = option_add(c, o, "", why);
		if (st != ST_OK)
			return st;
	}
	return ST_OK;
}

static int run(struct cli *c, int argc, char **argv)
{
	struct fail why;
	bool words_only = false;

	for (int i = 0; i < argc; i++) {
		if (!words_only && strcmp(argv[i], "--") == 0) {
			words_only = true;
			continue;
		}
		if (!words_only && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
			help_of(c->command, stdout);
			return CLI_DONE;
		}
		if (!words_only && argv[i][0] == '-' && argv[i][1] != '\0') {
			bool is_long = argv[i][1] == '-';

			if ((is_long ? option_long : option_short)(c, argc, argv, &i, &why) !=
			    ST_OK)
				return cli_cannot(c, &why);
		} else if (c->word_count == CLI_VALUES_MAX) {
			cli_say(c, "more than %d arguments", CLI_VALUES_MAX);
			return CLI_CANNOT;
		} else {
			c->words[c->word_count++] = slice_of(argv[i]);
		}
	}
	if (c->word_count < c->command->words_least || c->word_count > c->command->words_most) {
		cli_say(c, "usage: dewline %s\n(dewline %s --help says more)", c->command->usage,
			c->command->name);
		return CLI_CANNOT;
	}
	return c->command->run(c);
}

int cli_main(int argc, char **argv)
{
	struct arena_pool pool = {.budget = SIZE_MAX};
	struct arena arena = {.pool = &pool};
	struct cli *c = ARENA_NEW(&arena, struct cli); /* too large for a stack */
	int code = CLI_CANNOT;

	ASSERT(c != NULL);
	c->arena = &arena;
	c->out_is_tty = isatty(1) == 1;
	c->err_is_tty = isatty(2) == 1;

	if (argc < 2) {
		help_all(stderr);
		return CLI_CANNOT;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		help_all(stdout);
		return CLI_DONE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		(void)puts("dewline " DEW_VERSION);
		return CLI_DONE;
	}
	for (size_t i = 0; commands[i] != NULL; i++)
		if (strcmp(commands[i]->name, argv[1]) == 0)
			c->command = commands[i];
	if (c->command == NULL)
		cli_say(c, "there is no command \"%s\" (dewline --help lists them)", argv[1]);
	else
		code = run(c, argc - 2, argv + 2);
	arena_reset(&arena);
	arena_pool_drain(&pool);
	return code;
}
