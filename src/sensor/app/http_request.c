/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP/1 requests: their lines, what their heads must say, and which body follows (RFC 9112 3 and
 * 6.3). http.c has the states and their invariants.
 */
#include "base/text.h"
#include "sensor/app/http_flow_priv.h"

enum { SIMPLE_JUNK_MAX = 16 }; /* white space behind a simple request: libhtp's */

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
	struct slice value = http_header_of(tx, APP_TO_SERVER, SLICE("Authorization"));
	bool ok = value.ptr == NULL;

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		ok |= slice_equal_nocase(slice_part(value, 0, strlen(known[i])),
					 slice_of(known[i]));
	if (!ok)
		http_anomaly(tx, HTTP_AUTH_UNKNOWN);
}

/* RFC 9112 6.3 for requests. */
static enum step request_body(struct app_flow *f)
{
	struct http *h = f->parser;
	struct app_tx *tx = h->request;
	struct slice te = http_header_of(tx, APP_TO_SERVER, SLICE("Transfer-Encoding"));
	struct slice cl = http_header_of(tx, APP_TO_SERVER, SLICE("Content-Length"));
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
		app_http_message_end(f, APP_TO_SERVER);
		return STEP_ON;
	}
	if (!app_http_content_length(tx, cl, &h->left[APP_TO_SERVER])) {
		http_anomaly(tx, HTTP_REQ_CL);
		return STEP_STUCK;
	}
	h->state[APP_TO_SERVER] = STATE_LENGTH;
	if (h->left[APP_TO_SERVER] == 0)
		app_http_message_end(f, APP_TO_SERVER);
	return STEP_ON;
}

enum step app_http_request_head_end(struct app_flow *f)
{
	struct http *h = f->parser;
	struct app_tx *tx = h->request;

	check_host(f, tx);
	check_authorization(tx);
	app_http_body_start(tx, APP_TO_SERVER);
	if (slice_equal(http_side(tx, APP_TO_SERVER)->method, SLICE("CONNECT"))) {
		app_http_message_end(f, APP_TO_SERVER);
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

enum step app_http_step_request_line(struct app_flow *f, struct cursor *c, bool eof)
{
	struct http *h = f->parser;
	struct http_message *m;
	struct slice line;
	enum step s = app_http_take_line(f, c, eof, &line);

	if (s == STEP_MORE)
		return s;
	if (s == STEP_ON && http_without_end(line).len == 0) {
		if (h->tail != NULL)
			app_http_body(h->tail, APP_TO_SERVER, line);
		return STEP_ON; /* RFC 9112 2.2: skip empty lines before a request */
	}
	if (s == STEP_ON && is_more_body(h, line)) {
		http_anomaly(h->tail, HTTP_REQ_BODY_UNEXPECTED);
		app_http_body(h->tail, APP_TO_SERVER, line);
		return STEP_ON;
	}
	app_http_tail_end(h);
	app_http_late_end(h);
	h->request = app_http_tx_new(f);
	if (h->request == NULL)
		return STEP_STUCK;
	if (s == STEP_STUCK) {
		http_anomaly(h->request, HTTP_REQ_TOO_LONG);
		return s;
	}
	if (line.ptr[line.len - 1] != '\n')
		http_anomaly(h->request, HTTP_REQ_LINE_INCOMPLETE);
	app_http_request_line(h->request, http_without_end(line));
	if (http_flow_setup(f)->twice_path || http_flow_setup(f)->twice_query)
		app_http_uri_know(h->request);
	app_tx_advance(h->request, APP_TO_SERVER, HTTP_LINE);
	m = http_side(h->request, APP_TO_SERVER);
	h->state[APP_TO_SERVER] = m->protocol.ptr != NULL ? STATE_HEAD : STATE_SIMPLE;
	return STEP_ON;
}

void app_http_simple_end(struct app_flow *f)
{
	struct http *h = f->parser;

	((struct http_tx *)h->request->data)->simple = true;
	app_tx_advance(h->request, APP_TO_SERVER, HTTP_HEAD);
	app_http_message_end(f, APP_TO_SERVER);
	h->state[APP_TO_SERVER] = STATE_IGNORE;
}

/* No protocol in the request line: a simple request of HTTP/0.9, unless something follows. */
enum step app_http_step_simple(struct app_flow *f, const struct cursor *c, bool eof)
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
	app_http_simple_end(f);
	return STEP_ON;
}
