/* SPDX-License-Identifier: Apache-2.0
 *
 * The page: one HTML file that needs nothing else. Its policy forbids every request and every
 * script, so a hostile string that got past the escaping could still do nothing.
 *
 * Invariants:
 * 1. Text from outside goes through esc() and nothing else; all other text is a literal here.
 * 2. It reads top to bottom without opening anything; <details> hold only what proves it.
 */
#include "assess/bulletin/bulletin_priv.h"

#include "crypto/crypto.h"

static void z(struct buf *out, const char *text)
{
	buf_add_z(out, text);
}

static void esc(struct buf *out, struct slice s)
{
	bulletin_html_escape(s, out);
}

static void esc_buf(struct buf *out, const struct buf *b)
{
	out->full |= b->full;
	esc(out, buf_slice(b));
}

static void esc_addr(struct buf *out, const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	z(out, "<span class=\"m\">");
	esc(out, addr_format(a, text));
	z(out, "</span>");
}

/* <dt>name</dt><dd> */
static void dt(struct buf *out, const char *name)
{
	buf_add_fmt(out, "<dt>%s</dt><dd>", name);
}

/* Number, bar and words of a probability, as cells. */
static void interval_cells(struct buf *out, struct interval p)
{
	z(out, "<td class=\"p\">");
	claim_write_interval(p, out);
	z(out, "</td><td class=\"i\">");
	bulletin_svg_interval(p, out);
	z(out, "</td><td class=\"w\">");
	esc(out, slice_of(claim_word(p)));
	z(out, "</td>");
}

static const char *color_of(const struct treaty_finding *f)
{
	return f->not_applicable	  ? "dim"
	       : f->value == TREATY_TRUE  ? "red"
	       : f->value == TREATY_FALSE ? "green"
					  : "amber";
}

/* ---- head ----------------------------------------------------------------------------------- */

static void write_headline(struct buf *out, const struct bulletin *b,
			   const struct bulletin_counts *n)
{
	z(out, "<h1>");
	if (b->case_count == 0) {
		z(out, "No incident in what the stations saw");
	} else {
		bulletin_write_number(b->case_count, "incident", "incidents", out);
		z(out, n->gravest->incident.gravest == INCIDENT_OTHER ? "" : ": ");
		if (n->gravest->incident.gravest != INCIDENT_OTHER)
			z(out, bulletin_act_words[n->gravest->incident.gravest]);
		z(out, n->breaches ? ", and a breach is shown" : ", and no breach is shown");
	}
	z(out, "</h1>");
}

static void write_verdict_tile(struct buf *out, const struct bulletin *b,
			       const struct bulletin_counts *n)
{
	struct buf t = buf_in(out->arena);

	z(out, "<div>");
	dt(out, "Verdict");
	if (n->breaches != 0) {
		bulletin_write_clauses(b, TREATY_TRUE, &t);
		z(out, "<span class=\"red\">breach shown: ");
		esc_buf(out, &t);
		z(out, "</span><br>");
	}
	if (n->undetermined != 0) {
		t = buf_in(out->arena);
		bulletin_write_clauses(b, TREATY_UNDETERMINED, &t);
		z(out, "<span class=\"amber\">undetermined: ");
		esc_buf(out, &t);
		z(out, "</span><br>");
	}
	if (n->clear != 0)
		buf_add_fmt(out, "%zu without breach, ", n->clear);
	buf_add_fmt(out, "%zu that do not apply</dd></div>", n->silent);
}

