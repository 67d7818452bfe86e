/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS's events: for detectors and evidence the typed record; for EVE's readers also what an eve-log
 * asks for with `extended:` or names under `custom:`, as Suricata 8.
 */
#include "base/json.h"
#include "crypto/crypto.h"
#include "sensor/app/tls_priv.h"

#define FIELDS(X)                                                                                  \
	X(VERSION, version)                                                                        \
	X(SUBJECT, subject)                                                                        \
	X(ISSUER, issuer)                                                                          \
	X(SERIAL, serial)                                                                          \
	X(FINGERPRINT, fingerprint)                                                                \
	X(NOT_BEFORE, not_before)                                                                  \
	X(NOT_AFTER, not_after)                                                                    \
	X(SNI, sni)                                                                                \
	X(CERTIFICATE, certificate)                                                                \
	X(CHAIN, chain)                                                                            \
	X(SESSION_RESUMED, session_resumed)                                                        \
	X(JA3, ja3)                                                                                \
	X(JA3S, ja3s)                                                                              \
	X(JA4, ja4)                                                                                \
	X(CLIENT, client)                                                                          \
	X(CLIENT_CERTIFICATE, client_certificate)                                                  \
	X(CLIENT_CHAIN, client_chain)                                                              \
	X(NAMES, subjectaltname)                                                                   \
	X(CLIENT_ALPNS, client_alpns)                                                              \
	X(SERVER_ALPNS, server_alpns)                                                              \
	X(CLIENT_HANDSHAKE, client_handshake)                                                      \
	X(SERVER_HANDSHAKE, server_handshake)

enum field {
#define X(id, name) FIELD_##id,
	FIELDS(X)
#undef X
		FIELD_COUNT
};

static const char *const field_names[FIELD_COUNT] = {
#define X(id, name) #name,
	FIELDS(X)
#undef X
};

#define BIT(id) (UINT32_C(1) << FIELD_##id)
#define BASIC (BIT(SUBJECT) | BIT(ISSUER) | BIT(NAMES))
#define EXTENDED                                                                                   \
	(BASIC | BIT(VERSION) | BIT(SERIAL) | BIT(FINGERPRINT) | BIT(NOT_BEFORE) |                 \
	 BIT(NOT_AFTER) | BIT(SNI) | BIT(SESSION_RESUMED) | BIT(JA3) | BIT(JA3S) | BIT(JA4) |      \
	 BIT(CLIENT) | BIT(CLIENT_ALPNS) | BIT(SERVER_ALPNS))

enum { TLS13 = 0x0304, DRAFT_MAJOR = 0x7f };

struct asked {
	uint32_t fields;
	bool resumed; /* sessions without a certificate, too, when they go on from an earlier one */
};

/* ---- what was agreed ---- */

static bool is_tls13(const struct tls_side *server)
{
	return server->hello && (server->version == TLS13 || server->version >> 8 == DRAFT_MAJOR);
}

static bool has_certificate(const struct tls_side *side)
{
	return side->cert != NULL && side->cert->subject.len != 0 && side->cert->issuer.len != 0;
}

/* The server took up the session that the client named, or the ticket that it showed; in TLS 1.3
 * neither says so. */
static bool is_resumed(const struct tls_tx *x)
{
	const struct tls_side *client = &x->side[APP_TO_SERVER], *server = &x->side[APP_TO_CLIENT];
	bool same = client->session.len != 0 && slice_equal(client->session, server->session);

	return server->hello && !has_certificate(server) && !is_tls13(server) &&
	       (same || x->ticket);
}

/* ---- pieces ---- */

/* Fields beside the typed ones, in group "tls". */
struct maker {
	struct arena *arena;
	struct record *r;
};

static void add_json(struct maker *m, const char *name, const struct buf *b)
{
	if (!b->full && b->len != 0) /* else there is no memory: it is left out */
		(void)record_more(m->r, m->arena, SLICE("tls"), slice_of(name), buf_slice(b));
}

static void add_text(struct maker *m, const char *name, struct slice text)
{
	struct buf b = buf_in(m->arena);
	struct json j = json_in(&b);

	if (text.len == 0)
		return;
	json_str(&j, text);
	add_json(m, name, &b);
}

static void put_texts(struct json *j, const struct slice *texts, size_t n)
{
	json_array(j);
	for (size_t i = 0; i < n; i++)
		json_str(j, texts[i]);
	json_end(j);
}

static void add_texts(struct maker *m, const char *name, const struct slice *texts, size_t n)
{
	struct buf b = buf_in(m->arena);
	struct json j = json_in(&b);

	if (n == 0)
		return;
	put_texts(&j, texts, n);
	add_json(m, name, &b);
}

static void put_base64(struct json *j, struct slice bytes, struct arena *a)
{
	struct buf text = buf_in(a);

	crypto_base64_add(CRYPTO_BASE64, bytes, &text);
	json_str(j, text.full ? SLICE("") : buf_slice(&text));
}

