/* SPDX-License-Identifier: Apache-2.0
 *
 * Invariants:
 *  1. gate.open is set in one place, behind the check of the approval and the commit of its record.
 *  2. Nothing is written for others but by gate_write(), which asks for gate.open.
 */
#include "daemon/gate.h"

#include "base/addr.h"
#include "base/buf.h"
#include "base/json.h"
#include "crypto/note.h"
#include "daemon/daemon_priv.h"
#include "os/clock.h"
#include "os/file.h"

enum { SMALL_FILE_MAX = 1 << 16 };

/* ---- whose yes counts ---- */

static struct slice house_key_path(const struct data *d, struct arena *a)
{
	return daemon_path(a, d->dir, SLICE("keys/release.key"));
}

/* Made at first use; its public half where others find it. */
static enum status make_house_key(const struct data *d, struct slice path, struct arena *a,
				  struct fail *why)
{
	struct buf name = buf_in(a), secret = buf_in(a), open_half = buf_in(a);
	struct crypto_signer signer;
	struct note_verifier v;
	enum status st;

	crypto_signer_new(&signer);
	buf_add(&name, d->log_key.name);
	buf_add_z(&name, "/release");
	st = note_verifier_of(buf_slice(&name), NOTE_ED25519, signer.key, &v, why);
	if (st == ST_OK) {
		note_signer_add(&v, &signer, &secret);
		buf_add_byte(&secret, '\n');
		note_verifier_add(&v, &open_half);
		buf_add_byte(&open_half, '\n');
		st = os_file_replace_private(NULL, path, buf_slice(&secret), why);
	}
	if (st == ST_OK)
		st = os_file_replace(NULL, daemon_path(a, d->dir, SLICE("release.vkey")),
				     buf_slice(&open_half), why);
	crypto_wipe(&signer, sizeof signer);
	return st;
}

static enum status house_key(const struct data *d, struct arena *a, struct note_verifier *out_key,
			     struct crypto_signer *out, struct fail *why)
{
	struct slice path = house_key_path(d, a), text;
	enum status st = os_file_exists(path) ? ST_OK : make_house_key(d, path, a, why);

	if (st == ST_OK)
		st = os_file_read(path, SMALL_FILE_MAX, a, &text, why);
	if (st == ST_OK)
		st = note_signer_parse(slice_trim(text), out_key, out, why);
	return st == ST_OK ? ST_OK : fail_wrap(why, "%.*s", SLICE_ARG(path));
}

/* The policy as it is published: the file, or the house's own key. ST_NOTFOUND: neither. */
static enum status read_policy(struct slice dir, struct arena *a, struct release_policy *out,
			       struct fail *why)
{
	struct slice path = daemon_path(a, dir, SLICE("release.policy")), text;
	enum status st = os_file_read(path, SMALL_FILE_MAX, a, &text, why);

	if (st == ST_OK) {
		st = release_policy_parse(text, a, out, why);
		return st == ST_OK ? ST_OK : fail_wrap(why, "%.*s", SLICE_ARG(path));
	}
	if (st != ST_NOTFOUND)
		return st;
	st = os_file_read(daemon_path(a, dir, SLICE("release.vkey")), SMALL_FILE_MAX, a, &text,
			  why);
	if (st != ST_OK)
		return st;
	*out = (struct release_policy){.count = 1, .needed = 1};
	return note_verifier_parse(slice_trim(text), &out->keys[0], why);
}

/* ---- saying yes ---- */

static bool names(const struct release_policy *p, const struct note_verifier *key)
{
	for (size_t i = 0; i < p->count; i++)
		if (note_verifier_equal(&p->keys[i], key))
			return true;
	return false;
}

/* A person at this machine, by the house's own key. */
static enum status approve_here(const struct data *d, const struct gate *g, struct slice by,
				struct arena *a, struct release_policy *policy, struct slice *out,
				struct fail *why)
{
	struct crypto_signer signer = {{0}, {0}};
	struct note_verifier key = {.type = NOTE_ED25519};
	struct release_list list;
	enum status st = release_list_parse(g->list, &list, why);

