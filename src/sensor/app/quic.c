/* SPDX-License-Identifier: Apache-2.0
 *
 * QUIC: RFC 9000 17.2 (long headers), 19 (frames), RFC 9001 5 (protection of Initial packets), RFC
 * 9369 (version 2), and Google's versions Q044 to Q046 as far as their hello (CYU: the MD5 of the
 * version and the order of the hello's tags, github.com/salesforce/GQUIC_Protocol_Analyzer).
 *
 * A datagram holds several packets. Initial packets are sealed with keys that come from the
 * client's first connection id, which everybody on the path sees: they are opened here and their
 * CRYPTO frames put together until the TLS hello is whole. What comes after both hellos is secret.
 *
 * A transaction is one packet with a long header. Of an Initial packet it has what its frames say;
 * packets that only bring more pieces of a hello have none.
 */
#include "base/cursor.h"
#include "crypto/crypto.h"
#include "sensor/app/quic_priv.h"

enum {
	VERSION_2 = 0x6b3343cf,
	CONNECTION_ID_MAX = 20, /* 17.2; longer ones belong to versions we do not know */
	SALT_BYTES = 20,
	NUMBER_BYTES = 4,	/* of a packet number, at most */
	HELLO_MAX = 16 << 10,	/* bytes of a hello put together of CRYPTO frames */
	CRYPTO_END_MAX = 65535, /* no CRYPTO frame may end behind it */
	PIECES_MAX = 64,	/* CRYPTO frames waiting */
	TAGS_MAX = 128,		/* of a Google hello */
	TLS_CLIENT_HELLO = 1,
	TLS_SERVER_HELLO = 2,
};
enum { FAILED_DECRYPT, ERROR_ON_DATA, ERROR_ON_HEADER, CRYPTO_TOO_LONG };
enum packet_type { INITIAL, ZERO_RTT, HANDSHAKE, RETRY, NEGOTIATION };

struct keys {
	uint8_t key[CRYPTO_AES128_BYTES], hp[CRYPTO_AES128_BYTES], iv[CRYPTO_GCM_NONCE_BYTES];
};

/* The pieces of a direction's hello. */
struct hello {
	bool whole;
	struct buf bytes; /* in the flow's memory */
	struct piece {
		uint64_t at;
		struct slice bytes;
	} pieces[PIECES_MAX];
	size_t count;
	size_t held; /* bytes in pieces */
};

struct quic {
	bool keyed;
	struct keys keys[2]; /* by direction */
	struct hello *hello[2];
};

struct header {
	enum packet_type type;
	uint32_t version;
	struct slice id;     /* destination connection */
	size_t bytes;	     /* up to the packet number */
	struct slice packet; /* all of it */
};

static bool is_google(uint32_t v)
{
	return v >= 0x51303433 && v <= 0x51303436; /* "Q043".."Q046" */
}

/* RFC 9000 16 */
static uint64_t read_varint(struct cursor *c)
{
	uint8_t first = cursor_u8(c);
	size_t more = ((size_t)1 << (first >> 6)) - 1;

	return ((uint64_t)(first & 0x3f) << 8 * more) | (more != 0 ? cursor_be(c, more) : 0);
}

static bool read_type(uint8_t first, uint32_t version, enum packet_type *out)
{
	static const enum packet_type v2[] = {RETRY, INITIAL, ZERO_RTT, HANDSHAKE};
	static const enum packet_type google[] = {ZERO_RTT, HANDSHAKE, RETRY, INITIAL};

	if (version == 0) {
		*out = NEGOTIATION;
	} else if (version == VERSION_2) {
		*out = v2[first >> 4 & 3];
	} else if (is_google(version) && version != 0x51303436) {
		if ((first & 0x7f) < 0x7c)
			return false;
		*out = google[(first & 0x7f) - 0x7c];
	} else {
		*out = (enum packet_type)(first >> 4 & 3);
	}
	return true;
}

