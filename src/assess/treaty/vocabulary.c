/* SPDX-License-Identifier: Apache-2.0
 *
 * The terms that the assessment can claim, and by what. A term of a treaty that is not among them
 * stays unknown, whatever happens: nobody can see it.
 */
#include "assess/treaty/treaty.h"

static const struct treaty_word words[] = {
	{"access", TREATY_SEEN_STATION, "answers of the target, hostile code, data that left"},
	{"access_attempted", TREATY_SEEN_STATION, "exploits, log-ins tried"},
	{"authorised", TREATY_SEEN_STATEMENT, "whether the attacked party ordered a test"},
	{"intentional", TREATY_SEEN_STATION, "steps that follow upon each other"},
	{"disruption", TREATY_SEEN_STATION, "floods, answers that stay away"},
	{"destruction", TREATY_SEEN_STATION, "acts that destroy, as rules name them"},
	{"data_altered", TREATY_SEEN_STATION, "acts that destroy, as rules name them"},
	{"data_obtained", TREATY_SEEN_STATION, "data that left the target"},
	{"serious_hindering", TREATY_SEEN_STATION, "how long a service stayed away"},
	{"hostile_code", TREATY_SEEN_STATION, "traffic of hostile code"},
	{"prepositioned_code", TREATY_SEEN_STATION, "hostile code that does nothing yet"},
	{"security_infringed", TREATY_SEEN_STATION, "exploits before the target was entered"},
	{"networked_system", TREATY_SEEN_STATION, "that it was reached over a network"},
	{"intent_obtain_data", TREATY_SEEN_STATION, "data that left the target"},
	{"dishonest_intent", TREATY_SEEN_STATION, "what was done inside"},
	{"espionage_only", TREATY_SEEN_STATION, "data that left, and nothing stopped or destroyed"},
	{"civilian_target", TREATY_SEEN_REGISTER, "assets of the attacked party"},
	{"military_target", TREATY_SEEN_REGISTER, "assets of the attacked party"},
	{"protected_target", TREATY_SEEN_REGISTER, "assets of the attacked party"},
	{"financial_target", TREATY_SEEN_REGISTER, "assets of the attacked party"},
	{"shooting_war_between_them", TREATY_SEEN_STATEMENT, "what both parties state"},
	{"prior_cyber_attack_by_victim", TREATY_SEEN_STATEMENT, "what the attacked party states"},
	{"help_requested", TREATY_SEEN_STATEMENT, "requests in the ledger of duties"},
	{"territory_state_knows", TREATY_SEEN_STATEMENT,
	 "requests and answers in the ledger of duties"},
	{"feasible_measures_taken", TREATY_SEEN_STATEMENT,
	 "what was done upon requests, in the ledger of duties"},
	{"origin_in_territory", TREATY_SEEN_REASONED, "the chain of machines, tables of addresses"},
	{"transit_in_territory", TREATY_SEEN_REASONED,
	 "the chain of machines, tables of addresses"},
	{"attributed_to_state", TREATY_SEEN_REASONED,
	 "evidence beyond traffic: nothing on a wire "
	 "says it"},
};

const struct treaty_word *treaty_words(size_t *out_count)
{
	*out_count = sizeof words / sizeof *words;
	return words;
}

const struct treaty_word *treaty_word_find(struct slice term)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (slice_equal(slice_of(words[i].name), term))
			return &words[i];
	return NULL;
}
