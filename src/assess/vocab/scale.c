/* SPDX-License-Identifier: Apache-2.0
 *
 * Scales. STIX gives its bands in whole percent ("0-9", "10-19"); a number between two of them
 * belongs to the lower one, as a confidence that is written rounds down.
 */
#include "assess/vocab/vocab.h"

/* ICD 203, D.6.e(2)(a); its outer bands stop at 1 and 99 percent, here at 0 and 100. */
static const struct vocab_band icd203[] = {
	{0, "almost no chance"}, {50, "very unlikely"},
	{200, "unlikely"},	 {450, "roughly even"},
	{550, "likely"},	 {800, "very likely"},
	{950, "almost certain"}, {0, NULL},
};

static const struct vocab_band stix_dni[] = {
	{0, "Almost No Chance / Remote"},
	{100, "Very Unlikely / Highly Improbable"},
	{200, "Unlikely / Improbable"},
	{400, "Roughly Even Chance / Roughly Even Odds"},
	{600, "Likely / Probable"},
	{800, "Very Likely / Highly Probable"},
	{900, "Almost Certain / Nearly Certain"},
	{0, NULL},
};

static const struct vocab_band stix_wep[] = {
	{0, "Impossible"},
	{10, "Highly Unlikely/Almost Certainly Not"},
	{200, "Unlikely/Probably Not"},
	{400, "Even Chance"},
	{600, "Likely/Probable"},
	{800, "Highly likely/Almost Certain"},
	{1000, "Certain"},
	{0, NULL},
};

static const struct vocab_band stix_low_med_high[] = {
	{0, "None"}, {10, "Low"}, {300, "Med"}, {700, "High"}, {0, NULL}};

static const struct vocab_band stix_ten[] = {{0, "0"},	 {50, "1"},  {150, "2"},  {250, "3"},
					     {350, "4"}, {450, "5"}, {550, "6"},  {650, "7"},
					     {750, "8"}, {850, "9"}, {950, "10"}, {0, NULL}};

static const struct vocab_band stix_admiralty[] = {{0, "5 - Improbable"},
						   {200, "4 - Doubtful"},
						   {400, "3 - Possibly True"},
						   {600, "2 - Probably True"},
						   {800, "1 - Confirmed by other sources"},
						   {0, NULL}};

#define STIX_A "OASIS STIX 2.1, appendix A"

static const struct vocab_scale scales[] = {
	{"icd203", "ODNI, Intelligence Community Directive 203, D.6.e(2)(a)", icd203},
	{"stix-dni", STIX_A ", \"DNI Scale\"", stix_dni},
	{"stix-wep", STIX_A ", \"WEP\"", stix_wep},
	{"stix-low-med-high", STIX_A ", \"None/Low/Med/High\"", stix_low_med_high},
	{"stix-ten", STIX_A ", \"0-10 Scale\"", stix_ten},
	{"stix-admiralty", STIX_A ", \"Admiralty Credibility\"", stix_admiralty},
};

const struct vocab_scale *vocab_scales(size_t *out_count)
{
	*out_count = sizeof scales / sizeof *scales;
	return scales;
}

const char *vocab_scale_word(const struct vocab_scale *s, int32_t milli)
{
	const struct vocab_band *b = s->bands;

	ASSERT(milli >= 0 && milli <= CLAIM_CERTAIN);
	while (b[1].word != NULL && milli >= b[1].from)
		b++;
	return b->word;
}
