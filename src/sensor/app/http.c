/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP/1.x and 0.9: RFC 9112 (messages), RFC 9110 (meaning), RFC 1945 (1.0, simple requests).
 *
 * It reads what libhtp reads, since rules are written for that: the least a server or a browser
 * might take for a message is one. Each direction is a machine of its own:
 *
 *	LINE -> HEAD -> LENGTH | CHUNK_SIZE | TO_CLOSE | (nothing) -> LINE
 *	CHUNK_SIZE -> CHUNK_DATA -> CHUNK_END -> CHUNK_SIZE;  CHUNK_SIZE (0) -> TRAILER -> LINE
 *	LINE (no protocol) -> SIMPLE -> HEAD | IGNORE             requests
 *	HEAD of CONNECT -> TUNNEL_WAIT -> LINE | the flow stops   requests
 *	HEAD of a 100 -> LINE of the same transaction             responses
 *	LINE -> LINE: a line that is no status line is body       responses
 *	a gap past the end of a body -> LOST -> LINE              either
 *
 * Invariants:
 *  1. `request` is the newest tx, if its request is incomplete; `response` is the oldest tx whose
 *     response is incomplete, NULL if there is none; `tail` is the newest tx, if its request is
 *     complete and its response is not; `late` is the one whose response came last, if nothing of
 *     either direction began behind it, and pinned. None of them is swept, therefore.
 *  2. Responses answer requests in their order. A response without one gets a tx of its own.
 *  3. A step eats at least one byte, changes the state, or ends the loop.
 *  4. What a step does depends on the bytes of its direction and on what the other direction has
 *     said before, never on where a piece of input ends.
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
	STATE_LOST,	   /* until a line begins a message */
	STATE_IGNORE,
};

enum { HTTP_FRAME_REQUEST, HTTP_FRAME_RESPONSE }; /* by enum app_dir */

enum { SIMPLE_JUNK_MAX = 16 }; /* white space behind a simple request: libhtp's */

struct http {
	struct app_tx *request, *response, *tail, *late;
	enum http_state state[2];
	uint64_t left[2];  /* of the body or chunk */
	uint64_t frame[2]; /* that is open; 0: none */
	bool ended[2];	   /* a message ended in this step */
	uint8_t skip;	   /* a byte to leave out if the response goes on with it; 0: none */
};

enum step { STEP_ON, STEP_MORE, STEP_STUCK };

static struct app_tx *current(const struct http *h, enum app_dir dir)
{
	return dir == APP_TO_SERVER ? h->request : h->response;
}

static const struct http_setup *setup_of(const struct app_flow *f)
{
	return f->own;
}

static struct slice without_end(struct slice line)
{
	while (line.len != 0 && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
		line.len--;
	return line;
}

/* The next line with its end. At the end of the direction, what is left is a line. */
static enum step take_line(const struct app_flow *f, struct cursor *c, bool eof, struct slice *out)
{
	size_t left = cursor_left(c), most = setup_of(f)->line_most;
	const uint8_t *lf = left ? memchr(c->at, '\n', left < most ? left : most) : NULL;

	if (lf != NULL)
		*out = cursor_take(c, (size_t)(lf - c->at) + 1);
	else if (left >= most)
		return STEP_STUCK;
	else if (eof && left != 0)
		*out = cursor_take(c, left);
	else
		return STEP_MORE;
	return STEP_ON;
}

/* The next line of a response, which CR, LF or CRLF may end; not taken yet. */
static enum step look_status_line(const struct app_flow *f, const struct cursor *c, bool eof,
				  struct slice *out)
{
	size_t left = cursor_left(c), most = setup_of(f)->line_most, n = 0;

	while (n < left && n < most && c->at[n] != '\n' && c->at[n] != '\r')
		n++;
	if (n >= most)
		return STEP_STUCK;
	if (n == left || (c->at[n] == '\r' && n + 1 == left)) {
		if (!eof || left == 0)
			return STEP_MORE;
		*out = (struct slice){c->at, left};
		return STEP_ON;
	}
	n += c->at[n] == '\r' && c->at[n + 1] == '\n' ? 2 : 1;
	*out = (struct slice){c->at, n};
	return STEP_ON;
}

static struct app_tx *tx_new(struct app_flow *f)
{
	struct http *h = f->parser;
	struct app_tx *tx =
		f->open_txs < setup_of(f)->txs_most ? app_tx_new(f, sizeof(struct http_tx)) : NULL;

