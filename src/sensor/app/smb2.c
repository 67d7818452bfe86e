/* SPDX-License-Identifier: Apache-2.0
 *
 * SMB 2 and 3 in clear: MS-SMB2 2.2. A record holds one message or a chain of them; requests and
 * responses belong together by session and message id (an asynchronous answer has no tree id).
 */
#include "sensor/app/smb_priv.h"

enum {
	NEGOTIATE = 0,
	SESSION_SETUP = 1,
	TREE_CONNECT = 3,
	TREE_DISCONNECT = 4,
	CREATE = 5,
	CLOSE = 6,
	READ = 8,
	WRITE = 9,
	IOCTL = 11,
	GET_INFO = 16,
	SET_INFO = 17,
};

enum {
	FLAG_RESPONSE = 0x01,
	FLAG_ASYNC = 0x02,
	WRITE_BYTES = 48, /* of a write request before its data */
	READ_BYTES = 16,  /* of a read response before its data */
	SHARE_PIPE = 2,
	FUNCTION_TRANSCEIVE = 0x0011c017,
	CLASS_FILE = 1,
	INFO_RENAME = 10,
	INFO_DISPOSITION = 13,
	OPTION_DIRECTORY = 0x0001,
	OPTION_DELETE = 0x1000,
};

struct message {
	struct app_flow *f;
	uint32_t flags, status, next;
	uint16_t command;
	struct smb_id id;
	struct slice body; /* what of it is there */
	uint64_t room;	   /* what the record has */
};

/* Reads and set-infos that change nothing are too many to be told one by one. */
static bool is_told(uint16_t command)
{
	return command != READ && command != WRITE && command != GET_INFO && command != SET_INFO;
}

static struct smb_id any_tree(struct smb_id id)
{
	id.tree = 0;
	return id;
}

static struct smb_key key_of(enum smb_kind kind, struct smb_id id)
{
	return (struct smb_key){.kind = kind, .id = any_tree(id)};
}

static struct smb_key tree_key(struct smb_id id)
{
	return (struct smb_key){.kind = SMB_TREE, .id = {.session = id.session, .tree = id.tree}};
}

static bool read_header(struct cursor *c, enum app_dir dir, struct message *m)
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
	else if ((m->flags & FLAG_ASYNC) != 0)
		m->id.tree = 0; /* an async id stands in its place */
	return cursor_ok(c) && length == SMB2_HEADER_BYTES;
}

static struct slice file_name(const struct smb *s, const struct smb_fid *fid)
{
	struct smb_key key = {.kind = SMB_FILE_NAME, .fid = *fid};

	return app_smb_slot_name(app_smb_find(s, &key));
}

/* --- requests --- */

static struct app_tx *told(struct message *m)
{
	return app_smb_tx(m->f, SMB_ABOUT_NOTHING, 2, m->command, m->id);
}

static void malformed(struct message *m)
{
	if (is_told(m->command))
		app_smb_anomaly(told(m), SMB_MALFORMED);
	else
		app_smb_flow_anomaly(m->f, SMB_MALFORMED);
}

static void ask_negotiate(struct message *m)
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
	tx = app_smb_tx(m->f, SMB_ABOUT_NEGOTIATE, 2, NEGOTIATE, m->id);
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

static void ask_session(struct message *m)
{
	struct cursor c = cursor_of(m->body);
	struct app_tx *tx;
	struct smb_tx *d;

	(void)cursor_take(&c, 24);
	if (!cursor_ok(&c))
		return;
	tx = app_smb_tx(m->f, SMB_ABOUT_SESSION, 2, SESSION_SETUP, m->id);
	if (tx == NULL)
		return;
	d = tx->data;
	app_smb_auth(cursor_rest(&c), &tx->arena, &d->u.session.auth);
	if (d->u.session.auth.overlaps)
		app_smb_anomaly(tx, SMB_NTLMSSP_REQUEST);
}

static void ask_tree(struct message *m)
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
	tx = app_smb_tx(m->f, SMB_ABOUT_TREE, 2, TREE_CONNECT, any_tree(m->id));
	if (tx == NULL)
		return;
	d = tx->data;
	d->u.tree.share = app_smb_text(path, &tx->arena);
}

