/* SPDX-License-Identifier: Apache-2.0
 *
 * The file is lines, so that it is read without a tree and can be looked at:
 *
 *	dewline-sealed/1
 *	title TEXT
 *	opens K of N
 *	reader VERIFIER-KEY LETTER          N times
 *	safe BASE64
 */
#include "evidence/sealed/sealed.h"

#include "base/buf.h"
#include "base/text.h"
#include "evidence/sealed/sealed_priv.h"

#define FORMAT SLICE("dewline-sealed/1")
#define SHARE_FORMAT SLICE("dewline-share/1")

static bool title_ok(struct slice title)
{
	for (size_t i = 0; i < title.len; i++)
		if (title.ptr[i] < ' ' || title.ptr[i] == 0x7f)
			return false;
	return title.len > 0 && title.len <= SEALED_TITLE_MAX && text_is_utf8(title);
}

static enum status readers_check(const struct note_verifier *readers, unsigned n, unsigned needed,
				 struct fail *why)
{
	if (n == 0 || n > SEALED_READERS_MAX || needed == 0 || needed > n)
		return fail_set(why, ST_INVALID,
				"%u of %u readers: expected 1 to %d readers, and 1 to all of them "
				"to be needed",
				needed, n, SEALED_READERS_MAX);
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < i; k++)
			if (memcmp(readers[i].key, readers[k].key, sizeof readers[i].key) == 0 ||
			    slice_equal(readers[i].name, readers[k].name))
				return fail_set(why, ST_INVALID,
						"reader %.*s is there twice, or shares a key",
						SLICE_ARG(readers[i].name));
	return ST_OK;
}

/* --- making --- */

static enum status add_reader(const struct note_verifier *who, const uint8_t *share,
			      struct arena *a, struct buf *out, struct fail *why)
{
	struct buf letter = buf_in(a);

	if (!crypto_letter_add(who->key, (struct slice){share, CRYPTO_SHARE_BYTES}, &letter))
		return letter.full ? fail_set(why, ST_NOMEM, "no memory to seal")
				   : fail_set(why, ST_INVALID,
					      "nobody can be written to under "
					      "the key of %.*s",
					      SLICE_ARG(who->name));
	buf_add_z(out, "reader ");
	note_verifier_add(who, out);
	buf_add_byte(out, ' ');
	crypto_base64_add(CRYPTO_BASE64, buf_slice(&letter), out);
	buf_add_byte(out, '\n');
	return ST_OK;
}

enum status sealed_make(struct slice title, struct slice plain, const struct note_verifier *readers,
			unsigned n, unsigned needed, const struct crypto_random *random,
			struct arena *a, struct slice *out, struct fail *why)
{
	uint8_t shares[SEALED_READERS_MAX][CRYPTO_SHARE_BYTES], key[CRYPTO_SECRET_BYTES];
	struct buf text = buf_in(a), safe = buf_in(a);
	enum status st = readers_check(readers, n, needed, why);

	if (st == ST_OK && !title_ok(title))
		st = fail_set(why, ST_INVALID,
			      "a title is 1 to %d bytes of UTF-8 without control characters",
			      SEALED_TITLE_MAX);
	if (st == ST_OK && plain.len > SEALED_PLAIN_MAX)
		st = fail_set(why, ST_LIMIT, "%zu bytes; at most %d can be sealed", plain.len,
			      SEALED_PLAIN_MAX);
	if (st != ST_OK)
		return st;
	crypto_random_fill(random, key, sizeof key);
	crypto_share_split(key, needed, n, random, shares);
	buf_add(&text, FORMAT);
	buf_add_fmt(&text, "\ntitle %.*s\nopens %u of %u\n", SLICE_ARG(title), needed, n);
	for (unsigned i = 0; st == ST_OK && i < n; i++)
		st = add_reader(&readers[i], shares[i], a, &text, why);
	if (st == ST_OK && !text.full && crypto_safe_add(key, buf_slice(&text), plain, &safe)) {
		buf_add_z(&text, "safe ");
		crypto_base64_add(CRYPTO_BASE64, buf_slice(&safe), &text);
		buf_add_byte(&text, '\n');
	}
	crypto_wipe(key, sizeof key);
	crypto_wipe(shares, sizeof shares);
	if (st == ST_OK && (text.full || safe.len == 0))
		st = fail_set(why, ST_NOMEM, "no memory to seal");
	if (st == ST_OK)
		*out = buf_slice(&text);
	return st;
}

