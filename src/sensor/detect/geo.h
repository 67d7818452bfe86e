/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/detect/geo.h - which country an address is in, by a database in MaxMind's format
 * (maxmind.github.io/MaxMind-DB, version 2.0): a binary tree of address bits, whose leaves are
 * offsets of records. It is read from memory, for this module opens no files; nothing in it is
 * trusted: each look-up takes at most DETECT_GEO_STEPS_MAX steps and ends within the bytes.
 */
#ifndef DEW_SENSOR_DETECT_GEO_H
#define DEW_SENSOR_DETECT_GEO_H

#include "base/addr.h"
#include "base/slice.h"
#include "base/status.h"

enum { DETECT_GEO_STEPS_MAX = 4096 /* values passed over in one look-up */ };

struct detect_geo {
	struct slice tree, data;
	uint32_t nodes, start; /* start: the node below which IPv4 addresses are */
	uint8_t record_bits, ip_version;
};

/* bytes are borrowed for as long as out is used. */
MUST_USE enum status detect_geo_open(struct slice bytes, struct detect_geo *out, struct fail *why);

/* The address's country.iso_code ("FR"); ptr NULL: none is known. */
struct slice detect_geo_country(const struct detect_geo *g, const struct addr *a);

#endif
