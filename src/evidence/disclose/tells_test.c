/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "evidence/disclose/disclose.h"
#include "test.h"

/* docs/formats/eve.md has a row for each field of a record; record_test.c sees to that. */
static void somebody_thought_about_every_field(struct test *t)
{
	const char *root = getenv("DEW_SOURCE_ROOT");
	unsigned told[DISCLOSE_TOLD] = {0}, rows = 0;
	static char text[1 << 17];
	char path[4096];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/docs/formats/eve.md", root ? root : ".");
	f = fopen(path, "rbe");
	EXPECT(t, f != NULL);
	text[fread(text, 1, sizeof text - 1, f)] = 0;
	(void)fclose(f);
	for (char *at = text; (at = strstr(at, "\n| `")) != NULL; rows++) {
		struct slice name = {NULL, 0}, group = {NULL, 0}, rest;
		const char *why = NULL;
		enum disclose_told what;

		at += 4;
		rest = slice_of(at);
		name = slice_split(&rest, '`');
		if (slice_find(name, SLICE(".")) != SIZE_MAX)
			group = slice_split(&name, '.');
		what = disclose_tells(group, name, &why);
		if (strstr(why, "nobody has said") != NULL)
			test_fail(t, __FILE__, __LINE__, "what \"%.*s.%.*s\" tells is in no row",
				  SLICE_ARG(group), SLICE_ARG(name));
		EXPECT(t, (what == DISCLOSE_TELLS_NOTHING) == (why[0] == 0));
		told[what]++;
	}
	EXPECT(t, rows > 90);
	for (unsigned i = 0; i < DISCLOSE_TOLD; i++)
		EXPECT(t, told[i] > 5 && disclose_told_names[i] != NULL);
}

static void a_field_that_nobody_thought_about_is_not_harmless(struct test *t)
{
	const char *why = NULL;

	EXPECT(t, disclose_tells(SLICE(""), SLICE("brand_new"), &why) == DISCLOSE_TELLS_METHOD);
	EXPECT(t, strstr(why, "nobody") != NULL);
	EXPECT(t,
	       disclose_tells(SLICE("alert"), SLICE("signature_id"), &why) == DISCLOSE_TELLS_RULE);
	EXPECT(t, disclose_tells(SLICE("flow"), SLICE("state"), &why) == DISCLOSE_TELLS_NOTHING);
	EXPECT(t, disclose_tells(SLICE(""), SLICE("station"), &why) == DISCLOSE_TELLS_PLACE);
}

TESTS(T(somebody_thought_about_every_field), T(a_field_that_nobody_thought_about_is_not_harmless))
