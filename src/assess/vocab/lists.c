/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of others, each whole, as its source has it.
 */
#include "assess/vocab/vocab_priv.h"

#define LIST(var, scheme_, name_, source_, ...)                                                    \
	static const char *const var##_codes[] = {__VA_ARGS__, NULL};                              \
	const struct vocab_list vocab_##var = {scheme_, name_, source_, var##_codes}

LIST(stix_actor, "stix", "threat-actor-type-ov", "OASIS STIX 2.1 errata 01, section 10.23",
     "activist", "competitor", "crime-syndicate", "criminal", "hacker", "insider-accidental",
     "insider-disgruntled", "nation-state", "private-sector", "sensationalist", "spy", "terrorist",
     "unknown");

LIST(stix_role, "stix", "threat-actor-role-ov", "OASIS STIX 2.1 errata 01, section 10.24", "agent",
     "director", "independent", "infrastructure-architect", "infrastructure-operator",
     "malware-author", "sponsor");

LIST(stix_sector, "stix", "industry-sector-ov", "OASIS STIX 2.1 errata 01, section 10.11",
     "agriculture", "aerospace", "automotive", "chemical", "commercial", "communications",
     "construction", "defense", "education", "energy", "entertainment", "financial-services",
     "government", "emergency-services", "government-local", "government-national",
     "government-public-services", "government-regional", "healthcare", "hospitality-leisure",
     "infrastructure", "dams", "nuclear", "water", "insurance", "legal", "manufacturing", "mining",
     "non-profit", "pharmaceuticals", "retail", "technology", "telecommunications",
     "transportation", "utilities");

#define EUREPOC "European Repository of Cyber Incidents, codebook 1.1, as its data have it"

LIST(eurepoc_initiator, "eurepoc", "initiator_category", EUREPOC, "State",
     "Non-state actor, state-affiliation suggested", "Non-state-group", "Individual hacker(s)",
     "Other", "Unknown - not attributed");

LIST(eurepoc_type, "eurepoc", "incident_type", EUREPOC, "Data theft", "Data theft & Doxing",
     "Disruption", "Hijacking with Misuse", "Hijacking without Misuse", "Ransomware",
     "Not available");

LIST(eurepoc_receiver, "eurepoc", "receiver_category_subcode (critical infrastructure)", EUREPOC,
     "Energy", "Water", "Transportation", "Health", "Chemicals", "Telecommunications", "Food",
     "Finance", "Defence industry", "Space", "Waste Water Management", "Critical Manufacturing",
     "Other");

#define VERIS "VERIS, verisc-enum.json (vz-risk/veris, branch 1.3)"

LIST(veris_actor, "veris", "actor.external.variety", VERIS, "Acquaintance", "Activist", "Auditor",
     "Competitor", "Customer", "Force majeure", "Former employee", "Nation-state",
     "Organized crime", "Other", "State-affiliated", "Terrorist", "Unaffiliated", "Unknown");

LIST(veris_availability, "veris", "attribute.availability.variety", VERIS, "Acceleration",
     "Degradation", "Destruction", "Interruption", "Loss", "Obscuration", "Other", "Unknown");

LIST(veris_integrity, "veris", "attribute.integrity.variety", VERIS, "Alter behavior",
     "Created account", "Defacement", "Fraudulent transaction", "Hardware tampering",
     "Log tampering", "Misrepresentation", "Modify configuration", "Modify data",
     "Modify privileges", "Other", "Repurpose", "Software installation", "Unknown");

LIST(veris_disclosure, "veris", "attribute.confidentiality.data_disclosure", VERIS, "No",
     "Potentially", "Unknown", "Yes");

LIST(veris_incident, "veris", "security_incident", VERIS, "Confirmed", "False positive",
     "Near miss", "Suspected");

LIST(veris_action, "veris", "action", VERIS, "environmental", "error", "hacking", "malware",
     "misuse", "physical", "social");

