/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/keep/keep.h"

#include <stdlib.h>

#include "base/buf.h"
#include "sensor/capture/capture.h"
#include "sensor/flow/flow.h"
#include "test.h"

enum { PACKETS = 60, ROOM = 1 << 20, ETHERNET = 1, RAW = 101 };

static const uint8_t section[KEEP_SECTION_BYTES] = {0xde, 0x1e, [15] = 0x7f};

/* A segment of packets that are known, and where each of its blocks ends. */
struct segment {
	uint8_t *bytes;
	size_t len, head, ends[PACKETS]; /* head: bytes before the first packet */
	struct keep_packet packets[PACKETS];
	uint8_t data[PACKETS][200];
	size_t count;
};

/* IPv4 and UDP, from host a to host b: 28 bytes and what it carries. */
static size_t datagram(uint8_t *out, uint8_t a, uint16_t sport, uint8_t b, uint16_t dport, size_t n)
{
	uint8_t head[28] = {0x45,
			    0,
			    0,
			    (uint8_t)(28 + n),
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
			    a,
			    10,
			    0,
			    0,
			    b,
			    (uint8_t)(sport >> 8),
			    (uint8_t)sport,
			    (uint8_t)(dport >> 8),
			    (uint8_t)dport,
			    0,
			    (uint8_t)(8 + n)};

	memcpy(out, head, sizeof head);
	return sizeof head + n;
}

static void add(struct segment *s, struct keep_packet p)
{
	s->packets[s->count] = p;
	s->len += keep_encode_packet(&p, s->bytes + s->len);
	s->ends[s->count++] = s->len;
}

static void begin(struct segment *s)
{
	struct keep_interface wire = {SLICE("wire0"), RAW, 0}, other = {SLICE(""), RAW, 96};

	*s = (struct segment){.bytes = calloc(1, ROOM)};
	if (s->bytes == NULL)
		abort();
	s->len = keep_encode_head(section, s->bytes);
	s->len += keep_encode_interface(&wire, s->bytes + s->len);
	s->len += keep_encode_interface(&other, s->bytes + s->len);
	s->head = s->len;
}

/* Flow 1 + i % 5 is between hosts 1 + i % 5 and 9. */
static void fill(struct test *t, struct segment *s)
{
	begin(s);
	for (size_t i = 0; i < PACKETS; i++) {
		size_t n = (size_t)(test_rand(t) % 100);
		uint8_t host = (uint8_t)(1 + i % 5);
		bool back = test_rand(t) % 2 == 0;
		size_t len = back ? datagram(s->data[i], 9, 53, host, 4000, n)
				  : datagram(s->data[i], host, 4000, 9, 53, n);
		struct keep_packet p = {.data = {s->data[i], len},
					.wire_bytes = (uint32_t)(len + test_rand(t) % 2),
					.interface = (uint32_t)(i % 2),
					.at = {INT64_C(1700000000000000000) + (int64_t)i * 1000},
					.lost = test_rand(t) % 3,
					.flows = {host},
					.flow_count = 1,
					.stopped = i % 7 == 0};

		add(s, p);
	}
}

static bool same(const struct keep_packet *a, const struct keep_packet *b)
{
	return slice_equal(a->data, b->data) && a->wire_bytes == b->wire_bytes &&
	       a->interface == b->interface && a->at.ns == b->at.ns && a->lost == b->lost &&
	       a->flow_count == b->flow_count && a->stopped == b->stopped &&
	       memcmp(a->flows, b->flows, sizeof a->flows) == 0;
}

static void what_was_written_is_read(struct test *t)
{
	static struct segment s; /* too large for a stack */
	struct keep_reader *r = calloc(1, sizeof *r);
	struct keep_packet p;
	struct fail why;
	size_t at;

	EXPECT(t, r != NULL);
	fill(t, &s);
	EXPECT_UINT(t, keep_reader_open(r, (struct slice){s.bytes, s.len}, &why), ST_OK);
	EXPECT(t, memcmp(r->section, section, sizeof section) == 0);
	for (size_t i = 0; i < s.count; i++) {
		EXPECT_UINT(t, keep_reader_next(r, &p, &at, &why), ST_OK);
		EXPECT(t, same(&p, &s.packets[i]));
		EXPECT_UINT(t, r->at, s.ends[i]);
		EXPECT(t, keep_reader_get(r, at, &p) && same(&p, &s.packets[i]));
	}
	EXPECT_UINT(t, keep_reader_next(r, &p, &at, &why), ST_END);
	EXPECT_UINT(t, keep_reader_next(r, &p, &at, &why), ST_END);
	EXPECT_UINT(t, r->interface_count, 2);
	EXPECT_SLICE(t, r->interfaces[0].name, SLICE("wire0"));
	EXPECT_UINT(t, r->interfaces[1].snaplen, 96);
	free(s.bytes);
	free(r);
}

