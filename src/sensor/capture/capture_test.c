/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/capture/capture.h"

#include "test.h"

/* A file in the making, in either byte order. */
struct file {
	uint8_t bytes[1 << 16];
	size_t len;
	bool little;
};

static void put(struct file *f, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		f->bytes[f->len++] = (uint8_t)(v >> 8 * (f->little ? i : n - 1 - i));
}

static void put_bytes(struct file *f, struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		f->bytes[f->len++] = s.ptr[i];
}

static void pcap_header(struct file *f, bool little, uint32_t magic)
{
	f->len = 0;
	f->little = little;
	put(f, magic, 4);
	put(f, 2, 2);
	put(f, 4, 2);
	put(f, 0, 8);
	put(f, 65535, 4);
	put(f, 0xf0000001, 4); /* Ethernet, with a frame check sequence's length above */
}

static void pcap_record(struct file *f, uint32_t s, uint32_t fraction, struct slice data,
			uint32_t wire)
{
	put(f, s, 4);
	put(f, fraction, 4);
	put(f, data.len, 4);
	put(f, wire, 4);
	put_bytes(f, data);
}

static void block(struct file *f, uint32_t type, const struct file *body)
{
	put(f, type, 4);
	put(f, 12 + (body->len + 3) / 4 * 4, 4);
	put_bytes(f, (struct slice){body->bytes, body->len});
	while (f->len % 4 != 0)
		put(f, 0, 1);
	put(f, 12 + (body->len + 3) / 4 * 4, 4);
}

static struct file body; /* of the block in the making */

static void section(struct file *f, bool little)
{
	f->little = body.little = little;
	body.len = 0;
	put(&body, 0x1a2b3c4d, 4);
	put(&body, 1, 2);
	put(&body, 0, 2);
	put(&body, UINT64_MAX, 8);
	block(f, 0x0a0d0d0a, &body);
}

/* resolution 0xff: without options. */
static void interface(struct file *f, uint16_t link, uint32_t snaplen, uint8_t resolution,
		      int64_t offset)
{
	body.len = 0;
	put(&body, link, 2);
	put(&body, 0, 2);
	put(&body, snaplen, 4);
	if (resolution != 0xff) {
		put(&body, 2, 2); /* if_name: to be skipped, with its padding */
		put(&body, 5, 2);
		put_bytes(&body, SLICE("en0:1\0\0\0"));
		put(&body, 9, 2);
		put(&body, 1, 2);
		put(&body, resolution, 1);
		put(&body, 0, 3);
		put(&body, 14, 2);
		put(&body, 8, 2);
		put(&body, (uint64_t)offset, 8);
		put(&body, 0, 4);
	}
	block(f, 1, &body);
}

static void enhanced(struct file *f, uint32_t index, uint64_t ticks, struct slice data,
		     uint32_t wire)
{
	body.len = 0;
	put(&body, index, 4);
	put(&body, ticks >> 32, 4);
	put(&body, ticks & UINT32_MAX, 4);
	put(&body, data.len, 4);
	put(&body, wire, 4);
	put_bytes(&body, data);
	block(f, 6, &body);
}

static struct slice of(const struct file *f)
{
	return (struct slice){f->bytes, f->len};
}

static struct capture c;
static struct file f;
static struct fail why;
static struct capture_packet p;

