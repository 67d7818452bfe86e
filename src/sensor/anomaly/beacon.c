/* SPDX-License-Identifier: Apache-2.0
 * Beacons: one client that calls one server by the clock.
 *
 * An observation is the start of a connection, a later transaction in a connection (HTTP), or, in a
 * TCP connection whose protocol is unknown, a burst of payload from the client, in whole seconds of
 * the flow's fingerprint. What follows less than a second after the last of its kind belongs to the
 * same burst, and a burst is one observation: however long it lasts, or a flood would be a beacon
 * of one second.
 *
 * The measure is the median absolute deviation of the intervals over their median, in thousandths:
 * robust against a missed or an extra call (Hampel 1974), and what RITA and other beacon hunters
 * score. Said from ten intervals on if it is below 150, so that jitter of up to about 15 % is seen.
 *
 * Score: 1000 - MAD / median in thousandths, so 850 to 1000.
 *
 * Not looked at: transfers (a response over 64 KiB is no "nothing to do yet"), group addresses, and
 * UDP services that are polled by design (table below). Honest monitoring over TCP looks the same
 * as a beacon and is reported: the score says how regular, not how bad. */
#include "sensor/anomaly/anomaly_priv.h"
#include "sensor/app/app.h"
#include "sensor/decode/decode.h"

enum {
	BEACON_TIMES = 32, /* observations kept of one subject */
	BEACON_INTERVALS_LEAST = 10,
	BEACON_SPREAD_MOST = 150, /* MAD / median, thousandths */
	BEACON_REPLY_MAX = 65536, /* bytes of a response */
};

struct beacon_subject {
	struct anomaly_subject subject;
	struct wall_ns times[BEACON_TIMES]; /* of bursts, ascending, at least a second apart */
	uint32_t count;
	struct wall_ns seen; /* the latest call, in a burst or at its head */
};

static const uint16_t polled_udp[] = {
	53,   /* DNS: anomaly_dns looks at it */
	67,   /* DHCP renewals */
	123,  /* NTP polls by definition */
	137,  /* NetBIOS names */
	138,  /* NetBIOS announcements */
	161,  /* SNMP polls */
	500,  /* IKE keep-alives */
	1900, /* SSDP */
	3478, /* STUN keep-alives */
	4500, /* IPsec NAT keep-alives */
	5060, /* SIP registrations */
	5353, /* mDNS */
	5355, /* LLMNR */
};

static bool worth_watching(const struct flow *f)
{
	const struct addr *a = &f->server;

	if (a->family == 6 ? a->b[0] == 0xff : (a->b[0] & 0xf0) == 0xe0 || a->b[0] == 255)
		return false;
	if (f->proto == IP_PROTO_TCP)
		return true;
	for (size_t i = 0; i < sizeof polled_udp / sizeof polled_udp[0]; i++)
		if (f->server_port == polled_udp[i])
			return false;
	return f->proto == IP_PROTO_UDP;
}

static void sort(int64_t *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		int64_t x = v[i];
		size_t at = i;

		for (; at > 0 && v[at - 1] > x; at--)
			v[at] = v[at - 1];
		v[at] = x;
	}
}

struct rhythm {
	int64_t median_ns, spread; /* spread: MAD / median in thousandths */
};

/* n times, n >= 2, ascending and at least a second apart. The lower median where n is even. */
static struct rhythm rhythm_of(const struct wall_ns *times, size_t n)
{
	int64_t v[BEACON_TIMES], median;
	size_t intervals = n - 1;

	for (size_t i = 0; i < intervals; i++)
		v[i] = times[i + 1].ns - times[i].ns;
	sort(v, intervals);
	median = v[(intervals - 1) / 2];
	for (size_t i = 0; i < intervals; i++)
		v[i] = v[i] < median ? median - v[i] : v[i] - median;
	sort(v, intervals);
	/* milliseconds first, so that the product fits: 2^63 / 10^6 x 1000 */
	return (struct rhythm){median, v[(intervals - 1) / 2] / TIME_NS_PER_MS * 1000 /
					       (median / TIME_NS_PER_MS)};
}

