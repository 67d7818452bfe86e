/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app/ftp_priv.h"

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

static const struct app_says talk_rows[] = {
	TC("220-Hello\r\n220 FTP ready\r\n"),
	TS("USER bob\r\n"),
	TC("331 Password\r\n"),
	TS("XYZZY nobody knows\r\nPASV\r\n"),
	TC("227 Entering Passive Mode (192,0,2,1,4,1).\r\n"),
	TS("RETR a b.txt\r\n"),
	TC("150 Here it comes\r\n"),
	TC("226 Done\r\n"),
	TS("QUIT\r\n"),
};

enum { ROWS = sizeof talk_rows / sizeof talk_rows[0] };

static void say_all(struct app_talk *t, const struct app_says *says, size_t n)
{
	for (size_t i = 0; i < n; i++)
		app_talk_say(t, says[i].dir, says[i].bytes, 0);
}

static struct app_tx *tx_at(struct app_talk *t, unsigned n)
{
	struct app_tx *tx = t->f->first;

	for (; tx != NULL && n > 0; n--)
		tx = tx->next;
	ASSERT(tx != NULL);
	return tx;
}

static unsigned txs(const struct app_talk *t)
{
	unsigned n = 0;

	for (const struct app_tx *tx = t->f->first; tx != NULL; tx = tx->next)
		n++;
	return n;
}

static struct slice text_of(struct app_tx *tx, const char *name, unsigned n)
{
	const struct app_protocol *p;

	return app_field_find(slice_of(name), &p)->get(tx, APP_TO_SERVER, n);
}

static void commands_have_their_answers(struct test *t)
{
	struct app_talk talk;
	struct record r = {0};

	EXPECT(t, app_talk_open(&talk, APP_TCP, 21, 0));
	say_all(&talk, talk_rows, ROWS);
	EXPECT_UINT(t, txs(&talk), 5);
	EXPECT(t, text_of(tx_at(&talk, 0), "ftp.command", 0).ptr == NULL); /* the greeting */
	EXPECT_SLICE(t, text_of(tx_at(&talk, 0), "ftp.reply", 0), SLICE("220-Hello"));
	EXPECT_SLICE(t, text_of(tx_at(&talk, 0), "ftp.completion_code", 0), SLICE("220"));
	EXPECT(t, text_of(tx_at(&talk, 0), "ftp.completion_code", 1).ptr == NULL);
	EXPECT_SLICE(t, text_of(tx_at(&talk, 1), "ftp.command", 0), SLICE("USER"));
	EXPECT_SLICE(t, text_of(tx_at(&talk, 1), "ftp.command_data", 0), SLICE("bob"));
	EXPECT_SLICE(t, text_of(tx_at(&talk, 3), "ftp.completion_code", 1), SLICE("226"));
	EXPECT_UINT(t, tx_at(&talk, 3)->progress[0], FTP_DONE);
	EXPECT_UINT(t, tx_at(&talk, 4)->progress[0], 0); /* QUIT has no answer yet */
	EXPECT(t, app_ftp_log(tx_at(&talk, 2), 0, &talk.flow, &r));
	EXPECT_SLICE(t, r.more[0].json,
		     SLICE("{\"command\":\"PASV\",\"command_truncated\":false,"
			   "\"completion_code\":[\"227\"],"
			   "\"reply\":[\"Entering Passive Mode (192,0,2,1,4,1).\"],"
			   "\"dynamic_port\":1025,\"mode\":\"passive\",\"reply_received\":\"yes\","
			   "\"reply_truncated\":false}"));
	app_talk_close(&talk);
	app_check_all(app_find(SLICE("ftp")), talk_rows, ROWS, 20);
}

