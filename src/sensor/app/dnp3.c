/* SPDX-License-Identifier: Apache-2.0
 *
 * DNP3 over TCP: IEEE 1815-2012 9 (data link frames), 8 (transport segments), 4 (application
 * fragments), 4.2.2.7 (object headers).
 *
 *	frames	10 bytes of header and CRC, then blocks of 16 bytes, each with its CRC
 *	segments	one byte of FIR, FIN and sequence in front of each frame's user data
 *	fragments	from FIR to FIN: control, function code, indications (only of
 *			responses), objects
 *
 * A transaction is one fragment, of either side. Confirms are not transactions.
 */
#include "sensor/app/dnp3_priv.h"

enum {
	LINK_BYTES = 10, /* with its CRC */
	LINK_LENGTH_LEAST = 5,
	LINK_FROM_MASTER = 0x80, /* of the control byte */
	BLOCK = 16,
	CRC_BYTES = 2,
	FRAGMENT_MAX = 64 * 249, /* bytes of a fragment: every segment number once */
	FC_CONFIRM = 0,
	FC_READ = 1,
	FC_UNSOLICITED = 130,
	LINK_CONFIRMED = 3,
	LINK_UNCONFIRMED = 4,
	FLOOD = 500, /* requests without an answer */
};
enum {
	FLOODED,
	LEN_TOO_SMALL,
	BAD_LINK_CRC,
	BAD_TRANSPORT_CRC,
	MALFORMED,
	UNKNOWN_OBJECT,
	TOO_LONG,
	TOO_MANY_POINTS,
	TOO_MANY_OBJECTS
};

struct dnp3_side {	   /* a fragment being put together */
	struct app_tx *tx; /* NULL: none */
	struct buf fragment;
	uint8_t next; /* segment number due */
	bool begun, greeting;
};

struct dnp3 {
	struct dnp3_side side[2];
	uint32_t unanswered;
};

struct dnp3_tx {
	bool response, has_iin, complete, whole;
	uint8_t link_control, control;
	uint16_t src, dst;
	uint64_t function, iin;
	struct slice objects;  /* the JSON array */
	struct slice fragment; /* as rules look at it: objects' bytes */
	uint64_t *kinds;       /* group << 8 | variation of each object */
	size_t kind_count, kind_room;
};

static void say(struct app_flow *f, struct app_tx *tx, unsigned anomaly)
{
	*(tx != NULL ? &tx->anomalies : &f->anomalies) |= UINT64_C(1) << anomaly;
}

/* The CRC of 9.2.4.1.1, bit by bit: blocks are 16 bytes. */
static uint16_t crc_of(struct slice s)
{
	uint32_t crc = 0;

	for (size_t i = 0; i < s.len; i++) {
		crc ^= s.ptr[i];
		for (unsigned k = 0; k < 8; k++)
			crc = (crc & 1) != 0 ? crc >> 1 ^ 0xa6bc : crc >> 1;
	}
	return (uint16_t)~crc;
}

static bool crc_holds(struct slice s)
{
	uint16_t crc;

	if (s.len <= CRC_BYTES)
		return false;
	crc = crc_of(slice_part(s, 0, s.len - CRC_BYTES));
	return s.ptr[s.len - 2] == (crc & 255) && s.ptr[s.len - 1] == crc >> 8;
}

/* Start, stop and count of an object by its range code; false: reserved or cut. */
static bool read_range(struct cursor *c, struct dnp3_object *o)
{
	unsigned code = dnp3_range_code(o);
	size_t width;

	if (code == 6)
		return true;
	if (code > 9 && code != 0x0b)
		return false;
	width = code < 6 ? (size_t)1 << code % 3 : code == 0x0b ? 1 : (size_t)1 << (code - 7);
	if (code < 6) {
		o->start = (uint32_t)cursor_le(c, width);
		o->stop = (uint32_t)cursor_le(c, width);
		o->count = o->stop - o->start + 1;
	} else {
		o->count = (uint32_t)cursor_le(c, width);
	}
	return cursor_ok(c);
}

