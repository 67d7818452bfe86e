/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/guard_orders.h - the guardian's hand on the kernel's packet filter: orders to throttle,
 * and a bridge that the kernel makes when nobody else does. Private to the module, and to the
 * guardian: it is the one who keeps the power.
 */
#ifndef DEW_DAEMON_GUARD_ORDERS_H
#define DEW_DAEMON_GUARD_ORDERS_H

#include "daemon/live.h"
#include "daemon/throttle.h"

struct guard_orders;

enum {
	GUARD_ALIVE_MS = 90,   /* after which the kernel takes a bridge for abandoned */
	GUARD_REFRESH_MS = 30, /* between two signs of life */
};

/* A kernel without the packet filter: said, and orders are refused. */
MUST_USE enum status daemon_orders_new(struct live *l, struct guard_orders **out, struct fail *why);

/* Of a bridge, each tick: "somebody is here". */
void daemon_orders_alive(struct guard_orders *g);

/* The sensor's request is done, and its answer written to out. Orders that are over are forgotten.
 */
void daemon_orders_answer(struct guard_orders *g, struct throttle_request *r,
			  struct throttle_answer *out);
void daemon_orders_close(struct guard_orders *g); /* what holds stays; NULL is fine */

#endif
