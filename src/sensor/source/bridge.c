/* SPDX-License-Identifier: Apache-2.0
 *
 * Two interfaces, and the line between them: each has a ring of slots that the kernel fills
 * (TPACKET_V2, Documentation/networking/packet_mmap.rst), and a socket to send by. Version 3 gives
 * blocks, full or after some milliseconds; here a packet that waits for others is late.
 *
 *	slot:   tpacket2_hdr  sockaddr_ll  (room for a tag)  virtio_net_hdr  frame
 *
 * 1. Slots are taken in order. line->at[side] has the number of the first that was not answered; it
 *    goes on only by compare-and-exchange from what it was when the batch was taken, and only who
 *    did that gives the slots back. So a worker and its guardian never give back a slot twice.
 * 2. The virtio header goes along (PACKET_VNET_HDR): checksums that are not there yet, and segments
 *    that are to be cut, stay so.
 * 3. What does not fit into a slot is read from the socket as well (PACKET_COPY_THRESH), in the
 *    order of its slots, into memory that both processes share: the low bits of line->at[side] say
 *    how many are there of the slots that were not answered.
 * 4. A tag is put back into the slot itself, whose header then says so: who looks again does not do
 *    it twice.
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/clock.h"
#include "sensor/source/source_priv.h"

#define LONG_MASK ((UINT64_C(1) << LONG_BITS) - 1)

enum {
	SIDES = 2,
	SLOT_LEAST = 2048,
	SLOT_MOST = 16384,
	SLOT_HEAD = 192, /* at most, of a slot, before the frame */
	BLOCK = 1 << 16,
	HEAD = sizeof(struct virtio_net_hdr),
	LONG_BITS = 8, /* of line->at: how many long packets are there */
	LONGS = 16,    /* packets of a batch and a side that do not fit into slots */
	LONG_BYTES = 70 << 10,
	RING_BYTES = 16 << 20, /* of a side, unless told otherwise */
	SEND_BYTES = 8 << 20,
	SEND_MS = 2, /* that we wait for room to send, of a batch */
	GATHER_NS = 100 * 1000,
	BUSY_NS = 4 * GATHER_NS,
};

/* A packet that does not fit into a slot, in shared memory: its virtio header is at `start`. */
struct long_packet {
	uint32_t start, bytes; /* bytes: with that header */
	uint8_t room[LONG_BYTES];
};

struct side {
	struct source_socket in, out;
	uint8_t *ring; /* NULL: none */
	size_t slot_bytes, slots;
	struct long_packet *longs; /* LONGS, shared; NULL: none */
	uint64_t first, next;	   /* of the batch: its first slot, the one behind it */
	uint32_t longs_taken;
};

struct bridge {
	struct source source; /* first: ops get this */
	struct source_bridge_options o;
	struct side sides[SIDES];
	int wake;	 /* an eventfd; -1: not open */
	int64_t last_ns; /* when a batch was taken */
	bool busy;	 /* that was soon after the one before */
	struct source_packet packets[SOURCE_BATCH];
	struct mmsghdr messages[SOURCE_BATCH];
	struct iovec pieces[SOURCE_BATCH];
};

/* --- slots --- */

static struct tpacket2_hdr *slot_at(const struct side *s, uint64_t number)
{
	return (struct tpacket2_hdr *)(void *)(s->ring + number % s->slots * s->slot_bytes);
}

/* What we read of the slot is read after this. */
static uint32_t slot_status(const struct tpacket2_hdr *h)
{
	return __atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE);
}

static bool slot_full(const struct tpacket2_hdr *h)
{
	return (slot_status(h) & TP_STATUS_USER) != 0;
}

