/* SPDX-License-Identifier: Apache-2.0
 *
 * The segments of a ring of packets: what is there at the start, what has to go, indexes.
 *
 * 1. p->segments lists every whole segment, oldest first, and p->total is what they and their
 * indexes take on disk. Before a byte of a new segment or index is written there is room for all of
 * it: so the files never take more than set.bytes.
 * 2. A segment that has an index of its own length is whole. One that has none was growing when the
 *    last process ended: what is not whole of it is cut off, and its index is made.
 * 3. A segment goes when its oldest packet is too old, so no packet stays too long. One grows for a
 *    sixteenth of that time at most (packets.c), so little goes too early. */
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "daemon/packets.h"
#include "os/clock.h"

enum { DIGITS = 12, PRIVATE_DIR = 0700 };

struct slice daemon_packets_path(struct slice dir, uint64_t number, const char *ending,
				 char out[OS_PATH_MAX])
{
	int n = snprintf(out, OS_PATH_MAX, "%.*s/%0*llu.%s", SLICE_ARG(dir), DIGITS,
			 (unsigned long long)number, ending);

	ASSERT(n > 0 && n < OS_PATH_MAX); /* the settings saw to it */
	return (struct slice){(const uint8_t *)out, (size_t)n};
}

bool daemon_packets_number(struct slice name, const char *ending, uint64_t *out)
{
	struct slice rest = name, digits = slice_split(&rest, '.');

	for (size_t i = 0; i < digits.len; i++)
		if (!text_is_digit(digits.ptr[i]))
			return false;
	return digits.len >= DIGITS && slice_equal(rest, slice_of(ending)) &&
	       text_u64(digits, 1, UINT64_MAX - 1, out);
}

struct wall_ns daemon_packets_clock(const struct daemon_packets *p)
{
	return p->patient ? (struct wall_ns){atomic_load(&p->clock_ns)} : os_clock_wall();
}

void daemon_packets_error(struct daemon_packets *p, const struct fail *why)
{
	atomic_fetch_add(&p->errors, 1);
	p->why = *why;
}

void daemon_packets_show(struct daemon_packets *p)
{
	int64_t oldest = 0;

	for (size_t i = 0; i < p->segment_count; i++)
		if (i == 0 || p->segments[i].first.ns < oldest)
			oldest = p->segments[i].first.ns;
	atomic_store(&p->shown_bytes, p->total);
	atomic_store(&p->shown_segments, p->segment_count);
	atomic_store(&p->shown_oldest, oldest);
}

/* --- what goes --- */

static void segment_remove(struct daemon_packets *p, size_t i)
{
	const struct packets_segment *s = &p->segments[i];
	char path[OS_PATH_MAX];
	struct fail why;

	/* the index first: a segment without one is still found at the next start */
	if (os_file_remove(p->disk, daemon_packets_path(p->set.dir, s->number, "index", path),
			   &why) != ST_OK ||
	    os_file_remove(p->disk, daemon_packets_path(p->set.dir, s->number, "pcapng", path),
			   &why) != ST_OK)
		daemon_packets_error(p, &why); /* it is tried again at the next start */
	p->total -= s->bytes + s->index_bytes;
	memmove(&p->segments[i], &p->segments[i + 1],
		(p->segment_count - i - 1) * sizeof *p->segments);
	p->segment_count--;
}

static bool disk_is_short(const struct daemon_packets *p)
{
	uint64_t left;
	struct fail why;

	return p->set.reserve_bytes != 0 && os_disk_free(p->set.dir, &left, &why) == ST_OK &&
	       left < p->set.reserve_bytes;
}

void daemon_packets_trim(struct daemon_packets *p, uint64_t room, struct wall_ns now)
{
	for (size_t i = p->segment_count; p->set.age_ns != 0 && i-- > 0;)
		if (p->segments[i].first.ns <= now.ns - p->set.age_ns) /* invariant 3 */
			segment_remove(p, i);
	while (p->segment_count != 0 &&
	       (p->segment_count >= PACKETS_SEGMENTS_MAX || room > p->set.bytes ||
		p->total > p->set.bytes - room || disk_is_short(p)))
		segment_remove(p, 0);
	daemon_packets_show(p);
}

/* --- indexes --- */

