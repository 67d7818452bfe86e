/* SPDX-License-Identifier: Apache-2.0
 *
 * DNS: RFC 1035 4.1 (messages), 4.2.2 (two bytes of length on TCP), RFC 6891 (EDNS: an OPT record
 * and more bits of rcode), RFC 2136 (updates have the same form).
 *
 * Each message is a transaction of its own, complete as soon as it is read, as in Suricata 8: a
 * query is seen even if nobody answers, an answer even if nobody asked. What is wrong with a
 * message is an anomaly; what could be read of it before is kept.
 */
#include "sensor/app/dns_priv.h"

enum {
	HEADER_BYTES = 12,
	QUESTION_LEAST = 5, /* bytes of the shortest question: root, type, class */
	RECORD_LEAST = 11,  /* bytes of the shortest record: and ttl, length */
	QUESTIONS_KEPT = 64,
	OPCODE_MAX = 6, /* 7 and more are not assigned: IANA */
	TYPE_OPT = 41,
};

enum { FRAME_PDU }; /* a message, without TCP's length */

enum { FLAG_QR = 0x8000, FLAG_TC = 0x0200, FLAG_Z = 0x0040 };

struct header {
	uint16_t id, flags, count[4]; /* questions, answers, authorities, additionals */
};

struct question {
	struct slice name;
	uint16_t type;
};

struct dns {
	struct header h;
	enum app_dir dir;
	uint16_t rcode; /* with EDNS's bits */
	struct question *questions;
	size_t question_count, question_room;
	struct record_dns_answer *answers;
	size_t answer_count, answer_room;
	struct slice *more_names; /* authorities' and additionals' owners */
	size_t more_count, more_room;
	/* for rules */
	uint64_t opcode, header_rcode;
	uint64_t *types;
	size_t type_count, type_room;
};

static struct header read_header(struct cursor *c)
{
	struct header h = {0};

	h.id = cursor_be16(c);
	h.flags = cursor_be16(c);
	for (int i = 0; i < 4; i++)
		h.count[i] = cursor_be16(c);
	return h;
}

static bool read_question(struct cursor *c, struct slice message, struct app_tx *tx)
{
	struct dns *d = tx->data;
	struct question q = {0};

	q.name = app_dns_name(c, message, tx);
	q.type = cursor_be16(c);
	(void)cursor_be16(c); /* class */
	if (!cursor_ok(c))
		return false;
	if (d->question_count < QUESTIONS_KEPT)
		(void)ARENA_PUSH(&tx->arena, d->questions, d->question_count, d->question_room, q);
	if (d->type_count < QUESTIONS_KEPT)
		(void)ARENA_PUSH(&tx->arena, d->types, d->type_count, d->type_room,
				 (uint64_t)q.type);
	return true;
}

static bool read_record(struct cursor *c, struct slice message, struct app_tx *tx, int section)
{
	struct dns *d = tx->data;
	struct slice name = app_dns_name(c, message, tx), rdata;
	uint16_t type = cursor_be16(c);
	uint32_t ttl;

	(void)cursor_be16(c); /* class */
	ttl = cursor_be32(c);
	rdata = cursor_take(c, cursor_be16(c));
	if (!cursor_ok(c))
		return false;
	if (type == TYPE_OPT && section == 3)
		d->rcode = (uint16_t)(d->rcode | ttl >> 24 << 4);
	if (section == 1 && d->answer_count < RECORD_ANSWERS_MAX) {
		struct record_dns_answer a = {
			.rrname = name,
			.rrtype = app_dns_type(type, &tx->arena),
			.rdata = app_dns_rdata(type, rdata, message, tx),
			.ttl = ttl,
		};

		(void)ARENA_PUSH(&tx->arena, d->answers, d->answer_count, d->answer_room, a);
	}
	if (section >= 2 && type != TYPE_OPT && d->more_count < RECORD_ANSWERS_MAX)
		(void)ARENA_PUSH(&tx->arena, d->more_names, d->more_count, d->more_room, name);
	return true;
}

static void read_sections(struct cursor *c, struct slice message, struct app_tx *tx)
{
	static const enum dns_anomaly bad[] = {DNS_MALFORMED, DNS_MALFORMED, DNS_AUTHORITIES,
					       DNS_ADDITIONALS};
	const struct dns *d = tx->data;

	for (int s = 0; s < 4; s++)
		for (uint16_t i = 0; i < d->h.count[s]; i++)
			if (s == 0 ? !read_question(c, message, tx)
				   : !read_record(c, message, tx, s)) {
				if ((d->h.flags & FLAG_TC) == 0)
					dns_anomaly(tx, bad[s]);
				return;
			}
}

