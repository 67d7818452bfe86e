/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/prior/prior.h - the numbers that stand before any evidence, as a text that can be shown.
 *
 * How real an incident is by how many saw it, what lies beyond the last machine seen, who operates
 * machines by and large, how often a table of addresses is right: docs/formats/prior.md. A verdict
 * is computed with one such text, which is committed, named in the bulletin by its hash and carried
 * by the bundle. So a stranger whose own dewline has other numbers computes with those of the
 * bundle, and is told in which lines they differ from his. All in thousandths. Pure, any thread.
 */
#ifndef DEW_ASSESS_PRIOR_H
#define DEW_ASSESS_PRIOR_H

#include "assess/claim/claim.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"

enum {
	PRIOR_TEXT_MAX = 64 << 10, /* bytes of a text */
	PRIOR_TABLES_MAX = 64,	   /* rows "table" */
	PRIOR_NAME_MAX = 64,	   /* bytes of a name */
	PRIOR_SOURCE_MAX = 256,	   /* bytes of a quoted text */
	PRIOR_WEIGH_MAX = 16,
};

/* Stations and events of an incident come in three steps each: one; some; many. */
enum { PRIOR_STATIONS = 3, PRIOR_EVENTS = 3 };

enum prior_stop { /* why a chain ends; in the order of enum trace_stop */
		  PRIOR_UNOBSERVED,
		  PRIOR_RELAY,
		  PRIOR_NO_MATCH,
		  PRIOR_LIMIT,
		  PRIOR_STOPS
};

enum prior_operator { PRIOR_AFFILIATED, PRIOR_NON_STATE, PRIOR_STATE, PRIOR_OPERATORS };
enum prior_flag { PRIOR_PROXY, PRIOR_HOSTING, PRIOR_ANYCAST, PRIOR_FLAGS };
enum prior_group { PRIOR_REGISTRY, PRIOR_MEASURED, PRIOR_GROUPS };

struct prior_pair { /* 0 <= feared <= claimed <= 1000 */
	int32_t feared, claimed;
};

struct prior_table {
	struct slice head;   /* its name starts so, in either case of letters */
	struct slice source; /* tables of one source count once */
	enum prior_group group;
	struct prior_pair right; /* how often its country is */
};

struct prior {
	struct slice name,
		source; /* "the shares of 2,501 ...": what a ladder says of its numbers */
	struct interval real[PRIOR_STATIONS][PRIOR_EVENTS];
	int32_t beyond[PRIOR_STOPS];
	int32_t operators[PRIOR_OPERATORS]; /* together at most 1000: the rest is none of these */
	int32_t doubt;			    /* to either side of those */
	struct prior_table tables[PRIOR_TABLES_MAX]; /* no two heads equal */
	size_t table_count;
	struct prior_table unknown; /* any other table */
	struct prior_pair flags[PRIOR_FLAGS];
	int32_t weigh; /* 1..PRIOR_WEIGH_MAX */
};

/* Reads a text; *out borrows from it. ST_INVALID "file:line: expected ..., found ...". */
MUST_USE enum status prior_parse(struct slice file_name, struct slice text, struct prior *out,
				 struct fail *why);

/* The same numbers in one form, a line each, without remarks: prior_parse() reads it back. */
void prior_write(const struct prior *p, struct buf *out);

/* In how many lines two of them differ; the first of these are appended to *out, as they stand in
 * `theirs` and in `ours`. 0: they give the same numbers. */
size_t prior_compare(const struct prior *theirs, const struct prior *ours, struct arena *scratch,
		     struct buf *out);

/* What ships with this build. */
struct slice prior_builtin_name(void);
struct slice prior_builtin_text(void);

/* The table's row: the longest head that its name starts with, else p->unknown. */
const struct prior_table *prior_table_of(const struct prior *p, struct slice name);

#endif