struct indexing {
	struct arena_pool pool, pieces;
	struct arena arena;
	struct os_map map;
	struct keep_matcher *matcher;
	struct keep_reader *reader;
};

static enum status indexing_begin(struct indexing *x, struct slice path, struct fail *why)
{
	*x = (struct indexing){.pool = {.budget = SIZE_MAX}, .pieces = {.budget = SIZE_MAX}};
	x->arena.pool = &x->pool;
	x->matcher = keep_matcher_new(&x->arena, &x->pieces);
	x->reader = ARENA_NEW(&x->arena, struct keep_reader);
	if (x->matcher == NULL || x->reader == NULL)
		return fail_set(why, ST_NOMEM, "no memory for an index");
	return os_file_map(path, &x->map, why);
}

static void indexing_end(struct indexing *x)
{
	os_map_done(&x->map);
	keep_matcher_free(x->matcher);
	arena_reset(&x->arena);
	arena_pool_drain(&x->pool);
	arena_pool_drain(&x->pieces);
}

static enum status index_make(struct indexing *x, struct keep_index *out, struct fail *why)
{
	struct crypto_random random = {0};
	enum status st = keep_reader_open(x->reader, x->map.bytes, why);
	uint64_t seed;

	crypto_random_fill(&random, (uint8_t *)&seed, sizeof seed);
	return st == ST_OK ? keep_index_build(x->reader, x->matcher, seed, &x->arena, out, why)
			   : st;
}

static struct packets_segment *segment_find(struct daemon_packets *p, uint64_t number)
{
	for (size_t i = p->segment_count; i-- > 0;)
		if (p->segments[i].number == number)
			return &p->segments[i];
	return NULL;
}

/* The segment may go while its index is made. */
static enum status index_write(struct daemon_packets *p, uint64_t number, struct slice bytes,
			       struct fail *why)
{
	char path[OS_PATH_MAX];
	struct slice name = daemon_packets_path(p->set.dir, number, "index", path);
	struct packets_segment *s;
	enum status st = ST_OK;

	(void)pthread_mutex_lock(&p->lock); /* it is a plain one */
	daemon_packets_trim(p, (p->ended ? 0 : p->set.segment_bytes) + bytes.len,
			    daemon_packets_clock(p));
	s = segment_find(p, number);
	if (s != NULL) {
		s->index_bytes = bytes.len;
		p->total += bytes.len;
		daemon_packets_show(p);
	}
	(void)pthread_mutex_unlock(&p->lock);
	if (s == NULL)
		return ST_OK;
	st = os_file_replace_private(p->disk, name, bytes, why);
	(void)pthread_mutex_lock(&p->lock);
	s = segment_find(p, number);
	if (s == NULL && st == ST_OK)
		st = os_file_remove(p->disk, name, why); /* nobody else knows of it */
	(void)pthread_mutex_unlock(&p->lock);
	return st;
}

void daemon_packets_index(struct daemon_packets *p, uint64_t number)
{
	char path[OS_PATH_MAX];
	struct indexing x;
	struct keep_index index;
	struct slice bytes;
	struct fail why;
	enum status st =
		indexing_begin(&x, daemon_packets_path(p->set.dir, number, "pcapng", path), &why);

	if (st == ST_OK)
		st = index_make(&x, &index, &why);
	if (st == ST_OK)
		st = keep_index_encode(&index, &x.arena, &bytes, &why);
	if (st == ST_OK)
		st = index_write(p, number, bytes, &why);
	indexing_end(&x);
	if (st == ST_OK || st == ST_NOTFOUND) /* it went meanwhile */
		return;
	/* packets are found without it, only later: by a walk */
	(void)pthread_mutex_lock(&p->lock);
	daemon_packets_error(p, &why);
	(void)pthread_mutex_unlock(&p->lock);
}

/* --- what is there at the start --- */

/* What the index says of a segment that is as long as it says. */
static bool index_known(struct daemon_packets *p, struct packets_segment *s)
{
	char path[OS_PATH_MAX];
	struct keep_index x;
	struct os_map map = {0};
	struct fail why;
	bool good = os_file_map(daemon_packets_path(p->set.dir, s->number, "index", path), &map,
				&why) == ST_OK &&
		    keep_index_peek(map.bytes, &x, &why) == ST_OK && x.bytes == s->bytes;

	if (good) {
		s->first = x.first;
		s->last = x.last;
		s->index_bytes = map.bytes.len;
	}
	os_map_done(&map);
	return good;
}