static void write_tiles(struct buf *out, const struct bulletin *b, const struct bulletin_counts *n)
{
	z(out, "<dl class=\"tiles\"><div>");
	dt(out, "Counted");
	bulletin_write_number(b->case_count, "incident", "incidents", out);
	z(out, " in ");
	bulletin_write_number(b->counted.events, "event", "events", out);
	z(out, "<br><span class=\"k\">by the rule ");
	esc(out, b->counted.rule);
	z(out, "</span></dd></div>");
	if (n->gravest != NULL) {
		struct buf t = buf_in(out->arena);

		z(out, "<div>");
		dt(out, "Traced to");
		bulletin_write_reach(n->gravest, &t);
		esc_buf(out, &t);
		z(out, "</dd></div><div>");
		dt(out, "Who");
		z(out, n->gravest->ladder.rungs[ATTRIB_LEVELS - 1].attributed
			       ? "a state is named: see the ladder"
			       : "no state is named: what was seen does not reach that far");
		z(out, "</dd></div>");
	}
	write_verdict_tile(out, b, n);
	z(out, "<div>");
	dt(out, "Stations");
	buf_add_fmt(out, "%zu of %zu gave facts", n->seen, n->seen + n->unseen);
	if (n->unseen != 0)
		buf_add_fmt(out, "<br><span class=\"amber\">%zu silent, cause unknown</span>",
			    n->unseen);
	if (b->all.withheld) {
		z(out, "<br><span class=\"amber\">Some evidence is withheld; all of it counts ");
		bulletin_write_number(b->all.counted, "incident", "incidents", out);
		z(out, "</span>");
	}
	z(out, "</dd></div></dl>");
}

/* Links to the incidents, where there are several. */
static void write_index(struct buf *out, const struct bulletin *b)
{
	z(out, "<nav aria-label=\"Incidents\"><ol class=\"index\">");
	for (size_t i = 0; i < b->case_count; i++) {
		const struct incident *in = &b->cases[i].incident;

		buf_add_fmt(out, "<li value=\"%u\"><a href=\"#i%u\">", in->number, in->number);
		esc(out, in->title);
		buf_add_fmt(out, "</a> <span class=\"k\">%s &middot; ",
			    bulletin_act_words[in->gravest]);
		bulletin_write_time(in->first, out);
		z(out, "</span></li>");
	}
	z(out, "</ol></nav>");
}

static void write_head(struct buf *out, const struct bulletin *b)
{
	struct bulletin_counts n = bulletin_count(b);

	z(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	       "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
	       "<meta name=\"color-scheme\" content=\"light dark\">"
	       "<meta http-equiv=\"Content-Security-Policy\" "
	       "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
	       "<meta name=\"referrer\" content=\"no-referrer\"><title>Bulletin ");
	esc(out, b->id);
	z(out, "</title><style>");
	z(out, bulletin_style);
	z(out, "</style></head>\n<body><header><div><p class=\"k\">Bulletin <span class=\"m\">");
	esc(out, b->id);
	z(out, "</span> &middot; automatic, not yet reviewed by a person</p>");
	write_headline(out, b, &n);
	z(out, "<p class=\"k\">");
	esc(out, bulletin_party_name(b, b->party));
	if (b->first.ns != 0) {
		z(out, " &middot; ");
		bulletin_write_period(b->first, b->last, out);
	}
	z(out, "</p>");
	write_tiles(out, b, &n);
	if (b->case_count > 1)
		write_index(out, b);
	z(out, "</div></header>\n<main>\n");
}

/* ---- one incident --------------------------------------------------------------------------- */

static void write_facts(struct buf *out, const struct bulletin *b, const struct bulletin_case *c)
{
	const struct incident *i = &c->incident;

	z(out, "<dl class=\"facts\">");
	dt(out, "When");
	bulletin_write_period(i->first, i->last, out);
	z(out, "</dd>");
	dt(out, "Target");
	esc_addr(out, &i->target);
	z(out, " of ");
	esc(out, i->target_party.len ? bulletin_party_name(b, i->target_party) : SLICE("no party"));
	z(out, "</dd>");
	dt(out, "Last seen from");
	esc_addr(out, &i->actor);
	z(out, "</dd>");
	if (i->family.len != 0) {
		dt(out, "Family");
		esc(out, i->family);
		z(out, "</dd>");
	}
	dt(out, "Seen by");
	for (size_t k = 0; k < i->station_count; k++) {
		z(out, k ? ", " : "");
		esc(out, i->stations[k]);
	}
	z(out, "</dd></dl>");
}