/* The long header in front of `in`; false: it is none, or cut. */
static bool read_header(struct slice in, struct header *h)
{
	struct cursor c = cursor_of(in);
	uint8_t first = cursor_u8(&c);
	uint64_t length;

	*h = (struct header){.version = cursor_be32(&c)};
	if (!cursor_ok(&c) || (first & 0x80) == 0 || !read_type(first, h->version, &h->type))
		return false;
	if (is_google(h->version)) {
		uint8_t lengths = cursor_u8(&c);
		size_t d = lengths >> 4, s = lengths & 15;

		h->id = cursor_take(&c, d != 0 ? d + 3 : 0);
		(void)cursor_take(&c, s != 0 ? s + 3 : 0);
		if (h->type == INITIAL)
			(void)cursor_take(&c, 4 + 12); /* number, hash */
		h->bytes = in.len - cursor_left(&c);
		h->packet = in;
		return cursor_ok(&c);
	}
	h->id = cursor_take(&c, cursor_u8(&c));
	(void)cursor_take(&c, cursor_u8(&c));
	if (h->id.len > CONNECTION_ID_MAX && h->version != 0)
		return false;
	if (h->type == INITIAL)
		(void)cursor_take(&c, read_varint(&c)); /* token */
	length = h->type == RETRY || h->type == NEGOTIATION ? cursor_left(&c) : read_varint(&c);
	h->bytes = in.len - cursor_left(&c);
	if (!cursor_ok(&c) || length > cursor_left(&c))
		return false;
	h->packet = slice_part(in, 0, h->bytes + length);
	return true;
}

/* --- protection --- */

static struct slice salt_of(uint32_t version)
{
	static const struct {
		uint32_t from, to;
		const char *salt;
	} salts[] = {
		{1, 1,
		 "\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f"
		 "\x0a"},
		{0xff000021, 0xff000022,
		 "\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f"
		 "\x0a"},
		{0xff00001d, 0xff000020,
		 "\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8"
		 "\x99"},
		{0xff000017, 0xff00001c,
		 "\xc3\xee\xf7\x12\xc7\x2e\xbb\x5a\x11\xa7\xd2\x43\x2b\xb4\x63\x65\xbe\xf9\xf5"
		 "\x02"},
		{0xfaceb002, 0xfaceb002,
		 "\xc3\xee\xf7\x12\xc7\x2e\xbb\x5a\x11\xa7\xd2\x43\x2b\xb4\x63\x65\xbe\xf9\xf5"
		 "\x02"},
		{0x51303530, 0x51303530,
		 "\x50\x45\x74\xef\xd0\x66\xfe\x2f\x9d\x94\x5c\xfc\xdb\xd3\xa7\xf0\xd3\xb5\x6b"
		 "\x45"},
		{VERSION_2, VERSION_2,
		 "\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e"
		 "\xd9"},
	};

	for (size_t i = 0; i < sizeof salts / sizeof salts[0]; i++)
		if (version >= salts[i].from && version <= salts[i].to)
			return (struct slice){(const uint8_t *)salts[i].salt, SALT_BYTES};
	return (struct slice){NULL, 0};
}

static void keys_of(const uint8_t initial[CRYPTO_SHA256_BYTES], struct slice side, bool v2,
		    struct keys *out)
{
	uint8_t secret[CRYPTO_SHA256_BYTES];

	crypto_hkdf_label(initial, side, secret, sizeof secret);
	crypto_hkdf_label(secret, v2 ? SLICE("quicv2 key") : SLICE("quic key"), out->key,
			  sizeof out->key);
	crypto_hkdf_label(secret, v2 ? SLICE("quicv2 iv") : SLICE("quic iv"), out->iv,
			  sizeof out->iv);
	crypto_hkdf_label(secret, v2 ? SLICE("quicv2 hp") : SLICE("quic hp"), out->hp,
			  sizeof out->hp);
}

