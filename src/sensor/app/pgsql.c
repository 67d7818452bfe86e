/* SPDX-License-Identifier: Apache-2.0
 *
 * PostgreSQL's frontend/backend protocol 3: postgresql.org/docs, protocol-message-formats.
 *
 * A transaction is a request and the messages that answer it. What the bytes mean depends on what
 * was said before: only the first message of a client has no type, a 'p' is a password or a SASL
 * message, and one byte answers an SSL request. Those few states are enum state; the messages of a
 * transaction are kept as they came (rows and copied data are counted) and written by pgsql_log.c.
 */
#include "sensor/app/pgsql_priv.h"

enum pgsql_anomaly {
	PGSQL_LENGTH,
	PGSQL_BAD_REQUEST,
	PGSQL_BAD_RESPONSE,
	PGSQL_TOO_MANY,
	PGSQL_RESPONSES,
};

enum {
	START_BYTES = 8,
	CODE_CANCEL = 80877102,
	CODE_SSL = 80877103,
	CODE_GSS = 80877104,
	MESSAGE_HELD_MAX = 256 << 10, /* bytes of a message; longer ones are passed over */
	KEPT_MAX = 64 << 10,	      /* bytes kept of one message */
	RESPONSES_MAX = 512,	      /* of one transaction */
	TXS_DEFAULT = 1024,
	PROBE_TEXT_MAX = 1024, /* bytes of a query whose end is looked for */
};

enum state {
	STATE_IDLE,
	STATE_SSL_ASKED,
	STATE_PASSWORD, /* the server asked for one */
	STATE_SASL,	/* the server offered mechanisms */
	STATE_SASL_GOES_ON,
	STATE_COPY_IN,
};

struct settings {
	uint32_t tx_most;
};

struct side {
	bool lost;
	uint64_t skip; /* bytes of a message that nobody wants */
};

struct pgsql {
	enum state state;
	bool started;  /* the client has said something with a type */
	bool followed; /* a request was seen: what nobody asked for is not told any more */
	struct side side[2];
};

static void anomaly(struct app_tx *tx, enum pgsql_anomaly a)
{
	if (tx != NULL)
		tx->anomalies |= UINT64_C(1) << a;
}

/* --- probing --- */

static bool is_request(uint8_t type)
{
	return type != 0 && strchr("BCDEFHPQSXcdfp", type) != NULL;
}

static bool is_response(uint8_t type)
{
	return type != 0 && strchr("123ACDEGHIKNRSTVWZcdnstv", type) != NULL;
}

static enum app_probe probe_start(struct slice in)
{
	struct cursor c = cursor_of(in);
	uint32_t length = cursor_be32(&c), code = cursor_be32(&c);

	if (!cursor_ok(&c))
		return in.len != 0 && in.ptr[0] != 0 ? APP_NO : APP_NEED_MORE;
	if (code == CODE_SSL || code == CODE_GSS)
		return length == START_BYTES ? APP_YES : APP_NO;
	if (code == CODE_CANCEL)
		return length == 16 ? APP_YES : APP_NO;
	if (code >> 16 != 3 || length < 13 || length > 10000)
		return APP_NO;
	if (in.len < 13)
		return APP_NEED_MORE;
	return slice_equal(slice_part(in, 8, 5), SLICE("user\0")) ||
			       (in.ptr[8] >= 'a' && in.ptr[8] <= 'z')
		       ? APP_YES
		       : APP_NO;
}

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	struct cursor c = cursor_of(in);
	uint8_t type = cursor_u8(&c);
	uint32_t length = cursor_be32(&c);

	(void)f;
	if (!port_hint)
		return APP_NO;
	if (in.len == 0)
		return APP_NEED_MORE;
	if (dir == APP_TO_SERVER && type == 0)
		return probe_start(in);
	if (dir == APP_TO_CLIENT && (type == 'S' || type == 'N')) /* an answer about SSL, too */
		return APP_YES;
	if (type == 0 || strchr(dir == APP_TO_SERVER ? "QXp" : "RKZTDCE", type) == NULL)
		return APP_NO;
	if (!cursor_ok(&c))
		return APP_NEED_MORE;
	if (length < 4 || length > MESSAGE_HELD_MAX)
		return APP_NO;
	if (type == 'X')
		return length == 4 ? APP_YES : APP_NO;
	if (type != 'Q' && type != 'p')
		return APP_YES;
	if (length > PROBE_TEXT_MAX)
		return APP_YES;
	if (in.len <= length) /* a text ends with its NUL */
		return APP_NEED_MORE;
	return length > 4 && in.ptr[length] == 0 ? APP_YES : APP_NO;
}

