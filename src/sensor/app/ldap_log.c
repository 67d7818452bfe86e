/* SPDX-License-Identifier: Apache-2.0
 *
 * What LDAP messages say: RFC 4511 4.2 to 4.13, for rules and EVE. A body that is broken gives what
 * could be read of it.
 */
#include "base/json.h"
#include "sensor/app/ldap_priv.h"

#define CONTEXT(n) (uint8_t)(BER_CONTEXT | (n))
#define CONTEXT_OF(n) (uint8_t)(BER_CONTEXT | BER_CONSTRUCTED | (n))

enum { ITEMS_MAX = 1000 /* written of one list */ };

const struct app_word app_ldap_operations[] = {
	{"bind_request", LDAP_BIND},
	{"bind_response", LDAP_BIND_RESPONSE},
	{"unbind_request", LDAP_UNBIND},
	{"search_request", LDAP_SEARCH},
	{"search_result_entry", LDAP_SEARCH_ENTRY},
	{"search_result_done", LDAP_SEARCH_DONE},
	{"search_result_reference", LDAP_SEARCH_REFERENCE},
	{"modify_request", LDAP_MODIFY},
	{"modify_response", LDAP_MODIFY_RESPONSE},
	{"add_request", LDAP_ADD},
	{"add_response", LDAP_ADD_RESPONSE},
	{"del_request", LDAP_DELETE},
	{"del_response", LDAP_DELETE_RESPONSE},
	{"mod_dn_request", LDAP_MODIFY_DN},
	{"mod_dn_response", LDAP_MODIFY_DN_RESPONSE},
	{"compare_request", LDAP_COMPARE},
	{"compare_response", LDAP_COMPARE_RESPONSE},
	{"extended_request", LDAP_EXTENDED_REQUEST},
	{"extended_response", LDAP_EXTENDED_RESPONSE},
	{"intermediate_response", LDAP_INTERMEDIATE},
	{0},
};

const struct app_word app_ldap_results[] = {
	{"success", 0},
	{"operations_error", 1},
	{"protocol_error", 2},
	{"time_limit_exceeded", 3},
	{"size_limit_exceeded", 4},
	{"compare_false", 5},
	{"compare_true", 6},
	{"auth_method_not_supported", 7},
	{"stronger_auth_required", 8},
	{"referral", 10},
	{"admin_limit_exceeded", 11},
	{"unavailable_critical_extension", 12},
	{"confidentiality_required", 13},
	{"sasl_bind_in_progress", 14},
	{"no_such_attribute", 16},
	{"undefined_attribute_type", 17},
	{"inappropriate_matching", 18},
	{"constraint_violation", 19},
	{"attribute_or_value_exists", 20},
	{"invalid_attribute_syntax", 21},
	{"no_such_object", 32},
	{"alias_problem", 33},
	{"invalid_dns_syntax", 34},
	{"is_leaf", 35},
	{"alias_dereferencing_problem", 36},
	{"inappropriate_authentication", 48},
	{"invalid_credentials", 49},
	{"insufficient_access_rights", 50},
	{"busy", 51},
	{"unavailable", 52},
	{"unwilling_to_perform", 53},
	{"loop_detect", 54},
	{"sort_control_missing", 60},
	{"offset_range_error", 61},
	{"naming_violation", 64},
	{"object_class_violation", 65},
	{"not_allowed_on_non_leaf", 66},
	{"not_allowed_on_rdn", 67},
	{"entry_already_exists", 68},
	{"object_class_mods_prohibited", 69},
	{"results_too_large", 70},
	{"affects_multiple_dsas", 71},
	{"control_error", 76},
	{"other", 80},
	{"server_down", 81},
	{"local_error", 82},
	{"encoding_error", 83},
	{"decoding_error", 84},
	{"timeout", 85},
	{"auth_unknown", 86},
	{"filter_error", 87},
	{"user_canceled", 88},
	{"param_error", 89},
	{"no_memory", 90},
	{"connect_error", 91},
	{"not_supported", 92},
	{"control_not_found", 93},
	{"no_results_returned", 94},
	{"more_results_to_return", 95},
	{"client_loop", 96},
	{"referral_limit_exceeded", 97},
	{"invalid_response", 100},
	{"ambiguous_response", 101},
	{"tls_not_supported", 112},
	{"intermediate_response", 113},
	{"unknown_type", 114},
	{"canceled", 118},
	{"no_such_operation", 119},
	{"too_late", 120},
	{"cannot_cancel", 121},
	{"assertion_failed", 122},
	{"authorization_denied", 123},
	{"e_sync_refresh_required", 4096},
	{"no_operation", 16654},
	{0},
};

const char *app_ldap_operation_name(uint8_t op)
{
	return app_word_name(app_ldap_operations, op);
}

