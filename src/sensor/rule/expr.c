/* SPDX-License-Identifier: Apache-2.0
 *
 * Address and port expressions. An expression becomes canonical spans in a scratch arena, the spans
 * become a set, and the set is looked up by its value: so there is one of each.
 * 1. by_text holds a set under every text that was evaluated since the variables last changed.
 * 2. by_value holds every set there is. */
#include "base/text.h"
#include "sensor/rule/rule_priv.h"

/* One walk over one text. */
struct expr {
	struct rule_set *rules;
	bool ports; /* else addresses */
	unsigned depth;
	struct arena scratch;
	struct fail *why;
};

static const struct rule_span every_port = {RULE_SPACE_PORT, 0, UINT16_MAX};
static const struct rule_span every_v4 = {RULE_SPACE_V4, 0, UINT32_MAX};
static const struct rule_span every_v6 = {RULE_SPACE_V6, 0, ~(rule_point)0};

static enum status no_memory(struct expr *e)
{
	return fail_set(e->why, ST_NOMEM, "no memory for an address or port expression");
}

static enum status span_add(struct expr *e, struct rule_spans *s, struct rule_span span)
{
	return ARENA_PUSH(&e->scratch, s->at, s->count, s->room, span) ? ST_OK : no_memory(e);
}

static enum status universe_add(struct expr *e, struct rule_spans *s)
{
	if (e->ports)
		return span_add(e, s, every_port);
	return span_add(e, s, every_v4) == ST_OK ? span_add(e, s, every_v6) : ST_NOMEM;
}

static rule_point point_of(const struct addr *a)
{
	rule_point p = 0;

	for (size_t i = 0; i < addr_bytes(a); i++)
		p = p << 8 | a->b[i];
	return p;
}

static struct addr addr_of(enum rule_space space, rule_point p)
{
	struct addr a = {.family = (uint8_t)space};

	for (size_t i = addr_bytes(&a); i > 0; i--, p >>= 8)
		a.b[i - 1] = (uint8_t)p;
	return a;
}

/* ---- literals ---- */

static bool port_parse(struct slice s, rule_point *out)
{
	uint64_t v;

	for (size_t i = 0; i < s.len; i++)
		if (!text_is_digit(s.ptr[i]))
			return false;
	if (!text_u64(s, 0, UINT16_MAX, &v))
		return false;
	*out = v;
	return true;
}

/* "80", "80:90", "1024:", ":1023" */
static bool ports_parse(struct slice s, struct rule_span *out)
{
	struct slice hi = s, lo = slice_split(&hi, ':');
	struct rule_span span = every_port;

	if (hi.ptr == NULL || (lo.len == 0 && hi.len == 0)) {
		if (!port_parse(s, &span.lo))
			return false;
		span.hi = span.lo;
	} else if ((lo.len > 0 && !port_parse(slice_trim(lo), &span.lo)) ||
		   (hi.len > 0 && !port_parse(slice_trim(hi), &span.hi))) {
		return false;
	}
	*out = span;
	return span.lo <= span.hi;
}

/* "192.0.2.0/255.255.255.0"; the mask's ones come first. */
static bool netmask_parse(struct slice s, struct rule_span *out)
{
	struct slice mask_text = s, net_text = slice_split(&mask_text, '/');
	struct addr net, mask;
	uint32_t host;

	if (!addr_parse(net_text, &net) || !addr_parse(mask_text, &mask) || net.family != 4 ||
	    mask.family != 4)
		return false;
	host = ~(uint32_t)point_of(&mask);
	if ((host & (host + 1)) != 0)
		return false;
	*out = (struct rule_span){RULE_SPACE_V4, point_of(&net) & ~host, point_of(&net) | host};
	return true;
}

