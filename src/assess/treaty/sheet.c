/* SPDX-License-Identifier: Apache-2.0
 *
 * Sheets of standards: which number a party puts to each standard of proof, and since when. Who
 * signed a sheet is not known here.
 */
#include "assess/treaty/treaty_parse_priv.h"

static bool parse_head(struct treaty_parser *p, struct treaty_sheet *s)
{
	struct treaty_token t = treaty_peek(p), id;

	if (!treaty_take_if(p, "standards"))
		return treaty_expected(p, t, "\"standards\" and the party whose they are");
	if (!treaty_want_name(p, "the party's id", &id))
		return false;
	s->party = id.text;
	if (treaty_peek(p).kind == TOKEN_STRING &&
	    !treaty_want_string(p, "the party's name", &s->name))
		return false;
	return treaty_want_period(p, &s->from, &s->until) && treaty_want_end(p);
}

/* standard NAME 0.75 [; where it is from] */
static bool parse_line(struct treaty_parser *p, struct treaty_sheet *s, size_t *room)
{
	struct treaty_token t = treaty_peek(p), name;
	struct treaty_standard new = {0};
	struct slice reason;

	if (!treaty_take_if(p, "standard"))
		return treaty_expected(p, t, "\"standard\"");
	if (!treaty_want_name(p, "the name of the standard", &name) ||
	    !treaty_want_probability(p, &new.milli))
		return false;
	new.name = name.text;
	for (size_t i = 0; i < s->count; i++)
		if (slice_equal(s->standards[i].name, new.name))
			return TREATY_PROBLEM(
				p, name.column,
				"the standard \"%.*s\" stands here twice: expected one "
				"number",
				SLICE_ARG(new.name));
	if (s->count == TREATY_STANDARDS_MAX)
		return TREATY_PROBLEM(p, 1, "expected at most %d standards", TREATY_STANDARDS_MAX);
	if (!ARENA_PUSH(p->a, s->standards, s->count, *room, new))
		return treaty_no_memory(p);
	return treaty_peek(p).kind == TOKEN_END ||
	       treaty_want_reason(p, "\";\" and where the number is from", &reason);
}

enum status treaty_sheet_parse(struct slice file_name, struct slice text, struct arena *a,
			       struct treaty_sheet *out, struct buf *problems, struct fail *why)
{
	struct treaty_parser p = {
		.a = a, .file = file_name, .problems = problems, .why = why, .rest = text};
	struct treaty_sheet s = {0};
	bool head = false, good = true;
	size_t room = 0;

	if (text.len > TREATY_SHEET_MAX)
		return fail_set(why, ST_LIMIT, "%.*s: a sheet of standards has at most %d bytes",
				SLICE_ARG(file_name), TREATY_SHEET_MAX);
	while (treaty_next_line(&p) && !p.nomem) {
		struct slice line = slice_trim(p.line);

		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		good &= head ? parse_line(&p, &s, &room) : parse_head(&p, &s);
		head = true;
	}
	p.number = 1;
	if (good && p.problem_count == 0 && s.count == 0)
		(void)TREATY_PROBLEM(
			&p, 1,
			head ? "it has no standard: expected a line \"standard NAME 0.75\""
			     : "expected \"standards\" and the party whose they are");
	if (p.nomem || a->exhausted)
		return fail_set(why, ST_NOMEM, "%.*s: no memory", SLICE_ARG(file_name));
	if (p.problem_count != 0)
		return ST_INVALID;
	*out = s;
	return ST_OK;
}

bool treaty_sheet_applies(const struct treaty_sheet *s, const struct treaty *t)
{
	for (size_t i = 0; i < s->count; i++)
		for (size_t k = 0; k < t->standard_count; k++)
			if (slice_equal(s->standards[i].name, t->standards[k].name))
				return true;
	return false;
}
