/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines and tokens of a treaty file, and what is wrong with them.
 */
#include "assess/treaty/treaty_parse_priv.h"

#include "base/text.h"

/* ---- problems ------------------------------------------------------------------------------- */

struct buf treaty_problem_begin(struct treaty_parser *p, uint32_t line, size_t column)
{
	struct buf b = buf_in(p->a);

	if (p->problem_count < TREATY_PROBLEMS_MAX)
		buf_add_fmt(&b, "%.*s:%u:%zu: ", SLICE_ARG(p->file), line, column);
	else
		b.most = 1; /* counted only */
	return b;
}

void treaty_problem_end(struct treaty_parser *p, struct buf *b)
{
	struct slice s = buf_slice(b);

	if (p->problem_count++ >= TREATY_PROBLEMS_MAX)
		return;
	p->nomem |= b->full;
	if (p->problem_count == 1)
		(void)fail_set(p->why, ST_INVALID, "%.*s", SLICE_ARG(s)); /* returned at the end */
	if (p->problems == NULL)
		return;
	buf_add(p->problems, s);
	buf_add_byte(p->problems, '\n');
}

bool treaty_no_memory(struct treaty_parser *p)
{
	p->nomem = true;
	return false;
}

/* ---- lines and tokens ----------------------------------------------------------------------- */

bool treaty_next_line(struct treaty_parser *p)
{
	size_t i;

	if (p->rest.ptr == NULL)
		return false;
	p->line = slice_split(&p->rest, '\n');
	if (slice_ends(p->line, SLICE("\r")))
		p->line.len--;
	p->number++;
	p->at = 0;
	i = text_unfit(p->line, true);
	if (i < p->line.len) {
		(void)TREATY_PROBLEM(p, i + 1,
				     "byte 0x%02x cannot stand here: expected UTF-8 text "
				     "without control characters",
				     p->line.ptr[i]);
		p->line.len = 0;
	}
	return true;
}

bool treaty_is_name_byte(uint8_t c)
{
	return text_is_alpha(c) || text_is_digit(c) || c == '_' || c == '.' || c == '-';
}

struct treaty_token treaty_peek(struct treaty_parser *p)
{
	struct slice l = p->line;
	size_t i = p->at, n = 0;

	while (i < l.len && (l.ptr[i] == ' ' || l.ptr[i] == '\t'))
		i++;
	p->at = i;
	if (i == l.len)
		return (struct treaty_token){TOKEN_END, {NULL, 0}, i + 1};
	if (l.ptr[i] == '"') {
		while (i + 1 + n < l.len && l.ptr[i + 1 + n] != '"')
			n++;
		if (i + 1 + n == l.len)
			return (struct treaty_token){TOKEN_BAD, slice_from(l, i), i + 1};
		return (struct treaty_token){TOKEN_STRING, slice_part(l, i + 1, n), i + 1};
	}
	while (i + n < l.len && treaty_is_name_byte(l.ptr[i + n]))
		n++;
	if (n != 0)
		return (struct treaty_token){TOKEN_WORD, slice_part(l, i, n), i + 1};
	if (strchr("();,", l.ptr[i]) != NULL)
		return (struct treaty_token){TOKEN_SIGN, slice_part(l, i, 1), i + 1};
	return (struct treaty_token){TOKEN_BAD, slice_from(l, i), i + 1};
}

void treaty_take(struct treaty_parser *p, struct treaty_token t)
{
	p->at += t.text.len + (t.kind == TOKEN_STRING ? 2 : 0);
}

bool treaty_token_is(struct treaty_token t, const char *z)
{
	return (t.kind == TOKEN_WORD || t.kind == TOKEN_SIGN) && slice_equal(t.text, slice_of(z));
}

bool treaty_take_if(struct treaty_parser *p, const char *z)
{
	struct treaty_token t = treaty_peek(p);

	if (!treaty_token_is(t, z))
		return false;
	treaty_take(p, t);
	return true;
}

