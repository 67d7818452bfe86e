/* SPDX-License-Identifier: Apache-2.0
 *
 * The settings of app-layer.protocols.http: libhtp.default-config, in Suricata's words. A
 * personality sets how targets are decoded; the keys of their own win over it.
 */
#include "base/text.h"
#include "sensor/app/http_priv.h"

#include "sensor/config/config.h"

enum { LINE_LEAST = 256, LINE_MOST = 1 << 16 };

/* IDS decodes as much as some server may; the others as that server does. */
static void personality(struct http_setup *s, struct slice name)
{
	static const struct {
		const char *name;
		bool backslash, slash_decode, squeeze, u_decode, best_fit, apache;
	} rows[] = {
		{"IDS", true, true, true, true, true, false},
		{"Generic", true, true, true, false, false, false},
		{"Minimal", false, false, false, false, false, false},
		{"IIS_5_1", true, true, true, false, false, false},
		{"IIS_6_0", true, true, true, true, false, false},
		{"IIS_7_0", true, true, true, true, false, false},
		{"IIS_7_5", true, true, true, true, false, false},
		{"Apache_2", false, false, true, false, false, true},
		{"Apache", false, false, true, false, false, true},
		{"Apache_2_2", false, false, true, false, false, true},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (!slice_equal_nocase(name, slice_of(rows[i].name)))
			continue;
		s->backslash = rows[i].backslash;
		s->slash_decode = rows[i].slash_decode;
		s->squeeze = rows[i].squeeze;
		s->u_decode = rows[i].u_decode;
		s->best_fit = rows[i].best_fit;
		s->apache = rows[i].apache;
	}
}

static void read_target(struct http_setup *s, struct config *c)
{
	struct slice bad = config_text(c, "url-encoding-invalid-handling", "preserve_percent");
	const struct {
		const char *key;
		bool *to;
	} rows[] = {
		{"uri-include-all", &s->uri_all},
		{"allow-space-uri", &s->uri_spaces},
		{"path-convert-backslash-separators", &s->backslash},
		{"path-convert-lowercase", &s->lower_case},
		{"path-separators-compress", &s->squeeze},
		{"path-separators-decode", &s->slash_decode},
		{"u-encoding-decode", &s->u_decode},
		{"path-nul-encoded-terminates", &s->nul_encoded_ends},
		{"path-nul-raw-terminates", &s->nul_raw_ends},
		{"query-plusspace-decode", &s->plus_query},
		{"path-plusspace-decode", &s->plus_path},
		{"double-decode-path", &s->twice_path},
		{"double-decode-query", &s->twice_query},
		{"utf8-convert-bestfit", &s->best_fit},
	};

	personality(s, config_text(c, "personality", "IDS"));
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		*rows[i].to = config_bool(c, rows[i].key, *rows[i].to);
	if (slice_equal_nocase(bad, SLICE("remove_percent")))
		s->bad = HTTP_PERCENT_DROP;
	else if (slice_equal_nocase(bad, SLICE("decode_invalid")))
		s->bad = HTTP_PERCENT_DECODE;
	s->replacement = (uint8_t)config_u64(c, "path-bestfit-replacement-char", 1, 255, '?');
}

const void *app_http_configure(struct config *config, struct arena *a)
{
	struct config *c = config_at(config, "app-layer.protocols.http.libhtp.default-config");
	struct http_setup *s = ARENA_NEW(a, struct http_setup);

	if (s == NULL)
		return NULL;
	s->body_most[APP_TO_SERVER] = config_size(c, "request-body-limit", HTTP_BODY_KEPT);
	s->body_most[APP_TO_CLIENT] = config_size(c, "response-body-limit", HTTP_BODY_KEPT);
	s->bomb_most = config_size(c, "compression-bomb-limit", HTTP_LAYER_OUT_MAX);
	s->lzma = config_bool(c, "lzma-enabled", false);
	s->lzma_dict_most = config_size(c, "lzma-memlimit", 1 << 20);
	if (s->lzma_dict_most > UINT32_MAX)
		s->lzma_dict_most = UINT32_MAX;
	s->layers_most =
		(uint32_t)config_u64(c, "response-body-decompress-layer-limit", 0, UINT32_MAX, 2);
	s->headers_most = (uint32_t)config_u64(c, "headers-limit", 1, 1 << 16, HTTP_HEADERS_MAX);
	s->line_most =
		(uint32_t)config_u64(c, "meta-field-limit", LINE_LEAST, LINE_MOST, HTTP_LINE_MAX);
	s->txs_most = (uint32_t)config_u64(c, "max-tx", 1, APP_TXS_MAX, APP_TXS_MAX);
	read_target(s, c);
	return s;
}

const void *app_http2_configure(struct config *config, struct arena *a)
{
	struct config *node = config_at(config, "app-layer.protocols.http2");
	struct http_setup *s = ARENA_NEW(a, struct http_setup);

	if (s == NULL)
		return NULL;
	s->bomb_most = HTTP_LAYER_OUT_MAX;
	s->layers_most = 2;
	s->headers_most = HTTP_HEADERS_MAX;
	s->line_most = HTTP_LINE_MAX;
	s->txs_most = (uint32_t)config_u64(node, "max-streams", 1, UINT32_MAX, APP_TXS_MAX);
	s->table_most = (uint32_t)config_size(node, "max-table-size", 64 << 10);
	s->block_most = (uint32_t)config_size(node, "max-reassembly-size", 100 << 10);
	return s;
}
