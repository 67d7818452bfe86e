/* SPDX-License-Identifier: Apache-2.0
 *
 * console/cli/reviews.h - "n of m reviewers saw the sealed items and concur", beside a bulletin.
 *
 * A sealed item (evidence/sealed) is about a bulletin if its title names the bulletin's id; what
 * its readers found is signed by each of them and counted here, never by the bulletin, which others
 * compute without them.
 */
#ifndef DEW_CONSOLE_REVIEWS_H
#define DEW_CONSOLE_REVIEWS_H

#include "base/json.h"
#include "console/cli/cli.h"
#include "evidence/bundle/bundle.h"
#include "evidence/sealed/sealed.h"

enum { REVIEWS_ITEMS_MAX = 64, REVIEWS_FILES_MAX = 1024 };

struct reviews_item {
	struct sealed sealed;
	struct sealed_tally tally;
	bool about;	/* its title names the bulletin */
	bool committed; /* the bundle shows that the log has it, */
	uint64_t leaf;	/* as this leaf */
};

struct reviews {
	struct reviews_item items[REVIEWS_ITEMS_MAX];
	size_t count;
	size_t strays;	   /* reviews that are of no item here, or of none by a reader of it */
	struct fail stray; /* why the first of them is not */
};

/* Reads the files of --item and --review and counts them. bulletin: the id that titles have to
 * name; "" where there is none. False, and said why: one cannot be read, or is no item. */
MUST_USE bool reviews_read(struct cli *c, const struct bundle_report *report, struct slice bulletin,
			   struct reviews *out);

/* No forged, torn or stray review, and all items are about the bulletin. */
bool reviews_sound(const struct reviews *r);

void reviews_write_text(const struct reviews *r, struct buf *out);
void reviews_write_json(const struct reviews *r, struct json *j); /* as an array */

/* The members of one item's tally, into an object that is open. */
void reviews_write_members(const struct sealed *s, const struct sealed_tally *t, struct json *j);

#endif
