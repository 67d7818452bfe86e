/* SPDX-License-Identifier: Apache-2.0
 *
 * Between literals.c, which makes sets of literals, and what looks for them: literals_scan.c, and
 * literals_avx2.c or literals_plain.c.
 */
#ifndef DEW_SENSOR_DETECT_LITERALS_PRIV_H
#define DEW_SENSOR_DETECT_LITERALS_PRIV_H

#include "sensor/detect/literals.h"

#define LITERAL_HASH UINT32_C(0x9E3779B1) /* 2^32 by the golden ratio: Knuth, TAOCP 3, 6.4 */
#define LITERAL_SALT UINT32_C(0x85EBCA6B) /* odd: place n has n times that */

enum {
	LITERAL_PLACES_MAX = 32, /* a multiple of 8 */
	LITERAL_FEW_MAX = 6,
	LITERAL_RUN_MIN = 4, /* bytes of a literal that is looked for as a run */
};

enum literal_kind {
	LITERAL_QUARTER,
	LITERAL_HALF,
	LITERAL_EACH_3,
	LITERAL_EACH_2,
	LITERAL_EACH_1,
	LITERAL_KINDS
};

struct literal_window {
	uint32_t value;
	/* its number, and in the lowest 8 bits where in it the window is, or which place it is */
	uint32_t literal_at;
};

struct literal_index { /* from a window's hash to the windows that have it */
	uint32_t *filter;
	uint32_t *begins; /* by bucket, and one more: its first window */
	struct literal_window *windows;
	uint32_t count;
	uint8_t filter_shift; /* a window's bit is that number, from the left, of word hash >> this
			       */
	uint8_t bucket_shift;
};

struct literal_table {
	struct literal_index index;
	uint32_t multiplier; /* HASH, shifted so that bytes behind the window do not count */
	uint32_t mask;	     /* of the window's bytes */
	uint32_t reach;	     /* where the last literal ends, at most */
	uint8_t kind, width, stride;
	bool no_runs; /* none of its literals is one byte repeated */
};

struct literal_places {
	struct literal_index index;
	uint32_t count, reach; /* reach: where the last window ends */
	uint32_t at[LITERAL_PLACES_MAX], multiplier[LITERAL_PLACES_MAX];
	uint32_t salt[LITERAL_PLACES_MAX], mask[LITERAL_PLACES_MAX];
};

/* Two bytes of a literal that are rare, as far as that can be told. */
struct literal_few {
	uint32_t literal;
	uint8_t at[2], value[2];
	uint8_t fold[2]; /* 0x20: in lower case */
};

/* A literal that is one byte repeated. */
struct literal_run {
	uint32_t literal;
	uint8_t value;
};

struct literal_look {
	const struct detect_literal *all;
	struct slice bytes;
	size_t base;
	struct detect_seen *seen;
	detect_literal_fn *found;
	void *ctx;
};

/* What looks. One set for every processor; the others give the same. */
struct literal_lookers {
	/* The table's windows that end within n bytes. */
	void (*table)(const struct literal_look *k, const struct literal_table *t, size_t n);
	/* Starts from .. n - its length. */
	void (*few)(const struct literal_look *k, const struct literal_few *f, size_t from,
		    size_t n);
	void (*places)(const struct literal_look *k, const struct literal_places *p);
	/* Where three equal bytes begin, from `from` on; past the end: nowhere. */
	size_t (*run)(struct slice bytes, size_t from);
};

struct detect_literals {
	const struct detect_literal *all;
	struct literal_places *places; /* NULL: none */
	struct literal_table *tables;
	struct literal_few *few;
	struct literal_run *runs;
	size_t run_count;
	uint32_t table_count, few_count;
	struct literal_lookers look;
};

/* Upper case, and @ [ \ ] ^ _, to what is 32 above. */
static inline uint32_t literal_fold(uint32_t v)
{
	return v | (v >> 1 & UINT32_C(0x20202020));
}

/* Little-endian, whatever the machine: compilers make one load of it. */
static inline uint32_t literal_load(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The first of fewer than four bytes. */
static inline uint32_t literal_load_few(const uint8_t *p, size_t n)
{
	uint32_t v = 0;

	for (size_t i = 0; i < n && i < 4; i++)
		v |= (uint32_t)p[i] << 8 * i;
	return v;
}

static inline bool literal_may_be(const struct literal_index *x, uint32_t hash)
{
	return x->filter[hash >> x->filter_shift] << (hash >> (x->filter_shift - 5) & 31) >> 31 !=
	       0;
}

static inline uint32_t literal_bucket(const struct literal_index *x, uint32_t hash)
{
	return (uint32_t)((uint64_t)hash >> x->bucket_shift);
}

/* The filter has let a window at `at` pass: what has such a window is compared. */
void detect_literals_windows(const struct literal_look *k, const struct literal_index *x,
			     uint32_t hash, uint32_t value, size_t at);
/* The same at a place. */
void detect_literals_place(const struct literal_look *k, const struct literal_places *p,
			   uint32_t place, uint32_t folded);
void detect_literals_compare(const struct literal_look *k, uint32_t literal, size_t at);

/* For any processor; and the best ones for this. */
extern const struct literal_lookers detect_literals_plain;
struct literal_lookers detect_literals_here(void);

#endif