/* Cuts off what is not whole. A segment of which nothing is whole has no packets. */
static enum status segment_recover(struct daemon_packets *p, struct packets_segment *s,
				   uint32_t *out_packets, struct fail *why)
{
	char path[OS_PATH_MAX];
	struct slice name = daemon_packets_path(p->set.dir, s->number, "pcapng", path);
	struct keep_index index = {0};
	struct os_out out = {0};
	struct indexing x;
	enum status end, st = indexing_begin(&x, name, why);

	if (st == ST_OK)
		st = index_make(&x, &index, why);
	indexing_end(&x);
	if (st != ST_OK && st != ST_CORRUPT)
		return st;
	*out_packets = index.packets;
	if (index.bytes < s->bytes) {
		st = os_out_open(p->disk, name, 0600, &out, why);
		if (st == ST_OK)
			st = os_out_cut(p->disk, &out, index.bytes, why);
		end = os_out_close(&out, st == ST_OK ? why : &(struct fail){0});
		if (st == ST_OK)
			st = end;
		if (st != ST_OK)
			return st;
	}
	s->bytes = index.bytes;
	s->first = index.first;
	s->last = index.last;
	return ST_OK;
}

static enum status segment_add(struct daemon_packets *p, uint64_t number, struct fail *why)
{
	char path[OS_PATH_MAX];
	struct slice name = daemon_packets_path(p->set.dir, number, "pcapng", path);
	struct packets_segment s = {.number = number};
	uint32_t packets = 1;
	bool known;
	enum status st = os_file_size(name, &s.bytes, why);

	if (st != ST_OK)
		return st;
	known = index_known(p, &s);
	if (!known)
		st = segment_recover(p, &s, &packets, why);
	if (st != ST_OK)
		return st;
	if (packets == 0) {
		st = os_file_remove(p->disk, daemon_packets_path(p->set.dir, number, "index", path),
				    why);
		return st == ST_OK ? os_file_remove(p->disk,
						    daemon_packets_path(p->set.dir, number,
									"pcapng", path),
						    why)
				   : st;
	}
	if (p->segment_count == PACKETS_SEGMENTS_MAX)
		segment_remove(p, 0);
	p->segments[p->segment_count++] = s;
	p->total += s.bytes + s.index_bytes;
	if (!known)
		daemon_packets_index(p, number);
	return ST_OK;
}

/* An index whose segment is gone, and what a process that was killed was about to replace. */
static enum status litter_remove(struct daemon_packets *p, struct slice name, struct arena *a,
				 struct fail *why)
{
	uint64_t number;
	char path[OS_PATH_MAX];

	if (daemon_packets_number(name, "index.new", &number) ||
	    (daemon_packets_number(name, "index", &number) &&
	     !os_file_exists(daemon_packets_path(p->set.dir, number, "pcapng", path))))
		return os_file_remove(p->disk, daemon_path(a, p->set.dir, name), why);
	return ST_OK;
}

/* Names are sorted, and numbers in them have leading zeros: oldest first. newer: only if there is
 * one that we do not know of. */
static enum status segments_find(struct daemon_packets *p, bool newer, struct fail *why)
{
	struct arena_pool pool = {.budget = SIZE_MAX};
	struct arena a = {.pool = &pool};
	struct slice *names = NULL;
	size_t n = 0;
	uint64_t number;
	enum status st = os_dir_list(p->set.dir, &a, &names, &n, why);

	for (size_t i = 0; newer && i < n; i++)
		newer = !daemon_packets_number(names[i], "pcapng", &number) ||
			number < p->next_number;
	if (newer) { /* there is none */
		arena_reset(&a);
		arena_pool_drain(&pool);
		return st;
	}
	p->next_number = 1;
	p->segment_count = 0;
	p->total = 0;
	for (size_t i = 0; st == ST_OK && i < n; i++) {
		st = litter_remove(p, names[i], &a, why);
		if (st != ST_OK || !daemon_packets_number(names[i], "pcapng", &number))
			continue;
		if (number >= p->next_number)
			p->next_number = number + 1;
		st = segment_add(p, number, why);
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
	return st;
}

/* A folder that is made here is for its owner alone; one that was there is somebody's decision. */
static enum status folder_make(struct daemon_packets *p, struct slice dir, struct fail *why)
{
	size_t made;
	enum status st = os_dir_make(p->disk, dir, &made, why);

