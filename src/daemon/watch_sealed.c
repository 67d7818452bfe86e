/* SPDX-License-Identifier: Apache-2.0
 *
 * What sealed stations saw, and the one thing that others are told of it: the band.
 *
 * When this begins, all that others may see is written. What is read here goes to a log and a key
 * of its own, and makes the whole assessment once more, from all evidence. Of that assessment only
 * this leaves: for incidents that the public bulletin has already, the probability of each finding,
 * widened to the ends of ICD 203's words. An incident, a hop or a respondent that the public
 * bulletin does not have is never told. Without sealed stations the same files are made, from the
 * public figures.
 */
#include "assess/bulletin/bulletin.h"
#include "assess/claim/claim.h"
#include "assess/incident/incident.h"
#include "base/json.h"
#include "crypto/crypto.h"
#include "daemon/daemon_priv.h"
#include "daemon/watching.h"
#include "evidence/disclose/disclose.h"

/* ---- all evidence ---- */

static enum status commit_texts(struct watch *s, struct fail *why)
{
	struct record certificate;
	uint64_t leaf;
	enum status st = daemon_commit_certificate(s->commit, s->party, s->now, (struct wall_ns){0},
						   s->arena, &certificate, &leaf, why);

	for (size_t i = 0; st == ST_OK && i < s->party_count; i++) {
		uint8_t hash[CRYPTO_SHA256_BYTES];

		crypto_sha256_of(s->whole_files[i].text, hash);
		st = watch_commit_input(s, "party-whole", s->whole_files[i].name, hash,
					s->whole_files[i].text.len, why);
	}
	return st;
}

static bool is_located(const struct watch *s, const struct addr *a)
{
	for (size_t i = 0; i < s->fact_count; i++)
		if (s->facts[i].record->kind == RECORD_LOCATION &&
		    addr_equal(&s->facts[i].record->u.location.address, a))
			return true;
	return false;
}

/* What the tables say of machines that only a sealed station has seen. */
static enum status locate(struct watch *s, const struct incident_set *incidents, struct fail *why)
{
	struct fact_set all = {s->facts, s->fact_count}, selected;
	struct addr *addresses;
	enum status st = incident_select(&all, incidents, s->arena, &selected, why);
	size_t n;

	if (st != ST_OK)
		return st;
	n = incident_addresses(&selected, incidents, s->arena, &addresses);
	for (size_t i = 0; i < n; i++) {
		if (is_located(s, &addresses[i]) ||
		    daemon_pseudonym_net(s->nets, &addresses[i]) != NULL)
			continue;
		for (size_t k = 0; k < s->table_count; k++) {
			struct record r = watch_own_record(s, RECORD_LOCATION);

			if (!origin_table_ask(s->tables[k].table, &addresses[i], s->arena, &r))
				continue;
			st = watch_commit(s, &r, why);
			if (st != ST_OK)
				return st;
		}
	}
	return ST_OK;
}

static enum status judge(struct watch *s, struct bulletin *out, struct fail *why)
{
	struct bulletin_input *in = ARENA_NEW(s->arena, struct bulletin_input);
	struct fact_set all = {s->facts, s->fact_count};
	struct incident_set incidents;
	enum status st;

	if (in == NULL)
		return fail_set(why, ST_NOMEM, "no memory to judge all evidence");
	*in = (struct bulletin_input){.party_files = s->party_files,
				      .party_count = s->party_count,
				      .treaty_files = s->treaty_files,
				      .treaty_count = s->treaty_count,
				      .prior = s->prior};
	st = incident_group(&all, s->parties, s->party_count, s->arena, &incidents, why);
	if (st == ST_OK)
		st = locate(s, &incidents, why);
	all = (struct fact_set){s->facts, s->fact_count};
	if (st == ST_OK)
		st = incident_select(&all, &incidents, s->arena, &in->facts, why);
	return st == ST_OK ? bulletin_make(in, s->arena, out, why) : st;
}

/* Reads the sealed captures behind all that is known already. *out_checkpoint: of their own log. */
static enum status look(struct watch *s, struct daemon_watch_result *r, struct bulletin *out,
			struct slice *out_checkpoint, struct fail *why)
{
	struct slice dir = daemon_path(s->arena, s->data.dir, SLICE("sealed-stations"));
	size_t n = s->o->capture_count + s->o->flow_count;
	enum status st;

