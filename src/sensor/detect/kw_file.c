/* SPDX-License-Identifier: Apache-2.0
 *
 * What rules ask about one file of a transaction: filename, fileext, filemagic, filesize, filemd5
 * and its like, and filestore. All of one rule are asked about the same file, one file after the
 * other. file.data, file.name and file.magic, which are buffers, need not mean that file: so it is
 * in Suricata.
 */
#include "base/text.h"
#include "crypto/crypto.h"
#include "sensor/detect/detect_priv.h"
#include "sensor/file/file.h"

enum {
	FILE_TESTS_MAX = 16,
	FILE_DIGESTS_MAX = 4 << 20, /* of one list */
};

/* All tests of a rule. */
struct detect_file_tests {
	struct file_test {
		bool (*holds)(const void *operand, struct file *f);
		const void *operand;
	} tests[FILE_TESTS_MAX];
	uint32_t count;
	uint8_t dirs;	 /* bit enum flow_dir: where the rule looks */
	bool both_sides; /* as the rule's */
	/* filestore */
	uint64_t sid;
	uint8_t store_dirs;
	enum { STORE_FILE, STORE_TX, STORE_FLOW } scope;
};

static bool file_holds(const struct detect_file_tests *o, struct file *f)
{
	for (uint32_t i = 0; i < o->count; i++)
		if (!o->tests[i].holds(o->tests[i].operand, f))
			return false;
	return true;
}

/* The files that may be meant: those of the direction looked at; of a rule about both directions
 * all that there are so far. */
static bool dir_counts(const struct detect_file_tests *o, const struct detect_view *v, unsigned dir)
{
	return (o->dirs >> dir & 1) != 0 && (o->both_sides || dir == (unsigned)v->dir);
}

static bool any_holds(const void *operand, const struct detect_view *v)
{
	const struct detect_file_tests *o = operand;

	for (unsigned dir = 0; dir < 2; dir++)
		for (struct file *f = v->tx->files[dir].first; f != NULL && dir_counts(o, v, dir);
		     f = f->next)
			if (!(v->new_files && f->logged) && file_holds(o, f))
				return true;
	return false;
}

static void store(const void *operand, const struct detect_view *v)
{
	const struct detect_file_tests *o = operand;

	if (v->tx == NULL)
		return;
	for (unsigned dir = 0; dir < 2; dir++) {
		if ((o->store_dirs >> dir & 1) == 0)
			continue;
		if (o->scope != STORE_FILE)
			v->tx->files[dir].wanted = true;
		if (o->scope == STORE_FLOW)
			v->flow->app->files_wanted |= (uint8_t)(1U << dir);
		for (struct file *f = v->tx->files[dir].first; f != NULL; f = f->next)
			if (o->scope != STORE_FILE || (dir_counts(o, v, dir) && file_holds(o, f)))
				file_want(f, o->sid);
	}
}

static const struct detect_keyword all_row = {
	.name = "file", .cost = 3, .test = any_holds, .doc = "one file holds all tests"};
static const struct detect_keyword store_row = {
	.name = "filestore", .after = store, .doc = "the files that hold are stored"};

/* --- the rule's list of tests --- */

static enum status tests_get(struct detect_compiler *c, struct detect_file_tests **out,
			     struct fail *why)
{
	struct detect_file_tests *o = c->files;
	enum status st;

	if (o == NULL) {
		o = ARENA_NEW(c->arena, struct detect_file_tests);
		if (o == NULL)
			return fail_set(why, ST_NOMEM, "no memory for tests of files");
		st = detect_add_tx_test(c, &all_row, o, why);
		if (st != ST_OK)
			return st;
		o->sid = c->rule->sid;
		c->files = o;
	}
	*out = o;
	return ST_OK;
}

static enum status test_add(struct detect_compiler *c,
			    bool (*holds)(const void *operand, struct file *f), const void *operand,
			    struct fail *why)
{
	struct detect_file_tests *o;
	enum status st = tests_get(c, &o, why);

