/* SPDX-License-Identifier: Apache-2.0
 * dewline treaty vocabulary: our words, those of others, and how they meet. */
#include "assess/vocab/vocab.h"
#include "base/json.h"
#include "base/text.h"
#include "console/cli/treaty.h"

static bool is(struct slice s, const char *z)
{
	return slice_equal(s, slice_of(z));
}

/* ---- ours ------------------------------------------------------------------------------------ */

static void row_json(const struct vocab_map *m, const char *ours, const struct vocab_row *r,
		     struct buf *out)
{
	struct json j = json_in(out);

	json_object(&j);
	json_member_str(&j, "class", slice_of(m->class));
	json_member_str(&j, "value", slice_of(ours));
	json_member_str(&j, "scheme", slice_of(m->list->scheme));
	json_member_str(&j, "list", slice_of(m->list->name));
	json_key(&j, "code");
	if (r != NULL)
		json_str(&j, slice_of(r->theirs));
	else
		json_null(&j);
	if (r != NULL)
		json_member_str(&j, "fit", slice_of(vocab_fit_name(r->fit)));
	json_member_str(&j, "source", slice_of(m->list->source));
	json_end(&j);
	buf_add_byte(out, '\n');
}

/* A value in one list of others, or that it has no counterpart there. */
static void value_in(const struct vocab_map *m, const char *value, bool json, struct buf *out)
{
	bool any = false;

	if (!json)
		buf_add_fmt(out, "      %s %s: ", m->list->scheme, m->list->name);
	for (const struct vocab_row *r = m->rows; r->ours != NULL; r++) {
		if (!is(slice_of(value), r->ours))
			continue;
		if (json)
			row_json(m, value, r, out);
		else
			buf_add_fmt(out, "%s%s (%s)", any ? ", " : "", r->theirs,
				    vocab_fit_name(r->fit));
		any = true;
	}
	if (!any && json)
		row_json(m, value, NULL, out);
	if (!json)
		buf_add_z(out, any ? "\n" : "no counterpart\n");
}

static void class_out(const struct vocab_class *c, bool json, struct buf *out)
{
	size_t n;
	const struct vocab_map *maps = vocab_maps(&n);

	if (!json)
		buf_add_fmt(out, "%s: %s\n", c->name, c->means);
	for (const struct vocab_value *v = c->values; v->name != NULL; v++) {
		bool any = false;

		if (!json)
			buf_add_fmt(out, "  %s%s%s\n", v->name, v->means[0] ? ": " : "", v->means);
		for (size_t i = 0; i < n; i++) {
			if (!is(slice_of(c->name), maps[i].class))
				continue;
			value_in(&maps[i], v->name, json, out);
			any = true;
		}
		if (!any && json) { /* a class that no list of others has */
			struct json j = json_in(out);

			json_object(&j);
			json_member_str(&j, "class", slice_of(c->name));
			json_member_str(&j, "value", slice_of(v->name));
			json_key(&j, "scheme");
			json_null(&j);
			json_end(&j);
			buf_add_byte(out, '\n');
		}
	}
	if (!json)
		buf_add_byte(out, '\n');
}

/* ---- theirs ---------------------------------------------------------------------------------- */

/* A code of theirs in all classes of ours; false if none has it. */
static bool code_out(const struct vocab_list *l, const char *code, struct buf *out)
{
	size_t n;
	const struct vocab_map *maps = vocab_maps(&n);
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		if (maps[i].list != l)
			continue;
		for (const struct vocab_row *r = maps[i].rows; r->ours != NULL; r++) {
			if (!is(slice_of(code), r->theirs))
				continue;
			if (out != NULL)
				buf_add_fmt(out, "%s%s %s (%s)", any ? ", " : "", maps[i].class,
					    r->ours, vocab_fit_name(r->fit));
			any = true;
		}
	}
	return any;
}

static void list_text(const struct vocab_list *l, struct buf *out)
{
	buf_add_fmt(out, "%s %s\n  source: %s\n", l->scheme, l->name, l->source);
	for (const char *const *c = l->codes; *c != NULL; c++) {
		buf_add_fmt(out, "  %s: ", *c);
		if (!code_out(l, *c, out))
			buf_add_z(out, "no counterpart");
		buf_add_byte(out, '\n');
	}
	buf_add_byte(out, '\n');
}

/* Ours are told by class; what is left is theirs alone. */
static void list_json(const struct vocab_list *l, struct buf *out)
{
	for (const char *const *c = l->codes; *c != NULL; c++) {
		struct json j = json_in(out);

		if (code_out(l, *c, NULL))
			continue;
		json_object(&j);
		json_key(&j, "class");
		json_null(&j);
		json_key(&j, "value");
		json_null(&j);
		json_member_str(&j, "scheme", slice_of(l->scheme));
		json_member_str(&j, "list", slice_of(l->name));
		json_member_str(&j, "code", slice_of(*c));
		json_member_str(&j, "source", slice_of(l->source));
		json_end(&j);
		buf_add_byte(out, '\n');
	}
}

/* ---- scales ---------------------------------------------------------------------------------- */

static void write_milli(int32_t milli, struct buf *out)
{
	claim_write_interval((struct interval){milli, milli}, out);
}

