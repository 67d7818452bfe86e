/* SPDX-License-Identifier: Apache-2.0
 * What EVE says of RDP: "rdp", one event a message. */
#include "sensor/app/rdp_priv.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

/* The names of the bits of flags that are set. */
static void put_flags(struct json *j, const char *key, const struct app_word *names, uint64_t flags)
{
	json_key(j, key);
	json_array(j);
	for (const struct app_word *w = names; w->name != NULL; w++)
		if ((flags & w->value) != 0)
			json_z(j, w->name);
	json_end(j);
}

static void put_word(struct json *j, const char *key, const struct app_word *names, uint64_t value)
{
	const char *name = app_word_name(names, value);

	if (name == NULL)
		return;
	json_key(j, key);
	json_z(j, name);
}

/* ---- initial ---- */

static void put_request(struct json *j, const struct rdp_tx *t)
{
	static const struct app_word names[] = {{"restricted_admin_mode_required", 1},
						{"redirected_authentication_mode_required", 2},
						{"correlation_info_present", 8},
						{0}};

	json_member_some(j, "cookie", t->cookie);
	if (t->has_negotiation && t->kind == RDP_REQUEST && t->flags != 0)
		put_flags(j, "flags", names, t->flags);
}

/* 2.2.1.2.1 and 2.2.1.2.2. */
static void put_response(struct json *j, const struct rdp_tx *t)
{
	static const struct app_word supports[] = {{"extended_client_data", 1},
						   {"dynvc_gfx", 2},
						   {"restricted_admin", 8},
						   {"redirected_authentication", 16},
						   {0}};
	static const struct app_word protocols[] = {{"rdp", 0},	    {"ssl", 1},	      {"hybrid", 2},
						    {"rds_tls", 4}, {"hybrid_ex", 8}, {0}};
	static const struct app_word reasons[] = {{"ssl required by server", 1},
						  {"ssl not allowed by server", 2},
						  {"ssl cert not on server", 3},
						  {"inconsistent flags", 4},
						  {"hybrid required by server", 5},
						  {"ssl with user auth required by server", 6},
						  {0}};

	if (!t->has_negotiation)
		return;
	if (t->kind == RDP_FAILURE) {
		json_member_u64(j, "error_code", t->value);
		put_word(j, "reason", reasons, t->value);
		return;
	}
	if (t->flags != 0)
		put_flags(j, "server_supports", supports, t->flags);
	put_word(j, "protocol", protocols, t->value);
}

/* ---- the client ---- */

static bool has(const struct rdp_core *c, unsigned field)
{
	return c->count > field;
}

/* The latest of three fields that says it; 0: none does. */
static unsigned color_depth(const struct rdp_core *c)
{
	static const uint8_t bits[] = {4, 8, 15, 16, 24}; /* of 0xca00... */

	if (has(c, RDP_HAS_COLOR_HIGH) && c->color_depth_high != 0)
		return c->color_depth_high;
	if (has(c, RDP_HAS_COLOR_BETA) && c->color_depth_beta != 0)
		return bits[c->color_depth_beta - 0xca00];
	return c->color_depth == 0xca00 ? 4 : c->color_depth == 0xca01 ? 8 : 0;
}

static const char *or_unknown(const char *name)
{
	return name != NULL ? name : "unknown";
}

static const char *version_name(uint32_t version)
{
	static const struct app_word names[] = {{"v4", 0x80001},
						{"v5", 0x80004},
						{"v10.0", 0x80005},
						{"v10.1", 0x80006},
						{"v10.2", 0x80007},
						{"v10.3", 0x80008},
						{"v10.4", 0x80009},
						{"v10.5", 0x8000a},
						{"v10.6", 0x8000b},
						{"v10.7", 0x8000c},
						{0}};

	return app_word_name(names, version);
}

static void put_keyboard(struct json *j, const struct rdp_core *c)
{
	static const struct app_word types[] = {{"xt", 1},	 {"ico", 2},  {"at", 3},
						{"enhanced", 4}, {"1050", 5}, {"9140", 6},
						{"jp", 7},	 {0}};

	put_word(j, "keyboard_type", types, c->keyboard);
	if (c->keyboard_subtype != 0)
		json_member_u64(j, "keyboard_subtype", c->keyboard_subtype);
	if (c->function_keys != 0)
		json_member_u64(j, "function_keys", c->function_keys);
}

