/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode/decode_priv.h"

static bool esp(struct decode_state *s, struct slice bytes)
{
	struct cursor c = cursor_of(bytes);

	s->p->spi = cursor_be32(&c);
	(void)cursor_take(&c, 4); /* sequence number */
	if (!cursor_ok(&c))
		return decode_broken(s, ESP_PKT_TOO_SMALL);
	s->p->payload = cursor_take(&c, cursor_left(&c));
	return true;
}

DECODER(esp) = {
	.name = "esp",
	.spec = "RFC 4303 2",
	.keys = {{DECODE_IP, 50}},
	.leaf = true,
	.decode = esp,
};
