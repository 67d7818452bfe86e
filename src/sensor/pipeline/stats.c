/* SPDX-License-Identifier: Apache-2.0
 *
 * 1. A counter has one writer: what happens to a packet or flow is counted where it happens, by the
 *    functions of pipeline_priv.h; what is a state (memory in use) is asked for when it is read.
 * 2. The names' order is that of PIPELINE_STATS, so that groups are never opened twice. */
#include "sensor/pipeline/stats.h"

#include "sensor/pipeline/pipeline_priv.h"

/* One number, or a row for each of something. */
enum how { ONE, EVENTS, TCP_STATES, REASONS, FLOWS, ERRORS, TXS };

static const struct {
	const char *name;
	enum how how;
} stats[PIPELINE_STAT_COUNT] = {
#define X(id, name, how) [PIPELINE_##id] = {name, how},
	PIPELINE_STATS(X)
#undef X
};

_Static_assert((int)PIPELINE_TCP_STATES == (int)STREAM_CLOSED + 1, "a row for each state");

/* ---- counting ---- */

static void count_link(struct pipeline_stats *s, uint32_t linktype)
{
	static const struct {
		uint32_t linktype;
		enum pipeline_stat stat;
	} links[] = {{0, PIPELINE_DECODER_NULL},    {12, PIPELINE_DECODER_RAW},
		     {14, PIPELINE_DECODER_RAW},    {101, PIPELINE_DECODER_RAW},
		     {228, PIPELINE_DECODER_RAW},   {229, PIPELINE_DECODER_RAW},
		     {104, PIPELINE_DECODER_CHDLC}, {9, PIPELINE_DECODER_PPP},
		     {113, PIPELINE_DECODER_SLL},   {276, PIPELINE_DECODER_SLL2}};

	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
		if (links[i].linktype == linktype)
			s->at[links[i].stat]++;
}

void pipeline_count_time(struct pipeline *p, struct wall_ns at)
{
	if (p->earliest.ns == 0)
		p->earliest = at;
	if (at.ns > p->latest.ns)
		p->latest = at;
}

void pipeline_count_frame(struct pipeline *p, uint32_t linktype, uint32_t bytes)
{
	struct pipeline_stats *s = p->stats;

	s->at[PIPELINE_DECODER_PKTS]++;
	s->at[PIPELINE_DECODER_BYTES] += bytes;
	if (bytes > s->at[PIPELINE_DECODER_MAX])
		s->at[PIPELINE_DECODER_MAX] = bytes;
	if (linktype != 1)
		count_link(s, linktype);
}

/* Of the captured packet's link layer; those that it carries have none, or one that is counted with
 * their tunnel. */
static void count_layers(struct pipeline_stats *s, const struct packet *p)
{
	s->at[PIPELINE_DECODER_ETHERNET] += p->ether.len != 0;
	s->at[PIPELINE_DECODER_ARP] += p->arp.len != 0;
	if (p->root != NULL)
		return;
	s->at[PIPELINE_DECODER_VLAN] += p->vlans >= 1;
	s->at[PIPELINE_DECODER_VLAN_QINQ] += p->vlans >= 2;
	s->at[PIPELINE_DECODER_VLAN_QINQINQ] += p->vlans >= 3;
}

static void count_tunnel(struct pipeline_stats *s, const struct packet *p)
{
	bool v6 = p->ip_version == 6;

	switch (p->source) {
	case PACKET_IN_GRE:
		s->at[PIPELINE_DECODER_GRE]++;
		break;
	case PACKET_IN_IPV4:
		s->at[v6 ? PIPELINE_DECODER_IPV6_IN_IPV4 : PIPELINE_DECODER_IPV4_IN_IPV4]++;
		break;
	case PACKET_IN_IPV6:
		s->at[v6 ? PIPELINE_DECODER_IPV6_IN_IPV6 : PIPELINE_DECODER_IPV4_IN_IPV6]++;
		break;
	case PACKET_IN_TEREDO:
		s->at[PIPELINE_DECODER_TEREDO]++;
		break;
	case PACKET_IN_VXLAN:
		s->at[PIPELINE_DECODER_VXLAN]++;
		break;
	case PACKET_IN_GENEVE:
		s->at[PIPELINE_DECODER_GENEVE]++;
		break;
	case PACKET_DEFRAGMENTED:
		s->at[v6 ? PIPELINE_DEFRAG_REBUILT6 : PIPELINE_DEFRAG_REBUILT4]++;
		break;
	default:
		break;
	}
}

