/* SPDX-License-Identifier: Apache-2.0
 *
 * IKE: RFC 2408 3 and RFC 2409 (version 1), RFC 7296 3 (version 2). One transaction a message. What
 * both sides said before (key exchange, nonce, the responder's choice) is kept with the flow, for
 * EVE repeats it with each message.
 */
#include "base/cursor.h"
#include "base/json.h"
#include "crypto/crypto.h"
#include "sensor/app/app.h"

enum {
	HEADER_BYTES = 28,
	SPI_BYTES = 8,
	PAYLOADS_MAX = 64,   /* of one message */
	VENDORS_MAX = 32,    /* the same */
	TRANSFORMS_MAX = 64, /* the same */
	ATTRIBUTES_MAX = 24, /* of one transform */
	V1_ENCRYPTED = 1,    /* flags */
	V2_INITIATOR = 8,
	V1_SA = 1,
	V1_KE = 4,
	V1_NONCE = 10,
	V1_VENDOR = 13,
	V2_SA = 33,
	V2_KE = 34,
	V2_NONCE = 40,
	V2_NOTIFY = 41,
	V2_VENDOR = 43,
	V2_SEALED = 46,
	TRANSFORM_ENCR = 1,
	TRANSFORM_PRF,
	TRANSFORM_INTEG,
	TRANSFORM_DH,
	TRANSFORM_ESN,
};

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

struct attribute {
	uint16_t type;
	bool is_number;
	uint32_t number;
	struct slice bytes; /* otherwise */
};

struct transform {
	struct attribute at[ATTRIBUTES_MAX];
	size_t count;
};

struct ike_side {
	struct slice key_exchange, nonce; /* of its last message that had them */
};

struct ike {
	struct ike_side side[2];
	struct transform chosen; /* version 1: the responder's first */
	uint64_t chosen_count;
	uint64_t doi;
	bool has_doi, has_chosen_v2;
	uint16_t v2[TRANSFORM_ESN + 1]; /* the responder's transforms by type */
};

struct ike_tx {
	const struct ike *state; /* the flow's: outlives the transaction */
	enum app_dir dir;
	uint8_t major, minor, flags;
	uint8_t init_spi[SPI_BYTES], resp_spi[SPI_BYTES];
	uint32_t message_id;
	uint64_t exchange, key_length, nonce_length;
	struct slice key_exchange, nonce;
	uint8_t payloads[PAYLOADS_MAX];
	size_t payload_count;
	struct slice vendors[VENDORS_MAX]; /* in hexadecimal */
	size_t vendor_count;
	struct transform *transforms;
	size_t transform_count, transform_room;
	uint16_t notify[PAYLOADS_MAX];
	size_t notify_count;
	struct slice chosen;	 /* what ike.chosen_sa_attribute compares */
	struct ike_side side[2]; /* as known with this message */
};

static void say(struct app_tx *tx, enum ike_anomaly a)
{
	tx->anomalies |= UINT64_C(1) << a;
}

static struct slice hex_of(struct slice s, struct arena *a)
{
	struct buf b = buf_in(a);

