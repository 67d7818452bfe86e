/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "base/json.h"
#include "console/cli/cli.h"
#include "daemon/daemon.h"

static const struct cli_option options[] = {
	{'p', "party", "FILE", true,
	 "A party file: its networks are one target each. Without one, each machine is."},
	{0, "json", NULL, false, "One object, for machines."},
	{0},
};

static void as_json(const struct daemon_counts *n, struct buf *out)
{
	struct json j = json_in(out);

	json_object(&j);
	json_member_u64(&j, "lines", n->lines);
	json_member_u64(&j, "unread", n->unread);
	json_member_u64(&j, "events", n->events);
	json_key(&j, "rules");
	json_array(&j);
	for (size_t i = 0; i < n->rule_count; i++) {
		json_object(&j);
		json_member_str(&j, "rule", slice_of(n->rules[i].name));
		json_member_u64(&j, "incidents", n->rules[i].incidents);
		json_member_u64(&j, "events", n->rules[i].events);
		json_member_u64(&j, "noted", n->rules[i].noted);
		json_end(&j);
	}
	json_end(&j);
	json_end(&j);
	buf_add_byte(out, '\n');
}

static void as_text(const struct daemon_counts *n, struct buf *out)
{
	uint64_t most = 0, least = UINT64_MAX;

	buf_add_fmt(out, "%" PRIu64 " alerts and anomalies in %" PRIu64 " lines\n\n", n->events,
		    n->lines);
	buf_add_fmt(out, "%-18s %10s %10s\n", "counting rule", "incidents", "events");
	for (size_t i = 0; i < n->rule_count; i++) {
		const struct daemon_count_rule *r = &n->rules[i];

		buf_add_fmt(out, "%-18s %10" PRIu64 " %10" PRIu64 "  %s\n", r->name, r->incidents,
			    r->events, r->doc);
		most = r->incidents > most ? r->incidents : most;
		least = r->incidents < least ? r->incidents : least;
	}
	if (least != 0 && n->rule_count != 0)
		buf_add_fmt(out,
			    "\nthe highest count is %" PRIu64 ".%" PRIu64
			    " times the lowest; the other events belong to no incident\n",
			    most / least, most * 10 / least % 10);
}

static int run(struct cli *c)
{
	struct daemon_count_options o = {.files = c->words, .file_count = c->word_count};
	struct buf out = buf_in(c->arena);
	struct daemon_counts counts;
	struct fail why;

	o.parties = cli_values(c, "party", &o.party_count);
	if (daemon_count(&o, c->arena, &counts, &why) != ST_OK)
		return cli_cannot(c, &why);
	if (counts.unread != 0)
		cli_say(c, "%" PRIu64 " of %" PRIu64 " lines are no events; left out",
			counts.unread, counts.lines);
	if (cli_value(c, "json").ptr != NULL)
		as_json(&counts, &out);
	else
		as_text(&counts, &out);
	if (!cli_print(c, buf_slice(&out)))
		return CLI_CANNOT;
	return counts.unread == counts.lines && counts.lines != 0 ? CLI_NO : CLI_DONE;
}

COMMAND(count) = {
	.name = "count",
	.usage = "count [-p PARTY]... [--json] EVE...",
	.doc = "Counts the events of EVE files as incidents, by each counting rule.",
	.more = "A number of attacks means nothing without the rule that it was counted by: the "
		"same events give\n"
		"numbers that differ a hundredfold. So all rules are shown.\n\n"
		"Exit 0 when it was counted, 1 when no line was an event, 2 when a file cannot be "
		"read.\n\n"
		"Examples:\n"
		"  dewline count eve.json\n"
		"  dewline count -p us.party eve.json eve.json.1\n",
	.options = options,
	.words_least = 1,
	.words_most = CLI_VALUES_MAX,
	.run = run,
};
