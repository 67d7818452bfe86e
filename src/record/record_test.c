/* SPDX-License-Identifier: Apache-2.0 */
#include "record/record.h"

#include "record/record_priv.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

struct world {
	struct arena_pool pool;
	struct arena arena;
	struct fail why;
};

#define WORLD(w)                                                                                   \
	struct world w = {.pool = {.budget = 64 << 20}};                                           \
	w.arena.pool = &w.pool

static void world_done(struct world *w)
{
	arena_reset(&w->arena);
	arena_pool_drain(&w->pool);
}

/* Well-formed UTF-8 of every length class, with everything that JSON escapes; "" now and then. */
static struct slice random_text(struct test *t, struct arena *a)
{
	static const char *const pieces[] = {"a",
					     "Z9.-_ ",
					     "\"",
					     "\\",
					     "\n",
					     "\x01",
					     "\x7f",
					     "\xc3\xa9",
					     "\xe2\x82\xac",
					     "\xef\xbf\xbd",
					     "/",
					     "{}[],:",
					     "\xf0\x9f\x90\x9f",
					     "\xee\x80\x80"};
	struct buf b = buf_in(a);
	size_t n = test_rand(t) % 6;

	if (test_rand(t) % 16 == 0)
		buf_add_byte(&b, 0);
	for (size_t i = 0; i < n; i++)
		buf_add_z(&b, pieces[test_rand(t) % (sizeof pieces / sizeof pieces[0])]);
	return buf_slice(&b);
}

static uint64_t random_number(struct test *t)
{
	static const uint64_t edges[] = {0,
					 1,
					 UINT64_C(9007199254740990),
					 UINT64_C(9007199254740991),
					 UINT64_C(9007199254740992),
					 INT64_MAX,
					 UINT64_C(9223372036854775808),
					 UINT64_MAX};

	return test_rand(t) % 2 ? edges[test_rand(t) % 8] : test_rand(t) >> test_rand(t) % 64;
}

static struct wall_ns random_time(struct test *t)
{
	uint64_t us = test_rand(t) % UINT64_C(9214646400000000);

	return (struct wall_ns){test_rand(t) % 8 ? (int64_t)us * 1000 : 0};
}

static struct addr random_addr(struct test *t)
{
	struct addr a = {0};

	a.family = (const uint8_t[]){0, 4, 6}[test_rand(t) % 3];
	for (size_t i = 0; i < addr_bytes(&a); i++)
		a.b[i] = test_rand(t) % 2 ? (uint8_t)test_rand(t) : 0;
	return a;
}

static struct addr_prefix random_net(struct test *t)
{
	struct addr a = random_addr(t);
	char text[ADDR_TEXT_MAX + 8], addr[ADDR_TEXT_MAX];
	struct addr_prefix p = {0};
	int n = snprintf(text, sizeof text, "%.*s/%u", SLICE_ARG(addr_format(&a, addr)),
			 (unsigned)(test_rand(t) % (8 * addr_bytes(&a) + 1)));

	if (a.family != 0 &&
	    !addr_prefix_parse((struct slice){(const uint8_t *)text, (size_t)n}, &p))
		abort();
	return p;
}

/* Every member that a row names gets a random value; what rows do not name, by hand below. */
static void random_special(struct test *t, struct arena *a, struct record *r)
{
	r->vlans = (uint8_t)(test_rand(t) % (RECORD_VLANS_MAX + 1));
	for (size_t i = 0; i < r->vlans; i++)
		r->vlan[i] = (uint16_t)test_rand(t);
	if (r->kind == RECORD_ALERT) {
		static const char *const keys[] = {"", "a", "ab", "\xc3\xa9", "\xee\x80\x80"};

		struct record_pair *meta = ARENA_ARRAY(a, struct record_pair, RECORD_META_MAX);

		for (size_t k = test_rand(t) % 5; k < 5; k++)
			for (size_t i = test_rand(t) % 7; i > 0; i--)
				meta[r->u.alert.metas++] =
					(struct record_pair){slice_of(keys[k]), random_text(t, a)};
		r->u.alert.meta = meta;
	}
	if (r->kind == RECORD_DNS) {
		size_t n = test_rand(t) % 4 ? test_rand(t) % 4 : RECORD_ANSWERS_MAX;
		struct record_dns_answer *answers = ARENA_ARRAY(a, struct record_dns_answer, n);

		for (size_t i = 0; i < n; i++)
			answers[i] =
				(struct record_dns_answer){random_text(t, a), random_text(t, a),
							   random_text(t, a), random_number(t)};
		r->u.dns.answers = answers;
		r->u.dns.answer_count = n;
	}
}

static void random_member(struct test *t, struct arena *a, const struct record_row *row,
			  struct record *r)
{
	enum record_type_id type = row->type;

