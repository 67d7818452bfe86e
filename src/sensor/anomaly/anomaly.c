/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/anomaly/anomaly.h"

#include "sensor/anomaly/anomaly_priv.h"
#include "sensor/app/app.h"
#include "sensor/decode/decode.h"

enum {
	DETECTORS_MAX = 16,
	MEMORY_DEFAULT = 32 << 20,
	MEMORY_LEAST = 8 << 20,
};

#define MEMORY_MOST (UINT64_C(64) << 30)

struct anomaly_worker {
	struct anomaly_site site;
	struct anomaly_room rooms[DETECTORS_MAX]; /* of those that are switched on */
	size_t count;
	uint64_t memory;
};

const struct anomaly_common anomaly_common[] = {
	{"enabled", "yes",
	 "Detectors look at all; eve-logs with anomaly events say what they find."},
	{"memory", "32mb",
	 "What the tables of one worker may grow to, all detectors together; 8 MB at least."},
	{"home", "private and link-local networks",
	 "Networks that are one's own: beacons and uploads are looked for from there to "
	 "elsewhere."},
	{"exempt", "none", "Networks whose flows no detector looks at, whichever end they are."},
	{0},
};

/* ---- configuration ---- */

/* RFC 1918, 6598, 3927, 4193, 4291 2.5.6, and loopback. */
static const char *const private_nets[] = {
	"10.0.0.0/8",	  "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8",
	"169.254.0.0/16", "fc00::/7",	   "fe80::/10",	     "::1/128",
};

static bool nets_add(struct anomaly_nets *n, struct slice text)
{
	return n->count < ANOMALY_NETS_MAX && addr_prefix_parse(text, &n->nets[n->count]) &&
	       ++n->count != 0;
}

static bool nets_read(struct anomaly_nets *out, struct config *list, struct arena *a)
{
	out->nets = ARENA_ARRAY(a, struct addr_prefix, ANOMALY_NETS_MAX);
	if (out->nets == NULL)
		return false;
	for (struct config *n = config_first(list); n != NULL; n = config_next(n))
		if (!nets_add(out, n->value))
			config_problem(n,
				       "expected a network such as 192.0.2.0/24, %d at most; "
				       "left out",
				       ANOMALY_NETS_MAX);
	return true;
}

static bool site_read(struct anomaly_site *s, struct config *c, struct arena *a)
{
	struct config *home = config_at(c, "home");

	if (!nets_read(&s->home, home, a) || !nets_read(&s->exempt, config_at(c, "exempt"), a))
		return false;
	for (size_t i = 0; home == NULL && i < sizeof private_nets / sizeof private_nets[0]; i++)
		ASSERT(nets_add(&s->home, slice_of(private_nets[i])));
	return true;
}

static bool room_start(struct anomaly_room *r, struct config *own, uint64_t memory, struct arena *a)
{
	const struct anomaly_detector *d = r->detector;
	size_t at = 0;

	for (const struct anomaly_setting *s = d->settings; s->name != NULL; s++) {
		ASSERT(at < ANOMALY_SETTINGS_MAX);
		r->set[at++] = config_u64(own, s->name, s->least, s->most, s->fallback);
	}
	r->bytes = (size_t)(memory / 100 * d->share);
	ASSERT(r->bytes > d->state_bytes);
	if (d->state_bytes != 0) {
		r->state = arena_alloc(a, d->state_bytes, _Alignof(max_align_t), 1);
		if (r->state == NULL)
			return false;
		r->bytes -= d->state_bytes;
	}
	if (d->start != NULL && !d->start(r, a)) /* takes what it uses off r->bytes */
		return false;
	return anomaly_table_init(&r->table, a, d->subject_bytes, r->bytes, r->site->hash_key);
}

struct anomaly_worker *anomaly_worker_new(struct config *config, uint64_t hash_seed,
					  struct arena *process, struct record_sink out)
{
	struct anomaly_worker *w = ARENA_NEW(process, struct anomaly_worker);
	struct config *c = config_at(config, "anomaly");
	bool enabled = config_bool(c, "enabled", true);

