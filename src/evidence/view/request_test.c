/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/view/view.h"

#include "test.h"

#define HASH "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

static void a_request_is_read_as_it_was_written(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct view_request r;
	struct fail why;

	for (unsigned n = 0; n <= VIEW_REQUEST_PROOF_MAX + 1; n++) {
		struct buf b = buf_in(&a), again = buf_in(&a);
		enum status st;

		buf_add_fmt(&b, "old %u\n", n * 7);
		for (unsigned i = 0; i < n; i++)
			buf_add_z(&b, HASH);
		buf_add_z(&b, "\nthe checkpoint\nand so on\n");
		st = view_request_parse(buf_slice(&b), &a, &r, &why);
		EXPECT(t, st == (n <= VIEW_REQUEST_PROOF_MAX ? ST_OK : ST_INVALID));
		if (st != ST_OK)
			break;
		EXPECT(t, r.old == n * 7 && r.count == n);
		view_request_add(&r, &again);
		EXPECT_SLICE(t, buf_slice(&again), buf_slice(&b));
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void what_is_no_request_is_refused(struct test *t)
{
	static const char *const bad[] = {
		"",
		"\n",
		"old\n\nx\n",
		"old \n\nx\n",
		"old 01\n\nx\n",
		"old -1\n\nx\n",
		"old  1\n\nx\n",
		"old 1 \n\nx\n",
		"old 0x1\n\nx\n",
		"old 9223372036854775808\n\nx\n",
		"OLD 1\n\nx\n",
		"old 1\n",
		"old 1\n\n",
		"old 1\n" HASH,
		"old 1\nAAAA\n\nx\n",
		"old 1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n\nx\n",
		"old 1\n " HASH "\nx\n",
	};
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct view_request r;
	struct fail why;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (view_request_parse(slice_of(bad[i]), &a, &r, &why) != ST_INVALID)
			test_fail(t, __FILE__, __LINE__, "\"%s\" was accepted", bad[i]);
	EXPECT(t, view_request_parse(SLICE("old 9223372036854775807\n\nx"), &a, &r, &why) == ST_OK);
	EXPECT(t, r.old == INT64_MAX);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

TESTS(T(a_request_is_read_as_it_was_written), T(what_is_no_request_is_refused))
