/* SPDX-License-Identifier: Apache-2.0
 *
 * Text tables: one range or prefix a line, then a territory or an AS (docs/formats/tables.md).
 */
#include "assess/origin/origin_priv.h"
#include "base/text.h"

enum {
	LINE_MAX_BYTES = 4096,
	FIELDS_MAX = 8,
	NAME_MAX_BYTES = 1000, /* of an AS: far above the longest in use */
};
struct reader {
	struct slice name;
	struct arena *arena;
	struct fail *why;
	struct origin_rows rows;
	size_t room[2];
	uint32_t line;
	bool begun; /* a row was read: no header any more */
	struct slice fields[FIELDS_MAX];
	size_t field_count;
};

static bool csv_is(struct slice bytes)
{
	return true;
}

static enum status bad(struct reader *r, const char *expected, struct slice found)
{
	return fail_set(r->why, ST_INVALID, "%.*s:%u: expected %s, found \"%.*s\"",
			SLICE_ARG(r->name), r->line, expected, SLICE_ARG(slice_part(found, 0, 40)));
}

/* A quoted field (RFC 4180), its quotes off; *line then starts behind the closing quote. */
static enum status quoted(struct reader *r, struct slice *line, struct slice *out)
{
	struct slice s = slice_from(*line, 1);
	struct buf b = buf_in(r->arena);
	size_t from = 0, i = 0;

	for (;; i++) {
		if (i == s.len)
			return bad(r, "a closing quote", *line);
		if (s.ptr[i] != '"')
			continue;
		if (i + 1 == s.len || s.ptr[i + 1] != '"')
			break;
		i++; /* "" stands for one quote: keep the first */
		buf_add(&b, slice_part(s, from, i - from));
		from = i + 1;
	}
	*line = slice_from(s, i + 1);
	if (from == 0) {
		*out = slice_part(s, 0, i);
		return ST_OK;
	}
	buf_add(&b, slice_part(s, from, i - from));
	*out = buf_slice(&b);
	return b.full ? fail_set(r->why, ST_NOMEM, "%.*s: the memory budget is spent",
				 SLICE_ARG(r->name))
		      : ST_OK;
}

static enum status split(struct reader *r, struct slice line)
{
	struct slice rest = line;

	for (r->field_count = 0; r->field_count < FIELDS_MAX;) {
		struct slice *f = &r->fields[r->field_count++];

		if (rest.len > 0 && rest.ptr[0] == '"') {
			enum status st = quoted(r, &rest, f);

			if (st != ST_OK)
				return st;
			if (rest.len == 0)
				return ST_OK;
			if (rest.ptr[0] != ',')
				return bad(r, "a comma behind the closing quote", rest);
			rest = (struct slice){rest.ptr + 1, rest.len - 1};
			continue;
		}
		*f = slice_trim(slice_split(&rest, ','));
		if (rest.ptr == NULL)
			return ST_OK;
	}
	return bad(r, "at most 8 fields", rest);
}

