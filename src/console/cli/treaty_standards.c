/* SPDX-License-Identifier: Apache-2.0
 * dewline treaty standards: a party's own standards of proof, signed and checked. */
#include "base/json.h"
#include "console/cli/treaty.h"
#include "crypto/crypto.h"
#include "crypto/note.h"
#include "os/file.h"

/* ---- keys ----------------------------------------------------------------------------------- */

/* --key PARTY=KEY for that party; the empty slice if none was given. A key for everybody, without a
 * party, would let one party sign for another. */
static struct slice key_of(const struct cli *c, struct slice party)
{
	size_t n;
	const struct slice *keys = cli_values(c, "key", &n);

	for (size_t i = 0; i < n; i++) {
		struct slice key = keys[i];

		if (memchr(key.ptr, '=', key.len) != NULL &&
		    slice_equal(slice_split(&key, '='), party))
			return key;
	}
	return (struct slice){NULL, 0};
}

/* ST_REFUSED: nobody signed it, somebody else did, or it was changed since. */
static enum status check_signature(struct cli *c, const struct note *note, struct slice party,
				   struct slice *out_name, struct fail *why)
{
	struct slice key = key_of(c, party);
	struct note_verifier v;
	enum status st;

	if (key.ptr == NULL)
		return fail_set(why, ST_REFUSED,
				"it says that it is the sheet of %.*s, and no key of that party is "
				"known: expected --key %.*s=KEY",
				SLICE_ARG(party), SLICE_ARG(party));
	st = cli_key(c, &key, why);
	if (st == ST_OK)
		st = note_verifier_parse(key, &v, why);
	if (st != ST_OK)
		return fail_wrap(why, "--key %.*s", SLICE_ARG(party));
	st = note_verify(note, &v, 1, NULL, c->arena, why);
	if (st == ST_OK)
		*out_name = v.name;
	return st;
}

/* ---- sheets --------------------------------------------------------------------------------- */

/* CLI_NO: it is no sheet, or not signed by its party. All that is wrong is said. */
static int read_sheet(struct cli *c, struct slice file, struct cmd_sheet *out)
{
	struct buf problems = buf_in(c->arena);
	struct fail why = {0};
	struct slice bytes;
	struct note note;
	enum status st;

	*out = (struct cmd_sheet){.file = file};
	st = os_file_read(file, NOTE_BYTES_MAX, c->arena, &bytes, &why);
	if (st != ST_OK)
		return cli_cannot(c, &why);
	st = note_parse(bytes, c->arena, &note, &why);
	if (st != ST_OK) {
		cli_say(c,
			"%.*s: it is not signed (%s): expected what  dewline treaty standards "
			"--signer  makes",
			SLICE_ARG(file), why.text);
		return CLI_NO;
	}
	st = treaty_sheet_parse(file, note.text, c->arena, &out->sheet, &problems, &why);
	if (st != ST_OK) {
		cli_say(c, "%.*s",
			SLICE_ARG(problems.len ? slice_trim(buf_slice(&problems))
					       : slice_of(why.text)));
		return CLI_NO;
	}
	st = check_signature(c, &note, out->sheet.party, &out->signer, &why);
	if (st == ST_OK)
		return CLI_DONE;
	(void)fail_wrap(&why, "%.*s", SLICE_ARG(file));
	if (st != ST_REFUSED)
		return cli_cannot(c, &why);
	cli_say(c, "%s", why.text);
	return CLI_NO;
}

/* Two sheets of one party may follow each other, and not overlap: which of them held? */
static bool overlap(const struct treaty_sheet *a, const struct treaty_sheet *b)
{
	return slice_equal(a->party, b->party) && (a->until.ns == 0 || a->until.ns > b->from.ns) &&
	       (b->until.ns == 0 || b->until.ns > a->from.ns);
}

static int read_all(struct cli *c, const struct slice *files, size_t n, struct cmd_sheets *out)
{
	int code = CLI_DONE;

	*out = (struct cmd_sheets){.list = ARENA_ARRAY(c->arena, struct cmd_sheet, n + 1)};
	ASSERT(out->list != NULL); /* before anything runs, memory is there */
	for (size_t i = 0; i < n; i++) {
		struct cmd_sheet *s = &out->list[out->count];
		int one = read_sheet(c, files[i], s);

		code = one > code ? one : code;
		if (one != CLI_DONE)
			continue;
		for (size_t k = 0; k < out->count; k++)
			if (overlap(&out->list[k].sheet, &s->sheet)) {
				cli_say(c,
					"%.*s and %.*s: two sheets of %.*s for the same days: "
					"expected one",
					SLICE_ARG(out->list[k].file), SLICE_ARG(s->file),
					SLICE_ARG(s->sheet.party));
				code = code > CLI_NO ? code : CLI_NO;
			}
		out->count++;
	}
	return code;
}

int cmd_treaty_sheets(struct cli *c, struct cmd_sheets *out)
{
	size_t n;
	const struct slice *files = cli_values(c, "standards", &n);

	return read_all(c, files, n, out);
}

