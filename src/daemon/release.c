/* SPDX-License-Identifier: Apache-2.0
 * A bulletin out of the house, in all its forms, through the gate. Its bundle is checked first as a
 * stranger would; the bulletin and the page are made again from it, so they say what was listed.
 */
#include "base/buf.h"
#include "daemon/daemon_priv.h"
#include "daemon/gate.h"
#include "exchange/stix/stix.h"
#include "os/file.h"
#include "party/party.h"

enum { FORMS = 5 };

struct form {
	struct slice bytes, name; /* of its file */
	bool wanted;
};

struct leaving {
	const struct daemon_release_options *o;
	struct arena *arena;
	struct data data;
	struct commit *commit;
	struct slice id;
	struct bundle bundle;
	struct bundle_report report;
	struct bulletin *bulletin;
	struct pseudonym_nets nets;
	struct form forms[FORMS];
	struct release list;
};

/* In the order that they are written in: who finds a bundle finds the rest. */
static const char *const form_names[FORMS] = {"bulletin", "page", "stix", "band", "bundle"};
static const char *const form_endings[FORMS] = {".json", ".html", ".stix.json", ".band.json",
						".bundle"};
enum { FORM_BULLETIN, FORM_PAGE, FORM_STIX, FORM_BAND, FORM_BUNDLE };

/* ---- which ---- */

static enum status choose_forms(struct leaving *w, struct fail *why)
{
	for (size_t k = 0; k < FORMS; k++)
		w->forms[k].wanted = w->o->form_count == 0;
	for (size_t i = 0; i < w->o->form_count; i++) {
		size_t k = 0;

		while (k < FORMS && !slice_equal(w->o->forms[i], slice_of(form_names[k])))
			k++;
		if (k == FORMS)
			return fail_set(why, ST_INVALID,
					"no form \"%.*s\"; there are bulletin, page, stix, band "
					"and bundle",
					SLICE_ARG(w->o->forms[i]));
		w->forms[k].wanted = true;
	}
	return ST_OK;
}

static enum status choose_bulletin(struct leaving *w, struct fail *why)
{
	static const struct slice ending = {(const uint8_t *)".bundle", 7};
	struct slice *names;
	size_t n, count = 0;
	enum status st = os_dir_list(w->data.bundles, w->arena, &names, &n, why);

	if (st != ST_OK)
		return st;
	w->id = w->o->id;
	for (size_t i = 0; i < n; i++) {
		struct slice stem = slice_part(names[i], 0, names[i].len - ending.len);

		if (names[i].len <= ending.len || !slice_ends(names[i], ending))
			continue;
		if (w->o->id.len != 0 && slice_equal(stem, w->o->id))
			return ST_OK;
		w->id = w->o->id.len != 0 ? w->o->id : stem;
		count++;
	}
	if (w->o->id.len != 0)
		return fail_set(why, ST_NOTFOUND, "there is no bulletin %.*s in %.*s",
				SLICE_ARG(w->o->id), SLICE_ARG(w->o->data));
	if (count != 1)
		return fail_set(why, ST_NOTFOUND,
				"%zu bulletins are in %.*s: say which, as --bulletin ID", count,
				SLICE_ARG(w->o->data));
	return ST_OK;
}

/* ---- what they are ---- */

static enum status read_draft(struct leaving *w, size_t form, struct slice folder,
			      const char *ending, struct fail *why)
{
	struct slice name = buf_text(w->arena, "%.*s%s", SLICE_ARG(w->id), ending);

	if (name.ptr == NULL)
		return fail_set(why, ST_NOMEM, "no memory to read a draft");
	return os_file_read(daemon_path(w->arena, folder, name), BUNDLE_BYTES_MAX, w->arena,
			    &w->forms[form].bytes, why);
}

