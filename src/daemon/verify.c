/* SPDX-License-Identifier: Apache-2.0
 * A stranger's side: the evidence checked, the verdict computed again. */
#include "base/buf.h"
#include "daemon/daemon_priv.h"

/* bundle_file and bulletin_file are the same thing to two rooms that do not know each other. */
static struct bulletin_file *files_of(struct arena *a, const struct bundle_file *files, size_t n)
{
	struct bulletin_file *out = ARENA_ARRAY(a, struct bulletin_file, n + 1);

	for (size_t i = 0; out != NULL && i < n; i++)
		out[i] = (struct bulletin_file){files[i].name, files[i].text};
	return out;
}

enum status daemon_judge(const struct bundle *b, const struct bundle_report *r, struct arena *a,
			 struct bulletin *out, struct slice *out_json, struct fail *why)
{
	struct bulletin_input *in = ARENA_NEW(a, struct bulletin_input);
	struct fact *facts = ARENA_ARRAY(a, struct fact, r->record_count + 1);
	struct buf json = buf_in(a);
	enum status st;

	if (in == NULL || facts == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %zu facts", r->record_count);
	for (size_t i = 0; i < r->record_count; i++)
		facts[i] = (struct fact){.leaf = r->leaves[i], .record = &r->records[i]};
	*in = (struct bulletin_input){.facts = {facts, r->record_count},
				      .party_files = files_of(a, b->party_files, b->party_count),
				      .party_count = b->party_count,
				      .treaty_files = files_of(a, b->treaty_files, b->treaty_count),
				      .treaty_count = b->treaty_count};
	if (in->party_files == NULL || in->treaty_files == NULL)
		return fail_set(why, ST_NOMEM, "no memory for the texts");
	st = bulletin_make(in, a, out, why);
	if (st == ST_OK)
		st = bulletin_write_json(out, a, &json, why);
	if (st == ST_OK && json.full)
		st = fail_set(why, ST_NOMEM, "no memory for the bulletin");
	if (st == ST_OK)
		*out_json = buf_slice(&json);
	return st;
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

enum status daemon_verify(struct slice bytes, struct slice trusted_log_key, struct arena *a,
			  struct bundle_report *out, struct bulletin *out_bulletin,
			  struct fail *why)
{
	struct bundle_report r = {.ok = true};
	struct bulletin *bulletin = ARENA_NEW(a, struct bulletin);
	struct slice json;
	struct bundle b;
	enum status st;

	if (bulletin == NULL)
		return fail_set(why, ST_NOMEM, "no memory to begin");
	st = bundle_parse(bytes, a, &b, why);
	if (st == ST_NOMEM)
		return st;
	if (st != ST_OK) { /* not being a bundle is an answer */
		bundle_report_add(&r, a, "form", false, buf_text(a, "%s", why->text));
		*out = r;
		return ST_OK;
	}
	st = bundle_verify(&b, trusted_log_key, a, &r, why);
	if (st != ST_OK)
		return st;
	if (!r.ok) {
		bundle_report_add(&r, a, "verdict", false,
				  SLICE("not computed: the evidence does not hold"));
		*out = r;
		return ST_OK;
	}
	if (slice_equal(b.bulletin, SLICE("{}"))) {
		r.facts_only = true;
		bundle_report_add(&r, a, "verdict", true,
				  SLICE("none: this bundle shows facts alone"));
		*out = r;
		return ST_OK;
	}
	st = daemon_judge(&b, &r, a, bulletin, &json, why);
	if (st == ST_NOMEM)
		return st;
	if (st != ST_OK)
		bundle_report_add(&r, a, "verdict", false,
				  buf_text(a, "does not follow: %s", why->text));
	else
		compare(b.bulletin, json, a, &r);
	*out = r;
	if (out_bulletin != NULL && st == ST_OK)
		*out_bulletin = *bulletin;
	return ST_OK;
}
