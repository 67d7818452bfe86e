/* SPDX-License-Identifier: Apache-2.0
 * dewline log follow: a monitor. */
#include "base/text.h"
#include "console/cli/log.h"
#include "evidence/follow/follow.h"
#include "evidence/witness/witness.h"
#include "os/file.h"
#include "os/stop.h"

enum { INTERVAL_S = 10, INTERVAL_MAX_S = 86400 };

/* Somebody whose view is compared, and who may bring convictions: a witness, a monitor, a file. */
struct peer {
	struct log_place place;
	struct slice name;
	uint8_t refused[CRYPTO_SHA256_BYTES]; /* the last conviction of its that was untrue */
	bool has_refused;
};

struct watch {
	struct cli *c;
	struct follow *follow;
	struct slice origin;
	struct peer *peers;
	struct log_refused *refused; /* a peer each */
	size_t peer_count;
	struct log_alarm alarm;
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

static void say_machine(const struct follow_found *f, struct slice who, bool alarm, struct json *j)
{
	json_object(j);
	json_member_str(j, "found", slice_of(follow_verdict_name(f->verdict)));
	json_member_some(j, "peer", who);
	json_member_u64(j, "from", f->from);
	json_member_u64(j, "size", f->size);
	json_member_u64(j, "cosigned", f->cosigned);
	if (alarm)
		json_member_str(j, "text", slice_of(f->said.text));
	json_member_some(j, "conviction", f->evidence);
	json_end(j);
}

/* What a look came to. who: empty for the log itself. That a log was caught is said once: it does
 * not become truer. */
static enum status say(struct watch *w, struct slice who, const struct follow_found *f,
		       struct arena *a, struct fail *why)
{
	struct buf line = buf_in(a);
	struct json j = json_in(&line);
	bool alarm = f->verdict != FOLLOW_SAME && f->verdict != FOLLOW_GREW;
	bool news = alarm && (f->verdict != FOLLOW_SPLIT || f->news);
	enum status st = ST_OK;

	w->alarmed = w->alarmed || alarm;
	w->alarm.contradicted = w->alarm.contradicted || alarm;
	w->alarm.convicted = w->alarm.convicted || f->verdict == FOLLOW_SPLIT;
	w->alarm.size = f->verdict == FOLLOW_GREW ? f->size : w->alarm.size;
	if (w->machine) {
		say_machine(f, who, alarm, &j);
		buf_add_byte(&line, '\n');
		st = print(w, &line, why);
	} else if (news) {
		cli_say(w->c, "ALARM: %s%.*s%s%s%s%.*s", who.len != 0 ? "against " : "",
			SLICE_ARG(who), who.len != 0 ? ": " : "", f->said.text,
			f->evidence.len != 0 ? "; the proof is " : "", SLICE_ARG(f->evidence));
	} else if (f->verdict == FOLLOW_GREW) {
		cli_say(w->c, "%llu leaves, %llu of them new, cosigned by %zu",
			(unsigned long long)f->size, (unsigned long long)(f->size - f->from),
			f->cosigned);
	}
	return st == ST_OK && news ? log_alarm_say(&w->alarm, follow_verdict_name(f->verdict), who,
						   slice_of(f->said.text), f->evidence, why)
				   : st;
}

/* Somebody brought a conviction that does not hold: he is named, once for each. */
static enum status say_untrue(struct watch *w, size_t i, struct slice text, const char *reason,
			      struct arena *a, struct fail *why)
{
	uint8_t hash[CRYPTO_SHA256_BYTES];
	struct peer *p = &w->peers[i];
	struct buf line = buf_in(a);
	struct json j = json_in(&line);

	crypto_sha256_of(text, hash);
	if (p->has_refused && memcmp(hash, p->refused, sizeof hash) == 0)
		return ST_OK;
	memcpy(p->refused, hash, sizeof hash);
	p->has_refused = true;
	w->refused[i].count++;
	if (w->machine) {
		json_object(&j);
		json_member_str(&j, "found", SLICE("untrue-conviction"));
		json_member_str(&j, "peer", p->name);
		json_member_str(&j, "text", slice_of(reason));
		json_end(&j);
		buf_add_byte(&line, '\n');
		if (print(w, &line, why) != ST_OK)
			return why->status;
	} else {
		cli_say(w->c, "REFUSED: %.*s brings a conviction that does not hold: %s",
			SLICE_ARG(p->name), reason);
	}
	return log_alarm_say(&w->alarm, "untrue-conviction", p->name, slice_of(reason),
			     (struct slice){NULL, 0}, why);
}

/* What a witness or a monitor shows of this log by that name. ST_NOTFOUND: nothing. */
static enum status peer_web(struct watch *w, const struct peer *p, const char *what, size_t most,
			    struct arena *a, struct slice *out, struct fail *why)
{
	struct os_web_ask q = {.most = most};
	struct buf url = buf_in(a);
	struct os_web_answer got;
	enum status st;

	buf_add(&url, p->place.name);
	buf_add_byte(&url, '/');
	witness_origin_add(w->origin, &url);
	buf_add_byte(&url, '/');
	buf_add_z(&url, what);
	q.url = buf_slice(&url);
	st = url.full ? fail_set(why, ST_NOMEM, "no memory to ask a peer")
		      : os_web_ask(p->place.web, &q, a, &got, why);
	if (st == ST_OK && got.number != 200)
		st = fail_set(why, ST_NOTFOUND, "%.*s knows nothing of this log (%u)",
			      SLICE_ARG(slice_part(p->place.name, 0, 100)), got.number);
	if (st == ST_OK)
		*out = got.body;
	return st;
}

static bool is_conviction(struct slice text)
{
	return slice_starts(text, SLICE("dewline-conviction "));
}

/* A conviction that a peer brings; what is wrong with it is the peer's trouble. */
static enum status hear(struct watch *w, size_t i, struct slice text, struct arena *a,
			struct fail *why)
{
	struct follow_found found;
	enum status st = follow_hear(w->follow, text, a, &found, why);

