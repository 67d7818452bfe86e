/* SPDX-License-Identifier: Apache-2.0
 *
 * console/cli/log.h - the jobs of `dewline log`, and what they share.
 */
#ifndef DEW_CONSOLE_LOG_H
#define DEW_CONSOLE_LOG_H

#include "base/json.h"
#include "console/cli/cli.h"
#include "evidence/ledger/ledger.h"
#include "evidence/view/view.h"
#include "os/web.h"

int log_append(struct cli *c);
int log_check(struct cli *c);
int log_convict(struct cli *c);
int log_cosign(struct cli *c);
int log_follow(struct cli *c);
int log_key(struct cli *c);
int log_periods(struct cli *c);
int log_prove(struct cli *c);
int log_serve(struct cli *c);
int log_witness(struct cli *c);

/* A log to read: a folder, or an http or https address. Close it. */
struct log_place {
	struct ledger_source source;
	struct slice name;  /* without slashes at its end */
	struct os_web *web; /* NULL: a folder */
};

MUST_USE enum status log_place_open(struct cli *c, struct slice name, struct log_place *out,
				    struct fail *why);
void log_place_close(struct log_place *p);

/* Whose checkpoints are believed: --policy, else --key, else the key beside the log's folder. */
MUST_USE enum status log_policy(struct cli *c, struct slice folder, struct view_policy *out,
				struct fail *why);

/* The key of --signer, of either type. Wipe it. */
MUST_USE enum status log_signer(struct cli *c, struct note_verifier *out_key,
				struct crypto_signer *out, struct fail *why);

int log_status(struct cli *c);

/* What a monitor tells machines (log_alarm.c): a line of EVE an alarm, and numbers for Prometheus.
 */
struct log_alarm {
	struct cli *c;
	struct slice origin;  /* of the log that is followed */
	struct slice eve;     /* path; "": no lines */
	struct slice metrics; /* path; "": no numbers */
	uint64_t size;
	bool reachable, convicted, contradicted; /* contradicted: damaged, or set back, just now */
	uint64_t alarms, looks;
};

/* kind: "split", "behind", "damaged", "untrue-conviction". peer: who brought it, or against whom it
 * was found; "" for the log itself. proof: a path, or "". */
MUST_USE enum status log_alarm_say(struct log_alarm *l, const char *kind, struct slice peer,
				   struct slice text, struct slice proof, struct fail *why);

struct log_refused { /* by peer */
	struct slice peer;
	uint64_t count;
};
MUST_USE enum status log_alarm_count(const struct log_alarm *l, const struct log_refused *refused,
				     size_t n, struct fail *why);

/* Data as text, or as one object a line with --json: prints buf and returns CLI_DONE, or
 * CLI_CANNOT.
 */
int log_print(struct cli *c, const struct buf *out, int code);

#endif
