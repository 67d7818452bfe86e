/* SPDX-License-Identifier: Apache-2.0
 * Packets sealed with the keys of RFC 9001 A.1 (connection 0x8394c8f03e515708) by another
 * implementation of AES-GCM. */
#include "crypto/crypto.h"
#include "sensor/app/app_check.h"
#include "test.h"

extern const struct app_protocol app_quic;

/* The second part of a client's hello, behind a PING; its first part; the server's hello behind an
 * ACK. */
static const char first[] =
	"c300000001088394c8f03e515708000040448341b2399ab178b026d0a44e95c6aa77c3221e10f2ab501e7a9f13"
	"c70ff7"
	"566cd10c65e46b440875314f170cfb12f4e771e9026859bfc49fdf4e8b03143e2d994aae6832";
static const char second[] = "ca00000001088394c8f03e5157080000403dc76c3aeb940687c281e2de9ca5307fe22"
			     "065608282a9fc6c058aef3444f7"
			     "4d10e72fccdce2554fab9a9f222434c6cb04717d71de994027f88f2bcd25ac";
static const char server[] =
	"c600000001000373727600404c6baa3039b11b5aa9d3c0095fdc943438b828ebd44924683a9a242d3a87f78364"
	"95352f"
	"edf253534bea1b12e87c17eccc759c2b5b81ae469cc56f744f98eae7ca71aab104b76b52bb819cf086";

enum { PACKET_MAX = 256 };

static struct slice unhex(const char *hex, uint8_t *out)
{
	size_t n = strlen(hex) / 2;

	ASSERT(n <= PACKET_MAX && crypto_hex_parse(slice_of(hex), n, out));
	return (struct slice){out, n};
}

static void a_hello_is_put_together_of_two_packets(struct test *t)
{
	uint8_t bytes[3][PACKET_MAX];
	struct app_says says[3] = {{.bytes = unhex(first, bytes[0])},
				   {.bytes = unhex(second, bytes[1])},
				   {.dir = APP_TO_CLIENT, .bytes = unhex(server, bytes[2])}};
	struct record r = {0};
	struct app_talk k;
	struct app_tx *tx;

	app_check_all(&app_quic, says, 3, 24);
	ASSERT(app_talk_open(&k, APP_UDP, 443, 0));
	for (size_t i = 0; i < 3; i++)
		app_talk_say(&k, says[i].dir, says[i].bytes, 0);
	tx = app_talk_tx(&k, 0); /* only a piece */
	EXPECT(t, app_talk_anomaly(&k, tx, SLICE("")));
	EXPECT(t, app_quic.log(tx, 0, &tx->arena, &r));
	EXPECT_SLICE(t, r.more[0].json, SLICE("{\"version\":\"1\"}"));
	tx = tx->next;
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_SERVER, SLICE("quic.sni"), 0),
		     SLICE("a.example"));
	r = (struct record){0};
	EXPECT(t, app_quic.log(tx, 0, &tx->arena, &r));
	EXPECT(t, slice_find(r.more[0].json, SLICE("\"ja3\":{\"hash\":\"")) != SIZE_MAX);
	EXPECT(t,
	       slice_find(r.more[0].json,
			  SLICE("\"string\":\"771,4865-4866,0-16-43,,\"},\"ja4\":\"q13d0203h3_")) !=
		       SIZE_MAX);
	EXPECT(t,
	       slice_ends(
		       r.more[0].json,
		       SLICE("\"extensions\":[{\"name\":\"server_name\",\"type\":0,\"values\":["
			     "\"a.example\"]},{\"name\":\"alpn\",\"type\":16,\"values\":[\"h3\"]},{"
			     "\"name\":\"supported_versions\",\"type\":43}]}")));
	tx = tx->next;
	EXPECT(t, tx != NULL);
	EXPECT(t, app_talk_anomaly(&k, tx, SLICE("")));
	r = (struct record){0};
	EXPECT(t, app_quic.log(tx, 0, &tx->arena, &r));
	EXPECT(t, slice_find(r.more[0].json, SLICE("\"string\":\"771,4865,43\"")) != SIZE_MAX);
	app_talk_close(&k);
}

static void a_changed_bit_does_not_open(struct test *t)
{
	uint8_t bytes[PACKET_MAX];
	struct slice whole = unhex(second, bytes);
	struct app_talk k;

	for (size_t i = 24; i < whole.len; i++) {
		bytes[i] ^= 0x10;
		ASSERT(app_talk_open(&k, APP_UDP, 443, 0));
		app_talk_say(&k, APP_TO_SERVER, whole, 0);
		EXPECT(t, app_talk_anomaly(&k, app_talk_tx(&k, 0), SLICE("failed_decrypt")));
		app_talk_close(&k);
		bytes[i] ^= 0x10;
	}
}

static void googles_hello_gives_cyu(struct test *t)
{
	/* Q046: public header, number and hash, STREAM 1 with CHLO: PAD (4 bytes), SNI, UAID */
	static const char hello[] = "\xc3Q046\x50"
				    "12345678"
				    "\0\0\0\1"
				    "twelve bytes"
				    "\xa0\1\0\x32"
				    "CHLO\3\0\0\0"
				    "PAD\0\4\0\0\0"
				    "SNI\0\x0d\0\0\0"
				    "UAID\x12\0\0\0"
				    "----"
				    "b.example"
				    "agent";
	struct slice bytes = {(const uint8_t *)hello, sizeof hello - 1};
	struct app_talk k;
	struct app_tx *tx;

	ASSERT(app_talk_open(&k, APP_UDP, 443, 0));
	app_talk_say(&k, APP_TO_SERVER, bytes, 0);
	tx = app_talk_tx(&k, 0);
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_SERVER, SLICE("quic.version"), 0), SLICE("Q046"));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_SERVER, SLICE("quic.cyu.string"), 0),
		     SLICE("46,PAD-SNI-UAID"));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_SERVER, SLICE("quic.ua"), 0), SLICE("agent"));
	EXPECT_SLICE(t, app_talk_field(tx, APP_TO_SERVER, SLICE("quic.sni"), 0),
		     SLICE("b.example"));
	app_talk_close(&k);
}

TESTS(T(a_hello_is_put_together_of_two_packets), T(a_changed_bit_does_not_open),
      T(googles_hello_gives_cyu))
