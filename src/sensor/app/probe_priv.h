/* SPDX-License-Identifier: Apache-2.0
 *
 * What probes of protocols that are lines of text have in common.
 */
#ifndef DEW_SENSOR_APP_PROBE_PRIV_H
#define DEW_SENSOR_APP_PROBE_PRIV_H

#include "sensor/app/app.h"

/* Does `in` start with one of the NULL-terminated words, letters in either case? */
enum app_probe app_probe_words(struct slice in, const char *const *words);

/* A server's greeting that other protocols share: it starts with one of the words, and comes from
 * the protocol's port or names it somewhere in its first line. */
enum app_probe app_probe_greeting(struct slice in, const char *const *words, bool port_hint,
				  struct slice name);

#endif