/* No text that goes with it names what the party keeps to itself. */
static enum status check_texts(const struct leaving *w, struct fail *why)
{
	for (size_t i = 0; i < w->bundle.party_count; i++) {
		const struct bundle_file *f = &w->bundle.party_files[i];
		struct slice open_text;
		enum status st = party_public_text(f->text, w->arena, &open_text, why);

		if (st != ST_OK)
			return st;
		if (open_text.len != f->text.len)
			return fail_set(why, ST_REFUSED,
					"%.*s, which goes with the bundle, names a sealed station",
					SLICE_ARG(f->name));
	}
	return ST_OK;
}

/* The draft is what follows from the bulletin, with one of the markings: which, it says itself. */
static enum status check_stix(struct leaving *w, struct fail *why)
{
	struct slice *draft = &w->forms[FORM_STIX].bytes;
	enum status st = read_draft(w, FORM_STIX, w->data.stix, ".json", why);

	for (unsigned tlp = 0; st == ST_OK && tlp < STIX_TLPS; tlp++) {
		struct arena scratch = {.pool = w->arena->pool};
		struct buf again = buf_in(&scratch);
		bool same;

		st = stix_write_bundle(w->bulletin, (enum stix_tlp)tlp, &scratch, &again, why);
		same = st == ST_OK && slice_equal(buf_slice(&again), *draft);
		arena_reset(&scratch);
		if (same)
			return ST_OK;
	}
	return st == ST_OK ? fail_set(why, ST_REFUSED,
				      "the STIX bundle of %.*s is not what follows from it: it was "
				      "changed, or another dewline made it",
				      SLICE_ARG(w->id))
			   : st;
}

/* The bundle, checked as a stranger checks it, and what follows from it. */
static enum status make_forms(struct leaving *w, struct fail *why)
{
	const struct bundle_trust trust = {.log_key = w->data.log_key_text};
	struct buf page = buf_in(w->arena);
	enum status st = read_draft(w, FORM_BUNDLE, w->data.bundles, ".bundle", why);

	if (st == ST_OK)
		st = daemon_verify(w->forms[FORM_BUNDLE].bytes, &trust, w->arena, &w->report,
				   w->bulletin, why);
	if (st == ST_OK && (!w->report.ok || w->report.facts_only))
		st = fail_set(
			why, ST_REFUSED,
			"the bundle of %.*s does not hold (dewline verify says where): nothing "
			"leaves",
			SLICE_ARG(w->id));
	if (st == ST_OK)
		st = bundle_parse(w->forms[FORM_BUNDLE].bytes, w->arena, &w->bundle, why);
	if (st == ST_OK)
		st = check_texts(w, why);
	if (st != ST_OK)
		return st;
	w->forms[FORM_BULLETIN].bytes = w->bundle.bulletin;
	bulletin_write_html(w->bulletin, &page);
	w->forms[FORM_PAGE].bytes = buf_slice(&page);
	if (page.full)
		return fail_set(why, ST_NOMEM, "no memory for the page");
	if (w->forms[FORM_STIX].wanted)
		st = check_stix(w, why);
	if (st == ST_OK && w->forms[FORM_BAND].wanted)
		st = read_draft(w, FORM_BAND, w->data.bands, ".json", why);
	return st;
}

/* ---- the list ---- */

static enum status make_list(struct leaving *w, struct fail *why)
{
	enum status st = release_begin(&w->list, w->data.log_key.name, w->o->to, w->o->ground,
				       w->arena, why);

