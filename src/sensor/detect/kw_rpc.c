/* SPDX-License-Identifier: Apache-2.0
 * rpc: a call of a program, version and procedure of ONC RPC (RFC 5531 9): "100000,2,4"; a star,
 * or nothing, stands for any version or procedure. Suricata 8 rules/payload-keywords. */
#include "base/cursor.h"
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

enum { RPC_CALL = 0, RPC_VERSION = 2, RPC_MARK_BYTES = 4 /* over TCP: RFC 5531 11 */ };

struct rpc_operand {
	uint32_t program, version, procedure;
	bool any_version, any_procedure;
};

static bool rpc(const void *operand, const struct detect_view *v)
{
	const struct rpc_operand *o = operand;
	uint32_t type, rpc_version, program, version, procedure;
	struct cursor c;

	if (v->packet == NULL || (v->proto != IP_PROTO_TCP && v->proto != IP_PROTO_UDP))
		return false;
	c = cursor_of(v->packet->payload);
	if (v->proto == IP_PROTO_TCP)
		(void)cursor_take(&c, RPC_MARK_BYTES);
	(void)cursor_be32(&c); /* transaction */
	type = cursor_be32(&c);
	rpc_version = cursor_be32(&c);
	program = cursor_be32(&c);
	version = cursor_be32(&c);
	procedure = cursor_be32(&c);
	return cursor_ok(&c) && type == RPC_CALL && rpc_version == RPC_VERSION &&
	       program == o->program && (o->any_version || version == o->version) &&
	       (o->any_procedure || procedure == o->procedure);
}

/* A number, "*", or nothing at all behind the last comma. */
static bool part_parse(struct slice s, uint32_t *out, bool *any)
{
	uint64_t n = 0;

	*any = s.ptr == NULL || slice_equal(s, SLICE("*"));
	if (!*any && !text_u64(s, 0, UINT32_MAX, &n))
		return false;
	*out = (uint32_t)n;
	return true;
}

static enum status compile(struct detect_compiler *c, const struct detect_keyword *kw,
			   struct slice value, struct fail *why)
{
	struct rpc_operand *o = ARENA_NEW(c->arena, struct rpc_operand);
	struct slice rest = value, program = slice_trim(slice_split(&rest, ','));
	struct slice version = slice_trim(slice_split(&rest, ','));
	uint64_t n;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	if (!text_u64(program, 0, UINT32_MAX, &n) ||
	    !part_parse(version, &o->version, &o->any_version) ||
	    !part_parse(slice_trim(rest), &o->procedure, &o->any_procedure))
		return fail_set(why, ST_INVALID,
				"rpc wants program, version and procedure, the last two a number "
				"or *, not \"%.*s\"",
				SLICE_ARG(value));
	o->program = (uint32_t)n;
	c->wants_packet = true;
	return detect_add_test(c, kw, o, why);
}

KEYWORD(rpc) = {
	{.name = "rpc",
	 .compile = compile,
	 .test = rpc,
	 .cost = 2,
	 .doc = "a call of this program, version and procedure of ONC RPC"},
	{0},
};
