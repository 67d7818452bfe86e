/* SPDX-License-Identifier: Apache-2.0
 * What can be read in two ways is read as the settings and the receiver's system say. */
#include <stdio.h>

#include "sensor/config/config.h"
#include "sensor/decode/decode.h"
#include "sensor/stream/stream.h"
#include "test.h"

enum { BYTES = 64, ISN = 1000 };

struct rig {
	struct arena_pool pool;
	struct arena arena;
	struct config *root;
	struct stream_config config;
	struct stream_result result;
	struct flow f;
	uint64_t at;
	uint8_t got[BYTES]; /* of the client */
};

static void on_data(void *ctx, struct flow *f, enum flow_dir dir, uint64_t offset,
		    struct slice bytes)
{
	struct rig *r = ctx;

	if (dir != FLOW_TO_SERVER || offset + bytes.len > BYTES)
		return;
	memcpy(r->got + offset, bytes.ptr, bytes.len);
	r->at = offset + bytes.len;
}

static void on_gap(void *ctx, struct flow *f, enum flow_dir dir, uint64_t offset, uint64_t missing)
{
}

static void on_eof(void *ctx, struct flow *f, enum flow_dir dir)
{
}

/* Reads "key=value", up to three of them. */
static enum status rig_open(struct rig *r, const char *const settings[3])
{
	struct fail why;
	enum status st = ST_OK;

	memset(r, 0, sizeof *r);
	r->pool.budget = 1 << 20;
	r->arena.pool = &r->pool;
	r->root = config_new(&r->arena);
	for (size_t i = 0; st == ST_OK && i < 3 && settings[i] != NULL; i++) {
		struct slice rest = slice_of(settings[i]), key = slice_split(&rest, '=');

		st = config_set(r->root, key, rest, &why);
	}
	if (st == ST_OK)
		st = stream_config_read(&r->config, r->root, false, &r->arena, &why);
	r->config.pool = &r->pool;
	r->f = (struct flow){.proto = IP_PROTO_TCP, .arena = {.pool = &r->pool}};
	return st;
}

static size_t rig_close(struct rig *r)
{
	stream_end(&r->f);
	arena_reset(&r->f.arena);
	arena_reset(&r->arena);
	arena_pool_drain(&r->pool);
	return r->pool.out;
}

static void give(struct rig *r, enum flow_dir dir, struct packet_tcp tcp, struct slice payload)
{
	static const struct addr client = {4, {10, 0, 0, 1}}, server = {4, {10, 0, 0, 2}};
	const struct stream_sink sink = {r, on_data, on_gap, on_eof};
	struct packet p = {.ip_version = 4, .proto = IP_PROTO_TCP, .payload = payload, .tcp = tcp};

	p.src = dir == FLOW_TO_SERVER ? client : server;
	p.dst = dir == FLOW_TO_SERVER ? server : client;
	p.tcp.window = 0xffff;
	stream_packet(&r->config, &r->f, &p, dir, &sink, &r->result);
}

static void handshake(struct rig *r)
{
	static const struct slice nothing = {NULL, 0};

	give(r, FLOW_TO_SERVER, (struct packet_tcp){.flags = TCP_SYN, .seq = ISN}, nothing);
	give(r, FLOW_TO_CLIENT,
	     (struct packet_tcp){.flags = TCP_SYN | TCP_ACK, .seq = ISN, .ack = ISN + 1}, nothing);
	give(r, FLOW_TO_SERVER,
	     (struct packet_tcp){.flags = TCP_ACK, .seq = ISN + 1, .ack = ISN + 1}, nothing);
}

static void client_says(struct rig *r, unsigned at, const char *text, unsigned urgent)
{
	give(r, FLOW_TO_SERVER,
	     (struct packet_tcp){.flags = urgent != 0 ? TCP_ACK | TCP_URG : TCP_ACK,
				 .seq = ISN + 1 + at,
				 .ack = ISN + 1,
				 .urgent = (uint16_t)urgent},
	     slice_of(text));
}

static void acknowledge(struct rig *r, unsigned at)
{
	give(r, FLOW_TO_CLIENT,
	     (struct packet_tcp){.flags = TCP_ACK, .seq = ISN + 1, .ack = ISN + 1 + at},
	     (struct slice){NULL, 0});
}

/* "1111" lies at 4 when "2..." comes: which of them is read where both are? Shankar and Paxson,
 * "Active Mapping" (2003), and Novak and Sturges, "Target-Based TCP Stream Reassembly" (2007). */
