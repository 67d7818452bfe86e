/* SPDX-License-Identifier: Apache-2.0
 * What rules cost, as a table. */
#include <stdlib.h>

#include "base/json.h"
#include "console/cli/talk.h"
#include "sensor/detect/detect.h"
#include "sensor/rule/rule.h"

static int dearer(const void *pa, const void *pb)
{
	const struct detect_cost *a = pa, *b = pb;

	if (a->steps != b->steps)
		return a->steps > b->steps ? -1 : 1;
	if (a->asked != b->asked)
		return a->asked > b->asked ? -1 : 1;
	return a->rule->sid < b->rule->sid ? -1 : a->rule->sid > b->rule->sid;
}

/* The costs of all captures together; they are of the same rules in the same order. */
static struct detect_cost *sum(const struct daemon_capture *captures, size_t n, struct arena *a,
			       size_t *out_count)
{
	size_t count = n != 0 ? captures[0].cost_count : 0;
	struct detect_cost *all = ARENA_ARRAY(a, struct detect_cost, count + 1);

	ASSERT(all != NULL); /* the command is at its end: this ends the process */
	for (size_t i = 0; i < n; i++) {
		ASSERT(captures[i].cost_count == count);
		for (size_t k = 0; k < count; k++)
			detect_cost_add(&all[k], &captures[i].costs[k]);
	}
	*out_count = count;
	return all;
}

static void row_json(const struct detect_cost *c, struct buf *out)
{
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {{"gid", c->rule->gid},  {"sid", c->rule->sid}, {"asked", c->asked},
		       {"looked", c->looked},  {"bytes", c->bytes},   {"steps", c->steps},
		       {"matched", c->matched}};
	struct json j = json_in(out);

	json_object(&j);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		json_key(&j, numbers[i].name);
		json_u64(&j, numbers[i].value);
	}
	json_key(&j, "msg");
	json_str(&j, c->rule->msg);
	json_end(&j);
	buf_add_byte(out, '\n');
}

static void row_text(const struct detect_cost *c, struct buf *out)
{
	buf_add_fmt(out, "%12llu %12llu %12llu %14llu %9llu  %llu:%llu %.*s\n",
		    (unsigned long long)c->steps, (unsigned long long)c->asked,
		    (unsigned long long)c->looked, (unsigned long long)c->bytes,
		    (unsigned long long)c->matched, (unsigned long long)c->rule->gid,
		    (unsigned long long)c->rule->sid, SLICE_ARG(slice_part(c->rule->msg, 0, 60)));
}

void talk_costs(const struct daemon_capture *captures, size_t n, size_t most, bool json,
		struct arena *a, struct buf *out)
{
	size_t count;
	struct detect_cost *all = sum(captures, n, a, &count);

	if (count != 0)
		qsort(all, count, sizeof all[0], dearer);
	if (!json)
		buf_add_fmt(out, "%12s %12s %12s %14s %9s  %s\n", "steps", "asked", "looked",
			    "bytes", "matched", "rule");
	for (size_t i = 0; i < count && i < most && all[i].asked != 0; i++) {
		if (all[i].steps == 0 && all[i].matched == 0 && most != SIZE_MAX)
			continue; /* its header alone was asked, and said no */
		(json ? row_json : row_text)(&all[i], out);
	}
}
