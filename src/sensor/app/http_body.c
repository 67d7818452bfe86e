/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies: RFC 9110 8.4 (content codings), undone layer by layer while the bytes come. Past what is
 * kept or carried to a file nothing is inflated, so the work for a message is bounded by what came
 * plus that much a layer.
 *
 * Browsers do not believe Content-Encoding, so neither does a layer: while it has made nothing of
 * its input, a failure makes it try the input's beginning again as the next coding (gzip, deflate,
 * zlib in a ring); when none fits, all layers stand aside and the bytes are the body.
 */
#include "base/text.h"
#include "sensor/app/http_priv.h"

enum { OUT_BYTES = 4096 }; /* inflated at once */

static void into(struct app_tx *tx, enum app_dir dir, unsigned n, struct slice bytes);

/* Bytes of the body, all codings undone. */
static void keep(struct app_tx *tx, enum app_dir dir, struct slice bytes)
{
	struct http_message *m = http_side(tx, dir);
	const struct http_setup *s = http_setup_of(tx);
	const struct file *file = file_current(&tx->files[dir]);
	uint64_t most = s->body_most[dir];
	size_t room = http_kept_most(s, dir);

	/* to be stored: the larger of the two limits counts */
	if (file != NULL && file->wanted && most < file->setup->store_most)
		most = file->setup->store_most;
	else if (file != NULL && file->wanted && file->setup->store_most == 0)
		most = 0;
	if (most != 0 && m->body_seen + bytes.len > most) {
		m->body_cut = true;
		bytes = slice_part(bytes, 0,
				   most > m->body_seen ? (size_t)(most - m->body_seen) : 0);
	}
	m->body_seen += bytes.len;
	if (m->body.len < room)
		buf_add(&m->body, slice_part(bytes, 0, room - m->body.len));
	app_http_file_data(tx, dir, bytes);
	if (m->body_cut)
		app_http_file_end(tx, dir, FILE_TRUNCATED);
}

/* No later layer would use what this one makes. */
static bool is_deaf(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct http_message *m = http_side(tx, dir);

	return m->body_cut || (n + 1u < m->layers && m->layer[n + 1].state == HTTP_LAYER_END);
}

/* How much layer n may make: without end only what cannot explode. */
static uint64_t out_most(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct http_message *m = http_side(tx, dir);

	return m->layers == 1 && m->layer[n].coding <= HTTP_ZLIB ? UINT64_MAX
								 : http_setup_of(tx)->bomb_most;
}

static enum http_unpacked feed(struct app_tx *tx, enum app_dir dir, unsigned n, struct slice bytes)
{
	struct http_layer *l = &http_side(tx, dir)->layer[n];
	uint8_t out[OUT_BYTES];
	enum http_unpacked r;

	do { /* the order of the tests makes the result independent of how the bytes were cut */
		uint64_t room = out_most(tx, dir, n) - l->made;
		size_t made = room < sizeof out ? (size_t)room : sizeof out;

		r = app_http_unpack(l, &bytes, out, &made);
		l->made += made;
		into(tx, dir, n + 1, (struct slice){out, made});
		if (l->made >= out_most(tx, dir, n)) {
			http_anomaly(tx, HTTP_BOMB);
			return HTTP_UNPACK_END;
		}
		if (is_deaf(tx, dir, n))
			return HTTP_UNPACK_END;
	} while (r == HTTP_UNPACK_ON);
	return r;
}

static bool restart(struct app_tx *tx, struct http_layer *l)
{
	static const enum http_coding next[] = {
		[HTTP_GZIP] = HTTP_DEFLATE,   [HTTP_DEFLATE] = HTTP_ZLIB, [HTTP_ZLIB] = HTTP_GZIP,
		[HTTP_BROTLI] = HTTP_DEFLATE, [HTTP_LZMA] = HTTP_DEFLATE,
	};

	if (l->restarts == HTTP_RESTARTS_MAX)
		return false;
	l->restarts++;
	l->coding = next[l->coding];
	return app_http_unpack_open(l, http_setup_of(tx), &tx->arena);
}

