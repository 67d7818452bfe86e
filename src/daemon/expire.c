/* SPDX-License-Identifier: Apache-2.0
 *
 * What is past its clock goes: events' lines are blanked where they stand in eve.json, so that line
 * n stays line n, and so in the EVE files of sensors, with the payload and packets that alerts
 * carry there; files of packets and payload are blanked and removed. What the log holds stays: that
 * there was such an event can be proved for ever, what it said cannot be shown any more.
 *
 * Blanking is done before it is committed, and again whenever it is asked for: whoever is killed in
 * between only has to be started again.
 */
#include "base/buf.h"
#include "base/json.h"
#include "daemon/commit.h"
#include "daemon/daemon_priv.h"
#include "os/clock.h"
#include "os/file.h"

enum { DEPTH_MAX = 8 }; /* folders in one another */

struct events { /* a file of them */
	struct slice path;
	bool own;	       /* the house's: line n is leaf n, and what the centre says stays */
	struct os_span *spans; /* lines to blank */
	size_t span_count, span_room;
};

struct expiry {
	const struct daemon_expire_options *o;
	struct arena *arena;
	struct data data;
	struct commit *commit;
	struct events *events;
	size_t events_count;
	struct slice *files; /* to destroy */
	size_t file_count, file_room;
	struct daemon_expire_result r;
};

/* ---- events ---- */

/* The text of a member that our own lines begin with, or have behind it; ptr NULL: not there. */
static struct slice text_member(struct slice line, struct slice key)
{
	size_t at = slice_find(line, key);
	struct slice rest;

	if (at == SIZE_MAX)
		return (struct slice){NULL, 0};
	rest = slice_from(line, at + key.len);
	return slice_part(rest, 0, slice_find(rest, SLICE("\"")));
}

/* What centre and station say of themselves is no event, and is what proves all this. */
static bool is_own(struct slice kind)
{
	return slice_equal(kind, SLICE("input")) || slice_equal(kind, SLICE("disclosure")) ||
	       slice_equal(kind, SLICE("release")) || slice_equal(kind, SLICE("expiry")) ||
	       slice_equal(kind, SLICE("watch")) || slice_equal(kind, SLICE("life")) ||
	       slice_equal(kind, SLICE("gap"));
}

static enum status look_at_line(struct expiry *x, struct events *e, struct slice line,
				uint64_t from, struct fail *why)
{
	struct slice time = slice_starts(line, SLICE("{\"timestamp\":\""))
				    ? text_member(line, SLICE("\"timestamp\":\""))
				    : (struct slice){NULL, 0};
	struct os_span span = {from, line.len};
	struct wall_ns at;

	if (slice_trim(line).len == 0) {
		x->r.gone += e->own && line.len != 0;
		return ST_OK;
	}
	if (time.ptr == NULL || !time_parse(time, &at)) {
		x->r.unread++;
		return ST_OK;
	}
	if (at.ns >= x->o->before.ns ||
	    (e->own && is_own(text_member(line, SLICE(",\"event_type\":\"")))))
		return ST_OK;
	*(e->own ? &x->r.events : &x->r.lines) += 1;
	x->r.bytes += line.len;
	if (!ARENA_PUSH(x->arena, e->spans, e->span_count, e->span_room, span))
		return fail_set(why, ST_NOMEM, "no memory for another event");
	return ST_OK;
}

static enum status look_at_file(struct expiry *x, struct events *e, struct fail *why)
{
	struct slice rest;
	struct os_map map;
	enum status st = os_file_map(e->path, &map, why);

	if (st != ST_OK)
		return st;
	rest = map.bytes;
	while (st == ST_OK && rest.ptr != NULL) {
		uint64_t from = (uint64_t)(rest.ptr - map.bytes.ptr);
		struct slice line = slice_split(&rest, '\n');

		if (rest.ptr == NULL && !e->own)
			break; /* a line that a sensor is writing just now */
		st = look_at_line(x, e, line, from, why);
	}
	os_map_done(&map);
	return st;
}

static enum status look_at_events(struct expiry *x, struct fail *why)
{
	enum status st = ST_OK;

	x->events = ARENA_ARRAY(x->arena, struct events, x->o->eve_count + 1);
	if (x->events == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %zu files", x->o->eve_count);
	x->events_count = x->o->eve_count + 1;
	x->events[0] = (struct events){.path = x->data.eve, .own = true};
	for (size_t i = 0; i < x->o->eve_count; i++)
		x->events[i + 1].path = x->o->eves[i];
	for (size_t i = 0; st == ST_OK && i < x->events_count; i++)
		st = look_at_file(x, &x->events[i], why);
	return st;
}

/* ---- files ---- */

static enum status file_take(struct expiry *x, struct slice path, uint64_t bytes, struct fail *why)
{
	if (!ARENA_PUSH(x->arena, x->files, x->file_count, x->file_room, path))
		return fail_set(why, ST_NOMEM, "no memory for another file");
	x->r.bytes += bytes;
	return ST_OK;
}

/* Recursion ends at DEPTH_MAX. */
static enum status look_at_folder(struct expiry *x, struct slice dir, unsigned depth,
				  struct fail *why)
{
	struct slice *names;
	size_t n;
	enum status st;

