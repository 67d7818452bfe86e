/* SPDX-License-Identifier: Apache-2.0
 *
 * NFS 4: RFC 7530 15 and 16, RFC 8881 18 (4.1), RFC 7862 15 (4.2). A call is a compound of
 * operations on a current file handle, its reply the results of those that were tried.
 *
 * Suricata has transactions of CREATE and REMOVE, and of files that are read or written; so has
 * this. What an operation takes or gives is skipped by the form in a table; one that is not in it
 * ends the reading of its compound, for where the next begins is not known. A WRITE's data, and a
 * READ's, go to the file as they come: the rest of the compound is not looked at.
 */
#include "sensor/app/nfs_priv.h"

enum {
	COMPOUND = 1,
	OPS_MAX = 64,	    /* of a compound: Suricata's limit */
	ENTRIES_MAX = 4096, /* of a directory's listing */
	OPAQUE_MAX = 1 << 20,
	CHUNK_MAX = 16 << 20, /* bytes of a write: Suricata's limit */
	FILE_SYNC = 2,
	DENIED = 10010, /* NFS4ERR_DENIED has a body */
};

enum op {
	OP_CLOSE = 4,
	OP_COMMIT,
	OP_CREATE,
	OP_GETFH = 10,
	OP_LOCK = 12,
	OP_LOCKT,
	OP_LOOKUP = 15,
	OP_OPEN = 18,
	OP_PUTFH = 22,
	OP_PUTROOTFH = 24,
	OP_READ,
	OP_READDIR,
	OP_REMOVE = 28,
	OP_SECINFO = 33,
	OP_SETATTR,
	OP_WRITE = 38,
	OP_EXCHANGE_ID = 42,
	OP_LAYOUTRETURN = 51,
	OP_SECINFO_NO_NAME,
	OPS = 70,
};

/* What stands in an operation, piece by piece: 4, 8: a number of so many bytes; i: a state's id,
 * 16 bytes; v: a verifier, 8 bytes; s: a session's id, 16 bytes; o: bytes with their length; b: a
 * bitmap; a: attributes, a bitmap and bytes; c: a change of a directory, 20 bytes. */
static const char *const arguments[OPS] = {
	[3] = "4",
	[OP_CLOSE] = "4i",
	[OP_COMMIT] = "84",
	[7] = "8",
	[8] = "i",
	[9] = "b",
	[OP_GETFH] = "",
	[11] = "o",
	[OP_LOCKT] = "4888o",
	[14] = "44i88",
	[16] = "",
	[17] = "a",
	[19] = "4",
	[20] = "i4",
	[21] = "i444",
	[23] = "",
	[OP_PUTROOTFH] = "",
	[OP_READDIR] = "8v44b",
	[27] = "",
	[29] = "oo",
	[30] = "8",
	[31] = "",
	[32] = "",
	[OP_SECINFO] = "o",
	[OP_SETATTR] = "ia",
	[35] = "vo4oo4",
	[36] = "8v",
	[37] = "a",
	[39] = "8o",
	[41] = "s44",
	[44] = "s",
	[45] = "i",
	[47] = "s44b",
	[50] = "444888i4",
	[OP_SECINFO_NO_NAME] = "4",
	[53] = "s4444",
	[57] = "8",
	[58] = "4",
	[59] = "i88",
	[62] = "i88",
	[69] = "i84",
};

static const char *const results[OPS] = {
	[3] = "44", [OP_CLOSE] = "i",  [OP_COMMIT] = "v", [OP_CREATE] = "cb", [7] = "",
	[8] = "",   [9] = "a",	       [11] = "c",	  [OP_LOCK] = "i",    [OP_LOCKT] = "",
	[14] = "i", [OP_LOOKUP] = "",  [16] = "",	  [17] = "",	      [19] = "",
	[20] = "i", [21] = "i",	       [OP_PUTFH] = "",	  [23] = "",	      [OP_PUTROOTFH] = "",
	[27] = "o", [OP_REMOVE] = "c", [29] = "cc",	  [30] = "",	      [31] = "",
	[32] = "",  [35] = "8v",       [36] = "",	  [37] = "",	      [OP_WRITE] = "44v",
	[39] = "",  [41] = "s44",      [44] = "",	  [45] = "",	      [53] = "s44444",
	[57] = "",  [58] = "",	       [59] = "",	  [62] = "",	      [69] = "48",
};

static void bitmap(struct cursor *c)
{
	uint64_t words = cursor_be32(c);

	(void)cursor_take(c, words <= 8 ? (size_t)words * 4 : SIZE_MAX);
}

