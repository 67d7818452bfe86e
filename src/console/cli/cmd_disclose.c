/* SPDX-License-Identifier: Apache-2.0 */
#include "console/cli/cmd_disclose.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "daemon/daemon.h"
#include "evidence/disclose/disclose.h"
#include "os/file.h"

static const struct cli_option options[] = {
	{'d', "data", "DIR", false, "open: the data folder; default: dewline-data."},
	{0, "key", "FILE", false, "open: the log's signing key; default: the data folder's own."},
	{'l', "leaf", "N", true, "open: an event, by its number in the log; several: all of them."},
	{'f', "field", "NAME", true,
	 "open: src_ip, alert.signature_id, alert (all of that group), or all. Addresses are "
	 "opened only by their own name; their pseudonyms are fields, too."},
	{0, "pseudonym", "ADDRESS", false,
	 "open: a pseudonym, and the address that it stands for: of the first event that has it, "
	 "or "
	 "of those that --leaf names. No other field, unless --field names some."},
	{0, "to", "NAME", false, "open: who asked for it; goes into the log."},
	{0, "ground", "TEXT", false,
	 "open: the request, warrant or clause that it is done under; goes into the log."},
	{0, "approve", "NAME", false,
	 "open: who says yes for this party, here; signed with the house's own key. Without it, "
	 "what "
	 "the fields tell is listed and nothing leaves."},
	{0, "approval", "FILE", false,
	 "open: instead, an approval of exactly this list (dewline release approve)."},
	{0, "list", "FILE", false, "open: where the list is put for who approves."},
	{'w', "write", "FILE", false, "Where to: the bundle, the key, what was bound."},
	{0, "reader", "FILE", false,
	 "open: the reader's public key (JWK), to make grants out for."},
	{0, "grant", "FILE", false, "open: where the grants go, an SD-JWT a line."},
	{0, "until", "TIME", false, "open: until when the grants are good; default: for ever."},
	{0, "reader-key", "FILE", false, "bind: the reader's own key (JWK with its secret)."},
	{0, "issuer", "FILE", false, "read: the key that must have signed: a JWK or a JWK set."},
	{0, "audience", "NAME", false, "bind, read: to whom it is shown."},
	{0, "nonce", "TEXT", false, "bind, read: what that one asked with."},
	{0, "json", NULL, false, "For machines."},
	{0},
};

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Sorted, each once. */
static bool read_leaves(struct cli *c, struct daemon_disclose_options *o)
{
	size_t n, kept = 0;
	const struct slice *said = cli_values(c, "leaf", &n);
	uint64_t *leaves = ARENA_ARRAY(c->arena, uint64_t, n + 1);

	for (size_t i = 0; i < n && leaves != NULL; i++)
		if (!text_u64(said[i], 0, INT64_MAX, &leaves[i])) {
			cli_say(c,
				"--leaf %.*s: expected the number of an event in the log, from 0 "
				"on",
				SLICE_ARG(said[i]));
			return false;
		}
	if (n == 0 && o->pseudonym.len != 0)
		return true;
	if (n == 0 || leaves == NULL) {
		cli_say(c, "which events? Name their leaves with --leaf N: line N of eve.json, "
			   "counted from 0");
		return false;
	}
	qsort(leaves, n, sizeof *leaves, compare);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || leaves[kept - 1] != leaves[i])
			leaves[kept++] = leaves[i];
	o->leaves = leaves;
	o->leaf_count = kept;
	return true;
}

static bool read_reader(struct cli *c, struct daemon_disclose_options *o)
{
	struct disclose_key *key = ARENA_NEW(c->arena, struct disclose_key);
	struct slice path = cli_value(c, "reader"), text;
	struct wall_ns until;
	struct fail why;

	if (cli_value(c, "until").ptr != NULL) {
		if (!time_parse(cli_value(c, "until"), &until) || until.ns <= 0) {
			cli_say(c, "--until %.*s: expected a time such as 2026-11-22T03:04:05Z",
				SLICE_ARG(cli_value(c, "until")));
			return false;
		}
		o->until_s = (uint64_t)(until.ns / TIME_NS_PER_S);
	}
	if (path.ptr == NULL)
		return true;
	if (key == NULL || os_file_read(path, 1 << 20, c->arena, &text, &why) != ST_OK ||
	    disclose_key_parse(text, key, &why) != ST_OK) {
		cli_say(c, "--reader %.*s: %s", SLICE_ARG(path), key ? why.text : "no memory");
		return false;
	}
	o->reader = key;
	return true;
}

