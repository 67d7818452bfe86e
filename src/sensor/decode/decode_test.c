/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode.h"

#include <stdlib.h>

#include "test.h"

struct rig {
	struct arena_pool pool;
	struct arena process;
	struct decode_worker *w;
	struct wall_ns at;
	uint64_t number;
	uint32_t wire_bytes;
	struct packet p;    /* the first one to be looked at: the innermost */
	struct packet last; /* the captured one */
	size_t count;
};

static void rig_open(struct rig *r)
{
	*r = (struct rig){.pool = {.budget = 1 << 22}};
	r->process.pool = &r->pool;
	r->w = decode_worker_new(NULL, &r->process, &r->pool);
}

static size_t rig_close(struct rig *r)
{
	decode_worker_free(r->w);
	arena_reset(&r->process);
	arena_pool_drain(&r->pool);
	return r->pool.out;
}

static void look(struct rig *r, uint32_t link, struct slice bytes)
{
	struct decode_input in = {link, bytes, r->wire_bytes, r->at, r->number};
	const struct decode_packets *d = decode_frame(r->w, &in);

	r->count = d->count;
	r->p = *d->list[0];
	r->last = *d->list[d->count - 1];
}

static uint8_t room[1 << 18]; /* for the frames of one test */
static size_t used;

static uint8_t *take(size_t n)
{
	ASSERT(n <= sizeof room - used);
	used += n;
	return room + used - n;
}

/* Layers, put together from the inside: each function puts its header in front. */
static struct slice in(struct slice header, struct slice f)
{
	uint8_t *at = take(header.len + f.len);

	memcpy(at, header.ptr, header.len);
	if (f.len != 0)
		memcpy(at + header.len, f.ptr, f.len);
	return (struct slice){at, header.len + f.len};
}

static struct slice ip4(uint8_t proto, struct slice f)
{
	size_t total = f.len + 20;
	uint8_t h[20] = {0x45, 7, (uint8_t)(total >> 8), (uint8_t)total, 0, 9, 0x40, 0, 63, proto};

	h[12] = 10, h[15] = 1, h[16] = 10, h[19] = 2;
	return in((struct slice){h, sizeof h}, f);
}

static struct slice ip6(uint8_t next, struct slice f)
{
	size_t len = f.len;
	uint8_t h[40] = {0x60, 0x70, 0, 0, (uint8_t)(len >> 8), (uint8_t)len, next, 62};

	h[8] = h[24] = 0x20, h[23] = 1, h[39] = 2;
	return in((struct slice){h, sizeof h}, f);
}

static struct slice udp(uint16_t dport, struct slice f)
{
	size_t len = f.len + 8;
	uint8_t h[8] = {4,	     0, (uint8_t)(dport >> 8), (uint8_t)dport, (uint8_t)(len >> 8),
			(uint8_t)len};

	return in((struct slice){h, sizeof h}, f);
}

#define MACS "\0\0\0\0\0\2\0\0\0\0\0\1"
#define TCP_HEAD "\4\0\0\x50\0\0\0\1\0\0\0\2\x50\x18\xff\xff\0\0\0\5"

static struct slice tcp_hello(void)
{
	return in(SLICE(TCP_HEAD), SLICE("hello"));
}

static struct slice ethernet(struct slice f)
{
	return in(SLICE(MACS "\x08\0"), f);
}

/* Decodes a copy that ends where its memory ends, so that ASan sees the first byte too far. */
static void decode(struct rig *r, uint32_t link, struct slice s)
{
	uint8_t *exact = malloc(s.len ? s.len : 1);

	if (s.len)
		memcpy(exact, s.ptr, s.len);
	r->wire_bytes = (uint32_t)s.len;
	look(r, link, (struct slice){exact, s.len});
	free(exact); /* slices of r->p into it must not be read any more */
}

static bool has(const struct packet *p, const char *name)
{
	for (unsigned i = 0; decode_anomalies[i] != NULL; i++)
		if (slice_equal(slice_of(decode_anomalies[i]), slice_of(name)))
			return packet_has_anomaly(p, i);
	return false;
}

static bool clean(const struct packet *p)
{
	return (p->anomalies[0] | p->anomalies[1] | p->anomalies[2]) == 0;
}

static void anomalies_have_different_names(struct test *t)
{
	unsigned n = 0;

	for (; decode_anomalies[n] != NULL; n++)
		for (unsigned k = 0; k < n; k++)
			EXPECT(t, !slice_equal(slice_of(decode_anomalies[k]),
					       slice_of(decode_anomalies[n])));
	EXPECT(t, n < PACKET_ANOMALIES_MAX);
}

