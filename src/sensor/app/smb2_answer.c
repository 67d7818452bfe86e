/* SPDX-License-Identifier: Apache-2.0
 *
 * Responses of SMB 2 and 3: MS-SMB2 2.2, sections with even numbers from 2.2.4 on.
 */
#include "sensor/app/smb2_priv.h"

/* The answer to tx; one that says "later" leaves it open. */
static void answered(struct smb2_message *m, struct app_tx *tx)
{
	if (tx == NULL)
		return;
	app_smb_tx_status(tx, m->status, false);
	if (m->status != STATUS_PENDING)
		app_tx_advance(tx, APP_TO_CLIENT, 1);
}

static struct app_tx *asked(struct smb2_message *m)
{
	return app_smb_tx_of(m->f, 2, m->command, m->id);
}

static void answer_negotiate(struct smb2_message *m)
{
	const struct smb_settings *set = m->f->own;
	struct smb *s = m->f->parser;
	struct cursor c = cursor_of(m->body);
	struct smb_id any = {.session = UINT64_MAX};
	struct app_tx *tx = app_smb_tx_about(m->f, SMB_ABOUT_NEGOTIATE, any);
	struct smb_tx *d = tx != NULL ? tx->data : NULL;
	struct slice guid;
	uint16_t dialect;
	uint32_t max_read, max_write;

	(void)cursor_take(&c, 4);
	if (m->status != STATUS_SUCCESS) {
		answered(m, tx);
		return;
	}
	dialect = cursor_le16(&c);
	(void)cursor_le16(&c);
	guid = cursor_take(&c, 16);
	(void)cursor_take(&c, 8);
	max_read = cursor_le32(&c);
	max_write = cursor_le32(&c);
	if (!cursor_ok(&c)) {
		app_smb_anomaly(tx != NULL ? tx : m->f->last, SMB_MALFORMED);
		answered(m, tx);
		return;
	}
	s->dialect = dialect;
	s->max_read = max_read;
	s->max_write = max_write;
	if (tx == NULL)
		return;
	memcpy(d->u.negotiate.server_guid, guid.ptr, 16);
	d->u.negotiate.has_server = true;
	if (set != NULL && set->read_most != 0 && max_read > set->read_most)
		app_smb_anomaly(tx, SMB_NEGOTIATE_READ_SIZE);
	if (set != NULL && set->write_most != 0 && max_write > set->write_most)
		app_smb_anomaly(tx, SMB_NEGOTIATE_WRITE_SIZE);
	answered(m, tx);
}

static void answer_session(struct smb2_message *m)
{
	struct app_tx *tx = app_smb_tx_about(m->f, SMB_ABOUT_SESSION, m->id);

	if (tx == NULL) /* the first request of a session has no id yet */
		tx = app_smb_tx_about(m->f, SMB_ABOUT_SESSION,
				      (struct smb_id){.message = m->id.message});
	if (tx == NULL)
		return;
	((struct smb_tx *)tx->data)->id = m->id;
	answered(m, tx);
}

static void answer_tree(struct smb2_message *m)
{
	struct cursor c = cursor_of(m->body);
	struct app_tx *tx = app_smb_tx_about(m->f, SMB_ABOUT_TREE, m->id);
	struct smb_tx *d;
	struct smb_slot *slot;
	struct smb_key key;
	uint8_t type;

	if (tx == NULL)
		return;
	d = tx->data;
	if (m->status == STATUS_SUCCESS) {
		(void)cursor_le16(&c);
		type = cursor_u8(&c);
		(void)cursor_take(&c, 12);
		if (!cursor_ok(&c)) {
			app_smb_anomaly(tx, SMB_MALFORMED);
		} else {
			d->u.tree.type = type;
			d->u.tree.pipe = type == SMB2_SHARE_PIPE;
			d->id = m->id;
			key = smb2_tree_key(m->id);
			slot = app_smb_remember(m->f, &key, d->u.tree.share);
			if (slot != NULL)
				slot->pipe = d->u.tree.pipe;
		}
	}
	answered(m, tx);
}

static void answer_create(struct smb2_message *m)
{
	struct cursor c = cursor_of(m->body);
	struct app_tx *tx = asked(m);
	struct smb_key created = smb2_key(SMB_CREATE_NAME, m->id), file = {.kind = SMB_FILE_NAME};
	uint64_t times[4], size;

	if (m->status != STATUS_SUCCESS) {
		answered(m, tx);
		return;
	}
	(void)cursor_take(&c, 8);
	for (size_t i = 0; i < 4; i++)
		times[i] = app_smb_seconds(cursor_le64(&c));
	(void)cursor_le64(&c);
	size = cursor_le64(&c);
	(void)cursor_le64(&c);
	file.fid = app_smb_fid(cursor_take(&c, 16));
	(void)cursor_le64(&c);
	if (!cursor_ok(&c)) {
		app_smb_anomaly(tx, SMB_MALFORMED);
		answered(m, tx);
		return;
	}
	app_smb_name_move(m->f, &created, &file);
	if (tx != NULL && ((struct smb_tx *)tx->data)->about == SMB_ABOUT_CREATE) {
		struct smb_tx *d = tx->data;

		d->u.create.created = times[0];
		d->u.create.accessed = times[1];
		d->u.create.modified = times[2];
		d->u.create.changed = times[3];
		d->u.create.size = size;
		d->u.create.fid = file.fid;
	}
	answered(m, tx);
}

