/* SPDX-License-Identifier: Apache-2.0
 * What the files of this module share. */
#ifndef DEW_DAEMON_PRIV_H
#define DEW_DAEMON_PRIV_H

#include "daemon/daemon.h"

enum { DAEMON_FILE_MAX = 1 << 30 }; /* bytes of a file that is read whole */

/* Reads a whole file into the arena ("-" is standard input) and hashes it. */
MUST_USE enum status daemon_file_read(struct slice path, struct arena *a, struct daemon_file *out,
				      struct fail *why);

/* "a/b/c.pcap" -> "c.pcap", "-" -> "stdin"; and a name without its last extension. Borrowed from
 * the input. */
struct slice daemon_base_name(struct slice path);
struct slice daemon_stem(struct slice name);

/* "a/b/c.pcap" -> "a/b", "c.pcap" -> ".", "/c.pcap" -> "/": where a file is. */
struct slice daemon_folder(struct slice path);

/* dir/name in the arena; ptr NULL if the budget is spent. */
struct slice daemon_path(struct arena *a, struct slice dir, struct slice name);
/* The same, but a name that begins with a slash is a path by itself. */
struct slice daemon_path_from(struct arena *a, struct slice dir, struct slice name);

/* "hour", "90s", "15m", "1d", "2w" to seconds; words are at full hours. False: it is none. */
MUST_USE bool daemon_interval_parse(struct slice s, uint32_t *out_s, bool *out_aligned);

/* Lower-case hexadecimal in the arena. */
struct slice daemon_hex(struct arena *a, const uint8_t *bytes, size_t n);

/* What one tenant (or the station, the first) brings to a capture, and what it gets. */
struct daemon_packets;
struct tenant_map;
struct daemon_sense_lane {
	struct pipeline_options options;
	struct detect_saved *saved;	/* what rules put into sets; NULL: nobody wants it */
	struct pipeline_stats *stats;	/* out, if options.stats: as they were at its end */
	struct daemon_packets *packets; /* where its frames are kept; NULL: they are not */
	size_t packets_lane;
};

/* daemon_sense() with a pipeline a tenant: map says whose a frame is. The capture's counters are
 * the sum, its costs the station's; its stats are with the lanes. */
MUST_USE enum status daemon_sense_lanes(struct slice path, const struct tenant_map *map,
					struct daemon_sense_lane *lanes, size_t lane_count,
					const struct daemon_progress *progress, struct arena *a,
					struct daemon_capture *out, struct fail *why);

/* The verdicts on the facts that the evidence checks of a bundle let through: the bulletin and its
 * canonical JSON. all_said: what all evidence says, where the sealed facts are not among them.
 * `out` borrows from a, b and r. */
MUST_USE enum status daemon_judge(const struct bundle *b, const struct bundle_report *r,
				  struct slice all_said, struct arena *a, struct bulletin *out,
				  struct slice *out_json, struct fail *why);

/* What a bulletin says of all evidence, if some of it is sealed; else ptr is NULL. */
struct slice daemon_said_of(struct slice bulletin);

/* The sets that rules changed, to their files, relative names below dir. */
MUST_USE enum status daemon_sets_write(const struct detect_saved *saved, struct slice dir,
				       struct arena *a, struct fail *why);

/* A tick without numbers. */
void daemon_progress_say(const struct daemon_progress *p, const char *stage, struct mono_ns since,
			 bool finished);

#endif