static bool has_result(uint8_t op)
{
	return op == LDAP_BIND_RESPONSE || op == LDAP_SEARCH_DONE || op == LDAP_MODIFY_RESPONSE ||
	       op == LDAP_ADD_RESPONSE || op == LDAP_DELETE_RESPONSE ||
	       op == LDAP_MODIFY_DN_RESPONSE || op == LDAP_COMPARE_RESPONSE ||
	       op == LDAP_EXTENDED_RESPONSE;
}

static uint64_t number(struct cursor *c, uint8_t id)
{
	int64_t v = 0;

	return ber_i64(ber_take(c, id), &v) && v > 0 ? (uint64_t)v : 0;
}

uint64_t app_ldap_result_code(const struct ldap_message *m)
{
	struct cursor c = cursor_of(m->body);

	return has_result(m->op) ? number(&c, BER_ENUMERATED) : UINT64_MAX;
}

struct slice app_ldap_request_name(const struct ldap_message *m)
{
	struct cursor c = cursor_of(m->body);

	return m->op == LDAP_EXTENDED_REQUEST ? ber_take(&c, CONTEXT(0)) : (struct slice){NULL, 0};
}

bool app_ldap_dn(const struct ldap_message *m, struct slice *out)
{
	struct cursor c = cursor_of(m->body);

	switch (m->op) {
	case LDAP_DELETE:
		*out = m->body;
		return true;
	case LDAP_BIND:
		(void)ber_integer(&c);
		break;
	case LDAP_SEARCH:
	case LDAP_SEARCH_ENTRY:
	case LDAP_MODIFY:
	case LDAP_ADD:
	case LDAP_MODIFY_DN:
	case LDAP_COMPARE:
		break;
	default:
		if (!has_result(m->op))
			return false;
		(void)ber_take(&c, BER_ENUMERATED);
		break;
	}
	*out = ber_take(&c, BER_OCTETS);
	return cursor_ok(&c);
}

bool app_ldap_diagnostic(const struct ldap_message *m, struct slice *out)
{
	struct cursor c = cursor_of(m->body);

	if (!has_result(m->op))
		return false;
	(void)ber_take(&c, BER_ENUMERATED);
	(void)ber_take(&c, BER_OCTETS);
	*out = ber_take(&c, BER_OCTETS);
	return cursor_ok(&c);
}

/* A search request up to its filter. */
struct search {
	struct slice base;
	uint64_t scope, aliases, sizes, seconds;
	bool types_only;
	struct ber filter;
};

static bool read_search(struct cursor *c, struct search *s)
{
	struct slice flag;

	s->base = ber_take(c, BER_OCTETS);
	s->scope = number(c, BER_ENUMERATED);
	s->aliases = number(c, BER_ENUMERATED);
	s->sizes = number(c, BER_INTEGER);
	s->seconds = number(c, BER_INTEGER);
	flag = ber_take(c, BER_BOOLEAN);
	s->types_only = flag.len == 1 && flag.ptr[0] != 0;
	return ber_next(c, &s->filter);
}

/* Where a message's attributes are: a cursor over their list. */
static struct cursor attributes_of(const struct ldap_message *m)
{
	struct cursor c = cursor_of(m->body), nothing = cursor_of((struct slice){NULL, 0});
	struct search s = {0};

	switch (m->op) {
	case LDAP_SEARCH:
		return read_search(&c, &s) ? ber_expect(&c, BER_SEQUENCE) : nothing;
	case LDAP_MODIFY:
	case LDAP_ADD:
	case LDAP_SEARCH_ENTRY:
		(void)ber_take(&c, BER_OCTETS);
		return ber_expect(&c, BER_SEQUENCE);
	case LDAP_COMPARE:
		(void)ber_take(&c, BER_OCTETS);
		return c; /* one */
	default:
		return nothing;
	}
}

bool app_ldap_attribute(const struct ldap_message *m, unsigned n, struct slice *out)
{
	struct cursor list = attributes_of(m), item;
	struct ber e;

	for (unsigned i = 0; ber_next(&list, &e); i++) {
		if (i != n)
			continue;
		item = cursor_of(e.content);
		if (m->op == LDAP_SEARCH) {
			*out = e.content;
			return true;
		}
		if (m->op == LDAP_MODIFY) {
			(void)ber_take(&item, BER_ENUMERATED);
			item = ber_expect(&item, BER_SEQUENCE);
		}
		*out = ber_take(&item, BER_OCTETS);
		return cursor_ok(&item);
	}
	return false;
}

/* --- EVE --- */

static void put(struct json *j, const char *key, struct slice value)
{
	json_key(j, key);
	json_str(j, value);
}

static void put_hex(struct json *j, const char *key, struct slice value, struct arena *a)
{
	struct buf b = buf_in(a);

	for (size_t i = 0; i < value.len; i++)
		buf_add_fmt(&b, "%02x", value.ptr[i]);
	put(j, key, buf_slice(&b));
}

