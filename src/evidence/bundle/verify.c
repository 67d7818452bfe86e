/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of the checks is that of a stranger's trust: is the file what was written; whose log is
 * it; did it sign this state; are the facts in it; who says so; is what they were judged by what
 * was committed. Each goes on where the one before found something wrong, as far as it can.
 */
#include <stdarg.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "crypto/note.h"
#include "evidence/bundle/bundle.h"
#include "evidence/bundle/bundle_priv.h"
#include "evidence/disclose/disclose.h"
#include "evidence/merkle/merkle.h"

enum { RANGE = 32 }; /* facts that are checked in one go */

void bundle_report_add(struct bundle_report *r, struct arena *a, const char *name, bool ok,
		       struct slice text)
{
	struct bundle_check check = {name, ok, arena_copy(a, text)};

	r->ok = (r->ok || r->count == 0) && ok;
	if (!ARENA_PUSH(a, r->checks, r->count, r->room, check))
		r->ok = false; /* a check that cannot be told is not passed */
}

void bundle_say(struct bundle_verifying *v, const char *name, bool ok, const char *fmt, ...)
{
	struct buf b = buf_in(v->a);
	size_t before = v->report->count;
	va_list ap;

	va_start(ap, fmt);
	buf_add_vfmt(&b, fmt, ap);
	va_end(ap);
	bundle_report_add(v->report, v->a, name, ok, buf_slice(&b));
	v->nomem = v->nomem || b.full || v->report->count == before;
}

static void check_sums(struct bundle_verifying *v)
{
	bool ok = true;

	for (size_t i = 0; i < BUNDLE_PARTS; i++) {
		const struct bundle_part *p = &v->b->parts[i];

		if (p->name == NULL || p->sum_ok)
			continue;
		ok = false;
		bundle_say(v, "file unchanged", false,
			   "\"%s\" (bytes %zu to %zu) was changed after the bundle was written",
			   p->name, p->from, p->to);
	}
	if (ok && v->b->parts[0].name != NULL)
		bundle_say(v, "file unchanged", true, "all %d parts are as they were written",
			   BUNDLE_PARTS);
}

static bool names_log(const struct view_policy *p, const struct note_verifier *log)
{
	for (size_t i = 0; i < p->log_count; i++)
		if (note_verifier_equal(&p->logs[i].key, log))
			return true;
	return false;
}

static void check_log_key(struct bundle_verifying *v)
{
	struct slice trusted = slice_trim(v->trust->log_key);
	const struct view_policy *p = v->trust->policy;
	bool by_policy = p != NULL && p->log_count != 0;

	v->log_ok = note_verifier_parse(v->b->log_key, &v->log, v->why) == ST_OK;
	if (!v->log_ok)
		bundle_say(v, "log key", false, "%s", v->why->text);
	else if (trusted.len != 0 && !slice_equal(trusted, v->b->log_key))
		bundle_say(v, "log key", false, "%.*s is not %.*s, which you trust",
			   SLICE_ARG(v->b->log_key), SLICE_ARG(trusted));
	else if (by_policy && !names_log(p, &v->log))
		bundle_say(v, "log key", false, "%.*s is none of the logs that your policy names",
			   SLICE_ARG(v->b->log_key));
	else if (trusted.len != 0 || by_policy)
		bundle_say(v, "log key", true, "%.*s: %s", SLICE_ARG(v->b->log_key),
			   trusted.len != 0 ? "the one that you trust"
					    : "one that your policy names");
	else
		bundle_say(v, "log key", true,
			   "%.*s: the bundle's own, compared with none that you trust",
			   SLICE_ARG(v->b->log_key));
}

static void check_checkpoint(struct bundle_verifying *v)
{
	const char *check = "checkpoint signature";
	enum status st;

	if (!v->log_ok) {
		bundle_say(v, check, false, "cannot be checked without a log key");
		return;
	}
	st = merkle_checkpoint_open(v->b->checkpoint, &v->log, v->a, &v->checkpoint, v->why);
	v->checkpoint_ok = st == ST_OK;
	v->nomem = v->nomem || st == ST_NOMEM;
	if (st != ST_OK)
		bundle_say(v, check, false, "%s", v->why->text);
	else
		bundle_say(v, check, true, "%.*s signed a log of %llu leaves",
			   SLICE_ARG(v->log.name), (unsigned long long)v->checkpoint.size);
}

