/* SPDX-License-Identifier: Apache-2.0
 *
 * ipfix_priv.h - the table of information elements, which write.c and read.c share.
 */
#ifndef DEW_SENSOR_IPFIX_IPFIX_PRIV_H
#define DEW_SENSOR_IPFIX_IPFIX_PRIV_H

#include "base/buf.h"
#include "base/cursor.h"
#include "sensor/ipfix/ipfix.h"

enum {
	IPFIX_VERSION = 10,
	IPFIX_HEADER = 16,
	IPFIX_SET_TEMPLATES = 2,
	IPFIX_SET_OPTIONS = 3,
	IPFIX_SET_DATA = 256, /* and above: the template's id */
	IPFIX_LENGTH_VARIES = 65535,
	IPFIX_ENTERPRISE = 0x8000,
	IPFIX_REVERSE = 29305, /* enterprise number of RFC 5103: the other direction */
};

/* All that a record of any kind may say that is of use here. */
struct ipfix_record {
	struct ipfix_flow flow;
	struct ipfix_account account;
	uint64_t octets_total[2],
		packets_total[2]; /* since the flow began, if no deltas are told */
	uint64_t frame_octets_total[2];
	uint8_t icmp_type, icmp_code;
	uint64_t selector;
	uint64_t sampling_interval;  /* one of so many packets (IE 34, 50) */
	uint64_t chosen, left_out;   /* of each chosen + left_out packets (305, 306) */
	uint64_t sample, population; /* so many of so many (309, 310) */
	bool has_begin, has_uptime;  /* systemInitTime; flow times by the system's uptime */
};

/* How bytes stand for a value. */
enum ipfix_kind {
	IPFIX_UINT, /* of any length: reduced-size encoding (RFC 7011 6.2) */
	IPFIX_V4,
	IPFIX_V6,
	IPFIX_TEXT,
	IPFIX_S,      /* since 1970 */
	IPFIX_MS,     /* since 1970 */
	IPFIX_NTP,    /* seconds since 1900 and their fraction (RFC 7011 6.1.9, 6.1.10) */
	IPFIX_UPTIME, /* milliseconds since the system began */
	IPFIX_AGO_US, /* before the message's export time */
};

struct ipfix_element {
	uint16_t id;
	uint8_t kind;
	uint8_t bytes;	/* of the member: 1, 2, 8; of other kinds 0 */
	uint16_t at;	/* of the member in struct ipfix_record */
	uint16_t other; /* of the other direction's; 0: it has none */
};

extern const struct ipfix_element ipfix_elements[];
enum { IPFIX_NO_ELEMENT = 0xff };

/* Its place in ipfix_elements, or IPFIX_NO_ELEMENT. */
uint8_t ipfix_element_find(uint16_t id);

/* Against what times of a record are reckoned. */
struct ipfix_clock {
	int64_t export_ns;
	int64_t begin_ns; /* of the system's uptime; INT64_MIN: not known */
};

/* Reads a field into its member. What does not fit (a length that its kind has not, text that is
 * too long) is left out, or cut. */
void ipfix_element_get(const struct ipfix_element *e, bool other, struct slice bytes,
		       const struct ipfix_clock *clock, struct ipfix_record *r);
/* Writes it with that many bytes. */
void ipfix_element_put(const struct ipfix_element *e, bool other, size_t bytes,
		       const struct ipfix_record *r, struct buf *out);

/* Flows of a version 5 message into the sink's form: v5.c. False: malformed. */
struct ipfix_v5_head {
	uint32_t sequence, domain;
	uint64_t sampling; /* 0: none */
	struct ipfix_clock clock;
	size_t count;
};
MUST_USE bool ipfix_v5_head(struct cursor *c, struct ipfix_v5_head *out);
void ipfix_v5_record(struct cursor *c, const struct ipfix_v5_head *h, struct ipfix_flow *out);

#endif
