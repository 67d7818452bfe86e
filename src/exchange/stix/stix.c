/* SPDX-License-Identifier: Apache-2.0
 *
 * Invariants:
 * 1. An id is written once. Objects that several incidents share are looked up in `seen` first.
 * 2. Every reference names an object of the same bundle, so objects come before who refers to them.
 * 3. Relationships are those of the specification's tables (section 4 and appendix B), or
 *    related-to.
 */
#include "exchange/stix/stix.h"

#include "assess/claim/claim.h"
#include "assess/incident/incident.h"

#include "base/json.h"
#include "crypto/crypto.h"

const char *const stix_tlp_names[STIX_TLPS] = {
	[STIX_TLP_CLEAR] = "clear", [STIX_TLP_GREEN] = "green",
	[STIX_TLP_AMBER] = "amber", [STIX_TLP_AMBER_STRICT] = "amber+strict",
	[STIX_TLP_RED] = "red",
};

/* Marking definitions of TLP 2.0, as the OASIS common object repository has them. */
static const char *const tlp_ids[STIX_TLPS] = {
	[STIX_TLP_CLEAR] = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
	[STIX_TLP_GREEN] = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
	[STIX_TLP_AMBER] = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
	[STIX_TLP_AMBER_STRICT] = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
	[STIX_TLP_RED] = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
};

#define TLP_EXTENSION "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"

/* 00abedb4-aa42-466c-9c01-fed23315a9b7: cyber-observables (STIX 2.1, 2.9). */
static const uint8_t observable_space[16] = {0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c,
					     0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7};

/* b2b61c4a-d458-4f90-8206-80afdf430289: ours, for all other objects; drawn once. */
static const uint8_t object_space[16] = {0xb2, 0xb6, 0x1c, 0x4a, 0xd4, 0x58, 0x4f, 0x90,
					 0x82, 0x06, 0x80, 0xaf, 0xdf, 0x43, 0x02, 0x89};

struct stix {
	const struct bulletin *b;
	struct arena *a;
	struct json j;
	struct slice creator, marking;
	char created[TIME_TEXT_MAX];
	struct slice *refs; /* of all objects but marking definitions, in order */
	size_t ref_count, ref_room;
	struct slice *seen; /* open addressing by the id's last digits */
	size_t slots;	    /* a power of two, more than twice the ids */
	bool ok;
};

/* ---- ids ------------------------------------------------------------------------------------ */

void stix_uuid5(const uint8_t space[16], struct slice name, char out[STIX_UUID_BYTES])
{
	static const uint8_t dashes[] = {8, 13, 18, 23};
	uint8_t hash[CRYPTO_SHA1_BYTES];
	char hex[2 * 16];
	uint8_t whole[16 + 512];
	size_t from = 0, dash = 0;

	ASSERT(name.len <= sizeof whole - 16);
	memcpy(whole, space, 16);
	if (name.len != 0)
		memcpy(whole + 16, name.ptr, name.len);
	crypto_sha1_of((struct slice){whole, 16 + name.len}, hash);
	hash[6] = (uint8_t)((hash[6] & 0x0f) | 0x50);
	hash[8] = (uint8_t)((hash[8] & 0x3f) | 0x80);
	(void)crypto_hex_write((struct slice){hash, 16}, hex); /* the slice of what we know */
	for (size_t i = 0; i < STIX_UUID_BYTES; i++) {
		if (dash < sizeof dashes && i == dashes[dash]) {
			out[i] = '-';
			dash++;
		} else {
			out[i] = hex[from++];
		}
	}
}

static struct slice id_of(struct stix *s, const uint8_t space[16], const char *type,
			  struct slice name)
{
	struct buf b = buf_in(s->a);
	char uuid[STIX_UUID_BYTES];

	stix_uuid5(space, name, uuid);
	buf_add_z(&b, type);
	buf_add_z(&b, "--");
	buf_add(&b, (struct slice){(const uint8_t *)uuid, sizeof uuid});
	s->ok = s->ok && !b.full;
	return buf_slice(&b);
}

/* The id of one of our own objects. key may be anything: it is hashed if long. */
static struct slice object_id(struct stix *s, const char *type, struct slice key)
{
	struct buf b = buf_in(s->a);
	uint8_t hash[CRYPTO_SHA256_BYTES];

