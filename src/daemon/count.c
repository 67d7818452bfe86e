/* SPDX-License-Identifier: Apache-2.0
 * Events of EVE files, counted by every rule. */
#include "assess/incident/incident.h"
#include "daemon/daemon.h"
#include "os/file.h"
#include "party/party.h"

struct count {
	struct arena *arena;
	struct fact *facts;
	size_t fact_count, fact_room;
	uint64_t lines, unread;
};

static bool may_count(const struct record *r)
{
	return r->kind == RECORD_ALERT || r->kind == RECORD_ANOMALY;
}

/* A line that is no event is counted and passed over: a file that is being written ends in one. */
static enum status add(struct count *c, struct slice line, struct arena *scratch, struct fail *why)
{
	struct record read, *kept;
	struct fail bad;
	enum status st;

	if (slice_trim(line).len == 0)
		return ST_OK;
	c->lines++;
	st = record_parse(line, scratch, &read, &bad);
	if (st == ST_NOMEM)
		return fail_set(why, ST_NOMEM, "%s", bad.text);
	if (st != ST_OK)
		c->unread++;
	if (st != ST_OK || !may_count(&read))
		return ST_OK;
	kept = ARENA_NEW(c->arena, struct record);
	if (kept == NULL || !record_copy(&read, c->arena, kept) ||
	    !ARENA_PUSH(c->arena, c->facts, c->fact_count, c->fact_room,
			((struct fact){c->fact_count, kept})))
		return fail_set(why, ST_NOMEM, "no memory for another event");
	return ST_OK;
}

static enum status read_events(struct count *c, struct slice path, struct fail *why)
{
	struct arena scratch = {.pool = c->arena->pool};
	struct os_map map;
	enum status st = os_file_map(path, &map, why);
	struct slice rest;

	if (st != ST_OK)
		return st;
	for (rest = map.bytes; rest.ptr != NULL && st == ST_OK; arena_reset(&scratch))
		st = add(c, slice_split(&rest, '\n'), &scratch, why);
	os_map_done(&map);
	return st;
}

static enum status read_parties(const struct daemon_count_options *o, struct arena *a,
				struct party **out, struct fail *why)
{
	struct party *parties = ARENA_ARRAY(a, struct party, o->party_count + 1);

	if (parties == NULL)
		return fail_set(why, ST_NOMEM, "no memory for the parties");
	for (size_t i = 0; i < o->party_count; i++) {
		struct os_map map;
		enum status st = os_file_map(o->parties[i], &map, why);
		struct slice text;

		if (st != ST_OK)
			return st;
		text = arena_copy(a, map.bytes);
		os_map_done(&map);
		st = party_parse(o->parties[i], text, a, &parties[i], NULL, why);
		if (st != ST_OK)
			return st;
	}
	*out = parties;
	return ST_OK;
}

enum status daemon_count(const struct daemon_count_options *o, struct arena *a,
			 struct daemon_counts *out, struct fail *why)
{
	struct count c = {.arena = a};
	struct daemon_counts counts = {0};
	struct party *parties;
	struct fact_set facts;
	enum status st = read_parties(o, a, &parties, why);

	for (size_t i = 0; i < o->file_count && st == ST_OK; i++)
		st = read_events(&c, o->files[i], why);
	facts = (struct fact_set){c.facts, c.fact_count};
	for (size_t i = 0; incident_rules[i].name != NULL && st == ST_OK; i++) {
		struct arena own = {.pool = a->pool};
		struct incident_set set;

		ASSERT(i < DAEMON_COUNT_RULES_MAX);
		st = incident_group_by(&facts, parties, o->party_count, &incident_rules[i], &own,
				       &set, why);
		if (st == ST_OK)
			counts.rules[counts.rule_count++] = (struct daemon_count_rule){
				incident_rules[i].name, incident_rules[i].doc, set.count,
				set.events, set.noted};
		arena_reset(&own);
	}
	counts.lines = c.lines;
	counts.unread = c.unread;
	counts.events = c.fact_count;
	if (st == ST_OK)
		*out = counts;
	return st;
}
