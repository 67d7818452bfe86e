/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a request for metrics: one whole answer, as long as it says, and the text only to
 * who asked for it by GET. */
#include "base/text.h"
#include "daemon/metrics.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct buf out = buf_in(&a);
	struct slice request = {data, size}, text = SLICE("the_text 1\n"), length;
	struct slice answer = daemon_metrics_answer(request, text, &out);
	size_t end = slice_find(answer, SLICE("\r\n\r\n"));
	size_t at = slice_find(answer, SLICE("Content-Length: "));
	struct slice body = slice_from(answer, end + 4);
	uint64_t n;

	ASSERT(slice_starts(answer, SLICE("HTTP/1.1 ")) && end != SIZE_MAX && at < end);
	length = slice_from(answer, at + 16);
	ASSERT(text_u64(slice_part(length, 0, slice_find(length, SLICE("\r\n"))), 0, SIZE_MAX, &n));
	ASSERT(body.len == n || (body.len == 0 && slice_starts(request, SLICE("HEAD "))));
	if (slice_equal(body, text))
		ASSERT(slice_starts(request, SLICE("GET /metrics")) &&
		       slice_starts(answer, SLICE("HTTP/1.1 200 OK\r\n")));
	arena_reset(&a);
	arena_pool_drain(&pool);
	return 0;
}
