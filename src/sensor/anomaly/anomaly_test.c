/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/anomaly/anomaly.h"

#include "sensor/anomaly/anomaly_priv.h"
#include "sensor/app/app.h"
#include "sensor/decode/decode.h"
#include "test.h"

enum { SAID_MAX = 64 };

#define START INT64_C(1700000000000000000)
#define S TIME_NS_PER_S

/* A worker, and everything it said. */
struct watch {
	struct arena_pool pool;
	struct arena arena;
	struct anomaly_worker *worker;
	struct record said[SAID_MAX];
	size_t count;
};

static void hear(void *ctx, const struct record *r)
{
	struct watch *w = ctx;

	if (w->count < SAID_MAX && record_copy(r, &w->arena, &w->said[w->count]))
		w->count++;
}

static struct watch *watch_new(void)
{
	static struct watch w; /* large */

	w = (struct watch){.pool = {.budget = 64 << 20}};
	w.arena.pool = &w.pool;
	w.worker = anomaly_worker_new(&w.arena, (struct record_sink){&w, hear});
	ASSERT(w.worker != NULL);
	return &w;
}

static void watch_done(struct watch *w)
{
	arena_reset(&w->arena);
	arena_pool_drain(&w->pool);
}

static struct addr host(uint32_t n)
{
	return addr_v4((const uint8_t[]){198, 51, (uint8_t)(n >> 8), (uint8_t)n});
}

static const struct addr attacker = {4, {203, 0, 113, 10}};

static struct flow flow_of(uint8_t proto, struct addr server, uint16_t port, int64_t at)
{
	return (struct flow){.id = 7,
			     .client = attacker,
			     .server = server,
			     .client_port = 50000,
			     .server_port = port,
			     .proto = proto,
			     .first = {at},
			     .last = {at + S / 10},
			     .side = {{.pkts = 1, .bytes = 60, .tcp_flags = TCP_SYN}}};
}

static void probe(struct watch *w, struct addr server, uint16_t port, int64_t at)
{
	struct flow f = flow_of(IP_PROTO_TCP, server, port, at);

	anomaly_flow_end(w->worker, &f);
}

static void talk(struct watch *w, struct addr server, uint16_t port, int64_t at)
{
	static uint8_t bins[] = {1};
	struct flow f = flow_of(IP_PROTO_TCP, server, port, at);
	struct app_flow app = {.protocol = (const void *)bins}; /* known: any */

	f.side[1] = (struct flow_side){
		.pkts = 3, .tcp_flags = TCP_SYN | TCP_ACK, .bins = bins, .bin_count = 1};
	f.side[0].bins = bins;
	f.side[0].bin_count = 1;
	f.app = &app;
	anomaly_flow_end(w->worker, &f);
}

static void twenty_five_silent_hosts_are_a_scan(struct test *t)
{
	struct watch *w = watch_new();

	for (uint32_t i = 0; i < 24; i++) {
		probe(w, host(i), 4450, START + i * S);
		probe(w, host(i), 4450, START + i * S + 1); /* the same host is one host */
	}
	EXPECT_UINT(t, w->count, 0);
	probe(w, host(24), 4450, START + 24 * S);
	EXPECT_UINT(t, w->count, 1);
	EXPECT(t, w->said[0].kind == RECORD_ANOMALY);
	EXPECT_SLICE(t, w->said[0].u.anomaly.type, SLICE("behaviour"));
	EXPECT_SLICE(t, w->said[0].u.anomaly.event, SLICE("scan.hosts"));
	EXPECT_SLICE(t, w->said[0].u.anomaly.summary,
		     SLICE("203.0.113.10 tried 25 hosts on TCP port 4450 within 24.0 s; none of "
			   "them would talk"));
	EXPECT_UINT(t, w->said[0].u.anomaly.score_milli, 1000);
	EXPECT_UINT(t, w->said[0].u.anomaly.observations, 25);
	EXPECT(t, w->said[0].u.anomaly.first.ns == START + 1 &&
			  w->said[0].u.anomaly.last.ns == START + 24 * S);
	EXPECT(t, addr_equal(&w->said[0].src, &attacker) && w->said[0].dport == 4450);
	EXPECT_UINT(t, w->said[0].flow_id, 7);
	watch_done(w);
}

