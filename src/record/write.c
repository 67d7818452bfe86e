/* SPDX-License-Identifier: Apache-2.0
 * The types of fields, writing: one JSON value in the form of RFC 8785 each. */
#include "base/json.h"
#include "base/text.h"
#include "record/record_priv.h"

/* 2261-12-31T23:59:59.999999Z, the last moment that time_parse() takes */
#define TIME_LAST INT64_C(9214646399999999000)

static void uint_put(struct json *j, uint64_t v)
{
	char digits[21];
	size_t at = sizeof digits;

	if (v <= RECORD_NUMBER_MAX) {
		json_u64(j, v);
		return;
	}
	for (; v != 0; v /= 10)
		digits[--at] = (char)('0' + v % 10);
	json_str(j, (struct slice){(const uint8_t *)digits + at, sizeof digits - at});
}

/* text */
static bool put_text(const struct record_row *row, const struct record *r, struct arena *a,
		     struct json *j)
{
	struct slice s = RECORD_READ(struct slice, r, row->at);

	if (s.len != 0)
		json_str(j, s);
	return s.len != 0;
}

static void move_slice(struct arena *a, struct slice *s)
{
	*s = arena_copy(a, *s);
}

static void move_text(const struct record_row *row, struct arena *a, struct record *r)
{
	move_slice(a, RECORD_MEMBER(struct slice, r, row->at));
}

/* number, count, given */
static uint64_t uint_read(const struct record_row *row, const struct record *r)
{
	switch (row->size) {
	case 1:
		return RECORD_READ(uint8_t, r, row->at);
	case 2:
		return RECORD_READ(uint16_t, r, row->at);
	default:
		ASSERT(row->size == 8);
		return RECORD_READ(uint64_t, r, row->at);
	}
}

static bool put_number(const struct record_row *row, const struct record *r, struct arena *a,
		       struct json *j)
{
	uint_put(j, uint_read(row, r));
	return true;
}

static bool put_count(const struct record_row *row, const struct record *r, struct arena *a,
		      struct json *j)
{
	return uint_read(row, r) != 0 && put_number(row, r, a, j);
}

static bool put_given(const struct record_row *row, const struct record *r, struct arena *a,
		      struct json *j)
{
	return RECORD_READ(bool, r, row->also) && put_number(row, r, a, j);
}

/* flag */
static bool put_flag(const struct record_row *row, const struct record *r, struct arena *a,
		     struct json *j)
{
	json_bool(j, RECORD_READ(bool, r, row->at));
	return true;
}

/* time, moment */
static bool put_time(const struct record_row *row, const struct record *r, struct arena *a,
		     struct json *j)
{
	int64_t ns = RECORD_READ(struct wall_ns, r, row->at).ns;
	char text[TIME_TEXT_MAX];

	ns = ns < 0 ? 0 : ns > TIME_LAST ? TIME_LAST : ns;
	json_str(j, time_format_eve((struct wall_ns){ns}, text));
	return true;
}

static bool put_moment(const struct record_row *row, const struct record *r, struct arena *a,
		       struct json *j)
{
	return RECORD_READ(struct wall_ns, r, row->at).ns != 0 && put_time(row, r, a, j);
}

/* address, net, ip_v */
static bool write_address(const struct addr *addr, struct json *j)
{
	char text[ADDR_TEXT_MAX];

	if (addr->family != 0)
		json_str(j, addr_format_full(addr, text));
	return addr->family != 0;
}

static bool is_hidden(const struct record_row *row, const struct record *r)
{
	return row->also != 0 && RECORD_READ(bool, r, row->also);
}

static bool put_address(const struct record_row *row, const struct record *r, struct arena *a,
			struct json *j)
{
	return !is_hidden(row, r) && write_address(&RECORD_READ(struct addr, r, row->at), j);
}

static bool put_pseudonym(const struct record_row *row, const struct record *r, struct arena *a,
			  struct json *j)
{
	return is_hidden(row, r) && write_address(&RECORD_READ(struct addr, r, row->at), j);
}

