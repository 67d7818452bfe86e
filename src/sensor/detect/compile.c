/* SPDX-License-Identifier: Apache-2.0
 *
 * One rule: options in order, each to its keyword's row, steps collected by buffer; then what the
 * rule as a whole looks at.
 *
 * 1. A draft list belongs to one buffer; a buffer has one list, unless it has several values and
 *    is named again.
 * 2. c->current is where the next step goes. It is never NULL while options are read.
 * 3. After an error nothing of the rule is used.
 */
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

int detect_protocol_index(const struct app_protocol *p)
{
	unsigned i = app_protocol_index(p);

	return i < APP_PROTOCOLS_MAX ? (int)i : -1;
}

/* A rule's protocol word means more than the protocol of that name. Suricata 8.0.6 rules/intro. */
static const struct {
	const char *word, *means;
} also[] = {{"http", "http2"}, {"http", "doh2"}, {"http1", "http"},
	    {"http2", "doh2"}, {"dns", "doh2"},	 {"dcerpc", "smb"}};

uint64_t detect_apps_named(struct slice proto)
{
	uint64_t bits = 0;

	for (unsigned i = 0; app_protocols[i] != NULL && i < DETECT_PROTOCOLS_MAX; i++) {
		struct slice name = slice_of(app_protocols[i]->name);

		if (slice_equal(proto, name))
			bits |= UINT64_C(1) << i;
		for (size_t k = 0; k < sizeof also / sizeof also[0]; k++)
			if (slice_equal(proto, slice_of(also[k].word)) &&
			    slice_equal(name, slice_of(also[k].means)))
				bits |= UINT64_C(1) << i;
	}
	return bits;
}

/* --- drafts --- */

struct detect_draft_list *detect_draft_new(struct detect_compiler *c)
{
	struct detect_draft_list *d;

	if (c->drafts_used == DETECT_DRAFTS_MAX)
		return NULL;
	d = &c->drafts[c->drafts_used++];
	d->buffer = NULL;
	d->count = 0;
	d->absent = d->transformed = false;
	return d;
}

static struct detect_buffer *buffer_add(struct detect_compiler *c, struct slice name)
{
	struct detect_rules *r = c->rules;
	struct detect_buffer *b = ARENA_NEW(c->arena, struct detect_buffer);

	if (b == NULL || r->buffer_count == DETECT_BUFFERS_MAX)
		return NULL;
	b->name = arena_copy(c->arena, name);
	b->index = (uint16_t)r->buffer_count;
	r->buffers[r->buffer_count++] = b;
	return b->name.len == name.len ? b : NULL;
}

bool detect_rules_use(const struct detect_rules *r, struct slice name)
{
	for (size_t i = 0; i < r->buffer_count; i++)
		if (slice_starts(r->buffers[i]->name, name))
			return true;
	return false;
}

static struct detect_buffer *buffer_find(const struct detect_rules *r, struct slice name)
{
	for (size_t i = 0; i < r->buffer_count; i++)
		if (slice_equal(r->buffers[i]->name, name))
			return r->buffers[i];
	return NULL;
}

static const struct app_field *field_in(const struct app_field *f, struct slice name)
{
	for (; f != NULL && f->name != NULL; f++)
		if (slice_equal(name, slice_of(f->name)))
			return f;
	return NULL;
}

/* Fills in the field of each protocol that has one of that name; false: none has. */
static bool fields_of(struct detect_buffer *b, struct slice field)
{
	bool any = false;

	for (size_t i = 0; app_protocols[i] != NULL && i < DETECT_PROTOCOLS_MAX; i++) {
		const struct app_field *f = field_in(app_protocols[i]->fields, field);

		if (f == NULL)
			f = field_in(app_protocols[i]->more, field);
		if (f == NULL && app_protocols[i]->files != 0)
			f = field_in(app_file_fields, field);
		b->field[i] = f;
		any |= f != NULL;
	}
	return any;
}

/* "frame:APPS:NAME", as kw_frame.c writes it */
static bool frame_of(struct detect_buffer *b, struct slice field)
{
	struct slice rest = field, apps;
	uint64_t bits = 0;

	(void)slice_split(&rest, ':');
	apps = slice_split(&rest, ':');
	for (size_t i = 0; i < apps.len; i++)
		bits = bits << 4 | (uint64_t)text_hex(apps.ptr[i]);
	b->is_frame = true;
	return detect_frames_named(b, bits, rest);
}