static void attributes(struct cursor *c)
{
	bitmap(c);
	(void)app_nfs_opaque(c, OPAQUE_MAX);
}

static void skip(struct cursor *c, const char *form)
{
	for (; *form != '\0' && cursor_ok(c); form++)
		switch (*form) {
		case '4':
			(void)cursor_be32(c);
			break;
		case '8':
		case 'v':
			(void)cursor_be64(c);
			break;
		case 'i':
		case 's':
			(void)cursor_take(c, 16);
			break;
		case 'c':
			(void)cursor_take(c, 20);
			break;
		case 'o':
			(void)app_nfs_opaque(c, OPAQUE_MAX);
			break;
		case 'b':
			bitmap(c);
			break;
		case 'a':
			attributes(c);
			break;
		}
}

enum step { STEP_ON, STEP_STOP, STEP_MORE };

/* --- calls --- */

struct compound {
	struct nfs_call *k;
	struct cursor *c;
	uint64_t left;	 /* bytes of the record behind what c had at first */
	size_t had;	 /* bytes c had at first */
	uint64_t offset; /* that is read from */
	enum op main;	 /* the operation that the transaction is about; 0: none */
	bool named;	 /* OPEN was answered: GETFH gives the name's handle */
	bool handled;	 /* PUTFH gave the current handle */
	uint32_t status; /* of `main` */
	bool has_status;
	uint32_t accepted;
};

/* Bytes of the record from c on, those that are not there yet included. */
static uint64_t room(const struct compound *m)
{
	return m->left - (m->had - cursor_left(m->c));
}

/* RFC 7530 16.10. */
static void lock_arguments(struct cursor *c)
{
	skip(c, "4488");
	skip(c, cursor_be32(c) != 0 ? "4i48o" : "i4");
}

/* RFC 7530 16.16, RFC 8881 18.16: the name, where the claim has one. */
static struct slice open_name(struct cursor *c)
{
	skip(c, "4448o");
	if (cursor_be32(c) == 1) { /* create, in one of four modes */
		static const char *const modes[] = {"a", "a", "v", "va"};
		uint32_t mode = cursor_be32(c);

		skip(c, mode < 4 ? modes[mode] : "");
	}
	switch (cursor_be32(c)) {
	case 2: /* CLAIM_DELEGATE_CUR */
		skip(c, "i");
		return app_nfs_opaque(c, NFS_NAME_MAX);
	case 0:
	case 3:
		return app_nfs_opaque(c, NFS_NAME_MAX);
	case 1: /* CLAIM_PREVIOUS */
		skip(c, "4");
		break;
	case 5: /* CLAIM_DELEG_CUR_FH */
		skip(c, "i");
		break;
	default:
		break;
	}
	return (struct slice){NULL, 0};
}

static void create_arguments(struct compound *m)
{
	uint32_t type = cursor_be32(m->c);

	if (type == 5) /* a symbolic link has a text, a device two numbers */
		skip(m->c, "o");
	else if (type == 3 || type == 4)
		skip(m->c, "8");
	m->k->name = app_nfs_opaque(m->c, NFS_NAME_MAX);
	attributes(m->c);
	m->main = OP_CREATE;
}

static void file_written(const struct compound *m)
{
	struct app_tx *tx =
		m->handled ? app_nfs_file_find(m->k->f, m->k->handle, APP_TO_SERVER) : NULL;

	if (tx == NULL)
		return;
	((struct nfs_tx *)tx->data)->last_xid = m->k->xid;
	app_nfs_file_end(tx);
}

/* RFC 7530 16.36. Nothing behind the data is looked at. */
static enum step write_data(struct compound *m)
{
	struct nfs *s = m->k->f->parser;
	struct nfs_call *k = m->k;
	struct app_tx *tx = NULL;
	uint64_t offset, length;
	uint32_t stable;

	skip(m->c, "i");
	offset = cursor_be64(m->c);
	stable = cursor_be32(m->c);
	length = cursor_be32(m->c);
	if (!cursor_ok(m->c))
		return STEP_MORE;
	if (stable == FILE_SYNC && cursor_left(m->c) < length && cursor_left(m->c) < room(m) &&
	    room(m) <= NFS_RECORD_HELD)
		return STEP_MORE; /* the file ends with it */
	k->name = app_nfs_name_of(s, k->handle);
	k->procedure = OP_WRITE;
	if (m->handled && length != 0 && length <= CHUNK_MAX)
		tx = app_nfs_file_get(k, APP_TO_SERVER);
	if (tx != NULL)
		app_nfs_chunk(k, tx, offset, length, cursor_rest(m->c), room(m));
	else
		s->side[APP_TO_SERVER].skip = room(m) - cursor_left(m->c);
	if (tx != NULL && stable == FILE_SYNC)
		app_nfs_file_end(tx);
	return STEP_STOP;
}

