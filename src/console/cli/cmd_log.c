/* SPDX-License-Identifier: Apache-2.0
 * dewline log: the evidence log, its witnesses, and who watches it. */
#include "console/cli/log.h"
#include "os/file.h"

static const struct cli_option options[] = {
	{'k', "key", "VKEY", false,
	 "The log's verifier key, or a file that holds it; default: log.vkey beside the log's "
	 "folder."},
	{'p', "policy", "FILE", false,
	 "A tlog-policy instead of a key: logs, witnesses, and how many of them are enough."},
	{0, "signer", "FILE", false, "append, cosign, witness: the signing key."},
	{0, "old", "FILE", true, "check: a checkpoint that the log has to have grown from."},
	{0, "proof", "FILE", false, "check: this .tlog-proof of --entry, instead of a log."},
	{0, "entry", "FILE", false, "check: the entry; prove: where it is written."},
	{0, "from", "SIZE", false, "prove: that the log of so many leaves is the front of it."},
	{'o', "output", "FILE", false, "prove: where the proof is written; default: here."},
	{0, "lines", NULL, false, "append: each line is an entry, not each file."},
	{0, "batch", "N", false, "append: entries of one commit; default: 1024."},
	{0, "cosigner", NULL, false, "key: for a witness, not for a log."},
	{0, "state", "DIR", false, "follow, witness: what is remembered."},
	{0, "once", NULL, false, "follow: look once and end."},
	{0, "interval", "SECONDS", false, "follow: between two looks; default: 10."},
	{0, "entries", NULL, false, "follow: print each new entry."},
	{0, "peer", "URL", true,
	 "follow: a witness or monitor (or a file of its) whose view is compared, and whose "
	 "convictions are heard."},
	{0, "eve", "FILE", false, "follow: a line of EVE for each alarm is added to it."},
	{0, "metrics", "FILE", false,
	 "follow: numbers for Prometheus (node_exporter's textfile collector)."},
	{0, "log", "VKEY", true, "witness: a log whose checkpoints are cosigned."},
	{0, "within", "SECONDS", false,
	 "periods: of a log whose events are not at hand, leaves so far apart or less have no "
	 "silence between them; default: 30."},
	{0, "timely", "SECONDS", false,
	 "periods: what was committed within this is in time; default: 300."},
	{0, "required", "PERCENT", true,
	 "periods: data availability that is asked for, and behind it, in a second one, how much "
	 "in time; default: 98, 97."},
	{0, "listen", "PLACE", false, "serve, witness: such as 127.0.0.1:8080; port 0: any."},
	{0, "cert", "FILE", false, "serve, witness: certificate for https."},
	{0, "cert-key", "FILE", false, "serve, witness: its private key."},
	{0, "ca", "FILE", false, "Certificates to believe web servers by; default: the system's."},
	{0, "json", NULL, false, "For machines: an object a line."},
	{0},
};

static int run(struct cli *c)
{
	static const struct cli_act acts[] = {
		{"append", log_append, 1, CLI_VALUES_MAX},
		{"check", log_check, 0, 1},
		{"convict", log_convict, 1, 1},
		{"cosign", log_cosign, 1, 1},
		{"follow", log_follow, 1, 1},
		{"key", log_key, 2, 2},
		{"periods", log_periods, 1, 1},
		{"prove", log_prove, 1, 2},
		{"serve", log_serve, 1, 1},
		{"status", log_status, 1, 1},
		{"witness", log_witness, 0, 0},
		{0},
	};

	return cli_act(c, acts);
}

/* --- what the jobs share --- */

static enum status web_read(void *ctx, struct slice name, size_t most, struct arena *a,
			    struct slice *out, struct fail *why)
{
	const struct log_place *p = ctx;
	struct os_web_ask q = {.url = buf_text(a, "%.*s/%.*s", SLICE_ARG(p->name), SLICE_ARG(name)),
			       .most = most};
	struct os_web_answer got;
	enum status st = q.url.ptr == NULL ? fail_set(why, ST_NOMEM, "no memory to ask a log")
					   : os_web_ask(p->web, &q, a, &got, why);

	if (st != ST_OK)
		return st;
	if (got.number == 404 || got.number == 410)
		return fail_set(why, ST_NOTFOUND, "%.*s is not there (%u)",
				SLICE_ARG(slice_part(q.url, 0, 160)), got.number);
	if (got.number != 200)
		return fail_set(why, ST_IO, "%.*s: the server answers %u",
				SLICE_ARG(slice_part(q.url, 0, 160)), got.number);
	*out = got.body;
	return ST_OK;
}

static bool is_url(struct slice s)
{
	return slice_starts(s, SLICE("http://")) || slice_starts(s, SLICE("https://"));
}

enum status log_place_open(struct cli *c, struct slice name, struct log_place *out,
			   struct fail *why)
{
	struct log_place p = {0};
	enum status st = ST_OK;

	while (name.len > 1 && name.ptr[name.len - 1] == '/')
		name.len--;
	p.name = p.source.place = name;
	if (is_url(name))
		st = os_web_open(cli_value(c, "ca"), c->arena, &p.web, why);
	if (st != ST_OK)
		return st;
	*out = p;
	if (p.web != NULL) {
		out->source.read = web_read;
		out->source.ctx = out;
	}
	return ST_OK;
}

void log_place_close(struct log_place *p)
{
	os_web_close(p->web);
	p->web = NULL;
}

enum status log_policy(struct cli *c, struct slice folder, struct view_policy *out,
		       struct fail *why)
{
	struct slice key = cli_value(c, "key"), file = cli_value(c, "policy"), text;
	struct note_verifier v;
	enum status st;

