/* SPDX-License-Identifier: Apache-2.0
 *
 * DNP3: dnp3.c reads frames, segments and fragments; dnp3_objects.c what objects hold.
 */
#ifndef DEW_SENSOR_APP_DNP3_PRIV_H
#define DEW_SENSOR_APP_DNP3_PRIV_H

#include "base/cursor.h"
#include "base/json.h"
#include "sensor/app/app.h"

enum {
	DNP3_OBJECTS_MAX = 2048, /* headers read of one fragment */
	DNP3_POINTS_MAX = 16384, /* points read of one fragment */
};

/* Where an object stands and how its points are written (IEEE 1815-2012 4.2.2.7). */
struct dnp3_object {
	uint8_t group, variation, qualifier;
	uint32_t start, stop, count;
};

static inline unsigned dnp3_prefix_code(const struct dnp3_object *o)
{
	return o->qualifier >> 4 & 7;
}

static inline unsigned dnp3_range_code(const struct dnp3_object *o)
{
	return o->qualifier & 15;
}

/* Reads the points of *o off c and writes them as the array "points"; at most *left, which goes
 * down. False: the object is unknown or its points do not fit; what was read is written. */
bool app_dnp3_points(struct cursor *c, const struct dnp3_object *o, uint32_t *left, struct json *j);

#endif
