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

struct signer {
	bool signed_some;  /* of the facts that passed */
	bool vouched;	   /* by the log's key, */
	uint64_t vouch_at; /* as this leaf */
};

struct verify {
	const struct bundle *b;
	struct arena *a;
	struct bundle_report *report;
	struct fail *why;
	struct note_verifier log;
	struct merkle_checkpoint checkpoint;
	struct disclose_keys keys; /* the bundle's, and behind them the log's own if it is good */
	struct signer *signers;	   /* what is known of each of them */
	bool *included;		   /* fact i */
	size_t record_room, leaf_room, shown_room;
	bool log_ok, checkpoint_ok, keys_ok;
	bool nomem;
};

void bundle_report_add(struct bundle_report *r, struct arena *a, const char *name, bool ok,
		       struct slice text)
{
	struct bundle_check check = {name, ok, arena_copy(a, text)};

	r->ok = (r->ok || r->count == 0) && ok;
	if (!ARENA_PUSH(a, r->checks, r->count, r->room, check))
		r->ok = false; /* a check that cannot be told is not passed */
}

static void say(struct verify *v, const char *name, bool ok, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

static void say(struct verify *v, const char *name, bool ok, const char *fmt, ...)
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

static void check_sums(struct verify *v)
{
	bool ok = true;

	for (size_t i = 0; i < BUNDLE_PARTS; i++) {
		const struct bundle_part *p = &v->b->parts[i];

		if (p->name == NULL || p->sum_ok)
			continue;
		ok = false;
		say(v, "file unchanged", false,
		    "\"%s\" (bytes %zu to %zu) was changed after the bundle was written", p->name,
		    p->from, p->to);
	}
	if (ok && v->b->parts[0].name != NULL)
		say(v, "file unchanged", true, "all %d parts are as they were written",
		    BUNDLE_PARTS);
}

static void check_log_key(struct verify *v, struct slice trusted)
{
	v->log_ok = note_verifier_parse(v->b->log_key, &v->log, v->why) == ST_OK;
	if (!v->log_ok)
		say(v, "log key", false, "%s", v->why->text);
	else if (trusted.len == 0)
		say(v, "log key", true, "%.*s: the bundle's own, compared with none that you trust",
		    SLICE_ARG(v->b->log_key));
	else if (slice_equal(slice_trim(trusted), v->b->log_key))
		say(v, "log key", true, "%.*s: the one that you trust", SLICE_ARG(v->b->log_key));
	else
		say(v, "log key", false, "%.*s is not %.*s, which you trust",
		    SLICE_ARG(v->b->log_key), SLICE_ARG(slice_trim(trusted)));
}

static void check_checkpoint(struct verify *v)
{
	const char *check = "checkpoint signature";
	enum status st;

	if (!v->log_ok) {
		say(v, check, false, "cannot be checked without a log key");
		return;
	}
	st = merkle_checkpoint_open(v->b->checkpoint, &v->log, v->a, &v->checkpoint, v->why);
	v->checkpoint_ok = st == ST_OK;
	v->nomem = v->nomem || st == ST_NOMEM;
	if (st != ST_OK)
		say(v, check, false, "%s", v->why->text);
	else
		say(v, check, true, "%.*s signed a log of %llu leaves", SLICE_ARG(v->log.name),
		    (unsigned long long)v->checkpoint.size);
}

static void check_leaves(struct verify *v)
{
	const char *check = "leaf inclusion";
	size_t bad = 0, first = 0;

	if (!v->checkpoint_ok) {
		say(v, check, false, "cannot be checked without a checkpoint");
		return;
	}
	for (size_t i = 0; i < v->b->fact_count; i++) {
		const struct bundle_fact *f = &v->b->facts[i];
		uint8_t leaf[MERKLE_BYTES];

		merkle_leaf(f->jwt, leaf);
		v->included[i] =
			merkle_verify_inclusion(leaf, f->leaf, v->checkpoint.size, f->proof,
						f->proof_count, v->checkpoint.root);
		if (!v->included[i] && bad++ == 0)
			first = i;
	}
	if (bad != 0)
		say(v, check, false, "leaf %llu and %zu others are not in the log as signed",
		    (unsigned long long)v->b->facts[first].leaf, bad - 1);
	else
		say(v, check, true, "all %zu facts are leaves of that log", v->b->fact_count);
}

static void check_station_keys(struct verify *v)
{
	enum status st = disclose_keys_parse(v->b->station_keys, v->a, &v->keys, v->why);
	size_t n = v->keys.count, room = n;

	v->keys_ok = st == ST_OK;
	v->nomem = v->nomem || st == ST_NOMEM;
	if (st != ST_OK) {
		say(v, "station keys", false, "%s", v->why->text);
		return;
	}
	say(v, "station keys", true, "%zu %s named by its own hash in the leaves", n,
	    n == 1 ? "key," : "keys, each");
	if (v->log_ok &&
	    !ARENA_PUSH(v->a, v->keys.keys, v->keys.count, room, disclose_key_of(v->log.key)))
		v->nomem = true;
	v->signers = ARENA_ARRAY(v->a, struct signer, v->keys.count + 1);
	if (v->signers == NULL) {
		v->nomem = true;
		v->keys_ok = false;
	}
}

/* The signer with that thumbprint; NULL if it is none of ours. */
static struct signer *signer_of(const struct verify *v, struct slice kid)
{
	for (size_t i = 0; i < v->keys.count; i++)
		if (slice_equal((struct slice){(const uint8_t *)v->keys.keys[i].kid, DISCLOSE_KID},
				kid))
			return &v->signers[i];
	return NULL;
}

/* The log's key says something: if it is that a station's key is one, it is now. */
static void take_certificate(struct verify *v, const struct record *r, uint64_t leaf)
{
	uint8_t thumbprint[CRYPTO_SHA256_BYTES];
	struct signer *whose;
	struct buf kid = buf_in(v->a);

	if (r->kind != RECORD_INPUT || !slice_equal(r->u.input.what, SLICE("station-key")) ||
	    !crypto_hex_parse(r->u.input.sha256, sizeof thumbprint, thumbprint))
		return;
	crypto_base64_add(CRYPTO_BASE64URL, (struct slice){thumbprint, sizeof thumbprint}, &kid);
	v->nomem = v->nomem || kid.full;
	whose = signer_of(v, buf_slice(&kid));
	if (whose != NULL && !whose->vouched)
		*whose = (struct signer){whose->signed_some, true, leaf};
}

static void note_signer(struct verify *v, const struct disclose_opened *opened,
			const struct record *r, uint64_t leaf)
{
	struct signer *s = signer_of(v, opened->kid);
	bool by_log = v->log_ok && s == &v->signers[v->keys.count - 1];

	if (s != NULL)
		s->signed_some = true;
	if (by_log)
		take_certificate(v, r, leaf);
}

/* Whoever signed an event is somebody for whom the log's owner vouched in the log. */
static void check_certificates(struct verify *v)
{
	const char *check = "station certificates";
	size_t stations = v->keys.count - (v->log_ok ? 1 : 0), good = 0;
	bool ok = true;

	if (!v->keys_ok || !v->log_ok) {
		say(v, check, false, "cannot be checked without log key and station keys");
		return;
	}
	for (size_t i = 0; i < stations; i++) {
		const struct signer *s = &v->signers[i];

		good += s->signed_some && s->vouched;
		if (!s->signed_some || s->vouched)
			continue;
		ok = false;
		say(v, check, false, "no leaf here, by the log's own key, vouches for key %.*s",
		    DISCLOSE_KID, v->keys.keys[i].kid);
	}
	if (ok)
		say(v, check, true, "%.*s vouches in the log for %zu %s that signed",
		    SLICE_ARG(v->log.name), good, good == 1 ? "key" : "keys");
}

/* Room is taken for facts that pass, not for those that are claimed. */
static bool passed(struct verify *v, uint64_t leaf, const struct record *record,
		   const struct disclose_opened *opened)
{
	struct bundle_shown shown = {opened->fields, opened->count};
	struct bundle_report *r = v->report;
	size_t n = r->record_count, records = n, leaves = n;

	return ARENA_PUSH(v->a, r->records, records, v->record_room, *record) &&
	       ARENA_PUSH(v->a, r->leaves, leaves, v->leaf_room, leaf) &&
	       ARENA_PUSH(v->a, r->shown, r->record_count, v->shown_room, shown);
}

/* One fact: its signature, its disclosures, and what they say. */
static enum status open_fact(struct verify *v, size_t i, size_t *fields, size_t *hidden)
{
	const struct bundle_fact *f = &v->b->facts[i];
	struct disclose_opened opened;
	struct record record;
	enum status st = disclose_open(f->jwt, f->disclosures, f->disclosure_count, &v->keys, v->a,
				       &opened, v->why);

	if (st == ST_OK)
		st = record_from_fields(opened.fields, opened.count, v->a, &record, v->why);
	if (st != ST_OK)
		return st;
	*fields += opened.count;
	*hidden += opened.hidden;
	if (!v->included[i])
		return ST_OK;
	if (!passed(v, f->leaf, &record, &opened))
		return fail_set(v->why, ST_NOMEM, "no memory for another fact");
	note_signer(v, &opened, &record, f->leaf);
	return ST_OK;
}

static void check_facts(struct verify *v)
{
	const char *check = "event signatures and fields";
	size_t bad = 0, fields = 0, hidden = 0;
	unsigned long long first = 0;
	struct fail why = {0};

	if (!v->keys_ok) {
		say(v, check, false, "cannot be checked without station keys");
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
		say(v, check, false, "leaf %llu: %s (and %zu other leaves)", first, why.text,
		    bad - 1);
	else
		say(v, check, true,
		    "%zu fields are what was committed; %zu digests, withheld fields and decoys, "
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

static struct known_file *hash_files(struct verify *v, const struct bundle_file *files, size_t n)
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

/* True if the record commits to one of the texts, which is then committed; also for other records.
 */
static bool take_commitment(const struct record *r, const char *what, struct known_file *known,
			    size_t n)
{
	struct known_file want = {.name = r->u.input.name}, *found;

	if (r->kind != RECORD_INPUT || !slice_equal(r->u.input.what, slice_of(what)))
		return true;
	found = bsearch(&want, known, n, sizeof want, by_name);
	if (found == NULL ||
	    !slice_equal(r->u.input.sha256,
			 (struct slice){(const uint8_t *)found->hex, sizeof found->hex}))
		return false;
	found->committed = true;
	return true;
}

/* Every file was committed, and every committed file is there. */
static void check_files(struct verify *v, const char *check, const char *what,
			const struct bundle_file *files, size_t n)
{
	struct known_file *known = hash_files(v, files, n);
	const struct bundle_report *r = v->report;
	size_t others = 0, first = 0;
	bool ok = true;

	if (known == NULL) {
		v->nomem = true;
		return;
	}
	for (size_t k = 0; k < r->record_count; k++)
		if (!take_commitment(&r->records[k], what, known, n) && others++ == 0)
			first = k;
	for (size_t i = 0; i < n; i++) {
		if (!known[i].committed)
			say(v, check, false, "%.*s: no leaf here commits to this text",
			    SLICE_ARG(known[i].name));
		ok = ok && known[i].committed;
	}
	if (others != 0)
		say(v, check, false,
		    "leaf %llu commits to another text of %s file %.*s (and %zu other leaves)",
		    (unsigned long long)r->leaves[first], what,
		    SLICE_ARG(r->records[first].u.input.name), others - 1);
	if (ok && others == 0)
		say(v, check, true, "%zu texts, each with the SHA-256 that a leaf commits to", n);
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

static void check_party_key(struct verify *v)
{
	const char *check = "log key of the first party";
	struct slice said;

	if (v->b->party_count == 0)
		return;
	said = log_key_line(v->b->party_files[0].text);
	if (said.len == 0)
		say(v, check, true, "%.*s names none", SLICE_ARG(v->b->party_files[0].name));
	else if (slice_equal(said, v->b->log_key))
		say(v, check, true, "%.*s names this log", SLICE_ARG(v->b->party_files[0].name));
	else
		say(v, check, false, "%.*s names another log: %.*s",
		    SLICE_ARG(v->b->party_files[0].name), SLICE_ARG(said));
}

enum status bundle_verify(const struct bundle *b, struct slice trusted_log_key, struct arena *a,
			  struct bundle_report *out, struct fail *why)
{
	struct bundle_report report = {0};
	struct verify v = {.b = b, .a = a, .report = &report, .why = why};

	v.included = ARENA_ARRAY(a, bool, b->fact_count + 1);
	if (v.included == NULL)
		return fail_set(why, ST_NOMEM, "no memory to verify a bundle");
	check_sums(&v);
	check_log_key(&v, trusted_log_key);
	check_checkpoint(&v);
	check_leaves(&v);
	check_station_keys(&v);
	check_facts(&v);
	check_certificates(&v);
	check_files(&v, "party files", "party", b->party_files, b->party_count);
	check_files(&v, "treaty files", "treaty", b->treaty_files, b->treaty_count);
	check_party_key(&v);
	if (v.nomem)
		return fail_set(why, ST_NOMEM, "no memory to verify a bundle");
	*out = report;
	return ST_OK;
}
