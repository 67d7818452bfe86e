/* SPDX-License-Identifier: Apache-2.0
 * Scans: one source, many targets that do not answer.
 *
 * A probe is a flow whose server never took part: a TCP session that was not accepted, or that was
 * accepted and at once reset without a byte of payload (half-open and connect scans); a UDP or ICMP
 * request without any packet back. Everything else is an answered contact.
 *
 * Thresholds: 25 hosts on one port, or 15 ports of one host, within five minutes: the defaults of
 * Zeek's policy/misc/scan.zeek (addr_scan_threshold, port_scan_threshold, *_interval). As in the
 * hypothesis test of Jung, Paxson, Berger and Balakrishnan (Fast Portscan Detection, IEEE S&P 2004)
 * it is the share of failures that tells a scanner from a busy client: fewer than half, and nothing
 * is said.
 *
 * Score: 1000 x probes / (probes + answered contacts) of the subject in the window. */
#include "sensor/anomaly/anomaly_priv.h"
#include "sensor/decode/decode.h"

enum { SCAN_HOSTS = 25, SCAN_PORTS = 15, SCAN_SCORE_LEAST = 500 };

#define SCAN_WINDOW_NS (5 * 60 * TIME_NS_PER_S)

enum scan_kind { SCAN_OF_HOSTS, SCAN_OF_PORTS };

struct scan_probe {
	uint64_t target; /* hash of the host, or the port */
	struct wall_ns at;
};

struct scan_subject {
	struct anomaly_subject subject;
	struct scan_probe probes[SCAN_HOSTS]; /* distinct targets */
	uint32_t count;
	struct wall_ns latest;
	int64_t epoch;	      /* number of the window that answered[0] counts */
	uint64_t answered[2]; /* contacts in this and the previous window */
};

static bool is_probe(const struct flow *f)
{
	const struct flow_side *client = &f->side[FLOW_TO_SERVER],
			       *server = &f->side[FLOW_TO_CLIENT];

	if (f->proto != IP_PROTO_TCP)
		return server->pkts == 0;
	if (client->bins != NULL || server->bins != NULL || !(client->tcp_flags & TCP_SYN))
		return false;
	return !(server->tcp_flags & TCP_SYN) || (client->tcp_flags & TCP_RST) != 0;
}

/* Group addresses answer nobody: not a target. */
static bool is_group(const struct addr *a)
{
	static const uint8_t everyone[] = {255, 255, 255, 255};

	return a->family == 6 ? a->b[0] == 0xff
			      : (a->b[0] & 0xf0) == 0xe0 || memcmp(a->b, everyone, 4) == 0;
}

static void forget_old(struct scan_subject *s)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < s->count; i++)
		if (s->latest.ns - s->probes[i].at.ns <= SCAN_WINDOW_NS)
			s->probes[kept++] = s->probes[i];
	s->count = kept;
}

/* Notes a probe; a full list loses its first, which is its oldest or was seen again. */
static void note(struct scan_subject *s, uint64_t target, struct wall_ns at)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->probes[i].target == target) {
			s->probes[i].at = at;
			return;
		}
	if (s->count == SCAN_HOSTS)
		memmove(s->probes, s->probes + 1, --s->count * sizeof s->probes[0]);
	s->probes[s->count++] = (struct scan_probe){target, at};
}

static void note_answered(struct scan_subject *s)
{
	int64_t epoch = s->latest.ns / SCAN_WINDOW_NS;

	if (epoch != s->epoch) {
		s->answered[1] = epoch == s->epoch + 1 ? s->answered[0] : 0;
		s->answered[0] = 0;
		s->epoch = epoch;
	}
}

