/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a dossier. One wrong item and nothing is read: what is left would say something else.
 */
#include "assess/dossier/dossier.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/text.h"

enum { LAST_SECOND = 24 * 3600 - 1 }; /* of a day, from 0 */

struct named { /* texts that are compared with each other, and what they belong to */
	struct slice text;
	size_t at;
};

struct reader {
	struct slice file;
	struct arena *a;
	struct dossier *d;
	struct fail *why;
	const char *what; /* "item", of which a mistake is told; NULL: of the whole */
	size_t number;	  /* which, from 1 */
	struct slice id;
	struct named *names;
};

static enum status wrong(const struct reader *r, const char *expected)
{
	struct slice file = slice_part(r->file, 0, 80), id = slice_part(r->id, 0, DOSSIER_ID_MAX);

	if (r->what == NULL)
		return fail_set(r->why, ST_INVALID, "%.*s: expected %s", SLICE_ARG(file), expected);
	return fail_set(r->why, ST_INVALID, "%.*s: %s %zu%s%.*s%s: expected %s", SLICE_ARG(file),
			r->what, r->number, id.len ? " \"" : "", SLICE_ARG(id), id.len ? "\"" : "",
			expected);
}

static enum status no_memory(const struct reader *r)
{
	return fail_set(r->why, ST_NOMEM, "%.*s: the memory budget is spent",
			SLICE_ARG(slice_part(r->file, 0, 80)));
}

/* Names what mistakes are about from here on. */
static void turn_to(struct reader *r, const char *what, size_t i, const json_t *o)
{
	const json_t *id = json_object_get(o, "id");

	r->what = what;
	r->number = i + 1;
	r->id = (struct slice){(const uint8_t *)json_string_value(id), json_string_length(id)};
	for (size_t k = 0; k < r->id.len; k++)
		if (r->id.ptr[k] < ' ' || r->id.ptr[k] == 0x7f)
			r->id.len = 0; /* it is printed */
}

/* ---- values ---------------------------------------------------------------------------------- */

static enum status check_keys(struct reader *r, const json_t *o, const char *const *keys)
{
	const char *key;
	json_t *v, *object;
	size_t i;

	if (!json_is_object(o))
		return wrong(r, "an object");
	object = (json_t *)(uintptr_t)o; /* jansson's loop wants it writable, and writes nothing */
	json_object_foreach(object, key, v)
	{
		for (i = 0; keys[i] != NULL && strcmp(keys[i], key) != 0; i++)
			;
		if (keys[i] == NULL)
			return wrong(r, "only the keys that docs/formats/evidence.md has");
	}
	return ST_OK;
}

/* What is printed must not act on a terminal. jansson has checked that it is UTF-8. */
static bool is_printable(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < ' ' || s.ptr[i] == 0x7f)
			return false;
	return true;
}

static struct slice string_of(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return (struct slice){(const uint8_t *)json_string_value(v), json_string_length(v)};
}

/* A text of 1 to `most` bytes; "" if it is not there. */
static enum status take_text(struct reader *r, const json_t *o, const char *key, size_t most,
			     struct slice *out)
{
	struct slice s = string_of(o, key);

	if (json_object_get(o, key) == NULL)
		return ST_OK;
	if (s.len == 0 || s.len > most || !is_printable(s))
		return wrong(
			r, "texts of 1 to 1000 bytes (ids, states: 64) without control characters");
	*out = arena_copy(r->a, s);
	return out->len == s.len ? ST_OK : no_memory(r);
}

/* The same, of letters, digits and -_.: only. */
static enum status take_word(struct reader *r, const json_t *o, const char *key, struct slice *out)
{
	enum status st = take_text(r, o, key, DOSSIER_ID_MAX, out);

	for (size_t i = 0; st == ST_OK && i < out->len; i++)
		if (!text_is_alpha(out->ptr[i]) && !text_is_digit(out->ptr[i]) &&
		    memchr("-_.:", out->ptr[i], 4) == NULL)
			return wrong(r, "ids of letters, digits, '-', '_', '.' and ':'");
	return st;
}

