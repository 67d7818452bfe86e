/* SPDX-License-Identifier: Apache-2.0
 * Outputs of a configuration, with real files and real sockets. */
#include "daemon/outputs.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/fast.h"
#include "os/file.h"
#include "test.h"

struct room {
	struct arena_pool pool;
	struct arena a;
	struct fail why;
	struct slice dir;
	struct config *config;
	struct daemon_outputs outputs;
};

/* outputs: the members of `outputs:`, each line indented by two. */
static enum status room_open(struct test *t, struct room *r, const char *outputs)
{
	*r = (struct room){.pool = {.budget = 64 << 20}, .dir = slice_of(test_folder(t))};
	r->a.pool = &r->pool;
	r->config = config_new(&r->a);
	ASSERT(config_load(r->config, SLICE("t.yaml"),
			   buf_text(&r->a, "%%YAML 1.1\n---\noutputs:\n%s\n", outputs), NULL,
			   &r->why) == ST_OK);
	return daemon_outputs_open(r->config, r->dir, false, &r->a, &r->outputs, &r->why);
}

static void room_close(struct room *r)
{
	daemon_outputs_close(&r->outputs);
	arena_reset(&r->a);
	arena_pool_drain(&r->pool);
}

static struct slice path(struct room *r, const char *name)
{
	return buf_text(&r->a, "%.*s/%s", SLICE_ARG(r->dir), name);
}

static struct slice text_of(struct room *r, const char *name)
{
	struct slice got = {NULL, 0};

	if (os_file_read(path(r, name), 1 << 20, &r->a, &got, &r->why) != ST_OK)
		return (struct slice){NULL, 0};
	return got;
}

static bool has(struct slice text, const char *part)
{
	return slice_find(text, slice_of(part)) != SIZE_MAX;
}

static bool problem(const struct room *r, const char *part)
{
	const struct config_tree *t = r->config->tree;

	for (size_t i = 0; i < t->problem_count; i++)
		if (has(t->problems[i].text, part))
			return true;
	return false;
}

/* An alert, as the pipeline would make it; sid tells them apart. */
static struct record alert_of(uint64_t sid)
{
	struct record r = {.kind = RECORD_ALERT,
			   .at = {INT64_C(1795316645678901000)}, /* 2026-11-22T03:04:05.678901Z */
			   .proto = 6,
			   .has_ports = true,
			   .sport = 1000,
			   .dport = 80};

	ASSERT(addr_parse(SLICE("192.0.2.1"), &r.src) && addr_parse(SLICE("2001:db8::2"), &r.dst));
	r.u.alert = (struct record_alert){.gid = 1,
					  .sid = sid,
					  .rev = 3,
					  .signature = SLICE("bad thing"),
					  .category = SLICE("Misc Attack"),
					  .severity = 2,
					  .action = SLICE("allowed")};
	return r;
}

static void put(struct room *r, size_t output, uint64_t sid)
{
	struct record_sink sink = r->outputs.outputs[output].sink;
	struct record a = alert_of(sid);

	sink.put(sink.ctx, &a);
}

/* ---- which there are ---- */

static void without_a_configuration_there_is_one_file(struct test *t)
{
	static struct room r;

	r = (struct room){.pool = {.budget = 64 << 20}, .dir = slice_of(test_folder(t))};
	r.a.pool = &r.pool;
	EXPECT(t, daemon_outputs_open(NULL, r.dir, false, &r.a, &r.outputs, &r.why) == ST_OK);
	EXPECT_UINT(t, r.outputs.count, 1);
	EXPECT(t, r.outputs.outputs[0].node == NULL);
	put(&r, 0, 7);
	EXPECT(t, daemon_outputs_flush(&r.outputs, &r.why) == ST_OK);
	EXPECT(t, has(text_of(&r, "eve.json"), "\"signature_id\":7,"));
	EXPECT_UINT(t, daemon_outputs_records(&r.outputs), 1);
	room_close(&r);
}

