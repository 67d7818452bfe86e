/* SPDX-License-Identifier: Apache-2.0
 *
 * multipart/form-data (RFC 7578, RFC 2046 5.1): each part that has a filename is a file.
 *
 *	LINE (before the first boundary) -> HEAD -> DATA -> AFTER -> HEAD | END
 *
 * Bytes that may be the beginning of a boundary are held until it is told: never more than a
 * boundary's line.
 */
#include "base/text.h"
#include "sensor/app/http_priv.h"

enum { HEAD_MAX = 8192 }; /* bytes of the headers of a part */

enum part_state { PART_LINE, PART_HEAD, PART_DATA, PART_AFTER, PART_END };

struct http_multipart {
	enum part_state state;
	uint8_t mark[HTTP_BOUNDARY_MAX + 4]; /* CR LF "--" boundary */
	size_t mark_bytes;
	size_t matched;	 /* bytes of the mark seen */
	bool lent;	 /* the first two of them were none of the data */
	struct buf head; /* of the part */
	struct file *file;
	bool got;	/* bytes of its file */
	uint8_t dashes; /* behind the boundary: two end all */
};

struct http_multipart *app_http_multipart_new(struct app_tx *tx, struct slice content_type)
{
	struct slice boundary = app_http_parameter(content_type, SLICE("boundary"));
	struct http_multipart *p;

	if (boundary.len == 0 || boundary.len > HTTP_BOUNDARY_MAX)
		return NULL;
	p = ARENA_NEW(&tx->arena, struct http_multipart);
	if (p == NULL)
		return NULL;
	memcpy(p->mark, "\r\n--", 4);
	memcpy(p->mark + 4, boundary.ptr, boundary.len);
	p->mark_bytes = 4 + boundary.len;
	p->matched = 2; /* the first boundary may stand at the very beginning */
	p->lent = true;
	p->head = buf_in(&tx->arena);
	return p;
}

static void out(struct http_multipart *p, struct slice bytes)
{
	if (p->state != PART_DATA || p->file == NULL || bytes.len == 0)
		return;
	p->got = true;
	file_data(p->file, bytes);
}

static void part_end(struct app_tx *tx, struct http_multipart *p, enum file_state state)
{
	if (p->file == NULL)
		return;
	if (!p->got)
		http_anomaly(tx, HTTP_PART_NO_DATA);
	file_close(p->file, state);
	p->file = NULL;
}

/* The headers of a part are there. */
static void part_begin(struct app_tx *tx, struct http_multipart *p)
{
	struct slice rest = buf_slice(&p->head), name = {NULL, 0};

	while (rest.ptr != NULL) {
		struct slice line = slice_trim(slice_split(&rest, '\n')), value = line;
		struct slice key = slice_trim(slice_split(&value, ':'));

		if (line.len == 0)
			continue;
		if (value.ptr == NULL)
			http_anomaly(tx, HTTP_PART_HEADER);
		if (slice_equal_nocase(key, SLICE("Content-Disposition")))
			name = app_http_parameter(value, SLICE("filename"));
	}
	p->head.len = 0;
	p->got = false;
	p->file = NULL;
	if (name.len != 0)
		p->file =
			app_file_open(((struct http_tx *)tx->data)->flow, tx, APP_TO_SERVER, name);
	p->state = PART_DATA;
}

/* One byte of the part's headers; an empty line ends them. */
static void head_byte(struct app_tx *tx, struct http_multipart *p, uint8_t b)
{
	struct slice head;

	if (p->head.len >= HEAD_MAX) {
		http_anomaly(tx, HTTP_PART_ERROR);
		p->state = PART_LINE;
		return;
	}
	buf_add_byte(&p->head, b);
	head = buf_slice(&p->head);
	if (slice_ends(head, SLICE("\n\r\n")) || slice_ends(head, SLICE("\n\n")) ||
	    slice_equal(head, SLICE("\r\n")) || slice_equal(head, SLICE("\n"))) {
		p->matched = 2; /* a part may be empty: its boundary follows at once */
		p->lent = true;
		part_begin(tx, p);
	}
}

/* What was held as a beginning of the mark is none. */
static void mark_failed(struct http_multipart *p)
{
	size_t from = p->lent ? 2 : 0;

	if (p->matched > from)
		out(p, (struct slice){p->mark + from, p->matched - from});
	p->lent = false;
	p->matched = 0;
}

void app_http_multipart_data(struct app_tx *tx, struct http_multipart *p, struct slice bytes)
{
	size_t from = 0; /* first byte not given out */

	for (size_t i = 0; i < bytes.len; i++) {
		uint8_t b = bytes.ptr[i];

		switch (p->state) {
		case PART_LINE:
		case PART_DATA:
			if (b == p->mark[p->matched]) {
				if (p->matched == 0)
					out(p, slice_part(bytes, from, i - from));
				if (++p->matched == p->mark_bytes) {
					part_end(tx, p, FILE_CLOSED);
					p->state = PART_AFTER;
					p->matched = p->dashes = 0;
					p->lent = false;
				}
				from = i + 1;
				break;
			}
			if (p->matched != 0) {
				mark_failed(p);
				from = i;
				if (b == p->mark[0]) {
					p->matched = 1;
					from = i + 1;
				}
			}
			break;
		case PART_AFTER:
			p->dashes = (uint8_t)(b == '-' ? p->dashes + 1 : p->dashes);
			if (p->dashes == 2)
				p->state = PART_END;
			else if (b == '\n')
				p->state = PART_HEAD;
			break;
		case PART_HEAD:
			head_byte(tx, p, b);
			from = i + 1;
			break;
		case PART_END:
			return;
		}
	}
	if (p->state == PART_DATA && p->matched == 0)
		out(p, slice_from(bytes, from));
}

void app_http_multipart_end(struct app_tx *tx, struct http_multipart *p, enum file_state state)
{
	if (p->state == PART_DATA && state == FILE_TRUNCATED && p->matched > 2)
		mark_failed(p);
	part_end(tx, p, p->state == PART_DATA ? FILE_TRUNCATED : state);
	p->state = PART_END;
}
