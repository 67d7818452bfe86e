/* SPDX-License-Identifier: Apache-2.0
 *
 * dewline log periods: when a station watched, and when it was silent.
 *
 * Anybody's log says in the clear when each leaf was sealed, and which leaf is before it. The
 * owner's folder has what the station says of itself, which is asked for first. Both are held
 * against the signed root: the leaves that are read here are those that were signed. */
#include <inttypes.h>

#include "base/text.h"
#include "console/cli/log.h"
#include "daemon/daemon.h"
#include "evidence/disclose/disclose.h"
#include "evidence/presence/presence.h"
#include "os/file.h"
#include "record/record.h"

enum { WITHIN_S = 30, TIMELY_S = 300, AVAILABLE = 98, IN_TIME = 97 };

/* The members of an object as they stand there: too much for the stack. */
struct members {
	struct record_field fields[RECORD_FIELDS_MAX];
	size_t count;
};

struct periods {
	struct cli *c;
	struct members *word, *events; /* of the record at hand */
	struct log_place place;
	struct merkle_checkpoint is;
	struct presence_note *notes;
	size_t count, room;
	uint64_t chained, broken, foreign; /* leaves that name the one before; wrongly; others */
	uint64_t first_broken;
	bool own; /* notes are the station's own words */
	struct fail why;
};

static enum status push(struct periods *p, struct presence_note n, struct fail *why)
{
	return ARENA_PUSH(p->c->arena, p->notes, p->count, p->room, n)
		       ? ST_OK
		       : fail_set(why, ST_NOMEM, "no memory for what a station says");
}

/* ---- what each leaf says in the clear ---- */

static enum status leaf_look(struct periods *p, uint64_t leaf, struct slice entry,
			     const uint8_t prev[MERKLE_BYTES], struct fail *why)
{
	struct arena scratch = {.pool = p->c->arena->pool};
	struct presence_note n = {.kind = PRESENCE_SIGN, .leaf = leaf};
	struct disclose_opened clear;
	enum status st = disclose_open_checked(entry, NULL, 0, &scratch, &clear, why);

	if (st != ST_OK) {
		p->foreign++;
		arena_reset(&scratch);
		return st == ST_NOMEM ? st : ST_OK;
	}
	if (clear.has_prev && leaf != 0) {
		bool right = memcmp(clear.prev, prev, MERKLE_BYTES) == 0;

		p->chained++;
		if (!right && p->broken++ == 0)
			p->first_broken = leaf;
	}
	n.at.ns = (int64_t)clear.at_s * TIME_NS_PER_S;
	arena_reset(&scratch);
	return clear.at_s != 0 && clear.at_s < INT64_MAX / TIME_NS_PER_S ? push(p, n, why) : ST_OK;
}

static enum status no_full_tile(void *ctx, unsigned level, uint64_t index,
				const uint8_t (*hashes)[MERKLE_BYTES], struct fail *why)
{
	return ST_OK; /* only the root is wanted */
}

static enum status bundle_look(struct periods *p, uint64_t index, struct merkle_edge *edge,
			       uint8_t prev[MERKLE_BYTES], struct fail *why)
{
	unsigned width = merkle_width(p->is.size, 0, index);
	struct merkle_full full = {p, no_full_tile};
	struct arena scratch = {.pool = p->c->arena->pool};
	struct slice entries[MERKLE_WIDTH];
	enum status st =
		ledger_source_entries(&p->place.source, index, width, &scratch, entries, why);

	for (unsigned i = 0; st == ST_OK && i < width; i++) {
		uint8_t hash[MERKLE_BYTES];

		st = leaf_look(p, index * MERKLE_WIDTH + i, entries[i], prev, why);
		merkle_leaf(entries[i], hash);
		if (st == ST_OK)
			st = merkle_edge_add(edge, hash, &full, why);
		memcpy(prev, hash, sizeof hash);
	}
	arena_reset(&scratch);
	return st;
}

static enum status leaves_look(struct periods *p, struct fail *why)
{
	struct merkle_edge *edge = ARENA_NEW(p->c->arena, struct merkle_edge);
	uint8_t prev[MERKLE_BYTES] = {0}, root[MERKLE_BYTES];
	enum status st = ST_OK;

	if (edge == NULL)
		return fail_set(why, ST_NOMEM, "no memory to read a log");
	for (uint64_t i = 0; st == ST_OK && i * MERKLE_WIDTH < p->is.size; i++)
		st = bundle_look(p, i, edge, prev, why);
	if (st != ST_OK)
		return st;
	merkle_edge_root(edge, root);
	if (memcmp(root, p->is.root, sizeof root) != 0)
		return fail_set(
			why, ST_CORRUPT,
			"the leaves do not give the root that was signed: dewline log check "
			"says where it is damaged");
	return ST_OK;
}

