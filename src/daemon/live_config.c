/* SPDX-License-Identifier: Apache-2.0
 * The af-packet section of suricata.yaml: a list of interfaces, of which one may be called
 * "default" and says what the others do not. */
#include <stdlib.h>

#include "crypto/crypto.h"
#include "daemon/live.h"
#include "os/pool.h"

enum {
	BLOCK_BYTES = 1 << 20,
	BLOCK_BYTES_LEAST = 4096,
	BLOCK_BYTES_MOST = 64 << 20,
	RING_BYTES = 32 << 20, /* of one worker */
	PACKET_BYTES = 1600, /* of a ring that is given in packets: one of Ethernet and its head */
	RING_PACKETS_MOST = 1 << 24,
	BLOCK_TIMEOUT_MS = 10, /* Suricata's */
};

/* Where an interface's settings are looked for, in this order. */
struct section {
	struct config *own, *common;
};

static struct config *node(const struct section *s, const char *key)
{
	struct config *n = config_at(s->own, key);

	return n != NULL ? n : config_at(s->common, key);
}

static struct config *entry(struct config *list, struct slice name)
{
	for (struct config *n = config_first(list); n != NULL; n = config_next(n))
		if (slice_equal(config_text(n, "interface", ""), name))
			return n;
	return NULL;
}

static void read_threads(const struct section *s, struct live_interface *i)
{
	struct config *n = node(s, "threads");
	unsigned cores = os_pool_cores();

	i->threads = cores < SOURCE_SOCKETS_MAX ? cores : SOURCE_SOCKETS_MAX;
	if (n != NULL && !slice_equal(n->value, SLICE("auto")))
		i->threads = (unsigned)config_u64(n, "", 1, SOURCE_SOCKETS_MAX, i->threads);
}

static void read_cluster(const struct section *s, struct live_interface *i)
{
	static const char *const words[] = {"cluster_pair", "cluster_flow", "cluster_qm",
					    "cluster_cpu", NULL};
	static const enum source_spread spreads[] = {SOURCE_SPREAD_PAIR, SOURCE_SPREAD_FLOW,
						     SOURCE_SPREAD_QUEUE, SOURCE_SPREAD_CPU};
	struct config *id = node(s, "cluster-id");

	i->tap.spread = spreads[config_word(node(s, "cluster-type"), "", words, 0)];
	i->tap.defrag = config_bool(node(s, "defrag"), "", true);
	i->group.id = (uint16_t)config_u64(id, "", 0, UINT16_MAX, 0);
	i->group.known = id != NULL;
}

static void read_ring(const struct section *s, struct live_interface *i)
{
	struct config *n = node(s, "block-size");
	uint64_t block = config_size(n, "", BLOCK_BYTES);
	uint64_t packets = config_u64(node(s, "ring-size"), "", 1, RING_PACKETS_MOST, 0), bytes;

	if (block < BLOCK_BYTES_LEAST || block > BLOCK_BYTES_MOST || (block & (block - 1)) != 0) {
		config_problem(n, "a block is a power of two from 4096 to 64 MiB; 1 MiB is taken");
		block = BLOCK_BYTES;
	}
	i->ring_packets = packets;
	bytes = packets != 0 ? packets * PACKET_BYTES : RING_BYTES;
	i->tap.block_bytes = block;
	i->tap.blocks = bytes / block + 1;
	if (i->tap.blocks < 2)
		i->tap.blocks = 2;
	i->tap.block_timeout_ms =
		(unsigned)config_u64(node(s, "block-timeout"), "", 1, 10000, BLOCK_TIMEOUT_MS);
	if (!config_bool(node(s, "use-mmap"), "", true))
		config_problem(node(s, "use-mmap"), "packets are always read from memory that the "
						    "kernel shares");
	if (!config_bool(node(s, "tpacket-v3"), "", true))
		config_problem(node(s, "tpacket-v3"), "version 3 is the only one");
}

