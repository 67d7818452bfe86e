/* SPDX-License-Identifier: Apache-2.0
 *
 * The http event: what every event has, and what eve-log's types.http asks for on top: single
 * headers (custom) and all of them (dump-all-headers).
 */
#include "base/json.h"
#include "base/text.h"
#include "sensor/app/http_priv.h"
#include "sensor/config/config.h"

enum { HTTP_CUSTOM_MAX = 24 }; /* headers asked for by name */

struct http_asked {
	struct {
		struct slice name, key;
	} custom[HTTP_CUSTOM_MAX];
	size_t customs;
	bool dump[2];
};

/* The headers that may be asked for, by the name their key comes from; the others are ignored. */
static const struct {
	const char *name;
	uint8_t dir; /* enum app_dir */
} known[] = {
	{"accept", 0},
	{"accept-charset", 0},
	{"accept-encoding", 0},
	{"accept-language", 0},
	{"accept-datetime", 0},
	{"authorization", 0},
	{"cache-control", 0},
	{"cookie", 0},
	{"from", 0},
	{"max-forwards", 0},
	{"origin", 0},
	{"pragma", 0},
	{"proxy-authorization", 0},
	{"range", 0},
	{"te", 0},
	{"via", 0},
	{"x-requested-with", 0},
	{"dnt", 0},
	{"x-forwarded-proto", 0},
	{"x-authenticated-user", 0},
	{"x-flash-version", 0},
	{"referer", 0},
	{"true-client-ip", 0},
	{"x-bluecoat-via", 0},
	{"accept-range", 1},
	{"age", 1},
	{"allow", 1},
	{"connection", 1},
	{"content-encoding", 1},
	{"content-language", 1},
	{"content-length", 1},
	{"content-location", 1},
	{"content-md5", 1},
	{"content-range", 1},
	{"content-type", 1},
	{"date", 1},
	{"etag", 1},
	{"etags", 1},
	{"expires", 1},
	{"last-modified", 1},
	{"link", 1},
	{"location", 1},
	{"proxy-authenticate", 1},
	{"refresh", 1},
	{"retry-after", 1},
	{"server", 1},
	{"set-cookie", 1},
	{"trailer", 1},
	{"transfer-encoding", 1},
	{"upgrade", 1},
	{"vary", 1},
	{"warning", 1},
	{"www-authenticate", 1},
};

/* "Accept-Encoding" -> "accept_encoding". */
static struct slice key_of(struct slice name, struct arena *a)
{
	uint8_t *p = ARENA_ARRAY(a, uint8_t, name.len + 1);

	for (size_t i = 0; p != NULL && i < name.len; i++)
		p[i] = name.ptr[i] == '-' ? '_' : text_lower(name.ptr[i]);
	return (struct slice){p, p != NULL ? name.len : 0};
}

const void *app_http_log_configure(struct config *root, struct config *node, struct arena *a)
{
	struct http_asked *asked = ARENA_NEW(a, struct http_asked);
	struct config *custom = config_at(node, "custom");
	struct slice dump = config_text(node, "dump-all-headers", "none");

	(void)root;
	if (asked == NULL)
		return NULL;
	asked->dump[APP_TO_SERVER] = slice_equal_nocase(dump, SLICE("both")) ||
				     slice_equal_nocase(dump, SLICE("request"));
	asked->dump[APP_TO_CLIENT] = slice_equal_nocase(dump, SLICE("both")) ||
				     slice_equal_nocase(dump, SLICE("response"));
	for (custom = custom != NULL ? custom->first : NULL;
	     custom != NULL && asked->customs < HTTP_CUSTOM_MAX; custom = custom->next) {
		struct slice name = arena_copy(a, custom->value);

		custom->asked = true;
		asked->custom[asked->customs].name = name;
		asked->custom[asked->customs++].key = key_of(name, a);
	}
	return asked;
}

static void more_text(struct record *r, struct arena *a, struct slice key, struct slice text)
{
	struct buf out = buf_in(a);
	struct json j = json_in(&out);

	json_str(&j, text);
	if (!out.full)
		(void)record_more(r, a, SLICE("http"), key, buf_slice(&out));
}

static void add_custom(struct app_tx *tx, const struct http_asked *asked, struct record *r,
		       struct arena *a)
{
	for (size_t i = 0; i < asked->customs; i++)
		for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
			struct slice v;

			if (!slice_equal_nocase(asked->custom[i].name, slice_of(known[k].name)))
				continue;
			v = http_header_of(tx, (enum app_dir)known[k].dir, asked->custom[i].name);
			if (v.ptr != NULL)
				more_text(r, a, asked->custom[i].key, v);
		}
}