static void end_of_file(struct smb2_message *m, const struct smb_fid *fid)
{
	struct app_tx *tx = app_smb_tx_file(m->f, fid, APP_TO_CLIENT);

	if (tx == NULL)
		return;
	app_transfer_close(&((struct smb_tx *)tx->data)->u.file.transfer);
	app_smb_tx_status(tx, m->status, false);
	app_tx_advance(tx, APP_TO_SERVER, 1);
}

/* False: more of it must be there. */
static bool answer_read(struct smb2_message *m)
{
	const struct smb_settings *set = m->f->own;
	struct smb *s = m->f->parser;
	struct cursor c = cursor_of(m->body);
	struct smb_key key = smb2_key(SMB_READ, m->id);
	struct smb_slot *slot = app_smb_find(s, &key);
	struct smb_fid fid = slot != NULL ? slot->fid : (struct smb_fid){0};
	uint64_t offset = slot != NULL ? slot->offset : 0, room;
	struct slice data, share = {0}, name;
	struct app_tx *tx;
	uint32_t length;
	bool dcerpc;

	if (m->status != STATUS_SUCCESS && m->status != STATUS_BUFFER_OVERFLOW) {
		if (m->body.len < m->room)
			return false;
		if (m->status == STATUS_END_OF_FILE)
			end_of_file(m, &fid);
		if (m->status != STATUS_PENDING)
			app_smb_forget(s, &key);
		return true;
	}
	(void)cursor_le32(&c);
	length = cursor_le32(&c);
	(void)cursor_le64(&c);
	if (!cursor_ok(&c)) {
		if (m->body.len < m->room)
			return false;
		app_smb_flow_anomaly(m->f, SMB_MALFORMED);
		return true;
	}
	data = cursor_rest(&c);
	room = m->room - SMB2_READ_BYTES;
	if ((s->max_read != 0 && length > s->max_read) ||
	    (set != NULL && set->read_most != 0 && length > set->read_most)) {
		app_smb_flow_anomaly(m->f, SMB_READ_RESPONSE_SIZE);
		slot = NULL;
	}
	if (slot == NULL) {
		smb2_pass_over(m, APP_TO_CLIENT, data, room);
		return true;
	}
	if (app_smb_tx_file(m->f, &fid, APP_TO_CLIENT) == NULL) {
		bool whole = data.len == room;

		if (!whole && data.len < DCERPC_HEADER_BYTES && !app_smb2_tree_is_known(m))
			return false;
		if (app_smb2_goes_to_pipe(m, &fid, slice_part(data, 0, length), &share, &dcerpc)) {
			if (dcerpc && !whole)
				return false;
			if (dcerpc)
				app_smb_pipe_read(m->f, 2, SMB2_READ, m->status, m->id, &fid,
						  slice_part(data, 0, length));
			else
				smb2_pass_over(m, APP_TO_CLIENT, data, room);
			app_smb_forget(s, &key);
			return true;
		}
	}
	app_smb_forget(s, &key);
	name = smb2_file_name(s, &fid);
	tx = app_smb_file_tx(m->f, &fid, APP_TO_CLIENT,
			     name.ptr != NULL ? name : SLICE("<unknown>"), share, 2, SMB2_READ,
			     (struct smb_id){.session = m->id.session, .tree = m->id.tree});
	if (tx != NULL)
		app_smb_chunk(m->f, tx, offset, length, data, room);
	else
		smb2_pass_over(m, APP_TO_CLIENT, data, room);
	return true;
}

static void answer_ioctl(struct smb2_message *m)
{
	struct cursor c = cursor_of(m->body);
	uint32_t function, in, out;
	struct smb_fid fid, none = {0};
	struct slice data;
	struct app_tx *tx;

	(void)cursor_le32(&c);
	function = cursor_le32(&c);
	fid = app_smb_fid(cursor_take(&c, 16));
	(void)cursor_le32(&c);
	in = cursor_le32(&c);
	(void)cursor_le32(&c);
	out = cursor_le32(&c);
	(void)cursor_take(&c, 8);
	(void)cursor_take(&c, in);
	data = cursor_take(&c, out);
	if (cursor_ok(&c) && function == SMB2_FUNCTION_TRANSCEIVE &&
	    app_smb_is_dcerpc(m->f->parser, &fid)) {
		app_smb_pipe_read(m->f, 2, SMB2_IOCTL, m->status, m->id, &none, data);
		return;
	}
	tx = asked(m);
	if (tx == NULL)
		tx = app_smb_tx_about(m->f, SMB_ABOUT_PIPE, m->id);
	if (tx != NULL && !cursor_ok(&c) && m->status == STATUS_SUCCESS)
		app_smb_anomaly(tx, SMB_MALFORMED);
	answered(m, tx);
}

bool app_smb2_response(struct smb2_message *m)
{
	struct smb_key key;

	switch (m->command) {
	case SMB2_NEGOTIATE:
		answer_negotiate(m);
		break;
	case SMB2_SESSION_SETUP:
		answer_session(m);
		break;
	case SMB2_TREE_CONNECT:
		answer_tree(m);
		break;
	case SMB2_TREE_DISCONNECT:
		key = smb2_tree_key(m->id);
		app_smb_forget(m->f->parser, &key);
		answered(m, asked(m));
		break;
	case SMB2_CREATE:
		answer_create(m);
		break;
	case SMB2_READ:
		return answer_read(m);
	case SMB2_IOCTL:
		answer_ioctl(m);
		break;
	default:
		answered(m, asked(m));
		break;
	}
	return true;
}
