/* SPDX-License-Identifier: Apache-2.0
 *
 * record/record.h - what a station may say. THE contract between seeing and judging.
 *
 * A record is one event. On the wire it is Suricata-compatible EVE JSON (one object a line), so
 * every tool that reads EVE reads ours; `party` and `station` are added. Two kinds are the
 * centre's: `location` (what a table says about an address) and `input` (what was loaded, by hash);
 * they are committed like events, because a verdict rests on them too.
 *
 * Evidence needs a record as separate fields, each salted and hashed by itself; record_fields()
 * gives them, record_join() joins them to a line, and record_parse() reads either
 * back. What a field is called, and what it means, is one row of a table in record.c;
 * docs/formats/eve.md is written from it.
 *
 * Three things are normalised on writing, and only these: text that is not UTF-8 gets U+FFFD for
 * each bad byte, times are cut to whole microseconds and into the years 1970..2261, and the rule
 * metadata of an alert is sorted by key. A record without them comes back from its JSON equal.
 *
 * Pure functions; any thread. A record owns nothing: its slices and lists are borrowed from whoever
 * made the record, or from the arena given to record_parse() or record_copy(). It is a few hundred
 * bytes, so it may be copied by value while what it borrows lives.
 */
#ifndef DEW_RECORD_RECORD_H
#define DEW_RECORD_RECORD_H

#include "base/addr.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "base/time.h"

enum {
	RECORD_VLANS_MAX = 3,	 /* QinQinQ: what Suricata 8 decodes */
	RECORD_ANSWERS_MAX = 64, /* DNS answers kept of one message; the rest is counted */
	RECORD_META_MAX = 32,	 /* metadata pairs kept of one rule */
	RECORD_BINS_MAX = 512,	 /* seconds of a flow that its fingerprint covers */
	RECORD_MORE_MAX = 48,	 /* fields of one record that no table row describes */
	RECORD_ROWS_MAX = 64,	 /* fields of one record that the table describes */
	RECORD_FIELDS_MAX = RECORD_ROWS_MAX + RECORD_MORE_MAX,
};

/* event_type; the order is that of record_kind_names. */
enum record_kind {
	RECORD_NONE,
	RECORD_ALERT,	/* "alert": a signature matched */
	RECORD_ANOMALY, /* "anomaly": malformed or unusual traffic, or a detector without signatures
			 */
	RECORD_DNS,	/* "dns" */
	RECORD_FLOW,	/* "flow": a flow ended */
	RECORD_HTTP,	/* "http" */
	RECORD_TLS,	/* "tls" */
	RECORD_LOCATION, /* "location": one table's claim about one address */
	RECORD_INPUT,	 /* "input": a file that the run loaded, by SHA-256 */
	RECORD_OBJECT,	 /* any other event of EVE: struct record.type names it, `more` says it */
	RECORD_KINDS
};

struct record_pair {
	struct slice key, value;
};

struct record_alert {
	uint64_t gid, sid, rev;
	struct slice signature; /* the rule's msg */
	struct slice category;	/* the classification's description; "" if none */
	struct slice classtype; /* its short name; "" if none. Not in Suricata's EVE: written as
				   "classtype" */
	uint64_t severity;	/* priority, 1 is the gravest */
	struct slice action;	/* "allowed" or "blocked" */
	bool has_tx;		/* it was seen in an application transaction */
	uint64_t tx_id;		/* its number in the flow, if has_tx */
	const struct record_pair *meta; /* the rule's metadata: written sorted by key (UTF-16
					   order, as RFC 8785); values keep their order */
	size_t metas;			/* at most RECORD_META_MAX */
};

struct record_anomaly {
	struct slice type;    /* "decode", "stream", "applayer", or "behaviour" (ours) */
	struct slice event;   /* "ipv4.trunc_pkt", "scan.ports", "beacon", ... */
	struct slice layer;   /* "proto_parser" for applayer, else "" */
	struct slice summary; /* one sentence for a person, for behaviour; else "" */
	bool summary_hidden;  /* it names pseudonyms */
	/* behaviour only: what was measured, how many observations, and over which time */
	uint64_t score_milli; /* strength 0..1000 as the detector documents it */
	uint64_t observations;
	struct wall_ns first, last;
	/* behaviour only: who found it, and why that much is too much */
	struct slice detector; /* "scan": a switch in the configuration; "" if not known */
	struct slice measure;  /* what was measured: "hosts", "bytes", "spread_milli" */
	uint64_t measured, threshold;
	uint64_t window_s; /* over which it was measured at most */
};

