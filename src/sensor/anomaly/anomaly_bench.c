/* SPDX-License-Identifier: Apache-2.0
 *
 * 10^7 sources that come once, each with a flow that nobody answers: what a flow costs, and that
 * the tables stay within their memory. Then 10^7 flows that are answered, of 10^4 clients.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "sensor/anomaly/anomaly.h"
#include "sensor/decode/decode.h"

enum { FLOWS = 10000000 };

static double cpu_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* always there */
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void put(void *ctx, const struct record *r)
{
	(void)ctx;
	(void)r;
}

static void round_of(const char *what, bool answered, uint32_t clients)
{
	static uint8_t bins[] = {1};
	struct arena_pool pool = {.budget = SIZE_MAX};
	struct arena a = {.pool = &pool};
	struct anomaly_worker *w = anomaly_worker_new(NULL, 1, &a, (struct record_sink){NULL, put});
	struct anomaly_counters c;
	double begin = cpu_s(), took;

	if (w == NULL)
		return;
	for (uint32_t i = 0; i < FLOWS; i++) {
		uint32_t n = i % clients;
		struct flow f = {
			.id = 1,
			.proto = IP_PROTO_TCP,
			.client = addr_v4((const uint8_t[]){(uint8_t)(20 + (n >> 24)),
							    (uint8_t)(n >> 16), (uint8_t)(n >> 8),
							    (uint8_t)n}),
			.server = addr_v4((const uint8_t[]){198, 51, 100, (uint8_t)(n % 7)}),
			.client_port = (uint16_t)i,
			.server_port = answered ? 443 : (uint16_t)i,
			.first = {INT64_C(1700000000000000000) + i * INT64_C(10000)},
			.side = {{.pkts = 1, .bytes = 60, .tcp_flags = TCP_SYN}}};

		f.last = f.first;
		anomaly_flow_new(w, &f);
		if (answered) {
			f.side[1] = (struct flow_side){.pkts = 5,
						       .bytes = 900,
						       .tcp_flags = TCP_SYN | TCP_ACK,
						       .bins = bins,
						       .bin_count = 1};
			anomaly_flow_answered(w, &f);
		}
		anomaly_flow_end(w, &f);
	}
	took = cpu_s() - begin;
	c = anomaly_worker_counters(w);
	(void)printf("%s: %.0f ns a flow, %" PRIu64 " subjects, %" PRIu64
		     " forgotten, %zu bytes of %" PRIu64 " allowed\n",
		     what, took / FLOWS * 1e9, c.subjects, c.forgotten, pool.out, c.memory);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

int main(void)
{
	round_of("10^7 sources, unanswered", false, FLOWS);
	round_of("10^4 clients, answered", true, 10000);
	return 0;
}
