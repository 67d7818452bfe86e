/* SPDX-License-Identifier: Apache-2.0
 * Vectors: RFC 9001 A.1 and A.2 (the client's Initial keys), RFC 5869 A.1 (extract), FIPS 197 C.1.
 */
#include "crypto/crypto.h"
#include "test.h"

static void bytes_of(const char *hex, size_t n, uint8_t *out)
{
	ASSERT(crypto_hex_parse(slice_of(hex), n, out));
}

static void initial_keys_are_those_of_the_rfc(struct test *t)
{
	uint8_t salt[20], id[8], initial[32], client[32], key[16], iv[12], hp[16], want[32];

	bytes_of("38762cf7f55934b34d179ae6a4c80cadccbb7f0a", 20, salt);
	bytes_of("8394c8f03e515708", 8, id);
	crypto_hkdf_extract((struct slice){salt, 20}, (struct slice){id, 8}, initial);
	bytes_of("7db5df06e7a69e432496adedb00851923595221596ae2ae9fb8115c1e9ed0a44", 32, want);
	EXPECT(t, memcmp(initial, want, 32) == 0);
	crypto_hkdf_label(initial, SLICE("client in"), client, 32);
	bytes_of("c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea", 32, want);
	EXPECT(t, memcmp(client, want, 32) == 0);
	crypto_hkdf_label(client, SLICE("quic key"), key, 16);
	crypto_hkdf_label(client, SLICE("quic iv"), iv, 12);
	crypto_hkdf_label(client, SLICE("quic hp"), hp, 16);
	bytes_of("1f369613dd76d5467730efcbe3b1a22d", 16, want);
	EXPECT(t, memcmp(key, want, 16) == 0);
	bytes_of("fa044b2f42a3fd3b46fb255c", 12, want);
	EXPECT(t, memcmp(iv, want, 12) == 0);
	bytes_of("9f50449e04a0e810283a1e9933adedd2", 16, want);
	EXPECT(t, memcmp(hp, want, 16) == 0);
}

static void one_block_is_aes(struct test *t)
{
	uint8_t key[16], in[16], out[16], want[16];

	bytes_of("000102030405060708090a0b0c0d0e0f", 16, key);
	bytes_of("00112233445566778899aabbccddeeff", 16, in);
	bytes_of("69c4e0d86a7b0430d8cdb78070b4c55a", 16, want);
	EXPECT(t, crypto_aes128_block(key, in, out));
	EXPECT(t, memcmp(out, want, 16) == 0);
}

/* The GCM specification's test case 4, and the same with one bit changed anywhere. */
static void what_was_sealed_opens_and_nothing_else(struct test *t)
{
	uint8_t key[16], nonce[12], header[20], sealed[60 + 16], plain[60], out[76];
	struct slice h = {header, sizeof header}, s = {sealed, sizeof sealed};

	bytes_of("feffe9928665731c6d6a8f9467308308", 16, key);
	bytes_of("cafebabefacedbaddecaf888", 12, nonce);
	bytes_of("feedfacedeadbeeffeedfacedeadbeefabaddad2", 20, header);
	bytes_of("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
		 "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
		 60, plain);
	bytes_of("42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
		 "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
		 "5bc94fbc3221a5db94fae95ae7121a47",
		 76, sealed);
	EXPECT(t, crypto_aes128_gcm_open(key, nonce, h, s, out));
	EXPECT(t, memcmp(out, plain, sizeof plain) == 0);
	for (size_t i = 0; i < sizeof sealed; i++) {
		sealed[i] ^= 1;
		EXPECT(t, !crypto_aes128_gcm_open(key, nonce, h, s, out));
		sealed[i] ^= 1;
	}
	header[0] ^= 1;
	EXPECT(t, !crypto_aes128_gcm_open(key, nonce, h, s, out));
	for (size_t n = 0; n < 16; n++)
		EXPECT(t, !crypto_aes128_gcm_open(key, nonce, h, slice_part(s, 0, n), out));
}

TESTS(T(initial_keys_are_those_of_the_rfc), T(one_block_is_aes),
      T(what_was_sealed_opens_and_nothing_else))
