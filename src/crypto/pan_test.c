/* SPDX-License-Identifier: Apache-2.0
 * Vectors: the sample trace of the authors' own program (Crypto-PAn 1.0), each address once; for
 * IPv6, which that program does not do, those that other implementations of the same rule agree on.
 */
#include "base/addr.h"
#include "crypto/crypto.h"
#include "test.h"

static const uint8_t sample_key[CRYPTO_PAN_BYTES] = {
	21,  34,  23,  141, 51,	 164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16,
	216, 152, 143, 131, 121, 121, 101, 39,	98, 87, 76, 45, 42, 132, 34,  2};

static const struct {
	const char *address, *pseudonym;
} sample[] = {
	{"128.11.68.132", "135.242.180.132"},
	{"129.118.74.4", "134.136.186.123"},
	{"130.132.252.244", "133.68.164.234"},
	{"141.223.7.43", "141.167.8.160"},
	{"141.233.145.108", "141.129.237.235"},
	{"152.163.225.39", "151.140.114.167"},
	{"156.29.3.236", "147.225.12.42"},
	{"165.247.96.84", "162.9.99.234"},
	{"166.107.77.190", "160.132.178.185"},
	{"192.102.249.13", "252.138.62.131"},
	{"192.215.32.125", "252.43.47.189"},
	{"192.233.80.103", "252.25.108.8"},
	{"192.41.57.43", "252.222.221.184"},
	{"193.150.244.223", "253.169.52.216"},
	{"195.205.63.100", "255.186.223.5"},
	{"198.200.171.101", "249.199.68.213"},
	{"198.26.132.101", "249.36.123.202"},
	{"198.36.213.5", "249.7.21.132"},
	{"198.51.77.238", "249.18.186.254"},
	{"199.217.79.101", "248.38.184.213"},
	{"202.49.198.20", "245.206.7.234"},
	{"203.12.160.252", "244.248.163.4"},
	{"204.184.162.189", "243.192.77.90"},
	{"204.202.136.230", "243.178.4.198"},
	{"204.29.20.4", "243.33.20.123"},
	{"205.178.38.67", "242.108.198.51"},
	{"205.188.147.153", "242.96.16.101"},
	{"205.188.248.25", "242.96.88.27"},
	{"205.245.121.43", "242.21.121.163"},
	{"207.105.49.5", "241.118.205.138"},
	{"207.135.65.238", "241.202.129.222"},
	{"207.155.9.214", "241.220.250.22"},
	{"207.188.7.45", "241.255.249.220"},
	{"207.25.71.27", "241.33.119.156"},
	{"207.33.151.131", "241.1.233.131"},
	{"208.147.89.59", "227.237.98.191"},
	{"208.234.120.210", "227.154.67.17"},
	{"208.28.185.184", "227.39.94.90"},
	{"208.52.56.122", "227.8.63.165"},
	{"209.12.231.7", "226.243.167.8"},
	{"209.238.72.3", "226.6.119.243"},
	{"209.246.74.109", "226.22.124.76"},
	{"209.68.60.238", "226.184.220.233"},
	{"209.85.249.6", "226.170.70.6"},
	{"212.120.124.31", "228.135.163.231"},
	{"212.146.8.236", "228.19.4.234"},
	{"212.186.227.154", "228.59.98.98"},
	{"212.204.172.118", "228.71.195.169"},
	{"212.206.130.201", "228.69.242.193"},
	{"216.148.237.145", "235.84.194.111"},
	{"216.157.30.252", "235.89.31.26"},
	{"216.184.159.48", "235.96.225.78"},
	{"216.227.10.221", "235.28.253.36"},
	{"216.254.18.172", "235.7.16.162"},
	{"216.32.132.250", "235.192.139.38"},
	{"216.35.217.178", "235.195.157.81"},
	{"24.0.250.221", "100.15.198.226"},
	{"24.13.62.231", "100.2.192.247"},
	{"24.14.213.138", "100.1.42.141"},
	{"24.5.0.80", "100.9.15.210"},
	{"24.7.198.88", "100.10.6.25"},
	{"24.94.26.44", "100.88.228.35"},
	{"38.15.67.68", "64.3.66.187"},
	{"4.3.88.225", "124.60.155.63"},
	{"63.14.55.111", "95.9.215.7"},
	{"63.195.241.44", "95.179.238.44"},
	{"63.97.7.140", "95.97.9.123"},
	{"64.14.118.196", "0.255.183.58"},
	{"64.34.154.117", "0.221.154.117"},
	{"64.39.15.238", "0.219.7.41"},
	{"10.185.25.118", "117.161.29.118"},
	{"::1", "78ff:f001:9fc0:20df:8380:b1f1:704:ed"},
	{"::2", "78ff:f001:9fc0:20df:8380:b1f1:704:ef"},
	{"::ffff", "78ff:f001:9fc0:20df:8380:b1f1:704:f838"},
	{"2001:db8::1", "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1e"},
	{"2001:db8::2", "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1c"},
};

