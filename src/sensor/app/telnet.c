/* SPDX-License-Identifier: Apache-2.0
 *
 * Telnet: RFC 854 (commands), RFC 855 (options and subnegotiations). It has no transactions, only
 * frames: each command ("ctl"), and each piece of text ("data"), which a line's end ends, or ": "
 * where the server asks for a name or a password. Recognised on its port alone, as Suricata does.
 */
#include "base/cursor.h"
#include "sensor/app/app.h"

enum {
	IAC = 255,
	SUBNEGOTIATION = 250,
	WILL = 251,
	DONT = 254,
	TEXT_MAX = 4096, /* bytes of text without an end that are one piece */
};

enum { FRAME_PDU, FRAME_CTL, FRAME_DATA };

struct telnet {
	enum {
		IDLE,
		NAME_ASKED,
		NAME_GIVEN,
		PASSWORD_ASKED,
		PASSWORD_GIVEN,
		LOGGED_IN,
		REFUSED
	} login;
	/* Of the text that is held: so many bytes have no end in them, of that kind. */
	size_t looked[2];
	bool asked[2];
};

/* The bytes of the command at the front of in; 0: more are needed. */
static size_t command(struct slice in, bool eof)
{
	size_t end, n = 2;

	if (in.len < 2)
		return eof ? in.len : 0;
	if (in.ptr[1] >= WILL && in.ptr[1] <= DONT)
		n = 3;
	if (in.ptr[1] == SUBNEGOTIATION) { /* up to IAC SE, which is a command of its own */
		end = slice_find(slice_part(in, 3, TEXT_MAX), SLICE("\xff\xf0"));
		if (end != SIZE_MAX)
			return 3 + end;
		return in.len >= TEXT_MAX ? TEXT_MAX : eof ? in.len : 0;
	}
	return in.len >= n ? n : eof ? in.len : 0;
}

/* The same of text; *out: what it says, without its end, which does not begin before `from`. */
static size_t text(struct slice in, size_t from, struct slice end, bool eof, struct slice *out)
{
	size_t at = slice_find(slice_from(slice_part(in, 0, TEXT_MAX), from), end);

	at += at != SIZE_MAX ? from : 0;
	*out = slice_part(in, 0, at != SIZE_MAX ? at : TEXT_MAX);
	if (at != SIZE_MAX)
		return at + end.len;
	return in.len >= TEXT_MAX ? TEXT_MAX : eof ? in.len : 0;
}

static void client_says(struct telnet *s)
{
	if (s->login == NAME_ASKED)
		s->login = NAME_GIVEN;
	else if (s->login == PASSWORD_ASKED)
		s->login = PASSWORD_GIVEN;
}

static void server_says(struct telnet *s, struct slice what)
{
	if (s->login == IDLE || s->login == REFUSED)
		s->login = NAME_ASKED;
	else if (s->login == NAME_GIVEN)
		s->login = PASSWORD_ASKED;
	else if (s->login == PASSWORD_GIVEN && what.len != 0)
		s->login = slice_equal(what, SLICE("Login incorrect")) ? REFUSED : LOGGED_IN;
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct telnet *s = f->parser;
	size_t at = 0, n;

	while (at < input.len) {
		struct slice in = slice_from(input, at), what;
		bool asks = dir == APP_TO_CLIENT &&
			    (s->login == IDLE || s->login == REFUSED || s->login == NAME_GIVEN);
		bool is_command = in.ptr[0] == IAC;

		if (s->asked[dir] != asks)
			s->looked[dir] = 0;
		s->asked[dir] = asks;
		n = is_command ? command(in, eof)
			       : text(in, s->looked[dir], asks ? SLICE(": ") : SLICE("\n"), eof,
				      &what);
		s->looked[dir] = n == 0 && !is_command ? in.len - 1 : 0;
		if (n == 0)
			break;
		(void)app_frame_open(f, dir, FRAME_PDU, at, (int64_t)n, NULL);
		(void)app_frame_open(f, dir, is_command ? FRAME_CTL : FRAME_DATA, at, (int64_t)n,
				     NULL);
		if (!is_command && dir == APP_TO_SERVER)
			client_says(s);
		else if (!is_command)
			server_says(s, what);
		at += n;
	}
	return (struct app_result){APP_OK, at};
}

/* Text goes on anywhere. */
static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	struct telnet *s = f->parser;

	(void)missing;
	s->looked[dir] = 0; /* what was held is gone */
	return true;
}

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	(void)f;
	(void)dir;
	if (!port_hint)
		return APP_NO;
	return in.len >= 2 ? APP_YES : APP_NEED_MORE;
}

static const char *const frames[] = {
	[FRAME_PDU] = "pdu", [FRAME_CTL] = "ctl", [FRAME_DATA] = "data", NULL};

static const uint16_t ports[] = {23, 0};

APP_PROTOCOL(telnet) = {
	.name = "telnet",
	.spec = "RFC 854, RFC 855",
	.transports = APP_TCP,
	.ports = ports,
	.frames = frames,
	.parser_bytes = sizeof(struct telnet),
	.probe = probe,
	.parse = parse,
	.gap = gap,
};
