/* SPDX-License-Identifier: Apache-2.0
 *
 * 1. The same list of captures gives the same corpus, byte for byte.
 * 2. A copy differs from its capture in the third byte of every IPv4 address (the eighth of IPv6):
 *    its flows are others, private networks stay private. IPv4's header checksum is made right;
 *    those behind it are not, so the corpus is read with checksums off. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "sensor/capture/capture.h"

enum {
	ETHER = 14,
	COPIES_MAX = 255,
	LINK_ETHERNET = 1,
	START_S = 3600, /* copies begin within an hour */
	SEGMENT_GAP_NS = 1000,
};

static const uint8_t file_head[24] = {0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0,
				      0,    0,	  0,	0,    0, 0, 4, 0, 1, 0, 0, 0};

struct frame {
	struct slice bytes;
	uint32_t wire_bytes;
	int64_t after_ns; /* since its capture's first packet */
	bool bare;	  /* begins with an IP header */
};

struct capture_in {
	struct frame *frames;
	size_t count, room;
	uint64_t bytes;
	uint32_t copies;
};

struct slot { /* a frame's place in the corpus */
	int64_t at_ns;
	const struct frame *frame;
	uint32_t copy, order;
};

static void put(FILE *f, const void *bytes, size_t n)
{
	if (n != 0 && fwrite(bytes, 1, n, f) != n)
		bench_die("cannot write the corpus: %m");
}

static FILE *begin(const char *path)
{
	FILE *f = fopen(path, "wb");

	if (f == NULL)
		bench_die("cannot write %s: %m", path);
	put(f, file_head, sizeof file_head);
	return f;
}

static void record_head(FILE *f, int64_t at_ns, uint32_t caught, uint32_t sent)
{
	uint32_t head[4] = {(uint32_t)(at_ns / TIME_NS_PER_S), (uint32_t)(at_ns % TIME_NS_PER_S),
			    caught, sent};

	put(f, head, sizeof head); /* in this machine's byte order: the magic number says so */
}

static bool capture_read(const char *path, struct arena *a, struct capture_in *out)
{
	struct os_map map = bench_map(path);
	struct capture *c = ARENA_NEW(a, struct capture);
	struct capture_packet p;
	int64_t first = 0;
	struct fail why;

	if (c == NULL || capture_open(c, map.bytes, &why) != ST_OK)
		return false;
	while (capture_next(c, &p, &why) == ST_OK) {
		bool bare = p.linktype == 12 || p.linktype == 101;
		struct frame f = {p.data, p.wire_bytes, 0, bare};

		if ((p.linktype != LINK_ETHERNET && !bare) || p.data.len < ETHER)
			continue;
		if (out->count == 0)
			first = p.at.ns;
		f.after_ns = p.at.ns > first ? p.at.ns - first : 0;
		out->bytes += p.data.len;
		if (!ARENA_PUSH(a, out->frames, out->count, out->room, f))
			bench_die("no memory for %s", path);
	}
	return out->count != 0;
}

static void sum_change(uint8_t *sum, uint16_t before, uint16_t after)
{
	uint32_t s = (uint16_t) ~(sum[0] << 8 | sum[1]); /* RFC 1624, eqn. 3 */

	s += (uint16_t)~before + (uint32_t)after;
	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	sum[0] = (uint8_t)(~s >> 8);
	sum[1] = (uint8_t)~s;
}

static void address_change(uint8_t *ip, size_t at, uint8_t by)
{
	uint16_t before = (uint16_t)(ip[at + 2] << 8 | ip[at + 3]);

	if (ip[at] >= 224 || ip[at] == 0)
		return;
	ip[at + 2] ^= by;
	sum_change(ip + 10, before, (uint16_t)(ip[at + 2] << 8 | ip[at + 3]));
}

static void copy_change(uint8_t *frame, size_t len, uint8_t by)
{
	size_t at = ETHER;
	uint16_t type = (uint16_t)(frame[12] << 8 | frame[13]);

	while ((type == 0x8100 || type == 0x88a8) && at + 4 <= len) {
		type = (uint16_t)(frame[at + 2] << 8 | frame[at + 3]);
		at += 4;
	}
	if (type == 0x0800 && at + 20 <= len) {
		address_change(frame + at, 12, by);
		address_change(frame + at, 16, by);
	} else if (type == 0x86dd && at + 40 <= len) {
		frame[at + 8 + 7] ^= frame[at + 8] == 0xff ? 0 : by;
		frame[at + 24 + 7] ^= frame[at + 24] == 0xff ? 0 : by;
	}
}

