/* SPDX-License-Identifier: Apache-2.0
 * The main job. Its order is the argument: everything is committed before anything is concluded,
 * and what is concluded rests on what is disclosed (docs/decisions/0005).
 */
#include "assess/origin/origin.h"
#include "assess/prior/prior.h"
#include "base/buf.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "daemon/bundling.h"
#include "daemon/collecting.h"
#include "daemon/daemon_priv.h"
#include "daemon/watching.h"
#include "os/clock.h"
#include "os/file.h"

/* Where Debian's packages libloc-database and tor-geoipdb keep their tables. */
static const struct {
	const char *name, *path;
} system_tables[] = {
	{"libloc", "/var/lib/location/database.db"},
	{"tor-geoipdb", "/usr/share/tor/geoip"},
	{"tor-geoipdb", "/usr/share/tor/geoip6"},
};

/* ---- committing ---- */

static bool may_be_assessed(const struct record *r)
{
	switch (r->kind) {
	case RECORD_ALERT:
	case RECORD_FLOW:
	case RECORD_LOCATION:
	case RECORD_INPUT:
		return true;
	case RECORD_ANOMALY:
		return slice_equal(r->u.anomaly.type, SLICE("behaviour"));
	default:
		return false;
	}
}

static enum status hide_end(const struct watch *w, struct addr *end, bool *hidden, struct fail *why)
{
	*hidden = daemon_pseudonym_net(w->nets, end) != NULL;
	return !*hidden || daemon_pseudonym_of(&w->pan, w->nets, end, end)
		       ? ST_OK
		       : fail_set(why, ST_IO, "OpenSSL has no AES for pseudonyms");
}

/* As others get it. */
static enum status hide(struct watch *w, struct record *r, struct fail *why)
{
	struct slice *said = &r->u.anomaly.summary, before = *said;
	enum status st = hide_end(w, &r->src, &r->src_hidden, why);

	if (st == ST_OK)
		st = hide_end(w, &r->dst, &r->dst_hidden, why);
	if (st != ST_OK || r->kind != RECORD_ANOMALY)
		return st;
	st = daemon_pseudonym_text(&w->pan, w->nets, before, w->arena, said, why);
	r->u.anomaly.summary_hidden = st == ST_OK && said->ptr != before.ptr;
	return st;
}

/* What was committed as leaf f->leaf is a fact from now on. */
static enum status keep(struct watch *w, const struct record *r, struct fact *f, struct fail *why)
{
	struct record *kept = ARENA_NEW(w->arena, struct record), *shown = kept;
	enum status st = ST_OK;

	if (kept != NULL && record_copy(r, w->arena, kept) && w->nets.count != 0) {
		shown = ARENA_NEW(w->arena, struct record);
		if (shown != NULL) {
			*shown = *kept;
			st = hide(w, shown, why);
		}
	}
	f->record = shown;
	f->leaf += w->leaf_base;
	if (st == ST_OK && (shown == NULL || w->arena->exhausted ||
			    !ARENA_PUSH(w->arena, w->real, w->real_count, w->real_room, kept) ||
			    !ARENA_PUSH(w->arena, w->facts, w->fact_count, w->fact_room, *f)))
		st = fail_set(why, ST_NOMEM, "no memory for another fact");
	return st;
}

enum status watch_commit(struct watch *w, const struct record *r, struct fail *why)
{
	struct fact f = {.record = NULL};
	enum status st = daemon_commit_add(w->commit, r, &f.leaf, why);

	return st == ST_OK && may_be_assessed(r) ? keep(w, r, &f, why) : st;
}

static void put(void *ctx, const struct record *r)
{
	struct watch *w = ctx;

	if (w->why.status == ST_OK && watch_commit(w, r, &w->why) != ST_OK)
		ASSERT(w->why.status != ST_OK); /* kept there, asked for after each capture */
}

struct record watch_own_record(const struct watch *w, enum record_kind kind)
{
	return (struct record){
		.kind = kind, .at = w->now, .party = w->party, .station = SLICE("centre")};
}

static struct record input_record(const struct watch *w, const char *what, struct slice name,
				  const uint8_t sha256[32], uint64_t bytes)
{
	struct record r = watch_own_record(w, RECORD_INPUT);

	r.u.input = (struct record_input){.what = slice_of(what),
					  .name = name,
					  .sha256 = daemon_hex(w->arena, sha256, 32),
					  .bytes = bytes};
	return r;
}

enum status watch_commit_input(struct watch *w, const char *what, struct slice name,
			       const uint8_t sha256[32], uint64_t bytes, struct fail *why)
{
	struct record r = input_record(w, what, name, sha256, bytes);

	return watch_commit(w, &r, why);
}

