/* SPDX-License-Identifier: Apache-2.0
 * Scans: targets that do not answer.
 *
 * A probe is a flow whose server never took part (anomaly_is_unanswered()): half-open and connect
 * scans, refused ones; a UDP or ICMP request without any packet back. Everything else is an
 * answered contact. Four shapes:
 *
 *   scan.hosts, scan.ports   one source, many hosts on one port or many ports of one host, within
 *                            five minutes: 25 and 15, the defaults of Zeek's policy/misc/scan.zeek.
 *                            Targets are kept one by one, so these counts are exact.
 *   scan.slow                one source, many pairs of host and port in half a day to a day: 64.
 *                            Counted in a sketch (sketch_priv.h), for slowness is many sources'.
 *   scan.distributed         many sources, many ports of one host within an hour: 64 ports that 8
 *                            or more asked for. No single source need be busy.
 *
 * As in the hypothesis test of Jung, Paxson, Berger and Balakrishnan (Fast Portscan Detection, IEEE
 * S&P 2004) it is the share of failures that tells a scanner from a busy client: fewer than half
 * (slow: four of five), and nothing is said. Answered contacts of all sources are counted in one
 * Count-Min sketch, which may say too much and so keep silent, but never too little: its width is
 * docs/detectors.md's to explain.
 *
 * Score: 1000 x probes / (probes + answered contacts) of the subject in the window. */
#include "sensor/anomaly/anomaly_priv.h"
#include "sensor/anomaly/sketch_priv.h"
#include "sensor/decode/decode.h"

enum {
	SCAN_KEPT_MAX = 32, /* targets of a subject, one by one */
	SCAN_WIDTH = 16384, /* cells of a row: 256 KiB for both windows */
	SCAN_SLOW_SHARE = 800,
	SCAN_SPREAD_S = 3600,
};

enum { HOSTS, PORTS, WINDOW, SHARE, SLOW, SLOW_WINDOW, SPREAD_PORTS, SPREAD_SOURCES };

static const struct anomaly_setting settings[] = {
	[HOSTS] = {"hosts", 25, 2, SCAN_KEPT_MAX, "", "Hosts on one port that did not answer."},
	[PORTS] = {"ports", 15, 2, SCAN_KEPT_MAX, "", "Ports of one host that did not answer."},
	[WINDOW] = {"window", 300, 1, 86400, "s", "Within which they count."},
	[SHARE] = {"share", 500, 0, 1000, "thousandths",
		   "Of a source's contacts, those that were not answered, at least."},
	[SLOW] = {"slow-targets", 64, 8, 65535, "",
		  "Pairs of host and port that did not answer one source."},
	[SLOW_WINDOW] = {"slow-window", 86400, 600, 2592000, "s", "Within which they count."},
	[SPREAD_PORTS] = {"distributed-ports", 64, 8, 65535, "",
			  "Ports of one host that did not answer anybody, within an hour."},
	[SPREAD_SOURCES] = {"distributed-sources", 8, 2, 65535, "", "Sources that asked for them."},
	{0},
};

enum scan_kind { SCAN_OF_HOSTS, SCAN_OF_PORTS, SCAN_SLOW, SCAN_SPREAD };

struct scan_probe {
	uint64_t target; /* hash of the host, or the port */
	struct wall_ns at;
};

/* Two half windows, so that what they say together is of half a window to a whole one. */
struct scan_halves {
	int64_t epoch;
	struct anomaly_distinct now, before, sources, sources_before;
};

struct scan_subject {
	struct anomaly_subject subject;
	struct wall_ns latest, first;
	uint32_t count;
	union {
		struct scan_probe probes[SCAN_KEPT_MAX]; /* of HOSTS and PORTS: distinct targets */
		struct scan_halves halves;		 /* of SLOW and SPREAD */
	} of;
};

struct scan_state {
	struct anomaly_counts answered;	     /* by subjects' keys, per window */
	struct anomaly_counts answered_slow; /* by source, per half slow window */
};

