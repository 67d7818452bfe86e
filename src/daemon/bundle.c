/* SPDX-License-Identifier: Apache-2.0
 * Bundles: from what the data folder has kept of a bulletin, with the checkpoint of now and whoever
 * cosigned it. */
#include <jansson.h>

#include "base/buf.h"
#include "crypto/crypto.h"
#include "daemon/bundling.h"
#include "daemon/daemon_priv.h"
#include "evidence/merkle/merkle.h"
#include "evidence/view/view.h"
#include "os/file.h"
#include "os/pool.h"
#include "party/party.h"

enum { MADE_MAX = 64 << 20, BULLETIN_MAX = 256 << 20, ID_MAX = 64 };

/* ---- for all who make one ---- */

void daemon_bundle_texts(const struct bundling_texts *t, struct bundle *out)
{
	out->party_files = t->parties;
	out->party_count = t->party_count;
	out->treaty_files = t->treaties;
	out->treaty_count = t->treaty_count;
	out->prior_files = t->prior;
	out->prior_count = 1;
}

enum status daemon_bundle_check(const struct bundle *b, struct arena *a, struct bundle_report *out,
				struct fail *why)
{
	struct bundle_trust trust = {.log_key = b->log_key, .parallel = os_pool_run};
	enum status st = bundle_verify(b, &trust, a, out, why);

	for (size_t i = 0; st == ST_OK && i < out->count; i++)
		if (!out->checks[i].ok)
			st = fail_set(why, ST_CORRUPT, "our own evidence does not hold: %s: %.*s",
				      out->checks[i].name, SLICE_ARG(out->checks[i].text));
	return st;
}

enum status daemon_bundle_write(const struct bundle *b, struct slice path, bool private,
				struct arena *a, struct fail *why)
{
	struct buf text = buf_in(a);
	enum status st = bundle_encode(b, a, &text, why);

	if (st != ST_OK)
		return st;
	return private ? os_file_replace_private(NULL, path, buf_slice(&text), why)
		       : os_file_replace(NULL, path, buf_slice(&text), why);
}

static bool everything(void *ctx, const struct record_field *f)
{
	return true;
}

