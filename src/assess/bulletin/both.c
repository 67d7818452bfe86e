/* SPDX-License-Identifier: Apache-2.0
 *
 * Both verdicts: what everybody can compute, and what all evidence says where some of it stays
 * withheld. Of the latter only numbers are given, about what the public one names: so a bulletin
 * says by how much the withheld evidence moves it, and nothing of what that evidence is.
 *
 * Written and read here (docs/formats/bulletin.md): a reader who has not the withheld facts takes
 * this part as its maker says it, byte for byte.
 */
#include "assess/bulletin/bulletin_priv.h"

#include "base/cursor.h"
#include "base/json.h"
#include "base/text.h"
#include "crypto/crypto.h"

enum { RESULT_MAX = 32, CLAUSES_MAX = 4096, INCIDENTS_MAX = 1 << 20 };

/* ---- making --------------------------------------------------------------------------------- */

/* The candidate of a rung that has most behind it, "none of these" where it is alone; NULL: none
 * has, as in a flat prior. */
static const struct attrib_candidate *leading(const struct attrib_rung *r)
{
	const struct attrib_candidate *best = &r->candidates[0];
	bool alone = true;

	/* the last is none of these: it leads where it is alone */
	for (size_t i = 1; i + 1 < r->candidate_count; i++) {
		int32_t more =
			r->candidates[i].p.lo + r->candidates[i].p.hi - best->p.lo - best->p.hi;

		alone = more < 0 ? alone : more > 0;
		if (more > 0)
			best = &r->candidates[i];
	}
	return r->candidate_count != 0 && alone ? best : NULL;
}

/* What r says of a candidate; nothing, if it does not name it. */
static struct interval candidate_find(const struct attrib_rung *r, struct slice what)
{
	for (size_t i = 0; i < r->candidate_count; i++)
		if (slice_equal(r->candidates[i].what, what))
			return r->candidates[i].p;
	return (struct interval){0, 0};
}

static const struct treaty_finding *finding_find(const struct bulletin_case *c,
						 const struct treaty_finding *like)
{
	for (size_t i = 0; i < c->finding_count; i++)
		if (slice_equal(c->findings[i].clause, like->clause) &&
		    slice_equal(c->findings[i].instrument, like->instrument))
			return &c->findings[i];
	return NULL;
}

/* The incident that holds an event. More facts join incidents, and never part them. */
static const struct bulletin_case *case_of_leaf(const struct bulletin *b, uint64_t leaf)
{
	for (size_t i = 0; i < b->case_count; i++)
		for (size_t k = 0; k < b->cases[i].incident.step_count; k++)
			if (b->cases[i].incident.steps[k].leaf == leaf)
				return &b->cases[i];
	return NULL;
}

/* What `full` says of the things that `shown` names. */
static bool view_make(const struct bulletin_case *shown, const struct bulletin_case *full,
		      struct arena *a, struct bulletin_view *out)
{
	out->number = shown->incident.number;
	out->chain = full->chain.whole;
	for (size_t i = 0; i < ATTRIB_LEVELS; i++) {
		const struct attrib_candidate *top = leading(&shown->ladder.rungs[i]);

		if (top != NULL)
			out->rungs[i] = candidate_find(&full->ladder.rungs[i], top->what);
	}
	out->clauses = ARENA_ARRAY(a, struct bulletin_view_clause, shown->finding_count + 1);
	if (out->clauses == NULL)
		return false;
	for (size_t i = 0; i < shown->finding_count; i++) {
		const struct treaty_finding *f = finding_find(full, &shown->findings[i]);

		if (f == NULL)
			f = &shown->findings[i];
		out->clauses[out->clause_count++] =
			(struct bulletin_view_clause){f->joint, f->result};
	}
	return true;
}

enum status bulletin_both_make(const struct bulletin *b, const struct bulletin *full,
			       struct arena *a, struct bulletin_all *out, struct fail *why)
{
	struct bulletin_all all = {.counted = full->counted.count};

