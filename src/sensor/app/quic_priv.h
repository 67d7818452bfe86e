/* SPDX-License-Identifier: Apache-2.0
 *
 * QUIC: quic.c opens packets and puts hellos together, quic_log.c says what they held.
 */
#ifndef DEW_SENSOR_APP_QUIC_PRIV_H
#define DEW_SENSOR_APP_QUIC_PRIV_H

#include "sensor/app/tls_priv.h"

struct quic_tx {
	struct tls_tx tls; /* first: the hello's readers look for it here */
	uint32_t version;
	enum app_dir dir;
	bool has_tls;
	struct slice ua, cyu, cyu_hash;
	struct slice extensions; /* the hello's, as they came */
};

/* "Q046", or the number in hexadecimal; lives in a. */
struct slice app_quic_version(uint32_t v, struct arena *a);
bool app_quic_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r);

#endif
