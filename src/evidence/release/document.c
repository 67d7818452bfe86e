/* SPDX-License-Identifier: Apache-2.0
 *
 * What the members of a document tell: one row a path. A row holds for its path and for all below
 * it, the longest one wins; what no row speaks of tells the method, as an unknown field of an event
 * does.
 */
#include <jansson.h>

#include "base/addr.h"
#include "evidence/release/release.h"

#define N DISCLOSE_TELLS_NOTHING
#define P DISCLOSE_TELLS_PLACE
#define R DISCLOSE_TELLS_RULE
#define M DISCLOSE_TELLS_METHOD

#define ON_THE_WAY "only who stands on the way of this traffic sees it"
#define CLOCK "to the microsecond: beside a second observer's it tells the distance between the two"
#define MEANWHILE "how much was committed before it: a number of the log"
#define WEIGHT "how much this party knows, and from how many stations and detectors"

static const struct row {
	const char *kind, *path;
	enum disclose_told told;
	const char *why;
} rows[] = {
	{"bulletin", "all_evidence", M, "by how much more is known than is shown, if anything is"},
	{"bulletin", "all_evidence.incidents[].number", N, ""},
	{"bulletin", "counting", P, "how much the stations that are named saw together"},
	{"bulletin", "counting.rule", N, ""},
	{"bulletin", "coverage", P, "which stations there are, where, when they looked, how much"},
	{"bulletin", "format", N, ""},
	{"bulletin", "id", N, ""},
	{"bulletin", "incidents", M, WEIGHT},
	{"bulletin", "incidents[].actor", P, ON_THE_WAY},
	{"bulletin", "incidents[].chain", M,
	 "how the ways into a machine and out of it are matched"},
	{"bulletin", "incidents[].chain.hops[].first", P, CLOCK},
	{"bulletin", "incidents[].chain.hops[].last", P, CLOCK},
	{"bulletin", "incidents[].chain.hops[].leaves", P, MEANWHILE},
	{"bulletin", "incidents[].chain.hops[].machine", P, ON_THE_WAY},
	{"bulletin", "incidents[].chain.hops[].party", N, ""},
	{"bulletin", "incidents[].chain.hops[].station", P, "names the sensor"},
	{"bulletin", "incidents[].claimant", N, ""},
	{"bulletin", "incidents[].claims", M, WEIGHT},
	{"bulletin", "incidents[].claims[].leaves", P, MEANWHILE},
	{"bulletin", "incidents[].family", R, "the rule knows this malware by name"},
	{"bulletin", "incidents[].findings", N, ""},
	{"bulletin", "incidents[].findings[].joint", M, WEIGHT},
	{"bulletin", "incidents[].findings[].leaves", P, MEANWHILE},
	{"bulletin", "incidents[].findings[].trace", M, WEIGHT},
	{"bulletin", "incidents[].findings[].changes", M, "what this party does not know"},
	{"bulletin", "incidents[].first", P, CLOCK},
	{"bulletin", "incidents[].gravest", N, ""},
	{"bulletin", "incidents[].ladder", M, WEIGHT},
	{"bulletin", "incidents[].last", P, CLOCK},
	{"bulletin", "incidents[].number", N, ""},
	{"bulletin", "incidents[].origins", N, ""},
	{"bulletin", "incidents[].origins[].address", P, ON_THE_WAY},
	{"bulletin", "incidents[].origins[].candidates[].leaves", P, MEANWHILE},
	{"bulletin", "incidents[].origins[].candidates[].tables", M,
	 "which tables of addresses are used here"},
	{"bulletin", "incidents[].respondent", N, ""},
	{"bulletin", "incidents[].respondent_why", P, ON_THE_WAY},
	{"bulletin", "incidents[].stations", P, "names the sensors that saw it"},
	{"bulletin", "incidents[].target", P, ON_THE_WAY},
	{"bulletin", "incidents[].target_party", N, ""},
	{"bulletin", "incidents[].timeline[].act", N, ""},
	{"bulletin", "incidents[].timeline[].at", P, CLOCK},
	{"bulletin", "incidents[].timeline[].leaf", P, MEANWHILE},
	{"bulletin", "incidents[].title", R, "the signature's own words: which one matched"},
	{"bulletin", "inputs", R,
	 "which editions of rules and tables, and which captures, there are"},
	{"bulletin", "parties", N, ""},
	{"bulletin", "party", N, ""},
	{"bulletin", "period", P, "when the stations looked"},
	{"bulletin", "pseudonyms", N, ""},
	{"bulletin", "public_only", M, WEIGHT},
	{"bulletin", "public_only.counted", P, "how much the stations that are named saw together"},
	{"bulletin", "public_only.incidents[].clauses[].clause", N, ""},
	{"bulletin", "public_only.incidents[].clauses[].instrument", N, ""},
	{"bulletin", "public_only.incidents[].clauses[].result", N, ""},
	{"bulletin", "public_only.incidents[].number", N, ""},
	{"bulletin", "public_only.incidents[].rungs[].leading", P, ON_THE_WAY},
	{"bulletin", "stage", N, ""},
	{"bulletin", "texts", N, ""},
	{"band", "bulletin", N, ""},
	{"band", "format", N, ""},
	{"band", "incidents", M, "by how much more is known than is shown"},
	{"band", "incidents[].number", N, ""},
	{"band", "incidents[].findings[].clause", N, ""},
	{"band", "incidents[].findings[].instrument", N, ""},
	{"band", "incidents[].findings[].party", N, ""},
	{"band", "sealed", N, ""},
	{"stix", "id", N, ""},
	{"stix", "type", N, ""},
	{"stix", "autonomous-system", N, ""},
	{"stix", "extension-definition", N, ""},
	{"stix", "identity", N, ""},
	{"stix", "incident", R, "the signature's own words, and when it matched"},
	{"stix", "indicator", P, ON_THE_WAY},
	{"stix", "infrastructure", P, ON_THE_WAY},
	{"stix", "ipv4-addr", P, ON_THE_WAY},
	{"stix", "ipv6-addr", P, ON_THE_WAY},
	{"stix", "location", N, ""},
	{"stix", "malware", R, "the rule knows this malware by name"},
	{"stix", "marking-definition", N, ""},
	{"stix", "note", M, WEIGHT},
	{"stix", "observed-data", P, CLOCK},
	{"stix", "relationship", M, "how the ways into a machine and out of it are matched"},
	{"stix", "report", N, ""},
	{"stix", "sighting", P, CLOCK},
	{"bundle", "checkpoint", P, "how much the log held then"},
	{"bundle", "facts[].jwt", P,
	 "who sealed the event, in which second, and its groups of fields"},
	{"bundle", "facts[].leaf", P, MEANWHILE},
	{"bundle", "facts[].proof", N, ""},
	{"bundle", "format", N, ""},
	{"bundle", "log_key", N, ""},
	{"bundle", "parties", P, "the parties' files whole: stations and their places"},
	{"bundle", "policy", N, ""},
	{"bundle", "priors", M, "what is held for likely before anything is seen"},
	{"bundle", "station_keys", N, ""},
	{"bundle", "treaties", N, ""},
	{"log", "checkpoint", P, "how much is committed, and how fast it grows"},
	{"log", "jwt.iat", P, "in which second each event was sealed"},
	{"log", "jwt.iss", N, ""},
	{"log", "jwt.kid", P, "which events are of one key"},
	{"log", "jwt.prev", N, ""},
	{"log", "jwt.groups", M, "of which kind each event is: alert, dns, flow"},
	{"log", "jwt.digests", M, "into which power of two the number of an event's fields falls"},
	{"sealed", "content", M, "what is in it is no bundle: nobody here can say what it tells"},
	{"sealed", "readers", N, ""},
	{"sealed", "size", M, "how much there is to show"},
	{"sealed", "title", M, "whoever gets the item reads it"},
};

