/* SPDX-License-Identifier: Apache-2.0
 *
 * NTP: RFC 5905 7.3 (the fixed header), RFC 9327 (control messages, mode 6). A transaction a
 * datagram. Recognised on its port.
 */
#include "sensor/app/app.h"

enum { HEADER_BYTES = 48, CONTROL_BYTES = 12, MODE_CONTROL = 6, MODE_PRIVATE = 7 };
enum { UNSOLICITED_RESPONSE, MALFORMED_DATA, NOT_REQUEST, NOT_RESPONSE }; /* the second is said */

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	unsigned version, mode;

	(void)f;
	(void)dir;
	if (!port_hint || in.len < CONTROL_BYTES)
		return APP_NO;
	version = in.ptr[0] >> 3 & 7;
	mode = in.ptr[0] & 7;
	if (version < 1 || version > 4 || mode == 0 || mode == MODE_PRIVATE)
		return APP_NO;
	return mode == MODE_CONTROL || in.len >= HEADER_BYTES ? APP_YES : APP_NO;
}

static bool is_message(struct slice in)
{
	unsigned version, mode;

	if (in.len < CONTROL_BYTES)
		return false;
	version = in.ptr[0] >> 3 & 7;
	mode = in.ptr[0] & 7;
	if (version < 1 || version > 4 || mode == 0)
		return false;
	return mode == MODE_CONTROL || mode == MODE_PRIVATE || in.len >= HEADER_BYTES;
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct app_tx *tx;

	(void)eof;
	if (input.len == 0)
		return (struct app_result){APP_OK, 0};
	tx = app_tx_new(f, 0);
	if (tx == NULL)
		return (struct app_result){APP_STUCK, 0};
	tx->dirs = (uint8_t)(1u << dir);
	if (!is_message(input))
		tx->anomalies |= UINT64_C(1) << MALFORMED_DATA;
	app_tx_advance(tx, APP_TO_SERVER, 1);
	app_tx_advance(tx, APP_TO_CLIENT, 1);
	return (struct app_result){APP_OK, input.len};
}

static const char *const anomalies[] = {
	[UNSOLICITED_RESPONSE] = "unsolicited_response",
	[MALFORMED_DATA] = "malformed_data",
	[NOT_REQUEST] = "not_request",
	[NOT_RESPONSE] = "not_response",
	NULL,
};

static const uint16_t ports[] = {123, 0};

APP_PROTOCOL(ntp) = {
	.name = "ntp",
	.spec = "RFC 5905",
	.transports = APP_UDP,
	.ports = ports,
	.anomalies = anomalies,
	.complete = {1, 1},
	.parser_bytes = 1,
	.probe = probe,
	.parse = parse,
};
