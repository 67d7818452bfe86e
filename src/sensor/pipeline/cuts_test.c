/* SPDX-License-Identifier: Apache-2.0
 *
 * However a TCP stream is cut into packets, the alerts are the same: the conversations of the
 * golden captures, said again in single bytes, backwards, overlapping, doubled, repeated behind
 * their acknowledgement, in disorder; on a tap, and inline as far as what is looked at there does
 * not depend on the packet.
 */
#include "sensor/pipeline/pipeline.h"

#include <stdio.h>
#include <stdlib.h>

#include "sensor/capture/capture.h"
#include "sensor/decode/decode.h"
#include "sensor/flow/flow.h"
#include "sensor/pipeline/pipeline_priv.h"
#include "sensor/stream/stream.h"
#include "test.h"

enum {
	LINK_RAW = 101,
	HEADERS = 40,
	SEGMENT_MAX = 1400,
	SEGMENTS_MAX = 40000,
	SIDS_MAX = 512,
	FILE_MAX = 1 << 20,
};

enum cut {
	AS_SAID,
	SINGLE_BYTES,
	BACKWARDS,
	OVERLAPPING,
	DOUBLED,
	REPEATED_LATER,
	DISORDER,
	ANYHOW,
	CUTS
};

static const char *const cut_names[CUTS] = {"as said",	   "single bytes", "backwards",
					    "overlapping", "doubled",	   "repeated later",
					    "in disorder", "anyhow"};

/* ---- what was said ---- */

struct said {
	struct said *next;
	uint32_t conversation;
	enum flow_dir dir;
	struct slice bytes;
};

struct conversations {
	struct arena *arena;
	struct said *first, *last;
	uint32_t count;
	uint16_t server_port[64];
	bool gap[64], began[64];
	uint64_t id[64];
};

static uint32_t conversation_of(struct conversations *c, const struct flow *f)
{
	uint32_t i = 0;

	while (i < c->count && c->id[i] != f->id)
		i++;
	if (i == c->count) {
		ASSERT(c->count < 64);
		c->id[i] = f->id;
		c->server_port[i] = f->server_port;
		c->count++;
	}
	return i;
}

static void on_data(void *ctx, struct flow *f, enum flow_dir dir, uint64_t offset,
		    struct slice bytes)
{
	struct conversations *c = ctx;
	uint32_t i = conversation_of(c, f);
	struct said *s = c->last;

	if (s != NULL && s->conversation == i && s->dir == dir) {
		struct buf both = buf_in(c->arena);

		buf_add(&both, s->bytes);
		buf_add(&both, bytes);
		s->bytes = buf_slice(&both);
		return;
	}
	s = ARENA_NEW(c->arena, struct said);
	ASSERT(s != NULL);
	*s = (struct said){.conversation = i, .dir = dir, .bytes = arena_copy(c->arena, bytes)};
	*(c->last != NULL ? &c->last->next : &c->first) = s;
	c->last = s;
}

static void on_gap(void *ctx, struct flow *f, enum flow_dir dir, uint64_t offset, uint64_t missing)
{
	struct conversations *c = ctx;

	c->gap[conversation_of(c, f)] = true;
}

static void on_eof(void *ctx, struct flow *f, enum flow_dir dir)
{
}

static void on_end(void *ctx, struct flow *f, enum flow_end why)
{
	const struct stream_sink sink = {ctx, on_data, on_gap, on_eof};

	for (int d = 0; d < 2; d++)
		stream_flush(f, (enum flow_dir)d, &sink);
	stream_end(f);
}

static void listen(struct conversations *c, struct slice file, struct arena_pool *pool)
{
	static struct capture capture;
	const struct stream_sink sink = {c, on_data, on_gap, on_eof};
	const struct stream_config config = {.pool = pool};
	const struct flow_limits limits = {.pool = pool};
	struct decode_worker *w = decode_worker_new(NULL, c->arena, pool);
	struct flow_table *table = flow_table_new(c->arena, &limits, (struct flow_sink){c, on_end});
	struct stream_result result;
	struct capture_packet packet;
	struct fail why = {0};

	ASSERT(w != NULL && table != NULL && capture_open(&capture, file, &why) == ST_OK);
	while (capture_next(&capture, &packet, &why) == ST_OK) {
		struct decode_input in = {packet.linktype, packet.data, packet.wire_bytes,
					  packet.at, packet.number};
		const struct packet *p = decode_frame(w, &in)->list[0];
		enum flow_dir dir;
		struct flow *f = flow_table_packet(table, p, &dir);

		if (f != NULL && p->proto == IP_PROTO_TCP && p->l4_header.len != 0)
			stream_packet(&config, f, p, dir, &sink, &result);
	}
	flow_table_free(table);
	decode_worker_free(w);
}

/* ---- said again ---- */

struct sensor {
	struct arena_pool pool;
	struct arena arena;
	struct pipeline *p;
	uint64_t number;
	uint64_t sids[SIDS_MAX];
	size_t count;
};

