/* SPDX-License-Identifier: Apache-2.0
 *
 * DHCP for IPv4: RFC 2131 2 (the message), RFC 2132 (options). A transaction is one message.
 *
 * By default EVE says acknowledgements only, and little of them; `extended: yes` of the eve-log's
 * dhcp says every message and all that is read.
 */
#include "base/addr.h"
#include "base/cursor.h"
#include "base/json.h"
#include "sensor/app/app.h"

enum {
	OP_REQUEST = 1,
	OP_REPLY = 2,
	COOKIE_AT = 236,
	HARDWARE_ADDRESS_MAX = 16,
	OPTIONS_MAX = 64, /* read of one message */
};

enum { /* RFC 2132 */
       OPT_PAD = 0,
       OPT_SUBNET_MASK = 1,
       OPT_ROUTERS = 3,
       OPT_DNS = 6,
       OPT_HOSTNAME = 12,
       OPT_REQUESTED_IP = 50,
       OPT_LEASE_TIME = 51,
       OPT_TYPE = 53,
       OPT_PARAMETERS = 55,
       OPT_RENEWAL = 58,
       OPT_REBINDING = 59,
       OPT_VENDOR_CLASS = 60,
       OPT_CLIENT_ID = 61,
       OPT_END = 255,
};
enum { TYPE_ACK = 5 };
enum { TRUNCATED_OPTIONS, MALFORMED_OPTIONS };

struct dhcp_settings {
	bool extended;
};

struct dhcp_option {
	uint8_t code;
	struct slice data;
};

struct dhcp_tx {
	const struct dhcp_settings *settings;
	enum app_dir dir;
	uint8_t op, type;
	uint32_t id;
	struct slice client, yours, server, relay; /* addresses, 4 bytes */
	struct slice mac;
	struct dhcp_option options[OPTIONS_MAX];
	size_t option_count;
	uint64_t lease, renewal, rebinding;
	bool has_lease, has_renewal, has_rebinding;
};

/* An option of four bytes as a number. */
static bool seconds(const struct dhcp_option *o, uint64_t *out)
{
	struct cursor c = cursor_of(o->data);

	*out = cursor_be32(&c);
	return cursor_ok(&c) && cursor_left(&c) == 0;
}

static bool take_option(struct dhcp_tx *d, const struct dhcp_option *o)
{
	switch (o->code) {
	case OPT_TYPE:
		if (o->data.len != 1)
			return false;
		d->type = o->data.ptr[0];
		return true;
	case OPT_LEASE_TIME:
		d->has_lease = seconds(o, &d->lease);
		return d->has_lease;
	case OPT_RENEWAL:
		d->has_renewal = seconds(o, &d->renewal);
		return d->has_renewal;
	case OPT_REBINDING:
		d->has_rebinding = seconds(o, &d->rebinding);
		return d->has_rebinding;
	default:
		return true;
	}
}