	if (st == ST_OK)
		st = house_key(d, a, &key, &signer, why);
	if (st == ST_OK)
		st = read_policy(d->dir, a, policy, why);
	if (st == ST_OK && !names(policy, &key))
		st = fail_set(
			why, ST_REFUSED,
			"here nobody approves with a name: by release.policy the keys of %u of "
			"%zu do, e.g. %.*s (dewline release approve)",
			policy->needed, policy->count, SLICE_ARG(policy->keys[0].name));
	if (st == ST_OK)
		st = release_approve(&list, by, &key, &signer, (struct slice){NULL, 0}, a, out,
				     why);
	crypto_wipe(&signer, sizeof signer);
	return st;
}

static struct slice kept_path(const struct data *d, const struct gate *g, const char *ending,
			      struct arena *a)
{
	char hex[2 * CRYPTO_SHA256_BYTES];
	struct slice id = crypto_hex_write((struct slice){g->id, sizeof g->id}, hex);
	struct slice name = buf_text(a, "%.*s%s", SLICE_ARG(id), ending);

	return name.ptr == NULL ? name : daemon_path(a, d->releases, name);
}

static enum status keep(const struct data *d, const struct gate *g, struct slice approval,
			struct arena *a, struct fail *why)
{
	enum status st = os_file_replace_private(NULL, kept_path(d, g, ".list", a), g->list, why);

	return st == ST_OK ? os_file_replace_private(NULL, kept_path(d, g, ".approval", a),
						     approval, why)
			   : st;
}

/* ---- the record of it ---- */

static void add_hash(struct json *j, const char *key, const uint8_t hash[CRYPTO_SHA256_BYTES])
{
	char hex[2 * CRYPTO_SHA256_BYTES];

	json_member_str(j, key, crypto_hex_write((struct slice){hash, CRYPTO_SHA256_BYTES}, hex));
}

/* Members in the order of their names: what is committed is canonical (RFC 8785). */
static enum status commit(struct commit *c, struct gate *g, const struct release_policy *policy,
			  const struct release_approved *by, struct slice approval, struct arena *a,
			  struct fail *why)
{
	struct record r = {.at = os_clock_wall(), .station = SLICE("centre")};
	uint8_t hash[CRYPTO_SHA256_BYTES];
	struct buf text = buf_in(a);
	struct json j = json_in(&text);
	enum status st;

	crypto_sha256_of(approval, hash);
	json_object(&j);
	add_hash(&j, "approval", hash);
	json_key(&j, "approved_by");
	json_array(&j);
	for (size_t i = 0; i < policy->count; i++)
		if (by->signed_by[i])
			json_str(&j, policy->keys[i].name);
	json_end(&j);
	json_member_some(&j, "ground", g->what->ground);
	add_hash(&j, "list", g->id);
	json_member_some(&j, "name", by->by);
	json_key(&j, "things");
	json_array(&j);
	for (size_t i = 0; i < g->what->thing_count; i++)
		json_str(&j, g->what->things[i].kind);
	json_end(&j);
	json_member_str(&j, "to", g->what->to);
	json_end(&j);
	if (text.full || !record_object(&r, a, "release", buf_slice(&text)))
		return fail_set(why, ST_NOMEM, "no memory for the record of this release");
	st = daemon_commit_add(c, &r, &g->leaf, why);
	return st == ST_OK ? daemon_commit_flush(c, why) : st;
}

/* ---- what is on the list ---- */

/* A name is made in an arena that goes at once: it is asked for a million times, and the list keeps
 * one of each. */

void gate_list_path(struct release *r, const char *kind, const char *path, uint64_t leaf)
{
	struct arena a = {.pool = r->arena->pool};
	struct buf name = buf_in(&a);
	const char *why;
	enum disclose_told told = release_tells(kind, slice_of(path), &why);

	buf_add_fmt(&name, "%s/%s", kind, path);
	release_add_field(r, buf_slice(&name), leaf, told, why);
	arena_reset(&a);
}

