/* SPDX-License-Identifier: Apache-2.0
 *
 * What a stranger waits for: a bundle of 1,000 events read and checked, on one core and on all,
 * against as many bare signatures on one core in the same run, and against SHA-256 of its bytes.
 * One core's times are of the processor, those of all cores of the wall; of several rounds the
 * quickest counts, for others use the machine, too.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "crypto/note.h"
#include "evidence/bundle/bundle.h"
#include "evidence/disclose/disclose.h"
#include "evidence/merkle/merkle.h"

enum { EVENTS = 1000, FACTS = EVENTS + 1, ROUNDS = 20 };

struct bench {
	struct arena_pool pool;
	struct arena a;
	struct fail why;
	struct crypto_signer log, station;
	struct disclose_issuer issuer, party;
	struct merkle_edge edge;
	struct bundle_fact facts[FACTS];
	struct bundle b;
};

static double now_s(bool wall)
{
	struct timespec t;

	/* always there */
	(void)clock_gettime(wall ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void must(struct bench *x, enum status st)
{
	if (st == ST_OK)
		return;
	(void)fprintf(stderr, "%s\n", x->why.text);
	exit(2);
}

static enum status never_full(void *ctx, unsigned level, uint64_t index,
			      const uint8_t (*hashes)[MERKLE_BYTES], struct fail *why)
{
	return ST_OK; /* the edge is all that is asked below */
}

/* All leaves, for the proofs; an edge forgets full tiles. */
struct leaves {
	uint8_t hash[FACTS][MERKLE_BYTES], run[FACTS / MERKLE_WIDTH + 1][MERKLE_BYTES];
};

static enum status tile_of(void *ctx, unsigned level, uint64_t index, unsigned width,
			   const uint8_t (**out)[MERKLE_BYTES], struct fail *why)
{
	struct leaves *l = ctx;

	*out = (const uint8_t(*)[MERKLE_BYTES])(level == 0 ? &l->hash[index * MERKLE_WIDTH]
							   : l->run);
	return ST_OK;
}

static void fact(struct bench *x, struct leaves *l, size_t i, const struct record *r,
		 const struct disclose_issuer *issuer)
{
	struct merkle_full full = {NULL, never_full};
	struct record_field fields[RECORD_FIELDS_MAX];
	struct disclose_sealed sealed;
	size_t n = record_fields(r, &x->a, fields);

	must(x, disclose_seal(issuer, fields, n, 1, &x->a, &sealed, &x->why));
	merkle_leaf(sealed.jwt, l->hash[i]);
	must(x, merkle_edge_add(&x->edge, l->hash[i], &full, &x->why));
	x->facts[i] = (struct bundle_fact){.leaf = i,
					   .jwt = sealed.jwt,
					   .disclosures = sealed.disclosures,
					   .disclosure_count = n};
}

static void alert(struct bench *x, struct leaves *l, size_t i)
{
	struct record r = {.kind = RECORD_ALERT,
			   .at = {INT64_C(1795316645678901000) + (int64_t)i},
			   .flow_id = i + 1,
			   .party = SLICE("a"),
			   .station = SLICE("edge"),
			   .src = addr_v4((const uint8_t[4]){192, 0, 2, (uint8_t)i}),
			   .dst = addr_v4((const uint8_t[4]){198, 51, 100, 1}),
			   .proto = 6,
			   .sport = (uint16_t)i,
			   .dport = 443,
			   .has_ports = true,
			   .app_proto = SLICE("tls")};

	r.u.alert = (struct record_alert){.gid = 1,
					  .sid = 2000000 + i,
					  .rev = 3,
					  .signature = SLICE("ET MALWARE something that was seen"),
					  .category = SLICE("A Network Trojan was detected"),
					  .classtype = SLICE("trojan-activity"),
					  .severity = 1,
					  .action = SLICE("allowed")};
	fact(x, l, i, &r, &x->issuer);
}

static void certificate(struct bench *x, struct leaves *l, const struct disclose_key *key)
{
	struct record r = {.kind = RECORD_INPUT, .at = {1}};
	uint8_t thumbprint[32];
	struct buf hex = buf_in(&x->a);
	size_t n;

	if (!crypto_base64_parse(CRYPTO_BASE64URL,
				 (struct slice){(const uint8_t *)key->kid, sizeof key->kid}, 32,
				 thumbprint, &n))
		exit(2);
	crypto_hex_add((struct slice){thumbprint, n}, &hex);
	r.u.input = (struct record_input){
		.what = SLICE("station-key"), .name = SLICE("k"), .sha256 = buf_slice(&hex)};
	fact(x, l, 0, &r, &x->party);
}

static void make(struct bench *x, struct leaves *l)
{
	struct merkle_tiles tiles = {l, tile_of};
	struct merkle_checkpoint c;
	struct note_verifier v;
	struct disclose_key key;
	struct buf keys = buf_in(&x->a), vkey = buf_in(&x->a), text = buf_in(&x->a);
	struct buf note = buf_in(&x->a);

	crypto_signer_new(&x->log);
	crypto_signer_new(&x->station);
	must(x, disclose_issuer_init(&x->issuer, SLICE("a"), &x->station, (struct crypto_random){0},
				     &x->why));
	must(x, disclose_issuer_init(&x->party, SLICE("a"), &x->log, (struct crypto_random){0},
				     &x->why));
	key = disclose_key_of(x->station.key);
	certificate(x, l, &key);
	for (size_t i = 1; i < FACTS; i++)
		alert(x, l, i);
	for (size_t i = 0; i < FACTS / MERKLE_WIDTH; i++)
		merkle_run_root((const uint8_t(*)[MERKLE_BYTES]) & l->hash[i * MERKLE_WIDTH],
				l->run[i]);
	for (size_t i = 0; i < FACTS; i++) {
		uint8_t(*proof)[MERKLE_BYTES] = arena_alloc(&x->a, 32, 1, MERKLE_PROOF_MAX);

		must(x, merkle_prove_inclusion(&tiles, i, FACTS, proof, &x->facts[i].proof_count,
					       &x->why));
		x->facts[i].proof = (const uint8_t(*)[32])proof;
	}
	must(x, note_verifier_of(SLICE("log.test/a"), NOTE_ED25519, x->log.key, &v, &x->why));
	c = (struct merkle_checkpoint){.origin = v.name, .size = FACTS};
	merkle_edge_root(&x->edge, c.root);
	merkle_checkpoint_add(&c, &text);
	must(x, note_write(buf_slice(&text), &note, &x->why));
	note_sign(buf_slice(&text), &v, &x->log, 0, &note);
	note_verifier_add(&v, &vkey);
	disclose_keys_add(&key, 1, &keys);
	x->b = (struct bundle){.checkpoint = buf_slice(&note),
			       .log_key = buf_slice(&vkey),
			       .station_keys = buf_slice(&keys),
			       .facts = x->facts,
			       .fact_count = FACTS,
			       .bulletin = SLICE("{}")};
}

/* As os_pool_run, which is not this module's to use. */
struct crew {
	void (*job)(void *ctx, size_t i);
	void *ctx;
	size_t n;
	atomic_size_t next;
};

static void *crew_work(void *arg)
{
	struct crew *w = arg;

	for (size_t i; (i = atomic_fetch_add(&w->next, 1)) < w->n;)
		w->job(w->ctx, i);
	return NULL;
}

static void on_all_cores(void *ctx, size_t n, void (*job)(void *job_ctx, size_t i), void *job_ctx)
{
	enum { THREADS_MAX = 64 };
	struct crew w = {.job = job, .ctx = job_ctx, .n = n};
	pthread_t threads[THREADS_MAX];
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t more = 0;

	while ((long)more + 1 < cores && more < THREADS_MAX &&
	       pthread_create(&threads[more], NULL, crew_work, &w) == 0)
		more++;
	(void)crew_work(&w);
	while (more-- > 0)
		(void)pthread_join(threads[more], NULL); /* it ends */
}

/* The quickest of several rounds, and the most memory. */
static double check_s(struct bench *x, struct slice bytes, bool all_cores, size_t *most)
{
	const struct bundle_trust trust = {.parallel = all_cores ? on_all_cores : NULL};
	double best = 1e9;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct arena_pool pool = {.budget = SIZE_MAX};
		struct arena a = {.pool = &pool};
		double begin = now_s(all_cores), took;
		struct bundle_report r;
		struct bundle b;

		must(x, bundle_parse(bytes, &a, &b, &x->why));
		must(x, bundle_verify(&b, &trust, &a, &r, &x->why));
		took = now_s(all_cores) - begin;
		best = took < best ? took : best;
		*most = pool.out > *most ? pool.out : *most;
		if (!r.ok || r.record_count != FACTS) {
			(void)fprintf(stderr, "the bundle does not hold\n");
			exit(2);
		}
		arena_reset(&a);
		arena_pool_drain(&pool);
	}
	return best;
}

