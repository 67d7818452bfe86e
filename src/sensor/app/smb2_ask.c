/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests of SMB 2 and 3: MS-SMB2 2.2, sections with odd numbers from 2.2.3 on.
 */
#include "sensor/app/smb2_priv.h"

static struct app_tx *told(struct smb2_message *m)
{
	return app_smb_tx(m->f, SMB_ABOUT_NOTHING, 2, m->command, m->id);
}

static void malformed(struct smb2_message *m)
{
	if (smb2_is_told(m->command))
		app_smb_anomaly(told(m), SMB_MALFORMED);
	else
		app_smb_flow_anomaly(m->f, SMB_MALFORMED);
}

static void ask_negotiate(struct smb2_message *m)
{
	struct cursor c = cursor_of(m->body);
	struct smb_id any = {.session = UINT64_MAX};
	struct slice guid;
	struct app_tx *tx;
	struct smb_tx *d;
	uint16_t count;

	(void)cursor_le16(&c);
	count = cursor_le16(&c);
	(void)cursor_take(&c, 8);
	guid = cursor_take(&c, 16);
	(void)cursor_take(&c, 8);
	if (!cursor_ok(&c) || cursor_left(&c) < 2u * count) {
		malformed(m);
		return;
	}
	tx = app_smb_tx_about(m->f, SMB_ABOUT_NEGOTIATE, any);
	if (tx != NULL && ((struct smb_tx *)tx->data)->version == 2)
		return;
	tx = app_smb_tx(m->f, SMB_ABOUT_NEGOTIATE, 2, SMB2_NEGOTIATE, m->id);
	if (tx == NULL)
		return;
	d = tx->data;
	d->id = (struct smb_id){0};
	for (uint16_t i = 0; i < count && i < SMB_DIALECTS_MAX; i++) {
		uint16_t dialect = cursor_le16(&c);
		const char *name = app_smb2_dialect_name(dialect);

		d->u.negotiate.dialects[d->u.negotiate.count++] =
			name != NULL ? slice_of(name) : buf_text(&tx->arena, "%u", dialect);
	}
	memcpy(d->u.negotiate.client_guid, guid.ptr, 16);
	d->u.negotiate.has_client = true;
}

static void ask_session(struct smb2_message *m)
{
	struct cursor c = cursor_of(m->body);
	struct app_tx *tx;
	struct smb_tx *d;

	(void)cursor_take(&c, 24);
	if (!cursor_ok(&c))
		return;
	tx = app_smb_tx(m->f, SMB_ABOUT_SESSION, 2, SMB2_SESSION_SETUP, m->id);
	if (tx == NULL)
		return;
	d = tx->data;
	app_smb_auth(cursor_rest(&c), &tx->arena, &d->u.session.auth);
	if (d->u.session.auth.overlaps)
		app_smb_anomaly(tx, SMB_NTLMSSP_REQUEST);
}

static void ask_tree(struct smb2_message *m)
{
	struct cursor c = cursor_of(m->body);
	struct slice path;
	struct app_tx *tx;
	struct smb_tx *d;
	uint16_t length;

	(void)cursor_take(&c, 6);
	length = cursor_le16(&c);
	if (!cursor_ok(&c)) {
		malformed(m);
		return;
	}
	path = slice_part(cursor_rest(&c), 0, length);
	tx = app_smb_tx(m->f, SMB_ABOUT_TREE, 2, SMB2_TREE_CONNECT, smb2_any_tree(m->id));
	if (tx == NULL)
		return;
	d = tx->data;
	d->u.tree.share = app_smb_text(path, &tx->arena);
}

static void ask_create(struct smb2_message *m)
{
	struct cursor c = cursor_of(m->body);
	struct smb_key key = smb2_key(SMB_CREATE_NAME, m->id);
	uint32_t disposition, options;
	struct slice name;
	struct app_tx *tx;
	struct smb_tx *d;

	(void)cursor_take(&c, 36);
	disposition = cursor_le32(&c);
	options = cursor_le32(&c);
	(void)cursor_le16(&c); /* offset */
	name.len = cursor_le16(&c);
	(void)cursor_take(&c, 8);
	name = cursor_take(&c, name.len);
	if (!cursor_ok(&c)) {
		malformed(m);
		return;
	}
	tx = app_smb_tx(m->f, SMB_ABOUT_CREATE, 2, SMB2_CREATE, m->id);
	if (tx == NULL)
		return;
	d = tx->data;
	d->u.create.name = app_smb_text(name, &tx->arena);
	d->u.create.disposition = disposition;
	d->u.create.delete_on_close = (options & SMB2_OPTION_DELETE) != 0;
	d->u.create.directory = (options & SMB2_OPTION_DIRECTORY) != 0;
	(void)app_smb_remember(m->f, &key, d->u.create.name);
}