/* One range: what needs no memory and is most of the work. */
static void check_range(void *ctx, size_t range)
{
	struct bundle_verifying *v = ctx;
	size_t end = (range + 1) * RANGE;
	struct fail why;

	for (size_t i = range * RANGE; i < v->b->fact_count && i < end; i++) {
		const struct bundle_fact *f = &v->b->facts[i];
		uint8_t leaf[MERKLE_BYTES];

		v->is_signed[i] = v->keys_ok &&
				  disclose_check(f->jwt, &v->keys, &v->signer[i], &why) == ST_OK;
		if (!v->checkpoint_ok)
			continue;
		merkle_leaf(f->jwt, leaf);
		v->included[i] =
			merkle_verify_inclusion(leaf, f->leaf, v->checkpoint.size, f->proof,
						f->proof_count, v->checkpoint.root);
	}
}

static void check_ranges(struct bundle_verifying *v)
{
	size_t n = (v->b->fact_count + RANGE - 1) / RANGE;

	if (v->trust->parallel != NULL && n > 1) {
		v->trust->parallel(v->trust->parallel_ctx, n, check_range, v);
		return;
	}
	for (size_t i = 0; i < n; i++)
		check_range(v, i);
}

static void check_leaves(struct bundle_verifying *v)
{
	const char *check = "leaf inclusion";
	size_t bad = 0, first = 0;

	if (!v->checkpoint_ok) {
		bundle_say(v, check, false, "cannot be checked without a checkpoint");
		return;
	}
	for (size_t i = 0; i < v->b->fact_count; i++)
		if (!v->included[i] && bad++ == 0)
			first = i;
	if (bad != 0)
		bundle_say(v, check, false, "leaf %llu and %zu others are not in the log as signed",
			   (unsigned long long)v->b->facts[first].leaf, bad - 1);
	else
		bundle_say(v, check, true, "all %zu facts are leaves of that log",
			   v->b->fact_count);
}

static void read_station_keys(struct bundle_verifying *v)
{
	enum status st = disclose_keys_parse(v->b->station_keys, v->a, &v->keys, v->why);
	size_t room = v->keys.count;

	v->nomem = v->nomem || st == ST_NOMEM;
	if (st == ST_OK && v->keys.count > BUNDLE_KEYS_MAX)
		st = fail_set(v->why, ST_LIMIT, "%zu keys; at most %d are taken", v->keys.count,
			      BUNDLE_KEYS_MAX);
	v->keys_ok = st == ST_OK;
	v->keys_why = *v->why;
	if (v->keys_ok && v->log_ok &&
	    !ARENA_PUSH(v->a, v->keys.keys, v->keys.count, room, disclose_key_of(v->log.key)))
		v->nomem = true;
}

static void check_station_keys(struct bundle_verifying *v)
{
	size_t n = v->keys.count - (v->log_ok ? 1 : 0);

	if (!v->keys_ok)
		bundle_say(v, "station keys", false, "%s", v->keys_why.text);
	else
		bundle_say(v, "station keys", true, "%zu %s named by its own hash in the leaves", n,
			   n == 1 ? "key," : "keys, each");
}

/* Room is taken for facts that pass, not for those that are claimed. */
static bool passed(struct bundle_verifying *v, size_t i, const struct record *record,
		   const struct disclose_opened *opened)
{
	struct bundle_shown shown = {opened->fields, opened->count};
	const struct bundle_fact *f = &v->b->facts[i];
	struct bundle_report *r = v->report;
	size_t n = r->record_count, records = n, leaves = n, withheld = n, by = n, at = n;

	return ARENA_PUSH(v->a, r->records, records, v->record_room, *record) &&
	       ARENA_PUSH(v->a, r->leaves, leaves, v->leaf_room, f->leaf) &&
	       ARENA_PUSH(v->a, r->withheld, withheld, v->withheld_room, f->withheld) &&
	       ARENA_PUSH(v->a, v->passed_by, by, v->by_room, v->signer[i]) &&
	       ARENA_PUSH(v->a, v->passed_at, at, v->at_room, opened->at_s) &&
	       ARENA_PUSH(v->a, r->shown, r->record_count, v->shown_room, shown);
}

