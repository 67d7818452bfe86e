/* SPDX-License-Identifier: Apache-2.0
 * Fields of committed events for a reader. Its order is the argument: what leaves is listed and
 * approved, then committed, and only then written (gate.h).
 */
#include "base/addr.h"
#include "base/buf.h"
#include "base/json.h"
#include "daemon/bundling.h"
#include "daemon/daemon_priv.h"
#include "daemon/gate.h"
#include "os/clock.h"

struct opening {
	const struct daemon_disclose_options *o; /* with a pseudonym: `own` */
	struct daemon_disclose_options own;
	uint64_t found; /* the leaf that has it */
	struct arena *arena;
	struct data data;
	struct commit *commit;
	struct commit_event *events; /* of each leaf */
	struct wall_ns now;
	struct release list;
	struct gate gate;
	struct slice grants; /* what the grants are called on the list */
	struct daemon_disclose_result *result;
};

#define FACTS SLICE("opened fields")

/* ---- choosing ---- */

/* What leaves by its own name only: an address, or a text that names one which otherwise leaves as
 * a pseudonym. */
static bool by_name_only(const struct opening *w, const struct record_field *f)
{
	return gate_is_address(f) || (!slice_ends(f->name, SLICE("_pseudonym")) &&
				      daemon_pseudonym_needed(w->data.nets, f->json));
}

/* "all", "group", "name" or "group.name". */
static bool names_field(const struct opening *w, struct slice said, const struct record_field *f)
{
	struct slice rest = said, head = slice_split(&rest, '.');

	if (slice_equal(said, SLICE("all")))
		return !by_name_only(w, f);
	if (rest.ptr != NULL)
		return slice_equal(head, f->group) && slice_equal(rest, f->name);
	if (f->group.len == 0)
		return slice_equal(head, f->name);
	return slice_equal(head, f->group) && !by_name_only(w, f);
}

static bool picked(void *ctx, const struct record_field *f)
{
	const struct opening *w = ctx;

	for (size_t i = 0; i < w->o->field_count; i++)
		if (names_field(w, w->o->fields[i], f))
			return true;
	return false;
}

static bool everything(void *ctx, const struct record_field *f)
{
	return true;
}

/* What the events have, for who named something else. */
static enum status no_such_field(const struct opening *w, struct slice said, struct fail *why)
{
	const struct commit_event *e = &w->events[0];
	struct buf names = buf_in(w->arena);

	for (size_t i = 0; i < e->count; i++) {
		buf_add_z(&names, i ? ", " : "");
		buf_add(&names, e->fields[i].group);
		buf_add_z(&names, e->fields[i].group.len ? "." : "");
		buf_add(&names, e->fields[i].name);
	}
	return fail_set(why, ST_NOTFOUND, "no event here has a field \"%.*s\"; leaf %llu has %.*s",
			SLICE_ARG(said), (unsigned long long)w->o->leaves[0],
			SLICE_ARG(buf_slice(&names)));
}

static enum status names_check(const struct opening *w, struct fail *why)
{
	for (size_t k = 0; k < w->o->field_count; k++) {
		bool found = false;

		for (size_t i = 0; i < w->o->leaf_count; i++)
			for (size_t f = 0; f < w->events[i].count && !found; f++)
				found = names_field(w, w->o->fields[k], &w->events[i].fields[f]);
		if (!found)
			return no_such_field(w, w->o->fields[k], why);
	}
	return ST_OK;
}

/* ---- the release check ---- */

static enum status tell(struct opening *w, struct fail *why)
{
	struct daemon_disclose_result *r = w->result;

	for (size_t i = 0; i < w->o->leaf_count; i++)
		for (size_t k = 0; k < w->events[i].count; k++) {
			const struct record_field *f = &w->events[i].fields[k];
			struct daemon_told t = {
				.leaf = w->o->leaves[i], .group = f->group, .name = f->name};

			if (!picked(w, f))
				continue;
			t.what = disclose_tells(f->group, f->name, &t.why);
			r->addresses = r->addresses || by_name_only(w, f);
			if (!ARENA_PUSH(w->arena, r->told, r->told_count, r->told_room, t))
				return fail_set(why, ST_NOMEM, "no memory for the release check");
		}
	return ST_OK;
}

