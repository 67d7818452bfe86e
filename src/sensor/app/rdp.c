/* SPDX-License-Identifier: Apache-2.0
 *
 * RDP: MS-RDPBCGR 2.2.1, messages in TPKTs (RFC 1006): an X.224 connection request or confirm, then
 * X.224 data with an MCS Connect Initial or Response, or TLS in place of TPKTs, of which the
 * server's certificates are read. Others use TPKT and X.224 too (S7), so the first message must
 * hold what only RDP sends, or use RDP's port. A transaction is one side's message; with the
 * server's second one all is said that is in the clear.
 */
#include "base/ber.h"
#include "sensor/app/rdp_priv.h"

enum {
	TPKT_VERSION = 3,
	TPKT_BYTES = 4,
	HEADER_BYTES = 11,
	X224_REQUEST = 0xe0,
	X224_CONFIRM = 0xd0,
	NEGOTIATION_BYTES = 8,
	MCS_REQUEST = 0x65,  /* T.125 7: [APPLICATION 101] */
	MCS_RESPONSE = 0x66, /* [APPLICATION 102] */
};

enum { /* RFC 5246 */
       TLS_HEADER = 5,
       TLS_HANDSHAKE = 22,
       TLS_RECORD_MAX = (1 << 14) + 2048,
       TLS_CERTIFICATE = 11,
       HANDSHAKE_HEADER = 4,
       HANDSHAKE_MAX = 64 << 10, /* bytes of the messages kept; longer ones are not looked at */
};

struct rdp {
	bool tls[2]; /* records instead of TPKTs */
	bool over;
	struct buf handshake; /* the server's messages that are not read yet */
};

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	struct cursor c = cursor_of(in);
	uint8_t version = cursor_u8(&c), reserved = cursor_u8(&c), kind;
	size_t length = cursor_be16(&c), x224 = cursor_u8(&c);
	struct slice rest;

	(void)f;
	if ((in.len >= 1 && version != TPKT_VERSION) || (in.len >= 2 && reserved != 0))
		return APP_NO;
	if (in.len >= 5 && (length < HEADER_BYTES || x224 + 5 != length))
		return APP_NO;
	if (in.len < 5 || in.len < length)
		return APP_NEED_MORE;
	if (cursor_u8(&c) != (dir == APP_TO_SERVER ? X224_REQUEST : X224_CONFIRM))
		return APP_NO;
	if (port_hint)
		return APP_YES;
	rest = slice_part(in, HEADER_BYTES, length - HEADER_BYTES);
	if (slice_starts(rest, SLICE("Cookie: mstshash=")))
		return APP_YES;
	kind = rest.len >= 8 ? rest.ptr[rest.len - 8] : 0; /* the negotiation stands at the end */
	if (rest.len < 8 || rest.ptr[rest.len - 6] != 8 || rest.ptr[rest.len - 5] != 0)
		return APP_NO;
	if (dir == APP_TO_SERVER)
		return kind == RDP_REQUEST ? APP_YES : APP_NO;
	return kind == RDP_RESPONSE || kind == RDP_FAILURE ? APP_YES : APP_NO;
}

static struct slice cookie_of(struct slice rest)
{
	const struct slice before = SLICE("Cookie: mstshash=");
	size_t n = 0;

	if (!slice_starts(rest, before))
		return (struct slice){NULL, 0};
	rest = slice_from(rest, before.len);
	while (n < rest.len && rest.ptr[n] != '\r' && rest.ptr[n] != '\n')
		n++;
	return slice_part(rest, 0, n);
}

static struct app_tx *tx_new(struct app_flow *f, enum app_dir dir, enum rdp_about about)
{
	struct app_tx *tx = app_tx_new(f, sizeof(struct rdp_tx));

	if (tx == NULL)
		return NULL;
	((struct rdp_tx *)tx->data)->about = about;
	tx->dirs = (uint8_t)(1u << dir);
	app_tx_advance(tx, APP_TO_SERVER, 1);
	app_tx_advance(tx, APP_TO_CLIENT, 1);
	return tx;
}

static bool initial(struct app_flow *f, enum app_dir dir, struct slice tpkt)
{
	struct slice rest = slice_from(tpkt, HEADER_BYTES);
	struct app_tx *tx =
		tx_new(f, dir, dir == APP_TO_SERVER ? RDP_INITIAL_REQUEST : RDP_INITIAL_RESPONSE);
	struct rdp_tx *t;
	struct cursor c;

	if (tx == NULL)
		return false;
	t = tx->data;
	t->cookie = arena_copy(&tx->arena, cookie_of(rest));
	if (rest.len >= NEGOTIATION_BYTES) {
		c = cursor_of(slice_from(rest, rest.len - NEGOTIATION_BYTES));
		t->kind = cursor_u8(&c);
		t->flags = cursor_u8(&c);
		t->has_negotiation = cursor_le16(&c) == NEGOTIATION_BYTES;
		t->value = cursor_le32(&c);
	}
	return true;
}

/* X.224 13.7: data, of which only MCS's first message of each side is looked at. */
static bool data(struct app_flow *f, enum app_dir dir, struct slice mcs)
{
	struct rdp *q = f->parser;
	uint8_t type = mcs.len >= 2 && mcs.ptr[0] == 0x7f ? mcs.ptr[1] : 0;
	struct app_tx *tx;

	if (dir == APP_TO_SERVER && type == MCS_REQUEST) {
		tx = tx_new(f, dir, RDP_CONNECT_REQUEST);
		if (tx != NULL)
			app_rdp_connect_request(mcs, tx);
		return tx != NULL;
	}
	if (dir == APP_TO_CLIENT && type == MCS_RESPONSE) {
		q->over = true;
		return tx_new(f, dir, RDP_CONNECT_RESPONSE) != NULL;
	}
	return true;
}