	crypto_hex_add(s, &b);
	return buf_slice(&b);
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
			d->vendors[d->vendor_count++] = hex_of(all, &tx->arena);
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
	side->key_exchange = hex_of(d->key_exchange, f->arena);
	side->nonce = hex_of(d->nonce, f->arena);
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
			d->vendors[d->vendor_count++] = hex_of(all, &tx->arena);
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
		say(tx, MALFORMED);
	} else {
		memcpy(d->init_spi, init.ptr, SPI_BYTES);
		memcpy(d->resp_spi, resp.ptr, SPI_BYTES);
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

/* --- what it says --- */

static const char *name_of(const struct app_word *w, uint64_t v)
{
	for (; w->name != NULL; w++)
		if (w->value == v)
			return w->name;
	return NULL;
}

static const struct app_word attribute_names[] = {
	{"alg_enc", 1},
	{"alg_hash", 2},
	{"alg_auth", 3},
	{"alg_dh", 4},
	{"sa_group_type", 5},
	{"sa_group_prime", 6},
	{"sa_group_generator_one", 7},
	{"sa_group_generator_two", 8},
	{"sa_group_curve_a", 9},
	{"sa_group_curve_b", 10},
	{"sa_life_type", 11},
	{"sa_life_duration", 12},
	{"alg_prf", 13},
	{"sa_key_length", 14},
	{"sa_field_size", 15},
	{"sa_group_order", 16},
	{0},
};

/* Values of IANA's ipsec-registry, by attribute type */
static const struct app_word enc_values[] = {
	{"EncDesCbc", 1},	{"EncIdeaCbc", 2},	{"EncBlowfishCbc", 3},
	{"EncRc5R16B64Cbc", 4}, {"EncTripleDesCbc", 5}, {"EncCastCbc", 6},
	{"EncAesCbc", 7},	{"EncCamelliaCbc", 8},	{0},
};
static const struct app_word hash_values[] = {
	{"HashMd5", 1},
	{"HashSha", 2},
	{"HashTiger", 3},
	{"HashSha2_256", 4},
	{"HashSha2_384", 5},
	{"HashSha2_512", 6},
	{0},
};
static const struct app_word auth_values[] = {
	{"AuthPreSharedKey", 1},
	{"AuthDssSignatures", 2},
	{"AuthRsaSignatures", 3},
	{"AuthEncryptionWithRsa", 4},
	{"AuthRevisedEncryptionWithRsa", 5},
	{"AuthReserved", 6},
	{"AuthReserved", 7},
	{"AuthReserved", 8},
	{"AuthEcdsaSha256", 9},
	{"AuthEcdsaSha384", 10},
	{"AuthEcdsaSha512", 11},
	{0},
};
static const struct app_word group_values[] = {
	{"GroupDefault768BitModp", 1},
	{"GroupAlternate1024BitModpGroup", 2},
	{"GroupEc2nOnGp2p155", 3},
	{"GroupEc2nOnGp2p185", 4},
	{"GroupModp1536Bit", 5},
	{"GroupEc2nOverGf2p163", 6},
	{"GroupEc2nOverGf2p163", 7},
	{"GroupEc2nOverGf2p283", 8},
	{"GroupEc2nOverGf2p283", 9},
	{"GroupEc2nOverGf2p409", 10},
	{"GroupEc2nOverGf2p409", 11},
	{"GroupEc2nOverGf2p571", 12},
	{"GroupEc2nOverGf2p571", 13},
	{"GroupModp2048Bit", 14},
	{"GroupModp3072Bit", 15},
	{"GroupModp4096Bit", 16},
	{"GroupModp6144Bit", 17},
	{"GroupModp8192Bit", 18},
	{"GroupRandomEcp256", 19},
	{"GroupRandomEcp384", 20},
	{"GroupRandomEcp521", 21},
	{"GroupModp1024With160BitPrime", 22},
	{"GroupModp2048With224BitPrime", 23},
	{"GroupModp2048With256BitPrime", 24},
	{"GroupRandomEcp192", 25},
	{"GroupRandomEcp224", 26},
	{"GroupBrainpoolEcp224", 27},
	{"GroupBrainpoolEcp256", 28},
	{"GroupBrainpoolEcp384", 29},
	{"GroupBrainpoolEcp512", 30},
	{0},
};
static const struct app_word life_values[] = {
	{"LifeTypeSeconds", 1}, {"LifeTypeKilobytes", 2}, {0}};

static const struct app_word v1_payloads[] = {
	{"None", 0},
	{"SecurityAssociation", 1},
	{"Proposal", 2},
	{"Transform", 3},
	{"KeyExchange", 4},
	{"Identification", 5},
	{"Certificate", 6},
	{"CertificateRequest", 7},
	{"Hash", 8},
	{"Signature", 9},
	{"Nonce", 10},
	{"Notification", 11},
	{"Delete", 12},
	{"VendorID", 13},
	{"SaKekPayload", 15},
	{"SaTekPayload", 16},
	{"KeyDownload", 17},
	{"SequenceNumber", 18},
	{"NatDiscovery", 20},
	{"NatOriginalAddress", 21},
	{"GroupAssociatedPolicy", 22},
	{0},
};
static const struct app_word v2_payloads[] = {
	{"SecurityAssociation", 33},
	{"KeyExchange", 34},
	{"IdentInitiator", 35},
	{"IdentResponder", 36},
	{"Certificate", 37},
	{"CertificateRequest", 38},
	{"Authentication", 39},
	{"Nonce", 40},
	{"Notify", 41},
	{"Delete", 42},
	{"VendorID", 43},
	{"TrafficSelectorInitiator", 44},
	{"TrafficSelectorResponder", 45},
	{"EncryptedAndAuthenticated", 46},
	{"Configuration", 47},
	{"ExtensibleAuthentication", 48},
	{0},
};

static const struct app_word v2_enc[] = {
	{"ENCR_DES_IV64", 1},
	{"ENCR_DES", 2},
	{"ENCR_3DES", 3},
	{"ENCR_RC5", 4},
	{"ENCR_IDEA", 5},
	{"ENCR_CAST", 6},
	{"ENCR_BLOWFISH", 7},
	{"ENCR_3IDEA", 8},
	{"ENCR_DES_IV32", 9},
	{"ENCR_NULL", 11},
	{"ENCR_AES_CBC", 12},
	{"ENCR_AES_CTR", 13},
	{"ENCR_AES_CCM_8", 14},
	{"ENCR_AES_CCM_12", 15},
	{"ENCR_AES_CCM_16", 16},
	{"ENCR_AES_GCM_8", 18},
	{"ENCR_AES_GCM_12", 19},
	{"ENCR_AES_GCM_16", 20},
	{"ENCR_CAMELLIA_CBC", 23},
	{"ENCR_CHACHA20_POLY1305", 28},
	{0},
};
static const struct app_word v2_prf[] = {
	{"PRF_NULL", 0},	  {"PRF_HMAC_MD5", 1},
	{"PRF_HMAC_SHA1", 2},	  {"PRF_HMAC_TIGER", 3},
	{"PRF_AES128_XCBC", 4},	  {"PRF_HMAC_SHA2_256", 5},
	{"PRF_HMAC_SHA2_384", 6}, {"PRF_HMAC_SHA2_512", 7},
	{"PRF_AES128_CMAC", 8},	  {0},
};
static const struct app_word v2_auth[] = {
	{"NONE", 0},
	{"AUTH_HMAC_MD5_96", 1},
	{"AUTH_HMAC_SHA1_96", 2},
	{"AUTH_DES_MAC", 3},
	{"AUTH_KPDK_MD5", 4},
	{"AUTH_AES_XCBC_96", 5},
	{"AUTH_HMAC_MD5_128", 6},
	{"AUTH_HMAC_SHA1_160", 7},
	{"AUTH_AES_CMAC_96", 8},
	{"AUTH_AES_128_GMAC", 9},
	{"AUTH_AES_192_GMAC", 10},
	{"AUTH_AES_256_GMAC", 11},
	{"AUTH_HMAC_SHA2_256_128", 12},
	{"AUTH_HMAC_SHA2_384_192", 13},
	{"AUTH_HMAC_SHA2_512_256", 14},
	{0},
};
static const struct app_word v2_dh[] = {
	{"None", 0},	      {"Modp768", 1},	    {"Modp1024", 2},	  {"Modp1536", 5},
	{"Modp2048", 14},     {"Modp3072", 15},	    {"Modp4096", 16},	  {"Modp6144", 17},
	{"Modp8192", 18},     {"Ecp256", 19},	    {"Ecp384", 20},	  {"Ecp521", 21},
	{"Modp1024s160", 22}, {"Modp2048s224", 23}, {"Modp2048s256", 24}, {"Ecp192", 25},
	{"Ecp224", 26},	      {"Curve25519", 31},   {"Curve448", 32},	  {0},
};
static const struct app_word v2_esn[] = {{"NoESN", 0}, {"ESN", 1}, {0}};

static void put_name(struct json *j, const struct app_word *words, uint64_t v)
{
	const char *name = name_of(words, v);

	if (name != NULL)
		json_z(j, name);
	else
		json_str(j, buf_text(j->out->arena, "unknown-%llu", (unsigned long long)v));
}

static const char *value_name(const struct attribute *a)
{
	static const struct app_word *const values[] = {[1] = enc_values,
							[2] = hash_values,
							[3] = auth_values,
							[4] = group_values,
							[11] = life_values};
	const char *name = NULL;

	if (a->is_number && a->type < sizeof values / sizeof values[0] && values[a->type] != NULL)
		name = name_of(values[a->type], a->number);
	return name != NULL ? name : "Unknown";
}

static void put_attributes(struct json *j, const struct transform *t)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct attribute *a = &t->at[i];
		const char *name = name_of(attribute_names, a->type);

		if (name == NULL)
			name = "unknown";
		json_key(j, name);
		json_z(j, value_name(a));
		json_key_slice(j, buf_text(j->out->arena, "%s_raw", name));
		if (a->is_number)
			json_u64(j, a->number);
		else
			json_str(j, hex_of(a->bytes, j->out->arena));
	}
}

