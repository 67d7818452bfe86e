/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures of a bulletin, as SVG inside the page. Colours are the page's classes, so that light,
 * dark and print are one style sheet's matter; every picture has a title that says it in words.
 */
#include "assess/bulletin/bulletin_priv.h"

void bulletin_html_escape(struct slice s, struct buf *out)
{
	while (s.len > 0) {
		struct slice bytes;

		switch (bulletin_char_take(&s, &bytes)) {
		case '<':
			buf_add_z(out, "&lt;");
			break;
		case '>':
			buf_add_z(out, "&gt;");
			break;
		case '&':
			buf_add_z(out, "&amp;");
			break;
		case '"':
			buf_add_z(out, "&quot;");
			break;
		case '\'':
			buf_add_z(out, "&#39;");
			break;
		default:
			buf_add(out, bytes);
		}
	}
}

/* ---- the chain ------------------------------------------------------------------------------ */

enum {
	CHAIN_WIDTH = 300,
	CHAIN_BOX = 52, /* height of a machine's box */
	CHAIN_GAP = 62, /* height of the link below it */
	CHAIN_STEP = CHAIN_BOX + CHAIN_GAP,
};

struct chain {
	const struct bulletin *b;
	struct buf *out;
	unsigned y;
};

static void text_at(struct buf *out, unsigned x, unsigned y, const char *class, struct slice s)
{
	buf_add_fmt(out, "<text x=\"%u\" y=\"%u\" class=\"%s\">", x, y, class);
	bulletin_html_escape(s, out);
	buf_add_z(out, "</text>");
}

static void draw_box(struct chain *c, const char *class, struct slice name, struct slice under)
{
	buf_add_fmt(c->out,
		    "<rect x=\"1\" y=\"%u\" width=\"%d\" height=\"%d\" rx=\"9\" class=\"%s\"/>",
		    c->y, CHAIN_WIDTH - 2, CHAIN_BOX, class);
	text_at(c->out, 16, c->y + 22, name.len > 26 ? "n s" : "n", name);
	text_at(c->out, 16, c->y + 40, "u", under);
	c->y += CHAIN_BOX;
}

static void draw_machine(struct chain *c, const char *class, const struct addr *a,
			 struct slice party, const char *role)
{
	char text[ADDR_TEXT_MAX];
	struct buf under = buf_in(c->out->arena);

	buf_add_z(&under, role);
	if (party.len != 0)
		buf_add(&under, bulletin_party_name(c->b, party));
	else
		buf_add_z(&under, "in no party's network");
	draw_box(c, class, addr_format(a, text), buf_slice(&under));
}

/* The arrow down to the next machine, thicker and whole where it is well shown. */
static void draw_link(struct chain *c, const struct trace_hop *h)
{
	struct buf p = buf_in(c->out->arena), w = buf_in(c->out->arena);

	buf_add_fmt(c->out,
		    "<path class=\"%s\" d=\"M30 %uV%u\"/><path class=\"h\" d=\"M24 %ul6 9l6-9z\"/>",
		    h->p.lo >= 750 ? "l" : "l d", c->y, c->y + CHAIN_GAP - 9,
		    c->y + CHAIN_GAP - 10);
	claim_write_interval(h->p, &p);
	text_at(c->out, 48, c->y + 26, "p", buf_slice(&p));
	buf_add_z(&w, claim_word(h->p));
	text_at(c->out, 48, c->y + 43, "u", buf_slice(&w));
	c->y += CHAIN_GAP;
}

static void draw_end(struct chain *c, enum trace_stop stop)
{
	static const char *const names[] = {
		[TRACE_UNOBSERVED] = "not observed",
		[TRACE_RELAY] = "hidden by a relay",
		[TRACE_NO_MATCH] = "nothing before it",
		[TRACE_LIMIT] = "not searched",
	};
	static const char *const under[] = {
		[TRACE_UNOBSERVED] = "nobody sees what went in here",
		[TRACE_RELAY] = "a relay is never an origin",
		[TRACE_NO_MATCH] = "it may have begun here",
		[TRACE_LIMIT] = "the search stopped at its limit",
	};

	draw_box(c, "b q", slice_of(names[stop]), slice_of(under[stop]));
	buf_add_fmt(c->out, "<path class=\"l q\" d=\"M30 %uV%u\"/>", c->y, c->y + CHAIN_GAP / 2);
	c->y += CHAIN_GAP / 2;
}

