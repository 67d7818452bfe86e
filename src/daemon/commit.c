/* SPDX-License-Identifier: Apache-2.0
 *
 * Invariant: sealing the same record at the same leaf gives the same bytes (salts are derived,
 * Ed25519 is deterministic), so nothing but the records needs to be kept to open fields later.
 */
#include "daemon/commit_priv.h"

#include "assess/incident/incident.h"
#include "base/addr.h"
#include "base/buf.h"
#include "daemon/daemon_priv.h"
#include "os/clock.h"
#include "os/file.h"

enum {
	BATCH = 8192,
	SEAL_BUDGET = 16 << 20, /* bytes, for one record */
	ASK_MS = 5000,		/* for a station that lets go of its log */
	ASK_LOOK_MS = 20,
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

/* The hash of a leaf of the flushed log, as its tree has it, and whether it names the one before
 * it.
 */
static enum status leaf_look(struct commit *c, uint64_t leaf, uint8_t out[MERKLE_BYTES],
			     bool *out_chained, struct fail *why)
{
	struct arena arena = {.pool = &c->pool};
	struct disclose_opened clear;
	struct slice entry;
	struct fail form;
	enum status st = ledger_read_entry(c->ledger, leaf, &arena, &entry, why);

	if (st == ST_OK) {
		merkle_leaf(entry, out);
		*out_chained =
			disclose_open_checked(entry, NULL, 0, &arena, &clear, &form) == ST_OK &&
			clear.has_prev;
	}
	arena_reset(&arena);
	return st;
}

static enum status commit_open(struct data *d, bool writes, struct arena *a, struct commit **out,
			       struct fail *why)
{
	struct commit *c = ARENA_NEW(a, struct commit);
	struct ledger_options options = {.folder = d->log,
					 .origin = d->log_key.name,
					 .signer = writes ? &d->log_signer : NULL,
					 .log_key = d->log_key_text};
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
	c->size = st == ST_OK ? ledger_size(c->ledger) : 0;
	if (c->size != 0)
		st = leaf_look(c, c->size - 1, c->last, &c->chained, why);
	if (st == ST_OK && writes)
		st = daemon_eve_open(&c->eve, d->eve, a, why);
	if (st != ST_OK) {
		daemon_commit_close(c);
		return st;
	}
	if (writes)
		daemon_commit_orphans_cut(c);
	c->kept = c->eve.bytes;
	*out = c;
	return ST_OK;
}

enum status daemon_commit_open_now(struct data *d, struct arena *a, struct commit **out,
				   struct fail *why)
{
	return commit_open(d, true, a, out, why);
}

/* Is it that, why the log was refused? */
static bool locked(const struct data *d, struct arena *a)
{
	struct os_lock lock = {0};
	struct fail why;
	enum status st = os_lock_take(NULL, daemon_path(a, d->log, SLICE("lock")), &lock, &why);

	os_lock_done(&lock);
	return st == ST_REFUSED;
}

/* Asked again and again: who asked and was killed is forgotten. */
bool daemon_commit_wanted(const struct data *d)
{
	struct os_entry e;
	struct fail why;

	return os_entry_look(d->waiting, &e, &why) == ST_OK &&
	       os_clock_wall().ns - e.changed.ns < ASK_MS * TIME_NS_PER_MS;
}

enum status daemon_commit_open(struct data *d, struct arena *a, struct commit **out,
			       struct fail *why)
{
	int64_t until = os_clock_mono().ns + ASK_MS * TIME_NS_PER_MS;
	enum status st = commit_open(d, true, a, out, why);
	bool asked = false;
	struct fail ask;

	while (st == ST_REFUSED && locked(d, a) && os_clock_mono().ns < until &&
	       (asked || os_file_put(NULL, d->waiting, SLICE(""), &ask) == ST_OK)) {
		asked = true;
		os_clock_pause(ASK_LOOK_MS * TIME_NS_PER_MS);
		st = commit_open(d, true, a, out, why);
	}
	if (asked && os_file_remove(NULL, d->waiting, &ask) != ST_OK)
		asked = false; /* it is too old soon */
	return st;
}

enum status daemon_commit_open_read(struct data *d, struct arena *a, struct commit **out,
				    struct fail *why)
{
	return commit_open(d, false, a, out, why);
}

void daemon_commit_chain(struct commit *c)
{
	c->chained = true;
}

void daemon_commit_close(struct commit *c)
{
	if (c == NULL)
		return;
	ledger_close(c->ledger);
	if (c->why.status != ST_OK)
		daemon_eve_cut(&c->eve, c->kept); /* lines that became no leaf */
	daemon_eve_close(&c->eve);
	disclose_issuer_done(&c->issuer);
	disclose_issuer_done(&c->party);
	crypto_wipe(&c->pan, sizeof c->pan);
	arena_pool_drain(&c->pool);
	c->ledger = NULL;
}

/* ---- sealing ---- */

/* The address in a JSON string. */
static bool address_of(struct slice json, struct addr *out)
{
	return json.len > 2 && addr_parse(slice_part(json, 1, json.len - 2), out);
}

/* ptr NULL: it is no address, or there is no memory. */
static struct slice pseudonym(const struct commit *c, struct pseudonym_nets nets, struct slice json,
			      struct arena *a)
{
	char text[ADDR_TEXT_MAX];
	struct addr address;

