/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/crypto.h"
#include "sensor/app/app_check.h"
#include "test.h"

extern const struct app_protocol app_ike;

enum { MESSAGE_MAX = 128 };

static struct slice unhex(const char *hex, uint8_t *out)
{
	size_t n = strlen(hex) / 2;

	ASSERT(n <= MESSAGE_MAX && crypto_hex_parse(slice_of(hex), n, out));
	return (struct slice){out, n};
}

/* Main mode: one proposal (AES-CBC, SHA, group 2, 86400 of something), a vendor id. */
static const char main_mode[] =
	"696e69747370693172657370737069310110020000000000000000580d00003000000001000000010000002401"
	"0100010000001c01010000800100078002000280040002000c0004000151800000000c76656e646f726964";
/* IKE_SA_INIT of a responder: AES-CBC, HMAC-SHA2-256, HMAC-SHA2-256-128, group 2. */
static const char sa_init[] =
	"696e69747370693172657370737069312120222000000000000000642200002c00000028010100040300000801"
	"00000c0300000802000005030000080300000c00000008040000022800000b000200006b6579290000096e6f6e"
	"63650000000800004004";

static struct slice said(struct app_talk *k, unsigned n, struct record *r)
{
	struct app_tx *tx = app_talk_tx(k, n);

	*r = (struct record){0};
	return tx != NULL && app_ike.log(tx, 0, &tx->arena, r) ? r->more[0].json
							       : (struct slice){NULL, 0};
}

static void version_1_says_what_was_chosen(struct test *t)
{
	uint8_t bytes[MESSAGE_MAX];
	struct slice m = unhex(main_mode, bytes);
	struct app_says says[] = {{.dir = APP_TO_SERVER, .bytes = m},
				  {.dir = APP_TO_CLIENT, .bytes = m}};
	struct record r;
	struct app_talk k;

	app_check_all(&app_ike, says, 2, 20);
	ASSERT(app_talk_open(&k, APP_UDP, 500, 0));
	app_talk_say(&k, APP_TO_SERVER, m, 0);
	app_talk_say(&k, APP_TO_CLIENT, m, 0);
	EXPECT(t,
	       slice_find(said(&k, 0, &r), SLICE("\"client\":{\"proposals\":[{\"alg_enc\":"
						 "\"EncAesCbc\",\"alg_enc_raw\":7,")) != SIZE_MAX);
	EXPECT_SLICE(
		t, said(&k, 1, &r),
		SLICE("{\"version_major\":1,\"version_minor\":0,\"init_spi\":\"696e697473706931\","
		      "\"resp_spi\":\"7265737073706931\",\"message_id\":0,\"exchange_type\":2,"
		      "\"alg_enc\":\"EncAesCbc\",\"alg_enc_raw\":7,\"alg_hash\":\"HashSha\","
		      "\"alg_hash_raw\":2,\"alg_dh\":\"GroupAlternate1024BitModpGroup\","
		      "\"alg_dh_raw\":2,\"sa_life_duration\":\"Unknown\",\"sa_life_duration_raw\":"
		      "86400,"
		      "\"payload\":[\"SecurityAssociation\",\"VendorID\"],\"ikev1\":{\"doi\":1,"
		      "\"encrypted_payloads\":false,\"client\":{},\"server\":{},\"vendor_ids\":["
		      "\"76656e646f726964\"]}}"));
	app_talk_close(&k);
}

static void version_2_judges_the_responders_choice(struct test *t)
{
	uint8_t bytes[MESSAGE_MAX];
	struct slice m = unhex(sa_init, bytes);
	struct record r;
	struct app_talk k;

	ASSERT(app_talk_open(&k, APP_UDP, 500, 0));
	app_talk_say(&k, APP_TO_CLIENT, m, 0);
	EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("weak_crypto_dh")));
	EXPECT(t, !app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("weak_crypto_enc")));
	EXPECT_SLICE(
		t, app_talk_field(app_talk_tx(&k, 0), APP_TO_CLIENT, SLICE("ike.nonce_payload"), 0),
		SLICE("nonce"));
	EXPECT_SLICE(
		t, said(&k, 0, &r),
		SLICE("{\"version_major\":2,\"version_minor\":0,\"init_spi\":\"696e697473706931\","
		      "\"resp_spi\":\"7265737073706931\",\"message_id\":0,\"exchange_type\":34,"
		      "\"role\":\"responder\",\"alg_enc\":\"ENCR_AES_CBC\",\"alg_auth\":"
		      "\"AUTH_HMAC_SHA2_256_128\",\"alg_prf\":\"PRF_HMAC_SHA2_256\",\"alg_dh\":"
		      "\"Modp1024\",\"alg_esn\":\"NoESN\",\"payload\":[\"SecurityAssociation\","
		      "\"KeyExchange\",\"Nonce\",\"Notify\"],\"ikev2\":{\"errors\":0,\"notify\":["
		      "16388]}}"));
	app_talk_close(&k);
}

static void a_cut_message_is_malformed(struct test *t)
{
	uint8_t bytes[MESSAGE_MAX];
	struct slice m = unhex(main_mode, bytes);
	struct app_talk k;

	for (size_t n = 1; n < m.len; n++) {
		ASSERT(app_talk_open(&k, APP_UDP, 500, 0));
		app_talk_say(&k, APP_TO_SERVER, m, 0);
		app_talk_say(&k, APP_TO_SERVER, slice_part(m, 0, n), 0);
		EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 1), SLICE("malformed_data")));
		app_talk_close(&k);
	}
}

TESTS(T(version_1_says_what_was_chosen), T(version_2_judges_the_responders_choice),
      T(a_cut_message_is_malformed))
