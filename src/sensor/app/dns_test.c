/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app/app_check.h"
#include "sensor/app/dns_priv.h"
#include "test.h"

extern const struct app_protocol app_dns, app_mdns;

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define QUESTION                                                                                   \
	"\x03www\x07"                                                                              \
	"example\x00\x00\x01\x00\x01"

/* The typed record of a transaction, as detectors get it. */
static bool judged(struct app_tx *tx, unsigned n, struct record *r)
{
	*r = (struct record){.making = {.judged = true}};
	return app_dns.log(tx, n, &tx->arena, r);
}

/* Does the event have these bytes in its object? asked: what log_configure() made, or NULL. */
static bool says(struct app_tx *tx, const void *asked, unsigned n, const char *part)
{
	struct record r = {.making = {.asked = asked}};

	return app_dns.log(tx, n, &tx->arena, &r) && r.kind == RECORD_OBJECT && r.mores == 1 &&
	       slice_find(r.more[0].json, slice_of(part)) != SIZE_MAX;
}

/* One datagram; the flow stays open to be looked at. */
static void datagram(struct app_talk *k, enum app_dir dir, struct slice bytes)
{
	struct app_says says = {.dir = dir, .bytes = bytes};

	app_check_all(&app_dns, &says, 1, 12);
	ASSERT(app_talk_open(k, APP_UDP, 53, 0));
	app_talk_say(k, dir, bytes, 0);
	app_talk_eof(k);
}

static void a_query_and_its_answer_are_two_transactions(struct test *t)
{
	static const char query[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" QUESTION;
	static const char answer[] =
		"\x12\x34\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00" QUESTION
		"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x04\x01"
		"a\xc0\x10"
		"\xc0\x29\x00\x01\x00\x01\x00\x00\x01\x00\x00\x04\xc0\x00\x02\x01";
	struct app_talk k;
	struct app_tx *tx;
	struct record r = {0};

	ASSERT(app_talk_open(&k, APP_UDP, 53, 0));
	app_talk_say(&k, APP_TO_SERVER, (struct slice){(const uint8_t *)query, sizeof query - 1},
		     0);
	app_talk_say(&k, APP_TO_CLIENT, (struct slice){(const uint8_t *)answer, sizeof answer - 1},
		     0);
	tx = app_talk_tx(&k, 0);
	EXPECT(t, tx != NULL && app_talk_anomaly(&k, tx, SLICE("")));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_SERVER, SLICE("dns.query"), 0),
		     SLICE("www.example"));
	EXPECT(t, app_talk_field(tx, APP_TO_SERVER, SLICE("dns.query"), 1).ptr == NULL);
	EXPECT(t, !judged(tx, 1, &r) && judged(tx, 0, &r));
	EXPECT(t, !r.u.dns.answer && r.u.dns.id == 0x1234);
	EXPECT_SLICE(t, r.u.dns.rrname, SLICE("www.example"));
	tx = app_talk_tx(&k, 1);
	EXPECT(t, tx != NULL && tx->next == NULL && app_talk_anomaly(&k, tx, SLICE("")));
	EXPECT_UINT(t, tx->progress[APP_TO_CLIENT], 1);
	EXPECT(t, judged(tx, 0, &r));
	EXPECT(t, r.u.dns.answer && r.u.dns.answer_count == 2);
	EXPECT_SLICE(t, r.u.dns.rcode, SLICE("NOERROR"));
	EXPECT_SLICE(t, r.u.dns.answers[0].rrtype, SLICE("CNAME"));
	EXPECT_SLICE(t, r.u.dns.answers[0].rdata, SLICE("a.example"));
	EXPECT_UINT(t, r.u.dns.answers[0].ttl, 60);
	EXPECT_SLICE(t, r.u.dns.answers[1].rrname, SLICE("a.example"));
	EXPECT_SLICE(t, r.u.dns.answers[1].rdata, SLICE("192.0.2.1"));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_CLIENT, SLICE("dns.answers.rrname"), 1),
		     SLICE("a.example"));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_CLIENT, SLICE("dns.response.rrname"), 2),
		     SLICE("a.example"));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_CLIENT, SLICE("dns.response.rrname"), 4),
		     SLICE(""));
	EXPECT(t, app_talk_field(tx, APP_TO_CLIENT, SLICE("dns.response.rrname"), 5).ptr == NULL);
	EXPECT(t, app_talk_field(tx, APP_TO_SERVER, SLICE("dns.query"), 0).ptr == NULL);
	app_talk_close(&k);
}