/* The row is for the path itself, or for what it is in. */
static bool covers(const char *row, struct slice path)
{
	struct slice head = slice_of(row), rest;

	if (!slice_starts(path, head))
		return false;
	rest = slice_from(path, head.len);
	return rest.len == 0 || rest.ptr[0] == '.' || rest.ptr[0] == '[';
}

enum disclose_told release_tells(const char *kind, struct slice path, const char **out_why)
{
	const struct row *best = NULL;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strcmp(rows[i].kind, kind) == 0 && covers(rows[i].path, path) &&
		    (best == NULL || strlen(rows[i].path) > strlen(best->path)))
			best = &rows[i];
	if (best != NULL) {
		*out_why = best->why;
		return best->told;
	}
	*out_why =
		"nobody has said yet what this member tells: it shows at least what is looked at";
	return M;
}

/* ---- walking ---- */

struct walk {
	struct release *r;
	const char *kind;
	struct buf path;
	size_t head; /* bytes of "<kind>/" in front of it */
};

static bool is_hidden(const struct release *r, const struct addr *a)
{
	for (size_t i = 0; i < r->hidden_count; i++)
		if (addr_prefix_holds(&r->hidden[i], a))
			return true;
	return false;
}

/* A value that holds no others. */
static void add_leaf(struct walk *w, const json_t *v)
{
	struct slice path = buf_slice(&w->path);
	const char *why;
	enum disclose_told told = release_tells(w->kind, slice_from(path, w->head), &why);

	release_add_field(w->r, path, RELEASE_NO_LEAF, told, why);
	if (json_is_string(v)) {
		struct slice text = {(const uint8_t *)json_string_value(v), json_string_length(v)};
		struct addr a;

		if (addr_parse(text, &a) && is_hidden(w->r, &a))
			release_add_pseudonym(w->r, text);
		else if (addr_parse(text, &a))
			release_add_address(w->r, text);
	}
}

