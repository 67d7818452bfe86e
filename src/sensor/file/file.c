/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a file.
 *
 *	OPEN --file_close()--> CLOSED | TRUNCATED | ERROR
 *
 * 1. kept is the beginning of the file without a hole in it; nothing is kept behind a hole.
 * 2. What the sink has got are all bytes from the first on, holes left out, in order.
 * 3. A file that is not open never changes again, but for `logged`, its sids and storing it from
 *    what is kept.
 */
#include "sensor/file/file.h"

#include "base/text.h"
#include "crypto/crypto.h"

enum { KEEP_DEFAULT = 1 << 20 };

struct file_hashing {
	struct crypto_md5 md5;
	struct crypto_sha1 sha1;
	struct crypto_sha256 sha256;
	uint8_t which;
};

static const struct file_setup no_setup;

static void hash_start(struct file *f)
{
	struct file_hashing *h;

	if (f->setup->hashes == 0)
		return;
	h = ARENA_NEW(f->arena, struct file_hashing);
	f->hashing = h;
	if (h == NULL)
		return;
	h->which = f->setup->hashes;
	crypto_md5_init(&h->md5);
	crypto_sha1_init(&h->sha1);
	crypto_sha256_init(&h->sha256);
}

static void hash_add(struct file_hashing *h, struct slice bytes)
{
	if (h == NULL)
		return;
	if (h->which & FILE_MD5)
		crypto_md5_add(&h->md5, bytes);
	if (h->which & FILE_SHA1)
		crypto_sha1_add(&h->sha1, bytes);
	if (h->which & FILE_SHA256)
		crypto_sha256_add(&h->sha256, bytes);
}

static void hash_end(struct file *f)
{
	struct file_hashing *h = f->hashing;

	if (h == NULL)
		return;
	if (h->which & FILE_MD5)
		crypto_md5_end(&h->md5, f->md5);
	if (h->which & FILE_SHA1)
		crypto_sha1_end(&h->sha1, f->sha1);
	if (h->which & FILE_SHA256)
		crypto_sha256_end(&h->sha256, f->sha256);
	f->hashes = h->which;
}

/* ---- storing ---- */

static void store_add(struct file *f, struct slice bytes)
{
	uint64_t most = f->setup->store_most;

	if (f->handle == NULL)
		return;
	if (most != 0)
		bytes = slice_part(bytes, 0, (size_t)(most - f->stored_bytes));
	if (bytes.len == 0)
		return;
	f->stored_bytes += bytes.len;
	f->setup->sink->data(f->setup->sink->ctx, f->handle, bytes);
}

static void store_end(struct file *f)
{
	if (f->handle == NULL)
		return;
	f->stored = f->setup->sink->close(f->setup->sink->ctx, f->handle, f);
	f->handle = NULL;
}

static void store_start(struct file *f)
{
	const struct file_store *sink = f->setup->sink;

	if (sink == NULL || f->handle != NULL || f->stored || f->unstorable)
		return;
	if (f->kept.len != f->seen) {
		f->unstorable = true;
		return;
	}
	f->id = ++*f->setup->ids;
	f->handle = sink->open(sink->ctx, f);
	if (f->handle == NULL) {
		f->unstorable = true;
		return;
	}
	store_add(f, buf_slice(&f->kept));
	if (f->state != FILE_OPEN)
		store_end(f);
}

void file_want(struct file *f, uint64_t sid)
{
	bool known = sid == 0;

	for (uint32_t i = 0; i < f->sid_count; i++)
		known |= f->sids[i] == sid;
	if (!known && f->sids == NULL)
		f->sids = ARENA_ARRAY(f->arena, uint64_t, FILE_SIDS_MAX);
	if (!known && f->sids != NULL && f->sid_count < FILE_SIDS_MAX)
		f->sids[f->sid_count++] = sid;
	f->wanted = true;
	store_start(f);
}

/* ---- the type ---- */

struct slice file_type(struct file *f)
{
	if (f->magic.ptr == NULL && f->setup->types != NULL &&
	    (f->kept.len >= FILE_MAGIC_BYTES || f->state != FILE_OPEN)) {
		struct slice head = slice_part(buf_slice(&f->kept), 0, FILE_MAGIC_BYTES);

		f->magic = arena_copy(f->arena, file_magic_of(f->setup->types, head));
		if (f->magic.ptr == NULL)
			f->magic = SLICE(""); /* not asked again */
	}
	return f->magic;
}

/* ---- life ---- */

struct file *file_open(struct file_set *set, const struct file_setup *setup, struct arena *a,
		       struct slice name)
{
	struct file *f = set->count < FILE_PER_TX_MAX ? ARENA_NEW(a, struct file) : NULL;

	if (f == NULL)
		return NULL;
	f->name = arena_copy(a, slice_part(name, 0, FILE_NAME_MAX));
	f->setup = setup != NULL ? setup : &no_setup;
	f->arena = a;
	f->set = set;
	f->kept = buf_in(a);
	f->kept.most = f->setup->keep_most != 0 ? f->setup->keep_most : KEEP_DEFAULT;
	hash_start(f);
	if (set->last != NULL)
		set->last->next = f;
	else
		set->first = f;
	set->last = f;
	set->count++;
	set->moves++;
	if (f->setup->store_all)
		file_want(f, 0);
	return f;
}

void file_data(struct file *f, struct slice bytes)
{
	if (f->state != FILE_OPEN || bytes.len == 0)
		return;
	f->size += bytes.len;
	hash_add(f->hashing, bytes);
	if (!f->gaps && f->kept.len == f->seen)
		buf_add(&f->kept, slice_part(bytes, 0, f->kept.most - f->kept.len));
	f->seen += bytes.len;
	f->set->moves++;
	store_add(f, bytes);
	if (f->setup->magic)
		(void)file_type(f);
}

void file_gap(struct file *f, uint64_t missing)
{
	if (f->state != FILE_OPEN || missing == 0)
		return;
	f->size += missing;
	f->gaps = true;
	f->set->moves++;
}

void file_close(struct file *f, enum file_state state)
{
	if (f->state != FILE_OPEN)
		return;
	f->state = state == FILE_CLOSED && f->gaps ? FILE_TRUNCATED : state;
	hash_end(f);
	f->set->moves++;
	if (f->setup->magic)
		(void)file_type(f);
	store_end(f);
}

void file_set_close(struct file_set *set, enum file_state state)
{
	for (struct file *f = set->first; f != NULL; f = f->next)
		file_close(f, state);
}

struct file *file_current(const struct file_set *set)
{
	return set->last != NULL && set->last->state == FILE_OPEN ? set->last : NULL;
}

struct slice file_extension(const struct file *f)
{
	for (size_t i = f->name.len; i > 0; i--)
		if (f->name.ptr[i - 1] == '.')
			return slice_from(f->name, i);
	return (struct slice){NULL, 0};
}

const char *file_state_name(enum file_state s)
{
	switch (s) {
	case FILE_CLOSED:
		return "CLOSED";
	case FILE_TRUNCATED:
		return "TRUNCATED";
	case FILE_ERROR:
		return "ERROR";
	case FILE_OPEN:
		break;
	}
	return "UNKNOWN";
}