struct record_flow_side {
	uint64_t pkts, bytes;
};

struct record_flow {
	struct record_flow_side to_server, to_client;
	struct wall_ns start, end;
	uint64_t age_s;
	struct slice state;  /* "new", "established", "closed" */
	struct slice reason; /* "timeout", "shutdown", "forced" */
	bool alerted;
	struct slice tcp_flags_ts, tcp_flags_tc; /* hexadecimal, two digits; "" if not TCP */
	struct slice tcp_state;			 /* "syn_sent", "established", ...; "" if not TCP */
	/* Fingerprint: packets with payload in each second from the flow's start, per direction, as
	 * text of one character a second ('0'..'9', then 'a'..'z' = 10..35, 'z' = 35 or more), cut
	 * after RECORD_BINS_MAX seconds and without trailing zeros. No content, no addresses. */
	struct slice bins_ts, bins_tc;
};

struct record_http {
	struct slice hostname, url, user_agent, content_type, referer, method, protocol, redirect;
	uint64_t status; /* 0: none */
	uint64_t length; /* bytes of the response body as transferred and decoded */
	uint64_t tx_id;
};

struct record_dns_answer {
	struct slice rrname, rrtype, rdata;
	uint64_t ttl;
};

struct record_dns {
	bool answer; /* EVE's type: "response" or "request" */
	uint64_t id, tx_id;
	struct slice rrname, rrtype, rcode; /* rcode "" for a query */
	const struct record_dns_answer *answers;
	size_t answer_count; /* at most RECORD_ANSWERS_MAX */
};

struct record_tls {
	struct slice sni, subject, issuer, serial, fingerprint, version, ja3, ja3_string, ja3s;
	struct slice not_before, not_after; /* EVE time text without zone; "" if no certificate */
};

/* One table's claim about one address. */
struct record_location {
	struct slice table; /* "libloc", "tor-geoipdb", or the file name the user gave */
	struct slice
		edition; /* its own date or version, else the first 16 hex digits of its SHA-256 */
	struct addr address;
	struct addr_prefix net; /* the row that matched; family 0 if the table does not say */
	uint64_t asn;		/* 0: the table does not say */
	struct slice as_name;
	struct slice territory; /* ISO 3166-1 alpha-2; "" if the table does not say */
	bool proxy, hosting, anycast;
};

struct record_input {
	struct slice what;   /* "capture", "flows", "rules", "treaty", "party", "table", "engine" */
	struct slice name;   /* base name of the file, never its folder */
	struct slice sha256; /* 64 hexadecimal digits */
	uint64_t bytes;
	uint64_t packets;	    /* captures: packets read; else 0 */
	struct wall_ns first, last; /* captures: the time they cover; else 0 */
};

/* One field: "alert" / "signature_id" / "2024297". group is "" for the fields of the outer object.
 */
struct record_field {
	struct slice group, name;
	struct slice json; /* one JSON value, in the form of RFC 8785 */
};

/* What a protocol and the reader of its events tell one another while a record is made. */
struct record_making {
	const void *asked; /* in: what app_protocol.log_configure() made; NULL: the usual form */
	bool judged;	   /* in: for detectors and evidence: typed members, and nothing more */
	bool of_packet;	   /* out: its ends are those of the packet at hand, not of the flow */
	bool with_tx_id;   /* out: it has the transaction's number as a field of its own */
};

