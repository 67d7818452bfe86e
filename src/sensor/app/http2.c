/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP/2 without TLS: RFC 9113, to where a request and its answer are known as HTTP/1's are; from
 * there on both are the same transaction with the same buffers (http_priv.h).
 *
 * Each direction is a machine of its own, told by what is left:
 *
 *	preface (client) -> FRAME -> data -> end of the message -> padding -> FRAME
 *	                    FRAME -> skipped -> FRAME
 *
 * Invariants:
 *  1. A header block is eaten with all its frames at once, or not at all: nothing may stand between
 *     them (RFC 9113 6.10). So the tables of fields see each block once, whatever the chunks.
 *  2. No pointer to a transaction is kept. A stream is looked up when its bytes come, since the
 *     other direction may have ended it.
 *  3. A step eats at least one byte, changes the state, or ends the loop.
 */
#include "base/text.h"
#include "crypto/crypto.h"
#include "sensor/app/http2_priv.h"

#include <string.h>

enum { /* RFC 9113 6 */
       FRAME_DATA = 0,
       FRAME_HEADERS = 1,
       FRAME_RST_STREAM = 3,
       FRAME_PUSH_PROMISE = 5,
       FRAME_CONTINUATION = 9,
       FLAG_END_STREAM = 0x01,
       FLAG_END_HEADERS = 0x04,
       FLAG_PADDED = 0x08,
       FLAG_PRIORITY = 0x20,
       FRAME_HEAD_BYTES = 9,
       PRIORITY_BYTES = 5,
       SETTING_BYTES = 6,
       SETTING_FRAME_SIZE = 5,
       FRAME_MOST = 16384, /* unless the other side said more */
};

enum { HTTP2_FRAME_HDR, HTTP2_FRAME_DATA, HTTP2_FRAME_PDU };

#define ANOMALIES(X)                                                                               \
	X(INVALID_FRAME_DATA, invalid_frame_data)                                                  \
	X(INVALID_HEADER, invalid_header)                                                          \
	X(HEADER_OVERFLOW, header_integer_overflow)                                                \
	X(BLOCK_LONG, reassembly_limit_reached)                                                    \
	X(STREAM_REUSED, stream_id_reuse)                                                          \
	X(STREAMS_MANY, too_many_streams)                                                          \
	X(NOT_UNPACKED, failed_decompression)                                                      \
	X(USERINFO, userinfo_in_uri)                                                               \
	X(HOSTS_DIFFER, authority_host_mismatch)                                                   \
	X(INVALID_FRAME_LENGTH, invalid_frame_length)                                              \
	X(INVALID_FRAME_HEADER, invalid_frame_header)                                              \
	X(INVALID_MAGIC, invalid_client_magic)                                                     \
	X(EXTRA_HEADER_DATA, extra_header_data)                                                    \
	X(LONG_FRAME, long_frame_data)                                                             \
	X(RANGE_INVALID, invalid_range)                                                            \
	X(HTTP1_SETTINGS, invalid_http1_settings)                                                  \
	X(DATA_ON_ZERO, data_stream_zero)                                                          \
	X(DNS_REQUEST_LONG, dns_request_too_long)                                                  \
	X(DNS_RESPONSE_LONG, dns_response_too_long)

enum anomaly {
#define X(id, name) ANOMALY_##id,
	ANOMALIES(X)
#undef X
};