	if (!address_of(json, &address) || !daemon_pseudonym_of(&c->pan, nets, &address, &address))
		return (struct slice){NULL, 0};
	return buf_text(a, "\"%.*s\"", SLICE_ARG(addr_format(&address, text)));
}

static bool is_field(const struct record_field *f, const char *group, const char *name)
{
	return slice_equal(f->group, slice_of(group)) && slice_equal(f->name, slice_of(name));
}

/* Nothing in it is escaped that an address is made of, so it is as good as the text itself. ptr
 * NULL: it names none of these addresses, or there is no memory. */
static struct slice hidden_text(const struct commit *c, struct pseudonym_nets nets,
				struct slice json, struct arena *a)
{
	struct slice out;
	struct fail why;

	return daemon_pseudonym_text(&c->pan, nets, json, a, &out, &why) == ST_OK &&
			       out.ptr != json.ptr
		       ? out
		       : (struct slice){NULL, 0};
}

size_t daemon_commit_pseudonyms(const struct commit *c, struct pseudonym_nets nets,
				struct record_field *fields, size_t n, struct arena *a)
{
	static const struct {
		const char *group, *name, *pseudonym;
	} all[] = {{"", "src_ip", "src_pseudonym"},
		   {"", "dest_ip", "dest_pseudonym"},
		   {"anomaly", "summary", "summary_pseudonym"}};
	size_t count = n;

	for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
		for (size_t i = 0; i < n && count < RECORD_FIELDS_MAX; i++) {
			struct record_field f = {slice_of(all[k].group), slice_of(all[k].pseudonym),
						 fields[i].json};

			if (!is_field(&fields[i], all[k].group, all[k].name))
				continue;
			f.json = f.group.len == 0 ? pseudonym(c, nets, f.json, a)
						  : hidden_text(c, nets, f.json, a);
			if (f.json.ptr != NULL)
				fields[count++] = f;
		}
	return count;
}

static bool is_certificate(const struct record *r)
{
	return r->kind == RECORD_INPUT && slice_starts(r->u.input.what, SLICE("station-key"));
}

/* What is sealed as leaf `leaf`: the own fields of a record, and behind them its pseudonyms. */
struct sealing_one {
	struct record_field fields[RECORD_FIELDS_MAX];
	size_t own;
	uint64_t at_s;
	bool by_party;
	uint64_t leaf;
	const uint8_t *prev; /* the hash of the leaf before it; NULL: it names none */
};

static enum status seal(struct commit *c, struct sealing_one *s, struct arena *a,
			struct disclose_sealed *out, struct fail *why)
{
	struct disclose_issuer *issuer = s->by_party ? &c->party : &c->issuer;
	size_t n =
		s->own != 0 ? daemon_commit_pseudonyms(c, c->data->nets, s->fields, s->own, a) : 0;
	enum status st;

	if (n == 0 || a->exhausted)
		return fail_set(why, ST_NOMEM, "no memory to seal a record");
	c->salter.leaf = s->leaf;
	c->salter.next = 0;
	issuer->prev = s->prev;
	st = disclose_seal(issuer, s->fields, n, s->at_s, a, out, why);
	issuer->prev = NULL;
	return st;
}

/* Of a record: sealed at its own time. */
static void sealing_of(const struct record *r, uint64_t leaf, const uint8_t *prev, struct arena *a,
		       struct sealing_one *out)
{
	out->own = record_fields(r, a, out->fields);
	out->at_s = r->at.ns > 0 ? (uint64_t)(r->at.ns / TIME_NS_PER_S) : 0;
	out->by_party = is_certificate(r);
	out->leaf = leaf;
	out->prev = prev;
}

static const uint8_t *prev_of(const struct commit *c)
{
	return c->chained && c->size != 0 ? c->last : NULL;
}

/* Whether this one cannot be sealed, whatever is tried: it is left out. */
static bool unsealable(enum status st)
{
	return st == ST_INVALID || st == ST_LIMIT;
}

/* why is written on failure only: what is tried and mended on the way leaves no word there. */
static enum status add(struct commit *c, struct sealing_one *s, struct arena *a, struct fail *why)
{
	struct disclose_sealed sealed;
	struct fail one = c->why;
	uint64_t leaf;
	enum status st = one.status;

