/* SPDX-License-Identifier: Apache-2.0
 *
 * For the terminal. First the answer in five lines, then each incident: what, when, who saw it, the
 * chain as a picture, where, who, and what the treaties say of it; then what nobody looked at.
 *
 * Words flow: flow_begin() sets the indent, flow() puts words and breaks lines, flow_end() ends the
 * last one. No line passes the width, and nothing that came from outside reaches the terminal but
 * as printable text.
 */
#include "assess/bulletin/bulletin_priv.h"

enum {
	LABEL = 9,	/* columns of the labels on the left */
	NAME_MAX = 36,	/* columns for candidates' names; a longer one pushes its number right */
	NAME_WIDE = 90, /* from this width on; below, half as many */
	CELL = 14,	/* columns of one of the two verdicts */
};

enum style { PLAIN, STRONG, FAINT, BAD, OPEN, GOOD, STYLES };

static const char *const codes[STYLES] = {"", "1", "2", "1;31", "33", "32"};

struct page {
	const struct bulletin *b;
	struct buf *out;
	unsigned width;
	bool colour;
	unsigned column; /* of this line, already written */
	unsigned hang;	 /* indent of the lines after a break */
	bool gap;	 /* a space is due before the next word */
};

/* ---- flow ----------------------------------------------------------------------------------- */

