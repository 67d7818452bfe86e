/* SPDX-License-Identifier: Apache-2.0
 *
 * pcre: "/expression/flags". PCRE2 on bytes (no UTF), JIT, with Suricata's limits. Letters beside
 * Perl's own: R relative to the step before; and the old ones that name a buffer.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "base/json.h"
#include "sensor/detect/detect_priv.h"

#include <pcre2.h>

enum { JIT_STACK_START = 32 << 10, JIT_STACK_MOST = 1 << 20 };

struct capture {
	struct slice name;
	uint32_t group;
	enum capture_of { OF_FLOW, OF_PACKET, OF_ALERT } of;
};

static const struct {
	const char *word, *prefix;
} capture_kinds[] = {[OF_FLOW] = {"flow", "flow_"},
		     [OF_PACKET] = {"pkt", "pkt_"},
		     [OF_ALERT] = {"alert", "alert_"}};

struct detect_pcre {
	pcre2_code *code;
	bool negated, relative;
	struct capture captures[DETECT_CAPTURES_MAX];
	uint32_t capture_count;
};

struct detect_pcre_worker {
	pcre2_match_context *context;
	pcre2_match_data *data;
	pcre2_jit_stack *stack;
};

static const struct {
	char letter;
	const char *field;
} buffers[] = {
	{'U', "http.uri"},	{'I', "http.uri.raw"},	  {'P', "http.request_body"},
	{'Q', "file.data"},	{'H', "http.header"},	  {'D', "http.header.raw"},
	{'M', "http.method"},	{'C', "http.cookie"},	  {'S', "http.stat_code"},
	{'Y', "http.stat_msg"}, {'V', "http.user_agent"}, {'W', "http.host"},
	{'Z', "http.host.raw"},
};

struct pcre_text {
	struct slice body, captures; /* captures: "flow:a,pkt:b", behind the flags */
	uint32_t options;
	bool negated, relative;
	const char *field;
};

static enum status flags_parse(struct pcre_text *t, struct slice flags, struct fail *why)
{
	for (size_t i = 0; i < flags.len; i++) {
		size_t b = 0;

		switch (flags.ptr[i]) {
		case 'i':
			t->options |= PCRE2_CASELESS;
			continue;
		case 'm':
			t->options |= PCRE2_MULTILINE;
			continue;
		case 's':
			t->options |= PCRE2_DOTALL;
			continue;
		case 'x':
			t->options |= PCRE2_EXTENDED;
			continue;
		case 'A':
			t->options |= PCRE2_ANCHORED;
			continue;
		case 'E':
			t->options |= PCRE2_DOLLAR_ENDONLY;
			continue;
		case 'G':
			t->options |= PCRE2_UNGREEDY;
			continue;
		case 'R':
			t->relative = true;
			continue;
		case 'B': /* raw bytes: ours are */
		case 'O': /* over the match limit: ours is one for all */
			continue;
		default:
			break;
		}
		while (b < sizeof buffers / sizeof buffers[0] &&
		       (uint8_t)buffers[b].letter != flags.ptr[i])
			b++;
		if (b == sizeof buffers / sizeof buffers[0])
			return fail_set(why, ST_INVALID, "unknown pcre flag \"%c\"", flags.ptr[i]);
		if (t->field != NULL && t->field != buffers[b].field)
			return fail_set(why, ST_INVALID, "pcre flags name two buffers");
		t->field = buffers[b].field;
	}
	return ST_OK;
}

/* Where the expression's last slash ends. Names of captures may have slashes themselves. */
static size_t expression_end(struct slice v)
{
	size_t end = v.len;

	for (size_t i = 0; i < end; i++) {
		struct slice behind = slice_trim(slice_from(v, i + 1));

		if (v.ptr[i] == ',' &&
		    (slice_starts(behind, SLICE("flow:")) || slice_starts(behind, SLICE("pkt:")) ||
		     slice_starts(behind, SLICE("alert:"))))
			end = i;
	}
	while (end > 1 && v.ptr[end - 1] != '/')
		end--;
	return end;
}

