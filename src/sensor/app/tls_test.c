/* SPDX-License-Identifier: Apache-2.0
 * Records, hellos and certificates are built here byte by byte; the fingerprints' expected values
 * were computed by hand from their definitions (JA3: MD5 of the string shown). */
#include "crypto/crypto.h"
#include "sensor/app/app_check.h"
#include "sensor/app/tls_priv.h"
#include "test.h"

extern const struct app_protocol app_tls;

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define B(lit) ((struct slice){(const uint8_t *)(lit), sizeof(lit) - 1})
#define TO_SERVER(tx, name) app_talk_field((tx), APP_TO_SERVER, SLICE(name), 0)
#define TO_CLIENT(tx, name) app_talk_field((tx), APP_TO_CLIENT, SLICE(name), 0)

static struct arena_pool pool = {.budget = 64 << 20};
static struct arena memory = {.pool = &pool};

/* Bytes of all parts, up to the first that has ptr NULL. */
static struct slice join(const struct slice *parts)
{
	struct buf b = buf_in(&memory);

	for (; parts->ptr != NULL; parts++)
		buf_add(&b, *parts);
	return b.len ? buf_slice(&b) : SLICE("");
}
#define JOIN(...) join((const struct slice[]){__VA_ARGS__, {NULL, 0}})

/* s with its length in `bytes` bytes in front. */
static struct slice counted(size_t bytes, struct slice s)
{
	struct buf b = buf_in(&memory);

	while (bytes-- > 0)
		buf_add_byte(&b, (uint8_t)(s.len >> 8 * bytes));
	buf_add(&b, s);
	return buf_slice(&b);
}

static struct slice der(uint8_t tag, struct slice content)
{
	struct slice t = {&tag, 1};

	if (content.len < 128)
		return JOIN(t, counted(1, content));
	return JOIN(t, B("\x82"), counted(2, content));
}

static struct slice record(uint8_t type, struct slice body)
{
	struct slice t = {&type, 1};

	return JOIN(t, B("\x03\x03"), counted(2, body));
}

static struct slice message(uint8_t type, struct slice body)
{
	struct slice t = {&type, 1};

	return JOIN(t, counted(3, body));
}

static struct slice extension(const char *type, struct slice body)
{
	return JOIN(((struct slice){(const uint8_t *)type, 2}), counted(2, body));
}

#define RANDOM B("0123456789abcdef0123456789abcdef")

static struct slice client_hello(struct slice extensions)
{
	return message(1, JOIN(B("\x03\x03"), RANDOM, B("\0"),
			       counted(2, B("\x1a\x1a\x13\x01\xc0\x2f\x00\x35")), B("\1\0"),
			       counted(2, extensions)));
}

static struct slice usual_extensions(void)
{
	return JOIN(extension("\x2a\x2a", B("")),
		    extension("\0\0", counted(2, JOIN(B("\0"), counted(2, B("a.example"))))),
		    extension("\0\x0a", counted(2, B("\x3a\x3a\0\x1d\0\x17"))),
		    extension("\0\x0b", counted(1, B("\0"))),
		    extension("\0\x0d", counted(2, B("\x04\x03\x08\x04"))),
		    extension("\0\x10",
			      counted(2, JOIN(counted(1, B("h2")), counted(1, B("http/1.1"))))),
		    extension("\0\x2b", counted(1, B("\x4a\x4a\x03\x04\x03\x03"))));
}

static struct slice server_hello(struct slice extensions)
{
	return message(2, JOIN(B("\x03\x03"), RANDOM, B("\0"), B("\xc0\x2f"), B("\0"),
			       counted(2, extensions)));
}

static struct slice attribute(const char *oid, size_t n, uint8_t tag, struct slice value)
{
	return der(0x31, der(0x30, JOIN(der(6, (struct slice){(const uint8_t *)oid, n}),
					der(tag, value))));
}

