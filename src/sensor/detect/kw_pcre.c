/* SPDX-License-Identifier: Apache-2.0
 *
 * pcre: "/expression/flags". PCRE2 on bytes (no UTF), JIT, with Suricata's limits. Letters beside
 * Perl's own: R relative to the step before; and the old ones that name a buffer.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "sensor/detect/detect_priv.h"

#include <pcre2.h>

enum {
	MATCH_LIMIT = 3500,
	DEPTH_LIMIT = 1500,
	JIT_STACK_START = 32 << 10,
	JIT_STACK_MOST = 1 << 20
};

struct detect_pcre {
	pcre2_code *code;
	bool negated, relative;
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
	struct slice body;
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
	end = v.len;
	while (end > 1 && v.ptr[end - 1] != '/')
		end--;
	if (v.len < 2 || v.ptr[0] != '/' || end < 2)
		return fail_set(why, ST_INVALID, "pcre wants \"/expression/flags\"");
	t->body = slice_part(v, 1, end - 2);
	return flags_parse(t, slice_from(v, end), why);
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
	if (t.field != NULL && !c->sticky) {
		st = detect_list_for(c, slice_of(t.field), &c->current, why);
		if (st != ST_OK)
			return st;
	}
	st = detect_add_step(c, kw, o, t.relative, why);
	c->current = keep;
	return st;
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

struct detect_pcre_worker *detect_pcre_worker_new(struct arena *a)
{
	struct detect_pcre_worker *w = ARENA_NEW(a, struct detect_pcre_worker);

	if (w == NULL)
		return NULL;
	w->context = pcre2_match_context_create(NULL);
	w->data = pcre2_match_data_create(1, NULL);
	w->stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MOST, NULL);
	if (w->context == NULL || w->data == NULL || w->stack == NULL) {
		detect_pcre_worker_free(w);
		return NULL;
	}
	(void)pcre2_set_match_limit(w->context, MATCH_LIMIT); /* always 0 */
	(void)pcre2_set_depth_limit(w->context, DEPTH_LIMIT);
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

bool detect_pcre_find(const struct detect_pcre *p, const struct detect_inspect *in, size_t *from,
		      size_t *out_end)
{
	const struct detect_pcre_worker *w = in->worker->pcre;
	struct slice subject = p->relative ? slice_from(in->bytes, in->pos) : in->bytes;
	size_t base = in->bytes.len - subject.len;
	const PCRE2_SIZE *ov;

	if (*from > subject.len)
		return false;
	if (subject.ptr == NULL)
		subject = SLICE("");
	if (pcre2_match(p->code, subject.ptr, subject.len, *from, 0, w->data, w->context) < 0)
		return false; /* no match, or over a limit */
	ov = pcre2_get_ovector_pointer(w->data);
	*from = ov[0] + 1;
	*out_end = base + (ov[1] < ov[0] ? ov[0] : ov[1]);
	return true;
}

KEYWORD(pcre) = {
	{.name = "pcre",
	 .compile = compile_pcre,
	 .doc = "a Perl-compatible expression that must (or must not) match"},
	{0},
};

const struct detect_keyword *const detect_pcre_keyword = &detect_kw_pcre[0];
