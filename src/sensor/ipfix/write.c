/* SPDX-License-Identifier: Apache-2.0
 *
 * 1. A message holds at least one record, or templates, and never more than message_max bytes: what
 *    is added is made beside it first, and it is put when that does not fit.
 * 2. Templates come before the first record that needs them, in the same session.
 * 3. The sequence number counts records that were put, options data among them (RFC 7011 3.1).
 */
#include "sensor/ipfix/ipfix_priv.h"

enum {
	RECORD_MAX = 320, /* bytes of the longest record; a test measures it */
	SET_HEADER = 4,
};

/* The templates: of flows by family, with one direction or both, and two of options. */
enum { FLOW_V4, FLOW_V4_BOTH, FLOW_V6, FLOW_V6_BOTH, ACCOUNT, LOSSES };

enum { V4 = 1 << 0, V6 = 1 << 1, MILLI = 1 << 2, NANO = 1 << 3, BACK = 1 << 4 };

struct field {
	uint16_t id, bytes;
	uint8_t when; /* bits: of which templates; BACK: once more for the other direction */
};

/* In this order in a record; those with BACK then come again. Times are of the flow, both
 * directions together: collectors take reverse times for the flow's. */
static const struct field flow_fields[] = {
	{8, 4, V4},
	{12, 4, V4},
	{27, 16, V6},
	{28, 16, V6},
	{7, 2, V4 | V6},
	{11, 2, V4 | V6},
	{4, 1, V4 | V6},
	{136, 1, V4 | V6},
	{239, 1, V4 | V6},
	{58, 2, V4 | V6},
	{245, 2, V4 | V6},
	{32, 2, V4},
	{139, 2, V6},
	{148, 8, V4 | V6},
	{152, 8, V4 | V6 | MILLI},
	{153, 8, V4 | V6 | MILLI},
	{156, 8, V4 | V6 | NANO},
	{157, 8, V4 | V6 | NANO},
	{2, 8, V4 | V6 | BACK},
	{1, 8, V4 | V6 | BACK},
	{352, 8, V4 | V6 | BACK},
	{6, 1, V4 | V6 | BACK}, /* reduced from 2, as RFC 7125 allows */
	{52, 1, V4 | V6 | BACK},
	{53, 1, V4 | V6 | BACK},
	{96, IPFIX_LENGTH_VARIES, V4 | V6},
};

/* Options: the first field is the scope. RFC 7011 4.1 and 4.3. */
static const struct field account_fields[] = {{149, 4, 0}, {160, 8, 0}, {163, 8, 0}, {164, 8, 0},
					      {42, 8, 0},  {41, 8, 0},	{40, 8, 0}};
static const struct field losses_fields[] = {{144, 4, 0}, {166, 8, 0}, {167, 8, 0},
					     {168, 8, 0}, {152, 8, 0}, {153, 8, 0}};

struct ipfix_writer {
	struct ipfix_writer_options o;
	struct ipfix_writer_sink sink;
	struct buf message, piece; /* as long as they can get: they never grow */
	struct ipfix_record record;
	struct ipfix_load load;
	size_t set_at;	  /* of the set that is open; 0: none */
	uint16_t set_id;  /* its */
	uint32_t records; /* in the message */
	uint32_t sequence;
	bool templates_due;
	struct wall_ns templates_said;
	uint32_t messages_since;
	uint64_t messages, octets, records_put;
};

/* ---- messages ---- */

static void message_begin(struct ipfix_writer *w)
{
	w->message.len = 0;
	for (unsigned i = 0; i < IPFIX_HEADER; i++)
		buf_add_byte(&w->message, 0);
	w->set_at = 0;
	w->records = 0;
	w->load = (struct ipfix_load){0};
}

static void set16(struct buf *b, size_t at, uint16_t v)
{
	b->ptr[at] = (uint8_t)(v >> 8);
	b->ptr[at + 1] = (uint8_t)v;
}

static void set32(struct buf *b, size_t at, uint32_t v)
{
	set16(b, at, (uint16_t)(v >> 16));
	set16(b, at + 2, (uint16_t)v);
}

static void set_close(struct ipfix_writer *w)
{
	if (w->set_at != 0)
		set16(&w->message, w->set_at + 2, (uint16_t)(w->message.len - w->set_at));
	w->set_at = 0;
}

static void message_put(struct ipfix_writer *w, struct wall_ns now)
{
	if (w->message.len == IPFIX_HEADER)
		return;
	set_close(w);
	set16(&w->message, 0, IPFIX_VERSION);
	set16(&w->message, 2, (uint16_t)w->message.len); /* at most IPFIX_MESSAGE_MAX */
	set32(&w->message, 4, (uint32_t)(now.ns / TIME_NS_PER_S));
	set32(&w->message, 8, w->sequence);
	set32(&w->message, 12, w->o.domain);
	if (w->sink.put(w->sink.ctx, buf_slice(&w->message), &w->load)) {
		w->sequence += w->records;
		w->records_put += w->records;
		w->messages++;
		w->octets += w->message.len;
		w->messages_since++;
	} else {
		w->templates_due = true; /* they may have been in it: invariant 2 */
	}
	message_begin(w);
}