/* The reader of captures knows the format from its specification, not from here. */
static void any_reader_of_pcapng_gives_the_same_bytes(struct test *t)
{
	static struct segment s; /* too large for a stack */
	struct capture *c = calloc(1, sizeof *c);
	struct keep_counts counts = {1, {5}, 30, 20, 10};
	struct capture_packet p;
	struct fail why;

	EXPECT(t, c != NULL);
	fill(t, &s);
	s.len += keep_encode_counts(&counts, s.bytes + s.len);
	EXPECT_UINT(t, capture_open(c, (struct slice){s.bytes, s.len}, &why), ST_OK);
	for (size_t i = 0; i < s.count; i++) {
		EXPECT_UINT(t, capture_next(c, &p, &why), ST_OK);
		EXPECT_SLICE(t, p.data, s.packets[i].data);
		EXPECT(t, p.at.ns == s.packets[i].at.ns);
		EXPECT_UINT(t, p.linktype, RAW);
		EXPECT_UINT(t, p.wire_bytes, s.packets[i].wire_bytes);
	}
	EXPECT_UINT(t, capture_next(c, &p, &why), ST_END);
	free(s.bytes);
	free(c);
}

static void power_cut_at_every_byte_leaves_each_packet_that_is_whole_and_no_other(struct test *t)
{
	static struct segment s; /* too large for a stack */
	struct keep_reader *r = calloc(1, sizeof *r);
	size_t whole = 0, head;

	EXPECT(t, r != NULL);
	fill(t, &s);
	head = keep_encode_head(section, (uint8_t[KEEP_HEAD_BYTES]){0});
	for (size_t cut = 0; cut <= s.len; cut++) {
		/* what is not on the disk is not there, or zeros */
		uint8_t *zeros = calloc(1, s.len);
		struct keep_packet p;
		struct fail why;
		size_t at, n[2] = {0};

		EXPECT(t, zeros != NULL);
		memcpy(zeros, s.bytes, cut);
		while (whole < s.count && s.ends[whole] <= cut)
			whole++;
		for (int k = 0; k < 2; k++) {
			struct slice left = k == 0 ? (struct slice){s.bytes, cut}
						   : (struct slice){zeros, s.len};
			enum status st = keep_reader_open(r, left, &why);

			if (k == 0)
				EXPECT_UINT(t, st, cut < head ? ST_CORRUPT : ST_OK);
			while (st == ST_OK) {
				st = keep_reader_next(r, &p, &at, &why);
				if (st == ST_OK)
					EXPECT(t, same(&p, &s.packets[n[k]]));
				n[k] += st == ST_OK;
			}
			EXPECT(t, r->at <= cut || k == 1);
		}
		EXPECT_UINT(t, n[0], whole);
		/* zeros may be what was written there */
		EXPECT(t, n[1] >= whole && n[1] <= whole + 1);
		free(zeros);
	}
	EXPECT_UINT(t, whole, s.count);
	free(s.bytes);
	free(r);
}

static void a_packet_whose_bytes_changed_is_not_given(struct test *t)
{
	static struct segment s; /* too large for a stack */
	struct keep_reader *r = calloc(1, sizeof *r);

	EXPECT(t, r != NULL);
	fill(t, &s);
	for (size_t i = 0; i < s.count; i++) {
		struct keep_packet p;
		struct fail why;
		size_t at, n = 0, victim = (i == 0 ? s.head : s.ends[i - 1]) + 28;

		s.bytes[victim] ^= 0x10;
		EXPECT_UINT(t, keep_reader_open(r, (struct slice){s.bytes, s.len}, &why), ST_OK);
		while (keep_reader_next(r, &p, &at, &why) == ST_OK) {
			EXPECT(t, same(&p, &s.packets[n]));
			n++;
		}
		EXPECT_UINT(t, n, i);
		EXPECT_UINT(t, why.status, ST_CORRUPT);
		s.bytes[victim] ^= 0x10;
	}
	free(s.bytes);
	free(r);
}

