/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/origin/origin_priv.h - a table is of one of three forms. Each form is one file and one row
 * of the list in table.c.
 */
#ifndef DEW_ASSESS_ORIGIN_PRIV_H
#define DEW_ASSESS_ORIGIN_PRIV_H

#include "assess/origin/origin.h"

struct origin_form {
	const char *name;
	bool (*is)(struct slice bytes);
	/* Sets t->state, and t->edition if the table carries a date or version of its own. */
	enum status (*open)(struct origin_table *t, const char *path, struct slice bytes,
			    struct arena *a, struct fail *why);
	/* Fills net, asn, as_name, territory and the flags; false if it says none of them. */
	bool (*ask)(const struct origin_table *t, const struct addr *address, struct arena *a,
		    struct record_location *out);
	void (*close)(struct origin_table *t); /* NULL: nothing to give back */
};

struct origin_table {
	const struct origin_form *form;
	struct slice name, edition;
	void *state; /* the form's own */
};

typedef unsigned __int128 origin_key; /* an address as a number */

enum { ORIGIN_ROWS_MAX = 1 << 24 }; /* of one family */

struct origin_row { /* a range of addresses, and what is said of it */
	origin_key first, last;
	const uint8_t *name; /* of the AS; borrowed from the file or the arena */
	uint32_t asn, parent, line;
	uint16_t name_len;
	uint8_t code[2]; /* 0: no territory */
};

struct origin_rows {
	struct origin_row *rows[2]; /* IPv4, IPv6 */
	size_t count[2];
	uint32_t *index[2];
};

origin_key origin_key_of(const struct addr *a);
origin_key origin_span(size_t bits); /* how many addresses a block of so many bits has, less one */

/* Orders the rows so that they can be asked. ST_INVALID: a range is there twice; the error says so
 * with `what` its rows are called ("line"). */
enum status origin_rows_ready(struct slice name, const char *what, struct origin_rows *r,
			      struct arena *a, struct fail *why);

/* A form's ask(), for tables whose state is a struct origin_rows that is ready. */
bool origin_rows_ask(const struct origin_table *t, const struct addr *address, struct arena *a,
		     struct record_location *out);

extern const struct origin_form origin_form_mrt, origin_form_loc, origin_form_mmdb, origin_form_csv;

/* A two-letter code as a table gives it: sets the territory, or a flag for the codes that tables
 * use for networks that are nowhere; other codes that are no territory are left out. text must live
 * as long as out. */
void origin_code_apply(struct slice text, struct record_location *out);

/* The address's network of that many bits (at most all). */
struct addr_prefix origin_prefix(const struct addr *a, unsigned bits);

/* "2026-11-22" */
struct slice origin_date(uint64_t epoch_s, struct arena *a);

#endif
