/* SPDX-License-Identifier: Apache-2.0
 * What holds for every protocol in the table, so that a new one is tested by being listed; the life
 * of a flow; and who is recognised by which bytes. */
#include "sensor/app/app_check.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define B(lit)                                                                                     \
	{                                                                                          \
		(const uint8_t *)(lit), sizeof(lit) - 1                                            \
	}

static void the_table_is_sound(struct test *t)
{
	EXPECT(t, app_protocols[0] != NULL);
	for (size_t i = 0; app_protocols[i] != NULL; i++) {
		const struct app_protocol *p = app_protocols[i];
		size_t fields = 0, anomalies = 0;

		EXPECT(t, p->name[0] != '\0' && p->spec != NULL && p->probe != NULL);
		EXPECT(t, app_find(slice_of(p->name)) == p); /* unique */
		EXPECT(t, (p->transports & (APP_TCP | APP_UDP)) != 0);
		EXPECT(t, p->parse != NULL || (p->fields == NULL && p->log == NULL));
		for (const struct app_field *f = p->fields; f != NULL && f->name != NULL; f++) {
			const struct app_protocol *owner = NULL;

			EXPECT(t, f->get != NULL && f->doc != NULL);
			for (const struct app_field *g = p->fields; g != f; g++)
				EXPECT(t, strcmp(g->name, f->name) != 0);
			/* two protocols may have the same buffer: a rule means either */
			EXPECT(t, app_field_find(slice_of(f->name), &owner) != NULL);
			EXPECT(t, f->dirs >= 1 && f->dirs <= 3);
			for (enum app_dir d = APP_TO_SERVER; d <= APP_TO_CLIENT; d++)
				EXPECT(t, (f->dirs >> d & 1) == 0 ||
						  f->stage == APP_STAGE_COMPLETE ||
						  f->stage < p->complete[d]);
			fields++;
		}
		while (p->anomalies != NULL && p->anomalies[anomalies] != NULL)
			anomalies++;
		EXPECT(t, fields <= APP_FIELDS_MAX && anomalies <= APP_ANOMALIES_MAX);
	}
	EXPECT(t, app_find(SLICE("no such")) == NULL);
}

struct known {
	const char *name; /* NULL: nobody */
	uint8_t transport;
	enum app_dir dir;
	uint16_t port;
	struct slice bytes;
};

