/* SPDX-License-Identifier: Apache-2.0
 *
 * SIP over datagrams and streams: RFC 3261 7. Each message is a transaction by itself, as in
 * Suricata: what answers what is said by its Via and CSeq, which rules may ask for.
 */
#include "base/text.h"
#include "sensor/app/probe_priv.h"
#include "sensor/app/sip_priv.h"

enum {
	HEAD_BYTES_MAX = 64 << 10, /* of a message on a stream, before its body */
	BODY_BYTES_MAX = 1 << 19,
};

enum { INCOMPLETE_DATA, INVALID_DATA };

enum frame {
	FRAME_PDU,
	FRAME_REQUEST_LINE,
	FRAME_REQUEST_HEADERS,
	FRAME_REQUEST_BODY,
	FRAME_RESPONSE_LINE,
	FRAME_RESPONSE_HEADERS,
	FRAME_RESPONSE_BODY,
};

static bool all_of(struct slice s, const char *others, bool digits)
{
	for (size_t i = 0; i < s.len; i++)
		if (!text_is_alpha(s.ptr[i]) && !(digits && text_is_digit(s.ptr[i])) &&
		    (s.ptr[i] == '\0' || strchr(others, s.ptr[i]) == NULL))
			return false;
	return true;
}

/* ---- headers ---- */

static const struct compact {
	const char *name, *letter;
} compact[] = {
	{"via", "v"},
	{"from", "f"},
	{"to", "t"},
	{"content-type", "c"},
	{"content-length", "l"},
	{"call-id", "i"},
	{"contact", "m"},
	{"content-encoding", "e"},
	{"subject", "s"},
	{"supported", "k"},
};

static bool header_is(const struct sip_header *h, const char *name)
{
	if (slice_equal_nocase(h->name, slice_of(name)))
		return true;
	for (size_t i = 0; h->name.len == 1 && i < sizeof compact / sizeof compact[0]; i++)
		if (strcmp(compact[i].name, name) == 0)
			return slice_equal_nocase(h->name, slice_of(compact[i].letter));
	return false;
}

struct slice app_sip_header(const struct sip_tx *m, const char *name, unsigned n)
{
	for (size_t i = 0; i < m->header_count; i++)
		if (header_is(&m->headers[i], name) && n-- == 0)
			return m->headers[i].value;
	return (struct slice){NULL, 0};
}

/* The end of the header line at the front of s, with what is folded onto it; SIZE_MAX: none. */
static size_t header_end(struct slice s)
{
	for (size_t at = 0;;) {
		size_t n = slice_find(slice_from(s, at), SLICE("\n"));

		if (n == SIZE_MAX)
			return SIZE_MAX;
		at += n + 1;
		if (at >= s.len || (s.ptr[at] != ' ' && s.ptr[at] != '\t'))
			return at;
	}
}

/* All headers of s, which holds whole lines. False: one of them is none. */
static bool headers_read(struct sip_tx *m, struct arena *a, struct slice s)
{
	while (s.len != 0) {
		size_t end = header_end(s);
		struct slice text = slice_trim(slice_part(s, 0, end));
		size_t colon = slice_find(text, SLICE(":"));
		struct sip_header h = {.name = slice_trim(slice_part(text, 0, colon)),
				       .value = slice_trim(slice_from(text, colon + 1))};

		if (end == SIZE_MAX || colon == SIZE_MAX || h.name.len == 0 ||
		    !all_of(h.name, "!%'*+-._`", true))
			return false;
		if (m->header_count < SIP_HEADERS_MAX &&
		    !ARENA_PUSH(a, m->headers, m->header_count, m->header_room, h))
			return false;
		s = slice_from(s, end);
	}
	return true;
}

/* ---- messages ---- */

static bool first_line(struct sip_tx *m, struct slice s)
{
	struct slice rest = s;

	m->line = s;
	m->request = !slice_starts(s, SLICE("SIP/"));
	if (m->request) {
		m->method = slice_split(&rest, ' ');
		m->uri = slice_split(&rest, ' ');
		m->protocol = rest;
		return m->method.len != 0 && all_of(m->method, "", false) && m->uri.len != 0 &&
		       all_of(m->uri, "!%'*+-._`~#@:;=?&$,/[]<>", true) &&
		       slice_starts(m->protocol, SLICE("SIP/"));
	}
	m->protocol = slice_split(&rest, ' ');
	m->code = slice_split(&rest, ' ');
	m->reason = rest.ptr != NULL ? rest : SLICE("");
	return all_of(m->protocol, "./", true) && m->code.len == 3 && text_is_digit(m->code.ptr[0]);
}

