/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests: a sensor that listens to itself, and conversations made by hand.
 */
#ifndef DEW_SENSOR_PIPELINE_FIXTURE_H
#define DEW_SENSOR_PIPELINE_FIXTURE_H

#include "sensor/config/config.h"
#include "sensor/pipeline/pipeline_priv.h"

enum { LINK_ETHERNET = 1, FRAME_MAX = 1600 };

#define START INT64_C(1700000000000000000)
#define MS TIME_NS_PER_MS
#define S TIME_NS_PER_S

/* ---- frames by hand ---- */

struct frame {
	uint8_t b[FRAME_MAX];
	size_t len;
};

static inline void put(struct frame *f, const void *bytes, size_t n)
{
	ASSERT(f->len + n <= sizeof f->b);
	if (n != 0)
		memcpy(f->b + f->len, bytes, n);
	f->len += n;
}

static inline void put16(struct frame *f, unsigned v)
{
	put(f, (const uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
}

static inline void put32(struct frame *f, uint32_t v)
{
	put16(f, v >> 16);
	put16(f, v & 0xffff);
}

static inline uint16_t checksum(const uint8_t *b, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? b[i] : (uint32_t)b[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Ethernet and IPv4 headers in front of `bytes` bytes of protocol proto. */
static inline void put_ip(struct frame *f, uint8_t proto, const uint8_t src[4],
			  const uint8_t dst[4], size_t bytes)
{
	size_t at;
	uint16_t sum;

	f->len = 0;
	put(f, "\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0", 14);
	at = f->len;
	put(f, "\x45\0", 2);
	put16(f, (unsigned)(20 + bytes));
	put(f, (const uint8_t[]){0, 1, 0x40, 0, 64, proto, 0, 0}, 8);
	put(f, src, 4);
	put(f, dst, 4);
	sum = checksum(f->b + at, 20);
	f->b[at + 10] = (uint8_t)(sum >> 8);
	f->b[at + 11] = (uint8_t)sum;
}

/* ---- a sensor that listens to itself ---- */

struct bench {
	struct arena_pool pool;
	struct arena arena;
	struct buf lines;
	struct pipeline *p;
	struct detect_rules *rules;
	struct rule_set set;
	uint64_t number;
	int64_t at;  /* of the next frame */
	size_t most; /* of `lines`; 0: the budget */
};

static inline void hear(void *ctx, const struct record *r)
{
	struct bench *b = ctx;

	record_encode(r, &b->arena, &b->lines);
	buf_add_byte(&b->lines, '\n');
}

/* The eve-logs of a configuration, all into `lines`. */
static inline void bench_outputs(struct bench *b, struct pipeline_options *o,
				 struct pipeline_output *outputs)
{
	struct config *list = config_at(o->config, "outputs");

	for (struct config *m = config_first(list); m != NULL; m = config_next(m))
		if (config_at(m, "eve-log") != NULL) {
			ASSERT(o->output_count < PIPELINE_OUTPUTS_MAX);
			outputs[o->output_count++] = (struct pipeline_output){
				.sink = o->sink, .node = config_at(m, "eve-log")};
		}
	o->outputs = outputs;
}

/* With what config says; NULL: without a suricata.yaml. */
static inline struct bench *bench_open(struct bench *b, const char *rules, size_t memory,
				       struct config *config)
{
	struct pipeline_output outputs[PIPELINE_OUTPUTS_MAX];
	struct fail why = {0};
	struct pipeline_options o = {.memory_bytes = memory,
				     .party = SLICE("north"),
				     .station = SLICE("n1"),
				     .sink = {b, hear},
				     .config = config,
				     .skip_checksums = config != NULL,
				     .simulate_ips = config_bool(config, "simulate-ips", false)};

	b->lines = buf_in(&b->arena);
	if (rules != NULL) {
		ASSERT(rule_set_init(&b->set, &b->arena, &why) == ST_OK);
		ASSERT(rule_set_load(&b->set, SLICE("t.rules"), slice_of(rules), &why) == ST_OK);
		ASSERT(detect_compile(&b->set, &(struct detect_options){0}, &b->arena, &b->rules,
				      &why) == ST_OK);
		ASSERT(b->set.problem_count == 0);
		o.rules = b->rules;
	}
	bench_outputs(b, &o, outputs);
	if (pipeline_new(&o, &b->p, &why) != ST_OK)
		b->p = NULL;
	return b;
}

static inline struct bench *bench_begin(void)
{
	static struct bench b;

	b = (struct bench){.pool = {.budget = 256 << 20}, .at = START};
	b.arena.pool = &b.pool;
	return &b;
}

/* setting: "key=value" of a suricata.yaml; NULL: none was given. */
static inline struct bench *bench_set(const char *rules, size_t memory, const char *setting)
{
	struct bench *b = bench_begin();
	struct config *config = NULL;
	struct fail why = {0};

	if (setting != NULL) {
		struct slice value = slice_of(setting), key = slice_split(&value, '=');

		config = config_new(&b->arena);
		ASSERT(config_set(config, key, value, &why) == ST_OK);
	}
	return bench_open(b, rules, memory, config);
}

/* yaml: a suricata.yaml without its head; "simulate-ips: yes" is for us. */
static inline struct bench *bench_yaml(const char *rules, const char *yaml)
{
	struct bench *b = bench_begin();
	struct config *config = config_new(&b->arena);
	struct fail why = {0};

	ASSERT(config_load(config, SLICE("t.yaml"),
			   buf_text(&b->arena, "%%YAML 1.1\n---\n%s\n", yaml), NULL,
			   &why) == ST_OK);
	return bench_open(b, rules, 0, config);
}

static inline struct bench *bench_new(const char *rules, size_t memory)
{
	return bench_set(rules, memory, NULL);
}

static inline void bench_done(struct bench *b)
{
	pipeline_free(b->p);
	if (b->rules != NULL)
		detect_rules_free(b->rules);
	arena_reset(&b->arena);
	ASSERT(b->pool.out == 0);
	arena_pool_drain(&b->pool);
}

static inline void feed(struct bench *b, const struct frame *f)
{
	pipeline_frame(b->p, LINK_ETHERNET, (struct slice){f->b, f->len}, (uint32_t)f->len,
		       (struct wall_ns){b->at}, ++b->number);
	b->at += MS;
}

/* The n-th line, or empty. */
static inline struct slice line(const struct bench *b, size_t n)
{
	struct slice rest = buf_slice(&b->lines), l = {NULL, 0};

	for (size_t i = 0; i <= n; i++)
		l = slice_split(&rest, '\n');
	return l;
}

static inline bool says(const struct bench *b, size_t n, const char *text)
{
	return slice_find(line(b, n), slice_of(text)) != SIZE_MAX;
}

static inline size_t count(const struct bench *b, const char *text)
{
	struct slice rest = buf_slice(&b->lines);
	size_t n = 0, at;

	while ((at = slice_find(rest, slice_of(text))) != SIZE_MAX) {
		n++;
		rest = slice_from(rest, at + 1);
	}
	return n;
}

/* ---- conversations ---- */

struct talk {
	struct bench *b;
	uint8_t addr[2][4]; /* client, server */
	uint16_t port[2];
	uint32_t seq[2];
};

static inline struct talk talk_of(struct bench *b, uint16_t server_port)
{
	return (struct talk){
		b, {{10, 0, 0, 1}, {198, 51, 100, 2}}, {40000, server_port}, {1000, 5000}};
}

static inline void tcp(struct talk *k, enum flow_dir dir, uint8_t flags, struct slice payload)
{
	struct frame f;

	put_ip(&f, 6, k->addr[dir], k->addr[!dir], 20 + payload.len);
	put16(&f, k->port[dir]);
	put16(&f, k->port[!dir]);
	put32(&f, k->seq[dir]);
	put32(&f, flags & TCP_ACK ? k->seq[!dir] : 0);
	put(&f, (const uint8_t[]){0x50, flags, 0xff, 0xff, 0, 0, 0, 0}, 8);
	put(&f, payload.ptr, payload.len);
	k->seq[dir] += (uint32_t)payload.len + ((flags & (TCP_SYN | TCP_FIN)) != 0);
	feed(k->b, &f);
}

static inline void udp(struct talk *k, enum flow_dir dir, struct slice payload)
{
	struct frame f;

	put_ip(&f, 17, k->addr[dir], k->addr[!dir], 8 + payload.len);
	put16(&f, k->port[dir]);
	put16(&f, k->port[!dir]);
	put16(&f, (unsigned)(8 + payload.len));
	put16(&f, 0);
	put(&f, payload.ptr, payload.len);
	feed(k->b, &f);
}

static inline void handshake(struct talk *k)
{
	tcp(k, FLOW_TO_SERVER, TCP_SYN, SLICE(""));
	tcp(k, FLOW_TO_CLIENT, TCP_SYN | TCP_ACK, SLICE(""));
	tcp(k, FLOW_TO_SERVER, TCP_ACK, SLICE(""));
}

static inline void say(struct talk *k, enum flow_dir dir, struct slice payload)
{
	tcp(k, dir, TCP_ACK | TCP_PSH, payload);
	tcp(k, !dir ? FLOW_TO_CLIENT : FLOW_TO_SERVER, TCP_ACK, SLICE(""));
}

static inline void goodbye(struct talk *k)
{
	tcp(k, FLOW_TO_SERVER, TCP_FIN | TCP_ACK, SLICE(""));
	tcp(k, FLOW_TO_CLIENT, TCP_FIN | TCP_ACK, SLICE(""));
	tcp(k, FLOW_TO_SERVER, TCP_ACK, SLICE(""));
}

#define REQUEST SLICE("GET /evil?x=1 HTTP/1.1\r\nHost: a.example\r\nUser-Agent: test\r\n\r\n")
#define RESPONSE                                                                                   \
	SLICE("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello")

static inline void web(struct bench *b)
{
	struct talk k = talk_of(b, 80);

	handshake(&k);
	say(&k, FLOW_TO_SERVER, REQUEST);
	say(&k, FLOW_TO_CLIENT, RESPONSE);
	goodbye(&k);
}

#define QUERY                                                                                      \
	SLICE("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01"                               \
	      "a\x07"                                                                              \
	      "example\x00\x00\x01\x00\x01")
#define ANSWER                                                                                     \
	SLICE("\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x01"                               \
	      "a\x07"                                                                              \
	      "example\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04"        \
	      "\xc0\x00\x02\x09")

static inline void name(struct bench *b)
{
	struct talk k = talk_of(b, 53);

	udp(&k, FLOW_TO_SERVER, QUERY);
	udp(&k, FLOW_TO_CLIENT, ANSWER);
}

#endif
