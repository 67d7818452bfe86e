/* SPDX-License-Identifier: Apache-2.0
 *
 * asn1: elements of ASN.1 in its basic encoding (X.690 8) that make careless decoders overflow:
 *
 *	bitstring_overflow	a BIT STRING with more unused bits than it has (8.6.2)
 *	double_overflow		a REAL as decimal text of more than 256 bytes (8.5.8)
 *	oversize_length n	an element that says it is longer than n bytes
 *
 * from absolute_offset n of the buffer, or relative_offset n behind the match before. Lengths lie
 * here, so elements are cut to what there is, and what is inside them is read all the same.
 */
#include "base/cursor.h"
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

enum {
	ASN1_ELEMENTS_MAX = 256, /* looked at: Suricata's asn1-max-frames */
	ASN1_DEPTH_MAX = 32,
	ASN1_REAL_LONG = 256,
	TAG_BITS = 3,
	TAG_REAL = 9,
};

struct asn1_operand {
	bool bits, real, length;
	uint64_t most; /* of length */
	bool relative;
	int64_t offset;
};

struct element {
	uint8_t id;
	uint64_t length; /* as it says */
	struct slice content;
};

/* The identifier and length; false: there is no such thing here. An indefinite length is all the
 * rest (8.1.3.6). */
static bool element_read(struct cursor *c, struct element *out)
{
	uint8_t first, octets;
	uint64_t length;

	out->id = cursor_u8(c);
	if ((out->id & 0x1f) == 0x1f)
		for (int i = 0; i < 5 && (cursor_u8(c) & 0x80) != 0; i++)
			;
	first = cursor_u8(c);
	octets = first & 0x7f;
	length = first;
	if (first == 0x80)
		length = cursor_left(c);
	else if (first > 0x80 && octets <= 8)
		length = cursor_be(c, octets);
	else if (first > 0x80)
		return false;
	if (!cursor_ok(c))
		return false;
	out->length = length;
	out->content = cursor_take(c, length < cursor_left(c) ? (size_t)length : cursor_left(c));
	return true;
}

static bool overflows(const struct asn1_operand *o, const struct element *e)
{
	uint8_t first = e->content.len != 0 ? e->content.ptr[0] : 0;

	if (o->length && e->length > o->most)
		return true;
	if (e->content.len == 0)
		return false;
	if (o->bits && e->id == TAG_BITS && (e->length - 1) < UINT64_MAX / 8 &&
	    first > 8 * (e->length - 1))
		return true;
	return o->real && e->id == TAG_REAL && (first & 0xc0) == 0 && e->length > ASN1_REAL_LONG;
}

static bool look(const void *operand, struct detect_inspect *in)
{
	const struct asn1_operand *o = operand;
	struct cursor stack[ASN1_DEPTH_MAX];
	int64_t at = o->offset + (o->relative ? (int64_t)in->pos : 0);
	size_t depth = 1;

	if (at < 0)
		return false;
	stack[0] = cursor_of(slice_from(in->bytes, (size_t)at));
	for (int n = 0; n < ASN1_ELEMENTS_MAX && depth > 0; n++) {
		struct element e;

		if (cursor_left(&stack[depth - 1]) == 0) {
			depth--;
			continue;
		}
		if (!element_read(&stack[depth - 1], &e)) {
			depth--;
			continue;
		}
		if (overflows(o, &e))
			return true;
		if ((e.id & 0x20) != 0 && depth < ASN1_DEPTH_MAX)
			stack[depth++] = cursor_of(e.content);
	}
	return false;
}

/* "word" or "word number" */
static bool option(struct slice text, struct asn1_operand *o)
{
	struct slice value = slice_trim(text), word = slice_split(&value, ' ');
	int64_t n = 0;
	bool number = text_i64(slice_trim(value), INT32_MIN, INT32_MAX, &n);

	if (slice_equal_nocase(word, SLICE("bitstring_overflow")))
		o->bits = true;
	else if (slice_equal_nocase(word, SLICE("double_overflow")))
		o->real = true;
	else if (slice_equal_nocase(word, SLICE("oversize_length")) && number && n >= 0)
		*o = (struct asn1_operand){o->bits,	o->real,     true,
					   (uint64_t)n, o->relative, o->offset};
	else if (slice_equal_nocase(word, SLICE("absolute_offset")) && number && n >= 0)
		o->offset = n;
	else if (slice_equal_nocase(word, SLICE("relative_offset")) && number)
		*o = (struct asn1_operand){o->bits, o->real, o->length, o->most, true, n};
	else
		return false;
	return true;
}

static enum status compile(struct detect_compiler *c, const struct detect_keyword *kw,
			   struct slice value, struct fail *why)
{
	struct asn1_operand *o = ARENA_NEW(c->arena, struct asn1_operand);

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for asn1");
	for (struct slice rest = value; rest.ptr != NULL;) {
		struct slice one = slice_trim(slice_split(&rest, ','));

		if (!option(one, o))
			return fail_set(why, ST_INVALID, "asn1 does not know \"%.*s\"",
					SLICE_ARG(one));
	}
	if (!o->bits && !o->real && !o->length)
		return fail_set(why, ST_INVALID, "asn1 wants something to look for");
	return detect_add_step(c, kw, o, o->relative, why);
}

KEYWORD(asn1) = {
	{.name = "asn1",
	 .compile = compile,
	 .step = look,
	 .doc = "elements of ASN.1 that make decoders overflow"},
	{0},
};
