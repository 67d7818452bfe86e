/* SPDX-License-Identifier: Apache-2.0
 *
 * A queue of the kernel's packet filter: netlink messages, one a packet, and verdicts back
 * (linux/netfilter/nfnetlink_queue.h; libnetfilter_queue and libmnl know the bytes).
 *
 * 1. A packet that was read has a number that grows by one from packet to packet. What passes in a
 *    batch is answered at once by the number of the last ("all up to here"); what does not, by its
 *    own number, before.
 * 2. The queue in the kernel is longer than what fits into the socket: so it is the socket that
 *    overflows, and a packet that passed for want of room has taken a number. What is missing
 *    between two numbers is what nobody looked at.
 * 3. A verdict on a packet that was answered already is void: the kernel says "no such entry",
 * which is not read. So a worker and its guardian may both answer.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/clock.h"
#include "sensor/source/source_priv.h"

enum {
	LINK_RAW = 101,
	MESSAGE_BYTES = 0xffff + 1024, /* the longest IP packet, and what is said about it */
	VERDICTS_BYTES = SOURCE_BATCH * 64 + 256, /* verdicts without packets */
	QUEUE_LENGTH = 1 << 20,			  /* invariant 2 */
	KERNEL_MS = 1000,    /* for an answer to what we ask at the beginning */
	NO_PACKET = 0,	     /* numbers begin with 1 */
	FAR_AHEAD = 1 << 30, /* more numbers than wait; half of what the kernel takes for later */
};

/* MNL_ALIGN(), without its sign */
#define ALIGNED(n) (((size_t)(n) + MNL_ALIGNTO - 1U) / MNL_ALIGNTO * MNL_ALIGNTO)

struct held {
	uint32_t id, mark;
};

struct queue {
	struct source source; /* first: ops get this */
	struct source_queue_options o;
	struct mnl_socket *nl; /* NULL: not open */
	int fd, wake;	       /* wake: an eventfd; -1: not open */
	uint8_t *room;	       /* SOURCE_BATCH messages; NULL: none */
	bool numbered;	       /* `last` is known */
	uint32_t last;
	struct mmsghdr messages[SOURCE_BATCH];
	struct iovec pieces[SOURCE_BATCH];
	struct source_packet packets[SOURCE_BATCH];
	struct held held[SOURCE_BATCH]; /* of each of them */
	char verdicts[VERDICTS_BYTES];
};

static enum status failed(const struct queue *q, const char *what, struct fail *why)
{
	int err = errno;
	bool power = err == EPERM || err == EACCES;

	(void)fail_set(
		why, power ? ST_REFUSED : ST_IO, "queue %u: cannot %s: %s%s", q->o.number, what,
		strerrordesc_np(err),
		power ? " (it takes root, or CAP_NET_ADMIN; or another program listens there)"
		      : "");
	why->sys_errno = err;
	return why->status;
}

/* --- asking the kernel --- */

static struct nlmsghdr *begin(const struct queue *q, void *at, int type)
{
	return nfq_nlmsg_put(at, type, q->o.number);
}

/* What packets come meanwhile is thrown away: nobody has let any in before. */
static enum status confirmed(struct queue *q, struct nlmsghdr *m, const char *what,
			     struct fail *why)
{
	struct pollfd p = {.fd = q->fd, .events = POLLIN};
	int64_t until = os_clock_mono().ns + KERNEL_MS * TIME_NS_PER_MS;

	m->nlmsg_flags |= NLM_F_ACK;
	m->nlmsg_seq = 1;
	if (mnl_socket_sendto(q->nl, m, m->nlmsg_len) < 0)
		return failed(q, what, why);
	while (os_clock_mono().ns < until && poll(&p, 1, KERNEL_MS) > 0) {
		ssize_t n = recv(q->fd, q->room, MESSAGE_BYTES, MSG_DONTWAIT);
		const struct nlmsghdr *h = (const void *)q->room;
		const struct nlmsgerr *e;

		if (n < 0)
			return failed(q, what, why);
		if (!mnl_nlmsg_ok(h, (int)n) || h->nlmsg_type != NLMSG_ERROR || h->nlmsg_seq != 1 ||
		    mnl_nlmsg_get_payload_len(h) < sizeof *e)
			continue;
		e = mnl_nlmsg_get_payload(h);
		errno = -e->error;
		return e->error == 0 ? ST_OK : failed(q, what, why);
	}
	return fail_set(why, ST_IO, "queue %u: no answer from the kernel", q->o.number);
}