static const struct known known[] = {
	{"http", APP_TCP, 0, 4444, B("GET / HTTP/1.1\r\n")},
	{"http", APP_TCP, 1, 4444, B("HTTP/1.1 200 OK\r\n")},
	{"http2", APP_TCP, 0, 80, B("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
	{NULL, APP_TCP, 1, 80, B("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
	{"tls", APP_TCP, 0, 4444, B("\x16\3\1\0\x40\1\0\0\x3c")},
	{"ssh", APP_TCP, 1, 4444, B("SSH-2.0-x\r\n")},
	{"smb", APP_TCP, 0, 4444, B("\0\0\0\x40\xffSMBr")},
	{"smb", APP_TCP, 1, 4444, B("\0\0\0\x40\xfeSMB\x40")},
	{"smb", APP_TCP, 0, 139,
	 B("\x81\0\0\x44\x20"
	   "CKAAAA")},
	{NULL, APP_TCP, 0, 139,
	 B("\x81\0\0\x45\x20"
	   "CKAAAA")},
	{NULL, APP_TCP, 0, 4444,
	 B("\x81\0\0\x44\x20"
	   "CKAAAA")},
	{NULL, APP_TCP, 0, 445, B("\0\0\0\x40\xfcSMBr")},
	{NULL, APP_TCP, 0, 445, B("\0\0\0\x40\xffSMX")},
	{"dcerpc", APP_TCP, 0, 135, B("\5\0\x0b\3\x10\0\0\0\x48\0\0\0\1\0\0\0")},
	{"dcerpc", APP_TCP, 0, 135, B("\5\1\x0b\3\0\0\0\0\0\x48\0\0\1\0\0\0")},
	{NULL, APP_TCP, 0, 135, B("\5\0\x0b\3\x10\0\0\0\x0f\0\0\0\1\0\0\0")},
	{NULL, APP_TCP, 0, 135, B("\5\0\x15\3\x10\0\0\0\x48\0\0\0\1\0\0\0")},
	{NULL, APP_TCP, 0, 135, B("\5\2\x0b\3\x10\0\0\0\x48\0\0\0\1\0\0\0")},
	{NULL, APP_TCP, 0, 1080, B("\5\1\0")}, /* SOCKS5 */
	{"rfb", APP_TCP, 1, 5900, B("RFB 003.008\n")},
	{NULL, APP_TCP, 1, 5900, B("RFB 003-008\n")},
	{"mqtt", APP_TCP, 0, 4444, B("\x10\x10\0\4MQTT\5\2")},
	{"mqtt", APP_TCP, 0, 4444, B("\x10\x90\1\0\6MQIsdp\3\2")},
	{NULL, APP_TCP, 0, 1883, B("\x10\xff\xff\xff\xff\1\0\4MQTT")},
	{NULL, APP_TCP, 0, 4444, B("\x10\x10\0\4MQTX\5\2")},
	{NULL, APP_TCP, 1, 4444, B("\x10\x10\0\4MQTT\5\2")},
	{"mqtt", APP_TCP, 1, 1883, B("\xd0\0")}, /* on its port any message that can be */
	{NULL, APP_TCP, 0, 1883, B("\x06\0")},
	{"sip", APP_UDP, 0, 5060, B("INVITE sip:a@b SIP/2.0\r\n")},
	{"sip", APP_TCP, 0, 5060, B("OPTIONS sip:a@b SIP/2.0\r\n")},
	{"sip", APP_TCP, 1, 5060, B("SIP/2.0 200 OK\r\n")},
	{"rdp", APP_TCP, 0, 4444, B("\3\0\0\x23\x1e\xe0\0\0\0\0\0Cookie: mstshash=abcdef\r")},
	{"rdp", APP_TCP, 0, 4444, B("\3\0\0\x13\x0e\xe0\0\0\0\0\0\1\0\x08\0\3\0\0\0")},
	{"rdp", APP_TCP, 1, 4444, B("\3\0\0\x13\x0e\xd0\0\0\0\0\0\2\0\x08\0\3\0\0\0")},
	{"rdp", APP_TCP, 0, 3389, B("\3\0\0\x0b\6\xe0\0\0\0\0\0")},
	{NULL, APP_TCP, 0, 102,
	 B("\3\0\0\x16\x11\xe0\0\0\0\1\0\xc0\1\x0a\xc1\2\1\0\xc2\2\1\2")}, /* S7 */
	{NULL, APP_TCP, 0, 102, B("\3\0\0\x0b\6\xe0\0\0\0\0\0")},
	{NULL, APP_TCP, 0, 3389, B("\3\0\0\x0b\7\xe0\0\0\0\0\0")},
	{NULL, APP_TCP, 0, 3389, B("\3\1\0\x0b\6\xe0\0\0\0\0\0")},
	{NULL, APP_TCP, 0, 3389, B("\3\0\0\x0b\6\xf0\0\0\0\0\0")},
	{"imap", APP_TCP, 1, 4444, B("* OK ready\r\n")},
	{NULL, APP_TCP, 0, 143, B("* OK ready\r\n")},
	{"pop3", APP_TCP, 1, 110, B("+OK\r\n")},
	{"pop3", APP_TCP, 1, 4444, B("+OK a pop3 server\r\n")},
	{NULL, APP_TCP, 1, 6379, B("+OK\r\n")}, /* Redis */
	{"pop3", APP_TCP, 0, 110, B("USER a\r\n")},
	{"smtp", APP_TCP, 1, 4444, B("220 mx esmtp\r\n")},
	{"smtp", APP_TCP, 1, 25, B("220 mx\r\n")},
	{"smtp", APP_TCP, 0, 4444, B("ehlo a\r\n")},
	{"ftp", APP_TCP, 1, 4444, B("220 an FTP server\r\n")},
	{"ftp", APP_TCP, 1, 21, B("220 hello\r\n")},
	{"ftp", APP_TCP, 0, 21, B("USER a\r\n")},
	{NULL, APP_TCP, 1, 4444, B("220 hello\r\n")},
	{"krb5", APP_TCP, 0, 88, B("\0\0\0\7\x6a\5\x30\3\xa1\1\0")},
	{"krb5", APP_UDP, 0, 88, B("\x6a\x81\3\x30\1\0")},
	{NULL, APP_UDP, 0, 88, B("\x6a\6\x30\3\xa1\1\0")},
	{NULL, APP_UDP, 0, 88, B("\x69\5\x30\3\xa1\1\0")},
	{NULL, APP_UDP, 0, 88, B("\x6a")},
	{NULL, APP_UDP, 0, 4444, B("\x6a\5\x30\3\xa1\1\0")},
	{"ntp", APP_UDP, 0, 123,
	 B("\x23"
	   "47 bytes of time, 47 bytes of time, 47 bytes of")},
	{"ntp", APP_UDP, 0, 123, B("\x16\2\0\0\0\0\0\0\0\0\0\0")},
	{NULL, APP_UDP, 0, 123, B("\x17\0\3\x2a\0\0\0\0\0\0\0\0")},
	{NULL, APP_UDP, 0, 123, B("\x23\0\0\0\0\0\0\0\0\0\0\0")},
	{NULL, APP_UDP, 0, 123, B("\x3b")},
	{"snmp", APP_UDP, 0, 161, B("\x30\5\2\1\1\4\0")},
	{"snmp", APP_UDP, 0, 161, B("\x30\x81\5\2\1\1\4\0")},
	{NULL, APP_UDP, 0, 161, B("\x30\x85\5\2\1\1\4\0")},
	{NULL, APP_UDP, 0, 161, B("\x30\5\2\1\4\4\0")},
	{NULL, APP_UDP, 0, 161, B("\x30\0")},
	{"tftp", APP_UDP, 0, 69, B("\0\1boot\0octet\0")},
	{"tftp", APP_UDP, 0, 69, B("\0\2boot\0NetASCII\0")},
	{NULL, APP_UDP, 0, 69, B("\0\1\0octet\0")},
	{NULL, APP_UDP, 0, 69, B("\0\1boot\0zip\0")},
	{NULL, APP_UDP, 0, 69, B("\0\1boot")},
	{NULL, APP_UDP, 0, 69, B("\0\3boot\0octet\0")},
	{"modbus", APP_TCP, 0, 502, B("\0\1\0\0\0\6\x11\3\0\x6b\0\3")},
	{NULL, APP_TCP, 0, 502, B("\0\1\0\1\0\6\x11\3\0\x6b\0\3")},
	{NULL, APP_TCP, 0, 4444, B("\0\1\0\0\0\6\x11\3\0\x6b\0\3")},
	{NULL, APP_TCP, 0, 4444, B("nothing that anybody knows")},
};

static void protocols_are_known_by_their_bytes(struct test *t)
{
	for (size_t i = 0; i < COUNT(known); i++)
		for (size_t cut = 0; cut < 3; cut++) {
			const struct known *k = &known[i];
			struct app_talk talk;

			ASSERT(app_talk_open(&talk, k->transport, k->port, 0));
			app_talk_say(&talk, k->dir, k->bytes, cut);
			app_talk_eof(&talk);
			if (talk.f->protocol != (k->name ? app_find(slice_of(k->name)) : NULL))
				test_fail(t, __FILE__, __LINE__, "row %zu is %s, not %s", i,
					  talk.f->protocol ? talk.f->protocol->name : "unknown",
					  k->name ? k->name : "unknown");
			app_talk_close(&talk);
		}
}

static void dhcp_is_known_by_its_cookie(struct test *t)
{
	uint8_t bytes[240] = {1, 1, 6};
	struct app_talk k;

	memcpy(bytes + 236, "\x63\x82\x53\x63", 4);
	for (int bad = 0; bad < 3; bad++) {
		ASSERT(app_talk_open(&k, APP_UDP, 67, 0));
		app_talk_say(&k, APP_TO_SERVER, (struct slice){bytes, sizeof bytes - (bad == 1)},
			     0);
		EXPECT(t, (k.f->protocol == app_find(SLICE("dhcp"))) == (bad == 0));
		app_talk_close(&k);
		if (bad == 1)
			bytes[0] = 3;
	}
}

/* For every probe: what it says of a beginning, it says of the whole. */
static void a_verdict_never_changes(struct test *t)
{
	for (size_t i = 0; i < COUNT(known); i++)
		for (size_t p = 0; app_protocols[p] != NULL; p++)
			for (int hint = 0; hint < 2; hint++) {
				struct app_flow f = {.transport = APP_TCP};
				enum app_probe before = APP_NEED_MORE, now;

				if ((app_protocols[p]->transports & APP_TCP) == 0)
					continue;
				for (size_t n = 0; n <= known[i].bytes.len; n++) {
					now = app_protocols[p]->probe(
						&f, known[i].dir, slice_part(known[i].bytes, 0, n),
						hint != 0);
					EXPECT(t, before == APP_NEED_MORE || now == before);
					before = now;
				}
			}
}

static void the_server_may_speak_first(struct test *t)
{
	struct app_talk k;
	struct app_tx *tx;

	ASSERT(app_talk_open(&k, APP_TCP, 22, 0));
	app_talk_say(&k, APP_TO_SERVER, SLICE("SS"), 0);
	EXPECT_UINT(t, k.f->state, APP_PROBING);
	app_talk_say(&k, APP_TO_CLIENT, SLICE("SSH-2.0-OpenSSH_9.2p1 Debian\r\n"), 0);
	EXPECT_UINT(t, k.f->state, APP_PARSING);
	app_talk_say(&k, APP_TO_SERVER, SLICE("H-1.99-x\r\n"), 0);
	tx = app_talk_tx(&k, 0);
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_CLIENT, SLICE("ssh.software"), 0),
		     SLICE("OpenSSH_9.2p1"));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_SERVER, SLICE("ssh.proto"), 0), SLICE("1.99"));
	app_talk_close(&k);
}

