/* SPDX-License-Identifier: Apache-2.0
 *
 * What treaties cost: all files named compiled, a judgement of one clause on one incident without
 * words, a million of them, and one with its trace. Exit 1 if one takes longer than it may:
 *
 *	treaty_bench treaties/budapest.treaty treaties/cwlt.treaty ...
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "assess/treaty/treaty.h"

enum { FILES_MAX = 64, INCIDENTS = 1000, JUDGEMENTS = 1000000, CLAIMS = 25 };

static const double may_compile_ms = 50, may_judge_us = 5, may_million_s = 5;

struct bench {
	struct arena_pool pool;
	struct arena a, scratch;
	struct slice text[FILES_MAX], name[FILES_MAX];
	struct treaty *t[FILES_MAX];
	size_t count;
	struct claim_set incidents[INCIDENTS];
	struct fail why;
};

static double cpu_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* always there */
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void must(const struct bench *x, bool ok)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", x->why.text[0] ? x->why.text : "no memory, or no such file");
	exit(2);
}

static void read_files(struct bench *x, int argc, char **argv)
{
	for (int i = 1; i < argc && x->count < FILES_MAX; i++) {
		FILE *f = fopen(argv[i], "rbe");
		uint8_t *text = arena_bytes(&x->a, TREATY_TEXT_MAX);

		must(x, f != NULL && text != NULL);
		x->name[x->count] = slice_of(argv[i]);
		x->text[x->count++] = (struct slice){text, fread(text, 1, TREATY_TEXT_MAX, f)};
		(void)fclose(f);
	}
}

static double compile_all_ms(struct bench *x)
{
	double before = cpu_s();

	for (size_t i = 0; i < x->count; i++)
		must(x, treaty_compile(x->name[i], x->text[i], &x->a, &x->t[i], NULL, &x->why) ==
				ST_OK);
	return (cpu_s() - before) * 1e3;
}

/* Claims as an incident has them: most known, some not settled. */
static void make_incidents(struct bench *x)
{
	uint64_t z = 1;
	size_t n;
	const struct treaty_word *words = treaty_words(&n);

	for (size_t i = 0; i < INCIDENTS; i++)
		for (size_t k = 0; k < n && k < CLAIMS; k++) {
			struct claim c = {.atom = slice_of(words[k].name)};

			z = z * UINT64_C(6364136223846793005) + 1442695040888963407U;
			c.p.lo = (int32_t)(z >> 33) % 1001;
			c.p.hi = c.p.lo + (int32_t)(z >> 11 & 0xffff) % (1001 - c.p.lo);
			must(x, claim_add(&x->incidents[i], &x->a, c));
		}
}

/* Bound anew for each incident and treaty, as a batch over incidents does. */
static double batch_s(struct bench *x, uint64_t *judged, uint64_t *broken)
{
	struct interval terms[TREATY_TERMS_MAX];
	struct treaty_lanes *room =
		ARENA_ARRAY(&x->a, struct treaty_lanes, TREATY_TERMS_MAX * (1 + TREATY_OWN_MAX));
	const struct treaty_law law = {SLICE("US"), SLICE("JP"), {INT64_MAX}};
	double before = cpu_s();

	must(x, room != NULL);
	*judged = *broken = 0;
	while (*judged < JUDGEMENTS)
		for (size_t i = 0; i < INCIDENTS && *judged < JUDGEMENTS; i++)
			for (size_t k = 0; k < x->count; k++) {
				treaty_bind(x->t[k], &x->incidents[i], terms);
				for (size_t c = 0; c < treaty_clause_count(x->t[k]); c++) {
					if (!treaty_clause_judged(x->t[k], c))
						continue;
					*broken += treaty_value(x->t[k], c, &law, terms, room) ==
						   TREATY_TRUE;
					++*judged;
				}
			}
	return cpu_s() - before;
}

/* With the trace and what would change it, one arena for each incident. */
static double traced_us(struct bench *x)
{
	uint64_t n = 0;
	double before = cpu_s();

	for (size_t i = 0; i < INCIDENTS / 10; i++)
		for (size_t k = 0; k < x->count; k++) {
			struct treaty_case c = {.claims = &x->incidents[i],
						.at = {INT64_MAX},
						.claimant = SLICE("US"),
						.respondent = SLICE("JP"),
						.claimant_bound = true,
						.respondent_bound = true};
			struct treaty_finding *f;
			size_t count;

			must(x,
			     treaty_judge(x->t[k], &c, &x->scratch, &f, &count, &x->why) == ST_OK);
			n += count;
			arena_reset(&x->scratch);
		}
	return (cpu_s() - before) * 1e6 / (double)n;
}

static bool report(const char *what, double took, double may, const char *unit)
{
	printf("%-44s %10.3f %s (at most %g)\n", what, took, unit, may);
	return took <= may;
}

int main(int argc, char **argv)
{
	static struct bench x;
	uint64_t judged, broken;
	double compiled, batch;
	bool good;

	x.pool.budget = (size_t)1 << 30;
	x.a.pool = x.scratch.pool = &x.pool;
	read_files(&x, argc, argv);
	if (x.count == 0) {
		(void)fprintf(stderr, "expected treaty files\n");
		return 2;
	}
	compiled = compile_all_ms(&x);
	make_incidents(&x);
	batch = batch_s(&x, &judged, &broken);
	good = report("all files compiled", compiled, may_compile_ms, "ms");
	good &= report("one clause, one incident, without words", batch * 1e6 / (double)judged,
		       may_judge_us, "us");
	good &= report("a million of them", batch * JUDGEMENTS / (double)judged, may_million_s,
		       "s");
	printf("%-44s %10.3f us\n", "one clause, one incident, with its trace", traced_us(&x));
	printf("%zu files, %llu judgements, %llu breaches\n", x.count, (unsigned long long)judged,
	       (unsigned long long)broken);
	arena_reset(&x.a);
	arena_reset(&x.scratch);
	arena_pool_drain(&x.pool);
	return good ? 0 : 1;
}
