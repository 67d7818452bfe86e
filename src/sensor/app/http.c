/* SPDX-License-Identifier: Apache-2.0
 *
 * HTTP/1.x and 0.9: RFC 9112 (messages), RFC 9110 (meaning), RFC 1945 (1.0, simple requests).
 *
 * It reads what libhtp reads, since rules are written for that: the least a server or a browser
 * might take for a message is one. Each direction is a machine of its own:
 *
 *	LINE -> HEAD -> LENGTH | CHUNK_SIZE | TO_CLOSE | (nothing) -> LINE
 *	CHUNK_SIZE -> CHUNK_DATA -> CHUNK_END -> CHUNK_SIZE;  CHUNK_SIZE (0) -> TRAILER -> LINE
 *	LINE (no protocol) -> SIMPLE -> HEAD | IGNORE             requests
 *	HEAD of CONNECT -> TUNNEL_WAIT -> LINE | the flow stops   requests
 *	HEAD of a 100 -> LINE of the same transaction             responses
 *	LINE -> LINE: a line that is no status line is body       responses
 *	a gap past the end of a body -> LOST -> LINE              either
 *
 * Invariants:
 *  1. `request` is the newest tx, if its request is incomplete; `response` is the oldest tx whose
 *     response is incomplete, NULL if there is none; `tail` is the newest tx, if its request is
 *     complete and its response is not; `late` is the one whose response came last, if nothing of
 *     either direction began behind it, and pinned. None of them is swept, therefore; `late` may be
 *     let go of when nobody looks at it any more: then its number stays, for what comes behind it.
 *  2. Responses answer requests in their order. A response without one gets a tx of its own.
 *  3. A step eats at least one byte, changes the state, or ends the loop.
 *  4. What a step does depends on the bytes of its direction and on what the other direction has
 *     said before, never on where a piece of input ends.
 */
#include "base/cursor.h"
#include "base/text.h"
#include "sensor/app/http_flow_priv.h"

enum { HTTP_FRAME_REQUEST, HTTP_FRAME_RESPONSE }; /* by enum app_dir */

/* Blanks behind a CR of which each is a reason to look again. */
enum { BLANKS_FEW = 64 };

/* The next line with its end. At the end of the direction, what is left is a line. */
enum step app_http_take_line(const struct app_flow *f, struct cursor *c, bool eof,
			     struct slice *out)
{
	size_t left = cursor_left(c), most = http_flow_setup(f)->line_most;
	const uint8_t *lf = left ? memchr(c->at, '\n', left < most ? left : most) : NULL;

	if (lf != NULL)
		*out = cursor_take(c, (size_t)(lf - c->at) + 1);
	else if (left >= most)
		return STEP_STUCK;
	else if (eof && left != 0)
		*out = cursor_take(c, left);
	else
		return STEP_MORE;
	return STEP_ON;
}

static void tx_begin(struct app_flow *f, struct app_tx *tx)
{
	((struct http_tx *)tx->data)->flow = f;
	((struct http_tx *)tx->data)->setup = f->own;
	for (enum app_dir d = APP_TO_SERVER; d <= APP_TO_CLIENT; d++) {
		struct http_message *m = http_side(tx, d);

		m->head = buf_in(&tx->arena);
		m->body = buf_in(&tx->arena);
	}
}

struct app_tx *app_http_tx_new(struct app_flow *f)
{
	struct http *h = f->parser;
	struct app_tx *tx = f->open_txs < http_flow_setup(f)->txs_most
				    ? app_tx_new(f, sizeof(struct http_tx))
				    : NULL;

	if (tx == NULL)
		return NULL;
	tx_begin(f, tx);
	if (h->response == NULL)
		h->response = tx;
	return tx;
}

/* Nothing more can be said to belong to the last request. */
void app_http_tail_end(struct http *h)
{
	if (h->tail != NULL)
		app_http_file_end(h->tail, APP_TO_SERVER, FILE_CLOSED);
	h->tail = NULL;
}

/* The same of the last response. */
void app_http_late_end(struct http *h)
{
	h->is_gone = false;
	if (h->late == NULL)
		return;
	app_http_file_end(h->late, APP_TO_CLIENT, FILE_CLOSED);
	h->late->pinned = false;
	h->late = NULL;
}

bool app_http_has_late(const struct http *h)
{
	return h->late != NULL || h->is_gone;
}

