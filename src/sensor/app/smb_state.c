/* SPDX-License-Identifier: Apache-2.0
 *
 * What a conversation must remember: at most SMB_SLOTS_MAX things, the oldest making room for the
 * next, each slot's memory used again. So a flow's memory is bounded by its worst moment, however
 * long it lasts.
 *
 * Transactions are searched among the open ones only: which of the closed ones still are in the
 * list depends on how the bytes were cut.
 */
#include "sensor/app/smb_priv.h"

static uint64_t mix(uint64_t h, uint64_t v)
{
	return (h ^ v) * UINT64_C(0x9e3779b97f4a7c15) >> 7 ^ h << 13;
}

static struct smb_slot *const *bucket_of(const struct smb *s, const struct smb_key *k)
{
	uint64_t h = mix(k->kind, k->id.session);

	h = mix(h, k->id.message);
	h = mix(h, k->id.tree);
	for (size_t i = 0; i < k->fid.len; i++)
		h = mix(h, k->fid.bytes[i]);
	return &s->bucket[(h ^ h >> 32) % SMB_BUCKETS];
}

bool app_smb_fid_equal(const struct smb_fid *a, const struct smb_fid *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static bool id_equal(const struct smb_id *a, const struct smb_id *b)
{
	return a->session == b->session && a->message == b->message && a->tree == b->tree;
}

struct smb_slot *app_smb_find(const struct smb *s, const struct smb_key *k)
{
	for (struct smb_slot *i = *bucket_of(s, k); i != NULL; i = i->next)
		if (i->key.kind == k->kind && id_equal(&i->key.id, &k->id) &&
		    app_smb_fid_equal(&i->key.fid, &k->fid))
			return i;
	return NULL;
}

static void unlink_slot(struct smb *s, struct smb_slot *slot)
{
	struct smb_slot **at = &s->bucket[bucket_of(s, &slot->key) - s->bucket];

	while (*at != slot)
		at = &(*at)->next;
	*at = slot->next;
	slot->used = false;
}

void app_smb_forget(struct smb *s, const struct smb_key *k)
{
	struct smb_slot *slot = app_smb_find(s, k);

	if (slot != NULL)
		unlink_slot(s, slot);
}

/* A slot that is not in use: a new one, or the one that has been there for longest. */
static struct smb_slot *slot_free(struct app_flow *f)
{
	struct smb *s = f->parser;
	struct smb_slot *slot;

	if (s->slots == NULL) {
		s->slots = ARENA_ARRAY(f->arena, struct smb_slot *, SMB_SLOTS_MAX);
		if (s->slots == NULL)
			return NULL;
	}
	if (s->slot_count < SMB_SLOTS_MAX) {
		slot = ARENA_NEW(f->arena, struct smb_slot);
		if (slot != NULL)
			s->slots[s->slot_count++] = slot;
		return slot;
	}
	slot = s->slots[s->hand];
	s->hand = (s->hand + 1) % SMB_SLOTS_MAX;
	if (slot->used)
		unlink_slot(s, slot);
	return slot;
}

struct smb_slot *app_smb_remember(struct app_flow *f, const struct smb_key *k, struct slice name)
{
	struct smb *s = f->parser;
	struct smb_slot *slot = app_smb_find(s, k), **bucket;

	if (slot == NULL) {
		slot = slot_free(f);
		if (slot == NULL)
			return NULL;
		slot->key = *k;
		slot->used = true;
		bucket = &s->bucket[bucket_of(s, k) - s->bucket];
		slot->next = *bucket;
		*bucket = slot;
	}
	name = slice_part(name, 0, SMB_NAME_MAX);
	if (name.len > slot->room) {
		size_t room = name.len < 64 ? 64 : name.len < 256 ? 256 : SMB_NAME_MAX;
		uint8_t *ptr = ARENA_ARRAY(f->arena, uint8_t, room);

		if (ptr != NULL) {
			slot->ptr = ptr;
			slot->room = (uint16_t)room;
		}
	}
	slot->len = (uint16_t)(name.len < slot->room ? name.len : slot->room);
	if (slot->len != 0)
		memcpy(slot->ptr, name.ptr, slot->len);
	slot->offset = 0;
	slot->pipe = false;
	slot->fid = (struct smb_fid){0};
	return slot;
}

void app_smb_name_move(struct app_flow *f, const struct smb_key *from, const struct smb_key *to)
{
	const struct smb_slot *slot = app_smb_find(f->parser, from);
	uint8_t room[SMB_NAME_MAX];
	struct slice name = {room, 0};

	if (slot == NULL)
		return;
	name.len = slot->len; /* a copy: its slot may be used for the new one */
	if (slot->len != 0)
		memcpy(room, slot->ptr, slot->len);
	app_smb_forget(f->parser, from);
	(void)app_smb_remember(f, to, name);
}

struct slice app_smb_slot_name(const struct smb_slot *slot)
{
	return slot == NULL ? (struct slice){NULL, 0} : (struct slice){slot->ptr, slot->len};
}

struct smb_fid app_smb_fid(struct slice bytes)
{
	struct smb_fid fid = {.len = (uint8_t)(bytes.len < 16 ? bytes.len : 16)};

	if (fid.len != 0)
		memcpy(fid.bytes, bytes.ptr, fid.len);
	return fid;
}

uint64_t app_smb_seconds(uint64_t filetime)
{
	const uint64_t epoch = UINT64_C(116444736000000000);

	return filetime > epoch ? (uint32_t)((filetime - epoch) / 10000000) : 0;
}

struct slice app_smb_text(struct slice s, struct arena *a)
{
	uint8_t *out = ARENA_ARRAY(a, uint8_t, s.len + 1);
	size_t n = 0;

	if (out == NULL)
		return (struct slice){NULL, 0};
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] != 0)
			out[n++] = s.ptr[i];
	return (struct slice){out, n};
}

