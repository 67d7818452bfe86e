/* SPDX-License-Identifier: Apache-2.0
 *
 * PostgreSQL's messages as pgsql.c keeps them and pgsql_log.c writes them.
 */
#ifndef DEW_SENSOR_APP_PGSQL_PRIV_H
#define DEW_SENSOR_APP_PGSQL_PRIV_H

#include "base/cursor.h"
#include "sensor/app/app.h"

enum pgsql_kind {
	PGSQL_NOTHING,
	/* from the client */
	PGSQL_STARTUP,
	PGSQL_SSL,
	PGSQL_CANCEL,
	PGSQL_QUERY,
	PGSQL_TERMINATE,
	PGSQL_PASSWORD,
	PGSQL_SASL_INITIAL,
	PGSQL_SASL_RESPONSE,
	PGSQL_COPY_IN, /* count messages of size bytes */
	PGSQL_COPY_FAIL,
	/* from either */
	PGSQL_COPY_DONE,
	/* from the server */
	PGSQL_SSL_YES,
	PGSQL_SSL_NO,
	PGSQL_AUTH_OK,
	PGSQL_AUTH_CLEARTEXT,
	PGSQL_AUTH_MD5,
	PGSQL_AUTH_SSPI,
	PGSQL_AUTH_SASL,
	PGSQL_AUTH_SASL_CONTINUE,
	PGSQL_AUTH_SASL_FINAL,
	PGSQL_AUTH_OTHER,
	PGSQL_PARAMETER,
	PGSQL_KEY,
	PGSQL_ROW_DESCRIPTION,
	PGSQL_ROWS,	     /* count rows with values of size bytes */
	PGSQL_COPY_DATA_OUT, /* count messages of size bytes */
	PGSQL_COPY_OUT,
	PGSQL_COPY_IN_RESPONSE,
	PGSQL_COMPLETE,
	PGSQL_NOTICE,
	PGSQL_ERROR,
	PGSQL_NOTIFICATION,
};

/* How an eve-log wants it. */
struct pgsql_log {
	bool passwords;
};

struct pgsql_message {
	enum pgsql_kind kind;
	struct slice body; /* behind type and length; perhaps cut */
	uint64_t count, size;
};

struct pgsql_tx {
	bool has_request;
	uint32_t version; /* of a startup message */
	struct pgsql_message request;
	enum pgsql_kind done;	   /* how a copy ended */
	struct pgsql_message rows; /* counted, not yet among the responses */
	struct pgsql_message *responses;
	size_t response_count, response_room;
};

/* A text up to its NUL. */
struct slice app_pgsql_text(struct slice s);
bool app_pgsql_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r);

#endif