	if (st == ST_OK)
		st = seal(c, s, a, &sealed, &one);
	if (st == ST_OK) {
		st = ledger_append(c->ledger, sealed.jwt, &leaf, &one);
		if (st != ST_OK)
			c->why = one;
	}
	if (st != ST_OK) {
		if (!unsealable(st))
			c->why = one;
		*why = one;
		return st;
	}
	ASSERT(leaf == c->size);
	daemon_eve_put_fields(&c->eve, s->fields, s->own);
	merkle_leaf(sealed.jwt, c->last);
	c->size++;
	return ++c->queued < BATCH ? ST_OK : daemon_commit_flush(c, why);
}

enum status daemon_commit_add(struct commit *c, const struct record *r, uint64_t *out_leaf,
			      struct fail *why)
{
	struct arena arena = {.pool = &c->pool};
	struct sealing_one s;
	enum status st;

	sealing_of(r, c->size, prev_of(c), &arena, &s);
	st = add(c, &s, &arena, why);
	if (unsealable(st) && c->why.status == ST_OK)
		c->why = *why; /* what is recorded here is recorded whole */
	arena_reset(&arena);
	if (st == ST_OK)
		*out_leaf = c->size - 1;
	return st;
}

enum status daemon_commit_add_fields(struct commit *c, const struct record_field *fields, size_t n,
				     uint64_t at_s, bool by_party, uint64_t *out_leaf,
				     struct fail *why)
{
	struct arena arena = {.pool = &c->pool};
	struct sealing_one s = {
		.own = n, .at_s = at_s, .by_party = by_party, .leaf = c->size, .prev = prev_of(c)};
	enum status st;

	if (n == 0 || n > RECORD_FIELDS_MAX)
		return fail_set(why, ST_LIMIT, "a record of %zu fields", n);
	memcpy(s.fields, fields, n * sizeof *fields);
	st = add(c, &s, &arena, why);
	arena_reset(&arena);
	if (st == ST_OK)
		*out_leaf = c->size - 1;
	return st;
}

enum status daemon_commit_flush(struct commit *c, struct fail *why)
{
	if (c->why.status == ST_OK)
		c->why.status = daemon_eve_flush(&c->eve, &c->why);
	if (c->why.status == ST_OK)
		c->why.status = ledger_commit(c->ledger, &c->why);
	c->queued = 0;
	if (c->why.status == ST_OK)
		c->kept = c->eve.bytes;
	if (c->why.status != ST_OK && why != &c->why)
		*why = c->why;
	return c->why.status;
}

uint64_t daemon_commit_size(const struct commit *c)
{
	return c->size;
}

/* What the log's own key says of the station's. */
static enum status about_key(struct commit *c, const char *what, struct slice party,
			     struct wall_ns now, struct arena *a, struct record *out,
			     struct fail *why)
{
	struct disclose_key key = disclose_key_of(c->data->station_signer.key);
	struct record r = {
		.kind = RECORD_INPUT, .at = now, .party = party, .station = SLICE("centre")};
	uint8_t thumbprint[CRYPTO_SHA256_BYTES];
	size_t n;

	ASSERT(crypto_base64_parse(CRYPTO_BASE64URL,
				   (struct slice){(const uint8_t *)key.kid, sizeof key.kid},
				   sizeof thumbprint, thumbprint, &n));
	r.u.input = (struct record_input){.what = slice_of(what),
					  .name = SLICE("station.key"),
					  .sha256 = daemon_hex(a, thumbprint, sizeof thumbprint),
					  .bytes = sizeof key.key};
	if (r.u.input.sha256.ptr == NULL)
		return fail_set(why, ST_NOMEM, "no memory for the station's certificate");
	*out = r;
	return ST_OK;
}

enum status daemon_commit_certificate_of(struct commit *c, struct slice party, struct wall_ns now,
					 struct arena *a, struct record *out, struct fail *why)
{
	return about_key(c, "station-key", party, now, a, out, why);
}

enum status daemon_commit_certificate(struct commit *c, struct slice party, struct wall_ns now,
				      struct wall_ns until, struct arena *a, struct record *out,
				      uint64_t *out_leaf, struct fail *why)
{
	struct record r;
	enum status st = about_key(c, "station-key", party, now, a, &r, why);

	if (st != ST_OK)
		return st;
	r.u.input.last = until;
	*out = r;
	return daemon_commit_add(c, &r, out_leaf, why);
}

enum status daemon_commit_revoke(struct commit *c, struct arena *a, uint64_t *out_leaf,
				 struct fail *why)
{
	struct record r;
	enum status st = about_key(c, "station-key-revoked", (struct slice){NULL, 0},
				   os_clock_wall(), a, &r, why);