/* --- transactions --- */

static bool is_open(const struct app_tx *tx)
{
	return tx->progress[APP_TO_SERVER] == 0 || tx->progress[APP_TO_CLIENT] == 0;
}

/* Too many are open: the oldest will get no answer. */
static void make_room(struct app_flow *f)
{
	const struct smb_settings *set = f->own;
	uint32_t most = set != NULL ? set->tx_most : APP_TXS_MAX, open = 0;

	if (f->open_txs < most)
		return;
	for (struct app_tx *tx = f->first; tx != NULL; tx = tx->next)
		open += is_open(tx);
	for (struct app_tx *tx = f->first; tx != NULL && open >= most; tx = tx->next) {
		if (!is_open(tx))
			continue;
		app_smb_anomaly(tx, SMB_TOO_MANY_TRANSACTIONS);
		app_tx_advance(tx, APP_TO_SERVER, 1);
		app_tx_advance(tx, APP_TO_CLIENT, 1);
		open--;
	}
}

struct app_tx *app_smb_tx(struct app_flow *f, enum smb_about about, uint8_t version,
			  uint16_t command, struct smb_id id)
{
	struct app_tx *tx;
	struct smb_tx *d;

	make_room(f);
	tx = app_tx_new(f, sizeof(struct smb_tx));
	if (tx == NULL)
		return NULL;
	d = tx->data;
	d->smb = f->parser;
	d->about = about;
	d->version = version;
	d->command = command;
	d->id = id;
	if (about != SMB_ABOUT_FILE && about != SMB_ABOUT_PIPE)
		app_tx_advance(tx, APP_TO_SERVER, 1);
	return tx;
}

static bool same_message(const struct smb_tx *d, const struct smb_id *id)
{
	return d->id.session == id->session && d->id.message == id->message;
}

struct app_tx *app_smb_tx_of(struct app_flow *f, uint8_t version, uint16_t command,
			     struct smb_id id)
{
	for (struct app_tx *tx = f->first; tx != NULL; tx = tx->next) {
		const struct smb_tx *d = tx->data;

		if (is_open(tx) && d->version == version && d->command == command &&
		    d->about != SMB_ABOUT_FILE && d->about != SMB_ABOUT_PIPE &&
		    same_message(d, &id))
			return tx;
	}
	return NULL;
}

struct app_tx *app_smb_tx_about(struct app_flow *f, enum smb_about about, struct smb_id id)
{
	for (struct app_tx *tx = f->first; tx != NULL; tx = tx->next) {
		const struct smb_tx *d = tx->data;

		if (is_open(tx) && d->about == about &&
		    (id.session == UINT64_MAX || same_message(d, &id)))
			return tx;
	}
	return NULL;
}

