/* SPDX-License-Identifier: Apache-2.0
 * What the two files of commit.h share: commit.c writes, commit_again.c opens again. */
#ifndef DEW_DAEMON_COMMIT_PRIV_H
#define DEW_DAEMON_COMMIT_PRIV_H

#include "daemon/commit.h"
#include "daemon/eve.h"
#include "evidence/ledger/ledger.h"
#include "evidence/merkle/merkle.h"

struct salter {
	const struct data *data;
	uint64_t leaf;
	uint32_t next;
};

struct commit {
	struct data *data;
	struct ledger *ledger;
	struct daemon_eve eve;
	struct salter salter;
	struct disclose_issuer issuer, party; /* who seals events; who vouches for that one's key */
	struct crypto_pan pan;
	struct arena_pool pool;	    /* for sealing one record */
	uint64_t size;		    /* leaves, with those queued */
	uint8_t last[MERKLE_BYTES]; /* the hash of leaf size - 1 */
	bool chained;		    /* what is added names it */
	uint64_t kept;		    /* bytes of eve.json, when it was flushed last */
	size_t queued;
	struct fail why; /* stays */
};

/* Behind the n fields those with pseudonyms, so that either can be shown without the other: of each
 * end within its network, if it is of one of `nets`, else in all of its family; then of a summary
 * that names addresses of `nets`. The new number of fields. */
size_t daemon_commit_pseudonyms(const struct commit *c, struct pseudonym_nets nets,
				struct record_field *fields, size_t n, struct arena *a);

/* Lines behind that of the newest leaf go: of a run that ended before they became leaves. */
void daemon_commit_orphans_cut(struct commit *c);

#endif
