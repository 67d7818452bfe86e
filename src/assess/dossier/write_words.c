/* SPDX-License-Identifier: Apache-2.0
 *
 * For people. Every number is beside its ICD 203 word, which is made here and never read back.
 * Where no answer has half the weight the alternatives stand first. How sure and how likely never
 * stand in one sentence: only the second is said at all.
 */
#include "assess/dossier/dossier.h"

#include "assess/claim/claim.h"

enum { WORTH_TOLD = 3, EFFECTS_TOLD = 5, NAME_SHOWN = 46 };

static void percent(int32_t milli, struct buf *out)
{
	if (milli < 10)
		buf_add_z(out, "under 1 %");
	else if (milli > 990)
		buf_add_z(out, "over 99 %");
	else
		buf_add_fmt(out, "%d %%", (milli + 5) / 10);
}

/* Whole per cents of a bound, rounded outwards but never to 0 or 100. */
static int32_t least(const struct fuse_share *p)
{
	return p->lo < 10 ? 1 : p->lo / 10;
}

static int32_t most(const struct fuse_share *p)
{
	return p->hi > 990 ? 99 : (p->hi + 9) / 10;
}

/* "87 %, within 80 and 91 %" */
static void share(const struct fuse_share *p, struct buf *out)
{
	percent(p->mid, out);
	if (p->hi - p->lo >= 10)
		buf_add_fmt(out, ", within %s%d and %s%d %%", p->lo < 10 ? "under " : "", least(p),
			    p->hi > 990 ? "over " : "", most(p));
}

static const char *word(const struct fuse_share *p)
{
	return claim_word((struct interval){p->mid, p->mid});
}

/* The parts but `not`, the likeliest first, as many as have a hundredth. */
static void alternatives(const struct dossier_finding *f, enum dossier_rung r, size_t not,
			 struct buf *out)
{
	const struct fuse_answer *a = &f->rungs[r];
	uint32_t told = not == SIZE_MAX ? 0 : UINT32_C(1) << not ;

	for (size_t n = 0; n < a->count; n++) {
		size_t best = SIZE_MAX;

		for (size_t k = 0; k < a->count; k++)
			if ((told >> k & 1) == 0 &&
			    (best == SIZE_MAX || a->of[k].mid > a->of[best].mid))
				best = k;
		if (best == SIZE_MAX || a->of[best].mid < 10)
			return;
		told |= UINT32_C(1) << best;
		buf_add_fmt(out, "  - %.*s: %s, ", SLICE_ARG(f->names[r][best]),
			    word(&a->of[best]));
		share(&a->of[best], out);
		buf_add_z(out, "\n");
	}
}

static bool is_none(const struct fuse_answer *a)
{
	return a->leader == a->count - 1;
}

static void who(const struct dossier_finding *f, struct buf *out)
{
	const struct fuse_answer *a = &f->rungs[DOSSIER_OPERATOR];
	struct slice name = f->names[DOSSIER_OPERATOR][a->leader];

	buf_add_z(out, "Who did it\n");
	if (!f->attributed[DOSSIER_OPERATOR]) {
		buf_add_z(out, "Nothing that was found speaks to it. What is known of such cases "
			       "in general:\n");
		alternatives(f, DOSSIER_OPERATOR, SIZE_MAX, out);
		return;
	}
	if (a->of[a->leader].mid < 500 || is_none(a)) {
		buf_add_z(out, is_none(a) && a->of[a->leader].mid >= 500
				       ? "It was more likely somebody whom nobody has named yet. "
					 "All answers:\n"
				       : "No answer is more likely than not. All of them:\n");
		alternatives(f, DOSSIER_OPERATOR, SIZE_MAX, out);
		buf_add_z(out, "So this case stays unattributed, which is a result: it is opened "
			       "again when evidence comes.\n");
		return;
	}
	buf_add_fmt(out, "It is %s that it was %.*s: ", word(&a->of[a->leader]), SLICE_ARG(name));
	share(&a->of[a->leader], out);
	buf_add_z(out, ".\nThe alternatives:\n");
	alternatives(f, DOSSIER_OPERATOR, a->leader, out);
	if (a->held)
		buf_add_z(out, "More is not said: \"almost certain\" takes a path proof that "
			       "stations signed, or a finding\nthat is dear to forge.\n");
}

