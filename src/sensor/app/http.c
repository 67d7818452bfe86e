/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP/1.x and 0.9: RFC 9112 (messages), RFC 9110 (meaning), RFC 1945 (1.0, simple requests).
 *
 * Each direction is a machine of its own:
 *
 *	LINE -> HEAD -> LENGTH | CHUNK_SIZE | TO_CLOSE | (nothing) -> LINE
 *	CHUNK_SIZE -> CHUNK_DATA -> CHUNK_END -> CHUNK_SIZE;  CHUNK_SIZE (0) -> TRAILER -> LINE
 *	LINE (no protocol) -> SIMPLE -> HEAD | IGNORE             requests
 *	HEAD of CONNECT -> TUNNEL_WAIT -> LINE | the flow stops   requests
 *	HEAD of a 1xx -> LINE of the same transaction             responses
 *
 * Invariants:
 *  1. `request` is the newest tx, if its request is incomplete; `response` is the oldest tx whose
 *     response is incomplete, NULL if there is none. Both are incomplete, so neither is swept.
 *  2. Responses answer requests in their order. A response without one gets a tx of its own.
 *  3. A step eats at least one byte, changes the state, or ends the loop.
 */
#include "base/cursor.h"
#include "base/text.h"
#include "sensor/app/http_priv.h"

enum http_state {
	STATE_LINE,
	STATE_SIMPLE, /* a request line without protocol: is there a header behind it? */
	STATE_HEAD,
	STATE_LENGTH,
	STATE_TO_CLOSE,
	STATE_CHUNK_SIZE,
	STATE_CHUNK_DATA,
	STATE_CHUNK_END,
	STATE_TRAILER,
	STATE_TUNNEL_WAIT, /* CONNECT: what follows depends on the answer */
	STATE_IGNORE,
};

struct http {
	struct app_tx *request, *response;
	enum http_state state[2];
	uint64_t left[2]; /* of the body or chunk */
	bool blank_seen;  /* empty lines were skipped before a request line */
};

enum step { STEP_ON, STEP_MORE, STEP_STUCK };

static struct app_tx *current(const struct http *h, enum app_dir dir)
{
	return dir == APP_TO_SERVER ? h->request : h->response;
}

static struct slice without_end(struct slice line)
{
	while (line.len != 0 && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
		line.len--;
	return line;
}

/* The next line with its end. At the end of the direction, what is left is a line. */
static enum step take_line(struct cursor *c, bool eof, struct slice *out)
{
	size_t left = cursor_left(c);
	const uint8_t *lf =
		left ? memchr(c->at, '\n', left < HTTP_LINE_MAX ? left : HTTP_LINE_MAX) : NULL;

	if (lf != NULL)
		*out = cursor_take(c, (size_t)(lf - c->at) + 1);
	else if (left >= HTTP_LINE_MAX)
		return STEP_STUCK;
	else if (eof && left != 0)
		*out = cursor_take(c, left);
	else
		return STEP_MORE;
	return STEP_ON;
}

static struct app_tx *tx_new(struct app_flow *f)
{
	struct http *h = f->parser;
	struct app_tx *tx = app_tx_new(f, sizeof(struct http_tx));