/* The coding did not fit. The bytes so far are all in l->head, unless it is sure. */
static void next_coding(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	struct http_message *m = http_side(tx, dir);
	struct http_layer *l = &m->layer[n];
	enum http_unpacked r = HTTP_UNPACK_BROKEN;
	struct slice head = buf_slice(&l->head);

	while (r == HTTP_UNPACK_BROKEN && l->made == 0 && !l->sure) {
		if (!restart(tx, l)) {
			for (unsigned i = n; i < m->layers; i++)
				m->layer[i].state = HTTP_LAYER_PLAIN;
			http_anomaly(tx, HTTP_GZIP_FAILED);
			into(tx, dir, n, head);
			return;
		}
		r = feed(tx, dir, n, head);
	}
	if (r == HTTP_UNPACK_BROKEN)
		http_anomaly(tx, HTTP_GZIP_FAILED);
	if (r != HTTP_UNPACK_MORE)
		l->state = HTTP_LAYER_END;
}

static void layer(struct app_tx *tx, enum app_dir dir, unsigned n, struct slice bytes)
{
	struct http_layer *l = &http_side(tx, dir)->layer[n];
	enum http_unpacked r;

	if (l->state == HTTP_LAYER_START) {
		l->head = buf_in(&tx->arena);
		l->state = HTTP_LAYER_ON;
		if (!app_http_unpack_open(l, http_setup_of(tx), &tx->arena))
			next_coding(tx, dir, n);
		if (l->state != HTTP_LAYER_ON) {
			into(tx, dir, n, bytes);
			return;
		}
	}
	while (bytes.len != 0 && l->state == HTTP_LAYER_ON) {
		struct slice part = bytes;

		if (!l->sure) { /* so that being sure depends on the place alone */
			part = slice_part(bytes, 0, HTTP_LAYER_HEAD - l->head.len);
			buf_add(&l->head, part);
		}
		bytes = slice_from(bytes, part.len);
		r = feed(tx, dir, n, part);
		if (r == HTTP_UNPACK_BROKEN)
			next_coding(tx, dir, n);
		else if (r == HTTP_UNPACK_END)
			l->state = HTTP_LAYER_END;
		l->sure |= l->made != 0 || l->head.len >= HTTP_LAYER_HEAD || l->head.full;
	}
	if (bytes.len != 0)
		into(tx, dir, n, bytes);
}

/* Bytes for layer n; past the last layer they are the body. */
static void into(struct app_tx *tx, enum app_dir dir, unsigned n, struct slice bytes)
{
	struct http_message *m = http_side(tx, dir);

	if (bytes.len == 0)
		return;
	while (n < m->layers && m->layer[n].state == HTTP_LAYER_PLAIN)
		n++;
	if (n == m->layers)
		keep(tx, dir, bytes);
	else if (m->layer[n].state != HTTP_LAYER_END)
		layer(tx, dir, n, bytes);
}

/* --- Content-Encoding --- */

/* What one word of the list names; false: nothing that is undone. */
static bool coding_of(struct app_tx *tx, struct slice word, enum http_coding *out)
{
	if (app_http_find_nocase(word, SLICE("gzip")) != SIZE_MAX) {
		*out = HTTP_GZIP;
		if (!slice_equal(word, SLICE("gzip")) && !slice_equal(word, SLICE("x-gzip")))
			http_anomaly(tx, HTTP_CE_ABNORMAL);
		return true;
	}
	if (app_http_find_nocase(word, SLICE("deflate")) != SIZE_MAX) {
		*out = HTTP_DEFLATE;
		if (!slice_equal(word, SLICE("deflate")) && !slice_equal(word, SLICE("x-deflate")))
			http_anomaly(tx, HTTP_CE_ABNORMAL);
		return true;
	}
	*out = slice_equal(word, SLICE("br")) ? HTTP_BROTLI : HTTP_LZMA;
	if (slice_equal(word, SLICE("lzma")) || *out == HTTP_BROTLI)
		return true;
	if (!slice_equal(word, SLICE("inflate")) && !slice_equal(word, SLICE("none")))
		http_anomaly(tx, HTTP_CE_ABNORMAL);
	return false;
}

