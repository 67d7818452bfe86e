/* SPDX-License-Identifier: Apache-2.0
 *
 * A file that travels in chunks with offsets (SMB, NFS): put in order and given to sensor/file.
 *
 * Chunks come one after the other, each perhaps in pieces, and not always in order. What is ahead
 * waits in the transaction's memory until the hole before it is filled; what is behind was seen
 * already and is left out. A chunk that breaks off, or more waiting than TRANSFER_WAITING_MAX,
 * truncates the file; the transfer itself goes on being followed.
 */
#ifndef DEW_SENSOR_APP_TRANSFER_PRIV_H
#define DEW_SENSOR_APP_TRANSFER_PRIV_H

#include "sensor/app/app.h"

enum {
	TRANSFER_WAITING_MAX = 8 << 20, /* bytes ahead of their turn */
	TRANSFER_PIECES_MAX = 256,
};

struct app_piece;

struct app_transfer {
	struct app_flow *flow;
	struct app_tx *tx;
	enum app_dir dir;
	struct file *file;	  /* NULL: none yet, or no memory for it */
	uint64_t tracked;	  /* bytes of the file given on */
	uint64_t left;		  /* bytes of the current chunk to come */
	bool open;		  /* between the first chunk and the end */
	bool truncated;		  /* nothing is given on any more */
	bool behind;		  /* the current chunk was seen already */
	struct app_piece *piece;  /* the current chunk, if it is ahead */
	struct app_piece *pieces; /* all: waiting ones and ones to use again */
	uint64_t waiting;	  /* bytes in them */
	uint32_t piece_count, waiting_count;
};

/* Starts a chunk of `length` bytes at `offset`; opens the file if it is the first. Returns whether
 * it overlaps with what was seen. */
bool app_transfer_chunk(struct app_transfer *t, struct slice name, uint64_t offset,
			uint64_t length);
/* Bytes of the chunk; what is too much is left out. */
void app_transfer_data(struct app_transfer *t, struct slice bytes);
/* The same, lost. */
void app_transfer_gap(struct app_transfer *t, uint64_t missing);
void app_transfer_close(struct app_transfer *t);

#endif
