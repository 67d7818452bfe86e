/* SPDX-License-Identifier: Apache-2.0
 * A login over Telnet, and its frames. */
#include "sensor/app/app_check.h"
#include "test.h"

extern const struct app_protocol app_telnet;

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const struct app_says login[] = {
	{APP_TO_CLIENT, SLICE("\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0login: "), 0},
	{APP_TO_SERVER, SLICE("\xff\xfb\x18me\r\n"), 0},
	{APP_TO_CLIENT, SLICE("Password: "), 0},
	{APP_TO_SERVER, SLICE("secret\r\n"), 0},
	{APP_TO_CLIENT, SLICE("\r\nWelcome: x\n"), 0},
};

/* "ctl+3": the name and the length of frame n of a direction, those called "pdu" left out. */
static bool frame_is(const struct app_flow *f, enum app_dir dir, uint32_t n, const char *name,
		     int64_t len)
{
	const struct app_frames *s = f->frames[dir];

	for (uint32_t i = 0; s != NULL && i < s->count; i++) {
		const struct app_frame *one = &s->items[i];

		if (one->type == APP_FRAME_STREAM || one->type == 0)
			continue;
		if (n-- == 0)
			return strcmp(app_frame_name(f->protocol, one), name) == 0 &&
			       one->len == len;
	}
	return false;
}

static void commands_and_text_are_frames(struct test *t)
{
	struct app_talk k;

	app_check_all(&app_telnet, login, COUNT(login), 20);
	ASSERT(app_talk_open(&k, APP_TCP, 23, 0));
	for (size_t i = 0; i < COUNT(login); i++)
		app_talk_say(&k, login[i].dir, login[i].bytes, 0);
	EXPECT(t, k.f->protocol == &app_telnet && k.f->first == NULL);
	EXPECT(t, frame_is(k.f, APP_TO_CLIENT, 0, "ctl", 3));
	EXPECT(t, frame_is(k.f, APP_TO_CLIENT, 1, "ctl", 4)); /* up to IAC SE */
	EXPECT(t, frame_is(k.f, APP_TO_CLIENT, 2, "ctl", 2));
	EXPECT(t, frame_is(k.f, APP_TO_CLIENT, 3, "data", 7));
	EXPECT(t, frame_is(k.f, APP_TO_CLIENT, 4, "data", 10));
	EXPECT(t, frame_is(k.f, APP_TO_CLIENT, 5, "data", 2)); /* behind a login, lines */
	EXPECT(t, frame_is(k.f, APP_TO_CLIENT, 6, "data", 11));
	EXPECT(t, frame_is(k.f, APP_TO_SERVER, 0, "ctl", 3));
	EXPECT(t, frame_is(k.f, APP_TO_SERVER, 1, "data", 4));
	app_talk_close(&k);
}

static void only_its_port_tells(struct test *t)
{
	struct app_talk k;

	ASSERT(app_talk_open(&k, APP_TCP, 24, 0));
	for (size_t i = 0; i < COUNT(login); i++)
		app_talk_say(&k, login[i].dir, login[i].bytes, 0);
	EXPECT(t, k.f->protocol == NULL);
	app_talk_close(&k);
}

static void text_without_an_end_is_taken_in_pieces(struct test *t)
{
	static uint8_t letters[4097];

	memset(letters, 'x', sizeof letters);
	for (size_t n = 4095; n <= 4097; n++) {
		struct app_talk k;

		ASSERT(app_talk_open(&k, APP_TCP, 23, 0));
		app_talk_say(&k, APP_TO_SERVER, (struct slice){letters, n}, 0);
		EXPECT_UINT(t, k.f->consumed[APP_TO_SERVER], n < 4096 ? 0 : 4096);
		app_talk_close(&k);
	}
}

static void text_goes_on_behind_a_gap(struct test *t)
{
	struct app_talk k;

	EXPECT(t, app_talk_open(&k, APP_TCP, 23, 0));
	app_talk_say(&k, APP_TO_SERVER, SLICE("no end yet"), 0);
	EXPECT_UINT(t, k.f->consumed[APP_TO_SERVER], 0);
	app_gap(k.f, APP_TO_SERVER, 7);
	app_talk_say(&k, APP_TO_SERVER, SLICE("a\nb\n"), 0); /* shorter than what is lost */
	EXPECT_UINT(t, k.f->consumed[APP_TO_SERVER], 10 + 7 + 4);
	app_talk_close(&k);
}

TESTS(T(commands_and_text_are_frames), T(only_its_port_tells),
      T(text_without_an_end_is_taken_in_pieces), T(text_goes_on_behind_a_gap))
