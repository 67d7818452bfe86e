/* SPDX-License-Identifier: Apache-2.0
 *
 * 1. Every loop over input eats bytes: a set has at least its header, a template its number, a
 * record record_least bytes, which is not 0.
 * 2. A session's number is never used again, so that what belongs to one that made room (templates,
 *    sets that wait) is found by nobody.
 * 3. `expected` is the sequence number that the next message should have; not known after a message
 *    of which not all records could be counted. Some exporters (softflowd 1.1) number an IPFIX
 * message by the flows up to its end instead of the records before it: whichever fits is taken, and
 * where neither does, the one that fitted last (`behind`).
 */
#include "sensor/ipfix/ipfix_priv.h"
#include "sensor/ipfix/template.h"

#define TEMPLATE_LIFE_NS                                                                           \
	(2 * 60 * 60 * TIME_NS_PER_S) /* over UDP; routers say them each 30 minutes */
#define WAITING_LIFE_NS (10 * 60 * TIME_NS_PER_S)
#define ID_LIMIT (UINT64_C(1) << 53)

enum {
	GAP_MOST = 1 << 20, /* a larger one is another beginning */
	LATE_MOST = 4096,   /* records, or messages, that a datagram may be behind */
	SAMPLING_MOST = 1 << 24,
	ICMP = 1,
	ICMP6 = 58,
};

struct sampler {
	uint64_t id, rate;
};

struct session {
	struct ipfix_session told; /* heard, lost, ... */
	uint64_t number;
	bool reliable, is_expected, behind;
	uint32_t expected, number_before;
	int64_t exported_s;
	int64_t begin_ns; /* of the exporter's uptime; INT64_MIN: not told */
	struct sampler samplers[IPFIX_SAMPLERS_MAX];
	size_t sampler_count;
	uint32_t older, newer; /* by when it was heard; index + 1 */
};

/* A set whose template has not come yet. */
struct waiting {
	uint64_t session; /* number; 0: none */
	uint16_t id, version;
	struct ipfix_clock clock;
	struct wall_ns came;
	size_t len;
	uint8_t bytes[IPFIX_WAITING_BYTES];
};

struct ipfix_reader {
	struct ipfix_reader_sink sink;
	struct ipfix_reader_counters counters;
	struct ipfix_templates *templates;
	struct session sessions[IPFIX_SESSIONS_MAX];
	uint32_t session_count, oldest, newest;
	uint64_t numbers;
	struct waiting waiting[IPFIX_WAITING_MAX];
	uint32_t wait_next, wait_count;
	struct wall_ns now;
	struct ipfix_template parsed;
	struct ipfix_record record;
};

/* The message at hand. */
struct message {
	struct session *session;
	uint16_t version;
	struct ipfix_clock clock;
	uint32_t records;
	uint32_t options; /* of them: about the exporter */
	bool unknown;	  /* how many records there are */
	bool emptied; /* all templates of a kind were taken away once; more than that is for nothing
		       */
};

/* ---- sessions ---- */

static void order_remove(struct ipfix_reader *r, struct session *s)
{
	*(s->older != 0 ? &r->sessions[s->older - 1].newer : &r->oldest) = s->newer;
	*(s->newer != 0 ? &r->sessions[s->newer - 1].older : &r->newest) = s->older;
}

static void order_add(struct ipfix_reader *r, struct session *s)
{
	uint32_t link = (uint32_t)(s - r->sessions) + 1;

	s->newer = 0;
	s->older = r->newest;
	*(r->newest != 0 ? &r->sessions[r->newest - 1].newer : &r->oldest) = link;
	r->newest = link;
}

static bool session_is(const struct session *s, const struct ipfix_origin *from, uint16_t version,
		       uint32_t domain)
{
	return s->told.domain == domain && s->told.version == version &&
	       s->told.port == from->port && s->reliable == from->reliable &&
	       addr_equal(&s->told.exporter, &from->exporter);
}

