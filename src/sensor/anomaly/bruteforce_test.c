/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/anomaly/anomaly_fixture.h"

/* A transaction of `type` whose record says `json`. */
static void log_object(struct watch *w, struct addr client, struct addr server, const char *type,
		       const char *json, int64_t at)
{
	struct flow f = flow_of(IP_PROTO_TCP, server, 21, START);
	struct record r = {.at = {at}};

	f.client = client;
	ASSERT(record_object(&r, &w->arena, type, slice_of(json)));
	anomaly_logged(w->worker, &f, &r);
}

static void fail_ftp(struct watch *w, struct addr client, struct addr server, int64_t at)
{
	log_object(w, client, server, "ftp", "{\"command\":\"PASS\",\"completion_code\":[\"530\"]}",
		   at);
}

static void ten_refused_logins_are_guessing(struct test *t)
{
	struct watch *w = watch_new();

	for (int64_t i = 0; i < 9; i++)
		fail_ftp(w, attacker, host(1), START + i * S);
	EXPECT_UINT(t, w->count, 0);
	fail_ftp(w, attacker, host(1), START + 9 * S);
	EXPECT_UINT(t, w->count, 1);
	EXPECT_SLICE(t, w->said[0].u.anomaly.event, SLICE("bruteforce.guessing"));
	EXPECT_SLICE(t, w->said[0].u.anomaly.summary,
		     SLICE("203.0.113.10 failed to log in to 198.51.0.1:21 10 times within 9.0 s"));
	EXPECT_SLICE(t, w->said[0].u.anomaly.measure, SLICE("failures"));
	EXPECT_UINT(t, w->said[0].u.anomaly.score_milli, 1000);
	watch_done(w);
}

/* A mail program with an old password: once a minute. */
static void a_stale_password_is_no_attack(struct test *t)
{
	struct watch *w = watch_new();

	for (int64_t i = 0; i < 1000; i++)
		log_object(w, attacker, host(1), "pop3",
			   "{\"request\":{\"command\":\"PASS\"},\"response\":{\"success\":false}}",
			   START + i * 60 * S);
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
}

static void every_protocol_s_refusal_counts_and_nothing_else(struct test *t)
{
	static const struct {
		const char *type, *json;
		uint64_t said;
	} cases[] = {
		{"ftp", "{\"command\":\"PASS\",\"completion_code\":[\"530\"]}", 1},
		{"ftp", "{\"command\":\"PASS\",\"completion_code\":[\"230\"]}", 0},
		{"ftp", "{\"command\":\"RETR\",\"completion_code\":[\"530\"]}", 0},
		{"ftp",
		 "{\"command\":\"PASS\",\"command_data\":\"\\\"completion_code\\\":[\\\"530\\\"\"}",
		 0},
		{"pop3", "{\"request\":{\"command\":\"PASS\"},\"response\":{\"success\":false}}",
		 1},
		{"pop3", "{\"request\":{\"command\":\"APOP\"},\"response\":{\"success\":false}}",
		 1},
		{"pop3", "{\"request\":{\"command\":\"RETR\"},\"response\":{\"success\":false}}",
		 0},
		{"smb",
		 "{\"command\":\"SMB2_COMMAND_SESSION_SETUP\",\"status\":\"STATUS_LOGON_FAILURE\"}",
		 1},
		{"smb", "{\"status\":\"STATUS_ACCESS_DENIED\"}", 0},
		{"rfb", "{\"authentication\":{\"security_result\":\"FAIL\"}}", 1},
		{"rfb", "{\"authentication\":{\"security_result\":\"OK\"}}", 0},
		{"ldap", "{\"result_code\":\"invalid_credentials\"}", 1},
		{"krb5", "{\"error_code\":\"KDC_ERR_PREAUTH_FAILED\"}", 1},
		{"krb5", "{\"error_code\":\"KDC_ERR_PREAUTH_REQUIRED\"}", 0},
		{"nfs", "{\"status\":\"STATUS_LOGON_FAILURE\"}", 0},
	};

	for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
		struct watch *w = watch_new();

		for (int64_t i = 0; i < 12; i++)
			log_object(w, attacker, host(1), cases[c].type, cases[c].json,
				   START + i * S);
		EXPECT_UINT(t, w->count, cases[c].said);
		watch_done(w);
	}
}

static void one_client_at_five_servers_is_spraying(struct test *t)
{
	for (uint32_t servers = 4; servers <= 5; servers++) {
		struct watch *w = watch_new();

		for (uint32_t i = 0; i < 10; i++)
			fail_ftp(w, attacker, host(i % servers), START + i * S);
		EXPECT_UINT(t, said(w, "bruteforce.guessing"), 0);
		EXPECT_UINT(t, said(w, "bruteforce.spraying"), servers == 5);
		watch_done(w);
	}
}

