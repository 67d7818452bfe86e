/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of a transaction: the body of an answer, of a POST or PUT, and the parts of a
 * multipart form. A name comes from Content-Disposition, else from the target's path.
 */
#include "base/text.h"
#include "sensor/app/http_priv.h"

/* The next parameter of "a; b=c; d=\"e;f\"", white space trimmed. False: no more. */
static bool parameter_next(struct slice *rest, struct slice *name, struct slice *value)
{
	bool quoted = false;
	size_t n = 0;
	struct slice part;

	if (rest->ptr == NULL)
		return false;
	for (; n < rest->len && (quoted || rest->ptr[n] != ';'); n++) {
		if (quoted && rest->ptr[n] == '\\' && n + 1 < rest->len)
			n++;
		else if (rest->ptr[n] == '"')
			quoted = !quoted;
	}
	if (n > rest->len)
		n = rest->len;
	part = (struct slice){rest->ptr, n};
	*rest = n < rest->len ? (struct slice){rest->ptr + n + 1, rest->len - n - 1}
			      : (struct slice){NULL, 0};
	*name = slice_trim(slice_split(&part, '='));
	*value = slice_trim(part);
	return true;
}

struct slice app_http_parameter(struct slice header, struct slice name)
{
	struct slice rest = header, key, value;

	while (parameter_next(&rest, &key, &value)) {
		if (!slice_equal_nocase(key, name))
			continue;
		if (value.len != 0 && value.ptr[0] == '"') {
			value = slice_from(value, 1);
			if (value.len != 0 && value.ptr[value.len - 1] == '"')
				value.len--;
		}
		return value.ptr != NULL ? value : SLICE("");
	}
	return (struct slice){NULL, 0};
}

/* "bytes 0-99/1234" (RFC 9110 14.4). *size 0: it does not say. */
static bool content_range(struct slice value, uint64_t *start, uint64_t *end, uint64_t *size)
{
	struct slice unit, first, last;

	value = slice_trim(value);
	unit = slice_split(&value, ' ');
	value = slice_trim(value);
	first = slice_split(&value, '-');
	last = slice_split(&value, '/');
	if (!text_u64(slice_trim(value), 0, INT64_MAX, size))
		*size = 0;
	return slice_equal_nocase(unit, SLICE("bytes")) && text_u64(first, 0, INT64_MAX, start) &&
	       text_u64(last, 0, INT64_MAX, end) && *end >= *start;
}

static struct app_ranges *ranges_of(const struct app_tx *tx)
{
	return ((const struct http_tx *)tx->data)->flow->setup->ranges;
}

static struct slice path_of(struct app_tx *tx)
{
	const struct http_message *request = http_side(tx, APP_TO_SERVER);
	struct slice path = request->uri;

	if (request->version == 20)
		return slice_split(&path, '?');
	return app_http_path_normal(path, http_setup_of(tx), &tx->arena);
}

static struct slice name_of(struct app_tx *tx, enum app_dir dir)
{
	struct slice name = {NULL, 0};

	if (dir == APP_TO_CLIENT)
		name = app_http_parameter(http_header_of(tx, dir, SLICE("Content-Disposition")),
					  SLICE("filename"));
	return name.len != 0 ? name : path_of(tx);
}

/* Is the request's body a file, or a form that holds some? */
static bool is_upload(struct app_tx *tx, struct http_message *m)
{
	struct slice type = http_header_of(tx, APP_TO_SERVER, SLICE("Content-Type"));
	struct slice bare = slice_trim(slice_part(type, 0, strlen("multipart/form-data")));

	if (slice_equal(m->method, SLICE("POST")) &&
	    slice_equal_nocase(bare, SLICE("multipart/form-data"))) {
		m->parts = app_http_multipart_new(tx, type);
		if (m->parts != NULL)
			return false;
	}
	return slice_equal(m->method, SLICE("POST")) || slice_equal(m->method, SLICE("PUT")) ||
	       m->version == 20;
}

static void begin(struct app_tx *tx, enum app_dir dir)
{
	struct http_message *m = http_side(tx, dir);
	struct slice range = http_header_of(tx, dir, SLICE("Content-Range")), name;
	uint64_t size = 0;

	m->file_tried = true;
	if (dir == APP_TO_SERVER && !is_upload(tx, m))
		return;
	name = name_of(tx, dir);
	if (name.ptr == NULL && m->version != 20)
		return;
	if (name.len > FILE_NAME_MAX)
		http_anomaly(tx, HTTP_FILE_NAME_LONG);
	m->file = app_file_open(((struct http_tx *)tx->data)->flow, tx, dir, name);
	if (m->file == NULL || range.ptr == NULL || dir == APP_TO_SERVER)
		return;
	m->file->ranged = content_range(range, &m->file->start, &m->file->end, &size);
	if (!m->file->ranged)
		http_anomaly(tx, HTTP_RANGE_INVALID);
	if (m->file->ranged && ranges_of(tx) != NULL && m->file->end - m->file->start < size - 1 &&
	    m->file->end < size)
		app_http_range_open(ranges_of(tx), &m->range, app_http_host(tx), path_of(tx),
				    m->file->start, size);
}

void app_http_file_data(struct app_tx *tx, enum app_dir dir, struct slice bytes)
{
	struct http_message *m = http_side(tx, dir);

	if (bytes.len == 0)
		return;
	if (!m->file_tried)
		begin(tx, dir);
	if (m->range.id != 0)
		app_http_range_data(ranges_of(tx), &m->range, bytes);
	if (m->file != NULL)
		file_data(m->file, bytes);
	else if (m->parts != NULL)
		app_http_multipart_data(tx, m->parts, bytes);
}

void app_http_file_gap(struct app_tx *tx, enum app_dir dir, uint64_t missing)
{
	struct http_message *m = http_side(tx, dir);

	if (!m->file_tried)
		begin(tx, dir);
	m->range.at += missing; /* what is not there is awaited from another answer */
	if (m->file != NULL)
		file_gap(m->file, missing);
	else if (m->parts != NULL)
		app_http_multipart_end(tx, m->parts, FILE_TRUNCATED);
}

void app_http_parts_end(struct app_tx *tx)
{
	struct http_message *m = http_side(tx, APP_TO_SERVER);

	if (m->parts != NULL)
		app_http_multipart_end(tx, m->parts, FILE_CLOSED);
}

void app_http_file_close(struct app_tx *tx, enum app_dir dir, enum file_state state)
{
	struct http_message *m = http_side(tx, dir);

	if (m->file != NULL)
		file_close(m->file, state);
	if (m->range.id != 0)
		app_http_range_close(ranges_of(tx), &m->range, tx, m->file->name);
}

void app_http_file_end(struct app_tx *tx, enum app_dir dir, enum file_state state)
{
	struct http_message *m = http_side(tx, dir);

	app_http_file_close(tx, dir, state);
	if (m->parts != NULL)
		app_http_multipart_end(tx, m->parts, state);
}