static void slot_release(struct tpacket2_hdr *h)
{
	__atomic_store_n(&h->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
}

static int64_t slot_time(const struct tpacket2_hdr *h)
{
	return (int64_t)h->tp_sec * TIME_NS_PER_S + h->tp_nsec;
}

/* The tag goes back into a frame behind its virtio header, which moves, too. */
static uint8_t *tag_put(uint8_t *frame, const struct tpacket2_hdr *h)
{
	struct virtio_net_hdr v;

	memcpy(&v, frame - HEAD, HEAD);
	if ((v.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0)
		v.csum_start = (uint16_t)(v.csum_start + SOURCE_TAG);
	if (v.gso_type != VIRTIO_NET_HDR_GSO_NONE)
		v.hdr_len = (uint16_t)(v.hdr_len + SOURCE_TAG);
	frame = source_tag_restore(
		frame, (slot_status(h) & TP_STATUS_VLAN_TPID_VALID) != 0 ? h->tp_vlan_tpid : 0,
		h->tp_vlan_tci);
	memcpy(frame - HEAD, &v, HEAD);
	return frame;
}

static bool tagged(const struct tpacket2_hdr *h)
{
	return (slot_status(h) & TP_STATUS_VLAN_VALID) != 0 && h->tp_snaplen >= SOURCE_MACS;
}

/* Invariant 4. */
static void slot_restore(struct tpacket2_hdr *h)
{
	if (!tagged(h))
		return;
	(void)tag_put((uint8_t *)h + h->tp_mac, h);
	h->tp_mac = (uint16_t)(h->tp_mac - SOURCE_TAG);
	h->tp_snaplen += SOURCE_TAG;
	h->tp_len += SOURCE_TAG;
	__atomic_store_n(&h->tp_status, slot_status(h) & ~(uint32_t)TP_STATUS_VLAN_VALID,
			 __ATOMIC_RELEASE);
}

/* Invariant 3. NULL: there is none, or no room for one more. */
static struct long_packet *long_of(struct bridge *b, unsigned i, struct tpacket2_hdr *h)
{
	struct side *s = &b->sides[i];
	_Atomic uint64_t *line = &b->source.line->at[i];
	uint64_t at = atomic_load(line);
	struct long_packet *l = &s->longs[s->longs_taken];
	uint8_t *frame = l->room + SOURCE_TAG + HEAD;
	ssize_t n;

	if (s->longs_taken < (at & LONG_MASK)) {
		s->longs_taken++;
		return l;
	}
	n = recv(s->in.fd, l->room + SOURCE_TAG, sizeof l->room - SOURCE_TAG,
		 MSG_DONTWAIT | MSG_TRUNC);
	if (n < HEAD || (size_t)n > sizeof l->room - SOURCE_TAG)
		return NULL;
	l->start = SOURCE_TAG;
	l->bytes = (uint32_t)n;
	if (tagged(h)) {
		(void)tag_put(frame, h);
		l->start = 0;
		l->bytes += SOURCE_TAG;
	}
	s->longs_taken++;
	/* if it fails, the line is not ours any more, and what we have is void */
	(void)atomic_compare_exchange_strong(line, &at, at + 1);
	return l;
}

/* --- taking --- */

static bool unsummed(const struct bridge *b, const uint8_t *head, unsigned i)
{
	struct virtio_net_hdr v;

	memcpy(&v, head, HEAD);
	if (b->o.side[i].sums == SOURCE_SUMS_KERNEL)
		return (v.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0;
	return b->o.side[i].sums == SOURCE_SUMS_ALL;
}

/* The packet of a slot, with the bytes that go out (from the virtio header on). */
static void packet_of(struct bridge *b, unsigned i, struct tpacket2_hdr *h, size_t at)
{
	struct long_packet *l = NULL;
	struct iovec *out = &b->pieces[at];

	if ((slot_status(h) & TP_STATUS_COPY) != 0)
		l = long_of(b, i, h);
	slot_restore(h);
	*out = l != NULL ? (struct iovec){l->room + l->start, l->bytes}
			 : (struct iovec){(uint8_t *)h + h->tp_mac - HEAD, h->tp_snaplen + HEAD};
	b->packets[at] = (struct source_packet){
		.data = {(const uint8_t *)out->iov_base + HEAD, out->iov_len - HEAD},
		.wire_bytes = h->tp_len,
		.linktype = SOURCE_LINK_EN10MB,
		.at = {slot_time(h)},
		.unsummed = unsummed(b, out->iov_base, i),
		.side = (uint8_t)i};
	b->source.counters.cut += b->packets[at].data.len < h->tp_len;
}

/* The side of the oldest packet; SIDES: there is none. */
static unsigned oldest(const struct bridge *b)
{
	int64_t least = INT64_MAX;
	unsigned found = SIDES;

	for (unsigned i = 0; i < SIDES; i++) {
		const struct side *s = &b->sides[i];
		const struct tpacket2_hdr *h = slot_at(s, s->next);

		/* next - first: all slots of the ring may be in the batch at hand */
		if (!slot_full(h) || s->longs_taken == LONGS || s->next - s->first == s->slots)
			continue;
		if (found == SIDES || slot_time(h) < least) {
			least = slot_time(h);
			found = i;
		}
	}
	return found;
}

/* ST_OK also if an interface is down. */
static enum status wait_for(struct bridge *b, int timeout_ms, struct fail *why)
{
	struct pollfd p[SIDES + 1] = {{.fd = b->sides[0].in.fd, .events = POLLIN | POLLERR},
				      {.fd = b->sides[1].in.fd, .events = POLLIN | POLLERR},
				      {.fd = b->wake, .events = POLLIN}};
	uint64_t n;

	if (poll(p, SIDES + 1, timeout_ms) < 0)
		return errno == EINTR ? ST_OK : source_socket_failed(&b->sides[0].in, "wait", why);
	if (p[SIDES].revents != 0 && read(b->wake, &n, sizeof n) < 0 && errno != EAGAIN)
		return source_socket_failed(&b->sides[0].in, "wake", why);
	for (unsigned i = 0; i < SIDES; i++) {
		socklen_t len = sizeof errno;
		int err = 0;

		if ((p[i].revents & (POLLERR | POLLHUP | POLLNVAL)) == 0)
			continue;
		if (getsockopt(b->sides[i].in.fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0 ||
		    (err != 0 && err != ENETDOWN)) {
			errno = err != 0 ? err : errno;
			return source_socket_failed(&b->sides[i].in, "listen", why);
		}
		b->source.counters.outages += err == ENETDOWN;
	}
	return ST_OK;
}

/* Where packets come one upon another, a moment without being woken makes one batch of them: to be
 * woken costs us and him who sends more than to inspect. Nobody is late by it. */
static unsigned gather(struct bridge *b)
{
	if (!b->busy)
		return SIDES;
	b->busy = false;
	os_clock_pause(GATHER_NS);
	return oldest(b);
}

static void taken(struct bridge *b)
{
	int64_t now = os_clock_mono().ns;

	b->busy = now - b->last_ns < BUSY_NS;
	b->last_ns = now;
}

static enum status take(struct source *source, int timeout_ms, struct source_batch *out,
			struct fail *why)
{
	struct bridge *b = (struct bridge *)source;
	enum status st;
	unsigned i;

	for (i = 0; i < SIDES; i++) {
		b->sides[i].first = b->sides[i].next =
			atomic_load(&source->line->at[i]) >> LONG_BITS;
		b->sides[i].longs_taken = 0;
	}
	i = oldest(b);
	if (i == SIDES)
		i = gather(b);
	if (i == SIDES) {
		st = wait_for(b, timeout_ms, why);
		i = oldest(b);
		if (st != ST_OK || i == SIDES) {
			out->border = true;
			return st;
		}
	}
	taken(b);
	out->packets = b->packets;
	for (; i < SIDES && out->count < SOURCE_BATCH; i = oldest(b)) {
		packet_of(b, i, slot_at(&b->sides[i], b->sides[i].next), out->count++);
		b->sides[i].next++;
	}
	out->border = i == SIDES;
	return ST_OK;
}

/* --- sending --- */

/* messages[0..n) go out; what nobody takes is counted. */
static void send_all(struct bridge *b, int fd, size_t n)
{
	bool waited = false;

	for (size_t at = 0; at < n;) {
		int sent = sendmmsg(fd, b->messages + at, (unsigned)(n - at), MSG_DONTWAIT);
		struct pollfd p = {.fd = fd, .events = POLLOUT};

		if (sent > 0) {
			at += (size_t)sent;
		} else if ((errno == EAGAIN || errno == ENOBUFS) && !waited) {
			waited = true;
			(void)poll(&p, 1, SEND_MS); /* then we try, or give it up */
		} else if (errno != EINTR) {
			b->source.counters.unsent++;
			at++;
		}
	}
}

static bool goes_on(const struct bridge *b, size_t i)
{
	const struct source_packet *p = &b->packets[i];

	return (!p->drop || b->o.tap) && p->data.len >= p->wire_bytes; /* half a packet is none */
}

static void answer(struct source *source)
{
	struct bridge *b = (struct bridge *)source;

	if (!source_owned(source))
		return; /* void: the guardian has sent them, or does now */
	for (unsigned from = 0; from < SIDES; from++) {
		size_t n = 0;

		for (size_t i = 0; i < source->batch.count; i++) {
			if (b->packets[i].side != from)
				continue;
			if (goes_on(b, i))
				b->messages[n++].msg_hdr =
					(struct msghdr){.msg_iov = &b->pieces[i], .msg_iovlen = 1};
			else
				b->source.counters.unsent += !b->packets[i].drop;
		}
		send_all(b, b->sides[1 - from].out.fd, n);
	}
	for (unsigned i = 0; i < SIDES; i++) {
		struct side *s = &b->sides[i];
		uint64_t at = s->first << LONG_BITS | s->longs_taken;

		if (!atomic_compare_exchange_strong(&source->line->at[i], &at,
						    s->next << LONG_BITS))
			continue; /* the guardian was faster */
		for (uint64_t k = s->first; k < s->next; k++)
			slot_release(slot_at(s, k));
	}
}

static bool send_one(struct source *source, unsigned side, struct slice frame)
{
	const struct bridge *b = (const struct bridge *)source;
	struct virtio_net_hdr head = {0};
	struct iovec pieces[] = {{&head, sizeof head},
				 {(uint8_t *)(uintptr_t)frame.ptr, frame.len}};
	struct msghdr m = {.msg_iov = pieces, .msg_iovlen = 2};

	return sendmsg(b->sides[side].out.fd, &m, MSG_DONTWAIT) > 0;
}

/* --- life --- */

static void count(struct source *source)
{
	struct bridge *b = (struct bridge *)source;

	for (unsigned i = 0; i < SIDES; i++) {
		struct tpacket_stats k = {0};
		socklen_t len = sizeof k;

		/* the kernel's numbers begin anew whenever they are asked for */
		if (getsockopt(b->sides[i].in.fd, SOL_PACKET, PACKET_STATISTICS, &k, &len) == 0)
			source->counters.dropped += k.tp_drops;
	}
}

static void wake(struct source *source)
{
	const struct bridge *b = (const struct bridge *)source;
	uint64_t one = 1;

	if (write(b->wake, &one, sizeof one) < 0)
		return; /* woken so often that it is awake */
}

static void fds(const struct source *source, int out[SOURCE_FDS])
{
	for (unsigned i = 0; i < SIDES; i++)
		out[i] = ((const struct bridge *)source)->sides[i].in.fd;
}

static enum status start(struct source *source, struct fail *why)
{
	struct bridge *b = (struct bridge *)source;
	enum status st = ST_OK;

	ASSERT(source->line != NULL);
	for (unsigned i = 0; st == ST_OK && i < SIDES; i++)
		st = source_socket_let_in_arrivals(&b->sides[i].in, why);
	return st;
}

static void leave(struct source *source)
{
	struct bridge *b = (struct bridge *)source;

	for (unsigned i = 0; i < SIDES; i++) {
		struct side *s = &b->sides[i];

		if (s->ring != NULL)
			(void)munmap(s->ring, s->slots * s->slot_bytes); /* it is ours */
		if (s->longs != NULL)
			(void)munmap(s->longs, LONGS * sizeof *s->longs); /* this, too */
		if (s->in.fd >= 0)
			(void)close(s->in.fd);
		if (s->out.fd >= 0)
			(void)close(s->out.fd);
		s->ring = NULL;
		s->longs = NULL;
		s->in.fd = s->out.fd = -1;
	}
	if (b->wake >= 0)
		(void)close(b->wake);
	b->wake = -1;
}

static enum status ring_make(struct bridge *b, struct side *s, struct fail *why)
{
	int version = TPACKET_V2, on = 1;
	unsigned reserve = SOURCE_TAG;
	struct ifreq r = {0};
	struct tpacket_req q = {.tp_block_size = BLOCK};
	size_t packets = b->o.ring_packets;
	void *ring;

	memcpy(r.ifr_name, s->in.name, sizeof r.ifr_name);
	if (ioctl(s->in.fd, SIOCGIFMTU, &r) != 0)
		return source_socket_failed(&s->in, "learn how long its packets are", why);
	s->slot_bytes = SLOT_LEAST;
	while (s->slot_bytes < SLOT_MOST && s->slot_bytes < (size_t)r.ifr_mtu + SLOT_HEAD)
		s->slot_bytes *= 2;
	if (packets == 0)
		packets = RING_BYTES / s->slot_bytes;
	q.tp_block_nr = (unsigned)((packets * s->slot_bytes + BLOCK - 1) / BLOCK);
	q.tp_frame_size = (unsigned)s->slot_bytes;
	q.tp_frame_nr = (unsigned)(BLOCK / s->slot_bytes * q.tp_block_nr);
	s->slots = q.tp_frame_nr;
	if (source_socket_option(&s->in, PACKET_VERSION, &version, sizeof version) != 0 ||
	    source_socket_option(&s->in, PACKET_VNET_HDR, &on, sizeof on) != 0 ||
	    source_socket_option(&s->in, PACKET_RESERVE, &reserve, sizeof reserve) != 0 ||
	    source_socket_option(&s->in, PACKET_COPY_THRESH, &on, sizeof on) != 0 ||
	    source_socket_option(&s->in, PACKET_RX_RING, &q, sizeof q) != 0)
		return source_socket_failed(&s->in, "make a ring (is there memory for it?)", why);
	ring = mmap(NULL, s->slots * s->slot_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, s->in.fd,
		    0);
	if (ring == MAP_FAILED)
		return source_socket_failed(&s->in, "map the ring", why);
	s->ring = ring;
	b->source.ring_bytes += s->slots * s->slot_bytes;
	s->longs = mmap(NULL, LONGS * sizeof *s->longs, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s->longs == MAP_FAILED) {
		s->longs = NULL;
		return source_socket_failed(&s->in, "get memory", why);
	}
	return ST_OK;
}

/* The socket to send by: it hears nothing. */
static enum status out_open(struct side *s, struct slice name, int index, struct fail *why)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = index};
	int on = 1, bytes = SEND_BYTES;
	enum status st = source_socket_open(&s->out, name, why);

	if (st != ST_OK)
		return st;
	if (bind(s->out.fd, (const struct sockaddr *)(const void *)&to, sizeof to) != 0 ||
	    source_socket_option(&s->out, PACKET_VNET_HDR, &on, sizeof on) != 0)
		return source_socket_failed(&s->out, "send by it", why);
	if (setsockopt(s->out.fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0)
		(void)setsockopt(s->out.fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
	return ST_OK;
}

static enum status side_open(struct bridge *b, unsigned i, struct fail *why)
{
	struct side *s = &b->sides[i];
	const struct source_tap_options *o = &b->o.side[i];
	int index = 0, bytes = SEND_BYTES;
	enum status st = source_socket_open(&s->in, o->interface, why);

	if (st == ST_OK)
		st = source_socket_look_at(&s->in, &index, why);
	if (st == ST_OK && s->in.linktype != SOURCE_LINK_EN10MB)
		st = fail_set(why, ST_INVALID, "%s: a bridge is of Ethernet", s->in.name);
	if (st == ST_OK)
		st = source_socket_refuse_all(&s->in, why);
	if (st == ST_OK)
		st = ring_make(b, s, why);
	if (st == ST_OK)
		st = source_socket_bind(&s->in, index, o->promiscuous, why);
	if (st == ST_OK && o->sockets > 1)
		st = source_socket_join(&s->in, o, why);
	if (st == ST_OK) /* room for long packets; without, the system's */
		(void)setsockopt(s->in.fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
	return st == ST_OK ? out_open(s, o->interface, index, why) : st;
}

enum status source_bridge_open(const struct source_bridge_options *o, struct arena *a,
			       struct source **out, struct fail *why)
{
	static const struct source_ops ops = {.start = start,
					      .take = take,
					      .answer = answer,
					      .send = send_one,
					      .fds = fds,
					      .count = count,
					      .wake = wake,
					      .close = leave};
	struct bridge *b = ARENA_NEW(a, struct bridge);
	enum status st;

	if (b == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a source");
	b->source.ops = &ops;
	b->o = *o;
	for (unsigned i = 0; i < SIDES; i++)
		b->sides[i].in.fd = b->sides[i].out.fd = -1;
	b->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	st = b->wake < 0 ? source_socket_failed(&b->sides[0].in, "be woken", why) : ST_OK;
	for (unsigned i = 0; st == ST_OK && i < SIDES; i++)
		st = side_open(b, i, why);
	if (st != ST_OK) {
		leave(&b->source);
		return st;
	}
	*out = &b->source;
	return ST_OK;
}
