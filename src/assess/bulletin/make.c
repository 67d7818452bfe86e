/* SPDX-License-Identifier: Apache-2.0
 *
 * From facts to a bulletin: every part is made by the module that owns it, in one fixed order.
 *
 * Invariant: the result depends on *in and on nothing else, so two machines get the same bytes.
 */
#include "assess/bulletin/bulletin_priv.h"

#include "crypto/crypto.h"

/* More than this likely, a territory stands for where a machine is; a bare majority is what a
 * respondent needs, who is only "the party that the clause would bind". */
enum { TERRITORY_LEAST = 500 };

static enum status no_memory(struct fail *why)
{
	return fail_set(why, ST_NOMEM, "bulletin: no memory");
}

/* ---- texts ---------------------------------------------------------------------------------- */

static enum status read_parties(struct bulletin *b, struct arena *a, struct fail *why)
{
	const struct bulletin_input *in = b->input;
	struct party *parties = ARENA_ARRAY(a, struct party, in->party_count);

	if (parties == NULL)
		return no_memory(why);
	for (size_t i = 0; i < in->party_count; i++) {
		const struct bulletin_file *f = &in->party_files[i];
		enum status st = party_parse(f->name, f->text, a, &parties[i], NULL, why);

		if (st != ST_OK)
			return st;
		for (size_t k = 0; k < i; k++)
			if (slice_equal(parties[k].id, parties[i].id))
				return fail_set(why, ST_INVALID,
						"%.*s: the party \"%.*s\" has two files",
						SLICE_ARG(f->name), SLICE_ARG(parties[i].id));
	}
	b->parties = parties;
	b->party_count = in->party_count;
	b->party = parties[0].id;
	return ST_OK;
}

static enum status read_treaties(struct bulletin *b, struct arena *a, struct fail *why)
{
	const struct bulletin_input *in = b->input;
	struct treaty **treaties = ARENA_ARRAY(a, struct treaty *, in->treaty_count + 1);

	if (treaties == NULL)
		return no_memory(why);
	for (size_t i = 0; i < in->treaty_count; i++) {
		const struct bulletin_file *f = &in->treaty_files[i];
		enum status st = treaty_compile(f->name, f->text, a, &treaties[i], NULL, why);

		if (st != ST_OK)
			return st;
	}
	b->treaties = (const struct treaty *const *)treaties;
	b->treaty_count = in->treaty_count;
	return ST_OK;
}

static enum status read_prior(struct bulletin *b, struct arena *a, struct fail *why)
{
	const struct bulletin_file *f = &b->input->prior;
	struct prior *p = ARENA_NEW(a, struct prior);

	if (p == NULL)
		return no_memory(why);
	b->prior = p;
	b->prior_name = f->name.len != 0 ? f->name : prior_builtin_name();
	b->prior_text = f->name.len != 0 ? f->text : prior_builtin_text();
	return prior_parse(b->prior_name, b->prior_text, p, why);
}

/* ---- pseudonyms -----------------------------------------------------------------------------
 */

const struct addr_prefix *bulletin_pseudonym_net(const struct bulletin *b, const struct addr *a)
{
	for (size_t i = 0; i < b->party_count; i++)
		for (size_t k = 0; k < b->parties[i].hidden_count; k++)
			if (addr_prefix_holds(&b->parties[i].hidden[k], a))
				return &b->parties[i].hidden[k];
	return NULL;
}

/* Where a party's addresses leave as pseudonyms, each of them is one, and nothing else is: or the
 * same text would stand for two machines. */
static enum status check_end(const struct bulletin *b, const struct fact *f, const struct addr *a,
			     bool hidden, struct fail *why)
{
	const struct addr_prefix *net = bulletin_pseudonym_net(b, a);
	const struct party *owner = party_of_addr(b->parties, b->party_count, a);
	bool inside = false;

	if (a->family == 0 || (net == NULL && !hidden))
		return ST_OK;
	if (net == NULL)
		return fail_set(why, ST_INVALID,
				"leaf %llu: a pseudonym that is of no network whose party says "
				"that its addresses leave as pseudonyms",
				(unsigned long long)f->leaf);
	if (!hidden)
		return fail_set(why, ST_INVALID,
				"leaf %llu: an address where its party says that they leave as "
				"pseudonyms",
				(unsigned long long)f->leaf);
	for (size_t k = 0; k < owner->hidden_count; k++)
		inside = inside || addr_prefix_holds(&owner->hidden[k], a);
	return inside ? ST_OK
		      : fail_set(why, ST_INVALID,
				 "leaf %llu: a pseudonym of one party in a network of another",
				 (unsigned long long)f->leaf);
}

