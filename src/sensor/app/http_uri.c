/* SPDX-License-Identifier: Apache-2.0
 *
 * The normal form of a request target, which is what rules match: what a lenient server would look
 * for. RFC 3986 3 (parts), 6.2.2 (percent-decoding, dot segments). Beyond it, as libhtp does for
 * Suricata's "IDS" personality: %uXXXX, backslash as slash, runs of slashes as one, UTF-8 folded to
 * one byte a character. The query is decoded once and otherwise left alone; '+' stays.
 */
#include "base/text.h"
#include "sensor/app/http_priv.h"

/* Part of *rest up to the first byte that is one of `ends`, taken off the front of *rest. */
static struct slice until(struct slice *rest, const char *ends)
{
	size_t n = 0;
	struct slice part;

	while (n < rest->len && (rest->ptr[n] == '\0' || strchr(ends, rest->ptr[n]) == NULL))
		n++;
	part = slice_part(*rest, 0, n);
	if (part.ptr == NULL)
		part.ptr = rest->ptr;
	if (n != 0) /* ptr may be NULL */
		*rest = (struct slice){rest->ptr + n, rest->len - n};
	return part;
}

static struct slice after(struct slice s, size_t n)
{
	return n == 0 ? s : (struct slice){s.ptr + n, s.len - n};
}

/* "host:port" or "[v6]:port" into its parts. */
static void split_port(struct slice s, struct slice *host, struct slice *port)
{
	size_t n = 0;

	if (s.len != 0 && s.ptr[0] == '[')
		while (n < s.len && s.ptr[n] != ']')
			n++;
	while (n < s.len && s.ptr[n] != ':')
		n++;
	*host = (struct slice){s.ptr, n};
	*port = n < s.len ? after(s, n + 1) : (struct slice){NULL, 0};
}

struct http_target app_http_target(struct slice uri)
{
	struct http_target t = {0};
	struct slice rest = uri, authority;
	const uint8_t *colon;

	if (uri.len == 0)
		return t;
	/* what does not begin with a slash and has a colon begins with a scheme, as libhtp sees it
	 */
	colon = uri.ptr[0] != '/' && uri.ptr[0] != '?' ? memchr(uri.ptr, ':', uri.len) : NULL;
	if (colon != NULL) {
		t.scheme = (struct slice){uri.ptr, (size_t)(colon - uri.ptr)};
		rest = after(uri, t.scheme.len + 1);
		if (slice_starts(rest, SLICE("//")) && (rest.len == 2 || rest.ptr[2] != '/'))
			rest = after(rest, 2);
		if (rest.len != 0 && rest.ptr[0] != '/') {
			authority = until(&rest, "/?#");
			for (size_t i = authority.len; i > 0; i--)
				if (authority.ptr[i - 1] == '@') {
					authority = after(authority, i);
					break;
				}
			split_port(authority, &t.host, &t.port);
		}
	}
	if (rest.len != 0 && rest.ptr[0] != '?' && rest.ptr[0] != '#')
		t.path = until(&rest, "?#");
	if (rest.len != 0 && rest.ptr[0] == '?') {
		rest = after(rest, 1);
		t.query = until(&rest, "#");
	}
	if (rest.len != 0)
		t.fragment = after(rest, 1);
	return t;
}

/* The byte that stands for code point u where only bytes are understood. */
static uint8_t fold(const struct http_setup *s, uint32_t u)
{
	static const char latin[] = /* U+0100 to U+017F without their marks */
		"AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIi??JjKk?LlLlLl??LlNnNnNn???"
		"OoOoOo??RrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZz?";
	static const struct {
		uint16_t u;
		uint8_t byte;
	} rows[] = {{0x2010, '-'}, {0x2011, '-'}, {0x2018, '\''}, {0x2019, '\''}, {0x201c, '"'},
		    {0x201d, '"'}, {0x2024, '.'}, {0x2032, '\''}, {0x2035, '`'},  {0x2044, '/'},
		    {0x2212, '-'}, {0x2215, '/'}, {0x2216, '\\'}, {0x2217, '*'},  {0x2223, '|'},
		    {0x2236, ':'}, {0x223c, '~'}, {0x3008, '<'},  {0x3009, '>'}};

	if (u < 0x100)
		return (uint8_t)u;
	if (u >= 0xff01 && u <= 0xff5e) /* full-width forms of ASCII */
		return (uint8_t)(u - 0xff01 + 0x21);
	if (u < 0x180 && latin[u - 0x100] != '?')
		return (uint8_t)latin[u - 0x100];
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].u == u)
			return rows[i].byte;
	return s->replacement;
}