const struct cmd_sheet *cmd_treaty_sheet_of(const struct cmd_sheets *s, struct slice party,
					    struct wall_ns at)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct treaty_sheet *x = &s->list[i].sheet;

		if (slice_equal(x->party, party) && at.ns >= x->from.ns &&
		    (x->until.ns == 0 || at.ns < x->until.ns))
			return &s->list[i];
	}
	return NULL;
}

/* ---- dewline treaty standards --------------------------------------------------------------- */

static int sign(struct cli *c)
{
	struct slice text, key_text, file = c->words[1];
	struct buf out = buf_in(c->arena), problems = buf_in(c->arena);
	struct crypto_signer signer = {{0}, {0}};
	struct treaty_sheet sheet;
	struct note_verifier key;
	struct fail why = {0};
	enum status st = os_file_read(file, TREATY_SHEET_MAX, c->arena, &text, &why);

	if (st == ST_OK &&
	    treaty_sheet_parse(file, text, c->arena, &sheet, &problems, &why) != ST_OK) {
		cli_say(c, "%.*s",
			SLICE_ARG(problems.len ? slice_trim(buf_slice(&problems))
					       : slice_of(why.text)));
		return CLI_NO;
	}
	if (st == ST_OK)
		st = os_file_read(cli_value(c, "signer"), 4096, c->arena, &key_text, &why);
	if (st == ST_OK)
		st = note_signer_parse(slice_trim(slice_split(&key_text, '\n')), &key, &signer,
				       &why);
	if (st == ST_OK && key.type != NOTE_ED25519)
		st = fail_set(&why, ST_INVALID, "the key is a witness's: expected one of type %d",
			      (int)NOTE_ED25519);
	if (st == ST_OK)
		st = note_write(text, &out, &why);
	if (st == ST_OK)
		note_sign(text, &key, &signer, 0, &out);
	crypto_wipe(&signer, sizeof signer);
	if (st != ST_OK)
		return cli_cannot(c, &why);
	cli_say(c, "you sign that these are the standards of %.*s", SLICE_ARG(sheet.party));
	return cli_put(c, "write", false, buf_slice(&out));
}

static void write_text(const struct cmd_sheet *s, struct buf *out)
{
	char when[TIME_TEXT_MAX];

	buf_add_fmt(out, "%.*s: the standards of %.*s%s%.*s%s, signed by %.*s", SLICE_ARG(s->file),
		    SLICE_ARG(s->sheet.party), s->sheet.name.len ? " (" : "",
		    SLICE_ARG(s->sheet.name), s->sheet.name.len ? ")" : "", SLICE_ARG(s->signer));
	if (s->sheet.from.ns != 0)
		buf_add_fmt(out, ", from %.10s",
			    (const char *)time_format_rfc3339(s->sheet.from, when).ptr);
	if (s->sheet.until.ns != 0)
		buf_add_fmt(out, " until %.10s",
			    (const char *)time_format_rfc3339(s->sheet.until, when).ptr);
	buf_add_byte(out, '\n');
	for (size_t i = 0; i < s->sheet.count; i++) {
		int32_t milli = s->sheet.standards[i].milli;

		buf_add_z(out, "  ");
		claim_write_interval((struct interval){milli, milli}, out);
		buf_add_fmt(out, "  %.*s\n", SLICE_ARG(s->sheet.standards[i].name));
	}
}

static void write_json(const struct cmd_sheet *s, struct buf *out)
{
	struct json j = json_in(out);

	json_object(&j);
	json_member_str(&j, "file", s->file);
	json_member_str(&j, "party", s->sheet.party);
	json_member_some(&j, "name", s->sheet.name);
	json_member_str(&j, "signer", s->signer);
	json_key(&j, "standards");
	json_object(&j);
	for (size_t i = 0; i < s->sheet.count; i++) {
		json_key_slice(&j, s->sheet.standards[i].name);
		json_fixed(&j, s->sheet.standards[i].milli, 3);
	}
	json_end(&j);
	json_end(&j);
	buf_add_byte(out, '\n');
}

int cmd_treaty_standards(struct cli *c)
{
	struct buf out = buf_in(c->arena);
	struct cmd_sheets sheets;
	int code;

	if (c->word_count < 2 || (cli_value(c, "signer").ptr != NULL && c->word_count != 2)) {
		cli_say(c, "standards wants sheets: dewline treaty standards FILE... --key "
			   "PARTY=KEY, or one to sign with --signer KEY");
		return CLI_CANNOT;
	}
	if (cli_value(c, "signer").ptr != NULL)
		return sign(c);
	code = read_all(c, c->words + 1, c->word_count - 1, &sheets);
	for (size_t i = 0; i < sheets.count; i++)
		(cli_value(c, "json").ptr ? write_json : write_text)(&sheets.list[i], &out);
	return cli_print(c, buf_slice(&out)) ? code : CLI_CANNOT;
}
