/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/bundle/bundle.h"

#include <stdio.h>

#include "crypto/note.h"
#include "evidence/disclose/disclose.h"
#include "evidence/merkle/merkle.h"
#include "test.h"

enum { FACTS = 6 }; /* two inputs, three alerts, the party's word for the station's key */

#define PARTY "party \"a\"\nlog-key \""
#define TREATY "clause one: \"no \\ attacks\"\r\n\ttab \x01 \xc3\xa9 \x7f end\n"

/* A log in memory with what a run commits to, and a bundle over it. */
struct room {
	struct arena_pool pool;
	struct arena a;
	struct fail why;
	struct crypto_signer log_signer, station;
	struct disclose_issuer issuer, party_issuer;
	struct merkle_edge edge;
	struct disclose_sealed sealed[FACTS];
	struct bundle_fact facts[FACTS];
	struct bundle_file party, treaty;
	struct bundle b;
	bool station_vouches; /* for itself; stays over room_init() */
};

static enum status never_full(void *ctx, unsigned level, uint64_t index,
			      const uint8_t (*hashes)[MERKLE_BYTES], struct fail *why)
{
	return fail_set(why, ST_LIMIT, "a tile is full");
}

static enum status edge_tile(void *ctx, unsigned level, uint64_t index, unsigned width,
			     const uint8_t (**out)[MERKLE_BYTES], struct fail *why)
{
	const struct merkle_edge *e = ctx;

	*out = (const uint8_t(*)[MERKLE_BYTES])e->tile[level];
	return ST_OK;
}

static struct slice hash_text(struct room *r, struct slice text)
{
	uint8_t hash[32];
	struct buf b = buf_in(&r->a);

	crypto_sha256_of(text, hash);
	crypto_hex_add((struct slice){hash, sizeof hash}, &b);
	return buf_slice(&b);
}

static void input(struct room *r, const char *what, const struct bundle_file *f, struct record *out)
{
	out->kind = RECORD_INPUT;
	out->u.input.what = slice_of(what);
	out->u.input.name = f->name;
	out->u.input.sha256 = hash_text(r, f->text);
	out->u.input.bytes = f->text.len;
}

static void alert(uint64_t sid, struct record *out)
{
	out->kind = RECORD_ALERT;
	out->src = addr_v4((const uint8_t[4]){192, 0, 2, 7});
	out->dst = addr_v4((const uint8_t[4]){198, 51, 100, 1});
	out->proto = 6;
	out->u.alert.gid = 1;
	out->u.alert.sid = sid;
	out->u.alert.rev = 3;
	out->u.alert.signature = SLICE("something bad");
	out->u.alert.action = SLICE("allowed");
	out->u.alert.severity = 1;
}

static void certificate(struct room *r, const struct disclose_key *key, struct record *out)
{
	uint8_t thumbprint[32];
	struct buf hex = buf_in(&r->a);
	size_t n;

	ASSERT(crypto_base64_parse(CRYPTO_BASE64URL,
				   (struct slice){(const uint8_t *)key->kid, sizeof key->kid},
				   sizeof thumbprint, thumbprint, &n));
	crypto_hex_add((struct slice){thumbprint, n}, &hex);
	out->kind = RECORD_INPUT;
	out->u.input.what = SLICE("station-key");
	out->u.input.name = SLICE("edge");
	out->u.input.sha256 = buf_slice(&hex);
	out->u.input.bytes = sizeof key->key;
}

static enum status seal(struct room *r, size_t i, const struct record *rec)
{
	static const size_t withheld = 2; /* fields of every alert that are kept back */
	struct record_field *fields = ARENA_ARRAY(&r->a, struct record_field, RECORD_FIELDS_MAX);
	struct merkle_full full = {NULL, never_full};
	size_t n = fields ? record_fields(rec, &r->a, fields) : 0;
	uint8_t leaf[32];
	bool by_party = !r->station_vouches && rec->kind == RECORD_INPUT &&
			slice_equal(rec->u.input.what, SLICE("station-key"));
	enum status st = disclose_seal(by_party ? &r->party_issuer : &r->issuer, fields, n, 0,
				       &r->a, &r->sealed[i], &r->why);

