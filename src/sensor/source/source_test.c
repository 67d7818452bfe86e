/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/source/source.h"

#include <linux/filter.h>
#include <linux/if_ether.h>

#include "sensor/capture/capture.h"
#include "sensor/source/source_priv.h"
#include "test.h"

enum { SEED = 0x9e3779b1 };

/* A packet as the kernel sees it: protocol of skb->protocol, header from the network header on. */
struct skb {
	uint16_t protocol;
	uint8_t macs[12], net[64];
	size_t len;
};

static bool load(const struct skb *s, uint32_t k, unsigned bytes, uint32_t *out)
{
	const uint8_t *from = s->net;
	size_t len = s->len, at = k - (uint32_t)SKF_NET_OFF;

	if (k == (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL)) {
		*out = s->protocol;
		return true;
	}
	if (k < (uint32_t)SKF_NET_OFF) {
		from = s->macs;
		len = sizeof s->macs;
		at = k - (uint32_t)SKF_LL_OFF;
	}
	if (at > len || len - at < bytes)
		return false;
	*out = 0;
	for (unsigned i = 0; i < bytes; i++)
		*out = *out << 8 | from[at + i];
	return true;
}

/* What the kernel would run: classic BPF, the instructions that the program uses. */
static uint32_t run(const struct skb *s)
{
	struct sock_filter code[SOURCE_SPREAD_MAX];
	uint16_t n = source_spread_program(SEED, code);
	uint32_t a = 0, x = 0;

	for (size_t i = 0; i < n; i++) {
		const struct sock_filter *f = &code[i];

		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
		case BPF_LD | BPF_H | BPF_ABS:
			if (!load(s, f->k, BPF_SIZE(f->code) == BPF_W ? 4 : 2, &a))
				return 0;
			break;
		case BPF_MISC | BPF_TAX:
			x = a;
			break;
		case BPF_ALU | BPF_ADD | BPF_X:
			a += x;
			break;
		case BPF_ALU | BPF_XOR | BPF_X:
			a ^= x;
			break;
		case BPF_ALU | BPF_MUL | BPF_K:
			a *= f->k;
			break;
		case BPF_ALU | BPF_RSH | BPF_K:
			a >>= f->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			i += a == f->k ? f->jt : f->jf;
			break;
		case BPF_RET | BPF_A:
			return a;
		default:
			ASSERT(false);
		}
	}
	ASSERT(false); /* it falls off its end */
	return 0;
}

static void put32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static struct skb ipv4(uint32_t src, uint32_t dst, uint32_t ports, unsigned tag)
{
	struct skb s = {.protocol = tag ? ETH_P_8021Q : ETH_P_IP, .len = tag + 24};

	if (tag != 0)
		s.net[2] = ETH_P_IP >> 8;
	put32(s.net + tag + 12, src);
	put32(s.net + tag + 16, dst);
	put32(s.net + tag + 20, ports);
	return s;
}

static struct skb ipv6(uint8_t src, uint8_t dst)
{
	struct skb s = {.protocol = ETH_P_IPV6, .len = 44};

	s.net[8] = s.net[24] = 0x20;
	s.net[23] = src;
	s.net[39] = dst;
	return s;
}

static void test_both_directions_and_all_ports_of_two_hosts_meet(struct test *t)
{
	for (unsigned i = 0; i < 1000; i++) {
		uint32_t a = (uint32_t)test_rand(t), b = (uint32_t)test_rand(t);
		struct skb forth = ipv4(a, b, (uint32_t)test_rand(t), 0);
		struct skb back = ipv4(b, a, (uint32_t)test_rand(t), 0);
		struct skb tagged = ipv4(b, a, 0, 4), f6 = ipv6((uint8_t)a, (uint8_t)b),
			   b6 = ipv6((uint8_t)b, (uint8_t)a);

		EXPECT_UINT(t, run(&forth), run(&back));
		EXPECT_UINT(t, run(&forth), run(&tagged));
		EXPECT_UINT(t, run(&f6), run(&b6));
	}
}

static void test_hosts_are_spread_evenly_over_2_and_over_7_workers(struct test *t)
{
	uint32_t two[2] = {0}, seven[7] = {0};

	for (uint32_t i = 0; i < 7000; i++) {
		struct skb s = ipv4(0x0a000001 + i, 0xc0a80001, 0, 0);
		uint32_t h = run(&s);

		two[h % 2]++;
		seven[h % 7]++;
	}
	for (uint32_t i = 0; i < 7000; i++) { /* both ends grow: only even sums */
		struct skb s = ipv4(0x0a000001 + i, 0x0a100001 + i % 50, 0, 0);
		uint32_t h = run(&s);

		two[h % 2]++;
		seven[h % 7]++;
	}
	for (unsigned i = 0; i < 2; i++)
		EXPECT(t, two[i] > 6600 && two[i] < 7400);
	for (unsigned i = 0; i < 7; i++)
		EXPECT(t, seven[i] > 1800 && seven[i] < 2200);
}

