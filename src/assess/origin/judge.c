/* SPDX-License-Identifier: Apache-2.0
 *
 * From what tables say about an address to a distribution over territories.
 *
 * The model, all of it (docs/formats/tables.md says it in prose; the numbers are the prior's):
 *   1. Each fact that names a territory has one vote's weight, divided down a tree: equally between
 *      the dependence groups that speak, in a group between its sources, in a source between its
 *      tables, in a table between its facts. So a copy of a copy does not count twice.
 *   2. A fact's weight goes to its territory as far as the source's accuracy reaches, the rest to
 *      "??", none of these. Groups are averaged, not multiplied: nothing is gained by agreeing.
 *   3. The midpoint of a candidate uses the mean accuracy. Its interval is as wide as two views are
 *      apart: the facts for it weigh so many times as much and sources are as good as they claim;
 * the facts against it weigh as many times as much and sources are as bad as feared.
 *   4. Midpoints sum to 1000 exactly; "??" takes what rounding leaves.
 */
#include <stdlib.h>

#include "assess/origin/origin.h"
#include "base/text.h"

enum { VOICES_MAX = 64 }; /* facts about one address */

#define WHOLE (INT64_C(1) << 36) /* the weight of all voices together */

struct voice {
	uint64_t leaf;
	const struct record_location *says;
	const struct prior_table *source;
	int64_t weight;
	size_t candidate;
};

struct judge {
	const struct prior *prior;
	struct voice voices[VOICES_MAX];
	size_t count; /* that name a territory */
	struct origin *out;
	int32_t left[2]; /* accuracy left by the flags: feared, claimed */
};

/* Do two voices share the branch of the tree that is `level` deep? 1 group, 2 source, 3 table. */
static bool same_branch(const struct voice *a, const struct voice *b, int level)
{
	bool unknown = a->source->source.len == 0; /* its own source */

	if (level >= 1 && a->source->group != b->source->group)
		return false;
	if (level >= 2 && !slice_equal(a->source->source, b->source->source))
		return false;
	return (level < 2 || (!unknown && level < 3)) ||
	       slice_equal_nocase(a->says->table, b->says->table);
}

/* How many branches of level + 1 there are in the voice's branch of that level. */
static int64_t branches(const struct judge *j, const struct voice *of, int level)
{
	int64_t n = 0;

	for (size_t i = 0; i < j->count; i++) {
		bool first = same_branch(&j->voices[i], of, level);

		for (size_t k = 0; k < i && first && level < 3; k++)
			first = !same_branch(&j->voices[i], &j->voices[k], level + 1);
		n += first;
	}
	return n;
}

static void weigh(struct judge *j)
{
	for (size_t i = 0; i < j->count; i++) {
		struct voice *v = &j->voices[i];

		v->weight = WHOLE;
		for (int level = 0; level <= 3; level++)
			v->weight /= branches(j, v, level);
	}
}

/* The share of candidate c in millionths, if its voices weigh `pro` and the others `contra`, and
 * accuracy lies `step` of 2 steps from feared to claimed. c == SIZE_MAX: "??". Nothing overflows:
 * weights sum to at most WHOLE = 2^36, times PRIOR_WEIGH_MAX, a thousand and another thousand. */
static int64_t share(const struct judge *j, size_t c, int64_t pro, int64_t contra, int step)
{
	int64_t sum = 0, mine = 0;

	for (size_t i = 0; i < j->count; i++) {
		const struct voice *v = &j->voices[i];
		int64_t feared = v->source->right.feared * (int64_t)j->left[0];
		int64_t claimed = v->source->right.claimed * (int64_t)j->left[1];
		int64_t right = (feared * (2 - step) + claimed * step) / 2 / CLAIM_CERTAIN;
		int64_t w = v->weight * (v->candidate == c ? pro : contra);

		sum += w;
		if (c == SIZE_MAX)
			mine += w * (CLAIM_CERTAIN - right);
		else if (v->candidate == c)
			mine += w * right;
	}
	return mine * CLAIM_CERTAIN / sum;
}

/* Millionths to thousandths; what the divisions of weigh() lost must not cost a whole one. */
static int32_t milli(int64_t millionths)
{
	return (int32_t)((millionths + 8) / CLAIM_CERTAIN);
}

/* As wide as the two views are apart, around the midpoint m, inside [0, 1000]. */
static struct interval around(int32_t m, int64_t low, int64_t high)
{
	int32_t reach = (milli(high) - milli(low)) / 2;

	if (reach > m)
		reach = m;
	if (reach > CLAIM_CERTAIN - m)
		reach = CLAIM_CERTAIN - m;
	return (struct interval){m - reach, m + reach};
}

static void measure(struct judge *j)
{
	struct origin *o = j->out;
	int32_t rest = CLAIM_CERTAIN;
	size_t named = o->candidate_count - 1;
	int64_t weigh = j->prior->weigh;

	for (size_t c = 0; c < named; c++) {
		int32_t m = milli(share(j, c, 1, 1, 1));

		o->candidates[c].p = around(m, share(j, c, 1, weigh, 0), share(j, c, weigh, 1, 2));
		rest -= m;
	}
	o->candidates[named].p = j->count == 0 ? (struct interval){CLAIM_CERTAIN, CLAIM_CERTAIN}
					       : around(rest, share(j, SIZE_MAX, 1, 1, 2),
							share(j, SIZE_MAX, 1, 1, 0));
}

