/* SPDX-License-Identifier: Apache-2.0
 * For machines. Keys in byte order, so what is written is canonical (RFC 8785). */
#include "assess/dossier/dossier.h"
#include "base/json.h"

static void probability(struct json *j, const char *key, int32_t milli)
{
	json_key(j, key);
	json_fixed(j, milli, 3);
}

static void margin(struct json *j, const struct fuse_answer *a)
{
	json_key(j, "margin");
	if (a->margin == FUSE_MARGIN_NONE)
		json_null(j);
	else
		json_u64(j, (uint64_t)(uint32_t)a->margin);
	json_member_bool(j, "margin_least", a->margin_least);
}

static void candidates(struct json *j, const struct dossier_finding *f, enum dossier_rung r,
		       const struct fuse_answer *a)
{
	json_key(j, "candidates");
	json_array(j);
	for (size_t k = 0; k < a->count; k++) {
		json_object(j);
		if (r == DOSSIER_OPERATOR)
			json_member_str(j, "id", f->dossier->hypotheses[k].id);
		probability(j, "middle", a->of[k].mid);
		json_key(j, "probability");
		json_array(j);
		json_fixed(j, a->of[k].lo, 3);
		json_fixed(j, a->of[k].hi, 3);
		json_end(j);
		json_member_str(j, "what", f->names[r][k]);
		json_end(j);
	}
	json_end(j);
}

/* All that an answer has, inside an object that is open; of a rung its level, else 0. */
static void answer(struct json *j, const struct dossier_finding *f, enum dossier_rung r,
		   const struct fuse_answer *a, uint64_t level)
{
	candidates(j, f, r, a);
	json_member_u64(j, "counted", a->counted);
	json_member_bool(j, "exact", a->exact);
	probability(j, "framed", a->framed);
	json_member_bool(j, "held", a->held);
	json_member_str(j, "leader", f->names[r][a->leader]);
	if (level != 0)
		json_member_u64(j, "level", level);
	margin(j, a);
}

static const char *const rung_names[DOSSIER_RUNGS] = {"operator", "relation to a state", "state"};

static const char *basis(const struct dossier_finding *f, enum dossier_rung r)
{
	if (f->attributed[r])
		return r == DOSSIER_RELATION ? "all items but technical ones" : "all items";
	return r == DOSSIER_OPERATOR ? "no item: the prior stands here"
	       : r == DOSSIER_RELATION
		       ? "no item speaks to it, technical ones cannot: the prior stands here"
		       : "no item of its own kind: what technical items make of the prior stands "
			 "here";
}

static void ladder(struct json *j, const struct dossier_finding *f)
{
	json_key(j, "ladder");
	json_array(j);
	for (enum dossier_rung r = DOSSIER_OPERATOR; r < DOSSIER_RUNGS; r++) {
		json_object(j);
		json_member_bool(j, "attributed", f->attributed[r]);
		json_member_str(j, "basis", slice_of(basis(f, r)));
		answer(j, f, r, &f->rungs[r], 3 + (uint64_t)r);
		json_member_str(j, "name", slice_of(rung_names[r]));
		json_end(j);
	}
	json_end(j);
}

static void numbers(struct json *j, const struct dossier_finding *f)
{
	json_key(j, "numbers");
	json_array(j);
	for (unsigned i = 0; i < FUSE_NUMBERS; i++) {
		struct fuse_view v = fuse_view_of(i);

		json_object(j);
		json_member_str(j, "evidence", v.public_only ? SLICE("public") : SLICE("all"));
		json_member_str(j, "items", v.no_cheap ? SLICE("not cheap") : SLICE("all"));
		json_key(j, "operator");
		json_object(j);
		answer(j, f, DOSSIER_OPERATOR, &f->eight[DOSSIER_OPERATOR][i], 0);
		json_end(j);
		json_member_str(j, "prior", v.flat ? SLICE("flat") : SLICE("published"));
		json_key(j, "state");
		json_object(j);
		answer(j, f, DOSSIER_STATE, &f->eight[DOSSIER_STATE][i], 0);
		json_end(j);
		json_end(j);
	}
	json_end(j);
}

