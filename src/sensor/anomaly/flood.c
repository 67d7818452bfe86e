/* SPDX-License-Identifier: Apache-2.0
 * Floods: more beginnings than a target can answer, from sources that are not who they say.
 *
 *   flood.spoofed      within ten seconds one host is sent the beginnings of 2,000 flows or more
 *                      that nobody goes on with, from 500 sources or more.
 *   flood.reflection   within ten seconds one host is sent "answers" that it did not ask for, by 50
 *                      or more servers of one service that is known to amplify: somebody asked in
 *                      its name (Rossow, Amplification Hell, NDSS 2014). DNS is not among them:
 *                      where only one direction is seen, a resolver's answers look the same.
 *
 * That sources are forged shows in where they lie (Moore, Voelker, Savage, Inferring Internet
 * Denial-of-Service Activity, 2001): addresses drawn at random cover the first octets evenly, and
 * fall into space where nobody is. Real clients do neither: where a service that many use is down,
 * their index of dispersion over first octets is many times 1. So one of these must hold: 20
 * thousandths or more of the sources lie in reserved space, or the index is 1.5 or less; else ten
 * times as many flows are needed, and the score is half.
 *
 * Targets are kept by Space-Saving (sketch_priv.h): whatever is scanned or flooded meanwhile, a
 * target that gets more than 1/256 of all beginnings has a slot. A window of a target that is new
 * in its slot counts from there.
 *
 * Score: 1000 x unanswered / begun, half of it without a sign of forgery. */
#include "sensor/anomaly/anomaly_priv.h"
#include "sensor/anomaly/sketch_priv.h"
#include "sensor/decode/decode.h"

enum {
	FLOOD_SLOTS = 256,
	FLOOD_RESERVED_LEAST = 20,    /* thousandths of sources */
	FLOOD_DISPERSION_MOST = 1500, /* thousandths */
	FLOOD_OCTETS_FIRST = 1,	      /* octets 1..223 without 10 and 127: 221 cells */
	FLOOD_OCTETS_LAST = 223,
	FLOOD_CELLS = 221,
	FLOOD_WITHOUT_SIGN = 10, /* times as many flows */
};

enum { FLOWS, SOURCES, ANSWERED, WINDOW, AMPLIFIERS };

static const struct anomaly_setting settings[] = {
	[FLOWS] = {"flows", 2000, 100, 1 << 30, "", "Begun to one host and not gone on with."},
	[SOURCES] = {"sources", 500, 10, 1 << 30, "", "They come from, at least."},
	[ANSWERED] = {"answered", 200, 0, 1000, "thousandths",
		      "Of the flows begun, those that went on, at most."},
	[WINDOW] = {"window", 10, 1, 3600, "s", "Within which they count."},
	[AMPLIFIERS] = {"amplifiers", 50, 5, 1 << 20, "",
			"Servers of one service that answered one host unasked."},
	{0},
};

enum flood_kind { FLOOD_SPOOFED, FLOOD_REFLECTION };

struct flood_target {
	struct anomaly_subject said; /* only when it was said */
	int64_t window;		     /* its number */
	uint64_t begun, went_on, reserved;
	struct wall_ns first, last;
	struct anomaly_distinct sources;
	uint16_t octets[256]; /* of IPv4 sources, saturating */
};

struct flood_state {
	struct anomaly_top top;
	struct flood_target *targets; /* by slot */
	int64_t window;
};

static bool flood_start(struct anomaly_room *r, struct arena *a)
{
	struct flood_state *s = r->state;
	size_t bytes = FLOOD_SLOTS * (sizeof *s->targets + sizeof *s->top.slots + 16);

	ASSERT(r->bytes > bytes);
	r->bytes -= bytes;
	s->targets = ARENA_ARRAY(a, struct flood_target, FLOOD_SLOTS);
	return s->targets != NULL && anomaly_top_init(&s->top, a, FLOOD_SLOTS);
}

/* Source ports of UDP services that answer much to little. */
static bool amplifies(const struct anomaly_flow *f)
{
	static const uint16_t ports[] = {17,  19,   69,	  111,	123,  137,   161,   389,
					 427, 1900, 3283, 3702, 5353, 10001, 11211, 27015};

	if (f->proto != IP_PROTO_UDP || f->server_port < 1024)
		return false;
	for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++)
		if (f->client_port == ports[i])
			return true;
	return false;
}

