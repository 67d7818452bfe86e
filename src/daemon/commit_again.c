/* SPDX-License-Identifier: Apache-2.0
 *
 * Leaves opened again, from their lines in eve.json: salts are derived, so a line and its leaf's
 * number are all that it takes. */
#include "base/buf.h"
#include "daemon/commit_priv.h"
#include "daemon/daemon_priv.h"
#include "os/file.h"

/* ---- opening again ---- */

/* Lines that became no leaf, because their run ended first, are looked over: so many behind where a
 * leaf's line should be, and so many leaves before that of a line, each of which costs a signature.
 */
enum {
	ORPHANS_MAX = 1 << 16,
	BACK_MAX = 1024,
	RECENT = 4 << 20, /* bytes at the end of eve.json */
};

/* A leaf whose line is looked for. */
struct sought {
	uint64_t leaf;
	struct slice jwt, payload;    /* decoded */
	struct disclose_opened shape; /* without a field */
	bool here;		      /* the line looked at stands where this leaf's should */
	bool begun;	  /* that line begins as this leaf does, and goes on otherwise: */
	struct slice odd; /* at this field */
};

/* Does the leaf commit to this disclosure? */
static bool commits_to(const struct sought *w, struct slice disclosure)
{
	uint8_t hash[CRYPTO_SHA256_BYTES], text[DISCLOSE_KID];
	struct buf digest = {.ptr = text, .room = sizeof text, .most = sizeof text};

	crypto_sha256_of(disclosure, hash);
	crypto_base64_add(CRYPTO_BASE64URL, (struct slice){hash, sizeof hash}, &digest);
	ASSERT(digest.len == sizeof text);
	return slice_find(w->payload, buf_slice(&digest)) != SIZE_MAX;
}

static enum status salted(struct commit *c, const struct sought *w,
			  const struct record_field *fields, size_t n, struct arena *a,
			  struct slice **out, struct fail *why)
{
	c->salter.leaf = w->leaf;
	c->salter.next = 0;
	return disclose_fields(&c->issuer.salts, fields, n, a, out, why);
}

static void keep(struct commit_event *e, const struct record_field *f, struct slice disclosure)
{
	e->fields[e->count] = *f;
	e->disclosures[e->count++] = disclosure;
}

/* Every field of the line must be what the leaf commits to. */
static enum status keep_own(struct sought *w, const struct record_field *fields, size_t own,
			    const struct slice *disclosures, struct arena *a,
			    struct commit_event *e, struct fail *why)
{
	e->fields = ARENA_ARRAY(a, struct record_field, RECORD_FIELDS_MAX);
	e->disclosures = ARENA_ARRAY(a, struct slice, RECORD_FIELDS_MAX);
	if (e->fields == NULL || e->disclosures == NULL)
		return fail_set(why, ST_NOMEM, "no memory to open leaf %llu",
				(unsigned long long)w->leaf);
	e->count = 0;
	for (size_t i = 0; i < own; i++) {
		if (!commits_to(w, disclosures[i])) {
			w->begun = w->begun || w->here; /* others of that moment begin so, too */
			w->odd = w->here ? fields[i].name : w->odd;
			return ST_NOTFOUND;
		}
		keep(e, &fields[i], disclosures[i]);
	}
	return ST_OK;
}

static bool has(const struct commit_event *e, const struct record_field *f)
{
	for (size_t i = 0; i < e->count; i++)
		if (slice_equal(e->fields[i].group, f->group) &&
		    slice_equal(e->fields[i].name, f->name))
			return true;
	return false;
}

/* Those behind the line's own; who sealed this may not have made them. */
static void keep_others(const struct sought *w, const struct record_field *fields, size_t own,
			size_t n, const struct slice *disclosures, struct commit_event *e)
{
	for (size_t i = own; i < n && e->count < RECORD_FIELDS_MAX; i++)
		if (!has(e, &fields[i]) && commits_to(w, disclosures[i]))
			keep(e, &fields[i], disclosures[i]);
}