static void write_chain(struct buf *out, const struct bulletin *b, const struct bulletin_case *c)
{
	const struct trace_chain *ch = &c->chain;

	z(out, "<h3>Where it came from, as far as somebody saw</h3><div class=\"two\">");
	bulletin_svg_chain(b, c, out);
	z(out, "<div>");
	if (ch->hop_count != 0) {
		z(out, "<p>All of it holds with <b>");
		claim_write_interval(ch->whole, out);
		z(out, "</b>, ");
		esc(out, slice_of(claim_word(ch->whole)));
		z(out, ", whatever the links' dependence.</p><ol class=\"how\">");
	} else {
		z(out, "<p>No machine could be joined to it.</p><ol class=\"how\">");
	}
	for (size_t i = 0; i < ch->hop_count; i++) {
		z(out, "<li>");
		esc_addr(out, &ch->hops[i].machine);
		z(out, " &rarr; ");
		esc_addr(out, i == 0 ? &c->incident.target : &ch->hops[i - 1].machine);
		z(out, "<br>");
		esc(out, ch->hops[i].how);
		if (ch->hops[i].station.len != 0) {
			z(out, " <span class=\"dim\">Seen by ");
			esc(out, ch->hops[i].station);
			z(out, ".</span>");
		}
		z(out, "</li>");
	}
	z(out, "</ol><p class=\"note\"><b>Why it ends:</b> ");
	esc(out, ch->stop_why.len ? ch->stop_why : slice_of(bulletin_stop_words[ch->stop]));
	z(out, "</p></div></div>");
}

/* A table whose rows stand in groups, each with a head of its own: candidate, probability, source.
 */
static void groups_begin(struct buf *out, const char *candidate, const char *source)
{
	buf_add_fmt(out,
		    "<div class=\"scroll\"><table class=\"g\"><thead><tr><th scope=\"col\">%s</th>"
		    "<th scope=\"col\" colspan=\"3\">Probability</th><th scope=\"col\">%s</th>"
		    "</tr></thead>",
		    candidate, source);
}

static void group_row(struct buf *out, struct slice what, struct interval p, struct slice source)
{
	z(out, "<tr class=\"c\"><td>");
	esc(out, what);
	z(out, "</td>");
	interval_cells(out, p);
	z(out, "<td class=\"x\">");
	esc(out, source);
	z(out, "</td></tr>");
}

static void write_origin(struct buf *out, const struct origin *o)
{
	z(out, "<tbody><tr><th scope=\"rowgroup\" colspan=\"5\">");
	esc_addr(out, &o->address);
	z(out, " <span class=\"k\">");
	if (o->asn != 0) {
		buf_add_fmt(out, "AS%llu ", (unsigned long long)o->asn);
		esc(out, o->as_name);
		z(out, o->asn_disputed ? " (disputed: " : "");
		esc(out, o->as_why);
		z(out, o->asn_disputed ? ")" : "");
	}
	z(out, o->hosting ? " &middot; hosting" : "");
	z(out, o->anycast ? " &middot; in many places at once (anycast)" : "");
	z(out, o->proxy ? " &middot; <span class=\"amber\">marked as a relay</span>" : "");
	z(out, "</span></th></tr>");
	for (size_t k = 0; k < o->candidate_count; k++) {
		const struct origin_candidate *d = &o->candidates[k];

		group_row(out,
			  slice_equal(d->territory, SLICE("??")) ? SLICE("none of these")
								 : d->territory,
			  d->p, d->tables);
	}
	z(out, "</tbody>");
}

static void write_origins(struct buf *out, const struct bulletin_case *c)
{
	z(out, "<h3>Where those machines may stand</h3>");
	groups_begin(out, "Territory", "Said by");
	for (size_t i = 0; i < c->origin_count; i++)
		write_origin(out, &c->origins[i]);
	z(out, "</table></div>");
}

static void write_rung(struct buf *out, unsigned level, const struct attrib_rung *r)
{
	buf_add_fmt(out, "<tbody><tr><th scope=\"rowgroup\" colspan=\"5\">L%u ", level);
	esc(out, slice_of(r->name));
	z(out, r->attributed ? " " : " <span class=\"chip amber\">not attributed</span> ");
	z(out, "<span class=\"k\">");
	esc(out, r->basis);
	z(out, "</span></th></tr>");
	for (size_t k = 0; r->attributed && k < r->candidate_count; k++)
		group_row(out, r->candidates[k].what, r->candidates[k].p, SLICE(""));
	z(out, "</tbody>");
}

