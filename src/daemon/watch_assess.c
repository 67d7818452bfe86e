/* SPDX-License-Identifier: Apache-2.0
 *
 * From facts to what is published: first from those that everybody may see; then, if some are
 * withheld, once more from all of them, for the verdict by all evidence (docs/decisions/0023).
 */
#include "assess/incident/incident.h"
#include "base/buf.h"
#include "daemon/bundling.h"
#include "daemon/daemon_priv.h"
#include "daemon/watching.h"
#include "exchange/stix/stix.h"
#include "os/file.h"

/* bundle_file and bulletin_file are the same thing to two rooms that do not know each other. */
static struct bundle_file *copies(struct arena *a, const struct bulletin_file *files, size_t n)
{
	struct bundle_file *out = ARENA_ARRAY(a, struct bundle_file, n + 1);

	for (size_t i = 0; out != NULL && i < n; i++)
		out[i] = (struct bundle_file){files[i].name, files[i].text};
	return out;
}

static enum status gather_texts(struct watch *w, struct fail *why)
{
	w->texts = (struct bundling_texts){
		.parties = copies(w->arena, w->party_files, w->party_count),
		.treaties = copies(w->arena, w->treaty_files, w->treaty_count),
		.prior = copies(w->arena, &w->prior, 1),
		.party_count = w->party_count,
		.treaty_count = w->treaty_count};
	return w->texts.parties == NULL || w->texts.treaties == NULL || w->texts.prior == NULL
		       ? fail_set(why, ST_NOMEM, "no memory for the texts")
		       : ST_OK;
}

static struct fact_set all_facts(const struct watch *w)
{
	return (struct fact_set){w->facts, w->fact_count};
}

static bool is_located(const struct fact_set *facts, const struct addr *address)
{
	for (size_t i = 0; i < facts->count; i++)
		if (facts->facts[i].record->kind == RECORD_LOCATION &&
		    addr_equal(&facts->facts[i].record->u.location.address, address))
			return true;
	return false;
}

/* Asks every table about every address that the assessment will want to place, once. */
static enum status locate(struct watch *w, const struct incident_set *incidents, struct fail *why)
{
	struct fact_set all = all_facts(w), selected;
	struct addr *addresses;
	enum status st = incident_select(&all, incidents, w->arena, &selected, why);
	size_t n;

	if (st != ST_OK)
		return st;
	n = incident_addresses(&selected, incidents, w->arena, &addresses);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < w->table_count && !is_located(&all, &addresses[i]) &&
				   daemon_pseudonym_net(w->nets, &addresses[i]) == NULL;
		     k++) {
			struct record r = watch_own_record(w, RECORD_LOCATION);

			if (!origin_table_ask(w->tables[k].table, &addresses[i], w->arena, &r))
				continue;
			st = watch_commit(w, &r, why);
			if (st != ST_OK)
				return st;
		}
	return ST_OK;
}

/* The fact as it was committed. Facts ascend by leaf. */
static const struct record *real_of(const struct watch *w, uint64_t leaf)
{
	size_t low = 0, high = w->fact_count;

	while (low + 1 < high) {
		size_t mid = low + (high - low) / 2;

		if (w->facts[mid].leaf <= leaf)
			low = mid;
		else
			high = mid;
	}
	ASSERT(low < w->fact_count && w->facts[low].leaf == leaf);
	return w->real[low];
}

/* The evidence of a selection, those of its facts that are withheld marked so. */
static enum status show(struct watch *w, const struct fact_set *selected, struct bundle *out,
			struct fail *why)
{
	struct bundle b = {0};
	enum status st = ST_OK;

	b.facts = ARENA_ARRAY(w->arena, struct bundle_fact, selected->count + 1);
	if (b.facts == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a bundle of %zu facts",
				selected->count);
	for (; st == ST_OK && b.fact_count < selected->count; b.fact_count++) {
		const struct fact *f = &selected->facts[b.fact_count];

		st = daemon_commit_evidence(w->commit, real_of(w, f->leaf), f->leaf, w->nets,
					    w->arena, &b.facts[b.fact_count], why);
		b.facts[b.fact_count].withheld = w->public_count < w->fact_count &&
						 f->leaf >= w->facts[w->public_count].leaf;
	}
	*out = b;
	return st;
}

/* The bundle without its bulletin, of what is known so far: what is disclosed, and the proof that
 * it was committed. `more`: facts that it has to hold, too. */
static enum status gather(struct watch *w, const struct fact_set *more,
			  struct fact_set *out_selected, struct bundle *out, struct fail *why)
{
	struct fact_set all = all_facts(w);
	struct bundle_fact *certificates = NULL;
	struct incident_set incidents;
	struct bundle b, held;
	size_t n = 0;
	enum status st =
		incident_group(&all, w->parties, w->party_count, w->arena, &incidents, why);

	if (st == ST_OK)
		st = locate(w, &incidents, why);
	all = all_facts(w);
	if (st == ST_OK)
		st = incident_select(&all, &incidents, w->arena, out_selected, why);
	if (st == ST_OK)
		st = daemon_commit_flush(w->commit, why);
	if (st == ST_OK)
		st = daemon_commit_frame(w->commit, w->arena, &b, why);
	if (st == ST_OK)
		st = daemon_bundle_certificates(w->commit, w->arena, &certificates, &n, why);
	if (st == ST_OK)
		st = daemon_bundle_add(&b, certificates, n, w->arena, why);
	if (st == ST_OK)
		st = show(w, out_selected, &held, why);
	if (st == ST_OK)
		st = daemon_bundle_add(&b, held.facts, held.fact_count, w->arena, why);
	if (st == ST_OK && more != NULL)
		st = show(w, more, &held, why);
	if (st == ST_OK && more != NULL)
		st = daemon_bundle_add(&b, held.facts, held.fact_count, w->arena, why);
	if (st != ST_OK)
		return st;
	daemon_bundle_texts(&w->texts, &b);
	*out = b;
	return ST_OK;
}

