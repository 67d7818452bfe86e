/* SPDX-License-Identifier: Apache-2.0
 *
 * FTP's control connection: RFC 959 (commands, replies), RFC 2428 (EPRT, EPSV), RFC 4217 (AUTH
 * TLS). A transaction is a command and all lines of its answer; what the server says unasked, its
 * greeting first, is one without a command. Commands that nobody knows are passed over.
 *
 * A preliminary answer (1yz) leaves the transaction open for the one that follows. The ports that
 * the two agree on are told to whoever sees the other flows: app_expect().
 *
 * 1. Lines end at their end or after line_max bytes; the rest of a longer one is passed over.
 * 2. An answer belongs to the oldest transaction that is not complete.
 */
#include "sensor/app/ftp_priv.h"

#include "base/cursor.h"
#include "base/text.h"
#include "sensor/app/probe_priv.h"

struct ftp {
	bool drop[2];	/* the rest of a line that is too long */
	uint16_t port;	/* of the data connection that comes; 0: none is agreed on */
	bool active;	/* the server opens it */
	uint64_t after; /* transactions below this id have their answer */
};

static const struct {
	const char *name;
	enum ftp_code code;
} commands[] = {
	{"PORT", FTP_PORT},  {"EPRT", FTP_EPRT},   {"AUTH TLS", FTP_AUTH_TLS}, {"PASV", FTP_PASV},
	{"EPSV", FTP_EPSV},  {"RETR", FTP_RETR},   {"STOR", FTP_STOR},	       {"ABOR", FTP_OTHER},
	{"ACCT", FTP_OTHER}, {"ALLO", FTP_OTHER},  {"APPE", FTP_OTHER},	       {"AUTH", FTP_OTHER},
	{"CDUP", FTP_OTHER}, {"CHMOD", FTP_OTHER}, {"CWD", FTP_OTHER},	       {"DELE", FTP_OTHER},
	{"FEAT", FTP_OTHER}, {"HELP", FTP_OTHER},  {"IDLE", FTP_OTHER},	       {"LIST", FTP_OTHER},
	{"MAIL", FTP_OTHER}, {"MDTM", FTP_OTHER},  {"MKD", FTP_OTHER},	       {"MLFL", FTP_OTHER},
	{"MODE", FTP_OTHER}, {"MRCP", FTP_OTHER},  {"MRSQ", FTP_OTHER},	       {"MSAM", FTP_OTHER},
	{"MSND", FTP_OTHER}, {"MSOM", FTP_OTHER},  {"NLST", FTP_OTHER},	       {"NOOP", FTP_OTHER},
	{"OPTS", FTP_OTHER}, {"PASS", FTP_OTHER},  {"PBSZ", FTP_OTHER},	       {"PROT", FTP_OTHER},
	{"PWD", FTP_OTHER},  {"QUIT", FTP_OTHER},  {"REIN", FTP_OTHER},	       {"REST", FTP_OTHER},
	{"RMD", FTP_OTHER},  {"RNFR", FTP_OTHER},  {"RNTO", FTP_OTHER},	       {"SITE", FTP_OTHER},
	{"SIZE", FTP_OTHER}, {"SMNT", FTP_OTHER},  {"STAT", FTP_OTHER},	       {"STOU", FTP_OTHER},
	{"STRU", FTP_OTHER}, {"SYST", FTP_OTHER},  {"TYPE", FTP_OTHER},	       {"UMASK", FTP_OTHER},
	{"USER", FTP_OTHER},
};

static struct ftp_tx *own(struct app_tx *tx)
{
	return tx->data;
}

static struct slice line_copy(struct app_tx *tx, struct slice line)
{
	while (line.len != 0 && text_is_space(line.ptr[line.len - 1]))
		line.len--;
	line = arena_copy(&tx->arena, line);
	return line.ptr != NULL ? line : SLICE("");
}

static void tx_done(struct ftp *s, struct app_tx *tx)
{
	own(tx)->answered = true;
	own(tx)->received = 1;
	s->after = tx->id + 1;
	app_tx_advance(tx, APP_TO_SERVER, FTP_DONE);
	app_tx_advance(tx, APP_TO_CLIENT, FTP_DONE);
}

