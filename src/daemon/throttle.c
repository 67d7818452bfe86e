/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/throttle.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sensor/config/config.h"

enum {
	LEAST_BITS_PER_S = 64000,
	MOST_SECONDS = 86400,
	SECONDS_MOST = 366 * 86400,
	WIDEST_V4 = 8, /* bits of a target: not half of the net */
	WIDEST_V6 = 16,
};

#define BITS_PER_S_MOST UINT64_C(1000000000000)

/* --- settings --- */

static enum status read_class(struct config *c, struct arena *a, struct throttle_settings *s,
			      struct fail *why)
{
	struct slice class = config_text(c, "class", "");

	for (struct config *n = config_first(config_at(c, "networks")); n != NULL;
	     n = config_next(n)) {
		struct throttle_exempt e = {.class = class};

		if (!addr_prefix_parse(n->value, &e.network))
			return fail_set(why, ST_INVALID,
					"throttle.exempt: \"%.*s\" is no address or network",
					SLICE_ARG(n->value));
		if (s->exempt_count == THROTTLE_EXEMPT_MAX)
			return fail_set(why, ST_LIMIT, "throttle.exempt: more than %d networks",
					THROTTLE_EXEMPT_MAX);
		s->exempt[s->exempt_count++] = e;
	}
	return class.len != 0 ? ST_OK
			      : fail_set(why, ST_INVALID, "throttle.exempt: a class has no name");
}

enum status daemon_throttle_settings(struct config *c, struct arena *a,
				     struct throttle_settings *out, struct fail *why)
{
	enum status st = ST_OK;

	out->least_bits_per_s =
		config_u64(c, "throttle.least-bits", 8000, BITS_PER_S_MOST, LEAST_BITS_PER_S);
	out->most_seconds =
		(uint32_t)config_u64(c, "throttle.most-seconds", 1, SECONDS_MOST, MOST_SECONDS);
	out->exempt = ARENA_ARRAY(a, struct throttle_exempt, THROTTLE_EXEMPT_MAX);
	if (out->exempt == NULL)
		return fail_set(why, ST_NOMEM, "no memory for who is exempt");
	for (struct config *n = config_first(config_at(c, "throttle.exempt"));
	     st == ST_OK && n != NULL; n = config_next(n))
		st = read_class(n, a, out, why);
	return st;
}

/* --- what people write --- */

static bool with_unit(struct slice s, const char *const *units, const uint64_t *factors,
		      uint64_t most, uint64_t *out)
{
	size_t digits = 0, u = 0;
	uint64_t v;

	while (digits < s.len && text_is_digit(s.ptr[digits]))
		digits++;
	if (!text_u64(slice_part(s, 0, digits), 1, most, &v))
		return false;
	s = slice_from(s, digits);
	while (units[u] != NULL && !slice_equal(s, slice_of(units[u])))
		u++;
	if (units[u] == NULL || __builtin_mul_overflow(v, factors[u], &v) || v > most)
		return false;
	*out = v;
	return true;
}

bool daemon_throttle_rate(struct slice s, uint64_t *out)
{
	static const char *const units[] = {"", "bit", "kbit", "mbit", "gbit", NULL};
	static const uint64_t factors[] = {1, 1, 1000, 1000000, 1000000000};

	return with_unit(s, units, factors, BITS_PER_S_MOST, out);
}

bool daemon_throttle_time(struct slice s, uint32_t *out)
{
	static const char *const units[] = {"", "s", "m", "h", "d", NULL};
	static const uint64_t factors[] = {1, 1, 60, 3600, 86400};
	uint64_t v;

	if (!with_unit(s, units, factors, SECONDS_MOST, &v))
		return false;
	*out = (uint32_t)v;
	return true;
}

/* --- checks --- */

static struct slice text_in(const char *field, size_t bytes)
{
	return (struct slice){(const uint8_t *)field, strnlen(field, bytes)};
}

static bool basis_fits(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < ' ' || s.ptr[i] > '~' || s.ptr[i] == '"' || s.ptr[i] == '\\')
			return false;
	return s.len < THROTTLE_BASIS_MAX;
}

static void target_write(const struct addr_prefix *p, char out[THROTTLE_TARGET_MAX])
{
	char text[ADDR_TEXT_MAX];

	(void)addr_format(&p->addr, text);
	(void)snprintf(out, THROTTLE_TARGET_MAX, "%s/%u", text, p->bits);
}

