/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose packets are wanted, out of segments into one file each.
 *
 * 1. Two walks: the first learns the ends of flows that are wanted by number (their fragments have
 *    none), the second takes the packets. Several queries share them.
 * 2. Indexes are hints: without one (the segment still grows) it is made in memory, and each packet
 *    is looked at again before it is taken.
 * 3. A segment may go, or grow, meanwhile: what was there when it was opened is what is looked at.
 * A segment that grows is read, not mapped: it may be cut.
 * 4. Packets are given in the order of their times, those of one time in the order of the ring. */
#include <stdlib.h>

#include "crypto/crypto.h"
#include "daemon/packets.h"

enum {
	PACKETS_MOST = 1 << 21,
	BYTES_MOST = 1 << 30, /* of one job in memory */
};

struct taken {
	struct keep_packet packet; /* in the job's memory */
	uint64_t place;
};

/* What a job has found. */
struct found {
	struct arena_pool pool;
	struct arena arena;
	struct taken *list;
	size_t count, room;
	struct keep_interface interfaces[KEEP_INTERFACES_MAX];
	uint32_t interface_count;
};

struct walk {
	struct slice dir;
	struct packets_job *jobs;
	size_t job_count;
	struct arena_pool pool; /* of one segment */
	struct arena arena;
	uint64_t place;
};

/* A segment that is open. */
struct opened {
	struct arena_pool pieces;
	struct os_map segment, index;
	struct keep_reader *reader;
	struct keep_matcher *matcher;
	struct keep_index x;
};

/* --- segments --- */

static enum status index_of(struct walk *w, struct opened *o, struct slice index_path,
			    struct fail *why)
{
	struct crypto_random random = {0};
	struct keep_reader *r = o->reader;
	struct slice bytes = r->bytes;
	uint64_t seed;
	enum status st;

	if (os_file_map(index_path, &o->index, why) == ST_OK &&
	    keep_index_decode(o->index.bytes, &w->arena, &o->x, why) == ST_OK &&
	    o->x.bytes <= bytes.len && keep_reader_describe(r, &o->x))
		return ST_OK;
	st = keep_reader_open(r, bytes, why);
	crypto_random_fill(&random, (uint8_t *)&seed, sizeof seed);
	return st == ST_OK ? keep_index_build(r, o->matcher, seed, &w->arena, &o->x, why) : st;
}

/* Could the segment have packets of that time? Only an index says. */
static bool out_of_time(const struct walk *w, const struct keep_index *x)
{
	for (size_t i = 0; i < w->job_count; i++) {
		const struct keep_query *q = &w->jobs[i].query;

		if (x->last.ns >= q->from.ns && (q->until.ns == 0 || x->first.ns <= q->until.ns))
			return false;
	}
	return true;
}

static bool index_is_out_of_time(const struct walk *w, struct slice index_path)
{
	struct os_map map = {0};
	struct keep_index x;
	struct fail why;
	bool out = os_file_map(index_path, &map, &why) == ST_OK &&
		   keep_index_peek(map.bytes, &x, &why) == ST_OK && out_of_time(w, &x);

	os_map_done(&map);
	return out;
}

static enum status segment_open(struct walk *w, struct opened *o, struct slice path,
				struct slice index_path, struct fail *why)
{
	bool whole = os_file_exists(index_path);
	struct slice bytes = {NULL, 0};
	enum status st;

	*o = (struct opened){.pieces = {.budget = SIZE_MAX}};
	o->matcher = keep_matcher_new(&w->arena, &o->pieces);
	o->reader = ARENA_NEW(&w->arena, struct keep_reader);
	if (o->matcher == NULL || o->reader == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a segment");
	if (whole) {
		st = os_file_map(path, &o->segment, why);
		bytes = o->segment.bytes;
	} else { /* invariant 3 */
		st = os_file_read(path, KEEP_SEGMENT_MOST, &w->arena, &bytes, why);
	}
	if (st == ST_OK)
		st = keep_reader_open(o->reader, bytes, why);
	return st == ST_OK ? index_of(w, o, index_path, why) : st;
}

static void segment_done(struct walk *w, struct opened *o)
{
	os_map_done(&o->segment);
	os_map_done(&o->index);
	keep_matcher_free(o->matcher);
	arena_pool_drain(&o->pieces);
	arena_reset(&w->arena);
}

/* --- packets --- */

static int by_number(const void *pa, const void *pb)
{
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;

	return a < b ? -1 : a > b;
}

/* Where packets may lie that q wants: each once, in the order of the segment. */
static size_t candidates(struct walk *w, const struct keep_index *x, const struct keep_query *q,
			 uint32_t **out)
{
	uint32_t *list = ARENA_ARRAY(&w->arena, uint32_t, (size_t)x->offset_count + 1);
	size_t n = 0, kept = 0;

	*out = list;
	for (uint32_t i = 0; list != NULL && i < x->row_count; i++)
		if (keep_index_may(&x->rows[i], q) && n + x->rows[i].count <= x->offset_count) {
			memcpy(list + n, x->offsets + x->rows[i].begin,
			       x->rows[i].count * sizeof *list);
			n += x->rows[i].count;
		}
	if (n != 0)
		qsort(list, n, sizeof *list, by_number);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || list[i] != list[kept - 1])
			list[kept++] = list[i];
	return kept;
}