/* Items that counted for nothing, or that contradict others of their group. */
static void items(struct json *j, const struct dossier_finding *f)
{
	const struct dossier *d = f->dossier;

	json_key(j, "items");
	json_object(j);
	json_key(j, "contradictory");
	json_array(j);
	for (size_t i = 0; i < d->item_count; i++) {
		size_t g = fuse_group_of(f->fuse, i);

		if (g != SIZE_MAX && fuse_group_torn(f->fuse, g))
			json_str(j, d->items[i].id);
	}
	json_end(j);
	json_key(j, "duplicates");
	json_array(j);
	for (size_t i = 0; i < d->item_count; i++) {
		size_t of = fuse_duplicate_of(f->fuse, i);

		if (of == SIZE_MAX)
			continue;
		json_object(j);
		json_member_str(j, "id", d->items[i].id);
		json_member_str(j, "of", d->items[of].id);
		json_end(j);
	}
	json_end(j);
	json_member_u64(j, "groups", fuse_group_count(f->fuse));
	json_member_u64(j, "later", d->later);
	json_member_u64(j, "read", d->item_count);
	json_end(j);
}

/* How the leader of all evidence fares, and who leads then. */
static void effect(struct json *j, const struct dossier_finding *f, const char *key,
		   const struct fuse_answer *a)
{
	json_key(j, key);
	json_object(j);
	probability(j, "framed", a->framed);
	json_member_str(j, "leader", f->dossier->hypotheses[a->leader].id);
	probability(j, "middle", a->of[f->rungs[DOSSIER_OPERATOR].leader].mid);
	json_end(j);
}

static void sensitivity(struct json *j, const struct dossier_finding *f)
{
	json_key(j, "sensitivity");
	json_array(j);
	for (size_t i = 0; i < f->effect_count; i++) {
		const struct dossier_effect *e = &f->effects[f->by_effect[i]];

		json_object(j);
		effect(j, f, "doubled", &e->doubled);
		effect(j, f, "dropped", &e->dropped);
		effect(j, f, "forged", &e->forged);
		json_member_str(j, "id", f->dossier->items[f->by_effect[i]].id);
		json_end(j);
	}
	json_end(j);
}

static void unknowns(struct json *j, const struct dossier_finding *f)
{
	json_key(j, "unknowns");
	json_array(j);
	for (size_t i = 0; i < f->dossier->unknown_count; i++) {
		uint32_t u = f->by_worth[i];

		json_object(j);
		probability(j, "change", f->worths[u].change);
		json_key(j, "gain");
		json_fixed(j, f->worths[u].gain, 6);
		json_member_str(j, "id", f->dossier->unknowns[u].id);
		json_member_str(j, "title", f->dossier->unknowns[u].title);
		json_end(j);
	}
	json_end(j);
}

void dossier_write_json(const struct dossier_finding *f, struct buf *out)
{
	struct json j = json_in(out);
	char when[TIME_TEXT_MAX];

	json_object(&j);
	json_member_str(&j, "at", time_format_rfc3339(f->dossier->at, when));
	json_member_str(&j, "case", f->dossier->id);
	json_member_str(&j, "format", SLICE("dewline-attribution/1"));
	items(&j, f);
	ladder(&j, f);
	json_member_str(&j, "model", slice_of(fuse_ladder_1.name));
	numbers(&j, f);
	json_member_str(&j, "prior", f->dossier->prior_name);
	sensitivity(&j, f);
	json_member_str(&j, "stage", f->dossier->stage);
	json_member_str(&j, "title", f->dossier->title);
	unknowns(&j, f);
	json_end(&j);
	buf_add_byte(out, '\n');
}