	if (st != ST_OK)
		return st;
	if (o->count == FILE_TESTS_MAX)
		return fail_set(why, ST_LIMIT, "more than %d tests of files", FILE_TESTS_MAX);
	o->tests[o->count++] = (struct file_test){holds, operand};
	return ST_OK;
}

bool detect_files_store(const struct detect_file_tests *o)
{
	return o->store_dirs != 0;
}

void detect_files_bound(struct detect_file_tests *o, uint8_t dirs, bool both_sides)
{
	o->dirs = dirs;
	o->both_sides = both_sides;
}

/* --- names and types --- */

struct text_operand {
	struct slice bytes; /* lower case */
	bool negated;
};

static bool text_in(const struct text_operand *o, struct slice text)
{
	return (detect_search(text, o->bytes, true) != SIZE_MAX) != o->negated;
}

static bool name_has(const void *operand, struct file *f)
{
	return text_in(operand, f->name);
}

static bool name_ends(const void *operand, struct file *f)
{
	const struct text_operand *o = operand;
	size_t n = o->bytes.len;
	bool ends = f->name.len >= n &&
		    slice_equal_nocase(slice_from(f->name, f->name.len - n), o->bytes);

	return ends != o->negated;
}

static bool magic_has(const void *operand, struct file *f)
{
	struct slice magic = file_type(f);

	return magic.len != 0 && text_in(operand, magic);
}

