/* SPDX-License-Identifier: Apache-2.0 */
#include "console/cli/reviews.h"

#include "crypto/crypto.h"
#include "os/file.h"

/* Is it shown that this field has this value? */
static bool shows(const struct bundle_shown *s, const char *name, struct slice text)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct record_field *f = &s->fields[i];

		if (slice_equal(f->group, SLICE("input")) && slice_equal(f->name, slice_of(name)))
			return f->json.len == text.len + 2 &&
			       slice_equal(slice_part(f->json, 1, text.len), text);
	}
	return false;
}

/* The `input` record that says that the log has this item. */
static void find_commitment(struct reviews_item *i, const struct bundle_report *report)
{
	char hex[2 * SEALED_ID_BYTES];
	struct slice id = crypto_hex_write((struct slice){i->sealed.id, SEALED_ID_BYTES}, hex);

	for (size_t k = 0; k < report->record_count && !i->committed; k++) {
		i->committed = shows(&report->shown[k], "what", SLICE("sealed-item")) &&
			       shows(&report->shown[k], "sha256", id);
		i->leaf = report->leaves[k];
	}
}

static bool read_items(struct cli *c, const struct bundle_report *report, struct slice bulletin,
		       struct reviews *r)
{
	size_t n;
	const struct slice *paths = cli_values(c, "item", &n);

	if (n > REVIEWS_ITEMS_MAX) {
		cli_say(c, "%zu items; at most %d", n, REVIEWS_ITEMS_MAX);
		return false;
	}
	for (; r->count < n; r->count++) {
		struct reviews_item *i = &r->items[r->count];
		struct slice text;
		struct fail why;

		if (!cli_read(c, paths[r->count], SEALED_TEXT_MAX, &text))
			return false;
		if (sealed_parse(text, c->arena, &i->sealed, &why) != ST_OK) {
			cli_say(c, "%.*s: %s", SLICE_ARG(paths[r->count]), why.text);
			return false;
		}
		i->about = slice_find(i->sealed.title, bulletin) != SIZE_MAX;
		find_commitment(i, report);
	}
	return true;
}

/* Is this review counted by the item? Those of other items are refused there. */
static bool is_of(const struct sealed *s, struct slice review, struct arena *a, struct fail *why)
{
	struct sealed_tally t;

	if (sealed_tally(s, &review, 1, NULL, a, &t, why) != ST_OK)
		return false;
	*why = t.first;
	return t.refused == 0;
}

static enum status count(struct reviews *r, const struct slice *texts, size_t n, struct arena *a,
			 struct fail *why)
{
	struct slice *own = ARENA_ARRAY(a, struct slice, n + 1);
	bool *used = ARENA_ARRAY(a, bool, n + 1);
	enum status st = ST_OK;

	if (own == NULL || used == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %zu reviews", n);
	for (size_t k = 0; k < r->count && st == ST_OK; k++) {
		size_t owns = 0;

		for (size_t i = 0; i < n; i++) {
			struct fail stray;

			if (is_of(&r->items[k].sealed, texts[i], a, &stray)) {
				used[i] = true;
				own[owns++] = texts[i];
			} else if (r->stray.status == ST_OK) {
				r->stray = stray;
			}
		}
		st = sealed_tally(&r->items[k].sealed, own, owns, NULL, a, &r->items[k].tally, why);
	}
	for (size_t i = 0; i < n; i++)
		r->strays += !used[i];
	return st;
}

bool reviews_read(struct cli *c, const struct bundle_report *report, struct slice bulletin,
		  struct reviews *out)
{
	size_t n;
	const struct slice *paths = cli_values(c, "review", &n);
	struct slice *texts = ARENA_ARRAY(c->arena, struct slice, n + 1);
	struct fail why;

