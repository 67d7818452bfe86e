/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/bundle/bundle.h"

#include <stdio.h>

#include "crypto/note.h"
#include "evidence/disclose/disclose.h"
#include "evidence/merkle/merkle.h"
#include "test.h"

/* The party's word for the station's key, three inputs, three alerts. */
enum { CERTIFICATE, PARTY_INPUT, TREATY_INPUT, PRIOR_INPUT, ALERT, FACTS = ALERT + 3 };
enum { WITNESSES = 3, BEGUN_S = 1795316645 };

#define PARTY "party \"a\"\nlog-key \""
#define PRIOR "prior x \"y\"\n"
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
	struct bundle_file party, treaty, prior;
	struct crypto_signer witness[WITNESSES]; /* the last is in no policy */
	struct note_verifier witness_key[WITNESSES], log_verifier;
	struct bundle b;
	struct wish {		      /* stays over room_init() */
		bool station_vouches; /* for itself */
		size_t revoked_at;    /* the fact that takes the key back; 0: none */
		int64_t from_s, until_s;
		int64_t late_s;	 /* the last alert is so much later; */
		int64_t clock_s; /* and before it the log's own key says this time, if not 0 */
	} wish;
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
	out->u.input.first.ns = r->wish.from_s * TIME_NS_PER_S;
	out->u.input.last.ns = r->wish.until_s * TIME_NS_PER_S;
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
	bool by_party = !r->wish.station_vouches && rec->kind == RECORD_INPUT &&
			slice_starts(rec->u.input.what, SLICE("station-key"));
	enum status st = disclose_seal(by_party ? &r->party_issuer : &r->issuer, fields, n,
				       (uint64_t)(rec->at.ns / TIME_NS_PER_S), &r->a, &r->sealed[i],
				       &r->why);

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
	for (size_t i = 0; i + 1 < WITNESSES; i++)
		note_sign(buf_slice(&text), &r->witness_key[i], &r->witness[i], BEGUN_S, &note);
	r->b.checkpoint = buf_slice(&note);
	return st;
}

static bool make_witnesses(struct room *r)
{
	static const char *const names[WITNESSES] = {"w.test/0", "w.test/1", "w.test/stranger"};

	for (size_t i = 0; i < WITNESSES; i++) {
		uint8_t seed[CRYPTO_SEED_BYTES] = {(uint8_t)(9 + i)};

		crypto_signer_from_seed(seed, &r->witness[i]);
		if (note_verifier_of(slice_of(names[i]), NOTE_COSIGNATURE, r->witness[i].key,
				     &r->witness_key[i], &r->why) != ST_OK)
			return false;
	}
	return true;
}

/* A policy over the first n witnesses; log: with a line that names it. */
static struct slice policy(struct room *r, size_t n, const char *need, bool log)
{
	struct buf b = buf_in(&r->a);

	if (log)
		buf_add_fmt(&b, "log %.*s\n", SLICE_ARG(r->b.log_key));
	for (size_t i = 0; i < n; i++) {
		buf_add_fmt(&b, "witness w%zu ", i);
		note_verifier_add(&r->witness_key[i], &b);
		buf_add_byte(&b, '\n');
	}
	buf_add_fmt(&b, "group g %s", need);
	for (size_t i = 0; i < n; i++)
		buf_add_fmt(&b, " w%zu", i);
	buf_add_z(&b, "\nquorum g\n");
	return buf_slice(&b);
}

/* Record number i of the log. */
static void fill(struct room *r, size_t i, const struct disclose_key *key, struct record *rec)
{
	rec->at.ns = BEGUN_S * TIME_NS_PER_S;
	rec->party = SLICE("a");
	rec->station = SLICE("edge");
	if (i == CERTIFICATE || (r->wish.revoked_at != 0 && i == r->wish.revoked_at)) {
		certificate(r, key, rec);
		if (i != CERTIFICATE)
			rec->u.input.what = SLICE("station-key-revoked");
	} else if (i == FACTS - 2 && r->wish.clock_s != 0) {
		certificate(r, key, rec); /* about some other key */
		rec->u.input.sha256 = hash_text(r, SLICE("other"));
		rec->at.ns += r->wish.clock_s * TIME_NS_PER_S;
	} else if (i == PARTY_INPUT) {
		input(r, "party", &r->party, rec);
	} else if (i == TREATY_INPUT) {
		input(r, "treaty", &r->treaty, rec);
	} else if (i == PRIOR_INPUT) {
		input(r, "prior", &r->prior, rec);
	} else {
		alert(2000000 + i, rec);
		rec->at.ns += i == FACTS - 1 ? r->wish.late_s * TIME_NS_PER_S : 0;
	}
}

