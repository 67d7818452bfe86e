/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/note.h"

#include "base/cursor.h"
#include "base/text.h"

/* U+2014 and a space: what a signature line starts with. */
#define DASH SLICE("\xe2\x80\x94 ")

/* The longest message that is signed besides the text: "cosignature/v1\ntime 2^64\n". */
enum { COSIGNATURE_HEAD_MAX = 48 };

/* White space beyond ASCII, as UTF-8 (Unicode's White_Space property). */
static bool has_unicode_space(struct slice s)
{
	static const char *const spaces[] = {
		"\xc2\x85",	"\xc2\xa0",	"\xe1\x9a\x80", "\xe2\x80\xa8",
		"\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80",
	};

	for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++)
		if (slice_find(s, slice_of(spaces[i])) != SIZE_MAX)
			return true;
	for (uint8_t last = 0x80; last <= 0x8a; last++) {
		uint8_t wide[3] = {0xe2, 0x80, last}; /* U+2000..U+200A */

		if (slice_find(s, (struct slice){wide, sizeof wide}) != SIZE_MAX)
			return true;
	}
	return false;
}

static bool name_ok(struct slice name)
{
	if (name.len == 0 || name.len > NOTE_NAME_MAX || !text_is_utf8(name))
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] == '+' || name.ptr[i] == 0x7f)
			return false;
	return !has_unicode_space(name);
}

static bool text_ok(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] < ' ' && text.ptr[i] != '\n')
			return false;
	return text_is_utf8(text);
}

enum status note_verifier_of(struct slice name, enum note_type type,
			     const uint8_t key[CRYPTO_KEY_BYTES], struct note_verifier *out,
			     struct fail *why)
{
	uint8_t head[2] = {'\n', (uint8_t)type}, hash[CRYPTO_SHA256_BYTES];
	struct crypto_sha256 s;

	if (!name_ok(name))
		return fail_set(why, ST_INVALID,
				"a key name is 1 to %d bytes without white space or \"+\"",
				NOTE_NAME_MAX);
	crypto_sha256_init(&s);
	crypto_sha256_add(&s, name);
	crypto_sha256_add(&s, (struct slice){head, sizeof head});
	crypto_sha256_add(&s, (struct slice){key, CRYPTO_KEY_BYTES});
	crypto_sha256_end(&s, hash);
	*out = (struct note_verifier){.name = name, .type = type};
	memcpy(out->id, hash, sizeof out->id);
	memcpy(out->key, key, sizeof out->key);
	return ST_OK;
}

static bool type_known(uint8_t type)
{
	return type == NOTE_ED25519 || type == NOTE_COSIGNATURE;
}

enum status note_verifier_parse(struct slice text, struct note_verifier *out, struct fail *why)
{
	struct slice rest = text, name = slice_split(&rest, '+'), id = slice_split(&rest, '+');
	uint8_t raw[1 + CRYPTO_KEY_BYTES], want[NOTE_ID_BYTES];
	struct note_verifier v;
	enum status st;
	size_t n;

	if (!crypto_hex_parse(id, NOTE_ID_BYTES, want) ||
	    !crypto_base64_parse(CRYPTO_BASE64, rest, sizeof raw, raw, &n) || n != sizeof raw)
		return fail_set(why, ST_INVALID,
				"not a verifier key (name+8 hexadecimal digits+base64)");
	if (!type_known(raw[0]))
		return fail_set(why, ST_INVALID,
				"verifier key of type %u; known are 1 and 4 (Ed25519)", raw[0]);
	st = note_verifier_of(name, (enum note_type)raw[0], raw + 1, &v, why);
	if (st != ST_OK)
		return st;
	if (memcmp(v.id, want, sizeof want) != 0)
		return fail_set(why, ST_INVALID, "the verifier key's id is not that of its key");
	*out = v;
	return ST_OK;
}

