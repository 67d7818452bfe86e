/* SPDX-License-Identifier: Apache-2.0
 *
 * The terms that the assessment can claim, and by what. A term of a treaty that is not among them
 * stays unknown, whatever happens: nobody can see it. And the questions to which texts have
 * different answers.
 */
#include "assess/treaty/treaty_priv.h"

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

static const struct treaty_concept concepts[] = {
	{"protects", "what is protected",
	 "what only the wider one protects, only its parties forbid to touch"},
	{"weapon", "what a weapon is",
	 "what is a weapon by one need not be by the other; a definition by a purpose, or by a "
	 "war, decides nothing before that is settled"},
	{"attack", "what an attack is",
	 "what they share is an effect that destroys; what one adds, the other allows"},
	{"espionage", "whether to spy is forbidden",
	 "of states' own acts the answers exclude each other"},
	{"civilian", "what is civilian, or critical",
	 "undetermined, unless a register said beforehand what the target is"},
	{"actor", "whose acts are meant",
	 "not comparable before it is known on which rung of the ladder the act is attributed"},
	{"territory", "what a state owes for what comes out of its territory",
	 "steps of one ladder: nothing, assist when asked, not allow knowingly, do what is "
	 "feasible once it knows, prevent"},
	{"proof", "how sure one has to be of who did it",
	 "the standard has to be agreed by itself"},
	{"refusal", "on which grounds help may be refused",
	 "of two, the one with more grounds governs"},
	{"abroad", "whether data abroad may be reached without asking the state there",
	 "one allows what infringes the other's sovereignty"},
	{"serious", "what serious is", "measures of different things under one word"},
	{"without-right", "who says that an act was without right",
	 "undetermined for acts of a state, which has no right of that kind abroad"},
};
_Static_assert(sizeof concepts / sizeof *concepts == TREATY_CONCEPTS, "one answer each");

const struct treaty_concept *treaty_concepts(size_t *out_count)
{
	*out_count = TREATY_CONCEPTS;
	return concepts;
}

struct slice treaty_concept_says(const struct treaty *t, size_t concept)
{
	return t->concepts[concept];
}