void bulletin_svg_chain(const struct bulletin *b, const struct bulletin_case *c, struct buf *out)
{
	const struct trace_chain *ch = &c->chain;
	struct chain d = {.b = b, .out = out, .y = 1};
	unsigned height =
		2 + CHAIN_BOX + CHAIN_GAP / 2 + CHAIN_BOX + (unsigned)ch->hop_count * CHAIN_STEP;
	struct buf t = buf_in(out->arena);

	buf_add_fmt(out,
		    "<svg class=\"chain\" role=\"img\" viewBox=\"0 0 %d %u\" width=\"%d\" "
		    "height=\"%u\"><title>",
		    CHAIN_WIDTH, height, CHAIN_WIDTH, height);
	buf_add_fmt(&t, "%s; ", bulletin_stop_words[ch->stop]);
	for (size_t i = ch->hop_count; i-- > 0;) {
		char text[ADDR_TEXT_MAX];

		buf_add_fmt(&t, "%.*s passed on with probability ",
			    SLICE_ARG(addr_format(&ch->hops[i].machine, text)));
		claim_write_interval(ch->hops[i].p, &t);
		buf_add_z(&t, "; ");
	}
	buf_add_z(&t, "the target");
	bulletin_html_escape(buf_slice(&t), out);
	buf_add_z(out, "</title>");
	draw_end(&d, ch->stop);
	for (size_t i = ch->hop_count; i-- > 0;) {
		draw_machine(&d, "b", &ch->hops[i].machine, ch->hops[i].party, "");
		draw_link(&d, &ch->hops[i]);
	}
	draw_machine(&d, "b t", &c->incident.target, c->incident.target_party, "target, ");
	buf_add_z(out, "</svg>");
}

/* ---- the timeline --------------------------------------------------------------------------- */

enum { LANE_BINS = 240, LANE_HEIGHT = 26 };

static size_t bin_of(const struct incident *i, struct wall_ns at)
{
	int64_t span = i->last.ns - i->first.ns, off = at.ns - i->first.ns;

	if (span <= 0 || off <= 0)
		return 0;
	if (off >= span)
		return LANE_BINS - 1;
	return (size_t)((__int128)off * (LANE_BINS - 1) / span);
}

/* One lane an act that occurred: a tick a bin, as high as the bin is full. The lane stretches to
 * the page; ticks keep their width, because a stroke does not scale. */
static void draw_lane(const struct incident *i, enum incident_act act, struct buf *out)
{
	uint32_t bins[LANE_BINS] = {0}, most = 1;

	for (size_t k = 0; k < i->step_count; k++)
		if (i->steps[k].act == act) {
			uint32_t *n = &bins[bin_of(i, i->steps[k].at)];

			*n += 1;
			most = *n > most ? *n : most;
		}
	buf_add_fmt(out,
		    "<div class=\"lane\"><span>%s</span><svg role=\"img\" viewBox=\"0 0 %d %d\" "
		    "preserveAspectRatio=\"none\"><title>%llu of %zu events: %s</title>"
		    "<path class=\"a%u\" d=\"",
		    bulletin_act_words[act], LANE_BINS, LANE_HEIGHT,
		    (unsigned long long)i->per_act[act], i->step_count, bulletin_act_words[act],
		    (unsigned)act);
	for (unsigned k = 0; k < LANE_BINS; k++)
		if (bins[k] != 0)
			buf_add_fmt(out, "M%u %dv-%u", k, LANE_HEIGHT,
				    8 + (LANE_HEIGHT - 10) * bins[k] / most);
	buf_add_fmt(out, "\"/></svg><b>%llu</b></div>", (unsigned long long)i->per_act[act]);
}

void bulletin_svg_timeline(const struct incident *i, struct buf *out)
{
	buf_add_z(out, "<div class=\"time\">");
	for (int act = 0; act < INCIDENT_ACTS; act++)
		if (i->per_act[act] != 0)
			draw_lane(i, (enum incident_act)act, out);
	buf_add_z(out, "<div class=\"lane axis\"><span></span><p><span>");
	bulletin_write_time(i->first, out);
	buf_add_z(out, "</span><span>");
	if (i->last.ns != i->first.ns)
		bulletin_write_time(i->last, out);
	buf_add_z(out, "</span></p><b></b></div></div>");
}

/* ---- an interval ---------------------------------------------------------------------------- */

void bulletin_svg_interval(struct interval p, struct buf *out)
{
	enum { LEAST = 12 }; /* so that a point can be seen */
	int32_t width = p.hi - p.lo < LEAST ? LEAST : p.hi - p.lo;
	int32_t from = p.lo + width > CLAIM_CERTAIN ? CLAIM_CERTAIN - width : p.lo;

	buf_add_fmt(out,
		    "<svg class=\"iv\" aria-hidden=\"true\" viewBox=\"0 0 1000 10\" "
		    "preserveAspectRatio=\"none\"><rect class=\"r\" width=\"1000\" height=\"10\"/>"
		    "<rect class=\"f\" x=\"%d\" width=\"%d\" height=\"10\"/></svg>",
		    from, width);
}
