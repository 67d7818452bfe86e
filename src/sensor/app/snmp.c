/* SPDX-License-Identifier: Apache-2.0
 *
 * SNMP: RFC 1157 4 (version 1), RFC 3416 3 (PDUs), RFC 3412 6 and RFC 3414 2.4 (version 3). Every
 * message is a transaction of its own. On its ports only.
 */
#include "base/ber.h"
#include "base/json.h"
#include "sensor/app/app.h"

#include <inttypes.h>

enum snmp_anomaly { SNMP_MALFORMED, SNMP_SECURITY_MODEL, SNMP_VERSION_MISMATCH };

enum {
	VERSION_MAX = 3,
	VARS_MAX = 256, /* kept of one message */
	PDU_TRAP_V1 = 4,
	PDU_BULK = 5,
	FLAG_ENCRYPTED = 0x02,
	MODEL_USM = 3,
};

struct snmp {
	uint8_t version; /* of the first message, + 1; 0: none yet */
};

struct snmp_tx {
	enum app_dir dir;
	uint64_t version; /* 1, 2, 3 */
	bool has_pdu, encrypted;
	uint64_t pdu;
	int64_t error;
	bool has_community, has_usm;
	struct slice community, usm;
	bool is_trap;
	int64_t trap;
	struct slice trap_oid, trap_address;
	struct slice vars[VARS_MAX]; /* names, dotted */
	uint32_t var_count;
};

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	struct cursor c = cursor_of(in), message;
	uint8_t id = cursor_u8(&c);
	size_t length = cursor_u8(&c);

	(void)f;
	(void)dir;
	if (!port_hint || id != BER_SEQUENCE)
		return APP_NO;
	if (length >= 0x81 && length <= 0x84)
		length = (size_t)cursor_be(&c, length & 0x7f);
	else if (length >= 0x80)
		return APP_NO;
	message = cursor_sub(&c, length);
	if (!cursor_ok(&message) || cursor_left(&c) != 0 || cursor_u8(&message) != BER_INTEGER ||
	    cursor_u8(&message) != 1 || cursor_u8(&message) > VERSION_MAX)
		return APP_NO;
	return cursor_ok(&message) ? APP_YES : APP_NO;
}

static void anomaly(struct app_tx *tx, enum snmp_anomaly a)
{
	tx->anomalies |= UINT64_C(1) << a;
}

static struct slice oid_text(struct slice oid, struct arena *a)
{
	struct buf b = buf_in(a);

	ber_oid_text(&b, oid);
	return buf_slice(&b);
}

static bool read_vars(struct cursor *c, struct app_tx *tx)
{
	struct snmp_tx *d = tx->data;
	struct cursor list = ber_expect(c, BER_SEQUENCE);
	struct ber e;

	while (ber_next(&list, &e)) {
		struct cursor pair = cursor_of(e.content);
		struct slice oid = ber_take(&pair, BER_OID);

		if (!cursor_ok(&pair))
			return false;
		if (d->var_count < VARS_MAX)
			d->vars[d->var_count++] = oid_text(oid, &tx->arena);
	}
	return cursor_ok(&list);
}

/* RFC 1157 4.1.6: enterprise, agent, generic and specific trap, time. */
static bool read_trap(struct cursor *c, struct app_tx *tx)
{
	struct snmp_tx *d = tx->data;
	struct slice oid = ber_take(c, BER_OID), address = ber_take(c, BER_APPLICATION | 0);

	d->trap = ber_integer(c);
	(void)ber_integer(c);
	(void)ber_take(c, BER_APPLICATION | 3);
	if (!cursor_ok(c) || address.len != 4)
		return false;
	d->is_trap = true;
	d->trap_oid = oid_text(oid, &tx->arena);
	d->trap_address = buf_text(&tx->arena, "%u.%u.%u.%u", address.ptr[0], address.ptr[1],
				   address.ptr[2], address.ptr[3]);
	return read_vars(c, tx);
}

static bool read_pdu(struct cursor *c, struct app_tx *tx)
{
	struct snmp_tx *d = tx->data;
	struct cursor body;
	struct ber e;

	if (!ber_next(c, &e) || (e.id & BER_CLASS) != BER_CONTEXT)
		return false;
	d->has_pdu = true;
	d->pdu = e.tag;
	body = cursor_of(e.content);
	if (e.tag == PDU_TRAP_V1)
		return read_trap(&body, tx);
	(void)ber_integer(&body); /* request id */
	d->error = ber_integer(&body);
	if (e.tag == PDU_BULK)
		d->error = 0; /* how many are not repeated */
	(void)ber_integer(&body);
	return cursor_ok(&body) && read_vars(&body, tx);
}