void note_verifier_add(const struct note_verifier *v, struct buf *out)
{
	uint8_t raw[1 + CRYPTO_KEY_BYTES] = {(uint8_t)v->type};

	memcpy(raw + 1, v->key, sizeof v->key);
	buf_add(out, v->name);
	buf_add_byte(out, '+');
	crypto_hex_add((struct slice){v->id, sizeof v->id}, out);
	buf_add_byte(out, '+');
	crypto_base64_add(CRYPTO_BASE64, (struct slice){raw, sizeof raw}, out);
}

bool note_verifier_equal(const struct note_verifier *a, const struct note_verifier *b)
{
	return a->type == b->type && slice_equal(a->name, b->name) &&
	       memcmp(a->key, b->key, sizeof a->key) == 0;
}

#define SIGNING SLICE("PRIVATE+KEY+")

enum status note_signer_parse(struct slice text, struct note_verifier *out_verifier,
			      struct crypto_signer *out_signer, struct fail *why)
{
	struct slice rest = slice_from(text, SIGNING.len), name, id;
	uint8_t raw[1 + CRYPTO_SEED_BYTES], want[NOTE_ID_BYTES];
	struct crypto_signer signer;
	struct note_verifier v;
	enum status st;
	size_t n;

	if (!slice_starts(text, SIGNING))
		return fail_set(why, ST_INVALID,
				"not a signing key (PRIVATE+KEY+name+8 hexadecimal digits+base64)");
	name = slice_split(&rest, '+');
	id = slice_split(&rest, '+');
	if (!crypto_base64_parse(CRYPTO_BASE64, rest, sizeof raw, raw, &n) || n != sizeof raw ||
	    !type_known(raw[0]) || !crypto_hex_parse(id, sizeof want, want)) {
		crypto_wipe(raw, sizeof raw);
		return fail_set(why, ST_INVALID, "not an Ed25519 signing key (type 1 or 4)");
	}
	crypto_signer_from_seed(raw + 1, &signer);
	st = note_verifier_of(name, (enum note_type)raw[0], signer.key, &v, why);
	crypto_wipe(raw, sizeof raw);
	if (st == ST_OK && memcmp(v.id, want, sizeof want) != 0)
		st = fail_set(why, ST_INVALID, "the signing key's id is not that of its key");
	if (st == ST_OK) {
		*out_verifier = v;
		*out_signer = signer;
	}
	crypto_wipe(&signer, sizeof signer);
	return st;
}

void note_signer_add(const struct note_verifier *v, const struct crypto_signer *s, struct buf *out)
{
	uint8_t raw[1 + CRYPTO_SEED_BYTES] = {(uint8_t)v->type};

	memcpy(raw + 1, s->seed, sizeof s->seed);
	buf_add(out, SIGNING);
	buf_add(out, v->name);
	buf_add_byte(out, '+');
	crypto_hex_add((struct slice){v->id, sizeof v->id}, out);
	buf_add_byte(out, '+');
	crypto_base64_add(CRYPTO_BASE64, (struct slice){raw, sizeof raw}, out);
	crypto_wipe(raw, sizeof raw);
}

/* One signature line without its line feed. */
static bool signature_parse(struct slice line, struct arena *a, struct note_signature *out,
			    enum status *st)
{
	struct slice rest = slice_from(line, DASH.len), raw;

	*out = (struct note_signature){0};
	if (!slice_starts(line, DASH))
		return false;
	out->name = slice_split(&rest, ' ');
	if (!name_ok(out->name))
		return false;
	*st = crypto_base64_take(CRYPTO_BASE64, rest, a, &raw);
	if (*st != ST_OK || raw.len < NOTE_ID_BYTES + 1)
		return false;
	memcpy(out->id, raw.ptr, NOTE_ID_BYTES);
	raw = slice_from(raw, NOTE_ID_BYTES);
	if (raw.len <= NOTE_SIGNATURE_MAX) {
		out->len = raw.len;
		memcpy(out->bytes, raw.ptr, raw.len);
	}
	return true;
}

