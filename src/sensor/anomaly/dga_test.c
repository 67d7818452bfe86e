/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/anomaly/anomaly_fixture.h"

#include <stdio.h>

static void answer(struct watch *w, const char *name, const char *rcode, int64_t at)
{
	struct flow f = flow_of(IP_PROTO_UDP, host(53), 53, START);
	struct record r = {.kind = RECORD_DNS, .at = {at}};

	r.u.dns.answer = true;
	r.u.dns.rrname = slice_of(name);
	r.u.dns.rcode = slice_of(rcode);
	anomaly_logged(w->worker, &f, &r);
}

/* The n-th of a series that is the same in each run: `len` letters at random, and a top domain. */
static const char *made_up(struct test *t, uint64_t n, size_t len)
{
	static char name[64];

	ASSERT(len + 5 < sizeof name);
	t->rng = n * 7919 + 1;
	for (size_t i = 0; i < len; i++)
		name[i] = (char)('a' + test_rand(t) % 26);
	memcpy(name + len, ".com", 5);
	return name;
}

/* Of 12 letters at random nine of ten look made up; the sketch counts 12 as 12 here. */
static void made_up_names_are_said(struct test *t)
{
	struct watch *w = watch_new();
	uint64_t n = 0;

	for (; w->count == 0 && n < 20; n++)
		answer(w, made_up(t, n, 12), "NXDOMAIN", START + (int64_t)n * S);
	EXPECT_UINT(t, w->count, 1);
	EXPECT(t, n >= 12 && n <= 16);
	EXPECT_SLICE(t, w->said[0].u.anomaly.event, SLICE("dns.dga"));
	EXPECT_UINT(t, w->said[0].u.anomaly.measured, 12);
	EXPECT_SLICE(t, w->said[0].u.anomaly.measure, SLICE("domains"));
	watch_done(w);
}

static void the_same_or_existing_or_short_names_are_silent(struct test *t)
{
	struct watch *w = watch_new();

	for (uint64_t i = 0; i < 1000; i++) {
		int64_t at = START + (int64_t)i * S;

		answer(w, made_up(t, i % 6, 12), "NXDOMAIN", at); /* asked again and again */
		answer(w, made_up(t, i, 12), "NOERROR", at);
		answer(w, made_up(t, i, 12), "SERVFAIL", at);
		answer(w, made_up(t, i, 6), "NXDOMAIN", at);
	}
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
}

/* A browser that asks for three made-up words of one label to see whether names are forged, a
 * search list behind each; a mail server that asks a blocklist; mistyped names; other scripts. */
static void look_alikes_are_silent(struct test *t)
{
	static const char *const typed[] = {"gogle",	 "facebok",    "wikipdia",  "amazn",
					    "weatherr",	 "githubb",    "newspapre", "universty",
					    "hospitall", "restaurnat", "railwayy",  "insurence",
					    "languagee", "mountians",  "softwaer",  "scholl",
					    "computerr", "televison",  "languge",   "xn--fiqs8s"};
	struct watch *w = watch_new();
	char name[128];

	for (uint64_t i = 0; i < 300; i++) {
		int64_t at = START + (int64_t)i * S;

		(void)snprintf(name, sizeof name, "%.10s", made_up(t, i, 10));
		answer(w, name, "NXDOMAIN", at);
		(void)snprintf(name, sizeof name, "%.10s.corp.example", made_up(t, i, 10));
		answer(w, name, "NXDOMAIN", at);
		(void)snprintf(name, sizeof name, "%u.2.0.192.zen.blocklist.example", (unsigned)i);
		answer(w, name, "NXDOMAIN", at);
		(void)snprintf(name, sizeof name, "%s.com", typed[i % 20]);
		answer(w, name, "NXDOMAIN", at);
	}
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
}

/* A resolver: its hundred clients ask for much that exists, and one of them is ill. */
static void among_much_else_they_are_not_seen(struct test *t)
{
	for (uint64_t others = 10; others <= 200; others += 190) {
		struct watch *w = watch_new();
		char name[64];

		for (uint64_t i = 0; i < others; i++) {
			(void)snprintf(name, sizeof name, "shop%u.example%u.org", (unsigned)i,
				       (unsigned)i);
			answer(w, name, "NOERROR", START);
		}
		for (uint64_t i = 0; i < 30; i++)
			answer(w, made_up(t, i, 12), "NXDOMAIN", START + (int64_t)i * S);
		EXPECT_UINT(t, w->count, others == 10);
		watch_done(w);
	}
}

static void an_hour_is_the_window(struct test *t)
{
	struct watch *w = watch_new();

	for (uint64_t i = 0; i < 200; i++) /* 9 an hour */
		answer(w, made_up(t, i, 12), "NXDOMAIN", START + (int64_t)i * 400 * S);
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
}

static void words_surprise_less_than_letters_at_random(struct test *t)
{
	static const char *const words[] = {"weather",	    "newspaper",   "university",
					    "restaurant",   "information", "mountains",
					    "cloudstorage", "television"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		EXPECT(t, anomaly_name_surprise(slice_of(words[i])) < 4800);
	EXPECT(t, anomaly_name_surprise(SLICE("xkqzvwjpfqhd")) > 6000);
	EXPECT(t,
	       anomaly_name_surprise(SLICE("WEATHER")) == anomaly_name_surprise(SLICE("weather")));
	EXPECT_UINT(t, anomaly_name_surprise(SLICE("")), 0);
	EXPECT_UINT(t, anomaly_name_surprise(SLICE("x")), 0);
}

static void a_domain_is_what_somebody_bought(struct test *t)
{
	static const struct {
		const char *name, *domain;
	} cases[] = {{"example.com", "example.com"},
		     {"www.example.com", "example.com"},
		     {"a.b.example.com.", "example.com"},
		     {"www.example.co.uk", "example.co.uk"},
		     {"com", NULL},
		     {"", NULL},
		     {".", NULL}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct slice domain;
		bool is = anomaly_name_domain(slice_of(cases[i].name), &domain);

		EXPECT_UINT(t, is, cases[i].domain != NULL);
		if (is)
			EXPECT_SLICE(t, domain, slice_of(cases[i].domain));
	}
}

TESTS(T(made_up_names_are_said), T(the_same_or_existing_or_short_names_are_silent),
      T(look_alikes_are_silent), T(among_much_else_they_are_not_seen), T(an_hour_is_the_window),
      T(words_surprise_less_than_letters_at_random), T(a_domain_is_what_somebody_bought))
