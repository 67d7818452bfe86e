/* SPDX-License-Identifier: Apache-2.0
 *
 * console/cli/cli.h - what a subcommand is, and what all of them share.
 *
 * A subcommand is one const struct command in cmd_<name>.c and the word in `commands` of
 * meson.build. Help, option parsing, the list of commands and shell completion come from the table.
 * A command returns its exit code: 0 done, 1 said no, 2 could not. Data goes to stdout, talk to
 * stderr; colour and progress only when that stream is a terminal. Main thread only.
 */
#ifndef DEW_CONSOLE_CLI_H
#define DEW_CONSOLE_CLI_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"

enum { CLI_DONE = 0, CLI_NO = 1, CLI_CANNOT = 2 };
enum {
	CLI_VALUES_MAX = 4096,	/* options and words of one command line */
	CLI_FILE_MAX = 1 << 30, /* bytes of a file that is read whole */
};

struct cli_option {
	char letter;	  /* 'r', or 0 */
	const char *name; /* "read", without dashes */
	const char *arg;  /* what the value is called in the help; NULL: a switch */
	bool many;	  /* may be given several times */
	const char *doc;  /* one sentence */
};

struct cli {
	struct arena *arena; /* lives as long as the process */
	const struct command *command;
	/* options given, in order: values[i] belongs to command->options[which[i]] */
	struct slice values[CLI_VALUES_MAX];
	uint8_t which[CLI_VALUES_MAX];
	size_t value_count;
	struct slice words[CLI_VALUES_MAX]; /* what is no option */
	size_t word_count;
	bool out_is_tty, err_is_tty;
};

struct command {
	const char *name;
	const char *usage;		  /* behind "dewline ": "watch -r CAPTURE [-S RULES]..." */
	const char *doc;		  /* one sentence */
	const char *more;		  /* paragraphs and examples for --help */
	const struct cli_option *options; /* terminated by name == NULL */
	unsigned words_least, words_most;
	int (*run)(struct cli *c);
};

#define COMMAND(name)                                                                              \
	extern const struct command command_##name;                                                \
	const struct command command_##name

extern const struct command *const commands[]; /* NULL-terminated, in order of the help */

/* The value of an option (the last one given), or the empty slice with ptr NULL. A switch that was
 * given has ptr set. */
struct slice cli_value(const struct cli *c, const char *name);

/* All values of an option, in the order given; an array of *out_count in the process's arena. */
const struct slice *cli_values(const struct cli *c, const char *name, size_t *out_count);

/* Prints "dewline <command>: <text>" to stderr and returns CLI_CANNOT: `return cli_cannot(c,
 * &why);` */
int cli_cannot(const struct cli *c, const struct fail *why);

/* Prints a message for a person to stderr. */
void cli_say(const struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Writes data to stdout; false (and a message) when that fails, e.g. a closed pipe or a full disk.
 */
MUST_USE bool cli_print(const struct cli *c, struct slice data);

/* What the first word of a command asks for, e.g. the "check" of `dewline log check`. */
struct cli_act {
	const char *word;
	int (*run)(struct cli *c);
	unsigned least, most; /* words behind it */
};

/* Does it. `acts` ends with {0}. A word that is none of them, or too few or too many behind it: a
 * message, and CLI_CANNOT. */
int cli_act(struct cli *c, const struct cli_act *acts);

/* A file of at most so many bytes, into the process's arena; false: a message says why not. */
MUST_USE bool cli_read(struct cli *c, struct slice path, size_t most, struct slice *out);

/* What a command makes: to the file that the option names (as os_file_replace(); for its owner's
 * eyes only if `own`), else to stdout. CLI_DONE, or CLI_CANNOT and a message. */
int cli_put(const struct cli *c, const char *option, bool own, struct slice data);

/* A verifier key given as such or as the name of a file that holds it: *key becomes the key. An
 * empty one stays empty. */
MUST_USE enum status cli_key(struct cli *c, struct slice *key, struct fail *why);

/* Parses argv behind the program's name and runs the command. Returns the exit code. */
int cli_main(int argc, char **argv);

#endif