	buf_add(&b, slice_part(s->b->id, 0, 64));
	buf_add_byte(&b, '/');
	buf_add_z(&b, type);
	buf_add_byte(&b, '/');
	if (key.len <= 256) {
		buf_add(&b, key);
	} else {
		crypto_sha256_of(key, hash);
		crypto_hex_add((struct slice){hash, sizeof hash}, &b);
	}
	s->ok = s->ok && !b.full;
	return id_of(s, object_space, type, b.full ? SLICE("") : buf_slice(&b));
}

static struct slice text_key(struct stix *s, uint64_t number, struct slice a, struct slice b)
{
	struct buf k = buf_in(s->a);

	buf_add_u64(&k, number);
	buf_add_byte(&k, '/');
	buf_add(&k, a);
	buf_add_byte(&k, '/');
	buf_add(&k, b);
	s->ok = s->ok && !k.full;
	return buf_slice(&k);
}

/* True the first time an id is shown; then it is in refs. */
static bool is_new(struct stix *s, struct slice id)
{
	uint64_t h = 0;
	size_t at;

	if (!s->ok || id.len < 16)
		return false;
	for (size_t i = id.len - 16; i < id.len; i++)
		h = h * 31 + id.ptr[i];
	at = h & (s->slots - 1);
	while (s->seen[at].len != 0) {
		if (slice_equal(s->seen[at], id))
			return false;
		at = (at + 1) & (s->slots - 1);
	}
	s->seen[at] = id;
	s->ok = ARENA_PUSH(s->a, s->refs, s->ref_count, s->ref_room, id);
	ASSERT(s->ref_count < s->slots);
	return s->ok;
}

/* ---- parts of objects ----------------------------------------------------------------------- */

static void put(struct stix *s, const char *key, struct slice value)
{
	json_key(&s->j, key);
	json_str(&s->j, value);
}

static void put_z(struct stix *s, const char *key, const char *value)
{
	put(s, key, slice_of(value));
}

static void put_time(struct stix *s, const char *key, struct wall_ns t)
{
	char text[TIME_TEXT_MAX];

	put(s, key, time_format_ms(t, text));
}

static void put_refs(struct stix *s, const char *key, const struct slice *ids, size_t n)
{
	json_key(&s->j, key);
	json_array(&s->j);
	for (size_t i = 0; i < n; i++)
		json_str(&s->j, ids[i]);
	json_end(&s->j);
}

static void put_confidence(struct stix *s, struct interval p)
{
	json_key(&s->j, "confidence");
	json_i64(&s->j, p.lo / 10);
}

/* "Probability 0.70-0.85. " and a sentence. */
static void put_described(struct stix *s, struct interval p, struct slice why)
{
	struct buf b = buf_in(s->a);

	buf_add_z(&b, "Probability ");
	claim_write_interval(p, &b);
	buf_add_z(&b, why.len ? ". " : ".");
	buf_add(&b, why);
	s->ok = s->ok && !b.full;
	put(s, "description", buf_slice(&b));
}

static void begin_observable(struct stix *s, const char *type, struct slice id)
{
	json_object(&s->j);
	put_z(s, "type", type);
	put_z(s, "spec_version", "2.1");
	put(s, "id", id);
	put_refs(s, "object_marking_refs", &s->marking, 1);
}

static void begin(struct stix *s, const char *type, struct slice id)
{
	begin_observable(s, type, id);
	put(s, "created_by_ref", s->creator);
	put_z(s, "created", s->created);
	put_z(s, "modified", s->created);
}

static void relate(struct stix *s, const char *verb, struct slice from, struct slice to,
		   const struct interval *p, struct slice why)
{
	struct slice id = object_id(s, "relationship", text_key(s, from.len, from, to));

	if (!is_new(s, id))
		return;
	begin(s, "relationship", id);
	put_z(s, "relationship_type", verb);
	put(s, "source_ref", from);
	put(s, "target_ref", to);
	if (p != NULL) {
		put_confidence(s, *p);
		put_described(s, *p, why);
	}
	json_end(&s->j);
}

/* ---- observables ---------------------------------------------------------------------------- */

static const char *address_type(const struct addr *a)
{
	return a->family == 6 ? "ipv6-addr" : "ipv4-addr";
}