enum status daemon_throttle_check(const struct throttle_settings *s, struct throttle_order *o,
				  struct fail *why)
{
	struct slice target = text_in(o->target, sizeof o->target);
	struct addr_prefix p;
	unsigned widest;

	if (target.len == sizeof o->target || !addr_prefix_parse(target, &p))
		return fail_set(why, ST_INVALID, "\"%.*s\" is no address or network",
				SLICE_ARG(target));
	widest = p.addr.family == 4 ? WIDEST_V4 : WIDEST_V6;
	if (p.bits < widest)
		return fail_set(why, ST_LIMIT, "%.*s is too much: a network has at least %u bits",
				SLICE_ARG(target), widest);
	if (o->bits_per_s < s->least_bits_per_s || o->bits_per_s > BITS_PER_S_MOST)
		return fail_set(why, ST_LIMIT,
				"a rate is at least %llu bits a second (throttle.least-bits): less "
				"would be a blockade",
				(unsigned long long)s->least_bits_per_s);
	if (o->seconds == 0 || o->seconds > s->most_seconds)
		return fail_set(why, ST_LIMIT,
				"an order holds for 1 to %u seconds (throttle.most-seconds)",
				s->most_seconds);
	if (!basis_fits(text_in(o->basis, sizeof o->basis)))
		return fail_set(why, ST_INVALID,
				"a basis is printable text without quotes, at most %d bytes",
				THROTTLE_BASIS_MAX - 1);
	for (size_t i = 0; i < s->exempt_count; i++) {
		const struct addr_prefix *e = &s->exempt[i].network;

		if (e->bits <= p.bits && addr_prefix_holds(e, &p.addr))
			return fail_set(why, ST_REFUSED, "%.*s is exempt: %.*s", SLICE_ARG(target),
					SLICE_ARG(s->exempt[i].class));
	}
	target_write(&p, o->target);
	return ST_OK;
}

/* --- commands --- */

static const char *family(const struct throttle_settings *s)
{
	return s->bridge ? "netdev" : "inet";
}

static unsigned version(const struct throttle_order *o)
{
	return strchr(o->target, ':') != NULL ? 6 : 4;
}

static void add_exempt(const struct throttle_settings *s, struct buf *out)
{
	for (unsigned v = 4; v <= 6; v += 2) {
		const char *before = "";
		bool any = false;

		buf_add_fmt(out, "flush set %s dewline exempt%u\n", family(s), v);
		for (size_t i = 0; i < s->exempt_count; i++) {
			char text[THROTTLE_TARGET_MAX];

			if (s->exempt[i].network.addr.family != v)
				continue;
			if (!any)
				buf_add_fmt(out, "add element %s dewline exempt%u { ", family(s),
					    v);
			any = true;
			target_write(&s->exempt[i].network, text);
			buf_add_fmt(out, "%s%s", before, text);
			before = ", ";
		}
		if (any)
			buf_add_z(out, " }\n");
	}
}

static void add_ways(const struct throttle_settings *s, struct buf *out)
{
	static const char *const hooks[] = {"forward", "input", "output"};

	for (size_t i = 0; s->bridge && i < s->device_count; i++)
		buf_add_fmt(out,
			    "add chain netdev dewline out%zu { type filter hook egress device "
			    "\"%.*s\" priority 0; policy accept; }\n"
			    "flush chain netdev dewline out%zu\n"
			    "add rule netdev dewline out%zu jump orders\n",
			    i, SLICE_ARG(s->devices[i]), i, i);
	/* behind the usual filter, whose queues the sensor reads: it sees all */
	for (size_t i = 0; !s->bridge && i < sizeof hooks / sizeof hooks[0]; i++)
		buf_add_fmt(out,
			    "add chain inet dewline %s { type filter hook %s priority 10; policy "
			    "accept; }\n"
			    "flush chain inet dewline %s\n"
			    "add rule inet dewline %s jump orders\n",
			    hooks[i], hooks[i], hooks[i], hooks[i]);
}

