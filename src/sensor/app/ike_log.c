/* SPDX-License-Identifier: Apache-2.0
 * The ike event: names of IANA's registries as Suricata's EVE writes them. */
#include "base/json.h"
#include "sensor/app/ike_priv.h"

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
	const char *name = app_word_name(words, v);

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
		name = app_word_name(values[a->type], a->number);
	return name != NULL ? name : "Unknown";
}

static void put_attributes(struct json *j, const struct transform *t)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct attribute *a = &t->at[i];
		const char *name = app_word_name(attribute_names, a->type);

		if (name == NULL)
			name = "unknown";
		json_key(j, name);
		json_z(j, value_name(a));
		json_key_slice(j, buf_text(j->out->arena, "%s_raw", name));
		if (a->is_number)
			json_u64(j, a->number);
		else
			json_str(j, ike_hex(a->bytes, j->out->arena));
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

bool app_ike_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
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
	json_str(&j, d->init_spi);
	json_key(&j, "resp_spi");
	json_str(&j, d->resp_spi);
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
