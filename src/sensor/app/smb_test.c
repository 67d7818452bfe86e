/* SPDX-License-Identifier: Apache-2.0
 * Conversations of SMB, built here field by field. */
#include "sensor/app/app_check.h"
#include "sensor/app/smb_priv.h"
#include "test.h"

extern const struct app_protocol app_smb;

enum {
	WIRE_MAX = 4096,
	SAYS_MAX = 24,
	LONG_BYTES = 600 << 10, /* of a record: more than SMB holds */
};

/* Messages under construction, and who says them. */
struct wire {
	uint8_t bytes[WIRE_MAX];
	size_t len, start;
	struct app_says says[SAYS_MAX];
	size_t count;
	uint64_t message;
};

static void le(struct wire *w, uint64_t v, size_t n)
{
	for (; n-- > 0; v >>= 8)
		w->bytes[w->len++] = (uint8_t)v;
}

static void raw(struct wire *w, const char *bytes, size_t n)
{
	memcpy(w->bytes + w->len, bytes, n);
	w->len += n;
}
#define RAW(w, lit) raw(w, lit, sizeof(lit) - 1)

static void utf16(struct wire *w, const char *text)
{
	for (; *text != '\0'; text++)
		le(w, (uint8_t)*text, 2);
}

/* Begins a message of SMB 2: session service header and MS-SMB2 2.2.1.2. */
static void begin2(struct wire *w, enum app_dir dir, uint16_t command, uint32_t status)
{
	w->start = w->len;
	le(w, 0, 4);
	RAW(w, "\xfeSMB");
	le(w, 64, 2);
	le(w, 0, 2);
	le(w, status, 4);
	le(w, command, 2);
	le(w, 1, 2);
	le(w, dir == APP_TO_CLIENT ? 1 : 0, 4);
	le(w, 0, 4);
	le(w, w->message, 8);
	le(w, 0, 4);
	le(w, 7, 4);	/* tree */
	le(w, 0x99, 8); /* session */
	le(w, 0, 16);
	w->says[w->count].dir = dir;
}

static void end(struct wire *w)
{
	size_t n = w->len - w->start - 4;

	w->bytes[w->start + 1] = (uint8_t)(n >> 16);
	w->bytes[w->start + 2] = (uint8_t)(n >> 8);
	w->bytes[w->start + 3] = (uint8_t)n;
	w->says[w->count++].bytes = (struct slice){w->bytes + w->start, w->len - w->start};
	ASSERT(w->count < SAYS_MAX && w->len < WIRE_MAX - 256);
}

static void tree2(struct wire *w, const char *path, uint8_t type)
{
	w->message++;
	begin2(w, APP_TO_SERVER, 3, 0);
	le(w, 9, 2);
	le(w, 0, 2);
	le(w, 72, 2);
	le(w, 2 * strlen(path), 2);
	utf16(w, path);
	end(w);
	begin2(w, APP_TO_CLIENT, 3, 0);
	le(w, 16, 2);
	le(w, type, 2);
	le(w, 0, 12);
	end(w);
}

static void create2(struct wire *w, const char *name, char id)
{
	w->message++;
	begin2(w, APP_TO_SERVER, 5, 0);
	le(w, 57, 2);
	le(w, 0, 34);
	le(w, 2, 4); /* FILE_CREATE */
	le(w, 0x1000, 4);
	le(w, 120, 2);
	le(w, 2 * strlen(name), 2);
	le(w, 0, 8);
	utf16(w, name);
	end(w);
	begin2(w, APP_TO_CLIENT, 5, 0);
	le(w, 89, 2);
	le(w, 0, 6);
	for (int i = 0; i < 4; i++)
		le(w, UINT64_C(116444736000000000) + 10000000u * (unsigned)(i + 1), 8);
	le(w, 0, 8);
	le(w, 77, 8);
	le(w, 0, 8);
	le(w, (uint64_t)id, 16);
	le(w, 0, 8);
	end(w);
}

static void write2(struct wire *w, char id, uint64_t offset, const char *data, size_t n)
{
	w->message++;
	begin2(w, APP_TO_SERVER, 9, 0);
	le(w, 49, 2);
	le(w, 112, 2);
	le(w, n, 4);
	le(w, offset, 8);
	le(w, (uint64_t)id, 16);
	le(w, 0, 16);
	raw(w, data, n);
	end(w);
}