static bool scan_start(struct anomaly_room *r, struct arena *a)
{
	struct scan_state *s = r->state;

	ASSERT(r->bytes > 4 * anomaly_counts_bytes(SCAN_WIDTH));
	r->bytes -= 2 * anomaly_counts_bytes(SCAN_WIDTH);
	return anomaly_counts_init(&s->answered, a, SCAN_WIDTH) &&
	       anomaly_counts_init(&s->answered_slow, a, SCAN_WIDTH);
}

static void forget_old(struct scan_subject *s, int64_t window_ns)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < s->count; i++)
		if (s->latest.ns - s->of.probes[i].at.ns <= window_ns)
			s->of.probes[kept++] = s->of.probes[i];
	s->count = kept;
}

/* Notes a probe; a full list loses its first, which is its oldest or was seen again. */
static void note(struct scan_subject *s, uint32_t most, uint64_t target, struct wall_ns at)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->of.probes[i].target == target) {
			s->of.probes[i].at = at;
			return;
		}
	if (s->count == most)
		memmove(s->of.probes, s->of.probes + 1, --s->count * sizeof s->of.probes[0]);
	s->of.probes[s->count++] = (struct scan_probe){target, at};
}

static void who(struct anomaly_text *t, const struct anomaly_flow *f, enum scan_kind kind,
		uint64_t count)
{
	anomaly_text_addr(t, &f->client);
	anomaly_text_z(t, " tried ");
	anomaly_text_number(t, count);
	if (kind == SCAN_SLOW) {
		anomaly_text_z(t, " pairs of host and port");
	} else if (kind == SCAN_OF_PORTS) {
		anomaly_text_z(t, " ports of ");
		anomaly_text_addr(t, &f->server);
	} else if (f->proto == IP_PROTO_TCP || f->proto == IP_PROTO_UDP) {
		anomaly_text_z(t, f->proto == IP_PROTO_TCP ? " hosts on TCP port "
							   : " hosts on UDP port ");
		anomaly_text_port(t, f->server_port);
	} else {
		anomaly_text_z(t, " hosts with echo requests");
	}
}

struct scan_words {
	const char *event, *measure;
	unsigned threshold, window;
};

static const struct scan_words words[] = {
	[SCAN_OF_HOSTS] = {"scan.hosts", "hosts", HOSTS, WINDOW},
	[SCAN_OF_PORTS] = {"scan.ports", "ports", PORTS, WINDOW},
	[SCAN_SLOW] = {"scan.slow", "targets", SLOW, SLOW_WINDOW},
};

static void say(struct anomaly_room *r, struct scan_subject *s, const struct anomaly_flow *f,
		enum scan_kind kind, uint64_t count, uint64_t score)
{
	struct anomaly_text text = {0};
	struct wall_ns first = s->first;

	if (kind != SCAN_SLOW) {
		first = s->latest;
		for (uint32_t i = 0; i < s->count; i++)
			if (s->of.probes[i].at.ns < first.ns)
				first = s->of.probes[i].at;
	}
	who(&text, f, kind, count);
	anomaly_text_z(&text, " within ");
	anomaly_text_seconds(&text, s->latest.ns - first.ns);
	anomaly_text_z(&text, " s; none of them would talk");
	anomaly_say(r, f,
		    &(struct anomaly_finding){
			    .event = words[kind].event,
			    .summary = &text,
			    .measure = words[kind].measure,
			    .measured = count,
			    .threshold = r->set[words[kind].threshold],
			    .window_ns = anomaly_seconds(r, words[kind].window),
			    .score_milli = score,
			    .observations = count,
			    .at = f->last,
			    .first = first,
			    .last = s->latest,
			    .dport = kind == SCAN_OF_HOSTS ? f->server_port : 0,
		    });
}

static struct anomaly_key key_of(const struct anomaly_flow *f, enum scan_kind kind)
{
	struct anomaly_key key = {.kind = (uint8_t)kind, .proto = f->proto, .a = f->client};

	if (kind == SCAN_OF_PORTS)
		key.b = f->server;
	else if (kind == SCAN_OF_HOSTS && (f->proto == IP_PROTO_TCP || f->proto == IP_PROTO_UDP))
		key.port = f->server_port;
	return key;
}

