/* SPDX-License-Identifier: Apache-2.0
 *
 * A reader for one form only: that which encode.c writes. So it needs no tree and no look-ahead: at
 * every byte there is one thing that may stand there, and the error says which and where.
 */
#include "base/cursor.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "evidence/bundle/bundle.h"
#include "evidence/bundle/bundle_priv.h"

enum { PROOF_TEXT = 44 /* characters of 32 bytes in base64 */, PROOF_HASHES_MAX = 64 };

/* Sticky: after the first mistake nothing moves, and `why` has it. */
struct reader {
	struct slice all;
	struct cursor c;
	struct arena *a;
	struct fail *why;
	bool failed;
};

static size_t offset(const struct reader *r)
{
	return r->all.len - cursor_left(&r->c);
}

static void mistake(struct reader *r, size_t at, enum status st, const char *expected)
{
	if (!r->failed)
		(void)fail_set(r->why, st, "bundle: byte %zu: expected %s", at, expected);
	r->failed = true;
}

static bool peek(const struct reader *r, uint8_t c)
{
	return !r->failed && cursor_left(&r->c) > 0 && *r->c.at == c;
}

static void token(struct reader *r, const char *literal)
{
	struct slice want = slice_of(literal), rest = {r->c.at, cursor_left(&r->c)};

	if (r->failed)
		return;
	if (!slice_starts(rest, want)) {
		size_t same = 0;

		while (same < rest.len && same < want.len && rest.ptr[same] == want.ptr[same])
			same++;
		mistake(r, offset(r) + same, ST_INVALID, literal);
		return;
	}
	(void)cursor_take(&r->c, want.len); /* it is there */
}

/* One escape after its backslash: the shortest form only, as RFC 8785 3.2.2.2 has it. -1: none. */
static int unescape(struct cursor *c)
{
	static const char from[] = "bfnrt\"\\", to[] = "\b\f\n\r\t\"\\";
	uint8_t e = cursor_u8(c), v;
	const char *at = e ? strchr(from, e) : NULL;
	struct slice digits;

	if (at != NULL)
		return to[at - from];
	digits = cursor_take(c, 4);
	if (e != 'u' || !slice_starts(digits, SLICE("00")) ||
	    !crypto_hex_parse(slice_from(digits, 2), 1, &v) || v >= ' ' ||
	    (v >= '\b' && v <= '\r' && v != '\v'))
		return -1;
	return v;
}

/* A string with its quotes; the text between them. Without escapes it is borrowed. */
static struct slice string(struct reader *r)
{
	struct buf plain = buf_in(r->a);
	size_t start = offset(r), run;
	struct slice text;

	token(r, "\"");
	for (run = 0; !r->failed;) {
		struct slice rest = {r->c.at, cursor_left(&r->c)};
		size_t at;
		int c;

		while (run < rest.len && rest.ptr[run] >= ' ' && rest.ptr[run] != '"' &&
		       rest.ptr[run] != '\\')
			run++;
		if (run == rest.len || rest.ptr[run] < ' ') {
			mistake(r, offset(r) + run, ST_INVALID, "the end of a string");
			break;
		}
		if (rest.ptr[run] == '"') {
			text = cursor_take(&r->c, run);
			(void)cursor_take(&r->c, 1); /* the quote */
			if (plain.ptr != NULL) {
				buf_add(&plain, text);
				text = buf_slice(&plain);
			}
			if (plain.full)
				mistake(r, start, ST_NOMEM, "memory for a string");
			else if (!text_is_utf8(text))
				mistake(r, start, ST_INVALID, "a string in UTF-8");
			return r->failed ? (struct slice){NULL, 0} : text;
		}
		at = offset(r) + run;
		buf_add(&plain, cursor_take(&r->c, run));
		(void)cursor_take(&r->c, 1); /* the backslash */
		c = unescape(&r->c);
		if (c < 0)
			mistake(r, at, ST_INVALID, "an escape in its shortest form");
		else
			buf_add_byte(&plain, (uint8_t)c);
		run = 0;
	}
	return (struct slice){NULL, 0};
}

static uint64_t leaf_index(struct reader *r)
{
	size_t start = offset(r), n = 0;
	struct slice rest = {r->c.at, cursor_left(&r->c)};
	uint64_t v = 0;

	while (n < rest.len && text_is_digit(rest.ptr[n]))
		n++;
	if ((n > 1 && rest.ptr[0] == '0') || !text_u64(slice_part(rest, 0, n), 0, UINT64_MAX, &v) ||
	    !bundle_leaf_ok(v))
		mistake(r, start, ST_INVALID, "the index of a leaf");
	else
		(void)cursor_take(&r->c, n); /* they are there */
	return v;
}