static void packets_are_at_most_as_long_as_is_said(struct test *t)
{
	uint8_t *out = malloc(KEEP_PACKET_MAX + KEEP_PACKET_OVER),
		*data = calloc(1, KEEP_PACKET_MAX);
	struct keep_packet p = {.lost = UINT64_MAX,
				.flows = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX},
				.flow_count = KEEP_FLOWS_MAX,
				.stopped = true};

	EXPECT(t, out != NULL && data != NULL);
	for (size_t n = 0; n <= 8; n++) {
		p.data = (struct slice){data, n};
		EXPECT(t, keep_encode_packet(&p, out) <= n + KEEP_PACKET_OVER);
	}
	p.data = (struct slice){data, KEEP_PACKET_MAX};
	EXPECT(t, keep_encode_packet(&p, out) <= KEEP_PACKET_MAX + KEEP_PACKET_OVER);
	EXPECT(t, keep_encode_head(section, (uint8_t[KEEP_HEAD_BYTES]){0}) <= KEEP_HEAD_BYTES);
	p.data = (struct slice){data, 1000};
	EXPECT(t, keep_encode_interface(&(struct keep_interface){p.data, 1, 0}, out) <=
			  KEEP_INTERFACE_BYTES);
	EXPECT(t, keep_encode_counts(&(struct keep_counts){0}, out) <= KEEP_COUNTS_BYTES);
	free(out);
	free(data);
}

/* --- index, queries --- */

struct room {
	struct arena_pool pool, pieces;
	struct arena arena;
	struct keep_matcher *matcher;
	struct keep_reader *reader;
};

static void room_begin(struct room *m)
{
	*m = (struct room){.pool = {.budget = SIZE_MAX}, .pieces = {.budget = SIZE_MAX}};
	m->arena.pool = &m->pool;
	m->matcher = keep_matcher_new(&m->arena, &m->pieces);
	m->reader = calloc(1, sizeof *m->reader);
	if (m->matcher == NULL || m->reader == NULL)
		abort();
}

static void room_end(struct room *m)
{
	keep_matcher_free(m->matcher);
	arena_reset(&m->arena);
	arena_pool_drain(&m->pool);
	arena_pool_drain(&m->pieces);
	free(m->reader);
}

static size_t found_by(const struct room *m, const struct keep_index *x, const struct keep_query *q)
{
	size_t n = 0;

	for (uint32_t i = 0; i < x->row_count; i++) {
		const struct keep_row *row = &x->rows[i];

		if (!keep_index_may(row, q))
			continue;
		for (uint32_t k = 0; k < row->count; k++) {
			uint32_t at = x->offsets[row->begin + k];
			struct keep_packet p;

			n += keep_reader_get(m->reader, at, &p) &&
			     keep_matcher_wants(m->matcher, q, &p,
						m->reader->interfaces[p.interface].linktype);
		}
	}
	return n;
}

static void an_index_finds_what_a_walk_through_all_packets_finds(struct test *t)
{
	static const char *const wanted[] = {"10.0.0.1:4000-10.0.0.9:53",
					     "10.0.0.9-10.0.0.3",
					     "udp 10.0.0.9:53-10.0.0.3:4000",
					     "tcp 10.0.0.9:53-10.0.0.3:4000",
					     "10.0.0.5",
					     "any:4000",
					     "any:4001",
					     "10.0.0.9:53",
					     "17 any-any"};
	static struct segment s; /* too large for a stack */
	struct room m;
	struct keep_index x, again;
	struct slice bytes;
	struct fail why;

	fill(t, &s);
	room_begin(&m);
	EXPECT_UINT(t, keep_reader_open(m.reader, (struct slice){s.bytes, s.len}, &why), ST_OK);
	EXPECT_UINT(t, keep_index_build(m.reader, m.matcher, test_rand(t), &m.arena, &x, &why),
		    ST_OK);
	EXPECT_UINT(t, x.packets, PACKETS);
	EXPECT_UINT(t, x.row_count, 5);
	EXPECT_UINT(t, x.bytes, s.len);
	EXPECT(t, x.first.ns == s.packets[0].at.ns && x.last.ns == s.packets[PACKETS - 1].at.ns);
	EXPECT_UINT(t, keep_index_encode(&x, &m.arena, &bytes, &why), ST_OK);
	EXPECT_UINT(t, keep_index_decode(bytes, &m.arena, &again, &why), ST_OK);
	EXPECT_UINT(t, keep_reader_open(m.reader, (struct slice){s.bytes, s.len}, &why), ST_OK);
	EXPECT(t, keep_reader_describe(m.reader, &again));
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		struct keep_query q = {0};
		size_t walked = 0;

		EXPECT_UINT(t, keep_query_tuple_parse(&q, slice_of(wanted[i]), &why), ST_OK);
		for (size_t k = 0; k < s.count; k++)
			walked += keep_matcher_wants(m.matcher, &q, &s.packets[k], RAW);
		EXPECT_UINT(t, found_by(&m, &again, &q), walked);
		EXPECT_UINT(t, walked,
			    i == 3 || i == 6		 ? 0
			    : i == 5 || i == 7 || i == 8 ? PACKETS
							 : PACKETS / 5);
	}
	for (uint64_t flow = 0; flow <= 6; flow++) {
		struct keep_query q = {.flow = flow, .until = s.packets[PACKETS / 2].at};

		EXPECT_UINT(t, found_by(&m, &again, &q),
			    flow == 0	? PACKETS / 2 + 1
			    : flow == 6 ? 0
					: PACKETS / 10 + (flow == 1));
	}
	free(s.bytes);
	room_end(&m);
}

