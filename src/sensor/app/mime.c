/* SPDX-License-Identifier: Apache-2.0
 *
 * The message's lines: headers, boundaries, parts.
 *
 *	START --header line--> HEADERS --empty line--> BODY --boundary--> START
 *	  \________________empty line_________________/   \--last boundary--> BODY of what is around
 *	any --app_mime_end()--> ENDED
 *
 * 1. headers[0 .. main_headers) are the message's and stay; those behind are the part's.
 * 2. The sink has a part open exactly while `open` is set.
 * 3. A boundary of an outer multipart ends all that are in it.
 * 4. A boundary is its whole line: what stands behind it, in however many pieces, is nobody's.
 */
#include "sensor/app/mime_priv.h"

#include "base/text.h"

enum {
	LABEL_MAX = 32, /* bytes of a parameter's name with its section */
	SECTIONS_MAX = 64,
};

void app_mime_start(struct app_mime *m, const struct app_mime_options *o, struct app_mime_sink sink,
		    struct arena *a)
{
	*m = (struct app_mime){.options = o, .sink = sink, .arena = a, .readable = true};
	m->value = buf_in(a);
	m->value.most = MIME_VALUE_MAX;
	m->label = buf_in(a);
	m->label.most = MIME_HEADER_NAME_MAX;
	m->text = buf_in(a);
	m->text.most = MIME_URL_LINE_MAX;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* ---- parameters ---- */

/* "name=value" or name="value" off the front of *rest; false: nothing more. */
static bool param_next(struct slice *rest, struct slice *out_name, struct slice *out_value)
{
	size_t eq, i;

	while (rest->len != 0 && (is_space(rest->ptr[0]) || rest->ptr[0] == ';'))
		*rest = slice_from(*rest, 1);
	eq = slice_find(*rest, SLICE("="));
	if (eq == SIZE_MAX)
		return false;
	*out_name = slice_part(*rest, 0, eq);
	*rest = slice_from(*rest, eq + 1);
	if (rest->len != 0 && rest->ptr[0] == '"') {
		for (i = 1; i < rest->len && rest->ptr[i] != '"'; i++)
			if (rest->ptr[i] == '\\' && i + 1 < rest->len)
				i++;
		if (i < rest->len) {
			*out_value = slice_part(*rest, 1, i - 1);
			if (out_value->ptr == NULL)
				*out_value = SLICE("");
			*rest = slice_from(*rest, i + 1);
			return true;
		}
	}
	for (i = 0; i < rest->len && rest->ptr[i] != ';'; i++)
		;
	*out_value = slice_part(*rest, 0, i);
	*rest = slice_from(*rest, i);
	while (out_value->len != 0 && is_space(out_value->ptr[out_value->len - 1]))
		out_value->len--;
	if (out_value->ptr == NULL)
		*out_value = SLICE("");
	return true;
}

/* The last parameter of that name behind the first ';'. */
static struct slice param_find(struct slice value, struct slice name)
{
	struct slice found = {NULL, 0}, n, v;

	(void)slice_split(&value, ';');
	while (value.ptr != NULL && param_next(&value, &n, &v))
		if (slice_equal_nocase(n, name))
			found = v;
	return found;
}

/* RFC 2231 4: charset'language'text with %XX; without the quotes it is text alone. */
static void percent_add(struct buf *out, struct slice s, bool first)
{
	size_t quote;

	if (first && (quote = slice_find(s, SLICE("'"))) != SIZE_MAX) {
		struct slice behind = slice_from(s, quote + 1);

		if ((quote = slice_find(behind, SLICE("'"))) != SIZE_MAX)
			s = slice_from(behind, quote + 1);
	}
	for (size_t i = 0; i < s.len; i++) {
		int hi = s.ptr[i] == '%' && i + 2 < s.len ? text_hex(s.ptr[i + 1]) : -1;
		int lo = hi >= 0 ? text_hex(s.ptr[i + 2]) : -1;

		if (lo >= 0) {
			buf_add_byte(out, (uint8_t)(hi << 4 | lo));
			i += 2;
		} else {
			buf_add_byte(out, s.ptr[i]);
		}
	}
}

/* name*, name*7, name*7* in room; section < 0: none. */
static struct slice label(uint8_t room[LABEL_MAX], struct slice name, int section, bool encoded)
{
	size_t n = name.len;

	ASSERT(n + 4 <= LABEL_MAX && section < 100);
	memcpy(room, name.ptr, n);
	if (section >= 0)
		room[n++] = '*';
	if (section >= 10)
		room[n++] = (uint8_t)('0' + section / 10);
	if (section >= 0)
		room[n++] = (uint8_t)('0' + section % 10);
	if (encoded)
		room[n++] = '*';
	return (struct slice){room, n};
}

struct slice app_mime_param(struct slice value, struct slice name, struct arena *a)
{
	struct slice found = param_find(value, name);
	struct buf out = buf_in(a);
	uint8_t room[LABEL_MAX];
	bool any = false;