/* A request to read names objects, and has points only where each has a size. */
static bool has_points(const struct dnp3_tx *d, const struct dnp3_object *o)
{
	if (o->variation == 0 || o->count == 0)
		return false;
	return d->response || d->function != FC_READ || dnp3_prefix_code(o) >= 4;
}

/* True if all objects were read. */
static bool read_objects(struct app_flow *f, struct app_tx *tx, struct cursor c, struct json *j)
{
	struct dnp3_tx *d = tx->data;
	uint32_t points = DNP3_POINTS_MAX;

	while (cursor_left(&c) != 0) {
		struct dnp3_object o = {.group = cursor_u8(&c)};
		bool good = true;

		o.variation = cursor_u8(&c);
		o.qualifier = cursor_u8(&c);
		if (!cursor_ok(&c) || !read_range(&c, &o))
			return false;
		if (d->kind_count == DNP3_OBJECTS_MAX) {
			say(f, tx, TOO_MANY_OBJECTS);
			return false;
		}
		if (!ARENA_PUSH(&tx->arena, d->kinds, d->kind_count, d->kind_room,
				(uint64_t)o.group << 8 | o.variation))
			return false;
		json_object(j);
		json_member_u64(j, "group", o.group);
		json_member_u64(j, "variation", o.variation);
		json_member_u64(j, "qualifier", o.qualifier);
		json_member_u64(j, "prefix_code", dnp3_prefix_code(&o));
		json_member_u64(j, "range_code", dnp3_range_code(&o));
		json_member_u64(j, "start", o.start);
		json_member_u64(j, "stop", o.stop);
		json_member_u64(j, "count", o.count);
		if (has_points(d, &o))
			good = app_dnp3_points(&c, &o, &points, j);
		json_end(j);
		if (!good) {
			say(f, tx, points == 0 ? TOO_MANY_POINTS : UNKNOWN_OBJECT);
			return false;
		}
	}
	return true;
}

static void take_fragment(struct app_flow *f, struct app_tx *tx, struct slice fragment)
{
	struct dnp3_tx *d = tx->data;
	struct cursor c = cursor_of(fragment);
	struct buf text = buf_in(&tx->arena);
	struct json j = json_in(&text);

	d->control = cursor_u8(&c);
	d->function = cursor_u8(&c);
	if (d->response) {
		d->iin = cursor_be16(&c);
		d->has_iin = cursor_ok(&c);
	}
	d->whole = true;
	d->fragment = arena_copy(&tx->arena, fragment);
	if (!cursor_ok(&c)) {
		say(f, tx, MALFORMED);
	} else {
		json_array(&j);
		d->complete = read_objects(f, tx, c, &j);
		json_end(&j);
		d->objects = text.full ? (struct slice){NULL, 0} : buf_slice(&text);
	}
	app_tx_advance(tx, APP_TO_SERVER, 1);
	app_tx_advance(tx, APP_TO_CLIENT, 1);
}

static void drop_fragment(struct dnp3_side *s)
{
	if (s->tx != NULL) {
		app_tx_advance(s->tx, APP_TO_SERVER, 1);
		app_tx_advance(s->tx, APP_TO_CLIENT, 1);
	}
	s->tx = NULL;
}

/* A new transaction for the fragment whose first segment has these bytes. */
static bool begin_fragment(struct app_flow *f, enum app_dir dir, struct slice link,
			   struct slice bytes)
{
	struct dnp3 *p = f->parser;
	struct dnp3_side *s = &p->side[dir];
	struct dnp3_tx *d;

	drop_fragment(s);
	if (bytes.len < 2 || bytes.ptr[1] == FC_CONFIRM)
		return true;
	s->tx = app_tx_new(f, sizeof *d);
	if (s->tx == NULL)
		return false;
	s->tx->dirs = (uint8_t)(1u << dir);
	d = s->tx->data;
	d->response = dir == APP_TO_CLIENT;
	d->link_control = link.ptr[3];
	d->dst = (uint16_t)(link.ptr[5] << 8 | link.ptr[4]);
	d->src = (uint16_t)(link.ptr[7] << 8 | link.ptr[6]);
	s->fragment = buf_in(&s->tx->arena);
	s->fragment.most = FRAGMENT_MAX;
	/* the other side of what is one fragment is nothing to wait for */
	app_tx_advance(s->tx, dir == APP_TO_SERVER ? APP_TO_CLIENT : APP_TO_SERVER, 1);
	p->unanswered = dir == APP_TO_CLIENT ? 0 : p->unanswered + 1;
	if (p->unanswered == FLOOD)
		say(f, s->tx, FLOODED);
	return true;
}

