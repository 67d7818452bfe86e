/* SPDX-License-Identifier: Apache-2.0
 * What no sensor can be faster than: reading, matching, copying. */
#include <pcap/pcap.h>
#include <stdlib.h>

#include "base/text.h"
#include "bench.h"
#include "sensor/capture/capture.h"
#include "sensor/decode/decode.h"

#include <hs/hs.h>

double bench_y1(const char *path)
{
	char why[PCAP_ERRBUF_SIZE];
	double start = bench_cpu_s();
	pcap_t *p = pcap_open_offline(path, why);
	struct pcap_pkthdr *h;
	const u_char *data;

	if (p == NULL)
		bench_die("%s", why);
	while (pcap_next_ex(p, &h, &data) == 1)
		;
	pcap_close(p);
	return bench_cpu_s() - start;
}

double bench_y3(struct slice bytes)
{
	enum { PIECE = 1 << 16 };
	uint8_t *room = malloc(PIECE);
	double start = bench_cpu_s();

	if (room == NULL)
		bench_die("no memory");
	for (size_t at = 0; at < bytes.len; at += PIECE) {
		struct slice s = slice_part(bytes, at, PIECE);

		memcpy(room, s.ptr, s.len);
		__asm__ volatile("" : : "r"(room) : "memory"); /* somebody wants it */
	}
	start = bench_cpu_s() - start;
	free(room);
	return start;
}

void bench_payloads_read(struct slice capture, struct arena *a, struct bench_payloads *out)
{
	struct decode_worker *w = decode_worker_new(NULL, a, a->pool);
	struct capture *c = ARENA_NEW(a, struct capture);
	struct capture_packet p;
	struct fail why;

	if (w == NULL || c == NULL || capture_open(c, capture, &why) != ST_OK)
		bench_die("the corpus is no capture");
	while (capture_next(c, &p, &why) == ST_OK) {
		struct decode_input in = {p.linktype, p.data, p.wire_bytes, p.at, p.number};
		const struct decode_packets *packets = decode_frame(w, &in);
		struct slice s = packets->list[packets->count - 1]->payload;

		if (s.len == 0 || s.ptr < capture.ptr || s.ptr >= capture.ptr + capture.len)
			continue;
		if (!ARENA_PUSH(a, out->all, out->count, out->room, s))
			bench_die("no memory for payloads");
		out->bytes += s.len;
	}
}

struct pattern {
	struct slice bytes;
	bool nocase;
};

struct bench_matcher {
	hs_database_t *db;
	hs_scratch_t *scratch;
	size_t patterns;
};

static struct slice fold(struct slice s, struct arena *a)
{
	uint8_t *to = ARENA_ARRAY(a, uint8_t, s.len + 1);

	if (to == NULL)
		bench_die("no memory for patterns");
	for (size_t i = 0; i < s.len; i++)
		to[i] = text_lower(s.ptr[i]);
	return (struct slice){to, s.len};
}

/* bytes.len 0: the rule has none. The library takes no literal that begins with NUL. */
static struct pattern longest_of(const struct rule *r, struct arena *a)
{
	struct pattern best = {0}, now;
	bool last = false; /* the content before is the best one: `nocase` is about it */

	for (size_t i = 0; i < r->option_count; i++) {
		const struct rule_option *o = &r->options[i];
		struct fail why;
		bool negated;

		if (last && slice_equal(o->keyword, SLICE("nocase")))
			best.nocase = true;
		if (!slice_equal(o->keyword, SLICE("content")))
			continue;
		now = (struct pattern){0};
		last = false;
		if (rule_content_parse(o->value, a, &negated, &now.bytes, &why) != ST_OK || negated)
			continue;
		while (now.bytes.len != 0 && now.bytes.ptr[0] == 0)
			now.bytes = slice_from(now.bytes, 1);
		last = now.bytes.len > best.bytes.len;
		if (last)
			best = now;
	}
	if (best.nocase)
		best.bytes = fold(best.bytes, a);
	return best;
}

static int pattern_compare(const void *pa, const void *pb)
{
	const struct pattern *a = pa, *b = pb;

	if (a->nocase != b->nocase)
		return a->nocase ? 1 : -1;
	return slice_compare(a->bytes, b->bytes);
}

static size_t patterns_of(const struct rule_set *set, size_t least, struct pattern *out,
			  struct arena *a)
{
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct pattern p = longest_of(&set->rules[i], a);

		if (p.bytes.len >= least && p.bytes.len != 0)
			out[n++] = p;
	}
	qsort(out, n, sizeof *out, pattern_compare);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || pattern_compare(&out[kept - 1], &out[i]) != 0)
			out[kept++] = out[i];
	return kept;
}

struct bench_matcher *bench_matcher_new(const struct rule_set *set, size_t least, struct arena *a)
{
	struct bench_matcher *m = ARENA_NEW(a, struct bench_matcher);
	struct pattern *p = ARENA_ARRAY(a, struct pattern, set->count + 1);
	size_t n = p == NULL ? 0 : patterns_of(set, least, p, a);
	const char **text = ARENA_ARRAY(a, const char *, n + 1);
	size_t *len = ARENA_ARRAY(a, size_t, n + 1);
	unsigned *flags = ARENA_ARRAY(a, unsigned, n + 1), *ids = ARENA_ARRAY(a, unsigned, n + 1);
	hs_compile_error_t *error = NULL;

	if (m == NULL || text == NULL || len == NULL || flags == NULL || ids == NULL)
		bench_die("no memory for patterns");
	for (size_t i = 0; i < n; i++) {
		text[i] = (const char *)p[i].bytes.ptr;
		len[i] = p[i].bytes.len;
		flags[i] = HS_FLAG_SINGLEMATCH | (p[i].nocase ? HS_FLAG_CASELESS : 0U);
		ids[i] = (unsigned)i;
	}
	m->patterns = n;
	if (n != 0 && (hs_compile_lit_multi(text, flags, ids, len, (unsigned)n, HS_MODE_BLOCK, NULL,
					    &m->db, &error) != HS_SUCCESS ||
		       hs_alloc_scratch(m->db, &m->scratch) != HS_SUCCESS))
		bench_die("y2 does not compile: %s", error == NULL ? "memory" : error->message);
	return m;
}

size_t bench_matcher_patterns(const struct bench_matcher *m)
{
	return m->patterns;
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
		    void *ctx)
{
	++*(uint64_t *)ctx;
	return 0;
}

double bench_y2(const struct bench_matcher *m, const struct bench_payloads *p)
{
	double start = bench_cpu_s();
	uint64_t matches = 0;

	for (size_t i = 0; m->db != NULL && i < p->count; i++)
		(void)hs_scan(m->db, (const char *)p->all[i].ptr, (unsigned)p->all[i].len, 0,
			      m->scratch, on_match, &matches); /* fails only on misuse */
	return bench_cpu_s() - start;
}