/* One answer of each type whose data has a text. */
static void record_data_becomes_text(struct test *t)
{
#define B(lit)                                                                                     \
	{                                                                                          \
		(const uint8_t *)(lit), sizeof(lit) - 1                                            \
	}
	static const struct {
		uint16_t type;
		struct slice rdata;
		const char *name, *text; /* text NULL: none */
	} rows[] = {
		{1, B("\x01\x02\x03\x04"), "A", "1.2.3.4"},
		{28, B("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"), "AAAA",
		 "2001:0db8:0000:0000:0000:0000:0000:0001"},
		{2, B("\x02ns\0"), "NS", "ns"},
		{5,
		 B("\x01"
		   "c\0"),
		 "CNAME", "c"},
		{12, B("\x01p\0"), "PTR", "p"},
		{39, B("\0"), "DNAME", NULL},
		{15, B("\0\x0a\x02mx\0"), "MX", "mx"},
		{16,
		 B("\x03"
		   "abc\x02"
		   "de"),
		 "TXT", "abc"},
		{16, B("\0"), "TXT", ""},
		{99,
		 B("\x01"
		   "s"),
		 "SPF", NULL},
		{33, B("\0\x01\0\x02\0\x35\x01t\0"), "SRV", NULL},
		{6, B("\x01m\0\x01r\0\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05"), "SOA",
		 NULL},
		{10, B("raw"), "NULL", "raw"},
		{46, B("xyz"), "RRSIG", NULL},
		{65280, B("xyz"), "65280", NULL},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t m[512] = {0, 1, 0x81, 0x80, 0, 0, 0, 1};
		size_t n = 12;
		struct app_talk k;
		struct record r = {0};

		m[n++] = 0; /* the root owns it */
		m[n++] = (uint8_t)(rows[i].type >> 8);
		m[n++] = (uint8_t)rows[i].type;
		n += 2 + 4 + 1;
		m[n++] = (uint8_t)rows[i].rdata.len;
		memcpy(m + n, rows[i].rdata.ptr, rows[i].rdata.len);
		n += rows[i].rdata.len;
		datagram(&k, APP_TO_CLIENT, (struct slice){m, n});
		EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("")));
		EXPECT(t, judged(app_talk_tx(&k, 0), 0, &r));
		EXPECT_SLICE(t, r.u.dns.answers[0].rrtype, slice_of(rows[i].name));
		EXPECT_SLICE(t, r.u.dns.answers[0].rdata, slice_of(rows[i].text));
		app_talk_close(&k);
	}
}

