/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app/smtp_priv.h"

#include "sensor/app/app_check.h"
#include "test.h"

#define TS(text)                                                                                   \
	{                                                                                          \
		APP_TO_SERVER, {(const uint8_t *)(text), sizeof(text) - 1}, 0                      \
	}
#define TC(text)                                                                                   \
	{                                                                                          \
		APP_TO_CLIENT, {(const uint8_t *)(text), sizeof(text) - 1}, 0                      \
	}

static const struct app_says whole_mail[] = {
	TC("220 mx ESMTP\r\n"),
	TS("EHLO me\r\n"),
	TC("250-mx\r\n250 SIZE 1000\r\n"),
	TS("MAIL FROM:<a@b> SIZE=10\r\n"),
	TC("250 ok\r\n"),
	TS("RCPT TO:<c@d>\r\n"),
	TC("250 ok\r\n"),
	TS("RCPT TO: <e@f>\r\n"),
	TC("250 ok\r\n"),
	TS("DATA\r\n"),
	TC("354 go\r\n"),
	TS("From: A <a@b>\r\nTo: \"x, y\" <c@d>, e@f,\r\nSubject: s\r\n"
	   "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
	   "Content-Disposition: attachment; filename=x.bin\r\n"
	   "Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n"
	   "--b\r\n\r\n..dot http://u.example/x\r\n--b--\r\n.\r\n"),
	TC("250 queued\r\n"),
};

enum { WHOLE = sizeof whole_mail / sizeof whole_mail[0] };

static void say_all(struct app_talk *t, const struct app_says *says, size_t n)
{
	for (size_t i = 0; i < n; i++)
		app_talk_say(t, says[i].dir, says[i].bytes, 0);
}

static bool said(const struct app_tx *tx, enum smtp_anomaly a)
{
	return (tx->anomalies >> a & 1) != 0;
}

static struct slice field(struct app_tx *tx, const char *name, unsigned n)
{
	const struct app_protocol *p;

	return app_field_find(slice_of(name), &p)->get(tx, APP_TO_SERVER, n);
}

static void a_mail_is_a_transaction_with_files(struct test *t)
{
	struct app_talk talk;
	struct record r = {0};
	struct app_tx *tx;
	struct file *f;

	EXPECT(t, app_talk_open(&talk, APP_TCP, 25, 0));
	say_all(&talk, whole_mail, WHOLE);
	tx = talk.f->first;
	EXPECT(t, tx != NULL && tx->next == NULL && tx->anomalies == 0);
	EXPECT_UINT(t, tx->progress[0], SMTP_DONE);
	EXPECT_SLICE(t, field(tx, "smtp.helo", 0), SLICE("me"));
	EXPECT_SLICE(t, field(tx, "smtp.mail_from", 0), SLICE("<a@b>"));
	EXPECT_SLICE(t, field(tx, "smtp.rcpt_to", 1), SLICE("<e@f>"));
	EXPECT(t, field(tx, "smtp.rcpt_to", 2).ptr == NULL);
	EXPECT_SLICE(t, field(tx, "email.subject", 0), SLICE("s"));
	EXPECT_SLICE(t, field(tx, "email.url", 0), SLICE("u.example/x"));
	EXPECT_UINT(t, field(tx, "email.body_md5", 0).len, 32);
	f = tx->files[APP_TO_SERVER].first;
	EXPECT(t, f != NULL && f->next == NULL && f->state == FILE_CLOSED);
	EXPECT_SLICE(t, f->name, SLICE("x.bin"));
	EXPECT_SLICE(t, buf_slice(&f->kept), SLICE("hello"));
	EXPECT(t, app_smtp_log(tx, 0, &tx->arena, &r));
	EXPECT_UINT(t, r.mores, 2);
	EXPECT_SLICE(t, r.more[0].json,
		     SLICE("{\"helo\":\"me\",\"mail_from\":\"<a@b>\",\"rcpt_to\":[\"<c@d>\",\"<e@f>"
			   "\"]}"));
	EXPECT_SLICE(t, r.more[1].json,
		     SLICE("{\"from\":\"A <a@b>\",\"to\":[\"\\\"x, y\\\" <c@d>\",\"e@f\"],"
			   "\"status\":\"PARSE_DONE\",\"attachment\":[\"x.bin\"],"
			   "\"url\":[\"u.example/x\"]}"));
	app_talk_close(&talk);
}

