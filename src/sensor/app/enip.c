/* SPDX-License-Identifier: Apache-2.0
 *
 * EtherNet/IP: CIP Networks Library vol. 2, 2-3 (encapsulation), 2-6 (common packet format), 2-4
 * (commands); vol. 1, 2-4 (message router request and response), C-1.4 (paths), A-3 (services).
 *
 * A transaction is a request and its response: same command and session, and, of connected data,
 * the same sequence number. A response without a request is a transaction of its own. Requests that
 * a response has overtaken will not be answered any more.
 */
#include "base/cursor.h"
#include "base/json.h"
#include "sensor/app/enip_priv.h"

enum {
	HEADER_BYTES = 24,
	CMD_NOP = 0,
	CMD_LIST_SERVICES = 4,
	CMD_LIST_IDENTITY = 0x63,
	CMD_LIST_INTERFACES = 0x64,
	CMD_REGISTER = 0x65,
	CMD_UNREGISTER = 0x66,
	CMD_RR_DATA = 0x6f,
	CMD_UNIT_DATA = 0x70,
	ITEM_IDENTITY = 0x0c,
	ITEM_SERVICES = 0x100,
	ITEM_CONNECTED = 0xb1,
	ITEM_UNCONNECTED = 0xb2,
	CIP_RESPONSE = 0x80,
	CIP_GET_LIST = 3,
	CIP_MULTIPLE = 10,
	PACKED_MAX = 256,   /* messages in one multiple service packet */
	SEGMENTS_MAX = 255, /* of one path: its length is a byte of 16-bit words */
};
enum { TOO_MANY, INVALID_PDU };
enum { FRAME_HDR, FRAME_DATA, FRAME_PDU, FRAME_CIP, FRAME_ITEM };

struct segment {
	uint8_t type;
	uint32_t value;
};

struct cip {
	uint8_t service;
	bool response;
	uint8_t status;
	struct slice extended;
	struct segment *path;
	size_t path_count, path_room;
	struct cip *packed; /* of a multiple service packet */
	size_t packed_count;
};

struct numbers {
	uint64_t *v;
	size_t count, room;
};

struct enip_side {
	bool seen;
	uint64_t cmd, status;
	uint32_t session, options;
	bool has_cip, has_sequence;
	uint16_t sequence;
	struct cip cip;
	/* what rules compare; absent ones have no bytes */
	struct numbers attributes, instances, classes, cip_statuses, extended_statuses;
	struct numbers triples; /* service, class, attribute; UINT64_MAX: none */
	uint64_t protocol_version, revision, identity_status, state, serial, product_code,
		device_type, vendor, capabilities, register_options;
	bool has_register, has_identity, has_services;
	struct slice product, service_name;
};

static struct enip_side *side_of(struct app_tx *tx, enum app_dir dir)
{
	return (struct enip_side *)tx->data + dir;
}

static void number_add(struct arena *a, struct numbers *n, uint64_t v)
{
	(void)ARENA_PUSH(a, n->v, n->count, n->room, v); /* no memory: it is not compared */
}

/* Where a PDU stands, to name its frames; f NULL: nobody asks. */
struct place {
	struct app_flow *f;
	enum app_dir dir;
	const struct app_tx *tx;
	const uint8_t *input; /* of the parser */
};

static void frame(const struct place *p, uint8_t type, struct slice s)
{
	if (p->f != NULL)
		(void)app_frame_open(p->f, p->dir, type, (size_t)(s.ptr - p->input), (int64_t)s.len,
				     p->tx);
}

/* --- CIP --- */

/* Logical segments only (C-1.4.2): what else a path may hold ends its reading. */
static void read_path(struct cursor *c, struct arena *a, struct cip *out)
{
	struct cursor path = cursor_sub(c, 2 * (size_t)cursor_u8(c));

	while (cursor_left(&path) != 0) {
		struct segment s = {.type = cursor_u8(&path)};
		size_t width = s.type & 3;

		if ((s.type & 0xe0) != 0x20 || width == 3)
			return;
		if (width != 0)
			(void)cursor_u8(&path);
		s.value = (uint32_t)cursor_le(&path, (size_t)1 << width);
		if (!cursor_ok(&path) ||
		    !ARENA_PUSH(a, out->path, out->path_count, out->path_room, s))
			return;
	}
}

