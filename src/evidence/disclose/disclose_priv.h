/* SPDX-License-Identifier: Apache-2.0
 *
 * What sealing and opening share.
 */
#ifndef DEW_EVIDENCE_DISCLOSE_DISCLOSE_PRIV_H
#define DEW_EVIDENCE_DISCLOSE_DISCLOSE_PRIV_H

#include "evidence/disclose/disclose.h"

#define DISCLOSE_HEADER_1 SLICE("{\"alg\":\"EdDSA\",\"kid\":\"")
#define DISCLOSE_HEADER_2 SLICE("\",\"typ\":\"dewline-event+sd-jwt\"}")

enum { DISCLOSE_DIGEST = 43 }; /* characters of a SHA-256 in base64url */

/* 1 to DISCLOSE_NAME_MAX letters, digits, "_" and "-", and not "_sd", "_sd_alg". */
bool disclose_name_ok(struct slice name);

/* True for names that the payload uses itself: iss, iat, prev. */
bool disclose_name_taken(struct slice name);

/* header "." payload "." signature; the header is base64url already. ST_NOMEM also if it would be
 * longer than DISCLOSE_TEXT_MAX. */
MUST_USE enum status disclose_sign(const struct crypto_signer *signer, struct slice header,
				   struct slice payload, struct arena *a, struct slice *out,
				   struct fail *why);

/* SHA-256 of a text, in base64url. */
void disclose_digest(struct slice text, uint8_t out[DISCLOSE_DIGEST]);

#endif
