/* SPDX-License-Identifier: Apache-2.0
 *
 * SMB 1: MS-CIFS 2.2.4, with NTLM as in MS-SMB 2.2.4.6. A message is one command, or a chain of
 * "AndX" ones that share its header; offsets in it count from the header's first byte.
 */
#include "sensor/app/smb1_priv.h"

enum {
	FLAGS2_UNICODE = 0x8000,
	FLAGS2_NT_STATUS = 0x4000,
	SET_PATH_INFO = 6,
	SET_FILE_INFO = 8,
	LEVEL_RENAME = 1010,
	LEVEL_DISPOSITION = 1013,
	OPTION_DIRECTORY = 0x0001,
	OPTION_DELETE = 0x1000,
	TRANSFER_HEAD_MAX = (64 << 10) + 128, /* where data start: 16 bits, from header or words */
};

static bool is_told(uint8_t command)
{
	return command != SMB1_READ_ANDX && command != SMB1_WRITE_ANDX && command != SMB1_TRANS &&
	       command != SMB1_TRANS2;
}

static bool is_chained(uint8_t command)
{
	return command == SMB1_LOCKING || command == SMB1_OPEN_ANDX || command == SMB1_READ_ANDX ||
	       command == SMB1_WRITE_ANDX || command == SMB1_SESSION_SETUP ||
	       command == SMB1_LOGOFF || command == SMB1_TREE_CONNECT || command == SMB1_NT_CREATE;
}

struct smb_fid app_smb1_fid(const struct smb1_message *m, struct slice fid)
{
	struct smb_fid out = {.len = 6};

	if (fid.len >= 2)
		memcpy(out.bytes, fid.ptr, 2);
	out.bytes[4] = (uint8_t)(m->user >> 8);
	out.bytes[5] = (uint8_t)m->user;
	return out;
}

struct smb_key app_smb1_key(enum smb_kind kind, const struct smb1_message *m)
{
	return (struct smb_key){.kind = kind,
				.id = {.session = m->id.session, .message = m->id.message}};
}

struct smb_key app_smb1_tree_key(const struct smb1_message *m)
{
	return (struct smb_key){.kind = SMB_TREE,
				.id = {.session = m->id.session, .tree = m->id.tree}};
}

struct smb_slot *app_smb1_tree(const struct smb1_message *m)
{
	struct smb_key key = app_smb1_tree_key(m);

	return app_smb_find(m->f->parser, &key);
}

struct slice app_smb1_file_name(const struct smb1_message *m, const struct smb_fid *fid)
{
	struct smb_key key = {.kind = SMB_FILE_NAME, .fid = *fid};

	return app_smb_slot_name(app_smb_find(m->f->parser, &key));
}

/* --- text --- */

/* UTF-16 up to its NUL (at the end one byte of it is enough), every first byte of two. */
static bool read_unicode(struct cursor *c, struct arena *a, struct slice *out)
{
	struct slice in = cursor_rest(c);
	uint8_t *text = ARENA_ARRAY(a, uint8_t, in.len / 2 + 1);
	size_t n = 0;

	for (size_t i = 0; i < in.len; i += 2) {
		bool last = i + 1 == in.len;

		if (in.ptr[i] == 0 && (last || in.ptr[i + 1] == 0)) {
			(void)cursor_take(c, i + (last ? 1 : 2));
			*out = (struct slice){text, text != NULL ? n : 0};
			return true;
		}
		if (last)
			break;
		if (text != NULL)
			text[n++] = in.ptr[i];
	}
	return false;
}

bool app_smb1_ascii(struct cursor *c, struct slice *out)
{
	struct slice in = cursor_rest(c);
	size_t n = slice_find(in, SLICE("\0"));

	if (n == SIZE_MAX)
		return false;
	*out = slice_part(in, 0, n);
	(void)cursor_take(c, n + 1);
	return true;
}

