/* SPDX-License-Identifier: Apache-2.0
 *
 *  1. file->size == tracked while the file is not truncated.
 *  2. A waiting piece starts behind `tracked`; when it is reached it is given on and its room is
 *     free for another, so that a long transfer out of order needs the memory of its worst moment.
 *  3. `piece` is not NULL only while left != 0.
 */
#include "sensor/app/transfer_priv.h"

struct app_piece {
	struct app_piece *next;
	uint64_t offset;
	uint64_t lost; /* bytes of it that never came: then it is a hole of that size at its end */
	struct buf bytes;
	bool waiting;
};

static struct app_piece *piece_new(struct app_transfer *t, uint64_t offset)
{
	struct app_piece *p = t->pieces;

	while (p != NULL && p->waiting)
		p = p->next;
	if (p == NULL) {
		if (t->piece_count == TRANSFER_PIECES_MAX)
			return NULL;
		p = ARENA_NEW(&t->tx->arena, struct app_piece);
		if (p == NULL)
			return NULL;
		p->bytes = buf_in(&t->tx->arena);
		p->next = t->pieces;
		t->pieces = p;
		t->piece_count++;
	}
	p->offset = offset;
	p->bytes.len = 0;
	p->lost = 0;
	p->waiting = true;
	t->waiting_count++;
	return p;
}

static void give(struct app_transfer *t, struct slice bytes)
{
	if (t->file != NULL && !t->truncated)
		file_data(t->file, bytes);
	t->tracked += bytes.len;
}

static void give_gap(struct app_transfer *t, uint64_t missing)
{
	if (t->file != NULL && !t->truncated && missing != 0)
		file_gap(t->file, missing);
	t->tracked += missing;
}

static void piece_give(struct app_transfer *t, struct app_piece *p)
{
	uint64_t seen = t->tracked - p->offset;
	struct slice bytes = buf_slice(&p->bytes);

	if (seen < bytes.len) {
		give(t, slice_from(bytes, (size_t)seen));
		give_gap(t, p->lost);
	} else if (seen - bytes.len < p->lost) {
		give_gap(t, p->lost - (seen - bytes.len));
	}
	t->waiting -= bytes.len;
	t->waiting_count--;
	p->waiting = false;
}

/* Gives on every piece whose turn has come. */
static void catch_up(struct app_transfer *t)
{
	struct app_piece *p = t->pieces;

	while (p != NULL) {
		if (p->waiting && p != t->piece && p->offset <= t->tracked) {
			piece_give(t, p);
			p = t->pieces;
		} else {
			p = p->next;
		}
	}
}

static void truncate_file(struct app_transfer *t)
{
	if (t->truncated || !t->open)
		return;
	if (t->file != NULL)
		file_close(t->file, FILE_TRUNCATED);
	t->truncated = true;
}

bool app_transfer_chunk(struct app_transfer *t, struct slice name, uint64_t offset, uint64_t length)
{
	bool overlap = offset < t->tracked;

	if (t->left != 0)
		truncate_file(t);
	t->piece = NULL;
	t->left = length;
	if (!t->open) {
		t->file = app_file_open(t->flow, t->tx, t->dir, name);
		t->open = true;
		t->truncated = false;
	}
	t->behind = overlap;
	if (offset > t->tracked && length != 0) {
		t->piece = piece_new(t, offset);
		t->behind = t->piece == NULL;
		if (t->piece == NULL)
			truncate_file(t);
	}
	return overlap;
}

static void chunk_done(struct app_transfer *t)
{
	t->piece = NULL;
	catch_up(t);
}

void app_transfer_data(struct app_transfer *t, struct slice bytes)
{
	bytes = slice_part(bytes, 0, t->left > SIZE_MAX ? SIZE_MAX : (size_t)t->left);
	if (bytes.len == 0)
		return;
	t->left -= bytes.len;
	if (t->piece != NULL && t->piece->lost == 0) {
		if (t->waiting + bytes.len > TRANSFER_WAITING_MAX) {
			truncate_file(t);
		} else {
			size_t had = t->piece->bytes.len;

			buf_add(&t->piece->bytes, bytes);
			t->waiting += t->piece->bytes.len - had;
			if (t->piece->bytes.len == had)
				truncate_file(t);
		}
	} else if (t->piece != NULL) { /* behind a hole of its own: the hole goes on */
		t->piece->lost += bytes.len;
	} else if (!t->behind) {
		give(t, bytes);
	}
	if (t->left == 0)
		chunk_done(t);
}

void app_transfer_gap(struct app_transfer *t, uint64_t missing)
{
	if (missing > t->left)
		missing = t->left;
	if (missing == 0)
		return;
	t->left -= missing;
	if (t->piece != NULL)
		t->piece->lost += missing;
	else if (!t->behind)
		give_gap(t, missing);
	if (t->left == 0)
		chunk_done(t);
}

void app_transfer_close(struct app_transfer *t)
{
	if (t->open && !t->truncated && t->file != NULL)
		file_close(t->file, FILE_CLOSED);
	t->open = false;
	t->left = 0;
	t->piece = NULL;
}