/* The index of a word in a list; absent: *out stays. */
static enum status take_choice(struct reader *r, const json_t *o, const char *key,
			       const char *const *words, size_t n, const char *expected,
			       unsigned *out)
{
	struct slice s = string_of(o, key);
	size_t i = 0;

	if (json_object_get(o, key) == NULL)
		return ST_OK;
	while (i < n && !slice_equal(s, slice_of(words[i])))
		i++;
	if (i == n)
		return wrong(r, expected);
	*out = (unsigned)i;
	return ST_OK;
}

/* "2018-02-12", which is when that day begins or ends, or RFC 3339. */
static enum status take_time(struct reader *r, const json_t *o, const char *key, bool end,
			     struct wall_ns *out)
{
	struct slice s = string_of(o, key);

	if (time_parse_date(s, out)) {
		out->ns += end ? LAST_SECOND * TIME_NS_PER_S : 0;
		return ST_OK;
	}
	return time_parse(s, out) ? ST_OK
				  : wrong(r, "in \"at\", and in \"since\", a day, as 2018-02-12, "
					     "or a time of RFC 3339");
}

/* Thousandths of a number with at most three decimals; false: it is none in least..most. */
static bool milli_of(const json_t *v, int32_t least, int32_t most, int32_t *out)
{
	double d = json_number_value(v) * 1000, off;
	int64_t whole;

	if (!json_is_number(v) || !(d > -1 && d < 2e9))
		return false;
	whole = (int64_t)(d + .5);
	off = d - (double)whole;
	if (off > 1e-6 || off < -1e-6 || whole < least || whole > most)
		return false;
	*out = (int32_t)whole;
	return true;
}

/* ---- hypotheses ------------------------------------------------------------------------------ */

static enum status read_hypothesis(struct reader *r, const json_t *o, bool *weighed)
{
	static const char *const keys[] = {"id",    "name",  "operator",      "relation",
					   "state", "prior", "may_be_framed", NULL};
	struct dossier *d = r->d;
	struct dossier_hypothesis *h = &d->hypotheses[d->hypothesis_count];
	struct fuse_hypothesis *w = &d->weighed[d->hypothesis_count];
	unsigned operator= FUSE_OPERATORS, relation = DOSSIER_NO_RELATION;
	const json_t *framed = json_object_get(o, "may_be_framed");
	const json_t *prior = json_object_get(o, "prior");
	int32_t weight = 0;
	enum status st = check_keys(r, o, keys);

	if (st == ST_OK)
		st = take_word(r, o, "id", &h->id);
	if (st == ST_OK)
		st = take_text(r, o, "name", DOSSIER_TEXT_MAX, &h->name);
	if (st == ST_OK)
		st = take_word(r, o, "state", &h->state);
	if (st == ST_OK)
		st = take_choice(r, o, "operator", dossier_operators, FUSE_OPERATORS,
				 "in \"operator\" one of: state organ, directed proxy, criminal, "
				 "independent, insider, unknown",
				 &operator);
	if (st == ST_OK)
		st = take_choice(r, o, "relation", dossier_relations, DOSSIER_RELATIONS,
				 "in \"relation\" one of the ten steps of docs/formats/evidence.md",
				 &relation);
	if (st != ST_OK)
		return st;
	if (h->id.len == 0 || h->name.len == 0 || slice_equal(h->id, SLICE("none")))
		return wrong(r, "an \"id\" that is not none, and a \"name\"");
	if (operator== FUSE_OPERATORS)
		return wrong(r, "an \"operator\": a state cannot be named without who acted");
	if (h->state.len != 0 && relation == DOSSIER_NO_RELATION)
		return wrong(r, "a \"relation\" beside the \"state\"");
	if (operator== FUSE_ORGAN && h->state.len == 0)
		return wrong(r, "the \"state\" whose organ it is");
	if (prior != NULL && !milli_of(prior, 1, 999, &weight))
		return wrong(r, "a \"prior\" from 0.001 to 0.999 with at most three decimals");
	if (framed != NULL && !json_is_boolean(framed))
		return wrong(r, "true or false in \"may_be_framed\"");
	for (size_t i = 0; i < d->hypothesis_count; i++)
		if (slice_equal(d->hypotheses[i].id, h->id))
			return wrong(r, "an \"id\" that no other hypothesis has");
	if (d->hypothesis_count != 0 && *weighed != (prior != NULL))
		return wrong(r, "a \"prior\" at all hypotheses or at none");
	*weighed = prior != NULL;
	h->relation = (uint8_t)relation;
	h->operator= operator;
	*w = (struct fuse_hypothesis){operator, framed == NULL || json_is_true(framed),
				      (uint32_t)weight * 1000};
	d->hypothesis_count++;
	return ST_OK;
}

