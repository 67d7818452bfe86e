/* SPDX-License-Identifier: Apache-2.0
 *
 * evidence/follow/follow.h - keeping an eye on somebody's log.
 *
 * A monitor (RFC 9162 8.2, C2SP tlog-tiles): it remembers the last checkpoint that it checked, asks
 * the log for a newer one, wants the proof that nothing before it changed, and reads every entry
 * that is new. It also compares what others (witnesses, other monitors) were shown. Its folder:
 *
 *	dewline-follow    "dewline follow 1\n"
 *	lock              held while it is open
 *	checkpoint        what was checked last, with all signatures it came with
 *	conviction        two histories that the log signed (evidence/view/view.h); the first seen
 *
 * Every entry is checked against the signed root before anybody sees it. Memory does not grow with
 * the log. One thread.
 */
#ifndef DEW_EVIDENCE_FOLLOW_FOLLOW_H
#define DEW_EVIDENCE_FOLLOW_FOLLOW_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"
#include "crypto/note.h"
#include "evidence/ledger/ledger.h"
#include "evidence/view/view.h"

struct os_disk;

struct follow_options {
	struct slice folder; /* made if absent */
	const struct ledger_source *source;
	const struct view_policy
		*policy;      /* whose checkpoints are believed, and with which quorum */
	struct os_disk *disk; /* NULL, or a test's fault hook */
	void *ctx;
	/* Each new entry, in order; may be NULL. Anything but ST_OK ends the turn and is returned
	 * by it; the entries of that turn come again in the next one. */
	enum status (*entry)(void *ctx, uint64_t leaf, struct slice entry, struct fail *why);
};

struct follow;

/* All of *options is borrowed while it is open. ST_REFUSED: another has the folder, it is not a
 * monitor's, or it remembers another log. ST_CORRUPT: what it remembers is damaged. */
MUST_USE enum status follow_open(const struct follow_options *options, struct arena *a,
				 struct follow **out, struct fail *why);
void follow_close(struct follow *f); /* NULL is fine */

enum follow_verdict {
	FOLLOW_SAME,	/* nothing new */
	FOLLOW_GREW,	/* and everything in it is in order */
	FOLLOW_BEHIND,	/* an older state than one that was signed before: stale, or set back */
	FOLLOW_DAMAGED, /* what it serves is not what it signed; nobody is convicted by it */
	FOLLOW_SPLIT,	/* it signed two histories: the proof is in its file */
};

struct follow_found {
	enum follow_verdict verdict;
	uint64_t from, size;   /* leaves known before, and that it shows now */
	size_t cosigned;       /* witnesses of the policy that put their name under it */
	struct fail said;      /* what is wrong, in .text; of the last three */
	struct slice evidence; /* the conviction's file, of FOLLOW_SPLIT; in the arena given */
	bool news;	       /* of FOLLOW_SPLIT: none was kept before */
};

const char *follow_verdict_name(enum follow_verdict v); /* "grew", "split" */

/* Looks once. ST_IO, ST_NOTFOUND: the log cannot be reached; ST_NOMEM; what options.entry gave. All
 * that can be said of the log is ST_OK and in *out. Only after FOLLOW_GREW is the new state
 * remembered, durably. */
MUST_USE enum status follow_turn(struct follow *f, struct arena *a, struct follow_found *out,
				 struct fail *why);

/* Compares what somebody else was shown, a signed checkpoint, with what is remembered. SAME: it is,
 * or leads to it; BEHIND: they saw more. The log's tiles are asked for the proof. ST_REFUSED,
 * ST_INVALID: it is no checkpoint of this log. */
MUST_USE enum status follow_compare(struct follow *f, struct slice note, struct arena *a,
				    struct follow_found *out, struct fail *why);

/* Somebody brings a conviction (what another monitor or witness serves). SPLIT: it is true, and of
 * the log that is followed; it is kept, unless one is. ST_REFUSED, ST_INVALID, ST_LIMIT: it is not,
 * and why: who brings such a thing should be named. */
MUST_USE enum status follow_hear(struct follow *f, struct slice text, struct arena *a,
				 struct follow_found *out, struct fail *why);

/* What a monitor's folder holds, read by somebody else, also while it is open. */
struct follow_state {
	struct slice origin;	 /* "": nothing was checked yet */
	uint64_t size;		 /* leaves that were */
	struct slice checkpoint; /* the note, for others to compare */
	struct slice conviction; /* the file's text; ptr NULL: there is none */
};
/* ST_NOTFOUND: the folder is no monitor's. */
MUST_USE enum status follow_state_read(struct slice folder, struct arena *a,
				       struct follow_state *out, struct fail *why);

#endif
