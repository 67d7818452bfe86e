/* SPDX-License-Identifier: Apache-2.0
 * dewline log follow: a monitor. */
#include "base/text.h"
#include "console/cli/log.h"
#include "evidence/follow/follow.h"
#include "evidence/witness/witness.h"
#include "os/file.h"
#include "os/stop.h"

enum { INTERVAL_S = 10, INTERVAL_MAX_S = 86400 };

struct watch {
	struct cli *c;
	struct follow *follow;
	struct slice origin;
	struct log_place *peers; /* of those that are addresses */
	const struct slice *peer_names;
	size_t peer_count;
	bool machine, alarmed, unreachable;
};

static enum status print(struct watch *w, const struct buf *line, struct fail *why)
{
	if (line->full)
		return fail_set(why, ST_NOMEM, "no memory to print");
	return cli_print(w->c, buf_slice(line)) ? ST_OK : fail_set(why, ST_IO, "cannot print");
}

/* One entry as a line: as it is, or as an object. */
static enum status print_entry(void *ctx, uint64_t leaf, struct slice entry, struct fail *why)
{
	struct watch *w = ctx;
	struct arena a = {.pool = w->c->arena->pool};
	struct buf line = buf_in(&a);
	struct json j = json_in(&line);
	enum status st;

	if (w->machine) {
		json_object(&j);
		json_member_u64(&j, "leaf", leaf);
		if (text_is_utf8(entry)) {
			json_member_str(&j, "entry", entry);
		} else {
			struct buf text = buf_in(&a);

			crypto_base64_add(CRYPTO_BASE64, entry, &text);
			json_member_str(&j, "entry_base64", buf_slice(&text));
		}
		json_end(&j);
	} else {
		buf_add(&line, entry);
	}
	buf_add_byte(&line, '\n');
	st = print(w, &line, why);
	arena_reset(&a);
	return st;
}

/* What a look came to. who: empty for the log itself. */
static enum status say(struct watch *w, struct slice who, const struct follow_found *f,
		       struct arena *a, struct fail *why)
{
	struct buf line = buf_in(a);
	struct json j = json_in(&line);
	bool alarm = f->verdict != FOLLOW_SAME && f->verdict != FOLLOW_GREW;

	w->alarmed = w->alarmed || alarm;
	if (w->machine) {
		json_object(&j);
		json_member_str(&j, "found", slice_of(follow_verdict_name(f->verdict)));
		json_member_some(&j, "peer", who);
		json_member_u64(&j, "from", f->from);
		json_member_u64(&j, "size", f->size);
		json_member_u64(&j, "cosigned", f->cosigned);
		if (alarm)
			json_member_str(&j, "text", slice_of(f->said.text));
		json_member_some(&j, "conviction", f->evidence);
		json_end(&j);
		buf_add_byte(&line, '\n');
		return print(w, &line, why);
	}
	if (alarm)
		cli_say(w->c, "ALARM: %s%.*s%s%s%s%.*s", who.len != 0 ? "against " : "",
			SLICE_ARG(who), who.len != 0 ? ": " : "", f->said.text,
			f->evidence.len != 0 ? "; the proof is " : "", SLICE_ARG(f->evidence));
	else if (f->verdict == FOLLOW_GREW)
		cli_say(w->c, "%llu leaves, %llu of them new, cosigned by %zu",
			(unsigned long long)f->size, (unsigned long long)(f->size - f->from),
			f->cosigned);
	return ST_OK;
}

/* What a peer was shown: a file, or what a witness shows of this log. */
static enum status peer_ask(struct watch *w, size_t i, struct arena *a, struct slice *out,
			    struct fail *why)
{
	struct log_place *p = &w->peers[i];
	struct os_web_ask q = {.most = 64 << 10};
	struct buf url = buf_in(a);
	struct os_web_answer got;
	enum status st;

	if (p->web == NULL)
		return os_file_read(p->name, NOTE_BYTES_MAX, a, out, why);
	buf_add(&url, p->name);
	buf_add_byte(&url, '/');
	witness_origin_add(w->origin, &url);
	buf_add_z(&url, "/checkpoint");
	q.url = buf_slice(&url);
	st = url.full ? fail_set(why, ST_NOMEM, "no memory to ask a peer")
		      : os_web_ask(p->web, &q, a, &got, why);
	if (st == ST_OK && got.number != 200)
		st = fail_set(why, ST_NOTFOUND, "%.*s knows nothing of this log (%u)",
			      SLICE_ARG(slice_part(p->name, 0, 100)), got.number);
	if (st == ST_OK)
		*out = got.body;
	return st;
}

