/* SPDX-License-Identifier: Apache-2.0
 *
 * MQTT 3.1, 3.1.1 and 5.0 (OASIS): messages, and the transactions they make: CONNECT and CONNACK,
 * PUBLISH with the acknowledgements of its quality of service, SUBSCRIBE, UNSUBSCRIBE; every other
 * message is one by itself. An answer finds its transaction by the packet identifier.
 */
#include "base/cursor.h"
#include "sensor/app/mqtt_priv.h"

enum {
	LENGTH_BYTES_MAX = 4,	     /* MQTT 5.0 1.5.5 */
	MESSAGE_BYTES_MAX = 1 << 20, /* Suricata's max-msg-length */
	CONNECT_ID = 1 << 16,	     /* no packet identifier: what CONNACK answers */
	TXS_MOST = APP_TXS_MAX - 2,
	HEADER_FRAME = 2, /* bytes of a header frame, as Suricata has it */
};

enum anomaly {
	MISSING_CONNECT,
	MISSING_PUBLISH,
	MISSING_SUBSCRIBE,
	MISSING_UNSUBSCRIBE,
	DOUBLE_CONNECT,
	UNINTRODUCED_MESSAGE,
	INVALID_QOS_LEVEL,
	MISSING_MSG_ID,
	UNASSIGNED_MSG_TYPE,
	TOO_MANY_TRANSACTIONS,
	MALFORMED_TRAFFIC,
};

enum frame { FRAME_PDU, FRAME_HEADER, FRAME_DATA };

struct mqtt_settings {
	uint64_t message_most;
	uint32_t txs_most;
};

struct mqtt {
	uint8_t version;
	bool connected;
	uint64_t skip[2]; /* bytes of a message that was too long */
};

static void say(struct app_tx *tx, enum anomaly a)
{
	tx->anomalies |= UINT64_C(1) << a;
}

/* ---- data types: MQTT 5.0 1.5 ---- */

static uint32_t varint(struct cursor *c)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < LENGTH_BYTES_MAX; i++) {
		uint8_t b = cursor_u8(c);

		v |= (uint32_t)(b & 0x7f) << 7 * i;
		if ((b & 0x80) == 0)
			return v;
	}
	c->bad = true;
	return 0;
}

static struct slice text(struct cursor *c)
{
	return cursor_take(c, cursor_be16(c));
}

enum property_form { NONE, U8, U16, U32, VARINT, TEXT, PAIR };

static const struct property_row {
	const char *name;
	uint8_t id;
	enum property_form form;
} properties[] = {
	{"payload_format_indicator", 1, U8},
	{"message_expiry_interval", 2, U32},
	{"content_type", 3, TEXT},
	{"response_topic", 8, TEXT},
	{"correlation_data", 9, TEXT},
	{"subscription_identifier", 11, VARINT},
	{"session_expiry_interval", 17, U32},
	{"assigned_client_identifier", 18, TEXT},
	{"server_keep_alive", 19, U16},
	{"authentication_method", 21, TEXT},
	{"authentication_data", 22, TEXT},
	{"request_problem_information", 23, U8},
	{"will_delay_interval", 24, U32},
	{"request_response_information", 25, U8},
	{"response_information", 26, TEXT},
	{"server_reference", 28, TEXT},
	{"reason_string", 31, TEXT},
	{"receive_maximum", 33, U16},
	{"topic_alias_maximum", 34, U16},
	{"topic_alias", 35, U16},
	{"maximum_qos", 36, U8},
	{"retain_available", 37, U8},
	{NULL, 38, PAIR},
	{"maximum_packet_size", 39, U32},
	{"wildcard_subscription_available", 40, U8},
	{"subscription_identifier_available", 41, U8},
	{"shared_subscription_available", 42, U8},
};

bool app_mqtt_property(struct slice *rest, struct mqtt_property *out)
{
	struct cursor c = cursor_of(*rest);
	const struct property_row *row = NULL;

	if (rest->len == 0)
		return false;
	*out = (struct mqtt_property){.id = varint(&c)};
	for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i++)
		if (properties[i].id == out->id)
			row = &properties[i];
	switch (row != NULL ? row->form : NONE) {
	case NONE: /* of unknown length: what follows is read as the next one, as Suricata does */
		break;
	case U8:
		out->value = cursor_u8(&c);
		break;
	case U16:
		out->value = cursor_be16(&c);
		break;
	case U32:
		out->value = cursor_be32(&c);
		break;
	case VARINT:
		out->value = varint(&c);
		break;
	case PAIR:
		out->key = text(&c);
		out->text = text(&c);
		break;
	case TEXT:
		out->text = text(&c);
		break;
	}
	if (row != NULL) {
		out->name = row->name;
		out->number = row->form != TEXT && row->form != PAIR;
	}
	*rest = slice_from(*rest, rest->len - cursor_left(&c));
	return cursor_ok(&c);
}

