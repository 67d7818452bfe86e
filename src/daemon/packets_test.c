/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/packets.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "test.h"

enum { RAW = 101, FRAME_BYTES = 1000, SEGMENT = 1 << 20 };

#define SECOND TIME_NS_PER_S
#define T0 (INT64_C(1700000000) * TIME_NS_PER_S)

/* A ring in a folder, and what is put into it: frame i holds i in its bytes, is of flow 1 + i % 7
 * and a millisecond later than i - 1. */
struct room {
	struct arena_pool pool;
	struct arena arena;
	struct config *config;
	struct daemon_packets *p;
	struct os_disk *disk;
	struct fail why;
	char dir[64];
	uint64_t put;
	int64_t step_ns;
};

static void set(struct room *r, const char *name, const char *value)
{
	if (config_set(r->config, slice_of(name), slice_of(value), &r->why) != ST_OK)
		abort();
}

static void room_begin(struct test *t, struct room *r)
{
	*r = (struct room){.pool = {.budget = SIZE_MAX}, .step_ns = TIME_NS_PER_MS};
	r->arena.pool = &r->pool;
	if (crypto_init(&r->why) != ST_OK)
		abort();
	(void)snprintf(r->dir, sizeof r->dir, "%s", test_folder(t));
	r->config = config_new(&r->arena);
	set(r, "packet-ring.enabled", "yes");
	set(r, "packet-ring.dir", "ring");
	set(r, "packet-ring.size", "4mb");
	set(r, "packet-ring.segment", "1mb");
	set(r, "packet-ring.reserve", "0");
	set(r, "packet-ring.age", "0");
}

static enum status ring_open(struct room *r)
{
	enum status st = daemon_packets_open(r->config, slice_of(r->dir), true, r->disk, &r->arena,
					     &r->p, &r->why);

	if (st == ST_OK)
		st = daemon_packets_lanes(r->p, 1, &r->why);
	if (st == ST_OK)
		daemon_packets_name(r->p, 0, SLICE("wire0"));
	return st == ST_OK ? daemon_packets_start(r->p, &r->why) : st;
}

static void frame(uint64_t i, uint8_t out[FRAME_BYTES])
{
	uint8_t head[28] = {0x45,
			    0,
			    FRAME_BYTES >> 8,
			    FRAME_BYTES & 255,
			    0,
			    0,
			    0,
			    0,
			    64,
			    17,
			    0,
			    0,
			    10,
			    0,
			    0,
			    (uint8_t)(1 + i % 7),
			    10,
			    0,
			    0,
			    9,
			    0,
			    7,
			    0,
			    8,
			    (FRAME_BYTES - 20) >> 8,
			    (FRAME_BYTES - 20) & 255};

	memset(out, (int)(i & 0xff), FRAME_BYTES);
	memcpy(out, head, sizeof head);
	memcpy(out + 28, &i, sizeof i);
}

static void put(struct room *r, uint64_t n)
{
	uint8_t bytes[FRAME_BYTES];

	for (uint64_t k = 0; k < n; k++, r->put++) {
		struct source_packet s = {.data = {bytes, sizeof bytes},
					  .wire_bytes = sizeof bytes,
					  .linktype = RAW,
					  .at = {T0 + (int64_t)r->put * r->step_ns}};
		struct pipeline_seen seen = {.flows = {1 + r->put % 7}, .count = 1};

		frame(r->put, bytes);
		daemon_packets_put(r->p, 0, &s, &seen);
	}
	daemon_packets_publish(r->p, 0);
}

static bool ring_close(struct room *r)
{
	bool all = daemon_packets_stop(r->p);

	daemon_packets_close(r->p);
	return all;
}

static void room_end(struct room *r)
{
	arena_reset(&r->arena);
	arena_pool_drain(&r->pool);
}

static struct slice dir_of(struct room *r)
{
	return daemon_path(&r->arena, slice_of(r->dir), SLICE("ring"));
}

/* Bytes of all files in the ring's folder whose names end so. */
static uint64_t files(struct room *r, const char *ending, uint64_t *out_bytes)
{
	struct slice *names;
	uint64_t n = 0, size;
	size_t count;

	*out_bytes = 0;
	if (os_dir_list(dir_of(r), &r->arena, &names, &count, &r->why) != ST_OK)
		abort();
	for (size_t i = 0; i < count; i++) {
		struct slice path = daemon_path(&r->arena, dir_of(r), names[i]);

		if (!slice_ends(names[i], slice_of(ending)))
			continue;
		if (os_file_size(path, &size, &r->why) != ST_OK)
			continue; /* the ring took it away meanwhile */
		*out_bytes += size;
		n++;
	}
	return n;
}