static void count_tcp(struct pipeline_stats *s, const struct packet *p)
{
	uint8_t hand = p->tcp.flags & (TCP_SYN | TCP_ACK);

	s->at[PIPELINE_DECODER_TCP]++;
	s->at[PIPELINE_TCP_SYN] += hand == TCP_SYN;
	s->at[PIPELINE_TCP_SYNACK] += hand == (TCP_SYN | TCP_ACK);
	s->at[PIPELINE_TCP_RST] += (p->tcp.flags & TCP_RST) != 0;
	s->at[PIPELINE_TCP_URG] += (p->tcp.flags & TCP_URG) != 0;
}

static void count_l4(struct pipeline_stats *s, const struct packet *p)
{
	switch (p->proto) {
	case IP_PROTO_TCP:
		count_tcp(s, p);
		break;
	case IP_PROTO_UDP:
		s->at[PIPELINE_DECODER_UDP]++;
		break;
	case IP_PROTO_SCTP:
		s->at[PIPELINE_DECODER_SCTP]++;
		break;
	case IP_PROTO_ICMP:
		s->at[PIPELINE_DECODER_ICMPV4]++;
		break;
	case IP_PROTO_ICMP6:
		s->at[PIPELINE_DECODER_ICMPV6]++;
		break;
	default:
		break;
	}
}

static void count_verdict(struct pipeline *p)
{
	const struct verdict *v = &p->verdict;

	p->stats->at[PIPELINE_IPS_REJECTED] += v->reject != VERDICT_REJECT_NONE;
	if (!p->policies.ips || p->packet.root != NULL)
		return;
	p->stats->at[v->drop ? PIPELINE_IPS_BLOCKED : PIPELINE_IPS_ACCEPTED]++;
	if (v->drop)
		p->stats->at[PIPELINE_SLOT_REASONS + v->reason]++;
}

void pipeline_count_packet(struct pipeline *p)
{
	const struct packet *packet = &p->packet;
	struct pipeline_stats *s = p->stats;

	s->at[PIPELINE_DECODER_INVALID] += packet->broken;
	s->at[PIPELINE_DECODER_IPV4] += packet->ip_version == 4;
	s->at[PIPELINE_DECODER_IPV6] += packet->ip_version == 6;
	count_layers(s, packet);
	count_tunnel(s, packet);
	if (packet->fragment)
		s->at[packet->ip_version == 6 ? PIPELINE_DEFRAG_FRAGMENTS6
					      : PIPELINE_DEFRAG_FRAGMENTS4]++;
	s->at[PIPELINE_DEFRAG_MEMCAP] += packet->no_room;
	s->at[PIPELINE_DEFRAG_REUSED] += packet->given_up;
	s->at[PIPELINE_DECODER_ESP] += packet->proto == IP_PROTO_ESP;
	if (packet->l4_header.len != 0)
		count_l4(s, packet);
	for (unsigned i = 0; i < PACKET_ANOMALIES_MAX / 64; i++)
		for (uint64_t bits = packet->anomalies[i]; bits != 0; bits &= bits - 1)
			s->at[PIPELINE_SLOT_EVENTS + 64 * i + (unsigned)__builtin_ctzll(bits)]++;
	count_verdict(p);
}

void pipeline_count_flow(struct pipeline *p, const struct flow *f)
{
	struct pipeline_stats *s = p->stats;

	switch (f->proto) {
	case IP_PROTO_TCP:
		s->at[PIPELINE_FLOW_TCP]++;
		break;
	case IP_PROTO_UDP:
		s->at[PIPELINE_FLOW_UDP]++;
		break;
	case IP_PROTO_ICMP:
		s->at[PIPELINE_FLOW_ICMPV4]++;
		break;
	case IP_PROTO_ICMP6:
		s->at[PIPELINE_FLOW_ICMPV6]++;
		break;
	default:
		break;
	}
}