static bool put_open_text(const struct record_row *row, const struct record *r, struct arena *a,
			  struct json *j)
{
	return !is_hidden(row, r) && put_text(row, r, a, j);
}

static bool put_hidden_text(const struct record_row *row, const struct record *r, struct arena *a,
			    struct json *j)
{
	return is_hidden(row, r) && put_text(row, r, a, j);
}

static bool put_net(const struct record_row *row, const struct record *r, struct arena *a,
		    struct json *j)
{
	const struct addr_prefix *net = &RECORD_READ(struct addr_prefix, r, row->at);
	char addr[ADDR_TEXT_MAX];
	struct buf text = {.arena = a, .most = ADDR_TEXT_MAX + 4};

	if (net->addr.family == 0)
		return false;
	buf_add(&text, addr_format(&net->addr, addr));
	buf_add_byte(&text, '/');
	buf_add_u64(&text, net->bits);
	json_str(j, buf_slice(&text));
	return true;
}

static bool put_ip_v(const struct record_row *row, const struct record *r, struct arena *a,
		     struct json *j)
{
	uint8_t family = RECORD_READ(struct addr, r, row->at).family;

	if (family == 0)
		family = RECORD_READ(struct addr, r, row->also).family;
	if (family != 0)
		json_u64(j, family);
	return family != 0;
}

/* event */
static bool put_event(const struct record_row *row, const struct record *r, struct arena *a,
		      struct json *j)
{
	if (r->kind == RECORD_OBJECT)
		json_str(j, r->type);
	else if (r->kind != RECORD_NONE)
		json_z(j, record_kind_names[r->kind]);
	return r->kind != RECORD_NONE;
}

/* proto: the names of IANA's protocol-numbers registry that an operator may meet */
static const struct proto_name {
	uint8_t proto;
	const char *name;
} proto_names[] = {
	{1, "ICMP"},	 {2, "IGMP"},  {4, "IP-in-IP"}, {6, "TCP"},    {17, "UDP"},
	{41, "IPv6"},	 {47, "GRE"},  {50, "ESP"},	{51, "AH"},    {58, "IPv6-ICMP"},
	{89, "OSPFIGP"}, {103, "PIM"}, {112, "VRRP"},	{115, "L2TP"}, {132, "SCTP"},
};

enum { PROTO_NAMES = sizeof proto_names / sizeof proto_names[0] };

struct slice record_proto_name(uint8_t proto, char buf[4])
{
	size_t at = 4;

	for (size_t i = 0; i < PROTO_NAMES; i++)
		if (proto_names[i].proto == proto)
			return slice_of(proto_names[i].name);
	do {
		buf[--at] = (char)('0' + proto % 10);
		proto /= 10;
	} while (proto != 0);
	return (struct slice){(const uint8_t *)buf + at, 4 - at};
}

static bool put_proto(const struct record_row *row, const struct record *r, struct arena *a,
		      struct json *j)
{
	char buf[4];

	if (r->proto != 0)
		json_str(j, record_proto_name(r->proto, buf));
	return r->proto != 0;
}

/* vlan */
static bool put_vlan(const struct record_row *row, const struct record *r, struct arena *a,
		     struct json *j)
{
	ASSERT(r->vlans <= RECORD_VLANS_MAX);
	if (r->vlans == 0)
		return false;
	json_array(j);
	for (size_t i = 0; i < r->vlans; i++)
		json_u64(j, r->vlan[i]);
	json_end(j);
	return true;
}

/* metadata: an object of arrays, keys in the order of RFC 8785 3.2.3 */

/* s with U+FFFD for each byte that is not UTF-8, as the writer will do, and for NUL, which a key
 * may not hold: two keys that look the same in JSON must be one key. */
static struct slice key_clean(struct arena *a, struct slice s)
{
	struct buf out = buf_in(a);
	size_t n;