static void how_it_is_cut_does_not_matter(struct test *t)
{
	(void)t;
	app_check_all(app_find(SLICE("smtp")), whole_mail, WHOLE, 30);
}

static void a_mail_that_breaks_off_leaves_a_truncated_file(struct test *t)
{
	struct app_talk talk;
	struct file *f;

	EXPECT(t, app_talk_open(&talk, APP_TCP, 25, 0));
	say_all(&talk, whole_mail, WHOLE - 2);
	app_talk_say(&talk, APP_TO_SERVER,
		     SLICE("Content-Disposition: attachment; filename=x\r\n\r\nhalf of"), 0);
	app_eof(talk.f, APP_TO_SERVER);
	f = talk.f->first->files[APP_TO_SERVER].first;
	EXPECT(t, f != NULL && f->state == FILE_TRUNCATED);
	EXPECT_SLICE(t, buf_slice(&f->kept), SLICE("half of"));
	app_talk_close(&talk);
}

static void what_is_odd_is_said(struct test *t)
{
	static const struct {
		struct app_says says[6];
		enum smtp_anomaly anomaly;
	} rows[] = {
		{{TS("EHLO a\r\n")}, SMTP_NO_SERVER_WELCOME_MESSAGE},
		{{TC("220 ESMTP\r\n"), TS("EHLO a\r\nEHLO b\r\n")}, SMTP_DUPLICATE_FIELDS},
		{{TC("220 ESMTP\r\n"), TS("EHLO a\r\n"), TC("999 no\r\n")}, SMTP_INVALID_REPLY},
		{{TC("220 ESMTP\r\n"), TS("EHLO a\r\n"), TC("25\r\n")}, SMTP_INVALID_REPLY},
		{{TC("220 ESMTP\r\n"), TS("DATA\r\n"), TC("503 no\r\n")},
		 SMTP_DATA_COMMAND_REJECTED},
		{{TC("220 ESMTP\r\n"), TS("STARTTLS\r\n"), TC("502 no\r\n")}, SMTP_TLS_REJECTED},
		{{TC("220 ESMTP\r\n"), TS("EHLO a\r\nDATA\r\nNOOP\r\n")},
		 SMTP_INVALID_PIPELINED_SEQUENCE},
		{{TC("220 ESMTP\r\n"), TS("EHLO a\r\nBDAT 3\r\nabcd\r\n")},
		 SMTP_BDAT_CHUNK_LEN_EXCEEDED},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct app_talk talk;
		size_t n = 0;

		while (n < 6 && rows[i].says[n].bytes.ptr != NULL)
			n++;
		EXPECT(t, app_talk_open(&talk, APP_TCP, 25, 0));
		say_all(&talk, rows[i].says, n);
		EXPECT(t, talk.f->first != NULL);
		EXPECT(t, said(talk.f->first, rows[i].anomaly));
		app_talk_close(&talk);
		app_check_all(app_find(SLICE("smtp")), rows[i].says, n, 4);
	}
}

static void chunks_are_counted_not_read(struct test *t)
{
	static const struct app_says says[] = {
		TC("220 ESMTP\r\n"),
		TS("EHLO a\r\nBDAT 7\r\n.\r\nQUITBDAT 2 LAST\r\n\r\nRSET\r\n"),
	};
	static const struct app_says lines[] = {
		TC("220 ESMTP\r\n"),
		TS("EHLO a\r\nBDAT 6\r\nabcd\r\nBDAT 0 LAST\r\nMAIL FROM:<x>\r\n"),
	};
	struct app_talk talk;

	EXPECT(t, app_talk_open(&talk, APP_TCP, 25, 0));
	say_all(&talk, says, 2);
	EXPECT(t, said(talk.f->first, SMTP_BDAT_CHUNK_LEN_EXCEEDED));
	app_talk_close(&talk);
	EXPECT(t, app_talk_open(&talk, APP_TCP, 25, 0));
	say_all(&talk, lines, 2);
	EXPECT_UINT(t, talk.f->first->anomalies, 0);
	EXPECT_SLICE(t, field(talk.f->first, "smtp.mail_from", 0), SLICE("<x>"));
	app_talk_close(&talk);
}