/* By whom machines are operated by and large: shared by the hypotheses of that kind. What falls to
 * kinds that nobody named is for none of these. */
static void weigh_by_kind(const struct prior *prior, struct dossier *d)
{
	static const enum prior_operator of[FUSE_OPERATORS] = {
		[FUSE_ORGAN] = PRIOR_STATE,	   [FUSE_PROXY] = PRIOR_AFFILIATED,
		[FUSE_CRIMINAL] = PRIOR_NON_STATE, [FUSE_INDEPENDENT] = PRIOR_NON_STATE,
		[FUSE_INSIDER] = PRIOR_NON_STATE,  [FUSE_UNKNOWN] = PRIOR_OPERATORS};
	uint32_t named[PRIOR_OPERATORS + 1] = {0}, left = 1000000;

	for (size_t i = 0; i + 1 < d->hypothesis_count; i++)
		named[of[d->hypotheses[i].operator]]++;
	for (size_t i = 0; i + 1 < d->hypothesis_count; i++) {
		enum prior_operator o = of[d->hypotheses[i].operator];
		uint32_t share = o == PRIOR_OPERATORS ? 0 : (uint32_t)prior->operators[o] * 1000;

		d->weighed[i].weight = share / named[o] + 1;
		left -= d->weighed[i].weight;
	}
	d->weighed[d->hypothesis_count - 1].weight = left;
}

static enum status read_hypotheses(struct reader *r, const json_t *list, const struct prior *prior)
{
	struct dossier *d = r->d;
	size_t n = json_array_size(list);
	uint32_t sum = 0;
	bool weighed = false;
	enum status st = ST_OK;

	if (n < 3 || n >= FUSE_HYPOTHESES_MAX)
		return wrong(r, "3 to 11 \"hypotheses\"; \"none of these\" is one of itself");
	for (size_t i = 0; i < n && st == ST_OK; i++) {
		turn_to(r, "hypothesis", i, json_array_get(list, i));
		st = read_hypothesis(r, json_array_get(list, i), &weighed);
	}
	if (st != ST_OK)
		return st;
	d->hypotheses[n] = (struct dossier_hypothesis){.id = SLICE("none"),
						       .name = SLICE("none of these"),
						       .relation = DOSSIER_NO_RELATION,
						       .operator= FUSE_UNKNOWN };
	d->weighed[n] = (struct fuse_hypothesis){.operator= FUSE_UNKNOWN };
	d->hypothesis_count = n + 1;
	for (size_t i = 0; i < n; i++)
		sum += d->weighed[i].weight;
	r->what = NULL;
	if (sum > 999000)
		return wrong(r, "priors that leave at least 0.001 to none of these");
	d->prior_name = weighed ? SLICE("the dossier's own") : arena_copy(r->a, prior->name);
	if (weighed)
		d->weighed[n].weight = 1000000 - sum;
	else
		weigh_by_kind(prior, d);
	return ST_OK;
}

/* ---- items ----------------------------------------------------------------------------------- */

static enum status take_set(struct reader *r, const json_t *list, uint32_t *out)
{
	const struct dossier *d = r->d;
	uint32_t set = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *v = json_array_get(list, i);
		struct slice id = {(const uint8_t *)json_string_value(v), json_string_length(v)};
		size_t h = 0;

		while (h < d->hypothesis_count && !slice_equal(d->hypotheses[h].id, id))
			h++;
		if (h == d->hypothesis_count)
			return wrong(r, "ids of hypotheses in \"supports\" and \"against\"");
		if ((set >> h & 1) != 0)
			return wrong(r, "each hypothesis once");
		set |= UINT32_C(1) << h;
	}
	*out = set;
	return ST_OK;
}

