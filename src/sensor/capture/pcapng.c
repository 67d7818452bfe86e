/* SPDX-License-Identifier: Apache-2.0
 *
 * pcapng: blocks of type, length, body and the length again. A section header sets the byte order
 * and forgets the interfaces; what is not known is skipped by its length.
 *
 * 1. A block is looked at only after both of its lengths agree and lie within the file.
 * 2. f->at only moves over a whole block that made sense.
 */
#include "sensor/capture/capture_priv.h"

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 2, /* obsolete, still written by old tools */
	BLOCK_SIMPLE = 3,
	BLOCK_ENHANCED = 6,
	BLOCK_LEAST = 12, /* bytes: type and two lengths */
	OPT_END = 0,
	OPT_TSRESOL = 9,
	OPT_TSOFFSET = 14,
};

#define BYTE_ORDER_MAGIC UINT32_C(0x1a2b3c4d)

struct block {
	uint32_t type;
	size_t at, bytes; /* in the file; bytes holds type and lengths too */
	struct cursor body;
};

/* A section header tells its own byte order before its length can be read. */
static enum status section_order(struct capture *f, struct fail *why)
{
	struct cursor c = cursor_of(slice_from(f->bytes, f->at));
	uint32_t magic;

	(void)cursor_take(&c, 8);
	magic = cursor_be32(&c);
	if (!cursor_ok(&c))
		return fail_set(why, ST_INVALID, "offset %zu: section header cut short", f->at);
	if (magic != BYTE_ORDER_MAGIC && magic != __builtin_bswap32(BYTE_ORDER_MAGIC))
		return fail_set(why, ST_INVALID, "offset %zu: byte-order magic is %08x", f->at,
				magic);
	f->swapped = magic != BYTE_ORDER_MAGIC;
	return ST_OK;
}

/* The block at f->at; ST_END at the end of the file. */
static enum status block_read(struct capture *f, struct block *out, struct fail *why)
{
	struct cursor c = cursor_of(slice_from(f->bytes, f->at));
	size_t left = cursor_left(&c);
	struct cursor peek = c, body;
	uint32_t type, bytes, again;

	if (left == 0)
		return ST_END;
	if (left < BLOCK_LEAST)
		return fail_set(why, ST_INVALID,
				"offset %zu: block cut short: %zu of at least %d bytes", f->at,
				left, BLOCK_LEAST);
	if (cursor_be32(&peek) == BLOCK_SECTION) {
		enum status st = section_order(f, why);

		if (st != ST_OK)
			return st;
	}
	type = capture_u32(f, &c);
	bytes = capture_u32(f, &c);
	if (bytes < BLOCK_LEAST || bytes % 4 != 0)
		return fail_set(why, ST_INVALID, "offset %zu: block length %u makes no sense",
				f->at, bytes);
	if (bytes > left)
		return fail_set(why, ST_INVALID, "offset %zu: block cut short: %zu of %u bytes",
				f->at, left, bytes);
	body = cursor_sub(&c, bytes - BLOCK_LEAST);
	again = capture_u32(f, &c);
	if (again != bytes)
		return fail_set(why, ST_INVALID,
				"offset %zu: block length is %u in front and %u behind", f->at,
				bytes, again);
	*out = (struct block){type, f->at, bytes, body};
	return ST_OK;
}

static enum status section_read(struct capture *f, struct block *b, struct fail *why)
{
	uint16_t major, minor;

	(void)cursor_take(&b->body, 4); /* byte-order magic, already used */
	major = capture_u16(f, &b->body);
	minor = capture_u16(f, &b->body);
	(void)cursor_take(&b->body, 8); /* section length: the blocks say it better */
	if (!cursor_ok(&b->body))
		return fail_set(why, ST_INVALID, "offset %zu: section header of only %zu bytes",
				b->at, b->bytes);
	if (major != 1)
		return fail_set(why, ST_INVALID, "offset %zu: pcapng version %u.%u is not known",
				b->at, major, minor);
	f->interface_count = 0;
	return ST_OK;
}

/* 10^-v seconds, or 2^-(v & 127) with the top bit; 0 if a tick rate does not fit 64 bits. */
static uint64_t ticks_of(uint8_t v)
{
	unsigned exponent = v & 0x7f;
	uint64_t ticks = 1;

	if ((v & 0x80) != 0)
		return exponent > 63 ? 0 : UINT64_C(1) << exponent;
	if (exponent > 19)
		return 0;
	while (exponent-- > 0)
		ticks *= 10;
	return ticks;
}

static void interface_options(struct capture *f, struct cursor c, struct capture_interface *out)
{
	while (cursor_left(&c) >= 4) {
		uint16_t code = capture_u16(f, &c), len = capture_u16(f, &c);
		struct cursor value = cursor_sub(&c, len);

		(void)cursor_take(&c, (size_t)(-(unsigned)len & 3)); /* values are padded to 4 */
		if (code == OPT_END || !cursor_ok(&value))
			return;
		if (code == OPT_TSRESOL && len == 1) {
			out->ticks_per_s = ticks_of(cursor_u8(&value));
		} else if (code == OPT_TSOFFSET && len == 8) {
			uint64_t v = cursor_be64(&value);

			out->offset_s = (int64_t)(f->swapped ? __builtin_bswap64(v) : v);
		}
	}
}