static struct slice name(void)
{
	return der(
		0x30,
		JOIN(attribute("\x55\x04\x06", 3, 0x13, B("FR")),
		     attribute("\x55\x04\x0a", 3, 0x0c, B("Example, Inc.")),
		     der(0x31,
			 JOIN(der(0x30, JOIN(der(6, B("\x55\x04\x03")), der(12, B("a.example")))),
			      der(0x30, JOIN(der(6, B("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01")),
					     der(22, B("a@b")))))),
		     attribute("\x2a\x03\x87\x67", 4, 0x1e, B("\0A\0\xe9\x20\xac"))));
}

struct cert_parts {
	struct slice version, serial, algorithm, issuer, validity, subject, key, extensions;
};

static struct cert_parts sound(void)
{
	struct slice names =
		der(0x30, JOIN(der(0x82, B("a.example")), der(0x87, B("\x7f\0\0\1")),
			       der(0x86, B("http://b/")), der(0x81, B("c@d")), der(0xa4, B(""))));

	return (struct cert_parts){
		.version = der(0xa0, der(2, B("\2"))),
		.serial = der(2, B("\0\x97\xe6")),
		.algorithm = der(0x30, B("")),
		.issuer = name(),
		.validity = der(
			0x30, JOIN(der(0x17, B("150212180727Z")), der(0x18, B("20500209180727Z")))),
		.subject = name(),
		.key = der(0x30, B("")),
		.extensions = der(
			0xa3,
			der(0x30, JOIN(der(0x30, JOIN(der(6, B("\x55\x1d\x0f")), der(1, B("\xff")),
						      der(4, B("x")))),
				       der(0x30, JOIN(der(6, B("\x55\x1d\x11")), der(4, names)))))),
	};
}

static struct slice certificate(const struct cert_parts *p)
{
	struct buf tbs = buf_in(&memory);

	buf_add(&tbs, p->version);
	buf_add(&tbs, p->serial);
	buf_add(&tbs, p->algorithm);
	buf_add(&tbs, p->issuer);
	buf_add(&tbs, p->validity);
	buf_add(&tbs, p->subject);
	buf_add(&tbs, p->key);
	buf_add(&tbs, p->extensions);
	return der(0x30, JOIN(der(0x30, buf_slice(&tbs)), der(0x30, B("")), der(3, B("\0"))));
}

static struct slice certificates(struct slice one)
{
	return message(11, counted(3, JOIN(counted(3, one), counted(3, B("second")))));
}

static void talk(struct app_talk *k, struct slice client, struct slice server)
{
	struct app_says says[] = {{.bytes = client}, {.dir = APP_TO_CLIENT, .bytes = server}};

	app_check_all(&app_tls, says, 2, 20);
	ASSERT(app_talk_open(k, APP_TCP, 443, 0));
	app_talk_say(k, APP_TO_SERVER, client, 0);
	app_talk_say(k, APP_TO_CLIENT, server, 0);
	app_talk_eof(k);
}

static void close_all(struct app_talk *k)
{
	app_talk_close(k);
	arena_reset(&memory);
	arena_pool_drain(&pool);
}