	return st == ST_OK && made != 0 ? os_file_limit(dir, PRIVATE_DIR, why) : st;
}

static enum status memory(struct daemon_packets *p, struct fail *why)
{
	p->buffer = arena_bytes(p->arena, PACKETS_BUFFER_BYTES);
	p->segments = ARENA_ARRAY(p->arena, struct packets_segment, PACKETS_SEGMENTS_MAX);
	p->pending = ARENA_ARRAY(p->arena, struct packets_pending, PACKETS_PENDING_MAX);
	p->described = ARENA_ARRAY(p->arena, struct packets_described, KEEP_INTERFACES_MAX);
	if (p->buffer == NULL || p->segments == NULL || p->pending == NULL ||
	    p->described == NULL || pthread_mutex_init(&p->lock, NULL) != 0 ||
	    pthread_cond_init(&p->work, NULL) != 0)
		return fail_set(why, ST_NOMEM, "no memory for a ring of packets");
	return ST_OK;
}

enum status daemon_packets_open(struct config *root, struct slice logs, bool patient,
				struct os_disk *disk, struct arena *a, struct daemon_packets **out,
				struct fail *why)
{
	struct packets_settings set;
	struct daemon_packets *p;
	enum status st = daemon_packets_settings(root, logs, a, &set, why);

	*out = NULL;
	if (st != ST_OK || !set.on)
		return st;
	p = ARENA_NEW(a, struct daemon_packets);
	if (p == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a ring of packets");
	p->set = set;
	p->disk = disk;
	p->arena = a;
	p->patient = patient;
	p->wake = -1;
	st = memory(p, why);
	if (st == ST_OK)
		st = folder_make(p, set.dir, why);
	if (st == ST_OK)
		st = folder_make(p, daemon_path(a, set.dir, SLICE("cuts")), why);
	if (st == ST_OK)
		st = os_lock_take(disk, daemon_path(a, set.dir, SLICE("lock")), &p->held, why);
	if (st == ST_OK)
		st = segments_find(p, false, why);
	if (st != ST_OK) {
		daemon_packets_close(p);
		return fail_wrap(why, "packet-ring");
	}
	daemon_packets_trim(p, set.segment_bytes,
			    patient ? (struct wall_ns){INT64_MIN / 2} : os_clock_wall());
	*out = p;
	return ST_OK;
}

enum status daemon_packets_again(struct daemon_packets *p, struct fail *why)
{
	return segments_find(p, true, why);
}

enum status daemon_packets_give(const struct daemon_packets *p, unsigned uid, unsigned gid,
				struct fail *why)
{
	char path[OS_PATH_MAX];
	enum status st = os_file_give(p->set.dir, uid, gid, why);

	if (st == ST_OK)
		st = os_file_give(daemon_path(p->arena, p->set.dir, SLICE("cuts")), uid, gid, why);
	if (st == ST_OK)
		st = os_file_give(daemon_path(p->arena, p->set.dir, SLICE("lock")), uid, gid, why);
	for (size_t i = 0; st == ST_OK && i < p->segment_count; i++) {
		uint64_t number = p->segments[i].number;

		st = os_file_give(daemon_packets_path(p->set.dir, number, "pcapng", path), uid, gid,
				  why);
		if (st == ST_OK && p->segments[i].index_bytes != 0)
			st = os_file_give(daemon_packets_path(p->set.dir, number, "index", path),
					  uid, gid, why);
	}
	return st;
}

void daemon_packets_close(struct daemon_packets *p)
{
	if (p == NULL)
		return;
	ASSERT(!p->writing && !p->helping);
	for (size_t i = 0; i < p->lane_count; i++)
		p->lanes[i].queue.bytes = NULL; /* the arena's */
	if (p->wake >= 0)
		(void)close(p->wake);
	p->wake = -1;
	os_lock_done(&p->held);
}
