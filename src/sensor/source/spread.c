/* SPDX-License-Identifier: Apache-2.0
 *
 * Which of several sockets gets a packet: a program in the kernel's classic BPF that adds the two
 * addresses, so that both directions, all fragments and all flows between two hosts give the same,
 * mixes the sum with a secret, and returns it; the kernel takes the remainder.
 *
 * Loads are relative to the network header (SKF_NET_OFF), which a packet has whether it comes or
 * goes. One tag was taken out by then (skb->protocol says what is behind it); one more is looked
 * through here. What is not IP goes by the sum of its MAC addresses.
 */
#include "sensor/source/source_priv.h"

#include <linux/if_ether.h>

#define MIX_MUL 0x85ebca6bU /* of MurmurHash3's last step, which is in the public domain */

enum {
	MIX_SHIFT = 15,
	MIX_SHIFT_2 = 13,
	IPV4_SRC = 12,
	IPV4_DST = 16,
	IPV6_SRC = 8,
	IPV6_WORDS = 8,
	TAG = 4
};

struct program {
	struct sock_filter *at;
	uint16_t n;
};

static void add(struct program *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	ASSERT(p->n < SOURCE_SPREAD_MAX);
	p->at[p->n++] = (struct sock_filter){code, jt, jf, k};
}

static uint32_t net(uint32_t offset)
{
	return (uint32_t)SKF_NET_OFF + offset;
}

/* A = A * factor, its upper bits folded into the lower ones. */
static void mix(struct program *p, uint32_t factor, uint32_t shift)
{
	add(p, BPF_ALU | BPF_MUL | BPF_K, factor, 0, 0);
	add(p, BPF_MISC | BPF_TAX, 0, 0, 0);
	add(p, BPF_ALU | BPF_RSH | BPF_K, shift, 0, 0);
	add(p, BPF_ALU | BPF_XOR | BPF_X, 0, 0, 0);
}

/* Twice: sums of neighbours' addresses are a progression, which one turn leaves uneven. */
static void finish(struct program *p, uint32_t seed)
{
	mix(p, seed, MIX_SHIFT);
	mix(p, MIX_MUL, MIX_SHIFT_2);
	add(p, BPF_RET | BPF_A, 0, 0, 0);
}

/* The sum of `count` words from `at` on; a word that is not there ends the program with 0. */
static void sum(struct program *p, uint32_t at, unsigned count)
{
	add(p, BPF_LD | BPF_W | BPF_ABS, at, 0, 0);
	for (unsigned i = 1; i < count; i++) {
		add(p, BPF_MISC | BPF_TAX, 0, 0, 0);
		add(p, BPF_LD | BPF_W | BPF_ABS, at + i * 4, 0, 0);
		add(p, BPF_ALU | BPF_ADD | BPF_X, 0, 0, 0);
	}
}

/* If A is the number of IPv4 or IPv6: the answer. The header begins `base` behind the network
 * header. Else A is still the number. */
static void ip(struct program *p, uint32_t base, uint32_t seed)
{
	struct sock_filter *skip = &p->at[p->n];

	add(p, BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 0);
	sum(p, net(base + IPV4_SRC), 2);
	finish(p, seed);
	skip->jf = (uint8_t)(&p->at[p->n] - skip - 1);
	skip = &p->at[p->n];
	add(p, BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 0, 0);
	sum(p, net(base + IPV6_SRC), IPV6_WORDS);
	finish(p, seed);
	skip->jf = (uint8_t)(&p->at[p->n] - skip - 1);
}

uint16_t source_spread_program(uint32_t seed, struct sock_filter out[SOURCE_SPREAD_MAX])
{
	struct program p = {.at = out};
	struct sock_filter *skip;

	add(&p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL), 0, 0);
	ip(&p, 0, seed);
	add(&p, BPF_JMP | BPF_JEQ | BPF_K, ETH_P_8021Q, 1, 0);
	skip = &p.at[p.n];
	add(&p, BPF_JMP | BPF_JEQ | BPF_K, ETH_P_8021AD, 0, 0);
	add(&p, BPF_LD | BPF_H | BPF_ABS, net(2), 0, 0);
	ip(&p, TAG, seed);
	skip->jf = (uint8_t)(&p.at[p.n] - skip - 1);
	/* 32 bits of each MAC address, of which the lower 16 are of the card */
	add(&p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_LL_OFF + 2, 0, 0);
	add(&p, BPF_MISC | BPF_TAX, 0, 0, 0);
	add(&p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_LL_OFF + 8, 0, 0);
	add(&p, BPF_ALU | BPF_ADD | BPF_X, 0, 0, 0);
	finish(&p, seed);
	return p.n;
}