/* The number by which the job's file describes it; false: too many. */
static bool interface_in(struct found *f, const struct keep_interface *i, uint32_t *out)
{
	for (uint32_t k = 0; k < f->interface_count; k++)
		if (slice_equal(f->interfaces[k].name, i->name) &&
		    f->interfaces[k].linktype == i->linktype &&
		    f->interfaces[k].snaplen == i->snaplen) {
			*out = k;
			return true;
		}
	if (f->interface_count == KEEP_INTERFACES_MAX)
		return false;
	*out = f->interface_count++;
	f->interfaces[*out] = *i;
	f->interfaces[*out].name = arena_copy(&f->arena, i->name);
	return true;
}

static enum status packet_take(struct walk *w, struct packets_job *j, const struct opened *o,
			       const struct keep_packet *p, struct fail *why)
{
	struct found *f = j->state;
	struct taken t = {*p, w->place++};

	if (f->count == PACKETS_MOST || j->bytes + p->data.len > BYTES_MOST)
		return fail_set(why, ST_LIMIT,
				"more than %d packets or %d bytes are wanted: ask for less, by "
				"time for instance",
				PACKETS_MOST, BYTES_MOST);
	t.packet.data = arena_copy(&f->arena, p->data);
	if (!interface_in(f, &o->reader->interfaces[p->interface], &t.packet.interface))
		return fail_set(why, ST_LIMIT, "more than %d interfaces", KEEP_INTERFACES_MAX);
	if (t.packet.data.len != p->data.len ||
	    !ARENA_PUSH(&f->arena, f->list, f->count, f->room, t))
		return fail_set(why, ST_NOMEM, "no memory for packets");
	if (j->packets == 0 || p->at.ns < j->first.ns)
		j->first = p->at;
	if (j->packets == 0 || p->at.ns > j->last.ns)
		j->last = p->at;
	j->packets++;
	j->bytes += p->data.len;
	return ST_OK;
}

static enum status packets_of(struct walk *w, struct packets_job *j, const struct opened *o,
			      struct fail *why)
{
	const struct keep_reader *r = o->reader;
	enum status st = ST_OK;
	uint32_t *list;
	size_t n = candidates(w, &o->x, &j->query, &list);

	if (list == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a segment");
	for (size_t i = 0; st == ST_OK && i < n; i++) {
		struct keep_packet p;

		if (keep_reader_get(r, list[i], &p) &&
		    keep_matcher_wants(o->matcher, &j->query, &p,
				       r->interfaces[p.interface].linktype))
			st = packet_take(w, j, o, &p, why);
	}
	return st;
}

static enum status companions_of(struct walk *w, const struct opened *o, struct fail *why)
{
	for (size_t i = 0; i < w->job_count; i++)
		for (uint32_t k = 0; w->jobs[i].query.flow != 0 && k < o->x.row_count; k++)
			if (!keep_query_companions(&w->jobs[i].query, &o->x.rows[k]))
				return fail_set(why, ST_LIMIT, "a flow has more than %d ends",
						KEEP_QUERY_TUPLES_MAX);
	return ST_OK;
}

/* --- a walk --- */

static enum status one_segment(struct walk *w, uint64_t number, bool take, struct fail *why)
{
	char path[OS_PATH_MAX], index_path[OS_PATH_MAX];
	struct slice name = daemon_packets_path(w->dir, number, "pcapng", path);
	struct slice index = daemon_packets_path(w->dir, number, "index", index_path);
	struct opened o;
	enum status st;

	if (index_is_out_of_time(w, index))
		return ST_OK;
	st = segment_open(w, &o, name, index, why);
	if (st == ST_OK && !take)
		st = companions_of(w, &o, why);
	for (size_t i = 0; st == ST_OK && take && i < w->job_count; i++)
		st = packets_of(w, &w->jobs[i], &o, why);
	segment_done(w, &o);
	/* it went meanwhile, or nothing of it is written yet */
	return st == ST_NOTFOUND || st == ST_CORRUPT ? ST_OK : st;
}

static enum status walk(struct walk *w, const struct slice *names, size_t n, bool take,
			struct fail *why)
{
	enum status st = ST_OK;
	uint64_t number;

