/* SPDX-License-Identifier: Apache-2.0
 * content and the words that stand behind it. Suricata 8.0.6 rules/payload-keywords. */
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

enum { CONTENT_BYTES_MAX = 8192, PLACE_MAX = 1 << 20 /* either way */ };

enum {
	M_NOCASE,
	M_RAWBYTES,
	M_DEPTH,
	M_OFFSET,
	M_DISTANCE,
	M_WITHIN,
	M_STARTS,
	M_ENDS,
	M_FAST,
	M_REPLACE
};

static size_t search_nocase(struct slice hay, struct slice needle)
{
	uint8_t lo = needle.ptr[0];
	uint8_t up = text_is_alpha(lo) ? (uint8_t)(lo & ~0x20) : lo;
	const uint8_t *last = hay.ptr + (hay.len - needle.len), *at = hay.ptr, *a, *b;

	a = memchr(at, lo, (size_t)(last - at) + 1);
	b = up == lo ? NULL : memchr(at, up, (size_t)(last - at) + 1);
	while (a != NULL || b != NULL) {
		size_t i = 1;

		at = a != NULL && (b == NULL || a < b) ? a : b;
		while (i < needle.len && text_lower(at[i]) == needle.ptr[i])
			i++;
		if (i == needle.len)
			return (size_t)(at - hay.ptr);
		if (at == last)
			break;
		if (at == a)
			a = memchr(at + 1, lo, (size_t)(last - at));
		else
			b = memchr(at + 1, up, (size_t)(last - at));
	}
	return SIZE_MAX;
}

size_t detect_search(struct slice hay, struct slice needle, bool nocase)
{
	const uint8_t *at;

	if (needle.len > hay.len)
		return SIZE_MAX;
	if (needle.len == 0)
		return 0;
	if (nocase)
		return search_nocase(hay, needle);
	at = memmem(hay.ptr, hay.len, needle.ptr, needle.len);
	return at == NULL ? SIZE_MAX : (size_t)(at - hay.ptr);
}

static int64_t clamp(int64_t v, int64_t least, int64_t most)
{
	return v < least ? least : v > most ? most : v;
}

bool detect_content_find(const struct detect_content *c, const struct detect_inspect *in,
			 size_t *from, size_t *out_end)
{
	const int64_t len = (int64_t)in->bytes.len, n = (int64_t)c->bytes.len;
	int64_t lo = 0, hi = len;
	size_t at;

	if (c->has_distance || c->has_within) {
		int64_t distance = c->has_distance ? detect_num_value(&c->distance, in) : 0;

		lo = clamp((int64_t)in->pos + clamp(distance, -len - 1, len + 1), 0, len);
		if (c->has_within)
			hi = clamp((int64_t)in->pos + clamp(distance, -len - 1, len + 1) +
					   clamp(detect_num_value(&c->within, in), -1, len + 1),
				   0, len);
	}
	if (c->has_offset && lo < clamp(detect_num_value(&c->offset, in), 0, len))
		lo = clamp(detect_num_value(&c->offset, in), 0, len);
	if (c->has_depth) {
		int64_t off = c->has_offset ? clamp(detect_num_value(&c->offset, in), 0, len) : 0;
		int64_t end = clamp(off + clamp(detect_num_value(&c->depth, in), 0, len), 0, len);

		if (hi > end)
			hi = end;
	}
	if (c->ends) {
		if (hi < len || n > len)
			return false;
		if (lo < len - n)
			lo = len - n;
	}
	if (lo < (int64_t)*from)
		lo = clamp((int64_t)*from, 0, len);
	if (lo > hi || n > hi - lo)
		return false;
	at = detect_search(slice_part(in->bytes, (size_t)lo, (size_t)(hi - lo)), c->bytes,
			   c->nocase);
	if (at == SIZE_MAX)
		return false;
	*from = (size_t)lo + at + 1;
	*out_end = (size_t)lo + at + c->bytes.len;
	return true;
}

