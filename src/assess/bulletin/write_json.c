/* SPDX-License-Identifier: Apache-2.0
 *
 * The canonical form: RFC 8785, so keys in byte order, no white space, and numbers that are
 * integers below 2^53 or thousandths written by json_fixed(). docs/formats/bulletin.md draws it.
 *
 * Invariant: keys are written in sorted order; forms_test.c parses and sorts to prove it.
 */
#include "assess/bulletin/bulletin_priv.h"

#include "base/json.h"
#include "crypto/crypto.h"

static void key_str(struct json *j, const char *key, struct slice s)
{
	json_key(j, key);
	json_str(j, s);
}

static void key_u64(struct json *j, const char *key, uint64_t v)
{
	json_key(j, key);
	json_u64(j, v);
}

static void key_bool(struct json *j, const char *key, bool v)
{
	json_key(j, key);
	json_bool(j, v);
}

static void key_time(struct json *j, const char *key, struct wall_ns t)
{
	char text[TIME_TEXT_MAX];

	json_key(j, key);
	if (t.ns == 0)
		json_null(j);
	else
		json_str(j, time_format_rfc3339(t, text));
}

static void key_addr(struct json *j, const char *key, const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	key_str(j, key, addr_format(a, text));
}

static void key_interval(struct json *j, const char *key, struct interval p)
{
	json_key(j, key);
	json_array(j);
	json_fixed(j, p.lo, 3);
	json_fixed(j, p.hi, 3);
	json_end(j);
}

static void key_leaves(struct json *j, const uint64_t *leaves, size_t n)
{
	json_key(j, "leaves");
	json_array(j);
	for (size_t i = 0; i < n; i++)
		json_u64(j, leaves[i]);
	json_end(j);
}

static void key_slices(struct json *j, const char *key, const struct slice *s, size_t n)
{
	json_key(j, key);
	json_array(j);
	for (size_t i = 0; i < n; i++)
		json_str(j, s[i]);
	json_end(j);
}

static const char *value_name(enum treaty_value v)
{
	return v == TREATY_TRUE ? "true" : v == TREATY_FALSE ? "false" : "undetermined";
}

/* ---- parts of a case ------------------------------------------------------------------------ */

static void write_chain(struct json *j, const struct trace_chain *c)
{
	json_object(j);
	json_key(j, "hops");
	json_array(j);
	for (size_t i = 0; i < c->hop_count; i++) {
		const struct trace_hop *h = &c->hops[i];

		json_object(j);
		key_time(j, "first", h->first);
		key_str(j, "how", h->how);
		key_time(j, "last", h->last);
		key_leaves(j, h->leaves, h->leaf_count);
		key_addr(j, "machine", &h->machine);
		key_str(j, "party", h->party);
		key_interval(j, "probability", h->p);
		key_str(j, "station", h->station);
		json_end(j);
	}
	json_end(j);
	key_interval(j, "probability", c->whole);
	key_str(j, "stop", slice_of(bulletin_stop_names[c->stop]));
	key_str(j, "stop_why", c->stop_why);
	json_end(j);
}

static void write_claims(struct json *j, const struct claim_set *s)
{
	json_array(j);
	for (size_t i = 0; i < s->count; i++) {
		const struct claim *c = &s->claims[i];

		json_object(j);
		key_str(j, "atom", c->atom);
		key_leaves(j, c->leaves, c->leaf_count);
		key_interval(j, "probability", c->p);
		key_str(j, "why", c->why);
		json_end(j);
	}
	json_end(j);
}

static void write_changes(struct json *j, const struct treaty_finding *f)
{
	json_array(j);
	for (size_t i = 0; i < f->change_count; i++) {
		json_object(j);
		key_str(j, "atom", f->changes[i].atom);
		key_str(j, "if_false", slice_of(value_name(f->changes[i].if_false)));
		key_str(j, "if_true", slice_of(value_name(f->changes[i].if_true)));
		json_end(j);
	}
	json_end(j);
}

static void write_trace(struct json *j, const struct treaty_finding *f)
{
	json_array(j);
	for (size_t i = 0; i < f->trace_count; i++) {
		json_object(j);
		key_u64(j, "depth", f->trace[i].depth);
		key_str(j, "text", f->trace[i].text);
		key_str(j, "value", slice_of(value_name(f->trace[i].value)));
		json_end(j);
	}
	json_end(j);
}