/* "192.0.2.1", "192.0.2.0/24", "192.0.2.1-192.0.2.9" */
static bool addrs_parse(struct slice s, struct rule_span *out)
{
	struct slice hi_text = s, lo_text = slice_split(&hi_text, '-');
	struct addr_prefix p;
	struct addr lo, hi;
	rule_point all;

	if (hi_text.ptr != NULL) {
		if (!addr_parse(slice_trim(lo_text), &lo) ||
		    !addr_parse(slice_trim(hi_text), &hi) || lo.family != hi.family ||
		    addr_compare(&lo, &hi) > 0)
			return false;
		*out = (struct rule_span){lo.family, point_of(&lo), point_of(&hi)};
		return true;
	}
	if (!addr_prefix_parse(s, &p))
		return netmask_parse(s, out);
	all = p.addr.family == 4 ? every_v4.hi : every_v6.hi;
	/* a shift by all the bits is undefined, so the empty prefix is its own case */
	*out = (struct rule_span){p.addr.family, point_of(&p.addr), all};
	if (p.bits > 0)
		out->hi = out->lo |
			  (all & (((rule_point)1 << (addr_bytes(&p.addr) * 8 - p.bits)) - 1));
	return true;
}

static enum status literal_add(struct expr *e, struct slice text, struct rule_spans *out)
{
	struct rule_span span;

	if (slice_equal(text, SLICE("any")))
		return universe_add(e, out);
	if (e->ports ? ports_parse(text, &span) : addrs_parse(text, &span))
		return span_add(e, out, span);
	return fail_set(e->why, ST_INVALID, "expected %s, not \"%.*s\"",
			e->ports ? "a port (0 to 65535) or a range of ports"
				 : "an IP address, prefix or range",
			RULE_SHOW(text));
}

/* ---- variables, lists and negation ---- */

static enum status set_get(struct rule_set *s, bool ports, struct slice text, unsigned depth,
			   void **out, struct fail *why);

static enum status variable_add(struct expr *e, struct slice name, struct rule_spans *out)
{
	const struct slice *text = rule_table_find(&e->rules->vars->names, name);
	enum status st;
	void *set;

	if (text == NULL)
		return fail_set(e->why, ST_NOTFOUND, "expected a variable that is set, not $%.*s",
				RULE_SHOW(name));
	st = set_get(e->rules, e->ports, *text, e->depth + 1, &set, e->why);
	if (st != ST_OK)
		return fail_wrap(e->why, "$%.*s", RULE_SHOW(name));
	if (e->ports) {
		const struct rule_port_set *p = set;

		for (size_t i = 0; st == ST_OK && i < p->count; i++)
			st = span_add(e, out,
				      (struct rule_span){RULE_SPACE_PORT, p->ranges[i].lo,
							 p->ranges[i].hi});
	} else {
		const struct rule_addr_set *a = set;

		for (size_t i = 0; st == ST_OK && i < a->count; i++)
			st = span_add(e, out,
				      (struct rule_span){a->ranges[i].lo.family,
							 point_of(&a->ranges[i].lo),
							 point_of(&a->ranges[i].hi)});
	}
	return st;
}

/* The part before the next comma that stands in no inner list; false if brackets do not match. */
static bool member_take(struct slice *rest, struct slice *out)
{
	size_t depth = 0, i;

	for (i = 0; i < rest->len && (depth > 0 || rest->ptr[i] != ','); i++) {
		if (rest->ptr[i] == '[')
			depth++;
		else if (rest->ptr[i] == ']' && depth-- == 0)
			return false;
	}
	*out = slice_part(*rest, 0, i);
	*rest = i < rest->len ? (struct slice){rest->ptr + i + 1, rest->len - i - 1}
			      : (struct slice){NULL, 0};
	return depth == 0;
}

/* The members of one list, by their sign. */
struct members {
	struct rule_spans plain, negated;
	bool some_plain; /* a plain member may hold nothing: that is not the same as no member */
};

static enum status list_add(struct expr *e, struct slice inner, struct rule_spans *out);

/* One expression; what it says without its "!" is added to the members of its sign. */
static enum status member_add(struct expr *e, struct slice text, struct members *m)
{
	struct slice s = slice_trim(text);
	struct rule_spans *out = &m->plain;

