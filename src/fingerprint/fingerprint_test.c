/* SPDX-License-Identifier: Apache-2.0 */
#include "fingerprint/fingerprint.h"
#include "test.h"

#define BYTES(...)                                                                                 \
	((struct slice){(const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})})

static bool refused(struct slice bytes, const char *why_not)
{
	struct fingerprint_event room[FINGERPRINT_EVENTS_MAX];
	struct fingerprint f = {.count = 77};
	struct fail why = {0};

	return fingerprint_parse(bytes, &f, room, &why) == ST_INVALID && f.count == 77 &&
	       strstr(why.text, why_not) != NULL;
}

static bool taken(struct slice bytes)
{
	struct fingerprint_event room[FINGERPRINT_EVENTS_MAX];
	uint8_t again[FINGERPRINT_BYTES_MAX];
	struct fingerprint f;
	struct fail why;

	return fingerprint_parse(bytes, &f, room, &why) == ST_OK &&
	       fingerprint_encode(&f, again) == bytes.len &&
	       memcmp(again, bytes.ptr, bytes.len) == 0;
}

static void small_numbers_are_exact_and_great_ones_to_one_part_in_eight(struct test *t)
{
	EXPECT_UINT(t, fingerprint_class(UINT32_MAX), FINGERPRINT_CLASSES - 1);
	for (unsigned c = 0; c < FINGERPRINT_CLASSES; c++)
		EXPECT_UINT(t, fingerprint_class(fingerprint_class_value((uint8_t)c)), c);
	for (uint32_t v = 0; v < 16; v++)
		EXPECT_UINT(t, fingerprint_class_value(fingerprint_class(v)), v);
	for (int i = 0; i < 20000; i++) {
		uint32_t v = (uint32_t)test_rand(t) >> (test_rand(t) & 31);
		uint32_t w = fingerprint_class_value(fingerprint_class(v));
		uint32_t off = v > w ? v - w : w - v;

		EXPECT(t, off <= v / 16 + 1);
		EXPECT(t, v == UINT32_MAX || fingerprint_class(v) <= fingerprint_class(v + 1));
	}
}

static void the_format_is_as_its_document_says(struct test *t)
{
	struct fingerprint_event events[] = {
		{1, 36, 2, 1, 0}, {2, 100, 2, 5, 1}, {40, 57600, 2046, 2, 0}};
	struct fingerprint f = {0x01020304, 6, 0, 3, events}, back;
	struct fingerprint_event room[FINGERPRINT_EVENTS_MAX];
	uint8_t bytes[FINGERPRINT_BYTES_MAX];
	struct fail why;
	size_t n = fingerprint_encode(&f, bytes);

	EXPECT_SLICE(t, ((struct slice){bytes, n}),
		     BYTES(1, 6, 0, 1, 2, 3, 4, 3, /* */
			   4, 0, 1, 25,		   /* 36 is of 36..39 */
			   1, 4, 2, 36,		   /* 100 is of 96..103 */
			   0x80 | 2044 >> 6, 2044 << 1 & 0x7f, 1, 26, 110));
	EXPECT(t, fingerprint_parse((struct slice){bytes, n}, &back, room, &why) == ST_OK);
	EXPECT(t, back.segment == 0x01020304 && back.proto == 6 && back.count == 3);
	EXPECT(t, room[0].bytes == 38 && room[1].bytes == 100 && room[2].bin == 2046);
	EXPECT(t, room[2].bins == 2 && room[2].pkts == 42 && room[2].dir == 0);
	EXPECT(t, fingerprint_start(&back, &room[1]).ns ==
			  (INT64_C(0x01020304) << 34) + (INT64_C(2) << 23));
}