static void summary(struct anomaly_text *t, const struct flow *f, int64_t every_ns, size_t times)
{
	anomaly_text_addr(t, &f->client);
	anomaly_text_z(t, " contacted ");
	anomaly_text_peer(t, &f->server, f->server_port);
	anomaly_text_z(t, " every ");
	anomaly_text_seconds(t, every_ns);
	anomaly_text_z(t, " s, ");
	anomaly_text_number(t, times);
	anomaly_text_z(t, " times");
}

static void judge(struct anomaly_subject *subject, const struct wall_ns *times, size_t n,
		  const struct flow *f, const struct record_sink *out)
{
	struct anomaly_text text = {0};
	struct rhythm r;

	if (n <= BEACON_INTERVALS_LEAST)
		return;
	r = rhythm_of(times, n);
	if (r.spread >= BEACON_SPREAD_MOST || !anomaly_may_say(subject, times[n - 1]))
		return;
	summary(&text, f, r.median_ns, n);
	anomaly_say(out, f,
		    &(struct anomaly_finding){
			    .event = "beacon",
			    .summary = &text,
			    .score_milli = (uint64_t)(1000 - r.spread),
			    .observations = n,
			    .at = times[n - 1],
			    .first = times[0],
			    .last = times[n - 1],
			    .dport = f->server_port,
		    });
}

static struct beacon_subject *subject_of(struct anomaly_table *table, const struct flow *f)
{
	struct anomaly_key key = {
		.proto = f->proto, .port = f->server_port, .a = f->client, .b = f->server};

	return anomaly_subject_get(table, &key);
}

static void observe(struct anomaly_table *table, const struct flow *f, struct wall_ns at,
		    const struct record_sink *out)
{
	struct beacon_subject *s = subject_of(table, f);

	bool same = s->count != 0 && at.ns - TIME_NS_PER_S < s->seen.ns;

	if (at.ns > s->seen.ns)
		s->seen = at;
	if (same)
		return;
	if (s->count == BEACON_TIMES)
		memmove(s->times, s->times + 1, --s->count * sizeof s->times[0]);
	s->times[s->count++] = at;
	judge(&s->subject, s->times, s->count, f, out);
}

static void beacon_flow_new(struct anomaly_table *table, const struct flow *f,
			    const struct record_sink *out)
{
	if (worth_watching(f))
		observe(table, f, f->first, out);
}

/* The first transaction of a connection came with the connection, which was observed. */
static void beacon_logged(struct anomaly_table *table, const struct flow *f, const struct record *r,
			  const struct record_sink *out)
{
	if (r->kind == RECORD_HTTP && r->u.http.tx_id != 0 &&
	    r->u.http.length <= BEACON_REPLY_MAX && worth_watching(f))
		observe(table, f, r->at, out);
}

/* Seconds in which the client began to send, after one in which it did not: the first
 * BEACON_TIMES of them. */
static void beacon_flow_end(struct anomaly_table *table, const struct flow *f,
			    const struct record_sink *out)
{
	const struct flow_side *side = &f->side[FLOW_TO_SERVER];
	struct wall_ns times[BEACON_TIMES];
	size_t n = 0;

	if (f->proto != IP_PROTO_TCP || (f->app != NULL && f->app->protocol != NULL) ||
	    side->bins == NULL || !worth_watching(f))
		return;
	for (uint32_t i = 0; i < side->bin_count && n < BEACON_TIMES; i++)
		if (side->bins[i] != 0 && (i == 0 || side->bins[i - 1] == 0))
			times[n++] = (struct wall_ns){f->first.ns + (int64_t)i * TIME_NS_PER_S};
	judge(&subject_of(table, f)->subject, times, n, f, out);
}

ANOMALY_DETECTOR(beacon) = {
	.name = "beacon",
	.doc = "at least ten evenly spaced calls of one client to one server, the median absolute "
	       "deviation of their intervals below 15 % of the median; the score is 1000 minus "
	       "that share in thousandths",
	.subject_bytes = sizeof(struct beacon_subject),
	.flow_new = beacon_flow_new,
	.flow_end = beacon_flow_end,
	.logged = beacon_logged,
};
