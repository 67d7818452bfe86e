/* SPDX-License-Identifier: Apache-2.0
 *
 * decode_priv.h - what a decoder is, and what it may ask for.
 *
 * A decoder is one const struct decoder in one file, named decode_<name>, and one word in
 * `decoders` of meson.build. It says by which numbers it is reached; it reads one header and hands
 * the rest to decode_next() with the number that header names.
 */
#ifndef DEW_SENSOR_DECODE_PRIV_H
#define DEW_SENSOR_DECODE_PRIV_H

#include "base/cursor.h"
#include "sensor/decode/decode.h"

/* enumerator, Suricata's name. The order is the order of bits. */
#define DECODE_ANOMALIES(X)                                                                        \
	X(ETHERNET_PKT_TOO_SMALL, "ethernet.pkt_too_small")                                        \
	X(ETHERNET_UNKNOWN_ETHERTYPE, "ethernet.unknown_ethertype")                                \
	X(VLAN_HEADER_TOO_SMALL, "vlan.header_too_small")                                          \
	X(VLAN_UNKNOWN_TYPE, "vlan.unknown_type")                                                  \
	X(VLAN_TOO_MANY_LAYERS, "vlan.too_many_layers")                                            \
	X(SLL_PKT_TOO_SMALL, "sll.pkt_too_small")                                                  \
	X(SLL2_PKT_TOO_SMALL, "sll2.pkt_too_small")                                                \
	X(LTNULL_PKT_TOO_SMALL, "ltnull.pkt_too_small")                                            \
	X(LTNULL_UNSUPPORTED_TYPE, "ltnull.unsupported_type")                                      \
	X(IPRAW_INVALID_IP_VERSION, "ipraw.invalid_ip_version")                                    \
	X(PPP_PKT_TOO_SMALL, "ppp.pkt_too_small")                                                  \
	X(PPP_UNSUP_PROTO, "ppp.unsup_proto")                                                      \
	X(PPP_WRONG_TYPE, "ppp.wrong_type")                                                        \
	X(PPPOE_PKT_TOO_SMALL, "pppoe.pkt_too_small")                                              \
	X(PPPOE_WRONG_CODE, "pppoe.wrong_code")                                                    \
	X(CHDLC_PKT_TOO_SMALL, "chdlc.pkt_too_small")                                              \
	X(MPLS_HEADER_TOO_SMALL, "mpls.header_too_small")                                          \
	X(MPLS_PKT_TOO_SMALL, "mpls.pkt_too_small")                                                \
	X(MPLS_BAD_LABEL_ROUTER_ALERT, "mpls.bad_label_router_alert")                              \
	X(MPLS_BAD_LABEL_IMPLICIT_NULL, "mpls.bad_label_implicit_null")                            \
	X(MPLS_BAD_LABEL_RESERVED, "mpls.bad_label_reserved")                                      \
	X(MPLS_UNKNOWN_PAYLOAD_TYPE, "mpls.unknown_payload_type")                                  \
	X(IPV4_PKT_TOO_SMALL, "ipv4.pkt_too_small")                                                \
	X(IPV4_WRONG_IP_VERSION, "ipv4.wrong_ip_version")                                          \
	X(IPV4_HLEN_TOO_SMALL, "ipv4.hlen_too_small")                                              \
	X(IPV4_IPLEN_SMALLER_THAN_HLEN, "ipv4.iplen_smaller_than_hlen")                            \
	X(IPV4_TRUNC_PKT, "ipv4.trunc_pkt")                                                        \
	X(IPV4_OPT_INVALID_LEN, "ipv4.opt_invalid_len")                                            \
	X(IPV4_OPT_MALFORMED, "ipv4.opt_malformed")                                                \
	X(IPV4_OPT_PAD_REQUIRED, "ipv4.opt_pad_required")                                          \
	X(IPV4_OPT_EOL_REQUIRED, "ipv4.opt_eol_required")                                          \
	X(IPV4_OPT_DUPLICATE, "ipv4.opt_duplicate")                                                \
	X(IPV4_OPT_UNKNOWN, "ipv4.opt_unknown")                                                    \
	X(IPV4_ICMPV6, "ipv4.icmpv6")                                                              \
	X(IPV4_FRAG_PKT_TOO_LARGE, "ipv4.frag_pkt_too_large")                                      \
	X(IPV4_FRAG_OVERLAP, "ipv4.frag_overlap")                                                  \
	X(IPV4_FRAG_IGNORED, "ipv4.frag_ignored")                                                  \
	X(IPV6_PKT_TOO_SMALL, "ipv6.pkt_too_small")                                                \
	X(IPV6_WRONG_IP_VERSION, "ipv6.wrong_ip_version")                                          \
	X(IPV6_TRUNC_PKT, "ipv6.trunc_pkt")                                                        \
	X(IPV6_TRUNC_EXTHDR, "ipv6.trunc_exthdr")                                                  \
	X(IPV6_EXTHDR_DUPL_FH, "ipv6.exthdr_dupl_fh")                                              \
	X(IPV6_EXTHDR_USELESS_FH, "ipv6.exthdr_useless_fh")                                        \
	X(IPV6_EXTHDR_DUPL_RH, "ipv6.exthdr_dupl_rh")                                              \
	X(IPV6_EXTHDR_DUPL_HH, "ipv6.exthdr_dupl_hh")                                              \
	X(IPV6_EXTHDR_DUPL_DH, "ipv6.exthdr_dupl_dh")                                              \
	X(IPV6_EXTHDR_DUPL_AH, "ipv6.exthdr_dupl_ah")                                              \
	X(IPV6_EXTHDR_INVALID_OPTLEN, "ipv6.exthdr_invalid_optlen")                                \
	X(IPV6_EXTHDR_AH_RES_NOT_NULL, "ipv6.exthdr_ah_res_not_null")                              \
	X(IPV6_HOPOPTS_UNKNOWN_OPT, "ipv6.hopopts_unknown_opt")                                    \
	X(IPV6_HOPOPTS_ONLY_PADDING, "ipv6.hopopts_only_padding")                                  \
	X(IPV6_DSTOPTS_UNKNOWN_OPT, "ipv6.dstopts_unknown_opt")                                    \
	X(IPV6_DSTOPTS_ONLY_PADDING, "ipv6.dstopts_only_padding")                                  \
	X(IPV6_RH_TYPE_0, "ipv6.rh_type_0")                                                        \
	X(IPV6_ZERO_LEN_PADN, "ipv6.zero_len_padn")                                                \
	X(IPV6_FH_NON_ZERO_RES_FIELD, "ipv6.fh_non_zero_reserved_field")                           \
	X(IPV6_DATA_AFTER_NONE_HEADER, "ipv6.data_after_none_header")                              \
	X(IPV6_UNKNOWN_NEXT_HEADER, "ipv6.unknown_next_header")                                    \
	X(IPV6_ICMPV4, "ipv6.icmpv4")                                                              \
	X(IPV6_FRAG_PKT_TOO_LARGE, "ipv6.frag_pkt_too_large")                                      \
	X(IPV6_FRAG_OVERLAP, "ipv6.frag_overlap")                                                  \
	X(IPV6_FRAG_INVALID_LENGTH, "ipv6.frag_invalid_length")                                    \
	X(IPV6_FRAG_IGNORED, "ipv6.frag_ignored")                                                  \
	X(ICMPV4_PKT_TOO_SMALL, "icmpv4.pkt_too_small")                                            \
	X(ICMPV4_UNKNOWN_TYPE, "icmpv4.unknown_type")                                              \
	X(ICMPV4_UNKNOWN_CODE, "icmpv4.unknown_code")                                              \
	X(ICMPV4_IPV4_TRUNC_PKT, "icmpv4.ipv4_trunc_pkt")                                          \
	X(ICMPV4_IPV4_UNKNOWN_VER, "icmpv4.ipv4_unknown_ver")                                      \
	X(ICMPV6_PKT_TOO_SMALL, "icmpv6.pkt_too_small")                                            \
	X(ICMPV6_UNKNOWN_TYPE, "icmpv6.unknown_type")                                              \
	X(ICMPV6_UNKNOWN_CODE, "icmpv6.unknown_code")                                              \
	X(ICMPV6_IPV6_TRUNC_PKT, "icmpv6.ipv6_trunc_pkt")                                          \
	X(ICMPV6_IPV6_UNKNOWN_VER, "icmpv6.ipv6_unknown_version")                                  \
	X(ICMPV6_MLD_MESSAGE_WITH_INVALID_HL, "icmpv6.mld_message_with_invalid_hl")                \
	X(ICMPV6_UNASSIGNED_TYPE, "icmpv6.unassigned_type")                                        \
	X(ICMPV6_EXPERIMENTATION_TYPE, "icmpv6.experimentation_type")                              \
	X(TCP_PKT_TOO_SMALL, "tcp.pkt_too_small")                                                  \
	X(TCP_HLEN_TOO_SMALL, "tcp.hlen_too_small")                                                \
	X(TCP_INVALID_OPTLEN, "tcp.invalid_optlen")                                                \
	X(TCP_OPT_INVALID_LEN, "tcp.opt_invalid_len")                                              \
	X(TCP_OPT_DUPLICATE, "tcp.opt_duplicate")                                                  \
	X(UDP_PKT_TOO_SMALL, "udp.pkt_too_small")                                                  \
	X(UDP_LEN_INVALID, "udp.len_invalid")                                                      \
	X(SCTP_PKT_TOO_SMALL, "sctp.pkt_too_small")                                                \
	X(ESP_PKT_TOO_SMALL, "esp.pkt_too_small")                                                  \
	X(GRE_PKT_TOO_SMALL, "gre.pkt_too_small")                                                  \
	X(GRE_WRONG_VERSION, "gre.wrong_version")                                                  \
	X(GRE_VERSION0_RECUR, "gre.version0_recur")                                                \
	X(GRE_VERSION0_FLAGS, "gre.version0_flags")                                                \
	X(GRE_VERSION0_HDR_TOO_BIG, "gre.version0_hdr_too_big")                                    \
	X(GRE_VERSION0_MALFORMED_SRE_HDR, "gre.version0_malformed_sre_hdr")                        \
	X(GRE_VERSION1_CHKSUM, "gre.version1_checksum")                                            \
	X(GRE_VERSION1_ROUTE, "gre.version1_route")                                                \
	X(GRE_VERSION1_SSR, "gre.version1_ssr")                                                    \
	X(GRE_VERSION1_RECUR, "gre.version1_recur")                                                \
	X(GRE_VERSION1_FLAGS, "gre.version1_flags")                                                \
	X(GRE_VERSION1_NO_KEY, "gre.version1_no_key")                                              \
	X(GRE_VERSION1_WRONG_PROTOCOL, "gre.version1_wrong_protocol")                              \
	X(GRE_VERSION1_HDR_TOO_BIG, "gre.version1_hdr_too_big")                                    \
	X(ERSPAN_HEADER_TOO_SMALL, "erspan.header_too_small")                                      \
	X(ERSPAN_UNSUPPORTED_VERSION, "erspan.unsupported_version")                                \
	X(VXLAN_UNKNOWN_PAYLOAD_TYPE, "vxlan.unknown_payload_type")                                \
	X(GENEVE_UNKNOWN_PAYLOAD_TYPE, "geneve.unknown_payload_type")                              \
	X(TOO_MANY_LAYERS, "too_many_layers")

