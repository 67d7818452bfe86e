/* SPDX-License-Identifier: Apache-2.0
 *
 * POP3: RFC 1939, RFC 2449 (CAPA), RFC 5034 (AUTH), RFC 2595 4 (STLS). A transaction is a command
 * and its answer; the greeting is one without a command. Which answers have several lines the
 * command tells. "+OK" alone is said by others too, so it must come from POP3's port or name the
 * protocol.
 */
#include "base/cursor.h"
#include "base/json.h"
#include "base/text.h"
#include "sensor/app/probe_priv.h"

enum {
	LINE_BYTES = 1024,	/* of a line that are read */
	COMMAND_MAX = 255,	/* bytes of a command with its end: RFC 2449 4 */
	ANSWER_MAX = 512,	/* the same of an answer's first line */
	TXS_MAX = 256,		/* open at once: Suricata's default */
	ARGS_MAX = 8,		/* of a command */
	LINES_KEPT = 256,	/* of an answer */
	ANSWER_KEPT = 32 << 10, /* bytes of an answer */
	POP3_DONE = 1,
};

enum { TOO_MANY, REQUEST_LONG, ARGUMENTS, UNKNOWN_COMMAND, RESPONSE_LONG };

struct pop3_setup {
	uint32_t txs_most;
};

struct pop3_tx {
	struct slice command; /* ptr NULL: the greeting */
	struct slice args[ARGS_MAX];
	uint8_t arg_count;
	bool many;   /* the answer has lines behind its first, if it is +OK */
	bool secret; /* an answer to the server's challenge */
	bool answered, ok;
	struct slice header;
	struct slice *lines;
	size_t line_count, line_room, kept;
};

struct pop3 {
	bool drop[2];	 /* the rest of a line that is too long */
	bool in_lines;	 /* of the oldest transaction's answer */
	bool challenged; /* what the client says next is no command */
};

static struct pop3_tx *own(struct app_tx *tx)
{
	return tx->data;
}

static bool is(struct slice a, const char *word)
{
	return slice_equal_nocase(a, slice_of(word));
}

static bool has_many(const struct pop3_tx *o)
{
	if (is(o->command, "CAPA") || is(o->command, "RETR") || is(o->command, "TOP"))
		return true;
	if (is(o->command, "LIST") || is(o->command, "UIDL") || is(o->command, "AUTH"))
		return o->arg_count == 0;
	return false;
}

/* The commands of RFC 1939, 2449, 2595, 5034 and 6856, with how many arguments they take. */
static const struct command {
	const char *name;
	uint8_t least, most;
} known[] = {
	{"USER", 1, 1}, {"PASS", 1, UINT8_MAX}, {"APOP", 2, 2}, {"STAT", 0, 0}, {"LIST", 0, 1},
	{"RETR", 1, 1}, {"DELE", 1, 1},		{"NOOP", 0, 0}, {"RSET", 0, 0}, {"QUIT", 0, 0},
	{"TOP", 2, 2},	{"UIDL", 0, 1},		{"CAPA", 0, 0}, {"STLS", 0, 0}, {"AUTH", 0, 2},
	{"UTF8", 0, 1}, {"LANG", 0, 1},
};

static void say(struct app_tx *tx, unsigned anomaly)
{
	tx->anomalies |= UINT64_C(1) << anomaly;
}

static void check_command(struct app_tx *tx, size_t arguments)
{
	const struct pop3_tx *o = own(tx);

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (slice_equal(o->command, slice_of(known[i].name))) {
			if (arguments < known[i].least || arguments > known[i].most)
				say(tx, ARGUMENTS);
			return;
		}
	say(tx, UNKNOWN_COMMAND);
}

static struct slice upper(struct arena *a, struct slice word)
{
	uint8_t *out = word.len != 0 ? ARENA_ARRAY(a, uint8_t, word.len) : NULL;

	if (out == NULL)
		return SLICE("");
	for (size_t i = 0; i < word.len; i++)
		out[i] = text_is_alpha(word.ptr[i]) ? (uint8_t)(word.ptr[i] & ~0x20) : word.ptr[i];
	return (struct slice){out, word.len};
}