static bool read_v3(struct cursor *c, struct app_tx *tx)
{
	struct snmp_tx *d = tx->data;
	struct cursor header = ber_expect(c, BER_SEQUENCE), security, scoped;
	struct slice flags, parameters;
	int64_t model;

	(void)ber_integer(&header);
	(void)ber_integer(&header);
	flags = ber_take(&header, BER_OCTETS);
	model = ber_integer(&header);
	parameters = ber_take(c, BER_OCTETS);
	if (!cursor_ok(&header) || !cursor_ok(c) || flags.len != 1)
		return false;
	d->encrypted = (flags.ptr[0] & FLAG_ENCRYPTED) != 0;
	if (model != MODEL_USM) {
		anomaly(tx, SNMP_SECURITY_MODEL);
	} else {
		security = cursor_of(parameters);
		security = ber_expect(&security, BER_SEQUENCE);
		(void)ber_take(&security, BER_OCTETS); /* engine */
		(void)ber_integer(&security);
		(void)ber_integer(&security);
		d->usm = arena_copy(&tx->arena, ber_take(&security, BER_OCTETS));
		if (!cursor_ok(&security))
			return false;
		d->has_usm = true;
	}
	if (d->encrypted)
		return true;
	scoped = ber_expect(c, BER_SEQUENCE);
	(void)ber_take(&scoped, BER_OCTETS); /* context engine, context name */
	(void)ber_take(&scoped, BER_OCTETS);
	return cursor_ok(&scoped) && read_pdu(&scoped, tx);
}

static bool read_message(struct slice in, struct app_tx *tx)
{
	struct snmp_tx *d = tx->data;
	struct cursor c = cursor_of(in), message = ber_expect(&c, BER_SEQUENCE);
	int64_t version = ber_integer(&message);
	struct slice community;

	if (!cursor_ok(&message) || version < 0 || version > VERSION_MAX)
		return false;
	d->version = version == 3 ? 3 : (uint64_t)version + 1;
	if (version == 3)
		return read_v3(&message, tx);
	community = ber_take(&message, BER_OCTETS);
	if (!cursor_ok(&message))
		return false;
	d->has_community = true;
	d->community = arena_copy(&tx->arena, community);
	return read_pdu(&message, tx);
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct snmp *s = f->parser;
	struct app_tx *tx;
	struct snmp_tx *d;

	(void)eof;
	if (input.len == 0)
		return (struct app_result){APP_OK, 0};
	tx = app_tx_new(f, sizeof *d);
	if (tx == NULL)
		return (struct app_result){APP_STUCK, input.len};
	tx->dirs = (uint8_t)(1u << dir);
	d = tx->data;
	d->dir = dir;
	if (!read_message(input, tx))
		anomaly(tx, SNMP_MALFORMED);
	else if (s->version != 0 && s->version != d->version)
		anomaly(tx, SNMP_VERSION_MISMATCH);
	if (s->version == 0)
		s->version = (uint8_t)d->version;
	app_tx_advance(tx, APP_TO_SERVER, 1);
	app_tx_advance(tx, APP_TO_CLIENT, 1);
	return (struct app_result){APP_OK, input.len};
}

/* --- what rules look at --- */

#define BOTH (1u << APP_TO_SERVER | 1u << APP_TO_CLIENT)

static struct slice get_version(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct snmp_tx *d = tx->data;

	return d->dir == dir ? app_number(&d->version) : (struct slice){NULL, 0};
}

static struct slice get_pdu(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct snmp_tx *d = tx->data;

	return d->dir == dir && d->has_pdu ? app_number(&d->pdu) : (struct slice){NULL, 0};
}

static struct slice get_community(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct snmp_tx *d = tx->data;

	if (d->dir != dir || !d->has_community)
		return (struct slice){NULL, 0};
	return d->community.len != 0 ? d->community : SLICE("");
}

static struct slice get_usm(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct snmp_tx *d = tx->data;

	if (d->dir != dir || !d->has_usm)
		return (struct slice){NULL, 0};
	return d->usm.len != 0 ? d->usm : SLICE("");
}

