/* SPDX-License-Identifier: Apache-2.0
 *
 * DNS's events: for detectors and evidence the typed record; for EVE's readers the object of
 * Suricata 8, version 3, or version 2 where an eve-log asks for it.
 */
#include "base/json.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "sensor/app/dns_priv.h"

enum { TYPES_MAX = 128 /* of `types:` in an eve-log */ };

/* What an eve-log asks for. */
struct asked {
	bool requests, responses, detailed, grouped;
	bool version2;
	bool all_types;
	uint16_t types[TYPES_MAX];
	size_t type_count;
};

static const struct asked usual = {
	.requests = true, .responses = true, .detailed = true, .grouped = true, .all_types = true};

static bool type_is_asked(const struct asked *a, uint16_t type)
{
	for (size_t i = 0; i < a->type_count; i++)
		if (a->types[i] == type)
			return true;
	return a->all_types;
}

/* Is one of the questions of a type that is asked for? */
static bool is_asked(const struct asked *a, const struct dns *d)
{
	if (!(dns_is_answer(d) ? a->responses : a->requests))
		return false;
	for (size_t i = 0; i < d->question_count; i++)
		if (type_is_asked(a, d->questions[i].type))
			return true;
	return false;
}

/* ---- pieces ---- */

static void put_name(struct json *j, const char *key, const char *cut_key, struct dns_name name)
{
	json_key(j, key);
	json_str(j, name.text);
	if (name.cut && cut_key != NULL) {
		json_key(j, cut_key);
		json_bool(j, true);
	}
}

static void put_flag(struct json *j, const char *key, bool set)
{
	if (!set)
		return;
	json_key(j, key);
	json_bool(j, true);
}

static void put_soa(struct json *j, const struct dns_rdata *data)
{
	static const char *const keys[] = {"serial", "refresh", "retry", "expire", "minimum"};
	struct cursor c = cursor_of(data->bytes);

	json_object(j);
	put_name(j, "mname", "mname_truncated", data->name[0]);
	put_name(j, "rname", "rname_truncated", data->name[1]);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		json_member_u64(j, keys[i], cursor_be32(&c));
	json_end(j);
}

static void put_srv(struct json *j, const struct dns_rdata *data)
{
	struct cursor c = cursor_of(data->bytes);

	json_object(j);
	json_member_u64(j, "priority", cursor_be16(&c));
	json_member_u64(j, "weight", cursor_be16(&c));
	json_member_u64(j, "port", cursor_be16(&c));
	put_name(j, "name", NULL, data->name[0]);
	json_end(j);
}

static void put_sshfp(struct json *j, const struct dns_rdata *data, struct arena *a)
{
	struct cursor c = cursor_of(data->bytes); /* empty when there was no memory for them */
	struct buf hex = buf_in(a);

	for (size_t i = 2; i < data->bytes.len; i++) {
		if (i != 2)
			buf_add_byte(&hex, ':');
		crypto_hex_add(slice_part(data->bytes, i, 1), &hex);
	}
	json_object(j);
	json_key(j, "fingerprint");
	json_str(j, buf_slice(&hex));
	json_member_u64(j, "algo", cursor_u8(&c));
	json_member_u64(j, "type", cursor_u8(&c));
	json_end(j);
}

static void put_options(struct json *j, const struct dns_rdata *data, struct arena *a)
{
	struct cursor c = cursor_of(data->bytes);

	json_array(j);
	while (cursor_left(&c) != 0 && cursor_ok(&c)) {
		struct buf hex = buf_in(a);

		json_object(j);
		json_member_u64(j, "code", cursor_be16(&c));
		crypto_hex_add(cursor_take(&c, cursor_be16(&c)), &hex);
		json_key(j, "data");
		json_str(j, buf_slice(&hex));
		json_end(j);
	}
	json_end(j);
}

/* The data of a type that is one text. False: it has another form. Not for TXT, which has
 * several. */
static bool data_text(const struct dns_record *r, struct arena *a, struct slice *out)
{
	switch (r->type) {
	case DNS_A:
	case DNS_AAAA:
		*out = app_dns_address(r->data.bytes, a);
		return true;
	case DNS_NS:
	case DNS_CNAME:
	case DNS_PTR:
	case DNS_MX:
		*out = r->data.name[0].text;
		return true;
	case DNS_NULL:
		*out = r->data.bytes;
		return true;
	default:
		return false;
	}
}