static enum status start(struct source *s, struct fail *why)
{
	struct queue *q = (struct queue *)s;
	uint32_t flags =
		(q->o.fail_open ? NFQA_CFG_F_FAIL_OPEN : 0U) | (q->o.gso ? NFQA_CFG_F_GSO : 0U);
	struct nlmsghdr *m = begin(q, q->verdicts, NFQNL_MSG_CONFIG);
	enum status st;

	nfq_nlmsg_cfg_put_cmd(m, AF_INET, NFQNL_CFG_CMD_BIND);
	st = confirmed(q, m, "listen", why);
	if (st != ST_OK)
		return st;
	m = begin(q, q->verdicts, NFQNL_MSG_CONFIG);
	nfq_nlmsg_cfg_put_params(m, NFQNL_COPY_PACKET, 0xffff);
	nfq_nlmsg_cfg_put_qmaxlen(m, QUEUE_LENGTH);
	mnl_attr_put_u32(m, NFQA_CFG_FLAGS, htonl(flags));
	mnl_attr_put_u32(m, NFQA_CFG_MASK, htonl(NFQA_CFG_F_FAIL_OPEN | NFQA_CFG_F_GSO));
	return confirmed(q, m, "say how packets should come", why);
}

/* --- verdicts --- */

static uint32_t passes(const struct queue *q)
{
	switch (q->o.mode) {
	case SOURCE_QUEUE_REPEAT:
		return NF_REPEAT;
	case SOURCE_QUEUE_ROUTE:
		return NF_QUEUE | (uint32_t)q->o.route << 16;
	default:
		return NF_ACCEPT;
	}
}

static struct nlmsghdr *verdict(const struct queue *q, void *at, int type, uint32_t id,
				uint32_t what)
{
	struct nlmsghdr *m = begin(q, at, type);

	nfq_nlmsg_verdict_put(m, (int)id, (int)what);
	return m;
}

static void send_all(const struct queue *q, const void *bytes, size_t n)
{
	/* if the kernel does not take it, the packets wait: then the guardian answers */
	if (n != 0)
		(void)mnl_socket_sendto(q->nl, bytes, n);
}

/* All up to `id` that were not answered, in this queue. */
static void pass_up_to(struct queue *q, uint32_t id)
{
	struct nlmsghdr *m = verdict(q, q->verdicts, NFQNL_MSG_VERDICT_BATCH, id, passes(q));

	if (q->o.mode == SOURCE_QUEUE_REPEAT) /* else they would come again, and again */
		nfq_nlmsg_verdict_put_mark(m, q->o.mark & q->o.mark_mask);
	send_all(q, m, m->nlmsg_len);
}

/* The verdict carries the packet. */
static void pass_changed(struct queue *q, size_t i)
{
	uint8_t message[64];
	struct nlmsghdr *m = verdict(q, message, NFQNL_MSG_VERDICT, q->held[i].id, passes(q));
	struct nlattr a = {.nla_type = NFQA_PAYLOAD};
	static const uint8_t pad[MNL_ALIGNTO];
	struct slice bytes = q->packets[i].data;
	size_t rest = ALIGNED(bytes.len) - bytes.len;
	struct iovec pieces[] = {{m, m->nlmsg_len},
				 {&a, sizeof a},
				 {(uint8_t *)(uintptr_t)bytes.ptr, bytes.len},
				 {(uint8_t *)(uintptr_t)pad, rest}};
	struct msghdr h = {.msg_iov = pieces, .msg_iovlen = sizeof pieces / sizeof pieces[0]};

	if (bytes.len > UINT16_MAX - sizeof a)
		return; /* passes as it came, with the others */
	a.nla_len = (uint16_t)(sizeof a + bytes.len);
	m->nlmsg_len += (uint32_t)(sizeof a + bytes.len + rest);
	(void)sendmsg(q->fd, &h, 0); /* as in send_all() */
}

