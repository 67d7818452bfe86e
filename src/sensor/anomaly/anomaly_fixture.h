/* SPDX-License-Identifier: Apache-2.0
 *
 * anomaly_fixture.h - a worker with all detectors, and what it said. For this module's tests.
 */
#ifndef DEW_SENSOR_ANOMALY_ANOMALY_FIXTURE_H
#define DEW_SENSOR_ANOMALY_ANOMALY_FIXTURE_H

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

static inline void hear(void *ctx, const struct record *r)
{
	struct watch *w = ctx;

	if (w->count < SAID_MAX && record_copy(r, &w->arena, &w->said[w->count]))
		w->count++;
}

/* With settings: "PATH=VALUE" each, NULL-terminated, or NULL. */
static inline struct watch *watch_with(const char *const *settings)
{
	static struct watch w; /* large */
	struct config *config;
	struct fail why;

	w = (struct watch){.pool = {.budget = 256 << 20}};
	w.arena.pool = &w.pool;
	config = config_new(&w.arena);
	ASSERT(config != NULL);
	for (; settings != NULL && *settings != NULL; settings++) {
		struct slice value = slice_of(*settings), path = slice_split(&value, '=');

		ASSERT(config_set(config, path, value, &why) == ST_OK);
	}
	w.worker = anomaly_worker_new(config, 0, &w.arena, (struct record_sink){&w, hear});
	ASSERT(w.worker != NULL);
	return &w;
}

static inline struct watch *watch_new(void)
{
	return watch_with(NULL);
}

static inline void watch_done(struct watch *w)
{
	arena_reset(&w->arena);
	arena_pool_drain(&w->pool);
}

static inline struct addr host(uint32_t n)
{
	return addr_v4((const uint8_t[]){198, 51, (uint8_t)(n >> 8), (uint8_t)n});
}

static const struct addr attacker = {4, {203, 0, 113, 10}};

static inline struct flow flow_of(uint8_t proto, struct addr server, uint16_t port, int64_t at)
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

static inline void probe(struct watch *w, struct addr server, uint16_t port, int64_t at)
{
	struct flow f = flow_of(IP_PROTO_TCP, server, port, at);

	anomaly_flow_end(w->worker, &f);
}

static inline void talk(struct watch *w, struct addr server, uint16_t port, int64_t at)
{
	static const struct app_protocol known = {.name = "http"};
	static uint8_t bins[] = {1};
	struct flow f = flow_of(IP_PROTO_TCP, server, port, at);
	struct app_flow app = {.protocol = &known}; /* known: any */

	f.side[1] = (struct flow_side){
		.pkts = 3, .tcp_flags = TCP_SYN | TCP_ACK, .bins = bins, .bin_count = 1};
	f.side[0].bins = bins;
	f.side[0].bin_count = 1;
	f.app = &app;
	anomaly_flow_end(w->worker, &f);
}

static inline void call(struct watch *w, uint8_t proto, uint16_t port, int64_t at)
{
	struct flow f = flow_of(proto, host(7), port, at);

	anomaly_flow_new(w->worker, &f);
}

/* How many of these events were said. */
static inline size_t said(const struct watch *w, const char *event)
{
	size_t n = 0;

	for (size_t i = 0; i < w->count; i++)
		n += slice_equal(w->said[i].u.anomaly.event, slice_of(event));
	return n;
}

#endif