static void pseudonyms_are_those_of_the_authors_program(struct test *t)
{
	struct crypto_pan p;

	EXPECT(t, crypto_pan_init(sample_key, &p));
	for (size_t i = 0; i < sizeof sample / sizeof sample[0]; i++) {
		struct addr address, want, got = {0}, back = {0};

		EXPECT(t, addr_parse(slice_of(sample[i].address), &address));
		EXPECT(t, addr_parse(slice_of(sample[i].pseudonym), &want));
		got.family = back.family = address.family;
		EXPECT(t, crypto_pan_hide(&p, address.b, addr_bytes(&address), got.b));
		EXPECT(t, addr_equal(&got, &want));
		EXPECT(t, crypto_pan_show(&p, got.b, addr_bytes(&got), back.b));
		EXPECT(t, addr_equal(&back, &address));
	}
}

static unsigned common(const uint8_t *a, const uint8_t *b, size_t n)
{
	unsigned bits = 0;

	while (bits < 8 * n && (((a[bits / 8] ^ b[bits / 8]) << bits % 8) & 0x80) == 0)
		bits++;
	return bits;
}

/* The property that it is named for, at every length of prefix. */
static void pseudonyms_share_what_addresses_share_and_no_more(struct test *t)
{
	static const size_t lengths[] = {4, 16};
	struct crypto_pan p;
	uint8_t key[CRYPTO_PAN_BYTES];

	crypto_random_fill(NULL, key, sizeof key);
	EXPECT(t, crypto_pan_init(key, &p));
	for (size_t k = 0; k < 2; k++)
		for (unsigned bits = 0; bits <= 8 * lengths[k]; bits++) {
			uint8_t a[16], b[16], hidden_a[16], hidden_b[16];
			size_t n = lengths[k];

			for (size_t i = 0; i < n; i++)
				a[i] = b[i] = (uint8_t)test_rand(t);
			if (bits < 8 * n)
				b[bits / 8] ^= (uint8_t)(0x80 >> bits % 8);
			for (size_t i = bits / 8 + 1; i < n; i++)
				b[i] = (uint8_t)test_rand(t);
			EXPECT_UINT(t, common(a, b, n), bits);
			EXPECT(t, crypto_pan_hide(&p, a, n, hidden_a));
			EXPECT(t, crypto_pan_hide(&p, b, n, hidden_b));
			EXPECT_UINT(t, common(hidden_a, hidden_b, n), bits);
			EXPECT(t, crypto_pan_show(&p, hidden_b, n, hidden_b)); /* in place */
			EXPECT(t, memcmp(hidden_b, b, n) == 0);
		}
}

static void another_key_gives_another_pseudonym(struct test *t)
{
	uint8_t key[CRYPTO_PAN_BYTES], address[16] = {0x20, 1, 0xd, 0xb8}, a[16], b[16];
	struct crypto_pan p;

	memcpy(key, sample_key, sizeof key);
	EXPECT(t, crypto_pan_init(key, &p) && crypto_pan_hide(&p, address, 16, a));
	key[31] ^= 1; /* of the half that makes the pad */
	EXPECT(t, crypto_pan_init(key, &p) && crypto_pan_hide(&p, address, 16, b));
	EXPECT(t, memcmp(a, b, 16) != 0);
}

/* Of every length of network: its own bits stay, those behind them are as hidden as ever. */
static void within_a_network_its_bits_stay_and_prefixes_are_shared_as_before(struct test *t)
{
	static const size_t lengths[] = {4, 16};
	struct crypto_pan p;

	EXPECT(t, crypto_pan_init(sample_key, &p));
	for (size_t k = 0; k < 2; k++)
		for (size_t keep = 0; keep <= 8 * lengths[k]; keep++) {
			uint8_t a[16], whole[16], in[16], back[16];
			size_t n = lengths[k];

			for (size_t i = 0; i < n; i++)
				a[i] = (uint8_t)test_rand(t);
			EXPECT(t, crypto_pan_hide(&p, a, n, whole));
			EXPECT(t, crypto_pan_hide_in(&p, a, n, keep, in));
			for (size_t i = 0; i < 8 * n; i++) {
				const uint8_t *want = i < keep ? a : whole;

				EXPECT_UINT(t, in[i / 8] >> (7 - i % 8) & 1,
					    want[i / 8] >> (7 - i % 8) & 1);
			}
			EXPECT(t, crypto_pan_show_in(&p, in, n, keep, back));
			EXPECT(t, memcmp(back, a, n) == 0);
		}
}

TESTS(T(pseudonyms_are_those_of_the_authors_program),
      T(pseudonyms_share_what_addresses_share_and_no_more), T(another_key_gives_another_pseudonym),
      T(within_a_network_its_bits_stay_and_prefixes_are_shared_as_before))
