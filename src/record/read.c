/* SPDX-License-Identifier: Apache-2.0
 * The types of fields, reading; and the two walks over the table that read. */
#include "base/text.h"
#include "record/record_priv.h"

#include <jansson.h>

static struct slice json_slice(const json_t *v)
{
	return (struct slice){(const uint8_t *)json_string_value(v), json_string_length(v)};
}

static bool text_get(const json_t *v, struct arena *a, struct slice *out)
{
	if (!json_is_string(v))
		return false;
	*out = arena_copy(a, json_slice(v));
	return true;
}

static bool uint_get(const json_t *v, uint64_t most, uint64_t *out)
{
	json_int_t n = json_integer_value(v);

	if (json_is_string(v)) {
		struct slice s = json_slice(v);

		return s.len != 0 && s.ptr[0] != '0' &&
		       text_u64(s, RECORD_NUMBER_MAX + 1, most, out);
	}
	if (!json_is_integer(v) || n < 0 || (uint64_t)n > most || (uint64_t)n > RECORD_NUMBER_MAX)
		return false;
	*out = (uint64_t)n;
	return true;
}

static bool get_text(const struct record_row *row, json_t *v, struct arena *a, struct record *out)
{
	return text_get(v, a, RECORD_MEMBER(struct slice, out, row->at));
}

static bool get_number(const struct record_row *row, json_t *v, struct arena *a, struct record *out)
{
	uint64_t n;

	if (!uint_get(v, UINT64_MAX >> (64 - 8 * row->size), &n))
		return false;
	switch (row->size) { /* n fits: it was checked against the member's size */
	case 1:
		*RECORD_MEMBER(uint8_t, out, row->at) = (uint8_t)n;
		break;
	case 2:
		*RECORD_MEMBER(uint16_t, out, row->at) = (uint16_t)n;
		break;
	default:
		*RECORD_MEMBER(uint64_t, out, row->at) = n;
		break;
	}
	return true;
}

static bool get_given(const struct record_row *row, json_t *v, struct arena *a, struct record *out)
{
	*RECORD_MEMBER(bool, out, row->also) = true;
	return get_number(row, v, a, out);
}

static bool get_flag(const struct record_row *row, json_t *v, struct arena *a, struct record *out)
{
	*RECORD_MEMBER(bool, out, row->at) = json_is_true(v);
	return json_is_boolean(v);
}

static bool get_time(const struct record_row *row, json_t *v, struct arena *a, struct record *out)
{
	return json_is_string(v) &&
	       time_parse(json_slice(v), RECORD_MEMBER(struct wall_ns, out, row->at));
}

static bool get_address(const struct record_row *row, json_t *v, struct arena *a,
			struct record *out)
{
	return json_is_string(v) &&
	       addr_parse(json_slice(v), RECORD_MEMBER(struct addr, out, row->at));
}

/* What is shown itself counts, whichever of the two comes first. */
static bool get_open_address(const struct record_row *row, json_t *v, struct arena *a,
			     struct record *out)
{
	if (row->also != 0)
		*RECORD_MEMBER(bool, out, row->also) = false;
	return get_address(row, v, a, out);
}

static bool get_pseudonym(const struct record_row *row, json_t *v, struct arena *a,
			  struct record *out)
{
	struct addr pseudonym;
	struct addr *to = RECORD_MEMBER(struct addr, out, row->at);

	if (!json_is_string(v) || !addr_parse(json_slice(v), &pseudonym))
		return false;
	if (to->family != 0)
		return true;
	*to = pseudonym;
	*RECORD_MEMBER(bool, out, row->also) = true;
	return true;
}

static bool get_open_text(const struct record_row *row, json_t *v, struct arena *a,
			  struct record *out)
{
	*RECORD_MEMBER(bool, out, row->also) = false;
	return get_text(row, v, a, out);
}

static bool get_hidden_text(const struct record_row *row, json_t *v, struct arena *a,
			    struct record *out)
{
	if (RECORD_READ(struct slice, out, row->at).len != 0)
		return json_is_string(v);
	*RECORD_MEMBER(bool, out, row->also) = true;
	return get_text(row, v, a, out);
}

static bool get_net(const struct record_row *row, json_t *v, struct arena *a, struct record *out)
{
	return json_is_string(v) &&
	       addr_prefix_parse(json_slice(v), RECORD_MEMBER(struct addr_prefix, out, row->at));
}