	if (slice_starts(s, SLICE("!"))) {
		s = slice_trim(slice_from(s, 1));
		out = &m->negated;
	} else {
		m->some_plain = true;
	}
	if (slice_starts(s, SLICE("[")) && slice_ends(s, SLICE("]")))
		return list_add(e, slice_part(s, 1, s.len - 2), out);
	if (slice_starts(s, SLICE("$")))
		return variable_add(e, slice_from(s, 1), out);
	return literal_add(e, s, out);
}

/* What the plain members hold, or everything if there are none, less what the negated hold;
 * canonical. */
static enum status members_sum(struct expr *e, struct members *m, struct rule_spans *out)
{
	if (!m->some_plain && universe_add(e, &m->plain) != ST_OK)
		return ST_NOMEM;
	rule_spans_tidy(&m->plain);
	rule_spans_tidy(&m->negated);
	return rule_spans_subtract(&m->plain, &m->negated, &e->scratch, out) ? ST_OK : no_memory(e);
}

/* What the members of a list hold together; canonical. */
static enum status inner_eval(struct expr *e, struct slice inner, struct rule_spans *out)
{
	struct members m = {0};
	struct slice rest = inner, member;
	enum status st;

	if (e->depth > RULE_NEST_MAX)
		return fail_set(e->why, ST_LIMIT,
				"expected at most %d lists and variables in one another",
				RULE_NEST_MAX);
	do {
		if (!member_take(&rest, &member))
			return fail_set(e->why, ST_INVALID, "expected as many ] as [ in \"%.*s\"",
					RULE_SHOW(inner));
		st = member_add(e, member, &m);
	} while (st == ST_OK && rest.ptr != NULL);
	return st == ST_OK ? members_sum(e, &m, out) : st;
}

static enum status list_add(struct expr *e, struct slice inner, struct rule_spans *out)
{
	struct rule_spans sum;
	enum status st;

	e->depth++;
	st = inner_eval(e, inner, &sum);
	e->depth--;
	for (size_t i = 0; st == ST_OK && i < sum.count; i++)
		st = span_add(e, out, sum.at[i]);
	return st;
}

/* ---- sets ---- */

static bool is_universe(const struct rule_spans *s, const struct rule_span *all, size_t n)
{
	bool same = s->count == n;

	for (size_t i = 0; same && i < n; i++)
		same = s->at[i].space == all[i].space && s->at[i].lo == all[i].lo &&
		       s->at[i].hi == all[i].hi;
	return same;
}

static struct rule_port_set *port_set_new(const struct rule_spans *s, struct arena *a)
{
	struct rule_port_set *set = ARENA_NEW(a, struct rule_port_set);
	struct rule_port_range *r = ARENA_ARRAY(a, struct rule_port_range, s->count);

	if (set == NULL || r == NULL)
		return NULL;
	for (size_t i = 0; i < s->count; i++)
		r[i] = (struct rule_port_range){(uint16_t)s->at[i].lo, (uint16_t)s->at[i].hi};
	*set = (struct rule_port_set){r, s->count, is_universe(s, &every_port, 1)};
	return set;
}

static struct rule_addr_set *addr_set_new(const struct rule_spans *s, struct arena *a)
{
	const struct rule_span all[] = {every_v4, every_v6};
	struct rule_addr_set *set = ARENA_NEW(a, struct rule_addr_set);
	struct rule_addr_range *r = ARENA_ARRAY(a, struct rule_addr_range, s->count);

	if (set == NULL || r == NULL)
		return NULL;
	for (size_t i = 0; i < s->count; i++)
		r[i] = (struct rule_addr_range){addr_of(s->at[i].space, s->at[i].lo),
						addr_of(s->at[i].space, s->at[i].hi)};
	*set = (struct rule_addr_set){r, s->count, is_universe(s, all, 2)};
	return set;
}

static struct slice port_set_bytes(const struct rule_port_set *s)
{
	return (struct slice){(const uint8_t *)s->ranges, s->count * sizeof *s->ranges};
}

static struct slice addr_set_bytes(const struct rule_addr_set *s)
{
	return (struct slice){(const uint8_t *)s->ranges, s->count * sizeof *s->ranges};
}

