/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tenant/tenant.h"

#include <stdio.h>

#include "sensor/config/config.h"
#include "test.h"

#define HEAD "%YAML 1.1\n---\nmulti-detect:\n  enabled: yes\n"
#define TWO                                                                                        \
	"  tenants:\n  - {id: 7, yaml: seven.yaml}\n  - {id: 3, yaml: three.yaml}\n  mappings:\n"

enum { ETHERNET = 1, RAW = 12, COOKED = 113, COOKED2 = 276 };

struct rig {
	struct arena_pool pool;
	struct arena arena;
	struct tenant_map *map;
	struct fail why;
	enum status st;
};

static void rig_read(struct rig *r, const char *text)
{
	struct config *c;

	*r = (struct rig){.pool = {.budget = 16 << 20}};
	r->arena.pool = &r->pool;
	c = config_new(&r->arena);
	r->st = config_load(c, SLICE("s.yaml"), slice_of(text), NULL, &r->why);
	if (r->st == ST_OK)
		r->st = tenant_map_read(c, &r->arena, &r->map, &r->why);
}

static void rig_end(struct rig *r)
{
	arena_reset(&r->arena);
	arena_pool_drain(&r->pool);
}

struct frame {
	uint8_t bytes[64];
	size_t len;
};

/* `head` bytes, then the tags with their types, then IPv4's type. */
static struct slice tagged(struct frame *f, size_t head, const uint16_t *tags, size_t n)
{
	static const uint16_t types[] = {0x88a8, 0x8100, 0x9100, 0x8100, 0x8100};

	*f = (struct frame){.len = head};
	for (size_t i = 0; i < n; i++) {
		f->bytes[f->len++] = (uint8_t)(types[i] >> 8);
		f->bytes[f->len++] = (uint8_t)types[i];
		f->bytes[f->len++] = (uint8_t)(0xe0 | tags[i] >> 8); /* a priority is no tag */
		f->bytes[f->len++] = (uint8_t)tags[i];
	}
	f->bytes[f->len++] = 8;
	f->len++;
	return (struct slice){f->bytes, f->len};
}

static size_t whose(const struct rig *r, const uint16_t *tags, size_t n)
{
	struct frame f;

	return tenant_of_frame(r->map, ETHERNET, tagged(&f, 12, tags, n));
}

static void without_the_section_all_is_the_stations(struct test *t)
{
	static const char *const texts[] = {
		"%YAML 1.1\n---\nvars: {}\n",
		"%YAML 1.1\n---\nmulti-detect:\n  enabled: no\n  selector: vlan\n" TWO
		"  - {vlan-id: 5, tenant-id: 7}\n",
		HEAD "  selector: direct\n" TWO "  - {vlan-id: 5, tenant-id: 7}\n"};

	for (size_t i = 0; i < 3; i++) {
		struct rig r;

		rig_read(&r, texts[i]);
		EXPECT_UINT(t, r.st, ST_OK);
		EXPECT_UINT(t, whose(&r, (const uint16_t[]){5}, 1), 0);
		EXPECT_UINT(t, tenant_of_device(r.map, SLICE("eth0")), 0);
		rig_end(&r);
	}
}

static void the_outermost_tag_says_whose_a_frame_is(struct test *t)
{
	struct rig r;

	rig_read(&r, HEAD "  selector: vlan\n" TWO "  - {vlan-id: 1, tenant-id: 7}\n"
			  "  - {vlan-id: 4094, tenant-id: 3}\n  - {vlan-id: 2, tenant-id: 7}\n");
	EXPECT_UINT(t, r.st, ST_OK);
	EXPECT_UINT(t, r.map->count, 3);
	EXPECT_UINT(t, r.map->tenants[1].id, 7);
	EXPECT_SLICE(t, r.map->tenants[2].yaml, SLICE("three.yaml"));
	EXPECT_UINT(t, whose(&r, (const uint16_t[]){1}, 1), 1);
	EXPECT_UINT(t, whose(&r, (const uint16_t[]){2}, 1), 1);
	EXPECT_UINT(t, whose(&r, (const uint16_t[]){4094}, 1), 2);
	EXPECT_UINT(t, whose(&r, (const uint16_t[]){4094, 1}, 2), 2);
	EXPECT_UINT(t, whose(&r, (const uint16_t[]){1, 9, 9, 9, 4094}, 5), 1);
	EXPECT_UINT(t, whose(&r, (const uint16_t[]){3}, 1), 0);
	EXPECT_UINT(t, whose(&r, (const uint16_t[]){3, 1}, 2), 0);
	EXPECT_UINT(t, whose(&r, NULL, 0), 0);
	rig_end(&r);
}