	if (type == TYPE_TEXT || type == TYPE_OPEN_TEXT)
		*RECORD_MEMBER(struct slice, r, row->at) = random_text(t, a);
	else if (type == TYPE_TIME || type == TYPE_MOMENT)
		*RECORD_MEMBER(struct wall_ns, r, row->at) = random_time(t);
	else if (type == TYPE_ADDRESS)
		*RECORD_MEMBER(struct addr, r, row->at) = random_addr(t);
	else if (type == TYPE_PSEUDONYM)
		*RECORD_MEMBER(bool, r, row->also) =
			test_rand(t) % 2 && RECORD_READ(struct addr, r, row->at).family != 0;
	else if (type == TYPE_HIDDEN_TEXT)
		*RECORD_MEMBER(bool, r, row->also) =
			test_rand(t) % 2 && RECORD_READ(struct slice, r, row->at).len != 0;
	else if (type == TYPE_NET)
		*RECORD_MEMBER(struct addr_prefix, r, row->at) = random_net(t);
	else if (type == TYPE_FLAG || type == TYPE_DNS_TYPE)
		*RECORD_MEMBER(bool, r, row->at) = test_rand(t) % 2 == 0;
	else if (type == TYPE_PROTO)
		r->proto = (uint8_t)test_rand(t);
	else if (type == TYPE_DNS_QUERIES) {
		r->u.dns.rrname = random_text(t, a);
		r->u.dns.rrtype = random_text(t, a);
	} else if (type == TYPE_JA3) {
		*RECORD_MEMBER(struct slice, r, row->at) = random_text(t, a);
		if (row->also != 0)
			*RECORD_MEMBER(struct slice, r, row->also) = random_text(t, a);
	} else if (type == TYPE_NUMBER || type == TYPE_COUNT) {
		*RECORD_MEMBER(uint64_t, r, row->at) = random_number(t);
	}
}

static struct record random_record(struct test *t, struct arena *a, enum record_kind kind)
{
	struct record r = {.kind = kind};

	for (const struct record_row *row = record_rows; row->name != NULL; row++)
		if ((row->kinds >> kind & 1) != 0)
			random_member(t, a, row, &r);
	if (test_rand(t) % 2) {
		r.has_ports = true;
		r.sport = (uint16_t)test_rand(t);
		r.dport = (uint16_t)test_rand(t);
	}
	if (test_rand(t) % 2) {
		r.has_icmp = true;
		r.icmp_type = (uint8_t)test_rand(t);
		r.icmp_code = (uint8_t)test_rand(t);
	}
	if (kind == RECORD_ALERT && test_rand(t) % 2) {
		r.u.alert.has_tx = true;
		r.u.alert.tx_id = random_number(t);
	}
	random_special(t, a, &r);
	return r;
}

/* Member by member, without the table: the table may be what is wrong. Returns the first that
 * differs, or NULL. */
#define DIFFER(cond)                                                                               \
	do {                                                                                       \
		if (!(cond))                                                                       \
			return #cond;                                                              \
	} while (0)
#define SAME(m) DIFFER(x->m == y->m)
#define SAME_TEXT(m) DIFFER(slice_equal(x->m, y->m))
#define SAME_ADDR(m) DIFFER(addr_equal(&x->m, &y->m))

static const char *outer_differs(const struct record *x, const struct record *y)
{
	SAME(kind);
	SAME(at.ns);
	SAME(flow_id);
	SAME(pcap_cnt);
	SAME_TEXT(party);
	SAME_TEXT(station);
	SAME_ADDR(src);
	SAME_ADDR(dst);
	SAME(src_hidden);
	SAME(dst_hidden);
	SAME(sport);
	SAME(dport);
	SAME(has_ports);
	SAME(has_icmp);
	SAME(proto);
	SAME(icmp_type);
	SAME(icmp_code);
	SAME(vlans);
	DIFFER(memcmp(x->vlan, y->vlan, sizeof x->vlan) == 0);
	SAME_TEXT(app_proto);
	SAME_TEXT(direction);
	SAME_TEXT(source);
	return NULL;
}

static const char *alert_differs(const struct record_alert *x, const struct record_alert *y)
{
	SAME(gid);
	SAME(sid);
	SAME(rev);
	SAME_TEXT(signature);
	SAME_TEXT(category);
	SAME_TEXT(classtype);
	SAME(severity);
	SAME_TEXT(action);
	SAME(has_tx);
	SAME(tx_id);
	SAME(metas);
	for (size_t i = 0; i < x->metas; i++) {
		SAME_TEXT(meta[i].key);
		SAME_TEXT(meta[i].value);
	}
	return NULL;
}

static const char *anomaly_differs(const struct record_anomaly *x, const struct record_anomaly *y)
{
	SAME_TEXT(type);
	SAME_TEXT(event);
	SAME_TEXT(layer);
	SAME_TEXT(summary);
	SAME(summary_hidden);
	SAME(score_milli);
	SAME(observations);
	SAME(first.ns);
	SAME(last.ns);
	return NULL;
}

static const char *dns_differs(const struct record_dns *x, const struct record_dns *y)
{
	SAME(answer);
	SAME(id);
	SAME(tx_id);
	SAME_TEXT(rrname);
	SAME_TEXT(rrtype);
	SAME_TEXT(rcode);
	SAME(answer_count);
	for (size_t i = 0; i < x->answer_count; i++) {
		SAME_TEXT(answers[i].rrname);
		SAME_TEXT(answers[i].rrtype);
		SAME_TEXT(answers[i].rdata);
		SAME(answers[i].ttl);
	}
	return NULL;
}