static void what_is_odd_is_an_anomaly(struct test *t)
{
#define HEAD(flags, q, a, ns, ar) "\0\x01" flags "\0" q "\0" a "\0" ns "\0" ar
	static const struct {
		enum app_dir dir;
		struct slice bytes;
		const char *anomaly;
	} rows[] = {
		{APP_TO_SERVER, B(HEAD("\x81\0", "\1", "\0", "\0", "\0") QUESTION), "not_request"},
		{APP_TO_CLIENT, B(HEAD("\x01\0", "\1", "\0", "\0", "\0") QUESTION), "not_response"},
		{APP_TO_SERVER, B(HEAD("\x01\x40", "\1", "\0", "\0", "\0") QUESTION), "z_flag_set"},
		{APP_TO_SERVER, B(HEAD("\x01\0", "\2", "\0", "\0", "\0") QUESTION),
		 "malformed_data"},
		{APP_TO_SERVER, B(HEAD("\x39\0", "\1", "\0", "\0", "\0") QUESTION),
		 "invalid_opcode"},
		{APP_TO_SERVER, B(HEAD("\x01\0", "\1", "\0", "\0", "\0") "\xc0\x0c\0\1\0\1"),
		 "infinite_loop"},
		{APP_TO_SERVER, B(HEAD("\x01\0", "\1", "\0", "\0", "\0") "\xff\xff\0\1\0\1"),
		 "malformed_data"},
		{APP_TO_SERVER, B(HEAD("\x01\0", "\1", "\0", "\0", "\0") "\x40\0\1\0\1"),
		 "malformed_data"},
		{APP_TO_SERVER,
		 B(HEAD("\x01\0", "\1", "\0", "\0", "\0") "\x05"
							  "ab"),
		 "malformed_data"},
		{APP_TO_CLIENT,
		 B(HEAD("\x81\0", "\0", "\1", "\0", "\0") "\0\0\x05\0\1\0\0\0\0\0\2\5a"),
		 "malformed_data"},
		{APP_TO_CLIENT,
		 B(HEAD("\x81\0", "\0", "\1", "\0", "\0") "\0\0\x10\0\1\0\0\0\0\0\2\5a"),
		 "malformed_data"},
		{APP_TO_CLIENT, B(HEAD("\x81\0", "\1", "\0", "\1", "\0") QUESTION "\0"),
		 "invalid_authorities"},
		{APP_TO_CLIENT, B(HEAD("\x81\0", "\1", "\0", "\0", "\1") QUESTION "\0"),
		 "invalid_additionals"},
		{APP_TO_CLIENT, B(HEAD("\x83\0", "\1", "\0", "\0", "\1") QUESTION "\0"), ""},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct app_talk k;

		ASSERT(app_talk_open(&k, APP_UDP, 53, 0));
		/* a sound message first, so that the flow is DNS */
		app_talk_say(&k, rows[i].dir,
			     (struct slice)B(HEAD("\x01\0", "\1", "\0", "\0", "\0") QUESTION), 0);
		app_talk_say(&k, rows[i].dir, rows[i].bytes, 0);
		EXPECT(t, app_talk_tx(&k, 1) != NULL);
		if (!app_talk_anomaly(&k, app_talk_tx(&k, 1), slice_of(rows[i].anomaly)))
			test_fail(t, __FILE__, __LINE__, "row %zu: not %s", i, rows[i].anomaly);
		app_talk_close(&k);
	}
}

/* A name of `labels` labels of `bytes` bytes in out, with its end; returns its length. */
static size_t long_name(uint8_t *out, size_t labels, size_t bytes)
{
	size_t n = 0;

	for (size_t i = 0; i < labels; i++) {
		out[n++] = (uint8_t)bytes;
		memset(out + n, 'x', bytes);
		n += bytes;
	}
	out[n++] = 0;
	return n;
}

static void names_have_limits(struct test *t)
{
	static const struct {
		size_t labels, bytes, kept;
		const char *anomaly;
	} rows[] = {
		{DNS_STEPS_MAX, 1, 2 * DNS_STEPS_MAX - 1, ""},
		{DNS_STEPS_MAX + 1, 1, 2 * DNS_STEPS_MAX + 1, "too_many_labels"},
		{16, 63, 16 * 64 - 1, ""}, /* 1023 bytes */
		{17, 63, DNS_NAME_MAX, "name_too_long"},
		{40, 63, DNS_NAME_MAX, "name_too_long"},
	};
	static uint8_t bytes[8192];
	struct arena_pool pool = {.budget = 1 << 20};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct app_tx tx = {.arena = {.pool = &pool}};
		struct dns d = {.arena = &tx.arena};
		struct app_flow f = {.protocol = &app_dns};
		struct app_talk k = {.f = &f};
		struct slice m = {bytes, long_name(bytes, rows[i].labels, rows[i].bytes)};
		struct cursor c = cursor_of(m);

		EXPECT_UINT(t, app_dns_name(&c, m, &d).text.len, rows[i].kept);
		tx.anomalies = d.anomalies;
		EXPECT(t, app_talk_anomaly(&k, &tx, slice_of(rows[i].anomaly)));
		arena_reset(&tx.arena);
	}
	arena_pool_drain(&pool);
}