static bool take_segment(struct app_flow *f, enum app_dir dir, struct slice link, uint8_t header,
			 struct slice bytes)
{
	struct dnp3_side *s = &((struct dnp3 *)f->parser)->side[dir];
	bool fir = (header & 0x40) != 0, fin = (header & 0x80) != 0;
	uint8_t number = header & 0x3f;

	if (fir && !begin_fragment(f, dir, link, bytes))
		return false;
	if (s->tx == NULL || (!fir && number != s->next))
		return true;
	s->next = (number + 1) & 0x3f;
	buf_add(&s->fragment, bytes);
	if (s->fragment.full) {
		say(f, s->tx, TOO_LONG);
		drop_fragment(s);
	} else if (fin) {
		take_fragment(f, s->tx, buf_slice(&s->fragment));
		s->tx = NULL;
	}
	return true;
}

/* User data without CRCs, at most 250 bytes; false: a CRC is wrong. */
static bool strip_crcs(struct slice in, uint8_t out[256], size_t *n)
{
	*n = 0;
	while (in.len != 0) {
		struct slice block = slice_part(in, 0, BLOCK + CRC_BYTES);

		if (!crc_holds(block))
			return false;
		memcpy(out + *n, block.ptr, block.len - CRC_BYTES);
		*n += block.len - CRC_BYTES;
		in = slice_from(in, block.len);
	}
	return true;
}

static size_t frame_bytes(uint8_t length)
{
	size_t data = (size_t)length - LINK_LENGTH_LEAST;

	return LINK_BYTES + data + (data + BLOCK - 1) / BLOCK * CRC_BYTES;
}

/* One whole frame. False: no memory. */
static bool take_frame(struct app_flow *f, enum app_dir dir, struct slice frame)
{
	struct app_tx *tx = ((struct dnp3 *)f->parser)->side[dir].tx;
	uint8_t function = frame.ptr[3] & 15, data[256];
	size_t n;

	if ((function != LINK_CONFIRMED && function != LINK_UNCONFIRMED) ||
	    (frame.ptr[3] & 0x40) == 0)
		return true;
	if (!strip_crcs(slice_from(frame, LINK_BYTES), data, &n)) {
		say(f, tx, BAD_TRANSPORT_CRC);
		return true;
	}
	/* transport header, application control and function code, and indications */
	if (n < ((data[0] & 0x40) == 0 ? 2u : dir == APP_TO_SERVER ? 3u : 5u)) {
		say(f, tx, LEN_TOO_SMALL);
		return true;
	}
	return take_segment(f, dir, frame, data[0], (struct slice){data + 1, n - 1});
}