static const struct segment *path_find(const struct cip *m, uint8_t kind)
{
	for (size_t i = m->path_count; i-- > 0;)
		if ((m->path[i].type & 0xfc) == kind)
			return &m->path[i];
	return NULL;
}

/* Notes what rules may compare of one message. */
static void note(struct arena *a, struct enip_side *side, const struct cip *m, struct cursor rest)
{
	const struct segment *class = path_find(m, 0x20), *attribute = path_find(m, 0x30);
	uint64_t class_v = class != NULL ? class->value : UINT64_MAX;

	for (size_t i = 0; i < m->path_count; i++) {
		const struct segment *s = &m->path[i];
		struct numbers *n = (s->type & 0xfc) == 0x20   ? &side->classes
				    : (s->type & 0xfc) == 0x24 ? &side->instances
				    : (s->type & 0xfc) == 0x30 ? &side->attributes
							       : NULL;

		if (n != NULL)
			number_add(a, n, s->value);
	}
	if (m->response) {
		number_add(a, &side->cip_statuses, m->status);
		if (m->extended.len == 2)
			number_add(a, &side->extended_statuses,
				   (uint64_t)m->extended.ptr[1] << 8 | m->extended.ptr[0]);
	}
	number_add(a, &side->triples, m->service);
	number_add(a, &side->triples, class_v);
	number_add(a, &side->triples, attribute != NULL ? attribute->value : UINT64_MAX);
	if (m->response || m->service != CIP_GET_LIST)
		return;
	for (uint16_t left = cursor_le16(&rest); left != 0 && cursor_left(&rest) >= 2; left--) {
		uint64_t v = cursor_le16(&rest);

		number_add(a, &side->attributes, v);
		number_add(a, &side->triples, m->service);
		number_add(a, &side->triples, class_v);
		number_add(a, &side->triples, v);
	}
}

/* One message; false: it is broken. depth 0 may hold others, depth 1 may not. */
static bool read_message(struct cursor c, struct arena *a, struct enip_side *side, struct cip *out,
			 const struct place *where, unsigned depth)
{
	uint8_t service = cursor_u8(&c);
	struct slice all;
	uint16_t n;

	out->service = service & 0x7f;
	out->response = (service & CIP_RESPONSE) != 0;
	if (out->response) {
		(void)cursor_u8(&c);
		out->status = cursor_u8(&c);
		out->extended = cursor_take(&c, 2 * (size_t)cursor_u8(&c));
		out->extended = arena_copy(a, out->extended);
	} else {
		read_path(&c, a, out);
	}
	if (!cursor_ok(&c))
		return false;
	note(a, side, out, c);
	if (out->service != CIP_MULTIPLE || depth != 0 || cursor_left(&c) < 2)
		return true;
	all = (struct slice){c.at, cursor_left(&c)}; /* offsets count from the number of messages */
	n = cursor_le16(&c);
	if (n > PACKED_MAX || cursor_left(&c) < 2 * (size_t)n)
		return false;
	out->packed = ARENA_ARRAY(a, struct cip, n + 1u);
	for (uint16_t i = 0; out->packed != NULL && i < n; i++) {
		size_t from = cursor_le16(&c), to;
		struct cursor ahead = c;
		struct slice message = slice_from(all, from);

		if (message.len == 0)
			continue;
		to = i + 1 < n ? cursor_le16(&ahead) : all.len;
		frame(where, FRAME_CIP, to > from ? slice_part(message, 0, to - from) : message);
		if (!read_message(cursor_of(message), a, side, &out->packed[out->packed_count++],
				  where, 1))
			return false;
	}
	return true;
}

/* --- encapsulation --- */