/* Of a stream. */
struct sip {
	size_t looked[2]; /* bytes of what is held in which no blank line begins */
};

/* Where in a message its parts are. */
struct layout {
	size_t line, head, body; /* bytes: the first line and its end; with headers; with the blank
				  * line */
};

/* False: there is no blank line yet. None begins in the first `looked` bytes. */
static bool layout_of(struct slice s, size_t looked, struct layout *out)
{
	size_t line = slice_find(s, SLICE("\n")), from = line > looked ? line : looked, blank, bare;

	if (line == SIZE_MAX)
		return false;
	out->line = line + 1;
	blank = slice_find(slice_from(s, from), SLICE("\n\r\n"));
	bare = slice_find(slice_from(s, from), SLICE("\n\n"));
	if (blank == SIZE_MAX && bare == SIZE_MAX)
		return false;
	out->head = from + (blank < bare ? blank : bare) + 1;
	out->body = out->head + (blank < bare ? 2 : 1);
	return true;
}

static uint64_t content_length(struct slice head)
{
	while (head.len != 0) {
		size_t end = header_end(head);
		struct slice text = slice_part(head, 0, end);
		size_t colon = slice_find(text, SLICE(":"));
		struct sip_header h = {.name = slice_trim(slice_part(text, 0, colon))};
		uint64_t n;

		if (end == SIZE_MAX)
			break;
		if (colon != SIZE_MAX && header_is(&h, "content-length"))
			return text_u64(slice_trim(slice_from(text, colon + 1)), 0, UINT32_MAX, &n)
				       ? n
				       : 0;
		head = slice_from(head, end);
	}
	return 0;
}

static void frames_open(struct app_flow *f, const struct app_tx *tx, size_t at,
			const struct layout *l, size_t len)
{
	const struct sip_tx *m = tx->data;
	bool asks = m->request;
	uint8_t line = asks ? FRAME_REQUEST_LINE : FRAME_RESPONSE_LINE;
	uint8_t headers = asks ? FRAME_REQUEST_HEADERS : FRAME_RESPONSE_HEADERS;
	uint8_t body = asks ? FRAME_REQUEST_BODY : FRAME_RESPONSE_BODY;
	enum app_dir dir = m->dir;

	(void)app_frame_open(f, dir, FRAME_PDU, at, (int64_t)len, tx);
	(void)app_frame_open(f, dir, line, at, (int64_t)l->line, tx);
	(void)app_frame_open(f, dir, headers, at + l->line, (int64_t)(l->head - l->line), tx);
	if (len > l->body)
		(void)app_frame_open(f, dir, body, at + l->body, (int64_t)(len - l->body), tx);
}

/* One whole message at byte `at` of the input. */
static bool message_take(struct app_flow *f, enum app_dir dir, struct slice s,
			 const struct layout *l, size_t at)
{
	struct app_tx *tx = app_tx_new(f, sizeof(struct sip_tx));
	struct sip_tx *m;
	struct slice copy, line;

	if (tx == NULL)
		return false;
	m = tx->data;
	m->dir = dir;
	tx->blind = dir == APP_TO_SERVER ? 1u << APP_TO_CLIENT : 1u << APP_TO_SERVER;
	copy = arena_copy(&tx->arena, s);
	line = slice_part(copy, 0, l->line - 1);
	if (slice_ends(line, SLICE("\r")))
		line.len--;
	if (copy.len != s.len || !first_line(m, line) ||
	    !headers_read(m, &tx->arena, slice_part(copy, l->line, l->head - l->line))) {
		tx->anomalies |= UINT64_C(1) << INVALID_DATA;
		*m = (struct sip_tx){.dir = dir, .request = dir == APP_TO_SERVER};
	} else {
		struct slice type = app_sip_header(m, "content-type", 0);

		if (copy.len > l->body &&
		    slice_equal_nocase(slice_part(type, 0, 15), SLICE("application/sdp")))
			m->sdp = app_sip_sdp_parse(&tx->arena, slice_from(copy, l->body));
		frames_open(f, tx, at, l, s.len);
	}
	app_tx_advance(tx, APP_TO_SERVER, 1);
	app_tx_advance(tx, APP_TO_CLIENT, 1);
	return tx->anomalies == 0;
}