enum status daemon_bundle_certificates(struct commit *c, struct arena *a, struct bundle_fact **out,
				       size_t *out_count, struct fail *why)
{
	struct commit_event *events;
	struct bundle_fact *facts;
	uint64_t *leaves;
	size_t n;
	enum status st = daemon_commit_certificates(c, a, &leaves, &events, &n, why);

	if (st != ST_OK)
		return st;
	facts = ARENA_ARRAY(a, struct bundle_fact, n + 1);
	if (facts == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %zu certificates", n);
	for (size_t i = 0; st == ST_OK && i < n; i++)
		st = daemon_commit_show(c, leaves[i], &events[i], everything, NULL, a, &facts[i],
					why);
	*out = facts;
	*out_count = n;
	return st;
}

enum status daemon_bundle_add(struct bundle *b, const struct bundle_fact *more, size_t n,
			      struct arena *a, struct fail *why)
{
	struct bundle_fact *facts = ARENA_ARRAY(a, struct bundle_fact, b->fact_count + n + 1);
	size_t count = 0;

	if (facts == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %zu facts", b->fact_count + n);
	for (size_t i = 0, k = 0; i < b->fact_count || k < n;) {
		bool own = k == n || (i < b->fact_count && b->facts[i].leaf <= more[k].leaf);

		k += own && k < n && b->facts[i].leaf == more[k].leaf;
		facts[count++] = own ? b->facts[i++] : more[k++];
	}
	b->facts = facts;
	b->fact_count = count;
	return ST_OK;
}

/* ---- making one again ---- */

struct making {
	const struct daemon_bundle_options *o;
	struct arena *arena;
	struct data data;
	struct commit *commit;
	struct slice id;
	struct bundling_texts texts;
	struct slice bulletin;
	uint64_t *leaves; /* of facts, ascending, */
	bool *withheld;	  /* and which of them are */
	size_t count;
	struct bundle bundle;
};

static bool id_ok(struct slice id)
{
	for (size_t i = 0; i < id.len; i++)
		if (id.ptr[i] <= ' ' || id.ptr[i] == '/' || id.ptr[i] >= 0x7f)
			return false;
	return id.len > 0 && id.len <= ID_MAX && id.ptr[0] != '.';
}

/* The one that was asked for, or the only one. */
static enum status choose(struct making *m, struct fail *why)
{
	struct slice *names;
	struct buf list = buf_in(m->arena);
	size_t n;
	enum status st = os_dir_list(m->data.made, m->arena, &names, &n, why);

	if (st != ST_OK)
		return st;
	for (size_t i = 0; i < n; i++) {
		struct slice id = daemon_stem(names[i]);

		buf_add_fmt(&list, "%s%.*s", i ? ", " : "", SLICE_ARG(id));
		if (slice_equal(id, m->o->id) || (m->o->id.len == 0 && n == 1))
			m->id = id;
	}
	if (m->id.len != 0 && id_ok(m->id))
		return ST_OK;
	if (n == 0)
		return fail_set(why, ST_NOTFOUND,
				"%.*s has no bulletin that this dewline made: run dewline watch "
				"first",
				SLICE_ARG(m->data.dir));
	if (m->o->id.len == 0)
		return fail_set(why, ST_INVALID, "of which bulletin? There are %.*s",
				SLICE_ARG(slice_part(buf_slice(&list), 0, 160)));
	return fail_set(why, ST_NOTFOUND, "there is no bulletin %.*s; there are %.*s",
			SLICE_ARG(slice_part(m->o->id, 0, ID_MAX)),
			SLICE_ARG(slice_part(buf_slice(&list), 0, 120)));
}

static struct slice text_of(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return (struct slice){(const uint8_t *)json_string_value(v), json_string_length(v)};
}

/* One text of the list, found by its hash, which it must have. */
static enum status read_text(struct making *m, const json_t *entry, struct fail *why)
{
	struct bundling_texts *t = &m->texts;
	struct slice what = text_of(entry, "what"), sha256 = text_of(entry, "sha256");
	struct bundle_file f = {.name = arena_copy(m->arena, text_of(entry, "name"))};
	uint8_t hash[CRYPTO_SHA256_BYTES];
	enum status st;

	if (!crypto_hex_parse(sha256, sizeof hash, hash))
		return fail_set(why, ST_CORRUPT, "no SHA-256 of a text");
	st = os_file_read(daemon_path(m->arena, m->data.texts, sha256), DAEMON_FILE_MAX, m->arena,
			  &f.text, why);
	if (st != ST_OK)
		return st;
	if (!slice_equal(daemon_text_hash(f.text, m->arena), sha256))
		return fail_set(why, ST_CORRUPT, "%.*s/%.*s has another SHA-256 than its name",
				SLICE_ARG(m->data.texts), SLICE_ARG(sha256));
	if (slice_equal(what, SLICE("party")))
		t->parties[t->party_count++] = f;
	else if (slice_equal(what, SLICE("treaty")))
		t->treaties[t->treaty_count++] = f;
	else
		t->prior[0] = f;
	return ST_OK;
}

static enum status read_texts(struct making *m, const json_t *list, struct fail *why)
{
	size_t n = json_array_size(list);
	struct bundling_texts *t = &m->texts;
	enum status st = ST_OK;

	t->parties = ARENA_ARRAY(m->arena, struct bundle_file, n + 1);
	t->treaties = ARENA_ARRAY(m->arena, struct bundle_file, n + 1);
	t->prior = ARENA_ARRAY(m->arena, struct bundle_file, 1);
	if (t->parties == NULL || t->treaties == NULL || t->prior == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %zu texts", n);
	for (size_t i = 0; st == ST_OK && i < n; i++)
		st = read_text(m, json_array_get(list, i), why);
	if (st == ST_OK && (t->party_count == 0 || t->prior[0].name.len == 0))
		st = fail_set(why, ST_CORRUPT, "texts are missing in the list");
	return st;
}

static bool read_leaf(const json_t *v, uint64_t *out)
{
	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return false;
	*out = (uint64_t)json_integer_value(v);
	return true;
}

/* Both lists are ascending, and become one; the withheld ones only if they are wanted. */
static enum status read_leaves(struct making *m, const json_t *facts, const json_t *withheld,
			       struct fail *why)
{
	size_t n = json_array_size(facts), k = m->o->all ? json_array_size(withheld) : 0;

	m->leaves = ARENA_ARRAY(m->arena, uint64_t, n + k + 1);
	m->withheld = ARENA_ARRAY(m->arena, bool, n + k + 1);
	if (m->leaves == NULL || m->withheld == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %zu facts", n + k);
	for (size_t i = 0, s = 0; i < n || s < k;) {
		uint64_t fact = UINT64_MAX, secret = UINT64_MAX;
		bool is_withheld;

		if ((i < n && !read_leaf(json_array_get(facts, i), &fact)) ||
		    (s < k && !read_leaf(json_array_get(withheld, s), &secret)))
			return fail_set(why, ST_CORRUPT, "no leaves in the list");
		is_withheld = secret < fact;
		m->leaves[m->count] = is_withheld ? secret : fact;
		m->withheld[m->count] = is_withheld;
		if (fact == secret ||
		    (m->count != 0 && m->leaves[m->count] <= m->leaves[m->count - 1]))
			return fail_set(why, ST_CORRUPT, "leaves in disorder");
		m->count++;
		i += !is_withheld;
		s += is_withheld;
	}
	return ST_OK;
}

static enum status read_made(struct making *m, struct fail *why)
{
	struct slice path = daemon_made_path(&m->data, m->id, m->arena), text;
	enum status st = os_file_read(path, MADE_MAX, m->arena, &text, why);
	json_error_t error;
	json_t *made;

	if (st != ST_OK)
		return st;
	made = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
	if (!slice_equal(text_of(made, "format"), SLICE("dewline-made/1")))
		st = fail_set(why, ST_CORRUPT, "not what dewline watch keeps of a bulletin");
	if (st == ST_OK)
		st = read_texts(m, json_object_get(made, "texts"), why);
	if (st == ST_OK)
		st = read_leaves(m, json_object_get(made, "facts"),
				 json_object_get(made, "withheld"), why);
	json_decref(made);
	if (st != ST_OK)
		return fail_wrap(why, "%.*s", SLICE_ARG(path));
	path = daemon_path(m->arena, m->data.bulletins,
			   buf_text(m->arena, "%.*s.json", SLICE_ARG(m->id)));
	return os_file_read(path, BULLETIN_MAX, m->arena, &m->bulletin, why);
}

static enum record_kind kind_of(const struct commit_event *e)
{
	for (size_t i = 0; i < e->count; i++)
		if (e->fields[i].group.len == 0 &&
		    slice_equal(e->fields[i].name, SLICE("event_type")))
			for (unsigned k = RECORD_NONE + 1; k < RECORD_KINDS; k++)
				if (record_kind_names[k] != NULL &&
				    slice_equal(slice_part(e->fields[i].json, 1,
							   e->fields[i].json.len - 2),
						slice_of(record_kind_names[k])))
					return (enum record_kind)k;
	return RECORD_NONE;
}

/* As its parties' files said then. */
static enum status read_nets(struct making *m, struct pseudonym_nets *out, struct fail *why)
{
	size_t n = m->texts.party_count;
	struct party *parties = ARENA_ARRAY(m->arena, struct party, n + 1);
	enum status st = parties != NULL ? ST_OK : fail_set(why, ST_NOMEM, "no memory for parties");

	for (size_t i = 0; st == ST_OK && i < n; i++)
		st = party_parse(m->texts.parties[i].name, m->texts.parties[i].text, m->arena,
				 &parties[i], NULL, why);
	return st == ST_OK ? daemon_pseudonym_nets(parties, n, m->arena, out, why) : st;
}

static enum status add_facts(struct making *m, struct fail *why)
{
	struct commit_event *events = ARENA_ARRAY(m->arena, struct commit_event, m->count + 1);
	struct bundle_fact *certificates = NULL;
	struct pseudonym_nets nets = {NULL, 0};
	struct bundle *b = &m->bundle;
	size_t n = 0;
	enum status st;

	b->facts = ARENA_ARRAY(m->arena, struct bundle_fact, m->count + 1);
	if (events == NULL || b->facts == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a bundle of %zu facts", m->count);
	st = read_nets(m, &nets, why);
	if (st == ST_OK)
		st = daemon_commit_reopen(m->commit, m->leaves, m->count, m->arena, events, why);
	for (; st == ST_OK && b->fact_count < m->count; b->fact_count++) {
		size_t i = b->fact_count;
		struct commit_shown shown = daemon_commit_shown(
			kind_of(&events[i]), events[i].fields, events[i].count, nets);

		st = daemon_commit_show(m->commit, m->leaves[i], &events[i], daemon_commit_shows,
					&shown, m->arena, &b->facts[i], why);
		b->facts[i].withheld = m->withheld[i];
	}
	if (st == ST_OK)
		st = daemon_bundle_certificates(m->commit, m->arena, &certificates, &n, why);
	return st == ST_OK ? daemon_bundle_add(b, certificates, n, m->arena, why) : st;
}

/* The bulletin that follows from it must be the one that was published. */
static enum status judge(struct making *m, struct bundle_report *report, struct fail *why)
{
	struct bulletin *again = ARENA_NEW(m->arena, struct bulletin);
	struct slice said = m->o->all ? (struct slice){NULL, 0} : daemon_said_of(m->bulletin);
	struct slice json;
	enum status st;

	if (again == NULL)
		return fail_set(why, ST_NOMEM, "no memory for the bulletin");
	st = daemon_judge(&m->bundle, report, said, m->arena, again, &json, why);
	if (st == ST_OK && !slice_equal(json, m->bulletin))
		st = fail_set(why, ST_CORRUPT,
			      "bulletin %.*s is not what follows from its facts here: it was "
			      "changed, or another dewline made it",
			      SLICE_ARG(m->id));
	return st;
}

/* The policy is what the maker says; that it is met, he finds out before others do. */
static enum status add_policy(struct making *m, struct daemon_bundle_result *r, struct fail *why)
{
	struct view_policy p;
	struct merkle_checkpoint c;
	enum status st;

	m->bundle.policy = m->o->policy;
	if (m->o->policy.len == 0)
		return ST_OK;
	st = view_policy_parse(m->o->policy, m->arena, &p, why);
	if (st != ST_OK)
		return fail_wrap(why, "policy");
	for (size_t i = 0; i < p.name_count; i++)
		r->witnesses += p.names[i].least == 0;
	if (p.log_count == 0) { /* known from elsewhere, as the specification allows */
		struct view_policy own;

		st = view_policy_of(&m->data.log_key, m->arena, &own, why);
		p.logs = own.logs;
		p.log_count = 1;
	}
	if (st == ST_OK)
		st = view_policy_open(&p, m->bundle.checkpoint, m->arena, &c, NULL, &r->cosigned,
				      why);
	return st;
}

static enum status make(struct making *m, struct daemon_bundle_result *r, struct fail *why)
{
	struct bundle_report report = {0};
	enum status st = choose(m, why);

	if (st == ST_OK)
		st = daemon_commit_open(&m->data, m->arena, &m->commit, why);
	if (st == ST_OK)
		st = read_made(m, why);
	if (st == ST_OK)
		st = daemon_commit_frame(m->commit, m->arena, &m->bundle, why);
	if (st != ST_OK)
		return st;
	daemon_bundle_texts(&m->texts, &m->bundle);
	m->bundle.bulletin = m->bulletin;
	st = add_policy(m, r, why);
	if (st == ST_OK)
		st = add_facts(m, why);
	if (st == ST_OK)
		st = daemon_bundle_check(&m->bundle, m->arena, &report, why);
	if (st == ST_OK)
		st = judge(m, &report, why);
	r->id = m->id;
	r->facts = m->count;
	r->path = daemon_path(m->arena, m->o->all ? m->data.withheld : m->data.bundles,
			      buf_text(m->arena, "%.*s.bundle", SLICE_ARG(m->id)));
	return st == ST_OK ? daemon_bundle_write(&m->bundle, r->path, m->o->all, m->arena, why)
			   : st;
}

enum status daemon_bundle(const struct daemon_bundle_options *o, struct arena *a,
			  struct daemon_bundle_result *out, struct fail *why)
{
	struct making m = {.o = o, .arena = a};
	struct daemon_bundle_result r = {0};
	enum status st = daemon_data_open_again(o->data, o->key, a, &m.data, why);

	if (st != ST_OK)
		return st;
	st = make(&m, &r, why);
	daemon_commit_close(m.commit);
	daemon_data_close(&m.data);
	if (st == ST_OK)
		*out = r;
	return st;
}