static void framed(const struct dossier_finding *f, struct buf *out)
{
	int32_t p = f->rungs[DOSSIER_OPERATOR].framed;

	buf_add_fmt(out, "That whoever did it made it look like somebody else is %s: ",
		    claim_word((struct interval){p, p}));
	percent(p, out);
	buf_add_z(out, ".\n");
}

static void state(const struct dossier_finding *f, struct buf *out)
{
	const struct fuse_answer *a = &f->rungs[DOSSIER_STATE];

	buf_add_z(out, "\nWhich state, and what it had to do with it\n");
	if (!f->attributed[DOSSIER_STATE])
		buf_add_z(out, "No state is named: no item of its own kind speaks to it, only "
			       "technical ones.\n");
	else if (a->of[a->leader].mid < 500 || is_none(a) ||
		 slice_equal(f->names[DOSSIER_STATE][a->leader], SLICE("no state"))) {
		buf_add_z(out, "No state is named: none is more likely than not.\n");
		alternatives(f, DOSSIER_STATE, SIZE_MAX, out);
	} else {
		buf_add_fmt(out, "%.*s: %s, ", SLICE_ARG(f->names[DOSSIER_STATE][a->leader]),
			    word(&a->of[a->leader]));
		share(&a->of[a->leader], out);
		buf_add_z(out, ".\n");
	}
	if (!f->attributed[DOSSIER_RELATION])
		buf_add_z(out, "What a state had to do with it is open: technical evidence cannot "
			       "say.\n");
	else {
		buf_add_z(out, "By what is not technical, the relation was:\n");
		alternatives(f, DOSSIER_RELATION, SIZE_MAX, out);
	}
}

/* ---- the eight numbers ----------------------------------------------------------------------- */

/* A middle as a whole per cent: at least 1, at most 99. */
static int32_t clamp(int32_t milli)
{
	return milli < 10 ? 1 : milli > 990 ? 99 : (milli + 5) / 10;
}

static void cell(const struct dossier_finding *f, unsigned number, enum dossier_rung r,
		 size_t which, struct buf *out)
{
	const struct fuse_share *p = &f->eight[r][number].of[which];

	buf_add_fmt(out, "  %3d %% (%2d-%2d)", clamp(p->mid), least(p), most(p));
}

static void eight(const struct dossier_finding *f, enum dossier_rung r, struct buf *out)
{
	size_t which = f->rungs[r].leader;

	buf_add_fmt(out, "\n%-46.*s  %-13s  %-13s\n",
		    (int)slice_part(f->names[r][which], 0, NAME_SHOWN).len,
		    (const char *)f->names[r][which].ptr, "all items", "none cheap to forge");
	for (unsigned prior = 0; prior < 2; prior++)
		for (unsigned shown = 0; shown < 2; shown++) {
			unsigned number = prior * 4 + shown;

			buf_add_fmt(out, "  %-44s",
				    prior == 0	 ? shown == 0 ? "all evidence, published prior"
							      : "public evidence, published prior"
				    : shown == 0 ? "all evidence, flat prior"
						 : "public evidence, flat prior");
			cell(f, number, r, which, out);
			cell(f, number + 2, r, which, out);
			buf_add_z(out, "\n");
		}
}

void dossier_write_table(const struct dossier_finding *f, struct buf *out)
{
	static const char *const names[] = {"L3  operator", "L4  relation to a state", "L5  state"};

	for (enum dossier_rung r = DOSSIER_OPERATOR; r < DOSSIER_RUNGS; r++) {
		buf_add_fmt(out, "%s%s\n", names[r], f->attributed[r] ? "" : "  (not attributed)");
		alternatives(f, r, SIZE_MAX, out);
	}
	eight(f, DOSSIER_OPERATOR, out);
	if (f->attributed[DOSSIER_STATE])
		eight(f, DOSSIER_STATE, out);
}

/* ---- what would change it -------------------------------------------------------------------- */