struct record {
	enum record_kind kind;
	struct slice type; /* RECORD_OBJECT: its event_type, e.g. "smtp" */
	/* Fields beside those of the table, written behind them; those of one group follow one
	 * another. Read back only as "unknown": they are for EVE's readers, not for judging. */
	struct record_field *more;
	size_t mores;		     /* at most RECORD_MORE_MAX */
	struct record_making making; /* never copied, never written */
	struct wall_ns at;
	uint64_t flow_id;  /* 0: not of a flow. < 2^53, so that JavaScript readers keep it */
	uint64_t pcap_cnt; /* number of the packet in its capture, from 1; 0: none */
	struct slice party, station;
	struct addr src, dst;	     /* family 0: none */
	bool src_hidden, dst_hidden; /* it is a pseudonym (docs/formats/sd-jwt.md) */
	uint16_t sport, dport;
	bool has_ports, has_icmp;
	uint8_t proto; /* IANA protocol number; written as its name */
	uint8_t icmp_type, icmp_code;
	uint16_t vlan[RECORD_VLANS_MAX];
	uint8_t vlans;
	struct slice app_proto; /* "http", "failed", "" if unknown yet */
	struct slice direction; /* "to_server", "to_client", "" */
	struct slice source;	/* flows and behaviour: "flow export" if others told it; "": seen */
	union {
		struct record_alert alert;
		struct record_anomaly anomaly;
		struct record_dns dns;
		struct record_flow flow;
		struct record_http http;
		struct record_tls tls;
		struct record_location location;
		struct record_input input;
	} u;
};

/* Adds a field behind those in r->more (copied into a when it has no room). False: no memory, or
 * RECORD_MORE_MAX. json is borrowed. */
bool record_more(struct record *r, struct arena *a, struct slice group, struct slice name,
		 struct slice json);

/* Makes r the event `type` with one object of that name: "smtp":{...}. False as record_more(). */
bool record_object(struct record *r, struct arena *a, const char *type, struct slice json);

/* Receives records as they are made; must copy what it keeps before it returns. */
struct record_sink {
	void *ctx;
	void (*put)(void *ctx, const struct record *r);
};

extern const char *const record_kind_names[RECORD_KINDS]; /* [RECORD_ALERT] = "alert" */

/* "TCP", "UDP", "ICMP", "IPv6-ICMP", or the number as text; lives in buf (>= 4 bytes) or for ever.
 */
struct slice record_proto_name(uint8_t proto, char buf[4]);

/* The record's fields in canonical order (outer fields first, then the kind's group), empty ones
 * left out. Text lives in arena. Returns their number, 0 if the arena's budget is spent. */
size_t record_fields(const struct record *r, struct arena *a,
		     struct record_field out[RECORD_FIELDS_MAX]);

/* The fields that record_fields() gave as one line of EVE JSON without a line feed, appended to
 * out.
 */
void record_join(const struct record_field *fields, size_t n, struct buf *out);

/* A line of record_join() back into its fields, each value as it stands there; all are borrowed
 * from the line. An outer member is a group if its name is one of `groups`. ST_INVALID if it is no
 * such line, ST_LIMIT for more than RECORD_FIELDS_MAX fields. Values are not looked into. */
MUST_USE enum status record_split(struct slice line, const struct slice *groups, size_t group_count,
				  struct record_field out[RECORD_FIELDS_MAX], size_t *out_count,
				  struct fail *why);

/* Both: the record as one line. */
void record_encode(const struct record *r, struct arena *scratch, struct buf *out);

/* Reads fields back: any subset, any order, unknown names skipped. Missing fields stay zero;
 * without event_type the kind is RECORD_NONE and only outer fields are read. A field given twice,
 * or with a value of another type or out of range, is ST_INVALID. */
MUST_USE enum status record_from_fields(const struct record_field *fields, size_t n,
					struct arena *a, struct record *out, struct fail *why);

/* Reads one line of EVE JSON (RFC 8259; a key twice in one object is ST_INVALID), ours or
 * Suricata's: what the table does not know is skipped, lists longer than ..._MAX are cut. */
MUST_USE enum status record_parse(struct slice line, struct arena *a, struct record *out,
				  struct fail *why);

/* A deep copy whose slices and lists live in a. False if the budget is spent. */
MUST_USE bool record_copy(const struct record *r, struct arena *a, struct record *out);

#endif
