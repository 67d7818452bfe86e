/* SPDX-License-Identifier: Apache-2.0
 *
 * BitTorrent's distributed hash table: BEP 5 (messages), BEP 32 (nodes6), in the coding of BEP 3
 * ("bencoding"). Each datagram is a transaction. A flow is known by a query that begins with its
 * sender's id, as all that are written in order do.
 */
#include "base/addr.h"
#include "base/cursor.h"
#include "base/json.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "sensor/app/app.h"

enum {
	DEPTH_MAX = 3, /* dictionaries and lists in one another: Suricata's limit */
	NODE_ID = 20,
	NODE_BYTES = NODE_ID + 6,
	NODE6_BYTES = NODE_ID + 18,
};

enum { MALFORMED };

struct dht_tx {
	char kind; /* 'q', 'r', 'e'; 0: malformed */
	struct slice id_of_tx, client, query;
	/* arguments and results; ptr NULL: not there */
	struct slice id, target, info_hash, token, nodes, nodes6;
	struct slice *values;
	size_t value_count, value_room;
	bool has_port, has_implied;
	uint16_t port;
	uint8_t implied;
	/* error */
	uint16_t number;
	struct slice text;
};

/* --- bencoding: each takes what it says, or makes the cursor bad --- */

static bool fail(struct cursor *c)
{
	c->bad = true;
	return false;
}

static bool next_is(const struct cursor *c, char letter)
{
	return cursor_left(c) != 0 && *c->at == (uint8_t)letter;
}

/* "123" up to `end`; no sign, no zero in front. */
static uint64_t digits(struct cursor *c, char end)
{
	const uint8_t *at = cursor_left(c) != 0 ? memchr(c->at, end, cursor_left(c)) : NULL;
	struct slice text;
	uint64_t v = 0;

	if (at == NULL) {
		(void)fail(c);
		return 0;
	}
	text = cursor_take(c, (size_t)(at - c->at));
	(void)cursor_u8(c);
	if (!text_u64(text, 0, INT64_MAX, &v) || (text.len > 1 && text.ptr[0] == '0'))
		(void)fail(c);
	return v;
}

static struct slice string(struct cursor *c)
{
	uint64_t n = digits(c, ':');

	return cursor_ok(c) ? cursor_take(c, n > SIZE_MAX ? SIZE_MAX : (size_t)n)
			    : (struct slice){NULL, 0};
}

static uint64_t number(struct cursor *c, uint64_t most)
{
	uint64_t v;

	if (!next_is(c, 'i')) {
		(void)fail(c);
		return 0;
	}
	(void)cursor_u8(c);
	v = digits(c, 'e');
	if (v > most)
		(void)fail(c);
	return v;
}

/* Any value. Not recursive: `open` counts what is not closed yet. */
static void skip(struct cursor *c, unsigned depth)
{
	unsigned open = 0;

	do {
		if (next_is(c, 'd') || next_is(c, 'l')) {
			(void)cursor_u8(c);
			if (++open + depth > DEPTH_MAX)
				(void)fail(c);
		} else if (next_is(c, 'e') && open != 0) {
			(void)cursor_u8(c);
			open--;
		} else if (next_is(c, 'i')) {
			(void)cursor_u8(c);
			if (next_is(c, '-'))
				(void)cursor_u8(c);
			(void)digits(c, 'e');
		} else {
			(void)string(c);
		}
	} while (open != 0 && cursor_ok(c));
}

/* One entry of a dictionary after another; keys ascend. False: it is over, or bad. */
static bool entry(struct cursor *c, struct slice *key)
{
	struct slice before = *key;

	if (next_is(c, 'e')) {
		(void)cursor_u8(c);
		return false;
	}
	*key = string(c);
	if (!cursor_ok(c))
		return false;
	return before.ptr == NULL || slice_compare(before, *key) < 0 || fail(c);
}

static bool opens(struct cursor *c, char letter)
{
	if (!next_is(c, letter))
		return fail(c);
	(void)cursor_u8(c);
	return true;
}

/* --- messages --- */

static bool is(struct slice key, const char *word)
{
	return slice_equal(key, slice_of(word));
}

static void read_values(struct cursor *c, struct dht_tx *d, struct arena *a)
{
	if (!next_is(c, 'l')) {
		skip(c, 2);
		return;
	}
	(void)cursor_u8(c);
	while (!next_is(c, 'e') && cursor_ok(c)) {
		struct slice one = string(c);

		if (cursor_ok(c) && one.len < 6)
			(void)fail(c);
		if (cursor_ok(c))
			(void)ARENA_PUSH(a, d->values, d->value_count, d->value_room,
					 arena_copy(a, one));
	}
	(void)cursor_u8(c);
}

