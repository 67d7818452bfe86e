/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/release/release.h"
#include "test.h"

struct bench {
	struct arena_pool pool;
	struct arena arena;
	struct fail why;
	struct release list;
	struct crypto_signer signer[3];
	struct note_verifier key[3];
};

static void setup(struct bench *b)
{
	static const char *const names[] = {"officer.test/a", "officer.test/b", "officer.test/c"};

	*b = (struct bench){.pool = {.budget = 16 << 20}};
	b->arena.pool = &b->pool;
	for (unsigned i = 0; i < 3; i++) {
		uint8_t seed[CRYPTO_SEED_BYTES] = {(uint8_t)(i + 1)};

		crypto_signer_from_seed(seed, &b->signer[i]);
		ASSERT(note_verifier_of(slice_of(names[i]), NOTE_ED25519, b->signer[i].key,
					&b->key[i], &b->why) == ST_OK);
	}
	ASSERT(release_begin(&b->list, SLICE("log.test/x"), SLICE("CERT B"), SLICE("request 17"),
			     &b->arena, &b->why) == ST_OK);
}

static void teardown(struct bench *b)
{
	arena_reset(&b->arena);
	arena_pool_drain(&b->pool);
}

static struct slice encoded(struct bench *b)
{
	uint8_t id[CRYPTO_SHA256_BYTES];
	struct slice text = {NULL, 0};

	ASSERT(release_encode(&b->list, &text, id, &b->why) == ST_OK);
	return text;
}

/* ---- the list ---- */

static void a_list_says_each_field_once_with_its_leaves_and_the_sum(struct test *t)
{
	static const char want[] =
		"dewline-release/1\n"
		"log log.test/x\n"
		"to CERT B\n"
		"ground request 17\n"
		"thing bulletin "
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad b.json\n"
		"thing facts - opened\n"
		"field rule 2 alert.signature_id 4,7 which\n"
		"field nothing 1 proto -\n"
		"field place 5 timestamp 3-5,7,9 when\n"
		"address 10.0.0.1\n"
		"address 10.0.0.2\n"
		"sum nothing 1, place 5, rule 2, method 0, addresses 2\n";
	struct slice abc = SLICE("abc"), text;
	struct release_sum sum;
	struct bench b;

	setup(&b);
	release_add_thing(&b.list, "facts", SLICE("opened"), NULL);
	release_add_thing(&b.list, "bulletin", SLICE("b.json"), &abc);
	for (uint64_t leaf = 3; leaf <= 9; leaf++) {
		if (leaf != 6 && leaf != 8)
			release_add_field(&b.list, SLICE("timestamp"), leaf, DISCLOSE_TELLS_PLACE,
					  "when");
		if (leaf == 4 || leaf == 7)
			release_add_field(&b.list, SLICE("alert.signature_id"), leaf,
					  DISCLOSE_TELLS_RULE, "which");
	}
	release_add_field(&b.list, SLICE("proto"), RELEASE_NO_LEAF, DISCLOSE_TELLS_NOTHING, "");
	release_add_address(&b.list, SLICE("10.0.0.2"));
	release_add_address(&b.list, SLICE("10.0.0.1"));
	release_add_address(&b.list, SLICE("10.0.0.2"));
	text = encoded(&b);
	EXPECT_SLICE(t, text, slice_of(want));
	sum = release_sum_of(&b.list);
	EXPECT(t, sum.told[DISCLOSE_TELLS_PLACE] == 5 && sum.addresses == 2);
	EXPECT_SLICE(t, encoded(&b), text);
	teardown(&b);
}