/* An address, or a 32-bit decimal number that stands for one (tor-geoipdb). */
static bool address_parse(struct slice s, struct addr *out)
{
	uint64_t v;

	if (s.len == 0 || s.len > 10 || !text_is_digit(s.ptr[s.len - 1]) ||
	    memchr(s.ptr, '.', s.len) != NULL || memchr(s.ptr, ':', s.len) != NULL)
		return addr_parse(s, out);
	for (size_t i = 0; i < s.len; i++)
		if (!text_is_digit(s.ptr[i]))
			return false;
	if (!text_u64(s, 0, UINT32_MAX, &v))
		return false;
	*out = addr_v4((const uint8_t[]){(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
					 (uint8_t)v});
	return true;
}

/* Reads the range at the front of the fields: how many fields it took, 0 if there is none. */
static size_t range_parse(const struct reader *r, struct origin_row *row, unsigned *family)
{
	struct addr_prefix p;
	struct addr from, to;

	if (memchr(r->fields[0].ptr, '/', r->fields[0].len) != NULL) {
		if (!addr_prefix_parse(r->fields[0], &p))
			return 0;
		row->first = origin_key_of(&p.addr);
		row->last = row->first + origin_span(addr_bytes(&p.addr) * 8 - p.bits);
		*family = p.addr.family;
		return 1;
	}
	if (r->field_count < 2 || !address_parse(r->fields[0], &from) ||
	    !address_parse(r->fields[1], &to) || from.family != to.family)
		return 0;
	row->first = origin_key_of(&from);
	row->last = origin_key_of(&to);
	*family = from.family;
	return row->first <= row->last ? 2 : 0;
}

static bool is_code(struct slice s)
{
	return s.len == 2 && (text_is_alpha(s.ptr[0]) || s.ptr[0] == '?') &&
	       (text_is_alpha(s.ptr[1]) || text_is_digit(s.ptr[1]) || s.ptr[1] == '?');
}

static bool asn_parse(struct slice s, uint32_t *out)
{
	uint64_t v;

	if (s.len > 2 && slice_equal_nocase(slice_part(s, 0, 2), SLICE("AS")))
		s = slice_from(s, 2);
	if (s.len == 0 || !text_is_digit(s.ptr[s.len - 1]) || !text_u64(s, 0, UINT32_MAX, &v))
		return false;
	*out = (uint32_t)v;
	return true;
}

/* What the row says about its range: a territory ("" or ?? for none), or an AS and its name. */
static enum status claim_parse(struct reader *r, size_t at, struct origin_row *row)
{
	struct slice f = at < r->field_count ? r->fields[at] : (struct slice){NULL, 0};
	struct slice name = at + 1 < r->field_count ? r->fields[at + 1] : (struct slice){NULL, 0};

	if (at >= r->field_count)
		return bad(r, "a territory or an AS number behind the range", r->fields[at - 1]);
	if (f.len == 0 && name.len == 0)
		return ST_OK;
	if (is_code(f)) {
		if (f.ptr[0] != '?') {
			row->code[0] =
				(uint8_t)(text_is_alpha(f.ptr[0]) ? f.ptr[0] & ~0x20 : f.ptr[0]);
			row->code[1] =
				(uint8_t)(text_is_alpha(f.ptr[1]) ? f.ptr[1] & ~0x20 : f.ptr[1]);
		}
		return ST_OK;
	}
	if (!asn_parse(f, &row->asn))
		return bad(r, "a territory of two letters or an AS number", f);
	if (name.len > NAME_MAX_BYTES)
		return bad(r, "an AS name of at most 1000 bytes", name);
	row->name = name.ptr;
	row->name_len = (uint16_t)name.len;
	return ST_OK;
}

static enum status line_parse(struct reader *r, struct slice line)
{
	struct origin_row row = {.line = r->line};
	unsigned family = 0;
	enum status st;
	size_t taken, f;

	if (line.len > LINE_MAX_BYTES)
		return bad(r, "at most 4096 bytes", line);
	line = slice_trim(line);
	if (line.len == 0 || line.ptr[0] == '#')
		return ST_OK;
	st = split(r, line);
	if (st != ST_OK)
		return st;
	taken = range_parse(r, &row, &family);
	if (taken == 0) {
		bool header = !r->begun && r->field_count >= 2 && r->fields[0].len > 0 &&
			      text_is_alpha(r->fields[0].ptr[0]);

		r->begun = true;
		return header ? ST_OK
			      : bad(r, "a prefix, or the first and last address of a range",
				    r->fields[0]);
	}
	r->begun = true;
	st = claim_parse(r, taken, &row);
	if (st != ST_OK)
		return st;
	f = family == 6;
	if (r->rows.count[f] == ORIGIN_ROWS_MAX)
		return fail_set(r->why, ST_LIMIT, "%.*s:%u: more than %d rows", SLICE_ARG(r->name),
				r->line, ORIGIN_ROWS_MAX);
	if (!ARENA_PUSH(r->arena, r->rows.rows[f], r->rows.count[f], r->room[f], row))
		return fail_set(r->why, ST_NOMEM, "%.*s: the memory budget is spent",
				SLICE_ARG(r->name));
	return ST_OK;
}

/* Room for as many rows as there are lines of each family, so that no array is moved. */
static bool rows_reserve(struct reader *r, struct slice bytes)
{
	size_t lines[2] = {0, 0};
	struct slice rest = bytes;

	while (rest.ptr != NULL) {
		struct slice line = slice_split(&rest, '\n');
		const uint8_t *comma = line.len ? memchr(line.ptr, ',', line.len) : NULL;

		if (comma != NULL)
			lines[memchr(line.ptr, ':', (size_t)(comma - line.ptr)) != NULL]++;
	}
	for (size_t f = 0; f < 2; f++) {
		if (lines[f] == 0 || lines[f] > ORIGIN_ROWS_MAX)
			continue; /* too many is said with its line */
		r->rows.rows[f] = ARENA_ARRAY(r->arena, struct origin_row, lines[f]);
		if (r->rows.rows[f] == NULL)
			return false;
		r->room[f] = lines[f];
	}
	return true;
}

/* tor-geoipdb says in a comment when it was made: "# Generated: Thu, 25 Jun 2026 04:33:59 GMT". */
static struct slice edition_find(struct slice bytes)
{
	static const struct slice mark = SLICE("# Generated:");
	struct slice head = slice_part(bytes, 0, 4096), line;
	size_t at = slice_find(head, mark);

	if (at == SIZE_MAX || (at != 0 && head.ptr[at - 1] != '\n'))
		return (struct slice){NULL, 0};
	head = slice_from(head, at + mark.len);
	line = slice_trim(slice_split(&head, '\n'));
	return line.len <= 40 ? line : (struct slice){NULL, 0};
}

static enum status csv_open(struct origin_table *t, const char *path, struct slice bytes,
			    struct arena *a, struct fail *why)
{
	struct reader r = {.name = t->name, .arena = a, .why = why};
	struct origin_rows *kept = ARENA_NEW(a, struct origin_rows);
	struct slice rest = bytes;
	enum status st;

	if (kept == NULL || !rows_reserve(&r, bytes))
		return fail_set(why, ST_NOMEM, "%.*s: the memory budget is spent",
				SLICE_ARG(t->name));
	while (rest.ptr != NULL) {
		r.line++;
		st = line_parse(&r, slice_split(&rest, '\n'));
		if (st != ST_OK)
			return st;
	}
	if (r.rows.count[0] + r.rows.count[1] == 0)
		return fail_set(why, ST_INVALID, "%.*s: no row in it", SLICE_ARG(t->name));
	st = origin_rows_ready(t->name, "line", &r.rows, a, why);
	if (st != ST_OK)
		return st;
	*kept = r.rows;
	t->state = kept;
	t->edition = edition_find(bytes);
	return ST_OK;
}

const struct origin_form origin_form_csv = {
	.name = "text", .is = csv_is, .open = csv_open, .ask = origin_rows_ask};
