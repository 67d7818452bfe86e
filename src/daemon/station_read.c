/* SPDX-License-Identifier: Apache-2.0
 *
 * What a station's own log says of the station, for who has its folder: lines of eve.json that are
 * what their leaves commit to. Line n is leaf n, or an earlier one, if a run ended between the two.
 */
#include "daemon/commit.h"
#include "daemon/daemon_priv.h"
#include "os/file.h"

struct reading {
	struct commit *commit;
	struct slice rest; /* lines that were not looked at */
	struct slice line; /* the next of the station about itself; ptr NULL: none */
	struct slice type;
	uint64_t number, next; /* of that line; of the first in rest */
};

static bool is_own(struct slice type)
{
	return slice_equal(type, SLICE("watch")) || slice_equal(type, SLICE("life")) ||
	       slice_equal(type, SLICE("gap"));
}

static struct slice type_of(struct slice line)
{
	struct slice key = SLICE(",\"event_type\":\"");
	size_t at = slice_find(line, key);
	struct slice rest = at != SIZE_MAX ? slice_from(line, at + key.len) : SLICE("");

	return slice_part(rest, 0, slice_find(rest, SLICE("\"")));
}

static void line_next(struct reading *r)
{
	r->line = (struct slice){NULL, 0};
	while (r->rest.ptr != NULL) {
		struct slice line = slice_split(&r->rest, '\n');

		r->type = type_of(line);
		r->number = r->next++;
		if (is_own(r->type)) {
			r->line = line;
			return;
		}
	}
}

static struct slice member(const struct commit_event *e, struct slice name)
{
	for (size_t i = 0; i < e->count; i++)
		if (e->fields[i].group.len == 0 && slice_equal(e->fields[i].name, name))
			return e->fields[i].json;
	return (struct slice){NULL, 0};
}

static enum status leaf_read(struct reading *r, uint64_t leaf, struct arena *a, void *ctx,
			     void (*each)(void *ctx, const struct daemon_station_leaf *l),
			     struct fail *why)
{
	struct daemon_station_leaf l = {.leaf = leaf, .type = r->type};
	struct disclose_opened clear;
	struct commit_event e;
	struct slice time;
	enum status st = daemon_commit_match(r->commit, leaf, r->line, a, &e, why);

	if (st != ST_OK)
		return st == ST_NOMEM ? st
				      : ST_OK; /* another's line, or an entry that is not ours */
	st = daemon_commit_look(r->commit, leaf, a, &clear, why);
	if (st != ST_OK)
		return st;
	time = member(&e, SLICE("timestamp"));
	l.json = member(&e, l.type);
	l.sealed.ns = (int64_t)clear.at_s * TIME_NS_PER_S;
	if (time.len > 2 && time_parse(slice_part(time, 1, time.len - 2), &l.at) &&
	    l.json.ptr != NULL)
		each(ctx, &l);
	line_next(r);
	return ST_OK;
}

enum status daemon_station_read(struct slice data_dir, struct arena *a, void *ctx,
				void (*each)(void *ctx, const struct daemon_station_leaf *l),
				struct fail *why)
{
	struct reading r = {0};
	struct data data = {0};
	struct os_map map = {0};
	enum status st = daemon_data_open_again(data_dir, SLICE(""), a, &data, why);

	if (st != ST_OK)
		return st;
	st = daemon_commit_open_read(&data, a, &r.commit, why);
	if (st == ST_OK)
		st = os_file_map(data.eve, &map, why);
	r.rest = map.bytes;
	if (st == ST_OK)
		line_next(&r);
	for (uint64_t leaf = 0;
	     st == ST_OK && r.line.ptr != NULL && leaf < daemon_commit_size(r.commit); leaf++) {
		struct arena scratch = {.pool = a->pool};

		while (r.line.ptr != NULL && r.number < leaf)
			line_next(&r);
		if (r.line.ptr != NULL)
			st = leaf_read(&r, leaf, &scratch, ctx, each, why);
		arena_reset(&scratch);
	}
	os_map_done(&map);
	daemon_commit_close(r.commit);
	daemon_data_close(&data);
	return st;
}
