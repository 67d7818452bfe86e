/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS up to the point where it is encrypted: RFC 8446 5.1 (records), 4 (handshake), RFC 5246 7.4
 * (the certificates that 1.2 still sends in the clear), RFC 6101 (SSLv3), RFC 6520 (heartbeat), and
 * the hello of SSLv2. A connection is one transaction.
 *
 *	HEADER -> FRAGMENT (handshake, encrypted data) -> HEADER
 *	HEADER -> WHOLE (alert, change of cipher, heartbeat) -> HEADER
 *
 * Invariants:
 *  1. A handshake message may span records and records may span segments: message[dir] holds the
 *     bytes of the message not yet whole.
 *  2. Once a direction is TLS_DONE its handshake records are ciphertext and not read.
 *  3. `tx` is NULL as soon as both directions are done, for then it may be swept.
 */
#include "sensor/app/tls_priv.h"

enum record_type {
	TYPE_CHANGE_CIPHER = 20,
	TYPE_ALERT,
	TYPE_HANDSHAKE,
	TYPE_DATA,
	TYPE_HEARTBEAT,
};

enum {
	RECORD_HEADER = 5,
	RECORD_MAX = (1 << 14) + 2048, /* RFC 5246 6.2.3: ciphertext */
	HANDSHAKE_HEADER = 4,
	HEARTBEAT_PADDING = 16, /* RFC 6520 4: at least */
	SSLV2_CLIENT_HELLO = 1,
	SSLV2_SERVER_HELLO = 4,
};

enum {
	FRAME_PDU,
	FRAME_HDR,
	FRAME_DATA,
	FRAME_ALERT,
	FRAME_HEARTBEAT,
	FRAME_SSL2_HDR,
	FRAME_SSL2_PDU,
	SSLV2_HEADER = 2, /* bytes, without padding */
};

enum {
	MESSAGE_CLIENT_HELLO = 1,
	MESSAGE_SERVER_HELLO = 2,
	MESSAGE_CERTIFICATE = 11,
	MESSAGE_HELLO_DONE = 14
};

struct tls {
	struct app_tx *tx;
	struct buf message[2];
	enum { STATE_HEADER, STATE_FRAGMENT, STATE_WHOLE } state[2];
	uint8_t type[2];
	size_t left[2]; /* of the record */
	size_t skip[2]; /* of it: what belongs to a message of a type that is none */
	bool seen[2];	/* a record came: SSLv2 is possible only before */
};

static bool is_done(const struct app_tx *tx, enum app_dir dir)
{
	return tx->progress[dir] >= TLS_DONE;
}

static bool read_certificates(struct app_tx *tx, enum app_dir dir, struct slice body)
{
	struct cursor c = cursor_of(body);
	struct cursor list = cursor_sub(&c, cursor_be(&c, 3));
	struct tls_side *side = tls_side(tx, dir);

	if (!cursor_ok(&list)) {
		tls_anomaly(tx, TLS_BAD_CERT_LENGTH);
		return false;
	}
	while (cursor_left(&list) != 0) {
		struct slice der = cursor_take(&list, cursor_be(&list, 3));

		if (!cursor_ok(&list)) {
			tls_anomaly(tx, TLS_BAD_CERT_LENGTH);
			break;
		}
		side->chain++;
		if (der.len == 0 || side->cert_count == TLS_CERTS_MAX)
			continue;
		der = arena_copy(&tx->arena, der);
		if (der.ptr == NULL)
			return true;
		side->certs[side->cert_count++] = der;
		if (side->cert == NULL)
			side->cert = app_tls_cert(tx, der);
	}
	app_tx_advance(tx, dir, TLS_CERTS);
	return true;
}

/* IANA's registry of handshake types, as far as TLS 1.2 and its forebears send them in the clear.
 */
static bool is_message(uint8_t type)
{
	return type <= 2 || type == 4 || (type >= 11 && type <= 16) || (type >= 20 && type <= 22);
}

static void read_message(struct app_tx *tx, enum app_dir dir, uint8_t type, struct slice body)
{
	bool ok = true;

	if (type < 64)
		tls_side(tx, dir)->messages |= UINT64_C(1) << type;
	if (type == MESSAGE_CLIENT_HELLO && dir == APP_TO_SERVER)
		ok = app_tls_client_hello(tx, body);
	else if (type == MESSAGE_SERVER_HELLO && dir == APP_TO_CLIENT)
		ok = app_tls_server_hello(tx, body);
	else if (type == MESSAGE_CERTIFICATE)
		ok = read_certificates(tx, dir, body);
	if (!ok)
		tls_anomaly(tx, TLS_BAD_HANDSHAKE);
	if (type <= MESSAGE_SERVER_HELLO && tls_side(tx, dir)->hello)
		app_tx_advance(tx, dir, TLS_HELLO);
}

