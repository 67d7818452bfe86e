/* SPDX-License-Identifier: Apache-2.0
 *
 * dataset and datarep: the buffer is (or is not) in a set, is put into it or taken out; and what
 * the set says of it. Suricata 8.0.6 rules/datasets.
 *
 *	dataset:ACTION,NAME[,type T][,load FILE|state FILE|save FILE][,format csv|json|ndjson]
 *		[,context_key K][,value_key K][,array_key PATH][,remove_key][,memcap N][,hashsize N]
 *	datarep:NAME,OPERATOR,VALUE[,load FILE][,type T][,memcap N][,hashsize N]
 *
 * A set is what its first mention says, or the configuration (datasets.NAME). A file that state or
 * save names need not be there yet.
 */
#include "base/text.h"
#include "sensor/config/config.h"
#include "sensor/detect/detect_priv.h"

enum action { ACT_ISSET, ACT_ISNOTSET, ACT_SET, ACT_UNSET };

struct dataset_operand {
	const struct detect_dataset *set;
	enum action act;
};

struct datarep_operand {
	const struct detect_dataset *set;
	struct detect_range range;
};

/* What a rule says of a set. */
struct wish {
	struct slice name, type, load, state, save, format, context_key, value_key, array_key;
	bool remove_key;
	bool configured; /* the configuration says which files: it may name any */
	uint64_t memcap;
};

static bool dataset(const void *operand, struct detect_inspect *in)
{
	const struct dataset_operand *o = operand;
	struct detect_dataset_changes *changes = &in->view->worker->changes;
	const struct detect_dataset_entry *e;

	switch (o->act) {
	case ACT_SET:
	case ACT_UNSET:
		return detect_dataset_change(changes, o->set, in->bytes, o->act == ACT_SET);
	case ACT_ISNOTSET:
		return !detect_dataset_holds(changes, o->set, in->bytes);
	case ACT_ISSET:
		break;
	}
	if (!detect_dataset_holds(changes, o->set, in->bytes))
		return false;
	e = o->set->context_key.len == 0 ? NULL : detect_dataset_find(o->set, in->bytes);
	if (e != NULL && e->json.ptr != NULL)
		detect_context_add(in, o->set->context_key, e->json);
	return true;
}

static bool datarep(const void *operand, struct detect_inspect *in)
{
	const struct datarep_operand *o = operand;
	const struct detect_dataset_entry *e = detect_dataset_find(o->set, in->bytes);

	return e != NULL && detect_range_holds(&o->range, e->reputation);
}

/* --- reading the rule --- */

static bool wish_word(struct slice w, struct wish *o)
{
	const struct {
		const char *word;
		struct slice *out;
	} words[] = {{"type", &o->type},
		     {"load", &o->load},
		     {"state", &o->state},
		     {"save", &o->save},
		     {"format", &o->format},
		     {"context_key", &o->context_key},
		     {"enrichment_key", &o->context_key},
		     {"value_key", &o->value_key},
		     {"array_key", &o->array_key}};
	struct slice rest = w, word = slice_split(&rest, ' ');
	uint64_t n;

	if (slice_equal(w, SLICE("remove_key"))) {
		o->remove_key = true;
		return true;
	}
	rest = slice_trim(rest);
	if (rest.len == 0)
		return false;
	if (slice_equal(word, SLICE("hashsize"))) /* tables grow as they need */
		return text_u64(rest, 0, UINT32_MAX, &n);
	if (slice_equal(word, SLICE("memcap")))
		return config_size_parse(rest, &o->memcap) && o->memcap != 0;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (slice_equal(word, slice_of(words[i].word))) {
			if (words[i].out->ptr != NULL)
				return false;
			*words[i].out = rest;
			return true;
		}
	return false;
}

static enum status wish_parse(struct slice rest, struct wish *o, struct fail *why)
{
	while (rest.ptr != NULL) {
		struct slice w = slice_trim(slice_split(&rest, ','));

		if (!wish_word(w, o))
			return fail_set(why, ST_INVALID, "a set does not know \"%.*s\"",
					SLICE_ARG(w));
	}
	if (o->state.ptr != NULL && (o->load.ptr != NULL || o->save.ptr != NULL))
		return fail_set(why, ST_INVALID, "state does not go with load or save");
	return ST_OK;
}

/* --- making the set --- */

static bool format_parse(struct slice s, struct detect_dataset *d)
{
	if (s.len == 0 || slice_equal(s, SLICE("csv")))
		d->format = DATASET_LINES;
	else if (slice_equal(s, SLICE("json")))
		d->format = DATASET_JSON;
	else if (slice_equal(s, SLICE("ndjson")) || slice_equal(s, SLICE("jsonline")))
		d->format = DATASET_JSON_LINES;
	else
		return false;
	return true;
}

