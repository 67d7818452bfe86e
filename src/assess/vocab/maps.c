/* SPDX-License-Identifier: Apache-2.0
 *
 * Which value of ours meets which code of theirs. Rows are judgements of ours on the texts that
 * lists.c names; the fit is theirs to ours.
 */
#include "assess/vocab/vocab_priv.h"

static const struct vocab_row actor_stix[] = {
	{"state-organ", "nation-state", VOCAB_WIDER},
	{"empowered-entity", "nation-state", VOCAB_WIDER},
	{"state-directed", "nation-state", VOCAB_WIDER},
	{"state-organ", "spy", VOCAB_OVERLAPS},
	{"activist", "activist", VOCAB_SAME},
	{"criminal", "criminal", VOCAB_SAME},
	{"crime-syndicate", "crime-syndicate", VOCAB_SAME},
	{"terrorist", "terrorist", VOCAB_SAME},
	{"insider", "insider-accidental", VOCAB_NARROWER},
	{"insider", "insider-disgruntled", VOCAB_NARROWER},
	{"hacker", "hacker", VOCAB_OVERLAPS}, /* fame is theirs of "sensationalist" */
	{"hacker", "sensationalist", VOCAB_OVERLAPS},
	{"private-company", "private-sector", VOCAB_SAME},
	{"unknown", "unknown", VOCAB_SAME},
	{0},
};

static const struct vocab_row actor_eurepoc[] = {
	{"state-organ", "State", VOCAB_SAME},
	{"empowered-entity", "Non-state actor, state-affiliation suggested", VOCAB_WIDER},
	{"state-directed", "Non-state actor, state-affiliation suggested", VOCAB_WIDER},
	{"state-tolerated", "Non-state actor, state-affiliation suggested", VOCAB_OVERLAPS},
	{"activist", "Non-state-group", VOCAB_OVERLAPS},
	{"criminal", "Individual hacker(s)", VOCAB_OVERLAPS},
	{"crime-syndicate", "Non-state-group", VOCAB_WIDER},
	{"terrorist", "Non-state-group", VOCAB_OVERLAPS},
	{"hacker", "Individual hacker(s)", VOCAB_WIDER},
	{"private-company", "Non-state-group", VOCAB_WIDER},
	{"unknown", "Unknown - not attributed", VOCAB_SAME},
	{0},
};

static const struct vocab_row actor_veris[] = {
	{"state-organ", "Nation-state", VOCAB_SAME},
	{"empowered-entity", "State-affiliated", VOCAB_WIDER},
	{"state-directed", "State-affiliated", VOCAB_WIDER},
	{"state-tolerated", "State-affiliated", VOCAB_OVERLAPS},
	{"activist", "Activist", VOCAB_SAME},
	{"criminal", "Unaffiliated", VOCAB_OVERLAPS},
	{"crime-syndicate", "Organized crime", VOCAB_SAME},
	{"terrorist", "Terrorist", VOCAB_SAME},
	{"hacker", "Unaffiliated", VOCAB_WIDER},
	{"unknown", "Unknown", VOCAB_SAME},
	{0},
};

static const struct vocab_row role_stix[] = {
	{"director", "director", VOCAB_SAME},
	{"sponsor", "sponsor", VOCAB_SAME},
	{"agent", "agent", VOCAB_SAME},
	{"operator", "agent", VOCAB_WIDER},
	{"infrastructure-operator", "infrastructure-operator", VOCAB_SAME},
	{"malware-author", "malware-author", VOCAB_SAME},
	{"independent", "independent", VOCAB_SAME},
	{0},
};

static const struct vocab_row act_eurepoc[] = {
	{"disclosure", "Data theft", VOCAB_NARROWER},
	{"disclosure", "Data theft & Doxing", VOCAB_OVERLAPS}, /* and published */
	{"alteration", "Hijacking with Misuse", VOCAB_OVERLAPS},
	{"degradation", "Disruption", VOCAB_WIDER},
	{"interruption", "Disruption", VOCAB_WIDER},
	{"interruption", "Ransomware", VOCAB_OVERLAPS},
	{"destruction", "Disruption", VOCAB_OVERLAPS},
	{"hijack", "Hijacking with Misuse", VOCAB_OVERLAPS},
	{"hijack", "Hijacking without Misuse", VOCAB_NARROWER},
	{"pre-position", "Hijacking without Misuse", VOCAB_OVERLAPS},
	{0},
};

