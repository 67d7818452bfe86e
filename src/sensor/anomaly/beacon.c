/* SPDX-License-Identifier: Apache-2.0
 * Beacons: one client that calls one server by the clock.
 *
 * An observation is the start of a connection, a later transaction in a connection (HTTP), or, in a
 * TCP connection whose protocol is unknown, a burst of payload from the client, in whole seconds of
 * the flow's fingerprint. What follows less than a second after the last of its kind belongs to the
 * same burst, and a burst is one observation: however long it lasts, or a flood would be a beacon
 * of one second.
 *
 * The measure is s, the median absolute deviation of the intervals over their median m: robust
 * against missed and extra calls (Hampel 1974), and what RITA and other beacon hunters score. How
 * small it must be depends on how many intervals n there are, so that people are not called
 * beacons: of n intervals that come from anything no more regular than a memoryless source, half
 * or more lie within m (1 +- s) with probability at most
 *
 *	n P[Bin(n - 1, q) >= (n - 1) / 2],   q = (2 s / e) m / (m - 1 s)
 *
 * because x f(x) <= 1/e for the exponential density f whatever its rate, and for all that are more
 * bursty (Weibull of shape <= 1, log-normal of sigma >= 1.09); the second factor is the second in
 * which a burst swallows what follows. any of the n may be the median: a union bound.
 * q_most[] below is where that is 10^-6. So 11 calls must be within 1.3 % of one another, 32 within
 * 12 %, 64 within 24 %: jitter only delays being found.
 *
 * Score: 1000 - s in thousandths.
 *
 * Not looked at: calls to the home network (monitoring polls; anomaly.home), servers that many of
 * the clients call (updates, time, push services: `clients`), transfers (a response over 64 KiB is
 * no "nothing to do yet"), group addresses, and UDP services that are polled by design. What is
 * left and honest, a poll of a foreign server that nobody else talks to, looks the same as a beacon
 * and is reported: the score says how regular, not how bad; `anomaly.exempt` is for it. */
#include "sensor/anomaly/anomaly_priv.h"
#include "sensor/anomaly/sketch_priv.h"
#include "sensor/decode/decode.h"

enum {
	BEACON_TIMES = 64, /* observations kept of one subject */
	BEACON_TIMES_LEAST = 11,
	BEACON_REPLY_MAX = 65536, /* bytes of a response */
};

/* Who calls by the clock does so every day: once a day, then more seldom. */
#define BEACON_SILENCE_NS (24 * 3600 * TIME_NS_PER_S)

enum { INTERVALS, SPREAD, CLIENTS };

static const struct anomaly_setting settings[] = {
	[INTERVALS] = {"intervals", 12, BEACON_TIMES_LEAST - 1, BEACON_TIMES - 1, "",
		       "Between calls, at least; the fewer, the more even they must be."},
	[SPREAD] = {"spread", 250, 10, 400, "thousandths",
		    "Median absolute deviation of intervals over their median, at most, however "
		    "many there are."},
	[CLIENTS] = {"clients", 16, 2, 65535, "",
		     "A server that so many clients called within half a day to a day is common."},
	{0},
};

enum beacon_kind { BEACON_CALLS, BEACON_SERVER };

