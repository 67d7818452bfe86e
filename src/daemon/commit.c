/* SPDX-License-Identifier: Apache-2.0
 *
 * Invariant: sealing the same record at the same leaf gives the same bytes (salts are derived,
 * Ed25519 is deterministic), so nothing but the records needs to be kept to open fields later.
 */
#include "daemon/commit.h"

#include "assess/incident/incident.h"
#include "base/addr.h"
#include "base/buf.h"
#include "daemon/daemon_priv.h"
#include "daemon/eve.h"
#include "evidence/disclose/disclose.h"
#include "evidence/ledger/ledger.h"
#include "os/clock.h"
#include "os/file.h"

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
	struct disclose_issuer issuer, party; /* who seals events; who vouches for that one's key */
	struct crypto_pan pan;
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
		st = disclose_issuer_init(&c->party, d->log_key.name, &d->log_signer,
					  c->issuer.salts, why);
	if (st == ST_OK && !crypto_pan_init(d->pan_secret, &c->pan))
		st = fail_set(why, ST_IO, "OpenSSL has no AES for pseudonyms");
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
	disclose_issuer_done(&c->party);
	crypto_wipe(&c->pan, sizeof c->pan);
	arena_pool_drain(&c->pool);
	c->ledger = NULL;
}

/* ---- sealing ---- */

/* The address's pseudonym as a JSON string; ptr NULL: it is no address, or there is no memory. */
static struct slice pseudonym(const struct commit *c, struct slice json, struct arena *a)
{
	char text[ADDR_TEXT_MAX];
	struct addr address;

	if (json.len < 2 || !addr_parse(slice_part(json, 1, json.len - 2), &address) ||
	    !crypto_pan_hide(&c->pan, address.b, addr_bytes(&address), address.b))
		return (struct slice){NULL, 0};
	return buf_text(a, "\"%.*s\"", SLICE_ARG(addr_format(&address, text)));
}

/* Beside each end its pseudonym, so that either can be shown without the other; the new number of
 * fields. */
static size_t add_pseudonyms(const struct commit *c, struct record_field *fields, size_t n,
			     struct arena *a)
{
	static const struct {
		const char *end, *name;
	} both[] = {{"src_ip", "src_pseudonym"}, {"dest_ip", "dest_pseudonym"}};
	size_t count = n;

	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < n && count < RECORD_FIELDS_MAX; i++) {
			struct record_field f = {.name = slice_of(both[k].name)};

			if (fields[i].group.len != 0 ||
			    !slice_equal(fields[i].name, slice_of(both[k].end)))
				continue;
			f.json = pseudonym(c, fields[i].json, a);
			if (f.json.ptr != NULL)
				fields[count++] = f;
		}
	return count;
}

static bool is_certificate(const struct record *r)
{
	return r->kind == RECORD_INPUT && slice_equal(r->u.input.what, SLICE("station-key"));
}

/* out->count: the record's fields, *out_own of them, and pseudonyms behind those. */
static enum status seal(struct commit *c, const struct record *r, uint64_t leaf, struct arena *a,
			struct record_field fields[RECORD_FIELDS_MAX], size_t *out_own,
			struct disclose_sealed *out, struct fail *why)
{
	size_t own = record_fields(r, a, fields), n = own ? add_pseudonyms(c, fields, own, a) : 0;

	if (own == 0 || a->exhausted)
		return fail_set(why, ST_NOMEM, "no memory to seal a record");
	c->salter.leaf = leaf;
	c->salter.next = 0;
	*out_own = own;
	return disclose_seal(is_certificate(r) ? &c->party : &c->issuer, fields, n,
			     r->at.ns > 0 ? (uint64_t)(r->at.ns / TIME_NS_PER_S) : 0, a, out, why);
}

enum status daemon_commit_add(struct commit *c, const struct record *r, uint64_t *out_leaf,
			      struct fail *why)
{
	struct record_field fields[RECORD_FIELDS_MAX];
	struct arena arena = {.pool = &c->pool};
	struct disclose_sealed sealed;
	uint64_t leaf = c->size;
	size_t own = 0;