static void read2(struct wire *w, char id, const char *data, size_t n)
{
	w->message++;
	begin2(w, APP_TO_SERVER, 8, 0);
	le(w, 49, 2);
	le(w, 0, 2);
	le(w, n, 4);
	le(w, 0, 8);
	le(w, (uint64_t)id, 16);
	le(w, 0, 16);
	end(w);
	begin2(w, APP_TO_CLIENT, 8, 0);
	le(w, 17, 2);
	le(w, 80, 2);
	le(w, n, 4);
	le(w, 0, 8);
	raw(w, data, n);
	end(w);
}

static void close2(struct wire *w, char id)
{
	w->message++;
	begin2(w, APP_TO_SERVER, 6, 0);
	le(w, 24, 2);
	le(w, 0, 6);
	le(w, (uint64_t)id, 16);
	end(w);
	begin2(w, APP_TO_CLIENT, 6, 0);
	le(w, 60, 2);
	le(w, 0, 58);
	end(w);
}

static void play(struct app_talk *k, const struct wire *w)
{
	ASSERT(app_talk_open(k, APP_TCP, 445, 0));
	for (size_t i = 0; i < w->count; i++) {
		app_gap(k->f, w->says[i].dir, w->says[i].gap);
		app_talk_say(k, w->says[i].dir, w->says[i].bytes, 0);
	}
}

static struct app_tx *about(const struct app_talk *k, enum smb_about what)
{
	struct app_tx *tx = k->f->first;

	while (tx != NULL && ((const struct smb_tx *)tx->data)->about != what)
		tx = tx->next;
	return tx;
}

static bool says(struct app_tx *tx, const char *part)
{
	struct record r = {0};

	return app_smb.log(tx, 0, &tx->arena, &r) &&
	       slice_find(r.more[0].json, slice_of(part)) != SIZE_MAX;
}

static void a_file_written_in_any_order_is_whole(struct test *t)
{
	struct wire w = {0};
	struct app_talk k;
	struct app_tx *tx;
	struct file *file;

	tree2(&w, "\\\\srv\\data", 1);
	create2(&w, "dir\\a.txt", 'f');
	write2(&w, 'f', 8, "89AB", 4);
	write2(&w, 'f', 0, "0123", 4);
	write2(&w, 'f', 4, "4567", 4);
	close2(&w, 'f');
	app_check_all(&app_smb, w.says, w.count, 30);
	play(&k, &w);
	tx = about(&k, SMB_ABOUT_FILE);
	EXPECT(t, tx != NULL && (file = tx->files[APP_TO_SERVER].first) != NULL);
	EXPECT_SLICE(t, file->name, SLICE("dir\\a.txt"));
	EXPECT_SLICE(t, buf_slice(&file->kept), SLICE("0123456789AB"));
	EXPECT(t, file->state == FILE_CLOSED && file->size == 12 && file->next == NULL);
	EXPECT(t, tx->progress[0] == 1 && tx->progress[1] == 1);
	EXPECT(t, app_talk_anomaly(&k, tx, SLICE("")));
	EXPECT(t, says(tx, "\"filename\":\"dir\\\\a.txt\",\"share\":\"\\\\\\\\srv\\\\data\""));
	EXPECT(t, says(tx, "\"command\":\"SMB2_COMMAND_WRITE\",\"status\":\"STATUS_SUCCESS\""));
	app_talk_close(&k);
}

static void bytes_seen_twice_are_left_out_and_told(struct test *t)
{
	struct wire w = {0};
	struct app_talk k;
	struct app_tx *tx;

	write2(&w, 'f', 0, "0123", 4);
	write2(&w, 'f', 2, "xxxx", 4);
	write2(&w, 'f', 4, "4567", 4);
	close2(&w, 'f');
	app_check_all(&app_smb, w.says, w.count, 0);
	play(&k, &w);
	tx = about(&k, SMB_ABOUT_FILE);
	EXPECT(t, tx != NULL && app_talk_anomaly(&k, tx, SLICE("file_overlap")));
	EXPECT_SLICE(t, buf_slice(&tx->files[APP_TO_SERVER].first->kept), SLICE("01234567"));
	app_talk_close(&k);
}