/* One look at the log, and at every peer. Only what is ours to repair ends it. */
static enum status look(struct watch *w, struct fail *why)
{
	struct arena a = {.pool = w->c->arena->pool};
	struct follow_found found;
	struct slice note;
	enum status st = follow_turn(w->follow, &a, &found, why);

	w->unreachable = st == ST_IO || st == ST_NOTFOUND;
	if (w->unreachable)
		cli_say(w->c, "%s", why->text);
	else if (st == ST_OK)
		st = say(w, (struct slice){NULL, 0}, &found, &a, why);
	for (size_t i = 0; i < w->peer_count && st == ST_OK; i++) {
		st = peer_ask(w, i, &a, &note, why);
		if (st == ST_OK)
			st = follow_compare(w->follow, note, &a, &found, why);
		if (st == ST_OK) {
			st = say(w, w->peer_names[i], &found, &a, why);
		} else if (st != ST_NOMEM) {
			cli_say(w->c, "%.*s: %s", SLICE_ARG(w->peer_names[i]), why->text);
			st = ST_OK;
		}
		arena_reset(&a);
	}
	arena_reset(&a);
	return w->unreachable ? ST_OK : st;
}

static enum status peers_open(struct watch *w, struct fail *why)
{
	enum status st = ST_OK;

	w->peer_names = cli_values(w->c, "peer", &w->peer_count);
	w->peers = ARENA_ARRAY(w->c->arena, struct log_place, w->peer_count + 1);
	ASSERT(w->peers != NULL);
	for (size_t i = 0; i < w->peer_count && st == ST_OK; i++)
		st = log_place_open(w->c, w->peer_names[i], &w->peers[i], why);
	return st;
}

static enum status watch_on(struct watch *w, int milliseconds, struct fail *why)
{
	struct os_stop stop = {0};
	enum status st = os_stop_open(&stop, why);

	while (st == ST_OK) {
		st = look(w, why);
		if (st != ST_OK || os_stop_wait(&stop, milliseconds))
			break;
	}
	os_stop_close(&stop);
	return st;
}

int log_follow(struct cli *c)
{
	struct slice interval = cli_value(c, "interval");
	struct watch w = {.c = c, .machine = cli_value(c, "json").ptr != NULL};
	struct follow_options o = {.folder = cli_value(c, "state"), .ctx = &w};
	bool once = cli_value(c, "once").ptr != NULL;
	struct log_place place = {0};
	struct view_policy policy;
	uint64_t seconds = INTERVAL_S;
	struct fail why;
	enum status st;

	if (o.folder.ptr == NULL) {
		cli_say(c, "where is remembered what was seen? Say --state DIR");
		return CLI_CANNOT;
	}
	if (interval.ptr != NULL && !text_u64(interval, 1, INTERVAL_MAX_S, &seconds)) {
		cli_say(c, "--interval %.*s; expected 1 to %d seconds", SLICE_ARG(interval),
			INTERVAL_MAX_S);
		return CLI_CANNOT;
	}
	if (cli_value(c, "entries").ptr != NULL)
		o.entry = print_entry;
	st = log_place_open(c, c->words[1], &place, &why);
	o.source = &place.source;
	o.policy = &policy;
	if (st == ST_OK)
		st = log_policy(c, place.name, &policy, &why);
	if (st == ST_OK && policy.log_count != 1)
		st = fail_set(&why, ST_INVALID, "a policy of %zu logs; follow watches one",
			      policy.log_count);
	if (st == ST_OK) {
		w.origin = policy.logs[0].key.name;
		st = peers_open(&w, &why);
	}
	if (st == ST_OK)
		st = follow_open(&o, c->arena, &w.follow, &why);
	if (st == ST_OK)
		st = once ? look(&w, &why) : watch_on(&w, (int)seconds * 1000, &why);
	follow_close(w.follow);
	for (size_t i = 0; i < w.peer_count; i++)
		log_place_close(&w.peers[i]);
	log_place_close(&place);
	if (st != ST_OK)
		return cli_cannot(c, &why);
	if (w.alarmed)
		return CLI_NO;
	return once && w.unreachable ? CLI_CANNOT : CLI_DONE;
}
