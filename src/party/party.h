/* SPDX-License-Identifier: Apache-2.0
 *
 * party/party.h - who a party is: its file, as it gives it to the others.
 *
 * One text file a party (docs/formats/party.md): id, name, territory codes, networks, stations, log
 * key, contact points, registered assets (A09), statements, instruments it is bound by and since
 * when. Errors are file:line:column with what was expected; parsing goes on to report all of them.
 * Pure.
 */
#ifndef DEW_PARTY_PARTY_H
#define DEW_PARTY_PARTY_H

#include "base/addr.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "base/time.h"

struct party_asset {
	struct addr_prefix net;
	struct slice name, sector; /* sector: a word of TREATY.md C1 */
	struct slice status;	   /* "civilian", "military", "dual-use", "protected" */
	struct wall_ns since;
	uint32_t line;
};

struct party_station {
	struct slice name;  /* equals the base name of its capture file, or its configured name */
	struct slice place; /* one phrase: "edge of the bank" */
};

struct party_contact {
	struct slice name, uri;
	bool always; /* 24/7 */
};

struct party_bond {		 /* bound by an instrument */
	struct slice instrument; /* "budapest", "cwlt" */
	struct wall_ns since;
};

/* A statement of the party about itself, an item of evidence like any other, with the period
 * [from, to) it is for: "no-authorised-test", "not-at-war-with" + "B"; docs/formats/party.md lists
 * them. */
struct party_statement {
	struct slice what, with; /* with: another party's id, or "" */
	struct wall_ns from, to; /* to 0: open */
};

struct party {
	struct slice id, name, file;
	struct slice *territories;
	size_t territory_count;
	struct addr_prefix *networks;
	size_t network_count;
	struct addr_prefix *hidden; /* of networks: their addresses leave as pseudonyms */
	size_t hidden_count;
	struct party_station *stations;
	size_t station_count;
	struct party_station
		*sealed; /* stations whose existence is not told: party_public_text() */
	size_t sealed_count;
	struct party_asset *assets;
	size_t asset_count;
	struct party_contact *contacts;
	size_t contact_count;
	struct party_bond *bonds;
	size_t bond_count;
	struct party_statement *statements;
	size_t statement_count;
	struct slice log_key; /* signed-note verifier key; "" if not given */
};

/* Reads a party file. On errors: ST_INVALID with the first in *why, and all of them, one a line,
 * appended to *problems (may be NULL). What *out points to lives in the arena. */
MUST_USE enum status party_parse(struct slice file_name, struct slice text, struct arena *a,
				 struct party *out, struct buf *problems, struct fail *why);

/* The text that others may have: what party_parse() read, without the lines that name sealed
 * stations; all other bytes as they stand. `out` is `text` itself if there are none. ST_NOMEM. */
MUST_USE enum status party_public_text(struct slice text, struct arena *a, struct slice *out,
				       struct fail *why);

/* The party one of whose networks holds the address (longest prefix), or NULL. */
const struct party *party_of_addr(const struct party *parties, size_t n, const struct addr *a);

/* The party one of whose territories is `code`, or NULL. */
const struct party *party_of_territory(const struct party *parties, size_t n, struct slice code);

const struct party_asset *party_asset_of_addr(const struct party *p, const struct addr *a);
const struct party *party_of_station(const struct party *parties, size_t n, struct slice station);
/* The same of its sealed stations. */
const struct party *party_of_sealed(const struct party *parties, size_t n, struct slice station);

#endif