static void the_order_things_were_added_in_does_not_show(struct test *t)
{
	static const char *const names[] = {"a", "b", "c", "d", "e"};
	struct slice first = {NULL, 0};

	for (unsigned round = 0; round < 5; round++) {
		struct bench b;
		static uint8_t kept[4096];

		setup(&b);
		for (unsigned i = 0; i < 5; i++) {
			struct slice name = slice_of(names[(i * (round + 1) + round) % 5]);

			release_add_thing(&b.list, "facts", round == 4 ? slice_of(names[i]) : name,
					  NULL);
			release_add_field(&b.list, round == 4 ? slice_of(names[i]) : name,
					  RELEASE_NO_LEAF, DISCLOSE_TELLS_METHOD, "m");
			release_add_address(&b.list, round == 4 ? slice_of(names[i]) : name);
		}
		if (round == 0) {
			struct slice text = encoded(&b);

			EXPECT(t, text.len < sizeof kept);
			memcpy(kept, text.ptr, text.len);
			first = (struct slice){kept, text.len};
		}
		EXPECT_SLICE(t, encoded(&b), first);
		teardown(&b);
	}
}

static void what_is_no_line_of_text_is_on_no_list(struct test *t)
{
	static const char long_name[RELEASE_TEXT_MAX + 2] = {[0 ... RELEASE_TEXT_MAX] = 'x'};
	uint8_t id[CRYPTO_SHA256_BYTES];
	struct slice text;
	struct bench b;

	setup(&b);
	EXPECT(t, release_begin(&b.list, SLICE("l"), SLICE(""), SLICE(""), &b.arena, &b.why) ==
			  ST_INVALID);
	EXPECT(t, release_begin(&b.list, SLICE("l"), SLICE("a\nb"), SLICE(""), &b.arena, &b.why) ==
			  ST_INVALID);
	EXPECT(t, release_begin(&b.list, SLICE("l"), SLICE("a\xff"), SLICE(""), &b.arena, &b.why) ==
			  ST_INVALID);
	EXPECT(t, release_begin(&b.list, SLICE("l"), slice_of(long_name), SLICE(""), &b.arena,
				&b.why) == ST_INVALID);
	EXPECT(t, release_begin(&b.list, SLICE("l"), slice_from(slice_of(long_name), 1), SLICE(""),
				&b.arena, &b.why) == ST_OK);
	EXPECT(t, release_encode(&b.list, &text, id, &b.why) == ST_OK);
	release_add_field(&b.list, SLICE("a b"), RELEASE_NO_LEAF, DISCLOSE_TELLS_RULE, "");
	EXPECT(t, release_encode(&b.list, &text, id, &b.why) == ST_INVALID);
	teardown(&b);
	setup(&b);
	release_add_thing(&b.list, "facts", SLICE("a\x1b[2J"), NULL);
	EXPECT(t, release_encode(&b.list, &text, id, &b.why) == ST_INVALID);
	teardown(&b);
	setup(&b);
	for (unsigned i = 0; i <= RELEASE_FIELDS_MAX; i++) {
		EXPECT(t, i < RELEASE_FIELDS_MAX ||
				  release_encode(&b.list, &text, id, &b.why) == ST_OK);
		release_add_field(&b.list, buf_text(&b.arena, "f%u", i), RELEASE_NO_LEAF,
				  DISCLOSE_TELLS_RULE, "");
	}
	EXPECT(t, release_encode(&b.list, &text, id, &b.why) == ST_LIMIT);
	teardown(&b);
}

