/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/config/config.h - suricata.yaml: a tree of keys, and typed answers with defaults.
 *
 * The tree is read once, before any worker starts; whoever has settings asks for them by path, in
 * Suricata's words ("stream.reassembly.depth"), and copies the answers into an options struct of
 * its own. Nothing on the packet path reads the tree. A key that nobody asked for is known as
 * ignored, and a value that does not fit its key is a problem with file:line:column, never a
 * silent default.
 *
 * Every function takes NULL for a tree that is not there and then gives the default. Not thread
 * safe: asking marks the node.
 */
#ifndef DEW_SENSOR_CONFIG_H
#define DEW_SENSOR_CONFIG_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"

enum {
	CONFIG_DEPTH_MAX = 32,	    /* maps and lists within one another */
	CONFIG_NODES_MAX = 1 << 18, /* of one tree, includes counted */
};

enum config_kind { CONFIG_SCALAR, CONFIG_MAP, CONFIG_LIST };

/* A node, and the tree below it. */
struct config {
	struct slice name;  /* its key; in a list its index, "0", "1"...; "" for the root */
	struct slice value; /* a scalar's text; ptr NULL: none */
	enum config_kind kind;
	bool set;	       /* by config_set(): a file does not change it any more */
	bool asked;	       /* somebody wanted to know */
	struct slice file;     /* base name; "--set" for config_set() */
	uint32_t line, column; /* from 1; 0: not of a file */
	struct config *parent, *first, *last, *next;
	struct arena *arena;
};

/* An empty tree in a; NULL: no memory. */
MUST_USE struct config *config_new(struct arena *a);

/* --set: "stream.midstream" "true"; makes what is not there. Before or after loading: it wins. */
MUST_USE enum status config_set(struct config *root, struct slice path, struct slice value,
				struct fail *why);

/* The node at a dotted path below c; NULL: none. "outputs.1.eve-log.enabled" counts list members
 * from 0; a list of one-key maps may also be asked by that key ("outputs.eve-log"). */
struct config *config_at(struct config *c, const char *path);

/* The scalar at path; fallback (may be NULL: the empty slice) if there is none. */
struct slice config_text(struct config *c, const char *path, const char *fallback);
/* yes, true, on, 1 and no, false, off, 0, in either case. */
bool config_bool(struct config *c, const char *path, bool fallback);
uint64_t config_u64(struct config *c, const char *path, uint64_t least, uint64_t most,
		    uint64_t fallback);
/* Bytes: a number with kb, mb or gb (1024). */
uint64_t config_size(struct config *c, const char *path, uint64_t fallback);

#endif
