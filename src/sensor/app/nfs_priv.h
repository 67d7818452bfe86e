/* SPDX-License-Identifier: Apache-2.0
 * What nfs.c keeps and nfs_log.c writes. */
#ifndef DEW_SENSOR_APP_NFS_PRIV_H
#define DEW_SENSOR_APP_NFS_PRIV_H

#include "base/cursor.h"
#include "sensor/app/app.h"
#include "sensor/app/transfer_priv.h"

enum {
	NFS_HANDLE_MAX = 64, /* bytes: RFC 1813 2.4 */
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

bool app_nfs_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r);

#endif
