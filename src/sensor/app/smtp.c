/* SPDX-License-Identifier: Apache-2.0
 *
 * SMTP: RFC 5321 (commands, replies, data), RFC 3207 (STARTTLS), RFC 3030 (BDAT), RFC 2920
 * (pipelining). A transaction is a mail: all commands up to the end of its data.
 *
 *	client   COMMANDS --DATA and its 354 (at once, if the server pipelines)--> DATA
 *		 DATA --"."--> COMMANDS
 *		 COMMANDS --BDAT n--> n bytes --> COMMANDS
 *		 COMMANDS --STARTTLS and its 220--> another protocol
 *	server   a reply for each command, in their order; lines with '-' behind the code go on
 *
 * 1. smtp.tx is incomplete, so it is not swept; it is NULL between mails.
 * 2. commands[] are those whose reply has not come, in order.
 * 3. In data, pieces of a line end at its end or every SMTP_LINE_MAX bytes, however it was cut.
 */
#include "sensor/app/smtp_priv.h"

#include "base/cursor.h"
#include "base/text.h"
#include "sensor/app/probe_priv.h"

static void say(struct smtp *s, enum smtp_anomaly a)
{
	if (s->tx != NULL)
		s->tx->anomalies |= UINT64_C(1) << a;
}

static struct smtp_tx *mail(const struct smtp *s)
{
	return s->tx->data;
}

static bool tx_start(struct smtp *s)
{
	s->tx = app_tx_new(s->flow, sizeof(struct smtp_tx));
	if (s->tx == NULL)
		return false;
	*mail(s) = (struct smtp_tx){.smtp = s, .tx = s->tx, .helo = s->helo};
	return true;
}

static void tx_done(struct smtp *s)
{
	if (s->tx == NULL)
		return;
	if (mail(s)->mime != NULL)
		app_mime_end(mail(s)->mime);
	file_set_close(&s->tx->files[APP_TO_SERVER], FILE_TRUNCATED);
	app_tx_advance(s->tx, APP_TO_SERVER, SMTP_DONE);
	app_tx_advance(s->tx, APP_TO_CLIENT, SMTP_DONE);
	s->last_id = s->tx->id;
	s->tx = NULL;
}

/* ---- the mail's parts ---- */

static void part_open(void *ctx, struct slice name)
{
	struct smtp_tx *m = ctx;

	/* no memory: the part goes by unseen */
	(void)app_file_open(m->smtp->flow, m->tx, APP_TO_SERVER, name);
}

static void part_data(void *ctx, struct slice bytes)
{
	struct smtp_tx *m = ctx;
	struct file *f = file_current(&m->tx->files[APP_TO_SERVER]);

	if (f != NULL)
		file_data(f, bytes);
}

static void part_close(void *ctx)
{
	struct smtp_tx *m = ctx;
	struct file *f = file_current(&m->tx->files[APP_TO_SERVER]);

	if (f != NULL)
		file_close(f, FILE_CLOSED);
}

static void say_mime(struct smtp *s)
{
	static const struct {
		uint32_t bit;
		enum smtp_anomaly anomaly;
	} rows[] = {
		{MIME_INVALID_BASE64, SMTP_MIME_INVALID_BASE64},
		{MIME_INVALID_QP, SMTP_MIME_INVALID_QP},
		{MIME_LONG_LINE, SMTP_MIME_LONG_LINE},
		{MIME_LONG_ENC_LINE, SMTP_MIME_LONG_ENC_LINE},
		{MIME_LONG_HEADER_NAME, SMTP_MIME_LONG_HEADER_NAME},
		{MIME_LONG_HEADER_VALUE, SMTP_MIME_LONG_HEADER_VALUE},
		{MIME_LONG_BOUNDARY, SMTP_MIME_LONG_BOUNDARY},
		{MIME_LONG_FILENAME, SMTP_MIME_LONG_FILENAME},
	};
	struct app_mime *m = mail(s)->mime;

	for (size_t i = 0; m->anomalies != 0 && i < sizeof rows / sizeof rows[0]; i++)
		if ((m->anomalies & rows[i].bit) != 0)
			say(s, rows[i].anomaly);
	m->anomalies = 0;
}

