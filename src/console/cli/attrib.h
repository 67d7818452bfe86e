/* SPDX-License-Identifier: Apache-2.0
 *
 * console/cli/attrib.h - dewline attrib, in three files.
 */
#ifndef DEW_CONSOLE_ATTRIB_H
#define DEW_CONSOLE_ATTRIB_H

#include "assess/fuse/score.h"
#include "base/buf.h"
#include "console/cli/cli.h"

enum { CMD_ATTRIB_STAGES = 4 };
extern const char *const cmd_attrib_stages[CMD_ATTRIB_STAGES]; /* B1, B2, B3, all */

struct cmd_attrib_scores {
	struct fuse_score of[CMD_ATTRIB_STAGES];
	size_t open; /* results of cases of which nobody knows */
};

void cmd_attrib_score_text(const struct cmd_attrib_scores *s, struct buf *out);
void cmd_attrib_score_json(const struct cmd_attrib_scores *s, struct buf *out);

/* Results, as `attrib --json` wrote them, against --truth. */
int cmd_attrib_score(struct cli *c);

#endif
