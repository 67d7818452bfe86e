/* SPDX-License-Identifier: Apache-2.0
 *
 * What an RDP client says of itself: the settings data blocks of MS-RDPBCGR 2.2.1.3, inside an MCS
 * Connect Initial (T.125 7, skipped) with a GCC conference create request (T.124 8.7, skipped up to
 * the key that announces them).
 */
#include "base/text.h"
#include "sensor/app/rdp_priv.h"

enum {
	BLOCK_CORE = 0xc001,
	BLOCK_NET = 0xc003,
	BLOCK_HEADER = 4,
	NAME_BYTES = 32,
	IME_BYTES = 64,
	ID_BYTES = 64,
	CHANNEL_NAME = 8,
};

/* UTF-16, little-endian, up to a NUL, as UTF-8; half a pair is U+FFFD. */
static struct slice text16(struct slice s, struct arena *a)
{
	struct buf out = buf_in(a);
	struct cursor c = cursor_of(s);
	uint16_t unit, low;

	while (cursor_left(&c) >= 2 && (unit = cursor_le16(&c)) != 0) {
		struct cursor look = c;

		low = cursor_le16(&look);
		if (unit >> 10 == 0x36 && cursor_ok(&look) && low >> 10 == 0x37) {
			c = look;
			text_utf8_add(&out, 0x10000U + ((unit & 0x3ffU) << 10) + (low & 0x3ffU));
		} else {
			text_utf8_add(&out, unit >> 11 == 0x1b ? 0xfffd : unit);
		}
	}
	return out.full || out.len == 0 ? SLICE("") : buf_slice(&out);
}

static bool is_depth_beta(uint16_t v)
{
	return v == 0 || (v >= 0xca00 && v <= 0xca04);
}

static bool is_depth_high(uint16_t v)
{
	return v == 0 || v == 4 || v == 8 || v == 15 || v == 16 || v == 24;
}

static bool is_millimetres(uint32_t v)
{
	return v >= 10 && v <= 10000;
}

static bool is_orientation(uint16_t v)
{
	return v == 0 || v == 90 || v == 180 || v == 270;
}

/* The fields that may be missing. Each step is taken only after the one before it. */
static void read_optional(struct cursor *c, struct rdp_core *o, struct arena *a)
{
#define STEP(field, value, valid)                                                                  \
	do {                                                                                       \
		o->field = value;                                                                  \
		if (!cursor_ok(c) || !(valid))                                                     \
			return;                                                                    \
		o->count++;                                                                        \
	} while (0)
	STEP(color_depth_beta, cursor_le16(c), is_depth_beta(o->color_depth_beta));
	STEP(product, cursor_le16(c), true);
	STEP(serial, cursor_le32(c), true);
	STEP(color_depth_high, cursor_le16(c), is_depth_high(o->color_depth_high));
	STEP(color_depths, cursor_le16(c), o->color_depths < 0x10);
	STEP(capabilities, cursor_le16(c), o->capabilities < 0x800);
	STEP(id, text16(cursor_take(c, ID_BYTES), a), true);
	STEP(hint, cursor_u8(c), o->hint <= 7);
	STEP(pad, cursor_u8(c), true);
	STEP(protocol, cursor_le32(c), o->protocol < 0x10);
	STEP(physical_width, cursor_le32(c), is_millimetres(o->physical_width));
	STEP(physical_height, cursor_le32(c), is_millimetres(o->physical_height));
	STEP(orientation, cursor_le16(c), is_orientation(o->orientation));
	STEP(scale, cursor_le32(c), o->scale >= 100 && o->scale <= 500);
	STEP(device_scale, cursor_le32(c),
	     o->device_scale == 100 || o->device_scale == 140 || o->device_scale == 180);
#undef STEP
}

/* False: it is too short. */
static bool read_core(struct slice block, struct rdp_core *o, struct arena *a)
{
	struct cursor c = cursor_of(block);

	*o = (struct rdp_core){.version = cursor_le32(&c)};
	o->width = cursor_le16(&c);
	o->height = cursor_le16(&c);
	o->color_depth = cursor_le16(&c);
	(void)cursor_le16(&c); /* the sequence that calls for attention */
	o->keyboard_layout = cursor_le32(&c);
	o->build = cursor_le32(&c);
	o->name = text16(cursor_take(&c, NAME_BYTES), a);
	o->keyboard = cursor_le32(&c);
	o->keyboard_subtype = cursor_le32(&c);
	o->function_keys = cursor_le32(&c);
	o->ime = text16(cursor_take(&c, IME_BYTES), a);
	if (!cursor_ok(&c))
		return false;
	read_optional(&c, o, a);
	return true;
}

/* 2.2.1.3.4: a count, then names of 8 bytes with four of options. */
static void read_net(struct slice block, struct rdp_tx *t, struct arena *a)
{
	struct cursor c = cursor_of(block);
	uint32_t n = cursor_le32(&c);

	while (n-- != 0 && t->channel_count < RDP_CHANNELS_MAX) {
		struct slice name = cursor_take(&c, CHANNEL_NAME);
		const uint8_t *nul = name.len != 0 ? memchr(name.ptr, 0, name.len) : NULL;

		(void)cursor_le32(&c);
		if (!cursor_ok(&c))
			break;
		if (nul != NULL)
			name.len = (size_t)(nul - name.ptr);
		t->channels[t->channel_count++] = arena_copy(a, name);
	}
}

void app_rdp_connect_request(struct slice pdu, struct app_tx *tx)
{
	struct rdp_tx *t = tx->data;
	size_t at = slice_find(pdu, SLICE("Duca")), n;
	struct cursor c = cursor_of(slice_from(pdu, at == SIZE_MAX ? pdu.len : at + 4)), data;

	n = cursor_u8(&c);
	if ((n & 0x80) != 0) /* X.691 10.9.3: of one byte or of two */
		n = (n & 0x3f) << 8 | cursor_u8(&c);
	data = cursor_sub(&c, n);
	while (cursor_left(&data) >= BLOCK_HEADER) {
		uint16_t type = cursor_le16(&data);
		size_t length = cursor_le16(&data);
		struct slice block;

		if (length < BLOCK_HEADER)
			break;
		block = cursor_take(&data, length - BLOCK_HEADER);
		if (!cursor_ok(&data))
			break;
		if (type == BLOCK_CORE && !t->has_core)
			t->has_core = read_core(block, &t->core, &tx->arena);
		else if (type == BLOCK_NET)
			read_net(block, t, &tx->arena);
	}
}