bool app_smb1_text(const struct smb1_message *m, struct cursor *c, size_t offset, struct arena *a,
		   struct slice *out)
{
	if (!m->unicode)
		return app_smb1_ascii(c, out);
	if (offset % 2 == 1)
		(void)cursor_u8(c);
	return read_unicode(c, a, out);
}

bool app_smb1_part(const struct smb1_message *m, uint16_t offset, size_t length, struct slice *out)
{
	size_t from = offset < SMB1_HEADER_BYTES ? 0 : (size_t)offset - SMB1_HEADER_BYTES;

	if (length == 0) {
		*out = SLICE("");
		return true;
	}
	*out = slice_part(m->body, from, length);
	return offset >= SMB1_HEADER_BYTES && out->len == length;
}

struct app_tx *app_smb1_told(struct smb1_message *m, uint8_t command)
{
	return app_smb_tx(m->f, SMB_ABOUT_NOTHING, 1, command, m->id);
}

/* --- requests --- */

static void malformed(struct smb1_message *m, uint8_t command)
{
	app_smb_anomaly(app_smb1_told(m, command), SMB_MALFORMED);
}

static void ask_negotiate(struct smb1_message *m)
{
	struct cursor c = cursor_of(app_smb1_words(m));
	struct smb_id any = {.session = UINT64_MAX};
	struct app_tx *tx = app_smb_tx_about(m->f, SMB_ABOUT_NEGOTIATE, any);
	struct slice dialect;
	struct smb_tx *d;

	(void)cursor_take(&c, 3);
	if (!cursor_ok(&c) || slice_find(cursor_rest(&c), SLICE("\0")) == SIZE_MAX) {
		malformed(m, SMB1_NEGOTIATE);
		return;
	}
	if (tx != NULL && ((struct smb_tx *)tx->data)->version == 1) {
		app_smb_anomaly(tx, SMB_DUPLICATE_NEGOTIATE);
		return;
	}
	tx = app_smb_tx(m->f, SMB_ABOUT_NEGOTIATE, 1, SMB1_NEGOTIATE, (struct smb_id){0});
	if (tx == NULL)
		return;
	d = tx->data;
	while (app_smb1_ascii(&c, &dialect)) {
		if (dialect.len <= 1)
			app_smb_anomaly(tx, SMB_DIALECTS);
		if (dialect.len != 0 && d->u.negotiate.count < SMB_DIALECTS_MAX)
			d->u.negotiate.dialects[d->u.negotiate.count++] =
				arena_copy(&tx->arena, slice_from(dialect, 1));
	}
}

/* MS-SMB 2.2.4.6.1 (twelve words, a security blob), MS-CIFS 2.2.4.53.1 (thirteen, passwords). */
static void ask_session(struct smb1_message *m)
{
	struct cursor c = cursor_of(app_smb1_words(m));
	uint8_t count = cursor_u8(&c);
	struct slice blob, skipped;
	struct app_tx *tx;
	struct smb_tx *d;
	size_t length;

	(void)cursor_take(&c, 14);
	length = cursor_le16(&c);
	if (count == 13)
		length += cursor_le16(&c);
	(void)cursor_take(&c, 8);
	(void)cursor_le16(&c);
	blob = cursor_take(&c, length);
	if (!cursor_ok(&c))
		return;
	tx = app_smb_tx(m->f, SMB_ABOUT_SESSION, 1, SMB1_SESSION_SETUP,
			(struct smb_id){.session = m->id.session, .message = m->id.message});
	if (tx == NULL)
		return;
	d = tx->data;
	if (count != 13)
		app_smb_auth(blob, &tx->arena, &d->u.session.auth);
	if (d->u.session.auth.overlaps)
		app_smb_anomaly(tx, SMB_NTLMSSP_REQUEST);
	d->u.session.request.is = true;
	if (m->unicode && (m->body.len - cursor_left(&c)) % 2 == 1)
		(void)cursor_u8(&c);
	if (count == 13 && (!app_smb1_text(m, &c, 0, &tx->arena, &skipped) || /* account */
			    !app_smb1_text(m, &c, 0, &tx->arena, &skipped)))  /* domain */
		return;
	if (app_smb1_text(m, &c, 0, &tx->arena, &d->u.session.request.os))
		(void)app_smb1_text(m, &c, 0, &tx->arena, &d->u.session.request.lm);
	d->u.session.request.os = arena_copy(&tx->arena, d->u.session.request.os);
	d->u.session.request.lm = arena_copy(&tx->arena, d->u.session.request.lm);
}