/* Names of the stream's events are looked up, for what has which number is the stream's own. */
static bool has_event(const struct stream_events *e, const char *name)
{
	for (unsigned i = 0; stream_anomalies[i] != NULL; i++)
		if (stream_events_has(e, i) && strcmp(stream_anomalies[i], name) == 0)
			return true;
	return false;
}

void pipeline_count_stream(struct pipeline *p, bool begins)
{
	const struct stream_result *r = &p->tcp;
	struct pipeline_stats *s = p->stats;

	s->at[PIPELINE_TCP_SESSIONS] += begins;
	s->at[PIPELINE_TCP_MIDSTREAM] += r->picked_up;
	s->at[PIPELINE_TCP_NO_SESSION] += r->no_session;
	s->at[PIPELINE_TCP_NO_SEGMENT] += r->no_memory;
	if (!stream_events_any(&r->events))
		return;
	s->at[PIPELINE_TCP_DEPTH] += has_event(&r->events, "reassembly_depth_reached");
	s->at[PIPELINE_TCP_GAP] += has_event(&r->events, "reassembly_seq_gap");
	s->at[PIPELINE_TCP_OVERLAP_DIFF] +=
		has_event(&r->events, "reassembly_overlap_different_data");
}

void pipeline_count_flow_end(struct pipeline *p, const struct flow *f)
{
	static const enum pipeline_stat states[] = {[FLOW_NEW] = PIPELINE_FLOW_END_NEW,
						    [FLOW_ESTABLISHED] =
							    PIPELINE_FLOW_END_ESTABLISHED,
						    [FLOW_CLOSED] = PIPELINE_FLOW_END_CLOSED};

	p->stats->at[f->bypassed ? PIPELINE_FLOW_END_BYPASSED : states[f->state]]++;
	if (f->proto == IP_PROTO_TCP)
		p->stats->at[PIPELINE_SLOT_TCP + stream_state_of(f)]++;
}

static unsigned app_slot(unsigned row, unsigned transport, enum pipeline_app_event what)
{
	return PIPELINE_SLOT_APP + (row * 2 + transport) * PIPELINE_APP_EVENTS + what;
}

void pipeline_count_app(struct pipeline *p, const struct flow *f, enum pipeline_app_event what)
{
	unsigned row = app_protocol_index(f->app->protocol);

	p->stats->at[app_slot(row, f->proto != IP_PROTO_TCP, what)]++;
}

/* ---- reading ---- */

static void average(struct pipeline_stats *s)
{
	uint64_t packets = s->at[PIPELINE_DECODER_PKTS];

	s->at[PIPELINE_DECODER_AVG] = packets != 0 ? s->at[PIPELINE_DECODER_BYTES] / packets : 0;
}

void pipeline_stats_read(struct pipeline *p, struct pipeline_stats *out)
{
	const struct pipeline_counters *c = pipeline_counters(p);
	const struct flow_counters *f = &p->flow_counts;

	*out = (struct pipeline_stats){0};
	if (p->stats == NULL)
		return;
	*out = *p->stats;
	out->uptime_s = (uint64_t)(p->latest.ns - p->earliest.ns) / TIME_NS_PER_S;
	out->at[PIPELINE_FLOW_TOTAL] = f->flows;
	out->at[PIPELINE_FLOW_ACTIVE] = p->flows != NULL ? f->flows - f->ended : 0;
	out->at[PIPELINE_FLOW_GET_USED] = f->evicted;
	out->at[PIPELINE_FLOW_MEMCAP] = f->no_memory;
	out->at[PIPELINE_FLOW_EMERGENCY] = f->emergencies;
	out->at[PIPELINE_FLOW_EMERGENCY_OVER] = f->emergencies_over;
	out->at[PIPELINE_TCP_REASSEMBLY_MEMUSE] = p->stream_pool.out;
	out->at[PIPELINE_FLOW_MEMUSE] = p->pool.out - p->stream_pool.out;
	out->at[PIPELINE_DETECT_ALERT] = c->alerts;
	if (p->detect != NULL) {
		const struct detect_counters *d = detect_worker_counters(p->detect);

		out->at[PIPELINE_DETECT_OVERFLOW] = d->discarded;
		out->at[PIPELINE_DETECT_GIVEN_UP] = d->given_up;
		out->at[PIPELINE_DETECT_EXPLODED] = d->exploded;
		out->at[PIPELINE_DETECT_SUPPRESSED] = c->suppressed;
		out->rules_loaded = detect_rules_count(p->options.rules);
	}
	out->rules_failed = p->options.rules_failed;
	out->rules_skipped = p->options.rules_skipped;
	out->last_reload = p->earliest;
	average(out);
}