static void a_handshake_fills_the_buffers(struct test *t)
{
	struct cert_parts parts = sound();
	struct slice cert = certificate(&parts);
	struct app_talk k;
	struct app_tx *tx;
	struct record r = {0};
	uint8_t hash[CRYPTO_MD5_BYTES], sha1[CRYPTO_SHA1_BYTES];
	char hex[2 * CRYPTO_SHA1_BYTES];
	struct slice ja3 = SLICE("771,4865-49199-53,0-10-11-13-16-43,29-23,0");

	talk(&k,
	     JOIN(record(22, client_hello(usual_extensions())), record(20, B("\1")),
		  record(22, B("secret"))),
	     JOIN(record(22, JOIN(server_hello(JOIN(extension("\0\x0b", counted(1, B("\0"))))),
				  certificates(cert))),
		  record(20, B("\1")), record(23, B("data"))));
	tx = app_talk_tx(&k, 0);
	EXPECT(t, tx != NULL && tx->next == NULL && k.f->stop_inspecting);
	EXPECT(t, app_talk_anomaly(&k, tx, SLICE("")));
	EXPECT_SLICE(t, TO_SERVER(tx, "tls.sni"), SLICE("a.example"));
	EXPECT_SLICE(t, TO_CLIENT(tx, "tls.version"), SLICE("TLS 1.2"));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_SERVER, SLICE("tls.alpn"), 1), SLICE("http/1.1"));
	EXPECT_SLICE(t, TO_SERVER(tx, "tls.random"), RANDOM);
	EXPECT_SLICE(t, TO_SERVER(tx, "tls.random_time"), SLICE("0123"));
	EXPECT_UINT(t, TO_SERVER(tx, "tls.random_bytes").len, 28);
	EXPECT_SLICE(t, TO_CLIENT(tx, "tls.cert_subject"),
		     SLICE("C=FR, O=Example, Inc., CN=a.example + Email=a@b, "
			   "1.2.3.999=A\xc3\xa9\xe2\x82\xac"));
	EXPECT_SLICE(t, TO_CLIENT(tx, "tls.cert_issuer"), TO_CLIENT(tx, "tls.cert_subject"));
	EXPECT_SLICE(t, TO_CLIENT(tx, "tls.cert_serial"), SLICE("00:97:E6"));
	crypto_sha1_of(cert, sha1);
	(void)crypto_hex_write((struct slice){sha1, sizeof sha1}, hex);
	EXPECT_UINT(t, TO_CLIENT(tx, "tls.cert_fingerprint").len, 59);
	EXPECT(t, memcmp(TO_CLIENT(tx, "tls.cert_fingerprint").ptr + 3, hex + 2, 2) == 0);
	EXPECT_SLICE(t, TO_CLIENT(tx, "tls.certs"), cert);
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_CLIENT, SLICE("tls.certs"), 1), SLICE("second"));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_CLIENT, SLICE("tls.subjectaltname"), 0),
		     SLICE("a.example"));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_CLIENT, SLICE("tls.subjectaltname"), 1),
		     SLICE("127.0.0.1"));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_CLIENT, SLICE("tls.subjectaltname"), 3),
		     SLICE("c@d"));
	EXPECT(t, app_talk_field(tx, APP_TO_CLIENT, SLICE("tls.subjectaltname"), 4).ptr == NULL);
	EXPECT(t, TO_SERVER(tx, "tls.cert_subject").ptr == NULL);
	EXPECT_SLICE(t, TO_SERVER(tx, "ja3.string"), ja3);
	crypto_md5_of(ja3, hash);
	EXPECT_SLICE(t, TO_SERVER(tx, "ja3.hash"),
		     crypto_hex_write((struct slice){hash, sizeof hash}, hex));
	EXPECT_SLICE(t, TO_CLIENT(tx, "ja3s.string"), SLICE("771,49199,11"));
	EXPECT_UINT(t, TO_CLIENT(tx, "ja3s.hash").len, 32);
	EXPECT(t, slice_starts(TO_SERVER(tx, "ja4.hash"), SLICE("t13d0306h2_")));
	EXPECT_UINT(t, TO_SERVER(tx, "ja4.hash").len, 36);
	r.making.judged = true;
	EXPECT(t, app_tls.log(tx, 0, &tx->arena, &r) && !app_tls.log(tx, 1, &tx->arena, &r));
	EXPECT_SLICE(t, r.u.tls.sni, SLICE("a.example"));
	EXPECT_SLICE(t, r.u.tls.version, SLICE("TLS 1.2"));
	EXPECT_SLICE(t, r.u.tls.not_before, SLICE("2015-02-12T18:07:27"));
	EXPECT_SLICE(t, r.u.tls.not_after, SLICE("2050-02-09T18:07:27"));
	close_all(&k);
}