/* One whole message, at this offset of the parser's input. False: no memory. */
static bool read_message(struct app_flow *f, enum app_dir dir, struct slice message, size_t at)
{
	struct cursor c = cursor_of(message);
	struct app_tx *tx = app_tx_new(f, sizeof(struct dns));
	struct dns *d;

	if (tx == NULL)
		return false;
	(void)app_frame_open(f, dir, FRAME_PDU, at, (int64_t)message.len, tx); /* may be unwanted */
	d = tx->data;
	d->dir = dir;
	d->h = read_header(&c);
	d->rcode = d->h.flags & 0xf;
	if (!cursor_ok(&c)) {
		d->h = (struct header){0};
		dns_anomaly(tx, DNS_MALFORMED);
	} else {
		bool response = (d->h.flags & FLAG_QR) != 0;

		d->opcode = d->h.flags >> 11 & 0xf;
		d->header_rcode = d->h.flags & 0xf;
		if (response && dir == APP_TO_SERVER)
			dns_anomaly(tx, DNS_NOT_REQUEST);
		if (!response && dir == APP_TO_CLIENT)
			dns_anomaly(tx, DNS_NOT_RESPONSE);
		if (d->h.flags & FLAG_Z)
			dns_anomaly(tx, DNS_Z_FLAG);
		if (d->opcode > OPCODE_MAX)
			dns_anomaly(tx, DNS_OPCODE);
		read_sections(&c, message, tx);
	}
	app_tx_advance(tx, APP_TO_SERVER, 1);
	app_tx_advance(tx, APP_TO_CLIENT, 1);
	return true;
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct cursor c = cursor_of(input);
	bool ok = true;

	if (f->transport == APP_UDP) {
		if (input.len != 0)
			ok = read_message(f, dir, input, 0);
		return (struct app_result){ok ? APP_OK : APP_STUCK, input.len};
	}
	while (ok && cursor_left(&c) != 0) {
		struct cursor look = c;
		struct slice message = cursor_take(&look, cursor_be16(&look));

		if (!cursor_ok(&look))
			break;
		c = look;
		if (message.len != 0)
			ok = read_message(f, dir, message, (size_t)(message.ptr - input.ptr));
	}
	(void)eof; /* a message cut short says nothing */
	return (struct app_result){ok ? APP_OK : APP_STUCK, input.len - cursor_left(&c)};
}

/* Could these bytes be a message? Counts that cannot fit say no; so does a bad first name. */
static bool plausible(struct slice in, size_t message_bytes)
{
	struct cursor c = cursor_of(in);
	struct header h = read_header(&c);
	uint32_t records = (uint32_t)h.count[1] + h.count[2] + h.count[3];

	if (!cursor_ok(&c) || (h.flags >> 11 & 0xf) > OPCODE_MAX || h.count[0] > QUESTIONS_KEPT ||
	    h.count[0] + records == 0)
		return false;
	if ((h.flags & FLAG_TC) == 0 &&
	    HEADER_BYTES + (size_t)h.count[0] * QUESTION_LEAST + (size_t)records * RECORD_LEAST >
		    message_bytes)
		return false;
	for (unsigned labels = 0; h.count[0] != 0 && labels < DNS_LABELS_MAX; labels++) {
		uint8_t n = cursor_u8(&c);

		if (cursor_left(&c) == 0 || n == 0 || n >= 0xc0)
			break; /* may go on past what is here */
		if (n > 63)
			return false;
		(void)cursor_take(&c, n);
	}
	return true;
}

/* Too weak to go by the bytes alone: only on the port. */
static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	struct cursor c = cursor_of(in);
	size_t n;

	(void)dir;
	if (!port_hint)
		return APP_NO;
	if (f->transport == APP_UDP)
		return plausible(in, in.len) ? APP_YES : APP_NO;
	n = cursor_be16(&c);
	if (!cursor_ok(&c))
		return APP_NEED_MORE;
	if (n < HEADER_BYTES)
		return APP_NO;
	if (cursor_left(&c) < HEADER_BYTES)
		return APP_NEED_MORE;
	return plausible(cursor_take(&c, HEADER_BYTES), n) ? APP_YES : APP_NO;
}

static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	(void)f; /* where the next message starts is not known */
	(void)dir;
	(void)missing;
	return false;
}

#define TO_SERVER (1u << APP_TO_SERVER)
#define TO_CLIENT (1u << APP_TO_CLIENT)

static const struct slice none = {NULL, 0};

static struct slice get_query(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct dns *d = tx->data;

	return d->dir == dir && n < d->question_count ? d->questions[n].name : none;
}

static struct slice get_answer_name(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct dns *d = tx->data;

	return d->dir == dir && n < d->answer_count ? d->answers[n].rrname : none;
}