static void test_what_is_not_ip_goes_by_its_mac_addresses(struct test *t)
{
	struct skb a = {.protocol = ETH_P_ARP, .len = 28}, b = a;

	a.macs[4] = b.macs[10] = 7;
	a.macs[11] = b.macs[5] = 9;
	EXPECT_UINT(t, run(&a), run(&b));
	b.macs[5] = 10;
	EXPECT(t, run(&a) != run(&b));
}

static void test_a_packet_too_short_for_addresses_goes_to_the_first_worker(struct test *t)
{
	struct skb s = ipv4(1, 2, 3, 0);

	s.len = 19;
	EXPECT_UINT(t, run(&s), 0);
	s.len = 20;
	EXPECT(t, run(&s) != 0);
}

static void put(uint8_t **p, uint32_t v)
{
	put32(*p, v);
	*p += 4;
}

static void test_a_file_gives_every_packet_once_in_batches_and_then_its_end(struct test *t)
{
	static uint8_t bytes[24 + 200 * 20];
	static const size_t counts[] = {0,  1, SOURCE_BATCH - 1, SOURCE_BATCH, SOURCE_BATCH + 1,
					200};
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};

	for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
		struct capture *c = ARENA_NEW(&a, struct capture);
		struct source_batch b;
		struct source *s;
		struct fail why;
		uint8_t *p = bytes;
		uint64_t seen = 0;

		put(&p, 0xa1b2c3d4);
		put(&p, 2 << 16 | 4);
		put(&p, 0);
		put(&p, 0);
		put(&p, 65535);
		put(&p, 1);
		for (uint32_t i = 0; i < counts[k]; i++) {
			put(&p, i);
			put(&p, 0);
			put(&p, 4);
			put(&p, 60);
			put(&p, i);
		}
		EXPECT(t,
		       capture_open(c, (struct slice){bytes, (size_t)(p - bytes)}, &why) == ST_OK);
		EXPECT(t, source_file_open(c, &a, &s, &why) == ST_OK);
		EXPECT(t, source_start(s, &why) == ST_OK);
		while (source_take(s, 0, &b, &why) == ST_OK)
			for (size_t i = 0; i < b.count; i++) {
				EXPECT_UINT(t, b.packets[i].number, ++seen);
				EXPECT_UINT(t, b.packets[i].data.len, 4);
				EXPECT_UINT(t, b.packets[i].wire_bytes, 60);
			}
		EXPECT_UINT(t, seen, counts[k]);
		EXPECT_UINT(t, s->counters.taken, counts[k]);
		EXPECT(t, source_take(s, 0, &b, &why) == ST_END);
		source_count(s);
		source_wake(s);
		source_close(s);
	}
	source_close(NULL);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

static void test_an_interface_that_is_not_there_is_named(struct test *t)
{
	struct source_tap_options o = {.interface = SLICE("nosuch0"),
				       .sockets = 1,
				       .block_bytes = 1 << 16,
				       .blocks = 2,
				       .block_timeout_ms = 10};
	struct arena_pool pool = {.budget = 1 << 20};
	struct arena a = {.pool = &pool};
	struct source *s;
	struct fail why;
	enum status st = source_tap_open(&o, &a, &s, &why);

	if (st == ST_REFUSED)
		test_skip(t, "%s", why.text);
	else
		EXPECT(t, st == ST_NOTFOUND);
	o.interface = SLICE("a-name-that-is-too-long");
	EXPECT(t, source_tap_open(&o, &a, &s, &why) == ST_NOTFOUND);
	arena_reset(&a);
	arena_pool_drain(&pool);
}

TESTS(T(test_both_directions_and_all_ports_of_two_hosts_meet),
      T(test_hosts_are_spread_evenly_over_2_and_over_7_workers),
      T(test_what_is_not_ip_goes_by_its_mac_addresses),
      T(test_a_packet_too_short_for_addresses_goes_to_the_first_worker),
      T(test_a_file_gives_every_packet_once_in_batches_and_then_its_end),
      T(test_an_interface_that_is_not_there_is_named))
