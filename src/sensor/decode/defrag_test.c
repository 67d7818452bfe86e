/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode.h"
#include "test.h"

enum { RAW = 101, UDP_HEAD = 8 };

struct rig {
	struct arena_pool pool;
	struct arena process;
	struct decode_worker *w;
	struct wall_ns at;
	struct packet p;     /* the rebuilt one if there is one, else the piece */
	struct packet piece; /* the captured one */
	size_t start;	     /* bytes of the pool with nothing waiting */
};

static void rig_open(struct rig *r)
{
	*r = (struct rig){.pool = {.budget = 64 << 20}};
	r->process.pool = &r->pool;
	r->w = decode_worker_new(NULL, &r->process, &r->pool);
	r->start = r->pool.out;
}

static size_t rig_close(struct rig *r)
{
	decode_worker_free(r->w);
	arena_reset(&r->process);
	arena_pool_drain(&r->pool);
	return r->pool.out;
}

static bool has(const struct packet *p, const char *name)
{
	for (unsigned i = 0; decode_anomalies[i] != NULL; i++)
		if (slice_equal(slice_of(decode_anomalies[i]), slice_of(name)))
			return packet_has_anomaly(p, i);
	return false;
}

/* One fragment of protocol 17 from 10.0.0.1 to 10.0.0.2, or of the like for IPv6. */
static void fragment(struct rig *r, bool v6, uint32_t id, size_t offset, bool more,
		     struct slice data)
{
	static uint8_t f[70000];
	struct decode_input in = {.linktype = RAW, .at = r->at};
	const struct decode_packets *d;
	size_t head = v6 ? 48 : 20, len = v6 ? data.len + 8 : data.len + 20;

	memset(f, 0, 48);
	if (v6) {
		f[0] = 0x60, f[4] = (uint8_t)(len >> 8), f[5] = (uint8_t)len, f[6] = 44, f[7] = 9;
		f[23] = 1, f[39] = 2;
		f[40] = 17, f[42] = (uint8_t)(offset >> 8), f[43] = (uint8_t)(offset | more);
		f[44] = (uint8_t)(id >> 24), f[45] = (uint8_t)(id >> 16),
		f[46] = (uint8_t)(id >> 8);
		f[47] = (uint8_t)id;
	} else {
		f[0] = 0x45, f[2] = (uint8_t)(len >> 8), f[3] = (uint8_t)len;
		f[4] = (uint8_t)(id >> 8), f[5] = (uint8_t)id;
		f[6] = (uint8_t)(more << 5 | (int)(offset >> 11)), f[7] = (uint8_t)(offset >> 3);
		f[8] = 9, f[9] = 17, f[12] = f[16] = 10, f[15] = 1, f[19] = 2;
	}
	if (data.len != 0)
		memcpy(f + head, data.ptr, data.len);
	in.bytes = (struct slice){f, head + data.len};
	d = decode_frame(r->w, &in);
	r->p = *d->list[0];
	r->piece = *d->list[d->count - 1];
}

/* A UDP datagram of n bytes with a payload that no two places share. */
static struct slice datagram(struct test *t, uint8_t *room, size_t n)
{
	for (size_t i = 0; i < n; i++)
		room[i] = (uint8_t)test_rand(t);
	room[0] = 4, room[1] = 0, room[2] = 0, room[3] = 53;
	room[4] = (uint8_t)(n >> 8), room[5] = (uint8_t)n;
	return (struct slice){room, n};
}