static int slot_compare(const void *pa, const void *pb)
{
	const struct slot *a = pa, *b = pb;

	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static void slot_write(FILE *f, const struct slot *s)
{
	static const uint8_t head[ETHER] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
	static uint8_t frame[CAPTURE_PACKET_MAX + ETHER];
	size_t more = s->frame->bare ? ETHER : 0, len = s->frame->bytes.len + more;

	memcpy(frame, head, more);
	memcpy(frame + more, s->frame->bytes.ptr, s->frame->bytes.len);
	if (more != 0 && frame[ETHER] >> 4 == 6)
		memcpy(frame + 12, "\x86\xdd", 2);
	copy_change(frame, len, (uint8_t)s->copy);
	record_head(f, s->at_ns, (uint32_t)len, s->frame->wire_bytes + (uint32_t)more);
	put(f, frame, len);
}

/* Captures between two "--" are a group; each group gets the same share of the bytes, by as many
 * copies of each of its captures. Gives the packets there will be. */
static size_t copies_choose(struct capture_in *in, char **paths, size_t count, uint64_t bytes)
{
	size_t groups = 1, n = 0;

	for (size_t i = 0; i < count; i++)
		groups += strcmp(paths[i], "--") == 0;
	for (size_t i = 0, k = 0; i < count; i = k + 1) {
		uint64_t once = 1, copies;

		for (k = i; k < count && strcmp(paths[k], "--") != 0; k++)
			once += in[k].bytes;
		copies = bytes / groups / once + 1;
		for (size_t at = i; at < k; at++) {
			in[at].copies = (uint32_t)(copies > COPIES_MAX ? COPIES_MAX : copies);
			n += in[at].count * in[at].copies;
		}
	}
	return n;
}

void bench_corpus(const char *out, uint64_t bytes, char **paths, size_t count, struct json *j)
{
	struct arena_pool pool = {.budget = SIZE_MAX / 2};
	struct arena a = {.pool = &pool};
	struct capture_in *in = ARENA_ARRAY(&a, struct capture_in, count + 1);
	size_t n = 0, used = 0;
	uint32_t seed = 1;
	struct slot *slots;
	FILE *f;

	for (size_t i = 0; in != NULL && i < count; i++)
		used += strcmp(paths[i], "--") != 0 && capture_read(paths[i], &a, &in[i]);
	if (in != NULL)
		n = copies_choose(in, paths, count, bytes);
	slots = ARENA_ARRAY(&a, struct slot, n + 1);
	if (in == NULL || slots == NULL)
		bench_die("no memory for %zu packets", n);
	n = 0;
	for (size_t i = 0; i < count; i++) {
		for (uint32_t k = 0; k < in[i].copies; k++) {
			seed = seed * 1103515245U + 12345U;
			for (size_t p = 0; p < in[i].count; p++, n++)
				slots[n] = (struct slot){
					TIME_NS_PER_S * (1700000000 + (seed >> 8) % START_S) +
						in[i].frames[p].after_ns,
					&in[i].frames[p], k, (uint32_t)n};
		}
	}
	qsort(slots, n, sizeof *slots, slot_compare);
	f = begin(out);
	for (size_t i = 0; i < n; i++)
		slot_write(f, &slots[i]);
	if (fclose(f) != 0)
		bench_die("cannot write %s: %m", out);
	json_member_u64(j, "captures", used);
	json_member_u64(j, "packets", n);
}

/* --- made traffic --- */

struct segment {
	uint32_t flow, seq, ack, len;
	uint8_t flags;
	bool up;
};

static void be16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void be32(uint8_t *at, uint32_t v)
{
	be16(at, v >> 16);
	be16(at + 2, v & 0xffff);
}

static void segment_write(FILE *f, int64_t at_ns, const struct segment *s, uint8_t *frame)
{
	uint8_t *ip = frame + ETHER, *tcp = ip + 20;
	uint32_t client = 0x0a000000U + s->flow / 16, server = 0xc0a80001U;
	uint32_t sum = 0, cport = 1024 + s->flow % 16 * 4000, sport = 8080;

	memcpy(frame, "\2\0\0\0\0\1\2\0\0\0\0\2\10\0", ETHER);
	memset(ip, 0, 40);
	ip[0] = 0x45;
	be16(ip + 2, 40 + s->len);
	ip[8] = 64;
	ip[9] = 6;
	be32(ip + 12, s->up ? client : server);
	be32(ip + 16, s->up ? server : client);
	for (size_t i = 0; i < 20; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	be16(ip + 10, ~(sum + (sum >> 16)) & 0xffff);
	be16(tcp, s->up ? cport : sport);
	be16(tcp + 2, s->up ? sport : cport);
	be32(tcp + 4, s->seq);
	be32(tcp + 8, s->ack);
	tcp[12] = 0x50;
	tcp[13] = s->flags;
	be16(tcp + 14, 65535);
	record_head(f, at_ns, ETHER + 40 + s->len, ETHER + 40 + s->len);
	put(f, frame, ETHER + 40 + s->len);
}

/* Step 0 to 2 are the handshake; then each side sends in turn, which acknowledges the other. */
static struct segment step_of(uint32_t flow, uint32_t step, uint32_t payload)
{
	uint32_t sent = step < 3 ? 0 : step - 3;
	uint32_t up = 1 + (sent + 1) / 2 * payload, down = 1 + sent / 2 * payload;

	switch (step) {
	case 0:
		return (struct segment){flow, 0, 0, 0, 0x02, true};
	case 1:
		return (struct segment){flow, 0, 1, 0, 0x12, false};
	case 2:
		return (struct segment){flow, 1, 1, 0, 0x10, true};
	default:
		return sent % 2 == 0 ? (struct segment){flow, up, down, payload, 0x18, true}
				     : (struct segment){flow, down, up, payload, 0x18, false};
	}
}

void bench_synthetic(const char *out, uint32_t flows, uint32_t packets, uint32_t payload)
{
	uint8_t frame[ETHER + 40 + 1460];
	FILE *f = begin(out);
	uint32_t seed = 7;

	if (payload > 1460)
		bench_die("at most 1460 bytes a packet");
	for (size_t i = 0; i < sizeof frame; i++) {
		seed = seed * 1103515245U + 12345U;
		frame[i] = (uint8_t)("etaoin shrdlu.cmfwypvbgkjqxz0123456789/=&ETAOIN\r\n"[(seed >>
											    16) %
											   49]);
	}
	for (uint32_t i = 0; i < packets; i++) {
		struct segment s = step_of(i % flows, i / flows, payload);

		segment_write(f, TIME_NS_PER_S * 1700000000 + (int64_t)i * SEGMENT_GAP_NS, &s,
			      frame);
	}
	if (fclose(f) != 0)
		bench_die("cannot write %s: %m", out);
}