static void overlaps_are_read_as_the_receiver_does(struct test *t)
{
	static const struct {
		unsigned at;
		const char *text;
		const char *newer; /* those that read it */
	} cases[] = {
		{2, "2222", "bsd linux old-linux last"},
		{4, "2222", "old-linux solaris last"},
		{4, "222222", "linux old-linux solaris last"},
		{4, "22", "last"},
		{6, "2222", "solaris last"},
		{2, "22222222", "bsd linux old-linux solaris last"},
		{5, "22", "last"},
		{2, "222222", "bsd linux old-linux solaris last"},
		{6, "22", "last"},
	};
	static const char *const systems[][2] = {
		{"bsd", "bsd"},		{"linux", "linux"},   {"old-linux", "old-linux"},
		{"solaris", "solaris"}, {"last", "last"},     {"first", "first"},
		{"vista", "first"},	{"windows", "bsd"},   {"windows2k3", "bsd"},
		{"hpux11", "solaris"},	{"hpux10", "bsd"},    {"irix", "bsd"},
		{"macos", "bsd"},	{"bsd-right", "bsd"}, {"old-solaris", "solaris"},
	};
	static struct rig r;

	for (size_t s = 0; s < sizeof systems / sizeof systems[0]; s++)
		for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
			char setting[64], want[BYTES] = "....1111..";
			bool newer = false;
			struct slice rest = slice_of(cases[i].newer);

			while (rest.ptr != NULL)
				if (slice_equal(slice_split(&rest, ' '), slice_of(systems[s][1])))
					newer = true;
			for (unsigned k = 0; cases[i].text[k] != 0; k++)
				if (newer || want[cases[i].at + k] == '.')
					want[cases[i].at + k] = '2';
			snprintf(setting, sizeof setting, "host-os-policy.%s=[10.0.0.0/24]",
				 systems[s][0]);
			EXPECT(t, rig_open(&r, (const char *const[3]){setting}) == ST_OK);
			memset(r.got, '.', 10);
			handshake(&r);
			client_says(&r, 4, "1111", 0);
			client_says(&r, cases[i].at, cases[i].text, 0);
			acknowledge(&r, 10);
			EXPECT_SLICE(t, slice_of((const char *)r.got), slice_of(want));
			EXPECT_UINT(t, rig_close(&r), 0);
		}
}

