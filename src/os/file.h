/* SPDX-License-Identifier: Apache-2.0
 *
 * os/file.h - files and folders.
 *
 * Paths are slices without NUL bytes; where a path goes on from a folder, write it out. Errors read
 * "cannot open x: No such file or directory". Any thread; a struct os_disk that several share
 * asks its hook from each.
 *
 * Every function that changes the disk takes a struct os_disk, which may be NULL. Tests give one
 * with a fault hook, to make any single operation fail, or the process die just before it: that is
 * how "what was acknowledged survives" is proved rather than hoped.
 */
#ifndef DEW_OS_FILE_H
#define DEW_OS_FILE_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"
#include "base/time.h"

enum { OS_PATH_MAX = 2048 }; /* bytes with a NUL; two of them fit on a stack of 8 KiB */

enum os_op {
	OS_OP_CREATE, /* open a file for writing */
	OS_OP_WRITE,  /* with a hook, every write is two: so the second half may be missing */
	OS_OP_SYNC,   /* fsync of a file or folder */
	OS_OP_RENAME,
	OS_OP_MKDIR,
	OS_OP_UNLINK,
	OS_OP_LOCK,
	OS_OPS
};

struct os_disk {
	void *ctx;
	/* Asked before each operation, with how many were asked about before it: 0 lets it happen,
	 * an errno makes it fail with that. NULL: all happen. */
	int (*fault)(void *ctx, uint64_t number, enum os_op op, struct slice path);
	_Atomic uint64_t asked;
};

/* A file read through memory; bytes beyond its length when mapped are not there. If somebody cuts
 * the file short while it is mapped, reading it kills the process (SIGBUS): map only files that are
 * written once. */
struct os_map {
	struct slice bytes; /* empty file: empty slice */
};

MUST_USE enum status os_file_map(struct slice path, struct os_map *out, struct fail *why);
void os_map_done(struct os_map *map);

/* All of a file, of a pipe, or, for "-", of standard input. ST_LIMIT if it has more than `most`
 * bytes. */
MUST_USE enum status os_file_read(struct slice path, size_t most, struct arena *a,
				  struct slice *out, struct fail *why);

bool os_file_exists(struct slice path); /* and may be looked at */
MUST_USE enum status os_file_size(struct slice path, uint64_t *out, struct fail *why);

/* Replaces the file or leaves it alone, also if the power fails: temporary file beside it, fsync,
 * rename, fsync of the folder. Readers see the old bytes or the new. */
MUST_USE enum status os_file_replace(struct os_disk *disk, struct slice path, struct slice bytes,
				     struct fail *why);

/* The same for who reads it now: the old bytes or the new; which of them after a loss of power only
 * os_disk_sync() says. */
MUST_USE enum status os_file_swap(struct os_disk *disk, struct slice path, struct slice bytes,
				  struct fail *why);

/* The same as os_file_replace() for a file that only its owner may read. */
MUST_USE enum status os_file_replace_private(struct os_disk *disk, struct slice path,
					     struct slice bytes, struct fail *why);

/* Writes the file in place, new or cut to nothing first; not yet durable. For many files: put all,
 * then os_disk_sync(), or os_file_sync() for each and for their folders. */
MUST_USE enum status os_file_put(struct os_disk *disk, struct slice path, struct slice bytes,
				 struct fail *why);

/* Makes a file's data, or a folder's names, durable. */
MUST_USE enum status os_file_sync(struct os_disk *disk, struct slice path, struct fail *why);

/* Makes everything durable that was written to the file system which holds `path`: one wait instead
 * of one for each file, so much faster for many files, and slower for few when others write too.
 * Reports failed writes since Linux 5.8. */
MUST_USE enum status os_disk_sync(struct os_disk *disk, struct slice path, struct fail *why);

/* --- a file that is written from front to back --- */

struct os_out {
	int fd_plus_1;	   /* 0: not open */
	struct slice path; /* borrowed: it outlives this */
	uint64_t bytes;	   /* that it has; of os_out_over(): that were written since its front */
};

/* Makes the file, with these permissions less umask, or goes on behind what it has. */
MUST_USE enum status os_out_open(struct os_disk *disk, struct slice path, unsigned mode,
				 struct os_out *out, struct fail *why);
/* Opens a file to be written over from its front, made if absent: what is overwritten again and
 * again has its place on the disk, so that making it durable waits for its own bytes only. */
