/* SPDX-License-Identifier: Apache-2.0
 *
 * flow_priv.h - between flow.c (the table), quote.c (ICMP errors) and limits.c (settings).
 */
#ifndef DEW_SENSOR_FLOW_FLOW_PRIV_H
#define DEW_SENSOR_FLOW_FLOW_PRIV_H

#include "sensor/flow/flow.h"

/* Seconds without a packet after which a flow ends. */
uint32_t flow_timeout_s(const struct flow_limits *l, enum flow_class class, unsigned state);
/* The same while there is no room for new flows: never longer. */
uint32_t flow_emergency_s(const struct flow_limits *l, enum flow_class class, unsigned state);

/* An ICMP (v4) message that says that a packet could not be delivered: it begins no flow. */
bool flow_icmp_error(const struct packet *p);

/* The packet that such a message quotes: its ends, ports and protocol into *out, the rest of which
 * is as the caller has it. False: none, or not enough of it. */
bool flow_quoted(const struct packet *p, struct packet *out);

#endif