	return st == ST_OK ? daemon_commit_add(c, &r, out_leaf, why) : st;
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

/* An end that is of these networks. */
static bool is_hidden(const struct record_field *fields, size_t n, const char *end,
		      struct pseudonym_nets nets)
{
	struct addr address;

	for (size_t i = 0; i < n; i++)
		if (is_field(&fields[i], "", end) && address_of(fields[i].json, &address))
			return daemon_pseudonym_net(nets, &address) != NULL;
	return false;
}

struct commit_shown daemon_commit_shown(enum record_kind kind, const struct record_field *fields,
					size_t n, struct pseudonym_nets nets)
{
	struct commit_shown s = {.kind = kind,
				 .hide_src = is_hidden(fields, n, "src_ip", nets),
				 .hide_dst = is_hidden(fields, n, "dest_ip", nets)};

	for (size_t i = 0; i < n; i++)
		if (is_field(&fields[i], "anomaly", "summary"))
			s.hide_summary = daemon_pseudonym_needed(nets, fields[i].json);
	return s;
}

bool daemon_commit_shows(void *ctx, const struct record_field *f)
{
	const struct commit_shown *s = ctx;

	if (is_field(f, "", "src_ip"))
		return !s->hide_src && incident_needs_field(s->kind, f->group, f->name);
	if (is_field(f, "", "dest_ip"))
		return !s->hide_dst && incident_needs_field(s->kind, f->group, f->name);
	if (is_field(f, "anomaly", "summary"))
		return !s->hide_summary && incident_needs_field(s->kind, f->group, f->name);
	if (is_field(f, "", "src_pseudonym"))
		return s->hide_src;
	if (is_field(f, "", "dest_pseudonym"))
		return s->hide_dst;
	if (is_field(f, "anomaly", "summary_pseudonym"))
		return s->hide_summary;
	return incident_needs_field(s->kind, f->group, f->name);
}

enum status daemon_commit_evidence(struct commit *c, const struct record *r, uint64_t leaf,
				   struct pseudonym_nets nets, struct arena *a,
				   struct bundle_fact *out, struct fail *why)
{
	struct commit_shown shown;
	uint8_t prev[MERKLE_BYTES], hash[MERKLE_BYTES];
	struct disclose_sealed sealed;
	struct sealing_one s;
	struct slice entry;
	bool chained = false, before;
	enum status st = leaf_look(c, leaf, hash, &chained, why);

	if (st == ST_OK && chained && leaf != 0)
		st = leaf_look(c, leaf - 1, prev, &before, why);
	if (st == ST_OK) {
		sealing_of(r, leaf, chained ? prev : NULL, a, &s);
		st = seal(c, &s, a, &sealed, why);
	}
	if (st == ST_OK)
		st = ledger_read_entry(c->ledger, leaf, a, &entry, why);
	if (st == ST_OK && !slice_equal(entry, sealed.jwt))
		st = fail_set(why, ST_CORRUPT, "leaf %llu is not what this record was sealed to",
			      (unsigned long long)leaf);
	if (st != ST_OK)
		return st;
	shown = daemon_commit_shown(r->kind, s.fields, sealed.count, nets);
	return daemon_commit_show(
		c, leaf,
		&(struct commit_event){sealed.jwt, s.fields, sealed.disclosures, sealed.count},
		daemon_commit_shows, &shown, a, out, why);
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

enum status daemon_commit_frame(struct commit *c, struct arena *a, struct bundle *out,
				struct fail *why)
{
	struct buf keys = buf_in(a);

	disclose_keys_add(c->data->station_keys.keys, c->data->station_keys.count, &keys);
	*out = (struct bundle){.checkpoint = arena_copy(a, ledger_checkpoint(c->ledger)),
			       .log_key = c->data->log_key_text,
			       .station_keys = buf_slice(&keys),
			       .bulletin = SLICE("{}")};
	return keys.full || out->checkpoint.ptr == NULL
		       ? fail_set(why, ST_NOMEM, "no memory for a bundle")
		       : ST_OK;
}
