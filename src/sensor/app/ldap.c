/* SPDX-License-Identifier: Apache-2.0
 *
 * LDAP 3: RFC 4511 4.1.1 (messages), 4.14 (StartTLS); on UDP as MS-ADTS 6.3.3 uses it.
 *
 * A transaction is a request and its responses, by message id. Messages are kept as they came, up
 * to KEPT_MAX bytes of one transaction, and read again for whoever asks (ldap_log.c), so what is
 * never asked for costs a copy.
 */
#include "sensor/app/ldap_priv.h"

enum {
	KEPT_MAX = 256 << 10,	 /* bytes of the responses of one transaction */
	RESPONSES_MAX = 4096,	 /* kept of one; the rest is counted */
	MESSAGE_MAX = 512 << 10, /* longer ones are no LDAP here */
	TXS_DEFAULT = 256,
	CONTROLS_ID = BER_CONTEXT | BER_CONSTRUCTED,
};

#define OID_START_TLS SLICE("1.3.6.1.4.1.1466.20037")

enum ldap_anomaly {
	LDAP_TOO_MANY,
	LDAP_INVALID,
	LDAP_REQUEST_NOT_FOUND,
	LDAP_INCOMPLETE,
	LDAP_UNKNOWN_OPERATION,
};

enum { FRAME_PDU };

struct settings {
	uint32_t tx_most;
};

struct side {
	bool lost;
};

struct ldap {
	struct side side[2];
};

static bool is_known(uint8_t op)
{
	return app_ldap_operation_name(op) != NULL || op == LDAP_ABANDON;
}

enum length { LENGTH_BAD, LENGTH_MORE, LENGTH_OK };

/* How long is the message at the start of `in`? */
static enum length message_length(struct slice in, size_t *out)
{
	struct cursor c = cursor_of(in);
	uint8_t id = cursor_u8(&c);
	size_t n = cursor_u8(&c), more = n & 0x7f;

	if (in.len >= 1 && id != BER_SEQUENCE)
		return LENGTH_BAD;
	if (in.len < 2)
		return LENGTH_MORE;
	if (n == 0x80 || n > 0x84)
		return LENGTH_BAD;
	if (n > 0x80) {
		n = (size_t)cursor_be(&c, more);
		if (!cursor_ok(&c))
			return LENGTH_MORE;
	}
	if (n > MESSAGE_MAX || n < 5)
		return LENGTH_BAD;
	*out = in.len - cursor_left(&c) + n;
	return LENGTH_OK;
}

static bool read_message(struct slice in, struct ldap_message *out)
{
	struct cursor c = cursor_of(in), inner = ber_expect(&c, BER_SEQUENCE);
	struct ldap_message m = {0};
	int64_t id = ber_integer(&inner);
	struct ber op;

	if (!cursor_ok(&inner) || id < 0 || id > INT32_MAX || !ber_next(&inner, &op) ||
	    (op.id & BER_CLASS) != BER_APPLICATION)
		return false;
	m.id = (uint32_t)id;
	m.op = (uint8_t)(op.tag < 0xff ? op.tag : 0xff);
	m.body = op.content;
	if (ber_is(&inner, CONTROLS_ID))
		m.controls = ber_take(&inner, CONTROLS_ID);
	*out = m;
	return true;
}