	if (c->why.status == ST_OK)
		c->why.status = seal(c, r, leaf, &arena, fields, &own, &sealed, &c->why);
	if (c->why.status == ST_OK)
		c->why.status = ledger_append(c->ledger, sealed.jwt, &leaf, &c->why);
	if (c->why.status == ST_OK) {
		ASSERT(leaf == c->size);
		daemon_eve_put_fields(&c->eve, fields, own);
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

enum status daemon_commit_certificate(struct commit *c, struct slice party, struct arena *a,
				      struct record *out, uint64_t *out_leaf, struct fail *why)
{
	struct disclose_key key = disclose_key_of(c->data->station_signer.key);
	struct record r = {.kind = RECORD_INPUT,
			   .at = os_clock_wall(),
			   .party = party,
			   .station = SLICE("centre")};
	uint8_t thumbprint[CRYPTO_SHA256_BYTES];
	size_t n;

	ASSERT(crypto_base64_parse(CRYPTO_BASE64URL,
				   (struct slice){(const uint8_t *)key.kid, sizeof key.kid},
				   sizeof thumbprint, thumbprint, &n));
	r.u.input = (struct record_input){.what = SLICE("station-key"),
					  .name = SLICE("station.key"),
					  .sha256 = daemon_hex(a, thumbprint, sizeof thumbprint),
					  .bytes = sizeof key.key};
	if (r.u.input.sha256.ptr == NULL)
		return fail_set(why, ST_NOMEM, "no memory for the station's certificate");
	*out = r;
	return daemon_commit_add(c, &r, out_leaf, why);
}

/* ---- showing ---- */

enum status daemon_commit_show(struct commit *c, uint64_t leaf, const struct commit_event *e,
			       bool (*pick)(void *ctx, const struct record_field *f), void *ctx,
			       struct arena *a, struct bundle_fact *out, struct fail *why)
{
	uint8_t proof[MERKLE_PROOF_MAX][MERKLE_BYTES], (*kept)[MERKLE_BYTES];
	struct bundle_fact f = {.leaf = leaf, .jwt = e->jwt};
	enum status st = ledger_prove_inclusion(c->ledger, leaf, proof, &f.proof_count, why);

	if (st != ST_OK)
		return st;
	f.disclosures = ARENA_ARRAY(a, struct slice, e->count + 1);
	kept = arena_alloc(a, MERKLE_BYTES, 1, f.proof_count + 1);
	if (f.disclosures == NULL || kept == NULL)
		return fail_set(why, ST_NOMEM, "no memory for the evidence of leaf %llu",
				(unsigned long long)leaf);
	memcpy(kept, proof, f.proof_count * MERKLE_BYTES);
	f.proof = (const uint8_t(*)[MERKLE_BYTES])kept;
	for (size_t i = 0; i < e->count; i++)
		if (pick(ctx, &e->fields[i]))
			f.disclosures[f.disclosure_count++] = e->disclosures[i];
	*out = f;
	return ST_OK;
}

static bool needed(void *ctx, const struct record_field *f)
{
	const enum record_kind *kind = ctx;

	return incident_needs_field(*kind, f->group, f->name);
}

enum status daemon_commit_evidence(struct commit *c, const struct record *r, uint64_t leaf,
				   struct arena *a, struct bundle_fact *out, struct fail *why)
{
	struct record_field fields[RECORD_FIELDS_MAX];
	enum record_kind kind = r->kind;
	struct disclose_sealed sealed;
	struct slice entry;
	size_t own;
	enum status st = seal(c, r, leaf, a, fields, &own, &sealed, why);

	if (st == ST_OK)
		st = ledger_read_entry(c->ledger, leaf, a, &entry, why);
	if (st == ST_OK && !slice_equal(entry, sealed.jwt))
		st = fail_set(why, ST_CORRUPT, "leaf %llu is not what this record was sealed to",
			      (unsigned long long)leaf);
	if (st != ST_OK)
		return st;
	return daemon_commit_show(
		c, leaf,
		&(struct commit_event){sealed.jwt, fields, sealed.disclosures, sealed.count},
		needed, &kind, a, out, why);
}

/* ---- opening again ---- */

/* Does the leaf commit to this as its first field? Cheap, for it is asked of many lines. */
static bool begins_with(struct commit *c, uint64_t leaf, const struct record_field *first,
			struct slice payload, struct arena *a)
{
	uint8_t hash[CRYPTO_SHA256_BYTES];
	struct buf digest = buf_in(a);
	struct slice *disclosure;
	struct fail why;

	c->salter.leaf = leaf;
	c->salter.next = 0;
	if (disclose_fields(&c->issuer.salts, first, 1, a, &disclosure, &why) != ST_OK)
		return why.status == ST_NOMEM; /* said again, with more, by who asks */
	crypto_sha256_of(disclosure[0], hash);
	crypto_base64_add(CRYPTO_BASE64URL, (struct slice){hash, sizeof hash}, &digest);
	return slice_find(payload, buf_slice(&digest)) != SIZE_MAX;
}

/* Is this line what the leaf commits to? ST_NOTFOUND: no. */
static enum status try_line(struct commit *c, uint64_t leaf, struct slice line,
			    struct slice payload, const struct disclose_keys *keys,
			    const struct disclose_opened *shape, struct arena *a,
			    struct commit_event *e, struct fail *why)
{
	struct record_field fields[RECORD_FIELDS_MAX];
	struct disclose_opened opened;
	enum status st =
		record_split(line, shape->groups, shape->group_count, fields, &e->count, why);

	if (st != ST_OK || e->count == 0 || !begins_with(c, leaf, &fields[0], payload, a))
		return ST_NOTFOUND; /* cut short, or gone, or another's */
	e->count = add_pseudonyms(c, fields, e->count, a);
	e->fields = ARENA_ARRAY(a, struct record_field, e->count + 1);
	if (e->fields == NULL)
		return fail_set(why, ST_NOMEM, "no memory to open leaf %llu",
				(unsigned long long)leaf);
	memcpy(e->fields, fields, e->count * sizeof fields[0]);
	c->salter.leaf = leaf;
	c->salter.next = 0;
	st = disclose_fields(&c->issuer.salts, fields, e->count, a, &e->disclosures, why);
	if (st == ST_OK)
		st = disclose_open(e->jwt, e->disclosures, e->count, keys, a, &opened, why);
	return st == ST_OK || st == ST_NOMEM ? st : ST_NOTFOUND;
}

/* Line n is leaf n, unless a run ended between writing lines and committing them: then there are
 * lines in front that became no leaf, and it comes later. */
static enum status find_line(struct commit *c, uint64_t leaf, struct slice lines,
			     const struct disclose_keys *keys, const struct disclose_opened *shape,
			     struct arena *a, struct commit_event *e, struct fail *why)
{
	struct slice rest = e->jwt, payload;
	enum status st;

	(void)slice_split(&rest, '.'); /* the header */
	st = crypto_base64_take(CRYPTO_BASE64URL, slice_split(&rest, '.'), a, &payload);
	if (st != ST_OK)
		return st == ST_NOMEM ? fail_set(why, st, "no memory to open a leaf") : st;
	st = ST_NOTFOUND;
	for (uint64_t i = 0; lines.ptr != NULL && st == ST_NOTFOUND; i++) {
		struct arena scratch = {.pool = a->pool};
		struct slice line = slice_split(&lines, '\n');

		if (i < leaf)
			continue;
		st = try_line(c, leaf, line, payload, keys, shape, &scratch, e, why);
		arena_reset(&scratch);
		if (st == ST_OK) /* once more, to stay */
			st = try_line(c, leaf, arena_copy(a, line), payload, keys, shape, a, e,
				      why);
	}
	return st;
}

enum status daemon_commit_reopen(struct commit *c, uint64_t leaf, struct arena *a,
				 struct commit_event *out, struct fail *why)
{
	struct disclose_key key[] = {disclose_key_of(c->data->station_signer.key),
				     disclose_key_of(c->data->log_signer.key)};
	const struct disclose_keys keys = {key, 2};
	struct disclose_opened shape;
	struct commit_event e = {0};
	struct os_map map;
	enum status st = ledger_read_entry(c->ledger, leaf, a, &e.jwt, why);

	if (st == ST_OK)
		st = disclose_open(e.jwt, NULL, 0, &keys, a, &shape, why);
	if (st == ST_OK)
		st = os_file_map(c->data->eve, &map, why);
	if (st != ST_OK)
		return fail_wrap(why, "leaf %llu", (unsigned long long)leaf);
	st = find_line(c, leaf, map.bytes, &keys, &shape, a, &e, why);
	os_map_done(&map);
	if (st == ST_NOTFOUND)
		return fail_set(why, ST_NOTFOUND,
				"leaf %llu is in the log, but its event is not in %.*s any more: "
				"it can be proved, and not opened",
				(unsigned long long)leaf, SLICE_ARG(c->data->eve));
	if (st == ST_OK)
		*out = e;
	return st;
}

const struct disclose_issuer *daemon_commit_issuer(const struct commit *c)
{
	return &c->issuer;
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
