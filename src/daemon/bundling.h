/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/bundling.h - the one way to a bundle. Private to the module.
 *
 * Whoever makes one (watch from what it just saw, disclose from what was asked for, bundle from
 * what the folder has kept) has daemon_commit_frame() begin it, adds facts and texts, and hands it
 * on here: it is checked as a stranger would, then written. What a later `dewline bundle` needs is
 * kept in the data folder, docs/formats/data.md: the texts by their hash, and which leaves a
 * bulletin rests on.
 */
#ifndef DEW_DAEMON_BUNDLING_H
#define DEW_DAEMON_BUNDLING_H

#include "daemon/commit.h"
#include "daemon/daemon.h"
#include "daemon/data.h"

/* The texts that a verdict rests on. */
struct bundling_texts {
	struct bundle_file *parties, *treaties, *prior; /* prior: one */
	size_t party_count, treaty_count;
};

/* The log's own key vouches for the station's from here on, if it does not yet. ST_REFUSED: the key
 * was revoked, or its certificate has ended. */
MUST_USE enum status daemon_bundle_vouch(struct commit *c, const struct data *d, struct slice party,
					 struct wall_ns now, struct arena *a, struct fail *why);

/* Facts that show every certificate and revocation in the flushed log whole. */
MUST_USE enum status daemon_bundle_certificates(struct commit *c, struct arena *a,
						struct bundle_fact **out, size_t *out_count,
						struct fail *why);

/* Adds facts to those of a bundle, by leaf; a leaf that it has stays as it is. */
MUST_USE enum status daemon_bundle_add(struct bundle *b, const struct bundle_fact *more, size_t n,
				       struct arena *a, struct fail *why);

void daemon_bundle_texts(const struct bundling_texts *t, struct bundle *out);

/* The stranger's checks, before a stranger makes them. ST_CORRUPT: ours does not hold. */
MUST_USE enum status daemon_bundle_check(const struct bundle *b, struct arena *a,
					 struct bundle_report *out, struct fail *why);

/* Encodes and writes; private: for its owner's eyes only. */
MUST_USE enum status daemon_bundle_write(const struct bundle *b, struct slice path, bool private,
					 struct arena *a, struct fail *why);

/* Keeps what daemon_bundle() needs of a bulletin: its texts, the leaves of its facts. */
MUST_USE enum status daemon_bundle_keep(const struct data *d, struct slice id,
					const struct bundling_texts *texts,
					const struct bundle *facts, struct arena *a,
					struct fail *why);

/* Where the list of what a bulletin rests on is kept; under which name a text. */
struct slice daemon_made_path(const struct data *d, struct slice id, struct arena *a);
struct slice daemon_text_hash(struct slice text, struct arena *a);

#endif
