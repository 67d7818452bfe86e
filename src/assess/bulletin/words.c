/* SPDX-License-Identifier: Apache-2.0
 *
 * Words and counts that the forms share.
 */
#include "assess/bulletin/bulletin_priv.h"

#include "base/text.h"

const char *const bulletin_act_words[INCIDENT_ACTS] = {
	[INCIDENT_OTHER] = "other",
	[INCIDENT_SCAN] = "scan",
	[INCIDENT_ACCESS_ATTEMPT] = "access attempt",
	[INCIDENT_ACCESS] = "access",
	[INCIDENT_MALWARE] = "hostile code",
	[INCIDENT_BEACON] = "command and control",
	[INCIDENT_EXFILTRATION] = "data taken out",
	[INCIDENT_DISRUPTION] = "disruption",
	[INCIDENT_DESTRUCTION] = "destruction",
	[INCIDENT_POLICY] = "against local policy",
};

const char *const bulletin_stop_names[] = {
	[TRACE_UNOBSERVED] = "unobserved",
	[TRACE_RELAY] = "relay",
	[TRACE_NO_MATCH] = "no match",
	[TRACE_LIMIT] = "limit",
};

const char *const bulletin_stop_words[] = {
	[TRACE_UNOBSERVED] = "nobody sees into this machine",
	[TRACE_RELAY] = "a relay: never an origin",
	[TRACE_NO_MATCH] = "nothing that came in explains it: it may have begun here",
	[TRACE_LIMIT] = "the search stopped at its limit",
};

/* Gravity for the headline: what was done counts before what was tried. */
static int gravity(enum incident_act a)
{
	static const int order[INCIDENT_ACTS] = {
		[INCIDENT_OTHER] = 0,	   [INCIDENT_POLICY] = 1,
		[INCIDENT_SCAN] = 2,	   [INCIDENT_ACCESS_ATTEMPT] = 3,
		[INCIDENT_ACCESS] = 4,	   [INCIDENT_MALWARE] = 5,
		[INCIDENT_BEACON] = 6,	   [INCIDENT_EXFILTRATION] = 7,
		[INCIDENT_DISRUPTION] = 8, [INCIDENT_DESTRUCTION] = 9,
	};

	return order[a];
}

struct bulletin_counts bulletin_count(const struct bulletin *b)
{
	struct bulletin_counts n = {0};

	for (size_t i = 0; i < b->case_count; i++) {
		const struct bulletin_case *c = &b->cases[i];

		if (n.gravest == NULL ||
		    gravity(c->incident.gravest) > gravity(n.gravest->incident.gravest))
			n.gravest = c;
		for (size_t k = 0; k < c->finding_count; k++) {
			const struct treaty_finding *f = &c->findings[k];

			if (f->not_applicable)
				n.silent++;
			else if (f->value == TREATY_TRUE)
				n.breaches++;
			else if (f->value == TREATY_FALSE)
				n.clear++;
			else
				n.undetermined++;
		}
	}
	for (size_t i = 0; i < b->station_count; i++) {
		n.seen += b->stations[i].seen;
		n.unseen += !b->stations[i].seen;
	}
	return n;
}

const struct party *bulletin_party(const struct bulletin *b, struct slice id)
{
	for (size_t i = 0; i < b->party_count; i++)
		if (slice_equal(b->parties[i].id, id))
			return &b->parties[i];
	return NULL;
}

struct slice bulletin_party_name(const struct bulletin *b, struct slice id)
{
	const struct party *p = bulletin_party(b, id);

	return p != NULL && p->name.len != 0 ? p->name : id;
}

void bulletin_write_reach(const struct bulletin_case *c, struct buf *out)
{
	const struct trace_hop *h =
		c->chain.hop_count ? &c->chain.hops[c->chain.hop_count - 1] : NULL;
	char text[ADDR_TEXT_MAX];

	buf_add_z(out, "machine ");
	buf_add(out, addr_format(h ? &h->machine : &c->incident.actor, text));
	switch (c->chain.stop) {
	case TRACE_UNOBSERVED:
		buf_add_z(out, ", beyond which nobody saw");
		break;
	case TRACE_RELAY:
		buf_add_z(out, ", a relay that hides who is behind it");
		break;
	case TRACE_NO_MATCH:
		buf_add_z(out, ", into which nothing was seen to come that explains it");
		break;
	case TRACE_LIMIT:
		buf_add_z(out, ", where the search stopped at its limit");
		break;
	}
}

