/* SPDX-License-Identifier: Apache-2.0
 *
 * sip_priv.h - a SIP message and the session it describes, between sip.c, sip_sdp.c and
 * sip_field.c.
 */
#ifndef DEW_SENSOR_APP_SIP_PRIV_H
#define DEW_SENSOR_APP_SIP_PRIV_H

#include "sensor/app/app.h"

enum { SIP_HEADERS_MAX = 256, SIP_SDP_LISTS_MAX = 256 /* lines of one kind that are kept */ };

struct sip_header {
	struct slice name, value; /* a folded value as it stands */
};

struct sip_texts {
	struct slice *list;
	size_t count, room;
};

struct sip_media {
	struct slice media, info, connection, key;
	struct sip_texts bandwidths, attributes;
};

struct sip_time {
	struct slice time, repeat;
};

/* RFC 4566 5. Absent texts have no ptr. */
struct sip_sdp {
	struct slice origin, name, info, uri, email, phone, connection, zone, key;
	struct sip_texts bandwidths, attributes;
	struct sip_time *times;
	size_t time_count, time_room;
	struct sip_media *media;
	size_t media_count, media_room;
};

/* One message: a transaction by itself. Slices lie in its memory. */
struct sip_tx {
	enum app_dir dir;
	bool request;
	struct slice line; /* the first one, without its end */
	struct slice method, uri, protocol, code, reason;
	struct sip_header *headers;
	size_t header_count, header_room;
	struct sip_sdp *sdp; /* NULL: none, or malformed */
};

/* Value n of the header `name` or of its compact form (RFC 3261 7.3.3); ptr NULL: none. */
struct slice app_sip_header(const struct sip_tx *m, const char *name, unsigned n);

/* sip_sdp.c: NULL if body is none. Slices lie in body. */
struct sip_sdp *app_sip_sdp_parse(struct arena *a, struct slice body);

/* sip_field.c */
extern const struct app_field app_sip_fields[];
bool app_sip_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r);

#endif
