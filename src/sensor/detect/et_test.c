/* SPDX-License-Identifier: Apache-2.0
 * Real rule sets, where they are: how many rules compile, and which keyword stops the others. */
#include <stdio.h>
#include <stdlib.h>

#include "sensor/detect/detect_fixture.h"
#include "test.h"

enum { TEXT_MAX = 64 << 20, LEAST_PERCENT = 98, KEYWORDS_MAX = 64 };

static char *path_of(const char *name)
{
	static char path[1024];
	const char *root = getenv("DEW_SOURCE_ROOT");

	(void)snprintf(path, sizeof path, "%s/../shared/rules/%s", root ? root : ".", name);
	return path;
}

static struct slice text_of(const char *name)
{
	static uint8_t text[TEXT_MAX];
	char command[1100];
	size_t n = 0;
	FILE *f = fopen(path_of(name), "rbe");

	if (f == NULL)
		return (struct slice){NULL, 0};
	(void)fclose(f);
	(void)snprintf(command, sizeof command, "xz -dc '%s'", path_of(name));
	f = popen(command, "re");
	if (f != NULL) {
		n = fread(text, 1, sizeof text, f);
		(void)pclose(f);
	}
	return (struct slice){text, n};
}

static void print_problems(const struct rule_set *s)
{
	struct slice words[KEYWORDS_MAX];
	size_t counts[KEYWORDS_MAX] = {0}, n = 0;

	for (size_t i = 0; i < s->problem_count; i++) {
		size_t k = 0;

		while (k < n && !slice_equal(words[k], s->problems[i].keyword))
			k++;
		if (k == n && n < KEYWORDS_MAX)
			words[n++] = s->problems[i].keyword;
		if (k < KEYWORDS_MAX)
			counts[k]++;
	}
	for (size_t k = 0; k < n; k++)
		printf("#   %zu for %.*s\n", counts[k], SLICE_ARG(words[k]));
}

static void check(struct test *t, const char *name)
{
	struct slice text = text_of(name);
	struct fixture x;
	size_t all, good;
	bool ok;

	if (text.len == 0) {
		test_skip(t, "no ../shared/rules/%s", name);
		return;
	}
	ok = fixture_rules(&x, text, 0);

	all = x.set.count;
	good = ok ? detect_rules_count(x.rules) : 0;
	printf("# %s: %zu of %zu rules compile, %zu problems\n", name, good, all,
	       x.set.problem_count);
	print_problems(&x.set);
	fixture_done(&x);
	EXPECT(t, all > 1000);
	EXPECT(t, good * 100 >= all * LEAST_PERCENT);
}

static void the_recent_rules_compile(struct test *t)
{
	check(t, "et-recent.rules.xz");
}

static void the_old_rules_compile(struct test *t)
{
	check(t, "et-old.rules.xz");
}

TESTS(T(the_recent_rules_compile), T(the_old_rules_compile))
