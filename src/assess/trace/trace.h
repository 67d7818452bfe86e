/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/trace/trace.h - hops joined into a chain, as far as somebody saw.
 *
 * From the incident's actor machine backwards: if a station saw that machine, does the activity of
 * a flow into it explain the activity out of it? Compared are the seconds in which payload
 * travelled (flow fingerprints): bursts that go out in or shortly after a second with payload that
 * comes in, against what chance explains given how busy the inbound flows are. The answer is a
 * likelihood ratio for each source machine, capped at 20 (INCIDENTS.md F3), times prior odds, both
 * printed; stations' clocks must agree to a second, else nothing is found. The chain stops at the
 * first machine that nobody observed from inside, or that is marked a relay, and says which: a
 * last-seen relay is never an origin (A12). Pure; src/assess/README.md explains the numbers.
 */
#ifndef DEW_ASSESS_TRACE_H
#define DEW_ASSESS_TRACE_H

#include "assess/claim/claim.h"
#include "assess/incident/incident.h"
#include "base/arena.h"
#include "party/party.h"

enum { TRACE_HOPS_MAX = 8 };

enum trace_stop {
	TRACE_UNOBSERVED, /* no station saw payload come to this machine from elsewhere */
	TRACE_RELAY,	  /* marked as anonymising relay, VPN or proxy by a table */
	TRACE_NO_MATCH,	  /* observed, and no inbound flow explains it: it may be where it began */
	TRACE_LIMIT,
};

struct trace_hop {
	struct addr machine;
	struct slice party; /* whose network, "" if nobody's */
	struct interval p;  /* that this machine passed the activity on to the next; hop 0: that it
			       touched the target */
	struct slice how;   /* one sentence */
	const uint64_t *leaves;
	size_t leaf_count;
	struct slice station; /* who saw it */
	struct wall_ns first, last;
};

struct trace_chain {
	struct trace_hop hops[TRACE_HOPS_MAX]; /* [0] is the machine next to the target */
	size_t hop_count;
	struct interval whole; /* the chain as a whole holds (Frechet bounds) */
	enum trace_stop stop;
	struct slice stop_why; /* one sentence */
};

/* facts: ascending by leaf, at least what incident_select() gives. An incident without an actor
 * machine has a chain without hops. */
MUST_USE enum status trace_incident(const struct incident *i, const struct fact_set *facts,
				    const struct party *parties, size_t party_count,
				    struct arena *a, struct trace_chain *out, struct fail *why);

#endif