/* DATA: what follows is a mail. False: no memory for it. */
static bool mail_start(struct smtp *s)
{
	struct app_mime_sink sink = {NULL, part_open, part_data, part_close};

	if (mail(s)->mime != NULL || s->tx->files[APP_TO_SERVER].count != 0) {
		say(s, SMTP_UNPARSABLE_CONTENT); /* the end of the mail before was not seen */
		tx_done(s);
		if (!tx_start(s))
			return false;
	}
	if (s->settings->raw_extraction)
		(void)app_file_open(s->flow, s->tx, APP_TO_SERVER, SLICE("rawmsg"));
	if (!s->settings->decode_mime)
		return true;
	mail(s)->mime = ARENA_NEW(&s->tx->arena, struct app_mime);
	if (mail(s)->mime == NULL)
		return true; /* the mail goes by unread */
	sink.ctx = mail(s);
	app_mime_start(mail(s)->mime, &s->settings->mime, sink, &s->tx->arena);
	return true;
}

/* A piece of the mail, `end` bytes of line end behind it. RFC 5321 4.5.2: a leading '.' is not
 * part of the mail. */
static void mail_line(struct smtp *s, struct slice piece, uint8_t end)
{
	struct smtp_tx *m = mail(s);
	bool first = !s->in_line;

	s->in_line = end == 0;
	if (first && end != 0 && slice_equal(piece, SLICE("."))) {
		if (m->mime != NULL) {
			app_mime_end(m->mime);
			say_mime(s);
		}
		if (s->settings->raw_extraction)
			part_close(m);
		tx_done(s);
		s->in_data = false;
		if (s->command_count < SMTP_COMMANDS_MAX)
			s->commands[s->command_count++] = SMTP_END_OF_DATA;
		return;
	}
	if (s->settings->raw_extraction)
		part_data(m, (struct slice){piece.ptr, piece.len + end});
	if (m->mime == NULL)
		return;
	if (first && piece.len > 1 && piece.ptr[0] == '.')
		piece = slice_from(piece, 1);
	app_mime_line(m->mime, piece, end);
	say_mime(s);
}

/* ---- commands ---- */

static bool is_command(struct slice line, struct slice word)
{
	return line.len >= word.len && slice_equal_nocase(slice_part(line, 0, word.len), word);
}

/* What stands `skip` bytes and a separator behind the command, up to the next space: RFC 1870 and
 * others put options behind it. */
static struct slice param(struct slice line, size_t skip)
{
	struct slice rest = slice_from(line, skip + 1);

	while (rest.len != 0 && rest.ptr[0] == ' ')
		rest = slice_from(rest, 1);
	return slice_part(slice_split(&rest, ' '), 0, SMTP_PARAM_MAX);
}

static void read_helo(struct smtp *s, struct slice line)
{
	if (s->helo.ptr != NULL) {
		say(s, SMTP_DUPLICATE_FIELDS);
		return;
	}
	s->helo = arena_copy(s->flow->arena, param(line, strlen("HELO")));
	if (s->helo.ptr == NULL)
		s->helo = SLICE("");
	mail(s)->helo = s->helo;
}

static void read_from(struct smtp *s, struct slice line)
{
	if (mail(s)->has_from) {
		say(s, SMTP_DUPLICATE_FIELDS);
		return;
	}
	mail(s)->has_from = true;
	mail(s)->mail_from = arena_copy(&s->tx->arena, param(line, strlen("MAIL FROM")));
}

static void read_rcpt(struct smtp *s, struct slice line)
{
	struct smtp_tx *m = mail(s);

	if (m->rcpt_count < SMTP_RCPTS_MAX)
		/* no memory: one recipient fewer */
		(void)ARENA_PUSH(&s->tx->arena, m->rcpts, m->rcpt_count, m->rcpt_room,
				 arena_copy(&s->tx->arena, param(line, strlen("RCPT TO"))));
}