static const struct vocab_row act_availability[] = {
	{"degradation", "Degradation", VOCAB_SAME},
	{"interruption", "Interruption", VOCAB_SAME},
	{"destruction", "Destruction", VOCAB_SAME},
	{"denial-of-view", "Obscuration", VOCAB_OVERLAPS},
	{0},
};

static const struct vocab_row act_integrity[] = {
	{"alteration", "Modify data", VOCAB_NARROWER},
	{"alteration", "Modify configuration", VOCAB_NARROWER},
	{"alteration", "Modify privileges", VOCAB_NARROWER},
	{"alteration", "Created account", VOCAB_NARROWER},
	{"alteration", "Defacement", VOCAB_NARROWER},
	{"alteration", "Log tampering", VOCAB_NARROWER},
	{"alteration", "Fraudulent transaction", VOCAB_OVERLAPS},
	{"hijack", "Repurpose", VOCAB_SAME},
	{"pre-position", "Software installation", VOCAB_WIDER},
	{"denial-of-view", "Misrepresentation", VOCAB_OVERLAPS},
	{0},
};

static const struct vocab_row act_disclosure[] = {
	{"disclosure", "Yes", VOCAB_SAME},
	{"disclosure", "Potentially", VOCAB_OVERLAPS}, /* an interval, not a third word */
	{0},
};

static const struct vocab_row act_rsit[] = {
	{"disclosure", "information-content-security/unauthorised-information-access", VOCAB_SAME},
	{"disclosure", "information-gathering/sniffing", VOCAB_NARROWER},
	{"alteration", "information-content-security/unauthorised-information-modification",
	 VOCAB_SAME},
	{"degradation", "availability/dos", VOCAB_OVERLAPS},
	{"degradation", "availability/ddos", VOCAB_OVERLAPS},
	{"interruption", "availability/dos", VOCAB_OVERLAPS},
	{"interruption", "availability/ddos", VOCAB_OVERLAPS},
	{"destruction", "information-content-security/data-loss", VOCAB_OVERLAPS},
	{"destruction", "availability/sabotage", VOCAB_OVERLAPS},
	{"hijack", "intrusions/privileged-account-compromise", VOCAB_OVERLAPS},
	{"hijack", "intrusions/unprivileged-account-compromise", VOCAB_OVERLAPS},
	{"hijack", "intrusions/application-compromise", VOCAB_OVERLAPS},
	{"hijack", "fraud/unauthorized-use-of-resources", VOCAB_OVERLAPS},
	{"pre-position", "malicious-code/infected-system", VOCAB_WIDER},
	{"content", "abusive-content/harmful-speech", VOCAB_NARROWER},
	{"content", "abusive-content/spam", VOCAB_OVERLAPS},
	{"content", "abusive-content/violence", VOCAB_NARROWER},
	{0},
};

static const struct vocab_row act_term[] = {
	{"disclosure", "data_obtained", VOCAB_SAME},
	{"disclosure", "espionage_only", VOCAB_NARROWER},
	{"alteration", "data_altered", VOCAB_WIDER}, /* the term holds deletion, too */
	{"degradation", "disruption", VOCAB_WIDER},
	{"interruption", "disruption", VOCAB_WIDER},
	{"destruction", "destruction", VOCAB_SAME},
	{"hijack", "access", VOCAB_WIDER},
	{"pre-position", "prepositioned_code", VOCAB_SAME},
	{"content", "content_spread", VOCAB_WIDER},
	{0},
};