	if (w == NULL)
		return NULL;
	w->site.out = out;
	memcpy(w->site.hash_key, &hash_seed, sizeof hash_seed);
	w->memory = config_size(c, "memory", MEMORY_DEFAULT);
	if (w->memory < MEMORY_LEAST || w->memory > MEMORY_MOST) {
		config_problem(config_at(c, "memory"), "expected 8mb to 64gb; taken as 32mb");
		w->memory = MEMORY_DEFAULT;
	}
	if (!site_read(&w->site, c, process))
		return NULL;
	for (size_t i = 0; anomaly_detectors[i] != NULL; i++) {
		struct config *own = config_at(c, anomaly_detectors[i]->name);
		struct anomaly_room *r = &w->rooms[w->count];

		ASSERT(i < DETECTORS_MAX);
		if (!config_bool(own, "enabled", true) || !enabled) {
			config_take(own);
			continue;
		}
		*r = (struct anomaly_room){.detector = anomaly_detectors[i], .site = &w->site};
		if (!room_start(r, own, w->memory, process))
			return NULL;
		w->count++;
	}
	return w;
}

/* ---- what happens ---- */

static void flow_of(const struct flow *f, struct anomaly_flow *out)
{
	*out = (struct anomaly_flow){
		.id = f->id,
		.client = f->client,
		.server = f->server,
		.client_port = f->client_port,
		.server_port = f->server_port,
		.proto = f->proto,
		.vlans = f->vlans,
		.first = f->first,
		.last = f->last,
		.app = f->app != NULL && f->app->protocol != NULL ? f->app->protocol->name : NULL};
	memcpy(out->vlan, f->vlan, sizeof out->vlan);
	for (unsigned i = 0; i < 2; i++)
		out->side[i] = (struct anomaly_side){.pkts = f->side[i].pkts,
						     .bytes = f->side[i].bytes,
						     .tcp_flags = f->side[i].tcp_flags,
						     .payload = f->side[i].bins != NULL,
						     .bins = f->side[i].bins,
						     .bin_count = f->side[i].bin_count};
}

static bool holds(const struct anomaly_nets *n, const struct addr *a)
{
	for (size_t i = 0; i < n->count; i++)
		if (addr_prefix_holds(&n->nets[i], a))
			return true;
	return false;
}

static bool is_exempt(const struct anomaly_worker *w, const struct addr *a, const struct addr *b)
{
	return w->site.exempt.count != 0 &&
	       (holds(&w->site.exempt, a) || holds(&w->site.exempt, b));
}

static void tell_new(struct anomaly_worker *w, const struct anomaly_flow *f)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->rooms[i].detector->flow_new != NULL)
			w->rooms[i].detector->flow_new(&w->rooms[i], f);
}

static void tell_answered(struct anomaly_worker *w, const struct anomaly_flow *f)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->rooms[i].detector->flow_answered != NULL)
			w->rooms[i].detector->flow_answered(&w->rooms[i], f);
}

static void tell_end(struct anomaly_worker *w, const struct anomaly_flow *f)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->rooms[i].detector->flow_end != NULL)
			w->rooms[i].detector->flow_end(&w->rooms[i], f);
}

void anomaly_flow_new(struct anomaly_worker *w, const struct flow *f)
{
	struct anomaly_flow seen;

	if (w->count == 0 || is_exempt(w, &f->client, &f->server))
		return;
	flow_of(f, &seen);
	tell_new(w, &seen);
}

void anomaly_flow_answered(struct anomaly_worker *w, const struct flow *f)
{
	struct anomaly_flow seen;

	if (w->count == 0 || is_exempt(w, &f->client, &f->server))
		return;
	flow_of(f, &seen);
	tell_answered(w, &seen);
}

void anomaly_flow_end(struct anomaly_worker *w, const struct flow *f)
{
	struct anomaly_flow seen;

	if (w->count == 0 || is_exempt(w, &f->client, &f->server))
		return;
	flow_of(f, &seen);
	tell_end(w, &seen);
}

void anomaly_logged(struct anomaly_worker *w, const struct flow *f, const struct record *record)
{
	struct anomaly_flow seen;

	if (w->count == 0 || is_exempt(w, &f->client, &f->server))
		return;
	flow_of(f, &seen);
	for (size_t i = 0; i < w->count; i++)
		if (w->rooms[i].detector->logged != NULL)
			w->rooms[i].detector->logged(&w->rooms[i], &seen, record);
}

