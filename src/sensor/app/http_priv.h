/* SPDX-License-Identifier: Apache-2.0
 *
 * What HTTP/1 and HTTP/2 (http2_priv.h) share, and the parts of the HTTP/1 parser: http.c (state
 * machine), http_head.c (lines and headers), http_uri.c (normal form of a target), http_body.c
 * (bodies and content codings), http_field.c (rule buffers and the record).
 */
#ifndef DEW_SENSOR_APP_HTTP_PRIV_H
#define DEW_SENSOR_APP_HTTP_PRIV_H

#include "base/buf.h"
#include "sensor/app/app.h"

enum {		      /* what progress of a direction means */
       HTTP_LINE = 1, /* the request or status line is there */
       HTTP_HEAD,     /* all headers are */
       HTTP_DONE,     /* the body is */
};

enum {
	HTTP_LINE_MAX = 18000,	      /* bytes of one line: libhtp's hard field limit */
	HTTP_HEADERS_MAX = 1024,      /* headers of one message: Suricata's default */
	HTTP_REPEATS_MAX = 64,	      /* repetitions of headers joined in one message: libhtp's */
	HTTP_BODY_KEPT = 100 << 10,   /* bytes of a body kept: Suricata's default */
	HTTP_LAYERS_MAX = 2,	      /* content codings undone: libhtp's default */
	HTTP_LAYER_OUT_MAX = 1 << 20, /* bytes one layer may inflate to before it is a bomb */
	HTTP_BOMB_RATIO = 2048,	      /* out:in from which a body is a bomb: libhtp's */
};

#define HTTP_ANOMALIES(X)                                                                          \
	X(UNKNOWN_ERROR, unknown_error)                                                            \
	X(GZIP_FAILED, gzip_decompression_failed)                                                  \
	X(REQ_FOLDING, invalid_request_field_folding)                                              \
	X(REQ_CHUNK_LEN, invalid_request_chunk_len)                                                \
	X(RES_CHUNK_LEN, invalid_response_chunk_len)                                               \
	X(REQ_TE, invalid_transfer_encoding_value_in_request)                                      \
	X(RES_TE, invalid_transfer_encoding_value_in_response)                                     \
	X(REQ_CL, invalid_content_length_field_in_request)                                         \
	X(RES_CL, invalid_content_length_field_in_response)                                        \
	X(REQ_CL_TWICE, duplicate_content_length_field_in_request)                                 \
	X(RES_CL_TWICE, duplicate_content_length_field_in_response)                                \
	X(CONTINUE_TWICE, 100_continue_already_seen)                                               \
	X(UNMATCHED, unable_to_match_response_to_request)                                          \
	X(REQ_PORT, invalid_server_port_in_request)                                                \
	X(HOST_MISSING, missing_host_header)                                                       \
	X(HOST_AMBIGUOUS, host_header_ambiguous)                                                   \
	X(RES_FOLDING, invalid_response_field_folding)                                             \
	X(REQ_TOO_LONG, request_field_too_long)                                                    \
	X(RES_TOO_LONG, response_field_too_long)                                                   \
	X(URI_HOST, request_uri_host_invalid)                                                      \
	X(HEADER_HOST, request_header_host_invalid)                                                \
	X(METHOD_DELIM, method_delim_non_compliant)                                                \
	X(URI_DELIM, uri_delim_non_compliant)                                                      \
	X(LINE_SPACE, request_line_leading_whitespace)                                             \
	X(TOO_MANY_LAYERS, too_many_encoding_layers)                                               \
	X(CE_ABNORMAL, abnormal_ce_header)                                                         \
	X(REQ_HEADER_REPEATED, request_header_repetition)                                          \
	X(RES_HEADER_REPEATED, response_header_repetition)                                         \
	X(BYTERANGES, response_multipart_byteranges)                                               \
	X(RES_TE_ABNORMAL, response_abnormal_transfer_encoding)                                    \
	X(RES_CHUNKED_OLD, response_chunked_old_proto)                                             \
	X(RES_PROTOCOL, response_invalid_protocol)                                                 \
	X(RES_STATUS, response_invalid_status)                                                     \
	X(REQ_LINE_INCOMPLETE, request_line_incomplete)                                            \
	X(BOMB, compression_bomb)                                                                  \
	X(REQ_HEADER_INVALID, request_header_invalid)                                              \
	X(RES_HEADER_INVALID, response_header_invalid)                                             \
	X(REQ_COLON, request_field_missing_colon)                                                  \
	X(RES_COLON, response_field_missing_colon)                                                 \
	X(REQ_BODY_UNEXPECTED, request_body_unexpected)                                            \
	X(PORT_MISMATCH, request_server_port_tcp_port_mismatch)                                    \
	X(REQ_HEADERS_MANY, request_too_many_headers)                                              \
	X(RES_HEADERS_MANY, response_too_many_headers)                                             \
	X(CHUNK_EXTENSION, request_chunk_extension)                                                \
	X(NO_PROTOCOL, request_line_missing_protocol)

