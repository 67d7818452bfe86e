/* SPDX-License-Identifier: Apache-2.0
 *
 * template.h - what sets of data look like: the templates that sessions have told. Private to the
 * module. (RFC 7011 8, RFC 3954 9.)
 *
 * One table for all sessions, with fixed room: the template that was not used for longest makes
 * room. A template says how to cut a record into fields; those that mean nothing here are only
 * lengths.
 */
#ifndef DEW_SENSOR_IPFIX_TEMPLATE_H
#define DEW_SENSOR_IPFIX_TEMPLATE_H

#include "sensor/ipfix/ipfix_priv.h"

struct ipfix_template_field {
	uint16_t bytes;	 /* or IPFIX_LENGTH_VARIES */
	uint8_t element; /* its place in ipfix_elements, or IPFIX_NO_ELEMENT */
	bool other;	 /* it is about the other direction */
};

struct ipfix_template {
	uint64_t session; /* the session's number; 0: this place is free */
	uint16_t id;
	uint16_t count;
	uint32_t record_least; /* bytes of the shortest record; never 0 */
	bool options;	       /* its records are about the exporter, not about flows */
	struct wall_ns told;   /* last */
	uint32_t chain;	       /* next of its bucket; links are index + 1, 0 is none */
	uint32_t older, newer; /* by use */
	struct ipfix_template_field fields[IPFIX_FIELDS_MAX];
};

struct ipfix_templates;

MUST_USE struct ipfix_templates *ipfix_templates_new(struct arena *a);
/* The one that session said to use for `id`, and it counts as used; NULL: none. */
struct ipfix_template *ipfix_template_find(struct ipfix_templates *t, uint64_t session,
					   uint16_t id);
/* Takes the place of one of that number. */
void ipfix_template_put(struct ipfix_templates *t, const struct ipfix_template *x);
/* id 0: all of the session (options: of that kind only). */
void ipfix_template_remove(struct ipfix_templates *t, uint64_t session, uint16_t id, bool options);

/* A template record of version 9 or 10, options template or not, as it follows in c: into *out (but
 * session and times). ST_NOTFOUND: it takes the template away (RFC 7011 8.1). ST_LIMIT: it is
 * passed over. ST_INVALID: c is bad, or nothing behind it can be read. */
enum status ipfix_template_parse(struct cursor *c, uint16_t version, bool options,
				 struct ipfix_template *out);

#endif