_Static_assert(sizeof(struct rule_port_range) == 4 && sizeof(struct rule_addr_range) == 34,
	       "sets are compared as bytes, so ranges have no padding");

/* The one set that holds these spans; NULL when the budget is spent. Made in the scratch arena
 * first, since most are there already. */
static void *set_of(struct expr *e, const struct rule_spans *s)
{
	struct arena *a = e->rules->arena;
	struct rule_sets *sets = e->ports ? &e->rules->vars->ports : &e->rules->vars->addrs;
	void *set;

	if (e->ports) {
		struct rule_port_set *p = port_set_new(s, &e->scratch);

		set = p ? rule_table_find(&sets->by_value, port_set_bytes(p)) : NULL;
		if (p == NULL || set != NULL)
			return set;
		p = port_set_new(s, a);
		return p && rule_table_put(&sets->by_value, a, port_set_bytes(p), p) ? p : NULL;
	}
	struct rule_addr_set *p = addr_set_new(s, &e->scratch);

	set = p ? rule_table_find(&sets->by_value, addr_set_bytes(p)) : NULL;
	if (p == NULL || set != NULL)
		return set;
	p = addr_set_new(s, a);
	return p && rule_table_put(&sets->by_value, a, addr_set_bytes(p), p) ? p : NULL;
}

/* A whole expression is a list whose brackets may be left out. */
static enum status eval(struct expr *e, struct slice text, void **out)
{
	struct rule_spans sum;
	enum status st = inner_eval(e, text, &sum);

	if (st != ST_OK)
		return st;
	if (sum.count == 0)
		return fail_set(e->why, ST_INVALID, "expected %s that \"%.*s\" holds",
				e->ports ? "a port" : "an address", RULE_SHOW(text));
	*out = set_of(e, &sum);
	return *out ? ST_OK : no_memory(e);
}

/* The set that text means. Each text is evaluated once, so a variable costs nothing however often
 * it is named. */
static enum status set_get(struct rule_set *s, bool ports, struct slice text, unsigned depth,
			   void **out, struct fail *why)
{
	struct rule_table *by_text = ports ? &s->vars->ports.by_text : &s->vars->addrs.by_text;
	struct expr e = {s, ports, depth, {.pool = s->arena->pool}, why};
	struct slice key = slice_trim(text);
	void *set = rule_table_find(by_text, key);
	enum status st = ST_OK;

	if (set == NULL) {
		st = eval(&e, key, &set);
		if (st == ST_OK) {
			key = arena_copy(s->arena, key);
			if (key.len == 0 || !rule_table_put(by_text, s->arena, key, set))
				st = no_memory(&e);
		}
		arena_reset(&e.scratch);
	}
	if (st == ST_OK)
		*out = set;
	return st;
}

enum status rule_addrs_parse(struct rule_set *s, struct slice text,
			     const struct rule_addr_set **out, struct fail *why)
{
	void *set;
	enum status st = set_get(s, false, text, 0, &set, why);

	if (st == ST_OK)
		*out = set;
	return st;
}

enum status rule_ports_parse(struct rule_set *s, struct slice text,
			     const struct rule_port_set **out, struct fail *why)
{
	void *set;
	enum status st = set_get(s, true, text, 0, &set, why);

	if (st == ST_OK)
		*out = set;
	return st;
}

bool rule_ports_hold(const struct rule_port_set *s, uint16_t port)
{
	size_t lo = 0, hi = s->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->ranges[mid].hi < port)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->count && s->ranges[lo].lo <= port;
}

