/* SPDX-License-Identifier: Apache-2.0
 * flow: direction and state; stream_size: bytes of a TCP session; app-layer-protocol. */
#include "base/text.h"
#include "sensor/detect/detect_priv.h"
#include "sensor/stream/stream.h"

static const struct {
	const char *word;
	uint16_t flag, against;
} words[] = {
	{"to_server", FLOWKW_TO_SERVER, FLOWKW_TO_CLIENT},
	{"from_client", FLOWKW_TO_SERVER, FLOWKW_TO_CLIENT},
	{"to_client", FLOWKW_TO_CLIENT, FLOWKW_TO_SERVER},
	{"from_server", FLOWKW_TO_CLIENT, FLOWKW_TO_SERVER},
	{"established", FLOWKW_ESTABLISHED, FLOWKW_NOT_ESTABLISHED | FLOWKW_STATELESS},
	{"not_established", FLOWKW_NOT_ESTABLISHED, FLOWKW_ESTABLISHED | FLOWKW_STATELESS},
	{"stateless", FLOWKW_STATELESS, FLOWKW_ESTABLISHED | FLOWKW_NOT_ESTABLISHED},
	{"only_stream", FLOWKW_ONLY_STREAM, FLOWKW_NO_STREAM},
	{"no_stream", FLOWKW_NO_STREAM, FLOWKW_ONLY_STREAM},
	{"only_frag", FLOWKW_ONLY_FRAG, FLOWKW_NO_FRAG},
	{"no_frag", FLOWKW_NO_FRAG, FLOWKW_ONLY_FRAG},
};

static enum status compile_flow(struct detect_compiler *c, const struct detect_keyword *kw,
				struct slice value, struct fail *why)
{
	struct slice rest = value;
	uint16_t flags = FLOWKW_GIVEN;

	if (c->out->flow_flags != 0)
		return fail_set(why, ST_INVALID, "flow twice in one rule");
	while (rest.ptr != NULL) {
		struct slice w = slice_trim(slice_split(&rest, ','));
		size_t i = 0;

		while (i < sizeof words / sizeof words[0] &&
		       !slice_equal_nocase(w, slice_of(words[i].word)))
			i++;
		if (i == sizeof words / sizeof words[0])
			return fail_set(why, ST_INVALID, "flow does not know \"%.*s\"",
					SLICE_ARG(w));
		if ((flags & words[i].flag) != 0)
			return fail_set(why, ST_INVALID, "flow says %s twice", words[i].word);
		if ((flags & words[i].against) != 0)
			return fail_set(why, ST_INVALID, "flow says %s and its opposite",
					words[i].word);
		flags |= words[i].flag;
	}
	c->out->flow_flags = flags;
	return ST_OK;
}

struct size_operand {
	enum { SIZE_CLIENT, SIZE_SERVER, SIZE_BOTH, SIZE_EITHER } side;
	struct detect_range range;
};

/* Sequence numbers used so far, as Suricata counts: the SYN is one. */
static bool stream_size(const void *operand, const struct detect_view *v)
{
	const struct size_operand *o = operand;
	bool client, server;

	if (v->flow == NULL || v->flow->stream == NULL)
		return false;
	client = detect_range_holds(&o->range, stream_bytes(v->flow, FLOW_TO_SERVER) + 1);
	server = detect_range_holds(&o->range, stream_bytes(v->flow, FLOW_TO_CLIENT) + 1);
	switch (o->side) {
	case SIZE_CLIENT:
		return client;
	case SIZE_SERVER:
		return server;
	case SIZE_BOTH:
		return client && server;
	case SIZE_EITHER:
		break;
	}
	return client || server;
}

static enum status compile_size(struct detect_compiler *c, const struct detect_keyword *kw,
				struct slice value, struct fail *why)
{
	static const char *const sides[] = {"client", "server", "both", "either"};
	struct size_operand *o = ARENA_NEW(c->arena, struct size_operand);
	struct slice rest = value, side = slice_trim(slice_split(&rest, ',')), op, text;
	unsigned i = 0;
	uint8_t both[32];

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	op = slice_trim(slice_split(&rest, ','));
	rest = slice_trim(rest);
	while (i < 4 && !slice_equal(side, slice_of(sides[i])))
		i++;
	if (i == 4 || op.len == 0 || op.len + rest.len > sizeof both)
		return fail_set(why, ST_INVALID, "stream_size wants side, operator, number");
	memcpy(both, op.ptr, op.len);
	if (rest.len != 0)
		memcpy(both + op.len, rest.ptr, rest.len);
	text = (struct slice){both, op.len + rest.len};
	o->side = SIZE_CLIENT + i;
	if (!detect_range_parse(text, UINT32_MAX, &o->range))
		return fail_set(why, ST_INVALID, "stream_size wants side, operator, number");
	c->stream_size = true;
	return detect_add_test(c, kw, o, why);
}

