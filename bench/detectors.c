/* SPDX-License-Identifier: Apache-2.0
 *
 * The detectors alone, on flows and names instead of packets: tools/rates feeds it what others
 * recorded or what it made up itself.
 *
 *	dewline-detectors [NAME=VALUE]... <LINES
 *
 * NAME is a setting, "anomaly.scan.hosts". A line is one of these, in order of time, its members
 * separated by tabs; times in nanoseconds, flags and payload as numbers:
 *
 *	F id first last proto client port server port  packets bytes flags payload  (the same back)
 *	Q time client server name             a name is asked for
 *	A time client server name rcode       and answered
 *
 * Writes what is found as lines of EVE, and at the end, to stderr, how many lines there were.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "sensor/anomaly/anomaly.h"

enum { LINE_MAX_BYTES = 4096, MEMBERS_MAX = 20 };

struct run {
	struct arena_pool pool;
	struct arena fixed, scratch;
	struct anomaly_worker *worker;
	uint64_t lines;
};

static _Noreturn void die(const char *what, uint64_t line)
{
	(void)fprintf(stderr, "dewline-detectors: line %" PRIu64 ": %s\n", line, what);
	exit(2);
}

static void put(void *ctx, const struct record *r)
{
	struct run *run = ctx;
	struct buf out = buf_in(&run->scratch);

	record_encode(r, &run->scratch, &out);
	buf_add_byte(&out, '\n');
	if (fwrite(out.ptr, 1, out.len, stdout) != out.len)
		die("cannot write", run->lines);
	arena_reset(&run->scratch);
}

struct members {
	struct slice at[MEMBERS_MAX];
	size_t count, next;
	const struct run *run;
};

static struct slice text(struct members *m)
{
	if (m->next == m->count)
		die("too few members", m->run->lines);
	return m->at[m->next++];
}

static uint64_t number(struct members *m, uint64_t most)
{
	uint64_t v;

	if (!text_u64(text(m), 0, most, &v))
		die("expected a number", m->run->lines);
	return v;
}

static struct addr address(struct members *m)
{
	struct addr a;

	if (!addr_parse(text(m), &a))
		die("expected an address", m->run->lines);
	return a;
}

static void flow(struct run *run, struct members *m)
{
	struct anomaly_flow f = {.id = number(m, (UINT64_C(1) << 53) - 1)};

	f.first.ns = (int64_t)number(m, INT64_MAX);
	f.last.ns = (int64_t)number(m, INT64_MAX);
	f.proto = (uint8_t)number(m, 255);
	f.client = address(m);
	f.client_port = (uint16_t)number(m, 65535);
	f.server = address(m);
	f.server_port = (uint16_t)number(m, 65535);
	for (unsigned i = 0; i < 2; i++) {
		f.side[i].pkts = number(m, UINT64_MAX);
		f.side[i].bytes = number(m, UINT64_MAX);
		f.side[i].tcp_flags = (uint8_t)number(m, 255);
		f.side[i].payload = number(m, 1) != 0;
	}
	anomaly_flow_record(run->worker, &f);
}

static void name(struct run *run, struct members *m, bool answer)
{
	struct record r = {.kind = RECORD_DNS, .at = {(int64_t)number(m, INT64_MAX)}};
	struct flow f = {.id = 1, .proto = 17, .client_port = 1024, .server_port = 53};

	f.client = address(m);
	f.server = address(m);
	f.first = f.last = r.at;
	r.u.dns.answer = answer;
	r.u.dns.rrname = text(m);
	if (answer)
		r.u.dns.rcode = text(m);
	anomaly_logged(run->worker, &f, &r);
}

static void line(struct run *run, struct slice rest)
{
	struct members m = {.run = run};
	struct slice kind;

	while (rest.ptr != NULL && m.count < MEMBERS_MAX)
		m.at[m.count++] = slice_split(&rest, '\t');
	kind = text(&m);
	if (slice_equal(kind, SLICE("F")))
		flow(run, &m);
	else if (slice_equal(kind, SLICE("Q")) || slice_equal(kind, SLICE("A")))
		name(run, &m, kind.ptr[0] == 'A');
	else
		die("expected F, Q or A", run->lines);
}

int main(int argc, char **argv)
{
	static struct run run = {.pool = {.budget = SIZE_MAX}};
	static char bytes[LINE_MAX_BYTES];
	struct anomaly_counters c;
	struct config *config;
	struct fail why;

	run.fixed.pool = run.scratch.pool = &run.pool;
	config = config_new(&run.fixed);
	for (int i = 1; i < argc && config != NULL; i++) {
		struct slice value = slice_of(argv[i]), path = slice_split(&value, '=');

		if (config_set(config, path, value, &why) != ST_OK)
			die(why.text, 0);
	}
	if (config != NULL)
		run.worker =
			anomaly_worker_new(config, 0, &run.fixed, (struct record_sink){&run, put});
	if (run.worker == NULL)
		die("no memory", 0);
	while (fgets(bytes, sizeof bytes, stdin) != NULL) {
		run.lines++;
		line(&run, slice_trim(slice_of(bytes)));
	}
	c = anomaly_worker_counters(run.worker);
	(void)fprintf(stderr, "%" PRIu64 " lines, %" PRIu64 " findings, %" PRIu64 " forgotten\n",
		      run.lines, c.findings, c.forgotten);
	return fflush(stdout) == 0 ? 0 : 2;
}