static void a_document_is_listed_member_by_member(struct test *t)
{
	struct slice text, deep;
	struct buf nested;
	struct bench b;

	setup(&b);
	EXPECT(t, release_add_document(
			  &b.list, "bulletin",
			  SLICE("{\"incidents\":[{\"actor\":\"10.1.2.3\",\"stations\":[\"a\","
				"\"b\"],\"new\":{\"x\":1}},{\"actor\":\"2001:db8::1\"}],"
				"\"brand_new\":true,\"id\":\"B1\"}"),
			  &b.why) == ST_OK);
	text = encoded(&b);
	EXPECT(t,
	       slice_find(text, SLICE("field place 2 bulletin/incidents[].actor - ")) < text.len);
	EXPECT(t, slice_find(text, SLICE("field place 2 bulletin/incidents[].stations[] - ")) <
			  text.len);
	EXPECT(t,
	       slice_find(text, SLICE("field method 1 bulletin/incidents[].new.x - ")) < text.len);
	EXPECT(t, slice_find(text, SLICE("field method 1 bulletin/brand_new - nobody")) < text.len);
	EXPECT(t, slice_find(text, SLICE("field nothing 1 bulletin/id -\n")) < text.len);
	EXPECT(t, slice_find(text, SLICE("address 10.1.2.3\naddress 2001:db8::1\n")) < text.len);
	EXPECT(t, release_add_document(&b.list, "stix",
				       SLICE("{\"type\":\"bundle\",\"objects\":[{\"type\":"
					     "\"sighting\",\"count\":1}]}"),
				       &b.why) == ST_OK);
	text = encoded(&b);
	EXPECT(t, slice_find(text, SLICE("field place 1 stix/sighting.count - ")) < text.len);
	EXPECT(t, release_add_document(&b.list, "bulletin", SLICE("[]"), &b.why) == ST_INVALID);
	EXPECT(t, release_add_document(&b.list, "bulletin", SLICE("{\"a\":1,\"a\":2}"), &b.why) ==
			  ST_INVALID);
	for (unsigned depth = RELEASE_DEPTH_MAX - 1; depth <= RELEASE_DEPTH_MAX + 1; depth++) {
		nested = buf_in(&b.arena);
		for (unsigned i = 0; i < depth; i++)
			buf_add_z(&nested, "{\"a\":");
		buf_add_z(&nested, "1");
		for (unsigned i = 0; i < depth; i++)
			buf_add_byte(&nested, '}');
		deep = buf_slice(&nested);
		EXPECT_UINT(t, release_add_document(&b.list, "band", deep, &b.why),
			    depth <= RELEASE_DEPTH_MAX ? ST_OK : ST_LIMIT);
	}
	teardown(&b);
}

static void the_longest_row_speaks_and_no_row_is_not_harmless(struct test *t)
{
	const char *why = NULL;

	EXPECT(t, release_tells("bulletin", SLICE("incidents[].findings[].clause"), &why) ==
			  DISCLOSE_TELLS_NOTHING);
	EXPECT(t, release_tells("bulletin", SLICE("incidents[].findings[].joint[]"), &why) ==
			  DISCLOSE_TELLS_METHOD);
	EXPECT(t, release_tells("bulletin", SLICE("incidents[].findingsx"), &why) ==
			  DISCLOSE_TELLS_METHOD);
	EXPECT(t, release_tells("bulletin", SLICE("idx"), &why) == DISCLOSE_TELLS_METHOD &&
			  strstr(why, "nobody") != NULL);
	EXPECT(t, release_tells("no such kind", SLICE("id"), &why) == DISCLOSE_TELLS_METHOD);
	EXPECT(t, release_tells("band", SLICE("sealed"), &why) == DISCLOSE_TELLS_NOTHING);
}

static void a_list_is_read_back_and_nothing_else_is(struct test *t)
{
	static const char *const bad[] = {
		"",
		"dewline-release/1",
		"dewline-release/2\nlog l\nto b\nsum s\n",
		"dewline-release/1\nlog l\nto b\nsum s",
		"dewline-release/1\nto b\nlog l\nsum s\n",
		"dewline-release/1\nlog l\nto b\n",
		"dewline-release/1\nlog l\nsum s\n",
		"dewline-release/1\nlog l\nto b\nsum s\nsum s\n",
		"dewline-release/1\nlog l\nto b\nsum s\nfield x\n",
		"dewline-release/1\nlog l\nto b\nto c\nsum s\n",
		"dewline-release/1\nlog l\nto b\n\nsum s\n",
		"dewline-release/1\nlog l\nto b\x1b\nsum s\n",
		"dewline-release/1\nlog l\nto b\xff\nsum s\n",
		"dewline-release/1\nlog l\nto b\nfield f\nthing t\nsum s\n",
	};
	struct release_list list;
	struct bench b;

	setup(&b);
	release_add_thing(&b.list, "facts", SLICE("opened"), NULL);
	EXPECT(t, release_list_parse(encoded(&b), &list, &b.why) == ST_OK);
	EXPECT_SLICE(t, list.to, SLICE("CERT B"));
	EXPECT_SLICE(t, list.ground, SLICE("request 17"));
	EXPECT_SLICE(t, list.log, SLICE("log.test/x"));
	EXPECT_SLICE(t, list.sum, SLICE("nothing 0, place 0, rule 0, method 0, addresses 0"));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (release_list_parse(slice_of(bad[i]), &list, &b.why) != ST_INVALID)
			test_fail(t, __FILE__, __LINE__, "taken as a list: %s", bad[i]);
	teardown(&b);
}