	all.views = ARENA_ARRAY(a, struct bulletin_view, b->case_count + 1);
	if (all.views == NULL)
		return fail_set(why, ST_NOMEM, "bulletin: no memory");
	for (; all.count < b->case_count; all.count++) {
		const struct bulletin_case *shown = &b->cases[all.count], *same = shown;

		if (full != b && shown->incident.step_count != 0)
			same = case_of_leaf(full, shown->incident.steps[0].leaf);
		if (same == NULL)
			return fail_set(why, ST_INVALID,
					"bulletin: incident %u is not in what all evidence says",
					shown->incident.number);
		if (!view_make(shown, same, a, &all.views[all.count]))
			return fail_set(why, ST_NOMEM, "bulletin: no memory");
	}
	*out = all;
	return ST_OK;
}

/* ---- side by side --------------------------------------------------------------------------- */

static struct slice interval_text(struct interval p, struct arena *a)
{
	struct buf b = buf_in(a);

	claim_write_interval(p, &b);
	return buf_slice(&b);
}

/* The n-th clause that applies, for one of the two at least; SIZE_MAX: there are fewer. */
static size_t nth_said(const struct bulletin_case *c, const struct bulletin_view *v, size_t n)
{
	for (size_t i = 0; i < c->finding_count && i < v->clause_count; i++)
		if ((!c->findings[i].not_applicable ||
		     !slice_equal(c->findings[i].result, v->clauses[i].result)) &&
		    n-- == 0)
			return i;
	return SIZE_MAX;
}

bool bulletin_row_at(const struct bulletin *b, size_t number, size_t i, struct arena *a,
		     struct bulletin_row *out)
{
	const struct bulletin_case *c = &b->cases[number];
	const struct bulletin_view *v;

	*out = (struct bulletin_row){0};
	if (number >= b->all.count)
		return false;
	v = &b->all.views[number];
	if (i < ATTRIB_LEVELS) {
		const struct attrib_candidate *top = leading(&c->ladder.rungs[i]);

		if (top == NULL) {
			out->what = buf_text(a, "L%zu none leads", i);
			out->all = out->public = SLICE("-");
			return true;
		}
		out->what = buf_text(a, "L%zu %.*s", i, SLICE_ARG(top->what));
		out->all = interval_text(v->rungs[i], a);
		out->public = interval_text(top->p, a);
		return true;
	}
	i -= ATTRIB_LEVELS;
	if (i == 0) {
		out->what = SLICE("the chain holds");
		out->all = interval_text(v->chain, a);
		out->public = interval_text(c->chain.whole, a);
		return true;
	}
	i = nth_said(c, v, i - 1);
	if (i == SIZE_MAX)
		return false;
	out->what = c->findings[i].clause;
	out->all = v->clauses[i].result;
	out->public = c->findings[i].result;
	return true;
}

const char *bulletin_both_words(const struct bulletin *b)
{
	if (!b->all.withheld)
		return "Both rest on the same facts: of those that were counted none is withheld.";
	if (!b->all_said)
		return "All evidence holds facts that are withheld; both were computed.";
	return "All evidence holds facts that are withheld: its numbers are what their holder "
	       "says, "
	       "and cannot be computed from what was released.";
}

/* ---- writing -------------------------------------------------------------------------------- */

static void put_interval(struct json *j, struct interval p)
{
	json_array(j);
	json_fixed(j, p.lo, 3);
	json_fixed(j, p.hi, 3);
	json_end(j);
}