static struct app_tx *tx_open(const struct app_flow *f)
{
	struct app_tx *tx = f->first;

	while (tx != NULL && tx->progress[APP_TO_CLIENT] >= POP3_DONE)
		tx = tx->next;
	return tx;
}

static void tx_done(struct app_tx *tx)
{
	app_tx_advance(tx, APP_TO_SERVER, POP3_DONE);
	app_tx_advance(tx, APP_TO_CLIENT, POP3_DONE);
}

/* Past the limit the oldest one that is open is given up. */
static struct app_tx *tx_new(struct app_flow *f)
{
	const struct pop3_setup *setup = f->own;
	struct app_tx *oldest = f->open_txs >= setup->txs_most ? tx_open(f) : NULL;

	if (oldest != NULL) {
		say(oldest, TOO_MANY);
		tx_done(oldest);
	}
	return app_tx_new(f, sizeof(struct pop3_tx));
}

static bool command_line(struct app_flow *f, struct slice line, bool more)
{
	struct pop3 *s = f->parser;
	struct slice rest = slice_trim(line);
	size_t arguments = 0;
	struct app_tx *tx;
	struct pop3_tx *o;

	if (rest.len == 0)
		return true;
	tx = tx_new(f);
	if (tx == NULL)
		return false;
	o = own(tx);
	if (more || line.len + 2 > COMMAND_MAX)
		say(tx, REQUEST_LONG);
	o->secret = s->challenged;
	s->challenged = false;
	if (o->secret) {
		o->command = SLICE("<SASL DATA>");
		return true;
	}
	o->command = upper(&tx->arena, slice_split(&rest, ' '));
	while (rest.len != 0) {
		struct slice arg = slice_split(&rest, ' ');

		if (arg.len == 0)
			continue;
		arguments++;
		if (o->arg_count < ARGS_MAX)
			o->args[o->arg_count++] = arena_copy(&tx->arena, arg);
	}
	check_command(tx, arguments);
	o->many = has_many(o);
	return true;
}

static void line_keep(struct app_tx *tx, struct slice line)
{
	struct pop3_tx *o = own(tx);

	if (line.len > 1 && line.ptr[0] == '.') /* RFC 1939 3 */
		line = slice_from(line, 1);
	if (o->line_count == LINES_KEPT || o->kept + line.len > ANSWER_KEPT)
		return;
	o->kept += line.len;
	/* no memory: one line fewer */
	(void)ARENA_PUSH(&tx->arena, o->lines, o->line_count, o->line_room,
			 arena_copy(&tx->arena, line));
}

static bool reply_line(struct app_flow *f, struct slice line, bool more)
{
	struct pop3 *s = f->parser;
	struct app_tx *tx = tx_open(f);
	struct pop3_tx *o;

	if (tx == NULL)
		tx = tx_new(f);
	if (tx == NULL)
		return false;
	o = own(tx);
	if (!s->in_lines && (more || line.len + 2 > ANSWER_MAX))
		say(tx, RESPONSE_LONG);
	if (s->in_lines) {
		if (!slice_equal(line, SLICE("."))) {
			line_keep(tx, line);
			return true;
		}
		s->in_lines = false;
		tx_done(tx);
		return true;
	}
	o->answered = true;
	o->ok = slice_starts(line, SLICE("+"));
	s->challenged = o->ok && !slice_starts(line, SLICE("+OK"));
	if (!o->ok && !slice_starts(line, SLICE("-ERR")))
		return false;
	line = slice_from(line, s->challenged ? 1 : o->ok ? 3 : 4);
	o->header = arena_copy(&tx->arena, slice_trim(line));
	if (is(o->command, "STLS") && o->ok)
		(void)app_change(f, "tls");
	s->in_lines = o->ok && o->many && !s->challenged;
	if (!s->in_lines)
		tx_done(tx);
	return true;
}