/* Both sides' keys from the client's first packet; false: the version's salt is not known. */
static bool derive_keys(struct quic *q, const struct header *h)
{
	struct slice salt = salt_of(h->version);
	uint8_t initial[CRYPTO_SHA256_BYTES];

	if (salt.ptr == NULL)
		return false;
	crypto_hkdf_extract(salt, h->id, initial);
	keys_of(initial, SLICE("client in"), h->version == VERSION_2, &q->keys[APP_TO_SERVER]);
	keys_of(initial, SLICE("server in"), h->version == VERSION_2, &q->keys[APP_TO_CLIENT]);
	q->keyed = true;
	return true;
}

/* The packet's frames in a; ptr NULL: it was not sealed with these keys. */
static struct slice open_packet(const struct keys *k, const struct header *h, struct arena *a)
{
	uint8_t mask[CRYPTO_AES128_BYTES], nonce[CRYPTO_GCM_NONCE_BYTES];
	struct slice sample = slice_part(h->packet, h->bytes + NUMBER_BYTES, sizeof mask);
	uint8_t *copy = ARENA_ARRAY(a, uint8_t, h->packet.len), *out;
	struct slice none = {NULL, 0}, sealed;
	uint32_t number = 0;
	size_t n;

	if (sample.len != sizeof mask || copy == NULL ||
	    !crypto_aes128_block(k->hp, sample.ptr, mask))
		return none;
	memcpy(copy, h->packet.ptr, h->packet.len);
	copy[0] ^= mask[0] & 0x0f;
	n = (copy[0] & 3) + 1u;
	for (size_t i = 0; i < n; i++) {
		copy[h->bytes + i] ^= mask[i + 1];
		number = number << 8 | copy[h->bytes + i];
	}
	memcpy(nonce, k->iv, sizeof nonce);
	for (size_t i = 0; i < 4; i++)
		nonce[sizeof nonce - 1 - i] ^= (uint8_t)(number >> 8 * i);
	sealed = slice_from(h->packet, h->bytes + n);
	out = ARENA_ARRAY(a, uint8_t, sealed.len + 1);
	if (out == NULL || sealed.len < CRYPTO_GCM_TAG_BYTES ||
	    !crypto_aes128_gcm_open(k->key, nonce, (struct slice){copy, h->bytes + n}, sealed, out))
		return none;
	return (struct slice){out, sealed.len - CRYPTO_GCM_TAG_BYTES};
}

/* --- hellos --- */

/* The extensions of a hello, as they came; for EVE. */
static struct slice extensions_of(struct slice body, bool client)
{
	struct cursor c = cursor_of(body);

	(void)cursor_take(&c, 2 + TLS_RANDOM_BYTES);
	(void)cursor_take(&c, cursor_u8(&c));
	if (client) {
		(void)cursor_take(&c, cursor_be16(&c));
		(void)cursor_take(&c, cursor_u8(&c));
	} else {
		(void)cursor_take(&c, 3);
	}
	return cursor_take(&c, cursor_be16(&c));
}

/* Adds a piece that is not there yet, and what now follows to the bytes. */
static void hello_add(struct app_flow *f, struct hello *h, uint64_t at, struct slice bytes)
{
	bool moved = true;

	if (h->count < PIECES_MAX && at + bytes.len > h->bytes.len && h->held < HELLO_MAX &&
	    bytes.len <= HELLO_MAX && at <= HELLO_MAX) {
		h->pieces[h->count].at = at;
		h->pieces[h->count++].bytes = arena_copy(f->arena, bytes);
		h->held += bytes.len;
	}
	while (moved) {
		moved = false;
		for (size_t i = 0; i < h->count; i++) {
			const struct piece *p = &h->pieces[i];

			if (p->at > h->bytes.len || p->at + p->bytes.len <= h->bytes.len)
				continue;
			buf_add(&h->bytes, slice_from(p->bytes, h->bytes.len - p->at));
			moved = true;
		}
	}
}