	s->leaf_base = daemon_commit_size(s->commit);
	s->commit = NULL;
	s->data = (struct data){0};
	if (dir.ptr == NULL)
		return fail_set(why, ST_NOMEM, "no memory for the sealed log");
	st = daemon_data_open(dir, SLICE(""), s->party, s->arena, &s->data, why);
	if (st == ST_OK)
		st = os_file_limit(dir, 0700, why);
	if (st == ST_OK)
		st = daemon_commit_open(&s->data, s->arena, &s->commit, why);
	if (st == ST_OK)
		st = commit_texts(s, why);
	for (size_t i = 0; st == ST_OK && i < n; i++)
		if (watch_is_sealed(s, i))
			st = watch_sense(s, i, r, why);
	if (st == ST_OK)
		st = judge(s, out, why);
	if (st == ST_OK)
		st = daemon_commit_flush(s->commit, why);
	if (st == ST_OK)
		st = daemon_commit_checkpoint(s->commit, s->arena, out_checkpoint, why);
	daemon_commit_close(s->commit);
	daemon_data_close(&s->data);
	return st == ST_OK ? ST_OK : fail_wrap(why, "sealed stations");
}

/* ---- the band ---- */

/* The case of all evidence that the public one is about: of the same two machines, at its time. */
static const struct bulletin_case *same_case(const struct bulletin *all,
					     const struct bulletin_case *c)
{
	for (size_t i = 0; i < all->case_count; i++) {
		const struct incident *x = &all->cases[i].incident;

		if (addr_equal(&x->actor, &c->incident.actor) &&
		    addr_equal(&x->target, &c->incident.target) &&
		    x->first.ns <= c->incident.first.ns && x->last.ns >= c->incident.last.ns)
			return &all->cases[i];
	}
	return NULL;
}

/* The finding of all evidence on the same clause, if it is about the same respondent. */
static const struct treaty_finding *same_finding(const struct bulletin_case *all,
						 const struct bulletin_case *c,
						 const struct treaty_finding *f)
{
	if (!slice_equal(all->respondent, c->respondent))
		return NULL;
	for (size_t i = 0; i < all->finding_count; i++) {
		const struct treaty_finding *x = &all->findings[i];

		if (slice_equal(x->instrument, f->instrument) &&
		    slice_equal(x->clause, f->clause) && slice_equal(x->party, f->party) &&
		    !x->not_applicable)
			return x;
	}
	return NULL;
}

static void add_interval(struct json *j, const char *key, struct interval p)
{
	struct interval band = claim_band(p);

	json_key(j, key);
	json_array(j);
	json_fixed(j, band.lo, 3);
	json_fixed(j, band.hi, 3);
	json_end(j);
}

static struct interval real_of(const struct bulletin_case *c)
{
	return c->ladder.rungs[0].candidates[0].p;
}

static void add_case(struct json *j, const struct bulletin *all, const struct bulletin_case *c)
{
	const struct bulletin_case *full = same_case(all, c);

	if (full == NULL)
		full = c;
	json_object(j);
	add_interval(j, "event", real_of(full));
	json_key(j, "findings");
	json_array(j);
	for (size_t i = 0; i < c->finding_count; i++) {
		const struct treaty_finding *f = &c->findings[i], *g = same_finding(full, c, f);

		if (f->not_applicable)
			continue;
		json_object(j);
		json_member_str(j, "clause", f->clause);
		json_member_str(j, "instrument", f->instrument);
		add_interval(j, "joint", (g != NULL ? g : f)->joint);
		json_member_str(j, "party", f->party);
		json_end(j);
	}
	json_end(j);
	json_member_u64(j, "number", c->incident.number);
	json_end(j);
}

/* Members in the order of their names. */
static void write_band(const struct bulletin *open_one, const struct bulletin *all,
		       struct slice sealed, struct buf *out)
{
	struct json j = json_in(out);

	json_object(&j);
	json_member_str(&j, "bulletin", open_one->id);
	json_member_str(&j, "format", SLICE("dewline-band/1"));
	json_key(&j, "incidents");
	json_array(&j);
	for (size_t i = 0; i < open_one->case_count; i++)
		add_case(&j, all, &open_one->cases[i]);
	json_end(&j);
	json_member_str(&j, "sealed", sealed);
	json_end(&j);
}