static bool is_request(uint8_t op)
{
	return op == LDAP_BIND || op == LDAP_UNBIND || op == LDAP_SEARCH || op == LDAP_MODIFY ||
	       op == LDAP_ADD || op == LDAP_DELETE || op == LDAP_MODIFY_DN || op == LDAP_COMPARE ||
	       op == LDAP_ABANDON || op == LDAP_EXTENDED_REQUEST;
}

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	struct cursor c = cursor_of(in);
	bool stream = f->transport == APP_TCP;
	size_t n;
	uint8_t op;

	if (!port_hint)
		return APP_NO;
	switch (message_length(in, &n)) {
	case LENGTH_BAD:
		return APP_NO;
	case LENGTH_MORE:
		return stream ? APP_NEED_MORE : APP_NO;
	case LENGTH_OK:
		break;
	}
	if (!stream && n > in.len)
		return APP_NO;
	/* decided by the id and the operation's tag, which are in the first bytes */
	(void)cursor_u8(&c);
	n = cursor_u8(&c);
	(void)cursor_take(&c, n > 0x80 ? n & 0x7f : 0);
	if (cursor_left(&c) != 0 && !ber_is(&c, BER_INTEGER))
		return APP_NO;
	(void)cursor_u8(&c);
	n = cursor_u8(&c);
	if (cursor_ok(&c) && (n == 0 || n > 4))
		return APP_NO;
	(void)cursor_take(&c, n);
	op = cursor_u8(&c);
	if (!cursor_ok(&c))
		return stream ? APP_NEED_MORE : APP_NO;
	if ((op & BER_CLASS) != BER_APPLICATION || !is_known(op & BER_TAG))
		return APP_NO;
	return is_request(op & BER_TAG) == (dir == APP_TO_SERVER) ? APP_YES : APP_YES_OTHER;
}

/* --- transactions --- */

static void anomaly(struct app_tx *tx, enum ldap_anomaly a)
{
	if (tx != NULL)
		tx->anomalies |= UINT64_C(1) << a;
}

static void complete(struct app_tx *tx)
{
	app_tx_advance(tx, APP_TO_SERVER, 1);
	app_tx_advance(tx, APP_TO_CLIENT, 1);
}

static struct app_tx *tx_new(struct app_flow *f)
{
	const struct settings *set = f->own;
	uint32_t most = set != NULL ? set->tx_most : TXS_DEFAULT;
	struct app_tx *tx;

	if (f->open_txs > most) {
		for (tx = f->first; tx != NULL; tx = tx->next) {
			if (tx->progress[APP_TO_CLIENT] != 0)
				continue;
			complete(tx);
			anomaly(tx, LDAP_TOO_MANY);
			break;
		}
	}
	return app_tx_new(f, sizeof(struct ldap_tx));
}

static void keep(struct app_tx *tx, const struct ldap_message *m, struct ldap_message *out)
{
	struct slice body = arena_copy(&tx->arena, m->body);

	*out = *m;
	out->body = body;
	out->controls = m->controls.ptr == NULL ? m->controls : arena_copy(&tx->arena, m->controls);
}

static bool request(struct app_flow *f, const struct ldap_message *m)
{
	struct app_tx *tx = tx_new(f);
	struct ldap_tx *d;

	if (tx == NULL)
		return false;
	d = tx->data;
	d->has_request = true;
	keep(tx, m, &d->request);
	d->operation = m->op;
	app_tx_advance(tx, APP_TO_SERVER, 1);
	if (m->op == LDAP_UNBIND || m->op == LDAP_ABANDON)
		app_tx_advance(tx, APP_TO_CLIENT, 1);
	if (!is_known(m->op))
		anomaly(tx, LDAP_UNKNOWN_OPERATION);
	return true;
}

static struct app_tx *tx_of(struct app_flow *f, uint32_t id)
{
	for (struct app_tx *tx = f->first; tx != NULL; tx = tx->next) {
		const struct ldap_tx *d = tx->data;

		if (tx->progress[APP_TO_CLIENT] == 0 && d->has_request && d->request.id == id)
			return tx;
	}
	return NULL;
}

static bool is_last(uint8_t op)
{
	return op != LDAP_SEARCH_ENTRY && op != LDAP_SEARCH_REFERENCE && op != LDAP_INTERMEDIATE;
}

