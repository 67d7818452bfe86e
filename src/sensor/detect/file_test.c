/* SPDX-License-Identifier: Apache-2.0
 * Rules about files, on a body of HTTP and an attachment of SMTP. */
#include "crypto/crypto.h"
#include "sensor/detect/detect_fixture.h"
#include "sensor/file/file.h"
#include "test.h"

/* The list of MD5s that rules here call "list": that of "secret", among others. */
static enum status read_list(void *ctx, const struct rule *rule, struct slice name, struct arena *a,
			     struct slice *out, struct fail *why)
{
	struct buf text = buf_in(a);
	uint8_t md5[CRYPTO_MD5_BYTES];

	if (slice_equal(name, SLICE("bad"))) {
		*out = SLICE("0123456789abcdef\n");
		return ST_OK;
	}
	if (!slice_equal(name, SLICE("list")))
		return fail_set(why, ST_NOTFOUND, "no such file");
	buf_add_z(&text, "# a comment\n\nFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF\n");
	crypto_md5_of(SLICE("secret"), md5);
	crypto_hex_add((struct slice){md5, sizeof md5}, &text);
	buf_add_z(&text, "  secret.txt\r\n00000000000000000000000000000000");
	*out = buf_slice(&text);
	return text.full ? ST_NOMEM : ST_OK;
}

static bool begin(struct fixture *x, const char *rules)
{
	const struct detect_options options = {.read = read_list};
	struct fail f = {0};
	enum status st;

	*x = (struct fixture){.pool = {.budget = 64U << 20}, .fixed = {.budget = 256U << 20}};
	x->process.pool = &x->fixed;
	st = rule_set_init(&x->set, &x->process, &f);
	if (st == ST_OK)
		st = rule_set_load(&x->set, SLICE("test.rules"), slice_of(rules), &f);
	if (st == ST_OK)
		st = detect_compile(&x->set, &options, &x->process, &x->rules, &f);
	if (st == ST_OK)
		st = detect_worker_new(x->rules, NULL, &x->process, &x->pool,
				       (struct detect_sink){x, fixture_hit, NULL}, &x->worker, &f);
	if (st != ST_OK)
		return false;
	detect_worker_alerts_max(x->worker, DETECT_ALERTS_MAX);
	fixture_flow(x, IP_PROTO_TCP, 80);
	x->flow.app = app_flow_new(&x->flow.arena, &x->pool, NULL, APP_TCP, 40000, 80);
	return x->flow.app != NULL;
}

/* The setup is the test's own: what the rules want of files is in it. */
static bool begin_http(struct fixture *x, const char *rules)
{
	struct app_setup *setup;

	if (!begin(x, rules))
		return false;
	setup = app_setup_new(NULL, &x->flow.arena);
	if (setup == NULL)
		return false;
	detect_rules_files(x->rules, &setup->files);
	x->flow.app->setup = setup;
	fixture_handshake(x);
	return true;
}

static void get(struct fixture *x)
{
	fixture_say(x, FLOW_TO_SERVER, SLICE("GET /a/Report.pdf HTTP/1.1\r\nHost: h\r\n\r\n"));
	fixture_say(x, FLOW_TO_CLIENT, SLICE("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret"));
}

#define RULE(sid, options) "alert http any any -> any any (msg:\"m\"; " options " sid:" #sid ";)\n"

static void each_file_keyword_fires_and_nearly_fires(struct test *t)
{
	/* clang-format off */
	static const char rules[] =
		RULE(1, "filename:\"report\";")
		RULE(2, "fileext:\"PDF\";")
		RULE(3, "filesize:6;")
		RULE(4, "filesize:>5;")
		RULE(5, "filemd5:list;")
		RULE(6, "file.name; content:\"Report.pdf\"; endswith;")
		RULE(7, "file.data; content:\"secret\"; startswith; endswith;")
		RULE(8, "filename:!\"other\";")
		RULE(9, "fileext:\"pdf\"; filesize:6;")
		RULE(51, "filename:\"reports\";")
		RULE(52, "fileext:\"exe\";")
		RULE(53, "filesize:7;")
		RULE(54, "filesize:>6;")
		RULE(55, "filemd5:!list;")
		RULE(56, "file.name; content:\"report.pdf\";")
		RULE(58, "filename:!\"report\";")
		RULE(59, "fileext:\"pdf\"; filesize:7;")
		RULE(60, "filemagic:\"text\";");
	/* clang-format on */
	struct fixture x;

	EXPECT(t, begin_http(&x, rules));
	EXPECT_UINT(t, x.set.problem_count, 0);
	get(&x);
	for (uint64_t sid = 1; sid <= 9; sid++)
		if (fixture_count(&x, sid) != 1)
			test_fail(t, __FILE__, __LINE__, "sid %u did not fire once", (unsigned)sid);
	EXPECT_UINT(t, x.hits, 9);
	fixture_flow_end(&x);
	EXPECT_UINT(t, x.hits, 9);
	fixture_done(&x);
}

