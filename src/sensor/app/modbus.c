/* SPDX-License-Identifier: Apache-2.0
 *
 * Modbus/TCP: MODBUS Messaging on TCP/IP V1.0b 3.1.3 (header), MODBUS Application Protocol V1.1b3 4
 * to 7 (functions, exceptions). A transaction is a request and its response, found by transaction
 * id, unit and function. Probing trusts its port only.
 */
#include "sensor/app/modbus_priv.h"

#include "base/cursor.h"

enum {
	HEADER_BYTES = 6,
	LENGTH_LEAST = 2, /* of unit id and PDU */
	LENGTH_MOST = 254,
	FLOOD = 500, /* requests without a response */
	COILS_READ_MOST = 2000,
	REGISTERS_READ_MOST = 125,
	COILS_WRITE_MOST = 1968,
	REGISTERS_WRITE_MOST = 123,
	REGISTERS_EXCHANGE_MOST = 121,
};

enum {
	UNSOLICITED_RESPONSE,
	INVALID_FUNCTION_CODE,
	INVALID_LENGTH,
	INVALID_VALUE,
	INVALID_EXCEPTION_CODE,
	VALUE_MISMATCH,
	FLOODED,
	INVALID_PROTOCOL_ID,
	INVALID_UNIT_IDENTIFIER, /* rules of older versions name it; never said */
};

static const struct modbus_function functions[] = {
	{READ_COILS, MODBUS_READ | MODBUS_COILS, "RdCoils"},
	{READ_DISCRETES, MODBUS_READ | MODBUS_DISCRETES, "RdDiscreteInputs"},
	{READ_HOLDING, MODBUS_READ | MODBUS_HOLDING, "RdHoldRegs"},
	{READ_INPUT, MODBUS_READ | MODBUS_INPUT, "RdInputRegs"},
	{WRITE_COIL, MODBUS_WRITE | MODBUS_COILS | MODBUS_SINGLE, "WrSingleCoil"},
	{WRITE_REGISTER, MODBUS_WRITE | MODBUS_HOLDING | MODBUS_SINGLE, "WrSingleReg"},
	{7, 0, "RdExcStatus"},
	{DIAGNOSTIC, 0, "Diagnostic"},
	{9, 0, "Program484"},
	{10, 0, "Poll484"},
	{11, 0, "GetCommEventCtr"},
	{12, 0, "GetCommEventLog"},
	{13, 0, "ProgramController"},
	{14, 0, "PollController"},
	{WRITE_COILS, MODBUS_WRITE | MODBUS_COILS | MODBUS_MULTIPLE, "WrMultCoils"},
	{WRITE_REGISTERS, MODBUS_WRITE | MODBUS_HOLDING | MODBUS_MULTIPLE, "WrMultRegs"},
	{17, 0, "ReportServerID"},
	{18, 0, "Program884"},
	{19, 0, "ResetCommLink"},
	{20, 0, "RdFileRec"},
	{21, 0, "WrFileRec"},
	{MASK_WRITE, MODBUS_WRITE | MODBUS_HOLDING, "MaskWrReg"},
	{READ_WRITE, MODBUS_READ | MODBUS_WRITE | MODBUS_HOLDING | MODBUS_MULTIPLE, "RdWrMultRegs"},
	{24, 0, "RdFIFOQueue"},
	{ENCAPSULATED, 0, "MEI"},
};

const struct modbus_function *app_modbus_function_of(uint8_t code)
{
	for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
		if (functions[i].code == code)
			return &functions[i];
	return NULL;
}

static uint8_t category_of(const struct modbus_message *m, bool has_kind)
{
	static const uint8_t reserved[] = {9, 10, 13, 14, 41, 42, 90, 91, 125, 126, 127};
	uint8_t code = m->function & 0x7f;

	if (code == 0)
		return 0;
	if ((code >= 65 && code <= 72) || (code >= 100 && code <= 110))
		return MODBUS_USER_DEFINED;
	for (size_t i = 0; i < sizeof reserved; i++)
		if (reserved[i] == code)
			return MODBUS_RESERVED;
	if (has_kind && code == DIAGNOSTIC && (m->sub > 18 || (m->sub > 4 && m->sub < 10)) &&
	    m->sub != 20)
		return MODBUS_RESERVED;
	if (has_kind && code == ENCAPSULATED && m->kind != 13 && m->kind != 14)
		return MODBUS_RESERVED;
	return app_modbus_function_of(code) != NULL ? MODBUS_ASSIGNED : MODBUS_UNASSIGNED;
}

