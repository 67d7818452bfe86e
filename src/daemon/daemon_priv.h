/* SPDX-License-Identifier: Apache-2.0
 * What the files of this module share. */
#ifndef DEW_DAEMON_PRIV_H
#define DEW_DAEMON_PRIV_H

#include "daemon/daemon.h"

/* Reads a whole file ("-" is standard input) into the arena or maps it, and hashes it. */
MUST_USE enum status daemon_file_read(struct slice path, struct arena *a, struct daemon_file *out,
				      struct fail *why);

/* "a/b/c.pcap" -> "c.pcap", and without its last extension. */
struct slice daemon_base_name(struct slice path);
struct slice daemon_stem(struct slice name);

/* dir/name and a NUL, in the arena; NULL if the budget is spent. */
char *daemon_path(struct arena *a, struct slice dir, const char *name);

/* A tick without numbers. */
void daemon_progress_say(const struct daemon_progress *p, const char *stage, struct mono_ns since,
			 bool finished);

#endif
