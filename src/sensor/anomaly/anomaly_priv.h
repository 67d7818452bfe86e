/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/anomaly/anomaly_priv.h - what detectors share: subjects, and saying something.
 *
 * A subject is what a detector keeps counts for: a source and a port, a client and a server, a
 * client and a domain. A table grows to ANOMALY_SUBJECTS_MAX of them, or as far as memory goes;
 * then the one that was touched longest ago makes room. No random numbers: the same flows give the
 * same records. Times are not negative (the pipeline sees to it), so that their differences fit.
 */
#ifndef DEW_SENSOR_ANOMALY_ANOMALY_PRIV_H
#define DEW_SENSOR_ANOMALY_ANOMALY_PRIV_H

#include "sensor/anomaly/anomaly.h"

enum {
	ANOMALY_SUBJECTS_FIRST = 32, /* room at the start; then four times as much, and so on */
	ANOMALY_SUBJECTS_MAX = 2048, /* of one detector; 1 to 4 MiB then */
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

struct anomaly_table {
	struct arena *arena; /* borrowed: where it grows */
	uint8_t *subjects;   /* room x size bytes */
	size_t size;	     /* bytes of one */
	uint32_t room, used, oldest, newest;
	uint64_t forgotten; /* subjects that made room */
	uint32_t buckets[ANOMALY_BUCKETS];
};

/* An empty table with room for ANOMALY_SUBJECTS_FIRST; false if the budget is spent. */
MUST_USE bool anomaly_table_init(struct anomaly_table *t, struct arena *a, size_t size);

/* The subject of that key: found, or zeroed and new. Never NULL; valid until the next call. */
void *anomaly_subject_get(struct anomaly_table *t, const struct anomaly_key *key);

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
