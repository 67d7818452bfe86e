/* SPDX-License-Identifier: Apache-2.0
 *
 * One message of SMB 2 and 3, and what its readers share: smb2.c (records, chains, what a tree is),
 * smb2_ask.c (requests) and smb2_answer.c (responses).
 */
#ifndef DEW_SENSOR_APP_SMB2_PRIV_H
#define DEW_SENSOR_APP_SMB2_PRIV_H

#include "sensor/app/smb_priv.h"

enum {
	SMB2_NEGOTIATE = 0,
	SMB2_SESSION_SETUP = 1,
	SMB2_TREE_CONNECT = 3,
	SMB2_TREE_DISCONNECT = 4,
	SMB2_CREATE = 5,
	SMB2_CLOSE = 6,
	SMB2_READ = 8,
	SMB2_WRITE = 9,
	SMB2_IOCTL = 11,
	SMB2_GET_INFO = 16,
	SMB2_SET_INFO = 17,
};

enum {
	SMB2_FLAG_RESPONSE = 0x01,
	SMB2_FLAG_ASYNC = 0x02,
	SMB2_WRITE_BYTES = 48, /* of a write request before its data */
	SMB2_READ_BYTES = 16,  /* of a read response before its data */
	SMB2_SHARE_PIPE = 2,
	SMB2_FUNCTION_TRANSCEIVE = 0x0011c017,
	SMB2_CLASS_FILE = 1,
	SMB2_INFO_RENAME = 10,
	SMB2_INFO_DISPOSITION = 13,
	SMB2_OPTION_DIRECTORY = 0x0001,
	SMB2_OPTION_DELETE = 0x1000,
};

struct smb2_message {
	struct app_flow *f;
	uint32_t flags, status, next;
	uint16_t command;
	struct smb_id id;
	struct slice body; /* what of it is there */
	uint64_t room;	   /* what the record has */
};

/* Reads and set-infos that change nothing are too many to be told one by one. */
static inline bool smb2_is_told(uint16_t command)
{
	return command != SMB2_READ && command != SMB2_WRITE && command != SMB2_GET_INFO &&
	       command != SMB2_SET_INFO;
}

static inline struct smb_id smb2_any_tree(struct smb_id id)
{
	id.tree = 0;
	return id;
}

static inline struct smb_key smb2_key(enum smb_kind kind, struct smb_id id)
{
	return (struct smb_key){.kind = kind, .id = smb2_any_tree(id)};
}

static inline struct smb_key smb2_tree_key(struct smb_id id)
{
	return (struct smb_key){.kind = SMB_TREE, .id = {.session = id.session, .tree = id.tree}};
}

static inline struct slice smb2_file_name(const struct smb *s, const struct smb_fid *fid)
{
	struct smb_key key = {.kind = SMB_FILE_NAME, .fid = *fid};

	return app_smb_slot_name(app_smb_find(s, &key));
}

/* Data that nobody wants, of which `data` of room bytes are there. */
static inline void smb2_pass_over(struct smb2_message *m, enum app_dir dir, struct slice data,
				  uint64_t room)
{
	struct smb *s = m->f->parser;

	s->side[dir].skip = room - data.len;
}

/* --- smb2.c --- */

/* Without a tree's connect, what goes to it is judged by its first bytes. */
bool app_smb2_tree_is_known(const struct smb2_message *m);
/* Whether data of a tree go to a pipe that speaks DCE/RPC; without its connect, by their looks. */
bool app_smb2_goes_to_pipe(struct smb2_message *m, const struct smb_fid *fid, struct slice data,
			   struct slice *out_share, bool *out_dcerpc);

/* --- smb2_ask.c, smb2_answer.c: false: more of the message must be there --- */

bool app_smb2_request(struct smb2_message *m);
bool app_smb2_response(struct smb2_message *m);

#endif
