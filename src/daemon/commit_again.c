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

/* Of all fields and pseudonyms those that the leaf commits to. Every field of the line must be: a
 * pseudonym need not, for who sealed this may not have made them. */
static enum status keep_committed(struct sought *w, const struct record_field *fields, size_t own,
				  size_t n, const struct slice *disclosures, struct arena *a,
				  struct commit_event *e, struct fail *why)
{
	e->fields = ARENA_ARRAY(a, struct record_field, n + 1);
	e->disclosures = ARENA_ARRAY(a, struct slice, n + 1);
	if (e->fields == NULL || e->disclosures == NULL)
		return fail_set(why, ST_NOMEM, "no memory to open leaf %llu",
				(unsigned long long)w->leaf);
	e->count = 0;
	for (size_t i = 0; i < n; i++) {
		if (commits_to(w, disclosures[i])) {
			e->fields[e->count] = fields[i];
			e->disclosures[e->count++] = disclosures[i];
		} else if (i < own) {
			w->begun = w->begun || w->here; /* others of that moment begin so, too */
			w->odd = w->here ? fields[i].name : w->odd;
			return ST_NOTFOUND;
		}
	}
	return ST_OK;
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
	n = daemon_commit_pseudonyms(c, fields, own, a);
	if (st == ST_OK)
		st = salted(c, w, fields, n, a, &disclosures, why);
	if (st != ST_OK) /* no field that sealing would take */
		return st == ST_NOMEM ? st : ST_NOTFOUND;
	e->jwt = w->jwt;
	return keep_committed(w, fields, own, n, disclosures, a, e, why);
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