static void read_identity(struct cursor c, struct arena *a, struct enip_side *side)
{
	struct enip_side s = *side;

	s.protocol_version = cursor_le16(&c);
	(void)cursor_take(&c, 16); /* the socket address */
	s.vendor = cursor_le16(&c);
	s.device_type = cursor_le16(&c);
	s.product_code = cursor_le16(&c);
	s.revision = cursor_le16(&c);
	s.identity_status = cursor_le16(&c);
	s.serial = cursor_le32(&c);
	s.product = arena_copy(a, cursor_take(&c, cursor_u8(&c)));
	s.state = cursor_u8(&c);
	s.has_identity = true;
	if (cursor_ok(&c))
		*side = s;
}

static void read_services(struct cursor c, struct arena *a, struct enip_side *side)
{
	struct enip_side s = *side;
	struct slice name;

	s.protocol_version = cursor_le16(&c);
	s.capabilities = cursor_le16(&c);
	name = (struct slice){c.at, cursor_left(&c)};
	s.service_name = arena_copy(
		a, slice_part(name, 0, slice_find(name, (struct slice){(const uint8_t *)"", 1})));
	s.has_services = true;
	if (cursor_ok(&c))
		*side = s;
}

/* Items of the common packet format; false: broken. */
static bool read_items(struct cursor c, struct arena *a, struct enip_side *side,
		       const struct place *where)
{
	for (uint16_t n = cursor_le16(&c); n != 0 && cursor_ok(&c); n--) {
		const uint8_t *start = c.at;
		uint16_t type = cursor_le16(&c);
		struct cursor item = cursor_sub(&c, cursor_le16(&c));

		if (!cursor_ok(&item))
			return false;
		frame(where, FRAME_ITEM, (struct slice){start, (size_t)(c.at - start)});
		if (type == ITEM_CONNECTED) {
			side->sequence = cursor_le16(&item);
			side->has_sequence = cursor_ok(&item);
		}
		if (type == ITEM_IDENTITY && !side->has_identity)
			read_identity(item, a, side);
		else if (type == ITEM_SERVICES && !side->has_services)
			read_services(item, a, side);
		else if ((type == ITEM_CONNECTED || type == ITEM_UNCONNECTED) && !side->has_cip) {
			side->has_cip = true;
			frame(where, FRAME_CIP, (struct slice){item.at, cursor_left(&item)});
			if (!read_message(item, a, side, &side->cip, where, 0))
				return false;
		}
	}
	return cursor_ok(&c);
}

static bool read_body(struct cursor c, struct arena *a, struct enip_side *side,
		      const struct place *where)
{
	switch (side->cmd) {
	case CMD_RR_DATA:
	case CMD_UNIT_DATA:
		(void)cursor_take(&c, 6); /* interface handle, timeout */
		return read_items(c, a, side, where);
	case CMD_LIST_IDENTITY:
	case CMD_LIST_SERVICES:
		return cursor_left(&c) == 0 || read_items(c, a, side, where);
	case CMD_REGISTER:
		side->protocol_version = cursor_le16(&c);
		side->register_options = cursor_le16(&c);
		side->has_register = cursor_ok(&c);
		return side->has_register;
	default:
		return true;
	}
}

static bool answers(const struct enip_side *q, const struct enip_side *a)
{
	if (q->cmd != a->cmd || (q->session != a->session && q->cmd != CMD_REGISTER))
		return false;
	if (q->has_cip != a->has_cip)
		return false;
	return !q->has_sequence || !a->has_sequence || q->sequence == a->sequence;
}

/* The open request that *a answers; those before it will not be answered any more. */
static struct app_tx *find_request(struct app_flow *f, const struct enip_side *a)
{
	for (struct app_tx *tx = f->first; tx != NULL; tx = tx->next) {
		const struct enip_side *q = side_of(tx, APP_TO_SERVER);

		if (!q->seen || side_of(tx, APP_TO_CLIENT)->seen)
			continue;
		app_tx_advance(tx, APP_TO_CLIENT, 1);
		if (answers(q, a))
			return tx;
	}
	return NULL;
}