/* Is this line what the leaf commits to? ST_NOTFOUND: no. */
static enum status try_line(struct commit *c, struct sought *w, struct slice line, struct arena *a,
			    struct commit_event *e, struct fail *why)
{
	struct record_field fields[RECORD_FIELDS_MAX];
	struct slice *disclosures;
	size_t own, n;
	enum status st =
		record_split(line, w->shape.groups, w->shape.group_count, fields, &own, why);

	if (st != ST_OK || own == 0)
		return ST_NOTFOUND;			    /* cut short, or gone, or another's */
	st = salted(c, w, fields, 1, a, &disclosures, why); /* cheap: it is asked of many lines */
	if (st == ST_OK && !commits_to(w, disclosures[0]))
		return ST_NOTFOUND;
	n = daemon_commit_pseudonyms(c, c->data->nets, fields, own, a);
	if (st == ST_OK)
		st = salted(c, w, fields, n, a, &disclosures, why);
	if (st == ST_OK)
		st = keep_own(w, fields, own, disclosures, a, e, why);
	if (st != ST_OK) /* no line of it, or a field that sealing would not take */
		return st == ST_NOMEM ? st : ST_NOTFOUND;
	keep_others(w, fields, own, n, disclosures, e);
	if (c->data->nets.count != 0) { /* as before the folder had networks for them */
		n = daemon_commit_pseudonyms(c, (struct pseudonym_nets){NULL, 0}, fields, own, a);
		st = salted(c, w, fields, n, a, &disclosures, why);
		if (st == ST_OK)
			keep_others(w, fields, own, n, disclosures, e);
	}
	e->jwt = w->jwt;
	return st;
}

static enum status seek(struct commit *c, uint64_t leaf, struct arena *a, struct sought *out,
			struct fail *why)
{
	struct disclose_keys keys = c->data->station_keys;
	size_t room = keys.count;
	struct slice rest;
	enum status st;

	*out = (struct sought){.leaf = leaf};
	if (!ARENA_PUSH(a, keys.keys, keys.count, room, disclose_key_of(c->data->log_signer.key)))
		return fail_set(why, ST_NOMEM, "no memory to open a leaf");
	st = ledger_read_entry(c->ledger, leaf, a, &out->jwt, why);
	if (st == ST_OK)
		st = disclose_open(out->jwt, NULL, 0, &keys, a, &out->shape, why);
	if (st != ST_OK)
		return fail_wrap(why, "leaf %llu", (unsigned long long)leaf);
	rest = out->jwt;
	(void)slice_split(&rest, '.'); /* the header */
	st = crypto_base64_take(CRYPTO_BASE64URL, slice_split(&rest, '.'), a, &out->payload);
	return st == ST_OK ? ST_OK
			   : fail_set(why, ST_NOMEM, "no memory to open leaf %llu",
				      (unsigned long long)leaf);
}

/* Lines of eve.json, and how many were read. */
struct lines {
	struct slice rest;
	uint64_t read;
};

/* Line n is leaf n, unless a run ended between writing lines and committing them: then there are
 * lines in front that became no leaf, and it comes later. */
static enum status find_line(struct commit *c, struct sought *w, struct lines *at, struct arena *a,
			     struct commit_event *e, struct fail *why)
{
	enum status st = ST_NOTFOUND;

	while (at->rest.ptr != NULL && at->read < w->leaf) {
		(void)slice_split(&at->rest, '\n'); /* of an earlier leaf */
		at->read++;
	}
	for (size_t i = 0; at->rest.ptr != NULL && st == ST_NOTFOUND && i < ORPHANS_MAX; i++) {
		struct arena scratch = {.pool = a->pool};
		struct slice line = slice_split(&at->rest, '\n');

		w->here = at->read == w->leaf;
		at->read++;
		st = try_line(c, w, line, &scratch, e, why);
		arena_reset(&scratch);
		if (st == ST_OK) /* once more, to stay */
			st = try_line(c, w, arena_copy(a, line), a, e, why);
	}
	return st;
}