static void each_kind_is_made_or_named(struct test *t)
{
	static struct room r;
	enum status st = room_open(t, &r,
				   "  - eve-log: {enabled: yes, filename: a.json, types: [alert]}\n"
				   "  - eve-log: {enabled: no, filename: b.json}\n"
				   "  - fast: {enabled: yes}\n"
				   "  - http-log: {enabled: yes}\n"
				   "  - tls-log: {enabled: no}\n"
				   "  - bogus: {enabled: yes}\n"
				   "  - file-store: {enabled: yes}\n"
				   "  - lua");

	EXPECT(t, st == ST_OK);
	EXPECT_UINT(t, r.outputs.count, 2);
	EXPECT(t, !r.outputs.outputs[0].alerts && r.outputs.outputs[1].alerts);
	EXPECT(t, os_file_exists(path(&r, "a.json")) && os_file_exists(path(&r, "fast.log")));
	EXPECT(t, os_file_exists(path(&r, "eve.json"))); /* for scripts */
	EXPECT(t, !os_file_exists(path(&r, "b.json")));
	EXPECT_UINT(t, r.config->tree->problem_count, 2);
	EXPECT(t, problem(&r, "not made: an eve-log has the type http"));
	EXPECT(t, problem(&r, "no such output"));
	room_close(&r);
}

static void there_is_a_limit_and_redis_is_refused(struct test *t)
{
	static struct room r;

	EXPECT(t, room_open(t, &r, "  - eve-log: {enabled: yes, filetype: redis}") == ST_REFUSED);
	EXPECT(t, has(slice_of(r.why.text), "outputs.eve-log: filetype: redis is not made"));
	room_close(&r);
	EXPECT(t, room_open(t, &r,
			    "  - eve-log: {enabled: yes, filename: 1}\n"
			    "  - eve-log: {enabled: yes, filename: 2}\n"
			    "  - eve-log: {enabled: yes, filename: 3}\n"
			    "  - eve-log: {enabled: yes, filename: 4}\n"
			    "  - eve-log: {enabled: yes, filename: 5}\n"
			    "  - eve-log: {enabled: yes, filename: 6}\n"
			    "  - eve-log: {enabled: yes, filename: 7}\n"
			    "  - eve-log: {enabled: yes, filename: 8}\n") == ST_OK);
	room_close(&r);
	EXPECT(t, room_open(t, &r,
			    "  - fast: {enabled: yes}\n"
			    "  - eve-log: {enabled: yes, filename: 1}\n"
			    "  - eve-log: {enabled: yes, filename: 2}\n"
			    "  - eve-log: {enabled: yes, filename: 3}\n"
			    "  - eve-log: {enabled: yes, filename: 4}\n"
			    "  - eve-log: {enabled: yes, filename: 5}\n"
			    "  - eve-log: {enabled: yes, filename: 6}\n"
			    "  - eve-log: {enabled: yes, filename: 7}\n"
			    "  - eve-log: {enabled: yes, filename: 8}\n") == ST_LIMIT);
	room_close(&r);
}

/* ---- files ---- */

static void files_are_appended_to_or_begun_anew(struct test *t)
{
	static const struct {
		const char *keys;
		bool keeps;
	} rows[] = {{"", true}, {", append: yes", true}, {", append: no", false}};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		static struct daemon_outputs again;
		static struct room r;
		char yaml[128];

		(void)snprintf(yaml, sizeof yaml, "  - eve-log: {enabled: yes, filename: e%s}",
			       rows[i].keys);
		EXPECT(t, room_open(t, &r, yaml) == ST_OK);
		put(&r, 0, 41);
		EXPECT(t, daemon_outputs_flush(&r.outputs, &r.why) == ST_OK);
		EXPECT(t,
		       daemon_outputs_open(r.config, r.dir, false, &r.a, &again, &r.why) == ST_OK);
		EXPECT_UINT(t, has(text_of(&r, "e"), "\"signature_id\":41,"), rows[i].keeps);
		daemon_outputs_close(&again);
		room_close(&r);
	}
}

static void count_said(void *ctx, const char *text)
{
	unsigned *n = ctx;

	*n += has(slice_of(text), "/e: its last line had no end");
	ASSERT(has(slice_of(text), "/e: "));
}

