/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/outputs.h - where a sensor's events go: the eve-logs of suricata.yaml. Private to the
 * module; one thread.
 */
#ifndef DEW_DAEMON_OUTPUTS_H
#define DEW_DAEMON_OUTPUTS_H

#include "daemon/eve.h"
#include "sensor/config/config.h"
#include "sensor/pipeline/pipeline.h"

struct daemon_outputs {
	struct daemon_eve eves[PIPELINE_OUTPUTS_MAX];
	struct pipeline_output outputs[PIPELINE_OUTPUTS_MAX]; /* for pipeline_options */
	size_t count;
};

/* Opens every enabled eve-log below `outputs:`, relative names in dir; without a configuration
 * dir/eve.json. dir/eve.json is made in any case, so that scripts find it. out must stay where it
 * is. Close also after failure. */
MUST_USE enum status daemon_outputs_open(struct config *root, struct slice dir, struct arena *a,
					 struct daemon_outputs *out, struct fail *why);
uint64_t daemon_outputs_records(const struct daemon_outputs *o);
MUST_USE enum status daemon_outputs_flush(struct daemon_outputs *o, struct fail *why);
void daemon_outputs_close(struct daemon_outputs *o);

#endif