static struct session *session_new(struct ipfix_reader *r)
{
	struct session *s;

	if (r->session_count < IPFIX_SESSIONS_MAX)
		return &r->sessions[r->session_count++];
	s = &r->sessions[r->oldest - 1];
	r->counters.forgotten++;
	if (r->sink.gone != NULL)
		r->sink.gone(r->sink.ctx, &s->told);
	order_remove(r, s);
	return s;
}

static struct session *session_get(struct ipfix_reader *r, const struct ipfix_origin *from,
				   uint16_t version, uint32_t domain)
{
	struct session *s = NULL;
	uint32_t i = r->newest;

	for (; i != 0 && !session_is(&r->sessions[i - 1], from, version, domain);)
		i = r->sessions[i - 1].older;
	if (i != 0) {
		s = &r->sessions[i - 1];
		order_remove(r, s);
	} else {
		s = session_new(r);
		*s = (struct session){.told = {.exporter = from->exporter,
					       .port = from->port,
					       .domain = domain,
					       .version = version},
				      .number = ++r->numbers,
				      .reliable = from->reliable,
				      .begin_ns = INT64_MIN};
	}
	order_add(r, s);
	s->told.messages++;
	s->told.heard = r->now;
	return s;
}

/* ---- sequence numbers ---- */

/* A message with `number`, which counts `n` of what it counts. */
static void sequence(struct ipfix_reader *r, struct message *m, uint32_t number, uint32_t n)
{
	struct session *s = m->session;
	int64_t exported_s = m->clock.export_ns / TIME_NS_PER_S;
	uint32_t ahead = number - s->expected, behind, also;

	also = number - s->number_before - (n - m->options);
	if (m->version == IPFIX_VERSION && ahead != 0 && (also == 0 || s->behind)) {
		s->behind = true;
		ahead = also;
	} else {
		s->behind = false;
	}
	behind = 0 - ahead;
	if (s->is_expected && ahead != 0 && ahead <= GAP_MOST) {
		s->told.lost += ahead;
		r->counters.lost += ahead;
	} else if (s->is_expected && ahead != 0) {
		if (behind <= LATE_MOST && exported_s <= s->exported_s) {
			/* it was overtaken, and counted as lost then */
			uint64_t found = n < s->told.lost ? n : s->told.lost;

			s->told.lost -= found;
			r->counters.lost -= found;
			return;
		}
		s->told.restarts++;
	}
	s->exported_s = exported_s;
	s->expected = number + n;
	s->number_before = number;
	s->is_expected = !m->unknown;
}

/* ---- what a record means ---- */

static uint64_t rate_of(const struct ipfix_record *x)
{
	uint64_t rate = 0;

	if (x->sampling_interval != 0)
		rate = x->sampling_interval;
	else if (x->chosen != 0 && x->left_out <= SAMPLING_MOST)
		rate = (x->chosen + x->left_out) / x->chosen;
	else if (x->sample != 0)
		rate = x->population / x->sample;
	return rate <= SAMPLING_MOST ? rate : 0;
}

/* The rate that the session told for such records; 1: none. */
static uint64_t rate_for(const struct session *s, const struct ipfix_record *x)
{
	uint64_t own = rate_of(x);

	if (own != 0)
		return own;
	for (size_t i = 0; i < s->sampler_count; i++)
		if (s->samplers[i].id == x->selector ||
		    (s->sampler_count == 1 && s->told.sampling == 0 && x->selector == 0))
			return s->samplers[i].rate;
	return s->told.sampling != 0 ? s->told.sampling : 1;
}

static void sampler_note(struct session *s, uint64_t id, uint64_t rate)
{
	size_t i = 0;

	while (i < s->sampler_count && s->samplers[i].id != id)
		i++;
	if (i == IPFIX_SAMPLERS_MAX)
		i = 0; /* who has more than that says them again */
	s->sampler_count += i == s->sampler_count;
	s->samplers[i] = (struct sampler){id, rate};
}