/* However a packet is cut, shuffled and doubled, it is rebuilt once, and is the same. */
static void any_cut_of_a_packet_gives_the_packet(struct test *t)
{
	static uint8_t room[65536];
	static struct {
		size_t at, len;
	} cut[9000];
	struct rig r;

	rig_open(&r);
	for (unsigned round = 0; round < 200; round++) {
		bool v6 = round % 2 != 0;
		size_t n = 17 + test_rand(t) % (round % 20 == 0 ? 65000 : 3000), count = 0,
		       whole = 0;
		size_t most = 1 + test_rand(t) % (n > 8000 ? 1000 : 100);
		struct slice d = datagram(t, room, n);

		for (size_t at = 0; at < n;) {
			size_t len = (1 + test_rand(t) % most) * 8;

			if (at == 0 && len >= n)
				len = 8;
			cut[count].at = at;
			cut[count].len = len < n - at ? len : n - at;
			at += cut[count++].len;
		}
		for (size_t i = 0; i < count; i++) {
			size_t k = test_rand(t) % count, at = cut[i].at, len = cut[i].len;

			cut[i] = cut[k];
			cut[k].at = at;
			cut[k].len = len;
		}
		for (size_t i = 0; i < count; i++) {
			struct slice piece = slice_part(d, cut[i].at, cut[i].len);

			fragment(&r, v6, round, cut[i].at, cut[i].at + cut[i].len < n, piece);
			if (i + 1 < count && test_rand(t) % 5 == 0) { /* again */
				EXPECT(t, r.p.fragment && !r.p.rebuilt);
				fragment(&r, v6, round, cut[i].at, cut[i].at + cut[i].len < n,
					 piece);
				EXPECT(t,
				       has(&r.p, v6 ? "ipv6.frag_overlap" : "ipv4.frag_overlap"));
			}
			whole += r.p.rebuilt;
			EXPECT_UINT(t, r.p.fragment, i + 1 < count);
			EXPECT(t, i + 1 == count || (r.p.dport == 0 && r.p.payload.len == 0));
		}
		EXPECT_UINT(t, whole, 1);
		EXPECT(t, r.p.rebuilt && r.p.dport == 53 && r.p.ip_fragment_offset == 0);
		EXPECT(t, r.p.ip_version == (v6 ? 6 : 4) && r.p.ttl == 9);
		EXPECT(t, slice_equal(r.p.payload, slice_from(d, UDP_HEAD)));
		fragment(&r, false, 0xffff, 0, false, SLICE("whole")); /* its memory goes */
		EXPECT_UINT(t, r.pool.out, r.start);
	}
	EXPECT_UINT(t, rig_close(&r), 0);
}

