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
#include "evidence/merkle/merkle.h"
#include "os/clock.h"
#include "os/file.h"

enum {
	BATCH = 8192,
	SEAL_BUDGET = 16 << 20, /* bytes, for one record */
	RECENT = 4 << 20,	/* bytes at the end of eve.json */
	ASK_MS = 5000,		/* for a station that lets go of its log */
	ASK_LOOK_MS = 20,
};

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
	struct arena_pool pool;	    /* for sealing one record */
	uint64_t size;		    /* leaves, with those queued */
	uint8_t last[MERKLE_BYTES]; /* the hash of leaf size - 1 */
	bool chained;		    /* what is added names it */
	uint64_t kept;		    /* bytes of eve.json, when it was flushed last */
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

static void orphans_cut(struct commit *c);

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
		orphans_cut(c);
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
	size_t n = s->own != 0 ? add_pseudonyms(c, s->fields, s->own, a) : 0;
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

static bool needed(void *ctx, const struct record_field *f)
{
	const enum record_kind *kind = ctx;

	return incident_needs_field(*kind, f->group, f->name);
}

enum status daemon_commit_evidence(struct commit *c, const struct record *r, uint64_t leaf,
				   struct arena *a, struct bundle_fact *out, struct fail *why)
{
	enum record_kind kind = r->kind;
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
	return daemon_commit_show(
		c, leaf,
		&(struct commit_event){sealed.jwt, s.fields, sealed.disclosures, sealed.count},
		needed, &kind, a, out, why);
}

/* ---- opening again ---- */

/* Lines that became no leaf, because their run ended first, are looked over: so many behind where a
 * leaf's line should be, and so many leaves before that of a line, each of which costs a signature.
 */
enum { ORPHANS_MAX = 1 << 16, BACK_MAX = 1024 };

/* A leaf whose line is looked for. */
struct sought {
	uint64_t leaf;
	struct slice jwt, payload;    /* decoded */
	struct disclose_opened shape; /* without a field */
	bool here;		      /* the line looked at stands where this leaf's should */
	bool begun;	  /* that line begins as this leaf does, and goes on otherwise: */
	struct slice odd; /* at this field */
};

/* Does the leaf commit to this disclosure? */
static bool commits_to(const struct sought *w, struct slice disclosure)
{
	uint8_t hash[CRYPTO_SHA256_BYTES], text[DISCLOSE_KID];
	struct buf digest = {.ptr = text, .room = sizeof text, .most = sizeof text};

	crypto_sha256_of(disclosure, hash);
	crypto_base64_add(CRYPTO_BASE64URL, (struct slice){hash, sizeof hash}, &digest);
	ASSERT(digest.len == sizeof text);
	return slice_find(w->payload, buf_slice(&digest)) != SIZE_MAX;
}

static enum status salted(struct commit *c, const struct sought *w,
			  const struct record_field *fields, size_t n, struct arena *a,
			  struct slice **out, struct fail *why)
{
	c->salter.leaf = w->leaf;
	c->salter.next = 0;
	return disclose_fields(&c->issuer.salts, fields, n, a, out, why);
}

/* Of all fields and pseudonyms those that the leaf commits to. Every field of the line must be: a
 * pseudonym need not, for who sealed this may not have made them. */
static enum status keep_committed(struct sought *w, const struct record_field *fields, size_t own,
				  size_t n, const struct slice *disclosures, struct arena *a,
				  struct commit_event *e, struct fail *why)
{
	e->fields = ARENA_ARRAY(a, struct record_field, n + 1);
	e->disclosures = ARENA_ARRAY(a, struct slice, n + 1);
	if (e->fields == NULL || e->disclosures == NULL)
		return fail_set(why, ST_NOMEM, "no memory to open leaf %llu",
				(unsigned long long)w->leaf);
	e->count = 0;
	for (size_t i = 0; i < n; i++) {
		if (commits_to(w, disclosures[i])) {
			e->fields[e->count] = fields[i];
			e->disclosures[e->count++] = disclosures[i];
		} else if (i < own) {
			w->begun = w->begun || w->here; /* others of that moment begin so, too */
			w->odd = w->here ? fields[i].name : w->odd;
			return ST_NOTFOUND;
		}
	}
	return ST_OK;
}