bool rule_addrs_hold(const struct rule_addr_set *s, const struct addr *a)
{
	size_t lo = 0, hi = s->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (addr_compare(&s->ranges[mid].hi, a) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->count && addr_compare(&s->ranges[lo].lo, a) <= 0;
}

/* ---- variables ---- */

static bool var_put(struct rule_vars *v, struct arena *a, struct slice name, struct slice text)
{
	struct slice *copy = ARENA_NEW(a, struct slice);

	if (copy == NULL)
		return false;
	*copy = text;
	return rule_table_put(&v->names, a, name, copy);
}

bool rule_vars_init(struct rule_vars *v, struct arena *a)
{
	static const char *const defaults[][2] = {
		{"HOME_NET", "[192.168.0.0/16,10.0.0.0/8,172.16.0.0/12]"},
		{"EXTERNAL_NET", "!$HOME_NET"},
		{"HTTP_SERVERS", "$HOME_NET"},
		{"SMTP_SERVERS", "$HOME_NET"},
		{"SQL_SERVERS", "$HOME_NET"},
		{"DNS_SERVERS", "$HOME_NET"},
		{"TELNET_SERVERS", "$HOME_NET"},
		{"AIM_SERVERS", "$EXTERNAL_NET"},
		{"DC_SERVERS", "$HOME_NET"},
		{"DNP3_SERVER", "$HOME_NET"},
		{"DNP3_CLIENT", "$HOME_NET"},
		{"MODBUS_CLIENT", "$HOME_NET"},
		{"MODBUS_SERVER", "$HOME_NET"},
		{"ENIP_CLIENT", "$HOME_NET"},
		{"ENIP_SERVER", "$HOME_NET"},
		{"HTTP_PORTS", "80"},
		{"SHELLCODE_PORTS", "!80"},
		{"ORACLE_PORTS", "1521"},
		{"SSH_PORTS", "22"},
		{"DNP3_PORTS", "20000"},
		{"MODBUS_PORTS", "502"},
		{"FILE_DATA_PORTS", "[$HTTP_PORTS,110,143]"},
		{"FTP_PORTS", "21"},
		{"GENEVE_PORTS", "6081"},
		{"VXLAN_PORTS", "4789"},
		{"TEREDO_PORTS", "3544"},
		{"SIP_PORTS", "[5060,5061]"},
	};

	for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
		if (!var_put(v, a, slice_of(defaults[i][0]), slice_of(defaults[i][1])))
			return false;
	return true;
}

/* text means something as addresses or as ports. */
static enum status either_parse(struct rule_set *s, struct slice text, struct fail *why)
{
	struct fail why_ports;
	enum status st;
	void *set;

	st = set_get(s, false, text, 1, &set, why);
	if (st == ST_OK || st == ST_NOMEM)
		return st;
	st = set_get(s, true, text, 1, &set, &why_ports);
	if (st != ST_OK && slice_find(text, SLICE(".")) == SIZE_MAX)
		*why = why_ports;
	return st;
}

/* What was evaluated under the old meaning of a variable is no longer true. */
static void forget_texts(struct rule_vars *v)
{
	v->ports.by_text = (struct rule_table){0};
	v->addrs.by_text = (struct rule_table){0};
}

void rule_set_forget_vars(struct rule_set *s)
{
	s->vars->names = (struct rule_table){0};
	forget_texts(s->vars);
}

enum status rule_set_var(struct rule_set *s, struct slice name, struct slice value,
			 struct fail *why)
{
	struct slice key = slice_starts(name, SLICE("$")) ? slice_from(name, 1) : name;
	struct rule_table *names = &s->vars->names;
	struct slice text, *old;
	enum status st;

	if (!rule_name_ok(key))
		return fail_set(why, ST_INVALID, "expected the name of a variable, not \"%.*s\"",
				RULE_SHOW(name));
	st = either_parse(s, value, why);
	if (st != ST_OK)
		return fail_wrap(why, "$%.*s", RULE_SHOW(key));
	key = arena_copy(s->arena, key);
	text = arena_copy(s->arena, slice_trim(value));
	old = rule_table_find(names, key);
	if (key.len == 0 || text.len == 0 || !var_put(s->vars, s->arena, key, text))
		return fail_set(why, ST_NOMEM, "no memory for a variable");
	forget_texts(s->vars);
	st = either_parse(s, text, why);
	if (st == ST_OK || old == NULL)
		return st;
	/* the new meaning names itself: the old one stays */
	forget_texts(s->vars);
	if (!rule_table_put(names, s->arena, key, old))
		return fail_set(why, ST_NOMEM, "no memory for a variable");
	return fail_wrap(why, "$%.*s", RULE_SHOW(key));
}