static void write_finding(struct json *j, const struct treaty_finding *f)
{
	json_object(j);
	key_bool(j, "applies", !f->not_applicable);
	json_key(j, "changes");
	write_changes(j, f);
	key_str(j, "clause", f->clause);
	key_str(j, "instrument", f->instrument);
	key_interval(j, "joint", f->joint);
	key_leaves(j, f->leaves, f->leaf_count);
	key_str(j, "party", f->party);
	key_str(j, "result", f->result);
	key_str(j, "rule", f->rule);
	key_str(j, "source", f->source);
	json_key(j, "standard");
	if (f->standard.len == 0) {
		json_null(j);
	} else {
		json_object(j);
		json_key(j, "least");
		json_fixed(j, f->standard_milli, 3);
		key_str(j, "name", f->standard);
		json_end(j);
	}
	key_str(j, "title", f->title);
	json_key(j, "trace");
	write_trace(j, f);
	key_bool(j, "unverifiable", f->unverifiable);
	json_end(j);
}

static void write_ladder(struct json *j, const struct attrib_ladder *l)
{
	json_object(j);
	key_str(j, "limit", l->limit);
	json_key(j, "rungs");
	json_array(j);
	for (uint64_t i = 0; i < ATTRIB_LEVELS; i++) {
		const struct attrib_rung *r = &l->rungs[i];

		json_object(j);
		key_bool(j, "attributed", r->attributed);
		key_str(j, "basis", r->basis);
		json_key(j, "candidates");
		json_array(j);
		for (size_t k = 0; k < r->candidate_count; k++) {
			json_object(j);
			key_interval(j, "probability", r->candidates[k].p);
			key_str(j, "what", r->candidates[k].what);
			json_end(j);
		}
		json_end(j);
		key_u64(j, "level", i);
		key_str(j, "name", slice_of(r->name));
		json_end(j);
	}
	json_end(j);
	json_end(j);
}

static void write_origin(struct json *j, const struct origin *o)
{
	json_object(j);
	key_addr(j, "address", &o->address);
	key_bool(j, "anycast", o->anycast);
	key_str(j, "as_name", o->as_name);
	key_str(j, "as_why", o->as_why);
	key_u64(j, "asn", o->asn);
	key_bool(j, "asn_disputed", o->asn_disputed);
	json_key(j, "candidates");
	json_array(j);
	for (size_t i = 0; i < o->candidate_count; i++) {
		const struct origin_candidate *c = &o->candidates[i];

		json_object(j);
		key_leaves(j, c->leaves, c->leaf_count);
		key_interval(j, "probability", c->p);
		key_str(j, "tables", c->tables);
		key_str(j, "territory", c->territory);
		json_end(j);
	}
	json_end(j);
	key_bool(j, "hosting", o->hosting);
	key_bool(j, "proxy", o->proxy);
	key_str(j, "why", o->why);
	json_end(j);
}

static void write_timeline(struct json *j, const struct incident *i)
{
	json_array(j);
	for (size_t k = 0; k < i->step_count; k++) {
		json_object(j);
		key_str(j, "act", slice_of(incident_act_names[i->steps[k].act]));
		key_time(j, "at", i->steps[k].at);
		key_u64(j, "leaf", i->steps[k].leaf);
		json_end(j);
	}
	json_end(j);
}

static void write_case(struct json *j, const struct bulletin_case *c)
{
	const struct incident *i = &c->incident;

	json_object(j);
	key_addr(j, "actor", &i->actor);
	json_key(j, "chain");
	write_chain(j, &c->chain);
	key_str(j, "claimant", c->claimant);
	json_key(j, "claims");
	write_claims(j, &c->claims);
	key_str(j, "family", i->family);
	json_key(j, "findings");
	json_array(j);
	for (size_t k = 0; k < c->finding_count; k++)
		write_finding(j, &c->findings[k]);
	json_end(j);
	key_time(j, "first", i->first);
	key_str(j, "gravest", slice_of(incident_act_names[i->gravest]));
	json_key(j, "ladder");
	write_ladder(j, &c->ladder);
	key_time(j, "last", i->last);
	key_u64(j, "number", i->number);
	json_key(j, "origins");
	json_array(j);
	for (size_t k = 0; k < c->origin_count; k++)
		write_origin(j, &c->origins[k]);
	json_end(j);
	key_str(j, "respondent", c->respondent);
	key_str(j, "respondent_why", c->respondent_why);
	key_slices(j, "stations", i->stations, i->station_count);
	key_addr(j, "target", &i->target);
	key_str(j, "target_party", i->target_party);
	json_key(j, "timeline");
	write_timeline(j, i);
	key_str(j, "title", i->title);
	json_end(j);
}

/* ---- parts of the whole --------------------------------------------------------------------- */

static void write_counting(struct json *j, const struct bulletin *b)
{
	json_object(j);
	key_u64(j, "events", b->counted.events);
	key_u64(j, "incidents", b->counted.count);
	key_str(j, "rule", b->counted.rule);
	json_end(j);
}

