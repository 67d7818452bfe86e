/* SPDX-License-Identifier: Apache-2.0
 *
 * The database of libloc (IPFire Location), version 1. docs/formats/tables.md draws it.
 *
 * Read here rather than by libloc: the library opens a FILE of its own, so the bytes that answer
 * would not have to be the bytes whose hash is in the log, and it maps what it does not check. A
 * test asks both about the same addresses.
 */
#include "assess/origin/origin_priv.h"
#include "base/cursor.h"

enum {
	HEADER_STRINGS = 12,	 /* bytes: vendor, description, licence */
	NODE = 12,		 /* bytes: child 0, child 1, network */
	NETWORK = 12,		 /* bytes: code, -, asn, flags, - */
	AS = 8,			 /* bytes: number, name */
	V4_BITS = 96,		 /* of ::ffff:0:0/96, where IPv4 hangs in the tree */
	FLAG_PROXY = 1 << 0,	 /* anonymising proxy */
	FLAG_SATELLITE = 1 << 1, /* its users may be anywhere below */
	FLAG_ANYCAST = 1 << 2,
};
static const uint32_t no_network = UINT32_MAX;

enum { START_BITS = 18, NAMES = 1 << 15 };

/* Where a walk is once it knows START_BITS of an IPv4 address. */
struct start {
	uint32_t node, network; /* node: past the end if the walk is over */
	uint8_t depth;		/* of the network */
};

struct loc {
	struct slice ases, networks, nodes, pool;
	struct start *starts;
	struct known { /* names looked up last; asn 0: none */
		uint32_t asn;
		struct slice name;
	} names[NAMES];
};

static bool loc_is(struct slice bytes)
{
	return slice_starts(bytes, SLICE("LOCDBXX"));
}

/* A section of the file; empty and bad if it does not lie inside. */
static struct slice section(struct cursor *header, struct slice bytes, bool *bad)
{
	uint32_t at = cursor_be32(header), len = cursor_be32(header);

	*bad = *bad || at > bytes.len || len > bytes.len - at;
	return *bad ? (struct slice){NULL, 0} : slice_part(bytes, at, len);
}

/* Takes up the network that the node names, and goes on to the child for a bit. */
static void step(const struct loc *l, struct start *s, unsigned depth, unsigned bit)
{
	struct cursor c = cursor_of(slice_part(l->nodes, (size_t)s->node * NODE, NODE));
	uint32_t child[2] = {cursor_be32(&c), 0}, network;

	child[1] = cursor_be32(&c);
	network = cursor_be32(&c);
	if (!cursor_ok(&c))
		return; /* over: the node is past the end */
	if (network != no_network) {
		s->network = network;
		s->depth = (uint8_t)depth;
	}
	s->node = child[bit] == 0 ? UINT32_MAX : child[bit]; /* the root is nobody's child */
}

/* The first part of all walks for IPv4, each step once. */
static void prepare(struct loc *l)
{
	struct start at = {0, no_network, 0};

	for (unsigned bit = 0; bit < V4_BITS; bit++)
		step(l, &at, bit, bit >= V4_BITS - 16);
	l->starts[0] = at;
	for (unsigned d = 0; d < START_BITS; d++)
		for (size_t i = (size_t)1 << d; i-- > 0;) {
			struct start here = l->starts[i];

			for (unsigned bit = 2; bit-- > 0;) {
				l->starts[2 * i + bit] = here;
				step(l, &l->starts[2 * i + bit], V4_BITS + d, bit);
			}
		}
}

/* The deepest node on the address's way that names a network; its depth in *depth. */
static uint32_t network_find(const struct loc *l, const struct addr *address, const uint8_t key[16],
			     unsigned *depth)
{
	size_t first = (size_t)key[12] << 10 | (size_t)key[13] << 2 | key[14] >> 6;
	struct start at =
		address->family == 4 ? l->starts[first] : (struct start){0, no_network, 0};

	for (unsigned bit = address->family == 4 ? V4_BITS + START_BITS : 0;
	     bit <= 128 && (size_t)at.node < l->nodes.len / NODE; bit++)
		step(l, &at, bit, bit == 128 ? 0u : (unsigned)key[bit / 8] >> (7 - bit % 8) & 1u);
	*depth = at.depth;
	return at.network;
}

