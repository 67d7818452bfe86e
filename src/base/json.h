/* SPDX-License-Identifier: Apache-2.0
 *
 * base/json.h - writing JSON (RFC 8259) into a buf, without a tree.
 *
 *	struct json j = json_in(&buf);
 *	json_object(&j);
 *	json_key(&j, "alert"); json_object(&j); ... json_end(&j);
 *	json_end(&j);
 *
 * Commas are placed by the writer; keys are written in the order given (sort them yourself where
 * RFC 8785 is wanted: the writer's numbers and strings already are in its form). Bytes that are
 * not UTF-8 become U+FFFD, one for each bad byte, so the result is always valid JSON.
 * Reading JSON is jansson's (docs/decisions/0003).
 */
#ifndef DEW_BASE_JSON_H
#define DEW_BASE_JSON_H

#include "base/buf.h"

enum { JSON_DEPTH_MAX = 32 };

struct json {
	struct buf *out;
	uint32_t depth; /* open objects and arrays */
	uint32_t more;	/* bit d: level d already holds a member */
	uint32_t array; /* bit d: level d is an array */
	bool after_key;
};

static inline struct json json_in(struct buf *out)
{
	return (struct json){.out = out};
}

void json_object(struct json *j); /* opens; as a value */
void json_array(struct json *j);  /* opens; as a value */
void json_end(struct json *j);	  /* closes whichever is open */
void json_key_slice(struct json *j, struct slice key);

static inline void json_key(struct json *j, const char *key)
{
	json_key_slice(j, slice_of(key)); /* inline: the length of a literal costs nothing */
}

void json_str(struct json *j, struct slice s);
void json_z(struct json *j, const char *z);
void json_u64(struct json *j, uint64_t v);
void json_i64(struct json *j, int64_t v);
void json_bool(struct json *j, bool v);
void json_null(struct json *j);
/* A decimal fraction num / 10^digits with trailing zeros cut: json_fixed(j, 380, 3) writes 0.38.
 * The only way to write a fraction, so that the same number always gives the same bytes. */
void json_fixed(struct json *j, int64_t num, unsigned digits);
/* Text that already is one JSON value. */
void json_raw(struct json *j, struct slice value);

/* A member of an object: its key and its value. */
static inline void json_member_u64(struct json *j, const char *key, uint64_t v)
{
	json_key(j, key);
	json_u64(j, v);
}
static inline void json_member_bool(struct json *j, const char *key, bool v)
{
	json_key(j, key);
	json_bool(j, v);
}
static inline void json_member_str(struct json *j, const char *key, struct slice s)
{
	json_key(j, key);
	json_str(j, s);
}
/* The same; left out when s is empty. */
static inline void json_member_some(struct json *j, const char *key, struct slice s)
{
	if (s.len != 0)
		json_member_str(j, key, s);
}

#endif
