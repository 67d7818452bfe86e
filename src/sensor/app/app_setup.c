/* SPDX-License-Identifier: Apache-2.0
 *
 * What app-layer.protocols.<name> says of every protocol: whether it is recognised and parsed, over
 * which transport, and on which ports weak evidence is enough.
 */
#include "base/text.h"
#include "sensor/app/app_priv.h"

bool app_ports_have(const struct app_ports *ports, uint16_t port)
{
	for (uint32_t i = 0; i < ports->count; i++)
		if (ports->ranges[i].least <= port && port <= ports->ranges[i].most)
			return true;
	return false;
}

/* "80", "5900:5909" or "any". */
static bool read_range(struct app_ports *ports, struct slice text)
{
	struct slice rest = text, first = slice_trim(slice_split(&rest, ':'));
	bool is_range = slice_find(text, SLICE(":")) != SIZE_MAX;
	uint64_t least = 0, most = UINT16_MAX;

	if (ports->count == APP_PORT_RANGES_MAX)
		return false;
	rest = slice_trim(rest);
	if (!slice_equal_nocase(text, SLICE("any"))) {
		if (first.len != 0 || !is_range)
			if (!text_u64(first, 0, UINT16_MAX, &least))
				return false;
		if (!is_range)
			most = least;
		else if (rest.len != 0 && !text_u64(rest, least, UINT16_MAX, &most))
			return false;
	}
	ports->ranges[ports->count].least = (uint16_t)least;
	ports->ranges[ports->count++].most = (uint16_t)most;
	return true;
}

static void read_list(struct app_ports *ports, struct config *node, const char *key)
{
	struct slice rest = slice_trim(config_text(node, key, ""));

	if (rest.len >= 2 && rest.ptr[0] == '[' && rest.ptr[rest.len - 1] == ']')
		rest = slice_part(rest, 1, rest.len - 2);
	while (rest.len != 0) {
		struct slice one = slice_trim(slice_split(&rest, ','));

		if (!read_range(ports, one)) {
			config_problem(node, "not a port or a range of them: \"%.*s\"",
				       SLICE_ARG(one));
			return;
		}
	}
}

/* NULL: the configuration does not say. */
static const struct app_ports *read_ports(struct config *node, const char *transport,
					  struct arena *a)
{
	struct config *ports = config_at(node, "detection-ports");
	struct app_ports *out;

	if (ports == NULL)
		ports = config_at(config_at(node, transport), "detection-ports");
	if (ports == NULL)
		return NULL;
	out = ARENA_NEW(a, struct app_ports);
	if (out == NULL)
		return NULL;
	read_list(out, ports, "dp");
	read_list(out, ports, "sp");
	return out->count != 0 ? out : NULL;
}

/* "no" and "detection-only" are words of their own; anything else means yes. */
static void read_enabled(struct app_setup *s, unsigned i, struct config *node)
{
	uint64_t bit = UINT64_C(1) << i;

	if (slice_equal_nocase(config_text(node, "enabled", "yes"), SLICE("detection-only")))
		s->detect_only |= bit;
	else if (!config_bool(node, "enabled", true))
		s->off |= bit;
	if (!config_bool(node, "tcp.enabled", true))
		s->off_over[0] |= bit;
	if (!config_bool(node, "udp.enabled", true))
		s->off_over[1] |= bit;
}

struct app_setup *app_setup_new(struct config *config, struct arena *a)
{
	struct app_setup *s = ARENA_NEW(a, struct app_setup);

	if (s != NULL)
		app_files_configure(&s->files, config, a);
	for (unsigned i = 0; s != NULL && app_protocols[i] != NULL; i++) {
		const struct app_protocol *p = app_protocols[i];
		struct config *all = config_at(config, "app-layer.protocols");
		struct config *node = config_at(all, p->name);

		ASSERT(i < APP_PROTOCOLS_MAX);
		read_enabled(s, i, node);
		s->ports[i][0] = read_ports(node, "tcp", a);
		s->ports[i][1] = read_ports(node, "udp", a);
		if (p->configure == NULL)
			continue;
		s->of[i] = p->configure(config, a);
		if (s->of[i] == NULL)
			return NULL;
	}
	return s;
}