	if (st != ST_OK)
		return st;
	merkle_leaf(r->sealed[i].jwt, leaf);
	r->facts[i] = (struct bundle_fact){.leaf = i,
					   .jwt = r->sealed[i].jwt,
					   .disclosures = r->sealed[i].disclosures,
					   .disclosure_count =
						   n - (rec->kind == RECORD_ALERT ? withheld : 0)};
	return merkle_edge_add(&r->edge, leaf, &full, &r->why);
}

static enum status prove(struct room *r)
{
	struct merkle_tiles tiles = {&r->edge, edge_tile};
	enum status st = ST_OK;

	for (size_t i = 0; i < FACTS && st == ST_OK; i++) {
		uint8_t(*proof)[32] = arena_alloc(&r->a, 32, 1, 64);

		st = merkle_prove_inclusion(&tiles, i, r->edge.size, proof,
					    &r->facts[i].proof_count, &r->why);
		r->facts[i].proof = (const uint8_t(*)[32])proof;
	}
	return st;
}

static enum status sign_checkpoint(struct room *r, const struct note_verifier *v)
{
	struct merkle_checkpoint c = {.origin = v->name, .size = r->edge.size};
	struct buf text = buf_in(&r->a), note = buf_in(&r->a);
	enum status st;

	merkle_edge_root(&r->edge, c.root);
	merkle_checkpoint_add(&c, &text);
	st = note_write(buf_slice(&text), &note, &r->why);
	note_sign(buf_slice(&text), v, &r->log_signer, 0, &note);
	r->b.checkpoint = buf_slice(&note);
	return st;
}

static bool room_init(struct room *r)
{
	static const uint8_t seeds[2][32] = {{1}, {2}};
	struct note_verifier v;
	struct disclose_key key;
	struct buf log_key, party, keys;
	bool station_vouches = r->station_vouches;

	memset(r, 0, sizeof *r);
	r->station_vouches = station_vouches;
	r->pool.budget = 64 << 20;
	r->a.pool = &r->pool;
	log_key = buf_in(&r->a);
	party = buf_in(&r->a);
	keys = buf_in(&r->a);
	crypto_signer_from_seed(seeds[0], &r->log_signer);
	crypto_signer_from_seed(seeds[1], &r->station);
	if (note_verifier_of(SLICE("log.test/a"), NOTE_ED25519, r->log_signer.key, &v, &r->why) !=
		    ST_OK ||
	    disclose_issuer_init(&r->issuer, SLICE("a/edge"), &r->station,
				 (struct crypto_random){0}, &r->why) != ST_OK ||
	    disclose_issuer_init(&r->party_issuer, SLICE("log.test/a"), &r->log_signer,
				 (struct crypto_random){0}, &r->why) != ST_OK)
		return false;
	note_verifier_add(&v, &log_key);
	buf_add_fmt(&party, PARTY "%.*s\"\n", SLICE_ARG(buf_slice(&log_key)));
	key = disclose_key_of(r->station.key);
	disclose_keys_add(&key, 1, &keys);
	r->party = (struct bundle_file){SLICE("a.party"), buf_slice(&party)};
	r->treaty = (struct bundle_file){SLICE("pact.treaty"), SLICE(TREATY)};
	for (size_t i = 0; i < FACTS; i++) {
		struct record *rec = ARENA_NEW(&r->a, struct record);

		if (rec == NULL)
			return false;
		rec->at.ns = INT64_C(1795316645678901000);
		rec->party = SLICE("a");
		rec->station = SLICE("edge");
		if (i == 0)
			input(r, "party", &r->party, rec);
		else if (i == 1)
			input(r, "treaty", &r->treaty, rec);
		else if (i == FACTS - 1)
			certificate(r, &key, rec);
		else
			alert(2000000 + i, rec);
		if (seal(r, i, rec) != ST_OK)
			return false;
	}
	r->b = (struct bundle){.log_key = buf_slice(&log_key),
			       .station_keys = buf_slice(&keys),
			       .facts = r->facts,
			       .fact_count = FACTS,
			       .party_files = &r->party,
			       .party_count = 1,
			       .treaty_files = &r->treaty,
			       .treaty_count = 1,
			       .bulletin = SLICE("{\"id\":\"B1-00\",\"x\":[1,\"a \\\" b\"]}")};
	return prove(r) == ST_OK && sign_checkpoint(r, &v) == ST_OK;
}

