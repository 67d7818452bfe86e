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
 * The file is YAML 1.1 as Suricata reads it (docs.suricata.io, configuration/suricata-yaml.html,
 * configuration/includes.html): it opens with "%YAML 1.1" and "---"; a key given again replaces
 * what was there; an underscore in a key is a hyphen, but in the names of variables; a key with
 * dots is a path. Aliases are refused: Suricata has no use for them, and a few lines of them can
 * stand for gigabytes.
 *
 * Every function that asks takes NULL for a tree that is not there and then gives the default. Not
 * thread safe: asking marks the node. The sensor opens no files: the text of an included one comes
 * through a callback.
 */
#ifndef DEW_SENSOR_CONFIG_H
#define DEW_SENSOR_CONFIG_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"

enum {
	CONFIG_DEPTH_MAX = 32,	    /* maps and lists within one another in a file */
	CONFIG_PATH_MAX = 64,	    /* keys from the root to a node, includes and dots counted */
	CONFIG_NODES_MAX = 1 << 18, /* of one tree, includes counted */
	CONFIG_KEYS_MAX = 4096,	    /* of one map: looking one up takes as long as there are */
	CONFIG_INCLUDES_MAX = 256,  /* files of one tree */
	CONFIG_INCLUDE_DEPTH_MAX = 8,
	CONFIG_BYTES_MAX = 16 << 20, /* one file */
	CONFIG_PROBLEMS_MAX = 256,   /* kept; the others are only counted */
};

enum config_kind { CONFIG_SCALAR, CONFIG_MAP, CONFIG_LIST };

/* A value that does not fit, or a key that was given twice. */
struct config_problem {
	struct slice file;
	uint32_t line, column;
	struct slice path; /* "stream.memcap" */
	struct slice text; /* one sentence */
};

/* What all nodes of a tree share. */
struct config_tree {
	struct arena *arena;
	struct config_problem *problems;
	size_t problem_count, problem_room, nodes, includes;
	uint64_t problems_lost;
};

/* A node, and the tree below it. */
struct config {
	struct slice name;  /* its key; in a list its index, "0", "1"...; "" for the root */
	struct slice value; /* a scalar's text; ptr NULL: none (null, ~ or nothing) */
	enum config_kind kind;
	bool set;	       /* by config_set(): a file does not change it any more */
	bool asked;	       /* somebody wanted to know */
	uint8_t depth;	       /* 0: the root */
	uint32_t count;	       /* of its children */
	struct slice file;     /* base name; "--set" for config_set() */
	uint32_t line, column; /* from 1; 0: not of a file */
	struct config *parent, *first, *last, *next;
	struct config_tree *tree;
};

/* An empty tree in a; NULL: no memory. */
MUST_USE struct config *config_new(struct arena *a);

/* Gives the text of the file that `include: name` names. */
struct config_reader {
	void *ctx;
	enum status (*read)(void *ctx, struct slice name, struct slice *out, struct fail *why);
};

/* Adds a file to the tree; over what is there, but not over what config_set() has set. reader may
 * be NULL: includes are refused. ST_INVALID or ST_LIMIT with file:line:column; the tree then holds
 * what came before. The text may go away. */
MUST_USE enum status config_load(struct config *root, struct slice file, struct slice text,
				 const struct config_reader *reader, struct fail *why);

/* --set: "stream.midstream" "true"; makes what is not there. Before or after loading: it wins. */
MUST_USE enum status config_set(struct config *root, struct slice path, struct slice value,
				struct fail *why);

/* The node at a dotted path below c; NULL: none. "outputs.1.eve-log.enabled" counts list members
 * from 0; a list member that is one word, or a map with one key, may also be asked by that
 * ("outputs.eve-log"). An empty path is c itself. */
struct config *config_at(struct config *c, const char *path);

/* The members of a map or list, marked as asked: for (n = config_first(c); n; n = config_next(n)).
 */
struct config *config_first(struct config *c);
struct config *config_next(struct config *n);

/* The scalar at path; fallback (may be NULL: the empty slice) if there is none. */
struct slice config_text(struct config *c, const char *path, const char *fallback);
/* yes, true, on, 1 and no, false, off, 0, in either case; auto is the fallback. */
bool config_bool(struct config *c, const char *path, bool fallback);
uint64_t config_u64(struct config *c, const char *path, uint64_t least, uint64_t most,
		    uint64_t fallback);
int64_t config_i64(struct config *c, const char *path, int64_t least, int64_t most,
		   int64_t fallback);
/* Bytes: a number, perhaps with a fraction, and perhaps kb, mb or gb (of 1024; kib, mib and gib are
 * the same). */
uint64_t config_size(struct config *c, const char *path, uint64_t fallback);
/* The same of a text that is no node's. */
MUST_USE bool config_size_parse(struct slice s, uint64_t *out);
/* "30" or "30%": 0..100. */
unsigned config_percent(struct config *c, const char *path, unsigned fallback);
/* The index of the scalar among `words` (NULL at the end; either case), or fallback. */
unsigned config_word(struct config *c, const char *path, const char *const *words,
		     unsigned fallback);

/* Says that a node's value makes no sense; c NULL: nothing. Kept with the tree. */
void config_problem(struct config *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Marks c and all below it as asked: it was understood as a whole. */
void config_take(struct config *c);

/* "stream.reassembly.depth" of a node. */
void config_path(const struct config *c, struct buf *out);

/* The topmost nodes below c in which nothing was asked, in the order of the file. */
void config_ignored(struct config *c, void (*each)(void *ctx, const struct config *n), void *ctx);

#endif
