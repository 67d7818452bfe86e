/* SPDX-License-Identifier: Apache-2.0
 *
 * Pseudonyms, and those that were opened. A leaf commits to an address and to its pseudonym, so who
 * is shown both knows that the one stands for the other. Then the log must say to whom it was
 * opened: a `disclosure` record behind that leaf, which names the leaf and the field.
 */
#include <jansson.h>
#include <stdlib.h>

#include "evidence/bundle/bundle_priv.h"

static const struct {
	const char *address, *pseudonym;
} ends[] = {{"src_ip", "src_pseudonym"}, {"dest_ip", "dest_pseudonym"}};

enum { ENDS = sizeof ends / sizeof ends[0] };

/* An end that is shown together with its pseudonym. */
struct opened {
	uint64_t leaf;
	unsigned end;
	struct slice address, pseudonym; /* JSON strings */
	uint64_t said;			 /* the leaf that says so; 0: none does */
};

struct openings {
	struct opened *list; /* ascending leaf */
	size_t count, room;
	size_t closed; /* ends that are shown by their pseudonyms alone */
};

static struct slice value_of(const struct bundle_shown *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->fields[i].group.len == 0 && slice_equal(s->fields[i].name, slice_of(name)))
			return s->fields[i].json;
	return (struct slice){NULL, 0};
}

static bool collect(struct bundle_verifying *v, struct openings *o)
{
	const struct bundle_report *r = v->report;

	for (size_t k = 0; k < r->record_count; k++)
		for (unsigned e = 0; e < ENDS; e++) {
			struct opened one = {.leaf = r->leaves[k],
					     .end = e,
					     .address = value_of(&r->shown[k], ends[e].address),
					     .pseudonym =
						     value_of(&r->shown[k], ends[e].pseudonym)};

			if (one.pseudonym.ptr == NULL)
				continue;
			if (one.address.ptr == NULL)
				o->closed++;
			else if (!ARENA_PUSH(v->a, o->list, o->count, o->room, one))
				return false;
		}
	return true;
}

/* The first of this leaf or behind. */
static size_t find(const struct openings *o, uint64_t leaf)
{
	size_t low = 0, high = o->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (o->list[mid].leaf < leaf)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool names(const json_t *fields, const char *name)
{
	size_t i;
	json_t *f;

	json_array_foreach(fields, i, f)
	{
		if (json_is_string(f) && strcmp(json_string_value(f), name) == 0)
			return true;
	}
	return false;
}

/* What one record says of openings before it. */
static void take_word(struct openings *o, uint64_t at, struct slice json)
{
	json_error_t error;
	json_t *said = json_loadb((const char *)json.ptr, json.len, JSON_REJECT_DUPLICATES, &error);
	const json_t *fields = json_object_get(said, "fields");
	bool named[ENDS];
	size_t i;
	json_t *leaf;

	for (unsigned e = 0; e < ENDS; e++)
		named[e] = names(fields, ends[e].address);
	json_array_foreach(json_object_get(said, "leaves"), i, leaf)
	{
		json_int_t n = json_integer_value(leaf);

		if (!json_is_integer(leaf) || n < 0 || (uint64_t)n >= at)
			continue;
		for (size_t k = find(o, (uint64_t)n);
		     k < o->count && o->list[k].leaf == (uint64_t)n; k++)
			if (named[o->list[k].end])
				o->list[k].said = at;
	}
	json_decref(said);
}

static void say(struct bundle_verifying *v, const struct openings *o)
{
	const char *check = "opened pseudonyms";
	const struct opened *unsaid = NULL;

	for (size_t i = 0; i < o->count && unsaid == NULL; i++)
		if (o->list[i].said == 0)
			unsaid = &o->list[i];
	if (unsaid != NULL)
		bundle_say(
			v, check, false,
			"leaf %llu shows that %.*s stands for %.*s, and no leaf here says to whom "
			"that was opened",
			(unsigned long long)unsaid->leaf, SLICE_ARG(unsaid->pseudonym),
			SLICE_ARG(unsaid->address));
	else if (o->count != 0)
		bundle_say(v, check, true,
			   "%zu: %.*s stands for %.*s, to which leaf %llu is committed, and leaf "
			   "%llu says to whom that was opened%s",
			   o->count, SLICE_ARG(o->list[0].pseudonym), SLICE_ARG(o->list[0].address),
			   (unsigned long long)o->list[0].leaf, (unsigned long long)o->list[0].said,
			   o->count > 1 ? "; and so of the others" : "");
	else
		bundle_say(v, check, true, "none: %zu ends stand here by their pseudonyms alone",
			   o->closed);
}

void bundle_check_openings(struct bundle_verifying *v)
{
	const struct bundle_report *r = v->report;
	struct openings o = {.count = 0};

	if (!collect(v, &o)) {
		v->nomem = true;
		return;
	}
	for (size_t k = 0; o.count != 0 && k < r->record_count; k++)
		if (r->records[k].kind == RECORD_OBJECT &&
		    slice_equal(r->records[k].type, SLICE("disclosure")))
			take_word(&o, r->leaves[k], value_of(&r->shown[k], "disclosure"));
	if (o.count + o.closed != 0)
		say(v, &o);
}