/* input: the parser's, of which pdu is a part. */
static bool take_pdu(struct app_flow *f, enum app_dir dir, struct slice pdu, const uint8_t *input)
{
	struct arena scratch = {.pool = f->pool};
	struct enip_side side = {.seen = true}, *kept;
	struct cursor c = cursor_of(pdu);
	struct place where = {.dir = dir, .input = input};
	struct app_tx *tx = NULL;
	bool good;

	side.cmd = cursor_le16(&c);
	(void)cursor_le16(&c);
	side.session = cursor_le32(&c);
	side.status = cursor_le32(&c);
	(void)cursor_le64(&c); /* the sender's context */
	side.options = cursor_le32(&c);
	if (dir == APP_TO_CLIENT) { /* what it answers decides in whose memory it is read */
		struct enip_side probe = side;

		(void)read_body(c, &scratch, &probe, &where);
		tx = find_request(f, &probe);
		arena_reset(&scratch);
	}
	if (tx == NULL)
		tx = app_tx_new(f, 2 * sizeof(struct enip_side));
	if (tx == NULL) {
		f->anomalies |= UINT64_C(1) << TOO_MANY;
		return false;
	}
	kept = side_of(tx, dir);
	*kept = side;
	where.f = f;
	where.tx = tx;
	frame(&where, FRAME_HDR, slice_part(pdu, 0, HEADER_BYTES));
	if (pdu.len > HEADER_BYTES)
		frame(&where, FRAME_DATA, slice_from(pdu, HEADER_BYTES));
	frame(&where, FRAME_PDU, pdu);
	good = read_body(c, &tx->arena, kept, &where);
	if (!good)
		tx->anomalies |= UINT64_C(1) << INVALID_PDU;
	app_tx_advance(tx, dir, 1);
	if (dir == APP_TO_CLIENT)
		app_tx_advance(tx, APP_TO_SERVER, 1);
	return true;
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	size_t used = 0;

	(void)eof;
	while (input.len - used >= HEADER_BYTES) {
		struct slice rest = slice_from(input, used);
		size_t n = HEADER_BYTES + ((size_t)rest.ptr[3] << 8 | rest.ptr[2]);

		if (rest.len < n)
			break;
		if (!take_pdu(f, dir, slice_part(rest, 0, n), input.ptr))
			return (struct app_result){APP_STUCK, used};
		used += n;
	}
	if (f->transport == APP_UDP)
		used = input.len;
	return (struct app_result){APP_OK, used};
}

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	struct cursor c = cursor_of(in);
	uint16_t cmd = cursor_le16(&c), length = cursor_le16(&c);
	uint32_t options, status;

	(void)dir;
	(void)cursor_le32(&c);
	status = cursor_le32(&c);
	(void)cursor_le64(&c);
	options = cursor_le32(&c);
	if (!port_hint)
		return APP_NO;
	if (!cursor_ok(&c))
		return f->transport == APP_UDP ? APP_NO : APP_NEED_MORE;
	if (app_word_name(app_enip_commands, cmd) == NULL ||
	    app_word_name(app_enip_statuses, status) == NULL)
		return APP_NO;
	if ((cmd == CMD_NOP && options != 0) || (cmd == CMD_REGISTER && length != 4) ||
	    (cmd == CMD_UNREGISTER && length != 4 && length != 0))
		return APP_NO;
	return APP_YES;
}

/* --- what it says --- */

static void json_name(struct json *j, const char *key, const struct app_word *words, uint64_t v)
{
	const char *name = app_word_name(words, v);

	json_key(j, key);
	if (name != NULL)
		json_z(j, name);
	else
		json_str(j, buf_text(j->out->arena, "unknown-%llu", (unsigned long long)v));
}

static void log_path(struct json *j, const struct cip *m)
{
	static const struct app_word kinds[] = {
		{"class", 0x20},     {"instance", 0x24},
		{"member", 0x28},    {"connection_point", 0x2c},
		{"attribute", 0x30}, {0},
	};
	const struct segment *class = path_find(m, 0x20);

	json_key(j, "path");
	json_array(j);
	for (size_t i = 0; i < m->path_count; i++) {
		json_object(j);
		json_name(j, "segment_type", kinds, m->path[i].type & 0xfc);
		json_member_u64(j, "value", m->path[i].value);
		json_end(j);
	}
	json_end(j);
	if (class != NULL)
		json_name(j, "class_name", app_enip_classes, class->value);
}

