/* SPDX-License-Identifier: Apache-2.0
 * The quic event. */
#include "base/json.h"
#include "sensor/app/quic_priv.h"

enum {
	EXTENSIONS_MAX = 128, /* of a hello, said */
	EXT_SERVER_NAME = 0,
	EXT_ALPN = 16,
};

struct slice app_quic_version(uint32_t v, struct arena *a)
{
	if (v >> 24 == 'Q')
		return buf_text(a, "Q%c%c%c", (int)(v >> 16 & 255), (int)(v >> 8 & 255),
				(int)(v & 255));
	return buf_text(a, "%x", v);
}

/* IANA's TLS ExtensionType registry */
static const char *extension_name(uint16_t type)
{
	static const char *const names[] = {
		"server_name",
		"max_fragment_length",
		"client_certificate_url",
		"trusted_ca_keys",
		"truncated_hmac",
		"status_request",
		"user_mapping",
		"client_authz",
		"server_authz",
		"cert_type",
		"supported_groups",
		"ec_point_formats",
		"srp",
		"signature_algorithms",
		"use_srtp",
		"heartbeat",
		"alpn",
		"status_request_v2",
		"signed_certificate_timestamp",
		"client_certificate_type",
		"server_certificate_type",
		"padding",
		"encrypt_then_mac",
		"extended_master_secret",
		"token_binding",
		"cached_info",
		"tls_lts",
		"compress_certificate",
		"record_size_limit",
		"pwd_protect",
		"pwd_clear",
		"password_salt",
		"ticket_pinning",
		"tls_cert_with_extern_psk",
		"delegated_credentials",
		"session_ticket",
		[41] = "pre_shared_key",
		"early_data",
		"supported_versions",
		"cookie",
		"psk_key_exchange_modes",
		[47] = "certificate_authorities",
		"oid_filters",
		"post_handshake_auth",
		"signature_algorithms_cert",
		"key_share",
		"transparency_info",
		"connection_id_deprecated",
		"connection_id",
		"external_id_hash",
		"external_session_id",
		"quic_transport_parameters",
		"ticket_request",
		"dnssec_chain",
	};

	if (type < sizeof names / sizeof names[0])
		return names[type];
	return type == 0xff01 ? "renegotiation_info" : NULL;
}

/* The names in a server_name or ALPN extension. */
static void put_values(struct json *j, uint16_t type, struct slice data)
{
	struct cursor c = cursor_of(data);
	bool any = false;

	if (type != EXT_SERVER_NAME && type != EXT_ALPN)
		return;
	(void)cursor_be16(&c);
	while (cursor_left(&c) != 0) {
		struct slice s;

		if (type == EXT_SERVER_NAME)
			(void)cursor_u8(&c);
		s = cursor_take(&c, type == EXT_SERVER_NAME ? cursor_be16(&c) : cursor_u8(&c));
		if (!cursor_ok(&c))
			break;
		if (!any) {
			json_key(j, "values");
			json_array(j);
		}
		any = true;
		json_str(j, s);
	}
	if (any)
		json_end(j);
}

static void put_extensions(struct json *j, struct slice extensions)
{
	struct cursor c = cursor_of(extensions);

	json_key(j, "extensions");
	json_array(j);
	for (unsigned i = 0; i < EXTENSIONS_MAX && cursor_left(&c) != 0; i++) {
		uint16_t type = cursor_be16(&c);
		struct slice data = cursor_take(&c, cursor_be16(&c));
		const char *name = extension_name(type);

		if (!cursor_ok(&c))
			break;
		json_object(j);
		if (name != NULL) {
			json_key(j, "name");
			json_z(j, name);
		}
		json_key(j, "type");
		json_u64(j, type);
		put_values(j, type, data);
		json_end(j);
	}
	json_end(j);
}

static void put_hashed(struct json *j, const char *key, struct slice hash, struct slice string)
{
	if (hash.len == 0)
		return;
	json_key(j, key);
	json_object(j);
	json_member_some(j, "hash", hash);
	json_member_some(j, "string", string);
	json_end(j);
}

bool app_quic_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct quic_tx *d = tx->data;
	struct buf text = buf_in(scratch);
	struct json j = json_in(&text);

	if (n != 0)
		return false;
	r->making.of_packet = true;
	json_object(&j);
	json_member_some(&j, "version", app_quic_version(d->version, scratch));
	json_member_some(&j, "sni", d->tls.sni);
	json_member_some(&j, "ua", d->ua);
	if (d->cyu.len != 0) {
		json_key(&j, "cyu");
		json_array(&j);
		json_object(&j);
		json_member_some(&j, "hash", d->cyu_hash);
		json_member_some(&j, "string", d->cyu);
		json_end(&j);
		json_end(&j);
	}
	if (d->has_tls) {
		put_hashed(&j, d->dir == APP_TO_SERVER ? "ja3" : "ja3s",
			   app_tls_ja3_hash(tx, d->dir), app_tls_ja3(tx, d->dir));
		if (d->dir == APP_TO_SERVER)
			json_member_some(&j, "ja4", app_tls_ja4(tx));
		put_extensions(&j, d->extensions);
	}
	json_end(&j);
	return !text.full && record_object(r, scratch, "quic", buf_slice(&text));
}