static bool get_ip_v(const struct record_row *row, json_t *v, struct arena *a, struct record *out)
{
	return json_is_integer(v) && (json_integer_value(v) == 4 || json_integer_value(v) == 6);
}

/* What has no kind of its own ("fileinfo", "stats") is RECORD_OBJECT: its type is kept. */
static bool get_event(const struct record_row *row, json_t *v, struct arena *a, struct record *out)
{
	if (!json_is_string(v))
		return false;
	out->kind = RECORD_OBJECT;
	for (unsigned k = RECORD_NONE + 1; k < RECORD_OBJECT; k++)
		if (slice_equal(json_slice(v), slice_of(record_kind_names[k])))
			out->kind = (enum record_kind)k;
	if (out->kind == RECORD_OBJECT)
		out->type = arena_copy(a, json_slice(v));
	return true;
}

static bool get_proto(const struct record_row *row, json_t *v, struct arena *a, struct record *out)
{
	char buf[4];

	for (unsigned p = 0; json_is_string(v) && p < 256; p++)
		if (slice_equal(json_slice(v), record_proto_name((uint8_t)p, buf))) {
			out->proto = (uint8_t)p;
			return true;
		}
	return false;
}

static bool get_vlan(const struct record_row *row, json_t *v, struct arena *a, struct record *out)
{
	size_t n = json_array_size(v);
	uint64_t id;

	if (!json_is_array(v) || n > RECORD_VLANS_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!uint_get(json_array_get(v, i), UINT16_MAX, &id))
			return false;
		out->vlan[i] = (uint16_t)id;
	}
	out->vlans = (uint8_t)n;
	return true;
}

/* Adds the values of one key; *room is what the *n pairs so far have. */
static bool get_metadata_values(const char *key, const json_t *v, struct arena *a,
				struct record_pair **pairs, size_t *n, size_t *room)
{
	struct record_pair pair = {.key = arena_copy(a, slice_of(key))};

	if (!json_is_array(v))
		return false;
	for (size_t i = 0; i < json_array_size(v); i++) {
		if (!text_get(json_array_get(v, i), a, &pair.value))
			return false;
		if (*n < RECORD_META_MAX)
			(void)ARENA_PUSH(a, *pairs, *n, *room, pair); /* a->exhausted says it */
	}
	return true;
}

static bool get_metadata(const struct record_row *row, json_t *v, struct arena *a,
			 struct record *out)
{
	struct record_pair *pairs = NULL;
	size_t n = 0, room = 0;
	bool ok = json_is_object(v);

	for (void *at = json_object_iter(v); at != NULL && ok; at = json_object_iter_next(v, at))
		ok = get_metadata_values(json_object_iter_key(at), json_object_iter_value(at), a,
					 &pairs, &n, &room);
	out->u.alert.meta = pairs;
	out->u.alert.metas = n;
	return ok;
}

static bool get_dns_version(const struct record_row *row, json_t *v, struct arena *a,
			    struct record *out)
{
	return json_is_integer(v) && json_integer_value(v) == 3;
}

static bool get_dns_type(const struct record_row *row, json_t *v, struct arena *a,
			 struct record *out)
{
	out->u.dns.answer = json_is_string(v) && slice_equal(json_slice(v), SLICE("response"));
	return out->u.dns.answer ||
	       (json_is_string(v) && slice_equal(json_slice(v), SLICE("request")));
}

static bool member_get(const json_t *object, const char *key, struct arena *a, struct slice *out)
{
	const json_t *v = json_object_get(object, key);

	return v == NULL || text_get(v, a, out);
}

/* One question is kept: more in one message are not answered (RFC 9619). */
static bool get_dns_queries(const struct record_row *row, json_t *v, struct arena *a,
			    struct record *out)
{
	const json_t *q = json_array_get(v, 0);

	return json_is_array(v) &&
	       (q == NULL || (json_is_object(q) && member_get(q, "rrname", a, &out->u.dns.rrname) &&
			      member_get(q, "rrtype", a, &out->u.dns.rrtype)));
}

/* rdata of some types (SOA, SRV, ...) is an object of its own in Suricata's EVE: not kept. */
static bool get_dns_answer(const json_t *v, struct arena *a, struct record_dns_answer *out)
{
	const json_t *ttl = json_object_get(v, "ttl");

	return json_is_object(v) && member_get(v, "rdata", a, &out->rdata) &&
	       member_get(v, "rrname", a, &out->rrname) &&
	       member_get(v, "rrtype", a, &out->rrtype) &&
	       (ttl == NULL || uint_get(ttl, UINT64_MAX, &out->ttl));
}

