/* SPDX-License-Identifier: Apache-2.0
 *
 * One rule: the header, the options, and the few options whose meaning belongs to every rule. */
#include "base/text.h"
#include "sensor/rule/rule_priv.h"

static const struct {
	struct slice name;
	enum rule_action action;
} actions[] = {
	{{(const uint8_t *)"alert", 5}, RULE_ALERT},
	{{(const uint8_t *)"pass", 4}, RULE_PASS},
	{{(const uint8_t *)"drop", 4}, RULE_DROP},
	{{(const uint8_t *)"reject", 6}, RULE_REJECT},
	{{(const uint8_t *)"rejectsrc", 9}, RULE_REJECT_SRC},
	{{(const uint8_t *)"rejectdst", 9}, RULE_REJECT_DST},
	{{(const uint8_t *)"rejectboth", 10}, RULE_REJECT_BOTH},
	{{(const uint8_t *)"config", 6}, RULE_ALERT}, /* its matches have effects, but no alert */
};

bool rule_name_ok(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!text_is_alpha(s.ptr[i]) && !text_is_digit(s.ptr[i]) &&
		    memchr("_.-", s.ptr[i], 3) == NULL)
			return false;
	return s.len > 0 && s.len <= RULE_NAME_MAX;
}

/* ---- the header ---- */

static void skip_space(struct slice *rest)
{
	while (rest->len > 0 && text_is_space(rest->ptr[0]))
		*rest = slice_from(*rest, 1);
}

/* The next word of the header; a list may hold spaces. Ends in front of the options. */
static struct slice word_take(struct slice *rest)
{
	struct slice word;
	size_t depth = 0, n = 0;

	skip_space(rest);
	for (; n < rest->len; n++) {
		uint8_t c = rest->ptr[n];

		if (c == '[')
			depth++;
		else if (c == ']' && depth > 0)
			depth--;
		else if (depth == 0 && (text_is_space(c) || c == '('))
			break;
	}
	word = slice_part(*rest, 0, n);
	*rest = slice_from(*rest, n);
	return word;
}

static enum status action_parse(struct slice word, enum rule_action *out,
				struct slice *out_unsupported, struct fail *why)
{
	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
		if (slice_equal(word, actions[i].name)) {
			*out = actions[i].action;
			return ST_OK;
		}
	/* firewall mode puts a hook behind the action: "drop:flow" */
	if (slice_equal(word, SLICE("accept")) || slice_find(word, SLICE(":")) != SIZE_MAX) {
		*out_unsupported = word;
		return fail_set(why, ST_INVALID, "action \"%.*s\" is not supported",
				RULE_SHOW(word));
	}
	return fail_set(why, ST_INVALID,
			"expected alert, pass, drop, reject, rejectsrc, rejectdst or rejectboth, "
			"not \"%.*s\"",
			RULE_SHOW(word));
}

static enum status direction_parse(struct slice word, struct rule *r, struct fail *why)
{
	r->both_ways = slice_equal(word, SLICE("<>"));
	r->transactional = slice_equal(word, SLICE("=>"));
	if (r->both_ways || r->transactional || slice_equal(word, SLICE("->")))
		return ST_OK;
	return fail_set(why, ST_INVALID, "expected ->, => or <>, not \"%.*s\"", RULE_SHOW(word));
}

/* Everything in front of the options; *rest is left at them. */
static enum status header_parse(struct rule_set *s, struct rule *r, struct slice *rest,
				struct slice *out_unsupported, struct fail *why)
{
	struct slice action = word_take(rest);
	enum status st = action_parse(action, &r->action, out_unsupported, why);

	if (st != ST_OK)
		return st;
	r->config = slice_equal(action, SLICE("config"));
	r->proto = word_take(rest);
	if (r->proto.len == 0)
		return fail_set(why, ST_INVALID, "expected a protocol behind the action");
	st = rule_addrs_parse(s, word_take(rest), &r->src, why);
	if (st != ST_OK)
		return fail_wrap(why, "source address");
	st = rule_ports_parse(s, word_take(rest), &r->sport, why);
	if (st != ST_OK)
		return fail_wrap(why, "source port");
	st = direction_parse(word_take(rest), r, why);
	if (st != ST_OK)
		return st;
	st = rule_addrs_parse(s, word_take(rest), &r->dst, why);
	if (st != ST_OK)
		return fail_wrap(why, "destination address");
	st = rule_ports_parse(s, word_take(rest), &r->dport, why);
	if (st != ST_OK)
		return fail_wrap(why, "destination port");
	return ST_OK;
}

