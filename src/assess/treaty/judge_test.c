/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/treaty/treaty_priv.h"
#include "test.h"

struct fixture {
	struct arena_pool pool;
	struct arena a;
	struct treaty *t;
	struct claim_set claims;
	struct treaty_case c;
	struct treaty_finding *f;
	size_t count;
	struct fail why;
};

static void done(struct fixture *x)
{
	arena_reset(&x->a);
	arena_pool_drain(&x->pool);
}

/* Bound parties A and B, in 2026. */
static bool setup(struct fixture *x, struct slice text)
{
	*x = (struct fixture){.pool = {.budget = 64 << 20}};
	x->a.pool = &x->pool;
	x->c = (struct treaty_case){.claims = &x->claims,
				    .at = {INT64_C(1790000000) * TIME_NS_PER_S},
				    .claimant = SLICE("A"),
				    .respondent = SLICE("B"),
				    .claimant_bound = true,
				    .respondent_bound = true};
	return treaty_compile(SLICE("x"), text, &x->a, &x->t, NULL, &x->why) == ST_OK;
}

static void say(struct fixture *x, const char *atom, int32_t lo, int32_t hi)
{
	struct claim c = {.atom = slice_of(atom), .p = {lo, hi}};

	for (size_t i = 0; i < x->claims.count; i++)
		if (slice_equal(x->claims.claims[i].atom, c.atom)) {
			x->claims.claims[i].p = c.p;
			return;
		}
	ASSERT(claim_add(&x->claims, &x->a, c));
}

static bool judge(struct fixture *x)
{
	return treaty_judge(x->t, &x->c, &x->a, &x->f, &x->count, &x->why) == ST_OK;
}

static const struct treaty_change *change_of(const struct treaty_finding *f, struct slice atom)
{
	for (size_t i = 0; i < f->change_count; i++)
		if (slice_equal(f->changes[i].atom, atom))
			return &f->changes[i];
	return NULL;
}

static bool trace_holds(const struct treaty_finding *f, struct slice part)
{
	for (size_t i = 0; i < f->trace_count; i++)
		if (slice_find(f->trace[i].text, part) != SIZE_MAX)
			return true;
	return false;
}

#define HEAD "instrument x \"X\"\nsource \"s\" mark V\nin-force 2020-01-01\nstandard high 0.75\n"

/* ---- the worked case of 38 percent ---------------------------------------------------------- */

static const char sample[] = "instrument s \"Sample\"\n"
			     "source \"sample\" mark V\n"
			     "in-force between-parties\n"
			     "standard beyond-reasonable-doubt 0.95\n"
			     "standard clear-and-convincing 0.75\n"
			     "standard balance 0.51\n";

static const char *const sample_terms[] = {"access",
					   "authorised",
					   "intentional",
					   "disruption",
					   "destruction",
					   "data_altered",
					   "civilian_target",
					   "shooting_war_between_them",
					   "prior_cyber_attack_by_victim",
					   "attributed_to_state",
					   "origin_in_territory",
					   "feasible_measures_taken",
					   "intent_obtain_data",
					   "security_infringed",
					   "networked_system"};

static bool setup_sample(struct fixture *x)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct buf b = buf_in(&a);
	static uint8_t text[8192];

	buf_add_z(&b, sample);
	for (size_t i = 0; i < sizeof sample_terms / sizeof *sample_terms; i++)
		buf_add_fmt(&b, "term %s \"t\"\n", sample_terms[i]);
	buf_add_z(&b,
		  "clause s.2 \"Illegal access\"\n"
		  "  proof beyond-reasonable-doubt\n"
		  "  when access and not authorised and intentional\n"
		  "clause s.3 \"Ban on first use against civilian infrastructure\"\n"
		  "  proof clear-and-convincing\n"
		  "  when attributed_to_state and (disruption or destruction or data_altered)\n"
		  "    and civilian_target\n"
		  "  unless shooting_war_between_them ; CWLT exception (a)\n"
		  "  unless prior_cyber_attack_by_victim ; CWLT exception (b)\n"
		  "clause s.4 \"State responsible unless it shows it acted\"\n"
		  "  proof balance\n"
		  "  when origin_in_territory and (disruption or destruction)\n"
		  "  unless respondent-shows feasible_measures_taken ; seed 004 Part IV\n"
		  "party US\n"
		  "  amend s.2 require intent_obtain_data ; Arts. 2 and 40, deposited 2006-09-29\n"
		  "party JP\n"
		  "  amend s.2 require security_infringed and networked_system ; Arts. 2 and 40, "
		  "deposited 2012-07-03\n");
	ASSERT(!b.full && b.len <= sizeof text);
	memcpy(text, b.ptr, b.len);
	arena_reset(&a);
	arena_pool_drain(&pool);
	if (!setup(x, (struct slice){text, b.len}))
		return false;
	say(x, "access", 990, 1000);
	say(x, "authorised", 0, 20);
	say(x, "intentional", 960, 1000);
	say(x, "disruption", 980, 1000);
	say(x, "civilian_target", 950, 1000);
	say(x, "shooting_war_between_them", 0, 10);
	say(x, "attributed_to_state", 380, 700);
	say(x, "origin_in_territory", 800, 900);
	say(x, "feasible_measures_taken", 0, 300);
	say(x, "intent_obtain_data", 200, 600);
	say(x, "security_infringed", 970, 1000);
	say(x, "networked_system", 1000, 1000);
	return true;
}