/* One entry of "answers"; text: which string of a TXT. */
static void put_detail(struct json *j, const struct dns_record *r, struct slice text,
		       struct arena *a)
{
	json_object(j);
	put_name(j, "rrname", "rrname_truncated", r->name);
	json_key(j, "rrtype");
	json_str(j, app_dns_type(r->type, a));
	json_member_u64(j, "ttl", r->ttl);
	if (r->type == DNS_TXT || data_text(r, a, &text)) {
		json_key(j, "rdata");
		json_str(j, text);
		put_flag(j, "rdata_truncated", r->data.name[0].cut);
	} else if (r->type == DNS_SOA) {
		json_key(j, "soa");
		put_soa(j, &r->data);
	} else if (r->type == DNS_SSHFP) {
		json_key(j, "sshfp");
		put_sshfp(j, &r->data, a);
	} else if (r->type == DNS_SRV) {
		json_key(j, "srv");
		put_srv(j, &r->data);
	} else if (r->type == DNS_OPT) {
		json_key(j, "opt");
		put_options(j, &r->data, a);
	}
	json_end(j);
}

/* Each string of a TXT record is an entry of its own. */
static void put_details(struct json *j, const struct dns_section *s, struct arena *a)
{
	json_array(j);
	for (size_t i = 0; i < s->count; i++) {
		const struct dns_record *r = &s->at[i];
		struct cursor c = cursor_of(r->data.bytes);

		if (r->type == DNS_OPT && r->data.bytes.len == 0)
			continue;
		do {
			struct slice text = {NULL, 0};

			if (r->type == DNS_TXT)
				text = cursor_take(&c, cursor_u8(&c));
			put_detail(j, r, text, a);
		} while (r->type == DNS_TXT && cursor_left(&c) != 0);
	}
	json_end(j);
}

static bool is_groupable(const struct dns_record *r, struct arena *a)
{
	struct slice text;

	return r->type == DNS_TXT || r->type == DNS_SOA || r->type == DNS_SSHFP ||
	       r->type == DNS_SRV || data_text(r, a, &text);
}

static void put_grouped_data(struct json *j, const struct dns_record *r, struct arena *a)
{
	struct cursor c = cursor_of(r->data.bytes);
	struct slice text;

	if (r->type == DNS_SOA)
		put_soa(j, &r->data);
	else if (r->type == DNS_SSHFP)
		put_sshfp(j, &r->data, a);
	else if (r->type == DNS_SRV)
		put_srv(j, &r->data);
	else if (r->type == DNS_TXT)
		while (cursor_left(&c) != 0)
			json_str(j, cursor_take(&c, cursor_u8(&c)));
	else if (data_text(r, a, &text))
		json_str(j, text);
}

/* {"A":[...],"CNAME":[...]}, types in the order of their first answer. There are few types, so the
 * walk over all answers for each is short; a section of many types is not grouped past TYPES_MAX.
 */
static void put_grouped(struct json *j, const struct dns_section *s, struct arena *a)
{
	uint16_t done[TYPES_MAX];
	size_t n = 0, k;

	json_object(j);
	for (size_t i = 0; i < s->count && n < TYPES_MAX; i++) {
		uint16_t type = s->at[i].type;

		for (k = 0; k < n && done[k] != type; k++)
			;
		if (k < n || !is_groupable(&s->at[i], a))
			continue;
		done[n++] = type;
		json_key_slice(j, app_dns_type(type, a));
		json_array(j);
		for (k = i; k < s->count; k++)
			if (s->at[k].type == type)
				put_grouped_data(j, &s->at[k], a);
		json_end(j);
	}
	json_end(j);
}

static bool has_entries(const struct dns_section *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->at[i].type != DNS_OPT || s->at[i].data.bytes.len != 0)
			return true;
	return false;
}

static void put_records(struct json *j, const struct dns *d, const struct asked *asked,
			struct arena *a)
{
	const struct dns_section *s = d->sections;