static struct modbus_range range(struct cursor *c)
{
	struct modbus_range r = {.address = cursor_be16(c), .quantity = cursor_be16(c)};

	r.there = cursor_ok(c);
	return r;
}

static bool is_quantity(const struct modbus_range *r, unsigned most)
{
	return r->quantity != 0 && r->quantity <= most;
}

static size_t bytes_of(uint8_t function, uint16_t quantity)
{
	bool bits = function == READ_COILS || function == READ_DISCRETES || function == WRITE_COILS;

	return bits ? ((size_t)quantity + 7) / 8 : (size_t)quantity * 2;
}

/* A count and as many bytes. */
static void counted(struct modbus_message *m, struct cursor *c)
{
	size_t n = cursor_u8(c);

	if (n > cursor_left(c)) {
		m->flaws |= FLAW_LENGTH;
		n = cursor_left(c);
	}
	m->data = cursor_take(c, n);
	m->has_data = true;
}

static void single(struct modbus_message *m, struct cursor *c)
{
	struct modbus_range r = range(c);

	m->write = (struct modbus_range){r.there, r.address, 1};
	m->word = r.quantity;
	m->has_word = r.there;
	if (m->function == WRITE_COIL && r.there && m->word != 0 && m->word != 0xff00)
		m->flaws |= FLAW_VALUE;
}

static void masks(struct modbus_message *m, struct cursor *c)
{
	m->write = (struct modbus_range){true, cursor_be16(c), 1};
	m->mask_and = cursor_be16(c);
	m->mask_or = cursor_be16(c);
	m->has_masks = m->write.there = cursor_ok(c);
}

static void rest_is_data(struct modbus_message *m, struct cursor *c)
{
	m->data = cursor_take(c, cursor_left(c));
	m->has_data = m->data.len != 0;
}

static void request(struct modbus_message *m, struct cursor *c)
{
	bool few = true;

	switch (m->function) {
	case READ_COILS:
	case READ_DISCRETES:
		m->read = range(c);
		few = is_quantity(&m->read, COILS_READ_MOST);
		break;
	case READ_HOLDING:
	case READ_INPUT:
		m->read = range(c);
		few = is_quantity(&m->read, REGISTERS_READ_MOST);
		break;
	case READ_WRITE:
		m->read = range(c);
		m->write = range(c);
		few = is_quantity(&m->read, REGISTERS_READ_MOST) &&
		      is_quantity(&m->write, REGISTERS_EXCHANGE_MOST);
		counted(m, c);
		break;
	case WRITE_COILS:
	case WRITE_REGISTERS:
		m->write = range(c);
		few = is_quantity(&m->write, m->function == WRITE_COILS ? COILS_WRITE_MOST
									: REGISTERS_WRITE_MOST);
		counted(m, c);
		break;
	default:
		break;
	}
	if (!few || (m->write.there && m->has_data &&
		     m->data.len != bytes_of(m->function, m->write.quantity)))
		m->flaws |= FLAW_VALUE;
}

static void response(struct modbus_message *m, struct cursor *c)
{
	struct modbus_range r;

	switch (m->function) {
	case READ_COILS:
	case READ_DISCRETES:
	case READ_HOLDING:
	case READ_INPUT:
	case READ_WRITE:
		counted(m, c);
		break;
	case WRITE_COILS:
	case WRITE_REGISTERS:
		r = range(c);
		m->write = r;
		m->word = r.quantity;
		m->has_word = r.there;
		break;
	default:
		break;
	}
}

/* The PDU behind the function. */
static void body(struct modbus_message *m, enum app_dir dir, struct cursor *c)
{
	bool has_kind = false;

	if ((m->function & EXCEPTION_BIT) != 0) {
		m->kind = cursor_u8(c);
		if (cursor_ok(c) && (m->kind == 0 || m->kind == 9 || m->kind > 11))
			m->flaws |= FLAW_EXCEPTION;
	} else if (m->function == DIAGNOSTIC) {
		m->sub = cursor_be16(c);
		has_kind = cursor_ok(c);
		rest_is_data(m, c);
	} else if (m->function == ENCAPSULATED) {
		m->kind = cursor_u8(c);
		has_kind = cursor_ok(c);
		rest_is_data(m, c);
	} else if (m->function == WRITE_COIL || m->function == WRITE_REGISTER) {
		single(m, c);
	} else if (m->function == MASK_WRITE) {
		masks(m, c);
	} else if (m->access == 0) {
		rest_is_data(m, c);
	} else if (dir == APP_TO_SERVER) {
		request(m, c);
	} else {
		response(m, c);
	}
	if (!cursor_ok(c) || cursor_left(c) != 0)
		m->flaws |= FLAW_LENGTH;
	m->category = category_of(m, has_kind);
}