static void trees_and_creates_are_told(struct test *t)
{
	struct wire w = {0};
	struct app_talk k;
	struct app_tx *tx;

	tree2(&w, "\\\\srv\\IPC$", 2);
	create2(&w, "svcctl", 'p');
	app_check_all(&app_smb, w.says, w.count, 20);
	play(&k, &w);
	tx = about(&k, SMB_ABOUT_TREE);
	EXPECT(t, tx != NULL);
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_SERVER, SLICE("smb.named_pipe"), 0),
		     SLICE("\\\\srv\\IPC$"));
	EXPECT(t, app_talk_field(tx, APP_TO_SERVER, SLICE("smb.share"), 0).ptr == NULL);
	EXPECT(t, says(tx, "\"tree_id\":7,\"named_pipe\":\"\\\\\\\\srv\\\\IPC$\",\"share_type\":"
			   "\"PIPE\""));
	tx = about(&k, SMB_ABOUT_CREATE);
	EXPECT(t, tx != NULL);
	EXPECT(t, says(tx, "\"filename\":\"svcctl\",\"disposition\":\"FILE_CREATE\",\"access\":"
			   "\"delete on close\",\"created\":1,\"accessed\":2,\"modified\":3,"
			   "\"changed\":4,\"size\":77,"
			   "\"fuid\":\"00000070-0000-0000-0000-000000000000\""));
	app_talk_close(&k);
}

#define UUID_ON_WIRE "\x81\xbb\x7a\x36\x44\x98\xf1\x35\xad\x32\x98\xf0\x38\0\x10\x03"
#define SYNTAX "\4\5\x5d\x88\x8a\xeb\x1c\xc9\x11\x9f\xe8\x08\0\x2b\x10\x48\x60\2\0\0\0"

static const char bind[] = "\5\0\x0b\3\x10\0\0\0\x48\0\0\0\1\0\0\0\xb8\x10\xb8\x10\0\0\0\0\1\0\0\0"
			   "\3\0\1\0" UUID_ON_WIRE "\2\0\0\0" SYNTAX;
static const char bind_ack[] = "\5\0\x0c\3\x10\0\0\0\x38\0\0\0\1\0\0\0\xb8\x10\xb8\x10\0\0\0\0"
			       "\0\0\0\0\1\0\0\0\0\0\0\0" SYNTAX;
static const char call_first[] = "\5\0\0\1\x10\0\0\0\x1c\0\0\0\2\0\0\0\0\0\0\0\3\0\x0f\0ABCD";
static const char call_last[] = "\5\0\0\2\x10\0\0\0\x1a\0\0\0\2\0\0\0\0\0\0\0\3\0\x0f\0EF";
static const char reply[] = "\5\0\2\3\x10\0\0\0\x1b\0\0\0\2\0\0\0\0\0\0\0\3\0\0\0xyz";

static void a_call_on_a_pipe_has_its_interface(struct test *t)
{
	struct wire w = {0};
	struct app_talk k;
	struct app_tx *tx;
	struct slice in;
	uint64_t opnum;

	tree2(&w, "\\\\srv\\IPC$", 2);
	create2(&w, "svcctl", 'p');
	write2(&w, 'p', 0, bind, sizeof bind - 1);
	read2(&w, 'p', bind_ack, sizeof bind_ack - 1);
	write2(&w, 'p', 0, call_first, sizeof call_first - 1);
	write2(&w, 'p', 0, call_last, sizeof call_last - 1);
	read2(&w, 'p', reply, sizeof reply - 1);
	app_check_all(&app_smb, w.says, w.count, 30);
	play(&k, &w);
	tx = about(&k, SMB_ABOUT_PIPE);
	EXPECT(t, tx != NULL && says(tx, "\"request\":\"BIND\",\"response\":\"BINDACK\","
					 "\"interfaces\":[{\"uuid\":"
					 "\"367abb81-9844-35f1-ad32-98f038001003\",\"version\":"
					 "\"2.0\",\"ack_result\":0"));
	do
		tx = tx->next;
	while (tx != NULL && ((const struct smb_tx *)tx->data)->about != SMB_ABOUT_PIPE);
	EXPECT(t, tx != NULL && tx->progress[0] == 1 && tx->progress[1] == 1 && tx->little);
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_SERVER, SLICE("dcerpc.stub_data"), 0),
		     SLICE("ABCDEF"));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_CLIENT, SLICE("dcerpc.stub_data"), 0),
		     SLICE("xyz"));
	in = app_talk_field(tx, APP_TO_SERVER, SLICE("dcerpc.opnum"), 0);
	EXPECT_UINT(t, in.len, sizeof opnum);
	memcpy(&opnum, in.ptr, sizeof opnum);
	EXPECT_UINT(t, opnum, 15);
	in = app_talk_field(tx, APP_TO_SERVER, SLICE("dcerpc.iface"), 0);
	EXPECT_SLICE(t, in,
		     SLICE("\x36\x7a\xbb\x81\x98\x44\x35\xf1\xad\x32\x98\xf0\x38\0\x10\x03\0\2\1"));
	EXPECT(t, says(tx, "\"opnum\":15,\"req\":{\"frag_cnt\":2,\"stub_data_size\":6}"));
	app_talk_close(&k);
}

