/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/crypto.h"

#include "base/text.h"

static const char letters[2][65] = {
	[CRYPTO_BASE64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
	[CRYPTO_BASE64URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

struct slice crypto_hex_write(struct slice bytes, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes.len; i++) {
		out[2 * i] = digits[bytes.ptr[i] >> 4];
		out[2 * i + 1] = digits[bytes.ptr[i] & 15];
	}
	return (struct slice){(const uint8_t *)out, 2 * bytes.len};
}

void crypto_hex_add(struct slice bytes, struct buf *out)
{
	uint8_t *p = buf_reserve(out, 2 * bytes.len);

	if (p == NULL)
		return;
	(void)crypto_hex_write(bytes, (char *)p);
	buf_grew(out, 2 * bytes.len);
}

static bool is_lower_hex(uint8_t c)
{
	return text_is_digit(c) || (c >= 'a' && c <= 'f');
}

bool crypto_hex_parse(struct slice text, size_t n, uint8_t *out)
{
	if (text.len % 2 != 0 || text.len / 2 != n)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!is_lower_hex(text.ptr[i]))
			return false;
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(text_hex(text.ptr[2 * i]) << 4 | text_hex(text.ptr[2 * i + 1]));
	return true;
}

size_t crypto_base64_length(enum crypto_alphabet alphabet, size_t n)
{
	if (alphabet == CRYPTO_BASE64)
		return (n + 2) / 3 * 4;
	return n / 3 * 4 + (n % 3 ? n % 3 + 1 : 0);
}

void crypto_base64_add(enum crypto_alphabet alphabet, struct slice bytes, struct buf *out)
{
	size_t want = crypto_base64_length(alphabet, bytes.len), i = 0;
	uint8_t *p = want ? buf_reserve(out, want) : NULL, *end;
	const char *letter = letters[alphabet];
	const uint8_t *from = bytes.ptr;

	if (p == NULL)
		return;
	end = p + want;
	for (; bytes.len - i >= 3; i += 3, from += 3, p += 4) {
		uint32_t v = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];

		p[0] = (uint8_t)letter[v >> 18];
		p[1] = (uint8_t)letter[v >> 12 & 63];
		p[2] = (uint8_t)letter[v >> 6 & 63];
		p[3] = (uint8_t)letter[v & 63];
	}
	if (i < bytes.len) { /* one byte gives two letters, two give three */
		bool two = bytes.len - i == 2;
		uint32_t v = (uint32_t)from[0] << 16 | (two ? (uint32_t)from[1] << 8 : 0);

		*p++ = (uint8_t)letter[v >> 18];
		*p++ = (uint8_t)letter[v >> 12 & 63];
		if (two)
			*p++ = (uint8_t)letter[v >> 6 & 63];
	}
	while (p < end)
		*p++ = '=';
	buf_grew(out, want);
}

#define LETTERS                                                                                    \
	['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8,    \
	['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15,         \
	['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22,        \
	['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29,        \
	['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36,        \
	['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43,        \
	['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50,        \
	['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57,        \
	['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62

/* The digit that a character is, and one more; 0: it is none. */
static const uint8_t digits[2][256] = {
	[CRYPTO_BASE64] = {LETTERS, ['+'] = 63, ['/'] = 64},
	[CRYPTO_BASE64URL] = {LETTERS, ['-'] = 63, ['_'] = 64},
};

/* The bits of a text's last characters, from the left; false if one of them is no digit. */
static bool digits_of(const uint8_t *digit, const uint8_t *text, size_t chars, uint32_t *out)
{
	uint32_t v = 0;

	for (size_t k = 0; k < chars; k++) {
		uint32_t d = digit[text[k]];

		if (d == 0)
			return false;
		v |= (d - 1) << (18 - 6 * k);
	}
	*out = v;
	return true;
}

/* Text without its padding; false if the padding is not exactly what the length asks for. */
static bool unpad(enum crypto_alphabet alphabet, struct slice *text)
{
	size_t pads = 0;

	if (alphabet == CRYPTO_BASE64URL)
		return text->len % 4 != 1;
	if (text->len % 4 != 0)
		return false;
	while (pads < 2 && text->len > 0 && text->ptr[text->len - 1] == '=') {
		text->len--;
		pads++;
	}
	return true;
}

bool crypto_base64_parse(enum crypto_alphabet alphabet, struct slice text, size_t room,
			 uint8_t *out, size_t *out_len)
{
	const uint8_t *digit = digits[alphabet], *at, *end;
	size_t rest, n = 0;
	uint32_t v = 0;

	if (!unpad(alphabet, &text) || text.len / 4 * 3 + text.len % 4 * 3 / 4 > room)
		return false;
	at = text.ptr;
	rest = text.len % 4;
	for (end = at ? at + (text.len - rest) : at; at != end; at += 4, n += 3) {
		uint32_t a = digit[at[0]] - 1u, b = digit[at[1]] - 1u, c = digit[at[2]] - 1u;
		uint32_t d = digit[at[3]] - 1u;

		if ((a | b | c | d) > 63) /* what is no digit has become a large number */
			return false;
		v = a << 18 | b << 12 | c << 6 | d;
		out[n] = (uint8_t)(v >> 16);
		out[n + 1] = (uint8_t)(v >> 8);
		out[n + 2] = (uint8_t)v;
	}
	if (rest != 0) {
		if (!digits_of(digit, at, rest, &v))
			return false;
		for (size_t k = 0; k + 1 < rest; k++)
			out[n++] = (uint8_t)(v >> (16 - 8 * k));
		if ((v & (0xffffffu >> 8 * (rest - 1))) != 0)
			return false;
	}
	*out_len = n;
	return true;
}

enum status crypto_base64_take(enum crypto_alphabet alphabet, struct slice text, struct arena *a,
			       struct slice *out)
{
	size_t room = text.len / 4 * 3 + 3, n;
	uint8_t *p = ARENA_ARRAY(a, uint8_t, room);

	if (p == NULL)
		return ST_NOMEM;
	if (!crypto_base64_parse(alphabet, text, room, p, &n))
		return ST_INVALID;
	*out = (struct slice){p, n};
	return ST_OK;
}