/* What is no message (often a few bytes that keep a NAT open) is said of the last one that was. */
static struct app_result datagram(struct app_flow *f, enum app_dir dir, struct slice in)
{
	struct layout l;

	if (layout_of(in, 0, &l))
		(void)message_take(f, dir, in, &l, 0);
	else if (f->last != NULL)
		f->last->anomalies |=
			UINT64_C(1) << (text_is_alpha(in.ptr[0]) ? INCOMPLETE_DATA : INVALID_DATA);
	return (struct app_result){APP_OK, in.len};
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct sip *own = f->parser;
	size_t used = 0, want = 0;

	(void)eof;
	if (f->transport == APP_UDP)
		return input.len == 0 ? (struct app_result){APP_OK, 0} : datagram(f, dir, input);
	while (used < input.len) {
		struct slice rest = slice_from(input, used);
		struct layout l;
		uint64_t body;

		if (rest.ptr[0] == '\r' || rest.ptr[0] == '\n') { /* keeps a connection open */
			used++;
			continue;
		}
		if (!layout_of(slice_part(rest, 0, HEAD_BYTES_MAX), own->looked[dir], &l)) {
			if (rest.len < HEAD_BYTES_MAX) {
				own->looked[dir] = rest.len < 2 ? 0 : rest.len - 2;
				return (struct app_result){APP_OK, used, HEAD_BYTES_MAX, true};
			}
			if (f->last != NULL)
				f->last->anomalies |= UINT64_C(1) << INCOMPLETE_DATA;
			return (struct app_result){APP_STUCK, used};
		}
		body = content_length(slice_part(rest, l.line, l.head - l.line));
		if (body > BODY_BYTES_MAX)
			return (struct app_result){APP_STUCK, used};
		if (rest.len - l.body < body) {
			want = l.body + (size_t)body;
			break;
		}
		if (!message_take(f, dir, slice_part(rest, 0, l.body + (size_t)body), &l, used))
			return (struct app_result){APP_STUCK, used};
		used += l.body + (size_t)body;
		own->looked[dir] = 0;
	}
	return (struct app_result){APP_OK, used, want, false};
}

static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	(void)f;
	(void)dir;
	(void)missing;
	return false;
}

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	/* "sip:" also begins "sips:" up to the last letter: both schemes are listed */
	static const char *const starts[] = {
		"INVITE sip:",
		"INVITE sips:",
		"REGISTER sip:",
		"REGISTER sips:",
		"OPTIONS sip:",
		"OPTIONS sips:",
		"SUBSCRIBE sip:",
		"NOTIFY sip:",
		"MESSAGE sip:",
		"PUBLISH sip:",
		"ACK sip:",
		"BYE sip:",
		"CANCEL sip:",
		"PRACK sip:",
		"INFO sip:",
		"UPDATE sip:",
		"REFER sip:",
		"SIP/2.0 ",
		NULL,
	};

	(void)f;
	(void)dir;
	(void)port_hint;
	return app_probe_words(in, starts);
}

static const char *const anomalies[] = {
	[INCOMPLETE_DATA] = "incomplete_data",
	[INVALID_DATA] = "invalid_data",
	NULL,
};

static const char *const frames[] = {
	[FRAME_PDU] = "pdu",
	[FRAME_REQUEST_LINE] = "request.line",
	[FRAME_REQUEST_HEADERS] = "request.headers",
	[FRAME_REQUEST_BODY] = "request.body",
	[FRAME_RESPONSE_LINE] = "response.line",
	[FRAME_RESPONSE_HEADERS] = "response.headers",
	[FRAME_RESPONSE_BODY] = "response.body",
	NULL,
};

APP_PROTOCOL(sip) = {
	.name = "sip",
	.spec = "RFC 3261, RFC 4566",
	.transports = APP_TCP | APP_UDP,
	.fields = app_sip_fields,
	.anomalies = anomalies,
	.frames = frames,
	.complete = {1, 1},
	.parser_bytes = sizeof(struct sip),
	.probe = probe,
	.parse = parse,
	.gap = gap,
	.log = app_sip_log,
};