/* --- transactions --- */

static bool is_open(const struct app_tx *tx)
{
	return tx->progress[APP_TO_CLIENT] == 0;
}

static void complete(struct app_tx *tx)
{
	app_tx_advance(tx, APP_TO_SERVER, 1);
	app_tx_advance(tx, APP_TO_CLIENT, 1);
}

static struct app_tx *tx_new(struct app_flow *f)
{
	const struct settings *set = f->own;
	uint32_t most = set != NULL ? set->tx_most : TXS_DEFAULT - 1;
	struct app_tx *tx;

	if (f->open_txs >= most)
		for (tx = f->first; tx != NULL; tx = tx->next) {
			if (!is_open(tx))
				continue;
			complete(tx);
			anomaly(tx, PGSQL_TOO_MANY);
			break;
		}
	return app_tx_new(f, sizeof(struct pgsql_tx));
}

static struct app_tx *tx_open(struct app_flow *f)
{
	struct app_tx *last = NULL;

	for (struct app_tx *tx = f->first; tx != NULL; tx = tx->next)
		if (is_open(tx))
			last = tx;
	return last;
}

static struct slice kept(struct app_tx *tx, struct slice body)
{
	return arena_copy(&tx->arena, slice_part(body, 0, KEPT_MAX));
}

/* --- requests --- */

/* A request of that kind, complete; NULL: no memory. */
static struct app_tx *ask(struct app_flow *f, enum pgsql_kind kind, struct slice body)
{
	struct app_tx *tx = tx_new(f);
	struct pgsql_tx *d;

	if (tx == NULL)
		return NULL;
	((struct pgsql *)f->parser)->followed = true;
	d = tx->data;
	d->has_request = true;
	d->request.kind = kind;
	d->request.body = kept(tx, body);
	app_tx_advance(tx, APP_TO_SERVER, 1);
	return tx;
}

/* Data that a client copies in: counted in one transaction until it says that it is done. */
static bool copy_in(struct app_flow *f, uint8_t type, struct slice body)
{
	struct pgsql *s = f->parser;
	struct app_tx *tx = tx_open(f);
	struct pgsql_tx *d = tx != NULL ? tx->data : NULL;

	if (d == NULL || d->request.kind != PGSQL_COPY_IN || tx->progress[APP_TO_SERVER] != 0) {
		tx = tx_new(f);
		if (tx == NULL)
			return false;
		d = tx->data;
		d->has_request = true;
		d->request.kind = PGSQL_COPY_IN;
	}
	if (type == 'd') {
		d->request.count++;
		d->request.size += body.len;
		return true;
	}
	d->done = type == 'c' ? PGSQL_COPY_DONE : PGSQL_COPY_FAIL;
	d->request.body = kept(tx, body);
	app_tx_advance(tx, APP_TO_SERVER, 1);
	s->state = STATE_IDLE;
	return true;
}

/* One whole message with a type. False: no memory. */
static bool request(struct app_flow *f, uint8_t type, struct slice body)
{
	struct pgsql *s = f->parser;
	struct app_tx *tx;

	switch (type) {
	case 'Q':
		s->state = STATE_IDLE;
		return ask(f, PGSQL_QUERY, body) != NULL;
	case 'X':
		tx = ask(f, PGSQL_TERMINATE, body);
		if (tx != NULL)
			complete(tx);
		return tx != NULL;
	case 'p':
		if (s->state == STATE_SASL) {
			s->state = STATE_SASL_GOES_ON;
			return ask(f, PGSQL_SASL_INITIAL, body) != NULL;
		}
		if (s->state == STATE_SASL_GOES_ON)
			return ask(f, PGSQL_SASL_RESPONSE, body) != NULL;
		s->state = STATE_IDLE;
		return ask(f, PGSQL_PASSWORD, body) != NULL;
	case 'd':
	case 'c':
	case 'f':
		return copy_in(f, type, body);
	default: /* the extended query protocol is not followed */
		return true;
	}
}

