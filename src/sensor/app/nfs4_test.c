/* SPDX-License-Identifier: Apache-2.0
 * Compounds of NFS 4 (RFC 7530), encoded here. */
#include "sensor/app/nfs_priv.h"

#include "sensor/app/app_check.h"
#include "test.h"

extern const struct app_protocol app_nfs;

#define HANDLE "HANDLE01"

struct wire {
	uint8_t at[2048];
	size_t n;
};

static void u32(struct wire *w, uint32_t v)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		w->at[w->n++] = (uint8_t)(v >> shift);
}

static void zeros(struct wire *w, size_t n)
{
	memset(w->at + w->n, 0, n);
	w->n += n;
}

static void text(struct wire *w, const char *z)
{
	size_t n = strlen(z);

	u32(w, (uint32_t)n);
	memcpy(w->at + w->n, z, n);
	w->n += n;
	zeros(w, (4 - n % 4) % 4);
}

/* A record of a call of COMPOUND with so many operations, without credentials. */
static void call(struct wire *w, uint32_t xid, uint32_t operations)
{
	*w = (struct wire){.n = 4};
	u32(w, xid);
	u32(w, 0);
	u32(w, 2);
	u32(w, 100003);
	u32(w, 4);
	u32(w, 1);
	zeros(w, 16);
	text(w, "tag");
	u32(w, 0);
	u32(w, operations);
}

static void reply(struct wire *w, uint32_t xid, uint32_t results)
{
	*w = (struct wire){.n = 4};
	u32(w, xid);
	u32(w, 1);
	zeros(w, 16);
	u32(w, 0);
	text(w, "tag");
	u32(w, results);
}

static struct app_says says(struct wire *w, enum app_dir dir)
{
	w->at[0] = 0x80;
	w->at[2] = (uint8_t)((w->n - 4) >> 8);
	w->at[3] = (uint8_t)(w->n - 4);
	return (struct app_says){.dir = dir, .bytes = {w->at, w->n}};
}

static void putfh(struct wire *w)
{
	u32(w, 22);
	text(w, HANDLE);
}

/* PUTROOTFH, OPEN of a.txt with attributes, GETFH */
static struct app_says opens(struct wire *w, uint32_t xid)
{
	call(w, xid, 3);
	u32(w, 24);
	u32(w, 18);
	zeros(w, 20);
	text(w, "owner");
	u32(w, 1);
	u32(w, 0);
	u32(w, 2); /* a bitmap of two words, and attributes */
	zeros(w, 8);
	text(w, "attr");
	u32(w, 0);
	text(w, "a.txt");
	u32(w, 10);
	return says(w, APP_TO_SERVER);
}

static struct app_says opened(struct wire *w, uint32_t xid)
{
	reply(w, xid, 3);
	u32(w, 24);
	u32(w, 0);
	u32(w, 18);
	u32(w, 0);
	zeros(w, 16 + 20 + 4);
	u32(w, 1); /* a bitmap, and a delegation to write */
	u32(w, 0);
	u32(w, 2);
	zeros(w, 20);
	u32(w, 1);
	zeros(w, 8 + 12);
	text(w, "who");
	u32(w, 10);
	u32(w, 0);
	text(w, HANDLE);
	return says(w, APP_TO_CLIENT);
}

static struct app_says writes(struct wire *w, uint32_t xid, uint32_t offset, const char *data,
			      uint32_t stable)
{
	call(w, xid, 3);
	putfh(w);
	u32(w, 38);
	zeros(w, 20);
	u32(w, offset);
	u32(w, stable);
	text(w, data);
	u32(w, 9); /* GETATTR */
	u32(w, 1);
	u32(w, 0);
	return says(w, APP_TO_SERVER);
}

static void run(struct app_talk *k, const struct app_says *talk, size_t n)
{
	app_check_all(&app_nfs, talk, n, 20);
	ASSERT(app_talk_open(k, APP_TCP, 2049, 0));
	for (size_t i = 0; i < n; i++)
		app_talk_say(k, talk[i].dir, talk[i].bytes, 0);
}