	if (s[DNS_ANSWERS].count != 0 && asked->detailed) {
		json_key(j, "answers");
		put_details(j, &s[DNS_ANSWERS], a);
	}
	if (s[DNS_ANSWERS].count != 0 && asked->grouped) {
		json_key(j, "grouped");
		put_grouped(j, &s[DNS_ANSWERS], a);
	}
	if (s[DNS_AUTHORITY].count != 0) {
		json_key(j, "authorities");
		put_details(j, &s[DNS_AUTHORITY], a);
	}
	if (has_entries(&s[DNS_ADDITIONAL])) {
		json_key(j, "additionals");
		put_details(j, &s[DNS_ADDITIONAL], a);
	}
}

static void put_flags(struct json *j, const struct dns *d, struct arena *a)
{
	json_key(j, "flags");
	json_str(j, buf_text(a, "%x", d->h.flags));
	put_flag(j, "qr", (d->h.flags & DNS_FLAG_QR) != 0);
	put_flag(j, "aa", (d->h.flags & DNS_FLAG_AA) != 0);
	put_flag(j, "tc", (d->h.flags & DNS_FLAG_TC) != 0);
	put_flag(j, "rd", (d->h.flags & DNS_FLAG_RD) != 0);
	put_flag(j, "ra", (d->h.flags & DNS_FLAG_RA) != 0);
	put_flag(j, "z", (d->h.flags & DNS_FLAG_Z) != 0);
	json_member_u64(j, "opcode", d->opcode);
}

/* ---- the object ---- */

static void put_version3(struct json *j, const struct dns *d, uint64_t tx_id,
			 const struct asked *asked, struct arena *a)
{
	json_member_u64(j, "version", 3);
	json_key(j, "type");
	json_z(j, d->dir == APP_TO_SERVER ? "request" : "response");
	json_member_u64(j, "tx_id", tx_id);
	json_member_u64(j, "id", d->h.id);
	put_flags(j, d, a);
	json_key(j, "rcode");
	json_str(j, app_dns_rcode((uint16_t)d->rcode, a));
	if (d->question_count != 0) {
		json_key(j, "queries");
		json_array(j);
		for (size_t i = 0; i < d->question_count; i++) {
			if (!type_is_asked(asked, d->questions[i].type))
				continue;
			json_object(j);
			put_name(j, "rrname", "rrname_truncated", d->questions[i].name);
			json_key(j, "rrtype");
			json_str(j, app_dns_type(d->questions[i].type, a));
			json_end(j);
		}
		json_end(j);
	}
	put_records(j, d, asked, a);
}

static void put_query2(struct json *j, const struct app_tx *tx, const struct dns_question *q,
		       struct arena *a)
{
	const struct dns *d = tx->data;

	json_member_u64(j, "version", 2);
	json_key(j, "type");
	json_z(j, "query");
	json_member_u64(j, "id", d->h.id);
	put_name(j, "rrname", "rrname_truncated", q->name);
	json_key(j, "rrtype");
	json_str(j, app_dns_type(q->type, a));
	json_member_u64(j, "tx_id", tx->id);
	put_flag(j, "z", (d->h.flags & DNS_FLAG_Z) != 0);
	json_member_u64(j, "opcode", d->opcode);
}

static void put_answer2(struct json *j, const struct dns *d, const struct asked *asked,
			struct arena *a)
{
	json_member_u64(j, "version", 2);
	json_key(j, "type");
	json_z(j, "answer");
	json_member_u64(j, "id", d->h.id);
	put_flags(j, d, a);
	if (d->question_count != 0) {
		put_name(j, "rrname", "rrname_truncated", d->questions[0].name);
		json_key(j, "rrtype");
		json_str(j, app_dns_type(d->questions[0].type, a));
	}
	json_key(j, "rcode");
	json_str(j, app_dns_rcode((uint16_t)d->rcode, a));
	put_records(j, d, asked, a);
}

/* Version 2 has an event for each question, and one for an answer. False: there is no event n. */
static bool put_version2(struct json *j, const struct app_tx *tx, unsigned n,
			 const struct asked *asked, struct arena *a)
{
	const struct dns *d = tx->data;

	if (d->dir == APP_TO_CLIENT) {
		if (n == 0)
			put_answer2(j, d, asked, a);
		return n == 0;
	}
	for (size_t i = 0; i < d->question_count; i++)
		if (type_is_asked(asked, d->questions[i].type) && n-- == 0) {
			put_query2(j, tx, &d->questions[i], a);
			return true;
		}
	return false;
}

/* ---- the typed record ---- */