/* ---- what a station says of itself ---- */

static bool members_of(struct slice json, struct members *out)
{
	struct fail why;

	return record_split(json, NULL, 0, out->fields, &out->count, &why) == ST_OK;
}

static struct slice value_of(const struct members *m, const char *name)
{
	for (size_t i = 0; i < m->count; i++)
		if (slice_equal(m->fields[i].name, slice_of(name)))
			return m->fields[i].json;
	return (struct slice){NULL, 0};
}

/* Without its quotes; escapes stay: it is shown to people. */
static struct slice text_of(const struct members *m, const char *name)
{
	struct slice v = value_of(m, name);

	return v.len >= 2 && v.ptr[0] == '"' ? slice_part(v, 1, v.len - 2) : SLICE("");
}

static struct wall_ns time_of(const struct members *m, const char *name)
{
	struct wall_ns t = {0};

	return time_parse(text_of(m, name), &t) ? t : (struct wall_ns){0};
}

static uint64_t number_of(struct slice v)
{
	uint64_t n;

	return text_u64(v, 0, INT64_MAX, &n) ? n : 0;
}

static uint64_t events_of(struct slice json, struct members *m)
{
	uint64_t n = 0;

	if (json.len == 0 || !members_of(json, m))
		return 0;
	for (size_t i = 0; i < m->count; i++)
		n += number_of(m->fields[i].json);
	return n;
}

static struct presence_note note_of(struct periods *p, const struct daemon_station_leaf *l,
				    const struct members *m)
{
	struct presence_note n = {.leaf = l->leaf,
				  .at = l->at,
				  .from = time_of(m, "from"),
				  .to = time_of(m, "to"),
				  .silent = slice_equal(value_of(m, "silent"), SLICE("true")),
				  .packets = number_of(value_of(m, "packets")),
				  .events = events_of(value_of(m, "events"), p->events)};

	if (slice_equal(l->type, SLICE("watch"))) {
		n.kind = slice_equal(text_of(m, "act"), SLICE("begin")) ? PRESENCE_BEGIN
									: PRESENCE_END;
	} else if (slice_equal(l->type, SLICE("life"))) {
		n.kind = PRESENCE_LIFE;
		n.packets = 0; /* that it has seen */
		n.at = l->sealed;
	} else {
		n.kind = PRESENCE_GAP;
		n.reason = arena_copy(p->c->arena, text_of(m, "reason"));
		n.says = arena_copy(p->c->arena, text_of(m, "says"));
		n.where = arena_copy(p->c->arena, text_of(m, "where"));
	}
	return n;
}

static void own_word(void *ctx, const struct daemon_station_leaf *l)
{
	struct periods *p = ctx;

	if (p->why.status == ST_OK && members_of(l->json, p->word))
		p->why.status = push(p, note_of(p, l, p->word), &p->why);
}

/* Of a folder with keys beside it. */
static enum status own_words(struct periods *p, struct fail *why)
{
	struct slice data = buf_text(p->c->arena, "%.*s/..", SLICE_ARG(p->place.name));
	struct presence_note *signs = p->notes;
	size_t n = p->count;
	enum status st;

	if (p->place.web != NULL ||
	    !os_file_exists(buf_text(p->c->arena, "%.*s/dewline-data", SLICE_ARG(data))))
		return ST_OK;
	p->word = ARENA_NEW(p->c->arena, struct members);
	p->events = ARENA_NEW(p->c->arena, struct members);
	if (p->word == NULL || p->events == NULL)
		return fail_set(why, ST_NOMEM, "no memory for what a station says");
	p->notes = NULL;
	p->count = p->room = 0;
	p->why.status = ST_OK;
	st = daemon_station_read(data, p->c->arena, p, own_word, why);
	if (st == ST_OK && p->why.status != ST_OK) {
		*why = p->why;
		return why->status;
	}
	p->own = st == ST_OK && p->count != 0;
	if (p->own)
		return ST_OK;
	if (st != ST_OK && st != ST_NOMEM) /* not ours to read: what it tells everybody stays */
		cli_say(p->c, "%s; showing what the log says in the clear", why->text);
	p->notes = signs;
	p->count = n;
	return st == ST_NOMEM ? st : ST_OK;
}

/* ---- showing ---- */

