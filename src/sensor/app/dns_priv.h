/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of the DNS parser: dns.c (messages, transactions, buffers) and dns_text.c (names,
 * numbers and record data as text).
 */
#ifndef DEW_SENSOR_APP_DNS_PRIV_H
#define DEW_SENSOR_APP_DNS_PRIV_H

#include "base/cursor.h"
#include "sensor/app/app.h"

enum {
	DNS_NAME_MAX = 1025,	/* bytes kept of a name as text: Suricata's limit */
	DNS_POINTERS_MAX = 255, /* compression pointers followed in one name: Suricata's limit */
	DNS_LABELS_MAX = 255,	/* labels of one name: Suricata's limit */
	DNS_NUMBER_MAX = 24,	/* bytes of a type or code as text */
};

enum dns_anomaly {
	DNS_MALFORMED,
	DNS_NOT_REQUEST,
	DNS_NOT_RESPONSE,
	DNS_Z_FLAG,
	DNS_OPCODE,
	DNS_NAME_TOO_LONG,
	DNS_LOOP,
	DNS_TOO_MANY_LABELS,
	DNS_ADDITIONALS,
	DNS_AUTHORITIES,
};

static inline void dns_anomaly(struct app_tx *tx, enum dns_anomaly a)
{
	tx->anomalies |= UINT64_C(1) << a;
}

/* Reads a name of `message` at c as labels joined by dots, without the last. "" is the root. On a
 * bad name c goes bad and the rest is what was read. */
struct slice app_dns_name(struct cursor *c, struct slice message, struct app_tx *tx);

/* "A", "TYPE65280"; "NOERROR", "RCODE3841". Text lives in a or for ever. */
struct slice app_dns_type(uint16_t type, struct arena *a);
struct slice app_dns_rcode(uint16_t rcode, struct arena *a);

/* The data of a record in text; ptr NULL if the type has no text here. */
struct slice app_dns_rdata(uint16_t type, struct slice rdata, struct slice message,
			   struct app_tx *tx);

#endif
