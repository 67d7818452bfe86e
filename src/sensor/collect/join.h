/* SPDX-License-Identifier: Apache-2.0
 *
 * join.h - pieces of flows put together. Private to the module.
 *
 * A piece is what one record told: of one direction or both, of all of a flow's time or some. A
 * flow is over when it was told that both directions ended; when nothing came of it for as long as
 * its last piece lets expect; when a piece comes that can only be of another flow of the same ends;
 * or when there is no room.
 */
#ifndef DEW_SENSOR_COLLECT_JOIN_H
#define DEW_SENSOR_COLLECT_JOIN_H

#include "sensor/ipfix/ipfix.h"

/* Who told it: where it enters our network does not matter, nor which of its ports it uses. */
struct join_teller {
	struct addr exporter;
	uint32_t domain;
	uint16_t version;
	uint64_t lost, records; /* of the session, when the last piece came */
};

struct join_flow {
	struct ipfix_flow flow; /* side[0]: from who is taken for the client */
	struct join_teller teller;
	uint32_t pieces;
};

struct join;

struct join_sink {
	void *ctx;
	void (*over)(void *ctx, const struct join_flow *f);
};

MUST_USE struct join *join_new(uint32_t flows_max, uint64_t seed, struct join_sink sink,
			       struct arena *process);
void join_piece(struct join *j, const struct join_teller *by, const struct ipfix_flow *f,
		struct wall_ns now);
void join_expire(struct join *j, struct wall_ns now);
void join_finish(struct join *j); /* all, the oldest first */
uint64_t join_early(const struct join *j);

#endif