static void a_transfer_is_announced_and_read(struct test *t)
{
	static const struct {
		const char *agreed, *answer, *command;
		uint16_t port;
		enum app_dir dir; /* of the file, on the data connection */
	} rows[] = {
		{"PASV", "227 ok (192,0,2,1,4,1)", "RETR f", 1025, APP_TO_CLIENT},
		{"EPSV", "229 ok (|||1026|)", "STOR f", 1026, APP_TO_SERVER},
		{"PORT 10,0,0,1,4,3", "200 ok", "RETR f", 1027, APP_TO_SERVER},
		{"EPRT |2|2001:db8::1|1028|", "200 ok", "STOR f", 1028, APP_TO_CLIENT},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct app_talk talk, data;
		struct app_expected *e;
		struct file *f;

		EXPECT(t, app_talk_open(&talk, APP_TCP, 21, 0));
		app_talk_say(&talk, APP_TO_SERVER, SLICE("USER a\r\n"), 0);
		app_talk_say(&talk, APP_TO_SERVER, slice_of(rows[i].agreed), 0);
		app_talk_say(&talk, APP_TO_SERVER, SLICE("\r\n"), 0);
		app_talk_say(&talk, APP_TO_CLIENT, SLICE("331 ok\r\n"), 0);
		app_talk_say(&talk, APP_TO_CLIENT, slice_of(rows[i].answer), 0);
		app_talk_say(&talk, APP_TO_CLIENT, SLICE("\r\n"), 0);
		EXPECT(t, talk.f->expects == NULL);
		app_talk_say(&talk, APP_TO_SERVER, slice_of(rows[i].command), 0);
		app_talk_say(&talk, APP_TO_SERVER, SLICE("\r\n"), 0);
		EXPECT(t, talk.f->expects != NULL && talk.f->expects->count == 1);
		e = &talk.f->expects->items[0];
		EXPECT_UINT(t, e->port, rows[i].port);

		EXPECT(t, app_talk_open(&data, APP_TCP, rows[i].port, 0));
		app_begin(data.f, e);
		EXPECT_SLICE(t, slice_of(data.f->protocol->name), SLICE("ftp-data"));
		app_talk_say(&data, rows[i].dir, SLICE("the bytes"), 2);
		f = data.f->first->files[rows[i].dir].first;
		EXPECT(t, f != NULL && f->state == FILE_OPEN);
		app_talk_eof(&data);
		EXPECT(t, f->state == FILE_CLOSED && f->size == 9);
		EXPECT_SLICE(t, f->name, SLICE("f"));
		app_talk_close(&data);
		app_talk_close(&talk);
	}
}

static void bytes_of_the_wrong_side_are_no_file(struct test *t)
{
	static struct app_expected e = {.protocol = "ftp-data", .port = 1};
	static const struct ftp_transfer transfer = {
		.to_client = true, .name_bytes = 1, .name = "x"};
	struct app_talk data;

	e.bytes = (uint16_t)(offsetof(struct ftp_transfer, name) + 1);
	memcpy(e.data, &transfer, e.bytes);
	EXPECT(t, app_talk_open(&data, APP_TCP, 1, 0));
	app_begin(data.f, &e);
	app_talk_say(&data, APP_TO_SERVER, SLICE("no"), 0);
	EXPECT(t, data.f->first == NULL);
	app_gap(data.f, APP_TO_CLIENT, 5);
	app_talk_say(&data, APP_TO_CLIENT, SLICE("yes"), 0);
	EXPECT(t, data.f->first->files[APP_TO_CLIENT].first->size == 3);
	app_gap(data.f, APP_TO_CLIENT, 7);
	EXPECT(t, data.f->first->files[APP_TO_CLIENT].first->gaps);
	app_talk_close(&data);
}

static void addresses_are_read_or_refused(struct test *t)
{
	static const struct {
		const char *line;
		bool (*read)(struct slice line, uint16_t *out_port);
		uint16_t port; /* 0: refused */
	} rows[] = {
		{"227 ok (1,2,3,4,255,255).", app_ftp_pasv, 65535},
		{"227 1,2,3,4,0,21", app_ftp_pasv, 21},
		{"227 (1,2,3,4,256,0)", app_ftp_pasv, 0},
		{"227 (1,2,3,4,0,0)", app_ftp_pasv, 0},
		{"227 (1,2,3,4,5)", app_ftp_pasv, 0},
		{"227", app_ftp_pasv, 0},
		{"229 (|||1|)", app_ftp_epsv, 1},
		{"229 (!!!65535!)", app_ftp_epsv, 65535},
		{"229 (|||65536|)", app_ftp_epsv, 0},
		{"229 (|1|1.2.3.4|5|)", app_ftp_epsv, 0},
		{"229 ()", app_ftp_epsv, 0},
	};
	uint16_t port = 0;
	struct addr at;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		port = 0;
		EXPECT(t, rows[i].read(slice_of(rows[i].line), &port) == (rows[i].port != 0));
		EXPECT_UINT(t, port, rows[i].port);
	}
	EXPECT(t, app_ftp_port(SLICE("PORT 10,0,0,1,1,0"), &port, &at) && port == 256);
	EXPECT(t, at.family == 4 && at.b[0] == 10);
	EXPECT(t, app_ftp_eprt(SLICE("EPRT |2|::1|80|"), &port, &at) && port == 80);
	EXPECT(t, at.family == 6 && at.b[15] == 1);
	EXPECT(t, !app_ftp_eprt(SLICE("EPRT |3|::1|80|"), &port, &at));
	EXPECT(t, !app_ftp_eprt(SLICE("EPRT"), &port, &at));
}

