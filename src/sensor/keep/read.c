/* SPDX-License-Identifier: Apache-2.0
 *
 * A segment read again. Only what keep_encode_*() writes is taken: anything else is the end of what
 * is ours, for nobody can say what a crash made of it.
 *
 * 1. r->at only moves over a whole block of ours.
 * 2. A packet is given only if its bytes have its CRC-32. */
#include <zlib.h>

#include "base/text.h"
#include "sensor/keep/keep_priv.h"

struct block {
	uint32_t type;
	size_t bytes; /* type and lengths too */
	struct cursor body;
};

static bool block_at(struct slice bytes, size_t at, struct block *out)
{
	struct cursor c = cursor_of(slice_from(bytes, at));
	uint32_t type = cursor_le32(&c), n = cursor_le32(&c);
	struct cursor body;

	if (n < KEEP_BLOCK_LEAST || n % 4 != 0)
		return false;
	body = cursor_sub(&c, n - KEEP_BLOCK_LEAST);
	if (cursor_le32(&c) != n || !cursor_ok(&c))
		return false;
	*out = (struct block){type, n, body};
	return true;
}

/* The next option; false at the end of them, or where they make no sense. */
static bool option(struct cursor *c, uint16_t *out_code, struct slice *out)
{
	uint16_t code = cursor_le16(c), n = cursor_le16(c);
	struct slice value = cursor_take(c, n);

	(void)cursor_take(c, -(size_t)n & 3); /* padding */
	*out_code = code;
	*out = value;
	return cursor_ok(c) && code != KEEP_OPT_END;
}

static enum status corrupt(const struct keep_reader *r, const char *what, struct fail *why)
{
	return fail_set(why, ST_CORRUPT, "offset %zu: %s", r->at, what);
}