static void room_done(struct room *r)
{
	arena_reset(&r->a);
	arena_pool_drain(&r->pool);
}

/* The first check that failed; name NULL if none did. */
static struct bundle_check failing(const struct bundle_report *report)
{
	for (size_t i = 0; i < report->count; i++)
		if (!report->checks[i].ok)
			return report->checks[i];
	return (struct bundle_check){0};
}

static void an_honest_bundle_passes_and_gives_its_records(struct test *t)
{
	static struct room r;
	struct buf out, again;
	struct bundle b;
	struct bundle_report report;

	EXPECT(t, room_init(&r));
	out = buf_in(&r.a);
	again = buf_in(&r.a);
	EXPECT(t, bundle_encode(&r.b, &r.a, &out, &r.why) == ST_OK);
	EXPECT(t, bundle_parse(buf_slice(&out), &r.a, &b, &r.why) == ST_OK);
	EXPECT(t, bundle_encode(&b, &r.a, &again, &r.why) == ST_OK);
	EXPECT_SLICE(t, buf_slice(&again), buf_slice(&out));
	EXPECT_SLICE(t, b.treaty_files[0].text, SLICE(TREATY));
	EXPECT_SLICE(t, b.bulletin, r.b.bulletin);
	EXPECT(t, bundle_verify(&b, r.b.log_key, &r.a, &report, &r.why) == ST_OK);
	if (failing(&report).name != NULL)
		printf("# %s: %.*s\n", failing(&report).name, SLICE_ARG(failing(&report).text));
	EXPECT(t, report.ok && report.count == 10);
	EXPECT_UINT(t, report.record_count, FACTS);
	for (size_t i = 0; i < FACTS; i++)
		EXPECT_UINT(t, report.leaves[i], i);
	EXPECT(t, report.records[0].kind == RECORD_INPUT && report.records[3].kind == RECORD_ALERT);
	EXPECT_UINT(t, report.records[3].u.alert.sid, 2000003);
	bundle_report_add(&report, &r.a, "bulletin recomputed", false, SLICE("no"));
	EXPECT(t, !report.ok && report.count == 11);
	room_done(&r);
}

/* Parsing says no at or before the place, or a sum says which part it is in. That the verdict
 * follows the sums is asked at one place in 16 only: each time costs a dozen signatures. */
static bool refused(struct test *t, struct room *r, struct slice bytes, size_t where)
{
	struct arena a = {.pool = &r->pool};
	struct bundle_report report;
	struct bundle b;
	bool no;

	if (bundle_parse(bytes, &a, &b, &r->why) != ST_OK) {
		no = strstr(r->why.text, "bundle: byte ") != NULL;
	} else {
		size_t parts = 0;

		for (size_t i = 0; i < BUNDLE_PARTS; i++) {
			const struct bundle_part *p = &b.parts[i];
			bool in = (where >= p->from && where < p->to) ||
				  where >= b.parts[BUNDLE_PARTS - 1].to;

			parts += !p->sum_ok && in;
		}
		no = parts == 1;
		if (test_rand(t) % 16 == 0)
			no = no && bundle_verify(&b, r->b.log_key, &a, &report, &r->why) == ST_OK &&
			     !report.ok && failing(&report).text.len > 0;
	}
	arena_reset(&a);
	return no;
}