static bool read_options(struct cli *c, struct daemon_disclose_options *o)
{
	o->data = cli_value(c, "data").ptr ? cli_value(c, "data") : SLICE("dewline-data");
	o->key = cli_value(c, "key");
	o->fields = cli_values(c, "field", &o->field_count);
	o->pseudonym = cli_value(c, "pseudonym");
	o->to = cli_value(c, "to");
	o->ground = cli_value(c, "ground");
	o->approval = (struct daemon_approval){.name = cli_value(c, "approve"),
					       .file = cli_value(c, "approval"),
					       .list_out = cli_value(c, "list")};
	o->out = cli_value(c, "write");
	o->grant_out = cli_value(c, "grant");
	if (!read_leaves(c, o) || !read_reader(c, o))
		return false;
	if (o->field_count == 0 && o->pseudonym.len == 0) {
		cli_say(c, "which fields? Name them with --field NAME, e.g. --field timestamp "
			   "--field alert");
		return false;
	}
	if ((o->approval.name.ptr != NULL || o->approval.file.ptr != NULL) &&
	    (o->to.len == 0 || o->out.len == 0)) {
		cli_say(c, "an approval needs --to who asked, and -w FILE");
		return false;
	}
	if (o->approval.list_out.ptr != NULL && o->to.len == 0) {
		cli_say(c, "--list needs --to who asked: that is on it");
		return false;
	}
	if (o->grant_out.ptr != NULL && o->reader == NULL) {
		cli_say(c, "--grant needs --reader FILE, whom to make it out for");
		return false;
	}
	return true;
}

/* --- what leaves, and what that tells --- */

static void add_name(const struct daemon_told *t, struct buf *out)
{
	buf_add(out, t->group);
	if (t->group.len != 0)
		buf_add_byte(out, '.');
	buf_add(out, t->name);
}

static void write_text(const struct cli *c, const struct daemon_disclose_options *o,
		       const struct daemon_disclose_result *r, struct buf *out)
{
	const char *strong = c->out_is_tty ? "\033[1m" : "",
		   *plain = c->out_is_tty ? "\033[0m" : "";
	size_t quiet = 0;

	buf_add_fmt(out,
		    "Of each event its reader learns in any case: who sealed it, in which second, "
		    "which groups of fields it has.\n");
	for (size_t i = 0; i < r->told_count; i++) {
		const struct daemon_told *t = &r->told[i];

		if (t->what == DISCLOSE_TELLS_NOTHING) {
			quiet++;
			continue;
		}
		buf_add_fmt(out, "leaf %llu  %s", (unsigned long long)t->leaf, strong);
		add_name(t, out);
		buf_add_fmt(out, "%s  tells the %s: %s\n", plain, disclose_told_names[t->what],
			    t->why);
	}
	buf_add_fmt(out, "%zu of %zu fields tell nothing of who saw it.\n", quiet, r->told_count);
	if (r->addresses)
		buf_add_z(out, "Addresses are opened, not their pseudonyms.\n");
	if (!r->done && o->approval.list_out.ptr != NULL)
		buf_add_fmt(out,
			    "Nothing has left. To approve exactly this: dewline release approve "
			    "--signer KEY %.*s\n",
			    SLICE_ARG(o->approval.list_out));
	else if (!r->done)
		buf_add_z(out, "Nothing has left: nobody approved it (--approve NAME --to NAME -w "
			       "FILE).\n");
	else
		buf_add_fmt(out, "Opened to %.*s, approved by %.*s, committed as leaf %llu: %.*s\n",
			    SLICE_ARG(o->to), SLICE_ARG(r->by), (unsigned long long)r->leaf,
			    SLICE_ARG(o->out));
}

