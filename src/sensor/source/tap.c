/* SPDX-License-Identifier: Apache-2.0
 *
 * An interface, listened to by AF_PACKET with a ring of blocks that the kernel fills (TPACKET_V3,
 * Documentation/networking/packet_mmap.rst).
 *
 * 1. A block belongs to the kernel until its status says TP_STATUS_USER, and again once we wrote
 *    TP_STATUS_KERNEL. It is ours for as long as a batch shows packets of it: one take more.
 * 2. Until start() the socket's filter refuses all, so that no packet is spread over a group that
 *    is not complete.
 * 3. An interface that goes down is waited for; what happened meanwhile is not seen (`outages`).
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sensor/source/source_priv.h"

/* TPACKET_ALIGN(), without its sign */
#define ALIGNED(n) (((n) + TPACKET_ALIGNMENT - 1U) / TPACKET_ALIGNMENT * TPACKET_ALIGNMENT)

enum {
	FRAME = 2048, /* the kernel wants a size of frames; in TPACKET_V3 it means nothing */
};

struct tap {
	struct source source; /* first: ops get this */
	struct source_tap_options o;
	struct source_socket k;
	int wake;			  /* an eventfd; -1: not open */
	uint8_t *ring;			  /* NULL: none */
	size_t next;			  /* number of the block to come */
	struct tpacket_block_desc *block; /* shown at present, or NULL */
	uint32_t left;			  /* packets of it not given yet */
	const struct tpacket3_hdr *at;	  /* the first of them */
	struct source_packet packets[SOURCE_BATCH];
};

/* Invariant 2 ends here. */
static enum status start(struct source *s, struct fail *why)
{
	struct tap *t = (struct tap *)s;

	return source_socket_let_in(&t->k, t->o.filter, t->o.snaplen, why);
}

/* --- taking --- */

static struct tpacket_block_desc *block_at(const struct tap *t, size_t i)
{
	return (struct tpacket_block_desc *)(void *)(t->ring + i * t->o.block_bytes);
}

