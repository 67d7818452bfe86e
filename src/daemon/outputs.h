/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/outputs.h - what `outputs:` of suricata.yaml asks for, opened: eve-logs, fast.log, syslog,
 * stats.log. (The file-store is daemon/store.h.) Private to the module; one thread.
 *
 * Kinds that are not made are named as problems of the configuration when they are enabled, with
 * what does their work here; docs/formats/eve.md lists them.
 */
#ifndef DEW_DAEMON_OUTPUTS_H
#define DEW_DAEMON_OUTPUTS_H

#include "daemon/eve.h"
#include "sensor/config/config.h"
#include "sensor/pipeline/pipeline.h"
#include "sensor/pipeline/stats.h"

struct daemon_outputs {
	struct daemon_eve eves[PIPELINE_OUTPUTS_MAX];
	struct pipeline_output outputs[PIPELINE_OUTPUTS_MAX]; /* for pipeline_options */
	size_t count;
	struct daemon_eve stats; /* stats.log */
	bool has_stats, stats_zeros, stats_totals, stats_threads;
};

/* Opens every enabled output below `outputs:`, relative names in dir; without a configuration
 * dir/eve.json. dir/eve.json is made in any case, so that scripts find it. patient: who reads a
 * socket slowly is waited for (a capture is in no hurry). out must stay where it is. Close also
 * after failure. */
MUST_USE enum status daemon_outputs_open(struct config *root, struct slice dir, bool patient,
					 struct arena *a, struct daemon_outputs *out,
					 struct fail *why);
/* Says, once it is open, of each file whose last line had no end that it has one now. say may be
 * NULL. */
void daemon_outputs_mended(const struct daemon_outputs *o, void *ctx,
			   void (*say)(void *ctx, const char *text));
uint64_t daemon_outputs_records(const struct daemon_outputs *o);
uint64_t daemon_outputs_lost(const struct daemon_outputs *o); /* lines that sockets did not take */
/* A block of stats.log, as Suricata's; `at` is whose time it is. Nothing without such an output. */
void daemon_outputs_stats(struct daemon_outputs *o, const struct pipeline_stats *s,
			  struct wall_ns at);
MUST_USE enum status daemon_outputs_flush(struct daemon_outputs *o, struct fail *why);
void daemon_outputs_close(struct daemon_outputs *o);

#endif
