/* SPDX-License-Identifier: Apache-2.0
 *
 * The sensor's side of sealing.
 *
 * 1. The memory is shared before the processes part, so that addresses in it hold in both. A lane
 * has one thread that puts; only the other process takes. What that one reads there it copies first
 * and believes nothing of (sealing_say.c).
 * 2. Nothing here waits for the other process but a capture, which is in no hurry, and the end. */
#include "daemon/sealing.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/daemon_priv.h"
#include "daemon/sealing_priv.h"
#include "os/clock.h"

enum {
	PAGE = 4096,
	MESSAGE_BUDGET = 4 << 20, /* of one sink */
	ALIVE_S = 10,
	QUEUE_LEAST = 64 << 10,
	QUEUE_MOST = 1 << 30,
	PATIENCE_NS = 2 * (int)TIME_NS_PER_MS,
	WAIT_MS = 5,
};

/* ---- settings ---- */

/* What is sealed where the configuration does not say: what accuses somebody, or says that
 * something was not as it should be. An alert without its flow's counters, which have the addresses
 * once more: those are opened by their own names only. */
static enum status types_default(struct config *root, struct fail *why)
{
	static const char *const rows[][2] = {{"seal.types.0.alert.metadata.flow", "no"},
					      {"seal.types.1.anomaly.types.decode", "yes"},
					      {"seal.types.1.anomaly.types.stream", "yes"},
					      {"seal.types.1.anomaly.types.applayer", "yes"},
					      {"seal.types.1.anomaly.types.behaviour", "yes"},
					      {"seal.types.2", "drop"}};
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < sizeof rows / sizeof rows[0]; i++)
		st = config_set(root, slice_of(rows[i][0]), slice_of(rows[i][1]), why);
	return st;
}

static uint64_t power_of_two(uint64_t n)
{
	uint64_t p = QUEUE_LEAST;

	while (p < n && p < QUEUE_MOST)
		p *= 2;
	return p;
}

static enum status settings_read(const struct sealing_options *o, struct arena *a,
				 struct sealing_settings *out, struct fail *why)
{
	struct config *c = config_at(o->config, "seal");
	struct sealing_settings s = {.on = config_bool(c, "enabled", false), .node = c};
	enum status st = ST_OK;

	s.folder = daemon_path_from(a, o->dir, config_text(c, "folder", "station"));
	s.key = config_text(c, "key", "");
	s.party = config_text(c, "party", "");
	s.station = config_text(c, "station", "");
	if (s.station.len == 0)
		s.station = o->station;
	s.alive_s = (uint32_t)config_u64(c, "alive", 1, 3600, ALIVE_S);
	s.quiet_s = (uint32_t)config_u64(c, "quiet", 0, 86400, 0);
	s.queue_bytes = power_of_two(config_size(c, "queue", SEALING_QUEUE_BYTES));
	if (s.on && config_at(c, "types") == NULL)
		st = types_default(o->config, why);
	if (st == ST_OK && s.folder.ptr == NULL)
		st = fail_set(why, ST_NOMEM, "no memory for a station's log");
	*out = s;
	return st;
}

/* ---- life ---- */

static enum status memory_make(struct sealing *s, struct fail *why)
{
	size_t head = sizeof *s->shared + s->o.lanes * sizeof s->shared->lanes[0];
	uint8_t *all;

	head = (head + PAGE - 1) / PAGE * PAGE;
	s->bytes = head + s->o.lanes * s->set.queue_bytes;
	/* what is not used is not there: the kernel gives pages as they are written */
	all = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (all == MAP_FAILED)
		return fail_set(why, ST_NOMEM, "no memory to share with who seals");
	s->shared = (void *)all;
	for (size_t i = 0; i < s->o.lanes; i++) {
		struct queue *q = &s->shared->lanes[i].queue;

		q->bytes = all + head + i * s->set.queue_bytes;
		q->size = s->set.queue_bytes;
	}
	return ST_OK;
}

