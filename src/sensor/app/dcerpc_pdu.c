/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app/dcerpc_priv.h"

enum { SYNTAX_BYTES = 20 }; /* a UUID and a version */

uint16_t app_dcerpc_u16(struct cursor *c, bool little)
{
	return little ? cursor_le16(c) : cursor_be16(c);
}

uint32_t app_dcerpc_u32(struct cursor *c, bool little)
{
	return little ? cursor_le32(c) : cursor_be32(c);
}

bool app_dcerpc_header(struct cursor *c, struct dcerpc_header *out)
{
	struct dcerpc_header h = {0};

	h.major = cursor_u8(c);
	h.minor = cursor_u8(c);
	h.type = cursor_u8(c);
	h.flags = cursor_u8(c);
	h.little = (cursor_u8(c) & 0x10) != 0; /* integer representation */
	(void)cursor_take(c, 3);
	h.length = app_dcerpc_u16(c, h.little);
	(void)app_dcerpc_u16(c, h.little); /* auth_length */
	h.call = app_dcerpc_u32(c, h.little);
	if (!cursor_ok(c))
		return false;
	*out = h;
	return true;
}

void app_dcerpc_uuid(struct cursor *c, bool little, uint8_t out[16])
{
	static const uint8_t swapped[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
	struct slice s = cursor_take(c, 16);

	for (size_t i = 0; i < 16; i++)
		out[i] = s.len != 16 ? 0 : s.ptr[little ? swapped[i] : i];
}

/* Adds a context; what an earlier bind said of the same context is forgotten. */
static bool interface_add(struct dcerpc_interfaces *all, struct arena *a,
			  const struct dcerpc_interface *in)
{
	uint32_t kept = 0;

	if (all->of == NULL) {
		all->of = ARENA_ARRAY(a, struct dcerpc_interface, DCERPC_INTERFACES_MAX);
		if (all->of == NULL)
			return false;
	}
	for (uint32_t i = 0; i < all->count; i++)
		if (all->of[i].context != in->context || all->of[i].call == in->call)
			all->of[kept++] = all->of[i];
	all->count = kept;
	if (all->count == DCERPC_INTERFACES_MAX)
		memmove(all->of, all->of + 1, --all->count * sizeof *all->of);
	all->of[all->count++] = *in;
	return true;
}

bool app_dcerpc_bind(struct dcerpc_interfaces *all, struct arena *a, struct cursor *c,
		     const struct dcerpc_header *h)
{
	uint8_t contexts;

	(void)cursor_take(c, 8); /* fragment sizes, association group */
	contexts = cursor_u8(c);
	(void)cursor_take(c, 3);
	for (unsigned i = 0; i < contexts && cursor_ok(c); i++) {
		struct dcerpc_interface in = {.call = h->call};
		uint8_t syntaxes;

		in.context = app_dcerpc_u16(c, h->little);
		syntaxes = cursor_u8(c);
		(void)cursor_u8(c);
		app_dcerpc_uuid(c, h->little, in.uuid);
		if (h->little) {
			in.version = cursor_le16(c);
			in.minor = cursor_le16(c);
		} else { /* one number: the minor version is its upper half */
			in.minor = cursor_be16(c);
			in.version = cursor_be16(c);
		}
		(void)cursor_take(c, (size_t)syntaxes * SYNTAX_BYTES);
		in.first = (h->flags & DCERPC_FIRST) != 0;
		if (cursor_ok(c) && !interface_add(all, a, &in))
			break; /* no memory: its calls have no interface */
	}
	return cursor_ok(c);
}

bool app_dcerpc_bind_ack(struct dcerpc_interfaces *all, struct cursor *c,
			 const struct dcerpc_header *h)
{
	size_t address;
	uint8_t results;
	uint32_t at = 0;

	(void)cursor_take(c, 8);
	address = app_dcerpc_u16(c, h->little);
	(void)cursor_take(c, address);
	(void)cursor_take(c, (4 - (address + 2) % 4) % 4);
	results = cursor_u8(c);
	(void)cursor_take(c, 3);
	for (unsigned i = 0; i < results; i++) {
		uint16_t result = app_dcerpc_u16(c, h->little);

		(void)cursor_take(c, 2 + SYNTAX_BYTES); /* reason */
		if (!cursor_ok(c))
			return false;
		while (at < all->count && (all->of[at].call != h->call || all->of[at].acked))
			at++;
		if (at < all->count) {
			all->of[at].result = result;
			all->of[at].acked = true;
		}
	}
	return cursor_ok(c);
}

bool app_dcerpc_request(struct cursor *c, const struct dcerpc_header *h, uint16_t *out_context,
			uint16_t *out_opnum, struct slice *out_stub)
{
	uint16_t context, opnum;
	size_t used = DCERPC_REQUEST_BYTES;

	(void)app_dcerpc_u32(c, h->little); /* allocation hint */
	context = app_dcerpc_u16(c, h->little);
	opnum = app_dcerpc_u16(c, h->little);
	if (!cursor_ok(c) || h->length < used)
		return false;
	*out_context = context;
	*out_opnum = opnum;
	*out_stub = slice_part(cursor_rest(c), 0, h->length - used);
	return out_stub->len == h->length - used;
}

bool app_dcerpc_response(struct cursor *c, const struct dcerpc_header *h, struct slice *out_stub)
{
	size_t stub;

	(void)cursor_take(c, 8); /* hint, context, cancel count */
	if (!cursor_ok(c) || h->length < DCERPC_REQUEST_BYTES)
		return false;
	stub = (size_t)h->length - DCERPC_REQUEST_BYTES;
	*out_stub = slice_part(cursor_rest(c), 0, stub);
	return out_stub->len == stub;
}

void app_dcerpc_stub_add(struct dcerpc_call *call, struct arena *a, enum app_dir dir,
			 struct slice stub)
{
	if (call->stub[dir].arena == NULL) {
		call->stub[dir] = buf_in(a);
		call->stub[dir].most = DCERPC_STUB_MAX;
	}
	buf_add(&call->stub[dir], stub);
	if (call->fragments[dir] != UINT16_MAX)
		call->fragments[dir]++;
}

struct slice app_dcerpc_get_interface(const struct dcerpc_interfaces *all,
				      const struct dcerpc_call *call, struct arena *a, unsigned n)
{
	if (!call->has_request || call->request != DCERPC_REQUEST)
		return (struct slice){NULL, 0};
	for (uint32_t i = 0; i < all->count; i++) {
		const struct dcerpc_interface *in = &all->of[i];
		uint8_t *out;

		if (!in->acked || in->result != 0 || in->context != call->context || n-- != 0)
			continue;
		out = ARENA_ARRAY(a, uint8_t, 19);
		if (out == NULL)
			break;
		memcpy(out, in->uuid, 16);
		out[16] = (uint8_t)(in->version >> 8);
		out[17] = (uint8_t)in->version;
		out[18] = in->first;
		return (struct slice){out, 19};
	}
	return (struct slice){NULL, 0};
}

const char *app_dcerpc_type_name(uint8_t type, char text[4])
{
	static const char *const names[DCERPC_TYPES] = {
		"REQUEST",   "PING",	 "RESPONSE",	  "FAULT",
		"WORKING",   "NOCALL",	 "REJECT",	  "ACK",
		"CL_CANCEL", "FACK",	 "CANCEL_ACK",	  "BIND",
		"BINDACK",   "BINDNAK",	 "ALTER_CONTEXT", "ALTER_CONTEXT_RESP",
		"AUTH3",     "SHUTDOWN", "CO_CANCEL",	  "ORPHANED",
		"RTS"};
	unsigned v = type;

	if (type < DCERPC_TYPES)
		return names[type];
	if (type == DCERPC_UNKNOWN)
		return "UNKNOWN";
	for (unsigned i = 3; i-- > 0; v /= 10)
		text[i] = (char)('0' + v % 10);
	text[3] = '\0';
	return type < 100 ? text + 1 : text;
}

void app_dcerpc_json_uuid(struct json *j, const uint8_t uuid[16])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t text[36];
	size_t n = 0;

	for (size_t i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text[n++] = '-';
		text[n++] = (uint8_t)digits[uuid[i] >> 4];
		text[n++] = (uint8_t)digits[uuid[i] & 15];
	}
	json_str(j, (struct slice){text, n});
}

