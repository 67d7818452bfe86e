/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/anomaly/anomaly.h - attacks that no signature names (A05).
 *
 * Detectors watch flows and transactions, not content: scans (many destinations or ports that do
 * not answer), beacons (evenly spaced connections to one server), DNS exfiltration (many long,
 * random-looking names under one parent domain). Each is one file and one word; each says what it
 * measured, over how many observations and how strong that is (0..1000), and says it once per
 * source, target and half hour. A worker's own; packet time; bounded memory (oldest subjects are
 * forgotten, counted).
 */
#ifndef DEW_SENSOR_ANOMALY_H
#define DEW_SENSOR_ANOMALY_H

#include "base/arena.h"
#include "record/record.h"
#include "sensor/flow/flow.h"

struct app_tx;
struct anomaly_worker;

/* What a detector keeps counts for, at most ANOMALY_SUBJECTS_MAX of them (anomaly_priv.h). */
struct anomaly_table;

struct anomaly_detector {
	const char *name;     /* "scan": the event key starts with it */
	const char *doc;      /* what it measures and what the score means */
	size_t subject_bytes; /* of one entry of its table */
	void (*flow_new)(struct anomaly_table *t, const struct flow *f,
			 const struct record_sink *out);
	void (*flow_end)(struct anomaly_table *t, const struct flow *f,
			 const struct record_sink *out);
	/* a finished transaction, as it was logged */
	void (*logged)(struct anomaly_table *t, const struct flow *f, const struct record *r,
		       const struct record_sink *out);
};

/* Opens the definition of detector `name`; the file is name.c and the word in meson.build name. */
#define ANOMALY_DETECTOR(name)                                                                     \
	extern const struct anomaly_detector anomaly_##name;                                       \
	const struct anomaly_detector anomaly_##name

extern const struct anomaly_detector *const anomaly_detectors[]; /* NULL-terminated */

/* NULL if the budget is spent; `process` must outlive the worker, whose tables grow in it. Records
 * go to `out`, complete but for party and station. */
MUST_USE struct anomaly_worker *anomaly_worker_new(struct arena *process, struct record_sink out);
/* A flow began; call it with the flow's first packet counted. */
void anomaly_flow_new(struct anomaly_worker *w, const struct flow *f);
/* A flow ends; f->app, if any, is still whole. */
void anomaly_flow_end(struct anomaly_worker *w, const struct flow *f);
void anomaly_logged(struct anomaly_worker *w, const struct flow *f, const struct record *r);

/* Subjects that had to make room for newer ones: what they did from then on counts anew. */
uint64_t anomaly_forgotten(const struct anomaly_worker *w);

#endif