static void pointers_are_followed_up_to_a_limit(struct test *t)
{
	static uint8_t bytes[2 * (DNS_STEPS_MAX + 3)];
	struct arena_pool pool = {.budget = 1 << 20};

	for (size_t n = DNS_STEPS_MAX - 1; n <= DNS_STEPS_MAX + 1; n++) {
		struct arena a = {.pool = &pool};
		struct dns d = {.arena = &a};
		struct slice m = {bytes, 2 * n + 2};
		struct cursor c = cursor_of(m);
		struct dns_name name;

		for (size_t i = 0; i < n; i++) { /* each points to the next; the last is the root */
			bytes[2 * i] = (uint8_t)(0xc0 | (2 * i + 2) >> 8);
			bytes[2 * i + 1] = (uint8_t)(2 * i + 2);
		}
		bytes[2 * n] = bytes[2 * n + 1] = 0;
		name = app_dns_name(&c, m, &d);
		EXPECT_UINT(t, name.text.len, 0);
		EXPECT(t, !c.bad); /* where the name ends is known */
		EXPECT_UINT(t, name.cut, n > DNS_STEPS_MAX);
		EXPECT_UINT(t, d.anomalies >> DNS_TOO_MANY_LABELS & 1, n > DNS_STEPS_MAX);
		EXPECT_UINT(t, (size_t)(c.at - bytes), 2); /* behind the first */
		arena_reset(&a);
	}
	arena_pool_drain(&pool);
}

static void messages_on_tcp_have_a_length_in_front(struct test *t)
{
	static const char two[] = "\x00\x1d" HEAD("\x01\0", "\1", "\0", "\0", "\0") QUESTION
		"\x00\x00\x00\x1d" HEAD("\x01\0", "\1", "\0", "\0", "\0") QUESTION "\x00";
	struct app_says says = {.bytes = {(const uint8_t *)two, sizeof two - 1}};
	struct app_talk k;

	app_check_all(&app_dns, &says, 1, 12);
	ASSERT(app_talk_open(&k, APP_TCP, 53, 0));
	app_talk_say(&k, APP_TO_SERVER, says.bytes, 3);
	EXPECT(t, app_talk_tx(&k, 1) != NULL && app_talk_tx(&k, 2) == NULL);
	EXPECT_UINT(t, app_held_bytes(k.f, APP_TO_SERVER), 1);
	app_talk_close(&k);
}

static void after_a_gap_reading_goes_on_with_the_next_message(struct test *t)
{
	static const char one[] = "\x00\x1d" HEAD("\x01\0", "\1", "\0", "\0", "\0") QUESTION;
	struct slice message = {(const uint8_t *)one, sizeof one - 1};
	struct app_talk k;

	ASSERT(app_talk_open(&k, APP_TCP, 53, 0));
	app_talk_say(&k, APP_TO_SERVER, message, 0);
	app_talk_say(&k, APP_TO_SERVER, slice_part(message, 0, 9), 0);
	app_gap(k.f, APP_TO_SERVER, 22);
	app_talk_say(&k, APP_TO_SERVER, SLICE("\xff\xff the end of something else"), 0);
	EXPECT(t, app_talk_tx(&k, 1) == NULL);
	app_talk_say(&k, APP_TO_SERVER, message, 5);
	EXPECT_UINT(t, k.f->state, APP_PARSING);
	EXPECT(t, app_talk_tx(&k, 1) != NULL);
	app_talk_close(&k);
}

static void the_rcode_is_the_headers(struct test *t)
{
	struct app_talk k;
	struct record r;

	datagram(&k, APP_TO_CLIENT,
		 (struct slice)B(HEAD("\x81\0", "\1", "\0", "\1", "\1") QUESTION
				 "\1x\0\0\1\0\1\0\0\0\0\0\0"
				 "\0\0\x29\x10\0\1\0\0\0\0\0"));
	EXPECT(t, judged(app_talk_tx(&k, 0), 0, &r));
	EXPECT_SLICE(t, r.u.dns.rcode, SLICE("NOERROR"));
	EXPECT_SLICE(
		t,
		app_talk_field(app_talk_tx(&k, 0), APP_TO_CLIENT, SLICE("dns.response.rrname"), 1),
		SLICE("x"));
	app_talk_close(&k);
	datagram(&k, APP_TO_CLIENT,
		 (struct slice)B(HEAD("\x8b\x0d", "\1", "\0", "\0", "\0") QUESTION));
	EXPECT(t, judged(app_talk_tx(&k, 0), 0, &r));
	EXPECT_SLICE(t, r.u.dns.rcode, SLICE("13"));
	app_talk_close(&k);
}

