/* SPDX-License-Identifier: Apache-2.0
 *
 * A review is a signed note (crypto/note.h):
 *
 *	dewline-review/1
 *	item <SHA-256 of the sealed item>
 *	at <seconds since 1970>
 *	finding concurs
 *	opened <SHA-256(format LF || item's key || reviewer's key)>
 *
 * The last line could only be written by who had the item's key: whoever opens it can check.
 */
#include "base/buf.h"
#include "base/text.h"
#include "evidence/sealed/sealed.h"
#include "evidence/sealed/sealed_priv.h"

#define FORMAT SLICE("dewline-review/1\n")

const char *const sealed_finding_names[SEALED_FINDINGS] = {"silent", "concurs", "differs",
							   "withdrawn", "torn"};

struct review {
	size_t reader; /* index */
	enum sealed_finding finding;
	uint64_t at_s;
};

static void opened_with(const uint8_t key[CRYPTO_SECRET_BYTES], const struct note_verifier *reader,
			uint8_t out[CRYPTO_SHA256_BYTES])
{
	struct crypto_sha256 h;

	crypto_sha256_init(&h);
	crypto_sha256_add(&h, FORMAT);
	crypto_sha256_add(&h, (struct slice){key, CRYPTO_SECRET_BYTES});
	crypto_sha256_add(&h, (struct slice){reader->key, sizeof reader->key});
	crypto_sha256_end(&h, out);
}

enum status sealed_review(const struct sealed *s, const struct crypto_signer *reader,
			  const uint8_t key[CRYPTO_SECRET_BYTES], enum sealed_finding finding,
			  uint64_t at_s, struct arena *a, struct slice *out, struct fail *why)
{
	const struct sealed_reader *me = sealed_reader_of(s, reader->key);
	struct buf text = buf_in(a), note = buf_in(a);
	uint8_t proof[CRYPTO_SHA256_BYTES];
	enum status st;

	ASSERT(finding >= SEALED_CONCURS && finding <= SEALED_WITHDRAWN);
	if (me == NULL)
		return fail_set(why, ST_REFUSED, "this key is none of the item's %u readers",
				s->reader_count);
	opened_with(key, &me->key, proof);
	buf_add(&text, FORMAT);
	buf_add_z(&text, "item ");
	crypto_hex_add((struct slice){s->id, sizeof s->id}, &text);
	buf_add_fmt(&text, "\nat %llu\nfinding %s\nopened ", (unsigned long long)at_s,
		    sealed_finding_names[finding]);
	crypto_hex_add((struct slice){proof, sizeof proof}, &text);
	buf_add_byte(&text, '\n');
	if (text.full)
		return fail_set(why, ST_NOMEM, "no memory for a review");
	st = note_write(buf_slice(&text), &note, why);
	if (st != ST_OK)
		return st;
	note_sign(buf_slice(&text), &me->key, reader, 0, &note);
	if (note.full)
		return fail_set(why, ST_NOMEM, "no memory for a review");
	*out = buf_slice(&note);
	return ST_OK;
}

/* Which of the readers signed: one, and nobody else of them. */
static enum status signed_by(const struct sealed *s, const struct note *note, struct arena *a,
			     size_t *out, struct fail *why)
{
	struct note_verifier *known = ARENA_ARRAY(a, struct note_verifier, s->reader_count);
	bool *good = ARENA_ARRAY(a, bool, s->reader_count);
	size_t count = 0;
	enum status st;

	if (known == NULL || good == NULL)
		return fail_set(why, ST_NOMEM, "no memory to read a review");
	for (unsigned i = 0; i < s->reader_count; i++)
		known[i] = s->readers[i].key;
	st = note_verify(note, known, s->reader_count, good, a, why);
	for (unsigned i = 0; st == ST_OK && i < s->reader_count; i++)
		if (good[i]) {
			*out = i;
			count++;
		}
	if (st == ST_OK && count != 1)
		st = fail_set(why, ST_REFUSED, "a review has one signature, not %zu", count);
	return st;
}

static bool parse_finding(struct slice word, enum sealed_finding *out)
{
	for (unsigned f = SEALED_CONCURS; f <= SEALED_WITHDRAWN; f++)
		if (slice_equal(word, slice_of(sealed_finding_names[f]))) {
			*out = (enum sealed_finding)f;
			return true;
		}
	return false;
}

static enum status parse_text(const struct sealed *s, struct slice text, const uint8_t *key,
			      struct review *r, struct fail *why)
{
	uint8_t id[SEALED_ID_BYTES], said[CRYPTO_SHA256_BYTES], want[CRYPTO_SHA256_BYTES];
	struct slice rest = slice_from(text, FORMAT.len), item, at, finding, opened;

	item = sealed_line(&rest, "item");
	at = sealed_line(&rest, "at");
	finding = sealed_line(&rest, "finding");
	opened = sealed_line(&rest, "opened");
	if (!slice_starts(text, FORMAT) || rest.len != 0 ||
	    !crypto_hex_parse(item, sizeof id, id) || !text_u64(at, 1, INT64_MAX, &r->at_s) ||
	    !parse_finding(finding, &r->finding) || !crypto_hex_parse(opened, sizeof said, said))
		return fail_set(why, ST_INVALID, "a note that is no review");
	if (memcmp(id, s->id, sizeof id) != 0)
		return fail_set(why, ST_REFUSED, "a review of another item");
	if (key == NULL)
		return ST_OK;
	opened_with(key, &s->readers[r->reader].key, want);
	if (memcmp(said, want, sizeof want) != 0)
		return fail_set(why, ST_REFUSED, "%.*s did not open the item that he reviewed",
				SLICE_ARG(s->readers[r->reader].key.name));
	return ST_OK;
}

static enum status parse_review(const struct sealed *s, struct slice bytes, const uint8_t *key,
				struct arena *a, struct review *r, struct fail *why)
{
	struct note note;
	enum status st;

	if (bytes.len > SEALED_REVIEW_MAX)
		return fail_set(why, ST_LIMIT, "a review of %zu bytes; at most %d are read",
				bytes.len, SEALED_REVIEW_MAX);
	st = note_parse(bytes, a, &note, why);
	if (st == ST_OK)
		st = signed_by(s, &note, a, &r->reader, why);
	return st == ST_OK ? parse_text(s, note.text, key, r, why) : st;
}

enum status sealed_tally(const struct sealed *s, const struct slice *reviews, size_t n,
			 const uint8_t *key, struct arena *a, struct sealed_tally *out,
			 struct fail *why)
{
	struct sealed_tally t = {.of = ARENA_ARRAY(a, enum sealed_finding, s->reader_count)};
	uint64_t *at = ARENA_ARRAY(a, uint64_t, s->reader_count);

	if (t.of == NULL || at == NULL)
		return fail_set(why, ST_NOMEM, "no memory to count reviews");
	for (size_t i = 0; i < n; i++) {
		struct review r = {0};
		struct fail bad = {0};
		enum status st = parse_review(s, reviews[i], key, a, &r, &bad);

		if (st == ST_NOMEM)
			return fail_set(why, ST_NOMEM, "%s", bad.text);
		if (st != ST_OK) {
			if (t.refused++ == 0)
				t.first = bad;
			continue;
		}
		if (r.at_s > at[r.reader]) {
			at[r.reader] = r.at_s;
			t.of[r.reader] = r.finding;
		} else if (r.at_s == at[r.reader] && r.finding != t.of[r.reader]) {
			t.of[r.reader] = SEALED_TORN;
		}
	}
	for (unsigned i = 0; i < s->reader_count; i++)
		t.counts[t.of[i]]++;
	*out = t;
	return ST_OK;
}
