/* SPDX-License-Identifier: Apache-2.0
 *
 * What sets hold at the end, for the files that `save` and `state` name: what the file had, and
 * what workers changed since. One value a line, in the order of the lines' bytes, so that two runs
 * that saw the same write the same.
 */
#include <stdlib.h>

#include "base/addr.h"
#include "crypto/crypto.h"
#include "sensor/detect/detect_priv.h"

struct detect_saved {
	const struct detect_rules *rules;
	struct detect_dataset_changes changes; /* of all workers */
};

/* The value as a file has it, with a line feed. */
static void dataset_line(enum detect_dataset_type type, struct slice key, struct buf *out)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}; /* RFC 4291 2.5.5.2 */
	char text[ADDR_TEXT_MAX];
	struct addr addr;

	switch (type) {
	case DATASET_STRING:
		crypto_base64_add(CRYPTO_BASE64, key, out);
		break;
	case DATASET_MD5:
	case DATASET_SHA256:
		crypto_hex_add(key, out);
		break;
	case DATASET_IPV4:
	case DATASET_IP:
		if (key.len == 16 && memcmp(key.ptr, mapped, sizeof mapped) == 0)
			key = slice_from(key, sizeof mapped);
		addr = key.len == 4 ? addr_v4(key.ptr) : addr_v6(key.ptr);
		buf_add(out, addr_format(&addr, text));
		break;
	}
	buf_add_byte(out, '\n');
}

bool detect_rules_save(const struct detect_rules *r)
{
	const struct detect_dataset *d = r != NULL ? r->datasets : NULL;

	while (d != NULL && d->save.ptr == NULL)
		d = d->next;
	return d != NULL;
}

struct detect_saved *detect_saved_new(const struct detect_rules *r, struct arena *a)
{
	struct detect_saved *s = ARENA_NEW(a, struct detect_saved);

	if (s == NULL || !detect_dataset_changes_new(&s->changes, a, a->pool))
		return NULL;
	s->rules = r;
	return s;
}

void detect_saved_take(struct detect_saved *s, const struct detect_worker *w)
{
	for (size_t i = 0; i < DATASET_CHANGE_BUCKETS; i++)
		for (const struct detect_dataset_change *c = w->changes.buckets[i]; c != NULL;
		     c = c->next)
			if (c->set != NULL &&
			    c->set->save.ptr != NULL) /* what does not fit is not kept */
				(void)detect_dataset_change(&s->changes, c->set, c->key, c->in);
}

void detect_saved_done(struct detect_saved *s)
{
	if (s != NULL)
		arena_reset(&s->changes.arena);
}

/* ---- one set ---- */

struct lines {
	struct arena *arena;
	struct slice *at;
	size_t count, room;
	bool full;
};

static void line_add(struct lines *l, const struct detect_dataset *d, struct slice key)
{
	struct buf b = buf_in(l->arena);

	dataset_line(d->type, key, &b);
	l->full |= b.full || !ARENA_PUSH(l->arena, l->at, l->count, l->room, buf_slice(&b));
}

static int line_compare(const void *pa, const void *pb)
{
	return slice_compare(*(const struct slice *)pa, *(const struct slice *)pb);
}

static void lines_of(const struct detect_saved *s, const struct detect_dataset *d, struct lines *l)
{
	for (size_t i = 0; i < d->bucket_count; i++)
		for (const struct detect_dataset_entry *e = d->buckets[i]; e != NULL; e = e->next)
			if (detect_dataset_holds(&s->changes, d, e->key))
				line_add(l, d, e->key);
	for (size_t i = 0; i < DATASET_CHANGE_BUCKETS; i++)
		for (const struct detect_dataset_change *c = s->changes.buckets[i]; c != NULL;
		     c = c->next)
			if (c->set == d && c->in && detect_dataset_find(d, c->key) == NULL)
				line_add(l, d, c->key);
	qsort(l->at, l->count, sizeof *l->at, line_compare);
}

enum status detect_saved_write(const struct detect_saved *s, struct arena *a,
			       const struct detect_writer *writer, struct fail *why)
{
	for (const struct detect_dataset *d = s->rules->datasets; d != NULL; d = d->next) {
		struct lines l = {.arena = a};
		struct buf text = buf_in(a);
		enum status st;

		if (d->save.ptr == NULL || d->format != DATASET_LINES)
			continue;
		lines_of(s, d, &l);
		for (size_t i = 0; i < l.count; i++)
			if (i == 0 || !slice_equal(l.at[i], l.at[i - 1]))
				buf_add(&text, l.at[i]);
		if (l.full || text.full)
			return fail_set(why, ST_NOMEM, "no memory to write set %.*s",
					SLICE_ARG(d->name));
		st = writer->write(writer->ctx, d->save, buf_slice(&text), why);
		if (st != ST_OK)
			return fail_wrap(why, "set %.*s", SLICE_ARG(d->name));
	}
	return ST_OK;
}
