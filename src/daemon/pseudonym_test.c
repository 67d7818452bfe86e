/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/pseudonym.h"

#include "base/buf.h"
#include "test.h"

struct world {
	struct arena_pool pool;
	struct arena arena;
	struct crypto_pan pan;
	struct addr_prefix list[3];
	struct pseudonym_nets nets;
	struct fail why;
};

static bool world_init(struct test *t, struct world *w)
{
	static const char *const nets[] = {"10.1.0.0/16", "2001:db8:a::/48", "192.0.2.8/30"};
	uint8_t key[CRYPTO_PAN_BYTES];

	*w = (struct world){.pool = {.budget = 16 << 20}};
	w->arena.pool = &w->pool;
	w->nets = (struct pseudonym_nets){w->list, 3};
	for (size_t i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)test_rand(t);
	for (size_t i = 0; i < 3; i++)
		if (!addr_prefix_parse(slice_of(nets[i]), &w->list[i]))
			return false;
	return crypto_pan_init(key, &w->pan);
}

static void world_done(struct world *w)
{
	arena_reset(&w->arena);
	arena_pool_drain(&w->pool);
}

/* The pseudonym of an address, as text. */
static struct slice hidden(struct world *w, const char *address)
{
	struct addr a = {0};
	char text[ADDR_TEXT_MAX];

	if (!addr_parse(slice_of(address), &a) || !daemon_pseudonym_of(&w->pan, w->nets, &a, &a))
		return SLICE("none");
	return arena_copy(&w->arena, addr_format(&a, text));
}

static void a_pseudonym_is_of_the_same_network_and_leads_back(struct test *t)
{
	struct world w;

	EXPECT(t, world_init(t, &w));
	for (unsigned i = 0; i < 300; i++) {
		const struct addr_prefix *net = &w.list[i % 3];
		struct addr a = net->addr, p, back;

		for (size_t k = net->bits; k < addr_bytes(&a) * 8; k++)
			a.b[k / 8] |= (uint8_t)((test_rand(t) & 1) << (7 - k % 8));
		EXPECT(t, daemon_pseudonym_net(w.nets, &a) == net);
		EXPECT(t, daemon_pseudonym_of(&w.pan, w.nets, &a, &p));
		EXPECT(t, addr_prefix_holds(net, &p));
		EXPECT(t, daemon_pseudonym_whose(&w.pan, w.nets, &p, &back));
		EXPECT(t, addr_equal(&back, &a));
	}
	world_done(&w);
}

static void an_address_of_no_network_has_one_that_nobody_turns_back_by_accident(struct test *t)
{
	struct addr a, p, back;
	struct world w;

	EXPECT(t, world_init(t, &w));
	EXPECT(t, addr_parse(SLICE("10.2.0.0"), &a) && addr_parse(SLICE("203.0.113.7"), &p));
	EXPECT(t, daemon_pseudonym_net(w.nets, &a) == NULL);
	EXPECT(t, !daemon_pseudonym_whose(&w.pan, w.nets, &p, &back));
	EXPECT(t, !daemon_pseudonym_of(&w.pan, w.nets, &(struct addr){0}, &back));
	world_done(&w);
}

/* {} stands for the address of the row, in `from` as it is, in the result as its pseudonym. */
static struct slice with(struct world *w, const char *form, struct slice address)
{
	struct buf b = buf_in(&w->arena);

	for (; *form != '\0'; form++)
		if (form[0] == '{' && form[1] == '}') {
			buf_add(&b, address);
			form++;
		} else {
			buf_add_byte(&b, (uint8_t)*form);
		}
	return buf_slice(&b);
}