/* Where the last empty line is: the offset of its line feed, or SIZE_MAX. */
static size_t last_empty_line(struct slice bytes)
{
	for (size_t i = bytes.len; i-- > 1;)
		if (bytes.ptr[i] == '\n' && bytes.ptr[i - 1] == '\n')
			return i;
	return SIZE_MAX;
}

enum status note_parse(struct slice bytes, struct arena *a, struct note *out, struct fail *why)
{
	size_t empty = last_empty_line(bytes), room = 0;
	struct note note = {0};
	struct slice lines;

	if (bytes.len > NOTE_BYTES_MAX)
		return fail_set(why, ST_LIMIT, "a note of %zu bytes; at most %d are read",
				bytes.len, NOTE_BYTES_MAX);
	if (!text_ok(bytes))
		return fail_set(why, ST_INVALID,
				"a note is UTF-8 without control characters but line feeds");
	if (empty == SIZE_MAX || empty + 1 == bytes.len || bytes.ptr[bytes.len - 1] != '\n')
		return fail_set(why, ST_INVALID,
				"a note is text, an empty line, and signature lines");
	note.text = slice_part(bytes, 0, empty);
	lines = slice_part(bytes, empty + 1, bytes.len - empty - 2);
	while (lines.ptr != NULL) {
		enum status st = ST_INVALID;
		struct note_signature s;

		if (note.count == NOTE_SIGNATURES_MAX)
			return fail_set(why, ST_LIMIT, "a note with more than %d signatures",
					NOTE_SIGNATURES_MAX);
		if (!signature_parse(slice_split(&lines, '\n'), a, &s, &st)) {
			st = st == ST_NOMEM ? ST_NOMEM : ST_INVALID;
			return fail_set(why, st, "note: signature line %zu %s", note.count + 1,
					st == ST_NOMEM ? "finds no memory" : "is malformed");
		}
		if (!ARENA_PUSH(a, note.signatures, note.count, room, s))
			return fail_set(why, ST_NOMEM, "note: no memory for its signatures");
	}
	*out = note;
	return ST_OK;
}

/* The head that a cosignature puts before the text. */
static struct slice cosignature_head(uint64_t time_s, char out[COSIGNATURE_HEAD_MAX])
{
	static const char start[] = "cosignature/v1\ntime ";
	size_t at = sizeof start - 1, digits = 1;

	memcpy(out, start, at);
	for (uint64_t v = time_s; v >= 10; v /= 10)
		digits++;
	for (size_t i = digits; i-- > 0; time_s /= 10)
		out[at + i] = (char)('0' + time_s % 10);
	out[at + digits] = '\n';
	return (struct slice){(const uint8_t *)out, at + digits + 1};
}

static uint64_t time_of(const uint8_t *bytes)
{
	struct cursor c = cursor_of((struct slice){bytes, 8});

	return cursor_be64(&c);
}

/* What a cosignature signs, in memory of a; empty if there is none. */
static struct slice cosigned(uint64_t time_s, struct slice text, struct arena *a)
{
	char head[COSIGNATURE_HEAD_MAX];
	struct buf b = buf_in(a);

	buf_add(&b, cosignature_head(time_s, head));
	buf_add(&b, text);
	return b.full ? (struct slice){NULL, 0} : buf_slice(&b);
}

static enum status signature_check(const struct note_signature *s, const struct note_verifier *v,
				   struct slice text, struct arena *scratch, struct fail *why)
{
	bool co = v->type == NOTE_COSIGNATURE, ok = false;

	if (s->len == (co ? 8 + CRYPTO_SIGNATURE_BYTES : CRYPTO_SIGNATURE_BYTES)) {
		/* a time past 2^63 - 1 is none: readers keep it in a signed integer */
		if (!co || s->bytes[0] < 0x80) {
			struct slice m = co ? cosigned(time_of(s->bytes), text, scratch) : text;

			if (m.ptr == NULL)
				return fail_set(why, ST_NOMEM, "note: no memory to verify");
			ok = crypto_signature_verify(v->key, m, s->bytes + (co ? 8 : 0));
		}
	}
	if (!ok)
		return fail_set(why, ST_REFUSED, "the note's signature by %.*s is wrong",
				SLICE_ARG(v->name));
	return ST_OK;
}