/* One fact: its signature, its disclosures, and what they say. */
static enum status open_fact(struct bundle_verifying *v, size_t i, size_t *fields, size_t *hidden)
{
	const struct bundle_fact *f = &v->b->facts[i];
	struct disclose_opened opened;
	struct record record;
	enum status st;

	if (!v->is_signed[i]) /* once more, for the reason */
		return disclose_check(f->jwt, &v->keys, &v->signer[i], v->why);
	st = disclose_open_checked(f->jwt, f->disclosures, f->disclosure_count, v->a, &opened,
				   v->why);
	if (st == ST_OK)
		st = record_from_fields(opened.fields, opened.count, v->a, &record, v->why);
	if (st != ST_OK)
		return st;
	*fields += opened.count;
	*hidden += opened.hidden;
	if (!v->included[i])
		return ST_OK;
	return passed(v, i, &record, &opened)
		       ? ST_OK
		       : fail_set(v->why, ST_NOMEM, "no memory for another fact");
}

static void check_facts(struct bundle_verifying *v)
{
	const char *check = "event signatures and fields";
	size_t bad = 0, fields = 0, hidden = 0;
	unsigned long long first = 0;
	struct fail why = {0};

	if (!v->keys_ok) {
		bundle_say(v, check, false, "cannot be checked without station keys");
		return;
	}
	for (size_t i = 0; i < v->b->fact_count; i++) {
		enum status st = open_fact(v, i, &fields, &hidden);

		v->nomem = v->nomem || st == ST_NOMEM;
		if (st != ST_OK && bad++ == 0) {
			first = v->b->facts[i].leaf;
			why = *v->why;
		}
	}
	if (bad != 0)
		bundle_say(v, check, false, "leaf %llu: %s (and %zu other leaves)", first, why.text,
			   bad - 1);
	else
		bundle_say(v, check, true,
			   "%zu fields are what was committed; %zu digests, withheld fields and "
			   "decoys, "
			   "stay "
			   "closed",
			   fields, hidden);
}

/* --- files --- */

/* A text with its hash, computed once however many leaves speak of it. */
struct known_file {
	struct slice name;
	char hex[2 * CRYPTO_SHA256_BYTES];
	bool committed;
};

static int by_name(const void *a, const void *b)
{
	const struct known_file *x = a, *y = b;

	return slice_compare(x->name, y->name);
}

static struct known_file *hash_files(struct bundle_verifying *v, const struct bundle_file *files,
				     size_t n)
{
	struct known_file *known = ARENA_ARRAY(v->a, struct known_file, n + 1);

	for (size_t i = 0; known != NULL && i < n; i++) {
		uint8_t hash[CRYPTO_SHA256_BYTES];

		crypto_sha256_of(files[i].text, hash);
		known[i].name = files[i].name;
		(void)crypto_hex_write((struct slice){hash, sizeof hash}, known[i].hex);
	}
	if (known != NULL)
		qsort(known, n, sizeof *known, by_name);
	return known;
}

/* True if the record commits to one of the texts, which is then committed; also for other records,
 * and for texts that are not there if they `may_lack`. */
static bool take_commitment(const struct record *r, const char *what, bool may_lack,
			    struct known_file *known, size_t n)
{
	struct known_file want = {.name = r->u.input.name}, *found;

	if (r->kind != RECORD_INPUT || !slice_equal(r->u.input.what, slice_of(what)))
		return true;
	found = bsearch(&want, known, n, sizeof want, by_name);
	if (found == NULL)
		return may_lack;
	if (!slice_equal(r->u.input.sha256,
			 (struct slice){(const uint8_t *)found->hex, sizeof found->hex}))
		return false;
	found->committed = true;
	return true;
}

/* Every file was committed, and every committed file is there: the latter where there is a verdict,
 * which rests on it. */
