/* SPDX-License-Identifier: Apache-2.0
 *
 * WebSocket: RFC 6455 5 (framing), RFC 7692 7.2 (compressed messages). A flow becomes one by an
 * upgrade of HTTP, so nothing is probed.
 *
 * Each frame is a transaction. The last frame of a message has the message's whole payload,
 * unmasked, joined and inflated; control frames may stand between its frames (5.4).
 */
#include "base/cursor.h"
#include "base/json.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "sensor/app/http_priv.h"
#include "sensor/config/config.h"

enum {
	BIT_FIN = 0x80,
	BIT_COMPRESSED = 0x40,
	BIT_MASKED = 0x80,
	OPCODE_BITS = 0x0f,
	OPCODE_CONTROL = 0x08,
	LENGTH_BITS = 0x7f,
	LENGTH_16 = 126,
	LENGTH_64 = 127,
	PAYLOAD_MAX = 0xffff,	  /* Suricata's default */
	PAYLOAD_ROOM = 512 << 10, /* whatever the configuration says */
	INFLATED_MAX = 1 << 20,
};

#define ANOMALIES(X)                                                                               \
	X(SKIPPED, skip_end_of_payload)                                                            \
	X(LONG, reassembly_limit_reached)

enum anomaly {
#define X(id, name) ANOMALY_##id,
	ANOMALIES(X)
#undef X
};

enum { FRAME_HEADER, FRAME_PDU, FRAME_DATA };

struct websocket_setup {
	uint64_t payload_most;
};

struct websocket_asked {
	bool base64, text;
};

struct websocket {
	struct websocket_side {
		struct buf joined; /* the frames of a message so far; in the flow's arena */
		bool open, compressed;
		uint64_t skip; /* bytes of a payload that is too long */
	} side[2];
};

struct frame_tx {
	enum app_dir dir;
	bool fin, masked;
	uint64_t flags, opcode, mask;
	struct slice payload; /* set, perhaps empty */
};

static void unmask(uint8_t *p, size_t n, uint32_t mask)
{
	for (size_t i = 0; i < n; i++)
		p[i] ^= (uint8_t)(mask >> (24 - 8 * (i & 3)));
}

/* RFC 7692 7.2.2: the four bytes that the sender left out end the last block. */
static struct slice inflated(struct app_tx *tx, struct slice payload)
{
	static const uint8_t tail[] = {0, 0, 0xff, 0xff};
	struct http_layer l = {.coding = HTTP_DEFLATE};
	struct slice parts[2] = {payload, {tail, sizeof tail}};
	struct buf out = buf_in(&tx->arena);
	uint8_t room[4096];

	out.most = INFLATED_MAX;
	if (!app_http_unpack_open(&l, NULL, &tx->arena))
		return payload;
	for (size_t i = 0; i < 2; i++) {
		enum http_unpacked r;

		do {
			size_t made = sizeof room;

			r = app_http_unpack(&l, &parts[i], room, &made);
			buf_add(&out, (struct slice){room, made});
		} while (r == HTTP_UNPACK_ON && !out.full);
		if (r != HTTP_UNPACK_MORE || out.full)
			break;
	}
	return out.len != 0 ? buf_slice(&out) : payload;
}

/* Adds a frame's payload to its message; the last one gets it all. */
static void join(struct app_flow *f, enum app_dir dir, struct app_tx *tx)
{
	const struct websocket_setup *setup = f->own;
	struct websocket_side *s = &((struct websocket *)f->parser)->side[dir];
	struct frame_tx *x = tx->data;
	size_t room;

	if ((x->opcode & OPCODE_CONTROL) != 0)
		return;
	if (!s->open) {
		s->open = true;
		s->compressed = (x->flags & BIT_COMPRESSED) != 0;
		s->joined.arena = f->arena;
		s->joined.len = 0;
	}
	if (!x->fin || s->joined.len != 0) {
		room = setup->payload_most > s->joined.len ? setup->payload_most - s->joined.len
							   : 0;
		if (x->payload.len > room)
			tx->anomalies |= 1u << ANOMALY_LONG;
		buf_add(&s->joined, slice_part(x->payload, 0, room));
	}
	if (!x->fin)
		return;
	if (s->joined.len != 0)
		x->payload = arena_copy(&tx->arena, buf_slice(&s->joined));
	if (s->compressed)
		x->payload = inflated(tx, x->payload);
	s->open = false;
	s->joined.len = 0;
}

