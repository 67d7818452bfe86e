/* SPDX-License-Identifier: Apache-2.0
 *
 * flood.h - very many flows, made up while a pipeline reads them: for tests and benches.
 *
 * A flow is its number; all that its packets say follows from it. Each kind has a few steps, so a
 * caller opens a million flows by giving step 0 of all, then step 1 of all, and so on: all are open
 * at once, and in the same state. Or of some thousands at a time: all are open at once, and few of
 * them in the middle of something. Nothing is allocated.
 */
#ifndef DEW_FLOOD_H
#define DEW_FLOOD_H

#include <stdio.h>

#include "base/status.h"
#include "base/time.h"
#include "sensor/pipeline/pipeline.h"

enum flood_kind {
	FLOOD_SYN,  /* a SYN that nobody answers */
	FLOOD_TCP,  /* a session without data */
	FLOOD_HTTP, /* a request and its answer; the session stays open */
	FLOOD_DNS,  /* a question and its answer */
	FLOOD_TEXT, /* a session of which the protocol is not known: 100 bytes each way */
	FLOOD_TLS,  /* a handshake, and the first encrypted bytes; the session stays open */
	FLOOD_KINDS
};

enum { FLOOD_FRAME_MAX = 512, FLOOD_STEPS_MAX = 8 };

struct flood {
	struct pipeline *p;
	int64_t at, gap_ns; /* of the next packet; between two */
	uint64_t packets;
	uint8_t frame[FLOOD_FRAME_MAX];
};

static const char *const flood_names[] = {"syn", "tcp", "http", "dns", "text", "tls"};

static inline unsigned flood_steps(enum flood_kind k)
{
	static const uint8_t steps[] = {1, 3, 7, 2, 7, 8};

	return steps[k];
}

static inline void flood_be(uint8_t *at, unsigned bytes, uint64_t v)
{
	for (unsigned i = bytes; i > 0; i--, v >>= 8)
		at[i - 1] = (uint8_t)v;
}

/* From one end to the other: up is from the client, whose number is the flow's. */
static inline void flood_ip(struct flood *f, uint32_t flow, bool up, uint8_t proto, size_t payload)
{
	uint8_t *ip = f->frame + 14;
	size_t head = proto == 6 ? 40 : 28;
	uint32_t client = UINT32_C(0x0a000000) + (flow & 0xffffff), server = UINT32_C(0xc0000201);
	unsigned cport = 1024 + (flow >> 24) * 7 + flow % 50000, sport = proto == 6 ? 80 : 53;

	memset(f->frame, 0, 14 + head);
	memcpy(f->frame, "\2\0\0\0\0\1\2\0\0\0\0\2\10\0", 14);
	ip[0] = 0x45;
	flood_be(ip + 2, 2, head + payload);
	ip[8] = 64;
	ip[9] = proto;
	flood_be(ip + 12, 4, up ? client : server);
	flood_be(ip + 16, 4, up ? server : client);
	flood_be(ip + 20, 2, up ? cport : sport);
	flood_be(ip + 22, 2, up ? sport : cport);
}

static inline void flood_give(struct flood *f, size_t bytes)
{
	pipeline_frame(f->p, 1, (struct slice){f->frame, bytes}, (uint32_t)bytes,
		       (struct wall_ns){f->at}, ++f->packets);
	f->at += f->gap_ns;
}

static inline void flood_tcp(struct flood *f, uint32_t flow, bool up, uint8_t flags, uint32_t seq,
			     uint32_t ack, struct slice text)
{
	uint8_t *tcp = f->frame + 34;
	size_t n = text.len;

	ASSERT(54 + n <= sizeof f->frame);
	flood_ip(f, flow, up, 6, n);
	flood_be(tcp + 4, 4, seq);
	flood_be(tcp + 8, 4, ack);
	tcp[12] = 0x50;
	tcp[13] = flags;
	flood_be(tcp + 14, 2, 65535);
	if (n != 0)
		memcpy(tcp + 20, text.ptr, n);
	flood_give(f, 54 + n);
}

/* One question of RFC 1035 4: <flow>.example.test, A. The answer: 192.0.2.1. */
static inline void flood_dns(struct flood *f, uint32_t flow, bool up)
{
	static const uint8_t tail[] = "\7example\4test\0\0\1\0\1";
	static const uint8_t answer[] = "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1";
	uint8_t *dns = f->frame + 42;
	size_t n = 12;

	memset(dns, 0, 12);
	flood_be(dns, 2, flow & 0xffff);
	dns[2] = up ? 1 : 0x81;
	dns[5] = 1;
	dns[7] = !up;
	n += (size_t)snprintf((char *)dns + n, 16, "%c%08x", 8, flow);
	memcpy(dns + n, tail, sizeof tail - 1);
	n += sizeof tail - 1;
	if (!up) {
		memcpy(dns + n, answer, sizeof answer - 1);
		n += sizeof answer - 1;
	}
	flood_ip(f, flow, up, 17, n);
	flood_be(f->frame + 38, 2, 8 + n);
	flood_give(f, 42 + n);
}