static void put_proposals(struct json *j, const char *key, const struct ike_tx *d)
{
	json_key(j, key);
	json_array(j);
	for (size_t i = 0; i < d->transform_count; i++) {
		json_object(j);
		put_attributes(j, &d->transforms[i]);
		json_end(j);
	}
	json_end(j);
}

static void put_side(struct json *j, const char *key, const struct ike_tx *d, enum app_dir dir)
{
	const struct ike_side *s = &d->side[dir];

	json_key(j, key);
	json_object(j);
	if (s->key_exchange.len != 0) {
		json_key(j, "key_exchange_payload");
		json_str(j, s->key_exchange);
		json_member_u64(j, "key_exchange_payload_length", s->key_exchange.len / 2);
	}
	if (s->nonce.len != 0) {
		json_key(j, "nonce_payload");
		json_str(j, s->nonce);
		json_member_u64(j, "nonce_payload_length", s->nonce.len / 2);
	}
	if (dir == APP_TO_SERVER && d->dir == dir && d->transform_count != 0)
		put_proposals(j, "proposals", d);
	json_end(j);
}

static void put_v1(struct json *j, const struct ike_tx *d)
{
	bool sealed = (d->flags & V1_ENCRYPTED) != 0;

	json_key(j, "ikev1");
	json_object(j);
	if (d->state->has_doi)
		json_member_u64(j, "doi", d->state->doi);
	json_key(j, "encrypted_payloads");
	json_bool(j, sealed);
	if (!sealed) {
		put_side(j, "client", d, APP_TO_SERVER);
		put_side(j, "server", d, APP_TO_CLIENT);
		if (d->vendor_count != 0) {
			json_key(j, "vendor_ids");
			json_array(j);
			for (size_t i = 0; i < d->vendor_count; i++)
				json_str(j, d->vendors[i]);
			json_end(j);
		}
	}
	json_end(j);
}

