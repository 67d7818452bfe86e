/* SPDX-License-Identifier: Apache-2.0
 *
 * capture_priv.h - what the two formats share: fields in the file's byte order.
 */
#ifndef DEW_SENSOR_CAPTURE_PRIV_H
#define DEW_SENSOR_CAPTURE_PRIV_H

#include "base/cursor.h"
#include "sensor/capture/capture.h"

static inline uint16_t capture_u16(const struct capture *f, struct cursor *c)
{
	uint16_t v = cursor_be16(c);

	return f->swapped ? __builtin_bswap16(v) : v;
}

static inline uint32_t capture_u32(const struct capture *f, struct cursor *c)
{
	uint32_t v = cursor_be32(c);

	return f->swapped ? __builtin_bswap32(v) : v;
}

/* pcapng.c. Both leave f->at where it was unless they return ST_OK. */
MUST_USE enum status capture_ng_open(struct capture *f, struct fail *why);
MUST_USE enum status capture_ng_next(struct capture *f, struct capture_packet *out,
				     struct fail *why);

#endif
