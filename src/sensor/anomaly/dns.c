/* SPDX-License-Identifier: Apache-2.0
 * Exfiltration and tunnels over DNS: what one client says to one domain in the names it asks for.
 *
 * The measure is volume: the bytes left of the registered domain, each different name counted once.
 * A channel cannot avoid it, whatever its encoding: Paxson et al., Practical Comprehensive Bounds
 * on Surreptitious Communication over DNS (USENIX Security 2013), bound what a client may tell a
 * domain at 4 kB a day; ibHH (Ozery et al. 2023) meters the same in real time. Here: 4,096 bytes in
 * at least 32 names within an hour.
 *
 * Four more conditions keep the quiet quiet: most of what is asked must be new (a cache, a
 * browser, a blocklist ask the same again), names must be long on average, their characters
 * must spread over an alphabet (a counter does not), and the domain must not be one that many of
 * the clients ask (content delivery, reputation and block lists).
 *
 * Score: 1000 x bytes of different names / bytes of all names asked under the domain. */
#include "base/text.h"
#include "sensor/anomaly/anomaly_priv.h"
#include "sensor/anomaly/sketch_priv.h"
#include "sensor/decode/decode.h"

enum {
	DNS_MEAN_LEAST = 12, /* bytes a name */
	DNS_SCORE_LEAST = 700,
	DNS_LETTERS_LEAST = 10, /* effective alphabet: 1 / sum of squared shares */
	DNS_RECENT = 64,	/* names remembered, to know a new one */
};

enum { BYTES, NAMES, WINDOW, CLIENTS };

static const struct anomaly_setting settings[] = {
	[BYTES] = {"bytes", 4096, 256, 1 << 30, "bytes",
		   "Left of the domain, in different names of one client."},
	[NAMES] = {"names", 32, 2, 1 << 20, "", "Different names."},
	[WINDOW] = {"window", 3600, 60, 86400, "s", "Within which they count."},
	[CLIENTS] = {"clients", 16, 2, 65535, "",
		     "A domain that so many clients asked within the window is common."},
	{0},
};

enum dns_kind { DNS_ASKED, DNS_DOMAIN };

struct dns_subject {
	struct anomaly_subject subject;
	struct anomaly_distinct clients; /* of a DNS_DOMAIN; all below of a DNS_ASKED */
	struct wall_ns first, last;
	uint64_t names, bytes, bytes_all;
	uint64_t recent[DNS_RECENT]; /* hashes of names */
	uint32_t recent_at;
	uint32_t letters[256]; /* of different names, ASCII letters folded */
};

/* Case does not make a name new: resolvers vary it at random ("0x20"). */
static bool is_new(const struct anomaly_room *r, struct dns_subject *s, struct slice said)
{
	uint64_t h = anomaly_name_hash(r, said);

	for (size_t i = 0; i < DNS_RECENT; i++)
		if (s->recent[i] == h)
			return false;
	s->recent[s->recent_at++ % DNS_RECENT] = h;
	return true;
}

static uint64_t effective_letters(const struct dns_subject *s)
{
	uint64_t squares = 0, total = 0;

	for (size_t i = 0; i < 256; i++) {
		squares += (uint64_t)s->letters[i] * s->letters[i];
		total += s->letters[i];
	}
	return squares ? total * total / squares : 0;
}

static uint64_t score_of(const struct dns_subject *s)
{
	return s->bytes_all ? 1000 * s->bytes / s->bytes_all : 0;
}

static bool tells_too_much(const struct anomaly_room *r, const struct dns_subject *s)
{
	return s->bytes >= r->set[BYTES] && s->names >= r->set[NAMES] &&
	       s->bytes >= s->names * DNS_MEAN_LEAST && score_of(s) >= DNS_SCORE_LEAST &&
	       effective_letters(s) >= DNS_LETTERS_LEAST;
}

static void say(struct anomaly_room *r, const struct dns_subject *s, const struct anomaly_flow *f,
		struct slice domain)
{
	struct anomaly_text text = {0};

	anomaly_text_addr(&text, &f->client);
	anomaly_text_z(&text, " asked for ");
	anomaly_text_number(&text, s->names);
	anomaly_text_z(&text, " different names under ");
	anomaly_text_add(&text, slice_part(domain, 0, ANOMALY_NAME_MAX));
	anomaly_text_z(&text, " within ");
	anomaly_text_seconds(&text, s->last.ns - s->first.ns);
	anomaly_text_z(&text, " s, which carry ");
	anomaly_text_number(&text, s->bytes);
	anomaly_text_z(&text, " bytes");
	anomaly_say(r, f,
		    &(struct anomaly_finding){
			    .event = "dns.exfiltration",
			    .summary = &text,
			    .measure = "bytes",
			    .measured = s->bytes,
			    .threshold = r->set[BYTES],
			    .window_ns = anomaly_seconds(r, WINDOW),
			    .score_milli = score_of(s),
			    .observations = s->names,
			    .at = s->last,
			    .first = s->first,
			    .last = s->last,
			    .dport = f->server_port,
		    });
}

/* A new window: the counts begin anew, what was said and asked is remembered. */
static void window(const struct anomaly_room *r, struct dns_subject *s, struct wall_ns at)
{
	if (s->first.ns != 0 && at.ns - s->first.ns <= anomaly_seconds(r, WINDOW)) {
		if (at.ns > s->last.ns)
			s->last = at;
		return;
	}
	s->first = s->last = at;
	s->names = s->bytes = s->bytes_all = 0;
	s->clients = (struct anomaly_distinct){0};
	memset(s->letters, 0, sizeof s->letters);
}

static bool is_common(struct anomaly_room *r, const struct anomaly_flow *f, uint64_t domain,
		      struct wall_ns at)
{
	struct anomaly_key key = {.kind = DNS_DOMAIN, .text = domain};
	struct dns_subject *s = anomaly_subject_get(&r->table, &key);

	window(r, s, at);
	(void)anomaly_distinct_add(&s->clients, anomaly_hash_addr(r, &f->client, 0));
	return anomaly_distinct_count(&s->clients) >= r->set[CLIENTS];
}

static void dns_logged(struct anomaly_room *r, const struct anomaly_flow *f,
		       const struct record *record)
{
	struct anomaly_key key = {.kind = DNS_ASKED, .a = f->client};
	struct slice said, domain;
	struct dns_subject *s;
	bool common;

	if (record->kind != RECORD_DNS || record->u.dns.answer ||
	    !anomaly_name_split(record->u.dns.rrname, &said, &domain))
		return;
	key.text = anomaly_name_hash(r, domain);
	common = is_common(r, f, key.text, record->at);
	s = anomaly_subject_get(&r->table, &key);
	window(r, s, record->at);
	s->bytes_all += said.len;
	if (!is_new(r, s, said))
		return;
	s->names++;
	s->bytes += said.len;
	for (size_t i = 0; i < said.len; i++)
		s->letters[text_lower(said.ptr[i])]++;
	if (!common && tells_too_much(r, s) &&
	    anomaly_may_say(&s->subject, record->at, ANOMALY_SILENCE_NS))
		say(r, s, f, domain);
}

ANOMALY_DETECTOR(dns) = {
	.name = "dns",
	.events = "dns.exfiltration",
	.doc = "What one client told one domain in the names it asked for; the score is the share "
	       "of bytes that were new.",
	.settings = settings,
	.subject_bytes = sizeof(struct dns_subject),
	.share = 15,
	.logged = dns_logged,
};