static void put_strings(struct json *j, const char *key, struct cursor list)
{
	struct ber e;

	if (cursor_left(&list) == 0)
		return;
	json_key(j, key);
	json_array(j);
	for (unsigned i = 0; i < ITEMS_MAX && ber_next(&list, &e); i++)
		json_str(j, e.content);
	json_end(j);
}

/* An attribute: its type under one key, its values under another. */
static void put_attribute(struct json *j, struct cursor *item, const char *type, const char *values)
{
	put(j, type, ber_take(item, BER_OCTETS));
	put_strings(j, values, ber_expect(item, BER_SET));
}

static void put_attributes(struct json *j, struct cursor list, const char *type)
{
	struct ber e;

	if (cursor_left(&list) == 0)
		return;
	json_key(j, "attributes");
	json_array(j);
	for (unsigned i = 0; i < ITEMS_MAX && ber_next(&list, &e); i++) {
		struct cursor item = cursor_of(e.content);

		json_object(j);
		put_attribute(j, &item, type, "values");
		json_end(j);
	}
	json_end(j);
}

static void put_search(struct json *j, struct cursor *c)
{
	struct search s = {0};

	(void)read_search(c, &s);
	put(j, "base_object", s.base);
	json_member_u64(j, "scope", s.scope);
	json_member_u64(j, "deref_alias", s.aliases);
	json_member_u64(j, "size_limit", s.sizes);
	json_member_u64(j, "time_limit", s.seconds);
	json_key(j, "types_only");
	json_bool(j, s.types_only);
	if (s.filter.id == CONTEXT(7)) {
		json_key(j, "filter");
		json_object(j);
		put(j, "type", SLICE("present"));
		put(j, "value", s.filter.content);
		json_end(j);
	}
	put_strings(j, "attributes", ber_expect(c, BER_SEQUENCE));
}

static void put_bind(struct json *j, struct cursor *c, struct arena *a)
{
	struct cursor sasl;

	json_member_u64(j, "version", number(c, BER_INTEGER));
	put(j, "name", ber_take(c, BER_OCTETS));
	if (!ber_is(c, CONTEXT_OF(3)))
		return;
	sasl = ber_expect(c, CONTEXT_OF(3));
	json_key(j, "sasl");
	json_object(j);
	put(j, "mechanism", ber_take(&sasl, BER_OCTETS));
	if (ber_is(&sasl, BER_OCTETS))
		put_hex(j, "credentials", ber_take(&sasl, BER_OCTETS), a);
	json_end(j);
}

static void put_changes(struct json *j, struct cursor *c, struct arena *a)
{
	static const char *const names[] = {"add", "delete", "replace"};
	struct cursor list;
	struct ber e;

	put(j, "object", ber_take(c, BER_OCTETS));
	list = ber_expect(c, BER_SEQUENCE);
	if (cursor_left(&list) == 0)
		return;
	json_key(j, "changes");
	json_array(j);
	for (unsigned i = 0; i < ITEMS_MAX && ber_next(&list, &e); i++) {
		struct cursor change = cursor_of(e.content), item;
		uint64_t what = number(&change, BER_ENUMERATED);

		json_object(j);
		put(j, "operation",
		    what < 3 ? slice_of(names[what]) : buf_text(a, "%lu", (unsigned long)what));
		json_key(j, "modification");
		json_object(j);
		item = ber_expect(&change, BER_SEQUENCE);
		put_attribute(j, &item, "attribute_type", "attribute_values");
		json_end(j);
		json_end(j);
	}
	json_end(j);
}

static void put_rename(struct json *j, struct cursor *c)
{
	struct slice flag;

	put(j, "entry", ber_take(c, BER_OCTETS));
	put(j, "new_rdn", ber_take(c, BER_OCTETS));
	flag = ber_take(c, BER_BOOLEAN);
	json_key(j, "delete_old_rdn");
	json_bool(j, flag.len == 1 && flag.ptr[0] != 0);
	if (ber_is(c, CONTEXT(0)))
		put(j, "new_superior", ber_take(c, CONTEXT(0)));
}

static void put_compare(struct json *j, struct cursor *c)
{
	struct cursor pair;

	put(j, "entry", ber_take(c, BER_OCTETS));
	pair = ber_expect(c, BER_SEQUENCE);
	json_key(j, "attribute_value_assertion");
	json_object(j);
	put(j, "description", ber_take(&pair, BER_OCTETS));
	put(j, "value", ber_take(&pair, BER_OCTETS));
	json_end(j);
}