static bool log_typed(const struct app_tx *tx, struct arena *scratch, struct record *r)
{
	const struct dns *d = tx->data;
	const struct dns_section *s = &d->sections[DNS_ANSWERS];
	size_t n = s->count < RECORD_ANSWERS_MAX ? s->count : RECORD_ANSWERS_MAX;
	struct record_dns_answer *answers =
		n != 0 ? ARENA_ARRAY(scratch, struct record_dns_answer, n) : NULL;

	if (d->question_count == 0 && n == 0)
		return false;
	r->kind = RECORD_DNS;
	r->u.dns = (struct record_dns){
		.answer = dns_is_answer(d), .id = d->h.id, .tx_id = tx->id, .answers = answers};
	if (d->question_count != 0) {
		r->u.dns.rrname = d->questions[0].name.text;
		r->u.dns.rrtype = app_dns_type(d->questions[0].type, scratch);
	}
	if (dns_is_answer(d))
		r->u.dns.rcode = app_dns_rcode((uint16_t)d->rcode, scratch);
	for (size_t i = 0; answers != NULL && i < n; i++) {
		const struct dns_record *from = &s->at[i];
		struct cursor c = cursor_of(from->data.bytes);

		answers[i] = (struct record_dns_answer){.rrname = from->name.text,
							.rrtype = app_dns_type(from->type, scratch),
							.ttl = from->ttl};
		if (from->type == DNS_TXT)
			answers[i].rdata = cursor_take(&c, cursor_u8(&c));
		else
			(void)data_text(from, scratch, &answers[i].rdata); /* else it has none */
	}
	r->u.dns.answer_count = answers != NULL ? n : 0;
	return true;
}

bool app_dns_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct asked *asked = r->making.asked != NULL ? r->making.asked : &usual;
	struct buf b = buf_in(scratch);
	struct json j = json_in(&b);

	if (r->making.judged)
		return n == 0 && log_typed(tx, scratch, r);
	if ((n != 0 && !asked->version2) || !is_asked(asked, tx->data))
		return false;
	json_object(&j);
	if (!asked->version2)
		put_version3(&j, tx->data, tx->id, asked, scratch);
	else if (!put_version2(&j, tx, n, asked, scratch))
		return false;
	json_end(&j);
	r->making.of_packet = !asked->version2;
	return !b.full && record_object(r, scratch, "dns", buf_slice(&b));
}

struct slice app_dns_object(const struct dns *d, uint64_t tx_id, const void *asked, struct arena *a)
{
	struct buf b = buf_in(a);
	struct json j = json_in(&b);

	if (asked == NULL)
		asked = &usual;
	if (!is_asked(asked, d))
		return (struct slice){NULL, 0};
	json_object(&j);
	put_version3(&j, d, tx_id, asked, a);
	json_end(&j);
	return b.full ? (struct slice){NULL, 0} : buf_slice(&b);
}

/* ---- multicast DNS ---- */

static struct slice lower(struct slice s, struct arena *a)
{
	struct buf b = buf_in(a);

	for (size_t i = 0; i < s.len; i++)
		buf_add_byte(&b, text_lower(s.ptr[i]));
	return buf_slice(&b);
}

/* A record under the name of its type: {"rrname":"x.local", "ptr":"y.local"}. */
static void put_mdns_record(struct json *j, const struct dns_record *r, struct arena *a)
{
	struct cursor c = cursor_of(r->data.bytes);
	struct slice text;

	json_object(j);
	put_name(j, "rrname", "rrname_truncated", r->name);
	json_key_slice(j, lower(app_dns_type(r->type, a), a));
	if (data_text(r, a, &text)) {
		json_str(j, text);
		put_flag(j, "rdata_truncated", r->data.name[0].cut);
	} else if (r->type == DNS_TXT) {
		json_array(j);
		while (cursor_left(&c) != 0)
			json_str(j, cursor_take(&c, cursor_u8(&c)));
		json_end(j);
	} else if (r->type == DNS_SOA) {
		put_soa(j, &r->data);
	} else if (r->type == DNS_SSHFP) {
		put_sshfp(j, &r->data, a);
	} else if (r->type == DNS_SRV) {
		put_srv(j, &r->data);
	} else if (r->type == DNS_OPT) {
		put_options(j, &r->data, a);
	} else {
		json_str(j, r->data.bytes);
	}
	json_end(j);
}