static void ask_create(struct message *m)
{
	struct cursor c = cursor_of(m->body);
	struct smb_key key = key_of(SMB_CREATE_NAME, m->id);
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
	tx = app_smb_tx(m->f, SMB_ABOUT_CREATE, 2, CREATE, m->id);
	if (tx == NULL)
		return;
	d = tx->data;
	d->u.create.name = app_smb_text(name, &tx->arena);
	d->u.create.disposition = disposition;
	d->u.create.delete_on_close = (options & OPTION_DELETE) != 0;
	d->u.create.directory = (options & OPTION_DIRECTORY) != 0;
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

static void ask_close(struct message *m)
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

static void ask_read(struct message *m)
{
	const struct smb_settings *set = m->f->own;
	const struct smb *s = m->f->parser;
	struct cursor c = cursor_of(m->body);
	struct smb_key key = key_of(SMB_READ, m->id);
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

/* Without a tree's connect, what goes to it is judged by its first bytes. */
static bool tree_is_known(const struct message *m)
{
	struct smb_key key = tree_key(m->id);
	const struct smb_slot *tree = app_smb_find(m->f->parser, &key);

	return tree != NULL && (tree->pipe || tree->len != 0);
}

/* Whether data of a tree go to a pipe that speaks DCE/RPC; without its connect, by their looks. */
static bool goes_to_pipe(struct message *m, const struct smb_fid *fid, struct slice data,
			 struct slice *out_share, bool *out_dcerpc)
{
	struct smb *s = m->f->parser;
	struct smb_key key = tree_key(m->id), file = {.kind = SMB_FILE_NAME, .fid = *fid};
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

/* Data that nobody wants, of which `data` of room bytes are there. */
static void pass_over(struct message *m, enum app_dir dir, struct slice data, uint64_t room)
{
	struct smb *s = m->f->parser;

	s->side[dir].skip = room - data.len;
}

/* False: more of it must be there. */
static bool ask_write(struct message *m)
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
	room = m->room - WRITE_BYTES;
	if ((s->max_write != 0 && length > s->max_write) ||
	    (set != NULL && set->write_most != 0 && length > set->write_most)) {
		app_smb_flow_anomaly(m->f, SMB_WRITE_REQUEST_SIZE);
		pass_over(m, APP_TO_SERVER, data, room);
		return true;
	}
	if (app_smb_tx_file(m->f, &fid, APP_TO_SERVER) == NULL) {
		bool whole = data.len == room, short_data = data.len < DCERPC_HEADER_BYTES;

		if (!whole && short_data && !tree_is_known(m))
			return false;
		if (goes_to_pipe(m, &fid, slice_part(data, 0, length), &share, &dcerpc)) {
			if (!dcerpc)
				pass_over(m, APP_TO_SERVER, data, room);
			else if (!whole)
				return false;
			else
				app_smb_pipe_write(m->f, 2, WRITE, m->id,
						   slice_part(data, 0, length));
			return true;
		}
	}
	tx = app_smb_file_tx(m->f, &fid, APP_TO_SERVER, file_name(s, &fid), share, 2, WRITE,
			     (struct smb_id){.session = m->id.session, .tree = m->id.tree});
	if (tx != NULL)
		app_smb_chunk(m->f, tx, offset, length, data, room);
	else
		pass_over(m, APP_TO_SERVER, data, room);
	return true;
}

static void ask_ioctl(struct message *m)
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
	if (function == FUNCTION_TRANSCEIVE && app_smb_is_dcerpc(s, &fid)) {
		app_smb_pipe_write(m->f, 2, IOCTL, m->id, data);
		return;
	}
	tx = app_smb_tx(m->f, SMB_ABOUT_IOCTL, 2, IOCTL, m->id);
	if (tx != NULL)
		((struct smb_tx *)tx->data)->u.ioctl.function = function;
}

/* The name of an open file; of one that the message before it in the chain opens, or "<unknown>".
 */
static struct slice name_or_unknown(struct message *m, const struct smb_fid *fid)
{
	const struct smb *s = m->f->parser;
	struct smb_key key = key_of(SMB_CREATE_NAME, m->id);
	struct slice name = file_name(s, fid);

	if (name.ptr == NULL && key.id.message != 0) {
		key.id.message--;
		name = app_smb_slot_name(app_smb_find(s, &key));
	}
	return name.ptr != NULL ? name : SLICE("<unknown>");
}

static void ask_rename(struct message *m, const struct smb_fid *fid, struct cursor *c)
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
	tx = app_smb_tx(m->f, SMB_ABOUT_RENAME, 2, SET_INFO, m->id);
	if (tx == NULL)
		return;
	d = tx->data;
	d->u.rename.from = arena_copy(&tx->arena, name_or_unknown(m, fid));
	d->u.rename.to = app_smb_text(name, &tx->arena);
	d->u.rename.fid = *fid;
}

