/* SPDX-License-Identifier: Apache-2.0
 *
 * base/ber.h - reading BER and DER (X.690) without a tree.
 *
 * One element at a time off a cursor: its identifier and its content, which is a slice of the same
 * bytes. Nesting is the caller's: it opens a cursor over the content. Only definite lengths of at
 * most four bytes are read, as in DER; a longer or an indefinite one makes the cursor bad, as does
 * an element that does not fit into what is left.
 */
#ifndef DEW_BASE_BER_H
#define DEW_BASE_BER_H

#include "base/buf.h"
#include "base/cursor.h"

/* Identifier octets of the universal types and the bits of any other (X.690 8.1.2). */
enum {
	BER_BOOLEAN = 0x01,
	BER_INTEGER = 0x02,
	BER_BITS = 0x03,
	BER_OCTETS = 0x04,
	BER_NULL = 0x05,
	BER_OID = 0x06,
	BER_ENUMERATED = 0x0a,
	BER_UTF8 = 0x0c,
	BER_UTC_TIME = 0x17,
	BER_TIME = 0x18,
	BER_GENERAL_STRING = 0x1b,
	BER_BMP = 0x1e,
	BER_SEQUENCE = 0x30,
	BER_SET = 0x31,
	BER_CONSTRUCTED = 0x20,
	BER_APPLICATION = 0x40,
	BER_CONTEXT = 0x80,
	BER_CLASS = 0xc0,
	BER_TAG = 0x1f, /* the tag's bits; all set: the tag is in the octets behind */
};

struct ber {
	uint8_t id;	      /* first identifier octet: class, constructed, low tag */
	uint32_t tag;	      /* its number, also where it needed more octets */
	struct slice content; /* lives as long as what was read */
};

/* The next element. False: c is at its end, or bad now. */
bool ber_next(struct cursor *c, struct ber *out);

/* The content of the next element, which must have identifier `id`; otherwise both are bad. */
struct cursor ber_expect(struct cursor *c, uint8_t id);

/* The same as a slice; empty and c bad if it is another one. */
struct slice ber_take(struct cursor *c, uint8_t id);

/* Is the next element an `id`? Reads nothing. */
bool ber_is(const struct cursor *c, uint8_t id);

/* Two's complement content of an INTEGER or ENUMERATED of 1..8 bytes; false: it is not. */
MUST_USE bool ber_i64(struct slice content, int64_t *out);

/* An INTEGER's value off c; 0 and c bad if it is none or does not fit. */
int64_t ber_integer(struct cursor *c);

/* An OBJECT IDENTIFIER's content as dotted decimals (X.690 8.19). Arcs above 64 bits wrap. */
void ber_oid_text(struct buf *out, struct slice oid);

#endif