/* ---- the options ---- */

/* s, which starts with a quote, ends with another that no backslash takes away. */
static bool quotes_match(struct slice s)
{
	size_t n = s.len - 1, slashes = 0;

	while (n > 1 + slashes && s.ptr[n - 1 - slashes] == '\\')
		slashes++;
	return s.len >= 2 && s.ptr[n] == '"' && slashes % 2 == 0;
}

/* Cuts the next option off *rest. ST_END: there is none. An option ends at the first ; that has no
 * backslash in front; quotes do not hide it, as in Suricata. */
static enum status option_take(struct slice *rest, struct rule_option *out, struct fail *why)
{
	struct slice text, value, quoted;
	size_t n = 0;

	skip_space(rest);
	if (rest->len == 0)
		return ST_END;
	while (n < rest->len && (rest->ptr[n] != ';' || (n > 0 && rest->ptr[n - 1] == '\\')))
		n++;
	if (n == rest->len)
		return fail_set(why, ST_INVALID, "expected ; behind \"%.*s\"", RULE_SHOW(*rest));
	text = slice_part(*rest, 0, n);
	*rest = slice_from(*rest, n + 1);
	value = text;
	out->keyword = slice_trim(slice_split(&value, ':'));
	if (!rule_name_ok(out->keyword))
		return fail_set(why, ST_INVALID, "expected a keyword, not \"%.*s\"",
				RULE_SHOW(out->keyword));
	out->value = value.ptr ? slice_trim(value) : value;
	if (value.ptr != NULL && out->value.len == 0)
		return fail_set(why, ST_INVALID, "expected a value behind \"%.*s:\"",
				RULE_SHOW(out->keyword));
	quoted = out->value;
	if (slice_starts(quoted, SLICE("!")))
		quoted = slice_trim(slice_from(quoted, 1));
	if (slice_starts(quoted, SLICE("\"")) && !quotes_match(quoted))
		return fail_set(why, ST_INVALID,
				"expected \" at the end of %.*s (inside, a ; is written \\;)",
				RULE_SHOW(out->keyword));
	return ST_OK;
}

static enum status options_parse(struct rule_set *s, struct rule *r, struct slice body,
				 struct fail *why)
{
	struct slice rest = slice_trim(body);
	struct rule_option o;
	enum status st;
	size_t n = 0;

	if (!slice_starts(rest, SLICE("(")) || !slice_ends(rest, SLICE(")")) || rest.len < 2)
		return fail_set(why, ST_INVALID, "expected (options) behind the header");
	body = rest = slice_part(rest, 1, rest.len - 2);
	while ((st = option_take(&rest, &o, why)) == ST_OK)
		n++;
	if (st != ST_END)
		return st;
	r->options = ARENA_ARRAY(s->arena, struct rule_option, n);
	if (r->options == NULL)
		return fail_set(why, ST_NOMEM, "no memory for options");
	while (r->option_count < n &&
	       option_take(&body, &r->options[r->option_count], why) == ST_OK)
		r->option_count++;
	return ST_OK;
}

/* ---- the options every rule has ---- */

/* A number, once. */
static enum status number_read(const struct rule_option *o, uint64_t least, uint64_t most,
			       bool *seen, uint64_t *out, struct fail *why)
{
	if (*seen)
		return fail_set(why, ST_INVALID, "expected one %.*s", RULE_SHOW(o->keyword));
	*seen = true;
	if (!text_u64(o->value, least, most, out))
		return fail_set(why, ST_INVALID,
				"expected a number of %llu to %llu behind %.*s:, not \"%.*s\"",
				(unsigned long long)least, (unsigned long long)most,
				RULE_SHOW(o->keyword), RULE_SHOW(o->value));
	return ST_OK;
}