	for (; s.len != 0; s = slice_from(s, n)) {
		n = s.ptr[0] < 0x80 ? 1 : s.ptr[0] < 0xe0 ? 2 : s.ptr[0] < 0xf0 ? 3 : 4;
		if (n <= s.len && s.ptr[0] != 0 && text_is_utf8(slice_part(s, 0, n))) {
			buf_add(&out, slice_part(s, 0, n));
		} else {
			buf_add(&out, SLICE("\xef\xbf\xbd"));
			n = 1;
		}
	}
	return buf_slice(&out);
}

/* Order by UTF-16 code units of two well-formed UTF-8 texts. It differs from byte order only where
 * a surrogate pair (lead bytes f0..f4) meets U+E000..U+FFFF (lead bytes ee, ef). */
static int key_compare(struct slice a, struct slice b)
{
	size_t i = 0, n = a.len < b.len ? a.len : b.len;

	while (i < n && a.ptr[i] == b.ptr[i])
		i++;
	if (i < n && a.ptr[i] >= 0xee && b.ptr[i] >= 0xee &&
	    (a.ptr[i] >= 0xf0) != (b.ptr[i] >= 0xf0))
		return a.ptr[i] >= 0xf0 ? -1 : 1;
	return slice_compare(a, b);
}

static bool put_metadata(const struct record_row *row, const struct record *r, struct arena *a,
			 struct json *j)
{
	struct record_pair sorted[RECORD_META_MAX];
	size_t n = r->u.alert.metas;

	ASSERT(n <= RECORD_META_MAX);
	if (n == 0)
		return false;
	for (size_t i = 0, at; i < n; i++) {
		struct record_pair p = {key_clean(a, r->u.alert.meta[i].key),
					r->u.alert.meta[i].value};

		for (at = i; at > 0 && key_compare(sorted[at - 1].key, p.key) > 0; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = p;
	}
	json_object(j);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || !slice_equal(sorted[i].key, sorted[i - 1].key)) {
			if (i != 0)
				json_end(j);
			json_key_slice(j, sorted[i].key);
			json_array(j);
		}
		json_str(j, sorted[i].value);
	}
	json_end(j);
	json_end(j);
	return true;
}

static void move_metadata(const struct record_row *row, struct arena *a, struct record *r)
{
	size_t n = r->u.alert.metas;
	struct record_pair *meta = n ? ARENA_ARRAY(a, struct record_pair, n) : NULL;

	ASSERT(n <= RECORD_META_MAX);
	for (size_t i = 0; meta != NULL && i < n; i++) {
		meta[i].key = arena_copy(a, r->u.alert.meta[i].key);
		meta[i].value = arena_copy(a, r->u.alert.meta[i].value);
	}
	r->u.alert.meta = meta;
}

/* dns */
static bool put_dns_version(const struct record_row *row, const struct record *r, struct arena *a,
			    struct json *j)
{
	json_u64(j, 3);
	return true;
}

static bool put_dns_type(const struct record_row *row, const struct record *r, struct arena *a,
			 struct json *j)
{
	json_z(j, r->u.dns.answer ? "response" : "request");
	return true;
}

static void member_put(struct json *j, const char *key, struct slice value)
{
	if (value.len == 0)
		return;
	json_key(j, key);
	json_str(j, value);
}

static bool put_dns_queries(const struct record_row *row, const struct record *r, struct arena *a,
			    struct json *j)
{
	const struct record_dns *d = &r->u.dns;

	if (d->rrname.len == 0 && d->rrtype.len == 0)
		return false;
	json_array(j);
	json_object(j);
	member_put(j, "rrname", d->rrname);
	member_put(j, "rrtype", d->rrtype);
	json_end(j);
	json_end(j);
	return true;
}

static bool put_dns_answers(const struct record_row *row, const struct record *r, struct arena *a,
			    struct json *j)
{
	const struct record_dns *d = &r->u.dns;