/* "supports" or "against", one of them: what is against some is for all others. */
static enum status take_supports(struct reader *r, const json_t *o, uint32_t *out)
{
	const json_t *pro = json_object_get(o, "supports"), *con = json_object_get(o, "against");
	uint32_t all = (UINT32_C(1) << r->d->hypothesis_count) - 1, set;
	enum status st;

	if ((pro != NULL) == (con != NULL) || !json_is_array(pro != NULL ? pro : con))
		return wrong(r,
			     "a list of hypotheses in \"supports\" or in \"against\", not in both");
	st = take_set(r, pro != NULL ? pro : con, &set);
	if (st != ST_OK)
		return st;
	if (set == 0 || set == all)
		return wrong(r, "some of the hypotheses, not all: it tells them apart");
	*out = pro != NULL ? set : all & ~set;
	return ST_OK;
}

static enum status take_ratio(struct reader *r, const json_t *o, int32_t *lo, int32_t *hi)
{
	const json_t *v = json_object_get(o, "lr");

	if (v == NULL)
		return ST_OK;
	if (json_array_size(v) != 2 || !milli_of(json_array_get(v, 0), 1, FUSE_LR_MAX, lo) ||
	    !milli_of(json_array_get(v, 1), 1, FUSE_LR_MAX, hi) || *lo > *hi)
		return wrong(r, "in \"lr\" a range [least, most] from 0.001 to 1000 with at most "
				"three decimals: nothing is impossible, and nothing certain");
	return ST_OK;
}

/* "B2": how reliable the source, how credible the item. */
static enum status take_grade(struct reader *r, const json_t *o, uint8_t *letter, uint8_t *digit)
{
	struct slice s = string_of(o, "grade");

	if (s.len != 2 || s.ptr[0] < 'A' || s.ptr[0] > 'F' || s.ptr[1] < '1' || s.ptr[1] > '6')
		return wrong(r, "in \"grade\" an Admiralty grade, A1 to F6");
	*letter = (uint8_t)(s.ptr[0] - 'A');
	*digit = (uint8_t)(s.ptr[1] - '1');
	return ST_OK;
}

static enum status take_kind(struct reader *r, const json_t *o, const struct dossier_kind **out)
{
	struct slice s = string_of(o, "kind");
	const struct dossier_kind *k = dossier_kinds;

	if (slice_equal(s, SLICE("perception")))
		return wrong(r, "evidence: what people fear or suspect is kept apart from it");
	while (k->name != NULL && !slice_equal(slice_of(k->name), s))
		k++;
	if (k->name == NULL)
		return wrong(r, "in \"kind\" one that `dewline attrib kinds` lists");
	*out = k;
	return ST_OK;
}

static const char *const kin_words[FUSE_KINS] = {"campaign", "feed", "binary", "apart"};
static const char *const status_words[] = {"stands", "forged", "withdrawn"};

/* What it counts for. */
static enum status read_weight(struct reader *r, const json_t *o, const struct dossier_kind *kind,
			       struct fuse_item *e)
{
	const json_t *sealed = json_object_get(o, "sealed");
	unsigned forging = kind->forging, kin = FUSE_CAMPAIGN, status = FUSE_STANDS;
	enum status st;

	e->lr_lo = kind->lr_lo;
	e->lr_hi = kind->lr_hi;
	e->technical = kind->technical;
	st = take_supports(r, o, &e->supports);
	if (st == ST_OK)
		st = take_ratio(r, o, &e->lr_lo, &e->lr_hi);
	if (st == ST_OK)
		st = take_grade(r, o, &e->letter, &e->digit);
	if (st == ST_OK)
		st = take_choice(r, o, "forging", dossier_forgings, FUSE_FORGINGS,
				 "in \"forging\" one of: trivial, cheap, moderate, hard, "
				 "cryptographic",
				 &forging);
	if (st == ST_OK)
		st = take_choice(r, o, "kin", kin_words, FUSE_KINS,
				 "in \"kin\" one of: campaign, feed, binary, apart", &kin);
	if (st == ST_OK)
		st = take_choice(r, o, "status", status_words, 3,
				 "in \"status\" one of: stands, forged, withdrawn", &status);
	if (st != ST_OK)
		return st;
	if (forging == FUSE_CRYPTOGRAPHIC && kind->forging != FUSE_CRYPTOGRAPHIC)
		return wrong(r, "\"forging\" cryptographic at path-proof only");
	if (sealed != NULL && !json_is_boolean(sealed))
		return wrong(r, "true or false in \"sealed\"");
	e->sealed = json_is_true(sealed);
	e->forging = forging;
	e->kin = kin;
	e->status = status;
	return ST_OK;
}

