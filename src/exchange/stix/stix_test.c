/* SPDX-License-Identifier: Apache-2.0
 * The bundle of a bulletin: ids by the book, references that lead somewhere, and the word of an
 * independent validator where there is one. */
#include "exchange/stix/stix.h"

#include "assess/bulletin/sample_test.h"
#include "test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

struct fixture {
	struct arena_pool pool;
	struct arena a;
	struct bulletin b;
	struct buf out;
	struct fail why;
	json_t *doc, *objects;
};

static bool setup(struct fixture *f)
{
	*f = (struct fixture){.pool = {.budget = 64 << 20}};
	f->a.pool = &f->pool;
	sample_bulletin(&f->a, &f->b);
	f->out = buf_in(&f->a);
	if (stix_write_bundle(&f->b, STIX_TLP_AMBER, &f->a, &f->out, &f->why) != ST_OK)
		return false;
	f->doc = json_loadb((const char *)f->out.ptr, f->out.len, JSON_REJECT_DUPLICATES, NULL);
	f->objects = json_object_get(f->doc, "objects");
	return f->objects != NULL;
}

static void done(struct fixture *f)
{
	json_decref(f->doc);
	arena_reset(&f->a);
	arena_pool_drain(&f->pool);
}

static const char *text(const json_t *o, const char *key)
{
	const char *v = json_string_value(json_object_get(o, key));

	return v ? v : "";
}

static size_t count_type(const struct fixture *f, const char *type)
{
	size_t n = 0, i;
	json_t *o;

	json_array_foreach(f->objects, i, o) n += strcmp(text(o, "type"), type) == 0;
	return n;
}

static void uuids_are_those_of_the_standards(struct test *t)
{
	static const uint8_t dns[16] = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
					0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
	char out[STIX_UUID_BYTES];

	stix_uuid5(dns, SLICE("www.example.com"), out); /* RFC 9562, appendix A.4 */
	EXPECT_SLICE(t, ((struct slice){(const uint8_t *)out, sizeof out}),
		     SLICE("2ed6657d-e927-568b-95e1-2665a8aea6a2"));
}

static void addresses_have_the_ids_that_everybody_gives_them(struct test *t)
{
	struct fixture f;
	size_t i;
	json_t *o;
	bool found = false;

	EXPECT(t, setup(&f));
	f.b.cases[0].incident.target = sample_addr("198.51.100.3");
	f.out = buf_in(&f.a);
	EXPECT(t, stix_write_bundle(&f.b, STIX_TLP_RED, &f.a, &f.out, &f.why) == ST_OK);
	json_decref(f.doc);
	f.doc = json_loadb((const char *)f.out.ptr, f.out.len, 0, NULL);
	json_array_foreach(json_object_get(f.doc, "objects"), i, o)
	{
		if (strcmp(text(o, "value"), "198.51.100.3") == 0) {
			found = true;
			EXPECT_SLICE(t, slice_of(text(o, "id")),
				     SLICE("ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"));
		}
	}
	EXPECT(t, found);
	done(&f);
}

static bool is_there(const struct fixture *f, const char *id)
{
	size_t i;
	json_t *o;

	json_array_foreach(f->objects, i, o) if (strcmp(text(o, "id"), id) == 0) return true;
	return false;
}

static void every_reference_leads_to_an_object_and_no_id_is_twice(struct test *t)
{
	struct fixture f;
	size_t i, k, refs = 0;
	const char *key;
	json_t *o, *v, *r;

	EXPECT(t, setup(&f));
	json_array_foreach(f.objects, i, o)
	{
		for (size_t n = 0; n < i; n++)
			EXPECT(t, strcmp(text(o, "id"), text(json_array_get(f.objects, n), "id")));
		json_object_foreach(o, key, v)
		{
			if (slice_ends(slice_of(key), SLICE("_ref"))) {
				EXPECT(t, is_there(&f, json_string_value(v)));
				refs++;
			}
			if (!slice_ends(slice_of(key), SLICE("_refs")))
				continue;
			json_array_foreach(v, k, r)
			{
				EXPECT(t, is_there(&f, json_string_value(r)));
				refs++;
			}
		}
	}
	EXPECT(t, refs > 100);
	done(&f);
}

static void the_bundle_holds_what_the_bulletin_holds(struct test *t)
{
	struct fixture f;

	EXPECT(t, setup(&f));
	EXPECT_UINT(t, count_type(&f, "identity"), 2);
	EXPECT_UINT(t, count_type(&f, "incident"), 2);
	EXPECT_UINT(t, count_type(&f, "observed-data"), 2);
	EXPECT_UINT(t, count_type(&f, "infrastructure"), 3);
	EXPECT_UINT(t, count_type(&f, "malware"), 1);
	EXPECT_UINT(t, count_type(&f, "report"), 1);
	EXPECT_UINT(t, count_type(&f, "note"), 2 + 4); /* two ladders, four clauses that apply */
	EXPECT_UINT(t, count_type(&f, "autonomous-system"), 1);
	EXPECT_UINT(t, count_type(&f, "location"), 3); /* NO, SE, DE */
	EXPECT_UINT(t, count_type(&f, "marking-definition"), 1);
	/* nobody is named */
	EXPECT_UINT(t, count_type(&f, "threat-actor") + count_type(&f, "intrusion-set"), 0);
	done(&f);
}