static void what_no_version_has_is_a_call_all_the_same(struct test *t)
{
	struct wire w = {0};
	struct app_talk k;
	struct app_tx *tx;

	tree2(&w, "\\\\srv\\IPC$", 2);
	create2(&w, "lsarpc", 'p');
	write2(&w, 'p', 0, "AAAAAAAAAAAAAAA", 15); /* a byte less than the header of a call */
	play(&k, &w);
	EXPECT(t, about(&k, SMB_ABOUT_PIPE) == NULL);
	app_talk_close(&k);
	write2(&w, 'p', 0, "AAAAAAAAAAAAAAAA", 16);
	app_check_all(&app_smb, w.says, w.count, 30);
	play(&k, &w);
	tx = about(&k, SMB_ABOUT_PIPE);
	EXPECT(t, tx != NULL && says(tx, "\"request\":\"65\",\"response\":\"UNREPLIED\""));
	EXPECT(t, app_talk_anomaly(&k, tx, SLICE("malformed_data")));
	app_talk_close(&k);
}

static void who_logs_in_is_read(struct test *t)
{
	static const char token[] = "NTLMSSP\0\3\0\0\0\0\0\0\0\x40\0\0\0\0\0\0\0\x40\0\0\0\4\0\4\0"
				    "\x48\0\0\0\6\0\6\0\x4c\0\0\0\2\0\2\0\x52\0\0\0\0\0\0\0"
				    "\x40\0\0\0\0\0\0\2\x0a\0\x28\x0a\0\0\0\x0f"
				    "D\0M\0b\0o\0b\0H\0";
	struct wire w = {.message = 3};
	struct app_talk k;
	struct app_tx *tx;

	begin2(&w, APP_TO_SERVER, 1, 0);
	le(&w, 25, 2);
	le(&w, 0, 22);
	raw(&w, token, sizeof token - 1);
	end(&w);
	begin2(&w, APP_TO_CLIENT, 1, 0xc000006d);
	le(&w, 9, 2);
	le(&w, 0, 6);
	end(&w);
	app_check_all(&app_smb, w.says, w.count, 12);
	play(&k, &w);
	tx = about(&k, SMB_ABOUT_SESSION);
	EXPECT(t, tx != NULL && app_talk_anomaly(&k, tx, SLICE("")));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_SERVER, SLICE("smb.ntlmssp_user"), 0),
		     SLICE("bob"));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_SERVER, SLICE("smb.ntlmssp_domain"), 0),
		     SLICE("DM"));
	EXPECT(t, says(tx, "\"status\":\"STATUS_LOGON_FAILURE\",\"status_code\":\"0xc000006d\""));
	EXPECT(t, says(tx, "\"host\":\"H\",\"version\":\"10.0 build 2600 rev 15\""));
	app_talk_close(&k);
}

/* As it is with a record a piece, so it is with three in one. */
static void behind_a_gap_each_record_ends_what_is_older(struct test *t)
{
	struct wire w = {0};
	struct app_talk k;
	uint8_t *answers;

	close2(&w, 'a');
	close2(&w, 'b');
	close2(&w, 'c');
	answers = w.bytes + w.len;
	for (size_t i = 1; i < 6; i += 2) {
		raw(&w, (const char *)w.says[i].bytes.ptr, w.says[i].bytes.len);
		w.says[i / 2] = w.says[i - 1]; /* the questions come first */
	}
	w.says[3] = (struct app_says){
		APP_TO_CLIENT, {answers, (size_t)(w.bytes + w.len - answers)}, 10};
	w.count = 4;
	app_check_all(&app_smb, w.says, w.count, 0);
	play(&k, &w);
	EXPECT(t, says(app_talk_tx(&k, 0), "\"status\":"));
	EXPECT(t, !says(app_talk_tx(&k, 1), "\"status\":")); /* it ended with the first's answer */
	EXPECT(t, says(app_talk_tx(&k, 2), "\"status\":"));
	app_talk_close(&k);
}