/* The properties that stand there in version 5, checked. */
static struct slice properties_read(struct cursor *c, bool there)
{
	struct slice all, rest;
	struct mqtt_property p;

	if (!there)
		return (struct slice){NULL, 0};
	all = rest = cursor_take(c, varint(c));
	while (cursor_ok(c) && rest.len != 0)
		if (!app_mqtt_property(&rest, &p))
			c->bad = true;
	return all;
}

/* ---- messages: MQTT 5.0 3 ---- */

static void connect(struct cursor *c, struct mqtt_message *m)
{
	bool five;

	m->protocol = text(c);
	m->version = cursor_u8(c);
	m->flags = cursor_u8(c);
	(void)cursor_be16(c); /* keep alive */
	five = m->version == MQTT_VERSION_5;
	m->properties = properties_read(c, five);
	m->client_id = text(c);
	if ((m->flags & MQTT_WILL) != 0) {
		m->will_properties = properties_read(c, five);
		m->will_topic = text(c);
		m->will_message = text(c);
	}
	if ((m->flags & MQTT_USERNAME) != 0)
		m->username = text(c);
	if ((m->flags & MQTT_PASSWORD) != 0)
		m->password = text(c);
}

/* An identifier, and since version 5 a reason and properties, both of which may be left out. */
static void acknowledgement(struct cursor *c, struct mqtt_message *m, bool five)
{
	m->id = cursor_be16(c);
	m->has_id = true;
	m->has_reason = five;
	if (!five || cursor_left(c) == 0)
		return;
	m->reason = cursor_u8(c);
	m->properties = properties_read(c, cursor_left(c) != 0);
}

static void topics(struct cursor *c, struct mqtt_message *m, struct arena *a)
{
	while (cursor_left(c) != 0) {
		struct mqtt_topic topic = {.name = text(c)};

		if (m->type == MQTT_SUBSCRIBE)
			topic.qos = cursor_u8(c);
		if (!cursor_ok(c) ||
		    !ARENA_PUSH(a, m->topics, m->topic_count, m->topic_room, topic))
			return;
	}
}

static void disconnect(struct cursor *c, struct mqtt_message *m, bool five)
{
	m->has_reason = five;
	if (!five || cursor_left(c) == 0)
		return;
	m->reason = cursor_u8(c);
	if (cursor_left(c) == 0)
		m->reason = 0; /* a reason without properties: Suricata says 0 */
	else
		m->properties = properties_read(c, true);
}

/* What follows the fixed header. False: it is malformed. */
static bool body(struct cursor c, struct mqtt_message *m, uint8_t version, struct arena *a)
{
	bool five = version == MQTT_VERSION_5;

	switch (m->type) {
	case MQTT_CONNECT:
		connect(&c, m);
		break;
	case MQTT_CONNACK:
		m->session_present = (cursor_u8(&c) & 1) != 0;
		m->reason = cursor_u8(&c);
		m->has_reason = true;
		m->properties = properties_read(&c, five);
		break;
	case MQTT_PUBLISH:
		m->topic = text(&c);
		m->has_id = m->qos != 0;
		m->id = m->has_id ? cursor_be16(&c) : 0;
		m->properties = properties_read(&c, five);
		m->payload = cursor_take(&c, cursor_left(&c));
		break;
	case MQTT_PUBACK:
	case MQTT_PUBREC:
	case MQTT_PUBREL:
	case MQTT_PUBCOMP:
		acknowledgement(&c, m, five);
		break;
	case MQTT_SUBSCRIBE:
	case MQTT_UNSUBSCRIBE:
		m->id = cursor_be16(&c);
		m->has_id = true;
		m->properties = properties_read(&c, five);
		topics(&c, m, a);
		break;
	case MQTT_SUBACK:
	case MQTT_UNSUBACK:
		m->id = cursor_be16(&c);
		m->has_id = true;
		m->properties = properties_read(&c, five);
		m->codes = cursor_take(&c, cursor_left(&c));
		break;
	case MQTT_DISCONNECT:
		disconnect(&c, m, five);
		break;
	case MQTT_AUTH:
		m->reason = cursor_u8(&c);
		m->has_reason = true;
		m->properties = properties_read(&c, cursor_left(&c) != 0);
		break;
	case MQTT_UNASSIGNED:
	case MQTT_PINGREQ:
	case MQTT_PINGRESP:
		break;
	}
	return cursor_ok(&c);
}