/* ---- approving ---- */

static void policy_of(struct bench *b, unsigned count, unsigned needed, struct release_policy *out)
{
	*out = (struct release_policy){.count = count, .needed = needed};
	for (unsigned i = 0; i < count; i++)
		out->keys[i] = b->key[i];
}

static struct slice approved(struct bench *b, const struct release_list *list, unsigned by,
			     struct slice so_far)
{
	struct slice out = {NULL, 0};

	ASSERT(release_approve(list, SLICE("A. Officer"), &b->key[by], &b->signer[by], so_far,
			       &b->arena, &out, &b->why) == ST_OK);
	return out;
}

static void k_of_n_keys_approve_exactly_one_list(struct test *t)
{
	struct release_list list, other;
	struct release_approved got;
	struct release_policy two;
	struct slice one, both;
	struct bench b;

	setup(&b);
	EXPECT(t, release_list_parse(encoded(&b), &list, &b.why) == ST_OK);
	release_add_address(&b.list, SLICE("10.0.0.1"));
	EXPECT(t, release_list_parse(encoded(&b), &other, &b.why) == ST_OK);
	policy_of(&b, 2, 2, &two);
	one = approved(&b, &list, 0, (struct slice){NULL, 0});
	EXPECT(t, release_approval_check(one, list.id, &two, &b.arena, &got, &b.why) == ST_REFUSED);
	EXPECT(t, strstr(b.why.text, "1 of the keys have signed it, 2 must") != NULL);
	both = approved(&b, &list, 1, one);
	EXPECT(t, release_approval_check(both, list.id, &two, &b.arena, &got, &b.why) == ST_OK);
	EXPECT(t, got.signatures == 2 && got.signed_by[0] && got.signed_by[1]);
	EXPECT_SLICE(t, got.by, SLICE("A. Officer"));
	EXPECT(t,
	       release_approval_check(both, other.id, &two, &b.arena, &got, &b.why) == ST_REFUSED);
	EXPECT(t, strstr(b.why.text, "another list") != NULL);
	/* a stranger's signature counts for nothing; the same key twice is no two */
	both = approved(&b, &list, 2, one);
	EXPECT(t,
	       release_approval_check(both, list.id, &two, &b.arena, &got, &b.why) == ST_REFUSED);
	EXPECT(t, release_approve(&list, SLICE("A. Officer"), &b.key[0], &b.signer[0], one,
				  &b.arena, &both, &b.why) == ST_REFUSED);
	EXPECT(t, release_approve(&other, SLICE("A. Officer"), &b.key[1], &b.signer[1], one,
				  &b.arena, &both, &b.why) == ST_REFUSED);
	EXPECT(t, release_approve(&list, SLICE("B"), &b.key[1], &b.signer[1], one, &b.arena, &both,
				  &b.why) == ST_REFUSED);
	EXPECT(t, release_approve(&list, SLICE("a\nsum 0"), &b.key[1], &b.signer[1],
				  (struct slice){NULL, 0}, &b.arena, &both, &b.why) == ST_INVALID);
	teardown(&b);
}