/* Recursion ends at RELEASE_DEPTH_MAX; false: there. */
static bool walk(struct walk *w, const json_t *v, unsigned depth)
{
	size_t at = w->path.len, i;
	const char *key;
	json_t *member;

	if (depth > RELEASE_DEPTH_MAX)
		return false;
	if (json_is_array(v)) {
		json_array_foreach(v, i, member)
		{
			buf_add_z(&w->path, "[]");
			if (!walk(w, member, depth + 1))
				return false;
			w->path.len = at;
		}
		return true;
	}
	if (!json_is_object(v)) {
		add_leaf(w, v);
		return true;
	}
	json_object_foreach((json_t *)(uintptr_t)v, key, member)
	{
		if (at > w->head)
			buf_add_byte(&w->path, '.');
		buf_add_z(&w->path, key);
		if (!walk(w, member, depth + 1))
			return false;
		w->path.len = at;
	}
	return true;
}

/* An object of a STIX bundle is named by its type, not by its place. */
static bool walk_stix(struct walk *w, const json_t *root)
{
	const json_t *objects = json_object_get(root, "objects");
	size_t i;
	json_t *member;

	json_array_foreach(objects, i, member)
	{
		const char *type = json_string_value(json_object_get(member, "type"));

		w->path.len = w->head;
		buf_add_z(&w->path, type != NULL ? type : "objects");
		if (!walk(w, member, 1))
			return false;
	}
	return true;
}

enum status release_add_document(struct release *r, const char *kind, struct slice json,
				 struct fail *why)
{
	struct walk w = {.r = r, .kind = kind, .path = buf_in(r->arena)};
	json_error_t error;
	json_t *root = json_loadb((const char *)json.ptr, json.len, JSON_REJECT_DUPLICATES, &error);
	bool ok = json_is_object(root);

	if (!ok) {
		json_decref(root);
		return fail_set(why, ST_INVALID, "the %s is no JSON object: %.100s", kind,
				error.text);
	}
	buf_add_z(&w.path, kind);
	buf_add_byte(&w.path, '/');
	w.head = w.path.len;
	if (strcmp(kind, "stix") == 0 && json_is_array(json_object_get(root, "objects")))
		ok = walk_stix(&w, root);
	else
		ok = walk(&w, root, 0);
	json_decref(root);
	if (!ok)
		return fail_set(why, ST_LIMIT, "the %s is nested more than %d deep", kind,
				RELEASE_DEPTH_MAX);
	return w.path.full ? fail_set(why, ST_NOMEM, "no memory to list a %s", kind) : ST_OK;
}