	if (found.ptr != NULL)
		return found;
	found = param_find(value, label(room, name, -1, true));
	if (found.ptr != NULL) {
		percent_add(&out, found, true);
		return out.full || out.ptr == NULL ? SLICE("") : buf_slice(&out);
	}
	for (int i = 0; i < SECTIONS_MAX; i++, any = true) {
		found = param_find(value, label(room, name, i, false));
		if (found.ptr != NULL) {
			buf_add(&out, found);
			continue;
		}
		found = param_find(value, label(room, name, i, true));
		if (found.ptr == NULL)
			break;
		percent_add(&out, found, i == 0);
	}
	if (!any)
		return (struct slice){NULL, 0};
	return out.full || out.ptr == NULL ? SLICE("") : buf_slice(&out);
}

/* ---- headers ---- */

/* A copy within MIME_KEPT_MAX; ptr NULL past it. */
static struct slice keep(struct app_mime *m, struct slice s)
{
	struct slice copy = {NULL, 0};

	if (s.len == 0 && s.ptr != NULL)
		return SLICE("");
	if (s.len > MIME_KEPT_MAX - m->kept)
		return copy;
	copy = arena_copy(m->arena, s);
	m->kept += copy.len;
	return copy;
}

struct slice app_mime_header(const struct app_mime *m, struct slice name, unsigned n)
{
	size_t count = m->main_done ? m->main_headers : m->header_count;

