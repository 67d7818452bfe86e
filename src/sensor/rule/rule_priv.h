/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/rule/rule_priv.h - what the files of this module share.
 */
#ifndef DEW_SENSOR_RULE_PRIV_H
#define DEW_SENSOR_RULE_PRIV_H

#include "sensor/rule/rule.h"

/* Text in a message: enough to find it, not enough to fill the screen. */
#define RULE_SHOW(s) SLICE_ARG(slice_part((s), 0, 60))

/* ---- table.c: bytes to a pointer. Open addressing; keys are borrowed and must live as long. The
 * hash is not keyed: what is stored here was written by the operator, not by a packet. ---- */

struct rule_table {
	struct rule_cell {
		struct slice key;
		uint64_t hash;
		void *value; /* NULL: the cell is free */
	} * cells;
	size_t count, room; /* room is 0 or a power of two */
};

void *rule_table_find(const struct rule_table *t, struct slice key);
/* Puts value (not NULL) under key, over what was there. False when the budget is spent. */
MUST_USE bool rule_table_put(struct rule_table *t, struct arena *a, struct slice key, void *value);

/* ---- spans.c: the set algebra, once for ports, IPv4 and IPv6 ---- */

__extension__ typedef unsigned __int128 rule_point;

enum rule_space { RULE_SPACE_PORT = 0, RULE_SPACE_V4 = 4, RULE_SPACE_V6 = 6 };

struct rule_span {
	enum rule_space space;
	rule_point lo, hi; /* inclusive */
};

/* Canonical when sorted by space and lo, disjoint, and no two could be one. */
struct rule_spans {
	struct rule_span *at;
	size_t count, room;
};

/* Makes s canonical, in place. */
void rule_spans_tidy(struct rule_spans *s);
/* The points of `from` that are not in `less`; both canonical, and so is the result. False when the
 * budget is spent. */
MUST_USE bool rule_spans_subtract(const struct rule_spans *from, const struct rule_spans *less,
				  struct arena *a, struct rule_spans *out);

/* ---- expr.c: variables, expressions, and the sets they make ---- */

/* Variables by name, and sets by their text and by their value, so that rules share them. */
struct rule_vars {
	struct rule_table names; /* name -> struct slice: its text */
	struct rule_sets {
		struct rule_table by_text, by_value;
	} ports, addrs;
};

/* Suricata's default variables. False when the budget is spent. */
MUST_USE bool rule_vars_init(struct rule_vars *v, struct arena *a);

/* ---- classes.c ---- */

struct rule_class {
	struct slice name, description;
	uint64_t priority;
};

struct rule_classes {
	struct rule_table names; /* name -> struct rule_class */
};

/* Suricata's default classes. False when the budget is spent. */
MUST_USE bool rule_classes_init(struct rule_classes *c, struct arena *a);

/* ---- references.c ---- */

struct rule_references {
	struct rule_table prefixes; /* system in lower case -> struct slice */
};

/* Suricata's default systems. False when the budget is spent. */
MUST_USE bool rule_references_init(struct rule_references *r, struct arena *a);

/* Fills in r->references from its options. */
MUST_USE enum status rule_references_read(const struct rule_set *s, struct rule *r,
					  struct fail *why);

/* ---- line.c: the text of one rule to a rule ---- */

/* The rules by gid and sid. */
struct rule_index {
	struct rule_table ids; /* struct rule_id's first 16 bytes -> struct rule_id */
};

/* r->text, file and line are given; the rest is filled in. All of r points into r->text or the
 * arena. On failure r->sid tells the sid if it could be read, and *out_unsupported names a form of
 * the header that is known but not supported (ptr NULL: a syntax error). */
MUST_USE enum status rule_line_parse(struct rule_set *s, struct rule *r,
				     struct slice *out_unsupported, struct fail *why);

/* A name of letters, digits, '_', '.', '-', at most RULE_NAME_MAX long. */
bool rule_name_ok(struct slice s);

/* ---- rule.c ---- */

/* Records a problem in a line. */
void rule_problem_add(struct rule_set *s, const struct rule_problem *where, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* Cuts the next line, without its end, off *rest. */
struct slice rule_text_line(struct slice *rest);

/* The same with the lines it goes on in, joined; *lines grows by how many there were. */
struct slice rule_line_take(struct rule_set *s, struct slice *rest, uint32_t *lines);

/* ---- requires.c ---- */

/* The value of requires: is this engine what the rule is for? ST_INVALID: it says nothing that can
 * be understood. */
MUST_USE enum status rule_requires_check(const struct rule_set *s, struct slice value,
					 bool *out_met, struct fail *why);

#endif