	if (tx == NULL)
		return NULL;
	for (enum app_dir d = APP_TO_SERVER; d <= APP_TO_CLIENT; d++) {
		struct http_message *m = http_side(tx, d);

		m->pending = buf_in(&tx->arena);
		m->head = buf_in(&tx->arena);
		m->body = buf_in(&tx->arena);
	}
	if (h->response == NULL)
		h->response = tx;
	return tx;
}

/* The message of dir is whole: the next line starts another. */
static void message_end(struct app_flow *f, enum app_dir dir)
{
	struct http *h = f->parser;
	struct app_tx *tx = current(h, dir);

	app_http_body_end(tx, dir);
	app_tx_advance(tx, dir, HTTP_DONE);
	h->state[dir] = STATE_LINE;
	if (dir == APP_TO_SERVER)
		h->request = NULL;
	else
		h->response = tx->next;
}

/* Content-Length as a number; libhtp takes the digits and forgives what is around them. */
static bool content_length(struct app_tx *tx, enum app_dir dir, struct slice value, uint64_t *out)
{
	struct slice digits;
	size_t from = 0, n = 0;

	while (from < value.len && !text_is_digit(value.ptr[from]))
		from++;
	digits = slice_from(value, from);
	while (n < digits.len && text_is_digit(digits.ptr[n]))
		n++;
	if (n != value.len)
		http_anomaly_of(tx, dir, HTTP_REQ_CL, HTTP_RES_CL);
	return text_u64(slice_part(digits, 0, n), 0, INT64_MAX, out);
}

/* RFC 9112 6.3 for what both directions share. False: no body is announced. */
static bool body_announced(struct app_flow *f, enum app_dir dir, bool *out_ok)
{
	struct http *h = f->parser;
	struct app_tx *tx = current(h, dir);
	struct http_message *m = http_side(tx, dir);
	const struct http_header *te = app_http_header_find(m, SLICE("Transfer-Encoding"));
	const struct http_header *cl = app_http_header_find(m, SLICE("Content-Length"));

	*out_ok = true;
	if (te != NULL && app_http_has_word(te->value, SLICE("chunked"))) {
		if (!slice_equal_nocase(te->value, SLICE("chunked")) && dir == APP_TO_CLIENT)
			http_anomaly(tx, HTTP_RES_TE_ABNORMAL);
		if (m->version != 11 && dir == APP_TO_CLIENT)
			http_anomaly(tx, HTTP_RES_CHUNKED_OLD);
		h->state[dir] = STATE_CHUNK_SIZE;
		return true;
	}
	if (te != NULL)
		http_anomaly_of(tx, dir, HTTP_REQ_TE, HTTP_RES_TE);
	if (cl == NULL)
		return false;
	if (!content_length(tx, dir, cl->value, &h->left[dir])) {
		http_anomaly_of(tx, dir, HTTP_REQ_CL, HTTP_RES_CL);
		*out_ok = false;
		return false;
	}
	h->state[dir] = STATE_LENGTH;
	if (h->left[dir] == 0)
		message_end(f, dir);
	return true;
}

static void check_host(const struct app_flow *f, struct app_tx *tx)
{
	const struct http_message *m = http_side(tx, APP_TO_SERVER);
	const struct http_header *header = app_http_header_find(m, SLICE("Host"));
	bool connect = slice_equal(m->method, SLICE("CONNECT"));
	struct slice of_uri = {NULL, 0}, of_header = {NULL, 0}, port = {NULL, 0};
	struct http_target t = app_http_target(m->uri);
	uint64_t number;

	if (connect || t.host.ptr != NULL) {
		struct slice whole = t.host;

		if (connect)
			whole = m->uri;
		else if (t.port.ptr != NULL) /* they stand side by side in the target */
			whole.len += 1 + t.port.len;
		if (!app_http_host_normal(whole, &tx->arena, &of_uri, &port))
			http_anomaly(tx, HTTP_URI_HOST);
		if (port.ptr != NULL && !text_u64(port, 1, 65535, &number))
			http_anomaly(tx, HTTP_REQ_PORT);
		else if (port.ptr != NULL && !connect && number != f->server_port)
			http_anomaly(tx, HTTP_PORT_MISMATCH);
	}
	if (header == NULL) {
		if (m->version == 11)
			http_anomaly(tx, HTTP_HOST_MISSING);
		return;
	}
	if (!app_http_host_normal(header->value, &tx->arena, &of_header, &port))
		http_anomaly(tx, HTTP_HEADER_HOST);
	if (of_uri.ptr != NULL && !slice_equal(of_uri, of_header))
		http_anomaly(tx, HTTP_HOST_AMBIGUOUS);
}

static enum step request_head_end(struct app_flow *f)
{
	struct http *h = f->parser;
	struct app_tx *tx = h->request;
	struct http_message *m = http_side(tx, APP_TO_SERVER);
	bool ok;

