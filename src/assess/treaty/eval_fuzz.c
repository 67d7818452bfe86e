/* SPDX-License-Identifier: Apache-2.0
 *
 * The evaluator against a reader of its own: bytes become one clause and claims; 64 worlds at once
 * and one world after the other, by the definition of Kleene's logic, come to the same values.
 */
#include "assess/treaty/treaty_priv.h"

enum { TERMS = 8, NODES_MAX = 200 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct maker {
	struct slice in;
	size_t at;
	struct buf text;
	unsigned nodes;
};

static uint8_t next(struct maker *m)
{
	return m->at < m->in.len ? m->in.ptr[m->at++] : 0;
}

static void expression(struct maker *m, unsigned depth)
{
	uint8_t b = next(m);
	unsigned parts = 2U + (b >> 6);

	if (depth == 0 || (b & 3) == 0 || m->nodes > NODES_MAX) {
		buf_add_fmt(&m->text, "t%u", (unsigned)(b >> 2) % TERMS);
		return;
	}
	m->nodes += parts;
	if ((b & 3) == 1) {
		buf_add_z(&m->text, "not ");
		expression(m, depth - 1);
		return;
	}
	buf_add_byte(&m->text, '(');
	for (unsigned i = 0; i < parts; i++) {
		if (i != 0)
			buf_add_z(&m->text, (b & 3) == 2 ? " and " : " or ");
		expression(m, depth - 1);
	}
	buf_add_byte(&m->text, ')');
}

static void clause(struct maker *m)
{
	static const char *const kinds[] = {"unless ", "unless respondent-shows ", "permits "};
	unsigned exceptions = next(m) % 4;

	buf_add_z(&m->text, "instrument x \"X\"\nsource \"s\" mark V\nin-force 2020-01-01\n"
			    "consequence other \"O\"\n");
	for (unsigned i = 0; i < TERMS; i++)
		buf_add_fmt(&m->text, "term t%u \"T\"\n", i);
	buf_add_z(&m->text, "clause x.1 \"C\"\nproof high 0.75\nwhen ");
	expression(m, 6);
	for (unsigned i = 0; i < exceptions; i++) {
		unsigned kind = next(m) % 3;

		buf_add_fmt(&m->text, "\n%s", kinds[kind]);
		expression(m, 3);
		if (kind != 2)
			buf_add_fmt(&m->text, "%s rank %u", next(m) % 2 ? " then other" : "",
				    i + 1);
		buf_add_z(&m->text, " ; r");
	}
	buf_add_z(&m->text, "\nparty A\namend x.1 require ");
	expression(m, 2);
	buf_add_z(&m->text, " ; s, deposited 2021-01-01\n");
}

/* Kleene's least and greatest, one world at a time. */
static int value(const struct treaty_node *n, const int *terms)
{
	int v;

	if (n->kind == TREATY_ATOM)
		return terms[n->term];
	v = value(n->first, terms);
	if (n->kind == TREATY_NOT)
		return TREATY_TRUE - v;
	for (const struct treaty_node *c = n->first->next; c != NULL; c = c->next) {
		int w = value(c, terms);

		v = (n->kind == TREATY_AND) == (w < v) ? w : v;
	}
	return v;
}

static int clause_value(const struct treaty_clause *c, const int *terms, bool amended)
{
	int least = TREATY_TRUE;

	for (size_t i = 0; i < c->rule_count; i++) {
		int v = value(c->rules[i].expr, terms);

		if (c->rules[i].kind == TREATY_UNLESS_SHOWN && v == TREATY_UNDETERMINED)
			v = TREATY_FALSE;
		if (c->rules[i].kind != TREATY_WHEN)
			v = TREATY_TRUE - v;
		least = v < least ? v : least;
	}
	if (amended) {
		int v = value(c->amendments->expr, terms);

		least = v < least ? v : least;
	}
	return least;
}

static void compare(const struct treaty *t, const struct maker *m)
{
	struct treaty_lanes lanes[TERMS] = {{0}};
	int worlds[64][TERMS];
	bool amended = m->in.len % 2;
	struct treaty_law law = {.at = {INT64_MAX}};
	struct treaty_lanes got;

	if (amended)
		law.other = SLICE("A");
	for (unsigned w = 0; w < 64; w++)
		for (unsigned i = 0; i < TERMS; i++) {
			uint8_t b = m->in.len ? m->in.ptr[(w * TERMS + i) % m->in.len] : 0;

			worlds[w][i] = (int)((b + w + i * 7) % 3);
			lanes[i].shown |= (uint64_t)(worlds[w][i] == TREATY_TRUE) << w;
			lanes[i].excluded |= (uint64_t)(worlds[w][i] == TREATY_FALSE) << w;
		}
	got = treaty_clause_eval(t, 0, &law, lanes);
	ASSERT((got.shown & got.excluded) == 0);
	for (unsigned w = 0; w < 64; w++)
		ASSERT((int)treaty_lanes_value(got, w) ==
		       clause_value(&t->clauses[0], worlds[w], amended));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena_pool pool = {.budget = 4 << 20};
	struct arena a = {.pool = &pool};
	struct maker m = {.in = {data, size}, .text = buf_in(&a)};
	struct fail why = {0};
	struct treaty *t;

	clause(&m);
	ASSERT(!m.text.full);
	ASSERT(treaty_compile(SLICE("f"), buf_slice(&m.text), &a, &t, NULL, &why) == ST_OK);
	compare(t, &m);
	arena_reset(&a);
	arena_pool_drain(&pool);
	return 0;
}
