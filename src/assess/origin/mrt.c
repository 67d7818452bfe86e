/* SPDX-License-Identifier: Apache-2.0
 *
 * Dumps of routers' tables (MRT, RFC 6396: TABLE_DUMP_V2): which AS announced a prefix when the
 * dump was made, as the collector's peers saw it. Give the dump before the event.
 *
 * The origin of a route is the last AS of its path (RFC 4271, 5.1.2); a path that ends in a set
 * says only who may be it, and does not count (RFC 6472 deprecates them). Where peers see several
 * origins the one that most of them see answers, of equals the smaller number. Prefixes whose every
 * path is without an origin say nothing. Nothing of a file with a mistake is used.
 */
#include "assess/origin/origin_priv.h"
#include "base/cursor.h"

enum {
	TABLE_DUMP_V2 = 13,
	PEER_INDEX_TABLE = 1, /* subtypes */
	RIB_IPV4_UNICAST = 2,
	RIB_IPV6_UNICAST = 4,
	HEADER_BYTES = 12,
	AS_PATH = 2, /* attribute */
	EXTENDED_LENGTH = 0x10,
	AS_SEQUENCE = 2,  /* segment */
	ORIGINS_MAX = 16, /* of one prefix; what more there are has few peers */
};

struct reader {
	struct slice name;
	struct fail *why;
	struct arena *arena;
	struct origin_rows rows;
	size_t room[2];
	uint32_t record;  /* from 1 */
	uint64_t first_s; /* when the dump was made */
};

static bool mrt_is(struct slice bytes)
{
	struct cursor c = cursor_of(bytes);
	uint32_t type, length;

	(void)cursor_be32(&c); /* when */
	type = cursor_be32(&c);
	length = cursor_be32(&c);
	return cursor_ok(&c) && type == ((uint32_t)TABLE_DUMP_V2 << 16 | PEER_INDEX_TABLE) &&
	       length >= 8 && length < 1 << 24;
}

static enum status bad(struct reader *r, const char *expected)
{
	return fail_set(r->why, ST_INVALID, "%.*s:%u: expected %s", SLICE_ARG(r->name), r->record,
			expected);
}

/* The last AS of a path; 0: it has none, or it ends in a set. False: it breaks off. */
static bool path_origin(struct cursor path, uint32_t *out)
{
	uint32_t origin = 0;

	while (cursor_left(&path) != 0) {
		uint8_t kind = cursor_u8(&path), n = cursor_u8(&path);

		for (uint8_t i = 0; i < n && cursor_ok(&path); i++)
			origin = cursor_be32(&path);
		if (n != 0 && kind != AS_SEQUENCE)
			origin = 0;
	}
	*out = origin;
	return cursor_ok(&path);
}

/* The origin that a route's attributes give; 0: none. */
static bool route_origin(struct cursor attributes, uint32_t *out)
{
	*out = 0;
	while (cursor_left(&attributes) != 0) {
		uint8_t flags = cursor_u8(&attributes), type = cursor_u8(&attributes);
		size_t n = (flags & EXTENDED_LENGTH) != 0 ? cursor_be16(&attributes)
							  : cursor_u8(&attributes);
		struct cursor value = cursor_sub(&attributes, n);

		if (!cursor_ok(&value) || (type == AS_PATH && !path_origin(value, out)))
			return false;
	}
	return true;
}

struct vote {
	uint32_t asn, peers;
};

static void vote(struct vote *votes, size_t *n, uint32_t asn)
{
	size_t i = 0;

	if (asn == 0)
		return;
	while (i < *n && votes[i].asn != asn)
		i++;
	if (i == *n && *n == ORIGINS_MAX)
		return;
	if (i == *n)
		votes[(*n)++] = (struct vote){asn, 0};
	votes[i].peers++;
}

static uint32_t winner(const struct vote *votes, size_t n)
{
	struct vote best = {0};

	for (size_t i = 0; i < n; i++)
		if (votes[i].peers > best.peers ||
		    (votes[i].peers == best.peers && votes[i].asn < best.asn))
			best = votes[i];
	return best.asn;
}