/* Adds what `piece` holds to a set of that id. */
static void piece_add(struct ipfix_writer *w, uint16_t set, struct wall_ns now)
{
	bool fresh = w->set_at == 0 || w->set_id != set;
	size_t need = w->piece.len + (fresh ? SET_HEADER : 0);

	ASSERT(!w->piece.full && w->piece.len <= RECORD_MAX);
	if (w->message.len + need > w->o.message_max) {
		message_put(w, now);
		fresh = true;
	}
	if (fresh) {
		set_close(w);
		w->set_at = w->message.len;
		w->set_id = set;
		for (unsigned i = 0; i < SET_HEADER; i++)
			buf_add_byte(&w->message, 0);
		set16(&w->message, w->set_at, set);
	}
	buf_add(&w->message, buf_slice(&w->piece));
	ASSERT(!w->message.full);
	w->piece.len = 0;
}

/* ---- templates ---- */

static void add16(struct buf *b, uint16_t v)
{
	buf_add_byte(b, (uint8_t)(v >> 8));
	buf_add_byte(b, (uint8_t)v);
}

static void add_specifier(struct buf *b, const struct field *f, bool back)
{
	add16(b, (uint16_t)(f->id | (back ? IPFIX_ENTERPRISE : 0)));
	add16(b, f->bytes);
	if (back) {
		add16(b, 0);
		add16(b, IPFIX_REVERSE);
	}
}

static bool field_is_of(const struct ipfix_writer *w, const struct field *f, unsigned template)
{
	unsigned family = template == FLOW_V4 || template == FLOW_V4_BOTH ? V4 : V6;
	unsigned times = w->o.nanoseconds ? NANO : MILLI;

	return (f->when & family) != 0 &&
	       ((f->when & (MILLI | NANO)) == 0 || (f->when & times) != 0);
}

/* Calls `each` for the fields of a template of flows, in their order. */
static size_t flow_walk(const struct ipfix_writer *w, unsigned template,
			void (*each)(struct buf *b, const struct field *f, bool back,
				     const struct ipfix_record *r),
			struct buf *b, const struct ipfix_record *r)
{
	bool both = template == FLOW_V4_BOTH || template == FLOW_V6_BOTH;
	size_t n = 0;

	for (unsigned back = 0; back <= both; back++)
		for (size_t i = 0; i < sizeof flow_fields / sizeof flow_fields[0]; i++) {
			const struct field *f = &flow_fields[i];

			if (!field_is_of(w, f, template) || (back && (f->when & BACK) == 0))
				continue;
			each(b, f, back != 0, r);
			n++;
		}
	return n;
}

static void each_specifier(struct buf *b, const struct field *f, bool back,
			   const struct ipfix_record *r)
{
	(void)r; /* a template is the same for all */
	add_specifier(b, f, back);
}

static void each_value(struct buf *b, const struct field *f, bool back,
		       const struct ipfix_record *r)
{
	ipfix_element_put(&ipfix_elements[ipfix_element_find(f->id)], back, f->bytes, r, b);
}

static void flow_template_add(struct ipfix_writer *w, unsigned template, struct wall_ns now)
{
	add16(&w->piece, (uint16_t)(IPFIX_SET_DATA + template));
	add16(&w->piece, 0);
	set16(&w->piece, 2, (uint16_t)flow_walk(w, template, each_specifier, &w->piece, NULL));
	piece_add(w, IPFIX_SET_TEMPLATES, now);
}

static void options_template_add(struct ipfix_writer *w, unsigned template,
				 const struct field *fields, size_t n, struct wall_ns now)
{
	add16(&w->piece, (uint16_t)(IPFIX_SET_DATA + template));
	add16(&w->piece, (uint16_t)n);
	add16(&w->piece, 1);
	for (size_t i = 0; i < n; i++)
		add_specifier(&w->piece, &fields[i], false);
	piece_add(w, IPFIX_SET_OPTIONS, now);
}

static bool templates_old(const struct ipfix_writer *w, struct wall_ns now)
{
	int64_t age = now.ns - w->templates_said.ns;

	return w->templates_due ||
	       (w->o.template_ns != 0 && (age >= w->o.template_ns || age < 0)) ||
	       (w->o.template_messages != 0 && w->messages_since >= w->o.template_messages);
}

static void templates_add(struct ipfix_writer *w, struct wall_ns now)
{
	if (!templates_old(w, now))
		return;
	w->templates_due = false;
	w->templates_said = now;
	w->messages_since = 0;
	for (unsigned t = FLOW_V4; t <= FLOW_V6_BOTH; t++)
		if (!w->o.one_way || t == FLOW_V4 || t == FLOW_V6)
			flow_template_add(w, t, now);
	options_template_add(w, ACCOUNT, account_fields,
			     sizeof account_fields / sizeof account_fields[0], now);
	options_template_add(w, LOSSES, losses_fields,
			     sizeof losses_fields / sizeof losses_fields[0], now);
}

/* ---- records ---- */

