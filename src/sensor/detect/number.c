/* SPDX-License-Identifier: Apache-2.0
 * Numbers, ranges and names as rules write them. */
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

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

static bool between(struct slice s, const char *sep, uint64_t most, bool open,
		    struct detect_range *out)
{
	size_t at = slice_find(s, slice_of(sep));
	uint64_t a, b;

	if (at == SIZE_MAX || at == 0 || !text_u64(slice_trim(slice_part(s, 0, at)), 0, most, &a) ||
	    !text_u64(slice_trim(slice_from(s, at + strlen(sep))), 0, most, &b) || a > b)
		return false;
	*out = (struct detect_range){.op = CMP_IN, .a = a, .b = b, .open = open};
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
	if (between(s, "<>", most, true, out) || between(s, "-", most, false, out))
		return true;
	for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
		if (slice_starts(s, slice_of(ops[i].text))) {
			r.op = ops[i].op;
			s = slice_trim(slice_from(s, strlen(ops[i].text)));
			break;
		}
	}
	if (!text_u64(s, 0, most, &r.a))
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
		return r->open ? v > r->a && v < r->b : v >= r->a && v <= r->b;
	}
	return false;
}

int detect_name_index(struct detect_names *n, struct arena *a, struct slice name)
{
	struct slice copy;

	for (size_t i = 0; i < n->count; i++)
		if (slice_equal(n->names[i], name))
			return (int)i;
	copy = arena_copy(a, name);
	if (copy.len != name.len || !ARENA_PUSH(a, n->names, n->count, n->room, copy))
		return -1;
	return (int)(n->count - 1);
}

void detect_use_add(uint8_t *use, bool sets)
{
	uint8_t mine = sets ? USE_SET : USE_READ;

	*use = *use == USE_NONE || *use == mine ? mine : (uint8_t)USE_READ_SET;
}
