/* SPDX-License-Identifier: Apache-2.0
 *
 * NFS on ONC RPC: RFC 5531 9 (calls and replies), 11 (records on TCP); versions 2 and 3: RFC 1094
 * 2.2, RFC 1813 3.3. The compounds of version 4 are nfs4.c's.
 *
 * A call and its reply are a transaction, by xid; reads and writes of one file are one transaction
 * that carries the file. A record is worked on when all of it is there, but a write or the reply to
 * a read as soon as its data begin: they go to the file as they come.
 */
#include "sensor/app/nfs_priv.h"

enum {
	RPC_VERSION = 2,
	RPC_NFS = 100003,
	RPC_PROGRAM_FIRST = 100000, /* programs that a call on NFS's port may be about */
	RPC_PROGRAM_LAST = 100300,
	AUTH_UNIX = 1,
	AUTH_GSS = 6,
	GSS_INTEGRITY = 2,
	LAST_FRAGMENT = 0x80,
	CALL_BYTES = 24, /* of a call in front of its credentials */
	REPLY_BYTES = 8, /* of a reply in front of what it says */
};

enum { FRAME_RPC_PDU, FRAME_RPC_HDR, FRAME_RPC_DATA };

enum {
	V2_LOOKUP = 4,
	V2_READ = 6,
	V2_CREATE = 9,
	V2_REMOVE = 10,
	V2_RENAME = 11,
	V2_MKDIR = 14,
	V2_RMDIR = 15
};
enum {
	V3_LOOKUP = 3,
	V3_ACCESS = 4,
	V3_READ = 6,
	V3_WRITE = 7,
	V3_CREATE = 8,
	V3_MKDIR = 9,
	V3_REMOVE = 12,
	V3_RMDIR = 13,
	V3_RENAME = 14,
	V3_READDIRPLUS = 17,
	V3_COMMIT = 21
};

/* --- calls --- */

static struct slice handle_name(struct cursor *c, struct nfs_call *k)
{
	k->handle = app_nfs_handle(c, k->version);
	return app_nfs_opaque(c, NFS_NAME_MAX);
}

static bool is_rename(const struct nfs_call *k)
{
	return k->procedure == (k->version == 2 ? (uint32_t)V2_RENAME : (uint32_t)V3_RENAME);
}

static bool takes_name(const struct nfs_call *k)
{
	if (k->version == 2)
		return k->procedure == V2_LOOKUP || k->procedure == V2_CREATE ||
		       k->procedure == V2_REMOVE || k->procedure == V2_RENAME ||
		       k->procedure == V2_MKDIR || k->procedure == V2_RMDIR;
	return k->procedure == V3_LOOKUP || k->procedure == V3_CREATE ||
	       k->procedure == V3_REMOVE || k->procedure == V3_RENAME || k->procedure == V3_MKDIR ||
	       k->procedure == V3_RMDIR;
}

/* A write's data. False: more of the record must be there. */
static bool call_write(struct nfs_call *k, struct cursor *c, uint64_t whole_left)
{
	struct nfs *s = k->f->parser;
	size_t had = cursor_left(c);
	uint64_t offset, room;
	uint32_t length;
	struct app_tx *tx;

	k->handle = app_nfs_handle(c, k->version);
	offset = cursor_be64(c);
	(void)cursor_be64(c); /* count, stable */
	length = cursor_be32(c);
	if (!cursor_ok(c)) {
		if (had < whole_left)
			return false;
		nfs_anomaly(k->f->last, NFS_MALFORMED);
		return true;
	}
	room = whole_left - (had - cursor_left(c));
	k->name = app_nfs_name_of(s, k->handle);
	tx = app_nfs_file_get(k, APP_TO_SERVER);
	if (tx != NULL)
		app_nfs_chunk(k, tx, offset, length, cursor_rest(c), room);
	else
		s->side[APP_TO_SERVER].skip = room - cursor_left(c);
	app_nfs_open_add(k, 0);
	return true;
}

