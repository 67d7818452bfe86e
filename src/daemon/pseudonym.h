/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/pseudonym.h - a party's own addresses, as they leave it.
 *
 * Private to the module. A party says in its file (docs/formats/party.md: pseudonyms) of which of
 * its networks the addresses are told to nobody. In what leaves, such an address is its Crypto-PAn
 * pseudonym within the network: the network's own bits stay, for everybody may know them, all
 * behind them are hidden, and two addresses share a longer prefix exactly if their pseudonyms do.
 * So a pseudonym is an address of that network and of no stranger's, and whatever is computed of
 * addresses comes out the same. docs/decisions/0025.
 *
 * Pure functions; any thread.
 */
#ifndef DEW_DAEMON_PSEUDONYM_H
#define DEW_DAEMON_PSEUDONYM_H

#include "base/addr.h"
#include "base/arena.h"
#include "base/status.h"
#include "crypto/crypto.h"
#include "party/party.h"

/* Networks whose addresses leave as pseudonyms, none inside another. */
struct pseudonym_nets {
	const struct addr_prefix *list;
	size_t count;
};

/* Those that the parties' files say. ST_INVALID: another network would lie inside one of them, so
 * that a pseudonym could seem to be of it. ST_NOMEM. */
MUST_USE enum status daemon_pseudonym_nets(const struct party *parties, size_t n, struct arena *a,
					   struct pseudonym_nets *out, struct fail *why);

/* The one that holds the address; NULL: it leaves as it is. */
const struct addr_prefix *daemon_pseudonym_net(struct pseudonym_nets nets, const struct addr *a);

/* The address's pseudonym within its network, or in the whole of its family if it is of none.
 * False: the library could not, or it is no address. */
MUST_USE bool daemon_pseudonym_of(const struct crypto_pan *pan, struct pseudonym_nets nets,
				  const struct addr *a, struct addr *out);
/* Whose pseudonym within one of the networks that is. False: of none. */
MUST_USE bool daemon_pseudonym_whose(const struct crypto_pan *pan, struct pseudonym_nets nets,
				     const struct addr *pseudonym, struct addr *out);

/* Does the text name an address of these networks, other than by a prefix that they share? */
bool daemon_pseudonym_needed(struct pseudonym_nets nets, struct slice text);
/* The next that it names, from byte *at on, which is then behind it. False: no more. */
MUST_USE bool daemon_pseudonym_next(struct pseudonym_nets nets, struct slice text, size_t *at,
				    struct addr *out);

/* The text with each such address's pseudonym in its place; behind "/n" only the first n bits stay,
 * as in any prefix. `out` is `text` itself if there are none. An address is found whatever stands
 * around it, in each form that addr_parse() reads; one that is written as a number is not.
 * ST_NOMEM; ST_IO: the library could not. */
MUST_USE enum status daemon_pseudonym_text(const struct crypto_pan *pan, struct pseudonym_nets nets,
					   struct slice text, struct arena *a, struct slice *out,
					   struct fail *why);

#endif