	check_host(f, tx);
	app_http_body_start(tx, APP_TO_SERVER);
	if (slice_equal(m->method, SLICE("CONNECT"))) {
		message_end(f, APP_TO_SERVER);
		h->state[APP_TO_SERVER] = STATE_TUNNEL_WAIT;
		return STEP_ON;
	}
	if (!body_announced(f, APP_TO_SERVER, &ok)) {
		if (!ok)
			return STEP_STUCK;
		message_end(f, APP_TO_SERVER);
	} else if (slice_equal(m->method, SLICE("GET")) || slice_equal(m->method, SLICE("HEAD"))) {
		if (h->state[APP_TO_SERVER] != STATE_LINE)
			http_anomaly(tx, HTTP_REQ_BODY_UNEXPECTED);
	}
	return STEP_ON;
}

/* A 1xx is a message before the message: forget it, keep the transaction. */
static void interim(struct app_flow *f, struct app_tx *tx)
{
	struct http *h = f->parser;
	struct http_tx *x = tx->data;
	struct http_message *m = &x->side[APP_TO_CLIENT];

	if (m->status == 100 && x->continued)
		http_anomaly(tx, HTTP_CONTINUE_TWICE);
	x->continued |= m->status == 100;
	*m = (struct http_message){.pending = buf_in(&tx->arena),
				   .head = buf_in(&tx->arena),
				   .body = buf_in(&tx->arena)};
	h->state[APP_TO_CLIENT] = STATE_LINE;
}

static enum step response_head_end(struct app_flow *f)
{
	struct http *h = f->parser;
	struct app_tx *tx = h->response;
	struct http_message *m = http_side(tx, APP_TO_CLIENT);
	struct slice method = http_side(tx, APP_TO_SERVER)->method;
	const struct http_header *type = app_http_header_find(m, SLICE("Content-Type"));
	bool connect = slice_equal(method, SLICE("CONNECT"));
	bool ok;

	if (m->status == 101 || (connect && m->status >= 200 && m->status < 300)) {
		app_tx_advance(tx, APP_TO_CLIENT, HTTP_HEAD);
		message_end(f, APP_TO_CLIENT);
		app_tx_advance(tx, APP_TO_SERVER, HTTP_DONE);
		f->stop_inspecting = true; /* another protocol follows */
		return STEP_ON;
	}
	if (m->status >= 100 && m->status < 200) {
		interim(f, tx);
		return STEP_ON;
	}
	app_tx_advance(tx, APP_TO_CLIENT, HTTP_HEAD);
	app_http_body_start(tx, APP_TO_CLIENT);
	if (connect && h->state[APP_TO_SERVER] == STATE_TUNNEL_WAIT)
		h->state[APP_TO_SERVER] = STATE_LINE;
	if (type != NULL && app_http_has_word(type->value, SLICE("multipart/byteranges")))
		http_anomaly(tx, HTTP_BYTERANGES);
	if (slice_equal(method, SLICE("HEAD")) || m->status == 204 || m->status == 304)
		message_end(f, APP_TO_CLIENT);
	else if (!body_announced(f, APP_TO_CLIENT, &ok))
		h->state[APP_TO_CLIENT] = STATE_TO_CLOSE;
	return STEP_ON;
}

static enum step step_request_line(struct app_flow *f, struct cursor *c, bool eof)
{
	struct http *h = f->parser;
	struct http_message *m;
	struct slice line;
	enum step s = take_line(c, eof, &line);

	if (s == STEP_MORE)
		return s;
	if (s == STEP_ON && without_end(line).len == 0)
		return STEP_ON; /* RFC 9112 2.2: skip empty lines before a request */
	h->request = tx_new(f);
	if (h->request == NULL)
		return STEP_STUCK;
	if (s == STEP_STUCK) {
		http_anomaly(h->request, HTTP_REQ_TOO_LONG);
		return s;
	}
	if (line.ptr[line.len - 1] != '\n')
		http_anomaly(h->request, HTTP_REQ_LINE_INCOMPLETE);
	app_http_request_line(h->request, without_end(line));
	app_tx_advance(h->request, APP_TO_SERVER, HTTP_LINE);
	m = http_side(h->request, APP_TO_SERVER);
	h->state[APP_TO_SERVER] = m->protocol.ptr != NULL ? STATE_HEAD : STATE_SIMPLE;
	return STEP_ON;
}

/* No protocol in the request line: a simple request of HTTP/0.9, unless a header follows. */
static enum step step_simple(struct app_flow *f, struct cursor *c, bool eof)
{
	struct http *h = f->parser;
	struct cursor look = *c;
	struct slice line;
	enum step s = take_line(&look, eof, &line);

