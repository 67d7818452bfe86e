/* SPDX-License-Identifier: Apache-2.0
 * Names that a program made up (domain generation): one client asks for many domains that do not
 * exist and look like nobody chose them.
 *
 * That most made-up names do not exist is what gives them away: Antonakakis et al., From Throw-Away
 * Traffic to Bots (USENIX Security 2012). Looks: the mean of -log2 P(next letter | letter) over the
 * domain's first label, by the pairs of English words (name.c); words have about 4 bits, letters at
 * random 6 and more. Labels shorter than 7 say too little.
 *
 * Said of 12 such domains within an hour, if they are three in ten of all domains that the client
 * asked for: mail servers and resolvers, which ask for others' mistakes, ask for much else, too.
 * Made-up names that are joined words look chosen and are not seen here.
 *
 * Score: 1000 x made-up domains / all domains asked, in the window. */
#include "sensor/anomaly/anomaly_priv.h"
#include "sensor/anomaly/sketch_priv.h"

enum { DGA_LABEL_LEAST = 7 };

enum { DOMAINS, SURPRISE, SHARE, WINDOW };

static const struct anomaly_setting settings[] = {
	[DOMAINS] = {"domains", 12, 2, 65535, "",
		     "That do not exist and look made up, asked for by one client."},
	[SURPRISE] = {"surprise", 5200, 0, 16000, "thousandths",
		      "Bits a character that a name which looks made up has at least."},
	[SHARE] = {"share", 300, 0, 1000, "thousandths",
		   "Of all domains that the client asked for, at least."},
	[WINDOW] = {"window", 3600, 60, 86400, "s", "Within which they count."},
	{0},
};

struct dga_subject {
	struct anomaly_subject subject;
	struct wall_ns first, last;
	struct anomaly_distinct made_up, others;
};

static void window(const struct anomaly_room *r, struct dga_subject *s, struct wall_ns at)
{
	if (s->first.ns != 0 && at.ns - s->first.ns <= anomaly_seconds(r, WINDOW)) {
		if (at.ns > s->last.ns)
			s->last = at;
		return;
	}
	s->first = s->last = at;
	s->made_up = s->others = (struct anomaly_distinct){0};
}

static bool looks_made_up(const struct anomaly_room *r, struct slice domain)
{
	struct slice label = slice_part(domain, 0, slice_find(domain, SLICE(".")));

	return label.len >= DGA_LABEL_LEAST && anomaly_name_surprise(label) >= r->set[SURPRISE] &&
	       !slice_starts(label, SLICE("xn--")); /* other languages, RFC 5890 */
}

static void say(struct anomaly_room *r, const struct dga_subject *s, const struct anomaly_flow *f,
		struct slice domain, uint64_t count, uint64_t score)
{
	struct anomaly_text text = {0};

	anomaly_text_addr(&text, &f->client);
	anomaly_text_z(&text, " asked for ");
	anomaly_text_number(&text, count);
	anomaly_text_z(&text, " domains that do not exist and look made up within ");
	anomaly_text_seconds(&text, s->last.ns - s->first.ns);
	anomaly_text_z(&text, " s, ");
	anomaly_text_add(&text, slice_part(domain, 0, ANOMALY_NAME_MAX));
	anomaly_text_z(&text, " among them");
	anomaly_say(r, f,
		    &(struct anomaly_finding){
			    .event = "dns.dga",
			    .summary = &text,
			    .measure = "domains",
			    .measured = count,
			    .threshold = r->set[DOMAINS],
			    .window_ns = anomaly_seconds(r, WINDOW),
			    .score_milli = score,
			    .observations = count,
			    .at = s->last,
			    .first = s->first,
			    .last = s->last,
			    .dport = f->server_port,
		    });
}

static void dga_logged(struct anomaly_room *r, const struct anomaly_flow *f,
		       const struct record *record)
{
	struct anomaly_key key = {.a = f->client};
	struct dga_subject *s;
	struct slice domain;
	uint64_t hash, count, score;

	if (record->kind != RECORD_DNS || !record->u.dns.answer ||
	    !anomaly_name_domain(record->u.dns.rrname, &domain))
		return;
	s = anomaly_subject_get(&r->table, &key);
	window(r, s, record->at);
	hash = anomaly_name_hash(r, domain);
	if (!slice_equal(record->u.dns.rcode, SLICE("NXDOMAIN")) || !looks_made_up(r, domain)) {
		(void)anomaly_distinct_add(&s->others, hash);
		return;
	}
	if (!anomaly_distinct_add(&s->made_up, hash))
		return;
	count = anomaly_distinct_count(&s->made_up);
	score = 1000 * count / (count + anomaly_distinct_count(&s->others));
	if (count >= r->set[DOMAINS] && score >= r->set[SHARE] &&
	    anomaly_may_say(&s->subject, record->at, ANOMALY_SILENCE_NS))
		say(r, s, f, domain, count, score);
}

ANOMALY_DETECTOR(dga) = {
	.name = "dga",
	.events = "dns.dga",
	.doc = "Domains that do not exist and look made up, asked for by one client; the score is "
	       "their share of all domains that it asked for.",
	.settings = settings,
	.subject_bytes = sizeof(struct dga_subject),
	.share = 5,
	.logged = dga_logged,
};
