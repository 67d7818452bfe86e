/* SPDX-License-Identifier: Apache-2.0
 * What is parsed is written in the same bytes; and the same bytes taken as packets, whatever their
 * times, give fingerprints that are parsed. */
#include "fingerprint/fingerprint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void made(void *ctx, const struct fingerprint *f)
{
	struct fingerprint_event room[FINGERPRINT_EVENTS_MAX];
	uint8_t bytes[FINGERPRINT_BYTES_MAX], again[FINGERPRINT_BYTES_MAX];
	struct fingerprint back;
	struct fail why;
	size_t n = fingerprint_encode(f, bytes);

	ASSERT(fingerprint_parse((struct slice){bytes, n}, &back, room, &why) == ST_OK);
	ASSERT(back.count == f->count && fingerprint_encode(&back, again) == n);
	ASSERT(memcmp(bytes, again, n) == 0);
	*(size_t *)ctx += f->count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fingerprint_event room[FINGERPRINT_EVENTS_MAX];
	uint8_t bytes[FINGERPRINT_BYTES_MAX];
	struct arena_pool pool = {.budget = 1 << 16, .fail_after = size % 8};
	struct arena a = {.pool = &pool};
	struct fingerprint_maker m = {.proto = 6};
	struct fingerprint f;
	struct wall_ns at = {0};
	struct fail why;
	size_t events = 0;
	struct fingerprint_sink sink = {&events, made};

	if (fingerprint_parse((struct slice){data, size}, &f, room, &why) == ST_OK) {
		ASSERT(fingerprint_encode(&f, bytes) == size && memcmp(bytes, data, size) == 0);
		ASSERT(fingerprint_start(&f, &room[f.count - 1]).ns >= 0);
	}
	for (size_t i = 0; i + 1 < size; i += 2) { /* a step in time, mostly forwards */
		int64_t step = (int64_t)(data[i] & 31) << (18 + (data[i] >> 5) * 3);

		at.ns += data[i + 1] < 250 ? step : -step;
		fingerprint_maker_packet(&m, &a, at, data[i + 1] & 1, data[i + 1], &sink);
	}
	fingerprint_maker_end(&m, &sink);
	ASSERT(events <= size / 2);
	arena_reset(&a);
	arena_pool_drain(&pool);
	return 0;
}
