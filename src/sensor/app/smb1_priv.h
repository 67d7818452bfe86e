/* SPDX-License-Identifier: Apache-2.0
 *
 * One message of SMB 1, as its requests (smb1.c) and responses (smb1_answer.c) see it.
 */
#ifndef DEW_SENSOR_APP_SMB1_PRIV_H
#define DEW_SENSOR_APP_SMB1_PRIV_H

#include "sensor/app/smb_priv.h"

enum smb1_command {
	SMB1_CLOSE = 0x04,
	SMB1_RENAME = 0x07,
	SMB1_WRITE = 0x0b,
	SMB1_LOCKING = 0x24,
	SMB1_TRANS = 0x25,
	SMB1_WRITE_CLOSE = 0x2c,
	SMB1_OPEN_ANDX = 0x2d,
	SMB1_READ_ANDX = 0x2e,
	SMB1_WRITE_ANDX = 0x2f,
	SMB1_TRANS2 = 0x32,
	SMB1_TRANS2_MORE = 0x33,
	SMB1_TREE_DISCONNECT = 0x71,
	SMB1_NEGOTIATE = 0x72,
	SMB1_SESSION_SETUP = 0x73,
	SMB1_LOGOFF = 0x74,
	SMB1_TREE_CONNECT = 0x75,
	SMB1_NT_CREATE = 0xa2,
	SMB1_NT_CANCEL = 0xa4,
	SMB1_NO_COMMAND = 0xff,
};

struct smb1_message {
	struct app_flow *f;
	uint8_t command;
	bool unicode, dos;
	uint32_t status;
	struct smb_id id;
	uint16_t user;
	struct slice body; /* behind the header, what of it is there */
	uint64_t room;	   /* what the record has */
	size_t at;	   /* of the command's words in body */
};

/* The command's words: what is there from their count on. */
static inline struct slice app_smb1_words(const struct smb1_message *m)
{
	return slice_from(m->body, m->at);
}

/* A file id is two bytes and its session's, so that those of two sessions differ. */
struct smb_fid app_smb1_fid(const struct smb1_message *m, struct slice fid);
struct smb_key app_smb1_key(enum smb_kind kind, const struct smb1_message *m);
struct smb_key app_smb1_tree_key(const struct smb1_message *m);
struct smb_slot *app_smb1_tree(const struct smb1_message *m);
struct slice app_smb1_file_name(const struct smb1_message *m, const struct smb_fid *fid);

/* Texts that end with a NUL. ASCII ones are borrowed from the message. False: no end. */
bool app_smb1_ascii(struct cursor *c, struct slice *out);
/* Either, as the message's flags say; `offset` of its first byte from anything even. */
bool app_smb1_text(const struct smb1_message *m, struct cursor *c, size_t offset, struct arena *a,
		   struct slice *out);
/* Bytes of the message by their offset from its header; false: they are not there. */
bool app_smb1_part(const struct smb1_message *m, uint16_t offset, size_t length, struct slice *out);
/* A transaction that says no more than its command. */
struct app_tx *app_smb1_told(struct smb1_message *m, uint8_t command);

/* One command of the message. False: more of it must be there. */
bool app_smb1_answer(struct smb1_message *m, uint8_t command);

#endif
