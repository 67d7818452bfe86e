/* SPDX-License-Identifier: Apache-2.0
 * What EVE says about a call: "nfs", and "rpc" beside it. */
#include "base/json.h"
#include "sensor/app/nfs_priv.h"

#include <zlib.h>

enum { GETATTR = 1, AUTH_UNIX = 1 };

static const char *const procedures2[] = {"NULL",     "GETATTR", "SETATTR",    "ROOT",	  "LOOKUP",
					  "READLINK", "READ",	 "WRITECACHE", "WRITE",	  "CREATE",
					  "REMOVE",   "RENAME",	 "LINK",       "SYMLINK", "MKDIR",
					  "RMDIR",    "READDIR", "STATFS"};
static const char *const procedures3[] = {
	"NULL",	   "GETATTR",	  "SETATTR", "LOOKUP", "ACCESS",   "READLINK", "READ",	 "WRITE",
	"CREATE",  "MKDIR",	  "SYMLINK", "MKNOD",  "REMOVE",   "RMDIR",    "RENAME", "LINK",
	"READDIR", "READDIRPLUS", "FSSTAT",  "FSINFO", "PATHCONF", "COMMIT"};
/* RFC 7530 16, RFC 8881 18: operations, by which a compound is told. */
static const char *const procedures4[] = {"NULL",
					  "COMPOUND",
					  NULL,
					  "ACCESS",
					  "CLOSE",
					  "COMMIT",
					  "CREATE",
					  "DELEGPURGE",
					  "DELEGRETURN",
					  "GETATTR",
					  "GETFH",
					  "LINK",
					  "LOCK",
					  "LOCKT",
					  "LOCKU",
					  "LOOKUP",
					  "LOOKUPP",
					  "NVERIFY",
					  "OPEN",
					  "OPENATTR",
					  "OPEN_CONFIRM",
					  "OPEN_DOWNGRADE",
					  "PUTFH",
					  "PUTPUBFH",
					  "PUTROOTFH",
					  "READ",
					  "READDIR",
					  "READLINK",
					  "REMOVE",
					  "RENAME",
					  "RENEW",
					  "RESTOREFH",
					  "SAVEFH",
					  "SECINFO",
					  "SETATTR",
					  "SETCLIENTID",
					  "SETCLIENTID_CONFIRM",
					  "VERIFY",
					  "WRITE",
					  "RELEASE_LOCKOWNER"};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static struct slice procedure_name(const struct nfs_tx *d, struct arena *a)
{
	const char *const *names = procedures4;
	size_t n = COUNT(procedures4);

	if (d->version == 2) {
		names = procedures2;
		n = COUNT(procedures2);
	} else if (d->version == 3) {
		names = procedures3;
		n = COUNT(procedures3);
	}
	if (d->procedure < n && names[d->procedure] != NULL)
		return slice_of(names[d->procedure]);
	return buf_text(a, "%lu", (unsigned long)d->procedure);
}

/* RFC 1813 2.6. */
static struct slice status_name(uint32_t status, struct arena *a)
{
	static const struct {
		uint32_t status;
		const char *name;
	} names[] = {{0, "OK"},
		     {1, "ERR_PERM"},
		     {2, "ERR_NOENT"},
		     {5, "ERR_IO"},
		     {6, "ERR_NXIO"},
		     {13, "ERR_ACCES"},
		     {17, "ERR_EXIST"},
		     {18, "ERR_XDEV"},
		     {19, "ERR_NODEV"},
		     {20, "ERR_NOTDIR"},
		     {21, "ERR_ISDIR"},
		     {22, "ERR_INVAL"},
		     {27, "ERR_FBIG"},
		     {28, "ERR_NOSPC"},
		     {30, "ERR_ROFS"},
		     {31, "ERR_MLINK"},
		     {63, "ERR_NAMETOOLONG"},
		     {66, "ERR_NOTEMPTY"},
		     {69, "ERR_DQUOT"},
		     {70, "ERR_STALE"},
		     {71, "ERR_REMOTE"},
		     {10001, "ERR_BADHANDLE"},
		     {10002, "ERR_NOT_SYNC"},
		     {10003, "ERR_BAD_COOKIE"},
		     {10004, "ERR_NOTSUPP"},
		     {10005, "ERR_TOOSMALL"},
		     {10006, "ERR_SERVERFAULT"},
		     {10007, "ERR_BADTYPE"},
		     {10008, "ERR_JUKEBOX"}};

	for (size_t i = 0; i < COUNT(names); i++)
		if (names[i].status == status)
			return slice_of(names[i].name);
	return buf_text(a, "%u", status);
}

static void put_file(struct json *j, const struct nfs_tx *d)
{
	json_object(j);
	json_key(j, "first");
	json_bool(j, d->first);
	json_key(j, "last");
	json_bool(j, d->last);
	if (d->is_file) {
		json_member_u64(j, "last_xid", d->last_xid);
		json_member_u64(j, "chunks", d->chunks);
	}
	json_end(j);
}

static struct slice rpc_json(const struct nfs_tx *d, struct arena *a)
{
	static const char *const flavors[] = {"NULL", "UNIX", "SHORT", "DES", "KERB", "RSA", "GSS"};
	struct buf b = buf_in(a);
	struct json j = json_in(&b);

	json_object(&j);
	json_member_u64(&j, "xid", d->xid);
	json_member_str(&j, "status", d->rpc_status == 0 ? SLICE("ACCEPTED") : SLICE("DENIED"));
	json_member_str(&j, "auth_type",
			d->who.flavor < COUNT(flavors) ? slice_of(flavors[d->who.flavor])
						       : buf_text(a, "%u", d->who.flavor));
	if (d->who.flavor == AUTH_UNIX) {
		json_key(&j, "creds");
		json_object(&j);
		json_member_str(&j, "machine_name", d->who.machine);
		json_member_u64(&j, "uid", d->who.uid);
		json_member_u64(&j, "gid", d->who.gid);
		json_end(&j);
	}
	json_end(&j);
	return b.full ? SLICE("{}") : buf_slice(&b);
}

bool app_nfs_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct nfs_tx *d = tx->data;
	struct buf b = buf_in(scratch);
	struct json j = json_in(&b);
	struct slice procedure = procedure_name(d, scratch);

	if (n != 0 || (d->version <= 3 && d->procedure == GETATTR))
		return false;
	json_object(&j);
	json_member_u64(&j, "version", d->version);
	json_member_str(&j, "procedure", procedure);
	json_member_str(&j, "filename", d->name);
	if (d->handle.len != 0)
		json_member_str(
			&j, "hhash",
			buf_text(scratch, "%lx", crc32(0, d->handle.ptr, (unsigned)d->handle.len)));
	json_member_u64(&j, "id", tx->id + 1);
	json_key(&j, "file_tx");
	json_bool(&j, d->is_file);
	json_member_str(&j, "type", SLICE("response"));
	json_member_str(&j, "status", status_name(d->status, scratch));
	if (d->is_file) {
		json_key(&j, d->dir == APP_TO_CLIENT ? "read" : "write");
		put_file(&j, d);
	} else if (slice_equal(procedure, SLICE("RENAME"))) {
		json_key(&j, "rename");
		json_object(&j);
		json_member_str(&j, "from", d->name);
		json_member_str(&j, "to", d->to);
		json_end(&j);
	}
	json_end(&j);
	if (b.full || !record_object(r, scratch, "nfs", buf_slice(&b)))
		return false;
	return record_more(r, scratch, SLICE(""), SLICE("rpc"), rpc_json(d, scratch));
}