static void data_add(struct ipfix_writer *w, unsigned template, struct wall_ns now)
{
	piece_add(w, (uint16_t)(IPFIX_SET_DATA + template), now);
	w->records++;
}

static void note_time(struct ipfix_load *l, struct wall_ns first, struct wall_ns last)
{
	if (first.ns != 0 && (l->first.ns == 0 || first.ns < l->first.ns))
		l->first = first;
	if (last.ns > l->last.ns)
		l->last = last;
}

/* side[0] gets the times of both. */
static void times_join(struct ipfix_flow *f)
{
	struct ipfix_side *a = &f->side[0];
	const struct ipfix_side *b = &f->side[1];

	if (a->packets == 0 || b->first.ns < a->first.ns)
		a->first = b->first;
	if (b->last.ns > a->last.ns)
		a->last = b->last;
}

static void flow_add(struct ipfix_writer *w, bool both, struct wall_ns now)
{
	struct ipfix_flow *f = &w->record.flow;
	unsigned template = f->src.family == 4 ? both ? FLOW_V4_BOTH : FLOW_V4
			    : both	       ? FLOW_V6_BOTH
					       : FLOW_V6;

	if (both)
		times_join(f);
	templates_add(w, now);
	(void)flow_walk(w, template, each_value, &w->piece, &w->record);
	data_add(w, template, now);
	w->load.flows++;
	for (unsigned d = 0; d <= both; d++) {
		w->load.packets += f->side[d].packets;
		w->load.octets += f->side[d].octets;
	}
	note_time(&w->load, f->side[0].first, f->side[0].last);
}

void ipfix_flow_swap(struct ipfix_flow *f)
{
	struct ipfix_side side = f->side[0];
	struct addr a = f->src;
	uint16_t port = f->sport;

	f->src = f->dst;
	f->dst = a;
	f->sport = f->dport;
	f->dport = port;
	f->side[0] = f->side[1];
	f->side[1] = side;
}

void ipfix_writer_flow(struct ipfix_writer *w, const struct ipfix_flow *f, struct wall_ns now)
{
	bool there = f->side[0].packets != 0, back = f->side[1].packets != 0;

	if (f->src.family != f->dst.family || (f->src.family != 4 && f->src.family != 6))
		return; /* no record can say it */
	w->record = (struct ipfix_record){.flow = *f};
	if (!w->o.one_way) {
		flow_add(w, back, now);
		return;
	}
	if (there || !back)
		flow_add(w, false, now);
	if (back) { /* the other direction by itself */
		ipfix_flow_swap(&w->record.flow);
		w->record.flow.direction = IPFIX_DIRECTION_ARBITRARY;
		flow_add(w, false, now);
	}
}

/* The scope is the domain, or the one exporting process that there is; both are written as the
 * domain's number. */
static void options_add(struct ipfix_writer *w, unsigned template, const struct field *fields,
			size_t n, struct wall_ns now)
{
	add16(&w->piece, (uint16_t)(w->o.domain >> 16));
	add16(&w->piece, (uint16_t)w->o.domain);
	for (size_t i = 1; i < n; i++)
		each_value(&w->piece, &fields[i], false, &w->record);
	data_add(w, template, now);
}

void ipfix_writer_account(struct ipfix_writer *w, const struct ipfix_account *c, struct wall_ns now)
{
	templates_add(w, now);
	w->record = (struct ipfix_record){.account = *c};
	w->record.flow.side[0].first = c->lost_first;
	w->record.flow.side[0].last = c->lost_last;
	options_add(w, ACCOUNT, account_fields, sizeof account_fields / sizeof account_fields[0],
		    now);
	options_add(w, LOSSES, losses_fields, sizeof losses_fields / sizeof losses_fields[0], now);
}

void ipfix_writer_flush(struct ipfix_writer *w, struct wall_ns now)
{
	message_put(w, now);
}

void ipfix_writer_restart(struct ipfix_writer *w, struct ipfix_load *lost)
{
	*lost = w->load;
	message_begin(w);
	w->sequence = 0;
	w->templates_due = true;
}

void ipfix_writer_count(const struct ipfix_writer *w, struct ipfix_account *c)
{
	c->messages = w->messages;
	c->octets = w->octets;
	c->records = w->records_put;
}

struct ipfix_writer *ipfix_writer_new(const struct ipfix_writer_options *o,
				      struct ipfix_writer_sink sink, struct arena *a)
{
	struct ipfix_writer *w = ARENA_NEW(a, struct ipfix_writer);

	if (w == NULL)
		return NULL;
	w->o = *o;
	if (w->o.message_max < IPFIX_MESSAGE_LEAST)
		w->o.message_max = IPFIX_MESSAGE_LEAST;
	if (w->o.message_max > IPFIX_MESSAGE_MAX)
		w->o.message_max = IPFIX_MESSAGE_MAX;
	w->sink = sink;
	w->message = buf_in(a);
	w->piece = buf_in(a);
	if (buf_reserve(&w->message, w->o.message_max) == NULL ||
	    buf_reserve(&w->piece, RECORD_MAX) == NULL)
		return NULL;
	w->templates_due = true;
	message_begin(w);
	return w;
}