/* Questions, answers, authorities, additionals: every owner name of the message. */
static struct slice get_name(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct dns *d = tx->data;

	if (d->dir != dir)
		return none;
	if (n < d->question_count)
		return d->questions[n].name;
	n -= (unsigned)d->question_count;
	if (n < d->answer_count)
		return d->answers[n].rrname;
	n -= (unsigned)d->answer_count;
	return n < d->more_count ? d->more_names[n] : none;
}

static struct slice get_opcode(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct dns *d = tx->data;

	return d->dir == dir ? app_number(&d->opcode) : none;
}

static struct slice get_rcode(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct dns *d = tx->data;

	return d->dir == dir ? app_number(&d->header_rcode) : none;
}

static struct slice get_rrtypes(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct dns *d = tx->data;

	if (d->dir != dir || d->type_count == 0)
		return none;
	return (struct slice){(const uint8_t *)d->types, d->type_count * sizeof *d->types};
}

static const struct app_word opcodes[] = {{"query", 0},	 {"iquery", 1}, {"status", 2},
					  {"notify", 4}, {"update", 5}, {0}};

static const struct app_word rcodes[] = {{"noerror", 0},  {"formerr", 1},  {"servfail", 2},
					 {"nxdomain", 3}, {"notimp", 4},   {"refused", 5},
					 {"yxdomain", 6}, {"yxrrset", 7},  {"nxrrset", 8},
					 {"notauth", 9},  {"notzone", 10}, {0}};

static const struct app_field fields[] = {
	{"dns.query", TO_SERVER, 0, false, true, get_query,
	 "Each question's name in a request: labels joined by dots, none at the end."},
	{"dns.queries.rrname", TO_SERVER | TO_CLIENT, 0, false, true, get_query,
	 "Each question's name, in requests and responses."},
	{"dns.answers.rrname", TO_CLIENT, 0, false, true, get_answer_name,
	 "Each answer's owner name."},
	{"dns.answer.name", TO_CLIENT, 0, false, true, get_answer_name,
	 "Each answer's owner name (Suricata 7's word)."},
	{"dns.response.rrname", TO_CLIENT, 0, false, true, get_name,
	 "Each name of a response: questions', answers', authorities' and additionals'."},
	{"dns.opcode", TO_SERVER | TO_CLIENT, 0, false, false, get_opcode, "The opcode.",
	 APP_NUMBERS, opcodes},
	{"dns.rcode", TO_SERVER | TO_CLIENT, 0, false, false, get_rcode,
	 "The response code in the header, in requests, too.", APP_NUMBERS, rcodes},
	{"dns.rrtype", TO_SERVER | TO_CLIENT, 0, false, false, get_rrtypes, "Each question's type.",
	 APP_NUMBERS, NULL},
	{0},
};

static const char *const anomalies[] = {
	[DNS_MALFORMED] = "malformed_data",
	[DNS_NOT_REQUEST] = "not_request",
	[DNS_NOT_RESPONSE] = "not_response",
	[DNS_Z_FLAG] = "z_flag_set",
	[DNS_OPCODE] = "invalid_opcode",
	[DNS_NAME_TOO_LONG] = "name_too_long",
	[DNS_LOOP] = "infinite_loop",
	[DNS_TOO_MANY_LABELS] = "too_many_labels",
	[DNS_ADDITIONALS] = "invalid_additionals",
	[DNS_AUTHORITIES] = "invalid_authorities",
	NULL,
};

static bool log_tx(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct dns *d = tx->data;
	struct record_dns *out = &r->u.dns;

	if (n != 0 || (d->question_count == 0 && d->answer_count == 0))
		return false;
	r->kind = RECORD_DNS;
	memset(out, 0, sizeof *out);
	out->answer = (d->h.flags & FLAG_QR) != 0;
	out->id = d->h.id;
	out->tx_id = tx->id;
	if (d->question_count != 0) {
		out->rrname = d->questions[0].name;
		out->rrtype = app_dns_type(d->questions[0].type, &tx->arena);
	}
	if (out->answer)
		out->rcode = app_dns_rcode(d->rcode, &tx->arena);
	out->answers = d->answers; /* lives with tx */
	out->answer_count = d->answer_count;
	return true;
}

static const uint16_t ports[] = {53, 0};

static const char *const frames[] = {[FRAME_PDU] = "pdu", NULL};

APP_PROTOCOL(dns) = {
	.name = "dns",
	.spec = "RFC 1035, RFC 6891",
	.transports = APP_TCP | APP_UDP,
	.ports = ports,
	.fields = fields,
	.anomalies = anomalies,
	.frames = frames,
	.complete = {1, 1},
	.parser_bytes = 0,
	.probe = probe,
	.parse = parse,
	.gap = gap,
	.log = log_tx,
};
