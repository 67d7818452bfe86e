/* SPDX-License-Identifier: Apache-2.0
 *
 * Kerberos 5: RFC 4120 5.4 (requests and replies of the KDC), 5.9.1 (errors), 7.2.2 (four bytes of
 * length on TCP). Every message that says who wants what is a transaction of its own. On its port
 * only.
 */
#include "base/ber.h"
#include "base/cursor.h"
#include "base/json.h"
#include "sensor/app/app.h"

#include <inttypes.h>

#define CONTEXT_OF(n) (uint8_t)(BER_CONTEXT | BER_CONSTRUCTED | (n))
#define APPLICATION_OF(n) (uint8_t)(BER_APPLICATION | BER_CONSTRUCTED | (n))

enum krb5_message {
	KRB5_AS_REQ = 10,
	KRB5_AS_REP = 11,
	KRB5_TGS_REQ = 12,
	KRB5_TGS_REP = 13,
	KRB5_AP_REQ = 14,
	KRB5_AP_REP = 15,
	KRB5_ERROR = 30,
};

enum krb5_anomaly { KRB5_MALFORMED, KRB5_WEAK };

enum {
	RECORD_MAX = 16384, /* no implementation sends longer ones */
	NAME_PARTS_MAX = 16,
};

struct krb5_side {
	bool lost;
};

struct krb5 {
	uint8_t asked; /* the last request's type; 0: none open */
	struct krb5_side side[2];
};

struct name {
	bool is;
	struct slice parts[NAME_PARTS_MAX];
	uint32_t count;
};

struct krb5_tx {
	enum app_dir dir;
	uint64_t type;
	struct name client, server;
	bool has_realm, has_etype, has_ticket_etype, has_error;
	struct slice realm;
	int32_t etype, ticket_etype;
	uint64_t error;
	uint8_t failed; /* which request an error answers; 0: not known */
	uint8_t ticket_bytes[4];
};

/* --- probing --- */

static bool is_message(uint8_t id)
{
	return (id >= APPLICATION_OF(KRB5_AS_REQ) && id <= APPLICATION_OF(KRB5_AP_REP)) ||
	       id == APPLICATION_OF(KRB5_ERROR);
}

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	struct cursor c = cursor_of(in);
	size_t record = in.len, length, more;

	(void)dir;
	if (!port_hint)
		return APP_NO;
	if (f->transport == APP_TCP) {
		record = cursor_be32(&c);
		if (cursor_ok(&c) && record > RECORD_MAX)
			return APP_NO;
	}
	if (cursor_left(&c) != 0 && !is_message(*c.at))
		return APP_NO;
	(void)cursor_u8(&c);
	length = cursor_u8(&c);
	if (cursor_ok(&c) && (length == 0x80 || length > 0x84))
		return APP_NO;
	more = length > 0x80 ? length & 0x7f : 0;
	if (more != 0)
		length = (size_t)cursor_be(&c, more);
	if (!cursor_ok(&c))
		return f->transport == APP_TCP ? APP_NEED_MORE : APP_NO;
	return length + more + 2 == record ? APP_YES : APP_NO;
}

/* --- messages --- */

static void anomaly(struct app_tx *tx, enum krb5_anomaly a)
{
	if (tx != NULL)
		tx->anomalies |= UINT64_C(1) << a;
}

/* RFC 4120 6.2, 8.5: modern ciphers; all others are weak or deprecated. */
static bool is_weak(int32_t etype)
{
	return !((etype >= 17 && etype <= 20) || etype == 25 || etype == 26);
}

/* 5.2.2: [0] type, [1] SEQUENCE OF KerberosString. */
static bool read_name(struct cursor *c, struct arena *a, struct name *out)
{
	struct cursor name = ber_expect(c, BER_SEQUENCE), list;

	(void)ber_take(&name, CONTEXT_OF(0));
	list = ber_expect(&name, CONTEXT_OF(1));
	list = ber_expect(&list, BER_SEQUENCE);
	while (ber_is(&list, BER_GENERAL_STRING)) {
		struct slice part = ber_take(&list, BER_GENERAL_STRING);

		if (cursor_ok(&list) && out->count < NAME_PARTS_MAX)
			out->parts[out->count++] = arena_copy(a, part);
	}
	out->is = cursor_ok(&list);
	return out->is;
}

static bool read_realm(struct cursor *c, struct app_tx *tx)
{
	struct krb5_tx *d = tx->data;
	struct slice realm = ber_take(c, BER_GENERAL_STRING);

	if (!cursor_ok(c))
		return false;
	d->realm = arena_copy(&tx->arena, realm);
	d->has_realm = true;
	return true;
}