static const char *flow_differs(const struct record_flow *x, const struct record_flow *y)
{
	SAME(to_server.pkts);
	SAME(to_server.bytes);
	SAME(to_client.pkts);
	SAME(to_client.bytes);
	SAME(start.ns);
	SAME(end.ns);
	SAME(age_s);
	SAME_TEXT(state);
	SAME_TEXT(reason);
	SAME(alerted);
	SAME_TEXT(tcp_flags_ts);
	SAME_TEXT(tcp_flags_tc);
	SAME_TEXT(tcp_state);
	SAME_TEXT(bins_ts);
	SAME_TEXT(bins_tc);
	return NULL;
}

static const char *http_differs(const struct record_http *x, const struct record_http *y)
{
	SAME_TEXT(hostname);
	SAME_TEXT(url);
	SAME_TEXT(user_agent);
	SAME_TEXT(content_type);
	SAME_TEXT(referer);
	SAME_TEXT(method);
	SAME_TEXT(protocol);
	SAME_TEXT(redirect);
	SAME(status);
	SAME(length);
	SAME(tx_id);
	return NULL;
}

static const char *tls_differs(const struct record_tls *x, const struct record_tls *y)
{
	SAME_TEXT(sni);
	SAME_TEXT(subject);
	SAME_TEXT(issuer);
	SAME_TEXT(serial);
	SAME_TEXT(fingerprint);
	SAME_TEXT(version);
	SAME_TEXT(ja3);
	SAME_TEXT(ja3_string);
	SAME_TEXT(ja3s);
	SAME_TEXT(not_before);
	SAME_TEXT(not_after);
	return NULL;
}

static const char *location_differs(const struct record_location *x,
				    const struct record_location *y)
{
	SAME_TEXT(table);
	SAME_TEXT(edition);
	SAME_ADDR(address);
	SAME_ADDR(net.addr);
	SAME(net.bits);
	SAME(asn);
	SAME_TEXT(as_name);
	SAME_TEXT(territory);
	SAME(proxy);
	SAME(hosting);
	SAME(anycast);
	return NULL;
}

static const char *input_differs(const struct record_input *x, const struct record_input *y)
{
	SAME_TEXT(what);
	SAME_TEXT(name);
	SAME_TEXT(sha256);
	SAME(bytes);
	SAME(packets);
	SAME(first.ns);
	SAME(last.ns);
	return NULL;
}

static const char *record_differs(const struct record *x, const struct record *y)
{
	const char *outer = outer_differs(x, y);

	if (outer != NULL)
		return outer;
	switch (x->kind) {
	case RECORD_ALERT:
		return alert_differs(&x->u.alert, &y->u.alert);
	case RECORD_ANOMALY:
		return anomaly_differs(&x->u.anomaly, &y->u.anomaly);
	case RECORD_DNS:
		return dns_differs(&x->u.dns, &y->u.dns);
	case RECORD_FLOW:
		return flow_differs(&x->u.flow, &y->u.flow);
	case RECORD_HTTP:
		return http_differs(&x->u.http, &y->u.http);
	case RECORD_TLS:
		return tls_differs(&x->u.tls, &y->u.tls);
	case RECORD_LOCATION:
		return location_differs(&x->u.location, &y->u.location);
	case RECORD_INPUT:
		return input_differs(&x->u.input, &y->u.input);
	default:
		return NULL;
	}
}

static void every_record_comes_back_from_its_line(struct test *t)
{
	WORLD(w);

	for (unsigned i = 0; i < 4000; i++, arena_reset(&w.arena)) {
		static struct record r, back;
		struct buf line = buf_in(&w.arena);
		const char *differs;

		r = random_record(t, &w.arena, (enum record_kind)(i % RECORD_KINDS));
		record_encode(&r, &w.arena, &line);
		EXPECT(t, !line.full);
		if (record_parse(buf_slice(&line), &w.arena, &back, &w.why) != ST_OK) {
			test_fail(t, __FILE__, __LINE__, "%s: %.*s", w.why.text,
				  SLICE_ARG(buf_slice(&line)));
			return;
		}
		differs = record_differs(&r, &back);
		if (differs != NULL) {
			test_fail(t, __FILE__, __LINE__, "%s in %.*s", differs,
				  SLICE_ARG(buf_slice(&line)));
			return;
		}
	}
	world_done(&w);
}

static void shuffle(struct test *t, struct record_field *f, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t k = test_rand(t) % i;
		struct record_field swap = f[k];

		f[k] = f[i - 1];
		f[i - 1] = swap;
	}
}