static bool room_init(struct room *r)
{
	static const uint8_t seeds[2][32] = {{1}, {2}};
	struct note_verifier v;
	struct disclose_key key;
	struct buf log_key, party, keys;
	struct wish wish = r->wish;

	memset(r, 0, sizeof *r);
	r->wish = wish;
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
	if (!make_witnesses(r))
		return false;
	r->log_verifier = v;
	note_verifier_add(&v, &log_key);
	buf_add_fmt(&party, PARTY "%.*s\"\n", SLICE_ARG(buf_slice(&log_key)));
	key = disclose_key_of(r->station.key);
	disclose_keys_add(&key, 1, &keys);
	r->party = (struct bundle_file){SLICE("a.party"), buf_slice(&party)};
	r->treaty = (struct bundle_file){SLICE("pact.treaty"), SLICE(TREATY)};
	r->prior = (struct bundle_file){SLICE("x.prior"), SLICE(PRIOR)};
	for (size_t i = 0; i < FACTS; i++) {
		struct record *rec = ARENA_NEW(&r->a, struct record);

		if (rec == NULL)
			return false;
		fill(r, i, &key, rec);
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
			       .prior_files = &r->prior,
			       .prior_count = 1,
			       .bulletin = SLICE("{\"id\":\"B1-00\",\"x\":[1,\"a \\\" b\"]}")};
	r->b.policy = policy(r, WITNESSES - 1, "all", true);
	return prove(r) == ST_OK && sign_checkpoint(r, &v) == ST_OK;
}

static void room_done(struct room *r)
{
	arena_reset(&r->a);
	arena_pool_drain(&r->pool);
}

static struct bundle_trust trusting(struct slice log_key)
{
	return (struct bundle_trust){.log_key = log_key};
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
	struct bundle_trust trust;

	EXPECT(t, room_init(&r));
	trust = trusting(r.b.log_key);
	out = buf_in(&r.a);
	again = buf_in(&r.a);
	EXPECT(t, bundle_encode(&r.b, &r.a, &out, &r.why) == ST_OK);
	EXPECT(t, bundle_parse(buf_slice(&out), &r.a, &b, &r.why) == ST_OK);
	EXPECT(t, bundle_encode(&b, &r.a, &again, &r.why) == ST_OK);
	EXPECT_SLICE(t, buf_slice(&again), buf_slice(&out));
	EXPECT_SLICE(t, b.treaty_files[0].text, SLICE(TREATY));
	EXPECT_SLICE(t, b.bulletin, r.b.bulletin);
	EXPECT(t, bundle_verify(&b, &trust, &r.a, &report, &r.why) == ST_OK);
	if (failing(&report).name != NULL)
		printf("# %s: %.*s\n", failing(&report).name, SLICE_ARG(failing(&report).text));
	EXPECT(t, report.ok && report.count == 12);
	EXPECT_UINT(t, report.record_count, FACTS);
	for (size_t i = 0; i < FACTS; i++)
		EXPECT_UINT(t, report.leaves[i], i);
	EXPECT(t, report.records[0].kind == RECORD_INPUT &&
			  report.records[ALERT].kind == RECORD_ALERT);
	EXPECT_UINT(t, report.records[ALERT].u.alert.sid, 2000000 + ALERT);
	EXPECT_SLICE(t, b.policy, r.b.policy);
	EXPECT_SLICE(t, b.prior_files[0].text, SLICE(PRIOR));
	bundle_report_add(&report, &r.a, "bulletin recomputed", false, SLICE("no"));
	EXPECT(t, !report.ok && report.count == 13);
	room_done(&r);
}

