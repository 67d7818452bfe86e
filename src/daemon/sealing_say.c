/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages between the two processes, and the records that a station makes about itself.
 *
 * What is packed here is read by a process that holds keys, from memory that the one that parses
 * packets can write: so reading trusts nothing. Numbers are big-endian.
 */
#include "base/json.h"
#include "base/text.h"
#include "daemon/daemon_priv.h"
#include "daemon/sealing_priv.h"
#include "os/clock.h"

enum { WORD_MAX = 32 /* bytes of `detail`, `counter` */, NAME_MAX = 255 };

/* ---- packing ---- */

static void add_be(struct buf *b, uint64_t v, unsigned bytes)
{
	while (bytes-- > 0)
		buf_add_byte(b, (uint8_t)(v >> 8 * bytes & 255));
}

static void add_text(struct buf *b, struct slice s, size_t most)
{
	s = slice_part(s, 0, most);
	add_be(b, s.len, 2);
	buf_add(b, s);
}

void daemon_sealing_pack_fields(const struct record_field *fields, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		add_text(out, fields[i].group, UINT16_MAX);
		add_text(out, fields[i].name, UINT16_MAX);
		add_be(out, fields[i].json.len, 4);
		buf_add(out, fields[i].json);
	}
}

void daemon_sealing_pack_gap(const struct sealing_gap *g, struct buf *out)
{
	add_be(out, g->reason, 1);
	add_be(out, (uint64_t)g->from.ns, 8);
	add_be(out, (uint64_t)g->to.ns, 8);
	add_be(out, g->packets, 8);
	add_be(out, g->bytes, 8);
	for (unsigned i = 0; i < SEALING_KINDS; i++)
		add_be(out, g->events[i], 8);
	add_text(out, g->where, SEALING_WHERE_MAX);
	add_text(out, slice_of(g->detail), WORD_MAX);
	add_text(out, slice_of(g->counter), WORD_MAX);
}

void daemon_sealing_pack_input(const struct sealing_input *i, struct buf *out)
{
	add_text(out, i->what, WORD_MAX);
	add_text(out, i->name, NAME_MAX);
	buf_add(out, (struct slice){i->sha256, sizeof i->sha256});
	add_be(out, i->bytes, 8);
	add_be(out, i->packets, 8);
	add_be(out, (uint64_t)i->first.ns, 8);
	add_be(out, (uint64_t)i->last.ns, 8);
}

void daemon_sealing_pack_life(const struct sealing_life *l, struct buf *out)
{
	add_be(out, l->packets, 8);
	add_be(out, l->bytes, 8);
	add_be(out, l->drops, 8);
	add_be(out, l->alerts, 8);
}

/* ---- reading ---- */

/* JSON that we write has none: a value with one would be more than one line. */
static bool has_control(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < ' ')
			return true;
	return false;
}

static struct slice take_text(struct cursor *c, size_t most)
{
	struct slice s = cursor_take(c, cursor_be16(c));

	if (s.len > most || has_control(s))
		c->bad = true;
	return c->bad ? (struct slice){NULL, 0} : s;
}

bool daemon_sealing_unpack_fields(struct slice bytes, size_t count,
				  struct record_field out[RECORD_FIELDS_MAX])
{
	struct cursor c = cursor_of(bytes);

	if (count == 0 || count > RECORD_FIELDS_MAX)
		return false;
	for (size_t i = 0; i < count && cursor_ok(&c); i++) {
		out[i].group = take_text(&c, NAME_MAX);
		out[i].name = take_text(&c, NAME_MAX);
		out[i].json = cursor_take(&c, cursor_be32(&c));
		if (out[i].json.len == 0 || has_control(out[i].json))
			return false;
	}
	return cursor_ok(&c) && cursor_left(&c) == 0;
}