/* RFC 6890's space that is nobody's on the way from elsewhere; of IPv6 all but global unicast. */
static bool is_reserved(const struct addr *a)
{
	if (a->family == 6)
		return (a->b[0] & 0xe0) != 0x20;
	return a->b[0] == 0 || a->b[0] == 10 || a->b[0] == 127 || a->b[0] >= 224;
}

static uint64_t key_of(const struct anomaly_room *r, const struct anomaly_flow *f,
		       enum flood_kind kind)
{
	uint64_t more = (uint64_t)kind << 32 | (uint64_t)f->proto << 16;

	return anomaly_hash_addr(r, &f->server,
				 kind == FLOOD_REFLECTION ? more | f->client_port : more);
}

/* Keeps when it was said: the rest of the target begins anew. */
static void begin(struct flood_target *t, int64_t window, struct wall_ns at)
{
	struct anomaly_subject said = t->said;

	*t = (struct flood_target){.said = said, .window = window, .first = at, .last = at};
}

static struct flood_target *target_of(struct anomaly_room *r, const struct anomaly_flow *f,
				      enum flood_kind kind)
{
	struct flood_state *s = r->state;
	int64_t window = f->first.ns / anomaly_seconds(r, WINDOW);
	struct flood_target *t;
	bool fresh;

	if (window > s->window) {
		anomaly_top_halve(&s->top);
		s->window = window;
	}
	t = &s->targets[anomaly_top_add(&s->top, key_of(r, f, kind), 1, &fresh)];
	if (fresh)
		*t = (struct flood_target){0};
	if (fresh || window > t->window)
		begin(t, window, f->first);
	return t;
}

/* Of n sources over 221 first octets: sum (x - n/221)^2 / (n/221) / 220, in thousandths; sent
 * evenly it is 1000 with a deviation of 95. 0: too few of IPv4 to tell. */
static uint64_t dispersion(const struct flood_target *t)
{
	uint64_t n = 0, squares = 0;

	for (unsigned i = FLOOD_OCTETS_FIRST; i <= FLOOD_OCTETS_LAST; i++) {
		if (i == 10 || i == 127)
			continue;
		n += t->octets[i];
		squares += (uint64_t)t->octets[i] * t->octets[i];
	}
	if (n < FLOOD_CELLS)
		return 0;
	/* sum x^2 221 / n - n, over 220 */
	return (squares * FLOOD_CELLS * 1000 / n - n * 1000) / (FLOOD_CELLS - 1);
}

static bool shows_forgery(const struct flood_target *t)
{
	uint64_t d = dispersion(t);

	return t->reserved * 1000 >= t->begun * FLOOD_RESERVED_LEAST ||
	       (d != 0 && d <= FLOOD_DISPERSION_MOST);
}

static void say_spoofed(struct anomaly_room *r, const struct flood_target *t,
			const struct anomaly_flow *f, bool forged)
{
	struct anomaly_text text = {0};
	uint64_t open = t->begun - t->went_on, d = dispersion(t);

	anomaly_text_number(&text, open);
	anomaly_text_z(&text, " flows to ");
	anomaly_text_addr(&text, &f->server);
	anomaly_text_z(&text, " were begun and not gone on with within ");
	anomaly_text_seconds(&text, t->last.ns - t->first.ns);
	anomaly_text_z(&text, " s, from about ");
	anomaly_text_number(&text, anomaly_distinct_count(&t->sources));
	anomaly_text_z(&text, " sources, ");
	anomaly_text_number(&text, t->reserved);
	anomaly_text_z(&text, " flows from reserved space");
	if (d != 0) {
		anomaly_text_z(&text, "; dispersion over first octets ");
		anomaly_text_number(&text, d);
		anomaly_text_z(&text, " thousandths");
	}
	anomaly_say(r, f,
		    &(struct anomaly_finding){
			    .event = "flood.spoofed",
			    .summary = &text,
			    .measure = "flows",
			    .measured = open,
			    .threshold = r->set[FLOWS] * (forged ? 1 : FLOOD_WITHOUT_SIGN),
			    .window_ns = anomaly_seconds(r, WINDOW),
			    .score_milli = (forged ? 1000 : 500) * open / t->begun,
			    .observations = t->begun,
			    .at = t->last,
			    .first = t->first,
			    .last = t->last,
			    .dport = f->server_port,
		    });
}