static void put_v2_choice(struct json *j, const struct ike_tx *d)
{
	const uint16_t *v = d->state->v2;

	json_key(j, "role");
	json_z(j, (d->flags & V2_INITIATOR) != 0 ? "initiator" : "responder");
	if ((d->flags & V2_INITIATOR) != 0)
		return;
	json_key(j, "alg_enc");
	put_name(j, v2_enc, v[TRANSFORM_ENCR]);
	json_key(j, "alg_auth");
	put_name(j, v2_auth, v[TRANSFORM_INTEG]);
	json_key(j, "alg_prf");
	put_name(j, v2_prf, v[TRANSFORM_PRF]);
	json_key(j, "alg_dh");
	put_name(j, v2_dh, v[TRANSFORM_DH]);
	json_key(j, "alg_esn");
	put_name(j, v2_esn, v[TRANSFORM_ESN]);
}

static void put_v2(struct json *j, const struct ike_tx *d)
{
	unsigned errors = 0;

	for (size_t i = 0; i < d->notify_count; i++)
		errors += d->notify[i] < 16384; /* RFC 7296 3.10.1: below are errors */
	json_key(j, "ikev2");
	json_object(j);
	json_member_u64(j, "errors", errors);
	if (d->notify_count != 0) {
		json_key(j, "notify");
		json_array(j);
		for (size_t i = 0; i < d->notify_count; i++)
			json_u64(j, d->notify[i]);
		json_end(j);
	}
	json_end(j);
}