static void log_message(struct json *j, const struct cip *m)
{
	json_name(j, "service", app_enip_services, m->service);
	if (m->response) {
		json_name(j, "status", app_enip_cip_statuses, m->status);
		if (m->extended.len == 2)
			json_name(j, "status_extended_meaning", app_enip_extended_statuses,
				  (uint64_t)m->extended.ptr[1] << 8 | m->extended.ptr[0]);
	} else if (m->path_count != 0) {
		log_path(j, m);
	}
	if (m->packed_count == 0)
		return;
	json_key(j, "multiple");
	json_array(j);
	for (size_t i = 0; i < m->packed_count; i++) {
		json_object(j);
		log_message(j, &m->packed[i]);
		json_end(j);
	}
	json_end(j);
}

static void log_identity(struct json *j, const struct enip_side *s)
{
	json_key(j, "identity");
	json_object(j);
	json_member_u64(j, "protocol_version", s->protocol_version);
	json_key(j, "revision");
	json_str(j, buf_text(j->out->arena, "%u.%u", (unsigned)(s->revision & 255),
			     (unsigned)(s->revision >> 8)));
	json_name(j, "vendor_id", app_enip_vendors, s->vendor);
	json_name(j, "device_type", app_enip_devices, s->device_type);
	json_member_u64(j, "product_code", s->product_code);
	json_member_u64(j, "status", s->identity_status);
	json_member_u64(j, "serial", s->serial);
	json_key(j, "product_name");
	json_str(j, s->product);
	json_member_u64(j, "state", s->state);
	json_end(j);
}

static void log_side(struct json *j, const char *key, const struct enip_side *s)
{
	if (!s->seen)
		return;
	json_key(j, key);
	json_object(j);
	json_name(j, "command", app_enip_commands, s->cmd);
	json_name(j, "status", app_enip_statuses, s->status);
	if (s->options != 0)
		json_member_u64(j, "options", s->options);
	if (s->has_register) {
		json_key(j, "register_session");
		json_object(j);
		json_member_u64(j, "protocol_version", s->protocol_version);
		json_member_u64(j, "options", s->register_options);
		json_end(j);
	} else if (s->has_services) {
		json_key(j, "list_services");
		json_object(j);
		json_member_u64(j, "protocol_version", s->protocol_version);
		json_member_u64(j, "capabilities", s->capabilities);
		json_key(j, "service_name");
		json_str(j, s->service_name);
		json_end(j);
	} else if (s->has_identity) {
		log_identity(j, s);
	} else if (s->has_cip) {
		json_key(j, "cip");
		json_object(j);
		log_message(j, &s->cip);
		json_end(j);
	}
	json_end(j);
}

static bool log_enip(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	struct buf text = buf_in(scratch);
	struct json j = json_in(&text);

	if (n != 0)
		return false;
	json_object(&j);
	log_side(&j, "request", side_of(tx, APP_TO_SERVER));
	log_side(&j, "response", side_of(tx, APP_TO_CLIENT));
	json_end(&j);
	return !text.full && record_object(r, scratch, "enip", buf_slice(&text));
}

/* --- what rules compare --- */

#define NONE ((struct slice){NULL, 0})
#define NUMBER(name, member, there)                                                                \
	static struct slice name(struct app_tx *tx, enum app_dir dir, unsigned n)                  \
	{                                                                                          \
		const struct enip_side *s = side_of(tx, dir);                                      \
                                                                                                   \
		return n == 0 && (there) ? app_number(&s->member) : NONE;                          \
	}
#define NUMBERS(name, member)                                                                      \
	static struct slice name(struct app_tx *tx, enum app_dir dir, unsigned n)                  \
	{                                                                                          \
		const struct numbers *v = &side_of(tx, dir)->member;                               \
                                                                                                   \
		if (n != 0 || v->count == 0)                                                       \
			return NONE;                                                               \
		return (struct slice){(const uint8_t *)v->v, v->count * sizeof *v->v};             \
	}
#define TEXT(name, member)                                                                         \
	static struct slice name(struct app_tx *tx, enum app_dir dir, unsigned n)                  \
	{                                                                                          \
		return n == 0 ? side_of(tx, dir)->member : NONE;                                   \
	}