/* The same as a list to be approved: also what is learned of each event in any case. */
static enum status make_list(struct opening *w, struct fail *why)
{
	enum status st = release_begin(&w->list, w->data.log_key.name, w->o->to, w->o->ground,
				       w->arena, why);

	if (st != ST_OK)
		return st;
	release_hide(&w->list, w->data.nets.list, w->data.nets.count);
	release_add_thing(&w->list, "facts", FACTS, NULL);
	gate_list_path(&w->list, "bundle", "checkpoint", RELEASE_NO_LEAF);
	gate_list_path(&w->list, "bundle", "station_keys", RELEASE_NO_LEAF);
	if (w->o->reader != NULL) {
		w->grants = buf_text(w->arena, "for key %.*s, until %llu", DISCLOSE_KID,
				     w->o->reader->kid, (unsigned long long)w->o->until_s);
		release_add_thing(&w->list, "grant", w->grants, NULL);
	}
	for (size_t i = 0; i < w->o->leaf_count; i++) {
		uint64_t leaf = w->o->leaves[i];

		gate_list_path(&w->list, "bundle", "facts[].jwt", leaf);
		gate_list_path(&w->list, "bundle", "facts[].leaf", leaf);
		for (size_t k = 0; k < w->events[i].count; k++)
			if (picked(w, &w->events[i].fields[k]))
				gate_list_field(&w->list, leaf, &w->events[i].fields[k]);
	}
	return ST_OK;
}

/* ---- the opening, as a record ---- */

static void add_list(struct json *j, const char *key, const struct slice *list, size_t n)
{
	json_key(j, key);
	json_array(j);
	for (size_t i = 0; i < n; i++)
		json_str(j, list[i]);
	json_end(j);
}

/* Members in the order of their names: what is committed is canonical (RFC 8785). */
static struct slice said_of(const struct opening *w)
{
	struct buf text = buf_in(w->arena);
	struct json j = json_in(&text);

	json_object(&j);
	json_member_bool(&j, "addresses", w->result->addresses);
	json_member_str(&j, "approved_by", w->gate.by);
	add_list(&j, "fields", w->o->fields, w->o->field_count);
	json_member_some(&j, "ground", w->o->ground);
	json_key(&j, "leaves");
	json_array(&j);
	for (size_t i = 0; i < w->o->leaf_count; i++)
		json_u64(&j, w->o->leaves[i]);
	json_end(&j);
	json_member_some(&j, "pseudonym", w->o->pseudonym);
	if (w->o->reader != NULL)
		json_member_str(&j, "reader",
				(struct slice){(const uint8_t *)w->o->reader->kid, DISCLOSE_KID});
	json_member_u64(&j, "release", w->gate.leaf);
	json_member_str(&j, "to", w->o->to);
	json_end(&j);
	return text.full ? (struct slice){NULL, 0} : buf_slice(&text);
}

static enum status commit_opening(struct opening *w, struct fail *why)
{
	struct record r = {.at = w->now, .station = SLICE("centre")};
	struct slice said = said_of(w);
	enum status st;

	if (said.ptr == NULL || !record_object(&r, w->arena, "disclosure", said))
		return fail_set(why, ST_NOMEM, "no memory for the record of this disclosure");
	st = daemon_commit_add(w->commit, &r, &w->result->leaf, why);
	if (st == ST_OK)
		st = daemon_commit_flush(w->commit, why);
	return st;
}

/* ---- writing ---- */

/* The events, who vouched for who sealed them, and the opening itself. */
static enum status gather(struct opening *w, struct bundle *b, struct fail *why)
{
	struct bundle_fact *certificates = NULL, opening;
	struct commit_event e;
	size_t n = w->o->leaf_count, certs = 0;
	enum status st = ST_OK;