static bool event_says(const struct record *r, const char *name, const char *part)
{
	for (size_t i = 0; i < r->mores; i++)
		if (slice_equal(r->more[i].name, slice_of(name)))
			return slice_find(r->more[i].json, slice_of(part)) < r->more[i].json.len;
	return false;
}

/* What an eve-log's `custom:` names, and nothing else. */
static void an_event_holds_what_is_asked_for(struct test *t)
{
	static const char text[] = "%YAML 1.1\n---\ncustom: [version, chain, subjectaltname, "
				   "client_alpns, client_handshake]\n";
	struct cert_parts parts = sound();
	struct record r = {0};
	struct app_talk k;
	struct app_tx *tx;
	struct config *c;
	struct fail why;

	talk(&k, record(22, client_hello(usual_extensions())),
	     JOIN(record(22, JOIN(server_hello(B("")), certificates(certificate(&parts)))),
		  record(20, B("\1"))));
	tx = app_talk_tx(&k, 0);
	c = config_new(&tx->arena);
	ASSERT(c != NULL && config_load(c, SLICE("eve"), slice_of(text), NULL, &why) == ST_OK);
	r.making.asked = app_tls.log_configure(c, c, &tx->arena);
	ASSERT(r.making.asked != NULL && app_tls.log(tx, 0, &tx->arena, &r));
	EXPECT_SLICE(t, r.u.tls.version, SLICE("TLS 1.2"));
	EXPECT_UINT(t, r.u.tls.subject.len + r.u.tls.sni.len, 0);
	EXPECT_UINT(t, r.mores, 4);
	EXPECT(t, event_says(&r, "subjectaltname", "[\"a.example\",\"127.0.0.1\""));
	EXPECT(t, event_says(&r, "client_alpns", "[\"h2\",\"http/1.1\"]"));
	EXPECT(t, event_says(&r, "client_handshake", "\"ciphers\":[4865,49199,53]"));
	EXPECT(t, event_says(&r, "chain", "\"MI"));
	close_all(&k);
}

/* Neither a certificate nor TLS 1.3: nothing that an eve-log would be told. */
static void a_session_without_a_certificate_is_no_event(struct test *t)
{
	struct record r = {0};
	struct app_talk k;
	struct app_tx *tx;

	talk(&k, record(22, client_hello(B(""))), record(22, server_hello(B(""))));
	tx = app_talk_tx(&k, 0);
	r.making.asked = app_tls.log_configure(NULL, NULL, &tx->arena);
	ASSERT(r.making.asked != NULL);
	EXPECT(t, !app_tls.log(tx, 0, &tx->arena, &r));
	r.making.judged = true;
	EXPECT(t, app_tls.log(tx, 0, &tx->arena, &r));
	close_all(&k);
}

/* The example of JA4's own description: a browser's hello with these numbers. */
static void ja4_follows_its_definition(struct test *t)
{
	struct slice ext =
		JOIN(extension("\0\x0d", counted(2, B("\x04\x03\x08\x04"))),
		     extension("\0\x05", B("")), extension("\0\x0a", counted(2, B("\0\x1d"))));
	struct app_talk k;
	uint8_t hash[CRYPTO_SHA256_BYTES];
	char hex[2 * CRYPTO_SHA256_BYTES];
	struct slice ja4;

	talk(&k, record(22, client_hello(ext)), B(""));
	ja4 = TO_SERVER(app_talk_tx(&k, 0), "ja4.hash");
	EXPECT_SLICE(t, slice_part(ja4, 0, 11), SLICE("t12i030300_"));
	crypto_sha256_of(SLICE("0035,1301,c02f"), hash);
	EXPECT_SLICE(t, slice_part(ja4, 11, 12),
		     slice_part(crypto_hex_write((struct slice){hash, sizeof hash}, hex), 0, 12));
	crypto_sha256_of(SLICE("0005,000a,000d_0403,0804"), hash);
	EXPECT_SLICE(t, slice_part(ja4, 24, 12),
		     slice_part(crypto_hex_write((struct slice){hash, sizeof hash}, hex), 0, 12));
	close_all(&k);
	/* ends of a protocol's name that are no letters: hexadecimal */
	ext = extension("\0\x10", counted(2, counted(1, B("\xab\xcd"))));
	talk(&k, record(22, client_hello(ext)), B(""));
	EXPECT_SLICE(t, slice_part(TO_SERVER(app_talk_tx(&k, 0), "ja4.hash"), 0, 10),
		     SLICE("t12i0301ad"));
	close_all(&k);
}