/* Addresses that would leave as pseudonyms, were it not for this field; or the pseudonyms. */
static void list_named(struct release *r, const struct record_field *f)
{
	struct pseudonym_nets nets = {r->hidden, r->hidden_count};
	char text[ADDR_TEXT_MAX];
	struct addr a;
	size_t at = 0;

	while (daemon_pseudonym_next(nets, f->json, &at, &a)) {
		if (slice_ends(f->name, SLICE("_pseudonym")))
			release_add_pseudonym(r, addr_format(&a, text));
		else
			release_add_address(r, addr_format(&a, text));
	}
}

void gate_list_field(struct release *r, uint64_t leaf, const struct record_field *f)
{
	struct slice text = slice_part(f->json, 1, f->json.len < 2 ? 0 : f->json.len - 2);
	struct arena a = {.pool = r->arena->pool};
	struct buf name = buf_in(&a);
	struct addr_prefix address;
	const char *why;
	enum disclose_told told = disclose_tells(f->group, f->name, &why);

	buf_add(&name, f->group);
	buf_add_z(&name, f->group.len != 0 ? "." : "");
	buf_add(&name, f->name);
	release_add_field(r, buf_slice(&name), leaf, told, why);
	if (gate_is_address(f) && addr_prefix_parse(text, &address))
		release_add_address(r, text);
	else
		list_named(r, f);
	arena_reset(&a);
}

void gate_list_bundle(struct release *r, const struct bundle_report *report)
{
	static const char *const frame[] = {"checkpoint", "format", "log_key",	    "parties",
					    "policy",	  "priors", "station_keys", "treaties"};

	for (size_t i = 0; i < sizeof frame / sizeof frame[0]; i++)
		gate_list_path(r, "bundle", frame[i], RELEASE_NO_LEAF);
	for (size_t i = 0; i < report->record_count; i++) {
		uint64_t leaf = report->leaves[i];

		gate_list_path(r, "bundle", "facts[].jwt", leaf);
		gate_list_path(r, "bundle", "facts[].leaf", leaf);
		gate_list_path(r, "bundle", "facts[].proof", leaf);
		for (size_t k = 0; k < report->shown[i].count; k++)
			gate_list_field(r, leaf, &report->shown[i].fields[k]);
	}
}

bool gate_is_address(const struct record_field *f)
{
	static const char *const names_of[][2] = {
		{"", "src_ip"}, {"", "dest_ip"}, {"location", "address"}, {"location", "net"}};

	for (size_t i = 0; i < sizeof names_of / sizeof names_of[0]; i++)
		if (slice_equal(f->group, slice_of(names_of[i][0])) &&
		    slice_equal(f->name, slice_of(names_of[i][1])))
			return true;
	/* an object with one in it, such as an alert's flow */
	return f->group.len == 0 && (slice_find(f->json, SLICE("\"src_ip\":")) != SIZE_MAX ||
				     slice_find(f->json, SLICE("\"dest_ip\":")) != SIZE_MAX);
}

/* ---- the gate ---- */

/* As a person is named; else the key. */
static struct slice by_whom(const struct release_policy *policy, const struct release_approved *by)
{
	for (size_t i = 0; by->by.len == 0 && i < policy->count; i++)
		if (by->signed_by[i])
			return policy->keys[i].name;
	return by->by;
}

enum status gate_pass(const struct data *d, struct commit *c, const struct release *what,
		      const struct daemon_approval *ask, struct arena *a, struct gate *out,
		      struct fail *why)
{
	struct gate g = {.what = what};
	struct release_policy policy = {.count = 0};
	struct release_approved by = {.signatures = 0};
	struct slice approval = {NULL, 0};
	enum status st = release_encode(what, &g.list, g.id, why);