static bool get_dns_answers(const struct record_row *row, json_t *v, struct arena *a,
			    struct record *out)
{
	size_t given = json_array_size(v),
	       n = given < RECORD_ANSWERS_MAX ? given : RECORD_ANSWERS_MAX;
	struct record_dns_answer *answers = n ? ARENA_ARRAY(a, struct record_dns_answer, n) : NULL;

	for (size_t i = 0; answers != NULL && i < n; i++)
		if (!get_dns_answer(json_array_get(v, i), a, &answers[i]))
			return false;
	out->u.dns.answers = answers;
	out->u.dns.answer_count = answers ? n : 0; /* no memory: a->exhausted says it */
	return json_is_array(v);
}

static bool get_ja3(const struct record_row *row, json_t *v, struct arena *a, struct record *out)
{
	return json_is_object(v) &&
	       member_get(v, "hash", a, RECORD_MEMBER(struct slice, out, row->at)) &&
	       (row->also == 0 ||
		member_get(v, "string", a, RECORD_MEMBER(struct slice, out, row->also)));
}

/* False if the value has another type or is out of range. */
static bool (*const getters[TYPES])(const struct record_row *row, json_t *v, struct arena *a,
				    struct record *out) = {
	[TYPE_TEXT] = get_text,
	[TYPE_NUMBER] = get_number,
	[TYPE_COUNT] = get_number,
	[TYPE_GIVEN] = get_given,
	[TYPE_FLAG] = get_flag,
	[TYPE_TIME] = get_time,
	[TYPE_MOMENT] = get_time,
	[TYPE_ADDRESS] = get_open_address,
	[TYPE_PSEUDONYM] = get_pseudonym,
	[TYPE_OPEN_TEXT] = get_open_text,
	[TYPE_HIDDEN_TEXT] = get_hidden_text,
	[TYPE_NET] = get_net,
	[TYPE_EVENT] = get_event,
	[TYPE_PROTO] = get_proto,
	[TYPE_IP_V] = get_ip_v,
	[TYPE_VLAN] = get_vlan,
	[TYPE_METADATA] = get_metadata,
	[TYPE_DNS_VERSION] = get_dns_version,
	[TYPE_DNS_TYPE] = get_dns_type,
	[TYPE_DNS_QUERIES] = get_dns_queries,
	[TYPE_DNS_ANSWERS] = get_dns_answers,
	[TYPE_JA3] = get_ja3,
};

static const struct record_row *row_find(enum record_kind kind, struct slice group,
					 struct slice name)
{
	for (const struct record_row *row = record_rows; row->name != NULL; row++)
		if (record_row_of(row, kind) && slice_equal(slice_of(row->name), name) &&
		    slice_equal(slice_of(row->group), group))
			return row;
	return NULL;
}

enum { ROWS_MAX = 128 }; /* rows of the whole table; asserted where it is used */

/* Reading: the rows met so far, so that none is read twice. */
struct reader {
	struct arena *arena;
	struct record *out;
	bool met[ROWS_MAX]; /* by row */
};

static enum status read_value(struct reader *rd, struct slice group, struct slice name, json_t *v,
			      struct fail *why)
{
	const struct record_row *row = row_find(rd->out->kind, group, name);
	const char *dot = group.len ? "." : "";

	if (row == NULL)
		return ST_OK;
	ASSERT(row - record_rows < ROWS_MAX);
	if (rd->met[row - record_rows])
		return fail_set(why, ST_INVALID, "%s%s%s is given twice", row->group, dot,
				row->name);
	rd->met[row - record_rows] = true;
	if (!getters[row->type](row, v, rd->arena, rd->out))
		return fail_set(why, ST_INVALID, "%s%s%s is no %s", row->group, dot, row->name,
				record_types[row->type].doc);
	return ST_OK;
}

/* event_type decides which rows there are, so it is read before all others. */
static enum status read_kind(json_t *v, struct arena *a, struct record *out, struct fail *why)
{
	const struct record_row *row = row_find(RECORD_NONE, SLICE(""), SLICE("event_type"));

	if (v != NULL && !get_event(row, v, a, out))
		return fail_set(why, ST_INVALID, "event_type is no %s",
				record_types[row->type].doc);
	return ST_OK;
}

