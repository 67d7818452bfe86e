/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a segment and as an index: every packet lies within the file, the end or the damage
 * repeats, what the built index finds a walk found, and no index makes a packet of what is none.
 *
 * The first byte says which: an index (odd), whose CRC-32 is put right for it, else a segment. */
#include <zlib.h>

#include "sensor/keep/keep.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool within(struct slice file, struct slice part)
{
	return part.len == 0 || (part.ptr >= file.ptr && part.len <= file.len &&
				 part.ptr + part.len <= file.ptr + file.len);
}

static void segment(struct slice file, struct keep_matcher *m, struct arena *a)
{
	static struct keep_reader r, again;
	struct keep_index x, y;
	struct keep_packet p;
	struct slice bytes;
	struct fail why;
	uint32_t packets = 0;
	size_t at, end;
	enum status st = keep_reader_open(&r, file, &why);

	if (st != ST_OK)
		return;
	again = r;
	while ((st = keep_reader_next(&r, &p, &at, &why)) == ST_OK) {
		ASSERT(within(file, p.data) && at < r.at && r.at <= file.len);
		ASSERT(p.interface < r.interface_count && p.flow_count <= KEEP_FLOWS_MAX);
		ASSERT(keep_reader_get(&r, at, &p));
		packets++;
	}
	end = r.at;
	ASSERT(keep_reader_next(&r, &p, &at, &why) == st && r.at == end);
	if (keep_index_build(&again, m, file.len, a, &x, &why) != ST_OK)
		return;
	ASSERT(x.packets == packets && x.bytes == end);
	ASSERT(keep_index_encode(&x, a, &bytes, &why) == ST_OK);
	ASSERT(keep_index_decode(bytes, a, &y, &why) == ST_OK);
	ASSERT(y.row_count == x.row_count && y.offset_count == x.offset_count);
	for (uint32_t i = 0; i < y.row_count; i++)
		for (uint32_t k = 0; k < y.rows[i].count; k++)
			ASSERT(keep_reader_get(&r, y.offsets[y.rows[i].begin + k], &p));
}

/* The same bytes with the last four as they have to be. */
static struct slice resigned(struct slice file, struct arena *a)
{
	uint8_t *copy = file.len >= 4 ? arena_bytes(a, file.len) : NULL;
	uint32_t crc;

	if (copy == NULL)
		return file;
	memcpy(copy, file.ptr, file.len);
	crc = (uint32_t)crc32_z(0, copy, file.len - 4);
	for (int i = 0; i < 4; i++)
		copy[file.len - 4 + (size_t)i] = (uint8_t)(crc >> 8 * i);
	return (struct slice){copy, file.len};
}

static void lies(struct slice file, struct arena *a)
{
	static struct keep_reader r;
	struct keep_index x;
	struct keep_packet p;
	struct fail why;

	if (keep_index_decode(file, a, &x, &why) != ST_OK)
		return;
	if (keep_reader_open(&r, file, &why) != ST_OK)
		(void)memcpy(r.section, x.section, sizeof r.section);
	if (!keep_reader_describe(&r, &x))
		return;
	for (uint32_t i = 0; i < x.offset_count; i++)
		if (keep_reader_get(&r, x.offsets[i], &p))
			ASSERT(within(file, p.data));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena_pool pool = {.budget = 64 << 20}, pieces = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct slice file = size != 0 ? (struct slice){data + 1, size - 1} : SLICE("");
	struct keep_matcher *m = keep_matcher_new(&a, &pieces);

	ASSERT(m != NULL);
	if (size != 0 && data[0] % 2 == 1)
		lies(resigned(file, &a), &a);
	else
		segment(file, m, &a);
	keep_matcher_free(m);
	arena_reset(&a);
	ASSERT(pool.out == 0 && pieces.out == 0);
	arena_pool_drain(&pool);
	arena_pool_drain(&pieces);
	return 0;
}
