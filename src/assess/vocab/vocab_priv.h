/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/vocab/vocab_priv.h - the lists of others (lists.c), which maps.c maps.
 */
#ifndef DEW_ASSESS_VOCAB_PRIV_H
#define DEW_ASSESS_VOCAB_PRIV_H

#include "assess/vocab/vocab.h"

extern const struct vocab_list vocab_stix_actor, vocab_stix_role, vocab_stix_sector,
	vocab_eurepoc_initiator, vocab_eurepoc_type, vocab_eurepoc_receiver, vocab_veris_actor,
	vocab_veris_availability, vocab_veris_integrity, vocab_veris_disclosure,
	vocab_veris_incident, vocab_veris_action, vocab_rsit, vocab_nis2, vocab_tlp, vocab_healey,
	vocab_arsiwa, vocab_dewline_term;

#endif