	if (st == ST_OK)
		return say(w, w->peers[i].name, &found, a, why);
	if (st == ST_NOMEM || st == ST_IO)
		return st;
	return say_untrue(w, i, text, why->text, a, why);
}

/* A peer's view against ours; ST_NOTFOUND, ST_IO and what is wrong with it are the peer's. */
static enum status compare(struct watch *w, size_t i, struct slice note, struct arena *a,
			   struct fail *why)
{
	struct follow_found found;
	enum status st = follow_compare(w->follow, note, a, &found, why);

	return st == ST_OK ? say(w, w->peers[i].name, &found, a, why) : st;
}

static enum status peer_look(struct watch *w, size_t i, struct arena *a, struct fail *why)
{
	const struct peer *p = &w->peers[i];
	struct slice text;
	enum status st;

	if (p->place.web == NULL) {
		st = os_file_read(p->place.name, NOTE_BYTES_MAX, a, &text, why);
		if (st == ST_OK)
			st = is_conviction(text) ? hear(w, i, text, a, why)
						 : compare(w, i, text, a, why);
		return st;
	}
	st = peer_web(w, p, "conviction", VIEW_CONVICTION_MAX, a, &text, why);
	if (st == ST_OK)
		st = hear(w, i, text, a, why);
	else if (st == ST_LIMIT) /* longer than any conviction is */
		st = say_untrue(w, i, SLICE(""), why->text, a, why);
	if (st == ST_OK || st == ST_NOTFOUND)
		st = peer_web(w, p, "checkpoint", 64 << 10, a, &text, why);
	return st == ST_OK ? compare(w, i, text, a, why) : st;
}

/* One look at the log, and at every peer. Only what is ours to repair ends it. */
static enum status look(struct watch *w, struct fail *why)
{
	struct arena a = {.pool = w->c->arena->pool};
	struct follow_found found;
	enum status st = follow_turn(w->follow, &a, &found, why);

	w->alarm.contradicted = false;
	w->alarm.looks++;
	w->unreachable = st == ST_IO || st == ST_NOTFOUND;
	w->alarm.reachable = !w->unreachable;
	if (w->unreachable)
		cli_say(w->c, "%s", why->text);
	else if (st == ST_OK)
		st = say(w, (struct slice){NULL, 0}, &found, &a, why);
	/* peers are asked also when the log is silent: one may know why */
	for (size_t i = 0; i < w->peer_count && (st == ST_OK || w->unreachable); i++) {
		st = peer_look(w, i, &a, why);
		if (st != ST_OK && st != ST_NOMEM) {
			cli_say(w->c, "%.*s: %s", SLICE_ARG(w->peers[i].name), why->text);
			st = ST_OK;
		}
		arena_reset(&a);
	}
	arena_reset(&a);
	if (w->unreachable && st != ST_NOMEM)
		st = ST_OK;
	return st == ST_OK ? log_alarm_count(&w->alarm, w->refused, w->peer_count, why) : st;
}

static enum status peers_open(struct watch *w, struct fail *why)
{
	const struct slice *names = cli_values(w->c, "peer", &w->peer_count);
	enum status st = ST_OK;

	w->peers = ARENA_ARRAY(w->c->arena, struct peer, w->peer_count + 1);
	w->refused = ARENA_ARRAY(w->c->arena, struct log_refused, w->peer_count + 1);
	ASSERT(w->peers != NULL && w->refused != NULL);
	for (size_t i = 0; i < w->peer_count && st == ST_OK; i++) {
		w->peers[i].name = w->refused[i].peer = names[i];
		st = log_place_open(w->c, names[i], &w->peers[i].place, why);
	}
	return st;
}

/* What was known when this began: a log that was caught stays caught. */
static enum status recall(struct watch *w, struct slice folder, struct fail *why)
{
	struct follow_state state;
	enum status st = follow_state_read(folder, w->c->arena, &state, why);

	if (st != ST_OK)
		return st;
	w->alarm.size = state.size;
	w->alarm.convicted = w->alarmed = state.conviction.ptr != NULL;
	if (w->alarmed)
		cli_say(w->c,
			"it was caught before this began: the proof is %.*s/conviction "
			"(dewline log convict)",
			SLICE_ARG(folder));
	return ST_OK;
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
		w.alarm = (struct log_alarm){.c = c,
					     .origin = w.origin,
					     .eve = cli_value(c, "eve"),
					     .metrics = cli_value(c, "metrics")};
		st = peers_open(&w, &why);
	}
	if (st == ST_OK)
		st = follow_open(&o, c->arena, &w.follow, &why);
	if (st == ST_OK)
		st = recall(&w, o.folder, &why);
	if (st == ST_OK)
		st = once ? look(&w, &why) : watch_on(&w, (int)seconds * 1000, &why);
	follow_close(w.follow);
	for (size_t i = 0; i < w.peer_count; i++)
		log_place_close(&w.peers[i].place);
	log_place_close(&place);
	if (st != ST_OK)
		return cli_cannot(c, &why);
	if (w.alarmed)
		return CLI_NO;
	return once && w.unreachable ? CLI_CANNOT : CLI_DONE;
}
