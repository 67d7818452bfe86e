/* SPDX-License-Identifier: Apache-2.0
 * Responses of SMB 1: MS-CIFS 2.2.4. */
#include "sensor/app/smb1_priv.h"

static void answered(struct smb1_message *m, struct app_tx *tx)
{
	if (tx == NULL)
		return;
	app_smb_tx_status(tx, m->status, m->dos);
	app_tx_advance(tx, APP_TO_SERVER, 1);
	app_tx_advance(tx, APP_TO_CLIENT, 1);
}

/* The answer to a command that has no transaction of its own kind. */
static void answer_any(struct smb1_message *m, uint8_t command, bool bad)
{
	struct app_tx *tx = app_smb_tx_of(m->f, 1, command, m->id);

	if (tx == NULL && bad)
		tx = app_smb1_told(m, command);
	if (bad)
		app_smb_anomaly(tx, SMB_MALFORMED);
	answered(m, tx);
}

static void answer_negotiate(struct smb1_message *m)
{
	struct smb *s = m->f->parser;
	struct cursor c = cursor_of(app_smb1_words(m));
	struct smb_id any = {.session = UINT64_MAX};
	struct app_tx *tx = app_smb_tx_about(m->f, SMB_ABOUT_NEGOTIATE, any);
	struct smb_tx *d;
	struct slice guid = {NULL, 0}, dialect;
	uint8_t count = cursor_u8(&c);
	uint16_t index = 0, bytes;

	if (count != 0) {
		index = cursor_le16(&c);
		(void)cursor_take(&c, 32);
		bytes = cursor_le16(&c);
		if (bytes >= 16 && count >= 17)
			guid = cursor_take(&c, 16);
	}
	if (count != 0 && count < 17) /* older dialects say less */
		c = cursor_of(slice_from(app_smb1_words(m), 3));
	if (!cursor_ok(&c) || tx == NULL) {
		app_smb_anomaly(tx, SMB_MALFORMED);
		answered(m, tx);
		return;
	}
	d = tx->data;
	if (guid.len == 16)
		memcpy(d->u.negotiate.server_guid, guid.ptr, 16);
	d->u.negotiate.has_server = guid.len == 16;
	if (index < d->u.negotiate.count) {
		dialect = slice_part(d->u.negotiate.dialects[index], 0, sizeof s->dialect1_room);
		if (dialect.len != 0)
			memcpy(s->dialect1_room, dialect.ptr, dialect.len);
		s->dialect1 = (struct slice){s->dialect1_room, dialect.len};
	} else {
		app_smb_anomaly(tx, SMB_DIALECTS);
	}
	answered(m, tx);
}

static void answer_session(struct smb1_message *m)
{
	struct cursor c = cursor_of(app_smb1_words(m));
	uint8_t count = cursor_u8(&c);
	struct smb_id id = {.session = m->id.session, .message = m->id.message};
	struct app_tx *tx = NULL;
	struct smb_tx *d;
	size_t blob = 0;

	if (id.session != 0)
		tx = app_smb_tx_about(m->f, SMB_ABOUT_SESSION, id);
	id.session = 0; /* as the first request has it */
	if (tx == NULL)
		tx = app_smb_tx_about(m->f, SMB_ABOUT_SESSION, id);
	if (tx == NULL)
		return;
	d = tx->data;
	if (count != 0)
		(void)cursor_take(&c, 6);
	if (count != 0 && count != 3)
		blob = cursor_le16(&c);
	(void)cursor_le16(&c);
	(void)cursor_take(&c, blob);
	if (cursor_ok(&c)) {
		d->u.session.response.is = true;
		if (m->unicode && cursor_left(&c) > 1 && (m->body.len - cursor_left(&c)) % 2 == 1)
			(void)cursor_u8(&c);
		if (app_smb1_text(m, &c, 0, &tx->arena, &d->u.session.response.os))
			(void)app_smb1_text(m, &c, 0, &tx->arena, &d->u.session.response.lm);
		d->u.session.response.os = arena_copy(&tx->arena, d->u.session.response.os);
		d->u.session.response.lm = arena_copy(&tx->arena, d->u.session.response.lm);
	} else {
		app_smb_anomaly(tx, SMB_MALFORMED);
	}
	d->id = m->id;
	answered(m, tx);
}

