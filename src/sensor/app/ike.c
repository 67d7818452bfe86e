/* SPDX-License-Identifier: Apache-2.0
 *
 * IKE: RFC 2408 3 and RFC 2409 (version 1), RFC 7296 3 (version 2). One transaction a message. What
 * both sides said before (key exchange, nonce, the responder's choice) is kept with the flow, for
 * EVE repeats it with each message.
 */
#include "base/cursor.h"
#include "sensor/app/ike_priv.h"

enum ike_anomaly {
	MALFORMED,
	NO_ENCRYPTION,
	WEAK_ENC,
	WEAK_PRF,
	WEAK_DH,
	WEAK_AUTH,
	WEAK_NO_DH,
	WEAK_NO_AUTH,
	INVALID_PROPOSAL,
	UNKNOWN_PROPOSAL,
	EXTRA_DATA,
	MULTIPLE_PROPOSAL,
};

static void say(struct app_tx *tx, enum ike_anomaly a)
{
	tx->anomalies |= UINT64_C(1) << a;
}

/* --- version 1 --- */

static void read_attributes(struct cursor c, struct transform *t)
{
	while (cursor_left(&c) >= 4 && t->count < ATTRIBUTES_MAX) {
		struct attribute *a = &t->at[t->count];
		uint16_t type = cursor_be16(&c), value = cursor_be16(&c);

		*a = (struct attribute){.type = type & 0x7fff, .is_number = true, .number = value};
		if ((type & 0x8000) == 0) {
			a->is_number = value == 4;
			a->bytes = cursor_take(&c, value);
			if (!cursor_ok(&c))
				return;
			if (a->is_number)
				a->number = (uint32_t)a->bytes.ptr[0] << 24 |
					    (uint32_t)a->bytes.ptr[1] << 16 |
					    (uint32_t)a->bytes.ptr[2] << 8 | a->bytes.ptr[3];
		}
		t->count++;
	}
}

/* The payload in front of c, its generic header taken off; false: none, or cut. */
static bool next_payload(struct cursor *c, uint8_t *next, struct cursor *body)
{
	uint16_t length;

	*next = cursor_u8(c);
	(void)cursor_u8(c);
	length = cursor_be16(c);
	if (!cursor_ok(c) || length < 4)
		return false;
	*body = cursor_sub(c, length - 4u);
	return cursor_ok(body);
}

static bool read_v1_sa(struct app_tx *tx, struct ike *s, struct cursor c)
{
	struct ike_tx *d = tx->data;
	struct cursor proposal, body;
	uint8_t next;

	s->doi = cursor_be32(&c);
	s->has_doi = cursor_ok(&c);
	if (s->doi != 1)
		return s->has_doi;
	(void)cursor_be32(&c); /* situation */
	while (next_payload(&c, &next, &proposal)) {
		(void)cursor_be16(&proposal);				   /* number, protocol */
		(void)cursor_take(&proposal, cursor_be16(&proposal) >> 8); /* SPI */
		while (next_payload(&proposal, &next, &body) &&
		       d->transform_count < TRANSFORMS_MAX) {
			struct transform t = {0};

			(void)cursor_be32(&body); /* number, id, reserved */
			read_attributes(body, &t);
			if (!ARENA_PUSH(&tx->arena, d->transforms, d->transform_count,
					d->transform_room, t))
				return true;
		}
	}
	return true;
}

static void take_v1_payload(struct app_tx *tx, struct ike *s, uint8_t type, struct cursor body)
{
	struct ike_tx *d = tx->data;
	struct slice all = {body.at, cursor_left(&body)};

	switch (type) {
	case V1_SA:
		if (!read_v1_sa(tx, s, body))
			say(tx, MALFORMED);
		break;
	case V1_KE:
		d->key_exchange = arena_copy(&tx->arena, all);
		break;
	case V1_NONCE:
		d->nonce = arena_copy(&tx->arena, all);
		break;
	case V1_VENDOR:
		if (d->vendor_count < VENDORS_MAX)
			d->vendors[d->vendor_count++] = ike_hex(all, &tx->arena);
		break;
	default:
		break;
	}
}

/* Attributes of the transforms keep slices of the datagram: they are copied once all is read. */
static void keep_attributes(struct transform *t, struct arena *a)
{
	for (size_t i = 0; i < t->count; i++)
		t->at[i].bytes = arena_copy(a, t->at[i].bytes);
}

static bool has_payload(const struct ike_tx *d, uint8_t type)
{
	return memchr(d->payloads, type, d->payload_count) != NULL;
}