/* ---- commands ---- */

/* RETR and STOR: who looks at the flows shall know what the next one to the port carries. */
static void expect(struct app_flow *f, const struct ftp_tx *o)
{
	struct ftp *s = f->parser;
	struct slice name = slice_trim(slice_from(o->line, strlen("RETR")));
	struct ftp_transfer t;

	if (s->port == 0 || name.len == 0)
		return;
	name = slice_part(name, 0, FTP_NAME_MAX);
	t.store = o->code == FTP_STOR;
	t.to_client = s->active == t.store;
	t.name_bytes = (uint16_t)name.len;
	memcpy(t.name, name.ptr, name.len);
	app_expect(f, "ftp-data", s->port,
		   (struct slice){(const uint8_t *)&t,
				  offsetof(struct ftp_transfer, name) + name.len});
	s->port = 0;
	s->active = false;
}

static bool command_line(struct app_flow *f, struct slice line, bool cut)
{
	struct app_tx *tx;
	struct ftp_tx *o;
	size_t i = 0;

	while (i < sizeof commands / sizeof commands[0]) {
		struct slice name = slice_of(commands[i].name);

		if (line.len >= name.len &&
		    slice_equal_nocase(slice_part(line, 0, name.len), name) &&
		    (line.len == name.len || text_is_space(line.ptr[name.len])))
			break;
		i++;
	}
	if (i == sizeof commands / sizeof commands[0])
		return true;
	tx = app_tx_new(f, sizeof(struct ftp_tx));
	if (tx == NULL)
		return false;
	o = own(tx);
	o->command = commands[i].name;
	o->code = commands[i].code;
	o->line = line_copy(tx, line);
	o->line_cut = cut;
	if (cut)
		tx->anomalies |= UINT64_C(1) << FTP_REQUEST_TOO_LONG;
	if (o->code == FTP_RETR || o->code == FTP_STOR)
		expect(f, o);
	return true;
}

/* ---- replies ---- */

static struct app_tx *tx_open(const struct app_flow *f)
{
	const struct ftp *s = f->parser;
	struct app_tx *tx = f->first;

	while (tx != NULL && (tx->id < s->after || own(tx)->answered))
		tx = tx->next;
	return tx;
}

static bool has_code(struct slice line)
{
	return line.len >= 3 && text_is_digit(line.ptr[0]) && text_is_digit(line.ptr[1]) &&
	       text_is_digit(line.ptr[2]);
}

static void reply_add(struct app_tx *tx, struct slice line)
{
	struct ftp_tx *o = own(tx);
	struct slice whole = line_copy(tx, line);
	struct ftp_reply r = {.text = whole};

	if (whole.len == 0 || o->reply_count == FTP_REPLIES_MAX)
		return;
	if (has_code(whole) && whole.len > 3 && whole.ptr[3] == ' ') {
		r.code = slice_part(whole, 0, 3);
		r.text = slice_from(whole, 4);
	}
	/* no memory: one line fewer */
	(void)ARENA_PUSH(&tx->arena, o->replies, o->reply_count, o->reply_room, r);
}

/* Where the data connection goes, and who opens it. */
static void agree(struct ftp *s, struct ftp_tx *o, uint16_t port, bool active)
{
	o->port = s->port = port;
	o->number = port;
	o->active = s->active = active;
	o->mode = active;
}

static void answer(struct app_flow *f, struct ftp_tx *o, struct slice line)
{
	struct ftp *s = f->parser;
	uint16_t port;

	switch (o->code) {
	case FTP_AUTH_TLS:
		if (slice_starts(line, SLICE("234 ")))
			(void)app_change(f, "tls");
		break;
	case FTP_EPRT:
		if (app_ftp_eprt(o->line, &port, &o->at))
			agree(s, o, port, true);
		break;
	case FTP_PORT:
		if (app_ftp_port(o->line, &port, &o->at))
			agree(s, o, port, true);
		break;
	case FTP_PASV:
		if (slice_starts(line, SLICE("227 ")) && app_ftp_pasv(line, &port))
			agree(s, o, port, false);
		break;
	case FTP_EPSV:
		if (slice_starts(line, SLICE("229 ")) && app_ftp_epsv(line, &port))
			agree(s, o, port, false);
		break;
	case FTP_UNKNOWN:
	case FTP_OTHER:
	case FTP_RETR:
	case FTP_STOR:
		break;
	}
}