/* The configuration's word on a set, where the rule has none. */
static void wish_complete(struct config *config, struct wish *o)
{
	const struct {
		const char *word;
		struct slice *out;
	} words[] = {
		{"type", &o->type}, {"load", &o->load}, {"state", &o->state}, {"save", &o->save}};
	struct config *all = config_at(config, "datasets"), *n;

	for (n = config_first(all); n != NULL && !slice_equal(n->name, o->name);)
		n = config_next(n);
	(void)config_size(all, "defaults.hashsize", 0);
	if (o->memcap == 0)
		o->memcap = config_size(n, "memcap", config_size(all, "defaults.memcap", 0));
	(void)config_size(n, "hashsize", 0);
	for (size_t i = 0; n != NULL && i < sizeof words / sizeof words[0]; i++) {
		struct slice s = config_text(n, words[i].word, NULL);

		if (words[i].out->ptr == NULL && s.len != 0) {
			*words[i].out = s;
			o->configured |= i != 0;
		}
	}
}

/* Who writes rules shall not write any file: what a rule names to be written lies below the data
 * folder, unless the configuration trusts rules more, or less. */
static enum status may_write(struct config *config, const struct wish *o, struct fail *why)
{
	struct slice name = o->state.ptr != NULL ? o->state : o->save, rest = name;
	bool any = config_bool(config, "datasets.rules.allow-absolute-filenames", false);
	bool out = name.len != 0 && name.ptr[0] == '/';

	if (name.ptr == NULL || o->configured)
		return ST_OK;
	if (!config_bool(config, "datasets.rules.allow-write", true))
		return fail_set(why, ST_INVALID,
				"set %.*s: datasets.rules.allow-write says no to state and save",
				SLICE_ARG(o->name));
	while (rest.ptr != NULL)
		out |= slice_equal(slice_split(&rest, '/'), SLICE(".."));
	if (out && !any)
		return fail_set(why, ST_INVALID,
				"set %.*s: \"%.*s\" is not below the data folder "
				"(datasets.rules.allow-absolute-filenames)",
				SLICE_ARG(o->name), SLICE_ARG(name));
	return ST_OK;
}

static enum status set_load(struct detect_compiler *c, struct detect_dataset *d,
			    const struct wish *o, bool numbered, struct fail *why)
{
	struct slice name = o->load.ptr != NULL ? o->load : o->state, text;
	enum status st;

	if (name.ptr == NULL)
		return ST_OK;
	if (c->options == NULL || c->options->read == NULL)
		return fail_set(why, ST_INVALID, "no files can be read here");
	d->file = arena_copy(c->arena, name);
	st = c->options->read(c->options->read_ctx,
			      o->load.ptr != NULL && !o->configured ? c->rule : NULL, name,
			      c->arena, &text, why);
	if (st != ST_OK && o->load.ptr == NULL)
		return ST_OK; /* the first run: there is no state yet */
	if (st == ST_OK)
		st = detect_dataset_load(d, text, numbered, c->arena, why);
	return st == ST_OK ? ST_OK : fail_wrap(why, "set %.*s", SLICE_ARG(d->name));
}

static enum status set_new(struct detect_compiler *c, struct wish *o, bool numbered,
			   struct detect_dataset **out, struct fail *why)
{
	struct detect_dataset *d = ARENA_NEW(c->arena, struct detect_dataset);
	enum status st;

	if (d == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a set");
	if (c->rules->dataset_count == DATASETS_MAX)
		return fail_set(why, ST_LIMIT, "more than %d sets", DATASETS_MAX);
	d->name = arena_copy(c->arena, o->name);
	d->value_key = arena_copy(c->arena, o->value_key);
	d->array_key = arena_copy(c->arena, o->array_key);
	d->context_key = arena_copy(c->arena, o->context_key);
	d->remove_key = o->remove_key;
	d->save = arena_copy(c->arena, o->state.ptr != NULL ? o->state : o->save);
	d->memcap = o->memcap;
	d->index = c->rules->dataset_count;
	st = may_write(c->options != NULL ? c->options->config : NULL, o, why);
	if (st != ST_OK)
		return st;
	if (!detect_dataset_type_parse(o->type, &d->type))
		return fail_set(why, ST_INVALID,
				"set %.*s wants a type: string, md5, sha256, ipv4 or ip",
				SLICE_ARG(o->name));
	if (!format_parse(o->format, d) ||
	    (d->format != DATASET_LINES && (d->value_key.len == 0 || numbered)))
		return fail_set(why, ST_INVALID, "set %.*s: format, or value_key is missing",
				SLICE_ARG(o->name));
	st = set_load(c, d, o, numbered, why);
	if (st != ST_OK)
		return st;
	d->next = c->rules->datasets;
	c->rules->datasets = d;
	c->rules->dataset_count++;
	*out = d;
	return ST_OK;
}

static enum status set_get(struct detect_compiler *c, struct wish *o, bool numbered,
			   struct detect_dataset **out, struct fail *why)
{
	struct detect_dataset *d = c->rules->datasets;
	enum detect_dataset_type type;

