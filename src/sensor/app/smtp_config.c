/* SPDX-License-Identifier: Apache-2.0
 * app-layer.protocols.smtp, in Suricata 8's words. */
#include "sensor/app/smtp_priv.h"

#include "base/text.h"

/* "http" in the list means "http://" in the text. */
static bool schemes_read(struct config *list, struct arena *a, struct app_mime_options *o)
{
	struct slice *all = ARENA_ARRAY(a, struct slice, MIME_SCHEMES_MAX);

	if (all == NULL)
		return false;
	o->schemes = all;
	if (list == NULL) {
		all[o->scheme_count++] = SLICE("http://");
		return true;
	}
	for (struct config *c = config_first(list); c != NULL; c = config_next(c)) {
		struct buf text = buf_in(a);

		if (o->scheme_count == MIME_SCHEMES_MAX || c->value.len == 0)
			continue;
		for (size_t i = 0; i < c->value.len; i++)
			buf_add_byte(&text, text_lower(c->value.ptr[i]));
		buf_add_z(&text, "://");
		if (text.full)
			return false;
		all[o->scheme_count++] = buf_slice(&text);
	}
	return true;
}

const void *app_smtp_configure(struct config *config, struct arena *a)
{
	struct smtp_settings *s = ARENA_NEW(a, struct smtp_settings);
	struct config *node = config_at(config, "app-layer.protocols.smtp");
	struct config *mime = config_at(node, "mime");

	if (s == NULL)
		return NULL;
	s->decode_mime = config_bool(mime, "decode-mime", true);
	s->raw_extraction = config_bool(node, "raw-extraction", false) && !s->decode_mime;
	s->mime.base64 = config_bool(mime, "decode-base64", true);
	s->mime.quoted_printable = config_bool(mime, "decode-quoted-printable", true);
	s->mime.urls = config_bool(mime, "extract-urls", true);
	s->mime.url_schemes_kept = config_bool(mime, "log-url-scheme", false);
	s->mime.body_md5 = config_bool(mime, "body-md5", true);
	return schemes_read(config_at(mime, "extract-urls-schemes"), a, &s->mime) ? s : NULL;
}
