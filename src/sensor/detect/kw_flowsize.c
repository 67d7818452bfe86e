/* SPDX-License-Identifier: Apache-2.0
 * How old a flow is, and how much each side has sent so far: flow.age, flow.pkts, flow.bytes.
 * Suricata 8.0.6 rules/flow-keywords. They are asked at every packet. */
#include "sensor/detect/detect_priv.h"

enum { WHAT_PACKETS, WHAT_BYTES };

enum side { SIDE_SERVER, SIDE_CLIENT, SIDE_EITHER, SIDE_BOTH };

struct size_operand {
	struct detect_range range;
	enum side side; /* to whom the packets travel */
	uint8_t what;
};

static uint64_t count_of(const struct size_operand *o, const struct flow *f, enum flow_dir dir)
{
	return o->what == WHAT_PACKETS ? f->side[dir].pkts : f->side[dir].bytes;
}

static bool size_holds(const void *operand, const struct detect_view *v)
{
	const struct size_operand *o = operand;
	bool server, client;

	if (v->flow == NULL)
		return false;
	server = detect_range_holds(&o->range, count_of(o, v->flow, FLOW_TO_SERVER));
	client = detect_range_holds(&o->range, count_of(o, v->flow, FLOW_TO_CLIENT));
	switch (o->side) {
	case SIDE_SERVER:
		return server;
	case SIDE_CLIENT:
		return client;
	case SIDE_EITHER:
		return server || client;
	case SIDE_BOTH:
		break;
	}
	return server && client;
}

static bool age_holds(const void *operand, const struct detect_view *v)
{
	int64_t age;

	if (v->flow == NULL)
		return false;
	/* whole seconds of the clock, not the time between */
	age = v->now.ns / TIME_NS_PER_S - v->flow->first.ns / TIME_NS_PER_S;
	return detect_range_holds(operand, age < 0 ? 0 : (uint64_t)age);
}

/* "toserver,>3"; the older rows have the side in their name. which: what, and side + 1 in them. */
static enum status compile_size(struct detect_compiler *c, const struct detect_keyword *kw,
				struct slice value, struct fail *why)
{
	static const char *const sides[] = {"toserver", "toclient", "either", "both"};
	struct size_operand *o = ARENA_NEW(c->arena, struct size_operand);
	struct slice rest = value, word;
	unsigned side = kw->which >> 1;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	o->what = kw->which & 1;
	if (side == 0) {
		word = slice_trim(slice_split(&rest, ','));
		while (side < 4 && !slice_equal(word, slice_of(sides[side])))
			side++;
		if (side == 4)
			return fail_set(why, ST_INVALID,
					"%s wants toserver, toclient, either or both first",
					kw->name);
		side++;
	}
	o->side = SIDE_SERVER + (side - 1);
	if (!detect_range_parse(rest, o->what == WHAT_PACKETS ? UINT32_MAX : UINT64_MAX, &o->range))
		return fail_set(why, ST_INVALID, "%s wants a number or a range, not \"%.*s\"",
				kw->name, SLICE_ARG(rest));
	c->wants_packet = true;
	return detect_add_test(c, kw, o, why);
}

static enum status compile_age(struct detect_compiler *c, const struct detect_keyword *kw,
			       struct slice value, struct fail *why)
{
	struct detect_range *o = ARENA_NEW(c->arena, struct detect_range);

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	if (!detect_range_parse(value, UINT32_MAX, o))
		return fail_set(why, ST_INVALID, "flow.age wants a number or a range, not \"%.*s\"",
				SLICE_ARG(value));
	c->wants_packet = true;
	return detect_add_test(c, kw, o, why);
}

#define SIZE(word, what, side, text)                                                               \
	{                                                                                          \
		.name = (word), .which = (what) | (side) << 1, .compile = compile_size,            \
		.test = size_holds, .cost = 1, .doc = (text)                                       \
	}

KEYWORD(flowsize) = {
	{.name = "flow.age",
	 .compile = compile_age,
	 .test = age_holds,
	 .cost = 1,
	 .doc = "seconds since the flow's first packet"},
	SIZE("flow.pkts", WHAT_PACKETS, 0, "packets of the flow so far"),
	SIZE("flow.bytes", WHAT_BYTES, 0, "bytes of the flow so far"),
	SIZE("flow.pkts_toserver", WHAT_PACKETS, SIDE_SERVER + 1, "packets to the server so far"),
	SIZE("flow.pkts_toclient", WHAT_PACKETS, SIDE_CLIENT + 1, "packets to the client so far"),
	SIZE("flow.bytes_toserver", WHAT_BYTES, SIDE_SERVER + 1, "bytes to the server so far"),
	SIZE("flow.bytes_toclient", WHAT_BYTES, SIDE_CLIENT + 1, "bytes to the client so far"),
	{0},
};