/* BDAT n [LAST] */
static bool read_bdat(struct smtp *s, struct slice line)
{
	struct slice rest = slice_from(line, strlen("BDAT"));
	size_t spaces = 0;

	while (spaces < rest.len && rest.ptr[spaces] == ' ')
		spaces++;
	rest = slice_from(rest, spaces);
	return spaces != 0 && text_u64(slice_split(&rest, ' '), 0, UINT32_MAX, &s->bdat_left);
}

static bool command_push(struct smtp *s)
{
	uint8_t last = s->command_count != 0 ? s->commands[s->command_count - 1] : SMTP_OTHER;

	/* RFC 2920 3.1: these must be the last of a group */
	if (last == SMTP_STARTTLS || last == SMTP_DATA)
		say(s, SMTP_INVALID_PIPELINED_SEQUENCE);
	if (s->command_count == SMTP_COMMANDS_MAX)
		return false;
	s->commands[s->command_count++] = (uint8_t)s->current;
	return true;
}

/* False: no more can be made of the flow. */
static bool command_line(struct smtp *s, struct slice line)
{
	if (s->tx == NULL && !tx_start(s))
		return false;
	if (!s->welcomed)
		say(s, SMTP_NO_SERVER_WELCOME_MESSAGE);
	s->current = SMTP_OTHER;
	if (is_command(line, SLICE("STARTTLS"))) {
		s->current = SMTP_STARTTLS;
	} else if (is_command(line, SLICE("DATA"))) {
		s->current = SMTP_DATA;
		s->in_data = s->pipelining;
		s->in_line = false;
		if (!mail_start(s))
			return false;
	} else if (is_command(line, SLICE("BDAT"))) {
		s->current = SMTP_BDAT;
		if (!read_bdat(s, line))
			return false;
		s->in_data = s->bdat_left != 0;
	} else if (is_command(line, SLICE("HELO")) || is_command(line, SLICE("EHLO"))) {
		read_helo(s, line);
	} else if (is_command(line, SLICE("MAIL FROM"))) {
		read_from(s, line);
	} else if (is_command(line, SLICE("RCPT TO"))) {
		read_rcpt(s, line);
	} else if (is_command(line, SLICE("RSET"))) {
		s->current = SMTP_RSET;
	}
	return command_push(s);
}

/* ---- replies ---- */

static bool known_code(struct slice line)
{
	static const char *const codes[] = {"211", "214", "220", "221", "235", "250", "251", "252",
					    "334", "354", "421", "450", "451", "452", "454", "455",
					    "500", "501", "502", "503", "504", "521", "525", "530",
					    "534", "535", "550", "551", "552", "553", "554", "555"};

	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (slice_starts(line, slice_of(codes[i])))
			return true;
	return false;
}

/* What the reply to the oldest command without one means. */
static void answer(struct smtp *s, struct slice code)
{
	switch (s->commands[s->command_at]) {
	case SMTP_STARTTLS:
		if (slice_equal(code, SLICE("220"))) {
			if (!app_change(s->flow, "tls"))
				say(s, SMTP_FAILED_PROTOCOL_CHANGE);
			tx_done(s);
		} else {
			say(s, SMTP_TLS_REJECTED);
		}
		break;
	case SMTP_DATA:
		if (slice_equal(code, SLICE("354")))
			s->in_data = s->tx != NULL;
		else
			say(s, SMTP_DATA_COMMAND_REJECTED);
		break;
	case SMTP_RSET:
		if (slice_equal(code, SLICE("250")) && !s->multiline)
			tx_done(s);
		break;
	default:
		break;
	}
}

