/* SPDX-License-Identifier: Apache-2.0
 *
 * LDAP messages as they are kept: ldap.c takes them apart as far as needed to follow the
 * conversation, ldap_log.c reads the rest when it is asked for.
 */
#ifndef DEW_SENSOR_APP_LDAP_PRIV_H
#define DEW_SENSOR_APP_LDAP_PRIV_H

#include "base/ber.h"
#include "sensor/app/app.h"

/* Application tags of RFC 4511, appendix B. */
enum ldap_operation {
	LDAP_BIND = 0,
	LDAP_BIND_RESPONSE = 1,
	LDAP_UNBIND = 2,
	LDAP_SEARCH = 3,
	LDAP_SEARCH_ENTRY = 4,
	LDAP_SEARCH_DONE = 5,
	LDAP_MODIFY = 6,
	LDAP_MODIFY_RESPONSE = 7,
	LDAP_ADD = 8,
	LDAP_ADD_RESPONSE = 9,
	LDAP_DELETE = 10,
	LDAP_DELETE_RESPONSE = 11,
	LDAP_MODIFY_DN = 12,
	LDAP_MODIFY_DN_RESPONSE = 13,
	LDAP_COMPARE = 14,
	LDAP_COMPARE_RESPONSE = 15,
	LDAP_ABANDON = 16,
	LDAP_SEARCH_REFERENCE = 19,
	LDAP_EXTENDED_REQUEST = 23,
	LDAP_EXTENDED_RESPONSE = 24,
	LDAP_INTERMEDIATE = 25,
};

struct ldap_message {
	uint32_t id;
	uint8_t op;	       /* enum ldap_operation, or another tag */
	struct slice body;     /* content of the operation's element */
	struct slice controls; /* content of theirs; ptr NULL: none */
};

struct ldap_tx {
	bool has_request;
	struct ldap_message request;
	uint64_t operation; /* the request's */
	struct ldap_message *responses;
	uint64_t *operations, *codes; /* theirs */
	size_t response_count, response_room, operation_count, operation_room, code_count,
		code_room;
	size_t kept;		 /* bytes of them */
	uint64_t responses_seen; /* kept or not */
};

extern const struct app_word app_ldap_operations[], app_ldap_results[];

const char *app_ldap_operation_name(uint8_t op); /* NULL: unknown */
/* The result of a response; UINT64_MAX: it has none. */
uint64_t app_ldap_result_code(const struct ldap_message *m);
/* What an extended request asks for, dotted; empty for others. */
struct slice app_ldap_request_name(const struct ldap_message *m);
/* The name that a message is about; false: it has none. Slices are parts of the body. */
bool app_ldap_dn(const struct ldap_message *m, struct slice *out);
bool app_ldap_diagnostic(const struct ldap_message *m, struct slice *out);
/* Attribute n that a message names. */
bool app_ldap_attribute(const struct ldap_message *m, unsigned n, struct slice *out);
bool app_ldap_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r);

#endif