/* A prefix as it stands on the wire: its length, then as many bytes as that needs. */
static bool take_prefix(struct cursor *c, size_t f, struct origin_row *row)
{
	unsigned all = f == 0 ? 32 : 128, bits = cursor_u8(c);
	struct slice b = cursor_take(c, (bits + 7) / 8);
	origin_key k = 0;

	if (!cursor_ok(c) || bits > all)
		return false;
	for (size_t i = 0; i < all / 8; i++)
		k = k << 8 | (i < b.len ? b.ptr[i] : 0);
	row->first = k & ~origin_span(all - bits); /* bits behind the prefix mean nothing */
	row->last = row->first + origin_span(all - bits);
	return true;
}

static enum status read_rib(struct reader *r, struct cursor c, size_t f)
{
	struct origin_row row = {.line = r->record};
	struct vote votes[ORIGINS_MAX];
	size_t n = 0;
	uint16_t entries;

	(void)cursor_be32(&c); /* sequence number */
	if (!take_prefix(&c, f, &row))
		return bad(r,
			   f == 0 ? "a prefix of at most 32 bits" : "a prefix of at most 128 bits");
	entries = cursor_be16(&c);
	for (uint16_t i = 0; i < entries; i++) {
		uint32_t asn;

		(void)cursor_take(&c, 6); /* which peer, since when */
		if (!route_origin(cursor_sub(&c, cursor_be16(&c)), &asn) || !cursor_ok(&c))
			return bad(r, "as many whole routes as the record says");
		vote(votes, &n, asn);
	}
	if (!cursor_ok(&c) || cursor_left(&c) != 0)
		return bad(r, "nothing behind the last route");
	row.asn = winner(votes, n);
	if (row.asn == 0)
		return ST_OK;
	if (r->rows.count[f] == ORIGIN_ROWS_MAX)
		return fail_set(r->why, ST_LIMIT, "%.*s:%u: more than %d prefixes",
				SLICE_ARG(r->name), r->record, ORIGIN_ROWS_MAX);
	return ARENA_PUSH(r->arena, r->rows.rows[f], r->rows.count[f], r->room[f], row)
		       ? ST_OK
		       : fail_set(r->why, ST_NOMEM, "%.*s: the memory budget is spent",
				  SLICE_ARG(r->name));
}

/* One record; what is neither a peer table nor unicast routes is passed over. */
static enum status read_record(struct reader *r, struct cursor *c)
{
	uint32_t when = cursor_be32(c);
	uint16_t type = cursor_be16(c), subtype = cursor_be16(c);
	uint32_t length = cursor_be32(c);
	struct cursor body = cursor_sub(c, length);

	r->record++;
	if (!cursor_ok(&body))
		return bad(r, "a whole record: the file breaks off");
	if (type != TABLE_DUMP_V2)
		return bad(r, "a dump of a table (TABLE_DUMP_V2), no other record");
	if (r->record == 1)
		r->first_s = when;
	if (subtype == RIB_IPV4_UNICAST || subtype == RIB_IPV6_UNICAST)
		return read_rib(r, body, subtype == RIB_IPV6_UNICAST);
	return ST_OK;
}

static enum status mrt_open(struct origin_table *t, const char *path, struct slice bytes,
			    struct arena *a, struct fail *why)
{
	struct reader r = {.name = t->name, .arena = a, .why = why};
	struct origin_rows *kept = ARENA_NEW(a, struct origin_rows);
	struct cursor c = cursor_of(bytes);
	enum status st = ST_OK;

	if (kept == NULL)
		return fail_set(why, ST_NOMEM, "%.*s: the memory budget is spent",
				SLICE_ARG(t->name));
	while (st == ST_OK && cursor_left(&c) != 0)
		st = read_record(&r, &c);
	if (st == ST_OK && r.rows.count[0] + r.rows.count[1] == 0)
		st = fail_set(why, ST_INVALID, "%.*s: no route in it", SLICE_ARG(t->name));
	if (st == ST_OK)
		st = origin_rows_ready(t->name, "record", &r.rows, a, why);
	if (st != ST_OK)
		return st;
	*kept = r.rows;
	t->state = kept;
	t->edition = origin_date(r.first_s, a);
	return ST_OK;
}

const struct origin_form origin_form_mrt = {
	.name = "MRT", .is = mrt_is, .open = mrt_open, .ask = origin_rows_ask};
