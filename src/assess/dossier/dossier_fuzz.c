/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a dossier. What is read is judged and written, if it is small enough to be quick:
 * every rung sums to 1000, with nothing at 0 or 1, and no line of what is printed acts on a
 * terminal.
 */
#include "assess/dossier/dossier.h"

enum { ITEMS_JUDGED = 6 };

static void check(const struct fuse_answer *a)
{
	int32_t sum = 0;

	for (size_t k = 0; k < a->count; k++) {
		ASSERT(a->of[k].lo >= 1 && a->of[k].lo <= a->of[k].mid &&
		       a->of[k].mid <= a->of[k].hi && a->of[k].hi <= 999);
		sum += a->of[k].mid;
	}
	ASSERT(sum == 1000 && a->leader < a->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena_pool pool = {.budget = 16 << 20};
	struct arena arena = {.pool = &pool};
	struct slice text = {data, size};
	struct dossier *d = ARENA_NEW(&arena, struct dossier);
	struct dossier_finding *f = ARENA_NEW(&arena, struct dossier_finding);
	struct prior *prior = ARENA_NEW(&arena, struct prior);
	struct buf out = buf_in(&arena), more = buf_in(&arena);
	struct fail why = {0};

	ASSERT(prior_parse(prior_builtin_name(), prior_builtin_text(), prior, &why) == ST_OK);
	if (dossier_read(SLICE("x"), text, prior, (struct wall_ns){0}, &arena, d, &why) == ST_OK &&
	    d->item_count <= ITEMS_JUDGED && dossier_judge(d, &arena, f, &why) == ST_OK) {
		for (enum dossier_rung r = DOSSIER_OPERATOR; r < DOSSIER_RUNGS; r++)
			check(&f->rungs[r]);
		dossier_write_words(f, &out);
		dossier_write_table(f, &out);
		dossier_write_json(f, &out);
		for (size_t i = 0; i < out.len; i++)
			ASSERT(out.ptr[i] >= ' ' || out.ptr[i] == '\n');
	}
	/* whatever it is: it may be added to, or is not what can be */
	if (dossier_insert(text, SLICE("{}"), &more) && !more.full)
		ASSERT(more.len > size);
	arena_reset(&arena);
	arena_pool_drain(&pool);
	ASSERT(pool.out == 0);
	return 0;
}