/* Is this line what the leaf commits to? ST_NOTFOUND: no. */
static enum status try_line(struct commit *c, struct sought *w, struct slice line, struct arena *a,
			    struct commit_event *e, struct fail *why)
{
	struct record_field fields[RECORD_FIELDS_MAX];
	struct slice *disclosures;
	size_t own, n;
	enum status st =
		record_split(line, w->shape.groups, w->shape.group_count, fields, &own, why);

	if (st != ST_OK || own == 0)
		return ST_NOTFOUND;			    /* cut short, or gone, or another's */
	st = salted(c, w, fields, 1, a, &disclosures, why); /* cheap: it is asked of many lines */
	if (st == ST_OK && !commits_to(w, disclosures[0]))
		return ST_NOTFOUND;
	n = add_pseudonyms(c, fields, own, a);
	if (st == ST_OK)
		st = salted(c, w, fields, n, a, &disclosures, why);
	if (st != ST_OK) /* no field that sealing would take */
		return st == ST_NOMEM ? st : ST_NOTFOUND;
	e->jwt = w->jwt;
	return keep_committed(w, fields, own, n, disclosures, a, e, why);
}

static enum status seek(struct commit *c, uint64_t leaf, struct arena *a, struct sought *out,
			struct fail *why)
{
	struct disclose_keys keys = c->data->station_keys;
	size_t room = keys.count;
	struct slice rest;
	enum status st;

	*out = (struct sought){.leaf = leaf};
	if (!ARENA_PUSH(a, keys.keys, keys.count, room, disclose_key_of(c->data->log_signer.key)))
		return fail_set(why, ST_NOMEM, "no memory to open a leaf");
	st = ledger_read_entry(c->ledger, leaf, a, &out->jwt, why);
	if (st == ST_OK)
		st = disclose_open(out->jwt, NULL, 0, &keys, a, &out->shape, why);
	if (st != ST_OK)
		return fail_wrap(why, "leaf %llu", (unsigned long long)leaf);
	rest = out->jwt;
	(void)slice_split(&rest, '.'); /* the header */
	st = crypto_base64_take(CRYPTO_BASE64URL, slice_split(&rest, '.'), a, &out->payload);
	return st == ST_OK ? ST_OK
			   : fail_set(why, ST_NOMEM, "no memory to open leaf %llu",
				      (unsigned long long)leaf);
}

/* Lines of eve.json, and how many were read. */
struct lines {
	struct slice rest;
	uint64_t read;
};

/* Line n is leaf n, unless a run ended between writing lines and committing them: then there are
 * lines in front that became no leaf, and it comes later. */
static enum status find_line(struct commit *c, struct sought *w, struct lines *at, struct arena *a,
			     struct commit_event *e, struct fail *why)
{
	enum status st = ST_NOTFOUND;

	while (at->rest.ptr != NULL && at->read < w->leaf) {
		(void)slice_split(&at->rest, '\n'); /* of an earlier leaf */
		at->read++;
	}
	for (size_t i = 0; at->rest.ptr != NULL && st == ST_NOTFOUND && i < ORPHANS_MAX; i++) {
		struct arena scratch = {.pool = a->pool};
		struct slice line = slice_split(&at->rest, '\n');

		w->here = at->read == w->leaf;
		at->read++;
		st = try_line(c, w, line, &scratch, e, why);
		arena_reset(&scratch);
		if (st == ST_OK) /* once more, to stay */
			st = try_line(c, w, arena_copy(a, line), a, e, why);
	}
	return st;
}

