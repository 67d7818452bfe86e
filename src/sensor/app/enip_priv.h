/* SPDX-License-Identifier: Apache-2.0
 *
 * EtherNet/IP's names for numbers (enip_names.c), from the CIP Networks Library vol. 1 and 2.
 */
#ifndef DEW_SENSOR_APP_ENIP_PRIV_H
#define DEW_SENSOR_APP_ENIP_PRIV_H

#include "sensor/app/app.h"

extern const struct app_word app_enip_commands[], app_enip_statuses[]; /* as rules write them */
extern const struct app_word app_enip_services[], app_enip_cip_statuses[],
	app_enip_extended_statuses[], app_enip_classes[], app_enip_devices[], app_enip_vendors[];

#endif
