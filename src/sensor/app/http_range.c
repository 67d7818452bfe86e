/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that were asked for in ranges, over as many flows as it took (RFC 9110 14): what each
 * answer held is kept under the host and path asked for, until all of the file is there.
 *
 * 1. A file is in one slot; answers hold no pointer to it, but its slot and number, and find it
 * gone when it was given up.
 * 2. Pieces are sorted by where they start and may overlap: the first one stands.
 * 3. All memory is the share of one pool. What does not fit is given up as a whole, and so is what
 *    nobody added to for the time of the configuration.
 */
#include "sensor/app/http_priv.h"

enum {
	FILES_MAX = 256,    /* at once; the one that waited longest goes */
	PIECES_MAX = 16384, /* of a file */
	PIECE_ROOM = 3900,  /* bytes: a block of an arena holds one */
	KEY_MAX = 4096,	    /* bytes of host and path */
	TIMEOUT_S = 60,	    /* Suricata's default */
	MEMCAP = 100 << 20, /* bytes: Suricata's default */
};

struct piece {
	uint64_t start;
	uint32_t len, room;
	struct piece *next;
	uint8_t bytes[];
};

struct range_file {
	uint64_t id; /* 0: the slot is free */
	struct slice key;
	uint64_t size;
	int64_t touched_ns;
	struct piece *first, *recent;
	uint32_t count;
	struct arena arena;
};

struct app_ranges {
	struct arena_pool pool;
	uint64_t next_id;
	int64_t now_ns, timeout_ns;
	struct range_file files[FILES_MAX];
};

struct app_ranges *app_ranges_new(struct config *config, struct arena_pool *whole, struct arena *a)
{
	struct config *node = config_at(config, "app-layer.protocols.http.byterange");
	struct app_ranges *r = ARENA_NEW(a, struct app_ranges);
	uint64_t most = config_size(node, "memcap", MEMCAP);

	if (r == NULL)
		return NULL;
	r->timeout_ns = (int64_t)config_u64(node, "timeout", 0, 1 << 30, TIMEOUT_S) * 1000000000;
	(void)config_u64(node, "hashsize", 0, UINT32_MAX, 0); /* there is no such table here */
	r->pool = (struct arena_pool){.budget = most < SIZE_MAX ? (size_t)most : SIZE_MAX,
				      .whole = whole};
	for (size_t i = 0; i < FILES_MAX; i++)
		r->files[i].arena.pool = &r->pool;
	return r;
}

static void give_up(struct range_file *f)
{
	struct arena a = f->arena;

	arena_reset(&a);
	*f = (struct range_file){.arena = a};
}

void app_ranges_free(struct app_ranges *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < FILES_MAX; i++)
		give_up(&r->files[i]);
	arena_pool_drain(&r->pool);
}

void app_ranges_expire(struct app_ranges *r, int64_t now_ns)
{
	if (now_ns - r->now_ns < 1000000000)
		return;
	r->now_ns = now_ns;
	for (size_t i = 0; i < FILES_MAX; i++)
		if (r->files[i].id != 0 && now_ns - r->files[i].touched_ns > r->timeout_ns)
			give_up(&r->files[i]);
}

/* A slot that is free, or that of the file that waited longest. */
static struct range_file *slot(struct app_ranges *r)
{
	struct range_file *oldest = &r->files[0];

	for (size_t i = 0; i < FILES_MAX; i++) {
		if (r->files[i].id == 0)
			return &r->files[i];
		if (r->files[i].touched_ns < oldest->touched_ns)
			oldest = &r->files[i];
	}
	give_up(oldest);
	return oldest;
}

static struct range_file *find(struct app_ranges *r, const struct http_range *part)
{
	struct range_file *f = &r->files[part->slot];

	return part->id != 0 && f->id == part->id ? f : NULL;
}

void app_http_range_open(struct app_ranges *r, struct http_range *part, struct slice host,
			 struct slice path, uint64_t start, uint64_t size)
{
	struct range_file *f = NULL;
	struct buf key;