	if (o->name.len == 0)
		return fail_set(why, ST_INVALID, "a set needs a name");
	while (d != NULL && !slice_equal(d->name, o->name))
		d = d->next;
	if (d == NULL) {
		if (c->options != NULL)
			wish_complete(c->options->config, o);
		return set_new(c, o, numbered, out, why);
	}
	if (o->type.ptr != NULL && (!detect_dataset_type_parse(o->type, &type) || type != d->type))
		return fail_set(why, ST_INVALID, "set %.*s has another type", SLICE_ARG(o->name));
	*out = d;
	return ST_OK;
}

static bool on_bytes(const struct detect_compiler *c)
{
	return c->sticky;
}

static enum status compile_dataset(struct detect_compiler *c, const struct detect_keyword *kw,
				   struct slice value, struct fail *why)
{
	static const char *const acts[] = {"isset", "isnotset", "set", "unset"};
	struct dataset_operand *o = ARENA_NEW(c->arena, struct dataset_operand);
	struct slice rest = value, act = slice_trim(slice_split(&rest, ','));
	struct detect_dataset *set;
	struct wish w = {0};
	enum status st;
	unsigned i = 0;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	if (!on_bytes(c))
		return fail_set(why, ST_INVALID, "dataset needs a buffer before it");
	while (i < 4 && !slice_equal(act, slice_of(acts[i])))
		i++;
	w.name = slice_trim(slice_split(&rest, ','));
	if (i == 4)
		return fail_set(why, ST_INVALID, "dataset knows isset, isnotset, set and unset");
	st = wish_parse(rest, &w, why);
	if (st == ST_OK)
		st = set_get(c, &w, false, &set, why);
	if (st != ST_OK)
		return st;
	if (i >= ACT_SET && set->format != DATASET_LINES)
		return fail_set(why, ST_INVALID, "a set of JSON cannot be changed");
	o->act = ACT_ISSET + i;
	o->set = set;
	return detect_add_step(c, kw, o, false, why);
}

static enum status compile_datarep(struct detect_compiler *c, const struct detect_keyword *kw,
				   struct slice value, struct fail *why)
{
	struct datarep_operand *o = ARENA_NEW(c->arena, struct datarep_operand);
	struct slice rest = value, op, number;
	struct detect_dataset *set;
	struct wish w = {0};
	enum status st;
	uint64_t n;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	if (!on_bytes(c))
		return fail_set(why, ST_INVALID, "datarep needs a buffer before it");
	w.name = slice_trim(slice_split(&rest, ','));
	op = slice_trim(slice_split(&rest, ','));
	number = slice_trim(slice_split(&rest, ','));
	if (!text_u64(number, 0, 65535, &n))
		return fail_set(why, ST_INVALID, "datarep compares with 0 to 65535");
	o->range.a = n;
	if (slice_equal(op, SLICE(">")))
		o->range.op = CMP_GT;
	else if (slice_equal(op, SLICE("<")))
		o->range.op = CMP_LT;
	else if (slice_equal(op, SLICE("==")))
		o->range.op = CMP_EQ;
	else
		return fail_set(why, ST_INVALID, "datarep compares with >, < or ==");
	st = wish_parse(rest, &w, why);
	if (st == ST_OK)
		st = set_get(c, &w, true, &set, why);
	if (st != ST_OK)
		return st;
	o->set = set;
	return detect_add_step(c, kw, o, false, why);
}

KEYWORD(dataset) = {
	{.name = "dataset",
	 .compile = compile_dataset,
	 .step = dataset,
	 .cost = 2,
	 .doc = "the buffer is in a set, or becomes a part of it"},
	{.name = "datarep",
	 .compile = compile_datarep,
	 .step = datarep,
	 .cost = 2,
	 .doc = "the buffer's number in a list of reputations"},
	{0},
};
