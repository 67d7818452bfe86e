/* SPDX-License-Identifier: Apache-2.0
 *
 * One line, one number or one row of them. Each line may be there once and, but for tables, must
 * be; so two texts that give the same numbers have the same lines.
 */
#include "assess/prior/prior.h"

#include "base/text.h"

enum { WORDS_MAX = 6, BITS = 32 };

static const char *const stop_words[PRIOR_STOPS] = {"unobserved", "relay", "no-match", "limit"};
static const char *const operator_words[PRIOR_OPERATORS] = {"affiliated", "non-state", "state"};
static const char *const flag_words[PRIOR_FLAGS] = {"proxy", "hosting", "anycast"};
static const char *const group_words[PRIOR_GROUPS] = {"registry", "measured"};

struct reader {
	struct slice file;
	unsigned line;
	struct slice words[WORDS_MAX]; /* of this line; a quoted one without its quotes */
	size_t count;
	uint32_t seen; /* bit: that line was there */
	struct prior *p;
	struct fail *why;
};

static enum status mistake(struct reader *r, const char *expected, struct slice found)
{
	int shown = found.ptr == NULL ? 0 : found.len < 40 ? (int)found.len : 40;

	return fail_set(r->why, ST_INVALID, "%.*s:%u: expected %s, found \"%.*s\"",
			SLICE_ARG(slice_part(r->file, 0, 80)), r->line, expected, shown,
			shown ? (const char *)found.ptr : "");
}

/* --- words --- */

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* Cuts the line into words; what stands in quotes is one, and the last. */
static enum status words_of(struct reader *r, struct slice line)
{
	size_t at = 0;

	r->count = 0;
	for (;;) {
		size_t from;

		while (at < line.len && is_blank(line.ptr[at]))
			at++;
		if (at == line.len || line.ptr[at] == '#')
			return ST_OK;
		if (r->count == WORDS_MAX)
			return mistake(r, "the end of the line", slice_from(line, at));
		from = at;
		if (line.ptr[at] == '"') {
			struct slice quoted = slice_from(line, at + 1);

			at = slice_find(quoted, SLICE("\""));
			if (at == SIZE_MAX || at > PRIOR_SOURCE_MAX ||
			    slice_trim(slice_from(quoted, at + 1)).len != 0)
				return mistake(r, "a short text in quotes, last on its line",
					       slice_from(line, from));
			r->words[r->count++] = slice_part(quoted, 0, at);
			return ST_OK;
		}
		while (at < line.len && !is_blank(line.ptr[at]))
			at++;
		r->words[r->count++] = slice_part(line, from, at - from);
	}
}

static struct slice word(const struct reader *r, size_t i)
{
	return i < r->count ? r->words[i] : SLICE("");
}

/* "0.327", "1", "1.000": at most three digits behind the point. */
static bool share_parse(struct slice s, int32_t *out)
{
	struct slice rest = s, whole = slice_split(&rest, '.');
	int32_t v;

	if (whole.len != 1 || (whole.ptr[0] != '0' && whole.ptr[0] != '1') ||
	    (rest.ptr != NULL && (rest.len == 0 || rest.len > 3)))
		return false;
	v = whole.ptr[0] - '0';
	for (size_t i = 0; i < 3; i++) {
		uint8_t c = i < rest.len ? rest.ptr[i] : '0';

		if (!text_is_digit(c))
			return false;
		v = 10 * v + (c - '0');
	}
	if (v > CLAIM_CERTAIN)
		return false;
	*out = v;
	return true;
}

static enum status take_share(struct reader *r, size_t i, int32_t *out)
{
	return share_parse(word(r, i), out)
		       ? ST_OK
		       : mistake(r, "a share of at most 1, as 0.327", word(r, i));
}

static enum status take_pair(struct reader *r, size_t i, struct prior_pair *out)
{
	enum status st = take_share(r, i, &out->feared);

	if (st == ST_OK)
		st = take_share(r, i + 1, &out->claimed);
	if (st == ST_OK && out->feared > out->claimed)
		st = mistake(r, "a claim that is not below what is feared", word(r, i + 1));
	return st;
}

static enum status take_interval(struct reader *r, size_t i, struct interval *out)
{
	struct slice high = word(r, i), low = slice_split(&high, '-');

