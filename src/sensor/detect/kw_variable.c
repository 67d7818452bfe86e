/* SPDX-License-Identifier: Apache-2.0
 * flowvar and pktvar: what pcre captured into a variable holds these bytes. Suricata 8
 * rules/flow-keywords. */
#include "sensor/detect/detect_priv.h"

struct variable_operand {
	struct slice name, bytes;
};

static bool holds(const struct variable_operand *o, const struct detect_var *list)
{
	const struct detect_var *v = detect_var_find(list, o->name);

	return v != NULL && detect_search(v->value, o->bytes, false) != SIZE_MAX;
}

static bool flow_var(const void *operand, const struct detect_view *v)
{
	return v->flow != NULL && v->flow->detect != NULL && holds(operand, v->flow->detect->vars);
}

static bool packet_var(const void *operand, const struct detect_view *v)
{
	return holds(operand, v->worker->vars);
}

/* name,"value"; the last comma parts them, the quotes may be left out */
static enum status compile(struct detect_compiler *c, const struct detect_keyword *kw,
			   struct slice value, struct fail *why)
{
	struct variable_operand *o = ARENA_NEW(c->arena, struct variable_operand);
	size_t comma = value.len;
	struct slice text;
	enum status st;
	bool negated;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	while (comma > 0 && value.ptr[comma - 1] != ',')
		comma--;
	o->name = slice_trim(slice_part(value, 0, comma == 0 ? 0 : comma - 1));
	text = slice_trim(slice_from(value, comma));
	if (o->name.len == 0 || text.len == 0 || text.ptr[0] == '!')
		return fail_set(why, ST_INVALID, "%s wants a name, a comma and a value", kw->name);
	if (text.ptr[0] != '"') {
		struct buf quoted = buf_in(c->arena);

		buf_add_byte(&quoted, '"');
		buf_add(&quoted, text);
		buf_add_byte(&quoted, '"');
		if (quoted.full)
			return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
		text = buf_slice(&quoted);
	}
	st = rule_content_parse(text, c->arena, &negated, &o->bytes, why);
	if (st != ST_OK)
		return fail_wrap(why, "%s", kw->name);
	if (o->bytes.len == 0)
		return fail_set(why, ST_INVALID, "%s wants a value that is not empty", kw->name);
	detect_use_add(kw->test == flow_var ? &c->out->var_use : &c->out->packet_var_use, false);
	return detect_add_test(c, kw, o, why);
}

KEYWORD(variable) = {
	{.name = "flowvar",
	 .compile = compile,
	 .test = flow_var,
	 .cost = 3,
	 .doc = "what pcre captured into the flow's variable holds this text"},
	{.name = "pktvar",
	 .compile = compile,
	 .test = packet_var,
	 .cost = 3,
	 .doc = "what pcre captured into the packet's variable holds this text"},
	{0},
};
