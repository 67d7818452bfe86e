/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of FTP: ftp.c (commands and replies of the control connection), ftp_address.c (where
 * data connections go), ftp_field.c (rule buffers and the record), ftp_data.c (data connections,
 * a protocol of their own).
 */
#ifndef DEW_SENSOR_APP_FTP_PRIV_H
#define DEW_SENSOR_APP_FTP_PRIV_H

#include "base/addr.h"
#include "sensor/app/app.h"

enum {
	FTP_LINE_MAX = 4096, /* bytes of a line by default: Suricata's */
	FTP_LINE_MOST = 65536,
	FTP_REPLIES_MAX = 256, /* lines kept of the answer to one command */
	FTP_NAME_MAX = 4095,   /* bytes of a file's name: Suricata's */
};

enum { FTP_DONE = 1 }; /* progress */

enum { FTP_REQUEST_TOO_LONG, FTP_RESPONSE_TOO_LONG };

struct ftp_settings {
	size_t line_max;
};

enum ftp_code { /* those that mean something to the parser */
		FTP_UNKNOWN,
		FTP_OTHER,
		FTP_AUTH_TLS,
		FTP_EPRT,
		FTP_EPSV,
		FTP_PASV,
		FTP_PORT,
		FTP_RETR,
		FTP_STOR,
};

struct ftp_reply {
	struct slice code; /* empty: the line has none */
	struct slice text;
};

struct ftp_tx {
	const char *command; /* NULL: none, or one that nobody knows */
	enum ftp_code code;
	struct slice line; /* the command's, without its end */
	bool line_cut, reply_cut;
	struct ftp_reply *replies;
	size_t reply_count, reply_room;
	bool multiline; /* an answer of several lines goes on */
	bool answered;
	bool active;
	uint16_t port;	 /* of the data connection; 0: none */
	struct addr at;	 /* PORT and EPRT: who is to be connected to; family 0: none */
	uint64_t number; /* port, as a field */
	uint64_t mode, received;
};

/* What a data connection will carry; travels in app_expected.data. */
struct ftp_transfer {
	bool store;	/* STOR; else RETR */
	bool to_client; /* as the data connection's own two ends are */
	uint16_t name_bytes;
	uint8_t name[FTP_NAME_MAX + 1];
};

/* ftp_address.c: false, nothing there. The first two also tell the address. */
bool app_ftp_port(struct slice line, uint16_t *out_port, struct addr *out_at);
bool app_ftp_eprt(struct slice line, uint16_t *out_port, struct addr *out_at);
bool app_ftp_pasv(struct slice line, uint16_t *out_port);
bool app_ftp_epsv(struct slice line, uint16_t *out_port);

/* ftp_field.c */
extern const struct app_field app_ftp_fields[];
bool app_ftp_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r);

#endif