/* Of one that was let go of, only that there is more can be new. */
void app_http_late_more(struct app_flow *f, struct slice bytes)
{
	struct http *h = f->parser;
	struct app_tx *tx = h->late;

	if (tx != NULL) {
		app_http_body(tx, APP_TO_CLIENT, bytes);
	} else if (h->is_gone && !h->gone_said) {
		tx = app_tx_again(f, h->gone, sizeof(struct http_tx));
		if (tx != NULL)
			tx_begin(f, tx);
		h->gone_said = true;
	}
	if (tx != NULL)
		http_anomaly(tx, HTTP_RES_BODY_UNEXPECTED);
}

/* What else could come of the last response: a file, if its body was none; what its codings make.
 * Not while there are. */
static bool let_go(struct app_flow *f, const struct app_tx *tx)
{
	const struct http_message *m = &((const struct http_tx *)tx->data)->side[APP_TO_CLIENT];
	struct http *h = f->parser;

	if (tx != h->late || tx == h->request || tx == h->tail || m->layers != 0 ||
	    m->range.id != 0 || m->file == NULL || m->file->state == FILE_OPEN)
		return false;
	h->late = NULL;
	h->is_gone = true;
	h->gone = tx->id;
	h->gone_said = (tx->anomalies >> HTTP_RES_BODY_UNEXPECTED & 1) != 0;
	return true;
}

/* The message of dir is whole: the next line starts another. Its file is closed when all of the
 * input is read, for more of it than it said may stand there; a form ends where it said, and one
 * that only begins behind it where nothing more can belong to it, or what parts it has would depend
 * on how the stream was cut. */
void app_http_message_end(struct app_flow *f, enum app_dir dir)
{
	struct http *h = f->parser;
	struct app_tx *tx = http_current(h, dir);

	app_tx_advance(tx, dir, HTTP_DONE);
	h->state[dir] = STATE_LINE;
	h->ended[dir] = true;
	if (dir == APP_TO_SERVER) {
		app_http_parts_end(tx);
		h->request = NULL;
		if (tx->progress[APP_TO_CLIENT] < HTTP_DONE && !f->eof[APP_TO_CLIENT])
			h->tail = tx;
	} else {
		if (h->tail == tx)
			app_http_tail_end(h);
		h->response = tx->next;
		app_http_late_end(h);
		h->late = tx;
		tx->pinned = true;
	}
}

/* Content-Length as a number; false: it has none. */
bool app_http_content_length(struct app_tx *tx, struct slice value, uint64_t *out)
{
	unsigned odd;

	if (!app_http_length(value, out, &odd))
		return false;
	if ((odd & HTTP_ODD_START) != 0)
		http_anomaly(tx, HTTP_LENGTH_START);
	if ((odd & HTTP_ODD_END) != 0)
		http_anomaly(tx, HTTP_LENGTH_END);
	return true;
}

static enum step step_head(struct app_flow *f, enum app_dir dir, struct cursor *c, bool eof)
{
	struct http *h = f->parser;
	struct app_tx *tx = http_current(h, dir);
	struct http_message *m = http_side(tx, dir);
	bool trailer = h->state[dir] == STATE_TRAILER;
	uint8_t skip;
	size_t used;
	enum http_heads r;

	if (cursor_left(c) == 0)
		return STEP_MORE;
	m->trailing = trailer; /* headers are final; a trailer stays in the raw header only */
	r = app_http_headers(tx, dir, cursor_rest(c), eof, &used, &skip);
	if (used != 0)
		buf_add(&m->head, cursor_take(c, used));
	if (dir == APP_TO_CLIENT)
		h->skip = skip;
	if (r == HTTP_HEADS_MORE && cursor_left(c) > http_flow_setup(f)->line_most) {
		http_anomaly_of(tx, dir, HTTP_REQ_TOO_LONG, HTTP_RES_TOO_LONG);
		return STEP_STUCK;
	}
	if (r == HTTP_HEADS_MORE)
		return STEP_MORE;
	if (r == HTTP_HEADS_MANY)
		return STEP_STUCK;
	if (trailer) {
		app_http_message_end(f, dir);
		return STEP_ON;
	}
	if (dir == APP_TO_CLIENT)
		return app_http_response_head_end(f);
	app_tx_advance(tx, dir, HTTP_HEAD);
	return app_http_request_head_end(f);
}

/* The size of a chunk is no size: in a response, what follows is body to the end. */
static enum step chunk_broken(struct app_flow *f, enum app_dir dir)
{
	struct http *h = f->parser;

