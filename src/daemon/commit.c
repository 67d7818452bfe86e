/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/commit.h"

#include "assess/incident/incident.h"
#include "base/buf.h"
#include "daemon/eve.h"
#include "evidence/disclose/disclose.h"
#include "evidence/ledger/ledger.h"

enum { BATCH = 4096, SEAL_BUDGET = 8 << 20 };

struct commit {
	struct data *data;
	struct ledger *ledger;
	struct daemon_eve eve;
	struct arena_pool pool; /* for sealing one record */
	uint64_t size;		/* leaves, with those queued */
	size_t queued;
	struct fail why; /* stays */
};