static void put_mdns_section(struct json *j, const char *key, const struct dns_section *s,
			     struct arena *a)
{
	if (!has_entries(s))
		return;
	json_key(j, key);
	json_array(j);
	for (size_t i = 0; i < s->count; i++)
		if (s->at[i].type != DNS_OPT || s->at[i].data.bytes.len != 0)
			put_mdns_record(j, &s->at[i], a);
	json_end(j);
}

static void put_mdns_flags(struct json *j, uint16_t flags)
{
	static const struct {
		uint16_t bit;
		const char *name;
	} names[] = {{DNS_FLAG_AA, "aa"}, {DNS_FLAG_TC, "tc"}, {DNS_FLAG_RD, "rd"},
		     {DNS_FLAG_RA, "ra"}, {DNS_FLAG_Z, "z"},   {DNS_FLAG_AD, "ad"},
		     {DNS_FLAG_CD, "cd"}};
	bool any = false;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if ((flags & names[i].bit) == 0)
			continue;
		if (!any) {
			json_key(j, "flags");
			json_array(j);
		}
		any = true;
		json_z(j, names[i].name);
	}
	if (any)
		json_end(j);
}

bool app_mdns_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct dns *d = tx->data;
	struct buf b = buf_in(scratch);
	struct json j = json_in(&b);

	if (n != 0 || r->making.judged)
		return false;
	json_object(&j);
	json_key(&j, "type");
	json_z(&j, dns_is_answer(d) ? "response" : "request");
	json_member_u64(&j, "id", d->h.id);
	put_mdns_flags(&j, d->h.flags);
	json_member_u64(&j, "opcode", d->opcode);
	json_member_u64(&j, "rcode", d->rcode);
	if (d->question_count != 0) {
		json_key(&j, "queries");
		json_array(&j);
	}
	for (size_t i = 0; i < d->question_count; i++) {
		json_object(&j);
		put_name(&j, "rrname", "rrname_truncated", d->questions[i].name);
		json_key(&j, "rrtype");
		json_str(&j, lower(app_dns_type(d->questions[i].type, scratch), scratch));
		json_end(&j);
	}
	if (d->question_count != 0)
		json_end(&j);
	put_mdns_section(&j, "answers", &d->sections[DNS_ANSWERS], scratch);
	put_mdns_section(&j, "authorities", &d->sections[DNS_AUTHORITY], scratch);
	put_mdns_section(&j, "additionals", &d->sections[DNS_ADDITIONAL], scratch);
	json_end(&j);
	return !b.full && record_object(r, scratch, "mdns", buf_slice(&b));
}

/* ---- settings ---- */

static void read_types(struct config *list, struct asked *out)
{
	for (struct config *t = config_first(list); t != NULL; t = config_next(t)) {
		int32_t type = app_dns_type_find(t->value);

		if (type < 0)
			config_problem(t, "no DNS type has this name");
		else if (out->type_count < TYPES_MAX)
			out->types[out->type_count++] = (uint16_t)type;
	}
}

static void read_formats(struct config *list, struct asked *out)
{
	bool detailed = false, grouped = false;

	for (struct config *t = config_first(list); t != NULL; t = config_next(t)) {
		if (slice_equal_nocase(t->value, SLICE("detailed")))
			detailed = true;
		else if (slice_equal_nocase(t->value, SLICE("grouped")))
			grouped = true;
		else
			config_problem(t, "formats are \"detailed\" and \"grouped\"");
	}
	if (detailed || grouped) { /* an empty list means both */
		out->detailed = detailed;
		out->grouped = grouped;
	}
}

const void *app_dns_log_configure(struct config *root, struct config *node, struct arena *a)
{
	struct asked *out = ARENA_NEW(a, struct asked);
	struct config *types = config_at(node, "types");

	if (out == NULL)
		return NULL;
	*out = usual;
	out->requests = config_bool(node, "requests", true);
	out->responses = config_bool(node, "responses", true);
	out->version2 = config_u64(node, "version", 2, 3,
				   config_u64(root, "eve-dns-version", 2, 3, 3)) == 2;
	if (types != NULL) {
		out->all_types = false;
		read_types(types, out);
	}
	read_formats(config_at(node, "formats"), out);
	return out;
}
