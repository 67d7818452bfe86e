/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/anomaly/anomaly_fixture.h"

struct thing {
	struct anomaly_subject subject;
	uint32_t value;
};

static const uint8_t sip_key[CRYPTO_SIP_BYTES];

enum { MODEL_MOST = 1024 };

/* The plainest segmented list: newest first. */
struct model {
	uint32_t list[2][MODEL_MOST]; /* newcomers, lasting */
	size_t count[2];
	uint32_t touches[4096];
};

static bool model_take(struct model *m, unsigned of, uint32_t n)
{
	size_t i = 0;

	while (i < m->count[of] && m->list[of][i] != n)
		i++;
	if (i == m->count[of])
		return false;
	memmove(m->list[of] + i, m->list[of] + i + 1, (m->count[of] - i - 1) * sizeof(uint32_t));
	m->count[of]--;
	return true;
}

static void model_put(struct model *m, unsigned of, uint32_t n)
{
	memmove(m->list[of] + 1, m->list[of], m->count[of] * sizeof(uint32_t));
	m->list[of][0] = n;
	m->count[of]++;
}

/* True if n was known. */
static bool model_touch(struct model *m, uint32_t n, size_t room, uint64_t *forgotten)
{
	bool known = model_take(m, 0, n) || model_take(m, 1, n);

	if (!known) {
		if (m->count[0] + m->count[1] == room) {
			unsigned of = m->count[0] >= room / 4 || m->count[1] == 0 ? 0 : 1;

			m->count[of]--;
			++*forgotten;
		}
		m->touches[n] = 0;
	}
	if (m->touches[n] < ANOMALY_LASTING)
		m->touches[n]++;
	model_put(m, m->touches[n] == ANOMALY_LASTING, n);
	return known;
}

static void a_table_is_its_model(struct test *t)
{
	static struct anomaly_table table;
	static struct model model;
	static uint32_t value[4096];
	uint64_t forgotten = 0;

	struct arena_pool pool = {.budget = 64 << 20};
	struct arena arena = {.pool = &pool};

	memset(&model, 0, sizeof model);
	EXPECT(t, anomaly_table_init(&table, &arena, sizeof(struct thing), 100000, sip_key));
	EXPECT(t, table.room <= MODEL_MOST);
	EXPECT_UINT(t, table.room % ANOMALY_CHUNK, 0);
	for (unsigned i = 0; i < 60000; i++) {
		uint64_t x = test_rand(t) % 4096, y = test_rand(t) % 4096;
		uint32_t n = (uint32_t)(x * y / 4096); /* small ones come again */
		struct anomaly_key key = {.a = host(n & 0xff), .b = host(n >> 8)};
		struct thing *thing = anomaly_subject_get(&table, &key);

		if (!model_touch(&model, n, table.room, &forgotten))
			value[n] = 0;
		EXPECT_UINT(t, thing->value, value[n]);
		thing->value = value[n] = i + 1;
		EXPECT(t, anomaly_subject_find(&table, &key) == thing);
	}
	EXPECT_UINT(t, table.forgotten, forgotten);
	EXPECT_UINT(t, table.newcomers.count, model.count[0]);
	EXPECT_UINT(t, table.lasting.count, model.count[1]);
	EXPECT(t, forgotten > 0 && model.count[1] > 0);
	arena_reset(&arena);
	arena_pool_drain(&pool);
}

static void who_comes_again_outlives_a_flood_of_newcomers(struct test *t)
{
	static struct anomaly_table table;
	struct arena_pool pool = {.budget = 64 << 20};
	struct arena arena = {.pool = &pool};
	const struct anomaly_key again = {.a = host(1)}, thrice = {.a = host(2)};

	EXPECT(t, anomaly_table_init(&table, &arena, sizeof(struct thing), 100000, sip_key));
	for (unsigned i = 0; i < ANOMALY_LASTING; i++)
		((struct thing *)anomaly_subject_get(&table, &again))->value = 7;
	for (unsigned i = 0; i < ANOMALY_LASTING - 1; i++)
		(void)anomaly_subject_get(&table, &thrice);
	for (uint32_t i = 0; i < 1000000; i++) {
		struct anomaly_key key = {.kind = 1, .text = i};

		(void)anomaly_subject_get(&table, &key);
	}
	EXPECT(t, anomaly_subject_find(&table, &thrice) == NULL);
	EXPECT(t, anomaly_subject_find(&table, &again) != NULL);
	EXPECT_UINT(t, ((struct thing *)anomaly_subject_get(&table, &again))->value, 7);
	EXPECT_UINT(t, table.forgotten, 1000000 + 2 - table.room);
	arena_reset(&arena);
	arena_pool_drain(&pool);
}