enum step { STEP_ON, STEP_MORE, STEP_STUCK };

static enum step step(struct app_flow *f, enum app_dir dir, struct cursor *c, size_t at)
{
	const struct websocket_setup *setup = f->own;
	struct websocket_side *s = &((struct websocket *)f->parser)->side[dir];
	struct cursor look = *c;
	struct frame_tx *x;
	struct app_tx *tx;
	uint8_t first = cursor_u8(&look), second = cursor_u8(&look), *copy;
	uint64_t length = second & LENGTH_BITS, kept;
	uint32_t mask = 0;
	size_t head;

	if (length == LENGTH_16)
		length = cursor_be16(&look);
	else if (length == LENGTH_64)
		length = cursor_be64(&look);
	if ((second & BIT_MASKED) != 0)
		mask = cursor_be32(&look);
	if (!cursor_ok(&look))
		return STEP_MORE;
	head = cursor_left(c) - cursor_left(&look);
	kept = length < setup->payload_most ? length : setup->payload_most;
	if (cursor_left(&look) < kept)
		return STEP_MORE;
	tx = app_tx_new(f, sizeof *x);
	copy = tx != NULL ? ARENA_ARRAY(&tx->arena, uint8_t, kept + 1) : NULL;
	if (copy == NULL)
		return STEP_STUCK;
	tx->dirs = (uint8_t)(1u << dir);
	x = tx->data;
	*x = (struct frame_tx){.dir = dir,
			       .fin = (first & BIT_FIN) != 0,
			       .masked = (second & BIT_MASKED) != 0,
			       .flags = first & 0xf0u,
			       .opcode = first & OPCODE_BITS,
			       .mask = mask,
			       .payload = {copy, (size_t)kept}};
	if (kept != 0)
		memcpy(copy, cursor_take(&look, (size_t)kept).ptr, (size_t)kept);
	if (x->masked)
		unmask(copy, (size_t)kept, mask);
	s->skip = length - kept;
	if (s->skip != 0)
		tx->anomalies |= 1u << ANOMALY_SKIPPED;
	(void)app_frame_open(f, dir, FRAME_HEADER, at, (int64_t)head, tx);
	(void)app_frame_open(f, dir, FRAME_PDU, at, (int64_t)(head + kept), tx);
	(void)app_frame_open(f, dir, FRAME_DATA, at + (size_t)head, (int64_t)kept, tx);
	join(f, dir, tx);
	app_tx_advance(tx, APP_TO_SERVER, 1);
	app_tx_advance(tx, APP_TO_CLIENT, 1);
	*c = look;
	return STEP_ON;
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct websocket_side *s = &((struct websocket *)f->parser)->side[dir];
	struct cursor c = cursor_of(input);
	enum step r = STEP_ON;

	while (r == STEP_ON && cursor_left(&c) != 0) {
		size_t n = cursor_left(&c) < s->skip ? cursor_left(&c) : (size_t)s->skip;

		(void)cursor_take(&c, n);
		s->skip -= n;
		if (n == 0)
			r = step(f, dir, &c, input.len - cursor_left(&c));
	}
	(void)eof; /* what is cut off is no frame */
	return (struct app_result){r == STEP_STUCK ? APP_STUCK : APP_OK,
				   input.len - cursor_left(&c)};
}

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	(void)f;
	(void)dir;
	(void)in;
	(void)port_hint;
	return APP_NO; /* HTTP hands its flows over by name */
}

/* --- rules and the event --- */

static struct slice get_payload(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct frame_tx *x = tx->data;

	return n == 0 && x->dir == dir ? x->payload : (struct slice){NULL, 0};
}

static struct slice get_opcode(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct frame_tx *x = tx->data;

	return n == 0 && x->dir == dir ? app_number(&x->opcode) : (struct slice){NULL, 0};
}

static struct slice get_flags(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct frame_tx *x = tx->data;

	return n == 0 && x->dir == dir ? app_number(&x->flags) : (struct slice){NULL, 0};
}

