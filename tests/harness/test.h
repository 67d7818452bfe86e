/* SPDX-License-Identifier: Apache-2.0
 *
 * test.h - the whole test harness. One binary per *_test.c, TAP on stdout for `meson test`.
 * An EXPECT that fails ends its test. TEST_SEED=n repeats a property run.
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
};

int test_main(struct test *tests, size_t n);
void test_fail(struct test *t, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
uint64_t test_rand(struct test *t); /* any 64-bit value, repeatable from TEST_SEED */

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
