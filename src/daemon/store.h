/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/store.h - the file-store output: files that rules want, on disk. Private to the module;
 * one thread.
 *
 *	<folder>/tmp/<n>		while it comes
 *	<folder>/ab/ab01...		then, by its SHA-256: the same file is there once
 *
 * What the disk refuses is counted, and the file goes by unstored. On interfaces another thread
 * than the workers' does this (store_queue.h): traffic never waits for a disk.
 */
#ifndef DEW_DAEMON_STORE_H
#define DEW_DAEMON_STORE_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"
#include "sensor/config/config.h"
#include "sensor/file/file.h"

struct daemon_store_file;

struct daemon_store {
	struct file_store sink; /* for struct file_setup */
	bool on;		/* outputs.file-store.enabled */
	struct slice dir;
	struct arena *arena;
	struct daemon_store_file *free;
	uint32_t open, open_most; /* streams held open; past it each piece opens its file again */
	uint32_t ids;
	_Atomic uint64_t stored,
		errors;	   /* files; of those that were not, and of what is said of them */
	_Atomic int error; /* errno of the newest; 0: there was none */
};

/* Reads outputs.file-store (config may be NULL) and makes its folders below `logs`. */
MUST_USE enum status daemon_store_open(struct config *config, struct slice logs, struct arena *a,
				       struct daemon_store *out, struct fail *why);

#endif