void pipeline_stats_add(struct pipeline_stats *sum, const struct pipeline_stats *one)
{
	for (unsigned i = 0; i < PIPELINE_SLOTS; i++)
		if (i != PIPELINE_DECODER_MAX)
			sum->at[i] += one->at[i];
		else if (one->at[i] > sum->at[i])
			sum->at[i] = one->at[i];
	average(sum);
	if (one->uptime_s > sum->uptime_s)
		sum->uptime_s = one->uptime_s;
	sum->rules_loaded = one->rules_loaded; /* all have the same */
	sum->rules_failed = one->rules_failed;
	sum->rules_skipped = one->rules_skipped;
	sum->last_reload = one->last_reload;
}

/* ---- names ---- */

struct walk {
	const struct pipeline_stats *s, *before;
	void (*each)(void *ctx, struct slice name, uint64_t value, int64_t grown);
	void *ctx;
};

enum { NAME_BYTES = 128 };

PRINTF_LIKE(3, 4) static void tell(const struct walk *w, unsigned slot, const char *fmt, ...)
{
	uint64_t value = w->s->at[slot], was = w->before != NULL ? w->before->at[slot] : 0;
	uint8_t room[NAME_BYTES];
	struct buf name = {.ptr = room, .room = sizeof room, .most = sizeof room};
	va_list ap;

	va_start(ap, fmt);
	buf_add_vfmt(&name, fmt, ap);
	va_end(ap);
	ASSERT(!name.full); /* made of our own tables */
	w->each(w->ctx, buf_slice(&name), value, (int64_t)(value - was));
}

static void tell_reasons(const struct walk *w, const char *group)
{
	for (unsigned r = VERDICT_NO_REASON + 1; r < VERDICT_REASONS; r++) {
		const char *reason = verdict_reason_name((enum verdict_reason)r);
		char word[NAME_BYTES / 2] = "";

		for (size_t i = 0; reason[i] != '\0' && i < sizeof word - 1; i++)
			word[i] = reason[i] == ' ' ? '_' : reason[i];
		tell(w, PIPELINE_SLOT_REASONS + r, "%s.%s", group, word);
	}
}

/* "http", "dns_tcp", "dns_udp": the transport is said where there are two. */
static void tell_app(const struct walk *w, const char *group, enum how how, unsigned row)
{
	const struct app_protocol *p = row < APP_PROTOCOLS_MAX ? app_protocols[row] : NULL;
	const char *name = p != NULL ? p->name : "failed";
	unsigned transports = p != NULL ? p->transports : APP_TCP | APP_UDP;

	for (unsigned d = 0; d < 2; d++) {
		const char *tail = transports != (APP_TCP | APP_UDP) ? ""
				   : d == 0			     ? "_tcp"
								     : "_udp";

		if ((transports & (d == 0 ? APP_TCP : APP_UDP)) == 0 || (p == NULL && how != FLOWS))
			continue;
		if (how == ERRORS) {
			tell(w, app_slot(row, d, PIPELINE_APP_GAP), "%s.%s%s.gap", group, name,
			     tail);
			tell(w, app_slot(row, d, PIPELINE_APP_ERROR), "%s.%s%s.parser", group, name,
			     tail);
		} else {
			tell(w,
			     app_slot(row, d, how == FLOWS ? PIPELINE_APP_KNOWN : PIPELINE_APP_TX),
			     "%s.%s%s", group, name, tail);
		}
	}
}

