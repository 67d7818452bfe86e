/* SPDX-License-Identifier: Apache-2.0
 *
 * base/addr.h - IP addresses and prefixes as values. IPv4 uses the first four bytes.
 * Text forms: RFC 791 dotted quad (exactly four decimal numbers), RFC 4291 2.2 in, RFC 5952 out.
 */
#ifndef DEW_BASE_ADDR_H
#define DEW_BASE_ADDR_H

#include "base/slice.h"
#include "base/status.h"

enum { ADDR_TEXT_MAX = 46 }; /* bytes of the longest text form with a NUL (INET6_ADDRSTRLEN) */

struct addr {
	uint8_t family; /* 4, 6, or 0 for "none" */
	uint8_t b[16];	/* network order; bytes past the family's length are 0 */
};

struct addr_prefix {
	struct addr addr; /* bits past `bits` are 0 */
	uint8_t bits;	  /* 0..32 or 0..128 */
};

static inline size_t addr_bytes(const struct addr *a)
{
	return a->family == 4 ? 4 : a->family == 6 ? 16 : 0;
}

static inline bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->b, b->b, sizeof a->b) == 0;
}

/* Family first, then bytes: a total order. */
int addr_compare(const struct addr *a, const struct addr *b);

struct addr addr_v4(const uint8_t bytes[4]);
struct addr addr_v6(const uint8_t bytes[16]);

/* The whole of s as an address; false (and *out untouched) if it is none. */
MUST_USE bool addr_parse(struct slice s, struct addr *out);

/* "a.b.c.d/n", "::/n", or a bare address (a full-length prefix). Host bits are cleared. */
MUST_USE bool addr_prefix_parse(struct slice s, struct addr_prefix *out);

bool addr_prefix_holds(const struct addr_prefix *p, const struct addr *a);

/* Writes the text form and a NUL into buf; returns it as a slice. Family 0 gives "". */
struct slice addr_format(const struct addr *a, char buf[ADDR_TEXT_MAX]);

/* The same, but IPv6 as eight groups of four digits: the form of Suricata's EVE. */
struct slice addr_format_full(const struct addr *a, char buf[ADDR_TEXT_MAX]);

#endif