/* --- reading --- */

/* The rest of the next line behind `word` and a space; ptr NULL: it is another line. */
struct slice sealed_line(struct slice *rest, const char *word)
{
	struct slice line = rest->ptr ? slice_split(rest, '\n') : *rest, head = slice_of(word);

	if (!slice_starts(line, head) || line.len <= head.len + 1 || line.ptr[head.len] != ' ' ||
	    rest->ptr == NULL)
		return (struct slice){NULL, 0};
	return slice_from(line, head.len + 1);
}

static enum status parse_reader(struct slice *rest, struct arena *a, struct sealed_reader *out,
				struct fail *why)
{
	struct slice line = sealed_line(rest, "reader"), key = slice_split(&line, ' ');
	enum status st;

	if (line.ptr == NULL || note_verifier_parse(key, &out->key, why) != ST_OK ||
	    out->key.type != NOTE_ED25519)
		return fail_set(why, ST_INVALID,
				"a sealed item's reader: expected a verifier key "
				"and a letter");
	st = crypto_base64_take(CRYPTO_BASE64, line, a, &out->letter);
	if (st == ST_NOMEM)
		return fail_set(why, ST_NOMEM, "no memory to read a sealed item");
	if (st != ST_OK || out->letter.len != CRYPTO_SHARE_BYTES + CRYPTO_LETTER_EXTRA)
		return fail_set(why, ST_INVALID, "the letter to %.*s is none",
				SLICE_ARG(out->key.name));
	return ST_OK;
}

/* "2 of 3" */
static bool parse_opens(struct slice line, struct sealed *s)
{
	struct slice of;
	uint64_t k, n;

	if (line.ptr == NULL || !text_u64(slice_split(&line, ' '), 1, SEALED_READERS_MAX, &k))
		return false;
	of = slice_split(&line, ' ');
	if (!slice_equal(of, SLICE("of")) || !text_u64(line, k, SEALED_READERS_MAX, &n))
		return false;
	s->needed = (unsigned)k;
	s->reader_count = (unsigned)n;
	return true;
}

enum status sealed_parse(struct slice text, struct arena *a, struct sealed *out, struct fail *why)
{
	struct note_verifier keys[SEALED_READERS_MAX];
	struct slice rest = text, safe;
	struct sealed s = {0};
	enum status st;

	if (text.len > SEALED_TEXT_MAX)
		return fail_set(why, ST_LIMIT, "a sealed item of %zu bytes; at most %d are read",
				text.len, SEALED_TEXT_MAX);
	if (text.len == 0 || !slice_equal(slice_split(&rest, '\n'), FORMAT))
		return fail_set(why, ST_INVALID, "no sealed item: its first line is not %.*s",
				SLICE_ARG(FORMAT));
	s.title = sealed_line(&rest, "title");
	if (!title_ok(s.title) || !parse_opens(sealed_line(&rest, "opens"), &s))
		return fail_set(why, ST_INVALID,
				"a sealed item: expected \"title TEXT\" and \"opens K of N\"");
	s.readers = ARENA_ARRAY(a, struct sealed_reader, s.reader_count);
	if (s.readers == NULL)
		return fail_set(why, ST_NOMEM, "no memory to read a sealed item");
	for (unsigned i = 0; i < s.reader_count; i++) {
		st = parse_reader(&rest, a, &s.readers[i], why);
		if (st != ST_OK)
			return st;
		keys[i] = s.readers[i].key;
	}
	st = readers_check(keys, s.reader_count, s.needed, why);
	if (st != ST_OK)
		return st;
	s.label = slice_part(text, 0, rest.ptr ? (size_t)(rest.ptr - text.ptr) : text.len);
	safe = sealed_line(&rest, "safe");
	if (safe.ptr == NULL || rest.len != 0)
		return fail_set(why, ST_INVALID,
				"a sealed item ends in \"safe BASE64\" and a line "
				"feed");
	st = crypto_base64_take(CRYPTO_BASE64, safe, a, &s.safe);
	if (st != ST_OK)
		return fail_set(why, st,
				st == ST_NOMEM ? "no memory to read a sealed item"
					       : "a sealed item's safe is no base64");
	crypto_sha256_of(text, s.id);
	*out = s;
	return ST_OK;
}