static void ask_set_info(struct message *m)
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
	if (about == CLASS_FILE && level == INFO_RENAME) {
		ask_rename(m, &fid, &data);
	} else if (about == CLASS_FILE && level == INFO_DISPOSITION && length != 0) {
		tx = app_smb_tx(m->f, SMB_ABOUT_INFO, 2, SET_INFO, m->id);
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

static bool request(struct message *m)
{
	struct smb_key key;

	switch (m->command) {
	case NEGOTIATE:
		ask_negotiate(m);
		break;
	case SESSION_SETUP:
		ask_session(m);
		break;
	case TREE_CONNECT:
		ask_tree(m);
		break;
	case TREE_DISCONNECT:
		key = tree_key(m->id);
		app_smb_forget(m->f->parser, &key);
		(void)told(m);
		break;
	case CREATE:
		ask_create(m);
		break;
	case CLOSE:
		ask_close(m);
		break;
	case READ:
		ask_read(m);
		break;
	case WRITE:
		return ask_write(m);
	case IOCTL:
		ask_ioctl(m);
		break;
	case SET_INFO:
		ask_set_info(m);
		break;
	default:
		if (is_told(m->command))
			(void)told(m);
		break;
	}
	return true;
}

/* --- responses --- */

/* The answer to tx; one that says "later" leaves it open. */
static void answered(struct message *m, struct app_tx *tx)
{
	if (tx == NULL)
		return;
	app_smb_tx_status(tx, m->status, false);
	if (m->status != STATUS_PENDING)
		app_tx_advance(tx, APP_TO_CLIENT, 1);
}

static struct app_tx *asked(struct message *m)
{
	return app_smb_tx_of(m->f, 2, m->command, m->id);
}

static void answer_negotiate(struct message *m)
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

static void answer_session(struct message *m)
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

static void answer_tree(struct message *m)
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
			d->u.tree.pipe = type == SHARE_PIPE;
			d->id = m->id;
			key = tree_key(m->id);
			slot = app_smb_remember(m->f, &key, d->u.tree.share);
			if (slot != NULL)
				slot->pipe = d->u.tree.pipe;
		}
	}
	answered(m, tx);
}

/* FILETIME (100 ns since 1601) to seconds since 1970; 0 before. */
static uint64_t seconds(uint64_t filetime)
{
	const uint64_t epoch = UINT64_C(116444736000000000);

	return filetime > epoch ? (uint32_t)((filetime - epoch) / 10000000) : 0;
}