static uint64_t share(uint64_t count, uint64_t answered)
{
	return UINT64_C(1000) * count / (count + answered);
}

/* The slow shape of a scan that was said says nothing new. */
static void silence_slow(struct anomaly_room *r, const struct anomaly_flow *f)
{
	struct anomaly_key key = key_of(f, SCAN_SLOW);
	struct scan_subject *s = anomaly_subject_find(&r->table, &key);

	if (s != NULL)
		(void)anomaly_may_say(&s->subject, f->last, ANOMALY_SILENCE_NS);
}

static void probe(struct anomaly_room *r, const struct anomaly_flow *f, enum scan_kind kind)
{
	const struct scan_state *state = r->state;
	struct anomaly_key key = key_of(f, kind);
	struct scan_subject *s = anomaly_subject_get(&r->table, &key);
	uint32_t least = (uint32_t)r->set[words[kind].threshold];
	uint64_t score;

	if (f->first.ns > s->latest.ns)
		s->latest = f->first;
	forget_old(s, anomaly_seconds(r, WINDOW));
	if (s->latest.ns - f->first.ns > anomaly_seconds(r, WINDOW))
		return;
	note(s, least, kind == SCAN_OF_PORTS ? f->server_port : anomaly_hash_addr(r, &f->server, 0),
	     f->first);
	if (s->count < least)
		return;
	score = share(s->count, anomaly_counts_get(&state->answered, anomaly_hash_key(r, &key)));
	if (score >= r->set[SHARE] && anomaly_may_say(&s->subject, s->latest, ANOMALY_SILENCE_NS)) {
		say(r, s, f, kind, s->count, score);
		silence_slow(r, f);
	}
}

static struct scan_subject *halves_turn(struct scan_subject *s, const struct anomaly_flow *f,
					int64_t half_ns)
{
	struct scan_halves *h = &s->of.halves;
	int64_t epoch = f->first.ns / half_ns;

	if (s->latest.ns == 0)
		s->first = f->first;
	if (f->first.ns > s->latest.ns)
		s->latest = f->first;
	if (epoch <= h->epoch)
		return s;
	if (epoch == h->epoch + 1) {
		h->before = h->now;
		h->sources_before = h->sources;
		s->first.ns = h->epoch * half_ns > s->first.ns ? h->epoch * half_ns : s->first.ns;
	} else {
		h->before = h->sources_before = (struct anomaly_distinct){0};
		s->first = f->first;
	}
	h->now = h->sources = (struct anomaly_distinct){0};
	h->epoch = epoch;
	return s;
}

static uint64_t of_both(const struct anomaly_distinct *a, const struct anomaly_distinct *b)
{
	struct anomaly_distinct both = *a;

	anomaly_distinct_merge(&both, b);
	return anomaly_distinct_count(&both);
}

static void probe_slow(struct anomaly_room *r, const struct anomaly_flow *f)
{
	const struct scan_state *state = r->state;
	struct anomaly_key key = key_of(f, SCAN_SLOW);
	struct scan_subject *s = halves_turn(anomaly_subject_get(&r->table, &key), f,
					     anomaly_seconds(r, SLOW_WINDOW) / 2);
	uint64_t count, score;

	if (!anomaly_distinct_add(&s->of.halves.now,
				  anomaly_hash_addr(r, &f->server, f->server_port)))
		return;
	count = of_both(&s->of.halves.now, &s->of.halves.before);
	if (count < r->set[SLOW])
		return;
	score = share(count, anomaly_counts_get(&state->answered_slow, anomaly_hash_key(r, &key)));
	if (score >= SCAN_SLOW_SHARE && anomaly_may_say(&s->subject, s->latest, ANOMALY_SILENCE_NS))
		say(r, s, f, SCAN_SLOW, count, score);
}