static enum step argument(struct compound *m, uint32_t op)
{
	struct nfs_call *k = m->k;

	switch (op) {
	case OP_PUTFH:
		k->handle = app_nfs_opaque(m->c, NFS_HANDLE_MAX);
		m->handled = cursor_ok(m->c);
		break;
	case OP_LOOKUP:
		k->name = app_nfs_opaque(m->c, NFS_NAME_MAX);
		break;
	case OP_REMOVE:
		k->name = app_nfs_opaque(m->c, NFS_NAME_MAX);
		m->main = OP_REMOVE;
		break;
	case OP_OPEN:
		k->name = open_name(m->c);
		break;
	case OP_CREATE:
		create_arguments(m);
		break;
	case OP_LOCK:
		lock_arguments(m->c);
		break;
	case OP_READ:
		skip(m->c, "i");
		m->offset = cursor_be64(m->c);
		(void)cursor_be32(m->c);
		if (cursor_ok(m->c) && m->handled)
			k->name = app_nfs_name_of(k->f->parser, k->handle);
		break;
	case OP_WRITE:
		return write_data(m);
	case OP_LAYOUTRETURN:
		skip(m->c, "444");
		if (cursor_be32(m->c) == 1)
			skip(m->c, "88io");
		break;
	default:
		if (op >= OPS || arguments[op] == NULL)
			return STEP_STOP;
		skip(m->c, arguments[op]);
		break;
	}
	if (!cursor_ok(m->c))
		return STEP_MORE;
	if (op == OP_CLOSE || op == OP_COMMIT)
		file_written(m);
	return STEP_ON;
}

/* The operations, or results, that follow their number. */
static enum step operations(struct compound *m, enum step (*one)(struct compound *, uint32_t))
{
	uint32_t n = cursor_be32(m->c);
	enum step s = cursor_ok(m->c) ? STEP_ON : STEP_MORE;

	if (n > OPS_MAX)
		n = OPS_MAX;
	while (s == STEP_ON && n-- != 0) {
		uint32_t op = cursor_be32(m->c);

		s = cursor_ok(m->c) ? one(m, op) : STEP_MORE;
	}
	return s;
}

/* RFC 2203 5.3.2.2: the arguments stand behind their length and a number. */
static void unwrap(struct compound *m)
{
	if (m->k->integrity)
		(void)cursor_be64(m->c);
}

bool app_nfs4_call(struct nfs_call *k, struct cursor *c, uint64_t whole_left)
{
	struct compound m = {.k = k, .c = c, .left = whole_left, .had = cursor_left(c)};
	struct app_tx *tx;
	enum step s;

	if (k->procedure != COMPOUND)
		return cursor_left(c) == whole_left;
	unwrap(&m);
	(void)app_nfs_opaque(c, OPAQUE_MAX); /* a tag */
	(void)cursor_be32(c);		     /* the minor version */
	s = operations(&m, argument);
	if (s == STEP_MORE) {
		if (m.had < whole_left)
			return false;
		nfs_anomaly(k->f->last, NFS_MALFORMED);
		return true;
	}
	if (k->procedure == COMPOUND && m.had < whole_left)
		return false; /* only a write's data are passed on before their end */
	if (m.main != 0) {
		k->procedure = m.main;
		tx = app_nfs_tx_new(k);
		if (tx != NULL)
			app_tx_advance(tx, APP_TO_SERVER, 1);
	}
	k->procedure = COMPOUND;
	app_nfs_open_add(k, m.offset);
	return true;
}

/* --- replies --- */

/* RFC 7530 16.16.4 and RFC 8881 18.16.2: a delegation. */
static void open_results(struct cursor *c)
{
	uint32_t delegation;

	skip(c, "ic4b");
	delegation = cursor_be32(c);
	if (delegation == 1 || delegation == 2)
		skip(c, "i4");
	if (delegation == 2)
		skip(c, cursor_be32(c) == 1 ? "8" : "44");
	if (delegation == 1 || delegation == 2)
		skip(c, "444o");
	else if (delegation == 3 && (delegation = cursor_be32(c)) != 0 && delegation <= 2)
		skip(c, "4");
}