static void call_read(struct nfs_call *k, struct cursor *c)
{
	uint64_t offset;
	struct app_tx *tx;

	k->handle = app_nfs_handle(c, k->version);
	offset = k->version == 2 ? cursor_be32(c) : cursor_be64(c);
	if (!cursor_ok(c)) {
		nfs_anomaly(k->f->last, NFS_MALFORMED);
		return;
	}
	k->name = app_nfs_name_of(k->f->parser, k->handle);
	tx = app_nfs_file_get(k, APP_TO_CLIENT);
	if (tx != NULL)
		app_tx_advance(tx, APP_TO_SERVER, 1);
	app_nfs_open_add(k, offset);
}

static void call_commit(struct nfs_call *k, struct cursor *c)
{
	struct app_tx *tx;

	k->handle = app_nfs_handle(c, k->version);
	tx = cursor_ok(c) ? app_nfs_file_find(k->f, k->handle, APP_TO_SERVER) : NULL;
	if (tx != NULL) {
		struct nfs_tx *d = tx->data;

		d->chunks++;
		d->last_xid = k->xid;
		d->answered_by_commit = true;
		app_transfer_close(&d->transfer);
		d->last = true;
		app_tx_advance(tx, APP_TO_SERVER, 1);
	}
	app_nfs_open_add(k, 0);
}

/* False: more of the record must be there. */
static bool call(struct nfs_call *k, struct cursor *c, uint64_t whole_left)
{
	bool all = cursor_left(c) == whole_left;
	struct app_tx *tx;

	if (k->version == 4)
		return app_nfs4_call(k, c, whole_left);
	/* Suricata takes files from reads only in version 2 */
	if (k->version == 3 && k->procedure == V3_WRITE)
		return call_write(k, c, whole_left);
	if (!all)
		return false;
	if (k->procedure == V3_READ) { /* the same in version 2 */
		call_read(k, c);
		return true;
	}
	if (k->version == 3 && k->procedure == V3_COMMIT) {
		call_commit(k, c);
		return true;
	}
	if (takes_name(k)) {
		k->name = handle_name(c, k);
		if (is_rename(k)) {
			(void)app_nfs_handle(c, k->version);
			k->to = app_nfs_opaque(c, NFS_NAME_MAX);
		}
	} else if (k->procedure != 0) {
		k->handle = app_nfs_handle(c, k->version);
		k->name = app_nfs_name_of(k->f->parser, k->handle);
	}
	tx = app_nfs_tx_new(k);
	if (tx == NULL)
		return true;
	app_tx_advance(tx, APP_TO_SERVER, 1);
	if (!cursor_ok(c))
		nfs_anomaly(tx, NFS_MALFORMED);
	app_nfs_open_add(k, 0);
	return true;
}

/* --- replies --- */

/* RFC 1813 2.6: attributes that may be there. */
static void attributes(struct cursor *c)
{
	if (cursor_be32(c) != 0)
		(void)cursor_take(c, 84);
}

/* False: more of the record must be there. */
static bool reply_read(struct nfs_call *k, const struct nfs_open *o, struct cursor *c,
		       uint64_t whole_left, uint32_t accepted)
{
	struct nfs *s = k->f->parser;
	size_t had = cursor_left(c);
	uint32_t status = cursor_be32(c), length;
	uint64_t room, size = 0;
	bool last = false;
	struct app_tx *tx;
	struct nfs_tx *d;

	if (cursor_ok(c) && status != 0)
		return had == whole_left;
	if (k->version == 2) {
		(void)cursor_take(c, 20);
		size = cursor_be32(c);
		(void)cursor_take(c, 44);
		length = cursor_be32(c);
		last = o->offset + length >= size;
	} else {
		attributes(c);
		(void)cursor_be32(c); /* count */
		last = cursor_be32(c) != 0;
		length = cursor_be32(c);
	}
	if (!cursor_ok(c)) {
		if (had < whole_left)
			return false;
		nfs_anomaly(k->f->last, NFS_MALFORMED);
		return true;
	}
	room = whole_left - (had - cursor_left(c));
	if (last && cursor_left(c) < room && cursor_left(c) < length && room <= NFS_RECORD_HELD)
		return false; /* the file ends with it */
	tx = app_nfs_file_get(k, APP_TO_CLIENT);
	if (tx == NULL) {
		s->side[APP_TO_CLIENT].skip = room - cursor_left(c);
		return true;
	}
	d = tx->data;
	d->has_reply = true;
	d->rpc_status = accepted;
	d->status = status;
	app_nfs_chunk(k, tx, o->offset, length, cursor_rest(c), room);
	if (last)
		app_nfs_file_end(tx);
	return true;
}