static enum status read_item(struct reader *r, const json_t *o, struct wall_ns then)
{
	static const char *const keys[] = {"id",      "title",	   "kind",   "supports", "against",
					   "lr",      "group",	   "kin",    "source",	 "grade",
					   "forging", "at",	   "sealed", "about",	 "status",
					   "since",   "unchecked", NULL};
	struct dossier *d = r->d;
	struct dossier_item *i = &d->items[d->item_count];
	struct fuse_item *e = &d->evidence[d->item_count];
	struct slice grade = string_of(o, "grade");
	const json_t *unchecked = json_object_get(o, "unchecked");
	struct wall_ns since;
	enum status st = check_keys(r, o, keys);

	*i = (struct dossier_item){0};
	*e = (struct fuse_item){0};
	if (st == ST_OK)
		st = take_word(r, o, "id", &i->id);
	if (st == ST_OK)
		st = take_text(r, o, "title", DOSSIER_TEXT_MAX, &i->title);
	if (st == ST_OK)
		st = take_word(r, o, "source", &i->source);
	if (st == ST_OK)
		st = take_word(r, o, "group", &i->group);
	if (st == ST_OK)
		st = take_text(r, o, "about", DOSSIER_TEXT_MAX, &i->about);
	if (st == ST_OK && (i->id.len == 0 || i->title.len == 0 || i->source.len == 0))
		st = wrong(r, "an \"id\", a \"title\" and a \"source\"");
	if (st == ST_OK)
		st = take_kind(r, o, &i->kind);
	if (st == ST_OK)
		st = take_time(r, o, "at", false, &i->at);
	if (st == ST_OK)
		st = read_weight(r, o, i->kind, e);
	if (st != ST_OK)
		return st;
	if (i->at.ns > d->at.ns)
		return wrong(r, "an item that is not later than the assessment itself");
	if (json_object_get(o, "since") != NULL) {
		st = take_time(r, o, "since", false, &since);
		if (st == ST_OK && (e->status == FUSE_STANDS || since.ns > d->at.ns))
			st = wrong(r,
				   "\"since\" beside a \"status\", not later than the assessment");
		if (st != ST_OK)
			return st;
		if (since.ns > then.ns)
			e->status = FUSE_STANDS; /* nobody knew better yet */
	}
	if (unchecked != NULL && !json_is_boolean(unchecked))
		return wrong(r, "true or false in \"unchecked\"");
	i->unchecked = json_is_true(unchecked);
	memcpy(i->grade, grade.ptr, sizeof i->grade);
	if (i->at.ns > then.ns)
		d->later++;
	else
		d->item_count++;
	return ST_OK;
}

/* ---- what is there twice --------------------------------------------------------------------- */

static int named_compare(const void *pa, const void *pb)
{
	const struct named *a = pa, *b = pb;
	int c = slice_compare(a->text, b->text);

	return c != 0 ? c : a->at < b->at ? -1 : a->at > b->at;
}

/* Sorts; then equal texts have one number, from 1, which `give` is told. */
static void number(struct named *names, size_t n, void (*give)(struct fuse_item *e, uint32_t id),
		   struct fuse_item *items)
{
	uint32_t id = 1;

	qsort(names, n, sizeof *names, named_compare);
	for (size_t i = 0; i < n; i++) {
		id += i > 0 && !slice_equal(names[i - 1].text, names[i].text);
		give(&items[names[i].at], names[i].text.len == 0 ? 0 : id);
	}
}

static void give_source(struct fuse_item *e, uint32_t id)
{
	e->source = id;
}

static void give_label(struct fuse_item *e, uint32_t id)
{
	e->label = id;
}

static void give_same(struct fuse_item *e, uint32_t id)
{
	e->same = id;
}

/* What an item says, whatever it is called: its kind, for whom, and what it is about, in lower case
 * with single spaces. */