static void summary(struct anomaly_text *t, const struct flow *f, enum scan_kind kind,
		    const struct scan_subject *s, int64_t took_ns)
{
	anomaly_text_addr(t, &f->client);
	anomaly_text_z(t, " tried ");
	anomaly_text_number(t, s->count);
	if (kind == SCAN_OF_PORTS) {
		anomaly_text_z(t, " ports of ");
		anomaly_text_addr(t, &f->server);
	} else if (f->proto == IP_PROTO_TCP || f->proto == IP_PROTO_UDP) {
		anomaly_text_z(t, f->proto == IP_PROTO_TCP ? " hosts on TCP port "
							   : " hosts on UDP port ");
		anomaly_text_port(t, f->server_port);
	} else {
		anomaly_text_z(t, " hosts with echo requests");
	}
	anomaly_text_z(t, " within ");
	anomaly_text_seconds(t, took_ns);
	anomaly_text_z(t, " s; none of them would talk");
}

static void say(struct scan_subject *s, const struct flow *f, enum scan_kind kind, uint64_t score,
		const struct record_sink *out)
{
	struct anomaly_text text = {0};
	struct wall_ns first = s->latest;

	for (uint32_t i = 0; i < s->count; i++)
		if (s->probes[i].at.ns < first.ns)
			first = s->probes[i].at;
	summary(&text, f, kind, s, s->latest.ns - first.ns);
	anomaly_say(out, f,
		    &(struct anomaly_finding){
			    .event = kind == SCAN_OF_PORTS ? "scan.ports" : "scan.hosts",
			    .summary = &text,
			    .score_milli = score,
			    .observations = s->count,
			    .at = f->last,
			    .first = first,
			    .last = s->latest,
			    .dport = kind == SCAN_OF_PORTS ? 0 : f->server_port,
		    });
}

static void contact(struct anomaly_table *table, const struct flow *f, enum scan_kind kind,
		    const struct record_sink *out)
{
	struct anomaly_key key = {.kind = (uint8_t)kind, .proto = f->proto, .a = f->client};
	struct scan_subject *s;
	uint64_t answered, score;

	if (kind == SCAN_OF_PORTS)
		key.b = f->server;
	else if (f->proto == IP_PROTO_TCP || f->proto == IP_PROTO_UDP)
		key.port = f->server_port;
	s = anomaly_subject_get(table, &key);
	if (f->first.ns > s->latest.ns)
		s->latest = f->first;
	forget_old(s);
	note_answered(s);
	if (!is_probe(f)) {
		s->answered[0]++;
		return;
	}
	if (s->latest.ns - f->first.ns > SCAN_WINDOW_NS)
		return;
	note(s,
	     kind == SCAN_OF_PORTS
		     ? f->server_port
		     : anomaly_hash((struct slice){f->server.b, sizeof f->server.b}, 0),
	     f->first);
	answered = s->answered[0] + s->answered[1];
	score = UINT64_C(1000) * s->count / (s->count + answered);
	if (s->count >= (kind == SCAN_OF_PORTS ? SCAN_PORTS : SCAN_HOSTS) &&
	    score >= SCAN_SCORE_LEAST && anomaly_may_say(&s->subject, s->latest))
		say(s, f, kind, score, out);
}

static void scan_flow_end(struct anomaly_table *table, const struct flow *f,
			  const struct record_sink *out)
{
	if (is_group(&f->server))
		return;
	if (f->proto == IP_PROTO_TCP || f->proto == IP_PROTO_UDP)
		contact(table, f, SCAN_OF_PORTS, out);
	if (f->proto == IP_PROTO_TCP || f->proto == IP_PROTO_UDP || f->proto == IP_PROTO_ICMP ||
	    f->proto == IP_PROTO_ICMP6)
		contact(table, f, SCAN_OF_HOSTS, out);
}

ANOMALY_DETECTOR(scan) = {
	.name = "scan",
	.doc = "25 hosts on one port, or 15 ports of one host, that did not answer within five "
	       "minutes; the score is the share of unanswered contacts",
	.subject_bytes = sizeof(struct scan_subject),
	.flow_end = scan_flow_end,
};
