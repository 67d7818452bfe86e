/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "evidence/merkle/merkle.h"

/* Decimal without a sign, a leading zero or anything else. */
static bool size_parse(struct slice s, uint64_t *out)
{
	return s.len > 0 && text_is_digit(s.ptr[0]) && (s.ptr[0] != '0' || s.len == 1) &&
	       text_u64(s, 0, INT64_MAX, out);
}

enum status merkle_checkpoint_parse(struct slice text, struct merkle_checkpoint *out,
				    struct fail *why)
{
	struct slice rest = slice_part(text, 0, text.len - (text.len != 0));
	struct slice origin = slice_split(&rest, '\n'), size = slice_split(&rest, '\n'),
		     root = slice_split(&rest, '\n');
	struct merkle_checkpoint c = {.origin = origin};
	size_t n;

	if (!slice_ends(text, SLICE("\n")) || origin.len == 0)
		return fail_set(why, ST_INVALID, "a checkpoint starts with the log's origin");
	if (!size_parse(size, &c.size))
		return fail_set(why, ST_INVALID, "the checkpoint's second line is no tree size");
	if (!crypto_base64_parse(CRYPTO_BASE64, root, sizeof c.root, c.root, &n) ||
	    n != sizeof c.root)
		return fail_set(why, ST_INVALID,
				"the checkpoint's third line is no base64 of 32 bytes");
	while (rest.ptr != NULL)
		if (slice_split(&rest, '\n').len == 0)
			return fail_set(why, ST_INVALID, "the checkpoint has an empty line");
	*out = c;
	return ST_OK;
}

void merkle_checkpoint_add(const struct merkle_checkpoint *c, struct buf *out)
{
	buf_add(out, c->origin);
	buf_add_byte(out, '\n');
	buf_add_u64(out, c->size);
	buf_add_byte(out, '\n');
	crypto_base64_add(CRYPTO_BASE64, (struct slice){c->root, sizeof c->root}, out);
	buf_add_byte(out, '\n');
}

enum status merkle_checkpoint_open(struct slice bytes, const struct note_verifier *log,
				   struct arena *a, struct merkle_checkpoint *out, struct fail *why)
{
	struct merkle_checkpoint c;
	struct note note;
	enum status st = note_parse(bytes, a, &note, why);

	if (st == ST_OK)
		st = merkle_checkpoint_parse(note.text, &c, why);
	if (st == ST_OK)
		st = note_verify(&note, log, 1, NULL, a, why);
	if (st != ST_OK)
		return st;
	if (!slice_equal(c.origin, log->name))
		return fail_set(why, ST_REFUSED, "a checkpoint of %.*s, signed by %.*s",
				SLICE_ARG(c.origin), SLICE_ARG(log->name));
	*out = c;
	return ST_OK;
}
