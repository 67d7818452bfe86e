/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/incident/story_test.h - for tests of assess/: a few lines make facts and parties.
 */
#ifndef DEW_ASSESS_INCIDENT_STORY_TEST_H
#define DEW_ASSESS_INCIDENT_STORY_TEST_H

#include "assess/claim/claim.h"
#include "party/party.h"

enum { STORY_FACTS_MAX = 512, STORY_PARTIES_MAX = 4 };

struct story {
	struct arena_pool pool;
	struct arena arena;
	struct fail why;
	struct fact *facts; /* [i] is about records[i] */
	struct record *records;
	struct fact_set set;
	struct party *parties;
	size_t party_count;
};

static inline void story_begin(struct story *s)
{
	*s = (struct story){.pool = {.budget = (size_t)1 << 28}};
	s->arena.pool = &s->pool;
	s->facts = ARENA_ARRAY(&s->arena, struct fact, STORY_FACTS_MAX);
	s->records = ARENA_ARRAY(&s->arena, struct record, STORY_FACTS_MAX);
	s->parties = ARENA_ARRAY(&s->arena, struct party, STORY_PARTIES_MAX);
	ASSERT(s->facts != NULL && s->records != NULL && s->parties != NULL);
	s->set.facts = s->facts;
}

static inline void story_end(struct story *s)
{
	arena_reset(&s->arena);
	arena_pool_drain(&s->pool);
}

static inline void story_party(struct story *s, const char *text)
{
	ASSERT(s->party_count < STORY_PARTIES_MAX);
	ASSERT(party_parse(SLICE("x.party"), slice_of(text), &s->arena, &s->parties[s->party_count],
			   NULL, &s->why) == ST_OK);
	s->parties[s->party_count].file = s->parties[s->party_count].id;
	s->party_count++;
}

static inline struct addr story_addr(const char *text)
{
	struct addr a = {0};

	ASSERT(addr_parse(slice_of(text), &a));
	return a;
}

/* Seconds after 2026-11-22 00:00 UTC. */
static inline struct wall_ns story_time(int64_t s)
{
	return (struct wall_ns){(INT64_C(1795305600) + s) * TIME_NS_PER_S};
}

static inline struct record *story_fact(struct story *s, enum record_kind kind, int64_t at_s,
					const char *src, const char *dst)
{
	struct record *r = &s->records[s->set.count];

	ASSERT(s->set.count < STORY_FACTS_MAX);
	*r = (struct record){.kind = kind, .at = story_time(at_s), .station = SLICE("edge")};
	r->src = story_addr(src);
	r->dst = story_addr(dst);
	s->facts[s->set.count] = (struct fact){.leaf = 100 + s->set.count, .record = r};
	s->set.count++;
	return r;
}

static inline struct record *story_alert(struct story *s, int64_t at_s, const char *src,
					 const char *dst, const char *classtype, uint64_t sid)
{
	struct record *r = story_fact(s, RECORD_ALERT, at_s, src, dst);

	r->direction = SLICE("to_server");
	r->u.alert.gid = 1;
	r->u.alert.sid = sid;
	r->u.alert.severity = 1;
	r->u.alert.classtype = slice_of(classtype);
	r->u.alert.signature = SLICE("a signature");
	return r;
}

static inline void story_meta(struct story *s, struct record *r, const char *key, const char *value)
{
	size_t n = r->u.alert.metas;
	struct record_pair *meta = ARENA_ARRAY(&s->arena, struct record_pair, n + 1);

	ASSERT(meta != NULL && n < RECORD_META_MAX);
	for (size_t i = 0; i < n; i++)
		meta[i] = r->u.alert.meta[i];
	meta[n] = (struct record_pair){slice_of(key), slice_of(value)};
	r->u.alert.meta = meta;
	r->u.alert.metas = n + 1;
}

static inline struct record *story_behaviour(struct story *s, int64_t at_s, const char *src,
					     const char *dst, const char *event, uint64_t score)
{
	struct record *r = story_fact(s, RECORD_ANOMALY, at_s, src, dst);

	r->u.anomaly.type = SLICE("behaviour");
	r->u.anomaly.event = slice_of(event);
	r->u.anomaly.summary = SLICE("a behaviour");
	r->u.anomaly.score_milli = score;
	return r;
}

static inline struct record *story_flow(struct story *s, int64_t start_s, int64_t end_s,
					const char *src, const char *dst, const char *bins_ts,
					const char *bins_tc)
{
	struct record *r = story_fact(s, RECORD_FLOW, end_s, src, dst);

	r->flow_id = 1000 + s->set.count;
	r->u.flow.start = story_time(start_s);
	r->u.flow.end = story_time(end_s);
	r->u.flow.bins_ts = slice_of(bins_ts);
	r->u.flow.bins_tc = slice_of(bins_tc);
	return r;
}

static inline struct record *story_location(struct story *s, const char *address, const char *table,
					    const char *territory)
{
	struct record *r = story_fact(s, RECORD_LOCATION, 0, "::", "::");

	r->src = r->dst = (struct addr){0};
	r->u.location.address = story_addr(address);
	r->u.location.table = slice_of(table);
	r->u.location.territory = slice_of(territory);
	return r;
}

static inline struct record *story_input(struct story *s, const char *what, const char *name)
{
	struct record *r = story_fact(s, RECORD_INPUT, 0, "::", "::");

	r->src = r->dst = (struct addr){0};
	r->u.input.what = slice_of(what);
	r->u.input.name = slice_of(name);
	return r;
}

#endif