	ASSERT(d->answer_count <= RECORD_ANSWERS_MAX);
	if (d->answer_count == 0)
		return false;
	json_array(j);
	for (size_t i = 0; i < d->answer_count; i++) {
		json_object(j);
		member_put(j, "rdata", d->answers[i].rdata);
		member_put(j, "rrname", d->answers[i].rrname);
		member_put(j, "rrtype", d->answers[i].rrtype);
		json_key(j, "ttl");
		uint_put(j, d->answers[i].ttl);
		json_end(j);
	}
	json_end(j);
	return true;
}

static void move_dns_queries(const struct record_row *row, struct arena *a, struct record *r)
{
	move_slice(a, &r->u.dns.rrname);
	move_slice(a, &r->u.dns.rrtype);
}

static void move_dns_answers(const struct record_row *row, struct arena *a, struct record *r)
{
	size_t n = r->u.dns.answer_count;
	struct record_dns_answer *answers = n ? ARENA_ARRAY(a, struct record_dns_answer, n) : NULL;

	ASSERT(n <= RECORD_ANSWERS_MAX);
	for (size_t i = 0; answers != NULL && i < n; i++) {
		answers[i] = r->u.dns.answers[i];
		move_slice(a, &answers[i].rrname);
		move_slice(a, &answers[i].rrtype);
		move_slice(a, &answers[i].rdata);
	}
	r->u.dns.answers = answers;
}

/* ja3 */
static bool put_ja3(const struct record_row *row, const struct record *r, struct arena *a,
		    struct json *j)
{
	struct slice hash = RECORD_READ(struct slice, r, row->at), string = {NULL, 0};

	if (row->also != 0)
		string = RECORD_READ(struct slice, r, row->also);
	if (hash.len == 0 && string.len == 0)
		return false;
	json_object(j);
	member_put(j, "hash", hash);
	member_put(j, "string", string);
	json_end(j);
	return true;
}

static void move_ja3(const struct record_row *row, struct arena *a, struct record *r)
{
	move_slice(a, RECORD_MEMBER(struct slice, r, row->at));
	if (row->also != 0)
		move_slice(a, RECORD_MEMBER(struct slice, r, row->also));
}

const struct record_type record_types[TYPES] = {
	[TYPE_TEXT] = {"string", put_text, move_text},
	[TYPE_NUMBER] = {"unsigned integer", put_number, NULL},
	[TYPE_COUNT] = {"unsigned integer, not 0", put_count, NULL},
	[TYPE_GIVEN] = {"unsigned integer, if given", put_given, NULL},
	[TYPE_FLAG] = {"boolean", put_flag, NULL},
	[TYPE_TIME] = {"time", put_time, NULL},
	[TYPE_MOMENT] = {"time, if known", put_moment, NULL},
	[TYPE_ADDRESS] = {"IP address", put_address, NULL},
	[TYPE_PSEUDONYM] = {"IP address", put_pseudonym, NULL},
	[TYPE_OPEN_TEXT] = {"string", put_open_text, move_text},
	[TYPE_HIDDEN_TEXT] = {"string", put_hidden_text, NULL},
	[TYPE_NET] = {"IP prefix", put_net, NULL},
	[TYPE_EVENT] = {"name of a kind", put_event, NULL},
	[TYPE_PROTO] = {"protocol name", put_proto, NULL},
	[TYPE_IP_V] = {"4 or 6", put_ip_v, NULL},
	[TYPE_VLAN] = {"array of integers", put_vlan, NULL},
	[TYPE_METADATA] = {"object of arrays of strings, keys sorted", put_metadata, move_metadata},
	[TYPE_DNS_VERSION] = {"3", put_dns_version, NULL},
	[TYPE_DNS_TYPE] = {"\"request\" or \"response\"", put_dns_type, NULL},
	[TYPE_DNS_QUERIES] = {"array of one {rrname, rrtype}", put_dns_queries, move_dns_queries},
	[TYPE_DNS_ANSWERS] = {"array of {rdata, rrname, rrtype, ttl}", put_dns_answers,
			      move_dns_answers},
	[TYPE_JA3] = {"object {hash, string}", put_ja3, move_ja3},
};