static void ask_tree(struct smb1_message *m)
{
	struct cursor c = cursor_of(app_smb1_words(m));
	struct slice path, service;
	struct app_tx *tx;
	struct smb_tx *d;
	uint16_t password;

	(void)cursor_take(&c, 7);
	password = cursor_le16(&c);
	(void)cursor_le16(&c);
	(void)cursor_take(&c, password);
	tx = app_smb_tx(m->f, SMB_ABOUT_TREE, 1, SMB1_TREE_CONNECT,
			(struct smb_id){.session = m->id.session, .message = m->id.message});
	if (tx == NULL)
		return;
	d = tx->data;
	if (!cursor_ok(&c) || !app_smb1_text(m, &c, 11u + password, &tx->arena, &path) ||
	    !app_smb1_ascii(&c, &service)) {
		app_smb_anomaly(tx, SMB_MALFORMED);
		d->about = SMB_ABOUT_NOTHING;
		return;
	}
	if (path.len > 1)
		path = slice_from(path, 1);
	d->u.tree.share = arena_copy(&tx->arena, path);
	d->u.tree.asked = arena_copy(&tx->arena, service);
	d->u.tree.has_asked = true;
}

static void ask_create(struct smb1_message *m)
{
	struct cursor c = cursor_of(app_smb1_words(m));
	struct smb_key key = app_smb1_key(SMB_CREATE_NAME, m);
	uint16_t length, bytes;
	uint32_t disposition, options;
	struct slice name = {NULL, 0};
	struct app_tx *tx;
	struct smb_tx *d;

	(void)cursor_take(&c, 6);
	length = cursor_le16(&c);
	(void)cursor_take(&c, 28);
	disposition = cursor_le32(&c);
	options = cursor_le32(&c);
	(void)cursor_take(&c, 5);
	bytes = cursor_le16(&c);
	tx = app_smb_tx(m->f, SMB_ABOUT_CREATE, 1, SMB1_NT_CREATE, m->id);
	if (tx == NULL)
		return;
	d = tx->data;
	if (!cursor_ok(&c) || (bytes >= length && !app_smb1_text(m, &c, (size_t)(bytes - length),
								 &tx->arena, &name))) {
		app_smb_anomaly(tx, SMB_MALFORMED);
		d->about = SMB_ABOUT_NOTHING;
		return;
	}
	d->u.create.name = arena_copy(&tx->arena, name);
	d->u.create.disposition = disposition;
	d->u.create.delete_on_close = (options & OPTION_DELETE) != 0;
	d->u.create.directory = (options & OPTION_DIRECTORY) != 0;
	(void)app_smb_remember(m->f, &key, d->u.create.name);
}

static void ask_rename(struct smb1_message *m)
{
	struct cursor c = cursor_of(app_smb1_words(m));
	struct app_tx *tx = app_smb_tx(m->f, SMB_ABOUT_RENAME, 1, SMB1_RENAME, m->id);
	struct smb_tx *d;
	struct slice from, to;

	if (tx == NULL)
		return;
	d = tx->data;
	(void)cursor_take(&c, 6); /* words, attributes, byte count, format */
	if (!cursor_ok(&c) || !app_smb1_text(m, &c, 0, &tx->arena, &from)) {
		app_smb_anomaly(tx, SMB_MALFORMED);
		d->about = SMB_ABOUT_NOTHING;
		return;
	}
	(void)cursor_u8(&c); /* format */
	if (!app_smb1_text(m, &c, 1, &tx->arena, &to)) {
		app_smb_anomaly(tx, SMB_MALFORMED);
		d->about = SMB_ABOUT_NOTHING;
		return;
	}
	d->u.rename.from = arena_copy(&tx->arena, from);
	d->u.rename.to = arena_copy(&tx->arena, to);
}

