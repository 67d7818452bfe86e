/* SPDX-License-Identifier: Apache-2.0
 *
 * Events of made-up attacks (src/assess/incident/attacks_test.h), written as EVE, read back, and
 * counted by every rule: how many incidents, how far from the truth, how fast.
 *
 *	dewline-incidents SEED DAYS EVENTS_A_DAY [EVE]
 *
 * One JSON object to stdout; the events to EVE, for `dewline count`. (tools/count asks it.)
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "assess/incident/attacks_test.h"
#include "base/json.h"
#include "base/text.h"

static _Noreturn void die(const char *what)
{
	(void)fprintf(stderr, "dewline-incidents: %s\n", what);
	exit(2);
}

static double cpu_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* always there */
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Every event becomes a line and a record again: what is counted is what a reader of EVE has. */
static double replay(struct attacks *w, struct arena *a, FILE *eve)
{
	struct arena scratch = {.pool = a->pool};
	double begin = cpu_s();

	for (size_t i = 0; i < w->count; i++) {
		struct buf line = buf_in(&scratch);
		struct record *r = ARENA_NEW(a, struct record);
		struct fail why;

		record_encode(w->facts[i].record, &scratch, &line);
		if (r == NULL || record_parse(buf_slice(&line), a, r, &why) != ST_OK)
			die("an event cannot be read back");
		w->facts[i].record = r;
		buf_add_byte(&line, '\n');
		if (eve != NULL && fwrite(line.ptr, 1, line.len, eve) != line.len)
			die("cannot write");
		arena_reset(&scratch);
	}
	return cpu_s() - begin;
}

static void fixed(struct json *j, const char *key, double v)
{
	json_key(j, key);
	json_fixed(j, (int64_t)(v * 1e6), 6);
}

static void rule_write(struct json *j, const struct attacks *w, const struct incident_rule *rule,
		       struct arena_pool *pool)
{
	struct fact_set facts = {w->facts, w->count};
	struct arena a = {.pool = pool};
	struct attacks_error error;
	struct incident_set set;
	struct fail why;
	double begin = cpu_s(), took;

	if (incident_group_by(&facts, &w->party, 1, rule, &a, &set, &why) != ST_OK)
		die(why.text);
	took = cpu_s() - begin;
	if (!attacks_judge(w, &set, &a, &error))
		die("no memory");
	json_object(j);
	json_member_str(j, "rule", set.rule);
	json_member_u64(j, "incidents", set.count);
	json_member_u64(j, "events", set.events);
	json_member_u64(j, "noted", set.noted);
	fixed(j, "merged", error.merged);
	fixed(j, "split", error.split);
	fixed(j, "seconds", took);
	json_end(j);
	arena_reset(&a);
}

int main(int argc, char **argv)
{
	struct arena_pool pool = {.budget = SIZE_MAX};
	struct arena a = {.pool = &pool}, text = {.pool = &pool};
	struct buf out = buf_in(&text);
	struct json j = json_in(&out);
	uint64_t seed, days, events;
	struct attacks w;
	FILE *eve = NULL;

	if (argc < 4 || !text_u64(slice_of(argv[1]), 0, UINT64_MAX, &seed) ||
	    !text_u64(slice_of(argv[2]), 1, 366, &days) ||
	    !text_u64(slice_of(argv[3]), 1, 10000000, &events))
		die("usage: dewline-incidents SEED DAYS EVENTS_A_DAY [EVE]");
	if (argc > 4 && (eve = fopen(argv[4], "we")) == NULL)
		die("cannot write the events");
	if (!attacks_make(&w, seed, days * events, (unsigned)days, &a))
		die("no memory");
	json_object(&j);
	json_member_u64(&j, "days", days);
	json_member_u64(&j, "events", w.count);
	json_member_u64(&j, "attacks", w.attack_count);
	fixed(&j, "replay_seconds", replay(&w, &a, eve));
	json_key(&j, "rules");
	json_array(&j);
	for (const struct incident_rule *r = incident_rules; r->name != NULL; r++)
		rule_write(&j, &w, r, &pool);
	json_end(&j);
	json_end(&j);
	buf_add_byte(&out, '\n');
	if (eve != NULL && fclose(eve) != 0)
		die("cannot write the events");
	return fwrite(out.ptr, 1, out.len, stdout) == out.len && fflush(stdout) == 0 ? 0 : 2;
}
