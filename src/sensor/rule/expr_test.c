/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "sensor/rule/rule.h"
#include "test.h"

struct fixture {
	struct arena_pool pool;
	struct arena arena;
	struct rule_set set;
	struct fail why;
};

static void start(struct fixture *f)
{
	*f = (struct fixture){.pool = {.budget = 16 << 20}};
	f->arena.pool = &f->pool;
	ASSERT(rule_set_init(&f->set, &f->arena, &f->why) == ST_OK);
}

static void stop(struct fixture *f)
{
	arena_reset(&f->arena);
	ASSERT(f->pool.out == 0);
	arena_pool_drain(&f->pool);
}

/* "80-90 443-443", or why not. */
static struct slice ports_text(struct fixture *f, struct slice text)
{
	const struct rule_port_set *p;
	struct buf b = buf_in(&f->arena);

	if (rule_ports_parse(&f->set, text, &p, &f->why) != ST_OK)
		return slice_of(f->why.text);
	for (size_t i = 0; i < p->count; i++)
		buf_add_fmt(&b, "%s%u-%u", i ? " " : "", p->ranges[i].lo, p->ranges[i].hi);
	if (p->any)
		buf_add_z(&b, " any");
	return buf_slice(&b);
}

static struct slice addrs_text(struct fixture *f, struct slice text)
{
	const struct rule_addr_set *s;
	struct buf b = buf_in(&f->arena);
	char lo[ADDR_TEXT_MAX], hi[ADDR_TEXT_MAX];

	if (rule_addrs_parse(&f->set, text, &s, &f->why) != ST_OK)
		return slice_of(f->why.text);
	for (size_t i = 0; i < s->count; i++) {
		addr_format(&s->ranges[i].lo, lo);
		addr_format(&s->ranges[i].hi, hi);
		buf_add_fmt(&b, "%s%s-%s", i ? " " : "", lo, hi);
	}
	if (s->any)
		buf_add_z(&b, " any");
	return buf_slice(&b);
}

struct expect {
	struct slice in, out;
};

static void port_expressions_mean_what_they_say(struct test *t)
{
	static const struct expect cases[] = {
		{SLICE("any"), SLICE("0-65535 any")},
		{SLICE("80"), SLICE("80-80")},
		{SLICE("0"), SLICE("0-0")},
		{SLICE("65535"), SLICE("65535-65535")},
		{SLICE("80:90"), SLICE("80-90")},
		{SLICE("1024:"), SLICE("1024-65535")},
		{SLICE(":1023"), SLICE("0-1023")},
		{SLICE("0:65535"), SLICE("0-65535 any")},
		{SLICE("!80"), SLICE("0-79 81-65535")},
		{SLICE("!0:1"), SLICE("2-65535")},
		{SLICE("!65535"), SLICE("0-65534")},
		{SLICE("[80,443]"), SLICE("80-80 443-443")},
		{SLICE("[81,80]"), SLICE("80-81")},
		{SLICE(" [ 80 , 443 ] "), SLICE("80-80 443-443")},
		{SLICE("[80,443,1024:,!8080]"), SLICE("80-80 443-443 1024-8079 8081-65535")},
		{SLICE("[!8080,1024:]"), SLICE("1024-8079 8081-65535")},
		{SLICE("[!80,!443]"), SLICE("0-79 81-442 444-65535")},
		{SLICE("![80,443]"), SLICE("0-79 81-442 444-65535")},
		{SLICE("![!80]"), SLICE("80-80")},
		{SLICE("[1:100,![5,6]]"), SLICE("1-4 7-100")},
		{SLICE("[1:100,![5:9,!6]]"), SLICE("1-4 6-6 10-100")},
		{SLICE("[1:10,[20:30,!25],25]"), SLICE("1-10 20-30")},
		{SLICE("$HTTP_PORTS"), SLICE("80-80")},
		{SLICE("!$HTTP_PORTS"), SLICE("0-79 81-65535")},
		{SLICE("!$SHELLCODE_PORTS"), SLICE("80-80")},
		{SLICE("$FILE_DATA_PORTS"), SLICE("80-80 110-110 143-143")},
		{SLICE("[$HTTP_PORTS,!$SIP_PORTS,5000:6000]"), SLICE("80-80 5000-5059 5062-6000")},
		{SLICE("[!$HTTP_PORTS,!445,!22]"), SLICE("0-21 23-79 81-444 446-65535")},
		{SLICE("5800,!445,[1:9,!3]"), SLICE("1-2 4-9 5800-5800")},
		{SLICE("[any,!80]"), SLICE("0-79 81-65535")},
	};
	struct fixture f;

	start(&f);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		EXPECT_SLICE(t, ports_text(&f, cases[i].in), cases[i].out);
	stop(&f);
}