/* The handle that a lookup or create gave gets its name. */
static void learn(const struct nfs_call *k, const struct nfs_open *o, struct cursor *c)
{
	struct slice name = nfs_part(o->name, o->name_len), handle;

	if (cursor_be32(c) != 0 || name.len == 0)
		return;
	if (k->version == 2 && (o->procedure == V2_LOOKUP || o->procedure == V2_CREATE)) {
		handle = cursor_take(c, 32);
	} else if (k->version == 3 && o->procedure == V3_LOOKUP) {
		handle = app_nfs_opaque(c, NFS_HANDLE_MAX);
	} else if (k->version == 3 && o->procedure == V3_CREATE) {
		if (cursor_be32(c) == 0)
			return;
		handle = app_nfs_opaque(c, NFS_HANDLE_MAX);
	} else {
		return;
	}
	if (cursor_ok(c))
		app_nfs_name_add(k->f, handle, name);
}

/* False: more of the record must be there. */
static bool reply(struct app_flow *f, struct cursor *c, uint32_t xid, uint64_t whole_left)
{
	const struct nfs *s = f->parser;
	size_t had = cursor_left(c);
	uint32_t denied = cursor_be32(c), status = 0;
	struct nfs_open *o = app_nfs_open_find(s, xid);
	struct nfs_call k = {.f = f, .xid = xid};
	struct cursor look;

	if (denied == 0) {
		(void)cursor_be32(c);
		(void)app_nfs_opaque(c, 400); /* verifier: RFC 5531 8.2 */
		(void)cursor_be32(c);	      /* accept state */
	}
	if (!cursor_ok(c) && had < whole_left)
		return false;
	if (o == NULL || !cursor_ok(c) || denied != 0) {
		if (had < whole_left)
			return false;
		if (denied != 0)
			app_nfs_answered(f, xid, denied, 0);
		return true;
	}
	whole_left -= had - cursor_left(c);
	k.version = o->version;
	k.procedure = o->procedure;
	k.handle = nfs_part(o->handle, o->handle_len);
	k.name = nfs_part(o->name, o->name_len);
	k.integrity = o->integrity;
	if (k.version == 4) {
		if (!app_nfs4_reply(&k, o, c, whole_left, denied))
			return false;
	} else if (k.procedure == V3_READ) {
		if (!reply_read(&k, o, c, whole_left, denied))
			return false;
	} else {
		if (cursor_left(c) < whole_left)
			return false;
		look = *c;
		status = cursor_be32(&look);
		learn(&k, o, c);
		app_nfs_answered(f, xid, denied, status);
	}
	o->used = false;
	return true;
}

/* --- records --- */

static bool read_call(struct cursor *c, struct nfs_call *k, uint32_t *out_program)
{
	struct cursor creds;
	uint32_t rpc = cursor_be32(c), size, procedure;

	*out_program = cursor_be32(c);
	k->version = cursor_be32(c);
	k->procedure = cursor_be32(c);
	k->who.flavor = cursor_be32(c);
	size = cursor_be32(c);
	creds = cursor_sub(c, size);
	if (k->who.flavor == AUTH_GSS) { /* RFC 2203 5: version, procedure, number, service */
		(void)cursor_be32(&creds);
		procedure = cursor_be32(&creds);
		(void)cursor_be32(&creds);
		k->integrity = cursor_be32(&creds) == GSS_INTEGRITY && procedure == 0;
	}
	if (k->who.flavor == AUTH_UNIX) {
		(void)cursor_be32(&creds); /* stamp */
		k->who.machine = app_nfs_opaque(&creds, 255);
		k->who.uid = cursor_be32(&creds);
		k->who.gid = cursor_be32(&creds);
	}
	(void)cursor_be32(c); /* verifier */
	(void)app_nfs_opaque(c, 400);
	return cursor_ok(c) && rpc == RPC_VERSION;
}