static enum status check_pseudonyms(const struct bulletin *b, struct fail *why)
{
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < b->input->facts.count; i++) {
		const struct fact *f = &b->input->facts.facts[i];
		const struct record *r = f->record;

		st = check_end(b, f, &r->src, r->src_hidden, why);
		if (st == ST_OK)
			st = check_end(b, f, &r->dst, r->dst_hidden, why);
		if (st == ST_OK && r->kind == RECORD_LOCATION)
			st = check_end(b, f, &r->u.location.address, false, why);
	}
	return st;
}

/* ---- coverage ------------------------------------------------------------------------------- */

static bool is_capture(const struct fact *f)
{
	return f->record->kind == RECORD_INPUT &&
	       slice_equal(f->record->u.input.what, SLICE("capture"));
}

/* Flows that others told cover a time, but no station saw it. */
static bool is_told(const struct fact *f)
{
	return f->record->kind == RECORD_INPUT &&
	       slice_equal(f->record->u.input.what, SLICE("flows"));
}

static void widen(struct wall_ns *first, struct wall_ns *last, struct wall_ns from,
		  struct wall_ns to)
{
	if (first->ns == 0 || from.ns < first->ns)
		first->ns = from.ns;
	if (to.ns > last->ns)
		last->ns = to.ns;
}

static void look_at_captures(struct bulletin *b, struct bulletin_station *s)
{
	for (size_t i = 0; i < b->input->facts.count; i++) {
		const struct fact *f = &b->input->facts.facts[i];

		if (!is_capture(f) || !slice_equal(f->record->party, s->party) ||
		    !slice_equal(f->record->station, s->station))
			continue;
		s->seen = true;
		s->packets += f->record->u.input.packets;
		if (f->record->u.input.first.ns != 0)
			widen(&s->first, &s->last, f->record->u.input.first,
			      f->record->u.input.last);
	}
}

static enum status cover(struct bulletin *b, struct arena *a, struct fail *why)
{
	size_t n = 0;

	for (size_t i = 0; i < b->party_count; i++)
		n += b->parties[i].station_count;
	b->stations = ARENA_ARRAY(a, struct bulletin_station, n + 1);
	if (b->stations == NULL)
		return no_memory(why);
	for (size_t i = 0; i < b->party_count; i++)
		for (size_t k = 0; k < b->parties[i].station_count; k++) {
			struct bulletin_station *s = &b->stations[b->station_count++];

			s->party = b->parties[i].id;
			s->station = b->parties[i].stations[k].name;
			s->place = b->parties[i].stations[k].place;
			look_at_captures(b, s);
		}
	for (size_t i = 0; i < b->input->facts.count; i++) {
		const struct fact *f = &b->input->facts.facts[i];

		if ((is_capture(f) || is_told(f)) && f->record->u.input.first.ns != 0)
			widen(&b->first, &b->last, f->record->u.input.first,
			      f->record->u.input.last);
	}
	return ST_OK;
}

/* ---- one case ------------------------------------------------------------------------------- */

static const struct origin *origin_of(const struct bulletin_case *c, const struct addr *machine)
{
	for (size_t i = 0; i < c->origin_count; i++)
		if (addr_equal(&c->origins[i].address, machine))
			return &c->origins[i];
	return NULL;
}

static enum status find_origins(const struct bulletin *b, struct bulletin_case *c, struct arena *a,
				struct fail *why)
{
	c->origins = ARENA_ARRAY(a, struct origin, c->chain.hop_count + 1);
	if (c->origins == NULL)
		return no_memory(why);
	for (size_t i = 0; i <= c->chain.hop_count; i++) {
		const struct addr *machine =
			i == 0 ? &c->incident.actor : &c->chain.hops[i - 1].machine;
		enum status st;

		if (machine->family == 0 || origin_of(c, machine) != NULL)
			continue;
		st = origin_judge(&b->input->facts, machine, b->prior, a,
				  &c->origins[c->origin_count], why);
		if (st != ST_OK)
			return st;
		c->origin_count++;
	}
	return ST_OK;
}