static void ask_close(struct smb1_message *m)
{
	struct cursor c = cursor_of(app_smb1_words(m));
	struct smb_key key = app_smb1_key(SMB_FID, m);
	struct smb_slot *slot;
	struct smb_fid fid;
	struct app_tx *tx;

	(void)cursor_u8(&c);
	fid = app_smb1_fid(m, cursor_take(&c, 2));
	if (!cursor_ok(&c)) {
		malformed(m, SMB1_CLOSE);
		return;
	}
	slot = app_smb_remember(m->f, &key, (struct slice){NULL, 0});
	if (slot != NULL)
		slot->fid = fid;
	tx = app_smb_tx_file(m->f, &fid, APP_TO_SERVER);
	if (tx != NULL)
		app_smb_file_close(tx);
	(void)app_smb1_told(m, SMB1_CLOSE);
}

static void ask_read(struct smb1_message *m)
{
	struct cursor c = cursor_of(app_smb1_words(m));
	uint8_t count = cursor_u8(&c);
	struct smb_key key = app_smb1_key(SMB_READ, m);
	struct smb_slot *slot;
	struct slice fid;
	uint64_t offset;

	(void)cursor_take(&c, 4);
	fid = cursor_take(&c, 2);
	offset = cursor_le32(&c);
	(void)cursor_take(&c, 10);
	if (count == 12)
		offset |= (uint64_t)cursor_le32(&c) << 32;
	if (!cursor_ok(&c)) {
		malformed(m, SMB1_READ_ANDX);
		return;
	}
	slot = app_smb_remember(m->f, &key, (struct slice){NULL, 0});
	if (slot != NULL) {
		slot->fid = app_smb1_fid(m, fid);
		slot->offset = offset;
	}
}

struct chunk {
	struct slice fid, data;
	uint64_t offset, length, room;
};

/* Three commands write; where the data of each start. False: more must be there, or *bad. */
static bool read_chunk(const struct smb1_message *m, uint8_t command, struct chunk *out, bool *bad)
{
	struct cursor c = cursor_of(app_smb1_words(m));
	uint8_t count = cursor_u8(&c);
	uint32_t low, high;
	uint16_t bytes, data_offset;
	size_t head;

	switch (command) {
	case SMB1_WRITE_ANDX:
		(void)cursor_take(&c, 4);
		out->fid = cursor_take(&c, 2);
		out->offset = cursor_le32(&c);
		(void)cursor_take(&c, 8);
		high = cursor_le16(&c);
		low = cursor_le16(&c);
		data_offset = cursor_le16(&c);
		if (count == 14)
			out->offset |= (uint64_t)cursor_le32(&c) << 32;
		else
			out->offset = 0;
		bytes = cursor_le16(&c);
		out->length = (uint64_t)high << 16 | low;
		if (data_offset < SMB1_HEADER_BYTES + m->at + 3u + 2u * count)
			(void)cursor_take(&c, bytes > low ? bytes - low : 0u); /* padding */
		else
			(void)cursor_take(
				&c, data_offset - (SMB1_HEADER_BYTES + m->at + 3u + 2u * count));
		break;
	case SMB1_WRITE:
		out->fid = cursor_take(&c, 2);
		(void)cursor_le16(&c);
		out->offset = cursor_le32(&c);
		(void)cursor_take(&c, 5);
		out->length = cursor_le16(&c);
		break;
	default: /* SMB1_WRITE_CLOSE */
		out->fid = cursor_take(&c, 2);
		out->length = cursor_le16(&c);
		out->offset = cursor_le32(&c);
		(void)cursor_take(&c, 4);
		bytes = cursor_le16(&c);
		(void)cursor_take(&c, bytes > out->length ? bytes - out->length : 0);
		break;
	}
	*bad = !cursor_ok(&c);
	if (*bad)
		return false;
	out->data = cursor_rest(&c);
	head = app_smb1_words(m).len - out->data.len;
	out->room = m->room - m->at - head;
	return true;
}