static void the_case_of_38_percent_has_four_honest_answers(struct test *t)
{
	struct fixture x;
	const struct treaty_change *ch;

	EXPECT(t, setup_sample(&x));
	x.c.claimant = x.c.respondent = SLICE("US");
	EXPECT(t, judge(&x));
	EXPECT_SLICE(t, x.f[0].result, SLICE("undetermined"));
	EXPECT(t, trace_holds(&x.f[0], SLICE("intent_obtain_data 0.20-0.60 is neither shown nor "
					     "excluded at 0.95")));
	EXPECT_UINT(t, x.f[0].change_count, 1);
	ch = change_of(&x.f[0], SLICE("intent_obtain_data"));
	EXPECT(t, ch != NULL && ch->if_true == TREATY_TRUE && ch->if_false == TREATY_FALSE);

	x.c.claimant = x.c.respondent = SLICE("JP");
	EXPECT(t, judge(&x));
	EXPECT_SLICE(t, x.f[0].result, SLICE("breach shown"));
	EXPECT_UINT(t, x.f[0].change_count, 0);

	EXPECT_SLICE(t, x.f[1].result, SLICE("undetermined"));
	EXPECT(t, trace_holds(&x.f[1], SLICE("attributed_to_state 0.38-0.70 is neither")));
	EXPECT_UINT(t, x.f[1].change_count, 2);
	ch = change_of(&x.f[1], SLICE("attributed_to_state"));
	EXPECT(t, ch != NULL && ch->if_false == TREATY_FALSE);
	ch = change_of(&x.f[1], SLICE("prior_cyber_attack_by_victim"));
	EXPECT(t, ch != NULL && ch->if_true == TREATY_FALSE);

	EXPECT_SLICE(t, x.f[2].result, SLICE("breach shown"));
	EXPECT(t,
	       trace_holds(&x.f[2], SLICE("feasible_measures_taken 0-0.30 is excluded at 0.51")));
	EXPECT(t, trace_holds(&x.f[2], SLICE("not shown by the respondent")));
	done(&x);
}

/* ---- properties on random clauses ----------------------------------------------------------- */

enum { ATOMS = 6 };

/* A random expression as text, and what it is worth by definition. */
static enum treaty_value expression(struct test *t, struct buf *b, const enum treaty_value *v,
				    unsigned depth)
{
	unsigned kind = depth ? (unsigned)(test_rand(t) % 4) : 0, n;
	enum treaty_value r;

	if (kind == 0) {
		size_t i = test_rand(t) % ATOMS;

		buf_add_fmt(b, "t%zu", i);
		return v[i];
	}
	if (kind == 1) {
		buf_add_z(b, "not ");
		return (enum treaty_value)(TREATY_TRUE - expression(t, b, v, depth - 1));
	}
	n = 2 + (unsigned)(test_rand(t) % 3);
	buf_add_byte(b, '(');
	r = kind == 2 ? TREATY_TRUE : TREATY_FALSE;
	for (unsigned i = 0; i < n; i++) {
		enum treaty_value w;

		buf_add_z(b, i == 0 ? "" : kind == 2 ? " and " : " or ");
		w = expression(t, b, v, depth - 1);
		r = kind == 2 ? (w < r ? w : r) : (w > r ? w : r); /* Kleene: least, greatest */
	}
	buf_add_byte(b, ')');
	return r;
}

static struct interval interval_for(struct test *t, enum treaty_value v)
{
	int32_t a = (int32_t)(test_rand(t) % 251), b = (int32_t)(test_rand(t) % 251);
	int32_t lo = a < b ? a : b, hi = a < b ? b : a;

	if (v == TREATY_FALSE)
		return (struct interval){lo, hi};
	if (v == TREATY_TRUE)
		return (struct interval){750 + lo, 750 + hi};
	return (struct interval){(int32_t)(test_rand(t) % 750),
				 251 + (int32_t)(test_rand(t) % 750)};
}