	http_anomaly_of(http_current(h, dir), dir, HTTP_REQ_CHUNK_LEN, HTTP_RES_CHUNK_LEN);
	if (dir == APP_TO_SERVER)
		return STEP_STUCK;
	h->state[dir] = STATE_TO_CLOSE;
	return STEP_ON;
}

/* RFC 9112 7.1: hexadecimal digits, then extensions, which nobody uses; blank lines before it. */
static enum step step_chunk_size(struct app_flow *f, enum app_dir dir, struct cursor *c, bool eof)
{
	struct http *h = f->parser;
	struct cursor look = *c;
	struct slice line, rest;
	enum step s;
	uint64_t size = 0;
	size_t n = 0;

	while (n < cursor_left(c) && c->at[n] != '\n' && text_is_space(c->at[n]))
		n++;
	if (n < cursor_left(c) && c->at[n] != '\n' && text_hex(c->at[n]) < 0)
		return chunk_broken(f, dir);
	s = app_http_take_line(f, &look, eof, &line);
	if (s == STEP_STUCK)
		return chunk_broken(f, dir);
	if (s == STEP_MORE)
		return s;
	rest = slice_trim(line);
	for (n = 0; n < rest.len && n <= 16 && text_hex(rest.ptr[n]) >= 0; n++)
		size = size << 4 | (uint64_t)text_hex(rest.ptr[n]);
	if (n > 16)
		return chunk_broken(f, dir);
	*c = look;
	if (rest.len == 0)
		return STEP_ON;
	if (size > INT32_MAX) { /* libhtp: no size at all; the next line may be one */
		http_anomaly_of(http_current(h, dir), dir, HTTP_REQ_CHUNK_LEN, HTTP_RES_CHUNK_LEN);
		return dir == APP_TO_SERVER ? STEP_STUCK : STEP_ON;
	}
	if (slice_find(slice_from(rest, n), SLICE(";")) != SIZE_MAX)
		http_anomaly_of(http_current(h, dir), dir, HTTP_CHUNK_EXTENSION,
				HTTP_RES_CHUNK_EXTENSION);
	h->left[dir] = size;
	h->state[dir] = size != 0 ? STATE_CHUNK_DATA : STATE_TRAILER;
	return STEP_ON;
}

static void counted_end(struct app_flow *f, enum app_dir dir)
{
	struct http *h = f->parser;

	if (h->state[dir] == STATE_CHUNK_DATA)
		h->state[dir] = STATE_CHUNK_END;
	else
		app_http_message_end(f, dir);
}

/* Bytes of a body whose end is known. */
static enum step step_counted(struct app_flow *f, enum app_dir dir, struct cursor *c)
{
	struct http *h = f->parser;
	size_t n = cursor_left(c);

	if (n > h->left[dir])
		n = (size_t)h->left[dir];
	if (n == 0)
		return STEP_MORE;
	app_http_body(http_current(h, dir), dir, cursor_take(c, n));
	h->left[dir] -= n;
	if (h->left[dir] == 0)
		counted_end(f, dir);
	return STEP_ON;
}

/* A chunk ends with its line, whatever else is in that. */
static enum step step_chunk_end(struct http *h, enum app_dir dir, struct cursor *c)
{
	size_t left = cursor_left(c);
	const uint8_t *lf = left != 0 ? memchr(c->at, '\n', left) : NULL;

	(void)cursor_take(c, lf != NULL ? (size_t)(lf - c->at) + 1 : left);
	if (lf == NULL)
		return STEP_MORE;
	h->state[dir] = STATE_CHUNK_SIZE;
	return STEP_ON;
}

/* Bytes were lost: go on where a line begins a message. */
static enum step step_lost(struct app_flow *f, enum app_dir dir, struct cursor *c, bool eof)
{
	struct http *h = f->parser;
	struct cursor look = *c;
	struct slice line, word;
	enum step s = app_http_take_line(f, &look, eof, &line);
	size_t n = 0;

	if (s != STEP_ON)
		return s;
	word = slice_trim(line);
	while (n < word.len && !text_is_space(word.ptr[n]))
		n++;
	if (dir == APP_TO_SERVER ? app_http_is_method(slice_part(word, 0, n))
				 : slice_starts(line, SLICE("HTTP/")))
		h->state[dir] = STATE_LINE;
	else
		*c = look;
	return STEP_ON;
}

