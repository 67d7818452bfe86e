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
	MACS = 12,    /* bytes of the two addresses before a tag */
	TAG = 4,      /* bytes of a tag, IEEE 802.1Q */
	FRAME = 2048, /* the kernel wants a size of frames; in TPACKET_V3 it means nothing */
	LINK_EN10MB = 1,
	LINK_RAW = 101,
	SNAP_ALL = 256 << 10,
};

struct tap {
	struct source source; /* first: ops get this */
	struct source_tap_options o;
	char name[SOURCE_NAME_MAX];
	int fd;	  /* -1: not open */
	int wake; /* an eventfd; -1: not open */
	bool loopback;
	uint32_t linktype;
	uint8_t *ring;			  /* NULL: none */
	size_t ring_bytes, next;	  /* next: number of the block to come */
	struct tpacket_block_desc *block; /* shown at present, or NULL */
	uint32_t left;			  /* packets of it not given yet */
	const struct tpacket3_hdr *at;	  /* the first of them */
	struct source_packet packets[SOURCE_BATCH];
};

static enum status failed(const struct tap *t, const char *what, struct fail *why)
{
	int err = errno;
	bool power = err == EPERM || err == EACCES;

	(void)fail_set(why, power ? ST_REFUSED : ST_IO, "%s: cannot %s: %s%s", t->name, what,
		       strerrordesc_np(err),
		       power ? " (it takes root, or CAP_NET_RAW and CAP_NET_ADMIN)" : "");
	why->sys_errno = err;
	return why->status;
}

static int option(const struct tap *t, int name, const void *value, socklen_t bytes)
{
	return setsockopt(t->fd, SOL_PACKET, name, value, bytes);
}

/* --- the filter --- */

static enum status filter_set(struct tap *t, const struct sock_fprog *f, struct fail *why)
{
	if (setsockopt(t->fd, SOL_SOCKET, SO_ATTACH_FILTER, f, sizeof *f) != 0)
		return failed(t, "set a filter", why);
	return ST_OK;
}

static enum status filter_refuse_all(struct tap *t, struct fail *why)
{
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);

	return filter_set(t, &(struct sock_fprog){1, &none}, why);
}

/* The operator's filter; libpcap's instructions are the kernel's. */
static enum status filter_compiled(struct tap *t, uint32_t snaplen, struct fail *why)
{
	pcap_t *p = pcap_open_dead(t->linktype == LINK_RAW ? DLT_RAW : DLT_EN10MB, (int)snaplen);
	struct bpf_program code = {0};
	char text[4096];
	enum status st;

	if (p == NULL || t->o.filter.len >= sizeof text) {
		if (p != NULL)
			pcap_close(p);
		return fail_set(why, ST_LIMIT, "%s: the filter is too long", t->name);
	}
	memcpy(text, t->o.filter.ptr, t->o.filter.len);
	text[t->o.filter.len] = '\0';
	if (pcap_compile(p, &code, text, 1, PCAP_NETMASK_UNKNOWN) != 0) {
		st = fail_set(why, ST_INVALID, "%s: filter \"%s\": %s", t->name, text,
			      pcap_geterr(p));
	} else {
		_Static_assert(sizeof(struct bpf_insn) == sizeof(struct sock_filter), "one form");
		st = filter_set(
			t, &(struct sock_fprog){(unsigned short)code.bf_len, (void *)code.bf_insns},
			why);
		pcap_freecode(&code);
	}
	pcap_close(p);
	return st;
}

/* Invariant 2 ends here. */
static enum status start(struct source *s, struct fail *why)
{
	struct tap *t = (struct tap *)s;
	uint32_t snaplen = t->o.snaplen != 0 ? t->o.snaplen : SNAP_ALL;
	struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, snaplen);
	int on = 1;
	enum status st = t->o.filter.len != 0 ? filter_compiled(t, snaplen, why)
					      : filter_set(t, &(struct sock_fprog){1, &all}, why);

	/* nobody who gets hold of the process later can let more in, or less */
	if (st == ST_OK && setsockopt(t->fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on) != 0)
		st = failed(t, "lock the filter", why);
	return st;
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

/* Puts a tag back that the card or the kernel has taken out: what decoders want to see is what was
 * on the wire. PACKET_RESERVE left room before the frame. */