static void write_coverage(struct json *j, const struct bulletin *b)
{
	json_array(j);
	for (size_t i = 0; i < b->station_count; i++) {
		const struct bulletin_station *s = &b->stations[i];

		json_object(j);
		key_time(j, "first", s->first);
		key_time(j, "last", s->last);
		key_u64(j, "packets", s->packets);
		key_str(j, "party", s->party);
		key_str(j, "place", s->place);
		key_bool(j, "seen", s->seen);
		key_str(j, "station", s->station);
		json_end(j);
	}
	json_end(j);
}

/* Committed inputs: what was loaded when the facts were made. */
static void write_inputs(struct json *j, const struct fact_set *facts)
{
	json_array(j);
	for (size_t i = 0; i < facts->count; i++) {
		const struct record *r = facts->facts[i].record;

		if (r->kind != RECORD_INPUT)
			continue;
		json_object(j);
		key_u64(j, "bytes", r->u.input.bytes);
		key_u64(j, "leaf", facts->facts[i].leaf);
		key_str(j, "name", r->u.input.name);
		key_str(j, "sha256", r->u.input.sha256);
		key_str(j, "what", r->u.input.what);
		json_end(j);
	}
	json_end(j);
}

static void write_texts(struct json *j, const struct bulletin_file *files, size_t n,
			const char *what)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t hash[CRYPTO_SHA256_BYTES];
		char hex[2 * CRYPTO_SHA256_BYTES];

		crypto_sha256_of(files[i].text, hash);
		json_object(j);
		key_u64(j, "bytes", files[i].text.len);
		key_str(j, "name", files[i].name);
		key_str(j, "sha256", crypto_hex_write((struct slice){hash, sizeof hash}, hex));
		key_str(j, "what", slice_of(what));
		json_end(j);
	}
}

/* Networks whose addresses are pseudonyms here; not there where there are none. */
static void write_pseudonyms(struct json *j, const struct bulletin *b)
{
	uint8_t room[ADDR_TEXT_MAX + 4];
	struct buf net = {.ptr = room, .room = sizeof room, .most = sizeof room};

	if (!bulletin_has_pseudonyms(b))
		return;
	json_key(j, "pseudonyms");
	json_array(j);
	for (size_t i = 0; net.len = 0, bulletin_pseudonyms_at(b, i, &net); i++)
		json_str(j, buf_slice(&net));
	json_end(j);
}

static void write_parties(struct json *j, const struct bulletin *b)
{
	json_array(j);
	for (size_t i = 0; i < b->party_count; i++) {
		json_object(j);
		key_str(j, "id", b->parties[i].id);
		key_str(j, "name", b->parties[i].name);
		json_end(j);
	}
	json_end(j);
}

enum status bulletin_write_json_form(const struct bulletin *b, bool with_id, struct arena *scratch,
				     struct buf *out, struct fail *why)
{
	struct json j = json_in(out);

	(void)scratch; /* the writer needs none; a later form may */
	json_object(&j);
	if (with_id) {
		json_key(&j, "all_evidence");
		bulletin_write_all(&j, &b->all);
	}
	json_key(&j, "counting");
	write_counting(&j, b);
	json_key(&j, "coverage");
	write_coverage(&j, b);
	key_str(&j, "format", SLICE("dewline-bulletin/2"));
	if (with_id)
		key_str(&j, "id", b->id);
	json_key(&j, "incidents");
	json_array(&j);
	for (size_t i = 0; i < b->case_count; i++)
		write_case(&j, &b->cases[i]);
	json_end(&j);
	json_key(&j, "inputs");
	write_inputs(&j, &b->input->facts);
	json_key(&j, "parties");
	write_parties(&j, b);
	key_str(&j, "party", b->party);
	json_key(&j, "period");
	json_object(&j);
	key_time(&j, "first", b->first);
	key_time(&j, "last", b->last);
	json_end(&j);
	write_pseudonyms(&j, b);
	json_key(&j, "public_only");
	bulletin_write_public(&j, b);
	key_str(&j, "stage", b->stage);
	json_key(&j, "texts");
	json_array(&j);
	write_texts(&j, &(struct bulletin_file){b->prior_name, b->prior_text}, 1, "prior");
	write_texts(&j, b->input->party_files, b->input->party_count, "party");
	write_texts(&j, b->input->treaty_files, b->input->treaty_count, "treaty");
	json_end(&j);
	json_end(&j);
	return out->full ? fail_set(why, ST_NOMEM, "bulletin: no memory for the JSON") : ST_OK;
}

enum status bulletin_write_json(const struct bulletin *b, struct arena *scratch, struct buf *out,
				struct fail *why)
{
	return bulletin_write_json_form(b, true, scratch, out, why);
}