	b->facts = ARENA_ARRAY(w->arena, struct bundle_fact, n);
	if (b->facts == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a bundle of %zu facts", n);
	for (; st == ST_OK && b->fact_count < n; b->fact_count++) {
		size_t i = b->fact_count;

		st = daemon_commit_show(w->commit, w->o->leaves[i], &w->events[i], picked, w,
					w->arena, &b->facts[i], why);
	}
	if (st == ST_OK)
		st = daemon_bundle_certificates(w->commit, w->arena, &certificates, &certs, why);
	if (st == ST_OK)
		st = daemon_bundle_add(b, certificates, certs, w->arena, why);
	if (st == ST_OK)
		st = daemon_commit_reopen(w->commit, &w->result->leaf, 1, w->arena, &e, why);
	if (st == ST_OK)
		st = daemon_commit_show(w->commit, w->result->leaf, &e, everything, NULL, w->arena,
					&opening, why);
	return st == ST_OK ? daemon_bundle_add(b, &opening, 1, w->arena, why) : st;
}

static enum status write_bundle(struct opening *w, struct fail *why)
{
	struct buf text = buf_in(w->arena);
	struct bundle_report report = {0};
	struct bundle b = {0};
	enum status st = daemon_commit_frame(w->commit, w->arena, &b, why);

	if (st == ST_OK)
		st = gather(w, &b, why);
	if (st == ST_OK)
		st = daemon_bundle_check(&b, w->arena, &report, why);
	if (st == ST_OK)
		st = bundle_encode(&b, w->arena, &text, why);
	return st == ST_OK ? gate_write(&w->gate, "facts", FACTS, w->o->out, false,
					buf_slice(&text), why)
			   : st;
}

static enum status write_grant(struct opening *w, size_t i, struct buf *out, struct fail *why)
{
	const struct commit_event *e = &w->events[i];
	struct disclose_grant g = {.log = w->data.log_key.name,
				   .leaf = w->o->leaves[i],
				   .reader = *w->o->reader,
				   .at_s = (uint64_t)(w->now.ns / TIME_NS_PER_S),
				   .until_s = w->o->until_s};
	struct record_field *fields = ARENA_ARRAY(w->arena, struct record_field, e->count + 1);
	struct slice *disclosures = ARENA_ARRAY(w->arena, struct slice, e->count + 1), text;
	enum status st;

	if (fields == NULL || disclosures == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a grant");
	for (size_t k = 0; k < e->count; k++)
		if (picked(w, &e->fields[k])) {
			fields[g.count] = e->fields[k];
			disclosures[g.count++] = e->disclosures[k];
		}
	g.fields = fields;
	g.disclosures = disclosures;
	st = disclose_grant(daemon_commit_issuer(w->commit), &g, w->arena, &text, why);
	if (st != ST_OK)
		return st;
	buf_add(out, text);
	buf_add_byte(out, '\n');
	return out->full ? fail_set(why, ST_NOMEM, "no memory for a grant") : ST_OK;
}

static enum status write_grants(struct opening *w, struct fail *why)
{
	struct buf text = buf_in(w->arena);
	enum status st = ST_OK;

	if (w->o->grant_out.len == 0)
		return ST_OK;
	for (size_t i = 0; st == ST_OK && i < w->o->leaf_count; i++)
		st = write_grant(w, i, &text, why);
	if (st == ST_OK)
		st = gate_write(&w->gate, "grant", w->grants, w->o->grant_out, true,
				buf_slice(&text), why);
	return st;
}

/* ---- the job ---- */

static enum status options_check(const struct daemon_disclose_options *o, struct fail *why)
{
	bool any = o->pseudonym.len != 0; /* whatever leaf has it, and its fields */

	if ((o->leaf_count == 0 && !any) || o->leaf_count > DAEMON_DISCLOSE_LEAVES_MAX)
		return fail_set(why, ST_INVALID, "name 1 to %d leaves", DAEMON_DISCLOSE_LEAVES_MAX);
	if ((o->field_count == 0 && !any) || o->field_count > DAEMON_DISCLOSE_FIELDS_MAX)
		return fail_set(why, ST_INVALID, "name 1 to %d fields", DAEMON_DISCLOSE_FIELDS_MAX);
	for (size_t i = 1; i < o->leaf_count; i++)
		if (o->leaves[i] <= o->leaves[i - 1])
			return fail_set(why, ST_INVALID, "leaf %llu is named after leaf %llu",
					(unsigned long long)o->leaves[i],
					(unsigned long long)o->leaves[i - 1]);
	if ((o->approval.name.len != 0 || o->approval.file.len != 0) &&
	    (o->to.len == 0 || o->out.len == 0))
		return fail_set(why, ST_INVALID,
				"an opening names who it is for, and the file to write");
	if (o->grant_out.len != 0 && o->reader == NULL)
		return fail_set(why, ST_INVALID, "a grant is made out for a reader's key");
	return ST_OK;
}

/* What is asked for becomes: of that leaf these fields, the address and its pseudonym. */
static enum status choose_pseudonym(struct opening *w, struct fail *why)
{
	static const struct slice source[] = {{(const uint8_t *)"src_ip", 6},
					      {(const uint8_t *)"src_pseudonym", 13}};
	static const struct slice target[] = {{(const uint8_t *)"dest_ip", 7},
					      {(const uint8_t *)"dest_pseudonym", 14}};
	const struct daemon_disclose_options *o = w->o;
	size_t n = o->field_count;
	struct slice *fields = ARENA_ARRAY(w->arena, struct slice, n + 2);
	struct addr pseudonym;
	bool is_source;
	enum status st;