LIST(rsit, "rsit", "classification",
     "ENISA, Reference Security Incident Taxonomy 1003 (MISP rsit 2)",
     "abusive-content/harmful-speech", "abusive-content/spam", "abusive-content/violence",
     "availability/ddos", "availability/dos", "availability/misconfiguration",
     "availability/outage", "availability/sabotage", "fraud/copyright", "fraud/masquerade",
     "fraud/phishing", "fraud/unauthorized-use-of-resources",
     "information-content-security/data-loss",
     "information-content-security/unauthorised-information-access",
     "information-content-security/unauthorised-information-modification",
     "information-gathering/scanner", "information-gathering/sniffing",
     "information-gathering/social-engineering", "intrusion-attempts/brute-force",
     "intrusion-attempts/exploit", "intrusion-attempts/ids-alert",
     "intrusions/application-compromise", "intrusions/burglary",
     "intrusions/privileged-account-compromise", "intrusions/unprivileged-account-compromise",
     "malicious-code/c2-server", "malicious-code/infected-system",
     "malicious-code/malware-configuration", "malicious-code/malware-distribution", "other/other",
     "test/test", "vulnerable/ddos-amplifier", "vulnerable/information-disclosure",
     "vulnerable/potentially-unwanted-accessible", "vulnerable/vulnerable-system",
     "vulnerable/weak-crypto");

LIST(nis2, "nis2", "sector", "Directive (EU) 2022/2555, annexes I and II", "I.1 Energy",
     "I.2 Transport", "I.3 Banking", "I.4 Financial market infrastructures", "I.5 Health",
     "I.6 Drinking water", "I.7 Waste water", "I.8 Digital infrastructure",
     "I.9 ICT service management", "I.10 Public administration", "I.11 Space",
     "II.1 Postal and courier services", "II.2 Waste management", "II.3 Chemicals", "II.4 Food",
     "II.5 Manufacturing", "II.6 Digital providers", "II.7 Research");

LIST(tlp, "tlp", "label", "FIRST, Traffic Light Protocol 2.0 (2022)", "TLP:RED", "TLP:AMBER+STRICT",
     "TLP:AMBER", "TLP:GREEN", "TLP:CLEAR");

LIST(healey, "healey", "state-responsibility",
     "J. Healey, Atlantic Council 2012, as MISP state-responsibility 1 has it", "state-prohibited",
     "state-prohibited-but-inadequate", "state-ignored", "state-encouraged", "state-shaped",
     "state-coordinated", "state-ordered", "state-rogue-conducted", "state-executed",
     "state-integrated");

/* Part one: whose act it is, who helped, and what takes the wrong away; and 49, what an answer may
 * be. */
LIST(arsiwa, "arsiwa", "article",
     "International Law Commission, responsibility of states, A/56/83 annex (2001)", "4", "5", "6",
     "7", "8", "9", "10", "11", "16", "17", "18", "20", "21", "22", "23", "24", "25", "49");

LIST(dewline_term, "dewline", "term of treaties", "docs/formats/treaty.md and treaties/*.treaty",
     "data_obtained", "data_altered", "disruption", "destruction", "prepositioned_code",
     "content_spread", "espionage_only", "access", "civilian_target", "military_target",
     "protected_target", "shooting_war_between_them", "prior_cyber_attack_by_victim", "authorised",
     "territory_state_knows", "organ_of_state", "empowered_entity", "directed_or_controlled",
     "adopted_by_state", "aided_by_state", "consent_of_the_other");

static const struct vocab_list *const lists[] = {
	&vocab_stix_actor,
	&vocab_stix_role,
	&vocab_stix_sector,
	&vocab_eurepoc_initiator,
	&vocab_eurepoc_type,
	&vocab_eurepoc_receiver,
	&vocab_veris_actor,
	&vocab_veris_availability,
	&vocab_veris_integrity,
	&vocab_veris_disclosure,
	&vocab_veris_incident,
	&vocab_veris_action,
	&vocab_rsit,
	&vocab_nis2,
	&vocab_tlp,
	&vocab_healey,
	&vocab_arsiwa,
	&vocab_dewline_term,
};

const struct vocab_list *const *vocab_lists(size_t *out_count)
{
	*out_count = sizeof lists / sizeof *lists;
	return lists;
}
