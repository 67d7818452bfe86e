/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/app/app_priv.h - what app.c and app_frame.c share.
 */
#ifndef DEW_SENSOR_APP_APP_PRIV_H
#define DEW_SENSOR_APP_APP_PRIV_H

#include "sensor/app/app.h"

bool app_ports_have(const struct app_ports *ports, uint16_t port);

/* in: what the parser is given next, from offset f->consumed[dir] on. */
void app_frames_take(struct app_flow *f, enum app_dir dir, struct slice in);
/* No byte behind f->consumed[dir] that was not taken belongs to a frame that is open. */
void app_frames_cut(struct app_flow *f, enum app_dir dir);
void app_frames_sweep(struct app_flow *f, enum app_dir dir);
void app_frames_free(struct app_flow *f);

#endif
