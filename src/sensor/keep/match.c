/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose packets are wanted, and whose a packet is. A packet's ends are read from its own headers,
 * those of what tunnels carry first; nothing is put together: a fragment is told by its hosts. */
#include "base/text.h"
#include "sensor/decode/decode.h"
#include "sensor/flow/flow.h"
#include "sensor/keep/keep_priv.h"

struct keep_matcher {
	struct decode_worker *decode;
};

struct keep_matcher *keep_matcher_new(struct arena *a, struct arena_pool *pool)
{
	/* one piece is kept at most: the defragmenter is nobody we ask */
	static const struct decode_options options = {
		.defrag = {.trackers = 1, .pieces_max = 1, .bytes_max = 1}};
	struct keep_matcher *m = ARENA_NEW(a, struct keep_matcher);

	if (m != NULL)
		m->decode = decode_worker_new(&options, a, pool);
	return m != NULL && m->decode != NULL ? m : NULL;
}

void keep_matcher_free(struct keep_matcher *m)
{
	if (m != NULL)
		decode_worker_free(m->decode);
}

static struct keep_tuple tuple_of(const struct packet *p)
{
	struct keep_tuple t = {.src = p->src,
			       .dst = p->dst,
			       .sport = p->sport,
			       .dport = p->dport,
			       .proto = p->proto,
			       .fragment = p->fragment};

	if (p->proto == IP_PROTO_ICMP || p->proto == IP_PROTO_ICMP6) {
		t.sport = p->icmp_type;
		t.dport = p->icmp_code;
	}
	return t;
}

size_t keep_matcher_tuples(struct keep_matcher *m, const struct keep_packet *p, uint32_t linktype,
			   struct keep_tuple out[KEEP_TUPLES_MAX])
{
	struct decode_input in = {
		.linktype = linktype, .bytes = p->data, .wire_bytes = p->wire_bytes, .at = p->at};
	const struct decode_packets *packets;
	size_t n = 0;

	if (!decode_knows_link(linktype))
		return 0;
	packets = decode_frame(m->decode, &in);
	for (size_t i = 0; i < packets->count && n < KEEP_TUPLES_MAX; i++)
		if (packets->list[i]->ip_version != 0 && !packets->list[i]->rebuilt)
			out[n++] = tuple_of(packets->list[i]);
	return n;
}

/* --- one tuple --- */

static bool end_is(const struct addr *want, bool has_port, uint16_t port, const struct addr *a,
		   uint16_t p, bool fragment)
{
	if (want->family != 0 && !addr_equal(want, a))
		return false;
	return !has_port || p == port || (fragment && want->family != 0);
}

static bool tuple_is(const struct keep_query_tuple *q, const struct keep_tuple *t)
{
	const struct keep_tuple *e = &q->ends;
	bool there, back;

	if (e->proto != 0 && e->proto != t->proto)
		return false;
	if (e->fragment && !t->fragment)
		return false;
	there = end_is(&e->src, q->has_sport, e->sport, &t->src, t->sport, t->fragment) &&
		end_is(&e->dst, q->has_dport, e->dport, &t->dst, t->dport, t->fragment);
	back = end_is(&e->src, q->has_sport, e->sport, &t->dst, t->dport, t->fragment) &&
	       end_is(&e->dst, q->has_dport, e->dport, &t->src, t->sport, t->fragment);
	return there || back;
}

static bool tuple_wanted(const struct keep_query *q, const struct keep_tuple *t, bool fragments)
{
	for (size_t i = 0; i < q->tuple_count; i++)
		if (q->tuples[i].ends.fragment == fragments && tuple_is(&q->tuples[i], t))
			return true;
	return false;
}

static bool community_is(const struct keep_query *q, const struct keep_tuple *t)
{
	uint8_t id[FLOW_COMMUNITY_BYTES];

	if (t->fragment || t->src.family == 0 || t->src.family != t->dst.family)
		return false;
	flow_community_id(q->community_seed, t->proto, &t->src, t->sport, &t->dst, t->dport, id);
	return slice_equal(q->community, (struct slice){id, sizeof id});
}

/* Is a flow wanted for its ends? Pieces of packets are, of a flow that is wanted by its number. */
static bool ends_wanted(const struct keep_query *q, const struct keep_tuple *t)
{
	bool any = false;

	for (size_t i = 0; i < q->tuple_count; i++)
		any |= !q->tuples[i].ends.fragment;
	if (q->community.len != 0 && !community_is(q, t))
		return false;
	return !any || tuple_wanted(q, t, false);
}

/* --- packets and rows --- */

static bool by_ends(const struct keep_query *q)
{
	return q->community.len != 0 || q->tuple_count != 0;
}

static bool in_time(const struct keep_query *q, struct wall_ns at)
{
	return at.ns >= q->from.ns && (q->until.ns == 0 || at.ns <= q->until.ns);
}

