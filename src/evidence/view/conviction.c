/* SPDX-License-Identifier: Apache-2.0
 *
 * Notes have one empty line each, between text and signatures, so two of them behind a head are
 * told apart without lengths: head, text, signatures, text, signatures, with an empty line between
 * each.
 */
#include "evidence/view/view_priv.h"

#define HEAD SLICE("dewline-conviction 1")
#define LOG SLICE("log ")
#define PREFIX SLICE("prefix ")

/* A note of the front of *rest: up to the empty line behind its signatures, or to the end. */
static struct slice note_cut(struct slice *rest)
{
	static const struct slice gap = {(const uint8_t *)"\n\n", 2};
	size_t text = slice_find(*rest, gap), end;
	struct slice note = *rest;

	if (text == SIZE_MAX)
		return (struct slice){NULL, 0};
	end = slice_find(slice_from(*rest, text + 2), gap);
	if (end == SIZE_MAX) {
		*rest = (struct slice){NULL, 0};
		return note;
	}
	end += text + 2;
	*rest = (struct slice){note.ptr + end + 2, note.len - end - 2}; /* if empty, not NULL */
	return slice_part(note, 0, end + 1);
}

static bool prefix_parse(struct slice line, uint8_t out[MERKLE_BYTES])
{
	size_t n;

	return slice_starts(line, PREFIX) &&
	       crypto_base64_parse(CRYPTO_BASE64, slice_from(line, PREFIX.len), MERKLE_BYTES, out,
				   &n) &&
	       n == MERKLE_BYTES;
}

enum status view_conviction_parse(struct slice text, struct arena *a, struct view_conviction *out,
				  struct fail *why)
{
	struct slice rest = text, line, peek;
	struct view_conviction c = {0};
	enum status st;

	if (text.len > VIEW_CONVICTION_MAX)
		return fail_set(why, ST_LIMIT, "a conviction of more than %d bytes",
				VIEW_CONVICTION_MAX);
	if (!slice_equal(slice_split(&rest, '\n'), HEAD))
		return fail_set(why, ST_INVALID, "the first line is not \"%.*s\"", SLICE_ARG(HEAD));
	line = slice_split(&rest, '\n');
	if (!slice_starts(line, LOG))
		return fail_set(why, ST_INVALID, "the second line is not \"log\" and its key");
	st = note_verifier_parse(slice_from(line, LOG.len), &c.log, why);
	if (st != ST_OK)
		return fail_wrap(why, "line 2");
	peek = rest;
	line = slice_split(&peek, '\n');
	if (line.len != 0) {
		if (!prefix_parse(line, c.prefix))
			return fail_set(why, ST_INVALID,
					"line 3 is neither empty nor \"prefix\" and a hash");
		c.sizes_differ = true;
		rest = peek;
	}
	st = view_hashes_take(&rest, c.sizes_differ ? MERKLE_PROOF_MAX : 1, a, &c.hashes, &c.count,
			      why);
	if (st != ST_OK)
		return st;
	c.first = note_cut(&rest);
	c.second = note_cut(&rest);
	if (c.first.ptr == NULL || c.second.ptr == NULL || rest.ptr != NULL)
		return fail_set(why, ST_INVALID, "there are not two checkpoints behind the head");
	*out = c;
	return ST_OK;
}

void view_conviction_add(const struct view_conviction *c, struct buf *out)
{
	buf_add(out, HEAD);
	buf_add_byte(out, '\n');
	buf_add(out, LOG);
	note_verifier_add(&c->log, out);
	buf_add_byte(out, '\n');
	if (c->sizes_differ) {
		buf_add(out, PREFIX);
		crypto_base64_add(CRYPTO_BASE64, (struct slice){c->prefix, MERKLE_BYTES}, out);
		buf_add_byte(out, '\n');
		view_hashes_add(c->hashes, c->count, out);
	}
	buf_add_byte(out, '\n');
	buf_add(out, c->first);
	buf_add_byte(out, '\n');
	buf_add(out, c->second);
}

static enum status shows_nothing(struct fail *why, const char *what)
{
	return fail_set(why, ST_REFUSED, "this convicts nobody: %s", what);
}

enum status view_conviction_check(const struct view_conviction *c, struct arena *a,
				  struct merkle_checkpoint out[2], struct fail *why)
{
	struct merkle_checkpoint one, two;
	enum status st = merkle_checkpoint_open(c->first, &c->log, a, &one, why);

	if (st == ST_OK)
		st = merkle_checkpoint_open(c->second, &c->log, a, &two, why);
	if (st != ST_OK)
		return st;
	if (one.size > two.size)
		return fail_set(why, ST_INVALID, "the larger checkpoint stands first");
	if (c->sizes_differ != (one.size != two.size))
		return fail_set(why, ST_INVALID,
				"a \"prefix\" is there for checkpoints of two sizes only");
	if (one.size == two.size) {
		if (c->count != 0)
			return fail_set(why, ST_INVALID, "a proof is there for one size");
		if (memcmp(one.root, two.root, MERKLE_BYTES) == 0)
			return shows_nothing(why, "both checkpoints have the same root");
	} else {
		uint8_t empty[MERKLE_BYTES];

		merkle_empty(empty);
		if (memcmp(c->prefix, one.root, MERKLE_BYTES) == 0)
			return shows_nothing(why, "the smaller tree is what the larger one says");
		if ((one.size == 0 && memcmp(c->prefix, empty, MERKLE_BYTES) != 0) ||
		    !merkle_verify_consistency(one.size, two.size, c->prefix, two.root, c->hashes,
					       c->count))
			return shows_nothing(why, "the larger tree does not say that the smaller "
						  "one was as in \"prefix\"");
	}
	out[0] = one;
	out[1] = two;
	return ST_OK;
}

/* The root that the larger tree gives the smaller one: as told, or else read off the proof. */
static bool prefix_find(struct view_conviction *c, const struct merkle_checkpoint *small,
			const struct merkle_checkpoint *large, const uint8_t prefix[MERKLE_BYTES])
{
	if (prefix != NULL) {
		memcpy(c->prefix, prefix, MERKLE_BYTES);
		return true;
	}
	if (small->size == 0) {
		merkle_empty(c->prefix);
		c->count = 0;
		return true;
	}
	return merkle_consistency_old(small->size, large->size, c->hashes, c->count, large->root,
				      c->prefix);
}

enum status view_conviction_of(const struct note_verifier *log, const struct slice notes[2],
			       const uint8_t (*hashes)[MERKLE_BYTES], size_t count,
			       const uint8_t prefix[MERKLE_BYTES], struct arena *a,
			       struct view_conviction *out, struct fail *why)
{
	struct view_conviction c = {.log = *log, .hashes = hashes, .count = count};
	struct merkle_checkpoint seen[2], checked[2];
	size_t small;
	enum status st = ST_OK;

	for (size_t i = 0; i < 2 && st == ST_OK; i++)
		st = merkle_checkpoint_open(notes[i], log, a, &seen[i], why);
	if (st != ST_OK)
		return st;
	small = seen[0].size <= seen[1].size ? 0 : 1;
	c.first = notes[small];
	c.second = notes[1 - small];
	c.sizes_differ = seen[0].size != seen[1].size;
	if (!c.sizes_differ)
		c.count = 0;
	if ((c.sizes_differ && !prefix_find(&c, &seen[small], &seen[1 - small], prefix)) ||
	    view_conviction_check(&c, a, checked, why) != ST_OK)
		return fail_set(why, ST_NOTFOUND,
				"the two checkpoints do not contradict each "
				"other by this proof");
	*out = c;
	return ST_OK;
}