/* Parsing says no at or before the place, or a sum says which part it is in. That the verdict
 * follows the sums is asked at one place in 16 only: each time costs a dozen signatures. */
static bool refused(struct test *t, struct room *r, struct slice bytes, size_t where)
{
	struct arena a = {.pool = &r->pool};
	struct bundle_trust trust = trusting(r->b.log_key);
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
			no = no && bundle_verify(&b, &trust, &a, &report, &r->why) == ST_OK &&
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
static bool lie_found_by(struct room *r, const struct bundle_trust *trust, const char *check,
			 const char *text)
{
	struct buf out = buf_in(&r->a);
	struct bundle_report report;
	struct bundle_check bad;
	struct bundle b;

	if (bundle_encode(&r->b, &r->a, &out, &r->why) != ST_OK ||
	    bundle_parse(buf_slice(&out), &r->a, &b, &r->why) != ST_OK ||
	    bundle_verify(&b, trust, &r->a, &report, &r->why) != ST_OK) {
		printf("# %s\n", r->why.text);
		return false;
	}
	bad = failing(&report);
	if (bad.name != NULL)
		printf("# %s: %.*s\n", bad.name, SLICE_ARG(bad.text));
	return bad.name != NULL && !report.ok && strcmp(bad.name, check) == 0 &&
	       slice_find(bad.text, slice_of(text)) != SIZE_MAX;
}

static bool lie_found(struct room *r, struct slice trusted, const char *check, const char *text)
{
	struct bundle_trust trust = trusting(trusted);

	return lie_found_by(r, &trust, check, text);
}

/* What the check says that is passed; the empty text: it is not there, or not passed. */
static struct slice said(struct room *r, const struct bundle_trust *trust, const char *check)
{
	struct bundle_report report;

	if (bundle_verify(&r->b, trust, &r->a, &report, &r->why) != ST_OK || !report.ok)
		return SLICE("");
	for (size_t i = 0; i < report.count; i++)
		if (strcmp(report.checks[i].name, check) == 0)
			return report.checks[i].text;
	return SLICE("");
}

static void lies_about_events_are_found_and_named(struct test *t)
{
	static struct room r;
	struct slice one[1], none = {NULL, 0};

	/* another event at a leaf */
	EXPECT(t, room_init(&r));
	r.facts[5].jwt = r.facts[4].jwt;
	r.facts[5].disclosures = r.facts[4].disclosures;
	EXPECT(t, lie_found(&r, none, "leaf inclusion", "leaf 5 and 0 others"));
	room_done(&r);

	/* a disclosure of another event */
	EXPECT(t, room_init(&r));
	one[0] = r.sealed[5].disclosures[1];
	r.facts[6].disclosures = one;
	r.facts[6].disclosure_count = 1;
	EXPECT(t, lie_found(&r, none, "event signatures and fields",
			    "leaf 6: the JWT does not commit to disclosure 0"));
	room_done(&r);

	/* no key for the station, and a set that is none */
	EXPECT(t, room_init(&r));
	r.b.station_keys = SLICE("{\"keys\":[]}");
	EXPECT(t,
	       lie_found(&r, none, "event signatures and fields", "leaf 1: the JWT is signed by"));
	r.b.station_keys = SLICE("{\"keys\":[7]}");
	EXPECT(t, lie_found(&r, none, "station keys", "key 0"));
	room_done(&r);
}

static void lies_about_texts_are_found_and_named(struct test *t)
{
	static struct room r;
	struct slice none = {NULL, 0};
	struct bundle_file other;

	/* an edited treaty, a party's file under another name, a treaty left out */
	EXPECT(t, room_init(&r));
	r.treaty.text = SLICE("clause one: everything is allowed\n");
	EXPECT(t, lie_found(&r, none, "treaty files", "pact.treaty: no leaf here commits"));
	r.b.treaty_count = 0;
	EXPECT(t, lie_found(&r, none, "treaty files", "leaf 2 commits to another text"));
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

	/* other numbers than those that were committed to, and none */
	EXPECT(t, room_init(&r));
	r.prior.text = SLICE("prior x \"z\"\n");
	EXPECT(t, lie_found(&r, none, "prior", "x.prior: no leaf here commits"));
	r.b.prior_count = 0;
	EXPECT(t, lie_found(&r, none, "prior", "leaf 3 commits to another text of prior"));
	room_done(&r);
}

static void lies_about_the_log_are_found_and_named(struct test *t)
{
	static struct room r;
	struct slice none = {NULL, 0};
	struct buf key;
	struct crypto_signer stranger;
	struct note_verifier v;

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
}

/* --- witnesses --- */

static void the_bundle_s_own_policy_must_be_met(struct test *t)
{
	static struct room r;
	struct bundle_trust trust = {0};
	const char *own = "witness policy of the bundle";

	EXPECT(t, room_init(&r));
	EXPECT(t, slice_find(said(&r, &trust, own), SLICE("2 of its 2 witnesses cosigned")) !=
			  SIZE_MAX);
	r.b.policy = policy(&r, 3, "2", false);
	EXPECT(t, slice_find(said(&r, &trust, own), SLICE("2 of its 3 witnesses cosigned")) !=
			  SIZE_MAX);
	r.b.policy = policy(&r, 3, "3", true);
	EXPECT(t, lie_found_by(&r, &trust, own, "cosigned by 2 of 3 known witnesses"));
	r.b.policy = SLICE("quorum none\n");
	EXPECT(t, slice_find(said(&r, &trust, own), SLICE("asks for no witness")) != SIZE_MAX);
	EXPECT(t, said(&r, &trust, "signatures by strangers").len != 0);
	r.b.policy = SLICE("");
	EXPECT(t, slice_find(said(&r, &trust, own), SLICE("no witness was asked")) != SIZE_MAX);
	r.b.policy = SLICE("quorum w\n");
	EXPECT(t, lie_found_by(&r, &trust, own, "line 1: \"w\" is not defined"));
	r.b.policy = SLICE("log log.test/b+3a5f7f8e+AAAA\nquorum none\n");
	EXPECT(t, lie_found_by(&r, &trust, own, "line 1"));
	room_done(&r);
}

static void a_policy_about_another_log_is_named(struct test *t)
{
	static struct room r;
	struct bundle_trust trust = {0};
	struct view_policy mine;
	struct buf b;
	struct note_verifier v;

	EXPECT(t, room_init(&r));
	EXPECT(t, note_verifier_of(SLICE("log.test/b"), NOTE_ED25519, r.station.key, &v, &r.why) ==
			  ST_OK);
	b = buf_in(&r.a);
	buf_add_z(&b, "log ");
	note_verifier_add(&v, &b);
	buf_add_z(&b, "\nquorum none\n");
	r.b.policy = buf_slice(&b);
	EXPECT(t, lie_found_by(&r, &trust, "witness policy of the bundle", "other logs"));
	EXPECT(t, view_policy_parse(buf_slice(&b), &r.a, &mine, &r.why) == ST_OK);
	trust.policy = &mine;
	EXPECT(t, lie_found_by(&r, &trust, "log key", "none of the logs that your policy names"));
	EXPECT(t, view_policy_parse(policy(&r, 1, "all", true), &r.a, &mine, &r.why) == ST_OK);
	r.b.policy = SLICE("");
	EXPECT(t, slice_find(said(&r, &trust, "log key"), SLICE("one that your policy names")) !=
			  SIZE_MAX);
	room_done(&r);
}

static void what_the_reader_trusts_decides(struct test *t)
{
	static struct room r;
	struct bundle_trust trust = {0};
	struct view_policy mine;

	EXPECT(t, room_init(&r));
	trust.witnesses = r.witness_key;
	trust.witness_count = 2;
	EXPECT(t, slice_find(said(&r, &trust, "witnesses that you trust"), SLICE("all 2")) !=
			  SIZE_MAX);
	trust.witness_count = 3;
	EXPECT(t, lie_found_by(&r, &trust, "witnesses that you trust",
			       "w.test/stranger has not cosigned"));
	trust.witness_count = 0;
	trust.policy = &mine;
	EXPECT(t, view_policy_parse(policy(&r, 3, "2", false), &r.a, &mine, &r.why) == ST_OK);
	EXPECT(t, slice_find(said(&r, &trust, "witness policy that you trust"),
			     SLICE("yours: 2 of its 3 witnesses")) != SIZE_MAX);
	EXPECT(t, view_policy_parse(policy(&r, 3, "all", true), &r.a, &mine, &r.why) == ST_OK);
	EXPECT(t, lie_found_by(&r, &trust, "witness policy that you trust", "yours: "));
	room_done(&r);
}

/* The last byte but some of a signature line that names `who` is another one. */
static void spoil_line(struct room *r, const char *who)
{
	struct buf b = buf_in(&r->a);
	struct slice rest = r->b.checkpoint;

	while (rest.len != 0) {
		struct slice line = slice_split(&rest, '\n');
		size_t at = b.len;

		buf_add(&b, line);
		buf_add_byte(&b, '\n');
		if (slice_find(line, slice_of(who)) != SIZE_MAX)
			b.ptr[at + line.len - 9] = b.ptr[at + line.len - 9] == 'A' ? 'B' : 'A';
	}
	r->b.checkpoint = buf_slice(&b);
}

static void a_wrong_cosignature_by_a_known_key_refuses_it(struct test *t)
{
	static struct room r;
	struct bundle_trust trust = {0};
	struct view_policy mine;

	EXPECT(t, room_init(&r));
	spoil_line(&r, "w.test/1");
	EXPECT(t, lie_found_by(&r, &trust, "witness policy of the bundle", "w.test/1"));
	r.b.policy = SLICE(""); /* the liar drops the policy, too: it is a stranger's now, */
	EXPECT(t, slice_find(said(&r, &trust, "signatures by strangers"), SLICE("2, the first")) !=
			  SIZE_MAX);
	trust.witnesses = &r.witness_key[1]; /* but not for who knows the key */
	trust.witness_count = 1;
	EXPECT(t, lie_found_by(&r, &trust, "witnesses that you trust", "w.test/1"));
	EXPECT(t, view_policy_parse(policy(&r, 2, "any", false), &r.a, &mine, &r.why) == ST_OK);
	trust = (struct bundle_trust){.policy = &mine};
	EXPECT(t, lie_found_by(&r, &trust, "witness policy that you trust", "w.test/1"));
	room_done(&r);
}

/* Type 6 (ML-DSA-44) and types nobody knows: longer signatures under names that are known, too. */
static void signatures_of_other_types_are_passed_over(struct test *t)
{
	static const size_t lengths[] = {1, 64, 72, 73, 8 + 2420};
	static struct room r;
	struct bundle_trust trust = {0};
	struct buf b;

	EXPECT(t, room_init(&r));
	b = buf_in(&r.a);
	buf_add(&b, r.b.checkpoint);
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		uint8_t raw[4 + 8 + 2420];

		memset(raw, (int)(0x60 + i), sizeof raw);
		buf_add_fmt(&b, "\xe2\x80\x94 %s ", i % 2 ? "w.test/0" : "log.test/a");
		crypto_base64_add(CRYPTO_BASE64, (struct slice){raw, 4 + lengths[i]}, &b);
		buf_add_byte(&b, '\n');
	}
	r.b.checkpoint = buf_slice(&b);
	EXPECT(t, slice_find(said(&r, &trust, "witness policy of the bundle"),
			     SLICE("2 of its 2 witnesses")) != SIZE_MAX);
	EXPECT(t, slice_starts(said(&r, &trust, "signatures by strangers"), SLICE("5, ")));
	room_done(&r);
}