static void fields_may_come_in_any_order_and_number(struct test *t)
{
	WORLD(w);

	for (unsigned i = 0; i < 2000; i++, arena_reset(&w.arena)) {
		static struct record_field f[RECORD_FIELDS_MAX], again[RECORD_FIELDS_MAX];
		static struct record r, back;
		size_t n, some, kept;

		r = random_record(t, &w.arena, (enum record_kind)(i % RECORD_KINDS));
		n = record_fields(&r, &w.arena, f);
		EXPECT(t, n > 0 && n <= RECORD_FIELDS_MAX);
		shuffle(t, f, n);
		EXPECT(t, record_from_fields(f, n, &w.arena, &back, &w.why) == ST_OK);
		EXPECT(t, record_differs(&r, &back) == NULL);
		/* A subset gives exactly the fields that it holds, apart from those that are always
		 * written: these come back as zero. */
		some = test_rand(t) % (n + 1);
		EXPECT(t, record_from_fields(f, some, &w.arena, &back, &w.why) == ST_OK);
		kept = record_fields(&back, &w.arena, again);
		EXPECT(t, kept > 0);
		for (size_t k = 0; k < some && back.kind == r.kind; k++) {
			size_t at = 0;

			while (at < kept && !(slice_equal(again[at].group, f[k].group) &&
					      slice_equal(again[at].name, f[k].name)))
				at++;
			if (slice_equal(f[k].name, SLICE("ip_v")))
				continue; /* follows from the addresses that were kept */
			EXPECT(t, at < kept);
			EXPECT_SLICE(t, again[at].json, f[k].json);
		}
	}
	world_done(&w);
}

static void a_copy_outlives_what_it_was_copied_from(struct test *t)
{
	WORLD(w);
	WORLD(source);

	for (unsigned i = 0; i < 1000; i++, arena_reset(&w.arena)) {
		static struct record r, copy;
		struct buf before = buf_in(&w.arena), after = buf_in(&w.arena);

		r = random_record(t, &source.arena, (enum record_kind)(i % RECORD_KINDS));
		record_encode(&r, &w.arena, &before);
		EXPECT(t, record_copy(&r, &w.arena, &copy));
		arena_reset(&source.arena); /* poisons it under AddressSanitizer */
		while (ARENA_NEW(&source.arena, uint64_t) != NULL && source.pool.out < 1 << 16)
			; /* zeroes it elsewhere */
		record_encode(&copy, &w.arena, &after);
		EXPECT_SLICE(t, buf_slice(&after), buf_slice(&before));
		arena_reset(&source.arena);
	}
	world_done(&w);
	world_done(&source);
}

static void an_alert_is_written_as_suricata_writes_it(struct test *t)
{
	WORLD(w);
	struct buf line = buf_in(&w.arena);
	struct record r = {
		.kind = RECORD_ALERT,
		.at = {INT64_C(1700000000123456789)},
		.flow_id = 42,
		.pcap_cnt = 7,
		.party = SLICE("north"),
		.station = SLICE("n1"),
		.src = addr_v4((const uint8_t[]){192, 0, 2, 1}),
		.dst = addr_v4((const uint8_t[]){198, 51, 100, 2}),
		.has_ports = true,
		.sport = 1025,
		.dport = 80,
		.proto = 6,
		.vlan = {10, 20},
		.vlans = 2,
		.app_proto = SLICE("http"),
		.direction = SLICE("to_server"),
		.u.alert = {.action = SLICE("allowed"),
			    .gid = 1,
			    .sid = 2024297,
			    .rev = 3,
			    .signature = SLICE("EXAMPLE \"x\" \xff"),
			    .category = SLICE("A Network Trojan was detected"),
			    .classtype = SLICE("trojan-activity"),
			    .severity = 1,
			    .has_tx = true,
			    .meta = (struct record_pair[]){{SLICE("b"), SLICE("2")},
							   {SLICE("a"), SLICE("1")},
							   {SLICE("b"), SLICE("1")}},
			    .metas = 3},
	};

	record_encode(&r, &w.arena, &line);
	EXPECT_SLICE(
		t, buf_slice(&line),
		SLICE("{\"timestamp\":\"2023-11-14T22:13:20.123456+0000\",\"flow_id\":42,\"pcap_"
		      "cnt\":7,\"event_type\":\"alert\",\"party\":\"north\",\"station\":\"n1\","
		      "\"vlan\":[10,20],\"src_ip\":\"192.0.2.1\",\"src_port\":1025,\"dest_ip\":"
		      "\"198.51.100.2\",\"dest_port\":80,\"proto\":\"TCP\",\"ip_v\":4,\"app_"
		      "proto\":\"http\",\"direction\":\"to_server\",\"tx_id\":0,\"alert\":{"
		      "\"action\":\"allowed\",\"gid\":1,\"signature_id\":2024297,\"rev\":3,"
		      "\"signature\":\"EXAMPLE \\\"x\\\" \xef\xbf\xbd\",\"category\":\"A Network "
		      "Trojan was detected\",\"classtype\":\"trojan-activity\",\"severity\":1,"
		      "\"metadata\":{\"a\":[\"1\"],\"b\":[\"2\",\"1\"]}}}"));
	world_done(&w);
}