static void versions_have_names(struct test *t)
{
	static const struct {
		uint16_t version;
		const char *name;
	} rows[] = {
		{0, ""},
		{2, "SSLv2"},
		{0x300, "SSLv3"},
		{0x301, "TLSv1"},
		{0x302, "TLS 1.1"},
		{0x303, "TLS 1.2"},
		{0x304, "TLS 1.3"},
		{0x7f0e, "TLS 1.3 draft-<16"},
		{0x7f16, "TLS 1.3 draft-22"},
		{0x305, "UNDETERMINED"},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		EXPECT_SLICE(t, app_tls_version(rows[i].version, &memory), slice_of(rows[i].name));
	arena_reset(&memory);
	arena_pool_drain(&pool);
}

static void the_agreed_version_is_the_extensions(struct test *t)
{
	struct slice draft18 =
		message(2, JOIN(B("\x7f\x12"), RANDOM, B("\x13\x01"), counted(2, B(""))));
	struct app_talk k;

	talk(&k, record(22, client_hello(usual_extensions())),
	     JOIN(record(22, server_hello(extension("\0\x2b", B("\x03\x04")))),
		  record(23, B("x"))));
	EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 0), "tls.version"), SLICE("TLS 1.3"));
	close_all(&k);
	draft18 = message(2, JOIN(B("\x7f\x12"), RANDOM, B("\x13\x01"), counted(2, B(""))));
	talk(&k, record(22, client_hello(B(""))), record(22, draft18));
	EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 0), "tls.version"), SLICE("TLS 1.3 draft-18"));
	EXPECT_SLICE(t, TO_CLIENT(app_talk_tx(&k, 0), "ja3s.string"), SLICE("32530,4865,"));
	close_all(&k);
}