MUST_USE enum status os_out_over(struct os_disk *disk, struct slice path, unsigned mode,
				 struct os_out *out, struct fail *why);
MUST_USE enum status os_out_rewind(struct os_out *out, struct fail *why); /* of os_out_over() */
/* What was written is durable (fdatasync). */
MUST_USE enum status os_out_sync(struct os_disk *disk, struct os_out *out, struct fail *why);
/* All of it behind what is there; out->bytes grows by what was written, also if it was not all. */
MUST_USE enum status os_out_write(struct os_disk *disk, struct os_out *out, struct slice bytes,
				  struct fail *why);
/* Only its first `bytes` stay. */
MUST_USE enum status os_out_cut(struct os_disk *disk, struct os_out *out, uint64_t bytes,
				struct fail *why);
/* The disk may begin to write what the system holds of it, which is not waited for. */
void os_out_begin_sync(struct os_out *out, uint64_t from, uint64_t bytes);
MUST_USE enum status os_out_close(struct os_out *out, struct fail *why); /* not open is fine */

/* Bytes that may still be written to the file system that holds path, by who has no privileges. */
MUST_USE enum status os_disk_free(struct slice path, uint64_t *out, struct fail *why);
/* Permissions, and whose it is. */
MUST_USE enum status os_file_limit(struct slice path, unsigned mode, struct fail *why);
MUST_USE enum status os_file_give(struct slice path, unsigned uid, unsigned gid, struct fail *why);

/* ST_OK also if there was none. */
MUST_USE enum status os_file_remove(struct os_disk *disk, struct slice path, struct fail *why);

/* --- what must be gone (wipe.c) --- */

struct os_span {
	uint64_t from, bytes;
};

/* Writes `with` over these bytes of the file, where they are, and makes that durable: on a file
 * system that writes in place (ext4, xfs) nothing of them is left on the disk. One that copies on
 * write (btrfs, reflinks, snapshots), or a disk that moves blocks by itself, may keep the old ones.
 * Spans must lie within the file. */
MUST_USE enum status os_file_blank(struct os_disk *disk, struct slice path,
				   const struct os_span *spans, size_t n, uint8_t with,
				   struct fail *why);
/* Blanks all of a file, then removes it, both durably. ST_OK also if there was none. */
MUST_USE enum status os_file_destroy(struct os_disk *disk, struct slice path, struct fail *why);

struct os_entry {
	bool is_folder, is_file; /* neither: a link, a device; links are not followed */
	struct wall_ns changed;	 /* its bytes, last */
	uint64_t bytes;
};

MUST_USE enum status os_entry_look(struct slice path, struct os_entry *out, struct fail *why);

/* The folder and those above it that are missing, mode 0777 less umask. `made` (may be NULL): how
 * many were missing. Durable: each new folder's parent is synced. */
MUST_USE enum status os_dir_make(struct os_disk *disk, struct slice path, size_t *out_made,
				 struct fail *why);

/* Removes the files in a folder, and the folder. ST_OK also if there was none. Not yet durable. */
MUST_USE enum status os_dir_remove(struct os_disk *disk, struct slice path, struct arena *scratch,
				   struct fail *why);

/* The names in a folder but "." and "..", sorted. */
MUST_USE enum status os_dir_list(struct slice path, struct arena *a, struct slice **out,
				 size_t *out_count, struct fail *why);

struct os_lock {
	int fd_plus_1; /* 0: not held */
};

/* Takes the file as a lock, made if absent; ST_REFUSED if another process (or another os_lock of
 * this one) holds it. The kernel gives it back when its holder dies. */
MUST_USE enum status os_lock_take(struct os_disk *disk, struct slice path, struct os_lock *out,
				  struct fail *why);
void os_lock_done(struct os_lock *lock);

/* A folder for one kind of program, and one process of it at a time. */
struct os_claim {
	struct os_disk *disk;
	struct slice folder; /* made if it is not there */
	const char *marker;  /* the file dewline-<marker> in it says whose it is ... */
	struct slice text;   /* ... and in which form: this */
	const char *whose;   /* as people call the program: "witness" */
};

/* Takes its file "lock", then looks at the marker, and writes it where nothing else is in the
 * folder. ST_REFUSED: somebody has it, or it is somebody else's. *out may be held either way. */
MUST_USE enum status os_folder_claim(const struct os_claim *c, struct arena *a, struct os_lock *out,
				     struct fail *why);

#endif