static bool response(struct app_flow *f, const struct ldap_message *m)
{
	struct app_tx *tx = tx_of(f, m->id);
	bool alone = tx == NULL, secure;
	struct ldap_message kept;
	struct ldap_tx *d;

	if (alone) {
		tx = tx_new(f);
		if (tx == NULL)
			return false;
		if (m->op != LDAP_EXTENDED_RESPONSE) /* else a notice that nobody asked for */
			anomaly(tx, LDAP_REQUEST_NOT_FOUND);
	}
	d = tx->data;
	if (d->response_count < RESPONSES_MAX && d->kept + m->body.len <= KEPT_MAX) {
		keep(tx, m, &kept);
		d->kept += m->body.len;
		(void)ARENA_PUSH(&tx->arena, d->responses, d->response_count, d->response_room,
				 kept);
		(void)ARENA_PUSH(&tx->arena, d->operations, d->operation_count, d->operation_room,
				 (uint64_t)m->op);
		(void)ARENA_PUSH(&tx->arena, d->codes, d->code_count, d->code_room,
				 app_ldap_result_code(m));
	}
	d->responses_seen++;
	if (!is_known(m->op))
		anomaly(tx, LDAP_UNKNOWN_OPERATION);
	if (!alone && !is_last(m->op))
		return true;
	complete(tx);
	secure = d->has_request && d->request.op == LDAP_EXTENDED_REQUEST &&
		 m->op == LDAP_EXTENDED_RESPONSE && app_ldap_result_code(m) == 0;
	if (secure && slice_equal(app_ldap_request_name(&d->request), OID_START_TLS))
		(void)app_change(f, "tls");
	return true;
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct ldap *s = f->parser;
	size_t at = 0, n;

	(void)eof; /* a message cut short says nothing */
	while (at < input.len) {
		struct slice in = slice_from(input, at);
		struct ldap_message m;
		enum length have = message_length(in, &n);

		if (have == LENGTH_BAD && s->side[dir].lost) {
			at++;
			continue;
		}
		if (have == LENGTH_MORE || (have == LENGTH_OK && in.len < n)) {
			if (f->transport == APP_TCP)
				break;
			anomaly(f->last, LDAP_INCOMPLETE);
			return (struct app_result){APP_STUCK, input.len};
		}
		if (have == LENGTH_BAD || !read_message(slice_part(in, 0, n), &m)) {
			anomaly(f->last, LDAP_INVALID);
			return (struct app_result){APP_STUCK, at};
		}
		s->side[dir].lost = false;
		at += n;
		if (!(dir == APP_TO_SERVER ? request(f, &m) : response(f, &m)))
			return (struct app_result){APP_STUCK, at};
		(void)app_frame_open(f, dir, FRAME_PDU, at - n, (int64_t)n, f->last);
		if (f->changing)
			break;
	}
	return (struct app_result){APP_OK, f->transport == APP_UDP ? input.len : at};
}

static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	struct ldap *s = f->parser;

	(void)missing;
	s->side[dir].lost = true;
	return true;
}

/* --- what rules look at --- */

#define TO_SERVER (1u << APP_TO_SERVER)
#define TO_CLIENT (1u << APP_TO_CLIENT)

static const struct slice none = {NULL, 0};

static struct slice present(struct slice s)
{
	return s.ptr != NULL ? s : SLICE("");
}

static struct slice get_operation(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct ldap_tx *d = tx->data;

	return d->has_request ? app_number(&d->operation) : none;
}

static struct slice get_operations(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct ldap_tx *d = tx->data;

	if (d->operation_count == 0)
		return none;
	return (struct slice){(const uint8_t *)d->operations,
			      d->operation_count * sizeof *d->operations};
}

static struct slice get_count(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct ldap_tx *d = tx->data;

	return app_number(&d->responses_seen);
}

static struct slice get_codes(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct ldap_tx *d = tx->data;

	if (d->code_count == 0)
		return none;
	return (struct slice){(const uint8_t *)d->codes, d->code_count * sizeof *d->codes};
}