static void keep(struct slice *to, struct cursor *c, struct arena *a)
{
	*to = arena_copy(a, string(c));
	if (to->ptr == NULL)
		*to = SLICE("");
}

/* What a query asks with, or a response gives. */
static void read_body(struct cursor *c, struct dht_tx *d, struct arena *a, bool answer)
{
	struct slice key = {NULL, 0};
	bool has_id = false;

	if (!opens(c, 'd'))
		return;
	while (cursor_ok(c) && entry(c, &key)) {
		if (is(key, "id")) {
			keep(&d->id, c, a);
			has_id = true;
		} else if (is(key, "token")) {
			keep(&d->token, c, a);
		} else if (answer && is(key, "nodes")) {
			keep(&d->nodes, c, a);
		} else if (answer && is(key, "nodes6")) {
			keep(&d->nodes6, c, a);
		} else if (answer && is(key, "values")) {
			read_values(c, d, a);
		} else if (!answer && is(key, "target")) {
			keep(&d->target, c, a);
		} else if (!answer && is(key, "info_hash")) {
			keep(&d->info_hash, c, a);
		} else if (!answer && is(key, "implied_port")) {
			d->implied = (uint8_t)number(c, UINT8_MAX);
			d->has_implied = true;
		} else if (!answer && is(key, "port")) {
			d->port = (uint16_t)number(c, UINT16_MAX);
			d->has_port = true;
		} else {
			skip(c, 1);
		}
	}
	if (!has_id)
		(void)fail(c);
}

/* BEP 5: a list of a code and a text. */
static void read_error(struct cursor *c, struct dht_tx *d, struct arena *a)
{
	bool has_number = false, text = false;

	if (!opens(c, 'l'))
		return;
	while (!next_is(c, 'e') && cursor_ok(c)) {
		if (next_is(c, 'i')) {
			d->number = (uint16_t)number(c, UINT16_MAX);
			has_number = true;
		} else if (next_is(c, 'd') || next_is(c, 'l')) {
			skip(c, 2);
		} else {
			keep(&d->text, c, a);
			text = true;
		}
	}
	(void)cursor_u8(c);
	if (!has_number || !text)
		(void)fail(c);
}

/* False: malformed. */
static bool read_message(struct cursor *c, struct dht_tx *d, struct arena *a)
{
	struct slice key = {NULL, 0}, kind = {NULL, 0};
	bool named = false, arguments = false, results = false, error = false;

	if (!opens(c, 'd'))
		return false;
	while (cursor_ok(c) && entry(c, &key)) {
		if (is(key, "y")) {
			kind = string(c);
		} else if (is(key, "q")) {
			keep(&d->query, c, a);
		} else if (is(key, "t")) {
			keep(&d->id_of_tx, c, a);
			named = true;
		} else if (is(key, "v")) {
			keep(&d->client, c, a);
		} else if (is(key, "a")) {
			read_body(c, d, a, false);
			arguments = true;
		} else if (is(key, "r")) {
			read_body(c, d, a, true);
			results = true;
		} else if (is(key, "e")) {
			read_error(c, d, a);
			error = true;
		} else {
			skip(c, 1);
		}
	}
	if (!cursor_ok(c) || !named || kind.len != 1)
		return false;
	d->kind = (char)kind.ptr[0];
	return d->kind == 'q'	? arguments && d->query.ptr != NULL
	       : d->kind == 'r' ? results
				: d->kind == 'e' && error;
}

/* Other datagrams of the flow are no messages of the table (uTP, for one). */
static bool looks_right(struct slice in)
{
	return slice_starts(in, SLICE("d1:ad")) || slice_starts(in, SLICE("d1:rd")) ||
	       slice_starts(in, SLICE("d2:ip")) || slice_starts(in, SLICE("d1:el"));
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct cursor c = cursor_of(input);
	struct app_tx *tx;
	struct dht_tx *d;

	(void)eof;
	if (!looks_right(input))
		return (struct app_result){APP_OK, input.len};
	tx = app_tx_new(f, sizeof *d);
	if (tx == NULL)
		return (struct app_result){APP_STUCK, 0};
	d = tx->data;
	tx->dirs = (uint8_t)(1u << dir);
	if (!read_message(&c, d, &tx->arena)) {
		d->kind = 0;
		tx->anomalies |= UINT64_C(1) << MALFORMED;
	}
	app_tx_advance(tx, APP_TO_SERVER, 1);
	app_tx_advance(tx, APP_TO_CLIENT, 1);
	return (struct app_result){d->kind != 0 ? APP_OK : APP_STUCK, input.len};
}

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	(void)f;
	(void)dir;
	(void)port_hint;
	return slice_starts(in, SLICE("d1:ad2:id20:")) ? APP_YES : APP_NO;
}

