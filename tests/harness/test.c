/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

uint64_t test_rand(struct test *t)
{
	uint64_t z = (t->rng += 0x9e3779b97f4a7c15u); /* splitmix64 */

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

void test_fail(struct test *t, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	t->failed++;
	printf("# %s:%d: ", file, line);
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

int test_main(struct test *tests, size_t n)
{
	const char *env = getenv("TEST_SEED");
	uint64_t seed = env ? strtoull(env, NULL, 10) : (uint64_t)time(NULL);
	int bad = 0;

	printf("1..%zu\n# TEST_SEED=%llu\n", n, (unsigned long long)seed);
	for (size_t i = 0; i < n; i++) {
		tests[i].rng = seed;
		tests[i].run(&tests[i]);
		bad += tests[i].failed != 0;
		printf("%s %zu - %s\n", tests[i].failed ? "not ok" : "ok", i + 1, tests[i].name);
		fflush(stdout);
	}
	return bad != 0;
}