struct random_clause {
	struct fixture x;
	enum treaty_value values[ATOMS], want;
	struct interval p[ATOMS];
};

static void say_all(struct random_clause *r)
{
	static const char *const names[ATOMS] = {"t0", "t1", "t2", "t3", "t4", "t5"};

	for (size_t i = 0; i < ATOMS; i++)
		say(&r->x, names[i], r->p[i].lo, r->p[i].hi);
}

/* A clause with a condition, an exception of either kind (or none) and known values. */
static bool random_clause(struct test *t, struct random_clause *r, bool shown)
{
	static uint8_t text[1 << 16];
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct buf b = buf_in(&a);
	enum treaty_value except;

	for (size_t i = 0; i < ATOMS; i++) {
		r->values[i] = (enum treaty_value)(test_rand(t) % 3);
		r->p[i] = interval_for(t, r->values[i]);
		while (r->p[i].lo > r->p[i].hi)
			r->p[i] = interval_for(t, r->values[i]);
	}
	buf_add_z(&b, HEAD);
	for (size_t i = 0; i < ATOMS; i++)
		buf_add_fmt(&b, "term t%zu \"T\"\n", i);
	buf_add_z(&b, "clause x.1 \"C\"\nproof high\nwhen ");
	r->want = expression(t, &b, r->values, 4);
	buf_add_z(&b, shown ? "\nunless respondent-shows " : "\nunless ");
	except = expression(t, &b, r->values, 2);
	buf_add_z(&b, " ; r\n");
	if (shown && except == TREATY_UNDETERMINED)
		except = TREATY_FALSE;
	except = (enum treaty_value)(TREATY_TRUE - except);
	r->want = except < r->want ? except : r->want;
	if (b.full || b.len > sizeof text)
		return false;
	memcpy(text, b.ptr, b.len);
	arena_reset(&a);
	arena_pool_drain(&pool);
	if (!setup(&r->x, (struct slice){text, b.len}))
		return false;
	say_all(r);
	return judge(&r->x);
}

static void values_follow_kleene(struct test *t)
{
	for (int i = 0; i < 3000; i++) {
		struct random_clause r;

		EXPECT(t, random_clause(t, &r, i % 2));
		EXPECT_UINT(t, r.x.f[0].value, r.want);
		done(&r.x);
	}
}

static void narrowing_never_flips_a_verdict(struct test *t)
{
	for (int i = 0; i < 3000; i++) {
		struct random_clause r;
		enum treaty_value before;

		EXPECT(t, random_clause(t, &r, i % 2));
		before = r.x.f[0].value;
		for (size_t k = 0; k < ATOMS; k++) {
			int32_t room = r.p[k].hi - r.p[k].lo + 1;

			r.p[k].lo += (int32_t)(test_rand(t) % (uint64_t)room);
			r.p[k].hi -=
				(int32_t)(test_rand(t) % (uint64_t)(r.p[k].hi - r.p[k].lo + 1));
		}
		say_all(&r);
		EXPECT(t, judge(&r.x));
		/* what the respondent must show, it may show later: only then true becomes false */
		EXPECT(t, before == TREATY_UNDETERMINED || before == r.x.f[0].value ||
				  (i % 2 && before == TREATY_TRUE));
		done(&r.x);
	}
}

static void every_listed_change_changes_it_and_no_other_does(struct test *t)
{
	size_t listed = 0;

	for (int i = 0; i < 3000; i++) {
		struct random_clause r;
		struct treaty_finding f;

		EXPECT(t, random_clause(t, &r, i % 2));
		f = r.x.f[0];
		for (size_t k = 0; k < ATOMS; k++) {
			const char name[] = {'t', (char)('0' + k), 0};
			const struct treaty_change *c = change_of(&f, slice_of(name));
			struct interval was = r.p[k];
			enum treaty_value yes, no;

			if (r.values[k] != TREATY_UNDETERMINED) {
				EXPECT(t, c == NULL);
				continue;
			}
			say(&r.x, name, 1000, 1000);
			EXPECT(t, judge(&r.x));
			yes = r.x.f[0].value;
			say(&r.x, name, 0, 0);
			EXPECT(t, judge(&r.x));
			no = r.x.f[0].value;
			say(&r.x, name, was.lo, was.hi);
			EXPECT(t, (c != NULL) == (yes != f.value || no != f.value));
			EXPECT(t, c == NULL || (c->if_true == yes && c->if_false == no));
			listed += c != NULL;
		}
		done(&r.x);
	}
	EXPECT(t, listed > 100);
}