static void a_frame_that_is_cut_in_its_tag_is_the_stations(struct test *t)
{
	static const uint16_t tag[] = {1};
	struct frame f;
	struct slice whole;
	struct rig r;

	rig_read(&r, HEAD "  selector: vlan\n" TWO "  - {vlan-id: 1, tenant-id: 7}\n");
	whole = tagged(&f, 12, tag, 1);
	for (size_t n = 0; n <= whole.len; n++) /* up to the type behind the tag */
		EXPECT_UINT(t, tenant_of_frame(r.map, ETHERNET, (struct slice){whole.ptr, n}),
			    n >= 18);
	rig_end(&r);
}

static void other_links_have_their_tags_elsewhere(struct test *t)
{
	static const uint16_t tag[] = {1};
	uint8_t cooked2[] = {0x81, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
			     0,	   0, 0, 0, 0, 0, 0, 0, 0, 1, 8, 0};
	struct frame f;
	struct rig r;

	rig_read(&r, HEAD "  selector: vlan\n" TWO "  - {vlan-id: 1, tenant-id: 7}\n");
	EXPECT_UINT(t, tenant_of_frame(r.map, COOKED, tagged(&f, 14, tag, 1)), 1);
	EXPECT_UINT(t, tenant_of_frame(r.map, COOKED2, (struct slice){cooked2, sizeof cooked2}), 1);
	EXPECT_UINT(t, tenant_of_frame(r.map, RAW, tagged(&f, 12, tag, 1)), 0);
	rig_end(&r);
}

static void a_tuple_names_all_tags_and_zero_is_any(struct test *t)
{
	struct rig r;

	rig_read(&r,
		 HEAD "  selector: vlan-tuple\n" TWO "  - {vlan-tuple: [10, 20], tenant-id: 7}\n"
		      "  - {vlan-tuple: [0, 21], tenant-id: 3}\n"
		      "  - {vlan-tuple: [10, 0, 30], tenant-id: 3}\n");
	EXPECT_UINT(t, r.st, ST_OK);
	EXPECT_UINT(t, whose(&r, (const uint16_t[]){10, 20}, 2), 1);
	EXPECT_UINT(t, whose(&r, (const uint16_t[]){10, 21}, 2), 2);
	EXPECT_UINT(t, whose(&r, (const uint16_t[]){99, 21}, 2), 2);
	EXPECT_UINT(t, whose(&r, (const uint16_t[]){10, 99, 30}, 3), 2);
	EXPECT_UINT(t, whose(&r, (const uint16_t[]){10}, 1), 0);
	EXPECT_UINT(t, whose(&r, (const uint16_t[]){20, 10}, 2), 0);
	EXPECT_UINT(t, whose(&r, (const uint16_t[]){10, 99, 30, 1}, 4), 0);
	rig_end(&r);
}

static void an_interface_says_whose_its_frames_are(struct test *t)
{
	struct rig r;

	rig_read(&r, HEAD "  selector: device\n" TWO "  - {device: eth0, tenant-id: 3}\n"
			  "  - {device: eth1, tenant-id: 7}\n");
	EXPECT_UINT(t, r.st, ST_OK);
	EXPECT_UINT(t, tenant_of_device(r.map, SLICE("eth0")), 2);
	EXPECT_UINT(t, tenant_of_device(r.map, SLICE("eth1")), 1);
	EXPECT_UINT(t, tenant_of_device(r.map, SLICE("eth")), 0);
	EXPECT_UINT(t, whose(&r, (const uint16_t[]){1}, 1), 0);
	rig_end(&r);
}