bool keep_matcher_wants(struct keep_matcher *m, const struct keep_query *q,
			const struct keep_packet *p, uint32_t linktype)
{
	struct keep_tuple tuples[KEEP_TUPLES_MAX];
	bool named = q->flow == 0;
	size_t n;

	if (!in_time(q, p->at))
		return false;
	for (size_t i = 0; i < p->flow_count; i++)
		named |= p->flows[i] == q->flow;
	if (!by_ends(q))
		return named;
	n = keep_matcher_tuples(m, p, linktype, tuples);
	for (size_t i = 0; i < n; i++) {
		if (named ? ends_wanted(q, &tuples[i])
			  : p->flow_count == 0 && tuple_wanted(q, &tuples[i], true))
			return true;
	}
	/* by its number only, and nothing is asked of its ends */
	return named && n == 0 && q->community.len == 0 && ends_wanted(q, &(struct keep_tuple){0});
}

bool keep_index_may(const struct keep_row *row, const struct keep_query *q)
{
	if (q->flow != 0 && row->flow != q->flow)
		return row->flow == 0 && row->ends.fragment && tuple_wanted(q, &row->ends, true);
	return ends_wanted(q, &row->ends);
}

/* --- queries --- */

bool keep_query_companions(struct keep_query *q, const struct keep_row *row)
{
	struct keep_query_tuple t = {.ends = row->ends};

	if (q->flow == 0 || row->flow != q->flow || row->ends.src.family == 0)
		return true;
	t.ends.sport = t.ends.dport = 0;
	t.ends.fragment = true;
	for (size_t i = 0; i < q->tuple_count; i++)
		if (q->tuples[i].ends.proto == t.ends.proto && tuple_is(&q->tuples[i], &t.ends))
			return true;
	if (q->tuple_count == KEEP_QUERY_TUPLES_MAX)
		return false;
	q->tuples[q->tuple_count++] = t;
	return true;
}

static bool protocol_take(struct slice *text, uint8_t *out)
{
	static const struct {
		const char *name;
		uint8_t number;
	} known[] = {{"tcp", IP_PROTO_TCP},
		     {"udp", IP_PROTO_UDP},
		     {"icmp", IP_PROTO_ICMP},
		     {"icmpv6", IP_PROTO_ICMP6},
		     {"sctp", IP_PROTO_SCTP}};
	struct slice rest = *text, word = slice_split(&rest, ' ');
	uint64_t n;

	if (rest.ptr == NULL)
		return true; /* no protocol */
	*text = slice_trim(rest);
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (slice_equal_nocase(word, slice_of(known[i].name))) {
			*out = known[i].number;
			return true;
		}
	if (!text_u64(word, 1, 255, &n))
		return false;
	*out = (uint8_t)n;
	return true;
}

/* "10.0.0.1", "10.0.0.1:80", "2001:db8::1", "[2001:db8::1]:80", "any", "any:80". */
static bool end_parse(struct slice s, struct addr *out, uint16_t *out_port, bool *out_has_port)
{
	struct slice host = s, port = {NULL, 0};
	size_t last = SIZE_MAX, colons = 0;
	uint64_t n;

	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] == ':') {
			last = i;
			colons++;
		}
	if (slice_starts(s, SLICE("["))) {
		size_t end = slice_find(s, SLICE("]"));

		if (end == SIZE_MAX || (end + 1 != s.len && s.ptr[end + 1] != ':'))
			return false;
		host = slice_part(s, 1, end - 1);
		port = end + 1 == s.len ? port : slice_from(s, end + 2);
		*out_has_port = end + 1 != s.len;
	} else if (colons == 1) {
		host = slice_part(s, 0, last);
		port = slice_from(s, last + 1);
		*out_has_port = true;
	}
	if (*out_has_port && !text_u64(port, 0, UINT16_MAX, &n))
		return false;
	if (*out_has_port)
		*out_port = (uint16_t)n;
	return slice_equal(host, SLICE("any")) || addr_parse(host, out);
}

enum status keep_query_tuple_parse(struct keep_query *q, struct slice text, struct fail *why)
{
	struct keep_query_tuple t = {0};
	struct slice rest = slice_trim(text), one;

	if (q->tuple_count == KEEP_QUERY_TUPLES_MAX)
		return fail_set(why, ST_LIMIT, "more than %d pairs of ends", KEEP_QUERY_TUPLES_MAX);
	if (!protocol_take(&rest, &t.ends.proto))
		return fail_set(
			why, ST_INVALID,
			"\"%.*s\": expected tcp, udp, icmp, icmpv6, sctp or a number before "
			"the ends",
			SLICE_ARG(text));
	one = slice_trim(slice_split(&rest, '-'));
	if (!end_parse(one, &t.ends.src, &t.ends.sport, &t.has_sport) ||
	    (rest.ptr != NULL &&
	     !end_parse(slice_trim(rest), &t.ends.dst, &t.ends.dport, &t.has_dport)))
		return fail_set(why, ST_INVALID,
				"\"%.*s\": expected ADDRESS[:PORT][-ADDRESS[:PORT]], IPv6 with a "
				"port as [ADDRESS]:PORT",
				SLICE_ARG(text));
	q->tuples[q->tuple_count++] = t;
	return ST_OK;
}
