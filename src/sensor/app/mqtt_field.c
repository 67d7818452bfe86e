/* SPDX-License-Identifier: Apache-2.0
 *
 * What rules ask of MQTT (Suricata 8.0.6 rules/mqtt-keywords), and EVE's mqtt event.
 */
#include "base/json.h"
#include "sensor/app/mqtt_priv.h"

enum { STRING_LOG_LIMIT = 1024, TOPICS_LOOKED_AT = 100 /* Suricata's *-topic-match-limit */ };

/* ---- rules ---- */

static const struct slice none = {NULL, 0};

static const struct mqtt_tx *of(struct app_tx *tx, enum app_dir dir)
{
	const struct mqtt_tx *m = tx->data;

	return m->dir == dir && m->count != 0 ? m : NULL;
}

/* The first message of the transaction, if it is of that type and was read. */
static const struct mqtt_message *first(struct app_tx *tx, enum app_dir dir, enum mqtt_type type)
{
	const struct mqtt_tx *m = of(tx, dir);

	return m != NULL && m->messages[0]->type == type && !m->messages[0]->truncated
		       ? m->messages[0]
		       : NULL;
}

static struct slice filled(struct slice s)
{
	return s.len != 0 ? s : none;
}

#define TEXT(name, kind, member)                                                                   \
	static struct slice name(struct app_tx *tx, enum app_dir dir, unsigned n)                  \
	{                                                                                          \
		const struct mqtt_message *m = first(tx, dir, kind);                               \
                                                                                                   \
		return n == 0 && m != NULL ? filled(m->member) : none;                             \
	}
TEXT(client_id, MQTT_CONNECT, client_id)
TEXT(username, MQTT_CONNECT, username)
TEXT(password, MQTT_CONNECT, password)
TEXT(will_topic, MQTT_CONNECT, will_topic)
TEXT(will_message, MQTT_CONNECT, will_message)
TEXT(protocol, MQTT_CONNECT, protocol)
TEXT(topic, MQTT_PUBLISH, topic)
TEXT(payload, MQTT_PUBLISH, payload)

static struct slice topic_of(struct app_tx *tx, enum app_dir dir, unsigned n, enum mqtt_type type)
{
	const struct mqtt_message *m = first(tx, dir, type);

	return m != NULL && n < m->topic_count && n < TOPICS_LOOKED_AT ? m->topics[n].name : none;
}

static struct slice subscribed(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return topic_of(tx, dir, n, MQTT_SUBSCRIBE);
}

static struct slice unsubscribed(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return topic_of(tx, dir, n, MQTT_UNSUBSCRIBE);
}

static struct slice numbers(const uint64_t *v, size_t count)
{
	return count == 0 ? none : (struct slice){(const uint8_t *)v, count * sizeof *v};
}

#define NUMBERS(name, member, n_of)                                                                \
	static struct slice name(struct app_tx *tx, enum app_dir dir, unsigned n)                  \
	{                                                                                          \
		const struct mqtt_tx *m = of(tx, dir);                                             \
                                                                                                   \
		return n == 0 && m != NULL ? numbers(member, n_of) : none;                         \
	}
NUMBERS(types, m->types, m->count)
NUMBERS(qos, m->qos, m->count)
NUMBERS(flags, m->flags, m->count)
NUMBERS(reasons, m->reasons, m->reason_count)
NUMBERS(version, &m->version, 1)
NUMBERS(connect_flags, &m->connect_flags, m->has_connect)
NUMBERS(session_present, &m->session_present, m->has_session_present)

static const struct app_word type_words[] = {
	{"unassigned", MQTT_UNASSIGNED},
	{"connect", MQTT_CONNECT},
	{"connack", MQTT_CONNACK},
	{"publish", MQTT_PUBLISH},
	{"puback", MQTT_PUBACK},
	{"pubrec", MQTT_PUBREC},
	{"pubrel", MQTT_PUBREL},
	{"pubcomp", MQTT_PUBCOMP},
	{"subscribe", MQTT_SUBSCRIBE},
	{"suback", MQTT_SUBACK},
	{"unsubscribe", MQTT_UNSUBSCRIBE},
	{"unsuback", MQTT_UNSUBACK},
	{"pingreq", MQTT_PINGREQ},
	{"pingresp", MQTT_PINGRESP},
	{"disconnect", MQTT_DISCONNECT},
	{"auth", MQTT_AUTH},
	{0},
};

static const struct app_word flag_words[] = {{"dup", 8}, {"retain", 1}, {0}};

static const struct app_word connect_flag_words[] = {
	{"username", MQTT_USERNAME},	       {"password", MQTT_PASSWORD},
	{"will_retain", MQTT_WILL_RETAIN},     {"will", MQTT_WILL},
	{"clean_session", MQTT_CLEAN_SESSION}, {0},
};

