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
#include "base/time.h"

enum {
	FILE_NAME_MAX = 4096,	/* bytes of a name; the rest is cut */
	FILE_PER_TX_MAX = 1024, /* files of one transaction and direction */
	FILE_SIDS_MAX = 16,	/* signatures kept that asked for a file */
	FILE_MAGIC_BYTES = 512, /* how much of a file says its type: Suricata's */
	FILE_MAGIC_MAX = 512,	/* bytes of a type's text */
};

enum file_hash { FILE_MD5 = 1, FILE_SHA1 = 2, FILE_SHA256 = 4 }; /* bits */

enum file_state {
	FILE_OPEN,
	FILE_CLOSED,	/* complete */
	FILE_TRUNCATED, /* its end was not seen */
	FILE_ERROR,	/* broken off by what carried it */
};

struct file;
struct file_magic;

/* Where bytes of files that are wanted go; whoever has a disk hands it down. A handle is the
 * store's own. Failures are counted there; nothing here depends on them. */
struct file_store {
	void *ctx;
	/* NULL: refused. f->id is set. */
	void *(*open)(void *ctx, const struct file *f);
	void (*data)(void *ctx, void *handle, struct slice bytes);
	/* The file is over: state, hashes and size are final. True: it is stored. */
	bool (*close)(void *ctx, void *handle, const struct file *f);
	/* What is said of a stored file, as an event's line without its end; NULL: nobody asks. */
	void (*info)(void *ctx, const struct file *f, struct wall_ns at, struct slice json);
};

/* What is done with files; only `ids` changes once workers run (one setup a worker). */
struct file_setup {
	uint8_t hashes;		       /* enum file_hash: for every file */
	bool magic;		       /* for every file */
	bool types_wanted;	       /* somebody may ask file_type() */
	bool store;		       /* files that signatures name may be stored */
	bool store_all;		       /* force-filestore */
	uint64_t store_most;	       /* bytes of a stored file; 0 = all */
	uint64_t keep_most;	       /* bytes kept for signatures; 0 = 1 MiB */
	struct slice types_path;       /* libmagic's table; empty: the system's */
	struct file_magic *types;      /* NULL: types are not known */
	const struct file_store *sink; /* NULL: nothing is stored */
	uint32_t *ids;		       /* the last file_id given out; not NULL if sink is not */
};

struct file_hashing; /* the running hashes */

struct file {
	struct file *next;
	struct slice name;
	uint64_t size;	     /* bytes seen, holes counted */
	uint64_t seen;	     /* bytes seen, holes not counted */
	uint64_t start, end; /* of a part of a larger file (Content-Range) */
	bool ranged;
	bool gaps; /* a hole in it: no hashes */
	bool logged;
	bool wanted; /* filestore asked for it */
	bool stored;
	bool unstorable; /* refused, or asked for too late: its beginning is gone */
	uint32_t id;	 /* file_id, from 1, once it is being stored */
	void *handle;	 /* of the sink, while it is being stored */
	uint64_t stored_bytes;
	enum file_state state;
	uint8_t hashes; /* those that are valid, after closing: of all bytes seen */
	uint8_t md5[16], sha1[20], sha256[32];
	struct slice magic; /* "" until known */
	struct buf kept;    /* bytes kept, from offset kept_from */
	uint64_t kept_from;
	uint64_t *sids; /* FILE_SIDS_MAX of them, with the first; NULL: none */
	uint32_t sid_count;
	uint32_t track; /* the parser's own: which of several open ones */
	struct file_hashing *hashing;
	const struct file_setup *setup;
	struct file_set *set;
	struct arena *arena;
};

/* The files of one transaction in one direction. */
struct file_set {
	struct file *first, *last;
	uint32_t count;
	bool wanted;	/* a rule wants all of them stored */
	uint32_t moves; /* grows with whatever happens to one of them */
};

/* A new open file behind the others; the name is copied. NULL: no memory, or FILE_PER_TX_MAX. */
struct file *file_open(struct file_set *set, const struct file_setup *setup, struct arena *a,
		       struct slice name);
void file_data(struct file *f, struct slice bytes);
void file_gap(struct file *f, uint64_t missing);
/* Ends it; more than once does nothing. state: FILE_CLOSED, FILE_TRUNCATED or FILE_ERROR. */
void file_close(struct file *f, enum file_state state);
/* Closes all that are open. */
void file_set_close(struct file_set *set, enum file_state state);
/* A signature (0: none) wants the file stored: what is kept of it now, and all that comes. */
void file_want(struct file *f, uint64_t sid);
/* The part behind the last point of its name, lower or upper case; empty: none. */
struct slice file_extension(const struct file *f);
/* What libmagic says of its beginning, once enough of it or all is there; empty until then. */
struct slice file_type(struct file *f);
/* The last file of the set that is open; NULL: none. */
struct file *file_current(const struct file_set *set);
/* EVE's word: "CLOSED", "TRUNCATED", "ERROR", "UNKNOWN". */
const char *file_state_name(enum file_state s);

/* libmagic's table of types, read once: from the file named (empty: the system's). One worker's
 * own; memory is the library's. NULL: it cannot be read. */
struct file_magic *file_magic_open(struct slice path, struct arena *a);
void file_magic_close(struct file_magic *m);
/* What the bytes are ("PDF document, version 1.4"); the empty slice if unknown. Lives until the
 * next call. */
struct slice file_magic_of(struct file_magic *m, struct slice bytes);

#endif