void daemon_throttle_table(const struct throttle_settings *s, struct buf *out)
{
	static const char *const ends[] = {"saddr", "daddr"};
	const char *f = family(s);

	buf_add_fmt(out, "add table %s dewline\n", f);
	for (unsigned v = 4; v <= 6; v += 2)
		buf_add_fmt(out,
			    "add set %s dewline exempt%u { type ipv%u_addr; flags interval; "
			    "auto-merge; }\n"
			    "add map %s dewline targets%u { type ipv%u_addr : verdict; flags "
			    "interval,timeout; }\n",
			    f, v, v, f, v, v);
	add_exempt(s, out);
	buf_add_fmt(out,
		    "add counter %s dewline exempted\n"
		    "add chain %s dewline orders\n"
		    "flush chain %s dewline orders\n",
		    f, f, f);
	for (unsigned v = 4; v <= 6; v += 2)
		for (size_t i = 0; i < 2; i++)
			buf_add_fmt(out,
				    "add rule %s dewline orders %s %s @exempt%u counter name "
				    "\"exempted\" return\n",
				    f, v == 4 ? "ip" : "ip6", ends[i], v);
	for (unsigned v = 4; v <= 6; v += 2)
		for (size_t i = 0; i < 2; i++)
			buf_add_fmt(out, "add rule %s dewline orders %s %s vmap @targets%u\n", f,
				    v == 4 ? "ip" : "ip6", ends[i], v);
	add_ways(s, out);
	buf_add_byte(out, '\0');
}

void daemon_throttle_chain(const struct throttle_settings *s, const struct throttle_order *o,
			   struct buf *out)
{
	uint64_t bytes_per_s = o->bits_per_s / 8;
	uint64_t burst = bytes_per_s / 1000 * THROTTLE_BURST_MS;
	const char *f = family(s);

	if (burst < THROTTLE_BURST_BYTES)
		burst = THROTTLE_BURST_BYTES;
	buf_add_fmt(out,
		    "add limit %s dewline l%u { rate over %llu bytes/second burst %llu bytes ; }\n"
		    "add counter %s dewline d%u\n"
		    "add counter %s dewline s%u\n"
		    "add chain %s dewline c%u\n"
		    "add rule %s dewline c%u counter name \"s%u\" limit name \"l%u\" counter name "
		    "\"d%u\" drop",
		    f, o->id, (unsigned long long)bytes_per_s, (unsigned long long)burst, f, o->id,
		    f, o->id, f, o->id, f, o->id, o->id, o->id, o->id);
	if (o->basis[0] != '\0')
		buf_add_fmt(out, " comment \"%s\"", o->basis);
	buf_add(out, (struct slice){(const uint8_t *)"\n", 2}); /* with the NUL */
}

void daemon_throttle_element(const struct throttle_settings *s, const struct throttle_order *o,
			     bool add, struct buf *out)
{
	buf_add_fmt(out, "%s element %s dewline targets%u { %s", add ? "add" : "delete", family(s),
		    version(o), o->target);
	if (add)
		buf_add_fmt(out, " timeout %us : jump c%u", o->seconds, o->id);
	buf_add(out, (struct slice){(const uint8_t *)" }\n", 4}); /* with the NUL */
}

void daemon_throttle_forget(const struct throttle_settings *s, uint32_t id, struct buf *out)
{
	const char *f = family(s);

	buf_add_fmt(out,
		    "flush chain %s dewline c%u\n"
		    "delete chain %s dewline c%u\n"
		    "delete limit %s dewline l%u\n"
		    "delete counter %s dewline d%u\n"
		    "delete counter %s dewline s%u\n",
		    f, id, f, id, f, id, f, id, f, id);
	buf_add_byte(out, '\0');
}

void daemon_throttle_list(const struct throttle_settings *s, struct buf *out)
{
	buf_add_fmt(out, "list table %s dewline\n", family(s));
	buf_add_byte(out, '\0');
}

/* --- what the kernel lists --- */

/* "c7": 7; 0: it is no name of ours. */
static uint32_t id_of(const char *name, char letter)
{
	char *end;
	unsigned long v;

	if (name == NULL || name[0] != letter || name[1] < '1' || name[1] > '9')
		return 0;
	v = strtoul(name + 1, &end, 10);
	return *end == '\0' && v <= UINT32_MAX ? (uint32_t)v : 0;
}

static const char *name_in(const json_t *object)
{
	return json_string_value(json_object_get(object, "name"));
}

