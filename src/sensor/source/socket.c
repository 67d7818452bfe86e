/* SPDX-License-Identifier: Apache-2.0
 * What a tap and a bridge have in common: a packet socket on an interface. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <pcap/pcap.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sensor/source/source_priv.h"

enum status source_socket_failed(const struct source_socket *k, const char *what, struct fail *why)
{
	int err = errno;
	bool power = err == EPERM || err == EACCES;

	(void)fail_set(why, power ? ST_REFUSED : ST_IO, "%s: cannot %s: %s%s", k->name, what,
		       strerrordesc_np(err),
		       power ? " (it takes root, or CAP_NET_RAW and CAP_NET_ADMIN)" : "");
	why->sys_errno = err;
	return why->status;
}

int source_socket_option(const struct source_socket *k, int name, const void *value,
			 socklen_t bytes)
{
	return setsockopt(k->fd, SOL_PACKET, name, value, bytes);
}

enum status source_socket_open(struct source_socket *k, struct slice name, struct fail *why)
{
	if (name.len == 0 || name.len >= sizeof k->name)
		return fail_set(why, ST_NOTFOUND, "%.*s: no such interface", SLICE_ARG(name));
	memcpy(k->name, name.ptr, name.len);
	k->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0); /* 0: nothing comes before bind() */
	return k->fd >= 0 ? ST_OK : source_socket_failed(k, "open a packet socket", why);
}

static enum status filter_set(const struct source_socket *k, const struct sock_fprog *f,
			      struct fail *why)
{
	if (setsockopt(k->fd, SOL_SOCKET, SO_ATTACH_FILTER, f, sizeof *f) != 0)
		return source_socket_failed(k, "set a filter", why);
	return ST_OK;
}

enum status source_socket_refuse_all(const struct source_socket *k, struct fail *why)
{
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);

	return filter_set(k, &(struct sock_fprog){1, &none}, why);
}

/* The operator's filter; libpcap's instructions are the kernel's. */
static enum status filter_compiled(const struct source_socket *k, struct slice filter,
				   uint32_t snaplen, struct fail *why)
{
	pcap_t *p =
		pcap_open_dead(k->linktype == SOURCE_LINK_RAW ? DLT_RAW : DLT_EN10MB, (int)snaplen);
	struct bpf_program code = {0};
	char text[4096];
	enum status st;

	if (p == NULL || filter.len >= sizeof text) {
		if (p != NULL)
			pcap_close(p);
		return fail_set(why, ST_LIMIT, "%s: the filter is too long", k->name);
	}
	memcpy(text, filter.ptr, filter.len);
	text[filter.len] = '\0';
	if (pcap_compile(p, &code, text, 1, PCAP_NETMASK_UNKNOWN) != 0) {
		st = fail_set(why, ST_INVALID, "%s: filter \"%s\": %s", k->name, text,
			      pcap_geterr(p));
	} else {
		_Static_assert(sizeof(struct bpf_insn) == sizeof(struct sock_filter), "one form");
		st = filter_set(
			k, &(struct sock_fprog){(unsigned short)code.bf_len, (void *)code.bf_insns},
			why);
		pcap_freecode(&code);
	}
	pcap_close(p);
	return st;
}

/* Nobody who gets hold of the process later can let more in, or less. */
static enum status filter_lock(const struct source_socket *k, struct fail *why)
{
	int on = 1;

	if (setsockopt(k->fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on) != 0)
		return source_socket_failed(k, "lock the filter", why);
	return ST_OK;
}

enum status source_socket_let_in(const struct source_socket *k, struct slice filter,
				 uint32_t snaplen, struct fail *why)
{
	uint32_t most = snaplen != 0 ? snaplen : SOURCE_SNAP_ALL;
	struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, most);
	enum status st = filter.len != 0 ? filter_compiled(k, filter, most, why)
					 : filter_set(k, &(struct sock_fprog){1, &all}, why);

	return st == ST_OK ? filter_lock(k, why) : st;
}

enum status source_socket_let_in_arrivals(const struct source_socket *k, struct fail *why)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, SOURCE_SNAP_ALL)};
	enum status st = filter_set(k, &(struct sock_fprog){sizeof code / sizeof *code, code}, why);

	return st == ST_OK ? filter_lock(k, why) : st;
}

