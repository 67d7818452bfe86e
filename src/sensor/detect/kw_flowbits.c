/* SPDX-License-Identifier: Apache-2.0
 * What rules remember about a flow: flowbits and flowint. */
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

enum { NAMES_MAX = 16 /* names of one isset:a|b|c */ };

struct bits_operand {
	enum detect_bit_act act;
	uint32_t bit[NAMES_MAX];
	uint32_t count;
};

struct int_operand {
	uint32_t slot, from; /* from: the other variable, if is_var */
	bool is_var;
	uint32_t value;
	enum {
		INT_SET,
		INT_ADD,
		INT_SUB,
		INT_LT,
		INT_LE,
		INT_GT,
		INT_GE,
		INT_EQ,
		INT_NE,
		INT_ISSET,
		INT_NOTSET
	} act;
};

/* A flow for which there was no memory to follow a change of rules has room for fewer. */
static bool has_bit(const struct detect_flow *f, size_t bit)
{
	return bit / 64 < f->bit_words && (f->bits[bit / 64] >> bit % 64 & 1) != 0;
}

static bool has_int(const struct detect_flow *f, size_t slot)
{
	return slot < f->int_room && f->int_set[slot] != 0;
}

static bool bits_test(const void *operand, const struct detect_view *v)
{
	const struct bits_operand *o = operand;
	const struct detect_flow *f = v->flow == NULL ? NULL : v->flow->detect;
	bool any = false;

	if (v->flow == NULL)
		return false;
	for (uint32_t i = 0; f != NULL && i < o->count; i++)
		any |= has_bit(f, o->bit[i]);
	return any == (o->act == DETECT_BIT_ISSET);
}

static void bits_after(const void *operand, const struct detect_view *v)
{
	const struct bits_operand *o = operand;
	struct detect_flow *f = detect_flow_state(v);

	for (uint32_t i = 0; f != NULL && i < o->count; i++) {
		uint64_t *word = &f->bits[o->bit[i] / 64], mask = UINT64_C(1) << o->bit[i] % 64;

		if (o->bit[i] / 64 >= f->bit_words)
			continue;
		if (o->act == DETECT_BIT_SET)
			*word |= mask;
		else if (o->act == DETECT_BIT_UNSET)
			*word &= ~mask;
		else
			*word ^= mask;
	}
}

bool detect_bit_act_parse(struct slice word, enum detect_bit_act *out)
{
	static const char *const acts[] = {
		[DETECT_BIT_SET] = "set",	    [DETECT_BIT_UNSET] = "unset",
		[DETECT_BIT_TOGGLE] = "toggle",	    [DETECT_BIT_ISSET] = "isset",
		[DETECT_BIT_ISNOTSET] = "isnotset",
	};

	for (unsigned i = 0; i < sizeof acts / sizeof acts[0]; i++)
		if (slice_equal_nocase(word, slice_of(acts[i]))) {
			*out = (enum detect_bit_act)i;
			return true;
		}
	return false;
}

static enum status compile_bits(struct detect_compiler *c, const struct detect_keyword *kw,
				struct slice value, struct fail *why)
{
	struct bits_operand *o = ARENA_NEW(c->arena, struct bits_operand);
	struct slice rest = value, act = slice_trim(slice_split(&rest, ','));
	bool known;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	if (slice_equal(act, SLICE("noalert")) && rest.ptr == NULL) {
		c->out->noalert = true;
		return ST_OK;
	}
	known = detect_bit_act_parse(act, &o->act);
	rest = slice_trim(rest);
	if (!known || rest.len == 0)
		return fail_set(why, ST_INVALID, "flowbits wants an action and a name");
	while (rest.ptr != NULL) {
		struct slice name = slice_trim(slice_split(&rest, '|'));
		int bit = detect_name_index(&c->rules->flow_bits, c->arena, name);

		if (name.len == 0 || o->count == NAMES_MAX)
			return fail_set(why, ST_INVALID, "flowbits wants 1 to %d names", NAMES_MAX);
		if (bit < 0)
			return fail_set(why, ST_NOMEM, "no memory for a flow bit");
		o->bit[o->count++] = (uint32_t)bit;
	}
	detect_use_add(&c->out->bit_use, o->act <= DETECT_BIT_TOGGLE);
	return o->act <= DETECT_BIT_TOGGLE ? detect_add_after(c, kw, o, why)
					   : detect_add_test(c, kw, o, why);
}