/* The hello if it is whole. */
static struct slice hello_take(struct hello *h, uint8_t *out_type)
{
	struct cursor c = cursor_of(buf_slice(&h->bytes));
	struct slice body;

	*out_type = cursor_u8(&c);
	body = cursor_take(&c, (size_t)cursor_be(&c, 3));
	h->whole = cursor_ok(&c);
	return h->whole ? body : (struct slice){NULL, 0};
}

static struct hello *hello_of(struct app_flow *f, enum app_dir dir)
{
	struct quic *q = f->parser;

	if (q->hello[dir] == NULL) {
		q->hello[dir] = ARENA_NEW(f->arena, struct hello);
		if (q->hello[dir] != NULL)
			q->hello[dir]->bytes = buf_in(f->arena);
	}
	return q->hello[dir];
}

static void take_hello(struct app_tx *tx, struct slice body, uint8_t type)
{
	struct quic_tx *d = tx->data;

	d->tls.quic = true;
	d->extensions = arena_copy(&tx->arena, extensions_of(body, type == TLS_CLIENT_HELLO));
	d->has_tls = type == TLS_CLIENT_HELLO	? app_tls_client_hello(tx, body)
		     : type == TLS_SERVER_HELLO ? app_tls_server_hello(tx, body)
						: false;
	tx->anomalies = d->has_tls ? 0 : UINT64_C(1) << ERROR_ON_DATA;
}

/* --- Google's hello --- */

static void add_tag(struct buf *b, uint32_t tag)
{
	if (b->len > 3)
		buf_add_byte(b, '-');
	for (unsigned i = 0; i < 4; i++)
		if ((uint8_t)(tag >> (24 - 8 * i)) != 0)
			buf_add_byte(b, (uint8_t)(tag >> (24 - 8 * i)));
}

/* A message of tags and values; false: it is none. */
static bool read_tags(struct app_tx *tx, struct slice in)
{
	struct quic_tx *d = tx->data;
	struct buf cyu = buf_in(&tx->arena), hex = buf_in(&tx->arena);
	struct cursor c = cursor_of(in), values;
	uint8_t md5[CRYPTO_MD5_BYTES];
	uint32_t before = 0;
	uint16_t n;

	(void)cursor_be32(&c);
	n = cursor_le16(&c);
	(void)cursor_le16(&c);
	values = c;
	(void)cursor_take(&values, 8 * (size_t)n);
	if (!cursor_ok(&values) || n > TAGS_MAX)
		return false;
	buf_add_fmt(&cyu, "%c%c,", (int)(d->version >> 8 & 255), (int)(d->version & 255));
	for (uint16_t i = 0; i < n; i++) {
		uint32_t tag = cursor_be32(&c), end = cursor_le32(&c);
		struct slice value;

		if (end < before)
			return false;
		value = cursor_take(&values, end - before);
		before = end;
		if (!cursor_ok(&values))
			return false;
		if (tag == 0x534e4900) /* SNI */
			d->tls.sni = arena_copy(&tx->arena, value);
		else if (tag == 0x55414944) /* UAID */
			d->ua = arena_copy(&tx->arena, value);
		add_tag(&cyu, tag);
	}
	crypto_md5_of(buf_slice(&cyu), md5);
	crypto_hex_add((struct slice){md5, sizeof md5}, &hex);
	d->cyu = buf_slice(&cyu);
	d->cyu_hash = buf_slice(&hex);
	return true;
}

/* A Google STREAM frame: 1 F D OOO SS. */
static bool read_google_stream(struct app_tx *tx, uint8_t type, struct cursor *c)
{
	size_t offset = type >> 2 & 7;

	(void)cursor_take(c, (type & 3) + 1u);
	(void)cursor_take(c, offset != 0 ? offset + 1 : 0);
	(void)read_tags(tx, cursor_take(c, (type & 0x20) != 0 ? cursor_be16(c) : cursor_left(c)));
	return cursor_ok(c);
}