/* Whose bytes a name means; false: nobody's. */
static bool kind_of(const struct detect_compiler *c, struct detect_buffer *b, struct slice field)
{
	const struct detect_keyword *row = detect_keyword_find(field);

	if (slice_starts(field, SLICE("frame:")))
		return frame_of(b, field);
	b->payload = slice_equal(field, SLICE("payload"));
	b->packet = row != NULL && row->bytes != NULL ? row : NULL;
	return b->payload || b->packet != NULL || fields_of(b, field);
}

static enum status buffer_get(struct detect_compiler *c, struct slice field,
			      struct detect_buffer **out, struct fail *why)
{
	struct detect_buffer *b = buffer_find(c->rules, field), probe = {0};

	if (b == NULL) {
		if (!kind_of(c, &probe, field))
			return fail_set(why, ST_NOTFOUND, "no buffer \"%.*s\"", SLICE_ARG(field));
		b = buffer_add(c, field);
		if (b == NULL)
			return fail_set(why, ST_NOMEM, "no room for a buffer");
		probe.name = b->name;
		probe.index = b->index;
		*b = probe;
	}
	*out = b;
	return ST_OK;
}

static bool is_multi(const struct detect_buffer *b)
{
	for (size_t i = 0; i < DETECT_PROTOCOLS_MAX; i++)
		if (b->field[i] != NULL && b->field[i]->multi)
			return true;
	return false;
}

static struct detect_draft_list *list_of(struct detect_compiler *c, struct detect_buffer *b,
					 bool again)
{
	struct detect_draft_list *d = NULL;

	for (uint32_t i = 0; i < c->list_count; i++)
		if (c->lists[i]->buffer == b)
			d = c->lists[i];
	if (d != NULL && !(again && d->count != 0 && is_multi(b)))
		return d;
	if (c->list_count == DETECT_LISTS_MAX)
		return NULL;
	d = detect_draft_new(c);
	if (d != NULL) {
		d->buffer = b;
		c->lists[c->list_count++] = d;
	}
	return d;
}

enum status detect_list_for(struct detect_compiler *c, struct slice field,
			    struct detect_draft_list **out, struct fail *why)
{
	struct detect_draft_list *d;
	struct detect_buffer *b;
	enum status st = buffer_get(c, field, &b, why);

	if (st != ST_OK)
		return st;
	d = list_of(c, b, false);
	if (d == NULL)
		return fail_set(why, ST_LIMIT, "more than %d buffers", DETECT_LISTS_MAX);
	*out = d;
	return ST_OK;
}

enum status detect_stick(struct detect_compiler *c, struct slice field, struct fail *why)
{
	struct detect_draft_list *d;
	struct detect_buffer *b;
	enum status st = buffer_get(c, field, &b, why);

	if (st != ST_OK)
		return st;
	d = list_of(c, b, true);
	if (d == NULL)
		return fail_set(why, ST_LIMIT, "more than %d buffers", DETECT_LISTS_MAX);
	c->current = d;
	c->sticky = !b->payload;
	c->content = NULL;
	return ST_OK;
}

enum status detect_add_transform(struct detect_compiler *c, const struct detect_transform *t,
				 struct slice value, struct fail *why)
{
	const struct detect_buffer *was = c->current->buffer;
	struct buf name = buf_in(c->arena);
	struct detect_buffer *b;

	if (!c->sticky || was == NULL)
		return fail_set(why, ST_INVALID, "%s stands behind a buffer", t->kw->name);
	if (was->transforms == DETECT_TRANSFORMS_MAX)
		return fail_set(why, ST_LIMIT, "more than %d transforms", DETECT_TRANSFORMS_MAX);
	buf_add(&name, was->name);
	buf_add_fmt(&name, " %s:", t->kw->name);
	buf_add(&name, value);
	if (name.full)
		return fail_set(why, ST_NOMEM, "no memory for a transform");
	b = buffer_find(c->rules, buf_slice(&name));
	if (b == NULL) {
		b = buffer_add(c, buf_slice(&name));
		if (b == NULL)
			return fail_set(why, ST_NOMEM, "no room for a buffer");
		memcpy(b->field, was->field, sizeof b->field);
		memcpy(b->transform, was->transform, sizeof b->transform);
		b->packet = was->packet;
		b->is_frame = was->is_frame;
		memcpy(b->frame, was->frame, sizeof b->frame);
		b->transforms = was->transforms;
		b->transform[b->transforms++] = *t;
	}
	if (c->current->count == 0)
		c->current->transformed = true;
	c->current = list_of(c, b, true);
	if (c->current == NULL)
		return fail_set(why, ST_LIMIT, "more than %d buffers", DETECT_LISTS_MAX);
	return ST_OK;
}