static void say_spread(struct anomaly_room *r, const struct scan_subject *s,
		       const struct anomaly_flow *f, uint64_t ports, uint64_t sources)
{
	struct anomaly_text text = {0};

	anomaly_text_number(&text, sources);
	anomaly_text_z(&text, " sources, ");
	anomaly_text_addr(&text, &f->client);
	anomaly_text_z(&text, " among them, tried ");
	anomaly_text_number(&text, ports);
	anomaly_text_z(&text, " ports of ");
	anomaly_text_addr(&text, &f->server);
	anomaly_text_z(&text, " within ");
	anomaly_text_seconds(&text, s->latest.ns - s->first.ns);
	anomaly_text_z(&text, " s; none of them would talk");
	anomaly_say(r, f,
		    &(struct anomaly_finding){
			    .event = "scan.distributed",
			    .summary = &text,
			    .measure = "ports",
			    .measured = ports,
			    .threshold = r->set[SPREAD_PORTS],
			    .window_ns = SCAN_SPREAD_S * TIME_NS_PER_S,
			    .score_milli = 1000 * sources / (sources + r->set[SPREAD_SOURCES]),
			    .observations = ports,
			    .at = f->last,
			    .first = s->first,
			    .last = s->latest,
		    });
}

static void probe_spread(struct anomaly_room *r, const struct anomaly_flow *f)
{
	struct anomaly_key key = {.kind = SCAN_SPREAD, .proto = f->proto, .a = f->server};
	struct scan_subject *s = halves_turn(anomaly_subject_get(&r->table, &key), f,
					     SCAN_SPREAD_S * TIME_NS_PER_S / 2);
	struct scan_halves *h = &s->of.halves;
	uint8_t port[2] = {(uint8_t)(f->server_port >> 8), (uint8_t)f->server_port};
	bool new_port =
		anomaly_distinct_add(&h->now, anomaly_hash(r, (struct slice){port, sizeof port}));
	bool new_source = anomaly_distinct_add(&h->sources, anomaly_hash_addr(r, &f->client, 0));
	uint64_t ports, sources;

	if (!new_port && !new_source)
		return;
	ports = of_both(&h->now, &h->before);
	if (ports < r->set[SPREAD_PORTS])
		return;
	sources = of_both(&h->sources, &h->sources_before);
	if (sources >= r->set[SPREAD_SOURCES] &&
	    anomaly_may_say(&s->subject, s->latest, ANOMALY_SILENCE_NS))
		say_spread(r, s, f, ports, sources);
}

static void answered(struct anomaly_room *r, const struct anomaly_flow *f, bool with_ports)
{
	struct scan_state *s = r->state;
	struct anomaly_key key;

	for (enum scan_kind kind = SCAN_OF_HOSTS; kind <= SCAN_SLOW; kind++) {
		if (kind == SCAN_OF_PORTS && !with_ports)
			continue;
		key = key_of(f, kind);
		anomaly_counts_add(kind == SCAN_SLOW ? &s->answered_slow : &s->answered,
				   anomaly_hash_key(r, &key));
	}
}

static void scan_flow_end(struct anomaly_room *r, const struct anomaly_flow *f)
{
	struct scan_state *s = r->state;
	bool ports = f->proto == IP_PROTO_TCP || f->proto == IP_PROTO_UDP;

	anomaly_counts_turn(&s->answered, f->last.ns / anomaly_seconds(r, WINDOW));
	anomaly_counts_turn(&s->answered_slow, f->last.ns / (anomaly_seconds(r, SLOW_WINDOW) / 2));
	if (anomaly_is_group(&f->server) ||
	    (!ports && f->proto != IP_PROTO_ICMP && f->proto != IP_PROTO_ICMP6))
		return;
	if (!anomaly_is_unanswered(f)) {
		answered(r, f, ports);
		return;
	}
	if (ports) {
		probe(r, f, SCAN_OF_PORTS);
		probe_spread(r, f);
	}
	probe(r, f, SCAN_OF_HOSTS);
	probe_slow(r, f);
}

ANOMALY_DETECTOR(scan) = {
	.name = "scan",
	.events = "scan.hosts scan.ports scan.slow scan.distributed",
	.doc = "Many hosts on one port, many ports of one host, both slowly, or many ports by many "
	       "sources, which did not answer; the score is the share of unanswered contacts.",
	.settings = settings,
	.subject_bytes = sizeof(struct scan_subject),
	.state_bytes = sizeof(struct scan_state),
	.share = 30,
	.start = scan_start,
	.flow_end = scan_flow_end,
};
