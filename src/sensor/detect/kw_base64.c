/* SPDX-License-Identifier: Apache-2.0
 * base64_decode: bytes N, offset N, relative; then base64_data: the steps behind it look at what
 * was decoded. RFC 4648 4, decoding stops at the first byte that is not of the alphabet. */
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

static int sextet(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Is `c` between the digits in this mode? Else decoding ends there, or (strict) fails. */
static bool is_skipped(uint8_t c, enum detect_base64_mode mode)
{
	return mode == BASE64_LOOSE ? c == ' ' || c == '\r' || c == '\n'
				    : mode == BASE64_RFC2045 && c != '=';
}

struct slice detect_base64_decode(struct slice in, enum detect_base64_mode mode, struct arena *a)
{
	uint8_t *out = in.len == 0 ? NULL : ARENA_ARRAY(a, uint8_t, in.len / 4 * 3 + 3);
	uint32_t bits = 0, have = 0;
	size_t n = 0, i = 0, digits = 0;

	if (out == NULL)
		return (struct slice){NULL, 0};
	for (; i < in.len; i++) {
		int s = sextet(in.ptr[i]);

		if (s < 0) {
			if (is_skipped(in.ptr[i], mode))
				continue;
			break;
		}
		digits++;
		bits = (bits << 6 | (uint32_t)s) & 0xffffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (uint8_t)(bits >> have);
		}
	}
	if (mode == BASE64_STRICT) {
		for (; i < in.len && in.ptr[i] == '='; i++)
			digits++;
		if (i < in.len || digits % 4 != 0)
			return (struct slice){NULL, 0};
	}
	return (struct slice){out, n};
}

static bool decode(const void *operand, struct detect_inspect *in)
{
	const struct detect_base64 *o = operand;
	struct slice s = slice_from(in->bytes, (o->relative ? in->pos : 0) + (size_t)o->offset);
	struct detect_inspect inner;

	if (o->bytes != 0)
		s = slice_part(s, 0, o->bytes);
	s = detect_base64_decode(slice_part(s, 0, DETECT_BASE64_MAX), BASE64_LOOSE, in->scratch);
	if (s.len == 0)
		return false;
	if (o->data == NULL)
		return true;
	inner = *in;
	inner.bytes = s;
	inner.pos = 0;
	return detect_inspect_steps(o->data->steps, o->data->count, &inner);
}

static enum status compile_decode(struct detect_compiler *c, const struct detect_keyword *kw,
				  struct slice value, struct fail *why)
{
	struct detect_base64 *o = ARENA_NEW(c->arena, struct detect_base64);
	struct slice rest = value;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for base64_decode");
	while (rest.ptr != NULL) {
		struct slice part = slice_trim(slice_split(&rest, ','));
		uint64_t n;

		if (part.len == 0 && value.len == 0)
			break;
		if (slice_equal(part, SLICE("relative"))) {
			o->relative = true;
		} else if (slice_starts(part, SLICE("bytes ")) &&
			   text_u64(slice_trim(slice_from(part, 6)), 1, UINT32_MAX, &n)) {
			o->bytes = (uint32_t)n;
		} else if (slice_starts(part, SLICE("offset ")) &&
			   text_u64(slice_trim(slice_from(part, 7)), 0, UINT32_MAX, &n)) {
			o->offset = (uint32_t)n;
		} else {
			return fail_set(why, ST_INVALID, "base64_decode does not know \"%.*s\"",
					SLICE_ARG(part));
		}
	}
	if (c->base64_count == DETECT_TESTS_MAX)
		return fail_set(why, ST_LIMIT, "more than %d base64_decode", DETECT_TESTS_MAX);
	c->base64[c->base64_count++] = o;
	c->decode = o;
	return detect_add_step(c, kw, o, o->relative, why);
}

static enum status compile_data(struct detect_compiler *c, const struct detect_keyword *kw,
				struct slice value, struct fail *why)
{
	if (c->decode == NULL)
		return fail_set(why, ST_INVALID, "base64_data needs base64_decode before it");
	if (c->decode->draft == NULL) {
		c->decode->draft = detect_draft_new(c);
		if (c->decode->draft == NULL)
			return fail_set(why, ST_LIMIT, "more than %d buffers", DETECT_LISTS_MAX);
	}
	c->current = c->decode->draft;
	c->sticky = true;
	c->content = NULL;
	return ST_OK;
}

KEYWORD(base64) = {
	{.name = "base64_decode",
	 .compile = compile_decode,
	 .step = decode,
	 .doc = "decodes Base64 from here"},
	{.name = "base64_data",
	 .kind = KIND_BUFFER,
	 .bare = true,
	 .compile = compile_data,
	 .doc = "what base64_decode decoded"},
	{0},
};