/* ptr NULL: it is a pseudonym, of which STIX must not speak as of an address. */
static struct slice write_address(struct stix *s, const struct addr *a)
{
	char text[ADDR_TEXT_MAX];
	struct slice value = addr_format(a, text), id;
	struct buf name = buf_in(s->a);

	if (bulletin_pseudonym_net(s->b, a) != NULL)
		return (struct slice){NULL, 0};
	buf_add_z(&name, "{\"value\":\"");
	buf_add(&name, value);
	buf_add_z(&name, "\"}");
	s->ok = s->ok && !name.full;
	id = id_of(s, observable_space, address_type(a), buf_slice(&name));
	if (!is_new(s, id))
		return id;
	begin_observable(s, address_type(a), id);
	put(s, "value", value);
	json_end(&s->j);
	return id;
}

static struct slice write_as(struct stix *s, uint64_t number, struct slice as_name)
{
	struct buf name = buf_in(s->a);
	struct slice id;

	buf_add_z(&name, "{\"number\":");
	buf_add_u64(&name, number);
	buf_add_z(&name, "}");
	s->ok = s->ok && !name.full;
	id = id_of(s, observable_space, "autonomous-system", buf_slice(&name));
	if (!is_new(s, id))
		return id;
	begin_observable(s, "autonomous-system", id);
	json_key(&s->j, "number");
	json_u64(&s->j, number);
	if (as_name.len != 0)
		put(s, "name", as_name);
	json_end(&s->j);
	return id;
}

/* ---- objects of an incident ----------------------------------------------------------------- */

static const struct origin *origin_of(const struct bulletin_case *c, const struct addr *a)
{
	for (size_t i = 0; i < c->origin_count; i++)
		if (addr_equal(&c->origins[i].address, a))
			return &c->origins[i];
	return NULL;
}

static struct slice write_location(struct stix *s, struct slice territory)
{
	struct slice id = object_id(s, "location", territory);

	if (is_new(s, id)) {
		begin(s, "location", id);
		put(s, "country", territory);
		json_end(&s->j);
	}
	return id;
}

/* Territories and AS of one machine. "none of these" has no place to point to: it stands in the
 * machine's description. */
static void write_origin(struct stix *s, const struct origin *o, struct slice machine,
			 struct slice address)
{
	for (size_t i = 0; i < o->candidate_count; i++) {
		const struct origin_candidate *d = &o->candidates[i];

		if (!slice_equal(d->territory, SLICE("??")))
			relate(s, "located-at", machine, write_location(s, d->territory), &d->p,
			       d->tables);
	}
	if (o->asn != 0 && address.ptr != NULL)
		relate(s, "belongs-to", address, write_as(s, o->asn, o->as_name), NULL, SLICE(""));
}

static struct slice pseudonym_name(struct stix *s, struct slice value)
{
	struct slice name = buf_text(s->a, "%.*s (pseudonym)", SLICE_ARG(value));

	s->ok = s->ok && name.ptr != NULL;
	return name;
}

/* A machine of the chain. */
static struct slice write_machine(struct stix *s, const struct bulletin_case *c,
				  const struct addr *a)
{
	const struct origin *o = origin_of(c, a);
	char text[ADDR_TEXT_MAX];
	struct slice value = addr_format(a, text), address = write_address(s, a);
	struct slice id =
		object_id(s, "infrastructure", text_key(s, c->incident.number, value, SLICE("")));

	if (!is_new(s, id))
		return id;
	begin(s, "infrastructure", id);
	put(s, "name", address.ptr != NULL ? value : pseudonym_name(s, value));
	put_z(s, "description",
	      address.ptr != NULL
		      ? "A machine of the chain, as far as it was seen. No claim that anything "
			"began here, or of who ran it."
		      : "A machine of the chain, as far as it was seen, by its pseudonym: this is "
			"not its address. No claim that anything began here, or of who ran it.");
	if (o != NULL && (o->proxy || o->hosting)) {
		json_key(&s->j, "infrastructure_types");
		json_array(&s->j);
		json_z(&s->j, o->proxy ? "anonymization" : "hosting");
		json_end(&s->j);
	}
	put_time(s, "first_seen", c->incident.first);
	put_time(s, "last_seen", c->incident.last);
	json_end(&s->j);
	if (address.ptr != NULL)
		relate(s, "consists-of", id, address, NULL, SLICE(""));
	if (o != NULL)
		write_origin(s, o, id, address);
	return id;
}

