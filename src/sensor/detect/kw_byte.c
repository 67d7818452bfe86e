/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers in the payload: byte_test, byte_jump, byte_extract, byte_math, and isdataat.
 * Suricata 8.0.6 rules/payload-keywords. `dce` is the byte order of the
 * transaction (DCE/RPC), big-endian outside of one.
 */
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

enum { STRING_DIGITS_MAX = 23 /* octal digits of 2^64 and a zero */ };

/* How to read one number. */
struct reader {
	struct detect_num bytes, offset;
	bool none, relative, little, string, as_tx;
	uint8_t base;
	bool has_mask;
	uint64_t mask;
};

struct byte_test {
	struct reader r;
	bool negated;
	char op; /* < > = & ^, l: <=, g: >= */
	struct detect_num value;
};

struct byte_jump {
	struct reader r;
	uint32_t multiplier;
	bool align, from_beginning, from_end;
	struct detect_num post;
};

struct byte_extract {
	struct reader r;
	uint32_t multiplier, align;
	uint8_t var;
};

struct byte_math {
	struct reader r;
	char op; /* + - * / <, > : shifts */
	struct detect_num rvalue;
	uint8_t var;
};

struct data_at {
	struct detect_num n;
	bool relative, negated;
};

/* Digits at s as strtoull() reads them; 0 used: none. */
static size_t digits_read(struct slice s, unsigned base, uint64_t *out)
{
	uint64_t v = 0;
	size_t i = 0, first;
	bool minus = false;

	while (i < s.len && text_is_space(s.ptr[i]))
		i++;
	if (i < s.len && (s.ptr[i] == '-' || s.ptr[i] == '+'))
		minus = s.ptr[i++] == '-';
	if (base == 16 && s.len - i > 2 && s.ptr[i] == '0' && text_lower(s.ptr[i + 1]) == 'x' &&
	    text_hex(s.ptr[i + 2]) >= 0)
		i += 2;
	first = i;
	while (i < s.len && text_hex(s.ptr[i]) >= 0 && (unsigned)text_hex(s.ptr[i]) < base) {
		if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)text_hex(s.ptr[i]), &v))
			return 0;
		i++;
	}
	*out = minus ? 0 - v : v;
	return i == first ? 0 : i;
}

/* The number, and where it ends. */
static bool number_read(const struct reader *r, const struct detect_inspect *in, uint64_t *out,
			size_t *out_end)
{
	int64_t at = detect_num_value(&r->offset, in), n = detect_num_value(&r->bytes, in);
	struct slice s;
	uint64_t v = 0;

	if (r->relative && __builtin_add_overflow(at, (int64_t)in->pos, &at))
		return false;
	if (at < 0 || at > (int64_t)in->bytes.len || n < 0 || n > (int64_t)in->bytes.len - at ||
	    (n == 0 && !r->string && r->bytes.var != 0) || n > (r->string ? STRING_DIGITS_MAX : 8))
		return false;
	if (r->none) { /* a jump of no bytes is one by post_offset alone */
		*out = 0;
		*out_end = (size_t)at;
		return true;
	}
	s = slice_part(in->bytes, (size_t)at, n == 0 && r->string ? STRING_DIGITS_MAX : (size_t)n);
	if (r->string) {
		size_t used = digits_read(s, r->base, &v);

		if (used == 0)
			return false;
		n = (int64_t)used;
	} else {
		bool little = r->as_tx ? in->little : r->little;

		for (size_t i = 0; i < s.len; i++)
			v = v << 8 | s.ptr[little ? s.len - 1 - i : i];
	}
	if (r->has_mask)
		v = (v & r->mask) >> __builtin_ctzll(r->mask);
	*out = v;
	*out_end = (size_t)(at + n);
	return true;
}

static bool test(const void *operand, struct detect_inspect *in)
{
	const struct byte_test *o = operand;
	uint64_t v, want = (uint64_t)detect_num_value(&o->value, in);
	size_t end;
	bool yes = false;

	if (!number_read(&o->r, in, &v, &end))
		return false;
	switch (o->op) {
	case '<':
		yes = v < want;
		break;
	case '>':
		yes = v > want;
		break;
	case '=':
		yes = v == want;
		break;
	case 'l':
		yes = v <= want;
		break;
	case 'g':
		yes = v >= want;
		break;
	case '&':
		yes = (v & want) != 0;
		break;
	case '^':
		yes = (v ^ want) != 0;
		break;
	}
	return yes != o->negated;
}