static const struct app_word truth_words[] = {{"yes", 1},   {"true", 1}, {"on", 1}, {"no", 0},
					      {"false", 0}, {"off", 0},	 {0}};

#define BYTES(name, get, doc)                                                                      \
	{                                                                                          \
		(name), 3, 0, false, false, (get), (doc)                                           \
	}
#define EACH(name, get, doc)                                                                       \
	{                                                                                          \
		(name), 3, 0, false, true, (get), (doc)                                            \
	}
/* Of all messages so far: they may grow until the transaction is complete. */
#define GROWING(name, get, doc, kind, words)                                                       \
	{                                                                                          \
		(name), 3, 1, true, false, (get), (doc), (kind), (words)                           \
	}

const struct app_field app_mqtt_fields[] = {
	GROWING("mqtt.type", types, "The types of the transaction's messages.", APP_NUMBERS,
		type_words),
	GROWING("mqtt.qos", qos, "Their quality of service.", APP_NUMBERS, NULL),
	GROWING("mqtt.flags", flags, "Their flags: dup, retain.", APP_FLAGS, flag_words),
	GROWING("mqtt.reason_code", reasons, "Their reason and return codes.", APP_NUMBERS, NULL),
	GROWING("mqtt.connack.session_present", session_present, "CONNACK: a session is there.",
		APP_NUMBERS, truth_words),
	{"mqtt.protocol_version", 3, 0, false, false, version, "The version that CONNECT named.",
	 APP_NUMBERS},
	{"mqtt.connect.flags", 3, 0, false, false, connect_flags, "The flags of CONNECT.",
	 APP_FLAGS, connect_flag_words},
	BYTES("mqtt.connect.clientid", client_id, "CONNECT: the client's identifier."),
	BYTES("mqtt.connect.username", username, "CONNECT: the user's name."),
	BYTES("mqtt.connect.password", password, "CONNECT: the password."),
	BYTES("mqtt.connect.willtopic", will_topic, "CONNECT: the topic of the will."),
	BYTES("mqtt.connect.willmessage", will_message, "CONNECT: the will."),
	BYTES("mqtt.connect.protocol_string", protocol, "CONNECT: the protocol's name."),
	BYTES("mqtt.publish.topic", topic, "PUBLISH: the topic."),
	BYTES("mqtt.publish.message", payload, "PUBLISH: the message."),
	EACH("mqtt.subscribe.topic", subscribed, "SUBSCRIBE: each topic."),
	EACH("mqtt.unsubscribe.topic", unsubscribed, "UNSUBSCRIBE: each topic."),
	{0},
};

/* ---- the event ---- */

struct mqtt_log_settings {
	uint64_t most; /* bytes of a text */
	bool passwords;
};

const void *app_mqtt_log_configure(struct config *root, struct config *node, struct arena *a)
{
	struct mqtt_log_settings *s = ARENA_NEW(a, struct mqtt_log_settings);

	(void)root;
	if (s == NULL)
		return NULL;
	s->most = config_size(node, "string-log-limit", STRING_LOG_LIMIT);
	s->passwords = config_bool(node, "passwords", true);
	return s;
}

static void value_text(struct json *j, struct slice s, uint64_t most)
{
	if (s.len <= most)
		json_str(j, s);
	else
		json_str(j, buf_text(j->out->arena, "%.*s[truncated %zu additional bytes]",
				     (int)most, (const char *)s.ptr, s.len - (size_t)most));
}

static void member_text(struct json *j, const char *key, struct slice s, uint64_t most)
{
	json_key(j, key);
	value_text(j, s, most);
}

static void member_number(struct json *j, const char *key, uint64_t v)
{
	json_key(j, key);
	json_u64(j, v);
}

static void member_bool(struct json *j, const char *key, bool v)
{
	json_key(j, key);
	json_bool(j, v);
}

static void log_properties(struct json *j, struct slice rest, uint64_t most)
{
	struct mqtt_property p;

	if (rest.len == 0)
		return;
	json_key(j, "properties");
	json_object(j);
	while (app_mqtt_property(&rest, &p)) {
		if (p.name != NULL && p.number)
			member_number(j, p.name, p.value);
		else if (p.name != NULL)
			member_text(j, p.name, p.text, most);
		else if (p.key.ptr != NULL) {
			json_key_slice(j, p.key);
			value_text(j, p.text, most);
		}
	}
	json_end(j);
}