#define OWNER "\0"
#define RECORD(type, length, data) OWNER "\0" type "\0\1\0\0\0\x3c\0" length data

static void the_event_has_suricata_8s_form(struct test *t)
{
	static const char *const parts[] = {
		"{\"version\":3,\"type\":\"response\",\"tx_id\":0,\"id\":1,\"flags\":\"87c3\","
		"\"qr\":"
		"true,\"aa\":true,\"tc\":true,\"rd\":true,\"ra\":true,\"z\":true,\"opcode\":0,"
		"\"rcode\":\"NXDOMAIN\",\"queries\":[{\"rrname\":\"www.example\",\"rrtype\":"
		"\"A\"}],\"answers\":[",
		"{\"rrname\":\"\",\"rrtype\":\"A\",\"ttl\":60,\"rdata\":\"192.0.2.1\"}",
		"{\"rrname\":\"\",\"rrtype\":\"TXT\",\"ttl\":60,\"rdata\":\"abc\"},"
		"{\"rrname\":\"\",\"rrtype\":\"TXT\",\"ttl\":60,\"rdata\":\"d\"}",
		"\"srv\":{\"priority\":1,\"weight\":2,\"port\":53,\"name\":\"t\"}",
		"\"sshfp\":{\"fingerprint\":\"0a:0b\",\"algo\":1,\"type\":2}",
		"\"soa\":{\"mname\":\"m\",\"rname\":\"r\",\"serial\":1,\"refresh\":2,\"retry\":3,"
		"\"expire\":4,\"minimum\":5}",
		"\"grouped\":{\"A\":[\"192.0.2.1\"],\"TXT\":[\"abc\",\"d\"],\"SRV\":[{",
		"\"authorities\":[{\"rrname\":\"\",\"rrtype\":\"NS\",\"ttl\":60,\"rdata\":\"n\"}]",
		"\"additionals\":[{\"rrname\":\"\",\"rrtype\":\"OPT\",\"ttl\":60,\"opt\":[{"
		"\"code\":10,"
		"\"data\":\"ff\"}]}]}",
	};
	struct app_talk k;

	datagram(&k, APP_TO_CLIENT,
		 (struct slice)B(HEAD("\x87\xc3", "\1", "\5", "\1", "\2") QUESTION RECORD(
			 "\1", "\4", "\xc0\0\2\1") RECORD("\x10", "\6", "\3abc\1d")
					 RECORD("\x21", "\x09", "\0\1\0\2\0\x35\1t\0")
						 RECORD("\x2c", "\4", "\1\2\x0a\x0b") RECORD(
							 "\6", "\x1a",
							 "\1m\0\1r\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0"
							 "\4\0\0\0\5") RECORD("\2", "\3", "\1n\0")
							 RECORD("\x29", "\0", "") RECORD(
								 "\x29", "\5", "\0\x0a\0\1\xff")));
	for (size_t i = 0; i < COUNT(parts); i++)
		if (!says(app_talk_tx(&k, 0), NULL, 0, parts[i]))
			test_fail(t, __FILE__, __LINE__, "not: %s", parts[i]);
	EXPECT(t, !says(app_talk_tx(&k, 0), NULL, 1, ""));
	app_talk_close(&k);
}

/* What an eve-log with these settings ("key=value") asks for; lives in a. */
static const void *asked(struct arena *a, const char *const *settings)
{
	struct config *root = config_new(a);
	struct fail why;

	ASSERT(root != NULL);
	for (; *settings != NULL; settings++) {
		struct slice value = slice_of(*settings), key = slice_split(&value, '=');

		ASSERT(config_set(root, key, value, &why) == ST_OK);
	}
	return app_dns.log_configure(NULL, root, a);
}