/* Why a leaf cannot be opened: what is known of it, and no more. */
static enum status cannot_open(const struct commit *c, const struct sought *w, struct slice lines,
			       struct fail *why)
{
	struct slice line = {NULL, 0};

	for (uint64_t i = 0; i <= w->leaf && lines.ptr != NULL; i++)
		line = slice_split(&lines, '\n');
	if (w->begun)
		return fail_set(
			why, ST_CORRUPT,
			"leaf %llu is in the log, and its line in %.*s, but its \"%.*s\" is "
			"not what was sealed: it was changed, or an older dewline sealed "
			"it otherwise",
			(unsigned long long)w->leaf, SLICE_ARG(c->data->eve), SLICE_ARG(w->odd));
	if (slice_trim(line).len == 0)
		return fail_set(why, ST_NOTFOUND,
				"leaf %llu is in the log, but its event is not in %.*s any more: "
				"it can be proved, and not opened",
				(unsigned long long)w->leaf, SLICE_ARG(c->data->eve));
	return fail_set(why, ST_NOTFOUND,
			"leaf %llu is in the log, but no line of %.*s is its event as this dewline "
			"seals it: the line was changed or taken out, or an older dewline sealed "
			"it otherwise; it can be proved, and not opened",
			(unsigned long long)w->leaf, SLICE_ARG(c->data->eve));
}

enum status daemon_commit_reopen(struct commit *c, const uint64_t *leaves, size_t n,
				 struct arena *a, struct commit_event *out, struct fail *why)
{
	struct lines at;
	struct os_map map;
	enum status st = os_file_map(c->data->eve, &map, why);

	if (st != ST_OK)
		return st;
	at = (struct lines){.rest = map.bytes};
	for (size_t i = 0; st == ST_OK && i < n; i++) {
		struct sought w;

		st = seek(c, leaves[i], a, &w, why);
		if (st != ST_OK)
			break;
		st = find_line(c, &w, &at, a, &out[i], why);
		if (st == ST_NOTFOUND)
			st = cannot_open(c, &w, map.bytes, why);
	}
	os_map_done(&map);
	return st;
}

enum status daemon_commit_match(struct commit *c, uint64_t leaf, struct slice line, struct arena *a,
				struct commit_event *out, struct fail *why)
{
	struct sought w;
	enum status st = seek(c, leaf, a, &w, why);

	return st == ST_OK ? try_line(c, &w, line, a, out, why) : st;
}

/* The last line of a text, its line feed cut; what is before it stays in *text. */
static struct slice line_last(struct slice *text)
{
	struct slice all = *text;
	size_t from;

	if (slice_ends(all, SLICE("\n")))
		all.len--;
	for (from = all.len; from > 0 && all.ptr[from - 1] != '\n'; from--)
		;
	text->len = from;
	return slice_from(all, from);
}

/* Looks for the leaf's line from the end on, over RECENT bytes at most. *out_end: where it ends. */
static enum status find_recent(struct commit *c, uint64_t leaf, struct slice file, struct arena *a,
			       struct commit_event *out, size_t *out_end, struct fail *why)
{
	size_t least = file.len > RECENT ? file.len - RECENT : 0;
	struct sought w;
	enum status st = seek(c, leaf, a, &w, why);

	if (st != ST_OK)
		return st;
	for (st = ST_NOTFOUND; st == ST_NOTFOUND && file.len > least;) {
		struct arena scratch = {.pool = a->pool};
		size_t end = file.len;
		struct slice line = line_last(&file);

		st = try_line(c, &w, line, &scratch, out, why);
		arena_reset(&scratch);
		if (st != ST_OK)
			continue;
		*out_end = end;
		return try_line(c, &w, arena_copy(a, line), a, out, why); /* once more, to stay */
	}
	return st == ST_NOTFOUND ? fail_set(why, st, "leaf %llu has no line at the end of %.*s",
					    (unsigned long long)leaf, SLICE_ARG(c->data->eve))
				 : st;
}

