/* SPDX-License-Identifier: Apache-2.0 */
#include "console/cli/cli.h"
#include "evidence/ledger/ledger.h"
#include "os/file.h"

static const struct cli_option options[] = {
	{'k', "key", "VKEY", false,
	 "The log's verifier key, or a file that holds it; default: log.vkey beside the log's "
	 "folder."},
	{0},
};

static int run(struct cli *c)
{
	struct slice key = cli_value(c, "key"), folder = c->words[1];
	struct ledger_report report = {0};
	struct buf out = buf_in(c->arena);
	struct fail why;

	if (!slice_equal(c->words[0], SLICE("check"))) {
		cli_say(c, "\"%.*s\" is not known; there is: check", SLICE_ARG(c->words[0]));
		return CLI_CANNOT;
	}
	while (folder.len > 1 && folder.ptr[folder.len - 1] == '/')
		folder.len--;
	if (key.ptr == NULL) {
		struct buf beside = buf_in(c->arena);

		buf_add(&beside, folder);
		buf_add_z(&beside, "/../log.vkey");
		key = buf_slice(&beside);
	}
	if (cli_key(c, &key, &why) != ST_OK ||
	    ledger_check(folder, key, c->arena, &report, &why) != ST_OK)
		return cli_cannot(c, &why);
	for (size_t i = 0; i < report.count; i++)
		buf_add_fmt(&out, "%.*s: %.*s\n", SLICE_ARG(report.damage[i].file),
			    SLICE_ARG(report.damage[i].text));
	buf_add_fmt(&out, "%.*s: %llu leaves, %s\n", SLICE_ARG(folder),
		    (unsigned long long)report.size, report.count ? "damaged" : "whole");
	if (!cli_print(c, buf_slice(&out)))
		return CLI_CANNOT;
	return report.count == 0 ? CLI_DONE : CLI_NO;
}

COMMAND(log) = {
	.name = "log",
	.usage = "log check [--key VKEY] DIR",
	.doc = "Checks a log: every tile and entry against the signed checkpoint; names what is "
	       "damaged.",
	.more = "Exit 0 when the log is whole, 1 when it is damaged, 2 when it cannot be read.\n\n"
		"Examples:\n"
		"  dewline log check out/log\n"
		"  dewline log check --key their.vkey /mirror/their-log\n",
	.options = options,
	.words_least = 2,
	.words_most = 2,
	.run = run,
};