static enum status compile_content(struct detect_compiler *c, const struct detect_keyword *kw,
				   struct slice value, struct fail *why)
{
	struct detect_content *o = ARENA_NEW(c->arena, struct detect_content);
	enum status st;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a content");
	st = rule_content_parse(value, c->arena, &o->negated, &o->bytes, why);
	if (st != ST_OK)
		return st;
	if (o->bytes.len == 0 || o->bytes.len > CONTENT_BYTES_MAX)
		return fail_set(why, ST_INVALID, "a content has 1 to %d bytes", CONTENT_BYTES_MAX);
	if (kw->which == 1) { /* uricontent */
		struct detect_draft_list *keep = c->current;

		st = detect_list_for(c, SLICE("http.uri"), &c->current, why);
		if (st == ST_OK)
			st = detect_add_step(c, detect_content_keyword, o, false, why);
		c->current = keep;
	} else {
		st = detect_add_step(c, detect_content_keyword, o, false, why);
	}
	c->content = st == ST_OK ? o : NULL;
	return st;
}

/* "only" or "offset,length" */
static enum status fast_pattern(struct detect_content *o, struct slice value, struct fail *why)
{
	struct slice rest = value;
	uint64_t at, len;

	if (o->fast_chosen)
		return fail_set(why, ST_INVALID, "fast_pattern twice for one content");
	o->fast_chosen = true;
	if (value.ptr == NULL)
		return ST_OK;
	if (slice_equal(value, SLICE("only"))) {
		o->fast_only = true;
		return ST_OK;
	}
	if (!text_u64(slice_trim(slice_split(&rest, ',')), 0, o->bytes.len, &at) ||
	    !text_u64(slice_trim(rest), 1, o->bytes.len - at, &len))
		return fail_set(why, ST_INVALID, "fast_pattern wants only, or offset,length");
	o->chop_at = (uint16_t)at;
	o->chop_len = (uint16_t)len;
	return ST_OK;
}

static enum status limit(struct detect_compiler *c, const char *name, struct slice value,
			 int64_t least, int64_t most, bool *has, struct detect_num *out,
			 struct fail *why)
{
	if (*has)
		return fail_set(why, ST_INVALID, "%s twice for one content", name);
	if (!detect_num_parse(c, value, least, most, out))
		return fail_set(why, ST_INVALID,
				"%s wants a number of %lld to %lld or a variable, not \"%.*s\"",
				name, (long long)least, (long long)most, SLICE_ARG(value));
	*has = true;
	return ST_OK;
}

static void fold(struct detect_compiler *c, struct detect_content *o)
{
	uint8_t *copy = ARENA_ARRAY(c->arena, uint8_t, o->bytes.len);

	if (copy == NULL)
		return;
	for (size_t i = 0; i < o->bytes.len; i++)
		copy[i] = text_lower(o->bytes.ptr[i]);
	o->bytes.ptr = copy;
	o->nocase = true;
}

/* Bytes to put in the place of the content, inline. We rewrite no packet (docs/differences.md), but
 * what could not be done anywhere is an error here, too. */
static enum status replace(struct detect_compiler *c, const struct detect_content *o,
			   struct slice value, struct fail *why)
{
	struct slice bytes;
	bool negated;
	enum status st = rule_content_parse(value, c->arena, &negated, &bytes, why);

	if (st != ST_OK)
		return st;
	if (negated || o->negated)
		return fail_set(why, ST_INVALID, "replace does not go with a negation");
	if (bytes.len != o->bytes.len)
		return fail_set(why, ST_INVALID, "replace has %zu bytes, its content %zu",
				bytes.len, o->bytes.len);
	return ST_OK;
}

static enum status compile_modifier(struct detect_compiler *c, const struct detect_keyword *kw,
				    struct slice value, struct fail *why)
{
	struct detect_content *o = c->content;