static void many_unknowns_are_all_tried(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};

	for (unsigned n = 30; n <= 95; n++) {
		struct buf b = buf_in(&a);
		struct fixture x;

		buf_add_z(&b, HEAD);
		for (unsigned i = 0; i < n; i++)
			buf_add_fmt(&b, "term t%u \"T\"\n", i);
		buf_add_z(&b, "clause x.1 \"C\"\nproof high\nwhen t0");
		for (unsigned i = 1; i < n; i++)
			buf_add_fmt(&b, " and t%u", i);
		EXPECT(t, setup(&x, buf_slice(&b)) && judge(&x));
		EXPECT_UINT(t, x.f[0].change_count, n);
		for (unsigned i = 0; i < n; i++)
			EXPECT(t, x.f[0].changes[i].if_false == TREATY_FALSE &&
					  x.f[0].changes[i].if_true == TREATY_UNDETERMINED);
		done(&x);
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
}

/* ---- single rules --------------------------------------------------------------------------- */

static void the_standard_is_met_at_its_edge(struct test *t)
{
	static const struct {
		int32_t lo, hi;
		enum treaty_value want;
	} rows[] = {{750, 750, TREATY_TRUE},	    {749, 1000, TREATY_UNDETERMINED},
		    {0, 250, TREATY_FALSE},	    {0, 251, TREATY_UNDETERMINED},
		    {250, 250, TREATY_FALSE},	    {1000, 1000, TREATY_TRUE},
		    {0, 1000, TREATY_UNDETERMINED}, {751, 800, TREATY_TRUE}};
	struct fixture x;

	EXPECT(t, setup(&x, SLICE(HEAD "term a \"A\"\nclause x.1 \"C\"\nproof high\nwhen a\n")));
	EXPECT(t, judge(&x) && x.f[0].value == TREATY_UNDETERMINED);
	EXPECT(t, trace_holds(&x.f[0], SLICE("a is unknown: no fact bears on it")));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		say(&x, "a", rows[i].lo, rows[i].hi);
		EXPECT(t, judge(&x));
		EXPECT_UINT(t, x.f[0].value, rows[i].want);
	}
	done(&x);
}

static void elements_are_compared_one_by_one_and_the_joint_bound_is_shown(struct test *t)
{
	struct fixture x;

	EXPECT(t, setup(&x, SLICE(HEAD "term a \"A\"\nterm b \"B\"\nterm c \"C\"\n"
				       "clause x.1 \"C\"\nproof high\nwhen a and b and not c\n"
				       "clause x.2 \"C\"\nproof high\nwhen a or b\n")));
	say(&x, "a", 800, 900);
	say(&x, "b", 760, 1000);
	say(&x, "c", 100, 200);
	EXPECT(t, judge(&x));
	EXPECT(t, x.f[0].value == TREATY_TRUE);
	EXPECT(t, x.f[0].joint.lo == 800 + 760 + 800 - 2000 && x.f[0].joint.hi == 900);
	EXPECT(t, x.f[1].joint.lo == 800 && x.f[1].joint.hi == 1000);
	EXPECT(t, trace_holds(&x.f[0], SLICE("conditions: met; all together 0.36-0.90, whatever "
					     "their dependence")));
	EXPECT(t, trace_holds(&x.f[0], SLICE("not c: c 0.10-0.20 is excluded at 0.75")));
	EXPECT_SLICE(t, x.f[0].rule, SLICE("proof high 0.75\nwhen a and b and not c"));
	done(&x);
}

static void who_must_show_an_exception_decides_when_it_is_unknown(struct test *t)
{
	static const struct {
		int32_t lo, hi;
		enum treaty_value claimant, respondent;
	} rows[] = {{0, 1000, TREATY_UNDETERMINED, TREATY_TRUE},
		    {800, 1000, TREATY_FALSE, TREATY_FALSE},
		    {0, 100, TREATY_TRUE, TREATY_TRUE}};
	struct fixture x;

	EXPECT(t, setup(&x, SLICE(HEAD "term a \"A\"\nterm e \"E\"\n"
				       "clause x.1 \"C\"\nproof high\nwhen a\nunless e ; r\n"
				       "clause x.2 \"C\"\nproof high\nwhen a\n"
				       "unless respondent-shows e ; r\n")));
	say(&x, "a", 1000, 1000);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		say(&x, "e", rows[i].lo, rows[i].hi);
		EXPECT(t, judge(&x));
		EXPECT_UINT(t, x.f[0].value, rows[i].claimant);
		EXPECT_UINT(t, x.f[1].value, rows[i].respondent);
	}
	done(&x);
}

