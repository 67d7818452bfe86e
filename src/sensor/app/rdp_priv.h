/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of the RDP parser: rdp.c (messages, transactions), rdp_core.c (what a client says of
 * itself), rdp_names.c (its numbers' names) and rdp_log.c (events).
 */
#ifndef DEW_SENSOR_APP_RDP_PRIV_H
#define DEW_SENSOR_APP_RDP_PRIV_H

#include "base/cursor.h"
#include "base/json.h"
#include "sensor/app/app.h"

enum {
	RDP_CHANNELS_MAX = 31, /* MS-RDPBCGR 2.2.1.3.4 */
	RDP_CERTS_MAX = 16,
};

enum { RDP_REQUEST = 1, RDP_RESPONSE = 2, RDP_FAILURE = 3 }; /* of a negotiation */

/* Client Core Data, 2.2.1.3.2. What stands behind ime may be missing: each field is there only if
 * those before it are, and are in range. */
struct rdp_core {
	uint32_t version, keyboard_layout, build, keyboard, keyboard_subtype, function_keys;
	uint16_t width, height, color_depth;
	struct slice name, ime; /* UTF-8 */
	uint8_t count;		/* of the fields below, in their order */
	uint16_t color_depth_beta, product;
	uint32_t serial;
	uint16_t color_depth_high, color_depths, capabilities;
	struct slice id;
	uint8_t hint, pad;
	uint32_t protocol, physical_width, physical_height;
	uint16_t orientation;
	uint32_t scale, device_scale;
};

enum { /* rdp_core.count is larger once that field is there */
       RDP_HAS_COLOR_BETA,
       RDP_HAS_PRODUCT,
       RDP_HAS_SERIAL,
       RDP_HAS_COLOR_HIGH,
       RDP_HAS_COLORS,
       RDP_HAS_CAPABILITIES,
       RDP_HAS_ID,
       RDP_HAS_HINT,
       RDP_HAS_PAD,
       RDP_HAS_PROTOCOL,
       RDP_HAS_PHYSICAL_WIDTH,
       RDP_HAS_PHYSICAL_HEIGHT,
       RDP_HAS_ORIENTATION,
       RDP_HAS_SCALE,
       RDP_HAS_DEVICE_SCALE,
};

struct rdp_tx {
	enum rdp_about {
		RDP_INITIAL_REQUEST,
		RDP_INITIAL_RESPONSE,
		RDP_CONNECT_REQUEST,
		RDP_CONNECT_RESPONSE,
		RDP_TLS
	} about;
	/* initial */
	bool has_negotiation;
	uint8_t kind, flags;
	uint32_t value; /* a protocol, or why there is none */
	struct slice cookie;
	/* connect request */
	bool has_core;
	struct rdp_core core;
	struct slice channels[RDP_CHANNELS_MAX];
	uint32_t channel_count;
	/* TLS */
	struct slice serials[RDP_CERTS_MAX]; /* of the chain's certificates, as bytes */
	uint32_t serial_count;
};

/* rdp_core.c: an MCS Connect Initial PDU with its GCC conference create request, 2.2.1.3. */
void app_rdp_connect_request(struct slice pdu, struct app_tx *tx);

/* rdp_names.c: NULL: no such number. */
const char *app_rdp_layout_name(uint32_t layout);
const char *app_rdp_build_name(uint32_t build);

/* rdp_log.c */
bool app_rdp_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r);

#endif
