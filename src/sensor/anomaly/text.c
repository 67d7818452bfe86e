/* SPDX-License-Identifier: Apache-2.0
 * Sentences about findings. */
#include "sensor/anomaly/anomaly_priv.h"

void anomaly_text_add(struct anomaly_text *t, struct slice s)
{
	s = slice_part(s, 0, sizeof t->z - t->len);
	if (s.len != 0)
		memcpy(t->z + t->len, s.ptr, s.len);
	t->len += s.len;
}

void anomaly_text_z(struct anomaly_text *t, const char *z)
{
	anomaly_text_add(t, slice_of(z));
}

/* A number of thousands or more gets commas, as people read them. */
void anomaly_text_number(struct anomaly_text *t, uint64_t v)
{
	char digits[27];
	size_t at = sizeof digits, n = 0;

	do {
		if (n != 0 && n % 3 == 0)
			digits[--at] = ',';
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
		n++;
	} while (v != 0);
	anomaly_text_add(t, (struct slice){(const uint8_t *)digits + at, sizeof digits - at});
}

void anomaly_text_seconds(struct anomaly_text *t, int64_t ns)
{
	uint64_t tenths = ns < 0 ? 0 : ((uint64_t)ns + 50000000) / 100000000;
	uint8_t digit = (uint8_t)('0' + tenths % 10);

	anomaly_text_number(t, tenths / 10);
	anomaly_text_z(t, ".");
	anomaly_text_add(t, (struct slice){&digit, 1});
}

void anomaly_text_addr(struct anomaly_text *t, const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	anomaly_text_add(t, addr_format(a, text));
}

void anomaly_text_port(struct anomaly_text *t, uint16_t port)
{
	char digits[5];
	size_t at = sizeof digits;

	do
		digits[--at] = (char)('0' + port % 10);
	while ((port /= 10) != 0);
	anomaly_text_add(t, (struct slice){(const uint8_t *)digits + at, sizeof digits - at});
}

void anomaly_text_peer(struct anomaly_text *t, const struct addr *a, uint16_t port)
{
	anomaly_text_z(t, a->family == 6 ? "[" : "");
	anomaly_text_addr(t, a);
	anomaly_text_z(t, a->family == 6 ? "]:" : ":");
	anomaly_text_port(t, port);
}
