/* SPDX-License-Identifier: Apache-2.0
 *
 * SMTP's event: "smtp", what the envelope said, and "email", what the mail's headers say; how much
 * of those, outputs.eve-log.types.smtp asks (extended, custom, md5), as in Suricata 8.
 */
#include "base/json.h"
#include "base/text.h"
#include "sensor/app/smtp_priv.h"

enum form { FORM_FIRST, FORM_ADDRESSES, FORM_ALL };

static const struct {
	const char *key, *header;
	enum form form;
	bool extended;
} headers[] = {
	{"reply_to", "reply-to", FORM_FIRST, false},
	{"bcc", "bcc", FORM_ADDRESSES, true},
	{"message_id", "message-id", FORM_FIRST, true},
	{"subject", "subject", FORM_FIRST, true},
	{"x_mailer", "x-mailer", FORM_FIRST, true},
	{"user_agent", "user-agent", FORM_FIRST, true},
	{"received", "received", FORM_ALL, false},
	{"x_originating_ip", "x-originating-ip", FORM_FIRST, false},
	{"in_reply_to", "in-reply-to", FORM_FIRST, false},
	{"references", "references", FORM_FIRST, false},
	{"importance", "importance", FORM_FIRST, false},
	{"priority", "priority", FORM_FIRST, false},
	{"sensitivity", "sensitivity", FORM_FIRST, false},
	{"organization", "organization", FORM_FIRST, false},
	{"content_md5", "content-md5", FORM_FIRST, false},
	{"date", "date", FORM_FIRST, false},
};

/* What an output wants of mails. */
struct asked {
	uint32_t headers; /* bit i: headers[i] */
	bool body_md5, subject_md5;
};

const void *app_smtp_log_configure(struct config *root, struct config *node, struct arena *a)
{
	struct asked *o = ARENA_NEW(a, struct asked);
	bool extended = config_bool(node, "extended", false);
	struct config *custom = config_at(node, "custom"), *md5 = config_at(node, "md5");

	if (o == NULL)
		return NULL;
	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
		if (extended && headers[i].extended)
			o->headers |= UINT32_C(1) << i;
		for (struct config *c = config_first(custom); c != NULL; c = config_next(c))
			if (slice_equal_nocase(c->value, slice_of(headers[i].header)))
				o->headers |= UINT32_C(1) << i;
	}
	for (struct config *c = config_first(md5); c != NULL; c = config_next(c)) {
		o->body_md5 |= slice_equal_nocase(c->value, SLICE("body"));
		o->subject_md5 |= slice_equal_nocase(c->value, SLICE("subject"));
	}
	return o;
}

static void put(struct json *j, const char *key, struct slice value)
{
	if (value.ptr == NULL)
		return;
	json_key(j, key);
	json_str(j, value);
}

static void put_list(struct json *j, const char *key, const struct slice *list, size_t n)
{
	if (n == 0)
		return;
	json_key(j, key);
	json_array(j);
	for (size_t i = 0; i < n; i++)
		json_str(j, list[i]);
	json_end(j);
}

/* The address off the front of a list of them: commas within quotes separate nothing. */
static struct slice address_next(struct slice *rest)
{
	bool quoted = false;
	size_t i = 0;
	struct slice one;

	for (; i < rest->len && (quoted || rest->ptr[i] != ','); i++) {
		if (quoted && rest->ptr[i] == '\\' && i + 1 < rest->len)
			i++;
		else if (rest->ptr[i] == '"')
			quoted = !quoted;
	}
	one = slice_trim(slice_part(*rest, 0, i));
	*rest = slice_from(*rest, i + 1);
	return one;
}

static void put_addresses(struct json *j, const char *key, struct slice value)
{
	bool any = false;

	while (value.len != 0) {
		struct slice one = address_next(&value);

		if (one.len == 0)
			continue;
		if (!any) {
			json_key(j, key);
			json_array(j);
		}
		any = true;
		json_str(j, one);
	}
	if (any)
		json_end(j);
}

/* The last one found comes first, as Suricata has it. */
static void put_urls(struct json *j, const struct app_mime *m)
{
	if (m->url_count == 0)
		return;
	json_key(j, "url");
	json_array(j);
	for (size_t i = m->url_count; i > 0; i--)
		json_str(j, m->urls[i - 1]);
	json_end(j);
}

static void put_headers(struct json *j, const struct app_mime *m, const struct asked *o)
{
	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
		struct slice name = slice_of(headers[i].header);
		struct slice value = app_mime_header(m, name, 0);

		if ((o->headers >> i & 1) == 0 || value.ptr == NULL)
			continue;
		if (headers[i].form == FORM_ADDRESSES) {
			put_addresses(j, headers[i].key, value);
			continue;
		}
		json_key(j, headers[i].key);
		if (headers[i].form == FORM_ALL)
			json_array(j);
		for (unsigned n = 0; value.ptr != NULL; value = app_mime_header(m, name, ++n)) {
			json_str(j, value);
			if (headers[i].form != FORM_ALL)
				break;
		}
		if (headers[i].form == FORM_ALL)
			json_end(j);
	}
}

static void put_md5(struct json *j, const char *key, const uint8_t md5[CRYPTO_MD5_BYTES])
{
	char hex[2 * CRYPTO_MD5_BYTES];

	json_key(j, key);
	json_str(j, crypto_hex_write((struct slice){md5, CRYPTO_MD5_BYTES}, hex));
}

static void put_digests(struct json *j, const struct app_mime *m, const struct asked *o)
{
	struct slice subject = app_mime_header(m, SLICE("subject"), 0);
	uint8_t md5[CRYPTO_MD5_BYTES];

	if (o->body_md5 && m->md5_state == MIME_MD5_DONE)
		put_md5(j, "body_md5", m->body_md5);
	if (!o->subject_md5 || subject.ptr == NULL)
		return;
	crypto_md5_of(subject, md5);
	put_md5(j, "subject_md5", md5);
}

static struct slice email_json(const struct app_mime *m, const struct asked *o,
			       struct arena *scratch)
{
	struct buf text = buf_in(scratch);
	struct json j = json_in(&text);

	json_object(&j);
	put(&j, "from", app_mime_header(m, SLICE("from"), 0));
	put_addresses(&j, "to", app_mime_header(m, SLICE("to"), 0));
	put_addresses(&j, "cc", app_mime_header(m, SLICE("cc"), 0));
	put(&j, "status", SLICE("PARSE_DONE"));
	put_list(&j, "attachment", m->attachments, m->attachment_count);
	put_urls(&j, m);
	if (o != NULL) {
		put_headers(&j, m, o);
		put_digests(&j, m, o);
	}
	json_end(&j);
	return text.full ? (struct slice){NULL, 0} : buf_slice(&text);
}

bool app_smtp_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct smtp_tx *m = tx->data;
	struct buf text = buf_in(scratch);
	struct json j = json_in(&text);
	struct slice email;

	if (n != 0)
		return false;
	json_object(&j);
	put(&j, "helo", m->helo);
	if (m->has_from) {
		json_key(&j, "mail_from");
		json_str(&j, m->mail_from);
	}
	put_list(&j, "rcpt_to", m->rcpts, m->rcpt_count);
	json_end(&j);
	r->making.with_tx_id = true;
	if (text.full || !record_object(r, scratch, "smtp", buf_slice(&text)))
		return false;
	if (m->mime == NULL)
		return true;
	email = email_json(m->mime, r->making.asked, scratch);
	return email.ptr == NULL || record_more(r, scratch, SLICE(""), SLICE("email"), email);
}