/* --- certificates --- */

/* A room in which the wish is true; the check of certificates, and what it says. */
static bool certified(struct wish wish, bool ok, const char *text)
{
	static struct room r;
	struct bundle_trust trust = {0};
	bool as_wanted;

	r.wish = wish;
	if (!room_init(&r))
		return false;
	r.b.treaty_count = wish.revoked_at == TREATY_INPUT ? 0 : 1;
	as_wanted = ok ? slice_find(said(&r, &trust, "station certificates"), slice_of(text)) !=
				    SIZE_MAX
		       : lie_found_by(&r, &trust, "station certificates", text);
	room_done(&r);
	r.wish = (struct wish){0};
	return as_wanted;
}

static void a_key_that_nobody_vouches_for_is_named(struct test *t)
{
	static struct room r;
	struct slice none = {NULL, 0};

	/* his word is left out, or of another key, or not his */
	EXPECT(t, room_init(&r));
	r.b.facts++;
	r.b.fact_count--;
	EXPECT(t, lie_found(&r, none, "station certificates", "leaf 1, sealed by key"));
	room_done(&r);
	EXPECT(t, room_init(&r));
	r.facts[CERTIFICATE].disclosure_count -= 2; /* its "sha256" is not shown */
	EXPECT(t, lie_found(&r, none, "station certificates", "vouches for it"));
	room_done(&r);
	EXPECT(t, certified((struct wish){.station_vouches = true}, false, "vouches for it"));
	EXPECT(t, certified((struct wish){0}, true, "vouches in the log for the 1 key"));
}