static void a_bad_banner_is_an_anomaly(struct test *t)
{
	static uint8_t line[300] = "SSH-2.0-";
	static const struct {
		struct slice server;
		const char *anomaly;
	} rows[] = {
		{B("nothing\n"), "invalid_banner"}, {B("SSH-2.0\n"), "invalid_banner"},
		{B("SSH--x\n"), "invalid_banner"},  {{line, 255}, ""},
		{{line, 256}, "long_banner"},
	};

	memset(line + 8, 'a', sizeof line - 8);
	line[254] = '\n';
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct app_says says[] = {{.bytes = B("SSH-2.0-c\n")},
					  {.dir = APP_TO_CLIENT, .bytes = rows[i].server}};
		struct app_talk k;

		if (i == 4)
			line[254] = 'a';
		app_check_all(app_find(SLICE("ssh")), says, 2, 8);
		ASSERT(app_talk_open(&k, APP_TCP, 22, 0));
		app_talk_say(&k, APP_TO_SERVER, says[0].bytes, 0);
		app_talk_say(&k, APP_TO_CLIENT, says[1].bytes, 0);
		EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), slice_of(rows[i].anomaly)));
		app_talk_close(&k);
	}
	{
		struct app_talk k;

		ASSERT(app_talk_open(&k, APP_TCP, 22, 0));
		app_talk_say(&k, APP_TO_SERVER, SLICE("SSH-2.0-c"), 0);
		app_gap(k.f, APP_TO_SERVER, 1);
		EXPECT_UINT(t, k.f->state, APP_PARSING); /* the server may still say who it is */
		app_talk_say(&k, APP_TO_CLIENT, SLICE("SSH-2.0-s\n"), 0);
		EXPECT_SLICE(
			t,
			app_talk_field(app_talk_tx(&k, 0), APP_TO_CLIENT, SLICE("ssh.software"), 0),
			SLICE("s"));
		app_talk_close(&k);
	}
}

