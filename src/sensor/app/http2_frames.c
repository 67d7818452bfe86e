/* SPDX-License-Identifier: Apache-2.0
 *
 * What the frames of a stream say beside its messages: kept as numbers, for rules (http2.frametype
 * and its like) and for the event. The connection's own frames, those of stream 0, are transactions
 * of their own.
 */
#include "base/json.h"
#include "base/text.h"
#include "sensor/app/http2_priv.h"

enum {
	SEEN_MAX = 256, /* frames of a stream and direction that are kept */
	PAIR = 2,
	SETTING_BYTES = 6,
};

/* All numbers are uint64_t. */
struct http2_seen {
	struct buf types, errors, weights, windows, sizes;
	struct buf settings; /* pairs of identifier and value */
	bool has_settings;   /* perhaps without any */
};

struct http2_frames {
	struct http2_seen side[2];
};

static void add(struct buf *b, uint64_t v)
{
	if (b->len < SEEN_MAX * sizeof v)
		buf_add(b, app_number(&v));
}

static struct http2_seen *seen_of(struct app_tx *tx, enum app_dir dir)
{
	struct http_tx *x = tx->data;

	if (x->frames == NULL) {
		x->frames = ARENA_NEW(&tx->arena, struct http2_frames);
		for (unsigned d = 0; x->frames != NULL && d < 2; d++) {
			struct http2_seen *s = &x->frames->side[d];

			s->types = s->errors = s->weights = s->windows = s->sizes = s->settings =
				buf_in(&tx->arena);
		}
	}
	return x->frames != NULL ? &x->frames->side[dir] : NULL;
}

static void error_add(struct http2_seen *s, struct cursor *c)
{
	uint64_t code = cursor_be32(c);

	if (cursor_ok(c))
		add(&s->errors, code);
}

/* The stream it depends on, then its weight. */
static void weight_add(struct http2_seen *s, struct cursor *c)
{
	uint64_t weight;

	(void)cursor_be32(c);
	weight = cursor_u8(c);
	if (cursor_ok(c))
		add(&s->weights, weight);
}

void app_http2_frame_seen(struct app_tx *tx, enum app_dir dir, uint8_t type, uint8_t flags,
			  struct slice payload)
{
	struct http2_seen *s = seen_of(tx, dir);
	struct cursor c = cursor_of(payload);
	uint64_t last;

	if (s == NULL)
		return;
	if (s->types.len != 0) {
		memcpy(&last, s->types.ptr + s->types.len - sizeof last, sizeof last);
		if (type == HTTP2_DATA && last == type)
			return; /* one after the other says nothing new */
	}
	add(&s->types, type);
	switch (type) {
	case HTTP2_GOAWAY:
		(void)cursor_be32(&c);
		error_add(s, &c);
		break;
	case HTTP2_RST_STREAM:
		error_add(s, &c);
		break;
	case HTTP2_HEADERS:
		if ((flags & HTTP2_FLAG_PRIORITY) == 0)
			break;
		if ((flags & HTTP2_FLAG_PADDED) != 0)
			(void)cursor_u8(&c);
		weight_add(s, &c);
		break;
	case HTTP2_PRIORITY:
		weight_add(s, &c);
		break;
	case HTTP2_WINDOW_UPDATE:
		last = cursor_be32(&c) & 0x7fffffff;
		if (cursor_ok(&c))
			add(&s->windows, last);
		break;
	case HTTP2_SETTINGS:
		s->has_settings = true;
		while (cursor_left(&c) >= SETTING_BYTES) {
			add(&s->settings, cursor_be16(&c));
			add(&s->settings, cursor_be32(&c));
		}
		break;
	default:
		break;
	}
}

void app_http2_table_sized(struct app_tx *tx, enum app_dir dir, uint64_t size)
{
	struct http2_seen *s = seen_of(tx, dir);

	if (s != NULL)
		add(&s->sizes, size);
}

/* --- rules --- */

#define NUMBERS(fn, member)                                                                        \
	struct slice fn(struct app_tx *tx, enum app_dir dir, unsigned n)                           \
	{                                                                                          \
		const struct http2_frames *x = ((const struct http_tx *)tx->data)->frames;         \
                                                                                                   \
		if (n != 0 || x == NULL || x->side[dir].member.len == 0)                           \
			return (struct slice){NULL, 0};                                            \
		return buf_slice(&x->side[dir].member);                                            \
	}
NUMBERS(app_http2_types, types)
NUMBERS(app_http2_errors, errors)
NUMBERS(app_http2_weights, weights)
NUMBERS(app_http2_windows, windows)
NUMBERS(app_http2_sizes, sizes)
NUMBERS(app_http2_settings, settings)

const struct app_word app_http2_type_words[] = {
	{"DATA", 0},	     {"HEADERS", 1},	  {"PRIORITY", 2}, {"RSTSTREAM", 3},
	{"SETTINGS", 4},     {"PUSHPROMISE", 5},  {"PING", 6},	   {"GOAWAY", 7},
	{"WINDOWUPDATE", 8}, {"CONTINUATION", 9}, {NULL, 0},
};
const struct app_word app_http2_error_words[] = {
	{"NO_ERROR", 0},
	{"PROTOCOL_ERROR", 1},
	{"INTERNAL_ERROR", 2},
	{"FLOW_CONTROL_ERROR", 3},
	{"SETTINGS_TIMEOUT", 4},
	{"STREAM_CLOSED", 5},
	{"FRAME_SIZE_ERROR", 6},
	{"REFUSED_STREAM", 7},
	{"CANCEL", 8},
	{"COMPRESSION_ERROR", 9},
	{"CONNECT_ERROR", 10},
	{"ENHANCE_YOUR_CALM", 11},
	{"INADEQUATE_SECURITY", 12},
	{"HTTP_1_1_REQUIRED", 13},
	{NULL, 0},
};