enum status detect_add_step(struct detect_compiler *c, const struct detect_keyword *kw,
			    const void *operand, bool relative, struct fail *why)
{
	struct detect_draft_list *d = c->current;

	/* without a sticky buffer, what is relative goes where the step before went: contents may
	 * have moved to a buffer since (http_uri) */
	if (relative && !c->sticky && c->last != NULL && d->buffer != NULL && d->buffer->payload)
		d = c->last;
	c->last = d;
	if (d->count == DETECT_STEPS_MAX)
		return fail_set(why, ST_LIMIT, "more than %d steps in one buffer",
				DETECT_STEPS_MAX);
	d->steps[d->count++] =
		(struct detect_step){.kw = kw, .operand = operand, .relative = relative};
	return ST_OK;
}

static enum status add_to(const struct detect_compiler *c, struct detect_test *list,
			  uint32_t *count, const struct detect_keyword *kw, const void *operand,
			  struct fail *why)
{
	uint32_t i = *count;

	if (i == DETECT_TESTS_MAX)
		return fail_set(why, ST_LIMIT, "more than %d tests", DETECT_TESTS_MAX);
	for (; i > 0 && list[i - 1].kw->cost > kw->cost; i--)
		list[i] = list[i - 1];
	list[i] = (struct detect_test){kw, operand, c->value};
	++*count;
	return ST_OK;
}

enum status detect_add_test(struct detect_compiler *c, const struct detect_keyword *kw,
			    const void *operand, struct fail *why)
{
	return add_to(c, c->tests, &c->test_count, kw, operand, why);
}

enum status detect_add_tx_test(struct detect_compiler *c, const struct detect_keyword *kw,
			       const void *operand, struct fail *why)
{
	return add_to(c, c->tx_tests, &c->tx_test_count, kw, operand, why);
}

enum status detect_add_after(struct detect_compiler *c, const struct detect_keyword *kw,
			     const void *operand, struct fail *why)
{
	return add_to(c, c->after, &c->after_count, kw, operand, why);
}

/* --- the header --- */

enum { PROTO_PACKETS_ONLY = 1, PROTO_STREAM_ONLY = 2 };

static const struct {
	const char *word;
	uint8_t number, number2; /* 0: any */
	uint8_t ip_version, how;
} protos[] = {
	{"ip", 0, 0, 0, 0},
	{"pkthdr", 0, 0, 0, 0}, /* decoder events: packets without IP, too */
	{"ip4", 0, 0, 4, 0},
	{"ipv4", 0, 0, 4, 0},
	{"ip6", 0, 0, 6, 0},
	{"ipv6", 0, 0, 6, 0},
	{"tcp", IP_PROTO_TCP, 0, 0, 0},
	{"tcp-pkt", IP_PROTO_TCP, 0, 0, PROTO_PACKETS_ONLY},
	{"tcp-stream", IP_PROTO_TCP, 0, 0, PROTO_STREAM_ONLY},
	{"udp", IP_PROTO_UDP, 0, 0, 0},
	{"icmp", IP_PROTO_ICMP, IP_PROTO_ICMP6, 0, 0},
	{"icmpv4", IP_PROTO_ICMP, 0, 4, 0},
	{"icmpv6", IP_PROTO_ICMP6, 0, 6, 0},
	{"sctp", IP_PROTO_SCTP, 0, 0, 0},
};

static void proto_add(struct detect_rule *o, uint8_t number)
{
	o->protos[number / 64] |= UINT64_C(1) << number % 64;
}