static void a_table_that_cannot_grow_forgets_earlier(struct test *t)
{
	static struct anomaly_table table;
	struct arena_pool pool = {.budget = 64 << 20};
	struct arena arena = {.pool = &pool};

	EXPECT(t, anomaly_table_init(&table, &arena, sizeof(struct thing), 1 << 20, sip_key));
	pool.fail_after = 1;
	for (uint32_t i = 0; i < 1000; i++) {
		struct anomaly_key key = {.a = host(i)};
		struct thing *thing = anomaly_subject_get(&table, &key);

		EXPECT_UINT(t, thing->value, 0);
		thing->value = 1;
	}
	EXPECT(t, table.used < 1000 && table.used >= ANOMALY_CHUNK);
	EXPECT_UINT(t, table.forgotten, 1000 - table.used);
	arena_reset(&arena);
	arena_pool_drain(&pool);
}

/* As many sources, each with a flow that is not answered. What counts is memory, which is full
 * after the first hundredth, and that a scanner who began before is found after it. (anomaly_bench
 * does it with 10^7.) */
static void a_million_sources_stay_within_the_memory(struct test *t)
{
	static const char *const settings[] = {"anomaly.memory=8mb", NULL};
	struct watch *w = watch_with(settings);
	struct anomaly_counters c;
	size_t before = w->pool.out, most;

	for (uint32_t i = 0; i < 12; i++)
		probe(w, host(i), 4450, START + i * S);
	for (uint32_t i = 0; i < 1000000; i++) {
		struct flow f = flow_of(IP_PROTO_TCP, host(60000), (uint16_t)i, START + 12 * S + i);

		f.client = addr_v4((const uint8_t[]){(uint8_t)(1 + i % 9), (uint8_t)(i >> 16),
						     (uint8_t)(i >> 8), (uint8_t)i});
		anomaly_flow_new(w->worker, &f);
		anomaly_flow_end(w->worker, &f);
	}
	c = anomaly_worker_counters(w->worker);
	most = w->pool.out;
	EXPECT(t, most <= c.memory + c.memory / 20); /* blocks of the arena have heads */
	EXPECT(t, before < most && c.memory == 8 << 20);
	EXPECT(t, c.forgotten > 900000 && c.subjects < 100000);
	for (uint32_t i = 12; i < 25; i++)
		probe(w, host(i), 4450, START + i * S);
	EXPECT_UINT(t, said(w, "scan.hosts"), 1);
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

static void settings_are_known_and_shares_are_all_of_the_memory(struct test *t)
{
	unsigned share = 0;
	size_t n = 0;

	for (; anomaly_detectors[n] != NULL; n++) {
		const struct anomaly_detector *d = anomaly_detectors[n];

		EXPECT(t, d->name[0] != '\0' && d->doc[0] != '\0' && d->events[0] != '\0');
		for (size_t i = 0; i < n; i++)
			EXPECT(t, strcmp(anomaly_detectors[i]->name, d->name) != 0);
		for (const struct anomaly_setting *s = d->settings; s->name != NULL; s++)
			EXPECT(t, s->least <= s->fallback && s->fallback <= s->most &&
					  s->doc[0] != '\0' && strcmp(s->name, "enabled") != 0);
		share += d->share;
	}
	EXPECT(t, n >= 7);
	EXPECT_UINT(t, share, 100);
}

static void no_memory_is_said(struct test *t)
{
	for (size_t blocks = 1;; blocks++) {
		struct arena_pool pool = {.budget = 64 << 20, .fail_after = blocks};
		struct arena arena = {.pool = &pool};
		bool made = anomaly_worker_new(NULL, 0, &arena, (struct record_sink){0}) != NULL;

		arena_reset(&arena);
		EXPECT_UINT(t, pool.out, 0);
		arena_pool_drain(&pool);
		EXPECT(t, blocks < 100);
		if (made)
			break;
	}
}

static void detectors_have_switches(struct test *t)
{
	for (unsigned c = 0; c < 3; c++) {
		static const char *const settings[][2] = {{"anomaly.scan.enabled=no"},
							  {"anomaly.enabled=no"},
							  {"anomaly.beacon.enabled=no"}};
		struct watch *w = watch_with(settings[c]);

		for (uint32_t i = 0; i < 40; i++)
			probe(w, host(i), 4450, START + i * S);
		EXPECT_UINT(t, w->count, c == 2);
		EXPECT_UINT(t, anomaly_worker_counters(w->worker).findings, c == 2);
		watch_done(w);
	}
}

static void thresholds_are_settings_and_stand_in_the_event(struct test *t)
{
	static const char *const settings[] = {"anomaly.scan.hosts=7", "anomaly.scan.window=60",
					       NULL};
	struct watch *w = watch_with(settings);

	for (uint32_t i = 0; i < 7; i++) {
		EXPECT_UINT(t, w->count, 0);
		probe(w, host(i), 4450, START + i * S);
	}
	EXPECT_UINT(t, w->count, 1);
	EXPECT_SLICE(t, w->said[0].u.anomaly.detector, SLICE("scan"));
	EXPECT_SLICE(t, w->said[0].u.anomaly.measure, SLICE("hosts"));
	EXPECT_UINT(t, w->said[0].u.anomaly.measured, 7);
	EXPECT_UINT(t, w->said[0].u.anomaly.threshold, 7);
	EXPECT_UINT(t, w->said[0].u.anomaly.window_s, 60);
	watch_done(w);
}

static void exempt_networks_are_not_looked_at(struct test *t)
{
	for (unsigned c = 0; c < 3; c++) {
		static const char *const settings[][2] = {
			{"anomaly.exempt.0=203.0.113.0/28"}, /* the source */
			{"anomaly.exempt.0=198.51.0.0/16"},  /* its targets */
			{"anomaly.exempt.0=198.52.0.0/16"}};
		struct watch *w = watch_with(settings[c]);

		for (uint32_t i = 0; i < 40; i++)
			probe(w, host(i), 4450, START + i * S);
		EXPECT_UINT(t, w->count, c == 2);
		watch_done(w);
	}
}

/* What an exporter of NetFlow knows: no packets, no bins, perhaps no flags. */
static struct anomaly_flow exported(struct addr server, uint16_t port, int64_t at)
{
	return (struct anomaly_flow){.id = 9,
				     .client = attacker,
				     .server = server,
				     .client_port = 50000,
				     .server_port = port,
				     .proto = IP_PROTO_TCP,
				     .first = {at},
				     .last = {at},
				     .side = {{.pkts = 1, .bytes = 60}}};
}

static void flows_that_others_saw_are_flows(struct test *t)
{
	struct watch *w = watch_new();

	for (uint32_t i = 0; i < 25; i++) {
		struct anomaly_flow f = exported(host(i), 4450, START + i * S);

		if (i % 2 == 0)
			f.side[0].tcp_flags = TCP_SYN;
		anomaly_flow_record(w->worker, &f);
	}
	EXPECT_UINT(t, said(w, "scan.hosts"), 1);
	EXPECT_UINT(t, w->said[0].flow_id, 9);
	for (uint32_t i = 0; i < 40; i++) { /* calls */
		struct anomaly_flow f = exported(host(700), 443, START + i * 60 * S);

		f.side[1] = (struct anomaly_side){.pkts = 5, .bytes = 3000, .payload = true};
		f.last.ns += S;
		anomaly_flow_record(w->worker, &f);
	}
	EXPECT_UINT(t, said(w, "beacon"), 1);
	watch_done(w);
}

static void an_exporter_s_bytes_tell_of_payload(struct test *t)
{
	EXPECT(t, !anomaly_payload_likely(0, 0));
	EXPECT(t, !anomaly_payload_likely(3, 180));
	EXPECT(t, anomaly_payload_likely(3, 181));
	EXPECT(t, !anomaly_payload_likely(UINT64_MAX, UINT64_MAX));
	EXPECT(t, anomaly_payload_likely(1, UINT64_MAX));
}

/* 30 minutes, then twice as long each time, to 32 hours; after three times that it is new. */
static void what_goes_on_is_said_ever_more_seldom(struct test *t)
{
	struct anomaly_subject s = {0};
	const int64_t half_hour = ANOMALY_SILENCE_NS;
	int64_t at = START;

	EXPECT(t, anomaly_may_say(&s, (struct wall_ns){at}, ANOMALY_SILENCE_NS));
	for (int64_t k = 0; k < 6; k++) {
		EXPECT(t, !anomaly_may_say(&s, (struct wall_ns){at + (half_hour << k) - 1},
					   ANOMALY_SILENCE_NS));
		at += half_hour << k;
		EXPECT(t, anomaly_may_say(&s, (struct wall_ns){at}, ANOMALY_SILENCE_NS));
	}
	for (unsigned i = 0; i < 3; i++) { /* no longer than that */
		EXPECT(t, !anomaly_may_say(&s, (struct wall_ns){at + (half_hour << 6) - 1},
					   ANOMALY_SILENCE_NS));
		at += half_hour << 6;
		EXPECT(t, anomaly_may_say(&s, (struct wall_ns){at}, ANOMALY_SILENCE_NS));
	}
	at += 3 * (half_hour << 6);
	EXPECT(t, anomaly_may_say(&s, (struct wall_ns){at}, ANOMALY_SILENCE_NS));
	EXPECT(t, anomaly_may_say(&s, (struct wall_ns){at + half_hour}, ANOMALY_SILENCE_NS));
}

TESTS(T(what_goes_on_is_said_ever_more_seldom), T(a_table_is_its_model),
      T(who_comes_again_outlives_a_flood_of_newcomers), T(a_table_that_cannot_grow_forgets_earlier),
      T(a_million_sources_stay_within_the_memory), T(text_is_cut_and_numbers_are_readable),
      T(settings_are_known_and_shares_are_all_of_the_memory), T(no_memory_is_said),
      T(detectors_have_switches), T(thresholds_are_settings_and_stand_in_the_event),
      T(exempt_networks_are_not_looked_at), T(flows_that_others_saw_are_flows),
      T(an_exporter_s_bytes_tell_of_payload))