static void write_ladder(struct buf *out, const struct attrib_ladder *l)
{
	z(out, "<h3>Who: the ladder</h3>");
	groups_begin(out, "Candidate", "");
	for (unsigned i = 0; i < ATTRIB_LEVELS; i++)
		write_rung(out, i, &l->rungs[i]);
	z(out, "</table></div>");
	if (l->limit.len != 0) {
		z(out, "<p class=\"note\">");
		esc(out, l->limit);
		z(out, "</p>");
	}
}

/* ---- verdicts ------------------------------------------------------------------------------- */

static void write_changes(struct buf *out, const struct bulletin_case *c,
			  const struct treaty_finding *f)
{
	if (f->change_count == 0)
		return;
	z(out, "<p class=\"k\">What would change it:</p><ul>");
	for (size_t i = 0; i < f->change_count; i++) {
		z(out, "<li><code>");
		esc(out, f->changes[i].atom);
		z(out, "</code>");
		bulletin_write_change(c, f, &f->changes[i], out);
		z(out, "</li>");
	}
	z(out, "</ul>");
}

static void write_reasons(struct buf *out, const struct treaty_finding *f)
{
	struct bulletin_reasons r = {.f = f};
	const struct treaty_trace_line *l = bulletin_reason_next(&r);

	if (l == NULL)
		return;
	z(out, "<ul class=\"dim\">");
	for (; l != NULL; l = bulletin_reason_next(&r)) {
		z(out, l->depth > 1 ? "<li class=\"d1\">" : "<li>");
		esc(out, l->text);
		z(out, "</li>");
	}
	z(out, "</ul>");
}

/* Article and rule side by side, then every step. */
static void write_proof(struct buf *out, const struct treaty_finding *f)
{
	static const char *const words[] = {"not shown", "open", "shown"};
	static const char *const colors[] = {"dim", "amber", "ink"};

	z(out, "<details><summary>Article, rule and trace</summary><div class=\"law\">");
	if (f->article.len != 0) {
		z(out, "<p>");
		esc(out, f->article);
		z(out, "<br><span class=\"k\">In our own words. Source: ");
		esc(out, f->source);
		z(out, "</span></p>");
	}
	if (f->rule.len != 0) {
		z(out, "<pre>");
		esc(out, f->rule);
		z(out, "</pre>");
	}
	z(out, "</div><ul class=\"trace\">");
	for (size_t i = 0; i < f->trace_count; i++) {
		const struct treaty_trace_line *l = &f->trace[i];

		buf_add_fmt(out, "<li class=\"d%d\"><b class=\"%s\">%s</b><span>",
			    l->depth < 3 ? l->depth : 3, colors[l->value], words[l->value]);
		esc(out, l->text);
		z(out, "</span></li>");
	}
	z(out, "</ul></details>");
}

static void write_finding(struct buf *out, const struct bulletin_case *c,
			  const struct treaty_finding *f)
{
	buf_add_fmt(out, "<section class=\"f is-%s\"><header><h4><span class=\"m\">", color_of(f));
	esc(out, f->clause);
	z(out, "</span> ");
	esc(out, f->title);
	buf_add_fmt(out, "</h4><span class=\"chip %s\">", color_of(f));
	esc(out, f->result);
	z(out, "</span>");
	if (!f->not_applicable) {
		z(out, "<span class=\"k\">at ");
		esc(out, f->standard);
		z(out, ", ");
		claim_write_interval((struct interval){f->standard_milli, f->standard_milli}, out);
		z(out, "</span>");
	}
	z(out, "</header>");
	if (f->unverifiable)
		z(out,
		  "<p class=\"amber\">Unverifiable: it rests on a term whose meaning is open.</p>");
	if (f->unchecked)
		z(out, "<p class=\"amber\">Unchecked: nobody compared its text with the official "
		       "one.</p>");
	if (f->not_applicable && f->trace_count != 0) {
		z(out, "<p class=\"dim\">");
		esc(out, f->trace[0].text);
		z(out, "</p>");
	} else if (f->value == TREATY_UNDETERMINED) {
		write_changes(out, c, f);
	} else {
		write_reasons(out, f);
	}
	write_proof(out, f);
	z(out, "</section>");
}