static void transports_add(struct detect_rule *o, uint64_t apps)
{
	for (unsigned i = 0; app_protocols[i] != NULL && i < DETECT_PROTOCOLS_MAX; i++) {
		if ((apps >> i & 1) == 0)
			continue;
		if ((app_protocols[i]->transports & APP_TCP) != 0)
			proto_add(o, IP_PROTO_TCP);
		if ((app_protocols[i]->transports & APP_UDP) != 0)
			proto_add(o, IP_PROTO_UDP);
	}
}

/* --- hooks: "tls:client_hello_done" --- */

static bool hook_find(const struct app_protocol *p, struct slice name, struct app_hook *out)
{
	const struct app_hook common[] = {
		{"request_started", APP_TO_SERVER, 0},
		{"request_complete", APP_TO_SERVER, p->complete[APP_TO_SERVER]},
		{"response_started", APP_TO_CLIENT, 0},
		{"response_complete", APP_TO_CLIENT, p->complete[APP_TO_CLIENT]},
	};

	for (const struct app_hook *h = p->hooks; h != NULL && h->name != NULL; h++)
		if (slice_equal(name, slice_of(h->name))) {
			*out = *h;
			return true;
		}
	for (size_t i = 0; i < sizeof common / sizeof common[0]; i++)
		if (slice_equal(name, slice_of(common[i].name))) {
			*out = common[i];
			return true;
		}
	return false;
}

/* Keeps of o->apps the protocols that have the hook. */
static enum status hook_set(struct detect_compiler *c, struct slice name, struct fail *why)
{
	struct detect_rule *o = c->out;
	uint64_t have = 0;

	for (unsigned i = 0; app_protocols[i] != NULL && i < DETECT_PROTOCOLS_MAX; i++) {
		struct app_hook h;

		if ((o->apps >> i & 1) == 0 || !hook_find(app_protocols[i], name, &h))
			continue;
		have |= UINT64_C(1) << i;
		o->hook_dir = (uint8_t)h.dir;
		o->hook_progress[i] = h.progress;
	}
	if (have == 0)
		return fail_set(why, ST_NOTFOUND, "no hook \"%.*s\"", SLICE_ARG(name));
	o->apps = have;
	o->has_hook = true;
	return ST_OK;
}

/* "tcp:flow_start": the first packet that the client of a flow sends. */
static bool flow_starts(const void *operand, const struct detect_view *v)
{
	return v->flow != NULL && v->dir == FLOW_TO_SERVER && v->packet != NULL &&
	       v->flow->side[FLOW_TO_SERVER].pkts == 1;
}

static const struct detect_keyword flow_start_row = {
	.name = "flow_start", .doc = "the first packet of a flow", .test = flow_starts};

/* The places that packets pass; rules are asked behind all of them, one packet after the other. */
static enum status packet_hook(struct detect_compiler *c, struct slice hook, struct fail *why)
{
	if (slice_equal(hook, SLICE("flow_start")))
		return detect_add_test(c, &flow_start_row, NULL, why);
	if (slice_equal(hook, SLICE("pre_flow")) || slice_equal(hook, SLICE("pre_stream")) ||
	    slice_equal(hook, SLICE("all")))
		return ST_OK;
	return fail_set(why, ST_NOTFOUND, "no hook \"%.*s\"", SLICE_ARG(hook));
}

static enum status header_app(struct detect_compiler *c, struct slice proto, struct slice hook,
			      struct fail *why)
{
	struct detect_rule *o = c->out;
	enum status st = ST_OK;

	o->apps = detect_apps_named(proto);
	o->app_only = true;
	if (o->apps == 0)
		return fail_set(why, ST_NOTFOUND, "no protocol \"%.*s\"", SLICE_ARG(proto));
	if (hook.ptr != NULL) {
		o->hook_progress = ARENA_ARRAY(c->arena, uint8_t, DETECT_PROTOCOLS_MAX);
		if (o->hook_progress == NULL)
			return fail_set(why, ST_NOMEM, "no memory for a hook");
		st = hook_set(c, hook, why);
	}
	transports_add(o, o->apps);
	return st;
}

static enum status header(struct detect_compiler *c, uint8_t *how, struct fail *why)
{
	struct detect_rule *o = c->out;
	struct slice hook = c->rule->proto, proto = slice_split(&hook, ':');
	size_t i = 0;