static struct slice get_mask(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct frame_tx *x = tx->data;

	return n == 0 && x->dir == dir && x->masked ? app_number(&x->mask)
						    : (struct slice){NULL, 0};
}

static const struct app_word opcodes[] = {
	{"continuation", 0}, {"text", 1},  {"binary", 2}, {"connection_close", 8},
	{"ping", 9},	     {"pong", 10}, {NULL, 0},
};
static const struct app_word flags[] = {{"fin", BIT_FIN}, {"comp", BIT_COMPRESSED}, {NULL, 0}};

static const struct app_field fields[] = {
	{"websocket.payload", 3, 0, false, false, get_payload,
	 "The payload of a frame, of the last one the whole message."},
	{"websocket.opcode", 3, 0, false, false, get_opcode, "The opcode of a frame.", APP_NUMBERS,
	 opcodes},
	{"websocket.flags", 3, 0, false, false, get_flags, "FIN and the reserved bits.", APP_FLAGS,
	 flags},
	{"websocket.mask", 3, 0, false, false, get_mask, "The key of a masked frame.", APP_NUMBERS,
	 NULL},
	{0},
};

static void write_opcode(struct json *j, uint64_t opcode)
{
	const char *name = app_word_name(opcodes, opcode);

	json_key(j, "opcode");
	if (name != NULL) {
		json_z(j, name);
	} else {
		char text[] = "unknown-00";
		size_t n = strlen("unknown-");

		if (opcode >= 10)
			text[n++] = '1';
		text[n++] = (char)('0' + opcode % 10);
		json_str(j, (struct slice){(const uint8_t *)text, n});
	}
}

static bool log_frame(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct websocket_asked *asked = r->making.asked;
	const struct frame_tx *x = tx->data;
	struct buf out = buf_in(scratch), coded = buf_in(scratch);
	struct json j = json_in(&out);

	if (n != 0)
		return false;
	r->making.of_packet = true;
	json_object(&j);
	json_key(&j, "fin");
	json_bool(&j, x->fin);
	if (x->masked) {
		json_key(&j, "mask");
		json_u64(&j, x->mask);
	}
	write_opcode(&j, x->opcode);
	if (asked != NULL && asked->text) {
		json_key(&j, "payload_printable");
		json_str(&j, x->payload);
	}
	if (asked != NULL && asked->base64) {
		crypto_base64_add(CRYPTO_BASE64, x->payload, &coded);
		json_key(&j, "payload_base64");
		json_str(&j, buf_slice(&coded));
	}
	json_end(&j);
	return !out.full && record_object(r, scratch, "websocket", buf_slice(&out));
}

static const void *log_configure(struct config *root, struct config *node, struct arena *a)
{
	struct websocket_asked *asked = ARENA_NEW(a, struct websocket_asked);

	(void)root;
	if (asked == NULL)
		return NULL;
	asked->base64 = config_bool(node, "payload-base64", false);
	asked->text = config_bool(node, "payload-printable", false);
	return asked;
}

static const void *configure(struct config *config, struct arena *a)
{
	struct websocket_setup *s = ARENA_NEW(a, struct websocket_setup);

	if (s == NULL)
		return NULL;
	s->payload_most =
		config_size(config, "app-layer.protocols.websocket.max-payload-size", PAYLOAD_MAX);
	if (s->payload_most > PAYLOAD_ROOM)
		s->payload_most = PAYLOAD_ROOM;
	return s;
}

static const char *const anomalies[] = {
#define X(id, name) #name,
	ANOMALIES(X)
#undef X
		NULL,
};

static const char *const frames[] = {
	[FRAME_HEADER] = "header", [FRAME_PDU] = "pdu", [FRAME_DATA] = "data", NULL};

APP_PROTOCOL(websocket) = {
	.name = "websocket",
	.spec = "RFC 6455, RFC 7692",
	.transports = APP_TCP,
	.fields = fields,
	.anomalies = anomalies,
	.frames = frames,
	.complete = {1, 1},
	.parser_bytes = sizeof(struct websocket),
	.probe = probe,
	.parse = parse,
	.log = log_frame,
	.log_configure = log_configure,
	.configure = configure,
};