	if (tx == NULL)
		return NULL;
	((struct http_tx *)tx->data)->flow = f;
	((struct http_tx *)tx->data)->setup = f->own;
	for (enum app_dir d = APP_TO_SERVER; d <= APP_TO_CLIENT; d++) {
		struct http_message *m = http_side(tx, d);

		m->head = buf_in(&tx->arena);
		m->body = buf_in(&tx->arena);
	}
	if (h->response == NULL)
		h->response = tx;
	return tx;
}

/* Nothing more can be said to belong to the last request. */
static void tail_end(struct http *h)
{
	if (h->tail != NULL)
		app_http_file_end(h->tail, APP_TO_SERVER, FILE_CLOSED);
	h->tail = NULL;
}

/* The same of the last response. */
static void late_end(struct http *h)
{
	if (h->late == NULL)
		return;
	app_http_file_end(h->late, APP_TO_CLIENT, FILE_CLOSED);
	h->late->pinned = false;
	h->late = NULL;
}

/* The message of dir is whole: the next line starts another. Its files are closed when all of the
 * input is read, for more of it than it said may stand there. */
static void message_end(struct app_flow *f, enum app_dir dir)
{
	struct http *h = f->parser;
	struct app_tx *tx = current(h, dir);

	app_tx_advance(tx, dir, HTTP_DONE);
	h->state[dir] = STATE_LINE;
	h->ended[dir] = true;
	if (dir == APP_TO_SERVER) {
		h->request = NULL;
		if (tx->progress[APP_TO_CLIENT] < HTTP_DONE && !f->eof[APP_TO_CLIENT])
			h->tail = tx;
	} else {
		if (h->tail == tx)
			tail_end(h);
		h->response = tx->next;
		late_end(h);
		h->late = tx;
		tx->pinned = true;
	}
}

static struct slice header_of(struct app_tx *tx, enum app_dir dir, struct slice name)
{
	const struct http_header *h = app_http_header_find(http_side(tx, dir), name);