static void answer_tree(struct smb1_message *m)
{
	struct cursor c = cursor_of(app_smb1_words(m));
	uint8_t count = cursor_u8(&c);
	struct smb_id id = {.session = m->id.session, .message = m->id.message};
	struct app_tx *tx = app_smb_tx_about(m->f, SMB_ABOUT_TREE, id);
	struct smb_key key = app_smb1_tree_key(m);
	struct slice service;
	struct smb_slot *slot;
	struct smb_tx *d;

	if (tx == NULL && id.session != 0) /* chained behind a session setup */
		tx = app_smb_tx_about(m->f, SMB_ABOUT_TREE,
				      (struct smb_id){.message = m->id.message});
	if (tx == NULL)
		return;
	d = tx->data;
	if (m->status != STATUS_SUCCESS) {
		answered(m, tx);
		return;
	}
	(void)cursor_take(&c, 2u * count + 2u);
	if (!cursor_ok(&c) || !app_smb1_ascii(&c, &service)) {
		app_smb_anomaly(tx, SMB_MALFORMED);
		answered(m, tx);
		return;
	}
	d->u.tree.given = arena_copy(&tx->arena, service);
	d->u.tree.has_given = true;
	d->u.tree.pipe = slice_equal(service, SLICE("IPC"));
	d->id = m->id;
	slot = app_smb_remember(m->f, &key, d->u.tree.share);
	if (slot != NULL)
		slot->pipe = d->u.tree.pipe;
	answered(m, tx);
}

static void answer_create(struct smb1_message *m)
{
	struct cursor c = cursor_of(app_smb1_words(m));
	struct app_tx *tx = app_smb_tx_of(m->f, 1, SMB1_NT_CREATE, m->id);
	struct smb_key asked = app_smb1_key(SMB_CREATE_NAME, m), file = {.kind = SMB_FILE_NAME};
	struct slice fid;
	uint64_t times[4], size;

	if (m->status != STATUS_SUCCESS) {
		answered(m, tx);
		return;
	}
	(void)cursor_take(&c, 6);
	fid = cursor_take(&c, 2);
	(void)cursor_le32(&c);
	for (size_t i = 0; i < 4; i++)
		times[i] = app_smb_seconds(cursor_le64(&c));
	(void)cursor_le32(&c);
	size = cursor_le64(&c);
	(void)cursor_take(&c, 13);
	if (!cursor_ok(&c)) {
		answer_any(m, SMB1_NT_CREATE, true);
		return;
	}
	file.fid = app_smb1_fid(m, fid);
	app_smb_name_move(m->f, &asked, &file);
	if (tx != NULL && ((struct smb_tx *)tx->data)->about == SMB_ABOUT_CREATE) {
		struct smb_tx *d = tx->data;

		d->u.create.created = times[0];
		d->u.create.accessed = times[1];
		d->u.create.modified = times[2];
		d->u.create.changed = times[3];
		d->u.create.size = size;
		d->u.create.fid = app_smb_fid(fid);
	}
	answered(m, tx);
}

static void answer_close(struct smb1_message *m)
{
	struct smb_key key = app_smb1_key(SMB_FID, m);
	struct smb_slot *slot = app_smb_find(m->f->parser, &key);
	struct app_tx *tx;

	if (slot != NULL) {
		tx = app_smb_tx_file(m->f, &slot->fid, APP_TO_CLIENT);
		if (tx != NULL)
			app_smb_file_close(tx);
		app_smb_forget(m->f->parser, &key);
	}
	answer_any(m, SMB1_CLOSE, false);
}

static void answer_trans(struct smb1_message *m)
{
	struct cursor c = cursor_of(app_smb1_words(m));
	struct smb_key key = app_smb1_key(SMB_FID, m);
	struct smb_slot *slot = app_smb_find(m->f->parser, &key);
	struct smb_fid fid = slot != NULL ? slot->fid : app_smb1_fid(m, (struct slice){NULL, 0});
	uint8_t count = cursor_u8(&c);
	uint16_t length, offset;
	struct slice data;

	if (slot != NULL)
		app_smb_forget(m->f->parser, &key);
	if (count == 0) {
		answer_any(m, SMB1_TRANS, false);
		return;
	}
	(void)cursor_take(&c, 12);
	length = cursor_le16(&c);
	offset = cursor_le16(&c);
	if (!cursor_ok(&c) || !app_smb1_part(m, offset, length, &data)) {
		answer_any(m, SMB1_TRANS, true);
		return;
	}
	if (m->status == STATUS_BUFFER_OVERFLOW)
		app_smb_pipe_keep(m->f, m->id, &fid, data);
	else if (app_smb_is_dcerpc(m->f->parser, &fid))
		app_smb_pipe_read(m->f, 1, SMB1_TRANS, m->status, m->id, &fid, data);
	answer_any(m, SMB1_TRANS, false);
}

