/* SPDX-License-Identifier: Apache-2.0
 * Proofs, requests and convictions from anywhere: what is accepted is written as it was read. */
#include "evidence/view/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct buf *b, struct slice text)
{
	ASSERT(b->full || slice_equal(buf_slice(b), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena_pool pool = {.budget = 4 << 20};
	struct arena a = {.pool = &pool};
	struct slice text = {data, size};
	struct merkle_checkpoint two[2];
	struct view_conviction conviction;
	struct view_request request;
	struct view_proof proof;
	struct buf b = buf_in(&a);
	struct fail why;

	if (view_proof_parse(text, &a, &proof, &why) == ST_OK) {
		ASSERT(proof.count <= MERKLE_PROOF_MAX && proof.checkpoint.len > 0);
		view_proof_add(&proof, &b);
		same(&b, text);
	}
	b = buf_in(&a);
	if (view_request_parse(text, &a, &request, &why) == ST_OK) {
		ASSERT(request.count <= VIEW_REQUEST_PROOF_MAX);
		view_request_add(&request, &b);
		same(&b, text);
	}
	b = buf_in(&a);
	if (view_conviction_parse(text, &a, &conviction, &why) == ST_OK) {
		view_conviction_add(&conviction, &b);
		same(&b, text);
		if (view_conviction_check(&conviction, &a, two, &why) == ST_OK)
			ASSERT(two[0].size <= two[1].size);
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
	return 0;
}