	if (file.ptr != NULL) {
		st = os_file_read(file, VIEW_POLICY_MAX, c->arena, &text, why);
		if (st != ST_OK)
			return st;
		st = view_policy_parse(text, c->arena, out, why);
		return st == ST_OK ? ST_OK : fail_wrap(why, "%.*s", SLICE_ARG(file));
	}
	if (key.ptr == NULL && (folder.ptr == NULL || is_url(folder)))
		return fail_set(why, ST_INVALID, "whose log is it? Say --key or --policy");
	if (key.ptr == NULL)
		key = buf_text(c->arena, "%.*s/../log.vkey", SLICE_ARG(folder));
	st = cli_key(c, &key, why);
	if (st == ST_OK)
		st = note_verifier_parse(key, &v, why);
	return st == ST_OK ? view_policy_of(&v, c->arena, out, why) : st;
}

enum status log_signer(struct cli *c, struct note_verifier *out_key, struct crypto_signer *out,
		       struct fail *why)
{
	struct slice file = cli_value(c, "signer"), text;
	enum status st;

	if (file.ptr == NULL)
		return fail_set(why, ST_INVALID,
				"with which key? Say --signer FILE (dewline log key makes one)");
	st = os_file_read(file, 4096, c->arena, &text, why);
	if (st != ST_OK)
		return st;
	st = note_signer_parse(slice_trim(slice_split(&text, '\n')), out_key, out, why);
	return st == ST_OK ? ST_OK : fail_wrap(why, "%.*s", SLICE_ARG(file));
}

int log_print(struct cli *c, const struct buf *out, int code)
{
	ASSERT(!out->full); /* a command's memory ends with the machine's */
	return cli_print(c, buf_slice(out)) ? code : CLI_CANNOT;
}

COMMAND(log) = {
	.name = "log",
	.usage = "log JOB [OPTION]... [WORD]...",
	.doc = "The evidence log: entries in, proofs out; witnesses; and who watches it.",
	.more = "  append --signer KEY DIR [FILE]...       adds each FILE (or -, or each line with "
		"--lines) as an entry\n"
		"  check DIR|URL                           reads all of a log and names what is "
		"damaged, and where\n"
		"  check --proof FILE --entry FILE         is the entry in the log? Needs no log\n"
		"  prove LEAF DIR|URL                      the proof that a leaf is in it "
		"(.tlog-proof)\n"
		"  prove --from SIZE DIR|URL               the proof that it has only grown since\n"
		"  periods DIR|URL                         when a station watched, when it was "
		"silent and, where it says so,\n"
		"                                          why; its data availability\n"
		"  follow --state DIR DIR|URL              watches it: each new entry is checked, "
		"each peer compared\n"
		"  status STATE                            what follow knows: how far, and whether "
		"it was caught\n"
		"  witness --signer KEY --log VKEY... --state DIR --listen PLACE\n"
		"                                          remembers for others what logs have "
		"signed, and cosigns it\n"
		"  cosign --signer KEY --policy FILE DIR   asks the policy's witnesses to cosign "
		"the "
		"checkpoint\n"
		"  serve --listen PLACE DIR|STATE          shows a log, or a monitor's view of "
		"one, "
		"to the web\n"
		"  convict FILE                            does this file prove that a log signed "
		"two "
		"histories?\n"
		"  key NAME FILE                           makes a signing key; prints its "
		"verifier "
		"key\n\n"
		"Logs, witnesses, policies and proofs are C2SP's: tlog-tiles, tlog-witness, "
		"tlog-policy, tlog-proof.\n"
		"append ends with 0 only when the entries are durable and, with --policy, its "
		"quorum "
		"of witnesses has\n"
		"cosigned them. follow goes on until SIGINT or SIGTERM; when a log contradicts "
		"itself, the proof is\n"
		"STATE/conviction, one file that anybody can check with convict. serve STATE shows "
		"it to other monitors,\n"
		"who fetch it (--peer), check it, and raise their own alarm, once; one that does "
		"not hold is refused, and\n"
		"who brought it is named.\n\n"
		"periods of a folder that is one's own reads what the station says of itself; of "
		"anybody's, only when\n"
		"something was sealed, which each leaf says in the clear.\n\n"
		"Exit 0: done, or in order; 1: damaged, refused, not the quorum, an alarm, less "
		"available than required;\n2: it "
		"could not be done.\n\n"
		"Examples:\n"
		"  dewline log check out/log\n"
		"  dewline log check --key their.vkey https://log.example.net/station-1\n"
		"  dewline log key log.example.net/station-1 station.key > station.vkey\n"
		"  dewline log append --signer station.key --lines /srv/log events.json\n"
		"  dewline log serve --listen 0.0.0.0:8080 /srv/log\n"
		"  dewline log prove --key station.vkey 1234 /srv/log -o 1234.tlog-proof\n"
		"  dewline log periods /var/log/dewline/station/log\n"
		"  dewline log follow --policy treaty.policy --state seen "
		"https://log.example.net/station-1\n"
		"  dewline log follow --policy treaty.policy --state seen --peer "
		"https://monitor.b.example \\\n"
		"      --eve alarms.json --metrics /var/lib/node_exporter/dewline.prom "
		"https://log.example.net/station-1\n"
		"  dewline log witness --signer w.key --log station.vkey --state w --listen "
		"127.0.0.1:8081\n",
	.options = options,
	.words_least = 1,
	.words_most = CLI_VALUES_MAX,
	.run = run,
};