static void directory(struct cursor *c)
{
	skip(c, "v");
	for (unsigned i = 0; i < ENTRIES_MAX && cursor_be32(c) != 0 && cursor_ok(c); i++)
		skip(c, "8oa");
	(void)cursor_be32(c); /* is it all? */
}

static void flavors(struct cursor *c)
{
	uint32_t n = cursor_be32(c);

	while (n-- != 0 && cursor_ok(c))
		if (cursor_be32(c) == 6) /* RPCSEC_GSS */
			skip(c, "o44");
}

/* RFC 7530 16.23. Nothing behind the data is looked at. */
static enum step read_data(struct compound *m)
{
	struct nfs *s = m->k->f->parser;
	struct nfs_call *k = m->k;
	bool last = cursor_be32(m->c) != 0;
	uint64_t length = cursor_be32(m->c);
	struct app_tx *tx;
	struct nfs_tx *d;

	if (!cursor_ok(m->c))
		return STEP_MORE;
	if (last && cursor_left(m->c) < length && cursor_left(m->c) < room(m) &&
	    room(m) <= NFS_RECORD_HELD)
		return STEP_MORE; /* the file ends with it */
	k->procedure = OP_READ;
	tx = k->handle.len != 0 ? app_nfs_file_get(k, APP_TO_CLIENT) : NULL;
	if (tx == NULL) {
		s->side[APP_TO_CLIENT].skip = room(m) - cursor_left(m->c);
		return STEP_STOP;
	}
	d = tx->data;
	d->has_reply = true;
	d->rpc_status = m->accepted;
	app_tx_advance(tx, APP_TO_SERVER, 1);
	app_nfs_chunk(k, tx, m->offset, length, cursor_rest(m->c), room(m));
	if (last)
		app_nfs_file_end(tx);
	return STEP_STOP;
}

/* The body of a result that says OK. */
static enum step body(struct compound *m, uint32_t op)
{
	struct nfs_call *k = m->k;
	struct slice handle;

	switch (op) {
	case OP_GETFH:
		handle = app_nfs_opaque(m->c, NFS_HANDLE_MAX);
		if (cursor_ok(m->c) && m->named)
			app_nfs_name_add(k->f, handle, k->name);
		break;
	case OP_OPEN:
		open_results(m->c);
		m->named = true;
		break;
	case OP_PUTROOTFH:
		if (k->name.len == 0)
			k->name = SLICE("<mount_root>");
		break;
	case OP_READ:
		return read_data(m);
	case OP_READDIR:
		if (m->had < m->left)
			return STEP_MORE; /* long lists are read once */
		directory(m->c);
		break;
	case OP_SECINFO:
	case OP_SECINFO_NO_NAME:
		flavors(m->c);
		break;
	default:
		if (op >= OPS || results[op] == NULL)
			return STEP_STOP;
		skip(m->c, results[op]);
		break;
	}
	return cursor_ok(m->c) ? STEP_ON : STEP_MORE;
}

static enum step result(struct compound *m, uint32_t op)
{
	uint32_t status = cursor_be32(m->c);

	if (!cursor_ok(m->c))
		return STEP_MORE;
	if (op == OP_CREATE || op == OP_REMOVE) {
		m->status = status;
		m->has_status = true;
	}
	if (op == OP_SETATTR) { /* whether it succeeded or not */
		bitmap(m->c);
		return cursor_ok(m->c) ? STEP_ON : STEP_MORE;
	}
	if (status == 0)
		return body(m, op);
	if (status == DENIED && (op == OP_LOCK || op == OP_LOCKT))
		skip(m->c, "8848o");
	return STEP_ON; /* the last one, if the server is right */
}

bool app_nfs4_reply(struct nfs_call *k, const struct nfs_open *o, struct cursor *c,
		    uint64_t whole_left, uint32_t accepted)
{
	struct compound m = {.k = k,
			     .c = c,
			     .left = whole_left,
			     .had = cursor_left(c),
			     .offset = o->offset,
			     .accepted = accepted};
	enum step s;

	if (k->procedure != COMPOUND || accepted != 0)
		return m.had == whole_left;
	unwrap(&m);
	(void)cursor_be32(c);		     /* the status of the last one */
	(void)app_nfs_opaque(c, OPAQUE_MAX); /* a tag */
	s = operations(&m, result);
	if (m.had < whole_left && (s == STEP_MORE || k->procedure == COMPOUND))
		return false; /* only a read's data are passed on before their end */
	if (s == STEP_MORE)
		nfs_anomaly(k->f->last, NFS_MALFORMED);
	if (m.has_status)
		app_nfs_answered(k->f, k->xid, accepted, m.status);
	return true;
}
