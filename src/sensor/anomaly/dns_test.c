/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/anomaly/anomaly_fixture.h"

static void ask(struct watch *w, struct slice name, int64_t at)
{
	struct flow f = flow_of(IP_PROTO_UDP, host(53), 53, START);
	struct record r = {.kind = RECORD_DNS, .at = {at}};

	r.u.dns.rrname = name;
	anomaly_logged(w->worker, &f, &r);
}

/* A name of `len` random characters of base 32 under `domain`. */
static struct slice random_name(struct test *t, struct arena *a, size_t len, const char *domain)
{
	struct buf b = buf_in(a);

	while (b.len < len)
		buf_add_byte(&b, (uint8_t) "abcdefghijklmnopqrstuvwxyz234567"[test_rand(t) % 32]);
	buf_add_byte(&b, '.');
	buf_add_z(&b, domain);
	return buf_slice(&b);
}

static void four_kilobytes_in_names_are_exfiltration(struct test *t)
{
	struct watch *w = watch_new();

	t->rng = 2;
	for (unsigned i = 0; i < 63; i++)
		ask(w, random_name(t, &w->arena, 65, "t.example"), START + i * S);
	EXPECT_UINT(t, w->count, 0); /* 4,095 bytes */
	ask(w, random_name(t, &w->arena, 1, "t.example"), START + 63 * S);
	EXPECT_UINT(t, w->count, 1);
	EXPECT_SLICE(t, w->said[0].u.anomaly.event, SLICE("dns.exfiltration"));
	EXPECT_SLICE(t, w->said[0].u.anomaly.summary,
		     SLICE("203.0.113.10 asked for 64 different names under t.example within 63.0 "
			   "s, which carry 4,096 bytes"));
	EXPECT_UINT(t, w->said[0].u.anomaly.score_milli, 1000);
	watch_done(w);
}

static void bytes_and_names_have_limits(struct test *t)
{
	static const struct {
		size_t names, len;
		uint64_t said;
	} cases[] = {{31, 200, 0}, {32, 127, 0}, {32, 128, 1}, {372, 11, 0}, {342, 12, 1}};

	for (size_t c = 0; c < 5; c++) {
		struct watch *w = watch_new();

		t->rng = 3;
		for (unsigned i = 0; i < cases[c].names; i++)
			ask(w, random_name(t, &w->arena, cases[c].len, "evil.example."),
			    START + i * S);
		EXPECT_UINT(t, w->count, cases[c].said);
		watch_done(w);
	}
}

static void ordinary_names_stay_quiet(struct test *t)
{
	struct watch *w = watch_new();

	t->rng = 4;
	for (unsigned i = 0; i < 400; i++) {
		struct slice same = random_name(t, &w->arena, 40, "cdn.example");
		struct buf counter = buf_in(&w->arena);
		static struct record r = {
			.kind = RECORD_DNS, .at = {START}, .u.dns = {.answer = true}};
		struct flow f = flow_of(IP_PROTO_UDP, host(53), 53, START);

		for (unsigned k = 0; k < 3; k++) /* asked three times: 333 of 1000 is new */
			ask(w, same, START + i * S);
		ask(w, random_name(t, &w->arena, 60, "ip6.arpa"), START + i * S);
		ask(w, random_name(t, &w->arena, 60, "example"), START + i * S); /* a domain each */
		buf_add_fmt(&counter, "%060u.count.example", i);
		ask(w, buf_slice(&counter), START + i * S);
		ask(w, SLICE(""), START);
		ask(w, SLICE("."), START);
		ask(w, SLICE("..."), START);
		r.u.dns.rrname = random_name(t, &w->arena, 60, "answers.example");
		anomaly_logged(w->worker, &f, &r);
	}
	for (unsigned i = 0; i < 400; i++) /* 60 names of 20 bytes an hour */
		ask(w, random_name(t, &w->arena, 20, "slow.example"), START + i * 60 * S);
	EXPECT_UINT(t, w->count, 0);
	watch_done(w);
}

static void domains_under_short_suffixes_are_apart(struct test *t)
{
	struct watch *w = watch_new();

	t->rng = 5;
	for (unsigned i = 0; i < 1000; i++) {
		struct buf b = buf_in(&w->arena);

		buf_add(&b, random_name(t, &w->arena, 8, ""));
		b.len--;
		buf_add_z(&b, ".co.uk");
		ask(w,
		    random_name(t, &w->arena, 30,
				(const char *)arena_copy_z(&w->arena, buf_slice(&b))),
		    START + i);
	}
	EXPECT_UINT(t, w->count, 0);
	for (unsigned i = 0; i < 200; i++)
		ask(w, random_name(t, &w->arena, 30, "x.co.uk"), START + i);
	EXPECT_UINT(t, w->count, 1);
	EXPECT(t, slice_find(w->said[0].u.anomaly.summary, SLICE(" under x.co.uk ")) != SIZE_MAX);
	watch_done(w);
}

TESTS(T(four_kilobytes_in_names_are_exfiltration), T(bytes_and_names_have_limits),
      T(ordinary_names_stay_quiet), T(domains_under_short_suffixes_are_apart))
