/* SPDX-License-Identifier: Apache-2.0
 * dewline release: what leaves is listed, approved, and only then written. */
#include "base/buf.h"
#include "base/json.h"
#include "console/cli/cli.h"
#include "daemon/daemon.h"
#include "evidence/release/release.h"
#include "os/file.h"

enum { SMALL_FILE_MAX = 1 << 16 };

static const struct cli_option options[] = {
	{'d', "data", "DIR", false, "The data folder; default: dewline-data."},
	{0, "key", "FILE", false, "The log's signing key; default: the data folder's own."},
	{0, "bulletin", "ID", false, "list, write: which; default: the only one."},
	{0, "form", "FORM", true,
	 "list, write: bulletin, page, stix, bundle or band; default: all of them."},
	{0, "to", "NAME", false, "list, write, log: who gets it; goes into the log."},
	{0, "ground", "TEXT", false, "list, write, log: by which request, clause or custom."},
	{0, "approve", "NAME", false,
	 "write, log: who says yes, here; signed with the house's own key."},
	{0, "approval", "FILE", false, "write, log: an approval of exactly this list."},
	{0, "signer", "KEY", false, "approve: the signing key (dewline log key makes one)."},
	{0, "by", "NAME", false, "approve: the person who approves."},
	{0, "so-far", "FILE", false, "approve: what others have signed already."},
	{'w', "write", "PLACE", false,
	 "list, log: a file for the list; write: the folder for others; approve: the approval."},
	{0, "json", NULL, false, "For machines."},
	{0},
};

/* ---- list, write, log ---- */

static void write_json(const struct daemon_release_result *r, struct buf *out)
{
	struct slice rest = r->list;
	struct json j = json_in(out);

	json_object(&j);
	json_member_bool(&j, "done", r->done);
	if (r->done) {
		json_member_str(&j, "approved_by", r->by);
		json_member_u64(&j, "leaf", r->leaf);
	}
	json_key(&j, "list");
	json_array(&j);
	while (rest.len != 0)
		json_str(&j, slice_split(&rest, '\n'));
	json_end(&j);
	json_key(&j, "written");
	json_array(&j);
	for (size_t i = 0; i < r->path_count; i++)
		json_str(&j, r->paths[i]);
	json_end(&j);
	json_end(&j);
	buf_add_byte(out, '\n');
}

static void write_text(const struct daemon_release_options *o,
		       const struct daemon_release_result *r, struct buf *out)
{
	buf_add(out, r->list);
	if (!r->done) {
		buf_add_z(out, "Nothing has left: nobody approved it.\n");
		if (o->approval.list_out.len != 0)
			buf_add_fmt(out,
				    "To approve exactly this: dewline release approve --signer KEY "
				    "%.*s\n",
				    SLICE_ARG(o->approval.list_out));
		return;
	}
	buf_add_fmt(out, "Released to %.*s, approved by %.*s, committed as leaf %llu.\n",
		    SLICE_ARG(o->to), SLICE_ARG(r->by), (unsigned long long)r->leaf);
	for (size_t i = 0; i < r->path_count; i++)
		buf_add_fmt(out, "%.*s\n", SLICE_ARG(r->paths[i]));
}

static bool read_options(struct cli *c, struct daemon_release_options *o)
{
	o->data = cli_value(c, "data").ptr ? cli_value(c, "data") : SLICE("dewline-data");
	o->key = cli_value(c, "key");
	o->id = cli_value(c, "bulletin");
	o->forms = cli_values(c, "form", &o->form_count);
	o->to = cli_value(c, "to");
	o->ground = cli_value(c, "ground");
	o->approval.name = cli_value(c, "approve");
	o->approval.file = cli_value(c, "approval");
	if (o->to.len == 0) {
		cli_say(c, "to whom? Say --to NAME, or --to everybody");
		return false;
	}
	return true;
}

static int let_out(struct cli *c, struct daemon_release_options *o)
{
	struct daemon_release_result r;
	struct buf out = buf_in(c->arena);
	struct fail why;
	enum status st = daemon_release(o, c->arena, &r, &why);

	if (st == ST_REFUSED) {
		cli_say(c, "no: %s", why.text);
		return CLI_NO;
	}
	if (st != ST_OK)
		return cli_cannot(c, &why);
	if (cli_value(c, "json").ptr != NULL)
		write_json(&r, &out);
	else
		write_text(o, &r, &out);
	if (!cli_print(c, buf_slice(&out)))
		return CLI_CANNOT;
	return r.done ? CLI_DONE : CLI_NO;
}

static int run_list(struct cli *c)
{
	struct daemon_release_options o = {0};

	if (!read_options(c, &o))
		return CLI_CANNOT;
	o.approval = (struct daemon_approval){.list_out = cli_value(c, "write")};
	return let_out(c, &o);
}

static int run_write(struct cli *c)
{
	struct daemon_release_options o = {0};

	if (!read_options(c, &o))
		return CLI_CANNOT;
	o.out = cli_value(c, "write");
	if (o.out.len == 0) {
		cli_say(c, "where to? Name a folder for others with -w FOLDER");
		return CLI_CANNOT;
	}
	return let_out(c, &o);
}

static int run_log(struct cli *c)
{
	struct daemon_release_options o = {.log = true};

	if (!read_options(c, &o))
		return CLI_CANNOT;
	o.approval.list_out = cli_value(c, "write");
	return let_out(c, &o);
}

/* ---- approve ---- */

