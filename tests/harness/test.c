/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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

void test_skip(struct test *t, const char *fmt, ...)
{
	va_list ap;

	if (t->skipped[0] != 0)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(t->skipped, sizeof t->skipped, fmt, ap);
	va_end(ap);
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

static void folder_drop(struct test *t)
{
	if (t->folder[0] != 0 && nftw(t->folder, drop, 16, FTW_DEPTH | FTW_PHYS) != 0)
		test_fail(t, __FILE__, __LINE__, "%s cannot be removed", t->folder);
	t->folder[0] = 0;
}

const char *test_folder(struct test *t)
{
	folder_drop(t);
	(void)snprintf(t->folder, sizeof t->folder, "%s/dewline-test-XXXXXX",
		       access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(t->folder) == NULL) {
		perror(t->folder);
		exit(EXIT_FAILURE);
	}
	return t->folder;
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
		folder_drop(&tests[i]);
		bad += tests[i].failed != 0;
		printf("%s %zu - %s", tests[i].failed ? "not ok" : "ok", i + 1, tests[i].name);
		printf("%s%s\n", tests[i].skipped[0] ? " # SKIP " : "", tests[i].skipped);
		fflush(stdout);
	}
	return bad != 0;
}