/* What is told of the exporter replaces what was, member by member. */
static void note_account(struct session *s, const struct ipfix_record *x)
{
	struct ipfix_account *a = &s->told.account;
	const struct ipfix_account *b = &x->account;
	uint64_t rate = rate_of(x);

	a->observed = b->observed != 0 ? b->observed : a->observed;
	a->ignored = b->ignored != 0 ? b->ignored : a->ignored;
	a->messages = b->messages != 0 ? b->messages : a->messages;
	a->octets = b->octets != 0 ? b->octets : a->octets;
	a->records = b->records != 0 ? b->records : a->records;
	a->not_sent = b->not_sent != 0 ? b->not_sent : a->not_sent;
	a->not_sent_packets = b->not_sent_packets != 0 ? b->not_sent_packets : a->not_sent_packets;
	a->not_sent_octets = b->not_sent_octets != 0 ? b->not_sent_octets : a->not_sent_octets;
	if (b->not_sent != 0) {
		a->lost_first = x->flow.side[0].first;
		a->lost_last = x->flow.side[0].last;
	}
	if (x->has_begin) {
		a->begin = b->begin;
		s->begin_ns = b->begin.ns;
	}
	if (rate != 0 && x->selector != 0)
		sampler_note(s, x->selector, rate);
	if (rate != 0)
		s->told.sampling = x->selector == 0 ? rate : s->told.sampling;
}

static uint64_t times(uint64_t v, uint64_t rate)
{
	uint64_t out;

	return __builtin_mul_overflow(v, rate, &out) ? UINT64_MAX : out;
}

static void side_finish(struct ipfix_side *s, int64_t export_ns, uint64_t rate)
{
	if (s->first.ns == 0)
		s->first.ns = s->last.ns != 0 ? s->last.ns : export_ns;
	if (s->last.ns < s->first.ns)
		s->last = s->first;
	if (s->packets == 0 && s->octets != 0)
		s->packets = 1; /* there was something to count octets of */
	s->packets = times(s->packets, rate);
	s->octets = times(s->octets, rate);
	s->frame_octets = times(s->frame_octets, rate);
}

static void icmp_finish(struct ipfix_record *x)
{
	struct ipfix_flow *f = &x->flow;

	if (f->proto != ICMP && f->proto != ICMP6)
		return;
	if (f->icmp == 0)
		f->icmp = (uint16_t)(x->icmp_type << 8 | x->icmp_code);
	if (f->icmp == 0)
		f->icmp = f->dport; /* where versions 5 and 9 have it */
	f->sport = f->dport = 0;
}

/* Says the flow of r->record, if it is about one. */
static void say_flow(struct ipfix_reader *r, const struct session *s,
		     const struct ipfix_clock *clock)
{
	struct ipfix_record *x = &r->record;
	struct ipfix_flow *f = &x->flow;
	uint64_t rate = rate_for(s, x);

	if (f->src.family == 0 || f->src.family != f->dst.family) {
		r->counters.others++;
		return;
	}
	for (unsigned d = 0; d < 2; d++) {
		struct ipfix_side *side = &f->side[d];

		if (side->packets == 0 && side->octets == 0) {
			side->packets = x->packets_total[d];
			side->octets = x->octets_total[d];
			side->frame_octets = x->frame_octets_total[d];
		}
		if (d == 1 && side->first.ns == 0) { /* times are of both */
			side->first = f->side[0].first;
			side->last = f->side[0].last;
		}
		side_finish(side, clock->export_ns, rate);
	}
	icmp_finish(x);
	f->sampling = rate;
	if (f->end > IPFIX_END_MEMORY)
		f->end = IPFIX_END_UNKNOWN;
	if (f->direction > IPFIX_DIRECTION_INITIATOR)
		f->direction = IPFIX_DIRECTION_ARBITRARY;
	if (f->id >= ID_LIMIT)
		f->id = 0;
	r->counters.flows++;
	r->sink.flow(r->sink.ctx, &s->told, f);
}

