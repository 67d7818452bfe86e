/* SPDX-License-Identifier: Apache-2.0
 *
 * Which content of a rule the prefilter looks for: the one the rule says, unless that is too short
 * to be found quickly, else the one that is longest and least common among the rules, preferably
 * near the start. It only has to be a necessary condition.
 */
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

#ifdef DEW_FUZZING /* made anew for each input */
enum { POPULAR_SLOTS = 1 << 8 };
#else
enum { POPULAR_SLOTS = 1 << 17 };
#endif

enum {
	NEAR_WORTH = 8, /* one byte that differs: few bytes are looked at */
	SHORT_COST = 64,
};

struct popular { /* how many rules have a content in a buffer */
	uint32_t *hash, *count;
};

static uint32_t content_hash(uint32_t buffer, const struct detect_content *c)
{
	uint32_t h = 2166136261U ^ buffer;

	for (size_t i = 0; i < c->bytes.len; i++)
		h = (h ^ text_lower(c->bytes.ptr[i])) * 16777619U;
	return h | 1; /* 0 is an empty slot */
}

/* The slot of h, or of nothing when the table is full of others nearby. */
static uint32_t slot_of(const struct popular *p, uint32_t h)
{
	uint32_t at = h % POPULAR_SLOTS;

	for (unsigned i = 0; i < 64; i++, at = (at + 1) % POPULAR_SLOTS)
		if (p->hash[at] == h || p->hash[at] == 0)
			return at;
	return h % POPULAR_SLOTS;
}

/* The matcher takes no literal that starts with NUL; groups.c cuts those off, so one must be left.
 */
static bool only_nuls(const struct detect_content *c)
{
	struct slice s = c->bytes;

	if (c->chop_len != 0)
		s = slice_part(s, c->chop_at, c->chop_len);
	for (size_t i = 0; i < s.len && i < DETECT_PATTERN_MAX; i++)
		if (s.ptr[i] != 0)
			return false;
	return true;
}

static const struct detect_content *content_of(const struct detect_step *s)
{
	const struct detect_content *c = s->operand;

	return s->kw == detect_content_keyword && !c->negated && !only_nuls(c) ? c : NULL;
}

/* A list whose bytes the prefilter will see. */
static bool usable(const struct detect_rule *r, uint32_t i)
{
	const struct detect_list *l = &r->lists[i];

	return !l->if_absent && !l->buffer->is_frame && l->buffer->payload == (r->look != LOOK_TX);
}

static void popular_count(struct popular *p, const struct detect_rule *r)
{
	for (uint32_t i = 0; i < r->list_count; i++) {
		for (uint32_t k = 0; k < r->lists[i].count && usable(r, i); k++) {
			const struct detect_content *c = content_of(&r->lists[i].steps[k]);

			if (c != NULL) {
				uint32_t h = content_hash(r->lists[i].buffer->index, c);
				uint32_t at = slot_of(p, h);

				p->hash[at] = h;
				p->count[at]++;
			}
		}
	}
}

static bool grows(const struct detect_buffer *b)
{
	for (size_t i = 0; i < DETECT_PROTOCOLS_MAX; i++)
		if (b->field[i] != NULL && b->field[i]->growing)
			return true;
	return false;
}

/* Does the prefilter see that the content stands within DETECT_REACH bytes of the start? */
static bool near(const struct detect_content *c)
{
	int64_t offset = c->has_offset ? c->offset.value : 0;

	return c->has_depth && !c->has_distance && !c->has_within && c->offset.var == 0 &&
	       c->depth.var == 0 && offset + c->depth.value <= DETECT_REACH;
}

/* The matcher would not see enough of it to be quick (groups.c cuts NULs off). */
static bool too_short(const struct detect_content *c)
{
	struct slice s = c->bytes;

	if (c->chop_len != 0)
		s = slice_part(s, c->chop_at, c->chop_len);
	while (s.len != 0 && s.ptr[0] == 0)
		s = slice_from(s, 1);
	return s.len < DETECT_SHORT;
}

/* Bytes that differ are worth more than bytes that repeat: 00 00 00 00 is everywhere. */
static int32_t worth(struct slice s)
{
	uint64_t seen[4] = {0};
	int32_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		uint8_t b = text_lower(s.ptr[i]);
		bool again = (seen[b / 64] >> b % 64 & 1) != 0;

		seen[b / 64] |= UINT64_C(1) << b % 64;
		n += again ? 3 : b == 0 || b == 0xff || b == ' ' ? 5 : 8;
	}
	return n;
}

static int32_t score(const struct popular *p, const struct detect_buffer *b,
		     const struct detect_content *c)
{
	uint32_t at = slot_of(p, content_hash(b->index, c)), many = p->count[at];
	int32_t s = worth(slice_part(c->bytes, 0, DETECT_PATTERN_MAX));

	for (; many > 1; many /= 2)
		s -= 8;
	if (near(c))
		s += NEAR_WORTH;
	else if (too_short(c))
		s -= SHORT_COST;
	return grows(b) ? s - 8 : s;
}

static void choose(const struct popular *p, struct detect_rule *r)
{
	int32_t best = INT32_MIN;

	for (uint32_t i = 0; i < r->list_count; i++) {
		for (uint32_t k = 0; k < r->lists[i].count && usable(r, i); k++) {
			const struct detect_content *c = content_of(&r->lists[i].steps[k]);
			int32_t s = c == NULL ? INT32_MIN
				    : c->fast_chosen && (!too_short(c) || near(c))
					    ? INT32_MAX
					    : score(p, r->lists[i].buffer, c);

			if (s > best) {
				best = s;
				r->fast = c;
				r->fast_list = i;
			}
		}
	}
}

enum status detect_fast_choose(struct detect_rules *r, struct fail *why)
{
	struct popular p = {ARENA_ARRAY(r->arena, uint32_t, POPULAR_SLOTS),
			    ARENA_ARRAY(r->arena, uint32_t, POPULAR_SLOTS)};

	if (p.hash == NULL || p.count == NULL)
		return fail_set(why, ST_NOMEM, "no memory to choose patterns");
	for (size_t i = 0; i < r->count; i++)
		popular_count(&p, &r->rules[i]);
	for (size_t i = 0; i < r->count; i++)
		choose(&p, &r->rules[i]);
	return ST_OK;
}
