/* SPDX-License-Identifier: Apache-2.0
 * C2SP tlog-proof: a .tlog-proof file. */
#include "evidence/view/view_priv.h"

#define HEAD SLICE("c2sp.org/tlog-proof@v1")
#define EXTRA SLICE("extra ")

static enum status extra_check(struct slice text, struct arena *a, struct fail *why)
{
	struct slice raw;
	enum status st = crypto_base64_take(CRYPTO_BASE64, text, a, &raw);

	if (st == ST_NOMEM)
		return fail_set(why, st, "no memory for a proof");
	return st == ST_OK ? ST_OK
			   : fail_set(why, ST_INVALID, "the proof's extra data is no base64");
}

enum status view_proof_parse(struct slice text, struct arena *a, struct view_proof *out,
			     struct fail *why)
{
	struct slice rest = text, line;
	struct view_proof p = {0};
	enum status st = ST_OK;

	if (!slice_equal(slice_split(&rest, '\n'), HEAD))
		return fail_set(why, ST_INVALID, "the first line is not \"%.*s\"", SLICE_ARG(HEAD));
	line = slice_split(&rest, '\n');
	if (slice_starts(line, EXTRA)) {
		p.extra = slice_from(line, EXTRA.len);
		if (p.extra.ptr == NULL) /* "extra " and nothing: data of no bytes */
			p.extra = SLICE("");
		st = extra_check(p.extra, a, why);
		line = slice_split(&rest, '\n');
	}
	if (st == ST_OK && !view_number_line(line, SLICE("index"), &p.index))
		st = fail_set(why, ST_INVALID, "there is no \"index\" and a number");
	if (st == ST_OK)
		st = view_hashes_take(&rest, MERKLE_PROOF_MAX, a, &p.hashes, &p.count, why);
	if (st != ST_OK)
		return st;
	if (rest.len == 0)
		return fail_set(why, ST_INVALID, "there is no checkpoint behind the proof");
	p.checkpoint = rest;
	*out = p;
	return ST_OK;
}

void view_proof_add(const struct view_proof *p, struct buf *out)
{
	buf_add(out, HEAD);
	if (p->extra.ptr != NULL) {
		buf_add_byte(out, '\n');
		buf_add(out, EXTRA);
		buf_add(out, p->extra);
	}
	buf_add_z(out, "\nindex ");
	buf_add_u64(out, p->index);
	buf_add_byte(out, '\n');
	view_hashes_add(p->hashes, p->count, out);
	buf_add_byte(out, '\n');
	buf_add(out, p->checkpoint);
}

enum status view_proof_check(const struct view_proof *p, const struct view_policy *policy,
			     struct slice entry, struct arena *a, struct merkle_checkpoint *out,
			     struct fail *why)
{
	struct merkle_checkpoint c;
	uint8_t leaf[MERKLE_BYTES];
	enum status st = view_policy_open(policy, p->checkpoint, a, &c, NULL, NULL, why);

	if (st != ST_OK)
		return st;
	merkle_leaf(entry, leaf);
	if (!merkle_verify_inclusion(leaf, p->index, c.size, p->hashes, p->count, c.root))
		return fail_set(why, ST_REFUSED,
				"the entry is not leaf %llu of %.*s at size %llu, by this proof",
				(unsigned long long)p->index, SLICE_ARG(c.origin),
				(unsigned long long)c.size);
	*out = c;
	return ST_OK;
}
