/* SPDX-License-Identifier: Apache-2.0
 * Transforms that undo an encoding: from_base64, gunzip, zlib_deflate, pcrexform; and those that
 * take a part of a name: domain, tld. Suricata 8.0.6 rules/transforms. What they make is bounded by
 * what the rule says, and by us. */
#include <zlib.h>

#include "base/text.h"
#include "sensor/detect/detect_priv.h"

enum {
	INFLATE_DEFAULT = 1024, /* max-size, Suricata's default */
	INFLATE_MAX = 64 << 10, /* the most a rule may ask for */
	WINDOW_ZLIB = 15,
	WINDOW_GZIP = 15 + 16,
};

struct inflate_operand {
	uint32_t most;
	int window; /* of inflateInit2() */
};

struct base64_operand {
	uint32_t bytes, offset; /* bytes 0: all */
	enum detect_base64_mode mode;
};

/* --- compression --- */

/* zlib's memory comes from the worker's scratch, which is reset after each look. */
static voidpf zlib_alloc(voidpf opaque, uInt items, uInt size)
{
	return arena_alloc(opaque, size, _Alignof(max_align_t), items);
}

static void zlib_free(voidpf opaque, voidpf address)
{
	(void)opaque;
	(void)address;
}

/* What is decoded before an error or the limit counts; nothing at all is no buffer. */
static struct slice inflated(const void *operand, struct slice in, struct arena *a)
{
	const struct inflate_operand *o = operand;
	uint8_t *out = ARENA_ARRAY(a, uint8_t, o->most);
	z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free, .opaque = a};
	size_t n;

	if (out == NULL || in.len == 0 || in.len > UINT32_MAX)
		return (struct slice){NULL, 0};
	if (inflateInit2(&z, o->window) != Z_OK)
		return (struct slice){NULL, 0};
	z.next_in = (Bytef *)(uintptr_t)in.ptr; /* zlib only reads it */
	z.avail_in = (uInt)in.len;
	z.next_out = out;
	z.avail_out = o->most;
	(void)inflate(&z, Z_SYNC_FLUSH); /* whatever it says: what it wrote is what there is */
	n = o->most - z.avail_out;
	(void)inflateEnd(&z);
	return n == 0 ? (struct slice){NULL, 0} : (struct slice){out, n};
}

static enum status compile_inflate(struct detect_compiler *c, const struct detect_keyword *kw,
				   struct slice value, struct fail *why)
{
	struct inflate_operand *o = ARENA_NEW(c->arena, struct inflate_operand);
	uint64_t most = INFLATE_DEFAULT;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	value = slice_trim(value);
	if (value.len != 0 && (!slice_starts(value, SLICE("max-size ")) ||
			       !text_u64(slice_trim(slice_from(value, 9)), 1, INFLATE_MAX, &most)))
		return fail_set(why, ST_INVALID, "%s knows max-size, 1 to %d", kw->name,
				INFLATE_MAX);
	o->most = (uint32_t)most;
	o->window = kw->which == 0 ? WINDOW_GZIP : WINDOW_ZLIB;
	return detect_add_transform(
		c, &(struct detect_transform){.kw = kw, .operand = o, .run = inflated}, value, why);
}

/* --- Base64 --- */

static struct slice from_base64(const void *operand, struct slice in, struct arena *a)
{
	const struct base64_operand *o = operand;

	in = slice_part(slice_from(in, o->offset), 0, o->bytes == 0 ? SIZE_MAX : o->bytes);
	return detect_base64_decode(slice_part(in, 0, DETECT_BASE64_MAX), o->mode, a);
}

static bool base64_word(struct slice w, struct base64_operand *o)
{
	static const struct {
		const char *word;
		enum detect_base64_mode mode;
	} modes[] = {{"strict", BASE64_STRICT},
		     {"rfc2045", BASE64_RFC2045},
		     {"rfc4648", BASE64_RFC4648}};
	uint64_t n;

	if (slice_starts(w, SLICE("bytes ")) &&
	    text_u64(slice_trim(slice_from(w, 6)), 1, DETECT_BASE64_MAX, &n)) {
		o->bytes = (uint32_t)n;
		return true;
	}
	if (slice_starts(w, SLICE("offset ")) &&
	    text_u64(slice_trim(slice_from(w, 7)), 0, DETECT_BASE64_MAX, &n)) {
		o->offset = (uint32_t)n;
		return true;
	}
	if (!slice_starts(w, SLICE("mode ")))
		return false;
	w = slice_trim(slice_from(w, 5));
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
		if (slice_equal_nocase(w, slice_of(modes[i].word))) {
			o->mode = modes[i].mode;
			return true;
		}
	return false;
}

