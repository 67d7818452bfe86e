/* SPDX-License-Identifier: Apache-2.0
 * What EVE says about a transaction of PostgreSQL. */
#include "base/json.h"
#include "base/text.h"
#include "sensor/app/pgsql_priv.h"

struct slice app_pgsql_text(struct slice s)
{
	struct slice text = slice_part(s, 0, slice_find(s, SLICE("\0")));

	return text.ptr != NULL ? text : SLICE("");
}

/* Bytes that may be text: as they are if they are UTF-8, else with every byte above ASCII as
 * "\xNN". */
static void put(struct json *j, const char *key, struct slice value, struct arena *a)
{
	struct buf b = buf_in(a);

	json_key(j, key);
	if (text_is_utf8(value)) {
		json_str(j, value);
		return;
	}
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] < 0x80)
			buf_add_byte(&b, value.ptr[i]);
		else
			buf_add_fmt(&b, "\\x%02x", value.ptr[i]);
	}
	json_str(j, buf_slice(&b));
}

static void put_z(struct json *j, const char *key, const char *value)
{
	json_key(j, key);
	json_z(j, value);
}

static struct slice take_text(struct cursor *c)
{
	struct slice s = app_pgsql_text(cursor_rest(c));

	(void)cursor_take(c, s.len + 1);
	return s;
}

/* {"name": value}, the names of settings in one style. */
static void put_parameter(struct json *j, struct slice name, struct slice value, struct arena *a)
{
	static const struct {
		const char *is, *written;
	} names[] = {{"DateStyle", "date_style"},
		     {"IntervalStyle", "interval_style"},
		     {"TimeZone", "time_zone"}};
	const char *key = NULL;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (slice_equal(name, slice_of(names[i].is)))
			key = names[i].written;
	if (key == NULL)
		key = arena_copy_z(a, name);
	json_object(j);
	put(j, key != NULL ? key : "", value, a);
	json_end(j);
}

static void put_startup(struct json *j, const struct pgsql_tx *d, struct arena *a)
{
	struct cursor c = cursor_of(d->request.body), look = c;
	bool any = false;

	put(j, "protocol_version", buf_text(a, "%u.%u", d->version >> 16, d->version & 0xffff), a);
	json_key(j, "startup_parameters");
	json_object(j);
	while (cursor_left(&look) > 1) {
		struct slice name = take_text(&look), value = take_text(&look);

		if (slice_equal(name, SLICE("user"))) {
			put(j, "user", value, a);
			break;
		}
	}
	while (cursor_left(&c) > 1) {
		struct slice name = take_text(&c), value = take_text(&c);

		if (name.len == 0 || slice_equal(name, SLICE("user")))
			continue;
		if (!any) {
			json_key(j, "optional_parameters");
			json_array(j);
			any = true;
		}
		put_parameter(j, name, value, a);
	}
	if (any)
		json_end(j);
	json_end(j);
}

static void put_sasl(struct json *j, struct slice body, struct arena *a)
{
	struct cursor c = cursor_of(body);
	struct slice mechanism = take_text(&c);

	(void)cursor_be32(&c);
	put(j, "sasl_authentication_mechanism", mechanism, a);
	put(j, "sasl_param", cursor_rest(&c), a);
}

static void put_request(struct json *j, const struct pgsql_tx *d, const struct pgsql_log *how,
			struct arena *a)
{
	struct cursor c = cursor_of(d->request.body);

	switch (d->request.kind) {
	case PGSQL_STARTUP:
		put_startup(j, d, a);
		break;
	case PGSQL_SSL:
		put_z(j, "message", "SSL Request");
		break;
	case PGSQL_CANCEL:
		put_z(j, "message", "cancel_request");
		json_member_u64(j, "process_id", cursor_be32(&c));
		json_member_u64(j, "secret_key", cursor_be32(&c));
		break;
	case PGSQL_QUERY:
		put(j, "simple_query", app_pgsql_text(d->request.body), a);
		break;
	case PGSQL_TERMINATE:
		put_z(j, "message", "termination_message");
		break;
	case PGSQL_PASSWORD:
		if (how != NULL && how->passwords) {
			put(j, "password", app_pgsql_text(d->request.body), a);
		} else {
			json_key(j, "password_redacted");
			json_bool(j, true);
		}
		break;
	case PGSQL_SASL_INITIAL:
		put_sasl(j, d->request.body, a);
		break;
	case PGSQL_SASL_RESPONSE:
		put(j, "sasl_response", d->request.body, a);
		break;
	case PGSQL_COPY_IN:
		json_key(j, "copy_data_in");
		json_object(j);
		json_member_u64(j, "msg_count", d->request.count);
		json_member_u64(j, "data_size", d->request.size);
		json_end(j);
		if (d->done != PGSQL_NOTHING)
			put_z(j, "message", d->done == PGSQL_COPY_DONE ? "copy_done" : "copy_fail");
		break;
	default:
		break;
	}
}

