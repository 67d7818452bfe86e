/* SPDX-License-Identifier: Apache-2.0
 * Information elements: IANA's registry "IPFIX Information Elements", of which NetFlow version 9
 * has the numbers below 128 in common (RFC 3954 8). One row is one element that is understood; all
 * others are skipped by their length. */
#include "sensor/ipfix/ipfix_priv.h"

/* Seconds from 1900 to 1970. */
#define NTP_EPOCH INT64_C(2208988800)
/* Times are kept within 1970..2261, as everywhere. */
#define TIME_MOST INT64_C(9214646399999999999)

#define AT(m) offsetof(struct ipfix_record, m)
#define NUMBER(id, m)                                                                              \
	{                                                                                          \
		id, IPFIX_UINT, sizeof(((struct ipfix_record *)NULL)->m), AT(m), 0                 \
	}
#define SIDED(id, m)                                                                               \
	{                                                                                          \
		id, IPFIX_UINT, sizeof(((struct ipfix_record *)NULL)->flow.side[0].m),             \
			AT(flow.side[0].m), AT(flow.side[1].m)                                     \
	}
#define SIDED_TIME(id, kind, m)                                                                    \
	{                                                                                          \
		id, kind, 0, AT(flow.side[0].m), AT(flow.side[1].m)                                \
	}

/* clang-format off: one row a line */
const struct ipfix_element ipfix_elements[] = {
	SIDED(1, octets),      /* octetDeltaCount, IN_BYTES */
	SIDED(2, packets),     /* packetDeltaCount, IN_PKTS */
	NUMBER(4, flow.proto), /* protocolIdentifier */
	SIDED(6, tcp_flags),   /* tcpControlBits; the upper byte of RFC 7125 has no flag */
	NUMBER(7, flow.sport), /* sourceTransportPort */
	{8, IPFIX_V4, 0, AT(flow.src), 0},   /* sourceIPv4Address */
	NUMBER(11, flow.dport),		     /* destinationTransportPort */
	{12, IPFIX_V4, 0, AT(flow.dst), 0},  /* destinationIPv4Address */
	SIDED_TIME(21, IPFIX_UPTIME, last),  /* flowEndSysUpTime, LAST_SWITCHED */
	SIDED_TIME(22, IPFIX_UPTIME, first), /* flowStartSysUpTime, FIRST_SWITCHED */
	{27, IPFIX_V6, 0, AT(flow.src), 0},  /* sourceIPv6Address */
	{28, IPFIX_V6, 0, AT(flow.dst), 0},  /* destinationIPv6Address */
	NUMBER(32, flow.icmp),		     /* icmpTypeCodeIPv4, ICMP_TYPE */
	NUMBER(34, sampling_interval),	     /* samplingInterval */
	NUMBER(40, account.octets),	     /* exportedOctetTotalCount */
	NUMBER(41, account.messages),	     /* exportedMessageTotalCount */
	NUMBER(42, account.records),	     /* exportedFlowRecordTotalCount */
	NUMBER(48, selector),		     /* samplerId, FLOW_SAMPLER_ID */
	NUMBER(50, sampling_interval),	     /* samplerRandomInterval */
	SIDED(52, ttl_least),		     /* minimumTTL */
	SIDED(53, ttl_most),		     /* maximumTTL */
	NUMBER(58, flow.vlan),		     /* vlanId */
	{85, IPFIX_UINT, 8, AT(octets_total[0]), AT(octets_total[1])},	 /* octetTotalCount */
	{86, IPFIX_UINT, 8, AT(packets_total[0]), AT(packets_total[1])}, /* packetTotalCount */
	{96, IPFIX_TEXT, 0, AT(flow.app), 0},				 /* applicationName */
	NUMBER(136, flow.end),						 /* flowEndReason */
	NUMBER(139, flow.icmp),						 /* icmpTypeCodeIPv6 */
	NUMBER(148, flow.id),						 /* flowId */
	SIDED_TIME(150, IPFIX_S, first),				 /* flowStartSeconds */
	SIDED_TIME(151, IPFIX_S, last),					 /* flowEndSeconds */
	SIDED_TIME(152, IPFIX_MS, first),				 /* flowStartMilliseconds */
	SIDED_TIME(153, IPFIX_MS, last),				 /* flowEndMilliseconds */
	SIDED_TIME(154, IPFIX_NTP, first),				 /* flowStartMicroseconds */
	SIDED_TIME(155, IPFIX_NTP, last),				 /* flowEndMicroseconds */
	SIDED_TIME(156, IPFIX_NTP, first),				 /* flowStartNanoseconds */
	SIDED_TIME(157, IPFIX_NTP, last),				 /* flowEndNanoseconds */
	SIDED_TIME(158, IPFIX_AGO_US, first),	  /* flowStartDeltaMicroseconds */
	SIDED_TIME(159, IPFIX_AGO_US, last),	  /* flowEndDeltaMicroseconds */
	{160, IPFIX_MS, 0, AT(account.begin), 0}, /* systemInitTimeMilliseconds */
	NUMBER(163, account.observed),		  /* observedFlowTotalCount */
	NUMBER(164, account.ignored),		  /* ignoredPacketTotalCount */
	NUMBER(166, account.not_sent),		  /* notSentFlowTotalCount */
	NUMBER(167, account.not_sent_packets),	  /* notSentPacketTotalCount */
	NUMBER(168, account.not_sent_octets),	  /* notSentOctetTotalCount */
	NUMBER(176, icmp_type),			  /* icmpTypeIPv4 */
	NUMBER(177, icmp_code),			  /* icmpCodeIPv4 */
	NUMBER(178, icmp_type),			  /* icmpTypeIPv6 */
	NUMBER(179, icmp_code),			  /* icmpCodeIPv6 */
	NUMBER(231, flow.side[0].octets),	  /* initiatorOctets */
	NUMBER(232, flow.side[1].octets),	  /* responderOctets */
	NUMBER(239, flow.direction),		  /* biflowDirection */
	NUMBER(243, flow.vlan),			  /* dot1qVlanId */
	NUMBER(245, flow.vlan_inner),		  /* dot1qCustomerVlanId */
	NUMBER(298, flow.side[0].packets),	  /* initiatorPackets */
	NUMBER(299, flow.side[1].packets),	  /* responderPackets */
	NUMBER(302, selector),			  /* selectorId */
	NUMBER(305, chosen),			  /* samplingPacketInterval */
	NUMBER(306, left_out),			  /* samplingPacketSpace */
	NUMBER(309, sample),			  /* samplingSize */
	NUMBER(310, population),		  /* samplingPopulation */
	SIDED(352, frame_octets),		  /* layer2OctetDeltaCount */
	{353, IPFIX_UINT, 8, AT(frame_octets_total[0]),
	 AT(frame_octets_total[1])}, /* layer2OctetTotalCount */
};
/* clang-format on */

