/* SPDX-License-Identifier: Apache-2.0
 * Anybody's list, policy, approval and document: the input is all four, cut at lines of "%". What
 * is read as a policy or a list is what is written of it. */
#include "evidence/release/release.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct slice next(struct slice *rest)
{
	size_t at = slice_find(*rest, SLICE("%\n"));
	struct slice head = slice_part(*rest, 0, at);

	*rest = at == SIZE_MAX ? (struct slice){NULL, 0} : slice_from(*rest, at + 2);
	return head;
}

static void list_document(struct slice json, struct arena *a)
{
	static const char *const kinds[] = {"bulletin", "stix", "band"};
	struct release_list list;
	struct release r;
	struct slice text;
	uint8_t id[CRYPTO_SHA256_BYTES];
	struct fail why;

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		ASSERT(release_begin(&r, SLICE("l"), SLICE("b"), SLICE(""), a, &why) == ST_OK);
		if (release_add_document(&r, kinds[i], json, &why) != ST_OK ||
		    release_encode(&r, &text, id, &why) != ST_OK)
			continue;
		ASSERT(release_list_parse(text, &list, &why) == ST_OK);
		ASSERT(memcmp(list.id, id, sizeof id) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena_pool pool = {.budget = 32 << 20};
	struct arena a = {.pool = &pool};
	struct slice rest = {data, size}, list_text = next(&rest), policy_text = next(&rest);
	struct slice approval = next(&rest);
	struct release_policy policy, again;
	struct release_approved by;
	struct release_list list;
	struct fail why;

	if (release_policy_parse(policy_text, &a, &policy, &why) == ST_OK) {
		struct buf text = buf_in(&a);

		release_policy_add(&policy, &text);
		ASSERT(release_policy_parse(buf_slice(&text), &a, &again, &why) == ST_OK &&
		       again.count == policy.count && again.needed == policy.needed);
		if (release_list_parse(list_text, &list, &why) == ST_OK &&
		    release_approval_check(approval, list.id, &policy, &a, &by, &why) == ST_OK)
			ASSERT(by.signatures >= policy.needed);
	}
	list_document(rest, &a);
	arena_reset(&a);
	arena_pool_drain(&pool);
	return 0;
}