static void any_changed_byte_is_refused_with_its_place(struct test *t)
{
	static struct room r;
	struct buf out;

	EXPECT(t, room_init(&r));
	out = buf_in(&r.a);
	EXPECT(t, bundle_encode(&r.b, &r.a, &out, &r.why) == ST_OK);
	for (size_t i = 0; i < out.len; i++) {
		uint8_t flip = (uint8_t)(1u << test_rand(t) % 8);

		out.ptr[i] ^= flip;
		EXPECT(t, refused(t, &r, buf_slice(&out), i));
		out.ptr[i] ^= flip;
	}
	room_done(&r);
}

static void any_cut_or_addition_is_refused(struct test *t)
{
	static const uint8_t bytes[] = {'"', ',', ']', '}', '0', ' ', 'a', '\\', '\n', 0};
	static struct room r;
	struct buf out;
	uint8_t *longer;

	EXPECT(t, room_init(&r));
	out = buf_in(&r.a);
	EXPECT(t, bundle_encode(&r.b, &r.a, &out, &r.why) == ST_OK);
	longer = ARENA_ARRAY(&r.a, uint8_t, out.len + 1);
	EXPECT(t, longer != NULL);
	for (size_t i = 0; i < out.len; i++) {
		EXPECT(t, refused(t, &r, slice_part(buf_slice(&out), 0, i), i));
		memcpy(longer, out.ptr, i);
		memcpy(longer + i, out.ptr + i + 1, out.len - i - 1); /* one left out */
		EXPECT(t, refused(t, &r, (struct slice){longer, out.len - 1}, i) ||
				  out.ptr[i] == out.ptr[i + 1]);
	}
	for (size_t i = 0; i <= out.len; i++) {
		memcpy(longer, out.ptr, i);
		longer[i] = bytes[test_rand(t) % sizeof bytes];
		memcpy(longer + i + 1, out.ptr + i, out.len - i);
		EXPECT(t, refused(t, &r, (struct slice){longer, out.len + 1}, i));
	}
	room_done(&r);
}

/* A liar writes the sums anew. `check` is the first that must fail, and what it must say. */
static bool lie_found(struct room *r, struct slice trusted, const char *check, const char *text)
{
	struct buf out = buf_in(&r->a);
	struct bundle_report report;
	struct bundle_check bad;
	struct bundle b;

	if (bundle_encode(&r->b, &r->a, &out, &r->why) != ST_OK ||
	    bundle_parse(buf_slice(&out), &r->a, &b, &r->why) != ST_OK ||
	    bundle_verify(&b, trusted, &r->a, &report, &r->why) != ST_OK) {
		printf("# %s\n", r->why.text);
		return false;
	}
	bad = failing(&report);
	if (bad.name != NULL)
		printf("# %s: %.*s\n", bad.name, SLICE_ARG(bad.text));
	return bad.name != NULL && !report.ok && strcmp(bad.name, check) == 0 &&
	       slice_find(bad.text, slice_of(text)) != SIZE_MAX;
}