static void behind_a_gap_the_next_record_is_found(struct test *t)
{
	struct wire w = {0};
	struct app_talk k;
	struct app_tx *tx;

	tree2(&w, "\\\\srv\\data", 1);
	create2(&w, "a", 'f');
	write2(&w, 'f', 0, "0123456789abcdef0123456789abcdef", 32);
	w.says[w.count - 1].bytes.len -= 20;
	write2(&w, 'f', 32, "tail", 4);
	w.says[w.count - 1].gap = 20; /* the rest of the data: the records stay in step */
	close2(&w, 'f');
	app_check_all(&app_smb, w.says, w.count, 0);
	play(&k, &w);
	tx = about(&k, SMB_ABOUT_FILE);
	EXPECT(t, tx != NULL && tx->files[APP_TO_SERVER].first->gaps);
	EXPECT_UINT(t, tx->files[APP_TO_SERVER].first->size, 36);
	app_talk_close(&k);
	w.says[w.count - 3].gap = 33; /* and into the next one: it is lost */
	w.says[w.count - 3].bytes = slice_from(w.says[w.count - 3].bytes, 13);
	app_check_all(&app_smb, w.says, w.count, 0);
	play(&k, &w);
	tx = about(&k, SMB_ABOUT_FILE);
	EXPECT(t, tx != NULL && k.f->state == APP_PARSING);
	EXPECT_UINT(t, tx->files[APP_TO_SERVER].first->size, 32);
	EXPECT(t, tx->files[APP_TO_SERVER].first->state == FILE_TRUNCATED); /* it has a hole */
	app_talk_close(&k);
}

static void what_is_remembered_has_an_end(struct test *t)
{
	struct app_talk k;
	struct smb *s;
	size_t before;

	ASSERT(app_talk_open(&k, APP_TCP, 445, 0));
	{
		struct wire w = {0};

		tree2(&w, "\\\\srv\\data", 1);
		app_talk_say(&k, APP_TO_SERVER, w.says[0].bytes, 0);
	}
	s = k.f->parser;
	for (uint64_t i = 0; i < 2 * SMB_SLOTS_MAX; i++) {
		struct smb_key key = {.kind = SMB_FILE_NAME, .id = {.message = i}};

		EXPECT(t, app_smb_remember(k.f, &key, SLICE("a name")) != NULL);
	}
	before = k.pool.out;
	for (uint64_t i = 0; i < 2 * SMB_SLOTS_MAX; i++) {
		struct smb_key key = {.kind = SMB_FILE_NAME, .id = {.message = i}};
		bool kept = i >= SMB_SLOTS_MAX;

		EXPECT(t, (app_smb_find(s, &key) != NULL) == kept);
	}
	for (uint64_t i = 0; i < SMB_SLOTS_MAX; i++) {
		struct smb_key key = {.kind = SMB_READ, .id = {.message = i}};

		EXPECT(t, app_smb_remember(k.f, &key, SLICE("another")) != NULL);
		app_smb_forget(s, &key);
		EXPECT(t, app_smb_find(s, &key) == NULL);
	}
	EXPECT_UINT(t, k.pool.out, before);
	app_talk_close(&k);
}

static void names_are_found_by_number(struct test *t)
{
	EXPECT(t, strcmp(app_smb_status_name(0xc0000022), "STATUS_ACCESS_DENIED") == 0);
	EXPECT(t, strcmp(app_smb_status_name(0), "STATUS_SUCCESS") == 0);
	EXPECT(t, app_smb_status_name(0xffffffff) == NULL);
	EXPECT(t, strcmp(app_smb1_command_name(0x75), "SMB1_COMMAND_TREE_CONNECT_ANDX") == 0);
	EXPECT(t, strcmp(app_smb2_command_name(18), "SMB2_COMMAND_OPLOCK_BREAK") == 0);
	EXPECT(t, app_smb2_command_name(19) == NULL && app_smb1_command_name(0xff) == NULL);
	EXPECT(t, strcmp(app_smb_function_name(0x0011c017), "FSCTL_PIPE_TRANSCEIVE") == 0);
	EXPECT(t, strcmp(app_smb_dos_name(2, 91), "SRV_BADUID") == 0);
	EXPECT(t, app_smb_dos_name(3, 1) == NULL);
}