static bool jump(const void *operand, struct detect_inspect *in)
{
	const struct byte_jump *o = operand;
	uint64_t v;
	size_t end;
	int64_t to;

	if (!number_read(&o->r, in, &v, &end) ||
	    __builtin_mul_overflow(v, (uint64_t)o->multiplier, &v))
		return false;
	if (o->align && v % 4 != 0)
		v += 4 - v % 4;
	if (v > INT64_MAX / 2)
		return false;
	if (o->from_beginning)
		to = (int64_t)v;
	else if (o->from_end)
		to = (int64_t)in->bytes.len + (int64_t)v;
	else
		to = (int64_t)end + (int64_t)v;
	to += detect_num_value(&o->post, in);
	if (to < 0) /* before the start is the start; behind the end is nowhere */
		to = 0;
	if (to > (int64_t)in->bytes.len)
		return false;
	in->pos = (size_t)to;
	return true;
}

static bool extract(const void *operand, struct detect_inspect *in)
{
	const struct byte_extract *o = operand;
	uint64_t v;
	size_t end;

	if (!number_read(&o->r, in, &v, &end) ||
	    __builtin_mul_overflow(v, (uint64_t)o->multiplier, &v))
		return false;
	if (o->align != 0 && v % o->align != 0)
		v += o->align - v % o->align;
	in->vars[o->var] = v > INT64_MAX ? INT64_MAX : (int64_t)v;
	in->pos = end;
	return true;
}

static bool math(const void *operand, struct detect_inspect *in)
{
	const struct byte_math *o = operand;
	uint64_t v, r = (uint64_t)detect_num_value(&o->rvalue, in);
	size_t end;

	if (!number_read(&o->r, in, &v, &end))
		return false;
	switch (o->op) {
	case '+':
		v += r;
		break;
	case '-':
		v -= r;
		break;
	case '*':
		v *= r;
		break;
	case '/':
		if (r == 0)
			return false;
		v /= r;
		break;
	case '<':
		v = r < 64 ? v << r : 0;
		break;
	case '>':
		v = r < 64 ? v >> r : 0;
		break;
	}
	in->vars[o->var] = (int64_t)v;
	in->pos = end;
	return true;
}

static bool data_at(const void *operand, struct detect_inspect *in)
{
	const struct data_at *o = operand;
	int64_t n = detect_num_value(&o->n, in), len = (int64_t)in->bytes.len;
	bool yes = o->relative ? n <= len - (int64_t)in->pos : n < len;

	return yes != o->negated;
}

/* One word of a reader that every keyword here knows; false: not such a word. */
static bool reader_word(struct reader *r, struct slice w, bool *bad)
{
	*bad = false;
	if (slice_equal(w, SLICE("relative"))) {
		r->relative = true;
	} else if (slice_equal(w, SLICE("little"))) {
		r->little = true;
	} else if (slice_equal(w, SLICE("big"))) {
		r->little = false;
	} else if (slice_equal(w, SLICE("dce"))) {
		r->as_tx = true;
	} else if (slice_equal(w, SLICE("string"))) {
		r->string = true;
		r->base = r->base != 0 ? r->base : 10;
	} else if (slice_equal(w, SLICE("hex"))) {
		r->base = 16;
	} else if (slice_equal(w, SLICE("dec"))) {
		r->base = 10;
	} else if (slice_equal(w, SLICE("oct"))) {
		r->base = 8;
	} else if (slice_starts(w, SLICE("bitmask"))) {
		r->has_mask = true;
		*bad = !text_u64(slice_trim(slice_from(w, 7)), 1, UINT32_MAX, &r->mask);
	} else {
		return false;
	}
	return true;
}

/* "word 12": the number behind the word. */
static bool word_number(struct detect_compiler *c, struct slice w, const char *name, int64_t least,
			int64_t most, struct detect_num *out)
{
	struct slice n = slice_of(name);

	return slice_starts(w, n) && w.len > n.len && text_is_space(w.ptr[n.len]) &&
	       detect_num_parse(c, slice_from(w, n.len), least, most, out);
}

static enum status reader_begin(struct detect_compiler *c, struct reader *r, struct slice *rest,
				struct slice *middle, struct slice *middle2, struct fail *why)
{
	if (!detect_num_parse(c, slice_split(rest, ','), 0, STRING_DIGITS_MAX, &r->bytes))
		return fail_set(why, ST_INVALID, "how many bytes?");
	if (middle != NULL)
		*middle = slice_trim(slice_split(rest, ','));
	if (middle2 != NULL)
		*middle2 = slice_trim(slice_split(rest, ','));
	if (!detect_num_parse(c, slice_split(rest, ','), INT32_MIN, INT32_MAX, &r->offset))
		return fail_set(why, ST_INVALID, "at which offset?");
	return ST_OK;
}