static void a_certificate_has_a_begin_and_an_end(struct test *t)
{
	EXPECT(t, certified((struct wish){.from_s = BEGUN_S, .until_s = BEGUN_S}, true, "1 key"));
	EXPECT(t, certified((struct wish){.from_s = BEGUN_S + 1}, false, "leaf 1, sealed by key"));
	EXPECT(t, certified((struct wish){.from_s = BEGUN_S + 1}, false, "before its certificate"));
	EXPECT(t, certified((struct wish){.until_s = BEGUN_S - 1}, false, "had ended"));
	EXPECT(t, certified((struct wish){.until_s = BEGUN_S + 5, .late_s = 5}, true, "1 key"));
	EXPECT(t, certified((struct wish){.until_s = BEGUN_S + 5, .late_s = 6}, false,
			    "leaf 6, sealed by key"));
	/* who writes an old time is found by what stands in the log before it */
	EXPECT(t, certified((struct wish){.until_s = BEGUN_S + 5, .clock_s = 5}, true, "1 key"));
	EXPECT(t, certified((struct wish){.until_s = BEGUN_S + 5, .clock_s = 6}, false,
			    "leaf 6, sealed by key"));
}

static void what_was_sealed_before_a_revocation_stays_good(struct test *t)
{
	EXPECT(t, certified((struct wish){.revoked_at = FACTS - 1}, true,
			    "sealed before a revocation stays good"));
	EXPECT(t,
	       certified((struct wish){.revoked_at = FACTS - 2}, false, "leaf 6, sealed by key"));
	EXPECT(t, certified((struct wish){.revoked_at = FACTS - 2}, false, "revoked in leaf 5"));
	EXPECT(t, certified((struct wish){.revoked_at = ALERT}, false, "(and other leaves)"));
}