static enum status text_parse(struct slice v, struct pcre_text *t, struct fail *why)
{
	size_t end;

	*t = (struct pcre_text){0};
	v = slice_trim(v);
	if (v.len > 0 && v.ptr[0] == '!') {
		t->negated = true;
		v = slice_trim(slice_from(v, 1));
	}
	if (v.len >= 2 && v.ptr[0] == '"' && v.ptr[v.len - 1] == '"')
		v = slice_part(v, 1, v.len - 2);
	end = expression_end(v);
	if (v.len < 2 || v.ptr[0] != '/' || end < 2)
		return fail_set(why, ST_INVALID, "pcre wants \"/expression/flags\"");
	t->body = slice_part(v, 1, end - 2);
	t->captures = slice_from(v, end);
	return flags_parse(t, slice_split(&t->captures, ','), why);
}

/* --- groups that become variables --- */

static enum status capture_add(struct detect_pcre *o, struct slice name, uint32_t group,
			       enum capture_of of, struct fail *why)
{
	if (o->capture_count == DETECT_CAPTURES_MAX)
		return fail_set(why, ST_LIMIT, "more than %d captures", DETECT_CAPTURES_MAX);
	o->captures[o->capture_count++] = (struct capture){name, group, of};
	return ST_OK;
}

/* "flow:name,pkt:other": the first group, the second... */
static enum status captures_listed(struct detect_compiler *c, struct detect_pcre *o,
				   struct slice list, struct fail *why)
{
	uint32_t group = 0;

	while (list.ptr != NULL) {
		struct slice rest = slice_trim(slice_split(&list, ',')), kind, name;
		enum status st;
		unsigned of = 0;

		kind = slice_trim(slice_split(&rest, ':'));
		name = arena_copy(c->rules->arena, slice_trim(rest));
		while (of < 3 && !slice_equal(kind, slice_of(capture_kinds[of].word)))
			of++;
		if (name.len == 0 || of == 3)
			return fail_set(why, ST_INVALID,
					"a capture is flow:name, pkt:name or alert:name");
		st = capture_add(o, name, ++group, (enum capture_of)of, why);
		if (st != ST_OK)
			return st;
	}
	return ST_OK;
}

/* (?P<flow_name>...), (?P<pkt_name>...), (?P<alert_name>...) */
static enum status captures_named(struct detect_compiler *c, struct detect_pcre *o,
				  struct fail *why)
{
	uint32_t count = 0, entry = 0;
	PCRE2_SPTR table = NULL;

	(void)pcre2_pattern_info(o->code, PCRE2_INFO_NAMECOUNT, &count); /* fails only on misuse */
	(void)pcre2_pattern_info(o->code, PCRE2_INFO_NAMEENTRYSIZE, &entry);
	(void)pcre2_pattern_info(o->code, PCRE2_INFO_NAMETABLE, &table);
	for (uint32_t i = 0; i < count; i++, table += entry) {
		struct slice name = slice_of((const char *)table + 2);
		uint32_t group = (uint32_t)(table[0] << 8 | table[1]);
		unsigned of = 0;
		enum status st;

		while (of < 3 && !slice_starts(name, slice_of(capture_kinds[of].prefix)))
			of++;
		if (of == 3)
			continue;
		name = arena_copy(c->rules->arena,
				  slice_from(name, strlen(capture_kinds[of].prefix)));
		if (name.len == 0)
			return fail_set(why, ST_INVALID, "a capture needs a name");
		st = capture_add(o, name, group, (enum capture_of)of, why);
		if (st != ST_OK)
			return st;
	}
	return ST_OK;
}

static enum status captures_find(struct detect_compiler *c, struct detect_pcre *o,
				 struct slice list, struct fail *why)
{
	enum status st = captures_listed(c, o, list, why);
	uint32_t groups = 0;