/* --- frames --- */

static bool read_ack(struct cursor *c, bool ecn)
{
	uint64_t ranges;

	(void)read_varint(c);
	(void)read_varint(c);
	ranges = read_varint(c);
	(void)read_varint(c);
	for (; ranges != 0 && cursor_ok(c); ranges--) {
		(void)read_varint(c);
		(void)read_varint(c);
	}
	for (unsigned i = 0; ecn && i < 3; i++)
		(void)read_varint(c);
	return cursor_ok(c);
}

/* False: broken. What an Initial packet may not hold ends its reading. */
static bool read_frames(struct app_flow *f, struct app_tx *tx, struct slice in)
{
	struct quic_tx *d = tx->data;
	struct cursor c = cursor_of(in);

	while (cursor_left(&c) != 0) {
		uint8_t type = cursor_u8(&c);
		struct hello *h;
		uint64_t at;
		struct slice s;

		if ((type & 0x80) != 0) {
			if (!read_google_stream(tx, type, &c))
				return false;
			continue;
		}
		switch (type) {
		case 0: /* PADDING */
		case 1: /* PING */
			break;
		case 2: /* ACK */
		case 3:
			if (!read_ack(&c, type == 3))
				return false;
			break;
		case 6: /* CRYPTO */
		case 8: /* Q050's */
			at = read_varint(&c);
			s = cursor_take(&c, read_varint(&c));
			h = hello_of(f, d->dir);
			if (!cursor_ok(&c))
				return false;
			if (at + s.len > CRYPTO_END_MAX) {
				tx->anomalies |= UINT64_C(1) << CRYPTO_TOO_LONG;
				return true;
			}
			if (type == 8)
				(void)read_tags(tx, s);
			else if (h != NULL && !h->whole)
				hello_add(f, h, at, s);
			break;
		default:
			return true;
		}
	}
	return true;
}

/* --- packets --- */

static struct app_tx *packet_tx(struct app_flow *f, enum app_dir dir, const struct header *h)
{
	struct app_tx *tx = app_tx_new(f, sizeof(struct quic_tx));

	if (tx == NULL)
		return NULL;
	tx->dirs = (uint8_t)(1u << dir);
	*(struct quic_tx *)tx->data = (struct quic_tx){.version = h->version, .dir = dir};
	return tx;
}

static void packet_done(struct app_tx *tx)
{
	app_tx_advance(tx, APP_TO_SERVER, 1);
	app_tx_advance(tx, APP_TO_CLIENT, 1);
}

/* False: nothing more can be read of this direction. */
static bool take_initial(struct app_flow *f, enum app_dir dir, const struct header *h)
{
	struct arena scratch = {.pool = f->pool};
	struct quic *q = f->parser;
	struct slice frames = slice_from(h->packet, h->bytes), body;
	struct app_tx *tx;
	struct hello *hello;
	uint8_t type;

	if (!is_google(h->version)) {
		if (!q->keyed && (dir != APP_TO_SERVER || !derive_keys(q, h)))
			return true; /* the client's first packet was not seen */
		frames = open_packet(&q->keys[dir], h, &scratch);
	}
	tx = packet_tx(f, dir, h);
	if (tx == NULL) {
		arena_reset(&scratch);
		return false;
	}
	if (frames.ptr == NULL)
		tx->anomalies |= UINT64_C(1) << FAILED_DECRYPT;
	else if (!read_frames(f, tx, frames))
		tx->anomalies |= UINT64_C(1) << ERROR_ON_DATA;
	arena_reset(&scratch);
	hello = q->hello[dir];
	if (tx->anomalies == 0 && hello != NULL && !hello->whole) {
		body = hello_take(hello, &type);
		if (hello->whole)
			take_hello(tx, body, type);
	}
	packet_done(tx);
	return tx->anomalies == 0;
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct quic *q = f->parser;
	struct slice rest = input;
	struct header h;

	(void)eof;
	while (rest.len != 0 && read_header(rest, &h)) {
		if (q->hello[dir] != NULL && q->hello[dir]->whole)
			break;
		rest = slice_from(rest, h.packet.len);
		if (h.type == INITIAL) {
			if (!take_initial(f, dir, &h))
				return (struct app_result){APP_STUCK, input.len};
		} else {
			struct app_tx *tx = packet_tx(f, dir, &h);

			if (tx == NULL)
				return (struct app_result){APP_STUCK, input.len};
			packet_done(tx);
		}
	}
	return (struct app_result){APP_OK, input.len};
}

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	struct header h;

	(void)f;
	(void)dir;
	if (!port_hint || !read_header(in, &h) || h.type == NEGOTIATION)
		return APP_NO;
	return is_google(h.version) || salt_of(h.version).ptr != NULL ? APP_YES : APP_NO;
}