static void a_permission_is_no_breach_and_says_so(struct test *t)
{
	struct fixture x;

	EXPECT(t, setup(&x, SLICE(HEAD "term a \"A\"\nterm spying \"E\"\nclause x.1 \"C\"\n"
				       "proof high\nwhen a\npermits spying ; art. 7\n")));
	say(&x, "a", 1000, 1000);
	EXPECT(t, judge(&x) && x.f[0].value == TREATY_UNDETERMINED);
	say(&x, "spying", 900, 1000);
	EXPECT(t, judge(&x) && x.f[0].value == TREATY_FALSE);
	EXPECT_SLICE(t, x.f[0].result, SLICE("permitted"));
	EXPECT(t, trace_holds(&x.f[0], SLICE("permission \"art. 7\": applies")));
	say(&x, "spying", 0, 0);
	EXPECT(t, judge(&x) && x.f[0].value == TREATY_TRUE);
	done(&x);
}

static void amendments_of_both_sides_apply_from_their_dates(struct test *t)
{
	struct fixture x;

	EXPECT(t,
	       setup(&x, SLICE(HEAD
			       "term a \"A\"\nterm b \"B\"\nterm c \"C\"\nclause x.1 \"C\"\n"
			       "proof high\nwhen a\n"
			       "party A \"Alpha\"\n amend x.1 require b ; s, deposited 2022-01-01\n"
			       "party B from 2024-01-01\n"
			       " amend x.1 require c ; s, deposited 2022-01-01\n")));
	say(&x, "a", 1000, 1000);
	say(&x, "b", 1000, 1000);
	say(&x, "c", 0, 0);
	EXPECT(t, judge(&x) && x.f[0].value == TREATY_FALSE);
	EXPECT(t,
	       trace_holds(&x.f[0], SLICE("Alpha also requires (s, deposited 2022-01-01): met")));
	EXPECT(t,
	       trace_holds(&x.f[0], SLICE("B also requires (s, deposited 2022-01-01): not met")));
	EXPECT_SLICE(t, x.f[0].rule,
		     SLICE("proof high 0.75\nwhen a\nA: require b ; s, deposited "
			   "2022-01-01\nB: require c ; s, deposited 2022-01-01"));
	/* either way round */
	x.c.claimant = SLICE("B");
	x.c.respondent = SLICE("A");
	EXPECT(t, judge(&x) && x.f[0].value == TREATY_FALSE);
	/* B was not bound before 2024, so nothing of its applied */
	x.c.at.ns = INT64_C(1704067199) * TIME_NS_PER_S;
	EXPECT(t, judge(&x) && x.f[0].value == TREATY_TRUE);
	x.c.at.ns = INT64_C(1704067200) * TIME_NS_PER_S;
	EXPECT(t, judge(&x) && x.f[0].value == TREATY_FALSE);
	/* a third party's amendment is no concern of these two */
	x.c.respondent = SLICE("C");
	x.c.claimant = SLICE("A");
	EXPECT(t, judge(&x) && x.f[0].value == TREATY_TRUE);
	done(&x);
}

static void who_is_not_bound_is_not_judged(struct test *t)
{
	struct fixture x;

	EXPECT(t, setup(&x, SLICE(HEAD "term a \"A\"\nclause x.1 \"C\"\nproof high\nwhen a\n"
				       "not-judged x.2 \"D\" ; begins with a request\n")));
	say(&x, "a", 1000, 1000);
	EXPECT(t, judge(&x) && x.f[0].value == TREATY_TRUE && !x.f[0].not_applicable);
	EXPECT_SLICE(t, x.f[1].result, SLICE("not judged"));
	EXPECT(t, trace_holds(&x.f[1], SLICE("not judged: begins with a request")));

	x.c.at.ns = INT64_C(1577836799) * TIME_NS_PER_S; /* the second before 2020 */
	EXPECT(t, judge(&x));
	EXPECT_SLICE(t, x.f[0].result, SLICE("not in force"));
	x.c.at.ns++;
	EXPECT(t, judge(&x) && x.f[0].not_applicable);
	x.c.at.ns = INT64_C(1577836800) * TIME_NS_PER_S;
	EXPECT(t, judge(&x) && !x.f[0].not_applicable);

	x.c.respondent_bound = false;
	EXPECT(t, judge(&x));
	EXPECT_SLICE(t, x.f[0].result, SLICE("not bound"));
	EXPECT(t, x.f[0].value == TREATY_UNDETERMINED && x.f[0].change_count == 0);
	EXPECT(t, trace_holds(&x.f[0], SLICE("a 1 is shown at 0.75"))); /* for information */
	x.c.respondent_bound = true;
	x.c.respondent = SLICE("");
	EXPECT(t, judge(&x));
	EXPECT_SLICE(t, x.f[0].result, SLICE("not bound"));
	x.c.respondent = SLICE("B");
	x.c.claimant_bound = false;
	EXPECT(t, judge(&x));
	EXPECT_SLICE(t, x.f[0].result, SLICE("not bound"));
	done(&x);
}