/* The handshake of RFC 9293 3.5; then the client says `ask` and the server `say`. */
static inline void flood_session(struct flood *f, uint32_t flow, unsigned step, struct slice ask,
				 struct slice say)
{
	uint32_t c = 1000 + (uint32_t)ask.len, s = 5000 + (uint32_t)say.len;

	switch (step) {
	case 0:
		flood_tcp(f, flow, true, 0x02, 999, 0, SLICE(""));
		break;
	case 1:
		flood_tcp(f, flow, false, 0x12, 4999, 1000, SLICE(""));
		break;
	case 2:
		flood_tcp(f, flow, true, 0x10, 1000, 5000, SLICE(""));
		break;
	case 3:
		flood_tcp(f, flow, true, 0x18, 1000, 5000, ask);
		break;
	case 4:
		flood_tcp(f, flow, false, 0x18, 5000, c, say);
		break;
	case 5:
		flood_tcp(f, flow, true, 0x10, c, s, SLICE(""));
		break;
	default: /* a sign of life: what was said is over for both */
		flood_tcp(f, flow, false, 0x10, s, c, SLICE(""));
		break;
	}
}

#define FLOOD_32 "0123456789abcdef0123456789abcdef"
#define FLOOD_ENCRYPTED "\x17\x03\x03\0\x20" FLOOD_32
#define FLOOD_CHANGE "\x14\x03\x03\0\x01\x01"

/* RFC 8446 4.1.2 and 4.1.3: hellos of TLS 1.3 with a session id, a server's name of 16 bytes. */
static inline void flood_tls(struct flood *f, uint32_t flow, unsigned step)
{
	static const struct slice hello =
		SLICE("\x16\x03\x01\0\x6f"
		      "\x01\0\0\x6b\x03\x03" FLOOD_32 "\x20" FLOOD_32 "\0\x02\x13\x01\x01\0"
		      "\0\x20\0\0\0\x15\0\x13\0\0\x10"
		      "www.example.test\0\x2b\0\x03\x02\x03\x04");
	static const struct slice answer =
		SLICE("\x16\x03\x03\0\x52"
		      "\x02\0\0\x4e\x03\x03" FLOOD_32 "\x20" FLOOD_32 "\x13\x01\0"
		      "\0\x06\0\x2b\0\x02\x03\x04" FLOOD_CHANGE FLOOD_ENCRYPTED);
	static const struct slice finish = SLICE(FLOOD_CHANGE FLOOD_ENCRYPTED);
	static const struct slice ticket = SLICE(FLOOD_ENCRYPTED);
	uint32_t c = 1000 + (uint32_t)hello.len, s = 5000 + (uint32_t)answer.len;

	if (step < 5)
		flood_session(f, flow, step, hello, answer);
	else if (step == 5)
		flood_tcp(f, flow, true, 0x18, c, s, finish);
	else if (step == 6)
		flood_tcp(f, flow, false, 0x18, s, c + (uint32_t)finish.len, ticket);
	else
		flood_tcp(f, flow, true, 0x10, c + (uint32_t)finish.len, s + (uint32_t)ticket.len,
			  SLICE(""));
}

/* step < flood_steps(k) */
static inline void flood_step(struct flood *f, enum flood_kind k, uint32_t flow, unsigned step)
{
	static const struct slice text =
		SLICE("\x01 what this is, nobody is to know, but it has about a hundred "
		      "bytes of which some are not text \x02\x03.");
	static const struct slice answer =
		SLICE("HTTP/1.1 200 OK\r\nServer: flood\r\nContent-Type: text/plain\r\n"
		      "Content-Length: 5\r\n\r\nhello");
	char ask[128];
	int n;

	if (k == FLOOD_DNS) {
		flood_dns(f, flow, step == 0);
	} else if (k == FLOOD_TEXT) {
		flood_session(f, flow, step, text, text);
	} else if (k == FLOOD_TLS) {
		flood_tls(f, flow, step);
	} else {
		n = snprintf(ask, sizeof ask,
			     "GET /%08x HTTP/1.1\r\nHost: www.example.test\r\n"
			     "User-Agent: flood/1\r\nAccept: */*\r\n\r\n",
			     flow);
		flood_session(f, flow, step, (struct slice){(const uint8_t *)ask, (size_t)n},
			      answer);
	}
}

/* Flows first..end-1 through all their steps, `together` of them at a time. */
static inline void flood_all(struct flood *f, enum flood_kind k, uint32_t first, uint32_t end,
			     uint32_t together)
{
	while (first < end) {
		uint32_t n = end - first < together ? end - first : together;

		for (unsigned step = 0; step < flood_steps(k); step++)
			for (uint32_t i = 0; i < n; i++)
				flood_step(f, k, first + i, step);
		first += n;
	}
}

#endif