/* False: more of it must be there. */
static bool ask_write(struct smb1_message *m, uint8_t command)
{
	struct smb_slot *tree = app_smb1_tree(m);
	bool whole = m->body.len == m->room, bad;
	struct chunk k;
	struct smb_fid fid;
	struct slice name;
	struct app_tx *tx;

	if (!read_chunk(m, command, &k, &bad)) {
		if (!whole)
			return false;
		malformed(m, command);
		return true;
	}
	fid = app_smb1_fid(m, k.fid);
	name = app_smb1_file_name(m, &fid);
	if (tree != NULL && tree->pipe && app_smb_tx_file(m->f, &fid, APP_TO_SERVER) == NULL) {
		if (!whole)
			return false;
		app_smb_pipe_write(m->f, 1, command, m->id,
				   slice_part(k.data, 0, (size_t)k.length));
	} else {
		tx = app_smb_file_tx(m->f, &fid, APP_TO_SERVER,
				     name.ptr != NULL ? name : SLICE("<unknown>"),
				     app_smb_slot_name(tree), 1, SMB1_WRITE_ANDX,
				     (struct smb_id){.session = m->id.session, .tree = m->id.tree});
		if (tx != NULL) {
			app_smb_chunk(m->f, tx, k.offset, k.length, k.data, k.room);
			if (command == SMB1_WRITE_CLOSE)
				app_smb_file_close(tx);
		} else {
			((struct smb *)m->f->parser)->side[APP_TO_SERVER].skip =
				k.room - k.data.len;
		}
	}
	if (is_told(command))
		(void)app_smb1_told(m, command);
	return true;
}

struct trans {
	uint8_t count;
	uint16_t parameters, parameter_offset, data, data_offset;
	uint8_t setups;
	uint16_t setup[2];
};

/* MS-CIFS 2.2.4.33.1, 2.2.4.46.1. */
static bool read_trans(struct cursor *c, struct trans *t)
{
	t->count = cursor_u8(c);
	(void)cursor_take(c, 18);
	t->parameters = cursor_le16(c);
	t->parameter_offset = cursor_le16(c);
	t->data = cursor_le16(c);
	t->data_offset = cursor_le16(c);
	t->setups = cursor_u8(c);
	(void)cursor_u8(c);
	for (unsigned i = 0; i < t->setups; i++) {
		uint16_t word = cursor_le16(c);

		if (i < 2)
			t->setup[i] = word;
	}
	(void)cursor_le16(c);
	return cursor_ok(c);
}

static void ask_trans(struct smb1_message *m)
{
	struct cursor c = cursor_of(app_smb1_words(m));
	struct smb_key key = app_smb1_key(SMB_FID, m);
	struct trans t = {0};
	struct slice data;
	struct smb_slot *slot;
	struct smb_fid fid;
	uint8_t raw[2];

	if (!read_trans(&c, &t) || !app_smb1_part(m, t.data_offset, t.data, &data)) {
		malformed(m, SMB1_TRANS);
		return;
	}
	if (t.count != 16 || t.setups != 2 || t.data == 0)
		return;
	raw[0] = (uint8_t)t.setup[1];
	raw[1] = (uint8_t)(t.setup[1] >> 8);
	fid = app_smb1_fid(m, (struct slice){raw, 2});
	slot = app_smb_remember(m->f, &key, (struct slice){NULL, 0});
	if (slot != NULL)
		slot->fid = fid;
	if (app_smb_is_dcerpc(m->f->parser, &fid))
		app_smb_pipe_write(m->f, 1, SMB1_TRANS, m->id, data);
}

