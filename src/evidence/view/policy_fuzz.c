/* SPDX-License-Identifier: Apache-2.0
 * Policies from anywhere: members stand before their groups, each in one group; a checkpoint that
 * nobody signed is believed by none. */
#include "evidence/view/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct slice note = {
		(const uint8_t *)"log.test/a\n1\n"
				 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n"
				 "\xe2\x80\x94 log.test/a AAAAAAA=\n",
		13 + 45 + 1 + 4 + 11 + 9};
	struct arena_pool pool = {.budget = 4 << 20};
	struct arena a = {.pool = &pool};
	struct slice text = {data, size};
	struct merkle_checkpoint c;
	struct view_policy p;
	struct fail why;

	if (view_policy_parse(text, &a, &p, &why) == ST_OK) {
		bool member[VIEW_NAMES_MAX] = {false};

		ASSERT(p.log_count <= VIEW_LOGS_MAX && p.name_count <= VIEW_NAMES_MAX);
		ASSERT(p.quorum == SIZE_MAX || p.quorum < p.name_count);
		for (size_t i = 0; i < p.name_count; i++) {
			ASSERT(p.names[i].least <= p.names[i].count);
			for (size_t k = 0; k < p.names[i].count; k++) {
				ASSERT(p.names[i].members[k] < i && !member[p.names[i].members[k]]);
				member[p.names[i].members[k]] = true;
			}
		}
		ASSERT(view_policy_open(&p, note, &a, &c, NULL, NULL, &why) != ST_OK);
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
	return 0;
}