static void a_probability_travels_as_its_lower_bound(struct test *t)
{
	struct fixture f;
	size_t i, found = 0;
	json_t *o;

	EXPECT(t, setup(&f));
	json_array_foreach(f.objects, i, o)
	{
		if (strcmp(text(o, "relationship_type"), "communicates-with") != 0 ||
		    slice_find(slice_of(text(o, "description")), SLICE("0.70-0.85")) == SIZE_MAX)
			continue;
		found++;
		EXPECT(t, json_integer_value(json_object_get(o, "confidence")) == 70);
	}
	EXPECT_UINT(t, found, 1);
	done(&f);
}

static void the_same_bulletin_gives_the_same_bytes(struct test *t)
{
	struct fixture f, g;

	EXPECT(t, setup(&f) && setup(&g));
	EXPECT(t, slice_equal(buf_slice(&f.out), buf_slice(&g.out)));
	g.b.id = SLICE("B1-fedcba9876543210");
	g.out = buf_in(&g.a);
	EXPECT(t, stix_write_bundle(&g.b, STIX_TLP_AMBER, &g.a, &g.out, &g.why) == ST_OK);
	EXPECT(t, !slice_equal(buf_slice(&f.out), buf_slice(&g.out)));
	done(&f);
	done(&g);
}

static void many_incidents_share_what_they_share(struct test *t)
{
	enum { MANY = 200 };
	struct fixture f;
	struct bulletin_case *cases, first;
	size_t i;
	json_t *o, *objects, *doc;
	size_t addresses = 0, machines = 0;

	EXPECT(t, setup(&f));
	cases = ARENA_ARRAY(&f.a, struct bulletin_case, MANY);
	EXPECT(t, cases != NULL);
	memcpy(&first, &f.b.cases[0], sizeof first);
	for (i = 0; i < MANY; i++) {
		memcpy(&cases[i], &first, sizeof first);
		cases[i].incident.number = (uint32_t)i + 1;
	}
	f.b.cases = cases;
	f.b.case_count = MANY;
	f.out = buf_in(&f.a);
	EXPECT(t, stix_write_bundle(&f.b, STIX_TLP_CLEAR, &f.a, &f.out, &f.why) == ST_OK);
	doc = json_loadb((const char *)f.out.ptr, f.out.len, JSON_REJECT_DUPLICATES, NULL);
	objects = json_object_get(doc, "objects");
	json_array_foreach(objects, i, o)
	{
		addresses += slice_ends(slice_of(text(o, "type")), SLICE("-addr"));
		machines += strcmp(text(o, "type"), "infrastructure") == 0;
	}
	EXPECT_UINT(t, addresses, 3);
	EXPECT_UINT(t, machines, 2 * MANY);
	json_decref(doc);
	done(&f);
}

static void memory_may_end_anywhere(struct test *t)
{
	struct fixture f;
	bool enough = false;

	EXPECT(t, setup(&f));
	for (size_t after = 1; !enough; after++) {
		struct arena_pool pool = {.budget = 8 << 20, .fail_after = after};
		struct arena a = {.pool = &pool};
		struct buf out = buf_in(&a);
		enum status st = stix_write_bundle(&f.b, STIX_TLP_GREEN, &a, &out, &f.why);

		EXPECT(t, st == ST_OK || st == ST_NOMEM);
		enough = st == ST_OK;
		arena_reset(&a);
		arena_pool_drain(&pool);
		EXPECT_UINT(t, pool.out, 0);
	}
	done(&f);
}

/* ---- the validator -------------------------------------------------------------------------- */

enum { ABSENT = 77 };

/* Asks it about the bundle in `path`; its talk goes to stderr. Exit code, or ABSENT. */
static int ask_validator(struct arena *a, const char *path)
{
	const char *root = getenv("DEW_SOURCE_ROOT");
	struct buf c = buf_in(a);

	buf_add_fmt(&c, "exec 1>&2; cd '%s/../shared' 2>/dev/null || exit %d; ", root ? root : ".",
		    ABSENT);
	buf_add_fmt(
		&c,
		"v=harness/stix/stix_validate.py; s=data/stix-schemas/schemas; "
		"test -r $v -a -d $s && python3 -c 'import jsonschema' 2>/dev/null || exit %d; "
		"python3 $v --closed --schemas $s %s || exit 1; "
		/* its own reckoning of each deterministic id */
		"python3 $v --ids %s | awk '/--/ {n++; bad += $1 != $2} END {exit bad || n < 4}'",
		ABSENT, path, path);
	buf_add_byte(&c, 0);
	ASSERT(!c.full);
	return WEXITSTATUS(system((const char *)c.ptr));
}

static void an_independent_validator_finds_nothing(struct test *t)
{
	char path[64];
	struct fixture f;
	FILE *file;
	int answer;

	EXPECT(t, setup(&f));
	(void)snprintf(path, sizeof path, "%s/bundle.json", test_folder(t));
	file = fopen(path, "wbe");
	EXPECT(t, file != NULL && fwrite(f.out.ptr, 1, f.out.len, file) == f.out.len);
	(void)fclose(file);
	answer = ask_validator(&f.a, path);
	if (answer == ABSENT)
		test_skip(t, "no validator and schemas in ../shared, or no python3-jsonschema");
	else
		EXPECT_UINT(t, (unsigned)answer, 0);
	done(&f);
}

TESTS(T(uuids_are_those_of_the_standards), T(addresses_have_the_ids_that_everybody_gives_them),
      T(every_reference_leads_to_an_object_and_no_id_is_twice),
      T(the_bundle_holds_what_the_bulletin_holds), T(a_probability_travels_as_its_lower_bound),
      T(the_same_bulletin_gives_the_same_bytes), T(many_incidents_share_what_they_share),
      T(memory_may_end_anywhere), T(an_independent_validator_finds_nothing))
