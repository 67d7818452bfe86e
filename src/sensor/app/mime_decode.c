/* SPDX-License-Identifier: Apache-2.0
 *
 * The bodies of parts: transfer encodings (RFC 2045 6) undone piece by piece, and the addresses in
 * text. What does not belong into an encoding is an anomaly and left out.
 */
#include "sensor/app/mime_priv.h"

#include "base/text.h"

enum { OUT_BYTES = 1024 }; /* decoded at once */

/* ---- addresses ---- */

static size_t find_nocase(struct slice s, struct slice lower)
{
	for (size_t i = 0; i + lower.len <= s.len; i++) {
		size_t n = 0;

		while (n < lower.len && text_lower(s.ptr[i + n]) == lower.ptr[n])
			n++;
		if (n == lower.len)
			return i;
	}
	return SIZE_MAX;
}

static size_t url_length(struct slice s)
{
	size_t n = 0;

	while (n < s.len && memchr(" \"'<>]\t\r\n", s.ptr[n], 9) == NULL)
		n++;
	return n;
}

static void urls_of_scheme(struct app_mime *m, struct slice line, struct slice scheme)
{
	size_t at;

	while (m->url_count < MIME_URLS_MAX && (at = find_nocase(line, scheme)) != SIZE_MAX) {
		struct slice url = slice_from(line, at);
		struct slice kept;

		url.len = url_length(url);
		kept = m->options->url_schemes_kept ? url : slice_from(url, scheme.len);
		kept = arena_copy(m->arena, kept);
		if (kept.len != 0)
			m->urls[m->url_count++] = kept;
		line = slice_from(line, at + (url.len > scheme.len ? url.len : scheme.len));
	}
}

static void urls_of_line(struct app_mime *m, struct slice line)
{
	for (size_t i = 0; i < m->options->scheme_count; i++)
		urls_of_scheme(m, line, m->options->schemes[i]);
}

/* Decoded text: addresses are looked for in whole lines, at most MIME_URL_LINE_MAX bytes long. */
static void text_add(struct app_mime *m, struct slice bytes)
{
	if (!m->options->urls || !(m->readable || m->open))
		return;
	while (bytes.len != 0) {
		size_t lf = slice_find(bytes, SLICE("\n"));
		struct slice line = slice_part(bytes, 0, lf == SIZE_MAX ? lf : lf + 1);
		struct slice fits = slice_part(line, 0, MIME_URL_LINE_MAX - m->text.len);

		buf_add(&m->text, fits);
		bytes = slice_from(bytes, fits.len);
		if ((lf != SIZE_MAX && fits.len == line.len) || m->text.len == MIME_URL_LINE_MAX) {
			urls_of_line(m, buf_slice(&m->text));
			m->text.len = 0;
		}
		if (m->text.full)
			return;
	}
}

static void give(struct app_mime *m, struct slice bytes)
{
	if (bytes.len == 0)
		return;
	text_add(m, bytes);
	if (m->open)
		m->sink.data(m->sink.ctx, bytes);
}

/* ---- encodings ---- */

static int base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (text_is_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One group of four; returns how many bytes it is. */
static size_t quad_decode(const uint8_t quad[4], uint8_t out[3])
{
	unsigned v = (unsigned)base64_value(quad[0]) << 18 | (unsigned)base64_value(quad[1]) << 12;

	if (quad[2] != '=')
		v |= (unsigned)base64_value(quad[2]) << 6;
	if (quad[2] != '=' && quad[3] != '=')
		v |= (unsigned)base64_value(quad[3]);
	out[0] = (uint8_t)(v >> 16);
	out[1] = (uint8_t)(v >> 8);
	out[2] = (uint8_t)v;
	return quad[2] == '=' ? 1 : quad[3] == '=' ? 2 : 3;
}

static void base64_add(struct app_mime *m, struct slice in)
{
	uint8_t out[OUT_BYTES];
	size_t n = 0;

	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.ptr[i];

		if (base64_value(c) < 0 && !(c == '=' && m->quads >= 2)) {
			if (!text_is_space(c))
				m->anomalies |= MIME_INVALID_BASE64;
			continue;
		}
		if (m->quads == 3 && m->quad[2] == '=' && c != '=') {
			m->anomalies |= MIME_INVALID_BASE64;
			continue;
		}
		m->quad[m->quads++] = c;
		if (m->quads < 4)
			continue;
		m->quads = 0;
		n += quad_decode(m->quad, out + n);
		if (n + 3 > sizeof out) {
			give(m, (struct slice){out, n});
			n = 0;
		}
	}
	give(m, (struct slice){out, n});
}

