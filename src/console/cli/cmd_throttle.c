/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "base/buf.h"
#include "console/cli/cli.h"
#include "console/cli/talk.h"
#include "daemon/daemon.h"

static const struct cli_option options[] = {
	{0, "rate", "RATE", false, "add: what may pass in a second: 500kbit, 2mbit, 1gbit."},
	{0, "for", "TIME", false, "add: how long it holds: 90s, 10m, 2h, 1d."},
	{0, "basis", "TEXT", false, "add: why; it is kept with the order."},
	{0, "json", NULL, false, "As JSON."},
	{'c', "config", "FILE", true, "suricata.yaml of the sensor: it says where the socket is."},
	{'l', "log-dir", "DIR", true, "The sensor's log folder; default: the configuration's."},
	{0, "set", "NAME=VALUE", true, "A setting of the sensor by its path."},
	{0, "socket", "PATH", false, "The sensor's socket."},
	{0},
};

static unsigned long long number(const json_t *o, const char *name)
{
	json_int_t v = json_integer_value(json_object_get(o, name));

	return v > 0 ? (unsigned long long)v : 0;
}

static const char *text(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s != NULL ? s : "";
}

static void add_rate(unsigned long long bits, struct buf *out)
{
	if (bits % 1000000 == 0)
		buf_add_fmt(out, "%llu Mbit/s", bits / 1000000);
	else if (bits % 1000 == 0)
		buf_add_fmt(out, "%llu kbit/s", bits / 1000);
	else
		buf_add_fmt(out, "%llu bit/s", bits);
}

/* "3  198.51.100.0/24 at 2 Mbit/s for 598 s: 40 of 200 packets dropped  (flood from there)" */
static void add_order(const json_t *o, struct buf *out)
{
	buf_add_fmt(out, "%llu  %s at ", number(o, "id"), text(o, "target"));
	add_rate(number(o, "bits_per_s"), out);
	buf_add_fmt(out, " for %llu s: %llu of %llu packets dropped", number(o, "seconds"),
		    number(o, "dropped_packets"), number(o, "packets"));
	if (*text(o, "basis") != '\0')
		buf_add_fmt(out, "  (%s)", text(o, "basis"));
	buf_add_byte(out, '\n');
}

static int show(struct cli *c, struct slice answer, bool list)
{
	json_t *all = json_loadb((const char *)answer.ptr, answer.len, 0, NULL);
	struct buf out = buf_in(c->arena);
	const json_t *o;
	size_t i;

	if (cli_value(c, "json").ptr != NULL) {
		buf_add(&out, answer);
		buf_add_byte(&out, '\n');
	} else {
		json_array_foreach(all, i, o) add_order(o, &out);
		if (list && json_array_size(all) == 0)
			cli_say(c, "no order holds");
	}
	json_decref(all);
	return cli_print(c, buf_slice(&out)) ? CLI_DONE : CLI_CANNOT;
}

static bool read_words(const struct cli *c, struct daemon_throttle *t)
{
	struct slice what = c->words[0], which = c->word_count > 1 ? c->words[1] : SLICE("");

	if (slice_equal(what, SLICE("list")) && which.len == 0) {
		t->act = DAEMON_THROTTLE_LIST;
		return true;
	}
	if (slice_equal(what, SLICE("remove")) && which.len != 0) {
		t->act = DAEMON_THROTTLE_REMOVE;
		t->id = which;
		return true;
	}
	if (!slice_equal(what, SLICE("add")) || which.len == 0)
		return false;
	t->act = DAEMON_THROTTLE_ADD;
	t->target = which;
	t->rate = cli_value(c, "rate");
	t->time = cli_value(c, "for");
	t->basis = cli_value(c, "basis");
	return t->rate.len != 0 && t->time.len != 0;
}

static int run(struct cli *c)
{
	struct daemon_throttle t = {0};
	struct slice path, answer;
	struct fail why;
	enum status st;

	if (!read_words(c, &t)) {
		cli_say(c, "there are: add TARGET --rate RATE --for TIME, list, remove NUMBER");
		return CLI_CANNOT;
	}
	st = talk_socket(c, &path, &why);
	if (st == ST_OK)
		st = daemon_throttle_ask(path, &t, c->arena, &answer, &why);
	if (st == ST_OK)
		return show(c, answer, t.act == DAEMON_THROTTLE_LIST);
	(void)cli_cannot(c, &why);
	return st == ST_REFUSED ? CLI_NO : CLI_CANNOT;
}

COMMAND(throttle) = {
	.name = "throttle",
	.usage = "throttle add TARGET --rate RATE --for TIME [--basis TEXT]|list|remove NUMBER [-l "
		 "DIR]",
	.doc = "Orders to let less pass from and to an address or a network, for a while.",
	.more = "The packet filter of the kernel keeps an order, and forgets it when its time is "
		"over, whether or not\n"
		"the sensor lives. What the configuration exempts (throttle.exempt: health, "
		"emergency, humanitarian) is\n"
		"never slowed, and a rate below throttle.least-bits is refused. Only of a sensor "
		"in "
		"the line (-q, copy-mode).\n"
		"Exit 1 when the sensor says no.\n\n"
		"Examples:\n"
		"  dewline throttle add 198.51.100.0/24 --rate 2mbit --for 10m --basis \"flood, "
		"ticket 12\" -l out\n"
		"  dewline throttle list -l out\n"
		"  dewline throttle remove 1 -l out\n",
	.options = options,
	.words_least = 1,
	.words_most = 2,
	.run = run,
};