/* --- the event --- */

static uint64_t number_at(const struct buf *b, size_t i)
{
	uint64_t v;

	memcpy(&v, b->ptr + i * sizeof v, sizeof v);
	return v;
}

static void write_settings(struct json *j, const struct buf *b)
{
	static const char *const names[] = {"HEADERTABLESIZE",	    "ENABLEPUSH",
					    "MAXCONCURRENTSTREAMS", "INITIALWINDOWSIZE",
					    "MAXFRAMESIZE",	    "MAXHEADERLISTSIZE"};
	char text[48];

	json_key(j, "settings");
	json_array(j);
	for (size_t i = 0; (i + 1) * sizeof(uint64_t) < b->len; i += PAIR) {
		uint64_t id = number_at(b, i);
		size_t n = 0;

		json_object(j);
		for (const char *z = "SETTINGS"; *z != '\0'; z++)
			text[n++] = *z;
		for (const char *z = id >= 1 && id <= 6 ? names[id - 1] : "UNKNOWN"; *z != '\0';
		     z++)
			text[n++] = *z;
		json_key(j, "settings_id");
		json_str(j, (struct slice){(const uint8_t *)text, n});
		json_key(j, "settings_value");
		json_u64(j, number_at(b, i + 1));
		json_end(j);
	}
	json_end(j);
}

/* The name of an error without its underscores, as Suricata writes it. */
static void write_error(struct json *j, uint64_t code)
{
	char text[32];
	size_t n = 0;

	json_key(j, "error_code");
	if (code >= sizeof app_http2_error_words / sizeof app_http2_error_words[0] - 1) {
		for (uint64_t v = code; n == 0 || v != 0; v /= 10)
			text[sizeof text - ++n] = (char)('0' + v % 10);
		json_str(j, (struct slice){(const uint8_t *)text + sizeof text - n, n});
		return;
	}
	for (const char *z = app_http2_error_words[code].name; *z != '\0'; z++)
		if (*z != '_')
			text[n++] = *z;
	json_str(j, (struct slice){(const uint8_t *)text, n});
}

static bool write_side(struct json *j, const struct http2_seen *s)
{
	bool errors = s->errors.len != 0, weights = s->weights.len != 0;

	json_object(j);
	if (s->has_settings)
		write_settings(j, &s->settings);
	if (errors)
		write_error(j, number_at(&s->errors, 0));
	if (weights) {
		json_key(j, "priority");
		json_u64(j, number_at(&s->weights, 0));
	}
	if (s->errors.len > sizeof(uint64_t) || s->weights.len > sizeof(uint64_t)) {
		json_key(j, "has_multiple");
		json_z(j, s->errors.len > sizeof(uint64_t) ? "error_code" : "priority");
	}
	json_end(j);
	return s->has_settings || errors || weights;
}

bool app_http2_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	static const struct http2_seen nothing = {0};
	const struct http_tx *x = tx->data;
	struct slice length = {NULL, 0};
	struct buf out = buf_in(scratch);
	struct json j = json_in(&out);
	bool said = false;

	if (n != 0)
		return false;
	r->kind = RECORD_HTTP;
	if (x->stream != 0) {
		app_http_log(tx, n, scratch, r);
		if (!r->making.judged)
			r->u.http.protocol = r->u.http.content_type = (struct slice){NULL, 0};
		for (enum app_dir d = APP_TO_SERVER; d <= APP_TO_CLIENT; d++) {
			const struct http_header *h =
				app_http_header_find(&x->side[d], SLICE("content-length"));

			length = h != NULL ? h->value : length;
		}
		if (length.ptr != NULL && !text_u64(length, 0, INT64_MAX, &r->u.http.length))
			r->u.http.length = 0;
		said = x->side[0].header_count != 0 || x->side[1].header_count != 0;
	} else {
		r->u.http = (struct record_http){.tx_id = tx->id};
	}
	if (r->making.judged)
		return said;
	(void)record_more(r, scratch, SLICE("http"), SLICE("version"), SLICE("\"2\""));
	if (x->side[APP_TO_SERVER].header_count != 0)
		app_http_log_headers(r, scratch, &x->side[APP_TO_SERVER], "request_headers");
	if (x->side[APP_TO_CLIENT].header_count != 0)
		app_http_log_headers(r, scratch, &x->side[APP_TO_CLIENT], "response_headers");
	json_object(&j);
	json_key(&j, "stream_id");
	json_u64(&j, x->stream);
	json_key(&j, "request");
	said |= write_side(&j, x->frames != NULL ? &x->frames->side[APP_TO_SERVER] : &nothing);
	json_key(&j, "response");
	said |= write_side(&j, x->frames != NULL ? &x->frames->side[APP_TO_CLIENT] : &nothing);
	json_end(&j);
	if (!out.full)
		(void)record_more(r, scratch, SLICE("http"), SLICE("http2"), buf_slice(&out));
	return said;
}
