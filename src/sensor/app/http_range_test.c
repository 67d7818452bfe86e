/* SPDX-License-Identifier: Apache-2.0
 * Files in ranges; invariants are http_range.c's. */
#include "sensor/app/http_priv.h"

#include "sensor/app/app_check.h"
#include "test.h"

extern const struct app_protocol app_http;

#define GET "GET /f HTTP/1.1\r\nHost: a.example\r\n\r\n"
#define PART(range, body)                                                                          \
	"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " range                              \
	"\r\nContent-Length: 3\r\n\r\n" body

/* Asks `n` times for the same file; the answers follow one another. */
static void talk(struct app_talk *k, const char *answers, size_t n)
{
	struct app_says says[8];

	for (size_t i = 0; i < n; i++)
		says[i] = (struct app_says){APP_TO_SERVER, SLICE(GET), 0};
	says[n] = (struct app_says){APP_TO_CLIENT, slice_of(answers), 0};
	app_check_all(&app_http, says, n + 1, 12);
	ASSERT(app_talk_open(k, APP_TCP, 80, 0));
	for (size_t i = 0; i <= n; i++)
		app_talk_say(k, says[i].dir, says[i].bytes, 0);
}

/* The file behind the one that the body is; NULL: there is none. */
static const struct file *assembled(const struct app_talk *k, unsigned tx)
{
	const struct app_tx *of = app_talk_tx(k, tx);

	ASSERT(of != NULL && of->files[APP_TO_CLIENT].first != NULL);
	return of->files[APP_TO_CLIENT].first->next;
}

static void parts_in_any_order_make_the_file(struct test *t)
{
	struct app_talk k;

	talk(&k, PART("3-5/8", "def") PART("0-2/8", "abc") PART("5-7/8", "?gh"), 3);
	EXPECT(t, assembled(&k, 0) == NULL && assembled(&k, 1) == NULL);
	ASSERT(assembled(&k, 2) != NULL);
	EXPECT_SLICE(t, buf_slice(&assembled(&k, 2)->kept), SLICE("abcdefgh"));
	EXPECT(t, assembled(&k, 2)->state == FILE_CLOSED && !assembled(&k, 2)->ranged);
	app_talk_close(&k);
}

static void a_hole_or_another_size_makes_none(struct test *t)
{
	struct app_talk k;

	talk(&k, PART("0-2/7", "abc") PART("4-6/7", "efg"), 2);
	EXPECT(t, assembled(&k, 1) == NULL);
	app_talk_close(&k);
	talk(&k, PART("0-2/6", "abc") PART("3-5/7", "def"), 2);
	EXPECT(t, assembled(&k, 1) == NULL);
	app_talk_close(&k);
	talk(&k, PART("0-2/3", "abc"), 1); /* all of it is no part */
	EXPECT(t, assembled(&k, 0) == NULL);
	app_talk_close(&k);
}

static void what_waits_too_long_is_given_up(struct test *t)
{
	struct http_range part;
	struct app_talk k;
	struct app_ranges *r;
	struct app_tx *tx;

	ASSERT(app_talk_open(&k, APP_TCP, 80, 0));
	app_talk_say(&k, APP_TO_SERVER, SLICE(GET), 0);
	r = k.f->setup->ranges;
	tx = app_talk_tx(&k, 0);
	for (int64_t s = 60; s <= 61; s++) { /* the default */
		app_ranges_expire(r, 1000 * s * 1000000000);
		app_http_range_open(r, &part, SLICE("h"), SLICE("/p"), 0, 2);
		app_http_range_data(r, &part, SLICE("a"));
		app_http_range_close(r, &part, tx, SLICE("p"));
		app_ranges_expire(r, (1000 * s + s) * 1000000000);
		app_http_range_open(r, &part, SLICE("h"), SLICE("/p"), 1, 2);
		app_http_range_data(r, &part, SLICE("b"));
		app_http_range_close(r, &part, tx, SLICE("p"));
		EXPECT(t, tx->files[APP_TO_CLIENT].first != NULL &&
				  tx->files[APP_TO_CLIENT].first->next == NULL);
	}
	app_talk_close(&k);
}

/* 256 files; one more takes the place of the one that waited longest. */
static void more_files_than_there_is_room_for_drop_the_oldest(struct test *t)
{
	for (size_t n = 256; n <= 257; n++) {
		struct http_range first = {0}, part = {0};
		struct app_talk k;
		struct app_ranges *r;
		struct app_tx *tx;

		ASSERT(app_talk_open(&k, APP_TCP, 80, 0));
		app_talk_say(&k, APP_TO_SERVER, SLICE(GET), 0);
		r = k.f->setup->ranges;
		tx = app_talk_tx(&k, 0);
		for (size_t i = 0; i < n; i++) {
			uint8_t path[2] = {(uint8_t)i, (uint8_t)(i >> 8)};

			app_http_range_open(r, &part, SLICE("h"), (struct slice){path, 2}, 0, 3);
			app_http_range_data(r, &part, SLICE("abc"));
			app_ranges_expire(r, (int64_t)(i + 1) * 2000000000 / 10);
			first = i == 0 ? part : first;
		}
		app_http_range_close(r, &part, tx, SLICE("last"));
		EXPECT_UINT(t, tx->files[APP_TO_CLIENT].count, 1);
		app_http_range_close(r, &first, tx, SLICE("first"));
		EXPECT_UINT(t, tx->files[APP_TO_CLIENT].count, n == 256 ? 2 : 1);
		app_talk_close(&k);
	}
}

TESTS(T(parts_in_any_order_make_the_file), T(a_hole_or_another_size_makes_none),
      T(what_waits_too_long_is_given_up), T(more_files_than_there_is_room_for_drop_the_oldest))
