/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP/1 responses: status lines and what is taken for one, what a head means for the flow, and
 * which body follows (RFC 9112 4 and 6.3). http.c has the states and their invariants.
 */
#include "base/text.h"
#include "sensor/app/http_flow_priv.h"

/* The next line of a response, which CR, LF or CRLF may end; not taken yet. */
static enum step look_status_line(const struct app_flow *f, const struct cursor *c, bool eof,
				  struct slice *out)
{
	size_t left = cursor_left(c), most = http_flow_setup(f)->line_most, n = 0;

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
	struct slice upgrade = http_header_of(tx, APP_TO_CLIENT, SLICE("Upgrade"));

	app_tx_advance(tx, APP_TO_CLIENT, HTTP_HEAD);
	app_http_message_end(f, APP_TO_CLIENT);
	app_tx_advance(tx, APP_TO_SERVER, HTTP_DONE);
	app_http_late_end(f->parser);
	app_http_tail_end(f->parser);
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
	    slice_equal(http_header_of(tx, APP_TO_SERVER, SLICE("Expect")), SLICE("100-continue")))
		app_http_message_end(f, APP_TO_SERVER);
}

/* RFC 9112 6.3 for responses that may have a body. */
static enum step response_body(struct app_flow *f, struct slice te, struct slice cl)
{
	struct http *h = f->parser;
	struct app_tx *tx = h->response;
	const struct http_message *m = http_side(tx, APP_TO_CLIENT);
	struct slice type = http_header_of(tx, APP_TO_CLIENT, SLICE("Content-Type"));
	enum http_state *state = &h->state[APP_TO_CLIENT];

	if (te.ptr != NULL && app_http_find_nocase(te, SLICE("chunked")) != SIZE_MAX) {
		if (!slice_equal_nocase(te, SLICE("chunked")))
			http_anomaly(tx, HTTP_RES_TE_ABNORMAL);
		if (m->version == 9 || m->version == 10)
			http_anomaly(tx, HTTP_RES_CHUNKED_OLD);
		*state = STATE_CHUNK_SIZE;
	} else if (cl.ptr != NULL) {
		if (!app_http_content_length(tx, cl, &h->left[APP_TO_CLIENT])) {
			http_anomaly(tx, HTTP_RES_CL);
			return STEP_STUCK;
		}
		*state = STATE_LENGTH;
		if (h->left[APP_TO_CLIENT] == 0)
			app_http_message_end(f, APP_TO_CLIENT);
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

enum step app_http_response_head_end(struct app_flow *f)
{
	struct http *h = f->parser;
	struct app_tx *tx = h->response;
	struct http_message *m = http_side(tx, APP_TO_CLIENT);
	struct slice method = http_side(tx, APP_TO_SERVER)->method;
	struct slice te = http_header_of(tx, APP_TO_CLIENT, SLICE("Transfer-Encoding"));
	struct slice cl = http_header_of(tx, APP_TO_CLIENT, SLICE("Content-Length"));
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
		app_http_message_end(f, APP_TO_CLIENT);
		return STEP_ON;
	}
	if (m->status / 100 == 1 || m->status == 204 || m->status == 304) {
		if (!measured) {
			app_http_message_end(f, APP_TO_CLIENT);
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

	app_http_late_end(h);
	if (h->response != NULL) {
		if (h->request == h->response && h->state[APP_TO_SERVER] == STATE_SIMPLE)
			app_http_simple_end(f);
		return STEP_ON;
	}
	if (app_http_tx_new(f) == NULL) /* becomes h->response */
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
	if (behind > 1 && (c->at[0] == 'H' || http_without_end(line).len <= 2))
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

enum step app_http_step_status_line(struct app_flow *f, struct cursor *c, bool eof)
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
	if (s == STEP_ON && app_http_has_late(h) && !is_status_line(line)) {
		app_http_late_more(f, cursor_take(c, line.len));
		return STEP_ON;
	}
	if (s == STEP_ON && http_without_end(line).len == 0) {
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
	app_http_status_line(h->response, http_without_end(line));
	h->state[APP_TO_CLIENT] = STATE_HEAD;
	if (http_side(h->response, APP_TO_CLIENT)->status != 100)
		app_tx_advance(h->response, APP_TO_CLIENT, HTTP_LINE);
	return STEP_ON;
}