/* What a station covered: said by the station. what: "capture", or "flows" that others saw. */
static enum status commit_capture(struct watch *w, const char *what, const struct daemon_capture *k,
				  struct slice party, struct slice station, struct fail *why)
{
	struct record r = input_record(w, what, k->name, k->sha256, k->bytes);

	r.party = party;
	r.station = station;
	r.u.input.packets = k->packets;
	r.u.input.first = k->first;
	r.u.input.last = k->last;
	return watch_commit(w, &r, why);
}

/* ---- inputs ---- */

/* Reads the files of a list; each is committed as soon as the log is open. */
static enum status read_files(struct watch *w, const struct slice *paths, size_t n,
			      struct bulletin_file **out, struct fail *why)
{
	struct bulletin_file *files = ARENA_ARRAY(w->arena, struct bulletin_file, n + 1);
	struct daemon_file f;

	if (files == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %zu files", n);
	for (size_t i = 0; i < n; i++) {
		enum status st = daemon_file_read(paths[i], w->arena, &f, why);

		if (st != ST_OK)
			return st;
		files[i] = (struct bulletin_file){f.name, f.text};
	}
	*out = files;
	return ST_OK;
}

/* Every mistake of a text file, under one headline. */
static enum status all_problems(struct buf *problems, const char *what, struct slice name,
				struct fail *why)
{
	struct slice text = slice_trim(buf_slice(problems));

	return fail_set(why, ST_INVALID, "%s %.*s:\n%.*s", what, SLICE_ARG(name), SLICE_ARG(text));
}

/* The station of capture number i. */
static struct slice station_of(const struct watch *w, size_t i)
{
	size_t n = w->o->capture_count;

	return daemon_stem(daemon_base_name(i < n ? w->o->captures[i] : w->o->flows[i - n]));
}

bool watch_is_withheld(const struct watch *w, size_t i)
{
	for (size_t k = 0; k < w->o->withheld_count; k++)
		if (slice_equal(w->o->withheld[k], station_of(w, i)))
			return true;
	return false;
}

/* A name that is no station's would leave open what was to be withheld. */
static enum status check_withheld(const struct watch *w, struct fail *why)
{
	size_t n = w->o->capture_count + w->o->flow_count, count = 0;

	for (size_t k = 0; k < w->o->withheld_count; k++) {
		bool known = false;

		for (size_t i = 0; i < n; i++)
			known = known || slice_equal(w->o->withheld[k], station_of(w, i));
		if (!known)
			return fail_set(
				why, ST_INVALID,
				"no capture here is of the station \"%.*s\", whose events are "
				"to be withheld",
				SLICE_ARG(w->o->withheld[k]));
	}
	for (size_t i = 0; i < n; i++)
		count += watch_is_withheld(w, i);
	return n != 0 && count == n
		       ? fail_set(why, ST_INVALID,
				  "every station is to be withheld: there would be nothing to show")
		       : ST_OK;
}

/* A station line for capture number i, unless an earlier one has its name or the name cannot stand
 * in a party file. */
static void add_station(const struct watch *w, size_t i, struct buf *out)
{
	struct slice s = station_of(w, i);

	for (size_t k = 0; k < i; k++)
		if (slice_equal(s, station_of(w, k)))
			return;
	if (!text_is_utf8(s))
		return;
	for (size_t k = 0; k < s.len; k++)
		if (s.ptr[k] < ' ' || s.ptr[k] == 0x7f)
			return;
	buf_add_z(out, "station \"");
	for (size_t k = 0; k < s.len; k++) {
		if (s.ptr[k] == '"' || s.ptr[k] == '\\')
			buf_add_byte(out, '\\');
		buf_add_byte(out, s.ptr[k]);
	}
	buf_add_z(out, "\"\n");
}

/* Who names no party watches the private networks, from wherever the captures were made. */
static struct bulletin_file unnamed_party(const struct watch *w)
{
	struct buf b = buf_in(w->arena);

	buf_add_z(&b, "party unnamed \"the watcher, who named no party\"\nterritory ZZ\n"
		      "network 10.0.0.0/8\nnetwork 172.16.0.0/12\nnetwork 192.168.0.0/16\n");
	for (size_t i = 0; i < w->o->capture_count + w->o->flow_count; i++)
		if (!watch_is_withheld(w, i))
			add_station(w, i, &b);
	return (struct bulletin_file){SLICE("unnamed.party"), buf_slice(&b)};
}

/* A party's file as it is, then as others get it: what is judged by has no sealed station. */
static enum status read_party(struct watch *w, size_t i, struct fail *why)
{
	struct bulletin_file whole = w->whole_files[i], *open_file = &w->party_files[i];
	struct buf problems = buf_in(w->arena);
	enum status st =
		party_parse(whole.name, whole.text, w->arena, &w->whole[i], &problems, why);