/* False: more of it must be there. */
static bool answer_read(struct smb1_message *m)
{
	struct smb *s = m->f->parser;
	struct cursor c = cursor_of(app_smb1_words(m));
	uint8_t count = cursor_u8(&c);
	struct smb_key key = app_smb1_key(SMB_READ, m);
	struct smb_slot *slot = app_smb_find(s, &key), *tree = app_smb1_tree(m);
	bool whole = m->body.len == m->room;
	uint64_t low, length, offset, room;
	uint16_t bytes, data_offset;
	struct smb_fid fid;
	struct slice data;
	struct app_tx *tx;

	if (m->status != STATUS_SUCCESS && m->status != STATUS_BUFFER_OVERFLOW) {
		if (!whole)
			return false;
		app_smb_forget(s, &key);
		answer_any(m, SMB1_READ_ANDX, false);
		return true;
	}
	(void)cursor_take(&c, 10);
	low = cursor_le16(&c);
	data_offset = cursor_le16(&c);
	length = low | (uint64_t)cursor_le32(&c) << 16;
	(void)cursor_take(&c, 6);
	bytes = cursor_le16(&c);
	if (data_offset < SMB1_HEADER_BYTES + m->at + 3u + 2u * count)
		(void)cursor_take(&c, bytes > low ? (size_t)(bytes - low) : 0); /* padding */
	else
		(void)cursor_take(&c, data_offset - (SMB1_HEADER_BYTES + m->at + 3u + 2u * count));
	if (!cursor_ok(&c)) {
		if (!whole)
			return false;
		answer_any(m, SMB1_READ_ANDX, true);
		return true;
	}
	data = cursor_rest(&c);
	room = m->room - (m->body.len - data.len);
	if (slot == NULL) {
		s->side[APP_TO_CLIENT].skip = room - data.len;
		return true;
	}
	fid = slot->fid;
	offset = slot->offset;
	if (tree != NULL && tree->pipe) {
		if (!whole)
			return false;
		app_smb_forget(s, &key);
		app_smb_pipe_read(m->f, 1, SMB1_READ_ANDX, m->status, m->id, &fid,
				  slice_part(data, 0, (size_t)length));
		answer_any(m, SMB1_READ_ANDX, false);
		return true;
	}
	app_smb_forget(s, &key);
	tx = app_smb_file_tx(m->f, &fid, APP_TO_CLIENT, app_smb1_file_name(m, &fid),
			     app_smb_slot_name(tree), 1, SMB1_READ_ANDX,
			     (struct smb_id){.session = m->id.session, .tree = m->id.tree});
	if (tx != NULL)
		app_smb_chunk(m->f, tx, offset, length, data, room);
	else
		s->side[APP_TO_CLIENT].skip = room - data.len;
	answer_any(m, SMB1_READ_ANDX, false);
	return true;
}

/* A logoff's session may have ended with it: the last request, if it is one. */
static void answer_logoff(struct smb1_message *m)
{
	struct app_tx *tx = m->f->last;
	const struct smb_tx *d = tx != NULL ? tx->data : NULL;

	if (d != NULL && d->version == 1 && d->command == SMB1_LOGOFF)
		answered(m, tx);
}

bool app_smb1_answer(struct smb1_message *m, uint8_t command)
{
	struct smb_key key;

	switch (command) {
	case SMB1_NEGOTIATE:
		answer_negotiate(m);
		break;
	case SMB1_SESSION_SETUP:
		answer_session(m);
		break;
	case SMB1_TREE_CONNECT:
		answer_tree(m);
		break;
	case SMB1_TREE_DISCONNECT:
		key = app_smb1_tree_key(m);
		app_smb_forget(m->f->parser, &key);
		answer_any(m, command, false);
		break;
	case SMB1_NT_CREATE:
		answer_create(m);
		break;
	case SMB1_CLOSE:
		answer_close(m);
		break;
	case SMB1_READ_ANDX:
		return answer_read(m);
	case SMB1_TRANS:
		answer_trans(m);
		break;
	case SMB1_LOGOFF:
		answer_logoff(m);
		break;
	case SMB1_WRITE_ANDX:
		break;
	default:
		answer_any(m, command, false);
		break;
	}
	return true;
}
