/* SPDX-License-Identifier: Apache-2.0
 *
 * RDP: MS-RDPBCGR 2.2.1.1 and 2.2.1.2, an X.224 connection request or confirm in a TPKT (RFC 1006).
 * Others use those too (S7), so it must hold what only RDP sends, or use RDP's port. A transaction
 * is one side's message; what follows the two, MCS or TLS, is not read.
 */
#include "base/cursor.h"
#include "base/json.h"
#include "sensor/app/app.h"

enum {
	TPKT_VERSION = 3,
	HEADER_BYTES = 11,
	X224_REQUEST = 0xe0,
	X224_CONFIRM = 0xd0,
	NEGOTIATION_BYTES = 8
};
enum { NEGOTIATION_REQUEST = 1, NEGOTIATION_RESPONSE = 2, NEGOTIATION_FAILURE = 3 };

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
		return kind == NEGOTIATION_REQUEST ? APP_YES : APP_NO;
	return kind == NEGOTIATION_RESPONSE || kind == NEGOTIATION_FAILURE ? APP_YES : APP_NO;
}

struct rdp {
	bool over[2];
};

struct rdp_tx {
	bool answers, has_negotiation;
	uint8_t kind, flags;
	uint32_t value; /* a protocol, or why there is none */
	struct slice cookie;
};

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

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct rdp *q = f->parser;
	struct cursor c = cursor_of(input);
	struct slice rest;
	struct app_tx *tx;
	struct rdp_tx *t;
	size_t length;

	(void)eof;
	if (q->over[dir])
		return (struct app_result){APP_OK, input.len};
	if (cursor_u8(&c) != TPKT_VERSION && input.len >= 1)
		return (struct app_result){APP_STUCK, 0};
	(void)cursor_u8(&c);
	length = cursor_be16(&c);
	if (!cursor_ok(&c) || (length >= HEADER_BYTES && input.len < length))
		return (struct app_result){APP_OK, 0};
	if (length < HEADER_BYTES ||
	    input.ptr[5] != (dir == APP_TO_SERVER ? X224_REQUEST : X224_CONFIRM) ||
	    (tx = app_tx_new(f, sizeof *t)) == NULL)
		return (struct app_result){APP_STUCK, 0};
	t = tx->data;
	tx->dirs = (uint8_t)(1u << dir);
	rest = slice_part(input, HEADER_BYTES, length - HEADER_BYTES);
	t->answers = dir == APP_TO_CLIENT;
	t->cookie = arena_copy(&tx->arena, cookie_of(rest));
	if (rest.len >= NEGOTIATION_BYTES) {
		c = cursor_of(slice_from(rest, rest.len - NEGOTIATION_BYTES));
		t->kind = cursor_u8(&c);
		t->flags = cursor_u8(&c);
		t->has_negotiation = cursor_le16(&c) == NEGOTIATION_BYTES;
		t->value = cursor_le32(&c);
	}
	app_tx_advance(tx, APP_TO_SERVER, 1);
	app_tx_advance(tx, APP_TO_CLIENT, 1);
	q->over[dir] = true;
	return (struct app_result){APP_OK, input.len};
}

static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	const struct rdp *q = f->parser;

	(void)missing;
	return q != NULL && q->over[dir];
}

/* ---- the event ---- */

static void text(struct json *j, const char *key, struct slice s)
{
	json_key(j, key);
	json_str(j, s);
}

/* Flags of a response: 2.2.1.2.1. */
static void log_supports(struct json *j, uint8_t flags)
{
	static const struct app_word names[] = {
		{"extended_client_data", 1},
		{"dynvc_gfx", 2},
		{"restricted_admin", 8},
		{"redirected_authentication", 16},
		{0},
	};

	json_key(j, "server_supports");
	json_array(j);
	for (const struct app_word *w = names; w->name != NULL; w++)
		if ((flags & w->value) != 0)
			json_str(j, slice_of(w->name));
	json_end(j);
}

static void log_negotiation(struct json *j, const struct rdp_tx *t)
{
	static const struct app_word protocols[] = {{"rdp", 0},	    {"ssl", 1},	      {"hybrid", 2},
						    {"rds_tls", 4}, {"hybrid_ex", 8}, {0}};
	static const struct app_word reasons[] = {
		{"ssl required by server", 1},
		{"ssl not allowed by server", 2},
		{"ssl cert not on server", 3},
		{"inconsistent flags", 4},
		{"hybrid required by server", 5},
		{"ssl with user auth required by server", 6},
		{0},
	};
	bool failed = t->kind == NEGOTIATION_FAILURE;

	if (!failed && t->flags != 0)
		log_supports(j, t->flags);
	if (failed) {
		json_key(j, "error_code");
		json_u64(j, t->value);
	}
	for (const struct app_word *w = failed ? reasons : protocols; w->name != NULL; w++)
		if (w->value == t->value)
			text(j, failed ? "reason" : "protocol", slice_of(w->name));
}

static bool log_rdp(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct rdp_tx *t = tx->data;
	struct buf out = buf_in(scratch);
	struct json j = json_in(&out);

	if (n != 0)
		return false;
	json_object(&j);
	json_key(&j, "tx_id");
	json_u64(&j, tx->id);
	text(&j, "event_type", t->answers ? SLICE("initial_response") : SLICE("initial_request"));
	if (t->cookie.len != 0)
		text(&j, "cookie", t->cookie);
	if (t->answers && t->has_negotiation)
		log_negotiation(&j, t);
	json_end(&j);
	return !out.full && record_object(r, scratch, "rdp", buf_slice(&out));
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
	.log = log_rdp,
};