/* Columns that a character takes: 0, 1 or 2 (wide East Asian forms and emoji). */
static unsigned columns(uint32_t c)
{
	static const struct {
		uint32_t from, to;
		unsigned columns;
	} rows[] = {
		{0x0300, 0x036f, 0}, {0x200b, 0x200d, 0},   {0xfe00, 0xfe0f, 0},
		{0x1100, 0x115f, 2}, {0x2e80, 0xa4cf, 2},   {0xac00, 0xd7a3, 2},
		{0xf900, 0xfaff, 2}, {0xfe30, 0xfe6f, 2},   {0xff00, 0xff60, 2},
		{0xffe0, 0xffe6, 2}, {0x1f300, 0x1faff, 2}, {0x20000, 0x3fffd, 2},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (c >= rows[i].from && c <= rows[i].to)
			return rows[i].columns;
	return 1;
}

static void pad(struct page *p, unsigned column)
{
	while (p->column < column && p->column < p->width) {
		buf_add_byte(p->out, ' ');
		p->column++;
	}
	p->gap = false;
}

/* On to a column, or one space if it has been passed. */
static void tab(struct page *p, unsigned column)
{
	p->gap = p->column >= column;
	if (!p->gap)
		pad(p, column);
}

static void flow_end(struct page *p)
{
	buf_add_byte(p->out, '\n');
	p->column = 0;
	p->gap = false;
}

static void flow_begin(struct page *p, unsigned indent, unsigned hang)
{
	if (p->column != 0)
		flow_end(p);
	p->hang = hang < p->width / 2 ? hang : p->width / 2;
	pad(p, indent < p->width / 2 ? indent : p->width / 2);
}

static void line_break(struct page *p)
{
	flow_end(p);
	pad(p, p->hang);
}

static void style_on(struct page *p, enum style s)
{
	if (p->colour && s != PLAIN)
		buf_add_fmt(p->out, "\x1b[%sm", codes[s]);
}

static void style_off(struct page *p, enum style s)
{
	if (p->colour && s != PLAIN)
		buf_add_z(p->out, "\x1b[0m");
}

static bool is_gap(uint32_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Columns of the word at the front of s. */
static unsigned word_columns(struct slice s)
{
	unsigned n = 0;

	while (s.len > 0 && n <= 1024) {
		struct slice bytes;
		uint32_t c = bulletin_char_take(&s, &bytes);

		if (is_gap(c))
			break;
		n += columns(c);
	}
	return n;
}

static void flow_word(struct page *p, enum style style, struct slice *s)
{
	unsigned w = word_columns(*s);

	if (p->column > p->hang && p->column + p->gap + w > p->width)
		line_break(p);
	else if (p->gap && p->column > 0)
		pad(p, p->column + 1);
	p->gap = false;
	style_on(p, style);
	while (s->len > 0) {
		struct slice at = *s, bytes;
		uint32_t c = bulletin_char_take(&at, &bytes);

		if (is_gap(c))
			break;
		if (p->column + columns(c) > p->width) { /* a word wider than the page */
			style_off(p, style);
			line_break(p);
			style_on(p, style);
		}
		buf_add(p->out, bytes);
		p->column += columns(c);
		*s = at;
	}
	style_off(p, style);
}

static void flow(struct page *p, enum style style, struct slice s)
{
	while (s.len > 0) {
		struct slice at = s, bytes;

		if (is_gap(bulletin_char_take(&at, &bytes))) {
			p->gap = true;
			s = at;
		} else {
			flow_word(p, style, &s);
		}
	}
}

static void flow_z(struct page *p, enum style style, const char *z)
{
	flow(p, style, slice_of(z));
}

static struct buf words(const struct page *p)
{
	return buf_in(p->out->arena);
}

/* Puts what was gathered in a buf. */
static void flow_buf(struct page *p, enum style style, const struct buf *b)
{
	p->out->full |= b->full;
	flow(p, style, buf_slice(b));
}

static void blank(struct page *p)
{
	if (p->column != 0)
		flow_end(p);
	buf_add_byte(p->out, '\n');
}

static void rule(struct page *p)
{
	if (p->column != 0)
		flow_end(p);
	style_on(p, FAINT);
	for (unsigned i = 0; i < p->width; i++)
		buf_add_z(p->out, "\xe2\x94\x80");
	style_off(p, FAINT);
	buf_add_byte(p->out, '\n');
}

static void label(struct page *p, const char *name)
{
	flow_begin(p, 0, LABEL);
	flow_z(p, STRONG, name);
	pad(p, LABEL);
}

/* "0.38-0.70 unlikely to likely (20-80 %)" */
static void flow_interval(struct page *p, struct interval i)
{
	struct buf t = words(p);

	claim_write_interval(i, &t);
	flow_buf(p, STRONG, &t);
	p->gap = true;
	flow_z(p, PLAIN, claim_word(i));
}

static void flow_addr(struct page *p, enum style style, const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	flow(p, style, addr_format(a, text));
}

/* Columns that the names of a group take, so that their numbers stand below each other. */
static unsigned name_columns(const struct page *p, unsigned widest, struct slice name)
{
	unsigned n = 0, most = p->width < NAME_WIDE ? NAME_MAX / 2 : NAME_MAX;

	while (name.len > 0) {
		struct slice bytes;

		n += columns(bulletin_char_take(&name, &bytes));
	}
	return n < widest ? widest : n < most ? n : most;
}

/* ---- head ----------------------------------------------------------------------------------- */

static void write_verdict_line(struct page *p, const struct bulletin_counts *n)
{
	struct buf t = words(p);

	label(p, "Verdict");
	if (n->breaches + n->undetermined + n->clear == 0) {
		flow_z(p, PLAIN, n->silent ? "no clause applies" : "no treaty was given");
		return;
	}
	if (n->breaches != 0) {
		flow_z(p, BAD, "breach shown: ");
		bulletin_write_clauses(p->b, TREATY_TRUE, &t);
		buf_add_z(&t, "; ");
		flow_buf(p, STRONG, &t);
	}
	t = words(p);
	if (n->undetermined != 0) {
		flow_z(p, OPEN, "undetermined: ");
		bulletin_write_clauses(p->b, TREATY_UNDETERMINED, &t);
		buf_add_z(&t, "; ");
		flow_buf(p, STRONG, &t);
	}
	t = words(p);
	if (n->clear != 0)
		buf_add_fmt(&t, "%zu without breach, ", n->clear);
	buf_add_fmt(&t, "%zu that do not apply or are not judged", n->silent);
	flow_buf(p, PLAIN, &t);
}

static void write_gravest(struct page *p, const struct bulletin_case *c)
{
	struct buf t = words(p);

	label(p, "Gravest");
	flow_z(p, BAD, bulletin_act_words[c->incident.gravest]);
	buf_add_fmt(&t, ": %.*s, at ", SLICE_ARG(c->incident.title));
	flow_buf(p, PLAIN, &t);
	flow_addr(p, PLAIN, &c->incident.target);
	label(p, "Traced");
	t = words(p);
	buf_add_z(&t, "to ");
	bulletin_write_reach(c, &t);
	flow_buf(p, PLAIN, &t);
	label(p, "Who");
	flow_z(p, PLAIN,
	       c->ladder.rungs[ATTRIB_LEVELS - 1].attributed
		       ? "a state is named: see the ladder"
		       : "no state is named: what was seen does not reach that far");
}

/* A line for each incident, where there are several. */
static void write_index(struct page *p)
{
	blank(p);
	for (size_t i = 0; i < p->b->case_count; i++) {
		const struct bulletin_case *c = &p->b->cases[i];
		struct buf t = words(p);

		buf_add_fmt(&t, "%u ", c->incident.number);
		flow_begin(p, 2, LABEL);
		flow_buf(p, STRONG, &t);
		flow_z(p, PLAIN, bulletin_act_words[c->incident.gravest]);
		flow_z(p, PLAIN, ": ");
		flow(p, PLAIN, c->incident.title);
		t = words(p);
		buf_add_z(&t, ", ");
		bulletin_write_time(c->incident.first, &t);
		flow_buf(p, FAINT, &t);
	}
}

static void write_head(struct page *p)
{
	const struct bulletin *b = p->b;
	struct bulletin_counts n = bulletin_count(b);
	struct buf t = words(p);

	flow_begin(p, 0, 2);
	flow_z(p, STRONG, "Bulletin ");
	flow(p, STRONG, b->id);
	flow_z(p, FAINT, " automatic, not yet reviewed by a person");
	flow_begin(p, 0, 2);
	flow(p, PLAIN, bulletin_party_name(b, b->party));
	if (b->first.ns != 0) {
		buf_add_z(&t, ", ");
		bulletin_write_period(b->first, b->last, &t);
		flow_buf(p, PLAIN, &t);
	}
	blank(p);
	label(p, "Found");
	t = words(p);
	bulletin_write_number(b->case_count, "incident", "incidents", &t);
	flow_buf(p, STRONG, &t);
	t = words(p);
	buf_add_z(&t, " in ");
	bulletin_write_number(b->counted.events, "event", "events", &t);
	buf_add_fmt(&t, ", counted by the rule %.*s", SLICE_ARG(b->counted.rule));
	flow_buf(p, PLAIN, &t);
	if (n.gravest != NULL)
		write_gravest(p, n.gravest);
	write_verdict_line(p, &n);
	if (n.unseen != 0) {
		t = words(p);
		label(p, "Blind");
		bulletin_write_number(n.unseen, "station", "stations", &t);
		buf_add_fmt(&t, " of %zu gave nothing to this bulletin", n.seen + n.unseen);
		flow_buf(p, OPEN, &t);
	}
	if (b->all.withheld) {
		t = words(p);
		label(p, "Sealed");
		buf_add_z(&t, "some evidence is withheld; all of it counts ");
		bulletin_write_number(b->all.counted, "incident", "incidents", &t);
		flow_buf(p, OPEN, &t);
	}
	if (b->case_count > 1)
		write_index(p);
	flow_end(p);
}

/* ---- one incident --------------------------------------------------------------------------- */

static void write_facts(struct page *p, const struct incident *i)
{
	struct buf t = words(p);
	bool more = false;

	label(p, "When");
	bulletin_write_period(i->first, i->last, &t);
	flow_buf(p, PLAIN, &t);
	label(p, "What");
	t = words(p);
	for (int act = INCIDENT_ACTS - 1; act >= 0; act--)
		if (i->per_act[act] != 0) {
			buf_add_fmt(&t, "%s%s %llu", more ? ", " : "", bulletin_act_words[act],
				    (unsigned long long)i->per_act[act]);
			more = true;
		}
	if (i->family.len != 0)
		buf_add_fmt(&t, "; family %.*s", SLICE_ARG(i->family));
	flow_buf(p, PLAIN, &t);
	label(p, "Target");
	flow_addr(p, PLAIN, &i->target);
	t = words(p);
	if (i->target_party.len != 0)
		buf_add_fmt(&t, " of %.*s", SLICE_ARG(bulletin_party_name(p->b, i->target_party)));
	else
		buf_add_z(&t, ", in no party's network");
	flow_buf(p, PLAIN, &t);
	label(p, "Seen by");
	t = words(p);
	for (size_t k = 0; k < i->station_count; k++)
		buf_add_fmt(&t, "%s%.*s", k ? ", " : "", SLICE_ARG(i->stations[k]));
	flow_buf(p, PLAIN, &t);
}

/* "|" or a dotted one, then a sentence. */
static void write_link(struct page *p, const struct trace_hop *h)
{
	flow_begin(p, LABEL, LABEL + 2);
	flow_z(p, PLAIN, h->p.lo >= 750 ? "\xe2\x94\x82" : "\xe2\x94\x8a");
	pad(p, LABEL + 2);
	flow_interval(p, h->p);
	flow_begin(p, LABEL, LABEL + 2);
	flow_z(p, PLAIN, "\xe2\x96\xbc");
	pad(p, LABEL + 2);
	flow(p, FAINT, h->how);
	if (h->station.len != 0) {
		flow_z(p, FAINT, " (seen by ");
		flow(p, FAINT, h->station);
		flow_z(p, FAINT, ")");
	}
}

static void write_machine(struct page *p, const char *mark, enum style style, const struct addr *a,
			  struct slice party, const char *role)
{
	flow_begin(p, LABEL, LABEL + 2);
	flow_z(p, style, mark);
	pad(p, LABEL + 2);
	flow_addr(p, style, a);
	p->gap = true;
	if (party.len != 0)
		flow(p, PLAIN, bulletin_party_name(p->b, party));
	else
		flow_z(p, PLAIN, "in no party's network");
	flow_z(p, FAINT, role);
}

static void write_chain(struct page *p, const struct bulletin_case *c)
{
	const struct trace_chain *ch = &c->chain;
	struct buf t = words(p);

	label(p, "Chain");
	if (ch->hop_count == 0) {
		flow_z(p, PLAIN, "no machine could be joined to it; the actor was last seen as ");
		flow_addr(p, STRONG, &c->incident.actor);
	} else {
		flow_z(p, PLAIN, "all of it holds with ");
		flow_interval(p, ch->whole);
	}
	flow_begin(p, LABEL, LABEL + 2);
	flow_z(p, OPEN, ch->stop == TRACE_NO_MATCH ? "\xe2\x94\x8c" : "?");
	pad(p, LABEL + 2);
	buf_add_fmt(&t, "%s", bulletin_stop_words[ch->stop]);
	flow_buf(p, OPEN, &t);
	if (ch->stop_why.len != 0) {
		flow_begin(p, LABEL, LABEL + 2);
		flow_z(p, PLAIN, "\xe2\x94\x8a");
		pad(p, LABEL + 2);
		flow(p, FAINT, ch->stop_why);
	}
	for (size_t i = ch->hop_count; i-- > 0;) {
		write_machine(p, "\xe2\x97\x8f", STRONG, &ch->hops[i].machine, ch->hops[i].party,
			      "");
		write_link(p, &ch->hops[i]);
	}
	write_machine(p, "\xe2\x96\xa0", STRONG, &c->incident.target, c->incident.target_party,
		      " (the target)");
}

static struct slice territory_name(const struct origin_candidate *c)
{
	return slice_equal(c->territory, SLICE("??")) ? SLICE("none of these") : c->territory;
}

static void write_origins(struct page *p, const struct bulletin_case *c)
{
	for (size_t i = 0; i < c->origin_count; i++) {
		const struct origin *o = &c->origins[i];
		struct buf t = words(p);
		unsigned name = 0;

		label(p, i == 0 ? "Where" : "");
		flow_addr(p, STRONG, &o->address);
		if (o->asn != 0)
			buf_add_fmt(&t, " AS%llu %.*s%s", (unsigned long long)o->asn,
				    SLICE_ARG(o->as_name), o->asn_disputed ? " (disputed)" : "");
		buf_add_z(&t, o->proxy ? ", marked as proxy" : "");
		buf_add_z(&t, o->hosting ? ", hosting" : "");
		buf_add_z(&t, o->anycast ? ", in many places at once (anycast)" : "");
		flow_buf(p, PLAIN, &t);
		if (o->as_why.len != 0) {
			flow_begin(p, LABEL + 2, LABEL + 4);
			flow(p, FAINT, o->as_why);
		}
		for (size_t k = 0; k < o->candidate_count; k++)
			name = name_columns(p, name, territory_name(&o->candidates[k]));
		for (size_t k = 0; k < o->candidate_count; k++) {
			const struct origin_candidate *d = &o->candidates[k];

			flow_begin(p, LABEL + 2, LABEL + 4);
			flow(p, PLAIN, territory_name(d));
			tab(p, LABEL + 3 + name);
			flow_interval(p, d->p);
			if (d->tables.len != 0) {
				flow_z(p, FAINT, " by ");
				flow(p, FAINT, d->tables);
			}
		}
	}
}

static void write_ladder(struct page *p, const struct attrib_ladder *l)
{
	for (unsigned i = 0; i < ATTRIB_LEVELS; i++) {
		const struct attrib_rung *r = &l->rungs[i];
		struct buf t = words(p);
		unsigned name = 0;

		label(p, i == 0 ? "Who" : "");
		buf_add_fmt(&t, "L%u ", i);
		flow_buf(p, PLAIN, &t);
		flow_z(p, STRONG, r->name ? r->name : "");
		if (!r->attributed)
			flow_z(p, OPEN, ": not attributed");
		for (size_t k = 0; k < r->candidate_count; k++)
			name = name_columns(p, name, r->candidates[k].what);
		for (size_t k = 0; r->attributed && k < r->candidate_count; k++) {
			flow_begin(p, LABEL + 3, LABEL + 5);
			flow(p, PLAIN, r->candidates[k].what);
			tab(p, LABEL + 4 + name);
			flow_interval(p, r->candidates[k].p);
		}
		if (r->basis.len != 0) {
			flow_begin(p, LABEL + 3, LABEL + 3);
			flow(p, FAINT, r->basis);
		}
	}
	if (l->limit.len != 0) {
		label(p, "");
		flow(p, OPEN, l->limit);
	}
}

/* ---- verdicts ------------------------------------------------------------------------------- */

static void write_changes(struct page *p, const struct bulletin_case *c,
			  const struct treaty_finding *f)
{
	for (size_t i = 0; i < f->change_count; i++) {
		struct buf t = words(p);

		flow_begin(p, LABEL + 2, LABEL + 4);
		flow_z(p, FAINT, "would change it: ");
		flow(p, STRONG, f->changes[i].atom);
		bulletin_write_change(c, f, &f->changes[i], &t);
		flow_buf(p, PLAIN, &t);
	}
}

static void write_reasons(struct page *p, const struct treaty_finding *f)
{
	struct bulletin_reasons r = {.f = f};
	const struct treaty_trace_line *l;

	while ((l = bulletin_reason_next(&r)) != NULL) {
		unsigned indent = LABEL + (l->depth > 1 ? 2u * l->depth : 2u);

		flow_begin(p, indent, indent + 2);
		flow(p, FAINT, l->text);
	}
}

static void write_finding(struct page *p, const struct bulletin_case *c,
			  const struct treaty_finding *f)
{
	enum style style = f->not_applicable		     ? FAINT
			   : f->value == TREATY_TRUE	     ? BAD
			   : f->value == TREATY_UNDETERMINED ? OPEN
							     : GOOD;
	struct buf t = words(p);

	flow_begin(p, LABEL, LABEL + 2);
	flow(p, STRONG, f->clause);
	p->gap = true;
	flow(p, PLAIN, f->title);
	flow_z(p, PLAIN, ": ");
	flow(p, style, f->result);
	buf_add_fmt(&t, " at %.*s, ", SLICE_ARG(f->standard));
	claim_write_interval((struct interval){f->standard_milli, f->standard_milli}, &t);
	flow_buf(p, FAINT, &t);
	if (f->unverifiable) {
		flow_begin(p, LABEL + 2, LABEL + 4);
		flow_z(p, OPEN, "unverifiable: it rests on a term whose meaning is open");
	}
	if (f->unchecked) {
		flow_begin(p, LABEL + 2, LABEL + 4);
		flow_z(p, OPEN, "unchecked: nobody compared its text with the official one");
	}
	if (f->value == TREATY_UNDETERMINED)
		write_changes(p, c, f);
	else
		write_reasons(p, f);
}

/* Clauses that do not apply: one line for each reason. */
static void write_silent(struct page *p, const struct bulletin_case *c, struct slice instrument)
{
	struct slice last = {NULL, 0};

	for (size_t k = 0; k < c->finding_count; k++) {
		const struct treaty_finding *f = &c->findings[k];

		if (!f->not_applicable || !slice_equal(f->instrument, instrument))
			continue;
		if (slice_equal(f->result, last) && !slice_equal(last, SLICE("not judged"))) {
			flow_z(p, FAINT, ", ");
		} else {
			flow_begin(p, LABEL, LABEL + 2);
			flow(p, FAINT, f->result);
			flow_z(p, FAINT, ": ");
		}
		last = f->result;
		flow(p, FAINT, f->clause);
		p->gap = true;
		flow(p, FAINT, f->title);
	}
}

static void write_findings(struct page *p, const struct bulletin_case *c)
{
	label(p, "Treaties");
	flow(p, PLAIN, c->respondent_why);
	for (size_t t = 0; t < p->b->treaty_count; t++) {
		struct slice id = treaty_id(p->b->treaties[t]);

		blank(p);
		flow_begin(p, LABEL, LABEL);
		flow(p, STRONG, treaty_title(p->b->treaties[t]));
		for (int rank = 0; rank < BULLETIN_RANK_SILENT; rank++)
			for (size_t k = 0; k < c->finding_count; k++)
				if (slice_equal(c->findings[k].instrument, id) &&
				    bulletin_finding_rank(&c->findings[k]) == rank)
					write_finding(p, c, &c->findings[k]);
		write_silent(p, c, id);
	}
}

/* Both verdicts, a line each thing: by all evidence, and by what everybody may see. */
static void write_both(struct page *p, const struct bulletin_case *c)
{
	size_t number = (size_t)(c - p->b->cases);
	struct bulletin_row row;
	unsigned name = 0;

	label(p, "Both");
	flow_z(p, p->b->all.withheld ? OPEN : FAINT, bulletin_both_words(p->b));
	for (size_t i = 0; bulletin_row_at(p->b, number, i, p->out->arena, &row); i++)
		name = name_columns(p, name, row.what);
	flow_begin(p, LABEL, LABEL + 2);
	pad(p, LABEL + 1 + name);
	flow_z(p, STRONG, "all evidence");
	tab(p, LABEL + 1 + name + CELL);
	flow_z(p, STRONG, "public only");
	for (size_t i = 0; bulletin_row_at(p->b, number, i, p->out->arena, &row); i++) {
		flow_begin(p, LABEL, LABEL + 2);
		flow(p, PLAIN, row.what);
		tab(p, LABEL + 1 + name);
		flow(p, slice_equal(row.all, row.public) ? PLAIN : STRONG, row.all);
		tab(p, LABEL + 1 + name + CELL);
		flow(p, PLAIN, row.public);
	}
}

static void write_case(struct page *p, const struct bulletin_case *c)
{
	struct buf t = words(p);

	blank(p);
	rule(p);
	buf_add_fmt(&t, "%u ", c->incident.number);
	flow_begin(p, 0, 3);
	flow_buf(p, STRONG, &t);
	flow(p, STRONG, c->incident.title);
	rule(p);
	write_facts(p, &c->incident);
	blank(p);
	write_chain(p, c);
	blank(p);
	write_origins(p, c);
	blank(p);
	write_ladder(p, &c->ladder);
	blank(p);
	write_findings(p, c);
	blank(p);
	write_both(p, c);
}

/* ---- tail ----------------------------------------------------------------------------------- */

static void write_coverage(struct page *p)
{
	blank(p);
	rule(p);
	flow_begin(p, 0, 3);
	flow_z(p, STRONG, "What was looked at");
	rule(p);
	for (size_t i = 0; i < p->b->station_count; i++) {
		const struct bulletin_station *s = &p->b->stations[i];
		struct buf t = words(p);

		flow_begin(p, 0, 4);
		flow(p, STRONG, s->station);
		buf_add_fmt(&t, " of %.*s", SLICE_ARG(s->party));
		if (s->place.len != 0)
			buf_add_fmt(&t, " (%.*s)", SLICE_ARG(s->place));
		buf_add_z(&t, ": ");
		flow_buf(p, PLAIN, &t);
		t = words(p);
		if (!s->seen) {
			flow_z(p, OPEN, "silent, cause unknown: nothing of it is among the facts");
			continue;
		}
		bulletin_write_number(s->packets, "packet", "packets", &t);
		if (s->first.ns != 0) {
			buf_add_z(&t, ", ");
			bulletin_write_period(s->first, s->last, &t);
		}
		flow_buf(p, PLAIN, &t);
	}
	if (bulletin_has_pseudonyms(p->b)) {
		struct buf hidden = words(p);

		bulletin_write_pseudonyms(p->b, &hidden);
		flow_begin(p, 0, 0);
		flow_buf(p, OPEN, &hidden);
	}
	flow_begin(p, 0, 0);
	flow_z(p, FAINT,
	       "What stations on a network cannot see is not here: people, circuits, radiation, "
	       "and "
	       "what happens inside a machine. That it is absent says nothing.");
	blank(p);
	flow_begin(p, 0, 0);
	flow_z(p, FAINT,
	       "Every number rests on committed facts: with the bundle of this bulletin "
	       "anybody can recompute it, offline.");
	flow_end(p);
}

void bulletin_write_text(const struct bulletin *b, unsigned width, bool colour, struct buf *out)
{
	struct page p = {.b = b,
			 .out = out,
			 .width = width < BULLETIN_WIDTH_MIN ? BULLETIN_WIDTH_MIN : width,
			 .colour = colour};

	write_head(&p);
	for (size_t i = 0; i < b->case_count; i++)
		write_case(&p, &b->cases[i]);
	write_coverage(&p);
}
