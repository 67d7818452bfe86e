/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/capture/capture.h - packets out of a capture file's bytes.
 *
 * Reads classic pcap (draft-ietf-opsawg-pcap: both byte orders, micro- and nanoseconds) and pcapng
 * (draft-ietf-opsawg-pcapng: several sections, several interfaces each with own link type, time
 * resolution and offset; enhanced, simple and obsolete packet blocks). The bytes are borrowed
 * (mapped by os/file) and must outlive the reader; packets are slices of them. A pure function of
 * its input.
 */
#ifndef DEW_SENSOR_CAPTURE_H
#define DEW_SENSOR_CAPTURE_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"
#include "base/time.h"

enum {
	CAPTURE_INTERFACES_MAX = 256,
	CAPTURE_PACKET_MAX = 256 << 10 /* bytes; libpcap's MAXIMUM_SNAPLEN */
};

struct capture_packet {
	struct slice data;   /* as captured; may be empty */
	uint32_t wire_bytes; /* as sent; >= data.len unless the file lies, then data.len */
	uint32_t linktype;   /* LINKTYPE_ value */
	struct wall_ns at;   /* 0 for simple packet blocks, which carry no time */
	uint64_t number;     /* from 1 */
};

struct capture_interface {
	uint32_t linktype, snaplen;
	uint64_t ticks_per_s; /* 0: if_tsresol was out of range; its packets are refused */
	int64_t offset_s;
};

struct capture {
	struct slice bytes;
	size_t at; /* offset of the next record or block: progress is at / bytes.len */
	bool ng, nanos;
	bool swapped;	      /* fields are little-endian: the reverse of a cursor's order */
	uint8_t record_bytes; /* pcap: bytes of a record's header; 24 in the "modified" form */
	uint64_t packets;
	struct capture_interface interfaces[CAPTURE_INTERFACES_MAX];
	uint32_t interface_count;
};

/* Looks at the head of the file. Empty, too short or not a capture: ST_INVALID with what was found.
 * Every field of *c is set. */
MUST_USE enum status capture_open(struct capture *c, struct slice bytes, struct fail *why);

/* The next packet; ST_END behind the last whole one at the end of the file; ST_INVALID with the
 * byte offset if the rest is cut short or makes no sense (all packets before it were given);
 * ST_LIMIT past CAPTURE_INTERFACES_MAX. Both repeat when called again. */
MUST_USE enum status capture_next(struct capture *c, struct capture_packet *out, struct fail *why);

#endif