	*out = (struct reviews){.count = 0};
	if (n > REVIEWS_FILES_MAX || texts == NULL) {
		cli_say(c, "%zu reviews; at most %d", n, REVIEWS_FILES_MAX);
		return false;
	}
	if (!read_items(c, report, bulletin, out))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!cli_read(c, paths[i], SEALED_REVIEW_MAX, &texts[i]))
			return false;
	if (count(out, texts, n, c->arena, &why) == ST_OK)
		return true;
	cli_say(c, "%s", why.text);
	return false;
}

bool reviews_sound(const struct reviews *r)
{
	bool ok = r->strays == 0;

	for (size_t i = 0; i < r->count; i++)
		ok = ok && r->items[i].about && r->items[i].tally.counts[SEALED_TORN] == 0;
	return ok;
}

/* ---- as text ---- */

static void write_item(const struct reviews_item *i, struct buf *out)
{
	const unsigned *n = i->tally.counts;

	buf_add_fmt(out, "sealed evidence \"%.*s\": %u of %u reviewers saw it and concur",
		    SLICE_ARG(i->sealed.title), n[SEALED_CONCURS], i->sealed.reader_count);
	if (n[SEALED_DIFFERS] != 0)
		buf_add_fmt(out, ", %u saw it and %s not", n[SEALED_DIFFERS],
			    n[SEALED_DIFFERS] == 1 ? "does" : "do");
	if (n[SEALED_WITHDRAWN] != 0)
		buf_add_fmt(out, ", %u took it back", n[SEALED_WITHDRAWN]);
	if (n[SEALED_TORN] != 0)
		buf_add_fmt(out, ", %u said two things at one time", n[SEALED_TORN]);
	if (n[SEALED_SILENT] != 0)
		buf_add_fmt(out, ", %u said nothing", n[SEALED_SILENT]);
	buf_add_z(out, "\n");
	for (unsigned k = 0; k < i->sealed.reader_count; k++)
		buf_add_fmt(out, "  %-10s %.*s\n", sealed_finding_names[i->tally.of[k]],
			    SLICE_ARG(i->sealed.readers[k].key.name));
	if (i->committed)
		buf_add_fmt(out, "  it is in the log, as leaf %llu\n", (unsigned long long)i->leaf);
	if (!i->about)
		buf_add_z(out, "  NOT about this bulletin: its title does not name it\n");
}

void reviews_write_text(const struct reviews *r, struct buf *out)
{
	for (size_t i = 0; i < r->count; i++)
		write_item(&r->items[i], out);
	if (r->strays != 0)
		buf_add_fmt(out, "%zu %s not counted: %s\n", r->strays,
			    r->strays == 1 ? "review is" : "reviews are",
			    r->stray.status == ST_OK ? "no item is given" : r->stray.text);
}

/* ---- for machines ---- */

void reviews_write_members(const struct sealed *s, const struct sealed_tally *t, struct json *j)
{
	char hex[2 * SEALED_ID_BYTES];

	for (unsigned f = 0; f < SEALED_FINDINGS; f++)
		json_member_u64(j, sealed_finding_names[f], t->counts[f]);
	json_member_str(j, "item", crypto_hex_write((struct slice){s->id, sizeof s->id}, hex));
	json_member_u64(j, "needed", s->needed);
	json_key(j, "readers");
	json_array(j);
	for (unsigned i = 0; i < s->reader_count; i++) {
		json_object(j);
		json_member_str(j, "finding", slice_of(sealed_finding_names[t->of[i]]));
		json_member_str(j, "name", s->readers[i].key.name);
		json_end(j);
	}
	json_end(j);
	json_member_str(j, "title", s->title);
}

void reviews_write_json(const struct reviews *r, struct json *j)
{
	json_array(j);
	for (size_t i = 0; i < r->count; i++) {
		const struct reviews_item *it = &r->items[i];

		json_object(j);
		json_member_bool(j, "about", it->about);
		if (it->committed)
			json_member_u64(j, "committed", it->leaf);
		reviews_write_members(&it->sealed, &it->tally, j);
		json_end(j);
	}
	json_end(j);
}