static enum status publish_one(struct watch *w, struct slice dir, struct slice id,
			       const char *ending, const struct buf *text, struct slice *out_path,
			       struct fail *why)
{
	struct buf name = buf_in(w->arena);

	buf_add(&name, id);
	buf_add_z(&name, ending);
	*out_path = daemon_path(w->arena, dir, buf_slice(&name));
	if (text->full || name.full || out_path->ptr == NULL)
		return fail_set(why, ST_NOMEM, "no memory to write %.*s",
				SLICE_ARG(buf_slice(&name)));
	return os_file_replace(NULL, *out_path, buf_slice(text), why);
}

/* The bundle goes last: who finds one finds the rest. */
static enum status publish(struct watch *w, const struct bundle *b, struct daemon_watch_result *r,
			   struct fail *why)
{
	struct buf html = buf_in(w->arena), stix = buf_in(w->arena), json = buf_in(w->arena);
	struct buf name = buf_in(w->arena);
	enum status st;

	bulletin_write_html(&r->bulletin, &html);
	buf_add(&json, b->bulletin);
	buf_add_fmt(&name, "%.*s.bundle", SLICE_ARG(r->bulletin.id));
	r->bundle_path = daemon_path(w->arena, w->data.bundles, buf_slice(&name));
	st = stix_write_bundle(&r->bulletin, w->o->tlp, w->arena, &stix, why);
	if (st == ST_OK)
		st = publish_one(w, w->data.bulletins, r->bulletin.id, ".json", &json,
				 &r->json_path, why);
	if (st == ST_OK)
		st = publish_one(w, w->data.bulletins, r->bulletin.id, ".html", &html,
				 &r->html_path, why);
	if (st == ST_OK)
		st = publish_one(w, w->data.stix, r->bulletin.id, ".json", &stix, &r->stix_path,
				 why);
	return st == ST_OK ? daemon_bundle_write(b, r->bundle_path, false, w->arena, why) : st;
}

/* What everybody sees is judged from what everybody has, and must be the same bytes. */
static enum status judge_public(struct watch *w, struct bundle *shown, const struct bundle *full,
				struct daemon_watch_result *r, struct fail *why)
{
	struct bundle_report checks = {0};
	struct slice said = daemon_said_of(full->bulletin);
	enum status st = daemon_bundle_check(shown, w->arena, &checks, why);

	if (st == ST_OK)
		st = daemon_judge(shown, &checks, said, w->arena, &r->bulletin, &shown->bulletin,
				  why);
	if (st == ST_OK && full->bulletin.len != 0 && !slice_equal(shown->bulletin, full->bulletin))
		st = fail_set(why, ST_CORRUPT,
			      "the bulletin is not the same with the withheld facts and without");
	return st;
}

/* The same with what sealed stations saw, which comes last into the log, so that nothing of it
 * shows in what is public: no leaf's number, no size of the log. */
static enum status assess_withheld(struct watch *w, const struct fact_set *shown,
				   struct daemon_watch_result *r, struct bundle *out,
				   struct fail *why)
{
	struct bulletin *bulletin = ARENA_NEW(w->arena, struct bulletin);
	struct bundle_report checks = {0};
	size_t n = w->o->capture_count + w->o->flow_count;
	struct fact_set selected;
	enum status st = ST_OK;

	if (bulletin == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a bulletin");
	w->public_count = w->fact_count;
	for (size_t i = 0; st == ST_OK && i < n; i++)
		if (watch_is_withheld(w, i) && !watch_is_sealed(w, i))
			st = watch_sense(w, i, r, why);
	if (st == ST_OK)
		st = gather(w, shown, &selected, out, why);
	if (st == ST_OK)
		st = daemon_bundle_check(out, w->arena, &checks, why);
	return st == ST_OK ? daemon_judge(out, &checks, (struct slice){NULL, 0}, w->arena, bulletin,
					  &out->bulletin, why)
			   : st;
}

enum status watch_assess(struct watch *w, struct daemon_watch_result *r, struct fail *why)
{
	struct bundle shown = {0}, full = {0};
	const struct bundle *kept = &shown;
	struct fact_set selected;
	enum status st = gather_texts(w, why);

	if (st == ST_OK)
		st = gather(w, NULL, &selected, &shown, why);
	if (st == ST_OK && w->o->withheld_count != 0) {
		st = assess_withheld(w, &selected, r, &full, why);
		kept = &full;
	}
	if (st == ST_OK)
		st = judge_public(w, &shown, &full, r, why);
	if (st == ST_OK)
		st = daemon_bundle_keep(&w->data, r->bulletin.id, &w->texts, kept, w->arena, why);
	if (st == ST_OK && kept == &full) {
		r->withheld_path =
			daemon_path(w->arena, w->data.withheld,
				    buf_text(w->arena, "%.*s.bundle", SLICE_ARG(r->bulletin.id)));
		st = daemon_bundle_write(&full, r->withheld_path, true, w->arena, why);
	}
	return st == ST_OK ? publish(w, &shown, r, why) : st;
}