#define NONE ((struct slice){NULL, 0})
#define GETTER(name, value, there)                                                                 \
	static struct slice name(struct app_tx *tx, enum app_dir dir, unsigned n)                  \
	{                                                                                          \
		const struct quic_tx *d = tx->data;                                                \
                                                                                                   \
		return n == 0 && d->dir == dir && (there) ? (value) : NONE;                        \
	}

GETTER(get_version, app_quic_version(d->version, &tx->arena), true)
GETTER(get_sni, d->tls.sni, true)
GETTER(get_ua, d->ua, true)
GETTER(get_cyu_hash, d->cyu_hash, true)
GETTER(get_cyu, d->cyu, true)
GETTER(get_ja3, app_tls_ja3(tx, dir), d->has_tls)
GETTER(get_ja3_hash, app_tls_ja3_hash(tx, dir), d->has_tls)
GETTER(get_ja4, app_tls_ja4(tx), d->has_tls)

static const struct app_field fields[] = {
	{"quic.version", 3, 0, false, false, get_version,
	 "The version of a packet, e.g. Q046 or 1."},
	{"quic.sni", 1, 0, false, false, get_sni, "The server name in the client's hello."},
	{"quic.ua", 1, 0, false, false, get_ua, "The user agent in a Google hello."},
	{"quic.cyu.hash", 1, 0, false, false, get_cyu_hash, "CYU of a Google hello."},
	{"quic.cyu.string", 1, 0, false, false, get_cyu, "What CYU was computed from."},
	{"ja3.string", 1, 0, false, false, get_ja3, "JA3 of the client's hello."},
	{"ja3.hash", 1, 0, false, false, get_ja3_hash, "MD5 of JA3."},
	{"ja3s.string", 2, 0, false, false, get_ja3, "JA3S of the server's hello."},
	{"ja3s.hash", 2, 0, false, false, get_ja3_hash, "MD5 of JA3S."},
	{"ja4.hash", 1, 0, false, false, get_ja4, "JA4 of the client's hello."},
	{0},
};

static const char *const anomalies[] = {
	[FAILED_DECRYPT] = "failed_decrypt",
	[ERROR_ON_DATA] = "error_on_data",
	[ERROR_ON_HEADER] = "error_on_header",
	[CRYPTO_TOO_LONG] = "crypto_frag_too_long",
	NULL,
};

static const uint16_t ports[] = {443, 80, 0};

APP_PROTOCOL(quic) = {
	.name = "quic",
	.spec = "RFC 9000, RFC 9001, RFC 9369",
	.transports = APP_UDP,
	.ports = ports,
	.fields = fields,
	.anomalies = anomalies,
	.complete = {1, 1},
	.parser_bytes = sizeof(struct quic),
	.probe = probe,
	.parse = parse,
	.log = app_quic_log,
};