static void tell_group(const struct walk *w, const char *name, enum how how)
{
	if (how == EVENTS)
		for (unsigned k = 0; decode_anomalies[k] != NULL; k++)
			tell(w, PIPELINE_SLOT_EVENTS + k, "%s.%s", name, decode_anomalies[k]);
	else if (how == TCP_STATES)
		for (unsigned k = 0; k < PIPELINE_TCP_STATES; k++)
			tell(w, PIPELINE_SLOT_TCP + k, "%s.%s", name,
			     stream_state_text((enum stream_state)k));
	else if (how == REASONS)
		tell_reasons(w, name);
	else {
		for (unsigned i = 0; app_protocols[i] != NULL; i++)
			tell_app(w, name, how, i);
		tell_app(w, name, how, APP_PROTOCOLS_MAX);
	}
}

void pipeline_stats_each(const struct pipeline_stats *s, const struct pipeline_stats *before,
			 void (*each)(void *ctx, struct slice name, uint64_t value, int64_t grown),
			 void *ctx)
{
	const struct walk w = {s, before, each, ctx};

	for (unsigned i = 0; i < PIPELINE_STAT_COUNT; i++)
		if (stats[i].how == ONE)
			tell(&w, i, "%s", stats[i].name);
		else
			tell_group(&w, stats[i].name, stats[i].how);
}

/* ---- JSON ---- */

struct writing {
	struct json *j;
	const struct pipeline_stats *s;
	unsigned how;
	char open[NAME_BYTES]; /* "decoder.event": the objects that are open */
	size_t open_len;
};

static void put_engines(struct json *j, const struct pipeline_stats *s)
{
	char text[TIME_TEXT_MAX];

	json_key(j, "engines");
	json_array(j);
	json_object(j);
	json_member_u64(j, "id", 0);
	json_member_str(j, "last_reload", time_format_eve(s->last_reload, text));
	json_member_u64(j, "rules_loaded", s->rules_loaded);
	json_member_u64(j, "rules_failed", s->rules_failed);
	json_member_u64(j, "rules_skipped", s->rules_skipped);
	json_end(j);
	json_end(j);
}

/* Closes objects until what is open is a group of `name`; "": all. */
static void close_groups(struct writing *w, struct slice name)
{
	while (w->open_len != 0 &&
	       (name.len <= w->open_len || memcmp(name.ptr, w->open, w->open_len) != 0 ||
		name.ptr[w->open_len] != '.')) {
		json_end(w->j);
		do
			w->open_len--;
		while (w->open_len != 0 && w->open[w->open_len] != '.');
	}
}

/* Opens those that name is in and returns its last word. */
static struct slice open_groups(struct writing *w, struct slice name)
{
	struct slice rest = slice_from(name, w->open_len == 0 ? 0 : w->open_len + 1);

	for (;;) {
		struct slice word = slice_split(&rest, '.');

		if (rest.ptr == NULL)
			return word;
		json_key_slice(w->j, word);
		json_object(w->j);
		w->open_len = (size_t)(word.ptr + word.len - name.ptr);
		memcpy(w->open, name.ptr, w->open_len);
		if (slice_equal(slice_part(name, 0, w->open_len), SLICE("detect")))
			put_engines(w->j, w->s);
	}
}

static void write_one(void *ctx, struct slice name, uint64_t value, int64_t grown)
{
	struct writing *w = ctx;
	struct slice word;

	if (value == 0 && (w->how & PIPELINE_STATS_ZEROS) == 0)
		return;
	close_groups(w, name);
	word = open_groups(w, name);
	json_key_slice(w->j, word);
	json_u64(w->j, value);
	if ((w->how & PIPELINE_STATS_DELTAS) != 0) {
		uint8_t room[NAME_BYTES];
		struct buf key = {.ptr = room, .room = sizeof room, .most = sizeof room};

		buf_add(&key, word);
		buf_add_z(&key, "_delta");
		json_key_slice(w->j, buf_slice(&key));
		json_i64(w->j, grown);
	}
}

void pipeline_stats_json(const struct pipeline_stats *s, const struct pipeline_stats *before,
			 unsigned how, struct json *j)
{
	struct writing w = {.j = j, .s = s, .how = how};

	pipeline_stats_each(s, before, write_one, &w);
	close_groups(&w, SLICE(""));
}