static void write_findings(struct buf *out, const struct bulletin *b, const struct bulletin_case *c)
{
	z(out, "<h3>What the treaties say of it</h3><p>");
	esc(out, c->respondent_why);
	z(out, "</p>");
	for (size_t t = 0; t < b->treaty_count; t++) {
		z(out, "<h4>");
		esc(out, treaty_title(b->treaties[t]));
		z(out, "</h4>");
		for (int rank = 0; rank <= BULLETIN_RANK_SILENT; rank++)
			for (size_t k = 0; k < c->finding_count; k++)
				if (slice_equal(c->findings[k].instrument,
						treaty_id(b->treaties[t])) &&
				    bulletin_finding_rank(&c->findings[k]) == rank)
					write_finding(out, c, &c->findings[k]);
	}
}

static void write_both(struct buf *out, const struct bulletin *b, const struct bulletin_case *c)
{
	size_t number = (size_t)(c - b->cases);
	struct bulletin_row row;

	buf_add_fmt(out, "<h3>Both verdicts</h3><p%s>", b->all.withheld ? " class=\"amber\"" : "");
	esc(out, slice_of(bulletin_both_words(b)));
	z(out, "</p><div class=\"scroll\"><table class=\"s\"><thead><tr><th scope=\"col\"></th>"
	       "<th scope=\"col\">All evidence</th><th scope=\"col\">Public only</th></tr></thead>"
	       "<tbody>");
	for (size_t i = 0; bulletin_row_at(b, number, i, out->arena, &row); i++) {
		bool same = slice_equal(row.all, row.public);

		z(out, "<tr><th scope=\"row\">");
		esc(out, row.what);
		z(out, same ? "</th><td>" : "</th><td><b>");
		esc(out, row.all);
		z(out, same ? "</td><td>" : "</b></td><td>");
		esc(out, row.public);
		z(out, "</td></tr>");
	}
	z(out, "</tbody></table></div>");
}

static void write_claims(struct buf *out, const struct claim_set *s)
{
	z(out, "<details><summary>The claims these verdicts read</summary><div class=\"scroll\">"
	       "<table class=\"s\"><thead><tr><th scope=\"col\">Claim</th>"
	       "<th scope=\"col\" colspan=\"3\">Probability</th><th scope=\"col\">Why</th>"
	       "<th scope=\"col\">Facts</th></tr></thead><tbody>");
	for (size_t i = 0; i < s->count; i++) {
		const struct claim *c = &s->claims[i];

		z(out, "<tr><th scope=\"row\"><code>");
		esc(out, c->atom);
		z(out, "</code></th>");
		interval_cells(out, c->p);
		z(out, "<td>");
		esc(out, c->why);
		buf_add_fmt(out, "</td><td>%zu</td></tr>", c->leaf_count);
	}
	z(out, "</tbody></table></div></details>");
}

static void write_case(struct buf *out, const struct bulletin *b, const struct bulletin_case *c)
{
	buf_add_fmt(out,
		    "<article id=\"i%u\"><p class=\"k\">Incident %u &middot; <span "
		    "class=\"red\">%s</span>"
		    "</p><h2>",
		    c->incident.number, c->incident.number,
		    bulletin_act_words[c->incident.gravest]);
	esc(out, c->incident.title);
	z(out, "</h2>");
	write_facts(out, b, c);
	z(out, "<h3>What happened when</h3>");
	bulletin_svg_timeline(&c->incident, out);
	write_chain(out, b, c);
	if (c->origin_count != 0)
		write_origins(out, c);
	write_ladder(out, &c->ladder);
	write_findings(out, b, c);
	write_both(out, b, c);
	write_claims(out, &c->claims);
	z(out, "</article>\n");
}