static void put_chain(struct json *j, const struct tls_side *side, struct arena *a)
{
	json_array(j);
	for (size_t i = 0; i < side->cert_count; i++)
		put_base64(j, side->certs[i], a);
	json_end(j);
}

static void put_numbers(struct json *j, const char *key, const struct tls_list *l)
{
	if (l->count == 0)
		return;
	json_key(j, key);
	json_array(j);
	for (size_t i = 0; i < l->count; i++)
		json_u64(j, l->at[i]);
	json_end(j);
}

static void add_ja3s(struct maker *m, struct app_tx *tx)
{
	struct buf b = buf_in(m->arena);
	struct json j = json_in(&b);

	if (app_tls_ja3_hash(tx, APP_TO_CLIENT).len == 0)
		return;
	json_object(&j);
	json_member_some(&j, "hash", app_tls_ja3_hash(tx, APP_TO_CLIENT));
	json_member_some(&j, "string", app_tls_ja3(tx, APP_TO_CLIENT));
	json_end(&j);
	add_json(m, "ja3s", &b);
}

/* The highest version that a hello names. */
static uint16_t best_version(const struct tls_side *side)
{
	uint16_t best = side->legacy_version > side->version ? side->legacy_version : side->version;

	for (size_t i = 0; i < side->versions.count; i++)
		if (side->versions.at[i] > best)
			best = side->versions.at[i];
	return best;
}

static void add_handshake(struct maker *m, const char *name, const struct tls_side *side,
			  bool client)
{
	struct buf b = buf_in(m->arena);
	struct json j = json_in(&b);

	if (!side->hello)
		return;
	json_object(&j);
	json_member_some(&j, "version", app_tls_version(best_version(side), m->arena));
	if (client) {
		put_numbers(&j, "ciphers", &side->ciphers);
	} else {
		json_key(&j, "cipher");
		json_u64(&j, side->ciphers.count != 0 ? side->ciphers.at[0] : 0);
	}
	put_numbers(&j, "exts", &side->extensions);
	if (client)
		put_numbers(&j, "sig_algs", &side->algorithms);
	json_end(&j);
	add_json(m, name, &b);
}

/* The certificate that the client shows. */
static void add_client(struct maker *m, struct app_tx *tx, uint32_t fields)
{
	const struct tls_side *side = tls_side(tx, APP_TO_SERVER);
	struct buf b = buf_in(m->arena);
	struct json j = json_in(&b);

	if (side->cert == NULL || (side->cert->subject.len == 0 && side->cert->issuer.len == 0))
		return;
	json_object(&j);
	json_member_some(&j, "subject", side->cert->subject);
	json_member_some(&j, "issuerdn", side->cert->issuer);
	json_member_some(&j, "fingerprint", app_tls_fingerprint(tx, APP_TO_SERVER));
	json_member_some(&j, "serial", side->cert->serial);
	json_member_some(&j, "notbefore", side->cert->not_before);
	json_member_some(&j, "notafter", side->cert->not_after);
	if ((fields & BIT(CLIENT_CERTIFICATE)) != 0) {
		json_key(&j, "certificate");
		put_base64(&j, side->certs[0], m->arena);
	}
	if ((fields & BIT(CLIENT_CHAIN)) != 0) {
		json_key(&j, "chain");
		put_chain(&j, side, m->arena);
	}
	json_end(&j);
	add_json(m, "client", &b);
}

/* ---- the event ---- */

/* What has a row of its own in the table of record.c. */
static void fill(struct app_tx *tx, uint32_t fields, struct record_tls *out)
{
	const struct tls_tx *x = tx->data;
	const struct tls_side *server = &x->side[APP_TO_CLIENT];

	*out = (struct record_tls){0};
	if ((fields & BIT(SNI)) != 0)
		out->sni = x->sni;
	if ((fields & BIT(FINGERPRINT)) != 0)
		out->fingerprint = app_tls_fingerprint(tx, APP_TO_CLIENT);
	if ((fields & BIT(JA3)) != 0) {
		out->ja3 = app_tls_ja3_hash(tx, APP_TO_SERVER);
		out->ja3_string = app_tls_ja3(tx, APP_TO_SERVER);
	}
	if (server->cert == NULL)
		return;
	if ((fields & BIT(SUBJECT)) != 0)
		out->subject = server->cert->subject;
	if ((fields & BIT(ISSUER)) != 0)
		out->issuer = server->cert->issuer;
	if ((fields & BIT(SERIAL)) != 0)
		out->serial = server->cert->serial;
	if ((fields & BIT(NOT_BEFORE)) != 0)
		out->not_before = server->cert->not_before;
	if ((fields & BIT(NOT_AFTER)) != 0)
		out->not_after = server->cert->not_after;
}