static void a_scan_is_said_once_in_half_an_hour(struct test *t)
{
	struct watch *w = watch_new();

	for (uint32_t i = 0; i < 30 * 60 + 24; i++)
		probe(w, host(i), 4450, START + i * S);
	EXPECT_UINT(t, w->count, 1);
	probe(w, host(9999), 4450, START + (30 * 60 + 24) * S);
	EXPECT_UINT(t, w->count, 2);
	watch_done(w);
}

static void fifteen_silent_ports_are_a_scan(struct test *t)
{
	struct watch *w = watch_new();

	for (uint16_t i = 0; i < 14; i++)
		probe(w, host(1), (uint16_t)(20 + i), START + i * S / 10);
	EXPECT_UINT(t, w->count, 0);
	probe(w, host(1), 34, START + 14 * S / 10);
	EXPECT_UINT(t, w->count, 1);
	EXPECT_SLICE(t, w->said[0].u.anomaly.event, SLICE("scan.ports"));
	EXPECT_SLICE(t, w->said[0].u.anomaly.summary,
		     SLICE("203.0.113.10 tried 15 ports of 198.51.0.1 within 1.4 s; none of them "
			   "would talk"));
	EXPECT(t, !w->said[0].has_ports);
	watch_done(w);
}

static void only_the_last_five_minutes_count(struct test *t)
{
	struct watch *w = watch_new();

	for (uint32_t i = 0; i < 200; i++) /* 24 intervals of 12.6 s are more than 300 s */
		probe(w, host(i), 22, START + i * (S * 126 / 10));
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
	w = watch_new();
	for (uint32_t i = 0; i < 25; i++) /* 24 intervals of 12.5 s are exactly 300 s */
		probe(w, host(i), 22, START + i * (S * 125 / 10));
	EXPECT_UINT(t, w->count, 1);
	watch_done(w);
}

static void a_busy_client_with_some_failures_is_no_scanner(struct test *t)
{
	for (uint32_t answered = 25; answered <= 26; answered++) {
		struct watch *w = watch_new();

		for (uint32_t i = 0; i < answered; i++)
			talk(w, host(1000 + i), 443, START + i * S);
		for (uint32_t i = 0; i < 25; i++)
			probe(w, host(i), 443, START + (30 + i) * S);
		EXPECT_UINT(t, w->count, answered == 25); /* score 500, then 490 */
		watch_done(w);
	}
}

static void probes_are_told_from_conversations(struct test *t)
{
	static const struct {
		uint8_t client_flags, server_flags, proto;
		uint64_t server_pkts;
		bool probe;
	} cases[] = {
		{TCP_SYN, 0, IP_PROTO_TCP, 0, true},
		{TCP_SYN, TCP_RST | TCP_ACK, IP_PROTO_TCP, 1, true},
		{TCP_SYN | TCP_RST, TCP_SYN | TCP_ACK, IP_PROTO_TCP, 1, true},
		{TCP_SYN | TCP_ACK | TCP_FIN, TCP_SYN | TCP_ACK | TCP_FIN, IP_PROTO_TCP, 3, false},
		{TCP_ACK, TCP_ACK, IP_PROTO_TCP, 1, false}, /* mid-stream */
		{0, 0, IP_PROTO_UDP, 0, true},
		{0, 0, IP_PROTO_UDP, 1, false},
		{0, 0, IP_PROTO_ICMP, 0, true},
		{0, 0, IP_PROTO_ICMP, 1, false},
		{0, 0, IP_PROTO_SCTP, 0, false},
	};

	for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
		struct watch *w = watch_new();

		for (uint32_t i = 0; i < 25; i++) {
			struct flow f = flow_of(cases[c].proto, host(i), 8, START + i);

			f.side[0].tcp_flags = cases[c].client_flags;
			f.side[1].tcp_flags = cases[c].server_flags;
			f.side[1].pkts = cases[c].server_pkts;
			anomaly_flow_end(w->worker, &f);
		}
		EXPECT_UINT(t, w->count, cases[c].probe);
		watch_done(w);
	}
}

static void group_addresses_are_no_targets(struct test *t)
{
	struct watch *w = watch_new();

	for (uint16_t i = 0; i < 100; i++) {
		probe(w, addr_v4((const uint8_t[]){239, 1, 1, 1}), i, START + i);
		probe(w, addr_v4((const uint8_t[]){255, 255, 255, 255}), i, START + i);
		probe(w, addr_v6((const uint8_t[16]){0xff, 2}), i, START + i);
	}
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
}

