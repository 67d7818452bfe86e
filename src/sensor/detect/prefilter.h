/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/detect/prefilter.h - from a packet, a stream or a buffer to the rules that may match.
 *
 * Each rule stands in one group, found by layer, direction and port, by application, or by a
 * transaction's buffer (groups.c); a group has its rules' fast patterns as a set of literals
 * (literals.h).
 * Rules that ask for addresses alone are found by these (addresses.c). Built once, then shared by
 * all workers; what a look writes to is the worker's own: candidates, and what a scan has seen.
 */
#ifndef DEW_SENSOR_DETECT_PREFILTER_H
#define DEW_SENSOR_DETECT_PREFILTER_H

#include "base/addr.h"
#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"
#include "sensor/app/app.h"
#include "sensor/detect/literals.h"

struct detect_buffer;
struct detect_rules;
struct detect_view;

enum {
	DETECT_PROTOCOLS_MAX = APP_PROTOCOLS_MAX,
	/* bytes of a fast pattern: a necessary condition needs no more */
	DETECT_PATTERN_MAX = LITERAL_BYTES_MAX,
};

enum detect_layer { LAYER_TCP, LAYER_UDP, LAYER_ICMP, LAYER_OTHER, LAYER_COUNT };

enum {
	DETECT_REACH = 64, /* patterns that end within so many bytes are near */
	DETECT_SHORT = 4,  /* patterns of fewer bytes, if not near, cost a look at each byte */
};

/* Patterns, and the rules that have none. */
struct detect_group {
	struct detect_literals *literals; /* NULL: no patterns */
	struct detect_literal *bytes;	  /* by pattern */
	uint32_t pattern_count;
	struct detect_pattern {
		uint32_t first, count; /* its entries */
	} * patterns;
	struct detect_entry {
		uint32_t rule;
		uint32_t min_to,
			max_to; /* where the pattern's end may be; max UINT32_MAX: anywhere */
	} * entries;
	uint32_t *plain; /* rules without a pattern, ascending */
	uint32_t plain_count;
	/* of packets and streams: rules without a pattern worth looking for that need some bytes */
	uint32_t *loaded;
	uint32_t loaded_count;
};

/* Which group a port belongs to: 0 = none. */
struct detect_ports {
	uint16_t *class;	      /* 65536, or NULL: no rule is bound to such ports */
	struct detect_group **groups; /* by class - 1 */
	uint32_t group_count;
};

struct detect_port_groups {
	struct detect_group *any;
	struct detect_group *by_app[DETECT_PROTOCOLS_MAX]; /* rules of one application alone */
	struct detect_ports by_sport, by_dport;
};

/* The buffers of a protocol's transactions in a direction that have patterns. */
struct detect_engine {
	const struct detect_buffer *buffer;
	const struct app_field *field;
	struct detect_group *group;
};

struct detect_tx_groups {
	struct detect_engine *engines;
	uint32_t engine_count;
	struct detect_group *plain; /* rules without a pattern */
	bool any;
};

enum { DETECT_ENGINES_MAX = 128 /* of one protocol and direction: bits of detect_tx.ran */ };

struct detect_addresses {
	struct detect_address_item {
		struct addr lo, hi;
		uint32_t rule;
	} * items;
	struct addr *max_hi;
	size_t count, room;
};

struct detect_address_groups {
	struct detect_addresses by_src, by_dst;
	uint32_t *always;
	size_t always_count, always_room;
};

struct detect_candidates;
MUST_USE bool detect_addresses_build(struct detect_address_groups *g, const struct detect_rules *r);
/* Adds the rules whose lists may hold these addresses. */
void detect_addresses_ask(const struct detect_address_groups *g, const struct addr *src,
			  const struct addr *dst, struct detect_candidates *out);

/* Rules on frames of one protocol in one direction, ascending. */
struct detect_frame_rules {
	uint32_t *items;
	size_t count, room;
};

struct detect_prefilter {
	/* [1]: rules of the stream; only TCP has them */
	struct detect_port_groups packet[LAYER_COUNT][2][2]; /* layer, stream, direction */
	struct detect_tx_groups tx[DETECT_PROTOCOLS_MAX][2];
	struct detect_frame_rules frame[DETECT_PROTOCOLS_MAX][2];
	struct detect_address_groups address; /* rules about addresses only */
	struct detect_group **groups;	      /* all of them */
	size_t group_count, group_room;
	uint32_t patterns_most; /* of one group */
};

MUST_USE enum status detect_prefilter_build(struct detect_rules *r, struct fail *why);

/* Rule numbers, each once, until reset. */
struct detect_candidates {
	uint32_t *items;
	size_t count;
	uint32_t *mark; /* by rule: the generation in which it was added */
	uint32_t generation;
};

MUST_USE bool detect_candidates_init(struct detect_candidates *c, size_t rules, struct arena *a);
void detect_candidates_reset(struct detect_candidates *c);
void detect_candidates_add(struct detect_candidates *c, uint32_t rule);
void detect_candidates_sort(struct detect_candidates *c);
/* Of two rule numbers, for qsort(). */
int detect_rule_number_compare(const void *pa, const void *pb);

/* Adds the rules of packets (stream: of streams) that v's bytes, ports and application may concern.
 */
void detect_prefilter_payload(const struct detect_prefilter *p, bool stream, uint8_t proto,
			      const struct detect_view *v, struct detect_seen *seen,
			      struct detect_candidates *out);
/* Adds the rules of g whose pattern is in bytes; base: offset of bytes in what they are part of. */
void detect_group_scan(const struct detect_group *g, struct slice bytes, size_t base,
		       struct detect_seen *seen, struct detect_candidates *out);

/* Chooses each rule's fast pattern. */
MUST_USE enum status detect_fast_choose(struct detect_rules *r, struct fail *why);

#endif