static void answer(struct source *s)
{
	struct queue *q = (struct queue *)s;
	const struct source_batch *b = &q->source.batch;
	size_t used = 0, passing = 0;

	for (size_t i = 0; i < b->count; i++) {
		char *at = q->verdicts + used;
		struct nlmsghdr *m = NULL;

		if (q->packets[i].drop) {
			m = verdict(q, at, NFQNL_MSG_VERDICT, q->held[i].id, NF_DROP);
		} else if (q->packets[i].changed) {
			pass_changed(q, i);
			passing++;
		} else if (q->o.mode == SOURCE_QUEUE_REPEAT) {
			m = verdict(q, at, NFQNL_MSG_VERDICT, q->held[i].id, NF_REPEAT);
			nfq_nlmsg_verdict_put_mark(m, (q->held[i].mark & ~q->o.mark_mask) |
							      (q->o.mark & q->o.mark_mask));
		} else {
			passing++;
		}
		used += m != NULL ? ALIGNED(m->nlmsg_len) : 0;
	}
	if (passing != 0) {
		struct nlmsghdr *m = verdict(q, q->verdicts + used, NFQNL_MSG_VERDICT_BATCH,
					     q->held[b->count - 1].id, passes(q));

		used += ALIGNED(m->nlmsg_len);
	}
	send_all(q, q->verdicts, used);
}

/* All that waits passes, whether or not the worker had read it, and however many numbers went to
 * packets for which there was no room: we count it as we read it. */
static void seize(struct source *s)
{
	struct queue *q = (struct queue *)s;

	q->last = (uint32_t)atomic_load(&q->source.line->at[0]);
	q->numbered = q->last != NO_PACKET;
	pass_up_to(q, q->last + FAR_AHEAD);
}

/* --- packets --- */

static struct wall_ns time_of(const struct nlattr *a, struct wall_ns now)
{
	struct nfqnl_msg_packet_timestamp t;

	if (a == NULL || mnl_attr_get_payload_len(a) < sizeof t)
		return now;
	memcpy(&t, mnl_attr_get_payload(a), sizeof t);
	return (struct wall_ns){(int64_t)be64toh(t.sec) * TIME_NS_PER_S +
				(int64_t)be64toh(t.usec) * 1000};
}

static void number(struct queue *q, uint32_t id)
{
	if (q->numbered && (int32_t)(id - q->last) > 1)
		q->source.counters.passed += id - q->last - 1;
	q->last = id;
	q->numbered = true;
}

/* False: it is no packet, or none that can be looked at. */
static bool packet_of(struct queue *q, const uint8_t *bytes, size_t n, struct wall_ns now,
		      size_t at)
{
	const struct nlmsghdr *h = (const void *)bytes;
	struct nlattr *attrs[NFQA_MAX + 1] = {0};
	const struct nfqnl_msg_packet_hdr *head;
	struct source_packet *p = &q->packets[at];
	uint32_t info;

	if (!mnl_nlmsg_ok(h, (int)n) ||
	    h->nlmsg_type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET) ||
	    nfq_nlmsg_parse(h, attrs) < 0 || attrs[NFQA_PACKET_HDR] == NULL)
		return false;
	head = mnl_attr_get_payload(attrs[NFQA_PACKET_HDR]);
	q->held[at] = (struct held){
		.id = ntohl(head->packet_id),
		.mark = attrs[NFQA_MARK] != NULL ? ntohl(mnl_attr_get_u32(attrs[NFQA_MARK])) : 0};
	number(q, q->held[at].id);
	info = attrs[NFQA_SKB_INFO] != NULL ? ntohl(mnl_attr_get_u32(attrs[NFQA_SKB_INFO])) : 0;
	*p = (struct source_packet){.linktype = LINK_RAW,
				    .at = time_of(attrs[NFQA_TIMESTAMP], now),
				    .unsummed = (info & NFQA_SKB_CSUMNOTREADY) != 0};
	if (attrs[NFQA_PAYLOAD] != NULL)
		p->data = (struct slice){mnl_attr_get_payload(attrs[NFQA_PAYLOAD]),
					 mnl_attr_get_payload_len(attrs[NFQA_PAYLOAD])};
	p->wire_bytes = attrs[NFQA_CAP_LEN] != NULL ? ntohl(mnl_attr_get_u32(attrs[NFQA_CAP_LEN]))
						    : (uint32_t)p->data.len;
	q->source.counters.cut += p->data.len < p->wire_bytes;
	return true;
}

static enum status wait_for(struct queue *q, int timeout_ms, struct fail *why)
{
	struct pollfd p[2] = {{.fd = q->fd, .events = POLLIN}, {.fd = q->wake, .events = POLLIN}};
	uint64_t n;

	if (poll(p, 2, timeout_ms) < 0)
		return errno == EINTR ? ST_OK : failed(q, "wait", why);
	if (p[1].revents != 0 && read(q->wake, &n, sizeof n) < 0 && errno != EAGAIN)
		return failed(q, "wake", why);
	return ST_OK;
}

