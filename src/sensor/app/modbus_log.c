/* SPDX-License-Identifier: Apache-2.0
 * The modbus event. */
#include "base/json.h"
#include "sensor/app/modbus_priv.h"

static void number(struct json *j, const char *key, uint64_t v)
{
	json_key(j, key);
	json_u64(j, v);
}

static void text(struct json *j, const char *key, struct slice s)
{
	json_key(j, key);
	json_str(j, s);
}

static void bits(struct json *j, const char *key, unsigned set, const char *const *names, size_t n)
{
	struct buf out = buf_in(j->out->arena);

	for (size_t i = 0; i < n; i++)
		if ((set >> i & 1) != 0)
			buf_add_fmt(&out, "%s%s", out.len == 0 ? "" : " | ", names[i]);
	text(j, key, set == 0 ? SLICE("NONE") : buf_slice(&out));
}

static const char *exception_name(uint8_t kind)
{
	static const char *const names[] = {"Unknown",
					    "IllegalFunction",
					    "IllegalDataAddr",
					    "IllegalDataValue",
					    "ServerDeviceFail",
					    "Ack",
					    "ServerDeviceBusy",
					    "NegAck",
					    "MemParityErr",
					    "Unknown",
					    "GatewayPathUnavailable",
					    "GatewayTargetFailToResp"};

	return kind < sizeof names / sizeof names[0] ? names[kind] : "Unknown";
}

static const char *diagnostic_name(uint16_t sub)
{
	static const char *const names[] = {[0] = "RetQueryData",
					    [1] = "RestartCommOpt",
					    [2] = "RetDiagReg",
					    [3] = "ChangeInputDelimiter",
					    [4] = "ForceListenMode",
					    [10] = "ClearCtrDiagReg",
					    [11] = "RetBusMsgCount",
					    [12] = "RetBusCommErrCount",
					    [13] = "RetBusExcErrCount",
					    [14] = "RetServerMsgCount",
					    [15] = "RetServerNoRespCount",
					    [16] = "RetServerNAKCount",
					    [17] = "RetServerBusyCount",
					    [18] = "RetBusCharOverrunCount",
					    [19] = "RetOverrunErrCount",
					    [20] = "ClearOverrunCounterFlag",
					    [21] = "GetClearPlusStats"};

	return sub < sizeof names / sizeof names[0] && names[sub] != NULL ? names[sub] : "Reserved";
}

static void named(struct json *j, const char *key, unsigned raw, const char *name)
{
	json_key(j, key);
	json_object(j);
	number(j, "raw", raw);
	text(j, "code", slice_of(name));
}

static void log_read(struct json *j, const struct modbus_message *m, bool asks)
{
	json_key(j, "read");
	json_object(j);
	if (asks) {
		number(j, "address", m->read.address);
		number(j, "quantity", m->read.quantity);
	} else {
		text(j, "data", m->data);
	}
	json_end(j);
}

static void log_write(struct json *j, const struct modbus_message *m)
{
	json_key(j, "write");
	json_object(j);
	number(j, "address", m->write.address);
	if (m->has_masks) {
		number(j, "and_mask", m->mask_and);
		number(j, "or_mask", m->mask_or);
	} else if (m->has_word) {
		number(j, "data", m->word);
	} else {
		number(j, "quantity", m->write.quantity);
		text(j, "data", m->data);
	}
	json_end(j);
}

static void log_body(struct json *j, const struct modbus_message *m)
{
	if ((m->function & EXCEPTION_BIT) != 0) {
		named(j, "exception", m->kind, exception_name(m->kind));
		json_end(j);
	} else if (m->function == DIAGNOSTIC) {
		named(j, "diagnostic", m->sub, diagnostic_name(m->sub));
		text(j, "data", m->data);
		json_end(j);
	} else if (m->function == ENCAPSULATED) {
		named(j, "mei", m->kind,
		      m->kind == 13   ? "CANOpenGenRefReqResp"
		      : m->kind == 14 ? "RdDevId"
				      : "Unknown");
		text(j, "data", m->data);
		json_end(j);
	} else {
		if (m->read.there || ((m->access & MODBUS_READ) != 0 && m->has_data))
			log_read(j, m, m->read.there);
		if (m->write.there)
			log_write(j, m);
		if (m->access == 0 && m->has_data)
			text(j, "data", m->data);
	}
}

static void log_message(struct json *j, const char *key, const struct modbus_message *m)
{
	static const char *const accesses[] = {"READ",	"WRITE",   "DISCRETES", "COILS",
					       "INPUT", "HOLDING", "SINGLE",	"MULTIPLE"};
	static const char *const categories[] = {"PUBLIC_UNASSIGNED", "PUBLIC_ASSIGNED",
						 "USER_DEFINED", "RESERVED"};
	static const char *const flaws[] = {"DATA_VALUE", "DATA_LENGTH", "EXC_CODE", "FUNC_CODE",
					    "PROTO_ID"};
	const struct modbus_function *f = app_modbus_function_of(m->function & 0x7f);

	if (!m->there)
		return;
	json_key(j, key);
	json_object(j);
	number(j, "transaction_id", m->transaction);
	number(j, "protocol_id", m->protocol);
	number(j, "unit_id", m->unit);
	number(j, "function_raw", m->function);
	text(j, "function_code", slice_of(f != NULL ? f->name : "Unknown"));
	bits(j, "access_type", m->access, accesses, sizeof accesses / sizeof accesses[0]);
	bits(j, "category", m->category, categories, sizeof categories / sizeof categories[0]);
	bits(j, "error_flags", m->flaws, flaws, sizeof flaws / sizeof flaws[0]);
	log_body(j, m);
	json_end(j);
}

bool app_modbus_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct modbus_tx *t = tx->data;
	struct buf out = buf_in(scratch);
	struct json j = json_in(&out);

	if (n != 0)
		return false;
	json_object(&j);
	number(&j, "id", tx->id + 1);
	log_message(&j, "request", &t->request);
	log_message(&j, "response", &t->response);
	json_end(&j);
	return !out.full && record_object(r, scratch, "modbus", buf_slice(&out));
}
