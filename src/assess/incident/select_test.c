/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "assess/incident/incident.h"
#include "assess/incident/story_test.h"
#include "test.h"

static bool selects(struct story *s, struct incident_set *set, struct fact_set *out)
{
	return incident_group(&s->set, s->parties, s->party_count, &s->arena, set, &s->why) ==
		       ST_OK &&
	       incident_select(&s->set, set, &s->arena, out, &s->why) == ST_OK;
}

static bool has(const struct fact_set *s, uint64_t leaf)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->facts[i].leaf == leaf)
			return true;
	return false;
}

static void only_what_matters_is_selected(struct test *t)
{
	static const bool wanted[] = {true, true, false, false, true, true,  false,
				      true, true, true,	 false, true, false, false};
	struct story s;
	struct incident_set set;
	struct fact_set got;
	struct record *r;

	story_begin(&s);
	(void)story_input(&s, "rules", "demo.rules");				 /* 100 */
	r = story_alert(&s, 100, "10.0.0.1", "192.0.2.1", "trojan-activity", 1); /* 101 */
	r->flow_id = 77;
	(void)story_alert(&s, 100, "10.0.0.2", "192.0.2.1", "misc-activity", 2); /* 102 */
	(void)story_fact(&s, RECORD_DNS, 90, "10.0.0.1", "10.0.0.53");		 /* 103 */
	r = story_flow(&s, 90, 110, "10.0.0.1", "192.0.2.1", "1", "1");		 /* 104 */
	r->flow_id = 77;
	(void)story_flow(&s, 200, 210, "10.0.0.1", "192.0.2.1", "1", "1");	   /* 105 */
	(void)story_flow(&s, 90, 110, "10.0.0.1", "192.0.2.9", "1", "1");	   /* 106 */
	(void)story_flow(&s, 50, 300, "198.51.100.1", "192.0.2.1", "1", "1");	   /* 107 */
	(void)story_flow(&s, 40, 300, "198.51.100.2", "198.51.100.1", "1", "1");   /* 108 */
	(void)story_location(&s, "192.0.2.1", "libloc", "XA");			   /* 109 */
	(void)story_location(&s, "10.0.0.9", "libloc", "XA");			   /* 110 */
	(void)story_location(&s, "198.51.100.2", "libloc", "XB");		   /* 111 */
	(void)story_flow(&s, 50000, 50001, "198.51.100.3", "192.0.2.1", "1", "1"); /* 112 */
	r = story_flow(&s, 90, 110, "203.0.113.1", "203.0.113.2", "1", "1");	   /* 113 */
	r->flow_id = 77;
	r->station = SLICE("another"); /* its number means another flow there */
	EXPECT(t, selects(&s, &set, &got));
	EXPECT_UINT(t, set.count, 1);
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		if (has(&got, 100 + i) != wanted[i])
			test_fail(t, __FILE__, __LINE__, "leaf %zu", 100 + i);
	for (size_t i = 1; i < got.count; i++)
		EXPECT(t, got.facts[i - 1].leaf < got.facts[i].leaf);
	story_end(&s);
}

static void selecting_again_changes_nothing(struct test *t)
{
	struct story s;
	struct incident_set set, again;
	struct fact_set got, twice;

	story_begin(&s);
	for (int i = 0; i < 60; i++) {
		char from[32], to[32];

		(void)snprintf(from, sizeof from, "192.0.2.%u", (unsigned)(test_rand(t) % 8));
		(void)snprintf(to, sizeof to, "192.0.2.%u", 8 + (unsigned)(test_rand(t) % 8));
		if (i % 3 == 0)
			(void)story_alert(&s, i * 100, from, to, "attempted-admin", 1);
		else
			(void)story_flow(&s, i * 100, i * 100 + 50, to, from, "1", "1");
	}
	EXPECT(t, selects(&s, &set, &got));
	s.set = got;
	EXPECT(t, selects(&s, &again, &twice));
	EXPECT(t, got.count == twice.count && set.count == again.count);
	for (size_t i = 0; i < got.count; i++)
		EXPECT_UINT(t, got.facts[i].leaf, twice.facts[i].leaf);
	story_end(&s);
}