NUMBER(get_command, cmd, s->seen)
NUMBER(get_status, status, s->seen)
NUMBER(get_version, protocol_version, s->has_register || s->has_identity || s->has_services)
NUMBER(get_capabilities, capabilities, s->has_services)
NUMBER(get_revision, revision, s->has_identity)
NUMBER(get_identity_status, identity_status, s->has_identity)
NUMBER(get_state, state, s->has_identity)
NUMBER(get_serial, serial, s->has_identity)
NUMBER(get_product_code, product_code, s->has_identity)
NUMBER(get_device_type, device_type, s->has_identity)
NUMBER(get_vendor, vendor, s->has_identity)
NUMBERS(get_attributes, attributes)
NUMBERS(get_instances, instances)
NUMBERS(get_classes, classes)
NUMBERS(get_cip_statuses, cip_statuses)
NUMBERS(get_extended, extended_statuses)
NUMBERS(get_triples, triples)
TEXT(get_product, product)
TEXT(get_service, service_name)

#define ROW(name, get, doc, ...)                                                                   \
	{                                                                                          \
		(name), 3, 0, false, false, (get), (doc), APP_NUMBERS, __VA_ARGS__                 \
	}

static const struct app_field fields[] = {
	ROW("enip_command", get_command, "The command of the encapsulation header.",
	    app_enip_commands),
	ROW("enip.status", get_status, "The status of the encapsulation header.",
	    app_enip_statuses),
	ROW("enip.protocol_version", get_version,
	    "The protocol version of a session, an identity or a service.", NULL),
	ROW("enip.cip_attribute", get_attributes, "Attributes that CIP requests name.", NULL),
	ROW("enip.cip_instance", get_instances, "Instances that CIP requests name.", NULL),
	ROW("enip.cip_class", get_classes, "Classes that CIP requests name.", NULL),
	ROW("enip.cip_status", get_cip_statuses, "General statuses of CIP responses.", NULL),
	ROW("enip.cip_extendedstatus", get_extended, "Extended statuses of CIP responses.", NULL),
	ROW("enip.revision", get_revision, "The revision of an identity.", NULL),
	ROW("enip.identity_status", get_identity_status, "The status of an identity.", NULL),
	ROW("enip.state", get_state, "The state of an identity.", NULL),
	ROW("enip.serial", get_serial, "The serial number of an identity.", NULL),
	ROW("enip.product_code", get_product_code, "The product code of an identity.", NULL),
	ROW("enip.device_type", get_device_type, "The device type of an identity.", NULL),
	ROW("enip.vendor_id", get_vendor, "The vendor of an identity.", NULL),
	ROW("enip.capabilities", get_capabilities, "The capabilities of a service.", NULL),
	{"enip.product_name", 3, 0, false, false, get_product, "The product name of an identity."},
	{"enip.service_name", 3, 0, false, false, get_service, "The name of a service."},
	{"enip.cip", 3, 0, false, false, get_triples,
	 "What cip_service compares: service, class and attribute of each CIP message, 8 bytes "
	 "each."},
	{0},
};

static const char *const frames[] = {
	[FRAME_HDR] = "hdr", [FRAME_DATA] = "data",	 [FRAME_PDU] = "pdu",
	[FRAME_CIP] = "cip", [FRAME_ITEM] = "enip.item", NULL,
};

static const char *const anomalies[] = {
	[TOO_MANY] = "too_many_transactions",
	[INVALID_PDU] = "invalid_pdu",
	NULL,
};

/* Where a header may start again is not known. */
static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	(void)f;
	(void)dir;
	(void)missing;
	return false;
}

static const uint16_t ports[] = {44818, 2222, 0};

APP_PROTOCOL(enip) = {
	.name = "enip",
	.spec = "CIP Networks Library vol. 1, vol. 2",
	.transports = APP_TCP | APP_UDP,
	.ports = ports,
	.fields = fields,
	.anomalies = anomalies,
	.frames = frames,
	.complete = {1, 1},
	.probe = probe,
	.parse = parse,
	.gap = gap,
	.log = log_enip,
};
