/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode.h"
#include "test.h"

struct bench {
	struct arena_pool pool;
	struct arena process;
	struct defrag *d;
};

static void bench_open(struct bench *b)
{
	*b = (struct bench){.pool = {.budget = 1 << 22}};
	b->process.pool = &b->pool;
	b->d = defrag_new(&b->process, &b->pool);
}

static void bench_close(struct bench *b)
{
	defrag_free(b->d);
	arena_reset(&b->process);
	arena_pool_drain(&b->pool);
}

#define ETH4 "\0\0\0\0\0\2\0\0\0\0\0\1\x08\0"
#define IP4_TCP "\x45\0\0\x2d\0\1\0\0\x40\6\0\0\x0a\0\0\1\x0a\0\0\2"
#define TCP_AB "\4\0\0\x50\0\0\0\1\0\0\0\2\x50\x18\xff\xff\0\0\0\0hello"

static void ethernet_tcp_has_all_layers(struct test *t)
{
	struct bench b;
	struct packet p = {.number = 7, .wire_bytes = 60};

	bench_open(&b);
	decode_frame(b.d, 1, SLICE(ETH4 IP4_TCP TCP_AB "pad"), &p);
	EXPECT_UINT(t, p.number, 7);
	EXPECT_UINT(t, p.ip_version, 4);
	EXPECT_UINT(t, p.proto, IP_PROTO_TCP);
	EXPECT_UINT(t, p.sport, 1024);
	EXPECT_UINT(t, p.dport, 80);
	EXPECT_UINT(t, p.tcp.seq, 1);
	EXPECT_UINT(t, p.tcp.flags, TCP_PSH | TCP_ACK);
	EXPECT_SLICE(t, p.payload, SLICE("hello"));
	EXPECT_UINT(t, p.anomalies[0] | p.anomalies[1], 0);
	bench_close(&b);
}

TESTS(T(ethernet_tcp_has_all_layers))