static void an_address_is_hidden_whatever_stands_around_it(struct test *t)
{
	static const struct {
		const char *form, *address;
	} rows[] = {
		{"{}", "10.1.2.3"},
		{"{} contacted 30 hosts", "10.1.255.254"},
		{"to {}.", "10.1.2.3"},
		{"to {}: much", "10.1.2.3"},
		{"{}:443 and {}:80, {}", "10.1.0.1"},
		{"\"{}\"", "10.1.2.3"},
		{"src={},abc{}def", "10.1.2.3"},
		{"# {} is the control desk", "10.1.9.9"},
		{"::ffff:{}", "10.1.2.3"},
		{"{}-{}", "192.0.2.9"},
		{"[{}]:8080", "2001:db8:a::17"},
		{"{}, {}.", "2001:db8:a:1:2:3:4:5"},
	};
	struct world w;

	EXPECT(t, world_init(t, &w));
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct slice text = with(&w, rows[i].form, slice_of(rows[i].address)), out;

		EXPECT(t, daemon_pseudonym_needed(w.nets, text));
		EXPECT(t, daemon_pseudonym_text(&w.pan, w.nets, text, &w.arena, &out, &w.why) ==
				  ST_OK);
		EXPECT_SLICE(t, out, with(&w, rows[i].form, hidden(&w, rows[i].address)));
	}
	world_done(&w);
}

static void what_is_none_of_theirs_stays_byte_for_byte(struct test *t)
{
	static const char *const texts[] = {
		"",
		"10.2.2.3 and 2001:db8:b::1",
		"10.1.2",
		"10.1.2.3.4",
		"10.1.2.300",
		"at 12:30:45",
		"network 10.1.0.0/16",
		"10.1.0.0/8 2001:db8:a::/48 10.0.0.0/15",
		"a::b::c :::: .... f",
	};
	struct world w;

	EXPECT(t, world_init(t, &w));
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct slice text = slice_of(texts[i]), out;

		EXPECT(t, !daemon_pseudonym_needed(w.nets, text));
		EXPECT(t, daemon_pseudonym_text(&w.pan, w.nets, text, &w.arena, &out, &w.why) ==
				  ST_OK);
		EXPECT(t, out.ptr == text.ptr && out.len == text.len);
	}
	world_done(&w);
}

/* A register's network keeps its length: the machines in it are in it still. */
static void a_prefix_inside_a_network_becomes_one_that_holds_the_same_machines(struct test *t)
{
	struct addr_prefix p;
	struct addr inside;
	struct slice out;
	struct world w;

	EXPECT(t, world_init(t, &w));
	EXPECT(t, daemon_pseudonym_text(&w.pan, w.nets, SLICE("10.1.4.0/24"), &w.arena, &out,
					&w.why) == ST_OK);
	EXPECT(t, addr_prefix_parse(out, &p) && p.bits == 24);
	EXPECT(t, addr_parse(hidden(&w, "10.1.4.77"), &inside));
	EXPECT(t, addr_prefix_holds(&p, &inside));
	EXPECT(t, addr_parse(hidden(&w, "10.1.5.77"), &inside));
	EXPECT(t, !addr_prefix_holds(&p, &inside));
	EXPECT(t, daemon_pseudonym_text(&w.pan, w.nets, SLICE("10.1.4.9/32"), &w.arena, &out,
					&w.why) == ST_OK);
	EXPECT(t, slice_starts(out, hidden(&w, "10.1.4.9")) && slice_ends(out, SLICE("/32")));
	world_done(&w);
}

static void no_memory_is_said(struct test *t)
{
	struct slice out;
	struct world w;

	EXPECT(t, world_init(t, &w));
	w.pool.budget = 1;
	EXPECT(t, daemon_pseudonym_text(&w.pan, w.nets, SLICE("10.1.2.3"), &w.arena, &out,
					&w.why) == ST_NOMEM);
	world_done(&w);
}

TESTS(T(a_pseudonym_is_of_the_same_network_and_leads_back),
      T(an_address_of_no_network_has_one_that_nobody_turns_back_by_accident),
      T(an_address_is_hidden_whatever_stands_around_it),
      T(what_is_none_of_theirs_stays_byte_for_byte),
      T(a_prefix_inside_a_network_becomes_one_that_holds_the_same_machines), T(no_memory_is_said))
