/* SPDX-License-Identifier: Apache-2.0
 *
 * What every question to a web server has, whoever asks (fetch.c, web.c).
 */
#ifndef DEW_OS_CURL_PRIV_H
#define DEW_OS_CURL_PRIV_H

#include <curl/curl.h>

#include "base/buf.h"

/* What is answered: `bytes` with its arena and limit is set by who asks. */
struct os_body {
	struct buf bytes;
	bool too_long; /* it would have been longer than the limit: nothing more was taken */
};

/* A question by http or https that waits `seconds` in all, `connect_seconds` of them for somebody
 * to be there; the body comes to b, what libcurl has to say to error[CURL_ERROR_SIZE]. `url`, b and
 * error have to live as long as the question. False: no memory. */
bool os_curl_set_up(CURL *c, const char *url, long seconds, long connect_seconds, struct os_body *b,
		    char *error);

#endif
