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
	*rest = (struct slice){rest->ptr + n, rest->len - n};
	return part;
}

static struct slice after(struct slice s, size_t n)
{
	return (struct slice){s.ptr + n, s.len - n};
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
	size_t scheme = slice_find(uri, SLICE("://"));
	struct slice rest = uri;

	if (uri.len == 0)
		return t;
	for (size_t i = 0; scheme != SIZE_MAX && i < scheme; i++)
		if (!text_is_alpha(uri.ptr[i]) && !text_is_digit(uri.ptr[i]))
			scheme = SIZE_MAX;
	if (scheme != SIZE_MAX && scheme != 0) {
		struct slice authority;

		t.scheme = slice_part(uri, 0, scheme);
		rest = after(uri, scheme + 3);
		authority = until(&rest, "/?#");
		for (size_t i = authority.len; i > 0; i--)
			if (authority.ptr[i - 1] == '@') {
				authority = after(authority, i);
				break;
			}
		split_port(authority, &t.host, &t.port);
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
static uint8_t fold(uint32_t u)
{
	if (u < 0x100)
		return (uint8_t)u;
	if (u >= 0xff01 && u <= 0xff5e) /* full-width forms of ASCII */
		return (uint8_t)(u - 0xff01 + 0x21);
	return '?';
}

/* Undoes one %XX or %uXXXX at the front of s into *out; returns the bytes eaten, 0 if none. */
static size_t decode_one(struct slice s, uint8_t *out)
{
	uint32_t v = 0;
	size_t from = 1, digits = 2;

	if (s.len == 0 || s.ptr[0] != '%')
		return 0;
	if (s.len >= 2 && text_lower(s.ptr[1]) == 'u') {
		from = 2;
		digits = 4;
	}
	if (s.len < from + digits)
		return 0;
	for (size_t i = from; i < from + digits; i++) {
		int h = text_hex(s.ptr[i]);

		if (h < 0)
			return 0;
		v = v << 4 | (uint32_t)h;
	}
	*out = fold(v);
	return from + digits;
}

static size_t decode(struct slice s, uint8_t *out)
{
	size_t n = 0;

	while (s.len != 0) {
		uint8_t c = s.ptr[0];
		size_t used = decode_one(s, &c);

		out[n++] = c;
		s = slice_from(s, used ? used : 1);
	}
	return n;
}

static size_t squeeze_slashes(uint8_t *p, size_t n)
{
	size_t w = 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t c = p[i] == '\\' ? '/' : p[i];

		if (c != '/' || w == 0 || p[w - 1] != '/')
			p[w++] = c;
	}
	return w;
}

static size_t fold_utf8(uint8_t *p, size_t n)
{
	size_t w = 0, i = 0;

	while (i < n) {
		uint8_t c = p[i];
		size_t more = c >= 0xf0 && c < 0xf8   ? 3
			      : c >= 0xe0 && c < 0xf0 ? 2
						      : c >= 0xc0 && c < 0xe0;
		uint32_t u = more == 0 ? c : c & (0x3fu >> more);
		size_t k = 1;

		while (k <= more && i + k < n && (p[i + k] & 0xc0) == 0x80) {
			u = u << 6 | (p[i + k] & 0x3fu);
			k++;
		}
		if (more != 0 && k == more + 1) {
			p[w++] = fold(u);
			i += k;
		} else {
			p[w++] = c;
			i++;
		}
	}
	return w;
}

/* RFC 3986 5.2.4, in place. */
static size_t remove_dots(uint8_t *p, size_t n)
{
	size_t w = 0, i = 0;

	while (i < n) {
		size_t end = i;
		bool slash = p[i] == '/';
		struct slice segment;

		if (slash)
			end++;
		while (end < n && p[end] != '/')
			end++;
		segment = (struct slice){p + i + slash, end - i - slash};
		if (slice_equal(segment, SLICE(".")) || slice_equal(segment, SLICE(".."))) {
			if (segment.len == 2) {
				while (w > 0 && p[w - 1] != '/')
					w--;
				if (w > 0)
					w--;
			}
			if (!slash) /* "./x" and "../x": the slash goes too */
				end += end < n;
			else if (end == n) /* "/x/.." ends in a slash */
				p[w++] = '/';
			i = end;
			continue;
		}
		memmove(p + w, p + i, end - i);
		w += end - i;
		i = end;
	}
	return w;
}

struct slice app_http_uri_normal(struct slice uri, struct arena *a)
{
	struct http_target t = app_http_target(uri);
	uint8_t *out;
	size_t n = 0;

	if (t.path.ptr == NULL && t.query.ptr == NULL && t.fragment.ptr == NULL)
		return (struct slice){NULL, 0};
	out = ARENA_ARRAY(a, uint8_t, uri.len + 1);
	if (out == NULL)
		return (struct slice){NULL, 0};
	if (t.path.len != 0) {
		n = decode(t.path, out);
		n = squeeze_slashes(out, n);
		n = fold_utf8(out, n);
		n = remove_dots(out, n);
	}
	if (t.query.ptr != NULL) {
		out[n++] = '?';
		n += decode(t.query, out + n);
	}
	if (t.fragment.ptr != NULL) {
		out[n++] = '#';
		if (t.fragment.len != 0)
			memcpy(out + n, t.fragment.ptr, t.fragment.len);
		n += t.fragment.len;
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