static void only_the_one_form_is_taken(struct test *t)
{
	EXPECT(t, taken(BYTES(1, 6, 0, 0, 0, 0, 9, 1, 0, 0, 1, 1)));
	EXPECT(t, refused(BYTES(2, 6, 0, 0, 0, 0, 9, 1, 0, 0, 1, 1), "version 2"));
	EXPECT(t, taken(BYTES(1, 6, 7, 0, 0, 0, 9, 1, 0, 15, 1, 1)));
	EXPECT(t, refused(BYTES(1, 6, 8, 0, 0, 0, 9, 1, 0, 0, 1, 1), "2^31"));
	EXPECT(t, refused(BYTES(1, 6, 7, 0, 0, 0, 9, 1, 0, 16, 1, 1), "behind its segment"));
	EXPECT(t, taken(BYTES(1, 6, 0, 0x1f, 255, 255, 255, 1, 0, 0, 1, 1)));
	EXPECT(t, refused(BYTES(1, 6, 0, 0x20, 0, 0, 0, 1, 0, 0, 1, 1), "2261"));
	EXPECT(t, refused(BYTES(1, 6, 0, 0, 0, 0, 9, 0), "1 to 128"));
	EXPECT(t, refused(BYTES(1, 6, 0, 0, 0, 0, 9, 129, 0, 0, 1, 1), "1 to 128"));
	EXPECT(t, refused(BYTES(1, 6, 0, 0, 0, 0, 9, 1, 0, 0, 0, 1), "number"));
	EXPECT(t, refused(BYTES(1, 6, 0, 0, 0, 0, 9, 1, 0, 0, 1, 0), "number"));
	EXPECT(t, refused(BYTES(1, 6, 0, 0, 0, 0, 9, 1, 0, 0, 1, 240), "number"));
	EXPECT(t, refused(BYTES(1, 6, 0, 0, 0, 0, 9, 1, 0, 64, 1, 1), "too long"));
	EXPECT(t, refused(BYTES(1, 6, 0, 0, 0, 0, 9, 1, 0x80, 1, 0, 1, 1), "shortest"));
	EXPECT(t, refused(BYTES(1, 6, 0, 0, 0, 0, 9, 1, 0x81, 0x80, 0, 1, 1), "shortest"));
	EXPECT(t, taken(BYTES(1, 6, 0, 0, 0, 0, 9, 1, 0x80 | 31, 127, 0, 1, 1)));
	EXPECT(t, refused(BYTES(1, 6, 0, 0, 0, 0, 9, 1, 0x80 | 31, 127, 1, 1, 1), "behind"));
	EXPECT(t, refused(BYTES(1, 6, 0, 0, 0, 0, 9, 1, 0x80 | 32, 0, 0, 1, 1), "behind"));
	EXPECT(t, refused(BYTES(1, 6, 0, 0, 0, 0, 9, 1, 0, 0, 1, 1, 0), "1 bytes behind"));
}

static void events_are_apart_and_in_order(struct test *t)
{
	/* 4 bins apart, 3 bins apart */
	EXPECT(t, taken(BYTES(1, 6, 0, 0, 0, 0, 9, 2, 0, 0, 1, 1, 8, 0, 1, 1)));
	EXPECT(t, refused(BYTES(1, 6, 0, 0, 0, 0, 9, 2, 0, 0, 1, 1, 6, 0, 1, 1), "should be one"));
	EXPECT(t, taken(BYTES(1, 6, 0, 0, 0, 0, 9, 2, 0, 0, 1, 1, 7, 0, 1, 1)));
	/* the last bin of one may be the first of the next, not an earlier one */
	EXPECT(t, taken(BYTES(1, 6, 0, 0, 0, 0, 9, 2, 0, 32, 1, 1, 64, 40, 1, 1)));
	EXPECT(t,
	       refused(BYTES(1, 6, 0, 0, 0, 0, 9, 2, 0, 33, 1, 1, 64, 40, 1, 1), "should be one"));
	/* of one bin: the first direction first */
	EXPECT(t, taken(BYTES(1, 6, 0, 0, 0, 0, 9, 2, 0, 0, 1, 1, 1, 0, 1, 1)));
	EXPECT(t, refused(BYTES(1, 6, 0, 0, 0, 0, 9, 2, 1, 0, 1, 1, 0, 0, 1, 1), "not in order"));
}

static void what_is_cut_anywhere_is_refused(struct test *t)
{
	struct slice whole = BYTES(1, 6, 0, 0, 0, 0, 9, 2, 0, 0, 1, 1, 0x81, 8, 0, 1, 1);

	EXPECT(t, taken(whole));
	for (size_t n = 0; n < whole.len; n++)
		EXPECT(t, refused(slice_part(whole, 0, n), n < 8 ? "at least" : "ends within"));
}

TESTS(T(small_numbers_are_exact_and_great_ones_to_one_part_in_eight),
      T(the_format_is_as_its_document_says), T(only_the_one_form_is_taken),
      T(events_are_apart_and_in_order), T(what_is_cut_anywhere_is_refused))
