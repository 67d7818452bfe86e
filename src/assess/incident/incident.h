/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/incident/incident.h - events into counted incidents, by a named counting rule (A06).
 *
 * The default rule, "actor-target-30m": alerts and behaviour anomalies with the same remote machine
 * (the actor: the side that attacked, see incident_acts) and the same protected network or host,
 * with no more than 30 minutes between one and the next, are one incident. Its name is printed
 * wherever its count is. An incident needs at least one event whose act is hostile; other events
 * with the same two ends may join it, and what is merely informational is only counted as noted.
 * Which act a signature stands for (scan, access attempt, execution, beacon,
 * exfiltration, ...) comes from the rule's own metadata `dewline_act` if it has one, else from its
 * classtype by a table; docs/formats/acts.md.
 */
#ifndef DEW_ASSESS_INCIDENT_H
#define DEW_ASSESS_INCIDENT_H

#include "assess/claim/claim.h"
#include "base/addr.h"
#include "base/arena.h"
#include "party/party.h"
#include "record/record.h"

enum incident_act { /* ordered by stage; names in incident_act_names */
		    INCIDENT_OTHER,
		    INCIDENT_SCAN,
		    INCIDENT_ACCESS_ATTEMPT,
		    INCIDENT_ACCESS,  /* succeeded, as far as the sensor saw */
		    INCIDENT_MALWARE, /* hostile code delivered or running */
		    INCIDENT_BEACON,  /* command and control */
		    INCIDENT_EXFILTRATION,
		    INCIDENT_DISRUPTION,
		    INCIDENT_DESTRUCTION,
		    INCIDENT_POLICY, /* against a local policy, hostile or not */
		    INCIDENT_ACTS
};

extern const char *const incident_act_names[INCIDENT_ACTS];

struct incident_step { /* one event in the incident's timeline */
	uint64_t leaf;
	enum incident_act act;
	struct wall_ns at;
};

struct incident {
	uint32_t number;	   /* from 1, in order of first event */
	struct slice title;	   /* the gravest signature's message, or the anomaly's summary */
	struct addr actor;	   /* machine as last seen: never called an origin; family 0: the
				      events do not show it (a name was looked up) */
	struct addr target;	   /* the machine with most events */
	struct slice target_party; /* "" if nobody's */
	struct slice family;	   /* "STRRAT" from rule metadata malware_family, else "" */
	struct wall_ns first, last;
	struct incident_step *steps; /* by time, then leaf */
	size_t step_count;
	uint64_t per_act[INCIDENT_ACTS];
	enum incident_act gravest;
	struct slice *stations; /* that saw it, sorted */
	size_t station_count;
};

struct incident_set {
	struct slice rule; /* "actor-target-30m" */
	struct incident *incidents;
	size_t count;
	uint64_t events; /* that were grouped */
	uint64_t noted;	 /* alerts and behaviour that make no incident: informational, policy, or
			    never  together with a hostile act */
};

/* Which fields the assessment reads: what a bulletin needs disclosed. Everything else stays sealed.
 */
bool incident_needs_field(enum record_kind kind, struct slice group, struct slice name);

/* A counting rule: which events are one incident. The number of incidents is worth nothing without
 * the rule's name, for rules differ by orders of magnitude (docs/formats/counting.md). */
struct incident_rule {
	const char *name;
	const char *doc;     /* one sentence: what is one incident */
	int64_t gap_ns;	     /* at most between neighbours of one incident; -1: each event is one */
	bool across_targets; /* whatever it did to the parties' networks is one */
};

extern const struct incident_rule incident_rules[]; /* ended by name NULL; the first is default */

/* NULL if there is none of that name. */
const struct incident_rule *incident_rule_find(struct slice name);

/* Counts the incidents in the facts, by the default rule. Records other than alerts and behaviour
 * anomalies are skipped. Slices and steps are borrowed from the facts or live in the arena. */
MUST_USE enum status incident_group(const struct fact_set *facts, const struct party *parties,
				    size_t party_count, struct arena *a, struct incident_set *out,
				    struct fail *why);

/* The same by another rule. */
MUST_USE enum status incident_group_by(const struct fact_set *facts, const struct party *parties,
				       size_t party_count, const struct incident_rule *rule,
				       struct arena *a, struct incident_set *out, struct fail *why);

/* From all facts, those that the assessment of these incidents rests on: their events, the flows of
 * those events and between actor and target, candidate flows into the actor machine and from there
 * on backwards (for assess/trace; at most INCIDENT_INFLOWS_MAX a machine, INCIDENT_MACHINES_MAX
 * machines), locations of those machines, inputs. Ascending leaf. Records stay
 * borrowed from `all`. */
enum { INCIDENT_INFLOWS_MAX = 256, INCIDENT_MACHINES_MAX = 64 };
MUST_USE enum status incident_select(const struct fact_set *all,
				     const struct incident_set *incidents, struct arena *a,
				     struct fact_set *out, struct fail *why);

/* Addresses that should be located: actors and chain candidates, each once, in order of first use:
 * actors by incident number, then sources of flows into machines already in the list, by leaf. 0
 * also if the budget is spent. */
size_t incident_addresses(const struct fact_set *selected, const struct incident_set *incidents,
			  struct arena *a, struct addr **out);

/* Claims that follow from the incident's events, the target's register entry and the parties' own
 * statements: access, disruption, destruction, data_altered, data_obtained, intentional,
 * authorised, civilian_target, financial_target, ... (docs/formats/acts.md). Each with the first
 * INCIDENT_BASIS_MAX facts it rests on. What nothing speaks to is left out, which means unknown. */
enum { INCIDENT_BASIS_MAX = 32 };

MUST_USE enum status incident_claims(const struct incident *i, const struct fact_set *facts,
				     const struct party *parties, size_t party_count,
				     struct arena *a, struct claim_set *out, struct fail *why);

#endif