static void lies_are_found_and_named(struct test *t)
{
	static struct room r;
	struct slice one[1], none = {NULL, 0};
	struct bundle_file other;
	struct buf key;
	struct crypto_signer stranger;
	struct note_verifier v;

	/* another event at a leaf */
	EXPECT(t, room_init(&r));
	r.facts[3].jwt = r.facts[2].jwt;
	r.facts[3].disclosures = r.facts[2].disclosures;
	EXPECT(t, lie_found(&r, none, "leaf inclusion", "leaf 3 and 0 others"));
	room_done(&r);

	/* a disclosure of another event */
	EXPECT(t, room_init(&r));
	one[0] = r.sealed[3].disclosures[1];
	r.facts[4].disclosures = one;
	r.facts[4].disclosure_count = 1;
	EXPECT(t, lie_found(&r, none, "event signatures and fields",
			    "leaf 4: the JWT does not commit to disclosure 0"));
	room_done(&r);

	/* an edited treaty, a party's file under another name, a treaty left out */
	EXPECT(t, room_init(&r));
	r.treaty.text = SLICE("clause one: everything is allowed\n");
	EXPECT(t, lie_found(&r, none, "treaty files", "pact.treaty: no leaf here commits"));
	r.b.treaty_count = 0;
	EXPECT(t, lie_found(&r, none, "treaty files", "leaf 1 commits to another text"));
	room_done(&r);
	EXPECT(t, room_init(&r));
	r.party.name = SLICE("b.party");
	EXPECT(t, lie_found(&r, none, "party files", "b.party: no leaf here commits"));
	room_done(&r);

	/* a party that nobody committed to */
	EXPECT(t, room_init(&r));
	other = r.party;
	r.b.party_files = &other;
	other.text = SLICE(PARTY "log.test/b+00000000+AAAA\"\n");
	EXPECT(t, lie_found(&r, none, "party files", "a.party"));
	room_done(&r);

	/* a log under a key that is not trusted; a checkpoint by another key */
	EXPECT(t, room_init(&r));
	key = buf_in(&r.a);
	crypto_signer_new(&stranger);
	EXPECT(t, note_verifier_of(SLICE("log.test/a"), NOTE_ED25519, stranger.key, &v, &r.why) ==
			  ST_OK);
	note_verifier_add(&v, &key);
	EXPECT(t, lie_found(&r, buf_slice(&key), "log key", "which you trust"));
	r.b.log_key = buf_slice(&key);
	EXPECT(t, lie_found(&r, buf_slice(&key), "checkpoint signature", "no key that we know"));
	r.b.log_key = SLICE("log.test/a+00000000+AAAA");
	EXPECT(t, lie_found(&r, none, "log key", "not a verifier key"));
	room_done(&r);

	/* a key that the log's owner does not vouch for: his word is left out, or of another key,
	 * or not his */
	EXPECT(t, room_init(&r));
	r.b.fact_count--;
	EXPECT(t, lie_found(&r, none, "station certificates", "vouches for key"));
	room_done(&r);
	EXPECT(t, room_init(&r));
	r.facts[FACTS - 1].disclosure_count -= 2; /* its "sha256" is not shown */
	EXPECT(t, lie_found(&r, none, "station certificates", "vouches for key"));
	room_done(&r);
	r.station_vouches = true;
	EXPECT(t, room_init(&r));
	EXPECT(t, lie_found(&r, none, "station certificates", "vouches for key"));
	room_done(&r);
	r.station_vouches = false;

	/* no key for the station, and a set that is none */
	EXPECT(t, room_init(&r));
	r.b.station_keys = SLICE("{\"keys\":[]}");
	EXPECT(t,
	       lie_found(&r, none, "event signatures and fields", "leaf 0: the JWT is signed by"));
	r.b.station_keys = SLICE("{\"keys\":[7]}");
	EXPECT(t, lie_found(&r, none, "station keys", "key 0"));
	room_done(&r);
}

/* The first party's file names a log; if it is committed to, only this check can tell. */
static void the_first_party_s_log_is_the_bundle_s(struct test *t)
{
	static const struct {
		const char *line;
		bool ok;
	} rows[] = {{"", true},
		    {"log-key \"another+key\"", false},
		    {"  log-key   \"another+key\"  # mine", false},
		    {"log-keys are nice", true},
		    {"# log-key \"another+key\"", true}};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		static struct room r;
		struct bundle_report report;
		struct bundle_file named;
		bool ok = true;

		EXPECT(t, room_init(&r));
		named = (struct bundle_file){r.party.name, slice_of(rows[i].line)};
		r.b.party_files = &named;
		EXPECT(t, bundle_verify(&r.b, (struct slice){NULL, 0}, &r.a, &report, &r.why) ==
				  ST_OK);
		for (size_t k = 0; k < report.count; k++)
			if (strcmp(report.checks[k].name, "log key of the first party") == 0)
				ok = report.checks[k].ok;
		EXPECT(t, ok == rows[i].ok);
		room_done(&r);
	}
}

