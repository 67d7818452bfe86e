/* SPDX-License-Identifier: Apache-2.0
 *
 * What begins a flow of HTTP/1: a method, or a status line.
 */
#include "sensor/app/http_priv.h"

/* The methods that Suricata looks for; each must be followed by a space or tab. */
static const char *const methods[] = {
	"GET",
	"POST",
	"HEAD",
	"PUT",
	"DELETE",
	"OPTIONS",
	"TRACE",
	"CONNECT",
	"PATCH",
	"PROPFIND",
	"PROPPATCH",
	"MKCOL",
	"COPY",
	"MOVE",
	"LOCK",
	"UNLOCK",
	"CHECKOUT",
	"UNCHECKOUT",
	"CHECKIN",
	"UPDATE",
	"LABEL",
	"REPORT",
	"MKWORKSPACE",
	"MKACTIVITY",
	"MERGE",
	"VERSION-CONTROL",
	"BASELINE-CONTROL",
};

bool app_http_is_method(struct slice word)
{
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
		if (slice_equal(word, slice_of(methods[i])))
			return true;
	return false;
}

static enum app_probe probe_request(struct slice in)
{
	enum app_probe best = APP_NO;

	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
		struct slice m = slice_of(methods[i]);

		if (in.len <= m.len && slice_starts(m, in))
			best = APP_NEED_MORE;
		if (!slice_starts(in, m) || in.len == m.len ||
		    (in.ptr[m.len] != ' ' && in.ptr[m.len] != '\t'))
			continue;
		if (slice_equal(m, SLICE("OPTIONS"))) { /* SIP has that too */
			struct slice target = slice_part(in, m.len + 1, 4);

			if (target.len < 4)
				return slice_starts(SLICE("sip:"), target) ||
						       slice_starts(SLICE("sips"), target)
					       ? APP_NEED_MORE
					       : APP_YES;
			if (slice_equal(target, SLICE("sip:")) ||
			    slice_equal(target, SLICE("sips")))
				return APP_NO;
		}
		return APP_YES;
	}
	return best;
}

enum app_probe app_http_probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			      bool port_hint)
{
	static const struct slice starts[] = {{(const uint8_t *)"HTTP/1.", 7},
					      {(const uint8_t *)"HTTP/0.", 7}};
	enum app_probe best = APP_NO;

	(void)f;
	(void)port_hint;
	if (dir == APP_TO_SERVER)
		return probe_request(in);
	for (size_t i = 0; i < 2; i++) {
		if (slice_starts(in, starts[i]))
			return APP_YES;
		if (slice_starts(starts[i], in))
			best = APP_NEED_MORE;
	}
	return best;
}