	if (high.ptr == NULL || !share_parse(low, &out->lo) || !share_parse(high, &out->hi) ||
	    out->lo > out->hi)
		return mistake(r, "an interval, as 0.500-0.900", word(r, i));
	return ST_OK;
}

static size_t index_of(const char *const *words, size_t n, struct slice s)
{
	size_t i = 0;

	while (i < n && !slice_equal(s, slice_of(words[i])))
		i++;
	return i;
}

static enum status take_count(struct reader *r, size_t n)
{
	return r->count == n ? ST_OK
			     : mistake(r, "so many words as docs/formats/prior.md has",
				       word(r, r->count - 1));
}

static bool name_ok(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!text_is_alpha(s.ptr[i]) && !text_is_digit(s.ptr[i]) &&
		    memchr("-_.", s.ptr[i], 3) == NULL)
			return false;
	return s.len > 0 && s.len <= PRIOR_NAME_MAX;
}

/* --- lines --- */

static enum status read_prior(struct reader *r, size_t row)
{
	if (!name_ok(word(r, 1)))
		return mistake(r, "a name", word(r, 1));
	if (word(r, 2).len == 0)
		return mistake(r, "in quotes, what these numbers are", word(r, 2));
	r->p->name = word(r, 1);
	r->p->source = word(r, 2);
	return take_count(r, 3);
}

static enum status read_real(struct reader *r, size_t row)
{
	enum status st = take_count(r, 2 + PRIOR_EVENTS);

	for (size_t i = 0; st == ST_OK && i < PRIOR_EVENTS; i++)
		st = take_interval(r, 2 + i, &r->p->real[row][i]);
	return st;
}

static enum status read_beyond(struct reader *r, size_t row)
{
	enum status st = take_count(r, 3);

	return st == ST_OK ? take_share(r, 2, &r->p->beyond[row]) : st;
}

static enum status read_operator(struct reader *r, size_t row)
{
	enum status st = take_count(r, 3);

	return st == ST_OK ? take_share(r, 2, &r->p->operators[row]) : st;
}

static enum status read_doubt(struct reader *r, size_t row)
{
	enum status st = take_count(r, 2);

	return st == ST_OK ? take_share(r, 1, &r->p->doubt) : st;
}

static enum status read_flag(struct reader *r, size_t row)
{
	enum status st = take_count(r, 4);

	return st == ST_OK ? take_pair(r, 2, &r->p->flags[row]) : st;
}

static enum status read_weigh(struct reader *r, size_t row)
{
	uint64_t v;

	if (!text_u64(word(r, 1), 1, PRIOR_WEIGH_MAX, &v))
		return mistake(r, "a number from 1 to 16", word(r, 1));
	r->p->weigh = (int32_t)v;
	return take_count(r, 2);
}

static enum status read_table(struct reader *r)
{
	struct prior_table t = {.head = word(r, 1), .source = word(r, 5)};
	bool any = slice_equal(t.head, SLICE("*"));
	size_t group = index_of(group_words, PRIOR_GROUPS, word(r, 2));
	enum status st = take_count(r, 6);

	if (st == ST_OK && !any && !name_ok(t.head))
		st = mistake(r, "what the names of tables start with, or *", t.head);
	if (st == ST_OK && group == PRIOR_GROUPS)
		st = mistake(r, "registry or measured", word(r, 2));
	if (st == ST_OK && any != (t.source.len == 0))
		st = mistake(r, "in quotes, whose table it is; \"\" for *", t.source);
	if (st == ST_OK)
		st = take_pair(r, 3, &t.right);
	if (st != ST_OK)
		return st;
	t.group = (enum prior_group)group;
	for (size_t i = 0; i < r->p->table_count; i++)
		if (slice_equal_nocase(r->p->tables[i].head, t.head))
			return mistake(r, "a table that was not there before", t.head);
	if (any && r->p->unknown.head.len != 0)
		return mistake(r, "a table that was not there before", t.head);
	if (any)
		r->p->unknown = t;
	else if (r->p->table_count == PRIOR_TABLES_MAX)
		return mistake(r, "no more than 64 tables", t.head);
	else
		r->p->tables[r->p->table_count++] = t;
	return ST_OK;
}

static const char *const station_words[PRIOR_STATIONS] = {"1", "2", "3"};