/* Words that others put in: those that are known, so that what comes out is ours. */
static const char *known_word(struct slice s)
{
	static const char *const words[] = {"start",  "hang",	 "death",    "end",    "overload",
					    "absent", "stopped", "guardian", "worker", "interfaces",
					    "kernel", "disk",	 "queue"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (slice_equal(s, slice_of(words[i])))
			return words[i];
	return NULL;
}

bool daemon_sealing_unpack_gap(struct slice bytes, struct sealing_gap *out)
{
	struct cursor c = cursor_of(bytes);
	uint8_t reason = cursor_u8(&c);
	struct sealing_gap g = {0};

	g.from.ns = (int64_t)cursor_be64(&c);
	g.to.ns = (int64_t)cursor_be64(&c);
	g.packets = cursor_be64(&c);
	g.bytes = cursor_be64(&c);
	for (unsigned i = 0; i < SEALING_KINDS; i++)
		g.events[i] = cursor_be64(&c);
	g.where = take_text(&c, SEALING_WHERE_MAX);
	g.detail = known_word(take_text(&c, WORD_MAX));
	g.counter = known_word(take_text(&c, WORD_MAX));
	if (!cursor_ok(&c) || cursor_left(&c) != 0 || reason >= SEALING_REASONS)
		return false;
	g.reason = (enum sealing_reason)reason;
	*out = g;
	return true;
}

bool daemon_sealing_unpack_input(struct slice bytes, struct sealing_input *out)
{
	struct cursor c = cursor_of(bytes);
	struct sealing_input i = {0};
	struct slice hash;

	i.what = take_text(&c, WORD_MAX);
	i.name = take_text(&c, NAME_MAX);
	hash = cursor_take(&c, sizeof i.sha256);
	i.bytes = cursor_be64(&c);
	i.packets = cursor_be64(&c);
	i.first.ns = (int64_t)cursor_be64(&c);
	i.last.ns = (int64_t)cursor_be64(&c);
	if (!cursor_ok(&c) || cursor_left(&c) != 0)
		return false;
	memcpy(i.sha256, hash.ptr, sizeof i.sha256);
	*out = i;
	return true;
}

bool daemon_sealing_unpack_life(struct slice bytes, struct sealing_life *out)
{
	struct cursor c = cursor_of(bytes);
	struct sealing_life l;

	l.packets = cursor_be64(&c);
	l.bytes = cursor_be64(&c);
	l.drops = cursor_be64(&c);
	l.alerts = cursor_be64(&c);
	if (!cursor_ok(&c) || cursor_left(&c) != 0)
		return false;
	*out = l;
	return true;
}

/* ---- records ---- */

#define UNKNOWN "silent, cause unknown"

/* By enum sealing_reason. docs/formats/station.md has the same list. */
static const struct reason {
	const char *name;
	bool silent;  /* for that time nothing can be said of `where`; else: it was seen, not all */
	bool unknown; /* the station does not know why */
	const char *says;
} reasons[SEALING_REASONS] = {
	[SEALING_CRASH] = {"crash", true, true, UNKNOWN},
	[SEALING_STOPPED] = {"stopped", true, false, "silent: it was told to end"},
	[SEALING_HANG] = {"hang", true, true, UNKNOWN},
	[SEALING_LINK] = {"link", true, false, "silent: the interface has no carrier"},
	[SEALING_GONE] = {"gone", true, false, "silent: the interface is gone"},
	[SEALING_QUIET] = {"quiet", true, true, UNKNOWN},
	[SEALING_CLOCK_BACK] = {"clock-back", true, false,
				"times are in doubt: the clock was set back"},
	[SEALING_CLOCK_AHEAD] = {"clock-ahead", true, false,
				 "times are in doubt: the clock was set ahead"},
	[SEALING_SUSPENDED] = {"suspended", true, false, "silent: the machine slept"},
	[SEALING_DROPS] = {"drops", false, false, "the kernel had no room for some packets"},
	[SEALING_UNINSPECTED] = {"uninspected", true, false,
				 "packets passed without being looked at"},
	[SEALING_BEHIND] = {"behind", false, false, "events found no room on the way to the log"},
	[SEALING_DISK] = {"disk", false, false, "the log could not be written: events waited"},
	[SEALING_GARBLED] = {"garbled", false, true, "events could not be sealed"},
	[SEALING_SEALER] = {"sealer", true, true, UNKNOWN},
};

static void add_time(struct json *j, const char *key, struct wall_ns at)
{
	char text[TIME_TEXT_MAX];

	json_member_str(j, key, time_format_eve(at, text));
}

static void add_count(struct json *j, const char *key, uint64_t v)
{
	if (v != 0)
		json_member_u64(j, key, v);
}

static void add_events(struct json *j, const uint64_t events[SEALING_KINDS])
{
	if ((events[SEALING_ALERT] | events[SEALING_ANOMALY] | events[SEALING_DROP] |
	     events[SEALING_OTHER]) == 0)
		return;
	json_key(j, "events");
	json_object(j);
	add_count(j, "alert", events[SEALING_ALERT]);
	add_count(j, "anomaly", events[SEALING_ANOMALY]);
	add_count(j, "drop", events[SEALING_DROP]);
	add_count(j, "other", events[SEALING_OTHER]);
	json_end(j);
}

static bool object(struct record *r, struct arena *a, const char *type, struct wall_ns now,
		   const struct buf *text)
{
	*r = (struct record){.at = now};
	return !text->full && record_object(r, a, type, buf_slice(text));
}

/* Members in the order of their names, here and below: what is committed is canonical (RFC 8785).
 */
bool daemon_sealing_gap_record(const struct sealing_gap *g, struct wall_ns now, struct arena *a,
			       struct record *out)
{
	const struct reason *why = &reasons[g->reason];
	struct buf text = buf_in(a);
	struct json j = json_in(&text);

	json_object(&j);
	add_count(&j, "bytes", g->bytes);
	if (why->unknown)
		json_member_str(&j, "cause", SLICE("unknown"));
	json_member_some(&j, "counted_by", slice_of(g->counter));
	json_member_some(&j, "detail", slice_of(g->detail));
	add_events(&j, g->events);
	add_time(&j, "from", g->from);
	add_count(&j, "packets", g->packets);
	json_member_str(&j, "reason", slice_of(why->name));
	json_member_str(&j, "says", slice_of(why->says));
	json_member_bool(&j, "silent", why->silent);
	if (g->to.ns != 0)
		add_time(&j, "to", g->to);
	json_member_some(&j, "where", g->where);
	json_end(&j);
	return object(out, a, "gap", now, &text);
}

bool daemon_sealing_life_record(const struct sealing_life *l, struct wall_ns from,
				struct wall_ns to, struct arena *a, struct record *out)
{
	struct buf text = buf_in(a);
	struct json j = json_in(&text);

	json_object(&j);
	json_member_u64(&j, "alerts", l->alerts);
	json_member_u64(&j, "bytes", l->bytes);
	json_member_u64(&j, "drops", l->drops);
	add_time(&j, "from", from);
	json_member_u64(&j, "packets", l->packets);
	add_time(&j, "to", to);
	json_end(&j);
	return object(out, a, "life", to, &text);
}

bool daemon_sealing_watch_record(const struct sealing_run *run, const char *act, struct wall_ns now,
				 struct arena *a, struct record *out)
{
	struct buf text = buf_in(a);
	struct json j = json_in(&text);

	json_object(&j);
	json_member_str(&j, "act", slice_of(act));
	json_member_u64(&j, "alive", run->alive_s);
	json_member_str(&j, "mode", slice_of(run->mode));
	json_key(&j, "places");
	json_array(&j);
	for (size_t i = 0; i < run->place_count; i++)
		json_str(&j, run->places[i]);
	json_end(&j);
	json_end(&j);
	return object(out, a, "watch", now, &text);
}

bool daemon_sealing_input_record(const struct sealing_input *i, struct wall_ns now, struct arena *a,
				 struct record *out)
{
	*out = (struct record){.kind = RECORD_INPUT, .at = now};
	out->u.input = (struct record_input){.what = i->what,
					     .name = i->name,
					     .sha256 = daemon_hex(a, i->sha256, sizeof i->sha256),
					     .bytes = i->bytes,
					     .packets = i->packets,
					     .first = i->first,
					     .last = i->last};
	return out->u.input.sha256.ptr != NULL;
}

/* ---- clocks ---- */

/* The kernel slews both clocks alike, so their difference changes only when somebody sets one. */
bool daemon_sealing_clock_look(struct sealing_clock *c, const struct sealing_times *now,
			       struct sealing_gap *out)
{
	int64_t offset = now->wall.ns - now->mono.ns, asleep = now->boot.ns - now->mono.ns;
	int64_t step = offset - c->offset, slept = asleep - c->asleep;
	int64_t least = SEALING_STEP_MS * TIME_NS_PER_MS;
	struct wall_ns was = {now->wall.ns - step};

	if (!c->known) {
		*c = (struct sealing_clock){true, offset, asleep};
		return false;
	}
	if (slept >= least) {
		/* how long is known; that the wall clock grew by as much is as it should be */
		c->asleep = asleep;
		c->offset += slept;
		*out = (struct sealing_gap){.reason = SEALING_SUSPENDED,
					    .from = {now->wall.ns - slept},
					    .to = now->wall};
		return true;
	}
	if (step > -least && step < least)
		return false;
	c->offset = offset;
	*out = (struct sealing_gap){.reason = step < 0 ? SEALING_CLOCK_BACK : SEALING_CLOCK_AHEAD,
				    .from = was,
				    .to = now->wall};
	return true;
}

/* All at one moment: what was interrupted between two of them is read again. */
struct sealing_times daemon_sealing_now(void)
{
	struct sealing_times t;

	for (unsigned tries = 0; tries < 8; tries++) {
		struct mono_ns before = os_clock_mono();

		t.wall = os_clock_wall();
		t.boot = os_clock_boot();
		t.mono = os_clock_mono();
		if (t.mono.ns - before.ns < TIME_NS_PER_MS)
			break;
	}
	return t;
}