/* Two characters as hexadecimal digits, whatever they are. */
static uint8_t hex_of(const uint8_t *p)
{
	uint8_t v = 0;

	for (int i = 0; i < 2; i++)
		v = (uint8_t)(v << 4 | (p[i] >= 'A' ? ((p[i] & 0xdf) - 'A' + 10) : p[i] - '0'));
	return v;
}

/* What one '%' and what is behind it stand for. */
struct decoded {
	uint8_t byte;
	size_t used;
	bool out; /* false: nothing, the '%' is dropped */
};

static struct decoded decode_percent(const struct http_setup *s, struct slice in)
{
	struct decoded keep = {'%', 1, s->bad != HTTP_PERCENT_DROP}, d = {'%', 1, true};
	bool u = in.len >= 2 && text_lower(in.ptr[1]) == 'u', good = true;
	size_t from = u ? 2 : 1, digits = u ? 4 : 2;

	if (u && !s->u_decode)
		return d;
	if (in.len < from + digits)
		return keep;
	for (size_t i = from; i < from + digits; i++)
		good &= text_hex(in.ptr[i]) >= 0;
	if (!good && s->bad != HTTP_PERCENT_DECODE)
		return keep;
	d.used = from + digits;
	d.byte = hex_of(in.ptr + from + (u ? 2 : 0));
	if (u && hex_of(in.ptr + from) != 0)
		d.byte = fold(s, (uint32_t)hex_of(in.ptr + from) << 8 | d.byte);
	return d;
}

static bool is_separator(const struct http_setup *s, uint8_t c)
{
	return c == '/' || (s->backslash && c == '\\');
}

static size_t decode_path(const struct http_setup *s, struct slice in, uint8_t *out)
{
	size_t n = 0;

	while (in.len != 0) {
		struct decoded d = {in.ptr[0], 1, true};
		bool coded = in.ptr[0] == '%';

		if (coded)
			d = decode_percent(s, in);
		if (d.byte == 0 && (coded ? s->nul_encoded_ends : s->nul_raw_ends))
			break;
		if (coded && d.used == 3 && is_separator(s, d.byte) && !s->slash_decode)
			d = (struct decoded){'%', 1, true};
		if (d.byte == '\\' && s->backslash)
			d.byte = '/';
		if (s->lower_case)
			d.byte = text_lower(d.byte);
		if (d.out && !(s->squeeze && d.byte == '/' && n != 0 && out[n - 1] == '/'))
			out[n++] = d.byte;
		in = slice_from(in, d.used);
	}
	return n;
}

static size_t decode_text(const struct http_setup *s, bool plus, struct slice in, uint8_t *out)
{
	size_t n = 0;

	while (in.len != 0) {
		struct decoded d = {in.ptr[0], 1, true};
		bool coded = in.ptr[0] == '%';

		if (coded)
			d = decode_percent(s, in);
		else if (d.byte == '+' && plus)
			d.byte = ' ';
		if (d.byte == 0 && (coded ? s->nul_encoded_ends : s->nul_raw_ends))
			break;
		if (d.out)
			out[n++] = d.byte;
		in = slice_from(in, d.used);
	}
	return n;
}

/* Bytes behind the first of a UTF-8 character, overlong ones too; 0: it cannot begin one. */
static size_t utf8_more(uint8_t c)
{
	return c < 0xc0 || c > 0xf4 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
}

/* UTF-8 to a byte a character; what is not UTF-8 becomes the replacement. */
static size_t fold_utf8(const struct http_setup *s, uint8_t *p, size_t n)
{
	size_t w = 0, i = 0;

	while (i < n) {
		uint8_t c = p[i];
		size_t more = utf8_more(c), k = 1;
		uint32_t u = c & (0x3fu >> more);

		if (c < 0x80) {
			p[w++] = c;
			i++;
			continue;
		}
		while (k <= more && i + k < n && (p[i + k] & 0xc0) == 0x80 &&
		       !(k == 1 &&
			 ((c == 0xed && p[i + 1] > 0x9f) || (c == 0xf4 && p[i + 1] > 0x8f))))
			u = u << 6 | (p[i + k++] & 0x3fu);
		if (more != 0 && k == more + 1)
			p[w++] = fold(s, u);
		else if (i + k < n || more == 0)
			p[w++] = s->replacement;
		else /* cut off at the end: one less than there are bytes */
			for (size_t j = 1; j < k; j++)
				p[w++] = s->replacement;
		i += k;
	}
	return w;
}

/* RFC 3986 5.2.4 in place, as libhtp has it: a path that ends in a dot segment has no slash
 * behind it. A slash is written with what follows it. */
