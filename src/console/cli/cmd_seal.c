/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "console/cli/cli.h"
#include "console/cli/reviews.h"
#include "daemon/daemon.h"
#include "evidence/disclose/disclose.h"
#include "evidence/sealed/sealed.h"
#include "os/clock.h"
#include "os/file.h"

enum { KEY_FILE_MAX = 1 << 20 };

static const struct cli_option options[] = {
	{0, "title", "TEXT", false, "make: what it is, for everybody to read."},
	{0, "needs", "K", false, "make: how many of the readers open it together."},
	{0, "reader", "NAME=FILE", true,
	 "make: a reader and his public key (JWK, as dewline disclose key prints it)."},
	{'d', "data", "DIR", false,
	 "make: the data folder that it is out of; default: dewline-data. What it tells is listed, "
	 "somebody approves, the item's hash goes into its log."},
	{0, "ground", "TEXT", false, "make: the request, warrant or clause that it is done under."},
	{0, "approve", "NAME", false, "make: who says yes, here; signed with the house's own key."},
	{0, "approval", "FILE", false,
	 "make: instead, an approval of exactly this list (dewline release approve)."},
	{0, "list", "FILE", false, "make: where the list is put for who approves."},
	{0, "key", "FILE", false, "make: the log's signing key; default: the data folder's own."},
	{0, "reader-key", "FILE", false,
	 "share, review: the reader's own key (JWK with its secret)."},
	{0, "share", "FILE", true, "open, review, tally: shares of the item's key."},
	{0, "finding", "WORD", false, "review: concurs, differs, or withdrawn."},
	{'w', "write", "FILE", false, "Where to; default: standard output."},
	{0, "json", NULL, false, "tally: for machines."},
	{0},
};

/* What is made is for its owner's eyes only. */
static int put(struct cli *c, struct slice text)
{
	return cli_put(c, "write", true, text);
}

/* --- make --- */

/* NAME=FILE */
static bool read_reader(struct cli *c, struct slice said, struct note_verifier *out)
{
	struct slice path = said, name = slice_split(&path, '='), text;
	struct disclose_key key;
	struct fail why;

	if (path.ptr == NULL) {
		cli_say(c, "--reader %.*s: expected NAME=FILE", SLICE_ARG(said));
		return false;
	}
	if (!cli_read(c, path, KEY_FILE_MAX, &text))
		return false;
	if (disclose_key_parse(text, &key, &why) == ST_OK &&
	    note_verifier_of(name, NOTE_ED25519, key.key, out, &why) == ST_OK)
		return true;
	cli_say(c, "--reader %.*s: %s", SLICE_ARG(said), why.text);
	return false;
}