static int candidate_compare(const void *pa, const void *pb)
{
	const struct origin_candidate *a = pa, *b = pb;
	int32_t ma = a->p.lo + a->p.hi, mb = b->p.lo + b->p.hi;

	return ma != mb ? (ma > mb ? -1 : 1) : slice_compare(a->territory, b->territory);
}

static int slice_order(const void *a, const void *b)
{
	return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

/* The names of the candidate's tables, each once, sorted; and its leaves. */
static bool cite(struct judge *j, size_t c, struct arena *a)
{
	struct origin_candidate *cand = &j->out->candidates[c];
	struct slice names[VOICES_MAX];
	struct buf text = buf_in(a);
	uint64_t *leaves = ARENA_ARRAY(a, uint64_t, j->count);
	size_t n = 0;

	if (leaves == NULL)
		return false;
	for (size_t i = 0; i < j->count; i++) {
		if (j->voices[i].candidate != c)
			continue;
		names[n] = j->voices[i].says->table;
		leaves[n++] = j->voices[i].leaf; /* facts ascend by leaf */
	}
	qsort(names, n, sizeof names[0], slice_order);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && slice_equal(names[i], names[i - 1]))
			continue;
		buf_add_z(&text, i > 0 ? ", " : "");
		buf_add(&text, names[i]);
	}
	cand->tables = buf_slice(&text);
	cand->leaves = leaves;
	cand->leaf_count = n;
	return !text.full;
}

/* Finds or makes the candidate of each voice; what has no room any more is "none of these". */
static void gather(struct judge *j)
{
	struct origin *o = j->out;

	for (size_t i = 0; i < j->count; i++) {
		struct slice territory = j->voices[i].says->territory;
		size_t c = 0;

		while (c < o->candidate_count &&
		       !slice_equal(o->candidates[c].territory, territory))
			c++;
		if (c == ORIGIN_CANDIDATES_MAX - 1)
			c = SIZE_MAX - 1; /* counted for nobody: its share stays with "??" */
		else if (c == o->candidate_count)
			o->candidates[o->candidate_count++].territory = territory;
		j->voices[i].candidate = c;
	}
	o->candidates[o->candidate_count++].territory = SLICE("??");
}

static const struct record_location *location_at(const struct fact_set *facts, size_t i,
						 const struct addr *address)
{
	const struct record *r = facts->facts[i].record;

	return r->kind == RECORD_LOCATION && addr_equal(&r->u.location.address, address)
		       ? &r->u.location
		       : NULL;
}

/* What speaks for an AS. */
struct as_support {
	size_t votes;  /* tables that name it */
	bool named;    /* one of them was named by a person, not found on the machine */
	unsigned bits; /* the longest prefix with which one does */
};

/* The tables that a machine has without being asked: their edition is whatever was installed. */
static bool is_systems(struct slice table)
{
	return slice_equal(table, SLICE("libloc")) || slice_equal(table, SLICE("tor-geoipdb"));
}

static struct as_support as_support(const struct fact_set *facts, const struct addr *address,
				    uint64_t asn)
{
	struct as_support s = {0};

	for (size_t i = 0; i < facts->count; i++) {
		const struct record_location *l = location_at(facts, i, address);

		if (l == NULL || l->asn != asn)
			continue;
		s.votes++;
		s.named = s.named || !is_systems(l->table);
		s.bits = l->net.bits > s.bits ? l->net.bits : s.bits;
	}
	return s;
}

static int as_support_compare(struct as_support a, struct as_support b)
{
	if (a.votes != b.votes)
		return a.votes < b.votes ? -1 : 1;
	if (a.named != b.named)
		return a.named ? 1 : -1;
	return a.bits < b.bits ? -1 : a.bits > b.bits;
}

static int as_claim_compare(const void *pa, const void *pb)
{
	const struct record_location *const *a = pa, *const *b = pb;
	int c = slice_compare((*a)->table, (*b)->table);

	return c ? c : ((*a)->asn > (*b)->asn) - ((*a)->asn < (*b)->asn);
}

/* Every table's word, sorted by table: what makes the AS disputed. */
static bool explain_as(const struct fact_set *facts, const struct addr *address, struct arena *a,
		       struct origin *out)
{
	const struct record_location *claims[VOICES_MAX];
	struct buf text = buf_in(a);
	size_t n = 0;

	for (size_t i = 0; i < facts->count && n < VOICES_MAX; i++) {
		claims[n] = location_at(facts, i, address);
		n += claims[n] != NULL && claims[n]->asn != 0;
	}
	qsort(claims, n, sizeof claims[0], as_claim_compare);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && as_claim_compare(&claims[i - 1], &claims[i]) == 0)
			continue;
		buf_add_fmt(&text, "%s%.*s says AS%llu%s%.*s", i ? ", " : "",
			    SLICE_ARG(claims[i]->table), (unsigned long long)claims[i]->asn,
			    claims[i]->as_name.len ? " " : "", SLICE_ARG(claims[i]->as_name));
	}
	out->as_why = buf_slice(&text);
	return !text.full;
}