static void say_reflection(struct anomaly_room *r, const struct flood_target *t,
			   const struct anomaly_flow *f, uint64_t sources)
{
	struct anomaly_text text = {0};

	anomaly_text_number(&text, sources);
	anomaly_text_z(&text, " servers at UDP port ");
	anomaly_text_port(&text, f->client_port);
	anomaly_text_z(&text, " answered ");
	anomaly_text_addr(&text, &f->server);
	anomaly_text_z(&text, ", which had not asked, within ");
	anomaly_text_seconds(&text, t->last.ns - t->first.ns);
	anomaly_text_z(&text, " s");
	anomaly_say(r, f,
		    &(struct anomaly_finding){
			    .event = "flood.reflection",
			    .summary = &text,
			    .measure = "servers",
			    .measured = sources,
			    .threshold = r->set[AMPLIFIERS],
			    .window_ns = anomaly_seconds(r, WINDOW),
			    .score_milli = 1000 * (t->begun - t->went_on) / t->begun,
			    .observations = t->begun,
			    .at = t->last,
			    .first = t->first,
			    .last = t->last,
			    .dport = f->server_port,
		    });
}

static bool few_went_on(const struct anomaly_room *r, const struct flood_target *t)
{
	return t->went_on * 1000 <= t->begun * r->set[ANSWERED];
}

static void flood_flow_new(struct anomaly_room *r, const struct anomaly_flow *f)
{
	enum flood_kind kind = amplifies(f) ? FLOOD_REFLECTION : FLOOD_SPOOFED;
	struct flood_target *t;
	uint64_t least = r->set[FLOWS];
	bool forged;

	if (anomaly_is_group(&f->server))
		return;
	t = target_of(r, f, kind);
	t->begun++;
	if (f->first.ns > t->last.ns)
		t->last = f->first;
	(void)anomaly_distinct_add(&t->sources, anomaly_hash_addr(r, &f->client, 0));
	if (is_reserved(&f->client))
		t->reserved++;
	if (f->client.family == 4 && t->octets[f->client.b[0]] != UINT16_MAX)
		t->octets[f->client.b[0]]++;
	if (!few_went_on(r, t))
		return;
	if (kind == FLOOD_REFLECTION) {
		uint64_t sources = anomaly_distinct_count(&t->sources);

		if (sources >= r->set[AMPLIFIERS] &&
		    anomaly_may_say(&t->said, f->first, ANOMALY_SILENCE_NS))
			say_reflection(r, t, f, sources);
		return;
	}
	if (t->begun - t->went_on < least || anomaly_distinct_count(&t->sources) < r->set[SOURCES])
		return;
	forged = shows_forgery(t);
	if ((forged || t->begun - t->went_on >= FLOOD_WITHOUT_SIGN * least) &&
	    anomaly_may_say(&t->said, f->first, ANOMALY_SILENCE_NS))
		say_spoofed(r, t, f, forged);
}

/* Of this window; a target that lost its slot is not brought back by an answer. */
static void flood_flow_answered(struct anomaly_room *r, const struct anomaly_flow *f)
{
	struct flood_state *s = r->state;
	uint32_t slot = anomaly_top_find(
		&s->top, key_of(r, f, amplifies(f) ? FLOOD_REFLECTION : FLOOD_SPOOFED));
	struct flood_target *t = slot != UINT32_MAX ? &s->targets[slot] : NULL;

	if (t != NULL && f->first.ns >= t->first.ns && t->went_on < t->begun)
		t->went_on++;
}

ANOMALY_DETECTOR(flood) = {
	.name = "flood",
	.events = "flood.spoofed flood.reflection",
	.doc = "Flows begun to one host by many sources and not gone on with, or answers that it "
	       "did "
	       "not ask for; the score is their share, half of it where nothing shows that sources "
	       "are forged.",
	.settings = settings,
	.subject_bytes = sizeof(struct anomaly_subject), /* it keeps none: slots */
	.state_bytes = sizeof(struct flood_state),
	.share = 5,
	.start = flood_start,
	.flow_new = flood_flow_new,
	.flow_answered = flood_flow_answered,
};
