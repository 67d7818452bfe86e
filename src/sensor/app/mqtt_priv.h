/* SPDX-License-Identifier: Apache-2.0
 *
 * mqtt_priv.h - the messages of an MQTT transaction, between mqtt.c and mqtt_field.c.
 */
#ifndef DEW_SENSOR_APP_MQTT_PRIV_H
#define DEW_SENSOR_APP_MQTT_PRIV_H

#include "sensor/app/app.h"

enum mqtt_type { /* MQTT 5.0 2.1.2 */
		 MQTT_UNASSIGNED,
		 MQTT_CONNECT,
		 MQTT_CONNACK,
		 MQTT_PUBLISH,
		 MQTT_PUBACK,
		 MQTT_PUBREC,
		 MQTT_PUBREL,
		 MQTT_PUBCOMP,
		 MQTT_SUBSCRIBE,
		 MQTT_SUBACK,
		 MQTT_UNSUBSCRIBE,
		 MQTT_UNSUBACK,
		 MQTT_PINGREQ,
		 MQTT_PINGRESP,
		 MQTT_DISCONNECT,
		 MQTT_AUTH,
};

enum mqtt_connect_flag {
	MQTT_USERNAME = 0x80,
	MQTT_PASSWORD = 0x40,
	MQTT_WILL_RETAIN = 0x20,
	MQTT_WILL = 0x04,
	MQTT_CLEAN_SESSION = 0x02,
};

enum { MQTT_VERSION_5 = 5, MQTT_MESSAGES_MAX = 16 /* of one transaction; PUBLISH needs 4 */ };

/* What is subscribed, or no more. */
struct mqtt_topic {
	struct slice name;
	uint8_t qos; /* SUBSCRIBE: at most */
};

/* One message. Slices lie in its transaction's memory; ptr NULL: absent. */
struct mqtt_message {
	enum mqtt_type type;
	bool dup, retain;
	uint8_t qos;
	bool truncated; /* longer than app-layer.protocols.mqtt.max-msg-length: not read */
	uint64_t skipped;
	bool has_id, has_reason;
	uint16_t id;
	uint8_t reason; /* CONNACK: the return code */
	bool session_present;
	uint8_t version, flags; /* CONNECT */
	struct slice protocol, client_id, username, password, will_topic, will_message;
	struct slice will_properties, properties; /* as on the wire, checked, without length */
	struct slice topic, payload;		  /* PUBLISH; its topics or codes for others: */
	struct mqtt_topic *topics;		  /* SUBSCRIBE, UNSUBSCRIBE */
	size_t topic_count, topic_room;
	struct slice codes; /* SUBACK, UNSUBACK: a byte each */
};

struct mqtt_tx {
	enum app_dir dir; /* of its first message */
	bool open, has_id;
	uint32_t id;	  /* that its next message has */
	uint64_t version; /* of the session; 0: not known */
	size_t count;
	struct mqtt_message *messages[MQTT_MESSAGES_MAX];
	uint64_t types[MQTT_MESSAGES_MAX], qos[MQTT_MESSAGES_MAX], flags[MQTT_MESSAGES_MAX];
	uint64_t *reasons; /* of all messages */
	size_t reason_count, reason_room;
	uint64_t connect_flags, session_present;
	bool has_connect, has_session_present;
};

/* One property: MQTT 5.0 2.2.2.2. */
struct mqtt_property {
	uint32_t id;
	const char *name; /* NULL: a user property, or one that is not known */
	bool number;
	uint64_t value;
	struct slice key, text; /* key: of a user property */
};

/* Takes the next property out of *rest. False: it is malformed, or there is none. */
bool app_mqtt_property(struct slice *rest, struct mqtt_property *out);

/* mqtt_field.c */
extern const struct app_field app_mqtt_fields[];
bool app_mqtt_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r);
const void *app_mqtt_log_configure(struct config *root, struct config *node, struct arena *a);

#endif