static size_t remove_dots(uint8_t *p, size_t n)
{
	bool slash = false, fresh = false, start = true;
	size_t w = 0, dots = 0;

	for (size_t i = 0; i <= n; i++) {
		bool ends = i == n || p[i] == '/';

		if (!start && !slash) {
			if (i < n && p[i] == '/')
				slash = fresh = true;
			else if (i < n)
				p[w++] = p[i];
			continue;
		}
		if (i < n && p[i] == '.' && dots < 2) {
			dots++;
			continue;
		}
		if (ends && dots != 0) {
			if (dots == 2 && slash) {
				while (w > 0 && p[w - 1] != '/')
					w--;
				w -= w > 0;
			}
			dots = 0;
			fresh = false;
			continue;
		}
		if (i == n)
			break;
		if (start && p[i] == '/' && dots == 0) {
			slash = fresh = true;
			start = false;
			continue;
		}
		if (slash)
			p[w++] = '/';
		for (; dots > 0; dots--)
			p[w++] = '.';
		p[w++] = p[i];
		slash = start = false;
	}
	if (slash && fresh)
		p[w++] = '/';
	return w;
}

static size_t path_normal(struct slice path, const struct http_setup *s, uint8_t *out)
{
	size_t n = decode_path(s, path, out);

	if (s->best_fit)
		n = fold_utf8(s, out, n);
	return remove_dots(out, n);
}

struct slice app_http_path_normal(struct slice uri, const struct http_setup *s, struct arena *a)
{
	struct http_target t = app_http_target(uri);
	uint8_t *out = t.path.len != 0 ? ARENA_ARRAY(a, uint8_t, t.path.len) : NULL;

	if (out == NULL)
		return (struct slice){NULL, 0};
	return (struct slice){out, path_normal(t.path, s, out)};
}

/* Decodes what stands at p once more, in place. */
static size_t decode_again(const struct http_setup *s, bool plus, uint8_t *p, size_t n,
			   bool *out_twice)
{
	size_t now = decode_text(s, plus, (struct slice){p, n}, p);

	*out_twice |= now < n;
	return now;
}

struct slice app_http_uri_normal(struct slice uri, const struct http_setup *s, struct arena *a,
				 bool *out_twice)
{
	struct http_target t = app_http_target(uri);
	uint8_t *out;
	size_t n = 0, from;

	*out_twice = false;
	if (t.path.ptr == NULL && t.query.ptr == NULL && t.fragment.ptr == NULL && !s->uri_all)
		return (struct slice){NULL, 0};
	out = uri.len != 0 ? ARENA_ARRAY(a, uint8_t, uri.len + 1) : NULL;
	if (out == NULL)
		return (struct slice){NULL, 0};
	if (s->uri_all && t.scheme.ptr != NULL) {
		const uint8_t *end = t.path.ptr != NULL	      ? t.path.ptr
				     : t.query.ptr != NULL    ? t.query.ptr - 1
				     : t.fragment.ptr != NULL ? t.fragment.ptr - 1
							      : uri.ptr + uri.len;

		n = (size_t)(end - uri.ptr);
		memcpy(out, uri.ptr, n);
	}
	if (t.path.len != 0) {
		size_t bytes = path_normal(t.path, s, out + n);

		if (s->twice_path)
			bytes = decode_again(s, s->plus_path, out + n, bytes, out_twice);
		n += bytes;
	}
	if (t.query.ptr != NULL) {
		out[n++] = '?';
		from = n;
		n += decode_text(s, s->plus_query, t.query, out + n);
		if (s->twice_query)
			n = from + decode_again(s, s->plus_query, out + from, n - from, out_twice);
	}
	if (t.fragment.ptr != NULL) {
		out[n++] = '#';
		n += decode_text(s, s->plus_query, t.fragment, out + n);
	}
	return (struct slice){out, n};
}

bool app_http_host_normal(struct slice hostport, struct arena *a, struct slice *out_host,
			  struct slice *out_port)
{
	struct slice host, port;
	uint64_t number;
	uint8_t *p;

	hostport = slice_trim(hostport);
	split_port(hostport, &host, &port);
	host = slice_trim(host);
	while (host.len != 0 && host.ptr[host.len - 1] == '.')
		host.len--;
	p = ARENA_ARRAY(a, uint8_t, host.len + 1);
	if (p == NULL) {
		*out_host = *out_port = (struct slice){NULL, 0};
		return true;
	}
	for (size_t i = 0; i < host.len; i++)
		p[i] = text_lower(host.ptr[i]);
	*out_host = (struct slice){p, host.len};
	*out_port = port;
	for (size_t i = 0; i < host.len; i++)
		if (host.ptr[i] <= ' ' || host.ptr[i] == '/' || host.ptr[i] == 0x7f)
			return false;
	return host.len != 0 && (port.ptr == NULL || text_u64(port, 1, 65535, &number));
}
