/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/vocab/vocab.h"
#include "test.h"

#include <string.h>

static const struct vocab_scale *scale(const char *name)
{
	size_t n;
	const struct vocab_scale *s = vocab_scales(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(s[i].name, name) == 0)
			return &s[i];
	ASSERT(false);
	return NULL;
}

/* Every boundary of every scale: the number before it, it, and the number behind it. */
static void each_band_begins_where_it_says(struct test *t)
{
	size_t n;
	const struct vocab_scale *s = vocab_scales(&n);

	EXPECT_UINT(t, n, 6);
	for (size_t i = 0; i < n; i++) {
		const struct vocab_band *b = s[i].bands;

		EXPECT(t, b[0].from == 0 && strcmp(vocab_scale_word(&s[i], 0), b[0].word) == 0);
		for (size_t k = 1; b[k].word != NULL; k++) {
			EXPECT(t, b[k].from > b[k - 1].from && b[k].from <= CLAIM_CERTAIN);
			EXPECT(t,
			       strcmp(vocab_scale_word(&s[i], b[k].from - 1), b[k - 1].word) == 0);
			EXPECT(t, strcmp(vocab_scale_word(&s[i], b[k].from), b[k].word) == 0);
			EXPECT(t, b[k].from == CLAIM_CERTAIN ||
					  strcmp(vocab_scale_word(&s[i], b[k].from + 1),
						 b[k].word) == 0);
			EXPECT(t, b[k + 1].word != NULL ||
					  strcmp(vocab_scale_word(&s[i], CLAIM_CERTAIN),
						 b[k].word) == 0);
		}
	}
}

/* STIX 2.1 appendix A, as its tables give them in whole percent. */
static void the_bands_of_stix_are_those_of_its_tables(struct test *t)
{
	static const struct {
		const char *scale;
		int32_t first, last; /* percent */
		const char *word;
	} rows[] = {
		{"stix-dni", 0, 9, "Almost No Chance / Remote"},
		{"stix-dni", 10, 19, "Very Unlikely / Highly Improbable"},
		{"stix-dni", 20, 39, "Unlikely / Improbable"},
		{"stix-dni", 40, 59, "Roughly Even Chance / Roughly Even Odds"},
		{"stix-dni", 60, 79, "Likely / Probable"},
		{"stix-dni", 80, 89, "Very Likely / Highly Probable"},
		{"stix-dni", 90, 100, "Almost Certain / Nearly Certain"},
		{"stix-wep", 0, 0, "Impossible"},
		{"stix-wep", 1, 19, "Highly Unlikely/Almost Certainly Not"},
		{"stix-wep", 20, 39, "Unlikely/Probably Not"},
		{"stix-wep", 40, 59, "Even Chance"},
		{"stix-wep", 60, 79, "Likely/Probable"},
		{"stix-wep", 80, 99, "Highly likely/Almost Certain"},
		{"stix-wep", 100, 100, "Certain"},
		{"stix-low-med-high", 0, 0, "None"},
		{"stix-low-med-high", 1, 29, "Low"},
		{"stix-low-med-high", 30, 69, "Med"},
		{"stix-low-med-high", 70, 100, "High"},
		{"stix-ten", 0, 4, "0"},
		{"stix-ten", 5, 14, "1"},
		{"stix-ten", 45, 54, "5"},
		{"stix-ten", 85, 94, "9"},
		{"stix-ten", 95, 100, "10"},
		{"stix-admiralty", 0, 19, "5 - Improbable"},
		{"stix-admiralty", 20, 39, "4 - Doubtful"},
		{"stix-admiralty", 40, 59, "3 - Possibly True"},
		{"stix-admiralty", 60, 79, "2 - Probably True"},
		{"stix-admiralty", 80, 100, "1 - Confirmed by other sources"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct vocab_scale *s = scale(rows[i].scale);

		for (int32_t p = rows[i].first; p <= rows[i].last; p++)
			EXPECT(t, strcmp(vocab_scale_word(s, p * 10), rows[i].word) == 0);
		if (rows[i].first > 0)
			EXPECT(t, strcmp(vocab_scale_word(s, rows[i].first * 10 - 1),
					 rows[i].word) != 0);
		if (rows[i].last < 100)
			EXPECT(t, strcmp(vocab_scale_word(s, rows[i].last * 10 + 10),
					 rows[i].word) != 0);
	}
}

static void icd_203_here_is_the_one_that_claims_print(struct test *t)
{
	const struct vocab_scale *s = scale("icd203");

	for (int32_t p = 0; p <= CLAIM_CERTAIN; p++) {
		const char *word = vocab_scale_word(s, p);

		EXPECT(t, strncmp(claim_word((struct interval){p, p}), word, strlen(word)) == 0);
	}
}

/* Which of the seven words, by either scale. */
static size_t place(const struct vocab_scale *s, int32_t milli)
{
	size_t i = 0;

	while (s->bands[i + 1].word != NULL && milli >= s->bands[i + 1].from)
		i++;
	return i;
}

/* STIX calls a scale after the DNI, who made ICD 203, and gives it other bands: whoever reads a
 * number back from the word gets another number. */
static void one_name_two_scales(struct test *t)
{
	static const struct {
		int32_t milli;
		const char *icd, *dni;
	} rows[] = {
		{49, "almost no chance", "Almost No Chance / Remote"},
		{50, "very unlikely", "Almost No Chance / Remote"},
		{99, "very unlikely", "Almost No Chance / Remote"},
		{100, "very unlikely", "Very Unlikely / Highly Improbable"},
		{420, "unlikely", "Roughly Even Chance / Roughly Even Odds"},
		{449, "unlikely", "Roughly Even Chance / Roughly Even Odds"},
		{450, "roughly even", "Roughly Even Chance / Roughly Even Odds"},
		{550, "likely", "Roughly Even Chance / Roughly Even Odds"},
		{599, "likely", "Roughly Even Chance / Roughly Even Odds"},
		{600, "likely", "Likely / Probable"},
		{899, "very likely", "Very Likely / Highly Probable"},
		{900, "very likely", "Almost Certain / Nearly Certain"},
		{949, "very likely", "Almost Certain / Nearly Certain"},
		{950, "almost certain", "Almost Certain / Nearly Certain"},
	};
	const struct vocab_scale *icd = scale("icd203"), *dni = scale("stix-dni");
	unsigned differ = 0;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		EXPECT(t, strcmp(vocab_scale_word(icd, rows[i].milli), rows[i].icd) == 0);
		EXPECT(t, strcmp(vocab_scale_word(dni, rows[i].milli), rows[i].dni) == 0);
	}
	for (int32_t p = 0; p < CLAIM_CERTAIN; p++)
		differ += place(icd, p) != place(dni, p);
	EXPECT_UINT(t, differ, 50 + 50 + 50 + 50); /* 5-10, 40-45, 55-60, 90-95 percent */
}

TESTS(T(each_band_begins_where_it_says), T(the_bands_of_stix_are_those_of_its_tables),
      T(icd_203_here_is_the_one_that_claims_print), T(one_name_two_scales))