enum status daemon_commit_reopen_recent(struct commit *c, uint64_t leaf, struct arena *a,
					struct commit_event *out, struct fail *why)
{
	struct os_map map;
	size_t end;
	enum status st = os_file_map(c->data->eve, &map, why);

	if (st != ST_OK)
		return st;
	st = find_recent(c, leaf, map.bytes, a, out, &end, why);
	os_map_done(&map);
	return st;
}

void daemon_commit_orphans_cut(struct commit *c)
{
	struct arena arena = {.pool = &c->pool};
	struct commit_event e;
	struct os_map map;
	struct fail why; /* what is not found stays: it is passed over when lines are looked for */
	size_t end = 0;
	bool more = false;

	daemon_eve_push(&c->eve);
	if (c->size == 0 || os_file_map(c->data->eve, &map, &why) != ST_OK)
		return;
	if (find_recent(c, c->size - 1, map.bytes, &arena, &e, &end, &why) == ST_OK)
		more = end < map.bytes.len;
	os_map_done(&map);
	if (more)
		daemon_eve_cut(&c->eve, end);
	arena_reset(&arena);
}

enum status daemon_commit_look(struct commit *c, uint64_t leaf, struct arena *a,
			       struct disclose_opened *out, struct fail *why)
{
	struct slice entry;
	enum status st = ledger_read_entry(c->ledger, leaf, a, &entry, why);

	return st == ST_OK ? disclose_open_checked(entry, NULL, 0, a, out, why) : st;
}

/* The leaf that this line became; false: none, or none that can be found. *st: no memory. */
static bool leaf_of_line(struct commit *c, struct slice line, uint64_t number, struct arena *a,
			 uint64_t *out, enum status *st, struct fail *why)
{
	uint64_t size = ledger_size(c->ledger);

	for (uint64_t i = 0; i < BACK_MAX && i <= number && *st == ST_OK; i++) {
		struct arena scratch = {.pool = a->pool};
		struct commit_event e;
		struct sought w;
		bool found;

		if (number - i >= size)
			continue;
		found = seek(c, number - i, &scratch, &w, why) == ST_OK &&
			try_line(c, &w, line, &scratch, &e, why) == ST_OK;
		if (!found && scratch.exhausted)
			*st = fail_set(why, ST_NOMEM, "no memory to look for certificates");
		arena_reset(&scratch);
		if (found) {
			*out = number - i;
			return true;
		}
	}
	return false;
}

/* ---- by its pseudonym ---- */

/* What is looked for: of these addresses it would be the pseudonym, by each way that they are made.
 */
struct alias {
	struct slice json; /* the pseudonym as a field has it */
	struct addr whose[2];
	size_t count;
};

static bool alias_of(const struct commit *c, const struct addr *pseudonym, struct arena *a,
		     struct alias *out)
{
	char text[ADDR_TEXT_MAX];
	struct addr whole = {.family = pseudonym->family};

	*out = (struct alias){
		.json = buf_text(a, "\"%.*s\"", SLICE_ARG(addr_format(pseudonym, text)))};
	if (daemon_pseudonym_whose(&c->pan, c->data->nets, pseudonym, &out->whose[0]))
		out->count++;
	if (pseudonym->family != 0 &&
	    crypto_pan_show(&c->pan, pseudonym->b, addr_bytes(pseudonym), whole.b))
		out->whose[out->count++] = whole;
	return out->json.ptr != NULL && out->count != 0;
}

/* Does the event show it? */
static bool has_alias(const struct commit_event *e, const struct alias *w, bool *out_source)
{
	for (size_t i = 0; i < e->count; i++) {
		const struct record_field *f = &e->fields[i];

		*out_source = slice_equal(f->name, SLICE("src_pseudonym"));
		if (f->group.len == 0 && slice_equal(f->json, w->json) &&
		    (*out_source || slice_equal(f->name, SLICE("dest_pseudonym"))))
			return true;
	}
	return false;
}