/* The party whose network, else whose territory, the machine is in; NULL if none can be named. */
static const struct party *party_of_machine(const struct bulletin *b, const struct bulletin_case *c,
					    const struct addr *machine, bool *network)
{
	const struct party *p = party_of_addr(b->parties, b->party_count, machine);
	const struct origin *o = origin_of(c, machine);

	*network = p != NULL;
	if (p != NULL || o == NULL || o->candidate_count == 0 ||
	    o->candidates[0].p.lo <= TERRITORY_LEAST)
		return p;
	return party_of_territory(b->parties, b->party_count, o->candidates[0].territory);
}

/* Where the chain ends says whom a clause would bind there. It says nothing about who did it. */
static enum status name_respondent(const struct bulletin *b, struct bulletin_case *c,
				   struct arena *a, struct fail *why)
{
	const struct addr *end = c->chain.hop_count ? &c->chain.hops[c->chain.hop_count - 1].machine
						    : &c->incident.actor;
	bool network;
	const struct party *p = party_of_machine(b, c, end, &network);
	struct buf w = buf_in(a);
	char text[ADDR_TEXT_MAX];

	c->claimant = c->incident.target_party.len ? c->incident.target_party : b->party;
	buf_add_fmt(&w, "The chain ends at %.*s", SLICE_ARG(addr_format(end, text)));
	if (p == NULL) {
		buf_add_z(&w,
			  ", in no party's network and in no territory that is more likely than "
			  "not a party's: no party can be named that a clause would bind.");
	} else if (slice_equal(p->id, c->claimant)) {
		buf_add_fmt(&w,
			    ", inside %.*s itself: no other party can be named that a clause "
			    "would bind.",
			    SLICE_ARG(p->id));
	} else {
		buf_add_fmt(&w,
			    ", in the %s of %.*s: the party that a clause would bind there. "
			    "Whether it, or anybody for it, did this is another question.",
			    network ? "network" : "territory", SLICE_ARG(p->id));
		c->respondent = p->id;
	}
	c->respondent_why = buf_slice(&w);
	return w.full ? no_memory(why) : ST_OK;
}

static bool is_bound(const struct party *p, struct slice instrument, struct wall_ns at)
{
	for (size_t i = 0; p != NULL && i < p->bond_count; i++)
		if (slice_equal(p->bonds[i].instrument, instrument) &&
		    p->bonds[i].since.ns <= at.ns)
			return true;
	return false;
}

static enum status judge_case(const struct bulletin *b, struct bulletin_case *c, struct arena *a,
			      struct fail *why)
{
	const struct party *claimant = bulletin_party(b, c->claimant);
	const struct party *respondent = bulletin_party(b, c->respondent);
	size_t room = 0;

	for (size_t i = 0; i < b->treaty_count; i++) {
		struct slice id = treaty_id(b->treaties[i]);
		struct treaty_case tc = {.claims = &c->claims,
					 .at = c->incident.first,
					 .claimant = c->claimant,
					 .respondent = c->respondent};
		struct treaty_finding *found;
		size_t n;
		enum status st;

		tc.claimant_bound = is_bound(claimant, id, tc.at);
		tc.respondent_bound = is_bound(respondent, id, tc.at);
		st = treaty_judge(b->treaties[i], &tc, a, &found, &n, why);
		if (st != ST_OK)
			return st;
		for (size_t k = 0; k < n; k++)
			if (!ARENA_PUSH(a, c->findings, c->finding_count, room, found[k]))
				return no_memory(why);
	}
	return ST_OK;
}

static enum status make_case(const struct bulletin *b, const struct incident *i, struct arena *a,
			     struct bulletin_case *c, struct fail *why)
{
	const struct fact_set *facts = &b->input->facts;
	enum status st;

