/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "console/cli/cli.h"
#include "console/cli/reviews.h"
#include "daemon/daemon.h"
#include "evidence/bundle/bundle.h"
#include "evidence/view/view.h"
#include "os/file.h"
#include "record/record.h"

static const struct cli_option options[] = {
	{'k', "key", "VKEY", false,
	 "The log's verifier key (name+id+base64), or a file that holds it, that you got some "
	 "other way. Without it the "
	 "bundle's own is used: then you learn that nothing was changed, not who made it."},
	{'p', "policy", "FILE", false,
	 "A tlog-policy of your own: the log must be one of its logs, if it names any, and its "
	 "quorum of witnesses must have cosigned."},
	{0, "witness", "VKEY", true,
	 "A witness's verifier key, or a file that holds it: it must have cosigned. Several: each "
	 "must."},
	{'q', "quiet", NULL, false, "Only the answer."},
	{0, "json", NULL, false, "For machines."},
	{0, "text", NULL, false, "Print the recomputed bulletin too."},
	{0, "item", "FILE", true,
	 "A sealed item about this bulletin (its title names it): how many reviewers saw it and "
	 "concur."},
	{0, "review", "FILE", true,
	 "What one of an item's reviewers signed (dewline seal review)."},
	{0, "facts", NULL, false,
	 "Print the facts, too: what is disclosed of each, a line a leaf."},
	{0},
};

static void write_text(const struct cli *c, const struct bundle_report *r, bool quiet,
		       struct buf *out)
{
	const char *yes = c->out_is_tty ? "\033[32mok\033[0m" : "ok";
	const char *no = c->out_is_tty ? "\033[31mNO\033[0m" : "NO";

	for (size_t i = 0; i < r->count && !quiet; i++)
		buf_add_fmt(out, "%s  %s: %.*s\n", r->checks[i].ok ? yes : no, r->checks[i].name,
			    SLICE_ARG(r->checks[i].text));
	if (r->ok && r->facts_only)
		buf_add_z(out, "yes: the facts in this bundle were committed as shown; it holds no "
			       "verdict\n");
	else if (r->ok && r->all_said)
		buf_add_z(out, "yes: the public verdict follows from the evidence in this bundle; "
			       "what all evidence says cannot be computed from it\n");
	else
		buf_add_z(out, r->ok ? "yes: the verdict follows from the evidence in this bundle\n"
				     : "no: this bundle does not hold\n");
}

/* What is disclosed of fact i as EVE would write it: outer fields, then group by group, in whatever
 * order the bundle has them. */
static void add_fact(const struct bundle_report *r, size_t i, struct buf *out)
{
	const struct bundle_shown *s = &r->shown[i];
	struct record_field fields[RECORD_FIELDS_MAX];
	bool used[RECORD_FIELDS_MAX] = {false};
	struct slice group = {NULL, 0};
	size_t n = 0;

	ASSERT(s->count <= RECORD_FIELDS_MAX);
	for (size_t first = 0; n < s->count; first = 0) {
		for (size_t k = 0; k < s->count; k++)
			if (!used[k] && slice_equal(s->fields[k].group, group)) {
				used[k] = true;
				fields[n++] = s->fields[k];
			}
		while (first < s->count && used[first])
			first++;
		if (first < s->count)
			group = s->fields[first].group;
	}
	record_join(fields, n, out);
}

static void write_facts(const struct bundle_report *r, struct buf *out)
{
	for (size_t i = 0; i < r->record_count; i++) {
		buf_add_fmt(out, "%llu ", (unsigned long long)r->leaves[i]);
		add_fact(r, i, out);
		buf_add_byte(out, '\n');
	}
}

static void write_json_facts(struct json *j, const struct bundle_report *r)
{
	json_key(j, "facts");
	json_array(j);
	for (size_t i = 0; i < r->record_count; i++) {
		struct buf fact = buf_in(j->out->arena);

		add_fact(r, i, &fact);
		json_object(j);
		json_key(j, "disclosed");
		json_raw(j, buf_slice(&fact));
		json_member_u64(j, "leaf", r->leaves[i]);
		json_end(j);
		j->out->full = j->out->full || fact.full;
	}
	json_end(j);
}

static void write_json(const struct bundle_report *r, bool facts, const struct reviews *reviews,
		       struct buf *out)
{
	struct json j = json_in(out);

	json_object(&j);
	if (r->ok && !r->facts_only) {
		json_key(&j, "all_evidence");
		json_z(&j, r->all_said ? "said" : "computed");
	}
	json_key(&j, "checks");
	json_array(&j);
	for (size_t i = 0; i < r->count; i++) {
		json_object(&j);
		json_key(&j, "name");
		json_z(&j, r->checks[i].name);
		json_key(&j, "ok");
		json_bool(&j, r->checks[i].ok);
		json_key(&j, "text");
		json_str(&j, r->checks[i].text);
		json_end(&j);
	}
	json_end(&j);
	if (facts)
		write_json_facts(&j, r);
	if (reviews->count != 0 || reviews->strays != 0) {
		json_key(&j, "reviewed");
		reviews_write_json(reviews, &j);
		json_member_u64(&j, "reviews_refused", reviews->strays);
	}
	json_key(&j, "verified");
	json_bool(&j, r->ok);
	json_end(&j);
	buf_add_byte(out, '\n');
}