static void what_is_no_capture_is_refused_with_what_was_found(struct test *t)
{
	static const struct {
		struct slice bytes;
		const char *text;
	} cases[] = {
		{{NULL, 0}, "the file is empty"},
		{SLICE("abc"), "not a capture: only 3 bytes"},
		{SLICE("abcdefgh"), "not a capture: begins with 61 62 63 64"},
		{SLICE("\x1f\x8b\x08\x00"), "not a capture: the file is compressed"},
		{SLICE("\xa1\xb2\xc3\xd4\0\2"), "pcap header cut short: 6 of 24 bytes"},
		{SLICE("\xa1\xb2\xc3\xd4\0\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"),
		 "pcap version 1.4 is not known, 2.4 is"},
		{SLICE("\x0a\x0d\x0d\x0a\0\0"),
		 "offset 0: block cut short: 6 of at least 12 bytes"},
		{SLICE("\x0a\x0d\x0d\x0a\0\0\0\x1c\x1a\x2b\x3c\x4e"),
		 "offset 0: byte-order magic is 1a2b3c4e"},
		{SLICE("\x0a\x0d\x0d\x0a\0\0\0\x0c\x1a\x2b\x3c\x4d"),
		 "offset 0: block length is 12 in front and 439041101 behind"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXPECT_UINT(t, capture_open(&c, cases[i].bytes, &why), ST_INVALID);
		EXPECT_SLICE(t, slice_of(why.text), slice_of(cases[i].text));
	}
}

static void pcap_is_read_in_both_byte_orders_and_three_forms(struct test *t)
{
	static const struct {
		uint32_t magic;
		int64_t ns;
	} forms[] = {{0xa1b2c3d4, 5000}, {0xa1b23c4d, 5}, {0xa1b2cd34, 5000}};

	for (unsigned i = 0; i < 6; i++) {
		pcap_header(&f, i % 2 == 0, forms[i / 2].magic);
		put(&f, 3, 4);
		put(&f, 5, 4);
		put(&f, 4, 4);
		put(&f, 60, 4);
		if (i / 2 == 2)
			put_bytes(&f, SLICE("IFINDPRT")); /* the modified form's extra bytes */
		put_bytes(&f, SLICE("data"));
		EXPECT_UINT(t, capture_open(&c, of(&f), &why), ST_OK);
		EXPECT_UINT(t, capture_next(&c, &p, &why), ST_OK);
		EXPECT_SLICE(t, p.data, SLICE("data"));
		EXPECT_UINT(t, p.wire_bytes, 60);
		EXPECT_UINT(t, p.linktype, 1);
		EXPECT_UINT(t, p.number, 1);
		EXPECT(t, p.at.ns == 3 * TIME_NS_PER_S + forms[i / 2].ns);
		EXPECT_UINT(t, capture_next(&c, &p, &why), ST_END);
		EXPECT_UINT(t, capture_next(&c, &p, &why), ST_END);
	}
}

static void an_empty_packet_is_a_packet_and_a_wire_length_cannot_be_less(struct test *t)
{
	pcap_header(&f, true, 0xa1b2c3d4);
	pcap_record(&f, 1, 0, (struct slice){NULL, 0}, 0);
	pcap_record(&f, 1, 0, SLICE("four"), 3);
	EXPECT_UINT(t, capture_open(&c, of(&f), &why), ST_OK);
	EXPECT_UINT(t, capture_next(&c, &p, &why), ST_OK);
	EXPECT_UINT(t, p.data.len + p.wire_bytes, 0);
	EXPECT_UINT(t, capture_next(&c, &p, &why), ST_OK);
	EXPECT_UINT(t, p.wire_bytes, 4);
}

static void what_comes_before_the_damage_is_given(struct test *t)
{
	size_t second;

	pcap_header(&f, true, 0xa1b2c3d4);
	pcap_record(&f, 1, 0, SLICE("first"), 5);
	second = f.len;
	pcap_record(&f, 1, 0, SLICE("second"), 6);
	for (size_t n = second; n < f.len; n++) {
		EXPECT_UINT(t, capture_open(&c, (struct slice){f.bytes, n}, &why), ST_OK);
		EXPECT_UINT(t, capture_next(&c, &p, &why), ST_OK);
		EXPECT_SLICE(t, p.data, SLICE("first"));
		for (unsigned again = 0; again < 2; again++)
			EXPECT_UINT(t, capture_next(&c, &p, &why),
				    n == second ? ST_END : ST_INVALID);
		if (n == second + 3)
			EXPECT_SLICE(t, slice_of(why.text),
				     SLICE("offset 45: record header cut short: 3 of 16 bytes"));
		if (n == f.len - 1)
			EXPECT_SLICE(t, slice_of(why.text),
				     SLICE("offset 45: packet cut short: 5 of 6 bytes"));
	}
}

static void a_record_may_be_as_long_as_libpcap_allows_and_no_longer(struct test *t)
{
	static uint8_t big[24 + 16 + CAPTURE_PACKET_MAX];

	for (uint32_t over = 0; over < 2; over++) {
		pcap_header(&f, true, 0xa1b2c3d4);
		put(&f, 0, 8);
		put(&f, CAPTURE_PACKET_MAX + over, 4);
		put(&f, CAPTURE_PACKET_MAX + over, 4);
		memcpy(big, f.bytes, f.len);
		EXPECT_UINT(t, capture_open(&c, (struct slice){big, sizeof big}, &why), ST_OK);
		EXPECT_UINT(t, capture_next(&c, &p, &why), over ? ST_INVALID : ST_OK);
	}
	EXPECT_SLICE(t, slice_of(why.text),
		     SLICE("offset 24: record claims 262145 bytes, at most 262144 are possible"));
}

static void pcapng_has_sections_interfaces_and_three_kinds_of_packets(struct test *t)
{
	static const int64_t second = TIME_NS_PER_S;

	f.len = 0;
	section(&f, false);
	interface(&f, 1, 0, 9, 100);	 /* nanoseconds, 100 s later */
	interface(&f, 101, 4, 0x8a, -1); /* 1/1024 s, 1 s earlier */
	body.len = 0;
	put_bytes(&body, SLICE("unknown block"));
	block(&f, 0xbad, &body);
	enhanced(&f, 0, 7, SLICE("enhanced"), 80);
	enhanced(&f, 1, 2048 + 512, SLICE("slow"), 4);
	body.len = 0; /* simple: cut at interface 0's snap length, of which there is none */
	put(&body, 6, 4);
	put_bytes(&body, SLICE("simple"));
	block(&f, 3, &body);
	section(&f, true); /* another byte order; interfaces are forgotten */
	interface(&f, 113, 0, 0xff, 0);
	body.len = 0;
	put(&body, 0, 2);
	put(&body, 9, 2);
	put(&body, 0, 4);
	put(&body, 1000001, 4);
	put(&body, 3, 4);
	put(&body, 3, 4);
	put_bytes(&body, SLICE("old"));
	block(&f, 2, &body);

	EXPECT_UINT(t, capture_open(&c, of(&f), &why), ST_OK);
	EXPECT_UINT(t, capture_next(&c, &p, &why), ST_OK);
	EXPECT_SLICE(t, p.data, SLICE("enhanced"));
	EXPECT(t, p.linktype == 1 && p.wire_bytes == 80 && p.at.ns == 100 * second + 7);
	EXPECT_UINT(t, capture_next(&c, &p, &why), ST_OK);
	EXPECT_SLICE(t, p.data, SLICE("slow"));
	EXPECT(t, p.linktype == 101 && p.at.ns == second + second / 2);
	EXPECT_UINT(t, capture_next(&c, &p, &why), ST_OK);
	EXPECT_SLICE(t, p.data, SLICE("simple"));
	EXPECT(t, p.linktype == 1 && p.at.ns == 0);
	EXPECT_UINT(t, capture_next(&c, &p, &why), ST_OK);
	EXPECT_SLICE(t, p.data, SLICE("old"));
	EXPECT(t, p.linktype == 113 && p.at.ns == second + 1000 && p.number == 4);
	EXPECT_UINT(t, capture_next(&c, &p, &why), ST_END);
}

static void a_simple_packet_ends_at_the_snap_length(struct test *t)
{
	f.len = 0;
	section(&f, true);
	interface(&f, 1, 5, 0xff, 0);
	body.len = 0;
	put(&body, 90, 4);
	put_bytes(&body, SLICE("simple--"));
	block(&f, 3, &body);
	EXPECT_UINT(t, capture_open(&c, of(&f), &why), ST_OK);
	EXPECT_UINT(t, capture_next(&c, &p, &why), ST_OK);
	EXPECT_SLICE(t, p.data, SLICE("simpl"));
	EXPECT_UINT(t, p.wire_bytes, 90);
}

static void times_out_of_range_are_held_or_refused(struct test *t)
{
	static const struct {
		uint8_t resolution;
		int64_t offset;
		uint64_t ticks;
		enum status st;
		int64_t ns;
	} cases[] = {
		{0, 0, UINT64_MAX, ST_OK, INT64_MAX},	  {0, INT64_MIN, 0, ST_OK, INT64_MIN},
		{19, 0, UINT64_MAX, ST_OK, 1844674407},	  {20, 0, 0, ST_INVALID, 0},
		{0xbf, 0, UINT64_MAX, ST_OK, 1999999999}, {0xc0, 0, 0, ST_INVALID, 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		f.len = 0;
		section(&f, true);
		interface(&f, 1, 0, cases[i].resolution, cases[i].offset);
		enhanced(&f, 0, cases[i].ticks, SLICE("x"), 1);
		EXPECT_UINT(t, capture_open(&c, of(&f), &why), ST_OK);
		EXPECT_UINT(t, capture_next(&c, &p, &why), cases[i].st);
		EXPECT(t, cases[i].st != ST_OK || p.at.ns == cases[i].ns);
	}
	EXPECT_SLICE(t, slice_of(why.text),
		     SLICE("offset 84: interface 0 has a time resolution out of range"));
}

static void interfaces_have_a_limit_and_packets_must_name_one(struct test *t)
{
	f.len = 0;
	section(&f, true);
	for (unsigned i = 0; i < CAPTURE_INTERFACES_MAX; i++)
		interface(&f, 1, 0, 0xff, 0);
	enhanced(&f, CAPTURE_INTERFACES_MAX - 1, 0, SLICE("x"), 1);
	interface(&f, 1, 0, 0xff, 0);
	EXPECT_UINT(t, capture_open(&c, of(&f), &why), ST_OK);
	EXPECT_UINT(t, capture_next(&c, &p, &why), ST_OK);
	EXPECT_UINT(t, capture_next(&c, &p, &why), ST_LIMIT);
	EXPECT_UINT(t, capture_next(&c, &p, &why), ST_LIMIT);
	f.len = 0;
	section(&f, true);
	enhanced(&f, 0, 0, SLICE("x"), 1);
	EXPECT_UINT(t, capture_open(&c, of(&f), &why), ST_OK);
	EXPECT_UINT(t, capture_next(&c, &p, &why), ST_INVALID);
	EXPECT_SLICE(t, slice_of(why.text),
		     SLICE("offset 28: packet of interface 0, 0 are described"));
}

/* Cut anywhere, or with any byte changed, a file gives packets that lie within it, and an end. */
static void no_damage_leads_out_of_the_file(struct test *t)
{
	static uint8_t copy[sizeof f.bytes];
	size_t n;

	f.len = 0;
	section(&f, true);
	interface(&f, 1, 100, 9, 5);
	enhanced(&f, 0, 7, SLICE("enhanced"), 80);
	section(&f, false);
	interface(&f, 1, 100, 9, 5);
	enhanced(&f, 0, 7, SLICE("again"), 80);
	for (unsigned i = 0; i < 20000; i++) {
		struct slice file;

		n = test_rand(t) % (f.len + 1);
		memcpy(copy, f.bytes, f.len);
		if (n > 0)
			copy[test_rand(t) % n] = (uint8_t)test_rand(t);
		file = (struct slice){copy, n};
		if (capture_open(&c, file, &why) != ST_OK)
			continue;
		while (capture_next(&c, &p, &why) == ST_OK)
			EXPECT(t, p.data.len == 0 || (p.data.ptr >= copy &&
						      p.data.ptr + p.data.len <= copy + n));
	}
}

TESTS(T(what_is_no_capture_is_refused_with_what_was_found),
      T(pcap_is_read_in_both_byte_orders_and_three_forms),
      T(an_empty_packet_is_a_packet_and_a_wire_length_cannot_be_less),
      T(what_comes_before_the_damage_is_given),
      T(a_record_may_be_as_long_as_libpcap_allows_and_no_longer),
      T(pcapng_has_sections_interfaces_and_three_kinds_of_packets),
      T(a_simple_packet_ends_at_the_snap_length), T(times_out_of_range_are_held_or_refused),
      T(interfaces_have_a_limit_and_packets_must_name_one), T(no_damage_leads_out_of_the_file))