static const struct vocab_row means_rsit[] = {
	{"exploit-known", "intrusion-attempts/ids-alert", VOCAB_SAME},
	{"exploit-unknown", "intrusion-attempts/exploit", VOCAB_SAME},
	{"credential", "intrusion-attempts/brute-force", VOCAB_NARROWER},
	{"flood", "availability/ddos", VOCAB_OVERLAPS},
	{"flood", "availability/dos", VOCAB_OVERLAPS},
	{"malware", "malicious-code/infected-system", VOCAB_OVERLAPS},
	{"malware", "malicious-code/malware-distribution", VOCAB_OVERLAPS},
	{"malware", "malicious-code/c2-server", VOCAB_OVERLAPS},
	{"physical", "intrusions/burglary", VOCAB_NARROWER},
	{"physical", "availability/sabotage", VOCAB_OVERLAPS},
	{"social", "information-gathering/social-engineering", VOCAB_SAME},
	{"social", "fraud/phishing", VOCAB_NARROWER},
	{"social", "fraud/masquerade", VOCAB_OVERLAPS},
	{0},
};

static const struct vocab_row means_veris[] = {
	{"exploit-known", "hacking", VOCAB_WIDER},
	{"exploit-unknown", "hacking", VOCAB_WIDER},
	{"credential", "hacking", VOCAB_WIDER},
	{"flood", "hacking", VOCAB_WIDER},
	{"malware", "malware", VOCAB_SAME},
	{"insider", "misuse", VOCAB_OVERLAPS},
	{"physical", "physical", VOCAB_WIDER},
	{"social", "social", VOCAB_SAME},
	{0},
};

static const struct vocab_row sector_nis2[] = {
	{"energy", "I.1 Energy", VOCAB_SAME},
	{"transport", "I.2 Transport", VOCAB_SAME},
	{"banking", "I.3 Banking", VOCAB_SAME},
	{"financial-market", "I.4 Financial market infrastructures", VOCAB_SAME},
	{"health", "I.5 Health", VOCAB_SAME},
	{"drinking-water", "I.6 Drinking water", VOCAB_SAME},
	{"waste-water", "I.7 Waste water", VOCAB_SAME},
	{"digital-infrastructure", "I.8 Digital infrastructure", VOCAB_SAME},
	{"ict-services", "I.9 ICT service management", VOCAB_SAME},
	{"public-administration", "I.10 Public administration", VOCAB_SAME},
	{"space", "I.11 Space", VOCAB_SAME},
	{"courier", "II.1 Postal and courier services", VOCAB_SAME},
	{"waste-management", "II.2 Waste management", VOCAB_SAME},
	{"chemical", "II.3 Chemicals", VOCAB_SAME},
	{"food", "II.4 Food", VOCAB_SAME},
	{"manufacturing", "II.5 Manufacturing", VOCAB_SAME},
	{"digital-providers", "II.6 Digital providers", VOCAB_SAME},
	{"research", "II.7 Research", VOCAB_SAME},
	{"nuclear", "I.1 Energy", VOCAB_WIDER},
	{0},
};

static const struct vocab_row sector_stix[] = {
	{"energy", "energy", VOCAB_SAME},
	{"energy", "utilities", VOCAB_OVERLAPS},
	{"transport", "transportation", VOCAB_SAME},
	{"banking", "financial-services", VOCAB_WIDER},
	{"financial-market", "financial-services", VOCAB_WIDER},
	{"health", "healthcare", VOCAB_SAME},
	{"health", "pharmaceuticals", VOCAB_OVERLAPS},
	{"drinking-water", "water", VOCAB_WIDER},
	{"waste-water", "water", VOCAB_OVERLAPS},
	{"digital-infrastructure", "telecommunications", VOCAB_OVERLAPS},
	{"digital-infrastructure", "communications", VOCAB_OVERLAPS},
	{"ict-services", "technology", VOCAB_WIDER},
	{"public-administration", "government", VOCAB_WIDER},
	{"public-administration", "government-local", VOCAB_NARROWER},
	{"public-administration", "government-national", VOCAB_NARROWER},
	{"public-administration", "government-regional", VOCAB_NARROWER},
	{"public-administration", "government-public-services", VOCAB_OVERLAPS},
	{"space", "aerospace", VOCAB_WIDER},
	{"waste-management", "utilities", VOCAB_WIDER},
	{"chemical", "chemical", VOCAB_SAME},
	{"food", "agriculture", VOCAB_OVERLAPS},
	{"manufacturing", "manufacturing", VOCAB_SAME},
	{"manufacturing", "automotive", VOCAB_OVERLAPS},
	{"digital-providers", "technology", VOCAB_OVERLAPS},
	{"research", "education", VOCAB_OVERLAPS},
	{"defence", "defense", VOCAB_SAME},
	{"emergency", "emergency-services", VOCAB_SAME},
	{"media", "entertainment", VOCAB_WIDER},
	{"media", "communications", VOCAB_OVERLAPS}, /* it holds broadcasting */
	{"nuclear", "nuclear", VOCAB_SAME},
	{"dams", "dams", VOCAB_SAME},
	{0},
};