static void read_options(struct app_tx *tx, struct cursor c)
{
	struct dhcp_tx *d = tx->data;

	while (cursor_left(&c) != 0) {
		struct dhcp_option o = {.code = cursor_u8(&c)};

		if (o.code == OPT_END)
			return;
		if (o.code == OPT_PAD)
			continue;
		o.data = cursor_take(&c, cursor_u8(&c));
		if (!cursor_ok(&c)) {
			tx->anomalies |= UINT64_C(1) << TRUNCATED_OPTIONS;
			return;
		}
		if (!take_option(d, &o))
			tx->anomalies |= UINT64_C(1) << MALFORMED_OPTIONS;
		if (d->option_count < OPTIONS_MAX)
			d->options[d->option_count++] = o;
	}
	tx->anomalies |= UINT64_C(1) << TRUNCATED_OPTIONS; /* the end option is missing */
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct app_tx *tx = app_tx_new(f, sizeof(struct dhcp_tx));
	struct dhcp_tx *d;
	struct cursor c;
	uint8_t length;

	(void)eof;
	if (tx == NULL)
		return (struct app_result){APP_STUCK, 0};
	tx->dirs = (uint8_t)(1u << dir);
	d = tx->data;
	d->settings = f->own;
	d->dir = dir;
	c = cursor_of(arena_copy(&tx->arena, input));
	d->op = cursor_u8(&c);
	(void)cursor_u8(&c);
	length = cursor_u8(&c);
	(void)cursor_u8(&c);
	d->id = cursor_be32(&c);
	(void)cursor_be32(&c);
	d->client = cursor_take(&c, 4);
	d->yours = cursor_take(&c, 4);
	d->server = cursor_take(&c, 4);
	d->relay = cursor_take(&c, 4);
	d->mac = slice_part(cursor_take(&c, HARDWARE_ADDRESS_MAX), 0, length);
	(void)cursor_take(&c, COOKIE_AT - 44 + 4);
	if (!cursor_ok(&c))
		return (struct app_result){APP_STUCK, 0};
	read_options(tx, c);
	app_tx_advance(tx, APP_TO_SERVER, 1);
	app_tx_advance(tx, APP_TO_CLIENT, 1);
	return (struct app_result){APP_OK, input.len};
}

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	struct cursor c = cursor_of(in);
	uint8_t op = cursor_u8(&c), length;

	(void)f;
	(void)dir;
	(void)port_hint;
	(void)cursor_u8(&c); /* hardware type */
	length = cursor_u8(&c);
	(void)cursor_take(&c, COOKIE_AT - 3);
	return slice_equal(cursor_take(&c, 4), SLICE("\x63\x82\x53\x63")) &&
			       (op == OP_REQUEST || op == OP_REPLY) &&
			       length <= HARDWARE_ADDRESS_MAX
		       ? APP_YES
		       : APP_NO;
}

static const void *configure(struct config *config, struct arena *a)
{
	struct dhcp_settings *s = ARENA_NEW(a, struct dhcp_settings);

	if (s != NULL)
		s->extended = config_bool(config, "outputs.eve-log.types.dhcp.extended", false);
	return s;
}

/* --- what it says --- */

static void put_address_value(struct json *j, struct slice s)
{
	struct addr a = addr_v4(s.ptr);
	char text[ADDR_TEXT_MAX];

	json_str(j, addr_format(&a, text));
}

static void put_address(struct json *j, const char *key, struct slice s)
{
	if (s.len != 4)
		return;
	json_key(j, key);
	put_address_value(j, s);
}

static void put_addresses(struct json *j, const char *key, struct slice s)
{
	json_key(j, key);
	json_array(j);
	for (; s.len >= 4; s = slice_from(s, 4))
		put_address_value(j, slice_part(s, 0, 4));
	json_end(j);
}

/* "00:11:32:17:49:f0" */
static void put_hex(struct json *j, const char *key, struct slice s)
{
	static const char digits[] = "0123456789abcdef";
	struct buf b = buf_in(j->out->arena);

	for (size_t i = 0; i < s.len; i++) {
		if (i != 0)
			buf_add_byte(&b, ':');
		buf_add_byte(&b, (uint8_t)digits[s.ptr[i] >> 4]);
		buf_add_byte(&b, (uint8_t)digits[s.ptr[i] & 15]);
	}
	json_member_str(j, key, buf_slice(&b));
}

/* Parameters that EVE names, by option code. */
static void put_parameters(struct json *j, struct slice s)
{
	static const char *const names[256] = {
		[1] = "subnet_mask",	   [3] = "router",	     [6] = "dns_server",
		[15] = "domain",	   [35] = "arp_timeout",     [42] = "ntp_server",
		[66] = "tftp_server_name", [150] = "tftp_server_ip",
	};

	json_key(j, "params");
	json_array(j);
	for (size_t i = 0; i < s.len; i++)
		if (names[s.ptr[i]] != NULL)
			json_z(j, names[s.ptr[i]]);
	json_end(j);
}

static void put_type(struct json *j, uint8_t type)
{
	static const char *const names[] = {NULL,  "discover", "offer",	  "request", "decline",
					    "ack", "nak",      "release", "inform"};

	json_key(j, "dhcp_type");
	json_z(j, type < sizeof names / sizeof names[0] && names[type] != NULL ? names[type]
									       : "unknown");
}