/* Every line but tables: its word, and the words that may follow it, each of which must. */
static const struct line {
	const char *word;
	const char *const *rows; /* NULL: it is one line */
	size_t count;
	enum status (*read)(struct reader *r, size_t row);
} lines[] = {
	{"prior", NULL, 1, read_prior},
	{"real", station_words, PRIOR_STATIONS, read_real},
	{"beyond", stop_words, PRIOR_STOPS, read_beyond},
	{"operator", operator_words, PRIOR_OPERATORS, read_operator},
	{"doubt", NULL, 1, read_doubt},
	{"flag", flag_words, PRIOR_FLAGS, read_flag},
	{"weigh", NULL, 1, read_weigh},
};
enum { LINES = sizeof lines / sizeof lines[0] };

static enum status read_line(struct reader *r)
{
	unsigned bit = 0;

	if (slice_equal(r->words[0], SLICE("table")))
		return read_table(r);
	for (size_t i = 0; i < LINES; bit += (unsigned)lines[i++].count) {
		size_t row = 0;

		if (!slice_equal(r->words[0], slice_of(lines[i].word)))
			continue;
		if (lines[i].rows != NULL)
			row = index_of(lines[i].rows, lines[i].count, word(r, 1));
		if (row == lines[i].count)
			return mistake(r, "a row that docs/formats/prior.md has", word(r, 1));
		bit += (unsigned)row;
		ASSERT(bit < BITS);
		if ((r->seen >> bit & 1) != 0)
			return mistake(r, "a line that was not there before", r->words[0]);
		r->seen |= UINT32_C(1) << bit;
		return lines[i].read(r, row);
	}
	return mistake(r, "prior, real, beyond, operator, doubt, table, flag or weigh",
		       r->words[0]);
}

/* What only the whole can say. */
static enum status check_whole(struct reader *r)
{
	unsigned bit = 0;
	int32_t sum = 0;

	for (size_t i = 0; i < LINES; i++)
		for (size_t row = 0; row < lines[i].count; row++, bit++)
			if ((r->seen >> bit & 1) == 0)
				return fail_set(r->why, ST_INVALID,
						"%.*s: there is no line \"%s%s%s\"",
						SLICE_ARG(slice_part(r->file, 0, 80)),
						lines[i].word, lines[i].rows ? " " : "",
						lines[i].rows ? lines[i].rows[row] : "");
	if (r->p->unknown.head.len == 0)
		return fail_set(r->why, ST_INVALID, "%.*s: there is no line \"table *\"",
				SLICE_ARG(slice_part(r->file, 0, 80)));
	for (size_t i = 0; i < PRIOR_OPERATORS; i++)
		sum += r->p->operators[i];
	if (sum > CLAIM_CERTAIN)
		return fail_set(r->why, ST_INVALID, "%.*s: the operators' shares are above 1",
				SLICE_ARG(slice_part(r->file, 0, 80)));
	return ST_OK;
}

static bool is_text(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];

		if ((c < ' ' && c != '\t' && c != '\n') || c == 0x7f)
			return false;
	}
	return text_is_utf8(text);
}

enum status prior_parse(struct slice file_name, struct slice text, struct prior *out,
			struct fail *why)
{
	struct prior p = {0};
	struct reader r = {.file = file_name, .p = &p, .why = why};
	struct slice rest = text;
	enum status st = ST_OK;

	if (text.len > PRIOR_TEXT_MAX)
		return fail_set(why, ST_LIMIT, "%.*s: more than %d bytes",
				SLICE_ARG(slice_part(file_name, 0, 80)), PRIOR_TEXT_MAX);
	if (!is_text(text))
		return fail_set(why, ST_INVALID,
				"%.*s: expected UTF-8 without control characters but tabs",
				SLICE_ARG(slice_part(file_name, 0, 80)));
	while (st == ST_OK && rest.ptr != NULL) {
		struct slice line = slice_split(&rest, '\n');

		r.line++;
		st = words_of(&r, line);
		if (st == ST_OK && r.count != 0)
			st = read_line(&r);
	}
	if (st == ST_OK)
		st = check_whole(&r);
	if (st == ST_OK)
		*out = p;
	return st;
}

/* --- back --- */

static void put_share(int32_t v, struct buf *out)
{
	buf_add_fmt(out, " %d.%03d", (int)(v / CLAIM_CERTAIN), (int)(v % CLAIM_CERTAIN));
}

static void put_pair(struct prior_pair p, struct buf *out)
{
	put_share(p.feared, out);
	put_share(p.claimed, out);
}

