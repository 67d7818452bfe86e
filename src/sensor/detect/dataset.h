/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/detect/dataset.h - sets of values that rules ask, and change (dataset:, datarep:).
 *
 * What a file says is shared by all workers and does not change (struct detect_dataset); what rules
 * add and take away is a worker's own (struct detect_dataset_changes) and stands before it.
 */
#ifndef DEW_SENSOR_DETECT_DATASET_H
#define DEW_SENSOR_DETECT_DATASET_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"

struct detect_rules;

enum detect_dataset_type {
	DATASET_STRING,
	DATASET_MD5,
	DATASET_SHA256,
	DATASET_IPV4,
	DATASET_IP, /* 16 bytes; IPv4 mapped into them */
};

struct detect_dataset_entry {
	struct slice key, json; /* json: goes with the alert; ptr NULL: nothing */
	struct detect_dataset_entry *next;
	uint32_t hash;
	uint16_t reputation;
};

struct detect_dataset {
	struct slice name;
	enum detect_dataset_type type;
	enum { DATASET_LINES, DATASET_JSON, DATASET_JSON_LINES } format;
	struct slice value_key, array_key, context_key; /* of JSON */
	bool remove_key;
	struct slice file; /* that it was read from, as it was named; for messages */
	struct slice save; /* the file that it is written to at the end; ptr NULL: none */
	uint64_t memcap;   /* bytes of values and what holds them; 0: no limit of its own */
	uint64_t bytes;	   /* of those that the file has */
	uint32_t index;	   /* which set it is */
	struct detect_dataset_entry **buckets;
	size_t bucket_count, count;
	struct detect_dataset *next;
};

enum {
	DATASETS_MAX = 4096, /* of one set of rules */
	DATASET_CHANGES_MAX = 1 << 20,
	DATASET_CHANGE_BUCKETS = 1 << 12,
};

struct detect_dataset_change {
	const struct detect_dataset *set;
	struct slice key;
	struct detect_dataset_change *next;
	uint32_t hash;
	bool in;
};

struct detect_dataset_changes {
	struct detect_dataset_change **buckets; /* DATASET_CHANGE_BUCKETS */
	uint64_t *bytes;			/* DATASETS_MAX, by set: of what came to it */
	size_t count;
	struct arena arena;
};

MUST_USE bool detect_dataset_type_parse(struct slice s, enum detect_dataset_type *out);
/* Fills d from a file's text. numbered: each line has a reputation behind a comma. */
MUST_USE enum status detect_dataset_load(struct detect_dataset *d, struct slice text, bool numbered,
					 struct arena *a, struct fail *why);
/* What the file says; NULL: not listed. */
const struct detect_dataset_entry *detect_dataset_find(const struct detect_dataset *d,
						       struct slice bytes);
bool detect_dataset_holds(const struct detect_dataset_changes *c, const struct detect_dataset *d,
			  struct slice bytes);
/* No changes; what they come to stay in lies in process and, as it comes, in pool. */
bool detect_dataset_changes_new(struct detect_dataset_changes *c, struct arena *process,
				struct arena_pool *pool);
/* Other rules: changes of sets that they have too stay. */
void detect_dataset_changes_move(struct detect_dataset_changes *c, const struct detect_rules *r);
/* False: it was so already, it is no value of the type, or there is no room. */
bool detect_dataset_change(struct detect_dataset_changes *c, const struct detect_dataset *d,
			   struct slice bytes, bool in);

#endif