/* The first message, which has no type. Returns bytes used; 0: more; SIZE_MAX: it is none. */
static size_t start(struct app_flow *f, struct slice in)
{
	struct pgsql *s = f->parser;
	struct cursor c = cursor_of(in);
	uint32_t length = cursor_be32(&c), code = cursor_be32(&c);
	struct app_tx *tx;
	struct slice body;

	if (!cursor_ok(&c))
		return 0;
	if (length < START_BYTES || length > MESSAGE_HELD_MAX)
		return SIZE_MAX;
	body = slice_part(in, START_BYTES, length - START_BYTES);
	if (in.len < length)
		return 0;
	switch (code) {
	case CODE_SSL:
	case CODE_GSS:
		s->state = STATE_SSL_ASKED;
		tx = ask(f, PGSQL_SSL, body);
		break;
	case CODE_CANCEL:
		tx = ask(f, PGSQL_CANCEL, body);
		if (tx != NULL)
			complete(tx);
		break;
	default:
		if (code >> 16 != 3) { /* its length is believed */
			tx = tx_new(f);
			if (tx != NULL) {
				anomaly(tx, PGSQL_BAD_REQUEST);
				complete(tx);
			}
			break;
		}
		tx = ask(f, PGSQL_STARTUP, body);
		if (tx != NULL)
			((struct pgsql_tx *)tx->data)->version = code;
		s->started = true;
		s->state = STATE_IDLE;
		break;
	}
	return tx != NULL ? length : SIZE_MAX;
}

/* --- responses --- */

static void add(struct app_tx *tx, struct pgsql_message m)
{
	struct pgsql_tx *d = tx->data;

	if (d->response_count == RESPONSES_MAX)
		anomaly(tx, PGSQL_RESPONSES);
	else
		(void)ARENA_PUSH(&tx->arena, d->responses, d->response_count, d->response_room, m);
}

/* Bytes of the values in a row. */
static uint64_t row_size(struct slice row)
{
	struct cursor c = cursor_of(row);
	uint16_t columns = cursor_be16(&c);
	uint64_t sum = 0;

	for (uint16_t i = 0; i < columns && cursor_ok(&c); i++) {
		int32_t n = (int32_t)cursor_be32(&c);

		if (n > 0)
			sum += cursor_take(&c, (size_t)n).len;
	}
	return sum;
}

/* What was counted becomes one message. */
static void add_counted(struct app_tx *tx)
{
	struct pgsql_tx *d = tx->data;

	if (d->rows.count != 0)
		add(tx, d->rows);
	d->rows.count = d->rows.size = 0;
}

static void authentication(struct pgsql *s, struct app_tx *tx, struct slice body)
{
	struct cursor c = cursor_of(body);
	uint32_t how = cursor_be32(&c);
	enum pgsql_kind kind = PGSQL_AUTH_OTHER;

	switch (how) {
	case 0:
		kind = PGSQL_AUTH_OK;
		s->state = STATE_IDLE;
		break;
	case 3:
		kind = PGSQL_AUTH_CLEARTEXT;
		s->state = STATE_PASSWORD;
		break;
	case 5:
		kind = PGSQL_AUTH_MD5;
		s->state = STATE_PASSWORD;
		break;
	case 9:
		kind = PGSQL_AUTH_SSPI;
		break;
	case 10:
		kind = PGSQL_AUTH_SASL;
		s->state = STATE_SASL;
		break;
	case 11:
		kind = PGSQL_AUTH_SASL_CONTINUE;
		s->state = STATE_SASL_GOES_ON;
		break;
	case 12:
		kind = PGSQL_AUTH_SASL_FINAL;
		break;
	default:
		break;
	}
	if (!cursor_ok(&c)) {
		anomaly(tx, PGSQL_BAD_RESPONSE);
		return;
	}
	add(tx, (struct pgsql_message){.kind = kind, .body = kept(tx, cursor_rest(&c))});
	if (kind != PGSQL_AUTH_OK && kind != PGSQL_AUTH_OTHER)
		complete(tx);
}

