/* SPDX-License-Identifier: Apache-2.0
 * cip_service: service, or service,class, or service,class,attribute of one CIP message. */
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

enum { TRIPLE = 3 };

struct cip_operand {
	uint64_t want[TRIPLE];
	size_t count;
};

static bool cip_service(const void *operand, struct detect_inspect *in)
{
	const struct cip_operand *o = operand;
	uint64_t have[TRIPLE];

	for (size_t at = 0; at + sizeof have <= in->bytes.len; at += sizeof have) {
		memcpy(have, in->bytes.ptr + at, sizeof have);
		if (memcmp(have, o->want, o->count * sizeof *have) == 0)
			return true;
	}
	return false;
}

static enum status compile(struct detect_compiler *c, const struct detect_keyword *kw,
			   struct slice value, struct fail *why)
{
	static const uint64_t most[TRIPLE] = {127, UINT16_MAX, UINT16_MAX};
	struct cip_operand *o = ARENA_NEW(c->arena, struct cip_operand);
	struct detect_draft_list *keep = c->current;
	struct slice rest = value;
	enum status st;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	while (rest.ptr != NULL) {
		struct slice s = slice_trim(slice_split(&rest, ','));

		if (o->count == TRIPLE || !text_u64(s, 0, most[o->count], &o->want[o->count]))
			return fail_set(why, ST_INVALID,
					"%s wants service[,class[,attribute]], not \"%.*s\"",
					kw->name, SLICE_ARG(value));
		o->count++;
	}
	if (o->count == 0)
		return fail_set(why, ST_INVALID, "%s wants a service", kw->name);
	st = detect_list_for(c, SLICE("enip.cip"), &c->current, why);
	if (st == ST_OK)
		st = detect_add_step(c, kw, o, false, why);
	c->current = keep;
	return st;
}

KEYWORD(enip) = {
	{.name = "cip_service",
	 .compile = compile,
	 .step = cip_service,
	 .cost = 1,
	 .doc = "service, class and attribute of a CIP message"},
	{0},
};
