/* SPDX-License-Identifier: Apache-2.0
 *
 * Hellos: RFC 8446 4.1.2, 4.1.3 and 4.2; extensions RFC 6066 3 (server name), RFC 7301 (ALPN), RFC
 * 8422 5.1 (groups, point formats). Fingerprints: JA3 and JA3S (MD5 of numbers in the order they
 * came), JA4 (counts, and SHA-256 of sorted numbers). Numbers that exist to be ignored (GREASE, RFC
 * 8701) are left out of all of them.
 */
#include "crypto/crypto.h"
#include "sensor/app/tls_priv.h"

enum extension {
	EXT_SERVER_NAME = 0,
	EXT_GROUPS = 10,
	EXT_POINT_FORMATS = 11,
	EXT_SIGNATURE_ALGORITHMS = 13,
	EXT_ALPN = 16,
	EXT_SESSION_TICKET = 35,
	EXT_SUPPORTED_VERSIONS = 43,
};

enum { DRAFT_MAJOR = 0x7f, TLS13 = 0x0304, TLS13_OLDEST_DRAFT = 0x7f01 };

/* TLS 1.3 names itself in an extension; what has its number here is a draft before the 16th. */
static bool is_draft(uint16_t version)
{
	return version == TLS13 || (version >> 8 == DRAFT_MAJOR && (version & 0xff) < 16);
}