static void put_view(struct json *j, const struct bulletin_view *v)
{
	json_object(j);
	json_key(j, "chain");
	put_interval(j, v->chain);
	json_key(j, "clauses");
	json_array(j);
	for (size_t i = 0; i < v->clause_count; i++) {
		json_object(j);
		json_key(j, "joint");
		put_interval(j, v->clauses[i].joint);
		json_member_str(j, "result", v->clauses[i].result);
		json_end(j);
	}
	json_end(j);
	json_member_u64(j, "number", v->number);
	json_key(j, "rungs");
	json_array(j);
	for (size_t i = 0; i < ATTRIB_LEVELS; i++)
		put_interval(j, v->rungs[i]);
	json_end(j);
	json_end(j);
}

void bulletin_write_all(struct json *j, const struct bulletin_all *all)
{
	char hex[2 * CRYPTO_SHA256_BYTES];

	json_object(j);
	json_key(j, "commitment");
	json_str(j, all->withheld
			    ? crypto_hex_write(
				      (struct slice){all->commitment, sizeof all->commitment}, hex)
			    : SLICE(""));
	json_member_u64(j, "counted", all->counted);
	json_key(j, "incidents");
	json_array(j);
	for (size_t i = 0; i < all->count; i++)
		put_view(j, &all->views[i]);
	json_end(j);
	json_member_bool(j, "withheld", all->withheld);
	json_end(j);
}

void bulletin_write_public(struct json *j, const struct bulletin *b)
{
	json_object(j);
	json_member_u64(j, "counted", b->counted.count);
	json_key(j, "incidents");
	json_array(j);
	for (size_t i = 0; i < b->case_count; i++) {
		const struct bulletin_case *c = &b->cases[i];

		json_object(j);
		json_key(j, "chain");
		put_interval(j, c->chain.whole);
		json_key(j, "clauses");
		json_array(j);
		for (size_t k = 0; k < c->finding_count; k++) {
			json_object(j);
			json_member_str(j, "clause", c->findings[k].clause);
			json_member_str(j, "instrument", c->findings[k].instrument);
			json_key(j, "joint");
			put_interval(j, c->findings[k].joint);
			json_member_str(j, "result", c->findings[k].result);
			json_end(j);
		}
		json_end(j);
		json_member_u64(j, "number", c->incident.number);
		json_key(j, "rungs");
		json_array(j);
		for (size_t k = 0; k < ATTRIB_LEVELS; k++) {
			const struct attrib_candidate *top = leading(&c->ladder.rungs[k]);

			json_object(j);
			json_member_str(j, "leading", top ? top->what : SLICE(""));
			json_key(j, "probability");
			put_interval(j, top ? top->p : (struct interval){0, 0});
			json_end(j);
		}
		json_end(j);
		json_end(j);
	}
	json_end(j);
	json_end(j);
}

/* ---- reading: that form, and no other ------------------------------------------------------- */

struct reader {
	struct cursor c;
	struct arena *a;
	bool wrong, nomem;
};

static void token(struct reader *r, const char *text)
{
	struct slice want = slice_of(text);

	r->wrong = r->wrong || !slice_equal(cursor_take(&r->c, want.len), want);
}

static bool next_is(const struct reader *r, uint8_t c)
{
	return !r->wrong && cursor_left(&r->c) != 0 && *r->c.at == c;
}

static uint64_t number(struct reader *r)
{
	struct slice rest = cursor_rest(&r->c);
	uint64_t v = 0;
	size_t n = 0;

	while (n < rest.len && text_is_digit(rest.ptr[n]))
		n++;
	r->wrong = r->wrong || (n > 1 && rest.ptr[0] == '0') ||
		   !text_u64(slice_part(rest, 0, n), 0, UINT32_MAX, &v);
	(void)cursor_take(&r->c, n); /* they are there */
	return v;
}

/* 0, 1 or 0.xxx without zeros at its end. */
static int32_t share(struct reader *r)
{
	uint8_t whole = cursor_u8(&r->c);
	int32_t v = 0, unit = CLAIM_CERTAIN / 10;

	r->wrong = r->wrong || (whole != '0' && whole != '1');
	if (whole == '1')
		return CLAIM_CERTAIN;
	if (!next_is(r, '.'))
		return 0;
	(void)cursor_u8(&r->c); /* the point */
	for (; unit != 0 && cursor_left(&r->c) != 0 && text_is_digit(*r->c.at); unit /= 10)
		v += (cursor_u8(&r->c) - '0') * unit;
	return v;
}