static const struct vocab_row sector_eurepoc[] = {
	{"energy", "Energy", VOCAB_SAME},
	{"transport", "Transportation", VOCAB_SAME},
	{"banking", "Finance", VOCAB_WIDER},
	{"financial-market", "Finance", VOCAB_WIDER},
	{"health", "Health", VOCAB_SAME},
	{"drinking-water", "Water", VOCAB_WIDER},
	{"waste-water", "Waste Water Management", VOCAB_SAME},
	{"digital-infrastructure", "Telecommunications", VOCAB_OVERLAPS},
	{"space", "Space", VOCAB_SAME},
	{"chemical", "Chemicals", VOCAB_SAME},
	{"food", "Food", VOCAB_SAME},
	{"manufacturing", "Critical Manufacturing", VOCAB_NARROWER},
	{"defence", "Defence industry", VOCAB_OVERLAPS},
	{"dams", "Water", VOCAB_OVERLAPS},
	{"nuclear", "Energy", VOCAB_WIDER},
	{0},
};

static const struct vocab_row status_term[] = {
	{"civilian", "civilian_target", VOCAB_SAME},
	{"military", "military_target", VOCAB_OVERLAPS}, /* what of dual use is one, some say */
	{"protected", "protected_target", VOCAB_SAME},
	{0},
};

static const struct vocab_row
	context_arsiwa[] =
		{
			{"consent", "20", VOCAB_SAME},
			{"prior-attack", "22", VOCAB_OVERLAPS}, /* an answer to a wrong, within
								   limits */
			{"authorised-test", "20", VOCAB_WIDER},
			{"exercise", "20", VOCAB_WIDER},
			{0},
};

static const struct vocab_row context_term[] = {
	{"armed-conflict", "shooting_war_between_them", VOCAB_SAME},
	{"prior-attack", "prior_cyber_attack_by_victim", VOCAB_SAME},
	{"consent", "consent_of_the_other", VOCAB_SAME},
	{"authorised-test", "authorised", VOCAB_WIDER},
	{"exercise", "authorised", VOCAB_WIDER},
	{0},
};

static const struct vocab_row knowledge_term[] = {
	{"notified", "territory_state_knows", VOCAB_WIDER},
	{"actual", "territory_state_knows", VOCAB_WIDER},
	{"ordered", "territory_state_knows", VOCAB_WIDER},
	{"ordered", "directed_or_controlled", VOCAB_OVERLAPS},
	{0},
};

static const struct vocab_row relation_healey[] = {
	{"state-prohibited", "state-prohibited", VOCAB_SAME},
	{"state-prohibited-but-inadequate", "state-prohibited-but-inadequate", VOCAB_SAME},
	{"state-ignored", "state-ignored", VOCAB_SAME},
	{"state-encouraged", "state-encouraged", VOCAB_SAME},
	{"state-shaped", "state-shaped", VOCAB_SAME},
	{"state-coordinated", "state-coordinated", VOCAB_SAME},
	{"state-ordered", "state-ordered", VOCAB_SAME},
	{"state-rogue-conducted", "state-rogue-conducted", VOCAB_SAME},
	{"state-executed", "state-executed", VOCAB_SAME},
	{"state-integrated", "state-integrated", VOCAB_SAME},
	{0},
};

/* Where the spectrum meets the law. What a state ignores, encourages or shapes is no act of its own
 * by these articles: what is left is due diligence, which is no article of them. */
static const struct vocab_row relation_arsiwa[] = {
	{"state-coordinated", "8", VOCAB_OVERLAPS}, /* only what is effective control */
	{"state-ordered", "8", VOCAB_WIDER},	    {"state-rogue-conducted", "7", VOCAB_WIDER},
	{"state-executed", "4", VOCAB_WIDER},	    {"state-integrated", "4", VOCAB_OVERLAPS},
	{"state-integrated", "8", VOCAB_OVERLAPS},  {0},
};