/* Which of a flow's protocols: what it is (the usual), what it was before it changed, what the
 * bytes of the client or of the server said, or either of these. */
enum proto_mode { PROTO_FINAL, PROTO_ORIGINAL, PROTO_CLIENT, PROTO_SERVER, PROTO_EITHER };

struct proto_operand {
	uint64_t apps;
	bool failed; /* recognition gave up; apps is 0 */
	bool negated;
	enum proto_mode mode;
};

static bool is_of(const struct app_protocol *p, const struct proto_operand *o)
{
	int i = p != NULL ? detect_protocol_index(p) : -1;

	return i >= 0 && (o->apps >> i & 1) != 0;
}

static bool app_protocol(const void *operand, const struct detect_view *v)
{
	const struct proto_operand *o = operand;
	const struct app_flow *a = v->flow != NULL ? v->flow->app : NULL;

	if (a == NULL || (a->protocol == NULL && (!o->failed || a->state != APP_GIVEN_UP)))
		return false; /* not known (yet): neither it nor another */
	if (o->failed)
		return (a->protocol == NULL) != o->negated;
	switch (o->mode) {
	case PROTO_FINAL:
		break;
	case PROTO_ORIGINAL:
		return is_of(a->before, o) != o->negated;
	case PROTO_CLIENT:
	case PROTO_SERVER: {
		const struct app_protocol *p =
			a->told[o->mode == PROTO_CLIENT ? APP_TO_SERVER : APP_TO_CLIENT];

		return p != NULL && is_of(p, o) != o->negated;
	}
	case PROTO_EITHER:
		return (is_of(a->told[APP_TO_SERVER], o) || is_of(a->told[APP_TO_CLIENT], o) ||
			is_of(a->protocol, o)) != o->negated;
	}
	return is_of(a->protocol, o) != o->negated;
}

/* False: no such word. */
static bool proto_mode(struct slice word, enum proto_mode *out)
{
	static const struct {
		const char *word;
		enum proto_mode mode;
	} modes[] = {{"final", PROTO_FINAL},	  {"original", PROTO_ORIGINAL},
		     {"to_server", PROTO_CLIENT}, {"toserver", PROTO_CLIENT},
		     {"toclient", PROTO_SERVER},  {"to_client", PROTO_SERVER},
		     {"either", PROTO_EITHER}};

	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
		if (slice_equal(word, slice_of(modes[i].word))) {
			*out = modes[i].mode;
			return true;
		}
	return false;
}

static enum status compile_app_protocol(struct detect_compiler *c, const struct detect_keyword *kw,
					struct slice value, struct fail *why)
{
	struct proto_operand *o = ARENA_NEW(c->arena, struct proto_operand);
	bool not = value.len > 0 && value.ptr[0] == '!';
	struct slice rest = slice_from(value, not ? 1 : 0),
		     name = slice_trim(slice_split(&rest, ','));

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	if (rest.ptr != NULL && !proto_mode(slice_trim(rest), &o->mode))
		return fail_set(why, ST_INVALID, "%s does not know \"%.*s\"", kw->name,
				SLICE_ARG(rest));
	if (!not &&c->out->app_only)
		return fail_set(why, ST_INVALID, "the rule's header names its protocol already");
	o->negated = not ;
	o->failed = slice_equal(name, SLICE("failed"));
	o->apps = detect_apps_named(name);
	for (uint32_t i = 0; i < c->test_count; i++)
		if (c->tests[i].kw == kw &&
		    !not &&!((const struct proto_operand *)c->tests[i].operand)->negated)
			return fail_set(why, ST_INVALID, "%s twice in one rule", kw->name);
	if (o->apps == 0 && !o->failed)
		return fail_set(why, ST_NOTFOUND, "no protocol \"%.*s\"", SLICE_ARG(value));
	return detect_add_test(c, kw, o, why);
}

KEYWORD(flow) = {
	{.name = "flow",
	 .kind = KIND_TEST,
	 .compile = compile_flow,
	 .doc = "direction and state of the flow"},
	{.name = "stream_size",
	 .compile = compile_size,
	 .test = stream_size,
	 .cost = 3,
	 .doc = "bytes a side of a TCP session has sent"},
	{.name = "app-layer-protocol",
	 .compile = compile_app_protocol,
	 .test = app_protocol,
	 .cost = 2,
	 .doc = "the application protocol that was recognised"},
	{0},
};