static void rests_on(const struct dossier_finding *f, struct buf *out)
{
	size_t leader = f->rungs[DOSSIER_OPERATOR].leader;
	const struct dossier *d = f->dossier;

	buf_add_z(out, "\nWhat it rests on\n");
	for (size_t n = 0; n < f->effect_count && n < EFFECTS_TOLD; n++) {
		uint32_t i = f->by_effect[n];
		const struct dossier_effect *e = &f->effects[i];

		if (fuse_group_of(f->fuse, i) == SIZE_MAX)
			continue;
		buf_add_fmt(out, "  - %.*s (%.2s, %s to forge%s%s): without it ",
			    SLICE_ARG(d->items[i].title), d->items[i].grade,
			    dossier_forgings[d->evidence[i].forging],
			    d->evidence[i].sealed ? ", sealed" : "",
			    d->items[i].unchecked ? ", unchecked" : "");
		percent(e->dropped.of[leader].mid, out);
		buf_add_z(out, "; if it is a plant ");
		percent(e->forged.of[leader].mid, out);
		if (e->forged.leader != leader)
			buf_add_fmt(out, ", and then %.*s leads",
				    SLICE_ARG(d->hypotheses[e->forged.leader].name));
		buf_add_z(out, "\n");
	}
}

static void cost(const struct dossier_finding *f, struct buf *out)
{
	const struct fuse_answer *a = &f->rungs[DOSSIER_OPERATOR];

	buf_add_z(out, "\nWhat it takes to fake it\n");
	if (a->margin == 0 && !a->margin_least)
		buf_add_z(out, "Nothing: the finding does not stand at one half as it is.\n");
	else if (a->margin == FUSE_MARGIN_NONE)
		buf_add_z(out, "It stands without all that speaks for it: it follows from the "
			       "prior and from what speaks against others.\n");
	else
		buf_add_fmt(out,
			    "Plants worth %s%d, where a language mark costs 1, a build string 2, a "
			    "rented server 5,\na stolen key 20.\n",
			    a->margin_least ? "at least " : "", a->margin);
}

static void next(const struct dossier_finding *f, struct buf *out)
{
	const struct dossier *d = f->dossier;

	if (d->unknown_count == 0)
		return;
	buf_add_z(out, "\nWhat to find out next\n");
	for (size_t n = 0; n < d->unknown_count && n < WORTH_TOLD; n++) {
		const struct fuse_worth *w = &f->worths[f->by_worth[n]];

		buf_add_fmt(out, "  - %.*s: it would take %d.%03d off the expected error",
			    SLICE_ARG(d->unknowns[f->by_worth[n]].title), w->gain / 1000000,
			    w->gain / 1000 % 1000);
		buf_add_z(out, ", and somebody else would lead with a chance of ");
		percent(w->change, out);
		buf_add_z(out, "\n");
	}
}

static void faults(const struct dossier_finding *f, struct buf *out)
{
	const struct dossier *d = f->dossier;

	for (size_t i = 0; i < d->item_count; i++) {
		size_t of = fuse_duplicate_of(f->fuse, i);

		if (of != SIZE_MAX)
			buf_add_fmt(out, "Not counted: %.*s says what %.*s said.\n",
				    SLICE_ARG(d->items[i].id), SLICE_ARG(d->items[of].id));
	}
	for (size_t i = 0, told = SIZE_MAX; i < d->item_count; i++) {
		size_t g = fuse_group_of(f->fuse, i);

		if (g == SIZE_MAX || g == told || !fuse_group_torn(f->fuse, g))
			continue;
		buf_add_fmt(out, "Contradictory: %.*s and others of its group or source.\n",
			    SLICE_ARG(d->items[i].id));
		told = g;
	}
}

void dossier_write_words(const struct dossier_finding *f, struct buf *out)
{
	const struct dossier *d = f->dossier;
	char when[TIME_TEXT_MAX];
	size_t sealed = 0;

	for (size_t i = 0; i < d->item_count; i++)
		sealed += d->evidence[i].sealed;
	buf_add_fmt(out, "%.*s\nAs of %.10s: %zu of %zu items count, in %zu groups",
		    SLICE_ARG(d->title), (const char *)time_format_rfc3339(d->at, when).ptr,
		    f->rungs[DOSSIER_OPERATOR].counted, d->item_count, fuse_group_count(f->fuse));
	buf_add_fmt(out, "; %zu sealed", sealed);
	if (d->later != 0)
		buf_add_fmt(out, "; %zu were not known yet", d->later);
	buf_add_z(out, ".\n");
	faults(f, out);
	buf_add_z(out, "\n");
	who(f, out);
	framed(f, out);
	state(f, out);
	buf_add_z(out, "\nBy which evidence, and from which start (middle, least and most, in per "
		       "cent)\n");
	eight(f, DOSSIER_OPERATOR, out);
	if (f->attributed[DOSSIER_STATE])
		eight(f, DOSSIER_STATE, out);
	rests_on(f, out);
	cost(f, out);
	next(f, out);
}
