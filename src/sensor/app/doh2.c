/* SPDX-License-Identifier: Apache-2.0
 *
 * DNS over HTTP/2: RFC 8484. It is HTTP/2 until a message carries DNS, in the query of a GET or as
 * a body; from then on the flow is "doh2": its transactions are HTTP/2's and have DNS's fields,
 * too.
 */
#include "base/json.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "sensor/app/dns_priv.h"
#include "sensor/app/http2_priv.h"

enum { MESSAGE_MAX = 65535 /* bytes of a DNS message: RFC 1035 4.2.2 */ };

/* What the flow is after app_become(). */
static bool is_doh2(const struct app_flow *f)
{
	return f->protocol != NULL && f->protocol->more == app_dns_fields;
}

static bool header_is(struct app_tx *tx, enum app_dir dir, struct slice name)
{
	return slice_equal_nocase(http_header_of(tx, dir, name), SLICE("application/dns-message"));
}

/* bytes live in tx->arena. If they are a DNS message, tx carries it from now on. */
static void carry(struct app_tx *tx, enum app_dir dir, struct slice bytes)
{
	struct app_flow *f = ((const struct http_tx *)tx->data)->flow;
	struct dns *d = ARENA_NEW(&tx->arena, struct dns);

	if (d != NULL && app_dns_read(d, bytes, dir, &tx->arena) &&
	    (is_doh2(f) || app_become(f, "doh2")))
		tx->carried[dir] = d;
}

/* RFC 8484 6: the value of "dns" in a target's query, base64url without padding. */
static struct slice parameter(struct slice target)
{
	struct slice rest = target, one;

	(void)slice_split(&rest, '?');
	while (rest.ptr != NULL) {
		one = slice_split(&rest, '&');
		if (slice_starts(one, SLICE("dns=")))
			return slice_from(one, 4);
	}
	return (struct slice){NULL, 0};
}

void app_doh2_head(struct app_tx *tx, enum app_dir dir)
{
	struct http_tx *x = tx->data;
	struct slice text, bytes;

	x->dns[dir] = header_is(tx, dir, SLICE("content-type"));
	if (dir == APP_TO_CLIENT || !header_is(tx, dir, SLICE("accept")))
		return;
	text = parameter(http_side(tx, dir)->uri);
	if (text.len == 0)
		return;
	if (crypto_base64_take(CRYPTO_BASE64URL, text, &tx->arena, &bytes) == ST_OK)
		carry(tx, dir, bytes);
}

bool app_doh2_body(struct app_tx *tx, enum app_dir dir)
{
	const struct http_message *m = http_side(tx, dir);

	if (!((const struct http_tx *)tx->data)->dns[dir])
		return true;
	if (m->body_seen > MESSAGE_MAX)
		return false;
	if (!m->body_cut)
		carry(tx, dir, buf_slice(&m->body));
	return true;
}

/* No flow begins as this: see app_doh2_head(). */
static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	return is_doh2(f) ? app_http2_probe(f, dir, in, port_hint) : APP_NO;
}

/* HTTP/2's object "http" of tx; ptr NULL: there is nothing to say. */
static struct slice http_object(struct app_tx *tx, struct arena *a)
{
	struct record said = {0};
	struct record_field *fields = ARENA_ARRAY(a, struct record_field, RECORD_FIELDS_MAX);
	struct buf b = buf_in(a);
	struct json j = json_in(&b);
	size_t n = 0;

	if (fields != NULL && app_http2_log(tx, 0, a, &said))
		n = record_fields(&said, a, fields);
	json_object(&j);
	for (size_t i = 0; i < n; i++) {
		if (!slice_equal(fields[i].group, SLICE("http")))
			continue;
		json_key_slice(&j, fields[i].name);
		json_raw(&j, fields[i].json);
	}
	json_end(&j);
	return n == 0 || b.full ? (struct slice){NULL, 0} : buf_slice(&b);
}

/* What carries DNS is one event "dns" with both objects; of the DNS messages it has the answer, if
 * there is one. The rest is HTTP/2's. */
static bool write_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct dns *d = tx->carried[APP_TO_CLIENT];
	struct slice http, dns;

	if (d == NULL)
		d = tx->carried[APP_TO_SERVER];
	if (n != 0 || r->making.judged || d == NULL)
		return app_http2_log(tx, n, scratch, r);
	dns = app_dns_object(d, tx->id, r->making.asked, scratch);
	http = http_object(tx, scratch);
	if (http.ptr == NULL && dns.ptr == NULL)
		return false;
	r->kind = RECORD_OBJECT;
	r->type = SLICE("dns");
	return (http.ptr == NULL || record_more(r, scratch, SLICE(""), SLICE("http"), http)) &&
	       (dns.ptr == NULL || record_more(r, scratch, SLICE(""), SLICE("dns"), dns));
}

APP_PROTOCOL(doh2) = {
	.name = "doh2",
	.spec = "RFC 8484, RFC 9113, RFC 1035",
	.transports = APP_TCP,
	.fields = app_http_fields,
	.more = app_dns_fields,
	.anomalies = app_http2_anomalies,
	.frames = app_http2_frame_names,
	.files = 1u << APP_TO_SERVER | 1u << APP_TO_CLIENT,
	.speaks_first = 1u << APP_TO_SERVER,
	.complete = {HTTP_DONE, HTTP_DONE},
	.probe = probe,
	.parse = app_http2_parse,
	.gap = app_http2_gap,
	.log = write_log,
	.log_configure = app_dns_log_configure,
};
