/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/detect/detect.h - which signatures match.
 *
 * Compiling turns a rule_set into an immutable detect_rules: every keyword is a row (keyword table,
 * kw_*.c), every rule has at most one fast pattern, patterns are grouped by protocol, direction,
 * buffer and port (literals.h); `pcre` is PCRE2 with JIT. A rule that uses a
 * keyword we do not have becomes a problem of the rule_set with the keyword's name, never a rule
 * that silently matches more or less.
 *
 * Looking: per packet (detect_packet), per direction of a stream that has new bytes
 * (detect_stream), per transaction that progressed (detect_tx). A rule that needs several buffers
 * of a transaction keeps what it has matched with the transaction and fires once per transaction.
 * Flowbits and the like live with the flow, thresholds and xbits with the worker, in packet time.
 *
 * detect_rules is shared by all workers; a detect_worker belongs to one.
 */
#ifndef DEW_SENSOR_DETECT_H
#define DEW_SENSOR_DETECT_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"
#include "sensor/flow/flow.h"
#include "sensor/rule/rule.h"

struct app_frame;
struct app_tx;
struct buf;
struct config;
struct file_setup;
struct packet;
struct stream_events;

struct detect_rules;
struct detect_worker;

/* Runs job(ctx, i) for i in 0..n-1, on as many threads as it likes, and returns when all are done.
 * os/pool.h has one; NULL means one after the other. */
typedef void detect_parallel_fn(void *ctx, size_t n, void (*job)(void *job_ctx, size_t i),
				void *job_ctx);

/* The text of a file that a rule names (a list of hashes), in a: beside the rule's own file, or
 * where the configuration says. rule NULL: the configuration names it. */
typedef enum status detect_read_fn(void *ctx, const struct rule *rule, struct slice name,
				   struct arena *a, struct slice *out, struct fail *why);

struct detect_options {
	detect_parallel_fn *parallel; /* for the just-in-time compiler */
	void *parallel_ctx;
	detect_read_fn *read; /* NULL: rules that name files do not compile */
	void *read_ctx;
	struct config *config; /* action-order, datasets; NULL: Suricata's defaults */
	/* The rules that these take the place of in workers; NULL: none. Only read. */
	const struct detect_rules *before;
};

/* Compiles. Rules that cannot be compiled are added to set->problems. Memory: process arena, and
 * the matcher libraries' own, freed by detect_rules_free(). Fails only on no memory. */
MUST_USE enum status detect_compile(struct rule_set *set, const struct detect_options *options,
				    struct arena *process, struct detect_rules **out,
				    struct fail *why);
/* For rule_set.knows_keyword: a keyword, or the name of a buffer or number. */
bool detect_knows_keyword(struct slice name);

/* One row of the keyword table, for people. kind: rule, buffer, transform, modifier, step (of a
 * buffer's bytes), test (of packet, flow or transaction), effect (of a match) or refused. The
 * fields of protocols are keywords beside these: app.h. */
struct detect_keyword_info {
	const char *name, *kind, *doc;
};

/* Row n = 0, 1, 2... until false. */
bool detect_keyword_at(size_t n, struct detect_keyword_info *out);

void detect_rules_free(struct detect_rules *r);
size_t detect_rules_count(const struct detect_rules *r); /* rules that compiled */
/* Sets loaded[i] for rule i of the set that r was made of, if it compiled. r may be NULL: none did.
 */
void detect_rules_loaded(const struct detect_rules *r, const struct rule_set *set, bool *loaded);
/* What the rules need to know of files, beside what is in s already: hashes and types. */
void detect_rules_files(const struct detect_rules *r, struct file_setup *s);
bool detect_rules_want_frames(const struct detect_rules *r);
/* Does a rule look at a buffer, or a number, whose name begins so? */
bool detect_rules_use(const struct detect_rules *r, struct slice name);

/* ---- sets that are written back (dataset: ... state FILE, save FILE) ---- */