static void the_most_particular_network_says_the_system(struct test *t)
{
	static const char *const settings[3] = {"host-os-policy.linux=[10.0.0.0/8, 2001:db8::/32]",
						"host-os-policy.vista=[10.1.0.0/16]",
						"host-os-policy.last=10.1.2.3"};
	static const struct {
		const char *host;
		enum stream_policy policy;
	} cases[] = {
		{"10.0.0.1", STREAM_LINUX},  {"10.1.0.1", STREAM_VISTA},
		{"10.1.2.3", STREAM_LAST},   {"2001:db8::1", STREAM_LINUX},
		{"2001:db9::1", STREAM_BSD}, {"11.0.0.1", STREAM_BSD},
	};
	static struct rig r;

	EXPECT(t, rig_open(&r, settings) == ST_OK);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct addr a;

		EXPECT(t, addr_parse(slice_of(cases[i].host), &a));
		EXPECT_UINT(t, stream_hosts_find(r.config.hosts, &a), cases[i].policy);
	}
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void settings_that_mean_nothing_are_refused(struct test *t)
{
	static const char *const bad[] = {
		"host-os-policy.linux=[10.0.0.0/33]",
		"host-os-policy.vista=[localhost]",
		"stream.reassembly.urgent.policy=out",
		"stream.reassembly.urgent.oob-limit-policy=",
	};
	static struct rig r;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		EXPECT(t, rig_open(&r, (const char *const[3]){bad[i]}) == ST_INVALID);
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

static void settings_are_read(struct test *t)
{
	static struct rig r;

	EXPECT(t, rig_open(&r,
			   (const char *const[3]){"stream.reassembly.depth=0", "stream.inline=auto",
						  "stream.max-syn-queued=0"}) == ST_OK);
	EXPECT(t, r.config.depth == UINT64_MAX && !r.config.in_line && r.config.no_syns);
	EXPECT(t, r.config.checksums && !r.config.midstream && !r.config.no_synacks);
	EXPECT_UINT(t, rig_close(&r), 0);
	EXPECT(t, rig_open(&r, (const char *const[3]){"stream.reassembly.depth=64kb",
						      "stream.inline=yes",
						      "stream.checksum-validation=no"}) == ST_OK);
	EXPECT(t, r.config.depth == 65536 && r.config.in_line && !r.config.checksums);
	EXPECT_UINT(t, rig_close(&r), 0);
}

/* "GET /!x": the pointer is behind the '!'. */
static void an_urgent_byte_is_what_the_policy_says(struct test *t)
{
	static const struct {
		const char *policy, *reads;
	} cases[] = {
		{"oob", "GET /x end"},
		{"inline", "GET /!x end"},
		{"drop", "GET /!x end"}, /* on a tap nothing is dropped */
	};
	static struct rig r;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char setting[64];

		snprintf(setting, sizeof setting, "stream.reassembly.urgent.policy=%s",
			 cases[i].policy);
		EXPECT(t, rig_open(&r, (const char *const[3]){setting}) == ST_OK);
		handshake(&r);
		client_says(&r, 0, "GET /!x", 6);
		client_says(&r, 0, "GET /!x", 6); /* once more is not one byte more */
		client_says(&r, 7, " end", 0);
		acknowledge(&r, 11);
		EXPECT_SLICE(t, slice_of((const char *)r.got), slice_of(cases[i].reads));
		EXPECT_UINT(t, rig_close(&r), 0);
	}
	EXPECT(t, rig_open(&r, (const char *const[3]){"stream.reassembly.urgent.policy=gap"}) ==
			  ST_OK);
	memset(r.got, '.', 11);
	handshake(&r);
	client_says(&r, 0, "GET /!x", 6);
	client_says(&r, 7, " end", 0);
	acknowledge(&r, 11);
	EXPECT_SLICE(t, slice_of((const char *)r.got), slice_of("....... end"));
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void inline_bytes_are_read_when_they_come_and_the_first_stay(struct test *t)
{
	static struct rig r;

	EXPECT(t, rig_open(&r, (const char *const[3]){"stream.inline=yes",
						      "host-os-policy.last=0.0.0.0/0"}) == ST_OK);
	handshake(&r);
	client_says(&r, 3, "def", 0);
	EXPECT_UINT(t, r.at, 0);
	client_says(&r, 2, "CDE", 0);
	client_says(&r, 0, "abX", 0);
	EXPECT_SLICE(t, slice_of((const char *)r.got), slice_of("abCdef"));
	EXPECT_UINT(t, r.at, 6);
	EXPECT(t, stream_is_inline(&r.f));
	EXPECT(t, slice_equal(stream_around(&r.f, FLOW_TO_SERVER, 100), SLICE("abCdef")));
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void inline_the_receiver_gets_the_bytes_that_came_first(struct test *t)
{
	static struct rig r;
	uint8_t payload[8];

	EXPECT(t, rig_open(&r, (const char *const[3]){"stream.inline=yes"}) == ST_OK);
	handshake(&r);
	client_says(&r, 0, "GOOD", 0);
	EXPECT(t, !r.result.rewrite);
	client_says(&r, 0, "GOOD", 0);
	EXPECT(t, !r.result.rewrite);
	client_says(&r, 0, "EVIL", 0); /* all of it was released */
	EXPECT(t, r.result.rewrite && stream_took_payload(&r.f));
	memcpy(payload, "EVIL", 4);
	stream_rewrite(&r.f, FLOW_TO_SERVER, payload);
	EXPECT(t, memcmp(payload, "GOOD", 4) == 0);
	EXPECT(t, slice_equal(stream_around(&r.f, FLOW_TO_SERVER, 100), SLICE("GOOD")));
	client_says(&r, 2, "xxnew", 0); /* and a part of it */
	EXPECT(t, r.result.rewrite);
	memcpy(payload, "xxnew", 5);
	stream_rewrite(&r.f, FLOW_TO_SERVER, payload);
	EXPECT(t, memcmp(payload + 2, "new", 3) == 0);
	client_says(&r, 9, "late", 0);
	client_says(&r, 7, "..LA++", 0); /* waiting behind a hole */
	EXPECT(t, r.result.rewrite);
	memcpy(payload, "..LA++", 6);
	stream_rewrite(&r.f, FLOW_TO_SERVER, payload);
	EXPECT(t, memcmp(payload, "..late", 6) == 0);
	EXPECT_SLICE(t, slice_of((const char *)r.got), slice_of("GOODnew..late"));
	EXPECT_UINT(t, rig_close(&r), 0);
}

static void what_midstream_refuses_is_no_session(struct test *t)
{
	static struct rig r;

	for (unsigned refused = 0; refused < 2; refused++) {
		EXPECT(t, rig_open(&r, (const char *const[3]){"stream.midstream=yes"}) == ST_OK);
		r.config.midstream_refused = refused != 0;
		client_says(&r, 100, "data", 0);
		EXPECT_UINT(t, r.f.stream == NULL, refused);
		EXPECT_UINT(t, stream_took_payload(&r.f), !refused);
		EXPECT(t, r.result.midstream);
		EXPECT_UINT(t, r.result.picked_up, !refused);
		EXPECT_UINT(t, rig_close(&r), 0);
	}
}

TESTS(T(overlaps_are_read_as_the_receiver_does), T(the_most_particular_network_says_the_system),
      T(settings_that_mean_nothing_are_refused), T(settings_are_read),
      T(an_urgent_byte_is_what_the_policy_says),
      T(inline_the_receiver_gets_the_bytes_that_came_first),
      T(inline_bytes_are_read_when_they_come_and_the_first_stay),
      T(what_midstream_refuses_is_no_session))