/* Does the response say what its request lets expect? */
static bool fits(const struct modbus_message *q, const struct modbus_message *r)
{
	if ((r->function & EXCEPTION_BIT) != 0)
		return true;
	if (q->read.there && r->has_data && r->data.len != bytes_of(q->function, q->read.quantity))
		return false;
	if (q->function != READ_WRITE && q->write.there &&
	    (!r->write.there || q->write.address != r->write.address))
		return false;
	if (q->has_word && r->has_word && q->word != r->word)
		return false;
	if (!q->has_word && q->write.there && r->has_word && r->word != q->write.quantity)
		return false;
	return !q->has_masks || (q->mask_and == r->mask_and && q->mask_or == r->mask_or);
}

static void say(struct app_tx *tx, unsigned anomaly)
{
	tx->anomalies |= UINT64_C(1) << anomaly;
}

static void say_flaws(struct app_tx *tx, const struct modbus_message *m)
{
	static const uint8_t said[] = {INVALID_VALUE, INVALID_LENGTH, INVALID_EXCEPTION_CODE,
				       INVALID_FUNCTION_CODE, INVALID_PROTOCOL_ID};

	for (unsigned i = 0; i < sizeof said; i++)
		if ((m->flaws >> i & 1) != 0)
			say(tx, said[i]);
}

/* The open transaction that m is the other half of. */
static struct app_tx *other_half(struct app_flow *f, enum app_dir dir,
				 const struct modbus_message *m)
{
	for (struct app_tx *tx = f->first; tx != NULL; tx = tx->next) {
		struct modbus_tx *t = tx->data;
		const struct modbus_message *o = dir == APP_TO_SERVER ? &t->response : &t->request,
					    *same = dir == APP_TO_SERVER ? &t->request
									 : &t->response;

		if (o->there && !same->there && o->transaction == m->transaction &&
		    o->unit == m->unit && (o->function & 0x7f) == (m->function & 0x7f))
			return tx;
	}
	return NULL;
}

static uint64_t written(const struct modbus_message *m, size_t i)
{
	if (m->has_word)
		return m->word;
	if (m->function == WRITE_COILS)
		return m->data.ptr[i / 8] >> (i % 8) & 1;
	return (uint64_t)(m->data.ptr[2 * i] << 8 | m->data.ptr[2 * i + 1]);
}

/* What rules ask about, see modbus.h. */
static struct slice asked(struct arena *a, const struct modbus_message *m)
{
	size_t n = m->has_word ? 1 : 0;
	uint64_t *v;

	if (m->write.there && m->has_data)
		n = m->function == WRITE_COILS ? m->data.len * 8 : m->data.len / 2;
	if (n > m->write.quantity)
		n = m->write.quantity;
	v = ARENA_ARRAY(a, uint64_t, MODBUS_ASK_VALUES + n);
	if (v == NULL)
		return (struct slice){NULL, 0};
	v[MODBUS_ASK_UNIT] = m->unit;
	v[MODBUS_ASK_FUNCTION] = m->function;
	v[MODBUS_ASK_SUBFUNCTION] = m->function == DIAGNOSTIC ? m->sub : UINT64_MAX;
	v[MODBUS_ASK_CATEGORY] = m->category;
	v[MODBUS_ASK_ACCESS] = m->access;
	v[MODBUS_ASK_READ_FIRST] = m->read.there ? m->read.address + 1u : 0;
	v[MODBUS_ASK_READ_LAST] = m->read.there ? (uint64_t)m->read.address + m->read.quantity : 0;
	v[MODBUS_ASK_WRITE_FIRST] = m->write.there ? m->write.address + 1u : 0;
	v[MODBUS_ASK_WRITE_LAST] =
		m->write.there ? (uint64_t)m->write.address + m->write.quantity : 0;
	for (size_t i = 0; i < n; i++)
		v[MODBUS_ASK_VALUES + i] = written(m, i);
	return (struct slice){(const uint8_t *)v, (MODBUS_ASK_VALUES + n) * sizeof *v};
}