static void a_community_id_finds_both_directions(struct test *t)
{
	uint8_t id[FLOW_COMMUNITY_BYTES];
	static struct segment s; /* too large for a stack */
	struct room m;
	struct keep_query q = {.community = {id, sizeof id}, .community_seed = 7};
	struct addr a = addr_v4((uint8_t[]){10, 0, 0, 2}), b = addr_v4((uint8_t[]){10, 0, 0, 9});
	size_t n = 0;

	flow_community_id(7, 17, &b, 53, &a, 4000, id);
	fill(t, &s);
	room_begin(&m);
	for (size_t i = 0; i < s.count; i++)
		n += keep_matcher_wants(m.matcher, &q, &s.packets[i], RAW);
	EXPECT_UINT(t, n, PACKETS / 5);
	free(s.bytes);
	room_end(&m);
}

/* A flow's fragments but the last have no number: they come with it, those of other hosts do not.
 */
static void fragments_come_with_the_flow_of_their_hosts(struct test *t)
{
	static struct segment s; /* too large for a stack */
	struct room m;
	struct keep_query q = {.flow = 3};
	struct keep_index x;
	struct fail why;

	begin(&s);
	for (size_t i = 0; i < 6; i++) {
		uint8_t host = i < 3 ? 1 : i < 5 ? 2 : 1;
		struct keep_packet p = {.data = {s.data[i], datagram(s.data[i], host, 7, 9, 8, 32)},
					.at = {(int64_t)i + 1}};

		if (i != 2 && i != 5)
			s.data[i][6] = 0x20; /* more fragments */
		if (i == 2)
			p.flows[p.flow_count++] = 3;
		if (i == 5)
			p.flows[p.flow_count++] = 4;
		p.wire_bytes = (uint32_t)p.data.len;
		add(&s, p);
	}
	room_begin(&m);
	EXPECT_UINT(t, keep_reader_open(m.reader, (struct slice){s.bytes, s.len}, &why), ST_OK);
	EXPECT_UINT(t, keep_index_build(m.reader, m.matcher, 1, &m.arena, &x, &why), ST_OK);
	EXPECT_UINT(t, found_by(&m, &x, &q), 1);
	for (uint32_t i = 0; i < x.row_count; i++)
		EXPECT(t, keep_query_companions(&q, &x.rows[i]));
	EXPECT_UINT(t, q.tuple_count, 1);
	EXPECT_UINT(t, found_by(&m, &x, &q), 3);
	free(s.bytes);
	room_end(&m);
}