	c->incident = *i;
	st = trace_incident(i, facts, b->parties, b->party_count, a, &c->chain, why);
	if (st == ST_OK)
		st = find_origins(b, c, a, why);
	if (st == ST_OK)
		st = attrib_climb(i, &c->chain, c->origins, c->origin_count, b->prior, a,
				  &c->ladder, why);
	if (st == ST_OK)
		st = incident_claims(i, facts, b->parties, b->party_count, a, &c->claims, why);
	if (st == ST_OK)
		st = attrib_claims(&c->ladder, &c->chain, b->prior, a, &c->claims, why);
	if (st == ST_OK)
		st = name_respondent(b, c, a, why);
	return st == ST_OK ? judge_case(b, c, a, why) : st;
}

/* ---- the whole ------------------------------------------------------------------------------ */

static enum status make_id(struct bulletin *b, struct arena *a, struct fail *why)
{
	struct buf json = buf_in(a), id = buf_in(a);
	uint8_t hash[CRYPTO_SHA256_BYTES];
	enum status st = bulletin_write_json_form(b, false, a, &json, why);

	if (st != ST_OK)
		return st;
	crypto_sha256_of(buf_slice(&json), hash);
	buf_add(&id, b->stage);
	buf_add_byte(&id, '-');
	crypto_hex_add((struct slice){hash, 8}, &id);
	b->id = buf_slice(&id);
	return id.full ? no_memory(why) : ST_OK;
}

/* All but the id and the other verdict; *out is no bulletin if it fails. */
static enum status assess(const struct bulletin_input *in, struct arena *a, struct bulletin *out,
			  struct fail *why)
{
	struct bulletin *b = out;
	enum status st;

	*b = (struct bulletin){.stage = SLICE("B1"), .input = in};
	if (in->party_count == 0)
		return fail_set(why, ST_INVALID, "bulletin: expected at least one party file");
	st = read_parties(b, a, why);
	if (st == ST_OK)
		st = read_treaties(b, a, why);
	if (st == ST_OK)
		st = read_prior(b, a, why);
	if (st == ST_OK)
		st = check_pseudonyms(b, why);
	if (st == ST_OK)
		st = cover(b, a, why);
	if (st == ST_OK)
		st = incident_group(&in->facts, b->parties, b->party_count, a, &b->counted, why);
	if (st != ST_OK)
		return st;
	b->case_count = b->counted.count;
	b->cases = ARENA_ARRAY(a, struct bulletin_case, b->case_count + 1);
	if (b->cases == NULL)
		return no_memory(why);
	for (size_t i = 0; i < b->case_count; i++) {
		st = make_case(b, &b->counted.incidents[i], a, &b->cases[i], why);
		if (st != ST_OK)
			return st;
	}
	return ST_OK;
}

/* What all evidence says: computed from the same facts, or more of them, or told. */
static enum status look_at_all(struct bulletin *b, struct arena *a, struct fail *why)
{
	const struct bulletin_input *in = b->input;
	struct bulletin_input more = *in;
	struct bulletin *full;
	enum status st;

	if (in->all_said.len != 0) {
		b->all_said = true;
		st = bulletin_read_all(in->all_said, a, &b->all, why);
		if (st == ST_OK && !bulletin_all_fits(b, &b->all))
			st = fail_set(why, ST_INVALID,
				      "what the bulletin says of all evidence is about other "
				      "incidents or clauses");
		return st;
	}
	if (in->all.count == 0)
		return bulletin_both_make(b, b, a, &b->all, why);
	full = ARENA_NEW(a, struct bulletin);
	if (full == NULL)
		return no_memory(why);
	more.facts = in->all;
	st = assess(&more, a, full, why);
	if (st == ST_OK)
		st = bulletin_both_make(b, full, a, &b->all, why);
	b->all.withheld = true;
	memcpy(b->all.commitment, in->commitment, sizeof b->all.commitment);
	return st;
}

enum status bulletin_make(const struct bulletin_input *in, struct arena *a, struct bulletin *out,
			  struct fail *why)
{
	struct bulletin *b = ARENA_NEW(a, struct bulletin); /* too large for a stack */
	enum status st;

	if (b == NULL)
		return no_memory(why);
	st = assess(in, a, b, why);
	if (st == ST_OK)
		st = make_id(b, a, why);
	if (st == ST_OK)
		st = look_at_all(b, a, why);
	if (st == ST_OK)
		*out = *b;
	return st;
}