static void a_response_and_a_tls_session_have_suricata_8s_form(struct test *t)
{
	WORLD(w);
	struct buf line = buf_in(&w.arena);
	struct record dns = {
		.kind = RECORD_DNS,
		.at = {1000},
		.proto = 17,
		.u.dns = {.answer = true,
			  .id = 9,
			  .rrname = SLICE("a.example"),
			  .rrtype = SLICE("A"),
			  .rcode = SLICE("NOERROR"),
			  .answers = (struct record_dns_answer[]){{SLICE("a.example"), SLICE("A"),
								   SLICE("192.0.2.9"), 60}},
			  .answer_count = 1}};
	static const struct record tls = {.kind = RECORD_TLS,
					  .u.tls = {.sni = SLICE("x"),
						    .ja3 = SLICE("00ff"),
						    .ja3_string = SLICE("771,"),
						    .ja3s = SLICE("aa")}};

	record_encode(&dns, &w.arena, &line);
	record_encode(&tls, &w.arena, &line);
	EXPECT_SLICE(t, buf_slice(&line),
		     SLICE("{\"timestamp\":\"1970-01-01T00:00:00.000001+0000\",\"event_type\":"
			   "\"dns\",\"proto\":\"UDP\",\"dns\":{\"version\":3,\"type\":\"response\","
			   "\"tx_id\":0,\"id\":9,\"rcode\":\"NOERROR\",\"queries\":[{\"rrname\":"
			   "\"a.example\",\"rrtype\":\"A\"}],\"answers\":[{\"rdata\":\"192.0.2.9\","
			   "\"rrname\":\"a.example\",\"rrtype\":\"A\",\"ttl\":60}]}}"
			   "{\"timestamp\":\"1970-01-01T00:00:00.000000+0000\",\"event_type\":"
			   "\"tls\",\"tls\":{\"sni\":\"x\",\"ja3\":{\"hash\":\"00ff\",\"string\":"
			   "\"771,\"},\"ja3s\":{\"hash\":\"aa\"}}}"));
	world_done(&w);
}

static void metadata_keys_are_sorted_by_utf_16_units_and_merged(struct test *t)
{
	WORLD(w);
	struct record_pair meta[8];
	struct record r = {.kind = RECORD_ALERT, .u.alert.meta = meta};
	static struct record_field f[RECORD_FIELDS_MAX];
	static const char *const keys[] = {
		"\xef\xbc\xa1", "\xf0\x90\x80\x80", "b", "\xff", "\xfe", "ba", "b"};
	size_t n;

	for (size_t i = 0; i < 7; i++)
		meta[r.u.alert.metas++] = (struct record_pair){slice_of(keys[i]), SLICE("")};
	meta[r.u.alert.metas++] = (struct record_pair){SLICE("\0"), SLICE("\0")};
	n = record_fields(&r, &w.arena, f);
	EXPECT(t, n > 0);
	EXPECT_SLICE(t, f[n - 1].name, SLICE("metadata"));
	EXPECT_SLICE(t, f[n - 1].json,
		     SLICE("{\"b\":[\"\",\"\"],\"ba\":[\"\"],\"\xf0\x90\x80\x80\":[\"\"],"
			   "\"\xef\xbc\xa1\":[\"\"],\"\xef\xbf\xbd\":[\"\",\"\",\"\\u0000\"]}"));
	world_done(&w);
}

static void times_outside_the_calendar_are_brought_into_it(struct test *t)
{
	WORLD(w);
	static const int64_t at[] = {
		INT64_MIN, -1, 999, INT64_C(9214646399999999999), INT64_C(9214646400000000000),
		INT64_MAX};
	static const int64_t back_at[] = {0,
					  0,
					  0,
					  INT64_C(9214646399999999000),
					  INT64_C(9214646399999999000),
					  INT64_C(9214646399999999000)};

	for (size_t i = 0; i < 6; i++) {
		static struct record r, back;
		struct buf line = buf_in(&w.arena);

		r = (struct record){.kind = RECORD_INPUT, .at = {at[i]}};
		record_encode(&r, &w.arena, &line);
		EXPECT(t, record_parse(buf_slice(&line), &w.arena, &back, &w.why) == ST_OK);
		EXPECT(t, back.at.ns == back_at[i]);
	}
	world_done(&w);
}