/* A packet of RFC 4253 6 without padding. */
static struct slice ssh_packet(struct buf *b, uint8_t code, struct slice body)
{
	size_t from = b->len;
	uint32_t n = (uint32_t)body.len + 2;
	uint8_t head[6] = {0, 0, (uint8_t)(n >> 8), (uint8_t)n, 0, code};

	buf_add(b, (struct slice){head, sizeof head});
	buf_add(b, body);
	return slice_from(buf_slice(b), from);
}

static void a_hassh_is_what_one_side_offers_for_what_it_sends(struct test *t)
{
	static const char *const lists[] = {"kex", "key", "e>s", "e>c", "m>s",
					    "m>c", "c>s", "c>c", "",	""};
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct buf body = buf_in(&a), up = buf_in(&a), down = buf_in(&a);
	struct app_says says[2] = {{.dir = APP_TO_SERVER}, {.dir = APP_TO_CLIENT}};
	struct app_talk k;
	struct app_tx *tx;

	buf_add(&body, SLICE("0123456789abcdef"));
	for (size_t i = 0; i < COUNT(lists); i++) {
		uint8_t n[4] = {0, 0, 0, (uint8_t)strlen(lists[i])};

		buf_add(&body, (struct slice){n, 4});
		buf_add_z(&body, lists[i]);
	}
	buf_add_z(&up, "SSH-2.0-c\r\n");
	(void)ssh_packet(&up, 20, buf_slice(&body));
	(void)ssh_packet(&up, 21, SLICE(""));
	buf_add_z(&up, "secret");
	buf_add_z(&down, "SSH-2.0-s\r\n");
	(void)ssh_packet(&down, 20, buf_slice(&body));
	(void)ssh_packet(&down, 31, SLICE("anything"));
	(void)ssh_packet(&down, 21, SLICE(""));
	says[0].bytes = buf_slice(&up);
	says[1].bytes = buf_slice(&down);
	app_check_all(app_find(SLICE("ssh")), says, 2, 12);
	ASSERT(app_talk_open(&k, APP_TCP, 22, 0));
	app_talk_say(&k, APP_TO_SERVER, says[0].bytes, 3);
	EXPECT(t, !k.f->stop_inspecting);
	app_talk_say(&k, APP_TO_CLIENT, says[1].bytes, 0);
	EXPECT(t, k.f->stop_inspecting); /* NEWKEYS of both */
	tx = app_talk_tx(&k, 0);
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_SERVER, SLICE("ssh.hassh.string"), 0),
		     SLICE("kex;e>s;m>s;c>s"));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_CLIENT, SLICE("ssh.hassh.server.string"), 0),
		     SLICE("kex;e>c;m>c;c>c"));
	EXPECT_UINT(t, app_talk_field(tx, APP_TO_SERVER, SLICE("ssh.hassh"), 0).len, 32);
	app_talk_close(&k);
	ASSERT(app_talk_open(&k, APP_TCP, 22, 0)); /* a length that holds no code */
	app_talk_say(&k, APP_TO_SERVER, SLICE("SSH-2.0-c\n\0\0\0\1\0\0"), 0);
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("invalid_record")));
	EXPECT_UINT(t, k.f->state, APP_GIVEN_UP);
	app_talk_close(&k);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void unknown_flows_are_given_up(struct test *t)
{
	static uint8_t many[APP_PROBE_HELD_MAX + 1];
	struct app_talk k;

	ASSERT(app_talk_open(&k, APP_TCP, 4444, 0)); /* both directions failed */
	app_talk_say(&k, APP_TO_SERVER, SLICE("?"), 0);
	EXPECT_UINT(t, k.f->state, APP_PROBING);
	app_talk_say(&k, APP_TO_CLIENT, SLICE("?"), 0);
	EXPECT_UINT(t, k.f->state, APP_GIVEN_UP);
	app_talk_say(&k, APP_TO_CLIENT, SLICE("HTTP/1.1 200 OK\r\n\r\n"), 0);
	EXPECT(t, k.f->protocol == NULL && app_held_bytes(k.f, 0) == 0);
	app_talk_close(&k);
	for (size_t n = sizeof many - 1; n <= sizeof many; n++) { /* one does not stop */
		ASSERT(app_talk_open(&k, APP_TCP, 4444, 0));
		app_talk_say(&k, APP_TO_SERVER, (struct slice){many, n}, 100);
		EXPECT_UINT(t, k.f->state, n == sizeof many ? APP_GIVEN_UP : APP_PROBING);
		app_talk_close(&k);
	}
	ASSERT(app_talk_open(&k, APP_TCP, 4444, 0)); /* bytes are missing */
	app_gap(k.f, APP_TO_SERVER, 1);
	EXPECT_UINT(t, k.f->state, APP_PROBING); /* the other side may tell */
	app_gap(k.f, APP_TO_CLIENT, 1);
	EXPECT_UINT(t, k.f->state, APP_GIVEN_UP);
	app_talk_close(&k);
	ASSERT(app_talk_open(&k, APP_TCP, 4444, 0)); /* and it does */
	app_talk_say(&k, APP_TO_SERVER, SLICE("?"), 0);
	app_gap(k.f, APP_TO_SERVER, 9);
	app_talk_say(&k, APP_TO_CLIENT, SLICE("SSH-2.0-a\r\n"), 0);
	EXPECT_UINT(t, k.f->state, APP_PARSING);
	EXPECT(t, k.f->eof[APP_TO_SERVER] && !k.f->eof[APP_TO_CLIENT]); /* nothing behind a gap */
	app_talk_close(&k);
	ASSERT(app_talk_open(&k, APP_UDP, 4444, 0));
	app_talk_say(&k, APP_TO_SERVER, SLICE("?"), 0);
	app_talk_say(&k, APP_TO_SERVER, SLICE("INVITE sip:a"), 0); /* once is enough */
	EXPECT_UINT(t, k.f->state, APP_PROBING);
	app_talk_say(&k, APP_TO_CLIENT, SLICE("?"), 0);
	EXPECT_UINT(t, k.f->state, APP_GIVEN_UP);
	app_talk_close(&k);
	ASSERT(app_talk_open(&k, APP_TCP, 4444, 0)); /* it ended: what is open stays unknown */
	app_talk_say(&k, APP_TO_SERVER, SLICE("GE"), 0);
	app_talk_eof(&k);
	EXPECT_UINT(t, k.f->state, APP_GIVEN_UP);
	app_talk_say(&k, APP_TO_SERVER, SLICE("T /"), 0);
	app_eof(k.f, APP_TO_SERVER);
	app_gap(k.f, APP_TO_SERVER, 1);
	EXPECT_UINT(t, k.f->consumed[APP_TO_SERVER], 0);
	app_talk_close(&k);
}

