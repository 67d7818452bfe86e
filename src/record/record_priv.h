/* SPDX-License-Identifier: Apache-2.0
 *
 * record/record_priv.h - the table of fields, and what a type of field can do.
 *
 * A row says where a field stands in the JSON, where its value stands in struct record, and of
 * which type it is. A type writes a value (write.c), reads it back (read.c), and moves what it
 * borrows into another arena (write.c). Nothing else in the module knows a field by name.
 *
 * Writing and reading are two files because jansson, which reads, and base/json.h, which writes,
 * both have a json_object(): no file may include both.
 */
#ifndef DEW_RECORD_RECORD_PRIV_H
#define DEW_RECORD_RECORD_PRIV_H

#include "record/record.h"

/* The largest integer that is written as a number: RFC 8785 numbers are IEEE 754 doubles. Larger
 * ones are decimal text, as RFC 7493 2.2 asks. */
#define RECORD_NUMBER_MAX ((UINT64_C(1) << 53) - 1)

#define RECORD_MEMBER(type, r, at) ((type *)(void *)((uint8_t *)(r) + (at)))
#define RECORD_READ(type, r, at) (*(const type *)(const void *)((const uint8_t *)(r) + (at)))

struct json;

enum record_type_id {
	TYPE_TEXT,    /* slice; left out when empty */
	TYPE_NUMBER,  /* unsigned integer of `size` bytes; always there */
	TYPE_COUNT,   /* the same; left out when 0 */
	TYPE_GIVEN,   /* the same; there when the bool `also` is set */
	TYPE_FLAG,    /* bool; always there */
	TYPE_TIME,    /* wall_ns; always there */
	TYPE_MOMENT,  /* wall_ns; left out when 0 */
	TYPE_ADDRESS, /* addr; left out without family, or when the bool `also` (unless 0) is set */
	TYPE_PSEUDONYM,	  /* the same addr; there when `also` is set */
	TYPE_OPEN_TEXT,	  /* slice; left out when empty, or when the bool `also` is set */
	TYPE_HIDDEN_TEXT, /* the same slice; there when `also` is set */
	TYPE_NET,	  /* addr_prefix; left out without family */
	TYPE_EVENT,	  /* enum record_kind; left out for RECORD_NONE */
	TYPE_PROTO,	  /* uint8_t by name; left out when 0 */
	TYPE_IP_V,	  /* derived from the addresses at `at` and `also` */
	TYPE_VLAN,	  /* vlan[vlans] */
	TYPE_METADATA,	  /* u.alert.meta */
	TYPE_DNS_VERSION, /* the constant 3 */
	TYPE_DNS_TYPE,	  /* bool */
	TYPE_DNS_QUERIES, /* u.dns.rrname and rrtype */
	TYPE_DNS_ANSWERS, /* u.dns.answers */
	TYPE_JA3,	  /* two slices; `also` may be 0 */
	TYPES
};

struct record_row {
	unsigned kinds;	   /* bit k: records of kind k have it */
	const char *group; /* "" for the outer object */
	const char *name;
	enum record_type_id type;
	size_t at, size; /* of the member in struct record */
	size_t also;	 /* a second member's offset; what it is, the type says */
	const char *doc; /* one sentence for docs/formats/eve.md; no '|' */
};

#define RECORD_ANY ((1u << RECORD_KINDS) - 1)

struct record_type {
	const char *doc; /* the JSON form, as docs/formats/eve.md prints it */
	/* One JSON value to j; false (and nothing written) if the field is empty. */
	bool (*put)(const struct record_row *row, const struct record *r, struct arena *a,
		    struct json *j);
	/* Replaces what r borrows by copies in a; NULL if the type borrows nothing. */
	void (*move)(const struct record_row *row, struct arena *a, struct record *r);
};

extern const struct record_row record_rows[]; /* terminated by name == NULL; canonical order */
extern const struct record_type record_types[TYPES];

static inline bool record_row_of(const struct record_row *row, enum record_kind kind)
{
	return (row->kinds >> kind & 1) != 0;
}

#endif