/* 5.2.9: [0] etype, and the rest that is not read. */
static bool read_encrypted(struct cursor *c, int32_t *out)
{
	struct cursor data = ber_expect(c, BER_SEQUENCE), type = ber_expect(&data, CONTEXT_OF(0));
	int64_t v = ber_integer(&type);

	if (!cursor_ok(&type) || v < INT32_MIN || v > INT32_MAX)
		return false;
	*out = (int32_t)v;
	return true;
}

/* 5.3: [1] realm, [2] server, [3] encrypted. */
static bool read_ticket(struct cursor *c, struct app_tx *tx)
{
	struct krb5_tx *d = tx->data;
	struct cursor ticket = ber_expect(c, APPLICATION_OF(1)), part;

	ticket = ber_expect(&ticket, BER_SEQUENCE);
	(void)ber_take(&ticket, CONTEXT_OF(0));
	(void)ber_take(&ticket, CONTEXT_OF(1));
	part = ber_expect(&ticket, CONTEXT_OF(2));
	if (!read_name(&part, &tx->arena, &d->server))
		return false;
	part = ber_expect(&ticket, CONTEXT_OF(3));
	d->has_ticket_etype = read_encrypted(&part, &d->ticket_etype);
	return d->has_ticket_etype;
}

/* 5.4.1: of the body, [1] client, [2] realm, [3] server. */
static bool read_request(struct cursor *c, struct app_tx *tx)
{
	struct krb5_tx *d = tx->data;
	struct ber e;
	bool ok = true;

	while (ok && ber_next(c, &e)) {
		struct cursor body = cursor_of(e.content);

		if (e.id != CONTEXT_OF(4))
			continue;
		body = ber_expect(&body, BER_SEQUENCE);
		while (ok && ber_next(&body, &e)) {
			struct cursor part = cursor_of(e.content);

			if (e.id == CONTEXT_OF(1))
				ok = read_name(&part, &tx->arena, &d->client);
			else if (e.id == CONTEXT_OF(2))
				ok = read_realm(&part, tx);
			else if (e.id == CONTEXT_OF(3))
				ok = read_name(&part, &tx->arena, &d->server);
		}
		ok = ok && cursor_ok(&body);
	}
	return ok && cursor_ok(c);
}

/* 5.4.2: [3] realm, [4] client, [5] ticket, [6] encrypted. */
static bool read_reply(struct cursor *c, struct app_tx *tx)
{
	struct krb5_tx *d = tx->data;
	struct ber e;
	bool ok = true;

	while (ok && ber_next(c, &e)) {
		struct cursor part = cursor_of(e.content);

		if (e.id == CONTEXT_OF(3))
			ok = read_realm(&part, tx);
		else if (e.id == CONTEXT_OF(4))
			ok = read_name(&part, &tx->arena, &d->client);
		else if (e.id == CONTEXT_OF(5))
			ok = read_ticket(&part, tx);
		else if (e.id == CONTEXT_OF(6))
			ok = d->has_etype = read_encrypted(&part, &d->etype);
	}
	if (d->has_etype && is_weak(d->etype))
		anomaly(tx, KRB5_WEAK);
	return ok && cursor_ok(c);
}

/* 5.9.1: [6] code, [7] client's realm, [8] client, [9] realm, [10] server. */
static bool read_error(struct cursor *c, struct app_tx *tx)
{
	struct krb5_tx *d = tx->data;
	struct ber e;
	bool ok = true;

	while (ok && ber_next(c, &e)) {
		struct cursor part = cursor_of(e.content);

		if (e.id == CONTEXT_OF(6)) {
			d->error = (uint64_t)ber_integer(&part);
			ok = d->has_error = cursor_ok(&part);
		} else if (e.id == CONTEXT_OF(7)) {
			ok = read_realm(&part, tx);
		} else if (e.id == CONTEXT_OF(8)) {
			ok = read_name(&part, &tx->arena, &d->client);
		} else if (e.id == CONTEXT_OF(10)) {
			ok = read_name(&part, &tx->arena, &d->server);
		}
	}
	return ok && cursor_ok(c);
}