	if (s == STEP_MORE && !eof)
		return s;
	if (s == STEP_ON && without_end(line).len != 0 && memchr(line.ptr, ':', line.len) != NULL) {
		http_anomaly(h->request, HTTP_NO_PROTOCOL);
		h->state[APP_TO_SERVER] = STATE_HEAD;
		return STEP_ON;
	}
	app_tx_advance(h->request, APP_TO_SERVER, HTTP_HEAD);
	message_end(f, APP_TO_SERVER);
	h->state[APP_TO_SERVER] = STATE_IGNORE;
	return STEP_ON;
}

static enum step step_status_line(struct app_flow *f, struct cursor *c, bool eof)
{
	static const struct slice start = {(const uint8_t *)"HTTP/", 5};
	struct http *h = f->parser;
	struct slice seen = {c->at, cursor_left(c)}, line;
	enum step s;

	if (seen.len < start.len && !eof && slice_starts(start, seen))
		return STEP_MORE;
	if (seen.ptr[0] == '\r' || seen.ptr[0] == '\n') {
		(void)cursor_take(c, 1); /* between messages */
		return STEP_ON;
	}
	if (h->response == NULL) {
		struct app_tx *tx = tx_new(f); /* becomes h->response */

		if (tx == NULL)
			return STEP_STUCK;
		((struct http_tx *)tx->data)->unasked = true;
		http_anomaly(tx, HTTP_UNMATCHED);
		app_tx_advance(tx, APP_TO_SERVER, HTTP_DONE);
	}
	if (!slice_starts(seen, start)) { /* what HTTP/0.9 answers: a body and nothing else */
		if (http_side(h->response, APP_TO_SERVER)->version != 9)
			http_anomaly(h->response, HTTP_RES_PROTOCOL);
		app_tx_advance(h->response, APP_TO_CLIENT, HTTP_HEAD);
		app_http_body_start(h->response, APP_TO_CLIENT);
		h->state[APP_TO_CLIENT] = STATE_TO_CLOSE;
		return STEP_ON;
	}
	s = take_line(c, eof, &line);
	if (s == STEP_STUCK)
		http_anomaly(h->response, HTTP_RES_TOO_LONG);
	if (s != STEP_ON)
		return s;
	app_http_status_line(h->response, without_end(line));
	h->state[APP_TO_CLIENT] = STATE_HEAD;
	if (http_side(h->response, APP_TO_CLIENT)->status / 100 != 1)
		app_tx_advance(h->response, APP_TO_CLIENT, HTTP_LINE);
	return STEP_ON;
}

static enum step step_head(struct app_flow *f, enum app_dir dir, struct cursor *c, bool eof)
{
	struct http *h = f->parser;
	struct app_tx *tx = current(h, dir);
	struct http_message *m = http_side(tx, dir);
	struct slice line;
	enum step s = take_line(c, eof, &line);
	bool trailer = h->state[dir] == STATE_TRAILER;

	if (s == STEP_STUCK)
		http_anomaly_of(tx, dir, HTTP_REQ_TOO_LONG, HTTP_RES_TOO_LONG);
	if (s != STEP_ON)
		return s;
	buf_add(&m->head, line);
	line = without_end(line);
	if (line.len != 0 && !trailer)
		return app_http_header_line(tx, dir, line) ? STEP_ON : STEP_STUCK;
	if (line.len != 0)
		return STEP_ON; /* headers are final; a trailer stays in the raw header only */
	if (trailer) {
		message_end(f, dir);
		return STEP_ON;
	}
	if (!app_http_headers_end(tx, dir))
		return STEP_STUCK;
	if (dir == APP_TO_CLIENT)
		return response_head_end(f);
	app_tx_advance(tx, dir, HTTP_HEAD);
	return request_head_end(f);
}

/* RFC 9112 7.1: hexadecimal digits, then extensions, which nobody uses. */
static enum step step_chunk_size(struct app_flow *f, enum app_dir dir, struct cursor *c, bool eof)
{
	struct http *h = f->parser;
	struct app_tx *tx = current(h, dir);
	struct slice line;
	enum step s = take_line(c, eof, &line);
	uint64_t size = 0;
	size_t n = 0;

