/* SPDX-License-Identifier: Apache-2.0
 *
 * What `dewline disclose` does without a data folder: disclose_read.c.
 */
#ifndef DEW_CONSOLE_CLI_CMD_DISCLOSE_H
#define DEW_CONSOLE_CLI_CMD_DISCLOSE_H

#include "console/cli/cli.h"

/* Each is a word behind `dewline disclose`; they return exit codes. */
int cmd_disclose_key(struct cli *c);
int cmd_disclose_bind(struct cli *c);
int cmd_disclose_read(struct cli *c);

#endif