/* Packets of a flow (0: all) that are found, each checked; they are the newest that there were. */
static uint64_t found(struct room *r, uint64_t flow, bool *out_good)
{
	struct packets_job *j = ARENA_NEW(&r->arena, struct packets_job);
	struct keep_reader *reader = ARENA_NEW(&r->arena, struct keep_reader);
	struct keep_packet p;
	uint64_t n = 0, i, last = 0;
	size_t at;
	enum status st;

	*out_good = false;
	j->query.flow = flow;
	j->memory = &r->arena;
	if (daemon_packets_cut_jobs(dir_of(r), NULL, j, 1, &r->why) != ST_OK)
		return UINT64_MAX;
	if (j->packets == 0) {
		*out_good = true;
		return 0;
	}
	*out_good = keep_reader_open(reader, j->file, &r->why) == ST_OK;
	while (*out_good && (st = keep_reader_next(reader, &p, &at, &r->why)) == ST_OK) {
		uint8_t want[FRAME_BYTES];

		memcpy(&i, p.data.ptr + 28, sizeof i);
		frame(i, want);
		*out_good = p.data.len == sizeof want &&
			    memcmp(p.data.ptr, want, sizeof want) == 0 &&
			    p.at.ns == T0 + (int64_t)i * r->step_ns && p.flows[0] == 1 + i % 7 &&
			    (flow == 0 || p.flows[0] == flow) && (n == 0 || i > last);
		last = i;
		n++;
	}
	*out_good &= n == j->packets;
	return n;
}

static void what_is_put_is_found_by_flow_and_in_all(struct test *t)
{
	struct room r;
	uint64_t bytes;
	bool good;

	room_begin(t, &r);
	EXPECT_UINT(t, ring_open(&r), ST_OK);
	put(&r, 2100);
	EXPECT(t, ring_close(&r));
	EXPECT_UINT(t, found(&r, 0, &good), 2100);
	EXPECT(t, good);
	EXPECT_UINT(t, found(&r, 3, &good), 300);
	EXPECT(t, good);
	EXPECT_UINT(t, found(&r, 8, &good), 0);
	EXPECT_UINT(t, files(&r, ".pcapng", &bytes), 3);
	EXPECT_UINT(t, files(&r, ".index", &bytes), 3);
	room_end(&r);
}