	if (s == STEP_MORE)
		return s;
	if (s == STEP_ON) {
		line = slice_trim(line);
		if (line.len == 0)
			return STEP_ON;
		while (n < line.len && n < 16 && text_hex(line.ptr[n]) >= 0)
			size = size << 4 | (uint64_t)text_hex(line.ptr[n++]);
		if (n < line.len && dir == APP_TO_SERVER && line.ptr[n] == ';')
			http_anomaly(tx, HTTP_CHUNK_EXTENSION);
	}
	if (n == 0 || n == 16) {
		http_anomaly_of(tx, dir, HTTP_REQ_CHUNK_LEN, HTTP_RES_CHUNK_LEN);
		if (dir == APP_TO_SERVER)
			return STEP_STUCK;
		if (s == STEP_ON)
			app_http_body(tx, dir, line);
		h->state[dir] = STATE_TO_CLOSE;
		return STEP_ON;
	}
	h->left[dir] = size;
	h->state[dir] = size != 0 ? STATE_CHUNK_DATA : STATE_TRAILER;
	return STEP_ON;
}

/* Bytes of a body whose end is known. */
static enum step step_counted(struct app_flow *f, enum app_dir dir, struct cursor *c)
{
	struct http *h = f->parser;
	size_t n = cursor_left(c);

	if (n > h->left[dir])
		n = (size_t)h->left[dir];
	if (n == 0)
		return STEP_MORE;
	app_http_body(current(h, dir), dir, cursor_take(c, n));
	h->left[dir] -= n;
	if (h->left[dir] == 0) {
		if (h->state[dir] == STATE_CHUNK_DATA)
			h->state[dir] = STATE_CHUNK_END;
		else
			message_end(f, dir);
	}
	return STEP_ON;
}

/* The line end behind a chunk; a chunk that runs on without one is read as a size. */
static enum step step_chunk_end(struct http *h, enum app_dir dir, struct cursor *c)
{
	uint8_t b = cursor_left(c) ? *c->at : 0;

	if (cursor_left(c) == 0)
		return STEP_MORE;
	if (b == '\r' || b == '\n')
		(void)cursor_take(c, 1);
	if (b != '\r')
		h->state[dir] = STATE_CHUNK_SIZE;
	return STEP_ON;
}

static enum step step(struct app_flow *f, enum app_dir dir, struct cursor *c, bool eof)
{
	struct http *h = f->parser;

	switch (h->state[dir]) {
	case STATE_LINE:
		if (cursor_left(c) == 0)
			return STEP_MORE;
		return dir == APP_TO_SERVER ? step_request_line(f, c, eof)
					    : step_status_line(f, c, eof);
	case STATE_SIMPLE:
		return step_simple(f, c, eof);
	case STATE_HEAD:
	case STATE_TRAILER:
		return step_head(f, dir, c, eof);
	case STATE_LENGTH:
	case STATE_CHUNK_DATA:
		return step_counted(f, dir, c);
	case STATE_CHUNK_SIZE:
		return step_chunk_size(f, dir, c, eof);
	case STATE_CHUNK_END:
		return step_chunk_end(h, dir, c);
	case STATE_TUNNEL_WAIT:
		return STEP_MORE;
	case STATE_TO_CLOSE:
		app_http_body(h->response, dir, cursor_take(c, cursor_left(c)));
		break;
	case STATE_IGNORE:
		(void)cursor_take(c, cursor_left(c));
		break;
	}
	return STEP_MORE;
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct http *h = f->parser;
	struct cursor c = cursor_of(input);
	enum step s = STEP_ON;