	if (st != ST_OK)
		return all_problems(&problems, "party file", whole.name, why);
	open_file->name = whole.name;
	st = party_public_text(whole.text, w->arena, &open_file->text, why);
	return st == ST_OK ? party_parse(whole.name, open_file->text, w->arena, &w->parties[i],
					 NULL, why)
			   : st;
}

/* All networks of the party whose centre this is, unless its file says it of them already. */
static enum status hide_all(struct watch *w, struct fail *why)
{
	struct bulletin_file *f = &w->whole_files[0];
	struct buf text = buf_in(w->arena);
	struct party p;
	char address[ADDR_TEXT_MAX];
	enum status st = party_parse(f->name, f->text, w->arena, &p, NULL, why);

	if (st != ST_OK)
		return ST_OK; /* with all mistakes, when it is read */
	buf_add(&text, f->text);
	buf_add_z(&text, slice_ends(f->text, SLICE("\n")) ? "" : "\n");
	for (size_t i = 0; i < p.network_count; i++) {
		const struct addr_prefix *net = &p.networks[i];
		bool said = false;

		for (size_t k = 0; k < p.hidden_count; k++)
			said = said || (p.hidden[k].bits == net->bits &&
					addr_equal(&p.hidden[k].addr, &net->addr));
		if (!said)
			buf_add_fmt(&text, "pseudonyms %.*s/%u\n",
				    SLICE_ARG(addr_format(&net->addr, address)), net->bits);
	}
	f->text = buf_slice(&text);
	return text.full ? fail_set(why, ST_NOMEM, "no memory for a party's file") : ST_OK;
}

/* What the files name of addresses that leave as pseudonyms, they name by these: a register's
 * machines are those of the facts. Behind the keys, which make them. */
static enum status hide_parties(struct watch *w, struct fail *why)
{
	enum status st = daemon_pseudonym_nets(w->parties, w->party_count, w->arena, &w->nets, why);

	if (st == ST_OK && !crypto_pan_init(w->data.pan_secret, &w->pan))
		st = fail_set(why, ST_IO, "OpenSSL has no AES for pseudonyms");
	if (st == ST_OK)
		st = daemon_data_pseudonyms(&w->data, w->nets.list, w->nets.count, w->arena, why);
	for (size_t i = 0; st == ST_OK && i < w->party_count; i++) {
		struct bulletin_file *f = &w->party_files[i];

		st = daemon_pseudonym_text(&w->pan, w->nets, f->text, w->arena, &f->text, why);
		if (st == ST_OK)
			st = party_parse(f->name, f->text, w->arena, &w->parties[i], NULL, why);
	}
	return st;
}

static enum status read_parties(struct watch *w, struct fail *why)
{
	size_t n = w->o->party_count;
	enum status st = read_files(w, w->o->parties, n, &w->whole_files, why);

	if (st == ST_OK && n == 0) {
		w->whole_files[0] = unnamed_party(w);
		n = 1;
	}
	if (st == ST_OK && w->o->pseudonyms)
		st = hide_all(w, why);
	w->party_count = n;
	w->party_files = ARENA_ARRAY(w->arena, struct bulletin_file, n);
	w->parties = ARENA_ARRAY(w->arena, struct party, n);
	w->whole = ARENA_ARRAY(w->arena, struct party, n);
	if (st == ST_OK && (w->party_files == NULL || w->parties == NULL || w->whole == NULL))
		return fail_set(why, ST_NOMEM, "no memory for %zu parties", n);
	for (size_t i = 0; st == ST_OK && i < n; i++)
		st = read_party(w, i, why);
	if (st == ST_OK)
		w->party = w->parties[0].id;
	return st;
}

static enum status read_prior(struct watch *w, struct fail *why)
{
	struct prior *p = ARENA_NEW(w->arena, struct prior);
	struct bulletin_file *file;
	enum status st = ST_OK;

	if (p == NULL)
		return fail_set(why, ST_NOMEM, "no memory for the prior");
	w->prior = (struct bulletin_file){prior_builtin_name(), prior_builtin_text()};
	if (w->o->prior.len != 0) {
		st = read_files(w, &w->o->prior, 1, &file, why);
		if (st == ST_OK)
			w->prior = *file;
	}
	return st == ST_OK ? prior_parse(w->prior.name, w->prior.text, p, why) : st;
}

/* $HOME_NET: the networks of the party whose centre this is. */
static struct slice home_net(const struct watch *w)
{
	struct buf b = buf_in(w->arena);
	char text[ADDR_TEXT_MAX];

