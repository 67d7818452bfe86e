/* SPDX-License-Identifier: Apache-2.0
 * Sessions of POP3, and what is odd about them. */
#include "sensor/app/app_check.h"
#include "test.h"

extern const struct app_protocol app_pop3;

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void a_session_is_told_command_by_command(struct test *t)
{
	static const struct app_says says[] = {
		{APP_TO_CLIENT, SLICE("+OK POP3 ready\r\n"), 0},
		{APP_TO_SERVER, SLICE("USER me\r\n"), 0},
		{APP_TO_CLIENT, SLICE("+OK\r\n"), 0},
		{APP_TO_SERVER, SLICE("CAPA\r\n"), 0},
		{APP_TO_CLIENT, SLICE("+OK list\r\nTOP\r\n..x\r\n.\r\n"), 0},
		{APP_TO_SERVER, SLICE("DELE 9\r\n"), 0},
		{APP_TO_CLIENT, SLICE("-ERR no such\r\n"), 0},
	};
	struct app_talk k;

	app_check_all(&app_pop3, says, COUNT(says), 20);
	ASSERT(app_talk_open(&k, APP_TCP, 110, 0));
	for (size_t i = 0; i < COUNT(says); i++)
		app_talk_say(&k, says[i].dir, says[i].bytes, 0);
	for (unsigned i = 0; i < 4; i++)
		EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, i), SLICE("")));
	EXPECT_SLICE(t, app_talk_event(&app_pop3, app_talk_tx(&k, 2)),
		     SLICE("{\"request\":{\"command\":\"CAPA\"},\"response\":{\"success\":true,"
			   "\"status\":\"OK\",\"header\":\"list\",\"data\":[\"TOP\",\".x\"]}}"));
	EXPECT_SLICE(t, app_talk_event(&app_pop3, app_talk_tx(&k, 3)),
		     SLICE("{\"request\":{\"command\":\"DELE\",\"args\":[\"9\"]},\"response\":{"
			   "\"success\":false,\"status\":\"ERR\",\"header\":\"no such\"}}"));
	app_talk_close(&k);
}

static void odd_commands_are_anomalies(struct test *t)
{
	static const struct {
		const char *line, *anomaly;
	} rows[] = {
		{"RETR\r\n", "incorrect_argument_count"},
		{"TOP 1 2 3\r\n", "incorrect_argument_count"},
		{"uidl 1\r\n", ""},
		{"PASS a b c d\r\n", ""},
		{"HELO\r\n", "unknown_command"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct app_talk k;

		ASSERT(app_talk_open(&k, APP_TCP, 110, 0));
		app_talk_say(&k, APP_TO_SERVER, SLICE("USER me\r\n"), 0);
		app_talk_say(&k, APP_TO_SERVER, slice_of(rows[i].line), 0);
		EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 1), slice_of(rows[i].anomaly)));
		app_talk_close(&k);
	}
}

/* 255 bytes of a command, 512 of an answer, their ends included. */
static void lines_have_limits(struct test *t)
{
	static uint8_t line[600];

	memset(line, 'x', sizeof line);
	for (int more = 0; more <= 1; more++) {
		size_t ask = 255 + (size_t)more, answer = 512 + (size_t)more;
		struct app_talk k;

		ASSERT(app_talk_open(&k, APP_TCP, 110, 0));
		memcpy(line, "USER ", 5);
		memcpy(line + ask - 2, "\r\n", 2);
		app_talk_say(&k, APP_TO_SERVER, (struct slice){line, ask}, 0);
		EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0),
					   slice_of(more ? "request_too_long" : "")));
		app_talk_say(&k, APP_TO_CLIENT, SLICE("+OK\r\n"), 0);
		app_talk_say(&k, APP_TO_SERVER, SLICE("STAT\r\n"), 0);
		memset(line, 'x', sizeof line);
		memcpy(line, "+OK ", 4);
		memcpy(line + answer - 2, "\r\n", 2);
		app_talk_say(&k, APP_TO_CLIENT, (struct slice){line, answer}, 0);
		EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 1),
					   slice_of(more ? "response_too_long" : "")));
		app_talk_close(&k);
	}
}

/* 256 commands may wait; one more ends the oldest. */
static void too_many_commands_end_the_oldest(struct test *t)
{
	struct app_talk k;

	ASSERT(app_talk_open(&k, APP_TCP, 110, 0));
	for (int i = 0; i < 256; i++)
		app_talk_say(&k, APP_TO_SERVER, SLICE("USER me\r\n"), 0);
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("")));
	app_talk_say(&k, APP_TO_SERVER, SLICE("USER me\r\n"), 0);
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("too_many_transactions")));
	EXPECT_UINT(t, app_talk_tx(&k, 0)->progress[APP_TO_CLIENT], 1);
	EXPECT_UINT(t, app_talk_tx(&k, 1)->progress[APP_TO_CLIENT], 0);
	app_talk_close(&k);
}

TESTS(T(a_session_is_told_command_by_command), T(odd_commands_are_anomalies), T(lines_have_limits),
      T(too_many_commands_end_the_oldest))
