/* SPDX-License-Identifier: Apache-2.0
 *
 * What writing, reading and checking a bundle share.
 */
#ifndef DEW_EVIDENCE_BUNDLE_BUNDLE_PRIV_H
#define DEW_EVIDENCE_BUNDLE_BUNDLE_PRIV_H

#include "evidence/bundle/bundle.h"

/* The members in their order, which is that of their names. "format" comes after BUNDLE_FACTS, and
 * "unchanged", the SHA-256 of each member's value as written, after all of them. */
enum bundle_member {
	BUNDLE_BULLETIN,
	BUNDLE_CHECKPOINT,
	BUNDLE_FACTS,
	BUNDLE_LOG_KEY,
	BUNDLE_PARTIES,
	BUNDLE_STATION_KEYS,
	BUNDLE_TREATIES,
	BUNDLE_MEMBERS
};
_Static_assert((int)BUNDLE_MEMBERS == (int)BUNDLE_PARTS, "a part for each member");

extern const char *const bundle_member_names[BUNDLE_MEMBERS];

#define BUNDLE_FORMAT SLICE("dewline-bundle/1")

/* Leaf indices stay exact in every JSON reader (RFC 7493 2.2). */
static inline bool bundle_leaf_ok(uint64_t leaf)
{
	return leaf < UINT64_C(1) << 53;
}

/* A base name: UTF-8, no control characters, no "/", not "." or "..". */
bool bundle_name_ok(struct slice name);

/* One JSON object without white space between its tokens, not deeper than 64. No memory is taken.
 */
bool bundle_object_ok(struct slice json);

#endif