	if (o->pseudonym.len == 0)
		return ST_OK;
	if (!addr_parse(o->pseudonym, &pseudonym))
		return fail_set(why, ST_INVALID,
				"\"%.*s\" is no pseudonym: it looks like an address",
				SLICE_ARG(slice_part(o->pseudonym, 0, 60)));
	st = fields == NULL ? fail_set(why, ST_NOMEM, "no memory for fields")
			    : daemon_commit_find(w->commit, &pseudonym, o->leaves, o->leaf_count,
						 w->arena, &w->found, &is_source, why);
	if (st != ST_OK)
		return st;
	for (size_t i = 0; i < n; i++)
		fields[i] = o->fields[i];
	memcpy(fields + n, is_source ? source : target, sizeof source);
	w->own = *o;
	w->own.leaves = &w->found;
	w->own.leaf_count = 1;
	w->own.fields = fields;
	w->own.field_count = n + 2;
	w->o = &w->own;
	return ST_OK;
}

static enum status reopen(struct opening *w, struct fail *why)
{
	w->events = ARENA_ARRAY(w->arena, struct commit_event, w->o->leaf_count);
	if (w->events == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %zu events", w->o->leaf_count);
	return daemon_commit_reopen(w->commit, w->o->leaves, w->o->leaf_count, w->arena, w->events,
				    why);
}

static enum status leaves_check(const struct opening *w, struct fail *why)
{
	uint64_t size = daemon_commit_size(w->commit);

	for (size_t i = 0; i < w->o->leaf_count; i++)
		if (w->o->leaves[i] >= size)
			return fail_set(why, ST_NOTFOUND,
					"there is no leaf %llu: the log has %llu, from 0 on",
					(unsigned long long)w->o->leaves[i],
					(unsigned long long)size);
	return ST_OK;
}

enum status daemon_disclose(const struct daemon_disclose_options *o, struct arena *a,
			    struct daemon_disclose_result *out, struct fail *why)
{
	struct daemon_disclose_result result = {0};
	struct opening w = {.o = o, .arena = a, .result = &result, .now = os_clock_wall()};
	enum status st = options_check(o, why);

	if (st == ST_OK)
		st = daemon_data_open_again(o->data, o->key, a, &w.data, why);
	if (st != ST_OK)
		return st;
	st = daemon_commit_open(&w.data, a, &w.commit, why);
	if (st == ST_OK)
		st = leaves_check(&w, why);
	if (st == ST_OK)
		st = choose_pseudonym(&w, why);
	if (st == ST_OK)
		st = reopen(&w, why);
	if (st == ST_OK)
		st = names_check(&w, why);
	if (st == ST_OK)
		st = tell(&w, why);
	if (st == ST_OK && o->to.len != 0) /* else there is nothing yet that could be approved */
		st = make_list(&w, why);
	if (st == ST_OK && o->to.len != 0)
		st = gate_pass(&w.data, w.commit, &w.list, &o->approval, a, &w.gate, why);
	result.list = w.gate.list;
	result.by = w.gate.by;
	if (st == ST_OK && w.gate.open) {
		st = commit_opening(&w, why);
		if (st == ST_OK)
			st = write_bundle(&w, why);
		if (st == ST_OK)
			st = write_grants(&w, why);
		result.done = st == ST_OK;
	}
	daemon_commit_close(w.commit);
	daemon_data_close(&w.data);
	if (st == ST_OK)
		*out = result;
	return st;
}