static enum status compile_text(struct detect_compiler *c, const struct detect_keyword *kw,
				struct slice value, struct fail *why)
{
	static bool (*const holds[])(const void *, struct file *) = {name_has, name_ends,
								     magic_has};
	struct text_operand *o = ARENA_NEW(c->arena, struct text_operand);
	struct slice bytes;
	uint8_t *lower;
	enum status st;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	st = rule_content_parse(value, c->arena, &o->negated, &bytes, why);
	if (st != ST_OK)
		return st;
	if (bytes.len == 0)
		return fail_set(why, ST_INVALID, "%s wants a text", kw->name);
	lower = ARENA_ARRAY(c->arena, uint8_t, bytes.len);
	if (lower == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	for (size_t i = 0; i < bytes.len; i++)
		lower[i] = text_lower(bytes.ptr[i]);
	o->bytes = (struct slice){lower, bytes.len};
	c->rules->wants_types |= holds[kw->which] == magic_has;
	return test_add(c, holds[kw->which], o, why);
}

/* --- sizes --- */

/* Of a file whose end was not seen only its least size is known. */
static bool size_holds(const void *operand, struct file *f)
{
	const struct detect_range *o = operand;

	if (f->state == FILE_OPEN)
		return false;
	if (f->state != FILE_CLOSED && o->op != CMP_GT && o->op != CMP_GE)
		return false;
	return detect_range_holds(o, f->size);
}

static enum status compile_size(struct detect_compiler *c, const struct detect_keyword *kw,
				struct slice value, struct fail *why)
{
	struct detect_range *o = ARENA_NEW(c->arena, struct detect_range);

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	if (!detect_range_parse(value, UINT64_MAX, o))
		return fail_set(why, ST_INVALID, "filesize wants a number or a range, not \"%.*s\"",
				SLICE_ARG(value));
	return test_add(c, size_holds, o, why);
}

/* --- lists of digests --- */

struct digest_operand {
	uint8_t hash;	  /* enum file_hash */
	uint8_t bytes;	  /* of one */
	uint8_t *digests; /* sorted */
	size_t count;
	bool negated;
};

static const uint8_t *digest_of(const struct file *f, uint8_t hash)
{
	return hash == FILE_MD5 ? f->md5 : hash == FILE_SHA1 ? f->sha1 : f->sha256;
}

static bool digest_listed(const void *operand, struct file *f)
{
	const struct digest_operand *o = operand;
	size_t lo = 0, hi = o->count;

	if ((f->hashes & o->hash) == 0 || f->state != FILE_CLOSED)
		return false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = memcmp(digest_of(f, o->hash), o->digests + mid * o->bytes, o->bytes);

		if (order == 0)
			return !o->negated;
		if (order < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return o->negated;
}

/* One digest a line, in either case; what stands behind it, empty lines and those that begin with
 * '#' are passed over, as `md5sum` and people write them. */
static enum status digests_read(struct digest_operand *o, struct slice text, struct fail *why)
{
	char lower[2 * CRYPTO_SHA256_BYTES];

	for (unsigned line = 1; text.ptr != NULL; line++) {
		struct slice word = slice_trim(slice_split(&text, '\n'));
		size_t digits = 2 * (size_t)o->bytes;

		if (word.len == 0 || word.ptr[0] == '#')
			continue;
		if (word.len > digits && text_hex(word.ptr[digits]) >= 0)
			return fail_set(why, ST_INVALID, "line %u: too long for a digest", line);
		word = slice_part(word, 0, digits);
		for (size_t i = 0; i < word.len; i++)
			lower[i] = (char)text_lower(word.ptr[i]);
		if (!crypto_hex_parse((struct slice){(const uint8_t *)lower, word.len}, o->bytes,
				      o->digests + o->count * o->bytes))
			return fail_set(why, ST_INVALID, "line %u: no digest of %u digits", line,
					(unsigned)digits);
		o->count++;
	}
	return ST_OK;
}

static void swap(uint8_t *a, uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t t = a[i];

		a[i] = b[i];
		b[i] = t;
	}
}

/* Heap sort: in place, without a callback's context, never quadratic. */
static void digests_sort(struct digest_operand *o)
{
	size_t n = o->bytes;

	for (size_t end = o->count, start = o->count / 2; end > 1;) {
		size_t root, child;

		if (start > 0) {
			start--;
		} else {
			end--;
			swap(o->digests, o->digests + end * n, n);
		}
		for (root = start; (child = 2 * root + 1) < end; root = child) {
			if (child + 1 < end &&
			    memcmp(o->digests + child * n, o->digests + (child + 1) * n, n) < 0)
				child++;
			if (memcmp(o->digests + root * n, o->digests + child * n, n) >= 0)
				break;
			swap(o->digests + root * n, o->digests + child * n, n);
		}
	}
}

static enum status compile_digests(struct detect_compiler *c, const struct detect_keyword *kw,
				   struct slice value, struct fail *why)
{
	static const uint8_t bytes[] = {[FILE_MD5] = CRYPTO_MD5_BYTES,
					[FILE_SHA1] = CRYPTO_SHA1_BYTES,
					[FILE_SHA256] = CRYPTO_SHA256_BYTES};
	struct digest_operand *o = ARENA_NEW(c->arena, struct digest_operand);
	struct slice name = slice_trim(value), text;
	size_t lines = 1;
	enum status st;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	o->negated = name.len != 0 && name.ptr[0] == '!';
	name = slice_trim(slice_from(name, o->negated));
	if (name.len >= 2 && name.ptr[0] == '"' && name.ptr[name.len - 1] == '"')
		name = slice_part(name, 1, name.len - 2);
	o->hash = kw->which;
	o->bytes = bytes[kw->which];
	if (c->options == NULL || c->options->read == NULL)
		return fail_set(why, ST_NOTFOUND, "nobody reads files for %s", kw->name);
	st = c->options->read(c->options->read_ctx, c->rule, name, c->arena, &text, why);
	if (st != ST_OK)
		return st;
	for (size_t i = 0; i < text.len; i++)
		lines += text.ptr[i] == '\n';
	if (lines > FILE_DIGESTS_MAX)
		return fail_set(why, ST_LIMIT, "more than %d digests", FILE_DIGESTS_MAX);
	o->digests = ARENA_ARRAY(c->arena, uint8_t, lines * o->bytes);
	if (o->digests == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	st = digests_read(o, text, why);
	if (st != ST_OK)
		return fail_wrap(why, "%.*s", SLICE_ARG(name));
	digests_sort(o);
	c->rules->wants_hashes |= kw->which;
	return test_add(c, digest_listed, o, why);
}

/* --- filestore --- */

static bool store_dirs_of(struct slice word, uint8_t *out)
{
	static const struct {
		const char *word;
		uint8_t dirs;
	} rows[] = {
		{"request", 1}, {"to_server", 1}, {"response", 2}, {"to_client", 2}, {"both", 3}};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (slice_equal_nocase(word, slice_of(rows[i].word))) {
			*out = rows[i].dirs;
			return true;
		}
	}
	return false;
}

/* filestore[:direction[,scope]] */
static enum status compile_store(struct detect_compiler *c, const struct detect_keyword *kw,
				 struct slice value, struct fail *why)
{
	struct slice rest = value, dir = slice_trim(slice_split(&rest, ','));
	struct detect_file_tests *o;
	enum status st = tests_get(c, &o, why);

