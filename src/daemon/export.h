/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/export.h - flows told to collectors of IPFIX, as `flow-export:` of the configuration asks.
 * Private to the module. docs/formats/flow-export.md has the keys and what goes over the wire.
 *
 * A worker's meter puts flow records into a ring of its own and never waits (live: a full ring
 * loses the record and counts it); one thread takes them out, makes messages (sensor/ipfix) and
 * sends them to every collector. A collector that does not take them loses them, which is counted,
 * too, and said to it in options data once it listens again.
 */
#ifndef DEW_DAEMON_EXPORT_H
#define DEW_DAEMON_EXPORT_H

#include "base/arena.h"
#include "base/status.h"
#include "daemon/daemon.h"
#include "sensor/config/config.h"
#include "sensor/ipfix/ipfix.h"
#include "sensor/meter/meter.h"

enum {
	EXPORT_RING_FLOWS = 32768,    /* of one worker; a power of two */
	EXPORT_QUEUE_BYTES = 1 << 20, /* that a collector over TCP may be behind */
	EXPORT_PATIENCE_MS = 5000,    /* how long a capture's flows wait for a collector over TCP */
};

struct export;

struct export_options {
	struct config *config; /* asked for flow-export; NULL: nothing is exported */
	size_t workers;
	/* Workers wait for room: who reads a capture is in no hurry. */
	bool patient;
	/* Packets that were not looked at, so far; any thread. NULL: none. */
	uint64_t (*ignored)(void *ctx);
	void *ctx;
};

/* Opens sockets; *out is NULL if no collector is named. Close also after a failure. */
MUST_USE enum status daemon_export_open(const struct export_options *o, struct arena *a,
					struct export **out, struct fail *why);
MUST_USE enum status daemon_export_start(struct export *e, struct fail *why);
/* For pipeline_options.meter of one worker; NULL if e is. */
const struct meter_options *daemon_export_meter(struct export *e, size_t worker);
/* By a worker, between batches. NULL is fine. */
void daemon_export_poke(struct export *e);
/* Sends what is there and ends the thread. No worker may tell any more. NULL is fine. */
void daemon_export_stop(struct export *e);
void daemon_export_close(struct export *e); /* NULL is fine */

/* Of all rings: as much memory as they may come to use. e NULL: 0. */
uint64_t daemon_export_bytes(const struct export *e);

/* Any thread; e NULL gives zeros. */
void daemon_export_counters(const struct export *e, struct daemon_export_counters *out);

/* ---- export_wire.c: a way to one collector; the exporter's thread ---- */

struct export_wire;

struct export_wire_options {
	struct slice address; /* a number or a name */
	uint16_t port;
	bool tcp, patient;
};

struct export_wire_sink {
	void *ctx;
	void (*lost)(void *ctx, const struct ipfix_load *load); /* was queued, and is not sent */
};

MUST_USE enum status daemon_export_wire_open(const struct export_wire_options *o,
					     struct export_wire_sink sink, struct arena *a,
					     struct export_wire **out, struct fail *why);
/* Dials again if it is time. True: a transport session has begun since the last call. */
bool daemon_export_wire_fresh(struct export_wire *w);
/* False: not sent, and not going to be. */
bool daemon_export_wire_put(struct export_wire *w, struct slice message,
			    const struct ipfix_load *load);
void daemon_export_wire_push(struct export_wire *w);  /* sends what the collector takes now */
void daemon_export_wire_drain(struct export_wire *w); /* sends all, or what is left is lost */
bool daemon_export_wire_connected(const struct export_wire *w);
uint64_t daemon_export_wire_refused(const struct export_wire *w); /* UDP: nobody listened */
uint64_t daemon_export_wire_connects(const struct export_wire *w);
void daemon_export_wire_close(struct export_wire *w); /* NULL is fine */

#endif
