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
	OPCODE_MAX = 6,	  /* 7 and more are not assigned: IANA */
	RECORD_LEAST = 2, /* bytes that Suricata holds the shortest entry to have */
};

enum { FRAME_PDU }; /* a message, without TCP's length */

struct parser {	      /* of a flow */
	bool lost[2]; /* TCP: bytes are missing; where the next message starts is not known */
};

static struct dns_header read_header(struct cursor *c)
{
	struct dns_header h = {0};

	h.id = cursor_be16(c);
	h.flags = cursor_be16(c);
	for (int i = 0; i < 4; i++)
		h.count[i] = cursor_be16(c);
	return h;
}

static bool read_question(struct cursor *c, struct slice message, struct dns *d)
{
	struct dns_question q = {.name = app_dns_name(c, message, d)};

	q.type = cursor_be16(c);
	(void)cursor_be16(c); /* class */
	if (!cursor_ok(c))
		return false;
	if (d->question_count >= DNS_KEPT_MAX)
		return true;
	(void)ARENA_PUSH(d->arena, d->questions, d->question_count, d->question_room, q);
	(void)ARENA_PUSH(d->arena, d->types, d->type_count, d->type_room, (uint64_t)q.type);
	return true;
}

static bool read_record(struct cursor *c, struct slice message, struct dns *d,
			struct dns_section *out)
{
	struct dns_record r = {.name = app_dns_name(c, message, d)};
	struct slice rdata;

	r.type = cursor_be16(c);
	(void)cursor_be16(c); /* class */
	r.ttl = cursor_be32(c);
	rdata = cursor_take(c, cursor_be16(c));
	if (!cursor_ok(c) || !app_dns_rdata(r.type, rdata, message, d, &r.data))
		return false;
	if (out->count < DNS_KEPT_MAX)
		(void)ARENA_PUSH(d->arena, out->at, out->count, out->room, r);
	return true;
}

static void read_sections(struct cursor *c, struct slice message, struct dns *d)
{
	static const enum dns_anomaly bad[] = {DNS_MALFORMED, DNS_MALFORMED, DNS_AUTHORITIES,
					       DNS_ADDITIONALS};

	for (int s = 0; s < DNS_SECTIONS; s++)
		for (uint16_t i = 0; i < d->h.count[s]; i++)
			if (s == DNS_QUESTIONS ? !read_question(c, message, d)
					       : !read_record(c, message, d, &d->sections[s])) {
				if ((d->h.flags & DNS_FLAG_TC) == 0)
					dns_anomaly(d, bad[s]);
				return;
			}
}

/* Could it be the header of a message of so many bytes? */
static bool header_ok(const struct dns_header *h, size_t message_bytes)
{
	size_t entries = 0;

	for (int s = 0; s < DNS_SECTIONS; s++)
		entries += h->count[s];
	if (entries * RECORD_LEAST > message_bytes ||
	    (entries == 0 && message_bytes > HEADER_BYTES))
		return false;
	return (h->flags & DNS_FLAG_QR) != 0 || h->count[DNS_QUESTIONS] != 0;
}

bool app_dns_read(struct dns *d, struct slice message, enum app_dir dir, struct arena *a)
{
	struct cursor c = cursor_of(message);

	*d = (struct dns){.h = read_header(&c), .dir = dir, .arena = a};
	if (!cursor_ok(&c) || !header_ok(&d->h, message.len))
		return false;
	d->opcode = d->h.flags >> 11 & 0xf;
	d->rcode = d->h.flags & 0xf;
	if ((d->h.flags & DNS_FLAG_Z) != 0)
		dns_anomaly(d, DNS_Z_FLAG);
	if (d->opcode > OPCODE_MAX)
		dns_anomaly(d, DNS_OPCODE);
	read_sections(&c, message, d);
	return true;
}

/* One whole message, at this offset of the parser's input. False: no memory, or it is none. */
static bool read_message(struct app_flow *f, enum app_dir dir, struct slice message, size_t at)
{
	struct cursor c = cursor_of(message);
	struct dns_header h = read_header(&c);
	bool response = (h.flags & DNS_FLAG_QR) != 0;
	struct app_tx *tx;

	if (!cursor_ok(&c) || !header_ok(&h, message.len))
		return false;
	tx = app_tx_new(f, sizeof(struct dns));
	if (tx == NULL)
		return false;
	(void)app_frame_open(f, dir, FRAME_PDU, at, (int64_t)message.len, tx); /* may be unwanted */
	tx->dirs = (uint8_t)(1u << dir);
	(void)app_dns_read(tx->data, message, dir, &tx->arena); /* its header is one */
	tx->carried[dir] = tx->data;
	tx->anomalies = ((const struct dns *)tx->data)->anomalies;
	if (f->protocol->fields == app_dns_fields && response != (dir == APP_TO_CLIENT))
		tx->anomalies |= UINT64_C(1) << (response ? DNS_NOT_REQUEST : DNS_NOT_RESPONSE);
	app_tx_exchange(f, tx, UINT64_C(1) << 16 | h.id);
	app_tx_advance(tx, APP_TO_SERVER, 1);
	app_tx_advance(tx, APP_TO_CLIENT, 1);
	return true;
}

