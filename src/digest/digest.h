/* SPDX-License-Identifier: Apache-2.0
 *
 * digest/digest.h - "did this packet pass you?", answered without keeping packets.
 *
 * For one-packet attacks with a forged source there is no flow to follow. So a station remembers
 * of each packet what does not change on its way, hashed with a secret key, as nine bits in a Bloom
 * filter (A. C. Snoeren et al., "Hash-Based IP Traceback", SIGCOMM 2001; blocks of one cache line:
 * F. Putze et al., "Cache-, Hash- and Space-Efficient Bloom Filters", 2007). Who asks must have the
 * packet. Nobody can list what is in a filter, and without its key not even ask.
 *
 * Time is cut into epochs, each with a filter and a key of its own. An epoch ends when its filter
 * has a packet for each 15 bits, so that a wrong yes stays rarer than 1.3 in 1,000, or after 30 s.
 * Ten minutes after its first packet its key is overwritten: then the past cannot be searched by
 * anybody. Where there are not enough filters for ten minutes of traffic the oldest goes earlier,
 * and answers say from when on they can be given.
 *
 * Filters that fit into a processor's own cache (2^14 lines: 1 MiB) cost a packet the least; there
 * may be thousands of them.
 *
 * Owned by one thread. Pure: keys and times come from the caller. A wrong clock forgets too much,
 * never too little.
 */
#ifndef DEW_DIGEST_DIGEST_H
#define DEW_DIGEST_DIGEST_H

#include "base/arena.h"
#include "base/time.h"
#include "crypto/crypto.h"

enum {
	DIGEST_PREFIX_MAX = 56,
	DIGEST_LINE_BYTES = 64,
	DIGEST_BITS = 15,	   /* of filter for a packet */
	DIGEST_HASHES = 9,	   /* bits set for a packet, all in one line */
	DIGEST_EPOCH_S = 30,	   /* at most */
	DIGEST_REMEMBERED_S = 600, /* from an epoch's first packet to the end of its key */
	DIGEST_FILTERS_MIN = 3,
	DIGEST_FILTERS_MAX = 4096,
	DIGEST_LINES_LOG2_MAX = 22, /* 256 MiB */
};

/* What stays the same of an IPv4 or IPv6 packet between two places that see it: without type of
 * service, flow label, hop limit, checksum and options; with the first 12 bytes behind an IPv4
 * header or 20 behind one of IPv6. */
struct digest_prefix {
	uint8_t bytes[DIGEST_PREFIX_MAX];
	uint8_t len; /* 0: none */
};

/* `packet` begins with its IP header. False for what is no packet, or so easily guessed (less than
 * some 40 bits that only who has it knows: ICMP, later fragments, UDP of fewer than four bytes)
 * that a yes would tell what somebody did: it is neither remembered nor answered. */
bool digest_prefix_of(struct slice packet, struct digest_prefix *out);

struct digest_limits {
	uint32_t filters; /* FILTERS_MIN to _MAX; one is always being emptied for what comes next */
	uint8_t lines_log2; /* of a filter: 2^n lines of 64 bytes; at most LINES_LOG2_MAX */
	void *key_ctx;
	void (*key)(void *ctx, uint8_t key[CRYPTO_SIP_BYTES]); /* fresh and random, at each call */
};

struct digest_store;

/* In `a`, which must be for it alone and live as long: filters * 2^lines_log2 * 64 bytes, and a
 * little. ST_INVALID: a limit is out of range, ST_NOMEM. */
MUST_USE enum status digest_store_new(const struct digest_limits *limits, struct arena *a,
				      struct digest_store **out, struct fail *why);
void digest_store_free(struct digest_store *s); /* overwrites all keys; the arena is the caller's */

/* A packet passed. Time that runs backwards stands still. */
void digest_store_add(struct digest_store *s, struct wall_ns at, const struct digest_prefix *p);

/* Overwrites the keys that are due: to be called at least each second while no packets come. */
void digest_store_expire(struct digest_store *s, struct wall_ns now);

struct digest_epoch {
	struct wall_ns first, last; /* packet */
	uint64_t packets;
	uint32_t false_ppb; /* that this epoch says yes to a packet that it did not see: 10^-9, of
			     * the bits that are set, not of those expected */
};

struct digest_answer {
	size_t asked;	    /* epochs that reach into [from, to] */
	size_t yes;	    /* of them */
	bool whole;	    /* all that passed from `from` on is remembered: else a no means less */
	uint32_t false_ppb; /* that any of those asked is wrong: the sum, at most 10^9 */
};

/* Did p pass between from and to? out: the first `most` epochs that say yes, oldest first. */
struct digest_answer digest_store_ask(struct digest_store *s, const struct digest_prefix *p,
				      struct wall_ns from, struct wall_ns to,
				      struct digest_epoch *out, size_t most);

#endif