static void what_a_record_cannot_be_is_refused(struct test *t)
{
	static const char *const bad[] = {
		"",
		"[]",
		"1",
		"{",
		"{} {}",
		"{\"flow_id\":1,\"flow_id\":1}",
		"{\"event_type\":1}",
		"{\"flow_id\":-1}",
		"{\"flow_id\":1.0}",
		"{\"flow_id\":9007199254740992}",
		"{\"flow_id\":\"9007199254740991\"}",
		"{\"flow_id\":\"18446744073709551616\"}",
		"{\"flow_id\":\"09007199254740992\"}",
		"{\"flow_id\":\"0xffffffffffffffff\"}",
		"{\"flow_id\":\"\"}",
		"{\"src_port\":65536}",
		"{\"icmp_type\":256}",
		"{\"src_ip\":\"1.2.3\"}",
		"{\"src_ip\":4}",
		"{\"ip_v\":5}",
		"{\"proto\":\"tcp\"}",
		"{\"proto\":\"256\"}",
		"{\"timestamp\":\"yesterday\"}",
		"{\"timestamp\":0}",
		"{\"vlan\":1}",
		"{\"vlan\":[1,2,3,4]}",
		"{\"vlan\":[65536]}",
		"{\"party\":null}",
		"{\"party\":\"\xff\"}",
		"{\"event_type\":\"alert\",\"alert\":5}",
		"{\"event_type\":\"alert\",\"alert\":{\"gid\":1,\"gid\":1}}",
		"{\"event_type\":\"alert\",\"alert\":{\"metadata\":[]}}",
		"{\"event_type\":\"alert\",\"alert\":{\"metadata\":{\"a\":\"b\"}}}",
		"{\"event_type\":\"alert\",\"alert\":{\"metadata\":{\"a\":[1]}}}",
		"{\"event_type\":\"flow\",\"flow\":{\"alerted\":1}}",
		"{\"event_type\":\"dns\",\"dns\":{\"version\":2}}",
		"{\"event_type\":\"dns\",\"dns\":{\"type\":\"answer\"}}",
		"{\"event_type\":\"dns\",\"dns\":{\"type\":0}}",
		"{\"event_type\":\"dns\",\"dns\":{\"queries\":{}}}",
		"{\"event_type\":\"dns\",\"dns\":{\"queries\":[1]}}",
		"{\"event_type\":\"dns\",\"dns\":{\"queries\":[{\"rrname\":1}]}}",
		"{\"event_type\":\"dns\",\"dns\":{\"answers\":{}}}",
		"{\"event_type\":\"dns\",\"dns\":{\"answers\":[1]}}",
		"{\"event_type\":\"dns\",\"dns\":{\"answers\":[{\"ttl\":-1}]}}",
		"{\"event_type\":\"tls\",\"tls\":{\"ja3\":\"x\"}}",
		"{\"event_type\":\"tls\",\"tls\":{\"ja3\":{\"string\":1}}}",
		"{\"event_type\":\"location\",\"location\":{\"net\":\"1.2.3.4/33\"}}",
	};
	WORLD(w);

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct record r = {.flow_id = 77};

		w.why = (struct fail){0};
		if (record_parse(slice_of(bad[i]), &w.arena, &r, &w.why) != ST_INVALID) {
			test_fail(t, __FILE__, __LINE__, "accepted: %s", bad[i]);
			return;
		}
		EXPECT(t, w.why.text[0] != '\0' && r.flow_id == 77);
	}
	world_done(&w);
}

static void what_suricata_adds_is_skipped_and_lists_are_cut(struct test *t)
{
	WORLD(w);
	struct record r;
	struct buf line = buf_in(&w.arena);

	EXPECT(t,
	       record_parse(SLICE("{\"event_type\":\"alert\",\"in_iface\":\"x\",\"flow\":{\"pkts_"
				  "toserver\":\"?\"},\"http\":1,\"alert\":{\"rev\":2,\"xff\":[]}}"),
			    &w.arena, &r, &w.why) == ST_OK);
	EXPECT(t, r.kind == RECORD_ALERT && r.u.alert.rev == 2);
	EXPECT(t, record_parse(SLICE("{\"event_type\":\"stats\",\"alert\":{\"rev\":2}}"), &w.arena,
			       &r, &w.why) == ST_OK);
	EXPECT(t, r.kind == RECORD_OBJECT && slice_equal(r.type, SLICE("stats")));
	buf_add_z(&line, "{\"event_type\":\"dns\",\"dns\":{\"queries\":[],\"answers\":[{}");
	for (size_t i = 0; i < RECORD_ANSWERS_MAX; i++)
		buf_add_z(&line, ",{}");
	buf_add_z(&line, "]}}");
	EXPECT(t, record_parse(buf_slice(&line), &w.arena, &r, &w.why) == ST_OK);
	EXPECT_UINT(t, r.u.dns.answer_count, RECORD_ANSWERS_MAX);
	line.len = 0;
	buf_add_z(&line, "{\"event_type\":\"alert\",\"alert\":{\"metadata\":{\"k\":[\"\"");
	for (size_t i = 0; i < RECORD_META_MAX; i++)
		buf_add_z(&line, ",\"\"");
	buf_add_z(&line, "]}}}");
	EXPECT(t, record_parse(buf_slice(&line), &w.arena, &r, &w.why) == ST_OK);
	EXPECT_UINT(t, r.u.alert.metas, RECORD_META_MAX);
	world_done(&w);
}

static void what_no_row_describes_is_written_behind_its_group(struct test *t)
{
	WORLD(w);
	struct record r = {.kind = RECORD_HTTP, .u.http = {.hostname = SLICE("a.example")}};
	struct record copy;
	struct buf line = buf_in(&w.arena);

	EXPECT(t, record_more(&r, &w.arena, SLICE("http"), SLICE("xff"), SLICE("\"x\"")));
	EXPECT(t, record_more(&r, &w.arena, SLICE(""), SLICE("host"), SLICE("1")));
	EXPECT(t, record_more(&r, &w.arena, SLICE("smb"), SLICE("id"), SLICE("2")));
	EXPECT(t, record_copy(&r, &w.arena, &copy));
	record_encode(&copy, &w.arena, &line);
	EXPECT(t, slice_find(buf_slice(&line), SLICE(",\"host\":1,\"http\":{")) != SIZE_MAX);
	EXPECT(t, slice_ends(buf_slice(&line), SLICE(",\"xff\":\"x\"},\"smb\":{\"id\":2}}")));
	r = (struct record){0};
	EXPECT(t, record_object(&r, &w.arena, "smtp", SLICE("{\"helo\":\"x\"}")));
	line.len = 0;
	record_encode(&r, &w.arena, &line);
	EXPECT(t, slice_find(buf_slice(&line), SLICE("\"event_type\":\"smtp\"")) != SIZE_MAX);
	EXPECT(t, slice_ends(buf_slice(&line), SLICE(",\"smtp\":{\"helo\":\"x\"}}")));
	for (size_t i = 1; i < RECORD_MORE_MAX; i++)
		EXPECT(t, record_more(&r, &w.arena, SLICE(""), SLICE("n"), SLICE("1")));
	EXPECT(t, !record_more(&r, &w.arena, SLICE(""), SLICE("n"), SLICE("1")));
	world_done(&w);
}

