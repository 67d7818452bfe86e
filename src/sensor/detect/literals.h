/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/detect/literals.h - which of many byte strings are in a run of bytes, and where.
 *
 * Made once from a list of literals, then immutable and shared by all threads. A scan reads the
 * bytes at every fourth, second or single place, as the literals' lengths allow, hashes one to four
 * of them, and asks a filter of bits; what passes is compared with the few literals that have these
 * bytes. So the work is a constant a byte, whatever the number of literals, plus what is compared.
 * The idea is that of Wu and Manber (A fast algorithm for multi-pattern searching, TR-94-17, 1994),
 * with more than one window a literal in place of shifts.
 */
#ifndef DEW_SENSOR_DETECT_LITERALS_H
#define DEW_SENSOR_DETECT_LITERALS_H

#include "base/arena.h"
#include "base/slice.h"

enum {
	LITERAL_BYTES_MAX = 32,
	LITERALS_MAX = 1 << 24,
};

struct detect_literal {
	struct slice bytes; /* 1 to LITERAL_BYTES_MAX; in lower case if nocase; outlives the set */
	bool nocase;	    /* ASCII letters match in either case */
	bool once;	    /* where it is does not matter: told once a scan */
	/* Where it may end: min_to <= end <= max_to; UINT32_MAX: anywhere from min_to on. */
	uint32_t min_to, max_to;
};

struct detect_literals;

/* Owned by a. `all` is borrowed as long as the set lives; a's memory is used for the set alone,
 * that of `scratch` only until the return. NULL: no memory. */
MUST_USE struct detect_literals *detect_literals_new(const struct detect_literal *all,
						     uint32_t count, struct arena *a,
						     struct arena *scratch);

/* What a scan writes to, beside its caller's: one thread's, for all sets of up to so many literals.
 */
struct detect_seen {
	uint32_t *scan; /* by literal: the last scan that told it */
	uint32_t now;
};

/* In a. False: no memory. */
MUST_USE bool detect_seen_init(struct detect_seen *s, uint32_t literals, struct arena *a);

/* `to`: where it ends. */
typedef void detect_literal_fn(void *ctx, uint32_t literal, uint64_t to);

/* Tells each place of each literal, in no order. `bytes` begin at offset `base` of what ends are
 * counted in. */
void detect_literals_scan(const struct detect_literals *l, struct slice bytes, size_t base,
			  struct detect_seen *seen, detect_literal_fn *found, void *ctx);

/* How many literals are compared, at most, at one place: for tests and for people. */
uint32_t detect_literals_crowd(const struct detect_literals *l);

#endif
