/* SPDX-License-Identifier: Apache-2.0
 * Backtracking: contents in a chain, against a matcher that tries every place of every content. */
#include <stdio.h>

#include "sensor/detect/detect_fixture.h"
#include "test.h"

enum { CHAIN_MAX = 4, HAY_MAX = 14 };

struct link {
	char text[4];
	bool negated, relative, has_within, placed, ends;
	int distance, within, offset, depth;
};

static bool place_fits(const struct link *l, int n, int at, int pos, int len)
{
	if (l->ends && at + n != len)
		return false;
	if (l->relative && at < pos + l->distance)
		return false;
	if (l->relative && l->has_within && at + n > pos + l->distance + l->within)
		return false;
	return !l->placed || (at >= l->offset && at + n <= l->offset + l->depth);
}

static bool reference(const struct link *l, size_t left, const char *hay, int len, int pos)
{
	int n = left == 0 ? 0 : (int)strlen(l->text);
	bool any = false;

	if (left == 0)
		return true;
	for (int at = 0; at + n <= len; at++) {
		if (memcmp(hay + at, l->text, (size_t)n) != 0 || !place_fits(l, n, at, pos, len))
			continue;
		any = true;
		if (!l->negated && reference(l + 1, left - 1, hay, len, at + n))
			return true;
	}
	return l->negated && !any && reference(l + 1, left - 1, hay, len, pos);
}

static int below(struct test *t, int n)
{
	return (int)(test_rand(t) % (uint64_t)n);
}

static void link_make(struct test *t, struct link *l, bool first)
{
	int n = 1 + below(t, 2);

	*l = (struct link){.negated = !first && below(t, 4) == 0, .ends = below(t, 8) == 0};
	for (int i = 0; i < n; i++)
		l->text[i] = "ab"[below(t, 2)];
	l->relative = !first && below(t, 4) != 0;
	l->placed = !l->relative && below(t, 3) == 0;
	l->distance = below(t, 6) - 2;
	l->has_within = below(t, 2) == 0;
	l->within = n + below(t, 4);
	l->offset = below(t, 5);
	l->depth = n + below(t, 5);
}

static void link_write(const struct link *l, char *out, size_t room)
{
	size_t used = strlen(out);

	used += (size_t)snprintf(out + used, room - used, "content:%s\"%s\";",
				 l->negated ? "!" : "", l->text);
	if (l->ends)
		used += (size_t)snprintf(out + used, room - used, "endswith;");
	if (l->relative)
		used += (size_t)snprintf(out + used, room - used, "distance:%d;", l->distance);
	if (l->relative && l->has_within)
		used += (size_t)snprintf(out + used, room - used, "within:%d;", l->within);
	if (l->placed)
		(void)snprintf(out + used, room - used, "offset:%d; depth:%d;", l->offset,
			       l->depth);
}

static void chains_match_what_trying_every_place_matches(struct test *t)
{
	for (int round = 0; round < 400; round++) {
		char text[1024] = "alert udp any any -> any any (msg:\"t\"; ";
		struct link links[CHAIN_MAX];
		size_t n = 1 + (size_t)below(t, CHAIN_MAX);
		struct fixture x;

		for (size_t i = 0; i < n; i++) {
			link_make(t, &links[i], i == 0);
			link_write(&links[i], text, sizeof text);
		}
		(void)snprintf(text + strlen(text), sizeof text - strlen(text), "sid:1;)\n");
		EXPECT(t, fixture_rules(&x, slice_of(text), 0));
		EXPECT_UINT(t, x.set.problem_count, 0);
		fixture_flow(&x, IP_PROTO_UDP, 9);
		for (int k = 0; k < 60; k++) {
			char hay[HAY_MAX + 1];
			int len = 1 + below(t, HAY_MAX);
			uint32_t before = x.hits;
			bool want;

			for (int i = 0; i < len; i++)
				hay[i] = "aab"[below(t, 3)];
			hay[len] = '\0';
			want = reference(links, n, hay, len, 0);
			fixture_datagram(&x, FLOW_TO_SERVER, slice_of(hay));
			if (x.hits - before == (want ? 1U : 0U))
				continue;
			test_fail(t, __FILE__, __LINE__, "%s on %s: %u hits, want %d", text, hay,
				  x.hits - before, want);
			fixture_done(&x);
			return;
		}
		fixture_done(&x);
	}
}

/* Each a can be followed by each b: without a bound this is the product of their counts. */
static void a_rule_that_never_stops_trying_is_stopped(struct test *t)
{
	static uint8_t hay[1400];
	struct fixture x;

	memset(hay, 'a', sizeof hay);
	EXPECT(t,
	       fixture_rules(&x,
			     SLICE("alert udp any any -> any any (content:\"a\"; content:\"a\"; "
				   "distance:0; content:\"a\"; distance:0; content:\"a\"; "
				   "distance:0; content:\"b\"; within:1; content:\"b\"; sid:1;)\n"
				   "alert udp any any -> any any (content:\"aaaa\"; "
				   "pcre:\"/(a+)+$b/\"; sid:2;)\n"),
			     0));
	fixture_flow(&x, IP_PROTO_UDP, 9);
	for (int i = 0; i < 20; i++)
		fixture_datagram(&x, FLOW_TO_SERVER, (struct slice){hay, sizeof hay});
	hay[0] = 'b'; /* now the prefilter lets it through */
	for (int i = 0; i < 20; i++)
		fixture_datagram(&x, FLOW_TO_SERVER, (struct slice){hay, sizeof hay});
	EXPECT_UINT(t, x.hits, 0);
	EXPECT(t, x.worker->counters.evaluated != 0);
	fixture_done(&x);
}

TESTS(T(chains_match_what_trying_every_place_matches), T(a_rule_that_never_stops_trying_is_stopped))
