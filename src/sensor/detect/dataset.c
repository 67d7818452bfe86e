/* SPDX-License-Identifier: Apache-2.0
 *
 * Sets of values that rules look buffers up in: what a file lists (immutable, shared by workers),
 * and what rules added or took away since (the worker's own).
 *
 * 1. A worker's change wins over the file: a value is in the set if the last change says so, or if
 *    there is none and the file lists it.
 * 2. The changes of one worker are at most DATASET_CHANGES_MAX; then nothing more is added.
 */
#include <jansson.h>

#include "base/addr.h"
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

enum {
	BUCKETS_LEAST = 16,
	STRING_MAX = 64 << 10, /* bytes of one value */
};

static uint32_t hash_of(struct slice s)
{
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < s.len; i++)
		h = (h ^ s.ptr[i]) * 16777619U;
	return h;
}

static const char *const type_names[] = {[DATASET_STRING] = "string",
					 [DATASET_MD5] = "md5",
					 [DATASET_SHA256] = "sha256",
					 [DATASET_IPV4] = "ipv4",
					 [DATASET_IP] = "ip"};

bool detect_dataset_type_parse(struct slice s, enum detect_dataset_type *out)
{
	for (unsigned i = 0; i < sizeof type_names / sizeof type_names[0]; i++)
		if (slice_equal(s, slice_of(type_names[i]))) {
			*out = DATASET_STRING + i;
			return true;
		}
	/* documents of old say ipv6 for what holds both */
	if (slice_equal(s, SLICE("ipv6"))) {
		*out = DATASET_IP;
		return true;
	}
	return false;
}

/* The form in which values of a type are kept; false: these bytes are no such value. */
static bool key_of(enum detect_dataset_type type, struct slice in, uint8_t room[16],
		   struct slice *out)
{
	*out = in;
	switch (type) {
	case DATASET_STRING:
		return in.len <= STRING_MAX;
	case DATASET_MD5:
		return in.len == 16;
	case DATASET_SHA256:
		return in.len == 32;
	case DATASET_IPV4:
		return in.len == 4;
	case DATASET_IP:
		break;
	}
	if (in.len != 4)
		return in.len == 16;
	memset(room, 0, 10); /* RFC 4291 2.5.5.2: ::ffff:a.b.c.d */
	room[10] = room[11] = 0xff;
	memcpy(room + 12, in.ptr, 4);
	*out = (struct slice){room, 16};
	return true;
}

/* --- loading --- */