static uint64_t number_in(const json_t *object, const char *name)
{
	json_int_t v = json_integer_value(json_object_get(object, name));

	return v > 0 ? (uint64_t)v : 0;
}

/* All orders by their chains, in the order of their numbers. */
static size_t find_chains(const json_t *all, struct throttle_order out[THROTTLE_ORDERS_MAX])
{
	size_t n = 0, i;
	const json_t *o;

	json_array_foreach(all, i, o)
	{
		uint32_t id = id_of(name_in(json_object_get(o, "chain")), 'c');
		size_t at = n;

		if (id == 0 || n == THROTTLE_ORDERS_MAX)
			continue;
		for (; at > 0 && out[at - 1].id > id; at--)
			out[at] = out[at - 1];
		out[at] = (struct throttle_order){.id = id};
		n++;
	}
	return n;
}

static struct throttle_order *find(struct throttle_order *orders, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (id != 0 && orders[i].id == id)
			return &orders[i];
	return NULL;
}

/* [{"elem":{"val":ADDRESS,"expires":N}},{"jump":{"target":"c7"}}] */
static void read_element(const json_t *pair, struct throttle_order *orders, size_t n)
{
	const json_t *elem = json_object_get(json_array_get(pair, 0), "elem");
	const json_t *val = json_object_get(elem, "val"), *prefix = json_object_get(val, "prefix");
	const json_t *jump = json_object_get(json_array_get(pair, 1), "jump");
	struct throttle_order *o =
		find(orders, n, id_of(json_string_value(json_object_get(jump, "target")), 'c'));
	const char *addr =
		json_string_value(prefix != NULL ? json_object_get(prefix, "addr") : val);

	if (o == NULL || addr == NULL)
		return;
	/* what has less than a second to go has one */
	o->seconds = (uint32_t)number_in(elem, "expires");
	o->seconds += o->seconds == 0;
	if (prefix != NULL)
		(void)snprintf(o->target, sizeof o->target, "%s/%llu", addr,
			       (unsigned long long)number_in(prefix, "len"));
	else
		(void)snprintf(o->target, sizeof o->target, "%s/%u", addr,
			       strchr(addr, ':') != NULL ? 128U : 32U);
}

static void read_one(const json_t *o, struct throttle_order *orders, size_t n)
{
	const json_t *limit = json_object_get(o, "limit"), *counter = json_object_get(o, "counter");
	const json_t *map = json_object_get(o, "map"), *rule = json_object_get(o, "rule");
	const json_t *elements = json_object_get(map, "elem"), *pair;
	const char *comment = json_string_value(json_object_get(rule, "comment"));
	struct throttle_order *at;
	size_t i;

	json_array_foreach(elements, i, pair) read_element(pair, orders, n);
	at = find(orders, n, id_of(name_in(limit), 'l'));
	if (at != NULL)
		at->bits_per_s = number_in(limit, "rate") * 8;
	at = find(orders, n, id_of(name_in(counter), 's'));
	if (at != NULL) {
		at->seen = number_in(counter, "packets");
		at->seen_bytes = number_in(counter, "bytes");
	}
	at = find(orders, n, id_of(name_in(counter), 'd'));
	if (at != NULL) {
		at->dropped = number_in(counter, "packets");
		at->dropped_bytes = number_in(counter, "bytes");
	}
	at = find(orders, n, id_of(json_string_value(json_object_get(rule, "chain")), 'c'));
	if (at != NULL && comment != NULL)
		(void)snprintf(at->basis, sizeof at->basis, "%s", comment);
}

size_t daemon_throttle_read(struct slice text, struct throttle_order out[THROTTLE_ORDERS_MAX],
			    uint32_t out_over[THROTTLE_ORDERS_MAX], size_t *over_count)
{
	json_t *root = json_loadb((const char *)text.ptr, text.len, 0, NULL);
	const json_t *all = json_object_get(root, "nftables"), *o;
	size_t n = find_chains(all, out), holds = 0, i;

	*over_count = 0;
	json_array_foreach(all, i, o) read_one(o, out, n);
	for (i = 0; i < n; i++) {
		if (out[i].seconds == 0)
			out_over[(*over_count)++] = out[i].id;
		else
			out[holds++] = out[i];
	}
	json_decref(root);
	return holds;
}