	return h != NULL ? h->value : (struct slice){NULL, 0};
}

/* Content-Length as a number; false: it has none. */
static bool content_length(struct app_tx *tx, struct slice value, uint64_t *out)
{
	unsigned odd;

	if (!app_http_length(value, out, &odd))
		return false;
	if ((odd & HTTP_ODD_START) != 0)
		http_anomaly(tx, HTTP_LENGTH_START);
	if ((odd & HTTP_ODD_END) != 0)
		http_anomaly(tx, HTTP_LENGTH_END);
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

static void check_authorization(struct app_tx *tx)
{
	static const char *const known[] = {"basic", "digest", "bearer"};
	struct slice value = header_of(tx, APP_TO_SERVER, SLICE("Authorization"));
	bool ok = value.ptr == NULL;

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		ok |= slice_equal_nocase(slice_part(value, 0, strlen(known[i])),
					 slice_of(known[i]));
	if (!ok)
		http_anomaly(tx, HTTP_AUTH_UNKNOWN);
}

/* --- requests --- */

/* RFC 9112 6.3 for requests. */
static enum step request_body(struct app_flow *f)
{
	struct http *h = f->parser;
	struct app_tx *tx = h->request;
	struct slice te = header_of(tx, APP_TO_SERVER, SLICE("Transfer-Encoding"));
	struct slice cl = header_of(tx, APP_TO_SERVER, SLICE("Content-Length"));
	const struct http_message *m = http_side(tx, APP_TO_SERVER);

	if (te.ptr != NULL) {
		if (app_http_find_nocase(te, SLICE("chunked")) == SIZE_MAX || m->version != 11)
			http_anomaly(tx, HTTP_REQ_TE);
		if (app_http_find_nocase(te, SLICE("chunked")) == SIZE_MAX)
			return STEP_STUCK;
		h->state[APP_TO_SERVER] = STATE_CHUNK_SIZE;
		return STEP_ON;
	}
	if (cl.ptr == NULL) {
		message_end(f, APP_TO_SERVER);
		return STEP_ON;
	}
	if (!content_length(tx, cl, &h->left[APP_TO_SERVER])) {
		http_anomaly(tx, HTTP_REQ_CL);
		return STEP_STUCK;
	}
	h->state[APP_TO_SERVER] = STATE_LENGTH;
	if (h->left[APP_TO_SERVER] == 0)
		message_end(f, APP_TO_SERVER);
	return STEP_ON;
}

static enum step request_head_end(struct app_flow *f)
{
	struct http *h = f->parser;
	struct app_tx *tx = h->request;

	check_host(f, tx);
	check_authorization(tx);
	app_http_body_start(tx, APP_TO_SERVER);
	if (slice_equal(http_side(tx, APP_TO_SERVER)->method, SLICE("CONNECT"))) {
		message_end(f, APP_TO_SERVER);
		h->state[APP_TO_SERVER] = STATE_TUNNEL_WAIT;
		return STEP_ON;
	}
	return request_body(f);
}

/* Behind a complete request, a line that begins no other: the client's body is longer than it
 * said, or it has one without saying so. */
static bool is_more_body(const struct http *h, struct slice line)
{
	struct slice word = slice_trim(line);
	size_t n = 0;

	if (h->tail == NULL || slice_find(line, SLICE(" HTTP/")) != SIZE_MAX)
		return false;
	while (n < word.len && !text_is_space(word.ptr[n]))
		n++;
	return !app_http_is_method(slice_part(word, 0, n));
}

static enum step step_request_line(struct app_flow *f, struct cursor *c, bool eof)
{
	struct http *h = f->parser;
	struct http_message *m;
	struct slice line;
	enum step s = take_line(f, c, eof, &line);

	if (s == STEP_MORE)
		return s;
	if (s == STEP_ON && without_end(line).len == 0) {
		if (h->tail != NULL)
			app_http_body(h->tail, APP_TO_SERVER, line);
		return STEP_ON; /* RFC 9112 2.2: skip empty lines before a request */
	}
	if (s == STEP_ON && is_more_body(h, line)) {
		http_anomaly(h->tail, HTTP_REQ_BODY_UNEXPECTED);
		app_http_body(h->tail, APP_TO_SERVER, line);
		return STEP_ON;
	}
	tail_end(h);
	late_end(h);
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
	if (setup_of(f)->twice_path || setup_of(f)->twice_query)
		app_http_uri_know(h->request);
	app_tx_advance(h->request, APP_TO_SERVER, HTTP_LINE);
	m = http_side(h->request, APP_TO_SERVER);
	h->state[APP_TO_SERVER] = m->protocol.ptr != NULL ? STATE_HEAD : STATE_SIMPLE;
	return STEP_ON;
}

static void simple_end(struct app_flow *f)
{
	struct http *h = f->parser;

	((struct http_tx *)h->request->data)->simple = true;
	app_tx_advance(h->request, APP_TO_SERVER, HTTP_HEAD);
	message_end(f, APP_TO_SERVER);
	h->state[APP_TO_SERVER] = STATE_IGNORE;
}

/* No protocol in the request line: a simple request of HTTP/0.9, unless something follows. */
static enum step step_simple(struct app_flow *f, const struct cursor *c, bool eof)
{
	struct http *h = f->parser;
	size_t n = 0, left = cursor_left(c);

	while (n < left && text_is_space(c->at[n]))
		n++;
	if (n < left || n > SIMPLE_JUNK_MAX) {
		http_anomaly(h->request, HTTP_NO_PROTOCOL);
		h->state[APP_TO_SERVER] = STATE_HEAD;
		return STEP_ON;
	}
	if (!eof)
		return STEP_MORE;
	simple_end(f);
	return STEP_ON;
}

/* --- responses --- */

/* A 100 is a message before the message: forget it, keep the transaction. */
static void interim(struct app_flow *f, struct app_tx *tx)
{
	struct http *h = f->parser;
	struct http_tx *x = tx->data;

	if (x->continued)
		http_anomaly(tx, HTTP_CONTINUE_TWICE);
	x->continued = true;
	x->side[APP_TO_CLIENT] =
		(struct http_message){.head = buf_in(&tx->arena), .body = buf_in(&tx->arena)};
	h->state[APP_TO_CLIENT] = STATE_LINE;
}

/* RFC 7540 3.2: the request is answered on stream 1, so HTTP/2's parser is given it. */
static void change_to_http2(struct app_flow *f, struct app_tx *tx)
{
	const struct http_message *m = http_side(tx, APP_TO_SERVER);
	struct buf out = buf_in(f->arena);

	app_change_to(f, "http2");
	buf_add(&out, m->line);
	for (size_t i = 0; i < m->header_count; i++) {
		buf_add_byte(&out, '\n');
		buf_add(&out, m->headers[i].name);
		buf_add_byte(&out, ':');
		buf_add(&out, m->headers[i].value);
	}
	if (!out.full)
		f->given = buf_slice(&out);
}

/* A tunnel, or another protocol: what follows is none of HTTP's. Only what the first transaction
 * of a flow asks for is followed; behind a later one the flow is left alone. */
static void tunnel(struct app_flow *f, struct app_tx *tx)
{
	struct slice upgrade = header_of(tx, APP_TO_CLIENT, SLICE("Upgrade"));

	app_tx_advance(tx, APP_TO_CLIENT, HTTP_HEAD);
	message_end(f, APP_TO_CLIENT);
	app_tx_advance(tx, APP_TO_SERVER, HTTP_DONE);
	late_end(f->parser);
	tail_end(f->parser);
	if (f->before != NULL && f->expected != NULL &&
	    !slice_equal(slice_of(f->expected), slice_of(f->protocol->name))) {
		http_anomaly(tx, HTTP_CHANGE_FAILED); /* it should not even be HTTP */
		f->stop_inspecting = true;
	} else if (http_side(tx, APP_TO_CLIENT)->status != 101) {
		(void)app_change(f, NULL);
	} else if (app_http_find_nocase(upgrade, SLICE("h2c")) != SIZE_MAX) {
		change_to_http2(f, tx);
	} else if (app_http_find_nocase(upgrade, SLICE("websocket")) != SIZE_MAX) {
		app_change_to(f, "websocket");
	} else {
		f->stop_inspecting = true;
	}
}

/* The server refuses a body that the client only wanted to send: it will not come. */
static void refuse_expected(struct app_flow *f, struct app_tx *tx)
{
	struct http *h = f->parser;

	if (h->request == tx && h->state[APP_TO_SERVER] == STATE_LENGTH &&
	    http_side(tx, APP_TO_SERVER)->body_bytes == 0 &&
	    slice_equal(header_of(tx, APP_TO_SERVER, SLICE("Expect")), SLICE("100-continue")))
		message_end(f, APP_TO_SERVER);
}

/* RFC 9112 6.3 for responses that may have a body. */
static enum step response_body(struct app_flow *f, struct slice te, struct slice cl)
{
	struct http *h = f->parser;
	struct app_tx *tx = h->response;
	const struct http_message *m = http_side(tx, APP_TO_CLIENT);
	struct slice type = header_of(tx, APP_TO_CLIENT, SLICE("Content-Type"));
	enum http_state *state = &h->state[APP_TO_CLIENT];

	if (te.ptr != NULL && app_http_find_nocase(te, SLICE("chunked")) != SIZE_MAX) {
		if (!slice_equal_nocase(te, SLICE("chunked")))
			http_anomaly(tx, HTTP_RES_TE_ABNORMAL);
		if (m->version == 9 || m->version == 10)
			http_anomaly(tx, HTTP_RES_CHUNKED_OLD);
		*state = STATE_CHUNK_SIZE;
	} else if (cl.ptr != NULL) {
		if (!content_length(tx, cl, &h->left[APP_TO_CLIENT])) {
			http_anomaly(tx, HTTP_RES_CL);
			return STEP_STUCK;
		}
		*state = STATE_LENGTH;
		if (h->left[APP_TO_CLIENT] == 0)
			message_end(f, APP_TO_CLIENT);
	} else {
		if (slice_equal_nocase(slice_part(type, 0, strlen("multipart/byteranges")),
				       SLICE("multipart/byteranges"))) {
			http_anomaly(tx, HTTP_BYTERANGES); /* its end is not known */
			return STEP_STUCK;
		}
		*state = STATE_TO_CLOSE;
	}
	return STEP_ON;
}

static enum step response_head_end(struct app_flow *f)
{
	struct http *h = f->parser;
	struct app_tx *tx = h->response;
	struct http_message *m = http_side(tx, APP_TO_CLIENT);
	struct slice method = http_side(tx, APP_TO_SERVER)->method;
	struct slice te = header_of(tx, APP_TO_CLIENT, SLICE("Transfer-Encoding"));
	struct slice cl = header_of(tx, APP_TO_CLIENT, SLICE("Content-Length"));
	bool connect = slice_equal(method, SLICE("CONNECT"));
	bool measured = te.ptr != NULL || cl.ptr != NULL;
	uint64_t length;

	if ((m->status == 101 && !measured) || (connect && m->status / 100 == 2)) {
		tunnel(f, tx);
		return STEP_ON;
	}
	if (m->status == 100 && te.ptr == NULL &&
	    !(app_http_length(cl, &length, NULL) && length != 0)) {
		interim(f, tx);
		return STEP_ON;
	}
	app_tx_advance(tx, APP_TO_CLIENT, HTTP_HEAD);
	app_http_body_start(tx, APP_TO_CLIENT);
	if (connect && h->state[APP_TO_SERVER] == STATE_TUNNEL_WAIT)
		h->state[APP_TO_SERVER] = STATE_LINE;
	if (m->status == 101)
		http_anomaly(tx, HTTP_SWITCH_LENGTH);
	if (m->status / 100 == 4)
		refuse_expected(f, tx);
	if (slice_equal(method, SLICE("HEAD"))) {
		message_end(f, APP_TO_CLIENT);
		return STEP_ON;
	}
	if (m->status / 100 == 1 || m->status == 204 || m->status == 304) {
		if (!measured) {
			message_end(f, APP_TO_CLIENT);
			return STEP_ON;
		}
		http_anomaly(tx, HTTP_RES_BODY_UNEXPECTED);
	}
	return response_body(f, te, cl);
}

/* A response begins, though nothing asked for it, or the request is still open. */
static enum step response_begin(struct app_flow *f)
{
	struct http *h = f->parser;

	late_end(h);
	if (h->response != NULL) {
		if (h->request == h->response && h->state[APP_TO_SERVER] == STATE_SIMPLE)
			simple_end(f);
		return STEP_ON;
	}
	if (tx_new(f) == NULL) /* becomes h->response */
		return STEP_STUCK;
	((struct http_tx *)h->response->data)->unasked = true;
	http_side(h->response, APP_TO_SERVER)->uri = SLICE("/libhtp::request_uri_not_seen");
	http_anomaly(h->response, HTTP_UNMATCHED);
	app_tx_advance(h->response, APP_TO_SERVER, HTTP_DONE);
	return STEP_ON;
}

/* What browsers take for a status line. */
static bool is_status_line(struct slice line)
{
	size_t n = 0;

	while (n < line.len && (text_is_space(line.ptr[n]) || line.ptr[n] == 0))
		n++;
	return slice_equal_nocase(slice_part(line, n, 4), SLICE("http"));
}

/* A line where a status line should be: body, or rubbish before a status line that follows. */
static enum step step_not_status(struct app_flow *f, struct cursor *c, bool eof, struct slice line)
{
	struct http *h = f->parser;
	struct http_message *m;
	size_t behind = cursor_left(c) - line.len;

	if (behind < 2 && !eof)
		return STEP_MORE;
	(void)cursor_take(c, line.len);
	if (behind > 1 && (c->at[0] == 'H' || without_end(line).len <= 2))
		return STEP_ON;
	if (response_begin(f) != STEP_ON)
		return STEP_STUCK;
	m = http_side(h->response, APP_TO_CLIENT);
	if (!m->body_begun)
		app_http_body_start(h->response, APP_TO_CLIENT);
	app_tx_advance(h->response, APP_TO_CLIENT, HTTP_HEAD);
	app_http_body(h->response, APP_TO_CLIENT, line);
	return STEP_ON;
}

/* The answer to a simple request is a body and nothing else. */
static bool is_simple(const struct http *h)
{
	return h->response != NULL &&
	       (((const struct http_tx *)h->response->data)->simple ||
		(h->request == h->response && h->state[APP_TO_SERVER] == STATE_SIMPLE));
}

static enum step step_status_line(struct app_flow *f, struct cursor *c, bool eof)
{
	struct http *h = f->parser;
	struct slice line = {NULL, 0};
	enum step s = look_status_line(f, c, eof, &line);

	if (is_simple(h)) {
		if (response_begin(f) != STEP_ON)
			return STEP_STUCK;
		app_tx_advance(h->response, APP_TO_CLIENT, HTTP_HEAD);
		app_http_body_start(h->response, APP_TO_CLIENT);
		h->state[APP_TO_CLIENT] = STATE_TO_CLOSE;
		return STEP_ON;
	}
	if (s == STEP_ON && h->late != NULL && !is_status_line(line)) {
		http_anomaly(h->late, HTTP_RES_BODY_UNEXPECTED); /* longer than it said */
		app_http_body(h->late, APP_TO_CLIENT, cursor_take(c, line.len));
		return STEP_ON;
	}
	if (s == STEP_ON && without_end(line).len == 0) {
		(void)cursor_take(c, line.len); /* between messages */
		return STEP_ON;
	}
	if (s == STEP_MORE)
		return s;
	if (s == STEP_ON && !is_status_line(line))
		return step_not_status(f, c, eof, line);
	if (response_begin(f) != STEP_ON)
		return STEP_STUCK;
	if (s == STEP_STUCK) {
		http_anomaly(h->response, HTTP_RES_TOO_LONG);
		return s;
	}
	(void)cursor_take(c, line.len);
	app_http_status_line(h->response, without_end(line));
	h->state[APP_TO_CLIENT] = STATE_HEAD;
	if (http_side(h->response, APP_TO_CLIENT)->status != 100)
		app_tx_advance(h->response, APP_TO_CLIENT, HTTP_LINE);
	return STEP_ON;
}

/* --- either --- */

static enum step step_head(struct app_flow *f, enum app_dir dir, struct cursor *c, bool eof)
{
	struct http *h = f->parser;
	struct app_tx *tx = current(h, dir);
	struct http_message *m = http_side(tx, dir);
	bool trailer = h->state[dir] == STATE_TRAILER;
	uint8_t skip;
	size_t used;
	enum http_heads r;

	if (cursor_left(c) == 0)
		return STEP_MORE;
	m->trailing = trailer; /* headers are final; a trailer stays in the raw header only */
	r = app_http_headers(tx, dir, cursor_rest(c), eof, &used, &skip);
	if (used != 0)
		buf_add(&m->head, cursor_take(c, used));
	if (dir == APP_TO_CLIENT)
		h->skip = skip;
	if (r == HTTP_HEADS_MORE && cursor_left(c) > setup_of(f)->line_most) {
		http_anomaly_of(tx, dir, HTTP_REQ_TOO_LONG, HTTP_RES_TOO_LONG);
		return STEP_STUCK;
	}
	if (r == HTTP_HEADS_MORE)
		return STEP_MORE;
	if (r == HTTP_HEADS_MANY)
		return STEP_STUCK;
	if (trailer) {
		message_end(f, dir);
		return STEP_ON;
	}
	if (dir == APP_TO_CLIENT)
		return response_head_end(f);
	app_tx_advance(tx, dir, HTTP_HEAD);
	return request_head_end(f);
}

/* The size of a chunk is no size: in a response, what follows is body to the end. */
static enum step chunk_broken(struct app_flow *f, enum app_dir dir)
{
	struct http *h = f->parser;

	http_anomaly_of(current(h, dir), dir, HTTP_REQ_CHUNK_LEN, HTTP_RES_CHUNK_LEN);
	if (dir == APP_TO_SERVER)
		return STEP_STUCK;
	h->state[dir] = STATE_TO_CLOSE;
	return STEP_ON;
}

/* RFC 9112 7.1: hexadecimal digits, then extensions, which nobody uses; blank lines before it. */
static enum step step_chunk_size(struct app_flow *f, enum app_dir dir, struct cursor *c, bool eof)
{
	struct http *h = f->parser;
	struct cursor look = *c;
	struct slice line, rest;
	enum step s;
	uint64_t size = 0;
	size_t n = 0;

	while (n < cursor_left(c) && c->at[n] != '\n' && text_is_space(c->at[n]))
		n++;
	if (n < cursor_left(c) && c->at[n] != '\n' && text_hex(c->at[n]) < 0)
		return chunk_broken(f, dir);
	s = take_line(f, &look, eof, &line);
	if (s == STEP_STUCK)
		return chunk_broken(f, dir);
	if (s == STEP_MORE)
		return s;
	rest = slice_trim(line);
	for (n = 0; n < rest.len && n <= 16 && text_hex(rest.ptr[n]) >= 0; n++)
		size = size << 4 | (uint64_t)text_hex(rest.ptr[n]);
	if (n > 16)
		return chunk_broken(f, dir);
	*c = look;
	if (rest.len == 0)
		return STEP_ON;
	if (size > INT32_MAX) { /* libhtp: no size at all; the next line may be one */
		http_anomaly_of(current(h, dir), dir, HTTP_REQ_CHUNK_LEN, HTTP_RES_CHUNK_LEN);
		return dir == APP_TO_SERVER ? STEP_STUCK : STEP_ON;
	}
	if (slice_find(slice_from(rest, n), SLICE(";")) != SIZE_MAX)
		http_anomaly_of(current(h, dir), dir, HTTP_CHUNK_EXTENSION,
				HTTP_RES_CHUNK_EXTENSION);
	h->left[dir] = size;
	h->state[dir] = size != 0 ? STATE_CHUNK_DATA : STATE_TRAILER;
	return STEP_ON;
}

static void counted_end(struct app_flow *f, enum app_dir dir)
{
	struct http *h = f->parser;

	if (h->state[dir] == STATE_CHUNK_DATA)
		h->state[dir] = STATE_CHUNK_END;
	else
		message_end(f, dir);
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
	if (h->left[dir] == 0)
		counted_end(f, dir);
	return STEP_ON;
}

/* A chunk ends with its line, whatever else is in that. */
static enum step step_chunk_end(struct http *h, enum app_dir dir, struct cursor *c)
{
	size_t left = cursor_left(c);
	const uint8_t *lf = left != 0 ? memchr(c->at, '\n', left) : NULL;

	(void)cursor_take(c, lf != NULL ? (size_t)(lf - c->at) + 1 : left);
	if (lf == NULL)
		return STEP_MORE;
	h->state[dir] = STATE_CHUNK_SIZE;
	return STEP_ON;
}

/* Bytes were lost: go on where a line begins a message. */
static enum step step_lost(struct app_flow *f, enum app_dir dir, struct cursor *c, bool eof)
{
	struct http *h = f->parser;
	struct cursor look = *c;
	struct slice line, word;
	enum step s = take_line(f, &look, eof, &line);
	size_t n = 0;

	if (s != STEP_ON)
		return s;
	word = slice_trim(line);
	while (n < word.len && !text_is_space(word.ptr[n]))
		n++;
	if (dir == APP_TO_SERVER ? app_http_is_method(slice_part(word, 0, n))
				 : slice_starts(line, SLICE("HTTP/")))
		h->state[dir] = STATE_LINE;
	else
		*c = look;
	return STEP_ON;
}

/* Line ends behind a head that hands over to another protocol are none of its bytes. */
static void line_ends_skip(struct cursor *c)
{
	while (cursor_left(c) != 0 && (*c->at == '\r' || *c->at == '\n'))
		(void)cursor_take(c, 1);
}

static enum step step(struct app_flow *f, enum app_dir dir, struct cursor *c, bool eof)
{
	struct http *h = f->parser;

	if (dir == APP_TO_CLIENT && h->skip != 0 && cursor_left(c) != 0) {
		if (*c->at == h->skip)
			(void)cursor_take(c, 1);
		h->skip = 0;
	}
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
		line_ends_skip(c);
		return STEP_MORE;
	case STATE_LOST:
		return step_lost(f, dir, c, eof);
	case STATE_TO_CLOSE:
		app_http_body(h->response, dir, cursor_take(c, cursor_left(c)));
		break;
	case STATE_IGNORE:
		(void)cursor_take(c, cursor_left(c));
		break;
	}
	return STEP_MORE;
}

/* Nothing more comes in this direction: what is open is as whole as it will be. */
static void direction_end(struct app_flow *f, enum app_dir dir)
{
	struct http *h = f->parser;
	struct app_tx *tx = current(h, dir);

	tail_end(h); /* nothing more is asked, or will be answered */
	if (dir == APP_TO_CLIENT)
		late_end(h);
	if (tx == NULL || (h->state[dir] == STATE_LINE && !http_side(tx, dir)->body_begun))
		return;
	message_end(f, dir);
	tail_end(h);
	late_end(h);
	h->state[dir] = STATE_IGNORE;
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct http *h = f->parser;
	struct cursor c = cursor_of(input);
	enum step s = STEP_ON;

	while (s == STEP_ON && !f->stop_inspecting && !f->changing) {
		const struct app_tx *before = current(h, dir);
		size_t at = input.len - cursor_left(&c);
		bool line = h->state[dir] == STATE_LINE;

		s = step(f, dir, &c, eof);
		if (h->frame[dir] == 0 && (h->ended[dir] || (line && h->state[dir] != STATE_LINE)))
			h->frame[dir] = app_frame_open(f, dir, (uint8_t)dir, at, -1,
						       before != NULL ? before : current(h, dir));
		if (h->ended[dir]) {
			app_frame_close(f, dir, h->frame[dir], input.len - cursor_left(&c));
			h->frame[dir] = 0;
			h->ended[dir] = false;
		}
	}
	if (f->changing)
		line_ends_skip(&c);
	else if (eof && s != STEP_STUCK)
		direction_end(f, dir);
	if (h->tail != NULL)
		app_http_file_end(h->tail, APP_TO_SERVER, FILE_CLOSED);
	if (h->late != NULL)
		app_http_file_end(h->late, APP_TO_CLIENT, FILE_CLOSED);
	return (struct app_result){s == STEP_STUCK ? APP_STUCK : APP_OK,
				   f->stop_inspecting ? input.len : input.len - cursor_left(&c)};
}

/* Only inside a body is it known what the missing bytes were. */
static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	struct http *h = f->parser;
	struct app_tx *tx = current(h, dir);
	uint64_t lost = missing;

