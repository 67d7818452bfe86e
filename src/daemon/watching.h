/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/watching.h - one run of `dewline watch`: what its files share.
 *
 * Private to the module. A run has two halves. watch.c and watch_assess.c make everything that
 * others may see, from the stations that others may know of, and write it; only then does
 * watch_sealed.c read what sealed stations saw (`sealed-station` in a party's file). So nothing of
 * the first half can depend on the second: no count, order, time, id, salt or size.
 * docs/formats/release.md, "Sealed sensors".
 */
#ifndef DEW_DAEMON_WATCHING_H
#define DEW_DAEMON_WATCHING_H

#include "assess/origin/origin.h"
#include "base/buf.h"
#include "daemon/bundling.h"
#include "daemon/daemon.h"
#include "os/file.h"
#include "party/party.h"

enum { WATCH_TABLES_MAX = 32 };

struct watch_table {
	struct origin_table *table;
	struct os_map map;
};

struct watch {
	const struct daemon_watch_options *o;
	struct arena *arena;
	struct wall_ns now; /* when the run began: the time of all that the centre says itself, so
			       that how long anything took is not told */
	struct data data;
	struct commit *commit;
	struct fact *facts; /* what an assessment may read, ascending leaf; records in arena, as
			       they are shown: with pseudonyms */
	size_t fact_count, fact_room;
	const struct record **real; /* of each of them, as it was committed */
	size_t real_count, real_room;
	struct pseudonym_nets nets; /* whose addresses leave as pseudonyms, */
	struct crypto_pan pan;	    /* these; also in the second half */
	uint64_t leaf_base; /* what a fact's leaf is more than its place in `commit`'s log */
	struct bulletin_file *party_files, *treaty_files; /* parties': as others get them */
	size_t party_count, treaty_count;
	struct party *parties; /* of party_files */
	struct bulletin_file prior;
	struct bundling_texts texts; /* all of these, as a bundle has them */
	size_t public_count; /* facts that are not withheld: those in front; SIZE_MAX: all so far */
	struct bulletin_file *whole_files; /* the parties' files as they were read, */
	struct party *whole;		   /* with their sealed stations */
	struct slice party;		   /* id of whose centre this is */
	struct watch_table tables[WATCH_TABLES_MAX];
	size_t table_count;
	struct buf problems;
	struct fail why; /* the first failure inside a sink */
};

/* A record into the log and eve.json; what an assessment may read is a fact from then on. */
MUST_USE enum status watch_commit(struct watch *w, const struct record *r, struct fail *why);

/* A record that the centre itself makes. */
struct record watch_own_record(const struct watch *w, enum record_kind kind);

MUST_USE enum status watch_commit_input(struct watch *w, const char *what, struct slice name,
					const uint8_t sha256[32], uint64_t bytes, struct fail *why);

/* The treaties to judge by, each of which compiles: w->treaty_files. */
MUST_USE enum status watch_read_treaties(struct watch *w, struct fail *why);

/* Capture number i; behind captures come files of flow export. */
bool watch_is_sealed(const struct watch *w, size_t i);
/* Is its station one whose events are withheld, which others may know? */
bool watch_is_withheld(const struct watch *w, size_t i);
/* Reads it; it is the next of r->captures. */
MUST_USE enum status watch_sense(struct watch *w, size_t i, struct daemon_watch_result *r,
				 struct fail *why);

/* The verdicts, and everything that is made of them, from what was read: the public ones, then with
 * what is withheld, which is read here. */
MUST_USE enum status watch_assess(struct watch *w, struct daemon_watch_result *r, struct fail *why);

/* The second half: what sealed stations saw goes into a log of their own (DIR/sealed-stations), and
 * how much of a difference it makes, as bands, into DIR/bands: the same files, whether there are
 * any or not. */
MUST_USE enum status watch_band(struct watch *w, struct daemon_watch_result *r, struct fail *why);

#endif
