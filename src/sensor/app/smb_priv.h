/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the SMB parser share.
 *
 *	smb.c		session service records, their direction's state, fields, settings
 *	smb1.c, smb2.c	the commands of each version
 *	smb_auth.c	security blobs: SPNEGO, NTLMSSP, Kerberos
 *	smb_pipe.c	DCE/RPC on named pipes
 *	smb_state.c	what is remembered between messages; finding and making transactions
 *	smb_log.c	EVE
 *	smb_names.c	names of commands, statuses, functions
 */
#ifndef DEW_SENSOR_APP_SMB_PRIV_H
#define DEW_SENSOR_APP_SMB_PRIV_H

#include "sensor/app/dcerpc_priv.h"
#include "sensor/app/transfer_priv.h"

enum {
	SMB_NAME_MAX = 1024,   /* bytes kept of a file's or a share's name */
	SMB_SLOTS_MAX = 1024,  /* names, trees, reads under way... remembered of one flow */
	SMB_DIALECTS_MAX = 32, /* kept of one negotiation */
	SMB_PARTS_MAX = 4,     /* pipes with half an answer */
	SMB_CHAIN_MAX = 128,   /* messages in one record */
	SMB1_HEADER_BYTES = 32,
	SMB2_HEADER_BYTES = 64,
};

enum {
	STATUS_SUCCESS = 0,
	STATUS_PENDING = 0x103,
};
#define STATUS_BUFFER_OVERFLOW UINT32_C(0x80000005)
#define STATUS_END_OF_FILE UINT32_C(0xc0000011)

enum smb_anomaly {
	SMB_INTERNAL_ERROR,
	SMB_MALFORMED,
	SMB_RECORD_OVERFLOW,
	SMB_NTLMSSP_REQUEST,
	SMB_NTLMSSP_RESPONSE,
	SMB_DUPLICATE_NEGOTIATE,
	SMB_DIALECTS,
	SMB_OVERLAP,
	SMB_NEGOTIATE_READ_SIZE,
	SMB_NEGOTIATE_WRITE_SIZE,
	SMB_READ_REQUEST_SIZE,
	SMB_READ_RESPONSE_SIZE,
	SMB_READ_QUEUE_SIZE,
	SMB_READ_QUEUE_COUNT,
	SMB_WRITE_REQUEST_SIZE,
	SMB_WRITE_QUEUE_SIZE,
	SMB_WRITE_QUEUE_COUNT,
	SMB_REQUEST_TO_CLIENT,
	SMB_RESPONSE_TO_SERVER,
	SMB_TOO_MANY_TRANSACTIONS,
};

/* app-layer.protocols.smb.* */
struct smb_settings {
	uint64_t read_most, read_queue_bytes, read_queue_count;	   /* 0: no limit */
	uint64_t write_most, write_queue_bytes, write_queue_count; /* 0: no limit */
	uint32_t tx_most;
};

struct smb_fid {
	uint8_t len; /* 16: SMB2; 6: SMB1's two and the session's four; 2: SMB1's; 0: none */
	uint8_t bytes[16];
};

/* Which message: a tree of 0 where the answer does not say it. */
struct smb_id {
	uint64_t session, message;
	uint32_t tree;
};

enum smb_kind {
	SMB_FILE_NAME = 1, /* fid -> name */
	SMB_CREATE_NAME,   /* session, message -> name of the file being opened */
	SMB_READ,	   /* session, message -> fid, offset */
	SMB_TREE,	   /* session, tree -> name, is it a pipe? */
	SMB_FID,	   /* session, message -> fid */
};

struct smb_key {
	enum smb_kind kind;
	struct smb_id id;
	struct smb_fid fid;
};

struct smb_slot {
	struct smb_key key;
	struct smb_slot *next; /* of the same bucket */
	bool used;
	bool pipe;
	uint64_t offset;
	struct smb_fid fid;
	uint8_t *ptr; /* the name, room bytes */
	uint16_t len, room;
};

enum { SMB_BUCKETS = 64 };

