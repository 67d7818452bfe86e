/* SPDX-License-Identifier: Apache-2.0
 *
 * console/cli/duties.h - the jobs of `dewline duties`, one a function, and what they share.
 */
#ifndef DEW_CONSOLE_DUTIES_H
#define DEW_CONSOLE_DUTIES_H

#include "assess/duty/duty.h"
#include "base/json.h"
#include "console/cli/cli.h"

int cmd_duties_check(struct cli *c);
int cmd_duties_run(struct cli *c);
int cmd_duties_show(struct cli *c);
int cmd_duties_report(struct cli *c);
int cmd_duties_orders(struct cli *c);
int cmd_duties_claims(struct cli *c);

/* The ledger in the second word, run under the treaties of --treaty up to --at. On errors, all of
 * which are said, CLI_NO where the ledger or a treaty is wrong, CLI_CANNOT else. */
int cmd_duties_load(struct cli *c, const struct duty_state **out);
/* The request in the third word: SIZE_MAX after saying that there is none. */
size_t cmd_duties_request(struct cli *c, const struct duty_state *s);

/* A case as one JSON object, as a member list of an open object. */
void cmd_duties_case_json(const struct duty_state *s, const struct duty_case *c, struct json *j);
/* What came of it, in one line: "refused on no ground (unwilling), 2007-06-28T..." */
void cmd_duties_outcome(const struct duty_state *s, const struct duty_case *c, struct buf *out);
void cmd_duties_time(struct wall_ns at, struct buf *out); /* to the second, or "never" */
void cmd_duties_span(int64_t seconds, struct buf *out);	  /* "3 d 4 h", the two largest units */
void cmd_duties_time_json(struct json *j, const char *key, struct wall_ns at); /* 0: left out */

#endif
