/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of the SMTP parser: smtp.c (commands, replies, mail), smtp_config.c (settings),
 * smtp_field.c (rule buffers and the record).
 */
#ifndef DEW_SENSOR_APP_SMTP_PRIV_H
#define DEW_SENSOR_APP_SMTP_PRIV_H

#include "sensor/app/app.h"
#include "sensor/app/mime_priv.h"

enum {
	SMTP_LINE_MAX = 4096,	 /* bytes of a line; RFC 5321 4.5.3.1 allows 512 and 1000 */
	SMTP_COMMANDS_MAX = 256, /* sent ahead of their replies */
	SMTP_RCPTS_MAX = 256,	 /* kept of one mail; RFC 5321 4.5.3.1.8 wants 100 */
	SMTP_PARAM_MAX = 4096,
};

#define SMTP_ANOMALIES(X)                                                                          \
	X(INVALID_REPLY)                                                                           \
	X(UNABLE_TO_MATCH_REPLY_WITH_REQUEST)                                                      \
	X(MAX_COMMAND_LINE_LEN_EXCEEDED)                                                           \
	X(MAX_REPLY_LINE_LEN_EXCEEDED)                                                             \
	X(INVALID_PIPELINED_SEQUENCE)                                                              \
	X(BDAT_CHUNK_LEN_EXCEEDED)                                                                 \
	X(NO_SERVER_WELCOME_MESSAGE)                                                               \
	X(TLS_REJECTED)                                                                            \
	X(DATA_COMMAND_REJECTED)                                                                   \
	X(MIME_PARSE_FAILED)                                                                       \
	X(MIME_MALFORMED_MSG)                                                                      \
	X(MIME_INVALID_BASE64)                                                                     \
	X(MIME_INVALID_QP)                                                                         \
	X(MIME_LONG_LINE)                                                                          \
	X(MIME_LONG_ENC_LINE)                                                                      \
	X(MIME_LONG_HEADER_NAME)                                                                   \
	X(MIME_LONG_HEADER_VALUE)                                                                  \
	X(MIME_LONG_BOUNDARY)                                                                      \
	X(MIME_LONG_FILENAME)                                                                      \
	X(DUPLICATE_FIELDS)                                                                        \
	X(UNPARSABLE_CONTENT)                                                                      \
	X(TRUNCATED_LINE)                                                                          \
	X(FAILED_PROTOCOL_CHANGE)

enum smtp_anomaly {
#define X(name) SMTP_##name,
	SMTP_ANOMALIES(X)
#undef X
};

enum { SMTP_DONE = 1 }; /* progress */

enum { SMTP_FRAME_COMMAND, SMTP_FRAME_DATA, SMTP_FRAME_RESPONSE };

struct smtp_settings {
	bool decode_mime;    /* else mails are not looked into */
	bool raw_extraction; /* a mail is one file, "rawmsg" */
	struct app_mime_options mime;
};

enum smtp_command {
	SMTP_OTHER,
	SMTP_STARTTLS,
	SMTP_DATA,
	SMTP_BDAT,
	SMTP_RSET,
	SMTP_END_OF_DATA, /* no command: the "." that ends a mail has a reply of its own */
};

struct smtp {
	const struct smtp_settings *settings;
	struct app_flow *flow;
	struct app_tx *tx; /* the mail at hand, incomplete; NULL: none */
	uint64_t last_id;  /* of the mail before */
	struct slice helo;
	enum smtp_command current;
	bool in_data; /* what the client sends is the current command's data */
	bool in_line; /* of the data: a long line goes on */
	bool drop[2]; /* the rest of a line that is too long is passed over */
	uint64_t bdat_left;
	uint64_t data_frame; /* of the mail that is coming; 0: none */
	bool welcomed, multiline, pipelining;
	uint8_t commands[SMTP_COMMANDS_MAX]; /* enum smtp_command, without replies yet */
	size_t command_at, command_count;
};

struct smtp_tx {
	struct smtp *smtp; /* the flow's */
	struct slice helo; /* the flow's; ptr NULL: not yet */
	struct slice body_md5;
	struct slice mail_from;
	struct slice *rcpts;
	size_t rcpt_count, rcpt_room;
	struct app_mime *mime; /* NULL: no mail yet */
	struct app_tx *tx;
	bool has_from;
};

/* smtp_config.c */
const void *app_smtp_configure(struct config *config, struct arena *a);

/* smtp_field.c */
extern const struct app_field app_smtp_fields[];

/* smtp_log.c */
const void *app_smtp_log_configure(struct config *root, struct config *node, struct arena *a);
bool app_smtp_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r);

#endif