/* A record of LONG_BYTES that begins with `head`, and of which the first `first` bytes come alone.
 * Zeros fill it. */
static void say_long(struct app_talk *k, struct slice head, size_t first)
{
	static const uint8_t zeros[4096];
	uint8_t start[256] = {0};

	ASSERT(head.len <= sizeof start && first <= sizeof start);
	memcpy(start, head.ptr, head.len);
	start[1] = LONG_BYTES >> 16;
	start[2] = LONG_BYTES >> 8 & 0xff;
	start[3] = LONG_BYTES & 0xff;
	app_talk_say(k, APP_TO_SERVER, (struct slice){start, first}, 0);
	app_talk_say(k, APP_TO_SERVER, (struct slice){start + first, sizeof start - first}, 0);
	for (size_t left = LONG_BYTES + 4 - sizeof start, n; left != 0; left -= n) {
		n = left < sizeof zeros ? left : sizeof zeros;
		app_talk_say(k, APP_TO_SERVER, (struct slice){zeros, n}, 0);
	}
}

/* A file is open, and a write to it is the last that w says. */
static void write_begin(struct wire *w, struct app_talk *k)
{
	tree2(w, "\\\\srv\\data", 1);
	create2(w, "a", 'f');
	play(k, w);
	write2(w, 'f', 0, "", 0);
}

/* One longer than what may be held was passed over unless its header came in one piece. */
static void a_long_write_goes_to_its_file_wherever_its_header_is_cut(struct test *t)
{
	enum { DATA_BYTES = LONG_BYTES - SMB2_HEADER_BYTES - 48 };

	for (size_t first = 1; first < 160; first++) {
		struct wire w = {0};
		struct app_talk k;
		struct app_tx *tx;

		write_begin(&w, &k);
		w.len = w.start + 4 + SMB2_HEADER_BYTES + 4;
		le(&w, DATA_BYTES, 4);
		say_long(&k, w.says[w.count - 1].bytes, first);
		tx = about(&k, SMB_ABOUT_FILE);
		EXPECT(t, tx != NULL && app_talk_anomaly(&k, k.f->last, SLICE("")));
		EXPECT_UINT(t, tx->files[APP_TO_SERVER].first->size, DATA_BYTES);
		EXPECT_UINT(t, app_held_bytes(k.f, APP_TO_SERVER), 0);
		app_talk_close(&k);
	}
}

/* If its header was wrong, the part of it that had come was, and the rest was read as records. */
static void a_long_record_is_passed_over_wherever_it_is_cut(struct test *t)
{
	static const struct {
		size_t at;
		uint8_t value;
	} odd[] = {
		{4 + 4, 65}, /* the header's length */
		{4 + 12, 5}, /* SMB 2, a create */
		{4, 0xff},   /* SMB 1, an unknown command */
	};

	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
		for (size_t first = 1; first < 160; first++) {
			struct wire w = {0};
			struct app_talk k;
			struct app_tx *tx;

			write_begin(&w, &k);
			w.bytes[w.start + odd[i].at] = odd[i].value;
			say_long(&k, w.says[w.count - 1].bytes, first);
			tx = k.f->last;
			EXPECT(t, app_talk_anomaly(&k, tx, SLICE("record_overflow")));
			EXPECT_UINT(t, tx->anomalies & (tx->anomalies - 1), 0); /* and no other */
			EXPECT(t, about(&k, SMB_ABOUT_FILE) == NULL);
			write2(&w, 'f', 0, "0123", 4);
			app_talk_say(&k, APP_TO_SERVER, w.says[w.count - 1].bytes, 0);
			tx = about(&k, SMB_ABOUT_FILE);
			EXPECT(t, tx != NULL && tx->files[APP_TO_SERVER].first->size == 4);
			app_talk_close(&k);
		}
}

TESTS(T(a_file_written_in_any_order_is_whole), T(bytes_seen_twice_are_left_out_and_told),
      T(trees_and_creates_are_told), T(a_call_on_a_pipe_has_its_interface),
      T(what_no_version_has_is_a_call_all_the_same), T(who_logs_in_is_read),
      T(behind_a_gap_the_next_record_is_found), T(behind_a_gap_each_record_ends_what_is_older),
      T(what_is_remembered_has_an_end), T(names_are_found_by_number),
      T(a_long_write_goes_to_its_file_wherever_its_header_is_cut),
      T(a_long_record_is_passed_over_wherever_it_is_cut))