enum status note_verify(const struct note *note, const struct note_verifier *known, size_t n,
			bool *good, struct arena *scratch, struct fail *why)
{
	bool any = false;

	for (size_t k = 0; k < n && good != NULL; k++)
		good[k] = false;
	for (size_t i = 0; i < note->count; i++) {
		const struct note_signature *s = &note->signatures[i];

		for (size_t k = 0; k < n; k++) {
			enum status st;

			if (!slice_equal(s->name, known[k].name) ||
			    memcmp(s->id, known[k].id, NOTE_ID_BYTES) != 0)
				continue;
			st = signature_check(s, &known[k], note->text, scratch, why);
			if (st != ST_OK)
				return st;
			any = true;
			if (good != NULL)
				good[k] = true;
		}
	}
	if (!any)
		return fail_set(why, ST_REFUSED, "no key that we know signed the note");
	return ST_OK;
}

enum status note_write(struct slice text, struct buf *out, struct fail *why)
{
	if (text.len == 0 || text.ptr[text.len - 1] != '\n' || !text_ok(text))
		return fail_set(why, ST_INVALID,
				"a note's text is UTF-8 lines without control characters");
	buf_add(out, text);
	buf_add_byte(out, '\n');
	if (out->full)
		return fail_set(why, ST_NOMEM, "no memory for a note");
	return ST_OK;
}

void note_sign(struct slice text, const struct note_verifier *v, const struct crypto_signer *s,
	       uint64_t time_s, struct buf *out)
{
	uint8_t raw[NOTE_ID_BYTES + NOTE_SIGNATURE_MAX];
	size_t n = NOTE_ID_BYTES;
	struct slice message = text;

	ASSERT(memcmp(v->key, s->key, sizeof s->key) == 0);
	memcpy(raw, v->id, NOTE_ID_BYTES);
	if (v->type == NOTE_COSIGNATURE) {
		for (size_t i = 0; i < 8; i++)
			raw[n++] = (uint8_t)(time_s >> (56 - 8 * i));
		message = cosigned(time_s, text, out->arena);
		if (message.ptr == NULL) {
			out->full = true;
			return;
		}
	}
	crypto_signer_sign(s, message, raw + n);
	n += CRYPTO_SIGNATURE_BYTES;
	buf_add(out, DASH);
	buf_add(out, v->name);
	buf_add_byte(out, ' ');
	crypto_base64_add(CRYPTO_BASE64, (struct slice){raw, n}, out);
	buf_add_byte(out, '\n');
}

void note_signature_add(const struct note_signature *s, struct buf *out)
{
	uint8_t raw[NOTE_ID_BYTES + NOTE_SIGNATURE_MAX];

	if (s->len == 0)
		return;
	memcpy(raw, s->id, NOTE_ID_BYTES);
	memcpy(raw + NOTE_ID_BYTES, s->bytes, s->len);
	buf_add(out, DASH);
	buf_add(out, s->name);
	buf_add_byte(out, ' ');
	crypto_base64_add(CRYPTO_BASE64, (struct slice){raw, NOTE_ID_BYTES + s->len}, out);
	buf_add_byte(out, '\n');
}

const struct note_signature *note_signature_find(const struct note *note,
						 const struct note_verifier *v)
{
	for (size_t i = 0; i < note->count; i++)
		if (slice_equal(note->signatures[i].name, v->name) &&
		    memcmp(note->signatures[i].id, v->id, NOTE_ID_BYTES) == 0)
			return &note->signatures[i];
	return NULL;
}

uint64_t note_signature_time(const struct note_signature *s)
{
	return s->len == 8 + CRYPTO_SIGNATURE_BYTES ? time_of(s->bytes) : 0;
}