	if (w->o->party_count == 0 || w->parties[0].network_count == 0)
		return (struct slice){NULL, 0};
	for (size_t i = 0; i < w->parties[0].network_count; i++) {
		const struct addr_prefix *p = &w->parties[0].networks[i];

		buf_add_byte(&b, i ? ',' : '[');
		buf_add(&b, addr_format(&p->addr, text));
		buf_add_fmt(&b, "/%u", p->bits);
	}
	buf_add_byte(&b, ']');
	return buf_slice(&b);
}

static enum status open_table(struct watch *w, struct slice name, struct slice path,
			      struct fail *why)
{
	struct watch_table *t = &w->tables[w->table_count];
	uint8_t hash[32];
	enum status st;

	if (w->table_count == WATCH_TABLES_MAX)
		return fail_set(why, ST_LIMIT, "more than %d tables", WATCH_TABLES_MAX);
	st = os_file_map(path, &t->map, why);
	if (st != ST_OK)
		return st;
	w->table_count++;
	st = origin_table_open(name, arena_copy_z(w->arena, path), t->map.bytes, w->arena,
			       &t->table, why);
	if (st != ST_OK)
		return fail_wrap(why, "%.*s", SLICE_ARG(path));
	crypto_sha256_of(t->map.bytes, hash);
	return watch_commit_input(w, "table", name, hash, t->map.bytes.len, why);
}

static enum status open_tables(struct watch *w, struct fail *why)
{
	size_t missing = 0,
	       n = w->o->no_system_tables ? 0 : sizeof system_tables / sizeof system_tables[0];
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < n; i++) {
		struct slice path = slice_of(system_tables[i].path);

		if (os_file_exists(path))
			st = open_table(w, slice_of(system_tables[i].name), path, why);
		else
			missing++;
	}
	for (size_t i = 0; st == ST_OK && i < w->o->table_count; i++)
		st = open_table(w, daemon_base_name(w->o->tables[i]), w->o->tables[i], why);
	if (st == ST_OK && missing != 0)
		buf_add_fmt(&w->problems,
			    "%zu of this machine's location tables are missing (install "
			    "libloc-database and tor-geoipdb)\n",
			    missing);
	if (st == ST_OK && w->table_count == 0)
		buf_add_z(&w->problems, "no location table: territories stay unknown\n");
	return st;
}

static enum status commit_files(struct watch *w, const char *what,
				const struct bulletin_file *files, size_t n, struct fail *why)
{
	enum status st = ST_OK;
	uint8_t hash[32];

	for (size_t i = 0; st == ST_OK && i < n; i++) {
		crypto_sha256_of(files[i].text, hash);
		st = watch_commit_input(w, what, files[i].name, hash, files[i].text.len, why);
	}
	return st;
}

static enum status commit_inputs(struct watch *w, const struct daemon_rules *rules,
				 struct fail *why)
{
	enum status st = daemon_bundle_vouch(w->commit, &w->data, w->party, w->now, w->arena, why);

	for (size_t i = 0; st == ST_OK && i < rules->file_count; i++)
		st = watch_commit_input(w, "rules", rules->files[i].name, rules->files[i].sha256,
					rules->files[i].text.len, why);
	if (st == ST_OK)
		st = commit_files(w, "party", w->party_files, w->party_count, why);
	if (st == ST_OK)
		st = commit_files(w, "treaty", w->treaty_files, w->treaty_count, why);
	if (st == ST_OK)
		st = commit_files(w, "prior", &w->prior, 1, why);
	return st;
}

/* ---- captures ---- */

static enum status sense_capture(struct watch *w, struct slice path, struct slice party,
				 const struct detect_rules *rules, struct daemon_capture *out,
				 struct fail *why)
{
	struct pipeline_options po = {.rules = rules,
				      .party = party,
				      .station = daemon_stem(daemon_base_name(path)),
				      .sink = {w, put},
				      .config = w->o->config,
				      /* what a sender captures of itself has no checksums yet */
				      .skip_checksums = true,
				      .midstream =
					      config_bool(w->o->config, "stream.midstream", false)};

	return daemon_sense(path, &po, &w->o->progress, NULL, w->arena, out, why);
}

