/* SPDX-License-Identifier: Apache-2.0
 *
 * assess_origin_table_bench TABLE...: questions a second, one core: of addresses drawn at random
 * all over IPv4, where nothing is in any cache; and of 65,536 such addresses again and again, as a
 * station has.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "assess/origin/origin.h"

enum { QUESTIONS = 2000000, HOSTS = 65536 };

static uint64_t next(uint64_t *z)
{
	uint64_t v = (*z += 0x9e3779b97f4a7c15u);

	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9u;
	return v ^ v >> 27;
}

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct arena_pool pool = {.budget = (size_t)4 << 30};
		struct arena kept = {.pool = &pool}, scratch = {.pool = &pool};
		struct fail why = {0};
		struct origin_table *t;
		struct stat st;
		double start, opened;
		int fd = open(argv[i], O_RDONLY);
		struct slice bytes;

		if (fd < 0 || fstat(fd, &st) != 0)
			return 2;
		bytes.len = (size_t)st.st_size;
		bytes.ptr = mmap(NULL, bytes.len, PROT_READ, MAP_PRIVATE, fd, 0);
		start = now();
		if (origin_table_open(SLICE("t"), argv[i], bytes, &kept, &t, &why) != ST_OK) {
			printf("%s: %s\n", argv[i], why.text);
			continue;
		}
		opened = now();
		printf("%-32s opened in %.3f s;", argv[i], opened - start);
		for (uint64_t among = UINT64_MAX; among != 0; among = among == HOSTS ? 0 : HOSTS) {
			size_t known = 0;

			start = now();
			for (size_t q = 0; q < QUESTIONS; q++) {
				uint64_t z = q % among;
				uint32_t v = (uint32_t)next(&z);
				struct addr a = addr_v4((const uint8_t *)&v);
				struct record r = {0};

				known += origin_table_ask(t, &a, &scratch, &r);
				if (q % 1024 == 0)
					arena_reset(&scratch);
			}
			printf(" %.2f M/s %s, %.0f %% answered", QUESTIONS / 1e6 / (now() - start),
			       among == HOSTS ? "again and again" : "anywhere",
			       100. * (double)known / QUESTIONS);
		}
		printf("\n");
		origin_table_close(t);
		arena_reset(&scratch);
		arena_reset(&kept);
		arena_pool_drain(&pool);
	}
	return 0;
}
