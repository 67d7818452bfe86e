/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines and headers of HTTP/1 messages: RFC 9112 2-5, read as leniently as libhtp does, since what
 * matters is what some server or browser may have understood.
 */
#include "base/text.h"
#include "sensor/app/http_priv.h"

/* A copy whose ptr is set even if s is empty: "there, and empty" is not "absent". */
static struct slice copy(struct app_tx *tx, struct slice s)
{
	uint8_t *p = ARENA_ARRAY(&tx->arena, uint8_t, s.len + 1);

	if (p == NULL)
		return (struct slice){NULL, 0};
	if (s.len != 0)
		memcpy(p, s.ptr, s.len);
	return (struct slice){p, s.len};
}

static struct slice take_while_space(struct slice *s, bool space)
{
	size_t n = 0;
	struct slice part;

	while (n < s->len && text_is_space(s->ptr[n]) == space)
		n++;
	part = (struct slice){s->ptr, n};
	*s = (struct slice){s->ptr + n, s->len - n};
	return part;
}

static uint8_t version_of(struct slice protocol)
{
	if (slice_equal(protocol, SLICE("HTTP/1.1")))
		return 11;
	if (slice_equal(protocol, SLICE("HTTP/1.0")))
		return 10;
	return slice_equal(protocol, SLICE("HTTP/0.9")) ? 9 : 0;
}

void app_http_request_line(struct app_tx *tx, struct slice line)
{
	struct http_message *m = http_side(tx, APP_TO_SERVER);
	struct slice rest, gap;
	size_t n = 0;

	m->line = copy(tx, line);
	rest = m->line;
	if (rest.ptr == NULL)
		return;
	if (take_while_space(&rest, true).len != 0)
		http_anomaly(tx, HTTP_LINE_SPACE);
	m->method = take_while_space(&rest, false);
	gap = take_while_space(&rest, true);
	for (size_t i = 0; i < gap.len; i++)
		if (gap.ptr[i] != ' ')
			http_anomaly(tx, HTTP_METHOD_DELIM);
	if (rest.len == 0) {
		m->version = 9;
		return;
	}
	while (n < rest.len && rest.ptr[n] != ' ')
		n++;
	m->uri = (struct slice){rest.ptr, n};
	if (n == rest.len) { /* no space: then any white space ends the target */
		m->uri = take_while_space(&rest, false);
		if (rest.len != 0)
			http_anomaly(tx, HTTP_URI_DELIM);
	} else {
		rest = (struct slice){rest.ptr + n, rest.len - n};
	}
	rest = slice_trim(rest);
	if (rest.len == 0) {
		m->version = 9;
		return;
	}
	m->protocol = rest;
	m->version = version_of(rest);
}

void app_http_status_line(struct app_tx *tx, struct slice line)
{
	struct http_message *m = http_side(tx, APP_TO_CLIENT);
	struct slice rest;
	uint64_t status;

	m->line = copy(tx, line);
	rest = m->line;
	if (rest.ptr == NULL)
		return;
	take_while_space(&rest, true);
	m->protocol = take_while_space(&rest, false);
	m->version = version_of(m->protocol);
	if (m->version == 0)
		http_anomaly(tx, HTTP_RES_PROTOCOL);
	take_while_space(&rest, true);
	m->code = take_while_space(&rest, false);
	if (m->code.len == 3 && text_u64(m->code, 100, 999, &status))
		m->status = (uint16_t)status;
	else
		http_anomaly(tx, HTTP_RES_STATUS);
	take_while_space(&rest, true);
	m->reason = rest;
}

const struct http_header *app_http_header_find(const struct http_message *m, struct slice name)
{
	for (size_t i = 0; i < m->header_count; i++)
		if (slice_equal_nocase(m->headers[i].name, name))
			return &m->headers[i];
	return NULL;
}

bool app_http_has_word(struct slice value, struct slice word)
{
	while (value.ptr != NULL) {
		struct slice part = slice_trim(slice_split(&value, ','));

		if (slice_equal_nocase(slice_trim(slice_split(&part, ';')), word))
			return true;
	}
	return false;
}