static void write_json(const struct daemon_disclose_result *r, struct buf *out)
{
	struct json j = json_in(out);

	json_object(&j);
	json_member_bool(&j, "addresses", r->addresses);
	json_member_bool(&j, "done", r->done);
	if (r->done)
		json_member_u64(&j, "leaf", r->leaf);
	json_key(&j, "told");
	json_array(&j);
	for (size_t i = 0; i < r->told_count; i++) {
		const struct daemon_told *t = &r->told[i];
		struct buf name = buf_in(out->arena);

		add_name(t, &name);
		json_object(&j);
		json_member_str(&j, "field", buf_slice(&name));
		json_member_u64(&j, "leaf", t->leaf);
		json_member_str(&j, "tells", slice_of(disclose_told_names[t->what]));
		json_member_some(&j, "why", slice_of(t->why));
		json_end(&j);
	}
	json_end(&j);
	json_end(&j);
	buf_add_byte(out, '\n');
}

static int run_open(struct cli *c)
{
	struct daemon_disclose_options o = {0};
	struct daemon_disclose_result r = {0};
	struct buf out = buf_in(c->arena);
	struct fail why;
	enum status st;

	if (!read_options(c, &o))
		return CLI_CANNOT;
	st = daemon_disclose(&o, c->arena, &r, &why);
	if (st == ST_REFUSED && (o.approval.name.ptr != NULL || o.approval.file.ptr != NULL)) {
		cli_say(c, "no: %s", why.text);
		return CLI_NO;
	}
	if (st != ST_OK)
		return cli_cannot(c, &why);
	if (cli_value(c, "json").ptr != NULL)
		write_json(&r, &out);
	else
		write_text(c, &o, &r, &out);
	if (!cli_print(c, buf_slice(&out)))
		return CLI_CANNOT;
	return r.done ? CLI_DONE : CLI_NO;
}

static int run(struct cli *c)
{
	static const struct cli_act acts[] = {
		{"open", run_open, 0, 0},
		{"key", cmd_disclose_key, 0, 0},
		{"bind", cmd_disclose_bind, 1, 1},
		{"read", cmd_disclose_read, 1, 1},
		{0},
	};

	return cli_act(c, acts);
}

COMMAND(disclose) = {
	.name = "disclose",
	.usage = "disclose open -d DIR --leaf N... --field NAME... [--approve NAME --to NAME -w "
		 "FILE] | "
		 "key | bind | read",
	.doc = "Opens named fields of committed events to a named reader, after saying what they "
	       "tell.",
	.more = "open: lists what each field tells about where the sensor stands, which rule and "
		"which "
		"method found it.\n"
		"Without an approval that is all (exit 1). With one, list and approval are kept, "
		"the opening is "
		"committed\n"
		"to the log, and then a bundle\n"
		"of facts is written: anyone checks it with dewline verify --facts. Addresses stay "
		"pseudonyms\n"
		"(src_pseudonym, dest_pseudonym) unless named. --grant makes an SD-JWT (RFC 9901) "
		"out for "
		"the\n"
		"reader's key, which he can show on, whole or in part.\n"
		"key: makes a reader's key; the public half is printed. bind: proves to an "
		"audience that "
		"the reader\n"
		"himself shows what he was granted. read: checks an SD-JWT of anybody, prints what "
		"it "
		"says; exit 1: no.\n\n"
		"Examples:\n"
		"  dewline disclose open -d out --leaf 1207 --field timestamp --field alert\n"
		"  dewline disclose open -d out --pseudonym 203.0.113.240 --to 'CERT B' --ground "
		"'request 17' \\\n"
		"      --approve 'duty officer' -w machine.bundle\n"
		"  dewline disclose open -d out --leaf 1207 --field src_ip --to 'CERT B' --ground "
		"'request 17' \\\n"
		"      --approve 'duty officer' -w opened.bundle --reader b.jwk --grant "
		"opened.sd-jwt\n"
		"  dewline verify --facts opened.bundle\n"
		"  dewline disclose key -w b-secret.jwk > b.jwk\n"
		"  dewline disclose bind --reader-key b-secret.jwk --audience court --nonce 8f2c "
		"opened.sd-jwt > shown\n"
		"  dewline disclose read --issuer out/station.jwks --audience court --nonce 8f2c "
		"shown\n",
	.options = options,
	.words_least = 1,
	.words_most = 2,
	.run = run,
};
