/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/json.h"
#include "console/cli/cli.h"
#include "daemon/daemon.h"
#include "evidence/view/view.h"
#include "os/file.h"

static const struct cli_option options[] = {
	{'d', "data", "DIR", false, "The data folder; default: dewline-data."},
	{0, "key", "FILE", false, "The log's signing key; default: the data folder's own."},
	{'p', "policy", "FILE", false,
	 "The tlog-policy by which witnesses were asked; goes into the bundle. Its quorum must "
	 "have cosigned the log as it stands."},
	{0, "all", NULL, false,
	 "With the facts that are withheld: for yourself and for reviewers, into DIR/withheld."},
	{0, "json", NULL, false, "For machines."},
	{0},
};

static void write_json(const struct daemon_bundle_result *r, struct buf *out)
{
	struct json j = json_in(out);

	json_object(&j);
	json_member_str(&j, "bulletin", r->id);
	json_member_str(&j, "bundle", r->path);
	json_member_u64(&j, "cosigned", r->cosigned);
	json_member_u64(&j, "facts", r->facts);
	json_member_u64(&j, "witnesses", r->witnesses);
	json_end(&j);
	buf_add_byte(out, '\n');
}

static int run(struct cli *c)
{
	struct daemon_bundle_options o = {
		.data = cli_value(c, "data").ptr ? cli_value(c, "data") : SLICE("dewline-data"),
		.key = cli_value(c, "key"),
		.id = c->word_count != 0 ? c->words[0] : (struct slice){NULL, 0},
		.all = cli_value(c, "all").ptr != NULL};
	struct slice policy = cli_value(c, "policy");
	struct daemon_bundle_result r = {0};
	struct buf out = buf_in(c->arena);
	enum status st = ST_OK;
	struct fail why;

	if (policy.ptr != NULL)
		st = os_file_read(policy, VIEW_POLICY_MAX, c->arena, &o.policy, &why);
	if (st == ST_OK)
		st = daemon_bundle(&o, c->arena, &r, &why);
	if (st == ST_REFUSED) {
		cli_say(c, "no: %s", why.text);
		return CLI_NO;
	}
	if (st != ST_OK)
		return cli_cannot(c, &why);
	if (cli_value(c, "json").ptr != NULL) {
		write_json(&r, &out);
	} else {
		buf_add_fmt(&out, "%.*s: %zu facts", SLICE_ARG(r.path), r.facts);
		if (o.policy.len != 0)
			buf_add_fmt(&out, ", cosigned by %zu of %zu witnesses", r.cosigned,
				    r.witnesses);
		buf_add_z(&out, "   (anyone: dewline verify FILE)\n");
	}
	return cli_print(c, buf_slice(&out)) ? CLI_DONE : CLI_CANNOT;
}

COMMAND(bundle) = {
	.name = "bundle",
	.usage = "bundle -d DIR [--policy FILE] [--all] [ID]",
	.doc = "Makes the bundle of a bulletin again, with whoever has cosigned the log by now.",
	.more = "Opens the bulletin's facts again from eve.json, proves them against the log as it "
		"stands, and puts\n"
		"bulletin, disclosed fields, proofs, checkpoint with cosignatures, the policy they "
		"were asked by,\n"
		"party files, treaties and the prior into DIR/bundles/ID.bundle; dewline release "
		"lets it out. ID may be\n"
		"left out where there is but one bulletin."
		" The verdict is computed again, and must be the one that was published. Exit 1: "
		"the "
		"policy's quorum has\n"
		"not cosigned; exit 2: something is gone or was changed.\n\n"
		"Examples:\n"
		"  dewline release log -d out --to witnesses --approve 'duty officer'\n"
		"  dewline log cosign --signer out/keys/log.key --policy my.policy out/log\n"
		"  dewline bundle -d out --policy my.policy B1-3f2a94c05d1be677\n"
		"  dewline bundle -d out --all\n"
		"  dewline seal make --title 'third sensor' --needs 1 --reader ico=ico.jwk -d out "
		"--approve 'duty officer' \\\n"
		"      -w item.sealed out/withheld/B1-3f2a94c05d1be677.bundle\n",
	.options = options,
	.words_least = 0,
	.words_most = 1,
	.run = run,
};