	for (size_t i = 0; st == ST_OK && i < n; i++)
		if (daemon_packets_number(names[i], "pcapng", &number))
			st = one_segment(w, number, take, why);
	return st;
}

/* --- a file --- */

static int by_time(const void *pa, const void *pb)
{
	const struct taken *a = pa, *b = pb;

	if (a->packet.at.ns != b->packet.at.ns)
		return a->packet.at.ns < b->packet.at.ns ? -1 : 1;
	return a->place < b->place ? -1 : a->place > b->place;
}

static enum status file_write(struct packets_job *j, struct os_disk *disk, struct fail *why)
{
	struct crypto_random random = {0};
	struct found *f = j->state;
	uint8_t section[KEEP_SECTION_BYTES];
	size_t n = KEEP_HEAD_BYTES + (size_t)f->interface_count * KEEP_INTERFACE_BYTES +
		   f->count * (size_t)KEEP_PACKET_OVER + j->bytes;
	uint8_t *bytes = arena_bytes(j->out.len != 0 ? &f->arena : j->memory, n), *at = bytes;

	if (bytes == NULL)
		return fail_set(why, ST_NOMEM, "no memory for packets");
	qsort(f->list, f->count, sizeof *f->list, by_time);
	crypto_random_fill(&random, section, sizeof section);
	at += keep_encode_head(section, at);
	for (uint32_t i = 0; i < f->interface_count; i++)
		at += keep_encode_interface(&f->interfaces[i], at);
	for (size_t i = 0; i < f->count; i++)
		at += keep_encode_packet(&f->list[i].packet, at);
	j->file = (struct slice){bytes, (size_t)(at - bytes)};
	return j->out.len != 0 ? os_file_replace_private(disk, j->out, j->file, why) : ST_OK;
}

static enum status jobs_begin(struct walk *w, struct fail *why)
{
	for (size_t i = 0; i < w->job_count; i++) {
		struct found *f = calloc(1, sizeof *f);

		if (f == NULL)
			return fail_set(why, ST_NOMEM, "no memory for packets");
		f->pool.budget = SIZE_MAX;
		f->arena.pool = &f->pool;
		w->jobs[i].state = f;
	}
	return ST_OK;
}

static void jobs_end(struct walk *w)
{
	for (size_t i = 0; i < w->job_count; i++) {
		struct found *f = w->jobs[i].state;

		if (f != NULL) {
			arena_reset(&f->arena);
			arena_pool_drain(&f->pool);
		}
		free(f);
		w->jobs[i].state = NULL;
	}
	arena_reset(&w->arena);
	arena_pool_drain(&w->pool);
}

enum status daemon_cut(const struct daemon_cut_options *o, struct arena *a,
		       struct daemon_cut_result *out, struct fail *why)
{
	struct packets_job *j = ARENA_NEW(a, struct packets_job);
	struct packets_settings set = {.dir = o->dir};
	struct slice logs = daemon_log_dir(o->config, o->logs);
	enum status st = ST_OK;

	if (j == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a query");
	if (o->dir.len == 0)
		st = daemon_packets_settings(o->config, logs, a, &set, why);
	if (st == ST_OK && o->dir.len == 0 && !set.on)
		set.dir = daemon_path(a, logs, SLICE("packets"));
	j->query.flow = o->flow;
	j->query.community = o->community;
	j->query.community_seed = (uint16_t)config_u64(
		o->config, "outputs.eve-log.community-id-seed", 0, UINT16_MAX, 0);
	j->query.from = o->from;
	j->query.until = o->until;
	for (size_t i = 0; st == ST_OK && i < o->end_count; i++)
		st = keep_query_tuple_parse(&j->query, o->ends[i], why);
	j->out = o->out;
	j->memory = a;
	if (st == ST_OK)
		st = daemon_packets_cut_jobs(set.dir, NULL, j, 1, why);
	*out = (struct daemon_cut_result){.dir = set.dir,
					  .packets = j->packets,
					  .bytes = j->bytes,
					  .first = j->first,
					  .last = j->last,
					  .file = j->file};
	return st;
}

enum status daemon_packets_cut_jobs(struct slice dir, struct os_disk *disk,
				    struct packets_job *jobs, size_t n, struct fail *why)
{
	struct walk w = {.dir = dir, .jobs = jobs, .job_count = n, .pool = {.budget = SIZE_MAX}};
	struct arena_pool pool = {.budget = SIZE_MAX};
	struct arena a = {.pool = &pool};
	struct slice *names = NULL;
	size_t count = 0;
	bool flows = false;
	enum status st;

	w.arena.pool = &w.pool;
	for (size_t i = 0; i < n; i++) {
		jobs[i].packets = jobs[i].bytes = 0;
		flows |= jobs[i].query.flow != 0;
	}
	st = jobs_begin(&w, why);
	if (st == ST_OK)
		st = os_dir_list(dir, &a, &names, &count, why);
	if (st == ST_OK && flows)
		st = walk(&w, names, count, false, why);
	if (st == ST_OK)
		st = walk(&w, names, count, true, why);
	for (size_t i = 0; st == ST_OK && i < n; i++)
		if (jobs[i].packets != 0)
			st = file_write(&jobs[i], disk, why);
	jobs_end(&w);
	arena_reset(&a);
	arena_pool_drain(&pool);
	return st;
}