static void ethernet_tcp_has_all_layers(struct test *t)
{
	struct slice f = ethernet(ip4(6, tcp_hello()));
	struct rig r;
	char text[ADDR_TEXT_MAX];
	struct slice padded;

	rig_open(&r);
	r.at.ns = 5;
	r.number = 7;
	r.wire_bytes = 60;
	padded = f;
	look(&r, 1, padded);
	EXPECT(t, r.p.at.ns == 5 && r.p.number == 7 && r.p.wire_bytes == 60);
	EXPECT_SLICE(t, addr_format(&r.p.src, text), SLICE("10.0.0.1"));
	EXPECT_SLICE(t, addr_format(&r.p.dst, text), SLICE("10.0.0.2"));
	EXPECT(t,
	       r.p.ip_version == 4 && r.p.proto == IP_PROTO_TCP && r.p.ttl == 63 && r.p.tos == 7);
	EXPECT(t, r.p.ip_id == 9 && r.p.ip_flags == 2 && r.p.ip_fragment_offset == 0);
	EXPECT(t, r.p.sport == 1024 && r.p.dport == 80 && r.p.tcp.seq == 1 && r.p.tcp.ack == 2);
	EXPECT(t, r.p.tcp.flags == (TCP_PSH | TCP_ACK) && r.p.tcp.window == 0xffff);
	EXPECT_UINT(t, r.p.tcp.urgent, 5);
	EXPECT_UINT(t, r.p.ip_header.len, 20);
	EXPECT_UINT(t, r.p.l4_header.len, 20);
	EXPECT_SLICE(t, r.p.payload, SLICE("hello"));
	EXPECT(t, clean(&r.p) && !r.p.fragment && !r.p.broken);
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void padding_behind_the_packet_is_not_payload(struct test *t)
{
	struct slice f = SLICE("padding");
	struct rig r;
	struct slice tcp;
	struct slice whole = ip4(6, tcp_hello());

	rig_open(&r);
	tcp = whole;
	f = in(SLICE(MACS "\x08\0"), in(tcp, f));
	look(&r, 1, f);
	EXPECT_SLICE(t, r.p.payload, SLICE("hello"));
	EXPECT_UINT(t, rig_close(&r), 0);
}

/* The same IPv4 and IPv6 packets below every link type and encapsulation we know. */
static void every_encapsulation_leads_to_the_packet(struct test *t)
{
	struct slice v4 = ip4(6, tcp_hello()), v6 = ip6(6, tcp_hello()), eth = ethernet(v4);
	const struct {
		uint32_t link;
		struct slice f;
	} cases[] = {
		{1, eth},
		{1, in(SLICE(MACS "\x86\xdd"), v6)},
		{12, v4},
		{14, v6},
		{101, v4},
		{101, v6},
		{228, v4},
		{229, v6},
		{0, in(SLICE("\2\0\0\0"), v4)},
		{0, in(SLICE("\0\0\0\x1e"), v6)},
		{108, in(SLICE("\0\0\0\2"), v4)},
		{108, in(SLICE("\0\0\0\x18"), v6)},
		{0, in(SLICE("\x1c\0\0\0"), v6)},
		{0, in(SLICE("\x0a\0\0\0"), v6)},
		{113, in(SLICE("\0\0\0\1\0\6\0\0\0\0\0\1\0\0\x08\0"), v4)},
		{276, in(SLICE("\x86\xdd\0\0\0\0\0\2\0\1\0\6\0\0\0\0\0\1\0\0"), v6)},
		{9, in(SLICE("\0\x21"), v4)},
		{9, in(SLICE("\x57"), v6)},
		{50, in(SLICE("\xff\3\0\x57"), v6)},
		{104, in(SLICE("\x0f\0\x08\0"), v4)},
		{1, in(SLICE(MACS "\x81\0\0\5\x08\0"), v4)},
		{1, in(SLICE(MACS "\x88\xa8\0\5\x81\0\0\6\x91\0\0\7\x08\0"), v4)},
		{1, in(SLICE(MACS "\x88\x64\x11\0\0\1\0\x2f\0\x21"), v4)}, /* 45 + 2 bytes */
		{1, in(SLICE(MACS "\x88\x47\0\1\0\x40\0\1\1\x40"), v4)},
		{1, in(SLICE(MACS "\x88\x47\0\0\x21\x40"), v6)}, /* explicit null for IPv6 */
		{1, in(SLICE(MACS "\x88\x48\0\1\1\x40\0\0\0\0"), eth)},
		{101, ip4(4, v4)},
		{101, ip4(41, v6)},
		{101, ip6(4, v4)},
		{101, ip6(41, v6)},
		{101, ip4(47, in(SLICE("\0\0\x08\0"), v4))},
		{101, ip6(47, in(SLICE("\xb0\0\x86\xdd\1\2\0\0\0\0\0\1\0\0\0\2"), v6))},
		{101, ip4(47, in(SLICE("\0\0\x65\x58"), eth))},
		{101,
		 ip4(47, in(SLICE("\x30\x81\x88\x0b\0\x40\0\1\0\0\0\1\0\0\0\1\xff\3\0\x21"), v4))},
		{101, ip4(47, in(SLICE("\x10\0\x88\xbe\0\0\0\1\x10\1\0\0\0\0\0\0"), eth))},
		{101, ip4(17, udp(4789, in(SLICE("\x08\0\0\0\0\0\5\0"), eth)))},
		{101, ip6(17, udp(4789, in(SLICE("\x08\0\0\0\0\0\5\0"), eth)))},
		{101, ip4(17, udp(6081, in(SLICE("\1\0\x65\x58\0\0\5\0\0\1\2\0"), eth)))},
		{101, ip4(17, udp(6081, in(SLICE("\0\0\x86\xdd\0\0\5\0"), v6)))},
		{101, ip4(17, udp(3544, v6))},
		{101, ip4(17, udp(3544, in(SLICE("\0\0\1\1\1\1\1\1"), v6)))},
		{101, ip4(17, udp(3544, in(SLICE("\0\1\2\1idaNNNNNNNNc\0\0\1\1\1\1\1\1"), v6)))},
		{101, ip4(51, v4)}, /* not walked in IPv4: see below */
	};
	struct rig r;

	rig_open(&r);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0] - 1; i++) {
		EXPECT(t, decode_knows_link(cases[i].link));
		look(&r, cases[i].link, cases[i].f);
		if (!slice_equal(r.p.payload, SLICE("hello")) || r.p.dport != 80 ||
		    r.p.proto != IP_PROTO_TCP || !clean(&r.p)) {
			test_fail(t, __FILE__, __LINE__, "case %zu: %.*s", i,
				  SLICE_ARG(r.p.payload));
			return;
		}
		if (i == 21)
			EXPECT(t, r.p.vlans == 3 && r.p.vlan[0] == 5 && r.p.vlan[1] == 6 &&
					  r.p.vlan[2] == 7);
	}
	look(&r, 101, cases[sizeof cases / sizeof cases[0] - 1].f);
	EXPECT(t, r.p.proto == 51 && r.p.payload.len == 45 && clean(&r.p));
	EXPECT(t, !decode_knows_link(147) && !decode_knows_link(UINT32_MAX));
	look(&r, 65537, eth); /* not link type 1 */
	EXPECT_UINT(t, r.p.ip_version, 0);
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void a_tunnel_with_nonsense_inside_is_its_outer_packet(struct test *t)
{
	struct slice f = ip4(
		17, udp(4789, in(SLICE("\x08\0\0\0\0\0\5\0" MACS "\x08\0"), SLICE("no packet"))));
	struct slice g = ip4(17, udp(4789, SLICE("not VXLAN at all")));
	struct slice h = ip4(47, in(SLICE("\0\0\x08\0"), SLICE("\x45short")));
	struct rig r;

	rig_open(&r);
	look(&r, 101, f); /* VXLAN carries a frame, whatever is in it */
	EXPECT_UINT(t, r.count, 2);
	EXPECT(t, r.last.dport == 4789 && r.last.payload.len == 31 && clean(&r.last));
	EXPECT(t, r.p.ip_version == 0 && r.p.broken && has(&r.p, "ipv4.pkt_too_small"));
	look(&r, 101, g);
	EXPECT_UINT(t, r.count, 1);
	EXPECT_SLICE(t, r.p.payload, SLICE("not VXLAN at all"));
	EXPECT(t, clean(&r.p) && !r.p.carries);
	look(&r, 101, h); /* no frame around it: there is nothing */
	EXPECT(t, r.count == 1 && r.p.proto == 47 && r.p.ip_version == 4 && clean(&r.p));
	EXPECT_UINT(t, rig_close(&r), 0);
}