static void log_connect(struct json *j, const struct mqtt_message *m,
			const struct mqtt_log_settings *s)
{
	member_text(j, "protocol_string", m->protocol, s->most);
	member_number(j, "protocol_version", m->version);
	member_text(j, "client_id", m->client_id, s->most);
	json_key(j, "flags");
	json_object(j);
	member_bool(j, "username", (m->flags & MQTT_USERNAME) != 0);
	member_bool(j, "password", (m->flags & MQTT_PASSWORD) != 0);
	member_bool(j, "will_retain", (m->flags & MQTT_WILL_RETAIN) != 0);
	member_bool(j, "will", (m->flags & MQTT_WILL) != 0);
	member_bool(j, "clean_session", (m->flags & MQTT_CLEAN_SESSION) != 0);
	json_end(j);
	if ((m->flags & MQTT_USERNAME) != 0)
		member_text(j, "username", m->username, s->most);
	if ((m->flags & MQTT_PASSWORD) != 0 && s->passwords)
		member_text(j, "password", m->password, s->most);
	if ((m->flags & MQTT_WILL) == 0)
		return;
	json_key(j, "will");
	json_object(j);
	member_text(j, "topic", m->will_topic, s->most);
	member_text(j, "message", m->will_message, s->most);
	log_properties(j, m->will_properties, s->most);
	json_end(j);
}

/* The limit is that of all topics together. */
static void log_topics(struct json *j, const struct mqtt_message *m, uint64_t most)
{
	bool cut = false;

	json_key(j, "topics");
	json_array(j);
	for (size_t i = 0; i < m->topic_count; i++) {
		struct slice topic = m->topics[i].name;

		if (most == 0) {
			cut = true;
			break;
		}
		if (m->type == MQTT_SUBSCRIBE) {
			json_object(j);
			member_text(j, "topic", topic, most);
			member_number(j, "qos", m->topics[i].qos);
			json_end(j);
		} else {
			value_text(j, topic, most);
		}
		cut = topic.len > most;
		most -= cut ? most : topic.len;
	}
	json_end(j);
	if (cut)
		member_bool(j, "topics_truncated", true);
}

static void log_codes(struct json *j, const char *key, struct slice codes)
{
	json_key(j, key);
	json_array(j);
	for (size_t i = 0; i < codes.len; i++)
		json_u64(j, codes.ptr[i]);
	json_end(j);
}

static void log_body(struct json *j, const struct mqtt_message *m,
		     const struct mqtt_log_settings *s)
{
	switch (m->type) {
	case MQTT_CONNECT:
		log_connect(j, m, s);
		break;
	case MQTT_CONNACK:
		member_bool(j, "session_present", m->session_present);
		member_number(j, "return_code", m->reason);
		break;
	case MQTT_PUBLISH:
		member_text(j, "topic", m->topic, s->most);
		if (m->has_id)
			member_number(j, "message_id", m->id);
		member_text(j, "message", m->payload, s->most);
		break;
	case MQTT_SUBSCRIBE:
	case MQTT_UNSUBSCRIBE:
		member_number(j, "message_id", m->id);
		log_topics(j, m, s->most);
		break;
	case MQTT_SUBACK:
		member_number(j, "message_id", m->id);
		log_codes(j, "qos_granted", m->codes);
		break;
	case MQTT_UNSUBACK:
		member_number(j, "message_id", m->id);
		if (m->codes.len != 0)
			log_codes(j, "reason_codes", m->codes);
		break;
	default:
		if (m->has_id)
			member_number(j, "message_id", m->id);
		if (m->has_reason)
			member_number(j, "reason_code", m->reason);
		break;
	}
	if (m->type != MQTT_SUBACK && m->type != MQTT_UNSUBSCRIBE && m->type != MQTT_UNSUBACK)
		log_properties(j, m->properties, s->most);
}

static void log_message(struct json *j, const struct mqtt_message *m,
			const struct mqtt_log_settings *s)
{
	if (m->type == MQTT_UNASSIGNED && !m->truncated)
		return;
	json_key(j, type_words[m->type].name);
	json_object(j);
	member_number(j, "qos", m->qos);
	member_bool(j, "retain", m->retain);
	member_bool(j, "dup", m->dup);
	if (m->truncated) {
		member_bool(j, "truncated", true);
		member_number(j, "skipped_length", m->skipped);
	} else {
		log_body(j, m, s);
	}
	json_end(j);
}

bool app_mqtt_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	static const struct mqtt_log_settings usual = {STRING_LOG_LIMIT, true};
	const struct mqtt_log_settings *s = r->making.asked != NULL ? r->making.asked : &usual;
	const struct mqtt_tx *m = tx->data;
	struct buf text = buf_in(scratch);
	struct json j = json_in(&text);

	if (n != 0)
		return false;
	json_object(&j);
	for (size_t i = 0; i < m->count; i++)
		log_message(&j, m->messages[i], s);
	json_end(&j);
	return !text.full && record_object(r, scratch, "mqtt", buf_slice(&text));
}