static void answer_create(struct message *m)
{
	struct cursor c = cursor_of(m->body);
	struct app_tx *tx = asked(m);
	struct smb_key created = key_of(SMB_CREATE_NAME, m->id), file = {.kind = SMB_FILE_NAME};
	struct smb_slot *slot = app_smb_find(m->f->parser, &created);
	uint64_t times[4], size;

	if (m->status != STATUS_SUCCESS) {
		answered(m, tx);
		return;
	}
	(void)cursor_take(&c, 8);
	for (size_t i = 0; i < 4; i++)
		times[i] = seconds(cursor_le64(&c));
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
	if (slot != NULL) {
		uint8_t room[SMB_NAME_MAX];
		struct slice name = {room, slot->len}; /* its slot may be used for the new one */

		if (slot->len != 0)
			memcpy(room, slot->ptr, slot->len);
		app_smb_forget(m->f->parser, &created);
		(void)app_smb_remember(m->f, &file, name);
	}
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

static void end_of_file(struct message *m, const struct smb_fid *fid)
{
	struct app_tx *tx = app_smb_tx_file(m->f, fid, APP_TO_CLIENT);

	if (tx == NULL)
		return;
	app_transfer_close(&((struct smb_tx *)tx->data)->u.file.transfer);
	app_smb_tx_status(tx, m->status, false);
	app_tx_advance(tx, APP_TO_SERVER, 1);
}

/* False: more of it must be there. */
static bool answer_read(struct message *m)
{
	const struct smb_settings *set = m->f->own;
	struct smb *s = m->f->parser;
	struct cursor c = cursor_of(m->body);
	struct smb_key key = key_of(SMB_READ, m->id);
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
	room = m->room - READ_BYTES;
	if ((s->max_read != 0 && length > s->max_read) ||
	    (set != NULL && set->read_most != 0 && length > set->read_most)) {
		app_smb_flow_anomaly(m->f, SMB_READ_RESPONSE_SIZE);
		slot = NULL;
	}
	if (slot == NULL) {
		pass_over(m, APP_TO_CLIENT, data, room);
		return true;
	}
	if (app_smb_tx_file(m->f, &fid, APP_TO_CLIENT) == NULL) {
		bool whole = data.len == room;

		if (!whole && data.len < DCERPC_HEADER_BYTES && !tree_is_known(m))
			return false;
		if (goes_to_pipe(m, &fid, slice_part(data, 0, length), &share, &dcerpc)) {
			if (dcerpc && !whole)
				return false;
			if (dcerpc)
				app_smb_pipe_read(m->f, 2, READ, m->status, m->id, &fid,
						  slice_part(data, 0, length));
			else
				pass_over(m, APP_TO_CLIENT, data, room);
			app_smb_forget(s, &key);
			return true;
		}
	}
	app_smb_forget(s, &key);
	name = file_name(s, &fid);
	tx = app_smb_file_tx(m->f, &fid, APP_TO_CLIENT,
			     name.ptr != NULL ? name : SLICE("<unknown>"), share, 2, READ,
			     (struct smb_id){.session = m->id.session, .tree = m->id.tree});
	if (tx != NULL)
		app_smb_chunk(m->f, tx, offset, length, data, room);
	else
		pass_over(m, APP_TO_CLIENT, data, room);
	return true;
}

static void answer_ioctl(struct message *m)
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
	if (cursor_ok(&c) && function == FUNCTION_TRANSCEIVE &&
	    app_smb_is_dcerpc(m->f->parser, &fid)) {
		app_smb_pipe_read(m->f, 2, IOCTL, m->status, m->id, &none, data);
		return;
	}
	tx = asked(m);
	if (tx == NULL)
		tx = app_smb_tx_about(m->f, SMB_ABOUT_PIPE, m->id);
	if (tx != NULL && !cursor_ok(&c) && m->status == STATUS_SUCCESS)
		app_smb_anomaly(tx, SMB_MALFORMED);
	answered(m, tx);
}

static bool response(struct message *m)
{
	struct smb_key key;

	switch (m->command) {
	case NEGOTIATE:
		answer_negotiate(m);
		break;
	case SESSION_SETUP:
		answer_session(m);
		break;
	case TREE_CONNECT:
		answer_tree(m);
		break;
	case TREE_DISCONNECT:
		key = tree_key(m->id);
		app_smb_forget(m->f->parser, &key);
		answered(m, asked(m));
		break;
	case CREATE:
		answer_create(m);
		break;
	case READ:
		return answer_read(m);
	case IOCTL:
		answer_ioctl(m);
		break;
	default:
		answered(m, asked(m));
		break;
	}
	return true;
}

bool app_smb2_record(struct app_flow *f, enum app_dir dir, struct slice have, uint64_t whole)
{
	bool all = have.len == whole;

	for (unsigned i = 0; have.len != 0 && i < SMB_CHAIN_MAX; i++) {
		struct cursor c = cursor_of(have);
		struct message m = {.f = f};
		bool streams, done;

		if (have.len < SMB2_HEADER_BYTES && !all)
			return false;
		if (memcmp(have.ptr, "\xfeSMB", have.len < 4 ? have.len : 4) != 0 ||
		    !read_header(&c, dir, &m)) {
			app_smb_flow_anomaly(f, SMB_MALFORMED);
			return true;
		}
		streams = m.next == 0 && m.command == (dir == APP_TO_SERVER ? WRITE : READ);
		if (!all && (i != 0 || !streams))
			return false;
		m.body = cursor_rest(&c);
		m.room = whole - SMB2_HEADER_BYTES;
		if (m.next > SMB2_HEADER_BYTES) {
			m.body = slice_part(m.body, 0, m.next - SMB2_HEADER_BYTES);
			m.room = m.body.len;
		}
		if (dir == APP_TO_SERVER && (m.flags & FLAG_RESPONSE) != 0)
			app_smb_flow_anomaly(f, SMB_RESPONSE_TO_SERVER);
		else if (dir == APP_TO_CLIENT && (m.flags & FLAG_RESPONSE) == 0)
			app_smb_flow_anomaly(f, SMB_REQUEST_TO_CLIENT);
		done = dir == APP_TO_SERVER ? request(&m) : response(&m);
		if (!done)
			return false;
		if (m.next <= SMB2_HEADER_BYTES)
			break;
		have = slice_from(have, m.next);
		whole = have.len;
	}
	return true;
}