static bool is_grease(uint16_t v)
{
	return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

static void add(struct app_tx *tx, struct tls_list *l, uint16_t v)
{
	if (is_grease(v))
		return;
	if (l->at == NULL)
		l->at = ARENA_ARRAY(&tx->arena, uint16_t, TLS_LIST_MAX);
	if (l->at == NULL || l->count == TLS_LIST_MAX)
		l->cut = true;
	else
		l->at[l->count++] = v;
}

static void add_all(struct app_tx *tx, struct tls_list *l, struct cursor c, size_t width)
{
	while (cursor_left(&c) >= width)
		add(tx, l, (uint16_t)cursor_be(&c, width));
}

/* RFC 6066 3: a list that in truth always holds one host name. */
static void read_server_name(struct app_tx *tx, struct cursor c)
{
	struct tls_tx *x = tx->data;
	struct cursor list = cursor_sub(&c, cursor_be16(&c));
	uint8_t type = cursor_u8(&list);
	struct slice name = cursor_take(&list, cursor_be16(&list));

	if (!cursor_ok(&list)) {
		tls_anomaly(tx, TLS_BAD_SNI_LENGTH);
		return;
	}
	if (type != 0) {
		tls_anomaly(tx, TLS_BAD_SNI_TYPE);
		return;
	}
	if (x->sni.ptr != NULL)
		tls_anomaly(tx, TLS_BAD_SNI_TWICE);
	else
		x->sni = arena_copy(&tx->arena, name);
}

static void read_alpn(struct app_tx *tx, struct tls_side *side, struct cursor c)
{
	struct cursor list = cursor_sub(&c, cursor_be16(&c));

	while (cursor_left(&list) != 0 && side->alpn_count < TLS_ALPN_MAX) {
		struct slice name = cursor_take(&list, cursor_u8(&list));

		if (!cursor_ok(&list))
			break;
		name = arena_copy(&tx->arena, name);
		if (name.len != 0)
			side->alpn[side->alpn_count++] = name;
	}
}

static void read_extension(struct app_tx *tx, enum app_dir dir, uint16_t type, struct slice data)
{
	struct tls_side *side = tls_side(tx, dir);
	struct cursor c = cursor_of(data);

	add(tx, &side->extensions, type);
	switch (type) {
	case EXT_SERVER_NAME:
		if (dir == APP_TO_SERVER)
			read_server_name(tx, c);
		break;
	case EXT_GROUPS:
		add_all(tx, &side->groups, cursor_sub(&c, cursor_be16(&c)), 2);
		break;
	case EXT_POINT_FORMATS:
		add_all(tx, &side->formats, cursor_sub(&c, cursor_u8(&c)), 1);
		break;
	case EXT_SIGNATURE_ALGORITHMS:
		add_all(tx, &side->algorithms, cursor_sub(&c, cursor_be16(&c)), 2);
		break;
	case EXT_ALPN:
		read_alpn(tx, side, c);
		break;
	case EXT_SESSION_TICKET:
		((struct tls_tx *)tx->data)->ticket |= dir == APP_TO_SERVER && data.len != 0;
		break;
	case EXT_SUPPORTED_VERSIONS:
		if (dir == APP_TO_SERVER)
			add_all(tx, &side->versions, cursor_sub(&c, cursor_u8(&c)), 2);
		else if (data.len == 2)
			side->version = cursor_be16(&c);
		break;
	default:
		break;
	}
}

static bool read_extensions(struct app_tx *tx, enum app_dir dir, struct cursor *c)
{
	struct cursor list;

	if (cursor_left(c) == 0) /* before RFC 3546 there were none */
		return cursor_ok(c);
	list = cursor_sub(c, cursor_be16(c));
	while (cursor_left(&list) != 0) {
		uint16_t type = cursor_be16(&list);
		struct slice data = cursor_take(&list, cursor_be16(&list));

		if (!cursor_ok(&list))
			return false;
		read_extension(tx, dir, type, data);
	}
	return cursor_ok(c);
}

bool app_tls_client_hello(struct app_tx *tx, struct slice body)
{
	struct tls_side *side = tls_side(tx, APP_TO_SERVER);
	struct cursor c = cursor_of(body), ciphers;
	uint16_t number = cursor_be16(&c), version = is_draft(number) ? TLS13_OLDEST_DRAFT : number;
	struct slice random = cursor_take(&c, TLS_RANDOM_BYTES), session;

	session = cursor_take(&c, cursor_u8(&c));
	ciphers = cursor_sub(&c, cursor_be16(&c));
	(void)cursor_take(&c, cursor_u8(&c)); /* compression methods */
	if (!cursor_ok(&c))
		return false;
	if (side->hello) /* after a HelloRetryRequest: the first one is the fingerprint */
		return true;
	side->hello = true;
	side->version = version;
	side->legacy_version = number;
	side->random = arena_copy(&tx->arena, random);
	side->session = arena_copy(&tx->arena, session);
	add_all(tx, &side->ciphers, ciphers, 2);
	return read_extensions(tx, APP_TO_SERVER, &c);
}

bool app_tls_server_hello(struct app_tx *tx, struct slice body)
{
	struct tls_side *side = tls_side(tx, APP_TO_CLIENT);
	struct cursor c = cursor_of(body), draft = c;
	uint16_t number = cursor_be16(&c), cipher;
	uint16_t version = is_draft(number) ? TLS13_OLDEST_DRAFT : number;
	struct slice random = cursor_take(&c, TLS_RANDOM_BYTES), session;

	draft = c;
	session = cursor_take(&c, cursor_u8(&c));
	cipher = cursor_be16(&c);
	(void)cursor_u8(&c);		   /* compression */
	if (version >> 8 == DRAFT_MAJOR) { /* up to draft 21: neither session nor compression */
		c = draft;
		session = (struct slice){NULL, 0};
		cipher = cursor_be16(&c);
	}
	if (!cursor_ok(&c))
		return false;
	if (side->hello)
		return true;
	side->hello = true;
	side->version = version;
	side->legacy_version = number;
	side->random = arena_copy(&tx->arena, random);
	side->session = arena_copy(&tx->arena, session);
	add(tx, &side->ciphers, cipher);
	return read_extensions(tx, APP_TO_CLIENT, &c);
}

struct slice app_tls_version(uint16_t version, struct arena *a)
{
	struct buf b = buf_in(a);

	switch (version) {
	case 0:
		return SLICE("");
	case 0x0002:
		return SLICE("SSLv2");
	case 0x0300:
		return SLICE("SSLv3");
	case 0x0301:
		return SLICE("TLSv1");
	case 0x0302:
		return SLICE("TLS 1.1");
	case 0x0303:
		return SLICE("TLS 1.2");
	case TLS13:
		return SLICE("TLS 1.3");
	default:
		break;
	}
	if (version >> 8 != DRAFT_MAJOR)
		return SLICE("UNDETERMINED");
	if ((version & 0xff) < 16)
		return SLICE("TLS 1.3 draft-<16");
	buf_add_z(&b, "TLS 1.3 draft-");
	buf_add_u64(&b, version & 0xff);
	return buf_slice(&b);
}

static void add_numbers(struct buf *b, const struct tls_list *l)
{
	buf_add_byte(b, ',');
	for (size_t i = 0; i < l->count; i++) {
		if (i != 0)
			buf_add_byte(b, '-');
		buf_add_u64(b, l->at[i]);
	}
}

struct slice app_tls_ja3(struct app_tx *tx, enum app_dir dir)
{
	struct tls_side *side = tls_side(tx, dir);
	struct buf b = buf_in(&tx->arena);

	if (side->ja3.ptr != NULL || !side->hello || side->legacy_version < 0x0300)
		return side->ja3;
	buf_add_u64(&b, side->legacy_version);
	add_numbers(&b, &side->ciphers);
	add_numbers(&b, &side->extensions);
	if (dir == APP_TO_SERVER) {
		add_numbers(&b, &side->groups);
		add_numbers(&b, &side->formats);
	}
	if (!b.full)
		side->ja3 = buf_slice(&b);
	return side->ja3;
}

struct slice app_tls_ja3_hash(struct app_tx *tx, enum app_dir dir)
{
	struct tls_side *side = tls_side(tx, dir);
	struct slice text = app_tls_ja3(tx, dir);
	struct buf b = buf_in(&tx->arena);
	uint8_t md5[CRYPTO_MD5_BYTES];

	if (side->ja3_hash.ptr != NULL || text.ptr == NULL)
		return side->ja3_hash;
	crypto_md5_of(text, md5);
	crypto_hex_add((struct slice){md5, sizeof md5}, &b);
	if (!b.full)
		side->ja3_hash = buf_slice(&b);
	return side->ja3_hash;
}

static void sort(uint16_t *v, size_t n)
{
	for (size_t gap = n / 2; gap != 0; gap /= 2) /* Shell's: short lists, no recursion */
		for (size_t i = gap; i < n; i++) {
			uint16_t x = v[i];
			size_t k = i;

			for (; k >= gap && v[k - gap] > x; k -= gap)
				v[k] = v[k - gap];
			v[k] = x;
		}
}

static void add_hex16(struct buf *b, const uint16_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t bytes[2] = {(uint8_t)(v[i] >> 8), (uint8_t)v[i]};

		if (i != 0)
			buf_add_byte(b, ',');
		crypto_hex_add((struct slice){bytes, 2}, b);
	}
}

