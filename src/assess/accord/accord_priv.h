/* SPDX-License-Identifier: Apache-2.0
 *
 * assess/accord/accord_priv.h - the scenario lattice.
 */
#ifndef DEW_ASSESS_ACCORD_PRIV_H
#define DEW_ASSESS_ACCORD_PRIV_H

#include "assess/accord/accord.h"

enum { LATTICE_DIMS = 4 };

/* The first LATTICE_DIMS dimensions of a grid; the points so far. */
uint32_t accord_lattice(struct accord_grid *g);
/* What a point of it says about a term. False: nothing, the term is not of the lattice. */
bool accord_lattice_value(const struct accord_grid *g, uint32_t point, struct slice term,
			  enum treaty_value *out);
bool accord_lattice_knows(struct slice term);

#endif