/* MS-CIFS 2.2.8.4: what a file is to become. False: malformed. */
static bool set_info(struct smb1_message *m, const struct trans *t, uint16_t level,
		     struct slice fid, struct slice name, struct slice data)
{
	struct cursor c = cursor_of(data);
	struct smb_fid full = app_smb1_fid(m, fid);
	struct slice known = fid.len != 0 ? app_smb1_file_name(m, &full) : name;
	struct app_tx *tx;
	struct smb_tx *d;
	uint32_t length;
	uint8_t flag = cursor_u8(&c);

	if (fid.len != 0 && known.ptr == NULL)
		known = SLICE("<unknown>");
	(void)cursor_take(&c, 3);
	if (level == LEVEL_DISPOSITION) {
		if (!cursor_ok(&c))
			return false;
		tx = app_smb_tx(m->f, SMB_ABOUT_INFO, 1, SMB1_TRANS2, m->id);
		if (tx == NULL)
			return true;
		d = tx->data;
		d->u.info.name = arena_copy(&tx->arena, known);
		d->u.info.fid = app_smb_fid(fid);
		d->u.info.subcommand = t->setup[0];
		d->u.info.level = level;
		d->u.info.delete_on_close = (flag & 1) != 0;
		return true;
	}
	(void)cursor_le32(&c);
	length = cursor_le32(&c);
	data = cursor_take(&c, length);
	if (!cursor_ok(&c))
		return false;
	tx = app_smb_tx(m->f, SMB_ABOUT_RENAME, 1, SMB1_TRANS2, m->id);
	if (tx == NULL)
		return true;
	d = tx->data;
	d->u.rename.from = arena_copy(&tx->arena, known);
	d->u.rename.to = app_smb_text(data, &tx->arena);
	d->u.rename.fid = app_smb_fid(fid);
	return true;
}

static void ask_trans2(struct smb1_message *m)
{
	struct cursor c = cursor_of(app_smb1_words(m)), p;
	struct trans t = {0};
	struct slice parameters, data, fid = {NULL, 0}, name = {NULL, 0};
	struct arena scratch = {.pool = m->f->pool};
	uint16_t level;
	bool ok;

	if (!read_trans(&c, &t) ||
	    !app_smb1_part(m, t.parameter_offset, t.parameters, &parameters) ||
	    !app_smb1_part(m, t.data_offset, t.data, &data)) {
		malformed(m, SMB1_TRANS2);
		return;
	}
	p = cursor_of(parameters);
	if (t.setup[0] == SET_PATH_INFO) {
		level = cursor_le16(&p);
		(void)cursor_le32(&p);
		ok = cursor_ok(&p) && read_unicode(&p, &scratch, &name);
	} else if (t.setup[0] == SET_FILE_INFO) {
		fid = cursor_take(&p, 2);
		level = cursor_le16(&p);
		ok = cursor_ok(&p);
	} else {
		return;
	}
	if (ok && (level == LEVEL_DISPOSITION || level == LEVEL_RENAME))
		ok = set_info(m, &t, level, fid, name, data);
	if (!ok)
		malformed(m, SMB1_TRANS2);
	arena_reset(&scratch);
}

