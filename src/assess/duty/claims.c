/* SPDX-License-Identifier: Apache-2.0
 *
 * What the ledger says in words of treaties, so that how a request was answered can be judged like
 * any act: the asker's claims, what the bearer showed, and what its answer amounts to.
 */
#include "assess/duty/duty_priv.h"

/* What an outcome says of "it took the measures that it could", where nobody says more. All numbers
 * are proposals: docs/formats/duties.md, section 6. */
static struct interval measures_of(const struct duty_case *c, size_t step_count)
{
	for (size_t i = 0; i < step_count; i++)
		if (c->steps[i].contested)
			return INTERVAL_UNKNOWN;
	switch (c->outcome) {
	case DUTY_MET:
		return (struct interval){750, 1000};
	case DUTY_MEASURED:
	case DUTY_LATE:
		return (struct interval){510, 1000};
	case DUTY_INCAPABLE:
		return (struct interval){300, 1000};
	case DUTY_GROUNDLESS:
	case DUTY_SILENT:
	case DUTY_UNDONE:
		return (struct interval){0, 300};
	default:
		return INTERVAL_UNKNOWN;
	}
}

static bool claim(struct claim_set *out, struct arena *a, const char *atom, struct interval p,
		  const char *why)
{
	struct claim c = {.atom = slice_of(atom), .p = p, .why = slice_of(why)};

	return claim_find(out, c.atom) != NULL || claim_add(out, a, c);
}

static bool copy_claims(const struct claim_set *from, struct claim_set *out, struct arena *a,
			const char *why)
{
	for (size_t i = 0; i < from->count; i++) {
		struct claim c = from->claims[i];

		c.why = slice_of(why);
		if (claim_find(out, c.atom) == NULL && !claim_add(out, a, c))
			return false;
	}
	return true;
}

static bool asks_for_help(struct slice kind)
{
	return slice_equal(kind, SLICE("stop")) || slice_equal(kind, SLICE("assist"));
}

enum status duty_claims(const struct duty_state *s, const struct duty_case *c, struct arena *a,
			struct claim_set *out, struct fail *why)
{
	const struct duty_entry *asked = duty_asked(s, c);
	bool ok = true;

	*out = (struct claim_set){0};
	for (size_t i = s->ledger->count; i-- > 0 && ok;) {
		const struct duty_entry *e = &s->ledger->entries[i];

		if (e->word == DUTY_SHOW && e->at.ns <= s->as_of.ns &&
		    slice_equal(e->party, c->bearer) && slice_equal(e->request, asked->request) &&
		    e->at.ns >= asked->at.ns)
			ok = copy_claims(&e->u.claims, out, a, "who was asked showed it");
	}
	ok = ok && copy_claims(&asked->u.request.claims, out, a, "who asked claims it") &&
	     claim(out, a, "territory_state_knows",
		   c->signs.ns != 0 ? (struct interval){950, 1000} : (struct interval){510, 1000},
		   c->signs.ns != 0 ? "it answered a request about it"
				    : "a request about it was sent to it") &&
	     (!asks_for_help(asked->u.request.kind) ||
	      claim(out, a, "help_requested", (struct interval){900, 1000},
		    "the request stands in the ledger")) &&
	     claim(out, a, "feasible_measures_taken",
		   measures_of(c, c->steps ? duty_of(s, c)->step_count : 0),
		   "how it answered the request, as the ledger has it");
	return ok ? ST_OK : fail_set(why, ST_NOMEM, "duties: no memory");
}