enum http_anomaly {
#define X(id, name) HTTP_##id,
	HTTP_ANOMALIES(X)
#undef X
};

struct http_header {
	struct slice name, value;
	struct slice both; /* "name: value", once asked for */
	bool repeated;
};

/* One content coding being undone. */
struct http_layer {
	struct z_stream_s *z; /* NULL until its format is known */
	uint8_t head[2];      /* the first bytes, which tell the format */
	uint8_t head_bytes;
	bool deflate; /* declared deflate, not gzip */
	enum http_layer_state {
		HTTP_LAYER_START,
		HTTP_LAYER_ON,
		HTTP_LAYER_PLAIN,
		HTTP_LAYER_END
	} state;
};

/* One direction of a transaction. */
struct http_message {
	struct slice line;	     /* without its end */
	struct slice method, uri;    /* requests */
	struct slice reason;	     /* responses */
	struct slice protocol;	     /* either */
	struct slice code;	     /* responses */
	uint16_t status;	     /* responses; 0: none */
	uint8_t version;	     /* 9, 10, 11, 20; 0: none or odd */
	struct http_header *headers; /* in order, repeated ones joined */
	size_t header_count, header_room;
	size_t repeats;
	struct buf pending; /* the header being read: it may be folded */
	bool has_pending;
	struct buf head;     /* all header lines as they came, trailers too */
	struct buf body;     /* as the receiver's application sees it, its beginning */
	uint64_t body_bytes; /* as transferred */
	struct http_layer layer[HTTP_LAYERS_MAX];
	uint8_t layers;
	/* built when first asked for */
	struct slice normal_uri, normal_host, headers_normal, names, start;
	bool has_uri, has_host, has_headers, has_names, has_start;
};

struct http_tx {
	struct http_message side[2];
	bool unasked;	 /* a response without a request */
	bool continued;	 /* a 100 was seen */
	uint32_t stream; /* HTTP/2 only */
};

static inline void http_anomaly(struct app_tx *tx, enum http_anomaly a)
{
	tx->anomalies |= UINT64_C(1) << a;
}

/* One of two anomalies, by direction. */
static inline void http_anomaly_of(struct app_tx *tx, enum app_dir dir, enum http_anomaly request,
				   enum http_anomaly response)
{
	http_anomaly(tx, dir == APP_TO_SERVER ? request : response);
}

static inline struct http_message *http_side(struct app_tx *tx, enum app_dir dir)
{
	return &((struct http_tx *)tx->data)->side[dir];
}

/* http_head.c: each takes a line without its end. */
void app_http_request_line(struct app_tx *tx, struct slice line);
void app_http_status_line(struct app_tx *tx, struct slice line);
/* One header line, or a continuation of the one before. False: too many headers. */
bool app_http_header_line(struct app_tx *tx, enum app_dir dir, struct slice line);
/* A header whose name and value are told apart already; both are copied. False: too many. */
bool app_http_header_add(struct app_tx *tx, enum app_dir dir, struct slice name,
			 struct slice value);
bool app_http_headers_end(struct app_tx *tx, enum app_dir dir);
const struct http_header *app_http_header_find(const struct http_message *m, struct slice name);
/* True if one of the comma-separated words of value is `word`. */
bool app_http_has_word(struct slice value, struct slice word);

/* http_uri.c */
struct http_target {
	struct slice scheme, host, port, path, query, fragment; /* ptr NULL: not there */
};
struct http_target app_http_target(struct slice uri);
/* Path and query in the form that rules match: RFC 3986 6.2.2 as a lenient server would do it. */
struct slice app_http_uri_normal(struct slice uri, struct arena *a);
/* "Example.COM.:8080" -> "example.com", and the port's text. False: no valid host and port. */
bool app_http_host_normal(struct slice hostport, struct arena *a, struct slice *out_host,
			  struct slice *out_port);

/* http_body.c */
void app_http_body_start(struct app_tx *tx, enum app_dir dir);
void app_http_body(struct app_tx *tx, enum app_dir dir, struct slice bytes);
void app_http_body_end(struct app_tx *tx, enum app_dir dir);

/* http_field.c */
extern const struct app_field app_http_fields[];
bool app_http_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r);

#endif
