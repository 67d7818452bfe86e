/* SPDX-License-Identifier: Apache-2.0
 *
 * Classic pcap, and the choice between it and pcapng.
 *
 * 1. f->at only moves over a record that was given: an error repeats, and points at its cause.
 */
#include "sensor/capture/capture.h"

#include "sensor/capture/capture_priv.h"

enum {
	MAGIC_BYTES = 4,
	FILE_HEADER = 24,
	RECORD_HEADER = 16,
	RECORD_HEADER_MODIFIED = 24, /* + interface index, protocol, packet type */
	LINKTYPE_MASK = 0xffff,	     /* the upper half tells the length of a frame check sequence */
};

/* Numbers as they read in network order; the same number swapped means a little-endian file. */
#define MAGIC_MICROS UINT32_C(0xa1b2c3d4)
#define MAGIC_NANOS UINT32_C(0xa1b23c4d)
#define MAGIC_MODIFIED UINT32_C(0xa1b2cd34)
#define MAGIC_NG UINT32_C(0x0a0d0d0a)

static bool magic_known(uint32_t magic)
{
	return magic == MAGIC_MICROS || magic == MAGIC_NANOS || magic == MAGIC_MODIFIED;
}

static enum status pcap_open(struct capture *f, uint32_t magic, struct fail *why)
{
	struct cursor c = cursor_of(f->bytes);
	uint16_t major, minor;
	uint32_t snaplen, link;

	(void)cursor_take(&c, MAGIC_BYTES);
	major = capture_u16(f, &c);
	minor = capture_u16(f, &c);
	(void)cursor_take(&c, 8); /* zone and accuracy: always 0 */
	snaplen = capture_u32(f, &c);
	link = capture_u32(f, &c);
	if (!cursor_ok(&c))
		return fail_set(why, ST_INVALID, "pcap header cut short: %zu of %d bytes",
				f->bytes.len, FILE_HEADER);
	if (major != 2)
		return fail_set(why, ST_INVALID, "pcap version %u.%u is not known, 2.4 is", major,
				minor);
	f->nanos = magic == MAGIC_NANOS;
	f->record_bytes = magic == MAGIC_MODIFIED ? RECORD_HEADER_MODIFIED : RECORD_HEADER;
	f->interfaces[0] = (struct capture_interface){
		.linktype = link & LINKTYPE_MASK,
		.snaplen = snaplen,
		.ticks_per_s = f->nanos ? UINT64_C(1000000000) : UINT64_C(1000000),
	};
	f->interface_count = 1;
	f->at = FILE_HEADER;
	return ST_OK;
}

enum status capture_open(struct capture *f, struct slice bytes, struct fail *why)
{
	struct cursor c = cursor_of(bytes);
	uint32_t magic = cursor_be32(&c);

	*f = (struct capture){.bytes = bytes};
	if (bytes.len == 0)
		return fail_set(why, ST_INVALID, "the file is empty");
	if (!cursor_ok(&c))
		return fail_set(why, ST_INVALID, "not a capture: only %zu bytes", bytes.len);
	if (magic == MAGIC_NG) { /* the same in both byte orders */
		f->ng = true;
		return capture_ng_open(f, why);
	}
	if (!magic_known(magic)) {
		f->swapped = true;
		magic = __builtin_bswap32(magic);
	}
	if (magic_known(magic))
		return pcap_open(f, magic, why);
	if (slice_starts(bytes, SLICE("\x1f\x8b")) ||
	    slice_starts(bytes, SLICE("\x28\xb5\x2f\xfd")))
		return fail_set(why, ST_INVALID, "not a capture: the file is compressed");
	return fail_set(why, ST_INVALID, "not a capture: begins with %02x %02x %02x %02x",
			bytes.ptr[0], bytes.ptr[1], bytes.ptr[2], bytes.ptr[3]);
}

static enum status pcap_next(struct capture *f, struct capture_packet *out, struct fail *why)
{
	struct cursor c = cursor_of(slice_from(f->bytes, f->at));
	uint32_t seconds, fraction, captured, wire;
	struct slice data;

	if (cursor_left(&c) == 0)
		return ST_END;
	seconds = capture_u32(f, &c);
	fraction = capture_u32(f, &c);
	captured = capture_u32(f, &c);
	wire = capture_u32(f, &c);
	(void)cursor_take(&c, (size_t)f->record_bytes - RECORD_HEADER);
	if (!cursor_ok(&c))
		return fail_set(why, ST_INVALID,
				"offset %zu: record header cut short: %zu of %u bytes", f->at,
				f->bytes.len - f->at, f->record_bytes);
	if (captured > CAPTURE_PACKET_MAX)
		return fail_set(why, ST_INVALID,
				"offset %zu: record claims %u bytes, at most %d are possible",
				f->at, captured, CAPTURE_PACKET_MAX);
	if (captured > cursor_left(&c))
		return fail_set(why, ST_INVALID, "offset %zu: packet cut short: %zu of %u bytes",
				f->at, cursor_left(&c), captured);
	data = cursor_take(&c, captured);
	f->at += f->record_bytes + (size_t)captured;
	*out = (struct capture_packet){
		.data = data,
		.wire_bytes = wire > captured ? wire : captured,
		.linktype = f->interfaces[0].linktype,
		/* at most 2^32 s and 2^32 us: fits */
		.at = {(int64_t)seconds * TIME_NS_PER_S +
		       (int64_t)fraction * (f->nanos ? 1 : 1000)},
		.number = ++f->packets,
	};
	return ST_OK;
}

enum status capture_next(struct capture *f, struct capture_packet *out, struct fail *why)
{
	return f->ng ? capture_ng_next(f, out, why) : pcap_next(f, out, why);
}