	if (st == ST_OK) /* the bulletin was computed again: where it may be none, there is none */
		st = daemon_pseudonym_nets(w->bulletin->parties, w->bulletin->party_count, w->arena,
					   &w->nets, why);
	if (st == ST_OK)
		release_hide(&w->list, w->nets.list, w->nets.count);
	for (size_t k = 0; st == ST_OK && k < FORMS; k++) {
		struct form *f = &w->forms[k];

		if (!f->wanted)
			continue;
		f->name = buf_text(w->arena, "%.*s%s", SLICE_ARG(w->id), form_endings[k]);
		release_add_thing(&w->list, form_names[k], f->name, &f->bytes);
		if (k == FORM_STIX || k == FORM_BAND)
			st = release_add_document(&w->list, form_names[k], f->bytes, why);
	}
	/* the page says what the bulletin says, and the bundle has it in it */
	if (st == ST_OK && (w->forms[FORM_BULLETIN].wanted || w->forms[FORM_PAGE].wanted ||
			    w->forms[FORM_BUNDLE].wanted))
		st = release_add_document(&w->list, "bulletin", w->bundle.bulletin, why);
	if (st == ST_OK && w->forms[FORM_BUNDLE].wanted)
		gate_list_bundle(&w->list, &w->report);
	return st;
}

/* ---- out ---- */

static enum status write_forms(struct leaving *w, const struct gate *g,
			       struct daemon_release_result *r, struct fail *why)
{
	enum status st = os_dir_make(NULL, w->o->out, NULL, why);

	r->paths = ARENA_ARRAY(w->arena, struct slice, FORMS);
	if (r->paths == NULL)
		return fail_set(why, ST_NOMEM, "no memory to write");
	for (size_t k = 0; st == ST_OK && k < FORMS; k++) {
		struct form *f = &w->forms[k];
		struct slice path = daemon_path(w->arena, w->o->out, f->name);

		if (!f->wanted)
			continue;
		st = gate_write(g, form_names[k], f->name, path, false, f->bytes, why);
		r->paths[r->path_count++] = path;
	}
	return st;
}

static enum status bulletin_out(struct leaving *w, struct gate *g, struct daemon_release_result *r,
				struct fail *why)
{
	enum status st = choose_forms(w, why);

	if (st == ST_OK)
		st = choose_bulletin(w, why);
	if (st == ST_OK)
		st = make_forms(w, why);
	if (st == ST_OK)
		st = make_list(w, why);
	if (st == ST_OK)
		st = gate_pass(&w->data, w->commit, &w->list, &w->o->approval, w->arena, g, why);
	return st == ST_OK && g->open ? write_forms(w, g, r, why) : st;
}

static enum status log_out(struct leaving *w, struct gate *g, struct fail *why)
{
	enum status st = release_begin(&w->list, w->data.log_key.name, w->o->to, w->o->ground,
				       w->arena, why);

	if (st != ST_OK)
		return st;
	gate_list_log(&w->list, w->data.log_key.name);
	return gate_pass(&w->data, w->commit, &w->list, &w->o->approval, w->arena, g, why);
}

enum status daemon_release(const struct daemon_release_options *o, struct arena *a,
			   struct daemon_release_result *out, struct fail *why)
{
	struct leaving *w = ARENA_NEW(a, struct leaving);
	struct daemon_release_result r = {.done = false};
	struct gate g = {.what = NULL};
	enum status st;

	if (w == NULL)
		return fail_set(why, ST_NOMEM, "no memory to begin");
	*w = (struct leaving){.o = o, .arena = a, .bulletin = ARENA_NEW(a, struct bulletin)};
	if ((o->approval.name.len != 0 || o->approval.file.len != 0) && !o->log && o->out.len == 0)
		return fail_set(why, ST_INVALID, "a release names the folder that it goes to");
	st = w->bulletin == NULL ? fail_set(why, ST_NOMEM, "no memory to begin")
				 : daemon_data_open_again(o->data, o->key, a, &w->data, why);
	if (st != ST_OK)
		return st;
	st = daemon_commit_open(&w->data, a, &w->commit, why);
	if (st == ST_OK)
		st = o->log ? log_out(w, &g, why) : bulletin_out(w, &g, &r, why);
	daemon_commit_close(w->commit);
	daemon_data_close(&w->data);
	r.list = g.list;
	r.leaf = g.leaf;
	r.by = g.by;
	r.done = st == ST_OK && g.open;
	if (st == ST_OK)
		*out = r;
	return st;
}