struct detect_saved; /* what workers changed, taken together */
struct detect_worker;

struct detect_writer {
	void *ctx;
	/* All of a file, by the name that the rule or the configuration gave it. */
	enum status (*write)(void *ctx, struct slice name, struct slice text, struct fail *why);
};

/* Does any set want to be written? r may be NULL. */
bool detect_rules_save(const struct detect_rules *r);
/* In a; NULL: no memory. Workers are taken while they do not work, later ones over earlier ones. */
struct detect_saved *detect_saved_new(const struct detect_rules *r, struct arena *a);
void detect_saved_take(struct detect_saved *s, const struct detect_worker *w);
/* Every such set, with what it holds now. */
MUST_USE enum status detect_saved_write(const struct detect_saved *s, struct arena *a,
					const struct detect_writer *writer, struct fail *why);
void detect_saved_done(struct detect_saved *s); /* NULL is fine */

struct detect_hit {
	const struct rule *rule;
	struct flow *flow;	       /* NULL: a packet without a flow */
	const struct packet *packet;   /* the packet that made it so; NULL at the end of a flow */
	struct app_tx *tx;	       /* NULL: not about a transaction */
	const struct app_frame *frame; /* NULL: not about a frame */
	struct slice context;	       /* JSON object for alert.context; ptr NULL: none */
	enum flow_dir dir;
	enum rule_action action; /* the rule's, or what a rate filter made of it */
	bool silent;		 /* does something, but is no alert */
	bool stream;		 /* matched in the reassembled stream, not in the packet */
	bool to_flow;		 /* the action is for the rest of the flow, too */
};

/* For each packet: act for everything that matched and may do something, in the order of the
 * rules, up to a pass; then hit for those that are alerts. act may be NULL. */
struct detect_sink {
	void *ctx;
	void (*hit)(void *ctx, const struct detect_hit *h);
	void (*act)(void *ctx, const struct detect_hit *h);
};

/* What rules remember about hosts and pairs of them (thresholds, xbits, hostbits), for several
 * workers. It has parts, each guarded by a lock of the caller's, which is held for one look at one
 * entry. Workers with equal clocks: whoever comes later counts later. */
struct detect_shared;
enum { DETECT_SHARED_PARTS = 16 };
struct detect_locks {
	void *ctx;
	void (*take)(void *ctx, unsigned part); /* part < DETECT_SHARED_PARTS */
	void (*give)(void *ctx, unsigned part);
};
MUST_USE struct detect_shared *detect_shared_new(const struct detect_locks *locks,
						 struct arena *process);

/* shared NULL: the worker is alone, and remembers by itself. */
MUST_USE enum status detect_worker_new(const struct detect_rules *r, struct detect_shared *shared,
				       struct arena *process, struct arena_pool *pool,
				       struct detect_sink sink, struct detect_worker **out,
				       struct fail *why);
void detect_worker_free(struct detect_worker *w);

/* What a worker needs to use rules r, made in any thread; a worker then exchanges its own for it,
 * between two packets, and goes over to r: what flows, hosts and transactions remember stays, as
 * far as the rules are the same by gid and sid. r was compiled with detect_options.before the rules
 * that the worker had. Gear that no worker has is freed by its maker, before its rules. */
struct detect_gear;
MUST_USE enum status detect_gear_new(const struct detect_rules *r, bool profile,
				     struct detect_gear **out, struct fail *why);
MUST_USE struct detect_gear *detect_worker_exchange(struct detect_worker *w, struct detect_gear *g);
void detect_gear_free(struct detect_gear *g);

/* At most so many alerts a packet, 1 to 255; those of the rules that come first. Default 15. */
void detect_worker_alerts_max(struct detect_worker *w, size_t n);

/* What was odd to stream_packet() about the packet that detect_packet() looks at next. */
void detect_stream_events(struct detect_worker *w, const struct stream_events *events);

/* Rules on packets: headers, packet payload. flow may be NULL. Call once per packet, after stream
 * and app have taken it. */