static void put_result(struct json *j, struct cursor *c, struct arena *a)
{
	uint64_t code = number(c, BER_ENUMERATED);
	const char *name = app_word_name(app_ldap_results, code);

	put(j, "result_code",
	    name != NULL ? slice_of(name) : buf_text(a, "%lu", (unsigned long)code));
	put(j, "matched_dn", ber_take(c, BER_OCTETS));
	put(j, "message", ber_take(c, BER_OCTETS));
	if (ber_is(c, CONTEXT_OF(3))) /* referral */
		(void)ber_take(c, CONTEXT_OF(3));
}

/* Optional name and value of extended and intermediate messages. */
static void put_extension(struct json *j, struct cursor *c, uint8_t name, uint8_t value)
{
	if (ber_is(c, name))
		put(j, "name", ber_take(c, name));
	if (ber_is(c, value))
		put(j, "value", ber_take(c, value));
}

static void put_body(struct json *j, const struct ldap_message *m, struct arena *a)
{
	struct cursor c = cursor_of(m->body);

	json_key(j, app_ldap_operation_name(m->op));
	json_object(j);
	switch (m->op) {
	case LDAP_SEARCH:
		put_search(j, &c);
		break;
	case LDAP_BIND:
		put_bind(j, &c, a);
		break;
	case LDAP_MODIFY:
		put_changes(j, &c, a);
		break;
	case LDAP_ADD:
		put(j, "entry", ber_take(&c, BER_OCTETS));
		put_attributes(j, ber_expect(&c, BER_SEQUENCE), "name");
		break;
	case LDAP_DELETE:
		put(j, "dn", m->body);
		break;
	case LDAP_MODIFY_DN:
		put_rename(j, &c);
		break;
	case LDAP_COMPARE:
		put_compare(j, &c);
		break;
	case LDAP_EXTENDED_REQUEST:
		put_extension(j, &c, CONTEXT(0), CONTEXT(1));
		break;
	case LDAP_SEARCH_ENTRY:
		put(j, "base_object", ber_take(&c, BER_OCTETS));
		put_attributes(j, ber_expect(&c, BER_SEQUENCE), "type");
		break;
	case LDAP_INTERMEDIATE:
		put_extension(j, &c, CONTEXT(0), CONTEXT(1));
		break;
	default:
		put_result(j, &c, a);
		if (m->op == LDAP_EXTENDED_RESPONSE)
			put_extension(j, &c, CONTEXT(10), CONTEXT(11));
		else if (m->op == LDAP_BIND_RESPONSE && ber_is(&c, CONTEXT(7)))
			put_hex(j, "server_sasl_creds", ber_take(&c, CONTEXT(7)), a);
		break;
	}
	json_end(j);
}

static void put_controls(struct json *j, const struct ldap_message *m, struct arena *a)
{
	struct cursor list = cursor_of(m->controls);
	struct ber e;

	if (m->controls.ptr == NULL)
		return;
	json_key(j, "controls");
	json_array(j);
	for (unsigned i = 0; i < ITEMS_MAX && ber_next(&list, &e); i++) {
		struct cursor c = cursor_of(e.content);
		struct slice flag = {NULL, 0};

		json_object(j);
		put(j, "control_type", ber_take(&c, BER_OCTETS));
		if (ber_is(&c, BER_BOOLEAN))
			flag = ber_take(&c, BER_BOOLEAN);
		json_key(j, "criticality");
		json_bool(j, flag.len == 1 && flag.ptr[0] != 0);
		if (ber_is(&c, BER_OCTETS))
			put_hex(j, "control_value", ber_take(&c, BER_OCTETS), a);
		json_end(j);
	}
	json_end(j);
}

static void put_message(struct json *j, const struct ldap_message *m, bool with_id, bool id_first,
			struct arena *a)
{
	const char *name = app_ldap_operation_name(m->op);

	json_object(j);
	if (with_id && id_first)
		json_member_u64(j, "message_id", m->id);
	put(j, "operation", name != NULL ? slice_of(name) : SLICE("unknown"));
	if (with_id && !id_first)
		json_member_u64(j, "message_id", m->id);
	if (name != NULL && m->op != LDAP_UNBIND && m->op != LDAP_SEARCH_REFERENCE)
		put_body(j, m, a);
	put_controls(j, m, a);
	json_end(j);
}

bool app_ldap_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct ldap_tx *d = tx->data;
	struct buf b = buf_in(scratch);
	struct json j = json_in(&b);

	if (n != 0)
		return false;
	json_object(&j);
	if (d->has_request) {
		json_key(&j, "request");
		put_message(&j, &d->request, true, true, scratch);
	}
	if (d->response_count != 0) {
		json_key(&j, "responses");
		json_array(&j);
		for (size_t i = 0; i < d->response_count; i++)
			put_message(&j, &d->responses[i], !d->has_request, false, scratch);
		json_end(&j);
	}
	json_end(&j);
	return !b.full && record_object(r, scratch, "ldap", buf_slice(&b));
}