/* --- the event --- */

static void put_hex(struct json *j, const char *key, struct slice bytes, struct arena *a)
{
	struct buf hex = buf_in(a);

	if (bytes.ptr == NULL)
		return;
	crypto_hex_add(bytes, &hex);
	json_member_str(j, key, buf_slice(&hex));
}

/* An address and a port, of 6 or 18 bytes. */
static void put_peer(struct json *j, struct slice peer)
{
	size_t bytes = peer.len < 18 ? 4 : 16;
	struct cursor c = cursor_of(slice_from(peer, bytes));
	struct addr addr = bytes == 4 ? addr_v4(peer.ptr) : addr_v6(peer.ptr);
	char text[ADDR_TEXT_MAX];

	json_member_str(j, "ip", addr_format_full(&addr, text));
	json_member_u64(j, "port", cursor_be16(&c));
}

static void put_nodes(struct json *j, const char *key, struct slice nodes, size_t each,
		      struct arena *a)
{
	if (nodes.len < each)
		return;
	json_key(j, key);
	json_array(j);
	for (; nodes.len >= each; nodes = slice_from(nodes, each)) {
		json_object(j);
		put_hex(j, "id", slice_part(nodes, 0, NODE_ID), a);
		put_peer(j, slice_part(nodes, NODE_ID, each - NODE_ID));
		json_end(j);
	}
	json_end(j);
}

static void put_query(struct json *j, const struct dht_tx *d, struct arena *a)
{
	json_key(j, "request");
	json_object(j);
	put_hex(j, "id", d->id, a);
	put_hex(j, "target", d->target, a);
	put_hex(j, "info_hash", d->info_hash, a);
	put_hex(j, "token", d->token, a);
	if (d->has_implied)
		json_member_u64(j, "implied_port", d->implied);
	if (d->has_port)
		json_member_u64(j, "port", d->port);
	json_end(j);
}

static void put_response(struct json *j, const struct dht_tx *d, struct arena *a)
{
	json_key(j, "response");
	json_object(j);
	put_hex(j, "id", d->id, a);
	put_nodes(j, "nodes", d->nodes, NODE_BYTES, a);
	put_nodes(j, "nodes6", d->nodes6, NODE6_BYTES, a);
	if (d->value_count != 0) {
		json_key(j, "values");
		json_array(j);
		for (size_t i = 0; i < d->value_count; i++) {
			json_object(j);
			if (d->values[i].len >= 6)
				put_peer(j, d->values[i]);
			json_end(j);
		}
		json_end(j);
	}
	put_hex(j, "token", d->token, a);
	json_end(j);
}

static bool log_tx(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct dht_tx *d = tx->data;
	struct buf out = buf_in(scratch);
	struct json j = json_in(&out);

	if (n != 0 || d->kind == 0)
		return false;
	json_object(&j);
	put_hex(&j, "transaction_id", d->id_of_tx, scratch);
	put_hex(&j, "client_version", d->client, scratch);
	if (d->kind == 'q') {
		json_member_str(&j, "request_type", d->query);
		put_query(&j, d, scratch);
	} else if (d->kind == 'r') {
		put_response(&j, d, scratch);
	} else {
		json_key(&j, "error");
		json_object(&j);
		json_member_u64(&j, "num", d->number);
		json_member_str(&j, "msg", d->text);
		json_end(&j);
	}
	json_end(&j);
	return !out.full && record_object(r, scratch, "bittorrent_dht", buf_slice(&out));
}

static const char *const anomalies[] = {[MALFORMED] = "malformed_packet", NULL};

APP_PROTOCOL(bittorrent_dht) = {
	.name = "bittorrent-dht",
	.spec = "BEP 5, BEP 32, BEP 3",
	.transports = APP_UDP,
	.anomalies = anomalies,
	.complete = {1, 1},
	.probe = probe,
	.parse = parse,
	.log = log_tx,
};