/* One whole message. False: no memory. */
static bool message(struct app_flow *f, enum app_dir dir, struct slice in)
{
	struct krb5 *s = f->parser;
	struct cursor c = cursor_of(in), body;
	struct app_tx *tx;
	struct krb5_tx *d;
	struct ber e;
	bool ok;

	if (!ber_next(&c, &e) || (e.id & BER_CLASS) != BER_APPLICATION) {
		anomaly(f->last, KRB5_MALFORMED);
		return true;
	}
	if (e.tag == KRB5_AP_REQ || e.tag == KRB5_AP_REP)
		s->asked = e.tag == KRB5_AP_REQ ? KRB5_AP_REQ : 0;
	if (e.tag != KRB5_ERROR && (e.tag < KRB5_AS_REQ || e.tag > KRB5_TGS_REP))
		return true; /* nothing that is told */
	tx = app_tx_new(f, sizeof *d);
	if (tx == NULL)
		return false;
	d = tx->data;
	d->dir = dir;
	d->type = e.tag;
	body = cursor_of(e.content);
	body = ber_expect(&body, BER_SEQUENCE);
	if (e.tag == KRB5_AS_REQ || e.tag == KRB5_TGS_REQ) {
		ok = read_request(&body, tx);
		s->asked = (uint8_t)e.tag;
	} else {
		ok = e.tag == KRB5_ERROR ? read_error(&body, tx) : read_reply(&body, tx);
		d->failed = s->asked;
		s->asked = 0;
	}
	if (!ok)
		anomaly(tx, KRB5_MALFORMED);
	app_tx_advance(tx, APP_TO_SERVER, 1);
	app_tx_advance(tx, APP_TO_CLIENT, 1);
	return true;
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct krb5 *s = f->parser;
	struct cursor c = cursor_of(input);
	bool ok = true;

	(void)eof; /* a message cut short says nothing */
	if (f->transport == APP_UDP) {
		if (input.len != 0)
			ok = message(f, dir, input);
		return (struct app_result){ok ? APP_OK : APP_STUCK, input.len};
	}
	while (ok && cursor_left(&c) != 0) {
		struct cursor look = c;
		size_t length = cursor_be32(&look);

		if (!cursor_ok(&look))
			break;
		if (s->side[dir].lost &&
		    (length > RECORD_MAX || (cursor_left(&look) != 0 && !is_message(*look.at)))) {
			(void)cursor_u8(&c); /* look on */
			continue;
		}
		if (length > RECORD_MAX) {
			anomaly(f->last, KRB5_MALFORMED);
			return (struct app_result){APP_STUCK, input.len - cursor_left(&c)};
		}
		if (cursor_left(&look) < length || (s->side[dir].lost && length == 0))
			break;
		s->side[dir].lost = false;
		ok = length == 0 || message(f, dir, cursor_take(&look, length));
		c = look;
	}
	return (struct app_result){ok ? APP_OK : APP_STUCK, input.len - cursor_left(&c)};
}

static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	struct krb5 *s = f->parser;

	(void)missing;
	s->side[dir].lost = true;
	return true;
}

/* --- what rules look at --- */

#define BOTH (1u << APP_TO_SERVER | 1u << APP_TO_CLIENT)

static const struct slice none = {NULL, 0};

static struct slice part_of(const struct name *name, unsigned n)
{
	if (n >= name->count)
		return none;
	return name->parts[n].len != 0 ? name->parts[n] : SLICE("");
}

static struct slice get_type(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct krb5_tx *d = tx->data;

	return d->dir == dir ? app_number(&d->type) : none;
}

static struct slice get_error(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct krb5_tx *d = tx->data;

	return d->dir == dir && d->has_error ? app_number(&d->error) : none;
}

static struct slice get_client(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct krb5_tx *d = tx->data;

	return d->dir == dir ? part_of(&d->client, n) : none;
}

static struct slice get_server(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct krb5_tx *d = tx->data;

	return d->dir == dir ? part_of(&d->server, n) : none;
}

static struct slice get_ticket(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	struct krb5_tx *d = tx->data;
	uint32_t v = (uint32_t)d->ticket_etype;

	if (d->dir != dir || !d->has_ticket_etype)
		return none;
	for (size_t i = 0; i < 4; i++)
		d->ticket_bytes[i] = (uint8_t)(v >> (24 - 8 * i));
	return (struct slice){d->ticket_bytes, 4};
}

static const struct app_field fields[] = {
	{"krb5_msg_type", BOTH, 0, false, false, get_type, "The message's type.", APP_NUMBERS,
	 NULL},
	{"krb5_err_code", BOTH, 0, false, false, get_error, "An error's code.", APP_NUMBERS, NULL},
	{"krb5.cname", BOTH, 0, false, true, get_client, "Each part of the client's name."},
	{"krb5.sname", BOTH, 0, false, true, get_server, "Each part of the server's name."},
	{"krb5.ticket_encryption", BOTH, 0, false, false, get_ticket,
	 "How a ticket is encrypted: four bytes, most significant first."},
	{0},
};