enum status source_socket_look_at(struct source_socket *k, int *out_index, struct fail *why)
{
	struct ifreq r = {0};

	_Static_assert(sizeof r.ifr_name == sizeof k->name, "IFNAMSIZ");
	memcpy(r.ifr_name, k->name, sizeof k->name);
	if (ioctl(k->fd, SIOCGIFINDEX, &r) != 0)
		return fail_set(why, ST_NOTFOUND, "%s: no such interface", k->name);
	*out_index = r.ifr_ifindex;
	if (ioctl(k->fd, SIOCGIFHWADDR, &r) != 0)
		return source_socket_failed(k, "look at it", why);
	k->loopback = r.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK;
	switch (r.ifr_hwaddr.sa_family) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK:
		k->linktype = SOURCE_LINK_EN10MB;
		return ST_OK;
	case ARPHRD_NONE:
	case ARPHRD_RAWIP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
		k->linktype = SOURCE_LINK_RAW;
		return ST_OK;
	default:
		return fail_set(why, ST_INVALID,
				"%s: link type %u is not decoded (Ethernet and "
				"raw IP are)",
				k->name, r.ifr_hwaddr.sa_family);
	}
}

enum status source_socket_bind(const struct source_socket *k, int index, bool promiscuous,
			       struct fail *why)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_protocol = __builtin_bswap16(ETH_P_ALL),
				 .sll_ifindex = index};
	struct packet_mreq all = {.mr_type = PACKET_MR_PROMISC, .mr_ifindex = index};

	if (bind(k->fd, (const struct sockaddr *)(const void *)&to, sizeof to) != 0)
		return source_socket_failed(k, "bind to it", why);
	if (promiscuous && source_socket_option(k, PACKET_ADD_MEMBERSHIP, &all, sizeof all) != 0)
		return source_socket_failed(k, "make it promiscuous", why);
	return ST_OK;
}

enum status source_socket_join(const struct source_socket *k, const struct source_tap_options *o,
			       struct fail *why)
{
	static const int modes[] = {[SOURCE_SPREAD_PAIR] = PACKET_FANOUT_CBPF,
				    [SOURCE_SPREAD_FLOW] = PACKET_FANOUT_HASH,
				    [SOURCE_SPREAD_QUEUE] = PACKET_FANOUT_QM,
				    [SOURCE_SPREAD_CPU] = PACKET_FANOUT_CPU};
	struct source_group *g = o->group;
	bool first = !g->known;
	unsigned flags =
		(o->defrag && o->spread == SOURCE_SPREAD_FLOW ? PACKET_FANOUT_FLAG_DEFRAG : 0U) |
		(first ? PACKET_FANOUT_FLAG_UNIQUEID : 0U);
	unsigned arg = g->id | ((unsigned)modes[o->spread] | flags) << 16, got;
	struct sock_filter code[SOURCE_SPREAD_MAX];
	struct sock_fprog program = {source_spread_program(o->seed, code), code};
	socklen_t len = sizeof got;

	if (source_socket_option(k, PACKET_FANOUT, &arg, sizeof arg) != 0)
		return source_socket_failed(
			k,
			"join the group of its sockets (another program may use this "
			"cluster-id)",
			why);
	if (first) {
		if (getsockopt(k->fd, SOL_PACKET, PACKET_FANOUT, &got, &len) != 0)
			return source_socket_failed(k, "learn the group's number", why);
		g->id = (uint16_t)got; /* any number, 0 among them */
		g->known = true;
	}
	if (o->spread == SOURCE_SPREAD_PAIR &&
	    source_socket_option(k, PACKET_FANOUT_DATA, &program, sizeof program) != 0)
		return source_socket_failed(k, "say how packets are spread", why);
	return ST_OK;
}

uint8_t *source_tag_restore(uint8_t *frame, uint32_t tpid, uint32_t tci)
{
	if (tpid == 0)
		tpid = ETH_P_8021Q;
	memmove(frame - SOURCE_TAG, frame, SOURCE_MACS);
	frame -= SOURCE_TAG;
	frame[SOURCE_MACS] = (uint8_t)(tpid >> 8);
	frame[SOURCE_MACS + 1] = (uint8_t)tpid;
	frame[SOURCE_MACS + 2] = (uint8_t)(tci >> 8);
	frame[SOURCE_MACS + 3] = (uint8_t)tci;
	return frame;
}