	if (st == ST_OK && list.ptr == NULL)
		st = captures_named(c, o, why);
	if (st != ST_OK)
		return st;
	(void)pcre2_pattern_info(o->code, PCRE2_INFO_CAPTURECOUNT, &groups);
	for (uint32_t i = 0; i < o->capture_count; i++) {
		if (o->captures[i].of != OF_ALERT)
			detect_use_add(o->captures[i].of == OF_FLOW ? &c->out->var_use
								    : &c->out->packet_var_use,
				       true);
		if (o->captures[i].group > groups || o->captures[i].group > DETECT_CAPTURES_MAX)
			return fail_set(why, ST_INVALID, "pcre has no group %u to capture",
					o->captures[i].group);
	}
	return ST_OK;
}

/* The group as a JSON string in the alert's context. */
static void context_add(const struct detect_inspect *in, struct slice name, struct slice value)
{
	struct detect_worker *w = in->view->worker;
	struct buf text = buf_in(&w->packet_arena);
	struct json j = json_in(&text);

	json_str(&j, slice_part(value, 0, DETECT_CAPTURE_MAX));
	if (!text.full)
		detect_context_add(in, name, buf_slice(&text));
}

static void captures_keep(const struct detect_pcre *p, const struct detect_inspect *in,
			  struct slice subject, const PCRE2_SIZE *ov, uint32_t groups)
{
	for (uint32_t i = 0; i < p->capture_count; i++) {
		const struct capture *c = &p->captures[i];
		struct slice value;

		if (c->group >= groups || ov[2 * c->group] == PCRE2_UNSET)
			continue;
		value = slice_part(subject, ov[2 * c->group],
				   ov[2 * c->group + 1] - ov[2 * c->group]);
		if (c->of == OF_ALERT) {
			context_add(in, c->name, value);
			continue;
		}
		detect_capture_add(in->view->worker,
				   &(struct detect_capture){.name = c->name,
							    .value = value,
							    .of_packet = c->of == OF_PACKET});
	}
}

static enum status code_new(struct detect_compiler *c, struct slice body, uint32_t options,
			    struct detect_pcre *out, struct fail *why)
{
	int error;
	PCRE2_SIZE at;

	out->code = pcre2_compile(body.ptr, body.len, options, &error, &at, NULL);
	if (out->code == NULL) {
		PCRE2_UCHAR text[120];

		(void)pcre2_get_error_message(error, text, sizeof text); /* cut texts are fine */
		return fail_set(why, ST_INVALID, "pcre at %zu: %s", (size_t)at, (char *)text);
	}
	if (!ARENA_PUSH(c->rules->arena, c->rules->pcres, c->rules->pcre_count, c->rules->pcre_room,
			out)) {
		detect_pcre_free(out);
		return fail_set(why, ST_NOMEM, "no memory for a pcre");
	}
	return ST_OK;
}

static enum status compile_pcre(struct detect_compiler *c, const struct detect_keyword *kw,
				struct slice value, struct fail *why)
{
	struct detect_pcre *o = ARENA_NEW(c->arena, struct detect_pcre);
	struct detect_draft_list *keep = c->current;
	struct pcre_text t;
	enum status st = text_parse(value, &t, why);

	if (st != ST_OK)
		return st;
	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a pcre");
	st = code_new(c, t.body, t.options, o, why);
	if (st != ST_OK)
		return st;
	o->negated = t.negated;
	o->relative = t.relative;
	st = captures_find(c, o, t.captures, why);
	if (st != ST_OK)
		return st;
	if (t.field != NULL && !c->sticky) {
		st = detect_list_for(c, slice_of(t.field), &c->current, why);
		if (st != ST_OK)
			return st;
	}
	st = detect_add_step(c, kw, o, t.relative, why);
	c->current = keep;
	return st;
}

enum status detect_pcre_new(struct detect_compiler *c, struct slice expression,
			    struct detect_pcre **out, struct fail *why)
{
	struct detect_pcre *o = ARENA_NEW(c->arena, struct detect_pcre);