/* Bytes of the greeting that some outstations send before their first frame. */
static size_t greeting_bytes(struct dnp3_side *s, struct slice in)
{
	size_t n;

	if (!s->begun) {
		s->greeting = slice_starts(in, SLICE("DNP3"));
		s->begun = true;
	}
	if (!s->greeting)
		return 0;
	n = slice_find(in, SLICE("\x05\x64"));
	s->greeting = n == SIZE_MAX;
	return n != SIZE_MAX ? n : slice_ends(in, SLICE("\x05")) ? in.len - 1 : in.len;
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct dnp3_side *side = &((struct dnp3 *)f->parser)->side[dir];
	size_t used;

	(void)eof;
	if (!side->begun && input.len < 4) /* is it a greeting? */
		return (struct app_result){APP_OK, 0};
	used = greeting_bytes(side, input);
	while (input.len - used >= LINK_BYTES) {
		struct slice rest = {input.ptr + used, input.len - used};
		struct app_tx *tx = ((struct dnp3 *)f->parser)->side[dir].tx;
		bool start = rest.ptr[0] == 5 && rest.ptr[1] == 0x64;

		if (start && !crc_holds(slice_part(rest, 0, LINK_BYTES)))
			say(f, tx, BAD_LINK_CRC);
		else if (start && rest.ptr[2] < LINK_LENGTH_LEAST)
			say(f, tx, LEN_TOO_SMALL);
		else if (start && rest.len < frame_bytes(rest.ptr[2]))
			break;
		else if (start) {
			if (!take_frame(f, dir, slice_part(rest, 0, frame_bytes(rest.ptr[2]))))
				return (struct app_result){APP_STUCK, used};
			used += frame_bytes(rest.ptr[2]);
			continue;
		}
		return (struct app_result){APP_STUCK, used};
	}
	return (struct app_result){APP_OK, used};
}

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	(void)f;
	if (!port_hint)
		return APP_NO;
	if (slice_starts(in, SLICE("DNP3")))
		return APP_YES;
	if (in.len < 4 && (slice_starts(SLICE("DNP3"), in) || in.ptr[0] == 5))
		return APP_NEED_MORE;
	if (in.ptr[0] != 5 || in.ptr[1] != 0x64 || in.ptr[2] < LINK_LENGTH_LEAST)
		return APP_NO;
	return (in.ptr[3] & LINK_FROM_MASTER) != 0 ? APP_YES : APP_YES_OTHER;
}

/* --- what it says --- */

/* 4.2.2.6.3, most significant byte first; as rules and EVE name them */
static const struct app_word indications[] = {
	{"device_restart", 0x8000},
	{"device_trouble", 0x4000},
	{"local_control", 0x2000},
	{"need_time", 0x1000},
	{"class_3_events", 0x0800},
	{"class_2_events", 0x0400},
	{"class_1_events", 0x0200},
	{"all_stations", 0x0100},
	{"reserved_1", 0x0080},
	{"reserved_2", 0x0040},
	{"config_corrupt", 0x0020},
	{"already_executing", 0x0010},
	{"event_buffer_overflow", 0x0008},
	{"parameter_error", 0x0004},
	{"object_unknown", 0x0002},
	{"no_func_code_support", 0x0001},
	{0},
};

static const struct app_word functions[] = {
	{"confirm", 0},
	{"read", 1},
	{"write", 2},
	{"select", 3},
	{"operate", 4},
	{"direct_operate", 5},
	{"direct_operate_nr", 6},
	{"immed_freeze", 7},
	{"immed_freeze_nr", 8},
	{"freeze_clear", 9},
	{"freeze_clear_nr", 10},
	{"freeze_at_time", 11},
	{"freeze_at_time_nr", 12},
	{"cold_restart", 13},
	{"warm_restart", 14},
	{"initialize_data", 15},
	{"initialize_appl", 16},
	{"start_appl", 17},
	{"stop_appl", 18},
	{"save_config", 19},
	{"enable_unsolicited", 20},
	{"disable_unsolicited", 21},
	{"assign_class", 22},
	{"delay_measure", 23},
	{"record_current_time", 24},
	{"open_file", 25},
	{"close_file", 26},
	{"delete_file", 27},
	{"get_file_info", 28},
	{"authenticate_file", 29},
	{"abort_file", 30},
	{"activate_config", 31},
	{"authenticate_req", 32},
	{"authenticate_err", 33},
	{"response", 129},
	{"unsolicited_response", 130},
	{"authenticate_resp", 131},
	{0},
};

static void put_bit(struct json *j, const char *key, unsigned byte, unsigned bit)
{
	json_key(j, key);
	json_bool(j, (byte & bit) != 0);
}

static void put_link(struct json *j, const struct dnp3_tx *d)
{
	json_key(j, "type");
	json_z(j, !d->response			  ? "request"
		  : d->function == FC_UNSOLICITED ? "unsolicited_response"
						  : "response");
	json_key(j, "control");
	json_object(j);
	put_bit(j, "dir", d->link_control, 0x80);
	put_bit(j, "pri", d->link_control, 0x40);
	put_bit(j, "fcb", d->link_control, 0x20);
	put_bit(j, "fcv", d->link_control, 0x10);
	json_member_u64(j, "function_code", d->link_control & 15);
	json_end(j);
	json_member_u64(j, "src", d->src);
	json_member_u64(j, "dst", d->dst);
}

