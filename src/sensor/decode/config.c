/* SPDX-License-Identifier: Apache-2.0
 * decoder.*, defrag.* and packet.* of suricata.yaml. */
#include "sensor/decode/decode_priv.h"

#include "base/text.h"

/* "[4789, 8472]", "4789", a list, or "$VXLAN_PORTS" of vars.port-groups. */
static enum status ports_read(struct config *root, struct config *node,
			      struct decode_udp_options *o, unsigned depth, struct fail *why)
{
	struct slice rest;

	node->asked = true;
	for (struct config *c = node->first; c != NULL; c = c->next) {
		enum status st = ports_read(root, c, o, depth, why);

		if (st != ST_OK)
			return st;
	}
	rest = slice_trim(node->value);
	if (rest.len > 1 && rest.ptr[0] == '$') {
		struct config *groups = config_at(root, "vars.port-groups");

		for (struct config *c = groups != NULL ? groups->first : NULL; c != NULL;
		     c = c->next)
			if (slice_equal(c->name, slice_from(rest, 1)) && depth > 0)
				return ports_read(root, c, o, depth - 1, why);
		return fail_set(why, ST_NOTFOUND, "no port group \"%.*s\"", SLICE_ARG(rest));
	}
	if (rest.len >= 2 && rest.ptr[0] == '[' && rest.ptr[rest.len - 1] == ']')
		rest = slice_part(rest, 1, rest.len - 2);
	while (rest.len != 0) {
		struct slice text = slice_trim(slice_split(&rest, ','));
		uint64_t port;

		if (slice_equal(text, SLICE("any"))) {
			o->any = true;
			continue;
		}
		if (!text_u64(text, 0, UINT16_MAX, &port))
			return fail_set(why, ST_INVALID, "\"%.*s\" is no port", SLICE_ARG(text));
		if (o->port_count == DECODE_PORTS_MAX)
			return fail_set(why, ST_LIMIT, "more than %d ports", DECODE_PORTS_MAX);
		o->ports[o->port_count++] = (uint16_t)port;
	}
	return ST_OK;
}

static enum status udp_read(struct config *root, enum decode_udp kind, struct decode_udp_options *o,
			    struct fail *why)
{
	static const char *const names[DECODE_UDPS] = {
		[DECODE_TEREDO] = "teredo",
		[DECODE_GENEVE] = "geneve",
		[DECODE_VXLAN] = "vxlan",
	};
	struct config *decoder = config_at(config_at(root, "decoder"), names[kind]);
	struct config *ports = config_at(decoder, "ports");

	o->off = !config_bool(decoder, "enabled", true);
	if (ports == NULL) {
		o->any = kind == DECODE_TEREDO && decoder != NULL; /* as Suricata */
		return ST_OK;
	}
	if (ports_read(root, ports, o, 4, why) != ST_OK)
		return fail_wrap(why, "decoder.%s.ports", names[kind]);
	return ST_OK;
}

/* defrag.host-config: a list of names, each with a timeout and addresses. */
static enum status timeouts_read(struct config *list, struct arena *a, struct decode_hosts *out,
				 struct fail *why)
{
	for (struct config *item = list != NULL ? list->first : NULL; item != NULL;
	     item = item->next)
		for (struct config *c = item->first; c != NULL; c = c->next) {
			uint64_t seconds =
				config_u64(c, "timeout", 1, DEFRAG_TIMEOUT_MAX_S, DEFRAG_TIMEOUT_S);

			if (decode_hosts_add(out, a, config_at(c, "address"), (uint32_t)seconds,
					     why) != ST_OK)
				return fail_wrap(why, "defrag.host-config.%.*s",
						 SLICE_ARG(c->name));
		}
	return ST_OK;
}

enum status decode_options_read(struct config *root, struct arena *a, struct decode_options *out,
				struct fail *why)
{
	struct config *defrag = config_at(root, "defrag");
	struct defrag_options *d = &out->defrag;
	enum status st;

	*out = (struct decode_options){0};
	out->layers_max = (uint8_t)config_u64(
		root, "packet.max-layer", 1, DECODE_LAYERS_MAX,
		config_u64(root, "decoder.max-layers", 1, DECODE_LAYERS_MAX, 0));
	for (enum decode_udp k = 0; k < DECODE_UDPS; k++) {
		st = udp_read(root, k, &out->udp[k], why);
		if (st != ST_OK)
			return st;
	}
	out->vxlan_permissive =
		slice_equal(config_text(root, "decoder.vxlan.reserved-bits-check", "strict"),
			    SLICE("permissive"));
	d->timeout_s = (uint32_t)config_u64(defrag, "timeout", 1, DEFRAG_TIMEOUT_MAX_S, 0);
	d->trackers = (uint32_t)config_u64(defrag, "trackers", 1, DEFRAG_TRACKERS_MOST, 0);
	d->pieces_max = (uint32_t)config_u64(defrag, "max-frags", 1, DEFRAG_TRACKERS_MOST, 0);
	d->bytes_max = config_size(defrag, "memcap", 0);
	(void)config_at(defrag, "prealloc"); /* memory comes from the worker's pool */
	(void)config_at(defrag, "hash-size");
	st = timeouts_read(config_at(defrag, "host-config"), a, &d->timeouts, why);
	if (st != ST_OK)
		return st;
	return decode_hosts_os(root, a, &d->os, why);
}
