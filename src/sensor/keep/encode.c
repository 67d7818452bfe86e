/* SPDX-License-Identifier: Apache-2.0
 *
 * Blocks of a segment. A block is type, length, body padded to 4, options, length again.
 *
 * 1. All lengths are bounded by the enum of keep.h, which the test walks. */
#include <zlib.h>

#include "sensor/keep/keep_priv.h"

struct writer {
	uint8_t *begin, *at;
};

static void put16(struct writer *w, uint16_t v)
{
	*w->at++ = (uint8_t)v;
	*w->at++ = (uint8_t)(v >> 8);
}

static void put32(struct writer *w, uint32_t v)
{
	put16(w, (uint16_t)v);
	put16(w, (uint16_t)(v >> 16));
}

static void put64(struct writer *w, uint64_t v)
{
	put32(w, (uint32_t)v);
	put32(w, (uint32_t)(v >> 32));
}

static void put_bytes(struct writer *w, struct slice s)
{
	if (s.len != 0)
		memcpy(w->at, s.ptr, s.len);
	w->at += s.len;
	for (size_t n = s.len; n % 4 != 0; n++)
		*w->at++ = 0;
}

static struct writer block(uint8_t *out, uint32_t type)
{
	struct writer w = {out, out};

	put32(&w, type);
	put32(&w, 0); /* block_end() */
	return w;
}

static size_t block_end(struct writer *w)
{
	size_t n = (size_t)(w->at - w->begin) + 4;
	struct writer length = {w->begin, w->begin + 4};

	put32(w, (uint32_t)n);
	put32(&length, (uint32_t)n);
	return n;
}

static void option(struct writer *w, uint16_t code, struct slice value)
{
	put16(w, code);
	put16(w, (uint16_t)value.len); /* all of ours are short */
	put_bytes(w, value);
}

static void option64(struct writer *w, uint16_t code, uint64_t v)
{
	put16(w, code);
	put16(w, 8);
	put64(w, v);
}

static void time_halves(struct writer *w, struct wall_ns at)
{
	uint64_t ns = at.ns < 0 ? 0 : (uint64_t)at.ns;

	put32(w, (uint32_t)(ns >> 32));
	put32(w, (uint32_t)ns);
}

size_t keep_encode_head(const uint8_t section[KEEP_SECTION_BYTES], uint8_t out[KEEP_HEAD_BYTES])
{
	struct writer w = block(out, KEEP_BLOCK_SECTION);
	uint8_t text[sizeof KEEP_HEAD_WORDS - 1 + 2 * KEEP_SECTION_BYTES];
	size_t n = sizeof KEEP_HEAD_WORDS - 1;

	put32(&w, KEEP_ORDER_MAGIC);
	put16(&w, 1);
	put16(&w, 0);
	put64(&w, UINT64_MAX); /* the section's length: not known yet */
	memcpy(text, KEEP_HEAD_WORDS, n);
	for (size_t i = 0; i < KEEP_SECTION_BYTES; i++) {
		text[n++] = (uint8_t) "0123456789abcdef"[section[i] >> 4];
		text[n++] = (uint8_t) "0123456789abcdef"[section[i] & 15];
	}
	option(&w, KEEP_OPT_COMMENT, (struct slice){text, n});
	option(&w, KEEP_SHB_USERAPPL, SLICE("dewline"));
	option(&w, KEEP_OPT_END, SLICE(""));
	return block_end(&w);
}

size_t keep_encode_interface(const struct keep_interface *i, uint8_t out[KEEP_INTERFACE_BYTES])
{
	struct writer w = block(out, KEEP_BLOCK_INTERFACE);
	static const uint8_t nanoseconds[] = {9};

	put16(&w, (uint16_t)i->linktype); /* LINKTYPE_ values have 16 bits */
	put16(&w, 0);
	put32(&w, i->snaplen);
	if (i->name.len != 0)
		option(&w, KEEP_IF_NAME, slice_part(i->name, 0, KEEP_NAME_MAX));
	option(&w, KEEP_IF_TSRESOL, (struct slice){nanoseconds, sizeof nanoseconds});
	option(&w, KEEP_OPT_END, SLICE(""));
	return block_end(&w);
}

size_t keep_encode_counts(const struct keep_counts *c, uint8_t out[KEEP_COUNTS_BYTES])
{
	struct writer w = block(out, KEEP_BLOCK_COUNTS);

	put32(&w, c->interface);
	time_halves(&w, c->at);
	option64(&w, KEEP_ISB_RECEIVED, c->received);
	option64(&w, KEEP_ISB_OSDROP, c->kernel_drops);
	option64(&w, KEEP_ISB_USRDELIV, c->kept);
	option(&w, KEEP_OPT_END, SLICE(""));
	return block_end(&w);
}

/* "flow=1234 flow=5678 stopped" */
static size_t comment(const struct keep_packet *p, uint8_t *out)
{
	struct buf b = {.ptr = out, .room = KEEP_COMMENT_MAX, .most = KEEP_COMMENT_MAX};

	for (size_t i = 0; i < p->flow_count && i < KEEP_FLOWS_MAX; i++) {
		buf_add_z(&b, b.len != 0 ? " " KEEP_FLOW_WORD : KEEP_FLOW_WORD);
		buf_add_u64(&b, p->flows[i]);
	}
	if (p->stopped)
		buf_add_z(&b, b.len != 0 ? " " KEEP_STOPPED_WORD : KEEP_STOPPED_WORD);
	ASSERT(!b.full);
	return b.len;
}

size_t keep_encode_packet(const struct keep_packet *p, uint8_t *out)
{
	struct writer w = block(out, KEEP_BLOCK_PACKET);
	uint32_t crc = (uint32_t)crc32_z(0, p->data.ptr, p->data.len);
	uint8_t text[KEEP_COMMENT_MAX];
	size_t n = comment(p, text);

	ASSERT(p->data.len <= KEEP_PACKET_MAX);
	put32(&w, p->interface);
	time_halves(&w, p->at);
	put32(&w, (uint32_t)p->data.len);
	put32(&w, p->wire_bytes);
	put_bytes(&w, p->data);
	if (n != 0)
		option(&w, KEEP_OPT_COMMENT, (struct slice){text, n});
	if (p->lost != 0)
		option64(&w, KEEP_EPB_DROPCOUNT, p->lost);
	/* last: a comment that is not whole leaves none */
	put16(&w, KEEP_EPB_HASH);
	put16(&w, 5);
	*w.at++ = KEEP_HASH_CRC32;
	put32(&w, crc);
	for (int i = 0; i < 3; i++)
		*w.at++ = 0;
	option(&w, KEEP_OPT_END, SLICE(""));
	return block_end(&w);
}