/* Of a record of `whole` bytes at `at` of the input, `mark` of which are TCP's. */
static void frames_open(struct app_flow *f, enum app_dir dir, size_t at, size_t mark, size_t whole)
{
	size_t head = mark + (dir == APP_TO_SERVER ? CALL_BYTES : REPLY_BYTES);

	if (whole < head)
		return;
	(void)app_frame_open(f, dir, FRAME_RPC_PDU, at, (int64_t)whole, NULL);
	(void)app_frame_open(f, dir, FRAME_RPC_HDR, at, (int64_t)head, NULL);
	(void)app_frame_open(f, dir, FRAME_RPC_DATA, at + head, (int64_t)(whole - head), NULL);
}

/* A record of `whole` bytes, `have` of them. False: more must be there. */
static bool record(struct app_flow *f, enum app_dir dir, struct slice have, uint64_t whole)
{
	struct nfs *s = f->parser;
	struct cursor c = cursor_of(have);
	bool all = have.len == whole;
	struct nfs_call k = {.f = f, .xid = cursor_be32(&c)};
	uint32_t type = cursor_be32(&c), program;

	if (!cursor_ok(&c))
		return all;
	if (dir == APP_TO_CLIENT) {
		if (type != 1) {
			nfs_anomaly(f->last, NFS_MALFORMED);
			return all;
		}
		return reply(f, &c, k.xid, whole - (have.len - cursor_left(&c)));
	}
	if (type != 0 || !read_call(&c, &k, &program)) {
		if (!all)
			return false;
		nfs_anomaly(f->last, NFS_MALFORMED);
		return true;
	}
	if (program != RPC_NFS || k.version < 2 || k.version > 4)
		return all;
	s->version = k.version;
	return call(&k, &c, whole - (have.len - cursor_left(&c)));
}

static size_t run_on(struct app_flow *f, enum app_dir dir, struct slice in)
{
	struct nfs *s = f->parser;
	struct nfs_side *side = &s->side[dir];
	size_t used = in.len < side->file_left ? in.len : (size_t)side->file_left, n;

	if (used != 0) {
		for (struct app_tx *tx = f->first; tx != NULL; tx = tx->next)
			if (tx->id == side->file_tx && nfs_is_open(tx))
				app_transfer_data(&((struct nfs_tx *)tx->data)->transfer,
						  slice_part(in, 0, used));
		side->file_left -= used;
	}
	if (side->file_left == 0) {
		n = in.len - used < side->skip ? in.len - used : (size_t)side->skip;
		side->skip -= n;
		used += n;
	}
	return used;
}

/* Could a record of TCP start here? */
static bool starts_record(struct slice in, enum app_dir dir)
{
	struct cursor c = cursor_of(in);
	uint32_t mark = cursor_be32(&c), type;

	(void)cursor_be32(&c);
	type = cursor_be32(&c);
	return cursor_ok(&c) && (mark & 0x7fffffff) >= 8 && (mark & 0x7fffffff) < 4 << 20 &&
	       type == (dir == APP_TO_SERVER ? 0 : 1);
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct nfs *s = f->parser;
	struct nfs_side *side = &s->side[dir];
	size_t at = 0;

	(void)eof; /* a record cut short says nothing */
	if (f->transport == APP_UDP) {
		if (input.len != 0)
			(void)record(f, dir, input, input.len);
		frames_open(f, dir, 0, 0, input.len);
		side->file_left = side->skip = 0;
		return (struct app_result){APP_OK, input.len};
	}
	while (at < input.len) {
		struct slice in = slice_from(input, at), have;
		struct cursor c = cursor_of(in);
		uint32_t mark;
		size_t length;

		if (side->file_left != 0 || side->skip != 0) {
			at += run_on(f, dir, in);
			continue;
		}
		mark = cursor_be32(&c);
		if (!cursor_ok(&c) || (side->lost && in.len < 12))
			break;
		if (side->lost && !starts_record(in, dir)) {
			at++;
			continue;
		}
		side->lost = false;
		length = mark & 0x7fffffff;
		have = slice_part(in, 4, length);
		if (length > NFS_RECORD_HELD) { /* its head says whether it is a file's */
			if (have.len < NFS_RECORD_HEAD)
				break;
			have.len = NFS_RECORD_HEAD;
		}
		if (record(f, dir, have, length)) {
			frames_open(f, dir, at, 4, 4 + length);
			at += 4 + have.len;
		} else if (length > NFS_RECORD_HELD) {
			side->skip = length;
			at += 4;
		} else {
			break;
		}
	}
	return (struct app_result){APP_OK, at};
}

