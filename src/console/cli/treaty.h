/* SPDX-License-Identifier: Apache-2.0
 *
 * console/cli/treaty.h - the jobs of `dewline treaty`, one a function, and what they share.
 */
#ifndef DEW_CONSOLE_TREATY_H
#define DEW_CONSOLE_TREATY_H

#include "assess/claim/claim.h"
#include "assess/treaty/treaty.h"
#include "console/cli/cli.h"

int cmd_treaty_check(struct cli *c);
int cmd_treaty_explain(struct cli *c);
int cmd_treaty_judge(struct cli *c);
int cmd_treaty_compare(struct cli *c);
int cmd_treaty_pairs(struct cli *c);
int cmd_treaty_standards(struct cli *c);
int cmd_treaty_vocabulary(struct cli *c);

struct cmd_treaties {
	struct slice *names; /* of the files */
	const struct treaty **list;
	size_t count;
};

/* The files named by --treaty, or the treaties that ship if none is. On errors, all of which are
 * said, returns CLI_NO where one does not compile and CLI_CANNOT where one cannot be read; else
 * CLI_DONE. */
int cmd_treaty_load(struct cli *c, struct cmd_treaties *out);
/* --at DATE: its first moment, or the end of all times. False after saying what is wrong. */
bool cmd_treaty_at(struct cli *c, struct wall_ns *out);

/* Holds the treaties to the pairs in a file, under that law: CLI_NO where a case is on the other
 * side. */
int cmd_treaty_expect(struct cli *c, const struct cmd_treaties *treaties,
		      const struct treaty_law *law, struct slice file);

/* ---- parties' own standards: docs/formats/standards.md ---- */

struct cmd_sheet {
	struct slice file, signer; /* signer: the name of the key */
	struct treaty_sheet sheet;
};

struct cmd_sheets {
	struct cmd_sheet *list; /* all of them signed by the party whose they are */
	size_t count;
};

/* The sheets of --standards, each checked against its party's --key. CLI_NO where one is not signed
 * by it, or none; CLI_CANNOT where one cannot be read; all of which is said. */
int cmd_treaty_sheets(struct cli *c, struct cmd_sheets *out);
/* The party's sheet at that time, or NULL. */
const struct cmd_sheet *cmd_treaty_sheet_of(const struct cmd_sheets *s, struct slice party,
					    struct wall_ns at);

/* ---- incidents: docs/formats/treaty.md, section 6 ---- */

struct cmd_bond { /* what binds whom; party "": both */
	struct slice party, instrument;
};

struct cmd_incident {
	struct slice id;
	struct wall_ns at;
	struct slice claimant, respondent; /* both "": two parties that changed nothing */
	struct claim_set all, shown;	   /* shown: without what is sealed */
	struct cmd_bond *bonds;
	size_t bond_count, bond_room;
	bool unnamed; /* neither party was named */
};

/* Reads incidents: one object, or a bulletin with many. ST_INVALID: why names the place. */
MUST_USE enum status cmd_incident_read(struct slice file, struct arena *a,
				       struct cmd_incident **out, size_t *out_count,
				       struct fail *why);

#endif
