/* SPDX-License-Identifier: Apache-2.0
 * Frames of DNP3, built here with their CRCs. */
#include "sensor/app/app_check.h"
#include "sensor/app/dnp3_priv.h"
#include "test.h"

extern const struct app_protocol app_dnp3;

static struct arena_pool pool = {.budget = 16 << 20};
static struct arena memory = {.pool = &pool};

/* The polynomial of IEEE 1815-2012 9.2.4.1.1, by long division, most significant bit first. */
static void block_add(struct buf *b, struct slice bytes)
{
	uint32_t rest = 0;

	for (size_t i = 0; i < bytes.len; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			uint32_t in = (uint32_t)bytes.ptr[i] >> bit & 1;

			rest = (rest << 1) ^ (((rest >> 15 ^ in) & 1) != 0 ? 0x3d65 : 0);
			rest &= 0xffff;
		}
	buf_add(b, bytes);
	rest = ~rest & 0xffff;
	for (unsigned byte = 0; byte < 2; byte++) { /* mirrored, low byte first */
		uint8_t v = 0;

		for (unsigned bit = 0; bit < 8; bit++)
			v = (uint8_t)(v | (rest >> (15 - byte * 8 - bit) & 1) << bit);
		buf_add_byte(b, v);
	}
}

/* A frame of unconfirmed user data: transport header and application bytes. */
static void frame_add(struct buf *b, bool from_master, uint8_t transport, struct slice app)
{
	uint8_t head[8] = {5, 0x64, (uint8_t)(app.len + 6), from_master ? 0xc4 : 0x44, 10, 0, 1, 0};
	struct buf user = buf_in(&memory);
	struct slice rest;

	buf_add_byte(&user, transport);
	buf_add(&user, app);
	block_add(b, (struct slice){head, sizeof head});
	for (rest = buf_slice(&user); rest.len != 0; rest = slice_from(rest, 16))
		block_add(b, slice_part(rest, 0, 16));
}

static void a_fragment_of_two_segments_is_one_transaction(struct test *t)
{
	static const uint8_t response[] =
		"\xc3\x81\x90\x02"	   /* sequence 3, restart, unknown */
		"\x01\x01\x00\x02\x04\x05" /* binary input 2..4 */
		"\x1e\x05\x28\x01\x00\x07\x00\x01\x00\x00\xc0\x3f" /* analog 7 */
		"\x34\x02\x07\x01\x10\x27";
	struct slice all = {response, sizeof response - 1};
	struct buf up = buf_in(&memory), down = buf_in(&memory);
	struct app_says says[2] = {{.dir = APP_TO_SERVER}, {.dir = APP_TO_CLIENT}};
	struct record r = {0};
	struct app_talk k;
	struct app_tx *tx;

	frame_add(&up, true, 0xc0, SLICE("\xc3\x01\x3c\x02\x06"));
	buf_add(&down, SLICE("DNP3 outstation\r\n"));
	frame_add(&down, false, 0x45, slice_part(all, 0, 9));
	frame_add(&down, false, 0x86, slice_from(all, 9));
	says[0].bytes = buf_slice(&up);
	says[1].bytes = buf_slice(&down);
	app_check_all(&app_dnp3, says, 2, 16);
	ASSERT(app_talk_open(&k, APP_TCP, 20000, 0));
	app_talk_say(&k, APP_TO_SERVER, says[0].bytes, 0);
	app_talk_say(&k, APP_TO_CLIENT, says[1].bytes, 0);
	tx = app_talk_tx(&k, 1);
	EXPECT(t, tx != NULL && tx->next == NULL);
	EXPECT(t, app_dnp3.log(tx, 0, &tx->arena, &r) && !app_dnp3.log(tx, 1, &tx->arena, &r));
	EXPECT_SLICE(
		t, r.more[0].json,
		SLICE("{\"type\":\"response\",\"control\":{\"dir\":false,\"pri\":true,\"fcb\":"
		      "false,"
		      "\"fcv\":false,\"function_code\":4},\"src\":1,\"dst\":10,\"application\":{"
		      "\"control\":{\"fir\":true,\"fin\":true,\"con\":false,\"uns\":false,"
		      "\"sequence\":3},\"function_code\":129,\"objects\":[{\"group\":1,"
		      "\"variation\":1,"
		      "\"qualifier\":0,\"prefix_code\":0,\"range_code\":0,\"start\":2,\"stop\":4,"
		      "\"count\":3,\"points\":[{\"prefix\":0,\"index\":2,\"state\":1},{\"prefix\":"
		      "0,"
		      "\"index\":3,\"state\":0},{\"prefix\":0,\"index\":4,\"state\":1}]},{"
		      "\"group\":30,"
		      "\"variation\":5,\"qualifier\":40,\"prefix_code\":2,\"range_code\":8,"
		      "\"start\":0,"
		      "\"stop\":0,\"count\":1,\"points\":[{\"prefix\":7,\"index\":7,\"online\":1,"
		      "\"restart\":0,\"comm_lost\":0,\"remote_forced\":0,\"local_forced\":0,"
		      "\"over_range\":0,\"reference_err\":0,\"reserved0\":0,\"value\":1.5}]},{"
		      "\"group\":52,\"variation\":2,\"qualifier\":7,\"prefix_code\":0,\"range_"
		      "code\":7,"
		      "\"start\":0,\"stop\":0,\"count\":1,\"points\":[{\"prefix\":0,\"index\":0,"
		      "\"delay_ms\":10000}]}],\"complete\":true},\"iin\":{\"indicators\":["
		      "\"device_restart\",\"need_time\",\"object_unknown\"]}}"));
	app_talk_close(&k);
}

static void a_wrong_crc_is_an_anomaly(struct test *t)
{
	struct buf up = buf_in(&memory);
	struct app_talk k;

	frame_add(&up, true, 0x40, SLICE("\xc3\x01\x3c\x02\x06"));
	frame_add(&up, true, 0x81, SLICE("\x3c\x03\x06"));
	up.ptr[up.len - 1] ^= 1;
	ASSERT(app_talk_open(&k, APP_TCP, 20000, 0));
	app_talk_say(&k, APP_TO_SERVER, buf_slice(&up), 0);
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("bad_transport_crc")));
	EXPECT_UINT(t, k.f->state, APP_PARSING);
	up.ptr[8] ^= 1;
	app_talk_say(&k, APP_TO_SERVER, buf_slice(&up), 0);
	EXPECT_UINT(t, k.f->state, APP_GIVEN_UP);
	app_talk_close(&k);
}

static void a_fragment_without_an_end_is_given_up(struct test *t)
{
	static const uint8_t zeros[249];
	struct slice full = {zeros, sizeof zeros};
	struct app_talk k;
	struct buf up;

	ASSERT(app_talk_open(&k, APP_TCP, 20000, 0));
	for (unsigned i = 0; i <= 64; i++) {
		up = buf_in(&memory);
		frame_add(&up, true, (uint8_t)((i == 0 ? 0x40 : 0) | (i & 63)),
			  i == 0 ? SLICE("\xc3\x02") : full);
		app_talk_say(&k, APP_TO_SERVER, buf_slice(&up), 0);
		EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0),
					   i < 64 ? SLICE("") : SLICE("too_long_reassembly")));
	}
	app_talk_close(&k);
}

TESTS(T(a_fragment_of_two_segments_is_one_transaction), T(a_wrong_crc_is_an_anomaly),
      T(a_fragment_without_an_end_is_given_up))