static const struct vocab_row hook_arsiwa[] = {
	{"organ", "4", VOCAB_SAME},
	{"organ", "6", VOCAB_NARROWER},
	{"organ", "7", VOCAB_OVERLAPS},
	{"empowered-entity", "5", VOCAB_SAME},
	{"empowered-entity", "7", VOCAB_OVERLAPS},
	{"directed", "8", VOCAB_SAME},
	{"adopted", "11", VOCAB_SAME},
	{"aided", "16", VOCAB_SAME},
	{0},
};

static const struct vocab_row hook_term[] = {
	{"organ", "organ_of_state", VOCAB_SAME},
	{"empowered-entity", "empowered_entity", VOCAB_SAME},
	{"directed", "directed_or_controlled", VOCAB_SAME},
	{"adopted", "adopted_by_state", VOCAB_SAME},
	{"aided", "aided_by_state", VOCAB_SAME},
	{0},
};

static const struct vocab_row handling_tlp[] = {
	{"red", "TLP:RED", VOCAB_SAME},	    {"amber-strict", "TLP:AMBER+STRICT", VOCAB_SAME},
	{"amber", "TLP:AMBER", VOCAB_SAME}, {"green", "TLP:GREEN", VOCAB_SAME},
	{"clear", "TLP:CLEAR", VOCAB_SAME}, {0},
};

static const struct vocab_row response_arsiwa[] = {
	{"countermeasure", "22", VOCAB_SAME}, {"countermeasure", "49", VOCAB_SAME},
	{"throttle", "49", VOCAB_OVERLAPS},   {"necessity", "25", VOCAB_SAME},
	{"self-defence", "21", VOCAB_SAME},   {0},
};

static const struct vocab_row disposition_veris[] = {
	{"confirmed", "Confirmed", VOCAB_SAME},
	{"suspected", "Suspected", VOCAB_SAME},
	{"near-miss", "Near miss", VOCAB_SAME},
	{"false-positive", "False positive", VOCAB_SAME},
	{0},
};

static const struct vocab_map maps[] = {
	{"actor-type", &vocab_stix_actor, actor_stix},
	{"actor-type", &vocab_eurepoc_initiator, actor_eurepoc},
	{"actor-type", &vocab_veris_actor, actor_veris},
	{"actor-role", &vocab_stix_role, role_stix},
	{"act", &vocab_eurepoc_type, act_eurepoc},
	{"act", &vocab_veris_availability, act_availability},
	{"act", &vocab_veris_integrity, act_integrity},
	{"act", &vocab_veris_disclosure, act_disclosure},
	{"act", &vocab_rsit, act_rsit},
	{"act", &vocab_dewline_term, act_term},
	{"means", &vocab_rsit, means_rsit},
	{"means", &vocab_veris_action, means_veris},
	{"sector", &vocab_nis2, sector_nis2},
	{"sector", &vocab_stix_sector, sector_stix},
	{"sector", &vocab_eurepoc_receiver, sector_eurepoc},
	{"status", &vocab_dewline_term, status_term},
	{"context", &vocab_arsiwa, context_arsiwa},
	{"context", &vocab_dewline_term, context_term},
	{"knowledge", &vocab_dewline_term, knowledge_term},
	{"relation", &vocab_healey, relation_healey},
	{"relation", &vocab_arsiwa, relation_arsiwa},
	{"hook", &vocab_arsiwa, hook_arsiwa},
	{"hook", &vocab_dewline_term, hook_term},
	{"handling", &vocab_tlp, handling_tlp},
	{"response", &vocab_arsiwa, response_arsiwa},
	{"disposition", &vocab_veris_incident, disposition_veris},
};

const struct vocab_map *vocab_maps(size_t *out_count)
{
	*out_count = sizeof maps / sizeof *maps;
	return maps;
}

const char *vocab_fit_name(enum vocab_fit f)
{
	static const char *const names[] = {"the same", "theirs is wider", "theirs is narrower",
					    "they overlap"};

	return names[f];
}
