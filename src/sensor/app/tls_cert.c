/* SPDX-License-Identifier: Apache-2.0
 *
 * X.509 certificates, as much as rules and records ask for: RFC 5280 4.1 and 4.2.1.6, DER as in
 * X.690 8-11. Read with base/ber.h and one-byte tags only; nesting is by cursors inside
 * cursors, so nothing read here can reach past the certificate.
 */
#include "base/addr.h"
#include "base/ber.h"
#include "base/text.h"
#include "sensor/app/tls_priv.h"

enum {
	VERSION_ID = 0xa0,	/* [0] EXPLICIT of a certificate */
	EXTENSIONS_ID = 0xa3,	/* [3] EXPLICIT of a certificate */
	NAME_EMAIL_ID = 0x81,	/* [1] of GeneralName */
	NAME_DNS_ID = 0x82,	/* [2] */
	NAME_URI_ID = 0x86,	/* [6] */
	NAME_ADDRESS_ID = 0x87, /* [7] */
};

enum { NAME_PARTS_MAX = 64, NAME_MAX_BYTES = 4096 };

/* The next element's identifier and content. A bad one makes c bad; so does the end, and a tag that
 * needs more than one octet. */
static struct cursor next(struct cursor *c, uint8_t *out_id)
{
	struct ber e = {0};
	struct cursor content;

	if (!ber_next(c, &e) || (e.id & BER_TAG) == BER_TAG)
		c->bad = true;
	*out_id = e.id;
	content = cursor_of(e.content);
	content.bad = c->bad;
	return content;
}

/* Attribute types by their DER bytes; the words are the ones that EVE readers know. */
static const struct {
	const char *oid;
	uint8_t oid_bytes;
	const char *word;
} attributes[] = {
	{"\x55\x04\x03", 3, "CN"},
	{"\x55\x04\x04", 3, "surname"},
	{"\x55\x04\x05", 3, "serialNumber"},
	{"\x55\x04\x06", 3, "C"},
	{"\x55\x04\x07", 3, "L"},
	{"\x55\x04\x08", 3, "ST"},
	{"\x55\x04\x09", 3, "street"},
	{"\x55\x04\x0a", 3, "O"},
	{"\x55\x04\x0b", 3, "OU"},
	{"\x55\x04\x0c", 3, "title"},
	{"\x55\x04\x0d", 3, "description"},
	{"\x55\x04\x0f", 3, "businessCategory"},
	{"\x55\x04\x11", 3, "postalCode"},
	{"\x55\x04\x29", 3, "name"},
	{"\x55\x04\x2a", 3, "givenName"},
	{"\x55\x04\x2b", 3, "initials"},
	{"\x55\x04\x2e", 3, "dnQualifier"},
	{"\x55\x04\x41", 3, "pseudonym"},
	{"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", 9, "Email"},
	{"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x02", 9, "unstructuredName"},
	{"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", 10, "UID"},
	{"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", 10, "DC"},
};

static void add_type(struct buf *out, struct slice oid)
{
	for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++)
		if (slice_equal(oid, (struct slice){(const uint8_t *)attributes[i].oid,
						    attributes[i].oid_bytes})) {
			buf_add_z(out, attributes[i].word);
			return;
		}
	ber_oid_text(out, oid);
}

/* Two bytes a character (UCS-2) as UTF-8. */
static void add_bmp(struct buf *out, struct slice s)
{
	for (size_t i = 0; i + 1 < s.len; i += 2)
		text_utf8_add(out, (uint32_t)s.ptr[i] << 8 | s.ptr[i + 1]);
}

/* RFC 5280 4.1.2.4: a sequence of sets of pairs; ", " between sets, " + " within one. */
static struct slice read_name(struct app_tx *tx, struct cursor c, enum tls_anomaly bad)
{
	struct buf out = buf_in(&tx->arena);
	unsigned parts = 0;