static bool section_name(struct slice text, uint8_t out[KEEP_SECTION_BYTES])
{
	struct slice words = SLICE(KEEP_HEAD_WORDS), hex = slice_from(text, words.len);

	if (!slice_starts(text, words) || hex.len != 2 * (size_t)KEEP_SECTION_BYTES)
		return false;
	for (size_t i = 0; i < KEEP_SECTION_BYTES; i++) {
		int high = text_hex(hex.ptr[2 * i]), low = text_hex(hex.ptr[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

enum status keep_reader_open(struct keep_reader *r, struct slice bytes, struct fail *why)
{
	struct block b;
	struct slice value;
	uint16_t code, major;
	bool named = false;

	memset(r, 0, sizeof *r);
	r->bytes = bytes;
	if (!block_at(bytes, 0, &b) || b.type != KEEP_BLOCK_SECTION)
		return corrupt(r, "it does not begin with a section of pcapng", why);
	if (cursor_le32(&b.body) != KEEP_ORDER_MAGIC)
		return corrupt(r, "it is not in our byte order", why);
	major = cursor_le16(&b.body);
	(void)cursor_take(&b.body, 2 + 8); /* minor version, length of the section */
	while (option(&b.body, &code, &value))
		if (code == KEEP_OPT_COMMENT)
			named = section_name(value, r->section);
	if (major != 1 || !named)
		return corrupt(r, "it is no segment of a packet ring", why);
	r->at = b.bytes;
	return ST_OK;
}

static bool interface_read(struct keep_reader *r, struct cursor *c)
{
	struct keep_interface i = {0};
	struct slice value;
	uint16_t code;
	bool nanoseconds = false;

	i.linktype = cursor_le16(c);
	(void)cursor_take(c, 2);
	i.snaplen = cursor_le32(c);
	if (!cursor_ok(c) || r->interface_count == KEEP_INTERFACES_MAX)
		return false;
	while (option(c, &code, &value)) {
		if (code == KEEP_IF_NAME)
			i.name = slice_part(value, 0, KEEP_NAME_MAX);
		if (code == KEEP_IF_TSRESOL)
			nanoseconds = value.len == 1 && value.ptr[0] == 9;
	}
	if (!nanoseconds)
		return false;
	r->interface_at[r->interface_count] = (uint32_t)r->at; /* < KEEP_SEGMENT_MOST */
	r->interfaces[r->interface_count++] = i;
	return true;
}

/* Words we do not know are left to those who wrote them. */
static void comment_read(struct slice text, struct keep_packet *p)
{
	while (text.ptr != NULL) {
		struct slice word = slice_split(&text, ' ');
		uint64_t id;

		if (slice_equal(word, SLICE(KEEP_STOPPED_WORD)))
			p->stopped = true;
		if (slice_starts(word, SLICE(KEEP_FLOW_WORD)) && p->flow_count < KEEP_FLOWS_MAX &&
		    text_u64(slice_from(word, sizeof KEEP_FLOW_WORD - 1), 1, UINT64_MAX, &id))
			p->flows[p->flow_count++] = id;
	}
}

static bool hash_is(struct slice value, struct slice data)
{
	struct cursor c = cursor_of(value);

	return cursor_u8(&c) == KEEP_HASH_CRC32 &&
	       cursor_le32(&c) == (uint32_t)crc32_z(0, data.ptr, data.len) && cursor_ok(&c) &&
	       cursor_left(&c) == 0;
}

static bool packet_read(const struct keep_reader *r, struct cursor *c, struct keep_packet *out)
{
	struct keep_packet p = {0};
	struct slice value;
	uint16_t code;
	uint64_t ns;
	uint32_t n;
	bool sure = false;

	p.interface = cursor_le32(c);
	ns = cursor_le32(c);
	ns = ns << 32 | cursor_le32(c);
	n = cursor_le32(c);
	p.wire_bytes = cursor_le32(c);
	if (n > KEEP_PACKET_MAX || ns > INT64_MAX || p.interface >= r->interface_count)
		return false;
	p.at.ns = (int64_t)ns;
	p.data = cursor_take(c, n);
	(void)cursor_take(c, -(size_t)n & 3);
	if (!cursor_ok(c))
		return false;
	while (option(c, &code, &value)) {
		struct cursor v = cursor_of(value);

		if (code == KEEP_OPT_COMMENT)
			comment_read(value, &p);
		if (code == KEEP_EPB_DROPCOUNT && value.len == 8)
			p.lost = cursor_le64(&v);
		if (code == KEEP_EPB_HASH)
			sure = hash_is(value, p.data);
	}
	if (!sure)
		return false;
	*out = p;
	return true;
}

enum status keep_reader_next(struct keep_reader *r, struct keep_packet *out, size_t *out_at,
			     struct fail *why)
{
	while (r->at < r->bytes.len) {
		struct block b;
		size_t at = r->at;

		if (at >= KEEP_SEGMENT_MOST)
			return corrupt(r, "a segment is not as long as that", why);
		if (!block_at(r->bytes, at, &b))
			return corrupt(r, "a block is not whole", why);
		switch (b.type) {
		case KEEP_BLOCK_INTERFACE:
			if (!interface_read(r, &b.body))
				return corrupt(r, "an interface makes no sense", why);
			break;
		case KEEP_BLOCK_PACKET:
			if (!packet_read(r, &b.body, out))
				return corrupt(r, "a packet is not as it was written", why);
			r->at += b.bytes;
			*out_at = at;
			return ST_OK;
		case KEEP_BLOCK_COUNTS:
			break;
		default:
			return corrupt(r, "a block is of a kind that we do not write", why);
		}
		r->at += b.bytes;
	}
	return ST_END;
}

bool keep_reader_describe(struct keep_reader *r, const struct keep_index *x)
{
	size_t at = r->at;
	bool good = memcmp(r->section, x->section, sizeof r->section) == 0;

	for (uint32_t i = 0; good && i < x->interface_count; i++) {
		struct block b;

		r->at = x->interface_at[i];
		good = r->at < r->bytes.len && block_at(r->bytes, r->at, &b) &&
		       b.type == KEEP_BLOCK_INTERFACE && interface_read(r, &b.body);
	}
	r->at = at;
	return good;
}

bool keep_reader_get(const struct keep_reader *r, size_t at, struct keep_packet *out)
{
	struct block b;

	return at % 4 == 0 && block_at(r->bytes, at, &b) && b.type == KEEP_BLOCK_PACKET &&
	       packet_read(r, &b.body, out);
}
