/* SPDX-License-Identifier: Apache-2.0
 *
 * IKE: ike.c reads messages, ike_log.c says what they were.
 */
#ifndef DEW_SENSOR_APP_IKE_PRIV_H
#define DEW_SENSOR_APP_IKE_PRIV_H

#include "crypto/crypto.h"
#include "sensor/app/app.h"

enum {
	HEADER_BYTES = 28,
	SPI_BYTES = 8,
	PAYLOADS_MAX = 64,   /* of one message */
	VENDORS_MAX = 32,    /* the same */
	TRANSFORMS_MAX = 64, /* the same */
	ATTRIBUTES_MAX = 24, /* of one transform */
	V1_ENCRYPTED = 1,    /* flags */
	V2_INITIATOR = 8,
	V1_SA = 1,
	V1_KE = 4,
	V1_NONCE = 10,
	V1_VENDOR = 13,
	V2_SA = 33,
	V2_KE = 34,
	V2_NONCE = 40,
	V2_NOTIFY = 41,
	V2_VENDOR = 43,
	V2_SEALED = 46,
	TRANSFORM_ENCR = 1,
	TRANSFORM_PRF,
	TRANSFORM_INTEG,
	TRANSFORM_DH,
	TRANSFORM_ESN,
};

struct attribute {
	uint16_t type;
	bool is_number;
	uint32_t number;
	struct slice bytes; /* otherwise */
};

struct transform {
	struct attribute at[ATTRIBUTES_MAX];
	size_t count;
};

struct ike_side {
	struct slice key_exchange, nonce; /* of its last message that had them */
};

struct ike {
	struct ike_side side[2];
	struct transform chosen; /* version 1: the responder's first */
	uint64_t chosen_count;
	uint64_t doi;
	bool has_doi, has_chosen_v2;
	uint16_t v2[TRANSFORM_ESN + 1]; /* the responder's transforms by type */
};

struct ike_tx {
	const struct ike *state; /* the flow's: outlives the transaction */
	enum app_dir dir;
	uint8_t major, minor, flags;
	struct slice init_spi, resp_spi; /* in hexadecimal */
	uint32_t message_id;
	uint64_t exchange, key_length, nonce_length;
	struct slice key_exchange, nonce;
	uint8_t payloads[PAYLOADS_MAX];
	size_t payload_count;
	struct slice vendors[VENDORS_MAX]; /* in hexadecimal */
	size_t vendor_count;
	struct transform *transforms;
	size_t transform_count, transform_room;
	uint16_t notify[PAYLOADS_MAX];
	size_t notify_count;
	struct slice chosen;	 /* what ike.chosen_sa_attribute compares */
	struct ike_side side[2]; /* as known with this message */
};

/* In hexadecimal; lives in a. */
static inline struct slice ike_hex(struct slice s, struct arena *a)
{
	struct buf b = buf_in(a);

	crypto_hex_add(s, &b);
	return buf_slice(&b);
}

bool app_ike_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r);

#endif
