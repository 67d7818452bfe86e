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

extern const struct origin_form origin_form_loc, origin_form_mmdb, origin_form_csv;

/* A two-letter code as a table gives it: sets the territory, or a flag for the codes that tables
 * use for networks that are nowhere; other codes that are no territory are left out. text must live
 * as long as out. */
void origin_code_apply(struct slice text, struct record_location *out);

/* The address's network of that many bits (at most all). */
struct addr_prefix origin_prefix(const struct addr *a, unsigned bits);

/* "2026-11-22" */
struct slice origin_date(uint64_t epoch_s, struct arena *a);

#endif
