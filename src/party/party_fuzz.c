/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a party file: either a party that its own look-ups agree with, or a reason. */
#include "party/party.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena_pool pool = {.budget = 8 << 20};
	struct arena a = {.pool = &pool};
	struct buf problems = buf_in(&a);
	struct fail why = {0};
	struct slice open_text, again;
	struct party p;
	enum status st =
		party_parse(SLICE("f"), (struct slice){data, size}, &a, &p, &problems, &why);

	if (st != ST_OK) {
		ASSERT(why.status == st && why.text[0] != '\0');
		ASSERT(st != ST_INVALID || problems.len > 0);
	} else {
		ASSERT(problems.len == 0 && p.id.len > 0 && p.territory_count > 0);
		for (size_t i = 0; i < p.network_count; i++)
			ASSERT(party_of_addr(&p, 1, &p.networks[i].addr) == &p);
		for (size_t i = 0; i < p.asset_count; i++) {
			const struct party_asset *got =
				party_asset_of_addr(&p, &p.assets[i].net.addr);

			ASSERT(got != NULL && got->net.bits >= p.assets[i].net.bits);
			ASSERT(party_of_addr(&p, 1, &p.assets[i].net.addr) == &p);
		}
		for (size_t i = 0; i < p.station_count; i++)
			ASSERT(party_of_station(&p, 1, p.stations[i].name) == &p);
		for (size_t i = 0; i < p.sealed_count; i++)
			ASSERT(party_of_sealed(&p, 1, p.sealed[i].name) == &p &&
			       party_of_station(&p, 1, p.sealed[i].name) == NULL);
	}
	/* what others may have names no sealed station, and is a party file if the whole is */
	if (party_public_text((struct slice){data, size}, &a, &open_text, &why) == ST_OK) {
		ASSERT(party_public_text(open_text, &a, &again, &why) != ST_OK ||
		       slice_equal(again, open_text));
		if (st == ST_OK && party_parse(SLICE("f"), open_text, &a, &p, NULL, &why) == ST_OK)
			ASSERT(p.sealed_count == 0);
		else
			ASSERT(st != ST_OK || why.status == ST_NOMEM);
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
	return 0;
}