static void an_eve_log_gets_what_it_asks_for(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct app_talk k;
	struct app_tx *tx;

	datagram(&k, APP_TO_CLIENT,
		 (struct slice)B(HEAD("\x81\x80", "\1", "\1", "\0", "\0")
					 QUESTION RECORD("\1", "\4", "\xc0\0\2\1")));
	tx = app_talk_tx(&k, 0);
	EXPECT(t, !says(tx, asked(&a, (const char *[]){"responses=no", NULL}), 0, ""));
	EXPECT(t, !says(tx, asked(&a, (const char *[]){"types.0=aaaa", NULL}), 0, ""));
	EXPECT(t, says(tx, asked(&a, (const char *[]){"types.0=a", NULL}), 0, "\"A\""));
	EXPECT(t, says(tx, asked(&a, (const char *[]){"formats.0=grouped", NULL}), 0,
		       "],\"grouped\":{\"A\":[\"192.0.2.1\"]}}"));
	EXPECT(t, says(tx, asked(&a, (const char *[]){"formats.0=detailed", NULL}), 0,
		       "\"answers\":[{"));
	EXPECT(t, says(tx, asked(&a, (const char *[]){"version=2", NULL}), 0,
		       "{\"version\":2,\"type\":\"answer\",\"id\":1,\"flags\":\"8180\",\"qr\":true,"
		       "\"rd\":true,\"ra\":true,\"opcode\":0,\"rrname\":\"www.example\",\"rrtype\":"
		       "\"A\",\"rcode\":\"NOERROR\",\"answers\":["));
	app_talk_close(&k);
	datagram(
		&k, APP_TO_SERVER,
		(struct slice)B(HEAD("\x01\0", "\2", "\0", "\0", "\0") QUESTION "\1x\0\0\x1c\0\1"));
	tx = app_talk_tx(&k, 0);
	EXPECT(t, says(tx, asked(&a, (const char *[]){"version=2", NULL}), 1,
		       "{\"version\":2,\"type\":\"query\",\"id\":1,\"rrname\":\"x\",\"rrtype\":"
		       "\"AAAA\",\"tx_id\":0,\"opcode\":0}"));
	EXPECT(t, !says(tx, asked(&a, (const char *[]){"version=2", NULL}), 2, ""));
	EXPECT(t, !says(tx, asked(&a, (const char *[]){"requests=no", NULL}), 0, ""));
	app_talk_close(&k);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void only_plausible_messages_on_the_port_are_dns(struct test *t)
{
	static const struct {
		uint8_t transport;
		struct slice bytes;
		bool hint;
		enum app_probe want;
	} rows[] = {
		{APP_UDP, B(HEAD("\x01\0", "\1", "\0", "\0", "\0") QUESTION), true, APP_YES},
		{APP_UDP, B(HEAD("\x01\0", "\1", "\0", "\0", "\0") QUESTION), false, APP_NO},
		{APP_UDP, B(HEAD("\x01\0", "\0", "\0", "\0", "\0")), true, APP_NO},
		{APP_UDP, B(HEAD("\x81\0", "\0", "\0", "\0", "\0")), true, APP_YES_OTHER},
		{APP_UDP, B(HEAD("\x81\0", "\0", "\0", "\0", "\0") "x"), true, APP_NO},
		{APP_UDP, B(HEAD("\x01\0", "\1", "\x0d", "\0", "\0") QUESTION), true, APP_YES},
		{APP_UDP, B(HEAD("\x01\0", "\1", "\x0e", "\0", "\0") QUESTION), true, APP_NO},
		{APP_UDP,
		 B(HEAD("\x01\0", "\1", "\0", "\0", "\0") "\x41"
							  "aaaaaa"),
		 true, APP_NO},
		{APP_UDP, B("short"), true, APP_NO},
		{APP_TCP, B("\0"), true, APP_NEED_MORE},
		{APP_TCP, B("\0\x05"), true, APP_NO},
		{APP_TCP, B("\0\x1d\0\1\1\0\0\1"), true, APP_NEED_MORE},
		{APP_TCP, B("\0\x1d" HEAD("\x01\0", "\1", "\0", "\0", "\0")), true, APP_YES},
		{APP_TCP, B("\0\x0d" HEAD("\x01\0", "\1", "\0", "\0", "\0")), true, APP_YES},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct app_flow f = {.transport = rows[i].transport};

		if (app_dns.probe(&f, APP_TO_SERVER, rows[i].bytes, rows[i].hint) != rows[i].want)
			test_fail(t, __FILE__, __LINE__, "row %zu", i);
	}
}

static void any_bytes_behind_a_header_break_nothing(struct test *t)
{
	for (int round = 0; round < 3000; round++) {
		uint8_t m[96];
		struct app_says says = {.dir = round % 2 ? APP_TO_CLIENT : APP_TO_SERVER};
		size_t n = 12 + test_rand(t) % (sizeof m - 12);

		for (size_t i = 0; i < n; i++)
			m[i] = (uint8_t)(test_rand(t) % 3 ? test_rand(t) % 8 : test_rand(t));
		m[4] = m[6] = m[8] = m[10] = 0;
		if (test_rand(t) % 2) {
			m[0] = 0;
			m[1] = (uint8_t)(n - 2);
		}
		says.bytes = (struct slice){m, n};
		app_check_all(&app_dns, &says, 1, 2);
	}
}

static void multicast_dns_is_told_under_the_names_of_types(struct test *t)
{
	static const char answer[] = "\0\0\x84\0\0\0\0\2\0\0\0\1"
				     "\4_ipp\5local\0\0\x0c\x80\1\0\0\0\x3c\0\4\1a\xc0\x0c"
				     "\xc0\x22\0\x10\x80\1\0\0\0\x3c\0\6\2k=\2v="
				     "\xc0\x22\0\x2f\x80\1\0\0\0\x3c\0\1x";
	struct app_says says = {.dir = APP_TO_SERVER,
				.bytes = {(const uint8_t *)answer, sizeof answer - 1}};
	struct app_talk k;
	struct app_tx *tx;

	app_check_all(&app_mdns, &says, 1, 12);
	ASSERT(app_talk_open(&k, APP_UDP, 5353, 0));
	app_talk_say(&k, APP_TO_SERVER, says.bytes, 0);
	tx = app_talk_tx(&k, 0);
	EXPECT(t, k.f->protocol == &app_mdns && app_talk_anomaly(&k, tx, SLICE("")));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_SERVER, SLICE("mdns.answers.rrname"), 1),
		     SLICE("a._ipp.local"));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_SERVER, SLICE("mdns.additionals.rrname"), 0),
		     SLICE("a._ipp.local"));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_SERVER, SLICE("mdns.response.rrname"), 1),
		     SLICE("a._ipp.local"));
	EXPECT_SLICE(t, app_talk_event(&app_mdns, tx),
		     SLICE("{\"type\":\"response\",\"id\":0,\"flags\":[\"aa\"],\"opcode\":0,"
			   "\"rcode\":0,\"answers\":[{\"rrname\":\"_ipp.local\",\"ptr\":\"a._ipp."
			   "local\"},{\"rrname\":\"a._ipp.local\",\"txt\":[\"k=\",\"v=\"]}],"
			   "\"additionals\":[{\"rrname\":\"a._ipp.local\",\"nsec\":\"x\"}]}"));
	app_talk_close(&k);
}

TESTS(T(a_query_and_its_answer_are_two_transactions), T(record_data_becomes_text),
      T(what_is_odd_is_an_anomaly), T(names_have_limits), T(pointers_are_followed_up_to_a_limit),
      T(messages_on_tcp_have_a_length_in_front),
      T(after_a_gap_reading_goes_on_with_the_next_message), T(the_rcode_is_the_headers),
      T(the_event_has_suricata_8s_form), T(an_eve_log_gets_what_it_asks_for),
      T(only_plausible_messages_on_the_port_are_dns),
      T(multicast_dns_is_told_under_the_names_of_types), T(any_bytes_behind_a_header_break_nothing))