struct app_tx *app_smb_tx_file(struct app_flow *f, const struct smb_fid *fid, enum app_dir dir)
{
	for (struct app_tx *tx = f->first; tx != NULL; tx = tx->next) {
		const struct smb_tx *d = tx->data;

		if (is_open(tx) && d->about == SMB_ABOUT_FILE && d->u.file.dir == dir &&
		    tx->progress[dir] == 0 && app_smb_fid_equal(&d->u.file.fid, fid))
			return tx;
	}
	return NULL;
}

struct app_tx *app_smb_tx_number(struct app_flow *f, uint64_t id)
{
	for (struct app_tx *tx = f->first; tx != NULL && tx->id <= id; tx = tx->next)
		if (tx->id == id)
			return is_open(tx) ? tx : NULL;
	return NULL;
}

void app_smb_tx_status(struct app_tx *tx, uint32_t status, bool dos)
{
	struct smb_tx *d = tx->data;

	d->has_status = true;
	d->dos = dos;
	d->dos_class = (uint8_t)status;
	d->status = dos ? status >> 16 : status;
}

void app_smb_anomaly(struct app_tx *tx, enum smb_anomaly a)
{
	if (tx != NULL)
		tx->anomalies |= UINT64_C(1) << a;
}

void app_smb_flow_anomaly(struct app_flow *f, enum smb_anomaly a)
{
	app_smb_anomaly(f->last, a);
}

/* --- files --- */

struct app_tx *app_smb_file_tx(struct app_flow *f, const struct smb_fid *fid, enum app_dir dir,
			       struct slice name, struct slice share, uint8_t version,
			       uint16_t command, struct smb_id id)
{
	struct app_tx *tx = app_smb_tx_file(f, fid, dir);
	struct smb_tx *d;

	if (tx != NULL)
		return tx;
	tx = app_smb_tx(f, SMB_ABOUT_FILE, version, command, id);
	if (tx == NULL)
		return NULL;
	d = tx->data;
	d->u.file.name = arena_copy(&tx->arena, name);
	d->u.file.share = arena_copy(&tx->arena, share);
	d->u.file.fid = *fid;
	d->u.file.dir = dir;
	d->u.file.transfer = (struct app_transfer){.flow = f, .tx = tx, .dir = dir};
	return tx;
}

static bool queue_full(const struct app_transfer *t, uint64_t length, uint64_t bytes,
		       uint64_t count)
{
	return (bytes != 0 && t->waiting + length > bytes) ||
	       (count != 0 && t->waiting_count >= count);
}

void app_smb_chunk(struct app_flow *f, struct app_tx *tx, uint64_t offset, uint64_t length,
		   struct slice data, uint64_t room)
{
	const struct smb_settings *set = f->own;
	struct smb *s = f->parser;
	struct smb_tx *d = tx->data;
	struct smb_side *side = &s->side[d->u.file.dir];
	struct app_transfer *t = &d->u.file.transfer;
	bool reads = d->u.file.dir == APP_TO_CLIENT;
	struct slice body;

	if (length > room)
		length = room;
	body = slice_part(data, 0, (size_t)(length < data.len ? length : data.len));
	if (set != NULL &&
	    queue_full(t, length, reads ? set->read_queue_bytes : set->write_queue_bytes,
		       reads ? set->read_queue_count : set->write_queue_count)) {
		bool bytes = t->waiting + length >
			     (reads ? set->read_queue_bytes : set->write_queue_bytes);

		app_smb_anomaly(tx, reads ? (bytes ? SMB_READ_QUEUE_SIZE : SMB_READ_QUEUE_COUNT)
					  : (bytes ? SMB_WRITE_QUEUE_SIZE : SMB_WRITE_QUEUE_COUNT));
		side->skip = room - data.len;
		return;
	}
	if (app_transfer_chunk(t, d->u.file.name, offset, length))
		app_smb_anomaly(tx, SMB_OVERLAP);
	app_transfer_data(t, body);
	side->file_tx = tx->id;
	side->file_left = length - body.len;
	side->skip = room - data.len - side->file_left;
}

void app_smb_file_close(struct app_tx *tx)
{
	struct smb_tx *d = tx->data;

	if (tx->progress[d->u.file.dir] == 0)
		app_transfer_close(&d->u.file.transfer);
	app_tx_advance(tx, APP_TO_SERVER, 1);
	app_tx_advance(tx, APP_TO_CLIENT, 1);
}