static void put_option(struct json *j, const struct dhcp_tx *d, const struct dhcp_option *o)
{
	bool extended = d->settings->extended;

	switch (o->code) {
	case OPT_CLIENT_ID:
		/* the first byte says what kind of id it is: 1, hardware address */
		put_hex(j, "client_id", slice_from(o->data, 1));
		break;
	case OPT_HOSTNAME:
		if (o->data.len != 0)
			json_member_str(j, "hostname", o->data);
		break;
	case OPT_TYPE:
		put_type(j, d->type);
		break;
	case OPT_RENEWAL:
		if (d->has_renewal)
			json_member_u64(j, "renewal_time", d->renewal);
		break;
	case OPT_LEASE_TIME:
		if (extended && d->has_lease)
			json_member_u64(j, "lease_time", d->lease);
		break;
	case OPT_REBINDING:
		if (extended && d->has_rebinding)
			json_member_u64(j, "rebinding_time", d->rebinding);
		break;
	case OPT_SUBNET_MASK:
		if (extended)
			put_address(j, "subnet_mask", o->data);
		break;
	case OPT_REQUESTED_IP:
		if (extended)
			put_address(j, "requested_ip", o->data);
		break;
	case OPT_PARAMETERS:
		if (extended)
			put_parameters(j, o->data);
		break;
	case OPT_DNS:
		if (extended)
			put_addresses(j, "dns_servers", o->data);
		break;
	case OPT_ROUTERS:
		if (extended)
			put_addresses(j, "routers", o->data);
		break;
	case OPT_VENDOR_CLASS:
		if (extended && o->data.len != 0)
			json_member_str(j, "vendor_class_identifier", o->data);
		break;
	default:
		break;
	}
}

/* A key stands once in an object: the first option of a kind counts. */
static bool said_before(const struct dhcp_tx *d, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (d->options[i].code == d->options[n].code)
			return true;
	return false;
}

static bool log_dhcp(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct dhcp_tx *d = tx->data;
	struct buf text = buf_in(scratch);
	struct json j = json_in(&text);

	if (n != 0 || d->mac.ptr == NULL || (!d->settings->extended && d->type != TYPE_ACK))
		return false;
	r->making.of_packet = true;
	json_object(&j);
	json_key(&j, "type");
	json_z(&j, d->op == OP_REQUEST ? "request" : d->op == OP_REPLY ? "reply" : "<unknown>");
	json_member_u64(&j, "id", d->id);
	put_hex(&j, "client_mac", d->mac);
	put_address(&j, "assigned_ip", d->yours);
	if (d->settings->extended) {
		put_address(&j, "client_ip", d->client);
		if (d->op == OP_REPLY) {
			put_address(&j, "relay_ip", d->relay);
			put_address(&j, "next_server_ip", d->server);
		}
	}
	for (size_t i = 0; i < d->option_count; i++)
		if (!said_before(d, i))
			put_option(&j, d, &d->options[i]);
	json_end(&j);
	return !text.full && record_object(r, scratch, "dhcp", buf_slice(&text));
}

#define GETTER(name, value, there)                                                                 \
	static struct slice name(struct app_tx *tx, enum app_dir dir, unsigned n)                  \
	{                                                                                          \
		const struct dhcp_tx *d = tx->data;                                                \
                                                                                                   \
		return n == 0 && d->dir == dir && d->there ? app_number(&d->value)                 \
							   : (struct slice){NULL, 0};              \
	}

GETTER(get_lease, lease, has_lease)
GETTER(get_renewal, renewal, has_renewal)
GETTER(get_rebinding, rebinding, has_rebinding)

static const struct app_field fields[] = {
	{"dhcp.leasetime", 3, 0, false, false, get_lease, "Seconds of the lease.", APP_NUMBERS},
	{"dhcp.renewal_time", 3, 0, false, false, get_renewal, "Seconds to renewing (T1).",
	 APP_NUMBERS},
	{"dhcp.rebinding_time", 3, 0, false, false, get_rebinding, "Seconds to rebinding (T2).",
	 APP_NUMBERS},
	{0},
};

static const char *const anomalies[] = {
	[TRUNCATED_OPTIONS] = "truncated_options",
	[MALFORMED_OPTIONS] = "malformed_options",
	NULL,
};

APP_PROTOCOL(dhcp) = {
	.name = "dhcp",
	.spec = "RFC 2131, RFC 2132",
	.transports = APP_UDP,
	.fields = fields,
	.anomalies = anomalies,
	.complete = {1, 1},
	.probe = probe,
	.parse = parse,
	.log = log_dhcp,
	.configure = configure,
};