/* The first 12 digits of the SHA-256 of what b holds. */
static void add_short_hash(struct buf *out, const struct buf *b)
{
	uint8_t hash[CRYPTO_SHA256_BYTES];

	crypto_sha256_of(buf_slice(b), hash);
	crypto_hex_add((struct slice){hash, 6}, out);
}

static void add_two(struct buf *out, size_t n)
{
	n = n < 99 ? n : 99;
	buf_add_byte(out, (uint8_t)('0' + n / 10));
	buf_add_byte(out, (uint8_t)('0' + n % 10));
}

static void add_ja4_version(struct buf *out, const struct tls_side *side)
{
	uint16_t best = side->versions.count ? 0 : side->legacy_version;

	for (size_t i = 0; i < side->versions.count; i++)
		if (side->versions.at[i] > best)
			best = side->versions.at[i];
	switch (best) {
	case TLS13:
		buf_add_z(out, "13");
		break;
	case 0x0303:
		buf_add_z(out, "12");
		break;
	case 0x0302:
		buf_add_z(out, "11");
		break;
	case 0x0301:
		buf_add_z(out, "10");
		break;
	case 0x0300:
		buf_add_z(out, "s3");
		break;
	case 0x0002:
		buf_add_z(out, "s2");
		break;
	default:
		buf_add_z(out, "00");
		break;
	}
}

static bool is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* First and last character of the first protocol, or of its hexadecimal form. */
static void add_ja4_alpn(struct buf *out, const struct tls_side *side)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t first, last;

	if (side->alpn_count == 0) {
		buf_add_z(out, "00");
		return;
	}
	first = side->alpn[0].ptr[0];
	last = side->alpn[0].ptr[side->alpn[0].len - 1];
	if (!is_alnum(first) || !is_alnum(last)) {
		first = (uint8_t)hex[first >> 4];
		last = (uint8_t)hex[last & 15];
	}
	buf_add_byte(out, first);
	buf_add_byte(out, last);
}

struct slice app_tls_ja4(struct app_tx *tx)
{
	struct tls_side *side = tls_side(tx, APP_TO_SERVER);
	const struct tls_tx *x = tx->data;
	struct buf out = buf_in(&tx->arena), text = buf_in(&tx->arena);
	uint16_t sorted[TLS_LIST_MAX];
	size_t n;

	if (side->ja4.ptr != NULL || !side->hello || side->ciphers.cut || side->extensions.cut ||
	    side->algorithms.cut || side->versions.cut)
		return side->ja4;
	buf_add_byte(&out, x->quic ? 'q' : 't');
	add_ja4_version(&out, side);
	buf_add_byte(&out, x->sni.ptr != NULL ? 'd' : 'i');
	add_two(&out, side->ciphers.count);
	add_two(&out, side->extensions.count);
	add_ja4_alpn(&out, side);
	buf_add_byte(&out, '_');

	n = side->ciphers.count;
	if (n != 0)
		memcpy(sorted, side->ciphers.at, n * sizeof sorted[0]);
	sort(sorted, n);
	add_hex16(&text, sorted, n);
	add_short_hash(&out, &text);
	buf_add_byte(&out, '_');

	text.len = n = 0;
	for (size_t i = 0; i < side->extensions.count; i++)
		if (side->extensions.at[i] != EXT_SERVER_NAME && side->extensions.at[i] != EXT_ALPN)
			sorted[n++] = side->extensions.at[i];
	sort(sorted, n);
	add_hex16(&text, sorted, n);
	buf_add_byte(&text, '_'); /* as Suricata: without algorithms, too */
	add_hex16(&text, side->algorithms.at, side->algorithms.count);
	add_short_hash(&out, &text);
	if (!out.full && !text.full)
		side->ja4 = buf_slice(&out);
	return side->ja4;
}