	if (st == ST_OK && ask->list_out.len != 0)
		st = os_file_replace_private(NULL, ask->list_out, g.list, why);
	*out = g;
	if (st != ST_OK || (ask->name.len == 0 && ask->file.len == 0))
		return st;
	if (ask->name.len != 0 && ask->file.len != 0)
		return fail_set(why, ST_INVALID,
				"approved by a name here, or in a file: one of the two");
	if (ask->file.len != 0) {
		st = read_policy(d->dir, a, &policy, why);
		if (st == ST_OK)
			st = os_file_read(ask->file, SMALL_FILE_MAX, a, &approval, why);
	} else {
		st = approve_here(d, &g, ask->name, a, &policy, &approval, why);
	}
	if (st == ST_OK) {
		st = release_approval_check(approval, g.id, &policy, a, &by, why);
		if (st != ST_OK && ask->file.len != 0)
			return fail_wrap(why, "%.*s", SLICE_ARG(ask->file));
	}
	if (st == ST_OK)
		st = keep(d, &g, approval, a, why);
	if (st == ST_OK)
		st = commit(c, &g, &policy, &by, approval, a, why);
	g.open = st == ST_OK;
	g.by = by_whom(&policy, &by);
	*out = g;
	return st;
}

enum status gate_write(const struct gate *g, const char *kind, struct slice name, struct slice path,
		       bool own, struct slice bytes, struct fail *why)
{
	const struct release_thing *t = NULL;
	uint8_t hash[CRYPTO_SHA256_BYTES];

	ASSERT(g->open);
	for (size_t i = 0; i < g->what->thing_count && t == NULL; i++)
		if (slice_equal(g->what->things[i].kind, slice_of(kind)) &&
		    slice_equal(g->what->things[i].name, name))
			t = &g->what->things[i];
	crypto_sha256_of(bytes, hash);
	if (t == NULL || (t->has_hash && memcmp(t->sha256, hash, sizeof hash) != 0))
		return fail_set(why, ST_REFUSED,
				"%s %.*s is not on the list that was approved, or not as it is now",
				kind, SLICE_ARG(name));
	return own ? os_file_replace_private(NULL, path, bytes, why)
		   : os_file_replace(NULL, path, bytes, why);
}

/* ---- a log that is served ---- */

void gate_list_log(struct release *r, struct slice origin)
{
	static const char *const shown[] = {"checkpoint", "jwt.iat",	"jwt.iss",    "jwt.kid",
					    "jwt.prev",	  "jwt.groups", "jwt.digests"};

	release_add_thing(r, "log", origin, NULL);
	for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
		gate_list_path(r, "log", shown[i], RELEASE_NO_LEAF);
}

/* ---- what was let out ---- */

/* Is there a record of this list among the house's own events? */
static bool is_recorded(struct slice events, struct slice id)
{
	while (events.ptr != NULL) {
		struct slice line = slice_split(&events, '\n');
		size_t at = slice_find(line, SLICE(",\"list\":\""));

		if (at != SIZE_MAX &&
		    slice_find(line, SLICE("\"event_type\":\"release\"")) != SIZE_MAX &&
		    slice_starts(slice_from(line, at + 9), id))
			return true;
	}
	return false;
}

static enum status look_at_kept(struct slice folder, struct slice name, struct slice events,
				const struct release_policy *policy, struct arena *a,
				struct daemon_released *out, struct fail *why)
{
	struct slice stem = slice_part(name, 0, name.len - 5), text, approval;
	struct daemon_released r = {.list = stem};
	struct release_approved by;
	struct release_list list;
	uint8_t id[CRYPTO_SHA256_BYTES];
	enum status st =
		os_file_read(daemon_path(a, folder, name), RELEASE_LIST_MAX, a, &text, why);