/* ---- tail ----------------------------------------------------------------------------------- */

static void write_coverage(struct buf *out, const struct bulletin *b)
{
	z(out, "<article><h2>What was looked at, and what was not</h2><div class=\"scroll\"><table "
	       "class=\"s\">"
	       "<thead><tr><th scope=\"col\">Station</th><th scope=\"col\">Party</th>"
	       "<th scope=\"col\">Where</th><th scope=\"col\">Seen</th></tr></thead><tbody>");
	for (size_t i = 0; i < b->station_count; i++) {
		const struct bulletin_station *s = &b->stations[i];

		z(out, "<tr><th scope=\"row\">");
		esc(out, s->station);
		z(out, "</th><td>");
		esc(out, bulletin_party_name(b, s->party));
		z(out, "</td><td>");
		esc(out, s->place);
		z(out, "</td><td>");
		if (!s->seen) {
			z(out, "<span class=\"amber\">silent, cause unknown</span></td></tr>");
			continue;
		}
		bulletin_write_number(s->packets, "packet", "packets", out);
		if (s->first.ns != 0) {
			z(out, "<br><span class=\"k\">");
			bulletin_write_period(s->first, s->last, out);
			z(out, "</span>");
		}
		z(out, "</td></tr>");
	}
	z(out, "</tbody></table></div>");
	if (bulletin_has_pseudonyms(b)) {
		z(out, "<p class=\"amber\">");
		bulletin_write_pseudonyms(b, out); /* digits, letters, "/" and ":" */
		z(out, "</p>");
	}
	z(out,
	  "<p class=\"dim\">What stations on a network cannot see is not here: people, circuits, "
	  "radiation, and what happens inside a machine. That it is absent says "
	  "nothing.</p></article>\n");
}

static void input_row(struct buf *out, struct slice what, struct slice name, struct slice sha256)
{
	z(out, "<tr><td>");
	esc(out, what);
	z(out, "</td><td>");
	esc(out, name);
	z(out, "</td><td class=\"m\">");
	esc(out, sha256);
	z(out, "</td></tr>");
}

static void file_rows(struct buf *out, struct slice what, const struct bulletin_file *files,
		      size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t hash[CRYPTO_SHA256_BYTES];
		char hex[2 * CRYPTO_SHA256_BYTES];

		crypto_sha256_of(files[i].text, hash);
		input_row(out, what, files[i].name,
			  crypto_hex_write((struct slice){hash, sizeof hash}, hex));
	}
}

static void write_inputs(struct buf *out, const struct bulletin *b)
{
	const struct bulletin_input *in = b->input;

	z(out,
	  "<article><h2>What it rests on</h2><p>Every number here follows from committed facts "
	  "and these files. With the bundle of this bulletin anybody can recompute it, offline, "
	  "and must get the same bytes.</p><details><summary>Files and their SHA-256</summary>"
	  "<div class=\"scroll\"><table class=\"s\"><thead><tr><th scope=\"col\">Kind</th>"
	  "<th scope=\"col\">Name</th><th scope=\"col\">SHA-256</th></tr></thead><tbody>");
	for (size_t i = 0; i < in->facts.count; i++) {
		const struct record *r = in->facts.facts[i].record;

		if (r->kind == RECORD_INPUT)
			input_row(out, r->u.input.what, r->u.input.name, r->u.input.sha256);
	}
	file_rows(out, SLICE("prior, as read"),
		  &(struct bulletin_file){b->prior_name, b->prior_text}, 1);
	file_rows(out, SLICE("party, as read"), in->party_files, in->party_count);
	file_rows(out, SLICE("treaty, as read"), in->treaty_files, in->treaty_count);
	z(out, "</tbody></table></div></details></article>\n");
}

void bulletin_write_html(const struct bulletin *b, struct buf *out)
{
	write_head(out, b);
	for (size_t i = 0; i < b->case_count; i++)
		write_case(out, b, &b->cases[i]);
	write_coverage(out, b);
	write_inputs(out, b);
	z(out, "</main></body></html>\n");
}