static void hear(void *ctx, const struct record *r)
{
	struct sensor *s = ctx;

	if (r->kind != RECORD_ALERT)
		return;
	ASSERT(s->count < SIDS_MAX);
	s->sids[s->count++] = r->u.alert.sid;
}

struct mouth {
	struct sensor *s;
	uint16_t port[2]; /* by the direction it sends to */
	uint32_t seq[2];  /* of the first byte */
	size_t sent[2];	  /* bytes, by direction */
};

static void say(struct mouth *m, enum flow_dir dir, uint8_t flags, size_t at, struct slice bytes)
{
	bool up = dir == FLOW_TO_SERVER;
	uint32_t seq = m->seq[dir] + (uint32_t)at - ((flags & TCP_SYN) != 0);
	uint32_t ack = (flags & TCP_ACK) != 0 ? m->seq[!dir] + (uint32_t)m->sent[!dir] : 0;
	size_t len = HEADERS + bytes.len;
	uint8_t b[HEADERS + SEGMENT_MAX] = {0x45,
					    0,
					    (uint8_t)(len >> 8),
					    (uint8_t)len,
					    0,
					    1,
					    0x40,
					    0,
					    64,
					    6,
					    0,
					    0,
					    10,
					    0,
					    0,
					    up ? 1 : 2,
					    10,
					    0,
					    0,
					    up ? 2 : 1,
					    (uint8_t)(m->port[dir] >> 8),
					    (uint8_t)m->port[dir],
					    (uint8_t)(m->port[!dir] >> 8),
					    (uint8_t)m->port[!dir],
					    (uint8_t)(seq >> 24),
					    (uint8_t)(seq >> 16),
					    (uint8_t)(seq >> 8),
					    (uint8_t)seq,
					    (uint8_t)(ack >> 24),
					    (uint8_t)(ack >> 16),
					    (uint8_t)(ack >> 8),
					    (uint8_t)ack,
					    0x50,
					    flags,
					    0xff,
					    0xff};

	ASSERT(bytes.len <= SEGMENT_MAX);
	if (bytes.len != 0)
		memcpy(b + HEADERS, bytes.ptr, bytes.len);
	pipeline_frame(m->s->p, LINK_RAW, (struct slice){b, len}, (uint32_t)len,
		       (struct wall_ns){(int64_t)m->s->number * TIME_NS_PER_MS}, m->s->number + 1);
	m->s->number++;
}

struct segment {
	size_t at, len;
};

/* Cuts [0, total) into segments, as the cut says, in the order in which they are to be sent. */
static size_t cut_up(struct test *t, enum cut cut, size_t total, struct segment *out)
{
	size_t most = cut == SINGLE_BYTES || cut == BACKWARDS ? 1 : SEGMENT_MAX, n = 0;

	for (size_t at = 0; at < total;) {
		size_t len = cut == OVERLAPPING || cut == DISORDER || cut == ANYHOW
				     ? 1 + test_rand(t) % 40
				     : most;
		size_t back = 0;

		len = len < total - at ? len : total - at;
		if (cut == OVERLAPPING && at != 0)
			back = test_rand(t) % (at < 30 ? at : 30);
		ASSERT(n + 2 < SEGMENTS_MAX);
		out[n++] = (struct segment){at - back, len + back};
		if (cut == DOUBLED || (cut == ANYHOW && test_rand(t) % 4 == 0))
			out[n++] = (struct segment){at - back, len + back};
		at += len;
	}
	for (size_t i = 0; cut == BACKWARDS && i < n / 2; i++) {
		struct segment s = out[i];

		out[i] = out[n - 1 - i];
		out[n - 1 - i] = s;
	}
	for (size_t i = 0; (cut == DISORDER || cut == ANYHOW) && i < n; i++) {
		size_t other = i + test_rand(t) % (n - i < 9 ? n - i : 9);
		struct segment s = out[i];

		out[i] = out[other];
		out[other] = s;
	}
	return n;
}

static void say_all(struct test *t, struct mouth *m, enum cut cut, const struct said *s)
{
	static struct segment segments[SEGMENTS_MAX];
	enum { WINDOW = 16384 };

	for (size_t from = 0; from < s->bytes.len; from += WINDOW) {
		struct slice part =
			slice_part(s->bytes, from,
				   s->bytes.len - from < WINDOW ? s->bytes.len - from : WINDOW);
		size_t n = cut_up(t, cut, part.len, segments), base = m->sent[s->dir];
		enum flow_dir back = s->dir == FLOW_TO_SERVER ? FLOW_TO_CLIENT : FLOW_TO_SERVER;

		for (size_t i = 0; i < n; i++)
			say(m, s->dir, TCP_ACK, base + segments[i].at,
			    slice_part(part, segments[i].at, segments[i].len));
		m->sent[s->dir] = base + part.len;
		say(m, back, TCP_ACK, m->sent[back], (struct slice){NULL, 0});
		for (size_t i = 0; cut == REPEATED_LATER && i < n; i++)
			say(m, s->dir, TCP_ACK, base + segments[i].at,
			    slice_part(part, segments[i].at, segments[i].len));
	}
}