/* Half an answer of a pipe, until the other half is read. */
struct smb_part {
	bool used;
	uint64_t session;
	uint32_t tree;
	struct smb_fid fid;
	struct buf bytes;
};

struct smb_side {
	uint64_t skip;	    /* bytes of the record that nobody wants */
	uint64_t file_left; /* bytes of the file's chunk before them */
	uint64_t file_tx;   /* whose: its id */
	bool lost;	    /* look for a record: a gap was before */
	bool gapped;	    /* there was one at some time */
};

struct smb {
	struct smb_side side[2];
	struct smb_slot *bucket[SMB_BUCKETS];
	struct smb_slot **slots;
	uint32_t slot_count, hand; /* the oldest is used again */
	uint16_t dialect;	   /* SMB2's; 0: not known */
	struct slice dialect1;	   /* SMB1's; ptr NULL: not known. In the flow's arena. */
	uint8_t dialect1_room[64];
	uint32_t max_read, max_write; /* agreed; 0: unknown */
	struct dcerpc_interfaces interfaces;
	struct smb_part part[SMB_PARTS_MAX];
	uint32_t part_hand;
};

enum smb_about {
	SMB_ABOUT_NOTHING,
	SMB_ABOUT_NEGOTIATE,
	SMB_ABOUT_SESSION,
	SMB_ABOUT_TREE,
	SMB_ABOUT_CREATE,
	SMB_ABOUT_FILE,
	SMB_ABOUT_RENAME,
	SMB_ABOUT_INFO,
	SMB_ABOUT_IOCTL,
	SMB_ABOUT_PIPE,
};

/* How an eve-log wants it. */
struct smb_log {
	uint32_t about; /* bit enum smb_about: which transactions are told */
};

struct smb_auth {
	bool has_ntlmssp;
	bool has_kerberos;
	bool has_version;
	bool overlaps; /* the fields of the NTLMSSP message lie over one another */
	struct slice domain, user, host; /* NULs taken out */
	uint8_t major, minor, revision;
	uint16_t build;
	struct slice realm, snames[8];
	uint32_t sname_count;
};

struct smb_host {
	bool is;
	struct slice os, lm;
};

struct smb_tx {
	struct smb *smb;
	enum smb_about about;
	uint8_t version; /* 1 or 2 */
	uint16_t command;
	bool has_status, dos;
	uint8_t dos_class;
	uint32_t status;
	struct smb_id id;
	union {
		struct {
			struct slice dialects[SMB_DIALECTS_MAX];
			uint32_t count;
			uint8_t client_guid[16], server_guid[16];
			bool has_client, has_server;
		} negotiate;
		struct {
			struct smb_auth auth;
			struct smb_host request, response;
		} session;
		struct {
			struct slice share;
			bool pipe;
			uint8_t type;
			struct slice asked, given; /* SMB1: the service */
			bool has_asked, has_given;
		} tree;
		struct {
			struct slice name;
			uint32_t disposition;
			bool delete_on_close, directory;
			uint64_t created, accessed, modified, changed, size; /* seconds; bytes */
			struct smb_fid fid;
		} create;
		struct {
			struct slice name, share;
			struct smb_fid fid;
			enum app_dir dir;
			struct app_transfer transfer;
		} file;
		struct {
			struct slice from, to;
			struct smb_fid fid;
		} rename;
		struct {
			struct slice name;
			struct smb_fid fid;
			uint16_t subcommand, level;
			bool delete_on_close;
		} info;
		struct {
			uint32_t function;
		} ioctl;
		struct dcerpc_call pipe;
	} u;
};

/* --- smb_state.c --- */

struct smb_slot *app_smb_find(const struct smb *s, const struct smb_key *k);
/* Remembers under k, in place of what was there; NULL: no memory. The name may be cut. */
struct smb_slot *app_smb_remember(struct app_flow *f, const struct smb_key *k, struct slice name);
void app_smb_forget(struct smb *s, const struct smb_key *k);
/* The name under `from`, if there is one, is under `to` from now on. */
void app_smb_name_move(struct app_flow *f, const struct smb_key *from, const struct smb_key *to);
struct slice app_smb_slot_name(const struct smb_slot *slot);
struct smb_fid app_smb_fid(struct slice bytes);
bool app_smb_fid_equal(const struct smb_fid *a, const struct smb_fid *b);

