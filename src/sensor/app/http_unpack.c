/* SPDX-License-Identifier: Apache-2.0
 *
 * One content coding: gzip (RFC 1952), deflate (RFC 1951), zlib (RFC 1950), br (RFC 7932) and the
 * old LZMA format. Checksums are not looked at, and of a gzip header only what is needed to find
 * its end: what browsers forgive must be forgiven here.
 */
#include "sensor/app/http_priv.h"

#include <brotli/decode.h>
#include <lzma.h>
#include <zlib.h>

enum {
	LZMA_HEAD_BYTES = 13, /* properties, dictionary size, size */
	LZMA_DICT_AT = 1,
	GZIP_HEAD_BYTES = 10,
	GZIP_HAS_CRC = 2,
	GZIP_HAS_EXTRA = 4,
	GZIP_HAS_NAME = 8,
	GZIP_HAS_COMMENT = 16,
};

/* A decoder's state, its allocator, and the header that it is given. */
struct http_lzma {
	lzma_stream z;
	lzma_allocator by;
	uint8_t head[LZMA_HEAD_BYTES];
};

enum gzip_state { GZ_HEAD, GZ_EXTRA_SIZE, GZ_EXTRA, GZ_NAME, GZ_COMMENT, GZ_CRC, GZ_BODY };

static void *z_alloc(void *arena, unsigned items, unsigned size)
{
	return arena_alloc(arena, size, _Alignof(max_align_t), items);
}

static void *brotli_alloc(void *arena, size_t size)
{
	return size != 0 ? arena_alloc(arena, size, _Alignof(max_align_t), 1) : NULL;
}

static void *xz_alloc(void *arena, size_t items, size_t size)
{
	return items * size != 0 ? arena_alloc(arena, size, _Alignof(max_align_t), items) : NULL;
}

static void no_free(void *arena, void *p)
{
	(void)arena; /* memory goes with the transaction */
	(void)p;
}

static bool open_inflate(struct http_layer *l, struct arena *a, int bits)
{
	l->z = ARENA_NEW(a, struct z_stream_s);
	if (l->z == NULL)
		return false;
	*l->z = (struct z_stream_s){.zalloc = z_alloc, .zfree = no_free, .opaque = a};
	return inflateInit2(l->z, bits) == Z_OK;
}

/* liblzma takes its dictionary at once, and the header may claim 4 GiB: see step_lzma(). */
static bool open_lzma(struct http_layer *l, const struct http_setup *s, struct arena *a)
{
	struct http_lzma *x = s->lzma ? ARENA_NEW(a, struct http_lzma) : NULL;

	if (x == NULL)
		return false;
	x->by = (lzma_allocator){.alloc = xz_alloc, .free = no_free, .opaque = a};
	x->z = (lzma_stream)LZMA_STREAM_INIT;
	x->z.allocator = &x->by;
	l->lzma = x;
	l->dict_most = s->lzma_dict_most;
	return lzma_alone_decoder(&x->z, UINT64_MAX) == LZMA_OK;
}

bool app_http_unpack_open(struct http_layer *l, const struct http_setup *s, struct arena *a)
{
	l->gz_state = GZ_HEAD;
	l->gz_at = 0;
	switch (l->coding) {
	case HTTP_GZIP:
	case HTTP_DEFLATE:
		return open_inflate(l, a, -15);
	case HTTP_ZLIB:
		return open_inflate(l, a, 15);
	case HTTP_BROTLI:
		l->brotli = BrotliDecoderCreateInstance(brotli_alloc, no_free, a);
		return l->brotli != NULL;
	case HTTP_LZMA:
		return open_lzma(l, s, a);
	}
	return false;
}

/* One byte of the fixed ten of a gzip header. */
static bool gzip_head(struct http_layer *l, uint8_t b)
{
	static const uint8_t magic[] = {0x1f, 0x8b, 8};

	if (l->gz_at < sizeof magic && b != magic[l->gz_at])
		return false;
	if (l->gz_at == sizeof magic)
		l->gz_flags = b;
	if (++l->gz_at == GZIP_HEAD_BYTES) {
		l->gz_state = GZ_EXTRA_SIZE;
		l->gz_at = 0;
	}
	return true;
}

/* Leaves a state that the flags do not ask for, or that is over. */
static void gzip_skip(struct http_layer *l)
{
	static const uint8_t flag[] = {[GZ_EXTRA_SIZE] = GZIP_HAS_EXTRA,
				       [GZ_EXTRA] = GZIP_HAS_EXTRA,
				       [GZ_NAME] = GZIP_HAS_NAME,
				       [GZ_COMMENT] = GZIP_HAS_COMMENT,
				       [GZ_CRC] = GZIP_HAS_CRC};

	while (l->gz_state > GZ_HEAD && l->gz_state < GZ_BODY &&
	       ((l->gz_flags & flag[l->gz_state]) == 0 ||
		(l->gz_state == GZ_EXTRA && l->gz_left == 0))) {
		l->gz_state++;
		l->gz_at = 0;
	}
}

/* False: no gzip header. Eats of `in` what belongs to it. */
static bool step_gzip_head(struct http_layer *l, struct slice *in)
{
	while (in->len != 0 && l->gz_state != GZ_BODY) {
		uint8_t b = in->ptr[0];

		*in = slice_from(*in, 1);
		switch ((enum gzip_state)l->gz_state) {
		case GZ_HEAD:
			if (!gzip_head(l, b))
				return false;
			break;
		case GZ_EXTRA_SIZE:
			l->gz_left = (uint16_t)(l->gz_at == 0 ? b : l->gz_left | b << 8);
			if (++l->gz_at == 2)
				l->gz_state = GZ_EXTRA;
			break;
		case GZ_EXTRA:
			l->gz_left--;
			break;
		case GZ_NAME:
		case GZ_COMMENT:
			if (b == 0)
				l->gz_state++;
			break;
		case GZ_CRC:
			if (++l->gz_at == 2)
				l->gz_state = GZ_BODY;
			break;
		case GZ_BODY:
			break;
		}
		gzip_skip(l);
	}
	return true;
}

