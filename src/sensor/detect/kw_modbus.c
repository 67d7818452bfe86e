/* SPDX-License-Identifier: Apache-2.0
 * modbus: the unit, function, access, address and value of a request; rules/modbus-keyword. */
#include "base/text.h"
#include "sensor/app/modbus.h"
#include "sensor/detect/detect_priv.h"

struct between { /* a == b: that number; else what lies between them, without them */
	bool there;
	uint16_t a, b;
};

struct modbus_operand {
	struct between unit, address, value;
	bool has_function, has_category, has_subfunction;
	uint8_t function, category, access;
	uint16_t subfunction;
};

/* Does one of first..last match? */
static bool meets(const struct between *r, uint64_t first, uint64_t last)
{
	if (!r->there)
		return true;
	if (r->a == r->b)
		return r->a >= first && r->a <= last;
	if (r->a == 0) /* "<5" */
		return first < r->b;
	if (r->b == UINT16_MAX) /* ">5" */
		return last > r->a;
	return r->a < last && first < r->b;
}

static uint64_t number(struct slice s, size_t i)
{
	uint64_t v = 0;

	memcpy(&v, s.ptr + i * sizeof v, sizeof v);
	return v;
}

static bool accesses(const struct modbus_operand *o, struct slice asked)
{
	unsigned how = o->access & (MODBUS_READ | MODBUS_WRITE), what = o->access & MODBUS_WHAT;
	size_t place = how == MODBUS_READ ? MODBUS_ASK_READ_FIRST : MODBUS_ASK_WRITE_FIRST;
	uint64_t have = number(asked, MODBUS_ASK_ACCESS), first = number(asked, place), at;

	if ((have & how) == 0 || (what != 0 && (have & what) == 0))
		return false;
	if (!o->address.there)
		return true;
	if (first == 0 || !meets(&o->address, first, number(asked, place + 1)))
		return false;
	if (!o->value.there)
		return true;
	at = (uint64_t)MODBUS_ASK_VALUES + o->address.a - first;
	if (at >= asked.len / sizeof at)
		return false;
	have = number(asked, at);
	return meets(&o->value, have, have);
}

static bool modbus(const void *operand, struct detect_inspect *in)
{
	const struct modbus_operand *o = operand;
	uint64_t unit;

	if (in->bytes.len < MODBUS_ASK_VALUES * sizeof unit)
		return false;
	unit = number(in->bytes, MODBUS_ASK_UNIT);
	if (!meets(&o->unit, unit, unit))
		return false;
	if (o->access != 0)
		return accesses(o, in->bytes);
	if (o->has_category)
		return (number(in->bytes, MODBUS_ASK_CATEGORY) & o->category) != 0;
	if (o->has_function && number(in->bytes, MODBUS_ASK_FUNCTION) != o->function)
		return false;
	return !o->has_subfunction || number(in->bytes, MODBUS_ASK_SUBFUNCTION) == o->subfunction;
}

/* "5", "<5", ">5", "5<>9" */
static bool parse_between(struct slice s, struct between *out)
{
	struct slice rest = slice_trim(s), low = slice_split(&rest, '<');
	uint64_t a, b;

	s = slice_trim(s);
	*out = (struct between){.there = true};
	if (low.len != 0 && rest.len != 0 && rest.ptr[0] == '>') {
		if (!text_u64(low, 0, UINT16_MAX, &a) ||
		    !text_u64(slice_from(rest, 1), 0, UINT16_MAX, &b))
			return false;
	} else if (s.len != 0 && (s.ptr[0] == '<' || s.ptr[0] == '>')) {
		if (!text_u64(slice_from(s, 1), 0, UINT16_MAX, &a))
			return false;
		b = s.ptr[0] == '<' ? a : UINT16_MAX;
		a = s.ptr[0] == '<' ? 0 : a;
	} else {
		if (!text_u64(s, 0, UINT16_MAX, &a))
			return false;
		b = a;
	}
	out->a = (uint16_t)a;
	out->b = (uint16_t)b;
	return true;
}

/* Takes `word` and the blanks behind it off s. */
static bool takes(struct slice *s, const char *word)
{
	struct slice w = slice_of(word);

	if (!slice_starts(*s, w))
		return false;
	*s = slice_trim(slice_from(*s, w.len));
	return true;
}