static size_t put_decimal(uint8_t *at, unsigned v)
{
	uint8_t digits[10];
	size_t n = 0;

	do
		digits[n++] = (uint8_t)('0' + v % 10);
	while ((v /= 10) != 0);
	for (size_t i = 0; i < n; i++)
		at[i] = digits[n - 1 - i];
	return n;
}

void app_dcerpc_json_interface(struct json *j, const struct dcerpc_interface *i, bool with_result,
			       bool with_reason)
{
	uint8_t version[24];
	size_t n = put_decimal(version, i->version);

	version[n++] = '.';
	n += put_decimal(version + n, i->minor);
	json_object(j);
	json_key(j, "uuid");
	app_dcerpc_json_uuid(j, i->uuid);
	json_key(j, "version");
	json_str(j, (struct slice){version, n});
	if (with_result && i->acked) {
		json_key(j, "ack_result");
		json_u64(j, i->result);
		if (with_reason) {
			json_key(j, "ack_reason"); /* as Suricata, which does not tell it */
			json_u64(j, 0);
		}
	}
	json_end(j);
}

void app_dcerpc_json_side(struct json *j, const struct dcerpc_call *call, enum app_dir dir,
			  bool with_opnum)
{
	json_key(j, dir == APP_TO_SERVER ? "req" : "res");
	json_object(j);
	if (with_opnum) {
		json_key(j, "opnum");
		json_u64(j, call->opnum);
	}
	json_key(j, "frag_cnt");
	json_u64(j, call->fragments[dir]);
	json_key(j, "stub_data_size");
	json_u64(j, call->stub[dir].len);
	json_end(j);
}
