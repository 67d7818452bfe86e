/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/treaty/treaty.h"
#include "console/cli/cli.h"
#include "os/file.h"

static int run(struct cli *c)
{
	struct buf out = buf_in(c->arena);
	bool all_good = true;
	struct fail why;

	if (!slice_equal(c->words[0], SLICE("check"))) {
		cli_say(c, "\"%.*s\" is not known; there is: check", SLICE_ARG(c->words[0]));
		return CLI_CANNOT;
	}
	for (size_t i = 1; i < c->word_count; i++) {
		struct slice text, rest = c->words[i];
		struct treaty *t;

		if (os_file_read(c->words[i], CLI_FILE_MAX, c->arena, &text, &why) != ST_OK)
			return cli_cannot(c, &why);
		if (treaty_compile(rest, text, c->arena, &t, &out, &why) == ST_OK)
			buf_add_fmt(&out, "%.*s: compiles: %.*s, \"%.*s\"\n",
				    SLICE_ARG(c->words[i]), SLICE_ARG(treaty_id(t)),
				    SLICE_ARG(treaty_title(t)));
		else
			all_good = false;
	}
	if (!cli_print(c, buf_slice(&out)))
		return CLI_CANNOT;
	return all_good ? CLI_DONE : CLI_NO;
}

COMMAND(treaty) = {
	.name = "treaty",
	.usage = "treaty check FILE...",
	.doc = "Checks treaty files: each error as file:line:column and what was expected.",
	.more = "Exit 0 when all compile, 1 when one does not, 2 when a file cannot be read.\n\n"
		"Examples:\n"
		"  dewline treaty check treaties/cwlt.treaty\n",
	.words_least = 2,
	.words_most = CLI_VALUES_MAX,
	.run = run,
};