static bool reply_line(struct app_flow *f, struct slice line, bool cut)
{
	struct app_tx *tx = tx_open(f);
	struct ftp_tx *o;
	bool coded = has_code(line);

	if (tx == NULL)
		tx = app_tx_new(f, sizeof(struct ftp_tx));
	if (tx == NULL)
		return false;
	o = own(tx);
	o->reply_cut |= cut;
	if (cut)
		tx->anomalies |= UINT64_C(1) << FTP_RESPONSE_TOO_LONG;
	answer(f, o, line);
	reply_add(tx, line);
	if (coded && line.len > 3 && line.ptr[3] == '-')
		o->multiline = true;
	else if (coded && (line.len == 3 || text_is_space(line.ptr[3])))
		o->multiline = false;
	if (!o->multiline && !(coded && line.ptr[0] == '1'))
		tx_done(f->parser, tx);
	return true;
}

/* ---- lines ---- */

/* The next line, or as much of it as counts. False: more bytes are needed. */
static bool take(struct cursor *c, size_t most, bool eof, struct slice *out, bool *out_more)
{
	size_t left = cursor_left(c), look = left < most ? left : most;
	const uint8_t *lf = left != 0 ? memchr(c->at, '\n', look) : NULL;

	*out_more = lf == NULL;
	if (lf != NULL)
		*out = cursor_take(c, (size_t)(lf - c->at) + 1);
	else if (left >= most || (eof && left != 0))
		*out = cursor_take(c, look);
	else
		return false;
	return true;
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	const struct ftp_settings *settings = f->own;
	struct ftp *s = f->parser;
	struct cursor c = cursor_of(input);
	bool ok = true, more;
	struct slice line;

	while (ok && !f->changing && take(&c, settings->line_max, eof, &line, &more)) {
		bool dropped = s->drop[dir], cut = more && !eof;

		s->drop[dir] = more;
		if (dropped)
			continue;
		ok = dir == APP_TO_SERVER ? command_line(f, line, cut) : reply_line(f, line, cut);
	}
	return (struct app_result){ok ? APP_OK : APP_STUCK, input.len - cursor_left(&c),
				   f->changing ? 0 : settings->line_max, true};
}

static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	return false;
}

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	static const char *const words[] = {"USER ",	"PASS ",    "PORT ", "FEAT",
					    "AUTH SSL", "AUTH TLS", NULL};
	static const char *const greeting[] = {"220 ", "220-", NULL};
	static const char *const own_greeting[] = {"220 (", NULL};
	enum app_probe r;

	(void)f;
	if (dir == APP_TO_SERVER)
		return app_probe_words(in, words);
	r = app_probe_words(in, own_greeting);
	return r != APP_NO ? r : app_probe_greeting(in, greeting, port_hint, SLICE("FTP"));
}

static const void *configure(struct config *config, struct arena *a)
{
	struct ftp_settings *s = ARENA_NEW(a, struct ftp_settings);
	uint64_t most =
		config_size(config, "app-layer.protocols.ftp.max-line-length", FTP_LINE_MAX);

	if (s != NULL)
		s->line_max = most < 16 ? 16 : most > FTP_LINE_MOST ? FTP_LINE_MOST : (size_t)most;
	return s;
}

static const uint16_t ports[] = {21, 0};

static const char *const anomalies[] = {
	[FTP_REQUEST_TOO_LONG] = "request_command_too_long",
	[FTP_RESPONSE_TOO_LONG] = "response_command_too_long",
	NULL,
};

APP_PROTOCOL(ftp) = {
	.name = "ftp",
	.spec = "RFC 959, RFC 2428, RFC 4217",
	.transports = APP_TCP,
	.ports = ports,
	.fields = app_ftp_fields,
	.anomalies = anomalies,
	.complete = {FTP_DONE, FTP_DONE},
	.parser_bytes = sizeof(struct ftp),
	.probe = probe,
	.parse = parse,
	.gap = gap,
	.log = app_ftp_log,
	.configure = configure,
};
