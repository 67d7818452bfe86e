/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/crypto.h"

#include "base/text.h"

enum { NO_DIGIT = 255 };

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

static uint8_t digit_of(enum crypto_alphabet alphabet, uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint8_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint8_t)(c - 'a' + 26);
	if (text_is_digit(c))
		return (uint8_t)(c - '0' + 52);
	if (c == (uint8_t)letters[alphabet][62])
		return 62;
	return c == (uint8_t)letters[alphabet][63] ? 63 : NO_DIGIT;
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
	size_t n = 0;

	if (!unpad(alphabet, &text) || text.len / 4 * 3 + text.len % 4 * 3 / 4 > room)
		return false;
	for (size_t i = 0; i < text.len; i += 4) {
		size_t chars = text.len - i < 4 ? text.len - i : 4;
		uint32_t v = 0;

		for (size_t k = 0; k < chars; k++) {
			uint8_t d = digit_of(alphabet, text.ptr[i + k]);

			if (d == NO_DIGIT)
				return false;
			v |= (uint32_t)d << (18 - 6 * k);
		}
		for (size_t k = 0; k + 1 < chars; k++)
			out[n++] = (uint8_t)(v >> (16 - 8 * k));
		if (chars < 4 && (v & (0xffffffu >> 8 * (chars - 1))) != 0)
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