static enum status take(struct source *s, int timeout_ms, struct source_batch *out,
			struct fail *why)
{
	struct queue *q = (struct queue *)s;
	struct wall_ns now;
	enum status st;
	int got;

	if (s->line != NULL) { /* the other may have read on */
		q->last = (uint32_t)atomic_load(&s->line->at[0]);
		q->numbered = q->last != NO_PACKET;
	}
	got = recvmmsg(q->fd, q->messages, q->o.batch, MSG_DONTWAIT, NULL);
	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		st = wait_for(q, timeout_ms, why);
		if (st != ST_OK)
			return st;
		got = recvmmsg(q->fd, q->messages, q->o.batch, MSG_DONTWAIT, NULL);
	}
	out->border = got < (int)q->o.batch;
	if (got < 0)
		return errno == EAGAIN || errno == EINTR || errno == ENOBUFS
			       ? ST_OK
			       : failed(q, "read", why);
	now = os_clock_wall();
	out->packets = q->packets;
	for (int i = 0; i < got; i++)
		out->count += packet_of(q, q->pieces[i].iov_base, q->messages[i].msg_len, now,
					out->count);
	if (s->line == NULL || out->count == 0)
		return ST_OK;
	if (source_owned(s)) {
		atomic_store(&s->line->at[0], q->last);
	} else { /* not any more since we asked: what we got hold of passes */
		pass_up_to(q, q->last);
		out->count = 0;
	}
	return ST_OK;
}

/* --- life --- */

static void wake(struct source *s)
{
	const struct queue *q = (const struct queue *)s;
	uint64_t one = 1;

	if (write(q->wake, &one, sizeof one) < 0)
		return; /* woken so often that it is awake */
}

static void fds(const struct source *s, int out[SOURCE_FDS])
{
	out[0] = ((const struct queue *)s)->fd;
}

static void leave(struct source *s)
{
	struct queue *q = (struct queue *)s;

	if (q->nl != NULL)
		(void)mnl_socket_close(q->nl); /* what waits is dropped by the kernel */
	if (q->wake >= 0)
		(void)close(q->wake);
	if (q->room != NULL)
		(void)munmap(q->room, (size_t)SOURCE_BATCH * MESSAGE_BYTES); /* it is ours */
	q->nl = NULL;
	q->room = NULL;
	q->fd = q->wake = -1;
}

static enum status prepare(struct queue *q, struct fail *why)
{
	int on = 1, bytes = (int)q->o.receive_bytes;

	if (mnl_socket_bind(q->nl, 0, MNL_SOCKET_AUTOPID) != 0)
		return failed(q, "get an address", why);
	/* That it overflowed is seen by the numbers. Packets have the time when they came in only
	 * if somebody wants to know it. Without room of its own the socket has the system's. */
	(void)mnl_socket_setsockopt(q->nl, NETLINK_NO_ENOBUFS, &on, sizeof on);
	(void)setsockopt(q->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
	if (setsockopt(q->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
		(void)setsockopt(q->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	q->room = mmap(NULL, (size_t)SOURCE_BATCH * MESSAGE_BYTES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (q->room == MAP_FAILED) {
		q->room = NULL;
		return failed(q, "get memory", why);
	}
	for (size_t i = 0; i < SOURCE_BATCH; i++) {
		q->pieces[i] = (struct iovec){q->room + i * MESSAGE_BYTES, MESSAGE_BYTES};
		q->messages[i].msg_hdr = (struct msghdr){.msg_iov = &q->pieces[i], .msg_iovlen = 1};
	}
	return ST_OK;
}

enum status source_queue_open(const struct source_queue_options *o, struct arena *a,
			      struct source **out, struct fail *why)
{
	static const struct source_ops ops = {.start = start,
					      .take = take,
					      .answer = answer,
					      .seize = seize,
					      .fds = fds,
					      .wake = wake,
					      .close = leave};
	struct queue *q = ARENA_NEW(a, struct queue);
	enum status st;

	if (q == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a source");
	ASSERT(o->batch >= 1 && o->batch <= SOURCE_BATCH);
	q->source.ops = &ops;
	q->o = *o;
	q->fd = -1;
	q->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (q->nl != NULL)
		q->fd = mnl_socket_get_fd(q->nl);
	st = q->nl == NULL || q->wake < 0 ? failed(q, "open a socket", why) : prepare(q, why);
	if (st != ST_OK) {
		leave(&q->source);
		return st;
	}
	*out = &q->source;
	return ST_OK;
}