static bool read_readers(struct cli *c, struct note_verifier *out, unsigned *out_count)
{
	size_t n;
	const struct slice *said = cli_values(c, "reader", &n);

	if (n > SEALED_READERS_MAX) {
		cli_say(c, "%zu readers; at most %d", n, SEALED_READERS_MAX);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		if (!read_reader(c, said[i], &out[i]))
			return false;
	*out_count = (unsigned)n;
	return true;
}

/* Through the gate, as anything that leaves. */
static int make_from(struct cli *c, struct daemon_seal_options *o)
{
	struct daemon_seal_result r;
	struct fail why;
	enum status st;

	o->data = cli_value(c, "data").ptr ? cli_value(c, "data") : SLICE("dewline-data");
	o->key = cli_value(c, "key");
	o->ground = cli_value(c, "ground");
	o->approval = (struct daemon_approval){.name = cli_value(c, "approve"),
					       .file = cli_value(c, "approval"),
					       .list_out = cli_value(c, "list")};
	st = daemon_seal(o, c->arena, &r, &why);
	if (st == ST_REFUSED && (o->approval.name.ptr != NULL || o->approval.file.ptr != NULL)) {
		cli_say(c, "no: %s", why.text);
		return CLI_NO;
	}
	if (st != ST_OK)
		return cli_cannot(c, &why);
	if (r.done) {
		cli_say(c, "approved by %.*s; %.*s is committed as leaf %llu", SLICE_ARG(r.by),
			SLICE_ARG(o->out), (unsigned long long)r.leaf);
		return CLI_DONE;
	}
	if (!cli_print(c, r.list))
		return CLI_CANNOT;
	cli_say(c, "nothing has left: nobody approved it (--approve NAME, or --list FILE and "
		   "--approval FILE)");
	return CLI_NO;
}

static int run_make(struct cli *c)
{
	struct note_verifier readers[SEALED_READERS_MAX];
	struct daemon_seal_options o = {.title = cli_value(c, "title"),
					.path = c->words[1],
					.readers = readers,
					.out = cli_value(c, "write")};
	uint64_t needed;

	if (!text_u64(cli_value(c, "needs"), 1, SEALED_READERS_MAX, &needed) || o.out.ptr == NULL) {
		cli_say(c, "make needs --title TEXT, --needs K, --reader NAME=FILE... and -w FILE");
		return CLI_CANNOT;
	}
	o.needed = (unsigned)needed;
	if (!read_readers(c, readers, &o.reader_count) ||
	    !cli_read(c, o.path, SEALED_PLAIN_MAX, &o.plain))
		return CLI_CANNOT;
	return make_from(c, &o);
}

/* --- what readers do --- */

static bool read_item(struct cli *c, struct sealed *out)
{
	struct slice text;
	struct fail why;

	if (!cli_read(c, c->words[1], SEALED_TEXT_MAX, &text))
		return false;
	if (sealed_parse(text, c->arena, out, &why) == ST_OK)
		return true;
	cli_say(c, "%.*s: %s", SLICE_ARG(c->words[1]), why.text);
	return false;
}

static bool read_own_key(struct cli *c, struct crypto_signer *out)
{
	struct slice path = cli_value(c, "reader-key"), text;
	struct fail why;

	if (path.ptr == NULL) {
		cli_say(c, "as whom? Name your key with --reader-key FILE");
		return false;
	}
	if (!cli_read(c, path, KEY_FILE_MAX, &text))
		return false;
	if (disclose_signer_parse(text, out, &why) == ST_OK)
		return true;
	cli_say(c, "%.*s: %s", SLICE_ARG(path), why.text);
	return false;
}

static int run_share(struct cli *c)
{
	struct crypto_signer me;
	struct sealed s;
	struct slice share;
	struct fail why;
	enum status st;

	if (!read_item(c, &s) || !read_own_key(c, &me))
		return CLI_CANNOT;
	st = sealed_share(&s, &me, c->arena, &share, &why);
	crypto_wipe(&me, sizeof me);
	if (st == ST_REFUSED) {
		cli_say(c, "no: %s", why.text);
		return CLI_NO;
	}
	return st == ST_OK ? put(c, share) : cli_cannot(c, &why);
}

/* The item opened with the shares that are named. */
static int open_item(struct cli *c, const struct sealed *s, struct slice *out,
		     uint8_t key[CRYPTO_SECRET_BYTES])
{
	struct slice texts[SEALED_READERS_MAX];
	struct fail why;
	enum status st;
	size_t n;
	const struct slice *paths = cli_values(c, "share", &n);

	if (n > SEALED_READERS_MAX) {
		cli_say(c, "%zu shares; an item has at most %d", n, SEALED_READERS_MAX);
		return CLI_CANNOT;
	}
	for (size_t i = 0; i < n; i++)
		if (!cli_read(c, paths[i], KEY_FILE_MAX, &texts[i]))
			return CLI_CANNOT;
	st = sealed_open(s, texts, n, c->arena, out, key, &why);
	if (st == ST_OK)
		return CLI_DONE;
	if (st == ST_NOMEM)
		return cli_cannot(c, &why);
	cli_say(c, "no: %s", why.text);
	return CLI_NO;
}

static int run_open(struct cli *c)
{
	uint8_t key[CRYPTO_SECRET_BYTES];
	struct slice plain = {NULL, 0};
	struct sealed s;
	int code;

	if (!read_item(c, &s))
		return CLI_CANNOT;
	code = open_item(c, &s, &plain, key);
	crypto_wipe(key, sizeof key);
	return code == CLI_DONE ? put(c, plain) : code;
}

static bool read_finding(struct cli *c, enum sealed_finding *out)
{
	struct slice said = cli_value(c, "finding");

	for (unsigned f = SEALED_CONCURS; f <= SEALED_WITHDRAWN; f++)
		if (slice_equal(said, slice_of(sealed_finding_names[f]))) {
			*out = (enum sealed_finding)f;
			return true;
		}
	cli_say(c, "--finding %.*s: expected concurs, differs or withdrawn", SLICE_ARG(said));
	return false;
}

static int run_review(struct cli *c)
{
	uint8_t key[CRYPTO_SECRET_BYTES];
	struct slice plain = {NULL, 0}, note = {NULL, 0};
	struct wall_ns now = os_clock_wall();
	enum sealed_finding finding;
	struct crypto_signer me;
	struct sealed s;
	struct fail why;
	enum status st;
	int code;

	if (!read_finding(c, &finding) || !read_item(c, &s) || !read_own_key(c, &me))
		return CLI_CANNOT;
	code = open_item(c, &s, &plain, key);
	if (code == CLI_DONE) {
		st = sealed_review(&s, &me, key, finding, (uint64_t)(now.ns / TIME_NS_PER_S),
				   c->arena, &note, &why);
		code = st == ST_OK ? put(c, note) : cli_cannot(c, &why);
	}
	crypto_wipe(key, sizeof key);
	crypto_wipe(&me, sizeof me);
	return code;
}

/* --- what anybody does --- */

static void write_tally_json(const struct sealed *s, const struct sealed_tally *t, struct buf *out)
{
	struct json j = json_in(out);

	json_object(&j);
	reviews_write_members(s, t, &j);
	json_member_u64(&j, "refused", t->refused);
	json_end(&j);
	buf_add_byte(out, '\n');
}

static void write_tally(const struct sealed *s, const struct sealed_tally *t, bool checked,
			struct buf *out)
{
	buf_add_fmt(out, "%.*s, opened by %u of %u:\n", SLICE_ARG(s->title), s->needed,
		    s->reader_count);
	for (unsigned i = 0; i < s->reader_count; i++)
		buf_add_fmt(out, "  %-10s %.*s\n", sealed_finding_names[t->of[i]],
			    SLICE_ARG(s->readers[i].key.name));
	buf_add_fmt(out, "%u of %u reviewers saw it and concur%s\n", t->counts[SEALED_CONCURS],
		    s->reader_count, checked ? "; that they had it open was checked" : "");
	if (t->refused != 0)
		buf_add_fmt(out, "%zu more files are no review of it: %s\n", t->refused,
			    t->first.text);
}

static int run_tally(struct cli *c)
{
	struct slice *reviews = ARENA_ARRAY(c->arena, struct slice, c->word_count), plain;
	bool checked = cli_value(c, "share").ptr != NULL;
	uint8_t key[CRYPTO_SECRET_BYTES];
	struct buf out = buf_in(c->arena);
	struct sealed_tally t;
	struct sealed s;
	struct fail why;
	size_t n = 0;

	if (reviews == NULL || !read_item(c, &s))
		return CLI_CANNOT;
	for (; n < c->word_count - 2; n++)
		if (!cli_read(c, c->words[n + 2], KEY_FILE_MAX, &reviews[n]))
			return CLI_CANNOT;
	if (checked) {
		int code = open_item(c, &s, &plain, key);

		if (code != CLI_DONE)
			return code;
	}
	if (sealed_tally(&s, reviews, n, checked ? key : NULL, c->arena, &t, &why) != ST_OK)
		return cli_cannot(c, &why);
	crypto_wipe(key, sizeof key);
	if (cli_value(c, "json").ptr != NULL)
		write_tally_json(&s, &t, &out);
	else
		write_tally(&s, &t, checked, &out);
	if (!cli_print(c, buf_slice(&out)))
		return CLI_CANNOT;
	return t.refused == 0 && t.counts[SEALED_TORN] == 0 ? CLI_DONE : CLI_NO;
}

static int run(struct cli *c)
{
	static const struct cli_act acts[] = {
		{"make", run_make, 1, 1},
		{"share", run_share, 1, 1},
		{"open", run_open, 1, 1},
		{"review", run_review, 1, 1},
		{"tally", run_tally, 1, CLI_VALUES_MAX},
		{0},
	};

	return cli_act(c, acts);
}

COMMAND(seal) = {
	.name = "seal",
	.usage = "seal make|share|open|review|tally FILE...",
	.doc = "Evidence that is committed now and opened by k of n reviewers, who sign what they "
	       "found.",
	.more = "make: encrypts FILE with a key that K of the readers have together. It leaves a "
		"data folder (-d) as\n"
		"anything does: listed, approved, committed (dewline release).\n"
		"share: what one reader hands to the others. open: what is in it, from K shares. "
		"review: a "
		"signed note\n"
		"that a reader opened it and concurs, or differs, or takes it back. tally: who "
		"says what; "
		"with shares it\n"
		"is checked that each had it open. Exit 1: no, not this reader, not these shares, "
		"or a "
		"forged review.\n\n"
		"Examples:\n"
		"  dewline seal make --title 'third sensor, 12 May' --needs 2 --reader ico=ico.jwk "
		"\\\n"
		"      --reader cert-b=b.jwk --reader court=court.jwk -d out --approve us \\\n"
		"      -w item.sealed all.bundle\n"
		"  dewline seal share --reader-key b-secret.jwk item.sealed -w b.share\n"
		"  dewline seal open --share b.share --share ico.share item.sealed -w all.bundle\n"
		"  dewline seal review --reader-key b-secret.jwk --finding concurs --share b.share "
		"\\\n"
		"      --share ico.share item.sealed -w b.review\n"
		"  dewline seal tally item.sealed b.review ico.review\n",
	.options = options,
	.words_least = 2,
	.words_most = CLI_VALUES_MAX,
	.run = run,
};