static void lists_and_words_that_do_not_fit_are_problems(struct test *t)
{
	static const char *const options[] = {
		"filemd5:absent;", "filemd5:bad;",	  "filesha256:list;",	  "filesize:many;",
		"filename:\"\";",  "filestore:sideways;", "filestore:both,year;",
	};

	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		struct fixture x;
		char text[128] = "alert http any any -> any any (msg:\"m\"; ";

		strcat(text, options[i]);
		strcat(text, " sid:1;)");
		EXPECT(t, begin(&x, text));
		EXPECT_UINT(t, x.set.problem_count, 1);
		fixture_flow_end(&x);
		fixture_done(&x);
	}
}

static void filestore_wants_what_it_says(struct test *t)
{
	static const struct {
		const char *options;
		bool first, second; /* of two answers of one flow */
	} rows[] = {
		{"filename:\"report\"; filestore;", true, false},
		{"filename:\"absent\"; filestore;", false, false},
		{"filename:\"report\"; filestore:response,file;", true, false},
		{"filename:\"report\"; filestore:request,file;", false, false},
		{"filename:\"report\"; filestore:both,flow;", true, true},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char text[160] = "alert http any any -> any any (msg:\"m\"; ";
		const struct file *f;
		struct fixture x;

		strcat(text, rows[i].options);
		strcat(text, " sid:7;)");
		EXPECT(t, begin_http(&x, text));
		fixture_say(&x, FLOW_TO_SERVER,
			    SLICE("GET /report HTTP/1.1\r\n\r\nGET /other HTTP/1.1\r\n\r\n"));
		/* both transactions wait for the end of the second: nothing is swept yet */
		fixture_say(&x, FLOW_TO_CLIENT,
			    SLICE("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc"));
		f = x.flow.app->first->files[APP_TO_CLIENT].first;
		EXPECT(t, f != NULL && f->state == FILE_OPEN);
		fixture_say(&x, FLOW_TO_SERVER, SLICE("GET /third HTTP/1.1\r\n\r\n"));
		EXPECT(t, f->wanted == rows[i].first);
		EXPECT_UINT(t, f->sid_count, rows[i].first);
		fixture_say(&x, FLOW_TO_CLIENT,
			    SLICE("dHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc"));
		f = x.flow.app->first->files[APP_TO_CLIENT].first;
		EXPECT(t, f != NULL && f->wanted == rows[i].second);
		fixture_flow_end(&x);
		fixture_done(&x);
	}
}

static void each_attachment_is_looked_at_once(struct test *t)
{
	static const char rules[] =
		"alert smtp any any -> any any (msg:\"m\"; file.data; content:\"one\"; sid:1;)\n"
		"alert smtp any any -> any any (msg:\"m\"; file.data; content:\"two\"; sid:2;)\n"
		"alert smtp any any -> any any (msg:\"m\"; file.name; content:\"b.txt\"; "
		"file.data; content:\"two\"; email.subject; content:\"hi\"; sid:3;)\n"
		"alert smtp any any -> any any (msg:\"m\"; filename:\"a.txt\"; filesize:4; "
		"sid:4;)\n";
	struct fixture x;

	EXPECT(t, begin_http(&x, rules));
	EXPECT_UINT(t, x.set.problem_count, 0);
	fixture_say(&x, FLOW_TO_CLIENT, SLICE("220 ESMTP\r\n"));
	fixture_say(&x, FLOW_TO_SERVER, SLICE("EHLO a\r\n"));
	fixture_say(&x, FLOW_TO_CLIENT, SLICE("250 ok\r\n"));
	fixture_say(&x, FLOW_TO_SERVER, SLICE("DATA\r\n"));
	fixture_say(&x, FLOW_TO_CLIENT, SLICE("354 go\r\n"));
	fixture_say(&x, FLOW_TO_SERVER,
		    SLICE("Subject: hi\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"
			  "Content-Disposition: attachment; filename=a.txt\r\n\r\none\r\n--x\r\n"));
	EXPECT_UINT(t, fixture_count(&x, 1), 1);
	EXPECT_UINT(t, x.hits, 1);
	fixture_say(&x, FLOW_TO_SERVER,
		    SLICE("Content-Disposition: attachment; filename=b.txt\r\n\r\ntwo.\r\n"
			  "--x--\r\n.\r\n"));
	fixture_flow_end(&x);
	EXPECT_UINT(t, fixture_count(&x, 1), 1);
	EXPECT_UINT(t, fixture_count(&x, 2), 1);
	EXPECT_UINT(t, fixture_count(&x, 3), 1);
	EXPECT_UINT(t, fixture_count(&x, 4), 0); /* that size is the other's */
	fixture_done(&x);
}

TESTS(T(each_file_keyword_fires_and_nearly_fires), T(lists_and_words_that_do_not_fit_are_problems),
      T(filestore_wants_what_it_says), T(each_attachment_is_looked_at_once))