static const struct slice preface = {(const uint8_t *)"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24};

struct http2_side {
	struct hpack_table table;
	uint32_t stream;     /* whose data is coming */
	uint32_t data;	     /* bytes of it still to come in this frame */
	uint32_t skip;	     /* bytes after it that mean nothing here */
	bool ending;	     /* with the data, the message ends */
	bool begun;	     /* the client's preface is eaten */
	uint32_t frame_most; /* that the other side takes; 0: RFC 9113's default */
};

struct http2 {
	struct http2_side side[2];
	uint32_t newest; /* the highest stream that the client has opened */
	size_t at;	 /* of the step in its input */
};

struct frame {
	uint32_t bytes, stream;
	uint8_t type, flags;
};

struct block {
	uint32_t stream;
	uint8_t flags;
	bool promise;
	struct slice whole; /* the first frame's payload */
	struct slice fields;
};

enum step { STEP_ON, STEP_MORE, STEP_STUCK };

static enum step stuck(struct app_flow *f, enum anomaly a)
{
	f->anomalies |= UINT64_C(1) << a;
	return STEP_STUCK;
}

static void tx_anomaly(struct app_tx *tx, enum anomaly a)
{
	tx->anomalies |= UINT64_C(1) << a;
}

/* What the parts shared with HTTP/1 have set, instead of `own`, in HTTP/2's words beside it. */
static void in_own_words(struct app_tx *tx, uint64_t own)
{
	const uint64_t packed = UINT64_C(1) << HTTP_GZIP_FAILED | UINT64_C(1) << HTTP_BOMB |
				UINT64_C(1) << HTTP_TOO_MANY_LAYERS;
	bool failed = (tx->anomalies & packed) != 0;
	bool range = (tx->anomalies >> HTTP_RANGE_INVALID & 1) != 0;

	tx->anomalies = own;
	if (failed)
		tx_anomaly(tx, ANOMALY_NOT_UNPACKED);
	if (range)
		tx_anomaly(tx, ANOMALY_RANGE_INVALID);
}

static struct app_tx *tx_of(const struct app_flow *f, uint32_t stream)
{
	for (struct app_tx *tx = f->first; tx != NULL; tx = tx->next)
		if (((const struct http_tx *)tx->data)->stream == stream)
			return tx;
	return NULL;
}

static void message_init(struct app_tx *tx, enum app_dir dir)
{
	*http_side(tx, dir) = (struct http_message){
		.version = 20, .head = buf_in(&tx->arena), .body = buf_in(&tx->arena)};
}

/* A stream that opens. NULL: no room for one more. */
static struct app_tx *tx_new(struct app_flow *f, uint32_t stream)
{
	struct app_tx *tx = app_tx_new(f, sizeof(struct http_tx));

	if (tx == NULL)
		return NULL;
	((struct http_tx *)tx->data)->stream = stream;
	((struct http_tx *)tx->data)->flow = f;
	((struct http_tx *)tx->data)->setup = f->own;
	message_init(tx, APP_TO_SERVER);
	message_init(tx, APP_TO_CLIENT);
	return tx;
}

/* --- messages --- */

static void message_end(struct app_tx *tx, enum app_dir dir)
{
	uint64_t own = tx->anomalies;

	if (tx->progress[dir] >= HTTP_DONE)
		return;
	tx->anomalies = 0;
	app_http_body_end(tx, dir, true);
	in_own_words(tx, own);
	if (!app_doh2_body(tx, dir))
		tx_anomaly(tx, dir == APP_TO_SERVER ? ANOMALY_DNS_REQUEST_LONG
						    : ANOMALY_DNS_RESPONSE_LONG);
	app_tx_advance(tx, dir, HTTP_DONE);
}

static void field_add(struct app_tx *tx, enum app_dir dir, const struct hpack_field *h)
{
	struct http_message *m = http_side(tx, dir);
	uint64_t own = tx->anomalies;

	buf_add(&m->head, h->name);
	buf_add_z(&m->head, ": ");
	buf_add(&m->head, h->value);
	buf_add_z(&m->head, "\r\n");
	tx->anomalies = 0; /* none of HTTP/1's words for headers is one of HTTP/2's */
	(void)app_http_header_add(tx, dir, h->name, h->value); /* past the limit: not kept */
	in_own_words(tx, own);
}

/* A start line as HTTP/1 would have it; Suricata gives it a line end, so rules may ask for one. */
static struct slice line_of(struct app_tx *tx, const struct slice *parts, size_t n)
{
	struct buf line = buf_in(&tx->arena);

	for (size_t i = 0; i < n; i++)
		buf_add(&line, parts[i]);
	return line.full ? (struct slice){NULL, 0} : buf_slice(&line);
}

static void request_know(struct app_tx *tx)
{
	struct http_message *m = http_side(tx, APP_TO_SERVER);
	struct slice authority = http_header_of(tx, APP_TO_SERVER, SLICE(":authority"));
	struct slice host = http_header_of(tx, APP_TO_SERVER, SLICE("host"));
	struct slice bare = authority, port;
	const uint8_t *at = authority.len ? memchr(authority.ptr, '@', authority.len) : NULL;

	m->method = http_header_of(tx, APP_TO_SERVER, SLICE(":method"));
	m->uri = http_header_of(tx, APP_TO_SERVER, SLICE(":path"));
	m->normal_uri = m->uri; /* Suricata does not change it, so neither do the rules expect it */
	m->has_uri = true;
	m->protocol = SLICE("HTTP/2");
	m->line = line_of(tx, (struct slice[]){m->method, SLICE(" "), m->uri, SLICE(" HTTP/2\r\n")},
			  4);
	if (at != NULL) {
		tx_anomaly(tx, ANOMALY_USERINFO);
		bare = slice_from(authority, (size_t)(at - authority.ptr) + 1);
	}
	if (bare.ptr != NULL)
		(void)app_http_host_normal(bare, &tx->arena, &m->normal_host, &port);
	m->has_host = true;
	if (host.ptr != NULL && authority.ptr != NULL && !slice_equal_nocase(host, authority))
		tx_anomaly(tx, ANOMALY_HOSTS_DIFFER);
}

static void response_know(struct app_tx *tx)
{
	struct http_message *m = http_side(tx, APP_TO_CLIENT);
	uint64_t status;

	m->code = http_header_of(tx, APP_TO_CLIENT, SLICE(":status"));
	m->protocol = SLICE("HTTP/2");
	m->line = line_of(tx, (struct slice[]){SLICE("HTTP/2 "), m->code, SLICE("\r\n")}, 3);
	if (m->code.len == 3 && text_u64(m->code, 100, 999, &status))
		m->status = (uint16_t)status;
}

/* All header fields of a message are there. */
static void head_end(struct app_tx *tx, enum app_dir dir, bool last)
{
	uint64_t own;

	if (dir == APP_TO_SERVER)
		request_know(tx);
	else
		response_know(tx);
	if (dir == APP_TO_CLIENT && http_side(tx, dir)->status / 100 == 1 && !last) {
		message_init(tx, dir); /* RFC 9113 8.1: interim, the answer follows */
		return;
	}
	own = tx->anomalies;
	tx->anomalies = 0;
	app_http_body_start(tx, dir);
	in_own_words(tx, own);
	app_doh2_head(tx, dir);
	app_tx_advance(tx, dir, HTTP_HEAD);
}

/* --- header blocks --- */

static bool frame_head(struct cursor *c, struct frame *out)
{
	out->bytes = (uint32_t)cursor_be(c, 3);
	out->type = cursor_u8(c);
	out->flags = cursor_u8(c);
	out->stream = cursor_be32(c) & 0x7fffffff;
	return cursor_ok(c);
}

/* The part of a HEADERS or PUSH_PROMISE frame that holds fields. */
static bool fragment(struct cursor body, const struct frame *fr, struct slice *out)
{
	size_t pad = 0, left;

	if ((fr->flags & FLAG_PADDED) != 0)
		pad = cursor_u8(&body);
	if (fr->type == FRAME_PUSH_PROMISE)
		(void)cursor_be32(&body); /* the stream it promises */
	else if ((fr->flags & FLAG_PRIORITY) != 0)
		(void)cursor_take(&body, PRIORITY_BYTES);
	left = cursor_left(&body);
	if (!cursor_ok(&body) || pad > left)
		return false;
	*out = cursor_take(&body, left - pad);
	return true;
}

/* A whole block from c, its pieces put together in scratch if there are several. */
static enum step block_take(struct app_flow *f, struct cursor *c, struct arena *scratch,
			    struct block *out)
{
	struct cursor look = *c;
	struct buf joined = buf_in(scratch);
	size_t all = cursor_left(c);
	struct frame fr;
	struct slice piece, whole;

	for (bool first = true;; first = false) {
		if (!frame_head(&look, &fr))
			return STEP_MORE;
		if (all - cursor_left(&look) + fr.bytes > HTTP2_BLOCK_MAX)
			return stuck(f, ANOMALY_BLOCK_LONG);
		if (!first && (fr.type != FRAME_CONTINUATION || fr.stream != out->stream))
			return stuck(f, ANOMALY_INVALID_FRAME_DATA);
		if (cursor_left(&look) < fr.bytes)
			return STEP_MORE;
		piece = cursor_take(&look, fr.bytes);
		whole = piece;
		if (first && (fr.stream == 0 || !fragment(cursor_of(piece), &fr, &piece)))
			return stuck(f, ANOMALY_INVALID_FRAME_DATA);
		if (first)
			*out = (struct block){.stream = fr.stream,
					      .flags = fr.flags,
					      .promise = fr.type == FRAME_PUSH_PROMISE,
					      .whole = whole,
					      .fields = piece};
		if (first && (fr.flags & FLAG_END_HEADERS) != 0)
			break;
		buf_add(&joined, piece);
		if (joined.full)
			return STEP_STUCK;
		out->fields = buf_slice(&joined);
		if ((fr.flags & FLAG_END_HEADERS) != 0)
			break;
	}
	*c = look;
	return STEP_ON;
}

/* Decodes the fields, which the table needs in any case, and adds them to tx if there is one. */
static enum step fields_read(struct app_flow *f, enum app_dir dir, struct slice fields,
			     struct arena *scratch, struct app_tx *tx)
{
	struct http2 *h = f->parser;
	struct cursor c = cursor_of(fields);
	struct hpack_field one;
	size_t total = 0;
	uint32_t most = h->side[dir].table.most;

	for (;; most = h->side[dir].table.most) {
		switch (app_hpack_next(&h->side[dir].table, &c, f->arena, scratch, &one)) {
		case HPACK_FIELD:
			if (tx != NULL && most != h->side[dir].table.most && most != 0)
				app_http2_table_sized(tx, dir, h->side[dir].table.most);
			total += one.name.len + one.value.len;
			if (total > HTTP2_FIELDS_BYTES)
				return stuck(f, ANOMALY_BLOCK_LONG);
			if (tx != NULL)
				field_add(tx, dir, &one);
			break;
		case HPACK_END:
			return STEP_ON;
		case HPACK_INVALID:
			return stuck(f, ANOMALY_INVALID_HEADER);
		case HPACK_OVERFLOW:
			return stuck(f, ANOMALY_HEADER_OVERFLOW);
		case HPACK_NOMEM:
			return STEP_STUCK;
		}
	}
}

/* The transaction whose head the block is; NULL: it is none that anybody waits for. */
static enum step block_owner(struct app_flow *f, enum app_dir dir, const struct block *b,
			     struct app_tx **out)
{
	struct http2 *h = f->parser;

	*out = b->promise ? NULL : tx_of(f, b->stream);
	if (b->promise || *out != NULL)
		return STEP_ON;
	if (b->stream <= h->newest || b->stream % 2 == 0) { /* over, or opened by the server */
		if (dir == APP_TO_SERVER)
			f->anomalies |= UINT64_C(1) << ANOMALY_STREAM_REUSED;
		return STEP_ON;
	}
	h->newest = b->stream;
	*out = tx_new(f, b->stream);
	if (*out == NULL)
		return f->open_txs >= APP_TXS_MAX ? stuck(f, ANOMALY_STREAMS_MANY) : STEP_STUCK;
	if (dir == APP_TO_CLIENT) { /* an answer to what was not seen */
		((struct http_tx *)(*out)->data)->unasked = true;
		app_tx_advance(*out, APP_TO_SERVER, HTTP_DONE);
	}
	return STEP_ON;
}

static enum step step_block(struct app_flow *f, enum app_dir dir, struct cursor *c)
{
	struct arena scratch = {.pool = f->pool};
	struct app_tx *tx = NULL;
	struct block b = {0};
	enum step s = block_take(f, c, &scratch, &b);
	bool head, last = (b.flags & FLAG_END_STREAM) != 0;

	if (s == STEP_ON)
		s = block_owner(f, dir, &b, &tx);
	if (s == STEP_ON && tx != NULL)
		app_http2_frame_seen(tx, dir, b.promise ? HTTP2_PUSH_PROMISE : HTTP2_HEADERS,
				     b.flags, b.whole);
	/* a second block of a message is its trailer: it is no header */
	head = s == STEP_ON && tx != NULL && tx->progress[dir] < HTTP_HEAD;
	if (s == STEP_ON)
		s = fields_read(f, dir, b.fields, &scratch, head ? tx : NULL);
	if (s == STEP_ON && head)
		head_end(tx, dir, last);
	if (s == STEP_ON && tx != NULL && last && !b.promise)
		message_end(tx, dir);
	arena_reset(&scratch);
	return s;
}

/* --- frames --- */

/* The head of a DATA frame, with the length of its padding. */
static enum step step_data_head(struct app_flow *f, struct http2_side *s, struct cursor *c,
				const struct frame *fr)
{
	struct cursor look = *c;
	uint32_t pad = 0, own = 0;

	(void)cursor_take(&look, FRAME_HEAD_BYTES);
	if ((fr->flags & FLAG_PADDED) != 0) {
		own = 1;
		pad = cursor_u8(&look);
	}
	if (!cursor_ok(&look))
		return STEP_MORE;
	if (fr->stream == 0)
		return stuck(f, ANOMALY_DATA_ON_ZERO);
	if (own + pad > fr->bytes)
		return stuck(f, ANOMALY_INVALID_FRAME_DATA);
	s->stream = fr->stream;
	s->data = fr->bytes - own - pad;
	s->skip = pad;
	s->ending = (fr->flags & FLAG_END_STREAM) != 0;
	*c = look;
	return STEP_ON;
}

/* A frame that only says something about its stream or the connection. */
static enum step step_control(struct app_flow *f, enum app_dir dir, struct cursor *c,
			      const struct frame *fr)
{
	struct http2 *h = f->parser;
	struct cursor look = *c;
	struct app_tx *tx = fr->stream != 0 ? tx_of(f, fr->stream) : NULL;
	struct slice payload, pair;

	(void)cursor_take(&look, FRAME_HEAD_BYTES);
	payload = cursor_take(&look, fr->bytes);
	if (!cursor_ok(&look))
		return STEP_MORE;
	*c = look;
	if (fr->type == HTTP2_SETTINGS && fr->bytes % SETTING_BYTES != 0)
		return stuck(f, ANOMALY_INVALID_FRAME_LENGTH);
	for (size_t i = 0; fr->type == HTTP2_SETTINGS && i < payload.len; i += SETTING_BYTES) {
		struct cursor one;

		pair = slice_part(payload, i, SETTING_BYTES);
		one = cursor_of(pair);
		if (cursor_be16(&one) == SETTING_FRAME_SIZE)
			h->side[!dir].frame_most = cursor_be32(&one);
	}
	if (fr->stream == 0 && fr->type <= HTTP2_CONTINUATION) {
		tx = tx_new(f, 0);
		if (tx == NULL) { /* what it says is lost, what follows is not */
			f->anomalies |= UINT64_C(1) << ANOMALY_STREAMS_MANY;
			return STEP_ON;
		}
		app_tx_advance(tx, APP_TO_SERVER, HTTP_DONE);
		app_tx_advance(tx, APP_TO_CLIENT, HTTP_DONE);
	}
	if (tx != NULL)
		app_http2_frame_seen(tx, dir, fr->type, fr->flags, payload);
	if (fr->type == FRAME_RST_STREAM && tx != NULL) {
		message_end(tx, APP_TO_SERVER);
		message_end(tx, APP_TO_CLIENT);
	}
	return STEP_ON;
}

static void frames_open(struct app_flow *f, enum app_dir dir, const struct frame *fr)
{
	const struct http2 *h = f->parser;

	(void)app_frame_open(f, dir, HTTP2_FRAME_HDR, h->at, FRAME_HEAD_BYTES, NULL);
	(void)app_frame_open(f, dir, HTTP2_FRAME_DATA, h->at + FRAME_HEAD_BYTES, fr->bytes, NULL);
	(void)app_frame_open(f, dir, HTTP2_FRAME_PDU, h->at, (int64_t)FRAME_HEAD_BYTES + fr->bytes,
			     NULL);
}

static enum step step_frame(struct app_flow *f, enum app_dir dir, struct cursor *c)
{
	struct http2 *h = f->parser;
	struct http2_side *s = &h->side[dir];
	struct cursor look = *c;
	struct app_tx *tx;
	struct frame fr;
	enum step r;

	if (!frame_head(&look, &fr))
		return STEP_MORE;
	switch (fr.type) {
	case FRAME_DATA:
		r = step_data_head(f, s, c, &fr);
		tx = tx_of(f, fr.stream);
		if (r == STEP_ON && tx != NULL)
			app_http2_frame_seen(tx, dir, fr.type, fr.flags, (struct slice){NULL, 0});
		if (r == STEP_ON && tx != NULL && fr.bytes > s->frame_most && fr.bytes > FRAME_MOST)
			tx_anomaly(tx, ANOMALY_LONG_FRAME);
		break;
	case FRAME_HEADERS:
	case FRAME_PUSH_PROMISE:
		r = step_block(f, dir, c);
		break;
	case FRAME_CONTINUATION: /* of nothing */
		return stuck(f, ANOMALY_INVALID_FRAME_DATA);
	default:
		if (fr.bytes <= FRAME_MOST) {
			r = step_control(f, dir, c, &fr);
			break;
		}
		s->skip = fr.bytes;
		*c = look;
		r = STEP_ON;
		break;
	}
	if (r == STEP_ON)
		frames_open(f, dir, &fr);
	return r;
}

static enum step step_body(struct app_flow *f, enum app_dir dir, struct cursor *c)
{
	struct http2 *h = f->parser;
	struct http2_side *s = &h->side[dir];
	struct app_tx *tx = tx_of(f, s->stream);
	size_t n = cursor_left(c) < s->data ? cursor_left(c) : s->data;
	struct slice bytes = cursor_take(c, n);
	uint64_t own;

	if (n == 0)
		return STEP_MORE;
	s->data -= (uint32_t)n;
	if (tx == NULL || tx->progress[dir] != HTTP_HEAD)
		return STEP_ON; /* of a stream that is over, or has no head */
	own = tx->anomalies;
	tx->anomalies = 0;
	app_http_body(tx, dir, bytes);
	in_own_words(tx, own);
	return STEP_ON;
}

static enum step step(struct app_flow *f, enum app_dir dir, struct cursor *c)
{
	struct http2 *h = f->parser;
	struct http2_side *s = &h->side[dir];
	struct app_tx *tx;
	size_t n;

	if (dir == APP_TO_SERVER && !s->begun) {
		if (cursor_left(c) < preface.len)
			return STEP_MORE;
		s->begun = true;
		return slice_equal(cursor_take(c, preface.len), preface)
			       ? STEP_ON
			       : stuck(f, ANOMALY_INVALID_MAGIC);
	}
	if (s->data != 0)
		return step_body(f, dir, c);
	if (s->ending) {
		tx = tx_of(f, s->stream);
		if (tx != NULL)
			message_end(tx, dir);
		s->ending = false;
		return STEP_ON;
	}
	if (s->skip == 0)
		return step_frame(f, dir, c);
	n = cursor_left(c) < s->skip ? cursor_left(c) : s->skip;
	(void)cursor_take(c, n);
	s->skip -= (uint32_t)n;
	return n != 0 ? STEP_ON : STEP_MORE;
}

/* RFC 7540 3.2.1: the payload of a SETTINGS frame, base64url without padding. */
static bool settings_ok(struct app_tx *tx)
{
	struct slice text = http_header_of(tx, APP_TO_SERVER, SLICE("http2-settings")), bytes;

	return text.ptr == NULL || text.len == 0 ||
	       (crypto_base64_take(CRYPTO_BASE64URL, text, &tx->arena, &bytes) == ST_OK &&
		bytes.len % SETTING_BYTES == 0);
}

/* The request of HTTP/1 that asked for HTTP/2 is stream 1's. */
static void begin_upgraded(struct app_flow *f)
{
	struct http2 *h = f->parser;
	struct slice rest = f->given, line = slice_split(&rest, '\n');
	struct hpack_field field_of = {SLICE(":method"), slice_split(&line, ' ')};
	struct app_tx *tx = tx_new(f, 1);

	f->given = (struct slice){NULL, 0};
	if (tx == NULL)
		return;
	h->newest = 1;
	field_add(tx, APP_TO_SERVER, &field_of);
	field_of = (struct hpack_field){SLICE(":path"), slice_split(&line, ' ')};
	field_add(tx, APP_TO_SERVER, &field_of);
	while (rest.ptr != NULL) {
		line = slice_split(&rest, '\n');
		field_of.name = slice_split(&line, ':');
		field_of.value = line;
		field_add(tx, APP_TO_SERVER, &field_of);
	}
	head_end(tx, APP_TO_SERVER, true);
	if (!settings_ok(tx))
		tx_anomaly(tx, ANOMALY_HTTP1_SETTINGS);
	message_end(tx, APP_TO_SERVER);
}

struct app_result app_http2_parse(struct app_flow *f, enum app_dir dir, struct slice input,
				  bool eof)
{
	struct http2 *h = f->parser;
	struct cursor c = cursor_of(input);
	enum step s = STEP_ON;

	if (f->given.len != 0)
		begin_upgraded(f);
	(void)eof; /* what is open then is completed for us */
	while (s == STEP_ON) {
		h->at = input.len - cursor_left(&c);
		s = step(f, dir, &c);
	}
	return (struct app_result){s == STEP_STUCK ? APP_STUCK : APP_OK,
				   input.len - cursor_left(&c)};
}

/* Only inside one frame's data or what is skipped is it known what the missing bytes were. */
bool app_http2_gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	struct http2 *h = f->parser;
	struct http2_side *s = &h->side[dir];
	struct app_tx *tx = tx_of(f, s->stream);

	if (s->data == 0) {
		if (missing > s->skip)
			return false;
		s->skip -= (uint32_t)missing;
		return true;
	}
	if (missing > s->data)
		return false;
	s->data -= (uint32_t)missing;
	if (tx != NULL && tx->progress[dir] == HTTP_HEAD)
		http_side(tx, dir)->body_bytes += missing;
	return true;
}