static void what_could_not_be_read_is_not_written(struct test *t)
{
	static struct room r;
	struct bundle_file twice[2];
	struct buf out;

	EXPECT(t, room_init(&r));
	out = buf_in(&r.a);
	r.facts[2].leaf = 1;
	EXPECT(t, bundle_encode(&r.b, &r.a, &out, &r.why) == ST_INVALID);
	r.facts[2].leaf = 2;
	r.facts[FACTS - 1].leaf = UINT64_C(1) << 53;
	EXPECT(t, bundle_encode(&r.b, &r.a, &out, &r.why) == ST_INVALID);
	r.facts[FACTS - 1].leaf--;
	EXPECT(t, bundle_encode(&r.b, &r.a, &out, &r.why) == ST_OK);
	r.facts[FACTS - 1].leaf = FACTS - 1;
	out = buf_in(&r.a);
	r.b.bulletin = SLICE("{ }");
	EXPECT(t, bundle_encode(&r.b, &r.a, &out, &r.why) == ST_INVALID);
	r.b.bulletin = SLICE("[]");
	EXPECT(t, bundle_encode(&r.b, &r.a, &out, &r.why) == ST_INVALID);
	r.b.bulletin = SLICE("{}");
	r.party.name = SLICE("a/b");
	EXPECT(t, bundle_encode(&r.b, &r.a, &out, &r.why) == ST_INVALID);
	r.party.name = SLICE("..");
	EXPECT(t, bundle_encode(&r.b, &r.a, &out, &r.why) == ST_INVALID);
	r.party.name = SLICE("a");
	r.party.text = SLICE("\xff");
	EXPECT(t, bundle_encode(&r.b, &r.a, &out, &r.why) == ST_INVALID);
	r.party.text = SLICE("");
	twice[0] = twice[1] = r.party;
	r.b.party_files = twice;
	r.b.party_count = 2;
	EXPECT(t, bundle_encode(&r.b, &r.a, &out, &r.why) == ST_INVALID);
	EXPECT_UINT(t, out.len, 0);
	room_done(&r);
}

static void every_allocation_may_fail(struct test *t)
{
	enum status st = ST_NOMEM;
	static struct room r;
	struct buf whole;

	EXPECT(t, room_init(&r));
	whole = buf_in(&r.a);
	EXPECT(t, bundle_encode(&r.b, &r.a, &whole, &r.why) == ST_OK);
	for (size_t after = 1; st != ST_OK; after++) {
		struct arena_pool pool = {.budget = 64 << 20, .fail_after = after};
		struct arena a = {.pool = &pool};
		struct bundle_report report;
		struct buf out = buf_in(&a);
		struct bundle b;

		EXPECT(t, after < 300);
		st = bundle_encode(&r.b, &a, &out, &r.why);
		if (st == ST_OK)
			st = bundle_parse(buf_slice(&whole), &a, &b, &r.why);
		if (st == ST_OK)
			st = bundle_verify(&b, (struct slice){NULL, 0}, &a, &report, &r.why);
		EXPECT(t, st == ST_OK || st == ST_NOMEM);
		EXPECT(t, st != ST_OK || report.ok);
		arena_reset(&a);
		EXPECT_UINT(t, pool.out, 0);
		arena_pool_drain(&pool);
	}
	room_done(&r);
}

TESTS(T(an_honest_bundle_passes_and_gives_its_records),
      T(any_changed_byte_is_refused_with_its_place), T(any_cut_or_addition_is_refused),
      T(lies_are_found_and_named), T(the_first_party_s_log_is_the_bundle_s),
      T(what_could_not_be_read_is_not_written), T(every_allocation_may_fail))
