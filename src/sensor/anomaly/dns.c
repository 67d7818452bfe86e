/* SPDX-License-Identifier: Apache-2.0
 * Exfiltration and tunnels over DNS: what one client says to one domain in the names it asks for.
 *
 * The measure is volume: the bytes left of the registered domain, each different name counted once.
 * A channel cannot avoid it, whatever its encoding: Paxson et al., Practical Comprehensive Bounds
 * on Surreptitious Communication over DNS (USENIX Security 2013), bound what a client may tell a
 * domain at 4 kB a day; ibHH (Ozery et al. 2023) meters the same in real time. Here: 4,096 bytes in
 * at least 32 names within an hour.
 *
 * Three more conditions keep the quiet quiet: most of what is asked must be new (a cache, a
 * browser, a blocklist ask the same again), names must be long on average, and their characters
 * must spread over an alphabet (a counter does not).
 *
 * Score: 1000 x bytes of different names / bytes of all names asked under the domain. */
#include "base/text.h"
#include "sensor/anomaly/anomaly_priv.h"
#include "sensor/decode/decode.h"

enum {
	DNS_BYTES_LEAST = 4096, /* left of the domain, different names */
	DNS_NAMES_LEAST = 32,	/* different names */
	DNS_MEAN_LEAST = 12,	/* bytes a name */
	DNS_SCORE_LEAST = 700,
	DNS_LETTERS_LEAST = 10, /* effective alphabet: 1 / sum of squared shares */
	DNS_RECENT = 64,	/* names remembered, to know a new one */
	DNS_NAME_MAX = 255,	/* RFC 1035 2.3.4 */
};

#define DNS_WINDOW_NS (60 * 60 * TIME_NS_PER_S)

struct dns_subject {
	struct anomaly_subject subject;
	struct wall_ns first, last;
	uint64_t names, bytes, bytes_all;
	uint64_t recent[DNS_RECENT]; /* hashes of names */
	uint32_t recent_at;
	uint32_t letters[256]; /* of different names, ASCII letters folded */
};

/* The part of name before its last n labels, without the dot; empty if there is none. */
static struct slice before_labels(struct slice name, unsigned n)
{
	for (size_t i = name.len; i > 0; i--)
		if (name.ptr[i - 1] == '.' && --n == 0)
			return slice_part(name, 0, i - 1);
	return (struct slice){NULL, 0};
}

/* What was said, and to whom. Without a list of public suffixes the domain is the last two labels,
 * or three where the second is as short as in "co.uk" under a country's two letters. */
static bool split_name(struct slice name, struct slice *out_said, struct slice *out_domain)
{
	struct slice top, two, said;

	if (slice_ends(name, SLICE(".")))
		name.len--;
	said = before_labels(name, 2);
	two = said.len ? slice_from(name, said.len + 1) : name;
	top = before_labels(two, 1);
	if (top.len == 0 || said.len == 0)
		return false;
	if (top.len <= 3 && two.len - top.len == 3)
		said = before_labels(name, 3);
	if (said.len == 0)
		return false;
	*out_said = said;
	*out_domain = slice_from(name, said.len + 1);
	return !slice_equal_nocase(slice_from(two, top.len + 1), SLICE("arpa"));
}

static uint64_t name_hash(struct slice s)
{
	uint8_t folded[DNS_NAME_MAX];

	s = slice_part(s, 0, sizeof folded);
	for (size_t i = 0; i < s.len; i++)
		folded[i] = text_lower(s.ptr[i]);
	return anomaly_hash((struct slice){folded, s.len}, s.len);
}

/* Case does not make a name new: resolvers vary it at random ("0x20"). */
static bool is_new(struct dns_subject *s, struct slice said)
{
	uint64_t h = name_hash(said);

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

static bool tells_too_much(const struct dns_subject *s)
{
	return s->bytes >= DNS_BYTES_LEAST && s->names >= DNS_NAMES_LEAST &&
	       s->bytes >= s->names * DNS_MEAN_LEAST && score_of(s) >= DNS_SCORE_LEAST &&
	       effective_letters(s) >= DNS_LETTERS_LEAST;
}

static void say(const struct dns_subject *s, const struct flow *f, struct slice domain,
		const struct record_sink *out)
{
	struct anomaly_text text = {0};

	anomaly_text_addr(&text, &f->client);
	anomaly_text_z(&text, " asked for ");
	anomaly_text_number(&text, s->names);
	anomaly_text_z(&text, " different names under ");
	anomaly_text_add(&text, slice_part(domain, 0, DNS_NAME_MAX));
	anomaly_text_z(&text, " within ");
	anomaly_text_seconds(&text, s->last.ns - s->first.ns);
	anomaly_text_z(&text, " s, which carry ");
	anomaly_text_number(&text, s->bytes);
	anomaly_text_z(&text, " bytes");
	anomaly_say(out, f,
		    &(struct anomaly_finding){
			    .event = "dns.exfiltration",
			    .summary = &text,
			    .score_milli = score_of(s),
			    .observations = s->names,
			    .at = s->last,
			    .first = s->first,
			    .last = s->last,
			    .dport = f->server_port,
		    });
}

/* A new hour: the counts begin anew, what was said and asked is remembered. */
static void window(struct dns_subject *s, struct wall_ns at)
{
	if (s->first.ns != 0 && at.ns - s->first.ns <= DNS_WINDOW_NS) {
		if (at.ns > s->last.ns)
			s->last = at;
		return;
	}
	s->first = s->last = at;
	s->names = s->bytes = s->bytes_all = 0;
	memset(s->letters, 0, sizeof s->letters);
}

static void dns_logged(struct anomaly_table *table, const struct flow *f, const struct record *r,
		       const struct record_sink *out)
{
	struct dns_subject *s;
	struct slice said, domain;

	if (r->kind != RECORD_DNS || r->u.dns.answer ||
	    !split_name(r->u.dns.rrname, &said, &domain))
		return;
	s = anomaly_subject_get(table,
				&(struct anomaly_key){.a = f->client, .text = name_hash(domain)});
	window(s, r->at);
	s->bytes_all += said.len;
	if (!is_new(s, said))
		return;
	s->names++;
	s->bytes += said.len;
	for (size_t i = 0; i < said.len; i++)
		s->letters[text_lower(said.ptr[i])]++;
	if (tells_too_much(s) && anomaly_may_say(&s->subject, r->at))
		say(s, f, domain, out);
}

ANOMALY_DETECTOR(dns) = {
	.name = "dns",
	.doc = "4,096 bytes or more that one client told one domain in at least 32 different names "
	       "within an hour; the score is the share of bytes that were new",
	.subject_bytes = sizeof(struct dns_subject),
	.logged = dns_logged,
};