static void call(struct watch *w, uint8_t proto, uint16_t port, int64_t at)
{
	struct flow f = flow_of(proto, host(7), port, at);

	anomaly_flow_new(w->worker, &f);
}

static void ten_even_intervals_are_a_beacon(struct test *t)
{
	struct watch *w = watch_new();

	for (int64_t i = 0; i < 10; i++)
		call(w, IP_PROTO_TCP, 8080, START + i * 5 * S);
	EXPECT_UINT(t, w->count, 0);
	call(w, IP_PROTO_TCP, 8080, START + 50 * S);
	EXPECT_UINT(t, w->count, 1);
	EXPECT_SLICE(t, w->said[0].u.anomaly.event, SLICE("beacon"));
	EXPECT_SLICE(t, w->said[0].u.anomaly.summary,
		     SLICE("203.0.113.10 contacted 198.51.0.7:8080 every 5.0 s, 11 times"));
	EXPECT_UINT(t, w->said[0].u.anomaly.score_milli, 1000);
	for (int64_t i = 11; i <= 370; i++)
		call(w, IP_PROTO_TCP, 8080, START + i * 5 * S);
	EXPECT_UINT(t, w->count, 2); /* the second half an hour after the first */
	EXPECT_UINT(t, w->said[1].u.anomaly.observations, 32);
	watch_done(w);
}

static void jitter_is_allowed_up_to_a_point(struct test *t)
{
	/* Deviations alternate, so that the median absolute deviation is the deviation itself. */
	static const struct {
		int64_t jitter_ms;
		uint64_t said;
	} cases[] = {{0, 1}, {1000, 1}, {1400, 1}, {1600, 0}, {2500, 0}};

	for (size_t c = 0; c < 5; c++) {
		struct watch *w = watch_new();
		int64_t at = START;
		/* 10 s, 10 + j, 10 - j, 10, ...: two of three intervals are off by j */
		for (unsigned i = 0; i < 30; i++) {
			call(w, IP_PROTO_TCP, 443, at);
			at += 10 * S + (i % 3 == 0   ? 0
					: i % 3 == 1 ? 1
						     : -1) *
					       cases[c].jitter_ms * TIME_NS_PER_MS;
		}
		EXPECT_UINT(t, w->count, cases[c].said);
		watch_done(w);
	}
}

static void people_are_no_beacons(struct test *t)
{
	struct watch *w = watch_new();
	int64_t at = START;

	t->rng = 1; /* the same arrivals in each run: a chance hit would be no bug */
	for (unsigned i = 0; i < 2000; i++) {
		uint64_t r = test_rand(t);
		int64_t wait = S;

		while (r & 1) { /* geometric: memoryless, as arrivals of people are */
			wait += 3 * S;
			r >>= 1;
		}
		call(w, IP_PROTO_TCP, 443, at);
		at += wait + (int64_t)(test_rand(t) % (uint64_t)(20 * S));
	}
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
}

static void bursts_are_one_call_and_polled_services_none(struct test *t)
{
	struct watch *w = watch_new();

	for (int64_t i = 0; i < 100; i++) {
		call(w, IP_PROTO_UDP, 123, START + i * 64 * S);
		call(w, IP_PROTO_UDP, 53, START + i * 10 * S);
		call(w, IP_PROTO_ICMP, 0, START + i * 10 * S);
	}
	EXPECT_UINT(t, w->count, 0);
	for (int64_t i = 0; i < 11; i++)
		for (int64_t k = 0; k < 6; k++)
			call(w, IP_PROTO_UDP, 4444, START + i * 60 * S + k * S / 10);
	EXPECT_UINT(t, w->count, 1);
	EXPECT_UINT(t, w->said[0].u.anomaly.observations, 11);
	watch_done(w);
}

static void a_flood_is_no_beacon_of_one_second(struct test *t)
{
	struct watch *w = watch_new();

	for (int64_t i = 0; i < 500; i++)
		call(w, IP_PROTO_TCP, 445, START + i * S / 10);
	for (int64_t i = 0; i < 100; i++) /* just within a second of the one before */
		call(w, IP_PROTO_TCP, 446, START + i * (S - 1));
	EXPECT_UINT(t, w->count, 0);
	for (int64_t i = 0; i < 11; i++)
		call(w, IP_PROTO_TCP, 447, START + i * S);
	EXPECT_UINT(t, w->count, 1);
	watch_done(w);
}

