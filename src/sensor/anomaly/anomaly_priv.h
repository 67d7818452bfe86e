/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/anomaly/anomaly_priv.h - what detectors share: subjects, and saying something.
 *
 * A subject is what a detector keeps counts for: a source and a port, a client and a server, a
 * client and a domain. A table holds at most ANOMALY_SUBJECTS_MAX of them; the one that was touched
 * longest ago makes room. No random numbers: the same flows give the same records. Times are not
 * negative (the pipeline sees to it), so that their differences fit.
 */
#ifndef DEW_SENSOR_ANOMALY_ANOMALY_PRIV_H
#define DEW_SENSOR_ANOMALY_ANOMALY_PRIV_H

#include "sensor/anomaly/anomaly.h"

enum {
	ANOMALY_SUBJECTS_MAX = 2048, /* of one detector; 1 to 2 MiB of state */
	ANOMALY_BUCKETS = 1024,	     /* power of two */
	ANOMALY_TEXT_MAX = 512,	     /* bytes of a summary */
};

#define ANOMALY_SILENCE_NS (30 * 60 * TIME_NS_PER_S) /* between two records on one subject */

struct anomaly_key {
	uint8_t kind, proto;
	uint16_t port;
	struct addr a, b;
	uint64_t text; /* hash of text that belongs to the key, else 0 */
};

/* The first member of every detector's own subject. */
struct anomaly_subject {
	struct anomaly_key key;
	uint32_t chain;	       /* next of the same bucket; links are index + 1, 0 is none */
	uint32_t older, newer; /* by last touch */
	bool said;
	struct wall_ns said_at;
};

/* The first member of every detector's state; zeroed is empty. */
struct anomaly_table {
	uint64_t forgotten;
	uint32_t used, oldest, newest;
	uint32_t buckets[ANOMALY_BUCKETS];
};

/* The subject of that key among ANOMALY_SUBJECTS_MAX at `subjects`, each `size` bytes: found, or
 * zeroed and new. Never NULL. */
void *anomaly_subject_get(struct anomaly_table *t, void *subjects, size_t size,
			  const struct anomaly_key *key);

/* True if nothing was said about the subject within ANOMALY_SILENCE_NS before `now`; then it counts
 * as said. */
bool anomaly_may_say(struct anomaly_subject *s, struct wall_ns now);

uint64_t anomaly_hash(struct slice s, uint64_t seed); /* 64 bits, the same on every machine */

/* A sentence in fixed memory; what does not fit is cut. */
struct anomaly_text {
	char z[ANOMALY_TEXT_MAX];
	size_t len;
};

void anomaly_text_add(struct anomaly_text *t, struct slice s);
void anomaly_text_z(struct anomaly_text *t, const char *z);
void anomaly_text_number(struct anomaly_text *t, uint64_t v);
void anomaly_text_seconds(struct anomaly_text *t, int64_t ns);	      /* "5.0" */
void anomaly_text_addr(struct anomaly_text *t, const struct addr *a); /* "::1" */
void anomaly_text_port(struct anomaly_text *t, uint16_t port);	      /* "8080" */
void anomaly_text_peer(struct anomaly_text *t, const struct addr *a,
		       uint16_t port); /* "[::1]:80" */

/* What a detector found. src is who did it. */
struct anomaly_finding {
	const char *event;
	const struct anomaly_text *summary;
	uint64_t score_milli, observations;
	struct wall_ns at, first, last;
	uint16_t dport; /* 0: none */
};

/* Writes a record on flow f (client as src, server as dst) to the sink. */
void anomaly_say(const struct record_sink *out, const struct flow *f,
		 const struct anomaly_finding *finding);

#endif
