/* SPDX-License-Identifier: Apache-2.0
 *
 * Invariant: sealing the same record at the same leaf gives the same bytes (salts are derived,
 * Ed25519 is deterministic), so nothing but the records needs to be kept to open fields later.
 */
#include "daemon/commit.h"

#include "assess/incident/incident.h"
#include "base/buf.h"
#include "daemon/eve.h"
#include "evidence/disclose/disclose.h"
#include "evidence/ledger/ledger.h"

enum { BATCH = 8192, SEAL_BUDGET = 8 << 20 };

struct salter {
	const struct data *data;
	uint64_t leaf;
	uint32_t next;
};

struct commit {
	struct data *data;
	struct ledger *ledger;
	struct daemon_eve eve;
	struct salter salter;
	struct disclose_issuer issuer;
	struct arena_pool pool; /* for sealing one record */
	uint64_t size;		/* leaves, with those queued */
	size_t queued;
	struct fail why; /* stays */
};

static void fill(void *ctx, uint8_t *out, size_t n)
{
	struct salter *s = ctx;
	uint8_t block[DATA_SALT_BLOCK];

	for (size_t at = 0; at < n; at += sizeof block) {
		daemon_data_salts(s->data, s->leaf, s->next++, block);
		memcpy(out + at, block, n - at < sizeof block ? n - at : sizeof block);
	}
}

enum status daemon_commit_open(struct data *d, struct arena *a, struct commit **out,
			       struct fail *why)
{
	struct commit *c = ARENA_NEW(a, struct commit);
	struct ledger_options options = {
		.folder = d->log, .origin = d->log_key.name, .signer = &d->log_signer};
	enum status st;

	if (c == NULL)
		return fail_set(why, ST_NOMEM, "no memory to open the log");
	c->data = d;
	c->salter.data = d;
	c->pool.budget = SEAL_BUDGET;
	st = disclose_issuer_init(&c->issuer, d->log_key.name, &d->station_signer,
				  (struct crypto_random){&c->salter, fill}, why);
	if (st == ST_OK)
		st = ledger_open(&options, a, &c->ledger, why);
	if (st == ST_OK)
		st = daemon_eve_open(&c->eve, d->eve, a, why);
	if (st != ST_OK) {
		daemon_commit_close(c);
		return st;
	}
	c->size = ledger_size(c->ledger);
	*out = c;
	return ST_OK;
}

void daemon_commit_close(struct commit *c)
{
	if (c == NULL)
		return;
	ledger_close(c->ledger);
	daemon_eve_close(&c->eve);
	disclose_issuer_done(&c->issuer);
	arena_pool_drain(&c->pool);
	c->ledger = NULL;
}

/* The record's fields, and out->count is their number. */
static enum status seal(struct commit *c, const struct record *r, uint64_t leaf, struct arena *a,
			struct record_field fields[RECORD_FIELDS_MAX], struct disclose_sealed *out,
			struct fail *why)
{
	size_t n = record_fields(r, a, fields);

	if (n == 0)
		return fail_set(why, ST_NOMEM, "no memory to seal a record");
	c->salter.leaf = leaf;
	c->salter.next = 0;
	return disclose_seal(&c->issuer, fields, n,
			     r->at.ns > 0 ? (uint64_t)(r->at.ns / TIME_NS_PER_S) : 0, a, out, why);
}

enum status daemon_commit_add(struct commit *c, const struct record *r, uint64_t *out_leaf,
			      struct fail *why)
{
	struct record_field fields[RECORD_FIELDS_MAX];
	struct arena arena = {.pool = &c->pool};
	struct disclose_sealed sealed;
	uint64_t leaf = c->size;

	if (c->why.status == ST_OK)
		c->why.status = seal(c, r, leaf, &arena, fields, &sealed, &c->why);
	if (c->why.status == ST_OK)
		c->why.status = ledger_append(c->ledger, sealed.jwt, &leaf, &c->why);
	if (c->why.status == ST_OK) {
		ASSERT(leaf == c->size);
		daemon_eve_put_fields(&c->eve, fields, sealed.count);
		c->size++;
		if (++c->queued >= BATCH)
			c->why.status = daemon_commit_flush(c, &c->why);
	}
	arena_reset(&arena);
	if (c->why.status != ST_OK) {
		*why = c->why;
		return c->why.status;
	}
	*out_leaf = leaf;
	return ST_OK;
}

enum status daemon_commit_flush(struct commit *c, struct fail *why)
{
	if (c->why.status == ST_OK)
		c->why.status = daemon_eve_flush(&c->eve, &c->why);
	if (c->why.status == ST_OK)
		c->why.status = ledger_commit(c->ledger, &c->why);
	c->queued = 0;
	if (c->why.status != ST_OK && why != &c->why)
		*why = c->why;
	return c->why.status;
}

uint64_t daemon_commit_size(const struct commit *c)
{
	return c->size;
}

enum status daemon_commit_evidence(struct commit *c, const struct record *r, uint64_t leaf,
				   struct arena *a, struct bundle_fact *out, struct fail *why)
{
	struct record_field fields[RECORD_FIELDS_MAX];
	uint8_t proof[MERKLE_PROOF_MAX][MERKLE_BYTES], (*kept)[MERKLE_BYTES];
	struct bundle_fact f = {.leaf = leaf};
	struct disclose_sealed sealed;
	struct slice entry;
	enum status st = seal(c, r, leaf, a, fields, &sealed, why);

	if (st == ST_OK)
		st = ledger_read_entry(c->ledger, leaf, a, &entry, why);
	if (st == ST_OK && !slice_equal(entry, sealed.jwt))
		st = fail_set(why, ST_CORRUPT, "leaf %llu is not what this record was sealed to",
			      (unsigned long long)leaf);
	if (st == ST_OK)
		st = ledger_prove_inclusion(c->ledger, leaf, proof, &f.proof_count, why);
	if (st != ST_OK)
		return st;
	f.jwt = sealed.jwt;
	f.disclosures = ARENA_ARRAY(a, struct slice, sealed.count + 1);
	kept = arena_alloc(a, MERKLE_BYTES, 1, f.proof_count + 1);
	if (f.disclosures == NULL || kept == NULL)
		return fail_set(why, ST_NOMEM, "no memory for the evidence of leaf %llu",
				(unsigned long long)leaf);
	memcpy(kept, proof, f.proof_count * MERKLE_BYTES);
	f.proof = (const uint8_t(*)[MERKLE_BYTES])kept;
	for (size_t i = 0; i < sealed.count; i++)
		if (incident_needs_field(r->kind, fields[i].group, fields[i].name))
			f.disclosures[f.disclosure_count++] = sealed.disclosures[i];
	*out = f;
	return ST_OK;
}

enum status daemon_commit_checkpoint(struct commit *c, struct arena *a, struct slice *out,
				     struct fail *why)
{
	*out = arena_copy(a, ledger_checkpoint(c->ledger));
	return out->ptr ? ST_OK : fail_set(why, ST_NOMEM, "no memory for the checkpoint");
}

enum status daemon_commit_station_keys(const struct commit *c, struct arena *a, struct slice *out,
				       struct fail *why)
{
	struct disclose_key key = disclose_key_of(c->data->station_signer.key);
	struct buf text = buf_in(a);

	disclose_keys_add(&key, 1, &text);
	*out = buf_slice(&text);
	return text.full ? fail_set(why, ST_NOMEM, "no memory for the station's key") : ST_OK;
}