/* An object as it stands, without white space. */
static struct slice raw_object(struct reader *r)
{
	struct slice rest = {r->c.at, cursor_left(&r->c)}, object;
	size_t start = offset(r), depth = 0, n = 0;
	bool quoted = false;

	if (r->failed || !peek(r, '{')) {
		mistake(r, start, ST_INVALID, "an object");
		return (struct slice){NULL, 0};
	}
	for (; n < rest.len; n++) {
		uint8_t c = rest.ptr[n];

		if (quoted && c == '\\')
			n++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '['))
			depth++;
		else if (!quoted && (c == '}' || c == ']') && --depth == 0)
			break;
	}
	object = slice_part(rest, 0, n + 1);
	if (n >= rest.len || !bundle_object_ok(object))
		mistake(r, start, ST_INVALID, "a compact JSON object");
	else
		(void)cursor_take(&r->c, object.len); /* it is there */
	return object;
}

/* More members of an array: true once for each, false at its end. */
static bool more(struct reader *r, bool *first)
{
	if (r->failed)
		return false;
	if (peek(r, ']')) {
		token(r, "]");
		return false;
	}
	if (!*first)
		token(r, ",");
	*first = false;
	return !r->failed;
}

static void disclosures(struct reader *r, struct bundle_fact *f)
{
	size_t room = 0;
	bool first = true;

	token(r, "{\"disclosures\":[");
	while (more(r, &first)) {
		struct slice s = string(r);

		if (f->disclosure_count == RECORD_FIELDS_MAX)
			mistake(r, offset(r), ST_LIMIT, "no more disclosures");
		else if (!ARENA_PUSH(r->a, f->disclosures, f->disclosure_count, room, s))
			mistake(r, offset(r), ST_NOMEM, "memory for a disclosure");
	}
}

/* Collected on the stack: a proof of one hash takes no more memory than one hash. */
static void proof(struct reader *r, struct bundle_fact *f)
{
	uint8_t hashes[PROOF_HASHES_MAX][32], (*kept)[32];
	size_t n = 0;
	bool first = true;

	token(r, ",\"proof\":[");
	while (more(r, &first)) {
		size_t at = offset(r), len;
		struct slice s = string(r);

		if (n == PROOF_HASHES_MAX)
			mistake(r, at, ST_LIMIT, "no more than 64 hashes in a proof");
		else if (s.len != PROOF_TEXT ||
			 !crypto_base64_parse(CRYPTO_BASE64, s, 32, hashes[n], &len) || len != 32)
			mistake(r, at, ST_INVALID, "base64 of 32 bytes");
		else
			n++;
	}
	if (peek(r, ',')) {
		token(r, ",\"withheld\":true");
		f->withheld = true;
	}
	token(r, "}");
	kept = n != 0 && !r->failed ? arena_alloc(r->a, 32, 1, n) : NULL;
	if (kept != NULL)
		memcpy(kept, hashes, n * 32);
	else if (n != 0)
		mistake(r, offset(r), ST_NOMEM, "memory for a proof");
	f->proof = (const uint8_t(*)[32])kept;
	f->proof_count = n;
}

static void facts(struct reader *r, struct bundle *b)
{
	size_t room = 0;
	bool first = true;

	token(r, "[");
	while (more(r, &first)) {
		struct bundle_fact f = {0};
		size_t at;

		disclosures(r, &f);
		token(r, ",\"jwt\":");
		f.jwt = string(r);
		token(r, ",\"leaf\":");
		at = offset(r);
		f.leaf = leaf_index(r);
		if (b->fact_count > 0 && f.leaf <= b->facts[b->fact_count - 1].leaf)
			mistake(r, at, ST_INVALID, "a leaf after the one before");
		proof(r, &f);
		if (b->fact_count == BUNDLE_FACTS_MAX)
			mistake(r, at, ST_LIMIT, "no more facts");
		else if (!ARENA_PUSH(r->a, b->facts, b->fact_count, room, f))
			mistake(r, at, ST_NOMEM, "memory for a fact");
	}
}

