/* SPDX-License-Identifier: Apache-2.0
 * Exfiltration by its shape: much goes out, little comes back.
 *
 *   exfiltration.upload   what one client sent one foreign server, of which half is forgotten every
 *                         six hours: 64 MiB or more, eight times what came back, and more than four
 *                         times what is usual between the two: the most of any half day before, of
 *                         which half is forgotten in a week. So a nightly backup is new once, and
 *                         after that as usual, until it is four times as large.
 *                         A flow of less than a 1024th begins no subject.
 *   exfiltration.icmp     bytes in echo requests beyond the 84 of ping (RFC 792; iputils, Windows:
 *                         60), both ways: 16 KiB and more. Tunnels over ICMP (ptunnel, icmptunnel)
 *                         carry TCP in them.
 *
 * Bytes are those of packets or flow records, counted when a flow ends: a transfer in one long flow
 * is seen at its end.
 *
 * Score: upload: 1000 x out / (out + 8 x back); icmp: share of bytes beyond ping's. */
#include "sensor/anomaly/anomaly_priv.h"
#include "sensor/anomaly/sketch_priv.h"
#include "sensor/decode/decode.h"

enum {
	EXFILTRATION_PARTS_MOST = 1024, /* flows of one size that an upload may come in */
	PING_BYTES = 98,		/* a frame of ping: 64 + 20 + 14 */
	ICMP_ECHO = 8,			/* RFC 792 */
	ICMP6_ECHO = 128		/* RFC 4443 4.1 */
};

enum { UPLOAD, RATIO, USUAL, HALF_LIFE, ICMP };

static const struct anomaly_setting settings[] = {
	[UPLOAD] = {"upload", 64 << 20, 65536, UINT64_C(1) << 50, "bytes",
		    "From one client to one foreign server, at least."},
	[RATIO] = {"ratio", 8, 1, 1000, "", "Times what came back, at least."},
	[USUAL] = {"usual", 4, 1, 1000, "", "Times what is usual between the two, at least."},
	[HALF_LIFE] = {"half-life", 21600, 60, 604800, "s",
		       "Half of what was sent is forgotten after so long."},
	[ICMP] = {"icmp", 16384, 512, UINT64_C(1) << 40, "bytes",
		  "In echo requests and replies, beyond those of ping, at least."},
	{0},
};

#define HALF_DAY_NS (12 * 3600 * TIME_NS_PER_S)
#define WEEK_NS (14 * HALF_DAY_NS)

enum exfiltration_kind { EXFILTRATION_UPLOAD, EXFILTRATION_ICMP };

struct exfiltration_subject {
	struct anomaly_subject subject;
	struct anomaly_decaying out, back;
	struct anomaly_decaying usual; /* of half days that are over */
	uint64_t lately;	       /* out, since lately_ns */
	int64_t lately_ns;	       /* the half day's begin; 0: none yet */
	uint64_t flows;
	struct wall_ns first, last;
};

static void note_usual(struct exfiltration_subject *s, uint64_t out, int64_t at_ns)
{
	if (s->lately_ns == 0)
		s->lately_ns = at_ns;
	if (at_ns - s->lately_ns >= HALF_DAY_NS) {
		if (s->lately > anomaly_decaying_get(&s->usual, at_ns, WEEK_NS))
			s->usual = (struct anomaly_decaying){s->lately, at_ns};
		s->lately = 0;
		s->lately_ns = at_ns;
	}
	s->lately += out;
}

static void seen(struct exfiltration_subject *s, const struct anomaly_flow *f)
{
	if (s->first.ns == 0 || f->first.ns < s->first.ns)
		s->first = f->first;
	if (f->last.ns > s->last.ns)
		s->last = f->last;
	s->flows++;
}

/* Begins anew what the text will say where nothing is left of what was. */
static void forget(struct exfiltration_subject *s, int64_t at_ns, int64_t half_ns)
{
	if (anomaly_decaying_get(&s->out, at_ns, half_ns) != 0)
		return;
	s->first = (struct wall_ns){0};
	s->flows = 0;
}

static void tell(struct anomaly_room *r, const struct exfiltration_subject *s,
		 const struct anomaly_flow *f, const struct anomaly_text *text,
		 struct anomaly_finding finding)
{
	finding.summary = text;
	finding.measure = "bytes";
	finding.window_ns = 2 * anomaly_seconds(r, HALF_LIFE);
	finding.observations = s->flows;
	finding.at = s->last;
	finding.first = s->first;
	finding.last = s->last;
	anomaly_say(r, f, &finding);
}