static void converse(struct test *t, struct sensor *s, const struct conversations *c, uint32_t i,
		     enum cut cut)
{
	struct mouth m = {.s = s,
			  .port = {(uint16_t)(30000 + i), c->server_port[i]},
			  .seq = {0xfffff000 + i, 77 + i}}; /* wraps on the way */
	const struct slice nothing = {NULL, 0};

	say(&m, FLOW_TO_SERVER, TCP_SYN, 0, nothing);
	say(&m, FLOW_TO_CLIENT, TCP_SYN | TCP_ACK, 0, nothing);
	say(&m, FLOW_TO_SERVER, TCP_ACK, 0, nothing);
	for (const struct said *x = c->first; x != NULL; x = x->next)
		if (x->conversation == i)
			say_all(t, &m, cut, x);
	say(&m, FLOW_TO_SERVER, TCP_ACK | TCP_FIN, m.sent[0], nothing);
	m.sent[0]++;
	say(&m, FLOW_TO_CLIENT, TCP_ACK | TCP_FIN, m.sent[1], nothing);
	m.sent[1]++;
	say(&m, FLOW_TO_SERVER, TCP_ACK, m.sent[0], nothing);
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The alerts of all conversations without a gap, sorted. */
static void alerts_of(struct test *t, struct sensor *s, const struct detect_rules *rules,
		      const struct conversations *c, enum cut cut)
{
	struct pipeline_options o = {.rules = rules, .sink = {s, hear}};
	struct fail why = {0};

	s->count = 0;
	s->number = 0;
	ASSERT(pipeline_new(&o, &s->p, &why) == ST_OK);
	for (uint32_t i = 0; i < c->count; i++)
		if (!c->gap[i])
			converse(t, s, c, i, cut);
	pipeline_finish(s->p);
	pipeline_free(s->p);
	qsort(s->sids, s->count, sizeof s->sids[0], by_number);
}

/* ---- the captures ---- */

static struct slice load(struct arena *a, const char *name, const char *file)
{
	const char *root = getenv("DEW_SOURCE_ROOT");
	uint8_t *bytes = ARENA_ARRAY(a, uint8_t, FILE_MAX);
	char path[512];
	FILE *f;
	size_t n;

	snprintf(path, sizeof path, "%s/tests/golden/%s/%s", root != NULL ? root : ".", name, file);
	f = fopen(path, "rb");
	if (f == NULL || bytes == NULL)
		return (struct slice){NULL, 0};
	n = fread(bytes, 1, FILE_MAX, f);
	fclose(f);
	return (struct slice){bytes, n};
}

static void check_capture(struct test *t, const char *name)
{
	static struct sensor said, cut;
	struct arena_pool pool = {.budget = 512 << 20};
	struct arena arena = {.pool = &pool};
	struct conversations c = {.arena = &arena};
	struct slice capture = load(&arena, name, "capture.pcap");
	struct slice text = load(&arena, name, "case.rules");
	struct detect_rules *rules = NULL;
	struct rule_set set;
	struct fail why = {0};

	if (capture.len == 0 || text.len == 0) {
		test_fail(t, __FILE__, __LINE__, "no capture or rules of %s", name);
		arena_reset(&arena);
		arena_pool_drain(&pool);
		return;
	}
	ASSERT(rule_set_init(&set, &arena, &why) == ST_OK);
	ASSERT(rule_set_load(&set, SLICE("case.rules"), text, &why) == ST_OK);
	ASSERT(detect_compile(&set, NULL, &arena, &rules, &why) == ST_OK);
	listen(&c, capture, &pool);
	alerts_of(t, &said, rules, &c, AS_SAID);
	EXPECT(t, said.count != 0);
	for (unsigned k = SINGLE_BYTES; k < CUTS; k++) {
		alerts_of(t, &cut, rules, &c, (enum cut)k);
		if (cut.count != said.count ||
		    memcmp(cut.sids, said.sids, said.count * sizeof said.sids[0]) != 0)
			test_fail(t, __FILE__, __LINE__, "%s, %s: %zu alerts, not %zu", name,
				  cut_names[k], cut.count, said.count);
	}
	detect_rules_free(rules);
	arena_reset(&arena);
	arena_pool_drain(&pool);
}

static void web_requests_in_any_cut(struct test *t)
{
	check_capture(t, "http-alert");
	check_capture(t, "http-pipelining");
}

static void packed_bodies_in_any_cut(struct test *t)
{
	check_capture(t, "http-gzip-chunked");
}

static void frames_of_http2_in_any_cut(struct test *t)
{
	check_capture(t, "http2-streams");
}

static void tls_records_in_any_cut(struct test *t)
{
	check_capture(t, "tls-sni");
}

static void names_over_tcp_in_any_cut(struct test *t)
{
	check_capture(t, "dns-udp-tcp");
}

static void plain_words_in_any_cut(struct test *t)
{
	check_capture(t, "tcp-reassembly");
}

TESTS(T(web_requests_in_any_cut), T(packed_bodies_in_any_cut), T(frames_of_http2_in_any_cut),
      T(tls_records_in_any_cut), T(names_over_tcp_in_any_cut), T(plain_words_in_any_cut))