static enum status sinks_make(struct sealing *s, struct arena *a, struct fail *why)
{
	s->sinks = ARENA_ARRAY(a, struct sealing_sink, s->o.lanes);
	if (s->sinks == NULL)
		return fail_set(why, ST_NOMEM, "no memory for what is to be sealed");
	for (size_t i = 0; i < s->o.lanes; i++)
		s->sinks[i] = (struct sealing_sink){
			.s = s, .lane = i, .pool = {.budget = MESSAGE_BUDGET}};
	return ST_OK;
}

/* The other processes: nothing of the sensor's is kept open, and what the sensor is told does not
 * concern it. */
static void become(struct sealing *s, int held, int done)
{
	sigset_t all;
	int low = held < done ? held : done, high = held < done ? done : held;

	(void)sigfillset(&all); /* cannot fail, as the next */
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	(void)prctl(PR_SET_NAME, "dewline-keep");
	if (low > STDERR_FILENO + 1)
		(void)close_range(STDERR_FILENO + 1, (unsigned)low - 1, 0);
	if (high > low + 1)
		(void)close_range((unsigned)low + 1, (unsigned)high - 1, 0);
	(void)close_range((unsigned)high + 1, ~0U, 0);
	s->held = s->done = -1;
	_exit(daemon_sealing_keep(s, held, done));
}

/* What the other process says once it has opened its folder, or could not. */
static enum status hear(int done, struct fail *why)
{
	size_t at = 0;

	while (at < sizeof *why) {
		ssize_t n = read(done, (uint8_t *)why + at, sizeof *why - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail_set(why, ST_IO, "who should seal has ended");
		at += (size_t)n;
	}
	why->text[sizeof why->text - 1] = '\0';
	return why->status;
}

static enum status part(struct sealing *s, struct fail *why)
{
	int held[2] = {-1, -1}, done[2] = {-1, -1};
	enum status st;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, held) != 0 ||
	    pipe2(done, O_CLOEXEC) != 0) {
		st = fail_set(why, ST_IO, "cannot make a channel: %m");
		goto out;
	}
	child = fork();
	if (child == 0)
		become(s, held[1], done[1]);
	if (child < 0) {
		st = fail_set(why, ST_NOMEM, "cannot make a process that seals: %m");
		goto out;
	}
	(void)close(done[1]);
	done[1] = -1;
	st = hear(done[0], why);
	if (st == ST_OK) {
		s->child = child;
		s->held = held[0];
		s->done = done[0];
		held[0] = done[0] = -1;
	} else {
		(void)waitpid(child, NULL, 0); /* it has said why, and ends */
	}
out:
	for (unsigned i = 0; i < 2; i++) {
		if (held[i] >= 0)
			(void)close(held[i]);
		if (done[i] >= 0)
			(void)close(done[i]);
	}
	return st;
}

enum status daemon_sealing_open(const struct sealing_options *o, struct arena *a,
				struct sealing **out, struct fail *why)
{
	struct sealing *s = ARENA_NEW(a, struct sealing);
	enum status st;

	*out = NULL;
	if (s == NULL)
		return fail_set(why, ST_NOMEM, "no memory to seal");
	s->o = *o;
	s->held = s->done = -1;
	st = settings_read(o, a, &s->set, why);
	if (st != ST_OK || !s->set.on)
		return st;
	st = memory_make(s, why);
	if (st == ST_OK)
		st = sinks_make(s, a, why);
	if (st == ST_OK)
		st = part(s, why);
	if (st != ST_OK) {
		daemon_sealing_close(s);
		return fail_wrap(why, "seal");
	}
	*out = s;
	return ST_OK;
}

static bool ended(struct sealing *s)
{
	struct pollfd p = {.fd = s->done, .events = POLLIN};

	if (!s->gone)
		s->gone = s->done < 0 || (poll(&p, 1, 0) > 0 && (p.revents & POLLHUP) != 0);
	return s->gone;
}

void daemon_sealing_close(struct sealing *s)
{
	struct pollfd p;

	if (s == NULL || s->shared == NULL)
		return;
	if (s->held >= 0)
		(void)close(s->held);
	p = (struct pollfd){.fd = s->done};
	if (s->done >= 0) {
		/* it says itself what it could not do; its end is seen where it is ours, and we may
		 */
		if (poll(&p, 1, SEALING_END_MS) > 0)
			(void)waitpid(s->child, NULL, 0);
		(void)close(s->done);
	}
	s->held = s->done = -1;
	for (size_t i = 0; s->sinks != NULL && i < s->o.lanes; i++)
		arena_pool_drain(&s->sinks[i].pool);
	(void)munmap(s->shared, s->bytes); /* it is ours */
	s->shared = NULL;
}