static void long_lines_are_cut_and_said(struct test *t)
{
	for (size_t n = FTP_LINE_MAX - 1; n <= FTP_LINE_MAX + 1; n++) {
		static uint8_t line[FTP_LINE_MAX + 8];
		struct app_talk talk;
		struct app_tx *tx;

		memset(line, 'x', sizeof line);
		memcpy(line, "RETR ", 5);
		line[n - 1] = '\n'; /* n bytes with their end */
		EXPECT(t, app_talk_open(&talk, APP_TCP, 21, 0));
		app_talk_say(&talk, APP_TO_SERVER, SLICE("USER a\r\n"), 0);
		app_talk_say(&talk, APP_TO_SERVER, (struct slice){line, n}, 0);
		app_talk_say(&talk, APP_TO_SERVER, SLICE("NOOP\r\n"), 0);
		tx = tx_at(&talk, 1);
		EXPECT(t, (tx->anomalies != 0) == (n > FTP_LINE_MAX));
		EXPECT_SLICE(t, text_of(tx_at(&talk, 2), "ftp.command", 0), SLICE("NOOP"));
		app_talk_close(&talk);
	}
}

static void pop3_answers_have_as_many_lines_as_their_command_says(struct test *t)
{
	static const struct app_says says[] = {
		TC("+OK POP3 ready\r\n"),
		TS("STAT\r\nLIST\r\nLIST 1\r\nAUTH PLAIN\r\n"),
		TC("+OK 2 320\r\n+OK\r\n1 120\r\n..2\r\n.\r\n+OK 1 120\r\n+ \r\n"),
		TS("c2VjcmV0\r\nQUIT\r\n"),
		TC("-ERR no\r\n"),
	};
	static const char *const want[] = {
		"{\"response\":{\"success\":true,\"status\":\"OK\",\"header\":\"POP3 ready\"}}",
		"{\"request\":{\"command\":\"STAT\"},"
		"\"response\":{\"success\":true,\"status\":\"OK\",\"header\":\"2 320\"}}",
		"{\"request\":{\"command\":\"LIST\"},\"response\":{\"success\":true,"
		"\"status\":\"OK\",\"header\":\"\",\"data\":[\"1 120\",\".2\"]}}",
		"{\"request\":{\"command\":\"LIST\",\"args\":[\"1\"]},"
		"\"response\":{\"success\":true,\"status\":\"OK\",\"header\":\"1 120\"}}",
		"{\"request\":{\"command\":\"AUTH\",\"args\":[\"PLAIN\"]},"
		"\"response\":{\"success\":true,\"status\":\"OK\",\"header\":\"\"}}",
		"{\"request\":{\"command\":\"<SASL DATA>\"},"
		"\"response\":{\"success\":false,\"status\":\"ERR\",\"header\":\"no\"}}",
		"{\"request\":{\"command\":\"QUIT\"}}",
	};
	struct app_talk talk;
	unsigned n = 0;

	EXPECT(t, app_talk_open(&talk, APP_TCP, 110, 0));
	say_all(&talk, says, sizeof says / sizeof says[0]);
	for (struct app_tx *tx = talk.f->first; tx != NULL; tx = tx->next, n++) {
		struct record r = {0};

		EXPECT(t, n < sizeof want / sizeof want[0]);
		EXPECT(t, talk.f->protocol->log(tx, 0, &talk.flow, &r));
		EXPECT_SLICE(t, r.more[0].json, slice_of(want[n]));
	}
	EXPECT_UINT(t, n, sizeof want / sizeof want[0]);
	app_talk_close(&talk);
	app_check_all(app_find(SLICE("pop3")), says, sizeof says / sizeof says[0], 15);
}

static void tftp_requests_are_transactions(struct test *t)
{
	struct app_talk talk;
	struct record r = {0};

	EXPECT(t, app_talk_open(&talk, APP_UDP, 69, 0));
	app_talk_say(&talk, APP_TO_SERVER, SLICE("\0\1a.bin\0OCTET\0"), 0);
	app_talk_say(&talk, APP_TO_SERVER,
		     SLICE("\0\2b\0mail\0blksize\0"
			   "1428\0"),
		     0);
	app_talk_say(&talk, APP_TO_SERVER, SLICE("\0\3\0\1data"), 0);
	app_talk_say(&talk, APP_TO_SERVER, SLICE("\0\1unended"), 0);
	EXPECT_UINT(t, txs(&talk), 2);
	EXPECT_SLICE(t, text_of(tx_at(&talk, 0), "tftp.mode", 0), SLICE("octet"));
	EXPECT(t, talk.f->protocol->log(tx_at(&talk, 1), 0, &talk.flow, &r));
	EXPECT_SLICE(t, r.more[0].json,
		     SLICE("{\"packet\":\"write\",\"file\":\"b\",\"mode\":\"mail\"}"));
	app_talk_close(&talk);
}

TESTS(T(commands_have_their_answers), T(a_transfer_is_announced_and_read),
      T(bytes_of_the_wrong_side_are_no_file), T(addresses_are_read_or_refused),
      T(long_lines_are_cut_and_said), T(pop3_answers_have_as_many_lines_as_their_command_says),
      T(tftp_requests_are_transactions))