static void put_optional(struct json *j, const struct rdp_core *c)
{
	static const struct app_word capabilities[] = {{"support_errinfo_pdf", 1},
						       {"want_32bpp_session", 2},
						       {"support_statusinfo_pdu", 4},
						       {"strong_asymmetric_keys", 8},
						       {"valid_connection_type", 0x20},
						       {"support_monitor_layout_pdu", 0x40},
						       {"support_netchar_autodetect", 0x80},
						       {"support_dynvc_gfx_protocol", 0x100},
						       {"support_dynamic_time_zone", 0x200},
						       {"support_heartbeat_pdu", 0x400},
						       {0}};
	static const struct app_word hints[] = {
		{"modem", 1}, {"low_broadband", 2}, {"satellite", 3},  {"high_broadband", 4},
		{"wan", 5},   {"lan", 6},	    {"autodetect", 7}, {0}};

	if (has(c, RDP_HAS_PRODUCT))
		json_member_u64(j, "product_id", c->product);
	if (has(c, RDP_HAS_SERIAL) && c->serial != 0)
		json_member_u64(j, "serial_number", c->serial);
	if (has(c, RDP_HAS_CAPABILITIES) && c->capabilities != 0)
		put_flags(j, "capabilities", capabilities, c->capabilities);
	if (has(c, RDP_HAS_ID))
		json_member_some(j, "id", c->id);
	if (has(c, RDP_HAS_HINT))
		put_word(j, "connection_hint", hints, c->hint);
	if (has(c, RDP_HAS_PHYSICAL_WIDTH))
		json_member_u64(j, "physical_width", c->physical_width);
	if (has(c, RDP_HAS_PHYSICAL_HEIGHT))
		json_member_u64(j, "physical_height", c->physical_height);
	if (has(c, RDP_HAS_ORIENTATION))
		json_member_u64(j, "desktop_orientation", c->orientation);
	if (has(c, RDP_HAS_SCALE))
		json_member_u64(j, "scale_factor", c->scale);
	if (has(c, RDP_HAS_DEVICE_SCALE))
		json_member_u64(j, "device_scale_factor", c->device_scale);
}

static void put_client(struct json *j, const struct rdp_core *c)
{
	json_key(j, "client");
	json_object(j);
	json_key(j, "version");
	json_z(j, or_unknown(version_name(c->version)));
	json_member_u64(j, "desktop_width", c->width);
	json_member_u64(j, "desktop_height", c->height);
	if (color_depth(c) != 0)
		json_member_u64(j, "color_depth", color_depth(c));
	json_key(j, "keyboard_layout");
	json_z(j, or_unknown(app_rdp_layout_name(c->keyboard_layout)));
	json_key(j, "build");
	json_z(j, or_unknown(app_rdp_build_name(c->build)));
	json_member_some(j, "client_name", c->name);
	put_keyboard(j, c);
	json_member_some(j, "ime", c->ime);
	put_optional(j, c);
	json_end(j);
}

/* ---- the event ---- */

static void put_serials(struct json *j, const struct rdp_tx *t, struct arena *a)
{
	json_key(j, "x509_serials");
	json_array(j);
	for (uint32_t i = 0; i < t->serial_count; i++) {
		struct slice s = t->serials[i];
		struct buf hex = buf_in(a);

		while (s.len > 1 && s.ptr[0] == 0)
			s = slice_from(s, 1);
		for (size_t k = 0; k < s.len; k++)
			buf_add_fmt(&hex, k == 0 ? "%x" : "%02x", s.ptr[k]);
		json_str(j, buf_slice(&hex));
	}
	json_end(j);
}

bool app_rdp_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	static const char *const names[] = {[RDP_INITIAL_REQUEST] = "initial_request",
					    [RDP_INITIAL_RESPONSE] = "initial_response",
					    [RDP_CONNECT_REQUEST] = "connect_request",
					    [RDP_CONNECT_RESPONSE] = "connect_response",
					    [RDP_TLS] = "tls_handshake"};
	const struct rdp_tx *t = tx->data;
	struct buf out = buf_in(scratch);
	struct json j = json_in(&out);

	if (n != 0)
		return false;
	json_object(&j);
	json_member_u64(&j, "tx_id", tx->id);
	json_key(&j, "event_type");
	json_z(&j, names[t->about]);
	if (t->about == RDP_INITIAL_REQUEST)
		put_request(&j, t);
	else if (t->about == RDP_INITIAL_RESPONSE)
		put_response(&j, t);
	else if (t->about == RDP_TLS)
		put_serials(&j, t, scratch);
	if (t->has_core)
		put_client(&j, &t->core);
	if (t->channel_count != 0) {
		json_key(&j, "channels");
		json_array(&j);
		for (uint32_t i = 0; i < t->channel_count; i++)
			json_str(&j, t->channels[i]);
		json_end(&j);
	}
	json_end(&j);
	return !out.full && record_object(r, scratch, "rdp", buf_slice(&out));
}