void daemon_sealing_resume(struct sealing *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->o.lanes; i++) {
		struct queue *q = &s->shared->lanes[i].queue;

		q->reserved = atomic_load(&q->head); /* who died may have been about to publish */
	}
	s->ends = atomic_load(&s->shared->ends);
}

size_t daemon_sealing_main_lane(const struct sealing *s)
{
	return s != NULL ? s->o.lanes - 1 : 0;
}

/* ---- putting ---- */

static uint8_t *room(struct sealing *s, struct sealing_lane *lane, enum sealing_message kind,
		     size_t n)
{
	uint8_t *to = n <= SEALING_MESSAGE_MAX ? queue_reserve(&lane->queue, kind, n) : NULL;

	while (to == NULL && s->o.patient && n <= SEALING_MESSAGE_MAX && !ended(s)) {
		os_clock_pause(PATIENCE_NS);
		to = queue_reserve(&lane->queue, kind, n);
	}
	return to;
}

static bool put(struct sealing *s, size_t lane, enum sealing_message kind,
		const struct sealing_head *head, const struct buf *body)
{
	struct sealing_lane *l = &s->shared->lanes[lane];
	uint8_t *to = body->full ? NULL : room(s, l, kind, sizeof *head + body->len);

	if (to == NULL)
		return false;
	memcpy(to, head, sizeof *head);
	if (body->len != 0)
		memcpy(to + sizeof *head, body->ptr, body->len);
	queue_publish(&l->queue);
	return true;
}

static enum sealing_kind kind_of(const struct record *r)
{
	if (r->kind == RECORD_ALERT)
		return SEALING_ALERT;
	if (r->kind == RECORD_ANOMALY)
		return SEALING_ANOMALY;
	return r->kind == RECORD_OBJECT && slice_equal(r->type, SLICE("drop")) ? SEALING_DROP
									       : SEALING_OTHER;
}

/* When it was seen: with its packet, or, if time or the end of a flow brought it about, now. */
static struct wall_ns seen_at(struct wall_ns at, struct wall_ns now)
{
	return at.ns <= now.ns && now.ns - at.ns < TIME_NS_PER_S ? at : now;
}

static void put_event(void *ctx, const struct record *r)
{
	struct sealing_sink *k = ctx;
	struct sealing *s = k->s;
	struct arena arena = {.pool = &k->pool};
	struct buf body = buf_in(&arena);
	struct record_field fields[RECORD_FIELDS_MAX];
	struct record own = *r;
	struct wall_ns now = os_clock_wall();
	struct sealing_head head = {
		.seen = seen_at(r->at, now), .put = now, .kind = (uint32_t)kind_of(r)};

	/* those come by daemon_sealing_gap() */
	if (r->kind == RECORD_OBJECT && slice_equal(r->type, SLICE("gap")))
		return;
	if (own.party.len == 0)
		own.party = s->set.party;
	if (own.station.len == 0)
		own.station = s->set.station;
	head.count = (uint32_t)record_fields(&own, &arena, fields);
	daemon_sealing_pack_fields(fields, head.count, &body);
	if (head.count == 0 || !put(s, k->lane, SEALING_EVENT, &head, &body))
		atomic_fetch_add_explicit(&s->shared->lanes[k->lane].lost[head.kind], 1,
					  memory_order_relaxed);
	arena_reset(&arena);
}

bool daemon_sealing_output(struct sealing *s, size_t lane, struct pipeline_output *out)
{
	if (s == NULL)
		return false;
	*out = (struct pipeline_output){.sink = {&s->sinks[lane], put_event}, .node = s->set.node};
	return true;
}

