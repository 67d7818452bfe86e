/* SPDX-License-Identifier: Apache-2.0
 * What a ring of packets shall be: `packet-ring` of the configuration, or Suricata's pcap-log. */
#include "daemon/packets.h"

#define GIB (UINT64_C(1) << 30)
#define MIB (UINT64_C(1) << 20)

enum { SEGMENTS = 64 /* that a ring is made of, unless somebody says otherwise */ };

static int64_t interval(struct config *node, const char *key, uint32_t otherwise_s)
{
	struct config *n = config_at(node, key);
	uint32_t s = otherwise_s;
	bool aligned;

	if (n != NULL && !slice_equal(n->value, SLICE("0")) &&
	    !daemon_interval_parse(config_text(n, "", ""), &s, &aligned)) {
		config_problem(n, "expected a time such as 90s, 15m, 24h, 7d or 0");
		s = otherwise_s;
	} else if (n != NULL && slice_equal(config_text(n, "", ""), SLICE("0"))) {
		s = 0;
	}
	return (int64_t)s * TIME_NS_PER_S;
}

static uint64_t within(uint64_t v, uint64_t least, uint64_t most)
{
	return v < least ? least : v > most ? most : v;
}

static void read_own(struct config *node, struct slice logs, struct arena *a,
		     struct packets_settings *s)
{
	struct config *alerts = config_at(node, "alerts");

	s->dir = daemon_path_from(a, logs, config_text(node, "dir", "packets"));
	s->bytes = config_size(node, "size", GIB);
	s->segment_bytes = config_size(node, "segment", 0);
	s->reserve_bytes = config_size(node, "reserve", 256 * MIB);
	s->age_ns = interval(node, "age", 24 * 3600);
	s->snaplen = (uint32_t)config_u64(node, "snaplen", 0, KEEP_PACKET_MAX, 0);
	s->skip_passed = config_bool(node, "honor-pass-rules", false);
	s->alerts = config_bool(alerts, "enabled", true);
	s->before_ns = interval(alerts, "before", 600);
	s->after_ns = interval(alerts, "after", 10);
	s->cuts_bytes = config_size(alerts, "size", GIB);
	s->cuts_age_ns = interval(alerts, "age", 30 * 24 * 3600);
}

/* Where the two mean the same. */
static void read_pcap_log(struct config *node, struct slice logs, struct arena *a,
			  struct packets_settings *s)
{
	static const char *const modes[] = {"normal", "multi", "sguil", NULL};
	static const char *const conditions[] = {"all", "alerts", "tag", NULL};
	static const char *const compressions[] = {"none", "lz4", NULL};
	struct config *dir = config_at(node, "dir");
	uint64_t limit = config_size(node, "limit", 1000 * MIB);
	uint64_t files = config_u64(node, "max-files", 0, UINT32_MAX, 0);
	unsigned condition = config_word(node, "conditional", conditions, 0);

	if (dir != NULL)
		s->dir = daemon_path_from(a, logs, config_text(dir, "", ""));
	s->segment_bytes = limit;
	if (files != 0 && __builtin_mul_overflow(limit, files, &s->bytes))
		s->bytes = UINT64_MAX;
	s->skip_passed = config_bool(node, "honor-pass-rules", s->skip_passed);
	if (condition == 1)
		s->alerts = true;
	if (condition == 2)
		config_problem(node,
			       "conditional: tag is not made: packets are kept for all flows, "
			       "and cut out for alerts");
	if (config_word(node, "mode", modes, 0) != 0)
		config_problem(node, "one ring holds the packets of all workers: mode normal");
	if (config_word(node, "compression", compressions, 0) != 0)
		config_problem(node, "packets are not compressed");
	if (config_bool(node, "use-stream-depth", false))
		config_problem(node, "packets are kept whole; packet-ring.snaplen cuts each");
	/* what a segment is called is not asked for */
	(void)config_text(node, "filename", "");
	(void)config_text(node, "ts-format", "");
}

enum status daemon_packets_settings(struct config *root, struct slice logs, struct arena *a,
				    struct packets_settings *out, struct fail *why)
{
	struct config *own = config_at(root, "packet-ring");
	struct config *pcap = config_at(root, "outputs.pcap-log");
	struct packets_settings s = {0};
	bool own_on = own != NULL && config_bool(own, "enabled", false);
	bool pcap_on = pcap != NULL && config_bool(pcap, "enabled", false);

	*out = s;
	if (!own_on && !pcap_on)
		return ST_OK;
	read_own(own, logs, a, &s);
	if (!own_on)
		read_pcap_log(pcap, logs, a, &s);
	s.on = true;
	if (s.dir.ptr == NULL || s.dir.len + 64 > OS_PATH_MAX)
		return fail_set(why, ST_LIMIT, "packet-ring: the folder has too long a path");
	if (s.bytes < 2 * (uint64_t)PACKETS_SEGMENT_LEAST)
		return fail_set(why, ST_INVALID,
				"packet-ring.size: %llu bytes are less than two segments of %d",
				(unsigned long long)s.bytes, PACKETS_SEGMENT_LEAST);
	if (s.segment_bytes == 0)
		s.segment_bytes = within(s.bytes / SEGMENTS, PACKETS_SEGMENT_LEAST, 64 * MIB);
	/* two fit, so that there is something before the one that grows */
	s.segment_bytes = within(s.segment_bytes, PACKETS_SEGMENT_LEAST,
				 s.bytes / 2 < KEEP_SEGMENT_MOST ? s.bytes / 2 : KEEP_SEGMENT_MOST);
	*out = s;
	return ST_OK;
}
