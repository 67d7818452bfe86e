/* SPDX-License-Identifier: Apache-2.0
 * Numbers, ranges and names as rules write them. */
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

enum { NAMES_FIRST = 64 /* places of the index; a power of two, as all its sizes */ };

bool detect_num_parse(struct detect_compiler *c, struct slice s, int64_t least, int64_t most,
		      struct detect_num *out)
{
	int64_t v;
	uint64_t u;

	s = slice_trim(s);
	if (s.len > 1 && s.ptr[0] == '+')
		s = slice_from(s, 1);
	if (text_i64(s, least, most, &v)) {
		*out = (struct detect_num){.value = v};
		return true;
	}
	if (most > 0 && text_u64(s, least > 0 ? (uint64_t)least : 0, (uint64_t)most, &u)) {
		*out = (struct detect_num){.value = (int64_t)u};
		return true;
	}
	for (uint8_t i = 0; i < c->var_count; i++) {
		if (slice_equal(c->vars[i], s)) {
			*out = (struct detect_num){.var = (int8_t)(i + 1)};
			return true;
		}
	}
	return false;
}

int64_t detect_num_value(const struct detect_num *n, const struct detect_inspect *in)
{
	return n->var != 0 ? in->vars[n->var - 1] : n->value;
}

enum status detect_var_add(struct detect_compiler *c, struct slice name, uint8_t *out,
			   struct fail *why)
{
	name = slice_trim(name);
	if (name.len == 0 || text_is_digit(name.ptr[0]))
		return fail_set(why, ST_INVALID, "a variable needs a name");
	for (uint8_t i = 0; i < c->var_count; i++) {
		if (slice_equal(c->vars[i], name)) {
			*out = i;
			return ST_OK;
		}
	}
	if (c->var_count == DETECT_VARS_MAX)
		return fail_set(why, ST_LIMIT, "more than %d variables", DETECT_VARS_MAX);
	c->vars[c->var_count] = name;
	*out = c->var_count++;
	c->out->has_vars = true;
	return ST_OK;
}

/* --- ranges: rules/integer-keywords --- */

/* Digits, "0x" and hex digits, or digits and a unit; what stands behind them stays in *s. */
static bool value_take(struct slice *s, uint64_t most, uint64_t *out)
{
	static const struct {
		const char *word;
		unsigned shift;
	} units[] = {{"kib", 10}, {"kb", 10}, {"mib", 20}, {"mb", 20}, {"gib", 30}, {"gb", 30}};
	bool hex = s->len > 2 && s->ptr[0] == '0' && s->ptr[1] == 'x' && text_hex(s->ptr[2]) >= 0;
	uint64_t v = 0, base = hex ? 16 : 10;
	size_t n = hex ? 2 : 0, first = n;

	for (; n < s->len; n++) {
		int d = hex ? text_hex(s->ptr[n]) : text_is_digit(s->ptr[n]) ? s->ptr[n] - '0' : -1;

		if (d < 0)
			break;
		if (__builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)d, &v))
			return false;
	}
	if (n == first)
		return false;
	*s = slice_from(*s, n);
	for (size_t i = 0; !hex && i < sizeof units / sizeof units[0]; i++) {
		size_t len = strlen(units[i].word);

		if (slice_equal_nocase(slice_part(*s, 0, len), slice_of(units[i].word))) {
			if (v > UINT64_MAX >> units[i].shift)
				return false;
			v <<= units[i].shift;
			*s = slice_from(*s, len);
			break;
		}
	}
	*out = v;
	return v <= most;
}

/* Takes `word` and the blanks behind it off the front. */
static bool word_take(struct slice *s, const char *word)
{
	if (!slice_starts(*s, slice_of(word)))
		return false;
	*s = slice_trim(slice_from(*s, strlen(word)));
	return true;
}

/* "3-9", "3<>9" */
static bool ends_parse(struct slice s, uint64_t most, uint64_t *a, uint64_t *b)
{
	if (!value_take(&s, most, a))
		return false;
	s = slice_trim(s);
	if (!word_take(&s, "<>") && !word_take(&s, "-"))
		return false;
	return value_take(&s, most, b) && s.len == 0;
}

/* "3-9", "3<>9", "!3-9": without its ends, and something between them */
static bool between(struct slice s, uint64_t most, struct detect_range *out)
{
	bool not = slice_starts(s, SLICE("!"));
	uint64_t a, b;

	s = slice_from(s, not ? 1 : 0);
	if (!ends_parse(s, most, &a, &b) || b <= a || b - a < 2)
		return false;
	*out = (struct detect_range){.op = not ? CMP_OUT : CMP_IN, .a = a, .b = b};
	return true;
}

