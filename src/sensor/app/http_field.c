/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP's rule buffers, as Suricata 8 defines them (docs/formats/buffers.md), and its record. What
 * takes copying is built when first asked for, and then kept with the transaction.
 */
#include "base/text.h"
#include "sensor/app/http_priv.h"

#define TO_SERVER (1u << APP_TO_SERVER)
#define TO_CLIENT (1u << APP_TO_CLIENT)
#define EITHER (TO_SERVER | TO_CLIENT)

static const struct slice none = {NULL, 0};

/* A getter that gives one header of the direction asked for. */
#define HEADER_GETTER(fn, name)                                                                    \
	static struct slice fn(struct app_tx *tx, enum app_dir dir, unsigned n)                    \
	{                                                                                          \
		return n == 0 ? http_header_of(tx, dir, SLICE(name)) : none;                       \
	}
HEADER_GETTER(get_user_agent, "User-Agent")
HEADER_GETTER(get_referer, "Referer")
HEADER_GETTER(get_accept, "Accept")
HEADER_GETTER(get_accept_enc, "Accept-Encoding")
HEADER_GETTER(get_accept_lang, "Accept-Language")
HEADER_GETTER(get_connection, "Connection")
HEADER_GETTER(get_content_type, "Content-Type")
HEADER_GETTER(get_content_len, "Content-Length")
HEADER_GETTER(get_server, "Server")
HEADER_GETTER(get_location, "Location")

/* A getter that gives one member of the message. */
#define MEMBER_GETTER(fn, side, member)                                                            \
	static struct slice fn(struct app_tx *tx, enum app_dir dir, unsigned n)                    \
	{                                                                                          \
		(void)dir;                                                                         \
		return n == 0 ? http_side(tx, side)->member : none;                                \
	}
MEMBER_GETTER(get_method, APP_TO_SERVER, method)
MEMBER_GETTER(get_uri_raw, APP_TO_SERVER, uri)
MEMBER_GETTER(get_request_line, APP_TO_SERVER, line)
MEMBER_GETTER(get_response_line, APP_TO_CLIENT, line)
MEMBER_GETTER(get_protocol, dir, protocol)
MEMBER_GETTER(get_stat_code, APP_TO_CLIENT, code)
MEMBER_GETTER(get_stat_msg, APP_TO_CLIENT, reason)

void app_http_uri_know(struct app_tx *tx)
{
	struct http_message *m = http_side(tx, APP_TO_SERVER);
	const struct http_setup *s = http_setup_of(tx);
	bool twice = false;

	if (m->has_uri)
		return;
	m->has_uri = true;
	if (!slice_equal(m->method, SLICE("CONNECT")))
		m->normal_uri = app_http_uri_normal(m->uri, s, &tx->arena, &twice);
	if (twice)
		http_anomaly(tx, HTTP_DOUBLE_ENCODED);
}

static struct slice get_uri(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	(void)dir;
	if (n != 0)
		return none;
	app_http_uri_know(tx);
	return http_side(tx, APP_TO_SERVER)->normal_uri;
}

/* The host that the request is for, as it came: from the target if that has one. */
static struct slice host_raw(struct app_tx *tx)
{
	struct http_message *m = http_side(tx, APP_TO_SERVER);
	struct slice host = app_http_target(m->uri).host;

	if (m->version == 20)
		host = http_header_of(tx, APP_TO_SERVER, SLICE(":authority"));
	else if (slice_equal(m->method, SLICE("CONNECT")) && !slice_starts(m->uri, SLICE("/")))
		host = m->uri; /* RFC 9112 3.2.3; a path is none */
	return host.ptr != NULL ? host : http_header_of(tx, APP_TO_SERVER, SLICE("Host"));
}

struct slice app_http_host(struct app_tx *tx)
{
	struct http_message *m = http_side(tx, APP_TO_SERVER);
	struct slice raw, port;

	if (m->has_host)
		return m->normal_host;
	raw = host_raw(tx);
	if (raw.ptr == NULL)
		return none;
	(void)app_http_host_normal(raw, &tx->arena, &m->normal_host, &port);
	m->has_host = tx->progress[APP_TO_SERVER] >= HTTP_HEAD;
	return m->normal_host;
}

static struct slice get_host(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	(void)dir;
	return n == 0 ? app_http_host(tx) : none;
}