/* ---- records of a template ---- */

static void record_read(struct cursor *c, const struct ipfix_template *t, uint16_t version,
			const struct ipfix_clock *clock, struct ipfix_record *x)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct ipfix_template_field *f = &t->fields[i];
		size_t bytes = f->bytes;
		struct slice s;

		if (bytes == IPFIX_LENGTH_VARIES && version == IPFIX_VERSION) {
			bytes = cursor_u8(c);
			if (bytes == UINT8_MAX)
				bytes = cursor_be16(c);
		}
		s = cursor_take(c, bytes);
		if (!cursor_ok(c))
			return;
		if (f->element != IPFIX_NO_ELEMENT)
			ipfix_element_get(&ipfix_elements[f->element], f->other, s, clock, x);
	}
}

/* How many records the set has; *bad: of the last one not all is there. */
static uint32_t data_read(struct ipfix_reader *r, struct session *s, const struct ipfix_template *t,
			  uint16_t version, const struct ipfix_clock *clock, struct slice set,
			  bool *bad)
{
	struct cursor c = cursor_of(set);
	uint32_t n = 0;

	while (cursor_left(&c) >= t->record_least) { /* what is less is padding */
		r->record = (struct ipfix_record){0};
		record_read(&c, t, version, clock, &r->record);
		if (!cursor_ok(&c)) {
			*bad = true;
			break;
		}
		n++;
		if (t->options)
			note_account(s, &r->record);
		else
			say_flow(r, s, clock);
	}
	s->told.records += n;
	r->counters.records += n;
	return n;
}

/* ---- sets that wait ---- */

static void wait_add(struct ipfix_reader *r, const struct message *m, uint16_t id, struct slice set)
{
	struct waiting *w;

	if (set.len > IPFIX_WAITING_BYTES || set.len == 0) {
		r->counters.undecodable++;
		return;
	}
	w = &r->waiting[r->wait_next];
	r->wait_next = (r->wait_next + 1) % IPFIX_WAITING_MAX;
	if (w->session != 0)
		r->counters.undecodable++;
	else
		r->wait_count++;
	w->session = m->session->number;
	w->id = id;
	w->version = m->version;
	w->clock = m->clock;
	w->came = r->now;
	w->len = set.len;
	memcpy(w->bytes, set.ptr, set.len);
	r->counters.waiting++;
}

/* The template of r->parsed has come: what waited for it, the oldest first. */
static void wait_over(struct ipfix_reader *r, struct session *s)
{
	for (uint32_t i = 0; r->wait_count != 0 && i < IPFIX_WAITING_MAX; i++) {
		struct waiting *w = &r->waiting[(r->wait_next + i) % IPFIX_WAITING_MAX];
		bool bad = false;

		if (w->session != s->number || w->id != r->parsed.id)
			continue;
		w->session = 0;
		r->wait_count--;
		if (r->now.ns - w->came.ns > WAITING_LIFE_NS) {
			r->counters.undecodable++;
			continue;
		}
		(void)data_read(r, s, &r->parsed, w->version, &w->clock,
				(struct slice){w->bytes, w->len}, &bad);
		r->counters.malformed += bad;
	}
}

/* ---- sets ---- */

static void take_away(struct ipfix_reader *r, struct message *m, uint16_t id, bool options)
{
	bool all = id == (options ? IPFIX_SET_OPTIONS : IPFIX_SET_TEMPLATES);

	if (!m->session->reliable || (all && m->emptied) || (!all && id < IPFIX_SET_DATA))
		return;
	m->emptied |= all;
	ipfix_template_remove(r->templates, m->session->number, all ? 0 : id, options);
}