/* One whole message. False: no memory. */
static bool response(struct app_flow *f, uint8_t type, struct slice body)
{
	static const struct {
		uint8_t type;
		enum pgsql_kind kind;
	} plain[] = {{'S', PGSQL_PARAMETER},	   {'K', PGSQL_KEY},
		     {'T', PGSQL_ROW_DESCRIPTION}, {'N', PGSQL_NOTICE},
		     {'E', PGSQL_ERROR},	   {'A', PGSQL_NOTIFICATION},
		     {'H', PGSQL_COPY_OUT},	   {'G', PGSQL_COPY_IN_RESPONSE}};
	struct pgsql *s = f->parser;
	struct app_tx *tx = tx_open(f);
	struct pgsql_tx *d;

	if (tx == NULL && s->followed)
		return true;
	if (tx == NULL) {
		tx = tx_new(f);
		if (tx == NULL)
			return false;
	}
	d = tx->data;
	switch (type) {
	case 'R':
		authentication(s, tx, body);
		return true;
	case 'Z':
		add_counted(tx);
		complete(tx);
		return true;
	case 'D':
	case 'd':
		d->rows.kind = type == 'D' ? PGSQL_ROWS : PGSQL_COPY_DATA_OUT;
		d->rows.count++;
		d->rows.size += type == 'D' ? row_size(body) : body.len;
		return true;
	case 'C':
		add_counted(tx);
		add(tx, (struct pgsql_message){.kind = PGSQL_COMPLETE, .body = kept(tx, body)});
		return true;
	case 'c':
		add_counted(tx);
		add(tx, (struct pgsql_message){.kind = PGSQL_COPY_DONE});
		return true;
	default:
		break;
	}
	for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
		if (plain[i].type == type)
			add(tx,
			    (struct pgsql_message){.kind = plain[i].kind, .body = kept(tx, body)});
	if (type == 'G') {
		s->state = STATE_COPY_IN;
		complete(tx);
	}
	return true;
}

static size_t ssl_answer(struct app_flow *f, struct slice in)
{
	struct pgsql *s = f->parser;
	struct app_tx *tx = tx_open(f);
	bool yes = in.ptr[0] == 'S';

	if (in.ptr[0] != 'S' && in.ptr[0] != 'N')
		return SIZE_MAX;
	s->state = STATE_IDLE;
	if (tx != NULL) {
		add(tx, (struct pgsql_message){.kind = yes ? PGSQL_SSL_YES : PGSQL_SSL_NO});
		complete(tx);
	}
	if (yes)
		(void)app_change(f, "tls");
	return 1;
}

/* --- bytes --- */

/* A message with a type at the start of `in`. Returns bytes used; 0: more; SIZE_MAX: none. */
static size_t message(struct app_flow *f, enum app_dir dir, struct slice in)
{
	struct pgsql *s = f->parser;
	struct cursor c = cursor_of(in);
	uint8_t type = cursor_u8(&c);
	uint32_t length = cursor_be32(&c);
	struct app_tx *tx;
	struct slice body;
	bool known = dir == APP_TO_SERVER ? is_request(type) : is_response(type), ok;

	if (!cursor_ok(&c))
		return 0;
	if (length < 4) {
		tx = tx_new(f);
		anomaly(tx, PGSQL_LENGTH);
		return SIZE_MAX;
	}
	if (!known) {
		tx = dir == APP_TO_SERVER ? NULL : tx_open(f);
		if (tx == NULL)
			tx = tx_new(f);
		anomaly(tx, dir == APP_TO_SERVER ? PGSQL_BAD_REQUEST : PGSQL_BAD_RESPONSE);
		if (tx != NULL && dir == APP_TO_SERVER)
			complete(tx);
	}
	if (!known || length > MESSAGE_HELD_MAX) { /* its length is believed */
		s->side[dir].skip = length - 4;
		return 5;
	}
	body = slice_part(cursor_rest(&c), 0, length - 4);
	if (body.len < length - 4)
		return 0;
	ok = dir == APP_TO_SERVER ? request(f, type, body) : response(f, type, body);
	return ok ? (size_t)length + 1 : SIZE_MAX;
}

