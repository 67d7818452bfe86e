/* SPDX-License-Identifier: Apache-2.0
 * Captures to records: one worker a capture, in the order given. */
#include "base/buf.h"
#include "crypto/crypto.h"
#include "daemon/daemon_priv.h"
#include "daemon/packets.h"
#include "os/clock.h"
#include "os/file.h"
#include "sensor/capture/capture.h"
#include "sensor/decode/decode.h"
#include "sensor/source/source.h"
#include "sensor/tenant/tenant.h"

enum { TICK_BATCHES = 64 }; /* how often the clock is asked */
#define TICK_NS (TIME_NS_PER_S / 10)

struct reading {
	const struct daemon_progress *progress;
	const char *stage;
	struct mono_ns begin, last;
};

static void tick(struct reading *r, const struct capture *c, bool finished)
{
	struct mono_ns now = os_clock_mono();

	if (r->progress == NULL || r->progress->tick == NULL ||
	    (!finished && now.ns - r->last.ns < TICK_NS))
		return;
	r->last = now;
	r->progress->tick(r->progress->ctx,
			  &(struct daemon_tick){.stage = r->stage,
						.done = c->at,
						.total = c->bytes.len,
						.packets = c->packets,
						.elapsed_ns = now.ns - r->begin.ns,
						.finished = finished});
}

static void note_time(struct daemon_capture *k, struct wall_ns at)
{
	if (k->packets == 0 || at.ns < k->first.ns)
		k->first = at;
	if (k->packets == 0 || at.ns > k->last.ns)
		k->last = at;
	k->packets++;
}

/* One capture on its way through: a pipeline a tenant. */
struct sensing {
	const struct tenant_map *map; /* NULL: the station is alone */
	struct daemon_sense_lane *lanes;
	struct pipeline **pipelines;
	size_t count; /* of them, that were made */
};

static void inspect(const struct sensing *s, struct source_packet *k)
{
	size_t place = s->map != NULL ? tenant_of_frame(s->map, k->linktype, k->data) : 0;
	const struct daemon_sense_lane *lane = &s->lanes[place];
	struct pipeline *p = s->pipelines[place];

	pipeline_frame(p, k->linktype, k->data, k->wire_bytes, k->at, k->number);
	k->drop = lane->options.simulate_ips && pipeline_stops(p);
	if (lane->packets != NULL)
		daemon_packets_put(lane->packets, lane->packets_lane, k, pipeline_seen(p));
}

/* What was kept of a batch is seen by who keeps it. */
static void batch_over(const struct sensing *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->lanes[i].packets != NULL)
			daemon_packets_publish(s->lanes[i].packets, s->lanes[i].packets_lane);
}

static enum status link_check(uint32_t linktype, struct fail *why)
{
	if (decode_knows_link(linktype))
		return ST_OK;
	return fail_set(why, ST_INVALID,
			"link type %u is not decoded (Ethernet, Linux cooked, raw IP and loopback "
			"are)",
			linktype);
}

/* Packets until the end or the damage; ST_INVALID only for a link type that nobody decodes. */
static enum status read_all(struct capture *c, struct source *source, const struct sensing *s,
			    struct reading *r, struct daemon_capture *out, struct fail *why)
{
	uint64_t batches = 0;
	struct source_batch b;
	enum status st;

	while ((st = source_take(source, 0, &b, &out->damage)) == ST_OK) {
		if (out->packets == 0 && link_check(b.packets[0].linktype, why) != ST_OK)
			return ST_INVALID;
		for (size_t i = 0; i < b.count; i++) {
			note_time(out, b.packets[i].at);
			inspect(s, &b.packets[i]);
		}
		batch_over(s);
		if (++batches % TICK_BATCHES == 0)
			tick(r, c, false);
	}
	if (st == ST_END)
		out->damage.status = ST_OK;
	return ST_OK;
}

/* A file is mapped, standard input is read; both are hashed. */
static enum status capture_bytes(struct slice path, struct arena *a, struct daemon_file *out,
				 struct os_map *map, struct fail *why)
{
	enum status st;

	if (slice_equal(path, SLICE("-")))
		return daemon_file_read(path, a, out, why);
	st = os_file_map(path, map, why);
	if (st != ST_OK)
		return st;
	out->name = daemon_base_name(path);
	out->text = map->bytes;
	crypto_sha256_of(out->text, out->sha256);
	return ST_OK;
}