static bool log_ike(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct ike_tx *d = tx->data;
	struct buf text = buf_in(scratch);
	struct json j = json_in(&text);

	if (n != 0 || d->major == 0)
		return false;
	r->making.of_packet = true;
	json_object(&j);
	json_member_u64(&j, "version_major", d->major);
	json_member_u64(&j, "version_minor", d->minor);
	json_key(&j, "init_spi");
	json_str(&j, hex_of((struct slice){d->init_spi, SPI_BYTES}, scratch));
	json_key(&j, "resp_spi");
	json_str(&j, hex_of((struct slice){d->resp_spi, SPI_BYTES}, scratch));
	json_member_u64(&j, "message_id", d->message_id);
	json_member_u64(&j, "exchange_type", d->exchange);
	if (d->major == 1 && d->state->chosen_count != 0)
		put_attributes(&j, &d->state->chosen);
	if (d->major == 1 && d->dir == APP_TO_CLIENT && d->transform_count > 1)
		put_proposals(&j, "server_proposals", d);
	if (d->major == 2)
		put_v2_choice(&j, d);
	json_key(&j, "payload");
	json_array(&j);
	for (size_t i = 0; i < d->payload_count; i++)
		put_name(&j, d->major == 1 ? v1_payloads : v2_payloads, d->payloads[i]);
	json_end(&j);
	if (d->major == 1)
		put_v1(&j, d);
	else
		put_v2(&j, d);
	json_end(&j);
	return !text.full && record_object(r, scratch, "ike", buf_slice(&text));
}

#define NONE ((struct slice){NULL, 0})
#define GETTER(name, value, there)                                                                 \
	static struct slice name(struct app_tx *tx, enum app_dir dir, unsigned n)                  \
	{                                                                                          \
		const struct ike_tx *d = tx->data;                                                 \
                                                                                                   \
		return d->dir == dir && (there) ? (value) : NONE;                                  \
	}
#define BYTES(member) ((struct slice){d->member, SPI_BYTES})

GETTER(get_init, hex_of(BYTES(init_spi), &tx->arena), n == 0)
GETTER(get_resp, hex_of(BYTES(resp_spi), &tx->arena), n == 0)
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

static const uint16_t ports[] = {500, 0};

APP_PROTOCOL(ike) = {
	.name = "ike",
	.spec = "RFC 7296, RFC 2408, RFC 2409",
	.transports = APP_UDP,
	.ports = ports,
	.fields = fields,
	.anomalies = anomalies,
	.complete = {1, 1},
	.parser_bytes = sizeof(struct ike),
	.probe = probe,
	.parse = parse,
	.log = log_ike,
};
