/* SPDX-License-Identifier: Apache-2.0
 * Orders, asked of a sensor at its socket. */
#include "base/json.h"
#include "base/text.h"
#include "daemon/control.h"
#include "daemon/daemon.h"

static enum status order_text(const struct daemon_throttle *t, struct json *j, struct fail *why)
{
	uint64_t rate;
	uint32_t seconds;

	if (!daemon_throttle_rate(t->rate, &rate))
		return fail_set(why, ST_INVALID,
				"\"%.*s\" is no rate: bits a second, as 500kbit, 2mbit, 1gbit",
				SLICE_ARG(t->rate));
	if (!daemon_throttle_time(t->time, &seconds))
		return fail_set(why, ST_INVALID, "\"%.*s\" is no time: as 90s, 10m, 2h, 1d",
				SLICE_ARG(t->time));
	json_member_str(j, "target", t->target);
	json_member_str(j, "basis", t->basis);
	json_member_u64(j, "bits_per_s", rate);
	json_member_u64(j, "seconds", seconds);
	return ST_OK;
}

enum status daemon_throttle_ask(struct slice path, const struct daemon_throttle *t, struct arena *a,
				struct slice *out, struct fail *why)
{
	static const char *const names[] = {"throttle-add", "throttle-remove", "throttle-list"};
	struct buf b = buf_in(a);
	struct json j = json_in(&b);
	enum status st = ST_OK;
	uint64_t id;

	json_object(&j);
	json_key(&j, "command");
	json_z(&j, names[t->act]);
	json_key(&j, "arguments");
	json_object(&j);
	if (t->act == DAEMON_THROTTLE_ADD) {
		st = order_text(t, &j, why);
	} else if (t->act == DAEMON_THROTTLE_REMOVE) {
		if (!text_u64(t->id, 1, UINT32_MAX - 1, &id))
			st = fail_set(why, ST_INVALID, "\"%.*s\" is no number of an order",
				      SLICE_ARG(t->id));
		else
			json_member_u64(&j, "id", id);
	}
	json_end(&j);
	json_end(&j);
	buf_add_byte(&b, '\n');
	return st == ST_OK ? daemon_control_ask_line(path, buf_slice(&b), a, out, why) : st;
}