	*how = 0;
	while (i < sizeof protos / sizeof protos[0] &&
	       !slice_equal_nocase(proto, slice_of(protos[i].word)))
		i++;
	if (i == sizeof protos / sizeof protos[0])
		return header_app(c, proto, hook, why);
	o->any_proto = protos[i].number == 0;
	o->ip_version = protos[i].ip_version;
	*how = protos[i].how;
	if (!o->any_proto)
		proto_add(o, protos[i].number);
	if (protos[i].number2 != 0)
		proto_add(o, protos[i].number2);
	if (hook.ptr == NULL)
		return ST_OK;
	*how = slice_equal(hook, SLICE("all")) ? *how : PROTO_PACKETS_ONLY;
	return packet_hook(c, hook, why);
}

/* --- from drafts to lists --- */

static void link_steps(struct detect_step *s, uint32_t n)
{
	bool need = false;

	for (uint32_t i = 0; i < n; i++) {
		const struct detect_content *o = s[i].operand;

		if (s[i].kw == detect_content_keyword)
			s[i].relative = o->has_distance || o->has_within;
	}
	for (uint32_t i = n; i-- > 0;) {
		bool moves = s[i].kw == detect_content_keyword
				     ? !((const struct detect_content *)s[i].operand)->negated
			     : s[i].kw == detect_pcre_keyword ? !detect_pcre_negated(s[i].operand)
							      : s[i].relative;

		s[i].next_relative = need;
		need = moves ? s[i].relative : need || s[i].relative;
	}
}

static bool list_finish(struct detect_compiler *c, struct detect_draft_list *d,
			struct detect_list *out)
{
	struct detect_step *copy =
		d->count == 0 ? NULL : ARENA_ARRAY(c->arena, struct detect_step, d->count);

	if (d->count != 0 && copy == NULL)
		return false;
	link_steps(d->steps, d->count);
	if (copy != NULL)
		memcpy(copy, d->steps, d->count * sizeof *copy);
	*out = (struct detect_list){
		.buffer = d->buffer, .steps = copy, .count = d->count, .if_absent = d->absent};
	return true;
}

static bool tests_copy(struct detect_compiler *c, const struct detect_test *from, uint32_t n,
		       struct detect_test **out, uint32_t *out_count)
{
	struct detect_test *copy = n == 0 ? NULL : ARENA_ARRAY(c->arena, struct detect_test, n);

	if (n != 0 && copy == NULL)
		return false;
	if (n != 0)
		memcpy(copy, from, n * sizeof *copy);
	*out = copy;
	*out_count = n;
	return true;
}

/* Steps behind base64_data become the operand's own list. */
static bool base64_finish(struct detect_compiler *c)
{
	for (uint32_t i = 0; i < c->base64_count; i++) {
		struct detect_base64 *o = c->base64[i];
		struct detect_list *l = ARENA_NEW(c->arena, struct detect_list);

		if (l == NULL || (o->draft != NULL && !list_finish(c, o->draft, l)))
			return false;
		if (o->draft != NULL)
			o->data = l;
	}
	return true;
}

static bool lists_finish(struct detect_compiler *c)
{
	struct detect_rule *o = c->out;

	o->lists = ARENA_ARRAY(c->arena, struct detect_list, c->list_count + 1);
	o->packet_lists = ARENA_ARRAY(c->arena, struct detect_list, c->list_count + 1);
	if (o->lists == NULL || o->packet_lists == NULL || !base64_finish(c))
		return false;
	o->payload_list = -1;
	for (uint32_t i = 0; i < c->list_count; i++) {
		if (c->lists[i]->count == 0)
			continue;
		if (c->lists[i]->buffer->packet != NULL) {
			if (!list_finish(c, c->lists[i], &o->packet_lists[o->packet_list_count]))
				return false;
			o->packet_list_count++;
			continue;
		}
		if (c->lists[i]->buffer->payload)
			o->payload_list = (int32_t)o->list_count;
		if (!list_finish(c, c->lists[i], &o->lists[o->list_count]))
			return false;
		o->list_count++;
	}
	return tests_copy(c, c->tests, c->test_count, &o->tests, &o->test_count) &&
	       tests_copy(c, c->tx_tests, c->tx_test_count, &o->tx_tests, &o->tx_test_count) &&
	       tests_copy(c, c->after, c->after_count, &o->after, &o->after_count);
}