static struct slice essence(const struct dossier_item *i, const struct fuse_item *e,
			    struct arena *a)
{
	struct slice s = slice_trim(i->about.len != 0 ? i->about : i->title);
	struct buf b = buf_in(a);

	buf_add_fmt(&b, "%s %u ", i->kind->name, e->supports);
	for (size_t k = 0; k < s.len; k++)
		if (!text_is_space(s.ptr[k]) || !text_is_space(s.ptr[k - 1]))
			buf_add_byte(&b, text_lower(s.ptr[k]));
	return buf_slice(&b);
}

static enum status find_ties(struct reader *r)
{
	struct dossier *d = r->d;
	size_t n = d->item_count;

	r->names = ARENA_ARRAY(r->a, struct named, n + 1);
	if (r->names == NULL)
		return no_memory(r);
	for (size_t i = 0; i < n; i++)
		r->names[i] = (struct named){d->items[i].id, i};
	qsort(r->names, n, sizeof *r->names, named_compare);
	for (size_t i = 1; i < n; i++)
		if (slice_equal(r->names[i - 1].text, r->names[i].text)) {
			r->what = "item";
			r->number = r->names[i].at + 1;
			r->id = r->names[i].text;
			return wrong(r, "an \"id\" that no other item has");
		}
	for (size_t i = 0; i < n; i++)
		r->names[i] = (struct named){d->items[i].source, i};
	number(r->names, n, give_source, d->evidence);
	for (size_t i = 0; i < n; i++)
		r->names[i] = (struct named){d->items[i].group, i};
	number(r->names, n, give_label, d->evidence);
	for (size_t i = 0; i < n; i++)
		r->names[i] = (struct named){essence(&d->items[i], &d->evidence[i], r->a), i};
	number(r->names, n, give_same, d->evidence);
	return r->a->exhausted ? no_memory(r) : ST_OK;
}

static enum status read_items(struct reader *r, const json_t *list, struct wall_ns then)
{
	struct dossier *d = r->d;
	size_t n = json_array_size(list);
	enum status st = ST_OK;

	if (!json_is_array(list))
		return wrong(r, "a list in \"items\"");
	if (n > FUSE_ITEMS_MAX)
		return fail_set(r->why, ST_LIMIT,
				"%.*s: %zu items; at most %d are weighed: join those that say the "
				"same",
				SLICE_ARG(slice_part(r->file, 0, 80)), n, FUSE_ITEMS_MAX);
	d->items = ARENA_ARRAY(r->a, struct dossier_item, n + 1);
	d->evidence = ARENA_ARRAY(r->a, struct fuse_item, n + 1);
	if (d->items == NULL || d->evidence == NULL)
		return no_memory(r);
	for (size_t i = 0; i < n && st == ST_OK; i++) {
		turn_to(r, "item", i, json_array_get(list, i));
		st = read_item(r, json_array_get(list, i), then);
	}
	return st == ST_OK ? find_ties(r) : st;
}

/* ---- what nobody knows yet ------------------------------------------------------------------- */

static enum status read_unknown(struct reader *r, const json_t *o)
{
	static const char *const keys[] = {"id", "title", "kind",    "asks",
					   "lr", "grade", "forging", NULL};
	struct dossier_unknown *u = &r->d->unknowns[r->d->unknown_count];
	const json_t *asks = json_object_get(o, "asks");
	const struct dossier_kind *kind = NULL;
	enum status st = check_keys(r, o, keys);
	int32_t lo = 0, hi = 0;
	unsigned forging;