static enum status loc_open(struct origin_table *t, const char *path, struct slice bytes,
			    struct arena *a, struct fail *why)
{
	struct cursor c = cursor_of(slice_from(bytes, SLICE("LOCDBXX").len));
	uint8_t version = cursor_u8(&c);
	uint64_t created = cursor_be64(&c);
	struct loc *l = ARENA_NEW(a, struct loc);
	bool bad = false;

	if (l == NULL)
		return fail_set(why, ST_NOMEM, "%.*s: the memory budget is spent",
				SLICE_ARG(t->name));
	if (cursor_ok(&c) && version != 1)
		return fail_set(why, ST_INVALID, "%.*s: version %u of libloc's form, expected 1",
				SLICE_ARG(t->name), version);
	(void)cursor_take(&c, HEADER_STRINGS); /* short is seen below */
	l->ases = section(&c, bytes, &bad);
	l->networks = section(&c, bytes, &bad);
	l->nodes = section(&c, bytes, &bad);
	(void)section(&c, bytes, &bad); /* countries: names we do not print */
	l->pool = section(&c, bytes, &bad);
	if (!cursor_ok(&c) || bad)
		return fail_set(why, ST_INVALID, "%.*s: cut short: a section ends past the file",
				SLICE_ARG(t->name));
	l->starts = ARENA_ARRAY(a, struct start, (size_t)1 << START_BITS);
	if (l->starts == NULL)
		return fail_set(why, ST_NOMEM, "%.*s: the memory budget is spent",
				SLICE_ARG(t->name));
	prepare(l);
	t->state = l;
	t->edition = origin_date(created, a);
	return ST_OK;
}

static uint32_t be32_at(struct slice s, size_t at)
{
	struct cursor c = cursor_of(slice_from(s, at));

	return cursor_be32(&c);
}

static struct slice name_find(const struct loc *l, uint32_t asn)
{
	size_t low = 0, high = l->ases.len / AS;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		uint32_t number = be32_at(l->ases, mid * AS);

		if (number == asn) {
			struct slice s = slice_from(l->pool, be32_at(l->ases, mid * AS + 4));
			const uint8_t *nul = s.len ? memchr(s.ptr, 0, s.len) : NULL;

			return nul ? slice_part(s, 0, (size_t)(nul - s.ptr))
				   : (struct slice){NULL, 0};
		}
		if (number < asn)
			low = mid + 1;
		else
			high = mid;
	}
	return (struct slice){NULL, 0};
}

/* The same, which remembers: a station asks about few ASes. */
static struct slice as_name(struct loc *l, uint32_t asn)
{
	struct known *k = &l->names[asn % NAMES];

	if (k->asn != asn)
		*k = (struct known){asn, name_find(l, asn)};
	return k->name;
}

static bool loc_ask(const struct origin_table *t, const struct addr *address, struct arena *a,
		    struct record_location *out)
{
	struct loc *l = t->state; /* names are remembered */
	unsigned top = address->family == 4 ? V4_BITS : 0, depth = 0;
	uint8_t key[16] = {[10] = 0xff, [11] = 0xff};
	struct cursor c;
	struct slice code;
	uint32_t network, asn;
	uint16_t flags;

	if (address->family == 4)
		memcpy(key + V4_BITS / 8, address->b, 4);
	else
		memcpy(key, address->b, sizeof key);
	network = network_find(l, address, key, &depth);
	if (network == no_network || depth < top)
		return false;
	c = cursor_of(slice_from(l->networks, (size_t)network * NETWORK));
	code = cursor_take(&c, 2);
	(void)cursor_take(&c, 2); /* padding; short is seen below */
	asn = cursor_be32(&c);
	flags = cursor_be16(&c);
	if (!cursor_ok(&c))
		return false;
	if ((flags & FLAG_SATELLITE) == 0)
		origin_code_apply(arena_copy(a, code), out);
	out->asn = asn;
	out->as_name = asn ? arena_copy(a, as_name(l, asn)) : out->as_name;
	out->proxy = out->proxy || (flags & FLAG_PROXY) != 0;
	out->anycast = out->anycast || (flags & FLAG_ANYCAST) != 0;
	out->net = origin_prefix(address, depth - top);
	return asn != 0 || out->territory.len != 0 || out->proxy || out->anycast;
}

const struct origin_form origin_form_loc = {
	.name = "libloc", .is = loc_is, .open = loc_open, .ask = loc_ask};