static bool parse_function(struct slice s, struct modbus_operand *o)
{
	static const struct app_word names[] = {
		{"assigned", MODBUS_ASSIGNED},
		{"unassigned", MODBUS_UNASSIGNED},
		{"public", MODBUS_ASSIGNED | MODBUS_UNASSIGNED},
		{"user", MODBUS_USER_DEFINED},
		{"reserved", MODBUS_RESERVED},
		{"all", MODBUS_ANY},
		{0},
	};
	struct slice first = slice_trim(slice_split(&s, ','));
	uint64_t number;
	bool not = first.len != 0 && first.ptr[0] == '!';

	s = slice_trim(s);
	if (text_u64(first, 1, UINT8_MAX, &number)) {
		o->has_function = true;
		o->function = (uint8_t)number;
		if (s.len == 0)
			return true;
		if (!takes(&s, "subfunction") || !text_u64(s, 0, UINT16_MAX, &number))
			return false;
		o->has_subfunction = true;
		o->subfunction = (uint16_t)number;
		return true;
	}
	for (const struct app_word *w = names; w->name != NULL && s.len == 0; w++)
		if (slice_equal(slice_from(first, not ), slice_of(w->name))) {
			o->has_category = true;
			o->category = (uint8_t)(not ? MODBUS_ANY & ~w->value : w->value);
			return true;
		}
	return false;
}

static bool parse_access(struct slice s, struct modbus_operand *o)
{
	static const struct app_word names[] = {
		{"discretes", MODBUS_DISCRETES},
		{"coils", MODBUS_COILS},
		{"input", MODBUS_INPUT},
		{"holding", MODBUS_HOLDING},
		{0},
	};
	struct slice what = slice_trim(slice_split(&s, ','));
	bool known = false;

	if (takes(&what, "read"))
		o->access = MODBUS_READ;
	else if (takes(&what, "write"))
		o->access = MODBUS_WRITE;
	else
		return false;
	for (const struct app_word *w = names; w->name != NULL; w++)
		if (slice_equal(what, slice_of(w->name))) {
			o->access |= (uint8_t)w->value;
			known = true;
		}
	if ((what.len != 0 && !known) ||
	    ((o->access & MODBUS_WRITE) != 0 &&
	     (o->access & (MODBUS_DISCRETES | MODBUS_INPUT)) != 0)) /* nobody can write those */
		return false;
	s = slice_trim(s);
	if (s.len == 0)
		return true;
	if (!takes(&s, "address") || !parse_between(slice_split(&s, ','), &o->address))
		return false;
	s = slice_trim(s);
	if (s.len == 0)
		return true;
	return o->address.a == o->address.b && (o->access & MODBUS_WRITE) != 0 &&
	       takes(&s, "value") && parse_between(s, &o->value);
}

static bool parse(struct slice s, struct modbus_operand *o)
{
	s = slice_trim(s);
	if (takes(&s, "unit")) {
		if (!parse_between(slice_split(&s, ','), &o->unit))
			return false;
		s = slice_trim(s);
		if (s.len == 0)
			return true;
	}
	if (takes(&s, "function"))
		return parse_function(s, o);
	return takes(&s, "access") && parse_access(s, o);
}

static enum status compile(struct detect_compiler *c, const struct detect_keyword *kw,
			   struct slice value, struct fail *why)
{
	struct modbus_operand *o = ARENA_NEW(c->arena, struct modbus_operand);
	struct detect_draft_list *keep = c->current;
	enum status st;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	if (!parse(value, o))
		return fail_set(why, ST_INVALID, "%s wants unit, function or access, not \"%.*s\"",
				kw->name, SLICE_ARG(value));
	st = detect_list_for(c, SLICE("modbus.request"), &c->current, why);
	if (st == ST_OK)
		st = detect_add_step(c, kw, o, false, why);
	c->current = keep;
	return st;
}

KEYWORD(modbus) = {
	{.name = "modbus",
	 .compile = compile,
	 .step = modbus,
	 .cost = 1,
	 .doc = "unit, function, access, address and value of a request"},
	{0},
};