static void put_fields(struct json *j, struct slice body, struct arena *a)
{
	static const struct {
		char code;
		const char *name;
	} names[] = {{'S', "severity_localizable"},
		     {'V', "severity_non_localizable"},
		     {'C', "code"},
		     {'M', "message"},
		     {'D', "detail"},
		     {'H', "hint"},
		     {'P', "position"},
		     {'p', "internal_position"},
		     {'q', "internal_query"},
		     {'W', "where"},
		     {'s', "schema_name"},
		     {'t', "table_name"},
		     {'c', "column_name"},
		     {'d', "data_type_name"},
		     {'n', "constraint_name"},
		     {'F', "file"},
		     {'L', "line"},
		     {'R', "routine"}};
	struct cursor c = cursor_of(body);
	uint8_t code;

	while (cursor_left(&c) != 0 && (code = cursor_u8(&c)) != 0) {
		struct slice value = take_text(&c);
		const char *name = "unknown";

		for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
			if (names[i].code == (char)code)
				name = names[i].name;
		put(j, name, value, a);
	}
}

/* {"columns": n}: of a message that announces a copy. */
static void put_copy(struct json *j, const char *key, struct slice body)
{
	struct cursor c = cursor_of(body);

	(void)cursor_u8(&c);
	json_key(j, key);
	json_object(j);
	json_member_u64(j, "columns", cursor_be16(&c));
	json_end(j);
}

static void put_response(struct json *j, const struct pgsql_message *m, struct arena *a)
{
	struct cursor c = cursor_of(m->body);

	switch (m->kind) {
	case PGSQL_SSL_YES:
	case PGSQL_SSL_NO:
		json_key(j, "ssl_accepted");
		json_bool(j, m->kind == PGSQL_SSL_YES);
		break;
	case PGSQL_AUTH_OK:
		put_z(j, "message", "authentication_ok");
		break;
	case PGSQL_AUTH_CLEARTEXT:
		put_z(j, "message", "authentication_cleartext_password");
		break;
	case PGSQL_AUTH_SASL:
		put_z(j, "message", "authentication_sasl");
		break;
	case PGSQL_AUTH_SASL_CONTINUE:
		put_z(j, "message", "authentication_sasl_continue");
		break;
	case PGSQL_AUTH_MD5:
		put(j, "authentication_md5_password", m->body, a);
		break;
	case PGSQL_AUTH_SSPI:
		put(j, "authentication_sspi", m->body, a);
		break;
	case PGSQL_AUTH_SASL_FINAL:
		put(j, "authentication_sasl_final", m->body, a);
		break;
	case PGSQL_KEY:
		json_member_u64(j, "process_id", cursor_be32(&c));
		json_member_u64(j, "secret_key", cursor_be32(&c));
		break;
	case PGSQL_ROW_DESCRIPTION:
		json_member_u64(j, "field_count", cursor_be16(&c));
		break;
	case PGSQL_ROWS:
		json_member_u64(j, "data_rows", m->count);
		json_member_u64(j, "data_size", m->size);
		break;
	case PGSQL_COPY_OUT:
		put_copy(j, "copy_out_response", m->body);
		break;
	case PGSQL_COPY_IN_RESPONSE:
		put_copy(j, "copy_in_response", m->body);
		break;
	case PGSQL_COPY_DATA_OUT:
		json_key(j, "copy_data_out");
		json_object(j);
		json_member_u64(j, "row_count", m->count);
		json_member_u64(j, "data_size", m->size);
		json_end(j);
		break;
	case PGSQL_COPY_DONE:
		put_z(j, "message", "copy_done");
		break;
	case PGSQL_COMPLETE:
		put(j, "command_completed", app_pgsql_text(m->body), a);
		break;
	case PGSQL_NOTICE:
	case PGSQL_ERROR:
		put_fields(j, m->body, a);
		break;
	case PGSQL_NOTIFICATION:
		json_member_u64(j, "pid", cursor_be32(&c));
		put(j, "channel_name", take_text(&c), a);
		put(j, "payload", take_text(&c), a);
		break;
	default:
		break;
	}
}

static void put_responses(struct json *j, const struct pgsql_tx *d, struct arena *a)
{
	bool any = false;

	for (size_t i = 0; i < d->response_count; i++)
		if (d->responses[i].kind != PGSQL_PARAMETER)
			put_response(j, &d->responses[i], a);
	for (size_t i = 0; i < d->response_count; i++) {
		struct cursor c = cursor_of(d->responses[i].body);
		struct slice name;

		if (d->responses[i].kind != PGSQL_PARAMETER)
			continue;
		if (!any) {
			json_key(j, "parameter_status");
			json_array(j);
			any = true;
		}
		name = take_text(&c);
		put_parameter(j, name, take_text(&c), a);
	}
	if (any)
		json_end(j);
}

bool app_pgsql_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct pgsql_tx *d = tx->data;
	struct buf b = buf_in(scratch);
	struct json j = json_in(&b);

	if (n != 0 || (!d->has_request && d->response_count == 0))
		return false;
	json_object(&j);
	json_member_u64(&j, "tx_id", tx->id + 1);
	if (d->has_request) {
		json_key(&j, "request");
		json_object(&j);
		put_request(&j, d, r->making.asked, scratch);
		json_end(&j);
	}
	if (d->response_count != 0) {
		json_key(&j, "response");
		json_object(&j);
		put_responses(&j, d, scratch);
		json_end(&j);
	}
	json_end(&j);
	return !b.full && record_object(r, scratch, "pgsql", buf_slice(&b));
}