static struct slice get_host_raw(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	(void)dir;
	return n == 0 ? host_raw(tx) : none;
}

static struct slice get_cookie(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	if (n != 0)
		return none;
	return http_header_of(tx, dir,
			      dir == APP_TO_SERVER ? SLICE("Cookie") : SLICE("Set-Cookie"));
}

static bool is_cookie(enum app_dir dir, struct slice name)
{
	return slice_equal_nocase(name,
				  dir == APP_TO_SERVER ? SLICE("Cookie") : SLICE("Set-Cookie"));
}

static void add_header(struct buf *out, const struct http_header *h)
{
	buf_add(out, h->name);
	buf_add_z(out, ": ");
	buf_add(out, h->value);
	buf_add_z(out, "\r\n");
}

/* What buf holds, never absent; empty if memory ran out. */
static struct slice built(const struct buf *b)
{
	return b->full || b->ptr == NULL ? SLICE("") : buf_slice(b);
}

static struct slice get_header(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	struct http_message *m = http_side(tx, dir);
	struct buf out = buf_in(&tx->arena);

	if (n != 0 || tx->progress[dir] < HTTP_HEAD)
		return none;
	if (m->has_headers)
		return m->headers_normal;
	for (size_t i = 0; i < m->header_count; i++)
		if (!is_cookie(dir, m->headers[i].name))
			add_header(&out, &m->headers[i]);
	m->headers_normal = out.len != 0 ? built(&out) : none;
	m->has_headers = true;
	return m->headers_normal;
}

static struct slice get_header_raw(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct http_message *m = http_side(tx, dir);

	return n == 0 && m->head.len != 0 ? buf_slice(&m->head) : none;
}

static struct slice get_header_names(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	struct http_message *m = http_side(tx, dir);
	struct buf out = buf_in(&tx->arena);

	if (n != 0 || tx->progress[dir] < HTTP_HEAD || m->header_count == 0)
		return none;
	if (m->has_names)
		return m->names;
	buf_add_z(&out, "\r\n");
	for (size_t i = 0; i < m->header_count; i++) {
		buf_add(&out, m->headers[i].name);
		buf_add_z(&out, "\r\n");
	}
	buf_add_z(&out, "\r\n");
	m->names = built(&out);
	m->has_names = true;
	return m->names;
}

static struct slice get_start(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	struct http_message *m = http_side(tx, dir);
	struct buf out = buf_in(&tx->arena);

	if (n != 0 || tx->progress[dir] < HTTP_HEAD || m->line.ptr == NULL || m->version == 20)
		return none;
	if (m->has_start)
		return m->start;
	buf_add(&out, m->line);
	buf_add_z(&out, "\r\n");
	for (size_t i = 0; i < m->header_count; i++)
		add_header(&out, &m->headers[i]);
	buf_add_z(&out, "\r\n");
	m->start = built(&out);
	m->has_start = true;
	return m->start;
}

static struct slice get_one_header(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct http_message *m = http_side(tx, dir);
	struct buf out = buf_in(&tx->arena);
	struct http_header *h;

	if (tx->progress[dir] < HTTP_HEAD || n >= m->header_count)
		return none;
	h = &m->headers[n];
	if (h->both.ptr == NULL) {
		buf_add(&out, h->name);
		buf_add_z(&out, ": ");
		buf_add(&out, h->value);
		h->both = built(&out);
	}
	return h->both;
}

static struct slice get_header_name(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct http_message *m = http_side(tx, dir);

	return m->version == 20 && tx->progress[dir] >= HTTP_HEAD && n < m->header_count
		       ? m->headers[n].name
		       : none;
}

static struct slice get_body(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct http_message *m = http_side(tx, dir);

	return n == 0 && m->body.len != 0 ? buf_slice(&m->body) : none;
}

#define LINE (HTTP_LINE - 1)
#define HEAD (HTTP_HEAD - 1)
#define BODY (HTTP_DONE - 1)