static enum status finish(struct reader *rd, enum status st, const struct record *r,
			  struct record *out, struct fail *why)
{
	if (st == ST_OK && rd->arena->exhausted)
		st = fail_set(why, ST_NOMEM, "no memory for a record");
	if (st == ST_OK)
		*out = *r;
	return st;
}

/* Most values are a short text without escapes, or a number: they need no parser. NULL: this one
 * does. */
static json_t *simple_load(struct slice text)
{
	uint64_t number;
	size_t i = 1;

	if (text.len < 2 || text.ptr[0] != '"' || text.ptr[text.len - 1] != '"')
		return text.len > 0 && text.len < 19 && text_is_digit(text.ptr[0]) &&
				       (text.ptr[0] != '0' || text.len == 1) &&
				       text_u64(text, 0, INT64_MAX, &number)
			       ? json_integer((json_int_t)number)
			       : NULL;
	while (i < text.len - 1 && text.ptr[i] >= ' ' && text.ptr[i] != '"' && text.ptr[i] != '\\')
		i++;
	return i == text.len - 1 ? json_stringn((const char *)text.ptr + 1, text.len - 2) : NULL;
}

static json_t *value_load(struct slice text, json_error_t *error)
{
	json_t *simple = simple_load(text);

	if (simple != NULL)
		return simple;
	return json_loadb((const char *)text.ptr, text.len,
			  JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, error);
}

static enum status read_field(struct reader *rd, const struct record_field *f, bool kind,
			      struct fail *why)
{
	json_error_t error;
	json_t *v = value_load(f->json, &error);
	enum status st;

	if (v == NULL)
		return fail_set(why, ST_INVALID, "field \"%.*s\": %s", SLICE_ARG(f->name),
				error.text);
	st = kind ? read_kind(v, rd->arena, rd->out, why)
		  : read_value(rd, f->group, f->name, v, why);
	json_decref(v);
	return st;
}

enum status record_from_fields(const struct record_field *fields, size_t n, struct arena *a,
			       struct record *out, struct fail *why)
{
	struct record r = {0};
	struct reader rd = {.arena = a, .out = &r};
	enum status st = ST_OK;

	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < n && st == ST_OK; i++) {
			bool kind = fields[i].group.len == 0 &&
				    slice_equal(fields[i].name, SLICE("event_type"));

			if (pass == 1 || kind)
				st = read_field(&rd, &fields[i], pass == 0, why);
		}
	return finish(&rd, st, &r, out, why);
}

/* The members of one group. */
static enum status read_group(struct reader *rd, const char *group, json_t *object,
			      struct fail *why)
{
	enum status st = ST_OK;

	for (void *at = json_object_iter(object); at != NULL && st == ST_OK;
	     at = json_object_iter_next(object, at))
		st = read_value(rd, slice_of(group), slice_of(json_object_iter_key(at)),
				json_object_iter_value(at), why);
	return st;
}

static bool is_group(enum record_kind kind, const char *name)
{
	for (const struct record_row *row = record_rows; row->name != NULL; row++)
		if (record_row_of(row, kind) && strcmp(row->group, name) == 0 && *name != '\0')
			return true;
	return false;
}

static enum status read_root(struct reader *rd, json_t *root, struct fail *why)
{
	enum status st;

	if (!json_is_object(root))
		return fail_set(why, ST_INVALID, "a record is a JSON object");
	st = read_kind(json_object_get(root, "event_type"), rd->arena, rd->out, why);
	for (void *at = json_object_iter(root); at != NULL && st == ST_OK;
	     at = json_object_iter_next(root, at)) {
		const char *key = json_object_iter_key(at);
		json_t *v = json_object_iter_value(at);

		if (!is_group(rd->out->kind, key))
			st = read_value(rd, SLICE(""), slice_of(key), v, why);
		else if (json_is_object(v))
			st = read_group(rd, key, v, why);
		else
			st = fail_set(why, ST_INVALID, "%s is no object", key);
	}
	return st;
}

enum status record_parse(struct slice line, struct arena *a, struct record *out, struct fail *why)
{
	struct record r = {0};
	struct reader rd = {.arena = a, .out = &r};
	json_error_t error;
	json_t *root = value_load(line, &error);
	enum status st;

	if (root == NULL)
		return fail_set(why, ST_INVALID, "byte %d: %s", error.position, error.text);
	st = finish(&rd, read_root(&rd, root, why), &r, out, why);
	json_decref(root);
	return st;
}