static struct slice write_incident(struct stix *s, const struct bulletin_case *c)
{
	const struct incident *i = &c->incident;
	struct slice id = object_id(s, "incident", text_key(s, i->number, SLICE(""), SLICE("")));
	struct buf b = buf_in(s->a);

	buf_add(&b, c->chain.stop_why);
	buf_add_fmt(&b, " Counted by the rule %.*s: %zu events.", SLICE_ARG(s->b->counted.rule),
		    i->step_count);
	s->ok = s->ok && !b.full;
	if (!is_new(s, id))
		return id;
	begin(s, "incident", id);
	put(s, "name", i->title.len ? i->title : SLICE("incident"));
	put(s, "description", slice_trim(buf_slice(&b)));
	json_key(&s->j, "labels");
	json_array(&s->j);
	json_z(&s->j, incident_act_names[i->gravest]);
	json_end(&s->j);
	json_end(&s->j);
	return id;
}

/* Of the two ends those that are no pseudonyms; ptr NULL: both are. */
static struct slice write_observed(struct stix *s, const struct bulletin_case *c)
{
	const struct incident *i = &c->incident;
	struct slice id =
		object_id(s, "observed-data", text_key(s, i->number, SLICE(""), SLICE("")));
	struct slice seen[2];
	size_t n = 0;

	seen[0] = write_address(s, &i->actor);
	n += seen[0].ptr != NULL;
	seen[n] = write_address(s, &i->target);
	n += seen[n].ptr != NULL && (n == 0 || !slice_equal(seen[0], seen[1]));
	if (n == 0)
		return (struct slice){NULL, 0};
	if (!is_new(s, id))
		return id;
	begin(s, "observed-data", id);
	put_time(s, "first_observed", i->first);
	put_time(s, "last_observed", i->last);
	json_key(&s->j, "number_observed");
	json_u64(&s->j, i->step_count > 0 ? i->step_count : 1);
	put_refs(s, "object_refs", seen, n);
	json_end(&s->j);
	return id;
}

static struct slice identity_id(struct stix *s, struct slice party)
{
	return object_id(s, "identity", party);
}

static bool is_party(const struct stix *s, struct slice id)
{
	for (size_t i = 0; i < s->b->party_count; i++)
		if (slice_equal(s->b->parties[i].id, id))
			return true;
	return false;
}

/* What others can look for, and that it was seen here. */
static void write_sighting(struct stix *s, const struct bulletin_case *c, struct slice observed,
			   struct slice machine)
{
	const struct incident *i = &c->incident;
	char text[ADDR_TEXT_MAX];
	struct slice value = addr_format(&i->actor, text);
	struct slice key = text_key(s, i->number, value, SLICE(""));
	struct slice indicator = object_id(s, "indicator", key), id = object_id(s, "sighting", key);
	struct slice where =
		is_party(s, i->target_party) ? identity_id(s, i->target_party) : s->creator;
	struct buf pattern = buf_in(s->a);

	buf_add_fmt(&pattern, "[%s:value = '%.*s']", address_type(&i->actor), SLICE_ARG(value));
	s->ok = s->ok && !pattern.full;
	if (is_new(s, indicator)) {
		begin(s, "indicator", indicator);
		put_z(s, "description", "The machine next to the target. It may be a relay.");
		put(s, "pattern", buf_slice(&pattern));
		put_z(s, "pattern_type", "stix");
		put_time(s, "valid_from", i->first);
		json_end(&s->j);
		relate(s, "indicates", indicator, machine, NULL, SLICE(""));
	}
	if (!is_new(s, id))
		return;
	begin(s, "sighting", id);
	put(s, "sighting_of_ref", indicator);
	put_time(s, "first_seen", i->first);
	put_time(s, "last_seen", i->last);
	json_key(&s->j, "count");
	json_u64(&s->j, i->step_count);
	put_refs(s, "observed_data_refs", &observed, 1);
	put_refs(s, "where_sighted_refs", &where, 1);
	json_end(&s->j);
}

/* From the farthest machine to the target; each link with its probability. */
static void write_chain(struct stix *s, const struct bulletin_case *c, struct slice incident)
{
	struct slice next = write_address(s, &c->incident.target);

	if (next.ptr == NULL)
		next = write_machine(s, c, &c->incident.target);
	for (size_t i = 0; i < c->chain.hop_count; i++) {
		const struct trace_hop *h = &c->chain.hops[i];
		struct slice machine = write_machine(s, c, &h->machine);

		relate(s, "communicates-with", machine, next, &h->p, h->how);
		relate(s, "related-to", machine, incident, NULL, SLICE(""));
		next = machine;
	}
}