enum { ELEMENTS = sizeof ipfix_elements / sizeof ipfix_elements[0] };
_Static_assert((int)ELEMENTS < (int)IPFIX_NO_ELEMENT, "a place is one byte");

uint8_t ipfix_element_find(uint16_t id)
{
	size_t low = 0, high = ELEMENTS;

	while (low < high) {
		size_t at = low + (high - low) / 2;

		if (ipfix_elements[at].id == id)
			return (uint8_t)at;
		if (ipfix_elements[at].id < id)
			low = at + 1;
		else
			high = at;
	}
	return IPFIX_NO_ELEMENT;
}

/* ---- times ---- */

static int64_t clamp(int64_t ns)
{
	return ns < 0 ? 0 : ns > TIME_MOST ? TIME_MOST : ns;
}

static int64_t from_units(uint64_t v, int64_t unit_ns)
{
	return v > (uint64_t)(TIME_MOST / unit_ns) ? TIME_MOST : (int64_t)v * unit_ns;
}

static int64_t from_ntp(uint64_t v)
{
	int64_t s = (int64_t)(v >> 32) - NTP_EPOCH;
	/* half of a unit more: what was cut on writing comes back */
	uint64_t ns = ((v & UINT32_MAX) * UINT64_C(1000000000) + (UINT64_C(1) << 31)) >> 32;

	return clamp(s * TIME_NS_PER_S + (int64_t)ns);
}

static uint64_t to_ntp(int64_t ns)
{
	uint64_t s = (uint64_t)(ns / TIME_NS_PER_S + NTP_EPOCH);
	uint64_t part = (uint64_t)(ns % TIME_NS_PER_S);

	return s << 32 | (part << 32) / UINT64_C(1000000000);
}

/* Milliseconds of a counter of 32 bits that may have gone round since: the time of that reading
 * which is nearest to the export (RFC 3954 5.1). */
static int64_t from_uptime(uint64_t v, const struct ipfix_clock *clock)
{
	uint32_t now_ms;

	if (clock->begin_ns == INT64_MIN)
		return 0;
	now_ms = (uint32_t)((uint64_t)(clock->export_ns - clock->begin_ns) /
			    (uint64_t)TIME_NS_PER_MS);
	return clamp(clock->export_ns + (int32_t)((uint32_t)v - now_ms) * TIME_NS_PER_MS);
}