static void transactions_of_one_connection_count_but_transfers_do_not(struct test *t)
{
	for (unsigned c = 0; c < 2; c++) {
		struct watch *w = watch_new();
		struct flow f = flow_of(IP_PROTO_TCP, host(7), 80, START);

		anomaly_flow_new(w->worker, &f);
		for (int64_t i = 0; i < 11; i++) {
			struct record r = {.kind = RECORD_HTTP, .at = {START + i * 6 * S + S / 5}};

			r.u.http.tx_id = (uint64_t)i;
			r.u.http.length = 65536 + c;
			anomaly_logged(w->worker, &f, &r);
		}
		EXPECT_UINT(t, w->count, c == 0);
		watch_done(w);
	}
}

static void a_rhythm_inside_an_unknown_connection_is_a_beacon(struct test *t)
{
	uint8_t bins[60] = {0};
	struct app_flow app = {.state = APP_GIVEN_UP};
	struct flow f = flow_of(IP_PROTO_TCP, host(7), 8219, START);
	struct watch *w = watch_new();

	for (size_t i = 0; i < sizeof bins; i += 5)
		bins[i] = bins[i + 1] = 2; /* a burst may last into the next second */
	f.side[0].bins = bins;
	f.side[0].bin_count = sizeof bins;
	f.app = &app;
	anomaly_flow_end(w->worker, &f);
	EXPECT_UINT(t, w->count, 1);
	EXPECT_SLICE(t, w->said[0].u.anomaly.summary,
		     SLICE("203.0.113.10 contacted 198.51.0.7:8219 every 5.0 s, 12 times"));
	watch_done(w);
	w = watch_new();
	app.protocol = (const void *)bins; /* known */
	anomaly_flow_end(w->worker, &f);
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
}

static void ask(struct watch *w, struct slice name, int64_t at)
{
	struct flow f = flow_of(IP_PROTO_UDP, host(53), 53, START);
	struct record r = {.kind = RECORD_DNS, .at = {at}};

	r.u.dns.rrname = name;
	anomaly_logged(w->worker, &f, &r);
}

/* A name of `len` random characters of base 32 under `domain`. */
static struct slice random_name(struct test *t, struct arena *a, size_t len, const char *domain)
{
	struct buf b = buf_in(a);

	while (b.len < len)
		buf_add_byte(&b, (uint8_t) "abcdefghijklmnopqrstuvwxyz234567"[test_rand(t) % 32]);
	buf_add_byte(&b, '.');
	buf_add_z(&b, domain);
	return buf_slice(&b);
}

static void four_kilobytes_in_names_are_exfiltration(struct test *t)
{
	struct watch *w = watch_new();

	t->rng = 2;
	for (unsigned i = 0; i < 63; i++)
		ask(w, random_name(t, &w->arena, 65, "t.example"), START + i * S);
	EXPECT_UINT(t, w->count, 0); /* 4,095 bytes */
	ask(w, random_name(t, &w->arena, 1, "t.example"), START + 63 * S);
	EXPECT_UINT(t, w->count, 1);
	EXPECT_SLICE(t, w->said[0].u.anomaly.event, SLICE("dns.exfiltration"));
	EXPECT_SLICE(t, w->said[0].u.anomaly.summary,
		     SLICE("203.0.113.10 asked for 64 different names under t.example within 63.0 "
			   "s, which carry 4,096 bytes"));
	EXPECT_UINT(t, w->said[0].u.anomaly.score_milli, 1000);
	watch_done(w);
}

static void bytes_and_names_have_limits(struct test *t)
{
	static const struct {
		size_t names, len;
		uint64_t said;
	} cases[] = {{31, 200, 0}, {32, 127, 0}, {32, 128, 1}, {372, 11, 0}, {342, 12, 1}};

	for (size_t c = 0; c < 5; c++) {
		struct watch *w = watch_new();

		t->rng = 3;
		for (unsigned i = 0; i < cases[c].names; i++)
			ask(w, random_name(t, &w->arena, cases[c].len, "evil.example."),
			    START + i * S);
		EXPECT_UINT(t, w->count, cases[c].said);
		watch_done(w);
	}
}