bool detect_range_with_ends(struct slice s, struct detect_range *out)
{
	bool not = slice_starts(s, SLICE("!"));
	uint64_t a, b;

	s = slice_from(slice_trim(s), not ? 1 : 0);
	if (!ends_parse(s, UINT32_MAX, &a, &b) || a == 0 || b <= a)
		return false;
	*out = (struct detect_range){.op = not ? CMP_OUT : CMP_IN, .a = a - 1, .b = b + 1};
	return true;
}

/* "&0x0f=0x05", "&0x0f!=0x05" */
static bool masked(struct slice s, uint64_t most, struct detect_range *out)
{
	uint64_t mask, want;
	bool not ;

	if (!word_take(&s, "&") || !value_take(&s, most, &mask))
		return false;
	s = slice_trim(s);
	not = slice_starts(s, SLICE("!"));
	s = slice_from(s, not ? 1 : 0);
	if (!word_take(&s, "=") || !value_take(&s, most, &want) || s.len != 0 ||
	    (want & mask) != want)
		return false;
	*out = (struct detect_range){.op = not ? CMP_MASK_NE : CMP_MASK, .a = mask, .b = want};
	return true;
}

bool detect_range_parse(struct slice s, uint64_t most, struct detect_range *out)
{
	static const struct {
		const char *text;
		enum detect_cmp op;
	} ops[] = {{">=", CMP_GE}, {"<=", CMP_LE}, {"!=", CMP_NE}, {">", CMP_GT},
		   {"<", CMP_LT},  {"!", CMP_NE},  {"=", CMP_EQ}};
	struct detect_range r = {.op = CMP_EQ};

	s = slice_trim(s);
	if (between(s, most, out) || masked(s, most, out))
		return true;
	for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
		if (word_take(&s, ops[i].text)) {
			r.op = ops[i].op;
			break;
		}
	}
	if (!value_take(&s, most, &r.a) || s.len != 0)
		return false;
	/* what no number is, or every number is, is a slip of the pen */
	if ((r.a == 0 && (r.op == CMP_LT || r.op == CMP_GE)) ||
	    (r.a == most && (r.op == CMP_GT || r.op == CMP_LE)))
		return false;
	*out = r;
	return true;
}

bool detect_range_holds(const struct detect_range *r, uint64_t v)
{
	switch (r->op) {
	case CMP_EQ:
		return v == r->a;
	case CMP_NE:
		return v != r->a;
	case CMP_LT:
		return v < r->a;
	case CMP_LE:
		return v <= r->a;
	case CMP_GT:
		return v > r->a;
	case CMP_GE:
		return v >= r->a;
	case CMP_IN:
		return v > r->a && v < r->b;
	case CMP_OUT:
		return v <= r->a || v >= r->b;
	case CMP_MASK:
		return (v & r->a) == r->b;
	case CMP_MASK_NE:
		return (v & r->a) != r->b;
	}
	return false;
}

/* Where name is in the index, or would be: at most half of it is taken. */
static size_t name_place(const struct detect_names *n, struct slice name)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	size_t at;

	for (size_t i = 0; i < name.len; i++)
		h = (h ^ name.ptr[i]) * UINT64_C(0x100000001b3);
	at = (size_t)(h ^ h >> 32) & (n->index_room - 1);
	while (n->index[at] != 0 && !slice_equal(n->names[n->index[at] - 1], name))
		at = (at + 1) & (n->index_room - 1);
	return at;
}

static bool names_grow(struct detect_names *n, struct arena *a)
{
	size_t room = n->index_room == 0 ? NAMES_FIRST : 2 * n->index_room;
	uint32_t *index = ARENA_ARRAY(a, uint32_t, room);

	if (index == NULL)
		return false;
	n->index = index;
	n->index_room = room;
	for (size_t i = 0; i < n->count; i++)
		index[name_place(n, n->names[i])] = (uint32_t)i + 1;
	return true;
}

int detect_name_index(struct detect_names *n, struct arena *a, struct slice name)
{
	struct slice copy;
	size_t at;

	if (2 * n->count >= n->index_room && !names_grow(n, a))
		return -1;
	at = name_place(n, name);
	if (n->index[at] != 0)
		return (int)n->index[at] - 1;
	copy = arena_copy(a, name);
	if (copy.len != name.len || n->count == INT32_MAX ||
	    !ARENA_PUSH(a, n->names, n->count, n->room, copy))
		return -1;
	n->index[at] = (uint32_t)n->count;
	return (int)(n->count - 1);
}

void detect_use_add(uint8_t *use, bool sets)
{
	uint8_t mine = sets ? USE_SET : USE_READ;

	*use = *use == USE_NONE || *use == mine ? mine : (uint8_t)USE_READ_SET;
}