static void upload(struct anomaly_room *r, const struct anomaly_flow *f)
{
	struct anomaly_key key = {.kind = EXFILTRATION_UPLOAD, .a = f->client, .b = f->server};
	struct exfiltration_subject *s;
	int64_t half_ns = anomaly_seconds(r, HALF_LIFE), at_ns = f->last.ns;
	struct anomaly_text text = {0};
	uint64_t out, back, usual;

	/* What people do all day must not push out what is usual: who sends little begins nothing.
	 */
	if (f->side[FLOW_TO_SERVER].bytes < r->set[UPLOAD] / EXFILTRATION_PARTS_MOST &&
	    anomaly_subject_find(&r->table, &key) == NULL)
		return;
	s = anomaly_subject_get(&r->table, &key);
	forget(s, at_ns, half_ns);
	seen(s, f);
	anomaly_decaying_add(&s->out, f->side[FLOW_TO_SERVER].bytes, at_ns, half_ns);
	anomaly_decaying_add(&s->back, f->side[FLOW_TO_CLIENT].bytes, at_ns, half_ns);
	note_usual(s, f->side[FLOW_TO_SERVER].bytes, at_ns);
	out = anomaly_decaying_get(&s->out, at_ns, half_ns);
	back = anomaly_decaying_get(&s->back, at_ns, half_ns);
	if (out < r->set[UPLOAD] || out / r->set[RATIO] < back)
		return;
	usual = anomaly_decaying_get(&s->usual, at_ns, WEEK_NS);
	if (out / r->set[USUAL] < usual ||
	    !anomaly_may_say(&s->subject, s->last, ANOMALY_SILENCE_NS))
		return;
	anomaly_text_addr(&text, &f->client);
	anomaly_text_z(&text, " sent ");
	anomaly_text_number(&text, out);
	anomaly_text_z(&text, " bytes to ");
	anomaly_text_peer(&text, &f->server, f->server_port);
	anomaly_text_z(&text, " within ");
	anomaly_text_seconds(&text, s->last.ns - s->first.ns);
	anomaly_text_z(&text, " s and got ");
	anomaly_text_number(&text, back);
	anomaly_text_z(&text, " back; usual are ");
	anomaly_text_number(&text, usual);
	tell(r, s, f, &text,
	     (struct anomaly_finding){.event = "exfiltration.upload",
				      .measured = out,
				      .threshold = r->set[UPLOAD],
				      .score_milli =
					      1000 * (out >> 10) /
					      ((out >> 10) + r->set[RATIO] * (back >> 10) + 1),
				      .dport = f->server_port});
}

static uint64_t beyond_ping(const struct anomaly_side *s)
{
	return s->bytes > s->pkts * PING_BYTES ? s->bytes - s->pkts * PING_BYTES : 0;
}

static void icmp(struct anomaly_room *r, const struct anomaly_flow *f)
{
	struct anomaly_key key = {.kind = EXFILTRATION_ICMP, .a = f->client, .b = f->server};
	struct exfiltration_subject *s;
	int64_t half_ns = anomaly_seconds(r, HALF_LIFE), at_ns = f->last.ns;
	uint64_t beyond = beyond_ping(&f->side[0]) + beyond_ping(&f->side[1]), all;
	struct anomaly_text text = {0};

	if (beyond == 0)
		return;
	s = anomaly_subject_get(&r->table, &key);
	forget(s, at_ns, half_ns);
	seen(s, f);
	anomaly_decaying_add(&s->out, beyond, at_ns, half_ns);
	anomaly_decaying_add(&s->back, f->side[0].bytes + f->side[1].bytes, at_ns, half_ns);
	beyond = anomaly_decaying_get(&s->out, at_ns, half_ns);
	all = anomaly_decaying_get(&s->back, at_ns, half_ns);
	if (beyond < r->set[ICMP] || !anomaly_may_say(&s->subject, s->last, ANOMALY_SILENCE_NS))
		return;
	anomaly_text_z(&text, "echo requests of ");
	anomaly_text_addr(&text, &f->client);
	anomaly_text_z(&text, " to ");
	anomaly_text_addr(&text, &f->server);
	anomaly_text_z(&text, " and their replies carried ");
	anomaly_text_number(&text, beyond);
	anomaly_text_z(&text, " bytes more than ping's within ");
	anomaly_text_seconds(&text, s->last.ns - s->first.ns);
	anomaly_text_z(&text, " s");
	tell(r, s, f, &text,
	     (struct anomaly_finding){.event = "exfiltration.icmp",
				      .measured = beyond,
				      .threshold = r->set[ICMP],
				      .score_milli = 1000 * (beyond >> 4) / ((all >> 4) + 1)});
}

static void exfiltration_flow_end(struct anomaly_room *r, const struct anomaly_flow *f)
{
	if (anomaly_is_group(&f->server))
		return;
	if (f->proto == IP_PROTO_ICMP || f->proto == IP_PROTO_ICMP6) {
		/* a flow's first type; unreachable and the like quote what is not theirs */
		if (f->client_port == ICMP_ECHO || f->client_port == ICMP6_ECHO)
			icmp(r, f);
	} else if (f->side[FLOW_TO_CLIENT].pkts != 0 && anomaly_goes_out(r, f))
		upload(r, f); /* what nobody took is a flood, not a transfer */
}

ANOMALY_DETECTOR(exfiltration) = {
	.name = "exfiltration",
	.events = "exfiltration.upload exfiltration.icmp",
	.doc = "Much that goes out to one foreign server while little comes back, or that echo "
	       "requests carry; the score is the share of what went out, or beyond ping.",
	.settings = settings,
	.subject_bytes = sizeof(struct exfiltration_subject),
	.share = 10,
	.flow_end = exfiltration_flow_end,
};