static void both_directions_are_kept_while_probing(struct test *t)
{
	struct app_talk k;

	ASSERT(app_talk_open(&k, APP_TCP, 80, 0));
	app_talk_say(&k, APP_TO_SERVER, SLICE("QUERY / HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
	EXPECT(t, k.f->protocol == NULL);
	app_eof(k.f, APP_TO_SERVER);
	app_talk_say(&k, APP_TO_CLIENT, SLICE("HTTP/1.1 200 OK\r\n\r\n"), 0);
	EXPECT(t, k.f->protocol == app_find(SLICE("http")));
	EXPECT_SLICE(t, app_talk_field(app_talk_tx(&k, 0), APP_TO_SERVER, SLICE("http.method"), 0),
		     SLICE("QUERY"));
	EXPECT_SLICE(t,
		     app_talk_field(app_talk_tx(&k, 0), APP_TO_CLIENT, SLICE("http.stat_code"), 0),
		     SLICE("200"));
	app_talk_close(&k);
}

/* A command between two pieces of a greeting that is no protocol's yet; an answer behind it. */
static void what_is_held_is_said_again_in_its_order(struct test *t)
{
	const struct app_says says[] = {
		{.dir = APP_TO_CLIENT, .bytes = B("220 FTP")},
		{.dir = APP_TO_SERVER, .bytes = B("OPTS a\r\nPASV\r\n")},
		{.dir = APP_TO_CLIENT, .bytes = B(" ready\r\n331 b\r\n227 c (192,0,2,1,4,1)\r\n")},
		{.dir = APP_TO_SERVER, .bytes = B("RETR d\r\n")},
		{.dir = APP_TO_CLIENT, .bytes = B("150 e\r\n")},
	};
	static const char *const codes[] = {"220", "331", "227", "150"};
	struct app_talk k;

	app_check_all(app_find(SLICE("ftp")), says, COUNT(says), 12);
	ASSERT(app_talk_open(&k, APP_TCP, 4444, 0));
	app_talk_say(&k, says[0].dir, says[0].bytes, 0);
	app_talk_say(&k, says[1].dir, says[1].bytes, 0);
	EXPECT_UINT(t, k.f->state, APP_PROBING);
	app_eof(k.f, APP_TO_SERVER); /* is nothing that the parser may know before its turn */
	app_talk_say(&k, says[2].dir, says[2].bytes, 0);
	EXPECT(t, k.f->protocol == app_find(SLICE("ftp")));
	EXPECT_UINT(t, k.f->open_txs, 3);
	for (unsigned i = 0; i < 3; i++)
		EXPECT_SLICE(t,
			     app_talk_field(app_talk_tx(&k, i), APP_TO_CLIENT,
					    SLICE("ftp.completion_code"), 0),
			     slice_of(codes[i]));
	app_talk_close(&k);
}

/* Past APP_TURNS_MAX the bytes are all there, though no longer in their order. */
static void no_byte_of_many_turns_is_lost(struct test *t)
{
	for (size_t turns = APP_TURNS_MAX - 1; turns <= APP_TURNS_MAX + 2; turns++)
		for (int end = 0; end < 2; end++) {
			size_t said[2] = {0, 0};
			struct app_talk k;

			ASSERT(app_talk_open(&k, APP_TCP, 4444, 0));
			for (size_t i = 0; i < turns; i++) {
				enum app_dir dir = i % 2 ? APP_TO_SERVER : APP_TO_CLIENT;
				struct slice s = i == 0 ? SLICE("220 ") : SLICE("?");

				app_talk_say(&k, dir, s, 0);
				said[dir] += s.len;
			}
			if (end)
				app_eof(k.f, APP_TO_SERVER);
			EXPECT_UINT(t, k.f->state, APP_PROBING);
			app_talk_say(&k, APP_TO_CLIENT, SLICE(" FTP\r\n"), 0);
			EXPECT(t, k.f->protocol == app_find(SLICE("ftp")));
			app_talk_say(&k, APP_TO_SERVER, SLICE("\r\n"), 0);
			EXPECT_UINT(t, k.f->consumed[APP_TO_CLIENT], said[APP_TO_CLIENT] + 6);
			EXPECT_UINT(t, k.f->consumed[APP_TO_SERVER],
				    said[APP_TO_SERVER] + (end ? 0 : 2));
			app_talk_close(&k);
		}
}

static bool is_event(const struct app_talk *k, enum app_event e)
{
	return (k->f->events >> e & 1) != 0;
}

static void what_each_direction_speaks_is_compared(struct test *t)
{
	static const struct slice get = B("GET / HTTP/1.1\r\n\r\n");
	static const struct {
		struct slice answer;
		const char *told;
		uint8_t events;
	} rows[] = {
		{B("HTTP/1.1 200 OK\r\n\r\n"), "http", 0},
		{B("SSH-2.0-OpenSSH_9\r\n"), "ssh", 1u << APP_EVENT_MISMATCH},
		{B("what is this?\r\n"), NULL, 1u << APP_EVENT_ONE_DIRECTION},
	};
	struct app_talk k;

	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t cut = 0; cut < 3; cut++) {
			const struct app_protocol *told =
				rows[i].told ? app_find(slice_of(rows[i].told)) : NULL;

			ASSERT(app_talk_open(&k, APP_TCP, 4444, 0));
			app_talk_say(&k, APP_TO_SERVER, get, cut);
			EXPECT_UINT(t, k.f->events, 0);
			app_talk_say(&k, APP_TO_CLIENT, rows[i].answer, cut);
			EXPECT(t, k.f->protocol == app_find(SLICE("http")));
			EXPECT(t, k.f->told[APP_TO_SERVER] == k.f->protocol);
			EXPECT(t, k.f->told[APP_TO_CLIENT] == told);
			EXPECT_UINT(t, k.f->events, rows[i].events);
			app_talk_close(&k);
		}
	ASSERT(app_talk_open(&k, APP_TCP, 4444, 0)); /* the answer first */
	app_talk_say(&k, APP_TO_CLIENT, rows[0].answer, 0);
	EXPECT(t, is_event(&k, APP_EVENT_WRONG_DIRECTION));
	app_talk_close(&k);
	ASSERT(app_talk_open(&k, APP_TCP, 4444, 0)); /* what nobody knew comes before */
	app_talk_say(&k, APP_TO_SERVER, SLICE("?"), 0);
	app_talk_say(&k, APP_TO_CLIENT, rows[1].answer, 0);
	EXPECT(t, is_event(&k, APP_EVENT_ONE_DIRECTION));
	app_talk_close(&k);
}

static void too_much_of_one_side_is_an_event(struct test *t)
{
	static uint8_t many[APP_PROBE_HELD_MAX + 1];
	struct app_talk k;

	for (size_t n = sizeof many - 1; n <= sizeof many; n++) {
		ASSERT(app_talk_open(&k, APP_TCP, 4444, 0));
		app_talk_say(&k, APP_TO_CLIENT, (struct slice){many, n}, 0);
		EXPECT(t, is_event(&k, APP_EVENT_SKIPPED) == (n == sizeof many));
		app_talk_close(&k);
	}
}

static void what_was_agreed_on_is_expected(struct test *t)
{
	static const struct {
		struct slice then;
		uint8_t events;
	} rows[] = {
		{B("\x16\3\1\0\x40\1\0\0\x3c"), 0},
		{B("GET / HTTP/1.1\r\n"), 1u << APP_EVENT_NO_TLS | 1u << APP_EVENT_UNEXPECTED},
	};
	struct app_talk k;

	for (size_t i = 0; i < COUNT(rows); i++) {
		ASSERT(app_talk_open(&k, APP_TCP, 25, 0));
		app_talk_say(&k, APP_TO_CLIENT, SLICE("220 mx esmtp\r\n"), 0);
		app_talk_say(&k, APP_TO_SERVER, SLICE("EHLO a\r\n"), 0);
		app_talk_say(&k, APP_TO_CLIENT, SLICE("250 STARTTLS\r\n"), 0);
		app_talk_say(&k, APP_TO_SERVER, SLICE("STARTTLS\r\n"), 0);
		app_talk_say(&k, APP_TO_CLIENT, SLICE("220 go\r\n"), 0);
		EXPECT_UINT(t, k.f->events, 0);
		app_talk_say(&k, APP_TO_SERVER, rows[i].then, 0);
		EXPECT_UINT(t, k.f->events, rows[i].events);
		app_talk_close(&k);
	}
}

/* Is DNS over TCP to this port known, with these detection-ports? */
static bool is_dns_on(struct test *t, const char *ports, uint16_t port)
{
	static const struct slice query = B("\0\x11\0\1\1\0\0\1\0\0\0\0\0\0\0\0\1\0\1");
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct config *c = config_new(&a);
	struct app_flow *f;
	struct fail why;
	bool is;

	ASSERT(config_set(c, SLICE("app-layer.protocols.dns.tcp.detection-ports.dp"),
			  slice_of(ports), &why) == ST_OK);
	f = app_flow_new(&a, &pool, app_setup_new(c, &a), APP_TCP, 40000, port);
	ASSERT(f != NULL);
	app_data(f, APP_TO_SERVER, query);
	is = f->protocol == app_find(SLICE("dns"));
	app_flow_end(f);
	arena_reset(&a);
	arena_pool_drain(&pool);
	return is;
}

static void detection_ports_are_the_configurations(struct test *t)
{
	EXPECT(t, is_dns_on(t, "1053", 1053) && !is_dns_on(t, "1053", 53));
	EXPECT(t, !is_dns_on(t, "2000:2002", 1999) && is_dns_on(t, "2000:2002", 2000));
	EXPECT(t, is_dns_on(t, "[1, 2000:2002]", 2002) && !is_dns_on(t, "1, 2000:2002", 2003));
	EXPECT(t, is_dns_on(t, "any", 4444) && is_dns_on(t, ":9", 9) && !is_dns_on(t, ":9", 10));
	EXPECT(t, is_dns_on(t, "", 53) && is_dns_on(t, "x", 53)); /* nothing said: its own */
}

static void a_flow_is_swapped_when_its_bytes_are_the_servers(struct test *t)
{
	static const struct slice answer = B("\0\x11\x84\0\0\1\0\0\0\0\0\0\0\0\1\0\1");
	static const struct slice status = B("HTTP/1.1 200 OK\r\n");
	const struct {
		uint8_t transport;
		enum app_swap swap;
		uint16_t port; /* of who sends first */
		struct slice bytes;
		const char *name;
		bool swapped;
	} rows[] = {
		{APP_UDP, APP_SWAP_SURE, 53, answer, "dns", true},
		{APP_UDP, APP_SWAP_NEVER, 53, answer, "dns", false},
		{APP_TCP, APP_SWAP_PICKED, 4444, status, "http", true},
		{APP_TCP, APP_SWAP_SURE, 4444, status, NULL, false},
		{APP_TCP, APP_SWAP_PICKED, 4444, B("GET / HTTP/1.1\r\n"), "http", false},
		{APP_TCP, APP_SWAP_PICKED, 445, B("\0\0\0\x40\xfeSMB\x40\0\0\0\0\0\0\0\0\0\0\0\1"),
		 "smb", true},
		{APP_TCP, APP_SWAP_PICKED, 445, B("\0\0\0\x40\xfdSMB\x40\0"), "smb", true},
		{APP_TCP, APP_SWAP_PICKED, 4444, B("\0\0\0\x40\xffSMBr\0\0\0\0\x80\0\0\0\0\0\0\0"),
		 "smb", true},
		{APP_TCP, APP_SWAP_PICKED, 4444, B("\5\0\x0c\3\x10\0\0\0\x48\0\0\0\1\0\0\0"),
		 "dcerpc", true},
		{APP_TCP, APP_SWAP_PICKED, 389, B("0\x0c\2\1\1a\7\n\1\0\4\0\4\0"), "ldap", true},
		{APP_TCP, APP_SWAP_PICKED, 20000, B("\5\x64\5\x44\1\0\2\0\0\0"), "dnp3", true},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena_pool pool = {.budget = 1 << 20};
		struct arena a = {.pool = &pool};
		struct app_flow *f = app_flow_new(&a, &pool, app_setup_new(NULL, &a),
						  rows[i].transport, rows[i].port, 40000);

		ASSERT(f != NULL);
		f->swap = rows[i].swap;
		app_data(f, APP_TO_SERVER, rows[i].bytes);
		EXPECT(t, f->protocol ==
				  (rows[i].name == NULL ? NULL : app_find(slice_of(rows[i].name))));
		EXPECT(t, app_swap_take(f) == rows[i].swapped);
		EXPECT(t, !app_swap_take(f));
		EXPECT_UINT(t, f->server_port, rows[i].swapped ? rows[i].port : 40000);
		EXPECT_UINT(t, f->events, 0);
		app_flow_end(f);
		arena_reset(&a);
		arena_pool_drain(&pool);
	}
}

/* Until the worker knows, its directions are those from before. */
static void a_swapped_flow_reads_on_under_its_old_name(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct app_flow *f = app_flow_new(&a, &pool, app_setup_new(NULL, &a), APP_TCP, 80, 40000);
	struct slice answer = SLICE("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");

	ASSERT(f != NULL);
	f->swap = APP_SWAP_PICKED;
	for (size_t i = 0; i < answer.len; i++)
		app_data(f, APP_TO_SERVER, slice_part(answer, i, 1));
	EXPECT_UINT(t, f->consumed[APP_TO_CLIENT], answer.len);
	EXPECT_UINT(t, f->consumed[APP_TO_SERVER], 0);
	EXPECT(t, app_swap_take(f));
	app_data(f, APP_TO_SERVER, SLICE("GET / HTTP/1.1\r\n\r\n"));
	EXPECT_UINT(t, f->consumed[APP_TO_SERVER], 18);
	app_flow_end(f);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void random_bytes_break_nothing(struct test *t)
{
	uint8_t bytes[64];

	for (size_t i = 0; app_protocols[i] != NULL; i++)
		for (int round = 0; round < 300; round++) {
			size_t n = test_rand(t) % sizeof bytes;

			for (size_t k = 0; k < n; k++)
				bytes[k] = (uint8_t)(test_rand(t) % 3 ? test_rand(t) % 8
								      : test_rand(t));
			app_check_input(app_protocols[i], (struct slice){bytes, n});
		}
}

TESTS(T(the_table_is_sound), T(protocols_are_known_by_their_bytes), T(dhcp_is_known_by_its_cookie),
      T(a_verdict_never_changes), T(the_server_may_speak_first), T(a_bad_banner_is_an_anomaly),
      T(a_hassh_is_what_one_side_offers_for_what_it_sends), T(unknown_flows_are_given_up),
      T(both_directions_are_kept_while_probing), T(what_is_held_is_said_again_in_its_order),
      T(no_byte_of_many_turns_is_lost), T(what_each_direction_speaks_is_compared),
      T(too_much_of_one_side_is_an_event), T(detection_ports_are_the_configurations),
      T(what_was_agreed_on_is_expected), T(a_flow_is_swapped_when_its_bytes_are_the_servers),
      T(a_swapped_flow_reads_on_under_its_old_name), T(random_bytes_break_nothing))
