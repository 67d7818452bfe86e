/* SPDX-License-Identifier: Apache-2.0
 * Other things that a packet's headers say: ip_proto, l3_proto, sameip, ipopts. */
#include "base/cursor.h"
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

struct option_operand {
	uint8_t kind; /* RFC 791 3.1, RFC 1108, RFC 1393 */
	bool any;
};

static const struct {
	const char *name;
	uint8_t kind;
} options[] = {{"rr", 7},    {"lsrr", 131}, {"eol", 0},	   {"nop", 1},	  {"ts", 68},
	       {"sec", 130}, {"esec", 133}, {"ssrr", 137}, {"satid", 136}};

static const struct {
	const char *name;
	uint8_t number;
} protocols[] = {{"icmp", 1},	 {"igmp", 2},	    {"tcp", 6},	  {"udp", 17},
		 {"ipv6", 41},	 {"gre", 47},	    {"esp", 50},  {"ah", 51},
		 {"icmpv6", 58}, {"ipv6-icmp", 58}, {"sctp", 132}};

static bool ip_proto(const void *operand, const struct detect_view *v)
{
	return v->packet != NULL && v->packet->ip_version != 0 &&
	       detect_range_holds(operand, v->packet->proto);
}

static bool same_ip(const void *operand, const struct detect_view *v)
{
	return v->src != NULL && v->dst != NULL && addr_equal(v->src, v->dst);
}

static bool ip_options(const void *operand, const struct detect_view *v)
{
	const struct option_operand *o = operand;
	struct cursor c;

	if (v->packet == NULL || v->packet->ip_version != 4)
		return false;
	c = cursor_of(slice_from(v->packet->ip_header, 20));
	while (cursor_left(&c) > 0) {
		uint8_t kind = cursor_u8(&c), len;

		if (o->any || kind == o->kind)
			return true;
		if (kind == 0)
			break;
		if (kind == 1)
			continue;
		len = cursor_u8(&c);
		(void)cursor_take(&c, len < 2 ? SIZE_MAX : len - 2U); /* bad ends the loop */
	}
	return false;
}

static enum status compile_proto(struct detect_compiler *c, const struct detect_keyword *kw,
				 struct slice value, struct fail *why)
{
	struct detect_range *o = ARENA_NEW(c->arena, struct detect_range);
	bool not = value.len > 0 && value.ptr[0] == '!';
	struct slice name = slice_trim(slice_from(value, not ? 1 : 0));

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	c->wants_packet = true;
	for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
		if (slice_equal_nocase(name, slice_of(protocols[i].name))) {
			*o = (struct detect_range){.op = not ? CMP_NE : CMP_EQ,
						   .a = protocols[i].number};
			return detect_add_test(c, kw, o, why);
		}
	}
	if (!detect_range_parse(value, 255, o))
		return fail_set(why, ST_INVALID, "no IP protocol \"%.*s\"", SLICE_ARG(value));
	return detect_add_test(c, kw, o, why);
}

static enum status compile_version(struct detect_compiler *c, const struct detect_keyword *kw,
				   struct slice value, struct fail *why)
{
	bool v6 = slice_equal(value, SLICE("ipv6")) || slice_equal(value, SLICE("ip6"));

	if (!v6 && !slice_equal(value, SLICE("ipv4")) && !slice_equal(value, SLICE("ip4")))
		return fail_set(why, ST_INVALID, "%s is ipv4 or ipv6, not \"%.*s\"", kw->name,
				SLICE_ARG(value));
	if (c->out->ip_version != 0)
		return fail_set(why, ST_INVALID, "the rule's header says ip%u already",
				c->out->ip_version);
	c->out->ip_version = v6 ? 6 : 4;
	return ST_OK;
}

static enum status compile_same_ip(struct detect_compiler *c, const struct detect_keyword *kw,
				   struct slice value, struct fail *why)
{
	return detect_add_test(c, kw, NULL, why);
}

static enum status compile_options(struct detect_compiler *c, const struct detect_keyword *kw,
				   struct slice value, struct fail *why)
{
	struct option_operand *o = ARENA_NEW(c->arena, struct option_operand);

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	c->wants_packet = true;
	o->any = slice_equal(value, SLICE("any"));
	if (o->any)
		return detect_add_test(c, kw, o, why);
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		if (slice_equal(value, slice_of(options[i].name))) {
			o->kind = options[i].kind;
			return detect_add_test(c, kw, o, why);
		}
	}
	return fail_set(why, ST_INVALID, "no IP option \"%.*s\"", SLICE_ARG(value));
}

KEYWORD(ip) = {
	{.name = "ip_proto",
	 .compile = compile_proto,
	 .test = ip_proto,
	 .cost = 1,
	 .doc = "IP protocol, by name or number"},
	{.name = "l3_proto", .kind = KIND_TEST, .compile = compile_version, .doc = "ipv4 or ipv6"},
	{.name = "sameip",
	 .bare = true,
	 .compile = compile_same_ip,
	 .test = same_ip,
	 .cost = 1,
	 .doc = "source and destination address are the same"},
	{.name = "ipopts",
	 .compile = compile_options,
	 .test = ip_options,
	 .cost = 2,
	 .doc = "an IPv4 option is present"},
	{0},
};