/* Line ends behind a head that hands over to another protocol are none of its bytes. */
static void line_ends_skip(struct cursor *c)
{
	while (cursor_left(c) != 0 && (*c->at == '\r' || *c->at == '\n'))
		(void)cursor_take(c, 1);
}

static enum step step(struct app_flow *f, enum app_dir dir, struct cursor *c, bool eof)
{
	struct http *h = f->parser;

	if (dir == APP_TO_CLIENT && h->skip != 0 && cursor_left(c) != 0) {
		if (*c->at == h->skip)
			(void)cursor_take(c, 1);
		h->skip = 0;
	}
	switch (h->state[dir]) {
	case STATE_LINE:
		if (cursor_left(c) == 0)
			return STEP_MORE;
		return dir == APP_TO_SERVER ? app_http_step_request_line(f, c, eof)
					    : app_http_step_status_line(f, c, eof);
	case STATE_SIMPLE:
		return app_http_step_simple(f, c, eof);
	case STATE_HEAD:
	case STATE_TRAILER:
		return step_head(f, dir, c, eof);
	case STATE_LENGTH:
	case STATE_CHUNK_DATA:
		return step_counted(f, dir, c);
	case STATE_CHUNK_SIZE:
		return step_chunk_size(f, dir, c, eof);
	case STATE_CHUNK_END:
		return step_chunk_end(h, dir, c);
	case STATE_TUNNEL_WAIT:
		line_ends_skip(c);
		return STEP_MORE;
	case STATE_LOST:
		return step_lost(f, dir, c, eof);
	case STATE_TO_CLOSE:
		app_http_body(h->response, dir, cursor_take(c, cursor_left(c)));
		break;
	case STATE_IGNORE:
		(void)cursor_take(c, cursor_left(c));
		break;
	}
	return STEP_MORE;
}

/* Nothing more comes in this direction: what is open is as whole as it will be. */
static void direction_end(struct app_flow *f, enum app_dir dir)
{
	struct http *h = f->parser;
	struct app_tx *tx = http_current(h, dir);

	app_http_tail_end(h); /* nothing more is asked, or will be answered */
	if (dir == APP_TO_CLIENT)
		app_http_late_end(h);
	if (tx == NULL || (h->state[dir] == STATE_LINE && !http_side(tx, dir)->body_begun))
		return;
	app_http_message_end(f, dir);
	app_http_tail_end(h);
	app_http_late_end(h);
	h->state[dir] = STATE_IGNORE;
}

/* or_cr: a CR ends a line, too, as that of a response. */
static bool has_line_end(struct slice s, bool or_cr)
{
	return s.len != 0 && (memchr(s.ptr, '\n', s.len) != NULL ||
			      (or_cr && memchr(s.ptr, '\r', s.len) != NULL));
}

/* How many bytes are to be there before s, the beginning of a header of one or several lines, is
 * looked at again, if its end does not come before; 0: the next byte may decide. Blanks behind a CR
 * may yet belong to a line end: of many of them, not each is a reason to look. */
static size_t head_want(struct slice s, size_t line_most)
{
	size_t n = s.len, blanks;

	while (n != 0 && s.ptr[n - 1] != '\n' && s.ptr[n - 1] != '\r')
		n--;
	if (n == 0 || s.ptr[n - 1] == '\n')
		return n < s.len ? line_most : 0;
	for (blanks = 0; n + blanks < s.len; blanks++)
		if (s.ptr[n + blanks] != ' ' && s.ptr[n + blanks] != '\t')
			return line_most;
	return blanks < BLANKS_FEW ? 0 : s.len + s.len / 8;
}