	if (st != ST_OK)
		return st;
	rest = slice_trim(rest);
	o->store_dirs = 1U << FLOW_TO_SERVER | 1U << FLOW_TO_CLIENT;
	if (dir.len != 0 && !store_dirs_of(dir, &o->store_dirs))
		return fail_set(why, ST_INVALID, "filestore knows no direction \"%.*s\"",
				SLICE_ARG(dir));
	if (slice_equal_nocase(rest, SLICE("tx")))
		o->scope = STORE_TX;
	else if (slice_equal_nocase(rest, SLICE("flow")) || slice_equal_nocase(rest, SLICE("ssn")))
		o->scope = STORE_FLOW;
	else if (rest.len != 0 && !slice_equal_nocase(rest, SLICE("file")))
		return fail_set(why, ST_INVALID, "filestore knows no scope \"%.*s\"",
				SLICE_ARG(rest));
	return detect_add_after(c, &store_row, o, why);
}

static enum status compile_magic_buffer(struct detect_compiler *c, const struct detect_keyword *kw,
					struct slice value, struct fail *why)
{
	c->rules->wants_types = true;
	return detect_stick(c, slice_of(kw->name), why);
}

void detect_rules_files(const struct detect_rules *r, struct file_setup *s)
{
	s->hashes |= r->wants_hashes;
	s->types_wanted |= r->wants_types;
}

KEYWORD(file) = {
	{.name = "file.magic",
	 .kind = KIND_BUFFER,
	 .bare = true,
	 .compile = compile_magic_buffer,
	 .doc = "each file's type"},
	{.name = "filename",
	 .kind = KIND_TEST,
	 .which = 0,
	 .compile = compile_text,
	 .doc = "the file's name has it"},
	{.name = "fileext",
	 .kind = KIND_TEST,
	 .which = 1,
	 .compile = compile_text,
	 .doc = "its name ends in it"},
	{.name = "filemagic",
	 .kind = KIND_TEST,
	 .which = 2,
	 .compile = compile_text,
	 .doc = "its type's text has it"},
	{.name = "filesize", .kind = KIND_TEST, .compile = compile_size, .doc = "how large it is"},
	{.name = "filemd5",
	 .kind = KIND_TEST,
	 .which = FILE_MD5,
	 .compile = compile_digests,
	 .doc = "its MD5 is in the list"},
	{.name = "filesha1",
	 .kind = KIND_TEST,
	 .which = FILE_SHA1,
	 .compile = compile_digests,
	 .doc = "its SHA-1 is in the list"},
	{.name = "filesha256",
	 .kind = KIND_TEST,
	 .which = FILE_SHA256,
	 .compile = compile_digests,
	 .doc = "its SHA-256 is in the list"},
	{.name = "filestore",
	 .kind = KIND_EFFECT,
	 .compile = compile_store,
	 .doc = "stores the file, or those of the transaction or flow"},
	{0},
};