static void what_is_odd_in_a_client_is_an_anomaly(struct test *t)
{
	struct slice sni = extension("\0\0", counted(2, JOIN(B("\0"), counted(2, B("a")))));
	struct slice hello = record(22, client_hello(sni));
	const struct {
		struct slice bytes;
		const char *anomaly;
	} rows[] = {
		{JOIN(hello, B("\x19\x03\x03\0\1x")), "invalid_record_type"},
		{JOIN(hello, B("\x16\x02\x03\0\1x")), "invalid_record_version"},
		{JOIN(hello, B("\x16\x03\x05\0\1x")), "invalid_record_version"},
		{JOIN(hello, B("\x16\x03\x03\x48\1x")), "invalid_record_length"},
		{record(22, message(1, B("\3\3short"))), "invalid_handshake_message"},
		{record(22, client_hello(B("\0\0\0\x09x"))), "invalid_handshake_message"},
		{JOIN(hello, record(22, B("\1\x02\0\1"))), "handshake_invalid_length"},
		{JOIN(hello, record(22, B("\x84\xff\xff\xff"))), "invalid_handshake_message"},
		/* what its length claims ends with the record */
		{JOIN(JOIN(hello, record(22, B("\x84\xff\xff\xff"))),
		      record(22, message(11, B("\0\0\x09x")))),
		 "certificate_invalid_length"},
		{JOIN(hello, record(24, B("\1\0\2ab0123456789abcdef"))), "heartbeat_message"},
		{JOIN(hello, record(24, B("\1\x40\0"))), "overflow_heartbeat_message"},
		{JOIN(hello, record(24, B("\7\0\0"))), "invalid_heartbeat_message"},
		{JOIN(hello, record(24, B("\1"))), "invalid_heartbeat_message"},
		{record(22, client_hello(JOIN(sni, sni))), "multiple_sni_extensions"},
		{record(22, client_hello(extension("\0\0",
						   counted(2, JOIN(B("\1"), counted(2, B("a"))))))),
		 "invalid_sni_type"},
		{record(22, client_hello(extension("\0\0", B("\0\x09\0")))), "invalid_sni_length"},
		{JOIN(hello, record(21, B("\2\x28"))), "error_message_encountered"},
		{JOIN(hello, record(21, B("\1\0"))), ""},
		{JOIN(hello, record(22, message(11, B("\0\0\x09x")))),
		 "certificate_invalid_length"},
		{JOIN(hello, record(22, message(11, counted(3, B("\0\0\x09x"))))),
		 "certificate_invalid_length"},
		{JOIN(hello, record(22, B(""))), ""},
		{B("\x80\x0f\1\3\1\0\2\0\0\0\2ccccdd"), "invalid_sslv2_header"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct app_talk k;

		talk(&k, rows[i].bytes, SLICE(""));
		EXPECT(t, app_talk_tx(&k, 0) != NULL);
		if (!app_talk_anomaly(&k, app_talk_tx(&k, 0), slice_of(rows[i].anomaly)))
			test_fail(t, __FILE__, __LINE__, "row %zu: not %s", i, rows[i].anomaly);
		app_talk_close(&k);
	}
	arena_reset(&memory);
	arena_pool_drain(&pool);
}

static void what_is_odd_in_a_certificate_is_an_anomaly(struct test *t)
{
	static const char *const anomalies[] = {
		"certificate_invalid_version",	  "certificate_invalid_serial",
		"certificate_invalid_serial",	  "certificate_invalid_algorithmidentifier",
		"certificate_invalid_issuer",	  "certificate_invalid_issuer",
		"certificate_invalid_validity",	  "certificate_invalid_date",
		"certificate_invalid_date",	  "certificate_invalid_subject",
		"certificate_invalid_subject",	  "certificate_invalid_extensions",
		"certificate_invalid_extensions", "certificate_invalid_extensions",
		"certificate_invalid_der",
	};

	for (size_t i = 0; i < COUNT(anomalies); i++) {
		struct cert_parts p = sound();
		struct slice bad = der(0x04, B("x"));
		struct slice cert;
		struct app_talk k;

		switch (i) {
		case 0:
			p.version = der(0xa0, der(2, B("\7")));
			break;
		case 1:
			p.serial = bad;
			break;
		case 2:
			p.serial = der(2, B(""));
			break;
		case 3:
			p.algorithm = bad;
			break;
		case 4:
			p.issuer = bad;
			break;
		case 5:
			p.issuer = der(0x30, der(0x31, bad));
			break;
		case 6:
			p.validity = bad;
			break;
		case 7:
			p.validity = der(0x30, JOIN(der(0x17, B("1502121807x7Z")), bad));
			break;
		case 8:
			p.validity = der(0x30, der(0x17, B("1502")));
			break;
		case 9:
			p.subject = bad;
			break;
		case 10:
			p.subject = der(0x30, bad);
			break;
		case 11:
			p.extensions = der(0xa3, der(0x30, bad));
			break;
		case 12:
			p.extensions = B("\xa3\x85");
			break;
		case 13:
			p.extensions = der(
				0xa3, der(0x30, der(0x30, JOIN(der(6, B("\x55\x1d\x11")),
							       der(4, der(0x30, B("\x82\x09")))))));
			break;
		default:
			break;
		}
		cert = i == 14 ? B("\x30\x80x") : certificate(&p);
		talk(&k, record(22, client_hello(B(""))),
		     record(22, JOIN(server_hello(B("")), certificates(cert))));
		if (!app_talk_anomaly(&k, app_talk_tx(&k, 0), slice_of(anomalies[i])))
			test_fail(t, __FILE__, __LINE__, "row %zu: not %s", i, anomalies[i]);
		close_all(&k);
	}
}

static void messages_may_span_records_and_records_segments(struct test *t)
{
	struct slice hello = client_hello(usual_extensions());
	struct buf b = buf_in(&memory);
	struct app_talk k;

	for (size_t i = 0; i < hello.len; i++)
		buf_add(&b, record(22, slice_part(hello, i, 1)));
	talk(&k, buf_slice(&b), B(""));
	EXPECT_SLICE(t, TO_SERVER(app_talk_tx(&k, 0), "tls.sni"), SLICE("a.example"));
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("")));
	close_all(&k);
}