static void close_files(struct app_flow *f, const struct smb_fid *fid)
{
	for (enum app_dir dir = APP_TO_SERVER; dir <= APP_TO_CLIENT; dir++) {
		struct app_tx *tx;

		while ((tx = app_smb_tx_file(f, fid, dir)) != NULL) {
			app_smb_tx_status(tx, STATUS_SUCCESS, false);
			app_smb_file_close(tx);
		}
	}
}

static void ask_close(struct smb2_message *m)
{
	struct cursor c = cursor_of(m->body);
	struct smb_fid fid;

	(void)cursor_take(&c, 8);
	fid = app_smb_fid(cursor_take(&c, 16));
	if (cursor_ok(&c)) {
		close_files(m->f, &fid);
		(void)told(m);
	} else {
		malformed(m);
	}
}

static void ask_read(struct smb2_message *m)
{
	const struct smb_settings *set = m->f->own;
	const struct smb *s = m->f->parser;
	struct cursor c = cursor_of(m->body);
	struct smb_key key = smb2_key(SMB_READ, m->id);
	struct smb_slot *slot;
	uint32_t length;
	uint64_t offset;
	struct smb_fid fid;

	(void)cursor_take(&c, 4);
	length = cursor_le32(&c);
	offset = cursor_le64(&c);
	fid = app_smb_fid(cursor_take(&c, 16));
	(void)cursor_take(&c, 16);
	if (!cursor_ok(&c)) {
		malformed(m);
	} else if ((s->max_read != 0 && length > s->max_read) ||
		   (set != NULL && set->read_most != 0 && length > set->read_most)) {
		app_smb_flow_anomaly(m->f, SMB_READ_REQUEST_SIZE);
	} else {
		slot = app_smb_remember(m->f, &key, (struct slice){NULL, 0});
		if (slot != NULL) {
			slot->fid = fid;
			slot->offset = offset;
		}
	}
}

/* False: more of it must be there. */
static bool ask_write(struct smb2_message *m)
{
	const struct smb_settings *set = m->f->own;
	struct smb *s = m->f->parser;
	struct cursor c = cursor_of(m->body);
	uint32_t length;
	uint64_t offset, room;
	struct smb_fid fid;
	struct slice data, share = {0};
	struct app_tx *tx;
	bool dcerpc;

	(void)cursor_take(&c, 4);
	length = cursor_le32(&c);
	offset = cursor_le64(&c);
	fid = app_smb_fid(cursor_take(&c, 16));
	(void)cursor_take(&c, 16);
	if (!cursor_ok(&c)) {
		if (m->body.len < m->room)
			return false;
		malformed(m);
		return true;
	}
	data = cursor_rest(&c);
	room = m->room - SMB2_WRITE_BYTES;
	if ((s->max_write != 0 && length > s->max_write) ||
	    (set != NULL && set->write_most != 0 && length > set->write_most)) {
		app_smb_flow_anomaly(m->f, SMB_WRITE_REQUEST_SIZE);
		smb2_pass_over(m, APP_TO_SERVER, data, room);
		return true;
	}
	if (app_smb_tx_file(m->f, &fid, APP_TO_SERVER) == NULL) {
		bool whole = data.len == room, short_data = data.len < DCERPC_HEADER_BYTES;

		if (!whole && short_data && !app_smb2_tree_is_known(m))
			return false;
		if (app_smb2_goes_to_pipe(m, &fid, slice_part(data, 0, length), &share, &dcerpc)) {
			if (!dcerpc)
				smb2_pass_over(m, APP_TO_SERVER, data, room);
			else if (!whole)
				return false;
			else
				app_smb_pipe_write(m->f, 2, SMB2_WRITE, m->id,
						   slice_part(data, 0, length));
			return true;
		}
	}
	tx = app_smb_file_tx(m->f, &fid, APP_TO_SERVER, smb2_file_name(s, &fid), share, 2,
			     SMB2_WRITE,
			     (struct smb_id){.session = m->id.session, .tree = m->id.tree});
	if (tx != NULL)
		app_smb_chunk(m->f, tx, offset, length, data, room);
	else
		smb2_pass_over(m, APP_TO_SERVER, data, room);
	return true;
}