	if (st == ST_OK)
		st = release_list_parse(text, &list, why);
	if (st == ST_OK &&
	    (!crypto_hex_parse(stem, sizeof id, id) || memcmp(id, list.id, sizeof id) != 0))
		st = fail_set(why, ST_CORRUPT, "the list is not the one that its name says");
	if (st == ST_OK) {
		r.to = list.to;
		r.sum = list.sum;
		approval = buf_text(a, "%.*s/%.*s.approval", SLICE_ARG(folder), SLICE_ARG(stem));
		st = os_file_read(approval, SMALL_FILE_MAX, a, &approval, why);
	}
	if (st == ST_OK)
		st = release_approval_check(approval, list.id, policy, a, &by, why);
	if (st == ST_OK && !is_recorded(events, stem))
		st = fail_set(why, ST_REFUSED, "no record of it was committed");
	if (st == ST_NOMEM)
		return st;
	if (st == ST_OK)
		r.by = by_whom(policy, &by);
	else
		r.wrong = buf_text(a, "%s", why->text);
	*out = r;
	return ST_OK;
}

enum status daemon_release_kept(struct slice dir, struct arena *a, struct daemon_released **out,
				size_t *out_count, struct fail *why)
{
	struct slice folder = daemon_path(a, dir, SLICE("releases")), *names_list;
	struct daemon_released *list;
	struct release_policy policy;
	struct os_map events = {.bytes = {NULL, 0}};
	size_t n, count = 0;
	enum status st = os_dir_list(folder, a, &names_list, &n, why);

	if (st == ST_OK)
		st = read_policy(dir, a, &policy, why);
	if (st == ST_NOTFOUND) { /* nothing has left yet */
		*out = NULL;
		*out_count = 0;
		return ST_OK;
	}
	if (st != ST_OK)
		return st;
	list = ARENA_ARRAY(a, struct daemon_released, n + 1);
	if (list == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %zu releases", n);
	st = os_file_map(daemon_path(a, dir, SLICE("eve.json")), &events, why);
	for (size_t i = 0; i < n && st == ST_OK; i++)
		if (slice_ends(names_list[i], SLICE(".list")))
			st = look_at_kept(folder, names_list[i], events.bytes, &policy, a,
					  &list[count++], why);
	os_map_done(&events);
	*out = list;
	*out_count = count;
	return st;
}

/* Is the log on this kept list? */
static bool lists_log(struct slice folder, struct slice id, struct slice origin, struct arena *a)
{
	struct slice want = buf_text(a, "\nthing log - %.*s\n", SLICE_ARG(origin)), text;
	struct slice path = buf_text(a, "%.*s/%.*s.list", SLICE_ARG(folder), SLICE_ARG(id));
	struct fail why;

	return want.ptr != NULL && os_file_read(path, RELEASE_LIST_MAX, a, &text, &why) == ST_OK &&
	       slice_find(text, want) != SIZE_MAX;
}

enum status daemon_log_leaves(struct slice folder, struct arena *a, struct fail *why)
{
	struct slice dir = daemon_path(a, folder, SLICE("..")), text;
	struct slice releases = daemon_path(a, dir, SLICE("releases"));
	struct daemon_released *kept;
	struct note_verifier key;
	enum status st;
	size_t n = 0;

	if (!os_file_exists(daemon_path(a, dir, SLICE("dewline-data"))))
		return ST_OK; /* a log that was made of entries given to it, one by one */
	st = os_file_read(daemon_path(a, dir, SLICE("log.vkey")), SMALL_FILE_MAX, a, &text, why);
	if (st == ST_OK)
		st = note_verifier_parse(slice_trim(text), &key, why);
	if (st == ST_OK)
		st = daemon_release_kept(dir, a, &kept, &n, why);
	if (st != ST_OK)
		return st;
	for (size_t i = 0; i < n; i++)
		if (kept[i].wrong.len == 0 && lists_log(releases, kept[i].list, key.name, a))
			return ST_OK;
	return fail_set(why, ST_REFUSED,
			"nobody approved that the log %.*s is shown to others: dewline release log "
			"says what that tells",
			SLICE_ARG(key.name));
}