/* Why a leaf cannot be opened: what is known of it, and no more. */
static enum status cannot_open(const struct commit *c, const struct sought *w, struct slice lines,
			       struct fail *why)
{
	struct slice line = {NULL, 0};

	for (uint64_t i = 0; i <= w->leaf && lines.ptr != NULL; i++)
		line = slice_split(&lines, '\n');
	if (w->begun)
		return fail_set(
			why, ST_CORRUPT,
			"leaf %llu is in the log, and its line in %.*s, but its \"%.*s\" is "
			"not what was sealed: it was changed, or an older dewline sealed "
			"it otherwise",
			(unsigned long long)w->leaf, SLICE_ARG(c->data->eve), SLICE_ARG(w->odd));
	if (slice_trim(line).len == 0)
		return fail_set(why, ST_NOTFOUND,
				"leaf %llu is in the log, but its event is not in %.*s any more: "
				"it can be proved, and not opened",
				(unsigned long long)w->leaf, SLICE_ARG(c->data->eve));
	return fail_set(why, ST_NOTFOUND,
			"leaf %llu is in the log, but no line of %.*s is its event as this dewline "
			"seals it: the line was changed or taken out, or an older dewline sealed "
			"it otherwise; it can be proved, and not opened",
			(unsigned long long)w->leaf, SLICE_ARG(c->data->eve));
}

enum status daemon_commit_reopen(struct commit *c, const uint64_t *leaves, size_t n,
				 struct arena *a, struct commit_event *out, struct fail *why)
{
	struct lines at;
	struct os_map map;
	enum status st = os_file_map(c->data->eve, &map, why);

	if (st != ST_OK)
		return st;
	at = (struct lines){.rest = map.bytes};
	for (size_t i = 0; st == ST_OK && i < n; i++) {
		struct sought w;

		st = seek(c, leaves[i], a, &w, why);
		if (st != ST_OK)
			break;
		st = find_line(c, &w, &at, a, &out[i], why);
		if (st == ST_NOTFOUND)
			st = cannot_open(c, &w, map.bytes, why);
	}
	os_map_done(&map);
	return st;
}

enum status daemon_commit_match(struct commit *c, uint64_t leaf, struct slice line, struct arena *a,
				struct commit_event *out, struct fail *why)
{
	struct sought w;
	enum status st = seek(c, leaf, a, &w, why);

	return st == ST_OK ? try_line(c, &w, line, a, out, why) : st;
}

/* The last line of a text, its line feed cut; what is before it stays in *text. */
static struct slice line_last(struct slice *text)
{
	struct slice all = *text;
	size_t from;

	if (slice_ends(all, SLICE("\n")))
		all.len--;
	for (from = all.len; from > 0 && all.ptr[from - 1] != '\n'; from--)
		;
	text->len = from;
	return slice_from(all, from);
}

/* Looks for the leaf's line from the end on, over RECENT bytes at most. *out_end: where it ends. */
static enum status find_recent(struct commit *c, uint64_t leaf, struct slice file, struct arena *a,
			       struct commit_event *out, size_t *out_end, struct fail *why)
{
	size_t least = file.len > RECENT ? file.len - RECENT : 0;
	struct sought w;
	enum status st = seek(c, leaf, a, &w, why);

	if (st != ST_OK)
		return st;
	for (st = ST_NOTFOUND; st == ST_NOTFOUND && file.len > least;) {
		struct arena scratch = {.pool = a->pool};
		size_t end = file.len;
		struct slice line = line_last(&file);

		st = try_line(c, &w, line, &scratch, out, why);
		arena_reset(&scratch);
		if (st != ST_OK)
			continue;
		*out_end = end;
		return try_line(c, &w, arena_copy(a, line), a, out, why); /* once more, to stay */
	}
	return st == ST_NOTFOUND ? fail_set(why, st, "leaf %llu has no line at the end of %.*s",
					    (unsigned long long)leaf, SLICE_ARG(c->data->eve))
				 : st;
}