static void ask_ioctl(struct smb2_message *m)
{
	const struct smb *s = m->f->parser;
	struct cursor c = cursor_of(m->body);
	uint32_t function, length;
	struct smb_fid fid;
	struct slice data;
	struct app_tx *tx;

	(void)cursor_le32(&c);
	function = cursor_le32(&c);
	fid = app_smb_fid(cursor_take(&c, 16));
	(void)cursor_le32(&c);
	length = cursor_le32(&c);
	(void)cursor_take(&c, 24);
	data = cursor_take(&c, length);
	if (!cursor_ok(&c)) {
		malformed(m);
		return;
	}
	if (function == SMB2_FUNCTION_TRANSCEIVE && app_smb_is_dcerpc(s, &fid)) {
		app_smb_pipe_write(m->f, 2, SMB2_IOCTL, m->id, data);
		return;
	}
	tx = app_smb_tx(m->f, SMB_ABOUT_IOCTL, 2, SMB2_IOCTL, m->id);
	if (tx != NULL)
		((struct smb_tx *)tx->data)->u.ioctl.function = function;
}

/* The name of an open file; of one that the message before it in the chain opens, or "<unknown>".
 */
static struct slice name_or_unknown(struct smb2_message *m, const struct smb_fid *fid)
{
	const struct smb *s = m->f->parser;
	struct smb_key key = smb2_key(SMB_CREATE_NAME, m->id);
	struct slice name = smb2_file_name(s, fid);

	if (name.ptr == NULL && key.id.message != 0) {
		key.id.message--;
		name = app_smb_slot_name(app_smb_find(s, &key));
	}
	return name.ptr != NULL ? name : SLICE("<unknown>");
}

static void ask_rename(struct smb2_message *m, const struct smb_fid *fid, struct cursor *c)
{
	struct slice name;
	struct app_tx *tx;
	struct smb_tx *d;
	uint32_t length;

	(void)cursor_take(c, 16);
	length = cursor_le32(c);
	name = cursor_take(c, length);
	if (!cursor_ok(c)) {
		malformed(m);
		return;
	}
	tx = app_smb_tx(m->f, SMB_ABOUT_RENAME, 2, SMB2_SET_INFO, m->id);
	if (tx == NULL)
		return;
	d = tx->data;
	d->u.rename.from = arena_copy(&tx->arena, name_or_unknown(m, fid));
	d->u.rename.to = app_smb_text(name, &tx->arena);
	d->u.rename.fid = *fid;
}

static void ask_set_info(struct smb2_message *m)
{
	struct cursor c = cursor_of(m->body), data;
	uint8_t about, level;
	uint32_t length;
	struct smb_fid fid;
	struct app_tx *tx;
	struct smb_tx *d;

	(void)cursor_le16(&c);
	about = cursor_u8(&c);
	level = cursor_u8(&c);
	length = cursor_le32(&c);
	(void)cursor_take(&c, 8);
	fid = app_smb_fid(cursor_take(&c, 16));
	data = cursor_sub(&c, length);
	if (!cursor_ok(&data)) {
		malformed(m);
		return;
	}
	if (about == SMB2_CLASS_FILE && level == SMB2_INFO_RENAME) {
		ask_rename(m, &fid, &data);
	} else if (about == SMB2_CLASS_FILE && level == SMB2_INFO_DISPOSITION && length != 0) {
		tx = app_smb_tx(m->f, SMB_ABOUT_INFO, 2, SMB2_SET_INFO, m->id);
		if (tx == NULL)
			return;
		d = tx->data;
		d->u.info.name = arena_copy(&tx->arena, name_or_unknown(m, &fid));
		d->u.info.fid = fid;
		d->u.info.subcommand = about;
		d->u.info.level = level;
		d->u.info.delete_on_close = (cursor_u8(&data) & 1) != 0;
	}
}

bool app_smb2_request(struct smb2_message *m)
{
	struct smb_key key;

	switch (m->command) {
	case SMB2_NEGOTIATE:
		ask_negotiate(m);
		break;
	case SMB2_SESSION_SETUP:
		ask_session(m);
		break;
	case SMB2_TREE_CONNECT:
		ask_tree(m);
		break;
	case SMB2_TREE_DISCONNECT:
		key = smb2_tree_key(m->id);
		app_smb_forget(m->f->parser, &key);
		(void)told(m);
		break;
	case SMB2_CREATE:
		ask_create(m);
		break;
	case SMB2_CLOSE:
		ask_close(m);
		break;
	case SMB2_READ:
		ask_read(m);
		break;
	case SMB2_WRITE:
		return ask_write(m);
	case SMB2_IOCTL:
		ask_ioctl(m);
		break;
	case SMB2_SET_INFO:
		ask_set_info(m);
		break;
	default:
		if (smb2_is_told(m->command))
			(void)told(m);
		break;
	}
	return true;
}