static bool int_test(const void *operand, const struct detect_view *v)
{
	const struct int_operand *o = operand;
	const struct detect_flow *f = v->flow == NULL ? NULL : v->flow->detect;
	bool set = f != NULL && has_int(f, o->slot);
	uint32_t have, want = o->value;

	if (o->act == INT_ISSET || o->act == INT_NOTSET)
		return v->flow != NULL && set == (o->act == INT_ISSET);
	if (!set || (o->is_var && o->from >= f->int_room))
		return false;
	have = f->ints[o->slot];
	if (o->is_var)
		want = f->ints[o->from];
	switch (o->act) {
	case INT_LT:
		return have < want;
	case INT_LE:
		return have <= want;
	case INT_GT:
		return have > want;
	case INT_GE:
		return have >= want;
	case INT_EQ:
		return have == want;
	case INT_NE:
		return have != want;
	default:
		return false;
	}
}

static void int_after(const void *operand, const struct detect_view *v)
{
	const struct int_operand *o = operand;
	struct detect_flow *f = detect_flow_state(v);
	uint32_t by;

	if (f == NULL || o->slot >= f->int_room || (o->is_var && o->from >= f->int_room))
		return;
	by = o->is_var ? f->ints[o->from] : o->value;
	if (o->act == INT_SET)
		f->ints[o->slot] = by;
	else if (o->act == INT_ADD)
		f->ints[o->slot] += by;
	else
		f->ints[o->slot] -= by > f->ints[o->slot] ? f->ints[o->slot] : by;
	f->int_set[o->slot] = 1;
}

static enum status compile_int(struct detect_compiler *c, const struct detect_keyword *kw,
			       struct slice value, struct fail *why)
{
	static const char *const acts[] = {"=",	 "+",  "-",  "<",     "<=",    ">",
					   ">=", "==", "!=", "isset", "notset"};
	struct int_operand *o = ARENA_NEW(c->arena, struct int_operand);
	struct slice rest = value, name = slice_trim(slice_split(&rest, ',')), act;
	unsigned i = 0;
	uint64_t n;
	int slot, from;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	act = slice_trim(slice_split(&rest, ','));
	rest = slice_trim(rest);
	if (slice_equal(act, SLICE("isnotset")))
		act = SLICE("notset");
	while (i < 11 && !slice_equal(act, slice_of(acts[i])))
		i++;
	if (i == 11 || name.len == 0 || (i < INT_ISSET && rest.len == 0))
		return fail_set(why, ST_INVALID, "flowint wants a name, an operator and a number");
	slot = detect_name_index(&c->rules->flow_ints, c->arena, name);
	from = slot;
	o->act = INT_SET + i;
	if (i < INT_ISSET) {
		o->is_var = !text_u64(rest, 0, UINT32_MAX, &n);
		if (o->is_var)
			from = detect_name_index(&c->rules->flow_ints, c->arena, rest);
		else
			o->value = (uint32_t)n;
	}
	if (slot < 0 || from < 0)
		return fail_set(why, ST_NOMEM, "no memory for a flow integer");
	o->slot = (uint32_t)slot;
	o->from = (uint32_t)from;
	detect_use_add(&c->out->int_use, o->act <= INT_SUB);
	return o->act <= INT_SUB ? detect_add_after(c, kw, o, why) : detect_add_test(c, kw, o, why);
}

KEYWORD(flowbits) = {
	{.name = "flowbits",
	 .compile = compile_bits,
	 .test = bits_test,
	 .after = bits_after,
	 .cost = 2,
	 .doc = "names that rules set on a flow and ask for"},
	{.name = "flowint",
	 .compile = compile_int,
	 .test = int_test,
	 .after = int_after,
	 .cost = 2,
	 .doc = "numbers that rules keep with a flow"},
	{0},
};

/* ---- for events ---- */

bool detect_flow_bit(const struct detect_rules *r, const struct flow *f, size_t *next,
		     struct slice *name)
{
	const struct detect_names *names = &r->flow_bits;

	while (f->detect != NULL && *next < names->count) {
		size_t i = (*next)++;

		if (!has_bit(f->detect, i))
			continue;
		*name = names->names[i];
		return true;
	}
	return false;
}

bool detect_flow_int(const struct detect_rules *r, const struct flow *f, size_t *next,
		     struct slice *name, uint32_t *value)
{
	const struct detect_names *names = &r->flow_ints;

	while (f->detect != NULL && *next < names->count) {
		size_t i = (*next)++;

		if (!has_int(f->detect, i))
			continue;
		*name = names->names[i];
		*value = f->detect->ints[i];
		return true;
	}
	return false;
}