/* What this message adds to what is known of its sender. */
static void remember_v1(struct app_flow *f, struct app_tx *tx, struct ike *s)
{
	struct ike_tx *d = tx->data;
	struct ike_side *side = &s->side[d->dir];

	if (has_payload(d, V1_SA) && d->dir == APP_TO_CLIENT) {
		s->chosen_count = 0;
		s->chosen.count = 0;
	}
	side->key_exchange = ike_hex(d->key_exchange, f->arena);
	side->nonce = ike_hex(d->nonce, f->arena);
	if (d->dir != APP_TO_CLIENT)
		return;
	if (s->chosen_count <= 1 && s->chosen_count + d->transform_count > 1)
		say(tx, MULTIPLE_PROPOSAL);
	if (s->chosen_count == 0 && d->transform_count != 0) {
		s->chosen = d->transforms[0];
		keep_attributes(&s->chosen, f->arena);
	}
	s->chosen_count += d->transform_count;
}

static void read_v1(struct app_flow *f, struct app_tx *tx, uint8_t type, struct cursor c)
{
	struct ike *s = f->parser;
	struct ike_tx *d = tx->data;
	struct cursor body;
	uint8_t next;

	if ((d->flags & V1_ENCRYPTED) != 0)
		return;
	while (type != 0 && d->payload_count < PAYLOADS_MAX && next_payload(&c, &next, &body)) {
		if (!has_payload(d, type))
			d->payloads[d->payload_count++] = type;
		take_v1_payload(tx, s, type, body);
		type = next;
	}
	if (!cursor_ok(&c))
		say(tx, MALFORMED);
	else if (cursor_left(&c) != 0)
		say(tx, EXTRA_DATA);
	for (size_t i = 0; i < d->transform_count; i++)
		keep_attributes(&d->transforms[i], &tx->arena);
	remember_v1(f, tx, s);
}

/* --- version 2 --- */

static bool is_one_of(uint16_t v, const uint16_t *list, size_t n)
{
	while (n-- > 0)
		if (list[n] == v)
			return true;
	return false;
}

/* Choices that RFC 8247 (and the field before it) calls too weak. */
static void judge_v2(struct app_tx *tx, const struct ike *s)
{
	static const uint16_t enc[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 11}, prf[] = {1, 2},
			      auth[] = {1, 3, 4}, dh[] = {1, 2, 5, 22};
	const uint16_t *v = s->v2;

	if (v[TRANSFORM_ENCR] == 11)
		say(tx, NO_ENCRYPTION);
	if (is_one_of(v[TRANSFORM_ENCR], enc, sizeof enc / sizeof enc[0]))
		say(tx, WEAK_ENC);
	if (is_one_of(v[TRANSFORM_PRF], prf, sizeof prf / sizeof prf[0]))
		say(tx, WEAK_PRF);
	if (v[TRANSFORM_DH] == 0)
		say(tx, WEAK_NO_DH);
	else if (is_one_of(v[TRANSFORM_DH], dh, sizeof dh / sizeof dh[0]))
		say(tx, WEAK_DH);
	if (is_one_of(v[TRANSFORM_INTEG], auth, sizeof auth / sizeof auth[0]))
		say(tx, WEAK_AUTH);
	/* encryption that authenticates itself (GCM, CCM, ChaCha20) needs no other */
	if (v[TRANSFORM_INTEG] == 0 && !(v[TRANSFORM_ENCR] >= 14 && v[TRANSFORM_ENCR] <= 20) &&
	    v[TRANSFORM_ENCR] != 28)
		say(tx, WEAK_NO_AUTH);
}

/* The responder's one proposal is its choice. */
static void read_v2_sa(struct app_tx *tx, struct ike *s, struct cursor c)
{
	const struct ike_tx *d = tx->data;
	struct cursor proposal, body;
	unsigned proposals = 0;
	uint8_t next;

	if ((d->flags & V2_INITIATOR) != 0)
		return;
	memset(s->v2, 0, sizeof s->v2);
	while (next_payload(&c, &next, &proposal)) {
		uint8_t spi;

		(void)cursor_be16(&proposal); /* number, protocol */
		spi = cursor_u8(&proposal);
		(void)cursor_u8(&proposal);
		(void)cursor_take(&proposal, spi);
		while (next_payload(&proposal, &next, &body)) {
			uint8_t type = cursor_u8(&body);
			uint16_t id = (uint16_t)(cursor_be(&body, 3) & 0xffff);

			if (cursor_ok(&body) && type >= TRANSFORM_ENCR && type <= TRANSFORM_ESN)
				s->v2[type] = id;
			else
				say(tx, UNKNOWN_PROPOSAL);
		}
		proposals++;
	}
	s->has_chosen_v2 = proposals != 0;
	if (proposals > 1)
		say(tx, INVALID_PROPOSAL);
	if (s->has_chosen_v2)
		judge_v2(tx, s);
}

