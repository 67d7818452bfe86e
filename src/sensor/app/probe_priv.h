/* SPDX-License-Identifier: Apache-2.0
 *
 * What probes of protocols that are lines of text have in common.
 */
#ifndef DEW_SENSOR_APP_PROBE_PRIV_H
#define DEW_SENSOR_APP_PROBE_PRIV_H

#include "sensor/app/app.h"

/* Does `in` start with one of the NULL-terminated words, letters in either case? */
enum app_probe app_probe_words(struct slice in, const char *const *words);

/* The first line of in, without its end, once it is whole (or longer than a line may be). */
bool app_probe_line(struct slice in, struct slice *out);

/* Is word somewhere in s, letters in either case? */
bool app_probe_has(struct slice s, struct slice word);

#endif
