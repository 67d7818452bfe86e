/* SPDX-License-Identifier: Apache-2.0 */
#include "os/fetch.h"

#include "os/curl_priv.h"

enum { CONNECT_SECONDS = 30 };

bool os_fetch_is_url(struct slice s)
{
	return slice_starts(s, SLICE("http://")) || slice_starts(s, SLICE("https://"));
}

static bool set_up(CURL *c, const char *url, struct os_body *b, char *error)
{
	const char *after = strncmp(url, "https:", 6) == 0 ? "https" : "http,https";

	return os_curl_set_up(c, url, OS_FETCH_SECONDS_MAX, CONNECT_SECONDS, b, error) &&
	       curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, after) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)OS_FETCH_TURNS_MAX) == CURLE_OK;
}

enum status os_fetch(struct slice url, size_t most, struct arena *a, struct slice *out,
		     struct fail *why)
{
	struct os_body body = {.bytes = {.arena = a, .most = most}};
	char error[CURL_ERROR_SIZE] = "", *z = arena_copy_z(a, url);
	CURL *c = curl_easy_init();
	enum status st = ST_OK;
	CURLcode code = CURLE_OUT_OF_MEMORY;
	long answer = 0;

	if (z == NULL || c == NULL || !set_up(c, z, &body, error)) {
		st = fail_set(why, ST_NOMEM, "no memory to fetch %.*s", SLICE_ARG(url));
		goto out;
	}
	code = curl_easy_perform(c);
	if (body.too_long)
		st = fail_set(why, ST_LIMIT, "%.*s has more than %zu bytes",
			      SLICE_ARG(slice_part(url, 0, 100)), most);
	else if (code != CURLE_OK)
		st = fail_set(why, ST_IO, "cannot fetch %.*s: %s",
			      SLICE_ARG(slice_part(url, 0, 100)),
			      error[0] != '\0' ? error : curl_easy_strerror(code));
	else if (curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &answer) != CURLE_OK || answer != 200)
		st = fail_set(why, ST_REFUSED, "%.*s: the server answered %ld",
			      SLICE_ARG(slice_part(url, 0, 100)), answer);
	else
		*out = buf_slice(&body.bytes);
out:
	curl_easy_cleanup(c);
	return st;
}
