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

	if (s->len == 0)
		return *s; /* ptr may be NULL */
	while (n < s->len && text_is_space(s->ptr[n]) == space)
		n++;
	part = (struct slice){s->ptr, n};
	*s = (struct slice){s->ptr + n, s->len - n};
	return part;
}

/* "HTTP/1.1", in either case, with white space around the slash and zeros before the number. */
static uint8_t version_of(struct slice protocol)
{
	struct slice rest = protocol;

	(void)take_while_space(&rest, true);
	if (!slice_equal_nocase(slice_part(rest, 0, 4), SLICE("HTTP")))
		return 0;
	rest = slice_from(rest, 4);
	(void)take_while_space(&rest, true);
	if (rest.len == 0 || rest.ptr[0] != '/')
		return 0;
	rest = slice_from(rest, 1);
	while (rest.len != 0 && (text_is_space(rest.ptr[0]) || rest.ptr[0] == '0'))
		rest = slice_from(rest, 1);
	rest = slice_trim(rest);
	if (slice_equal(rest, SLICE("1.1")))
		return 11;
	if (slice_equal(rest, SLICE("1.0")))
		return 10;
	return slice_equal(rest, SLICE(".9")) ? 9 : 0;
}

/* The target, taken off the front of *rest: up to the first space, or to the last if targets may
 * have spaces in them; up to any white space if there is no space. */
static struct slice target_take(struct app_tx *tx, struct slice *rest)
{
	bool spaces = http_setup_of(tx)->uri_spaces, odd = false;
	struct slice uri, whole = slice_trim(*rest);
	size_t n = SIZE_MAX, any = SIZE_MAX;

	for (size_t i = 0; i < whole.len; i++) {
		if (whole.ptr[i] == ' ' && (n == SIZE_MAX || spaces))
			n = i;
		if (text_is_space(whole.ptr[i]) && (any == SIZE_MAX || spaces))
			any = i;
	}
	uri = slice_trim(slice_part(whole, 0, n));
	for (size_t i = 0; i < uri.len; i++)
		odd |= text_is_space(uri.ptr[i]) && uri.ptr[i] != ' ';
	if (odd)
		http_anomaly(tx, HTTP_URI_DELIM);
	if (odd && n == SIZE_MAX) {
		n = any;
		uri = slice_trim(slice_part(whole, 0, n));
	}
	*rest = n == SIZE_MAX ? (struct slice){NULL, 0} : slice_trim(slice_from(whole, n));
	return uri;
}

void app_http_request_line(struct app_tx *tx, struct slice line)
{
	struct http_message *m = http_side(tx, APP_TO_SERVER);
	struct slice rest, gap;
	const uint8_t *nul;

	m->line = copy(tx, line);
	rest = m->line;
	if (rest.ptr == NULL)
		return;
	nul = http_setup_of(tx)->apache && rest.len != 0 ? memchr(rest.ptr, 0, rest.len) : NULL;
	if (nul != NULL)
		rest.len = (size_t)(nul - rest.ptr);
	if (take_while_space(&rest, true).len != 0)
		http_anomaly(tx, HTTP_LINE_SPACE);
	m->method = take_while_space(&rest, false);
	gap = take_while_space(&rest, true);
	for (size_t i = 0; i < gap.len; i++)
		if (gap.ptr[i] != ' ')
			http_anomaly(tx, HTTP_METHOD_DELIM);
	m->version = 9;
	if (rest.len == 0)
		return;
	m->uri = target_take(tx, &rest);
	if (rest.len == 0)
		return;
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
	while (rest.len != 0 && (text_is_space(rest.ptr[0]) || rest.ptr[0] == 0))
		rest = (struct slice){rest.ptr + 1, rest.len - 1};
	m->protocol = take_while_space(&rest, false);
	m->version = version_of(m->protocol);
	if (m->version == 0)
		http_anomaly(tx, HTTP_RES_PROTOCOL);
	if (take_while_space(&rest, true).len != 0)
		m->code = take_while_space(&rest, false);
	if (m->code.len <= 8 && text_u64(m->code, 100, 999, &status) && m->code.ptr[1] != 'x')
		m->status = (uint16_t)status;
	else
		http_anomaly(tx, HTTP_RES_STATUS);
	if (m->code.len != 0 && take_while_space(&rest, true).len != 0)
		m->reason = rest;
}