/* For a person, here. */
static void say_band(const struct bulletin *open_one, const struct bulletin *all, struct buf *out)
{
	for (size_t i = 0; i < open_one->case_count; i++) {
		const struct bulletin_case *c = &open_one->cases[i], *full = same_case(all, c);

		buf_add_fmt(out, "incident %u: public evidence says %s, all evidence %s\n",
			    c->incident.number, claim_word(real_of(c)),
			    claim_word(real_of(full != NULL ? full : c)));
	}
}

static void salt(void *ctx, uint8_t *out, size_t n)
{
	memcpy(out, ctx, n < DATA_OWN_SALT ? n : DATA_OWN_SALT);
}

/* What the figures rest on, salted: the sealed log's checkpoint, or null. Who is shown *out can
 * check that *out_digest, which is in the band, is its SHA-256 (RFC 9901 4.2.3). */
static enum status commit_to(struct watch *w, struct slice id, struct slice checkpoint,
			     struct slice *out, struct slice *out_digest, struct fail *why)
{
	uint8_t bytes[DATA_OWN_SALT], hash[CRYPTO_SHA256_BYTES];
	const struct crypto_random own = {bytes, salt};
	struct buf value = buf_in(w->arena), digest = buf_in(w->arena);
	struct json j = json_in(&value);
	struct record_field f = {.name = SLICE("sealed")};
	struct slice *text;
	enum status st;

	daemon_data_own_salt(&w->data, id, bytes);
	if (checkpoint.len != 0)
		json_str(&j, checkpoint);
	else
		json_null(&j);
	f.json = buf_slice(&value);
	st = value.full ? fail_set(why, ST_NOMEM, "no memory for the band")
			: disclose_fields(&own, &f, 1, w->arena, &text, why);
	if (st != ST_OK)
		return st;
	crypto_sha256_of(text[0], hash);
	crypto_base64_add(CRYPTO_BASE64URL, (struct slice){hash, sizeof hash}, &digest);
	*out = text[0];
	*out_digest = buf_slice(&digest);
	return digest.full ? fail_set(why, ST_NOMEM, "no memory for the band") : ST_OK;
}

static struct slice named(struct watch *w, struct slice id, const char *ending)
{
	struct slice name = buf_text(w->arena, "%.*s%s", SLICE_ARG(id), ending);

	return name.ptr == NULL ? name : daemon_path(w->arena, w->data.bands, name);
}

enum status watch_band(struct watch *w, struct daemon_watch_result *r, struct fail *why)
{
	struct slice checkpoint = {NULL, 0}, opening, digest, opening_path;
	struct watch *s = ARENA_NEW(w->arena, struct watch);
	struct buf band = buf_in(w->arena), said = buf_in(w->arena);
	struct bulletin *all = ARENA_NEW(w->arena, struct bulletin);
	bool any = false;
	enum status st = ST_OK;

	if (s == NULL || all == NULL)
		return fail_set(why, ST_NOMEM, "no memory for the band");
	for (size_t i = 0; i < w->o->capture_count + w->o->flow_count; i++)
		any = any || watch_is_sealed(w, i);
	*s = *w; /* its facts go on behind ours, which nobody adds to any more */
	*all = r->bulletin;
	if (any)
		st = look(s, r, all, &checkpoint, why);
	crypto_wipe(&s->pan, sizeof s->pan); /* the first half has its own */
	if (st == ST_OK)
		st = commit_to(w, r->bulletin.id, checkpoint, &opening, &digest, why);
	if (st != ST_OK)
		return st;
	write_band(&r->bulletin, all, digest, &band);
	say_band(&r->bulletin, all, &said);
	r->band_text = buf_slice(&said);
	r->band_path = named(w, r->bulletin.id, ".json");
	opening_path = named(w, r->bulletin.id, ".opening");
	if (band.full || said.full || r->band_path.ptr == NULL || opening_path.ptr == NULL)
		return fail_set(why, ST_NOMEM, "no memory for the band");
	st = os_file_replace_private(NULL, opening_path, opening, why);
	return st == ST_OK ? os_file_replace(NULL, r->band_path, buf_slice(&band), why) : st;
}