enum decode_anomaly {
#define X(id, name) id,
	DECODE_ANOMALIES(X)
#undef X
		DECODE_ANOMALY_COUNT
};
_Static_assert((int)DECODE_ANOMALY_COUNT < (int)PACKET_ANOMALIES_MAX, "a bit for each anomaly");

enum decode_space { /* whose number leads to a decoder */
		    DECODE_NONE,
		    DECODE_LINK,  /* LINKTYPE_, tcpdump.org */
		    DECODE_ETHER, /* EtherType, IEEE 802 */
		    DECODE_IP,	  /* IANA protocol numbers */
		    DECODE_PPP,	  /* IANA PPP data link layer numbers */
		    DECODE_UDP,	  /* ports; the decoder's probe decides */
		    DECODE_SPACES
};

enum { ETHER_IPV4 = 0x0800, ETHER_ARP = 0x0806, ETHER_IPV6 = 0x86dd, ETHER_BRIDGED = 0x6558 };
enum { PROTO_IPV4 = 4, PROTO_IPV6 = 41 };

enum { DECODER_KEYS_MAX = 6 };

struct decode_state {
	struct packet *p;
	struct defrag *d;
	unsigned layers, rebuilds;
};

struct decoder {
	const char *name, *spec;
	struct {
		enum decode_space space;
		uint16_t number;
	} keys[DECODER_KEYS_MAX]; /* ends with DECODE_NONE if shorter */
	bool network; /* starts a packet of its own: inside another one, it is a tunnel's */
	bool (*probe)(struct slice bytes); /* for DECODE_UDP: is this the protocol? */
	void (*decode)(struct decode_state *s, struct slice bytes);
};