static void add_span(struct buf *out, struct wall_ns from, struct wall_ns to)
{
	char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX];

	buf_add_fmt(out, "%.*s  %.*s  %10" PRId64 ".%03" PRId64 " s  ",
		    SLICE_ARG(time_format_ms(from, a)), SLICE_ARG(time_format_ms(to, b)),
		    (to.ns - from.ns) / TIME_NS_PER_S, (to.ns - from.ns) / TIME_NS_PER_MS % 1000);
}

static void add_period(const struct presence_period *k, struct buf *out)
{
	add_span(out, k->from, k->to);
	buf_add(out, k->watched ? SLICE("watched") : k->says);
	if (k->where.len != 0)
		buf_add_fmt(out, " (%.*s)", SLICE_ARG(k->where));
	if (k->reason.len != 0)
		buf_add_fmt(out, ": %.*s, leaf %" PRIu64, SLICE_ARG(k->reason), k->leaf);
	buf_add_byte(out, '\n');
}

static void add_loss(const struct presence_note *g, struct buf *out)
{
	add_span(out, g->from, g->to.ns != 0 ? g->to : g->from);
	buf_add_fmt(out, "%.*s", SLICE_ARG(g->says));
	if (g->where.len != 0)
		buf_add_fmt(out, " (%.*s)", SLICE_ARG(g->where));
	if (g->packets != 0)
		buf_add_fmt(out, ", %" PRIu64 " packets", g->packets);
	if (g->events != 0)
		buf_add_fmt(out, ", %" PRIu64 " events", g->events);
	buf_add_fmt(out, ": %.*s, leaf %" PRIu64 "\n", SLICE_ARG(g->reason), g->leaf);
}

struct shares {
	uint64_t available, in_time; /* millionths */
	uint64_t want_available, want_in_time;
};

static void add_share(struct buf *out, const char *what, uint64_t got, uint64_t want)
{
	buf_add_fmt(out, "%s %" PRIu64 ".%04" PRIu64 " %%, required %" PRIu64 " %%: %s\n", what,
		    got / 10000, got % 10000, want / 10000,
		    got >= want ? "reached" : "not reached");
}

static void show(const struct periods *p, const struct presence_report *r, const struct shares *s,
		 struct buf *out)
{
	for (size_t i = 0; i < r->count; i++)
		add_period(&r->periods[i], out);
	for (size_t i = 0; i < r->loss_count; i++)
		add_loss(r->losses[i], out);
	buf_add_fmt(out, "%.*s: %" PRIu64 " leaves, ", SLICE_ARG(p->place.name), p->is.size);
	if (p->chained == 0)
		buf_add_z(out, "not chained");
	else if (p->broken == 0)
		buf_add_fmt(out, "%" PRIu64 " name the one before them, each rightly", p->chained);
	else
		buf_add_fmt(out, "%" PRIu64 " do not name the one before them: first leaf %" PRIu64,
			    p->broken, p->first_broken);
	buf_add_fmt(out, "; %s\n",
		    p->own ? "by the station's own words" : "by what leaves say in the clear");
	if (r->count == 0) {
		buf_add_z(out, "nothing is said of any time that was watched\n");
		return;
	}
	add_share(out, "data availability", s->available, s->want_available);
	add_share(out, "in time          ", s->in_time, s->want_in_time);
}

static void json_time(struct json *j, const char *key, struct wall_ns t)
{
	char text[TIME_TEXT_MAX];

	json_member_str(j, key, time_format_rfc3339(t, text));
}

static void show_json(const struct periods *p, const struct presence_report *r,
		      const struct shares *s, struct buf *out)
{
	struct json j;

	for (size_t i = 0; i < r->count; i++) {
		const struct presence_period *k = &r->periods[i];

		j = json_in(out);
		json_object(&j);
		json_time(&j, "from", k->from);
		json_time(&j, "to", k->to);
		json_member_bool(&j, "watched", k->watched);
		json_member_some(&j, "reason", k->reason);
		json_member_some(&j, "says", k->says);
		json_member_some(&j, "where", k->where);
		if (k->reason.len != 0)
			json_member_u64(&j, "leaf", k->leaf);
		json_end(&j);
		buf_add_byte(out, '\n');
	}
	for (size_t i = 0; i < r->loss_count; i++) {
		const struct presence_note *g = r->losses[i];

		j = json_in(out);
		json_object(&j);
		json_time(&j, "from", g->from);
		if (g->to.ns != 0)
			json_time(&j, "to", g->to);
		json_member_str(&j, "lost", g->reason);
		json_member_some(&j, "says", g->says);
		json_member_some(&j, "where", g->where);
		json_member_u64(&j, "packets", g->packets);
		json_member_u64(&j, "events", g->events);
		json_member_u64(&j, "leaf", g->leaf);
		json_end(&j);
		buf_add_byte(out, '\n');
	}
	j = json_in(out);
	json_object(&j);
	json_member_str(&j, "log", p->place.name);
	json_member_u64(&j, "size", p->is.size);
	json_member_bool(&j, "own_words", p->own);
	json_member_u64(&j, "chained", p->chained);
	json_member_u64(&j, "chain_broken", p->broken);
	json_member_u64(&j, "other_leaves", p->foreign);
	json_member_u64(&j, "all_ns", (uint64_t)r->all_ns);
	json_member_u64(&j, "watched_ns", (uint64_t)r->watched_ns);
	json_member_u64(&j, "timely_ns", (uint64_t)r->timely_ns);
	json_key(&j, "availability");
	json_fixed(&j, (int64_t)s->available, 6);
	json_key(&j, "availability_required");
	json_fixed(&j, (int64_t)s->want_available, 6);
	json_key(&j, "in_time");
	json_fixed(&j, (int64_t)s->in_time, 6);
	json_key(&j, "in_time_required");
	json_fixed(&j, (int64_t)s->want_in_time, 6);
	json_member_u64(&j, "lost_packets", r->lost_packets);
	json_member_u64(&j, "lost_events", r->lost_events);
	json_end(&j);
	buf_add_byte(out, '\n');
}

