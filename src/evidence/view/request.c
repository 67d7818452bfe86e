/* SPDX-License-Identifier: Apache-2.0
 * The body of add-checkpoint, C2SP tlog-witness. */
#include "evidence/view/view_priv.h"

enum status view_request_parse(struct slice body, struct arena *a, struct view_request *out,
			       struct fail *why)
{
	struct slice rest = body;
	struct view_request r;
	enum status st;

	if (!view_number_line(slice_split(&rest, '\n'), SLICE("old"), &r.old))
		return fail_set(why, ST_INVALID, "the first line is not \"old\" and a tree size");
	st = view_hashes_take(&rest, VIEW_REQUEST_PROOF_MAX, a, &r.hashes, &r.count, why);
	if (st != ST_OK)
		return st;
	if (rest.len == 0)
		return fail_set(why, ST_INVALID, "there is no checkpoint behind the proof");
	r.checkpoint = rest;
	*out = r;
	return ST_OK;
}

void view_request_add(const struct view_request *r, struct buf *out)
{
	buf_add_z(out, "old ");
	buf_add_u64(out, r->old);
	buf_add_byte(out, '\n');
	view_hashes_add(r->hashes, r->count, out);
	buf_add_byte(out, '\n');
	buf_add(out, r->checkpoint);
}