static bool reply_line(struct smtp *s, struct slice line)
{
	struct slice code = slice_part(line, 0, 3);

	if (line.len == 0)
		return true;
	s->multiline = line.len >= 4 && line.ptr[3] == '-';
	if (line.len < 3 || !known_code(line)) {
		say(s, SMTP_INVALID_REPLY);
		return false;
	}
	if (s->command_count == 0) {
		if (!s->welcomed && !slice_equal(code, SLICE("220")))
			say(s, SMTP_INVALID_REPLY);
		s->welcomed = s->welcomed || !s->multiline;
		return true;
	}
	answer(s, code);
	if (s->multiline) {
		s->pipelining |= slice_equal(code, SLICE("250")) &&
				 slice_equal_nocase(slice_from(line, 4), SLICE("PIPELINING"));
	} else if (++s->command_at == s->command_count) {
		s->command_at = s->command_count = 0;
	}
	return true;
}

/* ---- lines ---- */

enum taken { TAKEN, TOO_LONG, NOT_YET };

/* A line, or SMTP_LINE_MAX bytes of one that is longer; out_end is how long its end is, 0: it has
 * none. At the end of the direction, what is left. */
static enum taken take(struct cursor *c, bool eof, struct slice *out, uint8_t *out_end)
{
	size_t left = cursor_left(c), most = left < SMTP_LINE_MAX ? left : SMTP_LINE_MAX;
	const uint8_t *lf = left != 0 ? memchr(c->at, '\n', most) : NULL;

	*out_end = 0;
	if (lf == NULL) {
		if (left < SMTP_LINE_MAX && !(eof && left != 0))
			return NOT_YET;
		*out = cursor_take(c, most);
		return TOO_LONG;
	}
	*out = cursor_take(c, (size_t)(lf - c->at) + 1);
	*out_end = out->len >= 2 && out->ptr[out->len - 2] == '\r' ? 2 : 1;
	out->len -= *out_end;
	return TAKEN;
}

/* BDAT: bytes are counted, lines mean nothing. A chunk that ends within a line is odd: clients end
 * chunks with lines, so the count is a lie, or meant to be misread. */
static void bdat(struct smtp *s, struct cursor *c)
{
	size_t left = cursor_left(c), n = left < s->bdat_left ? left : (size_t)s->bdat_left;
	struct slice bytes = cursor_take(c, n);

	s->bdat_left -= n;
	if (s->bdat_left != 0)
		return;
	s->in_data = false;
	s->in_line = bytes.ptr[n - 1] != '\n';
}

/* The mail's frame: from its first byte on, to the end of the "." line. */
static void data_frame(struct smtp *s, size_t from, size_t to)
{
	if (s->data_frame == 0 && s->in_data)
		s->data_frame =
			app_frame_open(s->flow, APP_TO_SERVER, SMTP_FRAME_DATA, from, -1, s->tx);
	if (s->in_data)
		return;
	app_frame_close(s->flow, APP_TO_SERVER, s->data_frame, to);
	s->data_frame = 0;
}

/* `input`: where the cursor started. */
static enum taken client_step(struct smtp *s, struct cursor *c, struct slice input, bool eof,
			      bool *out_stuck)
{
	size_t from = input.len - cursor_left(c);
	struct slice line;
	enum taken t;
	uint8_t end;

	if (s->in_data && s->current == SMTP_BDAT && cursor_left(c) != 0) {
		bdat(s, c);
		return TAKEN;
	}
	t = take(c, eof, &line, &end);
	if (t == NOT_YET)
		return t;
	if (s->in_data && s->tx != NULL && s->current == SMTP_DATA) {
		data_frame(s, from, 0);
		mail_line(s, line, end);
		data_frame(s, 0, input.len - cursor_left(c));
		return t;
	}
	if (s->in_line) /* behind a BDAT */
		say(s, SMTP_BDAT_CHUNK_LEN_EXCEEDED);
	s->in_line = false;
	if (s->drop[APP_TO_SERVER]) {
		s->drop[APP_TO_SERVER] = t == TOO_LONG;
		return t;
	}
	*out_stuck = !command_line(s, line);
	(void)app_frame_open(s->flow, APP_TO_SERVER, SMTP_FRAME_COMMAND, from,
			     (int64_t)(line.len + end), s->tx);
	if (t == TOO_LONG && !eof) {
		say(s, SMTP_TRUNCATED_LINE);
		s->drop[APP_TO_SERVER] = true;
	}
	return t;
}