static void write_family(struct stix *s, const struct bulletin_case *c, struct slice incident)
{
	struct slice id = object_id(s, "malware", c->incident.family);

	if (c->incident.family.len == 0)
		return;
	if (is_new(s, id)) {
		begin(s, "malware", id);
		put(s, "name", c->incident.family);
		json_key(&s->j, "is_family");
		json_bool(&s->j, true);
		json_end(&s->j);
	}
	relate(s, "related-to", incident, id, NULL, SLICE(""));
}

static void write_note(struct stix *s, struct slice key, const struct buf *abstract,
		       const struct buf *content, struct slice about)
{
	struct slice id = object_id(s, "note", key);

	s->ok = s->ok && !abstract->full && !content->full;
	if (!is_new(s, id))
		return;
	begin(s, "note", id);
	put(s, "abstract", buf_slice(abstract));
	put(s, "content", buf_slice(content));
	put_refs(s, "object_refs", &about, 1);
	json_end(&s->j);
}

/* One note a clause that applies: result, reasons, and what would change it. */
static void write_finding(struct stix *s, const struct bulletin_case *c,
			  const struct treaty_finding *f, struct slice incident)
{
	struct buf abstract = buf_in(s->a), content = buf_in(s->a);

	buf_add_fmt(&abstract, "%.*s %.*s: %.*s", SLICE_ARG(f->clause), SLICE_ARG(f->title),
		    SLICE_ARG(f->result));
	buf_add(&content, c->respondent_why);
	buf_add_fmt(&content, "\nStandard: %.*s, ", SLICE_ARG(f->standard));
	claim_write_interval((struct interval){f->standard_milli, f->standard_milli}, &content);
	for (size_t i = 0; i < f->trace_count; i++)
		buf_add_fmt(&content, "\n%*s%.*s", 2 * f->trace[i].depth, "",
			    SLICE_ARG(f->trace[i].text));
	for (size_t i = 0; i < f->change_count; i++)
		buf_add_fmt(&content, "\nWould change it: %.*s", SLICE_ARG(f->changes[i].atom));
	write_note(s, text_key(s, c->incident.number, f->clause, SLICE("")), &abstract, &content,
		   incident);
}

static void write_ladder(struct stix *s, const struct bulletin_case *c, struct slice incident)
{
	struct buf abstract = buf_in(s->a), content = buf_in(s->a);

	buf_add_z(&abstract, "Attribution, rung by rung");
	for (unsigned i = 0; i < ATTRIB_LEVELS; i++) {
		const struct attrib_rung *r = &c->ladder.rungs[i];

		buf_add_fmt(&content, "L%u %s: %s\n", i, r->name ? r->name : "",
			    r->attributed ? "" : "not attributed");
		for (size_t k = 0; r->attributed && k < r->candidate_count; k++) {
			buf_add_fmt(&content, "  %.*s ", SLICE_ARG(r->candidates[k].what));
			claim_write_interval(r->candidates[k].p, &content);
			buf_add_byte(&content, '\n');
		}
	}
	buf_add(&content, c->ladder.limit);
	write_note(s, text_key(s, c->incident.number, SLICE("ladder"), SLICE("")), &abstract,
		   &content, incident);
}

static void write_case(struct stix *s, const struct bulletin_case *c)
{
	struct slice incident = write_incident(s, c), observed = write_observed(s, c);
	struct slice machine = write_machine(s, c, &c->incident.actor);

	if (bulletin_pseudonym_net(s->b, &c->incident.actor) == NULL)
		write_sighting(s, c, observed, machine); /* else nobody could look for it */
	write_chain(s, c, incident);
	write_family(s, c, incident);
	write_ladder(s, c, incident);
	for (size_t i = 0; i < c->finding_count; i++)
		if (!c->findings[i].not_applicable)
			write_finding(s, c, &c->findings[i], incident);
}

/* ---- the bundle ----------------------------------------------------------------------------- */