static void read_sums(const struct section *s, struct live_interface *i)
{
	static const char *const words[] = {"kernel", "yes", "no", "auto", "rxvalidation", NULL};
	static const enum source_sums sums[] = {SOURCE_SUMS_KERNEL, SOURCE_SUMS_NONE,
						SOURCE_SUMS_ALL, SOURCE_SUMS_KERNEL,
						SOURCE_SUMS_KERNEL};

	i->tap.sums = sums[config_word(node(s, "checksum-checks"), "", words, 0)];
}

static enum status read_interface(struct live *l, const struct section *s, struct live_interface *i,
				  struct fail *why)
{
	static const char *const modes[] = {"none", "tap", "ips", NULL};
	struct crypto_random random = {0};

	read_threads(s, i);
	read_cluster(s, i);
	read_ring(s, i);
	read_sums(s, i);
	crypto_random_fill(&random, (uint8_t *)&i->tap.seed, sizeof i->tap.seed);
	i->tap.seed |= 1;
	i->tap.interface = i->name;
	i->tap.sockets = i->threads;
	i->tap.group = &i->group;
	i->tap.promiscuous = !config_bool(node(s, "disable-promisc"), "", false);
	i->tap.snaplen = (uint32_t)config_u64(node(s, "snaplen"), "", 0, 256 << 10, 0);
	i->tap.filter =
		l->o->filter.len != 0 ? l->o->filter : config_text(node(s, "bpf-filter"), "", "");
	switch (config_word(node(s, "copy-mode"), "", modes, 0)) {
	case 0:
		return ST_OK;
	case 1:
		i->copies_all = true;
		break;
	default:
		break;
	}
	i->kind = LIVE_BRIDGE;
	i->copy_to = config_text(node(s, "copy-iface"), "", "");
	i->tap.defrag = false; /* pieces pass as they came */
	if (i->tap.spread != SOURCE_SPREAD_PAIR && i->tap.spread != SOURCE_SPREAD_FLOW)
		return fail_set(why, ST_INVALID,
				"%.*s: both directions of a bridge have to meet in one worker: "
				"cluster-type is cluster_pair or cluster_flow",
				SLICE_ARG(i->name));
	if (i->tap.filter.len != 0)
		return fail_set(why, ST_INVALID,
				"%.*s: what a filter leaves out would not pass: there is none in a "
				"bridge",
				SLICE_ARG(i->name));
	return ST_OK;
}

static enum status add(struct live *l, struct slice name, struct fail *why)
{
	struct config *list = config_at(l->o->config, "af-packet");
	struct section s = {entry(list, name), entry(list, SLICE("default"))};
	struct live_interface *i = &l->interfaces[l->interface_count];

	if (l->interface_count == LIVE_INTERFACES_MAX)
		return fail_set(why, ST_LIMIT, "more than %d interfaces", LIVE_INTERFACES_MAX);
	for (size_t k = 0; k < l->interface_count; k++)
		if (slice_equal(l->interfaces[k].name, name))
			return fail_set(why, ST_INVALID, "interface %.*s is named twice",
					SLICE_ARG(name));
	l->interface_count++;
	i->name = name;
	return read_interface(l, &s, i, why);
}

enum status daemon_live_interfaces(struct live *l, struct fail *why)
{
	struct config *list = config_at(l->o->config, "af-packet");
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < l->o->interface_count; i++)
		st = add(l, l->o->interfaces[i], why);
	if (l->o->interface_count != 0)
		return st == ST_OK ? daemon_live_bridges(l, why) : st;
	for (struct config *n = config_first(list); st == ST_OK && n != NULL; n = config_next(n)) {
		struct slice name = config_text(n, "interface", "");

		if (name.len != 0 && !slice_equal(name, SLICE("default")))
			st = add(l, name, why);
	}
	if (st == ST_OK && l->interface_count == 0)
		return fail_set(why, ST_INVALID,
				"the configuration names no interface: there is "
				"nothing below af-packet");
	return st == ST_OK ? daemon_live_bridges(l, why) : st;
}