static bool single_coding(struct slice value, enum http_coding *out)
{
	static const struct {
		const char *name;
		enum http_coding coding;
	} rows[] = {{"gzip", HTTP_GZIP},	 {"x-gzip", HTTP_GZIP}, {"deflate", HTTP_DEFLATE},
		    {"x-deflate", HTTP_DEFLATE}, {"lzma", HTTP_LZMA},	{"br", HTTP_BROTLI}};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (app_http_equal_nozero(value, slice_of(rows[i].name))) {
			*out = rows[i].coding;
			return true;
		}
	return false;
}

/* The next word of a list that commas and spaces separate; absent at its end. */
static struct slice next_word(struct slice *rest)
{
	size_t n = 0, from = 0;
	struct slice word;

	while (from < rest->len && (rest->ptr[from] == ',' || rest->ptr[from] == ' '))
		from++;
	while (from + n < rest->len && rest->ptr[from + n] != ',' && rest->ptr[from + n] != ' ')
		n++;
	word = slice_part(*rest, from, n);
	*rest = slice_from(*rest, from + n);
	return word;
}

void app_http_body_start(struct app_tx *tx, enum app_dir dir)
{
	struct http_message *m = http_side(tx, dir);
	const struct http_setup *s = http_setup_of(tx);
	const struct http_header *h = app_http_header_find(m, SLICE("Content-Encoding"));
	enum http_coding codings[HTTP_LAYERS_MAX];
	unsigned n = 0, words = 0, lzmas = 0;
	struct slice rest, word;

	m->body = buf_in(&tx->arena);
	m->body_begun = true;
	if (h == NULL || (m->version == 20 && h->value.len == 0))
		return;
	if (single_coding(h->value, &codings[0])) {
		n = 1;
	} else if (!app_http_equal_nozero(h->value, SLICE("inflate")) &&
		   !app_http_equal_nozero(h->value, SLICE("none"))) {
		rest = h->value;
		while ((word = next_word(&rest)).len != 0) {
			if (s->layers_most != 0 && ++words > s->layers_most) {
				http_anomaly(tx, HTTP_TOO_MANY_LAYERS);
				break;
			}
			if (n == HTTP_LAYERS_MAX)
				break;
			if (!coding_of(tx, word, &codings[n]))
				continue;
			if (codings[n] == HTTP_LZMA && ++lzmas > 1)
				break;
			n++;
		}
	}
	if (n == 0)
		return;
	m->layer = ARENA_ARRAY(&tx->arena, struct http_layer, n);
	if (m->layer == NULL)
		return;
	m->layers = (uint8_t)n;
	for (unsigned i = 0; i < n; i++) /* the last coding applied is the first undone */
		m->layer[i].coding = codings[n - 1 - i];
}

void app_http_body(struct app_tx *tx, enum app_dir dir, struct slice bytes)
{
	struct http_message *m = http_side(tx, dir);

	m->body_bytes += bytes.len;
	if (!m->body_cut)
		into(tx, dir, 0, bytes);
	else if (bytes.len != 0)
		app_http_file_end(tx, dir, FILE_TRUNCATED);
}

void app_http_body_gap(struct app_tx *tx, enum app_dir dir, uint64_t missing)
{
	struct http_message *m = http_side(tx, dir);

	m->body_bytes += missing;
	if (m->layers != 0)
		m->layer[0].state = HTTP_LAYER_END; /* what follows makes no sense */
	else
		app_http_file_gap(tx, dir, missing);
}

void app_http_body_end(struct app_tx *tx, enum app_dir dir, bool whole)
{
	app_http_file_end(tx, dir, whole ? FILE_CLOSED : FILE_TRUNCATED);
}