static enum status approve(struct cli *c, struct slice *out, struct release_list *list,
			   struct fail *why)
{
	struct slice key_text, text, so_far = {NULL, 0}, path = cli_value(c, "so-far");
	struct crypto_signer signer = {{0}, {0}};
	struct note_verifier key;
	enum status st = os_file_read(c->words[1], RELEASE_LIST_MAX, c->arena, &text, why);

	if (st == ST_OK) {
		st = release_list_parse(text, list, why);
		if (st != ST_OK)
			(void)fail_wrap(why, "%.*s", SLICE_ARG(c->words[1]));
	}
	if (st == ST_OK && path.ptr != NULL)
		st = os_file_read(path, SMALL_FILE_MAX, c->arena, &so_far, why);
	if (st == ST_OK)
		st = os_file_read(cli_value(c, "signer"), SMALL_FILE_MAX, c->arena, &key_text, why);
	if (st == ST_OK)
		st = note_signer_parse(slice_trim(key_text), &key, &signer, why);
	if (st == ST_OK)
		st = release_approve(list, cli_value(c, "by"), &key, &signer, so_far, c->arena, out,
				     why);
	crypto_wipe(&signer, sizeof signer);
	return st;
}

static int run_approve(struct cli *c)
{
	struct slice approval = {NULL, 0};
	struct release_list list = {.log = {NULL, 0}};
	struct fail why;

	if (cli_value(c, "signer").ptr == NULL) {
		cli_say(c, "with which key? Say --signer KEY");
		return CLI_CANNOT;
	}
	if (approve(c, &approval, &list, &why) != ST_OK)
		return cli_cannot(c, &why);
	cli_say(c, "you approve that this leaves to %.*s: %.*s", SLICE_ARG(list.to),
		SLICE_ARG(list.sum));
	return cli_put(c, "write", false, approval);
}

/* ---- check ---- */

static int run_check(struct cli *c)
{
	struct slice dir = cli_value(c, "data").ptr ? cli_value(c, "data") : SLICE("dewline-data");
	bool machine = cli_value(c, "json").ptr != NULL, ok = true;
	struct buf out = buf_in(c->arena);
	struct json j = json_in(&out);
	struct daemon_released *list;
	struct fail why;
	size_t n;

	if (daemon_release_kept(dir, c->arena, &list, &n, &why) != ST_OK)
		return cli_cannot(c, &why);
	if (machine)
		json_array(&j);
	for (size_t i = 0; i < n; i++) {
		ok = ok && list[i].wrong.len == 0;
		if (!machine) {
			buf_add_fmt(&out, "%.16s to %.*s: %.*s; ", (const char *)list[i].list.ptr,
				    SLICE_ARG(list[i].to), SLICE_ARG(list[i].sum));
			if (list[i].wrong.len == 0)
				buf_add_fmt(&out, "approved by %.*s\n", SLICE_ARG(list[i].by));
			else
				buf_add_fmt(&out, "NOT approved: %.*s\n", SLICE_ARG(list[i].wrong));
			continue;
		}
		json_object(&j);
		json_member_some(&j, "approved_by", list[i].by);
		json_member_str(&j, "list", list[i].list);
		json_member_some(&j, "sum", list[i].sum);
		json_member_some(&j, "to", list[i].to);
		json_member_some(&j, "wrong", list[i].wrong);
		json_end(&j);
	}
	if (machine) {
		json_end(&j);
		buf_add_byte(&out, '\n');
	} else if (n == 0) {
		buf_add_z(&out, "Nothing has left.\n");
	}
	if (!cli_print(c, buf_slice(&out)))
		return CLI_CANNOT;
	return ok ? CLI_DONE : CLI_NO;
}

static int run(struct cli *c)
{
	static const struct cli_act acts[] = {
		{"list", run_list, 0, 0},	{"write", run_write, 0, 0}, {"log", run_log, 0, 0},
		{"approve", run_approve, 1, 1}, {"check", run_check, 0, 0}, {0},
	};

	return cli_act(c, acts);
}

COMMAND(release) = {
	.name = "release",
	.usage = "release list|write|log|check -d DIR [OPTION]... | release approve --signer KEY "
		 "LIST",
	.doc = "What leaves the house: listed with what it tells, approved, and only then written.",
	.more = "list: what a bulletin, in the forms asked for, tells others about where sensors "
		"stand, which rules and\n"
		"which methods found it, field by field and in sum, and which addresses leave in "
		"the clear; exit 1, for\n"
		"nothing leaves. approve: signs exactly that list, anywhere. write: with an "
		"approval the list and it are\n"
		"kept in DIR/releases and committed to the log; then, and only then, the files are "
		"written. log: the same\n"
		"for the log as a whole; without it dewline log serve does not show it, and log "
		"cosign asks no witness.\n"
		"check: everything let out so far, and whether each was approved as "
		"DIR/release.policy wants it.\n\n"
		"Without release.policy the house's own key approves: --approve NAME. With it, "
		"only the keys that it names:\n"
		"  dewline-release-policy/1\n"
		"  needs 2\n"
		"  key officer.example+1f2e3d4c+AbCd...      (a line for each)\n\n"
		"Exit 0: done, or all in order; 1: not approved; 2: it could not be done.\n\n"
		"Examples:\n"
		"  dewline release list -d out --to everybody\n"
		"  dewline release list -d out --to 'CERT B' --form stix -w b.list\n"
		"  dewline release approve --signer officer.key --by 'A. Officer' b.list -w "
		"b.approval\n"
		"  dewline release write -d out --to 'CERT B' --form stix --approval b.approval -w "
		"for-b\n"
		"  dewline release log -d out --to everybody --approve 'duty officer'\n"
		"  dewline release check -d out\n",
	.options = options,
	.words_least = 1,
	.words_most = 2,
	.run = run,
};