static bool log_dnp3(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct dnp3_tx *d = tx->data;
	struct buf text = buf_in(scratch);
	struct json j = json_in(&text);

	if (n != 0 || !d->whole)
		return false;
	json_object(&j);
	put_link(&j, d);
	json_key(&j, "application");
	json_object(&j);
	json_key(&j, "control");
	json_object(&j);
	put_bit(&j, "fir", d->control, 0x80);
	put_bit(&j, "fin", d->control, 0x40);
	put_bit(&j, "con", d->control, 0x20);
	put_bit(&j, "uns", d->control, 0x10);
	json_member_u64(&j, "sequence", d->control & 15);
	json_end(&j);
	json_member_u64(&j, "function_code", d->function);
	if (d->objects.len != 0) {
		json_key(&j, "objects");
		json_raw(&j, d->objects);
	}
	json_key(&j, "complete");
	json_bool(&j, d->complete);
	json_end(&j);
	if (d->has_iin) {
		json_key(&j, "iin");
		json_object(&j);
		json_key(&j, "indicators");
		json_array(&j);
		for (const struct app_word *w = indications; w->name != NULL; w++)
			if ((d->iin & w->value) != 0)
				json_z(&j, w->name);
		json_end(&j);
		json_end(&j);
	}
	json_end(&j);
	return !text.full && record_object(r, scratch, "dnp3", buf_slice(&text));
}

static bool says(const struct dnp3_tx *d, enum app_dir dir, unsigned n)
{
	return n == 0 && d->whole && d->response == (dir == APP_TO_CLIENT);
}

static struct slice get_function(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct dnp3_tx *d = tx->data;

	return says(d, dir, n) ? app_number(&d->function) : (struct slice){NULL, 0};
}

static struct slice get_iin(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct dnp3_tx *d = tx->data;

	return says(d, dir, n) && d->has_iin ? app_number(&d->iin) : (struct slice){NULL, 0};
}

static struct slice get_kinds(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct dnp3_tx *d = tx->data;

	if (!says(d, dir, n) || d->kind_count == 0)
		return (struct slice){NULL, 0};
	return (struct slice){(const uint8_t *)d->kinds, d->kind_count * sizeof *d->kinds};
}

static struct slice get_data(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct dnp3_tx *d = tx->data;

	return says(d, dir, n) ? d->fragment : (struct slice){NULL, 0};
}

static const struct app_field fields[] = {
	{"dnp3_func", 3, 0, false, false, get_function, "The function code.", APP_NUMBERS,
	 functions},
	{"dnp3_ind", 2, 0, false, false, get_iin, "The internal indications of a response.",
	 APP_FLAGS, indications},
	{"dnp3.objects", 3, 0, false, false, get_kinds,
	 "What dnp3_obj compares: 256 * group + variation of each object, 8 bytes each."},
	{"dnp3.data", 3, 0, false, false, get_data,
	 "The application fragment, put together and without CRCs."},
	{"dnp3_data", 3, 0, false, false, get_data, "Older name of dnp3.data."},
	{0},
};

static const char *const anomalies[] = {
	[FLOODED] = "flooded",
	[LEN_TOO_SMALL] = "len_too_small",
	[BAD_LINK_CRC] = "bad_link_crc",
	[BAD_TRANSPORT_CRC] = "bad_transport_crc",
	[MALFORMED] = "malformed",
	[UNKNOWN_OBJECT] = "unknown_object",
	[TOO_LONG] = "too_long_reassembly",
	[TOO_MANY_POINTS] = "too_many_points",
	[TOO_MANY_OBJECTS] = "too_many_objects",
	NULL,
};

static const uint16_t ports[] = {20000, 0};

APP_PROTOCOL(dnp3) = {
	.name = "dnp3",
	.spec = "IEEE 1815-2012",
	.transports = APP_TCP,
	.ports = ports,
	.fields = fields,
	.anomalies = anomalies,
	.complete = {1, 1},
	.parser_bytes = sizeof(struct dnp3),
	.probe = probe,
	.parse = parse,
	.log = log_dnp3,
};
