/* SPDX-License-Identifier: Apache-2.0
 *
 * console/cli/rules.h - the jobs of `dewline rules`, one a file, and what they share.
 */
#ifndef DEW_CONSOLE_RULES_H
#define DEW_CONSOLE_RULES_H

#include "console/cli/cli.h"
#include "daemon/daemon.h"

int rules_check(struct cli *c);
int rules_list(struct cli *c);
int rules_explain(struct cli *c);
int rules_profile(struct cli *c);
int rules_update(struct cli *c);

/* Loads the files that the command line names from its word `first` on, with its settings. Says why
 * and returns CLI_CANNOT when that cannot be done, else CLI_DONE; close with daemon_rules_close().
 * out_config may be NULL. */
int rules_open(struct cli *c, size_t first, struct daemon_rules *out, struct config **out_config);

#endif