static void address_expressions_mean_what_they_say(struct test *t)
{
	static const struct expect cases[] = {
		{SLICE("192.0.2.1"), SLICE("192.0.2.1-192.0.2.1")},
		{SLICE("192.0.2.77/24"), SLICE("192.0.2.0-192.0.2.255")},
		{SLICE("192.0.2.77/255.255.255.0"), SLICE("192.0.2.0-192.0.2.255")},
		{SLICE("1.2.3.4/0.0.0.0"), SLICE("0.0.0.0-255.255.255.255")},
		{SLICE("0.0.0.0/0"), SLICE("0.0.0.0-255.255.255.255")},
		{SLICE("::/0"), SLICE("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")},
		{SLICE("any"), SLICE("0.0.0.0-255.255.255.255 "
				     "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff any")},
		{SLICE("192.0.2.9-192.0.2.12"), SLICE("192.0.2.9-192.0.2.12")},
		{SLICE("2001:db8::/127"), SLICE("2001:db8::-2001:db8::1")},
		{SLICE("2001:db8::1-2001:db8::ff"), SLICE("2001:db8::1-2001:db8::ff")},
		{SLICE("[192.0.2.0/25,192.0.2.128/25]"), SLICE("192.0.2.0-192.0.2.255")},
		{SLICE("[10.0.0.0/8,!10.1.0.0/16]"),
		 SLICE("10.0.0.0-10.0.255.255 10.2.0.0-10.255.255.255")},
		{SLICE("[2001:db8::/32,192.0.2.1,!2001:db8::/33]"),
		 SLICE("192.0.2.1-192.0.2.1 "
		       "2001:db8:8000::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff")},
		{SLICE("!0.0.0.0/0"), SLICE("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")},
		{SLICE("$HOME_NET"), SLICE("10.0.0.0-10.255.255.255 172.16.0.0-172.31.255.255 "
					   "192.168.0.0-192.168.255.255")},
		{SLICE("!$EXTERNAL_NET"), SLICE("10.0.0.0-10.255.255.255 172.16.0.0-172.31.255.255 "
						"192.168.0.0-192.168.255.255")},
		{SLICE("[$HOME_NET,!10.0.0.0/8,!172.16.0.0/12]"),
		 SLICE("192.168.0.0-192.168.255.255")},
		{SLICE("[$EXTERNAL_NET,$HOME_NET]"),
		 SLICE("0.0.0.0-255.255.255.255 "
		       "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff any")},
	};
	struct fixture f;

	start(&f);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		EXPECT_SLICE(t, addrs_text(&f, cases[i].in), cases[i].out);
	stop(&f);
}

static void what_means_nothing_is_refused(struct test *t)
{
	static const struct slice ports[] = {
		SLICE(""),	   SLICE("[]"),	      SLICE("[80"),	  SLICE("80]"),
		SLICE("65536"),	   SLICE("-1"),	      SLICE("0x50"),	  SLICE("90:80"),
		SLICE(":"),	   SLICE("1:2:3"),    SLICE("!any"),	  SLICE("!"),
		SLICE("!!80"),	   SLICE("[80,]"),    SLICE("[,80]"),	  SLICE("$"),
		SLICE("$NO_SUCH"), SLICE("http"),     SLICE("[80]]"),	  SLICE("80,"),
		SLICE("80[90]"),   SLICE("[80,!80]"), SLICE("$HOME_NET"),
	};
	static const struct slice addrs[] = {
		SLICE("10.0.0.0/33"),
		SLICE("10.0.0.0/255.0.255.0"),
		SLICE("10.0.0"),
		SLICE("10.0.0.9-10.0.0.1"),
		SLICE("::1-10.0.0.1"),
		SLICE("2001:db8::/129"),
		SLICE("10.0.0.0/8/8"),
		SLICE("10.0.0.0/::"),
		SLICE("!any"),
		SLICE("[10.0.0.1,!10.0.0.0/8]"),
		SLICE("host.example.org"),
		SLICE("80"),
	};
	struct fixture f;

	start(&f);
	for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
		const struct rule_port_set *p = NULL;

		if (rule_ports_parse(&f.set, ports[i], &p, &f.why) == ST_OK || p != NULL)
			test_fail(t, __FILE__, __LINE__, "%.*s was taken", SLICE_ARG(ports[i]));
	}
	for (size_t i = 0; i < sizeof addrs / sizeof addrs[0]; i++) {
		const struct rule_addr_set *a = NULL;

		if (rule_addrs_parse(&f.set, addrs[i], &a, &f.why) == ST_OK || a != NULL)
			test_fail(t, __FILE__, __LINE__, "%.*s was taken", SLICE_ARG(addrs[i]));
	}
	stop(&f);
}

