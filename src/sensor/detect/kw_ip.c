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

/* IANA's assigned internet protocol numbers, by the names of /etc/protocols. */
static const struct {
	const char *name;
	uint8_t number;
} protocols[] = {{"hopopt", 0},	   {"icmp", 1},		{"igmp", 2},	   {"ggp", 3},
		 {"ipencap", 4},   {"ipv4", 4},		{"st", 5},	   {"tcp", 6},
		 {"egp", 8},	   {"igp", 9},		{"pup", 12},	   {"udp", 17},
		 {"hmp", 20},	   {"xns-idp", 22},	{"rdp", 27},	   {"iso-tp4", 29},
		 {"dccp", 33},	   {"xtp", 36},		{"ddp", 37},	   {"idpr-cmtp", 38},
		 {"ipv6", 41},	   {"ipv6-route", 43},	{"ipv6-frag", 44}, {"idrp", 45},
		 {"rsvp", 46},	   {"gre", 47},		{"esp", 50},	   {"ipsec-esp", 50},
		 {"ah", 51},	   {"ipsec-ah", 51},	{"skip", 57},	   {"ipv6-icmp", 58},
		 {"icmpv6", 58},   {"ipv6-nonxt", 59},	{"ipv6-opts", 60}, {"rspf", 73},
		 {"vmtp", 81},	   {"eigrp", 88},	{"ospf", 89},	   {"ospfigp", 89},
		 {"ax.25", 93},	   {"ipip", 94},	{"etherip", 97},   {"encap", 98},
		 {"pim", 103},	   {"ipcomp", 108},	{"vrrp", 112},	   {"l2tp", 115},
		 {"isis", 124},	   {"sctp", 132},	{"fc", 133},	   {"mobility-header", 135},
		 {"udplite", 136}, {"mpls-in-ip", 137}, {"manet", 138},	   {"hip", 139},
		 {"shim6", 140},   {"wesp", 141},	{"rohc", 142},	   {"ethernet", 143}};

static bool ip_proto(const void *operand, const struct detect_view *v)
{
	return v->packet != NULL && v->packet->ip_version != 0 &&
	       detect_range_holds(operand, v->packet->proto);
}

bool detect_test_allows(const struct detect_test *t, uint8_t proto)
{
	return t->kw->test != ip_proto || detect_range_holds(t->operand, proto);
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
