/* SPDX-License-Identifier: Apache-2.0
 *
 * What it costs to read a ledger, to run it, and to write its cards.
 *
 *	duty_bench treaties/line.treaty
 *
 * 50,000 requests of 40 parties among each other, half of them refused in part, 125,040 entries.
 * Processor time of the thread.
 */
#include "assess/duty/duty.h"

#include <stdio.h>
#include <time.h>

enum { PARTIES = 40, REQUESTS = 50000 };

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t next(uint64_t *x) /* xorshift */
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void add(struct buf *b, int64_t minutes)
{
	char text[TIME_TEXT_MAX];
	struct wall_ns at = {(INT64_C(1767571200) + minutes * 60) * TIME_NS_PER_S};

	buf_add_fmt(b,
		    "{\"at\":\"%s\",\"entry\":", (const char *)time_format_rfc3339(at, text).ptr);
}

static void make(struct buf *b)
{
	static const char *const kinds[] = {"stop", "assist", "preserve", "clarify"};
	uint64_t x = 88172645463325252U;

	for (int i = 0; i < PARTIES; i++) {
		add(b, -60);
		buf_add_fmt(b, "\"join\",\"party\":\"P%d\",\"instrument\":\"line\"}\n", i);
	}
	for (int i = 0; i < REQUESTS; i++) {
		int from = (int)(next(&x) % PARTIES), to = (from + 1 + (int)(next(&x) % 39)) % 40;
		int64_t at = (int64_t)(next(&x) % 480000);

		add(b, at);
		buf_add_fmt(b,
			    "\"request\",\"id\":\"R%d\",\"kind\":\"%s\",\"from\":\"P%d\",\"to\":"
			    "\"P%d\",\"as\":[\"origin\"],\"suspicion\":[0.5,1]}\n",
			    i, kinds[next(&x) % 4], from, to);
		add(b, at + (int64_t)(next(&x) % 1800));
		buf_add_fmt(b,
			    "\"done\",\"party\":\"P%d\",\"request\":\"R%d\",\"step\":"
			    "[\"acknowledge\",\"act\",\"answer\",\"preserve\",\"explain\"]}\n",
			    to, i);
		if (i % 2 == 0)
			continue;
		add(b, at + (int64_t)(next(&x) % 1800));
		buf_add_fmt(b,
			    "\"refuse\",\"party\":\"P%d\",\"request\":\"R%d\",\"ground\":"
			    "\"security\"}\n",
			    to, i);
	}
}

static bool read_file(const char *name, struct arena *a, struct slice *out)
{
	FILE *f = fopen(name, "rb");
	uint8_t *p = arena_bytes(a, TREATY_TEXT_MAX);
	bool ok = f != NULL && p != NULL;

	if (ok)
		*out = (struct slice){p, fread(p, 1, TREATY_TEXT_MAX, f)};
	if (f != NULL)
		(void)fclose(f); /* only read */
	return ok;
}

int main(int argc, char **argv)
{
	struct arena_pool pool = {.budget = SIZE_MAX};
	struct arena a = {.pool = &pool};
	struct buf text = buf_in(&a);
	struct duty_ledger l;
	struct duty_state *s;
	struct duty_report r;
	struct fail why = {0};
	struct slice file;
	struct treaty *t;
	const struct treaty *treaties[1];
	double at[4];

	if (argc != 2 || !read_file(argv[1], &a, &file) ||
	    treaty_compile(slice_of(argv[1]), file, &a, &t, NULL, &why) != ST_OK) {
		(void)fprintf(stderr, "duty_bench treaties/line.treaty %s\n", why.text);
		return 2;
	}
	treaties[0] = t;
	make(&text);
	at[0] = cpu_s();
	if (duty_read(SLICE("l"), buf_slice(&text), &a, &l, NULL, &why) != ST_OK)
		return 2;
	at[1] = cpu_s();
	if (duty_run(&l, treaties, 1, (struct wall_ns){INT64_MAX}, &a, &s, &why) != ST_OK)
		return 2;
	at[2] = cpu_s();
	if (duty_report(s, &a, &r, &why) != ST_OK)
		return 2;
	at[3] = cpu_s();
	printf("%zu entries, %zu requests, %zu cases\n", l.count, s->request_count, s->case_count);
	printf("read %.2f us an entry, run %.2f us a case, cards %.2f us a case\n",
	       (at[1] - at[0]) * 1e6 / (double)l.count,
	       (at[2] - at[1]) * 1e6 / (double)s->case_count,
	       (at[3] - at[2]) * 1e6 / (double)s->case_count);
	arena_end(a, pool);
	return 0;
}
