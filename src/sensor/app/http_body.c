/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies: RFC 9110 8.4 (content codings gzip and deflate, RFC 1950-1952), undone layer by layer
 * while the bytes come. Only the beginning of a body is kept, and nothing is inflated past it, so
 * the work for a message is bounded by what came plus HTTP_BODY_KEPT a layer.
 *
 * What is not in the coding it claims to be is passed on as it is: a receiver may have shown it.
 */
#include "sensor/app/http_priv.h"

#include <zlib.h>

enum { OUT_BYTES = 4096 }; /* inflated at once */

static void into(struct app_tx *tx, enum app_dir dir, unsigned n, struct slice bytes);

static void *z_alloc(void *arena, unsigned items, unsigned size)
{
	return arena_alloc(arena, size, _Alignof(max_align_t), items);
}

static void z_free(void *arena, void *p)
{
	(void)arena; /* memory goes with the transaction */
	(void)p;
}

static void keep(struct http_message *m, struct slice bytes)
{
	buf_add(&m->body, slice_part(bytes, 0, HTTP_BODY_KEPT - m->body.len));
}

/* The first two bytes tell gzip from zlib from bare deflate, whatever the header said. */
static bool open_layer(struct app_tx *tx, struct http_layer *l)
{
	unsigned head = (unsigned)l->head[0] << 8 | l->head[1];
	int bits;

	if (head == 0x1f8b)
		bits = 15 + 16;
	else if ((l->head[0] & 0x0f) == 8 && head % 31 == 0)
		bits = 15;
	else if (l->deflate)
		bits = -15;
	else
		return false;
	l->z = ARENA_NEW(&tx->arena, struct z_stream_s);
	if (l->z == NULL)
		return false;
	*l->z = (struct z_stream_s){.zalloc = z_alloc, .zfree = z_free, .opaque = &tx->arena};
	return inflateInit2(l->z, bits) == Z_OK;
}

static void inflate_layer(struct app_tx *tx, enum app_dir dir, unsigned n, struct slice bytes)
{
	struct http_message *m = http_side(tx, dir);
	struct http_layer *l = &m->layer[n];
	uint8_t out[OUT_BYTES];

	/* zlib only reads next_in; its type lacks the const without ZLIB_CONST */
	l->z->next_in = (uint8_t *)(uintptr_t)bytes.ptr;
	l->z->avail_in = (unsigned)bytes.len; /* pieces are at most a stream chunk: < 4 GiB */
	do { /* the order of the tests makes the result independent of how the bytes were cut */
		size_t room = HTTP_LAYER_OUT_MAX - l->z->total_out;
		int r;

		l->z->next_out = out;
		l->z->avail_out = (unsigned)(room < sizeof out ? room : sizeof out);
		r = inflate(l->z, Z_SYNC_FLUSH);
		into(tx, dir, n + 1, (struct slice){out, (size_t)(l->z->next_out - out)});
		if (m->body.len >= HTTP_BODY_KEPT)
			return;
		if (l->z->total_out >= HTTP_LAYER_OUT_MAX) {
			http_anomaly(tx, HTTP_BOMB);
			l->state = HTTP_LAYER_END;
		} else if (n + 1u < m->layers && m->layer[n + 1].state == HTTP_LAYER_END) {
			l->state = HTTP_LAYER_END; /* nobody listens */
		} else if (r == Z_STREAM_END) {
			l->state = HTTP_LAYER_END;
		} else if (r != Z_OK && r != Z_BUF_ERROR) {
			http_anomaly(tx, HTTP_GZIP_FAILED);
			l->state = HTTP_LAYER_END;
		}
	} while (l->state == HTTP_LAYER_ON && l->z->avail_out == 0);
}

/* Bytes for layer n; past the last layer they are the body. */
static void into(struct app_tx *tx, enum app_dir dir, unsigned n, struct slice bytes)
{
	struct http_message *m = http_side(tx, dir);
	struct http_layer *l = &m->layer[n];

	if (bytes.len == 0 || m->body.len >= HTTP_BODY_KEPT)
		return;
	if (n >= m->layers) {
		keep(m, bytes);
		return;
	}
	if (l->state == HTTP_LAYER_START) {
		while (l->head_bytes < sizeof l->head && bytes.len != 0) {
			l->head[l->head_bytes++] = bytes.ptr[0];
			bytes = slice_from(bytes, 1);
		}
		if (l->head_bytes < sizeof l->head)
			return;
		l->state = HTTP_LAYER_ON;
		if (!open_layer(tx, l)) {
			http_anomaly(tx, HTTP_GZIP_FAILED);
			l->state = HTTP_LAYER_PLAIN;
		}
		into(tx, dir, n, (struct slice){l->head, sizeof l->head});
	}
	if (bytes.len == 0)
		return;
	if (l->state == HTTP_LAYER_ON)
		inflate_layer(tx, dir, n, bytes);
	else if (l->state == HTTP_LAYER_PLAIN)
		into(tx, dir, n + 1, bytes);
}

void app_http_body_start(struct app_tx *tx, enum app_dir dir)
{
	struct http_message *m = http_side(tx, dir);
	const struct http_header *h = app_http_header_find(m, SLICE("Content-Encoding"));
	struct slice rest = h != NULL ? h->value : (struct slice){NULL, 0};
	bool deflate[HTTP_LAYERS_MAX] = {false};
	uint8_t n = 0;

	m->body = buf_in(&tx->arena);
	while (rest.ptr != NULL) {
		struct slice word = slice_trim(slice_split(&rest, ','));
		bool is_deflate = slice_equal_nocase(word, SLICE("deflate")) ||
				  slice_equal_nocase(word, SLICE("x-deflate"));

		if (!is_deflate && !slice_equal_nocase(word, SLICE("gzip")) &&
		    !slice_equal_nocase(word, SLICE("x-gzip"))) {
			if (word.len != 0 && !slice_equal_nocase(word, SLICE("identity")))
				http_anomaly(tx, HTTP_CE_ABNORMAL);
			continue;
		}
		if (n == HTTP_LAYERS_MAX) {
			http_anomaly(tx, HTTP_TOO_MANY_LAYERS);
			break;
		}
		deflate[n++] = is_deflate;
	}
	m->layers = n;
	for (uint8_t i = 0; i < n; i++) /* the last coding applied is the first undone */
		m->layer[i].deflate = deflate[n - 1 - i];
}

void app_http_body(struct app_tx *tx, enum app_dir dir, struct slice bytes)
{
	struct http_message *m = http_side(tx, dir);

	m->body_bytes += bytes.len;
	into(tx, dir, 0, bytes);
}

void app_http_body_end(struct app_tx *tx, enum app_dir dir)
{
	const struct http_message *m = http_side(tx, dir);

	if (m->body.len >= HTTP_BODY_KEPT && m->body_bytes < HTTP_BODY_KEPT / HTTP_BOMB_RATIO)
		http_anomaly(tx, HTTP_BOMB);
}