const struct app_field app_http_fields[] = {
	{"http.method", TO_SERVER, LINE, false, false, get_method, "The request's method."},
	{"http.uri", TO_SERVER, LINE, false, false, get_uri,
	 "Path, query and fragment of the target: decoded, separators and dot segments "
	 "normalised."},
	{"http.uri.raw", TO_SERVER, LINE, false, false, get_uri_raw, "The target as it came."},
	{"http.request_line", TO_SERVER, LINE, false, false, get_request_line,
	 "The request line without its end."},
	{"http.protocol", EITHER, LINE, false, false, get_protocol,
	 "The protocol of the request or status line, e.g. HTTP/1.1."},
	{"http.host", TO_SERVER, HEAD, false, false, get_host,
	 "The host asked for: of the target, else of Host; lower case, without port."},
	{"http.host.raw", TO_SERVER, HEAD, false, false, get_host_raw,
	 "The host asked for, as it came, with the port of a Host header."},
	{"http.user_agent", TO_SERVER, HEAD, false, false, get_user_agent, "User-Agent's value."},
	{"http.referer", TO_SERVER, HEAD, false, false, get_referer, "Referer's value."},
	{"http.cookie", EITHER, HEAD, false, false, get_cookie,
	 "Cookie's value in requests, Set-Cookie's in responses."},
	{"http.accept", TO_SERVER, HEAD, false, false, get_accept, "Accept's value."},
	{"http.accept_enc", TO_SERVER, HEAD, false, false, get_accept_enc,
	 "Accept-Encoding's value."},
	{"http.accept_lang", TO_SERVER, HEAD, false, false, get_accept_lang,
	 "Accept-Language's value."},
	{"http.connection", EITHER, HEAD, false, false, get_connection, "Connection's value."},
	{"http.content_type", EITHER, HEAD, false, false, get_content_type,
	 "Content-Type's value."},
	{"http.content_len", EITHER, HEAD, false, false, get_content_len,
	 "Content-Length's value."},
	{"http.header", EITHER, HEAD, false, false, get_header,
	 "All headers but cookies, each as \"name: value\" CRLF; repeated ones joined by \", \"."},
	{"http.header.raw", EITHER, HEAD, false, false, get_header_raw,
	 "The header lines as they came, with the empty line."},
	{"http.header_names", EITHER, HEAD, false, false, get_header_names,
	 "CRLF, then each header's name and CRLF, then CRLF."},
	{"http.start", EITHER, HEAD, false, false, get_start,
	 "The request or status line, all headers, and the empty line."},
	{"http.request_header", TO_SERVER, HEAD, false, true, get_one_header,
	 "Each request header by itself, as \"name: value\"."},
	{"http.response_header", TO_CLIENT, HEAD, false, true, get_one_header,
	 "Each response header by itself, as \"name: value\"."},
	{"http.request_body", TO_SERVER, BODY, true, false, get_body,
	 "The beginning of the request's body, content codings undone."},
	{"http.response_body", TO_CLIENT, BODY, true, false, get_body,
	 "The beginning of the response's body, content codings undone."},
	{"http.stat_code", TO_CLIENT, LINE, false, false, get_stat_code, "The status code."},
	{"http.stat_msg", TO_CLIENT, LINE, false, false, get_stat_msg,
	 "The text behind the status code."},
	{"http.response_line", TO_CLIENT, LINE, false, false, get_response_line,
	 "The status line without its end."},
	{"http.server", TO_CLIENT, HEAD, false, false, get_server, "Server's value."},
	{"http.location", TO_CLIENT, HEAD, false, false, get_location, "Location's value."},
	{"http2.header_name", EITHER, HEAD, false, true, get_header_name,
	 "Each header's name by itself."},
	{"http2.frametype", EITHER, BODY, true, false, app_http2_types, "The types of frames.",
	 APP_NUMBERS, app_http2_type_words},
	{"http2.errorcode", EITHER, BODY, true, false, app_http2_errors,
	 "The codes of GOAWAY and RST_STREAM.", APP_NUMBERS, app_http2_error_words},
	{"http2.priority", EITHER, BODY, true, false, app_http2_weights,
	 "The weights of HEADERS and PRIORITY.", APP_NUMBERS, NULL},
	{"http2.window", EITHER, BODY, true, false, app_http2_windows,
	 "The increments of WINDOW_UPDATE.", APP_NUMBERS, NULL},
	{"http2.size_update", EITHER, BODY, true, false, app_http2_sizes,
	 "New sizes of the table of fields.", APP_NUMBERS, NULL},
	{"http2.settings.pairs", EITHER, BODY, true, false, app_http2_settings,
	 "The settings: identifier, value, identifier..., for http2.settings."},
	{0},
};
