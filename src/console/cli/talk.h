/* SPDX-License-Identifier: Apache-2.0
 *
 * console/cli/talk.h - what several subcommands say in the same words: progress, rule problems,
 * captures.
 */
#ifndef DEW_CONSOLE_TALK_H
#define DEW_CONSOLE_TALK_H

#include "base/buf.h"
#include "console/cli/cli.h"
#include "daemon/daemon.h"

/* A progress line on stderr if that is a terminal: bytes, packets/s, time left. Else nobody is
 * told. */
struct daemon_progress talk_progress(struct cli *c);

/* Where the settings that a command line asks for come from: --config, --set and --midstream, of
 * those that the command has; and the settings. */
struct daemon_config_source talk_config_source(const struct cli *c);
MUST_USE enum status talk_config(const struct cli *c, struct config **out, struct fail *why);

/* Where the sensor listens that --socket, or --config and --log-dir, mean. */
MUST_USE enum status talk_socket(const struct cli *c, struct slice *out, struct fail *why);

/* Asks the sensor that --socket, or --config and --log-dir, mean; tenant 0: not about one. */
MUST_USE enum status talk_ask(const struct cli *c, struct slice command, uint32_t tenant,
			      struct slice *out, struct fail *why);

/* Says on stderr what is wrong in the settings; with --verbose also which of them nobody asked for.
 */
/* What is wrong in the tenants' files, as far as it is not said of the station's. */
void talk_tenants_problems(const struct cli *c, const struct config *station,
			   struct config *const *tenants, size_t n);
void talk_config_problems(const struct cli *c, struct config *config);

/* The rules that a command line asks for: --rules and --classification, of those that the command
 * has. */
struct daemon_rules_source talk_rules_source(const struct cli *c, struct config *config);

/* What loaded and what did not, with at most `most` problems, for a person. */
void talk_rules(const struct daemon_rules *r, size_t most, struct arena *a, struct buf *out);

/* What inspection cost and lost, one line a counter: for --stats. */
void talk_counters(const struct daemon_capture *k, struct buf *out);

/* The `most` rules that cost most over the captures, dearest first: a table, or JSON lines. */
void talk_costs(const struct daemon_capture *captures, size_t n, size_t most, bool json,
		struct arena *a, struct buf *out);

/* What a sensor answers to `status`, as a page for a person: lines of 80 columns at most.
 * ST_INVALID: it is no such answer. */
MUST_USE enum status talk_status(struct slice json, struct buf *out, struct fail *why);

/* Says on stderr which rules loaded (rules may be NULL) and what was read of each capture.
 * CLI_DONE, or CLI_CANNOT if one of them broke off. */
int talk_read(const struct cli *c, const struct daemon_rules *rules,
	      const struct daemon_capture *captures, size_t n);

#endif