static void a_file_that_is_written_has_its_name_and_its_end(struct test *t)
{
	static struct wire w[5];
	struct app_says talk[5];
	struct app_talk k;
	struct app_tx *tx;
	struct file *file;

	talk[0] = opens(&w[0], 1);
	talk[1] = opened(&w[1], 1);
	talk[2] = writes(&w[2], 2, 0, "01234", 0);
	talk[3] = writes(&w[3], 3, 5, "56", 0);
	call(&w[4], 4, 2); /* CLOSE */
	putfh(&w[4]);
	u32(&w[4], 4);
	zeros(&w[4], 20);
	talk[4] = says(&w[4], APP_TO_SERVER);
	run(&k, talk, 5);
	tx = app_talk_tx(&k, 0);
	ASSERT(tx != NULL);
	EXPECT(t, tx->next == NULL && tx->progress[APP_TO_CLIENT] == 1);
	file = tx->files[APP_TO_SERVER].first;
	EXPECT(t, file != NULL && file->state == FILE_CLOSED);
	EXPECT_SLICE(t, file->name, SLICE("a.txt"));
	EXPECT_SLICE(t, buf_slice(&file->kept), SLICE("0123456"));
	EXPECT(t, slice_find(app_talk_event(&app_nfs, tx),
			     SLICE("\"procedure\":\"WRITE\",\"filename\":\"a.txt\"")) != SIZE_MAX);
	EXPECT(t, slice_find(app_talk_event(&app_nfs, tx),
			     SLICE("\"write\":{\"first\":true,\"last\":true,\"last_xid\":4")) !=
			  SIZE_MAX);
	app_talk_close(&k);
}

static void a_stable_write_is_a_whole_file(struct test *t)
{
	static struct wire w;
	struct app_says talk = writes(&w, 9, 0, "all", 2);
	struct app_talk k;

	run(&k, &talk, 1);
	EXPECT(t, app_talk_tx(&k, 0)->progress[APP_TO_SERVER] == 1);
	EXPECT_SLICE(t, buf_slice(&app_talk_tx(&k, 0)->files[APP_TO_SERVER].first->kept),
		     SLICE("all"));
	app_talk_close(&k);
}

static void a_file_that_is_read_ends_where_the_server_says(struct test *t)
{
	static struct wire w[2];
	struct app_says talk[2];
	struct app_talk k;
	struct app_tx *tx;

	call(&w[0], 7, 2);
	putfh(&w[0]);
	u32(&w[0], 25);
	zeros(&w[0], 24);
	u32(&w[0], 100);
	talk[0] = says(&w[0], APP_TO_SERVER);
	reply(&w[1], 7, 2);
	u32(&w[1], 22);
	u32(&w[1], 0);
	u32(&w[1], 25);
	u32(&w[1], 0);
	u32(&w[1], 1);
	text(&w[1], "bytes");
	talk[1] = says(&w[1], APP_TO_CLIENT);
	run(&k, talk, 2);
	tx = app_talk_tx(&k, 0);
	ASSERT(tx != NULL);
	EXPECT(t, tx->progress[APP_TO_SERVER] == 1 && tx->progress[APP_TO_CLIENT] == 1);
	EXPECT_SLICE(t, buf_slice(&tx->files[APP_TO_CLIENT].first->kept), SLICE("bytes"));
	EXPECT(t, slice_find(app_talk_event(&app_nfs, tx), SLICE("\"read\":{")) != SIZE_MAX);
	app_talk_close(&k);
}

static void a_removal_has_its_status(struct test *t)
{
	static struct wire w[2];
	struct app_says talk[2];
	struct app_talk k;

	call(&w[0], 5, 2);
	putfh(&w[0]);
	u32(&w[0], 28);
	text(&w[0], "old");
	talk[0] = says(&w[0], APP_TO_SERVER);
	reply(&w[1], 5, 2);
	u32(&w[1], 22);
	u32(&w[1], 0);
	u32(&w[1], 28);
	u32(&w[1], 2);
	talk[1] = says(&w[1], APP_TO_CLIENT);
	run(&k, talk, 2);
	EXPECT(t, slice_find(app_talk_event(&app_nfs, app_talk_tx(&k, 0)),
			     SLICE("\"procedure\":\"REMOVE\",\"filename\":\"old\"")) != SIZE_MAX);
	EXPECT(t, slice_find(app_talk_event(&app_nfs, app_talk_tx(&k, 0)),
			     SLICE("\"status\":\"ERR_NOENT\"")) != SIZE_MAX);
	app_talk_close(&k);
}

/* What no operation of the table is ends a compound, and nothing else. */
static void an_unknown_operation_is_passed_over(struct test *t)
{
	static struct wire w[2];
	struct app_says talk[2];
	struct app_talk k;

	call(&w[0], 1, 1);
	u32(&w[0], 4000000000U);
	zeros(&w[0], 40);
	talk[0] = says(&w[0], APP_TO_SERVER);
	talk[1] = writes(&w[1], 2, 0, "x", 2);
	run(&k, talk, 2);
	EXPECT(t,
	       app_talk_tx(&k, 0) != NULL && app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("")));
	app_talk_close(&k);
}

TESTS(T(a_file_that_is_written_has_its_name_and_its_end), T(a_stable_write_is_a_whole_file),
      T(a_file_that_is_read_ends_where_the_server_says), T(a_removal_has_its_status),
      T(an_unknown_operation_is_passed_over))