static bool hex_read(struct slice text, size_t bytes, uint8_t *out)
{
	if (text.len != 2 * bytes)
		return false;
	for (size_t i = 0; i < bytes; i++) {
		int hi = text_hex(text.ptr[2 * i]), lo = text_hex(text.ptr[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

/* A value as a file writes it, to bytes in a; ptr NULL: it is none. coded: strings are Base64. */
static struct slice value_read(enum detect_dataset_type type, struct slice text, bool coded,
			       struct arena *a)
{
	uint8_t digest[32], room[16];
	struct slice key;
	struct addr addr;
	size_t n = type == DATASET_MD5 ? 16 : 32;

	switch (type) {
	case DATASET_STRING:
		if (!coded)
			return arena_copy(a, text);
		return detect_base64_decode(text, BASE64_STRICT, a);
	case DATASET_MD5:
	case DATASET_SHA256:
		if (!hex_read(text, n, digest))
			return (struct slice){NULL, 0};
		return arena_copy(a, (struct slice){digest, n});
	case DATASET_IPV4:
	case DATASET_IP:
		break;
	}
	if (!addr_parse(text, &addr) ||
	    !key_of(type, (struct slice){addr.b, addr_bytes(&addr)}, room, &key))
		return (struct slice){NULL, 0};
	return arena_copy(a, key);
}

static bool table_grow(struct detect_dataset *d, struct arena *a)
{
	size_t n = d->bucket_count == 0 ? BUCKETS_LEAST : d->bucket_count * 4;
	struct detect_dataset_entry **buckets = ARENA_ARRAY(a, struct detect_dataset_entry *, n);

	if (buckets == NULL)
		return false;
	for (size_t i = 0; i < d->bucket_count; i++)
		for (struct detect_dataset_entry *e = d->buckets[i], *next; e != NULL; e = next) {
			next = e->next;
			e->next = buckets[e->hash % n];
			buckets[e->hash % n] = e;
		}
	d->buckets = buckets;
	d->bucket_count = n;
	return true;
}

static uint64_t entry_bytes(struct slice key, struct slice json)
{
	return sizeof(struct detect_dataset_entry) + key.len + json.len;
}

static bool entry_add(struct detect_dataset *d, struct arena *a, struct slice key, uint16_t rep,
		      struct slice json)
{
	struct detect_dataset_entry *e;

	if (d->count >= d->bucket_count && !table_grow(d, a))
		return false;
	e = ARENA_NEW(a, struct detect_dataset_entry);
	if (e == NULL)
		return false;
	*e = (struct detect_dataset_entry){
		.key = key, .json = json, .hash = hash_of(key), .reputation = rep};
	e->next = d->buckets[e->hash % d->bucket_count];
	d->buckets[e->hash % d->bucket_count] = e;
	d->count++;
	d->bytes += entry_bytes(key, json);
	return true;
}

static enum status value_add(struct detect_dataset *d, struct arena *a, struct slice key,
			     uint16_t rep, struct slice json, struct fail *why)
{
	if (d->memcap != 0 && d->bytes + entry_bytes(key, json) > d->memcap)
		return fail_set(why, ST_LIMIT, "%.*s: more than its memcap of %llu bytes",
				SLICE_ARG(d->file), (unsigned long long)d->memcap);
	return entry_add(d, a, key, rep, json) ? ST_OK
					       : fail_set(why, ST_NOMEM, "no memory for a set");
}

/* "seen.lst:7: no value of type md5" */
static enum status bad_line(const struct detect_dataset *d, uint64_t line, struct fail *why)
{
	return fail_set(why, ST_INVALID, "%.*s:%llu: no value of type %s", SLICE_ARG(d->file),
			(unsigned long long)line, type_names[d->type]);
}

/* One value a line; behind a comma a number if `numbered`. */
static enum status lines_load(struct detect_dataset *d, struct slice text, bool numbered,
			      struct arena *a, struct fail *why)
{
	uint64_t n = 0, rep = 0;

	while (text.len != 0) {
		struct slice rest = slice_split(&text, '\n'), value, key;

		n++;
		rest = slice_trim(rest);
		if (rest.len == 0)
			continue;
		value = numbered ? slice_trim(slice_split(&rest, ',')) : rest;
		key = value_read(d->type, value, true, a);
		if (key.ptr == NULL || (numbered && !text_u64(slice_trim(rest), 0, 65535, &rep)))
			return bad_line(d, n, why);
		if (value_add(d, a, key, (uint16_t)rep, (struct slice){NULL, 0}, why) != ST_OK)
			return why->status;
	}
	return ST_OK;
}

static struct slice json_text(const json_t *v)
{
	return (struct slice){(const uint8_t *)json_string_value(v), json_string_length(v)};
}

/* The value at a dotted path of keys. */
static json_t *json_at(json_t *v, struct slice path)
{
	while (v != NULL && path.len != 0) {
		struct slice key = slice_split(&path, '.');

		v = json_object_getn(v, (const char *)key.ptr, key.len);
	}
	return v;
}

/* Adds one object: its value is the key, the object (or what is left of it) goes with alerts. line:
 * where it stands. */
static enum status object_load(struct detect_dataset *d, json_t *object, uint64_t line,
			       struct arena *a, struct fail *why)
{
	json_t *value = json_at(object, d->value_key);
	struct slice key;
	size_t n;
	char *text;

	if (!json_is_string(value))
		return ST_OK; /* one without the value says nothing */
	key = value_read(d->type, json_text(value), false, a);
	if (key.ptr == NULL)
		return bad_line(d, line, why);
	if (d->remove_key)
		(void)json_object_deln(object, (const char *)d->value_key.ptr, d->value_key.len);
	n = json_dumpb(object, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
	text = n == 0 ? NULL : ARENA_ARRAY(a, char, n);
	if (text == NULL || json_dumpb(object, text, n, JSON_COMPACT | JSON_ENCODE_ANY) != n)
		return fail_set(why, ST_NOMEM, "no memory for a set");
	return value_add(d, a, key, 0, (struct slice){(const uint8_t *)text, n}, why);
}

static enum status json_load(struct detect_dataset *d, struct slice text, struct arena *a,
			     struct fail *why)
{
	json_error_t error;
	json_t *root = json_loadb((const char *)text.ptr, text.len, 0, &error);
	json_t *list = json_at(root, d->array_key), *item;
	enum status st = ST_OK;
	size_t i;

	if (root == NULL)
		return fail_set(why, ST_INVALID, "%.*s:%d: %s", SLICE_ARG(d->file), error.line,
				error.text);
	if (!json_is_array(list))
		st = fail_set(why, ST_INVALID, "%.*s: no JSON array", SLICE_ARG(d->file));
	json_array_foreach(list, i, item)
	{
		if (st == ST_OK)
			st = object_load(d, item, i + 1, a, why); /* the element, not the line */
	}
	json_decref(root);
	return st;
}

static enum status json_lines_load(struct detect_dataset *d, struct slice text, struct arena *a,
				   struct fail *why)
{
	enum status st = ST_OK;

	for (uint64_t n = 1; text.len != 0 && st == ST_OK; n++) {
		struct slice line = slice_trim(slice_split(&text, '\n'));
		json_error_t error;
		json_t *root;

		if (line.len == 0)
			continue;
		root = json_loadb((const char *)line.ptr, line.len, 0, &error);
		if (root == NULL)
			return fail_set(why, ST_INVALID, "%.*s:%llu: %s", SLICE_ARG(d->file),
					(unsigned long long)n, error.text);
		st = object_load(d, root, n, a, why);
		json_decref(root);
	}
	return st;
}

enum status detect_dataset_load(struct detect_dataset *d, struct slice text, bool numbered,
				struct arena *a, struct fail *why)
{
	enum status st;

	switch (d->format) {
	case DATASET_LINES:
		return lines_load(d, text, numbered, a, why);
	case DATASET_JSON:
		st = json_load(d, text, a, why);
		break;
	default:
		st = json_lines_load(d, text, a, why);
		break;
	}
	if (st == ST_OK && d->count == 0)
		return fail_set(why, ST_INVALID, "%.*s: nothing has \"%.*s\"", SLICE_ARG(d->file),
				SLICE_ARG(d->value_key));
	return st;
}

/* --- looking up --- */

const struct detect_dataset_entry *detect_dataset_find(const struct detect_dataset *d,
						       struct slice bytes)
{
	uint8_t room[16];
	struct slice key;
	uint32_t h;

	if (d->bucket_count == 0 || !key_of(d->type, bytes, room, &key))
		return NULL;
	h = hash_of(key);
	for (const struct detect_dataset_entry *e = d->buckets[h % d->bucket_count]; e != NULL;
	     e = e->next)
		if (e->hash == h && slice_equal(e->key, key))
			return e;
	return NULL;
}

/* --- changes --- */

bool detect_dataset_changes_new(struct detect_dataset_changes *c, struct arena *process,
				struct arena_pool *pool)
{
	*c = (struct detect_dataset_changes){.arena = {.pool = pool}};
	c->buckets = ARENA_ARRAY(process, struct detect_dataset_change *, DATASET_CHANGE_BUCKETS);
	c->bytes = ARENA_ARRAY(process, uint64_t, DATASETS_MAX);
	return c->buckets != NULL && c->bytes != NULL;
}

void detect_dataset_changes_move(struct detect_dataset_changes *c, const struct detect_rules *r)
{
	memset(c->bytes, 0, DATASETS_MAX * sizeof *c->bytes);
	for (size_t i = 0; c->count != 0 && i < DATASET_CHANGE_BUCKETS; i++)
		for (struct detect_dataset_change *e = c->buckets[i]; e != NULL; e = e->next) {
			const struct detect_dataset *d = r->datasets, *was = e->set;

			while (was != NULL && d != NULL &&
			       (d->type != was->type || !slice_equal(d->name, was->name)))
				d = d->next;
			e->set = was != NULL ? d : NULL; /* NULL: found by nobody */
			if (e->set != NULL)
				c->bytes[d->index] += sizeof *e + e->key.len;
		}
}

/* Is there room in the set for one more? */
static bool fits(const struct detect_dataset_changes *c, const struct detect_dataset *d, size_t n)
{
	return d->memcap == 0 || d->bytes + c->bytes[d->index] + n <= d->memcap;
}

static struct detect_dataset_change *change_find(const struct detect_dataset_changes *c,
						 const struct detect_dataset *d, struct slice key,
						 uint32_t h)
{
	struct detect_dataset_change *e = c->buckets[h % DATASET_CHANGE_BUCKETS];

	while (e != NULL && (e->set != d || e->hash != h || !slice_equal(e->key, key)))
		e = e->next;
	return e;
}

bool detect_dataset_holds(const struct detect_dataset_changes *c, const struct detect_dataset *d,
			  struct slice bytes)
{
	const struct detect_dataset_change *e;
	uint8_t room[16];
	struct slice key;

	if (!key_of(d->type, bytes, room, &key))
		return false;
	e = change_find(c, d, key, hash_of(key));
	return e != NULL ? e->in : detect_dataset_find(d, bytes) != NULL;
}

bool detect_dataset_change(struct detect_dataset_changes *c, const struct detect_dataset *d,
			   struct slice bytes, bool in)
{
	struct detect_dataset_change *e;
	uint8_t room[16];
	struct slice key;
	uint32_t h;

	if (!key_of(d->type, bytes, room, &key) || detect_dataset_holds(c, d, bytes) == in)
		return false;
	h = hash_of(key);
	e = change_find(c, d, key, h);
	if (e == NULL) {
		size_t n = sizeof *e + key.len;

		if (c->count == DATASET_CHANGES_MAX || (in && !fits(c, d, n)))
			return false;
		e = ARENA_NEW(&c->arena, struct detect_dataset_change);
		if (e == NULL)
			return false;
		e->key = key.len == 0 ? SLICE("") : arena_copy(&c->arena, key);
		if (e->key.len != key.len)
			return false;
		e->set = d;
		e->hash = h;
		e->next = c->buckets[h % DATASET_CHANGE_BUCKETS];
		c->buckets[h % DATASET_CHANGE_BUCKETS] = e;
		c->count++;
		c->bytes[d->index] += n;
	}
	e->in = in;
	return true;
}
