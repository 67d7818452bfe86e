/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "console/cli/cli.h"
#include "daemon/daemon.h"
#include "evidence/bundle/bundle.h"
#include "os/file.h"

static const struct cli_option options[] = {
	{'k', "key", "VKEY", false,
	 "The log's verifier key (name+id+base64), or a file that holds it, that you got some "
	 "other way. Without it the "
	 "bundle's own is used: then you learn that nothing was changed, not who made it."},
	{'q', "quiet", NULL, false, "Only the answer."},
	{0, "json", NULL, false, "For machines."},
	{0, "text", NULL, false, "Print the recomputed bulletin too."},
	{0},
};

static void write_text(const struct cli *c, const struct bundle_report *r, bool quiet,
		       struct buf *out)
{
	const char *yes = c->out_is_tty ? "\033[32mok\033[0m" : "ok";
	const char *no = c->out_is_tty ? "\033[31mNO\033[0m" : "NO";

	for (size_t i = 0; i < r->count && !quiet; i++)
		buf_add_fmt(out, "%s  %s: %.*s\n", r->checks[i].ok ? yes : no, r->checks[i].name,
			    SLICE_ARG(r->checks[i].text));
	buf_add_z(out, r->ok ? "yes: the verdict follows from the evidence in this bundle\n"
			     : "no: this bundle does not hold\n");
}

static void write_json(const struct bundle_report *r, struct buf *out)
{
	struct json j = json_in(out);

	json_object(&j);
	json_key(&j, "checks");
	json_array(&j);
	for (size_t i = 0; i < r->count; i++) {
		json_object(&j);
		json_key(&j, "name");
		json_z(&j, r->checks[i].name);
		json_key(&j, "ok");
		json_bool(&j, r->checks[i].ok);
		json_key(&j, "text");
		json_str(&j, r->checks[i].text);
		json_end(&j);
	}
	json_end(&j);
	json_key(&j, "verified");
	json_bool(&j, r->ok);
	json_end(&j);
	buf_add_byte(out, '\n');
}

static int run(struct cli *c)
{
	struct slice bytes, key = cli_value(c, "key");
	struct buf out = buf_in(c->arena);
	struct bundle_report report = {0};
	struct bulletin bulletin = {0};
	struct fail why;

	if (cli_key(c, &key, &why) != ST_OK ||
	    os_file_read(c->words[0], CLI_FILE_MAX, c->arena, &bytes, &why) != ST_OK ||
	    daemon_verify(bytes, key, c->arena, &report, &bulletin, &why) != ST_OK)
		return cli_cannot(c, &why);
	if (cli_value(c, "json").ptr != NULL)
		write_json(&report, &out);
	else
		write_text(c, &report, cli_value(c, "quiet").ptr != NULL, &out);
	if (cli_value(c, "text").ptr != NULL && report.ok)
		bulletin_write_text(&bulletin, 100, c->out_is_tty, &out);
	if (!cli_print(c, buf_slice(&out)))
		return CLI_CANNOT;
	return report.ok ? CLI_DONE : CLI_NO;
}

COMMAND(verify) = {
	.name = "verify",
	.usage = "verify [--key VKEY] BUNDLE",
	.doc = "Re-checks a bundle offline: evidence, proofs, signature, and that the same facts "
	       "give the same verdict.",
	.more = "Needs nothing but the file. Prints each check and ends with a plain yes (exit 0) "
		"or no (exit 1);\n"
		"exit 2 when the file cannot be read.\n\n"
		"Examples:\n"
		"  dewline verify out/bundles/B1-3f2a94c05d1be677.bundle\n"
		"  dewline verify --key c.vkey B1-3f2a94c05d1be677.bundle\n"
		"  dewline verify --json B1-3f2a94c05d1be677.bundle | jq .verified\n",
	.options = options,
	.words_least = 1,
	.words_most = 1,
	.run = run,
};