static void a_field_given_twice_or_broken_is_refused(struct test *t)
{
	WORLD(w);
	struct record r;
	struct record_field two[] = {
		{SLICE(""), SLICE("event_type"), SLICE("\"alert\"")},
		{SLICE("alert"), SLICE("gid"), SLICE("1")},
		{SLICE("alert"), SLICE("gid"), SLICE("1")},
	};

	EXPECT(t, record_from_fields(two, 2, &w.arena, &r, &w.why) == ST_OK);
	EXPECT(t, record_from_fields(two, 3, &w.arena, &r, &w.why) == ST_INVALID);
	two[2].name = SLICE("unheard_of");
	EXPECT(t, record_from_fields(two, 3, &w.arena, &r, &w.why) == ST_OK);
	two[2].json = SLICE("1 2");
	EXPECT(t, record_from_fields(two, 3, &w.arena, &r, &w.why) == ST_INVALID);
	two[2].json = SLICE("");
	EXPECT(t, record_from_fields(two, 3, &w.arena, &r, &w.why) == ST_INVALID);
	EXPECT(t, record_from_fields(NULL, 0, &w.arena, &r, &w.why) == ST_OK);
	EXPECT(t, r.kind == RECORD_NONE);
	world_done(&w);
}

static void protocols_have_names_or_numbers(struct test *t)
{
	char buf[4];

	EXPECT_SLICE(t, record_proto_name(6, buf), SLICE("TCP"));
	EXPECT_SLICE(t, record_proto_name(17, buf), SLICE("UDP"));
	EXPECT_SLICE(t, record_proto_name(1, buf), SLICE("ICMP"));
	EXPECT_SLICE(t, record_proto_name(58, buf), SLICE("IPv6-ICMP"));
	EXPECT_SLICE(t, record_proto_name(0, buf), SLICE("0"));
	EXPECT_SLICE(t, record_proto_name(255, buf), SLICE("255"));
}

static void no_allocation_may_break_anything(struct test *t)
{
	for (unsigned kind = 0; kind < RECORD_KINDS; kind++) {
		WORLD(source);
		static struct record r, copy, parsed;
		struct buf good = buf_in(&source.arena);
		bool all = false;

		r = random_record(t, &source.arena, (enum record_kind)kind);
		record_encode(&r, &source.arena, &good);
		for (size_t n = 1; !all; n++) {
			WORLD(w);
			struct buf line = buf_in(&w.arena);
			enum status st;

			EXPECT(t, n < 100);
			w.pool.fail_after = n;
			record_encode(&r, &w.arena, &line);
			all = !line.full && record_copy(&r, &w.arena, &copy);
			st = record_parse(buf_slice(&good), &w.arena, &parsed, &w.why);
			EXPECT(t, st == ST_OK || st == ST_NOMEM);
			all = all && st == ST_OK;
			arena_reset(&w.arena);
			EXPECT_UINT(t, w.pool.out, 0);
			arena_pool_drain(&w.pool);
		}
		world_done(&source);
	}
}

/* Who shows both an address and its pseudonym has opened it. */
static void what_is_shown_itself_counts_beside_its_pseudonym(struct test *t)
{
	struct record_field open_one = {SLICE(""), SLICE("src_ip"), SLICE("\"10.1.2.3\"")};
	struct record_field hidden = {SLICE(""), SLICE("src_pseudonym"), SLICE("\"10.1.9.9\"")};
	struct record_field kind = {SLICE(""), SLICE("event_type"), SLICE("\"anomaly\"")};
	struct record_field said = {SLICE("anomaly"), SLICE("summary"), SLICE("\"a\"")};
	struct record_field other = {SLICE("anomaly"), SLICE("summary_pseudonym"), SLICE("\"b\"")};
	struct record_field both[] = {open_one, hidden, kind, said, other};
	struct record_field turned[] = {other, said, kind, hidden, open_one};
	struct record_field alone[] = {hidden, kind, other};
	char text[ADDR_TEXT_MAX];
	struct record r;
	WORLD(w);

	EXPECT(t, record_from_fields(both, 5, &w.arena, &r, &w.why) == ST_OK);
	EXPECT_SLICE(t, addr_format(&r.src, text), SLICE("10.1.2.3"));
	EXPECT(t, !r.src_hidden && !r.u.anomaly.summary_hidden);
	EXPECT_SLICE(t, r.u.anomaly.summary, SLICE("a"));
	EXPECT(t, record_from_fields(turned, 5, &w.arena, &r, &w.why) == ST_OK);
	EXPECT_SLICE(t, addr_format(&r.src, text), SLICE("10.1.2.3"));
	EXPECT(t, !r.src_hidden && !r.u.anomaly.summary_hidden);
	EXPECT_SLICE(t, r.u.anomaly.summary, SLICE("a"));
	EXPECT(t, record_from_fields(alone, 3, &w.arena, &r, &w.why) == ST_OK);
	EXPECT_SLICE(t, addr_format(&r.src, text), SLICE("10.1.9.9"));
	EXPECT(t, r.src_hidden && r.u.anomaly.summary_hidden && !r.dst_hidden);
	hidden.json = SLICE("\"nowhere\"");
	EXPECT(t, record_from_fields(&hidden, 1, &w.arena, &r, &w.why) == ST_INVALID);
	world_done(&w);
}