static size_t one(struct app_flow *f, enum app_dir dir, struct slice in)
{
	struct pgsql *s = f->parser;

	if (dir == APP_TO_SERVER && in.ptr[0] == 0 && !s->started)
		return start(f, in);
	if (dir == APP_TO_SERVER)
		s->started = true;
	if (dir == APP_TO_CLIENT && s->state == STATE_SSL_ASKED)
		return ssl_answer(f, in);
	return message(f, dir, in);
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct pgsql *s = f->parser;
	struct side *side = &s->side[dir];
	size_t at = 0;

	(void)eof; /* a message cut short says nothing */
	while (at < input.len && !f->changing) {
		struct slice in = slice_from(input, at);
		size_t used;

		if (side->skip != 0) {
			used = in.len < side->skip ? in.len : (size_t)side->skip;
			side->skip -= used;
			at += used;
			continue;
		}
		if (side->lost &&
		    !(dir == APP_TO_SERVER ? is_request(in.ptr[0]) : is_response(in.ptr[0]))) {
			at++;
			continue;
		}
		side->lost = false;
		used = one(f, dir, in);
		if (used == SIZE_MAX)
			return (struct app_result){APP_STUCK, at};
		if (used == 0)
			break;
		at += used;
	}
	return (struct app_result){APP_OK, at};
}

static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	struct pgsql *s = f->parser;
	struct side *side = &s->side[dir];

	if (missing <= side->skip && app_held_bytes(f, dir) == 0) {
		side->skip -= missing;
		return true;
	}
	side->skip = 0;
	side->lost = true;
	return true;
}

/* --- what rules look at --- */

static struct slice get_query(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct pgsql_tx *d = tx->data;

	if (!d->has_request || d->request.kind != PGSQL_QUERY)
		return (struct slice){NULL, 0};
	return app_pgsql_text(d->request.body);
}

static const struct app_field fields[] = {
	{"pgsql.query", 1u << APP_TO_SERVER, 0, false, false, get_query, "A simple query's text."},
	{0},
};

static const char *const anomalies[] = {
	[PGSQL_LENGTH] = "invalid_length",	     [PGSQL_BAD_REQUEST] = "malformed_request",
	[PGSQL_BAD_RESPONSE] = "malformed_response", [PGSQL_TOO_MANY] = "too_many_transactions",
	[PGSQL_RESPONSES] = "too_many_responses",    NULL,
};

static const void *configure(struct config *root, struct arena *a)
{
	struct settings *s = ARENA_NEW(a, struct settings);

	if (s == NULL)
		return NULL;
	s->tx_most = (uint32_t)config_u64(root, "app-layer.protocols.pgsql.max-tx", 1,
					  APP_TXS_MAX - 1, TXS_DEFAULT - 1);
	return s;
}

static const void *log_configure(struct config *root, struct config *node, struct arena *a)
{
	struct pgsql_log *how = ARENA_NEW(a, struct pgsql_log);

	(void)root;
	if (how != NULL)
		how->passwords = config_bool(node, "passwords", false);
	return how;
}

static const uint16_t ports[] = {5432, 0};

APP_PROTOCOL(pgsql) = {
	.name = "pgsql",
	.spec = "PostgreSQL frontend/backend protocol 3.0",
	.transports = APP_TCP,
	.ports = ports,
	.fields = fields,
	.anomalies = anomalies,
	.complete = {1, 1},
	.parser_bytes = sizeof(struct pgsql),
	.probe = probe,
	.parse = parse,
	.gap = gap,
	.log = app_pgsql_log,
	.log_configure = log_configure,
	.configure = configure,
};
