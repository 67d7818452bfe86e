/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/vocab/vocab.h - closed lists of words, what stands for them in other people's lists, and
 * the scales on which numbers are put into words.
 *
 * A class ("actor-type") has values of ours. A list ("threat-actor-type-ov") is a closed list of a
 * standard, whole as it stands in its source. A map says for one class and one list which value of
 * ours meets which code of theirs, and how well. What no row of a map names has no counterpart, and
 * is said so, in both directions. All of it is constant; any thread.
 *
 * Scales: numbers are stored, words only printed. So there is a function from a number to a word,
 * and none back: what one scale calls "unlikely" another calls "roughly even" (STIX 2.1 appendix A
 * gives the name of ICD 203 to other bands than ICD 203 has).
 */
#ifndef DEW_ASSESS_VOCAB_H
#define DEW_ASSESS_VOCAB_H

#include "assess/claim/claim.h"
#include "base/slice.h"

enum vocab_fit { /* of theirs to ours */
		 VOCAB_SAME,
		 VOCAB_WIDER,	 /* theirs holds more than ours */
		 VOCAB_NARROWER, /* theirs holds less */
		 VOCAB_OVERLAPS, /* each holds something that the other does not */
};

struct vocab_value {
	const char *name, *means; /* {0} ends a class */
};

struct vocab_class {
	const char *name, *means;
	const struct vocab_value *values;
};

struct vocab_list { /* of a standard */
	const char *scheme, *name, *source;
	const char *const *codes; /* all of them; NULL ends */
};

struct vocab_row {
	const char *ours, *theirs; /* {0} ends a map */
	enum vocab_fit fit;
};

struct vocab_map { /* one class, one list */
	const char *class;
	const struct vocab_list *list;
	const struct vocab_row *rows;
};

const struct vocab_class *vocab_classes(size_t *out_count);
const struct vocab_list *const *vocab_lists(size_t *out_count);
const struct vocab_map *vocab_maps(size_t *out_count);
const char *vocab_fit_name(enum vocab_fit f); /* "theirs is wider" */

/* ---- scales ---------------------------------------------------------------------------------- */

struct vocab_band {
	int32_t from; /* thousandths; up to the next band's, the last one up to 1000 with it */
	const char *word;
};

struct vocab_scale {
	const char *name, *source;
	const struct vocab_band *bands; /* ascending; {0, NULL} ends; the first is from 0 */
};

const struct vocab_scale *vocab_scales(size_t *out_count);
/* The word for a number of 0 to 1000. For people: nothing reads it back. */
const char *vocab_scale_word(const struct vocab_scale *s, int32_t milli);

#endif