static void an_index_that_is_not_whole_or_of_another_segment_is_refused(struct test *t)
{
	static struct segment s; /* too large for a stack */
	struct room m;
	struct keep_index x;
	struct slice bytes;
	struct fail why;
	uint8_t *copy;

	fill(t, &s);
	room_begin(&m);
	EXPECT_UINT(t, keep_reader_open(m.reader, (struct slice){s.bytes, s.len}, &why), ST_OK);
	EXPECT_UINT(t, keep_index_build(m.reader, m.matcher, 1, &m.arena, &x, &why), ST_OK);
	EXPECT_UINT(t, keep_index_encode(&x, &m.arena, &bytes, &why), ST_OK);
	copy = malloc(bytes.len);
	EXPECT(t, copy != NULL);
	memcpy(copy, bytes.ptr, bytes.len);
	for (size_t n = 0; n < bytes.len; n++)
		EXPECT_UINT(t, keep_index_decode((struct slice){copy, n}, &m.arena, &x, &why),
			    ST_CORRUPT);
	for (size_t n = 0; n < bytes.len; n++) {
		copy[n] ^= 4;
		EXPECT_UINT(t,
			    keep_index_decode((struct slice){copy, bytes.len}, &m.arena, &x, &why),
			    ST_CORRUPT);
		copy[n] ^= 4;
	}
	EXPECT_UINT(t, keep_index_decode((struct slice){copy, bytes.len}, &m.arena, &x, &why),
		    ST_OK);
	x.section[0] ^= 1;
	EXPECT_UINT(t, keep_reader_open(m.reader, (struct slice){s.bytes, s.len}, &why), ST_OK);
	EXPECT(t, !keep_reader_describe(m.reader, &x));
	free(copy);
	free(s.bytes);
	room_end(&m);
}

static void out_of_memory_an_index_says_so(struct test *t)
{
	static struct segment s; /* too large for a stack */
	struct room m;

	fill(t, &s);
	room_begin(&m);
	for (size_t fail = 1;; fail++) {
		struct arena_pool pool = {.budget = SIZE_MAX, .fail_after = fail};
		struct arena arena = {.pool = &pool};
		struct keep_index x;
		struct slice bytes;
		struct fail why;
		enum status st;

		EXPECT_UINT(t, keep_reader_open(m.reader, (struct slice){s.bytes, s.len}, &why),
			    ST_OK);
		st = keep_index_build(m.reader, m.matcher, 1, &arena, &x, &why);
		if (st == ST_OK)
			st = keep_index_encode(&x, &arena, &bytes, &why);
		if (st == ST_OK)
			st = keep_index_decode(bytes, &arena, &x, &why);
		arena_reset(&arena);
		EXPECT_UINT(t, pool.out, 0);
		arena_pool_drain(&pool);
		if (st == ST_OK)
			break;
		EXPECT_UINT(t, st, ST_NOMEM);
		EXPECT(t, fail < 100);
	}
	free(s.bytes);
	room_end(&m);
}

static void ends_that_make_no_sense_are_named(struct test *t)
{
	static const char *const bad[] = {
		"",	   "10.0.0.1:70000", "10.0.0.256",	"foo 10.0.0.1",
		"[::1:80", "[::1]80",	     "10.0.0.1-",	"10.0.0.1:",
		"0 any",   "256 any",	     "10.0.0.1:1-2:3-4"};
	static const char *const good[] = {
		"2001:db8::1", "[2001:db8::1]:80-[::1]",    "any",
		"icmpv6 ::1",  "sctp any:0-10.0.0.1:65535", " tcp  10.0.0.1 - 10.0.0.2:1 "};
	struct keep_query q = {0};
	struct fail why;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		EXPECT_UINT(t, keep_query_tuple_parse(&q, slice_of(bad[i]), &why), ST_INVALID);
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		EXPECT_UINT(t, keep_query_tuple_parse(&q, slice_of(good[i]), &why), ST_OK);
	EXPECT_UINT(t, q.tuples[0].ends.src.family, 6);
	EXPECT(t, q.tuples[1].has_sport && q.tuples[1].ends.sport == 80 && !q.tuples[1].has_dport);
	EXPECT_UINT(t, q.tuples[3].ends.proto, 58);
	EXPECT(t, q.tuples[5].ends.dport == 1 && q.tuples[5].ends.dst.b[3] == 2);
	while (q.tuple_count < KEEP_QUERY_TUPLES_MAX)
		EXPECT_UINT(t, keep_query_tuple_parse(&q, SLICE("any"), &why), ST_OK);
	EXPECT_UINT(t, keep_query_tuple_parse(&q, SLICE("any"), &why), ST_LIMIT);
}

TESTS(T(what_was_written_is_read), T(any_reader_of_pcapng_gives_the_same_bytes),
      T(power_cut_at_every_byte_leaves_each_packet_that_is_whole_and_no_other),
      T(a_packet_whose_bytes_changed_is_not_given), T(packets_are_at_most_as_long_as_is_said),
      T(an_index_finds_what_a_walk_through_all_packets_finds),
      T(a_community_id_finds_both_directions), T(fragments_come_with_the_flow_of_their_hosts),
      T(an_index_that_is_not_whole_or_of_another_segment_is_refused),
      T(out_of_memory_an_index_says_so), T(ends_that_make_no_sense_are_named))