static void add_rest(struct maker *m, struct app_tx *tx, uint32_t fields)
{
	const struct tls_tx *x = tx->data;
	const struct tls_side *client = &x->side[APP_TO_SERVER], *server = &x->side[APP_TO_CLIENT];
	struct buf b = buf_in(m->arena), certificate = buf_in(m->arena);
	struct json j = json_in(&b), c = json_in(&certificate);

	if ((fields & BIT(NAMES)) != 0 && server->cert != NULL)
		add_texts(m, "subjectaltname", server->cert->names, server->cert->name_count);
	if ((fields & BIT(SESSION_RESUMED)) != 0 && is_resumed(x))
		(void)record_more(m->r, m->arena, SLICE("tls"), SLICE("session_resumed"),
				  SLICE("true"));
	if ((fields & BIT(CERTIFICATE)) != 0 && server->cert_count != 0) {
		put_base64(&c, server->certs[0], m->arena);
		add_json(m, "certificate", &certificate);
	}
	if ((fields & BIT(CHAIN)) != 0 && server->cert_count != 0) {
		put_chain(&j, server, m->arena);
		add_json(m, "chain", &b);
	}
	if ((fields & BIT(JA3S)) != 0)
		add_ja3s(m, tx);
	if ((fields & BIT(JA4)) != 0)
		add_text(m, "ja4", app_tls_ja4(tx));
	if ((fields & BIT(CLIENT_ALPNS)) != 0)
		add_texts(m, "client_alpns", client->alpn, client->alpn_count);
	if ((fields & BIT(SERVER_ALPNS)) != 0)
		add_texts(m, "server_alpns", server->alpn, server->alpn_count);
	if ((fields & BIT(CLIENT_HANDSHAKE)) != 0)
		add_handshake(m, "client_handshake", client, true);
	if ((fields & BIT(SERVER_HANDSHAKE)) != 0)
		add_handshake(m, "server_handshake", server, false);
	if ((fields & BIT(CLIENT)) != 0)
		add_client(m, tx, fields);
}

bool app_tls_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct asked *asked = r->making.asked;
	const struct tls_tx *x = tx->data;
	const struct tls_side *client = &x->side[APP_TO_SERVER], *server = &x->side[APP_TO_CLIENT];
	uint32_t fields = asked != NULL ? asked->fields : EXTENDED;
	struct maker m = {scratch, r};
	struct slice version;

	if (n != 0 || (!server->hello && !client->hello))
		return false;
	if (asked != NULL && !r->making.judged && server->hello && !has_certificate(server) &&
	    !is_tls13(server) && !(asked->resumed && is_resumed(x)))
		return false;
	r->kind = RECORD_TLS;
	version = app_tls_version(server->hello ? server->version : client->version, scratch);
	if (r->making.judged) {
		fill(tx, EXTENDED, &r->u.tls);
		r->u.tls.ja3s = app_tls_ja3_hash(tx, APP_TO_CLIENT);
		r->u.tls.version = version;
		return true;
	}
	fill(tx, fields, &r->u.tls);
	if ((fields & BIT(VERSION)) != 0)
		r->u.tls.version = version;
	add_rest(&m, tx, fields);
	return true;
}

/* ---- settings ---- */

static uint32_t custom_fields(struct config *list)
{
	uint32_t fields = 0;

	for (struct config *c = config_first(list); c != NULL; c = config_next(c)) {
		unsigned i = 0;

		while (i < FIELD_COUNT && !slice_equal_nocase(c->value, slice_of(field_names[i])))
			i++;
		if (i < FIELD_COUNT)
			fields |= UINT32_C(1) << i;
		else
			config_problem(c, "no field of TLS events has this name");
	}
	return fields;
}

/* "auto", which is also what is taken without a word, is yes: an event that shows them wants them.
 */
static bool wants_fingerprints(struct config *root, const char *key)
{
	struct config *tls = config_at(root, "app-layer.protocols.tls");

	return slice_equal_nocase(config_text(tls, key, ""), SLICE("auto")) ||
	       config_bool(tls, key, true);
}

const void *app_tls_log_configure(struct config *root, struct config *node, struct arena *a)
{
	struct asked *out = ARENA_NEW(a, struct asked);
	struct config *custom = config_at(node, "custom");

	if (out == NULL)
		return NULL;
	out->fields = config_bool(node, "extended", false) ? EXTENDED : BASIC;
	if (!wants_fingerprints(root, "ja3-fingerprints"))
		out->fields &= ~(BIT(JA3) | BIT(JA3S));
	if (!wants_fingerprints(root, "ja4-fingerprints"))
		out->fields &= ~BIT(JA4);
	if (custom != NULL)
		out->fields = custom_fields(custom);
	if ((out->fields & (BIT(CLIENT_CERTIFICATE) | BIT(CLIENT_CHAIN))) != 0)
		out->fields |= BIT(CLIENT);
	out->resumed = config_bool(node, "session-resumption", true);
	if (out->resumed)
		out->fields |= BIT(SESSION_RESUMED);
	return out;
}
