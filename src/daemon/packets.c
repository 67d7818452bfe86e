/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames from workers' queues into segments, by one thread.
 *
 * 1. A worker never waits for the disk (a capture's reader does: it is in no hurry). A frame that
 *    finds no room is counted, and the next that does says how many are missing before it.
 * 2. p->out.bytes + p->used is what the segment has so far, and stays within set.segment_bytes.
 * 3. What the disk did not take is cut off again, so that a segment is whole at any time but within
 * a write; its packets are counted as failed.
 * 4. Who sleeps says so first and looks once more; who puts much looks at that after putting. */
#include "daemon/packets.h"

#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "os/clock.h"
#include "os/thread.h"

enum {
	SLEEP_MS = 100,
	FLUSH_MS = 200,	      /* a packet is in the file at the latest after so much */
	TRY_AGAIN_MS = 1000,  /* a disk that said no is asked again */
	SPANS = 16,	      /* a segment grows for this part of the age, at most */
	TURN_BYTES = 8 << 20, /* taken from one lane before the next has its turn */
};

enum message { FRAME = 1, ALERT };

/* In front of a frame's bytes; an alert is at and flows[0] of one. */
struct frame {
	struct wall_ns at;
	uint64_t lost, flows[KEEP_FLOWS_MAX];
	uint32_t wire_bytes, linktype;
	uint8_t flow_count, stopped;
};

_Static_assert(KEEP_FLOWS_MAX == (int)PIPELINE_SEEN_MAX, "what is seen is kept");

/* 2261-12-31: what can be said in every form of time; before 1970 nothing can. Sums and differences
 * of such times, and of intervals of the settings, fit. */
#define TIME_LAST INT64_C(9214646399999999999)

static struct wall_ns held(struct wall_ns t)
{
	return (struct wall_ns){t.ns < 0 ? 0 : t.ns > TIME_LAST ? TIME_LAST : t.ns};
}

/* --- a worker's side --- */

static void wake(struct daemon_packets *p)
{
	uint64_t one = 1;

	if (atomic_exchange(&p->asleep, false) && write(p->wake, &one, sizeof one) < 0)
		return; /* full: it is awake */
}

static uint8_t *reserve(struct daemon_packets *p, struct packets_lane *l, enum message kind,
			size_t n)
{
	uint8_t *room = queue_reserve(&l->queue, kind, n);

	while (room == NULL && p->patient) {
		queue_publish(&l->queue);
		wake(p);
		(void)poll(NULL, 0, 1); /* cannot fail but by a signal, and those end us */
		room = queue_reserve(&l->queue, kind, n);
	}
	return room;
}

void daemon_packets_put(struct daemon_packets *p, size_t lane, const struct source_packet *k,
			const struct pipeline_seen *seen)
{
	struct packets_lane *l = &p->lanes[lane];
	uint32_t most = p->set.snaplen != 0 ? p->set.snaplen : KEEP_PACKET_MAX;
	struct slice data = slice_part(k->data, 0, most);
	struct frame f = {.at = held(k->at),
			  .lost = l->lost_since,
			  .wire_bytes = k->wire_bytes,
			  .linktype = k->linktype,
			  .flow_count = seen->count,
			  .stopped = k->drop};
	uint8_t *room;

	if (seen->passed && p->set.skip_passed)
		return;
	atomic_fetch_add_explicit(&l->seen, 1, memory_order_relaxed);
	room = reserve(p, l, FRAME, sizeof f + data.len);
	if (room == NULL) {
		atomic_fetch_add_explicit(&l->lost, 1, memory_order_relaxed);
		l->lost_since++;
		return;
	}
	memcpy(f.flows, seen->flows, sizeof f.flows);
	memcpy(room, &f, sizeof f);
	if (data.len != 0)
		memcpy(room + sizeof f, data.ptr, data.len);
	l->lost_since = 0;
}

void daemon_packets_alert(struct daemon_packets *p, size_t lane, uint64_t flow, struct wall_ns at)
{
	struct frame f = {.at = held(at), .flows = {flow}};
	uint8_t *room;

	if (!p->set.alerts || flow == 0)
		return;
	room = reserve(p, &p->lanes[lane], ALERT, sizeof f);
	if (room != NULL)
		memcpy(room, &f, sizeof f);
	else
		atomic_fetch_add(&p->cuts_skipped, 1);
}

void daemon_packets_publish(struct daemon_packets *p, size_t lane)
{
	struct queue *q = &p->lanes[lane].queue;

	queue_publish(q);
	if (queue_used(q) > q->size / 4)
		wake(p); /* else it wakes in a moment by itself */
}

/* --- the writer: a segment --- */

static void failed(struct daemon_packets *p, const struct fail *why)
{
	(void)pthread_mutex_lock(&p->lock); /* it is a plain one */
	daemon_packets_error(p, why);
	(void)pthread_mutex_unlock(&p->lock);
	p->tried = os_clock_mono();
}

static void give_up_buffer(struct daemon_packets *p)
{
	atomic_fetch_add(&p->failed, p->buffered);
	p->now_packets -= p->buffered;
	p->buffered = 0;
	p->used = 0;
}

static void segment_let_go(struct daemon_packets *p);

static void flush(struct daemon_packets *p)
{
	uint64_t whole = p->out.bytes;
	struct fail why;

	p->flushed = os_clock_mono();
	if (p->used == 0 || p->out.fd_plus_1 == 0) {
		atomic_store(&p->settled_ns, p->covered_ns);
		return;
	}
	if (os_out_write(p->disk, &p->out, (struct slice){p->buffer, p->used}, &why) == ST_OK) {
		os_out_begin_sync(&p->out, whole, p->used);
		atomic_fetch_add(&p->kept, p->buffered);
		atomic_fetch_add(&p->kept_bytes, p->used);
		atomic_store(&p->growing, p->out.bytes);
		p->buffered = 0;
		p->used = 0;
		atomic_store(&p->settled_ns, p->covered_ns);
		return;
	}
	failed(p, &why);
	give_up_buffer(p);
	if (os_out_cut(p->disk, &p->out, whole, &why) != ST_OK) /* invariant 3 */
		failed(p, &why);
	segment_let_go(p);
}

static uint64_t now_bytes(const struct daemon_packets *p)
{
	return p->out.bytes + p->used;
}

/* The file is done: the list takes it, or, if nothing is in it, nobody. */
static void segment_let_go(struct daemon_packets *p)
{
	struct fail why;

	p->now.bytes = p->out.bytes;
	if (os_out_close(&p->out, &why) != ST_OK)
		failed(p, &why);
	(void)pthread_mutex_lock(&p->lock);
	if (p->now_packets != 0 && p->segment_count < PACKETS_SEGMENTS_MAX) {
		p->segments[p->segment_count++] = p->now;
		p->total += p->now.bytes;
		daemon_packets_show(p);
	} else if (os_file_remove(p->disk, slice_of(p->path), &why) != ST_OK) {
		daemon_packets_error(p, &why);
	}
	atomic_store(&p->growing, 0);
	(void)pthread_cond_signal(&p->work);
	(void)pthread_mutex_unlock(&p->lock);
	p->now_packets = 0;
	p->described_count = 0;
}

/* How much came in so far, at the end of each segment. */
static void add_counts(struct daemon_packets *p)
{
	for (uint32_t i = 0; i < p->described_count; i++) {
		struct keep_counts c = {.interface = i, .at = p->now.last};

		for (size_t k = 0; k < p->lane_count; k++) {
			struct packets_lane *l = &p->lanes[k];
			uint64_t seen = atomic_load(&l->seen);

			if (l->interface.ptr != p->described[i].interface.ptr)
				continue;
			c.received += seen;
			c.kept += seen - atomic_load(&l->lost);
		}
		if (p->ask != NULL)
			p->ask(p->ask_ctx, p->described[i].interface, &c.received, &c.kernel_drops);
		p->used += keep_encode_counts(&c, p->buffer + p->used);
	}
}

static void segment_close(struct daemon_packets *p)
{
	if (p->out.fd_plus_1 != 0 && p->now_packets != 0) {
		if (p->used + p->described_count * (uint64_t)KEEP_COUNTS_BYTES >
		    PACKETS_BUFFER_BYTES)
			flush(p);
		add_counts(p);
	}
	if (p->out.fd_plus_1 != 0)
		flush(p);
	if (p->out.fd_plus_1 != 0) /* a write that fails lets it go */
		segment_let_go(p);
}

/* A new file; what somebody else put there by that name is passed over. */
static enum status file_new(struct daemon_packets *p, struct fail *why)
{
	enum status st;

	do {
		st = os_out_close(&p->out, why);
		(void)pthread_mutex_lock(&p->lock);
		daemon_packets_trim(p, p->set.segment_bytes, daemon_packets_clock(p));
		p->now = (struct packets_segment){.number = p->next_number++};
		(void)pthread_mutex_unlock(&p->lock);
		if (st == ST_OK)
			st = os_out_open(
				p->disk,
				daemon_packets_path(p->set.dir, p->now.number, "pcapng", p->path),
				0600, &p->out, why);
	} while (st == ST_OK && p->out.bytes != 0);
	return st;
}

static bool segment_open(struct daemon_packets *p)
{
	struct crypto_random random = {0};
	uint8_t section[KEEP_SECTION_BYTES];
	struct fail why;

	if (os_clock_mono().ns - p->tried.ns < TRY_AGAIN_MS * TIME_NS_PER_MS && p->tried.ns != 0)
		return false;
	if (file_new(p, &why) != ST_OK) {
		failed(p, &why);
		return false;
	}
	p->tried = (struct mono_ns){0};
	crypto_random_fill(&random, section, sizeof section);
	ASSERT(p->used == 0);
	p->used = keep_encode_head(section, p->buffer);
	return true;
}

/* --- the writer: a packet --- */

/* Which interface of the segment it is: described now, if it was not. */
static uint32_t interface_of(struct daemon_packets *p, struct slice name, uint32_t linktype)
{
	struct keep_interface i = {name, linktype, p->set.snaplen};
	uint32_t n = p->described_count;

	for (uint32_t k = 0; k < n; k++)
		if (p->described[k].interface.ptr == name.ptr &&
		    p->described[k].linktype == linktype)
			return k;
	p->described[n] = (struct packets_described){name, linktype};
	p->used += keep_encode_interface(&i, p->buffer + p->used);
	return p->described_count++;
}

static bool is_new(const struct daemon_packets *p, const struct packets_lane *l, uint32_t linktype)
{
	for (uint32_t k = 0; k < p->described_count; k++)
		if (p->described[k].interface.ptr == l->interface.ptr &&
		    p->described[k].linktype == linktype)
			return false;
	return true;
}

static bool span_is_over(const struct daemon_packets *p, struct wall_ns now)
{
	return p->set.age_ns != 0 && p->now_packets != 0 &&
	       now.ns - p->now.first.ns >= p->set.age_ns / SPANS;
}

/* There is a segment with room for a block of `need` bytes. */
static bool make_room(struct daemon_packets *p, struct packets_lane *l, uint32_t linktype,
		      uint64_t need)
{
	uint64_t end = (p->described_count + 1) * (uint64_t)KEEP_COUNTS_BYTES;
	bool over = p->out.fd_plus_1 != 0 &&
		    (now_bytes(p) + need + KEEP_INTERFACE_BYTES + end > p->set.segment_bytes ||
		     p->now_packets == KEEP_PACKETS_MAX ||
		     (p->described_count == KEEP_INTERFACES_MAX && is_new(p, l, linktype)) ||
		     (p->patient && span_is_over(p, daemon_packets_clock(p))));

	if (over)
		segment_close(p);
	if (p->out.fd_plus_1 == 0 && !segment_open(p))
		return false;
	if (p->used + need + KEEP_INTERFACE_BYTES > PACKETS_BUFFER_BYTES)
		flush(p);
	return p->out.fd_plus_1 != 0;
}

static void take_frame(struct daemon_packets *p, struct packets_lane *l, struct slice message)
{
	struct keep_packet k;
	struct frame f;

	ASSERT(message.len >= sizeof f);
	memcpy(&f, message.ptr, sizeof f);
	k = (struct keep_packet){.data = slice_from(message, sizeof f),
				 .wire_bytes = f.wire_bytes,
				 .at = f.at,
				 .lost = f.lost,
				 .flow_count = f.flow_count,
				 .stopped = f.stopped != 0};
	memcpy(k.flows, f.flows, sizeof k.flows);
	if (p->patient && f.at.ns > atomic_load(&p->clock_ns))
		atomic_store(&p->clock_ns, f.at.ns);
	if (!make_room(p, l, f.linktype, k.data.len + KEEP_PACKET_OVER)) {
		atomic_fetch_add(&p->failed, 1);
		return;
	}
	k.interface = interface_of(p, l->interface, f.linktype);
	p->used += keep_encode_packet(&k, p->buffer + p->used);
	if (p->now_packets == 0 || f.at.ns < p->now.first.ns)
		p->now.first = f.at;
	if (p->now_packets == 0 || f.at.ns > p->now.last.ns)
		p->now.last = f.at;
	p->now_packets++;
	p->buffered++;
}

/* A flow that waits already waits for as long again as the first alert said: what it cuts then is
 * about both. */
static void take_alert(struct daemon_packets *p, struct slice message)
{
	struct frame f;
	size_t i = 0;

	ASSERT(message.len >= sizeof f);
	memcpy(&f, message.ptr, sizeof f);
	(void)pthread_mutex_lock(&p->lock);
	while (i < p->pending_count && p->pending[i].flow != f.flows[0])
		i++;
	if (i == PACKETS_PENDING_MAX)
		atomic_fetch_add(&p->cuts_skipped, 1);
	else if (i == p->pending_count)
		p->pending[p->pending_count++] = (struct packets_pending){
			f.flows[0],
			f.at,
			{f.at.ns < TIME_LAST - p->set.after_ns ? f.at.ns + p->set.after_ns
							       : TIME_LAST}};
	(void)pthread_mutex_unlock(&p->lock);
}

/* --- the writer's thread --- */

/* Bytes taken; more than TURN_BYTES if there may be more. */
static uint64_t drain(struct daemon_packets *p, struct packets_lane *l)
{
	uint64_t taken = 0;
	struct slice message;
	uint32_t kind;

	while (taken <= TURN_BYTES && queue_peek(&l->queue, &kind, &message)) {
		if (kind == FRAME)
			take_frame(p, l, message);
		else
			take_alert(p, message);
		taken += message.len + 1;
		queue_drop(&l->queue);
	}
	return taken;
}

static bool drain_all(struct daemon_packets *p)
{
	int64_t before = os_clock_wall().ns;
	bool any = false, all = true;

	for (size_t i = 0; i < p->lane_count; i++) {
		uint64_t taken = drain(p, &p->lanes[i]);

		any |= taken != 0;
		all &= taken <= TURN_BYTES;
	}
	if (p->patient)
		p->covered_ns = atomic_load(&p->clock_ns);
	else if (all)
		p->covered_ns = before;
	return any;
}

static void sleep_until_woken(struct daemon_packets *p)
{
	struct pollfd f = {.fd = p->wake, .events = POLLIN};
	uint64_t n;

	atomic_store(&p->asleep, true); /* invariant 4 */
	if (drain_all(p) || atomic_load(&p->stop))
		return;
	if (poll(&f, 1, SLEEP_MS) > 0 && read(p->wake, &n, sizeof n) < 0)
		return; /* somebody else was quicker: then it is empty, which is as good */
}

/* Old segments go also when nothing comes. */
static void look_after(struct daemon_packets *p, struct mono_ns *looked)
{
	struct mono_ns now = os_clock_mono();

	if (now.ns - p->flushed.ns >= FLUSH_MS * TIME_NS_PER_MS)
		flush(p);
	if (now.ns - looked->ns < TIME_NS_PER_S)
		return;
	*looked = now;
	if (p->out.fd_plus_1 != 0 && span_is_over(p, daemon_packets_clock(p)))
		segment_close(p);
	(void)pthread_mutex_lock(&p->lock);
	daemon_packets_trim(p, p->set.segment_bytes, daemon_packets_clock(p));
	(void)pthread_mutex_unlock(&p->lock);
}

static void *work(void *ctx)
{
	struct daemon_packets *p = ctx;
	struct mono_ns looked = os_clock_mono();
	struct fail why;

	p->flushed = looked;
	if (daemon_packets_again(p, &why) != ST_OK)
		failed(p, &why);
	atomic_store(&p->ready, true);
	for (;;) {
		bool stop = atomic_load(&p->stop); /* before looking: nothing comes after it */
		bool any = drain_all(p);

		look_after(p, &looked);
		if (any)
			continue;
		if (stop)
			break;
		sleep_until_woken(p);
	}
	segment_close(p);
	(void)pthread_mutex_lock(&p->lock);
	p->ended = true;
	(void)pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* --- life --- */

enum status daemon_packets_lanes(struct daemon_packets *p, size_t lanes, struct fail *why)
{
	p->lanes = ARENA_ARRAY(p->arena, struct packets_lane, lanes);
	if (p->lanes == NULL)
		return fail_set(why, ST_NOMEM, "no memory for packets on their way to the disk");
	for (size_t i = 0; i < lanes; i++) {
		p->lanes[i].queue.bytes = arena_bytes_aligned(p->arena, PACKETS_QUEUE_BYTES, 8);
		p->lanes[i].queue.size = PACKETS_QUEUE_BYTES;
		if (p->lanes[i].queue.bytes == NULL)
			return fail_set(why, ST_NOMEM,
					"no memory for packets on their way to the disk");
	}
	p->lane_count = lanes;
	return ST_OK;
}

void daemon_packets_name(struct daemon_packets *p, size_t lane, struct slice interface)
{
	p->lanes[lane].interface = interface;
}

enum status daemon_packets_start(struct daemon_packets *p, struct fail *why)
{
	p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->wake < 0)
		return fail_set(why, ST_IO, "cannot wait for packets: %m");
	if (pthread_create(&p->writer, NULL, work, p) != 0)
		return fail_set(why, ST_NOMEM, "no thread to keep packets");
	p->writing = true;
	if (pthread_create(&p->helper, NULL, daemon_packets_help, p) != 0)
		return fail_set(why, ST_NOMEM, "no thread to keep packets");
	p->helping = true;
	return ST_OK;
}

static bool ended(pthread_t thread)
{
	return os_thread_join(thread, PACKETS_END_MS * TIME_NS_PER_MS);
}

bool daemon_packets_stop(struct daemon_packets *p)
{
	uint64_t one = 1;

	if (p == NULL)
		return true;
	atomic_store(&p->stop, true);
	if (p->writing) {
		if (write(p->wake, &one, sizeof one) < 0)
			atomic_store(&p->asleep, false); /* it sleeps SLEEP_MS at most */
		if (!ended(p->writer))
			return false;
		p->writing = false;
	}
	if (p->helping) {
		(void)pthread_mutex_lock(&p->lock);
		p->help_stop = true;
		(void)pthread_cond_signal(&p->work);
		(void)pthread_mutex_unlock(&p->lock);
		if (!ended(p->helper))
			return false;
		p->helping = false;
	}
	return true;
}

void daemon_packets_count(struct daemon_packets *p, struct packets_counters *out)
{
	struct packets_counters c = {.kept = atomic_load(&p->kept),
				     .kept_bytes = atomic_load(&p->kept_bytes),
				     .failed = atomic_load(&p->failed),
				     .errors = atomic_load(&p->errors),
				     .cuts = atomic_load(&p->cuts),
				     .cuts_skipped = atomic_load(&p->cuts_skipped),
				     .bytes_most = p->set.bytes,
				     .queue_bytes = (uint64_t)p->lane_count * PACKETS_QUEUE_BYTES};

	for (size_t i = 0; i < p->lane_count; i++) {
		c.seen += atomic_load_explicit(&p->lanes[i].seen, memory_order_relaxed);
		c.lost += atomic_load_explicit(&p->lanes[i].lost, memory_order_relaxed);
		c.queued += queue_used(&p->lanes[i].queue);
	}
	c.bytes = atomic_load(&p->shown_bytes) + atomic_load(&p->growing);
	c.segments = atomic_load(&p->shown_segments) + (atomic_load(&p->growing) != 0);
	c.oldest.ns = atomic_load(&p->shown_oldest);
	if (c.errors != 0 && pthread_mutex_trylock(&p->lock) == 0) {
		(void)snprintf(c.error, sizeof c.error, "%s", p->why.text);
		(void)pthread_mutex_unlock(&p->lock);
	}
	*out = c;
}
