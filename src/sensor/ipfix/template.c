/* SPDX-License-Identifier: Apache-2.0
 *
 * 1. Every place is in one chain and in the order of use, or free (session 0): never used, or given
 *    back to the old end of the order.
 * 2. A template's record_least is not 0, so that reading records ends.
 */
#include "sensor/ipfix/template.h"

enum { BUCKETS = 1024 };

struct ipfix_templates {
	uint32_t buckets[BUCKETS]; /* index + 1 */
	uint32_t used;		   /* places that ever were */
	uint32_t oldest, newest;   /* index + 1 */
	struct ipfix_template at[IPFIX_TEMPLATES_MAX];
};

static uint32_t *bucket_of(struct ipfix_templates *t, uint64_t session, uint16_t id)
{
	uint64_t h = (session << 16 | id) * UINT64_C(0x9fb21c651e98df25);

	return &t->buckets[(h ^ h >> 32) % BUCKETS];
}

static void order_remove(struct ipfix_templates *t, struct ipfix_template *x)
{
	*(x->older != 0 ? &t->at[x->older - 1].newer : &t->oldest) = x->newer;
	*(x->newer != 0 ? &t->at[x->newer - 1].older : &t->newest) = x->older;
}

static void order_add(struct ipfix_templates *t, struct ipfix_template *x, bool as_newest)
{
	uint32_t link = (uint32_t)(x - t->at) + 1;

	x->older = as_newest ? t->newest : 0;
	x->newer = as_newest ? 0 : t->oldest;
	*(x->older != 0 ? &t->at[x->older - 1].newer : &t->oldest) = link;
	*(x->newer != 0 ? &t->at[x->newer - 1].older : &t->newest) = link;
}

static void unchain(struct ipfix_templates *t, struct ipfix_template *x)
{
	uint32_t *link = bucket_of(t, x->session, x->id);

	while (&t->at[*link - 1] != x)
		link = &t->at[*link - 1].chain;
	*link = x->chain;
}

struct ipfix_template *ipfix_template_find(struct ipfix_templates *t, uint64_t session, uint16_t id)
{
	for (uint32_t i = *bucket_of(t, session, id); i != 0; i = t->at[i - 1].chain) {
		struct ipfix_template *x = &t->at[i - 1];

		if (x->session != session || x->id != id)
			continue;
		order_remove(t, x);
		order_add(t, x, true);
		return x;
	}
	return NULL;
}

static void give_back(struct ipfix_templates *t, struct ipfix_template *x)
{
	unchain(t, x);
	x->session = 0;
	order_remove(t, x);
	order_add(t, x, false);
}

void ipfix_template_put(struct ipfix_templates *t, const struct ipfix_template *x)
{
	struct ipfix_template *place = ipfix_template_find(t, x->session, x->id);
	uint32_t *bucket;

	if (place != NULL)
		give_back(t, place);
	if (t->oldest != 0 &&
	    (t->at[t->oldest - 1].session == 0 || t->used == IPFIX_TEMPLATES_MAX)) {
		place = &t->at[t->oldest - 1];
		if (place->session != 0)
			unchain(t, place);
		order_remove(t, place);
	} else {
		place = &t->at[t->used++];
	}
	*place = *x;
	bucket = bucket_of(t, x->session, x->id);
	place->chain = *bucket;
	*bucket = (uint32_t)(place - t->at) + 1;
	order_add(t, place, true);
}

void ipfix_template_remove(struct ipfix_templates *t, uint64_t session, uint16_t id, bool options)
{
	if (id != 0) {
		struct ipfix_template *x = ipfix_template_find(t, session, id);

		if (x != NULL)
			give_back(t, x);
		return;
	}
	for (uint32_t i = 0; i < t->used; i++)
		if (t->at[i].session == session && t->at[i].options == options)
			give_back(t, &t->at[i]);
}

struct ipfix_templates *ipfix_templates_new(struct arena *a)
{
	return ARENA_NEW(a, struct ipfix_templates);
}

/* ---- reading one ---- */

static void field_parse(struct cursor *c, uint16_t version, bool scope, struct ipfix_template *out,
			bool *too_many)
{
	uint16_t id = cursor_be16(c), bytes = cursor_be16(c);
	struct ipfix_template_field f = {.bytes = bytes, .element = IPFIX_NO_ELEMENT};
	uint32_t enterprise = 0;

	if (version == IPFIX_VERSION && (id & IPFIX_ENTERPRISE) != 0) {
		enterprise = cursor_be32(c);
		id &= IPFIX_ENTERPRISE - 1;
	}
	/* the scopes of version 9 have numbers of their own (RFC 3954 6.1) */
	if ((enterprise == 0 || enterprise == IPFIX_REVERSE) &&
	    (version == IPFIX_VERSION || (!scope && bytes != IPFIX_LENGTH_VARIES)))
		f.element = ipfix_element_find(id);
	f.other = enterprise == IPFIX_REVERSE;
	if (f.other && f.element != IPFIX_NO_ELEMENT && ipfix_elements[f.element].other == 0)
		f.element = IPFIX_NO_ELEMENT;
	if (bytes == 0 || !cursor_ok(c))
		return; /* it says nothing */
	if (out->count == IPFIX_FIELDS_MAX) {
		*too_many = true;
		return;
	}
	out->record_least += version == IPFIX_VERSION && bytes == IPFIX_LENGTH_VARIES ? 1 : bytes;
	out->fields[out->count++] = f;
}

/* How many fields of scope, how many of all, by the rules of either version; false: not so. */
static bool counts_parse(struct cursor *c, uint16_t version, bool options, size_t *out_scope,
			 size_t *out_all)
{
	uint16_t first = cursor_be16(c), second = options ? cursor_be16(c) : 0;

	*out_all = first;
	*out_scope = second;
	if (!options || version == IPFIX_VERSION)
		return !options || (second != 0 && second <= first);
	/* version 9 counts bytes (RFC 3954 6.1): of the scope, then of the others */
	*out_scope = first / 4;
	*out_all = *out_scope + second / 4;
	return first % 4 == 0 && second % 4 == 0;
}

enum status ipfix_template_parse(struct cursor *c, uint16_t version, bool options,
				 struct ipfix_template *out)
{
	bool too_many = false;
	struct cursor ahead;
	size_t scope, all;

	out->id = cursor_be16(c);
	out->count = 0;
	out->record_least = 0;
	out->options = options;
	ahead = *c;
	if (version == IPFIX_VERSION && cursor_be16(&ahead) == 0 && cursor_ok(&ahead)) {
		*c = ahead; /* a withdrawal has no more, whatever it withdraws */
		return ST_NOTFOUND;
	}
	if (!counts_parse(c, version, options, &scope, &all) || !cursor_ok(c) ||
	    all * 4 > cursor_left(c)) {
		c->bad = true;
		return ST_INVALID;
	}
	for (size_t i = 0; i < all && cursor_ok(c); i++)
		field_parse(c, version, i < scope, out, &too_many);
	if (!cursor_ok(c))
		return ST_INVALID;
	if (too_many || out->record_least == 0 || out->record_least > IPFIX_MESSAGE_MAX ||
	    out->id < IPFIX_SET_DATA)
		return ST_LIMIT;
	return ST_OK;
}