static double bare_s(struct bench *x)
{
	uint8_t signature[CRYPTO_SIGNATURE_BYTES];
	double best = 1e9;

	crypto_signer_sign(&x->station, SLICE("x"), signature);
	for (unsigned i = 0; i < ROUNDS; i++) {
		double begin = now_s(false), took;
		size_t good = 0;

		for (unsigned k = 0; k < FACTS; k++)
			good += crypto_signature_verify(x->station.key, SLICE("x"), signature);
		took = now_s(false) - begin;
		best = took < best && good == FACTS ? took : best;
	}
	return best;
}

static double hash_s(struct slice bytes)
{
	uint8_t hash[32];
	double best = 1e9;

	for (unsigned i = 0; i < ROUNDS; i++) {
		double begin = now_s(false), took;

		crypto_sha256_of(bytes, hash);
		took = now_s(false) - begin;
		best = took < best ? took : best;
	}
	return best;
}

static void report(struct bench *x, struct slice bytes)
{
	size_t most = 0, disclosures = 0;
	double one = check_s(x, bytes, false, &most), all = check_s(x, bytes, true, &most);
	double bare = bare_s(x), hashed = hash_s(bytes);

	for (size_t i = 0; i < FACTS; i++)
		disclosures += x->facts[i].disclosure_count;
	(void)printf("bundle of %d events, %zu disclosures, %zu bytes, %zu KiB of memory to read "
		     "and check it\n"
		     "  %d bare signatures  %6.1f ms\n"
		     "  one core            %6.1f ms  %.2f x the signatures, %.0f x SHA-256 of its "
		     "bytes\n"
		     "  all cores           %6.1f ms  %.2f x the signatures\n",
		     EVENTS, disclosures, bytes.len, most >> 10, FACTS, bare * 1e3, one * 1e3,
		     one / bare, one / hashed, all * 1e3, all / bare);
}

int main(void)
{
	struct bench *x = calloc(1, sizeof *x);
	struct leaves *l = calloc(1, sizeof *l);
	struct buf out;

	if (x == NULL || l == NULL || crypto_init(&x->why) != ST_OK)
		return 2;
	x->pool.budget = SIZE_MAX;
	x->a.pool = &x->pool;
	make(x, l);
	out = buf_in(&x->a);
	must(x, bundle_encode(&x->b, &x->a, &out, &x->why));
	report(x, buf_slice(&out));
	arena_reset(&x->a);
	arena_pool_drain(&x->pool);
	free(l);
	free(x);
	return 0;
}
