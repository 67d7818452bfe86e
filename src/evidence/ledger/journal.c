/* SPDX-License-Identifier: Apache-2.0
 *
 * The journal, docs/formats/log.md: what was committed since the log's files were last made
 * durable.
 *
 * Invariants:
 *  1. A record is complete when the SHA-256 over all of it stands at its end. Only complete ones
 *     are replayed, and only while each begins at the size at which the one before it ended.
 *  2. The file is written from its front to its back, and from its front again once everything that
 *     it tells of is durable in the log's own files. What then follows the last record is older: it
 *     begins at another size, or is no record at all.
 *  3. Its first byte is cleared before anything else may tell of the same leaves.
 */
#include "base/cursor.h"
#include "evidence/ledger/ledger_priv.h"

enum {
	TAG_NONE = 0,
	TAG_BEGIN = 'B',  /* u64 leaves before this record */
	TAG_ENTRY = 'E',  /* u16 length, bytes */
	TAG_COMMIT = 'C', /* u64 leaves after it, u32 length of a note, the note, SHA-256 */
	FLUSH = 64 << 10, /* bytes kept before they are written */
};

static void add_be(struct buf *b, uint64_t v, unsigned bytes)
{
	while (bytes-- > 0)
		buf_add_byte(b, (uint8_t)(v >> 8 * bytes & 255));
}

enum status ledger_journal_open(struct ledger_journal *j, struct os_disk *disk, struct slice path,
				struct arena_pool *pool, struct fail *why)
{
	*j = (struct ledger_journal){.disk = disk, .room = {.pool = pool}};
	j->pending = buf_in(&j->room);
	return os_out_over(disk, path, 0666, &j->file, why);
}

void ledger_journal_close(struct ledger_journal *j)
{
	struct fail why;

	if (j->file.fd_plus_1 != 0 && os_out_close(&j->file, &why) != ST_OK)
		j->file = (struct os_out){0}; /* what counts was synced */
	arena_reset(&j->room);
}

static enum status flush(struct ledger_journal *j, struct fail *why)
{
	enum status st;

	if (j->pending.full)
		return fail_set(why, ST_NOMEM, "no memory for the log's journal");
	crypto_sha256_add(&j->hash, buf_slice(&j->pending));
	st = os_out_write(j->disk, &j->file, buf_slice(&j->pending), why);
	j->pending.len = 0;
	return st;
}

enum status ledger_journal_entry(struct ledger_journal *j, uint64_t leaf, struct slice entry,
				 struct fail *why)
{
	if (!j->begun) {
		crypto_sha256_init(&j->hash);
		buf_add_byte(&j->pending, TAG_BEGIN);
		add_be(&j->pending, leaf, 8);
		j->begun = true;
	}
	buf_add_byte(&j->pending, TAG_ENTRY);
	add_be(&j->pending, entry.len, 2);
	buf_add(&j->pending, entry);
	return j->pending.len >= FLUSH || j->pending.full ? flush(j, why) : ST_OK;
}

enum status ledger_journal_commit(struct ledger_journal *j, uint64_t size, struct slice note,
				  struct fail *why)
{
	uint8_t hash[CRYPTO_SHA256_BYTES];
	enum status st;

	buf_add_byte(&j->pending, TAG_COMMIT);
	add_be(&j->pending, size, 8);
	add_be(&j->pending, note.len, 4);
	buf_add(&j->pending, note);
	if (j->pending.full)
		return fail_set(why, ST_NOMEM, "no memory for the log's journal");
	crypto_sha256_add(&j->hash, buf_slice(&j->pending));
	crypto_sha256_end(&j->hash, hash);
	buf_add(&j->pending, (struct slice){hash, sizeof hash});
	if (j->pending.full)
		return fail_set(why, ST_NOMEM, "no memory for the log's journal");
	st = os_out_write(j->disk, &j->file, buf_slice(&j->pending), why);
	j->pending.len = 0;
	j->begun = false;
	return st == ST_OK ? os_out_sync(j->disk, &j->file, why) : st;
}

enum status ledger_journal_clear(struct ledger_journal *j, struct fail *why)
{
	static const uint8_t none[1] = {TAG_NONE};
	enum status st = os_out_rewind(&j->file, why);

	if (st == ST_OK)
		st = os_out_write(j->disk, &j->file, (struct slice){none, sizeof none}, why);
	if (st == ST_OK)
		st = os_out_sync(j->disk, &j->file, why);
	return st == ST_OK ? os_out_rewind(&j->file, why) : st;
}

/* --- reading it --- */

bool ledger_journal_next(struct cursor *c, struct ledger_record *out)
{
	struct slice all = cursor_rest(c);
	struct ledger_record r = {0};
	uint8_t hash[CRYPTO_SHA256_BYTES];
	struct slice stored;
	uint64_t count = 0;
	size_t body;
	uint8_t tag = cursor_u8(c);

	r.from = cursor_be64(c);
	if (tag != TAG_BEGIN || !cursor_ok(c))
		return false;
	r.entries = cursor_rest(c);
	while ((tag = cursor_u8(c)) == TAG_ENTRY) {
		(void)cursor_take(c, cursor_be16(c));
		count++;
	}
	if (tag != TAG_COMMIT || !cursor_ok(c))
		return false;
	r.entries.len -= cursor_left(c) + 1;
	r.to = cursor_be64(c);
	r.note = cursor_take(c, cursor_be32(c));
	body = all.len - cursor_left(c);
	stored = cursor_take(c, sizeof hash);
	if (!cursor_ok(c) || count == 0 || r.to - r.from != count || r.to < r.from)
		return false;
	crypto_sha256_of(slice_part(all, 0, body), hash);
	if (memcmp(hash, stored.ptr, sizeof hash) != 0)
		return false;
	*out = r;
	return true;
}

bool ledger_record_entry(struct slice *entries, struct slice *out)
{
	struct cursor c = cursor_of(*entries);

	if (entries->len == 0)
		return false;
	(void)cursor_u8(&c);
	*out = cursor_take(&c, cursor_be16(&c));
	ASSERT(cursor_ok(&c)); /* the record is complete */
	*entries = cursor_rest(&c);
	return true;
}