static void ordinary_names_stay_quiet(struct test *t)
{
	struct watch *w = watch_new();

	t->rng = 4;
	for (unsigned i = 0; i < 400; i++) {
		struct slice same = random_name(t, &w->arena, 40, "cdn.example");
		struct buf counter = buf_in(&w->arena);
		static struct record r = {
			.kind = RECORD_DNS, .at = {START}, .u.dns = {.answer = true}};
		struct flow f = flow_of(IP_PROTO_UDP, host(53), 53, START);

		for (unsigned k = 0; k < 3; k++) /* asked three times: 333 of 1000 is new */
			ask(w, same, START + i * S);
		ask(w, random_name(t, &w->arena, 60, "ip6.arpa"), START + i * S);
		ask(w, random_name(t, &w->arena, 60, "example"), START + i * S); /* a domain each */
		buf_add_fmt(&counter, "%060u.count.example", i);
		ask(w, buf_slice(&counter), START + i * S);
		ask(w, SLICE(""), START);
		ask(w, SLICE("."), START);
		ask(w, SLICE("..."), START);
		r.u.dns.rrname = random_name(t, &w->arena, 60, "answers.example");
		anomaly_logged(w->worker, &f, &r);
	}
	for (unsigned i = 0; i < 400; i++) /* 60 names of 20 bytes an hour */
		ask(w, random_name(t, &w->arena, 20, "slow.example"), START + i * 60 * S);
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
}

static void domains_under_short_suffixes_are_apart(struct test *t)
{
	struct watch *w = watch_new();

	t->rng = 5;
	for (unsigned i = 0; i < 1000; i++) {
		struct buf b = buf_in(&w->arena);

		buf_add(&b, random_name(t, &w->arena, 8, ""));
		b.len--;
		buf_add_z(&b, ".co.uk");
		ask(w,
		    random_name(t, &w->arena, 30,
				(const char *)arena_copy_z(&w->arena, buf_slice(&b))),
		    START + i);
	}
	EXPECT_UINT(t, w->count, 0);
	for (unsigned i = 0; i < 200; i++)
		ask(w, random_name(t, &w->arena, 30, "x.co.uk"), START + i);
	EXPECT_UINT(t, w->count, 1);
	EXPECT(t, slice_find(w->said[0].u.anomaly.summary, SLICE(" under x.co.uk ")) != SIZE_MAX);
	watch_done(w);
}

struct thing {
	struct anomaly_subject subject;
	uint32_t value;
};

/* The table against the plainest model: a list, moved to the front on touch. */
static void the_subject_touched_longest_ago_makes_room(struct test *t)
{
	static struct anomaly_table table;
	static uint32_t model[ANOMALY_SUBJECTS_MAX], value[8192];
	size_t used = 0;
	uint64_t forgotten = 0;

	struct arena_pool pool = {.budget = 64 << 20};
	struct arena arena = {.pool = &pool};

	EXPECT(t, anomaly_table_init(&table, &arena, sizeof(struct thing)));
	memset(value, 0, sizeof value);
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t n = (uint32_t)(test_rand(t) % 4096);
		struct anomaly_key key = {.a = host(n & 0xff), .b = host(n >> 8)};
		struct thing *thing = anomaly_subject_get(&table, &key);
		size_t at = 0;

		while (at < used && model[at] != n)
			at++;
		if (at == used) {
			value[n] = 0;
			if (used == ANOMALY_SUBJECTS_MAX) {
				at--;
				forgotten++;
			} else {
				used++;
			}
		}
		memmove(model + 1, model, at * sizeof model[0]);
		model[0] = n;
		EXPECT_UINT(t, thing->value, value[n]);
		thing->value = value[n] = i + 1;
	}
	EXPECT_UINT(t, table.forgotten, forgotten);
	EXPECT(t, forgotten > 0);
	arena_reset(&arena);
	arena_pool_drain(&pool);
}

static void a_table_that_cannot_grow_forgets_earlier(struct test *t)
{
	static struct anomaly_table table;
	struct arena_pool pool = {.budget = 64 << 20};
	struct arena arena = {.pool = &pool};

	EXPECT(t, anomaly_table_init(&table, &arena, sizeof(struct thing)));
	pool.fail_after = 1;
	for (uint32_t i = 0; i < 1000; i++) {
		struct anomaly_key key = {.a = host(i)};
		struct thing *thing = anomaly_subject_get(&table, &key);

		EXPECT_UINT(t, thing->value, 0);
		thing->value = 1;
	}
	EXPECT(t, table.used < 1000 && table.used >= ANOMALY_SUBJECTS_FIRST);
	EXPECT_UINT(t, table.forgotten, 1000 - table.used);
	arena_reset(&arena);
	arena_pool_drain(&pool);
}