/* Whoever wrote it was killed in the middle of a line, or behind one. */
static void what_follows_half_a_line_has_a_line_of_its_own_and_that_is_said_once(struct test *t)
{
	static const struct {
		const char *left, *keys;
		unsigned said;
		bool stays;
	} rows[] = {{"", "", 0, true},
		    {"{}\n", "", 0, true},
		    {"{}\n{\"half", "", 1, true},
		    {"x", "", 1, true},
		    {"{\"half", ", append: no", 0, false}};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		static struct daemon_outputs again;
		static struct room r;
		struct slice text;
		char yaml[128];
		unsigned said = 0;

		(void)snprintf(yaml, sizeof yaml, "  - eve-log: {enabled: yes, filename: e%s}",
			       rows[i].keys);
		EXPECT(t, room_open(t, &r, yaml) == ST_OK);
		EXPECT(t,
		       os_file_put(NULL, path(&r, "e"), slice_of(rows[i].left), &r.why) == ST_OK);
		for (unsigned round = 0; round < 2; round++) {
			EXPECT(t, daemon_outputs_open(r.config, r.dir, false, &r.a, &again,
						      &r.why) == ST_OK);
			daemon_outputs_mended(&again, &said, count_said);
			daemon_outputs_mended(&again, NULL, NULL);
			EXPECT_UINT(t, said, rows[i].said);
			EXPECT(t, daemon_eve_put_bytes(&again.eves[0], SLICE("whole\n")));
			EXPECT(t, daemon_outputs_flush(&again, &r.why) == ST_OK);
			daemon_outputs_close(&again);
		}
		text = text_of(&r, "e");
		EXPECT_UINT(t, has(text, rows[i].left), rows[i].stays || rows[i].left[0] == '\0');
		while (text.len != 0) {
			struct slice line = slice_split(&text, '\n');

			EXPECT(t, !has(line, "whole") || slice_equal(line, SLICE("whole")));
		}
		room_close(&r);
	}
}

static void a_file_has_the_permissions_and_the_name_that_are_asked_for(struct test *t)
{
	static struct room r;
	struct stat st;
	char name[512];
	struct slice *names;
	size_t n;

	EXPECT(t, room_open(t, &r,
			    "  - eve-log: {enabled: yes, filename: sub/e-%Y.json, filemode: 640}\n"
			    "  - eve-log: {enabled: yes, filename: f, filemode: 9x}") == ST_OK);
	EXPECT(t, problem(&r, "permissions"));
	EXPECT(t, os_dir_list(path(&r, "sub"), &r.a, &names, &n, &r.why) == ST_OK);
	EXPECT_UINT(t, n, 1);
	EXPECT(t, names[0].len == strlen("e-2026.json") && slice_starts(names[0], SLICE("e-2")));
	(void)snprintf(name, sizeof name, "%.*s/sub/%.*s", SLICE_ARG(r.dir), SLICE_ARG(names[0]));
	EXPECT(t, stat(name, &st) == 0 && (st.st_mode & 07777) == 0640);
	room_close(&r);
}

static void a_file_that_was_moved_is_opened_again(struct test *t)
{
	static struct room r;
	char from[512], to[512];

	EXPECT(t, room_open(t, &r, "  - eve-log: {enabled: yes, filename: e}") == ST_OK);
	put(&r, 0, 1);
	(void)snprintf(from, sizeof from, "%.*s/e", SLICE_ARG(r.dir));
	(void)snprintf(to, sizeof to, "%.*s/e.old", SLICE_ARG(r.dir));
	EXPECT(t, rename(from, to) == 0);
	put(&r, 0, 2); /* still into the old one */
	daemon_eve_reopen(&r.outputs.eves[0]);
	put(&r, 0, 3);
	EXPECT(t, daemon_outputs_flush(&r.outputs, &r.why) == ST_OK);
	EXPECT(t, has(text_of(&r, "e.old"), "\"signature_id\":1,"));
	EXPECT(t, has(text_of(&r, "e.old"), "\"signature_id\":2,"));
	EXPECT(t, has(text_of(&r, "e"), "\"signature_id\":3,"));
	EXPECT(t, !has(text_of(&r, "e"), "\"signature_id\":2,"));
	room_close(&r);
}