static const char *const anomalies[] = {
	[KRB5_MALFORMED] = "malformed_data",
	[KRB5_WEAK] = "weak_encryption",
	NULL,
};

/* --- EVE --- */

static const struct app_word errors[] = {
	{"KDC_ERR_NONE", 0},
	{"KDC_ERR_NAME_EXP", 1},
	{"KDC_ERR_SERVICE_EXP", 2},
	{"KDC_ERR_BAD_PVNO", 3},
	{"KDC_ERR_C_OLD_MAST_KVNO", 4},
	{"KDC_ERR_S_OLD_MAST_KVNO", 5},
	{"KDC_ERR_C_PRINCIPAL_UNKNOWN", 6},
	{"KDC_ERR_S_PRINCIPAL_UNKNOWN", 7},
	{"KDC_ERR_PRINCIPAL_NOT_UNIQUE", 8},
	{"KDC_ERR_NULL_KEY", 9},
	{"KDC_ERR_CANNOT_POSTDATE", 10},
	{"KDC_ERR_NEVER_VALID", 11},
	{"KDC_ERR_POLICY", 12},
	{"KDC_ERR_BADOPTION", 13},
	{"KDC_ERR_ETYPE_NOSUPP", 14},
	{"KDC_ERR_SUMTYPE_NOSUPP", 15},
	{"KDC_ERR_PADATA_TYPE_NOSUPP", 16},
	{"KDC_ERR_TRTYPE_NOSUPP", 17},
	{"KDC_ERR_CLIENT_REVOKED", 18},
	{"KDC_ERR_SERVICE_REVOKED", 19},
	{"KDC_ERR_TGT_REVOKED", 20},
	{"KDC_ERR_CLIENT_NOTYET", 21},
	{"KDC_ERR_SERVICE_NOTYET", 22},
	{"KDC_ERR_KEY_EXPIRED", 23},
	{"KDC_ERR_PREAUTH_FAILED", 24},
	{"KDC_ERR_PREAUTH_REQUIRED", 25},
	{"KDC_ERR_SERVER_NOMATCH", 26},
	{"KDC_ERR_MUST_USE_USER2USER", 27},
	{"KDC_ERR_PATH_NOT_ACCEPTED", 28},
	{"KDC_ERR_SVC_UNAVAILABLE", 29},
	{"KRB_AP_ERR_BAD_INTEGRITY", 31},
	{"KRB_AP_ERR_TKT_EXPIRED", 32},
	{"KRB_AP_ERR_TKT_NYV", 33},
	{"KRB_AP_ERR_REPEAT", 34},
	{"KRB_AP_ERR_NOT_US", 35},
	{"KRB_AP_ERR_BADMATCH", 36},
	{"KRB_AP_ERR_SKEW", 37},
	{"KRB_AP_ERR_BADADDR", 38},
	{"KRB_AP_ERR_BADVERSION", 39},
	{"KRB_AP_ERR_MSG_TYPE", 40},
	{"KRB_AP_ERR_MODIFIED", 41},
	{"KRB_AP_ERR_BADORDER", 42},
	{"KRB_AP_ERR_BADKEYVER", 44},
	{"KRB_AP_ERR_NOKEY", 45},
	{"KRB_AP_ERR_MUT_FAIL", 46},
	{"KRB_AP_ERR_BADDIRECTION", 47},
	{"KRB_AP_ERR_METHOD", 48},
	{"KRB_AP_ERR_BADSEQ", 49},
	{"KRB_AP_ERR_INAPP_CKSUM", 50},
	{"KRB_AP_PATH_NOT_ACCEPTED", 51},
	{"KRB_ERR_RESPONSE_TOO_BIG", 52},
	{"KRB_ERR_GENERIC", 60},
	{"KRB_ERR_FIELD_TOOLONG", 61},
	{"KDC_ERROR_CLIENT_NOT_TRUSTED", 62},
	{"KDC_ERROR_KDC_NOT_TRUSTED", 63},
	{"KDC_ERROR_INVALID_SIG", 64},
	{"KDC_ERR_KEY_TOO_WEAK", 65},
	{"KDC_ERR_CERTIFICATE_MISMATCH", 66},
	{"KRB_AP_ERR_NO_TGT", 67},
	{"KDC_ERR_WRONG_REALM", 68},
	{"KRB_AP_ERR_USER_TO_USER_REQUIRED", 69},
	{0},
};

static const struct app_word messages[] = {
	{"KRB_AS_REQ", KRB5_AS_REQ},   {"KRB_AS_REP", KRB5_AS_REP},
	{"KRB_TGS_REQ", KRB5_TGS_REQ}, {"KRB_TGS_REP", KRB5_TGS_REP},
	{"KRB_AP_REQ", KRB5_AP_REQ},   {"KRB_AP_REP", KRB5_AP_REP},
	{"KRB_ERROR", KRB5_ERROR},     {0},
};