static bool templates_read(struct ipfix_reader *r, struct message *m, bool options,
			   struct slice set)
{
	struct cursor c = cursor_of(set);

	while (cursor_left(&c) >= 4) {
		enum status st = ipfix_template_parse(&c, m->version, options, &r->parsed);

		if (r->parsed.id == 0) /* padding behind the last one */
			return true;
		switch (st) {
		case ST_OK:
			r->counters.templates++;
			r->parsed.session = m->session->number;
			r->parsed.told = r->now;
			ipfix_template_put(r->templates, &r->parsed);
			wait_over(r, m->session);
			break;
		case ST_NOTFOUND:
			take_away(r, m, r->parsed.id, options);
			break;
		case ST_LIMIT:
			r->counters.templates_refused++;
			break;
		default:
			return false;
		}
	}
	return true;
}

static bool set_read(struct ipfix_reader *r, struct message *m, uint16_t id, struct slice set)
{
	struct session *s = m->session;
	const struct ipfix_template *t;
	bool bad = false;
	uint32_t n;

	if (id == (m->version == IPFIX_VERSION ? IPFIX_SET_TEMPLATES : 0))
		return templates_read(r, m, false, set);
	if (id == (m->version == IPFIX_VERSION ? IPFIX_SET_OPTIONS : 1))
		return templates_read(r, m, true, set);
	if (id < IPFIX_SET_DATA)
		return true; /* reserved */
	t = ipfix_template_find(r->templates, s->number, id);
	if (t != NULL && !s->reliable && r->now.ns - t->told.ns > TEMPLATE_LIFE_NS) {
		r->counters.templates_expired++;
		ipfix_template_remove(r->templates, s->number, id, false);
		t = NULL;
	}
	if (t == NULL) {
		m->unknown = true;
		wait_add(r, m, id, set);
		return true;
	}
	n = data_read(r, s, t, m->version, &m->clock, set, &bad);
	m->records += n;
	m->options += t->options ? n : 0;
	return !bad;
}

static void sets_read(struct ipfix_reader *r, struct message *m, struct cursor *c)
{
	while (cursor_left(c) >= 4) {
		uint16_t id = cursor_be16(c), bytes = cursor_be16(c);
		struct slice set =
			bytes >= 4 ? cursor_take(c, (size_t)(bytes - 4)) : (struct slice){NULL, 0};

		if (bytes < 4 || !cursor_ok(c) || !set_read(r, m, id, set)) {
			r->counters.malformed++;
			m->unknown = true;
			return;
		}
	}
}

/* ---- messages ---- */

static void read_v5(struct ipfix_reader *r, const struct ipfix_origin *from, struct cursor *c)
{
	struct message m = {.version = 5};
	struct ipfix_v5_head h;
	uint32_t n = 0;

	if (!ipfix_v5_head(c, &h)) {
		r->counters.malformed++;
		return;
	}
	m.clock = h.clock;
	m.session = session_get(r, from, m.version, h.domain);
	m.session->told.sampling = h.sampling;
	for (size_t i = 0; i < h.count; i++) {
		r->record = (struct ipfix_record){0};
		ipfix_v5_record(c, &h, &r->record.flow);
		if (!cursor_ok(c)) {
			r->counters.malformed++;
			break;
		}
		say_flow(r, m.session, &h.clock);
		n++;
	}
	m.session->told.records += n;
	r->counters.records += n;
	m.unknown = n != h.count;
	sequence(r, &m, h.sequence, n);
}

static void read_v9(struct ipfix_reader *r, const struct ipfix_origin *from, struct cursor *c)
{
	struct message m = {.version = 9};
	uint32_t uptime_ms, s, number, domain;

	(void)cursor_take(c, 4); /* version, and how many records: each set says that better */
	uptime_ms = cursor_be32(c);
	s = cursor_be32(c);
	number = cursor_be32(c);
	domain = cursor_be32(c);
	if (!cursor_ok(c)) {
		r->counters.malformed++;
		return;
	}
	m.clock.export_ns = (int64_t)s * TIME_NS_PER_S;
	m.clock.begin_ns = m.clock.export_ns - uptime_ms * TIME_NS_PER_MS;
	m.session = session_get(r, from, m.version, domain);
	sets_read(r, &m, c);
	m.unknown = false; /* numbers count messages */
	sequence(r, &m, number, 1);
}

