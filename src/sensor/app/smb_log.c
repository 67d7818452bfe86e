/* SPDX-License-Identifier: Apache-2.0
 * What EVE says about a transaction. */
#include "base/json.h"
#include "sensor/app/smb_priv.h"

#include <inttypes.h>

static void put(struct json *j, const char *key, struct slice value)
{
	json_key(j, key);
	json_str(j, value);
}

static void put_z(struct json *j, const char *key, const char *value)
{
	json_key(j, key);
	json_z(j, value);
}

static struct slice number_text(struct arena *a, uint64_t value)
{
	return buf_text(a, "%" PRIu64, value);
}

/* Names where there is one, numbers where there is none. */
static void put_name(struct json *j, const char *key, const char *name, uint64_t number,
		     struct arena *a)
{
	put(j, key, name != NULL ? slice_of(name) : number_text(a, number));
}

static void put_guid(struct json *j, const char *key, const uint8_t g[16], struct arena *a)
{
	put(j, key,
	    buf_text(a, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		     g[3], g[2], g[1], g[0], g[5], g[4], g[7], g[6], g[9], g[8], g[11], g[10],
		     g[15], g[14], g[13], g[12]));
}

static void put_fid(struct json *j, const struct smb_fid *fid, struct arena *a)
{
	if (fid->len == 16)
		put_guid(j, "fuid", fid->bytes, a);
	else if (fid->len == 2 || fid->len == 6)
		put(j, "fuid", buf_text(a, "%02x%02x", fid->bytes[1], fid->bytes[0]));
	else
		put(j, "fuid", SLICE(""));
}

static void put_status(struct json *j, const struct smb_tx *d, struct arena *a)
{
	const char *name;

	if (!d->has_status)
		return;
	if (!d->dos) {
		put_name(j, "status", app_smb_status_name(d->status), d->status, a);
		put(j, "status_code", buf_text(a, "0x%x", d->status));
		return;
	}
	name = app_smb_dos_name(d->dos_class, (uint16_t)d->status);
	if (name != NULL || d->dos_class == 1 || d->dos_class == 2)
		put_name(j, "status", name, d->status, a);
	else
		put(j, "status", buf_text(a, "UNKNOWN_%02x_%04x", d->dos_class, d->status));
	put(j, "status_code", buf_text(a, "0x%04x", d->status));
}

static void put_session(struct json *j, const struct smb_tx *d, struct arena *a)
{
	const struct smb_auth *u = &d->u.session.auth;
	const struct smb_host *hosts[] = {&d->u.session.request, &d->u.session.response};

	if (u->has_ntlmssp) {
		json_key(j, "ntlmssp");
		json_object(j);
		put(j, "domain", u->domain);
		put(j, "user", u->user);
		put(j, "host", u->host);
		if (u->has_version)
			put(j, "version",
			    buf_text(a, "%u.%u build %u rev %u", u->major, u->minor, u->build,
				     u->revision));
		json_end(j);
	}
	if (u->has_kerberos) {
		json_key(j, "kerberos");
		json_object(j);
		put(j, "realm", u->realm);
		json_key(j, "snames");
		json_array(j);
		for (uint32_t i = 0; i < u->sname_count; i++)
			json_str(j, u->snames[i]);
		json_end(j);
		json_end(j);
	}
	for (size_t i = 0; i < 2; i++) {
		if (!hosts[i]->is)
			continue;
		json_key(j, i == 0 ? "request" : "response");
		json_object(j);
		put(j, "native_os", hosts[i]->os);
		put(j, "native_lm", hosts[i]->lm);
		json_end(j);
	}
}

static void put_negotiate(struct json *j, const struct smb_tx *d, struct arena *a)
{
	json_key(j, "client_dialects");
	json_array(j);
	for (uint32_t i = 0; i < d->u.negotiate.count; i++)
		json_str(j, d->u.negotiate.dialects[i]);
	json_end(j);
	if (d->u.negotiate.has_client)
		put_guid(j, "client_guid", d->u.negotiate.client_guid, a);
	if (d->u.negotiate.has_server)
		put_guid(j, "server_guid", d->u.negotiate.server_guid, a);
	else
		put(j, "server_guid", SLICE(""));
	if (d->smb->max_read != 0)
		json_member_u64(j, "max_read_size", d->smb->max_read);
	if (d->smb->max_write != 0)
		json_member_u64(j, "max_write_size", d->smb->max_write);
}

static void put_tree(struct json *j, const struct smb_tx *d)
{
	static const char *const types[] = {"UNKNOWN", "FILE", "PIPE", "PRINT"};

	put(j, d->u.tree.pipe ? "named_pipe" : "share", d->u.tree.share);
	if (d->version != 1) {
		put_z(j, "share_type", types[d->u.tree.type < 4 ? d->u.tree.type : 0]);
		return;
	}
	json_key(j, "service");
	json_object(j);
	if (d->u.tree.has_asked)
		put(j, "request", d->u.tree.asked);
	if (d->u.tree.has_given)
		put(j, "response", d->u.tree.given);
	json_end(j);
}

static void put_create(struct json *j, const struct smb_tx *d, struct arena *a)
{
	static const char *const dispositions[] = {"FILE_SUPERSEDE", "FILE_OPEN",
						   "FILE_CREATE",    "FILE_OPEN_IF",
						   "FILE_OVERWRITE", "FILE_OVERWRITE_IF"};

	if (d->u.create.name.len == 0)
		put(j, "filename", SLICE("<share_root>"));
	else
		put(j, d->u.create.directory ? "directory" : "filename", d->u.create.name);
	put_z(j, "disposition",
	      d->u.create.disposition < 6 ? dispositions[d->u.create.disposition] : "UNKNOWN");
	put_z(j, "access", d->u.create.delete_on_close ? "delete on close" : "normal");
	json_member_u64(j, "created", d->u.create.created);
	json_member_u64(j, "accessed", d->u.create.accessed);
	json_member_u64(j, "modified", d->u.create.modified);
	json_member_u64(j, "changed", d->u.create.changed);
	json_member_u64(j, "size", d->u.create.size);
	put_fid(j, &d->u.create.fid, a);
}

