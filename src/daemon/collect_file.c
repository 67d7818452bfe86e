/* SPDX-License-Identifier: Apache-2.0
 * Flow export out of files: datagrams of a capture by their port, or the messages of an IPFIX file
 * (RFC 5655), one after the other. Time is the packets', or the messages' own. */
#include "base/buf.h"
#include "crypto/crypto.h"
#include "daemon/collecting.h"
#include "os/clock.h"
#include "os/file.h"
#include "sensor/capture/capture.h"
#include "sensor/decode/decode.h"

const uint16_t daemon_collect_ports[] = {2055, IPFIX_PORT, 9995, 9996};
const size_t daemon_collect_port_count =
	sizeof daemon_collect_ports / sizeof daemon_collect_ports[0];

struct reading {
	const struct collecting_file *f;
	struct collect *collect;
	struct daemon_capture *out;
	struct wall_ns told; /* when exporters were said last */
};

enum { EXPORTERS_S = 300 };

static void message(struct reading *r, const struct ipfix_origin *from, struct slice bytes,
		    struct wall_ns at)
{
	struct daemon_capture *k = r->out;

	if (k->packets == 0 || at.ns < k->first.ns)
		k->first = at;
	if (k->packets == 0 || at.ns > k->last.ns)
		k->last = at;
	if (k->packets++ == 0)
		r->told = at;
	collect_message(r->collect, from, bytes, at);
	if (at.ns - r->told.ns < EXPORTERS_S * TIME_NS_PER_S)
		return;
	collect_say_exporters(r->collect, at);
	r->told = at;
}

static bool is_of_port(const struct reading *r, const struct packet *p)
{
	if (p->proto != IP_PROTO_UDP || p->broken || p->fragment || p->l4_header.len == 0)
		return false;
	for (size_t i = 0; i < r->f->port_count; i++)
		if (p->dport == r->f->ports[i])
			return true;
	return false;
}

static enum status read_capture(struct reading *r, struct slice bytes, struct arena *a,
				struct fail *why)
{
	struct arena_pool pool = {.budget = DEFRAG_BYTES_MAX * 2u};
	struct capture *c = ARENA_NEW(a, struct capture); /* too large for a stack */
	struct decode_worker *decode = decode_worker_new(NULL, a, &pool);
	struct capture_packet f;
	enum status st;

	if (c == NULL || decode == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a capture");
	st = capture_open(c, bytes, why);
	if (st == ST_OK)
		while ((st = capture_next(c, &f, &r->out->damage)) == ST_OK) {
			struct decode_input in = {f.linktype, f.data, f.wire_bytes, f.at, f.number};
			const struct packet *p;
			const struct decode_packets *all = decode_frame(decode, &in);

			/* a tunnel's inside is somebody else's */
			p = all->list[all->count - 1];
			if (all->count > 1 && all->list[0]->source == PACKET_DEFRAGMENTED)
				p = all->list[0];
			if (is_of_port(r, p))
				message(r,
					&(struct ipfix_origin){.exporter = p->src,
							       .port = p->sport},
					p->payload, f.at);
		}
	if (st == ST_END)
		r->out->damage.status = ST_OK;
	decode_worker_free(decode);
	arena_pool_drain(&pool);
	return st == ST_END || r->out->damage.status != ST_OK ? ST_OK : st;
}

static enum status read_messages(struct reading *r, struct slice bytes)
{
	struct ipfix_origin from = {.reliable = true};
	size_t n;

	while (bytes.len != 0 && (n = ipfix_message_bytes(bytes)) != 0 && n != SIZE_MAX) {
		struct slice m = slice_part(bytes, 0, n);

		message(r, &from, m, ipfix_message_time(m));
		bytes = slice_from(bytes, n);
	}
	if (bytes.len != 0)
		(void)fail_set(&r->out->damage, ST_INVALID,
			       "%zu bytes before the end there is no whole IPFIX message",
			       bytes.len);
	return ST_OK;
}

enum status daemon_collect_file(const struct collecting_file *f, struct collect *collect,
				struct arena *a, struct daemon_capture *out, struct fail *why)
{
	struct mono_ns begin = os_clock_mono();
	struct os_map map = {0};
	struct daemon_capture k = {.name = daemon_base_name(f->path)};
	struct reading r = {.f = f, .collect = collect, .out = &k};
	enum status st = os_file_map(f->path, &map, why);

	if (st != ST_OK)
		return st;
	daemon_progress_say(f->progress, "reading flow records", begin, false);
	crypto_sha256_of(map.bytes, k.sha256);
	k.bytes = map.bytes.len;
	k.damage.status = ST_OK;
	if (slice_starts(map.bytes, SLICE("\0\x0a")))
		st = read_messages(&r, map.bytes);
	else
		st = read_capture(&r, map.bytes, a, why);
	collect_finish(collect);
	k.counters.flows = collect_counters(collect)->flows;
	k.counters.anomalies = collect_counters(collect)->anomalies;
	k.elapsed_ns = os_clock_mono().ns - begin.ns;
	daemon_progress_say(f->progress, "reading flow records", begin, true);
	os_map_done(&map);
	*out = k;
	return st == ST_OK ? ST_OK : fail_wrap(why, "%.*s", SLICE_ARG(f->path));
}