	if (st == ST_OK)
		st = take_word(r, o, "id", &u->id);
	if (st == ST_OK)
		st = take_text(r, o, "title", DOSSIER_TEXT_MAX, &u->title);
	if (st == ST_OK && (u->id.len == 0 || u->title.len == 0))
		st = wrong(r, "an \"id\" and a \"title\"");
	if (st == ST_OK)
		st = take_kind(r, o, &kind);
	if (st != ST_OK)
		return st;
	lo = kind->lr_lo;
	hi = kind->lr_hi;
	forging = kind->forging;
	st = take_ratio(r, o, &lo, &hi);
	if (st == ST_OK)
		st = take_choice(r, o, "forging", dossier_forgings, FUSE_FORGINGS,
				 "in \"forging\" one of: trivial, cheap, moderate, hard, "
				 "cryptographic",
				 &forging);
	u->asked = (struct fuse_unknown){.forging = forging, .letter = 1, .digit = 1};
	if (st == ST_OK && json_object_get(o, "grade") != NULL)
		st = take_grade(r, o, &u->asked.letter, &u->asked.digit);
	if (st == ST_OK && asks != NULL)
		st = take_set(r, asks, &u->asked.asks);
	if (st != ST_OK)
		return st;
	u->asked.lr = (lo + hi) / 2; /* what it may be expected to say */
	if (u->asked.lr < 1000)
		return wrong(r, "in \"lr\" what speaks for somebody: above 1");
	if (u->asked.asks == (UINT32_C(1) << r->d->hypothesis_count) - 1)
		return wrong(r, "in \"asks\" some of the hypotheses, not all");
	r->d->unknown_count++;
	return ST_OK;
}

static enum status read_unknowns(struct reader *r, const json_t *list)
{
	enum status st = ST_OK;

	r->what = NULL;
	if (list != NULL && (!json_is_array(list) || json_array_size(list) > DOSSIER_UNKNOWNS_MAX))
		return wrong(r, "a list of at most 64 in \"unknowns\"");
	for (size_t i = 0; i < json_array_size(list) && st == ST_OK; i++) {
		turn_to(r, "unknown", i, json_array_get(list, i));
		st = read_unknown(r, json_array_get(list, i));
	}
	return st;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static enum status read_whole(struct reader *r, const json_t *o, const struct prior *prior,
			      struct wall_ns then)
{
	static const char *const keys[] = {"format", "case",	 "title", "at", "hypotheses",
					   "items",  "unknowns", "stage", NULL};
	static const char *const stages[] = {"B1", "B2", "B3"};
	struct dossier *d = r->d;
	enum status st = check_keys(r, o, keys);
	unsigned stage = 0;

	if (st != ST_OK)
		return st;
	if (!slice_equal(string_of(o, "format"), SLICE("dewline-evidence/1")))
		return wrong(r, "\"format\": \"dewline-evidence/1\"");
	st = take_word(r, o, "case", &d->id);
	if (st == ST_OK)
		st = take_text(r, o, "title", DOSSIER_TEXT_MAX, &d->title);
	if (st == ST_OK && (d->id.len == 0 || d->title.len == 0))
		st = wrong(r, "a \"case\" and a \"title\"");
	if (st == ST_OK)
		st = take_choice(r, o, "stage", stages, 3, "\"stage\" B1, B2 or B3", &stage);
	d->stage = slice_of(stages[stage]);
	if (st == ST_OK)
		st = take_time(r, o, "at", true, &d->at);
	if (st == ST_OK && then.ns > d->at.ns)
		st = wrong(r, "to be asked about a time that is not later than its own");
	if (st == ST_OK)
		st = read_hypotheses(r, json_object_get(o, "hypotheses"), prior);
	if (st == ST_OK)
		st = read_items(r, json_object_get(o, "items"), then.ns != 0 ? then : d->at);
	if (st == ST_OK)
		st = read_unknowns(r, json_object_get(o, "unknowns"));
	if (then.ns != 0)
		d->at = then;
	return st;
}

enum status dossier_read(struct slice file, struct slice text, const struct prior *prior,
			 struct wall_ns then, struct arena *a, struct dossier *out,
			 struct fail *why)
{
	struct reader r = {.file = file, .a = a, .why = why};
	json_error_t error;
	enum status st;
	json_t *o;

	if (text.len > DOSSIER_BYTES_MAX)
		return fail_set(why, ST_LIMIT, "%.*s: more than 64 MiB",
				SLICE_ARG(slice_part(file, 0, 80)));
	r.d = ARENA_NEW(a, struct dossier);
	if (r.d == NULL)
		return no_memory(&r);
	o = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
	if (o == NULL)
		return fail_set(why, ST_INVALID, "%.*s:%d: %s", SLICE_ARG(slice_part(file, 0, 80)),
				error.line, error.text);
	st = read_whole(&r, o, prior, then);
	json_decref(o);
	if (st == ST_OK)
		*out = *r.d;
	return st;
}