bool treaty_expected(struct treaty_parser *p, struct treaty_token found, const char *what)
{
	if (found.kind == TOKEN_END)
		return TREATY_PROBLEM(p, found.column, "expected %s, found the end of the line",
				      what);
	if (found.kind == TOKEN_BAD && found.text.ptr[0] == '"')
		return TREATY_PROBLEM(p, found.column,
				      "a text in quotes ends on its line: expected \"");
	if (found.kind == TOKEN_BAD)
		return TREATY_PROBLEM(p, found.column, "expected %s, found '%c'", what,
				      found.text.ptr[0] < 0x80 ? found.text.ptr[0] : '?');
	return TREATY_PROBLEM(p, found.column, "expected %s, found \"%.*s\"", what,
			      SLICE_ARG(slice_part(found.text, 0, TREATY_NAME_MAX)));
}

bool treaty_want_end(struct treaty_parser *p)
{
	struct treaty_token t = treaty_peek(p);

	return t.kind == TOKEN_END || treaty_expected(p, t, "the end of the line");
}

bool treaty_want_name(struct treaty_parser *p, const char *what, struct treaty_token *out)
{
	struct treaty_token t = treaty_peek(p);

	if (t.kind != TOKEN_WORD || !text_is_alpha(t.text.ptr[0]))
		return treaty_expected(p, t, what);
	if (t.text.len > TREATY_NAME_MAX)
		return TREATY_PROBLEM(p, t.column, "expected a name of at most %d bytes",
				      TREATY_NAME_MAX);
	treaty_take(p, t);
	*out = t;
	return true;
}

bool treaty_want_string(struct treaty_parser *p, const char *what, struct slice *out)
{
	struct treaty_token t = treaty_peek(p);

	if (t.kind != TOKEN_STRING || slice_trim(t.text).len == 0)
		return treaty_expected(p, t, what);
	treaty_take(p, t);
	*out = t.text;
	return true;
}

bool treaty_want_date(struct treaty_parser *p, struct wall_ns *out, struct slice *text)
{
	struct treaty_token t = treaty_peek(p);

	if (t.kind != TOKEN_WORD || !time_parse_date(t.text, out))
		return treaty_expected(p, t, "a date as YYYY-MM-DD, from 1970 on");
	treaty_take(p, t);
	*text = t.text;
	return true;
}

/* "; reason to the end of the line" */
bool treaty_want_reason(struct treaty_parser *p, const char *what, struct slice *out)
{
	struct treaty_token t = treaty_peek(p);
	struct slice s;

	if (!treaty_token_is(t, ";"))
		return treaty_expected(p, t, what);
	s = slice_trim(slice_from(p->line, t.column));
	if (s.len == 0)
		return TREATY_PROBLEM(p, t.column + 1, "expected %s after \";\"", what);
	p->at = p->line.len;
	*out = s;
	return true;
}

bool treaty_want_number(struct treaty_parser *p, const char *what, uint32_t most, uint32_t *out)
{
	struct treaty_token t = treaty_peek(p);
	uint64_t v = 0;

	if (t.kind != TOKEN_WORD || !text_is_digit(t.text.ptr[0]) ||
	    !text_u64(t.text, 1, most, &v)) {
		if (t.kind != TOKEN_WORD || t.text.len > 20)
			return treaty_expected(p, t, what);
		return TREATY_PROBLEM(p, t.column, "expected %s from 1 to %u, found \"%.*s\"", what,
				      most, SLICE_ARG(t.text));
	}
	treaty_take(p, t);
	*out = (uint32_t)v; /* at most `most` */
	return true;
}

/* 0.75: a probability with at most three decimals. */
bool treaty_want_probability(struct treaty_parser *p, int32_t *out)
{
	struct treaty_token t = treaty_peek(p);
	uint64_t whole, part = 0;
	struct slice rest = t.text, before;
	bool digits = true;

	if (t.kind != TOKEN_WORD)
		return treaty_expected(p, t, "a number above 0 and up to 1");
	before = slice_split(&rest, '.');
	for (size_t i = 0; i < rest.len; i++)
		digits &= text_is_digit(rest.ptr[i]); /* text_u64 takes 0x too */
	if (before.len != 1 || !text_u64(before, 0, 1, &whole) || !digits ||
	    (rest.ptr != NULL && (rest.len > 3 || !text_u64(rest, 0, 999, &part))))
		return treaty_expected(p, t,
				       "a number above 0 and up to 1, with at most three decimals");
	for (size_t i = rest.len; i < 3; i++)
		part *= 10;
	whole = whole * 1000 + part;
	if (whole < 1 || whole > 1000)
		return treaty_expected(p, t, "a number above 0 and up to 1");
	treaty_take(p, t);
	*out = (int32_t)whole;
	return true;
}