/* Cheap: is one of these addresses in the line at all? */
static bool may_have_alias(struct slice line, const struct alias *w)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < w->count; i++)
		if (slice_find(line, addr_format_full(&w->whose[i], text)) != SIZE_MAX)
			return true;
	return false;
}

static enum status find_in_lines(struct commit *c, const struct alias *w, struct arena *a,
				 uint64_t *out_leaf, bool *out_source, struct fail *why)
{
	struct slice rest;
	struct os_map map;
	bool found = false;
	enum status st = os_file_map(c->data->eve, &map, why);

	if (st != ST_OK)
		return st;
	rest = map.bytes;
	for (uint64_t number = 0; rest.ptr != NULL && st == ST_OK && !found; number++) {
		struct slice line = slice_split(&rest, '\n');
		struct arena scratch = {.pool = a->pool};
		struct commit_event e;

		if (may_have_alias(line, w) &&
		    leaf_of_line(c, line, number, &scratch, out_leaf, &st, why))
			found = daemon_commit_match(c, *out_leaf, line, &scratch, &e, why) ==
					ST_OK &&
				has_alias(&e, w, out_source);
		arena_reset(&scratch);
	}
	os_map_done(&map);
	if (st != ST_OK || found)
		return st;
	return fail_set(why, ST_NOTFOUND, "no event in %.*s has the pseudonym %.*s",
			SLICE_ARG(c->data->eve), SLICE_ARG(w->json));
}

enum status daemon_commit_find(struct commit *c, const struct addr *pseudonym,
			       const uint64_t *leaves, size_t n, struct arena *a,
			       uint64_t *out_leaf, bool *out_source, struct fail *why)
{
	struct commit_event *events = ARENA_ARRAY(a, struct commit_event, n + 1);
	struct alias w;
	enum status st;

	if (events == NULL || !alias_of(c, pseudonym, a, &w))
		return fail_set(why, ST_NOMEM, "no memory to look for a pseudonym");
	if (n == 0)
		return find_in_lines(c, &w, a, out_leaf, out_source, why);
	st = daemon_commit_reopen(c, leaves, n, a, events, why);
	for (size_t i = 0; st == ST_OK && i < n; i++)
		if (has_alias(&events[i], &w, out_source)) {
			*out_leaf = leaves[i];
			return ST_OK;
		}
	return st == ST_OK
		       ? fail_set(why, ST_NOTFOUND, "none of these leaves has the pseudonym %.*s",
				  SLICE_ARG(w.json))
		       : st;
}

enum status daemon_commit_certificates(struct commit *c, struct arena *a, uint64_t **out_leaves,
				       struct commit_event **out_events, size_t *out_count,
				       struct fail *why)
{
	uint64_t *leaves = NULL, leaf, number = 0;
	struct commit_event *events;
	size_t n = 0, room = 0;
	struct slice rest;
	struct os_map map;
	enum status st = os_file_map(c->data->eve, &map, why);

	if (st != ST_OK)
		return st;
	rest = map.bytes;
	for (; rest.ptr != NULL && st == ST_OK; number++) {
		struct slice line = slice_split(&rest, '\n');

		if (slice_find(line, SLICE("\"what\":\"station-key")) == SIZE_MAX ||
		    slice_find(line, SLICE("\"event_type\":\"input\"")) == SIZE_MAX ||
		    !leaf_of_line(c, line, number, a, &leaf, &st, why))
			continue;
		if (!ARENA_PUSH(a, leaves, n, room, leaf))
			st = fail_set(why, ST_NOMEM, "no memory for certificates");
	}
	os_map_done(&map);
	events = ARENA_ARRAY(a, struct commit_event, n + 1);
	if (st == ST_OK && events == NULL)
		st = fail_set(why, ST_NOMEM, "no memory for %zu certificates", n);
	*out_leaves = leaves;
	*out_events = events;
	*out_count = n;
	return st == ST_OK ? daemon_commit_reopen(c, leaves, n, a, events, why) : st;
}
