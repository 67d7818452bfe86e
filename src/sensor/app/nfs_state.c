/* SPDX-License-Identifier: Apache-2.0
 *
 * What is remembered of a flow of NFS: names of handles, calls that await their replies, and the
 * transactions of calls and of files.
 */
#include "sensor/app/nfs_priv.h"

/* --- remembered --- */

static void keep(uint8_t *to, uint8_t *out_len, size_t most, struct slice s)
{
	s = slice_part(s, 0, most);
	if (s.len != 0)
		memcpy(to, s.ptr, s.len);
	*out_len = (uint8_t)s.len;
}

/* NULL: none has that handle. */
static struct nfs_name *name_find(const struct nfs *s, struct slice handle)
{
	for (uint32_t i = 0; handle.len != 0 && i < s->name_count; i++)
		if (slice_equal(nfs_part(s->names[i].handle, s->names[i].handle_len), handle))
			return &s->names[i];
	return NULL;
}

struct slice app_nfs_name_of(const struct nfs *s, struct slice handle)
{
	const struct nfs_name *n = name_find(s, handle);

	return n != NULL ? nfs_part(n->name, n->name_len) : (struct slice){NULL, 0};
}

void app_nfs_name_add(struct app_flow *f, struct slice handle, struct slice name)
{
	struct nfs *s = f->parser;
	struct nfs_name *n;

	if (handle.len == 0 || handle.len > NFS_HANDLE_MAX)
		return;
	if (s->names == NULL)
		s->names = ARENA_ARRAY(f->arena, struct nfs_name, NFS_NAMES_MAX);
	if (s->names == NULL)
		return;
	n = name_find(s, handle);
	if (n == NULL && s->name_count < NFS_NAMES_MAX)
		n = &s->names[s->name_count++];
	if (n == NULL) {
		n = &s->names[s->name_hand];
		s->name_hand = (s->name_hand + 1) % NFS_NAMES_MAX;
	}
	keep(n->handle, &n->handle_len, NFS_HANDLE_MAX, handle);
	keep(n->name, &n->name_len, NFS_NAME_MAX, name);
}

void app_nfs_open_add(const struct nfs_call *c, uint64_t offset)
{
	struct nfs *s = c->f->parser;
	struct nfs_open *o;

	if (s->open == NULL)
		s->open = ARENA_ARRAY(c->f->arena, struct nfs_open, NFS_OPEN_MAX);
	if (s->open == NULL)
		return;
	o = &s->open[s->open_hand];
	s->open_hand = (s->open_hand + 1) % NFS_OPEN_MAX;
	*o = (struct nfs_open){.used = true,
			       .xid = c->xid,
			       .version = c->version,
			       .procedure = c->procedure,
			       .integrity = c->integrity,
			       .offset = offset};
	keep(o->handle, &o->handle_len, NFS_HANDLE_MAX, c->handle);
	keep(o->name, &o->name_len, NFS_NAME_MAX, c->name);
}

struct nfs_open *app_nfs_open_find(const struct nfs *s, uint32_t xid)
{
	for (uint32_t i = 0; s->open != NULL && i < NFS_OPEN_MAX; i++)
		if (s->open[i].used && s->open[i].xid == xid)
			return &s->open[i];
	return NULL;
}

/* --- transactions --- */

static void complete(struct app_tx *tx)
{
	app_tx_advance(tx, APP_TO_SERVER, 1);
	app_tx_advance(tx, APP_TO_CLIENT, 1);
}

struct app_tx *app_nfs_tx_new(const struct nfs_call *c)
{
	struct app_tx *tx;
	struct nfs_tx *d;

	if (c->f->open_txs >= APP_TXS_MAX - 1)
		for (tx = c->f->first; tx != NULL; tx = tx->next) {
			if (!nfs_is_open(tx))
				continue;
			complete(tx);
			nfs_anomaly(tx, NFS_TOO_MANY);
			break;
		}
	tx = app_tx_new(c->f, sizeof *d);
	if (tx == NULL)
		return NULL;
	d = tx->data;
	d->xid = c->xid;
	d->version = c->version;
	d->procedure = c->procedure;
	d->who = c->who;
	d->who.machine = arena_copy(&tx->arena, c->who.machine);
	d->handle = arena_copy(&tx->arena, c->handle);
	d->name = arena_copy(&tx->arena, c->name);
	d->to = arena_copy(&tx->arena, c->to);
	return tx;
}

struct app_tx *app_nfs_file_find(struct app_flow *f, struct slice handle, enum app_dir dir)
{
	for (struct app_tx *tx = f->first; tx != NULL; tx = tx->next) {
		const struct nfs_tx *d = tx->data;

		if (nfs_is_open(tx) && d->is_file && d->dir == dir &&
		    slice_equal(d->handle, handle))
			return tx;
	}
	return NULL;
}

struct app_tx *app_nfs_file_get(const struct nfs_call *c, enum app_dir dir)
{
	struct app_tx *tx = app_nfs_file_find(c->f, c->handle, dir);
	struct nfs_tx *d;

	if (tx != NULL)
		return tx;
	tx = app_nfs_tx_new(c);
	if (tx == NULL)
		return NULL;
	d = tx->data;
	d->is_file = d->first = true;
	d->dir = dir;
	d->transfer = (struct app_transfer){.flow = c->f, .tx = tx, .dir = dir};
	return tx;
}

/* A chunk of `length` bytes begins with `data`; room: what the record has of data and padding. */
void app_nfs_chunk(const struct nfs_call *c, struct app_tx *tx, uint64_t offset, uint64_t length,
		   struct slice data, uint64_t room)
{
	struct nfs *s = c->f->parser;
	struct nfs_tx *d = tx->data;
	struct nfs_side *side = &s->side[d->dir];
	struct slice body;

	if (length > room)
		length = room;
	body = slice_part(data, 0, (size_t)(length < data.len ? length : data.len));
	d->chunks++;
	d->last_xid = c->xid;
	(void)app_transfer_chunk(&d->transfer, d->name, offset, length);
	app_transfer_data(&d->transfer, body);
	side->file_tx = tx->id;
	side->file_left = length - body.len;
	side->skip = room - data.len - side->file_left;
}

void app_nfs_file_end(struct app_tx *tx)
{
	struct nfs_tx *d = tx->data;

	d->last = true;
	app_transfer_close(&d->transfer);
	complete(tx);
}

void app_nfs_answered(struct app_flow *f, uint32_t xid, uint32_t accepted, uint32_t status)
{
	for (struct app_tx *tx = f->first; tx != NULL; tx = tx->next) {
		struct nfs_tx *d = tx->data;
		bool commit = d->is_file && d->answered_by_commit && d->last_xid == xid;

		if (!nfs_is_open(tx) || (d->is_file && !commit) || (!d->is_file && d->xid != xid))
			continue;
		d->has_reply = true;
		d->rpc_status = accepted;
		d->status = status;
		complete(tx);
		return;
	}
}

/* --- XDR --- */

/* RFC 4506 4.10: a length and bytes up to a multiple of four. */
struct slice app_nfs_opaque(struct cursor *c, size_t most)
{
	size_t n = cursor_be32(c);
	struct slice s = cursor_take(c, n > most ? SIZE_MAX : n);

	(void)cursor_take(c, (4 - n % 4) % 4);
	return cursor_ok(c) ? s : (struct slice){NULL, 0};
}

struct slice app_nfs_handle(struct cursor *c, uint32_t version)
{
	return version == 2 ? cursor_take(c, 32) : app_nfs_opaque(c, NFS_HANDLE_MAX);
}