static void files(struct reader *r, size_t most, struct bundle_file **out, size_t *out_count)
{
	struct bundle_file *list = NULL;
	size_t n = 0, room = 0;
	bool first = true;

	token(r, "[");
	while (more(r, &first)) {
		struct bundle_file f;
		size_t at;

		token(r, "{\"name\":");
		at = offset(r);
		f.name = string(r);
		if (!bundle_name_ok(f.name))
			mistake(r, at, ST_INVALID, "the name of a file");
		for (size_t i = 0; i < n; i++)
			if (slice_equal(list[i].name, f.name))
				mistake(r, at, ST_INVALID, "a name that was not there before");
		token(r, ",\"text\":");
		f.text = string(r);
		token(r, "}");
		if (n == most)
			mistake(r, at, ST_LIMIT, "no more files");
		else if (!ARENA_PUSH(r->a, list, n, room, f))
			mistake(r, at, ST_NOMEM, "memory for a file");
	}
	*out = list;
	*out_count = n;
}

static void member(struct reader *r, enum bundle_member m, struct bundle *b)
{
	switch (m) {
	case BUNDLE_BULLETIN:
		b->bulletin = raw_object(r);
		break;
	case BUNDLE_CHECKPOINT:
		b->checkpoint = string(r);
		break;
	case BUNDLE_FACTS:
		facts(r, b);
		break;
	case BUNDLE_LOG_KEY:
		b->log_key = string(r);
		break;
	case BUNDLE_PARTIES:
		files(r, BUNDLE_FILES_MAX, &b->party_files, &b->party_count);
		break;
	case BUNDLE_POLICY:
		b->policy = string(r);
		break;
	case BUNDLE_PRIORS:
		files(r, BUNDLE_PRIORS_MAX, &b->prior_files, &b->prior_count);
		break;
	case BUNDLE_STATION_KEYS:
		b->station_keys = raw_object(r);
		break;
	case BUNDLE_TREATIES:
		files(r, BUNDLE_FILES_MAX, &b->treaty_files, &b->treaty_count);
		break;
	case BUNDLE_MEMBERS:
		break;
	}
}

static void name(struct reader *r, const char *before, const char *key)
{
	token(r, before);
	token(r, key);
	token(r, "\":");
}

static void format(struct reader *r)
{
	struct slice rest = {r->c.at, cursor_left(&r->c)};

	if (!r->failed && slice_starts(rest, SLICE(",\"format\":\"dewline-bundle/1\"")))
		mistake(r, offset(r), ST_INVALID,
			"form 2, found form 1, which an earlier dewline wrote and reads");
	token(r, ",\"format\":\"dewline-bundle/2\"");
}

static void sums(struct reader *r, struct bundle *b)
{
	for (enum bundle_member m = 0; m < BUNDLE_MEMBERS; m++) {
		uint8_t said[CRYPTO_SHA256_BYTES], is[CRYPTO_SHA256_BYTES];
		struct bundle_part *p = &b->parts[m];
		struct slice hex;
		size_t at;

		name(r, m == 0 ? ",\"unchanged\":{\"" : ",\"", p->name);
		at = offset(r);
		hex = string(r);
		if (r->failed)
			return;
		if (!crypto_hex_parse(hex, sizeof said, said))
			mistake(r, at, ST_INVALID, "a SHA-256 in hexadecimal");
		crypto_sha256_of(slice_part(r->all, p->from, p->to - p->from), is);
		p->sum_ok = memcmp(said, is, sizeof is) == 0;
	}
}

enum status bundle_parse(struct slice bytes, struct arena *a, struct bundle *out, struct fail *why)
{
	struct reader r = {.all = bytes, .c = cursor_of(bytes), .a = a, .why = why};
	struct bundle b = {0};

	if (bytes.len > BUNDLE_BYTES_MAX)
		return fail_set(why, ST_LIMIT, "bundle: %zu bytes; at most %d are read", bytes.len,
				BUNDLE_BYTES_MAX);
	for (enum bundle_member m = 0; m < BUNDLE_MEMBERS; m++) {
		struct bundle_part *p = &b.parts[m];

		if (m == BUNDLE_LOG_KEY)
			format(&r);
		p->name = bundle_member_names[m];
		name(&r, m == 0 ? "{\"" : ",\"", p->name);
		p->from = offset(&r);
		member(&r, m, &b);
		p->to = offset(&r);
	}
	sums(&r, &b);
	token(&r, "}}");
	if (cursor_left(&r.c) != 0)
		mistake(&r, offset(&r), ST_INVALID, "the end");
	if (r.failed)
		return why->status;
	*out = b;
	return ST_OK;
}