static void every_changed_byte_of_an_approval_is_refused(struct test *t)
{
	struct release_approved got;
	struct release_policy one;
	struct release_list list;
	struct slice note;
	struct bench b;

	setup(&b);
	EXPECT(t, release_list_parse(encoded(&b), &list, &b.why) == ST_OK);
	policy_of(&b, 1, 1, &one);
	note = approved(&b, &list, 0, (struct slice){NULL, 0});
	EXPECT(t, release_approval_check(note, list.id, &one, &b.arena, &got, &b.why) == ST_OK);
	for (size_t i = 0; i < note.len; i++) {
		struct arena scratch = {.pool = &b.pool};
		struct slice copy = arena_copy(&scratch, note);

		((uint8_t *)(uintptr_t)copy.ptr)[i] ^= 1;
		if (release_approval_check(copy, list.id, &one, &scratch, &got, &b.why) == ST_OK)
			test_fail(t, __FILE__, __LINE__, "byte %zu may be changed", i);
		arena_reset(&scratch);
	}
	teardown(&b);
}

static void a_policy_is_read_strictly(struct test *t)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{"", "line 1"},
		{"dewline-release-policy/1\n", "0 keys"},
		{"dewline-release-policy/1\nneeds 1\n", "0 keys, of which 1"},
		{"dewline-release-policy/1\nneeds 0\n", "line 2"},
		{"dewline-release-policy/1\nneeds 33\n", "line 2"},
		{"dewline-release-policy/1\nneeds 1\nneeds 1\n", "line 3"},
		{"dewline-release-policy/1\nkey\n", "line 2"},
		{"dewline-release-policy/1\nkey x\n", "line 2"},
		{"dewline-release-policy/1\nkeys 1\n", "line 2"},
	};
	struct release_policy p, q;
	struct buf text, twice;
	struct bench b;

	setup(&b);
	policy_of(&b, 3, 2, &p);
	text = buf_in(&b.arena);
	release_policy_add(&p, &text);
	EXPECT(t, release_policy_parse(buf_slice(&text), &b.arena, &q, &b.why) == ST_OK);
	EXPECT(t, q.count == 3 && q.needed == 2 && note_verifier_equal(&q.keys[2], &b.key[2]));
	twice = buf_in(&b.arena);
	buf_add(&twice, buf_slice(&text));
	buf_add_z(&twice, "# a remark\n\nkey ");
	note_verifier_add(&b.key[1], &twice);
	EXPECT(t, release_policy_parse(buf_slice(&twice), &b.arena, &q, &b.why) == ST_INVALID);
	EXPECT(t, strstr(b.why.text, "line 8: a key that is there already") != NULL);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		EXPECT(t, release_policy_parse(slice_of(bad[i].text), &b.arena, &q, &b.why) ==
				  ST_INVALID);
		if (strstr(b.why.text, bad[i].why) == NULL)
			test_fail(t, __FILE__, __LINE__, "\"%s\": %s", bad[i].text, b.why.text);
	}
	teardown(&b);
}

static void every_allocation_may_fail(struct test *t)
{
	bool done = false;

	for (size_t n = 1; !done; n++) {
		struct bench b;
		struct slice text;
		uint8_t id[CRYPTO_SHA256_BYTES];
		enum status st;

		setup(&b);
		b.pool.fail_after = n;
		release_add_thing(&b.list, "facts", SLICE("opened"), NULL);
		for (uint64_t i = 0; i < 300; i++) {
			char name[] = {'f', (char)('a' + i % 26), 0};

			release_add_field(&b.list, slice_of(name), 3 * i, DISCLOSE_TELLS_RULE, "");
			release_add_address(&b.list, slice_of(name));
		}
		st = release_encode(&b.list, &text, id, &b.why);
		EXPECT(t, st == ST_OK || st == ST_NOMEM || st == ST_LIMIT);
		done = st == ST_OK;
		teardown(&b);
		EXPECT_UINT(t, b.pool.out, 0);
		EXPECT(t, n < 200);
	}
}

TESTS(T(a_list_says_each_field_once_with_its_leaves_and_the_sum),
      T(the_order_things_were_added_in_does_not_show), T(what_is_no_line_of_text_is_on_no_list),
      T(a_document_is_listed_member_by_member),
      T(the_longest_row_speaks_and_no_row_is_not_harmless),
      T(a_list_is_read_back_and_nothing_else_is), T(k_of_n_keys_approve_exactly_one_list),
      T(every_changed_byte_of_an_approval_is_refused), T(a_policy_is_read_strictly),
      T(every_allocation_may_fail))
