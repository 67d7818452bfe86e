/* SPDX-License-Identifier: Apache-2.0 */
#include "os/curl_priv.h"

static size_t take(char *bytes, size_t one, size_t n, void *ctx)
{
	struct os_body *b = ctx; /* libcurl: one is always 1 */

	if (n > b->bytes.most - b->bytes.len) {
		b->too_long = true;
		return 0;
	}
	buf_add(&b->bytes, (struct slice){(const uint8_t *)bytes, n});
	return b->bytes.full ? 0 : n;
}

bool os_curl_set_up(CURL *c, const char *url, long seconds, long connect_seconds, struct os_body *b,
		    char *error)
{
	return curl_easy_setopt(c, CURLOPT_URL, url) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_TIMEOUT, seconds) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, connect_seconds) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_USERAGENT, "dewline") == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_ERRORBUFFER, error) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_WRITEDATA, b) == CURLE_OK;
}