#define DECODER(name)                                                                              \
	extern const struct decoder decode_##name;                                                 \
	const struct decoder decode_##name

/* Hands `bytes` to the decoder of that number. False if there is none. A tunnel whose inside makes
 * no sense leaves *s->p as the outer packet, with the anomalies of both. */
bool decode_next(struct decode_state *s, enum decode_space space, uint16_t number,
		 struct slice bytes);

/* The header that follows lies: sets the anomaly, and the packet has no flow. */
void decode_broken(struct decode_state *s, enum decode_anomaly a);

/* ---- decode.c and defrag.c ---- */

enum { DECODE_ENTRIES_MAX = 32 }; /* numbers of one space */

struct decode_index {
	const struct decoder *ip[256];
	struct decode_entry {
		uint16_t number;
		const struct decoder *row;
	} others[DECODE_SPACES][DECODE_ENTRIES_MAX]; /* each ends with row == NULL */
};

/* A piece of a packet, as the IP decoders see it. */
struct defrag_piece {
	struct slice unfragmented; /* header (and IPv6 extensions) to repeat before the data */
	size_t next_header_at;	   /* IPv6: where in it the next header's number is patched */
	uint8_t next_header;	   /* IPv6: to be patched in */
	uint32_t id;
	uint32_t offset; /* bytes, a multiple of 8 */
	bool more;
	struct slice data;
};

/* Takes a piece of packet s->p (src, dst, vlans, proto are set). Returns the whole packet from the
 * IP header on if this was the last missing piece, else the empty slice. Sets anomalies. */
struct slice defrag_add(struct decode_state *s, const struct defrag_piece *piece);

struct decode_index *defrag_index(struct defrag *d);
void decode_index_init(struct decode_index *x);

#endif