static void a_file_that_has_grown_enough_is_moved_away(struct test *t)
{
	static struct room r;
	size_t lines = 0;

	EXPECT(t, room_open(t, &r,
			    "  - eve-log: {enabled: yes, filename: e, rotate-size: 1kb, "
			    "rotate-interval: day}") == ST_OK);
	for (uint64_t sid = 0; sid < 20; sid++)
		put(&r, 0, sid);
	EXPECT(t, daemon_outputs_flush(&r.outputs, &r.why) == ST_OK);
	for (unsigned i = 0; i < 20; i++) {
		char name[16] = "e";
		struct slice text;

		if (i != 0)
			(void)snprintf(name, sizeof name, "e.%u", i);
		text = text_of(&r, name);
		EXPECT(t, text.len == 0 || text.ptr[text.len - 1] == '\n'); /* whole lines */
		for (size_t k = 0; k < text.len; k++)
			lines += text.ptr[k] == '\n';
	}
	EXPECT_UINT(t, lines, 20);
	EXPECT(t, os_file_exists(path(&r, "e.1")) && os_file_exists(path(&r, "e.2")));
	room_close(&r);
}

static void an_interval_has_a_unit(struct test *t)
{
	static const struct {
		const char *text;
		uint32_t s;
		bool aligned;
	} rows[] = {{"minute", 60, true}, {"hour", 3600, true}, {"day", 86400, true},
		    {"30s", 30, false},	  {"5m", 300, false},	{"2h", 7200, false},
		    {"1d", 86400, false}, {"90", 90, false},	{"2w", 1209600, false}};
	static const char *const bad[] = {"", "0s", "fortnight", "-1m", "99999999999h"};
	static struct room r;
	char yaml[128];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		(void)snprintf(yaml, sizeof yaml,
			       "  - eve-log: {enabled: yes, filename: e, rotate-interval: \"%s\"}",
			       rows[i].text);
		EXPECT(t, room_open(t, &r, yaml) == ST_OK);
		EXPECT_UINT(t, r.outputs.eves[0].o.rotate_s, rows[i].s);
		EXPECT_UINT(t, r.outputs.eves[0].o.rotate_aligned, rows[i].aligned);
		EXPECT(t, r.outputs.eves[0].rotate_at.ns != 0);
		room_close(&r);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		(void)snprintf(yaml, sizeof yaml,
			       "  - eve-log: {enabled: yes, filename: e, rotate-interval: \"%s\"}",
			       bad[i]);
		EXPECT(t, room_open(t, &r, yaml) == ST_OK);
		EXPECT(t, problem(&r, "expected minute"));
		room_close(&r);
	}
}

static void lines_have_the_prefix_that_is_asked_for(struct test *t)
{
	static struct room r;

	struct record alert = alert_of(1);
	struct buf line = buf_in(&r.a);

	EXPECT(t, room_open(t, &r, "  - eve-log: {enabled: yes, filename: e, prefix: '@cee: '}") ==
			  ST_OK);
	put(&r, 0, 1);
	daemon_eve_push(&r.outputs.eves[0]); /* a reader sees it now */
	EXPECT(t, slice_starts(text_of(&r, "e"), SLICE("@cee: {\"timestamp\":")));
	daemon_eve_line(&r.outputs.eves[0], &alert, &r.a, &line); /* as who writes it elsewhere */
	EXPECT_SLICE(t, buf_slice(&line), text_of(&r, "e"));
	room_close(&r);
}

/* ---- sockets ---- */

static int listen_at(struct room *r, const char *name, int type)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct slice p = path(r, name);
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);

	ASSERT(p.len < sizeof at.sun_path);
	memcpy(at.sun_path, p.ptr, p.len);
	(void)unlink(at.sun_path);
	ASSERT(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0);
	ASSERT(type != SOCK_STREAM || listen(fd, 4) == 0);
	return fd;
}