/* Bytes of the message that m starts with, its header included; the header's alone until that is
 * whole. */
static size_t message_bytes(const struct buf *m)
{
	struct cursor c = cursor_of(buf_slice(m));
	size_t n;

	(void)cursor_u8(&c); /* type */
	n = (size_t)cursor_be(&c, 3);
	return HANDSHAKE_HEADER + (cursor_ok(&c) ? n : 0);
}

/* The header of a message is whole. One of no known type says nothing, whatever its length claims,
 * but what follows it in its record is lost. False: give up. */
static bool message_begins(struct tls *t, enum app_dir dir)
{
	struct buf *m = &t->message[dir];

	if (!is_message(m->ptr[0])) {
		tls_anomaly(t->tx, TLS_BAD_HANDSHAKE);
		t->skip[dir] = message_bytes(m) - HANDSHAKE_HEADER;
		m->len = 0;
	} else if (message_bytes(m) > HANDSHAKE_HEADER + TLS_HANDSHAKE_MAX) {
		tls_anomaly(t->tx, TLS_BAD_HANDSHAKE_LENGTH);
		return false;
	}
	return true;
}

/* Takes bytes of handshake records; reads every message that became whole. False: give up. */
static bool add_handshake(struct tls *t, enum app_dir dir, struct slice bytes)
{
	struct buf *m = &t->message[dir];

	while (bytes.len != 0) {
		size_t want = t->skip[dir] != 0 ? t->skip[dir] : message_bytes(m) - m->len;
		struct slice part = slice_part(bytes, 0, want);

		bytes = slice_from(bytes, part.len);
		if (t->skip[dir] != 0) {
			t->skip[dir] -= part.len;
			continue;
		}
		buf_add(m, part);
		if (m->full || (m->len == HANDSHAKE_HEADER && !message_begins(t, dir)))
			return false;
		if (m->len < HANDSHAKE_HEADER || m->len < message_bytes(m))
			continue;
		read_message(t->tx, dir, m->ptr[0], slice_from(buf_slice(m), HANDSHAKE_HEADER));
		m->len = 0;
	}
	return true;
}

static void read_heartbeat(struct app_tx *tx, struct slice record)
{
	struct cursor c = cursor_of(record);
	uint8_t type = cursor_u8(&c);
	size_t n = cursor_be16(&c);

	tls_anomaly(tx, TLS_BAD_HEARTBEAT);
	if (!cursor_ok(&c) || type < 1 || type > 2) {
		tls_anomaly(tx, TLS_BAD_HEARTBEAT_BAD);
		return;
	}
	if (n + HEARTBEAT_PADDING > cursor_left(&c))
		tls_anomaly(tx, TLS_BAD_HEARTBEAT_OVERFLOW);
}

static void read_whole(struct app_tx *tx, enum app_dir dir, uint8_t type, struct slice record)
{
	if (type == TYPE_CHANGE_CIPHER)
		app_tx_advance(tx, dir, TLS_DONE);
	else if (is_done(tx, dir))
		return;
	else if (type == TYPE_HEARTBEAT)
		read_heartbeat(tx, record);
	else if (record.len == 2 && record.ptr[0] == 2) /* fatal */
		tls_anomaly(tx, TLS_BAD_ALERT);
}

/* SSLv2 hellos: two bytes of length with the top bit set, a type, a version. */
static bool is_sslv2(struct slice in)
{
	if (in.len < 5 || (in.ptr[0] & 0x80) == 0)
		return false;
	return (in.ptr[2] == SSLV2_CLIENT_HELLO &&
		(in.ptr[3] == 3 || (in.ptr[3] == 0 && in.ptr[4] == 2))) ||
	       (in.ptr[2] == SSLV2_SERVER_HELLO && in.ptr[3] <= 1);
}

/* One SSLv2 record; false when more bytes are needed. */
static bool read_sslv2(struct tls *t, enum app_dir dir, struct cursor *c)
{
	struct cursor look = *c;
	size_t n = cursor_be16(&look) & 0x7fff;
	struct cursor body = cursor_sub(&look, n);
	struct tls_side *side = tls_side(t->tx, dir);

	if (!cursor_ok(&body))
		return false;
	*c = look;
	/* legacy_version stays 0: these have no fingerprints */
	if (cursor_u8(&body) == SSLV2_CLIENT_HELLO) {
		size_t ciphers, session, challenge;

		side->version = cursor_be16(&body);
		ciphers = cursor_be16(&body);
		session = cursor_be16(&body);
		challenge = cursor_be16(&body);
		(void)cursor_take(&body, ciphers + session + challenge);
		if (!cursor_ok(&body) || ciphers % 3 != 0)
			tls_anomaly(t->tx, TLS_BAD_SSLV2_HEADER);
	} else {
		(void)cursor_be16(&body); /* session hit, certificate type */
		side->version = cursor_be16(&body);
		app_tx_advance(t->tx, APP_TO_CLIENT, TLS_DONE); /* nothing follows that we read */
		app_tx_advance(t->tx, APP_TO_SERVER, TLS_DONE);
	}
	side->hello = side->sslv2 = true;
	app_tx_advance(t->tx, dir, TLS_HELLO);
	return true;
}

