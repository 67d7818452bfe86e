/* SPDX-License-Identifier: Apache-2.0
 * What the loader needs of the tree. */
#ifndef DEW_SENSOR_CONFIG_PRIV_H
#define DEW_SENSOR_CONFIG_PRIV_H

#include "sensor/config/config.h"

/* The child of that very name; NULL: none. */
struct config *config_child(struct config *c, struct slice name);

/* A new last child. NULL: no memory, or a limit; the name is copied. */
struct config *config_child_add(struct config *c, struct slice name);

/* The child at a path of keys, made where it is not there. NULL as config_child_add(). */
struct config *config_child_make(struct config *c, struct slice path);

/* Takes c's last-but-some child n and makes it the last. */
void config_child_move_last(struct config *n);

/* Takes away the value and all children but what config_set() has set. */
void config_prune(struct config *c);

#endif