/* ---- transactions ---- */

static void tx_end(struct app_tx *tx)
{
	struct mqtt_tx *m = tx->data;

	m->open = false;
	app_tx_advance(tx, APP_TO_SERVER, 2);
	app_tx_advance(tx, APP_TO_CLIENT, 2);
}

/* No answer is waited for any more. */
static void give_up_oldest(struct app_flow *f)
{
	for (struct app_tx *tx = f->first; tx != NULL; tx = tx->next) {
		const struct mqtt_tx *m = tx->data;

		if (m->open) {
			say(tx, TOO_MANY_TRANSACTIONS);
			tx_end(tx);
			return;
		}
	}
}

static struct app_tx *tx_new(struct app_flow *f, enum app_dir dir)
{
	const struct mqtt_settings *settings = f->own;
	const struct mqtt *q = f->parser;
	struct app_tx *tx;
	struct mqtt_tx *m;

	if (f->open_txs > (settings != NULL ? settings->txs_most : TXS_MOST))
		give_up_oldest(f);
	tx = app_tx_new(f, sizeof(struct mqtt_tx));
	if (tx == NULL)
		return NULL;
	tx->dirs = (uint8_t)(1u << dir);
	m = tx->data;
	m->dir = dir;
	m->open = true;
	m->version = q->version;
	tx->blind = dir == APP_TO_SERVER ? 1u << APP_TO_CLIENT : 1u << APP_TO_SERVER;
	app_tx_advance(tx, dir, 1);
	app_tx_advance(tx, dir == APP_TO_SERVER ? APP_TO_CLIENT : APP_TO_SERVER, 2);
	return tx;
}

/* The open transaction that waits for a message with this identifier. */
static struct app_tx *tx_find(struct app_flow *f, uint32_t id)
{
	for (struct app_tx *tx = f->first; tx != NULL; tx = tx->next) {
		const struct mqtt_tx *m = tx->data;

		if (m->open && m->has_id && m->id == id && m->count < MQTT_MESSAGES_MAX)
			return tx;
	}
	return NULL;
}

static void reason_add(struct app_tx *tx, uint8_t reason)
{
	struct mqtt_tx *m = tx->data;
	uint64_t v = reason;

	(void)ARENA_PUSH(&tx->arena, m->reasons, m->reason_count, m->reason_room, v);
}

/* Notes what rules compare. */
static void message_add(struct app_tx *tx, struct mqtt_message *m)
{
	struct mqtt_tx *q = tx->data;

	q->types[q->count] = m->type;
	q->qos[q->count] = m->qos;
	q->flags[q->count] = (m->dup ? 8u : 0u) | (m->retain ? 1u : 0u);
	q->messages[q->count++] = m;
	if (m->truncated)
		return;
	if (m->has_reason)
		reason_add(tx, m->reason);
	for (size_t i = 0; i < m->codes.len; i++)
		reason_add(tx, m->codes.ptr[i]);
	if (m->type == MQTT_CONNECT) {
		q->has_connect = true;
		q->connect_flags = m->flags;
	}
	if (m->type == MQTT_CONNACK) {
		q->has_session_present = true;
		q->session_present = m->session_present;
	}
}

/* What opens a transaction: how it goes on. */
static void opened(struct app_tx *tx, const struct mqtt_message *m, bool connected)
{
	struct mqtt_tx *q = tx->data;

	if (m->truncated || m->type == MQTT_UNASSIGNED) {
		if (!m->truncated)
			say(tx, UNASSIGNED_MSG_TYPE);
		tx_end(tx);
		return;
	}
	if (m->type == MQTT_CONNECT) {
		if (connected)
			say(tx, DOUBLE_CONNECT);
		q->has_id = true;
		q->id = CONNECT_ID;
		return;
	}
	if (!connected)
		say(tx, UNINTRODUCED_MESSAGE);
	if (m->type != MQTT_PUBLISH && m->type != MQTT_SUBSCRIBE && m->type != MQTT_UNSUBSCRIBE) {
		tx_end(tx);
		return;
	}
	if (m->qos == 0) {
		tx_end(tx);
	} else if (m->qos > 2) {
		say(tx, INVALID_QOS_LEVEL);
	} else {
		q->has_id = true;
		q->id = m->id;
	}
}