static bool request(struct smb1_message *m, uint8_t command)
{
	struct smb_key key;
	struct app_tx *tx;

	switch (command) {
	case SMB1_NEGOTIATE:
		ask_negotiate(m);
		break;
	case SMB1_SESSION_SETUP:
		ask_session(m);
		break;
	case SMB1_TREE_CONNECT:
		ask_tree(m);
		break;
	case SMB1_TREE_DISCONNECT:
		key = app_smb1_tree_key(m);
		app_smb_forget(m->f->parser, &key);
		(void)app_smb1_told(m, command);
		break;
	case SMB1_NT_CREATE:
		ask_create(m);
		break;
	case SMB1_RENAME:
		ask_rename(m);
		break;
	case SMB1_CLOSE:
		ask_close(m);
		break;
	case SMB1_READ_ANDX:
		ask_read(m);
		break;
	case SMB1_WRITE:
	case SMB1_WRITE_ANDX:
	case SMB1_WRITE_CLOSE:
		return ask_write(m, command);
	case SMB1_TRANS:
		ask_trans(m);
		break;
	case SMB1_TRANS2:
		ask_trans2(m);
		break;
	case SMB1_NT_CANCEL:
	case SMB1_TRANS2_MORE:
	case SMB1_LOCKING: /* nobody answers these */
		tx = app_smb1_told(m, command);
		if (tx != NULL)
			app_tx_advance(tx, APP_TO_CLIENT, 1);
		break;
	default:
		if (is_told(command))
			(void)app_smb1_told(m, command);
		break;
	}
	return true;
}

/* The next command of a chain; false: there is none. */
static bool chain_next(struct smb1_message *m, uint8_t *command)
{
	struct cursor c = cursor_of(app_smb1_words(m));
	uint8_t next;
	uint16_t offset;

	if (!is_chained(*command))
		return false;
	(void)cursor_u8(&c);
	next = cursor_u8(&c);
	(void)cursor_u8(&c);
	offset = cursor_le16(&c);
	if (!cursor_ok(&c) || next == SMB1_NO_COMMAND || offset <= SMB1_HEADER_BYTES + m->at ||
	    (size_t)offset - SMB1_HEADER_BYTES >= m->body.len)
		return false;
	m->at = (size_t)offset - SMB1_HEADER_BYTES;
	*command = next;
	return true;
}

static bool is_transfer(enum app_dir dir, uint8_t command)
{
	return command == (dir == APP_TO_SERVER ? SMB1_WRITE_ANDX : SMB1_READ_ANDX);
}

bool app_smb1_may_stream(enum app_dir dir, struct slice have)
{
	if (have.len < SMB1_HEADER_BYTES)
		return true;
	return have.len < TRANSFER_HEAD_MAX && is_transfer(dir, have.ptr[4]);
}

bool app_smb1_record(struct app_flow *f, enum app_dir dir, struct slice have, uint64_t whole)
{
	struct cursor c = cursor_of(have);
	struct smb1_message m = {.f = f};
	bool all = have.len == whole;
	uint16_t flags2;
	uint8_t command;

	(void)cursor_take(&c, 4);
	m.command = command = cursor_u8(&c);
	m.status = cursor_le32(&c);
	(void)cursor_u8(&c);
	flags2 = cursor_le16(&c);
	(void)cursor_take(&c, 12);
	m.id.tree = cursor_le16(&c);
	(void)cursor_le16(&c);
	m.user = cursor_le16(&c);
	m.id.session = m.user;
	m.id.message = cursor_le16(&c);
	if (!cursor_ok(&c)) {
		if (!all)
			return false;
		app_smb_flow_anomaly(f, SMB_MALFORMED);
		return true;
	}
	if (!all && !is_transfer(dir, command))
		return false;
	m.unicode = (flags2 & FLAGS2_UNICODE) != 0;
	m.dos = (flags2 & FLAGS2_NT_STATUS) == 0;
	m.body = cursor_rest(&c);
	m.room = whole - SMB1_HEADER_BYTES;
	for (unsigned i = 0; i < SMB_CHAIN_MAX; i++) {
		if (!(dir == APP_TO_SERVER ? request(&m, command) : app_smb1_answer(&m, command)))
			return false;
		if (!all || !chain_next(&m, &command))
			break;
	}
	return true;
}