/* The worker goes, what it counted stays. */
static enum status stats_keep(struct pipeline *p, struct daemon_sense_lane *lane, struct arena *a,
			      struct fail *why)
{
	if (!lane->options.stats)
		return ST_OK;
	lane->stats = ARENA_NEW(a, struct pipeline_stats);
	if (lane->stats == NULL)
		return fail_set(why, ST_NOMEM, "no memory for what was counted");
	pipeline_stats_read(p, lane->stats);
	return ST_OK;
}

/* So does what the station's rules cost. */
static enum status costs_keep(const struct pipeline *p, struct arena *a, struct daemon_capture *k,
			      struct fail *why)
{
	const struct detect_cost *costs = pipeline_costs(p, &k->cost_count);

	if (k->cost_count == 0)
		return ST_OK;
	k->costs = ARENA_ARRAY(a, struct detect_cost, k->cost_count);
	if (k->costs == NULL)
		return fail_set(why, ST_NOMEM, "no memory for what rules cost");
	memcpy(k->costs, costs, k->cost_count * sizeof *costs);
	return ST_OK;
}

static enum status pipelines_make(struct sensing *s, size_t n, struct arena *a, struct fail *why)
{
	s->pipelines = ARENA_ARRAY(a, struct pipeline *, n);
	if (s->pipelines == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %zu workers", n);
	for (; s->count < n; s->count++) {
		enum status st =
			pipeline_new(&s->lanes[s->count].options, &s->pipelines[s->count], why);

		if (st != ST_OK)
			return st;
	}
	return ST_OK;
}

static enum status finish(struct sensing *s, struct arena *a, struct daemon_capture *k,
			  struct fail *why)
{
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < s->count; i++) {
		pipeline_finish(s->pipelines[i]);
		pipeline_counters_add(&k->counters, pipeline_counters(s->pipelines[i]));
		if (s->lanes[i].saved != NULL)
			pipeline_take_sets(s->pipelines[i], s->lanes[i].saved);
		st = stats_keep(s->pipelines[i], &s->lanes[i], a, why);
	}
	batch_over(s); /* alerts at the end of flows */
	return st == ST_OK ? costs_keep(s->pipelines[0], a, k, why) : st;
}

enum status daemon_sense_lanes(struct slice path, const struct tenant_map *map,
			       struct daemon_sense_lane *lanes, size_t lane_count,
			       const struct daemon_progress *progress, struct arena *a,
			       struct daemon_capture *out, struct fail *why)
{
	struct reading reading = {.progress = progress, .begin = os_clock_mono()};
	struct sensing sensing = {.map = map, .lanes = lanes};
	struct daemon_capture k = {0};
	struct source *source = NULL;
	struct os_map mapped = {0};
	struct daemon_file file;
	struct capture *c = ARENA_NEW(a, struct capture); /* too large for a stack */
	struct buf stage = buf_in(a);
	enum status st;

	if (c == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a capture");
	st = capture_bytes(path, a, &file, &mapped, why);
	if (st != ST_OK)
		return st;
	buf_add_fmt(&stage, "reading %.*s%c", SLICE_ARG(file.name), '\0');
	reading.stage = stage.full ? "reading" : (const char *)stage.ptr;
	k.name = file.name;
	k.bytes = file.text.len;
	memcpy(k.sha256, file.sha256, sizeof k.sha256);
	st = capture_open(c, file.text, why);
	if (st == ST_OK)
		st = source_file_open(c, a, &source, why);
	if (st == ST_OK)
		st = pipelines_make(&sensing, lane_count, a, why);
	if (st == ST_OK)
		st = read_all(c, source, &sensing, &reading, &k, why);
	if (st == ST_OK)
		st = finish(&sensing, a, &k, why);
	k.elapsed_ns = os_clock_mono().ns - reading.begin.ns;
	if (st == ST_OK)
		*out = k;
	tick(&reading, c, true);
	for (size_t i = 0; i < sensing.count; i++)
		pipeline_free(sensing.pipelines[i]);
	source_close(source);
	os_map_done(&mapped);
	return st == ST_OK ? ST_OK : fail_wrap(why, "%.*s", SLICE_ARG(path));
}

enum status daemon_sense(struct slice path, const struct pipeline_options *options,
			 const struct daemon_progress *progress, struct detect_saved *saved,
			 struct arena *a, struct daemon_capture *out, struct fail *why)
{
	struct daemon_sense_lane lane = {.options = *options, .saved = saved};
	enum status st = daemon_sense_lanes(path, NULL, &lane, 1, progress, a, out, why);

	if (st == ST_OK)
		out->stats = lane.stats;
	return st;
}