static enum status add(struct detect_compiler *c, const struct detect_keyword *kw,
		       const void *operand, const struct reader *r, struct fail *why)
{
	if (r->bytes.var == 0 && !r->string && !r->none &&
	    (r->bytes.value < 1 || r->bytes.value > 8))
		return fail_set(why, ST_INVALID, "%s reads 1 to 8 bytes", kw->name);
	return detect_add_step(c, kw, operand, r->relative, why);
}

static enum status unknown(const struct detect_keyword *kw, struct slice w, struct fail *why)
{
	return fail_set(why, ST_INVALID, "%s does not know \"%.*s\"", kw->name, SLICE_ARG(w));
}

static bool operator_parse(struct slice s, struct byte_test *o)
{
	if (s.len > 0 && s.ptr[0] == '!') {
		o->negated = true;
		s = slice_trim(slice_from(s, 1));
		if (s.len == 0)
			s = SLICE("=");
	}
	if (slice_equal(s, SLICE("<=")))
		o->op = 'l';
	else if (slice_equal(s, SLICE(">=")))
		o->op = 'g';
	else if (s.len == 1 && memchr("<>=&^", s.ptr[0], 5) != NULL)
		o->op = (char)s.ptr[0];
	else
		return false;
	return true;
}

static enum status compile_test(struct detect_compiler *c, const struct detect_keyword *kw,
				struct slice value, struct fail *why)
{
	struct byte_test *o = ARENA_NEW(c->arena, struct byte_test);
	struct slice rest = value, op, want, w;
	enum status st;
	bool bad;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	st = reader_begin(c, &o->r, &rest, &op, &want, why);
	if (st != ST_OK)
		return st;
	if (!operator_parse(op, o) || !detect_num_parse(c, want, 0, INT64_MAX, &o->value))
		return fail_set(why, ST_INVALID,
				"byte_test compares with an operator and a number");
	while (rest.ptr != NULL) {
		w = slice_trim(slice_split(&rest, ','));
		if (!reader_word(&o->r, w, &bad) || bad)
			return unknown(kw, w, why);
	}
	return add(c, kw, o, &o->r, why);
}

static enum status compile_jump(struct detect_compiler *c, const struct detect_keyword *kw,
				struct slice value, struct fail *why)
{
	struct byte_jump *o = ARENA_NEW(c->arena, struct byte_jump);
	struct slice rest = value;
	struct detect_num n;
	enum status st;
	bool bad;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	o->multiplier = 1;
	st = reader_begin(c, &o->r, &rest, NULL, NULL, why);
	if (st != ST_OK)
		return st;
	while (rest.ptr != NULL) {
		struct slice w = slice_trim(slice_split(&rest, ','));

		if (slice_equal(w, SLICE("align")))
			o->align = true;
		else if (slice_equal(w, SLICE("from_beginning")))
			o->from_beginning = true;
		else if (slice_equal(w, SLICE("from_end")))
			o->from_end = true;
		else if (word_number(c, w, "multiplier", 1, UINT16_MAX, &n) && n.var == 0)
			o->multiplier = (uint32_t)n.value;
		else if (word_number(c, w, "post_offset", -UINT16_MAX, UINT16_MAX, &n))
			o->post = n;
		else if (!reader_word(&o->r, w, &bad) || bad)
			return unknown(kw, w, why);
	}
	o->r.none = o->r.bytes.var == 0 && o->r.bytes.value == 0;
	return add(c, kw, o, &o->r, why);
}

static enum status compile_extract(struct detect_compiler *c, const struct detect_keyword *kw,
				   struct slice value, struct fail *why)
{
	struct byte_extract *o = ARENA_NEW(c->arena, struct byte_extract);
	struct slice rest = value, name;
	struct detect_num n;
	enum status st;
	bool bad;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	o->multiplier = 1;
	st = reader_begin(c, &o->r, &rest, NULL, NULL, why);
	if (st != ST_OK)
		return st;
	name = slice_split(&rest, ',');
	while (rest.ptr != NULL) {
		struct slice w = slice_trim(slice_split(&rest, ','));

		if (word_number(c, w, "multiplier", 1, UINT16_MAX, &n) && n.var == 0)
			o->multiplier = (uint32_t)n.value;
		else if (word_number(c, w, "align", 2, 4, &n) && n.var == 0 && n.value != 3)
			o->align = (uint32_t)n.value;
		else if (!reader_word(&o->r, w, &bad) || bad)
			return unknown(kw, w, why);
	}
	st = detect_var_add(c, name, &o->var, why);
	return st != ST_OK ? st : add(c, kw, o, &o->r, why);
}