static enum http_unpacked step_inflate(struct http_layer *l, struct slice *in, uint8_t *out,
				       size_t *made)
{
	size_t room = *made;
	int r;

	/* zlib only reads next_in; its type lacks the const without ZLIB_CONST */
	l->z->next_in = (uint8_t *)(uintptr_t)in->ptr;
	l->z->avail_in = (unsigned)in->len; /* pieces are at most a stream chunk: < 4 GiB */
	l->z->next_out = out;
	l->z->avail_out = (unsigned)room;
	r = inflate(l->z, Z_SYNC_FLUSH);
	*made = room - l->z->avail_out;
	*in = slice_from(*in, in->len - l->z->avail_in);
	if (r == Z_STREAM_END)
		return HTTP_UNPACK_END;
	if (r != Z_OK && r != Z_BUF_ERROR)
		return HTTP_UNPACK_BROKEN;
	return *made == room ? HTTP_UNPACK_ON : HTTP_UNPACK_MORE;
}

/* The decoder looks at all input it is given before it hands out what it made, so what a broken
 * text makes would depend on the cut: it is given a byte at a time. */
static enum http_unpacked step_brotli(struct http_layer *l, struct slice *in, uint8_t *out,
				      size_t *made)
{
	size_t room = *made, left;
	BrotliDecoderResult r;
	const uint8_t *at;

	do {
		at = in->ptr;
		left = in->len != 0;
		r = BrotliDecoderDecompressStream(l->brotli, &left, &at, &room, &out, NULL);
		if (in->len != 0 && left == 0)
			*in = slice_from(*in, 1);
	} while (r == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT && in->len != 0);
	*made -= room;
	switch (r) {
	case BROTLI_DECODER_RESULT_SUCCESS:
		return HTTP_UNPACK_END;
	case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT:
		return HTTP_UNPACK_ON;
	case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT:
		return HTTP_UNPACK_MORE;
	case BROTLI_DECODER_RESULT_ERROR:
		break;
	}
	return HTTP_UNPACK_BROKEN;
}

/* The header goes in with a dictionary size cut to what may be spent: a stream that looks further
 * back than that breaks there. */
static bool lzma_head(struct http_layer *l, struct slice *in)
{
	uint8_t *head = l->lzma->head;
	uint64_t dict = 0;

	while (l->gz_at < LZMA_HEAD_BYTES && in->len != 0) {
		head[l->gz_at++] = in->ptr[0];
		*in = slice_from(*in, 1);
	}
	if (l->gz_at < LZMA_HEAD_BYTES)
		return false;
	for (int i = 3; i >= 0; i--)
		dict = dict << 8 | head[LZMA_DICT_AT + i];
	for (int i = 0; dict > l->dict_most && i < 4; i++)
		head[LZMA_DICT_AT + i] = (uint8_t)(l->dict_most >> 8 * i);
	l->gz_state = GZ_BODY;
	return true;
}

static enum http_unpacked step_lzma(struct http_layer *l, struct slice *in, uint8_t *out,
				    size_t *made)
{
	size_t room = *made;
	lzma_ret r = LZMA_OK;

	l->lzma->z.next_out = out;
	l->lzma->z.avail_out = room;
	*made = 0;
	if (l->gz_state == GZ_HEAD) {
		if (!lzma_head(l, in))
			return HTTP_UNPACK_MORE;
		l->lzma->z.next_in = l->lzma->head;
		l->lzma->z.avail_in = LZMA_HEAD_BYTES;
		r = lzma_code(&l->lzma->z, LZMA_RUN);
	}
	if (r == LZMA_OK && in->len != 0) {
		l->lzma->z.next_in = in->ptr;
		l->lzma->z.avail_in = in->len;
		r = lzma_code(&l->lzma->z, LZMA_RUN);
		*in = slice_from(*in, in->len - l->lzma->z.avail_in);
	} else if (r == LZMA_OK) {
		r = lzma_code(&l->lzma->z, LZMA_RUN);
	}
	*made = room - l->lzma->z.avail_out;
	if (r == LZMA_STREAM_END)
		return HTTP_UNPACK_END;
	if (r != LZMA_OK && r != LZMA_BUF_ERROR)
		return HTTP_UNPACK_BROKEN;
	return *made == room ? HTTP_UNPACK_ON : HTTP_UNPACK_MORE;
}

enum http_unpacked app_http_unpack(struct http_layer *l, struct slice *in, uint8_t *out,
				   size_t *made)
{
	switch (l->coding) {
	case HTTP_GZIP:
		if (l->gz_state != GZ_BODY) {
			if (!step_gzip_head(l, in)) {
				*made = 0;
				return HTTP_UNPACK_BROKEN;
			}
			if (l->gz_state != GZ_BODY) {
				*made = 0;
				return HTTP_UNPACK_MORE;
			}
		}
		return step_inflate(l, in, out, made);
	case HTTP_DEFLATE:
	case HTTP_ZLIB:
		return step_inflate(l, in, out, made);
	case HTTP_BROTLI:
		return step_brotli(l, in, out, made);
	case HTTP_LZMA:
		return step_lzma(l, in, out, made);
	}
	*made = 0;
	return HTTP_UNPACK_BROKEN;
}