static enum status sense_flows(struct watch *w, struct slice path, struct slice party,
			       struct daemon_capture *out, struct fail *why)
{
	struct collecting_file f = {.path = path,
				    .ports = daemon_collect_ports,
				    .port_count = daemon_collect_port_count,
				    .progress = &w->o->progress};
	struct collect_options co = {.party = party,
				     .station = daemon_stem(daemon_base_name(path)),
				     .sink = {w, put},
				     .config = w->o->config};
	struct collect *collect;
	enum status st = collect_new(&co, w->arena, &collect, why);

	return st == ST_OK ? daemon_collect_file(&f, collect, w->arena, out, why) : st;
}

bool watch_is_sealed(const struct watch *w, size_t i)
{
	return party_of_sealed(w->whole, w->party_count, station_of(w, i)) != NULL;
}

enum status watch_sense(struct watch *w, size_t i, struct daemon_watch_result *r, struct fail *why)
{
	bool flows = i >= w->o->capture_count;
	struct slice station = station_of(w, i), party = w->party;
	const struct party *owner = party_of_station(w->whole, w->party_count, station);
	struct daemon_capture *k = &r->captures[r->capture_count];
	enum status st;

	if (owner == NULL)
		owner = party_of_sealed(w->whole, w->party_count, station);
	if (owner != NULL)
		party = owner->id;
	if (flows)
		st = sense_flows(w, w->o->flows[i - w->o->capture_count], party, k, why);
	else
		st = sense_capture(w, w->o->captures[i], party, r->rules.compiled, k, why);
	r->capture_count++;
	if (st == ST_OK && w->why.status != ST_OK) {
		*why = w->why;
		st = why->status;
	}
	return st == ST_OK ? commit_capture(w, flows ? "flows" : "capture", k, party, station, why)
			   : st;
}

/* What others may see; what is withheld comes behind it, and sealed stations when all else is done.
 */
static enum status sense(struct watch *w, struct daemon_watch_result *r, struct fail *why)
{
	size_t n = w->o->capture_count + w->o->flow_count;
	enum status st = ST_OK;

	r->captures = ARENA_ARRAY(w->arena, struct daemon_capture, n);
	if (r->captures == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %zu captures", n);
	for (size_t i = 0; i < n && st == ST_OK; i++)
		if (!watch_is_sealed(w, i) && !watch_is_withheld(w, i))
			st = watch_sense(w, i, r, why);
	return st;
}

/* ---- the job ---- */

static enum status prepare(struct watch *w, struct daemon_watch_result *r, struct fail *why)
{
	struct daemon_rules_source rules = w->o->rules;
	enum status st = check_withheld(w, why);

	if (st == ST_OK)
		st = read_parties(w, why);
	if (st == ST_OK)
		st = watch_read_treaties(w, why);
	if (st == ST_OK)
		st = read_prior(w, why);
	if (st == ST_OK) {
		rules.home_net = home_net(w);
		st = daemon_rules_load(&rules, &w->o->progress, w->arena, &r->rules, why);
	}
	if (st == ST_OK)
		st = daemon_data_open(w->o->data, w->o->key, w->party, w->arena, &w->data, why);
	if (st == ST_OK)
		st = hide_parties(w, why);
	if (st == ST_OK)
		st = daemon_commit_open(&w->data, w->arena, &w->commit, why);
	if (st == ST_OK)
		st = commit_inputs(w, &r->rules, why);
	if (st == ST_OK)
		st = open_tables(w, why);
	return st;
}

enum status daemon_watch(const struct daemon_watch_options *o, struct arena *a,
			 struct daemon_watch_result *out, struct fail *why)
{
	struct watch *w = ARENA_NEW(a, struct watch);
	struct daemon_watch_result r = {0};
	enum status st;

	if (w == NULL)
		return fail_set(why, ST_NOMEM, "no memory to begin");
	*w = (struct watch){.o = o,
			    .arena = a,
			    .now = os_clock_wall(),
			    .public_count = SIZE_MAX,
			    .problems = buf_in(a)};
	st = prepare(w, &r, why);
	if (st == ST_OK)
		st = sense(w, &r, why);
	if (st == ST_OK)
		st = watch_assess(w, &r, why);
	if (st == ST_OK)
		st = watch_band(w, &r, why);
	if (w->commit != NULL)
		r.log_size = daemon_commit_size(w->commit);
	r.problems = slice_trim(buf_slice(&w->problems));
	daemon_commit_close(w->commit);
	daemon_data_close(&w->data);
	crypto_wipe(&w->pan, sizeof w->pan);
	for (size_t i = 0; i < w->table_count; i++) {
		origin_table_close(w->tables[i].table);
		os_map_done(&w->tables[i].map);
	}
	*out = r;
	return st;
}

void daemon_watch_close(struct daemon_watch_result *r)
{
	daemon_rules_close(&r->rules);
}
