/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a treaty: either a treaty that judges without trouble, or errors that say where. */
#include "assess/treaty/treaty_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Claims for the treaty's own terms, drawn from the input, so that the judge sees all values. */
static void claims_of(const struct treaty *t, struct slice seed, struct arena *a,
		      struct claim_set *out)
{
	for (size_t i = 0; i < t->term_count; i++) {
		int32_t lo = seed.ptr[i % seed.len] * 4 % 1001,
			hi = seed.ptr[(i + 7) % seed.len] * 4;
		struct claim c = {.atom = t->terms[i].name, .p = {lo, hi > lo ? hi : lo}};

		if (c.p.hi <= CLAIM_CERTAIN && lo % 3 != 0 && !claim_add(out, a, c))
			return;
	}
}

/* The same clauses without words, and what is said of them before anything happens. */
static void look(const struct treaty *t, const struct treaty_case *c,
		 const struct treaty_finding *findings, struct arena *a)
{
	struct interval terms[TREATY_TERMS_MAX];
	struct treaty_lanes *room = ARENA_ARRAY(a, struct treaty_lanes, treaty_room(t) + 1);
	const struct treaty_law law = {c->claimant, c->respondent, c->at};
	struct buf notes = buf_in(a), page = buf_in(a);

	treaty_bind(t, c->claims, terms);
	for (size_t i = 0; room != NULL && i < t->clause_count; i++)
		if (treaty_clause_judged(t, i) && !findings[i].not_applicable)
			ASSERT(treaty_value(t, i, &law, terms, room) == findings[i].value);
	if (!treaty_lint(t, SLICE("f"), a, &notes) || !treaty_explain(t, 80, a, &page))
		ASSERT(a->exhausted);
	else
		ASSERT(page.len > 0);
}

static void judge(const struct treaty *t, struct slice seed, struct arena *a)
{
	struct claim_set claims = {0};
	struct treaty_case c = {.claims = &claims,
				.at = {INT64_C(1700000000) * TIME_NS_PER_S},
				.claimant_bound = true,
				.respondent_bound = true};
	struct treaty_finding *findings;
	size_t n;
	struct fail why = {0};

	claims_of(t, seed, a, &claims);
	c.claimant = t->party_count ? t->parties[0].id : SLICE("A");
	c.respondent = t->party_count ? t->parties[t->party_count - 1].id : SLICE("B");
	if (treaty_judge(t, &c, a, &findings, &n, &why) != ST_OK) {
		ASSERT(why.status == ST_NOMEM);
		return;
	}
	ASSERT(n == t->clause_count);
	for (size_t i = 0; i < n; i++) {
		ASSERT(findings[i].result.len > 0 && findings[i].trace_count > 0);
		for (size_t k = 0; k < findings[i].change_count; k++)
			ASSERT(findings[i].changes[k].if_true != findings[i].value ||
			       findings[i].changes[k].if_false != findings[i].value ||
			       t->clauses[i].consequences);
	}
	look(t, &c, findings, a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena_pool pool = {.budget = 16 << 20};
	struct arena a = {.pool = &pool};
	struct buf problems = buf_in(&a);
	struct fail why = {0};
	struct treaty *t;
	enum status st =
		treaty_compile(SLICE("f"), (struct slice){data, size}, &a, &t, &problems, &why);

	if (st == ST_OK) {
		ASSERT(problems.len == 0 && treaty_id(t).len > 0 && treaty_title(t).len > 0);
		judge(t, (struct slice){data, size}, &a);
	} else {
		ASSERT(why.status == st && why.text[0] == 'f' && why.text[1] == ':');
		ASSERT(st != ST_INVALID || problems.len > 0);
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
	return 0;
}