static enum tls_anomaly bad_header(uint8_t type, uint16_t version, size_t length)
{
	if (type < TYPE_CHANGE_CIPHER || type > TYPE_HEARTBEAT)
		return TLS_BAD_RECORD_TYPE;
	if (version >> 8 != 3 || (version & 0xff) > 4)
		return TLS_BAD_RECORD_VERSION;
	return length > RECORD_MAX ? TLS_BAD_RECORD_LENGTH : TLS_BAD_HEADER;
}

/* Of a record of TLS, whose header begins at `at` of the input. */
static void frames_open(struct app_flow *f, enum app_dir dir, size_t at, uint8_t type,
			size_t length)
{
	(void)app_frame_open(f, dir, FRAME_PDU, at, (int64_t)(RECORD_HEADER + length), NULL);
	(void)app_frame_open(f, dir, FRAME_HDR, at, RECORD_HEADER, NULL);
	at += RECORD_HEADER;
	(void)app_frame_open(f, dir, FRAME_DATA, at, (int64_t)length, NULL);
	if (type == TYPE_ALERT || type == TYPE_HEARTBEAT)
		(void)app_frame_open(f, dir, type == TYPE_ALERT ? FRAME_ALERT : FRAME_HEARTBEAT, at,
				     (int64_t)length, NULL);
}

/* False: not TLS any more. *out_more: the header is not whole. at: of c in the input. */
static bool read_header(struct app_flow *f, enum app_dir dir, struct cursor *c, size_t at,
			bool *out_more)
{
	struct tls *t = f->parser;
	struct slice seen = {c->at, cursor_left(c)};
	struct cursor look = *c;
	uint8_t type = cursor_u8(&look);
	uint16_t version = cursor_be16(&look);
	size_t length = cursor_be16(&look);

	*out_more = !cursor_ok(&look);
	if (*out_more)
		return true;
	if (!t->seen[dir] && is_sslv2(seen)) {
		*out_more = !read_sslv2(t, dir, c);
		t->seen[dir] = !*out_more;
		if (*out_more)
			return true;
		(void)app_frame_open(f, dir, FRAME_SSL2_HDR, at, SSLV2_HEADER, NULL);
		(void)app_frame_open(f, dir, FRAME_SSL2_PDU, at,
				     (int64_t)(seen.len - cursor_left(c)), NULL);
		return true;
	}
	t->seen[dir] = true;
	if (bad_header(type, version, length) != TLS_BAD_HEADER) {
		tls_anomaly(t->tx, bad_header(type, version, length));
		return false;
	}
	frames_open(f, dir, at, type, length);
	*c = look;
	t->type[dir] = type;
	t->left[dir] = length;
	if (type == TYPE_DATA)
		app_tx_advance(t->tx, dir, TLS_DONE);
	t->state[dir] = type == TYPE_DATA || type == TYPE_HANDSHAKE ? STATE_FRAGMENT : STATE_WHOLE;
	return true;
}

static struct app_tx *transaction(struct app_flow *f)
{
	struct tls *t = f->parser;

	if (t->tx == NULL)
		t->tx = app_tx_new(f, sizeof(struct tls_tx));
	if (t->tx != NULL && t->message[0].arena == NULL)
		for (enum app_dir d = APP_TO_SERVER; d <= APP_TO_CLIENT; d++)
			t->message[d] = buf_in(&t->tx->arena);
	return t->tx;
}

/* True if both directions are: then nothing is looked at any more. */
static bool both_done(struct app_flow *f)
{
	struct tls *t = f->parser;

	if (!is_done(t->tx, APP_TO_SERVER) || !is_done(t->tx, APP_TO_CLIENT))
		return false;
	f->stop_inspecting = true;
	t->tx = NULL;
	return true;
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct tls *t = f->parser;
	struct cursor c = cursor_of(input);
	bool more = false;

	if (input.len != 0 && transaction(f) == NULL)
		return (struct app_result){APP_STUCK, 0};
	while (!more && cursor_left(&c) != 0) {
		size_t n = cursor_left(&c) < t->left[dir] ? cursor_left(&c) : t->left[dir];
		struct slice bytes;

		if (t->state[dir] == STATE_HEADER) {
			if (!read_header(f, dir, &c, input.len - cursor_left(&c), &more))
				return (struct app_result){APP_STUCK, input.len - cursor_left(&c)};
		} else if (t->state[dir] == STATE_WHOLE && n < t->left[dir]) {
			break;
		} else {
			bytes = cursor_take(&c, n);
			t->left[dir] -= n;
			if (t->state[dir] == STATE_WHOLE)
				read_whole(t->tx, dir, t->type[dir], bytes);
			else if (t->type[dir] == TYPE_HANDSHAKE && !is_done(t->tx, dir) &&
				 !add_handshake(t, dir, bytes))
				return (struct app_result){APP_STUCK, input.len - cursor_left(&c)};
		}
		if (t->left[dir] == 0) { /* an empty record ends where it starts */
			t->state[dir] = STATE_HEADER;
			t->skip[dir] = 0;
		}
		if (both_done(f))
			return (struct app_result){APP_OK, input.len};
	}
	if (eof && t->tx != NULL) { /* a record cut short says nothing */
		app_tx_advance(t->tx, dir, TLS_DONE);
		(void)both_done(f);
	}
	return (struct app_result){APP_OK, input.len - cursor_left(&c)};
}