static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	struct nfs *s = f->parser;
	struct nfs_side *side = &s->side[dir];
	uint64_t n = side->file_left < missing ? side->file_left : missing;

	for (struct app_tx *tx = f->first; tx != NULL && n != 0; tx = tx->next)
		if (tx->id == side->file_tx && nfs_is_open(tx))
			app_transfer_gap(&((struct nfs_tx *)tx->data)->transfer, n);
	side->file_left -= n;
	missing -= n;
	n = side->skip < missing ? side->skip : missing;
	side->skip -= n;
	side->lost |= missing != n || app_held_bytes(f, dir) != 0;
	return true;
}

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	struct cursor c = cursor_of(in);
	uint32_t type, rpc, program;

	if (!port_hint)
		return APP_NO;
	if (f->transport == APP_TCP) {
		if (in.len != 0 && (in.ptr[0] & LAST_FRAGMENT) == 0)
			return APP_NO;
		(void)cursor_be32(&c);
	}
	(void)cursor_be32(&c);
	type = cursor_be32(&c);
	if (!cursor_ok(&c))
		return f->transport == APP_TCP ? APP_NEED_MORE : APP_NO;
	if (dir == APP_TO_CLIENT)
		return type == 1 ? APP_YES : APP_NO;
	if (type != 0)
		return APP_NO;
	rpc = cursor_be32(&c);
	program = cursor_be32(&c);
	if (!cursor_ok(&c))
		return f->transport == APP_TCP ? APP_NEED_MORE : APP_NO;
	return rpc == RPC_VERSION && program >= RPC_PROGRAM_FIRST && program <= RPC_PROGRAM_LAST
		       ? APP_YES
		       : APP_NO;
}

/* --- what rules look at --- */

#define BOTH (1u << APP_TO_SERVER | 1u << APP_TO_CLIENT)

static struct slice get_procedure(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return app_number(&((struct nfs_tx *)tx->data)->procedure);
}

static struct slice get_version(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return app_number(&((struct nfs_tx *)tx->data)->version);
}

static const struct app_field fields[] = {
	{"nfs_procedure", BOTH, 0, false, false, get_procedure, "The procedure called.",
	 APP_NUMBERS, NULL, NULL, true},
	{"nfs_version", BOTH, 0, false, false, get_version, "The protocol's version.", APP_NUMBERS,
	 NULL, NULL, true},
	{0},
};

static const char *const anomalies[] = {
	[NFS_MALFORMED] = "malformed_data",
	[NFS_TOO_MANY] = "too_many_transactions",
	NULL,
};

static const char *const frames[] = {[FRAME_RPC_PDU] = "rpc.pdu",
				     [FRAME_RPC_HDR] = "rpc.hdr",
				     [FRAME_RPC_DATA] = "rpc.data",
				     NULL};

static const uint16_t ports[] = {2049, 0};

APP_PROTOCOL(nfs) = {
	.name = "nfs",
	.spec = "RFC 5531, RFC 1094, RFC 1813",
	.transports = APP_TCP | APP_UDP,
	.ports = ports,
	.files = BOTH,
	.fields = fields,
	.anomalies = anomalies,
	.frames = frames,
	.complete = {1, 1},
	.parser_bytes = sizeof(struct nfs),
	.probe = probe,
	.parse = parse,
	.gap = gap,
	.log = app_nfs_log,
};
