/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/file/file.h - files that transactions carry: bodies, attachments, transfers.
 *
 * A parser opens a file, gives it its bytes in order, and closes it; this module hashes, recognises
 * the type, keeps what signatures look at and what is to be stored. Files live with their
 * transaction, in its memory. Worker's thread only; nothing here fails on input, and what does not
 * fit the budget is left out and marked.
 */
#ifndef DEW_SENSOR_FILE_H
#define DEW_SENSOR_FILE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"

enum {
	FILE_NAME_MAX = 4096,	/* bytes of a name; the rest is cut */
	FILE_PER_TX_MAX = 1024, /* files of one transaction and direction */
	FILE_SIDS_MAX = 16,	/* signatures kept that asked for a file */
};

enum file_hash { FILE_MD5 = 1, FILE_SHA1 = 2, FILE_SHA256 = 4 }; /* bits */

enum file_state {
	FILE_OPEN,
	FILE_CLOSED,	/* complete */
	FILE_TRUNCATED, /* its end was not seen */
	FILE_ERROR,	/* broken off by what carried it */
};

/* What is done with files; immutable once workers run. */
struct file_setup {
	uint8_t hashes;	     /* enum file_hash: for every file */
	bool magic;	     /* for every file */
	bool store;	     /* files that signatures name may be stored */
	bool store_all;	     /* force-filestore */
	uint64_t store_most; /* bytes of a stored file; 0 = all */
	uint64_t keep_most;  /* bytes kept for signatures; 0 = 1 MiB */
};

struct file_hashing; /* the running hashes */

struct file {
	struct file *next;
	struct slice name;
	uint64_t size;	     /* bytes seen, holes counted */
	uint64_t start, end; /* of a part of a larger file (Content-Range) */
	bool ranged;
	bool gaps; /* a hole in it: no hashes */
	bool logged;
	bool wanted; /* filestore asked for it */
	bool stored;
	uint32_t id; /* file_id, from 1, once stored */
	enum file_state state;
	uint8_t hashes; /* those that are valid: after closing */
	uint8_t md5[16], sha1[20], sha256[32];
	struct slice magic; /* "" until known */
	struct buf kept;    /* bytes kept, from offset kept_from */
	uint64_t kept_from;
	uint64_t sids[FILE_SIDS_MAX];
	uint32_t sid_count;
	uint32_t track; /* the parser's own: which of several open ones */
	struct file_hashing *hashing;
	const struct file_setup *setup;
	struct arena *arena;
};

/* The files of one transaction in one direction. */
struct file_set {
	struct file *first, *last;
	uint32_t count;
};

/* A new open file behind the others; the name is copied. NULL: no memory, or FILE_PER_TX_MAX. */
struct file *file_open(struct file_set *set, const struct file_setup *setup, struct arena *a,
		       struct slice name);
void file_data(struct file *f, struct slice bytes);
void file_gap(struct file *f, uint64_t missing);
/* Ends it; more than once does nothing. state: FILE_CLOSED, FILE_TRUNCATED or FILE_ERROR. */
void file_close(struct file *f, enum file_state state);
/* The last file of the set that is open; NULL: none. */
struct file *file_current(const struct file_set *set);
/* EVE's word: "CLOSED", "TRUNCATED", "ERROR", "UNKNOWN". */
const char *file_state_name(enum file_state s);

#endif