static enum status compile_base64(struct detect_compiler *c, const struct detect_keyword *kw,
				  struct slice value, struct fail *why)
{
	struct base64_operand *o = ARENA_NEW(c->arena, struct base64_operand);
	struct slice rest = slice_trim(value);

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	o->mode = BASE64_RFC4648;
	while (rest.len != 0) {
		struct slice w = slice_trim(slice_split(&rest, ','));

		if (!base64_word(w, o))
			return fail_set(why, ST_INVALID, "from_base64 does not know \"%.*s\"",
					SLICE_ARG(w));
	}
	return detect_add_transform(
		c, &(struct detect_transform){.kw = kw, .operand = o, .run = from_base64}, value,
		why);
}

/* --- expressions --- */

static enum status compile_pcrexform(struct detect_compiler *c, const struct detect_keyword *kw,
				     struct slice value, struct fail *why)
{
	struct detect_transform t = {.kw = kw};
	struct detect_pcre *p;
	enum status st;

	value = slice_trim(value);
	if (value.len < 2 || value.ptr[0] != '"' || value.ptr[value.len - 1] != '"')
		return fail_set(why, ST_INVALID, "pcrexform wants an expression in quotes");
	st = detect_pcre_new(c, slice_part(value, 1, value.len - 2), &p, why);
	if (st != ST_OK)
		return st;
	t.pcre = p;
	return detect_add_transform(c, &t, value, why);
}

/* --- names --- */

/* Public suffixes of more than one label: under these second levels, names are sold one level
 * further down. The whole list is a file that changes weekly; these are the rules of most of it. */
static const char *const second_levels[] = {"ac",  "co",  "com", "edu", "gob", "gov",
					    "gv",  "ltd", "me",	 "mil", "ne",  "net",
					    "nom", "or",  "org", "plc", "sch"};

static const char *const open_countries[] = {"ai", "co", "fm", "io", "la", "me", "tv", "ws"};

static bool is_one_of(struct slice s, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slice_equal_nocase(s, slice_of(list[i])))
			return true;
	return false;
}

/* Where the last label that ends before `end` starts. */
static size_t label_start(struct slice s, size_t end)
{
	while (end > 0 && s.ptr[end - 1] != '.')
		end--;
	return end;
}

/* Offset of the public suffix; s.len: there is none. */
static size_t suffix_start(struct slice s)
{
	size_t last = label_start(s, s.len), second;
	struct slice country = slice_from(s, last);

	if (last == 0 || country.len == 0)
		return s.len;
	second = label_start(s, last - 1);
	if (country.len == 2 && second > 0 &&
	    !is_one_of(country, open_countries, sizeof open_countries / sizeof open_countries[0]) &&
	    is_one_of(slice_part(s, second, last - 1 - second), second_levels,
		      sizeof second_levels / sizeof second_levels[0]))
		return second;
	return last;
}

static struct slice tld(const void *operand, struct slice in, struct arena *a)
{
	return slice_from(in, suffix_start(in));
}

static struct slice domain(const void *operand, struct slice in, struct arena *a)
{
	size_t suffix = suffix_start(in);

	return slice_from(in, suffix == in.len ? in.len : label_start(in, suffix - 1));
}

static enum status compile_name(struct detect_compiler *c, const struct detect_keyword *kw,
				struct slice value, struct fail *why)
{
	if (value.len != 0)
		return fail_set(why, ST_INVALID, "%s takes no value", kw->name);
	return detect_add_transform(
		c, &(struct detect_transform){.kw = kw, .run = kw->which == 0 ? domain : tld},
		value, why);
}

KEYWORD(decode) = {
	{.name = "from_base64",
	 .kind = KIND_TRANSFORM,
	 .compile = compile_base64,
	 .doc = "decodes Base64"},
	{.name = "gunzip",
	 .kind = KIND_TRANSFORM,
	 .which = 0,
	 .compile = compile_inflate,
	 .doc = "unpacks gzip (RFC 1952), up to max-size bytes"},
	{.name = "zlib_deflate",
	 .kind = KIND_TRANSFORM,
	 .which = 1,
	 .compile = compile_inflate,
	 .doc = "unpacks zlib (RFC 1950), up to max-size bytes"},
	{.name = "pcrexform",
	 .kind = KIND_TRANSFORM,
	 .compile = compile_pcrexform,
	 .doc = "what the first group of an expression matches"},
	{.name = "domain",
	 .kind = KIND_TRANSFORM,
	 .which = 0,
	 .compile = compile_name,
	 .doc = "the part of a name that somebody registered"},
	{.name = "tld",
	 .kind = KIND_TRANSFORM,
	 .which = 1,
	 .compile = compile_name,
	 .doc = "the public suffix of a name"},
	{0},
};
