/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/vocab/vocab.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

static bool has_value(const char *class, const char *value)
{
	size_t n;
	const struct vocab_class *c = vocab_classes(&n);

	for (size_t i = 0; i < n; i++)
		for (const struct vocab_value *v = c[i].values; v->name != NULL; v++)
			if (strcmp(c[i].name, class) == 0 && strcmp(v->name, value) == 0)
				return true;
	printf("# %s has no value %s\n", class, value);
	return false;
}

static bool has_code(const struct vocab_list *l, const char *code)
{
	for (const char *const *c = l->codes; *c != NULL; c++)
		if (strcmp(*c, code) == 0)
			return true;
	printf("# %s %s has no code %s\n", l->scheme, l->name, code);
	return false;
}

static void each_word_stands_once(struct test *t)
{
	size_t n, m;
	const struct vocab_class *c = vocab_classes(&n);
	const struct vocab_list *const *l = vocab_lists(&m);

	EXPECT_UINT(t, n, 14);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < i; k++)
			EXPECT(t, strcmp(c[i].name, c[k].name) != 0);
		EXPECT(t, c[i].means[0] != 0 && c[i].values[0].name != NULL);
		for (const struct vocab_value *v = c[i].values; v->name != NULL; v++)
			for (const struct vocab_value *w = c[i].values; w != v; w++)
				EXPECT(t, strcmp(v->name, w->name) != 0);
	}
	for (size_t i = 0; i < m; i++) {
		EXPECT(t, l[i]->source[0] != 0);
		for (const char *const *a = l[i]->codes; *a != NULL; a++)
			for (const char *const *b = l[i]->codes; b != a; b++)
				EXPECT(t, strcmp(*a, *b) != 0);
	}
}

static void a_map_names_only_what_there_is_and_each_pair_once(struct test *t)
{
	size_t n, m;
	const struct vocab_map *maps = vocab_maps(&n);
	const struct vocab_list *const *lists = vocab_lists(&m);

	for (size_t i = 0; i < n; i++) {
		bool listed = false;

		for (size_t k = 0; k < m; k++)
			listed |= lists[k] == maps[i].list;
		EXPECT(t, listed);
		for (size_t k = 0; k < i; k++)
			EXPECT(t, maps[k].list != maps[i].list ||
					  strcmp(maps[k].class, maps[i].class) != 0);
		for (const struct vocab_row *r = maps[i].rows; r->ours != NULL; r++) {
			EXPECT(t, has_value(maps[i].class, r->ours));
			EXPECT(t, has_code(maps[i].list, r->theirs));
			EXPECT(t, vocab_fit_name(r->fit)[0] != 0);
			for (const struct vocab_row *q = maps[i].rows; q != r; q++)
				EXPECT(t, strcmp(q->ours, r->ours) != 0 ||
						  strcmp(q->theirs, r->theirs) != 0);
		}
	}
	for (size_t k = 0; k < m; k++) { /* and each list is mapped */
		bool mapped = false;

		for (size_t i = 0; i < n; i++)
			mapped |= maps[i].list == lists[k];
		EXPECT(t, mapped);
	}
}

/* "The same" in two rows would say that two of their codes, or two of our values, are one. */
static void what_is_the_same_is_so_once(struct test *t)
{
	size_t n;
	const struct vocab_map *maps = vocab_maps(&n);

	for (size_t i = 0; i < n; i++)
		for (const struct vocab_row *r = maps[i].rows; r->ours != NULL; r++)
			for (const struct vocab_row *q = maps[i].rows; q != r; q++) {
				bool both = r->fit == VOCAB_SAME && q->fit == VOCAB_SAME;

				EXPECT(t, !both || strcmp(q->theirs, r->theirs) != 0);
				/* 22 says that a countermeasure is no wrong, 49 what one is */
				EXPECT(t, !both || strcmp(q->ours, r->ours) != 0 ||
						  strcmp(r->ours, "countermeasure") == 0);
			}
}

static size_t length_of(const char *scheme, const char *name)
{
	size_t n, count = 0;
	const struct vocab_list *const *l = vocab_lists(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(l[i]->scheme, scheme) == 0 && strcmp(l[i]->name, name) == 0)
			while (l[i]->codes[count] != NULL)
				count++;
	return count;
}

/* As many as their sources have. */
static void lists_of_others_are_whole(struct test *t)
{
	EXPECT_UINT(t, length_of("stix", "threat-actor-type-ov"), 13);
	EXPECT_UINT(t, length_of("stix", "threat-actor-role-ov"), 7);
	EXPECT_UINT(t, length_of("stix", "industry-sector-ov"), 35);
	EXPECT_UINT(t, length_of("eurepoc", "initiator_category"), 6);
	EXPECT_UINT(t, length_of("eurepoc", "incident_type"), 7);
	EXPECT_UINT(t, length_of("veris", "actor.external.variety"), 14);
	EXPECT_UINT(t, length_of("veris", "attribute.availability.variety"), 8);
	EXPECT_UINT(t, length_of("veris", "attribute.integrity.variety"), 14);
	EXPECT_UINT(t, length_of("veris", "security_incident"), 4);
	EXPECT_UINT(t, length_of("rsit", "classification"), 36);
	EXPECT_UINT(t, length_of("nis2", "sector"), 18);
	EXPECT_UINT(t, length_of("tlp", "label"), 5);
	EXPECT_UINT(t, length_of("healey", "state-responsibility"), 10);
}

TESTS(T(each_word_stands_once), T(a_map_names_only_what_there_is_and_each_pair_once),
      T(what_is_the_same_is_so_once), T(lists_of_others_are_whole))