static enum taken server_step(struct smtp *s, struct cursor *c, struct slice input, bool eof,
			      bool *out_stuck)
{
	size_t from = input.len - cursor_left(c);
	const struct app_tx was = {.id = s->last_id}; /* the mail that is answered for is over */
	struct slice line;
	uint8_t end;
	enum taken t = take(c, eof, &line, &end);

	if (t == NOT_YET)
		return t;
	if (s->drop[APP_TO_CLIENT]) {
		s->drop[APP_TO_CLIENT] = t == TOO_LONG;
		return t;
	}
	(void)app_frame_open(
		s->flow, APP_TO_CLIENT, SMTP_FRAME_RESPONSE, from, (int64_t)(line.len + end),
		s->command_count != 0 && s->commands[s->command_at] == SMTP_END_OF_DATA ? &was
											: s->tx);
	/* what is too long for a line and begins like none is no answer: it goes by */
	*out_stuck = !(t == TOO_LONG && !known_code(line)) && !reply_line(s, line);
	if (t == TOO_LONG && !eof) {
		say(s, SMTP_TRUNCATED_LINE);
		s->drop[APP_TO_CLIENT] = true;
	}
	return t;
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct smtp *s = f->parser;
	struct cursor c = cursor_of(input);
	bool stuck = false;

	s->flow = f;
	s->settings = f->own;
	while (!stuck && !f->changing &&
	       (dir == APP_TO_SERVER ? client_step : server_step)(s, &c, input, eof, &stuck) !=
		       NOT_YET)
		;
	if (stuck || (eof && dir == APP_TO_SERVER)) {
		/* what came of the mail: its files are cut off, not complete */
		if (s->tx != NULL)
			file_set_close(&s->tx->files[APP_TO_SERVER], FILE_TRUNCATED);
		if (s->tx != NULL && mail(s)->mime != NULL)
			app_mime_end(mail(s)->mime);
	}
	return (struct app_result){stuck ? APP_STUCK : APP_OK, input.len - cursor_left(&c),
				   f->changing ? 0 : SMTP_LINE_MAX, true};
}

/* A line with a hole in it is no command: the direction ends here. */
static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	return false;
}

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	static const char *const commands[] = {"EHLO", "HELO", "LHLO ", "QUIT\r\n", NULL};
	static const char *const greeting[] = {"220 ", "220-", NULL};

	(void)f;
	if (dir == APP_TO_SERVER)
		return app_probe_words(in, commands);
	return app_probe_greeting(in, greeting, port_hint, SLICE("SMTP"));
}

static const uint16_t ports[] = {25, 465, 587, 2525, 0};

static const char *const frames[] = {
	[SMTP_FRAME_COMMAND] = "command_line",
	[SMTP_FRAME_DATA] = "data",
	[SMTP_FRAME_RESPONSE] = "response_line",
	NULL,
};

static const char *const anomalies[] = {
#define X(name) #name,
	SMTP_ANOMALIES(X)
#undef X
		NULL,
};

APP_PROTOCOL(smtp) = {
	.name = "smtp",
	.spec = "RFC 5321, RFC 3030, RFC 3207, RFC 2045",
	.transports = APP_TCP,
	.ports = ports,
	.fields = app_smtp_fields,
	.files = 1u << APP_TO_SERVER,
	.anomalies = anomalies,
	.frames = frames,
	.complete = {SMTP_DONE, SMTP_DONE},
	.parser_bytes = sizeof(struct smtp),
	.probe = probe,
	.parse = parse,
	.gap = gap,
	.log = app_smtp_log,
	.log_configure = app_smtp_log_configure,
	.configure = app_smtp_configure,
};