/* RFC 9113 3.4: a server begins with SETTINGS. Too weak to go by alone: the client's preface came.
 */
static enum app_probe probe_answer(struct slice in)
{
	struct cursor c = cursor_of(in);
	uint64_t length = cursor_be(&c, 3);
	uint8_t type = cursor_u8(&c);
	uint8_t flags = cursor_u8(&c);

	if (!cursor_ok(&c))
		return APP_NEED_MORE;
	return type == HTTP2_SETTINGS && length <= 16384 && flags <= 1 ? APP_YES : APP_NO;
}

enum app_probe app_http2_probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			       bool port_hint)
{
	(void)port_hint;
	if (dir == APP_TO_CLIENT)
		return f->protocol != NULL && f->protocol->parse == app_http2_parse
			       ? probe_answer(in)
			       : APP_NO;
	if (slice_starts(in, preface))
		return APP_YES;
	return slice_starts(preface, in) ? APP_NEED_MORE : APP_NO;
}

const char *const app_http2_anomalies[] = {
#define X(id, name) #name,
	ANOMALIES(X)
#undef X
		NULL,
};

const char *const app_http2_frame_names[] = {
	[HTTP2_FRAME_HDR] = "hdr", [HTTP2_FRAME_DATA] = "data", [HTTP2_FRAME_PDU] = "pdu", NULL};

APP_PROTOCOL(http2) = {
	.name = "http2",
	.spec = "RFC 9113, RFC 7541",
	.transports = APP_TCP,
	.fields = app_http_fields,
	.anomalies = app_http2_anomalies,
	.frames = app_http2_frame_names,
	.files = 1u << APP_TO_SERVER | 1u << APP_TO_CLIENT,
	.speaks_first = 1u << APP_TO_SERVER,
	.complete = {HTTP_DONE, HTTP_DONE},
	.parser_bytes = sizeof(struct http2),
	.probe = app_http2_probe,
	.parse = app_http2_parse,
	.gap = app_http2_gap,
	.log = app_http2_log,
	.judged = true,
	.configure = app_http2_configure,
};
