/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"
#include "base/text.h"
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

/* A number in least..most as C2SP writes it: no leading zero. */
static bool number_ok(struct slice s, uint64_t least, uint64_t most)
{
	uint64_t n;

	return s.len > 0 && text_is_digit(s.ptr[0]) && (s.ptr[0] != '0' || s.len == 1) &&
	       text_u64(s, least, most, &n);
}

static bool three_digits(struct slice s)
{
	return s.len == 3 && text_is_digit(s.ptr[0]) && text_is_digit(s.ptr[1]) &&
	       text_is_digit(s.ptr[2]);
}

bool ledger_name_public(struct slice name)
{
	struct slice rest = name, part;

	if (slice_equal(name, SLICE("checkpoint")))
		return true;
	if (!slice_equal(slice_split(&rest, '/'), SLICE("tile")))
		return false;
	part = slice_split(&rest, '/');
	if (!slice_equal(part, SLICE("entries")) && !number_ok(part, 0, 63))
		return false;
	part = slice_split(&rest, '/');
	for (unsigned groups = 0; groups < 6 && part.len == 4 && part.ptr[0] == 'x'; groups++) {
		if (!three_digits(slice_from(part, 1)))
			return false;
		part = slice_split(&rest, '/');
	}
	if (three_digits(part))
		return rest.ptr == NULL;
	return slice_ends(part, SLICE(".p")) && three_digits(slice_part(part, 0, part.len - 2)) &&
	       number_ok(rest, 1, MERKLE_WIDTH - 1);
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

/* One file of a source, by its name in the layout. */
static enum status file_read(const struct ledger_source *s, struct slice name, size_t most,
			     struct arena *a, struct slice *out, struct fail *why)
{
	struct buf path = buf_in(a);

	if (s->read != NULL)
		return s->read(s->ctx, name, most, a, out, why);
	buf_add(&path, s->place);
	buf_add_byte(&path, '/');
	buf_add(&path, name);
	if (path.full)
		return fail_set(why, ST_NOMEM, "no memory to read the log");
	return os_file_read(buf_slice(&path), most, a, out, why);
}

static enum status tile_file(const struct ledger_source *s, unsigned level, uint64_t index,
			     unsigned width, struct arena *a, struct slice *out, struct fail *why)
{
	struct buf name = buf_in(a);

	ledger_tile_name((struct slice){NULL, 0}, level, index, width, &name);
	if (name.full)
		return fail_set(why, ST_NOMEM, "no memory to read the log");
	return file_read(s, buf_slice(&name), LEDGER_BUNDLE_MAX, a, out, why);
}

/* The bytes of the first `width` entries of a bundle; all of it if it is none. */
static struct slice bundle_head(struct slice bytes, unsigned width)
{
	struct cursor c = cursor_of(bytes);

	for (unsigned i = 0; i < width; i++)
		(void)cursor_take(&c, cursor_be16(&c));
	return cursor_ok(&c) ? slice_part(bytes, 0, bytes.len - cursor_left(&c)) : bytes;
}

enum status ledger_tile_read(const struct ledger_source *s, unsigned level, uint64_t index,
			     unsigned width, struct arena *a, struct slice *out, struct fail *why)
{
	struct slice bytes;
	struct fail none;
	enum status st = tile_file(s, level, index, width, a, &bytes, why);

	if (st == ST_NOTFOUND && width != MERKLE_WIDTH &&
	    tile_file(s, level, index, MERKLE_WIDTH, a, &bytes, &none) == ST_OK) {
		bytes = level == LEDGER_ENTRIES
				? bundle_head(bytes, width)
				: slice_part(bytes, 0, (size_t)width * MERKLE_BYTES);
		st = ST_OK;
	}
	if (st != ST_OK)
		return st;
	if (level != LEDGER_ENTRIES && bytes.len != (size_t)width * MERKLE_BYTES) {
		struct buf name = buf_in(a);

		ledger_tile_name(s->place, level, index, width, &name);
		return fail_set(why, ST_CORRUPT, "%.*s has %zu bytes instead of %zu",
				SLICE_ARG(buf_slice(&name)), bytes.len,
				(size_t)width * MERKLE_BYTES);
	}
	*out = bytes;
	return ST_OK;
}

enum status ledger_source_checkpoint(const struct ledger_source *s, struct arena *a,
				     struct slice *out, struct fail *why)
{
	return file_read(s, SLICE("checkpoint"), LEDGER_CHECKPOINT_MAX, a, out, why);
}

enum status ledger_checkpoint_read(const struct ledger_source *s, const struct note_verifier *key,
				   struct arena *a, struct slice *out_note,
				   struct merkle_checkpoint *out, struct fail *why)
{
	enum status st = ledger_source_checkpoint(s, a, out_note, why);

	if (st != ST_OK)
		return st;
	st = merkle_checkpoint_open(*out_note, key, a, out, why);
	return st == ST_OK ? ST_OK : fail_wrap(why, "%.*s/checkpoint", SLICE_ARG(s->place));
}

static size_t place_of(unsigned level, uint64_t index)
{
	if (level == 0)
		return index % LEDGER_CACHE_LOW;
	if (level == 1)
		return LEDGER_CACHE_LOW + index % LEDGER_CACHE_MID;
	return LEDGER_CACHE_LOW + LEDGER_CACHE_MID + (size_t)(level - 2) * LEDGER_CACHE_TOP +
	       index % LEDGER_CACHE_TOP;
}

enum status ledger_tile_nodes(void *ctx, unsigned level, uint64_t index, unsigned width,
			      const struct merkle_nodes **out, struct fail *why)
{
	struct ledger_tiles *t = ctx;
	struct ledger_cached **place = &t->kept[place_of(level, index)], *c;
	struct slice bytes;
	enum status st;

	if (*place == NULL)
		*place = ARENA_NEW(t->a, struct ledger_cached);
	c = *place;
	if (c == NULL)
		return fail_set(why, ST_NOMEM, "no memory to read the log");
	/* a partial tile is the front of those that follow it */
	if (c->level != level || c->index != index || c->width < width) {
		c->width = 0;
		st = ledger_tile_read(t->source, level, index, width, &t->scratch, &bytes, why);
		if (st == ST_OK) {
			memcpy(c->nodes.hash, bytes.ptr, bytes.len);
			merkle_nodes_fill(&c->nodes, width);
			c->level = level;
			c->index = index;
			c->width = width;
		}
		arena_reset(&t->scratch);
		if (st != ST_OK)
			return st == ST_NOTFOUND ? (why->status = ST_CORRUPT) : st;
	}
	*out = &c->nodes;
	return ST_OK;
}

enum status ledger_source_tiles(const struct ledger_source *s, struct arena *a,
				struct merkle_tiles *out, struct fail *why)
{
	struct ledger_tiles *t = ARENA_NEW(a, struct ledger_tiles);

	if (t == NULL)
		return fail_set(why, ST_NOMEM, "no memory to read the log");
	t->source = s;
	t->a = a;
	t->scratch.pool = a->pool;
	*out = (struct merkle_tiles){.ctx = t, .nodes = ledger_tile_nodes};
	return ST_OK;
}

enum status ledger_source_edge(const struct ledger_source *s, uint64_t size, struct arena *scratch,
			       struct merkle_edge *out, struct fail *why)
{
	struct slice bytes;

	out->size = size;
	for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
		uint64_t index = size >> 8 * level >> 8;
		unsigned width = merkle_width(size, level, index);
		enum status st = ST_OK;

		if (width != 0)
			st = ledger_tile_read(s, level, index, width, scratch, &bytes, why);
		if (st != ST_OK)
			return st == ST_NOTFOUND ? (why->status = ST_CORRUPT) : st;
		if (width != 0)
			memcpy(out->tile[level], bytes.ptr, bytes.len);
	}
	return ST_OK;
}

