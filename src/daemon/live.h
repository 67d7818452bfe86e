/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/live.h - a sensor on interfaces: its workers, and who looks after them. Private to the
 * module. docs/decisions/0013-live.md says why it is so.
 *
 *	live.c		opens all, gives powers up, starts the workers; answers signals; ends all
 *	live_config.c	the af-packet section
 *	live_inline.c	the nfq section
 *	guard.c		in the line: the other process, which lets pass while this one does not
 *	live_worker.c	one worker: source -> a pipeline a tenant -> lines
 *	live_tenant.c	the station and its tenants: rules, lines and lanes of each
 *	reload.c	other rules: compiled aside, exchanged by every worker between two batches
 *	control.c	the socket on which `dewline status` and `dewline reload` ask
 *	status.c	what is answered; prometheus.c the same for Prometheus
 *	metrics.c	the port at which Prometheus asks
 *	sealing*.c	the station's own log, written by another process; what is not seen
 *
 * Threads: the main one (all but live_worker.c's loop and what it calls), the workers, the writer
 * (lines.h), and for as long as rules compile, one for that. A worker and the main thread share
 * what is atomic in struct live_worker, nothing else.
 */
#ifndef DEW_DAEMON_LIVE_H
#define DEW_DAEMON_LIVE_H

#include <pthread.h>
#include <stdatomic.h>

#include "daemon/daemon_priv.h"
#include "daemon/export.h"
#include "daemon/lines.h"
#include "daemon/outputs.h"
#include "daemon/store.h"
#include "daemon/store_queue.h"
#include "daemon/tenants.h"
#include "sensor/pipeline/stats.h"
#include "sensor/source/source.h"

struct control;
struct metrics;

enum {
	LIVE_WAIT_MS = 100, /* after which a worker without packets looks up */
	LIVE_INLINE_WAIT_MS = 10,
	LIVE_LATE_MS = 20, /* in the line: a packet this old passes without being looked at */
};

/* What a worker publishes now and then: named in status.c. */
enum live_counter {
	LIVE_PACKETS,
	LIVE_BYTES,
	LIVE_KERNEL_DROPS,
	LIVE_KERNEL_FREEZES,
	LIVE_CUT,
	LIVE_OUTAGES,
	LIVE_GAPS,
	LIVE_GAP_PACKETS,
	LIVE_GAP_NS,
	LIVE_UNDECODED,
	LIVE_FLOWS,
	LIVE_FLOWS_NOW,
	LIVE_FLOWS_HURRIED,
	LIVE_FLOWS_EVICTED,
	LIVE_FLOWS_REFUSED,
	LIVE_RECORDS,
	LIVE_ALERTS,
	LIVE_ANOMALIES,
	LIVE_NO_MEMORY,
	LIVE_SUPPRESSED,
	LIVE_CANDIDATES,
	LIVE_EVALUATED,
	LIVE_STOPPED,
	LIVE_PASSED,
	LIVE_LATE,
	LIVE_UNSENT,
	LIVE_REPLIES,
	LIVE_MEMORY,
	LIVE_MEMORY_STREAMS,
	LIVE_MEMORY_FLOWS,
	LIVE_MEMORY_APP,
	LIVE_MEMORY_DETECT,
	LIVE_MEMORY_FRAGMENTS,
	LIVE_MEMORY_MOST,
	LIVE_MEMORY_FIXED,
	LIVE_COUNTERS
};

enum live_state { LIVE_STARTING, LIVE_RUNNING, LIVE_ENDED };

struct guard;
struct guard_line;
struct live;
struct sealing;
struct sealing_watch;

/* What a worker is asked for rules' costs into: filled by it, read by who asked. */
struct live_costs {
	struct detect_cost *rows;
	size_t count, room;
};

struct live_tenant;
struct live_worker;

/* What a worker does for one tenant. */
struct live_lane {
	struct live_tenant *tenant;
	struct live_worker *worker;
	struct pipeline *pipeline;
	struct daemon_packets *packets; /* where its frames are kept; NULL: they are not */
	size_t packets_lane;
	uint32_t file_ids;
	bool sums_trusted;
	_Atomic(struct pipeline_kit *) kit_in, kit_out;
	_Atomic(struct live_costs *) costs_in, costs_out;
	_Atomic uint64_t counters[LIVE_COUNTERS]; /* of the pipeline; the source's stay 0 */
	pthread_mutex_t stats_lock;
	struct pipeline_stats stats; /* under it: as of a moment ago */
};

struct live_worker {
	struct live *live;
	size_t index;
	struct slice interface;
	pthread_t thread;
	bool started, said; /* said: why it ended */
	struct source *source;
	struct live_lane *lanes; /* of those tenants whose packets may come here */
	size_t lane_count;
	struct live_lane *by_place[1 + TENANTS_MAX]; /* the same; NULL: none */
	struct slice sides[2];			     /* of a bridge: its interfaces */
	struct guard_line *guarded;		     /* shared with the guardian; NULL: we listen */
	struct pipeline_gap late;		     /* from.ns 0: there is none */
	uint64_t replies;			     /* sent, by rules' reject */
	uint64_t late_packets;			     /* of all such gaps */
	uint64_t late_passed;	/* source.counters.passed, as far as it is in `late` */
	uint64_t late_seen;	/* the same, as far as pipelines know of it */
	struct mono_ns counted; /* when counters were published last */
	struct fail why;	/* why it ended, if not because it was asked to: once ENDED */
	_Atomic uint64_t counters[LIVE_COUNTERS]; /* with those of its lanes */
	_Atomic uint64_t looked;		  /* times that it published: it moves */
	pthread_mutex_t stats_lock;
	struct histogram verdict_ns; /* under it, as of a moment ago: source.h */
	_Atomic int state;	     /* enum live_state */
};

enum live_kind { LIVE_TAP, LIVE_QUEUE, LIVE_BRIDGE };

/* One interface of the af-packet section, or of the command line; or queues of the packet filter.
 */
struct live_interface {
	enum live_kind kind;
	struct source_queue_options queue; /* QUEUE: the first; worker i has number + i */
	struct live_interface *peer;	   /* BRIDGE: the other one, which has no workers */
	struct slice copy_to;		   /* its name */
	bool copies_all;		   /* BRIDGE: what rules stop as well */
	size_t ring_packets;		   /* BRIDGE; 0: it was not said */
	struct slice name;
	unsigned threads;
	struct source_tap_options tap;
	struct source_group group;
};

enum { LIVE_INTERFACES_MAX = 16 };

/* Rules, and all that lives as long as they. */
struct live_rules {
	struct arena_pool pool;
	struct arena arena;
	struct config *config; /* as it was read for them */
	struct daemon_rules rules;
	struct live_rules *next; /* in live_tenant.kept */
};

/* The station (place 0), or a tenant. */
struct live_tenant {
	struct daemon_tenant *tenant;
	struct live *live;
	struct live_lane **lanes; /* of all workers */
	size_t lane_count;
	struct detect_shared *shared; /* what rules remember about hosts; NULL: one lane */
	pthread_mutex_t shared_locks[DETECT_SHARED_PARTS];
	struct lines *lines;	   /* of tenant->says */
	struct export *export;	   /* of tenant->says; NULL: flows are not exported */
	struct store_queue *store; /* of tenant->says; NULL: files are not stored */
	struct arena_pool handles_pool;
	struct arena handles;	  /* of its own file-store's thread */
	size_t ring;		  /* the first of its rings in both: one a lane */
	struct live_rules *rules; /* those in use */
	struct live_rules *kept;  /* that a pipeline may still hold, and no worker uses */
	uint64_t reloads, reloads_failed;
	struct pipeline_stats stats; /* of all lanes, when it is written */
	struct wall_ns stats_due;    /* of stats.log */
	int64_t stats_ns;	     /* between two of them */
};

struct live {
	const struct daemon_live_options *o;
	struct arena *arena;
	struct daemon_tenants whose;
	struct live_tenant *tenants; /* as whose.list: by place */
	size_t tenant_count;
	struct live_interface interfaces[LIVE_INTERFACES_MAX];
	size_t interface_count;
	struct live_worker *workers;
	size_t worker_count;
	bool in_line;	       /* all of them are; else all of them only listen */
	struct guard *guard;   /* NULL: there is none */
	struct source_raw raw; /* for what rejected packets are answered with */
	struct reload *reload;
	struct control *control;
	struct metrics *metrics;     /* metrics.h; NULL: nobody may scrape */
	struct sealing *sealing;     /* sealing.h; NULL: nothing is sealed. Lane i is worker i's */
	struct sealing_watch *watch; /* NULL likewise */
	_Atomic bool profile; /* what rules cost is counted, from the next exchange of rules on */
	struct mono_ns began;
	int signals; /* a signalfd; -1: none */
	int statm;   /* /proc/self/statm, opened while it could be; -1: none */
	int tell;    /* an eventfd by which workers wake the main thread; -1: none */
	_Atomic bool stop;
};

/* A message for the operator. */
void daemon_live_say(const struct live *l, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* live_config.c: l->interfaces from the options and the configuration. */
MUST_USE enum status daemon_live_interfaces(struct live *l, struct fail *why);

/* live.c: the rules of a tenant go into the station's log, by name and hash. */
void daemon_live_sealing_rules(struct live *l, const struct live_tenant *t);

/* live_inline.c: the queues of the options, with the settings of the configuration; interfaces that
 * copy to each other are made a bridge. */
MUST_USE enum status daemon_live_queues(struct live *l, struct fail *why);
MUST_USE enum status daemon_live_bridges(struct live *l, struct fail *why);

/* live_powers.c: gives up all that is not needed from here on. */
MUST_USE enum status daemon_live_powers(struct live *l, struct fail *why);

/* live_tenant.c: what the station and its tenants have; needs the workers. */
MUST_USE enum status daemon_live_tenants(struct live *l, struct fail *why);
MUST_USE enum status daemon_live_writers_start(struct live *l, struct fail *why);
/* What rules put into sets that are kept: all lanes' together. */
MUST_USE enum status daemon_live_sets_keep(struct live *l, struct fail *why);
/* Blocks of stats.log that are due; at the end all. */
void daemon_live_stats_write(struct live *l, bool end);
/* The files are opened again by their names. */
void daemon_live_reopen(struct live *l);
/* Ends the writers, when no worker puts any more. False: daemon_lines_stop(). */
MUST_USE bool daemon_live_writers_stop(struct live *l);
uint64_t daemon_live_lost(const struct live *l); /* lines for which a ring had no room */
void daemon_live_tenants_free(struct live *l);

/* live_worker.c */
void *daemon_live_work(void *worker); /* a thread's function */
/* By the worker: traffic passed that nobody looked at. */
void daemon_live_gap(struct live_worker *w, const struct pipeline_gap *g);

/* reload.c */
MUST_USE enum status daemon_live_rules_load(const struct live_tenant *t, struct live_rules **out,
					    struct fail *why);
void daemon_live_rules_free(struct live_rules *r);

MUST_USE enum status daemon_reload_new(struct live *l, struct fail *why);
/* Begins one, or notes that another is wanted after the one that runs. place: whose rules; or: */
enum { RELOAD_ALL = -1, RELOAD_TENANTS = -2 /* all but the station's */ };
void daemon_reload_begin(struct live *l, int place);
int daemon_reload_fd(const struct live *l); /* readable when daemon_reload_step() has work */
void daemon_reload_step(struct live *l);
bool daemon_reload_busy(const struct live *l);
void daemon_reload_stop(struct live *l); /* waits for what runs */

/* control.c */
enum { CONTROL_FDS_MAX = 17 };
struct pollfd;
MUST_USE enum status daemon_control_open(struct live *l, struct slice path, struct fail *why);
size_t daemon_control_fds(const struct live *l, struct pollfd *out);
void daemon_control_step(struct live *l, const struct pollfd *fds, size_t n);
MUST_USE enum status daemon_control_chown(struct live *l, unsigned uid, unsigned gid,
					  struct fail *why);
void daemon_control_reloaded(struct live *l, bool ok, struct slice text); /* answers who waits */
void daemon_control_close(struct live *l);

/* status.c */
/* What all lanes of a tenant but `but` (NULL: none) have counted is added. */
void daemon_live_stats_add(const struct live_tenant *t, const struct live_lane *but,
			   struct pipeline_stats *sum);
struct json;
void daemon_status_json(struct live *l, struct arena *a, struct json *j);
/* prometheus.c; with_costs: also of rules, for which workers are waited for. */
void daemon_status_prometheus(struct live *l, bool with_costs, struct arena *a, struct buf *out);

#endif
