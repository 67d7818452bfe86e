/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as messages of each kind: what is taken lies in them, and is one line. */
#include "daemon/sealing.h"

#include "daemon/sealing_priv.h"

static struct arena_pool pool = {.budget = 1 << 20};

static void line_check(const struct record *r, struct arena *a)
{
	struct buf line = buf_in(a);

	record_encode(r, a, &line);
	for (size_t i = 0; !line.full && i < line.len; i++)
		ASSERT(line.ptr[i] >= ' ');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record_field fields[RECORD_FIELDS_MAX];
	struct arena a = {.pool = &pool};
	struct slice bytes = {data, size};
	struct wall_ns now = {1};
	struct sealing_input in;
	struct sealing_life life;
	struct sealing_gap g;
	struct record r;

	if (size == 0)
		return 0;
	bytes = slice_from(bytes, 1);
	if (daemon_sealing_unpack_fields(bytes, data[0], fields))
		for (size_t i = 0; i < data[0]; i++) {
			ASSERT(fields[i].json.len != 0 && fields[i].json.ptr >= data);
			ASSERT(fields[i].json.ptr + fields[i].json.len <= data + size);
			for (size_t k = 0; k < fields[i].json.len; k++)
				ASSERT(fields[i].json.ptr[k] >= ' ');
		}
	if (daemon_sealing_unpack_gap(bytes, &g) && daemon_sealing_gap_record(&g, now, &a, &r))
		line_check(&r, &a);
	if (daemon_sealing_unpack_input(bytes, &in) &&
	    daemon_sealing_input_record(&in, now, &a, &r))
		line_check(&r, &a);
	if (daemon_sealing_unpack_life(bytes, &life) &&
	    daemon_sealing_life_record(&life, now, now, &a, &r))
		line_check(&r, &a);
	arena_reset(&a);
	return 0;
}