static struct slice get_request_dn(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct ldap_tx *d = tx->data;
	struct slice dn;

	return d->has_request && app_ldap_dn(&d->request, &dn) ? present(dn) : none;
}

/* Value n of those responses that have one. */
static struct slice nth(const struct ldap_tx *d, unsigned n,
			bool (*get)(const struct ldap_message *m, struct slice *out))
{
	struct slice out;

	for (size_t i = 0; i < d->response_count; i++)
		if (get(&d->responses[i], &out) && n-- == 0)
			return present(out);
	return none;
}

static struct slice get_dns(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return nth(tx->data, n, app_ldap_dn);
}

static struct slice get_messages(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return nth(tx->data, n, app_ldap_diagnostic);
}

static struct slice get_request_type(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct ldap_tx *d = tx->data;
	struct slice out;

	return d->has_request && app_ldap_attribute(&d->request, n, &out) ? present(out) : none;
}

static struct slice get_types(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct ldap_tx *d = tx->data;
	struct slice out;

	for (size_t i = 0; i < d->response_count; i++)
		for (unsigned k = 0; app_ldap_attribute(&d->responses[i], k, &out); k++)
			if (n-- == 0)
				return present(out);
	return none;
}

static const struct app_field fields[] = {
	{"ldap.request.operation", TO_SERVER, 0, false, false, get_operation,
	 "The request's operation.", APP_NUMBERS, app_ldap_operations},
	{"ldap.responses.operation", TO_CLIENT, 0, false, false, get_operations,
	 "Each response's operation.", APP_NUMBERS, app_ldap_operations},
	{"ldap.responses.count", TO_CLIENT, 0, false, false, get_count, "How many responses.",
	 APP_NUMBERS, NULL},
	{"ldap.request.dn", TO_SERVER, 0, false, false, get_request_dn,
	 "The name that the request is about."},
	{"ldap.responses.dn", TO_CLIENT, 0, false, true, get_dns,
	 "Each response's name or matched name."},
	{"ldap.responses.result_code", TO_CLIENT, 0, false, false, get_codes,
	 "Each response's result.", APP_NUMBERS, app_ldap_results},
	{"ldap.responses.message", TO_CLIENT, 0, false, true, get_messages,
	 "Each response's diagnostic message."},
	{"ldap.request.attribute_type", TO_SERVER, 0, false, true, get_request_type,
	 "Each attribute that the request names."},
	{"ldap.responses.attribute_type", TO_CLIENT, 0, false, true, get_types,
	 "Each attribute of the entries found."},
	{0},
};

static const char *const anomalies[] = {
	[LDAP_TOO_MANY] = "too_many_transactions",	[LDAP_INVALID] = "invalid_data",
	[LDAP_REQUEST_NOT_FOUND] = "request_not_found", [LDAP_INCOMPLETE] = "incomplete_data",
	[LDAP_UNKNOWN_OPERATION] = "unknown_operation", NULL,
};

static const char *const frames[] = {[FRAME_PDU] = "pdu", NULL};

static const void *configure(struct config *config, struct arena *a)
{
	struct settings *s = ARENA_NEW(a, struct settings);

	if (s != NULL)
		s->tx_most = (uint32_t)config_u64(config, "app-layer.protocols.ldap.max-tx", 1,
						  APP_TXS_MAX - 1, TXS_DEFAULT);
	return s;
}

static const uint16_t ports[] = {389, 3268, 0};

APP_PROTOCOL(ldap) = {
	.name = "ldap",
	.spec = "RFC 4511",
	.transports = APP_TCP | APP_UDP,
	.ports = ports,
	.fields = fields,
	.anomalies = anomalies,
	.frames = frames,
	.complete = {1, 1},
	.parser_bytes = sizeof(struct ldap),
	.probe = probe,
	.parse = parse,
	.gap = gap,
	.log = app_ldap_log,
	.configure = configure,
};