	switch (h->state[dir]) {
	case STATE_LENGTH:
	case STATE_CHUNK_DATA:
		if (lost > h->left[dir])
			lost = h->left[dir];
		app_http_body_gap(tx, dir, lost);
		h->left[dir] -= lost;
		if (h->left[dir] == 0)
			counted_end(f, dir);
		if (lost == missing)
			return true;
		if (h->state[dir] != STATE_LINE)
			return false; /* the rest hides a chunk's size */
		h->state[dir] = STATE_LOST;
		return true;
	case STATE_TO_CLOSE:
		app_http_body_gap(tx, dir, missing);
		return true;
	case STATE_LOST:
	case STATE_IGNORE:
		return true;
	default:
		return false;
	}
}

static const char *const anomalies[] = {
#define X(id, name) #name,
	HTTP_ANOMALIES(X)
#undef X
		NULL,
};

static const struct app_hook hooks[] = {
	{"request_line", APP_TO_SERVER, HTTP_LINE},
	{"request_headers", APP_TO_SERVER, HTTP_HEAD},
	{"request_body", APP_TO_SERVER, HTTP_HEAD},
	{"request_trailer", APP_TO_SERVER, HTTP_DONE},
	{"response_line", APP_TO_CLIENT, HTTP_LINE},
	{"response_headers", APP_TO_CLIENT, HTTP_HEAD},
	{"response_body", APP_TO_CLIENT, HTTP_HEAD},
	{"response_trailer", APP_TO_CLIENT, HTTP_DONE},
	{0},
};

static const char *const frames[] = {
	[HTTP_FRAME_REQUEST] = "request", [HTTP_FRAME_RESPONSE] = "response", NULL};

APP_PROTOCOL(http) = {
	.name = "http",
	.spec = "RFC 9112, RFC 9110, RFC 1945",
	.transports = APP_TCP,
	.fields = app_http_fields,
	.anomalies = anomalies,
	.hooks = hooks,
	.frames = frames,
	.files = 1u << APP_TO_SERVER | 1u << APP_TO_CLIENT,
	.speaks_first = 1u << APP_TO_SERVER,
	.complete = {HTTP_DONE, HTTP_DONE},
	.parser_bytes = sizeof(struct http),
	.probe = app_http_probe,
	.parse = parse,
	.gap = gap,
	.log = app_http_log,
	.log_configure = app_http_log_configure,
	.configure = app_http_configure,
};