static uint8_t *tag_restore(const struct tpacket3_hdr *h, uint8_t *frame)
{
	uint32_t tpid =
		(h->tp_status & TP_STATUS_VLAN_TPID_VALID) != 0 ? h->hv1.tp_vlan_tpid : ETH_P_8021Q;
	uint32_t tci = h->hv1.tp_vlan_tci;

	memmove(frame - TAG, frame, MACS);
	frame -= TAG;
	frame[MACS] = (uint8_t)(tpid >> 8);
	frame[MACS + 1] = (uint8_t)tpid;
	frame[MACS + 2] = (uint8_t)(tci >> 8);
	frame[MACS + 3] = (uint8_t)tci;
	return frame;
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

	if (t->loopback && from->sll_pkttype == PACKET_OUTGOING)
		return false;
	if ((h->tp_status & TP_STATUS_VLAN_VALID) != 0 && t->linktype == LINK_EN10MB &&
	    len >= MACS) {
		frame = tag_restore(h, frame);
		len += TAG;
		wire += TAG;
	}
	*out = (struct source_packet){.data = {frame, len},
				      .wire_bytes = wire,
				      .linktype = t->linktype,
				      .at = {(int64_t)h->tp_sec * TIME_NS_PER_S + h->tp_nsec},
				      .unsummed = unsummed(t, h->tp_status)};
	t->source.counters.cut += len < wire;
	return true;
}

/* ST_OK also if the interface is down. */
static enum status wait_for(struct tap *t, int timeout_ms, struct fail *why)
{
	struct pollfd p[2] = {{.fd = t->fd, .events = POLLIN | POLLERR},
			      {.fd = t->wake, .events = POLLIN}};
	socklen_t len = sizeof errno;
	uint64_t n;
	int err = 0;

	if (poll(p, 2, timeout_ms) < 0)
		return errno == EINTR ? ST_OK : failed(t, "wait", why);
	if (p[1].revents != 0 && read(t->wake, &n, sizeof n) < 0 && errno != EAGAIN)
		return failed(t, "wake", why);
	if ((p[0].revents & (POLLERR | POLLHUP | POLLNVAL)) == 0)
		return ST_OK;
	if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
		return failed(t, "ask the socket", why);
	if (err == 0)
		return ST_OK;
	if (err != ENETDOWN) {
		errno = err;
		return failed(t, "listen", why);
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

	if (getsockopt(t->fd, SOL_PACKET, PACKET_STATISTICS, &k, &len) != 0)
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
		(void)munmap(t->ring, t->ring_bytes); /* it is ours, so it cannot fail */
	t->ring = NULL;
	if (t->fd >= 0)
		(void)close(t->fd);
	if (t->wake >= 0)
		(void)close(t->wake);
	t->fd = t->wake = -1;
}

/* --- opening --- */

static enum status look_at(struct tap *t, int *out_index, struct fail *why)
{
	struct ifreq r = {0};

	_Static_assert(sizeof r.ifr_name == sizeof t->name, "IFNAMSIZ");
	memcpy(r.ifr_name, t->name, sizeof t->name);
	if (ioctl(t->fd, SIOCGIFINDEX, &r) != 0)
		return fail_set(why, ST_NOTFOUND, "%s: no such interface", t->name);
	*out_index = r.ifr_ifindex;
	if (ioctl(t->fd, SIOCGIFHWADDR, &r) != 0)
		return failed(t, "look at it", why);
	t->loopback = r.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK;
	switch (r.ifr_hwaddr.sa_family) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK:
		t->linktype = LINK_EN10MB;
		return ST_OK;
	case ARPHRD_NONE:
	case ARPHRD_RAWIP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
		t->linktype = LINK_RAW;
		return ST_OK;
	default:
		return fail_set(why, ST_INVALID,
				"%s: link type %u is not decoded (Ethernet and "
				"raw IP are)",
				t->name, r.ifr_hwaddr.sa_family);
	}
}

static enum status ring_make(struct tap *t, struct fail *why)
{
	int version = TPACKET_V3;
	unsigned reserve = TAG;
	struct tpacket_req3 r = {
		.tp_block_size = (unsigned)t->o.block_bytes,
		.tp_block_nr = (unsigned)t->o.blocks,
		.tp_frame_size = FRAME,
		.tp_frame_nr = (unsigned)(t->o.block_bytes / FRAME * t->o.blocks),
		.tp_retire_blk_tov = t->o.block_timeout_ms,
	};
	void *ring;