static void read_v2(struct app_flow *f, struct app_tx *tx, uint8_t type, struct cursor c)
{
	struct ike *s = f->parser;
	struct ike_tx *d = tx->data;
	struct cursor body;
	uint8_t next;

	while (type != 0 && d->payload_count < PAYLOADS_MAX && next_payload(&c, &next, &body)) {
		struct slice all = {body.at, cursor_left(&body)};

		d->payloads[d->payload_count++] = type;
		if (type == V2_SA) {
			read_v2_sa(tx, s, body);
		} else if (type == V2_KE) {
			d->key_exchange = arena_copy(&tx->arena, slice_from(all, 4));
		} else if (type == V2_NONCE) {
			d->nonce = arena_copy(&tx->arena, all);
		} else if (type == V2_VENDOR && d->vendor_count < VENDORS_MAX) {
			d->vendors[d->vendor_count++] = ike_hex(all, &tx->arena);
		} else if (type == V2_NOTIFY) {
			(void)cursor_be16(&body);
			d->notify[d->notify_count++] = cursor_be16(&body);
		}
		if (type == V2_SEALED)
			return; /* what `next` says stands inside */
		type = next;
	}
	if (!cursor_ok(&c))
		say(tx, MALFORMED);
	else if (cursor_left(&c) != 0)
		say(tx, EXTRA_DATA);
}

/* --- messages --- */

/* The chosen attributes as pairs of numbers. */
static void note_chosen(struct app_tx *tx, const struct ike *s)
{
	static const uint16_t v1_of_v2[] = {0, 1, 13, 3, 4}; /* as attributes of version 1 */
	struct ike_tx *d = tx->data;
	uint64_t *pairs = ARENA_ARRAY(&tx->arena, uint64_t, 2 * (ATTRIBUTES_MAX + TRANSFORM_ESN));
	size_t n = 0;

	if (pairs == NULL)
		return;
	for (size_t i = 0; d->major == 1 && s->chosen_count != 0 && i < s->chosen.count; i++)
		if (s->chosen.at[i].is_number) {
			pairs[n++] = s->chosen.at[i].type;
			pairs[n++] = s->chosen.at[i].number;
		}
	for (size_t i = TRANSFORM_ENCR; d->major == 2 && s->has_chosen_v2 && i <= TRANSFORM_DH;
	     i++) {
		pairs[n++] = v1_of_v2[i];
		pairs[n++] = s->v2[i];
	}
	if (n != 0)
		d->chosen = (struct slice){(const uint8_t *)pairs, n * sizeof *pairs};
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct ike *s = f->parser;
	struct cursor c = cursor_of(input);
	struct app_tx *tx = app_tx_new(f, sizeof(struct ike_tx));
	struct ike_tx *d;
	struct slice init, resp;
	uint8_t next, version;

	(void)eof;
	if (tx == NULL)
		return (struct app_result){APP_STUCK, 0};
	tx->dirs = (uint8_t)(1u << dir);
	d = tx->data;
	d->state = s;
	d->dir = dir;
	init = cursor_take(&c, SPI_BYTES);
	resp = cursor_take(&c, SPI_BYTES);
	next = cursor_u8(&c);
	version = cursor_u8(&c);
	d->exchange = cursor_u8(&c);
	d->flags = cursor_u8(&c);
	d->message_id = cursor_be32(&c);
	(void)cursor_be32(&c);
	d->major = version >> 4;
	d->minor = version & 15;
	if (!cursor_ok(&c)) {
		d->init_spi = d->resp_spi = SLICE("0000000000000000"); /* as Suricata has it */
		say(tx, MALFORMED);
	} else {
		d->init_spi = ike_hex(init, &tx->arena);
		d->resp_spi = ike_hex(resp, &tx->arena);
		if (d->major == 1)
			read_v1(f, tx, next, c);
		else
			read_v2(f, tx, next, c);
	}
	d->key_length = d->key_exchange.len;
	d->nonce_length = d->nonce.len;
	memcpy(d->side, s->side, sizeof d->side);
	note_chosen(tx, s);
	app_tx_advance(tx, APP_TO_SERVER, 1);
	app_tx_advance(tx, APP_TO_CLIENT, 1);
	return (struct app_result){APP_OK, input.len};
}

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	struct cursor c = cursor_of(in);
	uint8_t version, exchange;
	uint32_t length;

	(void)f;
	(void)dir;
	(void)cursor_take(&c, 2 * SPI_BYTES + 1);
	version = cursor_u8(&c);
	exchange = cursor_u8(&c);
	(void)cursor_take(&c, 5);
	length = cursor_be32(&c);
	if (!port_hint || !cursor_ok(&c) || length != in.len)
		return APP_NO;
	if (version == 0x20)
		return exchange >= 34 && exchange <= 37 ? APP_YES : APP_NO;
	return version == 0x10 ? APP_YES : APP_NO;
}

