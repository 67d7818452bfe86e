/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/anomaly/sketch_priv.h - counting much in little memory.
 *
 * Every sketch takes hashes of 64 bits, made with a key (anomaly_hash(), SipHash): who does not
 * know the key cannot choose what collides, so the errors below hold for hostile input, too. All
 * work is bounded and no number is random: the same input gives the same counts.
 *
 *   anomaly_distinct   how many different things were added. HyperLogLog (Flajolet, Fusy, Gandouet,
 *                      Meunier 2007) of m = 128 registers with linear counting (Whang,
 * Vander-Zanden, Taylor 1990) below 2.5 m. Standard error 1.04 / sqrt(m) = 9.2 % above, less below
 * (6.8 % at 64). No large-range correction: hashes have 64 bits (Heule, Nunkesser, Hall 2013,
 * section 4). anomaly_counts     how often each thing was added. Count-Min (Cormode, Muthukrishnan
 * 2005) of 4 rows with conservative update (Estan, Varghese 2002). Never too small; too large by
 * more than e N / width with probability e^-4, N: all that was added. anomaly_top        the things
 * that were added most. Space-Saving (Metwally, Agrawal, El Abbadi 2005) of k slots: what was more
 * than N / k of all N is in it, its count too large by at most its `error`, and never too small.
 */
#ifndef DEW_SENSOR_ANOMALY_SKETCH_PRIV_H
#define DEW_SENSOR_ANOMALY_SKETCH_PRIV_H

#include "base/arena.h"

enum {
	ANOMALY_REGISTERS = 128,
	ANOMALY_COUNT_ROWS = 4,
};

struct anomaly_distinct {
	uint64_t sum;  /* of 2^(57 - rank) over registers that are not 0 */
	uint16_t used; /* registers that are not 0 */
	uint8_t rank[ANOMALY_REGISTERS];
};

/* True if the estimate may have changed. */
bool anomaly_distinct_add(struct anomaly_distinct *d, uint64_t hash);
uint64_t anomaly_distinct_count(const struct anomaly_distinct *d);
/* a becomes the union of both. */
void anomaly_distinct_merge(struct anomaly_distinct *a, const struct anomaly_distinct *b);

/* Counts of the present window and of the one before, so that what they say is of one to two
 * windows: cells are zeroed in turn, never all that was known. */
struct anomaly_counts {
	uint16_t *cells[2]; /* ANOMALY_COUNT_ROWS x width; saturating */
	uint32_t width;	    /* power of two */
	unsigned now;	    /* cells[now] is the present window's */
	int64_t epoch;	    /* its number */
	uint64_t added[2];  /* in each */
};

/* False: no memory. width: power of two. */
MUST_USE bool anomaly_counts_init(struct anomaly_counts *c, struct arena *a, uint32_t width);
size_t anomaly_counts_bytes(uint32_t width);
/* The window of number `epoch` begins, unless it is not later than the present one. Constant work:
 * the bytes of one window's cells. */
void anomaly_counts_turn(struct anomaly_counts *c, int64_t epoch);
void anomaly_counts_add(struct anomaly_counts *c, uint64_t hash);
uint64_t anomaly_counts_get(const struct anomaly_counts *c, uint64_t hash);

struct anomaly_top_slot {
	uint64_t key, count, error;
	uint32_t place; /* in the heap */
	uint32_t chain; /* of the same bucket: slot + 1; 0: none */
};

struct anomaly_top {
	struct anomaly_top_slot *slots;
	uint32_t *heap; /* slots by count, the least first */
	uint32_t *buckets;
	uint32_t room, used, bucket_count;
};

/* False: no memory. room: 1 or more. */
MUST_USE bool anomaly_top_init(struct anomaly_top *t, struct arena *a, uint32_t room);
/* Adds n to key's count; the slot it has, which is another's until now if *out_fresh. */
uint32_t anomaly_top_add(struct anomaly_top *t, uint64_t key, uint64_t n, bool *out_fresh);
/* The slot of key, or UINT32_MAX. */
uint32_t anomaly_top_find(const struct anomaly_top *t, uint64_t key);
void anomaly_top_halve(struct anomaly_top *t); /* every count and error; order stays */

/* A count of which half is gone after half_ns: exact there, and at most 6.1 % too large between
 * (a chord instead of the curve). Times that go back change nothing. */
struct anomaly_decaying {
	uint64_t value;
	int64_t at_ns;
};

uint64_t anomaly_decaying_get(const struct anomaly_decaying *d, int64_t at_ns, int64_t half_ns);
void anomaly_decaying_add(struct anomaly_decaying *d, uint64_t n, int64_t at_ns, int64_t half_ns);

#endif