enum status daemon_commit_reopen_recent(struct commit *c, uint64_t leaf, struct arena *a,
					struct commit_event *out, struct fail *why)
{
	struct os_map map;
	size_t end;
	enum status st = os_file_map(c->data->eve, &map, why);

	if (st != ST_OK)
		return st;
	st = find_recent(c, leaf, map.bytes, a, out, &end, why);
	os_map_done(&map);
	return st;
}

/* Lines behind that of the newest leaf: of a run that ended before they became leaves. */
static void orphans_cut(struct commit *c)
{
	struct arena arena = {.pool = &c->pool};
	struct commit_event e;
	struct os_map map;
	struct fail why; /* what is not found stays: it is passed over when lines are looked for */
	size_t end = 0;
	bool more = false;

	daemon_eve_push(&c->eve);
	if (c->size == 0 || os_file_map(c->data->eve, &map, &why) != ST_OK)
		return;
	if (find_recent(c, c->size - 1, map.bytes, &arena, &e, &end, &why) == ST_OK)
		more = end < map.bytes.len;
	os_map_done(&map);
	if (more)
		daemon_eve_cut(&c->eve, end);
	arena_reset(&arena);
}

enum status daemon_commit_look(struct commit *c, uint64_t leaf, struct arena *a,
			       struct disclose_opened *out, struct fail *why)
{
	struct slice entry;
	enum status st = ledger_read_entry(c->ledger, leaf, a, &entry, why);

	return st == ST_OK ? disclose_open_checked(entry, NULL, 0, a, out, why) : st;
}

/* The leaf that this line became; false: none, or none that can be found. *st: no memory. */
static bool leaf_of_line(struct commit *c, struct slice line, uint64_t number, struct arena *a,
			 uint64_t *out, enum status *st, struct fail *why)
{
	uint64_t size = ledger_size(c->ledger);

	for (uint64_t i = 0; i < BACK_MAX && i <= number && *st == ST_OK; i++) {
		struct arena scratch = {.pool = a->pool};
		struct commit_event e;
		struct sought w;
		bool found;

		if (number - i >= size)
			continue;
		found = seek(c, number - i, &scratch, &w, why) == ST_OK &&
			try_line(c, &w, line, &scratch, &e, why) == ST_OK;
		if (!found && scratch.exhausted)
			*st = fail_set(why, ST_NOMEM, "no memory to look for certificates");
		arena_reset(&scratch);
		if (found) {
			*out = number - i;
			return true;
		}
	}
	return false;
}

enum status daemon_commit_certificates(struct commit *c, struct arena *a, uint64_t **out_leaves,
				       struct commit_event **out_events, size_t *out_count,
				       struct fail *why)
{
	uint64_t *leaves = NULL, leaf, number = 0;
	struct commit_event *events;
	size_t n = 0, room = 0;
	struct slice rest;
	struct os_map map;
	enum status st = os_file_map(c->data->eve, &map, why);

	if (st != ST_OK)
		return st;
	rest = map.bytes;
	for (; rest.ptr != NULL && st == ST_OK; number++) {
		struct slice line = slice_split(&rest, '\n');

		if (slice_find(line, SLICE("\"what\":\"station-key")) == SIZE_MAX ||
		    slice_find(line, SLICE("\"event_type\":\"input\"")) == SIZE_MAX ||
		    !leaf_of_line(c, line, number, a, &leaf, &st, why))
			continue;
		if (!ARENA_PUSH(a, leaves, n, room, leaf))
			st = fail_set(why, ST_NOMEM, "no memory for certificates");
	}
	os_map_done(&map);
	events = ARENA_ARRAY(a, struct commit_event, n + 1);
	if (st == ST_OK && events == NULL)
		st = fail_set(why, ST_NOMEM, "no memory for %zu certificates", n);
	*out_leaves = leaves;
	*out_events = events;
	*out_count = n;
	return st == ST_OK ? daemon_commit_reopen(c, leaves, n, a, events, why) : st;
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