#define NONE ((struct slice){NULL, 0})
#define GETTER(name, value, there)                                                                 \
	static struct slice name(struct app_tx *tx, enum app_dir dir, unsigned n)                  \
	{                                                                                          \
		const struct ike_tx *d = tx->data;                                                 \
                                                                                                   \
		return d->dir == dir && (there) ? (value) : NONE;                                  \
	}

GETTER(get_init, d->init_spi, n == 0)
GETTER(get_resp, d->resp_spi, n == 0)
GETTER(get_exchange, app_number(&d->exchange), n == 0)
GETTER(get_vendor, d->vendors[n], n < d->vendor_count)
GETTER(get_key, d->key_exchange, n == 0)
GETTER(get_key_length, app_number(&d->key_length), n == 0 && d->key_length != 0)
GETTER(get_nonce, d->nonce, n == 0)
GETTER(get_nonce_length, app_number(&d->nonce_length), n == 0 && d->nonce_length != 0)
GETTER(get_chosen, d->chosen, n == 0)

static const struct app_field fields[] = {
	{"ike.init_spi", 1, 0, false, false, get_init, "The initiator's SPI in hexadecimal."},
	{"ike.resp_spi", 2, 0, false, false, get_resp, "The responder's SPI in hexadecimal."},
	{"ike.vendor", 1, 0, false, true, get_vendor, "Each vendor id in hexadecimal."},
	{"ike.key_exchange_payload", 3, 0, false, false, get_key, "The key exchange data."},
	{"ike.nonce_payload", 3, 0, false, false, get_nonce, "The nonce."},
	{"ike.exchtype", 3, 0, false, false, get_exchange, "The exchange type.", APP_NUMBERS},
	{"ike.key_exchange_payload_length", 3, 0, false, false, get_key_length,
	 "Bytes of the key exchange data.", APP_NUMBERS},
	{"ike.nonce_payload_length", 3, 0, false, false, get_nonce_length, "Bytes of the nonce.",
	 APP_NUMBERS},
	{"ike.chosen", 2, 0, false, false, get_chosen,
	 "What ike.chosen_sa_attribute compares: type and value of each attribute chosen, 8 bytes "
	 "each."},
	{0},
};

static const char *const anomalies[] = {
	[MALFORMED] = "malformed_data",
	[NO_ENCRYPTION] = "no_encryption",
	[WEAK_ENC] = "weak_crypto_enc",
	[WEAK_PRF] = "weak_crypto_prf",
	[WEAK_DH] = "weak_crypto_dh",
	[WEAK_AUTH] = "weak_crypto_auth",
	[WEAK_NO_DH] = "weak_crypto_no_dh",
	[WEAK_NO_AUTH] = "weak_crypto_no_auth",
	[INVALID_PROPOSAL] = "invalid_proposal",
	[UNKNOWN_PROPOSAL] = "unknown_proposal",
	[EXTRA_DATA] = "payload_extra_data",
	[MULTIPLE_PROPOSAL] = "multiple_server_proposal",
	NULL,
};

/* As Suricata's rules write them. */
static const struct app_word synonyms[] = {
	{"weak_crypto_nodh", WEAK_NO_DH}, {"weak_crypto_noauth", WEAK_NO_AUTH}, {0}};

static const uint16_t ports[] = {500, 0};

APP_PROTOCOL(ike) = {
	.name = "ike",
	.spec = "RFC 7296, RFC 2408, RFC 2409",
	.transports = APP_UDP,
	.ports = ports,
	.fields = fields,
	.anomalies = anomalies,
	.synonyms = synonyms,
	.complete = {1, 1},
	.parser_bytes = sizeof(struct ike),
	.probe = probe,
	.parse = parse,
	.log = app_ike_log,
};
