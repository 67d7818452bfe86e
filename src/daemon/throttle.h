/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/throttle.h - orders to let less pass from and to somebody, for a while. Private to the
 * module. docs/decisions/0014-inline.md says why it is so.
 *
 * An order is kept by the kernel's packet filter and by nobody else: a chain with a limit, and an
 * element of a map that leads there and that the kernel forgets when its time is over, whether
 * anything of us is still running or not. What is exempt is looked at first.
 *
 *	table inet dewline           packets that this machine routes, takes, or sends   (-q)
 *	table netdev dewline         packets that a bridge sends out                     (copy-mode)
 *	  orders:   ip saddr @exempt4 return ...   ip saddr vmap @targets4 ...
 *	  targets4: 198.51.100.0/24 timeout 600s : jump c7
 *	  c7:       counter name s7   limit name l7   counter name d7   drop
 *
 * The pure part is here: orders as commands of nft(8), and what it lists as orders. Who may run
 * them is the guardian (guard_orders.c); who asks is the sensor, through a channel of messages of
 * one size, and the guardian believes none of it.
 */
#ifndef DEW_DAEMON_THROTTLE_H
#define DEW_DAEMON_THROTTLE_H

#include "base/addr.h"
#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"

struct config;

enum {
	THROTTLE_ORDERS_MAX = 64,
	THROTTLE_EXEMPT_MAX = 1024, /* networks */
	THROTTLE_DEVICES_MAX = 32,
	THROTTLE_TARGET_MAX = 52,     /* bytes of an address with its length, and a NUL */
	THROTTLE_BASIS_MAX = 100,     /* bytes with a NUL */
	THROTTLE_BURST_BYTES = 80000, /* at least: a packet that is not cut yet has up to 64 KiB */
	THROTTLE_BURST_MS = 20,	      /* of the rate, if that is more */
};

struct throttle_order {
	uint32_t id;		   /* from 1; asked for: 0 */
	uint32_t seconds;	   /* that it holds; listed: left */
	uint64_t bits_per_s;	   /* of IP packets, both directions together */
	uint64_t seen, seen_bytes; /* listed: packets that it was about */
	uint64_t dropped, dropped_bytes;
	char target[THROTTLE_TARGET_MAX]; /* "198.51.100.0/24" */
	char basis[THROTTLE_BASIS_MAX];	  /* why: printable ASCII without quotes */
};

enum throttle_act { THROTTLE_ADD, THROTTLE_REMOVE, THROTTLE_LIST };

/* The channel's messages, each whole in one packet. */
struct throttle_request {
	uint32_t act;		     /* enum throttle_act */
	struct throttle_order order; /* REMOVE: its id */
};

struct throttle_answer {
	uint32_t status; /* enum status */
	uint32_t count;
	char text[248];					   /* why not */
	struct throttle_order orders[THROTTLE_ORDERS_MAX]; /* LIST: all; ADD: the one */
};

struct throttle_exempt {
	struct addr_prefix network;
	struct slice class; /* "health" */
};

/* What the configuration says, and where packets pass. */
struct throttle_settings {
	bool bridge;
	struct slice devices[THROTTLE_DEVICES_MAX]; /* of a bridge */
	size_t device_count;
	struct throttle_exempt *exempt;
	size_t exempt_count;
	uint64_t least_bits_per_s; /* an order is no blockade */
	uint32_t most_seconds;
};

MUST_USE enum status daemon_throttle_settings(struct config *c, struct arena *a,
					      struct throttle_settings *out, struct fail *why);

/* Is the order well formed and within the settings? ST_INVALID, ST_LIMIT; ST_REFUSED: it is about
 * who is exempt. Its target is brought to the usual form. */
MUST_USE enum status daemon_throttle_check(const struct throttle_settings *s,
					   struct throttle_order *o, struct fail *why);

/* "500kbit", "2mbit", "1gbit", "64000": bits a second. */
MUST_USE bool daemon_throttle_rate(struct slice s, uint64_t *out);
/* "90", "90s", "10m", "2h", "1d": seconds. */
MUST_USE bool daemon_throttle_time(struct slice s, uint32_t *out);

/* Commands of nft(8), NUL-terminated. The table as it has to be, over what is there; then an
 * order's chain (a transaction of its own: a chain has to be there before a map can lead to it);
 * then its element. */
void daemon_throttle_table(const struct throttle_settings *s, struct buf *out);
void daemon_throttle_chain(const struct throttle_settings *s, const struct throttle_order *o,
			   struct buf *out);
void daemon_throttle_element(const struct throttle_settings *s, const struct throttle_order *o,
			     bool add, struct buf *out);
/* Takes away an order's chain, to which nothing leads any more. */
void daemon_throttle_forget(const struct throttle_settings *s, uint32_t id, struct buf *out);
void daemon_throttle_list(const struct throttle_settings *s, struct buf *out);

/* What that lists, as JSON: orders that hold, by id, and how many; *out_over: ids of chains to
 * which nothing leads any more. */
MUST_USE size_t daemon_throttle_read(struct slice json,
				     struct throttle_order out[THROTTLE_ORDERS_MAX],
				     uint32_t out_over[THROTTLE_ORDERS_MAX], size_t *over_count);

#endif
