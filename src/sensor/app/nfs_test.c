/* SPDX-License-Identifier: Apache-2.0
 * Calls of NFS 3 (RFC 1813) on TCP, encoded here. */
#include "sensor/app/app_check.h"
#include "test.h"

extern const struct app_protocol app_nfs;

#define BYTES(array) ((struct slice){(const uint8_t *)(array), sizeof(array) - 1})

static const char lookup[] =
	"\x80\x00\x00\x58\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01\x86\xa3\x00\x00"
	"\x00\x03\x00\x00\x00\x03\x00\x00\x00\x01\x00\x00\x00\x18\x00\x00\x00\x07\x00\x00\x00\x04"
	"\x68\x6f\x73\x74\x00\x00\x01\xf4\x00\x00\x00\x64\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	"\x00\x00\x00\x00\x00\x08\x64\x69\x72\x64\x69\x72\x64\x69\x00\x00\x00\x05\x61\x2e\x74\x78"
	"\x74\x00\x00\x00";
static const char looked_up[] =
	"\x80\x00\x00\x30\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x08\x48\x41\x4e\x44\x4c\x45\x30\x31"
	"\x00\x00\x00\x00\x00\x00\x00\x00";
static const char read_one[] =
	"\x80\x00\x00\x58\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01\x86\xa3\x00\x00"
	"\x00\x03\x00\x00\x00\x06\x00\x00\x00\x01\x00\x00\x00\x18\x00\x00\x00\x07\x00\x00\x00\x04"
	"\x68\x6f\x73\x74\x00\x00\x01\xf4\x00\x00\x00\x64\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	"\x00\x00\x00\x00\x00\x08\x48\x41\x4e\x44\x4c\x45\x30\x31\x00\x00\x00\x00\x00\x00\x00\x00"
	"\x00\x00\x00\x04";
static const char one[] =
	"\x80\x00\x00\x30\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x00"
	"\x00\x00\x00\x04\x30\x31\x32\x33";
static const char read_two[] =
	"\x80\x00\x00\x58\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01\x86\xa3\x00\x00"
	"\x00\x03\x00\x00\x00\x06\x00\x00\x00\x01\x00\x00\x00\x18\x00\x00\x00\x07\x00\x00\x00\x04"
	"\x68\x6f\x73\x74\x00\x00\x01\xf4\x00\x00\x00\x64\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	"\x00\x00\x00\x00\x00\x08\x48\x41\x4e\x44\x4c\x45\x30\x31\x00\x00\x00\x00\x00\x00\x00\x04"
	"\x00\x00\x00\x04";
static const char two[] =
	"\x80\x00\x00\x30\x00\x00\x00\x03\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x01"
	"\x00\x00\x00\x03\x34\x35\x36\x00";

static void a_file_that_is_read_has_its_name(struct test *t)
{
	struct app_says says[] = {
		{.dir = APP_TO_SERVER, .bytes = BYTES(lookup)},
		{.dir = APP_TO_CLIENT, .bytes = BYTES(looked_up)},
		{.dir = APP_TO_SERVER, .bytes = BYTES(read_one)},
		{.dir = APP_TO_CLIENT, .bytes = BYTES(one)},
		{.dir = APP_TO_SERVER, .bytes = BYTES(read_two)},
		{.dir = APP_TO_CLIENT, .bytes = BYTES(two)},
	};
	struct record r = {0};
	struct app_talk k;
	struct app_tx *tx;
	struct file *file;

	app_check_all(&app_nfs, says, 6, 20);
	ASSERT(app_talk_open(&k, APP_TCP, 2049, 0));
	for (size_t i = 0; i < 6; i++)
		app_talk_say(&k, says[i].dir, says[i].bytes, 0);
	tx = app_talk_tx(&k, 0);
	EXPECT(t, tx != NULL && tx->progress[1] == 1 && app_talk_anomaly(&k, tx, SLICE("")));
	EXPECT(t, app_nfs.log(tx, 0, &tx->arena, &r) && r.mores == 2);
	EXPECT(t, slice_find(r.more[0].json,
			     SLICE("\"procedure\":\"LOOKUP\",\"filename\":\"a.txt\"")) != SIZE_MAX);
	EXPECT_SLICE(t, r.more[1].json,
		     SLICE("{\"xid\":1,\"status\":\"ACCEPTED\",\"auth_type\":\"UNIX\",\"creds\":{"
			   "\"machine_name\":\"host\",\"uid\":500,\"gid\":100}}"));
	tx = app_talk_tx(&k, 1);
	EXPECT(t, tx != NULL && tx->progress[1] == 1);
	file = tx->files[APP_TO_CLIENT].first;
	EXPECT(t, file != NULL && file->state == FILE_CLOSED);
	EXPECT_SLICE(t, file->name, SLICE("a.txt"));
	EXPECT_SLICE(t, buf_slice(&file->kept), SLICE("0123456"));
	r = (struct record){0};
	EXPECT(t, app_nfs.log(tx, 0, &tx->arena, &r));
	EXPECT(t, slice_find(r.more[0].json, SLICE("\"read\":{\"first\":true,\"last\":true,"
						   "\"last_xid\":3,\"chunks\":2}")) != SIZE_MAX);
	app_talk_close(&k);
}

static void a_long_reply_goes_to_its_file_wherever_its_head_is_cut(struct test *t)
{
	/* a record of 600,000 bytes that holds 599,960 of a file */
	static const char head[] = "\x80\x09\x27\xc0\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00"
				   "\x00\x00\x00\x00\x00\x00\x00"
				   "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
				   "\x09\x27\x98\x00\x00\x00\x00"
				   "\x00\x09\x27\x98";
	uint8_t reply[sizeof head - 1 + 3000];
	struct app_says says[] = {
		{.dir = APP_TO_SERVER, .bytes = BYTES(lookup)},
		{.dir = APP_TO_CLIENT, .bytes = BYTES(looked_up)},
		{.dir = APP_TO_SERVER, .bytes = BYTES(read_one)},
		{.dir = APP_TO_CLIENT, .bytes = {reply, sizeof reply}},
	};

	memset(reply, 'x', sizeof reply);
	memcpy(reply, head, sizeof head - 1);
	app_check_all(&app_nfs, says, 4, 20);
	for (size_t cut = 0; cut < 60; cut++) {
		struct app_talk k;
		const struct file *file = NULL;

		ASSERT(app_talk_open(&k, APP_TCP, 2049, 0));
		for (size_t i = 0; i < 4; i++)
			app_talk_say(&k, says[i].dir, says[i].bytes, i == 3 ? cut : 0);
		for (struct app_tx *tx = k.f->first; tx != NULL && file == NULL; tx = tx->next)
			file = tx->files[APP_TO_CLIENT].first;
		EXPECT(t, file != NULL && file->size == 3000);
		app_talk_close(&k);
	}
}

TESTS(T(a_long_reply_goes_to_its_file_wherever_its_head_is_cut),
      T(a_file_that_is_read_has_its_name))