/* All that came, datagrams one a line. */
static size_t hear(int fd, char *out, size_t room)
{
	size_t n = 0;
	ssize_t got;

	while (n + 1 < room && (got = recv(fd, out + n, room - n - 1, MSG_DONTWAIT)) > 0)
		n += (size_t)got;
	out[n] = '\0';
	return n;
}

static void a_datagram_is_a_line(struct test *t)
{
	static struct room r;
	char got[4096];
	int fd;

	EXPECT(t,
	       room_open(t, &r, "  - eve-log: {enabled: yes, filetype: unix_dgram, filename: s}") ==
		       ST_OK);
	put(&r, 0, 1); /* nobody is there: it waits */
	fd = listen_at(&r, "s", SOCK_DGRAM);
	EXPECT(t, daemon_outputs_flush(&r.outputs, &r.why) == ST_OK);
	put(&r, 0, 2);
	for (uint64_t sid = 1; sid <= 2; sid++) {
		ssize_t n = recv(fd, got, sizeof got - 1, MSG_DONTWAIT);
		char want[32];

		EXPECT(t, n > 0);
		got[n] = '\0';
		(void)snprintf(want, sizeof want, "\"signature_id\":%u,", (unsigned)sid);
		EXPECT(t, strstr(got, want) != NULL);
		EXPECT(t, got[0] == '{' && got[n - 1] == '}');
	}
	EXPECT_UINT(t, daemon_outputs_lost(&r.outputs), 0);
	(void)close(fd);
	room_close(&r);
}

static void a_new_reader_of_a_stream_gets_whole_lines(struct test *t)
{
	static struct room r;
	static char got[1 << 20];
	int fd, first, second;

	EXPECT(t, room_open(t, &r, "  - eve-log: {enabled: no}") == ST_OK);
	room_close(&r);
	EXPECT(t, room_open(t, &r,
			    "  - eve-log: {enabled: yes, filetype: unix_stream, filename: s}") ==
			  ST_OK);
	fd = listen_at(&r, "s", SOCK_STREAM);
	put(&r, 0, 0);
	EXPECT(t, daemon_outputs_flush(&r.outputs, &r.why) == ST_OK);
	first = accept(fd, NULL, NULL);
	EXPECT(t, first >= 0);
	for (uint64_t sid = 1; sid < 320; sid++) /* more than the system holds */
		put(&r, 0, sid);
	EXPECT(t, recv(first, got, 1000, 0) == 1000);
	(void)close(first); /* in the middle of a line */
	EXPECT(t, daemon_outputs_flush(&r.outputs, &r.why) == ST_OK);
	second = accept(fd, NULL, NULL);
	EXPECT(t, second >= 0);
	EXPECT(t, hear(second, got, sizeof got) > 0);
	EXPECT(t, strncmp(got, "{\"timestamp\"", 12) == 0);
	(void)close(second);
	(void)close(fd);
	room_close(&r);
}