/* What the reader knows from elsewhere. */
static enum status read_trust(struct cli *c, struct bundle_trust *out, struct fail *why)
{
	struct slice policy = cli_value(c, "policy"), text;
	size_t n;
	const struct slice *witnesses = cli_values(c, "witness", &n);
	struct note_verifier *keys = ARENA_ARRAY(c->arena, struct note_verifier, n + 1);
	struct view_policy *p = ARENA_NEW(c->arena, struct view_policy);
	enum status st;

	if (keys == NULL || p == NULL)
		return fail_set(why, ST_NOMEM, "no memory for keys");
	*out = (struct bundle_trust){.log_key = cli_value(c, "key"), .witnesses = keys};
	st = cli_key(c, &out->log_key, why);
	if (st == ST_OK && policy.ptr != NULL) {
		st = os_file_read(policy, VIEW_POLICY_MAX, c->arena, &text, why);
		if (st == ST_OK && view_policy_parse(text, c->arena, p, why) != ST_OK)
			st = fail_wrap(why, "%.*s", SLICE_ARG(policy));
		out->policy = p;
	}
	for (; st == ST_OK && out->witness_count < n; out->witness_count++) {
		struct note_verifier *k = &keys[out->witness_count];
		struct slice key = witnesses[out->witness_count];

		st = cli_key(c, &key, why);
		if (st == ST_OK)
			st = note_verifier_parse(key, k, why);
		if (st == ST_OK && k->type != NOTE_COSIGNATURE)
			st = fail_set(why, ST_INVALID,
				      "a key of type %d; a witness has one of type %d",
				      (int)k->type, NOTE_COSIGNATURE);
		if (st != ST_OK)
			st = fail_wrap(why, "--witness");
	}
	return st;
}

static int run(struct cli *c)
{
	struct bundle_trust trust;
	struct slice bytes;
	struct buf out = buf_in(c->arena);
	struct bundle_report report = {0};
	struct reviews *reviews = ARENA_NEW(c->arena, struct reviews);
	struct bulletin bulletin = {0};
	struct fail why;
	bool facts;

	if (read_trust(c, &trust, &why) != ST_OK ||
	    os_file_read(c->words[0], BUNDLE_BYTES_MAX, c->arena, &bytes, &why) != ST_OK ||
	    daemon_verify(bytes, &trust, c->arena, &report, &bulletin, &why) != ST_OK)
		return cli_cannot(c, &why);
	ASSERT(reviews != NULL); /* a command's memory ends with the machine's */
	if (!reviews_read(c, &report, bulletin.id, reviews))
		return CLI_CANNOT;
	facts = report.ok && cli_value(c, "facts").ptr != NULL;
	if (cli_value(c, "json").ptr != NULL)
		write_json(&report, facts, reviews, &out);
	else
		write_text(c, &report, cli_value(c, "quiet").ptr != NULL, &out);
	if (cli_value(c, "text").ptr != NULL && report.ok && !report.facts_only)
		bulletin_write_text(&bulletin, 100, c->out_is_tty, &out);
	if (cli_value(c, "json").ptr == NULL)
		reviews_write_text(reviews, &out);
	if (facts && cli_value(c, "json").ptr == NULL)
		write_facts(&report, &out);
	if (!cli_print(c, buf_slice(&out)))
		return CLI_CANNOT;
	return report.ok && reviews_sound(reviews) ? CLI_DONE : CLI_NO;
}

COMMAND(verify) = {
	.name = "verify",
	.usage = "verify [--key VKEY] [--policy FILE] [--witness VKEY]... BUNDLE",
	.doc = "Re-checks a bundle offline: evidence, proofs, signatures, and that the same facts "
	       "give the same verdict.",
	.more = "Needs nothing but the file. Prints each check and ends with a plain yes (exit 0) "
		"or no (exit 1);\n"
		"exit 2 when the file cannot be read. What the bundle says of its own witnesses "
		"proves nothing by itself:\n"
		"name those that you trust with --policy or --witness. Where evidence stays "
		"sealed, "
		"the public verdict is\n"
		"computed, and of the one by all evidence it is said that it cannot be.\n\n"
		"Examples:\n"
		"  dewline verify out/bundles/B1-3f2a94c05d1be677.bundle\n"
		"  dewline verify --key c.vkey B1-3f2a94c05d1be677.bundle\n"
		"  dewline verify --policy trusted.policy B1-3f2a94c05d1be677.bundle\n"
		"  dewline verify --witness ico.vkey --witness court.vkey "
		"B1-3f2a94c05d1be677.bundle\n"
		"  dewline verify --facts opened.bundle\n"
		"  dewline verify --text --item third-sensor.sealed --review b.review --review "
		"ico.review \\\n"
		"      B1-3f2a94c05d1be677.bundle\n"
		"  dewline verify --json B1-3f2a94c05d1be677.bundle | jq .verified\n",
	.options = options,
	.words_least = 1,
	.words_most = 1,
	.run = run,
};