/* ---- the job ---- */

/* A number of an option; false: it is none, which was said. */
static bool option_u64(struct cli *c, const char *name, uint64_t most, uint64_t fallback,
		       uint64_t *out)
{
	struct slice s = cli_value(c, name);

	*out = fallback;
	if (s.ptr == NULL || text_u64(s, 0, most, out))
		return true;
	cli_say(c, "--%s %.*s: expected a number up to %" PRIu64, name, SLICE_ARG(s), most);
	return false;
}

static bool required(struct cli *c, struct shares *out)
{
	size_t n;
	const struct slice *values = cli_values(c, "required", &n);
	uint64_t percent[2] = {AVAILABLE, IN_TIME};

	for (size_t i = 0; i < n && i < 2; i++)
		if (!text_u64(values[i], 0, 100, &percent[i])) {
			cli_say(c, "--required %.*s: expected 0 to 100", SLICE_ARG(values[i]));
			return false;
		}
	if (n > 2)
		cli_say(c, "--required: one, or two");
	out->want_available = percent[0] * 10000;
	out->want_in_time = percent[1] * 10000;
	return n <= 2;
}

static enum status checkpoint_read(struct periods *p, struct fail *why)
{
	struct view_policy policy;
	struct slice note;
	enum status st = log_policy(p->c, p->place.name, &policy, why);

	if (st == ST_OK)
		st = ledger_source_checkpoint(&p->place.source, p->c->arena, &note, why);
	if (st == ST_OK)
		st = view_policy_open(&policy, note, p->c->arena, &p->is, NULL, NULL, why);
	return st;
}

int log_periods(struct cli *c)
{
	struct periods p = {.c = c};
	struct presence_options o = {0};
	struct presence_report r = {0};
	struct buf out = buf_in(c->arena);
	uint64_t within, timely;
	struct shares s;
	struct fail why;
	enum status st;

	if (!option_u64(c, "within", 86400, WITHIN_S, &within) ||
	    !option_u64(c, "timely", 86400, TIMELY_S, &timely) || !required(c, &s))
		return CLI_CANNOT;
	st = log_place_open(c, c->words[1], &p.place, &why);
	if (st == ST_OK)
		st = checkpoint_read(&p, &why);
	if (st == ST_OK)
		st = leaves_look(&p, &why);
	if (st == ST_OK)
		st = own_words(&p, &why);
	o.timely_ns = (int64_t)timely * TIME_NS_PER_S;
	o.within_ns = p.own ? 0 : (int64_t)within * TIME_NS_PER_S;
	if (st == ST_OK)
		st = presence_of(p.notes, p.count, &o, c->arena, &r, &why);
	log_place_close(&p.place);
	if (st != ST_OK) {
		(void)cli_cannot(c, &why);
		return st == ST_REFUSED || st == ST_CORRUPT ? CLI_NO : CLI_CANNOT;
	}
	s.available = presence_share(r.watched_ns, r.all_ns);
	s.in_time = presence_share(r.timely_ns, r.all_ns);
	if (cli_value(c, "json").ptr != NULL)
		show_json(&p, &r, &s, &out);
	else
		show(&p, &r, &s, &out);
	return log_print(c, &out,
			 p.broken == 0 && s.available >= s.want_available &&
					 s.in_time >= s.want_in_time
				 ? CLI_DONE
				 : CLI_NO);
}