	for (size_t i = 0; i < count; i++)
		if (slice_equal_nocase(m->headers[i].name, name) && n-- == 0)
			return m->headers[i].value;
	return (struct slice){NULL, 0};
}

/* The header that was being read is whole. */
static void header_end(struct app_mime *m)
{
	size_t before = m->main_done ? m->main_headers : 0;
	struct app_mime_header h = {.name = m->name};

	if (m->name.ptr == NULL)
		return;
	h.value = m->value.len != 0 ? keep(m, buf_slice(&m->value)) : SLICE("");
	if (m->value.len > MIME_HEADER_VALUE_LONG)
		m->anomalies |= MIME_LONG_HEADER_VALUE;
	if (h.value.ptr != NULL && m->header_count - before < MIME_HEADERS_MAX)
		/* no memory: the header is left out */
		(void)ARENA_PUSH(m->arena, m->headers, m->header_count, m->header_room, h);
	m->name = (struct slice){NULL, 0};
}

/* Bytes of the header's value; what is past MIME_VALUE_MAX is left out. */
static void value_add(struct app_mime *m, struct slice s)
{
	buf_add(&m->value, slice_part(s, 0, MIME_VALUE_MAX - m->value.len));
}

/* Bytes of a line behind the colon, or of one that is folded. */
static void header_value(struct app_mime *m, struct slice s)
{
	while (m->line_is == MIME_LINE_SPACE && s.len != 0 && is_space(s.ptr[0]))
		s = slice_from(s, 1);
	if (s.len != 0)
		m->line_is = MIME_LINE_VALUE;
	value_add(m, s);
}

/* Bytes of a line that has had no colon yet. What has none, or too late, is no header. */
static void header_name(struct app_mime *m, struct slice s)
{
	size_t colon = slice_find(s, SLICE(":"));

	if (m->label.len + (colon == SIZE_MAX ? s.len : colon) > MIME_HEADER_NAME_MAX) {
		m->line_is = MIME_LINE_NOTHING;
		return;
	}
	buf_add(&m->label, slice_part(s, 0, colon));
	if (colon == SIZE_MAX)
		return;
	header_end(m);
	m->state = MIME_HEADERS;
	m->name = m->label.len != 0 ? keep(m, buf_slice(&m->label)) : SLICE("");
	if (m->label.len > MIME_HEADER_NAME_LONG)
		m->anomalies |= MIME_LONG_HEADER_NAME;
	m->value.len = 0;
	m->line_is = MIME_LINE_SPACE;
	header_value(m, slice_from(s, colon + 1));
}

/* A line in front of the body, or a piece of one. */
static void header_line(struct app_mime *m, struct slice piece, bool first)
{
	if (first) {
		m->label.len = 0;
		m->line_is = MIME_LINE_NAME;
		if (m->state == MIME_HEADERS && (piece.ptr[0] == ' ' || piece.ptr[0] == '\t')) {
			m->line_is = MIME_LINE_VALUE;
			piece = slice_from(piece, 1);
		}
	}
	if (m->line_is == MIME_LINE_NAME)
		header_name(m, piece);
	else if (m->line_is != MIME_LINE_NOTHING)
		header_value(m, piece);
}

/* ---- parts ---- */

static struct slice part_header(const struct app_mime *m, struct slice name)
{
	for (size_t i = m->main_done ? m->main_headers : 0; i < m->header_count; i++)
		if (slice_equal_nocase(m->headers[i].name, name))
			return m->headers[i].value;
	return (struct slice){NULL, 0};
}

static void boundary_push(struct app_mime *m, struct slice type)
{
	struct slice value = app_mime_param(type, SLICE("boundary"), m->arena);
	struct buf line = buf_in(m->arena);

	if (value.len == 0)
		return;
	if (value.len > MIME_BOUNDARY_MAX) {
		m->anomalies |= MIME_LONG_BOUNDARY;
		value = slice_part(value, 0, MIME_BOUNDARY_MAX);
	}
	if (m->depth == MIME_DEPTH_MAX || value.len + 2 > MIME_KEPT_MAX - m->kept)
		return;
	buf_add_z(&line, "--");
	buf_add(&line, value);
	m->kept += line.len;
	if (!line.full)
		m->boundaries[m->depth++] = buf_slice(&line);
}

static void part_open(struct app_mime *m, struct slice disposition, struct slice type)
{
	struct slice name = app_mime_param(disposition, SLICE("filename"), m->arena);

	if (name.len == 0)
		name = app_mime_param(type, SLICE("name"), m->arena);
	if (name.len == 0)
		return;
	if (name.len > MIME_NAME_MAX) {
		m->anomalies |= MIME_LONG_FILENAME;
		name = slice_part(name, 0, MIME_NAME_MAX);
	}
	name = keep(m, name);
	if (name.ptr == NULL)
		return;
	if (m->attachment_count < MIME_ATTACHMENTS_MAX)
		m->attachments[m->attachment_count++] = name;
	m->open = true;
	m->sink.open(m->sink.ctx, name);
}

/* The empty line behind the headers: what kind of part is it? */
static void headers_end(struct app_mime *m)
{
	struct slice type = part_header(m, SLICE("content-type")), kind = type, encoding;

	header_end(m);
	type = part_header(m, SLICE("content-type"));
	encoding = slice_trim(part_header(m, SLICE("content-transfer-encoding")));
	kind = type;
	kind = slice_trim(slice_split(&kind, ';'));
	m->encoding = MIME_PLAIN;
	if (slice_equal_nocase(encoding, SLICE("base64")))
		m->encoding = MIME_BASE64;
	else if (slice_equal_nocase(encoding, SLICE("quoted-printable")))
		m->encoding = MIME_QP;
	m->readable = kind.len == 0 || slice_equal_nocase(kind, SLICE("text/plain")) ||
		      slice_equal_nocase(kind, SLICE("text/html"));
	m->message = slice_equal_nocase(kind, SLICE("message/rfc822"));
	part_open(m, part_header(m, SLICE("content-disposition")), type);
	boundary_push(m, type);
	if (!m->main_done) {
		m->main_done = true;
		m->main_headers = m->header_count;
		m->md5_state = m->options->body_md5 ? MIME_MD5_ON : MIME_MD5_NONE;
		crypto_md5_init(&m->md5);
	}
	m->state = MIME_BODY;
	if (m->message && !m->open) { /* what comes are the headers of the message in it */
		m->header_count = m->main_headers;
		m->state = MIME_START;
	}
}

static void part_close(struct app_mime *m)
{
	app_mime_decode_end(m);
	if (m->open)
		m->sink.close(m->sink.ctx);
	m->open = false;
	m->encoding = MIME_PLAIN;
	m->readable = false;
	m->header_count = m->main_headers;
	m->name = (struct slice){NULL, 0};
}

/* Is the line a boundary? Then the part is over, and so are all in it. */
static bool boundary_line(struct app_mime *m, struct slice line)
{
	if (line.len < 2 || line.ptr[0] != '-' || line.ptr[1] != '-')
		return false;
	for (uint8_t i = m->depth; i > 0; i--) {
		struct slice b = m->boundaries[i - 1];

		if (!slice_starts(line, b))
			continue;
		part_close(m);
		m->depth = i;
		m->state = MIME_START;
		if (slice_starts(slice_from(line, b.len), SLICE("--"))) {
			m->depth--;
			m->state = MIME_BODY; /* an epilogue: nobody's */
		}
		return true;
	}
	return false;
}

static void md5_add(struct app_mime *m, struct slice full)
{
	if (m->main_done && m->md5_state == MIME_MD5_ON)
		crypto_md5_add(&m->md5, full);
}

void app_mime_line(struct app_mime *m, struct slice piece, uint8_t end)
{
	bool first = !m->in_line;

	if (m->state == MIME_ENDED)
		return;
	m->line_bytes = (first ? 0 : m->line_bytes) + piece.len;
	m->in_line = end == 0;
	if (m->line_bytes > MIME_LINE_LONG)
		m->anomalies |= MIME_LONG_LINE;
	md5_add(m, (struct slice){piece.ptr, piece.len + end});
	if (first)
		m->in_boundary = m->main_done && boundary_line(m, piece);
	if (m->in_boundary)
		return;
	if (m->state == MIME_BODY) {
		app_mime_decode(m, piece, end);
		return;
	}
	if (first && piece.len == 0 && end != 0)
		headers_end(m);
	else if (piece.len != 0)
		header_line(m, piece, first);
}

void app_mime_end(struct app_mime *m)
{
	if (m->state == MIME_ENDED)
		return;
	header_end(m);
	part_close(m);
	if (!m->main_done) {
		m->main_headers = m->header_count;
		m->main_done = true;
	}
	if (m->md5_state == MIME_MD5_ON) {
		crypto_md5_end(&m->md5, m->body_md5);
		m->md5_state = MIME_MD5_DONE;
	}
	m->state = MIME_ENDED;
}