static void what_is_forgotten_is_counted(struct test *t)
{
	struct watch *w = watch_new();

	for (uint32_t i = 0; i <= ANOMALY_SUBJECTS_MAX; i++) {
		struct flow f = flow_of(IP_PROTO_TCP, host(i), 443, START);

		EXPECT_UINT(t, anomaly_forgotten(w->worker), 0);
		anomaly_flow_new(w->worker, &f);
	}
	EXPECT_UINT(t, anomaly_forgotten(w->worker), 1);
	watch_done(w);
}

static void text_is_cut_and_numbers_are_readable(struct test *t)
{
	struct anomaly_text x = {0};
	const struct addr v6 = addr_v6((const uint8_t[16]){0x20, 1, 0xd, 0xb8});

	anomaly_text_number(&x, 0);
	anomaly_text_z(&x, " ");
	anomaly_text_number(&x, 999);
	anomaly_text_z(&x, " ");
	anomaly_text_number(&x, UINT64_MAX);
	anomaly_text_z(&x, " ");
	anomaly_text_seconds(&x, 1949999999);
	anomaly_text_z(&x, " ");
	anomaly_text_seconds(&x, 1950000000);
	anomaly_text_z(&x, " ");
	anomaly_text_peer(&x, &v6, 65535);
	EXPECT_SLICE(t, ((struct slice){(const uint8_t *)x.z, x.len}),
		     SLICE("0 999 18,446,744,073,709,551,615 1.9 2.0 [2001:db8::]:65535"));
	for (unsigned i = 0; i < ANOMALY_TEXT_MAX; i++)
		anomaly_text_z(&x, "ab");
	EXPECT_UINT(t, x.len, ANOMALY_TEXT_MAX);
}

static void detectors_have_names_and_no_memory_is_said(struct test *t)
{
	size_t n = 0;

	for (; anomaly_detectors[n] != NULL; n++) {
		EXPECT(t, anomaly_detectors[n]->name[0] != '\0' &&
				  anomaly_detectors[n]->doc[0] != '\0');
		for (size_t i = 0; i < n; i++)
			EXPECT(t, strcmp(anomaly_detectors[i]->name, anomaly_detectors[n]->name));
	}
	EXPECT(t, n >= 3);
	for (size_t blocks = 1;; blocks++) {
		struct arena_pool pool = {.budget = 64 << 20, .fail_after = blocks};
		struct arena arena = {.pool = &pool};
		bool made = anomaly_worker_new(&arena, (struct record_sink){0}) != NULL;

		arena_reset(&arena);
		EXPECT_UINT(t, pool.out, 0);
		arena_pool_drain(&pool);
		EXPECT(t, blocks < 10);
		if (made)
			break;
		EXPECT(t, blocks <= n + 1);
	}
}

TESTS(T(twenty_five_silent_hosts_are_a_scan), T(a_scan_is_said_once_in_half_an_hour),
      T(fifteen_silent_ports_are_a_scan), T(only_the_last_five_minutes_count),
      T(a_busy_client_with_some_failures_is_no_scanner), T(probes_are_told_from_conversations),
      T(group_addresses_are_no_targets), T(ten_even_intervals_are_a_beacon),
      T(jitter_is_allowed_up_to_a_point), T(people_are_no_beacons),
      T(a_flood_is_no_beacon_of_one_second), T(bursts_are_one_call_and_polled_services_none),
      T(transactions_of_one_connection_count_but_transfers_do_not),
      T(a_rhythm_inside_an_unknown_connection_is_a_beacon),
      T(four_kilobytes_in_names_are_exfiltration), T(bytes_and_names_have_limits),
      T(ordinary_names_stay_quiet), T(domains_under_short_suffixes_are_apart),
      T(the_subject_touched_longest_ago_makes_room), T(a_table_that_cannot_grow_forgets_earlier),
      T(what_is_forgotten_is_counted), T(text_is_cut_and_numbers_are_readable),
      T(detectors_have_names_and_no_memory_is_said))
