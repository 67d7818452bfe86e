/* SPDX-License-Identifier: Apache-2.0
 * A stranger's side: the evidence checked, the verdicts computed again. */
#include "assess/prior/prior.h"
#include "base/buf.h"
#include "crypto/crypto.h"
#include "daemon/daemon_priv.h"
#include "os/pool.h"

/* bundle_file and bulletin_file are the same thing to two rooms that do not know each other. */
static struct bulletin_file *files_of(struct arena *a, const struct bundle_file *files, size_t n)
{
	struct bulletin_file *out = ARENA_ARRAY(a, struct bulletin_file, n + 1);

	for (size_t i = 0; out != NULL && i < n; i++)
		out[i] = (struct bulletin_file){files[i].name, files[i].text};
	return out;
}

/* Certificates and revocations are the evidence's own matter, and no facts of an assessment: a
 * bundle may have more of them than the bulletin knew. */
static bool is_certificate(const struct record *r)
{
	return r->kind == RECORD_INPUT && slice_starts(r->u.input.what, SLICE("station-key"));
}

/* Facts, all of them or those that are not withheld. */
static struct fact_set facts_of(const struct bundle_report *r, bool all, struct arena *a)
{
	struct fact *facts = ARENA_ARRAY(a, struct fact, r->record_count + 1);
	size_t n = 0;

	for (size_t i = 0; facts != NULL && i < r->record_count; i++)
		if ((all || !r->withheld[i]) && !is_certificate(&r->records[i]))
			facts[n++] = (struct fact){.leaf = r->leaves[i], .record = &r->records[i]};
	return (struct fact_set){facts, n};
}

enum status daemon_judge(const struct bundle *b, const struct bundle_report *r,
			 struct slice all_said, struct arena *a, struct bulletin *out,
			 struct slice *out_json, struct fail *why)
{
	struct bulletin_input *in = ARENA_NEW(a, struct bulletin_input);
	struct buf json = buf_in(a);
	enum status st;

	if (b->prior_count != 1)
		return fail_set(why, ST_INVALID, "there is no prior to compute it with");
	if (in == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %zu facts", r->record_count);
	*in = (struct bulletin_input){.facts = facts_of(r, false, a),
				      .all_said = all_said,
				      .party_files = files_of(a, b->party_files, b->party_count),
				      .party_count = b->party_count,
				      .treaty_files = files_of(a, b->treaty_files, b->treaty_count),
				      .treaty_count = b->treaty_count,
				      .prior = {b->prior_files[0].name, b->prior_files[0].text}};
	if (bundle_commitment(b, in->commitment))
		in->all = facts_of(r, true, a);
	if (in->party_files == NULL || in->treaty_files == NULL || a->exhausted)
		return fail_set(why, ST_NOMEM, "no memory for the facts and texts");
	st = bulletin_make(in, a, out, why);
	if (st == ST_OK)
		st = bulletin_write_json(out, a, &json, why);
	if (st == ST_OK && json.full)
		st = fail_set(why, ST_NOMEM, "no memory for the bulletin");
	if (st == ST_OK)
		*out_json = buf_slice(&json);
	return st;
}

/* The value of "all_evidence", with which a bulletin begins, if it says that some of it is
 * withheld.
 */
struct slice daemon_said_of(struct slice bulletin)
{
	static const char head[] = "{\"all_evidence\":";
	struct slice rest = slice_from(bulletin, sizeof head - 1), said;

	said = slice_part(rest, 0, slice_find(rest, SLICE(",\"counting\":")));
	return slice_starts(bulletin, slice_of(head)) &&
			       slice_ends(said, SLICE("\"withheld\":true}"))
		       ? said
		       : (struct slice){NULL, 0};
}

/* The bulletin in the file against the one that follows from the facts; says where they part. */
static void compare(struct slice stated, struct slice computed, struct arena *a,
		    struct bundle_report *r)
{
	size_t at = 0;

	while (at < stated.len && at < computed.len && stated.ptr[at] == computed.ptr[at])
		at++;
	if (slice_equal(stated, computed)) {
		bundle_report_add(r, a, "verdict", true,
				  buf_text(a, "computed again, the same %zu bytes", computed.len));
		return;
	}
	bundle_report_add(
		r, a, "verdict", false,
		buf_text(a,
			 "the bulletin departs from its facts at byte %zu: it says \"%.*s\", "
			 "from the facts follows \"%.*s\"",
			 at, SLICE_ARG(slice_part(stated, at, 40)),
			 SLICE_ARG(slice_part(computed, at, 40))));
}

/* What the verdict by all evidence is worth here. */
static void say_all(const struct bulletin *b, const struct bundle *bundle, struct arena *a,
		    struct bundle_report *r)
{
	char hex[2 * CRYPTO_SHA256_BYTES];
	size_t n = 0;

