/* SPDX-License-Identifier: Apache-2.0
 *
 * RFB (VNC): the handshake of RFC 6143 7.1 to 7.3, one transaction a connection. What follows it,
 * pictures and keystrokes, is not read. The two ends speak in turn; whoever speaks out of turn
 * confuses the reader, which says so and reads on where it was.
 */
#include "base/cursor.h"
#include "base/json.h"
#include "base/text.h"
#include "sensor/app/app.h"

enum {
	VERSION_BYTES = 12,
	SECRET_BYTES = 16,
	NAME_BYTES_MAX = 64 << 10, /* of a desktop, and of a reason to refuse */

	SECURITY_INVALID = 0,
	SECURITY_NONE = 1,
	SECURITY_VNC = 2,

	RESULT_OK = 0,
	RESULT_FAILED = 1,
	RESULT_TOO_MANY = 2,
	RESULT_UNKNOWN = 3, /* for rules */
};

enum { MALFORMED_MESSAGE, UNIMPLEMENTED_SECURITY_TYPE, UNKNOWN_SECURITY_RESULT, CONFUSED_STATE };

enum state { /* whose turn it is, and what comes */
	     SERVER_VERSION,
	     CLIENT_VERSION,
	     SERVER_SECURITY, /* 3.3: the server decides */
	     SERVER_SECURITIES,
	     CLIENT_SECURITY,
	     SERVER_CHALLENGE,
	     CLIENT_RESPONSE,
	     SERVER_RESULT,
	     SERVER_REASON,
	     CLIENT_INIT,
	     SERVER_INIT,
	     OVER, /* the handshake is, or cannot be followed */
};

struct version {
	bool there;
	struct slice major, minor; /* three digits each */
};

struct rfb_tx {
	struct version server, client;
	bool has_security, has_result, has_init, has_shared, shared;
	uint64_t security, result, outcome; /* outcome: the result as `results` below has it */
	struct slice challenge, response, reason, name;
	uint16_t width, height;
	uint8_t bits, depth;
	bool big_endian, true_color;
	uint16_t most[3]; /* red, green, blue */
	uint8_t shift[3];
};

struct rfb {
	enum state state;
	bool reason_follows; /* 3.8 says why */
	bool result_follows; /* 3.8 sends a result though there was nothing to prove */
};

static bool is_servers(enum state s)
{
	return s == SERVER_VERSION || s == SERVER_SECURITY || s == SERVER_SECURITIES ||
	       s == SERVER_CHALLENGE || s == SERVER_RESULT || s == SERVER_REASON ||
	       s == SERVER_INIT;
}

static void say(struct app_tx *tx, unsigned anomaly)
{
	tx->anomalies |= UINT64_C(1) << anomaly;
}

static void over(struct app_tx *tx, struct rfb *q)
{
	q->state = OVER;
	app_tx_advance(tx, APP_TO_SERVER, 1);
	app_tx_advance(tx, APP_TO_CLIENT, 1);
}

/* ---- messages: each reads one from c, and says what comes next ---- */

static bool version(struct app_tx *tx, struct cursor *c, struct version *out)
{
	struct slice s = cursor_take(c, VERSION_BYTES);

	if (!cursor_ok(c) || !slice_starts(s, SLICE("RFB ")))
		return false;
	out->there = true;
	out->major = arena_copy(&tx->arena, slice_part(s, 4, 3));
	out->minor = arena_copy(&tx->arena, slice_part(s, 8, 3));
	return true;
}

static void security(struct app_tx *tx, struct rfb *q, uint32_t type)
{
	struct rfb_tx *m = tx->data;

	m->has_security = true;
	m->security = type;
	switch (type) {
	case SECURITY_INVALID:
		q->state = SERVER_REASON;
		break;
	case SECURITY_NONE:
		q->state = q->result_follows ? SERVER_RESULT : CLIENT_INIT;
		break;
	case SECURITY_VNC:
		q->state = SERVER_CHALLENGE;
		break;
	default:
		say(tx, UNIMPLEMENTED_SECURITY_TYPE);
		over(tx, q);
		break;
	}
}

static void result(struct app_tx *tx, struct rfb *q, uint32_t value)
{
	struct rfb_tx *m = tx->data;

	m->has_result = true;
	m->result = value;
	m->outcome = value <= RESULT_TOO_MANY ? value : RESULT_UNKNOWN;
	if (value == RESULT_OK) {
		q->state = CLIENT_INIT;
	} else if (value == RESULT_FAILED && q->reason_follows) {
		q->state = SERVER_REASON;
	} else {
		if (value > RESULT_TOO_MANY)
			say(tx, UNKNOWN_SECURITY_RESULT);
		over(tx, q);
	}
}

static struct slice long_text(struct app_tx *tx, struct cursor *c, bool *too_long)
{
	uint32_t n = cursor_be32(c);

	*too_long = n > NAME_BYTES_MAX;
	return *too_long ? (struct slice){NULL, 0} : arena_copy(&tx->arena, cursor_take(c, n));
}

