/* SPDX-License-Identifier: Apache-2.0
 *
 * fingerprint/fingerprint.h - when a flow sent how much: what two owners compare instead of
 * packets.
 *
 * A flow's life is cut at multiples of 2^34 ns (17.2 s) of wall time; each segment in which payload
 * travelled gives one fingerprint, at most 648 bytes, typically some hundred. It has no address, no
 * port, no content and no name: whose flow it was is known to the station that keeps it beside its
 * record. Time is in bins of 2^23 ns (8.4 ms), aligned to wall time, too, so that fingerprints of
 * stations whose clocks agree have the same edges.
 *
 * Neighbouring bins of one direction are one event: it goes on while payload follows in one of the
 * next three bins, and ends before it is longer than 64. So a keystroke is an event and a transfer
 * two in a second. Where more than 128 events would be needed, bins become twice as wide and the
 * events are joined anew: a busy flow is told more coarsely, never only in part.
 *
 * The format is docs/formats/fingerprint.md. Pure; no floating point; any thread, one at a time for
 * each maker. The methods it serves: Zhang and Paxson, "Detecting Stepping Stones" (2000), and what
 * came of it, compare just these onsets; volumes are what survives where a relay destroys onsets.
 */
#ifndef DEW_FINGERPRINT_FINGERPRINT_H
#define DEW_FINGERPRINT_FINGERPRINT_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"
#include "base/time.h"

enum {
	FINGERPRINT_SEGMENT_LOG2 = 34, /* ns of a segment: 17.18 s */
	FINGERPRINT_BIN_LOG2 = 23,     /* ns of the finest bin: 8.39 ms */
	FINGERPRINT_COARSER_MAX = 7,   /* bins are up to 2^7 times as wide: 1.07 s */
	FINGERPRINT_JOIN = 4,	  /* bins from one payload to the next that make it another event */
	FINGERPRINT_RUN_MAX = 64, /* bins of an event */
	FINGERPRINT_EVENTS_MAX = 128, /* of a fingerprint, both directions together */
	FINGERPRINT_CLASSES = 240,    /* of numbers, see fingerprint_class() */
	FINGERPRINT_BYTES_MAX = 8 + 5 * FINGERPRINT_EVENTS_MAX, /* encoded */
};

/* Bins that a segment has if they are 2^coarser times as wide as the finest. */
static inline uint32_t fingerprint_bins(uint32_t coarser)
{
	return UINT32_C(1) << (FINGERPRINT_SEGMENT_LOG2 - FINGERPRINT_BIN_LOG2 - coarser);
}

/* Payload of one direction in bins [bin, bin + bins) of its segment; in the first and the last of
 * them there was some. */
struct fingerprint_event {
	uint32_t pkts, bytes; /* with payload, and of payload; saturating, at least 1 */
	uint16_t bin;
	uint8_t bins; /* 1 to FINGERPRINT_RUN_MAX */
	uint8_t dir;  /* 0: from who began the flow, 1: to it */
};

/* {0} has no events, and is not sent. */
struct fingerprint {
	uint32_t segment; /* its start in ns of wall time, shifted right by SEGMENT_LOG2: < 2^29 */
	uint8_t proto;	  /* IP protocol number: what a payload byte is differs between them */
	uint8_t coarser;  /* bins are of 2^(BIN_LOG2 + coarser) ns */
	uint16_t count;	  /* of events: 1 to EVENTS_MAX */
	const struct fingerprint_event *events; /* ascending by bin, then by dir; borrowed */
};

/* When an event began: the first nanosecond of its first bin. */
struct wall_ns fingerprint_start(const struct fingerprint *f, const struct fingerprint_event *e);

/* Numbers are told in classes, exactly to 15 and then to one part in eight (each power of two has
 * eight classes): 0..CLASSES-1. The value of a class is its middle, and of that same class. */
uint8_t fingerprint_class(uint32_t v);
uint32_t fingerprint_class_value(uint8_t c); /* c < CLASSES */

/* Bytes written. Numbers are rounded to their class; f must keep the rules above (what a maker or
 * parse() gives does). */
size_t fingerprint_encode(const struct fingerprint *f, uint8_t out[FINGERPRINT_BYTES_MAX]);

/* All of `bytes`, in the only form that encode() writes: what is parsed encodes to the same bytes.
 * Events are put into room. ST_INVALID says what is wrong and at which byte. */
MUST_USE enum status fingerprint_parse(struct slice bytes, struct fingerprint *out,
				       struct fingerprint_event room[FINGERPRINT_EVENTS_MAX],
				       struct fail *why);

/* Called with each fingerprint that is complete; what it points to lives until it returns. */
struct fingerprint_sink {
	void *ctx;
	void (*made)(void *ctx, const struct fingerprint *f);
};

/* What a flow keeps: 24 bytes, and events in the flow's arena: 96 bytes for the first 8, at most 3
 * KiB. {0} is ready; set proto. Other members are the maker's own. */
struct fingerprint_maker {
	struct fingerprint_event *events;
	uint32_t segment;
	uint16_t count, room;
	uint16_t now;	 /* bin of the latest packet */
	uint16_t lost;	 /* packets for which there was no memory at all; saturating */
	uint8_t last[2]; /* of each direction: 1 + index of its newest event, 0: none */
	uint8_t coarser;
	uint8_t proto;
};

/* A packet of the flow with `bytes` of payload (0: nothing happens). Constant cost: a few
 * comparisons; at most seven times in a segment, one pass over the events. A packet that is older
 * than the latest counts as of its time, unless it is from before the previous segment: then the
 * clock was set, and a new fingerprint begins. Where `a` has no more memory bins become wider. */
void fingerprint_maker_packet(struct fingerprint_maker *m, struct arena *a, struct wall_ns at,
			      unsigned dir, uint32_t bytes, const struct fingerprint_sink *sink);

/* The flow ends, or what it has so far is wanted: nothing is made if there is nothing. */
void fingerprint_maker_end(struct fingerprint_maker *m, const struct fingerprint_sink *sink);

#endif