/* A message that answers: which anomaly it is when nobody asked; -1: it does not answer. */
static int answers(enum mqtt_type type)
{
	switch (type) {
	case MQTT_CONNACK:
		return MISSING_CONNECT;
	case MQTT_PUBACK:
	case MQTT_PUBREC:
	case MQTT_PUBREL:
	case MQTT_PUBCOMP:
		return MISSING_PUBLISH;
	case MQTT_SUBACK:
		return MISSING_SUBSCRIBE;
	case MQTT_UNSUBACK:
		return MISSING_UNSUBSCRIBE;
	default:
		return -1;
	}
}

/* Puts m, read into scratch memory, into its transaction. False: no memory, or malformed. */
static bool message_take(struct app_flow *f, enum app_dir dir, struct slice bytes,
			 const struct mqtt_message *header, struct app_tx **out)
{
	struct mqtt *q = f->parser;
	int missing = header->truncated ? -1 : answers(header->type);
	struct cursor c = cursor_of(bytes);
	struct app_tx *tx = NULL;
	struct mqtt_message *m;
	bool answered, good;

	if (missing >= 0)
		tx = tx_find(f, missing == MISSING_CONNECT ? CONNECT_ID : cursor_be16(&c));
	answered = tx != NULL;
	if (!answered)
		tx = tx_new(f, dir);
	if (tx == NULL)
		return false;
	*out = tx;
	m = ARENA_NEW(&tx->arena, struct mqtt_message);
	bytes = arena_copy(&tx->arena, bytes);
	if (m == NULL || tx->arena.exhausted)
		return false;
	*m = *header;
	good = m->truncated || body(cursor_of(bytes), m, q->version, &tx->arena);
	if (!good && !answered)
		tx_end(tx);
	if (!good)
		return false;
	if (m->type == MQTT_CONNECT && !m->truncated)
		((struct mqtt_tx *)tx->data)->version = q->version = m->version;
	message_add(tx, m);
	if (!answered) {
		opened(tx, m, q->connected);
		if (missing == MISSING_CONNECT)
			tx->anomalies &= ~(UINT64_C(1) << UNINTRODUCED_MESSAGE);
		if (missing >= 0)
			say(tx, (enum anomaly)missing);
		return true;
	}
	if (m->type == MQTT_CONNACK)
		q->connected = true;
	if (m->type != MQTT_PUBREC && m->type != MQTT_PUBREL)
		tx_end(tx);
	return true;
}

/* ---- the stream ---- */

/* The fixed header at the front of in. 0: more bytes are needed; SIZE_MAX: it is malformed. */
static size_t header_read(struct slice in, struct mqtt_message *m, size_t *out_body)
{
	struct cursor c = cursor_of(in);
	uint8_t first = cursor_u8(&c);
	uint32_t len = varint(&c);

	if (!cursor_ok(&c))
		return in.len > LENGTH_BYTES_MAX ? SIZE_MAX : 0;
	*m = (struct mqtt_message){.type = (enum mqtt_type)(first >> 4),
				   .dup = (first & 8) != 0,
				   .qos = first >> 1 & 3,
				   .retain = (first & 1) != 0};
	*out_body = len;
	return in.len - cursor_left(&c);
}

static struct app_result malformed(struct app_flow *f, enum app_dir dir, struct app_tx *tx,
				   size_t used)
{
	if (tx == NULL) {
		tx = tx_new(f, dir);
		if (tx != NULL)
			tx_end(tx);
	}
	if (tx != NULL)
		say(tx, MALFORMED_TRAFFIC);
	return (struct app_result){APP_STUCK, used};
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	const struct mqtt_settings *settings = f->own;
	uint64_t most = settings != NULL ? settings->message_most : MESSAGE_BYTES_MAX;
	struct mqtt *q = f->parser;
	size_t used = 0;

	(void)eof;
	while (used < input.len) {
		struct slice rest = slice_from(input, used);
		struct app_tx *tx = NULL;
		struct mqtt_message m;
		size_t head, len = 0;

		if (q->skip[dir] != 0) {
			size_t n = q->skip[dir] < rest.len ? (size_t)q->skip[dir] : rest.len;

			q->skip[dir] -= n;
			used += n;
			continue;
		}
		head = header_read(rest, &m, &len);
		if (head == SIZE_MAX)
			return malformed(f, dir, NULL, used);
		if (head == 0)
			break;
		m.truncated = len > most;
		if (m.truncated) {
			m.skipped = head + len;
			q->skip[dir] = m.skipped;
			if (!message_take(f, dir, (struct slice){NULL, 0}, &m, &tx))
				return malformed(f, dir, tx, used);
			continue;
		}
		if (rest.len - head < len)
			break;
		if (!message_take(f, dir, slice_part(rest, head, len), &m, &tx))
			return malformed(f, dir, tx, used);
		(void)app_frame_open(f, dir, FRAME_PDU, used, (int64_t)(head + len), tx);
		(void)app_frame_open(f, dir, FRAME_HEADER, used, HEADER_FRAME, tx);
		if (head + len > HEADER_FRAME)
			(void)app_frame_open(f, dir, FRAME_DATA, used + HEADER_FRAME,
					     (int64_t)(head + len - HEADER_FRAME), tx);
		used += head + len;
	}
	return (struct app_result){APP_OK, used};
}

