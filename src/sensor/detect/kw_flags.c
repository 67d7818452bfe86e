/* SPDX-License-Identifier: Apache-2.0
 * Sets of flag bits: TCP flags and IPv4 fragment bits. */
#include "sensor/detect/detect_priv.h"

struct flags_operand {
	uint8_t want, ignore;
	enum { FLAGS_EXACT, FLAGS_ALL, FLAGS_ANY, FLAGS_NOT } how;
};

static bool bits_hold(const struct flags_operand *o, uint8_t bits)
{
	bits = (uint8_t)(bits & ~o->ignore);
	switch (o->how) {
	case FLAGS_ALL:
		return (bits & o->want) == o->want;
	case FLAGS_ANY:
		return (bits & o->want) != 0;
	case FLAGS_NOT:
		return (bits & o->want) != o->want;
	case FLAGS_EXACT:
		break;
	}
	return bits == o->want;
}

static bool tcp_flags(const void *operand, const struct detect_view *v)
{
	const struct packet *p = v->packet;

	return p != NULL && p->proto == IP_PROTO_TCP && p->l4_header.len != 0 &&
	       bits_hold(operand, p->tcp.flags);
}

static bool frag_bits(const void *operand, const struct detect_view *v)
{
	return v->packet != NULL && v->packet->ip_version == 4 &&
	       bits_hold(operand, v->packet->ip_flags);
}

static const char tcp_letters[] = "FSRPAUEC"; /* bit i */
static const char frag_letters[] = "MDR";

static bool letters_parse(struct slice s, bool tcp, uint8_t *bits)
{
	const char *letters = tcp ? tcp_letters : frag_letters;

	for (size_t i = 0; i < s.len; i++) {
		const char *at = strchr(letters, s.ptr[i] & ~0x20);

		if (s.ptr[i] == ' ' || (tcp && s.ptr[i] == '0'))
			continue;
		if (tcp && s.ptr[i] == '1')
			*bits |= TCP_CWR;
		else if (tcp && s.ptr[i] == '2')
			*bits |= TCP_ECE;
		else if (at != NULL && *at != '\0')
			*bits |= (uint8_t)(1U << (at - letters));
		else
			return false;
	}
	return true;
}

/* [!*+]letters[,letters to ignore]; the sign may also stand behind. */
static enum status compile_flags(struct detect_compiler *c, const struct detect_keyword *kw,
				 struct slice value, struct fail *why)
{
	struct flags_operand *o = ARENA_NEW(c->arena, struct flags_operand);
	struct slice rest = value, s = slice_trim(slice_split(&rest, ','));
	static const char signs[] = "+*!";
	const char *sign;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	if (s.len > 0 && (sign = memchr(signs, s.ptr[0], 3)) != NULL) {
		o->how = FLAGS_ALL + (unsigned)(sign - signs);
		s = slice_from(s, 1);
	} else if (s.len > 0 && (sign = memchr(signs, s.ptr[s.len - 1], 3)) != NULL) {
		o->how = FLAGS_ALL + (unsigned)(sign - signs);
		s = slice_part(s, 0, s.len - 1);
	}
	if (s.len == 0 || !letters_parse(s, kw->which == 0, &o->want) ||
	    !letters_parse(slice_trim(rest), kw->which == 0, &o->ignore))
		return fail_set(why, ST_INVALID, "%s does not know \"%.*s\"", kw->name,
				SLICE_ARG(value));
	c->wants_packet = c->packet_only = true;
	return detect_add_test(c, kw, o, why);
}

KEYWORD(flags) = {
	{.name = "flags",
	 .which = 0,
	 .compile = compile_flags,
	 .test = tcp_flags,
	 .cost = 1,
	 .doc = "TCP flags"},
	{.name = "tcp.flags",
	 .which = 0,
	 .compile = compile_flags,
	 .test = tcp_flags,
	 .cost = 1,
	 .doc = "TCP flags"},
	{.name = "fragbits",
	 .which = 1,
	 .compile = compile_flags,
	 .test = frag_bits,
	 .cost = 1,
	 .doc = "IPv4 fragment bits"},
	{0},
};
