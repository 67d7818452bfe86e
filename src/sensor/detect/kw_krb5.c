/* SPDX-License-Identifier: Apache-2.0
 *
 * How a Kerberos ticket is encrypted: "weak", "!weak", or a list of types by number or by name
 * ("23,des-cbc-md5"). Suricata 8.0.6 rules/kerberos-keywords; names: IANA kerberos-parameters.
 */
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

enum { TYPES_MAX = 32 };

struct types_operand {
	bool weak, negated;
	int32_t types[TYPES_MAX];
	uint32_t count;
};

static const struct {
	const char *name;
	int32_t type;
} names[] = {
	{"des-cbc-crc", 1},
	{"des-cbc-md4", 2},
	{"des-cbc-md5", 3},
	{"des3-cbc-md5", 5},
	{"des3-cbc-sha1", 7},
	{"dsaWithSHA1-CmsOID", 9},
	{"md5WithRSAEncryption-CmsOID", 10},
	{"sha1WithRSAEncryption-CmsOID", 11},
	{"rc2CBC-EnvOID", 12},
	{"rsaEncryption-EnvOID", 13},
	{"rsaES-OAEP-ENV-OID", 14},
	{"des-ede3-cbc-Env-OID", 15},
	{"des3-cbc-sha1-kd", 16},
	{"aes128-cts-hmac-sha1-96", 17},
	{"aes256-cts-hmac-sha1-96", 18},
	{"aes128-cts-hmac-sha256-128", 19},
	{"aes256-cts-hmac-sha384-192", 20},
	{"rc4-hmac", 23},
	{"rc4-hmac-exp", 24},
	{"camellia128-cts-cmac", 25},
	{"camellia256-cts-cmac", 26},
	{"subkey-keymaterial", 65},
	{"rc4-md4", -128},
	{"rc4-plain2", -129},
	{"rc4-lm", -130},
	{"rc4-sha", -131},
	{"des-plain", -132},
	{"rc4-hmac-OLD", -133},
	{"rc4-plain-OLD", -134},
	{"rc4-hmac-OLD-exp", -135},
	{"rc4-plain-OLD-exp", -136},
	{"rc4-plain", -140},
	{"rc4-plain-exp", -141},
};

static bool is_weak(int32_t type)
{
	return !((type >= 17 && type <= 20) || type == 25 || type == 26);
}

static bool step(const void *operand, struct detect_inspect *in)
{
	const struct types_operand *o = operand;
	uint32_t v = 0;
	bool any;

	if (in->bytes.len != 4)
		return false;
	for (size_t i = 0; i < 4; i++)
		v = v << 8 | in->bytes.ptr[i];
	any = o->weak && is_weak((int32_t)v);
	for (uint32_t i = 0; i < o->count; i++)
		any |= o->types[i] == (int32_t)v;
	return any != o->negated;
}

static bool type_parse(struct slice s, int32_t *out)
{
	int64_t v;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (slice_equal_nocase(s, slice_of(names[i].name))) {
			*out = names[i].type;
			return true;
		}
	}
	if (!text_i64(s, INT32_MIN, INT32_MAX, &v))
		return false;
	*out = (int32_t)v;
	return true;
}

static enum status compile(struct detect_compiler *c, const struct detect_keyword *kw,
			   struct slice value, struct fail *why)
{
	struct types_operand *o = ARENA_NEW(c->arena, struct types_operand);
	struct detect_draft_list *keep = c->current;
	struct slice rest = slice_trim(value);
	enum status st;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	o->negated = slice_starts(rest, SLICE("!"));
	rest = slice_trim(slice_from(rest, o->negated ? 1 : 0));
	o->weak = slice_equal(rest, SLICE("weak"));
	while (!o->weak && rest.ptr != NULL) {
		struct slice part = slice_split(&rest, ',');

		while (part.ptr != NULL) {
			struct slice w = slice_trim(slice_split(&part, ' '));

			if (w.len == 0)
				continue;
			if (o->count == TYPES_MAX || !type_parse(w, &o->types[o->count]))
				return fail_set(why, ST_INVALID, "%s does not know \"%.*s\"",
						kw->name, SLICE_ARG(w));
			o->count++;
		}
	}
	if (!o->weak && o->count == 0)
		return fail_set(why, ST_INVALID, "%s wants types of encryption", kw->name);
	st = detect_list_for(c, SLICE("krb5.ticket_encryption"), &c->current, why);
	if (st == ST_OK)
		st = detect_add_step(c, kw, o, false, why);
	c->current = keep;
	return st;
}

KEYWORD(krb5) = {
	{.name = "krb5.ticket_encryption",
	 .compile = compile,
	 .step = step,
	 .doc = "a ticket is encrypted so, or weakly"},
	{0},
};