int bulletin_finding_rank(const struct treaty_finding *f)
{
	return f->not_applicable		 ? BULLETIN_RANK_SILENT
	       : f->value == TREATY_TRUE	 ? 0
	       : f->value == TREATY_UNDETERMINED ? 1
						 : 2;
}

static const char *value_words(enum treaty_value v)
{
	return v == TREATY_TRUE	   ? "a breach is shown"
	       : v == TREATY_FALSE ? "there is no breach"
				   : "it stays undetermined";
}

void bulletin_write_change(const struct bulletin_case *c, const struct treaty_finding *f,
			   const struct treaty_change *change, struct buf *out)
{
	const struct claim *now = claim_find(&c->claims, change->atom);

	if (now == NULL) {
		buf_add_z(out, ", now unknown");
	} else {
		buf_add_z(out, ", now ");
		claim_write_interval(now->p, out);
	}
	if (change->if_true != f->value)
		buf_add_fmt(out, "; if so, %s", value_words(change->if_true));
	if (change->if_false != f->value)
		buf_add_fmt(out, "; if not, %s", value_words(change->if_false));
}

const struct treaty_trace_line *bulletin_reason_next(struct bulletin_reasons *r)
{
	while (r->at < r->f->trace_count) {
		const struct treaty_trace_line *l = &r->f->trace[r->at++];

		if (l->depth == 0) {
			bool decides = l->value == (l->lifts ? TREATY_TRUE : r->f->value);

			r->deepest = decides && !l->lifts;
			if (decides && l->lifts)
				return l;
		} else if (l->depth <= r->deepest) {
			r->deepest = l->depth + (l->value == r->f->value ? 1u : 0u);
			if (l->value == r->f->value)
				return l;
		}
	}
	return NULL;
}

void bulletin_write_time(struct wall_ns t, struct buf *out)
{
	char text[TIME_TEXT_MAX];
	struct slice s = time_format_rfc3339(t, text);

	buf_add(out, slice_part(s, 0, 10));
	buf_add_byte(out, ' ');
	buf_add(out, slice_part(s, 11, 8));
	buf_add_z(out, " UTC");
}

void bulletin_write_span(struct wall_ns from, struct wall_ns to, struct buf *out)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
	int64_t s = (to.ns - from.ns) / TIME_NS_PER_S;
	size_t u = 0;

	if (s < 1) {
		buf_add_z(out, "within a second");
		return;
	}
	while (s < units[u].seconds)
		u++;
	buf_add_i64(out, s / units[u].seconds);
	buf_add_fmt(out, " %s", units[u].name);
	s %= units[u].seconds;
	if (u < 3 && s >= units[u + 1].seconds)
		buf_add_fmt(out, " %lld %s", (long long)(s / units[u + 1].seconds),
			    units[u + 1].name);
}

void bulletin_write_period(struct wall_ns from, struct wall_ns to, struct buf *out)
{
	char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX];
	struct slice f = time_format_rfc3339(from, a), t = time_format_rfc3339(to, b);

	if (from.ns == to.ns) {
		bulletin_write_time(from, out);
		return;
	}
	buf_add_fmt(out, "%.*s %.*s to ", 10, a, 8, a + 11);
	if (!slice_equal(slice_part(f, 0, 10), slice_part(t, 0, 10)))
		buf_add_fmt(out, "%.*s ", 10, b);
	buf_add_fmt(out, "%.*s UTC (", 8, b + 11);
	bulletin_write_span(from, to, out);
	buf_add_byte(out, ')');
}

static bool came_out(const struct treaty_finding *f, enum treaty_value v)
{
	return !f->not_applicable && f->value == v;
}