/* The text in the quotes without the backslashes that escape. */
static enum status msg_read(const struct rule_option *o, struct arena *a, struct slice *out,
			    struct fail *why)
{
	struct slice in = slice_part(o->value, 1, o->value.len - 2);
	uint8_t *text;
	size_t n = 0;

	if (out->ptr != NULL)
		return fail_set(why, ST_INVALID, "expected one msg");
	if (!slice_starts(o->value, SLICE("\"")))
		return fail_set(why, ST_INVALID, "expected msg in double quotes");
	if (memchr(in.ptr ? (const char *)in.ptr : "", '\\', in.len) == NULL) {
		*out = in;
		return ST_OK;
	}
	text = ARENA_ARRAY(a, uint8_t, in.len);
	if (text == NULL)
		return fail_set(why, ST_NOMEM, "no memory for msg");
	for (size_t i = 0; i < in.len; i++) {
		if (in.ptr[i] == '\\' && i + 1 < in.len)
			i++;
		text[n++] = in.ptr[i];
	}
	*out = (struct slice){text, n};
	return ST_OK;
}

static enum status common_read(struct rule_set *s, struct rule *r, struct fail *why)
{
	struct {
		struct slice name;
		uint64_t least, most, *out;
		bool seen;
	} numbers[] = {
		{SLICE("sid"), 1, UINT32_MAX, &r->sid, false},
		{SLICE("rev"), 0, UINT32_MAX, &r->rev, false},
		{SLICE("gid"), 0, UINT32_MAX, &r->gid, false},
		{SLICE("priority"), 1, RULE_PRIORITY_MAX, &r->priority, false},
	};
	enum status st = ST_OK;

	r->gid = 1;
	r->priority = 0;
	for (size_t i = 0; st == ST_OK && i < r->option_count; i++) {
		const struct rule_option *o = &r->options[i];

		for (size_t k = 0; st == ST_OK && k < sizeof numbers / sizeof numbers[0]; k++)
			if (slice_equal(o->keyword, numbers[k].name))
				st = number_read(o, numbers[k].least, numbers[k].most,
						 &numbers[k].seen, numbers[k].out, why);
		if (st == ST_OK && slice_equal(o->keyword, SLICE("msg")))
			st = msg_read(o, s->arena, &r->msg, why);
		if (st == ST_OK && slice_equal(o->keyword, SLICE("classtype"))) {
			if (r->classtype.ptr != NULL || !rule_name_ok(o->value))
				return fail_set(why, ST_INVALID, "expected one classtype: NAME");
			r->classtype = o->value;
		}
	}
	if (st == ST_OK && r->sid == 0)
		return fail_set(why, ST_INVALID, "expected sid: NUMBER");
	return st;
}

enum status rule_line_parse(struct rule_set *s, struct rule *r, struct slice *out_unsupported,
			    struct fail *why)
{
	struct slice rest = r->text;
	const struct rule_class *class;
	struct fail why_header;
	enum status header, st;

	if (r->text.len > RULE_BYTES_MAX)
		return fail_set(why, ST_LIMIT, "expected a rule of at most %d bytes",
				RULE_BYTES_MAX);
	if (memchr(r->text.ptr, '\0', r->text.len) != NULL)
		return fail_set(why, ST_INVALID, "expected text, not a NUL byte");
	header = header_parse(s, r, &rest, out_unsupported, &why_header);
	if (header != ST_OK && slice_find(rest, SLICE("(")) != SIZE_MAX)
		rest = slice_from(rest, slice_find(rest, SLICE("(")));
	/* the options even of a rule whose header is wrong: its sid belongs in the message */
	st = options_parse(s, r, rest, why);
	if (st == ST_OK)
		st = common_read(s, r, why);
	if (st == ST_OK)
		st = rule_references_read(s, r, why);
	if (header != ST_OK && st != ST_NOMEM) {
		*why = why_header;
		return header;
	}
	if (st != ST_OK)
		return st;
	class = rule_table_find(&s->classes->names, r->classtype);
	if (class != NULL)
		r->category = class->description;
	if (r->priority == 0)
		r->priority = class ? class->priority : RULE_PRIORITY_DEFAULT;
	return ST_OK;
}
