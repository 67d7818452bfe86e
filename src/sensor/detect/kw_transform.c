/* SPDX-License-Identifier: Apache-2.0
 * Words behind a sticky buffer that change its bytes before the steps look at them. They never
 * change the field itself: results live in the worker's scratch memory. */
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

enum { XOR_KEY_MAX = 255 };

static struct slice dotprefix(const void *operand, struct slice in, struct arena *a)
{
	uint8_t *out = ARENA_ARRAY(a, uint8_t, in.len + 1);

	if (out == NULL)
		return (struct slice){NULL, 0};
	out[0] = '.';
	if (in.len != 0)
		memcpy(out + 1, in.ptr, in.len);
	return (struct slice){out, in.len + 1};
}

/* Each kept byte through `map`; map gives -1 for a byte to be left out. */
static struct slice mapped(struct slice in, struct arena *a,
			   int (*map)(uint8_t c, uint8_t before, void *ctx), void *ctx)
{
	uint8_t *out = in.len == 0 ? NULL : ARENA_ARRAY(a, uint8_t, in.len);
	uint8_t before = 0;
	size_t n = 0;

	if (out == NULL)
		return in.len == 0 ? in : (struct slice){NULL, 0};
	for (size_t i = 0; i < in.len; i++) {
		int c = map(in.ptr[i], before, ctx);

		if (c >= 0)
			out[n++] = (uint8_t)c;
		before = in.ptr[i];
	}
	return (struct slice){out, n};
}

static int lower(uint8_t c, uint8_t before, void *ctx)
{
	return text_lower(c);
}

static int upper(uint8_t c, uint8_t before, void *ctx)
{
	return text_is_alpha(c) ? c & ~0x20 : c;
}

static int no_space(uint8_t c, uint8_t before, void *ctx)
{
	return text_is_space(c) ? -1 : c;
}

static int one_space(uint8_t c, uint8_t before, void *ctx)
{
	return text_is_space(c) && text_is_space(before) ? -1 : c;
}

static struct slice to_lowercase(const void *operand, struct slice in, struct arena *a)
{
	return mapped(in, a, lower, NULL);
}

static struct slice to_uppercase(const void *operand, struct slice in, struct arena *a)
{
	return mapped(in, a, upper, NULL);
}

static struct slice strip_whitespace(const void *operand, struct slice in, struct arena *a)
{
	return mapped(in, a, no_space, NULL);
}

static struct slice compress_whitespace(const void *operand, struct slice in, struct arena *a)
{
	return mapped(in, a, one_space, NULL);
}

/* RFC 3986 2.1 percent-encoding; '+' is a space; what is not an escape stays. */
static struct slice url_decode(const void *operand, struct slice in, struct arena *a)
{
	uint8_t *out = in.len == 0 ? NULL : ARENA_ARRAY(a, uint8_t, in.len);
	size_t n = 0;

	if (out == NULL)
		return in.len == 0 ? in : (struct slice){NULL, 0};
	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.ptr[i];

		if (c == '%' && in.len - i > 2 && text_hex(in.ptr[i + 1]) >= 0 &&
		    text_hex(in.ptr[i + 2]) >= 0) {
			c = (uint8_t)(text_hex(in.ptr[i + 1]) << 4 | text_hex(in.ptr[i + 2]));
			i += 2;
		} else if (c == '+') {
			c = ' ';
		}
		out[n++] = c;
	}
	return (struct slice){out, n};
}

/* The name of each header line in lower case, values untouched. */
static struct slice header_lowercase(const void *operand, struct slice in, struct arena *a)
{
	uint8_t *out = in.len == 0 ? NULL : ARENA_ARRAY(a, uint8_t, in.len);
	bool name = true;

	if (out == NULL)
		return in.len == 0 ? in : (struct slice){NULL, 0};
	for (size_t i = 0; i < in.len; i++) {
		if (in.ptr[i] == ':' && i != 0 && in.ptr[i - 1] != '\n')
			name = false;
		else if (in.ptr[i] == '\n')
			name = true;
		out[i] = name ? text_lower(in.ptr[i]) : in.ptr[i];
	}
	return (struct slice){out, in.len};
}