static struct slice etype_name(int32_t etype, struct arena *a)
{
	static const struct {
		int32_t etype;
		const char *name;
	} names[] = {{0, "NULL"},
		     {1, "DES_CBC_CRC"},
		     {2, "DES_CBC_MD4"},
		     {3, "DES_CBC_MD5"},
		     {5, "DES3_CBC_MD5"},
		     {7, "DES3_CBC_SHA1"},
		     {9, "DSAWITHSHA1_CMSOID"},
		     {10, "MD5WITHRSAENCRYPTION_CMSOID"},
		     {11, "SHA1WITHRSAENCRYPTION_CMSOID"},
		     {12, "RC2CBC_ENVOID"},
		     {13, "RSAENCRYPTION_ENVOID"},
		     {14, "RSAES_OAEP_ENV_OID"},
		     {15, "DES_EDE3_CBC_ENV_OID"},
		     {16, "DES3_CBC_SHA1_KD"},
		     {17, "AES128_CTS_HMAC_SHA1_96"},
		     {18, "AES256_CTS_HMAC_SHA1_96"},
		     {19, "AES128_CTS_HMAC_SHA256_128"},
		     {20, "AES256_CTS_HMAC_SHA384_192"},
		     {23, "RC4_HMAC"},
		     {24, "RC4_HMAC_EXP"},
		     {25, "CAMELLIA128_CTS_CMAC"},
		     {26, "CAMELLIA256_CTS_CMAC"},
		     {-133, "RC4_HMAC_OLD"},
		     {-135, "RC4_HMAC_OLD_EXP"}};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].etype == etype)
			return slice_of(names[i].name);
	return buf_text(a, "EncryptionType(%" PRId32 ")", etype);
}

static struct slice word_of(const struct app_word *words, uint64_t value, const char *else_,
			    struct arena *a)
{
	const char *name = app_word_name(words, value);

	return name != NULL ? slice_of(name) : buf_text(a, "%s(%" PRIu64 ")", else_, value);
}

static void put_name(struct json *j, const char *key, const struct name *name, struct arena *a)
{
	struct buf b = buf_in(a);

	json_key(j, key);
	for (uint32_t i = 0; i < name->count; i++) {
		if (i != 0)
			buf_add_byte(&b, '/');
		buf_add(&b, name->parts[i]);
	}
	json_str(j, name->is ? buf_slice(&b) : SLICE("<empty>"));
}

static bool log_tx(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct krb5_tx *d = tx->data;
	struct buf b = buf_in(scratch);
	struct json j = json_in(&b);

	if (n != 0)
		return false;
	json_object(&j);
	json_key(&j, "msg_type");
	json_str(&j, word_of(messages, d->type, "MessageType", scratch));
	if (d->has_error) {
		json_key(&j, "failed_request");
		json_str(&j, d->failed != 0 ? word_of(messages, d->failed, "MessageType", scratch)
					    : SLICE("UNKNOWN"));
		json_key(&j, "error_code");
		json_str(&j, word_of(errors, d->error, "ErrorCode", scratch));
	}
	put_name(&j, "cname", &d->client, scratch);
	json_key(&j, "realm");
	json_str(&j, d->has_realm ? d->realm : SLICE("<empty>"));
	put_name(&j, "sname", &d->server, scratch);
	json_key(&j, "encryption");
	json_str(&j, d->has_etype ? etype_name(d->etype, scratch) : SLICE("<none>"));
	json_key(&j, "weak_encryption");
	json_bool(&j, d->has_etype && is_weak(d->etype));
	if (d->has_ticket_etype) {
		json_key(&j, "ticket_encryption");
		json_str(&j, etype_name(d->ticket_etype, scratch));
		json_key(&j, "ticket_weak_encryption");
		json_bool(&j, is_weak(d->ticket_etype));
	}
	json_end(&j);
	return !b.full && record_object(r, scratch, "krb5", buf_slice(&b));
}

static const uint16_t ports[] = {88, 0};

APP_PROTOCOL(krb5) = {
	.name = "krb5",
	.spec = "RFC 4120",
	.transports = APP_TCP | APP_UDP,
	.ports = ports,
	.fields = fields,
	.anomalies = anomalies,
	.complete = {1, 1},
	.parser_bytes = sizeof(struct krb5),
	.probe = probe,
	.parse = parse,
	.gap = gap,
	.log = log_tx,
};
