/* SPDX-License-Identifier: Apache-2.0
 *
 * Which bytes the steps look at. The buffers themselves are the fields of the application protocols
 * (app_field_find): every field is a sticky buffer by its own name. The rows here are the older
 * names, and the older form that stands behind its content.
 */
#include "sensor/detect/detect_priv.h"

static enum status compile_sticky(struct detect_compiler *c, const struct detect_keyword *kw,
				  struct slice value, struct fail *why)
{
	return detect_stick(c, slice_of(kw->field), why);
}

/* Moves the last content from the payload to the field. */
static enum status compile_modifier(struct detect_compiler *c, const struct detect_keyword *kw,
				    struct slice value, struct fail *why)
{
	struct detect_draft_list *from = c->current, *to;
	struct detect_step step;
	uint32_t at = from->count;
	enum status st;

	while (at > 0 && from->steps[at - 1].operand != c->content)
		at--;
	if (c->content == NULL || c->sticky || at == 0)
		return fail_set(why, ST_INVALID, "%s needs a content before it", kw->name);
	if (c->content->raw)
		return fail_set(why, ST_INVALID, "%s does not go with rawbytes", kw->name);
	st = detect_list_for(c, slice_of(kw->field), &to, why);
	if (st != ST_OK)
		return st;
	if (to->count == DETECT_STEPS_MAX)
		return fail_set(why, ST_LIMIT, "more than %d steps", DETECT_STEPS_MAX);
	step = from->steps[at - 1];
	for (uint32_t i = at; i < from->count; i++)
		from->steps[i - 1] = from->steps[i];
	from->count--;
	to->steps[to->count++] = step;
	c->last = to;
	return ST_OK;
}

#define STICKY(old, modern)                                                                        \
	{                                                                                          \
		.name = (old), .field = (modern), .kind = KIND_BUFFER, .bare = true,               \
		.compile = compile_sticky, .doc = "older name of " modern                          \
	}
#define MODIFIER(old, modern)                                                                      \
	{                                                                                          \
		.name = (old), .field = (modern), .kind = KIND_MODIFIER, .bare = true,             \
		.compile = compile_modifier,                                                       \
		.doc = "the content before it is looked for in " modern                            \
	}

KEYWORD(buffer) = {
	{.name = "pkt_data",
	 .field = "payload",
	 .kind = KIND_BUFFER,
	 .bare = true,
	 .compile = compile_sticky,
	 .doc = "back to the payload"},
	STICKY("file_data", "file.data"),
	STICKY("dns_query", "dns.query"),
	STICKY("dns.query.name", "dns.queries.rrname"),
	STICKY("tls_sni", "tls.sni"),
	STICKY("tls_cert_subject", "tls.cert_subject"),
	STICKY("tls_cert_issuer", "tls.cert_issuer"),
	STICKY("tls_cert_serial", "tls.cert_serial"),
	STICKY("tls_cert_fingerprint", "tls.cert_fingerprint"),
	STICKY("ja3_hash", "ja3.hash"),
	STICKY("ja3_string", "ja3.string"),
	STICKY("smb_named_pipe", "smb.named_pipe"),
	STICKY("smb_share", "smb.share"),
	STICKY("dce_stub_data", "dcerpc.stub_data"),
	STICKY("ssh_proto", "ssh.proto"),
	STICKY("ssh_software", "ssh.software"),
	STICKY("krb5_cname", "krb5.cname"),
	STICKY("krb5_sname", "krb5.sname"),
	STICKY("http_accept", "http.accept"),
	STICKY("http_accept_enc", "http.accept_enc"),
	STICKY("http_accept_lang", "http.accept_lang"),
	STICKY("http_connection", "http.connection"),
	STICKY("http_content_len", "http.content_len"),
	STICKY("http_content_type", "http.content_type"),
	STICKY("http_header_names", "http.header_names"),
	STICKY("http_protocol", "http.protocol"),
	STICKY("http_referer", "http.referer"),
	STICKY("http_request_line", "http.request_line"),
	STICKY("http_response_line", "http.response_line"),
	STICKY("http_start", "http.start"),
	MODIFIER("http_uri", "http.uri"),
	MODIFIER("http_raw_uri", "http.uri.raw"),
	MODIFIER("http_method", "http.method"),
	MODIFIER("http_header", "http.header"),
	MODIFIER("http_raw_header", "http.header.raw"),
	MODIFIER("http_cookie", "http.cookie"),
	MODIFIER("http_user_agent", "http.user_agent"),
	MODIFIER("http_host", "http.host"),
	MODIFIER("http_raw_host", "http.host.raw"),
	MODIFIER("http_client_body", "http.request_body"),
	MODIFIER("http_server_body", "http.response_body"),
	MODIFIER("http_stat_code", "http.stat_code"),
	MODIFIER("http_stat_msg", "http.stat_msg"),
	{0},
};

struct slice detect_old_name(struct slice name)
{
	if (slice_equal(name, SLICE("http.response_body")))
		name = SLICE("file.data"); /* one buffer there */
	for (const struct detect_keyword *k = detect_kw_buffer; k->name != NULL; k++)
		if (slice_equal(name, slice_of(k->field)))
			return slice_of(k->name);
	return name;
}
