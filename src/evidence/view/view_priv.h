/* SPDX-License-Identifier: Apache-2.0
 *
 * What the texts of this module share: numbers and lists of hashes, a line each.
 */
#ifndef DEW_EVIDENCE_VIEW_PRIV_H
#define DEW_EVIDENCE_VIEW_PRIV_H

#include "evidence/view/view.h"

/* "word N": decimal without a leading zero, up to INT64_MAX. */
bool view_number_line(struct slice line, struct slice word, uint64_t *out);

/* The lines of *rest up to an empty one, each base64 of 32 bytes, at most `most`. *rest is what
 * follows the empty line. ST_INVALID, ST_NOMEM. */
enum status view_hashes_take(struct slice *rest, size_t most, struct arena *a,
			     const uint8_t (**out)[MERKLE_BYTES], size_t *out_count,
			     struct fail *why);
void view_hashes_add(const uint8_t (*hashes)[MERKLE_BYTES], size_t count, struct buf *out);

#endif