/* --- the rule as a whole --- */

/* A content that is bound to a place: Suricata then asks packets too, for the stream has no places.
 */
static bool bound_to_place(const struct detect_list *l)
{
	for (uint32_t i = 0; i < l->count; i++) {
		const struct detect_content *o = l->steps[i].operand;

		if (l->steps[i].kw == detect_content_keyword && (o->has_depth || o->has_offset))
			return true;
	}
	return false;
}

static void decide_payload(struct detect_compiler *c, uint8_t how)
{
	struct detect_rule *o = c->out;
	bool tcp = o->any_proto || (o->protos[0] >> IP_PROTO_TCP & 1) != 0;

	if (how == PROTO_PACKETS_ONLY || !tcp || (o->flow_flags & FLOWKW_NO_STREAM) != 0)
		o->look = LOOK_PACKET;
	else if (how == PROTO_STREAM_ONLY || (o->flow_flags & FLOWKW_ONLY_STREAM) != 0)
		o->look = LOOK_STREAM;
	else if (c->wants_packet)
		o->look = LOOK_PACKET;
	else
		o->look =
			LOOK_STREAM |
			(bound_to_place(&o->lists[o->payload_list]) || c->stream_size ? LOOK_PACKET
										      : 0);
}

/* One buffer is the request's only, another the response's only, of the same protocol. */
static bool asks_both_sides(const struct detect_rule *o, uint64_t apps)
{
	for (unsigned p = 0; p < DETECT_PROTOCOLS_MAX; p++) {
		unsigned only = 0;

		for (uint32_t i = 0; i < o->list_count && (apps >> p & 1) != 0; i++) {
			const struct app_field *f = o->lists[i].buffer->field[p];

			if (f != NULL && f->dirs != 0 && (f->dirs & (f->dirs - 1)) == 0)
				only |= f->dirs;
		}
		if ((only & (only - 1)) != 0)
			return true;
	}
	return false;
}

/* The protocols and directions in which the rule's transactions can be. */
static enum status decide_tx(struct detect_compiler *c, struct fail *why)
{
	struct detect_rule *o = c->out;
	uint64_t apps = o->app_only ? o->apps : UINT64_MAX;
	uint32_t frames = 0;

	if (c->event_apps != 0)
		apps &= c->event_apps;
	if (c->files != NULL) {
		for (unsigned i = 0; app_protocols[i] != NULL; i++)
			if (app_protocols[i]->files == 0)
				apps &= ~(UINT64_C(1) << i);
	}
	for (uint32_t i = 0; i < o->list_count; i++) {
		uint64_t have = 0;

		if (o->lists[i].buffer->payload)
			continue;
		frames += o->lists[i].buffer->is_frame;
		for (unsigned p = 0; p < DETECT_PROTOCOLS_MAX; p++)
			if (o->lists[i].buffer->field[p] != NULL ||
			    o->lists[i].buffer->frame[p] != 0)
				have |= UINT64_C(1) << p;
		apps &= have;
	}
	if (apps == 0)
		return fail_set(why, ST_INVALID, "no protocol has all these buffers");
	o->look = frames != 0 ? LOOK_FRAME : LOOK_TX;
	o->both_sides = asks_both_sides(o, apps);
	o->has_files = c->files != NULL;
	if (o->has_files)
		detect_files_bound(c->files, o->dirs, o->both_sides);
	if (frames != 0 && (frames != o->list_count || o->tx_test_count != 0))
		return fail_set(why, ST_INVALID, "frames do not go with other buffers");
	if (!o->app_only) {
		bool any = o->any_proto;
		uint64_t protos_were[4];

		memcpy(protos_were, o->protos, sizeof protos_were);
		memset(o->protos, 0, sizeof o->protos);
		transports_add(o, apps);
		o->any_proto = false;
		for (unsigned i = 0; i < 4 && !any; i++)
			o->protos[i] &= protos_were[i];
		if ((o->protos[0] | o->protos[1] | o->protos[2] | o->protos[3]) == 0)
			return fail_set(why, ST_INVALID,
					"no protocol over %.*s has all these buffers",
					SLICE_ARG(c->rule->proto));
	}
	o->apps = apps;
	o->app_only = true;
	return ST_OK;
}