struct beacon_subject {
	struct anomaly_subject subject;
	union {
		struct {
			struct wall_ns
				times[BEACON_TIMES]; /* of bursts, ascending, a second apart */
			struct wall_ns seen; /* the latest call, in a burst or at its head */
			uint32_t count;
		} calls;
		struct {
			int64_t epoch;
			struct anomaly_distinct now, before;
		} server;
	} of;
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

/* [n - 10]: q in ten-thousandths for n intervals; beacon_test computes them again. */
static const uint16_t q_most[] = {53,	130,  113,  212,  189,	302,  274,  396,  363,	489,  454,
				  581,	543,  670,  630,  756,	715,  838,  796,  917,	874,  992,
				  949,	1064, 1021, 1132, 1089, 1198, 1154, 1260, 1217, 1319, 1277,
				  1376, 1334, 1431, 1389, 1483, 1441, 1533, 1492, 1581, 1540, 1627,
				  1587, 1671, 1631, 1713, 1675, 1754, 1716, 1794, 1756, 1832};

static bool worth_watching(const struct anomaly_room *r, const struct anomaly_flow *f)
{
	if (anomaly_is_group(&f->server) || !anomaly_goes_out(r, f))
		return false;
	if (f->proto == IP_PROTO_TCP)
		return true;
	for (size_t i = 0; i < sizeof polled_udp / sizeof polled_udp[0]; i++)
		if (f->server_port == polled_udp[i])
			return false;
	return f->proto == IP_PROTO_UDP;
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
	anomaly_sort(v, intervals);
	median = v[(intervals - 1) / 2];
	for (size_t i = 0; i < intervals; i++)
		v[i] = v[i] < median ? median - v[i] : v[i] - median;
	anomaly_sort(v, intervals);
	/* milliseconds first, so that the product fits: 2^63 / 10^6 x 1000 */
	return (struct rhythm){median, v[(intervals - 1) / 2] / TIME_NS_PER_MS * 1000 /
					       (median / TIME_NS_PER_MS)};
}

/* The spread, in thousandths, that so many intervals of that median may have; negative: none. Times
 * that were rounded to `grain` have half of it less. */
static int64_t spread_most(size_t intervals, int64_t median_ns, int64_t grain_ns)
{
	int64_t q = q_most[intervals - (BEACON_TIMES_LEAST - 1)];
	int64_t median_ms = median_ns / TIME_NS_PER_MS;
	/* q e / 2 (m - 1 s) / m: q is in ten-thousandths, e / 2 is 1359 thousandths */
	int64_t most = q * 1359 / 10000 * (median_ms - 1000) / median_ms;

	return most - grain_ns / TIME_NS_PER_MS * 500 / median_ms;
}

static void summary(struct anomaly_text *t, const struct anomaly_flow *f, int64_t every_ns,
		    size_t times)
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

static struct anomaly_key server_key(const struct anomaly_flow *f)
{
	return (struct anomaly_key){.kind = BEACON_SERVER, .a = f->server};
}

/* How many clients called the server lately, as far as is known. */
static uint64_t clients_of(struct anomaly_room *r, const struct anomaly_flow *f)
{
	struct anomaly_key key = server_key(f);
	const struct beacon_subject *s = anomaly_subject_find(&r->table, &key);
	struct anomaly_distinct both;

	if (s == NULL)
		return 0;
	both = s->of.server.now;
	anomaly_distinct_merge(&both, &s->of.server.before);
	return anomaly_distinct_count(&both);
}

static void note_client(struct anomaly_room *r, const struct anomaly_flow *f)
{
	static const int64_t half_day_ns = 12 * 3600 * TIME_NS_PER_S;
	struct anomaly_key key = server_key(f);
	struct beacon_subject *s = anomaly_subject_get(&r->table, &key);
	int64_t epoch = f->first.ns / half_day_ns;

	if (epoch > s->of.server.epoch) {
		s->of.server.before = epoch == s->of.server.epoch + 1
					      ? s->of.server.now
					      : (struct anomaly_distinct){0};
		s->of.server.now = (struct anomaly_distinct){0};
		s->of.server.epoch = epoch;
	}
	(void)anomaly_distinct_add(&s->of.server.now, anomaly_hash_addr(r, &f->client, 0));
}

struct beacon_times {
	const struct wall_ns *times;
	size_t n;
	int64_t grain_ns; /* they were rounded to */
};

static void judge(struct anomaly_room *r, struct anomaly_subject *subject, struct beacon_times b,
		  const struct anomaly_flow *f)
{
	struct anomaly_text text = {0};
	struct rhythm rhythm;
	int64_t most;

	if (b.n <= r->set[INTERVALS])
		return;
	rhythm = rhythm_of(b.times, b.n);
	most = spread_most(b.n - 1, rhythm.median_ns, b.grain_ns);
	if (most > (int64_t)r->set[SPREAD])
		most = (int64_t)r->set[SPREAD];
	if (rhythm.spread >= most || clients_of(r, f) >= r->set[CLIENTS] ||
	    !anomaly_may_say(subject, b.times[b.n - 1], BEACON_SILENCE_NS))
		return;
	summary(&text, f, rhythm.median_ns, b.n);
	anomaly_say(r, f,
		    &(struct anomaly_finding){
			    .event = "beacon",
			    .summary = &text,
			    .measure = "spread_milli",
			    .measured = (uint64_t)rhythm.spread,
			    .threshold = (uint64_t)most,
			    .window_ns = b.times[b.n - 1].ns - b.times[0].ns,
			    .score_milli = (uint64_t)(1000 - rhythm.spread),
			    .observations = b.n,
			    .at = b.times[b.n - 1],
			    .first = b.times[0],
			    .last = b.times[b.n - 1],
			    .dport = f->server_port,
		    });
}

static struct beacon_subject *subject_of(struct anomaly_room *r, const struct anomaly_flow *f)
{
	struct anomaly_key key = {.kind = BEACON_CALLS,
				  .proto = f->proto,
				  .port = f->server_port,
				  .a = f->client,
				  .b = f->server};