/* The next line without its end, or its first LINE_BYTES. False: more bytes are needed. */
static bool take(struct cursor *c, bool eof, struct slice *out, bool *out_more)
{
	size_t left = cursor_left(c), look = left < LINE_BYTES ? left : LINE_BYTES;
	const uint8_t *lf = left != 0 ? memchr(c->at, '\n', look) : NULL;

	*out_more = lf == NULL;
	if (lf != NULL)
		*out = cursor_take(c, (size_t)(lf - c->at) + 1);
	else if (left >= LINE_BYTES || (eof && left != 0))
		*out = cursor_take(c, look);
	else
		return false;
	if (slice_ends(*out, SLICE("\n")))
		out->len--;
	if (slice_ends(*out, SLICE("\r")))
		out->len--;
	return true;
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct pop3 *s = f->parser;
	struct cursor c = cursor_of(input);
	bool ok = true, more;
	struct slice line;

	while (ok && !f->changing && take(&c, eof, &line, &more)) {
		bool dropped = s->drop[dir];

		s->drop[dir] = more;
		if (dropped)
			continue;
		ok = dir == APP_TO_SERVER ? command_line(f, line, more) : reply_line(f, line, more);
	}
	return (struct app_result){ok ? APP_OK : APP_STUCK, input.len - cursor_left(&c)};
}

static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	return false;
}

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	static const char *const commands[] = {"USER ",	   "APOP ", "CAPA\r\n",
					       "STLS\r\n", "AUTH ", NULL};
	static const char *const greeting[] = {"+OK ", "+OK\r\n", NULL};

	(void)f;
	if (dir == APP_TO_SERVER)
		return port_hint ? app_probe_words(in, commands) : APP_NO;
	return app_probe_greeting(in, greeting, port_hint, SLICE("POP3"));
}

/* ---- the record ---- */

static void put_list(struct json *j, const char *key, const struct slice *list, size_t n)
{
	json_key(j, key);
	json_array(j);
	for (size_t i = 0; i < n; i++)
		json_str(j, list[i]);
	json_end(j);
}

static void put_answer(struct json *j, const struct pop3_tx *o)
{
	json_key(j, "response");
	json_object(j);
	json_key(j, "success");
	json_bool(j, o->ok);
	json_key(j, "status");
	json_z(j, o->ok ? "OK" : "ERR");
	json_key(j, "header");
	json_str(j, o->header);
	if (o->line_count != 0)
		put_list(j, "data", o->lines, o->line_count);
	json_end(j);
}

static bool log_tx(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct pop3_tx *o = own(tx);
	struct buf text = buf_in(scratch);
	struct json j = json_in(&text);

	if (n != 0)
		return false;
	json_object(&j);
	if (o->command.ptr != NULL) {
		json_key(&j, "request");
		json_object(&j);
		json_key(&j, "command");
		json_str(&j, o->command);
		if (o->arg_count != 0)
			put_list(&j, "args", o->args, o->arg_count);
		json_end(&j);
	}
	if (o->answered)
		put_answer(&j, o);
	json_end(&j);
	return !text.full && record_object(r, scratch, "pop3", buf_slice(&text));
}

static const void *configure(struct config *config, struct arena *a)
{
	struct pop3_setup *s = ARENA_NEW(a, struct pop3_setup);

	if (s != NULL)
		s->txs_most = (uint32_t)config_u64(config, "app-layer.protocols.pop3.max-tx", 1,
						   APP_TXS_MAX, TXS_MAX);
	return s;
}

static const char *const anomalies[] = {
	[TOO_MANY] = "too_many_transactions",	  [REQUEST_LONG] = "request_too_long",
	[ARGUMENTS] = "incorrect_argument_count", [UNKNOWN_COMMAND] = "unknown_command",
	[RESPONSE_LONG] = "response_too_long",	  NULL};

static const uint16_t ports[] = {110, 0};

APP_PROTOCOL(pop3) = {
	.name = "pop3",
	.spec = "RFC 1939, RFC 2449, RFC 2595, RFC 5034",
	.transports = APP_TCP,
	.ports = ports,
	.anomalies = anomalies,
	.complete = {POP3_DONE, POP3_DONE},
	.parser_bytes = sizeof(struct pop3),
	.probe = probe,
	.parse = parse,
	.gap = gap,
	.log = log_tx,
	.configure = configure,
};