	if (depth > DEPTH_MAX)
		return fail_set(why, ST_LIMIT, "%.*s: more than %d folders in one another",
				SLICE_ARG(dir), DEPTH_MAX);
	st = os_dir_list(dir, x->arena, &names, &n, why);
	for (size_t i = 0; st == ST_OK && i < n; i++) {
		struct slice path = daemon_path(x->arena, dir, names[i]);
		struct os_entry e;

		if (path.ptr == NULL)
			return fail_set(why, ST_NOMEM, "no memory for another file");
		st = os_entry_look(path, &e, why);
		if (st == ST_NOTFOUND) { /* somebody else removed it just now */
			st = ST_OK;
			continue;
		}
		if (st == ST_OK && e.is_folder)
			st = look_at_folder(x, path, depth + 1, why);
		else if (st == ST_OK && e.is_file && !slice_equal(names[i], SLICE("lock")) &&
			 e.changed.ns < x->o->before.ns)
			st = file_take(x, path, e.bytes, why);
	}
	return st;
}

static enum status look_at_files(struct expiry *x, struct fail *why)
{
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < x->o->folder_count; i++)
		st = look_at_folder(x, x->o->folders[i], 0, why);
	x->r.files = x->file_count;
	return st;
}

/* ---- doing it ---- */

static enum status destroy(struct expiry *x, struct fail *why)
{
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < x->events_count; i++)
		if (x->events[i].span_count != 0)
			st = os_file_blank(NULL, x->events[i].path, x->events[i].spans,
					   x->events[i].span_count, ' ', why);
	for (size_t i = 0; st == ST_OK && i < x->file_count; i++)
		st = os_file_destroy(NULL, x->files[i], why);
	x->r.gone += x->r.events;
	return st;
}

/* Members in the order of their names: what is committed is canonical (RFC 8785). */
static enum status commit(struct expiry *x, struct fail *why)
{
	struct record r = {.at = os_clock_wall(), .station = SLICE("centre")};
	char before[TIME_TEXT_MAX];
	struct buf text = buf_in(x->arena);
	struct json j = json_in(&text);
	enum status st;

	json_object(&j);
	json_member_str(&j, "approved_by", x->o->approved);
	json_member_str(&j, "before", time_format_rfc3339(x->o->before, before));
	json_member_u64(&j, "bytes", x->r.bytes);
	json_member_u64(&j, "events", x->r.events);
	json_member_u64(&j, "files", x->r.files);
	json_member_u64(&j, "gone", x->r.gone);
	json_member_u64(&j, "lines", x->r.lines);
	json_end(&j);
	if (text.full || !record_object(&r, x->arena, "expiry", buf_slice(&text)))
		return fail_set(why, ST_NOMEM, "no memory for the record of this");
	st = daemon_commit_add(x->commit, &r, &x->r.leaf, why);
	return st == ST_OK ? daemon_commit_flush(x->commit, why) : st;
}

static enum status expire(const struct daemon_expire_options *o, struct arena *a,
			  struct daemon_expire_result *out, struct fail *why)
{
	struct expiry x = {.o = o, .arena = a};
	enum status st = daemon_data_open_again(o->data, o->key, a, &x.data, why);

	if (st != ST_OK)
		return st;
	st = daemon_commit_open(&x.data, a, &x.commit, why);
	if (st == ST_OK)
		st = look_at_events(&x, why);
	if (st == ST_OK)
		st = look_at_files(&x, why);
	if (st == ST_OK && o->approved.len != 0) {
		st = destroy(&x, why);
		if (st == ST_OK)
			st = commit(&x, why);
		x.r.done = st == ST_OK;
	}
	daemon_commit_close(x.commit);
	daemon_data_close(&x.data);
	if (st == ST_OK)
		*out = x.r;
	return st;
}

/* What sealed stations saw has the same clock, and a record in its own log: the one that others see
 * does not count it. */
enum status daemon_expire(const struct daemon_expire_options *o, struct arena *a,
			  struct daemon_expire_result *out, struct fail *why)
{
	struct daemon_expire_options inner = {
		.data = daemon_path(a, o->data, SLICE("sealed-stations")),
		.before = o->before,
		.approved = o->approved};
	struct daemon_expire_result r, sealed;
	enum status st = expire(o, a, &r, why);

	if (st != ST_OK)
		return st;
	if (os_file_exists(daemon_path(a, inner.data, SLICE("dewline-data")))) {
		st = expire(&inner, a, &sealed, why);
		if (st != ST_OK)
			return fail_wrap(why, "sealed stations");
		r.sealed = sealed.events;
		r.bytes += sealed.bytes;
	}
	*out = r;
	return ST_OK;
}