static void nesting_has_a_limit(struct test *t)
{
	for (size_t depth = RULE_NEST_MAX - 1; depth <= RULE_NEST_MAX + 1; depth++) {
		char text[2 * RULE_NEST_MAX + 8];
		const struct rule_port_set *p;
		struct fixture f;
		size_t n = 0;

		start(&f);
		for (size_t i = 0; i < depth; i++)
			text[n++] = '[';
		text[n++] = '9';
		for (size_t i = 0; i < depth; i++)
			text[n++] = ']';
		EXPECT(t, rule_ports_parse(&f.set, (struct slice){(uint8_t *)text, n}, &p,
					   &f.why) == (depth <= RULE_NEST_MAX ? ST_OK : ST_LIMIT));
		stop(&f);
	}
}

static void same_meaning_gives_the_same_set(struct test *t)
{
	const struct rule_port_set *p, *q, *r;
	const struct rule_addr_set *a, *b;
	struct fixture f;

	start(&f);
	EXPECT(t, rule_ports_parse(&f.set, SLICE("[80,443]"), &p, &f.why) == ST_OK);
	EXPECT(t, rule_ports_parse(&f.set, SLICE(" [80,443]"), &q, &f.why) == ST_OK);
	EXPECT(t, rule_ports_parse(&f.set, SLICE("[443,$HTTP_PORTS]"), &r, &f.why) == ST_OK);
	EXPECT(t, p == q && q == r);
	EXPECT(t, rule_addrs_parse(&f.set, SLICE("$HTTP_SERVERS"), &a, &f.why) == ST_OK);
	EXPECT(t, rule_addrs_parse(&f.set, SLICE("!$EXTERNAL_NET"), &b, &f.why) == ST_OK);
	EXPECT(t, a == b);
	stop(&f);
}

static void variables_change_what_loads_later(struct test *t)
{
	struct fixture f;

	start(&f);
	EXPECT_SLICE(t, addrs_text(&f, SLICE("!$EXTERNAL_NET")),
		     SLICE("10.0.0.0-10.255.255.255 172.16.0.0-172.31.255.255 "
			   "192.168.0.0-192.168.255.255"));
	EXPECT(t, rule_set_var(&f.set, SLICE("HOME_NET"), SLICE("192.0.2.0/24"), &f.why) == ST_OK);
	EXPECT_SLICE(t, addrs_text(&f, SLICE("!$EXTERNAL_NET")), SLICE("192.0.2.0-192.0.2.255"));
	EXPECT(t,
	       rule_set_var(&f.set, SLICE("$MINE"), SLICE("[8080,$HTTP_PORTS]"), &f.why) == ST_OK);
	EXPECT_SLICE(t, ports_text(&f, SLICE("$MINE")), SLICE("80-80 8080-8080"));
	EXPECT(t, rule_set_var(&f.set, SLICE("HTTP_PORTS"), SLICE("81"), &f.why) == ST_OK);
	EXPECT_SLICE(t, ports_text(&f, SLICE("$MINE")), SLICE("81-81 8080-8080"));
	stop(&f);
}

static void a_bad_variable_changes_nothing(struct test *t)
{
	static const struct expect cases[] = {
		{SLICE("HTTP_PORTS"), SLICE("99999")},
		{SLICE("HTTP_PORTS"), SLICE("$MINE")},
		{SLICE("HTTP_PORTS"), SLICE("$HTTP_PORTS")},
		{SLICE("HTTP_PORTS"), SLICE("")},
		{SLICE("HTTP_PORTS"), SLICE("$NO_SUCH")},
		{SLICE("HTTP_PORTS"), SLICE("10.0.0.0/40")},
		{SLICE("a b"), SLICE("80")},
		{SLICE(""), SLICE("80")},
	};
	struct fixture f;

	start(&f);
	EXPECT(t,
	       rule_set_var(&f.set, SLICE("MINE"), SLICE("[$HTTP_PORTS,8080]"), &f.why) == ST_OK);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXPECT(t, rule_set_var(&f.set, cases[i].in, cases[i].out, &f.why) != ST_OK);
		EXPECT(t, f.why.text[0] != '\0');
		EXPECT_SLICE(t, ports_text(&f, SLICE("$MINE")), SLICE("80-80 8080-8080"));
	}
	EXPECT(t, rule_set_var(&f.set, SLICE("X"), SLICE("10.0.0.0/40"), &f.why) == ST_INVALID);
	EXPECT(t, slice_find(slice_of(f.why.text), SLICE("IP address")) != SIZE_MAX);
	EXPECT(t, rule_set_var(&f.set, SLICE("X"), SLICE("70000"), &f.why) == ST_INVALID);
	EXPECT(t, slice_find(slice_of(f.why.text), SLICE("a port")) != SIZE_MAX);
	stop(&f);
}