static void scale_text(const struct vocab_scale *s, struct buf *out)
{
	buf_add_fmt(out, "%s\n  source: %s\n", s->name, s->source);
	for (const struct vocab_band *b = s->bands; b->word != NULL; b++) {
		buf_add_z(out, "  from ");
		write_milli(b->from, out);
		buf_add_fmt(out, ": %s\n", b->word);
	}
	buf_add_byte(out, '\n');
}

static void scale_json(const struct vocab_scale *s, struct buf *out)
{
	struct json j = json_in(out);

	json_object(&j);
	json_member_str(&j, "scale", slice_of(s->name));
	json_key(&j, "bands");
	json_array(&j);
	for (const struct vocab_band *b = s->bands; b->word != NULL; b++) {
		json_object(&j);
		json_key(&j, "from");
		json_fixed(&j, b->from, 3);
		json_member_str(&j, "word", slice_of(b->word));
		json_end(&j);
	}
	json_end(&j);
	json_member_str(&j, "source", slice_of(s->source));
	json_end(&j);
	buf_add_byte(out, '\n');
}

/* 0.42 as 420; false if it is no number of that form. */
static bool milli_of(struct slice s, int32_t *out)
{
	struct slice whole = slice_split(&s, '.');
	uint64_t w, part = 0;

	if (whole.len != 1 || !text_is_digit(whole.ptr[0]) || !text_u64(whole, 0, 1, &w) ||
	    s.len > 3 || (s.ptr != NULL && s.len == 0))
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (i < s.len && !text_is_digit(s.ptr[i]))
			return false;
		part = part * 10 + (i < s.len ? (uint64_t)(s.ptr[i] - '0') : 0);
	}
	if (w * CLAIM_CERTAIN + part > CLAIM_CERTAIN)
		return false;
	*out = (int32_t)(w * CLAIM_CERTAIN + part); /* at most 1000 */
	return true;
}

/* One number in the words of all scales: why none is ever read back. */
static void number_out(int32_t milli, bool json, struct buf *out)
{
	size_t n;
	const struct vocab_scale *s = vocab_scales(&n);
	struct json j = json_in(out);

	if (json) {
		json_object(&j);
		json_key(&j, "number");
		json_fixed(&j, milli, 3);
	}
	for (size_t i = 0; i < n; i++) {
		const char *word = vocab_scale_word(&s[i], milli);

		if (json) {
			json_member_str(&j, s[i].name, slice_of(word));
			continue;
		}
		write_milli(milli, out);
		buf_add_fmt(out, "  %s: %s\n", s[i].name, word);
	}
	if (!json)
		return;
	json_end(&j);
	buf_add_byte(out, '\n');
}

/* ---- what was asked for ---------------------------------------------------------------------- */

/* What one word names: a class, a scheme, "scales", or a number; an empty one, all. False: nothing
 * does. */
static bool topic_out(struct slice word, bool json, struct buf *out)
{
	size_t classes, lists, scales;
	const struct vocab_class *c = vocab_classes(&classes);
	const struct vocab_list *const *l = vocab_lists(&lists);
	const struct vocab_scale *s = vocab_scales(&scales);
	bool all = word.len == 0, any = all;
	int32_t milli;

	if (milli_of(word, &milli)) {
		number_out(milli, json, out);
		return true;
	}
	for (size_t i = 0; i < classes; i++)
		if (all || is(word, c[i].name)) {
			class_out(&c[i], json, out);
			any = true;
		}
	for (size_t i = 0; i < lists; i++)
		if (all || is(word, l[i]->scheme)) {
			(json ? list_json : list_text)(l[i], out);
			any = true;
		}
	for (size_t i = 0; i < scales; i++)
		if (all || is(word, "scales")) {
			(json ? scale_json : scale_text)(&s[i], out);
			any = true;
		}
	return any;
}

static void say_topics(struct cli *c, struct slice word)
{
	size_t classes, lists;
	const struct vocab_class *k = vocab_classes(&classes);
	const struct vocab_list *const *l = vocab_lists(&lists);
	struct buf b = buf_in(c->arena);

	for (size_t i = 0; i < classes; i++)
		buf_add_fmt(&b, " %s", k[i].name);
	for (size_t i = 0; i < lists; i++)
		if (i == 0 || l[i]->scheme != l[i - 1]->scheme)
			buf_add_fmt(&b, " %s", l[i]->scheme);
	cli_say(c, "\"%.*s\": expected a number from 0 to 1, scales, or one of:%.*s",
		SLICE_ARG(word), SLICE_ARG(buf_slice(&b)));
}

int cmd_treaty_vocabulary(struct cli *c)
{
	bool json = cli_value(c, "json").ptr != NULL;
	struct buf out = buf_in(c->arena);

	if (c->word_count == 1)
		(void)topic_out(SLICE(""), json, &out); /* all of it: nothing can be unknown */
	for (size_t i = 1; i < c->word_count; i++)
		if (c->words[i].len == 0 || !topic_out(c->words[i], json, &out)) {
			say_topics(c, c->words[i]);
			return CLI_CANNOT;
		}
	return cli_print(c, buf_slice(&out)) ? CLI_DONE : CLI_CANNOT;
}