static void an_open_term_makes_its_clause_unverifiable(struct test *t)
{
	struct fixture x;

	EXPECT(t,
	       setup(&x, SLICE(HEAD "term a \"A\" open\nterm b \"B\"\n"
				    "clause x.1 \"C\"\nproof high\nwhen b or a\n"
				    "clause x.2 \"C\"\nproof high\nwhen b\n"
				    "party B\namend x.2 require a ; s, deposited 2021-01-01\n"
				    "party D\namend x.2 require a ; s, deposited 2021-01-01\n")));
	EXPECT(t, judge(&x));
	EXPECT(t, x.f[0].unverifiable && x.f[1].unverifiable);
	x.c.respondent = SLICE("C");
	EXPECT(t, judge(&x));
	EXPECT(t, x.f[0].unverifiable && !x.f[1].unverifiable);
	done(&x);
}

static void the_facts_it_rests_on_are_listed_once_in_order(struct test *t)
{
	static const uint64_t a_leaves[] = {3, 9, 40}, b_leaves[] = {1, 9, 41};
	struct fixture x;

	EXPECT(t, setup(&x, SLICE(HEAD "term a \"A\"\nterm b \"B\"\nterm c \"C\"\n"
				       "clause x.1 \"C\"\nproof high\nwhen a and not b\n"
				       "clause x.2 \"C\"\nproof high\nwhen c\n")));
	EXPECT(t, claim_add(&x.claims, &x.a,
			    (struct claim){.atom = SLICE("a"),
					   .p = {0, 1000},
					   .leaves = a_leaves,
					   .leaf_count = 3}));
	EXPECT(t, claim_add(&x.claims, &x.a,
			    (struct claim){.atom = SLICE("b"),
					   .p = {0, 1000},
					   .leaves = b_leaves,
					   .leaf_count = 3}));
	EXPECT(t, judge(&x));
	EXPECT_UINT(t, x.f[0].leaf_count, 5);
	EXPECT(t, x.f[0].leaves[0] == 1 && x.f[0].leaves[2] == 9 && x.f[0].leaves[4] == 41);
	EXPECT_UINT(t, x.f[1].leaf_count, 0);
	done(&x);
}

/* ---- consequences ---------------------------------------------------------------------------- */

#define EXCUSES                                                                                    \
	HEAD "consequence excused \"it is excused, and what it cost is paid\"\n"                   \
	     "consequence shared \"both bear it\"\n"                                               \
	     "term a \"A\"\nterm need \"N\"\nterm consent \"C\"\nterm own_fault \"O\"\n"           \
	     "clause x.1 \"C\"\nproof high\nwhen a\n"                                              \
	     "unless need then excused rank 2 ; ARSIWA 25\n"                                       \
	     "unless consent rank 1 ; ARSIWA 20\n"                                                 \
	     "unless respondent-shows own_fault then shared rank 3 ; ARSIWA 39\n"

static void the_first_rank_that_applies_has_the_consequence(struct test *t)
{
	static const struct {
		int a, need, consent, fault; /* 0 no, 1 yes, 2 unknown */
		enum treaty_value value;
		const char *consequence;
	} rows[] = {
		{1, 0, 0, 0, TREATY_TRUE, ""},		 {1, 1, 0, 0, TREATY_FALSE, "excused"},
		{1, 0, 1, 0, TREATY_FALSE, "no-breach"}, {1, 1, 1, 1, TREATY_FALSE, "no-breach"},
		{1, 1, 0, 1, TREATY_FALSE, "excused"},	 {1, 0, 0, 1, TREATY_FALSE, "shared"},
		{1, 0, 0, 2, TREATY_TRUE, ""},		 {1, 2, 0, 0, TREATY_UNDETERMINED, ""},
		{1, 1, 2, 0, TREATY_FALSE, ""},		 {1, 2, 0, 1, TREATY_FALSE, ""},
		{0, 1, 0, 0, TREATY_FALSE, ""},		 {2, 1, 0, 0, TREATY_FALSE, "excused"},
		{1, 2, 1, 2, TREATY_FALSE, "no-breach"},
	};
	static const char *const names[] = {"a", "need", "consent", "own_fault"};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const int v[] = {rows[i].a, rows[i].need, rows[i].consent, rows[i].fault};
		struct fixture x;

		EXPECT(t, setup(&x, SLICE(EXCUSES)));
		for (size_t k = 0; k < 4; k++)
			say(&x, names[k], v[k] == 1 ? 1000 : 0, v[k] == 0 ? 0 : 1000);
		EXPECT(t, judge(&x));
		EXPECT_UINT(t, x.f[0].value, rows[i].value);
		EXPECT_SLICE(t, x.f[0].consequence, slice_of(rows[i].consequence));
		done(&x);
	}
}