static void put_table(const struct prior_table *t, struct buf *out)
{
	buf_add_fmt(out, "table %.*s %s", SLICE_ARG(t->head), group_words[t->group]);
	put_pair(t->right, out);
	buf_add_fmt(out, " \"%.*s\"\n", SLICE_ARG(t->source));
}

void prior_write(const struct prior *p, struct buf *out)
{
	buf_add_fmt(out, "prior %.*s \"%.*s\"\n", SLICE_ARG(p->name), SLICE_ARG(p->source));
	for (size_t i = 0; i < PRIOR_STATIONS; i++) {
		buf_add_fmt(out, "real %s", station_words[i]);
		for (size_t k = 0; k < PRIOR_EVENTS; k++) {
			struct interval v = p->real[i][k];

			put_share(v.lo, out);
			buf_add_fmt(out, "-%d.%03d", (int)(v.hi / CLAIM_CERTAIN),
				    (int)(v.hi % CLAIM_CERTAIN));
		}
		buf_add_byte(out, '\n');
	}
	for (size_t i = 0; i < PRIOR_STOPS; i++) {
		buf_add_fmt(out, "beyond %s", stop_words[i]);
		put_share(p->beyond[i], out);
		buf_add_byte(out, '\n');
	}
	for (size_t i = 0; i < PRIOR_OPERATORS; i++) {
		buf_add_fmt(out, "operator %s", operator_words[i]);
		put_share(p->operators[i], out);
		buf_add_byte(out, '\n');
	}
	buf_add_z(out, "doubt");
	put_share(p->doubt, out);
	buf_add_byte(out, '\n');
	for (size_t i = 0; i < p->table_count; i++)
		put_table(&p->tables[i], out);
	put_table(&p->unknown, out);
	for (size_t i = 0; i < PRIOR_FLAGS; i++) {
		buf_add_fmt(out, "flag %s", flag_words[i]);
		put_pair(p->flags[i], out);
		buf_add_byte(out, '\n');
	}
	buf_add_fmt(out, "weigh %d\n", (int)p->weigh);
}

static bool has_line(struct slice text, struct slice line)
{
	while (text.ptr != NULL)
		if (slice_equal(slice_split(&text, '\n'), line))
			return true;
	return false;
}

/* The next line of *text that `other` has not; ptr NULL: there is none. */
static struct slice next_own(struct slice *text, struct slice other)
{
	while (text->ptr != NULL) {
		struct slice line = slice_split(text, '\n');

		if (line.len != 0 && !has_line(other, line))
			return line;
	}
	return (struct slice){NULL, 0};
}

size_t prior_compare(const struct prior *theirs, const struct prior *ours, struct arena *scratch,
		     struct buf *out)
{
	enum { SHOWN = 3 };
	struct buf a = buf_in(scratch), b = buf_in(scratch);
	struct slice in_theirs, in_ours, x, y;
	size_t n = 0;

	prior_write(theirs, &a);
	prior_write(ours, &b);
	in_theirs = buf_slice(&a);
	in_ours = buf_slice(&b);
	out->full = out->full || a.full || b.full;
	for (;;) { /* both are in one order: what changed stands beside what it was */
		x = next_own(&in_theirs, buf_slice(&b));
		y = next_own(&in_ours, buf_slice(&a));
		if (x.ptr == NULL && y.ptr == NULL)
			return n;
		if (n++ >= SHOWN)
			continue;
		buf_add_z(out, n > 1 ? "; " : "");
		if (x.ptr != NULL)
			buf_add_fmt(out, "`%.*s`", SLICE_ARG(x));
		buf_add_z(out, x.ptr != NULL && y.ptr != NULL ? ", ours " : "");
		if (y.ptr != NULL)
			buf_add_fmt(out, "%s`%.*s`", x.ptr == NULL ? "ours alone " : "",
				    SLICE_ARG(y));
	}
}

const struct prior_table *prior_table_of(const struct prior *p, struct slice name)
{
	const struct prior_table *best = &p->unknown;
	size_t longest = 0;

	for (size_t i = 0; i < p->table_count; i++) {
		struct slice head = p->tables[i].head;

		if (head.len > longest && slice_equal_nocase(slice_part(name, 0, head.len), head)) {
			best = &p->tables[i];
			longest = head.len;
		}
	}
	return best;
}
