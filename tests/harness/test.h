/* SPDX-License-Identifier: Apache-2.0
 *
 * test.h - the whole test harness. One binary per *_test.c, TAP on stdout for `meson test`.
 * An EXPECT that fails ends its test. TEST_SEED=n repeats a property run. A test that lacks
 * something says so with test_skip(); what it did check still counts, but it is not reported as
 * passed.
 */
#ifndef DEW_TEST_H
#define DEW_TEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct test {
	const char *name;
	void (*run)(struct test *t);
	int failed;
	uint64_t rng;
	char skipped[256]; /* why, or empty */
	char folder[32];   /* of test_folder(), or empty */
};

int test_main(struct test *tests, size_t n);
void test_fail(struct test *t, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
uint64_t test_rand(struct test *t); /* any 64-bit value, repeatable from TEST_SEED */

/* The first reason stays. The caller returns, or goes on with what it can. */
void test_skip(struct test *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The path of a new, empty folder. Removed with all that is in it when the test asks for the next
 * one or ends, however it ends. In memory where the machine has /dev/shm: tests break the order of
 * operations, not disks, and waiting for a busy disk at each of some thousand syncs takes minutes.
 */
const char *test_folder(struct test *t);

#define EXPECT(t, cond)                                                                            \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			test_fail((t), __FILE__, __LINE__, "%s", #cond);                           \
			return;                                                                    \
		}                                                                                  \
	} while (0)
#define EXPECT_UINT(t, got, want)                                                                  \
	do {                                                                                       \
		unsigned long long g_ = (got), w_ = (want);                                        \
		if (g_ != w_) {                                                                    \
			test_fail((t), __FILE__, __LINE__, "%s is %llu, want %llu", #got, g_, w_); \
			return;                                                                    \
		}                                                                                  \
	} while (0)
#define EXPECT_SLICE(t, got, want)                                                                 \
	do {                                                                                       \
		struct slice g_ = (got), w_ = (want);                                              \
		if (!slice_equal(g_, w_)) {                                                        \
			test_fail((t), __FILE__, __LINE__, "%s is \"%.*s\", want \"%.*s\"", #got,  \
				  (int)g_.len, (const char *)g_.ptr, (int)w_.len,                  \
				  (const char *)w_.ptr);                                           \
			return;                                                                    \
		}                                                                                  \
	} while (0)

#define TESTS(...)                                                                                 \
	int main(void)                                                                             \
	{                                                                                          \
		struct test tests_[] = {__VA_ARGS__};                                              \
		return test_main(tests_, sizeof tests_ / sizeof tests_[0]);                        \
	}
#define T(fn)                                                                                      \
	{                                                                                          \
		.name = #fn, .run = (fn)                                                           \
	}

#endif