static void put_info(struct json *j, const struct smb_tx *d, struct arena *a)
{
	put(j, "filename", d->u.info.name.len != 0 ? d->u.info.name : SLICE("<share_root>"));
	put_z(j, "access", d->u.info.delete_on_close ? "delete on close" : "normal");
	if (d->u.info.subcommand == 8)
		put_z(j, "subcmd", "SET_FILE_INFO");
	else if (d->u.info.subcommand == 6)
		put_z(j, "subcmd", "SET_PATH_INFO");
	if (d->u.info.level == 1013)
		put_z(j, "level_of_interest", "Set Disposition Information");
	put_fid(j, &d->u.info.fid, a);
}

static void put_rename(struct json *j, const struct smb_tx *d, struct arena *a)
{
	if (d->version == 2) {
		json_key(j, "set_info");
		json_object(j);
		put_z(j, "class", "FILE_INFO");
		put_z(j, "info_level", "SMB2_FILE_RENAME_INFO");
		json_end(j);
	}
	json_key(j, "rename");
	json_object(j);
	put(j, "from", d->u.rename.from);
	put(j, "to", d->u.rename.to);
	json_end(j);
	put_fid(j, &d->u.rename.fid, a);
}

static void put_interfaces(struct json *j, const struct smb_tx *d, bool all)
{
	const struct dcerpc_interfaces *of = &d->smb->interfaces;
	bool any = false;

	for (uint32_t i = 0; i < of->count; i++) {
		if (!all && of->of[i].context != d->u.pipe.context)
			continue;
		if (!any) {
			json_key(j, "interfaces");
			json_array(j);
			any = true;
		}
		app_dcerpc_json_interface(j, &of->of[i], all, true);
	}
	if (any)
		json_end(j);
}

static void put_pipe(struct json *j, const struct smb_tx *d)
{
	const struct dcerpc_call *call = &d->u.pipe;
	char text[4];

	json_key(j, "dcerpc");
	json_object(j);
	put_z(j, "request",
	      call->has_request ? app_dcerpc_type_name(call->request, text) : "REQUEST_LOST");
	put_z(j, "response",
	      call->has_response ? app_dcerpc_type_name(call->response, text) : "UNREPLIED");
	if (call->has_request && call->request == DCERPC_REQUEST) {
		json_member_u64(j, "opnum", call->opnum);
		app_dcerpc_json_side(j, call, APP_TO_SERVER, false);
		put_interfaces(j, d, false);
	} else if (call->has_request && call->request == DCERPC_BIND) {
		put_interfaces(j, d, true);
	}
	if (call->has_response && call->response == DCERPC_RESPONSE)
		app_dcerpc_json_side(j, call, APP_TO_CLIENT, false);
	json_member_u64(j, "call_id", call->call);
	json_end(j);
}

static void put_about(struct json *j, const struct smb_tx *d, struct arena *a)
{
	switch (d->about) {
	case SMB_ABOUT_NOTHING:
		break;
	case SMB_ABOUT_NEGOTIATE:
		put_negotiate(j, d, a);
		break;
	case SMB_ABOUT_SESSION:
		put_session(j, d, a);
		break;
	case SMB_ABOUT_TREE:
		put_tree(j, d);
		break;
	case SMB_ABOUT_CREATE:
		put_create(j, d, a);
		break;
	case SMB_ABOUT_FILE:
		put(j, "filename", d->u.file.name);
		put(j, "share", d->u.file.share);
		put_fid(j, &d->u.file.fid, a);
		break;
	case SMB_ABOUT_RENAME:
		put_rename(j, d, a);
		break;
	case SMB_ABOUT_INFO:
		put_info(j, d, a);
		break;
	case SMB_ABOUT_IOCTL:
		put_name(j, "function", app_smb_function_name(d->u.ioctl.function),
			 d->u.ioctl.function, a);
		break;
	case SMB_ABOUT_PIPE:
		put_pipe(j, d);
		break;
	}
}

bool app_smb_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct smb_tx *d = tx->data;
	const struct smb_log *how = r->making.asked;
	const struct smb *s = d->smb;
	struct buf b = buf_in(scratch);
	struct json j = json_in(&b);

	if (n != 0 || (how != NULL && (how->about >> d->about & 1) == 0))
		return false;
	json_object(&j);
	json_member_u64(&j, "id", tx->id + 1);
	if (s->dialect != 0)
		put_name(&j, "dialect", app_smb2_dialect_name(s->dialect), s->dialect, scratch);
	else
		put(&j, "dialect", s->dialect1.ptr != NULL ? s->dialect1 : SLICE("unknown"));
	put_name(&j, "command",
		 d->version == 1 ? app_smb1_command_name(d->command)
				 : app_smb2_command_name(d->command),
		 d->command, scratch);
	put_status(&j, d, scratch);
	json_member_u64(&j, "session_id", d->id.session);
	json_member_u64(&j, "tree_id", d->id.tree);
	put_about(&j, d, scratch);
	json_end(&j);
	return !b.full && record_object(r, scratch, "smb", buf_slice(&b));
}