static void check_files(struct bundle_verifying *v, const char *check, const char *what,
			const struct bundle_file *files, size_t n)
{
	struct known_file *known = hash_files(v, files, n);
	const struct bundle_report *r = v->report;
	bool facts_only = slice_equal(v->b->bulletin, SLICE("{}")), ok = true;
	size_t others = 0, first = 0;

	if (known == NULL) {
		v->nomem = true;
		return;
	}
	for (size_t k = 0; k < r->record_count; k++)
		if (!take_commitment(&r->records[k], what, facts_only, known, n) && others++ == 0)
			first = k;
	for (size_t i = 0; i < n; i++) {
		if (!known[i].committed)
			bundle_say(v, check, false, "%.*s: no leaf here commits to this text",
				   SLICE_ARG(known[i].name));
		ok = ok && known[i].committed;
	}
	if (others != 0)
		bundle_say(
			v, check, false,
			"leaf %llu commits to another text of %s file %.*s (and %zu other leaves)",
			(unsigned long long)r->leaves[first], what,
			SLICE_ARG(r->records[first].u.input.name), others - 1);
	if (ok && others == 0)
		bundle_say(v, check, true,
			   "%zu texts, each with the SHA-256 that a leaf commits to", n);
}

/* The KEY of a line: log-key "KEY" (docs/formats/party.md); empty if there is none. */
static struct slice log_key_line(struct slice text)
{
	while (text.ptr != NULL) {
		struct slice line = slice_trim(slice_split(&text, '\n')), rest;

		rest = slice_from(line, 7);
		if (!slice_starts(line, SLICE("log-key")) || rest.len == 0 ||
		    !text_is_space(rest.ptr[0]))
			continue;
		rest = slice_trim(rest);
		if (slice_starts(rest, SLICE("\""))) {
			rest = slice_from(rest, 1);
			return slice_split(&rest, '"');
		}
		return rest;
	}
	return (struct slice){NULL, 0};
}

static void check_party_key(struct bundle_verifying *v)
{
	const char *check = "log key of the first party";
	struct slice said;

	if (v->b->party_count == 0)
		return;
	said = log_key_line(v->b->party_files[0].text);
	if (said.len == 0)
		bundle_say(v, check, true, "%.*s names none", SLICE_ARG(v->b->party_files[0].name));
	else if (slice_equal(said, v->b->log_key))
		bundle_say(v, check, true, "%.*s names this log",
			   SLICE_ARG(v->b->party_files[0].name));
	else
		bundle_say(v, check, false, "%.*s names another log: %.*s",
			   SLICE_ARG(v->b->party_files[0].name), SLICE_ARG(said));
}

enum status bundle_verify(const struct bundle *b, const struct bundle_trust *trust, struct arena *a,
			  struct bundle_report *out, struct fail *why)
{
	struct bundle_report report = {0};
	struct bundle_verifying v = {.b = b, .trust = trust, .a = a, .report = &report, .why = why};

	v.included = ARENA_ARRAY(a, bool, b->fact_count + 1);
	v.is_signed = ARENA_ARRAY(a, bool, b->fact_count + 1);
	v.signer = ARENA_ARRAY(a, size_t, b->fact_count + 1);
	if (v.included == NULL || v.is_signed == NULL || v.signer == NULL)
		return fail_set(why, ST_NOMEM, "no memory to verify a bundle");
	check_sums(&v);
	check_log_key(&v);
	check_checkpoint(&v);
	bundle_check_witnesses(&v);
	read_station_keys(&v);
	check_ranges(&v);
	check_leaves(&v);
	check_station_keys(&v);
	check_facts(&v);
	bundle_check_certificates(&v);
	bundle_check_openings(&v);
	check_files(&v, "party files", "party", b->party_files, b->party_count);
	check_files(&v, "treaty files", "treaty", b->treaty_files, b->treaty_count);
	check_files(&v, "prior", "prior", b->prior_files, b->prior_count);
	check_party_key(&v);
	if (v.nomem)
		return fail_set(why, ST_NOMEM, "no memory to verify a bundle");
	*out = report;
	return ST_OK;
}