/* The same for what is left of direction dir. */
static size_t want(const struct app_flow *f, enum app_dir dir, const struct cursor *c)
{
	const struct http *h = f->parser;
	size_t most = http_flow_setup(f)->line_most;

	switch (h->state[dir]) {
	case STATE_CHUNK_SIZE: /* behind blanks it may turn out to be none */
		return cursor_left(c) == 0 || text_is_space(*c->at) ? 0 : most;
	case STATE_LINE: /* what follows a line may tell what it is */
		return has_line_end(cursor_rest(c), dir == APP_TO_CLIENT) ? 0 : most;
	case STATE_LOST:
		return has_line_end(cursor_rest(c), false) ? 0 : most;
	case STATE_HEAD:
	case STATE_TRAILER:
		return head_want(cursor_rest(c), most);
	default:
		return 0;
	}
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct http *h = f->parser;
	struct cursor c = cursor_of(input);
	enum step s = STEP_ON;

	while (s == STEP_ON && !f->stop_inspecting && !f->changing) {
		const struct app_tx *before = http_current(h, dir);
		size_t at = input.len - cursor_left(&c);
		bool line = h->state[dir] == STATE_LINE;

		s = step(f, dir, &c, eof);
		if (h->frame[dir] == 0 && (h->ended[dir] || (line && h->state[dir] != STATE_LINE)))
			h->frame[dir] =
				app_frame_open(f, dir, (uint8_t)dir, at, -1,
					       before != NULL ? before : http_current(h, dir));
		if (h->ended[dir]) {
			app_frame_close(f, dir, h->frame[dir], input.len - cursor_left(&c));
			h->frame[dir] = 0;
			h->ended[dir] = false;
		}
	}
	if (f->changing)
		line_ends_skip(&c);
	else if (eof && s != STEP_STUCK)
		direction_end(f, dir);
	if (h->tail != NULL)
		app_http_file_close(h->tail, APP_TO_SERVER, FILE_CLOSED);
	if (h->late != NULL)
		app_http_file_close(h->late, APP_TO_CLIENT, FILE_CLOSED);
	return (struct app_result){s == STEP_STUCK ? APP_STUCK : APP_OK,
				   f->stop_inspecting ? input.len : input.len - cursor_left(&c),
				   s == STEP_MORE ? want(f, dir, &c) : 0, true};
}

/* libhtp goes on with a line or a header as if the gap had not been: a byte that was left out (the
 * urgent one) does not hide it. */
static bool gap_joins(const struct app_flow *f, enum app_dir dir)
{
	const struct http *h = f->parser;

	return h->state[dir] == STATE_LINE || h->state[dir] == STATE_HEAD;
}

/* Only inside a body is it known what the missing bytes were. */
static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	struct http *h = f->parser;
	struct app_tx *tx = http_current(h, dir);
	uint64_t lost = missing;

	switch (h->state[dir]) {
	case STATE_LENGTH:
	case STATE_CHUNK_DATA:
		if (lost > h->left[dir])
			lost = h->left[dir];
		app_http_body_gap(tx, dir, lost);
		h->left[dir] -= lost;
		if (h->left[dir] == 0)
			counted_end(f, dir);
		if (lost == missing)
			return true;
		if (h->state[dir] != STATE_LINE)
			return false; /* the rest hides a chunk's size */
		h->state[dir] = STATE_LOST;
		return true;
	case STATE_TO_CLOSE:
		app_http_body_gap(tx, dir, missing);
		return true;
	case STATE_LOST:
	case STATE_IGNORE:
		return true;
	default:
		return false;
	}
}

static const char *const anomalies[] = {
#define X(id, name) #name,
	HTTP_ANOMALIES(X)
#undef X
		NULL,
};

static const struct app_hook hooks[] = {
	{"request_line", APP_TO_SERVER, HTTP_LINE},
	{"request_headers", APP_TO_SERVER, HTTP_HEAD},
	{"request_body", APP_TO_SERVER, HTTP_HEAD},
	{"request_trailer", APP_TO_SERVER, HTTP_DONE},
	{"response_line", APP_TO_CLIENT, HTTP_LINE},
	{"response_headers", APP_TO_CLIENT, HTTP_HEAD},
	{"response_body", APP_TO_CLIENT, HTTP_HEAD},
	{"response_trailer", APP_TO_CLIENT, HTTP_DONE},
	{0},
};

static const char *const frames[] = {
	[HTTP_FRAME_REQUEST] = "request", [HTTP_FRAME_RESPONSE] = "response", NULL};

APP_PROTOCOL(http) = {
	.name = "http",
	.spec = "RFC 9112, RFC 9110, RFC 1945",
	.transports = APP_TCP,
	.fields = app_http_fields,
	.anomalies = anomalies,
	.hooks = hooks,
	.frames = frames,
	.files = 1u << APP_TO_SERVER | 1u << APP_TO_CLIENT,
	.speaks_first = 1u << APP_TO_SERVER,
	.complete = {HTTP_DONE, HTTP_DONE},
	.parser_bytes = sizeof(struct http),
	.probe = app_http_probe,
	.parse = parse,
	.gap = gap,
	.let_go = let_go,
	.gap_joins = gap_joins,
	.log = app_http_log,
	.judged = true,
	.log_configure = app_http_log_configure,
	.configure = app_http_configure,
};
