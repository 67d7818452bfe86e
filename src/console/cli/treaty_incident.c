/* SPDX-License-Identifier: Apache-2.0
 * Incidents as files: what is claimed, when, between whom. A bulletin is such a file, too. */
#include "console/cli/treaty.h"

#include <jansson.h>
#include <math.h>

#include "base/time.h"
#include "os/file.h"

enum {
	FILE_MAX = 16 << 20,
	INCIDENTS_MAX = 10000,
	CLAIMS_MAX = 1024,
	BONDS_MAX = 1024,
};

struct reader {
	struct slice file;
	struct arena *a;
	size_t number; /* of the incident, from 1 */
	struct fail *why;
};

static enum status wrong(const struct reader *r, const char *what)
{
	return fail_set(r->why, ST_INVALID, "%.*s: incident %zu: %s", SLICE_ARG(r->file), r->number,
			what);
}

static enum status no_memory(const struct reader *r)
{
	return fail_set(r->why, ST_NOMEM, "%.*s: no memory", SLICE_ARG(r->file));
}

/* A text that is there, or "". */
static struct slice text_of(const struct reader *r, const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_string(v))
		return SLICE("");
	return arena_copy(
		r->a, (struct slice){(const uint8_t *)json_string_value(v), json_string_length(v)});
}

/* 0.385 as 385; false if it is no probability of at most three decimals. */
static bool milli_of(const json_t *v, int32_t *out)
{
	double d = json_number_value(v) * CLAIM_CERTAIN, whole = nearbyint(d);

	if (!json_is_number(v) || !(d >= 0 && d <= CLAIM_CERTAIN) || fabs(d - whole) > 1e-6)
		return false;
	*out = (int32_t)whole; /* 0..1000 */
	return true;
}

/* [low, high] */
static bool interval_of(const json_t *v, struct interval *out)
{
	return json_array_size(v) == 2 && milli_of(json_array_get(v, 0), &out->lo) &&
	       milli_of(json_array_get(v, 1), &out->hi) && out->lo <= out->hi;
}

/* The claim as it stands on what is public: as it is, by an interval of its own, or not at all. */
static enum status add_shown(const struct reader *r, const json_t *o, struct claim c,
			     struct cmd_incident *i)
{
	const json_t *sealed = json_object_get(o, "sealed"), *shown = json_object_get(o, "public");

	if (sealed != NULL && !json_is_boolean(sealed))
		return wrong(r, "a claim: expected true or false in \"sealed\"");
	if (json_is_true(sealed) && shown != NULL)
		return fail_set(
			r->why, ST_INVALID,
			"%.*s: incident %zu: the claim \"%.*s\" is sealed, so nothing of it "
			"is public: expected \"sealed\" or \"public\", not both",
			SLICE_ARG(r->file), r->number, SLICE_ARG(c.atom));
	if (shown != NULL && !interval_of(shown, &c.p))
		return fail_set(r->why, ST_INVALID,
				"%.*s: incident %zu: the claim \"%.*s\": expected [low, high] in "
				"\"public\", from 0 to 1 with at most three decimals",
				SLICE_ARG(r->file), r->number, SLICE_ARG(c.atom));
	if (!json_is_true(sealed) && !claim_add(&i->shown, r->a, c))
		return no_memory(r);
	return ST_OK;
}

static enum status read_claim(const struct reader *r, const json_t *o, struct cmd_incident *i)
{
	struct claim c = {.atom = text_of(r, o, "atom"), .why = text_of(r, o, "why")};

	if (c.atom.len == 0 || c.atom.len > TREATY_NAME_MAX)
		return wrong(r, "a claim: expected a name of at most 64 bytes in \"atom\"");
	if (!interval_of(json_object_get(o, "probability"), &c.p))
		return fail_set(r->why, ST_INVALID,
				"%.*s: incident %zu: the claim \"%.*s\": expected [low, high] in "
				"\"probability\", from 0 to 1 with at most three decimals",
				SLICE_ARG(r->file), r->number, SLICE_ARG(c.atom));
	if (claim_find(&i->all, c.atom) != NULL)
		return fail_set(r->why, ST_INVALID,
				"%.*s: incident %zu: a second claim of \"%.*s\": expected one",
				SLICE_ARG(r->file), r->number, SLICE_ARG(c.atom));
	if (!claim_add(&i->all, r->a, c))
		return no_memory(r);
	return add_shown(r, o, c, i);
}

