/* SPDX-License-Identifier: Apache-2.0
 *
 * What the item's file and the reviews of it share.
 */
#ifndef DEW_EVIDENCE_SEALED_SEALED_PRIV_H
#define DEW_EVIDENCE_SEALED_SEALED_PRIV_H

#include "evidence/sealed/sealed.h"

/* Cuts the next line off *rest: what is behind `word` and a space; ptr NULL: it is another line, or
 * one without its line feed. */
struct slice sealed_line(struct slice *rest, const char *word);

/* NULL: none of them. */
const struct sealed_reader *sealed_reader_of(const struct sealed *s, const uint8_t *key);

#endif
