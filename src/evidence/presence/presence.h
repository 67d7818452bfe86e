/* SPDX-License-Identifier: Apache-2.0
 *
 * evidence/presence/presence.h - when a station watched, and when it was silent.
 *
 * What a station says of itself in its log (docs/formats/station.md) goes in, a list of periods and
 * a share of time come out. A time counts as watched only if something in the log says so: a sign
 * of life that covers it, and no gap that takes it back. All other time between the first word and
 * the last is silent, and where nobody says why, "silent, cause unknown"; never "no attack".
 *
 * Data availability and timeliness are the two numbers that seismic stations of the Comprehensive
 * Nuclear-Test-Ban Treaty are held to: the share of time of which there are data, and the share of
 * which they came in time.
 *
 * Pure; any thread. What comes out lives in the arena and borrows from the notes.
 */
#ifndef DEW_EVIDENCE_PRESENCE_H
#define DEW_EVIDENCE_PRESENCE_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"
#include "base/time.h"

enum presence_kind {
	PRESENCE_SIGN,	/* something was sealed */
	PRESENCE_BEGIN, /* a sensor begins */
	PRESENCE_END,	/* it was told to end */
	PRESENCE_LIFE,	/* it watched from.. to.. */
	PRESENCE_GAP,	/* it did not, or not all */
};

struct presence_note {
	enum presence_kind kind;
	uint64_t leaf;
	struct wall_ns at;	 /* when it was sealed */
	struct wall_ns from, to; /* LIFE, GAP; GAP, to 0: it went on then */
	/* GAP: */
	bool silent; /* else something was lost, and the rest was seen */
	struct slice reason, says, where;
	uint64_t packets, events; /* lost */
};

struct presence_options {
	int64_t timely_ns; /* data that were sealed within this are in time */
	/* Without LIFE: two things sealed this long apart or less have no silence between them; 0:
	 * only LIFE counts. */
	int64_t within_ns;
};

struct presence_period {
	struct wall_ns from, to;
	bool watched;
	/* Not watched: the gap that says why; reason "" if none does, then says is that the cause
	 * is unknown. */
	struct slice reason, says, where;
	uint64_t leaf;
};

struct presence_report {
	struct presence_period *periods; /* by time, each touches the next */
	size_t count;
	int64_t all_ns, watched_ns, timely_ns;
	const struct presence_note **losses; /* gaps that are not silence, as they came */
	size_t loss_count;
	uint64_t lost_packets, lost_events;
};

/* Notes in the order of the log. ST_NOMEM. Nothing to say of: count 0. */
MUST_USE enum status presence_of(const struct presence_note *notes, size_t n,
				 const struct presence_options *o, struct arena *a,
				 struct presence_report *out, struct fail *why);

/* part / all in millionths, cut; of nothing 0. */
uint64_t presence_share(int64_t part, int64_t all);

#endif