/* Our reads of the block come after this, our writes before the other. */
static bool block_is_ours(struct tpacket_block_desc *b)
{
	return (__atomic_load_n(&b->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) != 0;
}

static void block_release(struct tap *t)
{
	if (t->block != NULL)
		__atomic_store_n(&t->block->hdr.bh1.block_status, TP_STATUS_KERNEL,
				 __ATOMIC_RELEASE);
	t->block = NULL;
}

static bool unsummed(const struct tap *t, uint32_t status)
{
	if (t->o.sums == SOURCE_SUMS_KERNEL)
		return (status & TP_STATUS_CSUMNOTREADY) != 0;
	return t->o.sums == SOURCE_SUMS_ALL;
}

/* False: loopback shows each packet twice, and this is the first time. */
static bool packet_of(struct tap *t, const struct tpacket3_hdr *h, struct source_packet *out)
{
	const struct sockaddr_ll *from = (const void *)((const uint8_t *)h + ALIGNED(sizeof *h));
	uint8_t *frame = (uint8_t *)(uintptr_t)h + h->tp_mac;
	uint32_t len = h->tp_snaplen, wire = h->tp_len;

	if (t->k.loopback && from->sll_pkttype == PACKET_OUTGOING)
		return false;
	if ((h->tp_status & TP_STATUS_VLAN_VALID) != 0 && t->k.linktype == SOURCE_LINK_EN10MB &&
	    len >= SOURCE_MACS) {
		frame = source_tag_restore(
			frame,
			(h->tp_status & TP_STATUS_VLAN_TPID_VALID) != 0 ? h->hv1.tp_vlan_tpid : 0,
			h->hv1.tp_vlan_tci);
		len += SOURCE_TAG;
		wire += SOURCE_TAG;
	}
	*out = (struct source_packet){.data = {frame, len},
				      .wire_bytes = wire,
				      .linktype = t->k.linktype,
				      .at = {(int64_t)h->tp_sec * TIME_NS_PER_S + h->tp_nsec},
				      .unsummed = unsummed(t, h->tp_status)};
	t->source.counters.cut += len < wire;
	return true;
}

/* ST_OK also if the interface is down. */
static enum status wait_for(struct tap *t, int timeout_ms, struct fail *why)
{
	struct pollfd p[2] = {{.fd = t->k.fd, .events = POLLIN | POLLERR},
			      {.fd = t->wake, .events = POLLIN}};
	socklen_t len = sizeof errno;
	uint64_t n;
	int err = 0;

	if (poll(p, 2, timeout_ms) < 0)
		return errno == EINTR ? ST_OK : source_socket_failed(&t->k, "wait", why);
	if (p[1].revents != 0 && read(t->wake, &n, sizeof n) < 0 && errno != EAGAIN)
		return source_socket_failed(&t->k, "wake", why);
	if ((p[0].revents & (POLLERR | POLLHUP | POLLNVAL)) == 0)
		return ST_OK;
	if (getsockopt(t->k.fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
		return source_socket_failed(&t->k, "ask the socket", why);
	if (err == 0)
		return ST_OK;
	if (err != ENETDOWN) {
		errno = err;
		return source_socket_failed(&t->k, "listen", why);
	}
	t->source.counters.outages++;
	return ST_OK;
}

static enum status take(struct source *s, int timeout_ms, struct source_batch *out,
			struct fail *why)
{
	struct tap *t = (struct tap *)s;
	enum status st = ST_OK;

	if (t->left == 0) {
		struct tpacket_block_desc *b = block_at(t, t->next);

		block_release(t);
		if (!block_is_ours(b))
			st = wait_for(t, timeout_ms, why);
		if (st != ST_OK || !block_is_ours(b)) {
			out->border = true;
			return st;
		}
		t->block = b;
		t->left = b->hdr.bh1.num_pkts;
		t->at = (const void *)((const uint8_t *)b + b->hdr.bh1.offset_to_first_pkt);
		t->next = (t->next + 1) % t->o.blocks;
	}
	out->packets = t->packets;
	while (t->left != 0 && out->count < SOURCE_BATCH) {
		const struct tpacket3_hdr *h = t->at;

		t->at = (const void *)((const uint8_t *)h + h->tp_next_offset);
		t->left--;
		out->count += packet_of(t, h, &t->packets[out->count]);
	}
	out->border = t->left == 0;
	return ST_OK;
}

/* The kernel's numbers begin anew whenever they are asked for. */
static void count(struct source *s)
{
	struct tap *t = (struct tap *)s;
	struct tpacket_stats_v3 k = {0};
	socklen_t len = sizeof k;

	if (getsockopt(t->k.fd, SOL_PACKET, PACKET_STATISTICS, &k, &len) != 0)
		return;
	s->counters.dropped += k.tp_drops;
	s->counters.frozen += k.tp_freeze_q_cnt;
}

static void wake(struct source *s)
{
	const struct tap *t = (const struct tap *)s;
	uint64_t one = 1;

	if (write(t->wake, &one, sizeof one) < 0)
		return; /* woken so often that it is awake */
}

static void leave(struct source *s)
{
	struct tap *t = (struct tap *)s;

	if (t->ring != NULL)
		(void)munmap(t->ring, t->source.ring_bytes); /* it is ours, so it cannot fail */
	t->ring = NULL;
	if (t->k.fd >= 0)
		(void)close(t->k.fd);
	if (t->wake >= 0)
		(void)close(t->wake);
	t->k.fd = t->wake = -1;
}

/* --- opening --- */

static enum status ring_make(struct tap *t, struct fail *why)
{
	int version = TPACKET_V3;
	unsigned reserve = SOURCE_TAG;
	struct tpacket_req3 r = {
		.tp_block_size = (unsigned)t->o.block_bytes,
		.tp_block_nr = (unsigned)t->o.blocks,
		.tp_frame_size = FRAME,
		.tp_frame_nr = (unsigned)(t->o.block_bytes / FRAME * t->o.blocks),
		.tp_retire_blk_tov = t->o.block_timeout_ms,
	};
	void *ring;

	t->source.ring_bytes = t->o.block_bytes * t->o.blocks;
	if (source_socket_option(&t->k, PACKET_VERSION, &version, sizeof version) != 0 ||
	    source_socket_option(&t->k, PACKET_RESERVE, &reserve, sizeof reserve) != 0 ||
	    source_socket_option(&t->k, PACKET_RX_RING, &r, sizeof r) != 0)
		return source_socket_failed(&t->k, "make a ring (is there memory for it?)", why);
	ring = mmap(NULL, t->source.ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, t->k.fd, 0);
	if (ring == MAP_FAILED)
		return source_socket_failed(&t->k, "map the ring", why);
	t->ring = ring;
	return ST_OK;
}

static enum status prepare(struct tap *t, struct fail *why)
{
	int index = 0;
	enum status st = source_socket_open(&t->k, t->o.interface, why);

	if (st == ST_OK)
		st = source_socket_look_at(&t->k, &index, why);
	if (st == ST_OK)
		st = source_socket_refuse_all(&t->k, why);
	if (st == ST_OK)
		st = ring_make(t, why);
	if (st == ST_OK)
		st = source_socket_bind(&t->k, index, t->o.promiscuous, why);
	return st == ST_OK && t->o.sockets > 1 ? source_socket_join(&t->k, &t->o, why) : st;
}

enum status source_tap_open(const struct source_tap_options *o, struct arena *a,
			    struct source **out, struct fail *why)
{
	static const struct source_ops ops = {
		.start = start, .take = take, .count = count, .wake = wake, .close = leave};
	struct tap *t = ARENA_NEW(a, struct tap);
	enum status st;

	if (t == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a source");
	ASSERT(o->sockets >= 1 && o->sockets <= SOURCE_SOCKETS_MAX && o->blocks > 1);
	t->source.ops = &ops;
	t->o = *o;
	t->k.fd = -1;
	t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	st = t->wake < 0 ? source_socket_failed(&t->k, "be woken", why) : prepare(t, why);
	if (st != ST_OK) {
		leave(&t->source);
		return st;
	}
	*out = &t->source;
	return ST_OK;
}