static enum status add_bonds(const struct reader *r, struct slice party, const json_t *list,
			     struct cmd_incident *i)
{
	for (size_t k = 0; k < json_array_size(list); k++) {
		const json_t *v = json_array_get(list, k);
		struct cmd_bond b = {.party = party};

		if (!json_is_string(v) || i->bond_count == BONDS_MAX)
			return wrong(r, "\"bound\": expected at most 1024 ids of instruments");
		b.instrument = arena_copy(r->a, slice_of(json_string_value(v)));
		if (!ARENA_PUSH(r->a, i->bonds, i->bond_count, i->bond_room, b))
			return no_memory(r);
	}
	return ST_OK;
}

/* "bound": ["cwlt"], or {"A": ["cwlt"], "B": [...]}. */
static enum status read_bonds(const struct reader *r, json_t *bound, struct cmd_incident *i)
{
	const char *key;
	json_t *list;

	if (bound == NULL || json_is_array(bound))
		return add_bonds(r, SLICE(""), bound, i);
	if (!json_is_object(bound))
		return wrong(r, "\"bound\": expected a list of instruments, or one for each party");
	json_object_foreach(bound, key, list)
	{
		enum status st;

		if (!json_is_array(list))
			return wrong(r, "\"bound\": expected a list of instruments");
		st = add_bonds(r, arena_copy(r->a, slice_of(key)), list, i);
		if (st != ST_OK)
			return st;
	}
	return ST_OK;
}

static enum status read_incident(const struct reader *r, const json_t *o, struct cmd_incident *i)
{
	const json_t *claims = json_object_get(o, "claims");
	struct slice at = text_of(r, o, "at");
	enum status st;

	*i = (struct cmd_incident){.id = text_of(r, o, "id"),
				   .claimant = text_of(r, o, "claimant"),
				   .respondent = text_of(r, o, "respondent")};
	if (!json_is_object(o))
		return wrong(r, "expected an object");
	if (i->id.len == 0)
		i->id = buf_text(r->a, "%zu", r->number);
	if (at.len == 0)
		at = text_of(r, o, "first"); /* as bulletins call it */
	if (!time_parse(at, &i->at))
		return wrong(r, "expected the time of the act in \"at\", as "
				"2026-11-22T03:04:05Z: the law of that time is what counts");
	i->unnamed =
		json_object_get(o, "claimant") == NULL && json_object_get(o, "respondent") == NULL;
	if (!json_is_array(claims) || json_array_size(claims) > CLAIMS_MAX)
		return wrong(r, "expected at most 1024 claims in the list \"claims\"");
	for (size_t k = 0; k < json_array_size(claims); k++) {
		st = read_claim(r, json_array_get(claims, k), i);
		if (st != ST_OK)
			return st;
	}
	return read_bonds(r, json_object_get(o, "bound"), i);
}

static enum status read_all(struct reader *r, const json_t *root, struct cmd_incident **out,
			    size_t *out_count)
{
	const json_t *list = json_object_get(root, "incidents");
	size_t n = list ? json_array_size(list) : 1;
	struct cmd_incident *all;

	if (n > INCIDENTS_MAX)
		return fail_set(r->why, ST_LIMIT, "%.*s: at most %d incidents", SLICE_ARG(r->file),
				INCIDENTS_MAX);
	all = ARENA_ARRAY(r->a, struct cmd_incident, n + 1);
	if (all == NULL)
		return no_memory(r);
	for (size_t i = 0; i < n; i++) {
		enum status st;

		r->number = i + 1;
		st = read_incident(r, list ? json_array_get(list, i) : root, &all[i]);
		if (st != ST_OK)
			return st;
	}
	*out = all;
	*out_count = n;
	return ST_OK;
}

enum status cmd_incident_read(struct slice file, struct arena *a, struct cmd_incident **out,
			      size_t *out_count, struct fail *why)
{
	struct reader r = {.file = file, .a = a, .why = why};
	json_error_t error;
	struct slice text;
	enum status st = os_file_read(file, FILE_MAX, a, &text, why);
	json_t *root;

	if (st != ST_OK)
		return st;
	root = json_loadb(text.ptr ? (const char *)text.ptr : "", text.len, JSON_REJECT_DUPLICATES,
			  &error);
	if (root == NULL)
		return fail_set(why, ST_INVALID, "%.*s:%d:%d: no JSON: %s", SLICE_ARG(file),
				error.line, error.column, error.text);
	st = read_all(&r, root, out, out_count);
	json_decref(root);
	if (st == ST_OK && a->exhausted)
		st = no_memory(&r);
	return st;
}
