/* SPDX-License-Identifier: Apache-2.0
 *
 * exchange/stix/stix.h - a bulletin as a STIX 2.1 bundle (OASIS Standard, 10 June 2021).
 *
 * What goes where: docs/formats/bulletin.md, section 4. Every id follows from the bulletin: objects
 * that STIX gives deterministic ids (addresses, AS numbers) get theirs (section 2.9, UUIDv5 over
 * the RFC 8785 form of what identifies them), all others a UUIDv5 in a namespace of our own over
 * the bulletin's id. So the same bulletin gives the same bytes. A machine is an `infrastructure`,
 * never a threat actor, and nobody is named as one: STIX's `confidence` carries the lower bound of
 * our probability in percent, and the interval stands in the description. Pure, any thread.
 */
#ifndef DEW_EXCHANGE_STIX_H
#define DEW_EXCHANGE_STIX_H

#include "assess/bulletin/bulletin.h"

enum stix_tlp { /* Traffic Light Protocol 2.0 (FIRST) */
		STIX_TLP_CLEAR,
		STIX_TLP_GREEN,
		STIX_TLP_AMBER,
		STIX_TLP_AMBER_STRICT,
		STIX_TLP_RED,
		STIX_TLPS
};

extern const char *const stix_tlp_names[STIX_TLPS]; /* "clear", "amber+strict" */

enum { STIX_UUID_BYTES = 36 };

/* UUIDv5 (RFC 9562 5.5) of a name in a namespace, as text without a NUL. */
void stix_uuid5(const uint8_t space[16], struct slice name, char out[STIX_UUID_BYTES]);

/* Appends the bundle, every object marked with `tlp`. created and modified of all of them are the
 * end of the time the bulletin covers. */
MUST_USE enum status stix_write_bundle(const struct bulletin *b, enum stix_tlp tlp,
				       struct arena *scratch, struct buf *out, struct fail *why);

#endif