/* Lines that start with a colon (HTTP/2 pseudo headers) are taken out. */
static struct slice strip_pseudo_headers(const void *operand, struct slice in, struct arena *a)
{
	uint8_t *out = in.len == 0 ? NULL : ARENA_ARRAY(a, uint8_t, in.len);
	size_t n = 0;
	bool skip = false;

	if (out == NULL)
		return in.len == 0 ? in : (struct slice){NULL, 0};
	for (size_t i = 0; i < in.len; i++) {
		if (i == 0 || in.ptr[i - 1] == '\n')
			skip = in.ptr[i] == ':';
		if (!skip)
			out[n++] = in.ptr[i];
	}
	return (struct slice){out, n};
}

static struct slice xor_key(const void *operand, struct slice in, struct arena *a)
{
	const struct slice *key = operand;
	uint8_t *out = in.len == 0 ? NULL : ARENA_ARRAY(a, uint8_t, in.len);

	if (out == NULL)
		return in.len == 0 ? in : (struct slice){NULL, 0};
	for (size_t i = 0; i < in.len; i++)
		out[i] = in.ptr[i] ^ key->ptr[i % key->len];
	return (struct slice){out, in.len};
}

typedef struct slice transform_fn(const void *operand, struct slice in, struct arena *a);

static transform_fn *const runs[] = {dotprefix,	       to_lowercase,	    to_uppercase,
				     strip_whitespace, compress_whitespace, url_decode,
				     header_lowercase, strip_pseudo_headers};

static enum status compile_transform(struct detect_compiler *c, const struct detect_keyword *kw,
				     struct slice value, struct fail *why)
{
	if (value.ptr != NULL && value.len != 0)
		return fail_set(why, ST_INVALID, "%s takes no value here", kw->name);
	return detect_add_transform(c, &(struct detect_transform){.kw = kw, .run = runs[kw->which]},
				    value, why);
}

static enum status compile_xor(struct detect_compiler *c, const struct detect_keyword *kw,
			       struct slice value, struct fail *why)
{
	struct slice *key = ARENA_NEW(c->arena, struct slice);
	uint8_t *bytes;

	if (value.len >= 2 && value.ptr[0] == '"')
		value = slice_part(value, 1, value.len - 2);
	if (value.len == 0 || value.len % 2 != 0 || value.len / 2 > XOR_KEY_MAX)
		return fail_set(why, ST_INVALID, "xor wants a key in hexadecimal");
	bytes = ARENA_ARRAY(c->arena, uint8_t, value.len / 2);
	if (key == NULL || bytes == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a key");
	for (size_t i = 0; i < value.len / 2; i++) {
		int hi = text_hex(value.ptr[2 * i]), lo = text_hex(value.ptr[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return fail_set(why, ST_INVALID, "xor wants a key in hexadecimal");
		bytes[i] = (uint8_t)(hi << 4 | lo);
	}
	*key = (struct slice){bytes, value.len / 2};
	return detect_add_transform(
		c, &(struct detect_transform){.kw = kw, .operand = key, .run = xor_key}, value,
		why);
}

#define TRANSFORM(n, word, text)                                                                   \
	{                                                                                          \
		.name = (word), .which = (n), .kind = KIND_TRANSFORM, .bare = true,                \
		.compile = compile_transform, .doc = (text)                                        \
	}

KEYWORD(transform) = {
	TRANSFORM(0, "dotprefix", "puts a dot in front"),
	TRANSFORM(1, "to_lowercase", "ASCII letters to lower case"),
	TRANSFORM(2, "to_uppercase", "ASCII letters to upper case"),
	TRANSFORM(3, "strip_whitespace", "takes all white space out"),
	TRANSFORM(4, "compress_whitespace", "each run of white space becomes its first byte"),
	TRANSFORM(5, "url_decode", "undoes percent-encoding"),
	TRANSFORM(6, "header_lowercase", "header names to lower case"),
	TRANSFORM(7, "strip_pseudo_headers", "takes HTTP/2 pseudo headers out"),
	{.name = "xor",
	 .kind = KIND_TRANSFORM,
	 .compile = compile_xor,
	 .doc = "each byte xor the key's"},
	{0},
};