static bool math_operator(struct slice s, char *out)
{
	if (slice_equal(s, SLICE("<<")))
		*out = '<';
	else if (slice_equal(s, SLICE(">>")))
		*out = '>';
	else if (s.len == 1 && memchr("+-*/", s.ptr[0], 4) != NULL)
		*out = (char)s.ptr[0];
	else
		return false;
	return true;
}

static enum status compile_math(struct detect_compiler *c, const struct detect_keyword *kw,
				struct slice value, struct fail *why)
{
	struct byte_math *o = ARENA_NEW(c->arena, struct byte_math);
	struct slice rest = value, name = {NULL, 0};
	bool bad, bytes = false, rvalue = false;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	while (rest.ptr != NULL) {
		struct slice w = slice_trim(slice_split(&rest, ','));

		if (word_number(c, w, "bytes", 1, 10, &o->r.bytes))
			bytes = true;
		else if (word_number(c, w, "offset", INT16_MIN, INT16_MAX, &o->r.offset))
			continue;
		else if (word_number(c, w, "rvalue", 0, UINT32_MAX, &o->rvalue))
			rvalue = true;
		else if (slice_starts(w, SLICE("result ")))
			name = slice_trim(slice_from(w, 7));
		else if (slice_starts(w, SLICE("oper ")) &&
			 math_operator(slice_trim(slice_from(w, 5)), &o->op))
			continue;
		else if (slice_starts(w, SLICE("string "))) {
			o->r.string = true;
			if (!reader_word(&o->r, slice_trim(slice_from(w, 7)), &bad))
				return unknown(kw, w, why);
		} else if (slice_starts(w, SLICE("endian "))) {
			if (!reader_word(&o->r, slice_trim(slice_from(w, 7)), &bad))
				return unknown(kw, w, why);
		} else if (!reader_word(&o->r, w, &bad) || bad) {
			return unknown(kw, w, why);
		}
	}
	if (!bytes || !rvalue || o->op == 0 || name.len == 0)
		return fail_set(why, ST_INVALID, "byte_math wants bytes, oper, rvalue and result");
	if (detect_var_add(c, name, &o->var, why) != ST_OK)
		return why->status;
	return add(c, kw, o, &o->r, why);
}

/* Is the step before a content that must occur? */
static bool content_is_last(const struct detect_compiler *c)
{
	const struct detect_draft_list *d = c->current;

	return c->content != NULL && !c->content->negated && d->count != 0 &&
	       d->steps[d->count - 1].operand == c->content;
}

static enum status compile_data_at(struct detect_compiler *c, const struct detect_keyword *kw,
				   struct slice value, struct fail *why)
{
	struct data_at *o = ARENA_NEW(c->arena, struct data_at);
	struct slice rest = value, n;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	n = slice_trim(slice_split(&rest, ','));
	if (n.len > 0 && n.ptr[0] == '!') {
		o->negated = true;
		n = slice_from(n, 1);
	}
	if (!detect_num_parse(c, n, 0, UINT16_MAX, &o->n))
		return fail_set(why, ST_INVALID, "isdataat wants a number");
	while (rest.ptr != NULL) {
		struct slice w = slice_trim(slice_split(&rest, ','));

		if (slice_equal(w, SLICE("relative")))
			o->relative = true;
		else if (!slice_equal(w, SLICE("rawbytes")))
			return unknown(kw, w, why);
	}
	if (o->relative && o->negated && o->n.var == 0 && o->n.value == 1 && content_is_last(c)) {
		c->content->ends = true; /* and so it goes where a later word moves the content */
		return ST_OK;
	}
	return detect_add_step(c, kw, o, o->relative, why);
}

KEYWORD(byte) = {
	{.name = "byte_test",
	 .compile = compile_test,
	 .step = test,
	 .doc = "a number in the bytes compares so"},
	{.name = "byte_jump",
	 .compile = compile_jump,
	 .step = jump,
	 .doc = "moves on by a number in the bytes"},
	{.name = "byte_extract",
	 .compile = compile_extract,
	 .step = extract,
	 .doc = "a number in the bytes becomes a variable"},
	{.name = "byte_math",
	 .compile = compile_math,
	 .step = math,
	 .doc = "a number in the bytes, calculated with, becomes a variable"},
	{.name = "isdataat",
	 .compile = compile_data_at,
	 .step = data_at,
	 .doc = "there are (or are not) so many more bytes"},
	{0},
};