/* What of a group came before the part ended, its padding left out. */
static void base64_end(struct app_mime *m)
{
	uint8_t out[3];

	if (m->quads < 2)
		return;
	while (m->quads < 4)
		m->quad[m->quads++] = '=';
	give(m, (struct slice){out, quad_decode(m->quad, out)});
}

/* The line end in front of a boundary is the boundary's: it is held until more comes. */
static void end_give(struct app_mime *m)
{
	if (m->ends != 0)
		give(m, (struct slice){m->end, m->ends});
	m->ends = 0;
}

static void end_hold(struct app_mime *m, struct slice line_end)
{
	for (size_t i = 0; i < line_end.len && i < sizeof m->end; i++)
		m->end[m->ends++] = line_end.ptr[i];
}

/* RFC 2045 6.7 with capital digits, as the RFC wants them; lower ones are read and said. */
static bool qp_byte(struct app_mime *m, uint8_t c, uint8_t *out)
{
	int hi, lo;

	if (m->escapes == 0 && c != '=') {
		*out = c;
		return true;
	}
	if (m->escapes < 2) {
		m->escape[m->escapes++] = c;
		return false;
	}
	m->escapes = 0;
	hi = text_hex(m->escape[1]);
	lo = text_hex(c);
	if (hi < 0 || lo < 0) {
		m->anomalies |= MIME_INVALID_QP;
		return false;
	}
	*out = (uint8_t)(hi << 4 | lo);
	return true;
}

static void qp_add(struct app_mime *m, struct slice in, struct slice line_end)
{
	uint8_t out[OUT_BYTES], byte;
	size_t n = 0;

	end_give(m);
	for (size_t i = 0; i < in.len; i++) {
		if (qp_byte(m, in.ptr[i], &byte))
			out[n++] = byte;
		if (n == sizeof out) {
			give(m, (struct slice){out, n});
			n = 0;
		}
	}
	give(m, (struct slice){out, n});
	if (line_end.len == 0)
		return;
	if (m->escapes == 0)
		end_hold(m, line_end);
	else if (m->escapes == 2) /* "=X" and no second digit; "=" alone joins the lines */
		m->anomalies |= MIME_INVALID_QP;
	m->escapes = 0;
}

static void plain_add(struct app_mime *m, struct slice in, struct slice line_end)
{
	end_give(m);
	give(m, in);
	end_hold(m, line_end);
}

void app_mime_decode(struct app_mime *m, struct slice piece, uint8_t end)
{
	struct slice line_end = {piece.ptr + piece.len, end};

	if (end == 0)
		line_end = (struct slice){NULL, 0};
	if (m->encoding != MIME_PLAIN && m->line_bytes > MIME_ENCODED_LINE_LONG)
		m->anomalies |= MIME_LONG_ENC_LINE;
	switch (m->encoding) {
	case MIME_PLAIN:
		plain_add(m, piece, line_end);
		break;
	case MIME_BASE64:
		if (m->options->base64)
			base64_add(m, piece);
		break;
	case MIME_QP:
		if (m->options->quoted_printable)
			qp_add(m, piece, line_end);
		break;
	}
}

void app_mime_decode_end(struct app_mime *m)
{
	base64_end(m);
	if (m->text.len != 0)
		urls_of_line(m, buf_slice(&m->text));
	m->text.len = 0;
	m->quads = m->escapes = m->ends = 0;
}