	if (o == NULL)
		return fail_set(why, ST_INVALID, "%s needs a content before it", kw->name);
	switch (kw->which) {
	case M_NOCASE:
		if (o->nocase)
			return fail_set(why, ST_INVALID, "nocase twice for one content");
		fold(c, o);
		return o->nocase ? ST_OK : fail_set(why, ST_NOMEM, "no memory for a content");
	case M_DEPTH:
		if (o->starts)
			return fail_set(why, ST_INVALID, "depth does not go with startswith");
		return limit(c, kw->name, value, 0, UINT16_MAX, &o->has_depth, &o->depth, why);
	case M_OFFSET:
		if (o->starts)
			return fail_set(why, ST_INVALID, "offset does not go with startswith");
		return limit(c, kw->name, value, 0, UINT16_MAX, &o->has_offset, &o->offset, why);
	case M_DISTANCE:
		return limit(c, kw->name, value, -PLACE_MAX, PLACE_MAX, &o->has_distance,
			     &o->distance, why);
	case M_WITHIN:
		return limit(c, kw->name, value, -PLACE_MAX, PLACE_MAX, &o->has_within, &o->within,
			     why);
	case M_STARTS:
		if (o->has_depth || o->has_offset || o->has_within || o->has_distance)
			return fail_set(why, ST_INVALID, "startswith stands alone");
		o->starts = o->has_depth = true;
		o->depth.value = (int64_t)o->bytes.len;
		return ST_OK;
	case M_ENDS:
		if (o->ends)
			return fail_set(why, ST_INVALID, "endswith twice for one content");
		o->ends = true;
		return ST_OK;
	case M_FAST:
		return fast_pattern(o, value, why);
	case M_REPLACE:
		return replace(c, o, value, why);
	default: /* rawbytes: bytes are raw here */
		o->raw = true;
		return ST_OK;
	}
}

KEYWORD(content) = {
	{.name = "content",
	 .kind = KIND_STEP,
	 .compile = compile_content,
	 .doc = "bytes that must (or must not) occur"},
	{.name = "uricontent",
	 .kind = KIND_STEP,
	 .which = 1,
	 .compile = compile_content,
	 .doc = "content in the normalised URI (old form)"},
	{.name = "nocase",
	 .kind = KIND_MODIFIER,
	 .bare = true,
	 .which = M_NOCASE,
	 .compile = compile_modifier,
	 .doc = "ASCII letters match in either case"},
	{.name = "rawbytes",
	 .kind = KIND_MODIFIER,
	 .bare = true,
	 .which = M_RAWBYTES,
	 .compile = compile_modifier,
	 .doc = "accepted; payload bytes are always raw"},
	{.name = "depth",
	 .kind = KIND_MODIFIER,
	 .which = M_DEPTH,
	 .compile = compile_modifier,
	 .doc = "the content ends within so many bytes of its offset"},
	{.name = "offset",
	 .kind = KIND_MODIFIER,
	 .which = M_OFFSET,
	 .compile = compile_modifier,
	 .doc = "the content starts at or behind this byte"},
	{.name = "distance",
	 .kind = KIND_MODIFIER,
	 .which = M_DISTANCE,
	 .compile = compile_modifier,
	 .doc = "the content starts so many bytes behind the step before"},
	{.name = "within",
	 .kind = KIND_MODIFIER,
	 .which = M_WITHIN,
	 .compile = compile_modifier,
	 .doc = "the content ends within so many bytes of distance"},
	{.name = "startswith",
	 .kind = KIND_MODIFIER,
	 .bare = true,
	 .which = M_STARTS,
	 .compile = compile_modifier,
	 .doc = "the content is the start of the buffer"},
	{.name = "endswith",
	 .kind = KIND_MODIFIER,
	 .bare = true,
	 .which = M_ENDS,
	 .compile = compile_modifier,
	 .doc = "the content is the end of the buffer"},
	{.name = "fast_pattern",
	 .kind = KIND_MODIFIER,
	 .which = M_FAST,
	 .compile = compile_modifier,
	 .doc = "the prefilter looks for this content (or a part of it)"},
	{.name = "replace",
	 .kind = KIND_MODIFIER,
	 .which = M_REPLACE,
	 .compile = compile_modifier,
	 .doc = "accepted; no packet is rewritten"},
	{0},
};

const struct detect_keyword *const detect_content_keyword = &detect_kw_content[0];