static void what_nobody_takes_is_lost_and_counted(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct daemon_wire_options o = {.queue_bytes = 4096};
	struct daemon_wire *w;
	struct fail why;
	static uint8_t line[5000];

	o.path = buf_text(&a, "%s/nobody", test_folder(t));
	memset(line, 'x', sizeof line);
	EXPECT(t, daemon_wire_open(&o, &a, &w, &why) == ST_OK);
	/* an entry is a line and four bytes */
	EXPECT(t, daemon_wire_put(w, (struct slice){line, 2044}));
	EXPECT(t, daemon_wire_put(w, (struct slice){line, 2044}));
	EXPECT_UINT(t, daemon_wire_lost(w), 0);
	EXPECT(t, !daemon_wire_put(w, SLICE("x")));
	EXPECT_UINT(t, daemon_wire_lost(w), 1);
	EXPECT(t, !daemon_wire_put(w, (struct slice){line, 4093}));
	EXPECT_UINT(t, daemon_wire_lost(w), 2);
	daemon_wire_drain(w);
	EXPECT_UINT(t, daemon_wire_lost(w), 4);
	EXPECT(t, daemon_wire_put(w, (struct slice){line, 4092})); /* there is room */
	daemon_wire_close(w);
	daemon_wire_close(NULL);
	o.path = (struct slice){line, 108};
	EXPECT(t, daemon_wire_open(&o, &a, &w, &why) == ST_LIMIT);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

/* The queue's edge lies within lines and their lengths, wherever it is. */
static void lines_leave_the_queue_as_they_came(struct test *t)
{
	static struct room r;
	struct daemon_wire_options o = {.queue_bytes = 1000, .datagrams = true};
	struct daemon_wire *w;
	uint8_t line[300], got[300];
	int fd;

	EXPECT(t, room_open(t, &r, "  - eve-log: {enabled: no}") == ST_OK);
	fd = listen_at(&r, "s", SOCK_DGRAM);
	o.path = path(&r, "s");
	EXPECT(t, daemon_wire_open(&o, &r.a, &w, &r.why) == ST_OK);
	for (unsigned i = 0; i < 500; i++) {
		size_t n = 1 + (size_t)(test_rand(t) % sizeof line);

		for (size_t k = 0; k < n; k++)
			line[k] = (uint8_t)(test_rand(t) % 200 + 20);
		EXPECT(t, daemon_wire_put(w, (struct slice){line, n}));
		EXPECT(t, recv(fd, got, sizeof got, MSG_DONTWAIT) == (ssize_t)n);
		EXPECT(t, memcmp(got, line, n) == 0);
	}
	EXPECT_UINT(t, daemon_wire_lost(w), 0);
	daemon_wire_close(w);
	(void)close(fd);
	room_close(&r);
}

static void syslog_gets_priority_and_identity(struct test *t)
{
	static struct room r;
	char yaml[512], got[4096], want[64];
	int fd;

	EXPECT(t, room_open(t, &r, "  - eve-log: {enabled: no}") == ST_OK);
	(void)snprintf(yaml, sizeof yaml,
		       "  - eve-log: {enabled: yes, filetype: syslog, socket: %.*s/l, facility: "
		       "Local5, level: Warning, identity: us}\n"
		       "  - syslog: {enabled: yes, socket: %.*s/l, facility: bogus}",
		       SLICE_ARG(r.dir), SLICE_ARG(r.dir));
	fd = listen_at(&r, "l", SOCK_DGRAM);
	r.config = config_new(&r.a);
	EXPECT(t, config_load(r.config, SLICE("t.yaml"),
			      buf_text(&r.a, "%%YAML 1.1\n---\noutputs:\n%s\n", yaml), NULL,
			      &r.why) == ST_OK);
	EXPECT(t, daemon_outputs_open(r.config, r.dir, false, &r.a, &r.outputs, &r.why) == ST_OK);
	EXPECT(t, problem(&r, "expected a facility of syslog"));
	put(&r, 0, 1);
	put(&r, 1, 2);
	EXPECT(t, recv(fd, got, sizeof got, MSG_DONTWAIT) > 0);
	EXPECT(t, strncmp(got, "<172>", 5) == 0); /* 21 * 8 + 4 */
	(void)snprintf(want, sizeof want, " us[%d]: {\"timestamp\":", (int)getpid());
	EXPECT(t, strstr(got, want) != NULL);
	EXPECT(t, recv(fd, got, sizeof got, MSG_DONTWAIT) > 0);
	EXPECT(t, strncmp(got, "<134>", 5) == 0); /* local0, info */
	EXPECT(t, strstr(got, "]: 11/22/2026-03:04:05.678901  [**] [1:2:3] bad thing") != NULL);
	(void)close(fd);
	room_close(&r);
}

/* ---- text ---- */

static void an_alert_is_a_line_of_text(struct test *t)
{
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct record rows[4] = {alert_of(2), alert_of(2), alert_of(2), alert_of(2)};
	static const char *const want[] = {
		"11/22/2026-03:04:05.678901  [**] [1:2:3] bad thing [**] [Classification: Misc "
		"Attack] [Priority: 2] {TCP} 192.0.2.1:1000 -> "
		"2001:0db8:0000:0000:0000:0000:0000:0002:80",
		"11/22/2026-03:04:05.678901  [wDrop] [**] [1:2:3] bad thing [**] [Classification: "
		"(null)] [Priority: 2] {TCP} 192.0.2.1:1000 -> "
		"2001:0db8:0000:0000:0000:0000:0000:0002:80",
		"11/22/2026-03:04:05.678901  [**] [1:2:3] bad thing [**] [Classification: Misc "
		"Attack] [Priority: 2] {ICMP} 192.0.2.1:8 -> "
		"2001:0db8:0000:0000:0000:0000:0000:0002:1",
		("11/22/2026-03:04:05.678901  [**] [1:2:3] bad thing [**] [Classification: Misc "
		 "Attack] [Priority: 2] {PROTO:000}"),
	};

	rows[1].type = SLICE("wDrop");
	rows[1].u.alert.category = SLICE("");
	rows[2].proto = 1;
	rows[2].has_ports = false;
	rows[2].has_icmp = true;
	rows[2].icmp_type = 8;
	rows[2].icmp_code = 1;
	rows[3].src = rows[3].dst = (struct addr){0};
	for (size_t i = 0; i < 4; i++) {
		struct buf line = buf_in(&a);

		daemon_fast_line(&rows[i], &line);
		EXPECT_SLICE(t, buf_slice(&line), slice_of(want[i]));
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void stats_are_a_block_of_text(struct test *t)
{
	static struct pipeline_stats s;
	static struct room r;
	struct slice text;

	s.uptime_s = 2 * 86400 + 3 * 3600 + 4 * 60 + 5;
	s.at[PIPELINE_DECODER_PKTS] = 12;
	EXPECT(t, room_open(t, &r, "  - stats: {enabled: yes, threads: yes}") == ST_OK);
	EXPECT(t, r.outputs.has_stats);
	EXPECT_UINT(t, r.outputs.count, 0);
	daemon_outputs_stats(&r.outputs, &s, (struct wall_ns){INT64_C(1794000000000000000)});
	EXPECT(t, daemon_outputs_flush(&r.outputs, &r.why) == ST_OK);
	text = text_of(&r, "stats.log");
	EXPECT(t, has(text, "\nDate: 11/6/2026 -- 21:20:00 (uptime: 2d, 03h 04m 05s)\n---"));
	EXPECT(t, has(text, "\nCounter                                       | TM Name             "
			    "      | Value\n"));
	EXPECT(t, has(text, "\ndecoder.pkts                                  | Total               "
			    "      | 12\n"));
	EXPECT(t, has(text, "\ndecoder.pkts                                  | W#01                "
			    "      | 12\n"));
	EXPECT(t, !has(text, "decoder.bytes"));
	room_close(&r);
	EXPECT(t, room_open(t, &r, "  - stats: {enabled: yes, null-values: yes, filename: x}") ==
			  ST_OK);
	daemon_outputs_stats(&r.outputs, &s, (struct wall_ns){1});
	EXPECT(t, daemon_outputs_flush(&r.outputs, &r.why) == ST_OK);
	EXPECT(t, has(text_of(&r, "x"), "\ndecoder.bytes   "));
	room_close(&r);
}

TESTS(T(without_a_configuration_there_is_one_file), T(each_kind_is_made_or_named),
      T(there_is_a_limit_and_redis_is_refused), T(files_are_appended_to_or_begun_anew),
      T(what_follows_half_a_line_has_a_line_of_its_own_and_that_is_said_once),
      T(a_file_has_the_permissions_and_the_name_that_are_asked_for),
      T(a_file_that_was_moved_is_opened_again), T(a_file_that_has_grown_enough_is_moved_away),
      T(an_interval_has_a_unit), T(lines_have_the_prefix_that_is_asked_for),
      T(a_datagram_is_a_line), T(a_new_reader_of_a_stream_gets_whole_lines),
      T(what_nobody_takes_is_lost_and_counted), T(lines_leave_the_queue_as_they_came),
      T(syslog_gets_priority_and_identity), T(an_alert_is_a_line_of_text),
      T(stats_are_a_block_of_text))
