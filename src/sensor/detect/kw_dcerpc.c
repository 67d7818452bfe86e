/* SPDX-License-Identifier: Apache-2.0
 *
 * DCE/RPC calls, on TCP, UDP and SMB's pipes: which interface, which operation. Suricata 8.0.6
 * rules/dcerpc-keywords; the values are those of the fields dcerpc.iface (16 bytes UUID, two of
 * version, one that is 1 if the bind was a first fragment) and dcerpc.opnum.
 */
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

enum { UUID_TEXT = 36, INTERFACE_BYTES = 19, RANGES_MAX = 64 };

struct interface_operand {
	uint8_t uuid[16];
	bool has_version, any_fragment;
	struct detect_range version;
};

struct numbers_operand {
	struct {
		uint64_t from, to;
	} range[RANGES_MAX];
	uint32_t count;
};

static bool interface_step(const void *operand, struct detect_inspect *in)
{
	const struct interface_operand *o = operand;
	struct slice s = in->bytes;

	if (s.len != INTERFACE_BYTES || memcmp(s.ptr, o->uuid, sizeof o->uuid) != 0)
		return false;
	if (!o->any_fragment && s.ptr[18] == 0)
		return false;
	return !o->has_version ||
	       detect_range_holds(&o->version, (uint64_t)s.ptr[16] << 8 | s.ptr[17]);
}

static bool uuid_parse(struct slice s, uint8_t out[16])
{
	size_t n = 0;

	if (s.len != UUID_TEXT)
		return false;
	for (size_t i = 0; i < s.len;) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (s.ptr[i++] != '-')
				return false;
			continue;
		}
		if (text_hex(s.ptr[i]) < 0 || text_hex(s.ptr[i + 1]) < 0)
			return false;
		out[n++] = (uint8_t)(text_hex(s.ptr[i]) << 4 | text_hex(s.ptr[i + 1]));
		i += 2;
	}
	return n == 16;
}

static enum status add(struct detect_compiler *c, const struct detect_keyword *kw,
		       const void *operand, struct slice field, struct fail *why)
{
	struct detect_draft_list *keep = c->current;
	enum status st = detect_list_for(c, field, &c->current, why);

	if (st == ST_OK)
		st = detect_add_step(c, kw, operand, false, why);
	c->current = keep;
	return st;
}

/* "UUID", "UUID,>1", "UUID,any_frag", "UUID,=1,any_frag" */
static enum status compile_interface(struct detect_compiler *c, const struct detect_keyword *kw,
				     struct slice value, struct fail *why)
{
	struct interface_operand *o = ARENA_NEW(c->arena, struct interface_operand);
	struct slice rest = value, w;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	w = slice_trim(slice_split(&rest, ','));
	if (!uuid_parse(w, o->uuid))
		return fail_set(why, ST_INVALID, "%s wants a UUID, not \"%.*s\"", kw->name,
				SLICE_ARG(w));
	while (rest.ptr != NULL && !o->any_fragment) {
		w = slice_trim(slice_split(&rest, ','));
		if (slice_equal(w, SLICE("any_frag")))
			o->any_fragment = true;
		else if (!o->has_version && detect_range_parse(w, UINT16_MAX, &o->version))
			o->has_version = true;
		else
			return fail_set(why, ST_INVALID, "%s does not know \"%.*s\"", kw->name,
					SLICE_ARG(w));
	}
	if (rest.ptr != NULL)
		return fail_set(why, ST_INVALID, "%s: any_frag comes last", kw->name);
	return add(c, kw, o, SLICE("dcerpc.iface"), why);
}

static bool numbers_step(const void *operand, struct detect_inspect *in)
{
	const struct numbers_operand *o = operand;
	uint64_t v;

	if (in->bytes.len != sizeof v)
		return false;
	memcpy(&v, in->bytes.ptr, sizeof v);
	for (uint32_t i = 0; i < o->count; i++)
		if (v >= o->range[i].from && v <= o->range[i].to)
			return true;
	return false;
}

static bool numbers_parse(struct slice value, struct numbers_operand *o)
{
	struct slice rest = value;

	while (rest.ptr != NULL) {
		struct slice to = slice_trim(slice_split(&rest, ',')),
			     from = slice_trim(slice_split(&to, '-'));
		uint64_t a, b;

		if (o->count == RANGES_MAX || !text_u64(from, 0, UINT32_MAX, &a))
			return false;
		b = a;
		if (to.ptr != NULL && !text_u64(slice_trim(to), a, UINT32_MAX, &b))
			return false;
		o->range[o->count].from = a;
		o->range[o->count++].to = b;
	}
	return o->count != 0;
}

/* "15", "15,17", "12-14,3", and as any number: "!5", ">5" */
static enum status compile_opnum(struct detect_compiler *c, const struct detect_keyword *kw,
				 struct slice value, struct fail *why)
{
	struct numbers_operand *o = ARENA_NEW(c->arena, struct numbers_operand);
	const struct app_protocol *p;
	const struct app_field *f = app_field_find(SLICE("dcerpc.opnum"), &p);

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	if (numbers_parse(value, o))
		return add(c, kw, o, SLICE("dcerpc.opnum"), why);
	return detect_number_add(c, f, value, why);
}

#define INTERFACE(word)                                                                            \
	{                                                                                          \
		.name = (word), .compile = compile_interface, .step = interface_step,              \
		.doc = "a call of the interface with this UUID"                                    \
	}
#define OPNUM(word)                                                                                \
	{                                                                                          \
		.name = (word), .compile = compile_opnum, .step = numbers_step,                    \
		.doc = "a call of one of these operations"                                         \
	}

KEYWORD(dcerpc) = {
	INTERFACE("dcerpc.iface"),
	INTERFACE("dce_iface"),
	OPNUM("dcerpc.opnum"),
	OPNUM("dce_opnum"),
	{0},
};