	return anomaly_subject_get(&r->table, &key);
}

static void observe(struct anomaly_room *r, const struct anomaly_flow *f, struct wall_ns at)
{
	struct beacon_subject *s = subject_of(r, f);
	struct wall_ns *times = s->of.calls.times;
	bool same = s->of.calls.count != 0 && at.ns - TIME_NS_PER_S < s->of.calls.seen.ns;

	if (at.ns > s->of.calls.seen.ns)
		s->of.calls.seen = at;
	if (same)
		return;
	if (s->of.calls.count == BEACON_TIMES)
		memmove(times, times + 1, --s->of.calls.count * sizeof times[0]);
	times[s->of.calls.count++] = at;
	judge(r, &s->subject, (struct beacon_times){times, s->of.calls.count, 0}, f);
}

static void beacon_flow_new(struct anomaly_room *r, const struct anomaly_flow *f)
{
	if (!worth_watching(r, f))
		return;
	note_client(r, f);
	observe(r, f, f->first);
}

/* The first transaction of a connection came with the connection, which was observed. */
static void beacon_logged(struct anomaly_room *r, const struct anomaly_flow *f,
			  const struct record *record)
{
	if (record->kind == RECORD_HTTP && record->u.http.tx_id != 0 &&
	    record->u.http.length <= BEACON_REPLY_MAX && worth_watching(r, f))
		observe(r, f, record->at);
}

/* Seconds in which the client began to send, after one in which it did not: the first
 * BEACON_TIMES of them. */
static void beacon_flow_end(struct anomaly_room *r, const struct anomaly_flow *f)
{
	const struct anomaly_side *side = &f->side[FLOW_TO_SERVER];
	struct wall_ns times[BEACON_TIMES];
	size_t n = 0;

	if (f->proto != IP_PROTO_TCP || f->app != NULL || side->bins == NULL ||
	    !worth_watching(r, f))
		return;
	for (uint32_t i = 0; i < side->bin_count && n < BEACON_TIMES; i++)
		if (side->bins[i] != 0 && (i == 0 || side->bins[i - 1] == 0))
			times[n++] = (struct wall_ns){f->first.ns + (int64_t)i * TIME_NS_PER_S};
	judge(r, &subject_of(r, f)->subject, (struct beacon_times){times, n, TIME_NS_PER_S}, f);
}

ANOMALY_DETECTOR(beacon) = {
	.name = "beacon",
	.events = "beacon",
	.doc = "Calls of one client to one foreign server, so even that chance alone would give "
	       "them "
	       "once in a million; the score is 1000 minus the median absolute deviation of their "
	       "intervals in thousandths of the median.",
	.settings = settings,
	.subject_bytes = sizeof(struct beacon_subject),
	.share = 25,
	.flow_new = beacon_flow_new,
	.flow_end = beacon_flow_end,
	.logged = beacon_logged,
};
