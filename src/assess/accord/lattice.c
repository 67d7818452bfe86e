/* SPDX-License-Identifier: Apache-2.0
 *
 * The scenario lattice: who does what to whom in which circumstances. Every act in it is
 * deliberate, comes over a network, and begins in the territory of the party that is held to the
 * treaty.
 */
#include "assess/accord/accord_priv.h"

enum actor { ORGAN, DIRECTED, TOLERATED, PRIVATE };
enum act { ENTERS, READS, LISTENS, ALTERS, STOPS, DESTROYS, LEAVES_CODE, SPREADS };
enum target { MILITARY, DUAL, CIVILIAN, FINANCIAL, PROTECTED };
enum context { PEACE, WAR, AFTER_ATTACK, WITH_LEAVE };
enum dim { ACTOR, ACT, TARGET, CONTEXT };

static const struct {
	const char *name, *values[ACCORD_VALUES_MAX];
	unsigned count;
} dims[LATTICE_DIMS] = {
	[ACTOR] = {"actor",
		   {"state organ", "directed by a state", "tolerated by a state", "private"},
		   4},
	[ACT] = {"act",
		 {"enters", "reads data", "listens", "alters data", "stops a service", "destroys",
		  "leaves code", "spreads content"},
		 8},
	[TARGET] = {"target", {"military", "dual-use", "civilian", "financial", "protected"}, 5},
	[CONTEXT] = {"context",
		     {"peace", "armed conflict", "after an attack by the target's state",
		      "with the owner's leave"},
		     4},
};

#define SET(v) (1U << (v))
#define ANY 0xffU

/* The first row of a term that decides does; where none does, the term does not hold. */
static const struct {
	const char *term;
	enum dim dim;
	unsigned holds, unsettled; /* sets of values of the dimension */
} rows[] = {
	{"access", ACT, SET(ENTERS) | SET(READS) | SET(ALTERS) | SET(DESTROYS) | SET(LEAVES_CODE),
	 SET(STOPS)},
	{"access_attempted", ACT, ANY & ~(SET(LISTENS) | SET(SPREADS)), 0},
	{"authorised", CONTEXT, SET(WITH_LEAVE), 0},
	/* No law of the target's state gives another state a right, and none of its own counts
	 * there: what "without right" means for a state's own acts is not settled. */
	{"authorised", ACTOR, 0, SET(ORGAN) | SET(DIRECTED)},
	{"intentional", ACT, ANY, 0},
	{"networked_system", ACT, ANY, 0},
	{"origin_in_territory", ACT, ANY, 0},
	{"transit_in_territory", ACT, 0, 0},
	{"data_obtained", ACT, SET(READS) | SET(LISTENS), 0},
	{"interception", ACT, SET(LISTENS), 0},
	{"data_altered", ACT, SET(ALTERS) | SET(DESTROYS), 0},
	{"disruption", ACT, SET(STOPS) | SET(DESTROYS), 0},
	{"destruction", ACT, SET(DESTROYS), 0},
	{"serious_hindering", ACT, SET(STOPS) | SET(DESTROYS), 0},
	{"hostile_code", ACT, SET(DESTROYS) | SET(LEAVES_CODE), SET(ALTERS)},
	{"prepositioned_code", ACT, SET(LEAVES_CODE), 0},
	{"espionage_only", ACT, SET(READS) | SET(LISTENS), SET(ENTERS)},
	{"content_spread", ACT, SET(SPREADS), 0},
	{"intent_obtain_data", ACT, SET(READS) | SET(LISTENS), SET(ENTERS)},
	{"civilian_target", TARGET, SET(CIVILIAN) | SET(FINANCIAL) | SET(PROTECTED), SET(DUAL)},
	{"military_target", TARGET, SET(MILITARY), SET(DUAL)},
	{"financial_target", TARGET, SET(FINANCIAL), 0},
	{"protected_target", TARGET, SET(PROTECTED), 0},
	{"attributed_to_state", ACTOR, SET(ORGAN) | SET(DIRECTED), 0},
	{"attributed_to_party", ACTOR, SET(ORGAN) | SET(DIRECTED), 0},
	{"shooting_war_between_them", CONTEXT, SET(WAR), 0},
	{"prior_cyber_attack_by_victim", CONTEXT, SET(AFTER_ATTACK), 0},
};

uint32_t accord_lattice(struct accord_grid *g)
{
	uint32_t points = 1;

	for (size_t d = 0; d < LATTICE_DIMS; d++) {
		g->dims[d] =
			(struct accord_dim){.name = slice_of(dims[d].name), .count = dims[d].count};
		for (unsigned v = 0; v < dims[d].count; v++)
			g->dims[d].values[v] = slice_of(dims[d].values[v]);
		points *= dims[d].count;
	}
	g->dim_count = LATTICE_DIMS;
	return points;
}

bool accord_lattice_knows(struct slice term)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (slice_equal(slice_of(rows[i].term), term))
			return true;
	return false;
}

bool accord_lattice_value(const struct accord_grid *g, uint32_t point, struct slice term,
			  enum treaty_value *out)
{
	bool known = false;

	*out = TREATY_FALSE;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		unsigned v;

		if (!slice_equal(slice_of(rows[i].term), term))
			continue;
		known = true;
		v = SET(accord_grid_value(g, point, rows[i].dim));
		if ((rows[i].holds & v) != 0)
			*out = TREATY_TRUE;
		else if ((rows[i].unsettled & v) != 0)
			*out = TREATY_UNDETERMINED;
		else
			continue;
		return true;
	}
	return known;
}