static void many_clients_at_one_server_are_distributed(struct test *t)
{
	for (uint8_t clients = 7; clients <= 8; clients++)
		for (uint32_t n = 39; n <= 40; n++) {
			struct watch *w = watch_new();

			for (uint32_t i = 0; i < n; i++) {
				struct addr client = {4, {192, 0, 2, (uint8_t)(i % clients)}};

				fail_ftp(w, client, host(1), START + i * S);
			}
			EXPECT_UINT(t, said(w, "bruteforce.distributed"), clients == 8 && n == 40);
			EXPECT_UINT(t, w->count, clients == 8 && n == 40);
			watch_done(w);
		}
}

static void http(struct watch *w, uint64_t status, int64_t at)
{
	struct flow f = flow_of(IP_PROTO_TCP, host(80), 80, START);
	struct record r = {.kind = RECORD_HTTP, .at = {at}, .u.http.status = status};

	anomaly_logged(w->worker, &f, &r);
}

/* NTLM: two refusals, then as many answers as the session asks. */
static void http_401_counts_only_where_little_else_is_said(struct test *t)
{
	struct watch *w = watch_new();

	for (int64_t i = 0; i < 200; i++) {
		http(w, 401, START + i * S);
		http(w, 401, START + i * S);
		http(w, 200, START + i * S);
		http(w, 200, START + i * S);
	}
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
	w = watch_new();
	for (int64_t i = 0; i < 10; i++)
		http(w, 401, START + i * S);
	EXPECT_UINT(t, said(w, "bruteforce.guessing"), 1);
	watch_done(w);
}

/* A session whose server sent so many bytes in so many packets. */
static void session(struct watch *w, uint16_t port, uint64_t bytes, uint64_t pkts, int64_t at)
{
	static uint8_t bins[] = {1};
	struct flow f = flow_of(IP_PROTO_TCP, host(22), port, at);

	f.side[0] =
		(struct flow_side){.pkts = pkts / 2, .bytes = 2000, .bins = bins, .bin_count = 1};
	f.side[1] = (struct flow_side){
		.pkts = pkts - pkts / 2, .bytes = bytes, .bins = bins, .bin_count = 1};
	anomaly_flow_end(w->worker, &f);
}

static void short_sessions_that_are_alike_are_guessing(struct test *t)
{
	struct watch *w = watch_new();

	for (int64_t i = 0; i < 15; i++)
		session(w, 22, 2500, 22, START + i * 3 * S);
	EXPECT_UINT(t, w->count, 0);
	session(w, 22, 2500, 22, START + 45 * S);
	EXPECT_UINT(t, said(w, "bruteforce.guessing"), 1);
	EXPECT_SLICE(t, w->said[0].u.anomaly.measure, SLICE("sessions_alike"));
	watch_done(w);
}

static void look_alikes_of_guessing_are_silent(struct test *t)
{
	struct watch *w = watch_new();

	for (int64_t i = 0; i < 400; i++) {
		session(w, 25, 2500, 20, START + i * S);       /* a mail server's deliveries */
		session(w, 443, 2500, 20, START + i * S);      /* a browser */
		session(w, 993, 2500, 20, START + i * 60 * S); /* a mail program, once a minute */
		session(w, 22, 2500, 61, START + i * S);       /* too long for a refusal */
		session(w, 22, 20001, 40, START + i * S);      /* too much for one */
		session(w, 22, 300, 5, START + i * S);	       /* monitoring: connects and leaves */
		session(w, 22, 799, 12, START + i * S);	       /* ... having read the banner */
		session(w, 3306, UINT64_C(1000) << i % 5, 20, START + i * S); /* queries differ */
	}
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
}

/* One attempt in 20 s never has 16 in five minutes: slowness is what hides. */
static void slow_guessing_is_not_seen(struct test *t)
{
	struct watch *w = watch_new();

	for (int64_t i = 0; i < 1000; i++)
		session(w, 22, 2500, 22, START + i * 21 * S);
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
}

TESTS(T(ten_refused_logins_are_guessing), T(a_stale_password_is_no_attack),
      T(every_protocol_s_refusal_counts_and_nothing_else),
      T(one_client_at_five_servers_is_spraying), T(many_clients_at_one_server_are_distributed),
      T(http_401_counts_only_where_little_else_is_said),
      T(short_sessions_that_are_alike_are_guessing), T(look_alikes_of_guessing_are_silent),
      T(slow_guessing_is_not_seen))