static enum status interface_read(struct capture *f, struct block *b, struct fail *why)
{
	struct capture_interface i = {.ticks_per_s = 1000000};

	i.linktype = capture_u16(f, &b->body);
	(void)cursor_take(&b->body, 2);
	i.snaplen = capture_u32(f, &b->body);
	if (!cursor_ok(&b->body))
		return fail_set(why, ST_INVALID,
				"offset %zu: interface description of only %zu bytes", b->at,
				b->bytes);
	if (f->interface_count == CAPTURE_INTERFACES_MAX)
		return fail_set(why, ST_LIMIT, "offset %zu: more than %d interfaces", b->at,
				CAPTURE_INTERFACES_MAX);
	interface_options(f, b->body, &i);
	f->interfaces[f->interface_count++] = i;
	return ST_OK;
}

/* Ticks since 1970 on an interface as nanoseconds, held within what an int64_t can say. */
static struct wall_ns wall_of(const struct capture_interface *i, uint64_t ticks)
{
	__int128 ns = (__int128)(ticks / i->ticks_per_s) * TIME_NS_PER_S +
		      (__int128)(ticks % i->ticks_per_s) * TIME_NS_PER_S / i->ticks_per_s +
		      (__int128)i->offset_s * TIME_NS_PER_S;

	if (ns > INT64_MAX)
		return (struct wall_ns){INT64_MAX};
	return (struct wall_ns){ns < INT64_MIN ? INT64_MIN : (int64_t)ns};
}

/* One of the three packet blocks. */
static enum status packet_read(struct capture *f, struct block *b, struct capture_packet *out,
			       struct fail *why)
{
	struct cursor *c = &b->body;
	uint32_t index = 0, captured, wire;
	uint64_t ticks = 0;
	const struct capture_interface *i;
	struct slice data;

	if (b->type == BLOCK_ENHANCED) {
		index = capture_u32(f, c);
	} else if (b->type == BLOCK_PACKET) {
		index = capture_u16(f, c);
		(void)cursor_take(c, 2); /* drops */
	}
	if (b->type != BLOCK_SIMPLE) {
		uint64_t high = capture_u32(f, c);

		ticks = high << 32 | capture_u32(f, c);
	}
	captured = b->type == BLOCK_SIMPLE ? 0 : capture_u32(f, c);
	wire = capture_u32(f, c);
	if (!cursor_ok(c))
		return fail_set(why, ST_INVALID, "offset %zu: packet block of only %zu bytes",
				b->at, b->bytes);
	if (index >= f->interface_count)
		return fail_set(why, ST_INVALID,
				"offset %zu: packet of interface %u, %u are described", b->at,
				index, f->interface_count);
	i = &f->interfaces[index];
	if (i->ticks_per_s == 0)
		return fail_set(why, ST_INVALID,
				"offset %zu: interface %u has a time resolution out of range",
				b->at, index);
	if (b->type == BLOCK_SIMPLE) /* what was captured is not said: all there is room for */
		captured = i->snaplen != 0 && wire > i->snaplen ? i->snaplen : wire;
	if (captured > CAPTURE_PACKET_MAX)
		return fail_set(why, ST_INVALID,
				"offset %zu: block claims %u bytes, at most %d are possible", b->at,
				captured, CAPTURE_PACKET_MAX);
	if (captured > cursor_left(c))
		return fail_set(why, ST_INVALID, "offset %zu: block claims %u bytes and holds %zu",
				b->at, captured, cursor_left(c));
	data = cursor_take(c, captured);
	*out = (struct capture_packet){
		.data = data,
		.wire_bytes = wire > captured ? wire : captured,
		.linktype = i->linktype,
		.at = b->type == BLOCK_SIMPLE ? (struct wall_ns){0} : wall_of(i, ticks),
		.number = ++f->packets,
	};
	return ST_OK;
}

enum status capture_ng_open(struct capture *f, struct fail *why)
{
	struct block b;
	enum status st = block_read(f, &b, why);

	if (st == ST_OK)
		st = section_read(f, &b, why);
	if (st == ST_OK)
		f->at += b.bytes;
	return st;
}

enum status capture_ng_next(struct capture *f, struct capture_packet *out, struct fail *why)
{
	for (;;) {
		struct block b;
		enum status st = block_read(f, &b, why);
		bool given = false;

		if (st != ST_OK)
			return st;
		switch (b.type) {
		case BLOCK_SECTION:
			st = section_read(f, &b, why);
			break;
		case BLOCK_INTERFACE:
			st = interface_read(f, &b, why);
			break;
		case BLOCK_PACKET:
		case BLOCK_SIMPLE:
		case BLOCK_ENHANCED:
			st = packet_read(f, &b, out, why);
			given = true;
			break;
		default:
			break;
		}
		if (st != ST_OK)
			return st;
		f->at += b.bytes;
		if (given)
			return ST_OK;
	}
}