/* True if a finding before (i, k) names the same clause with the same result. */
static bool said_before(const struct bulletin *b, size_t i, size_t k, enum treaty_value v)
{
	struct slice clause = b->cases[i].findings[k].clause;

	for (size_t c = 0; c <= i; c++)
		for (size_t n = 0; n < (c == i ? k : b->cases[c].finding_count); n++)
			if (came_out(&b->cases[c].findings[n], v) &&
			    slice_equal(b->cases[c].findings[n].clause, clause))
				return true;
	return false;
}

void bulletin_write_clauses(const struct bulletin *b, enum treaty_value v, struct buf *out)
{
	enum { NAMED = 6 };
	size_t named = 0;

	for (size_t i = 0; i < b->case_count; i++)
		for (size_t k = 0; k < b->cases[i].finding_count; k++) {
			const struct treaty_finding *f = &b->cases[i].findings[k];

			if (!came_out(f, v) || named > NAMED || said_before(b, i, k, v))
				continue;
			if (named++ == NAMED)
				buf_add_z(out, " and more");
			else
				buf_add_fmt(out, "%s%.*s", named == 1 ? "" : ", ",
					    SLICE_ARG(f->clause));
		}
}

void bulletin_write_number(uint64_t n, const char *one, const char *many, struct buf *out)
{
	buf_add_u64(out, n);
	buf_add_byte(out, ' ');
	buf_add_z(out, n == 1 ? one : many);
}

static uint32_t code_point(struct slice s)
{
	uint32_t c = s.ptr[0];

	if (s.len == 1)
		return c;
	c &= s.len == 2 ? 0x1fu : s.len == 3 ? 0x0fu : 0x07u;
	for (size_t i = 1; i < s.len; i++)
		c = c << 6 | (s.ptr[i] & 0x3fu);
	return c;
}

uint32_t bulletin_char_take(struct slice *s, struct slice *bytes)
{
	uint8_t first = s->ptr[0];
	size_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t c;

	if (n > s->len || !text_is_utf8(slice_part(*s, 0, n))) {
		*s = slice_from(*s, 1);
		*bytes = SLICE("\xef\xbf\xbd");
		return 0xfffd;
	}
	*bytes = slice_part(*s, 0, n);
	*s = slice_from(*s, n);
	c = code_point(*bytes);
	if ((c < 0x20 && c != '\t' && c != '\n') || (c >= 0x7f && c < 0xa0) ||
	    (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069) || c == 0xfeff) {
		*bytes = SLICE("\xef\xbf\xbd");
		return 0xfffd;
	}
	return c;
}

/* ---- pseudonyms ----------------------------------------------------------------------------- */

bool bulletin_pseudonyms_at(const struct bulletin *b, size_t i, struct buf *out)
{
	char text[ADDR_TEXT_MAX];

	for (size_t k = 0; k < b->party_count; k++) {
		const struct party *p = &b->parties[k];

		if (i < p->hidden_count) {
			buf_add(out, addr_format(&p->hidden[i].addr, text));
			buf_add_byte(out, '/');
			buf_add_u64(out, p->hidden[i].bits);
			return true;
		}
		i -= p->hidden_count;
	}
	return false;
}

static size_t hidden_networks(const struct bulletin *b)
{
	size_t n = 0;

	for (size_t k = 0; k < b->party_count; k++)
		n += b->parties[k].hidden_count;
	return n;
}

bool bulletin_has_pseudonyms(const struct bulletin *b)
{
	return hidden_networks(b) != 0;
}

void bulletin_write_pseudonyms(const struct bulletin *b, struct buf *out)
{
	size_t n = hidden_networks(b);

	buf_add_z(out, "Addresses in ");
	for (size_t i = 0; i < n; i++) {
		buf_add_z(out, i == 0 ? "" : i + 1 == n ? " and " : ", ");
		(void)bulletin_pseudonyms_at(b, i, out); /* i < n */
	}
	buf_add_z(out, " are pseudonyms: each stands for one machine of that network, in all that "
		       "is said here. Its party opens it to who has a ground to ask.");
}