/* False: no memory. */
static bool keep(struct app_flow *f, enum app_dir dir, struct modbus_message *m)
{
	struct app_tx *tx = other_half(f, dir, m);
	bool alone = tx == NULL;
	struct modbus_tx *t;

	if (alone && f->open_txs > FLOOD)
		return true;
	if (alone && (tx = app_tx_new(f, sizeof *t)) == NULL)
		return false;
	if (alone && f->open_txs > FLOOD)
		say(tx, FLOODED);
	t = tx->data;
	m->there = true;
	m->data = arena_copy(&tx->arena, m->data);
	m->has_data = m->has_data && m->data.ptr != NULL;
	if (dir == APP_TO_SERVER) {
		t->request = *m;
		t->ask = asked(&tx->arena, m);
		say_flaws(tx, m);
		app_tx_advance(tx, APP_TO_SERVER, 1);
		if (!alone)
			app_tx_advance(tx, APP_TO_CLIENT, 1);
		return true;
	}
	t->response = *m;
	if ((m->access & (MODBUS_READ | MODBUS_WRITE)) != 0 &&
	    (m->flaws & (FLAW_LENGTH | FLAW_VALUE)) != 0)
		say(tx, VALUE_MISMATCH);
	else
		say_flaws(tx, m);
	if (alone)
		say(tx, UNSOLICITED_RESPONSE);
	else if (!fits(&t->request, m))
		say(tx, VALUE_MISMATCH);
	if (alone)
		app_tx_advance(tx, APP_TO_SERVER, 1);
	app_tx_advance(tx, APP_TO_CLIENT, 1);
	return true;
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	size_t used = 0;

	(void)eof;
	while (input.len - used >= HEADER_BYTES + LENGTH_LEAST) {
		struct cursor c = cursor_of(slice_from(input, used)), inner;
		struct modbus_message m = {.transaction = cursor_be16(&c),
					   .protocol = cursor_be16(&c)};
		uint16_t length = cursor_be16(&c);
		const struct modbus_function *known;
		bool wrong = length < LENGTH_LEAST || length > LENGTH_MOST;

		if (!wrong && length > cursor_left(&c))
			break;
		inner = cursor_of(wrong ? (struct slice){NULL, 0} : cursor_take(&c, length));
		m.unit = cursor_u8(wrong ? &c : &inner);
		m.function = cursor_u8(wrong ? &c : &inner);
		known = app_modbus_function_of(m.function & 0x7f);
		m.access = known != NULL ? known->access : 0;
		m.flaws = (uint8_t)((known == NULL ? FLAW_FUNCTION : 0) |
				    (m.protocol != 0 ? FLAW_PROTOCOL : 0));
		if (wrong)
			m.flaws |= FLAW_LENGTH;
		else
			body(&m, dir, &inner);
		if (!keep(f, dir, &m) || wrong) /* where the next one begins is not known */
			return (struct app_result){APP_STUCK, used};
		used += (size_t)HEADER_BYTES + length;
	}
	return (struct app_result){APP_OK, used};
}

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	struct cursor c = cursor_of(in);
	uint16_t protocol, length;

	(void)f;
	(void)dir;
	if (!port_hint)
		return APP_NO;
	(void)cursor_be16(&c); /* transaction id */
	protocol = cursor_be16(&c);
	length = cursor_be16(&c);
	if (!cursor_ok(&c))
		return APP_NEED_MORE;
	return protocol == 0 && length >= LENGTH_LEAST && length <= LENGTH_MOST ? APP_YES : APP_NO;
}

/* ---- rules ---- */

static struct slice get_request(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct modbus_tx *t = tx->data;

	(void)dir;
	return n == 0 ? t->ask : (struct slice){NULL, 0};
}

static const struct app_field fields[] = {
	{"modbus.request", 1, 0, false, false, get_request,
	 "What the keyword modbus compares: numbers of 8 bytes."},
	{0},
};

static const char *const anomalies[] = {
	[UNSOLICITED_RESPONSE] = "unsolicited_response",
	[INVALID_FUNCTION_CODE] = "invalid_function_code",
	[INVALID_LENGTH] = "invalid_length",
	[INVALID_VALUE] = "invalid_value",
	[INVALID_EXCEPTION_CODE] = "invalid_exception_code",
	[VALUE_MISMATCH] = "value_mismatch",
	[FLOODED] = "flooded",
	[INVALID_PROTOCOL_ID] = "invalid_protocol_id",
	[INVALID_UNIT_IDENTIFIER] = "invalid_unit_identifier",
	NULL,
};

static const uint16_t ports[] = {502, 0};

APP_PROTOCOL(modbus) = {
	.name = "modbus",
	.spec = "MODBUS Messaging on TCP/IP V1.0b, MODBUS Application Protocol V1.1b3",
	.transports = APP_TCP,
	.ports = ports,
	.fields = fields,
	.anomalies = anomalies,
	.complete = {1, 1},
	.parser_bytes = 1,
	.probe = probe,
	.parse = parse,
	.log = app_modbus_log,
};