	*out = o;
	return o == NULL ? fail_set(why, ST_NOMEM, "no memory for a pcre")
			 : code_new(c, expression, 0, o, why);
}

struct slice detect_pcre_group(const struct detect_pcre *p, const struct detect_pcre_worker *w,
			       struct slice s)
{
	const PCRE2_SIZE *ov;

	if (s.len == 0 || pcre2_match(p->code, s.ptr, s.len, 0, 0, w->data, w->context) < 2)
		return s;
	ov = pcre2_get_ovector_pointer(w->data);
	return ov[2] == PCRE2_UNSET ? s : slice_part(s, ov[2], ov[3] - ov[2]);
}

void detect_pcre_jit(struct detect_pcre *p)
{
	/* without JIT (no memory, unsupported) the interpreter does it, slower */
	(void)pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE);
}

void detect_pcre_free(struct detect_pcre *p)
{
	pcre2_code_free(p->code);
	p->code = NULL;
}

bool detect_pcre_negated(const struct detect_pcre *p)
{
	return p->negated;
}

struct detect_pcre_worker *detect_pcre_worker_new(const struct detect_bounds *b, struct arena *a)
{
	struct detect_pcre_worker *w = ARENA_NEW(a, struct detect_pcre_worker);

	if (w == NULL)
		return NULL;
	w->context = pcre2_match_context_create(NULL);
	w->data = pcre2_match_data_create(DETECT_CAPTURES_MAX + 1, NULL);
	w->stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MOST, NULL);
	if (w->context == NULL || w->data == NULL || w->stack == NULL) {
		detect_pcre_worker_free(w);
		return NULL;
	}
	(void)pcre2_set_match_limit(w->context, b->pcre_matches); /* always 0 */
	(void)pcre2_set_depth_limit(w->context, b->pcre_depth);
	pcre2_jit_stack_assign(w->context, NULL, w->stack);
	return w;
}

void detect_pcre_worker_free(struct detect_pcre_worker *w)
{
	if (w == NULL)
		return;
	pcre2_jit_stack_free(w->stack);
	pcre2_match_data_free(w->data);
	pcre2_match_context_free(w->context);
	*w = (struct detect_pcre_worker){0};
}

bool detect_pcre_find(const struct detect_pcre *p, struct detect_inspect *in, size_t *from,
		      size_t *out_end)
{
	const struct detect_pcre_worker *w = in->worker->pcre;
	struct slice subject = p->relative ? slice_from(in->bytes, in->pos) : in->bytes;
	size_t base = in->bytes.len - subject.len;
	const PCRE2_SIZE *ov;
	int groups;

	if (*from > subject.len)
		return false;
	if (subject.ptr == NULL)
		subject = SLICE("");
	groups = pcre2_match(p->code, subject.ptr, subject.len, *from, 0, w->data, w->context);
	if (groups < 0 && groups != PCRE2_ERROR_NOMATCH) { /* over a limit */
		uint32_t matches = in->worker->rules->bounds.pcre_matches;

		in->worker->counters.exploded++;
		in->worker->work_left -= /* but what says that it is over is next_place() */
			in->worker->work_left > matches ? matches : in->worker->work_left - 1;
		in->work = DETECT_WORK_OVER;
	}
	if (groups < 0)
		return false;
	ov = pcre2_get_ovector_pointer(w->data);
	if (p->capture_count != 0)
		captures_keep(p, in, subject, ov,
			      groups == 0 ? DETECT_CAPTURES_MAX + 1 : (uint32_t)groups);
	*from = ov[0] + 1;
	*out_end = base + (ov[1] < ov[0] ? ov[0] : ov[1]);
	return true;
}

KEYWORD(pcre) = {
	{.name = "pcre",
	 .kind = KIND_STEP,
	 .compile = compile_pcre,
	 .doc = "a Perl-compatible expression that must (or must not) match"},
	{0},
};

const struct detect_keyword *const detect_pcre_keyword = &detect_kw_pcre[0];
