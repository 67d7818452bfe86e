/* SPDX-License-Identifier: Apache-2.0 */
#include "os/web.h"

#include "os/curl_priv.h"

enum { SECONDS = 30, CONNECT_SECONDS = 10 };

struct os_web {
	CURL *curl;
	char *ca_file; /* NULL: the system's */
	struct curl_slist *headers;
	char error[CURL_ERROR_SIZE];
};

enum status os_web_open(struct slice ca_file, struct arena *a, struct os_web **out,
			struct fail *why)
{
	struct os_web *w = ARENA_NEW(a, struct os_web);

	if (w != NULL && ca_file.len != 0)
		w->ca_file = arena_copy_z(a, ca_file);
	if (w != NULL)
		w->curl = curl_easy_init();
	if (w != NULL && w->curl != NULL) /* our bodies are texts; no waiting for "100 Continue" */
		w->headers = curl_slist_append(NULL, "Content-Type: text/plain; charset=utf-8");
	if (w != NULL && w->headers != NULL) {
		struct curl_slist *more = curl_slist_append(w->headers, "Expect:");

		w->headers = more != NULL ? more : w->headers;
	}
	if (w == NULL || w->curl == NULL || w->headers == NULL ||
	    (ca_file.len != 0 && w->ca_file == NULL)) {
		os_web_close(w);
		return fail_set(why, ST_NOMEM, "no memory to ask a web server");
	}
	*out = w;
	return ST_OK;
}

void os_web_close(struct os_web *w)
{
	if (w == NULL)
		return;
	curl_slist_free_all(w->headers);
	curl_easy_cleanup(w->curl);
	*w = (struct os_web){0};
}

static bool set_up(struct os_web *w, const struct os_web_ask *ask, const char *url,
		   struct os_body *b)
{
	CURL *c = w->curl;
	bool post = ask->body.ptr != NULL;

	curl_easy_reset(c); /* the connections stay */
	return os_curl_set_up(c, url, ask->seconds != 0 ? ask->seconds : SECONDS, CONNECT_SECONDS,
			      b, w->error) &&
	       curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "gzip, identity") == CURLE_OK &&
	       (w->ca_file == NULL ||
		curl_easy_setopt(c, CURLOPT_CAINFO, w->ca_file) == CURLE_OK) &&
	       (!post ||
		(curl_easy_setopt(c, CURLOPT_POST, 1L) == CURLE_OK &&
		 curl_easy_setopt(c, CURLOPT_POSTFIELDS, (const char *)ask->body.ptr) == CURLE_OK &&
		 curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body.len) ==
			 CURLE_OK &&
		 curl_easy_setopt(c, CURLOPT_HTTPHEADER, w->headers) == CURLE_OK));
}

enum status os_web_ask(struct os_web *w, const struct os_web_ask *ask, struct arena *a,
		       struct os_web_answer *out, struct fail *why)
{
	struct os_body body = {.bytes = {.arena = a, .most = ask->most}};
	char *url = arena_copy_z(a, ask->url);
	struct slice name = slice_part(ask->url, 0, 100);
	const char *type = NULL;
	long number = 0;
	CURLcode code;

	w->error[0] = '\0';
	if (url == NULL || !set_up(w, ask, url, &body))
		return fail_set(why, ST_NOMEM, "no memory to ask %.*s", SLICE_ARG(name));
	code = curl_easy_perform(w->curl);
	if (body.too_long)
		return fail_set(why, ST_LIMIT, "%.*s answers with more than %zu bytes",
				SLICE_ARG(name), ask->most);
	if (body.bytes.full)
		return fail_set(why, ST_NOMEM, "no memory for what %.*s answers", SLICE_ARG(name));
	if (code != CURLE_OK ||
	    curl_easy_getinfo(w->curl, CURLINFO_RESPONSE_CODE, &number) != CURLE_OK ||
	    number < 100 || number > 999)
		return fail_set(why, ST_IO, "cannot ask %.*s: %s", SLICE_ARG(name),
				w->error[0] != '\0' ? w->error : curl_easy_strerror(code));
	if (curl_easy_getinfo(w->curl, CURLINFO_CONTENT_TYPE, &type) != CURLE_OK)
		type = NULL;
	*out = (struct os_web_answer){(unsigned)number, arena_copy(a, slice_of(type)),
				      buf_slice(&body.bytes)};
	return ST_OK;
}
