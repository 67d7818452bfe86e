/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/incident/incident_priv.h - what one record stands for, before it is grouped.
 */
#ifndef DEW_ASSESS_INCIDENT_PRIV_H
#define DEW_ASSESS_INCIDENT_PRIV_H

#include "assess/incident/incident.h"

/* What an event may do to a set of incidents. */
enum incident_weight {
	INCIDENT_NOTED,	 /* is counted, and no more */
	INCIDENT_JOINS,	 /* is a step of an incident that others make */
	INCIDENT_STARTS, /* makes an incident */
};

struct incident_event {
	enum incident_act act;
	enum incident_weight weight;
	bool done; /* the act succeeded, as far as the sensor saw; else it was tried */
	struct addr actor, target; /* actor of family 0: the record does not show it */
};

/* False for records that are no event at all (flows, transactions, locations, other anomalies). */
bool incident_classify(const struct record *r, const struct party *parties, size_t party_count,
		       struct incident_event *out);

/* The value of a key of an alert's metadata, "" if it has none. */
struct slice incident_meta(const struct record_alert *a, struct slice key);

/* The party's network that holds the address, or the address alone. */
struct addr_prefix incident_target_net(const struct addr *a, const struct party *parties,
				       size_t party_count);

/* The fact with that leaf, or NULL. */
const struct fact *incident_fact(const struct fact_set *s, uint64_t leaf);

#endif
