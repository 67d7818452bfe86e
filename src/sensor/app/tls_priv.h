/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of the TLS parser: tls.c (records, handshake, transaction), tls_hello.c (hellos and
 * their fingerprints), tls_cert.c (X.509), tls_field.c (rule buffers), tls_log.c (events).
 */
#ifndef DEW_SENSOR_APP_TLS_PRIV_H
#define DEW_SENSOR_APP_TLS_PRIV_H

#include "base/buf.h"
#include "base/cursor.h"
#include "sensor/app/app.h"

enum {		      /* what progress of a direction means */
       TLS_HELLO = 1, /* its hello is there */
       TLS_CERTS,     /* its certificates are */
       TLS_DONE,      /* from here on it is encrypted */
};

enum {
	TLS_CERTS_MAX = 16,	       /* certificates kept of a chain */
	TLS_NAMES_MAX = 128,	       /* alternative names kept of a certificate */
	TLS_ALPN_MAX = 32,	       /* protocols kept of a hello */
	TLS_LIST_MAX = 512,	       /* ciphers, extensions, algorithms kept of a hello */
	TLS_HANDSHAKE_MAX = 128 << 10, /* bytes of one handshake message */
	TLS_RANDOM_BYTES = 32,
};

#define TLS_ANOMALIES(X)                                                                           \
	X(SSLV2_HEADER, invalid_sslv2_header)                                                      \
	X(HEADER, invalid_tls_header)                                                              \
	X(RECORD_VERSION, invalid_record_version)                                                  \
	X(RECORD_TYPE, invalid_record_type)                                                        \
	X(RECORD_LENGTH, invalid_record_length)                                                    \
	X(HANDSHAKE, invalid_handshake_message)                                                    \
	X(HANDSHAKE_LENGTH, handshake_invalid_length)                                              \
	X(HEARTBEAT, heartbeat_message)                                                            \
	X(HEARTBEAT_BAD, invalid_heartbeat_message)                                                \
	X(HEARTBEAT_OVERFLOW, overflow_heartbeat_message)                                          \
	X(SNI_TWICE, multiple_sni_extensions)                                                      \
	X(SNI_TYPE, invalid_sni_type)                                                              \
	X(SNI_LENGTH, invalid_sni_length)                                                          \
	X(ALERT, error_message_encountered)                                                        \
	X(CERT_LENGTH, certificate_invalid_length)                                                 \
	X(CERT_DER, certificate_invalid_der)                                                       \
	X(CERT_VERSION, certificate_invalid_version)                                               \
	X(CERT_SERIAL, certificate_invalid_serial)                                                 \
	X(CERT_ALGORITHM, certificate_invalid_algorithmidentifier)                                 \
	X(CERT_ISSUER, certificate_invalid_issuer)                                                 \
	X(CERT_VALIDITY, certificate_invalid_validity)                                             \
	X(CERT_DATE, certificate_invalid_date)                                                     \
	X(CERT_SUBJECT, certificate_invalid_subject)                                               \
	X(CERT_EXTENSIONS, certificate_invalid_extensions)                                         \
	X(CERT, invalid_certificate)                                                               \
	X(CERT_NAME, certificate_invalid_x509name)                                                 \
	X(HEARTBEAT_LEAK, dataleak_heartbeat_mismatch)                                             \
	X(SSL_RECORD, invalid_ssl_record)                                                          \
	X(RECORDS, too_many_records_in_packet)

enum tls_anomaly {
#define X(id, name) TLS_BAD_##id,
	TLS_ANOMALIES(X)
#undef X
};

struct tls_list { /* 16-bit numbers in the order they came, GREASE left out */
	uint16_t *at;
	size_t count;
	bool cut; /* there were more than TLS_LIST_MAX */
};

struct tls_cert {
	struct slice subject, issuer;	    /* one line: "C=FR, O=Example, CN=a.example" */
	struct slice serial;		    /* "00:97:E6" */
	struct slice not_before, not_after; /* "2015-01-31T02:18:29" */
	struct slice names[TLS_NAMES_MAX];  /* subject alternative names */
	size_t name_count;
};

struct tls_side {
	bool hello;
	bool sslv2;	  /* its hello was one of SSLv2 */
	uint16_t version; /* of the hello; what was agreed, for the server */
	uint16_t legacy_version;
	struct slice random, session;
	struct tls_list ciphers, extensions, groups, formats, algorithms, versions;
	struct slice alpn[TLS_ALPN_MAX];
	size_t alpn_count;
	struct slice certs[TLS_CERTS_MAX]; /* DER, the first is the side's own */
	size_t cert_count;
	uint64_t chain;		 /* certificates there were */
	uint64_t version_number; /* version, where a rule can have it from */
	uint64_t messages;	 /* bit i: a handshake message of type i came */
	struct tls_cert *cert;	 /* the first, read; NULL: none */
	/* built when first asked for */
	struct slice ja3, ja3_hash, ja4, fingerprint;
};

struct tls_tx {
	struct tls_side side[2];
	struct slice sni;
	bool quic;   /* hellos that QUIC carries */
	bool ticket; /* the client shows one: RFC 5077 3.2 */
};

static inline void tls_anomaly(struct app_tx *tx, enum tls_anomaly a)
{
	tx->anomalies |= UINT64_C(1) << a;
}

static inline struct tls_side *tls_side(struct app_tx *tx, enum app_dir dir)
{
	return &((struct tls_tx *)tx->data)->side[dir];
}

/* tls_hello.c: the body of a handshake message. False: it is broken. */
bool app_tls_client_hello(struct app_tx *tx, struct slice body);
bool app_tls_server_hello(struct app_tx *tx, struct slice body);
struct slice app_tls_ja3(struct app_tx *tx, enum app_dir dir);	    /* JA3, or JA3S */
struct slice app_tls_ja3_hash(struct app_tx *tx, enum app_dir dir); /* its MD5 in hexadecimal */
struct slice app_tls_ja4(struct app_tx *tx);
/* "TLS 1.2", as EVE writes it; "" if unknown. */
struct slice app_tls_version(uint16_t version, struct arena *a);

/* tls_cert.c: reads the certificate in `der`. What is missing in the result was not readable; NULL
 * if there is no memory. Anomalies are set in tx. */
struct tls_cert *app_tls_cert(struct app_tx *tx, struct slice der);

/* tls_field.c */
extern const struct app_field app_tls_fields[];
/* SHA-1 of a side's certificate, "3a:0b:...". */
struct slice app_tls_fingerprint(struct app_tx *tx, enum app_dir dir);

/* tls_log.c */
bool app_tls_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r);
const void *app_tls_log_configure(struct config *root, struct config *node, struct arena *a);

#endif
