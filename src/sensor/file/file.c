/* SPDX-License-Identifier: Apache-2.0
 * The life of a file. */
#include "sensor/file/file.h"

struct file *file_open(struct file_set *set, const struct file_setup *setup, struct arena *a,
		       struct slice name)
{
	struct file *f = set->count < FILE_PER_TX_MAX ? ARENA_NEW(a, struct file) : NULL;

	if (f == NULL)
		return NULL;
	f->name = arena_copy(a, slice_part(name, 0, FILE_NAME_MAX));
	f->setup = setup;
	f->arena = a;
	f->kept = buf_in(a);
	f->kept.most = setup != NULL && setup->keep_most != 0 ? setup->keep_most : 1 << 20;
	if (set->last != NULL)
		set->last->next = f;
	else
		set->first = f;
	set->last = f;
	set->count++;
	return f;
}

void file_data(struct file *f, struct slice bytes)
{
	if (f->state != FILE_OPEN)
		return;
	f->size += bytes.len;
	buf_add(&f->kept, slice_part(bytes, 0, f->kept.most - f->kept.len));
}

void file_gap(struct file *f, uint64_t missing)
{
	if (f->state != FILE_OPEN)
		return;
	f->size += missing;
	f->gaps = true;
}

void file_close(struct file *f, enum file_state state)
{
	if (f->state == FILE_OPEN)
		f->state = state;
}

struct file *file_current(const struct file_set *set)
{
	return set->last != NULL && set->last->state == FILE_OPEN ? set->last : NULL;
}

const char *file_state_name(enum file_state s)
{
	switch (s) {
	case FILE_CLOSED:
		return "CLOSED";
	case FILE_TRUNCATED:
		return "TRUNCATED";
	case FILE_ERROR:
		return "ERROR";
	case FILE_OPEN:
		break;
	}
	return "UNKNOWN";
}
