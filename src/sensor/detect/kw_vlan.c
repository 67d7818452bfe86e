/* SPDX-License-Identifier: Apache-2.0
 * VLAN tags (IEEE 802.1Q): vlan.id, a number of each tag, outermost first, and vlan.layers, how
 * many there are. Suricata 8 rules/vlan-keywords. */
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

enum { VLAN_ID_MAX = 4095 };

static bool id_holds(const void *operand, const struct detect_view *v)
{
	const struct detect_number *o = operand;
	uint64_t ids[PACKET_VLANS_MAX] = {0};

	if (v->packet == NULL)
		return false;
	if (v->packet->vlans == 0)
		return o->absent;
	for (size_t i = 0; i < v->packet->vlans; i++)
		ids[i] = v->packet->vlan[i];
	return detect_number_holds(
		o, (struct slice){(const uint8_t *)ids, v->packet->vlans * sizeof ids[0]});
}

static bool layers_hold(const void *operand, const struct detect_view *v)
{
	return v->packet != NULL && detect_range_holds(operand, v->packet->vlans);
}

static enum status compile_id(struct detect_compiler *c, const struct detect_keyword *kw,
			      struct slice value, struct fail *why)
{
	struct detect_number *o = ARENA_NEW(c->arena, struct detect_number);

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	if (!detect_number_parse(value, VLAN_ID_MAX, NULL, o) ||
	    (o->index == INDEX_AT && (o->at < -PACKET_VLANS_MAX || o->at >= PACKET_VLANS_MAX)))
		return fail_set(why, ST_INVALID,
				"%s wants an id of 0 to %d or a range of them, then perhaps which "
				"of %d tags, not \"%.*s\"",
				kw->name, VLAN_ID_MAX, PACKET_VLANS_MAX, SLICE_ARG(value));
	c->wants_packet = true;
	return detect_add_test(c, kw, o, why);
}

static enum status compile_layers(struct detect_compiler *c, const struct detect_keyword *kw,
				  struct slice value, struct fail *why)
{
	struct detect_range *o = ARENA_NEW(c->arena, struct detect_range);

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	if (!detect_range_parse(value, UINT8_MAX, o) || o->a > PACKET_VLANS_MAX ||
	    o->b > PACKET_VLANS_MAX)
		return fail_set(why, ST_INVALID, "%s wants a number of at most %d, not \"%.*s\"",
				kw->name, PACKET_VLANS_MAX, SLICE_ARG(value));
	c->wants_packet = true;
	return detect_add_test(c, kw, o, why);
}

KEYWORD(vlan) = {
	{.name = "vlan.id",
	 .compile = compile_id,
	 .test = id_holds,
	 .cost = 1,
	 .doc = "the ids of the packet's VLAN tags, outermost first"},
	{.name = "vlan.layers",
	 .compile = compile_layers,
	 .test = layers_hold,
	 .cost = 1,
	 .doc = "how many VLAN tags the packet has"},
	{0},
};