/* Units of eight equal letters; the text says which letter each unit of the rebuilt packet has. */
static void overlaps_go_to_whoever_begins_first(struct test *t)
{
	static const struct {
		struct {
			size_t unit, units;
			char letter;
		} pieces[5];
		const char *rebuilt; /* units 1 to 8 */
	} cases[] = {
		{{{1, 4, 'a'}, {3, 4, 'b'}, {7, 2, 'c'}}, "aaaabbcc"}, /* the tail of b */
		{{{3, 4, 'a'}, {1, 4, 'b'}, {7, 2, 'c'}}, "bbbbaacc"}, /* b began before a */
		{{{2, 2, 'a'}, {2, 2, 'b'}, {1, 1, 'c'}, {4, 5, 'd'}},
		 "caaddddd"},					       /* first of equals */
		{{{3, 2, 'a'}, {1, 7, 'b'}, {8, 1, 'c'}}, "bbbbbbbc"}, /* swallowed whole */
		{{{1, 7, 'a'}, {3, 2, 'b'}, {8, 1, 'c'}}, "aaaaaaac"}, /* all known */
		/* b loses its head to c, but it began where d begins: first of equals */
		{{{4, 4, 'b'}, {1, 4, 'c'}, {4, 3, 'd'}, {8, 1, 'e'}}, "ccccbbbe"},
	};
	struct rig r;

	rig_open(&r);
	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t head[8] = {4, 0, 0, 53, 0, 80}, data[80];
		size_t units = 9;

		fragment(&r, false, i, 0, true, (struct slice){head, 8});
		for (unsigned k = 0; k < 5 && cases[i].pieces[k].units != 0; k++) {
			memset(data, cases[i].pieces[k].letter, sizeof data);
			fragment(&r, false, i, cases[i].pieces[k].unit * 8, true,
				 (struct slice){data, cases[i].pieces[k].units * 8});
		}
		memset(data, 'z', sizeof data);
		fragment(&r, false, i, units * 8, false, (struct slice){data, 8});
		EXPECT(t, r.p.rebuilt);
		for (size_t u = 0; u < 8; u++)
			EXPECT_UINT(t, r.p.payload.ptr[u * 8], (uint8_t)cases[i].rebuilt[u]);
	}
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void pieces_that_cannot_be_are_ignored_and_named(struct test *t)
{
	static uint8_t big[65528];
	struct rig r;

	for (unsigned v6 = 0; v6 < 2; v6++) {
		const char *ignored = v6 ? "ipv6.frag_ignored" : "ipv4.frag_ignored";
		const char *large = v6 ? "ipv6.frag_pkt_too_large" : "ipv4.frag_pkt_too_large";

		rig_open(&r);
		fragment(&r, v6, 9, 8, true, SLICE("nine byte"));
		EXPECT(t, !v6 || has(&r.p, "ipv6.frag_invalid_length"));
		fragment(&r, v6, 1, 8, true, (struct slice){NULL, 0});
		EXPECT(t, has(&r.p, ignored));
		fragment(&r, v6, 1, 65528, false, SLICE("1234567"));
		EXPECT_UINT(t, has(&r.p, large), !v6); /* IPv4 counts its header */
		fragment(&r, v6, 2, 65528, true, SLICE("12345678"));
		EXPECT(t, has(&r.p, large));
		fragment(&r, v6, 3, 16, false, SLICE("the end"));
		fragment(&r, v6, 3, 16, false, SLICE("another end"));
		EXPECT(t, has(&r.p, ignored));
		fragment(&r, v6, 3, 24, true, SLICE("behind the end.."));
		EXPECT(t, has(&r.p, ignored));
		fragment(&r, v6, 4, 24, true, SLICE("far ...."));
		fragment(&r, v6, 4, 8, false, SLICE("end before it"));
		EXPECT(t, has(&r.p, ignored));
		fragment(&r, v6, 5, 8, false,
			 (struct slice){big, 65508}); /* with the header: 65,536 */
		EXPECT_UINT(t, has(&r.p, large), !v6);
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

static void an_incomplete_packet_is_given_up_in_time(struct test *t)
{
	struct rig r;

	rig_open(&r);
	fragment(&r, false, 1, 8, false, SLICE("the tail"));
	EXPECT(t, r.pool.out > r.start);
	r.at.ns = (DEFRAG_TIMEOUT_S * TIME_NS_PER_S) - 1;
	fragment(&r, false, 2, 0, true, SLICE("another."));
	r.at.ns += 1;
	fragment(&r, false, 1, 0, true, SLICE("\4\0\0\x35\0\x10\0\0"));
	EXPECT(t, r.p.fragment && !r.p.rebuilt); /* its tail was forgotten */
	r.at.ns = 0;				 /* a clock that jumps back gives nothing up */
	fragment(&r, false, 1, 8, false, SLICE("the tail"));
	EXPECT(t, r.p.rebuilt);
	EXPECT_SLICE(t, r.p.payload, SLICE("the tail"));
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void fragments_of_different_packets_do_not_mix(struct test *t)
{
	struct rig r;

	rig_open(&r);
	fragment(&r, false, 1, 0, true, SLICE("\4\0\0\x35\0\x10\0\0"));
	fragment(&r, true, 1, 8, false, SLICE("v6 tail."));
	fragment(&r, false, 2, 8, false, SLICE("id 2 end"));
	EXPECT(t, !r.p.rebuilt);
	fragment(&r, false, 1, 8, false, SLICE("id 1 end"));
	EXPECT_SLICE(t, r.p.payload, SLICE("id 1 end"));
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void a_flood_of_first_pieces_stays_within_its_budget(struct test *t)
{
	static uint8_t big[60000];
	struct rig r;
	size_t most = 0, gone = 0;

	rig_open(&r);
	for (unsigned id = 0; id < 60000; id++) {
		fragment(&r, true, id, 8, true, (struct slice){big, id % 64 == 0 ? sizeof big : 8});
		gone += r.p.given_up + r.p.no_room;
		most = r.pool.out > most ? r.pool.out : most;
	}
	EXPECT(t, most - r.start <= DEFRAG_BYTES_MAX + (128 << 10));
	EXPECT(t, most > DEFRAG_BYTES_MAX / 2);
	EXPECT(t, gone > 30000 && gone < 60000); /* what was not kept was counted */
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void without_memory_pieces_are_lost_and_nothing_else(struct test *t)
{
	for (size_t fail = 1; fail < 12; fail++) {
		struct rig r;

		rig_open(&r);
		r.pool.fail_after = fail;
		fragment(&r, false, 1, 8, true, SLICE("middle.."));
		fragment(&r, false, 1, 4096, false, SLICE("a far away tail"));
		fragment(&r, false, 1, 0, true, SLICE("\4\0\0\x35\0\x18\0\0"));
		fragment(&r, false, 2, 0, true, SLICE("\4\0\0\x35\0\x10\0\0"));
		fragment(&r, false, 2, 8, false, SLICE("the tail"));
		EXPECT(t, !r.p.rebuilt || slice_equal(r.p.payload, SLICE("the tail")));
		r.pool.fail_after = 0;
		fragment(&r, false, 3, 0, true, SLICE("\4\0\0\x35\0\x10\0\0"));
		fragment(&r, false, 3, 8, false, SLICE("the tail"));
		EXPECT(t, r.p.rebuilt);
		EXPECT_UINT(t, rig_close(&r), 0);
	}
	struct arena_pool pool = {.budget = 100};
	struct arena process = {.pool = &pool};

	EXPECT(t, decode_worker_new(NULL, &process, &pool) == NULL);
	decode_worker_free(NULL);
}

TESTS(T(any_cut_of_a_packet_gives_the_packet), T(overlaps_go_to_whoever_begins_first),
      T(pieces_that_cannot_be_are_ignored_and_named), T(an_incomplete_packet_is_given_up_in_time),
      T(fragments_of_different_packets_do_not_mix),
      T(a_flood_of_first_pieces_stays_within_its_budget),
      T(without_memory_pieces_are_lost_and_nothing_else))
