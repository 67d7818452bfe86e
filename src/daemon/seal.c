/* SPDX-License-Identifier: Apache-2.0
 * Evidence for k of n readers out of the house: listed and approved as anything else, its hash into
 * the log, so that what it is can be told later, and when it was there; then the file.
 */
#include "base/buf.h"
#include "crypto/crypto.h"
#include "daemon/daemon_priv.h"
#include "daemon/gate.h"
#include "evidence/sealed/sealed.h"
#include "os/clock.h"

struct sealing {
	const struct daemon_seal_options *o;
	struct arena *arena;
	struct data data;
	struct commit *commit;
	struct release list;
	struct gate gate;
	struct pseudonym_nets nets;
};

/* "2 of ico, cert-b, court" */
static struct slice readers_of(const struct sealing *w)
{
	struct buf to = buf_in(w->arena);

	buf_add_fmt(&to, "%u of ", w->o->needed);
	for (unsigned i = 0; i < w->o->reader_count; i++) {
		buf_add_z(&to, i ? ", " : "");
		buf_add(&to, w->o->readers[i].name);
	}
	return buf_slice(&to);
}

/* Of a bulletin's addresses, those that are pseudonyms. Whether it follows from its bundle, nobody
 * asks here: then a text that says so is no word for it, and each counts as an address. */
static enum status hide(struct sealing *w, struct fail *why)
{
	const struct bundle_trust trust = {.log_key = w->data.log_key_text};
	struct bulletin *bulletin = ARENA_NEW(w->arena, struct bulletin);
	struct bundle_report report = {.ok = false};
	enum status st;

	if (bulletin == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a bulletin");
	st = daemon_verify(w->o->plain, &trust, w->arena, &report, bulletin, why);
	if (st == ST_OK && report.ok && !report.facts_only)
		st = daemon_pseudonym_nets(bulletin->parties, bulletin->party_count, w->arena,
					   &w->nets, why);
	if (st == ST_OK)
		release_hide(&w->list, w->nets.list, w->nets.count);
	return st;
}

/* What its readers will see: of a bundle that holds, field by field. */
static enum status list_content(struct sealing *w, struct fail *why)
{
	struct bundle_report report = {.ok = false};
	struct bundle b;
	enum status st = bundle_parse(w->o->plain, w->arena, &b, why);

	if (st == ST_OK) {
		const struct bundle_trust trust = {.log_key = w->data.log_key_text};

		st = bundle_verify(&b, &trust, w->arena, &report, why);
	}
	if (st == ST_NOMEM)
		return st;
	if (st != ST_OK || !report.ok) {
		gate_list_path(&w->list, "sealed", "content", RELEASE_NO_LEAF);
		return ST_OK;
	}
	gate_list_bundle(&w->list, &report);
	st = hide(w, why);
	if (st != ST_OK)
		return st;
	return slice_equal(b.bulletin, SLICE("{}"))
		       ? ST_OK
		       : release_add_document(&w->list, "bulletin", b.bulletin, why);
}

static enum status make_list(struct sealing *w, struct fail *why)
{
	enum status st = release_begin(&w->list, w->data.log_key.name, readers_of(w), w->o->ground,
				       w->arena, why);

	if (st != ST_OK)
		return st;
	release_add_thing(&w->list, "sealed", w->o->title, NULL);
	release_add_thing(&w->list, "content", daemon_base_name(w->o->path), &w->o->plain);
	gate_list_path(&w->list, "sealed", "title", RELEASE_NO_LEAF);
	gate_list_path(&w->list, "sealed", "readers", RELEASE_NO_LEAF);
	gate_list_path(&w->list, "sealed", "size", RELEASE_NO_LEAF);
	return list_content(w, why);
}

static enum status commit_item(struct sealing *w, struct slice item, uint64_t *out_leaf,
			       struct fail *why)
{
	struct record r = {.kind = RECORD_INPUT, .at = os_clock_wall(), .station = SLICE("centre")};
	uint8_t hash[CRYPTO_SHA256_BYTES];
	enum status st;

	crypto_sha256_of(item, hash);
	r.u.input = (struct record_input){.what = SLICE("sealed-item"),
					  .name = daemon_base_name(w->o->out),
					  .sha256 = daemon_hex(w->arena, hash, sizeof hash),
					  .bytes = item.len};
	if (r.u.input.sha256.ptr == NULL)
		return fail_set(why, ST_NOMEM, "no memory to commit a sealed item");
	st = daemon_commit_add(w->commit, &r, out_leaf, why);
	return st == ST_OK ? daemon_commit_flush(w->commit, why) : st;
}

static enum status let_out(struct sealing *w, struct slice item, uint64_t *out_leaf,
			   struct fail *why)
{
	enum status st = commit_item(w, item, out_leaf, why);

	return st == ST_OK
		       ? gate_write(&w->gate, "sealed", w->o->title, w->o->out, false, item, why)
		       : st;
}

enum status daemon_seal(const struct daemon_seal_options *o, struct arena *a,
			struct daemon_seal_result *out, struct fail *why)
{
	struct sealing w = {.o = o, .arena = a};
	struct daemon_seal_result r = {.done = false};
	struct slice item = {NULL, 0};
	enum status st =
		sealed_make(o->title, o->plain, o->readers, o->reader_count, o->needed, NULL, a,
			    &item, why); /* what cannot be made is not asked for */

	if (st == ST_OK)
		st = daemon_data_open_again(o->data, o->key, a, &w.data, why);
	if (st != ST_OK)
		return st;
	st = daemon_commit_open(&w.data, a, &w.commit, why);
	if (st == ST_OK)
		st = make_list(&w, why);
	if (st == ST_OK)
		st = gate_pass(&w.data, w.commit, &w.list, &o->approval, a, &w.gate, why);
	if (st == ST_OK && w.gate.open)
		st = let_out(&w, item, &r.leaf, why);
	daemon_commit_close(w.commit);
	daemon_data_close(&w.data);
	r.list = w.gate.list;
	r.by = w.gate.by;
	r.done = st == ST_OK && w.gate.open;
	if (st == ST_OK)
		*out = r;
	return st;
}