static struct interval interval(struct reader *r)
{
	struct interval p;

	token(r, "[");
	p.lo = share(r);
	token(r, ",");
	p.hi = share(r);
	token(r, "]");
	r->wrong = r->wrong || p.lo > p.hi;
	return p;
}

/* Letters and spaces: what treaty_judge() says. */
static struct slice result(struct reader *r)
{
	struct slice rest = cursor_rest(&r->c);
	size_t n = 0;

	while (n < rest.len && n < RESULT_MAX && (text_is_alpha(rest.ptr[n]) || rest.ptr[n] == ' '))
		n++;
	r->wrong = r->wrong || n == 0;
	return cursor_take(&r->c, n);
}

static void read_view(struct reader *r, struct bulletin_view *v)
{
	size_t room = 0;

	token(r, "{\"chain\":");
	v->chain = interval(r);
	token(r, ",\"clauses\":[");
	while (!r->wrong && !next_is(r, ']') && v->clause_count < CLAUSES_MAX) {
		struct bulletin_view_clause c;

		token(r, v->clause_count ? ",{\"joint\":" : "{\"joint\":");
		c.joint = interval(r);
		token(r, ",\"result\":\"");
		c.result = result(r);
		token(r, "\"}");
		r->nomem = r->nomem || !ARENA_PUSH(r->a, v->clauses, v->clause_count, room, c);
		r->wrong = r->wrong || r->nomem;
	}
	token(r, "],\"number\":");
	v->number = (uint32_t)number(r);
	token(r, ",\"rungs\":[");
	for (size_t i = 0; i < ATTRIB_LEVELS; i++) {
		token(r, i ? "," : "");
		v->rungs[i] = interval(r);
	}
	token(r, "]}");
}

enum status bulletin_read_all(struct slice json, struct arena *a, struct bulletin_all *out,
			      struct fail *why)
{
	struct reader r = {.c = cursor_of(json), .a = a};
	struct bulletin_all all = {0};
	size_t room = 0;

	token(&r, "{\"commitment\":\"");
	all.withheld = !next_is(&r, '"');
	if (all.withheld)
		r.wrong = r.wrong || !crypto_hex_parse(cursor_take(&r.c, 2 * sizeof all.commitment),
						       sizeof all.commitment, all.commitment);
	token(&r, "\",\"counted\":");
	all.counted = number(&r);
	token(&r, ",\"incidents\":[");
	while (!r.wrong && !next_is(&r, ']') && all.count < INCIDENTS_MAX) {
		struct bulletin_view v = {0};

		token(&r, all.count ? "," : "");
		read_view(&r, &v);
		r.nomem = r.nomem || !ARENA_PUSH(a, all.views, all.count, room, v);
		r.wrong = r.wrong || r.nomem;
	}
	token(&r, all.withheld ? "],\"withheld\":true}" : "],\"withheld\":false}");
	if (r.nomem)
		return fail_set(why, ST_NOMEM, "bulletin: no memory");
	if (r.wrong || cursor_left(&r.c) != 0)
		return fail_set(why, ST_INVALID,
				"what the bulletin says of all evidence is not in its form");
	*out = all;
	return ST_OK;
}

/* It speaks of the same incidents and clauses. */
bool bulletin_all_fits(const struct bulletin *b, const struct bulletin_all *all)
{
	if (all->count != b->case_count)
		return false;
	for (size_t i = 0; i < all->count; i++)
		if (all->views[i].number != b->cases[i].incident.number ||
		    all->views[i].clause_count != b->cases[i].finding_count)
			return false;
	return true;
}