/* Each would give one tenant's traffic to another, or to nobody knows whom. */
static void what_is_not_clear_is_refused_with_its_line(struct test *t)
{
	static const char *const bad[] = {
		HEAD "  selector: vlans\n" TWO "  - {vlan-id: 1, tenant-id: 7}\n",
		HEAD "  selector: vlan\n" TWO "  - {vlan-id: 0, tenant-id: 7}\n",
		HEAD "  selector: vlan\n" TWO "  - {vlan-id: 4095, tenant-id: 7}\n",
		HEAD "  selector: vlan\n" TWO "  - {vlan-id: 1, tenant-id: 8}\n",
		HEAD "  selector: vlan\n" TWO "  - {vlan-id: 1}\n",
		HEAD "  selector: vlan\n" TWO
		     "  - {vlan-id: 1, tenant-id: 7}\n  - {vlan-id: 1, tenant-id: 3}\n",
		HEAD "  selector: vlan-tuple\n" TWO
		     "  - {vlan-tuple: [1, 2, 3, 4], tenant-id: 7}\n",
		HEAD "  selector: vlan-tuple\n" TWO "  - {vlan-tuple: [], tenant-id: 7}\n",
		HEAD "  selector: vlan-tuple\n" TWO "  - {vlan-tuple: [1, 0], tenant-id: 7}\n"
		     "  - {vlan-tuple: [0, 2], tenant-id: 3}\n",
		HEAD "  selector: device\n" TWO "  - {vlan-id: 1, tenant-id: 7}\n",
		HEAD "  selector: device\n" TWO
		     "  - {device: a, tenant-id: 7}\n  - {device: a, tenant-id: 3}\n",
		HEAD "  selector: vlan\n  tenants:\n  - {id: 0, yaml: a}\n",
		HEAD "  selector: vlan\n  tenants:\n  - {id: 4294967295, yaml: a}\n",
		HEAD "  selector: vlan\n  tenants:\n  - {id: 1}\n",
		HEAD "  selector: vlan\n  tenants:\n  - {id: 1, yaml: a}\n  - {id: 1, yaml: b}\n"};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct rig r;

		rig_read(&r, bad[i]);
		if (r.st != ST_INVALID || !slice_starts(slice_of(r.why.text), SLICE("s.yaml:")))
			test_fail(t, __FILE__, __LINE__, "%s: %s", bad[i], r.why.text);
		rig_end(&r);
	}
}

static void the_same_mapping_twice_is_fine(struct test *t)
{
	struct rig r;

	rig_read(&r, HEAD "  selector: vlan\n" TWO
			  "  - {vlan-id: 1, tenant-id: 7}\n  - {vlan-id: 1, tenant-id: 7}\n");
	EXPECT_UINT(t, r.st, ST_OK);
	rig_end(&r);
}

static void there_are_64_tenants_at_most(struct test *t)
{
	static char text[16384];

	for (unsigned n = TENANTS_MAX - 1; n <= TENANTS_MAX + 1; n++) {
		int at = snprintf(text, sizeof text, "%s  selector: vlan\n  tenants:\n", HEAD);
		struct rig r;

		for (unsigned i = 1; i <= n; i++)
			at += snprintf(text + at, sizeof text - (size_t)at,
				       "  - {id: %u, yaml: t%u.yaml}\n", i, i);
		rig_read(&r, text);
		EXPECT_UINT(t, r.st, n <= TENANTS_MAX ? ST_OK : ST_LIMIT);
		rig_end(&r);
	}
}

TESTS(T(without_the_section_all_is_the_stations), T(the_outermost_tag_says_whose_a_frame_is),
      T(a_frame_that_is_cut_in_its_tag_is_the_stations), T(other_links_have_their_tags_elsewhere),
      T(a_tuple_names_all_tags_and_zero_is_any), T(an_interface_says_whose_its_frames_are),
      T(what_is_not_clear_is_refused_with_its_line), T(the_same_mapping_twice_is_fine),
      T(there_are_64_tenants_at_most))
