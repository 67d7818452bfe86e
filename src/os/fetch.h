/* SPDX-License-Identifier: Apache-2.0
 *
 * os/fetch.h - a file from a web server, for people's errands: never while packets are read.
 */
#ifndef DEW_OS_FETCH_H
#define DEW_OS_FETCH_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"

enum {
	OS_FETCH_TURNS_MAX = 5,	   /* redirections */
	OS_FETCH_SECONDS_MAX = 300 /* in all */
};

/* True for an address that os_fetch() takes: http:// or https://. */
bool os_fetch_is_url(struct slice s);

/* The body of a 200 answer, of at most `most` bytes, in a. Certificates are verified; a server that
 * is asked by https cannot send us on to http. ST_IO, ST_LIMIT or ST_REFUSED (another answer) with
 * what was wrong. */
MUST_USE enum status os_fetch(struct slice url, size_t most, struct arena *a, struct slice *out,
			      struct fail *why);

#endif