	*part = (struct http_range){0};
	if (host.len + path.len > KEY_MAX || host.len == 0)
		return;
	for (size_t i = 0; i < FILES_MAX && f == NULL; i++) {
		const struct slice k = r->files[i].key;

		if (r->files[i].id != 0 && k.len == host.len + path.len && slice_starts(k, host) &&
		    slice_equal(slice_from(k, host.len), path))
			f = &r->files[i];
	}
	if (f != NULL && f->size != size) /* another file, by now */
		give_up(f);
	if (f == NULL)
		f = slot(r);
	if (f->id == 0) {
		key = buf_in(&f->arena);
		buf_add(&key, host);
		buf_add(&key, path);
		if (key.full)
			return;
		f->key = buf_slice(&key);
		f->size = size;
		f->id = ++r->next_id;
	}
	f->touched_ns = r->now_ns;
	*part = (struct http_range){.slot = (uint32_t)(f - r->files), .id = f->id, .at = start};
}

/* The piece after which one that starts at `at` belongs; NULL: it is the first. */
static struct piece *before(const struct range_file *f, uint64_t at)
{
	struct piece *p = f->recent != NULL && f->recent->start <= at ? f->recent : f->first;

	if (p == NULL || p->start > at)
		return NULL;
	while (p->next != NULL && p->next->start <= at)
		p = p->next;
	return p;
}

/* Room behind `p`, which ends at `at`, or in a piece of its own. NULL: no more. */
static struct piece *room_at(struct range_file *f, uint64_t at)
{
	struct piece *p = before(f, at), *n;

	if (p != NULL && p->start + p->len == at && p->len < p->room)
		return p;
	if (f->count == PIECES_MAX)
		return NULL;
	n = arena_alloc(&f->arena, sizeof *n + PIECE_ROOM, _Alignof(struct piece), 1);
	if (n == NULL)
		return NULL;
	f->count++;
	n->start = at;
	n->room = PIECE_ROOM;
	n->next = p != NULL ? p->next : f->first;
	if (p != NULL)
		p->next = n;
	else
		f->first = n;
	return n;
}

void app_http_range_data(struct app_ranges *r, struct http_range *part, struct slice bytes)
{
	struct range_file *f = find(r, part);

	if (f != NULL)
		f->touched_ns = r->now_ns;
	while (f != NULL && bytes.len != 0 && part->at < f->size) {
		struct piece *p = room_at(f, part->at);
		struct slice some;

		if (p == NULL) {
			give_up(f);
			return;
		}
		some = slice_part(bytes, 0, p->room - p->len);
		memcpy(p->bytes + p->len, some.ptr, some.len);
		p->len += (uint32_t)some.len;
		part->at += some.len;
		bytes = slice_from(bytes, some.len);
		f->recent = p;
	}
}

static bool is_whole(const struct range_file *f)
{
	uint64_t done = 0;

	for (const struct piece *p = f->first; p != NULL && p->start <= done; p = p->next)
		if (p->start + p->len > done)
			done = p->start + p->len;
	return done >= f->size;
}

void app_http_range_close(struct app_ranges *r, struct http_range *part, struct app_tx *tx,
			  struct slice name)
{
	struct range_file *f = find(r, part);
	struct file *file;
	uint64_t done = 0;

	part->id = 0;
	if (f == NULL || !is_whole(f))
		return;
	file = app_file_open(((struct http_tx *)tx->data)->flow, tx, APP_TO_CLIENT, name);
	for (const struct piece *p = f->first; file != NULL && p != NULL; p = p->next) {
		struct slice bytes = {p->bytes, p->len};

		if (p->start + p->len <= done)
			continue;
		bytes = slice_part(slice_from(bytes, (size_t)(done - p->start)), 0,
				   f->size - done < SIZE_MAX ? (size_t)(f->size - done) : SIZE_MAX);
		file_data(file, bytes);
		done += bytes.len;
	}
	if (file != NULL)
		file_close(file, FILE_CLOSED);
	give_up(f);
}