const struct sealed_reader *sealed_reader_of(const struct sealed *s, const uint8_t *key)
{
	for (unsigned i = 0; i < s->reader_count; i++)
		if (memcmp(s->readers[i].key.key, key, CRYPTO_KEY_BYTES) == 0)
			return &s->readers[i];
	return NULL;
}

/* --- opening --- */

enum status sealed_share(const struct sealed *s, const struct crypto_signer *reader,
			 struct arena *a, struct slice *out, struct fail *why)
{
	const struct sealed_reader *me = sealed_reader_of(s, reader->key);
	struct buf share = buf_in(a), text = buf_in(a);

	if (me == NULL)
		return fail_set(why, ST_REFUSED, "this key is none of the item's %u readers",
				s->reader_count);
	if (!crypto_letter_open(reader, me->letter, &share))
		return share.full ? fail_set(why, ST_NOMEM, "no memory for a share")
				  : fail_set(why, ST_REFUSED,
					     "the letter to %.*s cannot be opened "
					     "with his key",
					     SLICE_ARG(me->key.name));
	buf_add(&text, SHARE_FORMAT);
	buf_add_z(&text, "\nitem ");
	crypto_hex_add((struct slice){s->id, sizeof s->id}, &text);
	buf_add_z(&text, "\nshare ");
	crypto_base64_add(CRYPTO_BASE64, buf_slice(&share), &text);
	buf_add_byte(&text, '\n');
	if (text.full)
		return fail_set(why, ST_NOMEM, "no memory for a share");
	*out = buf_slice(&text);
	return ST_OK;
}

static enum status parse_share(const struct sealed *s, struct slice text,
			       uint8_t out[CRYPTO_SHARE_BYTES], struct fail *why)
{
	uint8_t id[SEALED_ID_BYTES];
	struct slice rest = text, first = slice_split(&rest, '\n'), item, share;
	size_t n;

	item = sealed_line(&rest, "item");
	share = sealed_line(&rest, "share");
	if (!slice_equal(first, SHARE_FORMAT) || rest.len != 0 ||
	    !crypto_hex_parse(item, sizeof id, id) ||
	    !crypto_base64_parse(CRYPTO_BASE64, share, CRYPTO_SHARE_BYTES, out, &n) ||
	    n != CRYPTO_SHARE_BYTES)
		return fail_set(why, ST_INVALID, "no share: expected %.*s, item and share",
				SLICE_ARG(SHARE_FORMAT));
	if (memcmp(id, s->id, sizeof id) != 0)
		return fail_set(why, ST_REFUSED, "a share of another item");
	return ST_OK;
}

enum status sealed_open(const struct sealed *s, const struct slice *shares, size_t n,
			struct arena *a, struct slice *out, uint8_t key[CRYPTO_SECRET_BYTES],
			struct fail *why)
{
	uint8_t parts[SEALED_READERS_MAX][CRYPTO_SHARE_BYTES];
	uint8_t joined[CRYPTO_SECRET_BYTES];
	struct buf plain = buf_in(a);
	enum status st = ST_OK;

	if (n < s->needed || n > s->reader_count)
		return fail_set(why, ST_REFUSED, "shares given: %zu; %u of %u readers open it", n,
				s->needed, s->reader_count);
	for (size_t i = 0; i < n && st == ST_OK; i++) {
		st = parse_share(s, shares[i], parts[i], why);
		if (st != ST_OK)
			(void)fail_wrap(why, "share %zu", i + 1);
	}
	if (st == ST_OK &&
	    !crypto_share_join((const uint8_t(*)[CRYPTO_SHARE_BYTES])parts, (unsigned)n, joined))
		st = fail_set(why, ST_REFUSED, "a share is there twice");
	if (st == ST_OK && !crypto_safe_open(joined, s->label, s->safe, &plain))
		st = plain.full ? fail_set(why, ST_NOMEM, "no memory to open the item")
				: fail_set(why, ST_REFUSED,
					   "the shares do not open it: one is wrong, or the item "
					   "was changed");
	if (st == ST_OK) {
		memcpy(key, joined, sizeof joined);
		*out = buf_slice(&plain);
	}
	crypto_wipe(parts, sizeof parts);
	crypto_wipe(joined, sizeof joined);
	return st;
}
