/* SPDX-License-Identifier: Apache-2.0
 * entropy: Shannon's entropy of a buffer's bytes, 0 to 8 bits a byte: "value >7.2, bytes 1000,
 * offset 12". What was calculated stays with the flow, for events (metadata.entropy). Suricata 8
 * rules/payload-keywords. */
#include <math.h>

#include "base/text.h"
#include "sensor/detect/detect_priv.h"

enum { OFFSET_MAX = 65535, DIGITS_MAX = 15 /* less than 2^53 */ };

struct entropy_operand {
	int32_t offset, bytes; /* 0 or less: from the start; all */
	enum detect_cmp op;
	double a, b;
	struct slice name; /* the buffer's, as events write it; ptr NULL: not kept */
};

static double entropy_of(struct slice s)
{
	uint32_t count[256] = {0};
	double sum = 0.0, n = (double)s.len;

	for (size_t i = 0; i < s.len; i++)
		count[s.ptr[i]]++;
	for (size_t i = 0; i < 256; i++) {
		double p = (double)count[i] / n;

		if (count[i] != 0)
			sum -= p * log2(p);
	}
	return sum;
}

static bool compare(const struct entropy_operand *o, double v)
{
	switch (o->op) {
	case CMP_EQ:
		return v >= o->a && v <= o->a; /* exactly: -Wfloat-equal is right elsewhere */
	case CMP_NE:
		return v < o->a || v > o->a;
	case CMP_LT:
		return v < o->a;
	case CMP_LE:
		return v <= o->a;
	case CMP_GT:
		return v > o->a;
	case CMP_GE:
		return v >= o->a;
	case CMP_IN:
		return v > o->a && v < o->b;
	default:
		return v <= o->a || v >= o->b;
	}
}

static bool entropy(const void *operand, struct detect_inspect *in)
{
	const struct entropy_operand *o = operand;
	struct detect_flow *f = detect_flow_state(in->view);
	struct slice s = in->bytes;
	double v;

	if (o->offset > 0 && (size_t)o->offset > s.len)
		return false;
	s = slice_from(s, o->offset > 0 ? (size_t)o->offset : 0);
	if (o->bytes > 0 && (size_t)o->bytes > s.len)
		return false;
	if (o->bytes > 0)
		s = slice_part(s, 0, (size_t)o->bytes);
	v = s.len == 0 ? 0.0 : entropy_of(s);
	if (f != NULL && o->name.ptr != NULL)
		detect_measure_set(f, &in->view->flow->arena, o->name,
				   (int64_t)((long double)v * 1e18L + 0.5L));
	return compare(o, v);
}

/* Digits, perhaps with a point in them; what stands behind stays in *s. So few digits make an exact
 * fraction, and its quotient is the nearest double. */
static bool number_take(struct slice *s, double *out)
{
	double digits = 0.0, scale = 1.0;
	size_t n = 0, count = 0;
	bool point = false;

	for (; n < s->len; n++) {
		uint8_t c = s->ptr[n];

		if (c == '.' && !point) {
			point = true;
			continue;
		}
		if (!text_is_digit(c))
			break;
		digits = digits * 10.0 + (c - '0');
		scale *= point ? 10.0 : 1.0;
		count++;
	}
	if (count == 0 || count > DIGITS_MAX)
		return false;
	*out = digits / scale;
	*s = slice_trim(slice_from(*s, n));
	return true;
}

/* "7", ">=7.2", "6.5-7.5", "!6.5-7.5" */
static bool value_parse(struct slice s, struct entropy_operand *o)
{
	static const struct {
		const char *word;
		enum detect_cmp op;
	} ops[] = {{">=", CMP_GE}, {"<=", CMP_LE}, {"!=", CMP_NE}, {">", CMP_GT},
		   {"<", CMP_LT},  {"=", CMP_EQ},  {"!", CMP_OUT}};
	size_t i = 0;

	o->op = CMP_EQ;
	while (i < sizeof ops / sizeof ops[0] && !slice_starts(s, slice_of(ops[i].word)))
		i++;
	if (i < sizeof ops / sizeof ops[0]) {
		o->op = ops[i].op;
		s = slice_trim(slice_from(s, strlen(ops[i].word)));
	}
	if (!number_take(&s, &o->a))
		return false;
	if (i < sizeof ops / sizeof ops[0] && o->op != CMP_OUT)
		return s.len == 0;
	if (s.len == 0)
		return o->op == CMP_EQ;
	if (!slice_starts(s, SLICE("-")) && !slice_starts(s, SLICE("<>")))
		return false;
	s = slice_trim(slice_from(s, s.ptr[0] == '-' ? 1 : 2));
	if (o->op == CMP_EQ)
		o->op = CMP_IN;
	return number_take(&s, &o->b) && s.len == 0 && o->b > o->a;
}

enum { HAS_VALUE = 1, HAS_BYTES = 2, HAS_OFFSET = 4 };

/* One "word value"; 0: not understood. */
static unsigned part_parse(struct slice part, struct entropy_operand *o)
{
	size_t n = 0;
	struct slice word, v;
	int64_t number;

	while (n < part.len && !text_is_space(part.ptr[n]))
		n++;
	word = slice_part(part, 0, n);
	v = slice_trim(slice_from(part, n));
	if (slice_equal(word, SLICE("value")))
		return value_parse(v, o) ? HAS_VALUE : 0;
	if (slice_equal(word, SLICE("bytes")) && text_i64(v, INT32_MIN, INT32_MAX, &number)) {
		o->bytes = (int32_t)number;
		return HAS_BYTES;
	}
	if (slice_equal(word, SLICE("offset")) && text_i64(v, -OFFSET_MAX, OFFSET_MAX, &number)) {
		o->offset = (int32_t)number;
		return HAS_OFFSET;
	}
	return 0;
}

static enum status compile(struct detect_compiler *c, const struct detect_keyword *kw,
			   struct slice value, struct fail *why)
{
	struct entropy_operand *o = ARENA_NEW(c->arena, struct entropy_operand);
	struct slice rest = value;
	unsigned has = 0;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	while (rest.ptr != NULL) {
		struct slice part = slice_trim(slice_split(&rest, ','));
		unsigned one = part_parse(part, o);

		if (one == 0 || (has & one) != 0)
			return fail_set(why, ST_INVALID, "entropy does not know \"%.*s\"",
					SLICE_ARG(part));
		has |= one;
	}
	if ((has & HAS_VALUE) == 0)
		return fail_set(why, ST_INVALID, "entropy wants a value to compare with");
	if (c->sticky && c->current->buffer != NULL)
		o->name = detect_old_name(c->current->buffer->name);
	return detect_add_step(c, kw, o, false, why);
}

KEYWORD(entropy) = {
	{.name = "entropy",
	 .compile = compile,
	 .step = entropy,
	 .doc = "Shannon's entropy of the buffer, in bits a byte"},
	{0},
};