enum step { STEP_ON, STEP_MORE, STEP_STUCK };

/* One TPKT. */
static enum step step_tpkt(struct app_flow *f, enum app_dir dir, struct cursor *c)
{
	struct cursor look = *c;
	struct slice tpkt = cursor_rest(c);
	uint8_t version = cursor_u8(&look), kind;
	size_t length;

	(void)cursor_u8(&look);
	length = cursor_be16(&look);
	if (version != TPKT_VERSION || (cursor_ok(&look) && length < TPKT_BYTES))
		return STEP_STUCK;
	if (!cursor_ok(&look) || tpkt.len < length)
		return STEP_MORE;
	tpkt = cursor_take(c, length);
	kind = length > 5 ? tpkt.ptr[5] : 0;
	if (length >= HEADER_BYTES && kind == (dir == APP_TO_SERVER ? X224_REQUEST : X224_CONFIRM))
		return initial(f, dir, tpkt) ? STEP_ON : STEP_STUCK;
	if (length > 7 && tpkt.ptr[4] == 2 && kind == 0xf0 && tpkt.ptr[6] == 0x80)
		return data(f, dir, slice_from(tpkt, 7)) ? STEP_ON : STEP_STUCK;
	return STEP_ON; /* of no kind that says anything */
}

/* RFC 5280 4.1: the serial number of a certificate; empty: it has none. */
static struct slice serial_of(struct slice der)
{
	struct cursor c = cursor_of(der), certificate = ber_expect(&c, BER_SEQUENCE);
	struct cursor tbs = ber_expect(&certificate, BER_SEQUENCE);

	if (ber_is(&tbs, BER_CONTEXT | BER_CONSTRUCTED))
		(void)ber_take(&tbs, BER_CONTEXT | BER_CONSTRUCTED);
	return ber_take(&tbs, BER_INTEGER);
}

static bool certificates(struct app_flow *f, struct slice body)
{
	struct cursor c = cursor_of(body), list = cursor_sub(&c, cursor_be(&c, 3));
	struct app_tx *tx = tx_new(f, APP_TO_CLIENT, RDP_TLS);
	struct rdp_tx *t;

	if (tx == NULL)
		return false;
	t = tx->data;
	while (cursor_left(&list) != 0 && t->serial_count < RDP_CERTS_MAX) {
		struct slice serial = serial_of(cursor_take(&list, cursor_be(&list, 3)));

		if (cursor_ok(&list) && serial.len != 0)
			t->serials[t->serial_count++] = arena_copy(&tx->arena, serial);
	}
	((struct rdp *)f->parser)->over = true;
	return true;
}

/* Messages of the server's handshake, which may span records. */
static bool handshake(struct app_flow *f, struct slice record)
{
	struct rdp *q = f->parser;
	struct buf *h = &q->handshake;
	bool ok = true;

	if (h->arena == NULL)
		*h = buf_in(f->arena);
	if (h->len + record.len > HANDSHAKE_MAX) {
		q->over = true;
		return true;
	}
	buf_add(h, record);
	if (h->full)
		return false;
	while (ok && !q->over) {
		struct cursor c = cursor_of(buf_slice(h));
		uint8_t type = cursor_u8(&c);
		struct slice body = cursor_take(&c, cursor_be(&c, 3));

		if (!cursor_ok(&c))
			break;
		if (type == TLS_CERTIFICATE)
			ok = certificates(f, body);
		h->len = cursor_left(&c);
		memmove(h->ptr, c.at, h->len);
	}
	return ok;
}

/* One record of TLS. */
static enum step step_tls(struct app_flow *f, enum app_dir dir, struct cursor *c)
{
	struct cursor look = *c;
	uint8_t type = cursor_u8(&look);
	size_t length;
	struct slice record;

	(void)cursor_be16(&look);
	length = cursor_be16(&look);
	if (cursor_ok(&look) && length > TLS_RECORD_MAX)
		return STEP_STUCK;
	record = cursor_take(&look, length);
	if (!cursor_ok(&look))
		return STEP_MORE;
	*c = look;
	if (type == TLS_HANDSHAKE && dir == APP_TO_CLIENT && !handshake(f, record))
		return STEP_STUCK;
	return STEP_ON;
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct rdp *q = f->parser;
	struct cursor c = cursor_of(input);
	enum step s = STEP_ON;

	(void)eof;
	while (s == STEP_ON && !q->over && cursor_left(&c) != 0) {
		q->tls[dir] |= *c.at == TLS_HANDSHAKE;
		s = q->tls[dir] ? step_tls(f, dir, &c) : step_tpkt(f, dir, &c);
	}
	return (struct app_result){s == STEP_STUCK ? APP_STUCK : APP_OK,
				   q->over ? input.len : input.len - cursor_left(&c)};
}

static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	(void)missing;
	return ((const struct rdp *)f->parser)->over;
}

static const uint16_t ports[] = {3389, 0};

APP_PROTOCOL(rdp) = {
	.name = "rdp",
	.spec = "MS-RDPBCGR",
	.transports = APP_TCP,
	.ports = ports,
	.complete = {1, 1},
	.parser_bytes = sizeof(struct rdp),
	.probe = probe,
	.parse = parse,
	.gap = gap,
	.log = app_rdp_log,
};
