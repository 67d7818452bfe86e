/* SPDX-License-Identifier: Apache-2.0
 * What a monitor tells machines: alarms as lines of EVE, numbers for Prometheus, and its status. */
#include "base/json.h"
#include "console/cli/log.h"
#include "evidence/follow/follow.h"
#include "os/clock.h"
#include "os/file.h"

enum { EVE_MODE = 0640 };

/* --- a line an alarm --- */

enum status log_alarm_say(struct log_alarm *l, const char *kind, struct slice peer,
			  struct slice text, struct slice proof, struct fail *why)
{
	struct arena a = {.pool = l->c->arena->pool};
	struct buf line = buf_in(&a);
	struct json j = json_in(&line);
	char time[TIME_TEXT_MAX];
	struct os_out out = {0};
	enum status st = ST_OK;

	l->alarms++;
	if (l->eve.len == 0)
		return ST_OK;
	json_object(&j);
	json_member_str(&j, "timestamp", time_format_eve(os_clock_wall(), time));
	json_member_str(&j, "event_type", SLICE("alarm"));
	json_key(&j, "alarm");
	json_object(&j);
	json_member_str(&j, "kind", slice_of(kind));
	json_member_str(&j, "log", l->origin);
	json_member_some(&j, "peer", peer);
	json_member_some(&j, "proof", proof);
	json_member_str(&j, "text", text);
	json_end(&j);
	json_end(&j);
	buf_add_byte(&line, '\n');
	st = line.full ? fail_set(why, ST_NOMEM, "no memory for an alarm's line")
		       : os_out_open(NULL, l->eve, EVE_MODE, &out, why);
	if (st == ST_OK)
		st = os_out_write(NULL, &out, buf_slice(&line), why);
	if (st == ST_OK)
		st = os_out_sync(NULL, &out, why);
	if (st == ST_OK)
		st = os_out_close(&out, why);
	arena_reset(&a);
	return st;
}

/* --- numbers --- */

static void add(const struct log_alarm *l, const char *name, const char *type, const char *doc,
		uint64_t v, struct buf *out)
{
	buf_add_fmt(out, "# HELP %s %s\n# TYPE %s %s\n%s{log=\"", name, doc, name, type, name);
	buf_add_label(out, l->origin);
	buf_add_fmt(out, "\"} %llu\n", (unsigned long long)v);
}

enum status log_alarm_count(const struct log_alarm *l, const struct log_refused *refused, size_t n,
			    struct fail *why)
{
	static const char name[] = "dewline_log_convictions_refused_total";
	struct arena a = {.pool = l->c->arena->pool};
	struct buf out = buf_in(&a);
	enum status st;

	if (l->metrics.len == 0)
		return ST_OK;
	add(l, "dewline_log_leaves", "gauge", "Leaves of the log that were checked.", l->size,
	    &out);
	add(l, "dewline_log_reachable", "gauge", "Whether the log answered when last asked.",
	    l->reachable, &out);
	add(l, "dewline_log_contradicted", "gauge",
	    "Whether what it or a peer showed last contradicts what it signed.", l->contradicted,
	    &out);
	add(l, "dewline_log_convicted", "gauge",
	    "Whether there is proof that the log signed two histories.", l->convicted, &out);
	add(l, "dewline_log_alarms_total", "counter", "Alarms raised since this monitor began.",
	    l->alarms, &out);
	add(l, "dewline_log_looks_total", "counter", "How often the log was asked.", l->looks,
	    &out);
	if (n != 0)
		buf_add_fmt(&out,
			    "# HELP %s Convictions that a peer brought and that do not hold.\n"
			    "# TYPE %s counter\n",
			    name, name);
	for (size_t i = 0; i < n; i++) {
		buf_add_fmt(&out, "%s{log=\"", name);
		buf_add_label(&out, l->origin);
		buf_add_z(&out, "\",peer=\"");
		buf_add_label(&out, refused[i].peer);
		buf_add_fmt(&out, "\"} %llu\n", (unsigned long long)refused[i].count);
	}
	st = out.full ? fail_set(why, ST_NOMEM, "no memory for the monitor's numbers")
		      : os_file_swap(NULL, l->metrics, buf_slice(&out), why);
	arena_reset(&a);
	return st;
}

/* --- status --- */

/* Whether the conviction that is kept holds, which is asked anew. */
static enum status convicted(struct slice text, struct arena *a, struct fail *why)
{
	struct merkle_checkpoint two[2];
	struct view_conviction v;
	enum status st = view_conviction_parse(text, a, &v, why);

	return st == ST_OK ? view_conviction_check(&v, a, two, why) : st;
}

int log_status(struct cli *c)
{
	struct slice folder = c->words[1];
	struct buf out = buf_in(c->arena);
	struct json j = json_in(&out);
	struct follow_state s;
	struct fail why;
	enum status st = follow_state_read(folder, c->arena, &s, &why);
	bool caught;

	if (st == ST_OK && s.conviction.ptr != NULL)
		st = convicted(s.conviction, c->arena, &why);
	if (st != ST_OK)
		return cli_cannot(c, &why);
	caught = s.conviction.ptr != NULL;
	if (cli_value(c, "json").ptr != NULL) {
		json_object(&j);
		json_member_bool(&j, "convicted", caught);
		if (caught)
			json_member_str(&j, "conviction",
					buf_text(c->arena, "%.*s/conviction", SLICE_ARG(folder)));
		json_member_some(&j, "log", s.origin);
		json_member_u64(&j, "size", s.size);
		json_end(&j);
		buf_add_byte(&out, '\n');
	} else if (s.origin.len == 0) {
		buf_add_z(&out, "nothing was checked yet\n");
	} else {
		buf_add_fmt(&out, "%.*s: %llu leaves checked%s\n", SLICE_ARG(s.origin),
			    (unsigned long long)s.size, caught ? "" : ", nothing against it");
	}
	if (caught && cli_value(c, "json").ptr == NULL)
		buf_add_fmt(&out, "it has signed two histories: the proof is %.*s/conviction\n",
			    SLICE_ARG(folder));
	return log_print(c, &out, caught ? CLI_NO : CLI_DONE);
}