/* Can a message start here, on TCP? */
static enum app_probe probe_tcp(struct slice in)
{
	struct cursor c = cursor_of(in);
	size_t n = cursor_be16(&c);
	struct dns_header h = read_header(&c);

	if (!cursor_ok(&c))
		return in.len >= 2 && n < HEADER_BYTES ? APP_NO : APP_NEED_MORE;
	return n >= HEADER_BYTES && header_ok(&h, n) ? APP_YES : APP_NO;
}

static struct app_result parse_tcp(struct app_flow *f, enum app_dir dir, struct slice input)
{
	struct parser *p = f->parser;
	struct cursor c = cursor_of(input);
	bool ok = true;

	if (p->lost[dir]) {
		enum app_probe r = probe_tcp(input);

		if (r != APP_YES) /* what comes next may begin with a message */
			return (struct app_result){APP_OK, r == APP_NO ? input.len : 0};
		p->lost[dir] = false;
	}
	while (ok && cursor_left(&c) != 0) {
		struct cursor look = c;
		struct slice message = cursor_take(&look, cursor_be16(&look));

		if (!cursor_ok(&look))
			break; /* a message cut short says nothing */
		c = look;
		if (message.len != 0)
			ok = read_message(f, dir, message, (size_t)(message.ptr - input.ptr));
	}
	return (struct app_result){ok ? APP_OK : APP_STUCK, input.len - cursor_left(&c)};
}

/* A datagram that is no message is passed over, as Suricata does. */
struct app_result app_dns_parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	if (f->transport == APP_TCP)
		return parse_tcp(f, dir, input);
	if (input.len != 0)
		(void)read_message(f, dir, input, 0);
	return (struct app_result){APP_OK, input.len};
}

/* Is the first name well-formed as far as it is here? */
static bool first_name_ok(struct cursor *c)
{
	for (unsigned labels = 0; labels < DNS_STEPS_MAX; labels++) {
		uint8_t n = cursor_u8(c);

		if (cursor_left(c) == 0 || n == 0 || n >= 0xc0)
			return true; /* may go on past what is here */
		if (n > 63)
			return false;
		(void)cursor_take(c, n);
	}
	return false;
}

/* A message whose header begins at `at`: is it one of direction dir? */
static enum app_probe probe_side(enum app_dir dir, struct slice in, size_t at)
{
	bool response = (in.ptr[at + 2] & DNS_FLAG_QR >> 8) != 0;

	return response == (dir == APP_TO_CLIENT) ? APP_YES : APP_YES_OTHER;
}

/* Too weak to go by the bytes alone: only on the port. */
enum app_probe app_dns_probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			     bool port_hint)
{
	struct cursor c = cursor_of(in);
	struct dns_header h;

	if (!port_hint)
		return APP_NO;
	if (f->transport == APP_TCP) {
		enum app_probe r = probe_tcp(in);

		return r == APP_YES ? probe_side(dir, in, 2) : r;
	}
	h = read_header(&c);
	if (!cursor_ok(&c) || !header_ok(&h, in.len) ||
	    (h.count[DNS_QUESTIONS] != 0 && !first_name_ok(&c)))
		return APP_NO;
	return probe_side(dir, in, 0);
}

static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	((struct parser *)f->parser)->lost[dir] = true;
	return true;
}

const char *const app_dns_anomalies[] = {
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

/* Suricata 7's names, which its rules still use. */
static const struct app_word synonyms[] = {
	{"not_a_request", DNS_NOT_REQUEST}, {"not_a_response", DNS_NOT_RESPONSE}, {0}};

static const uint16_t ports[] = {53, 0};

const char *const app_dns_frames[] = {[FRAME_PDU] = "pdu", NULL};

APP_PROTOCOL(dns) = {
	.name = "dns",
	.spec = "RFC 1035, RFC 6891",
	.transports = APP_TCP | APP_UDP,
	.ports = ports,
	.fields = app_dns_fields,
	.anomalies = app_dns_anomalies,
	.synonyms = synonyms,
	.frames = app_dns_frames,
	.complete = {1, 1},
	.parser_bytes = sizeof(struct parser),
	.probe = app_dns_probe,
	.parse = app_dns_parse,
	.gap = gap,
	.resumes_by_piece = true,
	.log = app_dns_log,
	.judged = true,
	.log_configure = app_dns_log_configure,
};