enum status ledger_source_entries(const struct ledger_source *s, uint64_t index, unsigned width,
				  struct arena *a, struct slice out[MERKLE_WIDTH], struct fail *why)
{
	struct slice bytes;
	enum status st = ledger_tile_read(s, LEDGER_ENTRIES, index, width, a, &bytes, why);

	if (st == ST_OK) {
		st = ledger_bundle_parse(bytes, width, out, why);
		if (st != ST_OK)
			(void)fail_wrap(why, "%.*s/tile/entries, bundle %llu", SLICE_ARG(s->place),
					(unsigned long long)index);
	}
	return st == ST_NOTFOUND ? (why->status = ST_CORRUPT) : st;
}

enum status ledger_marker_check(struct slice folder, struct arena *a, bool *out_old,
				struct fail *why)
{
	const struct ledger_source s = {.place = folder};
	struct slice marker;
	enum status st = file_read(&s, SLICE("dewline-log"), 256, a, &marker, why);
	bool old = st == ST_OK && slice_equal(marker, LEDGER_MARKER_1);

	if (st == ST_OK && !old && !slice_equal(marker, LEDGER_MARKER)) {
		if (slice_starts(marker, SLICE("dewline log ")))
			return fail_set(why, ST_INVALID,
					"%.*s is of another version of dewline: its log format is "
					"%.*s, this program's is 2",
					SLICE_ARG(folder),
					SLICE_ARG(slice_trim(slice_part(marker, 12, 20))));
		return fail_set(why, ST_INVALID, "%.*s/dewline-log is not what dewline writes",
				SLICE_ARG(folder));
	}
	if (st == ST_OK && out_old != NULL)
		*out_old = old;
	return st;
}