static bool server_init(struct app_tx *tx, struct cursor *c)
{
	struct rfb_tx *m = tx->data;
	bool too_long;

	m->width = cursor_be16(c);
	m->height = cursor_be16(c);
	m->bits = cursor_u8(c);
	m->depth = cursor_u8(c);
	m->big_endian = cursor_u8(c) != 0;
	m->true_color = cursor_u8(c) != 0;
	for (unsigned i = 0; i < 3; i++)
		m->most[i] = cursor_be16(c);
	for (unsigned i = 0; i < 3; i++)
		m->shift[i] = cursor_u8(c);
	(void)cursor_take(c, 3); /* padding */
	m->name = long_text(tx, c, &too_long);
	m->has_init = cursor_ok(c);
	return !too_long;
}

/* One message in the state that q is in. False: it is malformed; not cursor_ok(): it is not all
 * there, and nothing was changed that reading it again would not set again. */
static bool message(struct app_tx *tx, struct rfb *q, struct cursor *c)
{
	struct rfb_tx *m = tx->data;
	bool good = true, old;
	uint32_t v;

	switch (q->state) {
	case SERVER_VERSION:
		good = version(tx, c, &m->server);
		q->state = good ? CLIENT_VERSION : q->state;
		break;
	case CLIENT_VERSION:
		good = version(tx, c, &m->client);
		if (!good)
			break;
		old = slice_equal(m->client.minor, SLICE("003"));
		q->reason_follows = q->result_follows = slice_equal(m->client.minor, SLICE("008"));
		q->state = old ? SERVER_SECURITY : SERVER_SECURITIES;
		break;
	case SERVER_SECURITY:
		v = cursor_be32(c);
		if (cursor_ok(c))
			security(tx, q, v);
		break;
	case SERVER_SECURITIES:
		v = cursor_u8(c);
		(void)cursor_take(c, v);
		if (cursor_ok(c))
			q->state = v == 0 ? SERVER_REASON : CLIENT_SECURITY;
		break;
	case CLIENT_SECURITY:
		security(tx, q, cursor_u8(c));
		break;
	case SERVER_CHALLENGE:
		m->challenge = arena_copy(&tx->arena, cursor_take(c, SECRET_BYTES));
		if (cursor_ok(c))
			q->state = CLIENT_RESPONSE;
		break;
	case CLIENT_RESPONSE:
		m->response = arena_copy(&tx->arena, cursor_take(c, SECRET_BYTES));
		if (cursor_ok(c))
			q->state = SERVER_RESULT;
		break;
	case SERVER_RESULT:
		v = cursor_be32(c);
		if (cursor_ok(c))
			result(tx, q, v);
		break;
	case SERVER_REASON:
		m->reason = long_text(tx, c, &old);
		good = !old;
		if (cursor_ok(c))
			over(tx, q);
		break;
	case CLIENT_INIT:
		m->shared = cursor_u8(c) != 0;
		m->has_shared = true;
		q->state = SERVER_INIT;
		break;
	case SERVER_INIT:
		good = server_init(tx, c);
		if (cursor_ok(c))
			over(tx, q);
		break;
	case OVER:
		break;
	}
	return good || !cursor_ok(c);
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct rfb *q = f->parser;
	struct app_tx *tx = f->first;
	size_t used = 0;

	(void)eof;
	if (q->state == OVER)
		return (struct app_result){APP_OK, input.len};
	if (tx == NULL)
		tx = app_tx_new(f, sizeof(struct rfb_tx));
	if (tx == NULL)
		return (struct app_result){APP_STUCK, 0};
	while (used < input.len && q->state != OVER) {
		struct cursor c = cursor_of(slice_from(input, used));
		size_t before = cursor_left(&c), n;

		if (is_servers(q->state) != (dir == APP_TO_CLIENT)) {
			say(tx, CONFUSED_STATE);
			return (struct app_result){APP_OK, input.len};
		}
		if (!message(tx, q, &c)) {
			say(tx, MALFORMED_MESSAGE);
			over(tx, q);
			break;
		}
		if (!cursor_ok(&c))
			return (struct app_result){APP_OK, used};
		n = before - cursor_left(&c);
		(void)app_frame_open(f, dir, 0, used, (int64_t)n, tx);
		used += n;
	}
	return (struct app_result){APP_OK, input.len};
}

/* Behind a hole nobody's turn is known. */
static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	struct rfb *q = f->parser;

	(void)dir;
	(void)missing;
	return q != NULL && q->state == OVER;
}

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	static const char form[] = "RFB ddd.ddd\n"; /* d: a digit */

	(void)f;
	(void)dir;
	(void)port_hint;
	for (size_t i = 0; i < sizeof form - 1; i++) {
		if (i == in.len)
			return APP_NEED_MORE;
		if (form[i] == 'd' ? !text_is_digit(in.ptr[i]) : in.ptr[i] != (uint8_t)form[i])
			return APP_NO;
	}
	return APP_YES;
}

/* ---- the event ---- */

static void number(struct json *j, const char *key, uint64_t v)
{
	json_key(j, key);
	json_u64(j, v);
}

static void flag(struct json *j, const char *key, bool v)
{
	json_key(j, key);
	json_bool(j, v);
}

