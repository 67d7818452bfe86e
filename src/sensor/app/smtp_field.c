/* SPDX-License-Identifier: Apache-2.0
 *
 * SMTP's rule buffers and those of mails, which are their headers ("email.*"), as Suricata 8
 * defines them. A buffer may be asked for as soon as its command or header is there.
 */
#include "sensor/app/smtp_priv.h"

static const struct slice none = {NULL, 0};

static struct smtp_tx *mail_of(struct app_tx *tx)
{
	return tx->data;
}

/* Present, if only as the empty text. */
static struct slice given(struct slice s)
{
	return s.ptr != NULL ? s : SLICE("");
}

static struct slice get_helo(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return n == 0 ? mail_of(tx)->helo : none;
}

static struct slice get_from(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct smtp_tx *m = mail_of(tx);

	return n == 0 && m->has_from ? given(m->mail_from) : none;
}

static struct slice get_rcpt(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct smtp_tx *m = mail_of(tx);

	return n < m->rcpt_count ? given(m->rcpts[n]) : none;
}

/* What is there stays as it is. */
static bool is_there(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return true;
}

static struct slice header(struct app_tx *tx, struct slice name, unsigned n)
{
	const struct app_mime *m = mail_of(tx)->mime;

	return m != NULL && m->main_done ? app_mime_header(m, name, n) : none;
}

#define HEADER_GETTER(fn, name)                                                                    \
	static struct slice fn(struct app_tx *tx, enum app_dir dir, unsigned n)                    \
	{                                                                                          \
		return n == 0 ? header(tx, SLICE(name), 0) : none;                                 \
	}
HEADER_GETTER(get_email_from, "from")
HEADER_GETTER(get_email_subject, "subject")
HEADER_GETTER(get_email_to, "to")
HEADER_GETTER(get_email_cc, "cc")
HEADER_GETTER(get_email_date, "date")
HEADER_GETTER(get_email_id, "message-id")
HEADER_GETTER(get_email_mailer, "x-mailer")

static struct slice get_email_received(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return header(tx, SLICE("received"), n);
}

static struct slice get_email_url(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct app_mime *m = mail_of(tx)->mime;

	return m != NULL && n < m->url_count ? m->urls[n] : none;
}

static struct slice get_email_md5(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	struct smtp_tx *m = mail_of(tx);
	struct buf text = buf_in(&tx->arena);

	if (n != 0 || m->mime == NULL || m->mime->md5_state != MIME_MD5_DONE)
		return none;
	if (m->body_md5.ptr == NULL) {
		crypto_hex_add((struct slice){m->mime->body_md5, sizeof m->mime->body_md5}, &text);
		m->body_md5 = text.full ? SLICE("") : buf_slice(&text);
	}
	return m->body_md5;
}

#define FIELD(field, getter, text)                                                                 \
	{                                                                                          \
		.name = (field), .dirs = 1u << APP_TO_SERVER, .stage = SMTP_DONE - 1,              \
		.growing = true, .multi = true, .get = (getter), .whole = is_there, .doc = (text)  \
	}

const struct app_field app_smtp_fields[] = {
	FIELD("smtp.helo", get_helo, "What HELO or EHLO said."),
	FIELD("smtp.mail_from", get_from, "The sender that MAIL FROM named."),
	FIELD("smtp.rcpt_to", get_rcpt, "Each recipient that RCPT TO named."),
	FIELD("email.from", get_email_from, "The mail's From."),
	FIELD("email.subject", get_email_subject, "The mail's Subject, as it came."),
	FIELD("email.to", get_email_to, "The mail's To."),
	FIELD("email.cc", get_email_cc, "The mail's Cc."),
	FIELD("email.date", get_email_date, "The mail's Date."),
	FIELD("email.message_id", get_email_id, "The mail's Message-ID."),
	FIELD("email.x_mailer", get_email_mailer, "The mail's X-Mailer."),
	FIELD("email.url", get_email_url, "Each address in its text, from behind \"http://\" on."),
	FIELD("email.received", get_email_received, "Each of its Received headers."),
	FIELD("email.body_md5", get_email_md5, "The MD5 of its body, in hexadecimal digits."),
	{0},
};