static void what_would_change_the_consequence_is_listed(struct test *t)
{
	const struct treaty_change *ch;
	struct fixture x;

	EXPECT(t, setup(&x, SLICE(EXCUSES)));
	say(&x, "a", 1000, 1000);
	say(&x, "need", 1000, 1000); /* excused, unless consent, which stands above it, is shown */
	EXPECT(t, judge(&x) && x.f[0].value == TREATY_FALSE);
	EXPECT_SLICE(t, x.f[0].consequence, SLICE(""));
	EXPECT_UINT(t, x.f[0].change_count, 1);
	ch = change_of(&x.f[0], SLICE("consent"));
	EXPECT(t, ch != NULL && ch->if_true == TREATY_FALSE && ch->if_false == TREATY_FALSE);
	EXPECT_SLICE(t, ch->then_true, SLICE("no-breach"));
	EXPECT_SLICE(t, ch->then_false, SLICE("excused"));
	EXPECT(t,
	       trace_holds(&x.f[0], SLICE("exception \"ARSIWA 25\": applies; what follows: it is "
					  "excused, and what it cost is paid")));
	EXPECT(t, slice_find(x.f[0].rule, SLICE("unless need then excused rank 2 ; ARSIWA 25")) !=
			  SIZE_MAX);
	done(&x);
}

/* ---- reservations, content, marks --------------------------------------------------------------
 */

static void a_reservation_takes_cases_or_the_whole_clause_out(struct test *t)
{
	struct fixture x;

	EXPECT(t, setup(&x, SLICE(HEAD "term a \"A\"\nterm b \"B\"\nclause x.1 \"C\"\nproof high\n"
				       "when a\nclause x.2 \"C\"\nproof high\nwhen a\nparty A\n"
				       " reserve x.1 where b ; s, deposited 2021-01-01, until "
				       "2030-01-01\n reserve x.2 ; s, deposited 2021-01-01\n")));
	say(&x, "a", 1000, 1000);
	EXPECT(t, judge(&x) && x.f[0].value == TREATY_UNDETERMINED && x.f[0].change_count == 1);
	say(&x, "b", 1000, 1000);
	EXPECT(t, judge(&x) && x.f[0].value == TREATY_FALSE);
	EXPECT(t, trace_holds(&x.f[0], SLICE("A has reserved some cases (s, deposited 2021-01-01): "
					     "this is such a case")));
	EXPECT_SLICE(
		t, x.f[0].rule,
		SLICE("proof high 0.75\nwhen a\nA: reserve where b ; s, deposited 2021-01-01"));
	say(&x, "b", 0, 0);
	EXPECT(t, judge(&x) && x.f[0].value == TREATY_TRUE);
	EXPECT_SLICE(t, x.f[1].result, SLICE("not bound"));
	EXPECT(t,
	       trace_holds(&x.f[1], SLICE("A has reserved the whole clause, so it binds neither")));
	/* what it reserved it may not ask of others, either: A claims, or answers */
	x.c.claimant = SLICE("B");
	x.c.respondent = SLICE("A");
	EXPECT(t, judge(&x) && x.f[1].not_applicable);
	x.c.respondent = SLICE("C");
	EXPECT(t, judge(&x) && x.f[1].value == TREATY_TRUE);
	/* withdrawn in 2030 */
	x.c.respondent = SLICE("A");
	say(&x, "b", 1000, 1000);
	x.c.at.ns = INT64_C(1893455999) * TIME_NS_PER_S;
	EXPECT(t, judge(&x) && x.f[0].value == TREATY_FALSE);
	x.c.at.ns = INT64_C(1893456000) * TIME_NS_PER_S;
	EXPECT(t, judge(&x) && x.f[0].value == TREATY_TRUE);
	done(&x);
}

static void a_clause_about_content_is_not_for_sensors(struct test *t)
{
	struct fixture x;

	EXPECT(t,
	       setup(&x, SLICE(HEAD "term a \"A\"\nclause x.1 \"C\"\nnot-for-sensors ; it is about "
				    "what people read\nproof high\nwhen a\n"
				    "duty x.2 \"D\"\nbearer each-party\n"
				    "on request kind stop from party\nmust act within 24h\n")));
	say(&x, "a", 1000, 1000);
	EXPECT(t, judge(&x) && x.f[0].not_applicable && x.f[0].change_count == 0);
	EXPECT_SLICE(t, x.f[0].result, SLICE("not for sensors"));
	EXPECT(t, trace_holds(&x.f[0], SLICE("not for sensors: it is about what people read")));
	EXPECT_SLICE(t, x.f[1].result, SLICE("not judged"));
	EXPECT(t, trace_holds(&x.f[1], SLICE("not judged: a duty begins with a request")));
	done(&x);
}

