/* SPDX-License-Identifier: Apache-2.0
 * Settings, and whose system reads packets how: host-os-policy. */
#include "sensor/config/config.h"
#include "sensor/stream/stream_priv.h"

enum { HOSTS_MAX = 65536, SYNS = 10, SYNACKS = 5 };

struct stream_hosts {
	struct host {
		struct addr_prefix net;
		enum stream_policy policy;
	} * hosts; /* the most particular first */
	size_t count, room;
};

static const struct {
	const char *name;
	enum stream_policy policy;
} policies[] = {
	{"bsd", STREAM_BSD},
	{"bsd-right", STREAM_BSD},
	{"old-linux", STREAM_OLD_LINUX},
	{"linux", STREAM_LINUX},
	{"solaris", STREAM_SOLARIS},
	{"old-solaris", STREAM_SOLARIS},
	{"hpux10", STREAM_HPUX10},
	{"hpux11", STREAM_HPUX11},
	{"irix", STREAM_IRIX},
	{"macos", STREAM_MACOS},
	{"windows", STREAM_WINDOWS},
	{"vista", STREAM_VISTA},
	{"windows2k3", STREAM_WINDOWS2K3},
	{"first", STREAM_FIRST},
	{"last", STREAM_LAST},
};

enum stream_policy stream_hosts_find(const struct stream_hosts *h, const struct addr *a)
{
	for (size_t i = 0; h != NULL && i < h->count; i++)
		if (addr_prefix_holds(&h->hosts[i].net, a))
			return h->hosts[i].policy;
	return STREAM_BSD;
}

static enum status host_add(struct stream_hosts *h, struct arena *a, struct slice text,
			    enum stream_policy policy, struct fail *why)
{
	struct host host = {.policy = policy}, *at;
	size_t i;

	text = slice_trim(text);
	if (text.len == 0)
		return ST_OK;
	if (h->count == HOSTS_MAX || !addr_prefix_parse(text, &host.net))
		return fail_set(why, ST_INVALID, "host-os-policy: \"%.*s\" is no network",
				SLICE_ARG(text));
	if (!ARENA_PUSH(a, h->hosts, h->count, h->room, host))
		return fail_set(why, ST_NOMEM, "no memory for host-os-policy");
	at = h->hosts;
	for (i = h->count - 1; i > 0 && at[i - 1].net.bits < host.net.bits; i--)
		at[i] = at[i - 1];
	at[i] = host;
	return ST_OK;
}

/* "[10.0.0.0/8, 192.0.2.1]", as YAML list or as text. */
static enum status hosts_of(struct stream_hosts *h, struct arena *a, const struct config *c,
			    enum stream_policy policy, struct fail *why)
{
	struct slice rest = c->value;
	enum status st = ST_OK;

	for (const struct config *n = c->first; st == ST_OK && n != NULL; n = n->next)
		st = host_add(h, a, n->value, policy, why);
	if (rest.len != 0 && rest.ptr[0] == '[')
		rest = slice_part(rest, 1, rest.len - 1 - (rest.ptr[rest.len - 1] == ']'));
	while (st == ST_OK && rest.ptr != NULL)
		st = host_add(h, a, slice_split(&rest, ','), policy, why);
	return st;
}

static enum status hosts_read(const struct stream_hosts **out, struct config *c, struct arena *a,
			      struct fail *why)
{
	struct stream_hosts *h;
	enum status st = ST_OK;

	if (config_at(c, "host-os-policy") == NULL)
		return ST_OK;
	h = ARENA_NEW(a, struct stream_hosts);
	if (h == NULL)
		return fail_set(why, ST_NOMEM, "no memory for host-os-policy");
	for (size_t i = 0; st == ST_OK && i < sizeof policies / sizeof policies[0]; i++) {
		struct config *n = config_at(config_at(c, "host-os-policy"), policies[i].name);

		if (n != NULL)
			st = hosts_of(h, a, n, policies[i].policy, why);
	}
	*out = h;
	return st;
}

static enum status urgent_read(enum stream_urgent *out, struct config *c, const char *key,
			       enum stream_urgent otherwise, struct fail *why)
{
	static const char *const words[] = {[STREAM_URGENT_OOB] = "oob",
					    [STREAM_URGENT_INLINE] = "inline",
					    [STREAM_URGENT_DROP] = "drop",
					    [STREAM_URGENT_GAP] = "gap"};
	struct slice s = config_text(c, key, words[otherwise]);

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (slice_equal(s, slice_of(words[i]))) {
			*out = (enum stream_urgent)i;
			return ST_OK;
		}
	return fail_set(why, ST_INVALID, "%s: \"%.*s\" is none of drop, inline, oob, gap", key,
			SLICE_ARG(s));
}

/* "auto": as the engine is. */
static bool inline_read(struct config *c, bool ips)
{
	bool is_auto = slice_equal(config_text(c, "stream.inline", "auto"), SLICE("auto"));

	return is_auto ? ips : config_bool(c, "stream.inline", ips);
}

enum status stream_config_read(struct stream_config *out, struct config *c, bool ips,
			       struct arena *a, struct fail *why)
{
	uint64_t depth = config_size(c, "stream.reassembly.depth", STREAM_DEPTH);
	uint64_t syns = config_u64(c, "stream.max-syn-queued", 0, 255, SYNS);
	uint64_t synacks = config_u64(c, "stream.max-synack-queued", 0, 255, SYNACKS);
	enum status st;

	*out = (struct stream_config){
		.depth = depth != 0 ? depth : UINT64_MAX,
		.midstream = config_bool(c, "stream.midstream", false),
		.async = config_bool(c, "stream.async-oneside", false),
		.in_line = inline_read(c, ips),
		.strict_timestamps = !config_bool(c, "stream.liberal-timestamps", true),
		.checksums = config_bool(c, "stream.checksum-validation", true),
		.bypass = config_bool(c, "stream.bypass", false),
		.syns_max = (uint8_t)syns,
		.no_syns = syns == 0,
		.synacks_max = (uint8_t)synacks,
		.no_synacks = synacks == 0,
	};
	out->compare_overlaps =
		out->in_line ||
		config_bool(c, "stream.reassembly.check-overlap-different-data", false);
	st = urgent_read(&out->urgent, c, "stream.reassembly.urgent.policy", STREAM_URGENT_OOB,
			 why);
	if (st == ST_OK)
		st = urgent_read(&out->urgent_limit, c, "stream.reassembly.urgent.oob-limit-policy",
				 STREAM_URGENT_DROP, why);
	return st == ST_OK ? hosts_read(&out->hosts, c, a, why) : st;
}

unsigned stream_syns_max(const struct stream_config *c)
{
	return c->no_syns ? 0 : c->syns_max != 0 ? c->syns_max : SYNS;
}

unsigned stream_synacks_max(const struct stream_config *c)
{
	return c->no_synacks ? 0 : c->synacks_max != 0 ? c->synacks_max : SYNACKS;
}