static const struct app_word pdus[] = {
	{"get_request", 0},    {"get_next_request", 1},
	{"response", 2},       {"set_request", 3},
	{"trap_v1", 4},	       {"get_bulk_request", 5},
	{"inform_request", 6}, {"trap_v2", 7},
	{"report", 8},	       {0},
};

static const struct app_field fields[] = {
	{"snmp.version", BOTH, 0, false, false, get_version, "1, 2 (2c) or 3.", APP_NUMBERS, NULL},
	{"snmp.pdu_type", BOTH, 0, false, false, get_pdu, "The PDU's type.", APP_NUMBERS, pdus},
	{"snmp.community", BOTH, 0, false, false, get_community, "The community's name."},
	{"snmp.usm", BOTH, 0, false, false, get_usm, "The user's name of version 3."},
	{0},
};

static const char *const anomalies[] = {
	[SNMP_MALFORMED] = "malformed_data",
	[SNMP_SECURITY_MODEL] = "unknown_security_model",
	[SNMP_VERSION_MISMATCH] = "version_mismatch",
	NULL,
};

/* --- EVE --- */

static struct slice error_text(int64_t error, struct arena *a)
{
	static const char *const names[] = {"NoError",
					    "TooBig",
					    "NoSuchName",
					    "BadValue",
					    "ReadOnly",
					    "GenErr",
					    "NoAccess",
					    "WrongType",
					    "WrongLength",
					    "WrongEncoding",
					    "WrongValue",
					    "NoCreation",
					    "InconsistentValue",
					    "ResourceUnavailable",
					    "CommitFailed",
					    "UndoFailed",
					    "AuthorizationError",
					    "NotWritable",
					    "InconsistentName"};

	if (error >= 0 && error < (int64_t)(sizeof names / sizeof names[0]))
		return slice_of(names[error]);
	return buf_text(a, "ErrorStatus(%" PRId64 ")", error);
}

static void put_pdu(struct json *j, const struct snmp_tx *d, struct arena *a)
{
	static const char *const traps[] = {"ColdStart",
					    "WarmStart",
					    "LinkDown",
					    "LinkUp",
					    "AuthenticationFailure",
					    "EgpNeighborLoss",
					    "EnterpriseSpecific"};
	size_t type = d->pdu < sizeof pdus / sizeof pdus[0] - 1 ? (size_t)d->pdu : SIZE_MAX;

	json_key(j, "pdu_type");
	json_str(j, type != SIZE_MAX ? slice_of(pdus[type].name)
				     : buf_text(a, "Unknown(0x%" PRIx64 ")", d->pdu));
	if (d->error != 0) {
		json_key(j, "error");
		json_str(j, error_text(d->error, a));
	}
	if (d->is_trap) {
		json_key(j, "trap_type");
		json_str(j, d->trap >= 0 && d->trap < 7
				    ? slice_of(traps[d->trap])
				    : buf_text(a, "TrapType(%" PRId64 ")", d->trap));
		json_key(j, "trap_oid");
		json_str(j, d->trap_oid);
		json_key(j, "trap_address");
		json_str(j, d->trap_address);
	}
	if (d->var_count == 0)
		return;
	json_key(j, "vars");
	json_array(j);
	for (uint32_t i = 0; i < d->var_count; i++)
		json_str(j, d->vars[i]);
	json_end(j);
}

static bool log_tx(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct snmp_tx *d = tx->data;
	struct buf b = buf_in(scratch);
	struct json j = json_in(&b);

	if (n != 0 || d->version == 0)
		return false;
	json_object(&j);
	json_key(&j, "version");
	json_u64(&j, d->version);
	if (d->encrypted) {
		json_key(&j, "pdu_type");
		json_z(&j, "encrypted");
	} else {
		if (d->has_pdu)
			put_pdu(&j, d, scratch);
		if (d->has_community) {
			json_key(&j, "community");
			json_str(&j, d->community);
		}
		if (d->has_usm) {
			json_key(&j, "usm");
			json_str(&j, d->usm);
		}
	}
	json_end(&j);
	return !b.full && record_object(r, scratch, "snmp", buf_slice(&b));
}

static const uint16_t ports[] = {161, 162, 0};

APP_PROTOCOL(snmp) = {
	.name = "snmp",
	.spec = "RFC 1157, RFC 3416, RFC 3412",
	.transports = APP_UDP,
	.ports = ports,
	.fields = fields,
	.anomalies = anomalies,
	.complete = {1, 1},
	.parser_bytes = sizeof(struct snmp),
	.probe = probe,
	.parse = parse,
	.log = log_tx,
};