	out.most = NAME_MAX_BYTES;
	while (cursor_left(&c) != 0 && parts < NAME_PARTS_MAX) {
		struct cursor set = ber_expect(&c, BER_SET);
		bool first = true;

		while (cursor_left(&set) != 0 && parts < NAME_PARTS_MAX) {
			struct cursor pair = ber_expect(&set, BER_SEQUENCE);
			struct cursor type = ber_expect(&pair, BER_OID);
			uint8_t tag;
			struct cursor value = next(&pair, &tag);

			if (!cursor_ok(&pair) || !cursor_ok(&value))
				set.bad = true;
			if (!cursor_ok(&set))
				break;
			if (parts++ != 0)
				buf_add_z(&out, first ? ", " : " + ");
			first = false;
			add_type(&out, cursor_rest(&type));
			buf_add_byte(&out, '=');
			if (tag == BER_BMP)
				add_bmp(&out, cursor_rest(&value));
			else
				buf_add(&out, cursor_rest(&value));
		}
		if (!cursor_ok(&set))
			c.bad = true;
	}
	if (!cursor_ok(&c)) {
		tls_anomaly(tx, bad);
		tls_anomaly(tx, TLS_BAD_CERT_NAME);
	}
	return out.len != 0 ? buf_slice(&out) : SLICE("");
}

/* UTCTime "YYMMDDhhmmssZ", years 1950..2049; GeneralizedTime "YYYYMMDDhhmmssZ". */
static struct slice read_time(struct app_tx *tx, struct cursor *c)
{
	uint8_t tag;
	struct cursor content = next(c, &tag);
	struct slice s = cursor_rest(&content);
	size_t year = tag == BER_UTC_TIME ? 2 : 4;
	struct buf out = buf_in(&tx->arena);

	if ((tag != BER_UTC_TIME && tag != BER_TIME) || s.len < year + 10) {
		tls_anomaly(tx, TLS_BAD_CERT_DATE);
		return (struct slice){NULL, 0};
	}
	for (size_t i = 0; i < year + 10; i++)
		if (!text_is_digit(s.ptr[i])) {
			tls_anomaly(tx, TLS_BAD_CERT_DATE);
			return (struct slice){NULL, 0};
		}
	if (year == 2)
		buf_add_z(&out, s.ptr[0] < '5' ? "20" : "19");
	buf_add(&out, slice_part(s, 0, year));
	for (size_t i = 0; i < 5; i++) {
		buf_add_byte(&out, (uint8_t)("--T::"[i]));
		buf_add(&out, slice_part(s, year + 2 * i, 2));
	}
	return buf_slice(&out);
}

static struct slice read_serial(struct app_tx *tx, struct slice number)
{
	static const char hex[] = "0123456789ABCDEF";
	struct buf out = buf_in(&tx->arena);

	if (number.len == 0)
		tls_anomaly(tx, TLS_BAD_CERT_SERIAL);
	for (size_t i = 0; i < number.len && i < NAME_MAX_BYTES / 4; i++) {
		if (i != 0)
			buf_add_byte(&out, ':');
		buf_add_byte(&out, (uint8_t)hex[number.ptr[i] >> 4]);
		buf_add_byte(&out, (uint8_t)hex[number.ptr[i] & 15]);
	}
	return buf_slice(&out);
}

/* RFC 5280 4.2.1.6: mail addresses, host names, URIs and IP addresses of SubjectAltName. */
static void read_alt_names(struct app_tx *tx, struct tls_cert *cert, struct slice value)
{
	struct cursor c = cursor_of(value);
	struct cursor list = ber_expect(&c, BER_SEQUENCE);

	while (cursor_left(&list) != 0 && cert->name_count < TLS_NAMES_MAX) {
		uint8_t tag;
		struct cursor name = next(&list, &tag);
		struct slice s = cursor_rest(&name);
		char text[ADDR_TEXT_MAX];

		if (!cursor_ok(&list))
			break;
		if (tag == NAME_ADDRESS_ID && (s.len == 4 || s.len == 16)) {
			struct addr a = s.len == 4 ? addr_v4(s.ptr) : addr_v6(s.ptr);

			s = addr_format(&a, text);
		} else if (tag != NAME_EMAIL_ID && tag != NAME_DNS_ID && tag != NAME_URI_ID) {
			continue;
		}
		s = arena_copy(&tx->arena, s);
		if (s.len != 0)
			cert->names[cert->name_count++] = s;
	}
	if (!cursor_ok(&list))
		tls_anomaly(tx, TLS_BAD_CERT_EXTENSIONS);
}

