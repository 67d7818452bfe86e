/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of the HTTP/2 parser: http2.c (frames and streams), http2_hpack.c (header fields). What
 * a request is, once its fields are known, it shares with HTTP/1: http_priv.h.
 */
#ifndef DEW_SENSOR_APP_HTTP2_PRIV_H
#define DEW_SENSOR_APP_HTTP2_PRIV_H

#include "base/cursor.h"
#include "sensor/app/http_priv.h"

enum {
	HPACK_TABLE_FIRST = 4096,      /* RFC 7541 4.2, RFC 9113 6.5.2 */
	HPACK_TABLE_MAX = 64 << 10,    /* Suricata's default */
	HTTP2_BLOCK_MAX = 64 << 10,    /* bytes of the frames of one header block */
	HTTP2_FIELDS_BYTES = 256 << 10 /* bytes of a header block's fields, decoded */
};

enum { /* types and flags of frames: RFC 9113 6 */
       HTTP2_DATA,
       HTTP2_HEADERS,
       HTTP2_PRIORITY,
       HTTP2_RST_STREAM,
       HTTP2_SETTINGS,
       HTTP2_PUSH_PROMISE,
       HTTP2_PING,
       HTTP2_GOAWAY,
       HTTP2_WINDOW_UPDATE,
       HTTP2_CONTINUATION,
       HTTP2_FLAG_PADDED = 0x08,
       HTTP2_FLAG_PRIORITY = 0x20,
};

/* http2_frames.c: a frame of tx in dir, as far as its payload is needed. */
void app_http2_frame_seen(struct app_tx *tx, enum app_dir dir, uint8_t type, uint8_t flags,
			  struct slice payload);
/* A header block changed the size of its table. */
void app_http2_table_sized(struct app_tx *tx, enum app_dir dir, uint64_t size);
bool app_http2_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r);

/* http2.c: what doh2.c shares with it. */
extern const char *const app_http2_anomalies[], *const app_http2_frame_names[];
struct app_result app_http2_parse(struct app_flow *f, enum app_dir dir, struct slice input,
				  bool eof);
bool app_http2_gap(struct app_flow *f, enum app_dir dir, uint64_t missing);
enum app_probe app_http2_probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			       bool port_hint);

/* doh2.c: the head of a message is there: it may hold a DNS message, or say that its body is one.
 */
void app_doh2_head(struct app_tx *tx, enum app_dir dir);
/* The body is complete: if it is a DNS message, it is in tx->carried[dir] now. False: it says it is
 * one, and is too long. */
bool app_doh2_body(struct app_tx *tx, enum app_dir dir);

struct hpack_field {
	struct slice name, value;
};

struct hpack_entry {
	uint32_t at, name_bytes, value_bytes;
};

/* The fields that one direction has named before; in the flow's arena. Zero is an empty table. */
struct hpack_table {
	uint8_t *bytes;
	struct hpack_entry *entries;
	uint32_t byte_room, entry_room;
	uint32_t end;	       /* of the used bytes */
	uint32_t first, count; /* of the live entries */
	uint32_t size, most;
	bool sized; /* most has a value */
};

enum hpack_result {
	HPACK_FIELD,	/* one more */
	HPACK_END,	/* the block is over */
	HPACK_INVALID,	/* not HPACK */
	HPACK_OVERFLOW, /* a number that no table or block is large enough for */
	HPACK_NOMEM,
};

/* The next field of a header block. The slices live as long as scratch. After anything but
 * HPACK_FIELD and HPACK_END the table no longer is what the sender has: give up the flow. */
enum hpack_result app_hpack_next(struct hpack_table *t, struct cursor *block, struct arena *flow,
				 struct arena *scratch, struct hpack_field *out);

#endif