static void text(struct json *j, const char *key, struct slice s)
{
	json_key(j, key);
	json_str(j, s);
}

static void hex(struct json *j, const char *key, struct slice s)
{
	struct buf out = buf_in(j->out->arena);

	if (s.len == 0)
		return;
	for (size_t i = 0; i < s.len; i++)
		buf_add_fmt(&out, "%02x", s.ptr[i]);
	text(j, key, buf_slice(&out));
}

static void log_version(struct json *j, const char *key, const struct version *v)
{
	if (!v->there)
		return;
	json_key(j, key);
	json_object(j);
	text(j, "major", v->major);
	text(j, "minor", v->minor);
	json_end(j);
}

static void log_authentication(struct json *j, const struct rfb_tx *m)
{
	json_key(j, "authentication");
	json_object(j);
	if (m->has_security)
		number(j, "security_type", m->security);
	if (m->has_security && m->security == SECURITY_VNC) {
		json_key(j, "vnc");
		json_object(j);
		hex(j, "challenge", m->challenge);
		hex(j, "response", m->response);
		json_end(j);
	}
	if (m->has_result && m->result == RESULT_OK)
		text(j, "security_result", SLICE("OK"));
	else if (m->has_result && m->result == RESULT_FAILED)
		text(j, "security_result", SLICE("FAIL"));
	else if (m->has_result && m->result == RESULT_TOO_MANY)
		text(j, "security_result", SLICE("TOOMANY"));
	else if (m->has_result)
		text(j, "security_result",
		     buf_text(j->out->arena, "UNKNOWN (%u)", (unsigned)m->result));
	json_end(j);
}

static void log_framebuffer(struct json *j, const struct rfb_tx *m)
{
	json_key(j, "framebuffer");
	json_object(j);
	number(j, "width", m->width);
	number(j, "height", m->height);
	text(j, "name", m->name);
	json_key(j, "pixel_format");
	json_object(j);
	number(j, "bits_per_pixel", m->bits);
	number(j, "depth", m->depth);
	flag(j, "big_endian", m->big_endian);
	flag(j, "true_color", m->true_color);
	number(j, "red_max", m->most[0]);
	number(j, "green_max", m->most[1]);
	number(j, "blue_max", m->most[2]);
	number(j, "red_shift", m->shift[0]);
	number(j, "green_shift", m->shift[1]);
	number(j, "blue_shift", m->shift[2]);
	json_end(j);
	json_end(j);
}

static bool log_rfb(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct rfb_tx *m = tx->data;
	struct buf out = buf_in(scratch);
	struct json j = json_in(&out);

	if (n != 0)
		return false;
	json_object(&j);
	log_version(&j, "server_protocol_version", &m->server);
	log_version(&j, "client_protocol_version", &m->client);
	log_authentication(&j, m);
	if (m->reason.ptr != NULL)
		text(&j, "server_security_failure_reason", m->reason);
	if (m->has_shared)
		flag(&j, "screen_shared", m->shared);
	if (m->has_init)
		log_framebuffer(&j, m);
	json_end(&j);
	return !out.full && record_object(r, scratch, "rfb", buf_slice(&out));
}

/* ---- rules ---- */

static struct slice get_name(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct rfb_tx *m = tx->data;

	(void)dir;
	return n == 0 && m->name.len != 0 ? m->name : (struct slice){NULL, 0};
}

static struct slice get_security(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct rfb_tx *m = tx->data;

	(void)dir;
	return n == 0 && m->has_security ? app_number(&m->security) : (struct slice){NULL, 0};
}

static struct slice get_result(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct rfb_tx *m = tx->data;

	(void)dir;
	return n == 0 && m->has_result ? app_number(&m->outcome) : (struct slice){NULL, 0};
}

static const struct app_word results[] = {{"ok", RESULT_OK},
					  {"fail", RESULT_FAILED},
					  {"toomany", RESULT_TOO_MANY},
					  {"unknown", RESULT_UNKNOWN},
					  {0}};

static const struct app_field fields[] = {
	{"rfb.name", 2, 0, false, false, get_name, "The desktop's name."},
	{"rfb.sectype", 1, 0, false, false, get_security, "The security type that was chosen.",
	 APP_NUMBERS},
	{"rfb.secresult", 2, 0, false, false, get_result, "The result of the authentication.",
	 APP_NUMBERS, results},
	{0},
};

static const char *const anomalies[] = {
	[MALFORMED_MESSAGE] = "malformed_message",
	[UNIMPLEMENTED_SECURITY_TYPE] = "unimplemented_security_type",
	[UNKNOWN_SECURITY_RESULT] = "unknown_security_result",
	[CONFUSED_STATE] = "confused_state",
	NULL,
};

static const char *const frames[] = {"pdu", NULL};

APP_PROTOCOL(rfb) = {
	.name = "rfb",
	.spec = "RFC 6143",
	.transports = APP_TCP,
	.fields = fields,
	.anomalies = anomalies,
	.frames = frames,
	.complete = {1, 1},
	.parser_bytes = sizeof(struct rfb),
	.probe = probe,
	.parse = parse,
	.gap = gap,
	.log = log_rfb,
};