/* nocase, NULs in a left out, as some servers read. */
bool app_http_equal_nozero(struct slice a, struct slice b)
{
	size_t n = 0;

	for (size_t i = 0; i < a.len; i++) {
		if (a.ptr[i] == 0)
			continue;
		if (n == b.len || text_lower(a.ptr[i]) != text_lower(b.ptr[n]))
			return false;
		n++;
	}
	return n == b.len;
}

size_t app_http_find_nocase(struct slice s, struct slice word)
{
	for (size_t i = 0; i < s.len; i++) {
		size_t n = 0;

		for (size_t k = i; k < s.len && n < word.len; k++) {
			if (s.ptr[k] == 0 && n != 0)
				continue;
			if (text_lower(s.ptr[k]) != text_lower(word.ptr[n]))
				break;
			n++;
		}
		if (n == word.len)
			return i;
	}
	return SIZE_MAX;
}

const struct http_header *app_http_header_find(const struct http_message *m, struct slice name)
{
	for (size_t i = 0; i < m->header_count; i++)
		if (m->headers[i].name.len >= name.len &&
		    app_http_equal_nozero(m->headers[i].name, name))
			return &m->headers[i];
	return NULL;
}

static bool is_token_byte(uint8_t c)
{
	return c > ' ' && c < 0x7f && strchr("()<>@,;:\\\"/[]?={}", c) == NULL;
}

/* libhtp takes the first number in the value and forgives what is around it. */
bool app_http_length(struct slice value, uint64_t *out, unsigned *out_odd)
{
	size_t from = 0, n = 0;
	struct slice digits;

	value = slice_trim(value);
	while (from < value.len && !text_is_digit(value.ptr[from]))
		from++;
	digits = slice_from(value, from);
	while (n < digits.len && text_is_digit(digits.ptr[n]))
		n++;
	if (out_odd != NULL)
		*out_odd = (from != 0 ? HTTP_ODD_START : 0) | (n != digits.len ? HTTP_ODD_END : 0);
	return text_u64(slice_part(digits, 0, n), 0, INT64_MAX, out);
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
		uint64_t first, second;

		if (!app_http_length(old->value, &first, NULL) ||
		    !app_http_length(value, &second, NULL) || first != second)
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
	struct http_header *old = NULL;
	struct http_header h = {0};

	value = slice_trim(value);
	for (size_t i = 0; i < m->header_count && old == NULL; i++)
		if (slice_equal_nocase(m->headers[i].name, name))
			old = &m->headers[i];
	if (old != NULL) {
		repeat(tx, dir, old, value);
		return true;
	}
	if (m->header_count >= http_setup_of(tx)->headers_most) {
		http_anomaly_of(tx, dir, HTTP_REQ_HEADERS_MANY, HTTP_RES_HEADERS_MANY);
		return false;
	}
	h.name = copy(tx, name);
	h.value = copy(tx, value);
	if (h.name.ptr != NULL && h.value.ptr != NULL)
		(void)ARENA_PUSH(&tx->arena, m->headers, m->header_count, m->header_room, h);
	return true; /* without memory the header is lost, the message is not */
}

/* --- header blocks ---
 *
 * A block is read header by header from the bytes that are there. A response may end its lines in
 * LF, CR, CRLF or LFCR, in any mix, since some browser reads each of them; a request in LF or CRLF.
 * A line that begins in white space, or in NUL, goes on with the one before, unless (in a response)
 * it looks like a header of its own. What cannot be told before more bytes are there waits. */

enum found { NOT, FOUND, MORE };

struct scan {
	struct slice s;
	bool response;
	bool last; /* no more will come */
};

static uint8_t at(const struct scan *k, size_t i)
{
	return i < k->s.len ? k->s.ptr[i] : 0;
}

/* The bytes at `i` are `text`? MORE: so far they are. */
static enum found is_text(const struct scan *k, size_t i, const char *text)
{
	size_t n = strlen(text);

	for (size_t j = 0; j < n; j++) {
		if (i + j >= k->s.len)
			return k->last ? NOT : MORE;
		if (k->s.ptr[i + j] != (uint8_t)text[j])
			return NOT;
	}
	return FOUND;
}

/* The line end at i as it should be; 0: none. One byte decides only when there is but one. */
static size_t plain_end(const struct scan *k, size_t i)
{
	if (i >= k->s.len)
		return 0;
	if (at(k, i) == '\n')
		return k->response && at(k, i + 1) == '\r' ? 2 : 1;
	if (at(k, i) == '\r')
		return i + 1 < k->s.len && at(k, i + 1) == '\n' ? 2 : k->response ? 1 : 0;
	return 0;
}