/* ---- fields ---- */

static uint64_t number(struct slice s)
{
	uint64_t v = 0;

	for (size_t i = 0; i < s.len; i++)
		v = v << 8 | s.ptr[i];
	return v;
}

static void set_number(void *member, size_t bytes, uint64_t v)
{
	uint16_t v16 = (uint16_t)v;

	if (bytes == 1)
		*(uint8_t *)member = (uint8_t)v;
	else if (bytes == 2)
		memcpy(member, &v16, sizeof v16);
	else
		memcpy(member, &v, sizeof v);
}

static uint64_t get_number(const void *member, size_t bytes)
{
	uint16_t v16;
	uint64_t v;

	if (bytes == 1)
		return *(const uint8_t *)member;
	if (bytes == 2) {
		memcpy(&v16, member, sizeof v16);
		return v16;
	}
	memcpy(&v, member, sizeof v);
	return v;
}

static void set_text(struct ipfix_flow *f, struct slice s)
{
	while (s.len != 0 && s.ptr[s.len - 1] == '\0') /* of a field of fixed length */
		s.len--;
	s = slice_part(s, 0, IPFIX_APP_MAX);
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < ' ' || s.ptr[i] > '~')
			return;
	if (s.len != 0)
		memcpy(f->app, s.ptr, s.len);
	f->app_len = (uint8_t)s.len;
}

static void get_time(const struct ipfix_element *e, struct wall_ns *out, struct slice bytes,
		     const struct ipfix_clock *clock, struct ipfix_record *r)
{
	uint64_t v = number(bytes);

	switch (e->kind) {
	case IPFIX_S:
		out->ns = from_units(v, TIME_NS_PER_S);
		break;
	case IPFIX_MS:
		out->ns = from_units(v, TIME_NS_PER_MS);
		r->has_begin |= out == &r->account.begin;
		break;
	case IPFIX_NTP:
		if (bytes.len == 8)
			out->ns = from_ntp(v);
		break;
	case IPFIX_UPTIME:
		out->ns = from_uptime(v, clock);
		r->has_uptime = true;
		break;
	default:
		out->ns = clamp(clock->export_ns - from_units(v, 1000));
		break;
	}
}

void ipfix_element_get(const struct ipfix_element *e, bool other, struct slice bytes,
		       const struct ipfix_clock *clock, struct ipfix_record *r)
{
	uint8_t *member = (uint8_t *)r + (other ? e->other : e->at);

	switch (e->kind) {
	case IPFIX_V4:
		if (bytes.len == 4)
			*(struct addr *)(void *)member = addr_v4(bytes.ptr);
		break;
	case IPFIX_V6:
		if (bytes.len == 16)
			*(struct addr *)(void *)member = addr_v6(bytes.ptr);
		break;
	case IPFIX_TEXT:
		set_text(&r->flow, bytes);
		break;
	case IPFIX_UINT:
		if (bytes.len != 0 && bytes.len <= 8)
			set_number(member, e->bytes, number(bytes));
		break;
	default:
		if (bytes.len != 0 && bytes.len <= 8)
			get_time(e, (struct wall_ns *)(void *)member, bytes, clock, r);
		break;
	}
}

static void put_number(struct buf *out, uint64_t v, size_t bytes)
{
	for (size_t i = bytes; i-- > 0;)
		buf_add_byte(out, (uint8_t)(v >> 8 * i));
}

void ipfix_element_put(const struct ipfix_element *e, bool other, size_t bytes,
		       const struct ipfix_record *r, struct buf *out)
{
	const uint8_t *member = (const uint8_t *)r + (other ? e->other : e->at);
	const struct wall_ns *time = (const struct wall_ns *)(const void *)member;
	const struct addr *address = (const struct addr *)(const void *)member;

	switch (e->kind) {
	case IPFIX_V4:
	case IPFIX_V6:
		buf_add(out, (struct slice){address->b, bytes});
		break;
	case IPFIX_TEXT: /* of any length: RFC 7011 7 */
		buf_add_byte(out, r->flow.app_len);
		buf_add(out, (struct slice){(const uint8_t *)r->flow.app, r->flow.app_len});
		break;
	case IPFIX_UINT:
		put_number(out, get_number(member, e->bytes), bytes);
		break;
	case IPFIX_NTP:
		put_number(out, to_ntp(clamp(time->ns)), bytes);
		break;
	default:
		ASSERT(e->kind == IPFIX_MS); /* the writer uses no other */
		put_number(out, (uint64_t)(clamp(time->ns) / TIME_NS_PER_MS), bytes);
		break;
	}
}