void anomaly_flow_record(struct anomaly_worker *w, const struct anomaly_flow *f)
{
	struct anomaly_flow at_first = *f;

	if (w->count == 0 || is_exempt(w, &f->client, &f->server))
		return;
	at_first.last = f->first;
	if (!f->ongoing)
		tell_new(w, &at_first);
	if (!anomaly_is_unanswered(f))
		tell_answered(w, &at_first);
	tell_end(w, f);
}

bool anomaly_payload_likely(uint64_t pkts, uint64_t bytes)
{
	return bytes / 60 > pkts || (bytes / 60 == pkts && bytes % 60 != 0);
}

struct anomaly_counters anomaly_worker_counters(const struct anomaly_worker *w)
{
	struct anomaly_counters c = {.memory = w->memory, .findings = w->site.findings};

	for (size_t i = 0; i < w->count; i++) {
		c.forgotten += w->rooms[i].table.forgotten;
		c.subjects += w->rooms[i].table.used;
	}
	return c;
}

/* ---- what detectors ask ---- */

uint64_t anomaly_hash(const struct anomaly_room *r, struct slice s)
{
	return crypto_sip(r->site->hash_key, s);
}

uint64_t anomaly_hash_addr(const struct anomaly_room *r, const struct addr *a, uint64_t more)
{
	uint8_t b[1 + 16 + 8] = {a->family};

	memcpy(b + 1, a->b, 16);
	memcpy(b + 17, &more, 8);
	return crypto_sip(r->site->hash_key, (struct slice){b, sizeof b});
}

bool anomaly_goes_out(const struct anomaly_room *r, const struct anomaly_flow *f)
{
	return !holds(&r->site->home, &f->server);
}

bool anomaly_is_group(const struct addr *a)
{
	return a->family == 6 ? a->b[0] == 0xff : (a->b[0] & 0xf0) == 0xe0 || a->b[0] == 255;
}

bool anomaly_is_unanswered(const struct anomaly_flow *f)
{
	const struct anomaly_side *client = &f->side[FLOW_TO_SERVER],
				  *server = &f->side[FLOW_TO_CLIENT];

	if (f->proto != IP_PROTO_TCP)
		return server->pkts == 0;
	if (client->payload || server->payload || f->ongoing)
		return false;
	if (client->tcp_flags == 0 && server->tcp_flags == 0) /* an exporter without flags */
		return server->pkts == 0 || client->pkts + server->pkts <= 3;
	if (!(client->tcp_flags & TCP_SYN))
		return false;
	return !(server->tcp_flags & TCP_SYN) || (client->tcp_flags & TCP_RST) != 0;
}

void anomaly_sort(int64_t *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		int64_t x = v[i];
		size_t at = i;

		for (; at > 0 && v[at - 1] > x; at--)
			v[at] = v[at - 1];
		v[at] = x;
	}
}

void anomaly_say(struct anomaly_room *room, const struct anomaly_flow *f,
		 const struct anomaly_finding *finding)
{
	bool ports = finding->dport != 0 && (f->proto == IP_PROTO_TCP || f->proto == IP_PROTO_UDP);
	struct record r = {
		.kind = RECORD_ANOMALY,
		.at = finding->at,
		.flow_id = f->id,
		.src = f->client,
		.dst = f->server,
		.has_ports = ports,
		.sport = ports ? f->client_port : 0,
		.dport = ports ? finding->dport : 0,
		.proto = f->proto,
		.vlans = f->vlans,
		.direction = SLICE("to_server"),
		.u.anomaly = {.type = SLICE("behaviour"),
			      .event = slice_of(finding->event),
			      .summary = {(const uint8_t *)finding->summary->z,
					  finding->summary->len},
			      .score_milli = finding->score_milli,
			      .observations = finding->observations,
			      .first = finding->first,
			      .last = finding->last,
			      .detector = slice_of(room->detector->name),
			      .measure = slice_of(finding->measure),
			      .measured = finding->measured,
			      .threshold = finding->threshold,
			      .window_s = (uint64_t)(finding->window_ns / TIME_NS_PER_S)},
	};

	for (size_t i = 0; i < f->vlans && i < RECORD_VLANS_MAX; i++)
		r.vlan[i] = f->vlan[i];
	room->site->findings++;
	room->site->out.put(room->site->out.ctx, &r);
}
