/* SPDX-License-Identifier: Apache-2.0
 * "stats" events: what was counted so far. */
#include "sensor/pipeline/report_priv.h"

static void put_thread(struct json *j, const struct pipeline_stats *now,
		       const struct pipeline_stats *before, unsigned how)
{
	json_key(j, "threads");
	json_object(j);
	json_key(j, "W#01");
	json_object(j);
	pipeline_stats_json(now, before, how, j);
	json_end(j);
	json_end(j);
}

static void say_stats(struct pipeline *p, const struct report_output *o,
		      const struct pipeline_stats *now, const struct pipeline_stats *before)
{
	unsigned how = (o->settings->stats.zeros ? PIPELINE_STATS_ZEROS : 0U) |
		       (o->settings->stats.deltas ? PIPELINE_STATS_DELTAS : 0U);
	struct buf b = buf_in(&p->scratch);
	struct json j = json_in(&b);
	struct record *r = &p->record;

	*r = (struct record){.kind = RECORD_OBJECT, .type = SLICE("stats"), .at = p->latest};
	json_object(&j);
	json_member_u64(&j, "uptime", now->uptime_s);
	if (o->settings->stats.totals)
		pipeline_stats_json(now, before, how, &j);
	if (o->settings->stats.threads)
		put_thread(&j, now, before, how);
	json_end(&j);
	report_add_json(p, "", "stats", &b);
	report_emit(p, o, r);
}

void pipeline_report_stats(struct pipeline *p)
{
	struct report_stats *said = p->stats_said;

	if (said == NULL || p->options.stats_silent)
		return;
	pipeline_stats_read(p, &said->now);
	if (p->options.stats_gather != NULL)
		p->options.stats_gather(p->options.stats_ctx, &said->now);
	REPORT_EACH(p, o, REPORT_STATS)
	say_stats(p, o, &said->now, &said->before);
	said->before = said->now;
}

void pipeline_tick(struct pipeline *p, struct wall_ns now)
{
	struct report_stats *said = p->stats_said;

	ASSERT(!p->finished);
	flow_table_expire(p->flows, now);
	if (p->meter != NULL)
		meter_expire(p->meter, now);
	if (said == NULL)
		return;
	pipeline_count_time(p, now);
	if (said->due.ns == 0) /* the first interval begins with the first tick */
		said->due.ns = now.ns + said->interval_ns;
	if (now.ns < said->due.ns)
		return;
	said->due.ns = now.ns + said->interval_ns;
	pipeline_report_stats(p);
}