void detect_packet(struct detect_worker *w, const struct packet *p, struct flow *f,
		   enum flow_dir dir);

/* Rules on the stream's released bytes of a direction (stream_window()), those not looked at
 * before. p is the packet that released them, NULL at the end. `last`: no more will come. At the
 * end of a flow call it before stream_end() gives the bytes back. */
void detect_stream(struct detect_worker *w, const struct packet *p, struct flow *f,
		   enum flow_dir dir, bool last);

/* Rules on the transactions of f->app that progressed in a direction since the last call. */
void detect_txs(struct detect_worker *w, const struct packet *p, struct flow *f, enum flow_dir dir,
		bool last);

/* Bytes are missing in a direction, and f->app is about to hear of it: rules on frames look at what
 * lies before the hole. */
void detect_hole(struct detect_worker *w, const struct packet *p, struct flow *f,
		 enum flow_dir dir);

/* The packet (NULL: the end of the flow) is through with the four above: what matched is sorted,
 * counted against thresholds, and given to the sink. Before transactions are freed. */
void detect_finish(struct detect_worker *w, const struct packet *p, struct flow *f);

/* The flow was swapped (flow_swap()): what was looked at of a direction is the other's. */
void detect_flow_swap(struct flow *f);

/* What pcre captured into variables of the flow, or of the packet looked at last: n = 0, 1, 2...
 * until false. The slices live as long as the flow, or until the next packet. */
bool detect_flow_var(const struct flow *f, size_t n, struct slice *name, struct slice *value);
bool detect_packet_var(const struct detect_worker *w, size_t n, struct slice *name,
		       struct slice *value);

/* What entropy measured in the flow's buffers, in 10^-18 bits a byte: n = 0, 1, 2... until false.
 */
bool detect_flow_measure(const struct flow *f, size_t n, struct slice *name, int64_t *value);

/* True if a tag marked the packet, which is through with detect_finish(): once for each packet. f
 * may be NULL. */
bool detect_tagged(struct detect_worker *w, const struct packet *p, const struct flow *f);

/* True if no rule will look at tx again: it may be freed. */
bool detect_tx_done(const struct app_tx *tx);

/* What rules remember about a flow, for events: the flow bits, or flow integers, that are set, one
 * a call. *next is 0 before the first. False: there are no more. */
bool detect_flow_bit(const struct detect_rules *r, const struct flow *f, size_t *next,
		     struct slice *name);
bool detect_flow_int(const struct detect_rules *r, const struct flow *f, size_t *next,
		     struct slice *name, uint32_t *value);

/* What one rule cost; counted in steps, not in time, so that the same capture gives the same. */
struct detect_cost {
	const struct rule *rule;
	uint64_t asked;	 /* times its header was compared */
	uint64_t looked; /* buffers inspected for it */
	uint64_t bytes;	 /* in them */
	uint64_t steps;	 /* contents, expressions and so on tried */
	uint64_t matched;
};

/* What the same rule cost elsewhere is added. */
void detect_cost_add(struct detect_cost *sum, const struct detect_cost *c);

/* Counts from now on, in a, until the worker has other gear. False: no memory. */
MUST_USE bool detect_worker_profile(struct detect_worker *w, struct arena *a);
/* By rule, in the order of asking; NULL if nothing is counted. */
const struct detect_cost *detect_worker_costs(const struct detect_worker *w, size_t *out_count);

/* Writes what the rule asks, in lines for a person. False: no such rule was compiled. */
bool detect_rule_explain(const struct detect_rules *r, uint64_t gid, uint64_t sid, struct buf *out);

struct detect_counters {
	uint64_t packets, candidates, evaluated, hits, suppressed;
	uint64_t discarded; /* matches past what one packet may have */
	uint64_t given_up;  /* packets that cost too much: not all was looked at */
	uint64_t exploded;  /* calls of PCRE2 that met its limits */
};
const struct detect_counters *detect_worker_counters(const struct detect_worker *w);

#endif