	for (size_t i = 0; i < bundle->fact_count; i++)
		n += bundle->facts[i].withheld;
	if (b->all_said) {
		r->all_said = true;
		(void)crypto_hex_write((struct slice){b->all.commitment, sizeof b->all.commitment},
				       hex);
		bundle_report_add(
			r, a, "verdict by all evidence", true,
			buf_text(a,
				 "not computed: it rests on withheld facts, which were not "
				 "released and which %.*s commits to; its numbers are its "
				 "maker's word",
				 (int)sizeof hex, hex));
	} else if (b->all.withheld) {
		bundle_report_add(r, a, "verdict by all evidence", true,
				  buf_text(a,
					   "computed again with the %zu withheld facts, which are "
					   "those that were committed to",
					   n));
	} else {
		bundle_report_add(r, a, "verdict by all evidence", true,
				  SLICE("the same: it counts no withheld facts"));
	}
}

/* With whose numbers it was computed. */
static void say_prior(const struct bulletin *b, struct arena *a, struct bundle_report *r)
{
	struct prior *own = ARENA_NEW(a, struct prior);
	struct buf differs = buf_in(a);
	struct fail why;
	size_t n;

	if (own == NULL ||
	    prior_parse(prior_builtin_name(), prior_builtin_text(), own, &why) != ST_OK)
		return;
	n = prior_compare(b->prior, own, a, &differs);
	if (n == 0)
		bundle_report_add(r, a, "prior and tables", true,
				  buf_text(a, "%.*s, with the numbers that this dewline has",
					   SLICE_ARG(b->prior->name)));
	else
		bundle_report_add(
			r, a, "prior and tables", true,
			buf_text(a,
				 "%.*s, the bundle's own, with which it was computed: %zu of its "
				 "lines are not those of this dewline: %.*s%s",
				 SLICE_ARG(b->prior->name), n, SLICE_ARG(buf_slice(&differs)),
				 n > 3 ? "; and more" : ""));
}

static enum status judge(const struct bundle *b, struct bundle_report *r, struct arena *a,
			 struct bulletin *out_bulletin, struct fail *why)
{
	struct bulletin *bulletin = ARENA_NEW(a, struct bulletin);
	uint8_t commitment[CRYPTO_SHA256_BYTES];
	struct slice json, said = {NULL, 0};
	enum status st;

	if (bulletin == NULL)
		return fail_set(why, ST_NOMEM, "no memory for the bulletin");
	if (!bundle_commitment(b, commitment))
		said = daemon_said_of(b->bulletin);
	st = daemon_judge(b, r, said, a, bulletin, &json, why);
	if (st == ST_NOMEM)
		return st;
	if (st != ST_OK) {
		bundle_report_add(r, a, "verdict", false,
				  buf_text(a, "does not follow: %s", why->text));
		return ST_OK;
	}
	compare(b->bulletin, json, a, r);
	if (r->ok)
		say_all(bulletin, b, a, r);
	say_prior(bulletin, a, r);
	if (out_bulletin != NULL)
		*out_bulletin = *bulletin;
	return ST_OK;
}

enum status daemon_verify(struct slice bytes, const struct bundle_trust *trust, struct arena *a,
			  struct bundle_report *out, struct bulletin *out_bulletin,
			  struct fail *why)
{
	struct bundle_trust all_cores = *trust;
	struct bundle_report r = {.ok = true};
	struct bundle b;
	enum status st = bundle_parse(bytes, a, &b, why);

	all_cores.parallel = os_pool_run;
	if (st == ST_NOMEM)
		return st;
	if (st != ST_OK) { /* not being a bundle is an answer */
		bundle_report_add(&r, a, "form", false, buf_text(a, "%s", why->text));
		*out = r;
		return ST_OK;
	}
	st = bundle_verify(&b, &all_cores, a, &r, why);
	if (st != ST_OK)
		return st;
	if (!r.ok) {
		bundle_report_add(&r, a, "verdict", false,
				  SLICE("not computed: the evidence does not hold"));
	} else if (slice_equal(b.bulletin, SLICE("{}"))) {
		r.facts_only = true;
		bundle_report_add(&r, a, "verdict", true,
				  SLICE("none: this bundle shows facts alone"));
	} else {
		st = judge(&b, &r, a, out_bulletin, why);
	}
	if (st == ST_OK)
		*out = r;
	return st;
}