static bool is_token(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f ||
		    strchr("()<>@,;:\\\"/[]?={}", s.ptr[i]) != NULL)
			return false;
	return s.len != 0;
}

/* A header that came before: its values are joined, but a length is not. */
static void repeat(struct app_tx *tx, enum app_dir dir, struct http_header *old, struct slice value)
{
	struct http_message *m = http_side(tx, dir);
	struct buf joined = buf_in(&tx->arena);

	if (old->repeated && m->repeats++ >= HTTP_REPEATS_MAX)
		return;
	if (!old->repeated)
		http_anomaly_of(tx, dir, HTTP_REQ_HEADER_REPEATED, HTTP_RES_HEADER_REPEATED);
	old->repeated = true;
	if (slice_equal_nocase(old->name, SLICE("Content-Length"))) {
		if (!slice_equal(old->value, value))
			http_anomaly_of(tx, dir, HTTP_REQ_CL_TWICE, HTTP_RES_CL_TWICE);
		return;
	}
	buf_add(&joined, old->value);
	buf_add_z(&joined, ", ");
	buf_add(&joined, value);
	if (!joined.full)
		old->value = buf_slice(&joined);
}

bool app_http_header_add(struct app_tx *tx, enum app_dir dir, struct slice name, struct slice value)
{
	struct http_message *m = http_side(tx, dir);
	const struct http_header *old = name.len ? app_http_header_find(m, name) : NULL;
	struct http_header h = {0};

	value = slice_trim(value);
	if (old != NULL) {
		repeat(tx, dir, &m->headers[old - m->headers], value);
		return true;
	}
	if (m->header_count >= HTTP_HEADERS_MAX) {
		http_anomaly_of(tx, dir, HTTP_REQ_HEADERS_MANY, HTTP_RES_HEADERS_MANY);
		return false;
	}
	h.name = copy(tx, name);
	h.value = copy(tx, value);
	if (h.name.ptr != NULL && h.value.ptr != NULL)
		(void)ARENA_PUSH(&tx->arena, m->headers, m->header_count, m->header_room, h);
	return true; /* without memory the header is lost, the message is not */
}

/* The pending header is whole. */
static bool commit(struct app_tx *tx, enum app_dir dir)
{
	struct http_message *m = http_side(tx, dir);
	struct slice value, name, whole = buf_slice(&m->pending);
	const uint8_t *colon = whole.len ? memchr(whole.ptr, ':', whole.len) : NULL;

	if (!m->has_pending)
		return true;
	m->has_pending = false;
	m->pending.len = 0; /* the bytes stay until the next line */
	if (colon != NULL) {
		name = (struct slice){whole.ptr, (size_t)(colon - whole.ptr)};
		value = (struct slice){colon + 1, whole.len - name.len - 1};
		if (!is_token(name))
			http_anomaly_of(tx, dir, HTTP_REQ_HEADER_INVALID, HTTP_RES_HEADER_INVALID);
		name = slice_trim(name);
	} else {
		name = (struct slice){whole.ptr, 0};
		value = whole;
		http_anomaly_of(tx, dir, HTTP_REQ_COLON, HTTP_RES_COLON);
	}
	return app_http_header_add(tx, dir, name, value);
}

bool app_http_header_line(struct app_tx *tx, enum app_dir dir, struct slice line)
{
	struct http_message *m = http_side(tx, dir);
	bool folded = line.len != 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t');

	if (folded && m->has_pending) {
		if (m->pending.len < HTTP_LINE_MAX) {
			buf_add_byte(&m->pending, ' ');
			buf_add(&m->pending, slice_trim(line));
		}
		return true;
	}
	if (folded)
		http_anomaly_of(tx, dir, HTTP_REQ_FOLDING, HTTP_RES_FOLDING);
	if (!commit(tx, dir))
		return false;
	buf_add(&m->pending, line);
	m->has_pending = true;
	return true;
}

bool app_http_headers_end(struct app_tx *tx, enum app_dir dir)
{
	return commit(tx, dir);
}