static void addresses_come_in_order_of_first_use(struct test *t)
{
	static const char *const want[] = {"192.0.2.1", "192.0.2.9", "198.51.100.1",
					   "198.51.100.2"};
	struct story s;
	struct incident_set set;
	struct fact_set got;
	struct addr *list = NULL;

	story_begin(&s);
	(void)story_flow(&s, 40, 300, "198.51.100.2", "198.51.100.1", "1", "1");
	(void)story_alert(&s, 100, "10.0.0.1", "192.0.2.1", "trojan-activity", 1);
	(void)story_alert(&s, 101, "10.0.0.1", "192.0.2.9", "trojan-activity", 1);
	(void)story_flow(&s, 90, 110, "10.0.0.1", "192.0.2.1", "1", "1");
	(void)story_flow(&s, 50, 300, "198.51.100.1", "192.0.2.1", "1", "1");
	EXPECT(t, selects(&s, &set, &got));
	EXPECT_UINT(t, incident_addresses(&got, &set, &s.arena, &list), 4);
	for (size_t i = 0; i < 4; i++) {
		struct addr a = story_addr(want[i]);

		EXPECT(t, addr_equal(&list[i], &a));
	}
	story_end(&s);
}

static void inflows_and_machines_have_limits(struct test *t)
{
	struct story s;
	struct incident_set set;
	struct fact_set got;
	struct addr *list = NULL;

	for (unsigned n = INCIDENT_INFLOWS_MAX - 1; n <= INCIDENT_INFLOWS_MAX + 1; n++) {
		story_begin(&s);
		(void)story_alert(&s, 0, "10.0.0.1", "192.0.2.1", "trojan-activity", 1);
		for (unsigned i = 0; i < n; i++) {
			char from[32];

			(void)snprintf(from, sizeof from, "198.51.%u.%u", i / 250, i % 250);
			(void)story_flow(&s, 0, 1, from, "192.0.2.1", "1", "1");
		}
		EXPECT(t, selects(&s, &set, &got));
		EXPECT_UINT(t, got.count,
			    1 + (n < INCIDENT_INFLOWS_MAX ? n : INCIDENT_INFLOWS_MAX));
		EXPECT_UINT(t, incident_addresses(&got, &set, &s.arena, &list),
			    1 + INCIDENT_MACHINES_MAX);
		story_end(&s);
	}
}

static void fields_that_nobody_reads_stay_sealed(struct test *t)
{
	EXPECT(t, incident_needs_field(RECORD_ALERT, SLICE(""), SLICE("src_ip")));
	EXPECT(t, incident_needs_field(RECORD_ALERT, SLICE("alert"), SLICE("signature_id")));
	EXPECT(t, incident_needs_field(RECORD_LOCATION, SLICE("location"), SLICE("territory")));
	EXPECT(t, incident_needs_field(RECORD_INPUT, SLICE("input"), SLICE("sha256")));
	EXPECT(t, incident_needs_field(RECORD_FLOW, SLICE("flow"), SLICE("bins_toserver")));
	EXPECT(t, !incident_needs_field(RECORD_FLOW, SLICE("flow"), SLICE("bytes_toserver")));
	EXPECT(t, !incident_needs_field(RECORD_ALERT, SLICE(""), SLICE("src_port")));
	EXPECT(t, !incident_needs_field(RECORD_DNS, SLICE("dns"), SLICE("queries")));
	EXPECT(t, !incident_needs_field(RECORD_DNS, SLICE(""), SLICE("src_ip")));
	EXPECT(t, !incident_needs_field(RECORD_HTTP, SLICE("http"), SLICE("url")));
	EXPECT(t, !incident_needs_field(RECORD_ALERT, SLICE("location"), SLICE("asn")));
}

static void every_allocation_may_fail(struct test *t)
{
	enum status st = ST_NOMEM;

	for (size_t n = 1; st != ST_OK; n++) {
		struct story s;
		struct incident_set set;
		struct fact_set got;

		story_begin(&s);
		(void)story_alert(&s, 0, "10.0.0.1", "192.0.2.1", "trojan-activity", 1);
		EXPECT_UINT(t, incident_group(&s.set, NULL, 0, &s.arena, &set, &s.why), ST_OK);
		s.pool.fail_after = n;
		st = incident_select(&s.set, &set, &s.arena, &got, &s.why);
		EXPECT(t, st == ST_OK || st == ST_NOMEM);
		story_end(&s);
		EXPECT(t, s.pool.out == 0 && n < 20);
	}
}

TESTS(T(only_what_matters_is_selected), T(selecting_again_changes_nothing),
      T(addresses_come_in_order_of_first_use), T(inflows_and_machines_have_limits),
      T(fields_that_nobody_reads_stay_sealed), T(every_allocation_may_fail))