static void the_hello_of_sslv2_is_read(struct test *t)
{
	struct app_talk k;
	struct record r = {.making.judged = true};

	talk(&k,
	     B("\x80\x1c\1\0\2\0\3\0\0\0\x10"
	       "abc"
	       "0123456789abcdef"),
	     B("\x80\x0b\4\0\1\0\2\0\0\0\0\0\0"));
	EXPECT(t, k.f->stop_inspecting);
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("")));
	EXPECT(t, app_tls.log(app_talk_tx(&k, 0), 0, &app_talk_tx(&k, 0)->arena, &r));
	EXPECT_SLICE(t, r.u.tls.version, SLICE("SSLv2"));
	EXPECT(t,
	       r.u.tls.ja3.ptr == NULL && TO_SERVER(app_talk_tx(&k, 0), "ja3.string").ptr == NULL);
	close_all(&k);
}

static void a_gap_is_survived_in_encrypted_data_only(struct test *t)
{
	struct slice hello = record(22, client_hello(B("")));
	struct app_talk k;

	ASSERT(app_talk_open(&k, APP_TCP, 443, 0));
	app_talk_say(&k, APP_TO_SERVER,
		     JOIN(hello, B("\x17\3\3\0\x0a"
				   "abc")),
		     0);
	app_gap(k.f, APP_TO_SERVER, 7);
	EXPECT(t, !k.f->eof[APP_TO_SERVER]);
	app_talk_say(&k, APP_TO_SERVER,
		     B("\x17\3\3\0\x0a"
		       "abc"),
		     0);
	app_gap(k.f, APP_TO_SERVER, 8);
	EXPECT(t, k.f->eof[APP_TO_SERVER]);
	app_talk_close(&k);
	ASSERT(app_talk_open(&k, APP_TCP, 443, 0));
	app_talk_say(&k, APP_TO_SERVER, slice_part(hello, 0, 20), 0);
	app_gap(k.f, APP_TO_SERVER, 1);
	EXPECT(t, k.f->eof[APP_TO_SERVER]);
	close_all(&k);
}

/* Defends invariant 3 of tls.c: one side is encrypted, the other just ends. */
static void a_swept_transaction_is_not_touched(struct test *t)
{
	struct slice hello = record(22, server_hello(B("")));
	struct app_talk k;

	ASSERT(app_talk_open(&k, APP_TCP, 443, 0));
	app_talk_say(&k, APP_TO_SERVER, record(22, client_hello(B(""))), 0);
	app_talk_say(&k, APP_TO_CLIENT, JOIN(hello, record(20, B("\1"))), 0);
	app_eof(k.f, APP_TO_SERVER);
	app_tx_sweep(k.f, app_check_swept);
	EXPECT_UINT(t, k.f->open_txs, 0);
	app_talk_say(&k, APP_TO_CLIENT, JOIN(record(22, hello), record(23, B("data"))), 0);
	EXPECT(t, k.f->first == NULL);
	close_all(&k);
}