/* Inside encrypted data nothing is lost by it. */
static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	struct tls *t = f->parser;

	if (t->state[dir] != STATE_FRAGMENT || missing > t->left[dir] ||
	    (t->type[dir] == TYPE_HANDSHAKE && !is_done(t->tx, dir)))
		return false;
	t->left[dir] -= (size_t)missing;
	if (t->left[dir] == 0)
		t->state[dir] = STATE_HEADER;
	return true;
}

/* Three bytes are enough: what a record of the handshake holds is for the parser to doubt. */
static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	uint8_t hello = dir == APP_TO_SERVER ? SSLV2_CLIENT_HELLO : SSLV2_SERVER_HELLO;

	(void)f;
	(void)port_hint;
	if (in.len != 0 && (in.ptr[0] & 0x80) != 0) {
		if (in.len < 5)
			return APP_NEED_MORE;
		return is_sslv2(in) && in.ptr[2] == hello ? APP_YES : APP_NO;
	}
	if ((in.len > 0 && in.ptr[0] != TYPE_HANDSHAKE) || (in.len > 1 && in.ptr[1] != 3))
		return APP_NO;
	if (in.len < 3)
		return APP_NEED_MORE;
	return in.ptr[2] <= 4 ? APP_YES : APP_NO;
}

/* As in Suricata, of a client that began with SSLv2's hello nothing more is awaited once the server
 * has said all of its part of the handshake. */
static bool ready(const struct app_flow *f, const struct app_tx *tx)
{
	const struct tls_tx *x = tx->data;

	(void)f;
	return x->side[APP_TO_SERVER].sslv2 &&
	       (x->side[APP_TO_CLIENT].messages >> MESSAGE_HELLO_DONE & 1) != 0;
}

static const char *const anomalies[] = {
#define X(id, name) #name,
	TLS_ANOMALIES(X)
#undef X
		NULL,
};

static const struct app_hook hooks[] = {
	{"client_in_progress", APP_TO_SERVER, 0},
	{"client_hello_done", APP_TO_SERVER, TLS_HELLO},
	{"client_cert_done", APP_TO_SERVER, TLS_CERTS},
	{"client_handshake_done", APP_TO_SERVER, TLS_DONE},
	{"client_finished", APP_TO_SERVER, TLS_DONE},
	{"server_in_progress", APP_TO_CLIENT, 0},
	{"server_hello", APP_TO_CLIENT, TLS_HELLO},
	{"server_cert_done", APP_TO_CLIENT, TLS_CERTS},
	{"server_hello_done", APP_TO_CLIENT, TLS_CERTS},
	{"server_handshake_done", APP_TO_CLIENT, TLS_DONE},
	{"server_finished", APP_TO_CLIENT, TLS_DONE},
	{0},
};

static const char *const frames[] = {[FRAME_PDU] = "pdu",
				     [FRAME_HDR] = "hdr",
				     [FRAME_DATA] = "data",
				     [FRAME_ALERT] = "alert.pdu",
				     [FRAME_HEARTBEAT] = "heartbeat.pdu",
				     [FRAME_SSL2_HDR] = "ssl2.hdr",
				     [FRAME_SSL2_PDU] = "ssl2.pdu",
				     NULL};

APP_PROTOCOL(tls) = {
	.name = "tls",
	.spec = "RFC 8446, RFC 5246, RFC 5280",
	.transports = APP_TCP,
	.fields = app_tls_fields,
	.anomalies = anomalies,
	.hooks = hooks,
	.frames = frames,
	.speaks_first = 1u << APP_TO_SERVER,
	.complete = {TLS_DONE, TLS_DONE},
	.parser_bytes = sizeof(struct tls),
	.probe = probe,
	.parse = parse,
	.gap = gap,
	.log = app_tls_log,
	.ready = ready,
	.log_configure = app_tls_log_configure,
};