/* A new transaction whose request is there; NULL: none can be made. */
struct app_tx *app_smb_tx(struct app_flow *f, enum smb_about about, uint8_t version,
			  uint16_t command, struct smb_id id);
/* The open one of that command (about anything) with that session and message. */
struct app_tx *app_smb_tx_of(struct app_flow *f, uint8_t version, uint16_t command,
			     struct smb_id id);
/* The open one about that, with that session and message (session UINT64_MAX: any id). */
struct app_tx *app_smb_tx_about(struct app_flow *f, enum smb_about about, struct smb_id id);
struct app_tx *app_smb_tx_file(struct app_flow *f, const struct smb_fid *fid, enum app_dir dir);
struct app_tx *app_smb_tx_number(struct app_flow *f, uint64_t id);
void app_smb_tx_status(struct app_tx *tx, uint32_t status, bool dos);
void app_smb_anomaly(struct app_tx *tx, enum smb_anomaly a); /* tx may be NULL */
/* On the last transaction; without one it is lost. */
void app_smb_flow_anomaly(struct app_flow *f, enum smb_anomaly a);
/* A file transaction; made if there is none open. NULL: none can be made. */
struct app_tx *app_smb_file_tx(struct app_flow *f, const struct smb_fid *fid, enum app_dir dir,
			       struct slice name, struct slice share, uint8_t version,
			       uint16_t command, struct smb_id id);
/* A chunk of a file begins with `data` of room bytes that the record has; length: what its sender
 * says it is. What is not there yet is awaited by the direction. */
void app_smb_chunk(struct app_flow *f, struct app_tx *tx, uint64_t offset, uint64_t length,
		   struct slice data, uint64_t room);
/* The file of tx is complete. */
void app_smb_file_close(struct app_tx *tx);
/* FILETIME (100 ns since 1601) to seconds since 1970; 0 before. */
uint64_t app_smb_seconds(uint64_t filetime);
/* s without its NULs, in a. */
struct slice app_smb_text(struct slice s, struct arena *a);

/* --- smb1.c, smb2.c --- */

/* Part of a record of `whole` bytes, from its start. Returns false if more must be there first. */
bool app_smb1_record(struct app_flow *f, enum app_dir dir, struct slice have, uint64_t whole);
bool app_smb2_record(struct app_flow *f, enum app_dir dir, struct slice have, uint64_t whole);
/* Of such a part: may it still prove to be one that need not wait for its end, when more comes? */
bool app_smb1_may_stream(enum app_dir dir, struct slice have);
bool app_smb2_may_stream(enum app_dir dir, struct slice have);

/* --- smb_auth.c --- */

void app_smb_auth(struct slice blob, struct arena *a, struct smb_auth *out);

/* --- smb_pipe.c --- */

/* Is the file a pipe with a service that speaks DCE/RPC? */
bool app_smb_is_dcerpc(const struct smb *s, const struct smb_fid *fid);
bool app_smb_looks_dcerpc(struct slice data);
void app_smb_pipe_write(struct app_flow *f, uint8_t version, uint16_t command, struct smb_id id,
			struct slice data);
void app_smb_pipe_read(struct app_flow *f, uint8_t version, uint16_t command, uint32_t status,
		       struct smb_id id, const struct smb_fid *fid, struct slice data);
/* Half an answer, kept for the next read. */
void app_smb_pipe_keep(struct app_flow *f, struct smb_id id, const struct smb_fid *fid,
		       struct slice data);

/* --- smb_log.c, smb_names.c --- */

bool app_smb_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r);
const char *app_smb1_command_name(uint16_t command); /* NULL: unknown */
const char *app_smb2_command_name(uint16_t command);
const char *app_smb_status_name(uint32_t status);
const char *app_smb_dos_name(uint8_t class_, uint16_t code);
const char *app_smb_function_name(uint32_t function);
const char *app_smb2_dialect_name(uint16_t dialect);

#endif