/* What is no event. */
static bool tell(struct sealing *s, size_t lane, enum sealing_message kind, const struct buf *body)
{
	struct wall_ns now = os_clock_wall();

	if (put(s, lane, kind, &(struct sealing_head){.seen = now, .put = now}, body))
		return true;
	atomic_fetch_add_explicit(&s->shared->lanes[lane].unsaid, 1, memory_order_relaxed);
	return false;
}

void daemon_sealing_gap(struct sealing *s, size_t lane, const struct sealing_gap *g)
{
	struct arena arena;
	struct buf body;

	if (s == NULL)
		return;
	arena = (struct arena){.pool = &s->sinks[lane].pool};
	body = buf_in(&arena);
	daemon_sealing_pack_gap(g, &body);
	(void)tell(s, lane, SEALING_GAP, &body); /* counted */
	arena_reset(&arena);
}

void daemon_sealing_input(struct sealing *s, size_t lane, const struct sealing_input *i)
{
	struct arena arena;
	struct buf body;

	if (s == NULL)
		return;
	arena = (struct arena){.pool = &s->sinks[lane].pool};
	body = buf_in(&arena);
	daemon_sealing_pack_input(i, &body);
	(void)tell(s, lane, SEALING_INPUT, &body); /* counted */
	arena_reset(&arena);
}

void daemon_sealing_life(struct sealing *s, size_t lane, const struct sealing_life *l)
{
	struct arena arena;
	struct buf body;

	if (s == NULL)
		return;
	arena = (struct arena){.pool = &s->sinks[lane].pool};
	body = buf_in(&arena);
	daemon_sealing_pack_life(l, &body);
	(void)tell(s, lane, SEALING_LIFE, &body); /* the next says more */
	arena_reset(&arena);
}

void daemon_sealing_begin(struct sealing *s, size_t lane)
{
	struct buf nothing = {0};

	if (s != NULL)
		(void)tell(s, lane, SEALING_BEGIN, &nothing); /* a queue is empty at its begin */
}

bool daemon_sealing_end(struct sealing *s, size_t lane)
{
	int64_t until = os_clock_mono().ns + SEALING_END_MS * TIME_NS_PER_MS;
	struct buf nothing = {0};

	if (s == NULL || s->shared == NULL)
		return true;
	while (!tell(s, lane, SEALING_END, &nothing)) {
		if (ended(s) || os_clock_mono().ns > until)
			return false;
		os_clock_pause(WAIT_MS * TIME_NS_PER_MS);
	}
	s->ends++;
	while (atomic_load(&s->shared->ends) < s->ends) {
		if (ended(s) || os_clock_mono().ns > until)
			return false;
		os_clock_pause(WAIT_MS * TIME_NS_PER_MS);
	}
	return true;
}

/* ---- counters ---- */

void daemon_sealing_count(struct sealing *s, struct sealing_counters *out)
{
	const struct sealing_shared *m = s->shared;

	*out = (struct sealing_counters){.sealed = atomic_load(&m->sealed),
					 .gaps = atomic_load(&m->gaps),
					 .lives = atomic_load(&m->lives),
					 .commits = atomic_load(&m->commits),
					 .late = atomic_load(&m->late),
					 .refused = atomic_load(&m->refused),
					 .failures = atomic_load(&m->failures),
					 .deaths = atomic_load(&m->deaths),
					 .leaves = atomic_load(&m->leaves),
					 .error = atomic_load(&m->error),
					 .writing = atomic_load(&m->writing),
					 .running = !ended(s)};
	for (size_t i = 0; i < s->o.lanes; i++) {
		for (unsigned k = 0; k < SEALING_KINDS; k++)
			out->lost[k] +=
				atomic_load_explicit(&m->lanes[i].lost[k], memory_order_relaxed);
		out->queued += queue_used(&m->lanes[i].queue);
		out->queue_bytes += m->lanes[i].queue.size;
	}
}

void daemon_sealing_latency(const struct sealing *s, struct histogram *out)
{
	const struct sealing_shared *m = s->shared;

	out->count = atomic_load(&m->latency_count);
	out->sum = atomic_load(&m->latency_sum);
	out->most = atomic_load(&m->latency_most);
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		out->at[i] = atomic_load_explicit(&m->latency[i], memory_order_relaxed);
}
