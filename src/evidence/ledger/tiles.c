/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"
#include "evidence/ledger/ledger_priv.h"
#include "os/file.h"

static void add_three(uint64_t n, struct buf *out)
{
	buf_add_byte(out, (uint8_t)('0' + n / 100 % 10));
	buf_add_byte(out, (uint8_t)('0' + n / 10 % 10));
	buf_add_byte(out, (uint8_t)('0' + n % 10));
}

/* Groups of three digits, all but the last with an x in front: 1234067 is x001/x234/067. */
static void add_index(uint64_t index, struct buf *out)
{
	uint64_t unit = 1;

	while (index / unit >= 1000)
		unit *= 1000;
	for (; unit > 1; unit /= 1000) {
		buf_add_byte(out, 'x');
		add_three(index / unit % 1000, out);
		buf_add_byte(out, '/');
	}
	add_three(index % 1000, out);
}

void ledger_tile_name(struct slice folder, unsigned level, uint64_t index, unsigned width,
		      struct buf *out)
{
	buf_add(out, folder);
	buf_add_z(out, folder.len ? "/tile/" : "tile/");
	if (level == LEDGER_ENTRIES)
		buf_add_z(out, "entries");
	else
		buf_add_u64(out, level);
	buf_add_byte(out, '/');
	add_index(index, out);
	if (width != MERKLE_WIDTH) {
		buf_add_z(out, ".p/");
		buf_add_u64(out, width);
	}
}

enum status ledger_bundle_parse(struct slice bytes, unsigned width, struct slice *out,
				struct fail *why)
{
	struct cursor c = cursor_of(bytes);

	for (unsigned i = 0; i < width; i++) {
		out[i] = cursor_take(&c, cursor_be16(&c));
		if (!cursor_ok(&c))
			return fail_set(why, ST_CORRUPT, "ends within entry %u of %u", i, width);
	}
	if (cursor_left(&c) != 0)
		return fail_set(why, ST_CORRUPT, "has %zu bytes after its %u entries",
				cursor_left(&c), width);
	return ST_OK;
}

enum status ledger_tile_read(struct slice folder, unsigned level, uint64_t index, unsigned width,
			     struct arena *a, struct slice *out, struct fail *why)
{
	struct buf path = buf_in(a);
	struct slice bytes;
	enum status st;

	ledger_tile_name(folder, level, index, width, &path);
	if (path.full)
		return fail_set(why, ST_NOMEM, "no memory to read the log");
	st = os_file_read(buf_slice(&path), LEDGER_BUNDLE_MAX, a, &bytes, why);
	if (st != ST_OK)
		return st;
	if (level != LEDGER_ENTRIES && bytes.len != (size_t)width * MERKLE_BYTES)
		return fail_set(why, ST_CORRUPT, "%.*s has %zu bytes instead of %zu",
				SLICE_ARG(buf_slice(&path)), bytes.len,
				(size_t)width * MERKLE_BYTES);
	*out = bytes;
	return ST_OK;
}

static enum status read_named(struct slice folder, const char *name, size_t most, struct arena *a,
			      struct slice *out, struct fail *why)
{
	struct buf path = buf_in(a);

	buf_add(&path, folder);
	buf_add_byte(&path, '/');
	buf_add_z(&path, name);
	if (path.full)
		return fail_set(why, ST_NOMEM, "no memory to read the log");
	return os_file_read(buf_slice(&path), most, a, out, why);
}

enum status ledger_checkpoint_read(struct slice folder, const struct note_verifier *key,
				   struct arena *a, struct slice *out_note,
				   struct merkle_checkpoint *out, struct fail *why)
{
	enum status st = read_named(folder, "checkpoint", LEDGER_CHECKPOINT_MAX, a, out_note, why);

	if (st != ST_OK)
		return st;
	st = merkle_checkpoint_open(*out_note, key, a, out, why);
	return st == ST_OK ? ST_OK : fail_wrap(why, "%.*s/checkpoint", SLICE_ARG(folder));
}

enum status ledger_marker_check(struct slice folder, struct arena *a, struct fail *why)
{
	struct slice marker;
	enum status st = read_named(folder, "dewline-log", 256, a, &marker, why);

	if (st == ST_OK && !slice_equal(marker, LEDGER_MARKER)) {
		if (slice_starts(marker, SLICE("dewline log ")))
			return fail_set(why, ST_INVALID,
					"%.*s is of another version of dewline: its log format is "
					"%.*s, this program's is 1",
					SLICE_ARG(folder),
					SLICE_ARG(slice_trim(slice_part(marker, 12, 20))));
		return fail_set(why, ST_INVALID, "%.*s/dewline-log is not what dewline writes",
				SLICE_ARG(folder));
	}
	return st;
}
