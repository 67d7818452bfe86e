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
#include "sensor/file/file.h"

enum {		      /* what progress of a direction means */
       HTTP_LINE = 1, /* the request or status line is there */
       HTTP_HEAD,     /* all headers are */
       HTTP_DONE,     /* the body is */
};

enum {
	HTTP_LINE_MAX = 18432,	      /* bytes of a line or header: Suricata's default */
	HTTP_HEADERS_MAX = 1024,      /* headers of one message: Suricata's default */
	HTTP_REPEATS_MAX = 64,	      /* repetitions of headers joined in one message: libhtp's */
	HTTP_BODY_KEPT = 100 << 10,   /* bytes of a body looked at: Suricata's default */
	HTTP_BODY_ROOM = 1 << 20,     /* bytes of a body kept, whatever the configuration says */
	HTTP_LAYERS_MAX = 8,	      /* content codings undone, whatever the configuration says */
	HTTP_LAYER_HEAD = 1024,	      /* bytes of a coding kept to try another */
	HTTP_RESTARTS_MAX = 3,	      /* codings tried beside the one named: libhtp's */
	HTTP_LAYER_OUT_MAX = 1 << 20, /* bytes one layer may inflate to before it is a bomb */
	HTTP_BOUNDARY_MAX = 200,      /* bytes of a multipart boundary */
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
	X(NO_PROTOCOL, request_line_missing_protocol)                                              \
	X(RES_BODY_UNEXPECTED, response_body_unexpected)                                           \
	X(LENGTH_START, content_length_extra_data_start)                                           \
	X(LENGTH_END, content_length_extra_data_end)                                               \
	X(SWITCH_LENGTH, switching_proto_with_content_length)                                      \
	X(RES_CHUNK_EXTENSION, response_chunk_extension)                                           \
	X(DOUBLE_ENCODED, double_encoded_uri)                                                      \
	X(AUTH_UNKNOWN, request_auth_unrecognized)                                                 \
	X(REQ_LINE_INVALID, request_line_invalid)                                                  \
	X(AUTHORITY_PORT, invalid_authority_port)                                                  \
	X(LZMA_MEMORY, lzma_memlimit_reached)                                                      \
	X(FILE_NAME_LONG, file_name_too_long)                                                      \
	X(RANGE_INVALID, range_invalid)                                                            \
	X(PART_ERROR, multipart_generic_error)                                                     \
	X(PART_NO_DATA, multipart_no_filedata)                                                     \
	X(PART_HEADER, multipart_invalid_header)                                                   \
	X(WARNINGS_MANY, too_many_warnings)                                                        \
	X(CHANGE_FAILED, failed_protocol_change)

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

/* The settings of app-layer.protocols.http. */
struct http_setup {
	uint64_t body_most[2];	 /* bytes of a body looked at; 0: all */
	uint64_t bomb_most;	 /* bytes a coding may inflate to */
	uint64_t lzma_dict_most; /* bytes */
	uint32_t layers_most;	 /* content codings undone; 0: HTTP_LAYERS_MAX */
	uint32_t headers_most, line_most;
	uint32_t txs_most;		 /* open transactions of a flow */
	uint32_t table_most, block_most; /* HTTP/2: bytes of a table and of a block of fields */
	bool lzma;
	bool apache; /* NUL ends a request line */
	/* targets */
	bool uri_spaces, uri_all, backslash, lower_case, squeeze, slash_decode, u_decode, best_fit;
	bool plus_path, plus_query, nul_encoded_ends, nul_raw_ends, twice_path, twice_query;
	enum http_bad_percent { HTTP_PERCENT_KEEP, HTTP_PERCENT_DROP, HTTP_PERCENT_DECODE } bad;
	uint8_t replacement; /* for what has no byte of its own */
};

enum http_coding { HTTP_GZIP, HTTP_DEFLATE, HTTP_ZLIB, HTTP_BROTLI, HTTP_LZMA };

/* One content coding being undone. */
struct http_layer {
	enum http_coding coding;
	enum http_layer_state {
		HTTP_LAYER_START,
		HTTP_LAYER_ON,
		HTTP_LAYER_PLAIN, /* it was none: bytes pass as they are */
		HTTP_LAYER_END
	} state;
	uint8_t restarts;
	bool sure;	 /* no other coding will be tried */
	struct buf head; /* what it got so far, until it is sure */
	uint64_t made;	 /* bytes it made */
	/* http_unpack.c's */
	struct z_stream_s *z;
	struct BrotliDecoderStateStruct *brotli;
	struct http_lzma *lzma;
	uint64_t dict_most;
	uint8_t gz_state, gz_at, gz_flags;
	uint16_t gz_left;
};

/* The part of a file that a body is, while more of it comes; zero: it is none. */
struct http_range {
	uint32_t slot;
	uint64_t id, at; /* of the file; where the next byte belongs */
};

/* One direction of a transaction. */
struct http_message {
	struct slice line; /* without its end */
	union {
		struct slice method; /* requests */
		struct slice reason; /* responses */
	};
	union {
		struct slice uri;  /* requests */
		struct slice code; /* responses */
	};
	struct slice protocol;	     /* either */
	uint16_t status;	     /* responses; 0: none */
	uint8_t version;	     /* 9, 10, 11, 20; 0: none or odd */
	struct http_header *headers; /* in order, repeated ones joined */
	size_t header_count, header_room;
	size_t repeats;
	struct buf head;     /* all header lines as they came, trailers too */
	struct buf body;     /* as the receiver's application sees it, its beginning */
	uint64_t body_bytes; /* as transferred */
	uint64_t body_seen;  /* as the receiver's application sees it, and looked at */
	bool body_cut;	     /* more came than is looked at */
	bool body_begun;
	struct http_layer *layer;
	uint8_t layers;
	struct file *file; /* that the body is */
	struct http_range range;
	struct http_multipart *parts;
	bool file_tried;
	bool block_begun; /* a header of the block is read */
	bool trailing;	  /* what is read now is a trailer: it is no header */
	/* built when first asked for */
	struct slice normal_uri, normal_host, headers_normal, names, start;
	bool has_uri, has_host, has_headers, has_names, has_start;
};

struct http_tx {
	struct http_message side[2];
	bool unasked;		     /* a response without a request */
	bool simple;		     /* the request is one of HTTP/0.9 */
	bool continued;		     /* a 100 was seen */
	uint32_t stream;	     /* HTTP/2 only */
	struct http2_frames *frames; /* HTTP/2 only; NULL: none yet */
	bool dns[2];		     /* HTTP/2 only: the body is a DNS message */
	struct app_flow *flow;
	const struct http_setup *setup;
};

static inline const struct http_setup *http_setup_of(const struct app_tx *tx)
{
	return ((const struct http_tx *)tx->data)->setup;
}

/* Bytes of a body that are kept. */
static inline size_t http_kept_most(const struct http_setup *s, enum app_dir dir)
{
	uint64_t most = s->body_most[dir];

	return most == 0 || most > HTTP_BODY_ROOM ? HTTP_BODY_ROOM : (size_t)most;
}

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

enum http_heads {
	HTTP_HEADS_MORE, /* the block goes on with what was not used */
	HTTP_HEADS_END,	 /* the empty line is used too */
	HTTP_HEADS_MANY, /* too many headers */
};
/* The headers at the front of `in`, as many as are whole. last: no more will come. *out_skip: a
 * byte that belongs to the end of the block if it comes next; 0: none. */
enum http_heads app_http_headers(struct app_tx *tx, enum app_dir dir, struct slice in, bool last,
				 size_t *out_used, uint8_t *out_skip);
/* A header whose name and value are told apart already; both are copied. False: too many. */
bool app_http_header_add(struct app_tx *tx, enum app_dir dir, struct slice name,
			 struct slice value);
/* NULs in a header's name do not count. */
const struct http_header *app_http_header_find(const struct http_message *m, struct slice name);

/* The value of the first header of that name; ptr NULL: there is none. */
static inline struct slice http_header_of(struct app_tx *tx, enum app_dir dir, struct slice name)
{
	const struct http_header *h = app_http_header_find(http_side(tx, dir), name);

	return h != NULL ? h->value : (struct slice){NULL, 0};
}

/* http_uri.c */
struct http_target {
	struct slice scheme, host, port, path, query, fragment; /* ptr NULL: not there */
};
struct http_target app_http_target(struct slice uri);
/* Path and query in the form that rules match: RFC 3986 6.2.2 as a lenient server would do it. */
struct slice app_http_uri_normal(struct slice uri, const struct http_setup *s, struct arena *a,
				 bool *out_twice);
/* The path of it alone. */
struct slice app_http_path_normal(struct slice uri, const struct http_setup *s, struct arena *a);
/* "Example.COM.:8080" -> "example.com", and the port's text. False: no valid host and port. */
bool app_http_host_normal(struct slice hostport, struct arena *a, struct slice *out_host,
			  struct slice *out_port);

enum http_odd { HTTP_ODD_START = 1, HTTP_ODD_END = 2 };
/* Content-Length as a number. False: none. out_odd (may be NULL): bits of enum http_odd. */
bool app_http_length(struct slice value, uint64_t *out, unsigned *out_odd);
/* a without its NULs is b, in either case. */
bool app_http_equal_nozero(struct slice a, struct slice b);
/* Where `word` is in s, in either case and NULs left out; SIZE_MAX: nowhere. */
size_t app_http_find_nocase(struct slice s, struct slice word);

/* http_body.c */
void app_http_body_start(struct app_tx *tx, enum app_dir dir);
void app_http_body(struct app_tx *tx, enum app_dir dir, struct slice bytes);
void app_http_body_gap(struct app_tx *tx, enum app_dir dir, uint64_t missing);
void app_http_body_end(struct app_tx *tx, enum app_dir dir, bool whole);

/* http_unpack.c */
enum http_unpacked {
	HTTP_UNPACK_ON,	    /* the room is full: ask again */
	HTTP_UNPACK_MORE,   /* all input is used */
	HTTP_UNPACK_END,    /* the coded text is over */
	HTTP_UNPACK_BROKEN, /* it is not what it claims to be */
};
bool app_http_unpack_open(struct http_layer *l, const struct http_setup *s, struct arena *a);
/* *made: the room at out, then what was made. */
enum http_unpacked app_http_unpack(struct http_layer *l, struct slice *in, uint8_t *out,
				   size_t *made);

/* http_file.c: the files that a body is or holds. */
void app_http_file_data(struct app_tx *tx, enum app_dir dir, struct slice bytes);
void app_http_file_gap(struct app_tx *tx, enum app_dir dir, uint64_t missing);
/* Of the body itself; those in a form go on. */
void app_http_file_close(struct app_tx *tx, enum app_dir dir, enum file_state state);
void app_http_file_end(struct app_tx *tx, enum app_dir dir, enum file_state state); /* of all */
/* Of the request's form: nothing behind belongs to it. */
void app_http_parts_end(struct app_tx *tx);
/* The value of parameter `name` of a header like Content-Disposition; ptr NULL: none. */
struct slice app_http_parameter(struct slice header, struct slice name);

/* http_range.c: a part of a file of `size` bytes begins; goes on; is over. When it was the last
 * one missing, the file is one of tx, under that name. */
void app_http_range_open(struct app_ranges *r, struct http_range *part, struct slice host,
			 struct slice path, uint64_t start, uint64_t size);
void app_http_range_data(struct app_ranges *r, struct http_range *part, struct slice bytes);
void app_http_range_close(struct app_ranges *r, struct http_range *part, struct app_tx *tx,
			  struct slice name);

/* http_multipart.c: RFC 7578. NULL: no boundary, or no memory. */
struct http_multipart *app_http_multipart_new(struct app_tx *tx, struct slice content_type);
void app_http_multipart_data(struct app_tx *tx, struct http_multipart *p, struct slice bytes);
void app_http_multipart_end(struct app_tx *tx, struct http_multipart *p, enum file_state state);

/* http2_frames.c: numbers of HTTP/2's frames, absent in HTTP/1 */
struct slice app_http2_types(struct app_tx *tx, enum app_dir dir, unsigned n);
struct slice app_http2_errors(struct app_tx *tx, enum app_dir dir, unsigned n);
struct slice app_http2_weights(struct app_tx *tx, enum app_dir dir, unsigned n);
struct slice app_http2_windows(struct app_tx *tx, enum app_dir dir, unsigned n);
struct slice app_http2_sizes(struct app_tx *tx, enum app_dir dir, unsigned n);
struct slice app_http2_settings(struct app_tx *tx, enum app_dir dir, unsigned n);
extern const struct app_word app_http2_type_words[], app_http2_error_words[];

/* http_probe.c */
bool app_http_is_method(struct slice word); /* one that Suricata knows */
enum app_probe app_http_probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			      bool port_hint);

/* http_setup.c */
const void *app_http_configure(struct config *config, struct arena *a);
const void *app_http2_configure(struct config *config, struct arena *a);

/* http_field.c */
/* Makes the normal form of the target, once; where targets are decoded twice, what that shows is
 * an anomaly, so the parser asks for it then. */
void app_http_uri_know(struct app_tx *tx);
extern const struct app_field app_http_fields[];
struct slice app_http_host(struct app_tx *tx); /* the host asked for, in normal form */

/* http_log.c */
bool app_http_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r);
const void *app_http_log_configure(struct config *root, struct config *node, struct arena *a);
/* All headers of m as http.<key> of r. */
void app_http_log_headers(struct record *r, struct arena *a, const struct http_message *m,
			  const char *key);

#endif