static bool address_only(const struct detect_compiler *c)
{
	const struct detect_rule *o = c->out;

	return o->test_count == 0 && o->packet_list_count == 0 &&
	       (o->flow_flags & FLOWKW_GIVEN) == 0 && !o->app_only;
}

static enum status decide(struct detect_compiler *c, uint8_t how, struct fail *why)
{
	struct detect_rule *o = c->out;

	o->dirs = 3;
	if ((o->flow_flags & FLOWKW_TO_SERVER) != 0)
		o->dirs = 1U << FLOW_TO_SERVER;
	else if ((o->flow_flags & FLOWKW_TO_CLIENT) != 0)
		o->dirs = 1U << FLOW_TO_CLIENT;
	if (o->has_hook && (o->flow_flags & (FLOWKW_TO_SERVER | FLOWKW_TO_CLIENT)) == 0)
		o->dirs = (uint8_t)(1U << o->hook_dir);
	for (uint32_t i = 0; i < o->list_count; i++)
		if (!o->lists[i].buffer->payload)
			return decide_tx(c, why);
	if (o->tx_test_count != 0 || o->has_hook || c->rule->transactional)
		return decide_tx(c, why);
	if (o->payload_list >= 0)
		decide_payload(c, how);
	else
		o->look = address_only(c) ? LOOK_ADDRESS : LOOK_PACKET;
	return ST_OK;
}

static void compiler_begin(struct detect_compiler *c, const struct rule *r, struct detect_rule *out)
{
	c->rule = r;
	c->out = out;
	*out = (struct detect_rule){.rule = r, .payload_list = -1, .noalert = r->config};
	c->list_count = c->test_count = c->tx_test_count = c->after_count = 0;
	c->drafts_used = c->base64_count = 0;
	c->event_apps = 0;
	c->files = NULL;
	c->current = c->last = NULL;
	c->sticky = c->wants_packet = c->packet_only = c->stream_size = false;
	c->content = NULL;
	c->decode = NULL;
	c->var_count = 0;
}

/* A word that is no row may be a field's name: then it is a sticky buffer, or a number. */
static enum status option(struct detect_compiler *c, const struct rule_option *o, struct fail *why)
{
	const struct detect_keyword *kw = detect_keyword_find(o->keyword);
	const struct app_protocol *p;
	const struct app_field *f;

	c->value = o->value;
	f = kw != NULL ? NULL : app_field_find(o->keyword, &p);
	if (kw == NULL && f == NULL)
		return fail_set(why, ST_NOTFOUND, "keyword is not supported");
	if (o->value.ptr != NULL && (kw != NULL ? kw->bare : f->kind == APP_BYTES))
		return fail_set(why, ST_INVALID, "%.*s takes no value", SLICE_ARG(o->keyword));
	if (kw != NULL)
		return kw->compile(c, kw, o->value, why);
	if (f->kind == APP_BYTES)
		return detect_stick(c, o->keyword, why);
	if (o->value.ptr == NULL)
		return fail_set(why, ST_INVALID, "%.*s wants a number", SLICE_ARG(o->keyword));
	return detect_number_add(c, f, o->value, why);
}

enum status detect_rule_compile(struct detect_compiler *c, const struct rule *r,
				struct detect_rule *out, struct slice *out_keyword,
				struct fail *why)
{
	enum status st;
	uint8_t how;

	compiler_begin(c, r, out);
	*out_keyword = SLICE("protocol");
	st = header(c, &how, why);
	if (st == ST_OK)
		st = detect_list_for(c, SLICE("payload"), &c->current, why);
	for (size_t i = 0; i < r->option_count && st == ST_OK; i++) {
		*out_keyword = r->options[i].keyword;
		st = option(c, &r->options[i], why);
	}
	if (st != ST_OK)
		return st;
	*out_keyword = (struct slice){NULL, 0};
	if (!lists_finish(c))
		return fail_set(why, ST_NOMEM, "no memory for a rule");
	st = decide(c, how, why);
	return st == ST_OK ? detect_rule_check(c, why) : st;
}