static void nobody_else_may_read_it(struct test *t)
{
	struct room r;
	struct stat st;
	char path[OS_PATH_MAX];

	room_begin(t, &r);
	EXPECT_UINT(t, ring_open(&r), ST_OK);
	put(&r, 1);
	EXPECT(t, ring_close(&r));
	(void)snprintf(path, sizeof path, "%s/ring", r.dir);
	EXPECT(t, stat(path, &st) == 0 && (st.st_mode & 0777) == 0700);
	(void)snprintf(path, sizeof path, "%s/ring/000000000001.pcapng", r.dir);
	EXPECT(t, stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	(void)snprintf(path, sizeof path, "%s/ring/000000000001.index", r.dir);
	EXPECT(t, stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	room_end(&r);
}

static void its_files_never_take_more_than_its_size(struct test *t)
{
	struct room r;
	struct packets_counters c;
	uint64_t segments, indexes, n, before = 0;
	bool good;

	room_begin(t, &r);
	EXPECT_UINT(t, ring_open(&r), ST_OK);
	for (int i = 0; i < 40; i++) {
		put(&r, 500);
		(void)files(&r, ".pcapng", &segments);
		(void)files(&r, ".index", &indexes);
		EXPECT(t, segments + indexes <= 4 << 20);
		daemon_packets_count(r.p, &c);
		EXPECT(t, c.bytes <= c.bytes_most);
	}
	EXPECT(t, ring_close(&r));
	daemon_packets_count(r.p, &c);
	EXPECT_UINT(t, c.kept, 20000);
	EXPECT(t, c.lost == 0 && c.failed == 0 && c.errors == 0);
	n = found(&r, 0, &good);
	EXPECT(t, good && n > 2000 && n < 4000);
	EXPECT_UINT(t, found(&r, 1, &good), (n + 6 - (20000 - n + 6) % 7) / 7);
	/* all of it stays when it is opened again, but for room for a new segment */
	(void)files(&r, ".pcapng", &before);
	EXPECT_UINT(t, ring_open(&r), ST_OK);
	EXPECT(t, ring_close(&r));
	(void)files(&r, ".pcapng", &segments);
	EXPECT(t, segments <= before && before - segments <= SEGMENT);
	room_end(&r);
}

/* The oldest packet of a segment is as old as may be: n - 1, n, n + 1 nanoseconds. */
static void a_segment_goes_when_its_oldest_packet_is_too_old(struct test *t)
{
	for (int more = -1; more <= 1; more++) {
		struct room r;
		struct packets_counters c;

		room_begin(t, &r);
		set(&r, "packet-ring.age", "100s");
		EXPECT_UINT(t, ring_open(&r), ST_OK);
		put(&r, 1);
		r.put = 0; /* the clock goes on to where the next is */
		r.step_ns = 100 * SECOND + more;
		r.put = 1;
		put(&r, 1);
		EXPECT(t, ring_close(&r));
		(void)pthread_mutex_lock(&r.p->lock);
		daemon_packets_trim(r.p, 0, daemon_packets_clock(r.p));
		(void)pthread_mutex_unlock(&r.p->lock);
		daemon_packets_count(r.p, &c);
		EXPECT_UINT(t, c.segments, more < 0 ? 2U : 1U);
		room_end(&r);
	}
}

/* Room for n - 1, n and n + 1 bytes. */
static void the_oldest_go_for_as_much_as_is_needed(struct test *t)
{
	for (int more = -1; more <= 1; more++) {
		struct room r;
		struct packets_counters c;

		room_begin(t, &r);
		EXPECT_UINT(t, ring_open(&r), ST_OK);
		put(&r, 2100);
		EXPECT(t, ring_close(&r));
		daemon_packets_count(r.p, &c);
		EXPECT_UINT(t, c.segments, 3);
		(void)pthread_mutex_lock(&r.p->lock);
		daemon_packets_trim(r.p, (uint64_t)((int64_t)(c.bytes_most - c.bytes) + more),
				    daemon_packets_clock(r.p));
		(void)pthread_mutex_unlock(&r.p->lock);
		daemon_packets_count(r.p, &c);
		EXPECT_UINT(t, c.segments, more > 0 ? 2U : 3U);
		room_end(&r);
	}
}

static void a_torn_end_is_cut_off_at_the_next_start(struct test *t)
{
	for (unsigned i = 0; i < 40; i++) {
		struct room r;
		char path[OS_PATH_MAX], index[OS_PATH_MAX];
		uint64_t size, cut, left, all;
		bool good;

		room_begin(t, &r);
		EXPECT_UINT(t, ring_open(&r), ST_OK);
		put(&r, 20);
		EXPECT(t, ring_close(&r));
		(void)snprintf(path, sizeof path, "%s/ring/000000000001.pcapng", r.dir);
		(void)snprintf(index, sizeof index, "%s/ring/000000000001.index", r.dir);
		EXPECT_UINT(t, os_file_size(slice_of(path), &size, &r.why), ST_OK);
		cut = i < 2 ? i * 50 : size - test_rand(t) % size;
		EXPECT(t, unlink(index) == 0 && truncate(path, (off_t)cut) == 0);
		if (i % 2 == 1) /* the file system made room, but nothing came */
			EXPECT(t, truncate(path, (off_t)size) == 0);
		left = found(&r, 0, &good); /* somebody asks before the next start */
		EXPECT(t, good && left <= 20);
		EXPECT_UINT(t, ring_open(&r), ST_OK);
		put(&r, 5);
		EXPECT(t, ring_close(&r));
		all = found(&r, 0, &good);
		EXPECT(t, good);
		EXPECT_UINT(t, all, left + 5);
		if (os_file_exists(slice_of(path))) {
			EXPECT_UINT(t, os_file_size(slice_of(path), &size, &r.why), ST_OK);
			EXPECT(t, size <= cut || i % 2 == 1);
			EXPECT(t, os_file_exists(slice_of(index)) && left != 0);
		}
		room_end(&r);
	}
}

/* The disk says no: at any moment, for a while. */
struct sick {
	uint64_t from, until;
	int err;
};

static int say_no(void *ctx, uint64_t number, enum os_op op, struct slice path)
{
	const struct sick *s = ctx;

	return number >= s->from && number < s->until && op != OS_OP_LOCK && op != OS_OP_MKDIR
		       ? s->err
		       : 0;
}

static void what_a_full_disk_does_not_take_is_counted_and_the_rest_is_whole(struct test *t)
{
	for (unsigned i = 0; i < 30; i++) {
		struct room r;
		struct sick sick = {2 + i, 3 + i + test_rand(t) % 4, ENOSPC};
		struct os_disk disk = {&sick, say_no, 0};
		struct packets_counters c;
		uint64_t n;
		bool good;

		room_begin(t, &r);
		r.disk = &disk;
		set(&r, "packet-ring.size", "16mb");
		if (ring_open(&r) != ST_OK) {
			EXPECT(t, r.why.sys_errno == ENOSPC);
			room_end(&r);
			continue;
		}
		put(&r, 3000);
		EXPECT(t, daemon_packets_stop(r.p));
		daemon_packets_count(r.p, &c);
		EXPECT_UINT(t, c.seen, 3000);
		EXPECT_UINT(t, c.kept + c.failed, 3000);
		EXPECT(t, c.failed == 0 || (c.errors != 0 && c.error[0] != '\0'));
		daemon_packets_close(r.p);
		n = found(&r, 0, &good);
		EXPECT(t, good);
		/* what was taken is there; of a write that failed a part may be, too */
		EXPECT(t, n >= c.kept && n <= 3000);
		room_end(&r);
	}
}

/* A disk that takes nothing until it is let go. */
struct stalled {
	pthread_mutex_t gate;
};

static int wait_at_gate(void *ctx, uint64_t number, enum os_op op, struct slice path)
{
	struct stalled *s = ctx;

	if (op != OS_OP_WRITE)
		return 0;
	(void)pthread_mutex_lock(&s->gate);
	(void)pthread_mutex_unlock(&s->gate);
	return 0;
}

/* If a worker waited, this test would not end: the disk moves only after all is put. */
static void a_worker_does_not_wait_for_a_disk_that_stands_still(struct test *t)
{
	struct room r;
	struct stalled stalled = {PTHREAD_MUTEX_INITIALIZER};
	struct os_disk disk = {&stalled, wait_at_gate, 0};
	struct packets_job *j;
	struct keep_reader *reader;
	struct packets_counters c;
	struct keep_packet p;
	uint64_t n = 0, missing = 0;
	uint64_t all = 2 * (uint64_t)PACKETS_QUEUE_BYTES / FRAME_BYTES;
	size_t at;

	room_begin(t, &r);
	set(&r, "packet-ring.size", "256mb");
	r.disk = &disk;
	EXPECT_UINT(t,
		    daemon_packets_open(r.config, slice_of(r.dir), false, r.disk, &r.arena, &r.p,
					&r.why),
		    ST_OK);
	EXPECT_UINT(t, daemon_packets_lanes(r.p, 1, &r.why), ST_OK);
	daemon_packets_name(r.p, 0, SLICE("wire0"));
	(void)pthread_mutex_lock(&stalled.gate);
	EXPECT_UINT(t, daemon_packets_start(r.p, &r.why), ST_OK);
	put(&r, all);
	daemon_packets_count(r.p, &c); /* and who asks does not wait either */
	(void)pthread_mutex_unlock(&stalled.gate);
	EXPECT_UINT(t, c.seen, all);
	EXPECT(t, c.lost > all / 4);
	while (queue_used(&r.p->lanes[0].queue) != 0)
		(void)sched_yield();
	put(&r, 1); /* says how many are missing before it */
	EXPECT(t, daemon_packets_stop(r.p));
	daemon_packets_count(r.p, &c);
	daemon_packets_close(r.p);
	EXPECT_UINT(t, c.kept + c.lost, all + 1);
	EXPECT_UINT(t, c.failed, 0);
	j = ARENA_NEW(&r.arena, struct packets_job);
	reader = ARENA_NEW(&r.arena, struct keep_reader);
	j->memory = &r.arena;
	EXPECT_UINT(t, daemon_packets_cut_jobs(dir_of(&r), NULL, j, 1, &r.why), ST_OK);
	EXPECT_UINT(t, keep_reader_open(reader, j->file, &r.why), ST_OK);
	while (keep_reader_next(reader, &p, &at, &r.why) == ST_OK) {
		missing += p.lost;
		n++;
	}
	EXPECT_UINT(t, n, c.kept);
	EXPECT_UINT(t, missing, c.lost);
	room_end(&r);
}

static void an_alert_cuts_its_flow_out_with_what_was_before_and_after(struct test *t)
{
	struct room r;
	struct packets_counters c;
	struct slice *names;
	struct keep_reader *reader;
	struct os_map map;
	struct keep_packet p;
	size_t count, at, n = 0;

	room_begin(t, &r);
	set(&r, "packet-ring.size", "16mb");
	set(&r, "packet-ring.alerts.before", "1s");
	set(&r, "packet-ring.alerts.after", "1s");
	EXPECT_UINT(t, ring_open(&r), ST_OK);
	put(&r, 2000);
	daemon_packets_alert(r.p, 0, 3, (struct wall_ns){T0 + 2 * SECOND});
	daemon_packets_alert(r.p, 0, 3, (struct wall_ns){T0 + 2 * SECOND + 1});
	daemon_packets_alert(r.p, 0, 99, (struct wall_ns){T0});
	daemon_packets_alert(r.p, 0, 0, (struct wall_ns){T0});
	put(&r, 2000);
	EXPECT(t, ring_close(&r));
	daemon_packets_count(r.p, &c);
	EXPECT_UINT(t, c.cuts, 1);
	EXPECT_UINT(t, c.cuts_skipped, 1); /* nothing of it was ever seen */
	EXPECT_UINT(t,
		    os_dir_list(daemon_path(&r.arena, dir_of(&r), SLICE("cuts")), &r.arena, &names,
				&count, &r.why),
		    ST_OK);
	EXPECT_UINT(t, count, 1);
	EXPECT_SLICE(t, names[0], SLICE("20231114T221322.000000Z-3.pcapng"));
	EXPECT_UINT(
		t,
		os_file_map(daemon_path(&r.arena, daemon_path(&r.arena, dir_of(&r), SLICE("cuts")),
					names[0]),
			    &map, &r.why),
		ST_OK);
	reader = ARENA_NEW(&r.arena, struct keep_reader);
	EXPECT_UINT(t, keep_reader_open(reader, map.bytes, &r.why), ST_OK);
	while (keep_reader_next(reader, &p, &at, &r.why) == ST_OK) {
		EXPECT(t, p.at.ns >= T0 + SECOND && p.at.ns <= T0 + 3 * SECOND && p.flows[0] == 3);
		n++;
	}
	/* 1000..3000 ms: i % 7 == 2 */
	EXPECT_UINT(t, n, 286);
	os_map_done(&map);
	room_end(&r);
}

/* Clocks of captures say anything. */
static void times_past_all_bounds_are_brought_to_them(struct test *t)
{
	static const int64_t times[] = {INT64_MIN, -1, 0, 1, T0, INT64_MAX - 1, INT64_MAX};
	struct room r;
	struct packets_counters c;
	struct packets_job *j;
	uint8_t bytes[FRAME_BYTES];
	struct pipeline_seen seen = {.flows = {5}, .count = 1};

	room_begin(t, &r);
	set(&r, "packet-ring.age", "3000000000s");
	set(&r, "packet-ring.alerts.before", "4000000000s");
	set(&r, "packet-ring.alerts.after", "4000000000s");
	EXPECT_UINT(t, ring_open(&r), ST_OK);
	frame(1, bytes);
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		struct source_packet s = {.data = {bytes, sizeof bytes},
					  .wire_bytes = sizeof bytes,
					  .linktype = RAW,
					  .at = {times[i]}};

		daemon_packets_put(r.p, 0, &s, &seen);
		daemon_packets_alert(r.p, 0, 5 + i, s.at);
	}
	daemon_packets_publish(r.p, 0);
	EXPECT(t, ring_close(&r));
	daemon_packets_count(r.p, &c);
	EXPECT_UINT(t, c.kept, sizeof times / sizeof times[0]);
	EXPECT_UINT(t, c.errors, 0);
	EXPECT_UINT(t, c.cuts + c.cuts_skipped, sizeof times / sizeof times[0]);
	j = ARENA_NEW(&r.arena, struct packets_job);
	j->memory = &r.arena;
	EXPECT_UINT(t, daemon_packets_cut_jobs(dir_of(&r), NULL, j, 1, &r.why), ST_OK);
	EXPECT(t, j->packets != 0 && j->first.ns >= 0);
	room_end(&r);
}

static void two_do_not_write_to_one_ring(struct test *t)
{
	struct room r;
	struct daemon_packets *other;

	room_begin(t, &r);
	EXPECT_UINT(t, ring_open(&r), ST_OK);
	EXPECT_UINT(t,
		    daemon_packets_open(r.config, slice_of(r.dir), true, NULL, &r.arena, &other,
					&r.why),
		    ST_REFUSED);
	EXPECT(t, ring_close(&r));
	room_end(&r);
}

static void what_others_put_there_stays_and_litter_goes(struct test *t)
{
	struct room r;
	uint64_t bytes;

	room_begin(t, &r);
	EXPECT_UINT(t, ring_open(&r), ST_OK);
	put(&r, 10);
	EXPECT(t, ring_close(&r));
	for (size_t i = 0; i < 4; i++) {
		static const char *const names[] = {"ring/notes.txt", "ring/1.pcapng",
						    "ring/000000000009.index",
						    "ring/000000000001.index.new"};
		struct slice path = daemon_path(&r.arena, slice_of(r.dir), slice_of(names[i]));

		EXPECT_UINT(t, os_file_put(NULL, path, SLICE("?"), &r.why), ST_OK);
	}
	EXPECT_UINT(t, ring_open(&r), ST_OK);
	EXPECT(t, ring_close(&r));
	EXPECT_UINT(t, files(&r, "notes.txt", &bytes), 1);
	EXPECT_UINT(t, files(&r, "1.pcapng", &bytes), 2);
	EXPECT_UINT(t, files(&r, ".index", &bytes), 1);
	EXPECT_UINT(t, files(&r, ".new", &bytes), 0);
	room_end(&r);
}

static void settings_of_pcap_log_mean_the_same(struct test *t)
{
	static const char yaml[] = "%YAML 1.1\n---\noutputs:\n"
				   "  - pcap-log:\n"
				   "      enabled: yes\n"
				   "      filename: log.pcap\n"
				   "      limit: 20mb\n"
				   "      max-files: 30\n"
				   "      conditional: alerts\n"
				   "      honor-pass-rules: yes\n"
				   "      dir: elsewhere\n";
	struct room r;
	struct packets_settings s;
	struct config *c;

	room_begin(t, &r);
	c = config_new(&r.arena);
	EXPECT_UINT(t, config_load(c, SLICE("x"), slice_of(yaml), NULL, &r.why), ST_OK);
	EXPECT_UINT(t, daemon_packets_settings(c, SLICE("/logs"), &r.arena, &s, &r.why), ST_OK);
	EXPECT(t, s.on && s.alerts && s.skip_passed);
	EXPECT_UINT(t, s.segment_bytes, 20U << 20);
	EXPECT_UINT(t, s.bytes, 600U << 20);
	EXPECT_SLICE(t, s.dir, SLICE("/logs/elsewhere"));
	EXPECT_UINT(t, c->tree->problem_count, 0);
	EXPECT_UINT(t, daemon_packets_settings(NULL, SLICE("/logs"), &r.arena, &s, &r.why), ST_OK);
	EXPECT(t, !s.on);
	set(&r, "packet-ring.size", "2097151");
	EXPECT_UINT(t, daemon_packets_settings(r.config, SLICE("/logs"), &r.arena, &s, &r.why),
		    ST_INVALID);
	room_end(&r);
}

TESTS(T(what_is_put_is_found_by_flow_and_in_all), T(nobody_else_may_read_it),
      T(its_files_never_take_more_than_its_size),
      T(a_segment_goes_when_its_oldest_packet_is_too_old),
      T(the_oldest_go_for_as_much_as_is_needed), T(a_torn_end_is_cut_off_at_the_next_start),
      T(what_a_full_disk_does_not_take_is_counted_and_the_rest_is_whole),
      T(a_worker_does_not_wait_for_a_disk_that_stands_still),
      T(an_alert_cuts_its_flow_out_with_what_was_before_and_after),
      T(times_past_all_bounds_are_brought_to_them), T(two_do_not_write_to_one_ring),
      T(what_others_put_there_stays_and_litter_goes), T(settings_of_pcap_log_mean_the_same))