static void long_lines_are_cut_and_said(struct test *t)
{
	for (size_t n = SMTP_LINE_MAX - 3; n <= SMTP_LINE_MAX; n++) {
		uint8_t line[SMTP_LINE_MAX + 16];
		struct app_talk talk;

		memset(line, 'x', sizeof line);
		memcpy(line + n, "\r\nMAIL FROM:<y>\r\n", 16);
		EXPECT(t, app_talk_open(&talk, APP_TCP, 25, 0));
		app_talk_say(&talk, APP_TO_CLIENT, SLICE("220 ESMTP\r\n"), 0);
		app_talk_say(&talk, APP_TO_SERVER, SLICE("EHLO a\r\n"), 0);
		app_talk_say(&talk, APP_TO_SERVER, (struct slice){line, n + 16}, 0);
		app_talk_say(&talk, APP_TO_SERVER, SLICE("\n"), 0);
		EXPECT(t, said(talk.f->first, SMTP_TRUNCATED_LINE) == (n + 2 > SMTP_LINE_MAX));
		EXPECT_SLICE(t, field(talk.f->first, "smtp.mail_from", 0), SLICE("<y>"));
		app_talk_close(&talk);
	}
}

static void a_long_answer_that_is_none_goes_by(struct test *t)
{
	static uint8_t junk[SMTP_LINE_MAX + 100];
	struct app_talk talk;

	memset(junk, 'A', sizeof junk);
	EXPECT(t, app_talk_open(&talk, APP_TCP, 25, 0));
	app_talk_say(&talk, APP_TO_CLIENT, SLICE("220 ESMTP\r\n"), 0);
	app_talk_say(&talk, APP_TO_CLIENT, (struct slice){junk, sizeof junk}, 700);
	app_talk_say(&talk, APP_TO_SERVER, SLICE("EHLO a\r\n"), 0);
	app_talk_say(&talk, APP_TO_CLIENT, SLICE("AA\r\n250 ok\r\n"), 0);
	EXPECT(t, talk.f->state == APP_PARSING && talk.f->first != NULL);
	EXPECT(t, !said(talk.f->first, SMTP_INVALID_REPLY));
	app_talk_close(&talk);
}

static void starttls_gives_the_flow_to_tls(struct test *t)
{
	static const struct app_says says[] = {
		TC("220 ESMTP\r\n"), TS("EHLO a\r\n"),	     TC("250 STARTTLS\r\n"),
		TS("STARTTLS\r\n"),  TC("220 go ahead\r\n"),
	};
	static const uint8_t hello[] = {22, 3, 1, 0, 43, 1, 0, 0, 39, 3, 3};
	struct app_talk talk;

	EXPECT(t, app_talk_open(&talk, APP_TCP, 25, 0));
	say_all(&talk, says, sizeof says / sizeof says[0]);
	EXPECT(t, talk.f->protocol == app_find(SLICE("smtp")) && talk.f->changing);
	EXPECT_UINT(t, talk.f->first->progress[0], SMTP_DONE);
	app_talk_say(&talk, APP_TO_SERVER, (struct slice){hello, sizeof hello}, 3);
	EXPECT(t, talk.f->before == app_find(SLICE("smtp")));
	EXPECT(t, talk.f->protocol == app_find(SLICE("tls")));
	app_talk_close(&talk);
}

TESTS(T(a_mail_is_a_transaction_with_files), T(how_it_is_cut_does_not_matter),
      T(a_mail_that_breaks_off_leaves_a_truncated_file), T(what_is_odd_is_said),
      T(chunks_are_counted_not_read), T(long_lines_are_cut_and_said),
      T(a_long_answer_that_is_none_goes_by), T(starttls_gives_the_flow_to_tls))