	t->ring_bytes = t->o.block_bytes * t->o.blocks;
	if (option(t, PACKET_VERSION, &version, sizeof version) != 0 ||
	    option(t, PACKET_RESERVE, &reserve, sizeof reserve) != 0 ||
	    option(t, PACKET_RX_RING, &r, sizeof r) != 0)
		return failed(t, "make a ring (is there memory for it?)", why);
	ring = mmap(NULL, t->ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, t->fd, 0);
	if (ring == MAP_FAILED)
		return failed(t, "map the ring", why);
	t->ring = ring;
	return ST_OK;
}

static enum status join(struct tap *t, struct fail *why)
{
	static const int modes[] = {[SOURCE_SPREAD_PAIR] = PACKET_FANOUT_CBPF,
				    [SOURCE_SPREAD_FLOW] = PACKET_FANOUT_HASH,
				    [SOURCE_SPREAD_QUEUE] = PACKET_FANOUT_QM,
				    [SOURCE_SPREAD_CPU] = PACKET_FANOUT_CPU};
	struct source_group *g = t->o.group;
	bool first = !g->known;
	unsigned flags =
		(t->o.defrag && t->o.spread == SOURCE_SPREAD_FLOW ? PACKET_FANOUT_FLAG_DEFRAG
								  : 0U) |
		(first ? PACKET_FANOUT_FLAG_UNIQUEID : 0U);
	unsigned arg = g->id | ((unsigned)modes[t->o.spread] | flags) << 16, got;
	struct sock_filter code[SOURCE_SPREAD_MAX];
	struct sock_fprog program = {source_spread_program(t->o.seed, code), code};
	socklen_t len = sizeof got;

	if (option(t, PACKET_FANOUT, &arg, sizeof arg) != 0)
		return failed(t,
			      "join the group of its sockets (another program may use this "
			      "cluster-id)",
			      why);
	if (first) {
		if (getsockopt(t->fd, SOL_PACKET, PACKET_FANOUT, &got, &len) != 0)
			return failed(t, "learn the group's number", why);
		g->id = (uint16_t)got; /* any number, 0 among them */
		g->known = true;
	}
	if (t->o.spread == SOURCE_SPREAD_PAIR &&
	    option(t, PACKET_FANOUT_DATA, &program, sizeof program) != 0)
		return failed(t, "say how packets are spread", why);
	return ST_OK;
}

static enum status prepare(struct tap *t, struct fail *why)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_protocol = __builtin_bswap16(ETH_P_ALL)};
	struct packet_mreq all = {.mr_type = PACKET_MR_PROMISC};
	int index = 0;
	enum status st = look_at(t, &index, why);

	if (st == ST_OK)
		st = filter_refuse_all(t, why);
	if (st == ST_OK)
		st = ring_make(t, why);
	if (st != ST_OK)
		return st;
	to.sll_ifindex = all.mr_ifindex = index;
	if (bind(t->fd, (const struct sockaddr *)(const void *)&to, sizeof to) != 0)
		return failed(t, "bind to it", why);
	if (t->o.promiscuous && option(t, PACKET_ADD_MEMBERSHIP, &all, sizeof all) != 0)
		return failed(t, "make it promiscuous", why);
	return t->o.sockets > 1 ? join(t, why) : ST_OK;
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
	if (o->interface.len == 0 || o->interface.len >= sizeof t->name)
		return fail_set(why, ST_NOTFOUND, "%.*s: no such interface",
				SLICE_ARG(o->interface));
	ASSERT(o->sockets >= 1 && o->sockets <= SOURCE_SOCKETS_MAX && o->blocks > 1);
	t->source.ops = &ops;
	t->o = *o;
	memcpy(t->name, o->interface.ptr, o->interface.len);
	t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0); /* 0: nothing comes before bind() */
	st = t->fd < 0 || t->wake < 0 ? failed(t, "open a packet socket", why) : prepare(t, why);
	if (st != ST_OK) {
		leave(&t->source);
		return st;
	}
	*out = &t->source;
	return ST_OK;
}