/* LF CR CR LF before an empty line is one line end. */
static enum found odd_end_lf(const struct scan *k, size_t i, size_t *out)
{
	enum found f = is_text(k, i, "\n\r\r\n"), lf, crlf;

	*out = 4;
	if (f != FOUND) {
		if (f == MORE || k->response || is_text(k, i, "\n\r") != FOUND)
			return f;
		*out = 2;
		return is_text(k, i + 2, "\r\n");
	}
	lf = is_text(k, i + 4, "\n");
	crlf = is_text(k, i + 4, "\r\n");
	return lf == FOUND || crlf == FOUND ? FOUND : lf == MORE || crlf == MORE ? MORE : NOT;
}

/* CRLF CR and more CRs and blanks, then perhaps LF, but no empty line: one line end. */
static enum found odd_end_cr(const struct scan *k, size_t i, size_t *out)
{
	enum found f = is_text(k, i, "\r\n\r"), lf, crlf;
	size_t n = i + 3;

	if (f != FOUND)
		return f;
	while (n < k->s.len && (at(k, n) == '\r' || at(k, n) == ' ' || at(k, n) == '\t'))
		n++;
	if (n == k->s.len)
		return k->last ? NOT : MORE;
	if (n == i + 3)
		return NOT;
	n += at(k, n) == '\n';
	lf = is_text(k, n, "\n");
	crlf = is_text(k, n, "\r\n");
	*out = n - i;
	return lf == FOUND || crlf == FOUND ? NOT : lf == MORE || crlf == MORE ? MORE : FOUND;
}

static enum found line_end(const struct scan *k, size_t i, size_t *out)
{
	enum found f = odd_end_lf(k, i, out);

	if (f == NOT && k->response)
		f = odd_end_cr(k, i, out);
	if (f != NOT)
		return f;
	*out = plain_end(k, i);
	return *out != 0 ? FOUND : NOT;
}