static void read_extensions(struct app_tx *tx, struct tls_cert *cert, struct cursor c)
{
	struct cursor list = ber_expect(&c, BER_SEQUENCE);

	while (cursor_left(&list) != 0) {
		struct cursor extension = ber_expect(&list, BER_SEQUENCE);
		struct cursor oid = ber_expect(&extension, BER_OID);
		uint8_t tag;
		struct cursor value = next(&extension, &tag);

		if (tag == 0x01) /* critical: a BOOLEAN that may be left out */
			value = next(&extension, &tag);
		if (!cursor_ok(&extension) || !cursor_ok(&value) || tag != BER_OCTETS) {
			list.bad = true;
			break;
		}
		if (slice_equal(cursor_rest(&oid), SLICE("\x55\x1d\x11")))
			read_alt_names(tx, cert, cursor_rest(&value));
	}
	if (!cursor_ok(&list))
		tls_anomaly(tx, TLS_BAD_CERT_EXTENSIONS);
}

/* RFC 5280 4.1.1: TBSCertificate's members in their order. */
static void read_tbs(struct app_tx *tx, struct tls_cert *cert, struct cursor c)
{
	uint8_t tag;
	struct cursor content = next(&c, &tag);

	if (tag == VERSION_ID) {
		struct cursor number = ber_expect(&content, BER_INTEGER);

		if (!cursor_ok(&number) || cursor_left(&number) != 1 || *number.at > 2)
			tls_anomaly(tx, TLS_BAD_CERT_VERSION);
		content = next(&c, &tag);
	}
	if (tag != BER_INTEGER) {
		tls_anomaly(tx, TLS_BAD_CERT_SERIAL);
		return;
	}
	cert->serial = read_serial(tx, cursor_rest(&content));
	content = ber_expect(&c, BER_SEQUENCE);
	if (!cursor_ok(&content)) {
		tls_anomaly(tx, TLS_BAD_CERT_ALGORITHM);
		return;
	}
	content = ber_expect(&c, BER_SEQUENCE);
	if (!cursor_ok(&content)) {
		tls_anomaly(tx, TLS_BAD_CERT_ISSUER);
		tls_anomaly(tx, TLS_BAD_CERT_NAME);
		return;
	}
	cert->issuer = read_name(tx, content, TLS_BAD_CERT_ISSUER);
	content = ber_expect(&c, BER_SEQUENCE);
	if (!cursor_ok(&content)) {
		tls_anomaly(tx, TLS_BAD_CERT_VALIDITY);
		return;
	}
	cert->not_before = read_time(tx, &content);
	cert->not_after = read_time(tx, &content);
	content = ber_expect(&c, BER_SEQUENCE);
	if (!cursor_ok(&content)) {
		tls_anomaly(tx, TLS_BAD_CERT_SUBJECT);
		tls_anomaly(tx, TLS_BAD_CERT_NAME);
		return;
	}
	cert->subject = read_name(tx, content, TLS_BAD_CERT_SUBJECT);
	while (cursor_left(&c) != 0) { /* key, unique ids, extensions */
		content = next(&c, &tag);
		if (cursor_ok(&c) && tag == EXTENSIONS_ID)
			read_extensions(tx, cert, content);
	}
	if (!cursor_ok(&c))
		tls_anomaly(tx, TLS_BAD_CERT_EXTENSIONS);
}

struct tls_cert *app_tls_cert(struct app_tx *tx, struct slice der)
{
	struct tls_cert *cert = ARENA_NEW(&tx->arena, struct tls_cert);
	struct cursor c = cursor_of(der);
	struct cursor outer, tbs;

	if (cert == NULL)
		return NULL;
	outer = ber_expect(&c, BER_SEQUENCE);
	tbs = ber_expect(&outer, BER_SEQUENCE);
	if (!cursor_ok(&tbs)) {
		tls_anomaly(tx, TLS_BAD_CERT_DER);
		tls_anomaly(tx, TLS_BAD_CERT);
		return cert;
	}
	read_tbs(tx, cert, tbs);
	return cert;
}