static void write_marking(struct stix *s, enum stix_tlp tlp)
{
	static const char *const names[STIX_TLPS] = {"TLP:CLEAR", "TLP:GREEN", "TLP:AMBER",
						     "TLP:AMBER+STRICT", "TLP:RED"};

	json_object(&s->j);
	put_z(s, "type", "marking-definition");
	put_z(s, "spec_version", "2.1");
	put_z(s, "id", tlp_ids[tlp]);
	put_z(s, "created", "2022-10-01T00:00:00.000Z");
	put_z(s, "name", names[tlp]);
	json_key(&s->j, "extensions");
	json_object(&s->j);
	json_key(&s->j, TLP_EXTENSION);
	json_object(&s->j);
	put_z(s, "extension_type", "property-extension");
	put_z(s, "tlp_2_0", stix_tlp_names[tlp]);
	json_end(&s->j);
	json_end(&s->j);
	json_end(&s->j);
}

static void write_identities(struct stix *s)
{
	for (size_t i = 0; i < s->b->party_count; i++) {
		const struct party *p = &s->b->parties[i];
		struct slice id = identity_id(s, p->id);

		if (!is_new(s, id))
			continue;
		begin(s, "identity", id);
		put(s, "name", p->name.len ? p->name : p->id);
		put_z(s, "identity_class", "organization");
		json_end(&s->j);
	}
}

static void write_report(struct stix *s)
{
	struct buf name = buf_in(s->a);

	buf_add_fmt(&name, "Bulletin %.*s", SLICE_ARG(s->b->id));
	s->ok = s->ok && !name.full;
	begin(s, "report", object_id(s, "report", SLICE("")));
	put(s, "name", buf_slice(&name));
	put_z(s, "description",
	      "Automatic and not yet reviewed by a person. Every number follows from committed "
	      "facts; "
	      "with the bulletin's bundle anybody can recompute it.");
	put_z(s, "published", s->created);
	json_key(&s->j, "report_types");
	json_array(&s->j);
	json_z(&s->j, "threat-report");
	json_end(&s->j);
	json_key(&s->j, "external_references");
	json_array(&s->j);
	json_object(&s->j);
	put_z(s, "source_name", "dewline");
	put(s, "external_id", s->b->id);
	json_end(&s->j);
	json_end(&s->j);
	put_refs(s, "object_refs", s->refs, s->ref_count);
	json_end(&s->j);
}

/* More than twice the objects that a bulletin can give. */
static size_t slots_for(const struct bulletin *b)
{
	size_t n = 16 + b->party_count, slots = 64;

	for (size_t i = 0; i < b->case_count; i++) {
		const struct bulletin_case *c = &b->cases[i];

		/* a machine: address, object, consists-of, communicates-with, related-to */
		n += 16 + c->finding_count + 5 * (c->chain.hop_count + 2);
		for (size_t k = 0; k < c->origin_count; k++)
			n += 2 * c->origins[k].candidate_count + 2;
	}
	while (slots < 2 * n)
		slots *= 2;
	return slots;
}

enum status stix_write_bundle(const struct bulletin *b, enum stix_tlp tlp, struct arena *scratch,
			      struct buf *out, struct fail *why)
{
	struct stix s = {
		.b = b, .a = scratch, .j = json_in(out), .slots = slots_for(b), .ok = true};
	struct wall_ns at = b->last;

	s.seen = ARENA_ARRAY(scratch, struct slice, s.slots);
	if (s.seen == NULL)
		return fail_set(why, ST_NOMEM, "STIX: no memory");
	for (size_t i = 0; i < b->case_count; i++)
		if (b->cases[i].incident.last.ns > at.ns)
			at = b->cases[i].incident.last;
	(void)time_format_ms(at, s.created); /* the slice of what is now NUL-terminated there */
	s.marking = slice_of(tlp_ids[tlp]);
	s.creator = identity_id(&s, b->party);
	json_object(&s.j);
	put_z(&s, "type", "bundle");
	put(&s, "id", object_id(&s, "bundle", SLICE("")));
	json_key(&s.j, "objects");
	json_array(&s.j);
	write_marking(&s, tlp);
	write_identities(&s);
	for (size_t i = 0; i < b->case_count && s.ok; i++)
		write_case(&s, &b->cases[i]);
	write_report(&s);
	json_end(&s.j);
	json_end(&s.j);
	return s.ok && !out->full ? ST_OK : fail_set(why, ST_NOMEM, "STIX: no memory");
}