/* Ethernet, IPv4, GRE, IPv6, UDP, VXLAN, Ethernet with a VLAN, IPv4, TCP. */
static void packets_of_a_frame_come_from_the_inside(struct test *t)
{
	struct slice v4 = ip4(6, tcp_hello());
	struct slice eth = in(SLICE(MACS "\x81\0\0\7\x08\0"), v4);
	struct slice v6 = ip6(17, udp(4789, in(SLICE("\x08\0\0\0\0\0\5\0"), eth)));
	struct slice f = in(SLICE(MACS "\x81\0\0\5\x08\0"), ip4(47, in(SLICE("\0\0\x86\xdd"), v6)));
	struct decode_input input = {.linktype = 1, .bytes = f, .wire_bytes = 999, .number = 3};
	const struct decode_packets *d;
	struct rig r;

	rig_open(&r);
	d = decode_frame(r.w, &input);
	EXPECT_UINT(t, d->count, 3);
	EXPECT_SLICE(t, d->list[0]->payload, SLICE("hello"));
	EXPECT(t, d->list[0]->depth == 2 && d->list[0]->source == PACKET_IN_VXLAN);
	EXPECT(t, d->list[0]->vlans == 1 && d->list[0]->vlan[0] == 7);
	EXPECT(t, slice_equal(d->list[0]->frame, eth) && d->list[0]->ether.ptr[5] == 2);
	EXPECT(t, d->list[0]->linktype == DECODE_LINKTYPE_RAW && !d->list[0]->carries);
	EXPECT(t, d->list[1]->depth == 1 && d->list[1]->source == PACKET_IN_GRE);
	EXPECT(t, d->list[1]->dport == 4789 && d->list[1]->carries && d->list[1]->vlans == 0);
	EXPECT(t, slice_equal(d->list[1]->frame, v6) && d->list[1]->wire_bytes == v6.len);
	EXPECT(t, d->list[2]->depth == 0 && d->list[2]->source == PACKET_CAPTURED);
	EXPECT(t, d->list[2]->proto == 47 && d->list[2]->flowless && d->list[2]->carries);
	EXPECT(t, d->list[2]->vlan[0] == 5 && d->list[2]->wire_bytes == 999);
	for (size_t i = 0; i < d->count; i++) {
		EXPECT(t, d->list[i]->root == (i == 2 ? NULL : d->list[2]));
		EXPECT(t, clean(d->list[i]) && d->list[i]->number == 3);
	}
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void packets_in_packets_end_at_the_limit(struct test *t)
{
	struct slice f = tcp_hello();
	struct rig r;

	rig_open(&r);
	f = ip4(6, f);
	for (int i = 0; i < 6; i++)
		f = ip4(4, f);
	look(&r, 101, f); /* raw, IPv4, 6 times a tunnel and IPv4: 14 of less than 16 layers */
	EXPECT(t, r.count == 7 && r.p.depth == 6 && r.p.dport == 80 && clean(&r.p));
	f = ip4(4, f);
	look(&r, 101, f);
	EXPECT(t, r.count == 7 && r.p.depth == 6 && r.p.dport == 0);
	f = in(SLICE("\0\0\x08\0"), f);
	f = ip4(47, in(SLICE("\0\0\x65\x58"), ethernet(ip4(47, f))));
	look(&r, 101, f);
	EXPECT(t, has(&r.p, "too_many_layers") && r.p.dport == 0);
	EXPECT_UINT(t, rig_close(&r), 0);
}

/* A frame, and the only anomaly it has. */
struct odd {
	uint32_t link;
	struct slice f;
	const char *anomaly;
	bool broken;
};

static void expect_odd(struct test *t, const struct odd *cases, size_t n)
{
	struct rig r;

	rig_open(&r);
	for (size_t i = 0; i < n; i++) {
		decode(&r, cases[i].link, cases[i].f);
		if (!has(&r.p, cases[i].anomaly) || r.p.broken != cases[i].broken)
			test_fail(t, __FILE__, __LINE__, "case %zu: %s is %ssaid", i,
				  cases[i].anomaly, has(&r.p, cases[i].anomaly) ? "" : "not ");
	}
	EXPECT_UINT(t, rig_close(&r), 0);
}

#define IP4_TAIL "\0\0\0\0\x40\x11\0\0\x0a\0\0\1\x0a\0\0\2"

static void what_is_wrong_twice_is_met_twice_and_in_order(struct test *t)
{
	/* a security option without its body, then an option longer than all of them */
	const struct slice wrong = SLICE("\x48\0\0\x20" IP4_TAIL "\x82\2\xf1\x35\0\0\0\0\0\0\0\0");
	static const char *const want[] = {"ipv4.opt_pad_required", "ipv4.opt_invalid_len",
					   "ipv4.opt_invalid_len"};
	uint8_t many[60] = {0x4f, 0, 0, 60}; /* 20 routes, all too short */
	struct rig r;

	rig_open(&r);
	decode(&r, 101, wrong);
	EXPECT(t, r.p.odd_count >= 3); /* what it carries is wrong, too */
	for (unsigned i = 0; i < 3; i++)
		EXPECT_SLICE(t, slice_of(decode_anomalies[r.p.odd[i]]), slice_of(want[i]));
	memcpy(many + 4, IP4_TAIL, 16);
	for (size_t i = 20; i < sizeof many; i += 2) {
		many[i] = 7;
		many[i + 1] = 2;
	}
	decode(&r, 101, (struct slice){many, sizeof many});
	EXPECT_UINT(t, r.p.odd_count, PACKET_ODD_MAX);
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void headers_that_lie_are_named_ip4(struct test *t)
{
	const struct odd cases[] = {
		{101, SLICE("\x45\0\0\x14\0\0\0\0\x40\6\0\0\x0a\0\0\1\x0a\0\0"),
		 "ipv4.pkt_too_small", true},
		{1, SLICE(MACS "\x08\0\x65\0\0\x14" IP4_TAIL), "ipv4.wrong_ip_version", true},
		{101, SLICE("\x44\0\0\x14" IP4_TAIL), "ipv4.hlen_too_small", true},
		{101, SLICE("\x46\0\0\x14" IP4_TAIL "\0\0\0\0"), "ipv4.iplen_smaller_than_hlen",
		 true},
		{101, SLICE("\x45\0\0\x15" IP4_TAIL), "ipv4.trunc_pkt", true},
		{101,
		 SLICE("\x46\0\0\x20" IP4_TAIL "\x07\x05\0\0"
		       "\0\1\0\2\0\x08\0\0"),
		 "ipv4.opt_invalid_len", false},
		{101,
		 SLICE("\x46\0\0\x20" IP4_TAIL "\x94\x04\0\0"
		       "\0\1\0\2\0\x08\0\0"),
		 "ipv4.opt_pad_required", false},
		{101,
		 SLICE("\x47\0\0\x24" IP4_TAIL "\x94\x04\0\0\x94\x04\0\0"
		       "\0\1\0\2\0\x08\0\0"),
		 "ipv4.opt_duplicate", false},
		{101,
		 SLICE("\x46\0\0\x20" IP4_TAIL "\x63\x04\0\0"
		       "\0\1\0\2\0\x08\0\0"),
		 "ipv4.opt_invalid", false},
		{101,
		 SLICE("\x46\0\0\x20" IP4_TAIL "\1\1\1\x63"
		       "\0\1\0\2\0\x08\0\0"),
		 "ipv4.opt_eol_required", false},
		{101, ip4(58, SLICE("\x80\0\0\0\0\0\0\0")), "ipv4.icmpv6", true},
		{101, ip4(6, SLICE("0123456789012345678")), "tcp.pkt_too_small", true},
		{101, ip4(6, SLICE("\0\1\0\2\0\0\0\0\0\0\0\0\x40\0\0\0\0\0\0\0")),
		 "tcp.invalid_optlen", true},
		{101, ip4(6, SLICE("\0\1\0\2\0\0\0\0\0\0\0\0\x60\0\0\0\0\0\0\0")),
		 "tcp.hlen_too_small", true},
		{101, ip4(6, SLICE("\0\1\0\2\0\0\0\0\0\0\0\0\x60\0\0\0\0\0\0\0\2\5\0\0")),
		 "tcp.opt_invalid_len", false},
		{101, ip4(6, SLICE("\0\1\0\2\0\0\0\0\0\0\0\0\x60\0\0\0\0\0\0\0\3\4\0\0")),
		 "tcp.opt_invalid_len", false},
		{101, ip4(6, SLICE("\0\1\0\2\0\0\0\0\0\0\0\0\x70\0\0\0\0\0\0\0\3\3\1\3\3\1\0\0")),
		 "tcp.opt_duplicate", false},
		{101, ip4(17, SLICE("\0\1\0\2\0\x08\0")), "udp.hlen_too_small", true},
		{101, ip4(17, SLICE("\0\1\0\2\0\x09\0\0")), "udp.pkt_too_small", true},
		{101, ip4(17, SLICE("\0\1\0\2\0\7\0\0")), "udp.len_invalid", true},
		{101, ip4(132, SLICE("\0\1\0\2\0\0\0\0\0\0\0")), "sctp.pkt_too_small", true},
		{101, ip4(50, SLICE("\0\1\0\2\0\0\0")), "esp.pkt_too_small", true},
		{101, ip4(1, SLICE("\x08\0\0\0\0\0\0")), "icmpv4.pkt_too_small", true},
		{101, ip4(1, SLICE("\x63\0\0\0\0\0\0\0")), "icmpv4.unknown_type", false},
		{101, ip4(1, SLICE("\x08\1\0\0\0\0\0\0")), "icmpv4.unknown_code", false},
		{101, ip4(1, SLICE("\x09\5\0\0\0\0\0\0")), "icmpv4.unknown_code", false},
		{101, ip4(1, SLICE("\3\1\0\0\0\0\0\0\x45\0\0\x14")), "icmpv4.ipv4_trunc_pkt",
		 false},
		{101, ip4(1, SLICE("\3\1\0\0\0\0\0\0\x55\0\0\x14" IP4_TAIL)),
		 "icmpv4.ipv4_unknown_ver", false},
	};

	expect_odd(t, cases, sizeof cases / sizeof cases[0]);
}

static void headers_that_lie_are_named_ip6(struct test *t)
{
	struct slice nothing = (struct slice){NULL, 0}, u = udp(53, SLICE("x"));
	struct slice cut = slice_part(ip6(17, u), 0, 48); /* a byte is missing */
	struct odd cases[] = {
		{229, SLICE("\x60too small"), "ipv6.pkt_too_small", true},
		{1, in(SLICE(MACS "\x86\xdd"), ip4(17, udp(53, SLICE("long enough to be IPv6")))),
		 "ipv6.wrong_ip_version", true},
		{101, cut, "ipv6.trunc_pkt", true},
		{101, ip6(0, in(SLICE("\x11\1\5\2\0\0\0\0"), nothing)), "ipv6.trunc_exthdr", true},
		{101, ip6(44, SLICE("\x11\0\0\0")), "ipv6.trunc_exthdr", true},
		{101, ip6(44, in(SLICE("\x11\0\0\0\0\0\0\1"), u)), "ipv6.exthdr_useless_fh", false},
		{101, ip6(44, in(SLICE("\x2c\0\0\0\0\0\0\1\x11\0\0\0\0\0\0\1"), u)),
		 "ipv6.exthdr_dupl_fh", false},
		{101, ip6(44, in(SLICE("\x11\1\0\0\0\0\0\1"), u)),
		 "ipv6.fh_non_zero_reserved_field", false},
		{101, ip6(43, in(SLICE("\x2b\0\2\0\0\0\0\0\x11\0\2\0\0\0\0\0"), u)),
		 "ipv6.exthdr_dupl_rh", false},
		{101, ip6(43, in(SLICE("\x11\0\0\0\0\0\0\0"), u)), "ipv6.rh_type_0", false},
		{101, ip6(0, in(SLICE("\0\0\5\2\0\0\1\0\x11\0\5\2\0\0\1\0"), u)),
		 "ipv6.exthdr_dupl_hh", false},
		{101,
		 ip6(60, in(SLICE("\x3c\0\1\4\0\0\0\0\x3c\0\1\4\0\0\0\0\x11\0\1\4\0\0\0\0"), u)),
		 "ipv6.exthdr_dupl_dh", false},
		{101, ip6(51, in(SLICE("\x33\1\0\0\0\0\0\1\0\0\0\1\x11\1\0\0\0\0\0\1\0\0\0\1"), u)),
		 "ipv6.exthdr_dupl_ah", false},
		{101, ip6(51, in(SLICE("\x11\1\0\1\0\0\0\1\0\0\0\1"), u)),
		 "ipv6.exthdr_ah_res_not_null", false},
		{101, ip6(0, in(SLICE("\x11\0\x63\5\0\0\0\0"), u)), "ipv6.exthdr_invalid_optlen",
		 true},
		{101, ip6(0, in(SLICE("\x11\0\x63\4\0\0\0\0"), u)), "ipv6.hopopts_unknown_opt",
		 false},
		{101, ip6(0, in(SLICE("\x11\0\1\4\0\0\0\0"), u)), "ipv6.hopopts_only_padding",
		 false},
		{101, ip6(60, in(SLICE("\x11\0\x63\4\0\0\0\0"), u)), "ipv6.dstopts_unknown_opt",
		 false},
		{101, ip6(60, in(SLICE("\x11\0\0\0\0\0\0\0"), u)), "ipv6.dstopts_only_padding",
		 false},
		{101, ip6(60, in(SLICE("\x11\0\1\0\1\0\1\0"), u)), "ipv6.zero_len_padn", false},
		{101, ip6(59, SLICE("x")), "ipv6.data_after_none_header", false},
		{101, ip6(253, SLICE("x")), "ipv6.unknown_next_header", false},
		{101, ip6(1, SLICE("\x08\0\0\0\0\0\0\0")), "ipv6.icmpv4", false},
		{101, ip6(58, SLICE("\x80\0\0\0\0\0\0")), "icmpv6.pkt_too_small", true},
		{101, ip6(58, SLICE("\x7f\0\0\0\0\0\0\0")), "icmpv6.unknown_type", false},
		{101, ip6(58, SLICE("\xc0\0\0\0\0\0\0\0")), "icmpv6.unassigned_type", false},
		{101, ip6(58, SLICE("\x9b\x04\0\0\0\0\0\0")), "icmpv6.unknown_code", false},
		{101, ip6(58, SLICE("\5\0\0\0\0\0\0\0")), "icmpv6.unassigned_type", false},
		{101, ip6(58, SLICE("\x64\0\0\0\0\0\0\0")), "icmpv6.experimentation_type", false},
		{101, ip6(58, SLICE("\xc8\0\0\0\0\0\0\0")), "icmpv6.experimentation_type", false},
		{101, ip6(58, SLICE("\1\x07\0\0\0\0\0\0")), "icmpv6.unknown_code", false},
		{101, ip6(58, SLICE("\1\0\0\0\0\0\0\0\x60")), "icmpv6.ipv6_trunc_pkt", false},
		{101,
		 ip6(58, in(SLICE("\1\0\0\0\0\0\0\0"), ip4(17, SLICE("twenty bytes of text")))),
		 "icmpv6.ipv6_unknown_version", false},
		{101, ip6(58, SLICE("\x82\0\0\0\0\0\0\0")), "icmpv6.mld_message_with_invalid_hl",
		 false},
	};

	expect_odd(t, cases, sizeof cases / sizeof cases[0]);
}

static void headers_that_lie_are_named_links_and_tunnels(struct test *t)
{
	struct slice v4 = ip4(6, tcp_hello()), x = SLICE("x");
	const struct odd cases[] = {
		{1, SLICE(MACS "\x08"), "ethernet.pkt_too_small", true},
		{1, SLICE(MACS "\x12\x34"), "ethernet.unknown_ethertype", false},
		{101,
		 ip4(17, udp(4789, in(SLICE("\x08\0\0\0\0\0\5\0" MACS "\x12\x34"), SLICE("x")))),
		 "vxlan.unknown_payload_type", true},
		{1, SLICE(MACS "\x81\0\0\1\x08"), "vlan.header_too_small", true},
		{1, SLICE(MACS "\x81\0\0\1\x12\x34"), "vlan.unknown_type", true},
		{1, in(SLICE(MACS "\x81\0\0\1\x81\0\0\1\x81\0\0\1\x81\0\0\1\x08\0"), v4),
		 "vlan.too_many_layers", false},
		{113, SLICE("0123456789abcde"), "sll.pkt_too_small", true},
		{276, SLICE("0123456789abcdefghi"), "sll2.pkt_too_small", true},
		{0, SLICE("\0\0\0"), "ltnull.pkt_too_small", true},
		{0, SLICE("\0\0\0\x63"), "ltnull.unsupported_type", false},
		{101, SLICE("\x50"), "ipraw.invalid_ip_version", false},
		{101, (struct slice){NULL, 0}, "ipraw.invalid_ip_version", false},
		{9, SLICE("\0"), "ppp.pkt_too_small", true},
		{9, SLICE("\0\x2d"), "ppp.unsup_proto", false},
		{9, SLICE("\0\xff"), "ppp.wrong_type", true},
		{9, SLICE("\0\x23"), "ppp.unsup_proto", false},
		{9, SLICE("\0\x21\x45"), "ppp.ip4_pkt_too_small", true},
		{9, SLICE("\0\x57\x60"), "ppp.ip6_pkt_too_small", true},
		{9, SLICE("\0\x2f\x45"), "ppp.vju_pkt_too_small", true},
		{104, SLICE("\x0f\0\x08"), "chdlc.pkt_too_small", true},
		{1, SLICE(MACS "\x88\x64\x11\0\0\1\0\1"), "pppoe.pkt_too_small", true},
		{1, SLICE(MACS "\x88\x63\x11\x08\0\0\0\0"), "pppoe.wrong_code", true},
		{1, SLICE(MACS "\x88\x63\x11\x09\0\0\0\4\1\1\0"), "pppoe.malformed_tags", true},
		{1, SLICE(MACS "\x88\x63\x11\x09\0\0\0"), "pppoe.pkt_too_small", true},
		{1, SLICE(MACS "\x88\xe7\0\0\0\1" MACS "\x08"), "ieee8021ah.header_too_small",
		 true},
		{1, SLICE(MACS "\x89\x26\0\0\0\1\x08"), "vntag.header_too_small", true},
		{1, SLICE(MACS "\x89\x26\0\0\0\1\x12\x34"), "vntag.unknown_type", true},
		{1, SLICE(MACS "\x89\x3f\0\0\0\1\0\0\x08"), "etag.header_too_small", true},
		{1, SLICE(MACS "\x89\x3f\0\0\0\1\0\0\x12\x34"), "etag.unknown_type", true},
		{1, SLICE(MACS "\x89\x03\0\0" MACS "\x08"), "ethernet.pkt_too_small", true},
		{1, SLICE(MACS "\x89\x03\0\0\0\0\0"), "dce.pkt_too_small", true},
		{1, SLICE(MACS "\x89\x4f\0\2\1\1\0\0\0"), "nsh.header_too_small", true},
		{1, SLICE(MACS "\x89\x4f\x40\2\1\1\0\0\0\1x"), "nsh.unsupported_version", false},
		{1, SLICE(MACS "\x89\x4f\0\2\2\1\0\0\0\1"), "nsh.bad_header_length", true},
		{1, SLICE(MACS "\x89\x4f\0\2\1\1\0\0\0\1x"), "nsh.bad_header_length", true},
		{1, SLICE(MACS "\x89\x4f\0\2\0\1\0\0\0\1x"), "nsh.reserved_type", false},
		{1, SLICE(MACS "\x89\x4f\0\2\3\1\0\0\0\1x"), "nsh.unsupported_type", false},
		{1, SLICE(MACS "\x89\x4f\0\2\2\x09\0\0\0\1x"), "nsh.unknown_payload", false},
		{1, SLICE(MACS "\x08\6\0\1\x08\0\6\4\0"), "arp.pkt_too_small", true},
		{1, SLICE(MACS "\x08\6\0\7\x08\0\6\4\0\1"), "arp.unsupported_hardware", true},
		{1, SLICE(MACS "\x08\6\0\1\x86\xdd\6\4\0\1"), "arp.unsupported_protocol", true},
		{1, SLICE(MACS "\x08\6\0\1\x08\0\6\4\0\1" MACS "\0\0\0\0\0\0\0"),
		 "arp.unsupported_pkt", true},
		{1, SLICE(MACS "\x08\6\0\1\x08\0\7\4\0\1" MACS "\0\0\0\0\0\0\0\0"),
		 "arp.invalid_hardware_size", true},
		{1, SLICE(MACS "\x08\6\0\1\x08\0\6\5\0\1" MACS "\0\0\0\0\0\0\0\0"),
		 "arp.invalid_protocol_size", true},
		{1, SLICE(MACS "\x08\6\0\1\x08\0\6\4\0\5" MACS "\0\0\0\0\0\0\0\0"),
		 "arp.unsupported_opcode", true},
		{1, SLICE(MACS "\x88\x47\0\1\0\x40\0\1\1"), "mpls.header_too_small", true},
		{1, SLICE(MACS "\x88\x47\0\1\1\x40"), "mpls.pkt_too_small", true},
		{1, in(SLICE(MACS "\x88\x47\0\0\x11\x40"), v4), "mpls.bad_label_router_alert",
		 false},
		{1, in(SLICE(MACS "\x88\x47\0\0\x31\x40"), v4), "mpls.bad_label_implicit_null",
		 false},
		{1, in(SLICE(MACS "\x88\x47\0\0\x51\x40"), v4), "mpls.bad_label_reserved", false},
		{1, in(SLICE(MACS "\x88\x47\0\1\1\x40"), SLICE("xxxx")),
		 "mpls.unknown_payload_type", true},
		{101, ip4(47, SLICE("\0\0\x08")), "gre.pkt_too_small", true},
		{101, ip4(47, SLICE("\0\2\x08\0")), "gre.wrong_version", true},
		{101, ip4(47, in(SLICE("\1\0\x08\0"), v4)), "gre.version0_recur", true},
		{101, ip4(47, in(SLICE("\0\x08\x08\0"), v4)), "gre.version0_flags", true},
		{101, ip4(47, SLICE("\x20\0\x08\0\0\0\0")), "gre.version0_hdr_too_big", true},
		{101, ip4(47, SLICE("\x40\0\x08\0\0\0\0\0\0\2\0\x09x")),
		 "gre.version0_malformed_sre_hdr", true},
		{101, ip4(47, SLICE("\x80\1\x88\x0b")), "gre.version1_chksum", true},
		{101, ip4(47, SLICE("\x40\1\x88\x0b")), "gre.version1_route", true},
		{101, ip4(47, SLICE("\x08\1\x88\x0b")), "gre.version1_ssr", true},
		{101, ip4(47, SLICE("\1\1\x88\x0b")), "gre.version1_recur", true},
		{101, ip4(47, SLICE("\0\x09\x88\x0b")), "gre.version1_flags", true},
		{101, ip4(47, SLICE("\0\1\x88\x0b")), "gre.version1_no_key", true},
		{101, ip4(47, SLICE("\x20\1\x08\0")), "gre.version1_wrong_protocol", true},
		{101, ip4(47, SLICE("\x20\1\x88\x0b\0\0")), "gre.version1_hdr_too_big", true},
		{101, ip4(17, udp(6081, in(SLICE("\0\0\x12\x34\0\0\5\0"), x))),
		 "geneve.unknown_payload_type", true},
	};

	expect_odd(t, cases, sizeof cases / sizeof cases[0]);
}

static void tcp_options_are_read(struct test *t)
{
	struct slice f = ip4(6, SLICE("\0\1\0\2\0\0\0\1\0\0\0\0\xa0\x02\xff\xff\0\0\0\0"
				      "\2\4\5\xb4\4\2\x08\x0a\0\0\0\7\0\0\0\x09\1\3\3\x0f"));
	struct rig r;

	rig_open(&r);
	look(&r, 101, f);
	EXPECT(t, r.p.tcp.mss == 1460 && r.p.tcp.sack_ok && r.p.tcp.has_ts && r.p.tcp.ts_val == 7 &&
			  r.p.tcp.ts_ecr == 9);
	EXPECT(t, r.p.tcp.has_wscale && r.p.tcp.wscale == 14); /* RFC 7323 2.3: at most 14 */
	EXPECT(t, r.p.l4_header.len == 40 && r.p.payload.len == 0 && clean(&r.p));
	look(&r, 101, /* SACK without a block: useless, but common */
	     ip4(6, SLICE("\0\1\0\2\0\0\0\1\0\0\0\0\x60\x10\xff\xff\0\0\0\0\5\2\1\1")));
	EXPECT(t, r.p.tcp.sacks == 0 && clean(&r.p));
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void extension_headers_are_walked(struct test *t)
{
	struct slice f = ip6(0, in(SLICE("\x2b\0\5\2\0\0\0\0"	      /* hop by hop: router alert */
					 "\x33\0\2\0\0\0\0\0"	      /* routing, type 2 */
					 "\x3c\1\0\0\0\0\0\1\0\0\0\1" /* authentication */
					 /* destination: home address */
					 "\x11\2\xc9\x10HomeAddressHere!\1\2\0\0"),
				   udp(53, SLICE("query"))));
	struct rig r;

	rig_open(&r);
	look(&r, 1, f);
	look(&r, 229, f);
	EXPECT(t, r.p.proto == IP_PROTO_UDP && r.p.dport == 53 && clean(&r.p));
	EXPECT(t, r.p.ttl == 62 && r.p.tos == 7);
	EXPECT_UINT(t, r.p.ip_header.len, 92);
	EXPECT_SLICE(t, r.p.payload, SLICE("query"));
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void echoes_have_an_identifier_and_errors_have_none(struct test *t)
{
	struct slice echo = ip4(1, SLICE("\x08\0\0\0\1\2\3\4ping"));
	struct slice echo6 = ip6(58, SLICE("\x81\0\0\0\1\2\3\4pong"));
	struct slice error = ip4(1, in(SLICE("\3\1\0\0\1\2\3\4"), ip4(17, udp(53, SLICE("x")))));
	struct rig r;

	rig_open(&r);
	look(&r, 101, echo);
	EXPECT(t, r.p.icmp_type == 8 && r.p.icmp_id == 0x102 && r.p.icmp_seq == 0x304);
	EXPECT_SLICE(t, r.p.payload, SLICE("ping"));
	look(&r, 101, echo6);
	EXPECT(t, r.p.icmp_type == 129 && r.p.icmp_id == 0x102 && r.p.icmp_seq == 0x304);
	EXPECT_SLICE(t, r.p.payload, SLICE("pong"));
	look(&r, 101, error);
	EXPECT(t, r.p.icmp_type == 3 && r.p.icmp_id == 0 && r.p.payload.len == 29 && clean(&r.p));
	EXPECT(t, r.p.sport == 0 && r.p.dport == 0);
	EXPECT_UINT(t, rig_close(&r), 0);
}

/* No cut and no changed byte leads out of a frame (ASan watches), whatever it leads to. */
static void no_damage_leads_out_of_the_frame(struct test *t)
{
	struct slice v6 = ip6(
		0, in(SLICE("\x3c\0\5\2\0\0\1\0\x11\0\xc9\4\0\0\0\0"),
		      udp(4789, in(SLICE("\x08\0\0\0\0\0\5\0"), ethernet(ip4(6, tcp_hello()))))));
	struct slice f = in(SLICE(MACS "\x88\xa8\0\5\x81\0\0\6\x08\0"),
			    ip4(47, in(SLICE("\x20\0\x86\xdd\0\0\0\1"), v6)));
	static uint8_t copy[2048];
	struct rig r;

	rig_open(&r);
	for (unsigned i = 0; i < 20000; i++) {
		struct slice s = f;
		size_t n = test_rand(t) % 3 ? s.len : test_rand(t) % (s.len + 1);

		memcpy(copy, s.ptr, s.len);
		for (uint64_t k = test_rand(t) % 4; k > 0 && n > 0; k--)
			copy[test_rand(t) % n] = (uint8_t)test_rand(t);
		r.at.ns += TIME_NS_PER_MS;
		decode(&r, 1, (struct slice){copy, n});
		EXPECT(t, r.p.vlans <= PACKET_VLANS_MAX);
		EXPECT(t, !r.p.fragment || r.p.l4_header.len == 0);
	}
	EXPECT_UINT(t, rig_close(&r), 0);
}

/* Of UDP in IPv4, for every length: the sum is made of wide words, the RFC's of 16 bits. */
static void a_checksum_holds_at_every_length_and_a_flipped_bit_is_seen(struct test *t)
{
	uint8_t text[8 + 40] = {0x12, 0x34, 0x56, 0x78};
	struct packet p = {.ip_version = 4, .proto = IP_PROTO_UDP};

	p.src.family = p.dst.family = 4;
	p.src.b[0] = 0xff;
	p.dst.b[3] = 0xfe;
	for (size_t n = 0; n <= 40; n++) {
		uint32_t sum = 0xff00 + 0xfe + IP_PROTO_UDP + 8 + (uint32_t)n;

		for (size_t i = 0; i < n; i++)
			text[8 + i] = (uint8_t)test_rand(t);
		text[4] = 0;
		text[5] = (uint8_t)(8 + n);
		text[6] = text[7] = 0;
		for (size_t i = 0; i < 8 + n; i++)
			sum += i % 2 == 0 ? (uint32_t)text[i] << 8 : text[i];
		sum = (sum & 0xffff) + (sum >> 16);
		sum = ~(sum + (sum >> 16)) & 0xffff;
		sum = sum == 0 ? 0xffff : sum; /* RFC 768 */
		text[6] = (uint8_t)(sum >> 8);
		text[7] = (uint8_t)sum;
		p.l4 = (struct slice){text, 8 + n};
		p.l4_header = (struct slice){text, 8};
		p.payload = (struct slice){text + 8, n};
		EXPECT_UINT(t, packet_checksum_l4(&p), PACKET_CHECKSUM_RIGHT);
		text[n != 0 ? 8 + n - 1 : 1] ^= 1;
		EXPECT_UINT(t, packet_checksum_l4(&p), PACKET_CHECKSUM_WRONG);
		text[1] = 0x34;
	}
}

TESTS(T(a_checksum_holds_at_every_length_and_a_flipped_bit_is_seen),
      T(anomalies_have_different_names), T(ethernet_tcp_has_all_layers),
      T(padding_behind_the_packet_is_not_payload), T(every_encapsulation_leads_to_the_packet),
      T(a_tunnel_with_nonsense_inside_is_its_outer_packet),
      T(packets_of_a_frame_come_from_the_inside), T(what_is_wrong_twice_is_met_twice_and_in_order),
      T(packets_in_packets_end_at_the_limit), T(headers_that_lie_are_named_ip4),
      T(headers_that_lie_are_named_ip6), T(headers_that_lie_are_named_links_and_tunnels),
      T(tcp_options_are_read), T(extension_headers_are_walked),
      T(echoes_have_an_identifier_and_errors_have_none), T(no_damage_leads_out_of_the_frame))