	while (s == STEP_ON && !f->stop_inspecting)
		s = step(f, dir, &c, eof);
	if (eof && s != STEP_STUCK && current(h, dir) != NULL && h->state[dir] != STATE_LINE) {
		app_http_headers_end(current(h, dir), dir); /* what came of it */
		message_end(f, dir);
		h->state[dir] = STATE_IGNORE;
	}
	return (struct app_result){s == STEP_STUCK ? APP_STUCK : APP_OK,
				   f->stop_inspecting ? input.len : input.len - cursor_left(&c)};
}

/* Only inside a body is it known what the missing bytes were. */
static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	struct http *h = f->parser;
	struct app_tx *tx = current(h, dir);

	switch (h->state[dir]) {
	case STATE_LENGTH:
	case STATE_CHUNK_DATA:
		if (missing > h->left[dir])
			return false;
		h->left[dir] -= missing;
		http_side(tx, dir)->body_bytes += missing;
		if (h->left[dir] == 0) {
			if (h->state[dir] == STATE_CHUNK_DATA)
				h->state[dir] = STATE_CHUNK_END;
			else
				message_end(f, dir);
		}
		return true;
	case STATE_TO_CLOSE:
		http_side(tx, dir)->body_bytes += missing;
		return true;
	case STATE_IGNORE:
		return true;
	default:
		return false;
	}
}

/* The methods that Suricata looks for; each must be followed by a space or tab. */
static const char *const methods[] = {
	"GET",
	"POST",
	"HEAD",
	"PUT",
	"DELETE",
	"OPTIONS",
	"TRACE",
	"CONNECT",
	"PATCH",
	"PROPFIND",
	"PROPPATCH",
	"MKCOL",
	"COPY",
	"MOVE",
	"LOCK",
	"UNLOCK",
	"CHECKOUT",
	"UNCHECKOUT",
	"CHECKIN",
	"UPDATE",
	"LABEL",
	"REPORT",
	"MKWORKSPACE",
	"MKACTIVITY",
	"MERGE",
	"VERSION-CONTROL",
	"BASELINE-CONTROL",
};

static enum app_probe probe_request(struct slice in)
{
	enum app_probe best = APP_NO;

	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
		struct slice m = slice_of(methods[i]);

		if (in.len <= m.len && slice_starts(m, in))
			best = APP_NEED_MORE;
		if (!slice_starts(in, m) || in.len == m.len ||
		    (in.ptr[m.len] != ' ' && in.ptr[m.len] != '\t'))
			continue;
		if (slice_equal(m, SLICE("OPTIONS"))) { /* SIP has that too */
			struct slice target = slice_part(in, m.len + 1, 4);

			if (target.len < 4)
				return slice_starts(SLICE("sip:"), target) ||
						       slice_starts(SLICE("sips"), target)
					       ? APP_NEED_MORE
					       : APP_YES;
			if (slice_equal(target, SLICE("sip:")) ||
			    slice_equal(target, SLICE("sips")))
				return APP_NO;
		}
		return APP_YES;
	}
	return best;
}

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	static const struct slice starts[] = {{(const uint8_t *)"HTTP/1.", 7},
					      {(const uint8_t *)"HTTP/0.", 7}};
	enum app_probe best = APP_NO;

	(void)f;
	(void)port_hint;
	if (dir == APP_TO_SERVER)
		return probe_request(in);
	for (size_t i = 0; i < 2; i++) {
		if (slice_starts(in, starts[i]))
			return APP_YES;
		if (slice_starts(starts[i], in))
			best = APP_NEED_MORE;
	}
	return best;
}

static const char *const anomalies[] = {
#define X(id, name) #name,
	HTTP_ANOMALIES(X)
#undef X
		NULL,
};

APP_PROTOCOL(http) = {
	.name = "http",
	.spec = "RFC 9112, RFC 9110, RFC 1945",
	.transports = APP_TCP,
	.fields = app_http_fields,
	.anomalies = anomalies,
	.complete = {HTTP_DONE, HTTP_DONE},
	.parser_bytes = sizeof(struct http),
	.probe = probe,
	.parse = parse,
	.gap = gap,
	.log = app_http_log,
};
