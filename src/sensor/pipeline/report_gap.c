/* SPDX-License-Identifier: Apache-2.0
 * "gap" events: a time in which traffic passed that nobody looked at. */
#include "sensor/pipeline/report_priv.h"

static void add_time(struct json *j, const char *key, struct wall_ns at)
{
	char text[TIME_TEXT_MAX];

	json_member_str(j, key, time_format_eve(at, text));
}

static void say_gap(struct pipeline *p, const struct report_output *o, const struct pipeline_gap *g)
{
	struct buf b = buf_in(&p->scratch);
	struct json j = json_in(&b);
	struct record *r = &p->record;

	*r = (struct record){.kind = RECORD_OBJECT, .type = SLICE("gap"), .at = g->to};
	json_object(&j);
	json_key(&j, "reason");
	json_z(&j, g->reason);
	add_time(&j, "from", g->from);
	add_time(&j, "to", g->to);
	if (g->counter != NULL) {
		json_member_u64(&j, "packets", g->packets);
		if (g->bytes != 0)
			json_member_u64(&j, "bytes", g->bytes);
		json_key(&j, "counted_by");
		json_z(&j, g->counter);
	}
	json_end(&j);
	report_add_json(p, "", "gap", &b);
	report_emit(p, o, r);
}

void pipeline_report_gap(struct pipeline *p, const struct pipeline_gap *g)
{
	for (size_t i = 0; i < p->output_count; i++)
		if (!p->outputs[i].settings->plain)
			say_gap(p, &p->outputs[i], g);
}