/* On its port any message that can be; elsewhere only a CONNECT. */
static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	struct mqtt_message m = {.type = MQTT_UNASSIGNED};
	struct cursor c;
	struct slice name;
	size_t head, len = 0;

	(void)f;
	if (in.len == 0)
		return APP_NEED_MORE;
	head = header_read(in, &m, &len);
	if (head == SIZE_MAX)
		return APP_NO;
	if (port_hint && head != 0)
		return m.type == MQTT_UNASSIGNED || m.qos > 2 ? APP_NO : APP_YES;
	if (in.ptr[0] >> 4 == MQTT_UNASSIGNED || (in.ptr[0] >> 1 & 3) > 2)
		return APP_NO;
	if (!port_hint && (dir == APP_TO_CLIENT || in.ptr[0] != MQTT_CONNECT << 4))
		return APP_NO;
	if (head == 0)
		return APP_NEED_MORE;
	c = cursor_of(slice_from(in, head));
	name = cursor_take(&c, cursor_be16(&c) & 7);
	if (!cursor_ok(&c))
		return APP_NEED_MORE;
	return slice_equal(name, SLICE("MQTT")) || slice_equal(name, SLICE("MQIsdp")) ? APP_YES
										      : APP_NO;
}

/* Where a message may start again is not known, unless a skipped one covers the hole. */
static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	struct mqtt *q = f->parser;

	if (q == NULL || q->skip[dir] < missing)
		return false;
	q->skip[dir] -= missing;
	return true;
}

static const void *configure(struct config *config, struct arena *a)
{
	struct mqtt_settings *s = ARENA_NEW(a, struct mqtt_settings);

	if (s == NULL)
		return NULL;
	s->txs_most = (uint32_t)config_u64(config, "app-layer.protocols.mqtt.max-tx", 1,
					   APP_TXS_MAX - 2, TXS_MOST);
	s->message_most =
		config_size(config, "app-layer.protocols.mqtt.max-msg-length", MESSAGE_BYTES_MAX);
	return s;
}

static const char *const anomalies[] = {
	[MISSING_CONNECT] = "missing_connect",
	[MISSING_PUBLISH] = "missing_publish",
	[MISSING_SUBSCRIBE] = "missing_subscribe",
	[MISSING_UNSUBSCRIBE] = "missing_unsubscribe",
	[DOUBLE_CONNECT] = "double_connect",
	[UNINTRODUCED_MESSAGE] = "unintroduced_message",
	[INVALID_QOS_LEVEL] = "invalid_qos_level",
	[MISSING_MSG_ID] = "missing_msg_id",
	[UNASSIGNED_MSG_TYPE] = "unassigned_msg_type",
	[TOO_MANY_TRANSACTIONS] = "too_many_transactions",
	[MALFORMED_TRAFFIC] = "malformed_traffic",
	NULL,
};

static const char *const frames[] = {
	[FRAME_PDU] = "pdu",
	[FRAME_HEADER] = "header",
	[FRAME_DATA] = "data",
	NULL,
};

static const uint16_t ports[] = {1883, 0};

APP_PROTOCOL(mqtt) = {
	.name = "mqtt",
	.spec = "MQTT 5.0, MQTT 3.1.1, MQTT 3.1",
	.transports = APP_TCP,
	.ports = ports,
	.fields = app_mqtt_fields,
	.anomalies = anomalies,
	.frames = frames,
	.complete = {2, 2},
	.parser_bytes = sizeof(struct mqtt),
	.probe = probe,
	.parse = parse,
	.gap = gap,
	.log = app_mqtt_log,
	.log_configure = app_mqtt_log_configure,
	.configure = configure,
};