/* --- withheld facts --- */

static void withheld_facts_are_marked_and_committed_to(struct test *t)
{
	static struct room r;
	struct bundle_trust trust = {0};
	struct bundle_report report;
	struct bundle b;
	struct buf out;
	uint8_t one[32], other[32];

	EXPECT(t, room_init(&r));
	EXPECT(t, !bundle_commitment(&r.b, one));
	r.facts[5].withheld = r.facts[6].withheld = true;
	EXPECT(t, bundle_commitment(&r.b, one));
	out = buf_in(&r.a);
	EXPECT(t, bundle_encode(&r.b, &r.a, &out, &r.why) == ST_OK);
	EXPECT(t, bundle_parse(buf_slice(&out), &r.a, &b, &r.why) == ST_OK);
	EXPECT(t, bundle_commitment(&b, other) && memcmp(one, other, sizeof one) == 0);
	EXPECT(t, bundle_verify(&b, &trust, &r.a, &report, &r.why) == ST_OK && report.ok);
	for (size_t i = 0; i < FACTS; i++)
		EXPECT(t, report.withheld[i] == (i == 5 || i == 6));
	r.facts[6].withheld = false;
	EXPECT(t, bundle_commitment(&r.b, other) && memcmp(one, other, sizeof one) != 0);
	r.facts[6].withheld = true;
	r.facts[6].jwt.len--;
	EXPECT(t, bundle_commitment(&r.b, other) && memcmp(one, other, sizeof one) != 0);
	r.facts[6].jwt.len++;
	r.facts[6].leaf++;
	EXPECT(t, bundle_commitment(&r.b, other) && memcmp(one, other, sizeof one) != 0);
	room_done(&r);
}