static void handshake_records_start_tls(struct test *t)
{
	static const struct {
		enum app_dir dir;
		struct slice bytes;
		enum app_probe want;
	} rows[] = {
		{APP_TO_SERVER, {(const uint8_t *)"\x16\3\1\0\x40\1", 6}, APP_YES},
		{APP_TO_SERVER, {(const uint8_t *)"\x16\3\1\0\x40\2", 6}, APP_YES},
		{APP_TO_CLIENT, {(const uint8_t *)"\x16\3\3\0\x40\2", 6}, APP_YES},
		{APP_TO_SERVER, {(const uint8_t *)"\x16\3\5\0\x40\1", 6}, APP_NO},
		{APP_TO_SERVER, {(const uint8_t *)"\x16\3\1\0\0\0", 6}, APP_YES},
		{APP_TO_SERVER, {(const uint8_t *)"\x16\3\4", 3}, APP_YES},
		{APP_TO_SERVER, {(const uint8_t *)"\x16\3", 2}, APP_NEED_MORE},
		{APP_TO_SERVER, {(const uint8_t *)"\x16\2", 2}, APP_NO},
		{APP_TO_SERVER, {(const uint8_t *)"\x17\3", 2}, APP_NO},
		{APP_TO_SERVER, {NULL, 0}, APP_NEED_MORE},
		{APP_TO_SERVER, {(const uint8_t *)"\x80\x1c\1\0\2", 5}, APP_YES},
		{APP_TO_SERVER, {(const uint8_t *)"\x80\x1c\1\3\1", 5}, APP_YES},
		{APP_TO_SERVER, {(const uint8_t *)"\x80\x1c\4\0\1", 5}, APP_NO},
		{APP_TO_CLIENT, {(const uint8_t *)"\x80\x1c\4\0\1", 5}, APP_YES},
		{APP_TO_SERVER, {(const uint8_t *)"\x80\x1c\1", 3}, APP_NEED_MORE},
	};
	struct app_flow f = {.transport = APP_TCP};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (app_tls.probe(&f, rows[i].dir, rows[i].bytes, false) != rows[i].want)
			test_fail(t, __FILE__, __LINE__, "row %zu", i);
}

static void a_damaged_handshake_breaks_nothing(struct test *t)
{
	for (int round = 0; round < 300; round++) {
		struct cert_parts parts = sound();
		struct slice client = record(22, client_hello(usual_extensions()));
		struct slice server = record(22, JOIN(server_hello(usual_extensions()),
						      certificates(certificate(&parts))));
		struct buf damaged = buf_in(&memory);
		struct app_says says[] = {{.bytes = client}, {.dir = APP_TO_CLIENT}};

		buf_add(&damaged, server);
		for (int i = 0; i < 3; i++)
			damaged.ptr[9 + test_rand(t) % (damaged.len - 9)] = (uint8_t)test_rand(t);
		says[1].bytes = buf_slice(&damaged);
		app_check_all(&app_tls, says, 2, 0);
		arena_reset(&memory);
	}
	arena_pool_drain(&pool);
}

TESTS(T(a_handshake_fills_the_buffers), T(ja4_follows_its_definition), T(versions_have_names),
      T(the_agreed_version_is_the_extensions), T(what_is_odd_in_a_client_is_an_anomaly),
      T(what_is_odd_in_a_certificate_is_an_anomaly),
      T(messages_may_span_records_and_records_segments), T(the_hello_of_sslv2_is_read),
      T(an_event_holds_what_is_asked_for), T(a_session_without_a_certificate_is_no_event),
      T(a_gap_is_survived_in_encrypted_data_only), T(a_swept_transaction_is_not_touched),
      T(handshake_records_start_tls), T(a_damaged_handshake_breaks_nothing))