static void the_table_is_sound_and_documented(struct test *t)
{
	const char *root = getenv("DEW_SOURCE_ROOT");
	char path[4096], row_text[1024];
	static char text[1 << 16];
	size_t rows = 0, lines = 0, len;
	FILE *f;

	EXPECT(t, root != NULL);
	(void)snprintf(path, sizeof path, "%s/docs/formats/eve.md", root);
	f = fopen(path, "rbe");
	EXPECT(t, f != NULL);
	len = fread(text, 1, sizeof text - 1, f);
	(void)fclose(f);
	for (char *at = text; (at = strstr(at, "\n| `")) != NULL; at++)
		lines++;
	for (const struct record_row *row = record_rows; row->name != NULL; row++, rows++) {
		char kinds[128] = "every";
		size_t at = 0;

		for (const struct record_row *other = record_rows; other < row; other++)
			EXPECT(t, (other->kinds & row->kinds) == 0 ||
					  strcmp(other->group, row->group) != 0 ||
					  strcmp(other->name, row->name) != 0);
		for (unsigned k = 0; row->kinds != RECORD_ANY && k < RECORD_KINDS; k++)
			if ((row->kinds >> k & 1) != 0)
				at += (size_t)snprintf(kinds + at, sizeof kinds - at, "%s%s",
						       at ? ", " : "", record_kind_names[k]);
		(void)snprintf(row_text, sizeof row_text, "\n| `%s%s%s` | %s | %s | %s |\n",
			       row->group, *row->group ? "." : "", row->name, kinds,
			       record_types[row->type].doc, row->doc);
		if (slice_find((struct slice){(const uint8_t *)text, len}, slice_of(row_text)) ==
		    SIZE_MAX) {
			test_fail(t, __FILE__, __LINE__, "eve.md lacks:%s", row_text);
			return;
		}
	}
	EXPECT_UINT(t, lines, rows);
}

/* A Suricata 6 log of 5,000 events that the repository does not hold: DNS has another version there
 * and is refused, everything else is read. */
static void suricatas_own_log_is_read(struct test *t)
{
	const char *root = getenv("DEW_SOURCE_ROOT");
	char path[4096];
	static char text[1 << 16];
	static struct record r;
	size_t lines = 0, alerts = 0;
	FILE *f;
	WORLD(w);

	(void)snprintf(path, sizeof path,
		       "%s/../shared/data/traffic/slips/test6-malicious.suricata.json",
		       root ? root : ".");
	f = fopen(path, "rbe");
	if (f == NULL) {
		test_skip(t, "no %s", path);
		return;
	}
	while (fgets(text, sizeof text, f) != NULL) {
		bool dns = strstr(text, "\"event_type\":\"dns\"") != NULL;
		enum status st = record_parse(slice_of(text), &w.arena, &r, &w.why);

		if (st != (dns ? ST_INVALID : ST_OK))
			test_fail(t, __FILE__, __LINE__, "line %zu: %s", lines + 1, w.why.text);
		alerts += st == ST_OK && r.kind == RECORD_ALERT;
		lines++;
		arena_reset(&w.arena);
	}
	(void)fclose(f);
	EXPECT(t, lines == 5000 && alerts > 0);
	world_done(&w);
}

TESTS(T(every_record_comes_back_from_its_line), T(fields_may_come_in_any_order_and_number),
      T(a_copy_outlives_what_it_was_copied_from), T(an_alert_is_written_as_suricata_writes_it),
      T(a_response_and_a_tls_session_have_suricata_8s_form),
      T(metadata_keys_are_sorted_by_utf_16_units_and_merged),
      T(times_outside_the_calendar_are_brought_into_it), T(what_a_record_cannot_be_is_refused),
      T(what_suricata_adds_is_skipped_and_lists_are_cut),
      T(a_field_given_twice_or_broken_is_refused),
      T(what_no_row_describes_is_written_behind_its_group), T(protocols_have_names_or_numbers),
      T(no_allocation_may_break_anything), T(suricatas_own_log_is_read),
      T(the_table_is_sound_and_documented), T(what_is_shown_itself_counts_beside_its_pseudonym))