void app_http_log_headers(struct record *r, struct arena *a, const struct http_message *m,
			  const char *key)
{
	struct buf out = buf_in(a);
	struct json j = json_in(&out);

	json_array(&j);
	for (size_t i = 0; i < m->header_count; i++) {
		json_object(&j);
		json_key(&j, "name");
		json_str(&j, m->headers[i].name);
		json_key(&j, "value");
		json_str(&j, m->headers[i].value);
		json_end(&j);
	}
	json_end(&j);
	if (!out.full)
		(void)record_more(r, a, SLICE("http"), slice_of(key), buf_slice(&out));
}

/* "bytes 0-99/1234" in its parts, those that are there. */
static void add_range(struct slice raw, struct record *r, struct arena *a)
{
	static const char *const keys[] = {"start", "end", "size"};
	struct buf out = buf_in(a);
	struct json j = json_in(&out);
	struct slice rest = slice_trim(raw), part;
	uint64_t v;

	json_object(&j);
	json_key(&j, "raw");
	json_str(&j, raw);
	(void)slice_split(&rest, ' ');
	for (size_t i = 0; i < 3 && rest.ptr != NULL; i++) {
		part = slice_trim(slice_split(&rest, i == 0 ? '-' : i == 1 ? '/' : ';'));
		if (!text_u64(part, 0, INT64_MAX, &v))
			continue;
		json_key(&j, keys[i]);
		json_u64(&j, v);
	}
	json_end(&j);
	if (!out.full)
		(void)record_more(r, a, SLICE("http"), SLICE("content_range"), buf_slice(&out));
}

/* A media type without its parameters. */
static struct slice bare_type(struct slice value)
{
	return slice_trim(slice_split(&value, ';'));
}

/* The port asked for: of the target, else of Host. 0: none. */
static uint64_t port_of(struct app_tx *tx)
{
	const struct http_message *m = http_side(tx, APP_TO_SERVER);
	struct arena scratch = {.pool = tx->arena.pool};
	struct slice whole = http_header_of(tx, APP_TO_SERVER, SLICE("Host")), host,
		     port = {NULL, 0};
	struct http_target t = app_http_target(m->uri);
	uint64_t v = 0;

	if (slice_equal(m->method, SLICE("CONNECT")))
		whole = m->uri;
	if (t.host.ptr != NULL && !slice_equal(m->method, SLICE("CONNECT")))
		port = t.port;
	else if (whole.ptr != NULL && memchr(whole.ptr, ':', whole.len) != NULL)
		(void)app_http_host_normal(whole, &scratch, &host, &port);
	if (!text_u64(port, 1, 65535, &v))
		v = 0;
	arena_reset(&scratch);
	return v;
}

bool app_http_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct http_asked *asked = r->making.asked;
	const struct http_message *request = http_side(tx, APP_TO_SERVER);
	const struct http_message *response = http_side(tx, APP_TO_CLIENT);
	struct slice range = http_header_of(tx, APP_TO_CLIENT, SLICE("Content-Range"));
	struct buf out = buf_in(scratch);
	uint64_t port;

	if (n != 0 || (request->line.ptr == NULL && response->line.ptr == NULL))
		return false;
	r->kind = RECORD_HTTP;
	r->u.http = (struct record_http){
		.hostname = app_http_host(tx),
		.url = request->uri,
		.user_agent = http_header_of(tx, APP_TO_SERVER, SLICE("User-Agent")),
		.content_type = bare_type(http_header_of(tx, APP_TO_CLIENT, SLICE("Content-Type"))),
		.referer = http_header_of(tx, APP_TO_SERVER, SLICE("Referer")),
		.method = request->method,
		.protocol = request->protocol,
		.redirect = http_header_of(tx, APP_TO_CLIENT, SLICE("Location")),
		.status = response->status,
		.length = response->body_bytes,
		.tx_id = tx->id,
	};
	if (r->making.judged || request->version == 20)
		return true;
	port = port_of(tx);
	if (port != 0) {
		buf_add_u64(&out, port);
		if (!out.full)
			(void)record_more(r, scratch, SLICE("http"), SLICE("http_port"),
					  buf_slice(&out));
	}
	if (range.ptr != NULL)
		add_range(range, r, scratch);
	if (asked == NULL)
		return true;
	add_custom(tx, asked, r, scratch);
	if (asked->dump[APP_TO_SERVER])
		app_http_log_headers(r, scratch, request, "request_headers");
	if (asked->dump[APP_TO_CLIENT])
		app_http_log_headers(r, scratch, response, "response_headers");
	return true;
}