static void backwards(void *ctx, size_t n, void (*job)(void *job_ctx, size_t i), void *job_ctx)
{
	size_t *runs = ctx;

	for (*runs += n; n-- > 0;)
		job(job_ctx, n);
}

/* Many facts, so that there are several ranges; whatever order they come in. */
static void ranges_may_run_in_any_order(struct test *t)
{
	static struct room r;
	struct bundle_trust trust = {0};
	struct bundle_report one, other;
	struct bundle_fact *many;
	size_t runs = 0;

	EXPECT(t, room_init(&r));
	many = ARENA_ARRAY(&r.a, struct bundle_fact, 100);
	EXPECT(t, many != NULL);
	for (size_t i = 0; i < 100; i++) { /* most are not where they say */
		many[i] = r.facts[i % FACTS];
		many[i].leaf = i;
	}
	r.b.facts = many;
	r.b.fact_count = 100;
	EXPECT(t, bundle_verify(&r.b, &trust, &r.a, &one, &r.why) == ST_OK);
	trust.parallel = backwards;
	trust.parallel_ctx = &runs;
	EXPECT(t, bundle_verify(&r.b, &trust, &r.a, &other, &r.why) == ST_OK);
	EXPECT_UINT(t, runs, 4);
	EXPECT_UINT(t, one.record_count, FACTS);
	EXPECT(t, other.record_count == FACTS && one.count == other.count && !other.ok);
	for (size_t i = 0; i < one.count; i++)
		EXPECT_SLICE(t, one.checks[i].text, other.checks[i].text);
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
		struct bundle_trust trust = {0};
		struct bundle_report report;
		struct bundle_file named;
		bool ok = true;

		EXPECT(t, room_init(&r));
		named = (struct bundle_file){r.party.name, slice_of(rows[i].line)};
		r.b.party_files = &named;
		EXPECT(t, bundle_verify(&r.b, &trust, &r.a, &report, &r.why) == ST_OK);
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
	r.b.policy = SLICE("\xff");
	EXPECT(t, bundle_encode(&r.b, &r.a, &out, &r.why) == ST_INVALID);
	r.b.policy = SLICE("");
	r.b.prior_count = 2;
	r.b.prior_files = (struct bundle_file[2]){{SLICE("a"), SLICE("")}, {SLICE("b"), SLICE("")}};
	EXPECT(t, bundle_encode(&r.b, &r.a, &out, &r.why) == ST_LIMIT);
	r.b.prior_count = 1;
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
		struct bundle_trust trust = {.witnesses = r.witness_key, .witness_count = 1};
		struct bundle_report report;
		struct buf out = buf_in(&a);
		struct bundle b;

		EXPECT(t, after < 400);
		st = bundle_encode(&r.b, &a, &out, &r.why);
		if (st == ST_OK)
			st = bundle_parse(buf_slice(&whole), &a, &b, &r.why);
		if (st == ST_OK)
			st = bundle_verify(&b, &trust, &a, &report, &r.why);
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
      T(lies_about_events_are_found_and_named), T(lies_about_texts_are_found_and_named),
      T(lies_about_the_log_are_found_and_named), T(the_bundle_s_own_policy_must_be_met),
      T(a_policy_about_another_log_is_named), T(what_the_reader_trusts_decides),
      T(a_wrong_cosignature_by_a_known_key_refuses_it),
      T(signatures_of_other_types_are_passed_over), T(a_key_that_nobody_vouches_for_is_named),
      T(a_certificate_has_a_begin_and_an_end), T(what_was_sealed_before_a_revocation_stays_good),
      T(withheld_facts_are_marked_and_committed_to), T(ranges_may_run_in_any_order),
      T(the_first_party_s_log_is_the_bundle_s), T(what_could_not_be_read_is_not_written),
      T(every_allocation_may_fail))
