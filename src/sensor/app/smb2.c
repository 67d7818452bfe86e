/* SPDX-License-Identifier: Apache-2.0
 *
 * SMB 2 and 3 in clear: MS-SMB2 2.2. A record holds one message or a chain of them; requests and
 * responses belong together by session and message id (an asynchronous answer has no tree id).
 */
#include "sensor/app/smb2_priv.h"

static bool read_header(struct cursor *c, enum app_dir dir, struct smb2_message *m)
{
	uint16_t length;

	(void)cursor_take(c, 4);
	length = cursor_le16(c);
	(void)cursor_le16(c);
	m->status = cursor_le32(c);
	m->command = cursor_le16(c);
	(void)cursor_le16(c);
	m->flags = cursor_le32(c);
	m->next = cursor_le32(c);
	m->id.message = cursor_le64(c);
	(void)cursor_le32(c);
	m->id.tree = cursor_le32(c);
	m->id.session = cursor_le64(c);
	(void)cursor_take(c, 16);
	if (dir == APP_TO_SERVER)
		m->status = 0;
	else if ((m->flags & SMB2_FLAG_ASYNC) != 0)
		m->id.tree = 0; /* an async id stands in its place */
	return cursor_ok(c) && length == SMB2_HEADER_BYTES;
}

/* A message whose data may go on to their place as they come. */
static bool is_transfer(enum app_dir dir, const struct smb2_message *m)
{
	return m->next == 0 && m->command == (dir == APP_TO_SERVER ? SMB2_WRITE : SMB2_READ);
}

/* Without a tree's connect, what goes to it is judged by its first bytes. */
bool app_smb2_tree_is_known(const struct smb2_message *m)
{
	struct smb_key key = smb2_tree_key(m->id);
	const struct smb_slot *tree = app_smb_find(m->f->parser, &key);

	return tree != NULL && (tree->pipe || tree->len != 0);
}

/* Whether data of a tree go to a pipe that speaks DCE/RPC; without its connect, by their looks. */
bool app_smb2_goes_to_pipe(struct smb2_message *m, const struct smb_fid *fid, struct slice data,
			   struct slice *out_share, bool *out_dcerpc)
{
	struct smb *s = m->f->parser;
	struct smb_key key = smb2_tree_key(m->id), file = {.kind = SMB_FILE_NAME, .fid = *fid};
	struct smb_slot *tree = app_smb_find(s, &key);

	*out_share = app_smb_slot_name(tree);
	*out_dcerpc = app_smb_is_dcerpc(s, fid);
	if (tree != NULL && (tree->pipe || tree->len != 0))
		return tree->pipe;
	if (!app_smb_looks_dcerpc(data))
		return false;
	tree = app_smb_remember(m->f, &key, SLICE("suricata::dcerpc"));
	if (tree != NULL)
		tree->pipe = true;
	if (!*out_dcerpc)
		(void)app_smb_remember(m->f, &file, SLICE("suricata::dcerpc"));
	*out_dcerpc = true;
	return true;
}

bool app_smb2_may_stream(enum app_dir dir, struct slice have)
{
	struct cursor c = cursor_of(have);
	struct smb2_message m = {0};

	if (have.len < SMB2_HEADER_BYTES)
		return true;
	return have.len < SMB2_HEADER_BYTES + SMB2_WRITE_BYTES + DCERPC_HEADER_BYTES &&
	       read_header(&c, dir, &m) && is_transfer(dir, &m);
}

bool app_smb2_record(struct app_flow *f, enum app_dir dir, struct slice have, uint64_t whole)
{
	bool all = have.len == whole;

	for (unsigned i = 0; have.len != 0 && i < SMB_CHAIN_MAX; i++) {
		struct cursor c = cursor_of(have);
		struct smb2_message m = {.f = f};
		bool done;

		if (have.len < SMB2_HEADER_BYTES && !all)
			return false;
		if (memcmp(have.ptr, "\xfeSMB", have.len < 4 ? have.len : 4) != 0 ||
		    !read_header(&c, dir, &m)) {
			if (!all) /* what is not there yet belongs to it, too */
				return false;
			app_smb_flow_anomaly(f, SMB_MALFORMED);
			return true;
		}
		if (!all && (i != 0 || !is_transfer(dir, &m)))
			return false;
		m.body = cursor_rest(&c);
		m.room = whole - SMB2_HEADER_BYTES;
		if (m.next > SMB2_HEADER_BYTES) {
			m.body = slice_part(m.body, 0, m.next - SMB2_HEADER_BYTES);
			m.room = m.body.len;
		}
		if (dir == APP_TO_SERVER && (m.flags & SMB2_FLAG_RESPONSE) != 0)
			app_smb_flow_anomaly(f, SMB_RESPONSE_TO_SERVER);
		else if (dir == APP_TO_CLIENT && (m.flags & SMB2_FLAG_RESPONSE) == 0)
			app_smb_flow_anomaly(f, SMB_REQUEST_TO_CLIENT);
		done = dir == APP_TO_SERVER ? app_smb2_request(&m) : app_smb2_response(&m);
		if (!done)
			return false;
		if (m.next <= SMB2_HEADER_BYTES)
			break;
		have = slice_from(have, m.next);
		whole = have.len;
	}
	return true;
}
