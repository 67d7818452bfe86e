/* SPDX-License-Identifier: Apache-2.0
 *
 * The machine of one HTTP/1 flow, and what its parts share: http.c (bodies, what belongs to whom),
 * http_request.c and http_response.c (heads, and which body follows them).
 */
#ifndef DEW_SENSOR_APP_HTTP_FLOW_PRIV_H
#define DEW_SENSOR_APP_HTTP_FLOW_PRIV_H

#include "base/cursor.h"
#include "sensor/app/http_priv.h"

enum http_state {
	STATE_LINE,
	STATE_SIMPLE, /* a request line without protocol: is there a header behind it? */
	STATE_HEAD,
	STATE_LENGTH,
	STATE_TO_CLOSE,
	STATE_CHUNK_SIZE,
	STATE_CHUNK_DATA,
	STATE_CHUNK_END,
	STATE_TRAILER,
	STATE_TUNNEL_WAIT, /* CONNECT: what follows depends on the answer */
	STATE_LOST,	   /* until a line begins a message */
	STATE_IGNORE,
};

struct http {
	struct app_tx *request, *response, *tail, *late;
	enum http_state state[2];
	uint64_t left[2];  /* of the body or chunk */
	uint64_t frame[2]; /* that is open; 0: none */
	uint64_t gone;	   /* the number of what was `late` and was let go of, if it is_gone */
	bool ended[2];	   /* a message ended in this step */
	uint8_t skip;	   /* a byte to leave out if the response goes on with it; 0: none */
	bool is_gone;
	bool gone_said; /* that it is longer than it said */
};

enum step { STEP_ON, STEP_MORE, STEP_STUCK };

static inline struct app_tx *http_current(const struct http *h, enum app_dir dir)
{
	return dir == APP_TO_SERVER ? h->request : h->response;
}

static inline const struct http_setup *http_flow_setup(const struct app_flow *f)
{
	return f->own;
}

static inline struct slice http_without_end(struct slice line)
{
	while (line.len != 0 && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
		line.len--;
	return line;
}

/* --- http.c --- */

/* The next line with its end. At the end of the direction, what is left is a line. */
enum step app_http_take_line(const struct app_flow *f, struct cursor *c, bool eof,
			     struct slice *out);
struct app_tx *app_http_tx_new(struct app_flow *f);
/* Nothing more can be said to belong to the last request, or to the last response. */
void app_http_tail_end(struct http *h);
void app_http_late_end(struct http *h);
/* Is there a last response behind which nothing began? */
bool app_http_has_late(const struct http *h);
/* More of its body than it said. */
void app_http_late_more(struct app_flow *f, struct slice bytes);
/* The message of dir is whole: the next line starts another. */
void app_http_message_end(struct app_flow *f, enum app_dir dir);
/* Content-Length as a number; false: it has none. */
bool app_http_content_length(struct app_tx *tx, struct slice value, uint64_t *out);

/* --- http_request.c --- */

enum step app_http_step_request_line(struct app_flow *f, struct cursor *c, bool eof);
enum step app_http_step_simple(struct app_flow *f, const struct cursor *c, bool eof);
enum step app_http_request_head_end(struct app_flow *f);
/* The request was one of HTTP/0.9: it has no head. */
void app_http_simple_end(struct app_flow *f);

/* --- http_response.c --- */

enum step app_http_step_status_line(struct app_flow *f, struct cursor *c, bool eof);
enum step app_http_response_head_end(struct app_flow *f);

#endif
