/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/attrib/attrib.h - the ladder: L0 the event is real, L1 machine, L2 network and territory,
 * L3 operator, L4 relation to a state, L5 state (DESIGN.md 6). Each rung a distribution that sums
 * to 1 and holds "none of these". L0-L2 come from what was seen. L3-L5 are "not attributed" until
 * evidence of their own kind exists: the rung then holds the prior (assess/prior), named, and
 * nothing technical moves L4 (A14).
 */
#ifndef DEW_ASSESS_ATTRIB_H
#define DEW_ASSESS_ATTRIB_H

#include "assess/claim/claim.h"
#include "assess/incident/incident.h"
#include "assess/origin/origin.h"
#include "assess/prior/prior.h"
#include "assess/trace/trace.h"
#include "base/arena.h"

enum { ATTRIB_LEVELS = 6, ATTRIB_CANDIDATES_MAX = 20 };

struct attrib_candidate {
	struct slice what; /* "198.51.100.7", "XB (AS64502)", "criminal", "none of these" */
	struct interval p;
};

struct attrib_rung {
	const char *name; /* "network and territory" */
	bool attributed;  /* false: only the prior stands here */
	struct attrib_candidate candidates[ATTRIB_CANDIDATES_MAX];
	size_t candidate_count;
	struct slice
		basis; /* one sentence; for unattributed rungs names the prior and its source */
};

struct attrib_ladder {
	struct attrib_rung rungs[ATTRIB_LEVELS];
	struct slice limit; /* one sentence: what ends the climb ("the chain ends at ... which
			       nobody observed") */
};

/* Borrows from chain; what it says of the prior is copied. */
MUST_USE enum status attrib_climb(const struct incident *i, const struct trace_chain *chain,
				  const struct origin *origins, size_t origin_count,
				  const struct prior *prior, struct arena *a,
				  struct attrib_ladder *out, struct fail *why);

/* Adds what the ladder says as claims for clauses: attributed_to_state, origin_in_territory,
 * transit_in_territory. The territory is that of the machine where the chain ends: who the
 * respondent is there is the bulletin's to say. */
MUST_USE enum status attrib_claims(const struct attrib_ladder *l, const struct trace_chain *chain,
				   const struct prior *prior, struct arena *a,
				   struct claim_set *out, struct fail *why);

#endif