static void what_is_not_in_force_yet_binds_nobody(struct test *t)
{
	struct fixture x;

	EXPECT(t, setup(&x, SLICE("instrument x \"X\"\nsource \"s\" mark V\n"
				  "in-force not-yet ; forty ratifications\nterm a \"A\"\n"
				  "clause x.1 \"C\"\nproof high 0.75\nwhen a\n")));
	say(&x, "a", 1000, 1000);
	x.c.at.ns = INT64_MAX;
	EXPECT(t, judge(&x) && x.f[0].not_applicable);
	EXPECT_SLICE(t, x.f[0].result, SLICE("not in force"));
	EXPECT(t,
	       trace_holds(&x.f[0], SLICE("not in force: forty ratifications; what follows is")));
	done(&x);
}

static void what_nobody_checked_shows_in_each_verdict(struct test *t)
{
	struct fixture x;

	EXPECT(t,
	       setup(&x, SLICE(HEAD "term a \"A\"\nterm b \"B\"\n"
				    "clause x.1 \"C\"\nproof high\nwhen a\n"
				    "clause x.2 \"C\"\nsource \"z\" mark K2\nproof high\nwhen a\n"
				    "party A\namend x.1 require b ; s, deposited 2021-01-01, "
				    "unchecked\n")));
	EXPECT(t, judge(&x) && x.f[0].unchecked && x.f[1].unchecked);
	EXPECT(t,
	       trace_holds(&x.f[0], SLICE("A also requires (s, deposited 2021-01-01, unchecked)")));
	EXPECT_SLICE(t, x.f[1].source, SLICE("z (unchecked)"));
	x.c.claimant = SLICE("C");
	EXPECT(t, judge(&x) && !x.f[0].unchecked && x.f[1].unchecked);
	done(&x);
}

/* The evaluator without words and the judge with them are two ways to one value. */
static void the_bare_value_is_the_judged_one(struct test *t)
{
	for (int i = 0; i < 3000; i++) {
		struct treaty_lanes room[ATOMS];
		struct interval terms[ATOMS];
		struct random_clause r;

		EXPECT(t, random_clause(t, &r, i % 2));
		EXPECT_UINT(t, treaty_term_count(r.x.t), ATOMS);
		treaty_bind(r.x.t, &r.x.claims, terms);
		EXPECT_UINT(
			t,
			treaty_value(r.x.t, 0, &(struct treaty_law){.at = r.x.c.at}, terms, room),
			r.x.f[0].value);
		done(&r.x);
	}
}

static void memory_may_end_anywhere(struct test *t)
{
	bool enough = false;

	for (size_t after = 1; !enough; after++) {
		struct fixture x;
		struct arena_pool pool = {.budget = 1 << 20, .fail_after = after};
		struct arena a = {.pool = &pool};
		enum status st;

		EXPECT(t, setup_sample(&x));
		st = treaty_judge(x.t, &x.c, &a, &x.f, &x.count, &x.why);
		EXPECT(t, st == ST_OK || (st == ST_NOMEM && x.why.status == ST_NOMEM));
		enough = st == ST_OK;
		arena_reset(&a);
		arena_pool_drain(&pool);
		EXPECT_UINT(t, pool.out, 0);
		done(&x);
	}
}

TESTS(T(the_case_of_38_percent_has_four_honest_answers), T(values_follow_kleene),
      T(narrowing_never_flips_a_verdict), T(every_listed_change_changes_it_and_no_other_does),
      T(many_unknowns_are_all_tried), T(the_standard_is_met_at_its_edge),
      T(elements_are_compared_one_by_one_and_the_joint_bound_is_shown),
      T(who_must_show_an_exception_decides_when_it_is_unknown),
      T(a_permission_is_no_breach_and_says_so), T(amendments_of_both_sides_apply_from_their_dates),
      T(who_is_not_bound_is_not_judged), T(an_open_term_makes_its_clause_unverifiable),
      T(the_facts_it_rests_on_are_listed_once_in_order),
      T(the_first_rank_that_applies_has_the_consequence),
      T(what_would_change_the_consequence_is_listed),
      T(a_reservation_takes_cases_or_the_whole_clause_out),
      T(a_clause_about_content_is_not_for_sensors), T(what_is_not_in_force_yet_binds_nobody),
      T(what_nobody_checked_shows_in_each_verdict), T(the_bare_value_is_the_judged_one),
      T(memory_may_end_anywhere))