static void read_v10(struct ipfix_reader *r, const struct ipfix_origin *from, struct cursor *c)
{
	struct message m = {.version = IPFIX_VERSION};
	uint32_t s, number, domain;
	uint16_t bytes;
	struct cursor sets;

	(void)cursor_be16(c); /* the version */
	bytes = cursor_be16(c);
	s = cursor_be32(c);
	number = cursor_be32(c);
	domain = cursor_be32(c);
	sets = cursor_sub(c, bytes < IPFIX_HEADER ? SIZE_MAX : (size_t)bytes - IPFIX_HEADER);
	if (!cursor_ok(c)) {
		r->counters.malformed++;
		return;
	}
	m.session = session_get(r, from, m.version, domain);
	m.clock.export_ns = (int64_t)s * TIME_NS_PER_S;
	m.clock.begin_ns = m.session->begin_ns;
	sets_read(r, &m, &sets);
	sequence(r, &m, number, m.records);
}

void ipfix_read(struct ipfix_reader *r, const struct ipfix_origin *from, struct slice message,
		struct wall_ns now)
{
	struct cursor c = cursor_of(message), ahead = c;

	if (now.ns > r->now.ns)
		r->now = now;
	r->counters.messages++;
	switch (cursor_be16(&ahead)) {
	case 5:
		read_v5(r, from, &c);
		break;
	case 9:
		read_v9(r, from, &c);
		break;
	case IPFIX_VERSION:
		read_v10(r, from, &c);
		break;
	default:
		r->counters.versions++;
		break;
	}
}

void ipfix_reader_end(struct ipfix_reader *r, const struct ipfix_origin *from)
{
	for (uint32_t i = 0; i < r->session_count; i++) {
		struct session *s = &r->sessions[i];

		if (!s->reliable || s->told.port != from->port ||
		    !addr_equal(&s->told.exporter, &from->exporter))
			continue;
		s->number = ++r->numbers; /* invariant 2 */
		s->is_expected = false;
	}
}

size_t ipfix_message_bytes(struct slice stream)
{
	struct cursor c = cursor_of(stream);
	uint16_t version = cursor_be16(&c), bytes = cursor_be16(&c);

	if (!cursor_ok(&c))
		return 0;
	if (version != IPFIX_VERSION || bytes < IPFIX_HEADER)
		return SIZE_MAX;
	return bytes <= stream.len ? bytes : 0;
}

struct wall_ns ipfix_message_time(struct slice message)
{
	struct cursor c = cursor_of(message);

	(void)cursor_be32(&c); /* version and length */
	return (struct wall_ns){(int64_t)cursor_be32(&c) * TIME_NS_PER_S};
}

const struct ipfix_reader_counters *ipfix_reader_counters(struct ipfix_reader *r)
{
	return &r->counters;
}

const struct ipfix_session *ipfix_reader_session(const struct ipfix_reader *r, size_t i)
{
	uint32_t at = r->newest;

	for (; at != 0 && i != 0; i--)
		at = r->sessions[at - 1].older;
	return at != 0 ? &r->sessions[at - 1].told : NULL;
}

struct ipfix_reader *ipfix_reader_new(struct ipfix_reader_sink sink, struct arena *a)
{
	struct ipfix_reader *r = ARENA_NEW(a, struct ipfix_reader);

	if (r == NULL)
		return NULL;
	r->sink = sink;
	r->templates = ipfix_templates_new(a);
	return r->templates != NULL ? r : NULL;
}