/* The AS that most tables name; of equals that of a table that a person named, then the one with
 * the most specific network, then the smaller number. Its name is that of the first table, by name,
 * that gives one. */
static bool judge_as(const struct fact_set *facts, const struct addr *address, struct arena *a,
		     struct origin *out)
{
	struct as_support best = {0};
	struct slice namer = {NULL, 0};

	for (size_t i = 0; i < facts->count; i++) {
		const struct record_location *l = location_at(facts, i, address);
		struct as_support s;
		int c;

		if (l == NULL || l->asn == 0)
			continue;
		s = as_support(facts, address, l->asn);
		c = as_support_compare(s, best);
		out->asn_disputed = out->asn_disputed || (out->asn != 0 && out->asn != l->asn);
		if (c > 0 || (c == 0 && l->asn < out->asn)) {
			best = s;
			out->asn = l->asn;
		}
	}
	for (size_t i = 0; i < facts->count && out->asn != 0; i++) {
		const struct record_location *l = location_at(facts, i, address);

		if (l != NULL && l->asn == out->asn && l->as_name.len != 0 &&
		    (out->as_name.len == 0 || slice_compare(l->table, namer) < 0)) {
			out->as_name = l->as_name;
			namer = l->table;
		}
	}
	return !out->asn_disputed || explain_as(facts, address, a, out);
}

static void explain(const struct judge *j, struct buf *why)
{
	const struct origin *o = j->out;
	size_t named = o->candidate_count - 1;

	if (named == 0)
		buf_add_z(why, "no table names a territory");
	for (size_t c = 0; c < named; c++) {
		buf_add_z(why, c == 0 ? "" : c + 1 == named ? " and " : ", ");
		buf_add(why, o->candidates[c].tables);
		buf_add_z(why, memchr(o->candidates[c].tables.ptr, ',', o->candidates[c].tables.len)
				       ? " say "
				       : " says ");
		buf_add(why, o->candidates[c].territory);
	}
	if (named > 1)
		buf_add_z(why, ": the tables disagree");
	if (o->proxy)
		buf_add_z(why, "; marked as a proxy");
	if (o->hosting)
		buf_add_z(why, "; marked as hosting");
	if (o->anycast)
		buf_add_z(why, "; announced from several places");
}

static void flag(struct judge *j, bool set, enum prior_flag which)
{
	struct prior_pair left = j->prior->flags[which];

	if (!set)
		return;
	j->left[0] = j->left[0] * left.feared / CLAIM_CERTAIN;
	j->left[1] = j->left[1] * left.claimed / CLAIM_CERTAIN;
}

/* Takes up what is said about the address. False: more than VOICES_MAX. */
static bool listen(struct judge *j, const struct fact_set *facts, const struct addr *address)
{
	for (size_t i = 0; i < facts->count; i++) {
		const struct record *r = facts->facts[i].record;
		const struct record_location *l = &r->u.location;

		if (r->kind != RECORD_LOCATION || !addr_equal(&l->address, address))
			continue;
		j->out->proxy = j->out->proxy || l->proxy;
		j->out->hosting = j->out->hosting || l->hosting;
		j->out->anycast = j->out->anycast || l->anycast;
		if (l->territory.len == 0)
			continue;
		if (j->count == VOICES_MAX)
			return false;
		j->voices[j->count++] =
			(struct voice){.leaf = facts->facts[i].leaf,
				       .says = l,
				       .source = prior_table_of(j->prior, l->table)};
	}
	j->left[0] = j->left[1] = CLAIM_CERTAIN;
	flag(j, j->out->proxy, PRIOR_PROXY);
	flag(j, j->out->hosting, PRIOR_HOSTING);
	flag(j, j->out->anycast, PRIOR_ANYCAST);
	return true;
}

enum status origin_judge(const struct fact_set *facts, const struct addr *address,
			 const struct prior *prior, struct arena *a, struct origin *out,
			 struct fail *why)
{
	struct origin o = {.address = *address};
	struct judge *j = ARENA_NEW(a, struct judge);
	struct buf text = buf_in(a);

	if (j == NULL)
		goto nomem;
	j->out = &o;
	j->prior = prior;
	if (!listen(j, facts, address))
		return fail_set(why, ST_LIMIT, "more than %d facts locate one address", VOICES_MAX);
	gather(j);
	weigh(j);
	measure(j);
	for (size_t c = 0; c + 1 < o.candidate_count; c++)
		if (!cite(j, c, a))
			goto nomem;
	qsort(o.candidates, o.candidate_count - 1, sizeof o.candidates[0], candidate_compare);
	if (!judge_as(facts, address, a, &o))
		goto nomem;
	explain(j, &text);
	o.why = buf_slice(&text);
	if (text.full)
		goto nomem;
	*out = o;
	return ST_OK;
nomem:
	return fail_set(why, ST_NOMEM, "locating an address: the memory budget is spent");
}
