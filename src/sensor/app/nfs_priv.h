/* SPDX-License-Identifier: Apache-2.0
 * What nfs.c reads, nfs_state.c keeps and nfs_log.c writes. */
#ifndef DEW_SENSOR_APP_NFS_PRIV_H
#define DEW_SENSOR_APP_NFS_PRIV_H

#include "base/cursor.h"
#include "sensor/app/app.h"
#include "sensor/app/transfer_priv.h"

enum {
	NFS_HANDLE_MAX = 128,	     /* bytes: RFC 7530 2.2.2; 64 in version 3 */
	NFS_RECORD_HELD = 512 << 10, /* bytes of a record that is waited for */
	NFS_RECORD_HEAD = 2048, /* of a longer one: no head in front of a file's bytes is longer */
	NFS_NAME_MAX = 255,
	NFS_NAMES_MAX = 256, /* of handles, remembered of one flow; the oldest goes */
	NFS_OPEN_MAX = 256,  /* calls without a reply; the oldest goes */
};

enum nfs_anomaly { NFS_MALFORMED, NFS_TOO_MANY };

struct nfs_name {
	uint8_t handle[NFS_HANDLE_MAX], name[NFS_NAME_MAX];
	uint8_t handle_len, name_len;
};

struct nfs_open {
	bool used;
	bool integrity; /* as of nfs_call */
	uint8_t handle_len, name_len;
	uint32_t xid, version, procedure;
	uint64_t offset;
	uint8_t handle[NFS_HANDLE_MAX], name[NFS_NAME_MAX];
};

struct nfs_side {
	uint64_t file_left, skip; /* bytes of a file, then of what nobody wants */
	uint64_t file_tx;
	bool lost;
};

struct nfs {
	struct nfs_side side[2];
	uint32_t version;
	struct nfs_name *names; /* in the flow's arena, as open */
	uint32_t name_count, name_hand;
	struct nfs_open *open;
	uint32_t open_hand;
};

/* Who calls: RFC 5531 8.2 and appendix A. */
struct nfs_who {
	uint32_t flavor, uid, gid;
	struct slice machine;
};

struct nfs_tx {
	uint32_t xid, last_xid;
	uint64_t version, procedure;
	struct nfs_who who;
	struct slice handle, name, to;
	bool has_reply;
	uint32_t rpc_status, status;
	bool is_file, first, last, answered_by_commit;
	enum app_dir dir;
	uint32_t chunks;
	struct app_transfer transfer;
};

static inline struct slice nfs_part(const uint8_t *ptr, size_t n)
{
	return (struct slice){ptr, n};
}

static inline void nfs_anomaly(struct app_tx *tx, enum nfs_anomaly a)
{
	if (tx != NULL)
		tx->anomalies |= UINT64_C(1) << a;
}

static inline bool nfs_is_open(const struct app_tx *tx)
{
	return tx->progress[0] == 0 || tx->progress[1] == 0;
}

/* One call or reply of a record. */
struct nfs_call {
	struct app_flow *f;
	uint32_t xid, version, procedure;
	bool integrity; /* RFC 2203 5.3.2.2: arguments and results are wrapped */
	struct nfs_who who;
	struct slice handle, name, to; /* of the record */
};

/* --- nfs_state.c --- */

/* The name that a handle was given; ptr NULL: none is known. */
struct slice app_nfs_name_of(const struct nfs *s, struct slice handle);
void app_nfs_name_add(struct app_flow *f, struct slice handle, struct slice name);
/* A reply is awaited. */
void app_nfs_open_add(const struct nfs_call *c, uint64_t offset);
struct nfs_open *app_nfs_open_find(const struct nfs *s, uint32_t xid);
/* NULL: no memory. */
struct app_tx *app_nfs_tx_new(const struct nfs_call *c);
/* The open transaction about the file of that handle; get: made if there is none. */
struct app_tx *app_nfs_file_find(struct app_flow *f, struct slice handle, enum app_dir dir);
struct app_tx *app_nfs_file_get(const struct nfs_call *c, enum app_dir dir);
/* A chunk of `length` bytes begins with `data`; room: what the record has of data and padding. */
void app_nfs_chunk(const struct nfs_call *c, struct app_tx *tx, uint64_t offset, uint64_t length,
		   struct slice data, uint64_t room);
void app_nfs_file_end(struct app_tx *tx);
/* The reply to the call of that xid came. */
void app_nfs_answered(struct app_flow *f, uint32_t xid, uint32_t accepted, uint32_t status);
/* RFC 4506 4.10: a length, at most `most`, and bytes up to a multiple of four. */
struct slice app_nfs_opaque(struct cursor *c, size_t most);
struct slice app_nfs_handle(struct cursor *c, uint32_t version);

/* --- nfs4.c: false: more of the record must be there --- */

bool app_nfs4_call(struct nfs_call *k, struct cursor *c, uint64_t whole_left);
/* accepted: RFC 5531's reply state. */
bool app_nfs4_reply(struct nfs_call *k, const struct nfs_open *o, struct cursor *c,
		    uint64_t whole_left, uint32_t accepted);

/* --- nfs_log.c --- */

bool app_nfs_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r);

#endif
