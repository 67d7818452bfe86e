/* SPDX-License-Identifier: Apache-2.0
 * Looking things up in parties that were read. */
#include "party/party.h"

const struct party *party_of_addr(const struct party *parties, size_t n, const struct addr *a)
{
	const struct party *best = NULL;
	int longest = -1;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < parties[i].network_count; k++) {
			const struct addr_prefix *net = &parties[i].networks[k];

			if ((int)net->bits > longest && addr_prefix_holds(net, a)) {
				longest = net->bits;
				best = &parties[i];
			}
		}
	}
	return best;
}

const struct party *party_of_territory(const struct party *parties, size_t n, struct slice code)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < parties[i].territory_count; k++)
			if (slice_equal(parties[i].territories[k], code))
				return &parties[i];
	return NULL;
}

const struct party_asset *party_asset_of_addr(const struct party *p, const struct addr *a)
{
	const struct party_asset *best = NULL;

	for (size_t i = 0; i < p->asset_count; i++) {
		const struct party_asset *asset = &p->assets[i];

		if (addr_prefix_holds(&asset->net, a) &&
		    (best == NULL || asset->net.bits > best->net.bits))
			best = asset;
	}
	return best;
}

const struct party *party_of_station(const struct party *parties, size_t n, struct slice station)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < parties[i].station_count; k++)
			if (slice_equal(parties[i].stations[k].name, station))
				return &parties[i];
	return NULL;
}

const struct party *party_of_sealed(const struct party *parties, size_t n, struct slice station)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < parties[i].sealed_count; k++)
			if (slice_equal(parties[i].sealed[k].name, station))
				return &parties[i];
	return NULL;
}
