/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS's rule buffers, as Suricata 8 defines them (docs/formats/buffers.md).
 */
#include "crypto/crypto.h"
#include "sensor/app/tls_priv.h"

#define TO_SERVER (1u << APP_TO_SERVER)
#define TO_CLIENT (1u << APP_TO_CLIENT)
#define EITHER (TO_SERVER | TO_CLIENT)

static const struct slice none = {NULL, 0};

/* A getter that gives one member of the first certificate of a side. */
#define CERT_GETTER(fn, member)                                                                    \
	static struct slice fn(struct app_tx *tx, enum app_dir dir, unsigned n)                    \
	{                                                                                          \
		const struct tls_cert *cert = tls_side(tx, dir)->cert;                             \
		return n == 0 && cert != NULL ? cert->member : none;                               \
	}
CERT_GETTER(get_subject, subject)
CERT_GETTER(get_issuer, issuer)
CERT_GETTER(get_serial, serial)
CERT_GETTER(get_not_before, not_before)
CERT_GETTER(get_not_after, not_after)

static struct slice get_sni(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	(void)dir;
	return n == 0 ? ((struct tls_tx *)tx->data)->sni : none;
}

struct slice app_tls_fingerprint(struct app_tx *tx, enum app_dir dir)
{
	struct tls_side *side = tls_side(tx, dir);
	struct buf b = buf_in(&tx->arena);
	uint8_t sha1[CRYPTO_SHA1_BYTES];

	if (side->fingerprint.ptr != NULL || side->cert_count == 0)
		return side->fingerprint;
	crypto_sha1_of(side->certs[0], sha1);
	for (size_t i = 0; i < sizeof sha1; i++) {
		if (i != 0)
			buf_add_byte(&b, ':');
		crypto_hex_add((struct slice){sha1 + i, 1}, &b);
	}
	if (!b.full)
		side->fingerprint = buf_slice(&b);
	return side->fingerprint;
}

static struct slice get_fingerprint(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return n == 0 ? app_tls_fingerprint(tx, dir) : none;
}

static struct slice get_certs(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct tls_side *side = tls_side(tx, dir);

	return n < side->cert_count ? side->certs[n] : none;
}

static struct slice get_chain(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct tls_side *side = tls_side(tx, dir);

	return n == 0 && side->chain != 0 ? app_number(&side->chain) : none;
}

static struct slice get_messages(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return n == 0 ? app_number(&tls_side(tx, dir)->messages) : none;
}

static struct slice get_names(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct tls_cert *cert = tls_side(tx, dir)->cert;

	return cert != NULL && n < cert->name_count ? cert->names[n] : none;
}

static struct slice get_alpn(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct tls_side *side = tls_side(tx, dir);

	return n < side->alpn_count ? side->alpn[n] : none;
}

static struct slice get_version(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct tls_side *side = tls_side(tx, dir);

	return n == 0 && side->hello ? app_tls_version(side->version, &tx->arena) : none;
}

static struct slice get_version_number(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	struct tls_side *side = tls_side(tx, dir);

	side->version_number = side->version;
	return n == 0 && side->hello ? app_number(&side->version_number) : none;
}

static struct slice get_random(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return n == 0 ? tls_side(tx, dir)->random : none;
}

static struct slice get_random_time(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return n == 0 ? slice_part(tls_side(tx, dir)->random, 0, 4) : none;
}

static struct slice get_random_bytes(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return n == 0 ? slice_from(tls_side(tx, dir)->random, 4) : none;
}

static struct slice get_ja3(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return n == 0 ? app_tls_ja3(tx, dir) : none;
}

static struct slice get_ja3_hash(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return n == 0 ? app_tls_ja3_hash(tx, dir) : none;
}

static struct slice get_ja4(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	(void)dir;
	return n == 0 ? app_tls_ja4(tx) : none;
}

#define HELLO (TLS_HELLO - 1)
#define CERTS (TLS_CERTS - 1)

const struct app_field app_tls_fields[] = {
	{"tls.sni", TO_SERVER, HELLO, false, false, get_sni,
	 "The server name the client asks for."},
	{"tls.version", EITHER, HELLO, false, false, get_version,
	 "The version of the hello as text, e.g. TLS 1.2; in the server's, the version agreed."},
	{"tls.version_number", EITHER, HELLO, false, false, get_version_number,
	 "The same as a number, e.g. 0x0303.", APP_NUMBERS},
	{"tls.alpn", EITHER, HELLO, false, true, get_alpn,
	 "Each application protocol that the hello names."},
	{"tls.random", EITHER, HELLO, false, false, get_random, "The hello's 32 random bytes."},
	{"tls.random_time", EITHER, HELLO, false, false, get_random_time,
	 "The first 4 of the random bytes, once a time."},
	{"tls.random_bytes", EITHER, HELLO, false, false, get_random_bytes,
	 "The other 28 of the random bytes."},
	{"tls.cert_subject", EITHER, CERTS, false, false, get_subject,
	 "The first certificate's subject in one line, e.g. C=FR, O=Example, CN=a.example."},
	{"tls.cert_issuer", EITHER, CERTS, false, false, get_issuer,
	 "The first certificate's issuer in one line."},
	{"tls.cert_serial", EITHER, CERTS, false, false, get_serial,
	 "The first certificate's serial number, e.g. 00:97:E6."},
	{"tls.cert_fingerprint", EITHER, CERTS, false, false, get_fingerprint,
	 "SHA-1 of the first certificate, e.g. 3a:0b:3b."},
	{"tls.certs", EITHER, CERTS, false, true, get_certs, "Each certificate as it came (DER)."},
	{"tls.cert_chain_len", EITHER, CERTS, false, false, get_chain,
	 "How many certificates came.", APP_NUMBERS},
	{"tls.cert_not_before", EITHER, CERTS, false, false, get_not_before,
	 "From when on the first certificate holds, e.g. 2015-01-31T02:18:29."},
	{"tls.cert_not_after", EITHER, CERTS, false, false, get_not_after,
	 "Until when the first certificate holds."},
	{"tls.messages", EITHER, 0, true, false, get_messages,
	 "The types of handshake messages that came so far, as bits.", APP_NUMBERS},
	{"tls.subjectaltname", EITHER, CERTS, false, true, get_names,
	 "Each alternative name of the first certificate."},
	{"ja3.string", TO_SERVER, HELLO, false, false, get_ja3, "JA3 of the client's hello."},
	{"ja3.hash", TO_SERVER, HELLO, false, false, get_ja3_hash, "MD5 of JA3."},
	{"ja3s.string", TO_CLIENT, HELLO, false, false, get_ja3, "JA3S of the server's hello."},
	{"ja3s.hash", TO_CLIENT, HELLO, false, false, get_ja3_hash, "MD5 of JA3S."},
	{"ja4.hash", TO_SERVER, HELLO, false, false, get_ja4, "JA4 of the client's hello."},
	{0},
};
