/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/bulletin/bulletin.h - the whole assessment of a set of facts, and its forms.
 *
 * bulletin_make() is the pure function that a stranger recomputes: facts, parties' files, treaty
 * texts and the prior in, one canonical JSON text out, bit for bit the same everywhere. The text
 * for the terminal and the HTML page say the same. Nothing here asks a clock, a locale or the
 * network; everything that came from outside is escaped for the form it goes into.
 *
 * There are two verdicts: the public one, which is the bulletin, and beside it in numbers what all
 * evidence says, of which some may be withheld. The id is made of the public one alone, so two
 * bulletins that differ only in withheld evidence differ only in those numbers (A25).
 * docs/formats/bulletin.md.
 */
#ifndef DEW_ASSESS_BULLETIN_H
#define DEW_ASSESS_BULLETIN_H

#include "assess/attrib/attrib.h"
#include "assess/claim/claim.h"
#include "assess/incident/incident.h"
#include "assess/origin/origin.h"
#include "assess/prior/prior.h"
#include "assess/trace/trace.h"
#include "assess/treaty/treaty.h"
#include "party/party.h"
#include "record/record.h"

struct bulletin_file { /* a text that the verdict rests on */
	struct slice name, text;
};

struct bulletin_input {
	struct fact_set facts; /* public; as disclosed: missing fields are zero */
	/* Those, and the withheld ones with a SHA-256 that commits to these. None: nothing is
	 * withheld, unless somebody else says what all evidence says: the value of "all_evidence"
	 * in a bulletin, which is then taken as it is. */
	struct fact_set all;
	uint8_t commitment[32];
	struct slice all_said;
	const struct bulletin_file *party_files; /* the first is whose bulletin it is */
	size_t party_count;
	const struct bulletin_file *treaty_files;
	size_t treaty_count;
	struct bulletin_file prior; /* docs/formats/prior.md; without a name: what is built in */
};

/* What all evidence says of one incident, as far as the public bulletin names what it is about. */
struct bulletin_view {
	uint32_t number;		      /* of the incident in the public one */
	struct interval chain;		      /* all of it holds */
	struct interval rungs[ATTRIB_LEVELS]; /* of the candidate that leads publicly */
	struct bulletin_view_clause {
		struct interval joint;
		struct slice result;
	} * clauses; /* as many as findings, in their order */
	size_t clause_count;
};

struct bulletin_all {
	bool withheld;		/* it rests on facts that are not public, too; */
	uint8_t commitment[32]; /* on these */
	uint64_t counted;	/* incidents */
	struct bulletin_view *views;
	size_t count;
};

struct bulletin_case { /* one incident, all the way up */
	struct incident incident;
	struct trace_chain chain;
	struct origin *origins; /* of the chain's machines */
	size_t origin_count;
	struct attrib_ladder ladder;
	struct claim_set claims;
	struct treaty_finding *findings;
	size_t finding_count;
	struct slice claimant;	 /* the party attacked, else whose bulletin it is */
	struct slice respondent; /* party judged, "" if none can be named at the level the clause
				    needs */
	struct slice respondent_why; /* one sentence: why this party, and what that does not say */
};

struct bulletin_station { /* what was looked at, and what was not */
	struct slice party, station, place;
	bool seen; /* false: the party names it, and no capture of it is among the facts */
	uint64_t packets;
	struct wall_ns first, last;
};

struct bulletin {
	struct slice
		id; /* "B1-<first 16 hex digits of the SHA-256 of the canonical JSON without id>" */
	struct slice stage; /* "B1": automatic */
	struct slice party; /* id of whose it is */
	struct wall_ns first,
		last; /* the time the captures cover; 0: no capture is among the facts */
	struct incident_set counted;
	struct bulletin_all all;
	bool all_said; /* taken from input->all_said, not computed */
	const struct prior *prior;
	struct slice prior_name, prior_text;
	struct bulletin_case *cases;
	size_t case_count;
	const struct bulletin_input *input; /* borrowed */
	const struct party *parties;
	size_t party_count;
	const struct treaty *const *treaties;
	size_t treaty_count;
	struct bulletin_station *stations; /* by party file, then as the file names them */
	size_t station_count;
};

/* ST_INVALID: a party file, a treaty or the prior does not parse (the first error is in *why); or a
 * fact shows a pseudonym where no party says that its addresses leave as such, or an address where
 * one does. */
MUST_USE enum status bulletin_make(const struct bulletin_input *in, struct arena *a,
				   struct bulletin *out, struct fail *why);

/* The network of a party whose addresses leave it as pseudonyms, if that is one; NULL: it is an
 * address. */
const struct addr_prefix *bulletin_pseudonym_net(const struct bulletin *b, const struct addr *a);

/* RFC 8785 canonical JSON; docs/formats/bulletin.md. */
MUST_USE enum status bulletin_write_json(const struct bulletin *b, struct arena *scratch,
					 struct buf *out, struct fail *why);

enum { BULLETIN_WIDTH_MIN = 40 }; /* columns; less is read as this */

/* For the terminal, at most `width` columns; colour: ANSI. Times are UTC. */
void bulletin_write_text(const struct bulletin *b, unsigned width, bool colour, struct buf *out);

/* One self-contained page: no script, no request; picture of the chain and the timeline as inline
 * SVG. */
void bulletin_write_html(const struct bulletin *b, struct buf *out);

#endif