/* A set of ports as bytes: the naive model, filled while the expression is written. */
static void random_expr(struct test *t, struct buf *b, uint8_t *model, unsigned depth)
{
	bool negated = test_rand(t) % 3 == 0;

	memset(model, 0, 65536);
	if (negated)
		buf_add_byte(b, '!');
	if (depth == 0 || test_rand(t) % 3 == 0) {
		uint32_t x = (uint16_t)test_rand(t), y = (uint16_t)test_rand(t);

		if (test_rand(t) % 2)
			y = x;
		buf_add_fmt(b, "%u:%u", x < y ? x : y, x < y ? y : x);
		memset(model + (x < y ? x : y), 1, (x < y ? y - x : x - y) + 1);
	} else {
		uint8_t *plain = ARENA_ARRAY(b->arena, uint8_t, 65536);
		uint8_t *minus = ARENA_ARRAY(b->arena, uint8_t, 65536);
		uint8_t *one = ARENA_ARRAY(b->arena, uint8_t, 65536);
		size_t n = 1 + test_rand(t) % 3;
		bool some = false;

		ASSERT(plain && minus && one);
		buf_add_byte(b, '[');
		for (size_t i = 0; i < n; i++) {
			size_t at;
			bool no;

			if (i)
				buf_add_byte(b, ',');
			at = b->len;
			random_expr(t, b, one, depth - 1);
			no = b->ptr[at] == '!';
			some |= !no;
			for (size_t p = 0; p < 65536; p++) {
				/* a negated member's model is its complement: take it back */
				plain[p] |= !no && one[p];
				minus[p] |= no && !one[p];
			}
		}
		buf_add_byte(b, ']');
		for (size_t p = 0; p < 65536; p++)
			model[p] = (plain[p] || !some) && !minus[p];
	}
	for (size_t p = 0; negated && p < 65536; p++)
		model[p] = !model[p];
}

static void random_expressions_agree_with_a_bitmap(struct test *t)
{
	static uint8_t model[65536];

	for (int round = 0; round < 60; round++) {
		const struct rule_port_set *p = NULL;
		struct fixture f;
		struct buf b;
		enum status st;
		bool same = true;

		start(&f);
		b = buf_in(&f.arena);
		random_expr(t, &b, model, 3);
		st = rule_ports_parse(&f.set, buf_slice(&b), &p, &f.why);
		if (memchr(model, 1, sizeof model) == NULL) {
			EXPECT(t, st == ST_INVALID);
		} else {
			EXPECT(t, st == ST_OK);
			for (uint32_t port = 0; port < 65536; port++)
				same = same && rule_ports_hold(p, (uint16_t)port) == model[port];
			EXPECT(t, same);
			EXPECT(t, p->any == (memchr(model, 0, sizeof model) == NULL));
		}
		stop(&f);
	}
}

static void addresses_are_held_up_to_both_ends(struct test *t)
{
	static const struct {
		struct slice addr;
		bool in;
	} cases[] = {
		{SLICE("9.255.255.255"), false}, {SLICE("10.0.0.0"), true},
		{SLICE("10.0.255.255"), true},	 {SLICE("10.1.0.0"), false},
		{SLICE("10.1.255.255"), false},	 {SLICE("10.2.0.0"), true},
		{SLICE("10.255.255.255"), true}, {SLICE("11.0.0.0"), false},
		{SLICE("2001:db8::"), true},	 {SLICE("2001:db8:ffff:ffff::"), true},
		{SLICE("2001:db9::"), false},	 {SLICE("::"), false},
		{SLICE("a00::"), false}, /* 10 in its first byte, but of the other family */
	};
	const struct rule_addr_set *s;
	struct addr a, none = {0};
	struct fixture f;

	start(&f);
	EXPECT(t, rule_addrs_parse(&f.set, SLICE("[10.0.0.0/8,2001:db8::/32,!10.1.0.0/16]"), &s,
				   &f.why) == ST_OK);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		EXPECT(t, addr_parse(cases[i].addr, &a));
		EXPECT(t, rule_addrs_hold(s, &a) == cases[i].in);
	}
	EXPECT(t, !rule_addrs_hold(s, &none));
	EXPECT(t, !rule_addrs_hold(&(struct rule_addr_set){0}, &a));
	EXPECT(t, !rule_ports_hold(&(struct rule_port_set){0}, 0));
	stop(&f);
}

TESTS(T(port_expressions_mean_what_they_say), T(address_expressions_mean_what_they_say),
      T(what_means_nothing_is_refused), T(nesting_has_a_limit), T(same_meaning_gives_the_same_set),
      T(variables_change_what_loads_later), T(a_bad_variable_changes_nothing),
      T(random_expressions_agree_with_a_bitmap), T(addresses_are_held_up_to_both_ends))