static bool is_fold(uint8_t c)
{
	return c == ' ' || c == '\t' || c == 0;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* One line of a value, from i: where its text ends, where the next begins, and whether that goes
 * on with it (then it begins with the folding byte). */
struct value_line {
	size_t text_end, end_bytes, next;
	bool folded;
};

static enum found value_line(const struct scan *k, size_t i, struct value_line *out)
{
	const uint8_t *from = k->s.ptr + i, *end = NULL, *cr;
	size_t n;
	enum found f;

	if (i < k->s.len)
		end = memchr(from, '\n', k->s.len - i);
	if (k->response && i < k->s.len) {
		cr = memchr(from, '\r', end != NULL ? (size_t)(end - from) : k->s.len - i);
		end = cr != NULL ? cr : end;
	}
	if (end == NULL)
		return MORE;
	out->text_end = (size_t)(end - k->s.ptr);
	if (!k->response && out->text_end > i && end[-1] == '\r')
		out->text_end--;
	n = plain_end(k, out->text_end);
	if (out->text_end + n >= k->s.len && !k->last)
		return MORE;
	out->folded = n != 0 && out->text_end + n < k->s.len && is_fold(at(k, out->text_end + n));
	if (!out->folded) {
		f = line_end(k, out->text_end, &n);
		if (f != FOUND)
			return f;
		if (out->text_end + n >= k->s.len && !k->last)
			return MORE;
	}
	out->end_bytes = n;
	out->next = out->text_end + n;
	return FOUND;
}

/* "name:", perhaps between blanks: a header, though its line began in white space. */
static enum found looks_like_header(const struct scan *k, size_t i)
{
	size_t from;

	while (i < k->s.len && is_blank(at(k, i)))
		i++;
	from = i;
	while (i < k->s.len && is_token_byte(at(k, i)))
		i++;
	if (i == from)
		return i == k->s.len && !k->last ? MORE : NOT;
	while (i < k->s.len && is_blank(at(k, i)))
		i++;
	if (i == k->s.len)
		return k->last ? NOT : MORE;
	return at(k, i) == ':' ? FOUND : NOT;
}

/* The value that begins at i, folded lines joined; *out_next is where the next header begins. */
static enum found value_take(const struct scan *k, size_t i, struct arena *a, struct slice *out,
			     size_t *out_next)
{
	struct value_line l;
	struct buf joined = buf_in(a);
	enum found f = value_line(k, i, &l);

	if (f != FOUND)
		return f;
	*out = (struct slice){k->s.ptr + i, l.text_end - i};
	*out_next = l.next;
	if (!l.folded)
		return FOUND;
	for (i = *out_next = l.next + 1;;) {
		uint8_t fold = at(k, i - 1);

		if (k->response) {
			f = looks_like_header(k, i);
			if (f == MORE)
				return MORE;
			if (f == FOUND) {
				*out_next = i;
				return FOUND;
			}
		}
		f = value_line(k, i, &l);
		if (f != FOUND)
			return f;
		if (joined.len == 0)
			buf_add(&joined, *out);
		if (joined.len != 0)
			buf_add_byte(&joined, fold);
		buf_add(&joined, (struct slice){k->s.ptr + i, l.text_end - i});
		*out = buf_slice(&joined);
		if (l.text_end != i || l.end_bytes > 1 || at(k, l.next) == '\n')
			*out_next = l.next + l.folded; /* else the line end ends the block */
		if (!l.folded || joined.full || joined.len > HTTP_LINE_MAX)
			return FOUND;
		i = l.next + 1;
	}
}

/* Where the colon of the header at 0 is; SIZE_MAX: none in its line, nor in one folded to it. */
static size_t colon_find(const struct scan *k)
{
	uint8_t ended = 0;

	for (size_t i = 0; i < k->s.len; i++) {
		uint8_t c = k->s.ptr[i];

		if (ended == 0 && c == ':')
			return i;
		if (ended == 0)
			ended = c == '\n' || (k->response && c == '\r') ? c : 0;
		else if (c == ' ')
			ended = 0;
		else if (c == '\n' && ended == '\r')
			ended = c;
		else
			return SIZE_MAX;
	}
	return SIZE_MAX;
}

static void name_check(struct app_tx *tx, enum app_dir dir, struct slice name)
{
	struct slice bare = slice_trim(name);

	if (name.len != 0 && is_blank(name.ptr[0]))
		http_anomaly_of(tx, dir, HTTP_REQ_FOLDING, HTTP_RES_FOLDING);
	for (size_t i = 0; i < bare.len; i++)
		if (!is_token_byte(bare.ptr[i]))
			http_anomaly_of(tx, dir, HTTP_REQ_HEADER_INVALID, HTTP_RES_HEADER_INVALID);
}

/* The header at the front of k; *out_next: what it took. */
static enum found header_take(struct app_tx *tx, enum app_dir dir, const struct scan *k,
			      size_t *out_next, bool *out_fits)
{
	struct arena scratch = {.pool = tx->arena.pool};
	size_t colon = colon_find(k), from = colon == SIZE_MAX ? 0 : colon + 1;
	struct slice name = slice_part(k->s, 0, colon == SIZE_MAX ? 0 : colon), value;
	enum found f;

	while (colon != SIZE_MAX && from < k->s.len && is_blank(at(k, from)))
		from++;
	f = value_take(k, from, &scratch, &value, out_next);
	if (f == FOUND) {
		name_check(tx, dir, name);
		if (colon == SIZE_MAX)
			http_anomaly_of(tx, dir, HTTP_REQ_COLON, HTTP_RES_COLON);
		*out_fits = http_side(tx, dir)->trailing ||
			    app_http_header_add(tx, dir, slice_trim(name), value);
	}
	arena_reset(&scratch);
	return f;
}

enum http_heads app_http_headers(struct app_tx *tx, enum app_dir dir, struct slice in, bool last,
				 size_t *out_used, uint8_t *out_skip)
{
	struct scan k = {in, dir == APP_TO_CLIENT, last};
	struct http_message *m = http_side(tx, dir);
	size_t n;
	bool fits = true;

	*out_used = 0;
	*out_skip = 0;
	while (k.s.len != 0) {
		if (at(&k, 0) == '\r' && k.s.len == 1 && !last)
			return HTTP_HEADS_MORE;
		n = plain_end(&k, 0);
		if (n == 1 && at(&k, 0) == '\r' && !m->block_begun && k.s.len > 1)
			n = 0; /* before the first header: an empty one */
		if (n != 0) {
			m->block_begun = false; /* an empty line ends the block; a CR of LFCR may
						   come later */
			if (k.response && at(&k, 0) == '\n') {
				*out_skip = '\r';
				n = 1;
			}
			*out_used += n;
			return HTTP_HEADS_END;
		}
		if (header_take(tx, dir, &k, &n, &fits) != FOUND)
			return HTTP_HEADS_MORE;
		m->block_begun = true;
		*out_used += n;
		k.s = slice_from(k.s, n);
		if (!fits)
			return HTTP_HEADS_MANY;
	}
	return HTTP_HEADS_MORE;
}
